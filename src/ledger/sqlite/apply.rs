//! Changes of an open ledger as SQL.

use rusqlite::{ToSql, params};

use super::open::Ledger;
use crate::Result;
use crate::ledger::batch::{AttemptId, BatchId};
use crate::ledger::change::{Answer, Change, Child, Fields, NewIds, changed_meanwhile};
use crate::ledger::state::State;
use crate::ledger::stored::to_json;

impl Ledger {
    /// Carries out one change, and notes the numbers that SQLite gave to what is new.
    pub(super) fn apply_one(&mut self, change: &Change, new: &mut NewIds) -> Result<()> {
        match change {
            Change::Start { gateway_host } => self.start(gateway_host),
            Change::MarkBeginning { at } => {
                let at = at.as_ref().map(ToString::to_string);
                self.execute("UPDATE campaign SET begins_at = ?1", params![at])
                    .map(drop)
            }
            Change::Move {
                batch,
                from,
                to,
                fields,
            } => self.move_batch(*batch, *from, *to, fields),
            Change::Split {
                parent,
                from,
                to,
                children,
            } => {
                self.record(*parent, *from)?;
                for child in children {
                    new.batches.push(self.split_off(*parent, *from, child)?);
                }
                self.update_batch(*parent, *from, *to, "code = NULL", &[])
            }
            Change::Claim { batch, at } => {
                self.record(*batch, State::Planned)?;
                let fields = "attempts = attempts + 1, claimed_at = ?4, code = NULL, trx_id = NULL, why = NULL, decision = NULL";
                let at = at.to_string();
                self.update_batch(*batch, State::Planned, State::Claimed, fields, &[&at])?;
                let sql = "INSERT INTO attempt (batch_id, claimed_at) VALUES (?1, ?2)";
                self.execute(sql, params![batch.0, at])?;
                let attempt = self.connection.last_insert_rowid();
                // Attempts are never deleted, so the last one's number is how many there are.
                self.attempts = attempt.cast_unsigned();
                new.attempts.push(AttemptId(attempt));
                Ok(())
            }
            Change::EndAttempt {
                attempt,
                outcome,
                answered,
            } => self.end_attempt(*attempt, outcome.as_str(), answered.as_ref()),
            Change::SetTrxId { row, trx_id } => {
                let sql = "UPDATE recipient SET trx_id = ?2 WHERE row = ?1";
                self.execute(sql, params![row, trx_id]).map(drop)
            }
            Change::Expire { at, expires_at } => {
                let sql = "INSERT INTO decision (decided_at, resolution, expires_at) VALUES (?1, 'expires', ?2)";
                let values = params![at.to_string(), expires_at.to_string()];
                self.execute(sql, values).map(drop)
            }
            Change::AddSchedule(given) => {
                let sql =
                    "UPDATE campaign SET schedules = json_insert(schedules, '$[#]', json(?1))";
                self.execute(sql, [to_json(given)?]).map(drop)
            }
            Change::Decide {
                at,
                rows,
                resolution,
                note,
            } => {
                let sql = "INSERT INTO decision (decided_at, rows, resolution, trx_id, note)
                           VALUES (?1, ?2, ?3, ?4, ?5)";
                let (word, trx_id) = (resolution.as_str(), resolution.trx_id());
                self.execute(sql, params![at.to_string(), rows, word, trx_id, note])?;
                self.decision = Some(self.connection.last_insert_rowid());
                Ok(())
            }
        }
    }

    /// Makes the record of a planned batch to which nothing has happened yet. It has none until then.
    fn record(&self, batch: BatchId, state: State) -> Result<()> {
        if state == State::Planned {
            let sql = "INSERT OR IGNORE INTO batch (id, state, attempts) VALUES (?1, 'planned', 0)";
            self.execute(sql, [batch.0])?;
        }
        Ok(())
    }

    /// The statement names the state that the batch leaves, so that of two writers only one succeeds.
    fn move_batch(&self, batch: BatchId, from: State, to: State, fields: &Fields) -> Result<()> {
        self.record(batch, from)?;
        match fields {
            Fields::Kept => self.update_batch(batch, from, to, "code = code", &[]),
            Fields::Reopened => {
                let sql = "code = NULL, trx_id = NULL, why = NULL, decision = NULL";
                self.update_batch(batch, from, to, sql, &[])
            }
            Fields::Settled { code, trx_id, why } => {
                let sql = "code = ?4, trx_id = ?5, why = ?6";
                self.update_batch(batch, from, to, sql, &[code, trx_id, why])
            }
            Fields::Suppressed { why } => self.update_batch(batch, from, to, "why = ?4", &[why]),
            Fields::Decided { trx_id } => {
                let sql = "decision = ?4, trx_id = coalesce(?5, trx_id)";
                self.update_batch(batch, from, to, sql, &[&self.decision, trx_id])
            }
        }
    }

    /// Sets the state of a batch, and `fields` from `values`, the first of which is `?4`.
    fn update_batch(
        &self,
        batch: BatchId,
        from: State,
        to: State,
        fields: &str,
        values: &[&dyn ToSql],
    ) -> Result<()> {
        let sql = format!("UPDATE batch SET state = ?1, {fields} WHERE id = ?2 AND state = ?3");
        let (to, from_word) = (to.as_str(), from.as_str());
        let mut all: Vec<&dyn ToSql> = vec![&to, &batch.0, &from_word];
        all.extend_from_slice(values);
        match self.execute(&sql, &all[..])? {
            1 => Ok(()),
            _ => Err(changed_meanwhile(batch, from_word)),
        }
    }

    /// Makes a child with the parent's fields, gives it its rows, and then makes of it what it is to be.
    fn split_off(&self, parent: BatchId, from: State, child: &Child) -> Result<BatchId> {
        // Numbered after all batches, with a record or without. One whose recipients all left it has a record.
        self.execute(
            "INSERT INTO batch (id, parent, state, attempts, claimed_at, code, trx_id, why, decision)
             SELECT 1 + max((SELECT max(id) FROM batch),
                            (SELECT ifnull(max(batch_id), 0) FROM recipient WHERE batch_id IS NOT NULL)),
                    id, state, attempts, claimed_at, code, trx_id, why, decision
             FROM batch WHERE id = ?1",
            params![parent.0],
        )?;
        let id = BatchId(self.connection.last_insert_rowid());
        for row in &child.rows {
            let sql = "UPDATE recipient SET batch_id = ?2 WHERE row = ?1 AND batch_id = ?3";
            self.update_row(parent, sql, params![row, id.0, parent.0])?;
        }
        if (child.state, &child.fields) != (from, &Fields::Kept) {
            self.move_batch(id, from, child.state, &child.fields)?;
        }
        Ok(id)
    }

    /// Runs a statement that takes a row out of its batch.
    fn update_row(&self, batch: BatchId, sql: &str, values: impl rusqlite::Params) -> Result<()> {
        match self.execute(sql, values)? {
            1 => Ok(()),
            _ => Err(changed_meanwhile(batch, "what it was: a row has left it")),
        }
    }

    fn end_attempt(
        &self,
        attempt: AttemptId,
        outcome: &str,
        answered: Option<&Answer>,
    ) -> Result<()> {
        let sql = "UPDATE attempt SET outcome = ?2, ended_at = ?3, http_status = ?4, answer = ?5 WHERE id = ?1";
        let at = answered.map(|answer| answer.at.to_string());
        let status = answered.and_then(|answer| answer.http_status);
        let text = answered.map(|answer| &answer.text);
        self.execute(sql, params![attempt.0, outcome, at, status, text])
            .map(drop)
    }
}
