//! The promise: nobody gets the same text twice and nobody is lost, whatever ends a run. The gateway's own record
//! is the judge.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::gateway::{Gate, trx_of, unreachable_url};
use common::program::{Run, Victim, is_running};
use common::{
    Backend, Gateway, PASSWORD, Program, Reply, Row, count_statuses, counts, msisdn,
    on_every_backend, own_texts, people, rows_in_are_rows_out, verifies,
};

on_every_backend!(
    killed_before_an_answer_with_one_worker,
    killed_before_an_answer_with_four_workers,
    killed_after_an_answer,
    killed_again_and_again,
    killed_while_planning,
    what_is_in_flight_shows_as_unknown_to_every_reader,
    a_signal_before_anything_is_sent_ends_with_its_code_too,
    a_signal_at_the_question_leaves_the_plan_and_writes_the_summary,
    ctrl_c_awaits_what_is_in_flight,
    sigterm_awaits_what_is_in_flight,
    a_closed_terminal_awaits_what_is_in_flight,
    a_signal_that_is_sent_twice_at_once_is_one,
    what_is_in_flight_is_awaited_no_longer_than_its_time_out,
    a_signal_ends_a_wait_that_the_gateway_asked_for,
    a_second_signal_ends_at_once,
    first_to_the_sandbox_then_for_real,
    a_plan_on_an_operators_word_is_not_replaced_without_another_one,
    a_sandbox_ledger_is_never_sent_for_real,
    a_wrong_gateway_name_can_be_corrected,
    results_are_not_written_over_what_they_are_made_from,
    a_limit_is_kept_exactly_and_the_next_run_sends_the_rest,
    several_requests_in_a_row_without_an_answer_stop_the_run,
    no_answers_in_a_row_never_stop_the_run_where_asked,
    a_login_page_costs_a_batch_and_two_people_and_then_three_people_each_time,
    half_an_outage_stops_the_run,
    a_plan_on_an_operators_word_that_was_turned_away_is_not_replaced_without_another_one,
    a_changed_spreadsheet_is_refused_once_something_was_sent,
    an_opt_out_between_two_runs_counts_for_what_is_pending,
    another_host_than_the_first_is_refused,
    unknown_rows_can_be_declared_not_sent,
    unknown_rows_can_be_declared_accepted,
    a_gateway_with_bad_days_takes_everything_once,
    verify_notices_a_row_that_is_gone,
);

const TEXT: [&str; 2] = ["--message", "KedaiKu: we are open until midnight"];
const SIGKILL: i32 = 9;

/// `send customers.csv` with the tests' text and these arguments more.
fn customers<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["customers.csv", TEXT[0], TEXT[1]];
    all.extend(more);
    all
}

/// The batches with a row of this status.
fn batches(rows: &[Row], status: &str) -> BTreeSet<String> {
    rows.iter()
        .filter(|row| row["sms_status"] == status)
        .map(|row| row["sms_batch"].clone())
        .collect()
}

// --- Kills ----------------------------------------------------------------------------------------------------

#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    BeforeTheAnswer,
    AfterTheAnswer,
}

/// Sends 300 in batches of 10, kills the program at request `k`, and sends again with the same command.
fn killed_at(backend: Backend, k: usize, when: When, concurrency: usize) {
    let what = format!("killed at request {k}, {when:?}, concurrency {concurrency}");
    let program = Program::on(backend, &[("customers.csv", &people(300))]);
    let victim = Victim::new();
    let killer = victim.clone();
    let gateway = Gateway::new(move |_, nth| {
        let reply = Reply::accepted(trx_of(nth));
        match when {
            When::BeforeTheAnswer if nth == k => {
                killer.signal("KILL");
                reply
            }
            When::AfterTheAnswer if nth == k => {
                let killer = killer.clone();
                reply.then(move || killer.signal("KILL"))
            }
            _ => reply,
        }
    });
    let workers = concurrency.to_string();
    let arguments = customers(&["--batch-size", "10", "--concurrency", &workers]);
    let running = program.send_command(&gateway.url(), &arguments).start();
    victim.is(&running);
    running.wait().dies_of(SIGKILL);

    let run = program.send(&gateway, &arguments);
    gateway.assert_nothing_twice();
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    let found = count_statuses(&rows);
    let unknown = batches(&rows, "unknown");
    let accepted = found.get("accepted").copied().unwrap_or_default();
    run.shows(
        unknown.len() <= concurrency,
        &format!("{what}: unknown are {unknown:?}"),
    );
    run.shows(
        accepted + unknown.len() * 10 == 300,
        &format!("{what}: {found:?}"),
    );
    run.exits(if unknown.is_empty() { 0 } else { 5 });
    if when == When::BeforeTheAnswer {
        let in_flight = &gateway.requests()[k].numbers;
        for row in rows.iter().filter(|row| in_flight.contains(&row["sms_to"])) {
            run.shows(row["sms_status"] == "unknown", &format!("{what}: {row:?}"));
        }
    }
    let taken: BTreeSet<String> = gateway.numbers_taken().into_iter().collect();
    for row in rows.iter().filter(|row| row["sms_status"] == "accepted") {
        assert!(taken.contains(&row["sms_to"]), "{what}: {row:?}");
    }
    verifies(&program, &program.ledger("customers"));
    program.no_secret_anywhere(PASSWORD);
}

fn killed_before_an_answer_with_one_worker(backend: Backend) {
    for k in [0, 1, 7, 29] {
        killed_at(backend, k, When::BeforeTheAnswer, 1);
    }
}

fn killed_before_an_answer_with_four_workers(backend: Backend) {
    for k in [0, 3, 4, 15, 29] {
        killed_at(backend, k, When::BeforeTheAnswer, 4);
    }
}

// The last request is left out: the program may end by itself before the signal comes.
fn killed_after_an_answer(backend: Backend) {
    for k in [0, 1, 12] {
        killed_at(backend, k, When::AfterTheAnswer, 1);
        killed_at(backend, k, When::AfterTheAnswer, 4);
    }
}

fn killed_again_and_again(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(300))]);
    let victim = Victim::new();
    let killer = victim.clone();
    let gateway = Gateway::new(move |_, nth| {
        if nth % 7 == 6 {
            killer.signal("KILL");
        }
        Reply::accepted(trx_of(nth))
    });
    let arguments = customers(&["--batch-size", "10", "--concurrency", "4"]);
    let mut kills = 0;
    let last = loop {
        let running = program.send_command(&gateway.url(), &arguments).start();
        victim.is(&running);
        let run = running.wait();
        if run.signal.is_none() {
            break run;
        }
        kills += 1;
        assert!(kills < 10, "30 batches end some time\n{run}");
    };
    last.exits(5);
    gateway.assert_nothing_twice();
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    let unknown = batches(&rows, "unknown").len();
    assert!(
        (kills..=kills * 4).contains(&unknown),
        "{kills} kills, {unknown} batches unknown"
    );
    assert!(
        rows.iter()
            .all(|row| matches!(&*row["sms_status"], "accepted" | "unknown"))
    );
    // After a request without an answer, the first one of the next life is cut off from a batch.
    let all = batches(&rows, "accepted").len() + unknown;
    assert!(
        (30..=30 + kills).contains(&all),
        "{kills} kills, {all} batches"
    );
    verifies(&program, &program.ledger("customers"));
}

fn killed_while_planning(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(20_000))]);
    let mut plan = vec!["plan"];
    plan.extend(customers(&[]));
    let running = program.command(&plan).start();
    let begun = Instant::now();
    let copies = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY %'";
    let is_planning = || match backend {
        Backend::File => program.files().len() > 1,
        Backend::Store(_) => program.query("customers", copies) != "0",
    };
    while !is_planning() && is_running(running.pid) {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "nothing is planned"
        );
        thread::yield_now();
    }
    running.signal("KILL");
    let _killed_or_done = running.wait();
    let gateway = Gateway::accepting();
    program.send(&gateway, &customers(&[])).exits(0);
    gateway.assert_nothing_twice();
    assert_eq!(gateway.numbers_taken().len(), 20_000);
    assert!(
        !program.files().iter().any(|f| f.ends_with(".partial")),
        "{:?}",
        program.files()
    );
    verifies(&program, &program.ledger("customers"));
}

fn what_is_in_flight_shows_as_unknown_to_every_reader(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(60))]);
    let ledger = program.ledger("customers");
    let victim = Victim::new();
    let killer = victim.clone();
    let gateway = Gateway::new(move |_, nth| {
        if nth == 1 {
            killer.signal("KILL");
        }
        Reply::accepted(trx_of(nth))
    });
    let arguments = customers(&["--concurrency", "1"]);
    let running = program.send_command(&gateway.url(), &arguments).start();
    victim.is(&running);
    running.wait().dies_of(SIGKILL);
    program.run(&["results", &ledger]).exits(0);
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("accepted", 30), ("unknown", 30)])
    );
    let run = program.run(&["status", &ledger]);
    run.exits(0).shows(
        run.stdout.contains("resolve"),
        "status says what to do next",
    );
    verifies(&program, &ledger);
}

// --- Signals --------------------------------------------------------------------------------------------------

fn a_signal_before_anything_is_sent_ends_with_its_code_too(backend: Backend) {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 143)] {
        let program = Program::on(backend, &[]);
        // Nobody ever writes into it.
        let plan = program
            .command(&[
                "plan",
                "pipe.csv",
                TEXT[0],
                TEXT[1],
                "--summary-json",
                "summary.json",
            ])
            .within("mkfifo pipe.csv; exec 3<>pipe.csv")
            .start();
        let locks = "SELECT count(*) FROM pg_locks JOIN pg_database ON database = pg_database.oid
                     WHERE locktype = 'advisory' AND datname = current_database()";
        let is_locked = || match backend {
            Backend::File => program.path("pipe.ledger.lock").exists(),
            Backend::Store(_) => program.query("pipe", locks) != "0",
        };
        while !is_locked() {
            thread::yield_now();
        }
        plan.signal(signal);
        plan.wait()
            .exits(code)
            .says(&["interrupted", "before anything was sent"]);
        program.run(&["status", &program.ledger("pipe")]).exits(1);
        let summary = program.summary_json("summary.json");
        assert_eq!(
            (&summary["exit_code"], &summary["stopped_by"]),
            (&code.into(), &"signal".into())
        );
        assert_eq!(
            (&summary["error_kind"], &summary["rows"]),
            (&"signal".into(), &0.into())
        );
    }
}

fn a_signal_at_the_question_leaves_the_plan_and_writes_the_summary(backend: Backend) {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 143)] {
        let program = Program::on(
            backend,
            &[
                ("customers.csv", &people(5)),
                ("summary.json", "{\"exit_code\": 0}"),
            ],
        );
        let gateway = Gateway::accepting();
        let url = gateway.url();
        let mut arguments = vec!["send", "--gateway", &url];
        arguments.extend(customers(&["--summary-json", "summary.json"]));
        // One end of a terminal, into which nobody types.
        let asking = program
            .command(&arguments)
            .credentials()
            .within("exec 0<>/dev/ptmx")
            .start();
        while !program.read("summary.json").contains("\"pending\": 5") {
            thread::yield_now();
        }
        // The question comes right after the plan is shown.
        thread::sleep(Duration::from_millis(200));
        asking.signal(signal);
        asking.wait().exits(code).says(&["[y/N]", "interrupted"]);
        let summary = program.summary_json("summary.json");
        assert_eq!(
            (&summary["exit_code"], &summary["stopped_by"]),
            (&code.into(), &"signal".into())
        );
        assert_eq!(
            (&summary["pending"], &summary["requests"]),
            (&5.into(), &0.into())
        );
        assert_eq!(summary["plan"]["rows"], 5);
        program.send(&gateway, &customers(&[])).exits(0);
        assert_eq!(gateway.taken().len(), 5);
    }
}

/// Sends a signal when the third request has arrived, and answers it afterwards.
fn interrupted_by(backend: Backend, name: &'static str, times: usize, exit: i32) {
    let program = Program::on(backend, &[("customers.csv", &own_texts(200))]);
    let victim = Victim::new();
    let sender = victim.clone();
    let gateway = Gateway::new(move |_, nth| {
        if nth == 2 {
            sender.signals(name, times);
        }
        // The others wait a moment too, so that the signal is seen long before the last row.
        Reply::accepted(trx_of(nth)).after(Duration::from_millis(20))
    });
    let arguments = ["customers.csv", "--summary-json", "summary.json"];
    let running = program.send_command(&gateway.url(), &arguments).start();
    victim.is(&running);
    running.wait().exits(exit);
    let summary = program.summary_json("summary.json");
    assert_eq!(summary["stopped_by"], "signal");
    assert_eq!(summary["exit_code"], exit);
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    let taken = gateway.taken().len();
    assert_eq!(
        count_statuses(&rows),
        counts(&[("accepted", taken), ("pending", 200 - taken)]),
        "what was in flight was awaited"
    );
    verifies(&program, &program.ledger("customers"));
    program.send(&gateway, &arguments).exits(0);
    gateway.assert_nothing_twice();
    assert_eq!(gateway.taken().len(), 200);
}

fn ctrl_c_awaits_what_is_in_flight(backend: Backend) {
    interrupted_by(backend, "INT", 1, 130);
}

fn sigterm_awaits_what_is_in_flight(backend: Backend) {
    interrupted_by(backend, "TERM", 1, 143);
}

fn a_closed_terminal_awaits_what_is_in_flight(backend: Backend) {
    interrupted_by(backend, "HUP", 1, 143);
}

/// `timeout` sends its signal twice, and so do a shell and the system when a terminal is closed.
fn a_signal_that_is_sent_twice_at_once_is_one(backend: Backend) {
    interrupted_by(backend, "HUP", 10, 143);
    interrupted_by(backend, "TERM", 10, 143);
}

fn what_is_in_flight_is_awaited_no_longer_than_its_time_out(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(40))]);
    let gate = Gate::closed();
    let gateway = Gateway::behind(&gate);
    let mut arguments = customers(&["--timeout", "2", "--concurrency", "1"]);
    arguments.extend(["--summary-json", "summary.json"]);
    let running = program.send_command(&gateway.url(), &arguments).start();
    gateway.wait_for_requests(1);
    running.signal("TERM");
    running.wait().exits(143).says(&["awaited"]);
    gate.open();
    let summary = program.summary_json("summary.json");
    assert_eq!(
        (&summary["unknown"], &summary["pending"]),
        (&30.into(), &10.into())
    );
    assert_eq!(summary["stopped_by"], "signal");
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("pending", 10), ("unknown", 30)])
    );
    assert_eq!(gateway.count(), 1, "nothing new was sent");
    verifies(&program, &program.ledger("customers"));
}

fn a_signal_ends_a_wait_that_the_gateway_asked_for(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &own_texts(8))]);
    let gateway = Gateway::new(|_, nth| match nth {
        0 => Reply::accepted(trx_of(nth)),
        _ => Reply::throttled(Some("300")),
    });
    let running = program
        .send_command(&gateway.url(), &["customers.csv"])
        .start();
    gateway.wait_for_requests(2);
    running.signal("INT");
    running.wait().exits(130);
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("accepted", 1), ("pending", 7)])
    );
    verifies(&program, &program.ledger("customers"));
}

fn a_second_signal_ends_at_once(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(30))]);
    let gate = Gate::closed();
    let held = gate.clone();
    let gateway = Gateway::new(move |_, nth| match nth {
        0 => Reply::accepted(1).behind(&held),
        _ => Reply::accepted(2),
    });
    let arguments = customers(&["--timeout", "600"]);
    let running = program.send_command(&gateway.url(), &arguments).start();
    gateway.wait_for_requests(1);
    // Two different signals: the system may merge two of a kind into one.
    running.signal("INT");
    running.signal("TERM");
    let run = running.wait();
    run.shows(matches!(run.code, Some(130 | 143)), "it ends by the signal");
    gate.open();
    program.send(&gateway, &arguments).exits(5);
    assert_eq!(
        gateway.count(),
        1,
        "what was in flight is unknown and not sent again"
    );
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(count_statuses(&rows), counts(&[("unknown", 30)]));
    verifies(&program, &program.ledger("customers"));
}

// --- One ledger, one sender -----------------------------------------------------------------------------------

/// From a store both send, see `tests/kills.rs`.
#[test]
fn of_two_sends_at_the_same_moment_one_sends() {
    let program = Program::with(&[("customers.csv", &people(100))]);
    let gate = Gate::closed();
    let gateway = Gateway::behind(&gate);
    let (tell, told) = channel::<Run>();
    thread::scope(|scope| {
        for _ in 0..2 {
            let running = program
                .send_command(&gateway.url(), &customers(&[]))
                .start();
            let tell = tell.clone();
            scope.spawn(move || tell.send(running.wait()).unwrap());
        }
        // Nothing is answered yet, so the first to end is the one that was refused.
        let first = told.recv().unwrap();
        gate.open();
        first.exits(1).says_one_of(&["in use", "another", "locked"]);
        told.recv().unwrap().exits(0);
    });
    gateway.assert_nothing_twice();
    assert_eq!(gateway.numbers_taken().len(), 100);
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(count_statuses(&rows), counts(&[("accepted", 100)]));
    verifies(&program, "customers.ledger");
}

#[test]
fn a_ledger_in_use_is_read_and_not_written() {
    let program = Program::with(&[("customers.csv", &people(90))]);
    let gate = Gate::closed();
    let held = gate.clone();
    let gateway = Gateway::new(move |_, nth| match nth {
        0 => Reply::accepted(trx_of(nth)),
        _ => Reply::accepted(trx_of(nth)).behind(&held),
    });
    let running = program
        .send_command(&gateway.url(), &customers(&[]))
        .start();
    gateway.wait_for_requests(3);
    let mut plan = vec!["plan"];
    plan.extend(customers(&[]));
    for refused in [
        program.send(&gateway, &customers(&[])),
        program.send(&gateway, &["customers.ledger"]),
        program.send(&gateway, &customers(&["--on-change", "new"])),
        program.run(&plan),
        program.run(&["resolve", "customers.ledger", "--all", "--as", "not-sent"]),
    ] {
        refused.exits(1).says(&["customers.ledger"]);
    }
    program.run(&["status", "customers.ledger"]).exits(0);
    program
        .run(&["results", "customers.ledger", "--results", "now.csv"])
        .exits(0);
    assert_eq!(
        count_statuses(&program.results("now.csv")),
        counts(&[("accepted", 30), ("unknown", 60)])
    );
    gate.open();
    running.wait().exits(0);
    assert_eq!(gateway.count(), 3);
}

fn first_to_the_sandbox_then_for_real(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(100))]);
    let mut practice = vec!["send"];
    practice.extend(customers(&["--sandbox", "--yes", "--rate", "none"]));
    program.run(&practice).exits(0);
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.sandbox.results.csv");
    assert_eq!(count_statuses(&rows), counts(&[("accepted", 100)]));
    assert!(program.path("customers.sandbox.ledger").exists());
    assert!(!program.path(&program.ledger("customers")).exists());
    assert!(!program.path("customers.results.csv").exists());

    let gateway = Gateway::accepting();
    program.send(&gateway, &customers(&[])).exits(0);
    assert_eq!(gateway.numbers_taken().len(), 100);
    gateway.assert_nothing_twice();
}

#[test]
fn a_ledger_that_went_missing_is_not_planned_anew() {
    let program = Program::with(&[("customers.csv", &people(20))]);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &customers(&["--limit", "7"]))
        .exits(0);
    std::fs::remove_file(program.path("customers.ledger")).unwrap();
    let run = program.send(&gateway, &customers(&[]));
    run.exits(1).says(&["customers.ledger", "--on-change new"]);
    assert_eq!(gateway.taken().len(), 7);
    program
        .send(&gateway, &customers(&["--on-change", "new"]))
        .exits(0);
    assert_eq!(gateway.taken().len(), 27, "on the operator's word alone");
}

#[test]
fn a_ledger_taken_away_while_sending_stops_the_run() {
    let program = Program::with(&[("customers.csv", &own_texts(40))]);
    let gate = Gate::closed();
    let held = gate.clone();
    let gateway = Gateway::new(move |_, nth| {
        let reply = Reply::accepted(trx_of(nth));
        if nth < 5 { reply } else { reply.behind(&held) }
    });
    let arguments = ["customers.csv", "--concurrency", "1"];
    let running = program.send_command(&gateway.url(), &arguments).start();
    gateway.wait_for_requests(6);
    std::fs::rename(
        program.path("customers.ledger"),
        program.path("away.ledger"),
    )
    .unwrap();
    gate.open();
    running.wait().exits(1).says(&["customers.ledger"]);
    assert_eq!(
        gateway.count(),
        6,
        "nothing is sent that cannot be written down"
    );
}

#[test]
fn an_earlier_state_of_a_ledger_is_not_sent_again() {
    let program = Program::with(&[("customers.csv", &people(40))]);
    let gateway = Gateway::accepting();
    let mut plan = vec!["plan"];
    plan.extend(customers(&[]));
    program.run(&plan).exits(0);
    std::fs::copy(program.path("customers.ledger"), program.path("backup")).unwrap();
    program.send(&gateway, &customers(&[])).exits(0);
    std::fs::copy(program.path("backup"), program.path("customers.ledger")).unwrap();
    for again in [
        program.send(&gateway, &customers(&[])),
        program.send(&gateway, &["customers.ledger"]),
        program.run(&plan),
    ] {
        again.exits(1).says(&["customers.ledger", "older copy"]);
    }
    gateway.assert_nothing_twice();
}

fn a_plan_on_an_operators_word_is_not_replaced_without_another_one(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(5))]);
    let ledger = program.ledger("customers");
    let gateway = Gateway::accepting();
    program.send(&gateway, &customers(&[])).exits(0);
    // Set aside for another text, which then is not sent: nobody said yes.
    let other = [
        "customers.csv",
        "--message",
        "KedaiKu: another text",
        "--on-change",
        "new",
    ];
    let mut planned = vec!["plan"];
    planned.extend(other);
    program.run(&planned).exits(0);
    let usual = program.send(&gateway, &customers(&[]));
    usual.exits(1).says(&[&ledger, "--on-change new"]);
    gateway.assert_nothing_twice();
    assert_eq!(gateway.taken().len(), 5);
    program.send(&gateway, &[&ledger]).exits(0);
    assert_eq!(gateway.taken().len(), 10, "the other text, as it was said");
}

fn a_sandbox_ledger_is_never_sent_for_real(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(5))]);
    let gateway = Gateway::accepting();
    let mut practice = vec!["send"];
    practice.extend(customers(&["--sandbox"]));
    program.run(&practice).exits(1).says(&["--yes"]);
    let real = program.send(&gateway, &["customers.sandbox.ledger"]);
    real.exits(2)
        .says(&["customers.sandbox.ledger", "--sandbox"]);
    assert_eq!(gateway.count(), 0);
    let rehearsed = [
        "send",
        "customers.sandbox.ledger",
        "--sandbox",
        "--yes",
        "--rate",
        "none",
    ];
    program.run(&rehearsed).exits(0);
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.sandbox.results.csv");
    assert_eq!(count_statuses(&rows), counts(&[("accepted", 5)]));
}

fn a_wrong_gateway_name_can_be_corrected(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(5))]);
    let slip = program.send_command(
        "https://no-such-host.invalid/RESTAPI.php",
        &customers(&["--give-up-after", "0s"]),
    );
    slip.run().exits(75);
    let gateway = Gateway::accepting();
    program.send(&gateway, &customers(&[])).exits(0);
    assert_eq!(gateway.taken().len(), 5);
    verifies(&program, &program.ledger("customers"));
}

fn results_are_not_written_over_what_they_are_made_from(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(5))]);
    let ledger = program.ledger("customers");
    let gateway = Gateway::accepting();
    program.send(&gateway, &customers(&[])).exits(0);
    let before = program.read("customers.csv");
    let places = ["customers.csv", "customers.ledger", "customers.ledger.lock"];
    for place in places
        .into_iter()
        .filter(|place| program.path(place).exists())
    {
        program
            .run(&["results", &ledger, "--results", place])
            .exits(2)
            .says(&[place]);
    }
    let settled = program.send(&gateway, &[&ledger, "--results", "customers.csv"]);
    settled.exits(2).says(&["customers.csv"]);
    assert_eq!(program.read("customers.csv"), before);
    verifies(&program, &ledger);
}

#[test]
fn results_go_where_a_link_leads_and_into_what_is_no_file() {
    let program = Program::with(&[("customers.csv", &people(5)), ("real.csv", "old")]);
    let gateway = Gateway::accepting();
    program.send(&gateway, &customers(&[])).exits(0);
    std::os::unix::fs::symlink("real.csv", program.path("link.csv")).unwrap();
    program
        .run(&["results", "customers.ledger", "--results", "link.csv"])
        .exits(0);
    assert!(program.path("link.csv").is_symlink());
    assert_eq!(program.results("real.csv").len(), 5);
    program
        .run(&["results", "customers.ledger", "--results", "/dev/null"])
        .exits(0);
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
}

/// Standard output holds the summary and nothing else.
#[test]
fn results_and_summary_do_not_share_standard_output() {
    let program = Program::with(&[("customers.csv", &people(5))]);
    let gateway = Gateway::accepting();
    let link = program.path("out");
    std::os::unix::fs::symlink("/dev/stdout", &link).unwrap();
    for place in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "out"] {
        for summary in ["-", "/dev/stdout"] {
            let arguments = customers(&["--results", place, "--summary-json", summary]);
            let run = program.send(&gateway, &arguments);
            run.exits(2)
                .says(&["the summary", "the results file", place]);
            let summary: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
            assert_eq!(summary["exit_code"], 2);
        }
    }
    assert_eq!(gateway.count(), 0);
    let arguments = customers(&["--results", "/dev/stdout", "--summary-json", "summary.json"]);
    let run = program.send(&gateway, &arguments);
    assert_eq!(run.exits(0).stdout.lines().count(), 6);
}

// --- Limits ---------------------------------------------------------------------------------------------------

fn a_limit_is_kept_exactly_and_the_next_run_sends_the_rest(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(100))]);
    let ledger = program.ledger("customers");
    let gateway = Gateway::accepting();
    let arguments = customers(&["--limit", "7", "--summary-json", "summary.json"]);
    program.send(&gateway, &arguments).exits(0);
    assert_eq!(gateway.taken().len(), 7);
    let summary = program.summary_json("summary.json");
    assert_eq!(
        (&summary["stopped_by"], &summary["exit_code"]),
        (&"limit".into(), &0.into())
    );
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("accepted", 7), ("pending", 93)])
    );
    verifies(&program, &ledger);
    program
        .send(&gateway, &customers(&["--limit", "31"]))
        .exits(0);
    assert_eq!(gateway.taken().len(), 38);
    program.send(&gateway, &customers(&[])).exits(0);
    gateway.assert_nothing_twice();
    assert_eq!(
        gateway.numbers_taken(),
        (0..100).map(msisdn).collect::<Vec<_>>()
    );
    verifies(&program, &ledger);
}

fn several_requests_in_a_row_without_an_answer_stop_the_run(backend: Backend) {
    for concurrency in ["1", "4"] {
        let program = Program::on(backend, &[("customers.csv", &own_texts(50))]);
        let gateway = Gateway::new(|_, _| Reply::dropped());
        let mut arguments = vec!["customers.csv", "--max-unknown", "3", "--concurrency"];
        arguments.extend([concurrency, "--summary-json", "summary.json"]);
        program.send(&gateway, &arguments).exits(5);
        // The third one, and what the other workers had under way by then.
        let most = 3 + concurrency.parse::<usize>().unwrap() - 1;
        let came = gateway.count();
        assert!((3..=most).contains(&came), "{came} requests");
        if concurrency == "1" {
            assert_eq!(came, 3);
        }
        assert_eq!(
            program.summary_json("summary.json")["stopped_by"],
            "unknown"
        );
        let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
        let expected = counts(&[("unknown", came), ("pending", 50 - came)]);
        assert_eq!(count_statuses(&rows), expected);
        verifies(&program, &program.ledger("customers"));
    }
}

fn no_answers_in_a_row_never_stop_the_run_where_asked(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &own_texts(20))]);
    let gateway = Gateway::new(|_, _| Reply::ok(""));
    program
        .send(&gateway, &["customers.csv", "--max-unknown", "0"])
        .exits(5);
    assert_eq!(gateway.count(), 20);
}

fn a_login_page_costs_a_batch_and_two_people_and_then_three_people_each_time(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(300))]);
    let ledger = program.ledger("customers");
    let page = "<!DOCTYPE html><html><title>Sign in to the network</title></html>";
    let gateway = Gateway::new(move |_, nth| match nth {
        0..12 => Reply::ok(page).taking_none(),
        _ => Reply::accepted(trx_of(nth)),
    });
    for unknown in [32, 35, 38, 41] {
        program
            .send(&gateway, &customers(&["--rate", "none"]))
            .exits(5);
        let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
        let expected = counts(&[("unknown", unknown), ("pending", 300 - unknown)]);
        assert_eq!(count_statuses(&rows), expected);
        verifies(&program, &ledger);
    }
    let sizes = || -> Vec<usize> {
        let requests = gateway.requests();
        requests
            .iter()
            .map(|request| request.numbers.len())
            .collect()
    };
    assert_eq!(sizes(), [30, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    program.send(&gateway, &customers(&[])).exits(5);
    assert_eq!(sizes()[12], 1);
    assert!(sizes()[13..].iter().all(|size| *size > 1), "whole batches");
    assert_eq!(gateway.taken().len(), 300 - 41);
    gateway.assert_nothing_twice();
    verifies(&program, &ledger);
}

fn half_an_outage_stops_the_run(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(6_000))]);
    let page = "<html>503 Service Temporarily Unavailable</html>";
    let gateway = Gateway::new(move |_, nth| match nth % 2 {
        0 => Reply::accepted(trx_of(nth)),
        _ => Reply::status(503, page).taking_none(),
    });
    let run = program.send(&gateway, &customers(&["--summary-json", "summary.json"]));
    let run = run.exits(5);
    let said = &run.stderr;
    assert!(
        said.contains("left messages without a usable answer"),
        "{said}"
    );
    let summary = program.summary_json("summary.json");
    assert_eq!(summary["stopped_by"], "unknown");
    let error = summary["error"].as_str().unwrap();
    assert!(
        error.contains("(the last one: HTTP status 503: "),
        "{error}"
    );
    assert!(said.contains(error), "{said}");
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    let unknown = count_statuses(&rows)["unknown"];
    assert!((90..=180).contains(&unknown), "{unknown}");
    verifies(&program, &program.ledger("customers"));
}

fn a_plan_on_an_operators_word_that_was_turned_away_is_not_replaced_without_another_one(
    backend: Backend,
) {
    let program = Program::on(backend, &[("customers.csv", &people(5))]);
    let ledger = program.ledger("customers");
    let gateway = Gateway::accepting();
    program.send(&gateway, &customers(&[])).exits(0);
    let other = [
        "customers.csv",
        "--message",
        "KedaiKu: another text",
        "--on-change",
        "new",
    ];
    let closed = Gateway::answering("-1001");
    program.send(&closed, &other).exits(4);
    // The text that all of them have.
    let usual = program.send(&gateway, &customers(&[]));
    usual.exits(1).says(&[&ledger, "--on-change new"]);
    gateway.assert_nothing_twice();
    assert_eq!(gateway.taken().len(), 5);
}

/// In a store nothing is replaced without being asked for, see `tests/store.rs`.
#[test]
fn a_plan_from_which_nothing_was_ever_sent_is_made_again_without_asking() {
    for (gateway, code) in [
        (None, 75),
        (Some(Gateway::answering("-1001")), 4),
        (Some(Gateway::new(|_, _| Reply::throttled(None))), 75),
    ] {
        let program = Program::with(&[("customers.csv", &people(3))]);
        let accepting = Gateway::accepting();
        let url = gateway.as_ref().map_or_else(unreachable_url, Gateway::url);
        let first = program.send_command(&url, &customers(&["--give-up-after", "0s"]));
        first.run().exits(code);
        for rows in [4, 5] {
            program.write("customers.csv", people(rows));
            program
                .run(&["plan", "customers.csv", TEXT[0], TEXT[1]])
                .exits(0);
        }
        program.write("customers.csv", people(6));
        program.send(&accepting, &customers(&[])).exits(0);
        assert_eq!(accepting.taken().len(), 6);
        verifies(&program, "customers.ledger");
        // The record of the requests that were made is kept.
        let aside = program
            .files()
            .into_iter()
            .filter(|name| name.ends_with("Z.ledger"));
        assert_eq!(aside.count(), 1, "{:?}", program.files());
    }
}

// --- What changed since -----------------------------------------------------------------------------------------

fn a_changed_spreadsheet_is_refused_once_something_was_sent(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(20))]);
    let ledger = program.ledger("customers");
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &customers(&["--limit", "7"]))
        .exits(0);
    program.write("customers.csv", people(21));
    program
        .send(&gateway, &customers(&[]))
        .exits(1)
        .says(&["--on-change"]);
    program
        .send(&gateway, &customers(&["--on-change", "new"]))
        .exits(1)
        .says(&["pending"]);
    assert_eq!(gateway.taken().len(), 7);
    program.send(&gateway, &[&ledger]).exits(0);
    assert_eq!(
        gateway.taken().len(),
        20,
        "the plan made earlier is sent as it was"
    );
    gateway.assert_nothing_twice();

    let other = [
        "customers.csv",
        "--message",
        "KedaiKu: thank you",
        "--on-change",
        "new",
    ];
    program.send(&gateway, &other).exits(0);
    assert_eq!(gateway.taken().len(), 41);
    gateway.assert_nothing_twice();
    let mut aside = program.ledgers();
    aside.retain(|name| *name != ledger);
    assert_eq!(aside.len(), 1, "the old ledger is set aside: {aside:?}");
    verifies(&program, &aside[0]);
    verifies(&program, &ledger);
}

#[test]
fn a_plan_of_which_nothing_was_sent_is_made_anew_without_asking() {
    let program = Program::with(&[("customers.csv", &people(20))]);
    let mut plan = vec!["plan"];
    plan.extend(customers(&[]));
    program.run(&plan).exits(0);
    program.write("customers.csv", people(21));
    let gateway = Gateway::accepting();
    program.send(&gateway, &customers(&[])).exits(0);
    assert_eq!(gateway.numbers_taken().len(), 21);
}

fn an_opt_out_between_two_runs_counts_for_what_is_pending(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(20))]);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &customers(&["--limit", "7"]))
        .exits(0);
    let taken: BTreeSet<String> = gateway.numbers_taken().into_iter().collect();
    let pending = (0..20).map(msisdn).find(|n| !taken.contains(n)).unwrap();
    program.write(
        "opted-out.csv",
        format!("phone\n{pending}\n{}\n", taken.first().unwrap()),
    );
    program
        .send(&gateway, &customers(&["--suppress", "opted-out.csv"]))
        .exits(0);
    assert!(!gateway.numbers_taken().contains(&pending));
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("accepted", 19), ("suppressed", 1)])
    );
    verifies(&program, &program.ledger("customers"));
}

fn another_host_than_the_first_is_refused(backend: Backend) {
    let program = Program::on(backend, &[("customers.csv", &people(20))]);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &customers(&["--limit", "7"]))
        .exits(0);
    let elsewhere = "https://gateway.invalid/RESTAPI.php";
    let arguments = customers(&["--give-up-after", "1s"]);
    let run = program.send_command(elsewhere, &arguments).run();
    run.exits(1).says(&["gateway.invalid"]);
    let rows = program.results("customers.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("accepted", 7), ("pending", 13)])
    );
}

// --- An operator's word -----------------------------------------------------------------------------------------

/// A ledger with 3 batches of one row each: unknown.
fn three_unknown(backend: Backend) -> (Program, Gateway) {
    let program = Program::on(backend, &[("customers.csv", &own_texts(3))]);
    let gateway = Gateway::new(|_, nth| match nth {
        0..3 => Reply::ok("").taking_none(),
        _ => Reply::accepted(trx_of(nth)),
    });
    program
        .send(&gateway, &["customers.csv", "--max-unknown", "0"])
        .exits(5);
    (program, gateway)
}

fn unknown_rows_can_be_declared_not_sent(backend: Backend) {
    let (program, gateway) = three_unknown(backend);
    let ledger = program.ledger("customers");
    let resolve = ["resolve", &ledger, "--rows", "1,3", "--as", "not-sent"];
    program.run(&resolve).exits(0);
    verifies(&program, &ledger);
    program
        .send(&gateway, &["customers.csv", "--max-unknown", "0"])
        .exits(5);
    gateway.assert_nothing_twice();
    assert_eq!(gateway.numbers_taken(), [0, 2].map(msisdn));
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    assert_eq!(
        count_statuses(&rows),
        counts(&[("accepted", 2), ("unknown", 1)])
    );
    assert_eq!(rows[0]["sms_attempts"], "2");
    verifies(&program, &ledger);
}

fn unknown_rows_can_be_declared_accepted(backend: Backend) {
    let (program, gateway) = three_unknown(backend);
    let ledger = program.ledger("customers");
    let mut resolve = vec!["resolve", &ledger, "--all", "--as", "accepted"];
    resolve.extend(["--trx-id", "4711", "--note", "seen in the portal"]);
    program.run(&resolve).exits(0);
    program
        .send(&gateway, &["customers.csv", "--max-unknown", "0"])
        .exits(0);
    assert_eq!(gateway.count(), 3, "nothing was left to send");
    let rows = rows_in_are_rows_out(&program, "customers.csv", "customers.results.csv");
    for row in &rows {
        assert_eq!(
            (&*row["sms_status"], &*row["sms_trx_id"]),
            ("accepted", "4711")
        );
        assert!(row["sms_detail"].contains("seen in the portal"), "{row:?}");
        assert_eq!(row["sms_code"], "", "as it was answered");
    }
    verifies(&program, &ledger);
}

// --- A gateway with bad days ------------------------------------------------------------------------------------

/// What the gateway did that a test judges by.
#[derive(Default)]
struct Diary {
    /// The numbers that were answered 2000.
    answered: BTreeSet<String>,
    /// How often each thing went wrong.
    faults: BTreeMap<&'static str, usize>,
}

/// One request in a hundred is answered with nothing, one with a web page of status 500, one is taken and the connection
/// dropped, one is throttled. Whether the first two were taken, nobody can see.
fn with_bad_days(diary: &Arc<Mutex<Diary>>) -> Gateway {
    let diary = Arc::clone(diary);
    Gateway::new(move |request, nth| {
        let random = &mut fastrand::Rng::with_seed(20_261_122 + nth as u64);
        let mut diary = diary.lock().unwrap();
        let maybe_taken = |reply: Reply, taken: bool| {
            if taken {
                reply.taking_all()
            } else {
                reply.taking_none()
            }
        };
        let (fault, reply) = match random.u32(..100) {
            0 => ("blank", maybe_taken(Reply::ok(""), random.bool())),
            1 => (
                "500",
                maybe_taken(Reply::status(500, "<html>oops</html>"), random.bool()),
            ),
            2 => ("dropped", Reply::dropped()),
            3 => ("throttled", Reply::throttled(None)),
            _ => {
                diary.answered.extend(request.numbers.iter().cloned());
                return Reply::accepted(trx_of(nth));
            }
        };
        *diary.faults.entry(fault).or_default() += 1;
        reply
    })
}

/// Whether every row is what the gateway's record says it may be. Returns the rows that are unknown.
fn accounted_for(program: &Program, gateway: &Gateway, diary: &Mutex<Diary>) -> Vec<Row> {
    gateway.assert_nothing_twice();
    verifies(program, &program.ledger("customers"));
    let taken: BTreeSet<String> = gateway.numbers_taken().into_iter().collect();
    let answered = diary.lock().unwrap().answered.clone();
    let rows = rows_in_are_rows_out(program, "customers.csv", "customers.results.csv");
    for row in &rows {
        let number = &row["sms_to"];
        match row["sms_status"].as_str() {
            "accepted" => assert!(taken.contains(number), "never taken: {row:?}"),
            "unknown" => assert!(!answered.contains(number), "it had an answer: {row:?}"),
            _ => panic!("neither accepted nor unknown: {row:?}"),
        }
    }
    rows.into_iter()
        .filter(|row| row["sms_status"] == "unknown")
        .collect()
}

fn a_gateway_with_bad_days_takes_everything_once(backend: Backend) {
    const ROWS: usize = 2_000;
    let program = Program::on(backend, &[("customers.csv", &people(ROWS))]);
    let diary = Arc::new(Mutex::new(Diary::default()));
    let gateway = with_bad_days(&diary);
    let mut arguments = customers(&["--batch-size", "3", "--concurrency", "6"]);
    arguments.extend(["--max-unknown", "0"]);
    let mut rounds = 0;
    loop {
        let run = program.send(&gateway, &arguments);
        let unknown = accounted_for(&program, &gateway, &diary);
        if rounds == 0 {
            let faults = &diary.lock().unwrap().faults;
            assert_eq!(faults.len(), 4, "every fault came: {faults:?}");
            assert!(!unknown.is_empty());
        }
        if unknown.is_empty() {
            run.exits(0);
            break;
        }
        run.exits(5);
        rounds += 1;
        assert!(
            rounds < 10,
            "fewer are unknown each time: {}",
            unknown.len()
        );
        // The operator looks into the gateway's record.
        let taken: BTreeSet<String> = gateway.numbers_taken().into_iter().collect();
        let went_out: Vec<&str> = unknown
            .iter()
            .filter(|row| taken.contains(&row["sms_to"]))
            .map(|row| row["sms_row"].as_str())
            .collect();
        let resolve = ["resolve", &program.ledger("customers")];
        if !went_out.is_empty() {
            let rows = went_out.join(",");
            let mut accepted = resolve.to_vec();
            accepted.extend(["--rows", &rows, "--as", "accepted"]);
            program.run(&accepted).exits(0);
        }
        if went_out.len() < unknown.len() {
            let mut not_sent = resolve.to_vec();
            not_sent.extend(["--all", "--as", "not-sent"]);
            program.run(&not_sent).exits(0);
        }
    }
    assert_eq!(
        gateway.numbers_taken(),
        (0..ROWS).map(msisdn).collect::<Vec<_>>()
    );
}

// --- The books --------------------------------------------------------------------------------------------------

const LAST_ROWS: [&str; 3] = [
    "DELETE FROM batch WHERE id = (SELECT max(id) FROM batch)",
    "DELETE FROM recipient WHERE row = (SELECT max(row) FROM recipient)",
    "DELETE FROM attempt WHERE id = (SELECT max(id) FROM attempt)",
];

fn verify_notices_a_row_that_is_gone(backend: Backend) {
    for last in LAST_ROWS {
        let program = Program::on(backend, &[("customers.csv", &people(60))]);
        let ledger = program.ledger("customers");
        program
            .send(&Gateway::accepting(), &customers(&[]))
            .exits(0);
        verifies(&program, &ledger);
        program.change("customers", last);
        program.run(&["verify", &ledger]).exits(1);
    }
}
