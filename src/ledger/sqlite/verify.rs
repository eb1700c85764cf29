//! Whether a ledger's file is whole and not an older copy, and its records for the rules that hold for every backend.

use rusqlite::Row;

use super::lock;
use super::snapshot::Snapshot;
use super::totals;
use crate::Result;
use crate::domain::Status;
use crate::ledger::backend::{Snapshot as _, Started};
use crate::ledger::state::State;
use crate::ledger::stored;
use crate::ledger::verify::{self, AttemptRecord, BatchRecord, Records, RowRecord};

impl Snapshot {
    /// A sentence for each rule that does not hold.
    pub(super) fn find_violations(
        &self,
        duplicates_kept: bool,
        code_fits: &dyn Fn(Status, i32) -> bool,
    ) -> Result<Vec<String>> {
        // Read before the ledger, so that a run that is under way cannot have recorded more attempts since.
        let started = lock::started(&self.path)?;
        // All of it in one state of the ledger, whatever is written meanwhile.
        let _one_state = self.connection.unchecked_transaction()?;
        if let Some(damage) = self.damage()? {
            return Ok(vec![damage]);
        }
        let earlier = self.earlier_than(started)?;
        let violations = verify::violations(self, &self.campaign()?, duplicates_kept, code_fits)?;
        Ok(earlier.into_iter().chain(violations).collect())
    }

    /// SQLite's own checks: pages, indexes, and the constraints of the tables. What records refer to is checked by the rules that
    /// hold for every backend.
    fn damage(&self) -> Result<Option<String>> {
        let found = self.lines("PRAGMA integrity_check(5)")?;
        let is_intact = found.iter().all(|line| line == "ok");
        Ok((!is_intact).then(|| format!("the file is damaged: {}", found.join(", "))))
    }

    /// Whether its lock records more attempts than the ledger has.
    fn earlier_than(&self, started: Option<Started>) -> Result<Option<String>> {
        let Some(started) = started else {
            return Ok(None);
        };
        let attempts = self.read(|connection| Ok(totals::attempts(connection)?))?;
        let earlier = self.campaign()?.id == started.campaign && attempts < started.attempts;
        Ok(earlier.then(|| {
            format!(
                "it is an older copy: it records {attempts} of {} requests",
                started.attempts
            )
        }))
    }

    /// Hands each row of a query to `each`, up to the first error.
    fn each(&self, query: &str, mut each: impl FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        self.read(|connection| {
            let mut statement = connection.prepare(query)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                each(row)?;
            }
            Ok(())
        })
    }

    fn lines(&self, query: &str) -> Result<Vec<String>> {
        self.read(|connection| {
            let mut statement = connection.prepare(query)?;
            let lines = statement.query_map([], |row| row.get(0))?;
            Ok(lines.collect::<rusqlite::Result<_>>()?)
        })
    }
}

impl Records for Snapshot {
    fn decisions(&self, each: &mut dyn FnMut(i64, State)) -> Result<()> {
        self.each(
            "SELECT id, resolution FROM decision WHERE resolution <> 'expires'",
            |row| {
                each(
                    row.get(0)?,
                    stored::decided_state(row.get_ref(1)?.as_str()?),
                );
                Ok(())
            },
        )
    }

    fn batches(&self, each: &mut dyn FnMut(&BatchRecord<'_>)) -> Result<()> {
        let sql = "SELECT id, parent, state, attempts, claimed_at IS NOT NULL, code, trx_id, why IS NOT NULL, decision
                   FROM batch ORDER BY id";
        self.each(sql, |row| {
            each(&BatchRecord {
                id: row.get(0)?,
                parent: row.get(1)?,
                state: stored::state(row.get_ref(2)?.as_str()?)?,
                attempts: row.get(3)?,
                was_claimed: row.get(4)?,
                code: row.get(5)?,
                trx_id: row.get_ref(6)?.as_str_or_null()?,
                has_reason: row.get(7)?,
                decision: row.get(8)?,
            });
            Ok(())
        })
    }

    fn rows(&self, each: &mut dyn FnMut(&RowRecord<'_>)) -> Result<()> {
        let sql = "SELECT row, msisdn, batch_id, disposition, type, credits, text, text_row, trx_id
                   FROM recipient ORDER BY row";
        self.each(sql, |row| {
            let disposition = row.get_ref(3)?.as_str()?;
            each(&RowRecord {
                row: row.get(0)?,
                msisdn: row.get(1)?,
                batch: row.get(2)?,
                unsent: match disposition {
                    "send" => None,
                    _ => Some(stored::status(disposition, None)?),
                },
                wire: row.get(4)?,
                credits: row.get(5)?,
                text: row.get_ref(6)?.as_str_or_null()?,
                text_row: row.get(7)?,
                trx_id: row.get_ref(8)?.as_str_or_null()?,
            });
            Ok(())
        })
    }

    fn attempts(&self, each: &mut dyn FnMut(&AttemptRecord<'_>)) -> Result<()> {
        let sql = "SELECT id, batch_id, outcome, answer FROM attempt ORDER BY id";
        self.each(sql, |row| {
            let outcome = row.get_ref(2)?.as_str_or_null()?;
            each(&AttemptRecord {
                id: row.get(0)?,
                batch: row.get(1)?,
                is_open: outcome.is_none(),
                outcome: outcome.and_then(|word| word.parse().ok()),
                answer: row.get_ref(3)?.as_str_or_null()?,
            });
            Ok(())
        })
    }
}
