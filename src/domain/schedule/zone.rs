//! A time zone by its name.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, offset};
use jiff::{Timestamp as Instant, ToSpan as _, Zoned};
use serde::{Deserialize, Serialize};

use super::super::timestamp::Timestamp;

/// A time zone of the IANA database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// The zone where none is named.
    pub const DEFAULT: &'static str = "Asia/Kuala_Lumpur";

    /// The time zone of this name.
    pub fn parse(name: &str) -> Result<Self, &'static str> {
        let zone = TimeZone::get(name)
            .map_err(|_| "is not a time zone: write its name, such as Asia/Kuala_Lumpur or UTC")?;
        Ok(Self {
            name: zone.iana_name().unwrap_or(name).to_owned(),
            zone,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its clocks show then.
    pub(super) fn local(&self, at: Instant) -> Zoned {
        at.to_zoned(self.zone.clone())
    }

    /// The same time, with the offset that it has here.
    pub(super) fn timestamp(&self, at: Instant) -> Timestamp {
        Timestamp::new(&self.local(at))
    }

    /// The same time of day this many days later, to the minute.
    pub(super) fn days_later(&self, at: &Timestamp, days: i32) -> Timestamp {
        let local = self.local(at.instant());
        let to_minute = local.with().second(0).subsec_nanosecond(0).build();
        let later = to_minute.and_then(|local| local.checked_add(days.days()));
        Timestamp::new(&later.unwrap_or(local))
    }

    /// An hour before this time.
    pub(super) fn hour_before(&self, at: &Timestamp) -> Timestamp {
        let earlier = at.instant().checked_sub(1.hour());
        self.timestamp(earlier.unwrap_or(at.instant()))
    }

    /// When the day of this time begins.
    pub(super) fn start_of_day(&self, at: &Timestamp) -> Timestamp {
        let local = self.local(at.instant());
        Timestamp::new(&local.start_of_day().unwrap_or(local))
    }

    /// When a clock shows this, or passes it: twice where it is set back meanwhile, and the moment when it is set forward over it.
    pub(super) fn readings(&self, local: DateTime) -> Vec<Instant> {
        let read = |offset: Offset| offset.to_timestamp(local).ok();
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => read(offset).into_iter().collect(),
            AmbiguousOffset::Fold { before, after } => {
                [read(before), read(after)].into_iter().flatten().collect()
            }
            AmbiguousOffset::Gap { before, .. } => {
                let after = read(before).and_then(|after| after.checked_add(1.second()).ok());
                let change = after.and_then(|after| self.zone.preceding(after).next());
                change
                    .map(|change| change.timestamp())
                    .into_iter()
                    .collect()
            }
        }
    }

    /// When its clocks are set forward or back, after one moment and before another.
    pub(super) fn clock_changes(&self, after: Instant, before: Instant) -> Vec<Instant> {
        let changes = self.zone.following(after).map(|change| change.timestamp());
        changes.take_while(|change| *change < before).collect()
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::parse(Self::DEFAULT).unwrap_or_else(|_| Self {
            name: Self::DEFAULT.to_owned(),
            zone: TimeZone::fixed(offset(8)),
        })
    }
}

impl TryFrom<String> for Zone {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::parse(&name)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name
    }
}
