//! The time, for all of the command line. Other modules get it from here.
#![allow(clippy::disallowed_methods, reason = "reads the clocks for all others")]

use std::time::Instant;

use jiff::Zoned;

use crate::domain::Timestamp;

/// Now, with the offset of this machine's time zone.
pub(super) fn now() -> Timestamp {
    Timestamp::new(&Zoned::now())
}

/// Now, to measure how long something takes.
pub(super) fn instant() -> Instant {
    Instant::now()
}
