//! `test`: some texts of a campaign to the phone of the person who sends it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::gateway::unreachable_url;
use common::program::Run;
use common::{Backend, Gateway, Program, Reply, on_every_backend, wait_for};

on_every_backend!(
    the_first_and_the_longest_text_go_to_the_own_phone_alone,
    each_asked_row_goes_to_each_number_once_in_the_texts_of_the_plan,
    a_ledger_can_be_tested_whatever_became_of_its_rows,
    a_test_ends_by_the_state_of_its_ledger,
    a_test_that_is_killed_leaves_a_ledger_that_says_so,
);

const SHEET: &str = "name,phone,note\n\
    Aminah,012-550 0001,a\n\
    Bala,012-550 0002,much longer than all the others\n\
    Chong,04-226 1782,b\n\
    Aminah,012-550 0001,a\n\
    Devi,012-550 0003,\u{597d}\n\
    Aminah,012-550 0006,a\n";
const MESSAGE: &str = "Hi {{ name }}: {{ note }}";
const OWN: &str = "019-555 0100";

fn text(row: usize) -> &'static str {
    [
        "",
        "Hi Aminah: a",
        "Hi Bala: much longer than all the others",
        "",
        "",
        "Hi Devi: \u{597d}",
        "Hi Aminah: a",
    ][row]
}

/// A test of that campaign.
fn test(program: &Program, gateway: &Gateway, more: &[&str]) -> Run {
    let url = gateway.url();
    let mut arguments = vec![
        "test",
        "may.csv",
        "--message",
        MESSAGE,
        "--yes",
        "--gateway",
        &url,
    ];
    arguments.extend(more);
    program.command(&arguments).credentials().run()
}

fn taken(gateway: &Gateway) -> Vec<(String, String)> {
    let mut taken: Vec<_> = gateway
        .taken()
        .into_iter()
        .map(|taken| (taken.number, taken.text))
        .collect();
    taken.sort();
    taken
}

fn the_first_and_the_longest_text_go_to_the_own_phone_alone(backend: Backend) {
    let program = Program::on(backend, &[("may.csv", SHEET)]);
    let gateway = Gateway::accepting();
    let run = test(
        &program,
        &gateway,
        &["--to", OWN, "--summary-json", "t.json"],
    );
    assert_eq!(run.code, Some(0), "{run}");
    let own = "60195550100".to_owned();
    let expected = [1, 2].map(|row| (own.clone(), text(row).to_owned()));
    assert_eq!(taken(&gateway), expected);
    let [ledger] = &program.test_ledgers()[..] else {
        panic!("{:?}", program.test_ledgers())
    };
    let none = ["status", &program.ledger("may")];
    program.run(&none).exits(1);
    let stem = ledger.trim_end_matches(".ledger");
    let rows = program.results(&format!("{stem}.results.csv"));
    let column = |name: &str| rows.iter().map(|row| row[name].clone()).collect::<Vec<_>>();
    assert_eq!(column("row"), ["1", "2"]);
    assert_eq!(column("sms_to"), [own.clone(), own]);
    assert_eq!(column("sms_status"), ["accepted", "accepted"]);
    let summary = program.summary_json("t.json");
    assert_eq!(
        (&summary["accepted"], &summary["exit_code"]),
        (&2.into(), &0.into())
    );
    assert_eq!(summary["ledger"], ledger.as_str());
    assert_eq!(program.run(&["verify", ledger]).code, Some(0));
    let status = program.run(&["status", ledger]);
    assert!(status.stdout.contains("This was a test"), "{status}");
}

fn each_asked_row_goes_to_each_number_once_in_the_texts_of_the_plan(backend: Backend) {
    let program = Program::on(backend, &[("may.csv", SHEET)]);
    let gateway = Gateway::accepting();
    // Rows 1 and 6 have one text.
    let run = test(
        &program,
        &gateway,
        &[
            "--to",
            OWN,
            "--to",
            "+60195550100",
            "--to",
            "6591234567",
            "--rows",
            "6,1,5-6",
        ],
    );
    assert_eq!(run.code, Some(0), "{run}");
    let mut expected: Vec<(String, String)> = ["60195550100", "6591234567"]
        .iter()
        .flat_map(|number| [1, 5, 6].map(|row| ((*number).to_owned(), text(row).to_owned())))
        .collect();
    expected.sort();
    assert_eq!(taken(&gateway), expected);
    let types = |wanted: &str| {
        let requests = gateway.requests();
        let with = requests
            .iter()
            .filter(|request| request.field("type") == wanted);
        with.count()
    };
    assert_eq!((types("1"), types("2")), (4, 2));

    // Asked for again, it is another test.
    let run = test(&program, &gateway, &["--to", OWN, "--rows", "1"]);
    assert_eq!(run.code, Some(0), "{run}");
    let run = test(&program, &gateway, &["--to", OWN, "--rows", "1"]);
    assert_eq!(run.code, Some(0), "{run}");
    assert_eq!(gateway.count(), 8);
    assert_eq!(program.test_ledgers().len(), 3);
}

fn a_ledger_can_be_tested_whatever_became_of_its_rows(backend: Backend) {
    let program = Program::on(
        backend,
        &[("may.csv", SHEET), ("out.csv", "phone\n012-550 0002\n")],
    );
    let ledger = program.ledger("may");
    let gateway = Gateway::accepting();
    let arguments = [
        "may.csv",
        "--message",
        MESSAGE,
        "--suppress",
        "out.csv",
        "--limit",
        "1",
        "--max-invalid",
        "1",
    ];
    let run = program.send(&gateway, &arguments);
    assert_eq!(run.code, Some(0), "{run}");
    let url = gateway.url();
    let run = program
        .command(&[
            "test",
            &ledger,
            "--to",
            OWN,
            "--rows",
            "1,2",
            "--yes",
            "--gateway",
            &url,
        ])
        .credentials()
        .run();
    assert_eq!(run.code, Some(0), "{run}");
    let own = taken(&gateway)
        .into_iter()
        .filter(|(number, _)| number == "60195550100");
    assert_eq!(
        own.map(|(_, text)| text).collect::<Vec<_>>(),
        [text(1), text(2)]
    );
    // Nothing of it counts for the campaign.
    let status = program.run(&["status", &ledger, "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(
        (&status["accepted"], &status["suppressed"]),
        (&1.into(), &1.into())
    );
    let run = program
        .command(&[
            "test",
            &ledger,
            "--to",
            OWN,
            "--type",
            "ascii",
            "--yes",
            "--gateway",
            &url,
        ])
        .credentials()
        .run();
    assert_eq!(run.code, Some(2), "{run}");
}

#[test]
fn what_cannot_be_tested_is_refused_with_the_reason() {
    let program = Program::with(&[("may.csv", SHEET)]);
    let gateway = Gateway::accepting();
    for (more, code, words) in [
        (
            &["--to", OWN, "--rows", "1,3"][..],
            1,
            "row 3 has no text that would be sent: it is invalid",
        ),
        (
            &["--to", OWN, "--rows", "4"],
            1,
            "row 4 has no text that would be sent: it is duplicate",
        ),
        (&["--to", OWN, "--rows", "7"], 1, "there is no such row"),
        (&["--to", "03-2345 6789"], 2, "--to"),
        (
            &["--to", OWN, "--rows", "1-11"],
            2,
            "at most 10 messages, and this one has 11",
        ),
        (
            &["--to", OWN, "--rows", "1-99999999999"],
            2,
            "at most 10 messages",
        ),
        (&["--rows", "1"], 2, "--to"),
        (
            &[
                "--to",
                "0195550101",
                "--to",
                "0195550102",
                "--to",
                "0195550103",
                "--to",
                "0195550104",
                "--to",
                "0195550105",
                "--to",
                "0195550106",
            ],
            2,
            "at most 10 messages, and this one has 12",
        ),
    ] {
        let run = test(&program, &gateway, more);
        assert_eq!(run.code, Some(code), "{more:?} {run}");
        assert!(run.stderr.contains(words), "{more:?} {run}");
    }
    let run = program
        .command(&[
            "test",
            "may.csv",
            "--message",
            MESSAGE,
            "--to",
            OWN,
            "--gateway",
            &gateway.url(),
        ])
        .credentials()
        .run();
    assert_eq!(run.code, Some(1), "nobody can be asked: {run}");
    assert_eq!(gateway.count(), 0);
    assert_eq!(program.files(), ["may.csv"]);
}

#[test]
fn a_test_is_never_sent_as_a_campaign_and_counts_for_none() {
    // The only recipient is the person who tests.
    let program = Program::with(&[("may.csv", "name,phone,note\nAminah,019-555 0100,a\n")]);
    let gateway = Gateway::answering("-1000");
    let run = test(&program, &gateway, &["--to", OWN]);
    assert_eq!(run.code, Some(5), "{run}");
    let ledger = program.test_ledgers().remove(0);
    let run = program.run(&["resolve", &ledger, "--all", "--as", "not-sent"]);
    assert_eq!(run.code, Some(0), "{run}");
    assert!(run.stderr.contains("is not sent any more"), "{run}");
    let rows = program.run(&["results", &ledger, "--status", "pending"]);
    assert!(
        rows.stdout.contains("60195550100,1,1,60195550100,pending"),
        "{rows}"
    );

    std::fs::copy(program.path(&ledger), program.path("renamed.ledger")).unwrap();
    std::fs::copy(program.path(&ledger), program.path("other.ledger")).unwrap();
    program.write("other.csv", "name,phone,note\nAminah,019-555 0100,a\n");
    let gateway = Gateway::accepting();
    for (named, more) in [
        (&*ledger, &[][..]),
        ("renamed.ledger", &[]),
        ("other.csv", &["--message", MESSAGE, "--duplicates", "keep"]),
    ] {
        let run = program.send(&gateway, &[&[named], more].concat());
        assert_eq!(run.code, Some(2), "{run}");
        assert!(run.stderr.contains("is the ledger of a test"), "{run}");
    }
    let plan = ["plan", "may.csv", "--message", MESSAGE, "--suppress"];
    for list in [&*ledger, "renamed.ledger"] {
        let run = program.command(&plan).more(&[list]).run();
        assert_eq!(run.code, Some(1), "{run}");
        assert!(run.stderr.contains("belongs to a test"), "{run}");
    }
    assert_eq!(gateway.count(), 0);
    // The campaign itself is no repeat of it.
    let run = program.send(&gateway, &["may.csv", "--message", MESSAGE]);
    assert_eq!(run.code, Some(0), "{run}");
    assert_eq!(gateway.count(), 1);
}

fn a_test_ends_by_the_state_of_its_ledger(backend: Backend) {
    for (body, code) in [("-1009", 3), ("-1004", 4), ("", 5), ("2000 = SUCCESS:1", 0)] {
        let program = Program::on(backend, &[("may.csv", SHEET)]);
        let run = test(&program, &Gateway::answering(body), &["--to", OWN]);
        assert_eq!(run.code, Some(code), "{body} {run}");
        assert_eq!(program.test_ledgers().len(), 1);
    }
}

fn a_test_that_is_killed_leaves_a_ledger_that_says_so(backend: Backend) {
    let program = Program::on(backend, &[("may.csv", SHEET)]);
    let gateway = Gateway::new(|_, _| Reply::accepted(1).after(std::time::Duration::from_secs(60)));
    let url = gateway.url();
    let running = program
        .command(&[
            "test",
            "may.csv",
            "--message",
            MESSAGE,
            "--yes",
            "--gateway",
            &url,
            "--to",
            OWN,
        ])
        .credentials()
        .start();
    running.killed_when(|| gateway.count() > 0);
    let ledger = program.test_ledgers().remove(0);
    let status = program.run(&["status", &ledger]);
    assert!(status.stdout.contains("Unknown       1"), "{status}");
    let run = program.run(&["resolve", &ledger, "--all", "--as", "accepted"]);
    assert_eq!(run.code, Some(0), "{run}");
    assert_eq!(program.run(&["verify", &ledger]).code, Some(0));
    let run = program.run(&["results", &ledger]);
    assert_eq!(run.code, Some(0), "{run}");
}

#[test]
fn a_campaign_file_can_be_tested() {
    let program = Program::with(&[
        ("may.csv", SHEET),
        (
            "may.toml",
            "recipients = \"may.csv\"\nmessage = \"Hi {{ name }}\"\nlimit = 1\nsuppress = \"none.csv\"\n",
        ),
    ]);
    let gateway = Gateway::accepting();
    let url = gateway.url();
    let run = program
        .command(&[
            "test",
            "may.toml",
            "--to",
            OWN,
            "--rows",
            "1,2",
            "--yes",
            "--gateway",
            &url,
        ])
        .credentials()
        .run();
    assert_eq!(run.code, Some(0), "{run}");
    assert_eq!(gateway.count(), 2);
    let run = program.run(&[
        "test",
        "may.csv",
        "--message",
        "Hi",
        "--to",
        OWN,
        "--sandbox",
        "--yes",
    ]);
    assert_eq!(run.code, Some(0), "{run}");
    let of_sandbox =
        |name: &String| name.starts_with("may.test-") && name.ends_with(".sandbox.ledger");
    assert!(program.files().iter().any(of_sandbox));
}

#[test]
fn a_signal_while_it_plans_leaves_nothing() {
    let program = Program::new();
    std::fs::create_dir(program.path("tmp")).unwrap();
    // Nothing is ever written into it.
    program.pipe("may.csv");
    let url = unreachable_url();
    let arguments = ["test", "may.csv", "--message", "Hi", "--yes", "--to", OWN];
    let run = program
        .command(&[&arguments[..], &["--gateway", &url]].concat())
        .credentials()
        .env("TMPDIR", program.path("tmp").display().to_string())
        .start();
    let temporary = || std::fs::read_dir(program.path("tmp")).unwrap().count();
    wait_for("its planning", || temporary() > 0);
    run.signal("TERM");
    run.wait().exits(143);
    assert_eq!(temporary(), 0);
    assert_eq!(program.test_ledgers(), [""; 0]);
}
