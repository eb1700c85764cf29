//! What an operator says about unknown and refused rows.

use std::ops::RangeInclusive;

/// Which rows an operator resolves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Every unknown row.
    AllUnknown,
    /// The rows of this batch.
    Batch(u64),
    /// The rows with these numbers.
    Rows(Vec<RangeInclusive<u64>>),
}

/// What an operator says about rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// They went out.
    Accepted {
        /// Under this transaction id, where it is known.
        trx_id: Option<String>,
    },
    /// They did not, and are to be sent.
    NotSent,
}

impl Resolution {
    /// The word that the ledger stores.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::NotSent => "not-sent",
        }
    }

    pub(super) fn trx_id(&self) -> Option<&str> {
        match self {
            Self::Accepted { trx_id } => trx_id.as_deref(),
            Self::NotSent => None,
        }
    }
}
