//! How a campaign is to be sent.

use std::time::Duration;

use crate::domain::{Schedule, SenderId};

/// How a campaign is to be sent.
#[derive(Debug)]
pub struct Policy {
    /// The name shown as the sender.
    pub sender_id: Option<SenderId>,
    /// When it may be sent.
    pub schedule: Schedule,
    /// The most recipients that are sent to.
    pub limit: Option<u64>,
    /// How many requests without a usable answer stop the run, in the order in which they end: this many of the last
    /// ten, or more than one in twenty once there were 100; a number above ten: this many in all; 0: never. The
    /// requests that other workers have in flight then are awaited and may end likewise, so a gateway that stops
    /// answering leaves at most `max_unknown + workers - 1` requests unknown, each with the recipients of one batch.
    pub max_unknown: u32,
    /// Whether a batch with a bad number is halved until the bad number stands alone. This relies on the gateway sending
    /// nothing of a refused request.
    pub split_bad_numbers: bool,
    /// How long a gateway that is unreachable or throttling is tried.
    pub give_up_after: Duration,
    /// The waits between those tries.
    pub backoff: Backoff,
}

/// Waits that double from the first to the longest.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The wait after the first try.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(30),
        }
    }
}

impl Backoff {
    /// The wait after the first try and `retries` more. `jitter`, from 0 to 1, spreads it from half to all of its
    /// length, so that workers that failed together do not try again together.
    pub(super) fn delay(self, retries: u32, jitter: f64) -> Duration {
        self.first
            .saturating_mul(2_u32.saturating_pow(retries))
            .min(self.longest)
            .mul_f64(0.5 + jitter / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_are_at_least_half_as_long() {
        let backoff = Backoff::default();
        for (retries, full) in [
            (0, backoff.first),
            (1, 2 * backoff.first),
            (40, backoff.longest),
        ] {
            assert_eq!(backoff.delay(retries, 1.0), full);
            assert_eq!(backoff.delay(retries, 0.0), full / 2);
        }
    }
}
