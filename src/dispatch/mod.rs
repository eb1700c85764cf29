//! The sending loop: workers that take planned batches out of a ledger, wait for the throttle, claim, submit and
//! settle, until nothing is left or there is a reason to stop.

mod breaker;
mod classify;
mod health;
mod lists;
mod outage;
mod policy;
mod stop;
#[cfg(test)]
mod tests;
mod throttle;
mod window;
mod worker;

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc;

use crate::domain::{Status, Timestamp};
use crate::gateway::Gateway;
use crate::ledger::{Committer, Ledger};
use crate::{Error, Kind, Result};

pub use lists::Lists;
pub use outage::outlast;
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

/// Sends what is planned in the ledger, with one worker for each gateway, whenever the schedule of the policy allows it. `clock`
/// gives the current time. Returns when no request is in flight any more. What comes onto `lists` meanwhile is no longer sent to.
#[allow(
    clippy::too_many_arguments,
    reason = "each is a part of a run that tests replace"
)]
pub fn run(
    ledger: Ledger,
    mut gateways: Vec<Box<dyn Gateway>>,
    throttle: &Throttle,
    policy: &Policy,
    stop: &StopToken,
    clock: &(dyn Fn() -> Timestamp + Sync),
    progress: &dyn Progress,
    lists: &mut dyn Lists,
) -> Result<Ending> {
    let shared = Shared {
        throttle,
        policy,
        stop,
        clock,
        progress,
        breaker: Mutex::new(CircuitBreaker::new(policy.max_unknown)),
        health: Mutex::default(),
        requests: AtomicU64::new(0),
        sent: AtomicU64::new(0),
    };
    let (ledger, error) = send_in_windows(ledger, &mut gateways, &shared, lists)?;
    Ok(Ending {
        ledger,
        last_failure: lock(&shared.health).last_failure.take(),
        requests: shared.requests.into_inner(),
        error,
    })
}

/// The ledger, unless writing it ended in a panic, and the error that ended the sending, if one did.
type Sent = (Option<Ledger>, Option<Error>);

/// Sends while the schedule allows it, and waits where it does not allow it yet, until nothing is left or anything else ends it.
fn send_in_windows(
    mut ledger: Ledger,
    gateways: &mut [Box<dyn Gateway>],
    shared: &Shared<'_>,
    lists: &mut dyn Lists,
) -> Result<Sent> {
    loop {
        match window::wait_until_open(shared, &mut ledger, lists) {
            Ok(true) => {}
            Ok(false) => return Ok((Some(ledger), None)),
            Err(error) => {
                shared.stop.request(StopReason::Error);
                return Ok((Some(ledger), Some(error)));
            }
        }
        let sent = send_while_open(ledger, gateways, shared, lists)?;
        let paused = shared.stop.end_pause();
        match sent {
            (Some(mut left), None) if paused => {
                if !is_anything_left(&mut left, shared)? {
                    return Ok((Some(left), None));
                }
                ledger = left;
            }
            ended => return Ok(ended),
        }
        // The gateway is not tried while a window is awaited.
        lock(&shared.health).forget_failures();
    }
}

/// Whether there is something that this run may still send.
fn is_anything_left(ledger: &mut Ledger, shared: &Shared<'_>) -> Result<bool> {
    let pending = ledger.totals()?.counts.of(Status::Pending);
    Ok(pending > 0 && shared.limit() != Some(0))
}

/// Sends until nothing is left, or the schedule or anything else ends it; with only one of the workers until the first usable
/// answer.
fn send_while_open(
    mut ledger: Ledger,
    gateways: &mut [Box<dyn Gateway>],
    shared: &Shared<'_>,
    lists: &mut dyn Lists,
) -> Result<Sent> {
    let (alone, others_may_start) = Alone::new(ledger.lacks_answer()?);
    let (committer, handles) = Committer::start(ledger, gateways.len() + 1, shared.limit());
    let errors: Vec<Error> = std::thread::scope(|scope| {
        let mut handles = handles.into_iter();
        let (lists_end, ended) = mpsc::channel();
        let of_lists = handles
            .next()
            .map(|ledger| scope.spawn(move || lists::watch(lists, &ledger, &ended, shared.stop)));
        let (window_ends, ended) = mpsc::channel::<()>();
        let of_window = scope.spawn(move || window::watch(shared, &ended));
        let workers = gateways.iter_mut().zip(handles);
        let mut workers = workers.map(|(gateway, ledger)| Worker {
            shared,
            ledger,
            gateway: &mut **gateway,
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
        drop((lists_end, window_ends));
        let reader = "what reads changed suppression lists";
        let of_lists = of_lists.map(|lists| lists.join().unwrap_or_else(|_| Err(panicked(reader))));
        errors.extend(of_lists.and_then(Result::err));
        let of_window = of_window.join();
        errors.extend(
            of_window
                .map_err(|_| panicked("what watches the clock"))
                .err(),
        );
        errors
    });
    let (ledger, written) = committer.finish();
    let error = written.err().or_else(|| errors.into_iter().next());
    Ok((ledger, error))
}

fn panicked(what: &str) -> Error {
    let problem = format!("{what} stopped unexpectedly, and the run with it");
    Error::new(Kind::Other, problem)
        .hint("a request that it had in flight is unknown; run again to send the rest")
}
