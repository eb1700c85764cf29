//! Asking a run to stop, and waiting in a way that such a request ends at once. It does not know who asks.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Why a run stops before everything is sent. Where several hold, the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopReason {
    /// As many recipients as `--limit` allows were sent to.
    Limit,
    /// This many requests in a row had no usable answer.
    Unknown(u32),
    /// The gateway could not be reached, or throttled, for longer than `--give-up-after`.
    Unreachable,
    /// Ten batches in a row were refused with this code.
    Refused(i32),
    /// The gateway stopped the account with this code.
    Account(i32),
    /// The ledger could not be written.
    Error,
    /// This signal came.
    Signal(i32),
}

/// The one place where a stop is asked for and looked up, shared by all threads of a run.
#[derive(Debug, Default)]
pub struct StopToken {
    asked: Mutex<Option<StopReason>>,
    bell: Condvar,
}

impl StopToken {
    /// Asks all workers to stop: no new request is made, and those under way are awaited.
    pub fn ask(&self, stop: StopReason) {
        let mut asked = self.asked();
        *asked = (*asked).max(Some(stop));
        self.bell.notify_all();
    }

    /// What was asked for, if anything was.
    #[must_use]
    pub fn why(&self) -> Option<StopReason> {
        *self.asked()
    }

    /// Waits until that instant. Returns whether it came; `false`: a stop was asked for.
    #[must_use]
    pub fn wait_until(&self, instant: Instant) -> bool {
        let mut asked = self.asked();
        loop {
            if asked.is_some() {
                return false;
            }
            let left = instant.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            asked = self
                .bell
                .wait_timeout(asked, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits that long. Returns whether it passed; `false`: a stop was asked for.
    #[must_use]
    pub fn wait(&self, how_long: Duration) -> bool {
        match Instant::now().checked_add(how_long) {
            Some(instant) => self.wait_until(instant),
            // Longer than a clock can say: only a stop ends it.
            None => self.wait(Duration::from_secs(86_400)) && self.wait(how_long),
        }
    }

    fn asked(&self) -> MutexGuard<'_, Option<StopReason>> {
        // A worker that panicked while it held this left a whole value behind.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_reason_counts() {
        let stopper = StopToken::default();
        assert_eq!(stopper.why(), None);
        stopper.ask(StopReason::Account(-1004));
        stopper.ask(StopReason::Unknown(3));
        assert_eq!(stopper.why(), Some(StopReason::Account(-1004)));
        stopper.ask(StopReason::Signal(2));
        assert_eq!(stopper.why(), Some(StopReason::Signal(2)));
    }

    #[test]
    fn a_stop_ends_any_wait() {
        let stopper = StopToken::default();
        assert!(stopper.wait(Duration::ZERO));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| stopper.wait(Duration::MAX));
            stopper.ask(StopReason::Signal(15));
            assert_eq!(waiting.join().ok(), Some(false));
        });
    }
}
