//! A batch, and the end of an attempt to send it.

use std::collections::BTreeMap;
use std::fmt;

use super::outcome::AttemptOutcome;
use crate::domain::status::Counts;
use crate::domain::{Message, RequestLimits, Status, Timestamp};
use crate::{Error, Kind, Remedy, Result};

/// The rows that were suppressed, by the reason why nothing is sent to them.
pub type Suppressed = BTreeMap<String, Vec<u64>>;

/// Adds rows that were suppressed to those of before.
pub(super) fn add_suppressed(all: &mut Suppressed, more: Suppressed) {
    for (why, rows) in more {
        all.entry(why).or_default().extend(rows);
    }
}

/// A batch of this ledger (`sms_batch`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchId(pub(super) i64);

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One attempt to send a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptId(pub(super) i64);

/// A planned batch with all that its request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its number.
    pub id: BatchId,
    /// Its messages, in the order of their rows.
    pub messages: Vec<Message>,
    /// The rows of their recipients.
    pub(super) rows: Vec<i64>,
    /// Whether it was split from another.
    pub split: bool,
}

impl Batch {
    /// Refuses a batch that one request cannot hold.
    pub(super) fn check(&self, limits: RequestLimits) -> Result<()> {
        if limits.allow(&self.messages) {
            return Ok(());
        }
        let message = format!("batch {} holds what one request cannot hold", self.id);
        Err(Error::new(Kind::Ledger, message)
            .hint("something else changed the ledger; check it")
            .remedy(Remedy::Verify))
    }

    /// The first recipients of this batch, as they are in a batch of their own.
    pub(super) fn first(&self, recipients: usize, id: BatchId) -> Self {
        let recipients = recipients.min(self.rows.len());
        Self {
            id,
            messages: self.messages[..recipients].to_vec(),
            rows: self.rows[..recipients].to_vec(),
            split: true,
        }
    }
}

/// Where an attempt leaves a recipient.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NewState {
    /// The gateway took it.
    Accepted {
        /// With this code.
        code: i32,
        /// The transaction id, where there was one.
        trx_id: Option<String>,
    },
    /// The gateway refused it.
    Refused {
        /// With this code.
        code: i32,
    },
    /// It may have gone out.
    Unknown {
        /// In words.
        why: String,
        /// The code, where there was one.
        code: Option<i32>,
    },
    /// It certainly did not go out, and is planned again.
    Planned {
        /// In words.
        why: String,
    },
    /// It certainly did not go out, and is planned again in two halves; a single recipient is refused.
    Halved {
        /// With this code.
        code: i32,
    },
}

impl NewState {
    /// Whether it is planned again as it was, because the request said nothing about it.
    #[must_use]
    pub fn is_planned_again(&self) -> bool {
        matches!(self, Self::Planned { .. })
    }
}

/// The end of an attempt.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The batch that was claimed.
    pub batch: Batch,
    /// The attempt that its claim began.
    pub attempt: AttemptId,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// The HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// What the gateway answered.
    pub answer: String,
    /// One for all recipients, or one for each in their order.
    pub new_states: Vec<NewState>,
}

impl Settlement {
    /// The statuses that the attempt gives to the recipients of its batch.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let each = match self.new_states.len() {
            1 => self.batch.messages.len() as u64,
            _ => 1,
        };
        let mut counts = Counts::default();
        for state in &self.new_states {
            let status = match state {
                NewState::Accepted { .. } => Status::Accepted,
                NewState::Refused { .. } => Status::Refused,
                NewState::Unknown { .. } => Status::Unknown,
                NewState::Planned { .. } | NewState::Halved { .. } => Status::Pending,
            };
            counts.add(status, each);
        }
        counts
    }
}
