//! `--on-end`: a command gets the summary when a run has ended, however it ended, and changes nothing about that.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::gateway::Gate;
use common::program::{Run, is_running};
use common::{Gateway, PASSWORD, Program, USERNAME, people, wait_for};

/// Keeps what it gets, and what it finds.
const KEEP: &str = "sh -c 'cat > got.json; cp customers.results.csv seen.csv; cp last.json seen.json; echo printed; env > env.txt'";

fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let first = ["customers.csv", "--message", "KedaiKu: 20% off today"];
    [&first[..], &["--on-end", KEEP], more].concat()
}

/// Panics unless the command got the summary of a run that ended so.
fn got(program: &Program, run: &Run, code: i32, error_kind: &str) {
    run.exits(code);
    let summary = program.summary_json("got.json");
    assert_eq!(summary["exit_code"], code, "{run}\n{summary}");
    assert_eq!(
        summary["error_kind"].as_str().unwrap_or_default(),
        error_kind,
        "{run}"
    );
    std::fs::remove_file(program.path("got.json")).unwrap();
}

#[test]
fn the_command_gets_the_summary_of_each_end() {
    let program = Program::with(&[("customers.csv", &people(3))]);
    let gateway = Gateway::in_turn(&["-1004", "2000 = SUCCESS:7", "-1000"]);
    let send = |more: &[&str]| program.send(&gateway, &arguments(more));
    got(&program, &send(&["--no-such-option"]), 2, "usage");
    got(&program, &send(&["--suppress", "none.csv"]), 1, "input");
    got(&program, &send(&["--phone-column", "fax"]), 1, "input");
    got(&program, &send(&["--outbox", "outbox.csv"]), 2, "usage");
    let unasked = [
        "send",
        "customers.csv",
        "--message",
        "Hi",
        "--sandbox",
        "--on-end",
        KEEP,
    ];
    got(&program, &program.run(&unasked), 1, "other");
    got(&program, &send(&[]), 4, "account");
    got(&program, &send(&["--limit", "1"]), 0, "");
    got(&program, &send(&["--limit", "1"]), 5, "unknown");
    let missing = ["none.csv", "--on-end", KEEP];
    got(&program, &program.send(&gateway, &missing), 1, "no-input");
}

#[test]
fn everything_is_written_before_and_no_credentials_are_handed_on() {
    let program = Program::with(&[("customers.csv", &people(3))]);
    program.write("password", PASSWORD);
    let gateway = Gateway::accepting();
    let send = |more: &[&str]| {
        let send = program.send_command(&gateway.url(), &arguments(more));
        send.env("ISMS_PASSWORD_FILE", "password").run()
    };
    let run = send(&["--summary-json", "last.json"]);
    run.exits(0).says(&["printed"]);
    assert!(!run.stdout.contains("printed"), "{run}");
    assert_eq!(program.read("got.json"), program.read("last.json"));
    assert_eq!(program.read("seen.json"), program.read("last.json"));
    assert_eq!(
        program.read("seen.csv"),
        program.read("customers.results.csv")
    );
    let environment = program.read("env.txt");
    assert!(environment.contains("PATH="), "{environment}");
    for secret in [USERNAME, "ISMS_"] {
        assert!(!environment.contains(secret), "{environment}");
    }
    let run = send(&["--summary-json", "-"]);
    run.exits(0);
    assert_eq!(program.read("got.json"), run.stdout);
}

#[test]
fn a_command_that_fails_is_a_warning() {
    let program = Program::with(&[("customers.csv", &people(3))]);
    let gateway = Gateway::accepting();
    let send = |command| {
        let message = ["customers.csv", "--message", "KedaiKu: 20% off today"];
        program.send(&gateway, &[&message[..], &["--on-end", command]].concat())
    };
    for command in ["no-such-command", "./customers.csv", "/"] {
        send(command).exits(1).says(&["--on-end", command]);
    }
    send("mail 'ops").exits(2).says(&["--on-end"]);
    assert_eq!(gateway.count(), 0, "said before the first request");
    assert!(!program.ledger_exists());
    send("sh -c 'exit 7'")
        .exits(0)
        .says(&["Warning", "--on-end", "7"]);
    assert_eq!(gateway.numbers_taken().len(), 3);
}

#[test]
fn a_run_that_a_signal_ended_is_told_too() {
    let program = Program::with(&[("customers.csv", &people(90))]);
    program.pipe("pipe.csv");
    let gate = Gate::closed();
    let gateway = Gateway::behind(&gate);
    // Before anything was planned.
    let planning = [
        "pipe.csv",
        "--message",
        "Hi",
        "--on-end",
        KEEP,
        "--summary-json",
        "last.json",
    ];
    let running = program.send_command(&gateway.url(), &planning).start();
    wait_for("the beginning", || program.path("last.json").exists());
    running.signal("INT");
    got(&program, &running.wait(), 130, "signal");
    // While a request is under way. The answer must not come before the signal.
    let send = program.send_command(&gateway.url(), &arguments(&[]));
    let running = send.within("exec 2> log.txt").start();
    gateway.wait_for_requests(1);
    running.signal("TERM");
    wait_for("the stop", || program.read("log.txt").contains("Stopping"));
    gate.open();
    got(&program, &running.wait(), 143, "signal");
}

#[test]
fn a_signal_ends_the_program_and_the_command_at_once() {
    let program = Program::with(&[("customers.csv", &people(3))]);
    program.pipe("pipe.csv");
    let gateway = Gateway::accepting();
    for recipients in ["customers.csv", "pipe.csv"] {
        let command = "sh -c 'echo $$ > pid.txt; sleep 600 & wait'";
        let last = format!("{recipients}.json");
        let sent = [
            recipients,
            "--message",
            "Hi",
            "--on-end",
            command,
            "--summary-json",
            &last,
        ];
        let running = program.send_command(&gateway.url(), &sent).start();
        if recipients == "pipe.csv" {
            wait_for("the beginning", || program.path(&last).exists());
            running.signal("INT");
        }
        let pid = || std::fs::read_to_string(program.path("pid.txt")).unwrap_or_default();
        wait_for("the command", || pid().ends_with('\n'));
        let pid: u32 = pid().trim().parse().unwrap();
        assert!(is_running(pid));
        // Another one than the first: one of its kind shortly after it is the same one.
        running.signal("TERM");
        running.wait().exits(143);
        wait_for("its end", || !is_running(pid));
        std::fs::remove_file(program.path("pid.txt")).unwrap();
        assert!(program.summary_json(&last)["exit_code"].is_number());
    }
}

/// A timer starts the same command while the run before is still under way.
#[test]
fn a_run_that_is_refused_leaves_the_summary_to_the_one_under_way() {
    let program = Program::with(&[("customers.csv", &people(3))]);
    let gate = Gate::closed();
    let gateway = Gateway::behind(&gate);
    let last = arguments(&["--summary-json", "last.json"]);
    let running = program.send_command(&gateway.url(), &last).start();
    gateway.wait_for_requests(1);
    for (path, code) in [("last.json", None), ("other.json", Some(1))] {
        let refused = program.send(&gateway, &arguments(&["--summary-json", path]));
        assert_eq!(program.summary_json("got.json")["running"], true);
        got(&program, &refused, 1, "in-use");
        assert_eq!(program.summary_json(path)["exit_code"].as_i64(), code);
    }
    gate.open();
    got(&program, &running.wait(), 0, "");
    assert_eq!(program.summary_json("last.json")["exit_code"], 0);
}
