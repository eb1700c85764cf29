//! One thread writes to an open ledger for all workers. It commits the jobs that came in during the last commit as one
//! group, and answers them when that commit is durable.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use super::batch::{AttemptId, Batch, BatchId, Settlement};
use super::open::Ledger;
use crate::domain::{Status, Timestamp};
use crate::{Error, Kind, Result};

/// What a worker asks for, and where it learns that this is durable.
type Job = (Work, Sender<Result<()>>);

type Work = Box<dyn FnOnce(&mut BatchQueue, &mut Ledger) -> Result<()> + Send>;

/// The thread that writes. It ends when all handles are dropped.
#[derive(Debug)]
pub struct Committer {
    thread: JoinHandle<(Ledger, Result<()>)>,
}

/// What a worker has of the ledger.
pub struct LedgerHandle {
    /// Carries out work. When it returns, the work is durable.
    commit: Box<dyn Fn(Work) -> Result<()> + Send>,
}

impl Committer {
    /// Starts the thread for `workers` workers. `limit` bounds how many recipients are handed out in all.
    #[must_use]
    pub fn start(ledger: Ledger, workers: usize, limit: Option<u64>) -> (Self, Vec<LedgerHandle>) {
        let (jobs, incoming) = mpsc::channel();
        let handles = (0..workers).map(|_| {
            let jobs: Sender<Job> = jobs.clone();
            let commit = move |work| {
                let (committed_sender, committed) = mpsc::channel();
                let job = (work, committed_sender);
                jobs.send(job).map_err(|_| closed())?;
                committed.recv().map_err(|_| closed())?
            };
            LedgerHandle {
                commit: Box::new(commit),
            }
        });
        let handles = handles.collect();
        let group = GroupCommit::new(ledger, limit);
        let thread = std::thread::spawn(move || serve(group, &incoming));
        (Self { thread }, handles)
    }

    /// Waits until all handles are dropped. Returns the ledger, and the error that stopped the writing if there was one.
    pub fn finish(self) -> Result<(Ledger, Result<()>)> {
        self.thread
            .join()
            .map_err(|_| Error::new(Kind::Ledger, "the ledger's writer stopped without a reason"))
    }
}

impl LedgerHandle {
    /// Settles the attempt that ended, if there is one, and takes the next planned batch. `None`: none is left, or the
    /// limit is reached.
    pub fn next(&self, ended: Option<Settlement>) -> Result<Option<Batch>> {
        self.run(|queue, ledger| queue.next(ledger, ended))
    }

    /// The same, and claims the batch in the same commit, for a worker that need not wait before it sends. When this returns
    /// both are durable, and only then may the request start.
    pub fn next_claimed(
        &self,
        ended: Option<Settlement>,
        at: Timestamp,
    ) -> Result<Option<(Batch, AttemptId)>> {
        self.run(move |queue, ledger| {
            let Some(batch) = queue.next(ledger, ended)? else {
                return Ok(None);
            };
            let attempt = ledger.claim(batch.id, &at)?;
            Ok(Some((batch, attempt)))
        })
    }

    /// Settles an attempt. When this returns it is durable.
    pub fn settle(&self, ended: Settlement) -> Result<()> {
        self.run(move |_, ledger| ledger.settle(&ended))
    }

    /// Claims a batch. When this returns the claim is durable, and only then may its request start.
    pub fn claim(&self, batch: BatchId, at: Timestamp) -> Result<AttemptId> {
        self.run(move |_, ledger| ledger.claim(batch, &at))
    }

    /// Has the work carried out. Its result is used only once the commit is confirmed.
    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut BatchQueue, &mut Ledger) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (result_sender, result) = mpsc::channel();
        (self.commit)(Box::new(move |queue, ledger| {
            let value = work(queue, ledger)?;
            result_sender.send(value).map_err(|_| closed())
        }))?;
        result.recv().map_err(|_| closed())
    }
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
        let jobs = std::iter::once(first).chain(incoming.try_iter());
        let (work, waiting): (Vec<Work>, Vec<_>) = jobs.unzip();
        let written = group.commit(work);
        for committed in waiting {
            // It fails where the worker is gone.
            let _ = committed.send(written.clone());
        }
    }
    (group.ledger, group.written)
}

/// A ledger that is written to, up to the first failure.
pub(super) struct GroupCommit {
    ledger: Ledger,
    queue: BatchQueue,
    written: Result<()>,
}

impl GroupCommit {
    pub(super) fn new(ledger: Ledger, limit: Option<u64>) -> Self {
        let queue = BatchQueue {
            limit,
            ..BatchQueue::default()
        };
        Self {
            ledger,
            queue,
            written: Ok(()),
        }
    }

    /// One commit for all of the work, or none of it. After a failure nothing is written any more: what could not be made durable
    /// must not be built upon.
    fn commit(&mut self, work: Vec<Work>) -> Result<()> {
        if self.written.is_ok() {
            let queue = &mut self.queue;
            self.written = self
                .ledger
                .transaction(|ledger| work.into_iter().try_for_each(|work| work(queue, ledger)));
        }
        self.written.clone()
    }

    /// A handle of which everything is committed at once and alone, without a thread.
    #[cfg(test)]
    pub(super) fn handle(of: &std::sync::Arc<std::sync::Mutex<Self>>) -> LedgerHandle {
        let of = of.clone();
        LedgerHandle {
            commit: Box::new(move |work| of.lock().map_err(|_| closed())?.commit(vec![work])),
        }
    }
}

/// The planned batches that were read ahead, and how many recipients may still be handed out.
#[derive(Default)]
struct BatchQueue {
    waiting: VecDeque<Batch>,
    /// The last batch that was read.
    last: Option<BatchId>,
    /// Batches that were split off and handed out at once. Each is planned until its claim, and would be read again.
    split_off: Vec<BatchId>,
    /// How many recipients may still be handed out, if that is limited.
    limit: Option<u64>,
}

impl BatchQueue {
    fn next(&mut self, ledger: &mut Ledger, ended: Option<Settlement>) -> Result<Option<Batch>> {
        if let Some(ended) = ended {
            ledger.settle(&ended)?;
            self.raise_limit_after(&ended);
        }
        self.take(ledger)
    }

    /// Recipients that were not sent to, and whose batch the worker gives up, may be handed out again.
    fn raise_limit_after(&mut self, ended: &Settlement) {
        if let Some(limit) = &mut self.limit {
            *limit += ended.counts().of(Status::Pending);
        }
    }

    /// The next planned batch, split where the limit allows only a part of it.
    fn take(&mut self, ledger: &mut Ledger) -> Result<Option<Batch>> {
        if self.limit == Some(0) {
            return Ok(None);
        }
        if self.waiting.is_empty() {
            self.read_ahead(ledger)?;
        }
        let Some(batch) = self.waiting.pop_front() else {
            return Ok(None);
        };
        let Some(limit) = &mut self.limit else {
            return Ok(Some(batch));
        };
        let size = batch.messages.len() as u64;
        if size <= *limit {
            *limit -= size;
            return Ok(Some(batch));
        }
        let room = usize::try_from(*limit).unwrap_or(usize::MAX);
        *limit = 0;
        let first = ledger.split_first(&batch, room)?;
        self.split_off.push(first.id);
        Ok(Some(first))
    }

    fn read_ahead(&mut self, ledger: &Ledger) -> Result<()> {
        let page = ledger.planned_after(self.last)?;
        if let Some(batch) = page.last() {
            self.last = Some(batch.id);
        }
        let unread = page
            .into_iter()
            .filter(|batch| !self.split_off.contains(&batch.id));
        self.waiting.extend(unread);
        Ok(())
    }
}
