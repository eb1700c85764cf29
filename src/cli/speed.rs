//! How fast something advances: over the last seconds, without the burst with which it begins.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Over how long a speed is measured.
const WINDOW: Duration = Duration::from_secs(15);

/// What is done in this time after the start is not counted: a run may begin with a burst.
const BURST: Duration = Duration::from_secs(1);

/// How fast something advances.
#[derive(Debug)]
pub(super) struct Speed {
    started: Instant,
    /// How much was done at which time, at most once a second.
    samples: VecDeque<(Instant, u64)>,
}

impl Speed {
    pub(super) fn new(started: Instant) -> Self {
        Self {
            started,
            samples: VecDeque::new(),
        }
    }

    /// Adds that so much is done now. Returns how much is done in a second, once that is known.
    pub(super) fn note(&mut self, now: Instant, done: u64) -> Option<f64> {
        if now.duration_since(self.started) < BURST {
            self.samples.clear();
        }
        let last = self.samples.back();
        if last.is_none_or(|(at, _)| now.duration_since(*at) >= Duration::from_secs(1)) {
            self.samples.push_back((now, done));
        }
        let is_old = |(at, _): &(Instant, u64)| now.duration_since(*at) >= WINDOW;
        while self.samples.len() > 2 && self.samples.get(1).is_some_and(is_old) {
            self.samples.pop_front();
        }
        let (then, before) = *self.samples.front()?;
        #[allow(clippy::cast_precision_loss)]
        let more = done.saturating_sub(before) as f64;
        let seconds = now.duration_since(then).as_secs_f64();
        (seconds >= 0.5).then(|| more / seconds)
    }
}

/// A speed with two digits, in a unit in which it is at least 1: `120/s`, `3.4/s`, `12/min`, `5/h`.
pub(super) fn readable(per_second: f64) -> String {
    for (unit, seconds) in [("s", 1.0), ("min", 60.0), ("h", 3_600.0)] {
        let speed = per_second * seconds;
        if speed >= 99.5 {
            let digits = 10_f64.powf(speed.log10().floor() - 1.0);
            return format!("{:.0}/{unit}", (speed / digits).round() * digits);
        }
        if speed >= 9.95 {
            return format!("{speed:.0}/{unit}");
        }
        if speed >= 1.0 {
            let text = format!("{speed:.1}");
            return format!("{}/{unit}", text.strip_suffix(".0").unwrap_or(&text));
        }
    }
    "less than 1/h".to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::clock;
    use super::*;

    #[test]
    fn speeds_have_two_digits() {
        for (speed, shown) in [
            (123_456.0, "120000/s"),
            (1_277.0, "1300/s"),
            (99.6, "100/s"),
            (30.02, "30/s"),
            (9.97, "10/s"),
            (3.44, "3.4/s"),
            (1.0, "1/s"),
            (0.2, "12/min"),
            (0.025, "1.5/min"),
            (0.01, "36/h"),
            (0.0003, "1.1/h"),
            (0.0, "less than 1/h"),
        ] {
            assert_eq!(readable(speed), shown);
        }
    }

    /// What a run with this rate and first burst shows in its 5th, 20th and 60th second.
    #[test]
    fn the_first_burst_and_what_was_long_ago_do_not_count() {
        for (burst, rate) in [(30, 30), (120, 30), (400, 1), (0, 7), (5_000, 100)] {
            let start = clock::instant();
            let mut speed = Speed::new(start);
            let mut now = None;
            for second in 0..=60 {
                let at = start + Duration::from_secs(second);
                now = speed.note(at, burst + rate * second);
                if second >= 5 {
                    #[allow(clippy::cast_precision_loss)]
                    let expected = rate as f64;
                    assert!(
                        now.is_some_and(|now| (now - expected).abs() < 0.01),
                        "{burst}, {rate}/s: {now:?} after {second} s"
                    );
                }
            }
            // Nothing more is done, as in an outage.
            for second in 61..=90 {
                now = speed.note(start + Duration::from_secs(second), burst + rate * 60);
            }
            assert_eq!(now, Some(0.0));
        }
    }
}
