//! One thread writes to an open ledger for all workers. It commits the jobs that came in during the last commit as one
//! group, and answers them when that commit is durable.
#![allow(clippy::disallowed_methods, reason = "measures waits")]

use std::array;
use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::batch::{AttemptId, Batch, Settlement, Suppressed};
use super::batch_queue::{BatchQueue, Step, Take, Taken, Wants};
use super::open::{self, Ledger, Page};
use super::sender::{Awaited, Reservation};
use crate::domain::{Msisdn, Timestamp};
use crate::{Error, Kind, Result};

/// What a worker asks for.
enum Job {
    /// The next step in sending, and where the worker learns what came of it, which is durable then.
    Step(Box<Step>, Sender<Result<Taken>>),
    /// Other work, and where the worker learns that it is durable.
    Other(Work, Sender<Result<()>>),
    /// The turn of this many recipients.
    Reserve(usize, Sender<Result<Reservation>>),
}

/// It is carried out again where the database was lost before it was durable.
type Work = Box<dyn FnMut(&mut BatchQueue, &mut Ledger) -> Result<()> + Send>;

/// The thread that writes. It ends when all handles are dropped.
#[derive(Debug)]
pub struct Committer {
    thread: JoinHandle<(Ledger, Result<()>)>,
}

/// What a worker has of the ledger.
pub struct LedgerHandle {
    /// Carries out a step. When it returns, that is durable.
    step: Box<dyn Fn(Step) -> Result<Taken> + Send>,
    /// Carries out other work. When it returns, the work is durable.
    other: Box<dyn Fn(Work) -> Result<()> + Send>,
    /// Takes the turn of this many recipients.
    reserve: Box<dyn Fn(usize) -> Result<Reservation> + Send>,
    /// Whether others can send the campaign too.
    is_shared: bool,
    /// Whether one of these asks for a rate.
    is_limited: Arc<AtomicBool>,
}

impl Committer {
    /// Starts the thread for `workers` workers. `limit` bounds how many recipients are handed out in all.
    #[must_use]
    pub fn start(ledger: Ledger, workers: usize, limit: Option<u64>) -> (Self, Vec<LedgerHandle>) {
        let (jobs, incoming) = mpsc::channel();
        let is_shared = ledger.is_shared();
        let group = GroupCommit::new(ledger, limit);
        let handles = (0..workers).map(|_| {
            let [steps, others, turns]: [Sender<Job>; 3] = array::from_fn(|_| jobs.clone());
            LedgerHandle {
                step: Box::new(move |step| ask(&steps, |answer| Job::Step(step.into(), answer))),
                other: Box::new(move |work| ask(&others, |answer| Job::Other(work, answer))),
                reserve: Box::new(move |number| ask(&turns, |to| Job::Reserve(number, to))),
                is_shared,
                is_limited: Arc::clone(&group.is_limited),
            }
        });
        let handles = handles.collect();
        let thread = thread::spawn(move || serve(group, &incoming));
        (Self { thread }, handles)
    }

    /// Waits until all handles are dropped. Returns the ledger, and the error that stopped the writing if there was one. After
    /// a panic there is no ledger any more.
    pub fn finish(self) -> (Option<Ledger>, Result<()>) {
        if let Ok((ledger, written)) = self.thread.join() {
            return (Some(ledger), written);
        }
        let error = Error::new(Kind::Ledger, "writing the ledger stopped unexpectedly")
            .hint("requests that were under way are unknown; run again to send the rest");
        (None, Err(error))
    }
}

impl LedgerHandle {
    /// Settles the attempt that ended, if there is one, and takes what is next. `None`: nothing is left, or the limit is
    /// reached.
    pub fn next(&self, ended: Option<Settlement>, take: Take) -> Result<Option<Batch>> {
        let wants = Wants::Next(take, None);
        Ok((self.step)(Step { ended, wants })?.map(|(batch, _)| batch))
    }

    /// The same, and claims the batch in the same commit, for a worker that need not wait before it sends. When this returns
    /// both are durable, and only then may the request start.
    pub fn next_claimed(
        &self,
        ended: Option<Settlement>,
        take: Take,
        at: Timestamp,
    ) -> Result<Option<(Batch, AttemptId)>> {
        let wants = Wants::Next(take, Some(at));
        let taken = (self.step)(Step { ended, wants })?;
        Ok(taken.and_then(|(batch, attempt)| Some((batch, attempt?))))
    }

    /// Settles an attempt. When this returns it is durable.
    pub fn settle(&self, ended: Settlement) -> Result<()> {
        let (ended, wants) = (Some(ended), Wants::Nothing);
        (self.step)(Step { ended, wants }).map(drop)
    }

    /// Claims a batch. When this returns the claim is durable, and only then may its request start. `None`: one of its recipients
    /// is suppressed by now, and the others are in another batch; or another sender has claimed it.
    pub fn claim(&self, batch: &Batch, at: Timestamp) -> Result<Option<AttemptId>> {
        let wants = Wants::Claim(batch.clone(), at);
        let taken = (self.step)(Step { ended: None, wants })?;
        Ok(taken.and_then(|(_, attempt)| attempt))
    }

    /// Whether other processes can send the campaign, and share the rate of the account.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Whether the account has a rate that others ask for, as far as is known: it is looked at every second.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.is_limited.load(Ordering::Relaxed)
    }

    /// Takes the turn of this many recipients at the rate that the senders of an account share.
    pub fn reserve(&self, recipients: usize) -> Result<Reservation> {
        (self.reserve)(recipients)
    }

    /// What there may be to send yet, although nothing was left to take.
    pub fn awaits(&self) -> Result<Awaited> {
        if !self.is_shared {
            return Ok(Awaited::Nothing);
        }
        self.run(|queue, ledger| {
            if queue.is_used_up() {
                return Ok(Awaited::Nothing);
            }
            ledger.awaits()
        })
    }

    /// Tells other senders of the campaign that the gateway stopped the account with this code.
    pub fn stop_account(&self, code: i32) -> Result<()> {
        if !self.is_shared {
            return Ok(());
        }
        self.run(move |_, ledger| ledger.stop_account(code))
    }

    /// The code with which the gateway stopped the account of another sender, if that is why nothing was claimed.
    pub fn account_stop(&self) -> Result<Option<i32>> {
        if !self.is_shared {
            return Ok(None);
        }
        self.run(|queue, _| Ok(queue.account_stop()))
    }

    /// Suppresses what is pending of these numbers from now on, each with its reason. Requests under way are not affected. Returns
    /// the rows so far.
    pub fn suppress(&self, mut listed: HashMap<Msisdn, String>) -> Result<Suppressed> {
        self.run(move |queue, _| {
            queue.listed.extend(mem::take(&mut listed));
            Ok(())
        })?;
        let mut after = None;
        loop {
            // One page at a time, so that the workers need not wait for all of them.
            match self.run(move |queue, ledger| queue.suppress_page(ledger, after))? {
                Page::Through(last) => after = Some(last),
                Page::Busy => thread::sleep(open::PAUSE),
                Page::End => return self.run(|queue, _| Ok(queue.take_suppressed())),
            }
        }
    }

    /// Has the work carried out. Its result is used only once the commit is confirmed.
    fn run<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&mut BatchQueue, &mut Ledger) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (result_sender, result) = mpsc::channel();
        (self.other)(Box::new(move |queue, ledger| {
            let value = work(queue, ledger)?;
            result_sender.send(value).map_err(|_| closed())
        }))?;
        // Only what it did last is durable.
        result.try_iter().last().ok_or_else(closed)
    }
}

/// Hands a job to the thread that writes, and waits for its answer.
fn ask<T>(jobs: &Sender<Job>, job: impl FnOnce(Sender<Result<T>>) -> Job) -> Result<T> {
    let (answer_sender, answer) = mpsc::channel();
    jobs.send(job(answer_sender)).map_err(|_| closed())?;
    answer.recv().map_err(|_| closed())?
}

fn closed() -> Error {
    Error::new(
        Kind::Ledger,
        "the ledger was closed while a worker waited for it",
    )
}

/// Carries out jobs until all handles are dropped. Returns the ledger, and the error that stopped the writing.
fn serve(mut group: GroupCommit, incoming: &Receiver<Job>) -> (Ledger, Result<()>) {
    while let Ok(first) = incoming.recv() {
        let mut jobs = Jobs::default();
        for job in std::iter::once(first).chain(incoming.try_iter()) {
            match job {
                Job::Step(step, committed) => {
                    jobs.steps.push(*step);
                    jobs.stepping.push(committed);
                }
                Job::Other(work, committed) => {
                    jobs.others.push(work);
                    jobs.waiting.push(committed);
                }
                Job::Reserve(recipients, reserved) => {
                    let _ = reserved.send(group.reserve(recipients));
                }
            }
        }
        jobs.commit(&mut group);
    }
    (group.ledger, group.written)
}

/// What is committed together, and where the workers learn of it. These fail where the worker is gone.
#[derive(Default)]
struct Jobs {
    steps: Vec<Step>,
    stepping: Vec<Sender<Result<Taken>>>,
    others: Vec<Work>,
    waiting: Vec<Sender<Result<()>>>,
}

impl Jobs {
    fn commit(self, group: &mut GroupCommit) {
        if self.steps.is_empty() && self.others.is_empty() {
            return;
        }
        let committed = group.commit(&self.steps, self.others);
        for waiting in self.waiting {
            let _ = waiting.send(committed.as_ref().map(drop).map_err(Clone::clone));
        }
        match committed {
            Ok(taken) => {
                for (stepping, taken) in self.stepping.iter().zip(taken) {
                    let _ = stepping.send(Ok(taken));
                }
            }
            Err(error) => {
                for stepping in self.stepping {
                    let _ = stepping.send(Err(error.clone()));
                }
            }
        }
    }
}

/// A ledger that is written to, up to the first failure.
pub(super) struct GroupCommit {
    ledger: Ledger,
    queue: BatchQueue,
    written: Result<()>,
    is_limited: Arc<AtomicBool>,
    looked_at: Option<Instant>,
}

impl GroupCommit {
    pub(super) fn new(ledger: Ledger, limit: Option<u64>) -> Self {
        let queue = BatchQueue::new(limit);
        Self {
            ledger,
            queue,
            written: Ok(()),
            is_limited: Arc::default(),
            looked_at: None,
        }
    }

    /// Looks whether others ask for a rate. It is not looked at for each batch, which would take longer than its claim.
    fn look_at_rate(&mut self) -> Result<()> {
        const LOOK_EVERY: Duration = Duration::from_secs(1);
        if self.ledger.is_shared() && self.looked_at.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            let is_limited = self.ledger.is_limited()?;
            self.is_limited.store(is_limited, Ordering::Relaxed);
            self.looked_at = Some(Instant::now());
        }
        Ok(())
    }

    /// One commit for all of the work, or none of it. After a failure nothing is written any more: what could not be made durable
    /// must not be built upon.
    fn commit(&mut self, steps: &[Step], mut others: Vec<Work>) -> Result<Vec<Taken>> {
        self.written.clone()?;
        let committed = self.look_at_rate().and_then(|()| {
            let queue = &mut self.queue;
            let before = queue.state();
            let mut is_again = false;
            self.ledger.transaction(|ledger| {
                if mem::replace(&mut is_again, true) {
                    queue.set_back(&before);
                }
                for work in &mut others {
                    work(queue, ledger)?;
                }
                queue.carry_out(ledger, steps)
            })
        });
        self.written = committed.as_ref().map(drop).map_err(Clone::clone);
        committed
    }

    fn reserve(&mut self, recipients: usize) -> Result<Reservation> {
        self.written.clone()?;
        self.ledger.reserve(recipients)
    }

    /// A handle of which everything is committed at once and alone, without a thread.
    #[cfg(test)]
    pub(super) fn handle(of: &std::sync::Arc<std::sync::Mutex<Self>>) -> LedgerHandle {
        let (steps, others) = (of.clone(), of.clone());
        LedgerHandle {
            step: Box::new(move |step| {
                let taken = steps
                    .lock()
                    .map_err(|_| closed())?
                    .commit(&[step], vec![])?;
                Ok(taken.into_iter().next().flatten())
            }),
            other: Box::new(move |work| {
                let mut group = others.lock().map_err(|_| closed())?;
                group.commit(&[], vec![work]).map(drop)
            }),
            reserve: Box::new(|_| Ok(Reservation::NOW)),
            is_shared: false,
            is_limited: Arc::default(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ledger::tests::{in_memory, open, plan};

    #[test]
    fn after_a_panic_no_worker_waits() {
        let ledger = in_memory();
        plan(&ledger, &[1]);
        let (committer, handles) = Committer::start(open(&ledger), 8, None);
        let (told, ended) = mpsc::channel();
        for (nth, handle) in handles.into_iter().enumerate() {
            let told = told.clone();
            thread::spawn(move || {
                let mut tries = 0;
                let one = || {
                    tries += 1;
                    handle.run(move |_, _| {
                        assert!(nth > 0 || tries < 50, "an error of the program");
                        Ok(())
                    })
                };
                let error = std::iter::repeat_with(one).find_map(Result::err);
                told.send(error.is_some()).unwrap();
            });
        }
        for _ in 0..8 {
            assert!(ended.recv_timeout(Duration::from_secs(60)).unwrap());
        }
        let (ledger, written) = committer.finish();
        assert!(ledger.is_none() && written.is_err());
    }
}
