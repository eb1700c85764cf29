//! Names of campaigns in a store, and what is beside the spreadsheet on the machine where they are typed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod common;

use std::fs;
use std::time::Duration;

use common::stored::{HI, stored};
use common::{Gateway, Program, people};

#[test]
fn the_longest_name_can_be_set_aside_tested_and_reported() {
    let Some(store) = stored("longest", &people(1)) else {
        return;
    };
    let gateway = Gateway::accepting();
    let name = "é".repeat(90);
    let plan = ["plan", "may.csv", "--name", &name, "--repeat", "allow"];
    store.run(&[&plan[..], &HI].concat()).exits(0);
    // Two of one second differ by a number.
    for text in ["Hello", "Hey"] {
        let anew = ["--on-change", "new", "--message", text];
        store.run(&[&plan[..], &anew].concat()).exits(0);
    }
    let listed = store.listed();
    assert_eq!(listed.len(), 3);
    let url = gateway.url();
    for campaign in listed {
        let name = campaign["ledger"].as_str().unwrap();
        store.run(&["status", name]).exits(0);
        store.run(&["results", name]).exits(0);
        assert!(store.program.path(&format!("{name}.results.csv")).exists());
        let to = ["--to", "012-550 9999", "--yes", "--gateway", &url];
        let test = store.command(&[&["test", name][..], &to].concat());
        test.credentials().run().exits(0);
    }
    let longer = format!("{name}a");
    let sheet = format!("{longer}.csv");
    store.program.write(&sheet, people(1));
    let named = [&["plan", "may.csv", "--name", &longer][..], &HI].concat();
    let by_itself = [&["plan", &sheet][..], &HI].concat();
    for words in [named, by_itself] {
        store
            .run(&words)
            .exits(2)
            .says(&["at most 180 bytes", "--name"]);
    }
}

#[test]
fn names_lead_to_no_other_place_and_are_no_files() {
    let Some(store) = stored("odd", &people(1)) else {
        return;
    };
    let plan = |name: &str| {
        let named = format!("--name={name}");
        store.run(&[
            "plan",
            "may.csv",
            &named,
            "--message",
            "Hi",
            "--repeat",
            "allow",
        ])
    };
    for refused in ["../x", "/tmp/x", "a/../b", "-x", "a\tb", "a\u{1b}[2J", ""] {
        plan(refused).exits(2);
    }
    for like_a_file in ["may.csv", "x.toml", "x.ledger", "X.XLSX"] {
        plan(like_a_file)
            .exits(2)
            .says(&["would be taken for that file", "--name"]);
    }
    // Each is another campaign, whose results are in this folder.
    for name in [
        "..", ".", "a b", "*", "May", "MAY", "é", "e\u{301}", "👍🏽", "%2e%2e",
    ] {
        plan(name).exits(0);
        store.run(&["status", name]).exits(0);
        store.run(&["results", name]).exits(0);
        let results = format!("{name}.results.csv");
        assert!(store.program.files().contains(&results), "{results}");
    }
    assert_eq!(store.listed().len(), 10);
}

/// A ledger that is gone is missed, because its lock is still there.
#[test]
fn a_ledger_in_a_file_that_is_gone_is_not_planned_in_a_store() {
    let Some(store) = stored("gone", &people(2)) else {
        return;
    };
    let gateway = Gateway::accepting();
    let hi = [&["may.csv"][..], &HI].concat();
    let planned = [&["plan"][..], &hi].concat();
    let program = &store.program;
    // A plan that is gone is none.
    program.run(&planned).exits(0);
    fs::remove_file(program.path("may.ledger")).unwrap();
    store.run(&planned).exits(0);
    store.run(&["cancel", "may", "--yes"]).exits(0);
    let anew = [&hi[..], &["--on-change", "new"]].concat();
    program.send(&gateway, &anew).exits(0);
    fs::remove_file(program.path("may.ledger")).unwrap();
    for refused in [store.run(&planned), store.sending(&gateway, &hi).run()] {
        refused
            .exits(1)
            .says(&["may.ledger", "it is gone", "--name"]);
    }
    let june = [&planned[..], &["--name", "june"]].concat();
    store.run(&june).exits(0);
    assert_eq!(gateway.count(), 2);
}

#[test]
fn a_pipe_in_the_place_of_a_ledger_keeps_nobody_waiting() {
    let program = Program::with(&[("may.csv", &people(1))]);
    program.pipe("may.ledger");
    program.pipe("pipe");
    let plan = [&["plan", "may.csv"][..], &HI].concat();
    let decide = ["resolve", "may.ledger", "--all", "--as", "not-sent"];
    for words in [
        &["status", "may.ledger"][..],
        &["status", "may.csv"],
        &["verify", "may.ledger"],
        &["results", "may.ledger"],
        &["cancel", "may.ledger", "--yes"],
        &decide,
        &plan,
    ] {
        let run = program.command(words).bound(Duration::from_secs(30)).run();
        run.exits(1).says(&["is a pipe", "name the file"]);
    }
    program.run(&["status", "pipe"]).exits(1);
    program.run(&["campaigns", "."]).exits(0);
}
