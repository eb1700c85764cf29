//! The sandbox without its network: takes the messages in the fields of a request, and replies.

use super::faults::{Fault, Faults};
use super::outbox::{Outbox, Taken};
use super::rules::{self, Code, Message};
use crate::error::Result;

/// The first transaction id, the example of the reference.
const FIRST_TRX_ID: u64 = 1_143_007_207;

/// What the client gets in reply to a request.
#[derive(Debug)]
pub(super) struct Reply {
    /// The fault that happens to the request.
    pub(super) fault: Option<Fault>,
    /// The body of the answer, if the fault lets one through.
    pub(super) answer: String,
}

/// Checks requests, takes messages and replies.
#[derive(Debug)]
pub(super) struct Simulator {
    outbox: Option<Outbox>,
    faults: Faults,
    next_trx_id: u64,
    per_number: bool,
    credits: u64,
}

impl Simulator {
    /// A simulator that records in `outbox` what it takes and continues from its last transaction id. With `per_number`
    /// it answers for each number. It takes messages for as many credits.
    pub(super) fn new(outbox: Option<Outbox>, per_number: bool, credits: u64) -> Self {
        let last = outbox.as_ref().and_then(|outbox| outbox.last_trx_id);
        Self {
            outbox,
            faults: Faults::default(),
            next_trx_id: last.map_or(FIRST_TRX_ID, |id| id + 1),
            per_number,
            credits,
        }
    }

    /// The reply to a request about the account: what `state` says of its credits, or a code.
    pub(super) fn account(&self, fields: &[(String, String)], state: fn(u64) -> String) -> String {
        match rules::check_account(fields) {
            Ok(()) => state(self.credits),
            Err(code) => code.to_string(),
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
        let (fault, answer) = match checked {
            Err(code) => (None, code.to_string()),
            Ok((message, numbers)) => {
                let fault = self.faults.next(&numbers, self.per_number);
                match fault {
                    None | Some(Fault::Late | Fault::Dropped) => match self.pay(&message) {
                        Ok(()) => (fault, self.take(&message)?),
                        Err(code) => (None, code.to_string()),
                    },
                    Some(Fault::Code(code)) => (fault, code.to_string()),
                    Some(Fault::Throttled | Fault::Unavailable | Fault::Empty) => {
                        (fault, String::new())
                    }
                }
            }
        };
        Ok(Reply { fault, answer })
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

    /// The code of a number that is refused alone, although others of its request are taken.
    fn refusal(&self, number: Result<&str, Code>) -> Option<Code> {
        match number {
            Ok(to) if self.per_number => Fault::of(to).and_then(Fault::own_code),
            Ok(_) => None,
            Err(code) => Some(code),
        }
    }

    /// Takes the credits for a message, or for none of its numbers if they are not enough for all.
    fn pay(&mut self, message: &Message<'_>) -> Result<(), Code> {
        let taken = message
            .numbers
            .iter()
            .filter(|to| self.refusal(**to).is_none());
        let credits = message.credits() * taken.count() as u64;
        self.credits = self.credits.checked_sub(credits).ok_or(Code::CREDITS)?;
        Ok(())
    }

    /// Takes a message and answers, for all of its numbers or for each.
    fn take(&mut self, message: &Message<'_>) -> Result<String> {
        let common = (!self.per_number).then(|| self.new_trx_id());
        let each: Vec<Result<Taken<'_>, Code>> = (message.numbers.iter())
            .map(|number| match self.refusal(*number) {
                Some(code) => Err(code),
                None => Ok((common.unwrap_or_else(|| self.new_trx_id()), (*number)?)),
            })
            .collect();
        if let Some(outbox) = &mut self.outbox {
            outbox.append(message, each.iter().copied().flatten())?;
        }
        let answers = each.iter().map(|taken| match taken {
            Ok((trx_id, _)) => format!("2000 = SUCCESS:{trx_id}"),
            Err(code) => code.to_string(),
        });
        let count = common.map_or(each.len(), |_| 1);
        Ok(answers.take(count).collect::<Vec<_>>().join("||"))
    }

    fn new_trx_id(&mut self) -> u64 {
        let id = self.next_trx_id;
        self.next_trx_id += 1;
        id
    }
}
