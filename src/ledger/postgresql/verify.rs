//! The records of a campaign for the rules that hold for every backend.

use super::connection::get;
use super::snapshot::Snapshot;
use crate::Result;
use crate::domain::Status;
use crate::ledger::backend::Snapshot as _;
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
        // All of it in one state of the store, whatever is written meanwhile.
        (self.connection).run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        let violations = verify::violations(self, &self.campaign()?, duplicates_kept, code_fits)?;
        let lost = [self.lost_attempts()?, self.lost_batches()?];
        self.connection.commit()?;
        Ok(lost.into_iter().flatten().chain(violations).collect())
    }

    /// Whether there are fewer batches than were planned.
    fn lost_batches(&self) -> Result<Option<String>> {
        let row = self.connection.one(
            "SELECT planned_batches, (SELECT count(*) FROM batch WHERE campaign = $1 AND id <= planned_batches)
             FROM campaign WHERE number = $1",
            &[&self.number],
        )?;
        let (planned, found): (i64, i64) = (get(&row, 0)?, get(&row, 1)?);
        Ok((found < planned)
            .then(|| format!("batches are missing: {found} of {planned} are there")))
    }

    /// Whether more attempts were counted than there are.
    fn lost_attempts(&self) -> Result<Option<String>> {
        let row = self.connection.one(
            "SELECT (SELECT coalesce(sum(attempts), 0)::bigint FROM sender WHERE campaign = $1),
                    (SELECT count(*) FROM attempt WHERE campaign = $1)",
            &[&self.number],
        )?;
        let (counted, found): (i64, i64) = (get(&row, 0)?, get(&row, 1)?);
        Ok((found < counted)
            .then(|| format!("requests are missing: {found} of {counted} are recorded")))
    }
}

impl Records for Snapshot {
    fn decisions(&self, each: &mut dyn FnMut(i64, State)) -> Result<()> {
        self.connection.each(
            "SELECT id, resolution FROM decision WHERE campaign = $1 AND resolution <> 'expires'",
            &[&self.number],
            &mut |row| {
                each(get(row, 0)?, stored::decided_state(get(row, 1)?));
                Ok(true)
            },
        )
    }

    fn batches(&self, each: &mut dyn FnMut(&BatchRecord<'_>)) -> Result<()> {
        self.connection.each(
            "SELECT id, parent, state, attempts, claimed_at IS NOT NULL, code, trx_id, why IS NOT NULL, decision
             FROM batch WHERE campaign = $1 ORDER BY id",
            &[&self.number],
            &mut |row| {
                each(&BatchRecord {
                    id: get(row, 0)?,
                    parent: get(row, 1)?,
                    state: stored::state(get(row, 2)?)?,
                    attempts: get::<i32>(row, 3)?.into(),
                    was_claimed: get(row, 4)?,
                    code: get(row, 5)?,
                    trx_id: get(row, 6)?,
                    has_reason: get(row, 7)?,
                    decision: get(row, 8)?,
                });
                Ok(true)
            },
        )
    }

    fn rows(&self, each: &mut dyn FnMut(&RowRecord<'_>)) -> Result<()> {
        self.connection.each(
            "SELECT row, msisdn, batch_id, disposition, type, credits, text, text_row, trx_id
             FROM recipient WHERE campaign = $1 ORDER BY row",
            &[&self.number],
            &mut |row| {
                let disposition = get(row, 3)?;
                each(&RowRecord {
                    row: get(row, 0)?,
                    msisdn: get(row, 1)?,
                    batch: get(row, 2)?,
                    unsent: match disposition {
                        "send" => None,
                        _ => Some(stored::status(disposition, None)?),
                    },
                    wire: get::<Option<i32>>(row, 4)?.map(Into::into),
                    credits: get::<Option<i32>>(row, 5)?.map(Into::into),
                    text: get(row, 6)?,
                    text_row: get(row, 7)?,
                    trx_id: get(row, 8)?,
                });
                Ok(true)
            },
        )
    }

    fn attempts(&self, each: &mut dyn FnMut(&AttemptRecord<'_>)) -> Result<()> {
        self.connection.each(
            "SELECT row_number() OVER (ORDER BY id), batch_id, outcome, answer FROM attempt WHERE campaign = $1 ORDER BY id",
            &[&self.number],
            &mut |row| {
                let outcome: Option<&str> = get(row, 2)?;
                each(&AttemptRecord {
                    id: get(row, 0)?,
                    batch: get(row, 1)?,
                    is_open: outcome.is_none(),
                    outcome: outcome.and_then(|word| word.parse().ok()),
                    answer: get(row, 3)?,
                });
                Ok(true)
            },
        )
    }
}
