//! What others that share a campaign or an account must know of one that sends.

use std::num::NonZeroU32;
use std::time::Duration;

/// How a process sends a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderOptions {
    /// The account that it uses, see [`account_id`].
    pub account: String,
    /// How long one recipient takes at the rate that it asks for, if it asks for one.
    pub per_recipient: Option<Duration>,
    /// The most recipients that it sends to at once.
    pub largest: NonZeroU32,
    /// The longest that one of its requests takes.
    pub timeout: Duration,
}

/// Stands for an account of a gateway without showing the user name.
#[must_use]
pub fn account_id(gateway: &str, username: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [gateway, username] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// What a sender learns that asks for the turn of a batch at the rate of its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Whether the turn is taken. Otherwise it is not due soon, and is to be asked for again.
    pub made: bool,
    /// How long to wait before the batch is sent, or before the next question.
    pub wait: Duration,
}

/// What a sender that found nothing to take may have to send yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// Nothing.
    Nothing,
    /// Batches that are planned. Another sender or another worker of this one holds them.
    Planned,
    /// What other senders have requests under way for.
    Requests,
}

impl Reservation {
    /// For a batch that waits for nothing.
    pub(super) const NOW: Self = Self {
        made: true,
        wait: Duration::ZERO,
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn accounts_differ_by_gateway_and_user_name() {
        let id = super::account_id;
        assert_eq!(id("a", "bc"), id("a", "bc"));
        assert_ne!(id("a", "bc"), id("ab", "c"));
        assert!(!id("gateway.example", "ali").contains("ali"));
    }
}
