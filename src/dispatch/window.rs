//! Waits for the times at which the schedule allows to send, and ends the sending with them.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::lists::Lists;
use super::stop::{StopOnPanic, StopReason};
use super::worker::Shared;
use crate::Result;
use crate::domain::schedule::Turn;
use crate::ledger::Ledger;

/// Between two looks at the clock, which may be set meanwhile. Waits do not notice that, nor that the host was suspended.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Waits until the schedule allows to send and everything holds that must hold then. `false`: it will not, or a stop was requested.
pub(super) fn wait_until_open(
    shared: &Shared<'_>,
    ledger: &mut Ledger,
    lists: &mut dyn Lists,
) -> Result<bool> {
    let mut awaited = None;
    while shared.stop.continues() {
        let now = (shared.clock)();
        match shared.policy.schedule.turn(&now) {
            Turn::Send => {
                lists.before_sending(ledger, shared.stop)?;
                return Ok(shared.stop.continues());
            }
            Turn::Over => shared.stop.request(StopReason::NotAfter),
            Turn::Wait(opening) if awaited.as_ref() == Some(&opening) => {
                // Whether it was cut off is seen above.
                let _ = shared.stop.wait(now.age(&opening).min(LOOK_EVERY));
            }
            Turn::Wait(opening) => {
                lists.before_waiting(&opening)?;
                shared.progress.closed_until(&opening);
                awaited = Some(opening);
            }
        }
    }
    Ok(false)
}

/// Ends the waits of all workers when the schedule no longer allows to send, until the sender of `ended` is dropped. That workers
/// claim nothing then, they see to themselves.
pub(super) fn watch(shared: &Shared<'_>, ended: &Receiver<()>) {
    let _guard = StopOnPanic(shared.stop);
    if shared.policy.schedule.is_always() {
        return;
    }
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LOOK_EVERY) {
        if shared.sending_time().is_none() {
            return;
        }
    }
}
