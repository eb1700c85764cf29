//! Ctrl-C and other signals: the first one asks a run to stop, a second one ends the program at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::dispatch::{StopReason, StopToken};
use crate::{Error, Kind, Result};

/// Makes a file that grows beyond a limit of the system (`ulimit -f`) an error like a full disk. Otherwise the system would
/// end the program silently.
pub(super) fn survive_file_size_limit() {
    // If this fails, the program can end that way. A claim is then durable, or its request never started.
    let _ = flag::register(SIGXFSZ, Arc::default());
}

/// The signals that ask the program to end, and what each of them counts as: a closed terminal ends a run as a request to
/// terminate does.
const SIGNALS: [(i32, i32); 3] = [(SIGINT, SIGINT), (SIGTERM, SIGTERM), (SIGHUP, SIGTERM)];

/// Whether a signal ends the program at once.
static EXIT_ON_SIGNAL: LazyLock<Arc<AtomicBool>> =
    LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// Makes a signal end the program with the exit code that it has during a run.
pub(super) fn exit_with_a_code() {
    for (signal, counts_as) in SIGNALS {
        let condition = Arc::clone(&EXIT_ON_SIGNAL);
        // If this fails, the system ends the program.
        let _ = flag::register_conditional_shutdown(signal, 128 + counts_as, condition);
    }
}

/// What a signal does in a run.
enum Reaction {
    /// No request was made yet: it ends the program, after this.
    End(Box<dyn Fn(i32) + Send>),
    /// It asks the run to stop, and tells the user so.
    Stop(Arc<StopToken>, Box<dyn Fn(&str) + Send>),
}

static REACTION: Mutex<Option<Reaction>> = Mutex::new(None);

/// Makes a signal end the program after `work`, which gets the signal. A second one ends it at once.
pub(super) fn before_exit(work: impl Fn(i32) + Send + 'static) -> Result<()> {
    react(Reaction::End(Box::new(work)))
}

/// A token that signals stop from now on. `tell` tells the user that the run is stopping.
pub(super) fn stop_token(tell: impl Fn(&str) + Send + 'static) -> Result<Arc<StopToken>> {
    let token = Arc::new(StopToken::default());
    react(Reaction::Stop(Arc::clone(&token), Box::new(tell)))?;
    Ok(token)
}

fn react(reaction: Reaction) -> Result<()> {
    let mut current = REACTION.lock().unwrap_or_else(PoisonError::into_inner);
    if current.is_none() {
        let mut signals = Signals::new(SIGNALS.map(|(signal, _)| signal)).map_err(|error| {
            Error::new(Kind::Other, "signals cannot be caught").caused_by(error)
        })?;
        EXIT_ON_SIGNAL.store(false, Ordering::SeqCst);
        std::thread::spawn(move || signals.forever().for_each(received));
    }
    *current = Some(reaction);
    Ok(())
}

fn received(signal: i32) {
    let counts_as = SIGNALS.iter().find(|(each, _)| *each == signal);
    let signal = counts_as.map_or(signal, |(_, counts_as)| *counts_as);
    let reaction = REACTION.lock().unwrap_or_else(PoisonError::into_inner);
    match &*reaction {
        Some(Reaction::Stop(token, tell))
            if !matches!(token.reason(), Some(StopReason::Signal(_))) =>
        {
            token.request(StopReason::Signal(signal));
            tell(
                "Stopping: requests under way are awaited, nothing new is sent. A second signal ends the program at once.",
            );
            return;
        }
        Some(Reaction::End(work)) => {
            EXIT_ON_SIGNAL.store(true, Ordering::SeqCst);
            work(signal);
        }
        // What is in flight stays claimed, and counts as unknown: what a kill leaves.
        _ => {}
    }
    std::process::exit(128 + signal);
}

/// What people call a signal.
pub(super) fn name(signal: i32) -> &'static str {
    signal_hook::low_level::signal_name(signal).unwrap_or("a signal")
}
