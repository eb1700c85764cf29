//! What a run does while the database of its ledger cannot be reached: it claims nothing, and keeps the answers that come.
#![allow(clippy::disallowed_methods, reason = "measures waits")]

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::policy::Policy;
use super::stop::{StopReason, StopToken};
use super::worker::Progress;
use crate::ledger::Outlast;

/// How long what was answered is tried to be written after a signal.
const AFTER_SIGNAL: Duration = Duration::from_secs(10);

/// Waits longer each time, until the gateway would be given up too.
#[must_use]
pub fn outlast(
    policy: &Policy,
    stop: &Arc<StopToken>,
    progress: &Arc<impl Progress + Send + 'static>,
) -> Outlast {
    let (give_up_after, backoff) = (policy.give_up_after, policy.backoff);
    let stop = Arc::clone(stop);
    let (progress, told_back) = (Arc::clone(progress), Arc::clone(progress));
    let mut since = Instant::now();
    let mut signalled = None;
    Outlast::new(move |error, tries| {
        let now = Instant::now();
        if tries == 0 {
            since = now;
        }
        let mut left = give_up_after.saturating_sub(now.duration_since(since));
        if let Some(StopReason::Signal(_)) = stop.reason() {
            let since = *signalled.get_or_insert(now);
            left = left.min(AFTER_SIGNAL.saturating_sub(now.duration_since(since)));
        }
        if left.is_zero() {
            return false;
        }
        let wait = backoff.delay(tries, fastrand::f64()).min(left);
        if tries == 0 {
            progress.database_lost(error, left);
        }
        // Where it was to stop or pause already, what was answered is still to be written.
        if stop.continues() {
            let _ = stop.wait(wait);
        } else {
            thread::sleep(wait);
        }
        true
    })
    .then(move || told_back.database_back())
}
