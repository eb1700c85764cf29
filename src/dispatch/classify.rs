//! What the outcomes of a request mean for its batch and for the run. Pure.

use std::time::Duration;

use super::stop::StopReason;
use crate::gateway::{Code, Outcome, Outcomes, RefusalKind};
use crate::ledger::{AttemptOutcome, NewState};

const THROTTLED: &str = "the gateway asked for fewer requests (HTTP 429)";

/// The meaning of the outcomes of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Classified {
    /// One new state for all recipients, or one for each in their order.
    pub(super) new_states: Vec<NewState>,
    /// How the attempt ended.
    pub(super) outcome: AttemptOutcome,
    /// What happens next to the batch.
    pub(super) next: Next,
    /// Whether the whole batch was refused for a bad number, and not halved.
    pub(super) bad_number: bool,
}

/// What happens next to a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It is settled.
    Settle,
    /// It certainly was not sent, and is tried again.
    Retry {
        /// Why it was not sent.
        why: String,
        /// How long to wait before the next try.
        delay: Delay,
    },
    /// It certainly was not sent, and the run stops.
    Stop(StopReason),
}

/// How long to wait before a batch is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delay {
    /// This worker waits, longer each time.
    Backoff,
    /// All workers wait.
    Throttled {
        /// For this time, if the gateway named one, otherwise as with `Backoff`.
        asked: Option<Duration>,
    },
}

/// Classifies the outcomes of a request to `recipients` recipients.
#[must_use]
pub(super) fn classify(
    outcomes: &Outcomes,
    recipients: usize,
    split_bad_numbers: bool,
) -> Classified {
    if let Some(Code(code)) = halving_code(outcomes, recipients, split_bad_numbers) {
        return Classified {
            new_states: vec![NewState::Halved { code }],
            outcome: AttemptOutcome::Refused,
            next: Next::Settle,
            bad_number: false,
        };
    }
    let (each, next) = match outcomes {
        Outcomes::All(outcome) => (std::slice::from_ref(outcome), next(outcome)),
        Outcomes::Each(each) => {
            let stop = each.iter().map(next).find(|n| matches!(n, Next::Stop(_)));
            (&each[..], stop.unwrap_or(Next::Settle))
        }
    };
    let bad = RefusalKind::BadNumber;
    Classified {
        new_states: each.iter().map(new_state).collect(),
        outcome: common_outcome(each),
        next,
        bad_number: matches!(each, [Outcome::Refused { kind, .. }] if *kind == bad),
    }
}

/// The code because of which the batch is sent again in two halves, if it is.
fn halving_code(outcomes: &Outcomes, recipients: usize, split_bad_numbers: bool) -> Option<Code> {
    match outcomes {
        Outcomes::All(Outcome::Refused { code, kind }) if recipients > 1 => match kind {
            RefusalKind::TooMany => Some(*code),
            RefusalKind::BadNumber => split_bad_numbers.then_some(*code),
            RefusalKind::Other => None,
        },
        Outcomes::Each(each) => match &each[..] {
            [
                first @ Outcome::Refused {
                    code,
                    kind: RefusalKind::TooMany,
                },
                rest @ ..,
            ] => {
                let all = !rest.is_empty() && rest.iter().all(|one| one == first);
                all.then_some(*code)
            }
            _ => None,
        },
        Outcomes::All(_) => None,
    }
}

fn new_state(outcome: &Outcome) -> NewState {
    match outcome {
        Outcome::Accepted { trx_id } => NewState::Accepted {
            code: Code::ACCEPTED.0,
            trx_id: trx_id.clone(),
        },
        Outcome::Refused { code, .. } => NewState::Refused { code: code.0 },
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

fn next(outcome: &Outcome) -> Next {
    match outcome {
        Outcome::AccountStopped { code } => Next::Stop(StopReason::Account(*code)),
        Outcome::NotSent { why } => Next::Retry {
            why: why.clone(),
            delay: Delay::Backoff,
        },
        Outcome::Throttled { after } => Next::Retry {
            why: THROTTLED.to_owned(),
            delay: Delay::Throttled { asked: *after },
        },
        Outcome::Accepted { .. } | Outcome::Refused { .. } | Outcome::NoAnswer { .. } => {
            Next::Settle
        }
    }
}

fn common_outcome(each: &[Outcome]) -> AttemptOutcome {
    let mut outcomes = each.iter().map(attempt_outcome);
    match outcomes.next() {
        Some(first) if outcomes.all(|outcome| outcome == first) => first,
        _ => AttemptOutcome::Mixed,
    }
}

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
