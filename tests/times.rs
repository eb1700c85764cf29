//! When a campaign is sent: the real program around the present time. `dispatch::tests` goes through weeks, with a clock that is
//! handed in.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod common;

use std::fs;
use std::thread;

use common::program::{Run, Running};
use common::{Backend, Gateway, Program, Reply, on_every_backend, own_texts};
use jiff::{SignedDuration, Span, Timestamp, ToSpan as _, Zoned};

on_every_backend!(
    nothing_is_claimed_from_the_last_time_on_however_often_it_is_repeated,
    a_time_of_day_is_the_one_that_was_next_when_it_was_given_first,
    a_plan_that_is_made_again_of_the_same_rows_keeps_what_words_mean,
    it_starts_at_its_time_or_at_once_where_that_has_passed,
    who_opts_out_during_a_wait_gets_nothing,
    whom_others_reached_and_the_balance_are_looked_at_again_after_a_wait,
);

/// A folder with this many people, each with a text of their own.
fn people(backend: Backend, number: usize) -> Program {
    Program::on(backend, &[("a.csv", &own_texts(number))])
}

/// The time so much later, in Kuala Lumpur.
fn later(span: Span) -> Zoned {
    &Zoned::now().in_tz("Asia/Kuala_Lumpur").unwrap() + span
}

fn written(at: &Zoned) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// Starts a run whose standard error goes to `log.txt`, and returns it when it waits.
fn waiting(program: &Program, gateway: &Gateway, options: &[&str]) -> Running {
    let command = program.send_command(&gateway.url(), options);
    let run = command.within("exec 2> log.txt").start();
    let log = program.path("log.txt");
    while !fs::read_to_string(&log).is_ok_and(|log| log.contains("Waiting until")) {
        thread::yield_now();
    }
    run
}

/// When the first and the last claim of the ledger were made.
fn claims(program: &Program) -> [Option<Timestamp>; 2] {
    ["min", "max"].map(|which| {
        let sql = format!("SELECT coalesce({which}(claimed_at), '') FROM attempt");
        program.query("a", &sql).parse().ok()
    })
}

fn ends_with_not_after(run: &Run, program: &Program) {
    run.exits(3);
    let summary = program.summary_json("s.json");
    assert_eq!(summary["stopped_by"], "not-after", "{run}");
    assert_eq!(summary["error_kind"], "not-sent", "{run}");
    let last = run.stderr.lines().last().unwrap();
    assert!(
        last.contains("pending after --not-after")
            && last.contains("(to loopback, with --gateway as before): isms-campaign send a"),
        "{run}"
    );
}

#[test]
fn a_run_that_waits_holds_the_ledger_and_ends_at_once_on_a_signal() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (program, gateway) = (people(Backend::File, 3), Gateway::accepting());
        let start = later(2.days());
        let start = written(&start);
        let send = ["a.csv", "--start-at", &start, "--summary-json", "s.json"];
        let run = waiting(&program, &gateway, &send);
        let shown = later(2.days()).strftime("%a %-d %b %Y").to_string();
        assert!(program.read("log.txt").contains(&shown));
        program
            .send(&gateway, &["a.csv"])
            .exits(1)
            .says(&["in use"]);
        let status = program.run(&["status", "a.ledger"]);
        assert!(
            status.stdout.contains("Waits until") && status.stdout.contains(&shown),
            "{status}"
        );
        run.signal(signal);
        run.wait().exits(code);
        assert_eq!(program.summary_json("s.json")["stopped_by"], "signal");
        assert!(gateway.numbers_taken().is_empty());
        assert_eq!(claims(&program), [None, None]);
        program.run(&["verify", "a.ledger"]).exits(0);
        let statuses = program.results("a.results.csv");
        assert!(statuses.iter().all(|row| row["sms_status"] == "pending"));
        // Left out, it no longer holds.
        program.send(&gateway, &["a.csv"]).exits(0);
        assert_eq!(gateway.numbers_taken().len(), 3);
    }
}

fn nothing_is_claimed_from_the_last_time_on_however_often_it_is_repeated(backend: Backend) {
    let (program, gateway) = (people(backend, 60), Gateway::accepting());
    let end = Timestamp::now() + SignedDuration::from_millis(2_500);
    let words = end.to_string();
    let send = [
        "a.csv",
        "--rate",
        "4/s",
        "--not-after",
        &words,
        "--summary-json",
        "s.json",
    ];
    ends_with_not_after(&program.send(&gateway, &send), &program);
    let taken = gateway.numbers_taken().len();
    assert!(taken > 0 && taken < 60, "{taken}");
    assert!(claims(&program)[1] < Some(end));
    for _ in 0..2 {
        ends_with_not_after(&program.send(&gateway, &send), &program);
        assert_eq!(gateway.numbers_taken().len(), taken);
    }
    let counts = program.results("a.results.csv");
    let accepted = counts.iter().filter(|row| row["sms_status"] == "accepted");
    assert_eq!(accepted.count(), taken);
    program.run(&["verify", &program.ledger("a")]).exits(0);
    program.send(&gateway, &["a.csv"]).exits(0);
    gateway.assert_nothing_twice();
    assert_eq!(gateway.numbers_taken().len(), 60);
}

/// A cron line with `--not-after 18:00` that runs again after 18:00 must not take it for the next day's.
fn a_time_of_day_is_the_one_that_was_next_when_it_was_given_first(backend: Backend) {
    let (program, gateway) = (people(backend, 4), Gateway::accepting());
    let clock = later(20.minutes()).strftime("%H:%M").to_string();
    let send = |more: &[&str]| {
        let line = ["a.csv", "--not-after", &clock, "--summary-json", "s.json"];
        program.send(&gateway, &[&line, more].concat())
    };
    send(&["--limit", "1"]).exits(0);
    // What was given then was given a day ago.
    let day = later(20.minutes()).strftime("%Y-%m-%d");
    let before = later(20.minutes().days(-1)).strftime("%Y-%m-%d");
    let sql = format!("UPDATE campaign SET schedules = replace(schedules, '{day}', '{before}')");
    program.change("a", &sql);
    for _ in 0..2 {
        ends_with_not_after(&send(&[]), &program);
    }
    // A run without it in between changes nothing about what the words mean.
    program.send(&gateway, &["a.csv", "--limit", "1"]).exits(0);
    ends_with_not_after(&send(&[]), &program);
    assert_eq!(gateway.numbers_taken().len(), 2);
    // Other words are a new time.
    let other = later(30.minutes()).strftime("%H:%M").to_string();
    program
        .send(&gateway, &["a.csv", "--not-after", &other])
        .exits(0);
    assert_eq!(gateway.numbers_taken().len(), 4);
}

fn a_plan_that_is_made_again_of_the_same_rows_keeps_what_words_mean(backend: Backend) {
    let (program, gateway) = (people(backend, 2), Gateway::accepting());
    let send = ["a.csv", "--not-after", "2025-12-31 18:00"];
    program.send(&gateway, &send).exits(3);
    let keeps = |kept: bool| {
        let status = program.run(&["status", &program.ledger("a")]);
        assert_eq!(status.stdout.contains("Wed 31 Dec 2025 18:00"), kept);
    };
    program.run(&["plan", "a.csv"]).exits(0);
    keeps(true);
    // Other rows are another campaign.
    program.write("a.csv", own_texts(3));
    program
        .run(&["plan", "a.csv", "--on-change", "new"])
        .exits(0);
    keeps(false);
}

fn it_starts_at_its_time_or_at_once_where_that_has_passed(backend: Backend) {
    let (program, gateway) = (people(backend, 2), Gateway::accepting());
    let start = Timestamp::now() + SignedDuration::from_millis(1_500);
    let words = start.to_string();
    let run = program.send(&gateway, &["a.csv", "--start-at", &words]);
    run.exits(0).says(&["Waiting until"]);
    assert!(claims(&program)[0] >= Some(start));

    let (program, gateway) = (people(backend, 2), Gateway::accepting());
    let send = [
        "a.csv",
        "--start-at",
        "2025-12-01 09:00",
        "--window",
        "00:00-24:00",
    ];
    let run = program.send(&gateway, &send);
    run.exits(0)
        .says(&["Mon 1 Dec 2025 09:00, which has passed"]);
    assert_eq!(gateway.numbers_taken().len(), 2);
}

fn who_opts_out_during_a_wait_gets_nothing(backend: Backend) {
    let (program, gateway) = (people(backend, 3), Gateway::accepting());
    program.write("stop.csv", "phone\n");
    program.write("stop.csv", "phone\n012-999 0000\n");
    let start = (Timestamp::now() + SignedDuration::from_secs(3)).to_string();
    let send = ["a.csv", "--start-at", &start, "--suppress", "stop.csv"];
    let run = waiting(&program, &gateway, &send);
    let phone = program
        .read("a.csv")
        .lines()
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap()
        .to_owned();
    program.write("stop.csv", format!("phone\n012-999 0000\n{phone}\n"));
    run.wait().exits(0);
    assert_eq!(gateway.numbers_taken().len(), 2);
    let rows = program.results("a.results.csv");
    assert_eq!(rows[0]["sms_status"], "suppressed");
}

/// A night job waits for hours. Meanwhile another campaign is sent, which reaches one of the people and costs credits.
fn whom_others_reached_and_the_balance_are_looked_at_again_after_a_wait(backend: Backend) {
    for (left, code) in [("2", 0), ("1", 4)] {
        let program = people(backend, 3);
        let gateway = Gateway::new(move |request, nth| match (&*request.target, nth) {
            ("/isms_balance.php", 0) => Reply::ok("3"),
            ("/isms_balance.php", _) => Reply::ok(left),
            _ => Reply::accepted(nth),
        });
        let start = (Timestamp::now() + SignedDuration::from_secs(6)).to_string();
        let send = ["a.csv", "--start-at", &start, "--cooldown", "3d"];
        let checks = ["--balance", "require", "--summary-json", "s.json"];
        let run = waiting(&program, &gateway, &[&send[..], &checks].concat());
        program.write("b.csv", common::people(1));
        let other = ["b.csv", "--message", "KedaiKu: open today"];
        program.send(&gateway, &other).exits(0);
        run.wait().exits(code);
        let log = program.read("log.txt");
        assert!(
            log.contains("this run needs 3 credits, the account has 3"),
            "{log}"
        );
        let again = format!("this run needs 2 credits, the account has {left}");
        assert!(log.contains(&again), "{log}");
        let summary = program.summary_json("s.json");
        assert_eq!(summary["suppressed"], 1, "{log}");
        if code == 0 {
            assert_eq!(
                (&summary["accepted"], &summary["balance_before"]),
                (&2.into(), &2.into()),
                "{log}"
            );
        } else {
            assert_eq!(
                (&summary["pending"], &summary["stopped_by"]),
                (&2.into(), &"account".into()),
                "{log}"
            );
        }
    }
}

#[test]
fn times_that_never_come_and_no_times_are_refused() {
    let in_an_hour = later(1.hours()).strftime("%H:%M").to_string();
    let window = format!("{in_an_hour}-{}", later(2.hours()).strftime("%H:%M"));
    let soon = written(&later(30.minutes()));
    let next_month = written(&later(30.days()));
    let opens = later(1.hours()).strftime("%a %-d %b %Y").to_string();
    let cases: [(&[&str], i32, &[&str]); 12] = [
        (
            &["--window", &window, "--not-after", &soon],
            1,
            &["nothing could be sent", &opens],
        ),
        (
            &["--start-at", &next_month],
            1,
            &["expires on", "--expires 3"],
        ),
        (
            &["--start-at", &soon, "--not-after", &soon],
            1,
            &["nothing could be sent"],
        ),
        (&["--window", "09:00-09:00"], 2, &["same time"]),
        (&["--window", "weekdays"], 2, &["is not a window"]),
        (&["--start-at", "tomorrow"], 2, &["is not a time"]),
        (&["--not-after", "2026-12-01"], 2, &["is not a time"]),
        (
            &["--time-zone", "Asia/Kuala_Lumpor"],
            2,
            &["is not a time zone"],
        ),
        (
            &[
                "--start-at",
                "2026-03-29 02:30",
                "--time-zone",
                "Europe/Berlin",
            ],
            2,
            &["set forward"],
        ),
        (
            &[
                "--start-at",
                "2026-10-25 02:30",
                "--time-zone",
                "Europe/Berlin",
            ],
            2,
            &["2026-10-25T02:30:00.000+01:00"],
        ),
        (&["--spread", "8h", "--rate", "5/s"], 2, &["--rate"]),
        (&["--spread", "1s"], 1, &["--spread 1m"]),
    ];
    for (options, code, words) in cases {
        let (program, gateway) = (people(Backend::File, 40), Gateway::accepting());
        let mut all = vec!["send", "a.csv", "--yes"];
        all.extend(options);
        let command = program.command(&all).credentials();
        let run = command.env("ISMS_GATEWAY", gateway.url()).run();
        run.exits(code).says(words);
        assert!(gateway.numbers_taken().is_empty(), "{run}");
    }
}

/// In a store the rate holds from one run to the next, so that each would wait for minutes.
#[test]
fn a_spread_is_kept_until_a_rate_is_typed() {
    let (program, gateway) = (people(Backend::File, 40), Gateway::accepting());
    let send = |options: &[&str]| {
        let all = [&["send", "a.csv", "--yes"], options].concat();
        let command = program.command(&all).credentials();
        command.env("ISMS_GATEWAY", gateway.url()).run()
    };
    let rate = || {
        let status = program
            .run(&["status", &program.ledger("a")])
            .exits(0)
            .stdout
            .clone();
        let line = status.lines().find(|line| line.starts_with("Rate"));
        line.map(str::to_owned)
    };
    send(&["--spread", "2h", "--limit", "1"])
        .exits(0)
        .says(&["40 in 2h"]);
    assert!(rate().unwrap().ends_with("40 in 2h (--spread)"));
    // With it or without it, at the rate that it has; less is pending now.
    for again in [&["--spread", "2h", "--limit", "1"][..], &["--limit", "1"]] {
        send(again).exits(0).says(&["40 in 2h"]);
    }
    // Another one is one for what is left.
    send(&["--spread", "3h", "--limit", "1"])
        .exits(0)
        .says(&["37 in 3h"]);
    send(&["--rate", "none"]).exits(0);
    assert_eq!(rate(), None);
    gateway.assert_nothing_twice();
    assert_eq!(gateway.numbers_taken().len(), 40);
}
