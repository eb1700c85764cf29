//! Three processes that send one campaign of a store: what ends one of them, what ends all, and what a person may decide meanwhile.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod common;

use std::time::{Duration, Instant};

use common::gateway::{Gate, trx_of};
use common::program::Running;
use common::stored::{Stored, holding, stored};
use common::{Gateway, Reply, counts, people, postgres};

/// Changes rows of the store behind the program's back.
fn change(database: &str, sql: &str) {
    let mut owner = postgres::server().unwrap().connect(database);
    owner.batch_execute(sql).unwrap();
}

/// Waits until a condition of the database holds.
fn wait_until(database: &str, condition: &str) {
    let mut owner = postgres::server().unwrap().connect(database);
    let patience = Instant::now() + Duration::from_secs(60);
    let sql = format!("SELECT {condition} FROM isms_campaign.campaign");
    while !owner.query_one(&sql, &[]).unwrap().get::<_, bool>(0) {
        assert!(Instant::now() < patience, "{condition}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How many processes are sending.
const SENDING: &str = "(SELECT count(*) FROM isms_campaign.live_sender JOIN isms_campaign.sender USING (id) WHERE begins_at IS NOT NULL)";

#[test]
fn an_account_code_for_one_stops_all_and_the_rest_is_sent_later() {
    let Some(store) = stored("stopped", &people(600)) else {
        return;
    };
    store.plan();
    let gate = Gate::closed();
    let held_back = gate.clone();
    let gateway = Gateway::new(move |_, nth| match nth {
        0..3 => Reply::accepted(trx_of(nth)).behind(&held_back),
        60 => Reply::ok("-1004"),
        _ => Reply::accepted(trx_of(nth)),
    });
    let start = |nth| {
        let words = ["may", "--summary-json", &format!("{nth}.json")];
        store.sending(&gateway, &words).start()
    };
    let all = [0, 1, 2].map(start);
    // Each makes its first request alone.
    gateway.wait_for_requests(3);
    gate.open();
    for sender in all {
        sender.wait().exits(4).says(&["-1004", "run again"]);
    }
    for nth in 0..3 {
        let summary = store.program.summary_json(&format!("{nth}.json"));
        assert_eq!(summary["stopped_by"], "account", "{summary}");
    }
    // The others learn of it at their next claim.
    assert!(gateway.count() < 300, "{}", gateway.count());
    let pending = store.counts("may")["pending"];
    assert_eq!(pending, 600 - (gateway.count() - 1));
    assert_eq!(store.counts("may").get("unknown"), None);
    store.run(&["verify", "may"]).exits(0);
    store.sending(&gateway, &["may"]).run().exits(0);
    gateway.assert_nothing_twice();
    assert_eq!(store.counts("may"), counts(&[("accepted", 600)]));
}

/// One that has claimed a batch, whose request the gateway holds.
fn held(store: &Stored, gateway: &Gateway) -> Running {
    let held = store.sending(gateway, &["may"]).start();
    gateway.wait_for_requests(1);
    held
}

#[test]
fn what_ends_one_of_three_keeps_it_waiting_for_none() {
    let Some(store) = stored("three", &people(20)) else {
        return;
    };
    store.plan();
    let gate = Gate::closed();
    let gateway = holding(&gate);
    let first = held(&store, &gateway);
    let limited = store.sending(&gateway, &["may", "--limit", "2"]);
    limited.run().exits(0);
    let late = ["may", "--not-after", "2026-01-01T00:00:00Z"];
    store.sending(&gateway, &late).run().exits(3);
    let never = [
        "may",
        "--window",
        "mon-sun 00:00-00:01",
        "--time-zone",
        "UTC",
    ];
    let waiting = store.sending(&gateway, &never).within("exec 2>waiting.log");
    let waiting = waiting.start();
    store.wait_for_log("waiting.log", "Waits until");
    waiting.signal("INT");
    waiting.wait().exits(130);
    let slow = ["may", "--rate", "1/m"];
    let slow = store.sending(&gateway, &slow).within("exec 2>slow.log");
    let slow = slow.start();
    wait_until("three", &format!("{SENDING} = 2"));
    slow.signal("TERM");
    slow.wait().exits(143);
    // None of them has waited for the first, whose row counts for none.
    assert_eq!(store.counts("may").get("unknown"), Some(&1));
    gate.open();
    first.wait().exits(0);
    gateway.assert_nothing_twice();
    assert_eq!(store.counts("may"), counts(&[("accepted", 20)]));
}

#[test]
fn unknowns_stop_only_the_one_that_has_them() {
    let Some(store) = stored("unknowns", &people(2)) else {
        return;
    };
    store.plan();
    let gate = Gate::closed();
    let held_back = gate.clone();
    let gateway = Gateway::new(move |_, nth| match nth {
        0 => Reply::accepted(trx_of(nth)).behind(&held_back),
        _ => Reply::ok(""),
    });
    let first = held(&store, &gateway);
    let words = ["may", "--max-unknown", "1"];
    store.sending(&gateway, &words).run().exits(5);
    gate.open();
    first.wait().exits(5);
    assert_eq!(
        store.counts("may"),
        counts(&[("accepted", 1), ("unknown", 1)])
    );
}

#[test]
fn what_may_be_under_way_is_settled_as_not_sent_only_when_it_is_old_enough() {
    let Some(store) = stored("ages", &people(4)) else {
        return;
    };
    store.plan();
    let gate = Gate::closed();
    let held_back = gate.clone();
    let gateway = Gateway::new(move |_, nth| match nth {
        0 => Reply::ok(""),
        1 => Reply::accepted(trx_of(nth)).behind(&held_back),
        _ => Reply::accepted(trx_of(nth)),
    });
    // The first row is unknown because its answer was none, the second because its sender is gone.
    let one = ["may", "--limit", "1"];
    store.sending(&gateway, &one).run().exits(5);
    let sender = store.sending(&gateway, &["may", "--timeout", "20"]).start();
    gateway.wait_for_requests(2);
    let named = ["resolve", "may", "--rows", "1-2", "--as", "not-sent"];
    let all = ["resolve", "may", "--all", "--as", "not-sent"];
    let refused = store.run(&named);
    refused
        .exits(1)
        .says(&["row 2 cannot be resolved yet", "its sender is there"]);
    sender.killed_after(Duration::ZERO);
    let refused = store.run(&named);
    refused
        .exits(1)
        .says(&["row 2 cannot be resolved yet", "seconds"]);
    let in_part = store.run(&all);
    in_part.exits(0).says(&[
        "1 row settled",
        "1 row was left out",
        "Run again in ",
        "seconds",
    ]);
    // Its time-out and a minute have passed by the database's clock.
    change(
        "ages",
        "UPDATE isms_campaign.attempt SET claimed = claimed - interval '81 seconds'",
    );
    store.run(&all).exits(0).says(&["1 row settled"]);
    gate.open();
    store.sending(&gateway, &["may"]).run().exits(0);
    assert_eq!(store.counts("may"), counts(&[("accepted", 4)]));
    store.run(&["verify", "may"]).exits(0);
}

#[test]
fn a_spread_holds_for_all_that_send() {
    let Some(store) = stored("spread", &people(30)) else {
        return;
    };
    store.plan();
    let gateway = Gateway::accepting();
    let spread = |words: &[&str]| {
        let url = gateway.url();
        let send = ["send", "may", "--yes", "--gateway", &url];
        let send = store.command(&[&send[..], words].concat());
        send.credentials().start()
    };
    let first = spread(&["--spread", "6s"]);
    gateway.wait_for_requests(1);
    // It keeps the rate that the first has set.
    let second = spread(&[]);
    first.wait().exits(0);
    second.wait().exits(0);
    let requests = gateway.requests();
    let times = requests.iter().map(|request| request.at);
    let took = times.clone().max().unwrap() - times.min().unwrap();
    assert!(took > Duration::from_millis(4500), "{took:?}");
    gateway.assert_nothing_twice();
    assert_eq!(gateway.count(), 30);
}

/// A test is a campaign of its own, with the same rules.
#[test]
fn a_test_keeps_the_rate_of_the_account_and_refuses_a_copy() {
    let Some(store) = stored("tested", &people(2)) else {
        return;
    };
    store.plan();
    let gate = Gate::closed();
    let gateway = holding(&gate);
    let words = ["may", "--rate", "1/h", "--limit", "1"];
    let sender = store.sending(&gateway, &words).start();
    gateway.wait_for_requests(1);
    let url = gateway.url();
    let test = [
        "test",
        "may",
        "--to",
        "012-550 9999",
        "--yes",
        "--gateway",
        &url,
    ];
    let tested = store.command(&test).credentials();
    let tested = tested.within("exec 2>test.log").start();
    wait_until("tested", &format!("bool_and({SENDING} = 2)"));
    // Its turn comes in an hour.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(gateway.count(), 1);
    tested.signal("INT");
    tested.wait().exits(130);
    gate.open();
    sender.wait().exits(0);
    change(
        "tested",
        "UPDATE isms_campaign.version SET identity = 'another'",
    );
    let refused = store.command(&test).credentials().run();
    refused.exits(1).says(&["copy"]);
    assert_eq!(gateway.count(), 1);
}
