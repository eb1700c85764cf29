//! What a run leaves for those who were not there: the summary JSON, standard error, and `status`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Duration;

use common::gateway::{Gate, trx_of};
use common::program::{Run, Victim};
use common::{Gateway, Program, Reply, SUMMARY_KEYS, people, phone};
use serde_json::Value;

const TEXT: [&str; 2] = ["--message", "KedaiKu: we are open until midnight"];

/// `send customers.csv` with the tests' text, a summary, and these arguments more.
fn customers<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["customers.csv", TEXT[0], TEXT[1]];
    all.extend(["--summary-json", "last.json"]);
    all.extend(more);
    all
}

fn text(summary: &Value, key: &str) -> String {
    let text = summary[key].as_str();
    text.unwrap_or_else(|| panic!("{key} is no text: {summary}"))
        .to_owned()
}

/// RFC 3339 to the second or finer, with an offset.
fn is_time(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    ["0000-00-00T00:00:00+00:00", "0000-00-00T00:00:00.000+00:00"].contains(&shape.as_str())
}

// --- The summary JSON -----------------------------------------------------------------------------------------

#[test]
fn a_killed_run_does_not_leave_an_earlier_success() {
    let program = Program::with(&[("customers.csv", &people(3))]);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &customers(&["--limit", "1"]))
        .exits(0);
    assert_eq!(program.summary_json("last.json")["exit_code"], 0);
    let victim = Victim::new();
    let killer = victim.clone();
    let deadly = Gateway::new(move |_, nth| {
        killer.signal("KILL");
        Reply::accepted(trx_of(nth))
    });
    let running = program.send_command(&deadly.url(), &customers(&[])).start();
    victim.is(&running);
    running.wait().dies_of(9);
    let summary = program.summary_json("last.json");
    for key in SUMMARY_KEYS {
        assert!(summary.get(key).is_some(), "{key} is missing: {summary}");
    }
    for key in ["exit_code", "ended_at", "error", "error_kind"] {
        assert!(summary[key].is_null(), "{key}: {summary}");
    }
    assert!(is_time(&text(&summary, "started_at")), "{summary}");
    assert_eq!(
        (&summary["rows"], &summary["accepted"], &summary["pending"]),
        (&3.into(), &1.into(), &2.into()),
        "what the ledger held when it began"
    );
}

/// The gateway's answer, options (some of which are made by [`ends`]), the exit code, the word, and some words of the cause.
type End = (
    &'static str,
    &'static [&'static str],
    i32,
    &'static str,
    &'static str,
);

const TAKEN: &str = "2000 = SUCCESS:1";

const LIMITS: [&str; 4] = ["--max-invalid", "0", "--phone-column", "name"];

const ENDS: [End; 14] = [
    ("-1001", &[], 4, "account", "-1001"),
    ("-1004", &[], 4, "account", "-1004"),
    ("-1006", &["--batch-size=1"], 4, "account", "ten requests"),
    (
        "<html>",
        &["--max-unknown=1"],
        5,
        "unknown",
        "usable answer",
    ),
    ("<html>", &["--max-unknown=0"], 5, "unknown", "40 messages"),
    ("-1006", &["--batch-size=40"], 3, "not-sent", "40 refused"),
    (TAKEN, &["unreachable"], 75, "unreachable", "refused"),
    (TAKEN, &["--results=no/a.csv"], 1, "disk", "no/a.csv"),
    (TAKEN, &["--suppress=none.csv"], 1, "input", "none.csv"),
    (TAKEN, &["--nonsense"], 2, "usage", "--nonsense"),
    (TAKEN, &["--outbox=o.csv"], 2, "usage", "--sandbox"),
    (TAKEN, &LIMITS, 1, "limits", "40"),
    (TAKEN, &["missing"], 1, "no-input", "missing.csv"),
    (TAKEN, &["no account"], 1, "account", "ISMS_USERNAME"),
];

#[test]
fn every_end_but_success_names_its_cause() {
    for end in ENDS {
        ends(end);
    }
}

fn ends((answer, options, exit, kind, words): End) {
    let program = Program::with(&[("customers.csv", &people(40))]);
    let gateway = Gateway::answering(answer);
    let mut arguments = customers(&["--give-up-after", "0s"]);
    let mut url = gateway.url();
    match options {
        ["unreachable"] => "http://127.0.0.1:9/RESTAPI.php".clone_into(&mut url),
        ["missing"] => arguments[0] = "missing.csv",
        ["no account"] => {}
        options => arguments.extend(options),
    }
    let mut command = program.send_command(&url, &arguments);
    if options == ["no account"] {
        command = command.without("ISMS_USERNAME");
    }
    let run = command.run();
    run.exits(exit);
    let summary = program.summary_json("last.json");
    assert_eq!(summary["exit_code"], exit, "{run}");
    assert_eq!(summary["error_kind"], kind, "{summary}");
    let error = text(&summary, "error");
    assert!(error.contains(words), "{words}: {error}");
    assert!(is_time(&text(&summary, "started_at")), "{summary}");
    assert!(is_time(&text(&summary, "ended_at")), "{summary}");
    // A run that sent all it could was not stopped.
    let stopped = exit != 3 && !error.contains("40 messages");
    assert_eq!(summary["stopped_by"].is_string(), stopped, "{summary}");
    let last = run.stderr.lines().last().unwrap();
    run.shows(
        !stopped || exit == 2 || last.contains(&error),
        "the last line says why",
    );
}

#[test]
fn a_signal_names_itself() {
    let program = Program::with(&[("customers.csv", &people(90))]);
    let victim = Victim::new();
    let sender = victim.clone();
    let gateway = Gateway::new(move |_, nth| {
        if nth == 0 {
            sender.signal("TERM");
        }
        Reply::accepted(trx_of(nth)).after(Duration::from_millis(300))
    });
    let running = program
        .send_command(&gateway.url(), &customers(&["--concurrency", "1"]))
        .start();
    victim.is(&running);
    running.wait().exits(143);
    let summary = program.summary_json("last.json");
    assert_eq!(summary["error_kind"], "signal");
    assert!(text(&summary, "error").contains("SIGTERM"), "{summary}");
}

#[test]
fn the_summary_names_the_gateway_and_the_sandbox() {
    let program = Program::with(&[("customers.csv", &people(3))]);
    let gateway = Gateway::accepting();
    program.send(&gateway, &customers(&[])).exits(0);
    let summary = program.summary_json("last.json");
    assert_eq!(summary["gateway"], "loopback");
    assert_eq!(summary["sandbox"], false);
    assert!(summary["error"].is_null() && summary["error_kind"].is_null());
    let sandbox = [&["send"], &customers(&["--sandbox", "--yes"])[..]].concat();
    program.run(&sandbox).exits(0);
    assert_eq!(program.summary_json("last.json")["sandbox"], true);
}

// --- Standard error -------------------------------------------------------------------------------------------

/// Panics unless each line that is not indented begins with the time.
#[track_caller]
fn is_log(run: &Run) {
    for line in run.stderr.lines() {
        let indented = line.starts_with([' ', '\t']);
        let time = line.split(' ').next().unwrap();
        run.shows(indented || is_time(time), line);
    }
}

#[test]
fn each_line_of_a_log_begins_with_the_time() {
    let sheet = people(9) + "Nobody,123\n";
    let program = Program::with(&[("customers.csv", &sheet)]);
    let gateway = Gateway::accepting();
    let nowhere = "http://127.0.0.1:9/RESTAPI.php";
    let wrong: [&[&str]; 6] = [
        &["send"],
        &["send", "customers.csv", "--nonsense"],
        &["plan", "nothing.csv"],
        &["status", "nothing.ledger"],
        &["verify", "customers.csv"],
        &["guide", "teleport"],
    ];
    for arguments in wrong {
        let run = program.run(arguments);
        is_log(&run);
        run.shows(!run.stderr.is_empty(), "it says something");
    }
    for options in [&["-vv", "--limit=2"][..], &["-v", "--limit=2"], &[]] {
        let run = program.send(&gateway, &customers(options));
        is_log(&run);
        run.shows(run.stderr.contains("+08:00 "), "local time");
    }
    program.write("more.csv", people(2));
    let unreachable = [
        "more.csv",
        TEXT[0],
        TEXT[1],
        "--give-up-after",
        "1s",
        "--repeat",
        "allow",
    ];
    let run = program.send_command(nowhere, &unreachable).run();
    run.exits(75);
    is_log(&run);
    let resolve = ["resolve", "customers.ledger", "--all", "--as", "not-sent"];
    for arguments in [
        &["results", "customers.ledger"][..],
        &["send", "customers.ledger", "--sandbox", "--yes"],
        &resolve,
    ] {
        is_log(&program.run(arguments));
    }
}

#[test]
fn quiet_shows_only_problems_and_the_last_summary() {
    let program = Program::with(&[("customers.csv", &people(9))]);
    let gateway = Gateway::accepting();
    let run = program.send(&gateway, &customers(&["-q"]));
    run.exits(0)
        .says(&["Accepted      9", "customers.results.csv"]);
    for left_out in ["Campaign", "To send", "First", "So far"] {
        run.shows(!run.stderr.contains(left_out), left_out);
    }
    let run = program.run(&["results", "customers.ledger", "--quiet"]);
    run.exits(0).shows(run.stderr.is_empty(), "all went well");
    program
        .run(&["status", "none.ledger", "-q"])
        .exits(1)
        .says(&["none.ledger"]);
    program
        .run(&["status", "customers.ledger", "-q", "-v"])
        .exits(2);
    let plan = ["plan", "customers.csv", TEXT[0], TEXT[1], "-q"];
    program
        .run(&plan)
        .exits(0)
        .shows(true, "the summary was asked for");
    // A failing gateway is a problem.
    program.write("more.csv", people(2));
    let more = [
        "more.csv",
        TEXT[0],
        TEXT[1],
        "-q",
        "--give-up-after",
        "1s",
        "--repeat",
        "allow",
    ];
    let nowhere = "http://127.0.0.1:9/RESTAPI.php";
    let run = program.send_command(nowhere, &more).run();
    run.exits(75).says(&["Not sent yet", "run again later"]);
}

/// Four workers try all the time, for longer than a plain line takes.
#[test]
fn an_outage_is_one_line_and_no_prediction() {
    let program = Program::with(&[("customers.csv", &people(900))]);
    let arguments = customers(&["--give-up-after", "7s", "--rate", "30/s"]);
    let nowhere = "http://127.0.0.1:9/RESTAPI.php";
    let run = program.send_command(nowhere, &arguments).run();
    run.exits(75);
    let lines = run
        .stderr
        .lines()
        .filter(|line| line.contains("Not sent yet"));
    run.shows(lines.clone().count() == 1, "one line a minute");
    run.shows(!run.stderr.contains(" left:"), "no prediction");
    let last = run.stderr.lines().last().unwrap();
    run.shows(
        last.contains("refused") && last.contains("run again later"),
        last,
    );
}

/// A cell, its text and a number of each kind of finding, none of which may be in a log.
#[test]
fn a_log_holds_no_cells_and_texts() {
    const PRIVATE: &str = "Zx9Qv";
    const NAME: &[&str] = &["--message=Hi {{ name }}"];
    const DUE: &[&str] = &["--message=On {{ due | date(\"%d %b\") }}"];
    // TO and OTHER are numbers, LONG needs another credit.
    let sheets: [(&str, &[&str]); 11] = [
        ("phone,message\nTO,Hi PRIVATE\n", &[]),
        ("phone,message\nTO,Hi PRIVATE\n", &["--show=1"]),
        ("phone,message\nPRIVATE,Hi\nTO,Hi\n", &[]),
        ("phone,message\nTO,Hi PRIVATE\u{4f60}\n", &[]),
        ("phone,message\nTO,Hi PRIVATE bit.ly/xPRIVATE\n", &[]),
        ("phone,message\nTO,Hi bit.ly/xPRIVATE\n", &["--lint=deny"]),
        ("phone,message\nTO,A PRIVATE\nTO,B PRIVATE\n", &[]),
        ("phone,name\nTO,\nOTHER,PRIVATE\n", NAME),
        ("phone,name\nTO,#N/A PRIVATE\n", NAME),
        ("phone,due\nTO,PRIVATE\nOTHER,1/2/2026\n", DUE),
        ("phone,message\nTO,PRIVATE LONG\n", &[]),
    ];
    for (sheet, options) in sheets {
        let private = sheet.replace("PRIVATE", PRIVATE);
        let private = private.replace("LONG", &"x".repeat(200));
        let private = private.replace("TO", &phone(0)).replace("OTHER", &phone(1));
        for verbose in [false, true] {
            let program = Program::with(&[("customers.csv", &private)]);
            let gateway = Gateway::accepting();
            let mut arguments = vec!["customers.csv", "--max-invalid", "100%"];
            arguments.extend(options);
            arguments.extend(verbose.then_some("-v"));
            let run = program.send(&gateway, &arguments);
            let shown = run.stderr.contains(PRIVATE) || run.stderr.contains(&phone(0));
            run.shows(!shown || verbose, sheet);
            let mut plan = vec!["plan"];
            plan.extend(&arguments);
            plan.extend(["--summary-json", "-", "--on-change", "new"]);
            let run = program.run(&plan);
            let shown = run.stderr.contains(PRIVATE) || run.stderr.contains(&phone(0));
            run.shows(!shown || verbose, sheet);
        }
    }
}

#[test]
fn errors_leave_cells_out_of_a_log() {
    let dates = format!(
        "phone,due\n{},13/2/2026\n{},2/13/2026\n",
        phone(0),
        phone(1)
    );
    let program = Program::with(&[
        ("dates.csv", &dates),
        ("data.csv", &format!("{},x\n{},y\n", phone(3), phone(4))),
    ]);
    let plan_dates = [
        "plan",
        "dates.csv",
        "--message",
        "On {{ due | date(\"%d %b\") }}",
    ];
    for (arguments, cell) in [
        (&plan_dates[..], "13/2/2026"),
        (&["plan", "data.csv", TEXT[0], TEXT[1]], &phone(3)),
    ] {
        let run = program.run(arguments);
        run.exits(1).says(&["-v shows"]);
        run.shows(!run.stderr.contains(cell), "left out");
        let run = program.command(arguments).more(&["-v"]).run();
        run.exits(1).says(&[cell]);
    }
}

// --- Signals --------------------------------------------------------------------------------------------------

#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    for (ignored, sent, exit) in [
        ("HUP", "HUP", 0),
        ("HUP", "TERM", 143),
        ("INT", "INT", 0),
        ("TERM", "TERM", 0),
        ("TERM", "HUP", 143),
        ("USR1", "HUP", 143),
        ("HUP INT TERM", "TERM", 0),
    ] {
        let program = Program::with(&[("customers.csv", &people(90))]);
        let victim = Victim::new();
        let sender = victim.clone();
        let gateway = Gateway::new(move |_, nth| {
            if nth == 0 {
                sender.signal(sent);
            }
            Reply::accepted(trx_of(nth)).after(Duration::from_millis(200))
        });
        let running = program
            .send_command(&gateway.url(), &customers(&["--concurrency", "1"]))
            .within(&format!("trap '' {ignored}"))
            .start();
        victim.is(&running);
        running.wait().exits(exit);
    }
}

// --- Status ---------------------------------------------------------------------------------------------------

fn status_json(program: &Program, ledger: &str) -> Value {
    let run = program.run(&["status", ledger, "--json"]);
    run.exits(0);
    serde_json::from_str(&run.stdout).expect("one JSON object")
}

#[test]
fn status_as_json_has_the_keys_of_a_summary() {
    let sheet = people(9) + "Nobody,123\n";
    let program = Program::with(&[("customers.csv", &sheet)]);
    let plan = ["plan", "customers.csv", TEXT[0], TEXT[1]];
    program.run(&plan).exits(0);
    let planned = status_json(&program, "customers.ledger");
    for key in SUMMARY_KEYS {
        assert!(planned.get(key).is_some(), "{key} is missing: {planned}");
    }
    assert_eq!(
        (&planned["pending"], &planned["invalid"]),
        (&9.into(), &1.into())
    );
    assert!(
        planned["exit_code"].is_null() && planned["gateway"].is_null(),
        "{planned}"
    );
    // While a run is under way.
    let gate = Gate::closed();
    let gateway = Gateway::behind(&gate);
    let running = program
        .send_command(&gateway.url(), &customers(&[]))
        .start();
    gateway.wait_for_requests(1);
    let during = status_json(&program, "customers.ledger");
    assert_eq!(
        (&during["running"], &during["unknown"]),
        (&true.into(), &9.into())
    );
    assert!(during["exit_code"].is_null(), "{during}");
    let said = program.run(&["status", "customers.csv"]);
    said.exits(0)
        .shows(said.stdout.contains("under way"), "a run is under way");
    gate.open();
    running.wait().exits(3);
    let done = status_json(&program, "customers.ledger");
    assert_eq!(done["running"], false);
    assert_eq!(
        (&done["exit_code"], &done["error_kind"]),
        (&3.into(), &"not-sent".into())
    );
    let summary = program.summary_json("last.json");
    let of_the_run = ["requests", "started_at", "ended_at", "elapsed_seconds"];
    for key in SUMMARY_KEYS.iter().filter(|key| !of_the_run.contains(key)) {
        assert_eq!(done[*key], summary[*key], "{key}");
    }
}

#[test]
fn a_ledger_may_be_named_by_its_spreadsheet() {
    for name in [
        "customers.csv",
        "May 2026.csv",
        "a.b.csv",
        "CUSTOMERS.CSV",
        "x.tsv",
        "list.txt",
    ] {
        let program = Program::with(&[(name, &people(3))]);
        let gateway = Gateway::answering("<html>");
        for command in ["status", "verify", "results"] {
            program
                .run(&[command, name])
                .exits(1)
                .says(&["plan or send it first"]);
        }
        program.send(&gateway, &[name, TEXT[0], TEXT[1]]).exits(5);
        let run = program.run(&["status", name]);
        run.exits(0)
            .shows(run.stdout.contains("Unknown       3"), "its counts");
        program.run(&["verify", name]).exits(0);
        let run = program.run(&["results", name, "--status", "unknown"]);
        run.exits(0)
            .shows(run.stdout.lines().count() == 4, "its rows");
        // A run ends where the spreadsheet has gone, too.
        std::fs::remove_file(program.path(name)).unwrap();
        program
            .run(&["resolve", name, "--all", "--as", "accepted"])
            .exits(0);
        let run = program.run(&["status", name]);
        run.exits(0)
            .shows(run.stdout.contains("Accepted      3"), "its counts");
    }
    let program = Program::with(&[("customers.csv", &people(3))]);
    let sandbox = [
        "send",
        "customers.csv",
        TEXT[0],
        TEXT[1],
        "--sandbox",
        "--yes",
    ];
    program.run(&sandbox).exits(0);
    let run = program.run(&["status", "customers.csv"]);
    run.exits(1)
        .says(&["only sent to the sandbox", "customers.sandbox.ledger"]);
    program
        .run(&["status", "none.csv"])
        .exits(1)
        .says(&["none.csv"]);
}

// --- The sandbox ----------------------------------------------------------------------------------------------

#[test]
fn a_sandbox_run_says_that_nobody_received_anything() {
    let csv = format!("{}Refused,012-900 1005\n", people(3));
    let program = Program::with(&[("customers.csv", &csv)]);
    let arguments = [
        "send",
        "customers.csv",
        TEXT[0],
        TEXT[1],
        "--sandbox",
        "--yes",
    ];
    for (options, exit) in [
        (&["--batch-size=1"][..], 3),
        (&["--batch-size=1"], 3),
        (&["-q", "--batch-size=1"], 3),
        (&["--batch-size=2"], 1),
        (&["--results=no/where.csv"], 1),
        (&["--timeout=0"], 2),
    ] {
        let run = program.command(&arguments).more(options).run();
        run.exits(exit);
        let lines: Vec<&str> = run.stderr.lines().collect();
        let nobody = |line: Option<&&str>| line.is_some_and(|line| line.contains("nobody receive"));
        run.shows(exit == 2 || nobody(lines.last()), "its last line");
        let quiet = exit == 2 || options.contains(&"-q");
        run.shows(quiet || nobody(lines.first()), "its first line");
    }
    let rows = program.results("customers.sandbox.results.csv");
    for row in &rows {
        assert!(row["sms_detail"].contains("nobody received it"), "{row:?}");
    }
    assert_eq!(
        rows.iter()
            .filter(|row| row["sms_status"] == "refused")
            .count(),
        1
    );
    let status = program.run(&["status", "customers.sandbox.ledger"]);
    status.shows(status.stdout.contains("nobody received anything"), "status");
    let gateway = Gateway::accepting();
    let real = program.send(&gateway, &customers(&[]));
    real.exits(0)
        .shows(!real.stderr.contains("nobody"), "this was sent");
    let rows = program.results("customers.results.csv");
    assert!(rows.iter().all(|row| row["sms_detail"].is_empty()));
}
