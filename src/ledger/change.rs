//! What is written to an open ledger, as the rules state it and every backend carries it out.

use super::batch::{AttemptId, BatchId};
use super::outcome::AttemptOutcome;
use super::resolution::Resolution;
use super::state::State;
use crate::domain::Timestamp;
use crate::domain::schedule::Given;
use crate::{Error, Kind, Remedy};

/// One change. A backend writes it as it stands, or refuses it where a batch is not in the state that the change names, so
/// that of two writers only one succeeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The campaign is sent from now on, to this host. A backend that keeps a record of this outside of the ledger writes that
    /// one first: if the ledger is lost after a claim, something still says that there was one.
    Start {
        /// The gateway's host.
        gateway_host: String,
    },
    /// A run is about to make its first request; `None`: it has ended.
    MarkBeginning { at: Option<Timestamp> },
    /// A batch goes to another state as a whole.
    Move {
        batch: BatchId,
        from: State,
        to: State,
        fields: Fields,
    },
    /// All recipients of a batch that are in it go to new batches. Each of these has the attempts and the other fields of the
    /// parent, except those that are set.
    Split {
        parent: BatchId,
        from: State,
        /// The state of the parent, which has no recipients then.
        to: State,
        children: Vec<Child>,
    },
    /// A planned batch is claimed by this sender, for a request that is about to be made.
    Claim { batch: BatchId, at: Timestamp },
    /// How an attempt ended.
    EndAttempt {
        attempt: AttemptId,
        outcome: AttemptOutcome,
        answered: Option<Answer>,
    },
    /// A recipient has a transaction id of its own, or none.
    SetTrxId { row: i64, trx_id: Option<String> },
    /// An operator decided until when the campaign may be sent.
    Expire {
        at: Timestamp,
        expires_at: Timestamp,
    },
    /// When one more run is asked to send the campaign. Others may have added theirs meanwhile.
    AddSchedule(Box<Given>),
    /// An operator decided about these rows, given as on the command line. It comes before the batches that follow from it.
    Decide {
        at: Timestamp,
        rows: String,
        resolution: Resolution,
        note: Option<String>,
    },
}

/// A batch that takes over recipients of a batch that is split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Child {
    pub(super) rows: Vec<i64>,
    pub(super) state: State,
    pub(super) fields: Fields,
}

/// What is set in a batch together with its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fields {
    /// Nothing.
    Kept,
    /// Its last attempt is under way again: nothing of what was made of it since counts.
    Reopened,
    /// What came of its attempt.
    Settled {
        code: Option<i32>,
        trx_id: Option<String>,
        why: Option<String>,
    },
    /// Why it is not sent.
    Suppressed { why: String },
    /// The decision that was recorded last, and its transaction id if it has one.
    Decided { trx_id: Option<String> },
}

/// What came back from the gateway, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) at: Timestamp,
    pub(super) http_status: Option<u16>,
    pub(super) text: String,
}

/// The numbers that a backend gave to what changes brought, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NewIds {
    pub(super) attempts: Vec<AttemptId>,
    pub(super) batches: Vec<BatchId>,
}

/// The error for a batch that a change finds in another state, or without a row that it should have.
pub(super) fn changed_meanwhile(batch: BatchId, expected: &str) -> Error {
    Error::new(
        Kind::Ledger,
        format!("batch {batch} is no longer {expected}"),
    )
    .hint("something else changed the ledger; check it")
    .remedy(Remedy::Verify)
}

/// The error for a campaign that was first sent to another gateway.
pub(super) fn sent_elsewhere(first: &str, host: &str) -> Error {
    Error::new(
        Kind::Ledger,
        format!("was first sent to {first}, and would now go to {host}"),
    )
    .hint(format!("send it to {first}"))
    .remedy(Remedy::Gateway)
}
