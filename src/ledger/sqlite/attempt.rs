//! Claims and settlements: what is written before and after each request.

use rusqlite::params;

use super::open::Ledger;
use crate::domain::Timestamp;
use crate::ledger::batch::{AttemptId, BatchId, NewState, Settlement};
use crate::ledger::state::{Event, State};
use crate::{Error, Kind, Result};

/// Marks a batch whose recipients are refused each for itself, and not because another number of the request was bad.
const ANSWERED_SINGLY: &str = "the gateway answered for each number";

impl Ledger {
    /// Takes a planned batch for one attempt. The transaction must be committed before the request starts.
    pub(in crate::ledger) fn claim(&mut self, batch: BatchId, at: &Timestamp) -> Result<AttemptId> {
        self.mark_started()?;
        let claimed_at = at.to_string();
        self.transition(
            batch,
            State::Planned,
            Event::Claim,
            "attempts = attempts + 1, claimed_at = ?4, code = NULL, trx_id = NULL, why = NULL, decision = NULL",
            &[&claimed_at],
        )?;
        self.execute(
            "INSERT INTO attempt (batch_id, claimed_at) VALUES (?1, ?2)",
            params![batch.0, claimed_at],
        )?;
        let attempt = self.connection.last_insert_rowid();
        // Attempts are never deleted, so the last one's number is how many there are.
        self.attempts = attempt.cast_unsigned();
        Ok(AttemptId(attempt))
    }

    /// Records the end of an attempt. Where the recipients end in different states, the batch is split into children of one
    /// state each, in this same transaction.
    pub(in crate::ledger) fn settle(&mut self, end: &Settlement) -> Result<()> {
        self.execute(
            "UPDATE attempt SET ended_at = ?2, outcome = ?3, http_status = ?4, answer = ?5 WHERE id = ?1",
            params![
                end.attempt.0,
                end.ended_at.to_string(),
                end.outcome.as_str(),
                end.http_status,
                end.answer
            ],
        )?;
        match &end.new_states[..] {
            [state] => self.settle_batch(end.batch.id, &end.batch.rows, state, None),
            each if each.len() == end.batch.rows.len() => self.settle_each(end, each),
            _ => Err(Error::new(
                Kind::Ledger,
                "an answer had another number of outcomes than its batch has recipients",
            )),
        }
    }

    fn settle_each(&mut self, end: &Settlement, states: &[NewState]) -> Result<()> {
        let mut groups: Vec<(NewState, Vec<i64>)> = Vec::new();
        for (row, state) in end.batch.rows.iter().zip(states) {
            let mut common = state.clone();
            if let NewState::Accepted { trx_id, .. } = &mut common {
                // Each recipient has its own, and the batch has none.
                self.execute(
                    "UPDATE recipient SET trx_id = ?2 WHERE row = ?1",
                    params![row, trx_id.take()],
                )?;
            }
            match groups.iter_mut().find(|(of, _)| *of == common) {
                Some((_, rows)) => rows.push(*row),
                None => groups.push((common, vec![*row])),
            }
        }
        let children = if groups.len() == 1 {
            vec![end.batch.id]
        } else {
            let rows: Vec<&[i64]> = groups.iter().map(|(_, rows)| &rows[..]).collect();
            self.split(end.batch.id, State::Claimed, &rows)?
        };
        for (child, (state, rows)) in children.into_iter().zip(&groups) {
            self.settle_batch(child, rows, state, Some(ANSWERED_SINGLY))?;
        }
        Ok(())
    }

    /// Settles one claimed batch, all of whose recipients end in the same state. `refused_because` is why it is refused, if
    /// its code alone does not say it.
    fn settle_batch(
        &mut self,
        batch: BatchId,
        rows: &[i64],
        state: &NewState,
        refused_because: Option<&str>,
    ) -> Result<()> {
        let (event, code, trx_id, why) = match state {
            NewState::Accepted { code, trx_id } => {
                (Event::Accept, Some(code), trx_id.as_deref(), None)
            }
            NewState::Refused { code } => (Event::Refuse, Some(code), None, refused_because),
            NewState::Unknown { why, code } => {
                (Event::LoseAnswer, code.as_ref(), None, Some(&**why))
            }
            NewState::Planned { why } => (Event::PlanAgain, None, None, Some(&**why)),
            NewState::Halved { code } if rows.len() == 1 => (Event::Refuse, Some(code), None, None),
            NewState::Halved { code } => {
                let (left, right) = rows.split_at(rows.len().div_ceil(2));
                let why = format!("the gateway answered {code}, and it is sent in smaller batches");
                for child in self.split(batch, State::Claimed, &[left, right])? {
                    self.transition(child, State::Claimed, Event::PlanAgain, "why = ?4", &[&why])?;
                }
                return Ok(());
            }
        };
        let fields = "code = ?4, trx_id = ?5, why = ?6";
        self.transition(
            batch,
            State::Claimed,
            event,
            fields,
            &[&code, &trx_id, &why],
        )
    }
}
