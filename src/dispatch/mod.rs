//! The sending loop: workers that take planned batches out of a ledger, wait for the throttle, claim, submit and
//! settle, until nothing is left or there is a reason to stop. It knows no SQL, no HTTP and no terminal.

mod classify;
mod stop;
#[cfg(test)]
mod tests;
mod throttle;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use classify::CircuitBreaker;
pub use stop::{StopReason, StopToken};
pub use throttle::{Rate, Throttle};

use classify::{SET_APART, Then, Wait, judge};

use crate::domain::status::Counts;
use crate::domain::{SenderId, Status, Timestamp};
use crate::gateway::{Answer, Gateway, Outcome, Outcomes, Submission};
use crate::ledger::{AttemptId, Batch, Committer, Ledger, LedgerHandle, NewState, Settlement};
use crate::{Error, Kind, Result};

/// How a campaign is to be sent.
#[derive(Debug)]
pub struct Policy {
    /// The name shown as the sender.
    pub sender_id: Option<SenderId>,
    /// Exactly so many recipients are sent to, if so many are pending.
    pub limit: Option<u64>,
    /// So many requests in a row without a usable answer, in the order in which they end, end the run; 0: never. What
    /// the other workers have under way then is awaited and may be lost too, so that an outage leaves at most
    /// `max_unknown + workers - 1` requests in doubt, times the batch size in people.
    pub max_unknown: u32,
    /// Whether a batch with a bad number is halved until the bad number stands alone, which takes for granted that
    /// nothing of a refused request was sent.
    pub split_bad_numbers: bool,
    /// So long an unreachable or throttling gateway is tried.
    pub give_up_after: Duration,
}

/// Who is told what happens. Called by all workers, so it must be quick.
pub trait Progress: Sync {
    /// A request was made, and these rows got their status by it.
    fn settled(&self, rows: &Counts);
    /// A request certainly was not sent, and is tried again after that time.
    fn waiting(&self, why: &str, how_long: Duration);
}

/// How a run ended.
#[derive(Debug)]
pub struct Ending {
    /// The ledger, still locked.
    pub book: Ledger,
    /// How many requests were made that the gateway can have seen.
    pub requests: u64,
    /// The fault that ended it, if one did.
    pub fault: Option<Error>,
}

/// Sends what is planned in the ledger, with one worker for each gateway. `clock` says what time it is.
/// Returns when no request is under way any more.
pub fn run(
    book: Ledger,
    gateways: Vec<Box<dyn Gateway>>,
    throttle: &Throttle,
    policy: &Policy,
    stopper: &StopToken,
    clock: &(dyn Fn() -> Timestamp + Sync),
    watcher: &dyn Progress,
) -> Result<Ending> {
    let (desk, clerks) = Committer::start(book, gateways.len(), policy.limit);
    let floor = Shared {
        throttle,
        policy,
        stopper,
        clock,
        watcher,
        streak: Mutex::new(CircuitBreaker::new(policy.max_unknown)),
        weather: Mutex::new(GatewayHealth::default()),
        requests: AtomicU64::new(0),
    };
    let faults: Vec<Error> = std::thread::scope(|scope| {
        let workers: Vec<_> = gateways
            .into_iter()
            .zip(clerks)
            .map(|(gateway, clerk)| {
                let floor = &floor;
                scope.spawn(move || Worker::new(floor, clerk, gateway).work())
            })
            .collect();
        workers
            .into_iter()
            .filter_map(|worker| match worker.join() {
                Ok(result) => result.err(),
                Err(_) => Some(
                    Error::new(
                        Kind::Other,
                        "a worker stopped without a reason, and the others with it",
                    )
                    .hint("what it had under way is unknown; run again to go on"),
                ),
            })
            .collect()
    });
    let (book, writing) = desk.finish()?;
    Ok(Ending {
        book,
        requests: floor.requests.into_inner(),
        fault: writing.err().or_else(|| faults.into_iter().next()),
    })
}

/// What all workers share.
struct Shared<'a> {
    throttle: &'a Throttle,
    policy: &'a Policy,
    stopper: &'a StopToken,
    clock: &'a (dyn Fn() -> Timestamp + Sync),
    watcher: &'a dyn Progress,
    streak: Mutex<CircuitBreaker>,
    weather: Mutex<GatewayHealth>,
    requests: AtomicU64,
}

/// How the gateway does, as seen by all workers together.
#[derive(Default)]
struct GatewayHealth {
    /// Since when no request got through.
    bad_since: Option<Instant>,
    /// Until when the gateway asked to be left alone.
    pause_until: Option<Instant>,
}

/// The first wait after a request that was not sent, and the longest. They double in between. The tests of this module
/// run through thousands of them, and wait for no clock.
const FIRST_WAIT: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 500 });
const LONGEST_WAIT: Duration = Duration::from_millis(if cfg!(test) { 2 } else { 30_000 });

impl Shared<'_> {
    /// Whether the gateway asked to be left alone for a while.
    fn is_paused(&self) -> bool {
        let until = self.weather().pause_until;
        until.is_some_and(|until| until > Instant::now())
    }

    /// The rest of a pause that the gateway asked for holds every worker. `false`: a stop was asked for.
    fn sit_out_the_pause(&self) -> bool {
        loop {
            let until = self.weather().pause_until;
            match until {
                Some(until) if until > Instant::now() => {
                    if !self.stopper.wait_until(until) {
                        return false;
                    }
                }
                _ => return true,
            }
        }
    }

    /// How long to wait before the next try, or `None` where the gateway has been tried for long enough.
    fn wait_after(&self, tries: u32, wait: Wait) -> Option<Duration> {
        let now = Instant::now();
        let mut weather = self.weather();
        let since = *weather.bad_since.get_or_insert(now);
        let left = self
            .policy
            .give_up_after
            .checked_sub(now.duration_since(since))
            .filter(|left| !left.is_zero())?;
        let backoff = backoff(tries, fastrand::f64());
        let span = match wait {
            Wait::Throttled { asked: Some(asked) } if asked > left => return None,
            // "At once" would be a storm.
            Wait::Throttled { asked: Some(asked) } => asked.max(FIRST_WAIT),
            Wait::Throttled { asked: None } | Wait::Backoff => backoff.min(left),
        };
        if matches!(wait, Wait::Throttled { .. }) {
            weather.pause_until = weather.pause_until.max(now.checked_add(span));
        }
        Some(span)
    }

    fn weather(&self) -> std::sync::MutexGuard<'_, GatewayHealth> {
        self.weather.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an answer into account for the whole run, in the order in which answers come.
    fn note(&self, batch: &Batch, new_states: &[NewState]) {
        if !new_states
            .iter()
            .all(|new_state| matches!(new_state, NewState::Planned { .. }))
        {
            self.weather().bad_since = None;
        }
        let set_apart = self.policy.split_bad_numbers && batch.split && new_states == [SET_APART];
        let mut streak = self.streak.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stop) = streak.note(new_states, set_apart) {
            self.stopper.ask(stop);
        }
    }
}

/// Stops everybody where a worker comes to its end by a panic: what broke one may break the others.
struct StopOnPanic<'a>(&'a StopToken);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.ask(StopReason::Error);
        }
    }
}

struct Worker<'a> {
    floor: &'a Shared<'a>,
    clerk: LedgerHandle,
    gateway: Box<dyn Gateway>,
}

impl<'a> Worker<'a> {
    fn new(floor: &'a Shared<'a>, clerk: LedgerHandle, gateway: Box<dyn Gateway>) -> Self {
        Self {
            floor,
            clerk,
            gateway,
        }
    }

    /// Sends one batch after the other. A fault of the ledger stops everybody: nothing is sent without it.
    fn work(mut self) -> Result<()> {
        let _alarm = StopOnPanic(self.floor.stopper);
        let done = self.send_batches();
        if done.is_err() {
            self.floor.stopper.ask(StopReason::Error);
        }
        done
    }

    fn send_batches(&mut self) -> Result<()> {
        let mut ended = None;
        while self.floor.stopper.why().is_none() {
            let Some((batch, claimed)) = self.next(ended.take())? else {
                return Ok(());
            };
            ended = self.send(&batch, claimed)?;
        }
        ended.map_or(Ok(()), |ended| self.clerk.settle(ended))
    }

    /// The next batch, with its claim where nothing is to be waited for: one commit less, and nobody waits with a claim in hand.
    fn next(&self, ended: Option<Settlement>) -> Result<Option<(Batch, Option<AttemptId>)>> {
        if self.floor.throttle.is_open() && !self.floor.is_paused() {
            let claimed = self.clerk.next_claimed(ended, (self.floor.clock)())?;
            return Ok(claimed.map(|(batch, attempt)| (batch, Some(attempt))));
        }
        Ok(self.clerk.next(ended)?.map(|batch| (batch, None)))
    }

    /// Tries one batch until it has an outcome. Returns the attempt that gave it, still to be written down; `None`:
    /// the batch is planned again, and the run is to stop.
    fn send(
        &mut self,
        batch: &Batch,
        mut claimed: Option<AttemptId>,
    ) -> Result<Option<Settlement>> {
        let floor = self.floor;
        let recipients = batch.numbers.len();
        for tries in 0.. {
            let attempt = if let Some(attempt) = claimed.take() {
                attempt
            } else {
                let may_go =
                    floor.throttle.approach(recipients, floor.stopper) && floor.sit_out_the_pause();
                if !may_go {
                    return Ok(None);
                }
                self.clerk.claim(batch.id, (floor.clock)())?
            };
            let (ended, then) = self.attempt(batch, attempt);
            floor.note(batch, &ended.new_states);
            floor
                .watcher
                .settled(&counts(&ended.new_states, recipients));
            match then {
                Then::Done => return Ok(Some(ended)),
                Then::Halt(stop) => {
                    floor.stopper.ask(stop);
                    return Ok(Some(ended));
                }
                Then::Again { why, wait } => {
                    // Written down before the wait: a crash while waiting leaves nothing in doubt.
                    self.clerk.settle(ended)?;
                    if floor.stopper.why().is_some() {
                        return Ok(None);
                    }
                    let Some(span) = floor.wait_after(tries, wait) else {
                        floor.stopper.ask(StopReason::Unreachable);
                        return Ok(None);
                    };
                    floor.watcher.waiting(&why, span);
                    if !floor.stopper.wait(span) {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(None)
    }

    /// One request, whose claim is durable.
    fn attempt(&mut self, batch: &Batch, attempt: AttemptId) -> (Settlement, Then) {
        let floor = self.floor;
        let answer = if floor.throttle.depart(batch.numbers.len(), floor.stopper) {
            self.gateway.submit(&Submission {
                numbers: &batch.numbers,
                text: &batch.text,
                encoding: batch.encoding,
                sender_id: floor.policy.sender_id.as_ref(),
            })
        } else {
            stopped_before_it_left()
        };
        if !matches!(answer.outcomes, Outcomes::All(Outcome::NotSent { .. })) {
            floor.requests.fetch_add(1, Ordering::Relaxed);
        }
        let (new_states, outcome, then) = judge(
            &answer.outcomes,
            batch.numbers.len(),
            floor.policy.split_bad_numbers,
        );
        tracing::info!(
            batch = %batch.id,
            recipients = batch.numbers.len(),
            http_status = answer.http_status,
            outcome = outcome.as_str()
        );
        let settlement = Settlement {
            batch: batch.clone(),
            attempt,
            ended_at: (floor.clock)(),
            outcome,
            http_status: answer.http_status,
            answer: answer.raw,
            new_states,
        };
        (settlement, then)
    }
}

/// The wait after so many tries in vain. `luck`, from 0 to 1, is jitter, so that workers that failed together do not try together.
fn backoff(tries: u32, luck: f64) -> Duration {
    FIRST_WAIT
        .saturating_mul(2_u32.saturating_pow(tries))
        .min(LONGEST_WAIT)
        .mul_f64(0.5 + luck / 2.0)
}

fn stopped_before_it_left() -> Answer {
    Answer {
        outcomes: Outcomes::All(Outcome::NotSent {
            why: "the run was stopped before the request left".to_owned(),
        }),
        http_status: None,
        raw: String::new(),
    }
}

/// The statuses that an answer gave to so many recipients.
fn counts(new_states: &[NewState], recipients: usize) -> Counts {
    let each = if new_states.len() == 1 {
        recipients as u64
    } else {
        1
    };
    let mut counts = Counts::default();
    for new_state in new_states {
        let status = match new_state {
            NewState::Accepted { .. } => Status::Accepted,
            NewState::Refused { .. } => Status::Refused,
            NewState::Unknown { .. } => Status::Unknown,
            NewState::Planned { .. } | NewState::Halved { .. } => Status::Pending,
        };
        counts.add(status, each);
    }
    counts
}
