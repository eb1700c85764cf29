//! Campaigns that are stopped on purpose: a wrong text, a wrong list, a campaign that must not go out after all. The sandbox's
//! outbox is the record.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::program::{Invocation, Run};
use common::{PASSWORD, Program, count_statuses, counts, people, verifies};

const LEDGER: &str = "customers.sandbox.ledger";
const RESULTS: &str = "customers.sandbox.results.csv";
const TEXT: [&str; 2] = ["--message", "KedaiKu opens on 3 May"];
const CORRECTED: [&str; 2] = ["--message", "KedaiKu opens on 30 May"];

fn program(rows: usize) -> Program {
    Program::with(&[("customers.csv", &people(rows))])
}

/// `send` to a sandbox with a record, one recipient in each request.
fn send<'p>(program: &'p Program, arguments: &[&str]) -> Invocation<'p> {
    let sandbox = [
        "--sandbox",
        "--outbox",
        "outbox.csv",
        "--yes",
        "--rate",
        "none",
    ];
    program.command(&["send"]).more(arguments).more(&sandbox)
}

fn spreadsheet<'p>(program: &'p Program, text: [&str; 2]) -> Invocation<'p> {
    send(program, &["customers.csv", "--batch-size", "2"]).more(&text)
}

fn cancel(program: &Program, ledger: &str) -> Run {
    program.run(&["cancel", ledger, "--yes", "--note", "wrong date"])
}

/// How often each number got each text.
fn taken(program: &Program) -> BTreeMap<(String, String), u32> {
    let mut taken = BTreeMap::new();
    if program.path("outbox.csv").exists() {
        for message in program.results("outbox.csv") {
            let message = (message["to"].clone(), message["message"].clone());
            *taken.entry(message).or_default() += 1;
        }
    }
    taken
}

fn statuses(program: &Program, ledger: &str) -> BTreeMap<String, usize> {
    program
        .run(&["results", ledger, "--results", "now.csv"])
        .exits(0);
    count_statuses(&program.results("now.csv"))
}

/// The words of the `resolve` command that a run tells.
fn told_resolve(run: &Run) -> Vec<String> {
    let (_, command) = (run.stderr.lines())
        .find_map(|line| line.split_once("isms-campaign resolve "))
        .unwrap_or_else(|| panic!("it should tell how to undo it\n{run}"));
    let words = command.split_whitespace();
    let end = words.clone().position(|word| word == "not-sent").unwrap();
    ["resolve"]
        .into_iter()
        .chain(words.take(end + 1))
        .map(str::to_owned)
        .collect()
}

/// The rows with this status as `--rows` takes them.
fn rows_with(program: &Program, ledger: &str, status: &str) -> String {
    let run = program.run(&["results", ledger, "--status", status]);
    let rows = common::program::rows_of(&run.exits(0).stdout);
    rows.iter()
        .map(|row| row["sms_row"].clone())
        .collect::<Vec<_>>()
        .join(",")
}

#[test]
fn what_is_cancelled_is_not_sent_until_it_is_resolved() {
    let program = program(10);
    spreadsheet(&program, TEXT)
        .more(&["--limit", "4"])
        .run()
        .exits(0);
    program
        .run(&["cancel", LEDGER])
        .exits(1)
        .says(&["nothing was cancelled", "--yes"]);
    assert_eq!(
        statuses(&program, LEDGER),
        counts(&[("accepted", 4), ("pending", 6)])
    );
    let cancelled = cancel(&program, LEDGER);
    cancelled.exits(0).says(&[
        "6 rows cancelled",
        "--rows 5-10 --as not-sent",
        "Cancelled     6",
    ]);
    verifies(&program, LEDGER);
    cancel(&program, LEDGER)
        .exits(0)
        .says(&["0 rows cancelled"]);
    let status = program.run(&["status", LEDGER]);
    status.exits(0).shows(
        status.stdout.contains("Cancelled     6")
            && status.stdout.contains("4 of 4 to send")
            && status.stdout.contains("--as not-sent"),
        "status knows what is cancelled, and the way back",
    );
    for again in [spreadsheet(&program, TEXT), send(&program, &[LEDGER])] {
        let run = again.more(&["--summary-json", "summary.json"]).run();
        run.exits(0).says(&["nothing is left to send"]);
        let summary = program.summary_json("summary.json");
        assert_eq!(summary["cancelled"], 6);
        assert_eq!(summary["pending"], 0);
        assert_eq!(summary["exit_code"], 0);
    }
    assert_eq!(taken(&program).len(), 4);
    for (i, row) in program.results(RESULTS).iter().enumerate() {
        if i < 4 {
            assert_eq!(row["sms_status"], "accepted");
            continue;
        }
        assert_eq!(row["sms_status"], "cancelled");
        assert_eq!(row["sms_code"], "");
        assert_eq!(row["sms_credits"], "0");
        assert_eq!(row["sms_attempts"], "0");
        assert_eq!(row["sms_message"], TEXT[1]);
        assert!(!row["sms_batch"].is_empty() && !row["sms_to"].is_empty());
        assert!(row["sms_detail"].starts_with("cancelled by an operator on "));
        assert!(row["sms_detail"].ends_with(": wrong date"), "{row:?}");
    }
    program.run(&told_resolve(&cancelled)).exits(0);
    verifies(&program, LEDGER);
    spreadsheet(&program, TEXT).run().exits(0);
    assert_eq!(statuses(&program, LEDGER), counts(&[("accepted", 10)]));
    assert_eq!(taken(&program).into_values().collect::<Vec<_>>(), [1; 10]);
    verifies(&program, LEDGER);
}

#[test]
fn some_rows_are_cancelled_or_none() {
    let program = program(6);
    spreadsheet(&program, TEXT)
        .more(&["--limit", "2"])
        .run()
        .exits(0);
    for (rows, word) in [
        ("2-3", "row 2 is accepted"),
        ("6-7", "row 7 does not exist"),
    ] {
        let cancel = ["cancel", LEDGER, "--rows", rows, "--yes"];
        program
            .run(&cancel)
            .exits(1)
            .says(&[word, "only pending rows"]);
    }
    program
        .run(&["cancel", LEDGER, "--rows", "x", "--yes"])
        .exits(2);
    program.run(&["cancel", "none.ledger", "--yes"]).exits(1);
    assert_eq!(
        statuses(&program, LEDGER),
        counts(&[("accepted", 2), ("pending", 4)])
    );
    for _repeated in 0..2 {
        program
            .run(&["cancel", LEDGER, "--rows", "3,5-6", "--yes"])
            .exits(0);
    }
    verifies(&program, LEDGER);
    spreadsheet(&program, TEXT).run().exits(0);
    assert_eq!(
        statuses(&program, LEDGER),
        counts(&[("accepted", 3), ("cancelled", 3)])
    );
    assert_eq!(taken(&program).len(), 3);
}

#[test]
fn rows_that_cannot_be_sent_still_decide_the_exit_code() {
    let program = Program::with(&[(
        "customers.csv",
        "name,phone\nA,012-550 0001\nB,12\nC,012-550 0003\n",
    )]);
    let send = || spreadsheet(&program, TEXT).more(&["--max-invalid", "1"]);
    send().more(&["--limit", "1"]).run().exits(0);
    cancel(&program, LEDGER).exits(0);
    send().run().exits(3);
    let left = counts(&[("accepted", 1), ("invalid", 1), ("cancelled", 1)]);
    assert_eq!(statuses(&program, LEDGER), left);
}

#[test]
fn a_ledger_in_use_is_not_cancelled() {
    let program = program(20);
    let running = spreadsheet(&program, TEXT)
        .more(&["--latency", "300", "--concurrency", "1"])
        .start();
    while taken(&program).is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let refused = cancel(&program, LEDGER);
    refused
        .exits(1)
        .says(&[
            "in use by process",
            "end that run first",
            "Ctrl-C",
            "SIGTERM",
        ])
        .shows(
            !refused.stderr.contains("wait until"),
            "it is sent meanwhile",
        );
    running.signal("TERM");
    running.wait().exits(143);
    cancel(&program, LEDGER).exits(0);
    let before = taken(&program).len();
    spreadsheet(&program, TEXT)
        .run()
        .exits(0)
        .says(&["nothing is left to send"]);
    assert_eq!(taken(&program).len(), before);
}

/// What an operator decided about a campaign from which nothing was sent.
const DECISIONS: [&[&[&str]]; 4] = [
    &[&["cancel", "customers.ledger", "--yes"]],
    &[&["cancel", "customers.ledger", "--rows", "2", "--yes"]],
    &[
        &["cancel", "customers.ledger", "--rows", "1-2", "--yes"],
        &["cancel", "customers.ledger", "--yes"],
    ],
    &[
        &["cancel", "customers.ledger", "--yes"],
        &[
            "resolve",
            "customers.ledger",
            "--rows",
            "1-4",
            "--as",
            "not-sent",
        ],
    ],
];

#[test]
fn a_decision_is_not_planned_away() {
    for (nth, decisions) in DECISIONS.iter().enumerate() {
        let program = program(4);
        let plan = |text: [&str; 2]| program.command(&["plan", "customers.csv"]).more(&text);
        plan(TEXT).run().exits(0);
        plan(TEXT).run().exits(0);
        for decision in *decisions {
            program.run(decision).exits(0);
        }
        let before = statuses(&program, "customers.ledger");
        let unchanged = |what: &str| {
            assert_eq!(
                statuses(&program, "customers.ledger"),
                before,
                "{what}, {nth}"
            );
        };
        let same = plan(TEXT).run();
        let pending = before.contains_key("pending");
        same.exits(0).shows(
            same.stdout.contains("isms-campaign send customers.ledger") == pending,
            "only what is pending can be sent",
        );
        unchanged("the same plan");
        let sheet = program.read("customers.csv");
        let refused = ["cancelled or resolved", "--on-change new"];
        plan(CORRECTED).run().exits(1).says(&refused);
        plan(TEXT)
            .more(&["--batch-size", "3"])
            .run()
            .exits(1)
            .says(&refused);
        let send = ["send", "customers.csv", CORRECTED[0], CORRECTED[1], "--yes"];
        let gateway = ["--gateway", "http://127.0.0.1:9/"];
        let is_refused = |run: Run| {
            run.exits(1).says(&refused);
        };
        is_refused(program.command(&send).more(&gateway).credentials().run());
        program.write("customers.csv", sheet.replace("Aminah 0", "Aminah"));
        is_refused(plan(TEXT).run());
        program.write("customers.csv", format!("{sheet}Zul,012-550 9999\n"));
        is_refused(plan(TEXT).run());
        unchanged("refused");
        program.write("customers.csv", &sheet);
        let anew = || plan(CORRECTED).more(&["--on-change", "new"]);
        if pending {
            anew()
                .run()
                .exits(1)
                .says(&["rows are open", "isms-campaign cancel customers.ledger"]);
            unchanged("rows are open");
            cancel(&program, "customers.ledger").exits(0);
        }
        anew().run().exits(0).says(&["the earlier ledger is now"]);
        assert_eq!(
            statuses(&program, "customers.ledger"),
            counts(&[("pending", 4)])
        );
        let aside = program.files().into_iter();
        let aside: Vec<_> = aside
            .filter(|name| name.ends_with(".ledger") && name != "customers.ledger")
            .collect();
        assert_eq!(aside.len(), 1, "what was decided is kept: {aside:?}");
        assert_eq!(statuses(&program, &aside[0]), counts(&[("cancelled", 4)]));
        // A new plan about which nothing was decided is replanned as before.
        plan(TEXT).run().exits(0);
        verifies(&program, "customers.ledger");
    }
}

#[test]
fn a_wrong_list_on_a_resume_can_be_undone() {
    let program = program(8);
    let sheet = program.read("customers.csv").replace("Aminah 7", "Zul");
    program.write("customers.csv", &sheet);
    let opted_out = sheet.lines().last().unwrap().split(',').nth(1).unwrap();
    program.write("optout.csv", format!("phone\n{opted_out}\n"));
    program.write("wrong.csv", &sheet);
    let with_list = || spreadsheet(&program, TEXT).more(&["--suppress", "optout.csv"]);
    with_list().more(&["--limit", "3"]).run().exits(0);
    let wrong = with_list().more(&["--suppress", "wrong.csv"]).run();
    wrong.exits(0).says(&[
        "4 rows that were pending are suppressed now",
        "--rows 4-7 --as not-sent",
    ]);
    let suppressed = counts(&[("accepted", 3), ("suppressed", 5)]);
    assert_eq!(statuses(&program, LEDGER), suppressed);
    verifies(&program, LEDGER);
    for row in program.results(RESULTS).iter().skip(3) {
        assert_eq!(row["sms_status"], "suppressed");
        assert_eq!((&*row["sms_batch"], &*row["sms_attempts"]), ("", "0"));
        assert_eq!(row["sms_detail"].contains("resolve"), row["sms_row"] != "8");
    }
    // What the plan itself suppressed is no matter of a decision.
    for rows in ["8", "4-8"] {
        let resolve = ["resolve", LEDGER, "--rows", rows, "--as", "not-sent"];
        program.run(&resolve).exits(1).says(&["row 8"]);
    }
    let accepted = ["resolve", LEDGER, "--rows", "4", "--as", "accepted"];
    program
        .run(&accepted)
        .exits(1)
        .says(&["row 4 is suppressed"]);
    assert_eq!(statuses(&program, LEDGER), suppressed);
    program.run(&told_resolve(&wrong)).exits(0);
    verifies(&program, LEDGER);
    with_list().run().exits(0);
    let sent = counts(&[("accepted", 7), ("suppressed", 1)]);
    assert_eq!(statuses(&program, LEDGER), sent);
    assert_eq!(taken(&program).into_values().collect::<Vec<_>>(), [1; 7]);
    verifies(&program, LEDGER);
}

/// The commands under the heading of the guide, for the sandbox.
fn guide_lines() -> Vec<Vec<String>> {
    let page = include_str!("../src/guide/recovery.md");
    let (_, section) = page.split_once("## Wrong text noticed half-way").unwrap();
    let block = section.split("```").nth(1).unwrap();
    let lines: Vec<_> = block
        .lines()
        .filter_map(|line| line.strip_prefix("isms-campaign "))
        .collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    let words = |line: &&str| {
        let line = line.replace("customers.ledger", LEDGER);
        let parts = line.split('"').enumerate();
        let words = parts.flat_map(|(nth, part)| match nth % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        });
        words.collect::<Vec<String>>()
    };
    lines.iter().map(words).collect()
}

/// Each line of the guide's sequence is cut off at a random moment, again and again, and in the end repeated to its end. No
/// number gets two texts, and only those that are in doubt get none.
#[test]
fn a_wrong_text_noticed_half_way_is_corrected_as_the_guide_says() {
    let lines = guide_lines();
    let rng = &mut fastrand::Rng::with_seed(15);
    for campaign in 0..3 {
        let program = program(120);
        program.write("corrected.txt", CORRECTED[1]);
        spreadsheet(&program, TEXT)
            .more(&["--limit", "41"])
            .run()
            .exits(0);
        if campaign > 0 {
            let more = spreadsheet(&program, TEXT).more(&["--latency", "3", "--max-unknown", "0"]);
            more.start()
                .killed_after(Duration::from_millis(rng.u64(50..150)));
        }
        let line = |nth: usize| {
            let command = program.command(&lines[nth]);
            match &*lines[nth][0] {
                "cancel" => command.more(&["--yes"]),
                "results" => command,
                "send" => command
                    .more(&["--batch-size", "2", "--sandbox", "--outbox", "outbox.csv"])
                    .more(&[
                        "--yes",
                        "--rate",
                        "none",
                        "--latency",
                        "3",
                        "--max-unknown",
                        "0",
                    ]),
                other => panic!("{other}"),
            }
        };
        let in_doubt = statuses(&program, LEDGER)
            .get("unknown")
            .copied()
            .unwrap_or_default();
        for nth in 0..lines.len() {
            for _cut_off in 0..4 {
                let moment = Duration::from_micros(rng.u64(100..200_000));
                line(nth).start().killed_after(moment);
                if program.path(LEDGER).exists() {
                    verifies(&program, LEDGER);
                }
            }
            if nth == 1 && in_doubt > 0 {
                line(1).run().exits(0);
                line(2).run().exits(1).says(&["unknown", "resolve"]);
                // What the portal says; here nothing that was in doubt is sent again.
                let all = ["resolve", LEDGER, "--all", "--as", "accepted"];
                program.run(&all).exits(0);
            }
            for _repeated in 0..2 {
                let run = line(nth).run();
                run.shows(matches!(run.code, Some(0 | 5)), "it goes to its end");
            }
        }
        let mut numbers = BTreeSet::new();
        for ((number, text), times) in taken(&program) {
            assert_eq!(times, 1, "{number} got {text:?} {times} times");
            assert!(numbers.insert(number.clone()), "{number} got both texts");
        }
        let left = statuses(&program, LEDGER);
        let unknown = left.get("unknown").copied().unwrap_or_default();
        assert!(!left.contains_key("pending"), "{left:?}");
        assert!(numbers.len() + unknown + in_doubt >= 120, "{left:?}");
        verifies(&program, LEDGER);
        program.no_secret_anywhere(PASSWORD);
    }
}

/// Cancelled at random moments, with nobody sending, undone, and sent on.
#[test]
fn a_cancel_that_is_cut_off_has_cancelled_everything_or_nothing() {
    let program = program(60);
    let rng = &mut fastrand::Rng::with_seed(5);
    let mut sent = 0;
    while sent < 60 {
        spreadsheet(&program, TEXT).more(&["--limit", "7"]).run();
        sent = taken(&program).len();
        let all = statuses(&program, LEDGER);
        let cancel = ["cancel", LEDGER, "--yes"];
        let life = Duration::from_micros(rng.u64(100..30_000));
        program.command(&cancel).start().killed_after(life);
        verifies(&program, LEDGER);
        let now = statuses(&program, LEDGER);
        assert!(
            !(now.contains_key("pending") && now.contains_key("cancelled")),
            "{now:?}"
        );
        program.run(&cancel).exits(0);
        spreadsheet(&program, TEXT).run().exits(0);
        assert_eq!(
            taken(&program).len(),
            sent,
            "nothing is sent that is cancelled"
        );
        let rows = rows_with(&program, LEDGER, "cancelled");
        if rows.is_empty() {
            break;
        }
        let resolve = ["resolve", LEDGER, "--rows", &rows, "--as", "not-sent"];
        program.command(&resolve).start().killed_after(life);
        verifies(&program, LEDGER);
        if !rows_with(&program, LEDGER, "cancelled").is_empty() {
            program.run(&resolve).exits(0);
        }
        assert_eq!(statuses(&program, LEDGER), all, "as before");
    }
    assert_eq!(taken(&program).into_values().collect::<Vec<_>>(), [1; 60]);
}
