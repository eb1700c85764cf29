//! Until when a request may be written.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A clock that also counts the time for which the host is suspended.
#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::Monotonic;

/// The time up to which the first byte of a request may be written. While a host is suspended, others may take it for gone and
/// send what it claimed. So where several hosts send one campaign, what was claimed too long ago is not sent.
#[derive(Clone, Copy, Debug)]
pub struct Fence(Duration);

impl Fence {
    /// That much time from now.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Self(now().saturating_add(limit))
    }

    /// Whether it is too late.
    #[must_use]
    pub(super) fn has_passed(self) -> bool {
        now() >= self.0
    }
}

/// The time since the machine was started.
fn now() -> Duration {
    // No clock is before its beginning. If it were, nothing would be sent.
    clock_gettime(CLOCK).try_into().unwrap_or(Duration::MAX)
}
