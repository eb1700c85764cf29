//! Two campaigns of one folder or store, run again and again: each leaves out whom the other one reached (`--cooldown`), their times pass,
//! their credits run out, texts of one are tried on the own phone in between, and all of it is killed at random moments. The outbox
//! of a sandbox in another process is the record.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

use common::program::Run;
use common::{
    Backend, Program, Row, Sandbox, msisdn, on_every_backend, phone, rows_in_are_rows_out, verifies,
};
use jiff::{SignedDuration, Timestamp};

on_every_backend!(neither_campaign_reaches_anybody_twice_or_whom_the_other_one_reached);

/// A campaign, and the people in it.
struct Campaign {
    name: &'static str,
    people: Range<usize>,
}

const MAY: Campaign = Campaign {
    name: "may",
    people: 0..60,
};
const JUNE: Campaign = Campaign {
    name: "june",
    people: 30..90,
};

/// The phone that texts are tried on. Its number is in the first campaign, too.
const OWN: usize = 0;

/// How many credits are bought at a time.
const CREDITS: usize = 25;

const KILLS: usize = 40;

impl Campaign {
    fn file(&self, ending: &str) -> String {
        format!("{}.{ending}", self.name)
    }

    /// Four people have the same text.
    fn text_of(&self, person: usize) -> String {
        format!("KedaiKu: {} {}", self.name, person / 4)
    }

    fn write(&self, program: &Program) {
        let mut sheet = String::from("phone,group\n");
        for person in self.people.clone() {
            writeln!(sheet, "{},{}", phone(person), person / 4).unwrap();
        }
        program.write(&self.file("csv"), sheet);
    }

    /// The spreadsheet and its message.
    fn plan(&self) -> [String; 3] {
        let message = format!("KedaiKu: {} {{{{ group }}}}", self.name);
        [self.file("csv"), "--message".to_owned(), message]
    }

    /// Its ledger, if there is one, or what plans it.
    fn source(&self, program: &Program, random: &mut fastrand::Rng) -> Vec<String> {
        let ledger = program.ledger(self.name);
        if random.bool() && program.run(&["status", &ledger]).code == Some(0) {
            vec![ledger]
        } else {
            self.plan().to_vec()
        }
    }

    fn sends(&self, message: &Row) -> bool {
        message["message"].starts_with(&format!("KedaiKu: {} ", self.name))
    }
}

/// Whether a message was a test: the text of somebody else.
fn is_test(message: &Row) -> bool {
    message["to"] == msisdn(OWN) && message["message"] != MAY.text_of(OWN)
}

fn outbox(program: &Program) -> Vec<Row> {
    if program.path("outbox.csv").exists() {
        program.results("outbox.csv")
    } else {
        Vec::new()
    }
}

/// What this campaign has sent, without its tests.
fn sent(messages: &[Row], campaign: &Campaign) -> BTreeSet<String> {
    let campaigns = messages.iter().filter(|one| campaign.sends(one));
    let campaigns = campaigns.filter(|one| !is_test(one));
    campaigns.map(|one| one["to"].clone()).collect()
}

/// The options of one run. What it is given changes from run to run.
fn options(random: &mut fastrand::Rng) -> Vec<String> {
    let balance = ["off", "warn", "require"][random.usize(..3)];
    let mut options: Vec<_> = "--cooldown 1d --batch-size 3 --max-unknown 0 --balance"
        .split(' ')
        .map(str::to_owned)
        .collect();
    options.push(balance.to_owned());
    if let Some(time) = [None, Some("--start-at"), Some("--not-after")][random.usize(..3)] {
        let at = Timestamp::now() + SignedDuration::from_millis(random.i64(20..400));
        options.extend([time.to_owned(), at.to_string()]);
    }
    options
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// A run of a campaign that may be killed.
fn send(
    program: &Program,
    sandbox: &Sandbox,
    campaign: &Campaign,
    random: &mut fastrand::Rng,
) -> Run {
    let source = campaign.source(program, random);
    let is_planned = source.len() == 1;
    let mut arguments = [source, options(random)].concat();
    if is_planned {
        // It belongs to the plan.
        let size = arguments.iter().position(|word| word == "--batch-size");
        arguments.drain(size.unwrap()..size.unwrap() + 2);
    }
    let due = outbox(program).len() + random.usize(..8);
    let running = program
        .send_command(&sandbox.url, &borrowed(&arguments))
        .start();
    if random.u8(..3) == 0 {
        running.killed_after(Duration::from_millis(random.u64(1..150)))
    } else {
        running.killed_when(|| outbox(program).len() > due)
    }
}

/// Texts of two rows of the first campaign, or of its ledger, to the own phone. `true`: it was killed.
fn try_texts(program: &Program, sandbox: &Sandbox, random: &mut fastrand::Rng) -> bool {
    let (to, source) = (phone(OWN), MAY.source(program, random));
    let more = ["--to", &to, "--rows", "9,50", "--yes"];
    let arguments = [&["test"], &borrowed(&source)[..], &more].concat();
    let command = program.command(&arguments).credentials();
    let command = command.more(&["--gateway", &sandbox.url]);
    let life = Duration::from_millis(random.u64(1..300));
    command.start().killed_after(life).signal.is_some()
}

fn neither_campaign_reaches_anybody_twice_or_whom_the_other_one_reached(backend: Backend) {
    let random = &mut fastrand::Rng::with_seed(16);
    let program = Program::on(backend, &[]);
    MAY.write(&program);
    JUNE.write(&program);
    let mut bought = CREDITS;
    let credits = CREDITS.to_string();
    let start = || Sandbox::start(&program, &["--credits", &credits]);
    let mut sandbox = start();
    let (mut kills, mut tests) = (0, 0);
    let mut ended = [false, false];
    while kills < KILLS || ended != [true, true] {
        let which = random.usize(..2);
        let (campaign, other) = [(&MAY, &JUNE), (&JUNE, &MAY)][which];
        if random.u8(..5) == 0 {
            tests += 1;
            kills += usize::from(try_texts(&program, &sandbox, random));
            continue;
        }
        let before = outbox(&program);
        let reached = sent(&before, other);
        let run = send(&program, &sandbox, campaign, random);
        let added = &outbox(&program)[before.len()..];
        let both: Vec<_> = sent(added, campaign)
            .intersection(&reached)
            .cloned()
            .collect();
        assert!(both.is_empty(), "reached by the other one: {both:?}: {run}");
        if run.signal.is_some() {
            kills += 1;
            continue;
        }
        run.shows(
            matches!(run.code, Some(0 | 3 | 4 | 5)),
            "what was not killed has an end that the credits, the times or kills explain",
        );
        if run.code == Some(4) {
            bought += CREDITS;
            drop(sandbox);
            sandbox = start();
        }
        let results = program.results(&campaign.file("results.csv"));
        ended[which] = results.iter().all(|row| row["sms_status"] != "pending");
    }
    check(&program, bought, tests);
}

/// The record against what the ledgers say.
fn check(program: &Program, bought: usize, tests: usize) {
    let taken = outbox(program);
    assert!(taken.len() <= bought, "more than the credits were for");
    let (of_tests, of_campaigns): (Vec<_>, Vec<_>) = taken.iter().partition(|one| is_test(one));
    assert!(of_tests.len() <= 2 * tests, "a test was sent again");
    let mut once = BTreeSet::new();
    for message in of_campaigns {
        assert!(once.insert(message["to"].clone()), "twice: {message:?}");
    }
    let results = [MAY, JUNE].map(|campaign| {
        let (input, results) = (campaign.file("csv"), campaign.file("results.csv"));
        let ledger = program.ledger(campaign.name);
        program.run(&["results", &ledger]).exits(0);
        verifies(program, &ledger);
        rows_in_are_rows_out(program, &input, &results)
    });
    let may_be_reached = |rows: &[Row]| -> BTreeSet<String> {
        let rows = rows.iter();
        rows.filter(|row| ["accepted", "unknown"].contains(&row["sms_status"].as_str()))
            .map(|row| row["sms_to"].clone())
            .collect()
    };
    for (rows, others) in [(&results[0], &results[1]), (&results[1], &results[0])] {
        let others = may_be_reached(others);
        for row in rows {
            let to = &row["sms_to"];
            match row["sms_status"].as_str() {
                "accepted" => assert!(once.contains(to), "never taken: {row:?}"),
                "unknown" => {}
                "suppressed" => assert!(others.contains(to), "for no reason: {row:?}"),
                _ => panic!("not accounted for: {row:?}"),
            }
        }
    }
    // Its tests do not count for the campaign.
    assert!(may_be_reached(&results[0]).contains(&msisdn(OWN)));
    for ledger in program.test_ledgers() {
        verifies(program, &ledger);
        let send = ["send", &ledger, "--yes"];
        program.command(&send).credentials().run().exits(2);
    }
    println!("{} messages, {} of tests", taken.len(), of_tests.len());
}
