//! Senders of a campaign in a database that are suspended at the worst moment, or cut off from it for longer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use common::database_proxy::{DatabaseProxy, Stage};
use common::gateway::trx_of;
use common::program::Victim;
use common::{Gateway, Program, Reply, count_statuses, counts, own_texts, people, postgres};

/// What a campaign `may` needs whose sender begins by its name.
const ALONE: [&str; 3] = ["may", "--concurrency", "1"];

/// A campaign of this many batches in a database of this name.
fn planned(name: &str, rows: usize) -> Option<(&'static postgres::Server, String, Program)> {
    let server = postgres::server()?;
    let store = server.database(name);
    let program = Program::with(&[("may.csv", &own_texts(rows))]);
    program
        .run(&["plan", "may.csv", "--store", &store])
        .exits(0);
    Some((server, store, program))
}

/// How many requests are under way.
fn under_way(server: &postgres::Server, database: &str) -> i64 {
    let sql = "SELECT count(*) FROM isms_campaign.attempt WHERE outcome IS NULL";
    server.connect(database).query_one(sql, &[]).unwrap().get(0)
}

/// A host is suspended when its claim is durable, before it has learned of that and made the request. It is taken for gone, a person
/// resolves the row, another sender sends it. When the host is there again, it sends nothing of it.
#[test]
fn a_sender_suspended_between_claim_and_request_sends_nothing() {
    let Some((server, store, program)) = planned("suspended", 3) else {
        return;
    };
    let gateway = Gateway::accepting();
    let (victim, stopped) = (Victim::new(), Arc::new(AtomicBool::new(false)));
    let (to_stop, is_stopped) = (victim.clone(), stopped.clone());
    let proxy = DatabaseProxy::new(&server.socket(), move |_, at| {
        // The first request is made and answered. The second is claimed.
        let claimed = at == Stage::Confirmation && under_way(server, "suspended") > 0;
        let is_second = claimed && attempts(server) == 2;
        if is_second && !is_stopped.load(Ordering::SeqCst) {
            to_stop.signal("STOP");
            is_stopped.store(true, Ordering::SeqCst);
        }
        true
    });
    let through_proxy = proxy.url("suspended");
    let words = [&ALONE[..], &["--store", &through_proxy]].concat();
    let sender = program.send_command(&gateway.url(), &words).start();
    victim.is(&sender);
    while !stopped.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(5));
    }
    let mut database = server.connect("suspended");
    for sql in [
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1769172307",
        "UPDATE isms_campaign.attempt SET claimed = claimed - interval '1 hour'",
    ] {
        database.batch_execute(sql).unwrap();
    }
    while !lock_is_free(&mut database) {
        thread::sleep(Duration::from_millis(5));
    }
    let run = |words: &[&str]| program.run(&[words, &["--store", &store]].concat());
    run(&["resolve", "may", "--all", "--as", "not-sent"]).exits(0);
    let other = [&ALONE[..], &["--store", &store]].concat();
    program.send(&gateway, &other).exits(0);
    assert_eq!(gateway.requests().len(), 3);
    // Longer than a claim may be old.
    thread::sleep(Duration::from_secs(6));
    sender.signal("CONT");
    sender.wait().exits(0);
    assert_eq!(gateway.requests().len(), 3, "nothing was sent twice");
    run(&["verify", "may"]).exits(0);
    run(&["results", "may"]).exits(0);
    let rows = program.results("may.results.csv");
    assert_eq!(count_statuses(&rows), counts(&[("accepted", 3)]));
}

fn attempts(server: &postgres::Server) -> i64 {
    let sql = "SELECT count(*) FROM isms_campaign.attempt";
    server
        .connect("suspended")
        .query_one(sql, &[])
        .unwrap()
        .get(0)
}

fn lock_is_free(database: &mut ::postgres::Client) -> bool {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM isms_campaign.live_sender)";
    database.query_one(sql, &[]).unwrap().get(0)
}

/// A request is answered while the database cannot be reached: the answer is written when it is back.
#[test]
fn what_is_answered_during_an_outage_is_written_after_it() {
    let Some((server, store, program)) = planned("outage", 5) else {
        return;
    };
    let failures = Arc::new(AtomicU32::new(0));
    let counted = failures.clone();
    let proxy = DatabaseProxy::new(&server.socket(), move |nth, _| {
        // After the first commits, it is lost again and again.
        let is_lost = nth > 3 && counted.fetch_add(1, Ordering::SeqCst) < 3;
        !is_lost
    });
    let gateway = Gateway::accepting();
    let through_proxy = proxy.url("outage");
    let words = [&ALONE[..], &["--store", &through_proxy]].concat();
    let run = program.send(&gateway, &words);
    run.exits(0);
    let told = |words: &str| run.stderr.matches(words).count();
    let lost = told("The database cannot be reached: ");
    assert!(
        lost > 0 && lost == told("The database answers again, after "),
        "{run}"
    );
    for wrong in ["run again", "The gateway takes", "Not sent yet"] {
        assert_eq!(told(wrong), 0, "{run}");
    }
    assert!(failures.load(Ordering::SeqCst) >= 3);
    assert_eq!(gateway.requests().len(), 5);
    program.run(&["verify", "may", "--store", &store]).exits(0);
}

#[test]
fn a_database_that_is_gone_for_too_long_ends_the_run_with_75() {
    let Some((server, store, program)) = planned("gone", 5) else {
        return;
    };
    let is_gone = Arc::new(AtomicBool::new(false));
    let goes = is_gone.clone();
    let gateway = Gateway::new(move |_, nth| {
        goes.store(nth == 2, Ordering::SeqCst);
        Reply::accepted(trx_of(nth))
    });
    let proxy = DatabaseProxy::new(&server.socket(), move |_, _| {
        !is_gone.load(Ordering::SeqCst)
    });
    let through_proxy = proxy.url("gone");
    let more = ["--store", &*through_proxy, "--give-up-after", "2s"];
    let run = program.send(&gateway, &[&ALONE[..], &more].concat());
    run.exits(75).says(&["database"]);
    let made = gateway.requests().len();
    // What it had under way is unknown, and nothing is sent twice.
    program
        .send(
            &Gateway::accepting(),
            &[&ALONE[..], &["--store", &store]].concat(),
        )
        .exits(5);
    assert_eq!(made, 3);
    program.run(&["results", "may", "--store", &store]).exits(0);
    let rows = program.results("may.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("accepted", 4), ("unknown", 1)])
    );
}

/// A claim takes so long to become durable that its request comes too late. The next one is in time, however long a batch takes at the
/// rate.
#[test]
fn after_a_claim_that_came_too_late_the_next_one_is_in_time() {
    let Some(server) = postgres::server() else {
        return;
    };
    let store = server.database("late");
    let program = Program::with(&[("may.csv", &people(12))]);
    let text = ["--message", "KedaiKu: we are open", "--batch-size", "12"];
    program
        .run(&[&["plan", "may.csv", "--store", &store], &text[..]].concat())
        .exits(0);
    let was_slow = AtomicBool::new(false);
    let proxy = DatabaseProxy::new(&server.socket(), move |_, at| {
        let is_claimed = at == Stage::Confirmation && under_way(server, "late") > 0;
        if is_claimed && !was_slow.swap(true, Ordering::SeqCst) {
            thread::sleep(Duration::from_secs(6));
        }
        true
    });
    let gateway = Gateway::accepting();
    let through_proxy = proxy.url("late");
    let more = ["--rate", "1/s", "--give-up-after", "20s", "--store"];
    program
        .send(&gateway, &[&ALONE[..], &more, &[&through_proxy]].concat())
        .exits(0)
        .says(&["too much time had passed"]);
    assert_eq!(gateway.requests().len(), 1);
}
