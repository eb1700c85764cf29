//! Hosts that the network parts from the database but not from the gateway, and the reverse. Packets are lost without an error: the
//! parted host, the database and another host each have to notice it for themselves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod common;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use common::gateway::{Gate, trx_of};
use common::network::Network;
use common::postgres::Server;
use common::program::{Invocation, Run};
use common::{Gateway, Program, Reply, count_statuses, counts, own_texts, wait_for};

const ROWS: usize = 30;

/// How many requests each host makes at a time.
const CONCURRENCY: usize = 3;

/// These requests are under way when the host is parted.
const UNDER_WAY: std::ops::Range<usize> = 6..6 + CONCURRENCY;

/// A server with a network of its own.
struct Database {
    server: Server,
    network: Network,
}

/// `None`: there is no PostgreSQL here, or there are no namespaces.
fn database() -> Option<&'static Database> {
    static DATABASE: OnceLock<Option<Database>> = OnceLock::new();
    let made = DATABASE.get_or_init(|| {
        let network = Network::new()?;
        let server = network.inside(|| Server::listening("*"))?;
        Some(Database { server, network })
    });
    made.as_ref()
}

/// A campaign `may`, a gateway outside, and a host in a network of its own with a link to the database's.
struct Parted {
    database: &'static Database,
    name: String,
    program: Program,
    gateway: Gateway,
    /// Where the requests wait that are under way.
    answers: Gate,
    host: Network,
    nth: u8,
}

fn planned() -> Option<Parted> {
    static HOSTS: AtomicU8 = AtomicU8::new(1);
    let database = database()?;
    let nth = HOSTS.fetch_add(1, Ordering::SeqCst);
    let host = Network::new()?;
    database.network.link(&host, nth);
    let answers = Gate::closed();
    let behind = answers.clone();
    let gateway = Gateway::new(move |_, nth| {
        let reply = Reply::accepted(trx_of(nth));
        match nth {
            nth if UNDER_WAY.contains(&nth) => reply.behind(&behind),
            _ => reply,
        }
    });
    let parted = Parted {
        name: format!("parted_{nth}"),
        program: Program::with(&[("may.csv", &own_texts(ROWS))]),
        database,
        gateway,
        answers,
        host,
        nth,
    };
    database.server.database(&parted.name);
    parted.run(&["plan", "may.csv"]).exits(0);
    Some(parted)
}

impl Parted {
    /// `send` on the host.
    fn on_host(&self, more: &[&str]) -> Invocation<'_> {
        let gateway = self.host.relay(self.gateway.address());
        let url = format!(
            "postgresql://postgres@10.99.{}.1/{}?sslmode=disable&connect_timeout=1",
            self.nth, self.name
        );
        let concurrency = CONCURRENCY.to_string();
        let words = ["may", "--concurrency", &concurrency, "--store", &url];
        self.program
            .send_command(&format!("http://{gateway}/"), &[&words[..], more].concat())
            .within(&self.host.enter())
    }

    /// `send` elsewhere, until nothing is left.
    fn elsewhere(&self) -> Run {
        let url = self.database.server.url(&self.name);
        self.program.send(&self.gateway, &["may", "--store", &url])
    }

    fn run(&self, words: &[&str]) -> Run {
        let url = self.database.server.url(&self.name);
        self.program.run(&[words, &["--store", &url]].concat())
    }

    /// Packets between the host and the database are lost from now on, or arrive again.
    fn link_to_database(&self, state: &str) {
        let network = &self.database.network;
        network.ip(&format!("link set dev link{} {state}", self.nth));
    }

    fn link_to_gateway(&self, state: &str) {
        self.host.ip(&format!("link set dev lo {state}"));
    }

    /// Nothing twice, nothing lost, and no more in doubt than what was under way. Returns how many rows have each status.
    fn check(&self) -> BTreeMap<String, usize> {
        self.gateway.assert_nothing_twice();
        self.run(&["verify", "may"]).exits(0);
        self.run(&["results", "may"]).exits(0);
        let statuses = count_statuses(&self.program.results("may.results.csv"));
        let of = |status: &str| statuses.get(status).copied().unwrap_or_default();
        assert!(of("unknown") <= CONCURRENCY, "{statuses:?}");
        assert_eq!(of("accepted") + of("unknown"), ROWS, "{statuses:?}");
        statuses
    }
}

/// What was under way is unknown, all else was sent.
fn some_unknown() -> BTreeMap<String, usize> {
    counts(&[("accepted", ROWS - CONCURRENCY), ("unknown", CONCURRENCY)])
}

/// It gives up, and the server notices that it is gone. What it had under way is unknown, another host sends the rest.
#[test]
fn a_host_without_the_database_gives_up_and_another_takes_over() {
    let Some(parted) = planned() else { return };
    let host = parted.on_host(&["--give-up-after", "3s"]).start();
    parted.gateway.wait_for_requests(UNDER_WAY.end);
    parted.link_to_database("down");
    parted.answers.open();
    let run = host.wait();
    run.exits(75).says(&["the database cannot be reached"]);
    assert!(run.elapsed < Duration::from_secs(45), "{run}");
    assert_eq!(parted.gateway.count(), UNDER_WAY.end);
    parted.elsewhere().exits(5);
    assert_eq!(parted.check(), some_unknown());
}

/// It is taken for gone while its requests are answered, and another host sends the rest. When it has the database again, it writes
/// down what it was answered.
#[test]
fn a_host_that_was_parted_from_the_database_records_late_answers() {
    let Some(parted) = planned() else { return };
    let host = parted.on_host(&[]).start();
    parted.gateway.wait_for_requests(UNDER_WAY.end);
    parted.link_to_database("down");
    parted.answers.open();
    // The server does not wait until it notices.
    let mut database = parted.database.server.connect(&parted.name);
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1769172307
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    database.query(sql, &[]).unwrap();
    parted.elsewhere().exits(5);
    parted.link_to_database("up");
    host.wait().exits(0);
    assert_eq!(parted.check(), counts(&[("accepted", ROWS)]));
}

/// Its requests under way are unknown, those that it cannot make are not. It goes on when it has the gateway again.
#[test]
fn a_host_without_the_gateway_for_a_while_goes_on_after_it() {
    let Some(parted) = planned() else { return };
    let more = ["--timeout", "3", "--max-unknown", "0"];
    let host = parted.on_host(&more).start();
    parted.gateway.wait_for_requests(UNDER_WAY.end);
    parted.link_to_gateway("down");
    parted.answers.open();
    wait_for("its requests to be unknown", || {
        let mut database = parted.database.server.connect(&parted.name);
        let sql = "SELECT count(*) FROM isms_campaign.batch WHERE state = 'unknown'";
        database.query_one(sql, &[]).unwrap().get::<_, i64>(0) == 3
    });
    parted.link_to_gateway("up");
    host.wait().exits(5);
    assert_eq!(parted.check(), some_unknown());
}

/// It gives the gateway up, and leaves to others what it could not send.
#[test]
fn a_host_without_the_gateway_gives_up_and_another_takes_over() {
    let Some(parted) = planned() else { return };
    let more = [
        "--timeout",
        "3",
        "--max-unknown",
        "0",
        "--give-up-after",
        "2s",
    ];
    let host = parted.on_host(&more).start();
    parted.gateway.wait_for_requests(UNDER_WAY.end);
    parted.link_to_gateway("down");
    parted.answers.open();
    let run = host.wait();
    run.exits(75);
    assert!(run.elapsed < Duration::from_secs(45), "{run}");
    parted.elsewhere().exits(5);
    assert_eq!(parted.check(), some_unknown());
}
