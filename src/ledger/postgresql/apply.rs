//! Changes of an open campaign as SQL.

use std::collections::{HashMap, HashSet};
use std::mem;

use tokio_postgres::types::ToSql;

use super::connection::{Values, get};
use super::open::Ledger;
use crate::Result;
use crate::ledger::batch::{AttemptId, BatchId};
use crate::ledger::change::{Change, Child, Fields, NewIds, changed_meanwhile, sent_elsewhere};
use crate::ledger::state::State;
use crate::ledger::stored::to_json;

impl Ledger {
    /// Carries out changes in their order. Those of one kind that follow each other are one statement.
    pub(super) fn apply_all(&mut self, changes: &[Change]) -> Result<NewIds> {
        let mut new = NewIds::default();
        for alike in changes.chunk_by(are_alike) {
            match &alike[0] {
                Change::Claim { .. } => self.claim(alike, &mut new)?,
                Change::EndAttempt { .. } => self.end_attempts(alike)?,
                Change::Move { .. } => self.move_batches(alike)?,
                change => self.apply_one(change, &mut new)?,
            }
        }
        Ok(new)
    }

    /// Carries out one change, and notes the numbers of what is new.
    fn apply_one(&mut self, change: &Change, new: &mut NewIds) -> Result<()> {
        match change {
            // These are carried out many at once.
            Change::Claim { .. } | Change::EndAttempt { .. } | Change::Move { .. } => Ok(()),
            Change::Start { gateway_host } => self.set_gateway_host(gateway_host),
            Change::MarkBeginning { at } => {
                let (at, sender) = (at.as_ref().map(ToString::to_string), self.register()?);
                let sql = "UPDATE sender SET begins_at = $3 WHERE campaign = $1 AND id = $2";
                self.execute(sql, &[&sender, &at]).map(drop)
            }
            Change::Split {
                parent,
                from,
                to,
                children,
            } => {
                for child in children {
                    new.batches.push(self.split_off(*parent, *from, child)?);
                }
                let mut moved = Moved::default();
                moved.add(*parent, *from, *to);
                self.update_batches(&moved, "code = NULL", &[])
            }
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
            Change::AddSchedule(given) => {
                let sql = "UPDATE campaign SET schedules = schedules::jsonb || $2::text::jsonb WHERE number = $1";
                self.execute(sql, &[&to_json(given)?]).map(drop)
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

    /// Begins an attempt for each of these batches, which must be planned.
    fn claim(&mut self, claims: &[Change], new: &mut NewIds) -> Result<()> {
        let (mut ids, mut times) = (Vec::new(), Vec::new());
        for change in claims {
            if let Change::Claim { batch, at } = change {
                ids.push(batch.0);
                times.push(at.to_string());
            }
        }
        let sender = self.register()?;
        let rows = self.connection.rows(
            "WITH claimed AS (
                 UPDATE batch SET state = 'claimed', attempts = attempts + 1, claimed_at = new.at, code = NULL, trx_id = NULL,
                                  why = NULL, decision = NULL, attempt = nextval('attempt_id'), sender = $4::integer
                 FROM unnest($2::bigint[], $3::text[]) AS new (batch, at)
                 WHERE campaign = $1 AND id = new.batch AND state = 'planned'
                 RETURNING id, attempt, claimed_at)
             INSERT INTO attempt (campaign, id, batch_id, sender, claimed_at)
             SELECT $1, attempt, id, $4, claimed_at FROM claimed RETURNING batch_id, id",
            &[&self.number, &ids, &times, &sender],
        )?;
        let mut attempts = HashMap::new();
        for row in &rows {
            let attempt = get(row, 1)?;
            self.last_attempt = self.last_attempt.max(attempt);
            attempts.insert(get::<i64>(row, 0)?, AttemptId(attempt));
        }
        for id in ids {
            let attempt = attempts.get(&id).copied();
            let attempt = attempt.ok_or_else(|| changed_meanwhile(BatchId(id), "planned"))?;
            self.attempts += 1;
            new.attempts.push(attempt);
        }
        Ok(())
    }

    fn end_attempts(&self, ends: &[Change]) -> Result<()> {
        let (mut ids, mut outcomes, mut times) = (Vec::new(), Vec::new(), Vec::new());
        let (mut statuses, mut texts) = (Vec::new(), Vec::new());
        for change in ends {
            if let Change::EndAttempt {
                attempt,
                outcome,
                answered,
            } = change
            {
                ids.push(attempt.0);
                outcomes.push(outcome.as_str());
                let answered = answered.as_ref();
                times.push(answered.map(|answer| answer.at.to_string()));
                statuses.push(answered.and_then(|answer| answer.http_status.map(i32::from)));
                texts.push(storable(answered.map(|answer| &answer.text)));
            }
        }
        // The range is for a server that has not counted the attempts of a new store yet: it would read all of them each time.
        self.execute(
            "UPDATE attempt SET outcome = new.outcome, ended_at = new.at, http_status = new.status, answer = new.answer,
                                ended = clock_timestamp()
             FROM unnest($2::bigint[], $3::text[], $4::text[], $5::integer[], $6::text[])
                  AS new (attempt, outcome, at, status, answer)
             WHERE campaign = $1 AND id = new.attempt AND id BETWEEN $7 AND $8",
            &[&ids, &outcomes, &times, &statuses, &texts, &ids.iter().min(), &ids.iter().max()],
        )
        .map(drop)
    }

    /// Moves batches to other states, all with fields of one kind.
    fn move_batches(&self, changes: &[Change]) -> Result<()> {
        let mut moved = Moved::default();
        let mut set = "code = code";
        let (mut values, decision): (Values<'_>, Values<'_>) = (&[], &[&self.decision]);
        for change in changes {
            let Change::Move {
                batch,
                from,
                to,
                fields,
            } = change
            else {
                continue;
            };
            moved.add(*batch, *from, *to);
            match fields {
                Fields::Kept => {}
                Fields::Reopened => set = "code = NULL, trx_id = NULL, why = NULL, decision = NULL",
                Fields::Settled { code, trx_id, why } => {
                    set = "code = new.code, trx_id = new.trx_id, why = new.why";
                    moved.codes.push(*code);
                    moved.trx_ids.push(storable(trx_id.as_ref()));
                    moved.whys.push(storable(why.as_ref()));
                }
                Fields::Suppressed { why } => {
                    set = "why = new.why";
                    moved.whys.push(Some(why.clone()));
                }
                Fields::Decided { trx_id } => {
                    set = "decision = $8, trx_id = coalesce(new.trx_id, b.trx_id)";
                    values = decision;
                    moved.trx_ids.push(trx_id.clone());
                }
            }
        }
        self.update_batches(&moved, set, values)
    }

    /// Sets the states of batches, and `fields` from `values`, the first of which is `$8`, and from what is `new`. The statement names
    /// the state that a batch leaves, so that of two writers only one succeeds.
    fn update_batches(&self, moved: &Moved, fields: &str, values: Values<'_>) -> Result<()> {
        // What is planned again is anybody's.
        let sql = format!(
            "UPDATE batch b SET state = new.state, sender = CASE WHEN new.state <> 'planned' THEN b.sender END, {fields}
             FROM unnest($2::bigint[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::text[])
                  AS new (batch, before, state, code, trx_id, why)
             WHERE campaign = $1 AND id = new.batch AND b.state = new.before RETURNING id"
        );
        let mut all: Vec<&(dyn ToSql + Sync)> = vec![
            &self.number,
            &moved.ids,
            &moved.before,
            &moved.after,
            &moved.codes,
            &moved.trx_ids,
            &moved.whys,
        ];
        all.extend_from_slice(values);
        let changed = self.read_column(&sql, &all)?;
        if changed.len() == moved.ids.len() {
            return Ok(());
        }
        let changed: HashSet<i64> = changed.into_iter().collect();
        let mut all = moved.ids.iter().zip(&moved.before);
        let missing = all.find(|(id, _)| !changed.contains(id));
        missing.map_or(Ok(()), |(id, before)| {
            Err(changed_meanwhile(BatchId(*id), before))
        })
    }

    /// Makes a child with the parent's fields, gives it its rows, and then makes of it what it is to be.
    /// The parent is locked first: a late answer to its rows comes before all of this, or finds the children.
    fn split_off(&mut self, parent: BatchId, from: State, child: &Child) -> Result<BatchId> {
        let id = self.insert(
            "INSERT INTO batch (campaign, id, parent, state, attempts, claimed_at, code, trx_id, why, decision, attempt,
                                accepted_before)
             SELECT b.campaign, c.planned_batches + nextval('split_number'), b.id, b.state, b.attempts, b.claimed_at, b.code,
                    b.trx_id, b.why, b.decision, b.attempt, b.accepted_before
             FROM batch b JOIN campaign c ON c.number = b.campaign WHERE b.campaign = $1 AND b.id = $2
             FOR UPDATE OF b RETURNING id",
            &[&parent.0],
        )?;
        let id = BatchId(id);
        let sql = "UPDATE recipient SET batch_id = $3 WHERE campaign = $1 AND batch_id = $2 AND row = ANY($4)";
        let moved = self.execute(sql, &[&parent.0, &id.0, &child.rows])?;
        if moved != child.rows.len() as u64 {
            return Err(changed_meanwhile(parent, "what it was: a row has left it"));
        }
        if (child.state, &child.fields) != (from, &Fields::Kept) {
            self.move_batches(&[Change::Move {
                batch: id,
                from,
                to: child.state,
                fields: child.fields.clone(),
            }])?;
        }
        Ok(id)
    }
}

/// Whether one statement carries out both.
fn are_alike(one: &Change, next: &Change) -> bool {
    match (one, next) {
        (Change::Move { fields: one, .. }, Change::Move { fields: next, .. }) => {
            mem::discriminant(one) == mem::discriminant(next)
        }
        (Change::Claim { .. }, Change::Claim { .. })
        | (Change::EndAttempt { .. }, Change::EndAttempt { .. }) => true,
        _ => false,
    }
}

/// Batches that go to other states, and what is set with them. What is not set is empty.
#[derive(Default)]
struct Moved {
    ids: Vec<i64>,
    before: Vec<&'static str>,
    after: Vec<&'static str>,
    codes: Vec<Option<i32>>,
    trx_ids: Vec<Option<String>>,
    whys: Vec<Option<String>>,
}

impl Moved {
    fn add(&mut self, batch: BatchId, before: State, after: State) {
        self.ids.push(batch.0);
        self.before.push(before.as_str());
        self.after.push(after.as_str());
    }
}

/// A text that a gateway may have had a part in. PostgreSQL stores every character but NUL.
fn storable(text: Option<&String>) -> Option<String> {
    text.map(|text| text.replace('\0', "\u{FFFD}"))
}
