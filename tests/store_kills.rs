//! Three senders of one campaign in a database: they are killed at random moments, stopped for a while and continued, cut off from
//! the database, and the server is restarted under them. The sandbox runs in another process, and its outbox is the record.
//!
//! With more kills (many minutes): `KILLS=3000 cargo test --release --test store_kills -- --ignored --nocapture`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod common;

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use common::postgres::{self, Server};
use common::program::{Run, Running, is_running};
use common::{PASSWORD, Program, Sandbox, count_statuses, people, rows_in_are_rows_out};

/// How many send at once.
const SENDERS: usize = 3;

/// What happens to the senders or the server.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    /// A sender is killed.
    Kill,
    /// A sender is stopped for a moment.
    Stop,
    /// All connections to the database are cut.
    Cut,
    /// The server is restarted in this way.
    Restart(&'static str),
}

/// A campaign and how it is treated.
struct Treatment<'a> {
    server: &'a Server,
    /// The name of its database.
    name: String,
    rows: usize,
    message: &'static str,
    batch_size: usize,
    concurrency: usize,
    /// The most events.
    events: usize,
    /// One of these is drawn for each.
    kinds: &'a [Event],
    seed: u64,
}

impl Treatment<'_> {
    /// Sends the campaign to its end, with as many events as it may have. Returns how many there were.
    fn apply(&self) -> usize {
        let program = Program::with(&[("customers.csv", &people(self.rows))]);
        let sandbox = Sandbox::start(&program, &[]);
        let store = self.server.database(&self.name);
        let random = &mut fastrand::Rng::with_seed(self.seed);
        let taken = || std::fs::metadata(program.path("outbox.csv")).map_or(0, |file| file.len());
        let mut senders: Vec<Running> = Vec::new();
        let (mut events, mut kills, mut is_done) = (0, 0, false);
        while events < self.events && !is_done {
            while senders.len() < SENDERS {
                senders.push(self.start(
                    &program,
                    &sandbox,
                    &store,
                    taken() > 100 && random.bool(),
                ));
            }
            // In the middle of sending, and sometimes when they have hardly begun.
            let due = taken() + random.u64(0..15) * 100;
            let patience = Instant::now() + Duration::from_millis(random.u64(20..1500));
            while taken() <= due && Instant::now() < patience {
                thread::sleep(Duration::from_micros(200));
            }
            events += 1;
            let nth = random.usize(..senders.len());
            match self.kinds[random.usize(..self.kinds.len())] {
                Event::Kill => {
                    let run = senders.swap_remove(nth).killed_after(Duration::ZERO);
                    kills += usize::from(run.signal.is_some());
                    is_done |= self.has_ended(&run);
                }
                Event::Stop => {
                    senders[nth].signal("STOP");
                    thread::sleep(Duration::from_millis(random.u64(1..300)));
                    senders[nth].signal("CONT");
                }
                Event::Cut => {
                    let mut client = self.server.connect("postgres");
                    let sql =
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
                    client.execute(sql, &[&self.name]).unwrap();
                }
                Event::Restart(how) => self.server.restart(how),
            }
            for nth in (0..senders.len()).rev() {
                if !is_running(senders[nth].pid) {
                    is_done |= self.has_ended(&senders.swap_remove(nth).wait());
                }
            }
        }
        for sender in senders {
            self.has_ended(&sender.wait());
        }
        let last = self.start(&program, &sandbox, &store, false).wait();
        last.shows(
            matches!(last.code, Some(0 | 5)),
            "the last run goes to the end",
        );
        self.check(&program, &store, kills);
        println!("{}: {events} events, {kills} kills", self.name);
        events
    }

    /// A sender that knows the campaign's name, or has the spreadsheet.
    fn start(&self, program: &Program, sandbox: &Sandbox, store: &str, by_name: bool) -> Running {
        let (batch_size, concurrency) = (self.batch_size.to_string(), self.concurrency.to_string());
        let mut words = vec!["customers"];
        if !by_name {
            words = vec![
                "customers.csv",
                "--message",
                self.message,
                "--batch-size",
                &batch_size,
            ];
        }
        words.extend([
            "--concurrency",
            &concurrency,
            "--max-unknown",
            "0",
            "--store",
            store,
        ]);
        program.send_command(&sandbox.url, &words).start()
    }

    /// Whether a sender came to its end, and the campaign with it.
    fn has_ended(&self, run: &Run) -> bool {
        // One that begins while the database cannot be reached may end at once.
        let loses_database = self
            .kinds
            .iter()
            .any(|kind| !matches!(kind, Event::Kill | Event::Stop));
        let is_unreachable = run.code == Some(75) && loses_database;
        let is_done = matches!(run.code, Some(0 | 5));
        run.shows(
            is_done || is_unreachable || run.signal.is_some(),
            "a sender ends with everything sent or unknown",
        );
        is_done
    }

    /// The gateway's record against the results: nothing twice, nothing lost, nothing made up, and no more in doubt than there can be.
    fn check(&self, program: &Program, store: &str, kills: usize) {
        let what = format!("{}, seed {}, {kills} kills", self.name, self.seed);
        let run = |words: &[&str]| program.run(&[words, &["--store", store]].concat());
        run(&["results", "customers"]).exits(0);
        let rows = rows_in_are_rows_out(program, "customers.csv", "customers.results.csv");
        let mut taken = BTreeSet::new();
        for message in program.results("outbox.csv") {
            let pair = (message["to"].clone(), message["message"].clone());
            assert!(taken.insert(pair), "{what}: twice: {message:?}");
        }
        for row in &rows {
            let went_out = taken.contains(&(row["sms_to"].clone(), row["sms_message"].clone()));
            let is_right = match &*row["sms_status"] {
                "accepted" => went_out,
                status => status == "unknown",
            };
            assert!(is_right, "{what}: {row:?}");
        }
        let unknown = count_statuses(&rows)
            .get("unknown")
            .copied()
            .unwrap_or_default();
        let most = kills * self.concurrency * self.batch_size;
        assert!(
            unknown <= most,
            "{what}: {unknown} unknown, and not {most} at most"
        );
        run(&["verify", "customers"]).exits(0);
        program.no_secret_anywhere(PASSWORD);
    }
}

/// Campaign after campaign until there were this many events.
fn at_least(events: usize, server: &Server, name: &str, kinds: &[Event]) {
    let (mut so_far, mut campaigns) = (0, 0);
    while so_far < events {
        campaigns += 1;
        assert!(
            campaigns <= events,
            "a campaign without events proves nothing"
        );
        let in_batches = campaigns % 2 == 0;
        so_far += Treatment {
            server,
            name: format!("{name}_{campaigns}"),
            rows: if in_batches { 1500 } else { 500 },
            message: if in_batches {
                "KedaiKu: we are open"
            } else {
                "KedaiKu: {{ name }}, we are open"
            },
            batch_size: if in_batches { 3 } else { 1 },
            concurrency: if in_batches { 2 } else { 4 },
            events: events - so_far,
            kinds,
            seed: u64::try_from(campaigns).unwrap(),
        }
        .apply();
    }
}

#[test]
fn killed_at_random() {
    if let Some(server) = postgres::server() {
        at_least(300, server, "killed", &[Event::Kill]);
    }
}

#[test]
fn killed_stopped_and_cut_off_at_random() {
    if let Some(server) = postgres::server() {
        at_least(60, server, "mixed", &[Event::Kill, Event::Stop, Event::Cut]);
    }
}

/// Nothing is in doubt where no sender is killed.
#[test]
fn connections_are_cut_at_random() {
    if let Some(server) = postgres::server() {
        at_least(60, server, "cut", &[Event::Cut]);
    }
}

#[test]
fn the_server_is_restarted_at_random() {
    let kinds = ["fast", "immediate", "kill"].map(Event::Restart);
    if let Some(server) = Server::own() {
        at_least(20, &server, "restarted", &kinds);
        let with_kills = [&kinds[..], &[Event::Kill, Event::Stop]].concat();
        at_least(20, &server, "restarted_and_killed", &with_kills);
    }
}

/// `KILLS` kills, 3,000 unless it says otherwise.
#[test]
#[ignore = "takes many minutes"]
fn killed_thousands_of_times() {
    let kills = std::env::var("KILLS").map_or(3_000, |kills| kills.parse().unwrap());
    if let Some(server) = postgres::server() {
        at_least(kills, server, "thousands", &[Event::Kill]);
    }
}
