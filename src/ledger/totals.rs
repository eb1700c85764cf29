//! The rows of a ledger in numbers.

use crate::domain::status::Counts;

/// The rows of a ledger in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows by status.
    pub counts: Counts,
    /// Batches that are not split.
    pub batches: u64,
    /// What all sendable rows cost.
    pub credits_planned: u64,
    /// What the accepted rows cost.
    pub credits_accepted: u64,
    /// What the pending rows would cost.
    pub credits_pending: u64,
    /// Attempts that were made.
    pub attempts: u64,
}
