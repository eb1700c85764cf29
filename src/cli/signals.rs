//! Ctrl-C and its like: the first one asks a run to stop in order, a second one ends the program at once. It does not
//! know what an orderly stop is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::dispatch::{StopReason, StopToken};
use crate::{Error, Kind, Result};

/// Makes a file that grows beyond a limit of the system (`ulimit -f`) a fault like a full disk. The system would end the
/// program without a word.
pub(super) fn survive_a_full_file() {
    // Where this fails, so it is: a claim is durable, or its request never started.
    let _ = flag::register(SIGXFSZ, Arc::default());
}

/// Whether a signal ends the program: until it sends, there is nothing to be ended in order.
static NOTHING_UNDER_WAY: LazyLock<Arc<AtomicBool>> =
    LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// Makes a signal end the program with the exit code that it has during a run, also while a plan is made or a question is open.
pub(super) fn end_with_a_code() {
    for (signal, code) in [(SIGINT, SIGINT), (SIGTERM, SIGTERM), (SIGHUP, SIGTERM)] {
        let condition = Arc::clone(&NOTHING_UNDER_WAY);
        // Where this fails, the system ends the program by itself.
        let _ = flag::register_conditional_shutdown(signal, 128 + code, condition);
    }
}

/// A stopper that listens to signals from now on. `say` tells the person that a stop was asked for.
pub(super) fn stopper(say: impl Fn(&str) + Send + 'static) -> Result<Arc<StopToken>> {
    let stopper = Arc::new(StopToken::default());
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|fault| Error::new(Kind::Other, format!("signals cannot be caught: {fault}")))?;
    NOTHING_UNDER_WAY.store(false, Ordering::SeqCst);
    let asked = Arc::clone(&stopper);
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
            say(
                "Stopping: requests under way are awaited, nothing new is sent. Once more ends at once.",
            );
        }
    });
    Ok(stopper)
}
