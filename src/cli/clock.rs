//! The time, for all of the command line. Other modules get it from here.
#![allow(clippy::disallowed_methods, reason = "reads the clocks for all others")]

use std::time::Instant;

use jiff::Zoned;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::Timestamp;

/// Now, with the offset of this machine's time zone.
pub(super) fn now() -> Timestamp {
    Timestamp::new(&Zoned::now())
}

/// Today's date in a time zone.
pub(super) fn today(zone: TimeZone) -> Date {
    Zoned::now().with_time_zone(zone).date()
}

/// Now, to measure how long something takes.
pub(super) fn instant() -> Instant {
    Instant::now()
}

/// A time as people on this machine read it.
pub(super) fn local(time: &Timestamp) -> String {
    time.in_zone(TimeZone::system()).readable()
}
