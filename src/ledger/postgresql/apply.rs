//! Changes of an open campaign as SQL.

use postgres::types::ToSql;

use super::connection::{Values, get};
use super::open::Ledger;
use crate::Result;
use crate::ledger::batch::{AttemptId, BatchId};
use crate::ledger::change::{
    Answer, Change, Child, Fields, NewIds, changed_meanwhile, sent_elsewhere,
};
use crate::ledger::state::State;
use crate::ledger::stored::to_json;

impl Ledger {
    /// Carries out one change, and notes the numbers of what is new.
    pub(super) fn apply_one(&mut self, change: &Change, new: &mut NewIds) -> Result<()> {
        match change {
            Change::Start { gateway_host } => self.set_gateway_host(gateway_host),
            Change::MarkBeginning { at } => {
                let (at, sender) = (at.as_ref().map(ToString::to_string), self.register()?);
                let sql = "UPDATE sender SET begins_at = $3 WHERE campaign = $1 AND id = $2";
                self.execute(sql, &[&sender, &at]).map(drop)
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
                for child in children {
                    new.batches.push(self.split_off(*parent, *from, child)?);
                }
                self.update_batch(*parent, *from, *to, "code = NULL", &[])
            }
            Change::BeginAttempt { batch, at } => {
                // Its number was drawn when the batch was claimed.
                let id = self.insert(
                    "INSERT INTO attempt (campaign, id, batch_id, sender, claimed_at)
                     SELECT campaign, attempt, id, sender, $3 FROM batch WHERE campaign = $1 AND id = $2 RETURNING id",
                    &[&batch.0, &at.to_string()],
                )?;
                self.attempts += 1;
                self.last_attempt = id;
                new.attempts.push(AttemptId(id));
                Ok(())
            }
            Change::EndAttempt {
                attempt,
                outcome,
                answered,
            } => self.end_attempt(*attempt, outcome.as_str(), answered.as_ref()),
            Change::SetTrxId { row, trx_id } => {
                let sql = "UPDATE recipient SET trx_id = $3 WHERE campaign = $1 AND row = $2";
                self.execute(sql, &[row, &storable(trx_id.as_ref())])
                    .map(drop)
            }
            Change::Expire { at, expires_at } => {
                let sql = "INSERT INTO decision (campaign, decided_at, resolution, expires_at)
                           VALUES ($1, $2, 'expires', $3)";
                let (at, expires_at) = (at.to_string(), expires_at.to_string());
                self.execute(sql, &[&at, &expires_at]).map(drop)
            }
            Change::Schedule { schedules } => {
                let sql = "UPDATE campaign SET schedules = $2 WHERE number = $1";
                self.execute(sql, &[&to_json(schedules)?]).map(drop)
            }
            Change::Decide {
                at,
                rows,
                resolution,
                note,
            } => {
                let (word, trx_id) = (resolution.as_str(), resolution.trx_id());
                let id = self.insert(
                    "INSERT INTO decision (campaign, decided_at, rows, resolution, trx_id, note)
                     VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
                    &[&at.to_string(), rows, &word, &trx_id, note],
                )?;
                self.decision = Some(id);
                Ok(())
            }
        }
    }

    /// Records where it is sent to, unless another sender has recorded another place since this one opened it.
    fn set_gateway_host(&self, host: &str) -> Result<()> {
        let known = &self.campaign.gateway_host;
        let sql = "UPDATE campaign SET gateway_host = $2
                   WHERE number = $1 AND (gateway_host IS NULL OR gateway_host IN ($2, $3))";
        if self.execute(sql, &[&host, known])? == 1 {
            return Ok(());
        }
        let sql = "SELECT gateway_host FROM campaign WHERE number = $1";
        let first: String = get(&self.connection.one(sql, &[&self.number])?, 0)?;
        Err(sent_elsewhere(&first, host).at(&self.place))
    }

    /// Runs a statement of which `$1` is the campaign and `values` are the rest. Returns how many rows it changed.
    fn execute(&self, sql: &str, values: Values<'_>) -> Result<u64> {
        self.connection.execute(sql, &self.with_number(values))
    }

    /// The same for a statement that returns the number of what it adds.
    fn insert(&self, sql: &str, values: Values<'_>) -> Result<i64> {
        get(&self.connection.one(sql, &self.with_number(values))?, 0)
    }

    fn with_number<'v>(&'v self, values: Values<'v>) -> Vec<&'v (dyn ToSql + Sync)> {
        let number: &(dyn ToSql + Sync) = &self.number;
        std::iter::once(number)
            .chain(values.iter().copied())
            .collect()
    }

    /// The statement names the state that the batch leaves, so that of two writers only one succeeds.
    fn move_batch(
        &mut self,
        batch: BatchId,
        from: State,
        to: State,
        fields: &Fields,
    ) -> Result<()> {
        match fields {
            Fields::Kept => self.update_batch(batch, from, to, "code = code", &[]),
            Fields::Claimed(at) => {
                let sender = i64::from(self.register()?);
                self.update_batch(
                    batch,
                    from,
                    to,
                    "attempts = attempts + 1, claimed_at = $5, code = NULL, trx_id = NULL, why = NULL, decision = NULL,
                     attempt = nextval('attempt_id'), sender = $6",
                    &[&at.to_string(), &sender],
                )
            }
            Fields::Reopened => {
                let sql = "code = NULL, trx_id = NULL, why = NULL, decision = NULL";
                self.update_batch(batch, from, to, sql, &[])
            }
            Fields::Settled { code, trx_id, why } => {
                let sql = "code = $5, trx_id = $6, why = $7";
                self.update_batch(
                    batch,
                    from,
                    to,
                    sql,
                    &[code, &storable(trx_id.as_ref()), &storable(why.as_ref())],
                )
            }
            Fields::Suppressed { why } => self.update_batch(batch, from, to, "why = $5", &[why]),
            Fields::Decided { trx_id } => {
                let sql = "decision = $5, trx_id = coalesce($6, trx_id)";
                self.update_batch(batch, from, to, sql, &[&self.decision, trx_id])
            }
        }
    }

    /// Sets the state of a batch, and `fields` from `values`, the first of which is `$5`.
    fn update_batch(
        &self,
        batch: BatchId,
        from: State,
        to: State,
        fields: &str,
        values: Values<'_>,
    ) -> Result<()> {
        // What is planned again is anybody's.
        let sender = match to {
            State::Planned => ", sender = NULL",
            _ => "",
        };
        let sql = format!(
            "UPDATE batch SET state = $4, {fields}{sender} WHERE campaign = $1 AND id = $2 AND state = $3"
        );
        let (to, from_word) = (to.as_str(), from.as_str());
        let mut all: Vec<&(dyn ToSql + Sync)> = vec![&batch.0, &from_word, &to];
        all.extend_from_slice(values);
        match self.execute(&sql, &all)? {
            1 => Ok(()),
            _ => Err(changed_meanwhile(batch, from_word)),
        }
    }

    /// Makes a child with the parent's fields, gives it its rows, and then makes of it what it is to be.
    fn split_off(&mut self, parent: BatchId, from: State, child: &Child) -> Result<BatchId> {
        let id = self.insert(
            "INSERT INTO batch (campaign, id, parent, state, attempts, claimed_at, code, trx_id, why, decision, attempt,
                                accepted_before)
             SELECT b.campaign, c.planned_batches + nextval('split_number'), b.id, b.state, b.attempts, b.claimed_at, b.code,
                    b.trx_id, b.why, b.decision, b.attempt, b.accepted_before
             FROM batch b JOIN campaign c ON c.number = b.campaign WHERE b.campaign = $1 AND b.id = $2 RETURNING id",
            &[&parent.0],
        )?;
        let id = BatchId(id);
        let sql = "UPDATE recipient SET batch_id = $3 WHERE campaign = $1 AND batch_id = $2 AND row = ANY($4)";
        let moved = self.execute(sql, &[&parent.0, &id.0, &child.rows])?;
        if moved != child.rows.len() as u64 {
            return Err(changed_meanwhile(parent, "what it was: a row has left it"));
        }
        if (child.state, &child.fields) != (from, &Fields::Kept) {
            self.move_batch(id, from, child.state, &child.fields)?;
        }
        Ok(id)
    }

    fn end_attempt(
        &self,
        attempt: AttemptId,
        outcome: &str,
        answered: Option<&Answer>,
    ) -> Result<()> {
        let sql = "UPDATE attempt SET outcome = $3, ended_at = $4, http_status = $5, answer = $6, ended = clock_timestamp()
                   WHERE campaign = $1 AND id = $2";
        let at = answered.map(|answer| answer.at.to_string());
        let status = answered.and_then(|answer| answer.http_status.map(i32::from));
        let text = storable(answered.map(|answer| &answer.text));
        let values: Values<'_> = &[&attempt.0, &outcome, &at, &status, &text];
        self.execute(sql, values).map(drop)
    }
}

/// A text that a gateway may have had a part in. PostgreSQL stores every character but NUL.
fn storable(text: Option<&String>) -> Option<String> {
    text.map(|text| text.replace('\0', "\u{FFFD}"))
}
