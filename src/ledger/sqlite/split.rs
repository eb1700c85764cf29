//! Splitting a batch: the only way in which recipients leave it.

use rusqlite::params;

use super::open::Ledger;
use crate::Result;
use crate::domain::Msisdn;
use crate::ledger::batch::{Batch, BatchId};
use crate::ledger::state::{Event, State};

impl Ledger {
    /// Moves each group of a batch's rows to a child of its own, which starts in the parent's state and with its attempts.
    /// Rows in no group must have left the batch already.
    pub(in crate::ledger) fn split(
        &mut self,
        parent: BatchId,
        from: State,
        groups: &[&[i64]],
    ) -> Result<Vec<BatchId>> {
        let mut children = Vec::with_capacity(groups.len());
        for rows in groups {
            self.execute(
                "INSERT INTO batch (parent, state, attempts, claimed_at, code, trx_id, why, decision)
                 SELECT id, state, attempts, claimed_at, code, trx_id, why, decision FROM batch WHERE id = ?1",
                params![parent.0],
            )?;
            let child = self.connection.last_insert_rowid();
            for row in *rows {
                self.execute(
                    "UPDATE recipient SET batch_id = ?2 WHERE row = ?1 AND batch_id = ?3",
                    params![row, child, parent.0],
                )?;
            }
            children.push(BatchId(child));
        }
        self.transition(parent, from, Event::Split, "code = NULL", &[])?;
        Ok(children)
    }

    /// Splits a planned batch after its first `recipients`, and returns these as a batch.
    pub(in crate::ledger) fn split_first(
        &mut self,
        batch: &Batch,
        recipients: usize,
    ) -> Result<Batch> {
        let (first, rest) = batch.rows.split_at(recipients.min(batch.rows.len()));
        let children = self.split(batch.id, State::Planned, &[first, rest])?;
        Ok(Batch {
            id: children[0],
            messages: batch.messages[..first.len()].to_vec(),
            rows: first.to_vec(),
            split: true,
        })
    }

    /// Suppresses recipients that are still pending. `listed` returns the reason why a number must not be sent to, if there
    /// is one. Returns how many were suppressed.
    pub fn suppress(&mut self, listed: impl Fn(Msisdn) -> Option<String>) -> Result<u64> {
        let mut after = None;
        let mut suppressed = 0;
        loop {
            let page = self.planned_after(after)?;
            let Some(last) = page.last() else {
                return Ok(suppressed);
            };
            // Children of a split come after everything planned so far, and hold no listed number.
            after = Some(last.id);
            let hits: Vec<_> = page
                .iter()
                .filter(|batch| batch.messages.iter().any(|to| listed(to.number).is_some()))
                .collect();
            if !hits.is_empty() {
                suppressed += self.transaction(|ledger| {
                    hits.iter().try_fold(0, |sum, batch| {
                        Ok(sum + ledger.suppress_in(batch, &listed)?)
                    })
                })?;
            }
        }
    }

    fn suppress_in(
        &mut self,
        batch: &Batch,
        listed: impl Fn(Msisdn) -> Option<String>,
    ) -> Result<u64> {
        let mut remaining = Vec::new();
        let mut suppressed = 0;
        for (row, message) in batch.rows.iter().zip(&batch.messages) {
            match listed(message.number) {
                None => remaining.push(*row),
                Some(reason) => {
                    self.execute(
                        "UPDATE recipient SET disposition = 'suppressed', reason = ?2, batch_id = NULL
                         WHERE row = ?1",
                        params![row, reason],
                    )?;
                    suppressed += 1;
                }
            }
        }
        let groups: &[&[i64]] = if remaining.is_empty() {
            &[]
        } else {
            &[&remaining]
        };
        self.split(batch.id, State::Planned, groups)?;
        Ok(suppressed)
    }
}
