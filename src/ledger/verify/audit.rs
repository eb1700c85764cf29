//! Checks batches and rows one by one, and keeps what is checked when all are read.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use super::records::{BatchRecord, RowRecord};
use super::rule::{Rule, Violations};
use crate::domain::status::Counts;
use crate::domain::{Encoding, Status};
use crate::ledger::campaign::Campaign;
use crate::ledger::outcome::AttemptOutcome;
use crate::ledger::state::State;

/// What is kept of a batch.
pub(super) struct Batch {
    pub(super) id: i64,
    /// The index of its parent, which comes before it.
    pub(super) parent: Option<u32>,
    pub(super) state: State,
    pub(super) attempts: i32,
    pub(super) is_resolved: bool,
    pub(super) has_reason: bool,
    pub(super) code: Option<i32>,
    /// Its own attempts, later with those of its ancestors.
    pub(super) made: i32,
    pub(super) open: u32,
    pub(super) last: Option<Last>,
}

/// The last attempt of a batch, its own or of a batch that it was split from.
#[derive(Clone, Copy)]
pub(super) struct Last {
    pub(super) attempt: i64,
    /// The index of the batch that it was made for.
    pub(super) of: u32,
    pub(super) outcome: Option<AttemptOutcome>,
    /// Whether the answer contradicts the batch that it was made for.
    pub(super) contradicts: bool,
}

/// What is kept of a row that is to be sent.
pub(super) struct Member {
    pub(super) batch: i64,
    pub(super) msisdn: i64,
    pub(super) text: u64,
    pub(super) row: u32,
    pub(super) encoding: Encoding,
}

/// What is kept of the text that is stored with a row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct StoredText {
    pub(super) hash: u64,
    pub(super) credits: u32,
    pub(super) encoding: Encoding,
}

/// The transaction ids of batches and of single recipients. There can be as many as rows, so they are kept in one piece.
#[derive(Default)]
pub(super) struct TrxIds {
    all: String,
    /// The number of the batch, and where its id is.
    places: Vec<(i64, Range<usize>)>,
}

impl TrxIds {
    pub(super) fn add(&mut self, batch: i64, trx_id: &str) {
        let start = self.all.len();
        self.all.push_str(trx_id);
        self.places.push((batch, start..self.all.len()));
    }

    pub(super) fn sort(&mut self) {
        self.places.sort_by_key(|(batch, _)| *batch);
    }

    /// Those of a batch and of its recipients. They must be sorted.
    pub(super) fn of(&self, batch: i64) -> impl Iterator<Item = &str> {
        let first = self.places.partition_point(|(of, _)| *of < batch);
        let places = self.places[first..].iter();
        places
            .take_while(move |(of, _)| *of == batch)
            .map(|(_, place)| &self.all[place.clone()])
    }
}

/// What was read so far.
pub(super) struct Audit<'a> {
    pub(super) campaign: &'a Campaign,
    /// The state that each leaves.
    pub(super) decisions: HashMap<i64, State>,
    pub(super) batches: Vec<Batch>,
    /// By row.
    pub(super) texts: Vec<Option<StoredText>>,
    pub(super) members: Vec<Member>,
    pub(super) trx_ids: TrxIds,
    pub(super) counts: Counts,
    /// The rows that were never to be sent.
    pub(super) unsent: Counts,
    pub(super) hasher: RandomState,
    /// The rows of the plan's examples that have another text.
    pub(super) samples: Vec<u64>,
    pub(super) violations: Violations,
}

impl<'a> Audit<'a> {
    pub(super) fn new(campaign: &'a Campaign) -> Self {
        Self {
            campaign,
            decisions: HashMap::new(),
            batches: Vec::new(),
            texts: Vec::new(),
            members: Vec::new(),
            trx_ids: TrxIds::default(),
            counts: Counts::default(),
            unsent: Counts::default(),
            hasher: RandomState::new(),
            samples: Vec::new(),
            violations: Violations::default(),
        }
    }

    pub(super) fn violated(&mut self, rule: Rule, place: impl FnOnce() -> String) {
        self.violations.add(rule, place);
    }

    pub(super) fn check(&mut self, holds: bool, rule: Rule, batch: i64) {
        if !holds {
            self.violated(rule, || format!("batch {batch}"));
        }
    }

    /// The index of the batch with this number, if it has a record.
    pub(super) fn index(&self, id: i64) -> Option<usize> {
        // Where every batch has a record, each is in the place of its number.
        let place = usize::try_from(id).ok()?.checked_sub(1)?;
        if self.batches.get(place).is_some_and(|batch| batch.id == id) {
            return Some(place);
        }
        self.batches
            .binary_search_by_key(&id, |batch| batch.id)
            .ok()
    }

    pub(super) fn batch(
        &mut self,
        batch: &BatchRecord<'_>,
        code_fits: &dyn Fn(Status, i32) -> bool,
    ) {
        let (id, state) = (batch.id, batch.state);
        let parent = batch.parent.and_then(|parent| self.index(parent));
        if batch.parent.is_some() {
            let is_split = parent.is_some_and(|parent| self.batches[parent].state == State::Split);
            self.check(is_split, Rule::Parent, id);
        }
        // A code stays as it was answered, also after a decision.
        let code_is_right = match (state, batch.code) {
            (State::Accepted, _) if batch.decision.is_some() => true,
            (State::Accepted | State::Refused, None) | (State::Split, Some(_)) => false,
            (_, None) => true,
            (state, Some(code)) => state.status().is_some_and(|status| code_fits(status, code)),
        };
        self.check(code_is_right, Rule::Code, id);
        let may_have_none = matches!(
            state,
            State::Planned | State::Cancelled | State::Suppressed | State::Split
        );
        let has_attempts =
            (batch.attempts != 0 || may_have_none) && (batch.attempts > 0) == batch.was_claimed;
        self.check(has_attempts, Rule::HasAttempts, id);
        let decided = batch.decision.and_then(|id| self.decisions.get(&id));
        let as_decided = match decided {
            None => batch.decision.is_none() && state != State::Cancelled,
            _ if state == State::Split => true,
            Some(State::Planned) => matches!(state, State::Planned | State::Suppressed),
            Some(decided) => state == *decided,
        };
        self.check(as_decided, Rule::Decision, id);
        let may_have_trx_id = batch.trx_id.is_none() || state == State::Accepted;
        self.check(may_have_trx_id, Rule::TrxId, id);
        if let Some(trx_id) = batch.trx_id {
            self.trx_ids.add(id, trx_id);
        }
        let attempts = batch.attempts.clamp(i32::MIN.into(), i32::MAX.into());
        self.batches.push(Batch {
            id,
            parent: parent.and_then(|parent| u32::try_from(parent).ok()),
            state,
            attempts: i32::try_from(attempts).unwrap_or_default(),
            is_resolved: batch.decision.is_some(),
            has_reason: batch.has_reason,
            code: batch.code,
            made: 0,
            open: 0,
            last: None,
        });
    }

    pub(super) fn row(&mut self, row: &RowRecord<'_>) {
        let place = || format!("row {}", row.row);
        let text = self.text(row);
        if text.is_none() && (row.wire, row.credits) != (None, None) {
            self.violated(Rule::Costs, place);
        }
        let report = &self.campaign.report;
        let samples = [&report.first, &report.longest, &report.dearest];
        for sample in samples.into_iter().flatten() {
            if i64::try_from(sample.place.row) == Ok(row.row) {
                let hash = self.hasher.hash_one(&*sample.text);
                let planned = Encoding::from_wire(sample.r#type).map(|encoding| StoredText {
                    hash,
                    credits: sample.credits,
                    encoding,
                });
                if text.is_some() && text == planned {
                    self.samples.push(sample.place.row);
                }
            }
        }
        if row.batch.is_some() == row.unsent.is_some() {
            self.violated(Rule::BatchOfRow, place);
        }
        let index = row.batch.and_then(|batch| self.index(batch));
        let state = match (row.batch, index) {
            (_, Some(index)) => Some(self.batches[index].state),
            // A batch without a record is planned.
            (Some(batch), None) => {
                let is_planned = batch >= 1 && batch.cast_unsigned() <= report.batches;
                is_planned.then_some(State::Planned)
            }
            (None, None) => None,
        };
        if row.trx_id.is_some() && state != Some(State::Accepted) {
            self.violated(Rule::TrxId, place);
        }
        if let Some(status) = row.unsent {
            self.counts.add(status, 1);
            self.unsent.add(status, 1);
            return;
        }
        match state.and_then(State::status) {
            Some(status) => self.counts.add(status, 1),
            None => self.violated(Rule::LiveBatch, place),
        }
        let (Some(msisdn), Some(text)) = (row.msisdn, text) else {
            self.violated(Rule::NumberAndText, place);
            return;
        };
        let Some(batch) = row.batch else { return };
        self.members.push(Member {
            batch,
            msisdn,
            text: text.hash,
            row: u32::try_from(row.row).unwrap_or(u32::MAX),
            encoding: text.encoding,
        });
        if let Some(trx_id) = row.trx_id {
            self.trx_ids.add(batch, trx_id);
        }
    }

    /// The text of a row, if it has the type and the credits that the ledger says.
    fn text(&mut self, row: &RowRecord<'_>) -> Option<StoredText> {
        let found = match (row.text, row.text_row) {
            (Some(text), None) => {
                let wire = row.wire.and_then(|wire| u8::try_from(wire).ok());
                let encoding = wire.and_then(Encoding::from_wire);
                encoding.and_then(|encoding| {
                    let is_readable = encoding == Encoding::Unicode || text.is_ascii();
                    is_readable.then(|| StoredText {
                        hash: self.hasher.hash_one(text),
                        credits: encoding.credits(encoding.units(text)),
                        encoding,
                    })
                })
            }
            (None, Some(first)) => {
                let place = usize::try_from(first)
                    .ok()
                    .and_then(|row| row.checked_sub(1));
                place.and_then(|place| self.texts.get(place).copied().flatten())
            }
            _ => None,
        };
        let is_right = |text: &StoredText| {
            Some(text.credits.into()) == row.credits
                && Some(text.encoding.wire().into()) == row.wire
        };
        let text = found.filter(is_right);
        self.texts.push(text.filter(|_| row.text.is_some()));
        text
    }
}
