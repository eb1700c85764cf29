//! The circuit breaker: stops a run after too many bad answers in a row.

use super::stop::StopReason;
use crate::gateway::Code;
use crate::ledger::NewState;

/// This many batches in a row that are refused with one code are no coincidence.
const SAME_REFUSALS: u32 = 10;

/// Counts the bad answers in a row, in the order in which requests end.
#[derive(Clone, Debug)]
pub(super) struct CircuitBreaker {
    max_unknown: u32,
    unknown: u32,
    refused: Option<(i32, u32)>,
}

impl CircuitBreaker {
    /// A breaker that stops the run after `max_unknown` requests in a row without a usable answer; 0: never for that
    /// reason.
    pub(super) fn new(max_unknown: u32) -> Self {
        Self {
            max_unknown,
            unknown: 0,
            refused: None,
        }
    }

    /// Counts the next answer. Returns why the run must stop, if it must. `isolated`: the answer is about a bad number
    /// that splitting has isolated. Splitting aims at that, so a hundred of them in a row say nothing of the account.
    pub(super) fn record(&mut self, new_states: &[NewState], isolated: bool) -> Option<StopReason> {
        let all = |is: fn(&NewState) -> bool| new_states.iter().all(is);
        if all(NewState::is_planned_again) {
            // This says nothing about how the gateway answers our messages.
            return None;
        }
        if all(|state| matches!(state, NewState::Unknown { .. })) {
            self.unknown += 1;
            self.refused = None;
            let too_many = self.max_unknown > 0 && self.unknown >= self.max_unknown;
            return too_many.then_some(StopReason::Unknown(self.unknown));
        }
        self.unknown = 0;
        if isolated {
            return None;
        }
        match new_states {
            [first @ NewState::Refused { code }, rest @ ..]
                if rest.iter().all(|one| one == first) =>
            {
                let times = match self.refused {
                    Some((before, times)) if before == *code => times + 1,
                    _ => 1,
                };
                self.refused = Some((*code, times));
                (times >= SAME_REFUSALS).then_some(StopReason::Refused(Code(*code)))
            }
            _ => {
                self.refused = None;
                None
            }
        }
    }
}
