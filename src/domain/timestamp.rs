//! A point in time as the ledger and the results write it.

use std::fmt;
use std::time::Duration;

use jiff::Zoned;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A point in time to the millisecond, with the UTC offset of the place where it was taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(Zoned);

impl Timestamp {
    /// The timestamp of this time.
    #[must_use]
    pub fn new(time: &Zoned) -> Self {
        let millis = time.timestamp().as_millisecond();
        let timestamp =
            jiff::Timestamp::from_millisecond(millis).unwrap_or_else(|_| time.timestamp());
        Self(timestamp.to_zoned(TimeZone::fixed(time.offset())))
    }

    /// The timestamp written in this text as RFC 3339 with an offset, if it is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        strtime::parse("%Y-%m-%dT%H:%M:%S%.f%:z", text)
            .and_then(|parts| parts.to_zoned())
            .ok()
            .map(Self)
    }

    /// The time `span` later, or the last that can be written.
    #[must_use]
    pub fn after(&self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// How long ago this was at a later time; nothing if it was not later.
    #[must_use]
    pub fn age(&self, now: &Self) -> Duration {
        let age = now.0.duration_since(&self.0);
        age.try_into().unwrap_or_default()
    }

    /// The same time, with the offset that it has in this time zone.
    #[must_use]
    pub fn in_zone(&self, zone: TimeZone) -> Self {
        Self::new(&self.0.with_time_zone(zone))
    }

    /// The time as people read it: `Tue 1 Dec 2026 09:00`.
    #[must_use]
    pub fn readable(&self) -> String {
        let seconds = if self.0.second() == 0 { "" } else { ":%S" };
        let format = format!("%a %-d %b %Y %H:%M{seconds}");
        self.0.strftime(&format).to_string()
    }

    pub(super) fn instant(&self) -> jiff::Timestamp {
        self.0.timestamp()
    }

    /// The time in UTC to the second, for a file name: `20261122T152000Z`.
    #[must_use]
    pub fn file_stamp(&self) -> String {
        self.0.timestamp().strftime("%Y%m%dT%H%M%SZ").to_string()
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 with offset and milliseconds: `2026-11-22T23:20:00.123+08:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z"))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("is not a time")
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_reads() {
        for text in [
            "2026-11-22T23:20:00.123+08:00",
            "2026-01-01T00:00:00.000+00:00",
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
        assert!(Timestamp::parse("yesterday").is_none());
    }

    #[test]
    fn counts_forward_and_back() {
        let planned = Timestamp::parse("2026-11-22T23:20:00.000+08:00").unwrap();
        let later = planned.after(Duration::from_secs(86_400));
        assert_eq!(later.to_string(), "2026-11-23T23:20:00.000+08:00");
        assert!(later > planned);
        assert_eq!(planned.file_stamp(), "20261122T152000Z");
        assert_eq!(planned.readable(), "Sun 22 Nov 2026 23:20");
        let utc = planned.in_zone(TimeZone::UTC);
        assert_eq!(utc.readable(), "Sun 22 Nov 2026 15:20");
        assert_eq!(planned.age(&later), Duration::from_secs(86_400));
        assert_eq!(later.age(&planned), Duration::ZERO);
    }
}
