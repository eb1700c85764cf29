//! The sending loop: workers that take planned batches out of a ledger, wait for the throttle, claim, submit and
//! settle, until nothing is left or there is a reason to stop.

mod breaker;
mod classify;
mod health;
mod lists;
mod policy;
mod stop;
#[cfg(test)]
mod tests;
mod throttle;
mod worker;

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc;

use crate::domain::Timestamp;
use crate::gateway::Gateway;
use crate::ledger::{Committer, Ledger};
use crate::{Error, Kind, Result};

pub use lists::Lists;
pub use policy::{Backoff, Policy};
pub use stop::{StopReason, StopToken};
pub use throttle::{Rate, Throttle};
pub use worker::Progress;

use breaker::CircuitBreaker;
use worker::{Alone, Shared, Worker, lock};

/// How a run ended.
#[derive(Debug)]
pub struct Ending {
    /// The ledger, still locked. `None`: the thread that writes it panicked.
    pub ledger: Option<Ledger>,
    /// How many requests were made that the gateway may have seen.
    pub requests: u64,
    /// Why the last request before the stop that failed did: it was not sent, or had no usable answer.
    pub last_failure: Option<String>,
    /// The error that ended it, if one did.
    pub error: Option<Error>,
}

/// Sends what is planned in the ledger, with one worker for each gateway, and with only one of them until the first usable
/// answer. `clock` gives the current time. Returns when no request is in flight any more. What comes onto `lists` meanwhile is
/// no longer sent to.
#[allow(
    clippy::too_many_arguments,
    reason = "each is a part of a run that tests replace"
)]
pub fn run(
    ledger: Ledger,
    gateways: Vec<Box<dyn Gateway>>,
    throttle: &Throttle,
    policy: &Policy,
    stop: &StopToken,
    clock: &(dyn Fn() -> Timestamp + Sync),
    progress: &dyn Progress,
    lists: &mut dyn Lists,
) -> Result<Ending> {
    let (alone, others_may_start) = Alone::new(ledger.lacks_answer()?);
    let (committer, handles) = Committer::start(ledger, gateways.len() + 1, policy.limit);
    let shared = Shared {
        throttle,
        policy,
        stop,
        clock,
        progress,
        breaker: Mutex::new(CircuitBreaker::new(policy.max_unknown)),
        health: Mutex::default(),
        requests: AtomicU64::new(0),
    };
    let errors: Vec<Error> = std::thread::scope(|scope| {
        let mut handles = handles.into_iter();
        let (all_ended, ended) = mpsc::channel();
        let watcher = handles
            .next()
            .map(|ledger| scope.spawn(move || lists::watch(lists, &ledger, &ended, stop)));
        let workers = gateways.into_iter().zip(handles);
        let mut workers = workers.map(|(gateway, ledger)| Worker {
            shared: &shared,
            ledger,
            gateway,
            alone: None,
        });
        let first = workers.next().map(|worker| Worker {
            alone: Some(alone),
            ..worker
        });
        let first = first.map(|worker| scope.spawn(move || worker.run()));
        // Nothing is ever received: it returns when the first worker has dropped its end.
        let _ = others_may_start.recv();
        let others = workers.map(|worker| scope.spawn(move || worker.run()));
        let all: Vec<_> = first.into_iter().chain(others).collect();
        let mut errors: Vec<Error> = all
            .into_iter()
            .filter_map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|_| Err(panicked("a worker")))
                    .err()
            })
            .collect();
        drop(all_ended);
        let reader = "what reads changed suppression lists";
        let lists_ended =
            watcher.map(|watcher| watcher.join().unwrap_or_else(|_| Err(panicked(reader))));
        errors.extend(lists_ended.and_then(Result::err));
        errors
    });
    let (ledger, written) = committer.finish();
    Ok(Ending {
        ledger,
        last_failure: lock(&shared.health).last_failure.take(),
        requests: shared.requests.into_inner(),
        error: written.err().or_else(|| errors.into_iter().next()),
    })
}

fn panicked(what: &str) -> Error {
    let problem = format!("{what} stopped unexpectedly, and the run with it");
    Error::new(Kind::Other, problem)
        .hint("a request that it had in flight is unknown; run again to send the rest")
}
