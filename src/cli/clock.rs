//! The one place that asks what time it is.

use jiff::Zoned;

use crate::domain::Timestamp;

/// Now, with the offset of this machine's time zone.
pub(super) fn now() -> Timestamp {
    Timestamp::new(&Zoned::now())
}
