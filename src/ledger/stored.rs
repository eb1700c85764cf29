//! Stored values as values of the program, in the same way for every backend that has the same columns.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::batch::{Batch, BatchId};
use super::recipient::{Decision, Recipient};
use super::state::State;
use super::transition::INTERRUPTED;
use crate::domain::{Encoding, Message, Msisdn, Status, Timestamp};
use crate::{Error, Kind, Result};

/// A ledger that holds a value which this program never writes.
pub(super) fn unknown_value(what: &str, value: &str) -> Error {
    Error::new(
        Kind::Ledger,
        format!("the ledger holds an unknown {what}: {value}"),
    )
    .hint("it was changed by hand or by another program; bring back a copy")
}

/// A value that is stored as JSON. If it cannot be read, something else might be sent than was planned, so that is an error.
pub(super) fn from_json<T: DeserializeOwned>(column: &str, json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| {
        Error::new(
            Kind::Ledger,
            format!("the ledger's {column} cannot be read"),
        )
        .caused_by(error)
        .hint("it was changed by hand or by another program; bring back a copy")
    })
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::new(Kind::Ledger, "the plan cannot be written").caused_by(error))
}

pub(super) fn time(text: &str) -> Result<Timestamp> {
    Timestamp::parse(text).ok_or_else(|| unknown_value("time", text))
}

pub(super) fn number(stored: i64) -> Result<Msisdn> {
    Msisdn::from_u64(stored.cast_unsigned())
        .ok_or_else(|| unknown_value("number", &stored.to_string()))
}

pub(super) fn encoding(wire: u8) -> Result<Encoding> {
    Encoding::from_wire(wire).ok_or_else(|| unknown_value("type", &wire.to_string()))
}

pub(super) fn state(word: &str) -> Result<State> {
    State::parse(word).ok_or_else(|| unknown_value("state", word))
}

/// The status of a row, from its disposition and the state of its batch.
pub(super) fn status(disposition: &str, state: Option<State>) -> Result<Status> {
    let status = match (disposition, state) {
        // A batch without a record is planned.
        ("send", state) => state.unwrap_or(State::Planned).status(),
        ("invalid", None) => Some(Status::Invalid),
        ("duplicate", None) => Some(Status::Duplicate),
        ("suppressed", None) => Some(Status::Suppressed),
        _ => None,
    };
    status.ok_or_else(|| unknown_value("disposition or state", disposition))
}

/// The state that a decision leaves its rows in.
pub(super) fn decided_state(resolution: &str) -> State {
    match resolution {
        "accepted" => State::Accepted,
        "cancelled" => State::Cancelled,
        _ => State::Planned,
    }
}

/// A row with what is stored of its batch, and of the decision about it.
#[derive(Default)]
pub(super) struct StoredRecipient<'r> {
    pub(super) row: i64,
    pub(super) cells: &'r str,
    pub(super) msisdn: Option<i64>,
    pub(super) disposition: &'r str,
    pub(super) wire: Option<u8>,
    pub(super) credits: Option<u32>,
    pub(super) batch: Option<i64>,
    pub(super) text: Option<&'r str>,
    pub(super) reason: Option<&'r str>,
    /// `None`: nothing happened to its batch.
    pub(super) state: Option<State>,
    pub(super) attempts: u32,
    pub(super) claimed_at: Option<&'r str>,
    pub(super) code: Option<i32>,
    pub(super) trx_id: Option<&'r str>,
    /// What the batch says in the place of the row's own reason.
    pub(super) why: Option<&'r str>,
    /// When it was made, its resolution, and the note.
    pub(super) decision: (Option<&'r str>, Option<&'r str>, Option<&'r str>),
    pub(super) refused_together: Option<i64>,
}

impl<'r> StoredRecipient<'r> {
    pub(super) fn read(self) -> Result<Recipient<'r>> {
        let decision = match self.decision {
            (Some(at), Some(resolution), note) => Some(Decision {
                at,
                resolution,
                note,
            }),
            _ => None,
        };
        Ok(Recipient {
            row: self.row.cast_unsigned(),
            cells: self.cells,
            msisdn: (self.msisdn).and_then(|number| Msisdn::from_u64(number.cast_unsigned())),
            status: status(self.disposition, self.state)?,
            code: self.code,
            trx_id: self.trx_id,
            reason: match self.state {
                Some(State::Claimed) => Some(INTERRUPTED),
                _ => self.reason.or(self.why),
            },
            decision,
            text: self.text,
            encoding: self.wire.and_then(Encoding::from_wire),
            credits: self.credits.unwrap_or(0),
            batch: self.batch.map(i64::cast_unsigned),
            refused_together: self.refused_together.map(i64::cast_unsigned),
            attempts: self.attempts,
            claimed_at: self.claimed_at,
        })
    }
}

/// One recipient of a planned batch.
pub(super) struct StoredMember {
    pub(super) batch: i64,
    pub(super) split: bool,
    pub(super) row: i64,
    pub(super) msisdn: i64,
    /// The row whose text it has.
    pub(super) text_row: i64,
    pub(super) wire: u8,
}

/// Planned batches, built of their recipients, which come in the order of their batches.
#[derive(Default)]
pub(super) struct BatchBuilder {
    batches: Vec<Batch>,
    text: Option<(i64, Arc<str>)>,
}

impl BatchBuilder {
    /// Whether this recipient begins another batch, although there are this many.
    pub(super) fn is_full(&self, most: usize, batch: i64) -> bool {
        self.batches.len() == most && self.batches.last().is_none_or(|last| last.id.0 != batch)
    }

    /// Adds a recipient. `text` reads its text.
    pub(super) fn add(
        &mut self,
        member: &StoredMember,
        text: impl FnOnce() -> Result<Arc<str>>,
    ) -> Result<()> {
        // The recipients of most batches have one text.
        let text = match &self.text {
            Some((row, text)) if *row == member.text_row => Arc::clone(text),
            _ => text()?,
        };
        self.text = Some((member.text_row, Arc::clone(&text)));
        let message = Message {
            number: number(member.msisdn)?,
            text,
            encoding: encoding(member.wire)?,
        };
        let id = BatchId(member.batch);
        match self.batches.last_mut() {
            Some(batch) if batch.id == id => {
                batch.messages.push(message);
                batch.rows.push(member.row);
            }
            _ => self.batches.push(Batch {
                id,
                messages: vec![message],
                rows: vec![member.row],
                split: member.split,
            }),
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Vec<Batch> {
        self.batches
    }
}
