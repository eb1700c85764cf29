//! Bad input: one clear sentence that names the place and the way out, the right exit code, nothing sent, and no
//! ledger left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;

use common::gateway::Gate;
use common::{Gateway, PASSWORD, Program, Reply, USERNAME, msisdn, own_texts, people, phone};

const TEXT: [&str; 2] = ["--message", "KedaiKu: we are open until midnight"];

/// `send customers.csv` with the tests' text and these arguments more.
fn customers<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["customers.csv", TEXT[0], TEXT[1]];
    all.extend(more);
    all
}

/// Sends in this folder and expects a refusal that says all of these words, without a request, and that `plan`
/// refuses it too. Leaves no ledger.
#[track_caller]
fn refused(program: &Program, arguments: &[&str], exit: i32, words: &[&str]) {
    let gateway = Gateway::accepting();
    let run = program.send(&gateway, arguments);
    run.exits(exit).says(words);
    let sentences = run.stderr.trim().lines().count();
    run.shows(exit == 2 || sentences <= 3, "one clear sentence is enough");
    run.shows(!run.stderr.contains("panicked"), "a refusal is no panic");
    run.shows(gateway.count() == 0, "nothing may be sent");
    run.shows(
        !program.ledger_exists(),
        &format!("no ledger is left: {:?}", program.files()),
    );
    program.no_secret_anywhere(PASSWORD);
}

// --- The spreadsheet ------------------------------------------------------------------------------------------

#[test]
fn a_file_that_is_missing() {
    refused(
        &Program::new(),
        &customers(&[]),
        1,
        &["customers.csv", "check the name"],
    );
    refused(
        &Program::new(),
        &["nowhere/customers.ledger"],
        1,
        &["nowhere/customers.ledger", "check the name"],
    );
}

#[test]
fn a_folder() {
    let program = Program::new();
    fs::create_dir(program.path("customers.csv")).unwrap();
    refused(&program, &customers(&[]), 1, &["customers.csv"]);
}

#[test]
fn an_empty_file() {
    for empty in ["", "\n\n", "\u{feff}"] {
        let program = Program::with(&[("customers.csv", empty)]);
        refused(&program, &customers(&[]), 1, &["customers.csv", "empty"]);
    }
}

#[test]
fn a_header_and_no_rows() {
    let program = Program::with(&[("customers.csv", "name,phone\n")]);
    refused(&program, &customers(&[]), 1, &["customers.csv", "row"]);
}

#[test]
fn no_header() {
    let csv = format!("Siti,{}\nRavi,{}\n", phone(1), phone(2));
    let program = Program::with(&[("customers.csv", &csv)]);
    refused(&program, &customers(&[]), 1, &["customers.csv", "header"]);
}

#[test]
fn no_phone_column() {
    let csv = format!("name,contact\nSiti,{}\n", phone(1));
    let program = Program::with(&[("customers.csv", &csv)]);
    refused(
        &program,
        &customers(&[]),
        1,
        &["customers.csv", "--phone-column", "contact"],
    );
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &customers(&["--phone-column", "contact"]))
        .exits(0);
    assert_eq!(gateway.numbers_taken(), [msisdn(1)]);
}

#[test]
fn two_phone_columns() {
    let csv = format!("phone,Mobile,name\n{},{},Siti\n", phone(1), phone(2));
    let program = Program::with(&[("customers.csv", &csv)]);
    let words = ["customers.csv", "phone", "Mobile", "--phone-column"];
    refused(&program, &customers(&[]), 1, &words);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &customers(&["--phone-column", "Mobile"]))
        .exits(0);
    assert_eq!(gateway.numbers_taken(), [msisdn(2)]);
}

#[test]
fn a_phone_column_that_is_not_there() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    let arguments = customers(&["--phone-column", "phnoe"]);
    refused(
        &program,
        &arguments,
        1,
        &["customers.csv", "phnoe", "phone"],
    );
}

#[test]
fn two_headers_with_one_name() {
    let csv = format!("phone,Baki (RM),baki rm\n{},1,2\n", phone(1));
    let program = Program::with(&[("customers.csv", &csv)]);
    refused(
        &program,
        &customers(&[]),
        1,
        &["customers.csv", "Baki (RM)", "baki rm"],
    );
}

#[test]
fn results_of_a_run_with_rows_that_were_sent() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    let gateway = Gateway::accepting();
    program.send(&gateway, &customers(&[])).exits(0);
    let arguments = ["customers.results.csv", TEXT[0], TEXT[1]];
    let run = program.send(&gateway, &arguments);
    run.exits(1).says(&["customers.results.csv", "sms_status"]);
    assert_eq!(gateway.count(), 1);
}

#[test]
fn a_side_file_of_sqlite_without_its_ledger() {
    for side in ["-wal", "-journal"] {
        let name = format!("customers.ledger{side}");
        let program = Program::with(&[("customers.csv", &people(2)), (&name, "left over")]);
        let gateway = Gateway::accepting();
        program
            .send(&gateway, &customers(&[]))
            .exits(1)
            .says(&[&name]);
        assert_eq!(gateway.count(), 0);
        assert!(!program.path("customers.ledger").exists());
    }
}

// --- The template ---------------------------------------------------------------------------------------------

#[test]
fn no_message() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    refused(&program, &["customers.csv"], 1, &["--message"]);
}

#[test]
fn two_messages() {
    let program = Program::with(&[("customers.csv", &people(2)), ("text.txt", "KedaiKu: hi")]);
    refused(
        &program,
        &customers(&["--message-file", "text.txt"]),
        2,
        &["--message"],
    );
}

#[test]
fn text_that_the_networks_block() {
    for (text, rule) in [
        (
            "KedaiKu: see www.kedaiku.com/promo today",
            "www.kedaiku.com/promo",
        ),
        ("KedaiKu: reply with your password to win", "password"),
        ("KedaiKu: call 03-5510 1234 to order", "03-5510 1234"),
        ("KedaiKu: Hi [NAMA], we are open", "[NAMA]"),
        (
            "KEDAIKU: EVERYTHING MUST GO THIS SUNDAY, COME EARLY",
            "KEDAIKU",
        ),
    ] {
        let program = Program::with(&[("customers.csv", &people(3))]);
        let gateway = Gateway::accepting();
        let arguments = ["customers.csv", "--message", text, "--lint", "deny", "-v"];
        let run = program.send(&gateway, &arguments);
        run.exits(1).says(&["customers.csv", "--lint", rule, "3"]);
        assert_eq!(gateway.count(), 0, "{text}");
        // The plan is kept, and kept from being sent by its own name.
        program
            .send(&gateway, &["customers.ledger"])
            .exits(1)
            .says(&["--lint"]);
        assert_eq!(gateway.count(), 0, "{text}");
        let level = if rule == "[NAMA]" { "off" } else { "warn" };
        let arguments = ["customers.csv", "--message", text, "--lint", level, "-v"];
        let run = program.send(&gateway, &arguments);
        run.exits(0);
        run.shows(
            run.stderr.contains(rule) == (level == "warn") || text.contains(rule),
            "a warning names what was found",
        );
        assert_eq!(gateway.numbers_taken().len(), 3);
    }
}

#[test]
fn a_message_file_that_is_missing() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    refused(
        &program,
        &["customers.csv", "--message-file", "text.txt"],
        1,
        &["text.txt"],
    );
}

#[test]
fn a_template_that_does_not_parse() {
    let program = Program::with(&[("customers.csv", &people(2)), ("text.txt", "Hi\n{{ name")]);
    for template in [
        "Hi {{ name",
        "Hi {% if name %}",
        "Hi {{ name | nosuchfilter }}",
    ] {
        refused(
            &program,
            &["customers.csv", "--message", template],
            1,
            &["--message"],
        );
    }
    refused(
        &program,
        &["customers.csv", "--message-file", "text.txt"],
        1,
        &["text.txt"],
    );
}

#[test]
fn a_placeholder_that_no_column_has() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    let arguments = ["customers.csv", "--message", "Hi {{ nmae }}"];
    refused(&program, &arguments, 1, &["nmae", "name"]);
}

#[test]
fn a_field_of_another_program_that_names_a_column() {
    for field in ["«Name»", "*|NAME|*", "[name]", "${name}", "＜Ｎａｍｅ＞"] {
        let program = Program::with(&[("customers.csv", &people(2))]);
        let text = format!("Hi {field}, we are open");
        let arguments = ["customers.csv", "--message", &text];
        refused(&program, &arguments, 1, &[field, "write {{ name }}"]);
        let gateway = Gateway::accepting();
        let off = [&arguments[..], &["--lint", "off"]].concat();
        program.send(&gateway, &off).exits(0);
    }
    for tag in ["{{ 1 }}", "{{ \"x\" }}"] {
        let program = Program::with(&[("customers.csv", &people(2))]);
        let text = format!("Hi {tag}, we are open");
        let arguments = ["customers.csv", "--message", &text, "--lint", "off"];
        refused(&program, &arguments, 1, &[tag, "name"]);
    }
}

#[test]
fn a_field_of_another_program_in_a_template_of_a_cell() {
    let csv = own_texts(20) + &format!("{},Hi «Phone»\n", phone(50));
    let program = Program::with(&[("customers.csv", &csv)]);
    let gateway = Gateway::accepting();
    program.send(&gateway, &["customers.csv"]).exits(3);
    assert_eq!(gateway.count(), 20);
    let run = program.run(&["results", "customers.ledger", "--status", "invalid"]);
    let rows = common::program::rows_of(&run.stdout);
    assert_eq!(rows.len(), 1);
    let detail = &rows[0]["sms_detail"];
    assert!(
        detail.contains("«Phone»") && detail.contains("write {{ phone }}"),
        "{detail}"
    );
}

#[test]
fn a_template_in_a_cell_names_its_row_and_column() {
    let csv = own_texts(20) + &format!("{},Hi {{{{ oops\n", phone(50));
    let program = Program::with(&[("customers.csv", &csv)]);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &["customers.csv", "--max-invalid", "0"])
        .exits(1);
    assert_eq!(gateway.count(), 0);
    let run = program.run(&["results", "customers.ledger", "--status", "invalid"]);
    run.exits(0);
    let rows = common::program::rows_of(&run.stdout);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["sms_row"], "21");
    assert!(rows[0]["sms_detail"].contains("message"), "{:?}", rows[0]);
}

#[test]
fn a_suppression_list_that_is_missing_or_empty() {
    let program = Program::with(&[("customers.csv", &people(2)), ("empty.csv", "")]);
    for list in ["missing.csv", "empty.csv"] {
        refused(&program, &customers(&["--suppress", list]), 1, &[list]);
    }
}

#[test]
fn a_suppression_list_with_an_entry_that_is_no_number() {
    let list = format!("phone\n{}\nask Siti\n", phone(1));
    let program = Program::with(&[("customers.csv", &people(2)), ("out.csv", &list)]);
    let words = ["out.csv", "ask Siti", "--lenient-suppress"];
    let arguments = customers(&["--suppress", "out.csv", "-v"]);
    refused(&program, &arguments, 1, &words);
    let gateway = Gateway::accepting();
    let arguments = customers(&["--suppress", "out.csv", "--lenient-suppress"]);
    program.send(&gateway, &arguments).exits(0);
    assert_eq!(gateway.numbers_taken(), [msisdn(0)]);
}

// --- The ledger -----------------------------------------------------------------------------------------------

#[test]
fn a_ledger_of_a_newer_version() {
    let program = Program::with(&[("customers.csv", &people(20))]);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &customers(&["--limit", "7"]))
        .exits(0);
    let ledger = rusqlite::Connection::open(program.path("customers.ledger")).unwrap();
    ledger.pragma_update(None, "user_version", 999).unwrap();
    drop(ledger);
    let before = fs::read(program.path("customers.ledger")).unwrap();
    for arguments in [
        &["status", "customers.ledger"][..],
        &["results", "customers.ledger"],
        &["verify", "customers.ledger"],
        &["resolve", "customers.ledger", "--all", "--as", "not-sent"],
    ] {
        program
            .run(arguments)
            .exits(1)
            .says(&["customers.ledger", "newer"]);
    }
    program
        .send(&gateway, &customers(&[]))
        .exits(1)
        .says(&["customers.ledger", "newer"]);
    program
        .send(&gateway, &["customers.ledger"])
        .exits(1)
        .says(&["newer"]);
    assert_eq!(gateway.taken().len(), 7);
    assert_eq!(
        fs::read(program.path("customers.ledger")).unwrap(),
        before,
        "left as it was"
    );
}

#[test]
fn a_file_that_is_not_a_ledger() {
    let program = Program::with(&[("customers.ledger", "name,phone\n"), ("empty.ledger", "")]);
    for name in ["customers.ledger", "empty.ledger", "missing.ledger"] {
        for command in ["status", "results", "verify"] {
            program.run(&[command, name]).exits(1).says(&[name]);
        }
    }
}

#[test]
fn a_ledger_in_use() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    let gate = Gate::closed();
    let held = gate.clone();
    let gateway = Gateway::new(move |_, _| Reply::accepted(1).behind(&held));
    let running = program
        .send_command(&gateway.url(), &customers(&[]))
        .start();
    gateway.wait_for_requests(1);
    let run = program.send(&gateway, &customers(&[]));
    run.exits(1)
        .says(&["customers.ledger"])
        .says_one_of(&["in use", "another", "locked"]);
    gate.open();
    running.wait().exits(0);
    assert_eq!(gateway.count(), 1);
}

#[test]
fn plan_options_with_a_ledger() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    let mut plan = vec!["plan"];
    plan.extend(customers(&[]));
    program.run(&plan).exits(0);
    let gateway = Gateway::accepting();
    for option in [
        &["--message", "other"][..],
        &["--batch-size", "5"],
        &["--duplicates", "keep"],
        &["--sender-id", "KedaiKu"],
        &["--phone-column", "phone"],
    ] {
        let mut arguments = vec!["customers.ledger"];
        arguments.extend(option);
        program
            .send(&gateway, &arguments)
            .exits(2)
            .says(&[option[0]]);
    }
    assert_eq!(gateway.count(), 0);
}

// --- Where the outputs go -------------------------------------------------------------------------------------

#[test]
fn results_that_cannot_be_written() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    let arguments = customers(&["--results", "no-such-folder/out.csv"]);
    refused(&program, &arguments, 1, &["no-such-folder"]);
    fs::create_dir(program.path("out.csv")).unwrap();
    refused(
        &program,
        &customers(&["--results", "out.csv"]),
        1,
        &["out.csv"],
    );
}

#[test]
fn a_ledger_that_cannot_be_written() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    let arguments = customers(&["--ledger", "no-such-folder/x.ledger"]);
    refused(&program, &arguments, 1, &["no-such-folder"]);
}

#[test]
fn an_output_that_is_an_input() {
    let program = Program::with(&[
        ("customers.csv", &people(2)),
        ("out.csv", &format!("phone\n{}\n", phone(9))),
        ("text.txt", "KedaiKu: hi"),
    ]);
    let before = program.read("customers.csv");
    for arguments in [
        customers(&["--results", "customers.csv"]),
        customers(&["--results", "./customers.csv"]),
        customers(&["--ledger", "customers.csv"]),
        customers(&["--summary-json", "customers.csv"]),
        customers(&["--results", "x.ledger", "--ledger", "x.ledger"]),
        customers(&["--suppress", "out.csv", "--results", "out.csv"]),
        vec![
            "customers.csv",
            "--message-file",
            "text.txt",
            "--results",
            "text.txt",
        ],
    ] {
        refused(&program, &arguments, 2, &[]);
        assert_eq!(program.read("customers.csv"), before);
    }
}

#[test]
fn a_refusal_replaces_an_earlier_summary_and_no_other_file() {
    let program = Program::with(&[("customers.csv", &people(2)), ("text.txt", "KedaiKu: hi")]);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &customers(&["--summary-json", "last.json"]))
        .exits(0);
    let earlier = program.read("last.json");
    for (arguments, exit, words) in [
        (customers(&["--region", "XX"]), 2, "--region"),
        (customers(&["--nonsense"]), 2, "--nonsense"),
        (customers(&["--outbox", "o.csv"]), 2, "--sandbox"),
        (vec!["missing.csv", TEXT[0], TEXT[1]], 1, "missing.csv"),
    ] {
        for summary in ["last.json", "new.json"] {
            let run = program.send(
                &gateway,
                &[&arguments[..], &["--summary-json", summary]].concat(),
            );
            run.exits(exit).says(&[words]);
            let summary = program.summary_json(summary);
            assert_eq!(summary["exit_code"], exit, "{arguments:?}");
            let error = summary["error"].as_str().unwrap();
            assert!(error.contains(words), "{error}");
        }
        fs::write(program.path("last.json"), &earlier).unwrap();
        fs::remove_file(program.path("new.json")).unwrap();
    }
    for file in ["customers.csv", "text.txt", "customers.ledger"] {
        let before = fs::read(program.path(file)).unwrap();
        for arguments in [
            vec!["missing.csv", TEXT[0], TEXT[1]],
            customers(&["--region", "XX"]),
        ] {
            let arguments = [&arguments[..], &["--summary-json", file]].concat();
            let run = program.send(&gateway, &arguments);
            run.shows(run.code != Some(0), "it is refused");
            assert_eq!(fs::read(program.path(file)).unwrap(), before, "{file}");
        }
    }
}

#[test]
fn standard_input_without_a_ledger() {
    let program = Program::new();
    let gateway = Gateway::accepting();
    let run = program
        .send_command(&gateway.url(), &["-", TEXT[0], TEXT[1]])
        .stdin(people(2))
        .run();
    run.says(&["--ledger"])
        .shows(matches!(run.code, Some(1 | 2)), "it is refused");
    assert_eq!(gateway.count(), 0);
}

// --- The gateway and the account ------------------------------------------------------------------------------

#[test]
fn plain_http_to_another_host() {
    for url in [
        "http://gateway.invalid/RESTAPI.php",
        "http://127.0.0.1.gateway.invalid/",
    ] {
        let program = Program::with(&[("customers.csv", &people(2))]);
        let run = program.send_command(url, &customers(&[])).run();
        run.says(&["https"])
            .shows(matches!(run.code, Some(1 | 2)), "it is refused");
        run.shows(!program.ledger_exists(), "no ledger is left");
        program.no_secret_anywhere(PASSWORD);
    }
}

#[test]
fn a_gateway_that_is_not_a_url() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    for url in ["gateway", "ftp://127.0.0.1/x", "http://"] {
        let run = program.send_command(url, &customers(&[])).run();
        run.says(&["gateway"])
            .shows(matches!(run.code, Some(1 | 2)), "it is refused");
        run.shows(!program.ledger_exists(), "no ledger is left");
    }
}

#[test]
fn missing_credentials() {
    let gateway = Gateway::accepting();
    for missing in ["ISMS_USERNAME", "ISMS_PASSWORD"] {
        let program = Program::with(&[("customers.csv", &people(2))]);
        let run = program
            .send_command(&gateway.url(), &customers(&[]))
            .without(missing)
            .run();
        run.exits(1).says(&[missing]);
        run.shows(!program.ledger_exists(), "no ledger is left");
    }
    let program = Program::with(&[("customers.csv", &people(2))]);
    let run = program
        .send_command(&gateway.url(), &customers(&[]))
        .without("ISMS_PASSWORD")
        .env("ISMS_PASSWORD_FILE", "no-such-file")
        .run();
    run.exits(1).says(&["no-such-file"]);
    assert_eq!(gateway.count(), 0);
}

#[test]
fn control_characters_in_the_account() {
    let gateway = Gateway::accepting();
    for text in [
        "s3cret\tx",
        "s3\ncret",
        "s3\r\ncret",
        "\u{1b}s3cret",
        "s3cret\u{7f}",
        "s3\u{85}cret",
    ] {
        for variable in ["ISMS_USERNAME", "ISMS_PASSWORD", "ISMS_PASSWORD_FILE"] {
            let program = Program::with(&[("customers.csv", &people(2)), ("password", text)]);
            let send = program.send_command(&gateway.url(), &customers(&[]));
            let send = match variable {
                "ISMS_PASSWORD_FILE" => send.without("ISMS_PASSWORD").env(variable, "password"),
                _ => send.env(variable, text),
            };
            let run = send.run();
            run.exits(1).says(&["control character"]);
            run.shows(!run.stderr.contains("cret"), "it is not shown");
            run.shows(!program.ledger_exists(), "no ledger is left");
        }
    }
    assert_eq!(gateway.count(), 0);
}

#[test]
fn a_sandbox_and_a_gateway() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    refused(
        &program,
        &customers(&["--sandbox"]),
        2,
        &["--sandbox", "--gateway"],
    );
}

// --- The command line -----------------------------------------------------------------------------------------

#[test]
fn wrong_usage() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    for more in [
        &["--no-such-option"][..],
        &["--rate", "fast"],
        &["--rate", "0/s"],
        &["--concurrency", "0"],
        &["--batch-size", "0"],
        &["--limit", "x"],
        &["--duplicates", "maybe"],
        &["--sender-id", "KedaiKu-Shop"],
        &["--sender-id", "KK"],
        &["--expires", "soon"],
        &["--max-invalid", "120%"],
        &["--type", "3"],
        &["--password", "x"],
    ] {
        refused(&program, &customers(more), 2, &[more[0]]);
    }
    program.run::<&str>(&[]).exits(2);
    program.run(&["deliver"]).exits(2);
    program.run(&["send"]).exits(2);
    program.run(&["--help"]).exits(0);
    program.run(&["send", "--help"]).exits(0);
    program.run(&["--version"]).exits(0);
}

#[test]
fn no_yes_without_a_terminal() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    let gateway = Gateway::accepting();
    let url = gateway.url();
    let mut arguments = vec!["send"];
    arguments.extend(customers(&["--gateway", &url]));
    for answer in ["", "y\n", "yes\n"] {
        let run = program
            .command(&arguments)
            .env("ISMS_USERNAME", USERNAME)
            .env("ISMS_PASSWORD", PASSWORD)
            .stdin(answer)
            .run();
        run.exits(1).says(&["--yes"]);
    }
    assert_eq!(gateway.count(), 0);
}

#[test]
fn resolve_needs_to_know_which_and_what() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    let gateway = Gateway::answering("");
    program.send(&gateway, &customers(&[])).exits(5);
    for arguments in [
        &["resolve", "customers.ledger"][..],
        &["resolve", "customers.ledger", "--all"],
        &["resolve", "customers.ledger", "--as", "accepted"],
        &["resolve", "customers.ledger", "--all", "--as", "delivered"],
        &[
            "resolve",
            "customers.ledger",
            "--rows",
            "x",
            "--as",
            "accepted",
        ],
    ] {
        program.run(arguments).exits(2);
    }
    program
        .run(&[
            "resolve",
            "customers.ledger",
            "--rows",
            "3",
            "--as",
            "accepted",
        ])
        .exits(1);
}

#[test]
fn nothing_but_an_answer_is_called_accepted_and_nothing_delivered() {
    let program = Program::with(&[("customers.csv", &people(2))]);
    let gateway = Gateway::accepting();
    let sent = program.send(&gateway, &customers(&["-v", "-v"]));
    let status = program.run(&["status", "customers.ledger"]);
    for run in [sent, status] {
        let said = format!("{}{}", run.stdout, run.stderr).to_lowercase();
        run.shows(
            !said.contains("delivered"),
            "accepted is the gateway's word",
        );
    }
}
