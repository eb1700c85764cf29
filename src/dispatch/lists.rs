//! Suppression lists that change while a run sends.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::stop::{StopOnPanic, StopReason, StopToken};
use crate::Result;
use crate::domain::{Msisdn, Timestamp};
use crate::ledger::{Ledger, LedgerHandle, Suppressed};

/// The suppression lists of a run, and what else may keep it from sending.
pub trait Lists: Send {
    /// Looks at everything that must hold before anything is claimed, when the run begins to send and after each wait for a window,
    /// and suppresses what is pending of all numbers on the lists. An error stops the run.
    fn before_sending(&mut self, ledger: &mut Ledger, stop: &StopToken) -> Result<()>;

    /// Looks whether it would still be sent at that time, before it is waited for. An error stops the run.
    fn before_waiting(&mut self, opening: &Timestamp) -> Result<()>;

    /// How long to wait before the next look at them.
    fn wait(&self) -> Duration;

    /// The numbers that came onto them since the last look, each with the reason why nothing is sent to it. An error stops the run.
    fn added(&mut self) -> Result<HashMap<Msisdn, String>>;

    /// These rows were pending, and are suppressed now.
    fn suppressed(&self, rows: &Suppressed);
}

/// Suppresses what comes onto the lists, until the sender of `ended` is dropped. An error or a panic stops the run.
pub(super) fn watch(
    lists: &mut dyn Lists,
    ledger: &LedgerHandle,
    ended: &Receiver<()>,
    stop: &StopToken,
) -> Result<()> {
    let _guard = StopOnPanic(stop);
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(lists.wait()) {
        let rows = lists.added().and_then(|added| {
            if added.is_empty() {
                Ok(Suppressed::new())
            } else {
                ledger.suppress(added)
            }
        });
        match rows {
            Ok(rows) if rows.is_empty() => {}
            Ok(rows) => lists.suppressed(&rows),
            Err(error) => {
                stop.request(StopReason::Error);
                return Err(error);
            }
        }
    }
    Ok(())
}
