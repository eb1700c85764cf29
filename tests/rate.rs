//! The throttle, measured at the gateway. These tests take real seconds, so they have their own binary and run in turn.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use common::gateway::Request;
use common::stored::stored;
use common::{Gateway, Program, people, postgres};

/// How often a measurement is repeated before its failure counts. A busy machine can delay requests and let them arrive
/// together, but a wrong throttle is wrong every time.
const MEASUREMENTS: usize = 3;

/// One measurement at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// When each request arrived, in seconds from the first, and how many recipients it had.
type Arrivals = Vec<(f64, f64)>;

fn arrivals(rows: usize, arguments: &[&str]) -> Arrivals {
    let program = Program::with(&[("customers.csv", &people(rows))]);
    let gateway = Gateway::accepting();
    let mut all = vec![
        "customers.csv",
        "--message",
        "KedaiKu: we are open until midnight",
    ];
    all.extend(arguments);
    program.send(&gateway, &all).exits(0);
    gateway.assert_nothing_twice();
    let arrivals = arrivals_at(&gateway);
    let sent: f64 = arrivals.iter().map(|(_, n)| n).sum();
    assert_eq!(sent.to_string(), rows.to_string());
    arrivals
}

fn arrivals_at(gateway: &Gateway) -> Arrivals {
    let mut requests = gateway.requests();
    requests.sort_by_key(|request| request.at);
    let first = requests[0].at;
    let arrival = |request: &Request| {
        let recipients = u32::try_from(request.numbers.len()).unwrap();
        ((request.at - first).as_secs_f64(), f64::from(recipients))
    };
    requests.iter().map(arrival).collect()
}

/// The most recipients by which any window, both ends included, exceeds `rate * length`.
fn largest_excess(rate: f64, arrivals: &Arrivals) -> f64 {
    let mut most = f64::MIN;
    for (i, (from, _)) in arrivals.iter().enumerate() {
        let mut sum = 0.0;
        for (to, recipients) in &arrivals[i..] {
            sum += recipients;
            most = most.max(sum - rate * (to - from));
        }
    }
    most
}

/// The rate from the first arrival to the last: the recipients after the first one, divided by the time.
fn rate_used(arrivals: &Arrivals) -> f64 {
    let after_first: f64 = arrivals[1..].iter().map(|(_, n)| n).sum();
    after_first / arrivals.last().unwrap().0
}

/// Measures until the check passes, at most `MEASUREMENTS` times.
fn measure_until_ok(
    measure: impl Fn() -> Arrivals,
    check: impl Fn(&Arrivals) -> Result<(), String>,
) {
    let _alone = ALONE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut failures = Vec::new();
    for _ in 0..MEASUREMENTS {
        match check(&measure()) {
            Ok(()) => return,
            Err(failure) => failures.push(failure),
        }
    }
    panic!("in every measurement: {failures:#?}");
}

#[test]
fn single_messages_use_the_rate_and_keep_it() {
    let measure = || arrivals(600, &["--rate", "60/s", "--batch-size", "1"]);
    measure_until_ok(measure, |arrivals| {
        let above = largest_excess(60.0, arrivals);
        let used = rate_used(arrivals);
        if above > 2.0 + 2.0 {
            return Err(format!("a window exceeds the rate by {above:.2}"));
        }
        if used < 60.0 * 0.985 {
            return Err(format!("only {used:.2} recipients per second"));
        }
        Ok(())
    });
}

#[test]
fn batches_are_never_more_than_one_batch_above_the_rate() {
    // Arrivals at a socket are a little early or late: 20 ms are 6 recipients at this rate, a fifth of a batch.
    let jitter = 300.0 * 0.020;
    let measure = || arrivals(1800, &["--rate", "300/s", "--batch-size", "30"]);
    measure_until_ok(measure, |arrivals| {
        let above = largest_excess(300.0, arrivals);
        let used = rate_used(arrivals);
        if above > 30.0 + jitter {
            return Err(format!("a window exceeds the rate by {above:.2}"));
        }
        if used < 300.0 * 0.97 {
            return Err(format!("only {used:.2} recipients per second"));
        }
        Ok(())
    });
}

#[test]
fn every_worker_shares_the_one_rate() {
    let measure = || {
        arrivals(
            100,
            &["--rate", "50/s", "--batch-size", "1", "--concurrency", "16"],
        )
    };
    measure_until_ok(measure, |arrivals| match largest_excess(50.0, arrivals) {
        above if above > 2.0 + 2.0 => Err(format!("a window exceeds the rate by {above:.2}")),
        _ => Ok(()),
    });
}

/// Only the line is exact: what is used of the rate depends on how much time this machine has for three processes and a server.
#[test]
fn senders_of_a_store_share_the_one_rate() {
    if postgres::server().is_none() {
        return;
    }
    let measurements = AtomicU32::new(0);
    let measure = || {
        let nth = measurements.fetch_add(1, Ordering::Relaxed);
        let store = stored(&format!("rate_{nth}"), &people(150)).unwrap();
        store.plan();
        let gateway = Gateway::accepting();
        let rate = ["may", "--rate", "25/s", "--concurrency", "2"];
        let both = [0; 2].map(|_| store.sending(&gateway, &rate).start());
        for sender in both {
            sender.wait().exits(0);
        }
        gateway.assert_nothing_twice();
        arrivals_at(&gateway)
    };
    measure_until_ok(measure, |arrivals| {
        let above = largest_excess(25.0, arrivals);
        let used = rate_used(arrivals);
        // A burst of two for each sender, and 80 ms of this machine.
        if above > 4.0 + 2.0 {
            return Err(format!("a window exceeds the rate by {above:.2}"));
        }
        if used < 25.0 * 0.7 {
            return Err(format!("only {used:.2} recipients per second"));
        }
        Ok(())
    });
}

#[test]
fn the_measure_tells_even_from_bursty() {
    let even: Arrivals = (0..100).map(|i| (f64::from(i) * 0.1, 1.0)).collect();
    assert!(largest_excess(10.0, &even) < 1.01);
    assert!((rate_used(&even) - 10.0).abs() < 0.01);
    let burst: Arrivals = (0..100).map(|i| (f64::from(i / 10), 1.0)).collect();
    assert!(largest_excess(10.0, &burst) > 9.0);
}
