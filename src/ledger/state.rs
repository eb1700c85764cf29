//! The states of a batch and every transition between them.

use crate::domain::Status;
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// The state of a batch, named by the word that the ledger stores.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub(super) enum State {
    /// To be sent.
    Planned,
    /// Its request may be under way: committed before the request starts.
    Claimed,
    /// The gateway took it.
    Accepted,
    /// The gateway refused it.
    Refused,
    /// It may have gone out.
    Unknown,
    /// An operator decided that it is not sent.
    Cancelled,
    /// It must not be sent: since it was planned, its numbers came onto a suppression list.
    Suppressed,
    /// Its recipients are in its children.
    Split,
}

/// What can happen to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Event {
    /// A worker is about to send it.
    Claim,
    /// The gateway took it.
    Accept,
    /// The gateway refused it.
    Refuse,
    /// No usable answer to its request, or a claim that a crash left behind.
    LoseAnswer,
    /// The answer to its last request came after its sender had been taken for gone.
    AnswerLate,
    /// Its request certainly sent nothing: not one byte left, or it was throttled, or the account was stopped.
    PlanAgain,
    /// Its recipients go to children, which start in the state that it leaves.
    Split,
    /// Its numbers must not be sent to.
    Suppress,
    /// An operator decides that it is not sent.
    Cancel,
    /// An operator says that it went out.
    ResolveAccepted,
    /// An operator says that it did not go out, and is to be sent.
    ResolveNotSent,
}

/// The state after `event`, or `None` where the event cannot happen in that state.
#[must_use]
pub(super) fn next(state: State, event: Event) -> Option<State> {
    use Event as E;
    use State as S;
    match (state, event) {
        (S::Planned, E::Claim) => Some(S::Claimed),
        (S::Claimed, E::Accept) => Some(S::Accepted),
        (S::Claimed, E::Refuse) => Some(S::Refused),
        (S::Claimed, E::LoseAnswer) => Some(S::Unknown),
        (S::Claimed, E::PlanAgain) => Some(S::Planned),
        (S::Unknown | S::Planned | S::Cancelled | S::Suppressed, E::AnswerLate) => Some(S::Claimed),
        (
            S::Planned | S::Claimed | S::Refused | S::Unknown | S::Cancelled | S::Suppressed,
            E::Split,
        ) => Some(S::Split),
        (S::Planned, E::Suppress) => Some(S::Suppressed),
        (S::Planned, E::Cancel) => Some(S::Cancelled),
        (S::Refused | S::Unknown, E::ResolveAccepted) => Some(S::Accepted),
        (S::Refused | S::Unknown | S::Cancelled | S::Suppressed, E::ResolveNotSent) => {
            Some(S::Planned)
        }
        _ => None,
    }
}

impl State {
    /// The word that the ledger stores.
    #[must_use]
    pub(super) fn as_str(self) -> &'static str {
        self.into()
    }

    /// The status of its recipients. A batch that is split has none.
    #[must_use]
    pub(super) fn status(self) -> Option<Status> {
        match self {
            Self::Planned => Some(Status::Pending),
            Self::Claimed | Self::Unknown => Some(Status::Unknown),
            Self::Accepted => Some(Status::Accepted),
            Self::Refused => Some(Status::Refused),
            Self::Cancelled => Some(Status::Cancelled),
            Self::Suppressed => Some(Status::Suppressed),
            Self::Split => None,
        }
    }

    /// The state of a stored word, if it is one.
    #[must_use]
    pub(super) fn parse(word: &str) -> Option<Self> {
        word.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 11] = [
        Event::Claim,
        Event::Accept,
        Event::Refuse,
        Event::LoseAnswer,
        Event::AnswerLate,
        Event::PlanAgain,
        Event::Split,
        Event::Suppress,
        Event::Cancel,
        Event::ResolveAccepted,
        Event::ResolveNotSent,
    ];

    #[test]
    fn a_state_is_displayed_as_the_ledger_stores_it() {
        for &state in State::VARIANTS {
            assert_eq!(State::parse(&state.to_string()), Some(state));
        }
    }

    #[test]
    fn only_a_planned_batch_can_be_claimed() {
        for &state in State::VARIANTS {
            assert_eq!(
                next(state, Event::Claim).is_some(),
                state == State::Planned,
                "{state}"
            );
        }
    }

    #[test]
    fn only_what_is_planned_can_be_cancelled_or_suppressed() {
        for &state in State::VARIANTS {
            for event in [Event::Cancel, Event::Suppress] {
                let can_be = next(state, event).is_some();
                assert_eq!(can_be, state == State::Planned, "{state} {event:?}");
            }
        }
    }

    #[test]
    fn only_an_operator_plans_again_what_does_not_wait_for_an_answer() {
        for &state in State::VARIANTS {
            if matches!(state, State::Planned | State::Claimed) {
                continue;
            }
            for event in EVENTS {
                if !matches!(event, Event::ResolveNotSent | Event::Split) {
                    assert_ne!(
                        next(state, event),
                        Some(State::Planned),
                        "{state} {event:?}"
                    );
                }
            }
        }
        for event in EVENTS {
            assert_eq!(next(State::Accepted, event), None);
            assert_eq!(next(State::Split, event), None);
        }
    }

    #[test]
    fn words_are_read_back() {
        for &state in State::VARIANTS {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        assert_eq!(State::parse("sent"), None);
    }
}
