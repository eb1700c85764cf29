//! The kill matrix: what sends a campaign is killed at random moments, again and again, and the campaign is sent to its end. From
//! a ledger in a file one process sends after the other, from a store also three at once, which are stopped for a moment and cut off
//! from the database too, and the server is restarted. In between, an operator cancels, lets expire, and undoes both. The sandbox
//! runs in another process, and its outbox is the record.
//!
//! With more kills (many minutes): `KILLS=3000 cargo test --release --test kills -- --ignored --nocapture`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod common;

use std::collections::BTreeSet;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use common::postgres::{self, Server};
use common::program::{Invocation, Run, Running, is_running, rows_of};
use common::{
    Backend, PASSWORD, Program, Sandbox, count_statuses, on_every_backend, people,
    rows_in_are_rows_out, verifies,
};
use jiff::Timestamp;

on_every_backend!(
    killed_at_random_with_one_worker,
    killed_at_random_with_eight_workers,
    killed_while_planning_and_recovering,
    killed_while_the_results_are_written,
    #[ignore = "takes many minutes"]
    killed_thousands_of_times,
);

/// Fills batches.
const ONE_TEXT: &str = "KedaiKu: we are open";

/// Each recipient is a batch.
const OWN_TEXTS: &str = "KedaiKu: {{ name }}, we are open";

/// About the length of a line of the outbox.
const LINE: u64 = 100;

/// What happens to one of the processes that send, or to the server of the store.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Kill,
    /// It is stopped for a moment.
    Stop,
    /// All connections to the database are cut.
    Cut,
    /// The server is restarted in this way.
    Restart(&'static str),
}

/// When it happens.
#[derive(Clone, Debug)]
enum When {
    /// Once the gateway has taken this many more messages: in the middle of sending, on any machine.
    Taken(Range<u64>),
    /// After this many microseconds, at whatever point: while planning, or while the ledger is put in order.
    Passed(Range<u64>),
}

/// A campaign and how it is treated.
#[derive(Debug)]
struct Treatment {
    backend: Backend,
    /// How many send at once.
    senders: usize,
    rows: usize,
    message: &'static str,
    batch_size: usize,
    concurrency: usize,
    /// One of these is drawn for each event.
    events: Vec<Event>,
    when: Vec<When>,
    /// The most events before it may come to its end.
    most: usize,
    seed: u64,
}

/// What came of it.
#[derive(Default)]
struct Ending {
    events: usize,
    kills: usize,
    /// The kills after which the gateway had taken something from the one that was killed, or from others meanwhile.
    sending: usize,
}

/// A campaign that is being sent.
struct Campaign {
    treatment: Treatment,
    program: Program,
    sandbox: Sandbox,
    random: fastrand::Rng,
    senders: Vec<Sender>,
    is_planned: bool,
    is_done: bool,
    so_far: Ending,
}

/// A process that sends.
struct Sender {
    running: Running,
    /// How long the outbox was when it began.
    from: u64,
    /// The request before it was cut off, and so its first one is to a single person.
    after_cut_off: bool,
}

impl Treatment {
    /// Sends the campaign with as many events as it may have, lets it end, and looks at the gateway's record.
    fn apply(self) -> Ending {
        let program = Program::on(self.backend, &[("customers.csv", &people(self.rows))]);
        let mut campaign = Campaign {
            sandbox: Sandbox::start(&program, &[]),
            random: fastrand::Rng::with_seed(self.seed),
            treatment: self,
            program,
            senders: Vec::new(),
            is_planned: false,
            is_done: false,
            so_far: Ending::default(),
        };
        while campaign.so_far.events < campaign.treatment.most && !campaign.is_done {
            campaign.operator_decides();
            while campaign.senders.len() < campaign.treatment.senders {
                campaign.start_sender();
            }
            campaign.wait();
            campaign.an_event_happens();
            for nth in (0..campaign.senders.len()).rev() {
                if !is_running(campaign.senders[nth].running.pid) {
                    campaign.end(nth, Running::wait);
                }
            }
        }
        while let Some(last) = campaign.senders.len().checked_sub(1) {
            campaign.end(last, Running::wait);
        }
        let sheet = campaign.sheet();
        let run = campaign.send(&sheet).run();
        run.shows(
            matches!(run.code, Some(0 | 5)),
            "the last run goes to the end",
        );
        campaign.check();
        campaign.so_far
    }

    fn loses_the_database(&self) -> bool {
        let is_lost = |event: &Event| matches!(event, Event::Cut | Event::Restart(_));
        self.events.iter().any(is_lost)
    }
}

impl Campaign {
    /// What plans it, or takes it up.
    fn sheet(&self) -> Vec<String> {
        let size = self.treatment.batch_size.to_string();
        let message = self.treatment.message;
        ["customers.csv", "--message", message, "--batch-size", &size]
            .map(str::to_owned)
            .to_vec()
    }

    fn ledger(&self) -> String {
        self.program.ledger("customers")
    }

    fn send(&self, words: &[String]) -> Invocation<'_> {
        let concurrency = self.treatment.concurrency.to_string();
        let send = self
            .program
            .send_command(&self.sandbox.url, &borrowed(words));
        send.more(&["--concurrency", &concurrency, "--max-unknown", "0"])
    }

    /// How long the outbox is.
    fn taken(&self) -> u64 {
        std::fs::metadata(self.program.path("outbox.csv")).map_or(0, |outbox| outbox.len())
    }

    fn start_sender(&mut self) {
        let is_alone = self.treatment.senders == 1 && self.treatment.concurrency == 1;
        let after_cut_off = is_alone && self.is_planned && self.was_cut_off_in_a_request();
        let from = self.taken();
        // Planned again, or taken up as it is: both are ways to go on.
        let words = if self.is_planned && self.random.bool() {
            vec![self.ledger()]
        } else {
            self.sheet()
        };
        let running = self.send(&words).start();
        self.senders.push(Sender {
            running,
            from,
            after_cut_off,
        });
    }

    /// Whether a process was killed after a claim and before its outcome.
    fn was_cut_off_in_a_request(&self) -> bool {
        let sql = "SELECT count(*) FROM attempt WHERE outcome IS NULL";
        self.program.query("customers", sql) != "0"
    }

    /// Whether there is something left to send.
    fn has_pending_rows(&self) -> bool {
        !self.rows_with("pending").is_empty()
    }

    /// The rows with this status, as `--rows` takes them.
    fn rows_with(&self, status: &str) -> String {
        let list = ["results", &self.ledger(), "--status", status];
        let rows = rows_of(&self.program.run(&list).exits(0).stdout);
        let rows: Vec<_> = rows.iter().map(|row| row["sms_row"].clone()).collect();
        rows.join(",")
    }

    fn wait(&mut self) {
        let nth = self.random.usize(..self.treatment.when.len());
        let (due, life) = match self.treatment.when[nth].clone() {
            When::Taken(messages) => (
                self.taken() + self.random.u64(messages) * LINE,
                Duration::MAX,
            ),
            When::Passed(life) => (u64::MAX, Duration::from_micros(self.random.u64(life))),
        };
        let begun = Instant::now();
        let all_run = || {
            let mut senders = self.senders.iter();
            senders.all(|sender| is_running(sender.running.pid))
        };
        while self.taken() <= due && begun.elapsed() < life && all_run() {
            thread::sleep(Duration::from_micros(200));
        }
    }

    fn an_event_happens(&mut self) {
        let nth = self.random.usize(..self.senders.len());
        let event = self.random.usize(..self.treatment.events.len());
        match self.treatment.events[event] {
            Event::Kill => return self.kill(nth),
            Event::Stop => {
                self.senders[nth].running.signal("STOP");
                thread::sleep(Duration::from_millis(self.random.u64(1..300)));
                self.senders[nth].running.signal("CONT");
            }
            Event::Cut => self.program.database.as_ref().unwrap().cut(),
            Event::Restart(how) => {
                if let Backend::Store(server) = self.treatment.backend {
                    server.restart(how);
                }
            }
        }
        self.so_far.events += 1;
    }

    fn kill(&mut self, nth: usize) {
        self.end(nth, |running| running.killed_after(Duration::ZERO));
    }

    /// The end of a sender, and whether it is that of the campaign.
    fn end(&mut self, nth: usize, how: impl FnOnce(Running) -> Run) {
        let sender = self.senders.swap_remove(nth);
        let run = how(sender.running);
        if run.signal.is_some() {
            self.so_far.events += 1;
            self.so_far.kills += 1;
            self.so_far.sending += usize::from(self.taken() > sender.from);
        } else if run.code != Some(75) || !self.treatment.loses_the_database() {
            run.shows(
                matches!(run.code, Some(0 | 5)),
                "what was not killed ends with everything sent or unknown",
            );
            // It may have ended while everything was cancelled.
            self.is_done |= !self.has_pending_rows();
        }
        if sender.after_cut_off {
            let first = self.first_request(sender.from);
            assert!(
                first <= 1,
                "{first} people after a request without an answer"
            );
        }
    }

    /// How many people the first request reached that the sandbox took after its outbox had this length.
    fn first_request(&self, from: u64) -> usize {
        let outbox = self.program.read("outbox.csv");
        let lines = outbox.get(usize::try_from(from).unwrap()..).unwrap_or("");
        let trx_id = |line: &str| line.split(',').nth(1).map(str::to_owned);
        let ids: Vec<_> = lines.lines().map(trx_id).collect();
        ids.iter().take_while(|id| **id == ids[0]).count()
    }

    /// An operator may cancel what is pending, or let the campaign expire, and undoes it.
    fn operator_decides(&mut self) {
        let status = ["status", &self.ledger()];
        self.is_planned = self.is_planned || self.program.run(&status).code == Some(0);
        let senders = self.treatment.senders;
        if self.is_planned && self.random.usize(..4 * senders) == 0 {
            self.cancel_for_a_while();
        }
        let kills = self.treatment.events.contains(&Event::Kill);
        if kills && self.is_planned && self.random.usize(..10 * senders) == 0 {
            // Only those that begin look at it.
            while let Some(last) = self.senders.len().checked_sub(1) {
                self.kill(last);
            }
            if self.has_pending_rows() {
                let before = self.taken();
                self.expire_for_a_while();
                assert_eq!(self.taken(), before, "an expired campaign was sent");
            }
        }
    }

    /// A time, after which a command is killed.
    fn life(&mut self, most: u64) -> Duration {
        Duration::from_micros(self.random.u64(100..most))
    }

    /// Everything that is pending is cancelled and made pending again. Both may be cut off.
    fn cancel_for_a_while(&mut self) {
        let ledger = self.ledger();
        let life = self.life(30_000);
        let cancel = self.program.command(&["cancel", &ledger, "--yes"]);
        cancel.start().killed_after(life);
        for times in 1.. {
            let rows = self.rows_with("cancelled");
            if rows.is_empty() {
                break;
            }
            let life = times * self.life(30_000);
            let resolve = ["resolve", &ledger, "--rows", &rows, "--as", "not-sent"];
            self.program.command(&resolve).start().killed_after(life);
        }
    }

    /// An operator lets the campaign expire, then extends it. Both decisions may be cut off, and neither is half made.
    fn expire_for_a_while(&mut self) {
        let sheet = self.sheet();
        for (typed, lasts) in [("0s", 0), ("30d", 30)] {
            let before = self.days();
            let mut times = 0;
            while self.days() != lasts {
                assert_eq!(self.days(), before);
                times += 1;
                assert!(times < 200, "--expires {typed} is never written");
                let life = times * self.life(90_000);
                // One that is to be sent is extended without sending it.
                let run = match lasts {
                    0 => self.send(&sheet),
                    _ => self.program.command(&["plan"]).more(&borrowed(&sheet)),
                };
                run.more(&["--expires", typed]).start().killed_after(life);
            }
            if lasts == 0 {
                let again = self.send(&sheet).run();
                again.exits(1).says(&["expired", "--expires 1d"]);
            }
        }
    }

    /// How long after it was planned it expires.
    fn days(&self) -> i64 {
        let planned = self.time("SELECT planned_at FROM campaign");
        let expires = self.time(
            "SELECT coalesce((SELECT expires_at FROM decision WHERE resolution = 'expires' ORDER BY id DESC LIMIT 1),
                             (SELECT expires_at FROM campaign))",
        );
        expires.duration_since(planned).as_hours() / 24
    }

    fn time(&self, sql: &str) -> Timestamp {
        self.program.query("customers", sql).parse().unwrap()
    }

    /// The gateway's record against the results: nothing twice, nothing lost, nothing made up, and no more in doubt than can be.
    fn check(&self) {
        let (treatment, kills) = (&self.treatment, self.so_far.kills);
        let what = format!("{treatment:?}, {kills} kills");
        let rows = rows_in_are_rows_out(&self.program, "customers.csv", "customers.results.csv");
        let mut taken = BTreeSet::new();
        for message in self.program.results("outbox.csv") {
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
        let statuses = count_statuses(&rows);
        let unknown = statuses.get("unknown").copied().unwrap_or_default();
        let most = kills * treatment.concurrency * treatment.batch_size;
        assert!(
            unknown <= most,
            "{what}: {unknown} unknown, at most {most} can be in doubt"
        );
        verifies(&self.program, &self.ledger());
        self.program.no_secret_anywhere(PASSWORD);
        assert!(!self.program.path("customers.ledger.partial").exists());
        println!("{what}: {statuses:?}");
    }
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// Campaign after campaign until there were this many events. How many kills came while something was sent.
fn at_least(events: usize, next: impl Fn(usize) -> Treatment) -> usize {
    let mut so_far = Ending::default();
    for nth in 0.. {
        if so_far.events >= events {
            break;
        }
        assert!(nth < events, "a campaign without events proves nothing");
        let most = events - so_far.events;
        let ending = Treatment { most, ..next(nth) }.apply();
        so_far.events += ending.events;
        so_far.sending += ending.sending;
    }
    so_far.sending
}

/// How many kills of one process after the other. From a store half as many, because three at once are killed, too.
fn kills_of_one(backend: Backend, from_a_file: usize) -> usize {
    if backend.is_store() {
        from_a_file / 2
    } else {
        from_a_file
    }
}

/// One process, killed in the middle of sending.
fn treatment(backend: Backend) -> Treatment {
    Treatment {
        backend,
        senders: 1,
        rows: 200,
        message: ONE_TEXT,
        batch_size: 2,
        concurrency: 1,
        events: vec![Event::Kill],
        when: vec![When::Taken(0..12)],
        most: 0,
        seed: 1,
    }
}

fn killed_at_random_with_one_worker(backend: Backend) {
    let kills = kills_of_one(backend, 60);
    let sending = at_least(kills, |_| treatment(backend));
    assert!(sending * 6 >= kills * 5, "{sending} of {kills}");
}

fn killed_at_random_with_eight_workers(backend: Backend) {
    let kills = kills_of_one(backend, 90);
    let sending = at_least(kills, |_| Treatment {
        rows: 400,
        message: OWN_TEXTS,
        batch_size: 1,
        concurrency: 8,
        when: vec![When::Taken(0..40)],
        seed: 2,
        ..treatment(backend)
    });
    assert!(sending * 9 >= kills * 8, "{sending} of {kills}");
}

/// Between lives that end while sending, others so short that they end while the spreadsheet is planned or while what the life
/// before left in flight is put in order.
fn killed_while_planning_and_recovering(backend: Backend) {
    at_least(kills_of_one(backend, 70), |_| Treatment {
        rows: 300,
        message: OWN_TEXTS,
        batch_size: 3,
        concurrency: 8,
        when: vec![
            When::Passed(1_000..60_000),
            When::Passed(1_000..60_000),
            When::Taken(0..6),
        ],
        seed: 3,
        ..treatment(backend)
    });
}

/// Results are there whole, as they were or as they are to be, whenever they are looked at.
fn killed_while_the_results_are_written(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(400))]);
    let sandbox = Sandbox::start(&program, &[]);
    program
        .send_command(&sandbox.url, &["customers.csv", "--message", ONE_TEXT])
        .run()
        .exits(0);
    let whole = program.read("customers.results.csv");
    let random = &mut fastrand::Rng::with_seed(4);
    let ledger = program.ledger("customers");
    let mut kills = 0;
    while kills < 20 {
        let run = program
            .command(&["results", &ledger])
            .start()
            .killed_after(Duration::from_micros(random.u64(100..40_000)));
        kills += usize::from(run.signal.is_some());
        assert_eq!(program.read("customers.results.csv"), whole);
    }
    program.run(&["results", &ledger]).exits(0);
    assert_eq!(program.read("customers.results.csv"), whole);
    verifies(&program, &ledger);
}

/// Eight workers, or three processes of four workers, killed `KILLS` times, 3,000 unless it says otherwise.
fn killed_thousands_of_times(backend: Backend) {
    let kills = std::env::var("KILLS").map_or(3_000, |kills| kills.parse().unwrap());
    if let Backend::Store(server) = backend {
        at_least(kills, |nth| three_senders(server, vec![Event::Kill], nth));
        return;
    }
    let sending = at_least(kills, |nth| Treatment {
        rows: 5_000,
        message: OWN_TEXTS,
        batch_size: 1,
        concurrency: 8,
        when: vec![When::Taken(0..20)],
        seed: u64::try_from(nth).unwrap(),
        ..treatment(backend)
    });
    assert!(sending * 10 >= kills * 9, "{sending} of {kills}");
}

// --- Three at once ------------------------------------------------------------------------------------------------

/// Every other campaign is one of single recipients.
fn three_senders(server: &'static Server, events: Vec<Event>, nth: usize) -> Treatment {
    let (rows, message, batch_size, concurrency) = match nth % 2 {
        0 => (500, OWN_TEXTS, 1, 4),
        _ => (1500, ONE_TEXT, 3, 2),
    };
    Treatment {
        senders: 3,
        rows,
        message,
        batch_size,
        concurrency,
        events,
        when: vec![When::Taken(0..15)],
        seed: u64::try_from(nth).unwrap(),
        ..treatment(Backend::Store(server))
    }
}

/// This many events, for campaigns of three senders.
fn happen(events: usize, server: &'static Server, kinds: &[Event]) {
    at_least(events, |nth| three_senders(server, kinds.to_vec(), nth));
}

#[test]
fn three_senders_are_killed_at_random() {
    if let Some(server) = postgres::server() {
        happen(300, server, &[Event::Kill]);
    }
}

#[test]
fn three_senders_are_killed_stopped_and_cut_off_at_random() {
    if let Some(server) = postgres::server() {
        happen(60, server, &[Event::Kill, Event::Stop, Event::Cut]);
    }
}

/// Nothing is in doubt where no sender is killed.
#[test]
fn connections_are_cut_at_random() {
    if let Some(server) = postgres::server() {
        happen(60, server, &[Event::Cut]);
    }
}

#[test]
fn the_server_is_restarted_at_random() {
    let kinds = ["fast", "immediate", "kill"].map(Event::Restart);
    if let Some(server) = Server::own() {
        let server = Box::leak(Box::new(server));
        happen(20, server, &kinds);
        happen(
            20,
            server,
            &[&kinds[..], &[Event::Kill, Event::Stop]].concat(),
        );
    }
}
