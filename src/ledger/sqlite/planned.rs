//! Reading batches of an open ledger: planned ones with all that their requests need, and those that an operator selected.

use std::collections::BTreeSet;

use super::open::Ledger;
use crate::Result;
use crate::ledger::backend::{InFlight, StoredBatch};
use crate::ledger::batch::{AttemptId, Batch, BatchId};
use crate::ledger::resolution::Selection;
use crate::ledger::stored::{self, BatchBuilder, StoredMember};

/// How many planned batches are read ahead at a time.
const PAGE: usize = 256;

impl Ledger {
    /// The next page of planned batches after `after`, in order.
    pub(super) fn read_page(&self, after: Option<BatchId>) -> Result<Vec<Batch>> {
        self.read_planned(after, PAGE)
    }

    /// At most `most` planned batches after `after`, in order.
    fn read_planned(&self, after: Option<BatchId>, most: usize) -> Result<Vec<Batch>> {
        // The order of the index, so that nothing beyond this page is read. A missing text leaves a NULL, which is an error; with
        // a plain join its batch would never be sent, and never be noticed.
        let mut statement = self.connection.prepare_cached(
            "SELECT r.batch_id, b.parent IS NOT NULL, r.row, r.msisdn, ifnull(r.text_row, r.row), ifnull(r.text, t.text),
                    r.type
             FROM recipient r
             LEFT JOIN batch b ON b.id = r.batch_id
             LEFT JOIN recipient t ON t.row = r.text_row
             WHERE r.batch_id > ?1 AND ifnull(b.state, 'planned') = 'planned'
             ORDER BY r.batch_id, r.row",
        )?;
        let mut found = statement.query([after.map_or(0, |batch| batch.0)])?;
        let mut page = BatchBuilder::default();
        while let Some(recipient) = found.next()? {
            let member = StoredMember {
                batch: recipient.get(0)?,
                split: recipient.get(1)?,
                row: recipient.get(2)?,
                msisdn: recipient.get(3)?,
                text_row: recipient.get(4)?,
                wire: recipient.get(6)?,
            };
            if page.is_full(most, member.batch) {
                break;
            }
            page.add(&member, || Ok(recipient.get(5)?))?;
        }
        Ok(page.finish())
    }

    /// The planned batch with the fewest recipients, of those that were split from another.
    pub(super) fn read_smallest_split(&self) -> Result<Option<Batch>> {
        let found = self.read_column(
            "SELECT b.id FROM batch b CROSS JOIN recipient r ON r.batch_id = b.id
             WHERE b.state = 'planned' AND b.parent IS NOT NULL
             GROUP BY b.id ORDER BY count(*), b.id LIMIT 1",
            [],
        )?;
        match found.first() {
            Some(id) => Ok(self.read_planned(Some(BatchId(id - 1)), 1)?.pop()),
            None => Ok(None),
        }
    }

    /// The batches that a selection names.
    pub(super) fn read_selected(&self, selection: &Selection) -> Result<Vec<StoredBatch>> {
        let ids = match selection {
            Selection::AllUnknown => {
                self.read_column("SELECT id FROM batch WHERE state = 'unknown'", [])?
            }
            Selection::AllPending => self.read_column(
                "SELECT DISTINCT r.batch_id FROM recipient r LEFT JOIN batch b ON b.id = r.batch_id
                 WHERE r.batch_id IS NOT NULL AND ifnull(b.state, 'planned') = 'planned'",
                [],
            )?,
            Selection::Batch(id) => {
                let sql = "SELECT id FROM batch WHERE id = ?1 UNION SELECT batch_id FROM recipient WHERE batch_id = ?1";
                self.read_column(sql, [id.cast_signed()])?
            }
            Selection::Rows(ranges) => {
                let mut ids = BTreeSet::new();
                for range in ranges {
                    ids.extend(self.read_column(
                        "SELECT DISTINCT batch_id FROM recipient
                         WHERE row BETWEEN ?1 AND ?2 AND batch_id IS NOT NULL",
                        [range.start().cast_signed(), range.end().cast_signed()],
                    )?);
                }
                ids.into_iter().collect()
            }
        };
        ids.into_iter().map(|id| self.stored_batch(id)).collect()
    }

    fn stored_batch(&self, id: i64) -> Result<StoredBatch> {
        let sql = "SELECT ifnull((SELECT state FROM batch WHERE id = ?1), 'planned')";
        let state: String = self.connection.query_row(sql, [id], |row| row.get(0))?;
        let sql = "SELECT row FROM recipient WHERE batch_id = ?1 ORDER BY row";
        Ok(StoredBatch {
            id: BatchId(id),
            state: stored::state(&state)?,
            rows: self.read_column(sql, [id])?,
            // The process that made its last request has ended: the lock is held here.
            resend_risk: None,
        })
    }

    /// The claims without an outcome. The process that made them has ended, because the lock is held here.
    pub(super) fn read_in_flight(&self) -> Result<InFlight> {
        let batches = self.read_column("SELECT id FROM batch WHERE state = 'claimed'", [])?;
        let attempts = match &batches[..] {
            [] => Vec::new(),
            _ => self.read_column(
                "SELECT a.id FROM attempt a JOIN batch b ON b.id = a.batch_id
                 WHERE a.outcome IS NULL AND b.state = 'claimed'",
                [],
            )?,
        };
        Ok(InFlight {
            batches: batches.into_iter().map(BatchId).collect(),
            attempts: attempts.into_iter().map(AttemptId).collect(),
        })
    }
}
