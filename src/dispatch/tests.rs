//! The sending loop against gateways that answer as told: what each answer does to the books, and that nothing is
//! ever sent twice or lost, whatever happens.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements, // the statuses that a test speaks of
    clippy::needless_pass_by_value
)]

use std::collections::HashMap;
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Barrier};

use proptest::prelude::*;

use super::*;
use crate::campaign::Msisdn;
use crate::gateway::Code;
use crate::ledger::tests::{balances, moment, number, open, place, plan, statuses};
use crate::ledger::{Reader, Selection, Word};

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

impl Watcher for Nobody {
    fn settled(&self, _: &Counts) {}
    fn waiting(&self, _: &str, _: Duration) {}
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
    stop: Option<Stop>,
    ending: Ending,
}

fn send(ledger: &Path, workers: usize, policy: &Policy, answering: Arc<Answering>) -> Run {
    send_until(
        &Arc::new(Stopper::default()),
        ledger,
        workers,
        policy,
        answering,
    )
}

fn send_until(
    stopper: &Stopper,
    ledger: &Path,
    workers: usize,
    policy: &Policy,
    answering: Arc<Answering>,
) -> Run {
    let gateways = (0..workers)
        .map(|_| Box::new(Double(answering.clone())) as Box<dyn Gateway>)
        .collect();
    let throttle = Throttle::new(None, NonZeroU32::MIN);
    let ending = run(
        open(ledger),
        gateways,
        &throttle,
        policy,
        stopper,
        &moment,
        &Nobody,
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
    Reader::open(ledger).unwrap().totals().unwrap().attempts
}

#[test]
fn every_answer_has_its_consequence() {
    use Status::{Accepted, Pending, Refused, Unknown};
    let table = [
        (accepted(), [Accepted, Accepted, Accepted], None, 2, 2),
        (refused(-1005), [Refused; 3], None, 2, 2),
        (no_answer(), [Unknown; 3], None, 2, 2),
        (stopped(), [Pending; 3], Some(Stop::Account(-1004)), 1, 1),
        (not_sent(), [Pending; 3], Some(Stop::Unreachable), 0, 1),
        (throttled(), [Pending; 3], Some(Stop::Unreachable), 1, 1),
    ];
    for (outcome, expected, stop, requests, tries) in table {
        let (_folder, ledger) = place();
        plan(&ledger, &[2, 1]);
        let run = send(&ledger, 1, &policy(), always(outcome.clone()));
        assert_eq!(statuses(&ledger), expected, "{outcome:?}");
        assert_eq!(run.stop, stop, "{outcome:?}");
        assert_eq!(run.ending.requests, requests, "{outcome:?}");
        assert_eq!(attempts(&ledger), tries, "{outcome:?}");
        assert_eq!(run.ending.fault, None);
        balances(&ledger);
    }
}

#[test]
fn each_recipient_has_its_own_answer() {
    let (_folder, ledger) = place();
    plan(&ledger, &[4, 1]);
    let mixed = Outcomes::Each(vec![accepted(), refused(-1009), no_answer(), stopped()]);
    let run = send(&ledger, 1, &policy(), in_turn(vec![mixed]));
    use Status::{Accepted, Pending, Refused, Unknown};
    assert_eq!(
        statuses(&ledger),
        [Accepted, Refused, Unknown, Pending, Pending]
    );
    assert_eq!(run.stop, Some(Stop::Account(-1004)));
    balances(&ledger);
}

#[test]
fn what_was_not_sent_is_claimed_anew_for_every_try() {
    let (_folder, ledger) = place();
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

    let (_folder, ledger) = place();
    plan(&ledger, &[1]);
    let patient = Policy {
        give_up_after: Duration::MAX,
        ..policy()
    };
    let throttled = vec![Outcomes::All(throttled()); 3];
    let run = send(&ledger, 1, &patient, in_turn(throttled));
    assert_eq!((run.stop, run.ending.requests), (None, 4));
    assert_eq!(attempts(&ledger), 4);
    balances(&ledger);
}

#[test]
fn a_throttle_longer_than_the_patience_ends_the_run_at_once() {
    let (_folder, ledger) = place();
    plan(&ledger, &[1]);
    let patient = Policy {
        give_up_after: Duration::from_secs(600),
        ..policy()
    };
    let after = Some(Duration::from_secs(3_600));
    let run = send(&ledger, 1, &patient, always(Outcome::Throttled { after }));
    assert_eq!(run.stop, Some(Stop::Unreachable));
    assert_eq!(statuses(&ledger), [Status::Pending]);
}

#[test]
fn a_stop_ends_a_long_wait_and_leaves_the_batch_pending() {
    let (_folder, ledger) = place();
    plan(&ledger, &[1, 1]);
    let stopper = Arc::new(Stopper::default());
    let asked = stopper.clone();
    let patient = Policy {
        give_up_after: Duration::MAX,
        ..policy()
    };
    let run = send_until(
        &stopper,
        &ledger,
        2,
        &patient,
        Arc::new(move |_| {
            asked.ask(Stop::Signal(15));
            Outcomes::All(Outcome::Throttled {
                after: Some(Duration::from_secs(86_400)),
            })
        }),
    );
    assert_eq!(run.stop, Some(Stop::Signal(15)));
    assert_eq!(statuses(&ledger), [Status::Pending; 2]);
    balances(&ledger);
}

#[test]
fn a_claim_is_durable_before_its_request() {
    let (_folder, ledger) = place();
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
    let (_folder, ledger) = place();
    plan(&ledger, &[1; 20]);
    let stopper = Arc::new(Stopper::default());
    let (asked, all_there) = (stopper.clone(), Barrier::new(3));
    let run = send_until(
        &stopper,
        &ledger,
        3,
        &policy(),
        Arc::new(move |_| {
            all_there.wait();
            asked.ask(Stop::Signal(2));
            Outcomes::All(accepted())
        }),
    );
    assert_eq!(run.ending.requests, 3);
    let accepted = statuses(&ledger);
    let accepted = accepted.iter().filter(|one| **one == Status::Accepted);
    assert_eq!(accepted.count(), 3);
    assert_eq!(attempts(&ledger), 3);
    balances(&ledger);
}

#[test]
fn silence_in_a_row_stops_the_run() {
    let silence = || Outcomes::All(no_answer());
    let word = || Outcomes::All(accepted());
    let table = [
        (3, vec![silence(); 12], Some(Stop::Unknown(3)), 3),
        (1, vec![silence(); 12], Some(Stop::Unknown(1)), 1),
        (0, vec![silence(); 12], None, 12),
        (
            2,
            vec![silence(), word(), silence(), word(), silence(), silence()],
            Some(Stop::Unknown(2)),
            6,
        ),
        (
            2,
            vec![silence(), Outcomes::All(throttled()), silence()],
            Some(Stop::Unknown(2)),
            3,
        ),
    ];
    for (max_unknown, outcomes, stop, requests) in table {
        let (_folder, ledger) = place();
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
        balances(&ledger);
    }
}

#[test]
fn one_code_ten_times_stops_the_run() {
    for code in [-1005, -1009, -1010, -4321] {
        for split_bad_numbers in [false, true] {
            let (_folder, ledger) = place();
            plan(&ledger, &[1; 12]);
            let policy = Policy {
                split_bad_numbers,
                ..policy()
            };
            let run = send(&ledger, 1, &policy, always(refused(code)));
            assert_eq!(run.stop, Some(Stop::Refused(code)), "{split_bad_numbers}");
            assert_eq!(run.ending.requests, 10);
            assert_eq!(
                statuses(&ledger)[9..],
                [Status::Refused, Status::Pending, Status::Pending]
            );
        }
    }
    let (_folder, ledger) = place();
    plan(&ledger, &[1; 24]);
    let by_turns = [-1005, -1006].into_iter().cycle().take(24);
    let by_turns = by_turns.map(|code| Outcomes::All(refused(code))).collect();
    let run = send(&ledger, 1, &policy(), in_turn(by_turns));
    assert_eq!((run.stop, run.ending.requests), (None, 24));
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
        let (_folder, ledger) = place();
        plan(&ledger, &[5]);
        let policy = Policy {
            split_bad_numbers,
            ..policy()
        };
        let run = send(&ledger, 2, &policy, one_is_bad(code));
        assert_eq!(run.stop, None);
        assert_eq!(statuses(&ledger), expected, "{code} {split_bad_numbers}");
        balances(&ledger);
    }
}

#[test]
fn a_limit_counts_recipients_that_were_sent_to() {
    for limit in [1, 3, 4, 9] {
        let (_folder, ledger) = place();
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
        balances(&ledger);
    }
}

#[test]
fn a_ledger_that_is_lost_stops_everybody() {
    let (_folder, ledger) = place();
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
    assert_eq!((run.stop, run.ending.requests), (Some(Stop::Error), 1));
    let fault = run.ending.fault.unwrap().to_string();
    assert!(fault.contains("deleted, renamed or replaced"), "{fault}");
    run.ending.book.close().unwrap();
    fs::rename(&moved, &ledger).unwrap();
    assert_eq!(statuses(&ledger)[0], Status::Unknown);
    assert_eq!(statuses(&ledger)[1..], [Status::Pending; 7]);
    balances(&ledger);
}

#[test]
fn a_worker_that_panics_stops_everybody() {
    let (_folder, ledger) = place();
    plan(&ledger, &[1; 8]);
    let stopper = Arc::new(Stopper::default());
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
    assert_eq!(run.stop, Some(Stop::Error));
    let fault = run.ending.fault.unwrap().to_string();
    assert!(fault.contains("a worker stopped"), "{fault}");
    run.ending.book.close().unwrap();
    let statuses = statuses(&ledger);
    let count = |status| statuses.iter().filter(|one| **one == status).count();
    assert_eq!(count(Status::Unknown), 1);
    assert!(count(Status::Pending) >= 5, "{statuses:?}");
    balances(&ledger);
}

/// What a gateway does with a request.
#[derive(Clone, Debug)]
enum Reaction {
    All(Outcome),
    Each(Vec<Outcome>),
    /// Takes it and says nothing.
    TakesInSilence,
    /// A signal comes while it answers.
    StopAsked(Outcome),
    /// The machine dies; before that the gateway took the request, or not.
    Crash {
        taken: bool,
    },
}

#[derive(Clone, Debug)]
enum Decision {
    None,
    All(bool),
    /// The row, counted round, if somebody may decide about it.
    Row(usize, bool),
}

#[derive(Clone, Debug)]
struct Act {
    workers: usize,
    limit: Option<u64>,
    max_unknown: u32,
    split_bad_numbers: bool,
    reactions: Vec<Reaction>,
    decision: Decision,
    closed_in_order: bool,
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        5 => Just(accepted()),
        2 => Just(Outcome::Accepted { trx_id: Some("1143007207".to_owned()) }),
        2 => prop_oneof![Just(-1005), Just(-1009), Just(-1010)].prop_map(refused),
        2 => Just(no_answer()),
        1 => Just(not_sent()),
        1 => Just(throttled()),
        1 => Just(stopped()),
    ]
}

fn reaction() -> impl Strategy<Value = Reaction> {
    prop_oneof![
        6 => outcome().prop_map(Reaction::All),
        4 => prop::collection::vec(outcome(), 4).prop_map(Reaction::Each),
        2 => Just(Reaction::TakesInSilence),
        1 => outcome().prop_map(Reaction::StopAsked),
        1 => any::<bool>().prop_map(|taken| Reaction::Crash { taken }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let decision = prop_oneof![
        2 => Just(Decision::None),
        1 => any::<bool>().prop_map(Decision::All),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(row, sent)| Decision::Row(row, sent)),
    ];
    (
        1..=4_usize,
        prop::option::of(0..12_u64),
        0..4_u32,
        any::<bool>(),
        prop::collection::vec(reaction(), 0..12),
        decision,
        any::<bool>(),
    )
        .prop_map(
            |(
                workers,
                limit,
                max_unknown,
                split_bad_numbers,
                reactions,
                decision,
                closed_in_order,
            )| Act {
                workers,
                limit,
                max_unknown,
                split_bad_numbers,
                reactions,
                decision,
                closed_in_order,
            },
        )
}

/// The gateway's own record of what it took, and the world around it.
#[derive(Default)]
struct World {
    taken: HashMap<Msisdn, u32>,
    /// The folder that holds the ledger as it was when the machine died.
    after_crash: Option<PathBuf>,
}

impl World {
    fn take(&mut self, numbers: &[Msisdn]) {
        for number in numbers {
            *self.taken.entry(*number).or_default() += 1;
        }
    }
}

/// The ledger as a crash at this moment leaves it: the file and its log, without what was only in memory.
fn crash(ledger: &Path, into: &Path) {
    fs::create_dir(into).unwrap();
    fs::copy(ledger, into.join("a.ledger")).unwrap();
    fs::copy(
        ledger.with_extension("ledger-wal"),
        into.join("a.ledger-wal"),
    )
    .unwrap();
    fs::copy(
        ledger.with_extension("ledger.lock"),
        into.join("a.ledger.lock"),
    )
    .unwrap();
}

fn react(
    world: &Mutex<World>,
    reaction: Reaction,
    submission: &Submission<'_>,
    ledger: &Path,
    next: &Path,
    stopper: &Stopper,
) -> Outcomes {
    // Under this lock until the end: what comes after a crash happens in no world.
    let mut world = world.lock().unwrap();
    if world.after_crash.is_some() {
        return Outcomes::All(not_sent());
    }
    let numbers = submission.numbers;
    match reaction {
        Reaction::All(outcome) => {
            if matches!(outcome, Outcome::Accepted { .. }) {
                world.take(numbers);
            }
            Outcomes::All(outcome)
        }
        Reaction::Each(outcomes) => {
            let outcomes = outcomes[..numbers.len()].to_vec();
            for (number, outcome) in numbers.iter().zip(&outcomes) {
                if matches!(outcome, Outcome::Accepted { .. }) {
                    world.take(&[*number]);
                }
            }
            Outcomes::Each(outcomes)
        }
        Reaction::TakesInSilence => {
            world.take(numbers);
            Outcomes::All(no_answer())
        }
        Reaction::StopAsked(outcome) => {
            stopper.ask(Stop::Signal(2));
            if matches!(outcome, Outcome::Accepted { .. }) {
                world.take(numbers);
            }
            Outcomes::All(outcome)
        }
        Reaction::Crash { taken } => {
            if taken {
                world.take(numbers);
            }
            crash(ledger, next);
            world.after_crash = Some(next.join("a.ledger"));
            stopper.ask(Stop::Signal(9));
            Outcomes::All(not_sent())
        }
    }
}

/// One run; returns the ledger to go on with.
fn play(act: &Act, ledger: &Path, next: &Path, world: &Arc<Mutex<World>>) -> PathBuf {
    let stopper = Arc::new(Stopper::default());
    let policy = Policy {
        sender_id: None,
        limit: act.limit,
        max_unknown: act.max_unknown,
        split_bad_numbers: act.split_bad_numbers,
        give_up_after: Duration::from_millis(1),
    };
    let turn = AtomicUsize::new(0);
    let (reactions, path, next) = (act.reactions.clone(), ledger.to_owned(), next.to_owned());
    let (around, asked) = (world.clone(), stopper.clone());
    let run = send_until(
        &stopper,
        ledger,
        act.workers,
        &policy,
        Arc::new(move |submission| {
            let turn = turn.fetch_add(1, Ordering::SeqCst);
            let reaction = reactions.get(turn).cloned();
            let reaction = reaction.unwrap_or(Reaction::All(accepted()));
            react(&around, reaction, submission, &path, &next, &asked)
        }),
    );
    assert_eq!(run.ending.fault, None);
    if act.closed_in_order {
        run.ending.book.close().unwrap();
    } else {
        drop(run);
    }
    let after_crash = world.lock().unwrap().after_crash.take();
    after_crash.unwrap_or_else(|| ledger.to_owned())
}

/// An operator who may be wrong. Notes whom the gateway may be asked to send to once more.
fn decide(decision: &Decision, ledger: &Path, excused: &mut HashMap<Msisdn, u32>) {
    let now = statuses(ledger);
    let (selection, sent) = match decision {
        Decision::None => return,
        Decision::All(sent) => (Selection::AllUnknown, *sent),
        Decision::Row(row, sent) => {
            let row = (row % now.len()) as u64 + 1;
            (Selection::Rows(vec![row..=row]), *sent)
        }
    };
    let word = if sent {
        Word::Accepted { trx_id: None }
    } else {
        Word::NotSent
    };
    let mut book = open(ledger);
    if book.decide(&selection, &word, None, &moment()).is_ok() && !sent {
        for (row, status) in (1..).zip(now) {
            let chosen = match &selection {
                Selection::Rows(rows) => rows[0].contains(&row),
                _ => status == Status::Unknown,
            };
            if chosen {
                *excused.entry(number(row)).or_default() += 1;
            }
        }
    }
    book.close().unwrap();
}

/// What must hold whenever nobody is sending.
fn promise_is_kept(
    ledger: &Path,
    rows: usize,
    world: &Mutex<World>,
    excused: &HashMap<Msisdn, u32>,
) {
    balances(ledger);
    let now = statuses(ledger);
    assert_eq!(now.len(), rows, "rows in, rows out");
    let world = world.lock().unwrap();
    for (row, status) in (1..).zip(now) {
        let of = |map: &HashMap<Msisdn, u32>| map.get(&number(row)).copied().unwrap_or(0);
        let (taken, excused) = (of(&world.taken), of(excused));
        assert!(taken <= 1 + excused, "row {row} was taken {taken} times");
        if matches!(status, Status::Pending | Status::Refused) {
            assert!(taken <= excused, "row {row} was taken and is {status}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_sent_twice_and_nothing_is_lost(
        batches in prop::collection::vec(1..=4_u32, 1..8),
        acts in prop::collection::vec(act(), 1..5),
    ) {
        let (folder, mut ledger) = place();
        plan(&ledger, &batches);
        let rows = batches.iter().sum::<u32>() as usize;
        let world = Arc::new(Mutex::new(World::default()));
        let mut excused = HashMap::new();
        for (nth, act) in acts.iter().enumerate() {
            ledger = play(act, &ledger, &folder.path().join(nth.to_string()), &world);
            promise_is_kept(&ledger, rows, &world, &excused);
            decide(&act.decision, &ledger, &mut excused);
            promise_is_kept(&ledger, rows, &world, &excused);
        }
        // In the end all that is pending goes out, and goes out once.
        let (before, taken) = (statuses(&ledger), world.lock().unwrap().taken.clone());
        let last = Act { workers: 2, limit: None, max_unknown: 0, split_bad_numbers: false, reactions: vec![],
                         decision: Decision::None, closed_in_order: true };
        ledger = play(&last, &ledger, &folder.path().join("last"), &world);
        promise_is_kept(&ledger, rows, &world, &excused);
        let world = world.lock().unwrap();
        for ((row, before), after) in (1..).zip(before).zip(statuses(&ledger)) {
            let more = world.taken.get(&number(row)).copied().unwrap_or(0)
                - taken.get(&number(row)).copied().unwrap_or(0);
            if before == Status::Pending {
                prop_assert_eq!((after, more), (Status::Accepted, 1), "row {}", row);
            } else {
                prop_assert_eq!((after, more), (before, 0), "row {}", row);
            }
        }
    }
}
