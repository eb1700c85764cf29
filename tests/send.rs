//! `send` from end to end: what is on the wire, what each answer leads to, and what the outputs show.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use common::gateway::{Gate, Request, trx_of, unreachable_url};
use common::program::rows_of;
use common::{
    Backend, Gateway, PASSWORD, Program, Reply, STATUSES, SUMMARY_KEYS, USERNAME, count_statuses,
    counts, msisdn, on_every_backend, own_texts, people, phone, rows_in_are_rows_out, verifies,
};

on_every_backend!(
    a_thousand_rows_with_three_texts_arrive_once_each,
    a_plan_is_made_first_and_sent_later_without_the_spreadsheet,
    a_finished_ledger_is_not_sent_again,
    the_results_of_many_rows_are_in_their_order,
    a_limit_leaves_rows_and_nothing_wrong,
    the_same_cells_written_otherwise_are_the_same_campaign,
    a_ledger_with_nothing_left_ends_as_it_stands,
    what_accepts,
    what_refuses,
    what_stops_the_account,
    what_proves_nothing,
    an_answer_that_comes_too_late_is_unknown,
    one_answer_for_each_recipient_in_every_shape,
    two_are_accepted_and_the_third_after_the_account_is_topped_up,
    an_account_that_is_stopped_stops_all_workers,
    ten_refusals_in_a_row_with_one_code_stop_the_run,
    a_batch_with_a_bad_number_is_refused_whole,
    a_number_that_the_gateway_named_is_not_one_of_several,
    a_batch_with_a_bad_number_is_halved_where_asked,
    a_batch_that_is_too_large_for_the_gateway_is_halved,
    a_throttled_request_is_made_again,
    a_gateway_that_throttles_for_too_long_is_given_up,
    a_gateway_that_cannot_be_reached_is_given_up,
    suppressed_numbers_get_nothing_however_they_are_written,
    duplicates_by_number_by_message_or_kept,
    some_invalid_rows_do_not_stop_the_others,
    the_results_keep_the_format_of_the_input,
    the_summary_has_every_key_and_its_counts_add_up,
    status_counts_and_says_what_to_do_next,
    the_password_appears_nowhere,
);

const TEXT: [&str; 2] = ["--message", "KedaiKu: we are open until midnight"];

/// `send customers.csv` with the tests' text and these further arguments.
fn customers<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["customers.csv", TEXT[0], TEXT[1]];
    all.extend(more);
    all
}

// --- The wire -------------------------------------------------------------------------------------------------

fn a_thousand_rows_with_three_texts_arrive_once_each(backend: Backend) {
    let texts = [
        "KedaiKu: sale until Sunday, 50% off & more + free tea",
        "KedaiKu: Jualan murah sehingga Ahad.\nJumpa anda!",
        "KedaiKu：周日前大减价，欢迎光临！🎉",
    ];
    let mut csv = String::from("No. Tel,name,message\n");
    for i in 0..1000 {
        writeln!(csv, "{},\"Tan, {i}\",\"{}\"", phone(i), texts[i % 3]).unwrap();
    }
    let program = Program::on(backend, &[("customers.csv", &csv)]);
    let gateway = Gateway::accepting();
    let run = program.send(&gateway, &["customers.csv", "--sender-id", "KedaiKu"]);
    run.exits(0);

    let requests = gateway.requests();
    for request in &requests {
        assert_eq!(request.method, "POST");
        assert_eq!(
            request.target, "/RESTAPI.php",
            "no credential is ever in a URL"
        );
        let kind = &request.headers["content-type"];
        assert!(
            kind.starts_with("application/x-www-form-urlencoded"),
            "{kind}"
        );
        assert_eq!(request.field("un"), USERNAME);
        assert_eq!(request.field("pwd"), PASSWORD);
        assert_eq!(request.field("agreedterm"), "YES");
        assert_eq!(request.field("sendid"), "KedaiKu");
        let unicode = request.text == texts[2];
        assert_eq!(request.field("type"), if unicode { "2" } else { "1" });
        assert!(texts.contains(&request.text.as_str()), "{:?}", request.text);
        assert!((1..=30).contains(&request.numbers.len()));
    }
    assert_eq!(
        requests.len(),
        36,
        "334, 333 and 333 recipients in batches of 30"
    );
    gateway.assert_nothing_twice();
    assert_eq!(gateway.fragments(), Vec::<Vec<u8>>::new());
    let everybody: Vec<String> = (0..1000).map(msisdn).collect();
    assert_eq!(gateway.numbers_taken(), everybody);

    let taken: BTreeMap<String, (String, usize)> = gateway
        .taken()
        .into_iter()
        .map(|t| (t.number, (t.text, t.nth)))
        .collect();
    let results = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    let mut batches: BTreeMap<&str, &str> = BTreeMap::new();
    for (i, row) in results.iter().enumerate() {
        let (text, nth) = &taken[&msisdn(i)];
        assert_eq!(row["sms_to"], msisdn(i));
        assert_eq!(row["sms_status"], "accepted");
        assert_eq!(row["sms_code"], "2000");
        assert_eq!(row["sms_trx_id"], trx_of(*nth));
        assert_eq!(row["sms_detail"], "");
        assert_eq!(row["sms_type"], if i % 3 == 2 { "2" } else { "1" });
        assert_eq!(row["sms_credits"], "1");
        assert_eq!(row["sms_attempts"], "1");
        assert_eq!(&row["sms_message"], text);
        assert_eq!(text, texts[i % 3]);
        assert!(
            row["sms_sent_at"].ends_with("+08:00"),
            "{}",
            row["sms_sent_at"]
        );
        let trx_id = batches
            .entry(&row["sms_batch"])
            .or_insert(&row["sms_trx_id"]);
        assert_eq!(*trx_id, row["sms_trx_id"], "one batch, one request, one id");
    }
    assert_eq!(batches.len(), 36);
    verifies(&program, &program.ledger("customers"));
    let ledger: &[_] = if backend.is_store() {
        &["customers.ledger.store"]
    } else {
        &["customers.ledger", "customers.ledger.lock"]
    };
    let left = [&["customers.csv"], ledger, &["customers.results.csv"]].concat();
    assert_eq!(
        program.files(),
        left,
        "an orderly end leaves nothing half done"
    );
}

#[test]
fn a_template_is_rendered_for_each_row() {
    let program = Program::with(&[
        (
            "customers.csv",
            &format!(
                "phone,Name,Baki (RM)\n{},Siti,12.50\n{},Ravi,\n",
                phone(1),
                phone(2)
            ),
        ),
        (
            "text.txt",
            "KedaiKu: Hi {{ name }}, you owe RM{{ baki_rm | default('0.00') }}.\n",
        ),
    ]);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &["customers.csv", "--message-file", "text.txt"])
        .exits(0);
    let texts: BTreeSet<String> = gateway.taken().into_iter().map(|t| t.text).collect();
    let expected = [
        "KedaiKu: Hi Ravi, you owe RM0.00.",
        "KedaiKu: Hi Siti, you owe RM12.50.",
    ];
    assert_eq!(texts, expected.map(str::to_owned).into());
    assert!(
        gateway
            .requests()
            .iter()
            .all(|r| r.field("sendid").is_empty())
    );
}

fn a_plan_is_made_first_and_sent_later_without_the_spreadsheet(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(40))]);
    let mut plan = vec!["plan", "customers.csv"];
    plan.extend(TEXT);
    let run = program.run(&plan);
    run.exits(0).shows(
        run.stdout.contains("40"),
        "the summary is on standard output",
    );
    std::fs::remove_file(program.path("customers.csv")).unwrap();
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &[&program.ledger("customers")])
        .exits(0);
    assert_eq!(gateway.numbers_taken().len(), 40);
    gateway.assert_nothing_twice();
    assert_eq!(program.results("customers.results.csv").len(), 40);
}

fn a_finished_ledger_is_not_sent_again(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(40))]);
    let ledger = program.ledger("customers");
    let gateway = Gateway::accepting();
    program.send(&gateway, &customers(&[])).exits(0);
    let before = program.read("customers.results.csv");
    assert_eq!(gateway.count(), 2);
    let again = program.send(&gateway, &customers(&[]));
    again.exits(0).says(&["Results: customers.results.csv\n"]);
    program.send(&gateway, &[&ledger]).exits(0);
    assert_eq!(gateway.count(), 2, "nothing was left to send");
    assert_eq!(program.read("customers.results.csv"), before);
    program
        .run(&["results", &ledger, "--results", "again.csv"])
        .exits(0);
    assert_eq!(
        program.read("again.csv"),
        before,
        "made again, byte for byte"
    );
}

fn the_results_of_many_rows_are_in_their_order(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(9_000))]);
    program
        .run(&["plan", "customers.csv", TEXT[0], TEXT[1]])
        .exits(0);
    for (path, status) in [("all.csv", None), ("some.csv", Some("pending,unknown"))] {
        let ledger = program.ledger("customers");
        let mut results = vec!["results", &ledger, "--results", path];
        results.extend(status.into_iter().flat_map(|status| ["--status", status]));
        program.run(&results).exits(0);
        let rows = rows_in_are_rows_out(&program, "customers.csv", path);
        assert_eq!(rows.len(), 9_000);
    }
    assert_eq!(program.read("all.csv"), program.read("some.csv"));
}

fn a_limit_leaves_rows_and_nothing_wrong(backend: Backend) {
    let csv = format!("{}Nobody,123\n", people(9));
    let program = Program::on(backend, &[("customers.csv", &csv)]);
    let gateway = Gateway::accepting();
    let first = program.send(&gateway, &customers(&["--limit", "4"]));
    first.exits(0).says(&["limit"]);
    program.send(&gateway, &customers(&[])).exits(3);
    assert_eq!(gateway.taken().len(), 9);
}

fn the_same_cells_written_otherwise_are_the_same_campaign(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(9))]);
    let gateway = Gateway::accepting();
    let first = program.send(&gateway, &customers(&["--limit", "4"]));
    first.exits(0);
    for separator in [";", "\t"] {
        program.write("customers.csv", people(9).replace(',', separator));
        program.send(&gateway, &customers(&[])).exits(0);
    }
    assert_eq!(gateway.taken().len(), 9);
    gateway.assert_nothing_twice();
    assert_eq!(program.results("customers.results.csv").len(), 9);
}

fn a_ledger_with_nothing_left_ends_as_it_stands(backend: Backend) {
    let csv = format!("{}Nobody,123\nNobody,456\n", people(3));
    let program = Program::on(backend, &[("customers.csv", &csv)]);
    let ledger = program.ledger("customers");
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &customers(&["--max-invalid", "1"]))
        .exits(1);
    program
        .send(&gateway, &[&ledger, "--max-invalid", "2"])
        .exits(3);
    program.send(&gateway, &[&ledger]).exits(3);
    program.send(&gateway, &customers(&[])).exits(3);
    assert_eq!(gateway.taken().len(), 3);
}

#[test]
fn the_summary_of_a_run_that_could_not_begin_holds_the_error_and_the_rows() {
    let program = Program::with(&[("customers.csv", &people(5))]);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &customers(&["--limit", "2"]))
        .exits(0);
    program.write("customers.csv", people(6));
    let summary = ["--summary-json", "out.json"];
    let run = program.send(&gateway, &customers(&summary));
    run.exits(1);
    let changed = program.summary_json("out.json");
    assert_eq!(
        (&changed["accepted"], &changed["pending"]),
        (&2.into(), &3.into())
    );
    assert_eq!(changed["stopped_by"], "error");
    // The file does not keep the success of the run before.
    let run = program
        .send_command("http://gateway.example/", &customers(&summary))
        .run();
    run.exits(2);
    let refused = program.summary_json("out.json");
    assert_eq!(refused["exit_code"], 2);
    assert!(
        refused["error"].as_str().unwrap().contains("https"),
        "{refused}"
    );
}

#[test]
fn the_spreadsheet_is_not_written_over_from_another_folder() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    program
        .run(&["plan", "customers.csv", TEXT[0], TEXT[1]])
        .exits(0);
    for elsewhere in ["mkdir a; cd a", "cd a"] {
        let results = [
            "results",
            "../customers.ledger",
            "--results",
            "../customers.csv",
        ];
        let run = program.command(&results).within(elsewhere).run();
        run.exits(2).says(&["spreadsheet"]);
    }
    assert_eq!(program.read("customers.csv"), people(2));
}

#[test]
fn every_command_logs_with_verbose() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    program
        .run(&["plan", "customers.csv", TEXT[0], TEXT[1]])
        .exits(0);
    for command in ["status", "results", "verify"] {
        let quiet = program.run(&[command, "customers.ledger"]);
        let verbose = program.run(&[command, "-v", "customers.ledger"]);
        assert!(verbose.stderr.len() > quiet.stderr.len(), "{verbose}");
    }
}

// Other systems refuse such names.
#[cfg(target_os = "linux")]
#[test]
fn a_file_name_need_not_be_utf8() {
    let program = Program::with(&[("customers.csv", &people(3))]);
    let gateway = Gateway::accepting();
    let url = gateway.url();
    let mut options = TEXT.to_vec();
    options.extend(["--gateway", &url, "--yes", "--rate", "none"]);
    options.extend(["--summary-json", "out.json"]);
    // In Latin-1.
    let named =
        "name=$(printf 'caf\\351.csv'); mv customers.csv \"$name\"; set -- send \"$name\" \"$@\"";
    let run = program.command(&options).credentials().within(named).run();
    run.exits(0);
    let summary = program.summary_json("out.json");
    assert_eq!(summary["accepted"], 3);
    assert_eq!(summary["results"], "caf\u{fffd}.results.csv");
    assert!(
        program
            .files()
            .contains(&"caf\u{fffd}.results.csv".to_owned())
    );
}

#[test]
fn standard_input_is_a_spreadsheet_too() {
    let program = Program::new();
    let gateway = Gateway::accepting();
    let arguments = [
        "-",
        TEXT[0],
        TEXT[1],
        "--ledger",
        "piped.ledger",
        "--results",
        "out.csv",
    ];
    program
        .send_command(&gateway.url(), &arguments)
        .stdin(people(5))
        .run()
        .exits(0);
    assert_eq!(gateway.numbers_taken().len(), 5);
    assert_eq!(program.results("out.csv").len(), 5);
}

// --- Answers --------------------------------------------------------------------------------------------------

/// One recipient and one answer: the row's status afterwards and the exit code.
struct Case {
    name: &'static str,
    reply: fn() -> Reply,
    status: &'static str,
    code: &'static str,
    trx_id: &'static str,
    exit: i32,
}

impl Case {
    /// Sends to one recipient, and a second time: a row that is settled or unknown is never sent to again.
    fn check(&self, backend: Backend) {
        let program = Program::on(backend, &[("customers.csv", &people(1))]);
        let reply = self.reply;
        let gateway = Gateway::new(move |_, _| reply());
        let run = program.send(&gateway, &customers(&["--summary-json", "summary.json"]));
        let name = self.name;
        run.shows(
            run.code == Some(self.exit),
            &format!("{name}: exit {} is due", self.exit),
        );
        let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
        let row = &rows[0];
        run.shows(
            (
                row["sms_status"].as_str(),
                row["sms_code"].as_str(),
                row["sms_trx_id"].as_str(),
            ) == (self.status, self.code, self.trx_id),
            &format!("{name}: {row:?}"),
        );
        assert_eq!(
            row["sms_detail"].is_empty(),
            self.status == "accepted",
            "{name}: {row:?}"
        );
        assert_eq!(row["sms_attempts"], "1", "{name}: {row:?}");
        let credits = if self.status == "refused" { "0" } else { "1" };
        assert_eq!(row["sms_credits"], credits, "{name}: {row:?}");
        let summary = program.summary_json("summary.json");
        assert_eq!(summary[self.status], 1, "{name}: {summary}");
        assert_eq!(summary["exit_code"], self.exit, "{name}: {summary}");
        assert_eq!(gateway.count(), 1, "{name}: one attempt");
        verifies(&program, &program.ledger("customers"));
        program.no_secret_anywhere(PASSWORD);

        if self.status != "pending" {
            let again = program.send(&gateway, &customers(&[]));
            again.shows(again.code == Some(self.exit), &format!("{name}, again"));
            assert_eq!(gateway.count(), 1, "{name}: must not be sent again");
        }
    }
}

fn accepted(name: &'static str, reply: fn() -> Reply, trx_id: &'static str) -> Case {
    Case {
        name,
        reply,
        status: "accepted",
        code: "2000",
        trx_id,
        exit: 0,
    }
}

fn refused(code: &'static str, reply: fn() -> Reply) -> Case {
    Case {
        name: code,
        reply,
        status: "refused",
        code,
        trx_id: "",
        exit: 3,
    }
}

fn stopped(name: &'static str, reply: fn() -> Reply) -> Case {
    Case {
        name,
        reply,
        status: "pending",
        code: "",
        trx_id: "",
        exit: 4,
    }
}

fn unknown(name: &'static str, reply: fn() -> Reply) -> Case {
    Case {
        name,
        reply,
        status: "unknown",
        code: "",
        trx_id: "",
        exit: 5,
    }
}

fn what_accepts(backend: Backend) {
    for case in [
        accepted(
            "documented",
            || Reply::ok("2000 = SUCCESS:1143007207"),
            "1143007207",
        ),
        accepted(
            "spaces and lines",
            || Reply::ok("\r\n 2000=success : 7 \n"),
            "7",
        ),
        accepted("without an id", || Reply::ok("2000"), ""),
        accepted(
            "chunked",
            || Reply::chunked(&["2000 = SUC", "CESS:12"]),
            "12",
        ),
        accepted(
            "ended by a close",
            || Reply::until_close("2000 = SUCCESS:13"),
            "13",
        ),
        accepted("JSON", || Reply::ok(r#"["2000 = SUCCESS:14"]"#), "14"),
        accepted(
            "500 with an answer",
            || Reply::status(500, "2000 = SUCCESS:15"),
            "15",
        ),
        accepted(
            "429 with an answer",
            || Reply::status(429, "2000 = SUCCESS:16"),
            "16",
        ),
    ] {
        case.check(backend);
    }
}

fn what_refuses(backend: Backend) {
    for case in [
        refused("-1005", || Reply::ok("-1005")),
        refused("-1006", || Reply::ok("-1006 = INVALID BODY LENGTH")),
        refused("-1007", || Reply::ok("-1007")),
        refused("-1009", || Reply::ok(" -1009\n")),
        refused("-1010", || Reply::ok("-1010")), // one number cannot be halved
        refused("-1011", || Reply::ok("-1011")),
        refused("-1012", || Reply::status(500, "-1012")),
        refused("-9999", || Reply::ok("-9999")),
    ] {
        case.check(backend);
    }
}

fn what_stops_the_account(backend: Backend) {
    for case in [
        stopped("-1001", || Reply::ok("-1001")),
        stopped("-1002", || Reply::ok("-1002")),
        stopped("-1003", || Reply::ok("-1003")),
        stopped("-1004", || Reply::ok("-1004 = INSUFFICIENT CREDITS")),
        stopped("-1008", || Reply::ok("-1008")),
        stopped("-1013", || Reply::ok("-1013")),
    ] {
        case.check(backend);
    }
}

fn what_proves_nothing(backend: Backend) {
    for case in [
        Case {
            code: "-1000",
            ..unknown("-1000", || Reply::ok("-1000").taking_all())
        },
        unknown("blank", || Reply::ok("")),
        unknown("white space", || Reply::ok("\r\n")),
        unknown("503 in HTML", || {
            Reply::status(503, "<html>try later</html>")
        }),
        unknown("503 blank", || Reply::status(503, "")),
        unknown("HTML", || {
            Reply::ok("<html><body>2000 = SUCCESS:1</body></html>")
        }),
        unknown("cut", || Reply::cut("-10", 2)),
        unknown("cut after what reads well", || {
            Reply::cut("2000 = SUCCESS:114", 7)
        }),
        unknown("chunks cut", || {
            Reply::chunked_and_cut(&["2000 = SUCCESS:114"])
        }),
        unknown("cut by a reset", || {
            Reply::cut_by_reset("2000 = SUCCESS:114")
        }),
        unknown("half a status line", || Reply::raw("HTTP/1.")),
        unknown("no HTTP", || Reply::raw("2000 = SUCCESS:114\r\n")),
        unknown("dropped", Reply::dropped),
        unknown("reset", Reply::reset),
        unknown("endless", || {
            Reply::ok(" ".repeat(70_000) + "2000 = SUCCESS:1")
        }),
        unknown("too many answers", || {
            Reply::ok("2000 = SUCCESS:1||2000 = SUCCESS:2").taking_all()
        }),
        unknown("no such code", || Reply::ok("2001 = SUCCESS:1")),
        unknown("five digits", || Reply::ok("-10001").taking_all()),
        unknown("a redirect", || {
            Reply::status(302, "").header("Location", "/RESTAPI.php")
        }),
        unknown("the form", || {
            Reply::ok("un=kedaiku&pwd=s3cr%26t+Zx9Qv7TkLm%2B%3D%2541%2F%C3%B6")
        }),
    ] {
        case.check(backend);
    }
}

fn an_answer_that_comes_too_late_is_unknown(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(1))]);
    let gate = Gate::closed();
    let held = gate.clone();
    let gateway = Gateway::new(move |_, _| Reply::accepted(1).behind(&held));
    program
        .send(&gateway, &customers(&["--timeout", "1"]))
        .exits(5);
    gate.open();
    program
        .send(&gateway, &customers(&["--timeout", "1"]))
        .exits(5);
    assert_eq!(gateway.count(), 1);
}

fn one_answer_for_each_recipient_in_every_shape(backend: Backend) {
    for body in [
        "2000 = SUCCESS:1||-1005||2000 = SUCCESS:2",
        "2000 = SUCCESS:1; -1005; 2000 = SUCCESS:2",
        "2000 = SUCCESS:1,-1005,2000 = SUCCESS:2",
        "2000 = SUCCESS:1\r\n-1005\r\n2000 = SUCCESS:2\r\n",
        r#"["2000 = SUCCESS:1", "-1005", "2000 = SUCCESS:2"]"#,
    ] {
        let program = Program::on(backend, &[("customers.csv", &people(3))]);
        let gateway = Gateway::answering(body);
        program.send(&gateway, &customers(&[])).exits(3);
        let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
        let order = &gateway.requests()[0].numbers;
        for (number, (status, trx_id)) in
            order
                .iter()
                .zip([("accepted", "1"), ("refused", ""), ("accepted", "2")])
        {
            let row = rows.iter().find(|row| row["sms_to"] == *number).unwrap();
            assert_eq!(
                (&*row["sms_status"], &*row["sms_trx_id"]),
                (status, trx_id),
                "{body}"
            );
        }
        verifies(&program, &program.ledger("customers"));
    }
}

fn two_are_accepted_and_the_third_after_the_account_is_topped_up(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(3))]);
    let ledger = program.ledger("customers");
    let gateway = Gateway::in_turn(&["2000 = SUCCESS:1||2000 = SUCCESS:2||-1004"]);
    let run = program.send(&gateway, &customers(&["--summary-json", "summary.json"]));
    run.exits(4).says(&["-1004"]);
    assert_eq!(
        program.summary_json("summary.json")["stopped_by"],
        "account"
    );
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("accepted", 2), ("pending", 1)])
    );
    let order = gateway.requests()[0].numbers.clone();
    let pending = rows
        .iter()
        .find(|row| row["sms_status"] == "pending")
        .unwrap();
    assert_eq!(pending["sms_to"], order[2]);
    assert_ne!(pending["sms_detail"], "", "it says why it waits");
    verifies(&program, &ledger);

    program.send(&gateway, &customers(&[])).exits(0);
    let requests = gateway.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].numbers, order[2..]);
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    let ids: BTreeSet<&str> = rows.iter().map(|row| &*row["sms_trx_id"]).collect();
    assert_eq!(ids, ["1", "2", &trx_of(1)].into());
    verifies(&program, &ledger);
}

fn an_account_that_is_stopped_stops_all_workers(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &own_texts(200))]);
    let gateway = Gateway::new(|_, nth| match nth {
        0..20 => Reply::accepted(nth),
        _ => Reply::ok("-1004"),
    });
    program
        .send(&gateway, &["customers.csv", "--concurrency", "4"])
        .exits(4);
    assert!(gateway.count() <= 24, "{} requests", gateway.count());
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("accepted", 20), ("pending", 180)])
    );
}

fn ten_refusals_in_a_row_with_one_code_stop_the_run(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &own_texts(30))]);
    let gateway = Gateway::answering("-1005");
    let arguments = [
        "customers.csv",
        "--concurrency",
        "1",
        "--summary-json",
        "summary.json",
    ];
    program.send(&gateway, &arguments).exits(4);
    assert_eq!(gateway.count(), 10);
    assert_eq!(
        program.summary_json("summary.json")["stopped_by"],
        "refused"
    );
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("refused", 10), ("pending", 20)])
    );
}

fn a_batch_with_a_bad_number_is_refused_whole(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(8))]);
    let gateway = Gateway::new(|request, _| {
        let bad = request.is_to(&msisdn(5));
        if bad {
            Reply::ok("-1009")
        } else {
            Reply::accepted(1)
        }
    });
    program.send(&gateway, &customers(&[])).exits(3);
    assert_eq!(gateway.count(), 1);
    let rows = program.results("customers.results.csv");
    assert!(
        rows.iter()
            .all(|r| r["sms_status"] == "refused" && r["sms_detail"].contains('8'))
    );
}

fn a_number_that_the_gateway_named_is_not_one_of_several(backend: Backend) {
    for answer in ["2000 = SUCCESS:1||-1009||-1009", "-1009||-1009||-1009"] {
        let program = Program::on(backend, &[("customers.csv", &people(3))]);
        let gateway = Gateway::answering(answer);
        program.send(&gateway, &customers(&[])).exits(3);
        let rows = program.results("customers.results.csv");
        assert_eq!(rows[2]["sms_status"], "refused", "{answer}");
        assert_eq!(
            rows[2]["sms_detail"], "invalid destination number; correct it and plan again",
            "{answer}"
        );
    }
}

#[test]
fn a_run_that_could_not_begin_was_stopped_by_an_error() {
    let sheet = "phone,message\n012-550 0001,RM0.00 hi\nnobody,RM0.00 hi\n";
    let program = Program::with(&[("customers.csv", sheet)]);
    let gateway = Gateway::answering("2000 = SUCCESS:1");
    let too_many_invalid = [
        "customers.csv",
        "--max-invalid",
        "0",
        "--limit",
        "1",
        "--summary-json",
        "summary.json",
    ];
    program.send(&gateway, &too_many_invalid).exits(1);
    assert_eq!(program.summary_json("summary.json")["stopped_by"], "error");
}

fn a_batch_with_a_bad_number_is_halved_where_asked(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(30))]);
    let gateway = Gateway::new(|request, nth| {
        let bad = request.is_to(&msisdn(5));
        if bad {
            Reply::ok("-1009")
        } else {
            Reply::accepted(trx_of(nth))
        }
    });
    program
        .send(&gateway, &customers(&["--on-bad-number", "split"]))
        .exits(3);
    gateway.assert_nothing_twice();
    assert_eq!(gateway.numbers_taken().len(), 29);
    assert!(
        gateway.count() <= 11,
        "halving 30 takes 1 + 2 * 5 requests: {}",
        gateway.count()
    );
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("accepted", 29), ("refused", 1)])
    );
    assert_eq!(rows[5]["sms_status"], "refused");
    assert_eq!(rows[5]["sms_code"], "-1009");
    verifies(&program, &program.ledger("customers"));
}

fn a_batch_that_is_too_large_for_the_gateway_is_halved(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(30))]);
    let gateway = Gateway::new(|request, nth| match request.numbers.len() {
        0..=4 => Reply::accepted(trx_of(nth)),
        _ => Reply::ok("-1010"),
    });
    program.send(&gateway, &customers(&[])).exits(0);
    gateway.assert_nothing_twice();
    assert_eq!(gateway.numbers_taken().len(), 30);
    verifies(&program, &program.ledger("customers"));
}

// --- Waiting and giving up ------------------------------------------------------------------------------------

fn a_throttled_request_is_made_again(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(1))]);
    let gateway = Gateway::new(|_, nth| match nth {
        0 => Reply::throttled(Some("0")),
        1 => Reply::throttled(Some("Sun, 06 Nov 1994 08:49:37 GMT")),
        2 => Reply::throttled(None),
        _ => Reply::accepted(9),
    });
    let run = program.send(&gateway, &customers(&[]));
    let again = "The gateway takes messages again, after ";
    run.exits(0)
        .shows(run.stderr.matches(again).count() == 1, "said once");
    let rows = program.results("customers.results.csv");
    assert_eq!(rows[0]["sms_status"], "accepted");
    assert_eq!(rows[0]["sms_attempts"], "4");
    assert_eq!(gateway.count(), 4);
    verifies(&program, &program.ledger("customers"));
}

fn a_gateway_that_throttles_for_too_long_is_given_up(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(5))]);
    let gateway = Gateway::new(|_, _| Reply::throttled(None));
    program
        .send(&gateway, &customers(&["--give-up-after", "1s"]))
        .exits(75)
        .says(&["Not sent yet", "HTTP 429", "trying again in"]);
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(count_statuses(&rows), counts(&[("pending", 5)]));
    assert_ne!(rows[0]["sms_detail"], "");
}

fn a_gateway_that_cannot_be_reached_is_given_up(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(40))]);
    let arguments = customers(&["--give-up-after", "1s", "--summary-json", "summary.json"]);
    let run = program.send_command(&unreachable_url(), &arguments).run();
    run.exits(75)
        .says(&["Not sent yet", "cannot reach 127.0.0.1", "trying again in"]);
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(count_statuses(&rows), counts(&[("pending", 40)]));
    assert_eq!(
        program.summary_json("summary.json")["stopped_by"],
        "unreachable"
    );
    verifies(&program, &program.ledger("customers"));
    let gateway = Gateway::accepting();
    program.send(&gateway, &customers(&[])).exits(0);
    assert_eq!(
        gateway.numbers_taken().len(),
        40,
        "all loopback addresses are one host"
    );
}

// --- Rows that are not sent -----------------------------------------------------------------------------------

fn suppressed_numbers_get_nothing_however_they_are_written(backend: Backend) {
    let program = Program::on(
        backend,
        &[
            ("customers.csv", &people(6)),
            (
                "opted-out.csv",
                &format!("since,mobile\n2024,+{}\n2024,{}\n", msisdn(1), msisdn(99)),
            ),
            ("stopped.txt", &format!("{}\n", phone(4))),
        ],
    );
    let gateway = Gateway::accepting();
    let arguments = customers(&["--suppress", "opted-out.csv", "--suppress", "stopped.txt"]);
    program.send(&gateway, &arguments).exits(0);
    assert_eq!(gateway.numbers_taken(), [0, 2, 3, 5].map(msisdn));
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("accepted", 4), ("suppressed", 2)])
    );
    for (i, list) in [(1, "opted-out.csv"), (4, "stopped.txt")] {
        assert_eq!(rows[i]["sms_status"], "suppressed");
        assert_eq!(rows[i]["sms_to"], msisdn(i));
        assert!(rows[i]["sms_detail"].contains(list), "{:?}", rows[i]);
        assert_eq!(
            (&*rows[i]["sms_batch"], &*rows[i]["sms_attempts"]),
            ("", "0")
        );
        assert_eq!((&*rows[i]["sms_credits"], &*rows[i]["sms_code"]), ("0", ""));
    }
}

/// A pipe can be read only once.
#[test]
fn a_suppression_list_in_a_pipe_is_read_whole() {
    let program = Program::with(&[("my customers.csv", &people(6))]);
    let gateway = Gateway::accepting();
    let run = program
        .send_command(
            &gateway.url(),
            &[
                "my customers.csv",
                TEXT[0],
                TEXT[1],
                "--suppress",
                "/dev/stdin",
                "--limit",
                "2",
            ],
        )
        .stdin(format!("+{}\n+{}\n", msisdn(0), msisdn(3)))
        .run();
    run.exits(0).says(&[
        "0 invalid, 0 duplicate, 2 suppressed",
        "/dev/stdin: 2 numbers",
    ]);
    assert_eq!(gateway.numbers_taken(), [1, 2].map(msisdn));
    // The command to type next can be pasted.
    let status = program.run(&["status", "my customers.ledger"]);
    status.shows(
        status
            .stdout
            .contains("isms-campaign send 'my customers.ledger'"),
        "the name stands in quotes",
    );
}

#[test]
fn numbers_of_other_countries_are_counted_before_they_cost_anything() {
    let sheet = format!("{}Mei,+65 8123 4567\n", people(2));
    let program = Program::with(&[("customers.csv", &sheet)]);
    program
        .send(&Gateway::accepting(), &customers(&[]))
        .exits(0)
        .says(&[
            "1 message to numbers of other countries",
            "row 3 (line 4), phone",
        ]);
}

#[test]
fn a_ledger_is_a_suppression_list() {
    let program = Program::with(&[("first.csv", &people(4)), ("customers.csv", &people(6))]);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &["first.csv", TEXT[0], TEXT[1]])
        .exits(0);
    program
        .send(&gateway, &customers(&["--suppress", "first.ledger"]))
        .exits(0);
    let rows = program.results("customers.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("accepted", 2), ("suppressed", 4)])
    );
}

fn duplicates_by_number_by_message_or_kept(backend: Backend) {
    let csv = format!(
        "phone,message\n{},one\n+{},one\n{},two\n{},one\n",
        phone(1),
        msisdn(1),
        phone(1),
        phone(2)
    );
    for (policy, accepted, duplicate) in [("number", 2, 2), ("message", 3, 1), ("keep", 4, 0)] {
        let program = Program::on(backend, &[("customers.csv", &csv)]);
        let gateway = Gateway::accepting();
        program
            .send(&gateway, &["customers.csv", "--duplicates", policy])
            .exits(0);
        assert_eq!(gateway.taken().len(), accepted, "{policy}");
        for request in gateway.requests() {
            let different: BTreeSet<&String> = request.numbers.iter().collect();
            assert_eq!(
                different.len(),
                request.numbers.len(),
                "no number twice in one batch"
            );
        }
        let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
        let found = rows
            .iter()
            .filter(|r| r["sms_status"] == "duplicate")
            .count();
        assert_eq!(found, duplicate, "{policy}");
        if policy == "message" {
            assert_eq!(rows[1]["sms_status"], "duplicate");
            assert!(
                rows[1]["sms_detail"].contains('1'),
                "names the earlier row: {:?}",
                rows[1]
            );
        }
        verifies(&program, &program.ledger("customers"));
    }
}

/// Ten rows, two of which cannot be sent to: a landline, and half a number.
fn two_in_ten_invalid() -> String {
    let mut csv = people(8);
    csv.push_str("Landline,03-5510 1234\nTypo,0712\n");
    csv
}

fn some_invalid_rows_do_not_stop_the_others(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &two_in_ten_invalid())]);
    let gateway = Gateway::accepting();
    program.send(&gateway, &customers(&[])).exits(3);
    assert_eq!(gateway.numbers_taken().len(), 8);
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("accepted", 8), ("invalid", 2)])
    );
    assert!(rows[9]["sms_detail"].contains("0712"), "{:?}", rows[9]);

    let corrections = program.run(&[
        "results",
        &program.ledger("customers"),
        "--status",
        "invalid",
    ]);
    corrections.exits(0);
    let rows = rows_of(&corrections.stdout);
    let names: Vec<&str> = rows.iter().map(|row| &*row["name"]).collect();
    assert_eq!(names, ["Landline", "Typo"]);

    // After correction, the same file is sent: only these two rows.
    let corrected = corrections
        .stdout
        .replace("03-5510 1234", &phone(50))
        .replace("0712", &phone(51));
    program.write("corrected.csv", corrected);
    program
        .send(&gateway, &["corrected.csv", TEXT[0], TEXT[1]])
        .exits(0);
    assert_eq!(gateway.numbers_taken().len(), 10);
    gateway.assert_nothing_twice();
}

#[test]
fn too_many_invalid_rows_stop_everything() {
    for most in ["1", "19%"] {
        let program = Program::with(&[("customers.csv", &two_in_ten_invalid())]);
        let gateway = Gateway::accepting();
        let run = program.send(&gateway, &customers(&["--max-invalid", most]));
        run.exits(1).says(&["--max-invalid"]);
        assert_eq!(gateway.count(), 0);
        let corrections = program.run(&["results", "customers.ledger", "--status", "invalid"]);
        corrections.exits(0);
        assert_eq!(rows_of(&corrections.stdout).len(), 2);
        program
            .send(&gateway, &customers(&["--max-invalid", "2"]))
            .exits(3);
        assert_eq!(gateway.numbers_taken().len(), 8);
    }
}

#[test]
fn every_way_of_being_invalid() {
    let long = "x".repeat(701);
    let csv = format!(
        "phone,name,message\n{},A,hello {{{{ name }}}}\n{},,hello {{{{ name }}}}\n{},C,{long}\n{},D,\n,E,hello\n{},F\n{},G,\u{200b}\n,,\n",
        phone(0),
        phone(1),
        phone(2),
        phone(3),
        phone(5),
        phone(6)
    );
    let program = Program::with(&[("customers.csv", &csv)]);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &["customers.csv", "--max-invalid", "100%"])
        .exits(3);
    assert_eq!(gateway.numbers_taken(), [msisdn(0)]);
    let rows = program.results("customers.results.csv");
    let statuses: Vec<&str> = rows.iter().take(7).map(|r| &*r["sms_status"]).collect();
    assert_eq!(statuses[0], "accepted");
    assert!(statuses[1..].iter().all(|s| *s == "invalid"), "{rows:?}");
    assert!(rows[1]["sms_detail"].contains("name"), "{:?}", rows[1]);
    assert!(rows[2]["sms_detail"].contains("70"), "{:?}", rows[2]);
}

#[test]
fn credits_are_counted_in_parts_of_a_text() {
    let cases = [
        ("a".repeat(153), "1", "1"),
        ("a".repeat(154), "1", "2"),
        (format!("{}[", "a".repeat(152)), "1", "2"),
        ("好".repeat(63), "2", "1"),
        ("好".repeat(64), "2", "2"),
        (format!("{}🎉", "好".repeat(62)), "2", "2"),
        ("a".repeat(700), "1", "5"),
    ];
    let mut csv = String::from("phone,message\n");
    for (i, (text, _, _)) in cases.iter().enumerate() {
        writeln!(csv, "{},{text}", phone(i)).unwrap();
    }
    let program = Program::with(&[("customers.csv", &csv)]);
    let gateway = Gateway::accepting();
    let arguments = ["customers.csv", "--summary-json", "summary.json"];
    program.send(&gateway, &arguments).exits(0);
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    for (row, (text, kind, credits)) in rows.iter().zip(&cases) {
        assert_eq!(
            (&*row["sms_type"], &*row["sms_credits"]),
            (*kind, *credits),
            "{text}"
        );
    }
    assert_eq!(program.summary_json("summary.json")["credits"], 15);
}

fn the_results_keep_the_format_of_the_input(backend: Backend) {
    let program = Program::on(
        backend,
        &[("customers.csv", &format!("\u{feff}{}", people(3)))],
    );
    let gateway = Gateway::accepting();
    program.send(&gateway, &customers(&[])).exits(0);
    let results = program.read("customers.results.csv");
    assert!(
        results.starts_with("\u{feff}name,phone,sms_row,sms_to,"),
        "{results}"
    );
    assert!(!results.contains('\r'));
    assert_eq!(results.lines().count(), 4);
}

#[test]
fn a_cell_of_the_results_is_never_a_formula() {
    let csv = format!(
        "phone,message\n{},=1+1 KedaiKu\n{},-5% at KedaiKu\n",
        phone(1),
        phone(2)
    );
    let program = Program::with(&[("customers.csv", &csv)]);
    let gateway = Gateway::accepting();
    program.send(&gateway, &["customers.csv"]).exits(0);
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(rows[0]["sms_message"], "'=1+1 KedaiKu");
    assert_eq!(rows[1]["sms_message"], "'-5% at KedaiKu");
    let texts: BTreeSet<String> = gateway.taken().into_iter().map(|t| t.text).collect();
    assert!(
        texts.contains("=1+1 KedaiKu"),
        "the text itself is as written: {texts:?}"
    );
}

// --- Summaries ------------------------------------------------------------------------------------------------

fn the_summary_has_every_key_and_its_counts_add_up(backend: Backend) {
    let program = Program::on(
        backend,
        &[
            (
                "customers.csv",
                &(two_in_ten_invalid() + &format!("Again,+{}\n", msisdn(0))),
            ),
            ("opted-out.csv", &format!("phone\n{}\n", msisdn(3))),
        ],
    );
    let gateway = Gateway::per_number(|number| match number {
        n if n == msisdn(1) => "-1005".into(),
        n => format!("2000 = SUCCESS:9{n}"),
    });
    let arguments = customers(&[
        "--suppress",
        "opted-out.csv",
        "--summary-json",
        "summary.json",
    ]);
    program.send(&gateway, &arguments).exits(3);
    let summary = program.summary_json("summary.json");
    let object = summary.as_object().unwrap();
    for key in SUMMARY_KEYS {
        assert!(object.contains_key(key), "{key} is missing: {summary}");
    }
    let expected = [
        ("rows", 11),
        ("accepted", 6),
        ("refused", 1),
        ("unknown", 0),
        ("pending", 0),
        ("invalid", 2),
        ("duplicate", 1),
        ("suppressed", 1),
        ("requests", 1),
        ("credits", 6),
        ("exit_code", 3),
    ];
    for (key, value) in expected {
        assert_eq!(summary[key], value, "{key}: {summary}");
    }
    let sum: u64 = STATUSES.iter().map(|s| summary[*s].as_u64().unwrap()).sum();
    assert_eq!(sum, 11, "rows in, rows out: {summary}");
    assert!(
        summary["stopped_by"].is_null() && summary["error_kind"] == "not-sent",
        "{summary}"
    );
    assert!(summary["elapsed_seconds"].is_number(), "{summary}");
    assert!(
        summary["ledger"]
            .as_str()
            .unwrap()
            .ends_with(&program.ledger("customers"))
    );
    assert!(
        summary["results"]
            .as_str()
            .unwrap()
            .ends_with("customers.results.csv")
    );
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    for (status, count) in count_statuses(&rows) {
        assert_eq!(summary[&status], count, "{status}");
    }
    let first = rows.iter().find(|r| r["sms_to"] == msisdn(0)).unwrap();
    assert_eq!(
        first["sms_trx_id"],
        format!("9{}", msisdn(0)),
        "the recipient's own id"
    );
}

#[test]
fn standard_output_holds_the_summary_and_nothing_else() {
    let program = Program::with(&[("customers.csv", &people(3))]);
    let gateway = Gateway::accepting();
    let run = program.send(&gateway, &customers(&["--summary-json", "-", "-v", "-v"]));
    run.exits(0);
    let summary: serde_json::Value = serde_json::from_str(&run.stdout).expect("one JSON object");
    assert_eq!(summary["accepted"], 3);
    let mut plan = vec![
        "plan",
        "other.csv",
        "--summary-json",
        "-",
        "--repeat",
        "allow",
    ];
    plan.extend(TEXT);
    program.write("other.csv", people(3));
    let run = program.run(&plan);
    run.exits(0);
    let summary: serde_json::Value = serde_json::from_str(&run.stdout).expect("one JSON object");
    assert_eq!(summary["pending"], 3);
    assert_eq!(summary["credits"], 3);
}

#[test]
fn a_summary_is_written_when_the_run_fails() {
    let program = Program::with(&[("customers.csv", "name\nSiti\n")]);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &customers(&["--summary-json", "summary.json"]))
        .exits(1);
    let summary = program.summary_json("summary.json");
    assert_eq!(summary["exit_code"], 1);
    assert!(
        summary["error"].as_str().unwrap().contains("phone"),
        "{summary}"
    );
}

fn status_counts_and_says_what_to_do_next(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(20))]);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &customers(&["--limit", "7"]))
        .exits(0);
    let run = program.run(&["status", &program.ledger("customers")]);
    run.exits(0);
    let said = run.stdout.to_lowercase();
    for word in ["accepted", "7", "pending", "13", "send"] {
        run.shows(said.contains(word), &format!("status should say {word:?}"));
    }
    run.shows(!said.contains("delivered"), "accepted is not delivered");
}

// --- Secrets --------------------------------------------------------------------------------------------------

fn the_password_appears_nowhere(backend: Backend) {
    let echoes: [fn(&Request) -> Reply; 7] = [
        |_| Reply::accepted(1),
        |request| Reply::ok(request.raw.clone()),
        |request| Reply::status(503, request.body.clone()),
        |request| {
            let fields = request
                .fields
                .iter()
                .map(|(k, v)| [k, "=", v, "\n"].concat());
            Reply::ok(fields.collect::<String>())
        },
        |request| Reply::ok(format!("-1005 = {}", request.field("pwd"))),
        |request| Reply::ok(format!("2000 = SUCCESS:{}", request.field("pwd"))),
        |_| Reply::ok("-1001"),
    ];
    for echo in echoes {
        for verbose in [&[][..], &["-v", "-v"]] {
            let program = Program::on(backend, &[("customers.csv", &people(2))]);
            let ledger = program.ledger("customers");
            let gateway = Gateway::new(move |request, _| echo(request));
            let mut arguments = customers(&["--summary-json", "summary.json"]);
            arguments.extend(verbose);
            let _any_code = program.send(&gateway, &arguments);
            assert!(gateway.count() > 0, "it was sent");
            program.run(&["status", &ledger]);
            program.run(&["results", &ledger, "--status", "unknown,refused"]);
            program.no_secret_anywhere(PASSWORD);
        }
    }
}

#[test]
fn the_password_can_come_from_a_file() {
    let secrets = Program::with(&[("isms-password", &format!("{PASSWORD}\n"))]);
    let folder = secrets.path("").display().to_string();
    let file = secrets.path("isms-password").display().to_string();
    for (name, value) in [
        ("ISMS_PASSWORD_FILE", file),
        ("CREDENTIALS_DIRECTORY", folder),
    ] {
        let program = Program::with(&[("customers.csv", &people(1))]);
        let gateway = Gateway::accepting();
        let run = program
            .send_command(&gateway.url(), &customers(&["-v", "-v"]))
            .without("ISMS_PASSWORD")
            .env(name, value)
            .run();
        run.exits(0);
        assert_eq!(
            gateway.requests()[0].field("pwd"),
            PASSWORD,
            "without its line end"
        );
        program.no_secret_anywhere(PASSWORD);
    }
}

#[test]
fn byte_order_marks_and_line_ends_around_the_account_go() {
    for (before, after) in [
        ("\u{feff}", "\r\n"),
        ("", "\n\n"),
        ("\r\n\u{feff}", ""),
        ("\n", "\u{feff}\n"),
    ] {
        let around = |text: &str| format!("{before}{text}{after}");
        for (name, value) in [
            ("ISMS_PASSWORD", around(PASSWORD)),
            ("ISMS_PASSWORD_FILE", "password".to_owned()),
        ] {
            let program = Program::with(&[
                ("customers.csv", &people(1)),
                ("password", &around(PASSWORD)),
            ]);
            let gateway = Gateway::accepting();
            let run = program
                .send_command(&gateway.url(), &customers(&[]))
                .without("ISMS_PASSWORD")
                .env("ISMS_USERNAME", around(USERNAME))
                .env(name, value)
                .run();
            run.exits(0);
            let request = &gateway.requests()[0];
            assert_eq!(request.field("pwd"), PASSWORD);
            assert_eq!(request.field("un"), USERNAME);
        }
    }
}

#[test]
fn the_gateway_can_come_from_the_environment() {
    let program = Program::with(&[("customers.csv", &people(1))]);
    let gateway = Gateway::accepting();
    let mut arguments = vec!["send", "--yes"];
    arguments.extend(customers(&[]));
    let run = program
        .command(&arguments)
        .credentials()
        .env("ISMS_GATEWAY", gateway.url())
        .run();
    run.exits(0);
    assert_eq!(gateway.count(), 1);
}

// --- The samples, in the sandbox

/// A folder with a copy of these samples.
fn samples(names: &[&str]) -> Program {
    let program = Program::new();
    for name in names {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("samples")
            .join(name);
        program.write(name, std::fs::read(path).unwrap());
    }
    program
}

#[test]
fn the_sample_broadcast_goes_out() {
    let program = samples(&["broadcast.csv", "broadcast.txt", "opted-out.csv"]);
    let mut arguments = vec!["send", "broadcast.csv", "--message-file", "broadcast.txt"];
    arguments.extend(["--sandbox", "--yes", "--rate", "none"]);
    program.run(&arguments).exits(0);
    let rows = rows_in_are_rows_out(&program, "broadcast.csv", "broadcast.sandbox.results.csv");
    assert_eq!(count_statuses(&rows), counts(&[("accepted", 200)]));

    let program = samples(&["broadcast.csv", "broadcast.txt", "opted-out.csv"]);
    arguments.extend(["--suppress", "opted-out.csv"]);
    program.run(&arguments).exits(0);
    let rows = rows_in_are_rows_out(&program, "broadcast.csv", "broadcast.sandbox.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("accepted", 188), ("suppressed", 12)])
    );
}

#[test]
fn the_personalised_sample_goes_out() {
    let program = samples(&["personalised.csv", "personalised.txt"]);
    let mut arguments = vec![
        "send",
        "personalised.csv",
        "--message-file",
        "personalised.txt",
    ];
    arguments.extend([
        "--sandbox",
        "--yes",
        "--rate",
        "none",
        "--outbox",
        "outbox.csv",
    ]);
    // One row has a landline's number.
    program.run(&arguments).exits(3);
    let mut rows = rows_in_are_rows_out(
        &program,
        "personalised.csv",
        "personalised.sandbox.results.csv",
    );
    let expected = [("accepted", 199), ("invalid", 1)];
    assert_eq!(count_statuses(&rows), counts(&expected));
    rows.retain(|row| row["sms_status"] == "accepted");
    let outbox = program.results("outbox.csv");
    assert_eq!(
        program.header("outbox.csv"),
        [
            "received_at",
            "trx_id",
            "to",
            "type",
            "sender_id",
            "message"
        ]
    );
    assert_eq!(outbox.len(), 199);
    let sent: BTreeSet<(&String, &String)> = rows
        .iter()
        .map(|r| (&r["sms_to"], &r["sms_message"]))
        .collect();
    let received: BTreeSet<(&String, &String)> =
        outbox.iter().map(|r| (&r["to"], &r["message"])).collect();
    assert_eq!(sent, received);
}

#[test]
fn the_sample_with_own_texts_goes_out() {
    let program = samples(&["own-texts.csv"]);
    program
        .run(&[
            "send",
            "own-texts.csv",
            "--sandbox",
            "--yes",
            "--rate",
            "none",
        ])
        .exits(0);
    let rows = rows_in_are_rows_out(&program, "own-texts.csv", "own-texts.sandbox.results.csv");
    assert_eq!(count_statuses(&rows), counts(&[("accepted", 90)]));
    let types: BTreeSet<&str> = rows.iter().map(|r| &*r["sms_type"]).collect();
    assert_eq!(types, ["1", "2"].into());
}

#[test]
fn the_sample_shows_every_outcome_of_the_sandbox() {
    let program = samples(&["faults.csv"]);
    let mut arguments = vec!["send", "faults.csv", "--sandbox", "--yes", "--rate", "none"];
    arguments.extend(["--timeout", "1", "--concurrency", "1"]);
    let run = program
        .command(&arguments)
        .bound(Duration::from_secs(60))
        .run();
    run.exits(4);
    let rows = rows_in_are_rows_out(&program, "faults.csv", "faults.sandbox.results.csv");
    for row in &rows {
        let (status, _) = row["expect"].split_once(':').unwrap();
        run.shows(row["sms_status"] == status, &format!("{row:?}"));
    }
    assert_eq!(
        count_statuses(&rows).len(),
        4,
        "accepted, refused, unknown, pending"
    );
}
