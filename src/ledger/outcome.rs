//! How an attempt ended, in the word that the ledger stores.

use strum::{Display, EnumString, IntoStaticStr};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum AttemptOutcome {
    /// The gateway took it.
    Accepted,
    /// The gateway refused it.
    Refused,
    /// The recipients were answered one by one, and not alike.
    Mixed,
    /// The gateway turned it away because of the account.
    #[strum(serialize = "account stopped")]
    AccountStopped,
    /// The gateway asked for fewer requests.
    Throttled,
    /// It certainly never left.
    #[strum(serialize = "not sent")]
    NotSent,
    /// No usable answer came.
    #[strum(serialize = "no answer")]
    NoAnswer,
    /// A crash cut it off.
    Interrupted,
}

impl AttemptOutcome {
    /// The outcomes of an attempt that no recipient can have received, and that said nothing about its messages.
    pub(super) const NOT_TAKEN: [Self; 3] = [Self::NotSent, Self::Throttled, Self::AccountStopped];

    /// The outcomes that say nothing about how the gateway answers: it gave no answer to the messages, or was not asked.
    pub(super) const UNDECIDED: [Self; 2] = [Self::NotSent, Self::Throttled];

    /// Whether the gateway gave an answer that says what became of messages.
    #[must_use]
    pub fn is_usable(self) -> bool {
        match self {
            Self::Accepted | Self::Refused | Self::Mixed | Self::AccountStopped => true,
            Self::Throttled | Self::NotSent | Self::NoAnswer | Self::Interrupted => false,
        }
    }

    /// The word that the ledger stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
