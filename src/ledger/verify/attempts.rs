//! Checks each batch against the attempts that were made for it and for the batches that it was split from.

use std::collections::HashMap;

use super::audit::{Audit, Last};
use super::numbers::Numbers;
use super::records::Records;
use super::rule::Rule;
use crate::Result;
use crate::ledger::outcome::AttemptOutcome;
use crate::ledger::state::State;

impl Audit<'_> {
    pub(super) fn attempts(&mut self, records: &dyn Records) -> Result<()> {
        let mut numbers = Numbers::default();
        // The answers that batches of a split were given to.
        let mut answers: HashMap<u32, Box<str>> = HashMap::new();
        records.attempts(&mut |attempt| {
            numbers.add(attempt.id);
            let Some(index) = self.index(attempt.batch) else {
                self.check(false, Rule::AttemptCount, attempt.batch);
                return;
            };
            let answer = attempt.answer.filter(|answer| is_telling(answer));
            let contradicts = answer.is_some_and(|answer| self.contradicts(answer, index));
            let of = place(index);
            let batch = &mut self.batches[index];
            batch.made = batch.made.saturating_add(1);
            batch.open += u32::from(attempt.is_open);
            // The answer to an earlier one can have come late, after this one was not taken.
            let was_accepted =
                (batch.last).is_some_and(|last| last.outcome == Some(AttemptOutcome::Accepted));
            let is_not_taken = (attempt.outcome)
                .is_some_and(|outcome| AttemptOutcome::NOT_TAKEN.contains(&outcome));
            if !(was_accepted && is_not_taken) {
                batch.last = Some(Last {
                    attempt: attempt.id,
                    of,
                    outcome: attempt.outcome,
                    contradicts,
                });
            }
            if batch.state == State::Split {
                match answer {
                    Some(answer) => answers.insert(of, answer.into()),
                    None => answers.remove(&of),
                };
            }
        })?;
        if let Some(last) = numbers.with_gap() {
            self.violated(Rule::AttemptNumbers, || format!("attempt {last}"));
        }
        if self.campaign.gateway_host.is_some() != (numbers.count > 0) {
            let name = self.campaign.name.clone();
            self.violated(Rule::Gateway, || format!("campaign {name}"));
        }
        for index in 0..self.batches.len() {
            self.inherit(index);
            let last = self.batches[index].last;
            let of = place(index);
            let inherited = last.filter(|last| last.of != of);
            let answer = inherited.and_then(|last| answers.get(&last.of));
            let contradicts = match answer {
                Some(answer) => self.contradicts(answer, index),
                None => last.is_some_and(|last| last.of == of && last.contradicts),
            };
            self.attempts_of(index, contradicts);
        }
        Ok(())
    }

    /// Adds the attempts of the batch that this one was split from, which are complete, as it comes before.
    fn inherit(&mut self, index: usize) {
        let Some(parent) = self.batches[index].parent else {
            return;
        };
        let parent = &self.batches[parent as usize];
        let (made, last) = (parent.made, parent.last);
        let batch = &mut self.batches[index];
        batch.made = batch.made.saturating_add(made);
        if last.map(|last| last.attempt) > batch.last.map(|last| last.attempt) {
            batch.last = last;
        }
    }

    /// Checks a batch against its attempts. `contradicts`: the answer to the last one does not have what the batch has.
    fn attempts_of(&mut self, index: usize, contradicts: bool) {
        use AttemptOutcome as Outcome;
        let batch = &self.batches[index];
        let (id, state) = (batch.id, batch.state);
        let count_is_right = batch.made == batch.attempts;
        let open_is_right = batch.open == u32::from(state == State::Claimed);
        let answer_is_right = !contradicts || batch.is_resolved || state == State::Split;
        // A list may have come since it was planned again.
        let is_planned = matches!(state, State::Planned | State::Suppressed);
        let left_planned = is_planned && batch.has_reason;
        let left_unknown = state == State::Unknown && batch.has_reason;
        let by_attempt = match batch.last.and_then(|last| last.outcome) {
            _ if batch.attempts <= 0 || batch.is_resolved => true,
            _ if matches!(state, State::Split | State::Claimed) => true,
            None => true,
            // One that was sent again before an earlier answer came is unknown, if the last one was not taken.
            Some(Outcome::Accepted) => state == State::Accepted || left_unknown,
            Some(Outcome::NoAnswer | Outcome::Interrupted) => state == State::Unknown,
            Some(outcome) if Outcome::NOT_TAKEN.contains(&outcome) => is_planned,
            Some(Outcome::Refused) => state == State::Refused || left_planned || left_unknown,
            Some(_) => !is_planned || left_planned,
        };
        self.check(count_is_right, Rule::AttemptCount, id);
        self.check(open_is_right, Rule::OpenAttempt, id);
        self.check(answer_is_right, Rule::Answer, id);
        self.check(by_attempt, Rule::StateOfAttempt, id);
    }

    /// Whether an answer lacks the code or a transaction id of this batch.
    fn contradicts(&self, answer: &str, index: usize) -> bool {
        let batch = &self.batches[index];
        let mut trx_ids = self.trx_ids.of(batch.id);
        let lacks_code = batch
            .code
            .is_some_and(|code| !answer.contains(&code.to_string()));
        lacks_code || trx_ids.any(|trx_id| !answer.contains(trx_id))
    }
}

/// An index of a batch, as it is kept: a campaign has fewer rows than fit, and so has a ledger that adds up batches.
fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Whether an answer is stored as a whole and in plain characters. One that was cut may have lost codes and transaction ids, and
/// `***` hid a part of it. A backslash can spell anything.
fn is_telling(answer: &str) -> bool {
    (1..500).contains(&answer.chars().count()) && !answer.contains("***") && !answer.contains('\\')
}
