//! Reading a ledger in memory.

use std::collections::HashSet;

use super::*;

impl Snapshot for Data {
    fn campaign(&self) -> Result<Campaign> {
        Ok(self.current_campaign())
    }

    fn totals(&self) -> Result<Totals> {
        let mut totals = Totals {
            attempts: self.attempts.len() as u64,
            ..Totals::default()
        };
        let live = self.batches.iter();
        totals.batches = live
            .filter(|batch| !matches!(batch.state, State::Split | State::Suppressed))
            .count() as u64;
        for (row, planned) in self.rows.iter().zip(&self.plan.rows) {
            let status = self.status(row);
            totals.counts.add(status, 1);
            if row.batch.is_some() {
                let credits = planned.text.as_ref().map_or(0, |text| text.credits);
                totals.add_credits(status, credits.into());
            }
        }
        Ok(totals)
    }

    fn recipients(
        &self,
        rows: RangeInclusive<u32>,
        each: &mut dyn FnMut(Recipient<'_>) -> Result<()>,
    ) -> Result<()> {
        let of_batches = self.rows_of_batches();
        for (number, (row, planned)) in (1..).zip(self.rows.iter().zip(&self.plan.rows)) {
            if !rows.contains(&number) {
                continue;
            }
            let batch = row.batch.map(|id| &self.batches[id.0 as usize - 1]);
            let decision = batch
                .and_then(|batch| batch.decision)
                .map(|nth| &self.decisions[nth - 1]);
            let why = batch.and_then(|batch| match batch.state {
                State::Claimed => Some(INTERRUPTED),
                _ => batch.why.as_deref(),
            });
            let is_refused =
                batch.is_some_and(|batch| batch.state == State::Refused && batch.why.is_none());
            each(Recipient {
                row: number.into(),
                cells: &planned.cells,
                msisdn: planned.msisdn,
                status: self.status(row),
                code: batch.and_then(|batch| batch.code),
                trx_id: row
                    .trx_id
                    .as_deref()
                    .or(batch.and_then(|batch| batch.trx_id.as_deref())),
                reason: row.reason.as_deref().or(why),
                decision: decision.map(|decision| Decision {
                    at: &decision.at,
                    resolution: decision.resolution,
                    note: decision.note.as_deref(),
                }),
                text: planned.text.as_ref().map(|text| &*text.body),
                encoding: planned.text.as_ref().map(|text| text.encoding),
                credits: planned.text.as_ref().map_or(0, |text| text.credits),
                batch: row.batch.map(|batch| batch.0.cast_unsigned()),
                refused_together: row
                    .batch
                    .filter(|_| is_refused)
                    .map(|batch| of_batches[batch.0 as usize - 1].len() as u64),
                attempts: batch.map_or(0, |batch| batch.attempts),
                claimed_at: batch.and_then(|batch| batch.claimed_at.as_deref()),
            })?;
        }
        Ok(())
    }

    fn planned_texts(&self, each: &mut dyn FnMut(PlannedText<'_>) -> Result<bool>) -> Result<()> {
        let planned = (1..).zip(self.rows.iter().zip(&self.plan.rows));
        for (number, (row, planned)) in planned {
            let is_sendable = !matches!(self.status(row), Status::Suppressed | Status::Cancelled);
            let text = (planned.text.as_ref()).filter(|_| row.batch.is_some() && is_sendable);
            if let (Some(text), Some(msisdn)) = (text, planned.msisdn)
                && !each(PlannedText {
                    row: number,
                    msisdn,
                    body: &text.body,
                    encoding: text.encoding,
                    credits: text.credits,
                })?
            {
                break;
            }
        }
        Ok(())
    }

    fn texts(&self, each: &mut dyn FnMut(Status, Msisdn, &str)) -> Result<()> {
        for (planned, row) in self.plan.rows.iter().zip(&self.rows) {
            planned.hand_text(row, self.status(row), each);
        }
        Ok(())
    }

    fn last_request(&self) -> Result<Option<Timestamp>> {
        Ok(self.begins_at.clone())
    }

    fn sent_numbers(&self, each: &mut dyn FnMut(Msisdn)) -> Result<()> {
        for (row, planned) in self.rows.iter().zip(&self.plan.rows) {
            let may_be_sent = matches!(
                self.status(row),
                Status::Accepted | Status::Unknown | Status::Pending
            );
            if may_be_sent {
                planned.msisdn.into_iter().for_each(&mut *each);
            }
        }
        Ok(())
    }

    fn reached(
        &self,
        numbers: &HashSet<Msisdn>,
        each: &mut dyn FnMut(Msisdn, &Timestamp),
    ) -> Result<()> {
        for (row, planned) in self.rows.iter().zip(&self.plan.rows) {
            let number = planned.msisdn.filter(|number| numbers.contains(number));
            let batch = row.batch.map(|batch| &self.batches[batch.0 as usize - 1]);
            let claimed = batch.and_then(|batch| batch.claimed_at.as_deref());
            let is_reached = matches!(self.status(row), Status::Accepted | Status::Unknown);
            if let (Some(number), Some(claimed), true) = (number, claimed, is_reached) {
                each(number, &Timestamp::parse(claimed).unwrap());
            }
        }
        Ok(())
    }

    fn was_sent_from(&self) -> Result<bool> {
        let mut attempts = self.attempts.iter();
        Ok(attempts.any(|attempt| {
            let outcome = attempt.outcome;
            outcome.is_none_or(|outcome| !AttemptOutcome::NOT_TAKEN.contains(&outcome))
        }))
    }

    fn decisions(&self) -> Result<u64> {
        Ok(self.decisions.len() as u64)
    }

    fn verify(
        &self,
        duplicates_kept: bool,
        code_fits: &dyn Fn(Status, i32) -> bool,
    ) -> Result<Vec<String>> {
        verify::violations(self, &self.current_campaign(), duplicates_kept, code_fits)
    }
}

impl Records for Data {
    fn decisions(&self, each: &mut dyn FnMut(i64, State)) -> Result<()> {
        for (id, decision) in (1..).zip(&self.decisions) {
            let state = match decision.resolution {
                "accepted" => State::Accepted,
                "cancelled" => State::Cancelled,
                _ => State::Planned,
            };
            each(id, state);
        }
        Ok(())
    }

    fn batches(&self, each: &mut dyn FnMut(&BatchRecord<'_>)) -> Result<()> {
        for (id, batch) in (1..).zip(&self.batches) {
            each(&BatchRecord {
                id,
                parent: batch.parent.map(|parent| parent.0),
                state: batch.state,
                attempts: batch.attempts.into(),
                was_claimed: batch.claimed_at.is_some(),
                code: batch.code,
                trx_id: batch.trx_id.as_deref(),
                has_reason: batch.why.is_some(),
                decision: batch.decision.map(|nth| nth as i64),
            });
        }
        Ok(())
    }

    fn rows(&self, each: &mut dyn FnMut(&RowRecord<'_>)) -> Result<()> {
        for (number, (row, planned)) in (1..).zip(self.rows.iter().zip(&self.plan.rows)) {
            let text = planned.text.as_ref();
            each(&RowRecord {
                row: number,
                msisdn: planned.msisdn.map(|msisdn| msisdn.as_u64().cast_signed()),
                batch: row.batch.map(|batch| batch.0),
                unsent: row.batch.is_none().then_some(row.status),
                wire: text.map(|text| text.encoding.wire().into()),
                credits: text.map(|text| text.credits.into()),
                text: text.map(|text| &*text.body),
                text_row: None,
                trx_id: row.trx_id.as_deref(),
            });
        }
        Ok(())
    }

    fn attempts(&self, each: &mut dyn FnMut(&AttemptRecord<'_>)) -> Result<()> {
        for (id, attempt) in (1..).zip(&self.attempts) {
            each(&AttemptRecord {
                id,
                batch: attempt.batch.0,
                is_open: attempt.outcome.is_none(),
                outcome: attempt.outcome,
                answer: attempt.answer.as_deref(),
            });
        }
        Ok(())
    }
}
