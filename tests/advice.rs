//! Every command that a message advises works in the state in which it is advised, and never sends a message twice. Each place in
//! the source that advises one is known here, with what it says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

#[path = "../src/source/workbook/build.rs"]
#[allow(dead_code)]
mod build;
mod common;

use std::fmt::Write as _;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use jiff::ToSpan as _;

use common::advising::{COMMANDS, advising};
use common::gateway::{Gate, trx_of};
use common::program::{Run, rows_of};
use common::{Gateway, Program, Reply, own_texts, people, phone};

/// What a function or constant of the source says where it advises commands, once for each.
const ADVICE: &[(&str, &[&str])] = &[
    (
        "cli/args.rs PLAN_EXAMPLES",
        &[
            "isms-campaign plan customers.csv --message \"Hi {{ name }}\"",
            "isms-campaign plan customers.xlsx --message-file may.txt --suppress optout.csv",
            "isms-campaign plan customers.csv --message-column text --sender-id KedaiKu",
        ],
    ),
    (
        "cli/args.rs SEND_EXAMPLES",
        &[
            "isms-campaign send customers.csv --message \"Hi {{ name }}\" --sandbox",
            "isms-campaign send customers.csv --message-file may.txt --limit 5",
            "isms-campaign send customers.ledger --yes",
        ],
    ),
    (
        "cli/args.rs TEST_EXAMPLES",
        &[
            "isms-campaign test customers.csv --message \"Hi {{ name }}\" --to 0123456789",
            "isms-campaign test may-sale.toml --to 0123456789 --to 0133456789",
            "isms-campaign test customers.ledger --to 0123456789 --rows 1,3",
        ],
    ),
    (
        "cli/checks.rs refuse_expired",
        &["if it is still to be sent: isms-campaign send a.ledger --expires 9d"],
    ),
    (
        "cli/checks.rs refuse_repeat",
        &["if this one is not to be sent: isms-campaign cancel b.ledger"],
    ),
    (
        "cli/commands/campaigns.rs lines",
        &[
            "  send what is pending: isms-campaign send a.ledger",
            "look up what is unknown: isms-campaign status a.ledger",
        ],
    ),
    (
        "cli/commands/cancel.rs run",
        &[
            "They are not sent. To send them after all: isms-campaign resolve",
            "The results file has not changed; isms-campaign results a.ledger writes it again. To",
            "see isms-campaign guide recovery",
        ],
    ),
    (
        "cli/commands/guide.rs list",
        &["isms-campaign guide TOPIC prints one"],
    ),
    (
        "cli/commands/plan.rs all_texts",
        &[
            "All texts:    isms-campaign plan a.csv",
            "All texts:    isms-campaign results a.ledger --status pending",
        ],
    ),
    (
        "cli/commands/plan.rs ending",
        &[
            "Invalid rows: isms-campaign results a.ledger --status invalid",
            "Nothing was sent. Send it: isms-campaign send a.ledger",
        ],
    ),
    ("cli/commands/resolve.rs run", &["1 row settled."]),
    (
        "cli/commands/send.rs plan_id",
        &["look at what it holds (isms-campaign status a.ledger)"],
    ),
    (
        "cli/commands/status.rs run",
        &["To send after all what is cancelled: isms-campaign resolve a.ledger --rows ROWS"],
    ),
    (
        "cli/earlier.rs open",
        &[
            "0 pending, 1 unknown; look them up: isms-campaign status c.toml --date 2026-05-01",
            "2 pending, 0 unknown; send what is pending: isms-campaign send c.toml --date 2026-05-01",
            "--date 2026-05-01; look up what is unknown: isms-campaign status c.toml",
        ],
    ),
    (
        "cli/existing.rs neither",
        &["is neither a file here nor a campaign in the store"],
    ),
    (
        "cli/existing.rs refuse_changes",
        &["after that, start anew with --on-change new"],
    ),
    (
        "cli/existing.rs refuse_open_rows",
        &["so it cannot be set aside; send what is pending"],
    ),
    (
        "cli/next.rs how_to_send",
        &["what is pending (to loopback, with --gateway as before): isms-campaign send"],
    ),
    (
        "cli/next.rs list",
        &["isms-campaign results a.ledger --status accepted,unknown --results a.reached.csv"],
    ),
    (
        "cli/next.rs later",
        &[
            "rows are pending after --not-after; to send them: isms-campaign send a.ledger --not-after",
        ],
    ),
    (
        "cli/next.rs options",
        &["isms-campaign send a.ledger --window 00:00-24:00 --time-zone UTC"],
    ),
    (
        "cli/next.rs resolve_all",
        &["isms-campaign resolve a.ledger --all --as accepted"],
    ),
    (
        "cli/next.rs send_command_for",
        &["isms-campaign send a.sandbox.ledger --sandbox --expires 9d"],
    ),
    (
        "cli/next.rs settle_first",
        &[
            "; send what is pending: isms-campaign send a.ledger;",
            "; or do not send it: isms-campaign cancel a.ledger",
            "look up what is unknown in the iSMS portal; if it was sent: isms-campaign resolve",
        ],
    ),
    (
        "cli/next.rs settle_unknown",
        &[
            "Look them up in the iSMS portal: isms-campaign results a.ledger --status unknown",
            "If they were sent: isms-campaign resolve",
        ],
    ),
    (
        "cli/next.rs steps",
        &[
            "Send what is pending: isms-campaign send a.ledger",
            "On another day: isms-campaign send c.toml --date 2026-05-01",
            "again: isms-campaign results a.ledger --status refused,invalid",
        ],
    ),
    (
        "cli/next.rs with_send_command",
        &["(to loopback, with --gateway as before): isms-campaign send a.ledger"],
    ),
    (
        "cli/remedy.rs completion",
        &[
            "isms-campaign guide many-hosts",
            "isms-campaign status a.ledger",
            "isms-campaign verify a.ledger",
            "isms-campaign results LEDGER --status refused,invalid",
        ],
    ),
    (
        "cli/repeat.rs refusal",
        &["see what it did with isms-campaign status a.ledger"],
    ),
    (
        "cli/session.rs refuse_over_limits",
        &["see them with isms-campaign results a.ledger --status invalid"],
    ),
    (
        "cli/settings.rs of_plan",
        &["is planned already; send what is pending: isms-campaign send a.ledger"],
    ),
    (
        "cli/settings.rs refuse_sent_elsewhere",
        &["and the campaign would start anew in the store"],
    ),
    (
        "cli/suppression.rs suppressed",
        &["make them pending again once this run has ended"],
    ),
    (
        "cli/timing.rs refuse_expired_by",
        &["if it is still to be sent then: isms-campaign send a.ledger --expires 11d --start-at"],
    ),
    (
        "cli/view.rs make_pending",
        &[
            "isms-campaign resolve a.ledger --rows 3 --as not-sent",
            "To send them after all: isms-campaign resolve a.ledger --rows ROWS",
        ],
    ),
    (
        "cli/view.rs make_pending_by_sms_row",
        &[
            "isms-campaign resolve a.ledger --rows ROWS --as not-sent, with the sms_row of: ",
            "isms-campaign results a.ledger --status cancelled",
        ],
    ),
    (
        "ledger/batch.rs check",
        &["holds what one request cannot hold"],
    ),
    (
        "ledger/change.rs changed_meanwhile",
        &["is no longer planned"],
    ),
    (
        "ledger/sqlite/lock.rs refused",
        &["wait until it has ended"],
    ),
    (
        "planning/row.rs refuse_sent",
        &["take only rows that were not sent"],
    ),
    (
        "results.rs outcome",
        &[
            "isms-campaign resolve LEDGER --rows 2 --as accepted, or --as not-sent",
            "isms-campaign resolve LEDGER --rows 3 --as not-sent makes it pending again",
        ],
    ),
];

/// A folder with a campaign in some state, and the gateway that it is sent to.
struct State {
    program: Program,
    gateway: Gateway,
    /// Commands are typed without the gateway, and it is added to those that send.
    elsewhere: bool,
    /// The store that the environment names.
    store: Option<String>,
}

impl State {
    /// Plans this spreadsheet and sends this many rows of it.
    fn begun(sheet: &str, options: &[&str], rows: u32, gateway: Gateway) -> Self {
        let state = Self {
            program: Program::with(&[("a.csv", sheet)]),
            gateway,
            elsewhere: false,
            store: None,
        };
        if rows == 0 {
            state.run(&[&["plan", "a.csv"], options].concat());
        } else {
            let limit = rows.to_string();
            let limit = ["--limit", &limit, "--max-unknown", "0"];
            state.run(&[&["send", "a.csv", "--yes"], &limit[..], options].concat());
        }
        state
    }

    /// Four rows are planned.
    fn planned() -> Self {
        Self::begun(&own_texts(4), &[], 0, Gateway::accepting())
    }

    /// Two of four rows are sent.
    fn half_sent() -> Self {
        Self::begun(&own_texts(4), &[], 2, Gateway::accepting())
    }

    fn run<S: AsRef<str>>(&self, arguments: &[S]) -> Run {
        let mut command = self.program.command(arguments).credentials();
        if let Some(store) = &self.store {
            command = command.env("ISMS_STORE", store);
        }
        if self.elsewhere {
            return command.run();
        }
        command.env("ISMS_GATEWAY", self.gateway.url()).run()
    }

    /// Changes a ledger as no command does.
    fn change(self, ledger: &str, sql: &str) -> Self {
        let ledger = rusqlite::Connection::open(self.program.path(ledger)).unwrap();
        ledger.execute_batch(sql).unwrap();
        ledger.close().unwrap();
        self
    }

    /// Makes the plan in this ledger older, as if it had been made this many days ago.
    fn age(self, ledger: &str, days: i64) -> Self {
        let older = format!(
            "UPDATE campaign SET planned_at = strftime('%Y-%m-%dT%H:%M:%f+00:00', planned_at, '-{days} days'),
                                 expires_at = strftime('%Y-%m-%dT%H:%M:%f+00:00', expires_at, '-{days} days')"
        );
        self.change(ledger, &older)
    }

    fn file(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        self.program.write(name, contents);
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
        Some(body) => Reply::ok(*body),
        None => Reply::accepted(trx_of(nth)),
    })
}

const ONE_BY_ONE: [&str; 4] = ["--batch-size", "1", "--concurrency", "1"];

/// The second of four is unknown, and the last one pending. It was not taken: both of its answers are possible.
fn unknown() -> State {
    State::begun(&own_texts(4), &ONE_BY_ONE, 3, second_unknown())
}

fn second_unknown() -> Gateway {
    Gateway::new(|_, nth| match nth {
        1 => Reply::ok("").taking_none(),
        _ => Reply::accepted(trx_of(nth)),
    })
}

fn with_invalid_rows() -> String {
    format!("{}nonsense,hello\nnonsense,hello\n", own_texts(2))
}

// --- Commands in messages ---------------------------------------------------------------------------------------

/// A command as a message advises it, and the one whose rows are to be put in the place of its `ROWS`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Advised {
    words: Vec<String>,
    lookup: Option<Vec<String>>,
}

/// The commands in a text, as they are to be typed. A command ends where no option follows.
fn advised(text: &str) -> Vec<Advised> {
    let commands = text.split("isms-campaign ").skip(1).filter_map(command);
    let commands: Vec<_> = commands.collect();
    let advised = commands.iter().enumerate().map(|(nth, words)| {
        let has_rows = words.iter().any(|word| word == "ROWS");
        Advised {
            words: words.clone(),
            lookup: has_rows.then(|| commands[nth + 1].clone()),
        }
    });
    advised.collect()
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
    let mut words = words.into_iter();
    let mut command = vec![
        words
            .next()
            .filter(|word| COMMANDS.contains(&word.as_str()))?,
    ];
    let mut is_value = true;
    for word in words {
        if !is_value && !word.starts_with("--") {
            break;
        }
        let trimmed = word.trim_end_matches([';', ',', '.', ')', ':']);
        is_value = trimmed.starts_with("--") && !ALONE.contains(&trimmed);
        if trimmed == "[OPTIONS]" {
            return None;
        }
        command.push(trimmed.to_owned());
        if trimmed != word {
            break;
        }
    }
    Some(command)
}

/// What the runs of all states said.
type Said = Vec<String>;

/// Runs each command that one of these runs advises, in a state of its own, and returns which they were.
fn advice_works(
    said: &mut Said,
    name: &str,
    state: impl Fn() -> State,
    runs: &[&[&str]],
) -> Vec<Advised> {
    let mut all = Vec::new();
    for run in runs {
        all.extend(advised_by(said, &state().run(run)));
    }
    they_work(name, state, all)
}

/// The same of what one command advises, in the state after it.
fn advice_works_after(
    said: &mut Said,
    name: &str,
    state: impl Fn() -> State,
    run: &[&str],
) -> Vec<Advised> {
    let all = advised_by(said, &state().run(run));
    they_work(name, || state().after(run), all)
}

fn advised_by(said: &mut Said, run: &Run) -> Vec<Advised> {
    let text = format!("{}\n{}", run.stdout, run.stderr);
    let all = advised(&text);
    said.push(text);
    all
}

/// Runs each of these commands in a state of its own.
fn they_work(name: &str, state: impl Fn() -> State, mut all: Vec<Advised>) -> Vec<Advised> {
    all.sort();
    all.dedup();
    for advised in &all {
        let state = state();
        let typed = typed(&state, advised);
        let run = state.run(&typed);
        let says = |words: &str| run.stderr.contains(words);
        let works = match &*typed[0] {
            // A plan over its limits shows all texts, and ends as it did before.
            "plan" => run.code == Some(0) || says("--max-invalid is") || says("--lint is deny"),
            // Or it says what is wrong.
            "verify" => run.code == Some(0) || says("does not add up"),
            _ => matches!(run.code, Some(0 | 3 | 5)),
        };
        run.shows(
            works,
            &format!("{name}: {advised:?} was advised and does not work"),
        );
        // A test may send one text twice, of two rows.
        if typed[0] != "test" {
            state.gateway.assert_nothing_twice();
        }
        if typed[0] == "send" && !typed.iter().any(|word| word == "--limit") {
            let ledger = typed[1].replace(".csv", ".sandbox.ledger");
            let mut pending = vec!["results", &ledger, "--status", "pending"];
            if let Some(date) = typed.iter().position(|word| word == "--date") {
                pending.extend([&*typed[date], &typed[date + 1]]);
            }
            let pending = state.run(&pending);
            run.shows(
                pending.stdout.lines().count() <= 1,
                &format!("{name}: {advised:?} was advised and sends not all that is pending"),
            );
        }
    }
    all
}

/// The command as a person types it.
fn typed(state: &State, advised: &Advised) -> Vec<String> {
    let mut typed = advised.words.clone();
    for word in &mut typed {
        match word.as_str() {
            "LEDGER" => "a.ledger".clone_into(word),
            "TOPIC" => "recovery".clone_into(word),
            "ROWS" => *word = rows_in(state, advised.lookup.as_deref().unwrap()),
            _ => {}
        }
    }
    if ["send", "cancel", "test"].contains(&&*typed[0]) && typed.iter().all(|word| word != "--yes")
    {
        typed.push("--yes".to_owned());
    }
    if typed[0] == "send" && state.elsewhere {
        typed.extend(["--gateway".to_owned(), state.gateway.url()]);
    }
    typed
}

/// The rows that a command prints.
fn rows_in(state: &State, lookup: &[String]) -> String {
    let rows = rows_of(&state.run(lookup).exits(0).stdout);
    let rows: Vec<_> = rows.iter().map(|row| row["sms_row"].clone()).collect();
    rows.join(",")
}

#[track_caller]
fn has(all: &[Advised], command: &str) {
    let words = shlex::split(command).unwrap();
    let is_there = all.iter().any(|advised| advised.words == words);
    assert!(is_there, "{command} is not among {all:?}");
}

#[track_caller]
fn has_no_send(all: &[Advised]) {
    let sends = all.iter().any(|advised| advised.words[0] == "send");
    assert!(!sends, "{all:?}");
}

// --- The states ---------------------------------------------------------------------------------------------------

const STATES: [fn(&mut Said); 18] = [
    planned,
    over_the_limits,
    half_sent,
    changed,
    in_the_sandbox,
    at_another_gateway,
    expired,
    at_other_times,
    unknown_rows,
    refused_rows,
    cancelled_rows,
    suppressed_rows,
    sent_by_another_campaign,
    changed_by_something_else,
    from_a_campaign_file,
    from_a_dated_campaign_file,
    help,
    in_a_store,
];

/// What is said only where a store is.
const OF_A_STORE: [&str; 3] = ["neither a file here", "in the store", "guide many-hosts"];

const PLAN: &[&str] = &["plan", "a.csv"];
const STATUS: &[&str] = &["status", "a.ledger"];
const SEND: &[&str] = &["send", "a.ledger", "--yes"];

#[test]
fn every_command_that_is_advised_works() {
    let found = advising();
    let known = ADVICE
        .iter()
        .map(|(place, says)| ((*place).to_owned(), says.len()));
    assert_eq!(
        found,
        known.collect(),
        "a message advises a command: say here what it says, and test a state in which it is said"
    );
    let said: Said = thread::scope(|scope| {
        let run = |state: &fn(&mut Said)| {
            let state = *state;
            scope.spawn(move || {
                let mut said = Said::new();
                state(&mut said);
                said
            })
        };
        let states: Vec<_> = STATES.iter().map(run).collect();
        let said = states.into_iter().map(|state| state.join().unwrap());
        said.flatten().chain(in_use()).collect()
    });
    for (place, says) in ADVICE {
        for sentence in *says {
            let is_of_store = OF_A_STORE.iter().any(|words| sentence.contains(words));
            if is_of_store && common::postgres::server().is_none() {
                continue;
            }
            let is_said = said.iter().any(|text| text.contains(sentence));
            assert!(is_said, "src/{place}: no state here leads to {sentence:?}");
        }
    }
}

fn planned(said: &mut Said) {
    let ledger: &[&str] = &["plan", "a.ledger"];
    let json: &[&str] = &["plan", "a.csv", "--summary-json", "-"];
    let all = advice_works(
        said,
        "planned",
        State::planned,
        &[PLAN, STATUS, ledger, json],
    );
    has(&all, "send a.ledger");
    has(&all, "plan a.csv --show 4");
    let other = [SEND, &["--plan-id", "0000-0000"]].concat();
    let all = advice_works(said, "another plan", State::planned, &[&other]);
    has(&all, "status a.ledger");

    let odd = || {
        let state = State::planned().file("my 'own' $list.csv", own_texts(3));
        state.after(&["plan", "my 'own' $list.csv", "--repeat", "allow"])
    };
    let runs: [&[&str]; 2] = [
        &["plan", "my 'own' $list.csv"],
        &["status", "my 'own' $list.ledger"],
    ];
    let all = advice_works(said, "quoted", odd, &runs);
    let sends = all.iter().filter(|advised| advised.words[0] == "send");
    assert_eq!(sends.count(), 1, "{all:?}");
}

fn over_the_limits(said: &mut Said) {
    let invalid = || State::begun(&with_invalid_rows(), &[], 0, Gateway::accepting());
    let all = advice_works(said, "over its limits", invalid, &[PLAN, STATUS, SEND]);
    has(&all, "send a.ledger --max-invalid 2");
    has(&all, "results a.ledger --status invalid");

    let sheet = own_texts(2).replace("parcel 1", "bit.ly/x");
    let deny = ["--lint", "deny"];
    let denied = || State::begun(&sheet, &deny, 0, Gateway::accepting());
    let plan = [PLAN, &deny[..]].concat();
    let runs = [&plan[..], STATUS, SEND, &["plan", "a.ledger"]];
    let all = advice_works(said, "lint", denied, &runs);
    has_no_send(&all);
    for run in runs {
        let run = denied().run(run);
        let text = format!("{}{}", run.stdout, run.stderr);
        run.shows(text.contains("--lint warn"), "it says what to do");
    }
    let state = denied();
    state.run(&["plan", "a.csv", "--lint", "warn"]).exits(0);
    state.run(SEND).exits(0);
}

fn half_sent(said: &mut Said) {
    let all = advice_works(
        said,
        "half sent",
        State::half_sent,
        &[PLAN, STATUS, &["campaigns"]],
    );
    has(&all, "send a.ledger");
    let run = State::half_sent().run(PLAN);
    assert!(run.stdout.contains("2 of 4 messages accepted"), "{run}");
    assert!(!run.stdout.contains("Nothing was sent"), "{run}");
    let all_sent = || State::begun(&own_texts(2), &[], 2, Gateway::accepting());
    advice_works(said, "all sent", all_sent, &[PLAN, STATUS, SEND]);
}

fn changed(said: &mut Said) {
    let changed = || State::half_sent().file("a.csv", own_texts(5));
    let send: &[&str] = &["send", "a.csv", "--yes"];
    let anew: &[&str] = &["send", "a.csv", "--yes", "--on-change", "new"];
    let all = advice_works(said, "changed", changed, &[PLAN, send, anew]);
    has(&all, "send a.ledger");
    has(&all, "cancel a.ledger");
    let changed = || unknown().file("a.csv", own_texts(5));
    let all = advice_works(said, "unknown and changed", changed, &[PLAN, send, anew]);
    has(&all, "resolve a.ledger --all --as not-sent");
    // What was not sent is in the results, which are not to be planned as a whole.
    let again: &[&str] = &["plan", "a.results.csv"];
    let all = advice_works(said, "results", State::half_sent, &[again]);
    has(&all, "results LEDGER --status refused,invalid");
}

fn in_the_sandbox(said: &mut Said) {
    let sandbox =
        || State::planned().after(&["send", "a.csv", "--yes", "--sandbox", "--limit", "2"]);
    let ledger = "a.sandbox.ledger";
    let runs: [&[&str]; 2] = [&["status", ledger], &["plan", ledger]];
    let all = advice_works(said, "sandbox", sandbox, &runs);
    has(&all, "send a.sandbox.ledger --sandbox");
    let expired = || sandbox().age(ledger, 8);
    let runs: [&[&str]; 2] = [&["status", ledger], &["send", ledger, "--yes", "--sandbox"]];
    let all = advice_works(said, "sandbox, expired", expired, &runs);
    has(&all, "send a.sandbox.ledger --sandbox --expires 9d");
}

fn at_another_gateway(said: &mut Said) {
    let elsewhere = || State {
        elsewhere: true,
        ..State::half_sent()
    };
    let all = advice_works(said, "another gateway", elsewhere, &[STATUS, PLAN]);
    has(&all, "send a.ledger");
    let run = elsewhere().run(SEND);
    run.exits(1).says(&["send it to loopback with --gateway"]);
}

fn expired(said: &mut Said) {
    let begun = || State::half_sent().age("a.ledger", 8);
    let new = || State::planned().age("a.ledger", 8);
    let sheet: &[&str] = &["send", "a.csv", "--yes"];
    let all = advice_works(
        said,
        "half sent, expired",
        begun,
        &[PLAN, STATUS, SEND, sheet],
    );
    has(&all, "send a.ledger --expires 9d");
    let alone = |advised: &Advised| advised.words == ["send", "a.ledger"];
    assert!(!all.iter().any(alone), "{all:?}");
    let all = advice_works(said, "expired", new, &[STATUS, SEND, sheet]);
    has(&all, "send a.ledger --expires 9d");

    // The command of the spreadsheet, repeated with the value, works as well.
    let state = begun();
    state.run(sheet).exits(1).says(&["--expires 9d"]);
    state
        .run(&["send", "a.csv", "--yes", "--expires", "9d"])
        .exits(0);
    state.gateway.assert_nothing_twice();
    assert_eq!(state.gateway.numbers_taken().len(), 4);
}

fn at_other_times(said: &mut Said) {
    let always = &["--window", "00:00-24:00", "--time-zone", "UTC"];
    let in_windows = || State::begun(&own_texts(4), always, 2, Gateway::accepting());
    let all = advice_works(said, "in windows", in_windows, &[PLAN, STATUS]);
    has(&all, "send a.ledger --window 00:00-24:00 --time-zone UTC");

    // Half an hour later than now, a month ago: the next such time is today.
    let now = jiff::Zoned::now().in_tz("Asia/Kuala_Lumpur").unwrap();
    let written = |at: jiff::Zoned| at.strftime("%Y-%m-%d %H:%M").to_string();
    let passed = written(&now + 30.minutes() - 30.days());
    let late: &[&str] = &["send", "a.csv", "--yes", "--not-after", &passed];
    let all = advice_works_after(said, "after its last time", State::half_sent, late);
    let end = written(&now + 30.minutes());
    has(&all, &format!("send a.ledger --not-after '{end}'"));

    // A command for later waits, and sends nothing until then.
    let later = written(&now + 10.days());
    let refused = State::half_sent().run(&["send", "a.csv", "--yes", "--start-at", &later]);
    let all = advised_by(said, refused.exits(1));
    has(
        &all,
        &format!("send a.ledger --expires 11d --start-at '{later}'"),
    );
    let state = State::half_sent();
    let waiting = state.program.command(&typed(&state, &all[0])).credentials();
    let waiting = waiting.env("ISMS_GATEWAY", state.gateway.url());
    let waiting = waiting.within("exec 2> log.txt").start();
    let log = state.program.path("log.txt");
    let waits = || fs::read_to_string(&log).is_ok_and(|log| log.contains("Waiting until"));
    while !waits() {
        thread::yield_now();
    }
    waiting.signal("TERM");
    waiting.wait().exits(143);
    assert_eq!(state.gateway.numbers_taken().len(), 2);
}

fn unknown_rows(said: &mut Said) {
    let plan: &[&str] = &["plan", "a.csv", "--batch-size", "1"];
    let details: &[&str] = &["results", "a.ledger", "--status", "unknown"];
    let all = advice_works(
        said,
        "unknown",
        unknown,
        &[STATUS, plan, details, &["campaigns"]],
    );
    for command in [
        "results a.ledger --status unknown",
        "resolve a.ledger --all --as accepted",
        "resolve a.ledger --all --as not-sent",
        "resolve LEDGER --rows 2 --as accepted",
    ] {
        has(&all, command);
    }
    let resolve = ["resolve", "a.ledger", "--all", "--as", "not-sent"];
    let all = advice_works_after(said, "resolve", unknown, &resolve);
    has(&all, "send a.ledger");
    has(&all, "results a.ledger");
}

fn refused_rows(said: &mut Said) {
    let refused = || {
        let gateway = answering(&["2000 = SUCCESS:1", "-1005 = INVALID SMS TYPE"]);
        State::begun(&own_texts(4), &ONE_BY_ONE, 4, gateway)
    };
    let all = advice_works(said, "refused", refused, &[STATUS, SEND]);
    has(&all, "results a.ledger --status refused,invalid");
}

fn cancelled_rows(said: &mut Said) {
    let one: &[&str] = &["cancel", "a.ledger", "--rows", "3", "--yes"];
    let all = advice_works_after(said, "one cancelled", State::half_sent, one);
    has(&all, "send a.ledger");
    has(&all, "guide recovery");
    has(&all, "resolve a.ledger --rows 3 --as not-sent");
    let cancelled = || State::half_sent().after(&["cancel", "a.ledger", "--yes"]);
    let all = advice_works(said, "cancelled", cancelled, &[STATUS, SEND, PLAN]);
    has(&all, "resolve a.ledger --rows ROWS --as not-sent");

    // More rows than a command line should hold.
    let many = || State::begun(&own_texts(400), &[], 0, Gateway::accepting());
    let odd: Vec<_> = (1..400).step_by(2).map(|row| row.to_string()).collect();
    let cancel = ["cancel", "a.ledger", "--yes", "--rows", &odd.join(",")];
    let all = advice_works_after(said, "many cancelled", many, &cancel);
    has(&all, "resolve a.ledger --rows ROWS --as not-sent");
}

fn suppressed_rows(said: &mut Said) {
    let listed = || State::half_sent().file("stop.txt", format!("{}\n", phone(2)));
    let send: &[&str] = &["send", "a.csv", "--yes", "--suppress", "stop.txt"];
    let all = advice_works_after(said, "suppressed", listed, send);
    has(&all, "resolve a.ledger --rows 3 --as not-sent");
    let after = || listed().after(send);
    let details: &[&str] = &["results", "a.ledger", "--status", "suppressed"];
    let all = advice_works(said, "details", after, &[details, STATUS]);
    has(&all, "resolve LEDGER --rows 3 --as not-sent");
}

fn sent_by_another_campaign(said: &mut Said) {
    let again = || State::half_sent().file("b.csv", own_texts(4));
    let runs: [&[&str]; 2] = [&["plan", "b.csv"], &["send", "b.csv", "--yes"]];
    let all = advice_works(said, "repeated", again, &runs);
    has(&all, "status a.ledger");
    let planned = || again().after(&["plan", "b.csv", "--repeat", "allow"]);
    let all = advice_works(said, "repeated", planned, &[&["send", "b.ledger", "--yes"]]);
    has(&all, "cancel b.ledger");
}

fn changed_by_something_else(said: &mut Said) {
    let merged = || {
        let sql = "UPDATE recipient SET batch_id = 1 WHERE row = 2";
        State::planned().change("a.ledger", sql)
    };
    let all = advice_works(said, "changed batch", merged, &[SEND]);
    has(&all, "verify a.ledger");

    // While it is being sent from.
    let program = Program::with(&[("a.csv", &own_texts(4))]);
    let ledger = program.path("a.ledger");
    let gateway = Gateway::new(move |_, nth| {
        let ledger = rusqlite::Connection::open(&ledger).unwrap();
        let sql = "INSERT OR IGNORE INTO batch (id, state, attempts) VALUES (4, 'cancelled', 0)";
        ledger.execute_batch(sql).unwrap();
        Reply::accepted(trx_of(nth))
    });
    let state = State {
        program,
        gateway,
        elsewhere: false,
        store: None,
    };
    let send = [&["send", "a.csv", "--yes"], &ONE_BY_ONE[..]].concat();
    let run = state.run(&send);
    run.exits(1);
    let all = advised_by(said, &run);
    has(&all, "verify a.ledger");
    state.run(&["verify", "a.ledger"]).exits(1);
}

fn from_a_campaign_file(said: &mut Said) {
    let file = |state: State| state.file("c.toml", "recipients = \"a.csv\"\n");
    let runs: [&[&str]; 3] = [
        &["plan", "c.toml"],
        &["status", "c.toml"],
        &["send", "c.toml", "--yes"],
    ];
    let half_sent = || file(State::half_sent());
    let all = advice_works(said, "half sent", half_sent, &runs[..2]);
    has(&all, "send c.toml");
    has(&all, "plan c.toml --show 4");
    let expired = || half_sent().age("a.ledger", 8);
    let all = advice_works(said, "expired", expired, &runs);
    has(&all, "send c.toml --expires 9d");
    assert!(
        all.iter().all(|advised| advised.words[1] == "c.toml"),
        "{all:?}"
    );
    let invalid = || {
        file(State::begun(
            &with_invalid_rows(),
            &[],
            0,
            Gateway::accepting(),
        ))
    };
    let all = advice_works(said, "over its limits", invalid, &runs);
    has(&all, "send c.toml --max-invalid 2");
    has(&all, "results c.toml --status invalid");
    let typed = [runs[0], &["--type", "unicode"]].concat();
    let typed = advice_works_after(said, "a typed option", || file(State::planned()), &typed);
    has(&typed, "send a.ledger");
    // What was planned is not what the file says now, or is gone.
    let changed = || half_sent().file("a.csv", own_texts(5));
    let all = advice_works(said, "changed", changed, &[runs[0], runs[2]]);
    has(&all, "send a.ledger");
    has(&all, "cancel c.toml");
    let gone = || {
        let state = half_sent();
        std::fs::remove_file(state.program.path("a.csv")).unwrap();
        state
    };
    let all = advice_works(said, "without its spreadsheet", gone, &runs[1..2]);
    has(&all, "send a.ledger");
}

fn from_a_dated_campaign_file(said: &mut Said) {
    let dated = |gateway| {
        let file = "recipients = \"a-%Y-%m-%d.csv\"\nbatch-size = 1\nconcurrency = 1\n";
        let person = |i| format!("{},KedaiKu: parcel {i}\n", phone(i));
        let next = format!("phone,message\n{}{}", person(4), person(5));
        State {
            program: Program::with(&[
                ("c.toml", file),
                ("a-2026-05-01.csv", &own_texts(4)),
                ("a-2026-05-02.csv", &next),
            ]),
            gateway,
            elsewhere: false,
            store: None,
        }
    };
    let night = |date, more: &[&'static str]| {
        let send = [
            "send",
            "c.toml",
            "--yes",
            "--max-unknown",
            "0",
            "--date",
            date,
        ];
        [&send[..], more].concat()
    };
    let some = night("2026-05-01", &["--limit", "2"]);
    let next = night("2026-05-02", &[]);
    let plan: &[&str] = &["plan", "c.toml", "--date", "2026-05-02"];
    let cut_off = || dated(Gateway::accepting()).after(&some);
    let one_more = night("2026-05-01", &["--limit", "1"]);
    let all = advice_works(said, "cut off", cut_off, &[&next, plan, &one_more]);
    has(&all, "send c.toml --date 2026-05-01");
    let unknown = || dated(second_unknown()).after(&night("2026-05-01", &[]));
    let all = advice_works(said, "unknown", unknown, &[&next, plan]);
    has(&all, "status c.toml --date 2026-05-01");
    let both = || dated(second_unknown()).after(&night("2026-05-01", &["--limit", "3"]));
    let all = advice_works(said, "unknown and pending", both, &[&next]);
    has(&all, "status c.toml --date 2026-05-01");
    has(&all, "send c.toml --date 2026-05-01");
}

/// Of a campaign in a store its name is advised.
fn in_a_store(said: &mut Said) {
    static STORES: AtomicUsize = AtomicUsize::new(0);
    let Some(server) = common::postgres::server() else {
        return;
    };
    let stored = |gateway| {
        let nth = STORES.fetch_add(1, Ordering::Relaxed);
        State {
            program: Program::with(&[("a.csv", &own_texts(4))]),
            gateway,
            elsewhere: false,
            store: Some(server.database(&format!("advice_{nth}"))),
        }
    };
    let send: &[&str] = &[
        "send",
        "a.csv",
        "--yes",
        "--limit",
        "2",
        "--max-unknown",
        "0",
    ];
    let status: &[&str] = &["status", "a"];
    let planned = || stored(Gateway::accepting()).after(PLAN);
    let all = advice_works(
        said,
        "planned",
        planned,
        &[status, &["campaigns"], &["plan", "a"]],
    );
    has(&all, "send a");
    let half_sent = || stored(Gateway::accepting()).after(send);
    let runs: [&[&str]; 3] = [
        status,
        &["campaigns"],
        &["cancel", "a", "--rows", "3", "--yes"],
    ];
    let all = advice_works(said, "half sent", half_sent, &runs[..2]);
    has(&all, "send a");
    let all = advice_works_after(said, "cancelled", half_sent, runs[2]);
    has(&all, "resolve a --rows 3 --as not-sent");
    let changed = || half_sent().file("a.csv", own_texts(5));
    let all = advice_works(said, "changed", changed, &[PLAN]);
    has(&all, "cancel a");
    let unknown = || stored(second_unknown()).after(send);
    let all = advice_works(said, "unknown", unknown, &[status, send, &["campaigns"]]);
    has(&all, "resolve a --all --as accepted");
    has(&all, "results a --status unknown");
    let again: &[&str] = &["plan", "a.csv", "--name", "b"];
    let more = || {
        let ten = stored(Gateway::accepting()).file("a.csv", own_texts(10));
        ten.after(send).file("a.csv", own_texts(11))
    };
    let all = advice_works(said, "repeated", more, &[again]);
    has(&all, "status a");
    let list = "results a --status accepted,unknown,pending --results a.reached.csv";
    has(&all, list);
    let nothing = || stored(Gateway::accepting());
    let all = advice_works(said, "no such campaign", nothing, &[status]);
    has(&all, "campaigns");
    // Its ledger in a file.
    let in_file = || {
        let state = stored(Gateway::accepting());
        let to_file = [send, &["--ledger", "a.ledger"]].concat();
        state.after(&to_file)
    };
    let all = advice_works(said, "in a file", in_file, &[PLAN]);
    has(&all, "send a.ledger");
    // One who may nothing.
    let state = nothing().after(PLAN);
    let mut owner = postgres::Client::connect(state.store.as_ref().unwrap(), postgres::NoTls);
    let role = "CREATE ROLE advised LOGIN";
    owner.as_mut().unwrap().batch_execute(role).unwrap();
    let url = state
        .store
        .as_ref()
        .map(|url| url.replace("postgres@", "advised@"));
    let state = State {
        store: url,
        ..state
    };
    let all = advised_by(said, &state.run(status));
    has(&all, "guide many-hosts");
    state.run(&["guide", "many-hosts"]).exits(0);
}

fn help(said: &mut Said) {
    let folder = || {
        let mut sheet = String::from("name,phone,text\n");
        for nth in 0..3 {
            writeln!(sheet, "Aminah,{},KedaiKu: parcel {nth}", phone(nth)).unwrap();
        }
        let cells = |line: &str| line.split(',').map(build::Cell::from).collect();
        let table: Vec<Vec<_>> = sheet.lines().map(cells).collect();
        let state = State {
            program: Program::with(&[("customers.csv", &sheet)]),
            gateway: Gateway::accepting(),
            elsewhere: false,
            store: None,
        };
        state
            .file("customers.xlsx", build::xlsx(&[("S", &table)]))
            .file("may.txt", "KedaiKu: we are open")
            .file(
                "may-sale.toml",
                "recipients = 'customers.csv'\nmessage-file = 'may.txt'\n",
            )
            .file("optout.csv", people(1))
    };
    let plan: &[&str] = &["plan", "--help"];
    let all = advice_works(said, "help", folder, &[plan, &["guide"]]);
    has(&all, "guide TOPIC");
    let planned = || {
        let plan = ["plan", "customers.csv", "--message-file", "may.txt"];
        folder().after(&plan)
    };
    let all = advice_works(
        said,
        "help",
        planned,
        &[&["send", "--help"], &["test", "-h"]],
    );
    has(&all, "test may-sale.toml --to 0123456789 --to 0133456789");
}

/// While it is in use, only looking is advised.
fn in_use() -> Said {
    let gate = Gate::closed();
    let gateway = Gateway::behind(&gate);
    let program = Program::with(&[("a.csv", &own_texts(2))]);
    let running = program.send_command(&gateway.url(), &["a.csv"]).start();
    gateway.wait_for_requests(1);
    let mut said = Said::new();
    for refused in [
        &["send", "a.csv", "--yes"][..],
        &["resolve", "a.ledger", "--all", "--as", "not-sent"],
    ] {
        let run = program.command(refused).credentials().run();
        run.exits(1);
        let all = advised_by(&mut said, &run);
        assert_eq!(all.len(), 1, "{run}");
        has(&all, "status a.ledger");
        let status = program.run(&all[0].words);
        status.exits(0);
        assert_eq!(advised(&status.stdout), [], "{status}");
    }
    gate.open();
    running.wait().exits(0);
    gateway.assert_nothing_twice();
    said
}

// --- The lifetime that is advised ---------------------------------------------------------------------------------

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
