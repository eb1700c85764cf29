//! What an answer means: for the books, for the batch, and for the run. Pure; it waits for nothing.

use std::time::Duration;

use super::stop::StopReason;
use crate::gateway::{Code, Outcome, Outcomes};
use crate::ledger::{AttemptOutcome, NewState};

/// Too many destination numbers: the batch is halved.
const TOO_MANY_NUMBERS: i32 = -1010;

/// At least one of the numbers is bad.
const BAD_NUMBER: i32 = -1009;

/// A bad number that stands alone at last.
pub(super) const SET_APART: NewState = NewState::Refused { code: BAD_NUMBER };

/// This many batches in a row, refused with one code, are no accident.
const SAME_REFUSALS: u32 = 10;

/// How long to wait before a batch is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// This worker waits, longer each time.
    Backoff,
    /// Every worker waits: for the time that the gateway asked for, or as above where it named none.
    Throttled {
        /// What it asked for.
        asked: Option<Duration>,
    },
}

/// What is to be done with the batch of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The batch is settled.
    Done,
    /// It certainly was not sent, and is tried again; after the time that the gateway asked for, if it did.
    Again {
        /// What stood in the way.
        why: String,
        /// How long to wait.
        wait: Wait,
    },
    /// It certainly was not sent, and the run is over.
    Halt(StopReason),
}

/// Where an answer leaves its recipients, how the attempt ended, and what to do with the batch.
#[must_use]
pub(super) fn judge(
    outcomes: &Outcomes,
    recipients: usize,
    split_bad_numbers: bool,
) -> (Vec<NewState>, AttemptOutcome, Then) {
    match outcomes {
        Outcomes::All(Outcome::Refused { code })
            if recipients > 1
                && (code.0 == TOO_MANY_NUMBERS || (split_bad_numbers && code.0 == BAD_NUMBER)) =>
        {
            (
                vec![NewState::Halved { code: code.0 }],
                AttemptOutcome::Refused,
                Then::Done,
            )
        }
        Outcomes::Each(each)
            if each.len() > 1
                && each.iter().all(
                    |one| matches!(one, Outcome::Refused { code } if code.0 == TOO_MANY_NUMBERS),
                ) =>
        {
            let halve = NewState::Halved {
                code: TOO_MANY_NUMBERS,
            };
            (vec![halve], AttemptOutcome::Refused, Then::Done)
        }
        Outcomes::All(outcome) => (
            vec![new_state(outcome)],
            attempt_outcome(outcome),
            then(outcome),
        ),
        Outcomes::Each(each) => {
            let outcomes: Vec<_> = each.iter().map(attempt_outcome).collect();
            let uniform = outcomes.windows(2).all(|pair| pair[0] == pair[1]);
            let stop = each.iter().find_map(|outcome| match then(outcome) {
                Then::Halt(stop) => Some(Then::Halt(stop)),
                _ => None,
            });
            (
                each.iter().map(new_state).collect(),
                outcomes
                    .first()
                    .filter(|_| uniform)
                    .copied()
                    .unwrap_or(AttemptOutcome::Mixed),
                stop.unwrap_or(Then::Done),
            )
        }
    }
}

fn new_state(outcome: &Outcome) -> NewState {
    match outcome {
        Outcome::Accepted { trx_id } => NewState::Accepted {
            code: Code::ACCEPTED.0,
            trx_id: trx_id.clone(),
        },
        Outcome::Refused { code } => NewState::Refused { code: code.0 },
        Outcome::AccountStopped { code } => NewState::Planned {
            why: format!("the gateway answered {code}: {}", code.meaning()),
        },
        Outcome::NotSent { why } => NewState::Planned { why: why.clone() },
        Outcome::Throttled { .. } => NewState::Planned {
            why: THROTTLED.to_owned(),
        },
        Outcome::NoAnswer { why, code } => NewState::Unknown {
            why: why.clone(),
            code: code.map(|code| code.0),
        },
    }
}

const THROTTLED: &str = "the gateway asked for fewer requests (HTTP 429)";

fn attempt_outcome(outcome: &Outcome) -> AttemptOutcome {
    match outcome {
        Outcome::Accepted { .. } => AttemptOutcome::Accepted,
        Outcome::Refused { .. } => AttemptOutcome::Refused,
        Outcome::AccountStopped { .. } => AttemptOutcome::AccountStopped,
        Outcome::NotSent { .. } => AttemptOutcome::NotSent,
        Outcome::Throttled { .. } => AttemptOutcome::Throttled,
        Outcome::NoAnswer { .. } => AttemptOutcome::NoAnswer,
    }
}

fn then(outcome: &Outcome) -> Then {
    match outcome {
        Outcome::AccountStopped { code } => Then::Halt(StopReason::Account(code.0)),
        Outcome::NotSent { why } => Then::Again {
            why: why.clone(),
            wait: Wait::Backoff,
        },
        Outcome::Throttled { after } => Then::Again {
            why: THROTTLED.to_owned(),
            wait: Wait::Throttled { asked: *after },
        },
        Outcome::Accepted { .. } | Outcome::Refused { .. } | Outcome::NoAnswer { .. } => Then::Done,
    }
}

/// The answers of a run in the order in which they came, as far as they tell whether to go on.
#[derive(Clone, Debug)]
pub struct CircuitBreaker {
    max_unknown: u32,
    unknown: u32,
    refused: Option<(i32, u32)>,
}

impl CircuitBreaker {
    /// No answers yet. After `max_unknown` requests in a row without a usable answer the run is over; 0: never.
    #[must_use]
    pub fn new(max_unknown: u32) -> Self {
        Self {
            max_unknown,
            unknown: 0,
            refused: None,
        }
    }

    /// Takes the next answer in. Returns why the run is over, if it is. `set_apart`: it was about one bad number that splitting
    /// has set apart. That is what was asked for, and a hundred of them beside each other are no fault of the account.
    pub fn note(&mut self, new_states: &[NewState], set_apart: bool) -> Option<StopReason> {
        let all = |is: fn(&NewState) -> bool| new_states.iter().all(is);
        if all(|new_state| matches!(new_state, NewState::Planned { .. })) {
            // Nothing was learned of what the gateway makes of our messages.
            return None;
        }
        if all(|new_state| matches!(new_state, NewState::Unknown { .. })) {
            self.unknown += 1;
            self.refused = None;
            let over = self.max_unknown > 0 && self.unknown >= self.max_unknown;
            return over.then_some(StopReason::Unknown(self.unknown));
        }
        self.unknown = 0;
        if set_apart {
            return None;
        }
        match new_states {
            [NewState::Refused { code }, rest @ ..]
                if rest.iter().all(|one| *one == new_states[0]) =>
            {
                let times = match self.refused {
                    Some((before, times)) if before == *code => times + 1,
                    _ => 1,
                };
                self.refused = Some((*code, times));
                (times >= SAME_REFUSALS).then_some(StopReason::Refused(*code))
            }
            _ => {
                self.refused = None;
                None
            }
        }
    }
}
