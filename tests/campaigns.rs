//! The list of campaigns in a folder: what each is called, how far it is, and what it waits for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::gateway::{Gate, trx_of};
use common::{Gateway, Program, Reply, STATUSES, phone};
use serde_json::Value;

/// Four people who are in no other campaign, with texts of their own.
fn sheet(nth: usize) -> String {
    let person = |i| format!("{},KedaiKu: parcel {nth}-{i}\n", phone(10 * nth + i));
    let people: String = (0..4).map(person).collect();
    format!("phone,message\n{people}")
}

/// A folder `f` with a campaign in each state but the one under way.
fn folder(gateway: &Gateway) -> Program {
    let program = Program::new();
    fs::create_dir(program.path("f")).unwrap();
    for (nth, name) in ["planned", "pending", "unknown", "finished", "tried"]
        .into_iter()
        .enumerate()
    {
        program.write(&format!("f/{name}.csv"), sheet(nth));
    }
    program.run(&["plan", "f/planned.csv"]).exits(0);
    program
        .send(gateway, &["f/pending.csv", "--limit", "1"])
        .exits(0);
    program.send(gateway, &["f/finished.csv"]).exits(0);
    let silent = Gateway::new(|_, nth| match nth {
        1 => Reply::ok(""),
        _ => Reply::accepted(trx_of(nth)),
    });
    program
        .send(&silent, &["f/unknown.csv", "--limit", "3"])
        .exits(5);
    program
        .run(&["send", "f/tried.csv", "--sandbox", "--yes"])
        .exits(0);
    program
}

/// The campaigns of a folder, by their names.
fn listed(program: &Program, folder: &str) -> BTreeMap<String, Value> {
    let run = program.run(&["campaigns", folder, "--json"]);
    let all: Vec<Value> = serde_json::from_str(&run.exits(0).stdout).unwrap();
    let named = all
        .into_iter()
        .map(|one| (one["name"].as_str().unwrap().to_owned(), one));
    named.collect()
}

/// The files of a folder with their contents.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = files.map(|path| (path.display().to_string(), fs::read(&path).unwrap()));
    files.collect()
}

#[test]
fn each_campaign_is_listed_with_its_state_and_counts() {
    let gateway = Gateway::accepting();
    let program = folder(&gateway);
    let before = contents(&program.path("f"));
    let all = listed(&program, "f");
    let names: Vec<_> = all.keys().map(String::as_str).collect();
    assert_eq!(names, ["finished", "pending", "planned", "unknown"]);
    for (name, campaign) in &all {
        assert_eq!(&campaign["state"], name.as_str());
        assert_eq!(campaign["ledger"], format!("f/{name}.ledger"));
        assert!(
            campaign["planned_at"].as_str().unwrap().contains('T'),
            "{campaign}"
        );
        let sum: u64 = STATUSES
            .iter()
            .map(|status| campaign[status].as_u64().unwrap())
            .sum();
        assert_eq!(campaign["rows"], sum);
    }
    assert_eq!(
        (&all["unknown"]["unknown"], &all["unknown"]["pending"]),
        (&1.into(), &1.into())
    );
    let text = program
        .command(&["campaigns", "f"])
        .env("ISMS_GATEWAY", gateway.url())
        .run();
    for line in [
        "  planned   planned: 4 pending\n",
        "send what is pending: isms-campaign send f/planned.ledger\n",
        "  pending   pending: 1 accepted, 3 pending\n",
        "send what is pending: isms-campaign send f/pending.ledger\n",
        "  unknown   unknown: 2 accepted, 1 unknown, 1 pending\n",
        "look up what is unknown: isms-campaign status f/unknown.ledger\n",
        "  finished  finished: 4 accepted\n",
    ] {
        text.exits(0).shows(text.stdout.contains(line), line);
    }
    assert_eq!(contents(&program.path("f")), before, "it only reads");
}

#[test]
fn a_campaign_that_is_being_sent_is_listed_while_it_is() {
    let program = Program::with(&[("a.csv", &sheet(0))]);
    let gate = Gate::closed();
    let gateway = Gateway::behind(&gate);
    let running = program.send_command(&gateway.url(), &["a.csv"]).start();
    gateway.wait_for_requests(1);
    let all = listed(&program, ".");
    assert_eq!(all["a"]["state"], "sending");
    // What is under way counts as unknown.
    assert_eq!(
        (&all["a"]["unknown"], &all["a"]["pending"]),
        (&1.into(), &3.into())
    );
    let text = program.run(&["campaigns"]);
    text.shows(
        !text.stdout.contains("isms-campaign"),
        "there is nothing to be done now",
    );
    gate.open();
    running.wait().exits(0);
    assert_eq!(listed(&program, ".")["a"]["state"], "finished");
}

#[test]
fn what_cannot_be_read_is_named_and_what_is_no_campaign_is_not() {
    let program = Program::with(&[("a.csv", &sheet(0)), ("b.ledger", "no ledger")]);
    program.run(&["plan", "a.csv"]).exits(0);
    fs::copy(
        program.path("a.ledger"),
        program.path("a.test-20261122T152000Z.ledger"),
    )
    .unwrap();
    let text = program.run(&["campaigns"]);
    text.exits(0).shows(
        text.stdout.matches("a: 4 pending").count() == 1,
        "tests are not listed",
    );
    text.shows(
        text.stdout.contains("b.ledger: cannot be read"),
        "the reason is named",
    );
    let json = program.run(&["campaigns", "--json"]);
    let all: Vec<Value> = serde_json::from_str(&json.exits(0).stdout).unwrap();
    let unread = all.iter().find(|one| one["ledger"] == "b.ledger").unwrap();
    assert_eq!(unread["state"], "unreadable");
    assert!(
        unread["error"].as_str().unwrap().contains("b.ledger"),
        "{unread}"
    );

    fs::create_dir(program.path("empty")).unwrap();
    let empty = program.run(&["campaigns", "empty"]);
    assert_eq!(
        empty.exits(0).stdout,
        "There are no campaigns in this folder.\n"
    );
    assert_eq!(
        program
            .run(&["campaigns", "empty", "--json"])
            .exits(0)
            .stdout,
        "[]\n"
    );
    program.run(&["campaigns", "gone"]).exits(1).says(&["gone"]);
}

/// An earlier campaign of the same name is told from the one that took its place.
#[test]
fn a_ledger_that_was_set_aside_is_listed_with_its_name() {
    let gateway = Gateway::accepting();
    let program = Program::with(&[("a.csv", &sheet(0))]);
    program.send(&gateway, &["a.csv"]).exits(0);
    program.write("a.csv", sheet(1));
    program
        .send(&gateway, &["a.csv", "--on-change", "new"])
        .exits(0);
    let text = program.run(&["campaigns"]);
    let lines: Vec<_> = text.exits(0).stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].contains("a (a.20") && lines[0].ends_with("Z.ledger): 4 accepted"),
        "{text}"
    );
    assert!(lines[1].ends_with("a: 4 accepted"), "{text}");
}
