//! A ledger that is open for sending: the rules of [`transition`], carried out in transactions of a backend.

use std::mem;
use std::thread;
use std::time::Duration;

use super::backend::{self, Kept, StoredBatch};
use super::batch::{AttemptId, Batch, BatchId, NewState, Settlement, Suppressed, add_suppressed};
use super::campaign::Campaign;
use super::change::{Change, NewIds, sent_elsewhere};
use super::location::{Location, Lock};
use super::outcome::AttemptOutcome;
use super::outlast::{Outlast, Tries};
use super::resolution::{Resolution, Resolved, Selection};
use super::sender::{Awaited, Reservation, SenderOptions};
use super::totals::Totals;
use super::transition;
use crate::domain::schedule::Given;
use crate::domain::{Msisdn, Timestamp};
use crate::{Error, Kind, Result};

/// How long to leave other senders alone that keep a batch, and how often at most.
pub(super) const PAUSE: Duration = Duration::from_millis(20);
const MOST_TRIES: u32 = 1500;

/// A ledger open for sending.
#[derive(Debug)]
pub struct Ledger {
    backend: Box<dyn backend::Ledger>,
    location: Location,
    /// The gateway's host for the claims to come.
    destination: String,
    /// Whether this run has recorded that the campaign is started.
    started: bool,
    recovered: u64,
    outlast: Option<Outlast>,
}

impl Ledger {
    /// Opens the ledger that the lock belongs to. Claims that a crash left behind become unknown here, before anything else is
    /// done with them.
    pub fn open(lock: Lock) -> Result<Self> {
        let backend = lock.backend.open()?;
        let mut ledger = Self {
            destination: backend.campaign().gateway_host.clone().unwrap_or_default(),
            backend,
            location: lock.location,
            started: false,
            recovered: 0,
            outlast: None,
        };
        ledger.recovered = ledger.transaction(Self::recover)?;
        Ok(ledger)
    }

    /// From now on, a database that was lost is tried again like this.
    pub fn set_outlast(&mut self, outlast: Outlast) {
        self.outlast = Some(outlast);
    }

    /// Whether several processes can send the campaign at once.
    pub(super) fn is_shared(&self) -> bool {
        self.backend.is_shared()
    }

    /// Says how this process sends, before it claims anything. Refuses a store that may miss what was sent.
    pub fn set_sender(&mut self, options: &SenderOptions) -> Result<()> {
        self.patiently(|ledger| ledger.backend.set_sender(options))
    }

    /// Takes the turn of this many recipients at the rate that all senders of an account share. Not in a transaction.
    pub(super) fn reserve(&mut self, recipients: usize) -> Result<Reservation> {
        self.patiently(|ledger| ledger.backend.reserve(recipients))
    }

    /// Whether a sender of the same account asks for a rate.
    pub(super) fn is_limited(&mut self) -> Result<bool> {
        self.patiently(|ledger| ledger.backend.is_limited())
    }

    /// Makes unknown what senders that are gone left under way. Returns how many batches.
    fn recover(&mut self) -> Result<u64> {
        let in_flight = self.backend.in_flight()?;
        self.apply(&transition::recover(&in_flight)?)?;
        Ok(in_flight.batches.len() as u64)
    }

    /// What may have to be sent yet, although nothing was left to take. What those left under way that are gone is unknown from now
    /// on. In a transaction.
    pub(super) fn awaits(&mut self) -> Result<Awaited> {
        self.recover()?;
        self.backend.awaits()
    }

    /// The campaign of this ledger.
    #[must_use]
    pub fn campaign(&self) -> &Campaign {
        self.backend.campaign()
    }

    /// Where it is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// How many batches a crash had left under way. They are unknown now.
    #[must_use]
    pub fn recovered(&self) -> u64 {
        self.recovered
    }

    /// The rows in numbers.
    pub fn totals(&mut self) -> Result<Totals> {
        self.patiently(|ledger| ledger.backend.totals())
    }

    /// Sets the gateway's host for the claims to come. A campaign that was started with another host is refused: one gateway
    /// cannot tell what another one took.
    pub fn set_destination(&mut self, host: &str) -> Result<()> {
        let not_sent = AttemptOutcome::NotSent;
        if let Some(first) = self.campaign().gateway_host.clone()
            && first != host
            // Where no byte ever left this machine, nothing was sent to the first host, whose name may have been mistyped.
            && self.patiently(|ledger| ledger.backend.has_attempt_besides(not_sent))?
        {
            return Err(sent_elsewhere(&first, host).at(&self.location));
        }
        host.clone_into(&mut self.destination);
        Ok(())
    }

    /// Whether the request that ended last had no usable answer. Those that were not sent, or throttled, do not count.
    pub fn lacks_answer(&mut self) -> Result<bool> {
        let last =
            self.patiently(|ledger| ledger.backend.last_outcome(&AttemptOutcome::UNDECIDED))?;
        Ok(last.is_some_and(|outcome| !outcome.is_usable()))
    }

    /// Marks durably that a run is about to make its first request, or that it has ended. Other campaigns see this.
    pub fn mark_beginning(&mut self, at: Option<Timestamp>) -> Result<()> {
        let mark = [Change::MarkBeginning { at }];
        self.transaction(|ledger| ledger.apply(&mark).map(drop))
    }

    /// Records until when an operator allows the campaign to be sent.
    pub fn set_expiry(&mut self, expires_at: &Timestamp, at: &Timestamp) -> Result<()> {
        let expire = Change::Expire {
            at: at.clone(),
            expires_at: expires_at.clone(),
        };
        let expire = [expire];
        self.transaction(|ledger| ledger.apply(&expire)).map(drop)
    }

    /// Records when a run is asked to send the campaign, after what was recorded for earlier ones.
    pub fn add_schedule(&mut self, given: &Given) -> Result<()> {
        let schedule = [Change::AddSchedule(Box::new(given.clone()))];
        self.transaction(|ledger| ledger.apply(&schedule)).map(drop)
    }

    /// Changes the selected rows as an operator decides, all of them or none. Where others can send the campaign, what is pending is
    /// changed in pages, so that they need not wait: what a crash cuts off is done by the same decision once more.
    pub fn resolve(
        &mut self,
        selection: &Selection,
        resolution: &Resolution,
        note: Option<&str>,
        at: &Timestamp,
    ) -> Result<Resolved> {
        let mut all = self.resolve_page(selection, resolution, note, at)?;
        if self.is_shared() && *selection == Selection::AllPending {
            let mut page = all.rows.len();
            while page > 0 {
                let more = self.resolve_page(selection, resolution, note, at)?;
                page = more.rows.len();
                all.rows.extend(more.rows);
            }
            all.rows.sort_unstable();
        }
        Ok(all)
    }

    fn resolve_page(
        &mut self,
        selection: &Selection,
        resolution: &Resolution,
        note: Option<&str>,
        at: &Timestamp,
    ) -> Result<Resolved> {
        // Others that send keep a batch for a moment only.
        let mut tries = 0;
        loop {
            let resolved = self.transaction(|ledger| {
                let batches = ledger.backend.selected(selection)?;
                let (resolved, changes) =
                    transition::resolve(&batches, selection, resolution, note, at)?;
                ledger.apply(&changes)?;
                Ok(resolved)
            });
            tries += 1;
            match resolved {
                Err(error) if error.kind == Kind::InUse && tries < MOST_TRIES => {
                    thread::sleep(PAUSE);
                }
                resolved => return resolved,
            }
        }
    }

    /// Suppresses recipients that are still pending. `listed` returns the reason why a number must not be sent to, if there
    /// is one. Returns the rows that were suppressed.
    pub fn suppress(&mut self, listed: impl Fn(Msisdn) -> Option<String>) -> Result<Suppressed> {
        let mut after = None;
        let mut suppressed = Suppressed::new();
        loop {
            let (page, found) = self.transaction(|ledger| {
                let mut found = Suppressed::new();
                let page = ledger.suppress_page(after, &listed, &mut |_, rows| {
                    add_suppressed(&mut found, rows);
                })?;
                Ok((page, found))
            })?;
            add_suppressed(&mut suppressed, found);
            match page {
                Page::Through(last) => after = Some(last),
                Page::Busy => thread::sleep(PAUSE),
                Page::End => return Ok(suppressed),
            }
        }
    }

    /// Suppresses the listed recipients of the next page of planned batches after `after`. Hands each batch that has some to
    /// `each`, with their rows.
    pub(super) fn suppress_page(
        &mut self,
        after: Option<BatchId>,
        listed: &dyn Fn(Msisdn) -> Option<String>,
        each: &mut dyn FnMut(BatchId, Suppressed),
    ) -> Result<Page> {
        let page = self.planned_after(after)?;
        let Some(last) = page.last() else {
            return Ok(Page::End);
        };
        // Children of a split come after everything planned so far, and hold no listed number.
        Ok(if self.suppress_in(&page, listed, each)? {
            Page::Through(last.id)
        } else {
            Page::Busy
        })
    }

    /// Suppresses the listed recipients of planned batches. Hands each batch that has some to `each`, with their rows. `false`:
    /// another sender is changing one of them.
    pub(super) fn suppress_in(
        &mut self,
        batches: &[Batch],
        listed: &dyn Fn(Msisdn) -> Option<String>,
        each: &mut dyn FnMut(BatchId, Suppressed),
    ) -> Result<bool> {
        let (mut ids, mut found) = (Vec::new(), Vec::new());
        for batch in batches {
            let (rows, changes) = transition::suppress(batch, listed)?;
            if !changes.is_empty() {
                ids.push(batch.id);
                found.push((rows, changes));
            }
        }
        let kept = self.keep(&ids)?;
        let mut all = Vec::new();
        for ((id, (rows, changes)), kept) in ids.iter().zip(found).zip(&kept) {
            // What is listed is suppressed also where nothing is to be claimed.
            if matches!(kept, Kept::Planned | Kept::AccountStopped(_)) {
                all.extend(changes);
                each(*id, rows);
            }
        }
        self.apply(&all)?;
        Ok(!kept.contains(&Kept::Busy))
    }

    /// Keeps planned batches for this sender to the end of the transaction.
    pub(super) fn keep(&mut self, batches: &[BatchId]) -> Result<Vec<Kept>> {
        if batches.is_empty() {
            return Ok(Vec::new());
        }
        self.backend.keep(batches)
    }

    /// Tells other senders of the campaign that the gateway stopped the account with this code. In a transaction.
    pub(super) fn stop_account(&mut self, code: i32) -> Result<()> {
        self.backend.stop_account(code)
    }

    /// The next page of planned batches for this sender, without those that it holds.
    pub(super) fn hand_out(
        &mut self,
        after: Option<BatchId>,
        held: &[BatchId],
    ) -> Result<Vec<Batch>> {
        let page = self.backend.hand_out(after, held)?;
        self.check(&page)?;
        Ok(page)
    }

    /// The next page of planned batches after `after`, in order.
    pub(super) fn planned_after(&self, after: Option<BatchId>) -> Result<Vec<Batch>> {
        let page = self.backend.planned_after(after)?;
        self.check(&page)?;
        Ok(page)
    }

    fn check(&self, batches: &[Batch]) -> Result<()> {
        let limits = self.campaign().options.limits;
        let mut batches = batches.iter();
        batches
            .try_for_each(|batch| batch.check(limits))
            .map_err(|error| error.about(&self.location))
    }

    /// The planned batch with the fewest recipients, of those that were split from another.
    pub(super) fn smallest_split(&self) -> Result<Option<Batch>> {
        let batch = self.backend.smallest_split()?;
        self.check(batch.as_slice())?;
        Ok(batch)
    }

    /// Takes planned batches for one attempt each. The transaction must be committed before their requests start.
    pub(super) fn claim(&mut self, batches: &[(BatchId, &Timestamp)]) -> Result<Vec<AttemptId>> {
        if batches.is_empty() {
            return Ok(Vec::new());
        }
        let mut changes = Vec::new();
        if !self.started {
            let gateway_host = self.destination.clone();
            changes.push(Change::Start { gateway_host });
            self.started = true;
        }
        changes.extend(transition::claim(batches)?);
        let new = self.apply(&changes)?;
        if new.attempts.len() == batches.len() {
            Ok(new.attempts)
        } else {
            Err(without_number())
        }
    }

    /// Records the ends of attempts. Their answers count also where others have taken this sender for gone.
    pub(super) fn settle(&mut self, ends: &[&Settlement]) -> Result<()> {
        let mut in_time = Vec::new();
        for &end in ends {
            match self.backend.claimed_rows(end.attempt, &end.batch.rows)? {
                None => in_time.push(end),
                Some(batches) => self.settle_late(end, &batches)?,
            }
        }
        self.apply(&transition::settle(&in_time)?)?;
        let is_accepted = |state: &NewState| matches!(state, NewState::Accepted { .. });
        let mut states = in_time.iter().flat_map(|end| &end.new_states);
        if in_time.len() < ends.len() || !states.all(is_accepted) {
            let again = self.backend.planned_although_accepted()?;
            self.apply(&transition::keep_accepted(&again)?)?;
        }
        Ok(())
    }

    /// Records the end of an attempt whose sender may have been taken for gone. These batches have its rows now.
    fn settle_late(&mut self, end: &Settlement, batches: &[StoredBatch]) -> Result<()> {
        self.apply(&transition::settle_late(end, batches)?)?;
        let sent_again = transition::sent_again(end, batches);
        if !sent_again.is_empty() {
            self.backend.note_sent_again(end.attempt, &sent_again)?;
        }
        Ok(())
    }

    /// Splits a planned batch after its first `recipients`, and returns these as a batch.
    pub(super) fn split_first(&mut self, batch: &Batch, recipients: usize) -> Result<Batch> {
        let new = self.apply(&transition::split_first(batch, recipients)?)?;
        let id = new.batches.first().copied().ok_or_else(without_number)?;
        Ok(batch.first(recipients, id))
    }

    fn apply(&mut self, changes: &[Change]) -> Result<NewIds> {
        if changes.is_empty() {
            return Ok(NewIds::default());
        }
        self.backend.apply(changes)
    }

    /// Runs `work` in one transaction and commits it durably. Where the database is lost on the way, it is made again, unless it
    /// turns out that it is durable: a claim that was made twice would be sent twice, and an answer that was not written would be
    /// lost.
    pub(super) fn transaction<T>(
        &mut self,
        mut work: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let mut tries = Tries::default();
        loop {
            let started = self.started;
            let begun = self.backend.begin();
            let done = match begun.and_then(|()| work(self)) {
                Ok(value) => match self.backend.commit() {
                    Ok(()) => {
                        self.tell_back(&tries);
                        return Ok(value);
                    }
                    Err(error) => (Some(value), error),
                },
                Err(error) => (None, error),
            };
            self.backend.roll_back();
            let is_started = mem::replace(&mut self.started, started);
            let (value, error) = done;
            let is_durable = self.reconnect(error, &mut tries)?;
            if let Some(value) = value.filter(|_| is_durable) {
                self.started = is_started;
                self.tell_back(&tries);
                return Ok(value);
            }
        }
    }

    /// Asks for something outside of a transaction, again where the database was lost.
    pub fn patiently<T>(&mut self, mut ask: impl FnMut(&mut Self) -> Result<T>) -> Result<T> {
        let mut tries = Tries::default();
        loop {
            match ask(self) {
                Ok(value) => {
                    self.tell_back(&tries);
                    return Ok(value);
                }
                Err(error) => self.reconnect(error, &mut tries)?,
            };
        }
    }

    /// After an error that says that the database was lost: connects again. Returns whether the last commit is durable.
    fn reconnect(&mut self, mut error: Error, tries: &mut Tries) -> Result<bool> {
        // Two senders that waited for each other: one of them gives way.
        if error.kind == Kind::InUse && self.outlast.is_some() && tries.in_use < MOST_TRIES {
            tries.in_use += 1;
            thread::sleep(PAUSE);
            return Ok(false);
        }
        loop {
            let outlast = (self.outlast.as_mut()).filter(|_| error.kind == Kind::Unreachable);
            let goes_on = outlast.is_some_and(|outlast| (outlast.wait)(&error, tries.lost));
            if !goes_on {
                return Err(error.about(&self.location));
            }
            tries.lost = tries.lost.saturating_add(1);
            match self.backend.reconnect() {
                Ok(is_durable) => return Ok(is_durable),
                Err(again) => error = again,
            }
        }
    }

    /// After something that was done: if the database was lost on the way, it is there again.
    fn tell_back(&mut self, tries: &Tries) {
        if let (Some(outlast), 1..) = (&mut self.outlast, tries.lost) {
            (outlast.tell_back)();
        }
    }

    /// Closes the ledger. The lock is handed back, still held.
    pub fn close(self) -> Result<Lock> {
        Ok(Lock {
            backend: self.backend.close()?,
            location: self.location,
        })
    }
}

/// How far the search for listed numbers got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// Through this batch.
    Through(BatchId),
    /// Another sender was changing a batch with a listed number: it is to be looked at again.
    Busy,
    /// Nothing planned is left.
    End,
}

/// A bug of the program.
fn without_number() -> Error {
    Error::new(
        Kind::Ledger,
        "the ledger gave no number to what was added to it",
    )
}
