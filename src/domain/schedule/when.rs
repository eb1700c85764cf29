//! A point in time as people write it.

use std::fmt;
use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::{Timestamp as Instant, ToSpan as _};

use super::super::timestamp::Timestamp;
use super::window::minutes;
use super::zone::Zone;

/// A point in time as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// A time of day: `09:00`.
    Clock(Time),
    /// A day and a time of day: `2026-12-01 09:00`.
    Local(DateTime),
    /// Wherever the clock is: `2026-12-01T09:00:00+08:00`.
    Exact(Instant),
}

/// Why a written time is no point in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoSuchTime {
    /// Clocks are set forward over it.
    Skipped,
    /// Clocks are set back, and show it at each of these times.
    Twice(Timestamp, Timestamp),
}

impl When {
    /// Reads it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const NO_TIME: &str =
            "is not a time: write 09:00, 2026-12-01 09:00 or 2026-12-01T09:00:00+08:00";
        let text = text.trim();
        if let Some(minutes) = minutes(text) {
            let (hour, minute) = (i8::try_from(minutes / 60), i8::try_from(minutes % 60));
            let (hour, minute) = hour.ok().zip(minute.ok()).ok_or(NO_TIME)?;
            let time = Time::new(hour, minute, 0, 0);
            return time.map(Self::Clock).map_err(|_| NO_TIME);
        }
        if let Ok(exact) = text.parse() {
            return Ok(Self::Exact(exact));
        }
        // A day without a time is none, nor is one with the name of a zone.
        let is_local = text.contains(':') && !text.contains(['[', '+', 'z', 'Z']);
        let local: Option<DateTime> = text.parse().ok().filter(|_| is_local);
        local.map(Self::Local).ok_or(NO_TIME)
    }

    /// The point in time that is meant: of a time of day the next one, or this minute.
    pub(super) fn meant(&self, zone: &Zone, now: &Timestamp) -> Result<Timestamp, NoSuchTime> {
        match self {
            Self::Exact(at) => Ok(zone.timestamp(*at)),
            Self::Local(local) => match zone.readings(*local)[..] {
                [at] if zone.local(at).datetime() == *local => Ok(zone.timestamp(at)),
                [at, again] => Err(NoSuchTime::Twice(zone.timestamp(at), zone.timestamp(again))),
                _ => Err(NoSuchTime::Skipped),
            },
            Self::Clock(time) => {
                const MINUTE: Duration = Duration::from_secs(60);
                let now = now.instant();
                let today = zone.local(now).date();
                let days = today.series(1.day()).take(3);
                let mut readings = days.flat_map(|day| zone.readings(day.to_datetime(*time)));
                let next = readings.find(|at| *at + MINUTE > now);
                Ok(zone.timestamp(next.unwrap_or(now)))
            }
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clock(time) => write!(f, "{}", time.strftime("%H:%M")),
            Self::Local(at) if at.second() == 0 => write!(f, "{}", at.strftime("%Y-%m-%d %H:%M")),
            Self::Local(at) => write!(f, "{}", at.strftime("%Y-%m-%d %H:%M:%S")),
            Self::Exact(at) => write!(f, "{at}"),
        }
    }
}
