//! The practice gateway without its network: fields in, a reply out, messages taken on the way. It knows no HTTP
//! and waits for nothing.

use std::fmt::Display;

use super::faults::{Fault, Faults};
use super::outbox::{Outbox, Taken};
use super::rules::{self, Code, Message};
use crate::error::Result;

/// The first transaction id, the example of the reference.
const FIRST_TRX_ID: u64 = 1_143_007_207;

/// What the client gets for a request.
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
    Blank,
    /// The connection is closed without a byte.
    Dropped,
}

/// Where requests are judged and messages taken.
#[derive(Debug)]
pub(super) struct Desk {
    outbox: Option<Outbox>,
    faults: Faults,
    next_trx_id: u64,
    per_number: bool,
}

impl Desk {
    /// A desk that writes down what it takes in `outbox`, counts on from its last transaction id, and answers for
    /// each number where `per_number`.
    pub(super) fn new(outbox: Option<Outbox>, per_number: bool) -> Self {
        let last = outbox.as_ref().and_then(Outbox::last_trx_id);
        Self {
            outbox,
            faults: Faults::default(),
            next_trx_id: last.map_or(FIRST_TRX_ID, |id| id + 1),
            per_number,
        }
    }

    /// The reply to a request. What it takes stands in the outbox when this returns; fails where it cannot be
    /// written there.
    ///
    /// Rules come before faults, as a gateway checks a request before anything can happen to it. A rule or a fault
    /// that concerns the whole request has one answer, also where every number would have its own.
    pub(super) fn submit(&mut self, fields: &[(String, String)]) -> Result<Reply> {
        let message = match rules::read(fields) {
            Ok(message) => message,
            Err(code) => return Ok(Reply::Answer(code.to_string())),
        };
        let numbers = match self.eligible(&message) {
            Ok(numbers) => numbers,
            Err(code) => return Ok(Reply::Answer(code.to_string())),
        };
        Ok(match self.faults.decide(&numbers, self.per_number) {
            None => Reply::Answer(self.take(&message, &numbers)?),
            Some(Fault::Late) => Reply::LateAnswer(self.take(&message, &numbers)?),
            Some(Fault::Dropped) => {
                self.take(&message, &numbers)?;
                Reply::Dropped
            }
            Some(Fault::Code(code)) => Reply::Answer(code.to_string()),
            Some(Fault::Throttled) => Reply::Throttled,
            Some(Fault::Unavailable) => Reply::Unavailable,
            Some(Fault::Blank) => Reply::Blank,
        })
    }

    /// The numbers that break no rule, or the code of one that does where it spoils the whole request.
    fn eligible<'a>(&self, message: &Message<'a>) -> Result<Vec<&'a str>, Code> {
        let numbers = message.numbers.iter().copied();
        if self.per_number {
            Ok(numbers.filter_map(Result::ok).collect())
        } else {
            numbers.collect()
        }
    }

    /// The answer to a message that is taken.
    fn take(&mut self, message: &Message<'_>, numbers: &[&str]) -> Result<String> {
        if self.per_number {
            self.take_each(message)
        } else {
            self.take_together(message, numbers)
        }
    }

    fn take_together(&mut self, message: &Message<'_>, numbers: &[&str]) -> Result<String> {
        let trx_id = self.new_trx_id();
        let taken = numbers.iter().map(|to| Taken { trx_id, to });
        self.write_down(message, taken)?;
        Ok(success(trx_id))
    }

    fn take_each(&mut self, message: &Message<'_>) -> Result<String> {
        let mut verdicts = Vec::with_capacity(message.numbers.len());
        for number in &message.numbers {
            let own_code = |to| Fault::of(to).and_then(Fault::own_code);
            verdicts.push(match *number {
                Ok(to) => match own_code(to) {
                    Some(code) => Err(code),
                    None => Ok(Taken {
                        trx_id: self.new_trx_id(),
                        to,
                    }),
                },
                Err(code) => Err(code),
            });
        }
        self.write_down(message, verdicts.iter().copied().flatten())?;
        let answers: Vec<String> = verdicts
            .iter()
            .map(|verdict| match verdict {
                Ok(taken) => success(taken.trx_id),
                Err(code) => code.to_string(),
            })
            .collect();
        Ok(answers.join("||"))
    }

    fn write_down<'a>(
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

fn success(trx_id: impl Display) -> String {
    format!("2000 = SUCCESS:{trx_id}")
}
