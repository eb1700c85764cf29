//! A worker takes one batch after the other and sends it: it waits for the throttle, claims, submits and settles.
//! It claims nothing at a time at which the schedule does not allow to send.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::breaker::CircuitBreaker;
use super::classify::{Classified, Delay, Next, classify};
use super::health::GatewayHealth;
use super::policy::Policy;
use super::stop::{StopOnPanic, StopReason, StopToken};
use super::throttle::Throttle;
use crate::domain::schedule::Turn;
use crate::domain::status::Counts;
use crate::domain::{Status, Timestamp};
use crate::gateway::{Code, Fence, Gateway, Outcome, Outcomes, Reply, Request};
use crate::ledger::{AttemptId, Awaited, Batch, LedgerHandle, NewState, Settlement, Take};
use crate::{Error, Kind, Result};

/// How old a claim may be when its request is written, where several hosts send one campaign.
const FRESH: Duration = Duration::from_secs(5);

/// Receives the progress of a run. All workers call it, so it must be quick.
pub trait Progress: Sync {
    /// A request ended, and these rows got their status.
    fn settled(&self, rows: &Counts);
    /// A request certainly was not sent, and is tried again after that time.
    fn waiting(&self, why: &str, how_long: Duration);
    /// Nothing is sent before that time.
    fn closed_until(&self, opening: &Timestamp);
    /// Nothing is left to take, and the answers that other processes wait for may change that. It is called again and again.
    fn awaits_others(&self) {}
    /// The database of the ledger was lost. It is tried again for that time.
    fn database_lost(&self, _why: &Error, _how_long: Duration) {}
    /// The database that was lost answers again.
    fn database_back(&self) {}
}

/// What all workers share.
pub(super) struct Shared<'a> {
    pub(super) throttle: &'a Throttle,
    pub(super) policy: &'a Policy,
    pub(super) stop: &'a StopToken,
    pub(super) clock: &'a (dyn Fn() -> Timestamp + Sync),
    pub(super) progress: &'a dyn Progress,
    pub(super) breaker: Mutex<CircuitBreaker>,
    pub(super) health: Mutex<GatewayHealth>,
    /// How many requests were made that the gateway may have seen.
    pub(super) requests: AtomicU64,
    /// How many recipients these were for, without those to whom certainly nothing was sent.
    pub(super) sent: AtomicU64,
}

impl Shared<'_> {
    fn health(&self) -> MutexGuard<'_, GatewayHealth> {
        lock(&self.health)
    }

    /// How many recipients may still be sent to, if that is limited.
    pub(super) fn limit(&self) -> Option<u64> {
        let sent = self.sent.load(Ordering::Relaxed);
        (self.policy.limit).map(|limit| limit.saturating_sub(sent))
    }

    /// The time, if a batch may be claimed or sent at it. All workers stop where it may not: until the next window, or for good.
    pub(super) fn sending_time(&self) -> Option<Timestamp> {
        let now = (self.clock)();
        match self.policy.schedule.turn(&now) {
            Turn::Send => {}
            Turn::Wait(_) => self.stop.pause(),
            Turn::Over => self.stop.request(StopReason::NotAfter),
        }
        self.stop.continues().then_some(now)
    }

    /// Waits until no pause that the gateway asked for is left. `false`: the run stops or pauses.
    fn wait_for_pause_end(&self) -> bool {
        loop {
            // The lock is free again before the wait.
            let until = self.health().pause_end();
            match until {
                None => return true,
                Some(until) if !self.stop.wait_until(until) => return false,
                Some(_) => {}
            }
        }
    }

    /// Waits before the next try of a batch that was not sent. `false`: there is none, because the run stops or pauses.
    fn wait_for_retry(&self, retries: u32, why: &str, delay: Delay) -> bool {
        if !self.stop.continues() {
            return false;
        }
        let wait = {
            let mut health = self.health();
            health.last_failure = Some(why.to_owned());
            health.note_failure(retries, delay, self.policy)
        };
        let Some(wait) = wait else {
            self.stop.request(StopReason::Unreachable);
            return false;
        };
        self.progress.waiting(why, wait);
        self.stop.wait(wait)
    }

    /// Counts an answer for the whole run, in the order in which answers come.
    fn record(&self, batch: &Batch, classified: &Classified) {
        let mut new_states = classified.new_states.iter();
        if !new_states.all(NewState::is_planned_again) {
            self.health().forget_failures();
        }
        let unanswered = classified.new_states.iter().find_map(|state| match state {
            NewState::Unknown { why, .. } => Some(why),
            _ => None,
        });
        if let (Some(why), None) = (unanswered, self.stop.reason()) {
            self.health().last_failure = Some(why.clone());
        }
        let isolated = self.policy.split_bad_numbers && batch.split && classified.bad_number;
        if let Some(reason) = lock(&self.breaker).record(&classified.new_states, isolated) {
            self.stop.request(reason);
        }
    }
}

/// A worker that panics while it holds the lock leaves a valid value behind.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far a worker is with a batch.
pub(super) enum Stage {
    /// It has none. The attempt that ended is still to be settled, if there was one.
    Free(Option<Settlement>),
    /// It has a batch, which it has tried that often without sending it.
    Holding { batch: Batch, retries: u32 },
    /// The claim is durable, and the request may start.
    Claimed {
        batch: Batch,
        attempt: AttemptId,
        fence: Option<Fence>,
        retries: u32,
    },
    /// The request certainly was not sent, and no other can be.
    Failed { ended: Settlement, why: String },
    /// The request certainly was not sent, and is tried again.
    NotSent {
        ended: Settlement,
        delay: Delay,
        retries: u32,
    },
}

/// What the first worker has while it sends alone. Before the first usable answer of a run, the gateway may be one that takes
/// messages and answers none: so one request at a time is made, and after the first one each to a single person.
pub(super) struct Alone {
    /// What the next request is made for.
    take: Take,
    /// The other workers start when this is dropped.
    _others_wait: Sender<()>,
}

impl Alone {
    /// `after_no_answer`: the last request of an earlier run had no usable answer, so the first one of this run is for a
    /// single person too. The receiver is closed when the other workers may start.
    pub(super) fn new(after_no_answer: bool) -> (Self, Receiver<()>) {
        let (sender, closed) = mpsc::channel();
        let alone = Self {
            take: if after_no_answer {
                Take::Recipient
            } else {
                Take::Batch
            },
            _others_wait: sender,
        };
        (alone, closed)
    }
}

/// One worker with its own connection to the gateway.
pub(super) struct Worker<'a> {
    pub(super) shared: &'a Shared<'a>,
    pub(super) ledger: LedgerHandle,
    pub(super) gateway: &'a mut dyn Gateway,
    /// Only the first worker has it, until the first usable answer.
    pub(super) alone: Option<Alone>,
}

impl Worker<'_> {
    /// Sends one batch after the other. An error stops all workers: nothing is sent without the ledger, or
    /// where no connection can be made.
    pub(super) fn run(mut self) -> Result<()> {
        // It is dropped before the worker, so that no other one starts after a panic.
        let _guard = StopOnPanic(self.shared.stop);
        let result = self.send_batches();
        if result.is_err() {
            self.shared.stop.request(StopReason::Error);
        }
        result
    }

    fn send_batches(&mut self) -> Result<()> {
        let mut stage = Stage::Free(None);
        while let Some(next) = self.step(stage)? {
            stage = next;
        }
        Ok(())
    }

    /// Does the next thing: at most one commit, or one request. `None`: the worker has come to its end.
    pub(super) fn step(&mut self, stage: Stage) -> Result<Option<Stage>> {
        match stage {
            Stage::Free(ended) => {
                if let Some(now) = self.shared.sending_time() {
                    return self.next(ended, now);
                }
                ended.map_or(Ok(()), |ended| self.ledger.settle(ended))?;
                Ok(None)
            }
            Stage::Holding { batch, retries } => {
                let turn = self.wait_for_turn(&batch)?;
                let Some(now) = self.shared.sending_time().filter(|_| turn) else {
                    return Ok(Some(Stage::Free(None)));
                };
                let fence = self.fence();
                let Some(attempt) = self.ledger.claim(&batch, now)? else {
                    self.shared.throttle.keep_turn(batch.messages.len());
                    self.note_account_stop()?;
                    return Ok(Some(Stage::Free(None)));
                };
                Ok(Some(Stage::Claimed {
                    batch,
                    attempt,
                    fence,
                    retries,
                }))
            }
            Stage::Claimed {
                batch,
                attempt,
                fence,
                retries,
            } => {
                let (ended, next) = self.submit(&batch, attempt, fence);
                self.note_answer(&ended);
                if let Next::Stop(StopReason::Account(code)) = next {
                    self.ledger.stop_account(code.0)?;
                }
                Ok(Some(self.after(next, ended, retries)))
            }
            Stage::Failed { ended, why } => {
                self.ledger.settle(ended)?;
                Err(Error::new(Kind::Other, why))
            }
            Stage::NotSent {
                ended,
                delay,
                retries,
            } => self.retry(ended, delay, retries).map(Some),
        }
    }

    /// Settles the attempt that ended and takes what is next. If there is nothing to wait for, it is claimed too: that saves
    /// a commit, and no claim is held while waiting.
    fn next(&self, ended: Option<Settlement>, now: Timestamp) -> Result<Option<Stage>> {
        let retries = 0;
        let take = self.alone.as_ref().map_or(Take::Batch, |alone| alone.take);
        let is_unlimited = self.shared.throttle.is_unlimited() && !self.ledger.is_limited();
        if is_unlimited && self.shared.health().pause_end().is_none() {
            let fence = self.fence();
            let claimed = self.ledger.next_claimed(ended, take, now)?;
            return match claimed {
                Some((batch, attempt)) => Ok(Some(Stage::Claimed {
                    batch,
                    attempt,
                    fence,
                    retries,
                })),
                None => self.wait_for_others(),
            };
        }
        match self.ledger.next(ended, take)? {
            Some(batch) => Ok(Some(Stage::Holding { batch, retries })),
            None => self.wait_for_others(),
        }
    }

    /// Stops the run where the gateway stopped the account of another sender, which may have been the reason that nothing was claimed.
    fn note_account_stop(&self) -> Result<()> {
        if let Some(code) = self.ledger.account_stop()? {
            self.shared.stop.request(StopReason::Account(Code(code)));
        }
        Ok(())
    }

    /// Until when the request may be written whose claim is about to be made. The claim is durable some time after this, and then
    /// others know how old it is at least.
    fn fence(&self) -> Option<Fence> {
        self.ledger.is_shared().then(|| Fence::after(FRESH))
    }

    /// Nothing is left to take. Where other senders have requests under way, their batches may have to be sent yet.
    fn wait_for_others(&self) -> Result<Option<Stage>> {
        const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
        self.note_account_stop()?;
        match self.ledger.awaits()? {
            Awaited::Nothing => return Ok(None),
            // Other workers of this process may have them.
            Awaited::Planned => {}
            Awaited::Requests => self.shared.progress.awaits_others(),
        }
        let goes_on = self.shared.stop.wait(BETWEEN_LOOKS);
        Ok(goes_on.then_some(Stage::Free(None)))
    }

    /// The first usable answer lets the other workers start. Where there was none, the next request is for one person.
    fn note_answer(&mut self, ended: &Settlement) {
        if ended.outcome.is_usable() {
            self.alone = None;
        } else if let Some(alone) = &mut self.alone {
            alone.take = Take::Recipient;
        }
    }

    /// What follows from an answer.
    fn after(&self, next: Next, ended: Settlement, retries: u32) -> Stage {
        match next {
            Next::Settle => Stage::Free(Some(ended)),
            Next::Stop(reason) => {
                self.shared.stop.request(reason);
                Stage::Free(Some(ended))
            }
            Next::Fail(why) => Stage::Failed { ended, why },
            Next::Retry(delay) => Stage::NotSent {
                ended,
                delay,
                retries,
            },
        }
    }

    /// Waits before the same batch is tried again. If the run stops or pauses, the batch is pending.
    fn retry(&self, ended: Settlement, delay: Delay, retries: u32) -> Result<Stage> {
        let batch = ended.batch.clone();
        let why = match &ended.new_states[..] {
            [NewState::Planned { why }] => why.clone(),
            _ => String::new(),
        };
        // Settled before the wait, so that a crash while waiting leaves nothing unknown.
        self.ledger.settle(ended)?;
        if !self.shared.wait_for_retry(retries, &why, delay) {
            return Ok(Stage::Free(None));
        }
        let retries = retries.saturating_add(1);
        Ok(Stage::Holding { batch, retries })
    }

    /// Waits until the batch may be claimed. `false`: the run stops or pauses.
    fn wait_for_turn(&self, batch: &Batch) -> Result<bool> {
        let Shared { throttle, stop, .. } = self.shared;
        let recipients = batch.messages.len();
        let turn = if self.ledger.is_shared() {
            throttle.reserve_shared(recipients, || self.ledger.reserve(recipients), stop)?
        } else {
            throttle.reserve(recipients, stop)
        };
        Ok(turn && self.shared.wait_for_pause_end())
    }

    /// Makes one request, whose claim is durable.
    fn submit(
        &mut self,
        batch: &Batch,
        attempt: AttemptId,
        fence: Option<Fence>,
    ) -> (Settlement, Next) {
        let shared = self.shared;
        let recipients = batch.messages.len();
        let is_admitted = if self.ledger.is_shared() {
            shared.throttle.admit_shared(recipients, shared.stop)
        } else {
            shared.throttle.admit(recipients, shared.stop)
        };
        // The host may have been suspended since the claim.
        let may_be_sent = is_admitted && shared.sending_time().is_some();
        let reply = if may_be_sent {
            self.gateway.submit(&Request {
                messages: &batch.messages,
                sender_id: shared.policy.sender_id.as_ref(),
                fence,
            })
        } else {
            Reply::without_response(Outcome::NotSent {
                why: "the run was stopped, or a window ended, before the request was made"
                    .to_owned(),
            })
        };
        if !matches!(
            reply.outcomes,
            Outcomes::All(Outcome::NotSent { .. } | Outcome::CannotConnect { .. })
        ) {
            shared.requests.fetch_add(1, Ordering::Relaxed);
        }
        let classified = classify(&reply.outcomes, recipients, shared.policy.split_bad_numbers);
        tracing::info!(
            batch = %batch.id,
            recipients,
            http_status = reply.http_status,
            outcome = classified.outcome.as_str()
        );
        shared.record(batch, &classified);
        let settlement = Settlement {
            batch: batch.clone(),
            attempt,
            ended_at: (shared.clock)(),
            outcome: classified.outcome,
            http_status: reply.http_status,
            answer: reply.raw,
            new_states: classified.new_states,
        };
        let counts = settlement.counts();
        let sent = counts.rows() - counts.of(Status::Pending);
        shared.sent.fetch_add(sent, Ordering::Relaxed);
        shared.progress.settled(&counts);
        (settlement, classified.next)
    }
}
