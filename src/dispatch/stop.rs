//! The request to stop a run, or to pause it, and waits that such a request ends at once.
#![allow(clippy::disallowed_methods, reason = "measures waits")]

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::gateway::Code;

/// Why a run stops before everything is sent. Of several reasons the greatest counts. The names are those of
/// `stopped_by` in a summary, and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum StopReason {
    /// Nothing may be sent any more by the schedule.
    NotAfter,
    /// As many recipients were sent to as this run may.
    Limit,
    /// Too many requests had no usable answer.
    Unknown {
        /// This many left messages unknown,
        incomplete: u64,
        /// of the last ones, this many.
        requests: u64,
    },
    /// The gateway was unreachable or throttling for longer than it is tried.
    Unreachable,
    /// Ten batches in a row were refused with this code.
    Refused(Code),
    /// The gateway stopped the account with this code.
    Account(Code),
    /// The ledger could not be written.
    Error,
    /// The balance of the account does not do, as the user wants it to.
    #[strum(serialize = "account")]
    Balance,
    /// This signal was received.
    Signal(i32),
}

/// The request to stop or to pause, shared by all threads of a run.
#[derive(Debug, Default)]
pub struct StopToken {
    requested: Mutex<Requested>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct Requested {
    stop: Option<StopReason>,
    /// The window in which messages are sent has ended.
    pause: bool,
}

impl Requested {
    fn nothing(self) -> bool {
        self.stop.is_none() && !self.pause
    }
}

impl StopToken {
    /// Requests that all workers stop: no new request is made, and those in flight are awaited.
    pub fn request(&self, reason: StopReason) {
        let mut requested = self.lock();
        requested.stop = requested.stop.max(Some(reason));
        self.changed.notify_all();
    }

    /// The reason for the stop, if one was requested.
    #[must_use]
    pub fn reason(&self) -> Option<StopReason> {
        self.lock().stop
    }

    /// Requests that all workers stop until the next window opens.
    pub(super) fn pause(&self) {
        self.lock().pause = true;
        self.changed.notify_all();
    }

    /// Ends a pause. `false`: there was none.
    pub(super) fn end_pause(&self) -> bool {
        std::mem::take(&mut self.lock().pause)
    }

    /// Whether workers may continue: neither a stop nor a pause was requested.
    pub(super) fn continues(&self) -> bool {
        self.lock().nothing()
    }

    /// Waits until that instant. `false`: a stop or a pause was requested.
    #[must_use]
    pub fn wait_until(&self, instant: Instant) -> bool {
        self.wait(instant.saturating_duration_since(Instant::now()))
    }

    /// Waits that long. `false`: a stop or a pause was requested.
    #[must_use]
    pub fn wait(&self, duration: Duration) -> bool {
        let (requested, changed) = (self.lock(), &self.changed);
        let waited =
            changed.wait_timeout_while(requested, duration, |requested| requested.nothing());
        let (requested, _) = waited.unwrap_or_else(PoisonError::into_inner);
        requested.nothing()
    }

    fn lock(&self) -> MutexGuard<'_, Requested> {
        // A worker that panics while it holds the lock leaves a valid value behind.
        self.requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Requests a stop if its thread panics, because what broke that one may break the others.
pub(super) struct StopOnPanic<'a>(pub(super) &'a StopToken);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.request(StopReason::Error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_reason_counts() {
        let stop = StopToken::default();
        assert_eq!(stop.reason(), None);
        stop.request(StopReason::Account(Code(-1004)));
        stop.request(StopReason::Unknown {
            incomplete: 3,
            requests: 3,
        });
        assert_eq!(stop.reason(), Some(StopReason::Account(Code(-1004))));
        stop.request(StopReason::Signal(2));
        assert_eq!(stop.reason(), Some(StopReason::Signal(2)));
    }

    #[test]
    fn a_stop_ends_any_wait() {
        let stop = StopToken::default();
        assert!(stop.wait(Duration::ZERO));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| stop.wait(Duration::MAX));
            stop.request(StopReason::Signal(15));
            assert_eq!(waiting.join().ok(), Some(false));
        });
    }
}
