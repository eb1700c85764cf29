//! What the outcomes of a request mean for its batch and for the run. Pure.

use std::time::Duration;

use super::stop::StopReason;
use crate::gateway::{Code, Outcome, Outcomes, RefusalKind};
use crate::ledger::{AttemptOutcome, NewState};

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
    Retry(Delay),
    /// It certainly was not sent, and the run stops.
    Stop(StopReason),
    /// It certainly was not sent, no other request can be either, and this is why.
    Fail(String),
}

/// How long to wait before a batch is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delay {
    /// This worker waits, longer each time.
    Backoff,
    /// All workers wait: for this time, if the gateway named one, otherwise as with `Backoff`.
    Throttled(Option<Duration>),
}

/// Classifies the outcomes of a request to `recipients` recipients.
#[must_use]
pub(super) fn classify(
    outcomes: &Outcomes,
    recipients: usize,
    split_bad_numbers: bool,
) -> Classified {
    let each = outcomes.as_slice();
    if let Some(Code(code)) = halving_code(each, recipients, split_bad_numbers) {
        return Classified {
            new_states: vec![NewState::Halved { code }],
            outcome: AttemptOutcome::Refused,
            next: Next::Settle,
            bad_number: false,
        };
    }
    let bad = RefusalKind::BadNumber;
    let stops = |next: &Next| matches!(next, Next::Stop(_) | Next::Fail(_));
    Classified {
        new_states: each.iter().map(new_state).collect(),
        outcome: common_outcome(each),
        next: match each {
            [all] => next(all),
            _ => each.iter().map(next).find(stops).unwrap_or(Next::Settle),
        },
        bad_number: matches!(each, [Outcome::Refused { kind, .. }] if *kind == bad),
    }
}

/// The code because of which the batch is sent again in two halves, if it is.
fn halving_code(each: &[Outcome], recipients: usize, split_bad_numbers: bool) -> Option<Code> {
    let [first @ Outcome::Refused { code, kind }, rest @ ..] = each else {
        return None;
    };
    let halved = match kind {
        RefusalKind::TooMany => rest.iter().all(|one| one == first),
        RefusalKind::BadNumber => split_bad_numbers && rest.is_empty(),
        RefusalKind::Other => false,
    };
    (halved && recipients > 1).then_some(*code)
}

fn new_state(outcome: &Outcome) -> NewState {
    match outcome {
        Outcome::Accepted { code, trx_id } => NewState::Accepted {
            code: code.0,
            trx_id: trx_id.clone(),
        },
        Outcome::Refused { code, .. } => NewState::Refused { code: code.0 },
        Outcome::AccountStopped { why, .. }
        | Outcome::NotSent { why }
        | Outcome::CannotConnect { why } => NewState::Planned { why: why.clone() },
        Outcome::Throttled { .. } => NewState::Planned {
            why: "the gateway asked for fewer requests (HTTP 429)".to_owned(),
        },
        Outcome::NoAnswer { why, code } => NewState::Unknown {
            why: why.clone(),
            code: code.map(|code| code.0),
        },
    }
}

fn next(outcome: &Outcome) -> Next {
    match outcome {
        Outcome::AccountStopped { code, .. } => Next::Stop(StopReason::Account(*code)),
        Outcome::NotSent { .. } => Next::Retry(Delay::Backoff),
        Outcome::CannotConnect { why } => Next::Fail(why.clone()),
        Outcome::Throttled { after } => Next::Retry(Delay::Throttled(*after)),
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
        Outcome::NotSent { .. } | Outcome::CannotConnect { .. } => AttemptOutcome::NotSent,
        Outcome::Throttled { .. } => AttemptOutcome::Throttled,
        Outcome::NoAnswer { .. } => AttemptOutcome::NoAnswer,
    }
}
