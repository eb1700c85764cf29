//! The batches that a process holds: which of them a worker gets next, within the limit of the run and without listed numbers.

use std::collections::{HashMap, HashSet, VecDeque};
use std::mem;
use std::slice;

use super::backend::Kept;
use super::batch::{AttemptId, Batch, BatchId, Settlement, Suppressed, add_suppressed};
use super::open::{Ledger, Page};
use crate::Result;
use crate::domain::{Message, Msisdn, Status, Timestamp};

/// How much a worker takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// A batch.
    Batch,
    /// A single recipient, from a batch that was split already if there is one.
    Recipient,
}

/// What a worker asks for next. Its last attempt is settled first, if there is one.
pub(super) struct Step {
    pub(super) ended: Option<Settlement>,
    pub(super) wants: Wants,
}

/// What a worker wants.
pub(super) enum Wants {
    /// Nothing more.
    Nothing,
    /// A batch, which is claimed at this time if there is one.
    Next(Take, Option<Timestamp>),
    /// The claim of a batch that it was given.
    Claim(Batch, Timestamp),
}

/// What a worker is given: a batch, and the attempt that its claim began if it is claimed.
pub(super) type Taken = Option<(Batch, Option<AttemptId>)>;

/// The planned batches that were read ahead, and how many recipients may still be handed out.
#[derive(Default)]
pub(super) struct BatchQueue {
    waiting: VecDeque<Batch>,
    /// The last batch that was read.
    last: Option<BatchId>,
    /// The numbers that came onto a suppression list during this run, with the reasons.
    pub(super) listed: HashMap<Msisdn, String>,
    state: QueueState,
}

/// What follows from the transactions so far.
#[derive(Clone, Default)]
pub(super) struct QueueState {
    /// The batches that workers hold: they were handed out, and neither settled nor lost since. Each is planned until its claim,
    /// and would be read again.
    held: Vec<BatchId>,
    /// How many recipients may still be handed out, if that is limited.
    limit: Option<u64>,
    /// The batches that lost recipients to them. A worker that was given one earlier must not claim it.
    withdrawn: HashSet<BatchId>,
    /// What was suppressed since this was last asked for.
    suppressed: Suppressed,
    /// The code with which the gateway stopped the account of another sender.
    account_stop: Option<i32>,
}

impl BatchQueue {
    /// A queue that hands out at most this many recipients.
    pub(super) fn new(limit: Option<u64>) -> Self {
        let state = QueueState {
            limit,
            ..QueueState::default()
        };
        Self {
            state,
            ..Self::default()
        }
    }

    /// What a transaction may change.
    pub(super) fn state(&self) -> QueueState {
        self.state.clone()
    }

    /// Forgets what was changed since then, because it did not become durable. What was read ahead is read again.
    pub(super) fn set_back(&mut self, before: &QueueState) {
        self.state = before.clone();
        self.waiting.clear();
        self.last = None;
    }

    /// Whether as many recipients were handed out as may be.
    pub(super) fn is_used_up(&self) -> bool {
        self.state.limit == Some(0)
    }

    /// The code with which the gateway stopped the account of another sender.
    pub(super) fn account_stop(&self) -> Option<i32> {
        self.state.account_stop
    }

    /// What was suppressed since this was last asked for.
    pub(super) fn take_suppressed(&mut self) -> Suppressed {
        mem::take(&mut self.state.suppressed)
    }

    /// Carries out what several workers ask for, as one each: many batches are settled or claimed in the time that one takes.
    pub(super) fn carry_out(&mut self, ledger: &mut Ledger, steps: &[Step]) -> Result<Vec<Taken>> {
        let ended: Vec<_> = steps
            .iter()
            .filter_map(|step| step.ended.as_ref())
            .collect();
        ledger.settle(&ended)?;
        for step in steps {
            if let (Some(ended), Wants::Next(..)) = (&step.ended, &step.wants) {
                self.give_up(ended);
            }
        }
        let mut taken: Vec<Taken> = steps.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..steps.len()).collect();
        while !open.is_empty() {
            let mut to_claim = Vec::new();
            for nth in open {
                match &steps[nth].wants {
                    Wants::Nothing => {}
                    Wants::Next(take, at) => match (self.next_unlisted(ledger, *take)?, at) {
                        (Some(batch), Some(at)) => to_claim.push((nth, batch, at)),
                        (batch, _) => taken[nth] = batch.map(|batch| (batch, None)),
                    },
                    Wants::Claim(batch, _) if self.withdraw(ledger, batch)? => {}
                    Wants::Claim(batch, at) => to_claim.push((nth, batch.clone(), at)),
                }
            }
            // Where another sender has the batch, the next one is tried.
            open = self.claim(ledger, to_claim, &mut taken)?;
            open.retain(|nth| matches!(steps[*nth].wants, Wants::Next(..)));
        }
        Ok(taken)
    }

    /// Claims batches for workers. Returns those workers whose batches other senders have.
    fn claim(
        &mut self,
        ledger: &mut Ledger,
        mut to_claim: Vec<(usize, Batch, &Timestamp)>,
        taken: &mut [Taken],
    ) -> Result<Vec<usize>> {
        let ids: Vec<_> = to_claim.iter().map(|(_, batch, _)| batch.id).collect();
        let mut kept = self.keep(ledger, &ids)?.into_iter();
        let mut lost = Vec::new();
        to_claim.retain(|(nth, batch, _)| {
            let is_kept = kept.next() == Some(true);
            if !is_kept {
                self.lose(batch);
                lost.push(*nth);
            }
            is_kept
        });
        let claims: Vec<_> = to_claim
            .iter()
            .map(|(_, batch, at)| (batch.id, *at))
            .collect();
        let attempts = ledger.claim(&claims)?;
        for ((nth, batch, _), attempt) in to_claim.into_iter().zip(attempts) {
            taken[nth] = Some((batch, Some(attempt)));
        }
        Ok(lost)
    }

    /// The next batch without a listed number.
    fn next_unlisted(&mut self, ledger: &mut Ledger, take: Take) -> Result<Option<Batch>> {
        let mut next = self.next(ledger, take)?;
        while let Some(batch) = &next
            && self.withdraw(ledger, batch)?
        {
            next = self.next(ledger, take)?;
        }
        Ok(next)
    }

    /// Whether a batch that was handed out must not be sent, because a number in it is listed.
    fn withdraw(&mut self, ledger: &mut Ledger, batch: &Batch) -> Result<bool> {
        let withdrawn = self.state.withdrawn.contains(&batch.id) || self.suppress(ledger, batch)?;
        if withdrawn {
            self.lose(batch);
        }
        Ok(withdrawn)
    }

    /// Keeps planned batches from other senders. `false`: it is not to be claimed.
    fn keep(&mut self, ledger: &mut Ledger, batches: &[BatchId]) -> Result<Vec<bool>> {
        let kept = ledger.keep(batches)?.into_iter().map(|kept| {
            if let Kept::AccountStopped(code) = kept {
                self.state.account_stop = Some(code);
            }
            kept == Kept::Planned
        });
        Ok(kept.collect())
    }

    /// A batch that was handed out is not sent by its worker.
    fn lose(&mut self, batch: &Batch) {
        self.state.held.retain(|held| *held != batch.id);
        if let Some(limit) = &mut self.state.limit {
            *limit += batch.messages.len() as u64;
        }
    }

    /// Suppresses the listed numbers of the next page of planned batches after `after`.
    pub(super) fn suppress_page(
        &mut self,
        ledger: &mut Ledger,
        after: Option<BatchId>,
    ) -> Result<Page> {
        let Self {
            listed,
            waiting,
            state,
            ..
        } = self;
        ledger.suppress_page(
            after,
            &|number| listed.get(&number).cloned(),
            &mut |batch, rows| {
                waiting.retain(|waiting| waiting.id != batch);
                state.withdrawn.insert(batch);
                add_suppressed(&mut state.suppressed, rows);
            },
        )
    }

    /// Suppresses the listed numbers of a planned batch. `false`: there is none.
    fn suppress(&mut self, ledger: &mut Ledger, batch: &Batch) -> Result<bool> {
        let listed = &self.listed;
        let on_list = |message: &Message| listed.contains_key(&message.number);
        if !batch.messages.iter().any(on_list) {
            return Ok(false);
        }
        let state = &mut self.state;
        ledger.suppress_in(
            slice::from_ref(batch),
            &|number| listed.get(&number).cloned(),
            &mut |batch, rows| {
                state.withdrawn.insert(batch);
                add_suppressed(&mut state.suppressed, rows);
            },
        )?;
        self.waiting.retain(|waiting| waiting.id != batch.id);
        Ok(true)
    }

    fn next(&mut self, ledger: &mut Ledger, take: Take) -> Result<Option<Batch>> {
        while self.state.limit != Some(0) && self.state.account_stop.is_none() {
            let (batch, most) = match take {
                Take::Batch => (self.first(ledger)?, usize::MAX),
                Take::Recipient => (self.first_split(ledger)?, 1),
            };
            let Some(batch) = batch else { return Ok(None) };
            if let Some(batch) = self.cut(ledger, batch, most)? {
                self.state.held.push(batch.id);
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// A worker is done with a batch. Its recipients that were not sent to may be handed out again.
    fn give_up(&mut self, ended: &Settlement) {
        if let Some(limit) = &mut self.state.limit {
            *limit += ended.counts().of(Status::Pending);
        }
        self.state.held.retain(|held| *held != ended.batch.id);
    }

    /// The next planned batch.
    fn first(&mut self, ledger: &mut Ledger) -> Result<Option<Batch>> {
        if self.waiting.is_empty() {
            self.read_ahead(ledger)?;
        }
        Ok(self.waiting.pop_front())
    }

    /// A planned batch that was split from another, or else the next one.
    fn first_split(&mut self, ledger: &mut Ledger) -> Result<Option<Batch>> {
        let Some(batch) = ledger.smallest_split()? else {
            return self.first(ledger);
        };
        self.waiting.retain(|waiting| waiting.id != batch.id);
        self.state.withdrawn.remove(&batch.id);
        Ok(Some(batch))
    }

    /// The first recipients of a batch, at most this many and no more than the limit allows. The others remain planned. `None`:
    /// another sender has it.
    fn cut(&mut self, ledger: &mut Ledger, batch: Batch, most: usize) -> Result<Option<Batch>> {
        let allowed = self.state.limit.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        });
        let size = batch.messages.len().min(most).min(allowed);
        let is_whole = size == batch.messages.len();
        if !is_whole && self.keep(ledger, &[batch.id])? != [true] {
            return Ok(None);
        }
        if let Some(limit) = &mut self.state.limit {
            *limit -= size as u64;
        }
        if is_whole {
            return Ok(Some(batch));
        }
        ledger.split_first(&batch, size).map(Some)
    }

    fn read_ahead(&mut self, ledger: &mut Ledger) -> Result<()> {
        let page = ledger.hand_out(self.last, &self.state.held)?;
        if let Some(batch) = page.last() {
            self.last = Some(batch.id);
        }
        // One that lost all its recipients is planned again if an operator says so.
        let is_read = |id: &BatchId| page.iter().any(|batch| batch.id == *id);
        self.state.withdrawn.retain(|id| !is_read(id));
        self.waiting.extend(page);
        Ok(())
    }
}
