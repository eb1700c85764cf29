//! How an attempt ended, in the word that the ledger stores.

use std::fmt;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The gateway took it.
    Accepted,
    /// The gateway refused it.
    Refused,
    /// The recipients were answered one by one, and not alike.
    Mixed,
    /// The gateway turned it away because of the account.
    AccountStopped,
    /// The gateway asked for fewer requests.
    Throttled,
    /// It certainly never left.
    NotSent,
    /// No usable answer came.
    NoAnswer,
    /// A crash cut it off.
    Interrupted,
}

impl AttemptOutcome {
    /// The outcomes of an attempt that no recipient can have received, and that said nothing about its messages.
    pub(super) const NOT_TAKEN: [Self; 3] = [Self::NotSent, Self::Throttled, Self::AccountStopped];

    /// The word that the ledger stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Mixed => "mixed",
            Self::AccountStopped => "account stopped",
            Self::Throttled => "throttled",
            Self::NotSent => "not sent",
            Self::NoAnswer => "no answer",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for AttemptOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
