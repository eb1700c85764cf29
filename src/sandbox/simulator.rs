//! The sandbox without its network: takes the messages in the fields of a request, and replies.

use super::faults::{Fault, Faults};
use super::outbox::{Outbox, Taken};
use super::rules::{self, Code, Message};
use crate::error::Result;

/// The first transaction id, the example of the reference.
const FIRST_TRX_ID: u64 = 1_143_007_207;

/// What the client gets in reply to a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// HTTP 200 with this body.
    Answer(String),
    /// The same, late.
    LateAnswer(String),
    /// HTTP 429.
    Throttled,
    /// HTTP 503.
    Unavailable,
    /// HTTP 200 without a body.
    Empty,
    /// The connection is dropped without a byte.
    Dropped,
}

/// Checks requests, takes messages and replies.
#[derive(Debug)]
pub(super) struct Simulator {
    outbox: Option<Outbox>,
    faults: Faults,
    next_trx_id: u64,
    per_number: bool,
}

impl Simulator {
    /// A simulator that records in `outbox` what it takes and continues from its last transaction id. With `per_number`
    /// it answers for each number.
    pub(super) fn new(outbox: Option<Outbox>, per_number: bool) -> Self {
        let last = outbox.as_ref().and_then(|outbox| outbox.last_trx_id);
        Self {
            outbox,
            faults: Faults::default(),
            next_trx_id: last.map_or(FIRST_TRX_ID, |id| id + 1),
            per_number,
        }
    }

    /// The reply to a request. The messages that it takes are in the outbox when this returns; fails if they cannot be
    /// written there.
    ///
    /// Rules come before faults, since a gateway checks a request first. A rule or a fault that concerns the whole
    /// request has one answer, even if otherwise every number gets its own.
    pub(super) fn submit(&mut self, fields: &[(String, String)]) -> Result<Reply> {
        let checked = rules::read(fields).and_then(|message| {
            let numbers = self.eligible(&message)?;
            Ok((message, numbers))
        });
        let (message, numbers) = match checked {
            Ok(checked) => checked,
            Err(code) => return Ok(Reply::Answer(code.to_string())),
        };
        Ok(match self.faults.next(&numbers, self.per_number) {
            None => Reply::Answer(self.take(&message, &numbers)?),
            Some(Fault::Late) => Reply::LateAnswer(self.take(&message, &numbers)?),
            Some(Fault::Dropped) => {
                self.take(&message, &numbers)?;
                Reply::Dropped
            }
            Some(Fault::Code(code)) => Reply::Answer(code.to_string()),
            Some(Fault::Throttled) => Reply::Throttled,
            Some(Fault::Unavailable) => Reply::Unavailable,
            Some(Fault::Empty) => Reply::Empty,
        })
    }

    /// The numbers that break no rule. Unless each has its own answer, the code of the first one that does.
    fn eligible<'a>(&self, message: &Message<'a>) -> Result<Vec<&'a str>, Code> {
        let numbers = message.numbers.iter().copied();
        if self.per_number {
            Ok(numbers.filter_map(Result::ok).collect())
        } else {
            numbers.collect()
        }
    }

    /// Takes a message and answers, for all of its numbers or for each.
    fn take(&mut self, message: &Message<'_>, numbers: &[&str]) -> Result<String> {
        if !self.per_number {
            let trx_id = self.new_trx_id();
            let taken = numbers.iter().map(|to| Taken { trx_id, to });
            self.record(message, taken)?;
            return Ok(success(trx_id));
        }
        let each: Vec<_> = (message.numbers.iter())
            .map(|number| {
                let to = (*number)?;
                match Fault::of(to).and_then(Fault::own_code) {
                    Some(code) => Err(code),
                    None => Ok(Taken {
                        trx_id: self.new_trx_id(),
                        to,
                    }),
                }
            })
            .collect();
        self.record(message, each.iter().copied().flatten())?;
        let answers: Vec<_> = (each.iter())
            .map(|taken| match taken {
                Ok(taken) => success(taken.trx_id),
                Err(code) => code.to_string(),
            })
            .collect();
        Ok(answers.join("||"))
    }

    fn record<'a>(
        &mut self,
        message: &Message<'_>,
        taken: impl Iterator<Item = Taken<'a>>,
    ) -> Result<()> {
        match &mut self.outbox {
            Some(outbox) => outbox.append(message, taken),
            None => Ok(()),
        }
    }

    fn new_trx_id(&mut self) -> u64 {
        let id = self.next_trx_id;
        self.next_trx_id += 1;
        id
    }
}

fn success(trx_id: u64) -> String {
    format!("2000 = SUCCESS:{trx_id}")
}
