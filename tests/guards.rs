//! What keeps messages from people who should not get them: suppression lists that are no lists, or that change while a campaign
//! is sent, and the same campaign again under another name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::format_push_string)]

mod common;

use std::fs::{self, OpenOptions};
use std::io::Write as _;

use common::{Gateway, Program, count_statuses, counts, msisdn, own_texts, people, phone};

const TEXT: [&str; 2] = ["--message", "KedaiKu: 20% off today"];

fn customers<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["customers.csv"], &TEXT[..], more].concat()
}

fn plan<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["plan"], &customers(more)[..]].concat()
}

// --- Lists that are no lists ----------------------------------------------------------------------------------

#[test]
fn a_ledger_of_the_sandbox_or_of_a_test_is_no_list() {
    let program = Program::with(&[("old.csv", &people(4)), ("customers.csv", &people(6))]);
    let rehearsal = ["send", "old.csv", TEXT[0], TEXT[1], "--sandbox", "--yes"];
    program.run(&rehearsal).exits(0);
    let sandbox = program.path("old.sandbox.ledger");
    for name in [
        "old.sandbox.ledger",
        "old.sandbox.20261122T152000Z.ledger",
        "renamed.ledger",
        "list",
        "old.test-20261122T152000Z.ledger",
    ] {
        if !program.path(name).exists() {
            fs::copy(&sandbox, program.path(name)).unwrap();
        }
        let whose = if name.contains("test") {
            "a test"
        } else {
            "the sandbox"
        };
        let run = program.run(&plan(&["--suppress", name]));
        run.exits(1).says(&[name, whose, "leave it out"]);
    }
    std::os::unix::fs::symlink(&sandbox, program.path("link.ledger")).unwrap();
    program.run(&plan(&["--suppress", "link.ledger"])).exits(1);
    assert!(!program.files().contains(&"customers.ledger".to_owned()));
    // Its results are one, with a warning.
    let run = program.run(&plan(&["--suppress", "old.sandbox.results.csv"]));
    run.exits(0)
        .says(&["old.sandbox.results.csv", "nobody in it received anything"]);
}

#[test]
fn a_campaign_is_no_list_for_itself() {
    let program = Program::with(&[("customers.csv", &people(6))]);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &customers(&["--limit", "2"]))
        .exits(0);
    fs::copy(
        program.path("customers.ledger"),
        program.path("copy.ledger"),
    )
    .unwrap();
    std::os::unix::fs::symlink(
        program.path("customers.ledger"),
        program.path("link.ledger"),
    )
    .unwrap();
    for list in ["customers.ledger", "copy.ledger", "link.ledger"] {
        for recipients in [customers(&[]), vec!["customers.ledger"]] {
            let arguments = [&recipients[..], &["--suppress", list]].concat();
            program.send(&gateway, &arguments).exits(2).says(&[list]);
        }
        let always = program.send_command(&gateway.url(), &customers(&[]));
        always
            .env("ISMS_SUPPRESS", list)
            .run()
            .exits(2)
            .says(&[list]);
    }
    program.send(&gateway, &customers(&[])).exits(0);
    assert_eq!(gateway.numbers_taken().len(), 6);
}

#[test]
fn of_results_everybody_but_those_who_got_nothing_is_suppressed() {
    let program = Program::with(&[("customers.csv", &people(8))]);
    let mut results = String::from("name,phone,sms_to,sms_status\n");
    for (i, status) in [
        "accepted",
        "refused",
        "unknown",
        "invalid",
        "pending",
        "duplicate",
        "suppressed",
    ]
    .iter()
    .enumerate()
    {
        let number = if *status == "invalid" {
            String::new()
        } else {
            msisdn(i)
        };
        results += &format!("Aminah {i},{},{number},{status}\n", phone(i));
    }
    // The cell of an invalid row need not be a number.
    results += "Siti,no phone,,invalid\n";
    program.write("got.csv", &results);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &customers(&["--suppress", "got.csv"]))
        .exits(0);
    assert_eq!(gateway.numbers_taken(), [1, 3, 7].map(msisdn));
}

#[test]
fn lists_of_the_environment_always_apply() {
    let program = Program::with(&[("customers.csv", &people(6))]);
    program.write("one.csv", format!("phone\n{}\n", phone(1)));
    program.write("two.txt", format!("{}\n", phone(2)));
    program.write("three.txt", format!("{}\n", phone(3)));
    let gateway = Gateway::accepting();
    let send = |lists: &str, more: &[&str]| {
        let send = program.send_command(&gateway.url(), &customers(more));
        send.env("ISMS_SUPPRESS", lists).run()
    };
    for (lists, words) in [
        ("one.csv:gone.csv", &["gone.csv"][..]),
        ("one.csv:", &["ISMS_SUPPRESS"]),
        ("one.csv::two.txt", &["ISMS_SUPPRESS"]),
    ] {
        let run = send(lists, &["--summary-json", "last.json"]);
        assert_ne!(program.summary_json("last.json")["exit_code"], 0);
        run.says(words);
    }
    assert_eq!(gateway.count(), 0);
    send("", &["--limit", "1"]).exits(0);
    let run = send("one.csv:two.txt", &["--suppress", "three.txt"]);
    run.exits(0).says(&[
        "1 row that was pending is suppressed now: the number is on the suppression list one.csv.",
        "1 row that was pending is suppressed now: the number is on the suppression list three.txt.",
        "resolve customers.ledger --rows 2-4 --as not-sent",
    ]);
    assert_eq!(gateway.numbers_taken(), [0, 4, 5].map(msisdn));
}

#[test]
fn a_plan_that_leaves_hardly_anybody_says_so_first() {
    let program = Program::with(&[("customers.csv", &people(30))]);
    for (listed, words) in [
        (
            30,
            Some("nobody is left to send to of 30 rows: 30 are suppressed"),
        ),
        (
            28,
            Some("only 2 of 30 rows are left to send to: 28 are suppressed"),
        ),
        (27, None),
    ] {
        let list: String = (0..listed).map(|i| phone(i) + "\n").collect();
        program.write("list.txt", list);
        let run = program.run(&plan(&["--suppress", "list.txt"]));
        run.exits(0);
        let first: Vec<&str> = run.stdout.lines().take(3).collect();
        let said = first
            .iter()
            .any(|line| words.is_some_and(|words| line.contains(words)));
        run.shows(said == words.is_some(), "its first lines say who is left");
        assert_eq!(run.stdout.contains("left to send to"), words.is_some());
    }
    // On a resume, too.
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &customers(&["--limit", "1"]))
        .exits(0);
    let everybody: String = (0..30).map(|i| phone(i) + "\n").collect();
    program.write("list.txt", everybody);
    let run = program.send(&gateway, &customers(&["--suppress", "list.txt"]));
    run.says(&["Warning: nobody is left to send to of 2 rows"]);
}

// --- Lists that change ----------------------------------------------------------------------------------------

#[test]
fn who_opts_out_during_a_run_gets_nothing_more() {
    let program = Program::with(&[("customers.csv", &own_texts(40))]);
    program.write("stop.txt", format!("{}\n", phone(99)));
    let gateway = Gateway::accepting();
    let arguments = [
        "customers.csv",
        "--suppress",
        "stop.txt",
        "--rate",
        "5/s",
        "--batch-size",
        "1",
        "-v",
    ];
    let running = program.send_command(&gateway.url(), &arguments).start();
    gateway.wait_for_requests(1);
    let mut list = OpenOptions::new()
        .append(true)
        .open(program.path("stop.txt"))
        .unwrap();
    writeln!(list, "{}\n{}\nask Siti\n{}", phone(0), phone(38), phone(39)).unwrap();
    let run = running.wait();
    run.exits(0)
        .says(&[
            "2 rows that were pending are suppressed now: the number is on the suppression list stop.txt.",
            "once this run has ended",
            "resolve customers.ledger --rows 39-40 --as not-sent",
            "ask Siti",
        ]);
    let rows = program.results("customers.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("accepted", 38), ("suppressed", 2)])
    );
    assert!(
        rows[39]["sms_detail"].contains("stop.txt"),
        "{:?}",
        rows[39]
    );
    gateway.assert_nothing_twice();
    common::verifies(&program, "customers.ledger");
}

// --- The same campaign again ----------------------------------------------------------------------------------

/// A CSV of these people.
fn sheet(people: impl IntoIterator<Item = usize>) -> String {
    let rows = people
        .into_iter()
        .map(|i| format!("Aminah {i},{}\n", phone(i)));
    format!("name,phone\n{}", rows.collect::<String>())
}

/// Twenty people have got the message.
fn sent() -> (Program, Gateway) {
    let program = Program::with(&[("customers.csv", &sheet(0..20)), ("text.txt", TEXT[1])]);
    let gateway = Gateway::accepting();
    program.send(&gateway, &customers(&[])).exits(0);
    (program, gateway)
}

/// The words of an advice from here on, up to the next punctuation.
fn words<'a>(text: &'a str, from: &str) -> Vec<&'a str> {
    let start = text.find(from).expect(from);
    let end = text[start..]
        .find([';', '\n'])
        .unwrap_or(text.len() - start);
    text[start..start + end].split_whitespace().collect()
}

#[test]
fn those_whom_another_campaign_does_not_reach_are_sent_to_as_it_says() {
    let (program, gateway) = sent();
    program.write("signup.csv", sheet(0..21));
    let signup = ["signup.csv", TEXT[0], TEXT[1]];
    let run = program.send(&gateway, &signup);
    run.exits(1).says(&["to send to the others only"]);
    let list = words(&run.stderr, "--suppress ");
    program
        .send(&gateway, &[&signup[..], &list].concat())
        .exits(0);
    assert_eq!(gateway.taken().len(), 21);

    // The same in the place of the campaign itself, which is no list for itself.
    program.write("customers.csv", sheet((0..20).chain([30])));
    let runs = [&[][..], &["--on-change", "new"]]
        .map(|options| program.send(&gateway, &customers(options)));
    for run in &runs {
        run.exits(1);
        program
            .run(&words(&run.stderr, "results customers.ledger"))
            .exits(0);
    }
    let list = words(&runs[0].stderr, "--suppress ");
    assert_eq!(list, words(&runs[1].stderr, "--suppress "));
    let anew = [&list[..], &["--on-change", "new"]].concat();
    program.send(&gateway, &customers(&anew)).exits(0);
    gateway.assert_nothing_twice();
    assert_eq!(gateway.taken().len(), 22);
}

#[test]
fn where_there_are_no_others_it_names_no_way_to_them() {
    let (program, gateway) = sent();
    program.write("again.csv", sheet(0..20));
    let run = program.send(&gateway, &["again.csv", TEXT[0], TEXT[1]]);
    run.exits(1)
        .shows(!run.stderr.contains("--suppress"), "there are no others");
}

#[test]
fn the_same_campaign_under_another_name_is_refused() {
    let (program, gateway) = sent();
    let semicolons = sheet(0..20).replace(',', ";");
    for (name, contents) in [
        ("customers (1).csv", sheet(0..20)),
        ("signup.csv", sheet(0..21)),
        ("reversed.csv", sheet((0..20).rev())),
        ("fewer.csv", sheet(5..10)),
        ("one.csv", sheet([7])),
        ("tenth.csv", sheet(2..22)),
        ("semicolons.txt", semicolons),
        ("Customers.tsv", sheet(0..20).replace(',', "\t")),
        ("twice.csv", sheet((0..20).chain(0..20))),
        ("column.csv", sheet(0..20).replace("name", "nama")),
    ] {
        program.write(name, contents);
        let ledger = format!("{}.ledger", name.rsplit_once('.').unwrap().0);
        for run in [
            program.run(&["plan", name, TEXT[0], TEXT[1]]),
            program.send(
                &gateway,
                &[name, TEXT[0], TEXT[1], "--summary-json", "last.json"],
            ),
            program.send(
                &gateway,
                &[name, "--message-file", "text.txt", "--repeat", "400d"],
            ),
        ] {
            run.exits(1).says(&[
                name,
                "campaign customers in",
                "customers.ledger",
                "--repeat allow",
            ]);
        }
        assert!(!program.path(&ledger).exists(), "{ledger}");
        let summary = program.summary_json("last.json");
        assert_eq!(
            (&summary["exit_code"], &summary["error_kind"]),
            (&1.into(), &"repeat".into())
        );
    }
    assert_eq!(gateway.taken().len(), 20);
    // It is looked for before anything is set aside.
    program.write("customers.csv", sheet(0..20).replace("Aminah 3", "Aminah"));
    let run = program.send(&gateway, &customers(&["--on-change", "new"]));
    run.exits(1).says(&["--repeat allow"]);
    let set_aside = |name: &String| name.contains("customers.2") || name.contains("customers.1");
    assert!(!program.files().iter().any(set_aside));
    // All of these were meant.
    program.write("tenth.csv", sheet(3..23));
    program
        .send(&gateway, &["tenth.csv", TEXT[0], TEXT[1]])
        .exits(0);
    program
        .send(&gateway, &["one.csv", TEXT[0], "KedaiKu: another text"])
        .exits(0);
    program
        .send(
            &gateway,
            &["fewer.csv", TEXT[0], TEXT[1], "--repeat", "allow"],
        )
        .exits(0);
    program
        .send(
            &gateway,
            &["reversed.csv", TEXT[0], TEXT[1], "--repeat", "0s"],
        )
        .exits(0);
    program
        .run(&["send", "signup.csv", TEXT[0], TEXT[1], "--sandbox", "--yes"])
        .exits(0);
    assert_eq!(gateway.taken().len(), 20 + 20 + 1 + 5 + 20);
}

#[test]
fn a_campaign_that_was_planned_before_the_other_was_sent_is_refused() {
    let program = Program::with(&[("a.csv", &sheet(0..10)), ("b.csv", &sheet(0..10))]);
    let gateway = Gateway::accepting();
    for name in ["a.csv", "b.csv"] {
        program.run(&["plan", name, TEXT[0], TEXT[1]]).exits(0);
    }
    program
        .send(&gateway, &["a.ledger", "--limit", "5"])
        .exits(0);
    let run = program.send(&gateway, &["b.ledger"]);
    run.exits(1).says(&[
        "campaign a in",
        "a.ledger",
        "10 of these 10 numbers",
        "--repeat allow",
    ]);
    // The first one is not hindered by the second.
    program.send(&gateway, &["a.ledger"]).exits(0);
    program
        .send(&gateway, &["b.csv", TEXT[0], TEXT[1]])
        .exits(1);
    assert_eq!(gateway.taken().len(), 10);
    program
        .send(&gateway, &["b.ledger", "--repeat", "allow"])
        .exits(0);
    assert_eq!(gateway.taken().len(), 20);
}

#[test]
fn an_older_copy_of_a_ledger_is_refused_beside_it_and_no_hindrance() {
    let program = Program::with(&[("a.csv", &sheet(0..10))]);
    let gateway = Gateway::accepting();
    program.run(&["plan", "a.csv", TEXT[0], TEXT[1]]).exits(0);
    fs::copy(program.path("a.ledger"), program.path("copy.ledger")).unwrap();
    program
        .send(&gateway, &["a.ledger", "--limit", "5"])
        .exits(0);
    let run = program.send(&gateway, &["copy.ledger"]);
    run.exits(1).says(&["a.ledger", "10 of these 10 numbers"]);
    fs::copy(program.path("a.ledger"), program.path("copy.ledger")).unwrap();
    program.send(&gateway, &["a.ledger"]).exits(0);
    assert_eq!(gateway.taken().len(), 10);
    gateway.assert_nothing_twice();
}

#[test]
fn only_what_was_or_may_be_sent_lately_counts() {
    let (program, gateway) = sent();
    program.write("again.csv", sheet(0..20));
    let again = |more: &[&str]| {
        let arguments = [&["again.csv", TEXT[0], TEXT[1]], more].concat();
        program.run(&[&["plan"], &arguments[..]].concat())
    };
    let change = |sql: &str| {
        let ledger = rusqlite::Connection::open(program.path("customers.ledger")).unwrap();
        ledger.execute_batch(sql).unwrap();
    };
    again(&[]).exits(1);
    let date = "2026-01-05T09:00:00.000+08:00";
    change(&format!(
        "UPDATE attempt SET claimed_at = '{date}'; UPDATE campaign SET begins_at = '{date}'"
    ));
    again(&[]).exits(0);
    again(&["--repeat", "30000d"])
        .exits(1)
        .says(&["Mon 5 Jan 2026 09:00", "--repeat "]);
    for (state, code) in [("unknown", 1), ("refused", 0), ("cancelled", 0)] {
        change(&format!(
            "UPDATE batch SET state = '{state}', code = NULL, trx_id = NULL"
        ));
        again(&["--repeat", "30000d"]).exits(code);
    }
    // A run that was about to make its first request.
    change("UPDATE batch SET state = 'planned', code = NULL; DELETE FROM attempt");
    again(&["--repeat", "30000d"]).exits(1);
    change("UPDATE campaign SET begins_at = NULL");
    again(&["--repeat", "30000d"]).exits(0);
    // The sandbox's do not count, whatever they are called.
    change(&format!(
        "UPDATE campaign SET begins_at = '{date}', gateway_host = 'the sandbox'"
    ));
    again(&["--repeat", "30000d"]).exits(0);
    change("UPDATE campaign SET gateway_host = 'loopback'");
    again(&["--repeat", "30000d"]).exits(1);
    for name in [
        "customers.sandbox.ledger",
        "customers.test-20261122T152000Z.ledger",
    ] {
        fs::rename(program.path("customers.ledger"), program.path(name)).unwrap();
        again(&["--repeat", "30000d"]).exits(0);
        fs::rename(program.path(name), program.path("customers.ledger")).unwrap();
    }
    // A ledger may have any name. One that cannot be read is a warning.
    fs::rename(
        program.path("customers.ledger"),
        program.path("campaign.db"),
    )
    .unwrap();
    again(&["--repeat", "30000d"])
        .exits(1)
        .says(&["campaign.db"]);
    program.write("broken.ledger", "no ledger");
    let run = again(&["--repeat", "allow"]);
    run.exits(0).shows(
        !run.stderr.contains("broken.ledger"),
        "nothing is looked at",
    );
    again(&[]).exits(0).says(&["Warning", "broken.ledger"]);
    assert_eq!(gateway.taken().len(), 20);
    // One line for all of them, also where they are looked at twice.
    program.write("broken too.ledger", "no ledger");
    for run in [again(&[]), program.send(&gateway, &["again.ledger"])] {
        run.exits(0).says(&["(and 1 more)"]);
        run.shows(run.stderr.matches("Warning").count() == 1, "one line");
    }
}

/// Of two that begin at the same moment, at least one sees the other.
#[test]
fn two_that_begin_together_do_not_both_send() {
    for _ in 0..5 {
        let program = Program::with(&[("a.csv", &sheet(0..10)), ("b.csv", &sheet(0..10))]);
        let gateway = Gateway::accepting();
        let start = |name| {
            program
                .send_command(&gateway.url(), &[name, TEXT[0], TEXT[1]])
                .start()
        };
        let runs = ["a.csv", "b.csv"]
            .map(start)
            .map(common::program::Running::wait);
        let refused = runs
            .iter()
            .filter(|run| run.stderr.contains("--repeat allow"));
        assert!(refused.count() >= 1);
        gateway.assert_nothing_twice();
        // The refused one does not keep the other from sending.
        let later =
            ["a.csv", "b.csv"].map(|name| program.send(&gateway, &[name, TEXT[0], TEXT[1]]));
        assert_eq!(
            gateway.taken().len(),
            10,
            "{} {}",
            later[0].stderr,
            later[1].stderr
        );
        gateway.assert_nothing_twice();
    }
}
