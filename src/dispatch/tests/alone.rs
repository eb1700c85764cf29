//! The first requests of a run: one at a time, and to one person each, until the gateway gives a usable answer.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::ledger::tests::{New, in_a_file};

/// Watches the requests of one run.
#[derive(Default)]
pub(super) struct Observer {
    requests: Mutex<Vec<Observed>>,
    in_flight: AtomicUsize,
    answered: AtomicBool,
    two_at_a_time: AtomicBool,
}

#[derive(Clone, Copy)]
struct Observed {
    recipients: usize,
    answer: Answer,
}

/// What an answer says of the gateway.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// It did not come yet, or is not usable.
    None,
    Usable,
    /// The request was not sent, or throttled.
    DecidesNothing,
}

impl From<&Outcomes> for Answer {
    fn from(outcomes: &Outcomes) -> Self {
        let of_one = |outcome: &Outcome| match outcome {
            Outcome::NoAnswer { .. } => Self::None,
            Outcome::NotSent { .. } | Outcome::Throttled { .. } => Self::DecidesNothing,
            _ => Self::Usable,
        };
        let each: Vec<Self> = outcomes.as_slice().iter().map(of_one).collect();
        if each.contains(&Self::Usable) {
            Self::Usable
        } else {
            each[0]
        }
    }
}

impl Observer {
    pub(super) fn watch(
        &self,
        request: &Request<'_>,
        answer: impl FnOnce(&Request<'_>) -> Outcomes,
    ) -> Outcomes {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        let nth = {
            let mut requests = self.requests.lock().unwrap();
            requests.push(Observed {
                recipients: request.messages.len(),
                answer: Answer::None,
            });
            requests.len() - 1
        };
        if !self.answered.load(Ordering::SeqCst) {
            // Time for another request, if there were one.
            for _ in 0..20 {
                std::thread::yield_now();
            }
            let several = self.in_flight.load(Ordering::SeqCst) > 1;
            self.two_at_a_time.fetch_or(several, Ordering::SeqCst);
        }
        let outcomes = answer(request);
        let answer = Answer::from(&outcomes);
        self.requests.lock().unwrap()[nth].answer = answer;
        self.answered
            .fetch_or(answer == Answer::Usable, Ordering::SeqCst);
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        outcomes
    }

    /// Checks what holds for the first requests of every run. `after_no_answer`: the last request of the run before had no
    /// usable answer. Returns how many recipients each request had.
    pub(super) fn check(&self, after_no_answer: bool) -> Vec<usize> {
        assert!(!self.two_at_a_time.load(Ordering::SeqCst), "two at a time");
        let requests = self.requests.lock().unwrap();
        let sizes = requests.iter().map(|request| request.recipients).collect();
        let mut expected = after_no_answer.then_some(1);
        for request in requests.iter() {
            if let Some(expected) = expected {
                assert_eq!(request.recipients, expected, "{sizes:?}");
            }
            expected = match request.answer {
                Answer::Usable => break,
                Answer::None => Some(1),
                Answer::DecidesNothing => Some(request.recipients),
            };
        }
        sizes
    }
}

/// One run with these answers, then `rest`. Returns how many recipients each request had.
fn sizes(
    ledger: impl Into<Location>,
    workers: usize,
    policy: &Policy,
    script: Vec<Outcomes>,
    rest: Outcome,
) -> Vec<usize> {
    let (observer, turn) = (Arc::new(Observer::default()), AtomicUsize::new(0));
    let watching = Arc::clone(&observer);
    let responder = move |request: &Request<'_>| {
        watching.watch(request, |_| {
            let scripted = script.get(turn.fetch_add(1, Ordering::SeqCst));
            scripted.cloned().unwrap_or(Outcomes::All(rest.clone()))
        })
    };
    send(ledger, workers, policy, Arc::new(responder));
    observer.check(false)
}

fn all(outcome: Outcome) -> Outcomes {
    Outcomes::All(outcome)
}

fn code_1000() -> Outcome {
    Outcome::NoAnswer {
        why: "unknown error".to_owned(),
        code: Some(Code(-1000)),
    }
}

/// A login page instead of the gateway, with a cron line that repeats the command.
#[test]
fn a_broken_gateway_costs_a_batch_and_two_people_and_then_three_people_each_time() {
    for workers in [1, 2, 3, 4, 8] {
        let table: [(New, Outcome); 3] = [
            (in_a_file, no_answer()),
            (in_memory, no_answer()),
            (in_memory, code_1000()),
        ];
        for (new, answer) in table {
            let ledger = new();
            plan(&ledger, &[30; 4]);
            for (requests, unknown) in [([30, 1, 1], 32), ([1; 3], 35), ([1; 3], 38), ([1; 3], 41)]
            {
                let made = sizes(&ledger, workers, &policy(), Vec::new(), answer.clone());
                assert_eq!(made, requests, "{workers} workers");
                // All of them are cut off from one batch.
                let statuses = statuses(&ledger);
                assert_eq!(statuses[..unknown], vec![Status::Unknown; unknown]);
                assert_eq!(statuses[unknown..], vec![Status::Pending; 120 - unknown]);
                assert_adds_up(&ledger);
            }
            // It is back. What is left of the batch that was cut comes last.
            let made = sizes(&ledger, workers, &policy(), Vec::new(), accepted());
            assert_eq!(made.len(), 4);
            assert_eq!(made[0], 1);
            assert_eq!(made.iter().sum::<usize>(), 120 - 41);
            assert_adds_up(&ledger);
        }
    }
}

#[test]
fn only_an_answer_about_messages_is_usable() {
    let mixed = Outcomes::Each(vec![no_answer(), refused(-1009), no_answer(), no_answer()]);
    let unanswered = Outcomes::Each(vec![no_answer(), code_1000(), no_answer(), code_1000()]);
    let table: [(Outcomes, &[usize]); 10] = [
        (all(accepted()), &[4, 4, 4]),
        (all(refused(-1005)), &[4, 4, 4]),
        (all(refused(-1009)), &[4, 4, 4]),
        (all(refused(-4321)), &[4, 4, 4]),
        // Both halves come last.
        (all(refused(-1010)), &[4, 4, 4, 2, 2]),
        (mixed, &[4, 4, 4]),
        (all(stopped()), &[4]),
        (all(no_answer()), &[4, 1, 4, 3]),
        (all(code_1000()), &[4, 1, 4, 3]),
        (unanswered, &[4, 1, 4, 3]),
    ];
    for (first, expected) in table {
        let ledger = in_memory();
        plan(&ledger, &[4; 3]);
        let made = sizes(&ledger, 1, &policy(), vec![first.clone()], accepted());
        assert_eq!(made, expected, "{first:?}");
        assert_adds_up(&ledger);
    }
}

#[test]
fn what_was_not_sent_or_throttled_goes_again_alone_and_decides_nothing() {
    let keeps_trying = Policy {
        give_up_after: Duration::from_secs(600),
        max_unknown: 0,
        ..policy()
    };
    let table: [(Vec<Outcome>, &[usize]); 6] = [
        (vec![throttled(), not_sent()], &[4, 4, 4, 4, 4]),
        (vec![not_sent(); 5], &[4, 4, 4, 4, 4, 4, 4, 4]),
        (
            vec![no_answer(), throttled(), not_sent()],
            &[4, 1, 1, 1, 4, 3],
        ),
        (vec![throttled(), no_answer()], &[4, 4, 1, 4, 3]),
        (
            vec![no_answer(), not_sent(), no_answer()],
            &[4, 1, 1, 1, 4, 2],
        ),
        (vec![no_answer(); 4], &[4, 1, 1, 1, 1, 4]),
    ];
    for (script, expected) in table {
        let ledger = in_memory();
        plan(&ledger, &[4; 3]);
        let outcomes = script.iter().cloned().map(all).collect();
        let made = sizes(&ledger, 1, &keeps_trying, outcomes, accepted());
        assert_eq!(made, expected, "{script:?}");
        assert_adds_up(&ledger);

        let ledger = in_memory();
        plan(&ledger, &[4; 3]);
        let outcomes = script.iter().cloned().map(all).collect();
        let made = sizes(&ledger, 4, &keeps_trying, outcomes, accepted());
        assert_eq!(
            made[..=script.len()],
            expected[..=script.len()],
            "{script:?}"
        );
        assert_adds_up(&ledger);
    }
}

/// The first run makes two requests; then it is about what the first request of the second one is made for.
#[test]
fn the_request_that_ended_last_decides_whether_the_first_one_is_a_batch() {
    let table = [
        (vec![accepted(), accepted()], 4),
        (vec![no_answer(), accepted()], 4),
        (vec![accepted(), refused(-1005)], 4),
        (vec![no_answer(), stopped()], 4),
        (vec![accepted(), no_answer()], 1),
        (vec![accepted(), code_1000()], 1),
        (vec![no_answer(), no_answer()], 1),
        (vec![accepted(), not_sent()], 4),
        (vec![no_answer(), not_sent()], 1),
        (vec![no_answer(), throttled()], 1),
    ];
    for new in [in_a_file as New, in_memory] {
        for (script, expected) in &table {
            let ledger = new();
            plan(&ledger, &[4; 5]);
            let limited = Policy {
                limit: Some(if matches!(script[0], Outcome::NoAnswer { .. }) {
                    5
                } else {
                    8
                }),
                ..policy()
            };
            let outcomes = script.iter().cloned().map(all).collect();
            let made = sizes(&ledger, 1, &limited, outcomes, accepted());
            assert_eq!(made.len(), 2, "{script:?}");
            let made = sizes(&ledger, 2, &policy(), Vec::new(), no_answer());
            assert_eq!(made[0], *expected, "{script:?}");
            assert_eq!(made[1..], [1, 1]);
            assert_adds_up(&ledger);
        }
    }
}

/// Nothing is known of what a crash cut off: the gateway may have been silent.
#[test]
fn after_a_crash_in_a_request_the_first_one_goes_to_one_person() {
    for new in [in_a_file as New, in_memory] {
        let ledger = new();
        plan(&ledger, &[4; 3]);
        let left = Arc::new(Mutex::new(None));
        let (path, copied) = (ledger.clone(), Arc::clone(&left));
        let crashing = move |_: &Request<'_>| {
            copied.lock().unwrap().get_or_insert_with(|| crash(&path));
            Outcomes::All(no_answer())
        };
        send(&ledger, 1, &policy(), Arc::new(crashing));
        let left = left.lock().unwrap().take().unwrap();
        let made = sizes(&left, 4, &policy(), Vec::new(), accepted());
        assert_eq!(made[0], 1);
        assert_eq!(made.iter().sum::<usize>(), 8);
        assert_adds_up(&left);
    }
}

#[test]
fn a_limit_holds_also_while_nothing_is_answered() {
    let never_stops = |limit| Policy {
        max_unknown: 0,
        limit: Some(limit),
        ..policy()
    };
    for limit in [0, 1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13] {
        for workers in [1, 4] {
            let ledger = in_memory();
            plan(&ledger, &[4; 3]);
            let made = sizes(
                &ledger,
                workers,
                &never_stops(limit),
                Vec::new(),
                no_answer(),
            );
            let expected = usize::try_from(limit.min(12)).unwrap();
            assert_eq!(made.iter().sum::<usize>(), expected, "limit {limit}");
            let made = sizes(
                &ledger,
                workers,
                &never_stops(limit),
                Vec::new(),
                no_answer(),
            );
            assert!(
                made.iter().all(|size| *size == 1),
                "limit {limit}: {made:?}"
            );
            let left = (12 - expected).min(expected);
            assert_eq!(made.iter().sum::<usize>(), left, "limit {limit}");
            assert_adds_up(&ledger);
        }
    }
}
