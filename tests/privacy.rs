//! Privacy: the password appears nowhere, phone numbers appear in no log, other users cannot read a ledger, and a gateway
//! must have a valid certificate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use common::gateway::{Gate, Request, trx_of};
use common::program::{Run, Victim};
use common::{
    Backend, Gateway, PASSWORD, Program, Reply, count_statuses, counts, msisdn, on_every_backend,
    own_texts, people, phone,
};

on_every_backend!(the_password_is_nowhere_after_a_kill,);

const TEXT: [&str; 2] = ["--message", "KedaiKu: we are open until midnight"];

fn customers<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["customers.csv", TEXT[0], TEXT[1]];
    all.extend(more);
    all
}

/// Replies that echo parts of the request.
fn echo(request: &Request, nth: usize) -> Reply {
    match nth % 9 {
        0 => Reply::accepted(trx_of(nth)),
        1 => Reply::ok(request.raw.clone()).taking_none(),
        2 => Reply::status(500, request.body.clone()).taking_none(),
        3 => Reply::ok(format!("-1005 = {}", request.field("pwd"))).taking_none(),
        4 => Reply::ok(format!("2000 = SUCCESS:{}", request.field("pwd"))),
        5 => Reply::ok(format!("-1006 = {} is bad", request.numbers[0])).taking_none(),
        6 => Reply::status(302, "").header(
            "Location",
            &format!(
                "https://elsewhere/?{}",
                String::from_utf8_lossy(&request.body)
            ),
        ),
        7 => Reply::reset(),
        _ => Reply::ok(format!("<html>{}</html>", request.field("pwd"))).taking_none(),
    }
}

/// All commands on a campaign of 40 texts, with the most verbose log and the account in the environment. Returns the
/// folder and the runs.
fn whole_campaign() -> (Program, Vec<Run>) {
    let program = Program::with(&[
        ("customers.csv", &own_texts(40)),
        ("broken.csv", "phone,message\nnonsense,hello\n"),
        ("wrong", &format!("{PASSWORD}\n")),
    ]);
    fs::remove_file(program.path("wrong")).unwrap();
    let gateway = Gateway::new(echo);
    let mut runs = Vec::new();
    let mut run = |arguments: &[&str]| {
        let mut all = arguments.to_vec();
        all.push("-vv");
        let run = program.command(&all).credentials().run();
        runs.push(run);
    };
    let url = gateway.url();
    let common = ["--gateway", &url, "--yes", "--rate", "none"];
    let send = |more: &[&'static str]| {
        let mut all = vec!["send", "customers.csv"];
        all.extend(more);
        all.extend(common);
        all.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let send_and = |more: &[&'static str], run: &mut dyn FnMut(&[&str])| {
        let all = send(more);
        run(&all.iter().map(String::as_str).collect::<Vec<_>>());
    };
    run(&["plan", "customers.csv"]);
    run(&["plan", "broken.csv"]);
    send_and(&["--max-unknown", "0", "--limit", "18"], &mut run);
    send_and(
        &["--max-unknown", "0", "--summary-json", "summary.json"],
        &mut run,
    );
    for command in ["status", "verify", "results"] {
        run(&[command, "customers.ledger"]);
    }
    run(&["results", "customers.ledger", "--status", "unknown,refused"]);
    run(&[
        "resolve",
        "customers.ledger",
        "--rows",
        "2",
        "--as",
        "not-sent",
    ]);
    run(&[
        "resolve",
        "customers.ledger",
        "--all",
        "--as",
        "accepted",
        "--note",
        "seen",
    ]);
    send_and(&["--batch-size", "7"], &mut run);
    run(&[
        "send",
        "customers.csv",
        "--sandbox",
        "--yes",
        "--rate",
        "none",
    ]);
    // Wrong usage.
    for wrong in [
        &["send", "customers.csv", "--password", "x"][..],
        &[
            "send",
            "customers.csv",
            "--gateway",
            "http://elsewhere.example/",
        ],
        &["send", "customers.csv", "--gateway", "no address"],
        &["send", "customers.csv", "--sandbox", "--gateway", &url],
        &["send", "missing.csv"],
        &["send"],
        &["send", "--help"],
        &["--help"],
        &["status", "customers.csv"],
        &["resolve", "customers.ledger"],
    ] {
        run(wrong);
    }
    // A gateway that does not know the account, and one that does not exist.
    let unknown_account = Gateway::answering("-1001");
    let nowhere = "https://no-such-host.invalid/RESTAPI.php";
    for gateway in [unknown_account.url().as_str(), nowhere] {
        let sheet = format!("{}.csv", gateway.len());
        program.write(&sheet, people(3));
        let mut all = vec!["send", &sheet, TEXT[0], TEXT[1], "--gateway", gateway];
        all.extend(["--yes", "--give-up-after", "0s"]);
        run(&all);
    }
    (program, runs)
}

#[test]
fn the_password_is_nowhere_in_a_whole_campaign() {
    let (program, runs) = whole_campaign();
    let codes: Vec<_> = runs.iter().map(|run| run.code).collect();
    for code in [0, 1, 2, 4, 5, 75] {
        assert!(
            codes.contains(&Some(code)),
            "no run ended with {code}: {codes:?}"
        );
    }
    program.no_secret_anywhere(PASSWORD);
}

fn the_password_is_nowhere_after_a_kill(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &own_texts(40))]);
    let victim = Victim::new();
    let killer = victim.clone();
    let gateway = Gateway::new(move |request, nth| {
        if nth == 20 {
            killer.signal("KILL");
        }
        echo(request, nth)
    });
    let arguments = ["customers.csv", "-vv", "--max-unknown", "0"];
    let running = program.send_command(&gateway.url(), &arguments).start();
    victim.is(&running);
    running.wait().dies_of(9);
    assert!(
        backend.is_store() || program.path("customers.ledger-wal").exists(),
        "the log of the ledger is there to be searched"
    );
    program.no_secret_anywhere(PASSWORD);
}

#[test]
fn passwords_that_cannot_be_read_are_not_shown() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    let gateway = Gateway::accepting();
    let url = gateway.url();
    let twice = format!("{PASSWORD}\n{PASSWORD}");
    for (name, value) in [
        ("ISMS_PASSWORD_FILE", "customers.csv/x"),
        ("ISMS_PASSWORD_FILE", "."),
        ("ISMS_PASSWORD", twice.as_str()),
    ] {
        program
            .send_command(&url, &customers(&["-vv"]))
            .without("ISMS_PASSWORD")
            .env(name, value)
            .run();
    }
    program
        .send_command(&url, &customers(&["-vv"]))
        .without("ISMS_USERNAME")
        .run()
        .exits(1)
        .says(&["ISMS_USERNAME"]);
    program.no_secret_anywhere(PASSWORD);
}

/// Panics if the text holds a full number of the tests, as an MSISDN or as it was written.
fn assert_no_full_number(text: &str, rows: usize) {
    for i in 0..rows {
        let full = msisdn(i);
        for written in [&full, &full[1..], &full[2..], &phone(i)] {
            assert!(!text.contains(written), "{written} is in\n{text}");
        }
    }
}

#[test]
fn a_log_masks_the_numbers() {
    let (_program, runs) = whole_campaign();
    let all: String = runs.iter().map(|run| run.stderr.as_str()).collect();
    assert!(all.contains("6012****000"), "requests are logged\n{all}");
    for run in &runs {
        assert_no_full_number(&run.stderr, 40);
    }
}

/// A person must see these to correct or approve them, and asks for them where standard error is a log.
#[test]
fn bad_list_entries_and_sample_texts_show_full_numbers_if_asked_for() {
    let program = Program::with(&[
        ("customers.csv", &people(3)),
        ("list.txt", "phone\n012-550 0001x\n"),
    ]);
    let gateway = Gateway::accepting();
    for (verbose, shown) in [("-v", true), ("--progress=auto", false)] {
        // An entry of a list that is no number.
        let refused = program.send(&gateway, &customers(&["--suppress", "list.txt", verbose]));
        refused.exits(1).says(&["line 2", "--lenient-suppress"]);
        refused.shows(
            refused.stderr.contains("012-550 0001x") == shown,
            "the entry",
        );
        // A sample text that contains a number.
        let ledger = ["--ledger", if shown { "a.ledger" } else { "b.ledger" }];
        let message = "KedaiKu: we call {{ phone }}";
        let mut arguments = vec!["customers.csv", "--message", message, verbose];
        arguments.extend(ledger.iter().chain(&["--repeat", "allow"]));
        let sent = program.send(&gateway, &arguments);
        sent.exits(0);
        sent.shows(sent.stderr.contains(&phone(0)) == shown, "the text");
        sent.shows(!sent.stderr.contains(&msisdn(0)), "an MSISDN");
    }
}

fn mode(program: &Program, name: &str) -> u32 {
    let metadata = fs::metadata(program.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    metadata.permissions().mode() & 0o777
}

#[test]
fn a_ledger_is_private_and_results_follow_the_umask() {
    for (umask, results) in [("000", 0o666), ("022", 0o644), ("077", 0o600)] {
        let program = Program::with(&[("customers.csv", &people(40))]);
        let gate = Gate::closed();
        let gateway = Gateway::behind(&gate);
        let running = program
            .send_command(&gateway.url(), &customers(&[]))
            .within(&format!("umask {umask}"))
            .start();
        gateway.wait_for_requests(1);
        let private = |names: &[&str]| {
            for name in names {
                assert_eq!(mode(&program, name), 0o600, "{name}, umask {umask}");
            }
        };
        private(&[
            "customers.ledger",
            "customers.ledger.lock",
            "customers.ledger-wal",
            "customers.ledger-shm",
        ]);
        gate.open();
        running.wait().exits(0);
        let mut sandbox = vec!["send", "customers.ledger", "--sandbox", "--yes"];
        sandbox.extend(["--rate", "none", "--outbox", "outbox.csv"]);
        program
            .command(&sandbox)
            .within(&format!("umask {umask}"))
            .run()
            .exits(0);
        private(&[
            "customers.ledger",
            "customers.ledger.lock",
            "customers.sandbox.ledger",
            "customers.sandbox.ledger.lock",
            "outbox.csv",
        ]);
        assert_eq!(mode(&program, "customers.results.csv"), results);
        assert_eq!(mode(&program, "customers.sandbox.results.csv"), results);
    }
}

/// While a plan waits for the rest of its spreadsheet, its ledger is a partial file.
#[test]
fn an_unfinished_plan_is_private() {
    let program = Program::with(&[("half.csv", &people(3_000))]);
    let waiting = "umask 000; mkfifo rest; exec <rest";
    let running = program
        .command(&["plan", "-", "--ledger", "x.ledger", TEXT[0], TEXT[1]])
        .within(waiting)
        .start();
    // Opening a pipe blocks until both ends are open.
    let pipe = loop {
        if let Ok(pipe) = fs::OpenOptions::new()
            .write(true)
            .open(program.path("rest"))
        {
            break pipe;
        }
        assert!(common::program::is_running(running.pid));
        std::thread::yield_now();
    };
    std::io::Write::write_all(&mut &pipe, program.read("half.csv").as_bytes()).unwrap();
    while !program.path("x.ledger.partial").exists() {
        assert!(common::program::is_running(running.pid));
        std::thread::yield_now();
    }
    assert_eq!(mode(&program, "x.ledger.partial"), 0o600);
    assert_eq!(mode(&program, "x.ledger.lock"), 0o600);
    drop(pipe);
    running.wait().exits(0);
    assert_eq!(mode(&program, "x.ledger"), 0o600);
}

#[test]
fn a_gateway_with_a_self_signed_certificate_is_sent_nothing() {
    let program = Program::with(&[("customers.csv", &people(3))]);
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command
            .args(arguments.split_whitespace())
            .current_dir(program.path("."))
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let made = openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
         -addext subjectAltName=IP:127.0.0.1,DNS:localhost",
    )
    .status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: openssl is not installed");
        return;
    }
    let mut server = openssl("s_server -accept 127.0.0.1:0 -key key.pem -cert cert.pem -www")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let port = lines.find_map(|line| Some(line.unwrap().strip_prefix("ACCEPT ")?.to_owned()));
    let address = port.expect("the address of the server");
    let url = format!("https://{address}/RESTAPI.php");
    let run = program
        .send_command(&url, &customers(&["--give-up-after", "0s"]))
        .run();
    server.kill().unwrap();
    server.wait().unwrap();
    run.exits(1);
    let rows = program.results("customers.results.csv");
    assert_eq!(count_statuses(&rows), counts(&[("pending", 3)]));
    let why = &rows[0]["sms_detail"];
    assert!(why.contains("certificate"), "{why}");
    let help = program.run(&["send", "--help"]).stdout.to_lowercase();
    for word in ["insecure", "no-verify", "no-check", "certificate"] {
        assert!(
            !help.contains(word),
            "no option may skip the check of certificates: {word}"
        );
    }
}
