//! A database server that says nothing any more although its connections stay open: its processes are stopped, or a commit waits
//! for what does not come. The gateway's record shows what was sent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use common::database_proxy::{DatabaseProxy, Stage};
use common::gateway::{Gate, trx_of};
use common::postgres::Server;
use common::program::{Invocation, Run};
use common::{Gateway, Program, Reply, count_statuses, counts, own_texts, wait_for};

/// A campaign `may` in a database of a server that a test can stop.
struct Stored {
    server: Arc<Server>,
    program: Program,
    url: String,
}

/// `None`: there is no PostgreSQL on this machine.
fn planned(rows: usize) -> Option<Stored> {
    let server = Server::own()?;
    // A server that is not there is noticed sooner.
    let url = server.database("silent") + "?connect_timeout=1";
    let program = Program::with(&[("may.csv", &own_texts(rows))]);
    program.run(&["plan", "may.csv", "--store", &url]).exits(0);
    Some(Stored {
        server: Arc::new(server),
        program,
        url,
    })
}

impl Stored {
    /// `send`, which gives up soon.
    fn sending(&self, gateway: &Gateway, more: &[&str]) -> Invocation<'_> {
        let words = [&["may", "--give-up-after", "3s"], more].concat();
        self.sending_to(&self.url, gateway, &words)
    }

    /// `send` through another way to the database.
    fn sending_to(&self, url: &str, gateway: &Gateway, words: &[&str]) -> Invocation<'_> {
        let words = [words, &["--store", url]].concat();
        self.program.send_command(&gateway.url(), &words)
    }

    fn run(&self, words: &[&str]) -> Run {
        self.program.run(&[words, &["--store", &self.url]].concat())
    }

    fn statuses(&self) -> BTreeMap<String, usize> {
        self.run(&["results", "may"]).exits(0);
        count_statuses(&self.program.results("may.results.csv"))
    }

    /// Once the server answers again, the rest is sent by another run: nothing twice, and no more unknown than this.
    fn ends(&self, gateway: &Gateway, rows: usize, most_unknown: usize) {
        let last = self.sending_to(&self.url, gateway, &["may"]).run();
        last.shows(matches!(last.code, Some(0 | 5)), "it goes to the end");
        gateway.assert_nothing_twice();
        let statuses = self.statuses();
        let of = |status: &str| statuses.get(status).copied().unwrap_or_default();
        assert!(of("unknown") <= most_unknown, "{statuses:?}");
        assert_eq!(of("accepted") + of("unknown"), rows, "{statuses:?}");
        self.run(&["verify", "may"]).exits(0);
    }
}

/// Requests are made and answered, and then the server is stopped: neither their outcomes nor the next claims can be written.
#[test]
fn a_server_that_is_stopped_while_requests_are_under_way_ends_the_run() {
    let Some(store) = planned(12) else { return };
    let server = store.server.clone();
    let gateway = Gateway::new(move |_, nth| {
        if nth == 4 {
            server.signal("STOP");
        }
        Reply::accepted(trx_of(nth))
    });
    let run = store.sending(&gateway, &["--concurrency", "3"]).run();
    run.exits(75)
        .says(&["the database cannot be reached", "has not answered"]);
    store.server.signal("CONT");
    store.ends(&gateway, 12, 3);
}

/// The server is stopped when a commit has been sent to it that settles one request and claims the next.
#[test]
fn a_claim_that_a_silent_server_commits_later_is_not_sent() {
    is_not_sent_when_stopped(Stage::Commit);
}

/// The server is stopped when it has carried that commit out and before its confirmation is read.
#[test]
fn a_claim_that_a_silent_server_did_not_confirm_is_not_sent() {
    is_not_sent_when_stopped(Stage::Confirmation);
}

/// The commit becomes durable, in any case, and the request that it claims is not made.
fn is_not_sent_when_stopped(at: Stage) {
    let Some(store) = planned(6) else { return };
    let gateway = Arc::new(Gateway::accepting());
    let (server, requests) = (store.server.clone(), gateway.clone());
    let (is_stopped, is_over) = (AtomicBool::new(false), Gate::closed());
    let over = is_over.clone();
    let proxy = DatabaseProxy::new(&store.server.socket(), move |_, stage| {
        if stage == at && requests.count() == 3 && !is_stopped.swap(true, Ordering::SeqCst) {
            server.signal("STOP");
            if at == Stage::Confirmation {
                // It stays in the network.
                over.pass();
            }
        }
        true
    });
    let through_proxy = proxy.url("silent") + "?connect_timeout=1";
    let words = ["may", "--concurrency", "1", "--give-up-after", "3s"];
    let run = store.sending_to(&through_proxy, &gateway, &words).run();
    run.exits(75).says(&["the database cannot be reached"]);
    assert_eq!(gateway.count(), 3);
    store.server.signal("CONT");
    is_over.open();
    let mut database = store.server.connect("silent");
    let gone = "SELECT NOT EXISTS (SELECT 1 FROM isms_campaign.live_sender)";
    wait_for("the sender's session to end", || {
        store
            .server
            .connect("silent")
            .query_one(gone, &[])
            .unwrap()
            .get(0)
    });
    store.ends(&gateway, 6, 1);
    assert_eq!(gateway.count(), 5);
    assert_eq!(store.statuses(), counts(&[("accepted", 5), ("unknown", 1)]));
    // A person knows that it was not sent.
    let sql = "UPDATE isms_campaign.attempt SET claimed = claimed - interval '1 hour'";
    database.batch_execute(sql).unwrap();
    store
        .run(&["resolve", "may", "--all", "--as", "not-sent"])
        .exits(0);
    store.ends(&gateway, 6, 0);
}

/// What was claimed when the server fell silent is too old when it answers again: it is claimed anew.
#[test]
fn a_run_goes_on_when_the_server_answers_again() {
    let Some(store) = planned(12) else { return };
    let server = store.server.clone();
    let gateway = Gateway::new(move |_, nth| {
        if nth == 4 {
            server.signal("STOP");
            let server = server.clone();
            thread::spawn(move || {
                // Longer than a claim may be old, and than a silent server is waited for.
                thread::sleep(Duration::from_secs(9));
                server.signal("CONT");
            });
        }
        Reply::accepted(trx_of(nth))
    });
    let run = store.sending_to(&store.url, &gateway, &["may"]).run();
    run.exits(0).says(&[
        "The database cannot be reached: it has not answered for",
        "The database answers again, after",
    ]);
    assert_eq!(gateway.count(), 12);
    assert_eq!(store.statuses(), counts(&[("accepted", 12)]));
    store.run(&["verify", "may"]).exits(0);
}

#[test]
fn an_interrupt_ends_a_run_whose_server_is_silent() {
    let Some(store) = planned(6) else { return };
    let (server, gate) = (store.server.clone(), Gate::closed());
    let stopped = gate.clone();
    let gateway = Gateway::new(move |_, nth| {
        if nth == 2 {
            server.signal("STOP");
            stopped.open();
        }
        Reply::accepted(trx_of(nth))
    });
    let sender = store.sending_to(&store.url, &gateway, &["may"]).start();
    gate.pass();
    sender.signal("INT");
    let run = sender.wait();
    run.exits(130);
    assert!(run.elapsed < Duration::from_secs(50), "{run}");
    store.server.signal("CONT");
    store.ends(&gateway, 6, 4);
}

/// A command that only asks is refused soon, a `send` after a while.
#[test]
fn a_server_that_is_silent_from_the_beginning_ends_every_command_with_75() {
    let Some(store) = planned(1) else { return };
    store.server.signal("STOP");
    let gateway = Gateway::accepting();
    let plan = ["plan", "may.csv"];
    for words in [&["status", "may"][..], &["campaigns"], &plan] {
        let run = store.run(words);
        run.exits(75).says(&["has not answered for 2 seconds"]);
        assert!(run.elapsed < Duration::from_secs(20), "{run}");
    }
    let run = store.sending(&gateway, &[]).run();
    run.exits(75).says(&["Trying again", "has not answered"]);
    assert!(run.elapsed >= Duration::from_secs(3), "{run}");
    assert_eq!(gateway.count(), 0);
    store.server.signal("CONT");
    store.ends(&gateway, 1, 0);
}

/// A standby must confirm commits, and there is none. The sender's session ends while its claim waits for that: the claim is in the
/// database then, but would be lost with this server.
#[test]
fn what_no_standby_confirms_is_not_sent() {
    let Some(store) = planned(5) else { return };
    let server = store.server.clone();
    let gateway = Gateway::new(move |_, nth| {
        if nth == 2 {
            require_standby(&server);
            let mut database = server.connect("silent");
            thread::spawn(move || {
                let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                           WHERE wait_event = 'SyncRep' AND application_name = 'isms-campaign'";
                while database.query_one(sql, &[]).unwrap().get::<_, i64>(0) == 0 {
                    thread::sleep(Duration::from_millis(10));
                }
            });
        }
        Reply::accepted(trx_of(nth))
    });
    let run = store.sending(&gateway, &["--concurrency", "1"]).run();
    run.exits(75).says(&["the database cannot be reached"]);
    assert_eq!(gateway.count(), 3);
    let mut database = store.server.connect("silent");
    for sql in [
        "ALTER SYSTEM RESET synchronous_standby_names",
        "SELECT pg_reload_conf()",
    ] {
        database.batch_execute(sql).unwrap();
    }
    store.ends(&gateway, 5, 1);
}

/// Returns once commits wait for a standby that does not exist.
fn require_standby(server: &Server) {
    let mut committing = server.connect("silent");
    for sql in [
        "ALTER SYSTEM SET synchronous_standby_names = 'nobody'",
        "SELECT pg_reload_conf()",
        "SET synchronous_commit = on",
    ] {
        committing.batch_execute(sql).unwrap();
    }
    let waits = Arc::new(AtomicBool::new(false));
    let is_seen = waits.clone();
    thread::spawn(move || {
        while !is_seen.load(Ordering::SeqCst) {
            committing
                .batch_execute("SELECT pg_logical_emit_message(true, '', '')")
                .unwrap();
        }
    });
    let mut watching = server.connect("silent");
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep')";
    while !watching.query_one(sql, &[]).unwrap().get::<_, bool>(0) {
        thread::sleep(Duration::from_millis(10));
    }
    waits.store(true, Ordering::SeqCst);
}
