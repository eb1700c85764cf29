//! The sending loop against gateways that answer as told: what each answer does to the books and to the run. In
//! `model` that nothing is ever sent twice or lost, whatever happens; in `halving` what splitting costs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements, // the statuses that a test speaks of
    clippy::needless_pass_by_value
)]

mod halving;
mod model;
mod waiting;

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Barrier};

use super::*;
use crate::gateway::Code;
use crate::ledger::Snapshot;
use crate::ledger::tests::{assert_adds_up, number, open, plan, statuses, temp_ledger, timestamp};

type Answering = dyn Fn(&Submission<'_>) -> Outcomes + Send + Sync;

struct Double(Arc<Answering>);

impl Gateway for Double {
    fn submit(&mut self, submission: &Submission<'_>) -> Answer {
        Answer {
            outcomes: self.0(submission),
            http_status: None,
            raw: String::new(),
        }
    }
}

struct Nobody;

impl Progress for Nobody {
    fn settled(&self, _: &Counts) {}
    fn waiting(&self, _: &str, _: Duration) {}
}

/// A folder in memory where there is such a place: no power fails here, and a sync for every commit takes its time.
fn in_memory() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let folder = folder.unwrap();
    let ledger = folder.path().join("a.ledger");
    (folder, ledger)
}

/// Gives up at the first request that was not sent.
fn policy() -> Policy {
    Policy {
        sender_id: None,
        limit: None,
        max_unknown: 3,
        split_bad_numbers: false,
        give_up_after: Duration::ZERO,
    }
}

struct Run {
    stop: Option<StopReason>,
    ending: Ending,
}

fn send(ledger: &Path, workers: usize, policy: &Policy, answering: Arc<Answering>) -> Run {
    send_until(
        &Arc::new(StopToken::default()),
        ledger,
        workers,
        policy,
        answering,
    )
}

fn send_until(
    stopper: &StopToken,
    ledger: &Path,
    workers: usize,
    policy: &Policy,
    answering: Arc<Answering>,
) -> Run {
    send_watched(&Nobody, stopper, ledger, workers, policy, answering)
}

fn send_watched(
    watcher: &dyn Progress,
    stopper: &StopToken,
    ledger: &Path,
    workers: usize,
    policy: &Policy,
    answering: Arc<Answering>,
) -> Run {
    let gateways = (0..workers)
        .map(|_| Box::new(Double(answering.clone())) as Box<dyn Gateway>)
        .collect();
    // A rate that nobody ever waits for: then batches are taken first and claimed afterwards, without it at once.
    let fast = Rate::new(NonZeroU32::MAX, Duration::from_secs(5));
    let throttle = Throttle::new(fast.filter(|_| workers.is_multiple_of(2)), NonZeroU32::MAX);
    let ending = run(
        open(ledger),
        gateways,
        &throttle,
        policy,
        stopper,
        &timestamp,
        watcher,
    )
    .unwrap();
    Run {
        stop: stopper.why(),
        ending,
    }
}

/// Answers one after the other, then accepts.
fn in_turn(outcomes: Vec<Outcomes>) -> Arc<Answering> {
    let next = AtomicUsize::new(0);
    Arc::new(move |_| {
        let turn = next.fetch_add(1, Ordering::SeqCst);
        outcomes
            .get(turn)
            .cloned()
            .unwrap_or(Outcomes::All(accepted()))
    })
}

fn always(outcome: Outcome) -> Arc<Answering> {
    Arc::new(move |_| Outcomes::All(outcome.clone()))
}

fn accepted() -> Outcome {
    Outcome::Accepted { trx_id: None }
}

fn refused(code: i32) -> Outcome {
    Outcome::Refused { code: Code(code) }
}

fn no_answer() -> Outcome {
    Outcome::NoAnswer {
        why: "silence".to_owned(),
        code: None,
    }
}

fn not_sent() -> Outcome {
    Outcome::NotSent {
        why: "no route".to_owned(),
    }
}

/// Throttled, and to be tried again at once.
fn throttled() -> Outcome {
    Outcome::Throttled {
        after: Some(Duration::ZERO),
    }
}

fn stopped() -> Outcome {
    Outcome::AccountStopped { code: Code(-1004) }
}

fn attempts(ledger: &Path) -> u64 {
    Snapshot::open(ledger).unwrap().totals().unwrap().attempts
}

#[test]
fn every_answer_has_its_consequence() {
    use Status::{Accepted, Pending, Refused, Unknown};
    let table = [
        (accepted(), [Accepted, Accepted, Accepted], None, 2, 2),
        (refused(-1005), [Refused; 3], None, 2, 2),
        (no_answer(), [Unknown; 3], None, 2, 2),
        (
            stopped(),
            [Pending; 3],
            Some(StopReason::Account(-1004)),
            1,
            1,
        ),
        (
            not_sent(),
            [Pending; 3],
            Some(StopReason::Unreachable),
            0,
            1,
        ),
        (
            throttled(),
            [Pending; 3],
            Some(StopReason::Unreachable),
            1,
            1,
        ),
    ];
    for (outcome, expected, stop, requests, tries) in table {
        let (_folder, ledger) = temp_ledger();
        plan(&ledger, &[2, 1]);
        let run = send(&ledger, 1, &policy(), always(outcome.clone()));
        assert_eq!(statuses(&ledger), expected, "{outcome:?}");
        assert_eq!(run.stop, stop, "{outcome:?}");
        assert_eq!(run.ending.requests, requests, "{outcome:?}");
        assert_eq!(attempts(&ledger), tries, "{outcome:?}");
        assert_eq!(run.ending.fault, None);
        assert_adds_up(&ledger);
    }
}

#[test]
fn each_recipient_has_its_own_answer() {
    let (_folder, ledger) = temp_ledger();
    plan(&ledger, &[4, 1]);
    let mixed = Outcomes::Each(vec![accepted(), refused(-1009), no_answer(), stopped()]);
    let run = send(&ledger, 1, &policy(), in_turn(vec![mixed]));
    use Status::{Accepted, Pending, Refused, Unknown};
    assert_eq!(
        statuses(&ledger),
        [Accepted, Refused, Unknown, Pending, Pending]
    );
    assert_eq!(run.stop, Some(StopReason::Account(-1004)));
    assert_adds_up(&ledger);
}

#[test]
fn what_was_not_sent_is_claimed_anew_for_every_try() {
    let (_folder, ledger) = temp_ledger();
    plan(&ledger, &[2]);
    let patient = Policy {
        give_up_after: Duration::from_millis(5),
        ..policy()
    };
    let run = send(
        &ledger,
        1,
        &patient,
        in_turn(vec![Outcomes::All(not_sent())]),
    );
    assert_eq!((run.stop, run.ending.requests), (None, 1));
    assert_eq!(statuses(&ledger), [Status::Accepted; 2]);
    assert_eq!(attempts(&ledger), 2);
    drop(run);

    let (_folder, ledger) = temp_ledger();
    plan(&ledger, &[1]);
    let patient = Policy {
        give_up_after: Duration::MAX,
        ..policy()
    };
    let throttled = vec![Outcomes::All(throttled()); 3];
    let run = send(&ledger, 1, &patient, in_turn(throttled));
    assert_eq!((run.stop, run.ending.requests), (None, 4));
    assert_eq!(attempts(&ledger), 4);
    assert_adds_up(&ledger);
}

#[test]
fn the_ledger_knows_which_answers_prove_that_nobody_got_anything() {
    for (outcome, sent) in [
        (accepted(), true),
        (refused(-1005), true),
        (no_answer(), true),
        (stopped(), false),
        (not_sent(), false),
        (throttled(), false),
    ] {
        let (_folder, ledger) = in_memory();
        plan(&ledger, &[1]);
        send(&ledger, 1, &policy(), always(outcome.clone()));
        assert_eq!(attempts(&ledger), 1);
        let was_sent = Snapshot::open(&ledger).unwrap().was_sent_from().unwrap();
        assert_eq!(was_sent, sent, "{outcome:?}");
    }
}

#[test]
fn what_is_shown_of_an_answer_counts_everybody_it_is_about() {
    let lost = NewState::Unknown {
        why: "silence".to_owned(),
        code: None,
    };
    let accepted = NewState::Accepted {
        code: 2000,
        trx_id: None,
    };
    let of_all = counts(std::slice::from_ref(&accepted), 30);
    assert_eq!((of_all.of(Status::Accepted), of_all.rows()), (30, 30));
    let of_each = counts(&[accepted, lost, NewState::Halved { code: -1010 }], 3);
    for status in [Status::Accepted, Status::Unknown, Status::Pending] {
        assert_eq!(of_each.of(status), 1);
    }
    assert_eq!(of_each.rows(), 3);
}

#[test]
fn a_claim_is_durable_before_its_request() {
    let (_folder, ledger) = temp_ledger();
    plan(&ledger, &[3; 8]);
    let path = ledger.clone();
    let seen = Arc::new(AtomicUsize::new(0));
    let looked = seen.clone();
    send(
        &ledger,
        4,
        &policy(),
        Arc::new(move |submission| {
            let now = statuses(&path);
            for (row, status) in (1..).zip(&now) {
                if submission.numbers.contains(&number(row)) {
                    assert_eq!(*status, Status::Unknown, "row {row}");
                    looked.fetch_add(1, Ordering::SeqCst);
                }
            }
            Outcomes::All(accepted())
        }),
    );
    assert_eq!(seen.load(Ordering::SeqCst), 24);
    assert_eq!(statuses(&ledger), [Status::Accepted; 24]);
}

#[test]
fn requests_in_flight_are_settled_and_no_other_is_made() {
    let (_folder, ledger) = temp_ledger();
    plan(&ledger, &[1; 20]);
    let stopper = Arc::new(StopToken::default());
    let (asked, all_there) = (stopper.clone(), Barrier::new(3));
    let run = send_until(
        &stopper,
        &ledger,
        3,
        &policy(),
        Arc::new(move |_| {
            all_there.wait();
            asked.ask(StopReason::Signal(2));
            Outcomes::All(accepted())
        }),
    );
    assert_eq!(run.ending.requests, 3);
    let accepted = statuses(&ledger);
    let accepted = accepted.iter().filter(|one| **one == Status::Accepted);
    assert_eq!(accepted.count(), 3);
    assert_eq!(attempts(&ledger), 3);
    assert_adds_up(&ledger);
}

#[test]
fn silence_in_a_row_stops_the_run() {
    let silence = || Outcomes::All(no_answer());
    let word = || Outcomes::All(accepted());
    let table = [
        (3, vec![silence(); 12], Some(StopReason::Unknown(3)), 3),
        (1, vec![silence(); 12], Some(StopReason::Unknown(1)), 1),
        (0, vec![silence(); 12], None, 12),
        (
            2,
            vec![silence(), word(), silence(), word(), silence(), silence()],
            Some(StopReason::Unknown(2)),
            6,
        ),
        (
            2,
            vec![silence(), Outcomes::All(throttled()), silence()],
            Some(StopReason::Unknown(2)),
            3,
        ),
    ];
    for (max_unknown, outcomes, stop, requests) in table {
        let (_folder, ledger) = temp_ledger();
        plan(&ledger, &[1; 12]);
        let policy = Policy {
            max_unknown,
            give_up_after: Duration::MAX,
            ..policy()
        };
        let run = send(&ledger, 1, &policy, in_turn(outcomes.clone()));
        assert_eq!(
            (run.stop, run.ending.requests),
            (stop, requests),
            "{outcomes:?}"
        );
        assert_adds_up(&ledger);
    }
}

#[test]
fn one_code_ten_times_stops_the_run() {
    for code in [-1005, -1009, -1010, -4321] {
        for split_bad_numbers in [false, true] {
            let (_folder, ledger) = temp_ledger();
            plan(&ledger, &[1; 12]);
            let policy = Policy {
                split_bad_numbers,
                ..policy()
            };
            let run = send(&ledger, 1, &policy, always(refused(code)));
            assert_eq!(
                run.stop,
                Some(StopReason::Refused(code)),
                "{split_bad_numbers}"
            );
            assert_eq!(run.ending.requests, 10);
            assert_eq!(
                statuses(&ledger)[9..],
                [Status::Refused, Status::Pending, Status::Pending]
            );
        }
    }
    let (_folder, ledger) = temp_ledger();
    plan(&ledger, &[1; 24]);
    let by_turns = [-1005, -1006].into_iter().cycle().take(24);
    let by_turns = by_turns.map(|code| Outcomes::All(refused(code))).collect();
    let run = send(&ledger, 1, &policy(), in_turn(by_turns));
    assert_eq!((run.stop, run.ending.requests), (None, 24));
}

#[test]
fn answers_for_each_number_count_as_one_refusal_if_they_agree() {
    for (second, stop) in [(-1005, Some(StopReason::Refused(-1005))), (-1006, None)] {
        let (_folder, ledger) = temp_ledger();
        plan(&ledger, &[2; 12]);
        let answer =
            move |_: &Submission<'_>| Outcomes::Each(vec![refused(-1005), refused(second)]);
        let run = send(&ledger, 1, &policy(), Arc::new(answer));
        assert_eq!(run.stop, stop);
        assert_adds_up(&ledger);
    }
}

#[test]
fn too_many_numbers_are_halved_also_where_each_has_its_answer() {
    let (_folder, ledger) = temp_ledger();
    plan(&ledger, &[4]);
    let answer = |submission: &Submission<'_>| match submission.numbers.len() {
        1..=2 => Outcomes::All(accepted()),
        many => Outcomes::Each(vec![refused(-1010); many]),
    };
    let run = send(&ledger, 1, &policy(), Arc::new(answer));
    assert_eq!((run.stop, run.ending.requests), (None, 3));
    assert!(
        statuses(&ledger)
            .iter()
            .all(|status| *status == Status::Accepted)
    );
}

#[test]
fn bad_numbers_set_apart_stop_no_run() {
    let (_folder, ledger) = temp_ledger();
    plan(&ledger, &[30]);
    let policy = Policy {
        split_bad_numbers: true,
        ..policy()
    };
    let bad: Vec<_> = (1..=24).map(number).collect();
    let answer = move |submission: &Submission<'_>| {
        let refuses = submission.numbers.iter().any(|one| bad.contains(one));
        Outcomes::All(if refuses { refused(-1009) } else { accepted() })
    };
    let run = send(&ledger, 1, &policy, Arc::new(answer));
    assert_eq!(run.stop, None);
    let statuses = statuses(&ledger);
    assert!(
        statuses[..24]
            .iter()
            .all(|status| *status == Status::Refused)
    );
    assert!(
        statuses[24..]
            .iter()
            .all(|status| *status == Status::Accepted)
    );
}

/// A run that ends for a reason that takes so many answers in a row makes at most that many requests, and those that the
/// other workers had under way by then: with `--max-unknown 3`, 4 workers and batches of 30 an outage leaves at most
/// 3 + 3 requests, 180 people, in doubt.
#[test]
fn a_stop_is_for_all_workers() {
    let table = [
        (no_answer(), 1, StopReason::Unknown(1)),
        (no_answer(), 3, StopReason::Unknown(3)),
        (no_answer(), 5, StopReason::Unknown(5)),
        (stopped(), 1, StopReason::Account(-1004)),
        (refused(-1005), 10, StopReason::Refused(-1005)),
    ];
    for (outcome, in_a_row, stop) in table {
        for workers in [1, 2, 4, 8] {
            let (_folder, ledger) = in_memory();
            plan(&ledger, &[30; 24]);
            let policy = Policy {
                max_unknown: if matches!(stop, StopReason::Unknown(_)) {
                    in_a_row
                } else {
                    0
                },
                ..policy()
            };
            // All workers have a request under way before the first one is answered: the worst case.
            let (all_there, turn) = (Barrier::new(workers), AtomicUsize::new(0));
            let answer = outcome.clone();
            let run = send(
                &ledger,
                workers,
                &policy,
                Arc::new(move |_| {
                    if turn.fetch_add(1, Ordering::SeqCst) < workers {
                        all_there.wait();
                    }
                    Outcomes::All(answer.clone())
                }),
            );
            let what = format!("{outcome:?}, {workers} workers");
            assert_eq!(
                run.stop.map(|why| std::mem::discriminant(&why)),
                Some(std::mem::discriminant(&stop)),
                "{what}"
            );
            let most = u64::from(in_a_row) + workers as u64 - 1;
            let made = run.ending.requests;
            assert!(
                (u64::from(in_a_row)..=most).contains(&made),
                "{what}: {made}"
            );
            if in_a_row == 1 {
                assert_eq!(made, most, "{what}: as many as were under way");
            }
            let touched = statuses(&ledger)
                .iter()
                .filter(|one| **one != Status::Pending)
                .count() as u64;
            let settled = if stop == StopReason::Account(-1004) {
                0
            } else {
                30 * made
            };
            assert_eq!(touched, settled, "{what}");
            assert_adds_up(&ledger);
        }
    }
}

#[test]
fn batches_are_halved_where_that_was_asked_for() {
    let bad = number(3);
    let one_is_bad = |code| -> Arc<Answering> {
        Arc::new(move |submission| {
            Outcomes::All(if submission.numbers.contains(&bad) {
                refused(code)
            } else {
                accepted()
            })
        })
    };
    let none = [Status::Refused; 5];
    let mut all_but_one = [Status::Accepted; 5];
    all_but_one[2] = Status::Refused;
    for (code, split_bad_numbers, expected) in [
        (-1009, false, none),
        (-1009, true, all_but_one),
        (-1010, false, all_but_one),
        (-1005, true, none),
    ] {
        let (_folder, ledger) = temp_ledger();
        plan(&ledger, &[5]);
        let policy = Policy {
            split_bad_numbers,
            ..policy()
        };
        let run = send(&ledger, 2, &policy, one_is_bad(code));
        assert_eq!(run.stop, None);
        assert_eq!(statuses(&ledger), expected, "{code} {split_bad_numbers}");
        assert_adds_up(&ledger);
    }
}

#[test]
fn a_limit_counts_recipients_that_were_sent_to() {
    for limit in [1, 3, 4, 9] {
        let (_folder, ledger) = temp_ledger();
        plan(&ledger, &[4, 4]);
        let policy = Policy {
            limit: Some(limit),
            ..policy()
        };
        let two_at_most = Arc::new(|submission: &Submission<'_>| {
            Outcomes::All(if submission.numbers.len() > 2 {
                refused(-1010)
            } else {
                accepted()
            })
        });
        send(&ledger, 1, &policy, two_at_most);
        let statuses = statuses(&ledger);
        let sent = statuses.iter().filter(|one| **one == Status::Accepted);
        assert_eq!(sent.count() as u64, limit.min(8), "limit {limit}");
        assert_adds_up(&ledger);
    }
}

#[test]
fn a_ledger_that_is_lost_stops_everybody() {
    let (_folder, ledger) = temp_ledger();
    plan(&ledger, &[1; 8]);
    let path = ledger.clone();
    let moved = ledger.with_extension("moved");
    let there = moved.clone();
    let run = send(
        &ledger,
        1,
        &policy(),
        Arc::new(move |_| {
            fs::rename(&path, &there).unwrap();
            Outcomes::All(accepted())
        }),
    );
    assert_eq!(
        (run.stop, run.ending.requests),
        (Some(StopReason::Error), 1)
    );
    let fault = run.ending.fault.unwrap().to_string();
    assert!(fault.contains("deleted, renamed or replaced"), "{fault}");
    run.ending.book.close().unwrap();
    fs::rename(&moved, &ledger).unwrap();
    assert_eq!(statuses(&ledger)[0], Status::Unknown);
    assert_eq!(statuses(&ledger)[1..], [Status::Pending; 7]);
    assert_adds_up(&ledger);
}

#[test]
fn a_worker_that_panics_stops_everybody() {
    let (_folder, ledger) = temp_ledger();
    plan(&ledger, &[1; 8]);
    let stopper = Arc::new(StopToken::default());
    let (asked, turn) = (stopper.clone(), AtomicUsize::new(0));
    let run = send_until(
        &stopper,
        &ledger,
        3,
        &policy(),
        Arc::new(move |_| {
            assert!(turn.fetch_add(1, Ordering::SeqCst) > 0, "the first one");
            // The others are under way until the alarm; without one they end here some day.
            let _alarmed = asked.wait(Duration::from_secs(60));
            Outcomes::All(accepted())
        }),
    );
    assert_eq!(run.stop, Some(StopReason::Error));
    let fault = run.ending.fault.unwrap().to_string();
    assert!(fault.contains("a worker stopped"), "{fault}");
    run.ending.book.close().unwrap();
    let statuses = statuses(&ledger);
    let count = |status| statuses.iter().filter(|one| **one == status).count();
    assert_eq!(count(Status::Unknown), 1);
    assert!(count(Status::Pending) >= 5, "{statuses:?}");
    assert_adds_up(&ledger);
}
