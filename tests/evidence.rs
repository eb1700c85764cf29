//! What a run leaves for those who were not there: the summary JSON, standard error, and `status`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Duration;

use common::gateway::trx_of;
use common::program::Victim;
use common::{Gateway, Program, Reply, SUMMARY_KEYS, people};
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
