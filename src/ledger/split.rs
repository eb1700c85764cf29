//! Splitting: the one way in which recipients leave their batch. It does not know why a batch is split.

use rusqlite::params;

use super::book::{Batch, BatchId, Ledger};
use super::state::{Event, State};
use crate::Result;
use crate::domain::Msisdn;

impl Ledger {
    /// The one split operation: the batch hands each group of its rows to a child of its own, which starts
    /// where the parent stood, attempts and all. Rows in no group must have left the batch already.
    pub(super) fn divide(
        &mut self,
        parent: BatchId,
        from: State,
        groups: &[&[i64]],
    ) -> Result<Vec<BatchId>> {
        let mut children = Vec::with_capacity(groups.len());
        for rows in groups {
            self.change(
                "INSERT INTO batch (parent, state, attempts, claimed_at, code, trx_id, why, decision)
                 SELECT id, state, attempts, claimed_at, code, trx_id, why, decision FROM batch WHERE id = ?1",
                params![parent.0],
            )?;
            let child = self.connection.last_insert_rowid();
            for row in *rows {
                self.change(
                    "UPDATE recipient SET batch_id = ?2 WHERE row = ?1 AND batch_id = ?3",
                    params![row, child, parent.0],
                )?;
            }
            children.push(BatchId(child));
        }
        self.step(parent, from, Event::Divide, "code = NULL", &[])?;
        Ok(children)
    }

    /// Splits a planned batch after its first `recipients`, and returns the part before.
    pub fn cut(&mut self, batch: &Batch, recipients: usize) -> Result<Batch> {
        let (first, rest) = batch.rows.split_at(recipients.min(batch.rows.len()));
        let children = self.divide(batch.id, State::Planned, &[first, rest])?;
        Ok(Batch {
            id: children[0],
            numbers: batch.numbers[..first.len()].to_vec(),
            rows: first.to_vec(),
            text: batch.text.clone(),
            encoding: batch.encoding,
            split: true,
        })
    }

    /// Takes recipients out of what is still pending. `listed` says why a number is not to be sent to, if it is
    /// not. Returns how many were taken out.
    pub fn suppress(&mut self, listed: impl Fn(Msisdn) -> Option<String>) -> Result<u64> {
        let mut after = None;
        let mut taken = 0;
        loop {
            let page = self.planned_after(after)?;
            let Some(last) = page.last() else {
                return Ok(taken);
            };
            // Children of a split come behind everything planned so far, and hold nobody who is listed.
            after = Some(last.id);
            let hits: Vec<_> = page
                .iter()
                .filter(|batch| batch.numbers.iter().any(|number| listed(*number).is_some()))
                .collect();
            if !hits.is_empty() {
                taken += self.transaction(|book| {
                    hits.iter()
                        .try_fold(0, |sum, batch| Ok(sum + book.suppress_in(batch, &listed)?))
                })?;
            }
        }
    }

    fn suppress_in(
        &mut self,
        batch: &Batch,
        listed: impl Fn(Msisdn) -> Option<String>,
    ) -> Result<u64> {
        let mut staying = Vec::new();
        let mut taken = 0;
        for (row, number) in batch.rows.iter().zip(&batch.numbers) {
            match listed(*number) {
                None => staying.push(*row),
                Some(reason) => {
                    self.change(
                        "UPDATE recipient SET disposition = 'suppressed', reason = ?2, batch_id = NULL
                         WHERE row = ?1",
                        params![row, reason],
                    )?;
                    taken += 1;
                }
            }
        }
        let groups: &[&[i64]] = if staying.is_empty() { &[] } else { &[&staying] };
        self.divide(batch.id, State::Planned, groups)?;
        Ok(taken)
    }
}
