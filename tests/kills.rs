//! The kill matrix: the program is killed at chosen requests and at random moments, again and again, and run to the end. The
//! sandbox runs in another process, and its outbox is the record.
//!
//! With more kills (some minutes): `KILLS=2000 cargo test --release --test kills -- --ignored --nocapture`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use common::{PASSWORD, Program, Sandbox, count_statuses, people, rows_in_are_rows_out, verifies};

/// Fills batches.
const ONE_TEXT: &str = "KedaiKu: we are open";

/// Each recipient is a batch.
const OWN_TEXTS: &str = "KedaiKu: {{ name }}, we are open";

/// A campaign and how it is treated.
struct Treatment {
    rows: usize,
    message: &'static str,
    batch_size: usize,
    concurrency: usize,
    /// The most kills before it may come to its end.
    kills: usize,
    /// One of these is drawn for each life.
    moments: Vec<Timestamp>,
    seed: u64,
}

/// When a life ends.
enum Timestamp {
    /// Once the gateway has taken this many more messages: in the middle of sending, on any machine.
    Taken(Range<u64>),
    /// After some time, wherever that is: while planning, or while the ledger is put in order.
    Passed(Range<Duration>),
}

/// What came of it.
#[derive(Debug)]
struct Ending {
    kills: usize,
    /// Lives in which the gateway took something.
    sending: usize,
    statuses: BTreeMap<String, usize>,
}

/// Kills one campaign as often as it is to be killed or until it is done, lets it end, and looks at the gateway's record.
fn treat(treatment: &Treatment) -> Ending {
    let program = Program::with(&[("customers.csv", &people(treatment.rows))]);
    let sandbox = Sandbox::start(&program, &[]);
    let random = &mut fastrand::Rng::with_seed(treatment.seed);
    let (batch_size, concurrency) = (
        treatment.batch_size.to_string(),
        treatment.concurrency.to_string(),
    );
    let sheet = [
        "customers.csv",
        "--message",
        treatment.message,
        "--batch-size",
        &batch_size,
        "--concurrency",
        &concurrency,
        "--max-unknown",
        "0",
    ];
    let ledger = [
        "customers.ledger",
        "--concurrency",
        &concurrency,
        "--max-unknown",
        "0",
    ];
    let taken = || std::fs::metadata(program.path("outbox.csv")).map_or(0, |outbox| outbox.len());
    let (mut kills, mut sending) = (0, 0);
    while kills < treatment.kills {
        // Planned again, or taken up as it is: both are ways to go on.
        let planned = program.path("customers.ledger").exists();
        let arguments: &[&str] = if planned && random.bool() {
            &ledger
        } else {
            &sheet
        };
        let cut_off = treatment.concurrency == 1 && was_cut_off_in_a_request(&program);
        if planned && random.u8(..4) == 0 {
            cancel_for_a_while(&program, random);
        }
        let before = taken();
        if planned && random.u8(..10) == 0 && has_pending_rows(&program) {
            expire_for_a_while(&program, &sandbox, &sheet, random);
            assert_eq!(taken(), before, "an expired campaign was sent");
        }
        let running = program.send_command(&sandbox.url, arguments).start();
        let run = match &treatment.moments[random.usize(..treatment.moments.len())] {
            Timestamp::Taken(messages) => {
                let due = before + random.u64(messages.clone()) * LINE;
                running.killed_when(|| taken() > due)
            }
            Timestamp::Passed(life) => {
                let life = random.u64(micros(life.start)..micros(life.end));
                running.killed_after(Duration::from_micros(life))
            }
        };
        sending += usize::from(taken() > before);
        if cut_off {
            let first = first_request(&program, before);
            assert!(
                first <= 1,
                "{first} people after a request without an answer"
            );
        }
        if run.signal.is_none() {
            run.shows(
                matches!(run.code, Some(0 | 5)),
                "what was not killed ends with everything sent or unknown",
            );
            break;
        }
        kills += 1;
    }
    let run = program.send_command(&sandbox.url, &sheet).run();
    run.shows(
        matches!(run.code, Some(0 | 5)),
        "the last run goes to the end",
    );
    let statuses = check_outcomes(&program, treatment, kills);
    Ending {
        kills,
        sending,
        statuses,
    }
}

/// Whether the program was killed after a claim and before its outcome.
fn was_cut_off_in_a_request(program: &Program) -> bool {
    let sql = "SELECT EXISTS (SELECT 1 FROM attempt WHERE outcome IS NULL)";
    program.path("customers.ledger").exists() && query::<bool>(program, sql)
}

/// Whether there is something left to send.
fn has_pending_rows(program: &Program) -> bool {
    let pending = ["results", "customers.ledger", "--status", "pending"];
    program.run(&pending).exits(0).stdout.lines().count() > 1
}

/// The answer of the ledger. A copy is asked, and the ledger stays as it was left.
fn query<T: rusqlite::types::FromSql>(program: &Program, sql: &str) -> T {
    let copy = tempfile::tempdir().unwrap();
    for name in ["customers.ledger", "customers.ledger-wal"] {
        if program.path(name).exists() {
            std::fs::copy(program.path(name), copy.path().join(name)).unwrap();
        }
    }
    let ledger = rusqlite::Connection::open(copy.path().join("customers.ledger")).unwrap();
    ledger.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// How many people the first request reached that the sandbox took after its outbox had this length.
fn first_request(program: &Program, before: u64) -> usize {
    let outbox = program.read("outbox.csv");
    let lines = outbox.get(usize::try_from(before).unwrap()..).unwrap_or("");
    let trx_id = |line: &str| line.split(',').nth(1).map(str::to_owned);
    let ids: Vec<_> = lines.lines().map(trx_id).collect();
    ids.iter().take_while(|id| **id == ids[0]).count()
}

/// Everything that is pending is cancelled and made pending again. Both may be cut off.
fn cancel_for_a_while(program: &Program, random: &mut fastrand::Rng) {
    let mut life = || Duration::from_micros(random.u64(100..30_000));
    let cancel = ["cancel", "customers.ledger", "--yes"];
    program.command(&cancel).start().killed_after(life());
    let cancelled = || {
        let list = ["results", "customers.ledger", "--status", "cancelled"];
        let rows = common::program::rows_of(&program.run(&list).exits(0).stdout);
        let rows: Vec<_> = rows.iter().map(|row| row["sms_row"].clone()).collect();
        rows.join(",")
    };
    let mut rows = cancelled();
    let mut times = 0;
    while !rows.is_empty() {
        times += 1;
        let resolve = [
            "resolve",
            "customers.ledger",
            "--rows",
            &rows,
            "--as",
            "not-sent",
        ];
        program
            .command(&resolve)
            .start()
            .killed_after(times * life());
        rows = cancelled();
    }
}

/// An operator lets the campaign expire, then extends it. Both decisions may be cut off, and neither is half made.
fn expire_for_a_while(
    program: &Program,
    sandbox: &Sandbox,
    sheet: &[&str],
    random: &mut fastrand::Rng,
) {
    let days = || {
        let sql = "SELECT CAST(round(julianday(ifnull(
                       (SELECT expires_at FROM decision WHERE resolution = 'expires' ORDER BY id DESC), expires_at))
                   - julianday(planned_at)) AS INTEGER) FROM campaign";
        query::<i64>(program, sql)
    };
    for (typed, lasts) in [("0s", 0), ("30d", 30)] {
        let before = days();
        let mut times = 0;
        while days() != lasts {
            assert_eq!(days(), before);
            times += 1;
            assert!(times < 200, "--expires {typed} is never written");
            let life = times * Duration::from_micros(random.u64(100..90_000));
            let more = ["--expires", typed];
            // One that is to be sent is extended without sending it.
            let run = match lasts {
                0 => program.send_command(&sandbox.url, &[sheet, &more[..]].concat()),
                _ => program.command(&["plan"]).more(&sheet[..5]).more(&more),
            };
            run.start().killed_after(life);
        }
        if lasts == 0 {
            let again = program.send_command(&sandbox.url, sheet).run();
            again.exits(1).says(&["expired", "--expires 1d"]);
        }
    }
}

/// About the length of a line of the outbox.
const LINE: u64 = 100;

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap()
}

/// The gateway's record against the results: nothing twice, nothing lost, nothing made up.
fn check_outcomes(
    program: &Program,
    treatment: &Treatment,
    kills: usize,
) -> BTreeMap<String, usize> {
    let rows = rows_in_are_rows_out(program, "customers.csv", "customers.results.csv");
    let what = format!("{} kills, seed {}", kills, treatment.seed);
    let mut taken = BTreeSet::new();
    for message in program.results("outbox.csv") {
        let pair = (message["to"].clone(), message["message"].clone());
        assert!(taken.insert(pair), "{what}: twice: {message:?}");
    }
    for row in &rows {
        let went_out = taken.contains(&(row["sms_to"].clone(), row["sms_message"].clone()));
        match row["sms_status"].as_str() {
            "accepted" => assert!(went_out, "{what}: never taken: {row:?}"),
            "unknown" => {}
            _ => panic!("{what}: not accounted for: {row:?}"),
        }
        assert!(
            went_out || row["sms_status"] == "unknown",
            "{what}: {row:?}"
        );
    }
    let statuses = count_statuses(&rows);
    let unknown = statuses.get("unknown").copied().unwrap_or_default();
    let most = kills * treatment.concurrency * treatment.batch_size;
    assert!(
        unknown <= most,
        "{what}: {unknown} unknown, at most {most} can be in doubt"
    );
    verifies(program, "customers.ledger");
    program.no_secret_anywhere(PASSWORD);
    assert!(!program.path("customers.ledger.partial").exists());
    statuses
}

/// Campaign after campaign until there were this many kills. The lives in which something was sent.
fn at_least(kills: usize, mut next: impl FnMut(usize) -> Treatment) -> usize {
    let mut so_far = 0;
    let mut sending = 0;
    let mut campaigns = 0;
    while so_far < kills {
        campaigns += 1;
        assert!(
            campaigns <= kills,
            "a campaign that is never killed proves nothing"
        );
        let treatment = next(kills - so_far);
        let ending = treat(&treatment);
        so_far += ending.kills;
        sending += ending.sending;
        println!(
            "campaign {campaigns}: {} kills, {} of them while sending: {:?}",
            ending.kills, ending.sending, ending.statuses
        );
    }
    sending
}

fn milliseconds(from: u64, to: u64) -> Range<Duration> {
    Duration::from_millis(from)..Duration::from_millis(to)
}

#[test]
fn killed_at_random_with_one_worker() {
    let sending = at_least(60, |kills| Treatment {
        rows: 200,
        message: ONE_TEXT,
        batch_size: 2,
        concurrency: 1,
        kills,
        moments: vec![Timestamp::Taken(0..12)],
        seed: 1,
    });
    assert!(sending >= 50, "{sending}");
}

#[test]
fn killed_at_random_with_eight_workers() {
    let sending = at_least(90, |kills| Treatment {
        rows: 400,
        message: OWN_TEXTS,
        batch_size: 1,
        concurrency: 8,
        kills,
        moments: vec![Timestamp::Taken(0..40)],
        seed: 2,
    });
    assert!(sending >= 80, "{sending}");
}

/// Between lives that end while sending, others so short that they end while the spreadsheet is planned or while what the life
/// before left in flight is put in order.
#[test]
fn killed_while_planning_and_recovering() {
    at_least(70, |kills| Treatment {
        rows: 300,
        message: OWN_TEXTS,
        batch_size: 3,
        concurrency: 8,
        kills,
        moments: vec![
            Timestamp::Passed(milliseconds(1, 60)),
            Timestamp::Passed(milliseconds(1, 60)),
            Timestamp::Taken(0..6),
        ],
        seed: 3,
    });
}

/// Results are there whole, as they were or as they are to be, whenever they are looked at.
#[test]
fn killed_while_the_results_are_written() {
    let program = Program::with(&[("customers.csv", &people(400))]);
    let sandbox = Sandbox::start(&program, &[]);
    let text = ["--message", "KedaiKu: we are open"];
    program
        .send_command(&sandbox.url, &["customers.csv", text[0], text[1]])
        .run()
        .exits(0);
    let whole = program.read("customers.results.csv");
    let random = &mut fastrand::Rng::with_seed(4);
    let mut kills = 0;
    while kills < 20 {
        let run = program
            .command(&["results", "customers.ledger"])
            .start()
            .killed_after(Duration::from_micros(random.u64(100..40_000)));
        kills += usize::from(run.signal.is_some());
        assert_eq!(program.read("customers.results.csv"), whole);
    }
    program.run(&["results", "customers.ledger"]).exits(0);
    assert_eq!(program.read("customers.results.csv"), whole);
    verifies(&program, "customers.ledger");
}

/// Five thousand rows and eight workers, killed `KILLS` times (2,000 unless it says otherwise).
#[test]
#[ignore = "takes many minutes"]
fn killed_thousands_of_times() {
    let kills = std::env::var("KILLS").map_or(2_000, |kills| kills.parse().unwrap());
    let sending = at_least(kills, |kills| Treatment {
        rows: 5_000,
        message: OWN_TEXTS,
        batch_size: 1,
        concurrency: 8,
        kills,
        moments: vec![Timestamp::Taken(0..20)],
        seed: u64::try_from(kills).unwrap(),
    });
    assert!(sending * 10 >= kills * 9, "{sending} of {kills}");
}
