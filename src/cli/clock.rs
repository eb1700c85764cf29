//! The time of day. Other modules get it from here.

use jiff::Zoned;

use crate::domain::Timestamp;

/// Now, with the offset of this machine's time zone.
pub(super) fn now() -> Timestamp {
    Timestamp::new(&Zoned::now())
}
