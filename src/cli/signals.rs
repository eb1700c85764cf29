//! Ctrl-C and other signals: the first one asks a run to stop, a second one ends the program at once.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use super::clock;
use crate::dispatch::{StopReason, StopToken};
use crate::{Error, Kind, Result};

/// Makes a file that grows beyond a limit of the system (`ulimit -f`) an error like a full disk. Otherwise the system would
/// end the program silently.
pub(super) fn survive_file_size_limit() {
    // If this fails, the program can end that way. A claim is then durable, or its request never started.
    let _ = flag::register(SIGXFSZ, Arc::default());
}

/// The signals that ask the program to end, and what each of them counts as: a closed terminal ends a run as a request to
/// terminate does. One that was ignored when the program started, as by `nohup`, stays ignored.
static SIGNALS: LazyLock<Vec<(i32, i32)>> = LazyLock::new(|| {
    // Other systems do not say it there.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut signals = vec![(SIGINT, SIGINT), (SIGTERM, SIGTERM), (SIGHUP, SIGTERM)];
    signals.retain(|(signal, _)| !is_ignored(*signal, &status));
    signals
});

/// Whether the status of a process, as Linux shows it, says that it ignores the signal.
fn is_ignored(signal: i32, status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Whether a signal ends the program at once, without any reaction.
static EXIT_ON_SIGNAL: LazyLock<Arc<AtomicBool>> =
    LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// Makes a signal end the program with the exit code that it has during a run.
pub(super) fn exit_with_a_code() {
    for &(signal, counts_as) in SIGNALS.iter() {
        let condition = Arc::clone(&EXIT_ON_SIGNAL);
        // If this fails, the system ends the program.
        let _ = flag::register_conditional_shutdown(signal, 128 + counts_as, condition);
    }
}

/// What a signal does.
enum Reaction {
    /// No request was made yet: it ends the program, after this. A second one ends it at once.
    End(Box<dyn FnOnce(i32) + Send>),
    /// It asks the run to stop, and tells the user so. A second one ends the program at once.
    Stop(Arc<StopToken>, Box<dyn Fn(&str) + Send>),
    /// The program is ending: it ends at once, after this, which takes no time.
    Exit(Box<dyn Fn() + Send>),
}

static REACTION: Mutex<Option<Reaction>> = Mutex::new(None);

/// Makes a signal end the program after `work`, which gets the signal. A second one ends it at once.
pub(super) fn before_exit(work: impl FnOnce(i32) + Send + 'static) -> Result<()> {
    react(Reaction::End(Box::new(work)))
}

/// A token that signals stop from now on. `tell` tells the user that the run is stopping.
pub(super) fn stop_token(tell: impl Fn(&str) + Send + 'static) -> Result<Arc<StopToken>> {
    let token = Arc::new(StopToken::default());
    react(Reaction::Stop(Arc::clone(&token), Box::new(tell)))?;
    Ok(token)
}

/// Whether a signal asked the run to stop.
pub(super) fn is_stopping() -> bool {
    match &*current_reaction() {
        Some(Reaction::Stop(token, _)) => matches!(token.reason(), Some(StopReason::Signal(_))),
        _ => false,
    }
}

/// Makes a signal end the program at once, after `work`.
pub(super) fn exit_at_once(work: impl Fn() + Send + 'static) {
    let mut current = current_reaction();
    // If signals cannot be caught, they end the program without it.
    let _ = catch_signals(current.as_ref());
    *current = Some(Reaction::Exit(Box::new(work)));
}

fn current_reaction() -> MutexGuard<'static, Option<Reaction>> {
    REACTION.lock().unwrap_or_else(PoisonError::into_inner)
}

fn react(reaction: Reaction) -> Result<()> {
    let mut current = current_reaction();
    if matches!(*current, Some(Reaction::Exit(_))) {
        drop(current);
        // Another thread ends the program. Nothing may be sent meanwhile.
        loop {
            thread::park();
        }
    }
    catch_signals(current.as_ref())?;
    *current = Some(reaction);
    Ok(())
}

/// Begins to catch signals, unless there is a reaction already.
fn catch_signals(current: Option<&Reaction>) -> Result<()> {
    if current.is_some() {
        return Ok(());
    }
    let signals = Signals::new(SIGNALS.iter().map(|(signal, _)| *signal));
    let mut signals = signals
        .map_err(|error| Error::new(Kind::Other, "signals cannot be caught").caused_by(error))?;
    EXIT_ON_SIGNAL.store(false, Ordering::SeqCst);
    thread::spawn(move || {
        let mut first = None;
        for signal in signals.forever() {
            let counts_as = SIGNALS.iter().find(|(each, _)| *each == signal);
            let signal = counts_as.map_or(signal, |(_, counts_as)| *counts_as);
            let this = (signal, clock::instant());
            if !first.is_some_and(|first| is_repeated(first, this)) {
                first = first.or(Some(this));
                received(signal);
            }
        }
    });
    Ok(())
}

/// How long after the first signal another one of its kind is the same one: `timeout` sends its signal twice, and so do a shell and
/// the system when a terminal is closed.
const REPEATED_WITHIN: Duration = Duration::from_millis(300);

fn is_repeated(first: (i32, Instant), second: (i32, Instant)) -> bool {
    first.0 == second.0 && second.1.duration_since(first.1) < REPEATED_WITHIN
}

fn received(signal: i32) {
    let exit = move || std::process::exit(128 + signal);
    let mut reaction = current_reaction();
    match reaction.take() {
        Some(Reaction::Stop(token, tell))
            if !matches!(token.reason(), Some(StopReason::Signal(_))) =>
        {
            token.request(StopReason::Signal(signal));
            tell(
                "Stopping: requests under way are awaited, nothing new is sent. A second signal ends the program at once.",
            );
            *reaction = Some(Reaction::Stop(token, tell));
        }
        Some(Reaction::End(work)) => {
            *reaction = Some(Reaction::Exit(Box::new(|| {})));
            // This thread receives the second signal.
            thread::spawn(move || {
                work(signal);
                exit();
            });
        }
        Some(Reaction::Exit(work)) => {
            work();
            exit();
        }
        // What is in flight stays claimed, and counts as unknown: what a kill leaves.
        _ => exit(),
    }
}

/// What people call a signal.
pub(super) fn name(signal: i32) -> &'static str {
    signal_hook::low_level::signal_name(signal).unwrap_or("a signal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_is_sent_twice_at_once_is_one() {
        let start = clock::instant();
        let first = (SIGTERM, start);
        for (signal, milliseconds, repeated) in [
            (SIGTERM, 0, true),
            (SIGTERM, 299, true),
            (SIGTERM, 300, false),
            (SIGINT, 0, false),
        ] {
            let second = (signal, start + Duration::from_millis(milliseconds));
            assert_eq!(is_repeated(first, second), repeated, "{second:?}");
        }
    }

    #[test]
    fn the_system_says_which_signals_are_ignored() {
        for (mask, ignored) in [
            ("0000000000000000", &[][..]),
            ("0000000000001000", &[]),
            ("0000000000000001", &[SIGHUP]),
            ("0000000000001003", &[SIGHUP, SIGINT]),
            ("0000000000004002", &[SIGINT, SIGTERM]),
            ("ffffffffffffffff", &[SIGHUP, SIGINT, SIGTERM]),
            ("no number", &[]),
        ] {
            let status = format!("Name:\tx\nSigBlk:\tffffffffffffffff\nSigIgn:\t{mask}\n");
            for signal in [SIGHUP, SIGINT, SIGTERM] {
                assert_eq!(
                    is_ignored(signal, &status),
                    ignored.contains(&signal),
                    "{mask}"
                );
            }
        }
        assert!(!is_ignored(SIGHUP, ""));
    }
}
