//! A ledger in memory, for tests: as strict as the others, and fast enough for millions of campaigns.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    reason = "numbers of tests are small"
)]

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::schedule::Given;
use crate::domain::{Encoding, Message, Msisdn, Status, Timestamp};
use crate::ledger::backend::{
    self, History, InFlight, LockGuard, PlanInserts, PlanWriter, Snapshot, Started, StoredBatch,
};
use crate::ledger::batch::{AttemptId, Batch, BatchId};
use crate::ledger::campaign::Campaign;
use crate::ledger::change::{Change, Fields, NewIds, changed_meanwhile};
use crate::ledger::outcome::AttemptOutcome;
use crate::ledger::planned_row::{Disposition, PlannedRow, RowText};
use crate::ledger::recipient::{Decision, PlannedText, Recipient};
use crate::ledger::resolution::Selection;
use crate::ledger::state::State;
use crate::ledger::totals::Totals;
use crate::ledger::transition::INTERRUPTED;
use crate::ledger::verify::{self, AttemptRecord, BatchRecord, Records, RowRecord};
use crate::{Error, Kind, Result};

mod plan_writer;
mod snapshot;

use plan_writer::Unfinished;

/// A place for one ledger and its lock. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct Place(Arc<Mutex<Kept>>);

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Place {}

/// What outlives a crash.
#[derive(Clone, Debug, Default)]
struct Kept {
    /// The ledger as it was committed.
    ledger: Option<Arc<Data>>,
    started: Option<Started>,
    /// How many hold the lock: it and its guards.
    locked: Option<Arc<()>>,
    /// Whether the next commit panics.
    panics: bool,
}

/// What a plan holds for good.
#[derive(Debug)]
struct Plan {
    campaign: Campaign,
    rows: Vec<Planned>,
}

#[derive(Debug)]
struct Planned {
    cells: String,
    msisdn: Option<Msisdn>,
    text: Option<StoredText>,
}

impl Planned {
    /// Hands the row to `each` if it was planned to be sent.
    fn hand_text(&self, row: &Row, status: Status, each: &mut dyn FnMut(Status, Msisdn, &str)) {
        if let (Some(_), Some(number), Some(text)) = (row.batch, self.msisdn, &self.text) {
            each(status, number, &text.body);
        }
    }
}

#[derive(Clone, Debug)]
struct StoredText {
    body: Arc<str>,
    encoding: Encoding,
    credits: u32,
}

/// Everything in a ledger.
#[derive(Clone, Debug)]
pub(in crate::ledger) struct Data {
    plan: Arc<Plan>,
    gateway_host: Option<String>,
    begins_at: Option<Timestamp>,
    /// The last decision until when it may be sent.
    expires_at: Option<Timestamp>,
    schedules: Vec<Given>,
    rows: Vec<Arc<Row>>,
    batches: Vec<Arc<OneBatch>>,
    attempts: Vec<Arc<Attempt>>,
    decisions: Vec<Arc<OneDecision>>,
}

#[derive(Clone, Debug)]
struct Row {
    status: Status,
    batch: Option<BatchId>,
    reason: Option<String>,
    trx_id: Option<String>,
}

#[derive(Clone, Debug)]
struct OneBatch {
    parent: Option<BatchId>,
    state: State,
    attempts: u32,
    claimed_at: Option<String>,
    code: Option<i32>,
    trx_id: Option<String>,
    why: Option<String>,
    decision: Option<usize>,
}

#[derive(Clone, Debug)]
struct Attempt {
    batch: BatchId,
    /// As which it ended, of all.
    ended: u64,
    outcome: Option<AttemptOutcome>,
    answer: Option<String>,
}

#[derive(Clone, Debug)]
struct OneDecision {
    at: String,
    resolution: &'static str,
    note: Option<String>,
}

impl OneBatch {
    fn planned() -> Self {
        Self {
            parent: None,
            state: State::Planned,
            attempts: 0,
            claimed_at: None,
            code: None,
            trx_id: None,
            why: None,
            decision: None,
        }
    }
}

impl Place {
    /// The thread that makes the next commit panics.
    pub(crate) fn panic_at_next_commit(&self) {
        self.kept().panics = true;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::ledger) fn exists(&self) -> bool {
        self.kept().ledger.is_some()
    }

    pub(in crate::ledger) fn is_locked(&self) -> bool {
        let kept = self.kept();
        kept.locked
            .as_ref()
            .is_some_and(|lock| Arc::strong_count(lock) > 1)
    }

    pub(in crate::ledger) fn lock(&self) -> Result<Lock> {
        if self.is_locked() {
            return Err(Error::new(Kind::InUse, "is in use"));
        }
        let held = Arc::clone(self.kept().locked.get_or_insert_default());
        Ok(Lock {
            place: self.clone(),
            started: self.kept().started.clone(),
            held,
        })
    }

    pub(in crate::ledger) fn snapshot(&self) -> Result<Data> {
        let ledger = self.kept().ledger.clone();
        ledger
            .map(|ledger| (*ledger).clone())
            .ok_or_else(|| Error::new(Kind::Ledger, "there is no such ledger"))
    }

    /// Another place with what a crash at this moment would leave here.
    pub(crate) fn crash(&self) -> Self {
        let kept = self.kept();
        Self(Arc::new(Mutex::new(Kept {
            ledger: kept.ledger.clone(),
            started: kept.started.clone(),
            locked: None,
            panics: false,
        })))
    }

    /// Puts the ledger of another place here. The lock stays.
    pub(crate) fn put_back(&self, other: &Self) {
        let ledger = other.kept().ledger.clone();
        self.kept().ledger = ledger;
    }

    /// Everything that can change, as text.
    pub(crate) fn contents(&self) -> String {
        let ledger = self.kept().ledger.clone();
        ledger.map_or_else(String::new, |data| {
            format!(
                "{:?} {:?} {:?} {:?}",
                data.rows, data.batches, data.attempts, data.decisions
            )
        })
    }
}

#[derive(Debug)]
pub(in crate::ledger) struct Lock {
    place: Place,
    started: Option<Started>,
    held: Arc<()>,
}

impl Lock {
    fn record(&mut self, started: Option<Started>) {
        self.place.kept().started.clone_from(&started);
        self.started = started;
    }
}

impl backend::Lock for Lock {
    fn started(&self) -> Option<&Started> {
        self.started.as_ref()
    }

    fn mark_started(&mut self, campaign: &str) -> Result<()> {
        let before = self.started.as_ref();
        if before.is_none_or(|started| started.campaign != campaign) {
            self.record(Some(Started {
                campaign: campaign.to_owned(),
                attempts: 0,
                replaces_another: before.is_some(),
            }));
        }
        Ok(())
    }

    fn clear_started(&mut self) -> Result<()> {
        self.record(None);
        Ok(())
    }

    fn guard(&self) -> Result<LockGuard> {
        Ok(LockGuard(Box::new(Arc::clone(&self.held))))
    }

    fn begin_plan(&self) -> Result<Box<dyn PlanWriter>> {
        Ok(Box::new(Unfinished {
            place: self.place.clone(),
            planned: Vec::new(),
            rows: Vec::new(),
            batches: Vec::new(),
        }))
    }

    fn open(self: Box<Self>) -> Result<Box<dyn backend::Ledger>> {
        let data = self.place.snapshot()?;
        let mut lock = *self;
        let attempts = data.attempts.len() as u64;
        if attempts > 0 {
            backend::Lock::mark_started(&mut lock, &data.plan.campaign.id)?;
        }
        let mut ledger = Open {
            campaign: data.current_campaign(),
            data,
            lock,
        };
        ledger.record_attempts();
        Ok(Box::new(ledger))
    }

    fn close_completely(self: Box<Self>) -> Result<Box<dyn backend::Lock>> {
        Ok(self)
    }

    fn set_aside(&self, planned_at: &Timestamp, _: History) -> Result<String> {
        self.place.kept().ledger = None;
        Ok(planned_at.file_stamp())
    }
}

/// A ledger open for sending.
#[derive(Debug)]
struct Open {
    /// With what was applied since the last commit.
    data: Data,
    campaign: Campaign,
    lock: Lock,
}

impl Open {
    fn record_attempts(&mut self) {
        let attempts = self.data.attempts.len() as u64;
        if let Some(started) = &mut self.lock.started {
            started.attempts = attempts;
            let started = Some(started.clone());
            self.lock.place.kept().started = started;
        }
    }

    fn apply_one(&mut self, change: &Change, new: &mut NewIds) -> Result<()> {
        let data = &mut self.data;
        match change {
            Change::Start { gateway_host } => {
                data.gateway_host = Some(gateway_host.clone());
                let id = data.plan.campaign.id.clone();
                return backend::Lock::mark_started(&mut self.lock, &id);
            }
            Change::MarkBeginning { at } => data.begins_at.clone_from(at),
            Change::Move {
                batch,
                from,
                to,
                fields,
            } => return data.move_batch(*batch, *from, *to, fields),
            Change::Split {
                parent,
                from,
                to,
                children,
            } => {
                for child in children {
                    let copy = OneBatch {
                        parent: Some(*parent),
                        ..(**data.batch(*parent)?).clone()
                    };
                    data.batches.push(Arc::new(copy));
                    let id = BatchId(data.batches.len() as i64);
                    for &row in &child.rows {
                        data.row_of(*parent, row)?.batch = Some(id);
                    }
                    data.move_batch(id, *from, child.state, &child.fields)?;
                    new.batches.push(id);
                }
                data.move_batch(*parent, *from, *to, &Fields::Kept)?;
            }
            Change::Claim { batch, at } => {
                data.move_batch(*batch, State::Planned, State::Claimed, &Fields::Reopened)?;
                let claimed = Arc::make_mut(data.batch(*batch)?);
                claimed.attempts += 1;
                claimed.claimed_at = Some(at.to_string());
                data.attempts.push(Arc::new(Attempt {
                    batch: *batch,
                    ended: 0,
                    outcome: None,
                    answer: None,
                }));
                new.attempts.push(AttemptId(data.attempts.len() as i64));
            }
            Change::EndAttempt {
                attempt,
                outcome,
                answered,
            } => {
                let ended = data.attempts.iter().map(|attempt| attempt.ended).max();
                let attempt = data.attempts.get_mut(attempt.0 as usize - 1);
                let attempt = Arc::make_mut(attempt.expect("it was begun"));
                attempt.ended = ended.unwrap_or_default() + 1;
                attempt.outcome = Some(*outcome);
                attempt.answer = answered.as_ref().map(|answer| answer.text.clone());
            }
            Change::SetTrxId { row, trx_id } => {
                Arc::make_mut(&mut data.rows[*row as usize - 1])
                    .trx_id
                    .clone_from(trx_id);
            }
            Change::AddSchedule(given) => data.schedules.push((**given).clone()),
            Change::Expire { expires_at, .. } => data.expires_at = Some(expires_at.clone()),
            Change::Decide {
                at,
                resolution,
                note,
                ..
            } => data.decisions.push(Arc::new(OneDecision {
                at: at.to_string(),
                resolution: resolution.as_str(),
                note: note.clone(),
            })),
        }
        Ok(())
    }
}

impl Data {
    fn current_campaign(&self) -> Campaign {
        Campaign {
            gateway_host: self.gateway_host.clone(),
            expires_at: (self.expires_at.as_ref())
                .unwrap_or(&self.plan.campaign.expires_at)
                .clone(),
            schedules: self.schedules.clone(),
            ..self.plan.campaign.clone()
        }
    }

    fn batch(&mut self, id: BatchId) -> Result<&mut Arc<OneBatch>> {
        let batch = usize::try_from(id.0 - 1).ok();
        batch
            .and_then(|batch| self.batches.get_mut(batch))
            .ok_or_else(|| changed_meanwhile(id, "there"))
    }

    /// A row that must be in this batch.
    fn row_of(&mut self, batch: BatchId, row: i64) -> Result<&mut Row> {
        let row = Arc::make_mut(&mut self.rows[row as usize - 1]);
        if row.batch == Some(batch) {
            Ok(row)
        } else {
            Err(changed_meanwhile(batch, "what it was: a row has left it"))
        }
    }

    fn move_batch(&mut self, id: BatchId, from: State, to: State, fields: &Fields) -> Result<()> {
        let last_decision = self.decisions.len();
        let batch = Arc::make_mut(self.batch(id)?);
        if batch.state != from {
            return Err(changed_meanwhile(id, from.as_str()));
        }
        batch.state = to;
        match fields {
            Fields::Kept if to == State::Split => batch.code = None,
            Fields::Kept => {}
            Fields::Reopened => {
                (batch.code, batch.decision) = (None, None);
                (batch.trx_id, batch.why) = (None, None);
            }
            Fields::Settled { code, trx_id, why } => {
                batch.code = *code;
                batch.trx_id.clone_from(trx_id);
                batch.why.clone_from(why);
            }
            Fields::Suppressed { why } => batch.why = Some(why.clone()),
            Fields::Decided { trx_id } => {
                batch.decision = Some(last_decision);
                if trx_id.is_some() {
                    batch.trx_id.clone_from(trx_id);
                }
            }
        }
        Ok(())
    }

    /// The rows of each batch, in order.
    fn rows_of_batches(&self) -> Vec<Vec<i64>> {
        let mut rows = vec![Vec::new(); self.batches.len()];
        for (number, row) in (1..).zip(&self.rows) {
            if let Some(batch) = row.batch {
                rows[batch.0 as usize - 1].push(number);
            }
        }
        rows
    }

    fn status(&self, row: &Row) -> Status {
        match row
            .batch
            .map(|batch| self.batches[batch.0 as usize - 1].state)
        {
            None => row.status,
            Some(State::Planned) => Status::Pending,
            Some(State::Accepted) => Status::Accepted,
            Some(State::Refused) => Status::Refused,
            Some(State::Cancelled) => Status::Cancelled,
            Some(State::Suppressed) => Status::Suppressed,
            Some(State::Claimed | State::Unknown | State::Split) => Status::Unknown,
        }
    }
}

impl Open {
    /// The planned batches, in order.
    fn planned(&self) -> impl Iterator<Item = Batch> {
        let rows = self.data.rows_of_batches();
        let batches = (1..).zip(self.data.batches.iter().zip(rows));
        let planned = batches.filter(|(_, (batch, _))| batch.state == State::Planned);
        let batch = move |(id, (batch, rows)): (i64, (&Arc<OneBatch>, Vec<i64>))| {
            let message = |row: &i64| {
                let planned = &self.data.plan.rows[*row as usize - 1];
                let text = planned.text.as_ref().expect("a row to send has a text");
                Message {
                    number: planned.msisdn.expect("a row to send has a number"),
                    text: Arc::clone(&text.body),
                    encoding: text.encoding,
                }
            };
            Batch {
                id: BatchId(id),
                messages: rows.iter().map(message).collect(),
                split: batch.parent.is_some(),
                rows,
            }
        };
        planned.map(batch)
    }
}

impl backend::Ledger for Open {
    fn campaign(&self) -> &Campaign {
        &self.campaign
    }

    fn begin(&mut self) -> Result<()> {
        Ok(())
    }

    fn apply(&mut self, changes: &[Change]) -> Result<NewIds> {
        let mut new = NewIds::default();
        for change in changes {
            self.apply_one(change, &mut new)?;
        }
        Ok(new)
    }

    fn commit(&mut self) -> Result<()> {
        let committed = Arc::new(self.data.clone());
        let mut kept = self.lock.place.kept();
        if kept.ledger.is_none() {
            return Err(Error::new(Kind::Ledger, "was deleted"));
        }
        assert!(!std::mem::take(&mut kept.panics), "an error of the program");
        kept.ledger = Some(committed);
        drop(kept);
        self.record_attempts();
        Ok(())
    }

    fn roll_back(&mut self) {
        if let Ok(committed) = self.lock.place.snapshot() {
            self.data = committed;
        }
    }

    fn planned_after(&self, after: Option<BatchId>) -> Result<Vec<Batch>> {
        let is_next = |batch: &Batch| after.is_none_or(|after| batch.id > after);
        Ok(self.planned().filter(is_next).take(256).collect())
    }

    fn smallest_split(&self) -> Result<Option<Batch>> {
        let split = self.planned().filter(|batch| batch.split);
        Ok(split.min_by_key(|batch| (batch.rows.len(), batch.id)))
    }

    fn selected(&self, selection: &Selection) -> Result<Vec<StoredBatch>> {
        let is_selected = |id: i64, state: State, rows: &[i64]| match selection {
            Selection::AllUnknown => state == State::Unknown,
            Selection::AllPending => state == State::Planned,
            Selection::Batch(batch) => *batch == id.cast_unsigned(),
            Selection::Rows(ranges) => rows.iter().any(|row| {
                let mut ranges = ranges.iter();
                ranges.any(|range| range.contains(&row.cast_unsigned()))
            }),
        };
        let rows = self.data.rows_of_batches();
        let batches = (1..).zip(self.data.batches.iter().zip(rows));
        Ok(batches
            .filter(|(id, (batch, rows))| is_selected(*id, batch.state, rows))
            .map(|(id, (batch, rows))| StoredBatch {
                id: BatchId(id),
                state: batch.state,
                rows,
                resend_risk: None,
            })
            .collect())
    }

    fn in_flight(&self) -> Result<InFlight> {
        let state = |batch: BatchId| self.data.batches[batch.0 as usize - 1].state;
        let ids = (1..=self.data.batches.len() as i64).map(BatchId);
        let open = (1..).zip(&self.data.attempts);
        Ok(InFlight {
            batches: ids.filter(|id| state(*id) == State::Claimed).collect(),
            attempts: open
                .filter(|(_, one)| one.outcome.is_none() && state(one.batch) == State::Claimed)
                .map(|(id, _)| AttemptId(id))
                .collect(),
        })
    }

    fn has_attempt_besides(&self, outcome: AttemptOutcome) -> Result<bool> {
        let mut attempts = self.data.attempts.iter();
        Ok(attempts.any(|attempt| attempt.outcome != Some(outcome)))
    }

    fn last_outcome(&self, without: &[AttemptOutcome]) -> Result<Option<AttemptOutcome>> {
        let ended = self.data.attempts.iter().filter_map(|attempt| {
            let outcome = attempt.outcome.filter(|one| !without.contains(one))?;
            Some((attempt.ended, outcome))
        });
        let last = ended
            .enumerate()
            .max_by_key(|(nth, (ended, _))| (*ended, *nth));
        Ok(last.map(|(_, (_, outcome))| outcome))
    }

    fn totals(&self) -> Result<Totals> {
        self.data.totals()
    }

    fn close(self: Box<Self>) -> Result<Box<dyn backend::Lock>> {
        Ok(Box::new(self.lock))
    }
}
