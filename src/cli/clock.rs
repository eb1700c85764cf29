//! The one place that asks what time it is.

use jiff::Zoned;

use crate::campaign::Moment;

/// Now, with the offset of this machine's time zone.
pub(super) fn now() -> Moment {
    Moment::new(&Zoned::now())
}
