//! What stops a run, and that nothing is sent after it.

use super::*;

on_every_backend!(
    a_stop_settles_requests_in_flight_and_makes_no_other,
    unanswered_requests_stop_the_run,
    ten_refusals_in_a_row_with_one_code_stop_the_run,
    answers_for_each_number_count_as_one_refusal_if_they_agree,
    bad_numbers_isolated_by_splitting_do_not_stop_the_run,
    a_stop_reaches_all_workers,
    a_panic_where_lists_are_read_ends_the_run_as_an_error,
    a_panicking_worker_stops_all_workers,
);

fn a_stop_settles_requests_in_flight_and_makes_no_other(new: New) {
    let ledger = new();
    plan(&ledger, &[1; 20]);
    let stop = Arc::new(StopToken::default());
    let (requested, all_there, turn) = (stop.clone(), Barrier::new(3), AtomicUsize::new(0));
    let run = send_until(
        &stop,
        &ledger,
        3,
        &policy(),
        Arc::new(move |_| {
            if turn.fetch_add(1, Ordering::SeqCst) > 0 {
                all_there.wait();
                requested.request(StopReason::Signal(2));
            }
            Outcomes::All(accepted())
        }),
    );
    assert_eq!(run.ending.requests, 4);
    let accepted = statuses(&ledger);
    let accepted = accepted.iter().filter(|one| **one == Status::Accepted);
    assert_eq!(accepted.count(), 4);
    assert_eq!(attempts(&ledger), 4);
    assert_adds_up(&ledger);
}

fn unanswered_requests_stop_the_run(new: New) {
    let silence = || Outcomes::All(no_answer());
    let answer = || Outcomes::All(accepted());
    let table = [
        (3, vec![silence(); 12], Some(no_answers(3, 3)), 3),
        (1, vec![silence(); 12], Some(no_answers(1, 1)), 1),
        (0, vec![silence(); 12], None, 12),
        (
            2,
            vec![silence(), answer(), silence(), answer()],
            Some(no_answers(2, 3)),
            3,
        ),
        (
            2,
            vec![silence(), Outcomes::All(throttled()), silence()],
            Some(no_answers(2, 2)),
            3,
        ),
    ];
    for (max_unknown, outcomes, stop, requests) in table {
        let ledger = new();
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

fn ten_refusals_in_a_row_with_one_code_stop_the_run(new: New) {
    for code in [-1005, -1009, -1010, -4321] {
        for split_bad_numbers in [false, true] {
            let ledger = new();
            plan(&ledger, &[1; 12]);
            let policy = Policy {
                split_bad_numbers,
                ..policy()
            };
            let run = send(&ledger, 1, &policy, always(refused(code)));
            assert_eq!(
                run.stop,
                Some(StopReason::Refused(Code(code))),
                "{split_bad_numbers}"
            );
            assert_eq!(run.ending.requests, 10);
            assert_eq!(
                statuses(&ledger)[9..],
                [Status::Refused, Status::Pending, Status::Pending]
            );
        }
    }
    let ledger = new();
    plan(&ledger, &[1; 24]);
    let by_turns = [-1005, -1006].into_iter().cycle().take(24);
    let by_turns = by_turns.map(|code| Outcomes::All(refused(code))).collect();
    let run = send(&ledger, 1, &policy(), in_turn(by_turns));
    assert_eq!((run.stop, run.ending.requests), (None, 24));
}

fn answers_for_each_number_count_as_one_refusal_if_they_agree(new: New) {
    for (second, stop) in [
        (-1005, Some(StopReason::Refused(Code(-1005)))),
        (-1006, None),
    ] {
        let ledger = new();
        plan(&ledger, &[2; 12]);
        let answer = move |_: &Request<'_>| Outcomes::Each(vec![refused(-1005), refused(second)]);
        let run = send(&ledger, 1, &policy(), Arc::new(answer));
        assert_eq!(run.stop, stop);
        assert_adds_up(&ledger);
    }
}

fn bad_numbers_isolated_by_splitting_do_not_stop_the_run(new: New) {
    let ledger = new();
    plan(&ledger, &[30]);
    let policy = Policy {
        split_bad_numbers: true,
        ..policy()
    };
    let bad: Vec<_> = (1..=24).map(number).collect();
    let answer = move |request: &Request<'_>| {
        let refuses = request.messages.iter().any(|to| bad.contains(&to.number));
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

/// A run that stops after some answers in a row, after a first one that was accepted, makes that many requests, and at most
/// those that the other workers have in flight by then. With `max_unknown` 3, 4 workers and batches of 30, an outage leaves at
/// most 3 + 3 requests, 180 recipients, unknown.
fn a_stop_reaches_all_workers(new: New) {
    let table = [
        (no_answer(), 1, no_answers(1, 2)),
        (no_answer(), 3, no_answers(3, 4)),
        (no_answer(), 5, no_answers(5, 6)),
        (stopped(), 1, StopReason::Account(Code(-1004))),
        (refused(-1005), 10, StopReason::Refused(Code(-1005))),
    ];
    for (outcome, in_a_row, stop) in table {
        for workers in [1, 2, 4, 8] {
            let ledger = new();
            plan(&ledger, &[30; 24]);
            let policy = Policy {
                max_unknown: if matches!(stop, StopReason::Unknown { .. }) {
                    in_a_row
                } else {
                    0
                },
                ..policy()
            };
            // The worst case: all workers have a request in flight before the next one is answered.
            let (all_there, turn) = (Barrier::new(workers), AtomicUsize::new(0));
            let answer = outcome.clone();
            let run = send(
                &ledger,
                workers,
                &policy,
                Arc::new(move |_| match turn.fetch_add(1, Ordering::SeqCst) {
                    0 => Outcomes::All(accepted()),
                    nth => {
                        if nth <= workers {
                            all_there.wait();
                        }
                        Outcomes::All(answer.clone())
                    }
                }),
            );
            let what = format!("{outcome:?}, {workers} workers");
            assert_eq!(
                run.stop.map(|reason| std::mem::discriminant(&reason)),
                Some(std::mem::discriminant(&stop)),
                "{what}"
            );
            let most = u64::from(in_a_row) + workers as u64 - 1;
            let made = run.ending.requests - 1;
            assert!(
                (u64::from(in_a_row)..=most).contains(&made),
                "{what}: {made}"
            );
            if in_a_row == 1 {
                assert_eq!(made, most, "{what}: as many as were in flight");
            }
            let touched = statuses(&ledger)
                .iter()
                .filter(|one| **one != Status::Pending)
                .count() as u64;
            let settled = if stop == StopReason::Account(Code(-1004)) {
                30
            } else {
                30 * (1 + made)
            };
            assert_eq!(touched, settled, "{what}");
            assert_adds_up(&ledger);
        }
    }
}

/// Several senders of one campaign. One of them runs while the other waits for its first answer.
#[test]
fn an_account_stop_stops_the_other_senders_before_their_next_claim() {
    if postgres_server::server().is_none() {
        return;
    }
    let account = Some(StopReason::Account(Code(-1004)));
    for workers in [1, 2] {
        let place = in_postgres();
        plan(&place, &[1; 6]);
        let shared = Location::clone(&place);
        let responder = Arc::new(move |_: &Request<'_>| {
            let other = send(&shared, 1, &policy(), always(stopped()));
            assert_eq!(other.stop, account);
            Outcomes::All(accepted())
        });
        let run = send(&place, workers, &policy(), responder);
        assert_eq!((run.stop, run.ending.requests), (account, 1));
        // A later run tries again.
        let run = send(&place, workers, &policy(), always(accepted()));
        assert_eq!((run.stop, run.ending.requests), (None, 5));
        assert_adds_up(&place);
    }
}

/// Every second, third or fifth answer is unusable, or one at random: the run stops, and what is unknown then are at most
/// 21 of the first 100 requests, and those that the other workers had in flight. One in a hundred stops nothing.
#[test]
fn a_gateway_that_answers_only_some_requests_stops_the_run() {
    const BATCHES: usize = 240;
    type IsBad = fn(usize) -> bool;
    fn random(one_in: usize, nth: usize) -> bool {
        let mut random = fastrand::Rng::with_seed(20_261_126 + nth as u64);
        random.usize(..one_in) == 0
    }
    let table: [(&str, IsBad, u64); 8] = [
        ("every second", |nth| nth % 2 == 1, 3),
        ("every third", |nth| nth % 3 == 2, 3),
        ("every fifth", |nth| nth % 5 == 4, 20),
        (
            "after the first ten, every second",
            |nth| nth > 10 && nth % 2 == 1,
            3,
        ),
        ("from the 150th on, all", |nth| nth >= 150, 3),
        ("half, at random", |nth| random(2, nth), 21),
        ("one in four, at random", |nth| random(4, nth), 21),
        ("one in ten, at random", |nth| random(10, nth), 21),
    ];
    for (what, is_bad, most) in table {
        for workers in [1, 4] {
            let ledger = in_memory();
            plan(&ledger, &[3; BATCHES]);
            let turn = AtomicUsize::new(0);
            let answer = move |_: &Request<'_>| {
                let bad = is_bad(turn.fetch_add(1, Ordering::SeqCst));
                Outcomes::All(if bad { no_answer() } else { accepted() })
            };
            let run = send(&ledger, workers, &policy(), Arc::new(answer));
            let stopped = matches!(run.stop, Some(StopReason::Unknown { .. }));
            assert!(stopped, "{what}, {workers} workers: {:?}", run.stop);
            let statuses = statuses(&ledger);
            let unknown = statuses.iter().filter(|one| **one == Status::Unknown);
            let unknown = unknown.count() as u64;
            let most = 3 * (most + workers as u64 - 1);
            assert!(unknown <= most, "{what}, {workers} workers: {unknown}");
            assert_adds_up(&ledger);
        }
    }
    for workers in [1, 4] {
        let ledger = in_memory();
        plan(&ledger, &[3; BATCHES]);
        let turn = AtomicUsize::new(0);
        let answer = move |_: &Request<'_>| {
            let nth = turn.fetch_add(1, Ordering::SeqCst);
            Outcomes::All(if nth % 100 == 50 {
                no_answer()
            } else {
                accepted()
            })
        };
        let run = send(&ledger, workers, &policy(), Arc::new(answer));
        assert_eq!(run.stop, None, "one in a hundred");
        assert_eq!(run.ending.requests, BATCHES as u64);
    }
}

#[test]
fn a_lost_ledger_stops_all_workers() {
    let (_folder, ledger) = temp_ledger();
    plan(&ledger, &[1; 8]);
    let path = ledger.clone();
    let moved = ledger.with_extension("moved");
    let target = moved.clone();
    let run = send(
        &ledger,
        1,
        &policy(),
        Arc::new(move |_| {
            fs::rename(&path, &target).unwrap();
            Outcomes::All(accepted())
        }),
    );
    assert_eq!(
        (run.stop, run.ending.requests),
        (Some(StopReason::Error), 1)
    );
    let error = run.ending.error.unwrap().to_string();
    assert!(error.contains("deleted, renamed or replaced"), "{error}");
    run.ending.ledger.unwrap().close().unwrap();
    fs::rename(&moved, &ledger).unwrap();
    assert_eq!(statuses(&ledger)[0], Status::Unknown);
    assert_eq!(statuses(&ledger)[1..], [Status::Pending; 7]);
    assert_adds_up(&ledger);
}

/// Lists of which reading panics.
struct BrokenLists;

impl Lists for BrokenLists {
    fn before_sending(&mut self, _: &mut Ledger, _: &StopToken) -> Result<()> {
        Ok(())
    }

    fn before_waiting(&mut self, _: &Timestamp) -> Result<()> {
        Ok(())
    }

    fn wait(&self) -> Duration {
        Duration::ZERO
    }

    fn added(&mut self) -> Result<HashMap<Msisdn, String>> {
        panic!("an error of the program")
    }

    fn suppressed(&self, _: &Suppressed) {}
}

fn a_panic_where_lists_are_read_ends_the_run_as_an_error(new: New) {
    let ledger = new();
    plan(&ledger, &[1; 8]);
    let stop = Arc::new(StopToken::default());
    let requested = stop.clone();
    let responder: Arc<Responder> = Arc::new(move |_| {
        // In flight until the stop. Without one it ends here after a minute.
        assert!(!requested.wait(Duration::from_secs(60)), "nothing stops it");
        Outcomes::All(accepted())
    });
    let run = send_with(
        &NoProgress,
        &mut BrokenLists,
        &stop,
        &ledger,
        1,
        &policy(),
        responder,
    );
    assert_eq!(run.stop, Some(StopReason::Error));
    let error = run.ending.error.unwrap().to_string();
    assert!(error.contains("suppression lists"), "{error}");
    run.ending.ledger.unwrap().close().unwrap();
    assert!(
        statuses(&ledger)[1..]
            .iter()
            .all(|status| *status == Status::Pending)
    );
    assert_adds_up(&ledger);
}

#[test]
fn after_a_panic_where_the_ledger_is_written_the_requests_are_known() {
    let ledger = in_memory();
    plan(&ledger, &[1; 8]);
    let Location::Memory(place) = (*ledger).clone() else {
        panic!("it is in memory")
    };
    let turn = AtomicUsize::new(0);
    let responder: Arc<Responder> = Arc::new(move |_| {
        if turn.fetch_add(1, Ordering::SeqCst) == 2 {
            place.panic_at_next_commit();
        }
        Outcomes::All(accepted())
    });
    let run = send(&ledger, 1, &policy(), responder);
    assert_eq!(
        (run.stop, run.ending.requests),
        (Some(StopReason::Error), 3)
    );
    let error = run.ending.error.unwrap().to_string();
    assert!(error.contains("writing the ledger stopped"), "{error}");
    assert!(run.ending.ledger.is_none());
    use Status::{Accepted, Pending, Unknown};
    assert_eq!(
        statuses(&ledger)[..4],
        [Accepted, Accepted, Unknown, Pending]
    );
    drop(open(&ledger));
    assert_adds_up(&ledger);
}

fn a_panicking_worker_stops_all_workers(new: New) {
    let ledger = new();
    plan(&ledger, &[1; 8]);
    let stop = Arc::new(StopToken::default());
    let (requested, turn) = (stop.clone(), AtomicUsize::new(0));
    let run = send_until(
        &stop,
        &ledger,
        3,
        &policy(),
        Arc::new(move |_| {
            let nth = turn.fetch_add(1, Ordering::SeqCst);
            assert_ne!(nth, 1, "the second one");
            if nth == 0 {
                return Outcomes::All(accepted());
            }
            // The others are in flight until the stop. Without one they end here after a minute.
            let _stopped = requested.wait(Duration::from_secs(60));
            Outcomes::All(accepted())
        }),
    );
    assert_eq!(run.stop, Some(StopReason::Error));
    let error = run.ending.error.unwrap().to_string();
    assert!(error.contains("a worker stopped"), "{error}");
    run.ending.ledger.unwrap().close().unwrap();
    let statuses = statuses(&ledger);
    let count = |status| statuses.iter().filter(|one| **one == status).count();
    assert_eq!(count(Status::Unknown), 1);
    assert!(count(Status::Pending) >= 4, "{statuses:?}");
    assert_adds_up(&ledger);
}
