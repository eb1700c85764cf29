//! The sending loop against scripted gateways: what each answer does to the ledger and to the run. `model` tests that
//! nothing is ever sent twice or lost, `schedules` the same in any order of steps, `alone` to how few people the first
//! requests go, `halving` what splitting costs, `own_texts` that each recipient gets its own text, `shared` what is different
//! where several hosts send, `stopping` what stops a run, `waiting` what workers wait for, `windows` when they send.
#![allow(
    clippy::disallowed_methods, clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements, // the statuses that a test names
    clippy::needless_pass_by_value
)]

mod alone;
mod halving;
mod model;
mod own_texts;
mod schedules;
mod shared;
mod stopping;
mod waiting;
mod windows;

use std::collections::HashMap;
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::domain::status::Counts;
use crate::domain::{Msisdn, Schedule, Status};
use crate::gateway::{Code, Outcome, Outcomes, Reply, Request};
use crate::ledger::tests::{
    New, assert_adds_up, in_memory, in_postgres, number, of_one_type, on_every_backend, open, plan,
    plan_own_texts, postgres_server, snapshot, statuses, temp_ledger, timestamp,
};
use crate::ledger::{Location, Place, Suppressed};

on_every_backend!(
    every_outcome_is_settled,
    each_recipient_has_its_own_answer,
    every_try_of_a_batch_has_its_own_claim,
    the_ledger_knows_which_outcomes_prove_that_nothing_was_sent,
    a_claim_is_durable_before_its_request,
    too_many_numbers_are_halved_even_if_each_has_its_answer,
    only_the_codes_and_options_that_allow_it_halve_a_batch,
    a_limit_counts_the_recipients_that_were_sent_to,
);

type Responder = dyn Fn(&Request<'_>) -> Outcomes + Send + Sync;

struct FakeGateway(Arc<Responder>);

impl Gateway for FakeGateway {
    fn submit(&mut self, request: &Request<'_>) -> Reply {
        Reply {
            outcomes: self.0(request),
            http_status: None,
            raw: String::new(),
        }
    }
}

struct NoProgress;

/// Lists onto which nothing comes.
struct NoLists;

impl Lists for NoLists {
    fn wait(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn before_sending(&mut self, _: &mut Ledger, _: &StopToken) -> Result<()> {
        Ok(())
    }

    fn before_waiting(&mut self, _: &Timestamp) -> Result<()> {
        Ok(())
    }

    fn added(&mut self) -> Result<HashMap<Msisdn, String>> {
        Ok(HashMap::new())
    }

    fn suppressed(&self, _: &Suppressed) {}
}

impl Progress for NoProgress {
    fn settled(&self, _: &Counts) {}
    fn waiting(&self, _: &str, _: Duration) {}
    fn closed_until(&self, _: &Timestamp) {}
}

fn is_to(request: &Request<'_>, number: Msisdn) -> bool {
    request.messages.iter().any(|to| to.number == number)
}

/// Another place with what a crash at this moment would leave of a ledger, without what is only in memory.
fn crash(ledger: &Location) -> Location {
    match ledger {
        Location::Memory(place) => Location::Memory(place.crash()),
        Location::Stored(place) => Location::Stored(crash_of_campaign(place)),
        Location::File(path) => {
            static COPIES: AtomicUsize = AtomicUsize::new(0);
            let nth = COPIES.fetch_add(1, Ordering::SeqCst);
            let copy = path.with_extension(format!("{nth}.ledger"));
            // The lock is copied first: other workers keep writing, and a lock must not know of more than its ledger.
            for suffix in [".lock", "", "-wal"] {
                let from = beside(path, suffix);
                if from.exists() {
                    fs::copy(from, beside(&copy, suffix)).unwrap();
                }
            }
            copy.into()
        }
    }
}

/// The same in a store: another campaign, whose senders are not there.
fn crash_of_campaign(place: &Place) -> Place {
    static COPIES: AtomicUsize = AtomicUsize::new(0);
    let copy = format!("copy {}", COPIES.fetch_add(1, Ordering::SeqCst));
    let server = postgres_server::server().unwrap();
    let mut client = server.connect("postgres");
    let mut transaction = client.transaction().unwrap();
    let copied = |table: &str, fields: &str, which: &str| {
        format!(
            "INSERT INTO isms_campaign.{table} OVERRIDING SYSTEM VALUE
             SELECT (jsonb_populate_record(one, jsonb_build_object({fields}))).*
             FROM isms_campaign.{table} one WHERE {which} = $1"
        )
    };
    let sql = "SELECT number, nextval(pg_get_serial_sequence('isms_campaign.campaign', 'number'))
               FROM isms_campaign.campaign WHERE stored_as = $1 FOR UPDATE";
    let row = transaction.query_one(sql, &[&place.name()]).unwrap();
    let (from, to): (i64, i64) = (row.get(0), row.get(1));
    let fields = format!("'number', {to}, 'stored_as', '{copy}'");
    let sql = copied("campaign", &fields, "number");
    transaction.execute(&sql, &[&from]).unwrap();
    for table in ["recipient", "batch", "attempt", "decision"] {
        let sql = copied(table, &format!("'campaign', {to}"), "campaign");
        transaction.execute(&sql, &[&from]).unwrap();
    }
    let sql = "SELECT id, nextval('isms_campaign.sender_id')::bigint FROM isms_campaign.sender WHERE campaign = $1";
    for row in transaction.query(sql, &[&from]).unwrap() {
        let (old, new): (i32, i64) = (row.get(0), row.get(1));
        let fields = format!("'campaign', {to}, 'id', {new}");
        let sql = copied("sender", &fields, &format!("id = {old} AND campaign"));
        transaction.execute(&sql, &[&from]).unwrap();
        for table in ["batch", "attempt"] {
            let sql = format!(
                "UPDATE isms_campaign.{table} SET sender = {new} WHERE campaign = {to} AND sender = {old}"
            );
            transaction.execute(&sql, &[]).unwrap();
        }
    }
    transaction.commit().unwrap();
    Place::new(Arc::clone(place.store()), &copy).unwrap()
}

fn beside(ledger: &Path, suffix: &str) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Gives up at the first request that was not sent.
fn policy() -> Policy {
    Policy {
        sender_id: None,
        schedule: Schedule::default(),
        limit: None,
        max_unknown: 3,
        split_bad_numbers: false,
        give_up_after: Duration::ZERO,
        backoff: SHORT,
    }
}

/// Waits for tests that run through thousands of them.
const SHORT: Backoff = Backoff {
    first: Duration::from_millis(1),
    longest: Duration::from_millis(2),
};

struct Run {
    stop: Option<StopReason>,
    ending: Ending,
}

fn send(
    ledger: impl Into<Location>,
    workers: usize,
    policy: &Policy,
    responder: Arc<Responder>,
) -> Run {
    send_until(&StopToken::default(), ledger, workers, policy, responder)
}

fn send_until(
    stop: &StopToken,
    ledger: impl Into<Location>,
    workers: usize,
    policy: &Policy,
    responder: Arc<Responder>,
) -> Run {
    send_watched(&NoProgress, stop, ledger, workers, policy, responder)
}

fn send_watched(
    progress: &dyn Progress,
    stop: &StopToken,
    ledger: impl Into<Location>,
    workers: usize,
    policy: &Policy,
    responder: Arc<Responder>,
) -> Run {
    send_with(
        progress,
        &mut NoLists,
        stop,
        ledger,
        workers,
        policy,
        responder,
    )
}

fn send_with(
    progress: &dyn Progress,
    lists: &mut dyn Lists,
    stop: &StopToken,
    ledger: impl Into<Location>,
    workers: usize,
    policy: &Policy,
    responder: Arc<Responder>,
) -> Run {
    let gateways = (0..workers)
        .map(|_| Box::new(FakeGateway(responder.clone())) as Box<dyn Gateway>)
        .collect();
    // A rate too high to wait for. With it batches are claimed after they are taken, without it together.
    let fast = Rate::new(NonZeroU32::MAX, Duration::from_secs(5));
    let throttle = Throttle::new(fast.filter(|_| workers.is_multiple_of(2)), NonZeroU32::MAX);
    let ending = run(
        open(ledger),
        gateways,
        &throttle,
        policy,
        stop,
        &timestamp,
        progress,
        lists,
    )
    .unwrap();
    Run {
        stop: stop.reason(),
        ending,
    }
}

/// Answers with these outcomes in turn, then accepts.
fn in_turn(outcomes: Vec<Outcomes>) -> Arc<Responder> {
    let next = AtomicUsize::new(0);
    Arc::new(move |_| {
        let turn = next.fetch_add(1, Ordering::SeqCst);
        outcomes
            .get(turn)
            .cloned()
            .unwrap_or(Outcomes::All(accepted()))
    })
}

fn always(outcome: Outcome) -> Arc<Responder> {
    Arc::new(move |_| Outcomes::All(outcome.clone()))
}

fn accepted() -> Outcome {
    Outcome::Accepted {
        code: Code(2000),
        trx_id: None,
    }
}

fn refused(code: i32) -> Outcome {
    Outcome::Refused {
        code: Code(code),
        kind: Code(code).refusal_kind(),
    }
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

/// Throttled, with leave to try again at once.
fn throttled() -> Outcome {
    Outcome::Throttled {
        after: Some(Duration::ZERO),
    }
}

fn stopped() -> Outcome {
    Outcome::AccountStopped {
        code: Code(-1004),
        why: "no credits".to_owned(),
    }
}

fn no_answers(incomplete: u64, requests: u64) -> StopReason {
    StopReason::Unknown {
        incomplete,
        requests,
    }
}

fn attempts(ledger: impl Into<Location>) -> u64 {
    snapshot(ledger).unwrap().totals().unwrap().attempts
}

fn every_outcome_is_settled(new: New) {
    use Status::{Accepted, Pending, Refused, Unknown};
    let table = [
        (accepted(), [Accepted, Accepted, Accepted], None, 2, 2),
        (refused(-1005), [Refused; 3], None, 2, 2),
        (no_answer(), [Unknown; 3], None, 2, 2),
        (
            stopped(),
            [Pending; 3],
            Some(StopReason::Account(Code(-1004))),
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
        let ledger = new();
        plan(&ledger, &[2, 1]);
        let run = send(&ledger, 1, &policy(), always(outcome.clone()));
        assert_eq!(statuses(&ledger), expected, "{outcome:?}");
        assert_eq!(run.stop, stop, "{outcome:?}");
        assert_eq!(run.ending.requests, requests, "{outcome:?}");
        assert_eq!(attempts(&ledger), tries, "{outcome:?}");
        assert_eq!(run.ending.error, None);
        assert_adds_up(&ledger);
    }
}

#[test]
fn where_no_connection_can_be_made_the_run_stops_with_the_cause() {
    let (_folder, ledger) = temp_ledger();
    plan(&ledger, &[2, 1]);
    let why = "its certificate has expired".to_owned();
    let patient = Policy {
        give_up_after: Duration::MAX,
        ..policy()
    };
    let cannot_connect = Outcome::CannotConnect { why: why.clone() };
    let run = send(&ledger, 1, &patient, always(cannot_connect));
    assert_eq!(statuses(&ledger), [Status::Pending; 3]);
    assert_eq!(run.stop, Some(StopReason::Error));
    assert_eq!((run.ending.requests, attempts(&ledger)), (0, 1));
    assert_eq!(run.ending.error.map(|error| error.to_string()), Some(why));
    assert_adds_up(&ledger);
}

fn each_recipient_has_its_own_answer(new: New) {
    let ledger = new();
    plan(&ledger, &[4, 1]);
    let mixed = Outcomes::Each(vec![accepted(), refused(-1009), no_answer(), stopped()]);
    let run = send(&ledger, 1, &policy(), in_turn(vec![mixed]));
    use Status::{Accepted, Pending, Refused, Unknown};
    assert_eq!(
        statuses(&ledger),
        [Accepted, Refused, Unknown, Pending, Pending]
    );
    assert_eq!(run.stop, Some(StopReason::Account(Code(-1004))));
    assert_adds_up(&ledger);
}

fn every_try_of_a_batch_has_its_own_claim(new: New) {
    let ledger = new();
    plan(&ledger, &[2]);
    let retrying = Policy {
        give_up_after: Duration::from_millis(5),
        ..policy()
    };
    let run = send(
        &ledger,
        1,
        &retrying,
        in_turn(vec![Outcomes::All(not_sent())]),
    );
    assert_eq!((run.stop, run.ending.requests), (None, 1));
    assert_eq!(statuses(&ledger), [Status::Accepted; 2]);
    assert_eq!(attempts(&ledger), 2);
    drop(run);

    let ledger = new();
    plan(&ledger, &[1]);
    let retrying = Policy {
        give_up_after: Duration::MAX,
        ..policy()
    };
    let throttled = vec![Outcomes::All(throttled()); 3];
    let run = send(&ledger, 1, &retrying, in_turn(throttled));
    assert_eq!((run.stop, run.ending.requests), (None, 4));
    assert_eq!(attempts(&ledger), 4);
    assert_adds_up(&ledger);
}

fn the_ledger_knows_which_outcomes_prove_that_nothing_was_sent(new: New) {
    for (outcome, sent) in [
        (accepted(), true),
        (refused(-1005), true),
        (no_answer(), true),
        (stopped(), false),
        (not_sent(), false),
        (throttled(), false),
    ] {
        let ledger = new();
        plan(&ledger, &[1]);
        send(&ledger, 1, &policy(), always(outcome.clone()));
        assert_eq!(attempts(&ledger), 1);
        let was_sent = snapshot(&ledger).unwrap().was_sent_from().unwrap();
        assert_eq!(was_sent, sent, "{outcome:?}");
    }
}

fn a_claim_is_durable_before_its_request(new: New) {
    let ledger = new();
    plan(&ledger, &[3; 8]);
    let path = ledger.clone();
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = seen.clone();
    send(
        &ledger,
        4,
        &policy(),
        Arc::new(move |request| {
            let now = statuses(&path);
            for (row, status) in (1..).zip(&now) {
                if is_to(request, number(row)) {
                    assert_eq!(*status, Status::Unknown, "row {row}");
                    counter.fetch_add(1, Ordering::SeqCst);
                }
            }
            Outcomes::All(accepted())
        }),
    );
    assert_eq!(seen.load(Ordering::SeqCst), 24);
    assert_eq!(statuses(&ledger), [Status::Accepted; 24]);
}

fn too_many_numbers_are_halved_even_if_each_has_its_answer(new: New) {
    let ledger = new();
    plan(&ledger, &[4]);
    let answer = |request: &Request<'_>| match request.messages.len() {
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

fn only_the_codes_and_options_that_allow_it_halve_a_batch(new: New) {
    let bad = number(3);
    let one_is_bad = |code| -> Arc<Responder> {
        Arc::new(move |request| {
            Outcomes::All(if is_to(request, bad) {
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
        let ledger = new();
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

fn a_limit_counts_the_recipients_that_were_sent_to(new: New) {
    for limit in [1, 3, 4, 9] {
        let ledger = new();
        plan(&ledger, &[4, 4]);
        let policy = Policy {
            limit: Some(limit),
            ..policy()
        };
        let two_at_most = Arc::new(|request: &Request<'_>| {
            Outcomes::All(if request.messages.len() > 2 {
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
