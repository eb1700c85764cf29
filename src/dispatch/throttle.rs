//! The rate of a whole process, in recipients. It does not know what is sent.

use std::fmt;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use governor::clock::{Clock, MonotonicClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::stop::StopToken;

/// A rate: this many recipients in this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    recipients: NonZeroU32,
    period: Duration,
}

impl Rate {
    /// So many recipients in a period that is not empty.
    #[must_use]
    pub fn new(recipients: NonZeroU32, period: Duration) -> Option<Self> {
        // More than one in a nanosecond could not be told apart from no rate.
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
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.period.as_secs() {
            1 => write!(f, "{}/s", self.recipients),
            60 => write!(f, "{}/m", self.recipients),
            3_600 => write!(f, "{}/h", self.recipients),
            _ => write!(f, "{} in {:?}", self.recipients, self.period),
        }
    }
}

type Limiter<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// The throttle that all workers share. It has two gates of the same rate. Workers wait at the first one before
/// they claim, so that nobody waits long with a claim in hand; a commit takes now longer and now shorter, which
/// would push two requests together on the wire, so the second gate, right before the request, keeps the line.
#[derive(Debug)]
pub struct Throttle {
    gates: Option<[Limiter<MonotonicClock>; 2]>,
}

impl Throttle {
    /// A throttle of this rate for batches of at most `largest` recipients; `None`: it lets everything pass.
    #[must_use]
    pub fn new(rate: Option<Rate>, largest: NonZeroU32) -> Self {
        let gate = |quota| Limiter::direct_with_clock(quota, MonotonicClock);
        Self {
            gates: rate
                .and_then(|rate| quota(rate, largest))
                .map(|quota| [gate(quota), gate(quota)]),
        }
    }

    /// Whether everything passes at once.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.gates.is_none()
    }

    /// Waits for the turn of so many recipients, before their claim. `false`: a stop was asked for.
    #[must_use]
    pub fn approach(&self, recipients: usize, stopper: &StopToken) -> bool {
        self.pass(0, recipients, stopper)
    }

    /// Waits until the request of so many recipients may leave. `false`: a stop was asked for.
    #[must_use]
    pub fn depart(&self, recipients: usize, stopper: &StopToken) -> bool {
        self.pass(1, recipients, stopper)
    }

    fn pass(&self, gate: usize, recipients: usize, stopper: &StopToken) -> bool {
        let Some(gates) = &self.gates else {
            return stopper.why().is_none();
        };
        let cells = u32::try_from(recipients).ok().and_then(NonZeroU32::new);
        let cells = cells.unwrap_or(NonZeroU32::MIN);
        loop {
            if stopper.why().is_some() {
                return false;
            }
            match wait_for(&gates[gate], cells, MonotonicClock.now()) {
                None => return true,
                Some(wait) => {
                    if !stopper.wait_until(Instant::now() + wait) {
                        return false;
                    }
                }
            }
        }
    }
}

/// The burst must hold the largest batch, or it could never pass. A burst of 1 would lose several per cent of the
/// rate to the time it takes to wake up.
fn quota(rate: Rate, largest: NonZeroU32) -> Option<Quota> {
    let burst = largest.max(NonZeroU32::MIN.saturating_add(1));
    Some(Quota::with_period(rate.per_recipient())?.allow_burst(burst))
}

/// Lets so many pass, or says how long they have to wait.
fn wait_for<C: Clock>(gate: &Limiter<C>, cells: NonZeroU32, now: C::Instant) -> Option<Duration>
where
    C::Instant: Reference,
{
    match gate.check_n(cells) {
        Ok(Ok(())) => None,
        Ok(Err(not_until)) => Some(not_until.wait_time_from(now)),
        // More than the burst: no batch is larger than the burst was made for.
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

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whoever waits exactly as long as told never crosses the line `burst + rate * t`, and uses the rate.
        #[test]
        fn keeps_the_line(rate in 1_u32..5_000, sizes in prop::collection::vec(1_u32..=30, 2..60)) {
            let clock = FakeRelativeClock::default();
            let largest = NonZeroU32::new(30).unwrap();
            let gate = Limiter::direct_with_clock(quota(per_second(rate), largest).unwrap(), clock.clone());
            let (mut time, mut sent) = (Duration::ZERO, Vec::new());
            for size in &sizes {
                while let Some(wait) = wait_for(&gate, NonZeroU32::new(*size).unwrap(), clock.now()) {
                    clock.advance(wait);
                    time += wait;
                }
                sent.push((time, *size));
            }
            for (first, (start, _)) in sent.iter().enumerate() {
                let mut sum = 0.0;
                for (end, size) in &sent[first..] {
                    sum += f64::from(*size);
                    let line = 30.0 + f64::from(rate) * Duration::saturating_sub(*end, *start).as_secs_f64();
                    prop_assert!(sum <= line + 1e-3, "{sum} > {line}");
                }
            }
            let all: u32 = sizes.iter().sum();
            prop_assert!(time <= per_second(rate).per_recipient() * all);
        }
    }
}
