//! The circuit breaker: stops a run after too many bad answers.

use std::collections::VecDeque;

use super::stop::StopReason;
use crate::gateway::Code;
use crate::ledger::NewState;

/// This many batches in a row that are refused with one code are no coincidence.
const SAME_REFUSALS: u32 = 10;

/// How many of the last requests are looked at.
const LAST: usize = 10;
/// From this many requests on, the share of those without a usable answer counts too.
const SHARE_FROM: u64 = 100;
/// More than one in this many stops the run then.
const ONE_IN: u64 = 20;

/// A request without any usable answer. One that was answered for some of its numbers counts in proportion.
const WHOLE: u64 = 1_000;

/// Counts the bad answers, in the order in which requests end.
#[derive(Clone, Debug)]
pub(super) struct CircuitBreaker {
    max_unknown: u64,
    last: VecDeque<u64>,
    all: Answers,
    refused: Option<(i32, u32)>,
}

/// Requests that ended.
#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    requests: u64,
    /// How many of them left messages unknown.
    incomplete: u64,
    /// What these lacked together, in parts of [`WHOLE`].
    missing: u64,
}

impl Answers {
    fn and(self, missing: u64) -> Self {
        Self {
            requests: self.requests + 1,
            incomplete: self.incomplete + u64::from(missing > 0),
            missing: self.missing + missing,
        }
    }
}

impl CircuitBreaker {
    /// A breaker that stops the run for `max_unknown` requests without a usable answer among the last ten, or
    /// for more than one in twenty once there were 100. A number above ten is one of all requests of the run, without
    /// any other rule; 0: the run is never stopped for that reason.
    pub(super) fn new(max_unknown: u32) -> Self {
        Self {
            max_unknown: max_unknown.into(),
            last: VecDeque::with_capacity(LAST),
            all: Answers::default(),
            refused: None,
        }
    }

    /// Counts the next answer. Returns why the run must stop, if it must. `isolated`: the answer is about a bad number
    /// that splitting has isolated. Splitting aims at that, so a hundred of them in a row say nothing of the account.
    pub(super) fn record(&mut self, new_states: &[NewState], isolated: bool) -> Option<StopReason> {
        if new_states.iter().all(NewState::is_planned_again) {
            // This says nothing about how the gateway answers our messages.
            return None;
        }
        let unanswered = self.record_unanswered(new_states);
        let refused = self.record_refused(new_states, isolated);
        unanswered.or(refused)
    }

    fn record_unanswered(&mut self, new_states: &[NewState]) -> Option<StopReason> {
        let unknown = |state: &&NewState| matches!(state, NewState::Unknown { .. });
        let unknown = new_states.iter().filter(unknown).count() as u64;
        let missing = unknown * WHOLE / (new_states.len() as u64).max(1);
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back(missing);
        self.all = self.all.and(missing);
        let (all, most) = (self.all, self.max_unknown * WHOLE);
        let last = self
            .last
            .iter()
            .copied()
            .fold(Answers::default(), Answers::and);
        let too_many = match self.max_unknown {
            0 => None,
            max if max > LAST as u64 => (all.missing >= most).then_some(all),
            _ if last.missing >= most => Some(last),
            _ if all.requests >= SHARE_FROM && all.missing * ONE_IN > all.requests * WHOLE => {
                Some(all)
            }
            _ => None,
        };
        too_many.map(|of| StopReason::Unknown {
            incomplete: of.incomplete,
            requests: of.requests,
        })
    }

    fn record_refused(&mut self, new_states: &[NewState], isolated: bool) -> Option<StopReason> {
        match new_states {
            _ if isolated => None,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UNKNOWN: NewState = NewState::Unknown {
        why: String::new(),
        code: None,
    };
    const ACCEPTED: NewState = NewState::Accepted {
        code: 2000,
        trx_id: None,
    };

    /// Whether each answer is usable, until the breaker stops the run: how many requests were made by then, and why.
    fn ending(
        max_unknown: u32,
        answers: impl IntoIterator<Item = Vec<NewState>>,
    ) -> (u64, Option<StopReason>) {
        let mut breaker = CircuitBreaker::new(max_unknown);
        let mut requests = 0;
        for states in answers {
            requests += 1;
            if let Some(reason) = breaker.record(&states, false) {
                return (requests, Some(reason));
            }
        }
        (requests, None)
    }

    fn stopped(incomplete: u64, requests: u64) -> StopReason {
        StopReason::Unknown {
            incomplete,
            requests,
        }
    }

    fn one(unknown: bool) -> Vec<NewState> {
        vec![if unknown { UNKNOWN } else { ACCEPTED }]
    }

    #[test]
    fn a_gateway_that_fails_regularly_stops_the_run_unless_that_is_rare() {
        for (every, made, stop) in [
            (1, 3, Some(stopped(3, 3))),
            (2, 6, Some(stopped(3, 6))),
            (3, 9, Some(stopped(3, 9))),
            (4, 12, Some(stopped(3, 10))),
            (5, 100, Some(stopped(20, 100))),
            (6, 100, Some(stopped(16, 100))),
            (10, 100, Some(stopped(10, 100))),
            (16, 100, Some(stopped(6, 100))),
            (17, 102, Some(stopped(6, 102))),
            (19, 114, Some(stopped(6, 114))),
            (20, 5_000, None),
            (100, 5_000, None),
        ] {
            let answers = (1..=5_000).map(|nth| one(nth % every == 0));
            assert_eq!(ending(3, answers), (made, stop), "one in {every}");
        }
    }

    #[test]
    fn a_number_above_ten_is_one_of_all_requests_and_0_never_stops() {
        let every_other = || (0..5_000).map(|nth| one(nth % 2 == 1));
        for (max_unknown, made, stop) in [
            (1, 2, Some(stopped(1, 2))),
            (5, 10, Some(stopped(5, 10))),
            // No ten requests hold six, but the share of all is too large.
            (6, 100, Some(stopped(50, 100))),
            (10, 100, Some(stopped(50, 100))),
            (11, 22, Some(stopped(11, 22))),
            (500, 1_000, Some(stopped(500, 1_000))),
            (5_000, 5_000, None),
            (0, 5_000, None),
        ] {
            assert_eq!(
                ending(max_unknown, every_other()),
                (made, stop),
                "{max_unknown}"
            );
        }
    }

    #[test]
    fn what_was_certainly_not_taken_does_not_count() {
        let planned = NewState::Planned { why: String::new() };
        let mut answers = vec![one(true), one(true)];
        answers.extend(vec![vec![planned]; 200]);
        answers.push(one(true));
        assert_eq!(ending(3, answers), (203, Some(stopped(3, 3))));
    }

    #[test]
    fn a_request_answered_for_some_of_its_numbers_counts_in_proportion() {
        for (unknown, of, made, stop) in [
            (30, 30, 3, Some(stopped(3, 3))),
            (15, 30, 6, Some(stopped(6, 6))),
            (10, 30, 10, Some(stopped(10, 10))),
            (8, 30, 100, Some(stopped(100, 100))),
            (2, 30, 100, Some(stopped(100, 100))),
            (1, 30, 1_000, None),
            (1, 100, 1_000, None),
        ] {
            let mut states = vec![UNKNOWN; unknown];
            states.resize(of, ACCEPTED);
            let answers = vec![states; 1_000];
            assert_eq!(ending(3, answers), (made, stop), "{unknown} of {of}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// The run stops exactly when the rule says so, and what is unknown by then has a bound.
        #[test]
        fn random_answers(max_unknown in 1..=10_u32, bad in 0.0..0.5_f64, seed: u64) {
            let mut random = fastrand::Rng::with_seed(seed);
            let answers: Vec<bool> = (0..400).map(|_| random.f64() < bad).collect();
            let unknown = |answers: &[bool]| answers.iter().filter(|one| **one).count();
            let stops_after = |made: &usize| {
                let (made, last) = (&answers[..*made], &answers[made.saturating_sub(10)..*made]);
                unknown(last) >= max_unknown as usize || made.len() >= 100 && unknown(made) * 20 > made.len()
            };
            let (made, stop) = ending(max_unknown, answers.iter().map(|unknown| one(*unknown)));
            let made = usize::try_from(made).unwrap_or(usize::MAX);
            let expected = (1..=answers.len()).find(stops_after);
            prop_assert_eq!(stop.map(|_| made), expected);
            let most = match made {
                ..=100 => (max_unknown as usize - 1) * made.div_ceil(10) + 1,
                _ => made / 20 + 1,
            };
            prop_assert!(unknown(&answers[..made]) <= most, "{made} requests");
        }
    }
}
