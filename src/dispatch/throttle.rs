//! The throttle: keeps the rate of a whole process, in recipients.
#![allow(clippy::disallowed_methods, reason = "measures waits")]

use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock, MonotonicClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::stop::StopToken;
use crate::Result;
use crate::ledger::Reservation;

/// A rate: this many recipients in this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    recipients: NonZeroU32,
    period: Duration,
}

impl Rate {
    /// This many recipients in this period. `None` for a period too short to measure.
    #[must_use]
    pub fn new(recipients: NonZeroU32, period: Duration) -> Option<Self> {
        // More than one in a nanosecond is no different from no rate.
        (period.as_nanos() >= recipients.get().into()).then_some(Self { recipients, period })
    }

    /// The time that one recipient takes.
    #[must_use]
    pub fn per_recipient(self) -> Duration {
        // Rounded up: a rate is never exceeded, not even by a nanosecond.
        let nanos = self
            .period
            .as_nanos()
            .div_ceil(self.recipients.get().into());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many recipients pass in a second.
    #[must_use]
    pub fn in_second(self) -> u32 {
        let number = Duration::from_secs(1).as_nanos() / self.per_recipient().as_nanos().max(1);
        u32::try_from(number).unwrap_or(u32::MAX)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')];
        let seconds = self.period.as_secs();
        let unit = units.iter().find(|(unit, _)| seconds.is_multiple_of(*unit));
        match unit.map(|(length, unit)| (seconds / length, unit)) {
            Some((1, unit)) => write!(f, "{}/{unit}", self.recipients),
            Some((units, unit)) => write!(f, "{} in {units}{unit}", self.recipients),
            None => write!(f, "{} in {:?}", self.recipients, self.period),
        }
    }
}

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// The throttle that all workers share. It has two limiters of the same rate. Workers pass the first before they claim,
/// so that no claim is held while waiting for the rate. The commit of a claim takes a varying time, which would push two
/// requests together on the wire. So workers pass the second right before the request, and it keeps the rate.
#[derive(Debug)]
pub struct Throttle {
    reserving: Option<Limiter<MonotonicClock>>,
    admitting: Option<Limiter<MonotonicClock>>,
    /// Held by the worker that waits for a turn that others share.
    turn: Mutex<()>,
    /// The recipients of a turn that others share and that was not used.
    unused: AtomicUsize,
}

impl Throttle {
    /// A throttle of this rate for batches of at most `largest` recipients; without a rate nothing waits.
    #[must_use]
    pub fn new(rate: Option<Rate>, largest: NonZeroU32) -> Self {
        let limiter = || {
            let quota = quota(rate?, largest)?;
            Some(Limiter::direct_with_clock(quota, MonotonicClock))
        };
        Self {
            reserving: limiter(),
            admitting: limiter(),
            turn: Mutex::default(),
            unused: AtomicUsize::default(),
        }
    }

    /// Whether nothing ever waits.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        self.reserving.is_none()
    }

    /// Waits for the turn of this many recipients, before they are claimed. `false`: a stop or a pause was requested.
    #[must_use]
    pub fn reserve(&self, recipients: usize, stop: &StopToken) -> bool {
        pass(self.reserving.as_ref(), recipients, Duration::MAX, stop)
    }

    /// The same where other processes share the rate: `ask` takes the turn. One worker at a time has one, so that hardly anything
    /// of the rate is lost with this process.
    pub(super) fn reserve_shared(
        &self,
        recipients: usize,
        ask: impl Fn() -> Result<Reservation>,
        stop: &StopToken,
    ) -> Result<bool> {
        if self.unused.swap(0, Ordering::Relaxed) >= recipients {
            return Ok(true);
        }
        // A worker that panics while it holds the lock leaves nothing behind.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        while stop.continues() {
            let Reservation { made, wait } = ask()?;
            if !stop.wait(wait) {
                break;
            }
            if made {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Keeps the turn of this many recipients for the next batch: another sender has claimed the one that it was for.
    pub(super) fn keep_turn(&self, recipients: usize) {
        self.unused.store(recipients, Ordering::Relaxed);
    }

    /// Waits until the request to this many recipients may be made. `false`: a stop or a pause was requested.
    #[must_use]
    pub fn admit(&self, recipients: usize, stop: &StopToken) -> bool {
        pass(self.admitting.as_ref(), recipients, Duration::MAX, stop)
    }

    /// The same where other processes share the rate. The turns that they share keep it, and this only levels out how long commits
    /// take. After a database that stood still it would otherwise hold every claim for as long, until it is too old.
    #[must_use]
    pub(super) fn admit_shared(&self, recipients: usize, stop: &StopToken) -> bool {
        const MOST: Duration = Duration::from_secs(1);
        pass(self.admitting.as_ref(), recipients, MOST, stop)
    }
}

/// Waits until this many recipients may pass, unless that takes longer than `most`: then it does not wait, and counts for nothing.
fn pass(
    limiter: Option<&Limiter<MonotonicClock>>,
    recipients: usize,
    most: Duration,
    stop: &StopToken,
) -> bool {
    let cells = u32::try_from(recipients).ok().and_then(NonZeroU32::new);
    let cells = cells.unwrap_or(NonZeroU32::MIN);
    while stop.continues() {
        let wait = limiter.and_then(|limiter| wait_for(limiter, cells, MonotonicClock.now()));
        let Some(wait) = wait.filter(|wait| *wait <= most) else {
            return true;
        };
        if !stop.wait_until(Instant::now() + wait) {
            return false;
        }
    }
    false
}

/// The burst must hold the largest batch, which otherwise could never pass. A burst of 1 would lose several per cent of
/// the rate to the time that waking up takes.
fn quota(rate: Rate, largest: NonZeroU32) -> Option<Quota> {
    let burst = largest.max(NonZeroU32::MIN.saturating_add(1));
    Some(Quota::with_period(rate.per_recipient())?.allow_burst(burst))
}

/// Lets this many recipients pass, or returns how long they must wait.
fn wait_for<C: Clock>(limiter: &Limiter<C>, cells: NonZeroU32, now: C::Instant) -> Option<Duration>
where
    C::Instant: Reference,
{
    match limiter.check_n(cells) {
        Ok(Ok(())) => None,
        Ok(Err(not_until)) => Some(not_until.wait_time_from(now)),
        // More than the burst, which no batch is.
        Err(_) => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use proptest::prelude::*;

    use super::*;

    fn per_second(recipients: u32) -> Rate {
        Rate::new(NonZeroU32::new(recipients).unwrap(), Duration::from_secs(1)).unwrap()
    }

    #[test]
    fn a_rate_beyond_nanoseconds_is_no_rate() {
        assert_eq!(Rate::new(NonZeroU32::MAX, Duration::from_secs(1)), None);
    }

    #[test]
    fn a_turn_that_was_not_used_is_that_of_the_next_batch() {
        let (throttle, stop) = (Throttle::new(None, NonZeroU32::MIN), StopToken::default());
        let asked = AtomicUsize::new(0);
        let reserve = |recipients| {
            let ask = || {
                asked.fetch_add(1, Ordering::Relaxed);
                Ok(Reservation {
                    made: true,
                    wait: Duration::ZERO,
                })
            };
            throttle.reserve_shared(recipients, ask, &stop).unwrap()
        };
        throttle.keep_turn(30);
        assert!(reserve(30));
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        assert!(reserve(30));
        throttle.keep_turn(1);
        assert!(reserve(2));
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    /// A request that was late waits for the rate where it is kept here, and not where others share it.
    #[test]
    fn only_a_short_wait_follows_a_shared_turn() {
        let hour = Rate::new(NonZeroU32::MIN, Duration::from_secs(3_600));
        let throttle = Throttle::new(hour, NonZeroU32::MIN);
        let stop = StopToken::default();
        // The burst, and more.
        assert!((0..4).all(|_| throttle.admit_shared(1, &stop)));
        stop.request(crate::dispatch::StopReason::NotAfter);
        assert!(!throttle.admit_shared(1, &stop) && !throttle.admit(1, &stop));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Requests that wait exactly as long as they must never exceed `burst + rate * t`, and use the rate.
        #[test]
        fn keeps_the_rate(rate in 1_u32..5_000, sizes in prop::collection::vec(1_u32..=30, 2..60)) {
            let clock = FakeRelativeClock::default();
            let largest = NonZeroU32::new(30).unwrap();
            let limiter = Limiter::direct_with_clock(quota(per_second(rate), largest).unwrap(), clock.clone());
            let (mut time, mut sent) = (Duration::ZERO, Vec::new());
            for size in &sizes {
                while let Some(wait) = wait_for(&limiter, NonZeroU32::new(*size).unwrap(), clock.now()) {
                    clock.advance(wait);
                    time += wait;
                }
                sent.push((time, *size));
            }
            for (first, (start, _)) in sent.iter().enumerate() {
                let mut sum = 0.0;
                for (end, size) in &sent[first..] {
                    sum += f64::from(*size);
                    let most = 30.0 + f64::from(rate) * Duration::saturating_sub(*end, *start).as_secs_f64();
                    prop_assert!(sum <= most + 1e-3, "{sum} > {most}");
                }
            }
            let all: u32 = sizes.iter().sum();
            prop_assert!(time <= per_second(rate).per_recipient() * all);
        }
    }
}
