//! The one thread that writes to an open ledger for all workers: it commits whatever they handed in while the
//! last commit was under way as one group, and answers them when it is durable. It does not know what a worker
//! does between two orders.

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use super::book::{AttemptId, Batch, BatchId, Ledger, NewState, Settlement};
use crate::domain::Timestamp;
use crate::{Error, Kind, Result};

/// What a worker asks for. Each order is answered once.
enum Order {
    /// Write down the end of an attempt, if there is one, and hand out the next planned batch.
    Next(Option<Settlement>),
    /// The same, and claim the batch in the same commit.
    NextClaimed(Option<Settlement>, Timestamp),
    /// Write down the end of an attempt; the batch stays with the worker.
    Settle(Settlement),
    /// Commit a claim.
    Claim(BatchId, Timestamp),
}

enum Reply {
    Batch(Option<Batch>),
    ClaimedBatch(Option<(Batch, AttemptId)>),
    Settled,
    Claimed(AttemptId),
}

type Envelope = (Order, Sender<Result<Reply>>);

/// The desk's own side: started with a ledger, closed when all clerks are gone.
#[derive(Debug)]
pub struct Committer {
    thread: JoinHandle<(Ledger, Result<()>)>,
}

/// A worker's side of the desk.
#[derive(Debug)]
pub struct LedgerHandle {
    orders: Sender<Envelope>,
    answer: (Sender<Result<Reply>>, Receiver<Result<Reply>>),
}

impl Committer {
    /// Opens the desk for `clerks` workers. `limit` bounds how many recipients are handed out in all.
    #[must_use]
    pub fn open(book: Ledger, clerks: usize, limit: Option<u64>) -> (Self, Vec<LedgerHandle>) {
        let (orders, slips) = mpsc::channel();
        let clerks = (0..clerks)
            .map(|_| LedgerHandle {
                orders: orders.clone(),
                answer: mpsc::channel(),
            })
            .collect();
        let thread = std::thread::spawn(move || {
            let mut session = Session {
                book,
                waiting: VecDeque::new(),
                last: None,
                cut: Vec::new(),
                allowance: limit,
                failure: None,
            };
            session.serve(&slips);
            (session.book, session.failure.map_or(Ok(()), Err))
        });
        (Self { thread }, clerks)
    }

    /// Waits until all clerks are gone. Returns the ledger, and the fault that stopped the writing if there was one.
    pub fn close(self) -> Result<(Ledger, Result<()>)> {
        self.thread
            .join()
            .map_err(|_| Error::new(Kind::Ledger, "the ledger's writer stopped without a reason"))
    }
}

impl LedgerHandle {
    /// Settles the attempt that ended, if there is one, and takes the next planned batch: `None` when there is none
    /// left, or the limit is reached.
    pub fn next(&self, ended: Option<Settlement>) -> Result<Option<Batch>> {
        match self.order(Order::Next(ended))? {
            Reply::Batch(batch) => Ok(batch),
            _ => Err(closed()),
        }
    }

    /// The same, and claims the batch in the same commit, for a worker that has nothing to wait for: when this returns both are
    /// durable, and only then may its request start.
    pub fn next_claimed(
        &self,
        ended: Option<Settlement>,
        at: Timestamp,
    ) -> Result<Option<(Batch, AttemptId)>> {
        match self.order(Order::NextClaimed(ended, at))? {
            Reply::ClaimedBatch(claimed) => Ok(claimed),
            _ => Err(closed()),
        }
    }

    /// Settles an attempt. When this returns it is durable.
    pub fn settle(&self, ended: Settlement) -> Result<()> {
        match self.order(Order::Settle(ended))? {
            Reply::Settled => Ok(()),
            _ => Err(closed()),
        }
    }

    /// Claims a batch. When this returns the claim is durable, and only then may its request start.
    pub fn claim(&self, batch: BatchId, at: Timestamp) -> Result<AttemptId> {
        match self.order(Order::Claim(batch, at))? {
            Reply::Claimed(attempt) => Ok(attempt),
            _ => Err(closed()),
        }
    }

    fn order(&self, order: Order) -> Result<Reply> {
        let (sender, receiver) = &self.answer;
        self.orders
            .send((order, sender.clone()))
            .map_err(|_| closed())?;
        receiver.recv().map_err(|_| closed())?
    }
}

fn closed() -> Error {
    Error::new(
        Kind::Ledger,
        "the ledger was closed while a batch was on its way",
    )
}

struct Session {
    book: Ledger,
    waiting: VecDeque<Batch>,
    last: Option<BatchId>,
    cut: Vec<BatchId>,
    allowance: Option<u64>,
    failure: Option<Error>,
}

impl Session {
    fn serve(&mut self, slips: &Receiver<Envelope>) {
        while let Ok(first) = slips.recv() {
            let group: Vec<Envelope> = std::iter::once(first).chain(slips.try_iter()).collect();
            let (orders, answers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
            match self.carry_out(orders) {
                Ok(replies) => {
                    for (answer, reply) in answers.iter().zip(replies) {
                        // A worker that is gone does not wait for it.
                        let _ = answer.send(Ok(reply));
                    }
                }
                Err(fault) => {
                    for answer in &answers {
                        let _ = answer.send(Err(fault.clone()));
                    }
                }
            }
        }
    }

    /// One commit for all orders, or none of them. After a failure nothing is written any more: what could not be
    /// made durable must not be built upon.
    fn carry_out(&mut self, orders: Vec<Order>) -> Result<Vec<Reply>> {
        if let Some(fault) = &self.failure {
            return Err(fault.clone());
        }
        let Self {
            book,
            waiting,
            last,
            cut,
            allowance,
            ..
        } = self;
        let mut till = BatchQueue {
            waiting,
            last,
            cut,
            allowance,
        };
        let reads_only = orders
            .iter()
            .all(|order| matches!(order, Order::Next(None)));
        let done = if reads_only && till.allowance.is_none() {
            orders
                .iter()
                .map(|_| till.take(book).map(Reply::Batch))
                .collect()
        } else {
            book.transaction(|book| {
                orders
                    .into_iter()
                    .map(|order| till.obey(book, order))
                    .collect()
            })
        };
        if let Err(fault) = &done {
            self.failure = Some(fault.clone());
        }
        done
    }
}

/// The planned batches that were read ahead, and how many recipients may still be handed out.
struct BatchQueue<'a> {
    waiting: &'a mut VecDeque<Batch>,
    last: &'a mut Option<BatchId>,
    /// What was handed out without having been read ahead. It is planned until its claim, and would be read again.
    cut: &'a mut Vec<BatchId>,
    allowance: &'a mut Option<u64>,
}

impl BatchQueue<'_> {
    fn obey(&mut self, book: &mut Ledger, order: Order) -> Result<Reply> {
        match order {
            Order::Claim(batch, at) => book.claim(batch, &at).map(Reply::Claimed),
            Order::Settle(ended) => book.settle(&ended).map(|()| Reply::Settled),
            Order::Next(ended) => self.next(book, ended).map(Reply::Batch),
            Order::NextClaimed(ended, at) => {
                let Some(batch) = self.next(book, ended)? else {
                    return Ok(Reply::ClaimedBatch(None));
                };
                let attempt = book.claim(batch.id, &at)?;
                Ok(Reply::ClaimedBatch(Some((batch, attempt))))
            }
        }
    }

    fn next(&mut self, book: &mut Ledger, ended: Option<Settlement>) -> Result<Option<Batch>> {
        if let Some(ended) = ended {
            book.settle(&ended)?;
            self.take_back(&ended);
        }
        self.take(book)
    }

    /// Recipients that were not sent to and that the worker gives up may be handed out again.
    fn take_back(&mut self, ended: &Settlement) {
        let recipients = ended.batch.numbers.len() as u64;
        let back = match &ended.new_states[..] {
            [NewState::Planned { .. } | NewState::Halved { .. }] => recipients,
            [_] => 0,
            each => each
                .iter()
                .filter(|new_state| matches!(new_state, NewState::Planned { .. }))
                .count() as u64,
        };
        if let Some(allowance) = self.allowance {
            *allowance += back;
        }
    }

    /// The next planned batch, cut to what may still be handed out.
    fn take(&mut self, book: &mut Ledger) -> Result<Option<Batch>> {
        if *self.allowance == Some(0) {
            return Ok(None);
        }
        if self.waiting.is_empty() {
            let page = book.planned_after(*self.last)?;
            if let Some(batch) = page.last() {
                *self.last = Some(batch.id);
            }
            self.waiting.extend(
                page.into_iter()
                    .filter(|batch| !self.cut.contains(&batch.id)),
            );
        }
        let Some(batch) = self.waiting.pop_front() else {
            return Ok(None);
        };
        let Some(allowance) = self.allowance else {
            return Ok(Some(batch));
        };
        let size = batch.numbers.len() as u64;
        if size <= *allowance {
            *allowance -= size;
            return Ok(Some(batch));
        }
        let room = usize::try_from(*allowance).unwrap_or(usize::MAX);
        *allowance = 0;
        let first = book.cut(&batch, room)?;
        self.cut.push(first.id);
        Ok(Some(first))
    }
}
