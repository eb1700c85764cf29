//! The state of the gateway as all workers together see it: since when it fails, and until when it asked for a pause.
#![allow(clippy::disallowed_methods, reason = "measures pauses")]

use std::time::{Duration, Instant};

use super::classify::Delay;
use super::policy::Policy;

/// The state of the gateway.
#[derive(Debug, Default)]
pub(super) struct GatewayHealth {
    failing_since: Option<Instant>,
    paused_until: Option<Instant>,
    /// Why the last request before the stop that failed did: it was not sent, or had no usable answer.
    pub(super) last_failure: Option<String>,
}

impl GatewayHealth {
    /// Records that a request got through, or that none was made for a long time.
    pub(super) fn forget_failures(&mut self) {
        self.failing_since = None;
    }

    /// When the pause that the gateway asked for ends, if it has not ended yet.
    pub(super) fn pause_end(&self) -> Option<Instant> {
        self.paused_until.filter(|until| *until > Instant::now())
    }

    /// Records a request that was not sent, and returns how long to wait before the next try; `None` if the gateway was
    /// tried for long enough.
    pub(super) fn note_failure(
        &mut self,
        retries: u32,
        delay: Delay,
        policy: &Policy,
    ) -> Option<Duration> {
        let now = Instant::now();
        let since = *self.failing_since.get_or_insert(now);
        let left = policy
            .give_up_after
            .checked_sub(now.duration_since(since))
            .filter(|left| !left.is_zero())?;
        let wait = match delay {
            Delay::Throttled(Some(asked)) if asked > left => return None,
            // A gateway that asks for no wait must not be flooded.
            Delay::Throttled(Some(asked)) => asked.max(policy.backoff.first),
            Delay::Throttled(None) | Delay::Backoff => {
                policy.backoff.delay(retries, fastrand::f64()).min(left)
            }
        };
        if matches!(delay, Delay::Throttled(_)) {
            self.paused_until = self.paused_until.max(now.checked_add(wait));
        }
        Some(wait)
    }
}
