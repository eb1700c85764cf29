//! Suppression lists that change while a run sends.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::stop::{StopOnPanic, StopReason, StopToken};
use crate::Result;
use crate::domain::Msisdn;
use crate::ledger::{LedgerHandle, Suppressed};

/// The suppression lists of a run.
pub trait Lists: Send {
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
