//! The rows of a ledger in numbers.

use crate::domain::Status;
use crate::domain::status::Counts;

/// The rows of a ledger in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows by status.
    pub counts: Counts,
    /// Batches that are neither split nor suppressed.
    pub batches: u64,
    /// What all sendable rows cost.
    pub credits_planned: u64,
    /// What the accepted rows cost.
    pub credits_accepted: u64,
    /// What the pending rows would cost.
    pub credits_pending: u64,
    /// Rows that are unknown as long as the answer to a request is awaited: another process, which is there, has made it.
    pub in_flight: u64,
    /// Attempts that were made.
    pub attempts: u64,
}

impl Totals {
    /// The rows by status, without those whose answer another process awaits: what decides how a command ends.
    #[must_use]
    pub fn decisive(&self) -> Counts {
        self.counts.without(Status::Unknown, self.in_flight)
    }

    /// Adds what a row costs that was planned to be sent.
    pub(super) fn add_credits(&mut self, status: Status, credits: u64) {
        match status {
            Status::Suppressed | Status::Cancelled => return,
            Status::Accepted => self.credits_accepted += credits,
            Status::Pending => self.credits_pending += credits,
            _ => {}
        }
        self.credits_planned += credits;
    }
}
