//! Ctrl-C and other signals: the first one asks a run to stop, a second one ends the program at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

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

/// Whether a signal ends the program. It does until the program sends: before, no request has to be awaited.
static EXIT_ON_SIGNAL: LazyLock<Arc<AtomicBool>> =
    LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// Makes a signal end the program with the exit code that it has during a run, also while a plan is made or a question is
/// asked.
pub(super) fn exit_with_a_code() {
    for (signal, code) in [(SIGINT, SIGINT), (SIGTERM, SIGTERM), (SIGHUP, SIGTERM)] {
        let condition = Arc::clone(&EXIT_ON_SIGNAL);
        // If this fails, the system ends the program.
        let _ = flag::register_conditional_shutdown(signal, 128 + code, condition);
    }
}

/// What people call a signal.
pub(super) fn name(signal: i32) -> &'static str {
    signal_hook::low_level::signal_name(signal).unwrap_or("a signal")
}

/// A token that signals stop from now on. `tell` tells the user that the run is stopping.
pub(super) fn stop_token(tell: impl Fn(&str) + Send + 'static) -> Result<Arc<StopToken>> {
    let token = Arc::new(StopToken::default());
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|error| Error::new(Kind::Other, "signals cannot be caught").caused_by(error))?;
    EXIT_ON_SIGNAL.store(false, Ordering::SeqCst);
    let asked = Arc::clone(&token);
    std::thread::spawn(move || {
        let mut first = true;
        for signal in signals.forever() {
            // A closed terminal ends a run as a request to terminate does.
            let signal = if signal == SIGHUP { SIGTERM } else { signal };
            if !first {
                // What is in flight stays claimed, and counts as unknown: what a kill leaves.
                std::process::exit(128 + signal);
            }
            first = false;
            asked.request(StopReason::Signal(signal));
            tell(
                "Stopping: requests under way are awaited, nothing new is sent. A second signal ends the program at once.",
            );
        }
    });
    Ok(token)
}
