//! Campaigns in a PostgreSQL database: the same commands, by name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod common;

use common::gateway::trx_of;
use common::{Gateway, Program, Reply, count_statuses, counts, people, postgres};

const HI: [&str; 2] = ["--message", "Hi {{ name }}"];

/// A database of its own. `None`: there is no PostgreSQL on this machine.
fn store(name: &str) -> Option<String> {
    Some(postgres::server()?.database(name))
}

/// Words of a command, with the store.
fn with<'a>(words: &[&'a str], more: &[&'a str], store: &'a str) -> Vec<&'a str> {
    [words, more, &["--store", store]].concat()
}

#[test]
fn a_campaign_is_planned_sent_and_reported_by_its_name() {
    let Some(store) = store("by_name") else {
        return;
    };
    let gateway = Gateway::accepting();
    let program = Program::with(&[("may.csv", &people(3))]);
    let run = |words: &[&str]| program.run(&with(words, &[], &store));
    program
        .run(&with(&["plan", "may.csv"], &HI, &store))
        .exits(0);
    assert!(!program.ledger_exists(), "nothing is in a file");
    let planned = run(&["status", "may"]);
    assert!(planned.exits(0).stdout.contains("Pending       3"));
    program
        .send(&gateway, &with(&["may"], &["--limit", "1"], &store))
        .exits(0);
    // The spreadsheet is the same campaign, and so is the environment's store.
    program
        .send_command(&gateway.url(), &[&["may.csv"][..], &HI].concat())
        .env("ISMS_STORE", &store)
        .run()
        .exits(0);
    assert_eq!(gateway.requests().len(), 3);
    run(&["verify", "may"]).exits(0);
    run(&["results", "may"]).exits(0);
    let rows = program.results("may.results.csv");
    assert_eq!(count_statuses(&rows), counts(&[("accepted", 3)]));
}

#[test]
fn what_is_unknown_or_pending_is_settled_by_name() {
    let Some(store) = store("settled") else {
        return;
    };
    let silent = Gateway::new(|_, nth| match nth {
        1 => Reply::ok(""),
        _ => Reply::accepted(trx_of(nth)),
    });
    let program = Program::with(&[("may.csv", &people(4))]);
    let limited = [&["may.csv"][..], &HI, &["--limit", "2"]].concat();
    program.send(&silent, &with(&limited, &[], &store)).exits(5);
    let run = |words: &[&str]| program.run(&with(words, &[], &store));
    run(&["resolve", "may", "--all", "--as", "accepted"]).exits(0);
    run(&["cancel", "may", "--yes"]).exits(0);
    run(&["verify", "may"]).exits(0);
    run(&["results", "may"]).exits(0);
    let rows = program.results("may.results.csv");
    let expected = counts(&[("accepted", 2), ("cancelled", 2)]);
    assert_eq!(count_statuses(&rows), expected);
}
