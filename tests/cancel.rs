//! Campaigns that are stopped on purpose: a wrong text, a wrong list, a campaign that must not go out after all. The sandbox's
//! outbox is the record.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::gateway::Gate;
use common::program::{Invocation, Run, rows_of};
use common::{
    Backend, Gateway, PASSWORD, Program, Sandbox, count_statuses, counts, on_every_backend, people,
    verifies,
};

on_every_backend!(
    what_is_cancelled_is_not_sent_until_it_is_resolved,
    some_rows_are_cancelled_or_none,
    rows_that_cannot_be_sent_still_decide_the_exit_code,
    a_decision_is_not_planned_away,
    a_wrong_list_on_a_resume_can_be_undone,
    a_wrong_text_noticed_half_way_is_corrected_as_the_guide_says,
    a_cancel_that_is_cut_off_has_cancelled_everything_or_nothing,
);

const TEXT: [&str; 2] = ["--message", "KedaiKu opens on 3 May"];
const CORRECTED: [&str; 2] = ["--message", "KedaiKu opens on 30 May"];

/// The campaign of `customers.csv`, and the gateway that it is sent to.
struct Campaign {
    program: Program,
    sandbox: Sandbox,
    ledger: String,
}

/// A campaign of this many people.
fn of_people(backend: Backend, rows: usize) -> Campaign {
    with_sheet(backend, &people(rows))
}

fn with_sheet(backend: Backend, sheet: &str) -> Campaign {
    let program = Program::on(backend, &[("customers.csv", sheet)]);
    Campaign {
        sandbox: Sandbox::start(&program, &[]),
        ledger: program.ledger("customers"),
        program,
    }
}

impl std::ops::Deref for Campaign {
    type Target = Program;
    fn deref(&self) -> &Program {
        &self.program
    }
}

impl Campaign {
    fn to_sandbox(&self, words: &[&str]) -> Invocation<'_> {
        self.send_command(&self.sandbox.url, words)
    }

    fn spreadsheet(&self, text: [&str; 2]) -> Invocation<'_> {
        let sheet = self.to_sandbox(&["customers.csv", "--batch-size", "2"]);
        sheet.more(&text)
    }

    fn cancel(&self) -> Run {
        self.run(&["cancel", &self.ledger, "--yes", "--note", "wrong date"])
    }

    fn verifies(&self) {
        verifies(&self.program, &self.ledger);
    }

    /// How often each number got each text.
    fn taken(&self) -> BTreeMap<(String, String), u32> {
        let mut taken = BTreeMap::new();
        if self.path("outbox.csv").exists() {
            for message in self.results("outbox.csv") {
                let message = (message["to"].clone(), message["message"].clone());
                *taken.entry(message).or_default() += 1;
            }
        }
        taken
    }

    fn statuses(&self) -> BTreeMap<String, usize> {
        self.statuses_of(&self.ledger)
    }

    fn statuses_of(&self, ledger: &str) -> BTreeMap<String, usize> {
        self.run(&["results", ledger, "--results", "now.csv"])
            .exits(0);
        count_statuses(&self.results("now.csv"))
    }

    /// The rows with this status as `--rows` takes them.
    fn rows_with(&self, status: &str) -> String {
        let run = self.run(&["results", &self.ledger, "--status", status]);
        let rows = rows_of(&run.exits(0).stdout);
        let rows: Vec<_> = rows.iter().map(|row| row["sms_row"].clone()).collect();
        rows.join(",")
    }
}

/// The words of the `resolve` command that a run tells.
fn told_resolve(run: &Run) -> Vec<String> {
    let (_, command) = (run.stderr.lines())
        .find_map(|line| line.split_once("isms-campaign resolve "))
        .unwrap_or_else(|| panic!("it should tell how to undo it\n{run}"));
    let words = command.split_whitespace();
    let end = words.clone().position(|word| word == "not-sent").unwrap();
    ["resolve"]
        .into_iter()
        .chain(words.take(end + 1))
        .map(str::to_owned)
        .collect()
}

fn what_is_cancelled_is_not_sent_until_it_is_resolved(backend: Backend) {
    let campaign = of_people(backend, 10);
    campaign
        .spreadsheet(TEXT)
        .more(&["--limit", "4"])
        .run()
        .exits(0);
    campaign
        .run(&["cancel", &campaign.ledger])
        .exits(1)
        .says(&["nothing was cancelled", "--yes"]);
    assert_eq!(
        campaign.statuses(),
        counts(&[("accepted", 4), ("pending", 6)])
    );
    let cancelled = campaign.cancel();
    cancelled.exits(0).says(&[
        "6 rows cancelled",
        "--rows 5-10 --as not-sent",
        "Cancelled     6",
    ]);
    campaign.verifies();
    campaign.cancel().exits(0).says(&["0 rows cancelled"]);
    let status = campaign.run(&["status", &campaign.ledger]);
    status.exits(0).shows(
        status.stdout.contains("Cancelled     6")
            && status.stdout.contains("4 of 4 to send")
            && status.stdout.contains("--as not-sent"),
        "status knows what is cancelled, and the way back",
    );
    for again in [
        campaign.spreadsheet(TEXT),
        campaign.to_sandbox(&[&campaign.ledger]),
    ] {
        let run = again.more(&["--summary-json", "summary.json"]).run();
        run.exits(0).says(&["nothing is left to send"]);
        let summary = campaign.summary_json("summary.json");
        assert_eq!(summary["cancelled"], 6);
        assert_eq!(summary["pending"], 0);
        assert_eq!(summary["exit_code"], 0);
    }
    assert_eq!(campaign.taken().len(), 4);
    for (i, row) in campaign.results("customers.results.csv").iter().enumerate() {
        if i < 4 {
            assert_eq!(row["sms_status"], "accepted");
            continue;
        }
        assert_eq!(row["sms_status"], "cancelled");
        assert_eq!(row["sms_code"], "");
        assert_eq!(row["sms_credits"], "0");
        assert_eq!(row["sms_attempts"], "0");
        assert_eq!(row["sms_message"], TEXT[1]);
        assert!(!row["sms_batch"].is_empty() && !row["sms_to"].is_empty());
        assert!(row["sms_detail"].starts_with("cancelled by an operator on "));
        assert!(row["sms_detail"].ends_with(": wrong date"), "{row:?}");
    }
    campaign.run(&told_resolve(&cancelled)).exits(0);
    campaign.verifies();
    campaign.spreadsheet(TEXT).run().exits(0);
    assert_eq!(campaign.statuses(), counts(&[("accepted", 10)]));
    assert_eq!(campaign.taken().into_values().collect::<Vec<_>>(), [1; 10]);
    campaign.verifies();
}

fn some_rows_are_cancelled_or_none(backend: Backend) {
    let campaign = of_people(backend, 6);
    campaign
        .spreadsheet(TEXT)
        .more(&["--limit", "2"])
        .run()
        .exits(0);
    for (rows, word) in [
        ("2-3", "row 2 is accepted"),
        ("6-7", "row 7 does not exist"),
    ] {
        let cancel = ["cancel", &campaign.ledger, "--rows", rows, "--yes"];
        campaign
            .run(&cancel)
            .exits(1)
            .says(&[word, "only pending rows"]);
    }
    campaign
        .run(&["cancel", &campaign.ledger, "--rows", "x", "--yes"])
        .exits(2);
    campaign.run(&["cancel", "none.ledger", "--yes"]).exits(1);
    assert_eq!(
        campaign.statuses(),
        counts(&[("accepted", 2), ("pending", 4)])
    );
    for _repeated in 0..2 {
        campaign
            .run(&["cancel", &campaign.ledger, "--rows", "3,5-6", "--yes"])
            .exits(0);
    }
    campaign.verifies();
    campaign.spreadsheet(TEXT).run().exits(0);
    assert_eq!(
        campaign.statuses(),
        counts(&[("accepted", 3), ("cancelled", 3)])
    );
    assert_eq!(campaign.taken().len(), 3);
}

fn rows_that_cannot_be_sent_still_decide_the_exit_code(backend: Backend) {
    let sheet = "name,phone\nA,012-550 0001\nB,12\nC,012-550 0003\n";
    let campaign = with_sheet(backend, sheet);
    let send = || campaign.spreadsheet(TEXT).more(&["--max-invalid", "1"]);
    send().more(&["--limit", "1"]).run().exits(0);
    campaign.cancel().exits(0);
    send().run().exits(3);
    let left = counts(&[("accepted", 1), ("invalid", 1), ("cancelled", 1)]);
    assert_eq!(campaign.statuses(), left);
}

/// In a store it is cancelled while others send, see `tests/kills.rs`.
#[test]
fn a_ledger_in_use_is_not_cancelled() {
    let campaign = of_people(Backend::File, 20);
    let gate = Gate::closed();
    let gateway = Gateway::behind(&gate);
    let sheet = ["customers.csv", TEXT[0], TEXT[1], "--batch-size", "2"];
    let running = campaign.send_command(&gateway.url(), &sheet).start();
    gateway.wait_for_requests(1);
    let refused = campaign.cancel();
    refused
        .exits(1)
        .says(&[
            "in use by process",
            "end that run first",
            "Ctrl-C",
            "SIGTERM",
        ])
        .shows(
            !refused.stderr.contains("wait until"),
            "it is sent meanwhile",
        );
    running.signal("TERM");
    gate.open();
    running.wait().exits(143);
    campaign.cancel().exits(0);
    let again = campaign.send(&gateway, &sheet);
    again.exits(0).says(&["nothing is left to send"]);
    assert_eq!(gateway.count(), 1);
}

/// What an operator decided about a campaign from which nothing was sent.
const DECISIONS: [&[(&str, &[&str])]; 4] = [
    &[("cancel", &["--yes"])],
    &[("cancel", &["--rows", "2", "--yes"])],
    &[
        ("cancel", &["--rows", "1-2", "--yes"]),
        ("cancel", &["--yes"]),
    ],
    &[
        ("cancel", &["--yes"]),
        ("resolve", &["--rows", "1-4", "--as", "not-sent"]),
    ],
];

fn a_decision_is_not_planned_away(backend: Backend) {
    for (nth, decisions) in DECISIONS.iter().enumerate() {
        let campaign = of_people(backend, 4);
        let plan = |text: [&str; 2]| campaign.command(&["plan", "customers.csv"]).more(&text);
        plan(TEXT).run().exits(0);
        plan(TEXT).run().exits(0);
        let ledger = &*campaign.ledger;
        for (command, more) in *decisions {
            let decision = [&[*command, ledger], *more].concat();
            campaign.run(&decision).exits(0);
        }
        let before = campaign.statuses();
        let unchanged = |what: &str| {
            assert_eq!(campaign.statuses(), before, "{what}, {nth}");
        };
        let same = plan(TEXT).run();
        let pending = before.contains_key("pending");
        same.exits(0).shows(
            same.stdout
                .contains(&format!("isms-campaign send {ledger}"))
                == pending,
            "only what is pending can be sent",
        );
        unchanged("the same plan");
        let sheet = campaign.read("customers.csv");
        let refused = ["cancelled or resolved", "--on-change new"];
        plan(CORRECTED).run().exits(1).says(&refused);
        plan(TEXT)
            .more(&["--batch-size", "3"])
            .run()
            .exits(1)
            .says(&refused);
        let send = ["send", "customers.csv", CORRECTED[0], CORRECTED[1], "--yes"];
        let gateway = ["--gateway", "http://127.0.0.1:9/"];
        let is_refused = |run: Run| {
            run.exits(1).says(&refused);
        };
        is_refused(campaign.command(&send).more(&gateway).credentials().run());
        campaign.write("customers.csv", sheet.replace("Aminah 0", "Aminah"));
        is_refused(plan(TEXT).run());
        campaign.write("customers.csv", format!("{sheet}Zul,012-550 9999\n"));
        is_refused(plan(TEXT).run());
        unchanged("refused");
        campaign.write("customers.csv", &sheet);
        let anew = || plan(CORRECTED).more(&["--on-change", "new"]);
        if pending {
            anew()
                .run()
                .exits(1)
                .says(&["rows are open", &format!("isms-campaign cancel {ledger}")]);
            unchanged("rows are open");
            campaign.cancel().exits(0);
        }
        anew().run().exits(0).says(&["the earlier ledger is now"]);
        assert_eq!(campaign.statuses(), counts(&[("pending", 4)]));
        let mut aside = campaign.ledgers();
        aside.retain(|name| name != ledger);
        assert_eq!(aside.len(), 1, "what was decided is kept: {aside:?}");
        assert_eq!(campaign.statuses_of(&aside[0]), counts(&[("cancelled", 4)]));
        // A new plan in a file about which nothing was decided is replanned as before.
        if !backend.is_store() {
            plan(TEXT).run().exits(0);
        }
        campaign.verifies();
    }
}

fn a_wrong_list_on_a_resume_can_be_undone(backend: Backend) {
    let campaign = of_people(backend, 8);
    let sheet = campaign.read("customers.csv").replace("Aminah 7", "Zul");
    campaign.write("customers.csv", &sheet);
    let opted_out = sheet.lines().last().unwrap().split(',').nth(1).unwrap();
    campaign.write("optout.csv", format!("phone\n{opted_out}\n"));
    campaign.write("wrong.csv", &sheet);
    let with_list = || {
        campaign
            .spreadsheet(TEXT)
            .more(&["--suppress", "optout.csv"])
    };
    with_list().more(&["--limit", "3"]).run().exits(0);
    let wrong = with_list().more(&["--suppress", "wrong.csv"]).run();
    wrong.exits(0).says(&[
        "4 rows that were pending are suppressed now",
        "--rows 4-7 --as not-sent",
    ]);
    let suppressed = counts(&[("accepted", 3), ("suppressed", 5)]);
    assert_eq!(campaign.statuses(), suppressed);
    campaign.verifies();
    for row in campaign.results("customers.results.csv").iter().skip(3) {
        assert_eq!(row["sms_status"], "suppressed");
        assert_eq!((&*row["sms_batch"], &*row["sms_attempts"]), ("", "0"));
        assert_eq!(row["sms_detail"].contains("resolve"), row["sms_row"] != "8");
    }
    // What the plan itself suppressed is no matter of a decision.
    for rows in ["8", "4-8"] {
        let resolve = [
            "resolve",
            &campaign.ledger,
            "--rows",
            rows,
            "--as",
            "not-sent",
        ];
        campaign.run(&resolve).exits(1).says(&["row 8"]);
    }
    let accepted = [
        "resolve",
        &campaign.ledger,
        "--rows",
        "4",
        "--as",
        "accepted",
    ];
    campaign
        .run(&accepted)
        .exits(1)
        .says(&["row 4 is suppressed"]);
    assert_eq!(campaign.statuses(), suppressed);
    campaign.run(&told_resolve(&wrong)).exits(0);
    campaign.verifies();
    with_list().run().exits(0);
    let sent = counts(&[("accepted", 7), ("suppressed", 1)]);
    assert_eq!(campaign.statuses(), sent);
    assert_eq!(campaign.taken().into_values().collect::<Vec<_>>(), [1; 7]);
    campaign.verifies();
}

/// The commands under the heading of the guide, for the sandbox.
fn guide_lines(ledger: &str) -> Vec<Vec<String>> {
    let page = include_str!("../src/guide/recovery.md");
    let (_, section) = page.split_once("## Wrong text noticed half-way").unwrap();
    let block = section.split("```").nth(1).unwrap();
    let lines: Vec<_> = block
        .lines()
        .filter_map(|line| line.strip_prefix("isms-campaign "))
        .collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    let words = |line: &&str| {
        let line = line.replace("customers.ledger", ledger);
        let parts = line.split('"').enumerate();
        let words = parts.flat_map(|(nth, part)| match nth % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        });
        words.collect::<Vec<String>>()
    };
    lines.iter().map(words).collect()
}

/// Each line of the guide's sequence is cut off at a random moment, again and again, and in the end repeated to its end. No
/// number gets two texts, and only those that are in doubt get none.
fn a_wrong_text_noticed_half_way_is_corrected_as_the_guide_says(backend: Backend) {
    let rng = &mut fastrand::Rng::with_seed(15);
    for nth in 0..3 {
        let campaign = of_people(backend, 120);
        campaign.write("corrected.txt", CORRECTED[1]);
        campaign
            .spreadsheet(TEXT)
            .more(&["--limit", "41"])
            .run()
            .exits(0);
        if nth > 0 {
            let more = campaign.spreadsheet(TEXT).more(&["--max-unknown", "0"]);
            more.start()
                .killed_after(Duration::from_millis(rng.u64(50..150)));
        }
        let lines = guide_lines(&campaign.ledger);
        let line = |nth: usize| {
            let command = campaign.command(&lines[nth]);
            match &*lines[nth][0] {
                "cancel" => command.more(&["--yes"]),
                "results" => command,
                "send" => command.credentials().more(&[
                    "--batch-size=2",
                    "--max-unknown=0",
                    "--gateway",
                    &campaign.sandbox.url,
                    "--yes",
                    "--rate=none",
                ]),
                other => panic!("{other}"),
            }
        };
        let in_doubt = campaign
            .statuses()
            .get("unknown")
            .copied()
            .unwrap_or_default();
        for nth in 0..lines.len() {
            for _cut_off in 0..4 {
                let moment = Duration::from_micros(rng.u64(100..200_000));
                line(nth).start().killed_after(moment);
                // The place is empty between the old campaign and the new one.
                let is_there = if backend.is_store() {
                    campaign.ledgers().contains(&campaign.ledger)
                } else {
                    campaign.path(&campaign.ledger).exists()
                };
                if is_there {
                    campaign.verifies();
                }
            }
            if nth == 1 && in_doubt > 0 {
                line(1).run().exits(0);
                line(2).run().exits(1).says(&["unknown", "resolve"]);
                // What the portal says; here nothing that was in doubt is sent again.
                let all = ["resolve", &campaign.ledger, "--all", "--as", "accepted"];
                campaign.run(&all).exits(0);
            }
            for _repeated in 0..2 {
                let run = line(nth).run();
                run.shows(matches!(run.code, Some(0 | 5)), "it goes to its end");
            }
        }
        let mut numbers = BTreeSet::new();
        for ((number, text), times) in campaign.taken() {
            assert_eq!(times, 1, "{number} got {text:?} {times} times");
            assert!(numbers.insert(number.clone()), "{number} got both texts");
        }
        let left = campaign.statuses();
        let unknown = left.get("unknown").copied().unwrap_or_default();
        assert!(!left.contains_key("pending"), "{left:?}");
        assert!(numbers.len() + unknown + in_doubt >= 120, "{left:?}");
        campaign.verifies();
        campaign.no_secret_anywhere(PASSWORD);
    }
}

/// Cancelled at random moments, with nobody sending, undone, and sent on.
fn a_cancel_that_is_cut_off_has_cancelled_everything_or_nothing(backend: Backend) {
    let campaign = of_people(backend, 60);
    let rng = &mut fastrand::Rng::with_seed(5);
    let mut sent = 0;
    while sent < 60 {
        campaign.spreadsheet(TEXT).more(&["--limit", "7"]).run();
        sent = campaign.taken().len();
        let all = campaign.statuses();
        let cancel = ["cancel", &campaign.ledger, "--yes"];
        let life = Duration::from_micros(rng.u64(100..30_000));
        campaign.command(&cancel).start().killed_after(life);
        campaign.verifies();
        let now = campaign.statuses();
        assert!(
            !(now.contains_key("pending") && now.contains_key("cancelled")),
            "{now:?}"
        );
        campaign.run(&cancel).exits(0);
        campaign.spreadsheet(TEXT).run().exits(0);
        assert_eq!(
            campaign.taken().len(),
            sent,
            "nothing is sent that is cancelled"
        );
        let rows = campaign.rows_with("cancelled");
        if rows.is_empty() {
            break;
        }
        let resolve = [
            "resolve",
            &campaign.ledger,
            "--rows",
            &rows,
            "--as",
            "not-sent",
        ];
        campaign.command(&resolve).start().killed_after(life);
        campaign.verifies();
        if !campaign.rows_with("cancelled").is_empty() {
            campaign.run(&resolve).exits(0);
        }
        assert_eq!(campaign.statuses(), all, "as before");
    }
    assert_eq!(campaign.taken().into_values().collect::<Vec<_>>(), [1; 60]);
}
