//! Connections to the database of a campaign that are lost at any moment of a `send`, from its first word to its last.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use common::database_proxy::{DatabaseProxy, Stage};
use common::{Gateway, Program, count_statuses, counts, own_texts, phone, postgres};

/// A campaign is planned and sent in one run, or sent that was planned before. The connection over which the program says something
/// for the `cut`th time is lost, before the server gets it or before the program gets the answer. Returns how often it said something.
fn is_sent_although_cut(server: &postgres::Server, is_planned: bool, cut: u32, at: Stage) -> u32 {
    let name = format!("lost_{is_planned}_{cut}_{at:?}").to_lowercase();
    let store = server.database(&name);
    let program = Program::with(&[("may.csv", &own_texts(4)), ("out.txt", &phone(3))]);
    let words = ["may.csv", "--store", &store];
    if is_planned {
        program.run(&[&["plan"], &words[..]].concat()).exits(0);
    }
    let said = Arc::new(AtomicU32::new(0));
    let messages = said.clone();
    let proxy = DatabaseProxy::of_all(&server.socket(), move |nth, stage| {
        messages.fetch_max(nth, Ordering::SeqCst);
        nth != cut || stage != at
    });
    let gateway = Gateway::accepting();
    let more = [
        "--suppress",
        "out.txt",
        "--cooldown",
        "1d",
        "--concurrency",
        "1",
    ];
    let through_proxy = proxy.url(&name);
    let sending = [
        "may.csv",
        "--store",
        &through_proxy,
        "--summary-json",
        "s.json",
    ];
    let run = program.send(&gateway, &[&sending[..], &more].concat());
    run.exits(0);
    assert_eq!(gateway.count(), 3, "{name}");
    gateway.assert_nothing_twice();
    program.run(&["verify", "may", "--store", &store]).exits(0);
    let statuses = count_statuses(&program.results("may.results.csv"));
    assert_eq!(
        statuses,
        counts(&[("accepted", 3), ("suppressed", 1)]),
        "{name}"
    );
    said.load(Ordering::SeqCst)
}

/// Some of the few hundred moments; with all of them (many minutes): `STEP=1 cargo test --test store_lost`
#[test]
fn a_connection_that_is_lost_at_any_moment_costs_a_send_nothing_but_time() {
    let Some(server) = postgres::server() else {
        return;
    };
    let step = std::env::var("STEP").map_or(31, |step| step.parse().unwrap());
    thread::scope(|scope| {
        for at in [Stage::Commit, Stage::Confirmation] {
            for is_planned in [false, true] {
                scope.spawn(move || {
                    let mut cut = 0;
                    while is_sent_although_cut(server, is_planned, cut, at) >= cut {
                        cut += step;
                    }
                    assert!(cut > 100, "{cut}");
                });
            }
        }
    });
}
