//! What an operator decides about rows.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Which rows an operator decides about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Every unknown row.
    AllUnknown,
    /// Every pending row.
    AllPending,
    /// The rows of this batch.
    Batch(u64),
    /// The rows with these numbers.
    Rows(Vec<RangeInclusive<u64>>),
}

/// What an operator decides about rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// They went out.
    Accepted {
        /// Under this transaction id, where it is known.
        trx_id: Option<String>,
    },
    /// They did not, and are to be sent.
    NotSent,
    /// They are pending, and are not to be sent.
    Cancelled,
}

impl Resolution {
    /// The word that the ledger stores.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::NotSent => "not-sent",
            Self::Cancelled => "cancelled",
        }
    }

    pub(super) fn trx_id(&self) -> Option<&str> {
        match self {
            Self::Accepted { trx_id } => trx_id.as_deref(),
            Self::NotSent | Self::Cancelled => None,
        }
    }
}

/// What came of a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The rows that have changed.
    pub rows: Vec<u64>,
    /// Rows that were left out of all unknown ones, because their requests may still be made.
    pub left_out: Vec<u64>,
    /// From when on these can be resolved. `None`: when their senders have ended.
    pub left_out_for: Option<Duration>,
    /// Rows that were left out of all unknown ones, because an earlier request for them was accepted.
    pub accepted_before: Vec<u64>,
}

/// Rows as they are written on the command line: `3,17-20`.
#[must_use]
pub fn row_ranges(rows: &[u64]) -> String {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    let ranges = rows
        .chunk_by(|row, next| row + 1 == *next)
        .map(|range| match range {
            [first, .., last] => format!("{first}-{last}"),
            _ => range[0].to_string(),
        });
    ranges.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    #[test]
    fn rows_become_ranges() {
        assert_eq!(super::row_ranges(&[20, 3, 18, 17, 19]), "3,17-20");
    }
}
