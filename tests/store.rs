//! Campaigns in a PostgreSQL database: the same commands, by name, and what happens where several processes use one campaign.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::gateway::Gate;
use common::stored::{HI, holding, stored};
use common::tls::{Authority, TlsServer};
use common::{Gateway, PASSWORD, Program, counts, own_texts, people, postgres};
use serde_json::Value;

// --- By name -------------------------------------------------------------------------------------------------------

#[test]
fn a_campaign_is_planned_sent_and_reported_by_its_name() {
    let Some(store) = stored("by_name", &people(3)) else {
        return;
    };
    let gateway = Gateway::accepting();
    store.plan();
    assert!(!store.program.ledger_exists(), "nothing is in a file");
    let planned = store.run(&["status", "may"]);
    assert!(planned.exits(0).stdout.contains("Pending       3"));
    store
        .sending(&gateway, &["may", "--limit", "1"])
        .run()
        .exits(0);
    // The spreadsheet is the same campaign, and so is the environment's store.
    store
        .program
        .send_command(&gateway.url(), &[&["may.csv"][..], &HI].concat())
        .env("ISMS_STORE", &store.url)
        .run()
        .exits(0);
    gateway.assert_nothing_twice();
    store.run(&["verify", "may"]).exits(0);
    assert_eq!(store.counts("may"), counts(&[("accepted", 3)]));
}

#[test]
fn an_existing_file_stays_a_file_and_another_name_is_refused() {
    let Some(store) = stored("files", &people(2)) else {
        return;
    };
    let program = &store.program;
    program
        .run(&[&["plan", "may.csv"][..], &HI, &["--ledger", "own.ledger"]].concat())
        .exits(0);
    store.run(&["status", "own.ledger"]).exits(0);
    for command in ["status", "send"] {
        let refused = store.run(&[command, "june"]);
        refused
            .exits(1)
            .says(&["june", "neither a file", "campaigns --store"]);
    }
    // A spreadsheet is its campaign in the store, or else its ledger.
    program
        .run(&[&["plan", "may.csv"][..], &HI].concat())
        .exits(0);
    let of_file = store.run(&["status", "may.csv", "--json"]);
    let of_file: Value = serde_json::from_str(&of_file.exits(0).stdout).unwrap();
    assert_eq!(of_file["ledger"], "may.ledger");
    store.plan();
    let of_store = store.run(&["status", "may.csv", "--json"]);
    let of_store: Value = serde_json::from_str(&of_store.exits(0).stdout).unwrap();
    assert_eq!(of_store["ledger"], "may");
    assert_eq!(of_store["store"], store.url);
}

#[test]
fn what_contradicts_a_store_is_wrong_usage() {
    let Some(store) = stored("usage", &people(2)) else {
        return;
    };
    let plan = [&["plan", "may.csv"][..], &HI].concat();
    let send = ["send", "may.csv", "--yes", "--sandbox"];
    for words in [
        &[&plan[..], &["--ledger", "a.ledger"]].concat()[..],
        &send,
        &[&plan[..], &["--name", "a/b"]].concat(),
        &[&plan[..], &["--name", "-a"]].concat(),
    ] {
        store.run(words).exits(2);
    }
    let program = &store.program;
    let unnamed = program.run(&[&plan[..], &["--name", "a"]].concat());
    unnamed.exits(2).says(&["--name", "ISMS_STORE"]);
    store.plan();
    store
        .run(&["send", "may", "--name", "june", "--yes"])
        .exits(2)
        .says(&["--name", "planned already"]);
    // What is typed wins over the environment, and the sandbox has files.
    let of = |words: &[&str]| {
        let run = program.command(words).env("ISMS_STORE", &store.url).run();
        run.exits(0);
    };
    of(&[&plan[..], &["--ledger", "typed.ledger"]].concat());
    of(&[&send[..], &HI].concat());
    for file in ["typed.ledger", "may.sandbox.ledger"] {
        assert!(program.path(file).exists(), "{file}");
    }
}

#[test]
fn a_password_is_never_shown() {
    let Some(store) = stored("secret", &people(1)) else {
        return;
    };
    let program = &store.program;
    let with = store.url.replace("postgres@", "postgres:s3cretZx9Qv7@");
    let refused = program.run(&[&["plan", "may.csv", "--store", &with][..], &HI].concat());
    refused.exits(2).says(&["PGPASSWORD"]);
    let status = program.command(&["status", "may"]).env("ISMS_STORE", &with);
    status.run().exits(2).says(&["ISMS_STORE", "PGPASSWORD"]);
    program.write(
        "c.toml",
        format!("recipients = \"may.csv\"\nstore = \"{with}\"\n"),
    );
    let refused = program.run(&[&["plan", "c.toml"][..], &HI].concat());
    refused.exits(2).says(&["c.toml, line 2"]);
    fs::remove_file(program.path("c.toml")).unwrap();
    let gateway = Gateway::accepting();
    let words = [&["may.csv", "-vv", "--summary-json", "s.json"][..], &HI].concat();
    let sent = store
        .sending(&gateway, &words)
        .env("PGPASSWORD", "s3cretZx9Qv7");
    sent.run().exits(0);
    assert_eq!(program.summary_json("s.json")["store"], store.url);
    program.no_secret_anywhere("s3cretZx9Qv7");
    program.no_secret_anywhere(PASSWORD);
}

#[test]
fn results_are_beside_the_spreadsheet_or_in_this_folder() {
    let Some(store) = stored("results", "") else {
        return;
    };
    fs::create_dir(store.program.path("sub")).unwrap();
    store.program.write("sub/june.csv", people(1));
    let plan = [&["plan", "sub/june.csv"][..], &HI].concat();
    store.run(&plan).exits(0);
    store.run(&["results", "sub/june.csv"]).exits(0);
    assert!(store.program.path("sub/june.results.csv").exists());
    store.run(&["results", "june"]).exits(0);
    assert!(store.program.path("june.results.csv").exists());
    let gateway = Gateway::accepting();
    let named = store.sending(&gateway, &["june", "--results", "own.csv"]);
    named.run().exits(0);
    assert!(store.program.path("own.csv").exists());
}

#[test]
fn a_campaign_file_names_the_store_and_the_campaign() {
    let Some(store) = stored("toml", &people(2)) else {
        return;
    };
    let program = &store.program;
    let text = "recipients = \"may.csv\"\nmessage = \"Hi {{ name }}\"\n";
    program.write(
        "c.toml",
        format!("{text}store = \"{}\"\nname = \"raya\"\n", store.url),
    );
    let planned = program.run(&["plan", "c.toml"]);
    planned.exits(0).shows(
        planned
            .stdout
            .contains("Send it: isms-campaign send c.toml\n"),
        "the file leads to the store",
    );
    for command in ["status", "verify", "results"] {
        program.run(&[command, "c.toml"]).exits(0);
    }
    let gateway = Gateway::accepting();
    program.send(&gateway, &["c.toml"]).exits(0);
    assert_eq!(store.counts("raya"), counts(&[("accepted", 2)]));
    // The sandbox and a ledger that is typed win over it.
    let rehearsed = program.run(&["send", "c.toml", "--sandbox", "--yes"]);
    rehearsed.exits(0);
    program
        .run(&["plan", "c.toml", "--ledger", "x.ledger"])
        .exits(0);
    // A dated one has a campaign for each date.
    program.write("e-2026-05-01.csv", people(1));
    program.write("e-2026-05-02.csv", own_texts(1));
    let text = "recipients = \"e-%Y-%m-%d.csv\"\nrepeat = \"allow\"\n";
    program.write("d.toml", format!("{text}store = \"{}\"\n", store.url));
    let of = |date| ["plan", "d.toml", "--date", date];
    let first = [&of("2026-05-01")[..], &HI].concat();
    program.run(&first).exits(0);
    let second = program.run(&of("2026-05-02"));
    second.exits(0).shows(
        second.stdout.contains("Still open in e-2026-05-01"),
        "the first is open",
    );
    program
        .run(&["status", "d.toml", "--date", "2026-05-02"])
        .exits(0);
}

#[test]
fn a_store_lists_its_campaigns() {
    let Some(store) = stored("listed", &people(3)) else {
        return;
    };
    let empty = store.run(&["campaigns"]);
    assert!(
        empty
            .exits(0)
            .stdout
            .starts_with("There are no campaigns in the store")
    );
    let gateway = Gateway::accepting();
    store.plan();
    let again = [&["plan", "may.csv", "--name", "june", "--message", "Hello"][..]].concat();
    store.run(&again).exits(0);
    store
        .sending(&gateway, &["june", "--limit", "1"])
        .run()
        .exits(0);
    let to = ["test", "may", "--to", "012-550 9999", "--yes", "--gateway"];
    let test = store.command(&[&to[..], &[&gateway.url()]].concat());
    test.credentials().run().exits(0);
    let all = store.listed();
    let names: Vec<_> = all
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["may", "june"], "no test is listed");
    assert_eq!(
        (&all[1]["accepted"], &all[1]["pending"]),
        (&1.into(), &2.into())
    );
    assert_eq!(
        (&all[0]["state"], &all[1]["state"]),
        (&"planned".into(), &"pending".into())
    );
    store.run(&["campaigns", "."]).exits(2);
    let here = store.program.command(&["campaigns", "."]);
    let here = here.env("ISMS_STORE", &store.url).run();
    assert!(here.exits(0).stdout.contains("in this folder"));
}

// --- Nothing is sent twice -------------------------------------------------------------------------------------------

#[test]
fn nothing_in_a_store_is_replaced_unless_asked_for() {
    let Some(store) = stored("replaced", &people(2)) else {
        return;
    };
    store.plan();
    let other = ["plan", "may.csv", "--message", "Hello"];
    let refused = store.run(&other);
    refused
        .exits(1)
        .says(&["nothing is replaced", "--on-change new"]);
    let anew = [&other[..], &["--on-change", "new"]].concat();
    store
        .run(&anew)
        .exits(0)
        .says(&["The earlier ledger is now may.2"]);
    let all = store.listed();
    let aside = all[0]["ledger"].as_str().unwrap();
    assert!(
        aside.starts_with("may.2") && aside.ends_with('Z'),
        "{aside}"
    );
    store.run(&["status", aside]).exits(0);
    store.run(&["verify", aside]).exits(0);
    assert_eq!(all.len(), 2);
}

/// While it waited, another plan took the place of the one that it was to send.
#[test]
fn what_was_set_aside_meanwhile_is_not_sent() {
    let Some(store) = stored("meanwhile", &people(2)) else {
        return;
    };
    store.plan();
    let gateway = Gateway::accepting();
    let start = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(8);
    let start = start.to_string();
    let waiting = store.sending(&gateway, &["may", "--start-at", &start]);
    let waiting = waiting.within("exec 2>waiting.log").start();
    store.wait_for_log("waiting.log", "Waits until");
    let anew = [
        "plan",
        "may.csv",
        "--message",
        "Hello",
        "--on-change",
        "new",
    ];
    store.run(&anew).exits(0);
    waiting.wait().exits(1);
    let log = store.program.read("waiting.log");
    assert!(log.contains("was set aside meanwhile"), "{log}");
    assert_eq!(gateway.count(), 0);
}

#[test]
fn a_ledger_in_a_file_that_was_sent_from_is_not_planned_in_a_store() {
    let Some(store) = stored("beside", &people(2)) else {
        return;
    };
    let program = &store.program;
    let gateway = Gateway::accepting();
    let hi = [&["may.csv"][..], &HI].concat();
    // Neither a plan nor a rehearsal is in the way.
    program.run(&[&["plan"][..], &hi].concat()).exits(0);
    program
        .run(&[&["send", "--sandbox", "--yes"][..], &hi].concat())
        .exits(0);
    store.plan();
    store.run(&["cancel", "may", "--yes"]).exits(0);
    program
        .send(&gateway, &[&hi[..], &["--limit", "1"]].concat())
        .exits(0);
    for refused in [
        store.run(&[&["plan"][..], &hi].concat()),
        store.sending(&gateway, &hi).run(),
    ] {
        refused
            .exits(1)
            .says(&["may.ledger", "start anew", "--name"]);
    }
    assert_eq!(gateway.count(), 1);
}

#[test]
fn what_another_campaign_of_the_store_or_the_folder_sent_is_refused() {
    let Some(store) = stored("repeated", &people(10)) else {
        return;
    };
    let gateway = Gateway::accepting();
    let hi = [&["may.csv"][..], &HI].concat();
    store.sending(&gateway, &hi).run().exits(0);
    let again = [&hi[..], &["--name", "june"]].concat();
    let refused = store.sending(&gateway, &again).run();
    refused
        .exits(1)
        .says(&["the campaign may in the store", "--repeat allow"]);
    // A ledger in the spreadsheet's folder counts too.
    let text = ["--message", "Hello {{ name }}"];
    store.program.write("copy.csv", people(10));
    store
        .program
        .send(&gateway, &[&["copy.csv"][..], &text].concat())
        .exits(0);
    let in_file = store.sending(
        &gateway,
        &[&["may.csv", "--name", "july"][..], &text].concat(),
    );
    in_file.run().exits(1).says(&["copy.ledger"]);
    // And so does each for a cooldown.
    let other = [
        "may.csv",
        "--name",
        "august",
        "--message",
        "News",
        "--cooldown",
        "7d",
    ];
    store.sending(&gateway, &other).run().exits(0);
    assert_eq!(store.counts("august"), counts(&[("suppressed", 10)]));
    let detail = &store.program.results("august.results.csv")[0]["sms_detail"];
    assert!(detail.contains("the campaign"), "{detail}");
    assert_eq!(gateway.count(), 20);
}

// --- Several processes -------------------------------------------------------------------------------------------------

#[test]
fn of_two_that_plan_one_name_at_once_one_plans_and_the_other_joins() {
    let Some(store) = stored("planners", &people(20_000)) else {
        return;
    };
    let plan = [&["plan", "may.csv"][..], &HI].concat();
    let both = [store.command(&plan).start(), store.command(&plan).start()];
    let both = both.map(common::program::Running::wait);
    for run in &both {
        run.exits(0);
    }
    let other = store
        .command(&["plan", "may.csv", "--message", "Hello"])
        .start();
    other.wait().exits(1).says(&["the message has changed"]);
    assert_eq!(store.listed().len(), 1);
    store.run(&["verify", "may"]).exits(0);
}

#[test]
fn a_sender_waits_for_what_others_have_under_way() {
    let Some(store) = stored("waits", &people(1)) else {
        return;
    };
    store.plan();
    let gate = Gate::closed();
    let gateway = holding(&gate);
    let first = store.sending(&gateway, &["may"]).start();
    gateway.wait_for_requests(1);
    let status = store.run(&["status", "may"]);
    status.exits(0).shows(
        status.stdout.contains("Unknown       1 (1 of them await"),
        "what is under way is unknown",
    );
    let second = store
        .sending(&gateway, &["may"])
        .within("exec 2>second.log");
    let second = second.start();
    store.wait_for_log("second.log", "Waiting for the answers");
    gate.open();
    first.wait().exits(0);
    second.wait().exits(0);
    assert_eq!(gateway.count(), 1);
}

#[test]
fn what_a_killed_sender_had_under_way_is_unknown_and_the_others_go_on() {
    let Some(store) = stored("killed", &people(40)) else {
        return;
    };
    store.plan();
    let gate = Gate::closed();
    let gateway = holding(&gate);
    let first = store.sending(&gateway, &["may"]).start();
    gateway.wait_for_requests(1);
    let second = store.sending(&gateway, &["may"]).start();
    gateway.wait_for_requests(10);
    first.killed_after(Duration::ZERO);
    let second = second.wait();
    second
        .exits(5)
        .says(&["1 other process is sending this campaign now"]);
    gate.open();
    assert_eq!(
        store.counts("may"),
        counts(&[("accepted", 39), ("unknown", 1)])
    );
    gateway.assert_nothing_twice();
    store.run(&["verify", "may"]).exits(0);
}

/// The store was named in one terminal, and not in the next.
#[test]
fn a_spreadsheet_whose_campaign_is_in_a_store_is_not_sent_again_from_a_file() {
    let Some(store) = stored("forgotten", &people(3)) else {
        return;
    };
    let gateway = Gateway::accepting();
    let sheet = [&["may.csv"][..], &HI].concat();
    store.sending(&gateway, &sheet).run().exits(0);
    let run = store.program.send(&gateway, &sheet);
    run.exits(1).says(&["campaign may in the store", "--store"]);
    store
        .program
        .run(&[&["plan"][..], &sheet].concat())
        .exits(1);
    assert_eq!(gateway.count(), 3);
    gateway.assert_nothing_twice();
    // The sandbox sends no message, and --on-change new starts anew.
    store
        .program
        .run(&[&["send", "--sandbox", "--yes"][..], &sheet].concat())
        .exits(0);
    let anew = [&sheet[..], &["--on-change", "new"]].concat();
    store.program.run(&[&["plan"][..], &anew].concat()).exits(0);
}

/// It fails in the middle of sending: the gateway's certificate is refused.
#[test]
fn a_sender_that_fails_does_not_count_itself_among_the_others() {
    let Some(store) = stored("failed", &people(3)) else {
        return;
    };
    store.plan();
    let server = TlsServer::before(Gateway::accepting(), Authority::new().certify("localhost"));
    let words = ["may", "--store", &store.url];
    let run = (store.program)
        .send_command(&server.url("localhost"), &words)
        .run();
    run.exits(1).says(&["certificate"]);
    assert!(!run.stderr.contains("other process goes"), "{}", run.stderr);
}

#[test]
fn a_limited_sender_does_not_wait_and_what_others_have_under_way_is_no_failure() {
    let Some(store) = stored("limited", &people(3)) else {
        return;
    };
    store.plan();
    let gate = Gate::closed();
    let gateway = holding(&gate);
    let first = store.sending(&gateway, &["may"]).start();
    gateway.wait_for_requests(1);
    let limited = store.sending(
        &gateway,
        &["may", "--limit", "1", "--summary-json", "s.json"],
    );
    limited.run().exits(0).says(&["1 other process goes on"]);
    let summary = store.program.summary_json("s.json");
    assert_eq!(
        (&summary["unknown"], &summary["exit_code"]),
        (&1.into(), &0.into())
    );
    gate.open();
    first.wait().exits(0);
    assert_eq!(store.counts("may"), counts(&[("accepted", 3)]));
}

/// The server for trying it by hand.
#[test]
fn the_sample_makes_a_store_and_removes_it() {
    if postgres::server().is_none() {
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/store.sh");
    let mut running = Command::new("sh")
        .arg(script)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(running.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let url = line.trim().strip_prefix("export ISMS_STORE=").unwrap();
    let program = Program::with(&[("may.csv", &people(1))]);
    program
        .run(&[&["plan", "may.csv", "--store", url][..], &HI].concat())
        .exits(0);
    let interrupted = Command::new("kill")
        .args(["-TERM", &running.id().to_string()])
        .status();
    assert!(interrupted.unwrap().success());
    running.wait().unwrap();
    let folder = url.split('@').nth(1).unwrap().replace("%2F", "/");
    let folder = folder.trim_end_matches("/sms");
    assert!(!std::path::Path::new(folder).exists(), "{folder}");
}
