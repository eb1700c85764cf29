//! Every command that a message advises works in the state in which it is advised, and never sends a message twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::gateway::{Gate, trx_of};
use common::program::Run;
use common::{Gateway, Program, Reply, own_texts};

/// A folder with a campaign in some state, and the gateway that it is sent to.
struct State {
    program: Program,
    gateway: Gateway,
}

impl State {
    /// Plans this spreadsheet and sends so many rows of it.
    fn begun(sheet: &str, options: &[&str], rows: u32, gateway: Gateway) -> Self {
        let state = Self {
            program: Program::with(&[("a.csv", sheet)]),
            gateway,
        };
        if rows == 0 {
            state.run(&[&["plan", "a.csv"], options].concat());
        } else {
            let limit = rows.to_string();
            let send = [
                "send",
                "a.csv",
                "--yes",
                "--limit",
                &limit,
                "--max-unknown",
                "0",
            ];
            state.run(&[&send[..], options].concat());
        }
        state
    }

    fn half_sent() -> Self {
        Self::begun(&own_texts(4), &[], 2, Gateway::accepting())
    }

    fn run<S: AsRef<str>>(&self, arguments: &[S]) -> Run {
        let command = self.program.command(arguments).credentials();
        command.env("ISMS_GATEWAY", self.gateway.url()).run()
    }

    /// Makes the plan in this ledger older, as if it had been made so many days ago.
    fn age(self, ledger: &str, days: i64) -> Self {
        let ledger = rusqlite::Connection::open(self.program.path(ledger)).unwrap();
        let older = format!(
            "UPDATE campaign SET planned_at = strftime('%Y-%m-%dT%H:%M:%f+00:00', planned_at, '-{days} days'),
                                 expires_at = strftime('%Y-%m-%dT%H:%M:%f+00:00', expires_at, '-{days} days')"
        );
        ledger.execute_batch(&older).unwrap();
        ledger.close().unwrap();
        self
    }

    fn edit(self, contents: &str) -> Self {
        self.program.write("a.csv", contents);
        self
    }

    fn after(self, arguments: &[&str]) -> Self {
        self.run(arguments);
        self
    }
}

/// A gateway that gives these answers in turn, and takes what it gives none to.
fn answering(bodies: &'static [&'static str]) -> Gateway {
    Gateway::new(move |_, nth| match bodies.get(nth) {
        Some(body) if !body.is_empty() => Reply::ok(*body),
        Some(_) => Reply::ok(""),
        None => Reply::accepted(trx_of(nth)),
    })
}

fn with_invalid_rows() -> String {
    format!("{}nonsense,hello\nnonsense,hello\n", own_texts(2))
}

/// The commands in a text, as they are to be typed. A command ends where no option follows.
fn advised(text: &str) -> Vec<Vec<String>> {
    text.split("isms-campaign ")
        .skip(1)
        .filter_map(command)
        .collect()
}

fn command(text: &str) -> Option<Vec<String>> {
    const ALONE: [&str; 4] = ["--sandbox", "--all", "--yes", "--json"];
    let line = text.lines().next()?;
    // An apostrophe of the sentence that follows is no quote.
    let words = (1..=line.len())
        .rev()
        .filter(|end| line.is_char_boundary(*end));
    let words = words
        .map(|end| shlex::split(&line[..end]))
        .find_map(|words| words)?;
    let known = [
        "plan", "send", "status", "results", "resolve", "verify", "cancel",
    ];
    let mut words = words.into_iter();
    let mut command = vec![words.next().filter(|word| known.contains(&word.as_str()))?];
    let mut is_value = true;
    for word in words {
        if !is_value && !word.starts_with("--") {
            break;
        }
        let trimmed = word.trim_end_matches([';', ',', '.', ')', ':']);
        is_value = trimmed.starts_with("--") && !ALONE.contains(&trimmed);
        command.push(trimmed.to_owned());
        if trimmed != word {
            break;
        }
    }
    Some(command)
}

/// Runs each command that one of these runs advises, in a state of its own, and returns which they were.
fn advice_works(name: &str, state: impl Fn() -> State, runs: &[&[&str]]) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = Vec::new();
    for run in runs {
        let run = state().run(run);
        all.extend(advised(&format!("{}\n{}", run.stdout, run.stderr)));
    }
    all.sort();
    all.dedup();
    they_work(name, state, &all);
    all
}

/// Runs each of these commands in a state of its own.
fn they_work(name: &str, state: impl Fn() -> State, all: &[Vec<String>]) {
    for advised in all {
        let state = state();
        let mut typed = advised.clone();
        if ["send", "cancel"].contains(&&*typed[0]) {
            typed.push("--yes".to_owned());
        }
        let run = state.run(&typed);
        // A plan over its limits shows all texts, and ends as it did before.
        let works = match &*typed[0] {
            "plan" => run.code == Some(0) || run.stderr.contains("--max-invalid"),
            _ => matches!(run.code, Some(0 | 3 | 5)),
        };
        run.shows(
            works,
            &format!("{name}: {advised:?} was advised and does not work"),
        );
        state.gateway.assert_nothing_twice();
        if advised[0] == "send" {
            let pending = state.run(&["results", &advised[1], "--status", "pending"]);
            run.shows(
                pending.stdout.lines().count() <= 1,
                &format!("{name}: {advised:?} was advised and sends not all that is pending"),
            );
        }
    }
}

fn has(all: &[Vec<String>], command: &str) {
    let words = shlex::split(command).unwrap();
    assert!(all.contains(&words), "{command} is not among {all:?}");
}

#[test]
fn a_plan_is_sent_as_it_says() {
    let planned = || State::begun(&own_texts(3), &[], 0, Gateway::accepting());
    let plan: &[&str] = &["plan", "a.csv"];
    let status: &[&str] = &["status", "a.ledger"];
    let all = advice_works("planned", planned, &[plan, status, &["plan", "a.ledger"]]);
    has(&all, "send a.ledger");

    let odd = || {
        let state = planned();
        state.program.write("my 'own' $list.csv", own_texts(3));
        state.after(&["plan", "my 'own' $list.csv"])
    };
    let odd_status: &[&str] = &["status", "my 'own' $list.ledger"];
    let all = advice_works(
        "quoted",
        odd,
        &[&["plan", "my 'own' $list.csv"], odd_status],
    );
    assert_eq!(
        all.iter().filter(|one| one[0] == "send").count(),
        1,
        "{all:?}"
    );

    let over = || State::begun(&with_invalid_rows(), &[], 0, Gateway::accepting());
    let all = advice_works(
        "over its limits",
        over,
        &[plan, status, &["send", "a.ledger", "--yes"]],
    );
    has(&all, "send a.ledger --max-invalid 2");
    has(&all, "results a.ledger --status invalid");
}

#[test]
fn a_half_sent_campaign_is_continued_as_it_says() {
    let plan: &[&str] = &["plan", "a.csv"];
    let status: &[&str] = &["status", "a.ledger"];
    let all = advice_works("half sent", State::half_sent, &[plan, status]);
    has(&all, "send a.ledger");
    let run = State::half_sent().run(plan);
    assert!(run.stdout.contains("2 of 4 messages accepted"), "{run}");
    assert!(!run.stdout.contains("Nothing was sent"), "{run}");

    let changed = || State::half_sent().edit(&own_texts(5));
    let send: &[&str] = &["send", "a.csv", "--yes"];
    let anew: &[&str] = &["send", "a.csv", "--yes", "--on-change", "new"];
    let all = advice_works("changed", changed, &[plan, send, anew]);
    has(&all, "send a.ledger");
    has(&all, "cancel a.ledger");

    let all_sent = || State::begun(&own_texts(2), &[], 2, Gateway::accepting());
    advice_works(
        "all sent",
        all_sent,
        &[plan, status, &["send", "a.ledger", "--yes"]],
    );
    let sandbox = || {
        let state = State::begun(&own_texts(4), &[], 0, Gateway::accepting());
        state.after(&["send", "a.csv", "--yes", "--sandbox", "--limit", "2"])
    };
    let ledger = "a.sandbox.ledger";
    let all = advice_works(
        "sandbox",
        sandbox,
        &[&["status", ledger], &["plan", ledger]],
    );
    has(&all, "send a.sandbox.ledger --sandbox");
}

#[test]
fn an_expired_campaign_is_sent_as_it_says() {
    let expired = || State::half_sent().age("a.ledger", 8);
    let new = || State::begun(&own_texts(4), &[], 0, Gateway::accepting()).age("a.ledger", 8);
    let sandbox = || {
        let state = State::begun(&own_texts(4), &[], 0, Gateway::accepting());
        let state = state.after(&["send", "a.csv", "--yes", "--sandbox", "--limit", "2"]);
        state.age("a.sandbox.ledger", 8)
    };
    let (plan, status): (&[&str], &[&str]) = (&["plan", "a.csv"], &["status", "a.ledger"]);
    let (send, sheet): (&[&str], &[&str]) =
        (&["send", "a.ledger", "--yes"], &["send", "a.csv", "--yes"]);
    let all = advice_works(
        "half sent and expired",
        expired,
        &[plan, status, send, sheet],
    );
    has(&all, "send a.ledger --expires 9d");
    assert!(
        !all.contains(&shlex::split("send a.ledger").unwrap()),
        "{all:?}"
    );
    let all = advice_works("expired", new, &[status, send, sheet]);
    has(&all, "send a.ledger --expires 9d");
    let ledger = "a.sandbox.ledger";
    let again: &[&str] = &["send", ledger, "--yes", "--sandbox"];
    let all = advice_works("sandbox, expired", sandbox, &[&["status", ledger], again]);
    has(&all, "send a.sandbox.ledger --sandbox --expires 9d");

    // The command of the spreadsheet, repeated with the value, works as well.
    let state = expired();
    state.run(sheet).exits(1).says(&["--expires 9d"]);
    state
        .run(&["send", "a.csv", "--yes", "--expires", "9d"])
        .exits(0);
    state.gateway.assert_nothing_twice();
    assert_eq!(state.gateway.numbers_taken().len(), 4);
}

#[test]
fn a_lifetime_counts_from_the_plan_and_is_written_down() {
    // Typed every day, it does not renew the plan.
    let state = State::half_sent().age("a.ledger", 8);
    for typed in ["1d", "7d", "8d"] {
        for what in ["a.csv", "a.ledger"] {
            let run = state.run(&["send", what, "--yes", "--expires", typed]);
            run.exits(1).says(&["expired", "--expires 9d"]);
        }
    }
    assert_eq!(state.gateway.numbers_taken().len(), 2);
    // A plan of an unchanged spreadsheet takes it, and what comes after need not repeat it.
    let run = state.run(&["plan", "a.csv", "--expires", "30d"]);
    run.exits(0);
    assert!(
        run.stdout.contains("isms-campaign send a.ledger\n"),
        "{run}"
    );
    let ledger = rusqlite::Connection::open(state.program.path("a.ledger")).unwrap();
    let count = "SELECT count(*) FROM decision WHERE resolution = 'expires' AND rows IS NULL AND expires_at IS NOT NULL";
    let written: i64 = ledger.query_row(count, [], |row| row.get(0)).unwrap();
    // 7d is what it had, and what was typed twice is written once.
    assert_eq!(written, 4);
    ledger.close().unwrap();
    state.run(&["verify", "a.ledger"]).exits(0);
    // It is no decision about a row.
    state.run(&["send", "a.ledger", "--yes"]).exits(0);
    state.gateway.assert_nothing_twice();
    assert_eq!(state.gateway.numbers_taken().len(), 4);
}

#[test]
fn unknown_refused_and_cancelled_rows_are_settled_as_it_says() {
    let status: &[&str] = &["status", "a.ledger"];
    let send: &[&str] = &["send", "a.ledger", "--yes"];
    // The unknown one was not taken: both of its answers are possible.
    let unknown = || {
        let gateway = Gateway::new(|_, nth| match nth {
            1 => Reply::ok("").taking_none(),
            _ => Reply::accepted(trx_of(nth)),
        });
        State::begun(
            &own_texts(4),
            &["--batch-size", "1", "--concurrency", "1"],
            3,
            gateway,
        )
    };
    let all = advice_works(
        "unknown",
        unknown,
        &[status, &["plan", "a.csv", "--batch-size", "1"]],
    );
    for command in [
        "results a.ledger --status unknown",
        "resolve a.ledger --all --as accepted",
        "resolve a.ledger --all --as not-sent",
    ] {
        has(&all, command);
    }
    let settled = || unknown().after(&["resolve", "a.ledger", "--all", "--as", "not-sent"]);
    let all = advice_works("settled", settled, &[status]);
    has(&all, "send a.ledger");

    let refused = || {
        let gateway = answering(&["", "-1005 = INVALID SMS TYPE"]);
        State::begun(
            &own_texts(4),
            &["--batch-size", "1", "--concurrency", "1"],
            4,
            gateway,
        )
    };
    let all = advice_works("refused", refused, &[status, send]);
    has(&all, "results a.ledger --status refused,invalid");

    let cancelled = || State::half_sent().after(&["cancel", "a.ledger", "--yes"]);
    let rows: &[&str] = &["cancel", "a.ledger", "--rows", "3", "--yes"];
    let all = advised(&State::half_sent().run(rows).stderr);
    they_work("one cancelled", || State::half_sent().after(rows), &all);
    has(&all, "send a.ledger");
    has(&all, "resolve a.ledger --rows 3 --as not-sent");
    advice_works("cancelled", cancelled, &[send, &["plan", "a.csv"]]);
}

#[test]
fn while_it_is_in_use_only_looking_is_advised() {
    let gate = Gate::closed();
    let held = gate.clone();
    let gateway = Gateway::new(move |_, nth| Reply::accepted(trx_of(nth)).behind(&held));
    let program = Program::with(&[("a.csv", &own_texts(2))]);
    let running = program.send_command(&gateway.url(), &["a.csv"]).start();
    gateway.wait_for_requests(1);
    for refused in [
        &["send", "a.csv", "--yes"][..],
        &["resolve", "a.ledger", "--all", "--as", "not-sent"],
    ] {
        let run = program.command(refused).credentials().run();
        run.exits(1);
        let all = advised(&run.stderr);
        assert_eq!(all, [["status", "a.ledger"]], "{run}");
        let status = program.run(&all[0]);
        status.exits(0);
        assert_eq!(
            advised(&status.stdout),
            Vec::<Vec<String>>::new(),
            "{status}"
        );
    }
    gate.open();
    running.wait().exits(0);
    gateway.assert_nothing_twice();
}
