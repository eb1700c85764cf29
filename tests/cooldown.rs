//! `--cooldown`: nothing is sent to a number that another campaign has reached lately.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod common;

use std::fs;

use common::program::Run;
use common::{
    Backend, Gateway, Program, count_statuses, counts, msisdn, on_every_backend, own_texts, people,
    phone, verifies,
};

on_every_backend!(
    numbers_that_another_campaign_reached_are_suppressed,
    of_another_campaign_only_what_may_have_been_sent_counts,
    on_a_resume_it_applies_to_what_is_pending_and_can_be_undone,
);

const COOLDOWN: [&str; 2] = ["--cooldown", "3d"];

fn send(program: &Program, gateway: &Gateway, sheet: &str, more: &[&str]) -> Run {
    let message = format!("KedaiKu: {sheet}");
    let first = [sheet, "--message", &message];
    program.send(gateway, &[&first[..], more].concat())
}

fn statuses(program: &Program, results: &str) -> Vec<String> {
    let rows = program.results(results);
    rows.iter().map(|row| row["sms_status"].clone()).collect()
}

/// Makes all that was sent so far four days older.
fn age(program: &Program) {
    let before = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(4 * 24);
    let before = before.strftime("%Y-%m-%dT%H:%M:%S.000+00:00");
    for table in ["batch", "attempt"] {
        let sql = format!("UPDATE {table} SET claimed_at = '{before}'");
        program.change("may", &sql);
    }
}

fn numbers_that_another_campaign_reached_are_suppressed(backend: Backend) {
    let program = Program::on(backend, &[("may.csv", &people(4))]);
    let sheet = format!(
        "phone\nx\n{0}\n{1}\n{0}\n{2}\n{2}\n",
        phone(0),
        phone(3),
        phone(7)
    );
    program.write("june.csv", sheet);
    // The last of them is not sent yet.
    let gateway = Gateway::accepting();
    send(&program, &gateway, "may.csv", &["--limit", "3"]).exits(0);
    let run = send(&program, &gateway, "june.csv", &COOLDOWN);
    let run = run.exits(3);
    run.says(&["reached lately by other campaigns: 1 number"]);
    let [invalid, suppressed, accepted, duplicate] =
        ["invalid", "suppressed", "accepted", "duplicate"];
    assert_eq!(
        statuses(&program, "june.results.csv"),
        [
            invalid, suppressed, accepted, suppressed, accepted, duplicate
        ]
    );
    let rows = program.results("june.results.csv");
    let (sent_at, detail) = (
        &program.results("may.results.csv")[0]["sms_sent_at"],
        &rows[1]["sms_detail"],
    );
    let when = &sent_at[11..16];
    assert!(
        detail.contains("campaign may ") && detail.contains(when),
        "{detail}"
    );
    verifies(&program, &program.ledger("june"));
    // What is long ago does not count, and without the option nothing does.
    age(&program);
    program.write("july.csv", people(3));
    send(&program, &gateway, "july.csv", &COOLDOWN).exits(0);
    assert_eq!(
        statuses(&program, "july.results.csv"),
        [accepted, accepted, accepted]
    );
    program.write("august.csv", people(3));
    send(&program, &gateway, "august.csv", &["--cooldown", "1h"]).exits(0);
    assert_eq!(statuses(&program, "august.results.csv"), [suppressed; 3]);
}

fn of_another_campaign_only_what_may_have_been_sent_counts(backend: Backend) {
    let program = Program::on(
        backend,
        &[("may.csv", &own_texts(4)), ("june.csv", &people(4))],
    );
    let gateway = Gateway::in_turn(&["2000 = SUCCESS:1", "-1005", "-1000", "-1004"]);
    send_own(
        &program,
        &gateway,
        &["may.csv", "--max-unknown", "0", "--concurrency", "1"],
    )
    .exits(4);
    let of_may = statuses(&program, "may.results.csv");
    assert_eq!(of_may, ["accepted", "refused", "unknown", "pending"]);
    let accepting = Gateway::accepting();
    send(&program, &accepting, "june.csv", &COOLDOWN).exits(0);
    assert_eq!(accepting.numbers_taken(), [1, 3].map(msisdn));
}

fn send_own(program: &Program, gateway: &Gateway, arguments: &[&str]) -> Run {
    program.send(gateway, arguments)
}

fn on_a_resume_it_applies_to_what_is_pending_and_can_be_undone(backend: Backend) {
    let program = Program::on(
        backend,
        &[("may.csv", &people(3)), ("june.csv", &people(5))],
    );
    let ledger = program.ledger("june");
    let gateway = Gateway::accepting();
    program
        .run(&["plan", "june.csv", "--message", "KedaiKu: june.csv"])
        .exits(0);
    send(&program, &gateway, "may.csv", &[]).exits(0);
    for (again, recipients) in [(false, "june.csv"), (true, &ledger)] {
        let run = match recipients {
            "june.csv" => send(
                &program,
                &gateway,
                recipients,
                &[&COOLDOWN[..], &["--limit", "1"]].concat(),
            ),
            ledger => program.send(&gateway, &[&[ledger], &COOLDOWN[..]].concat()),
        };
        run.exits(0);
        if again {
            run.shows(!run.stderr.contains("suppressed now"), "nothing new");
        } else {
            run.says(&[
                "3 rows that were pending are suppressed now",
                "campaign may",
            ]);
        }
    }
    let expected = counts(&[("accepted", 2), ("suppressed", 3)]);
    assert_eq!(
        count_statuses(&program.results("june.results.csv")),
        expected
    );
    // As the message says, and without the option.
    let undo = ["resolve", &ledger, "--rows", "1-3", "--as", "not-sent"];
    program.run(&undo).exits(0);
    program.send(&gateway, &[&ledger]).exits(0);
    assert_eq!(gateway.numbers_taken().len(), 8);
    verifies(&program, &ledger);
}

#[test]
fn a_campaign_is_no_other_campaign_unless_it_was_set_aside() {
    let program = Program::with(&[("may.csv", &people(4))]);
    let gateway = Gateway::accepting();
    let first = [&COOLDOWN[..], &["--limit", "2"]].concat();
    send(&program, &gateway, "may.csv", &first).exits(0);
    fs::copy(program.path("may.ledger"), program.path("copy.ledger")).unwrap();
    send(&program, &gateway, "may.csv", &first).exits(0);
    assert_eq!(
        gateway.numbers_taken().len(),
        4,
        "its own ledger and its copy do not count"
    );
    fs::remove_file(program.path("copy.ledger")).unwrap();
    // The spreadsheet gets another row, and a new plan sets the ledger aside.
    program.write("may.csv", people(5));
    let anew = [&COOLDOWN[..], &["--on-change", "new"]].concat();
    send(&program, &gateway, "may.csv", &anew).exits(0);
    assert_eq!(gateway.numbers_taken().len(), 5);
    assert_eq!(
        program
            .files()
            .iter()
            .filter(|name| name.ends_with(".ledger"))
            .count(),
        2
    );
    let run = send(&program, &gateway, "may.csv", &anew);
    run.exits(0).says(&["Nothing is left to send"]);
    let expected = counts(&[("accepted", 1), ("suppressed", 4)]);
    assert_eq!(
        count_statuses(&program.results("may.results.csv")),
        expected
    );
    gateway.assert_nothing_twice();
}

#[test]
fn other_folders_count_and_a_ledger_that_cannot_be_read_stops_the_run() {
    let program = Program::with(&[("may.csv", &people(3)), ("june.csv", &people(3))]);
    let gateway = Gateway::accepting();
    send(&program, &gateway, "may.csv", &[]).exits(0);
    let rehearsal = ["send", "june.csv", "--message", "Hi", "--sandbox", "--yes"];
    program.run(&rehearsal).exits(0);
    fs::copy(
        program.path("may.ledger"),
        program.path("may.test-20261122T152000Z.ledger"),
    )
    .unwrap();
    fs::create_dir(program.path("old")).unwrap();
    fs::rename(program.path("may.ledger"), program.path("old/may.ledger")).unwrap();
    program.write("july.csv", people(2));
    send(&program, &gateway, "july.csv", &COOLDOWN).exits(0);
    assert_eq!(
        gateway.numbers_taken().len(),
        5,
        "the sandbox and tests do not count"
    );
    fs::remove_file(program.path("july.ledger")).unwrap();
    let history = [&COOLDOWN[..], &["--history", "old"]].concat();
    let run = send(&program, &gateway, "june.csv", &history);
    run.exits(0);
    assert_eq!(statuses(&program, "june.results.csv"), ["suppressed"; 3]);
    let damaged = program.write("old/broken.ledger", "no ledger");
    program.write("august.csv", people(4));
    let run = send(&program, &gateway, "august.csv", &history);
    run.exits(1).says(&["old/broken.ledger", "--cooldown"]);
    fs::remove_file(damaged).unwrap();
    let missing = [&COOLDOWN[..], &["--history", "none"]].concat();
    send(&program, &gateway, "august.csv", &missing)
        .exits(1)
        .says(&["none"]);
    assert!(!program.files().contains(&"august.ledger".to_owned()));
    send(&program, &gateway, "august.csv", &history).exits(0);
    assert_eq!(gateway.numbers_taken().len(), 6);
    // It does not matter once nothing is left to send.
    program.write("old/broken.ledger", "no ledger");
    send(&program, &gateway, "august.csv", &history).exits(0);
    send(&program, &gateway, "may.csv", &["--history", "old"])
        .exits(2)
        .says(&["--cooldown"]);
}
