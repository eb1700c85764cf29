//! The throttle, measured where it counts: at the gateway. Its tests take real seconds and have a binary of their
//! own, in which they run one after the other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::Mutex;

use common::{Gateway, Program, people};

/// How often a measurement is taken before its failure counts: a busy machine can hold requests back and let them
/// arrive in a bunch, but it cannot make a throttle out of nothing. A throttle that is wrong is wrong every time.
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
    let mut requests = gateway.requests();
    requests.sort_by_key(|request| request.at);
    let first = requests[0].at;
    let arrivals: Arrivals = requests
        .iter()
        .map(|r| {
            let recipients = u32::try_from(r.numbers.len()).unwrap();
            ((r.at - first).as_secs_f64(), f64::from(recipients))
        })
        .collect();
    let sent: f64 = arrivals.iter().map(|(_, n)| n).sum();
    assert_eq!(sent.to_string(), rows.to_string());
    arrivals
}

/// By how many recipients any window, both ends included, is above `rate * length`.
fn most_above(rate: f64, arrivals: &Arrivals) -> f64 {
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

/// The rate from the first arrival to the last: what came after the first, by the time it took.
fn rate_used(arrivals: &Arrivals) -> f64 {
    let after_first: f64 = arrivals[1..].iter().map(|(_, n)| n).sum();
    after_first / arrivals.last().unwrap().0
}

/// Measures until the claims hold, at most `MEASUREMENTS` times.
fn holds(measure: impl Fn() -> Arrivals, claims: impl Fn(&Arrivals) -> Result<(), String>) {
    let _alone = ALONE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut failures = Vec::new();
    for _ in 0..MEASUREMENTS {
        match claims(&measure()) {
            Ok(()) => return,
            Err(failure) => failures.push(failure),
        }
    }
    panic!("in every measurement: {failures:#?}");
}

#[test]
fn single_messages_use_the_rate_and_keep_it() {
    let measure = || arrivals(600, &["--rate", "60/s", "--batch-size", "1"]);
    holds(measure, |arrivals| {
        let above = most_above(60.0, arrivals);
        let used = rate_used(arrivals);
        if above > 2.0 + 2.0 {
            return Err(format!("a window has {above:.2} more than the rate's line"));
        }
        if used < 60.0 * 0.985 {
            return Err(format!("only {used:.2} a second are used"));
        }
        Ok(())
    });
}

#[test]
fn batches_are_never_more_than_one_batch_above_the_rate() {
    // Arrivals at a socket are a little early or late; 20 ms are 6 recipients at this rate, a fifth of a batch.
    let jitter = 300.0 * 0.020;
    let measure = || arrivals(1800, &["--rate", "300/s", "--batch-size", "30"]);
    holds(measure, |arrivals| {
        let above = most_above(300.0, arrivals);
        let used = rate_used(arrivals);
        if above > 30.0 + jitter {
            return Err(format!("a window has {above:.2} more than the rate's line"));
        }
        if used < 300.0 * 0.97 {
            return Err(format!("only {used:.2} a second are used"));
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
    holds(measure, |arrivals| match most_above(50.0, arrivals) {
        above if above > 2.0 + 2.0 => Err(format!("a window has {above:.2} more than the line")),
        _ => Ok(()),
    });
}

#[test]
fn the_measure_itself_can_tell() {
    let even: Arrivals = (0..100).map(|i| (f64::from(i) * 0.1, 1.0)).collect();
    assert!(most_above(10.0, &even) < 1.01);
    assert!((rate_used(&even) - 10.0).abs() < 0.01);
    let burst: Arrivals = (0..100).map(|i| (f64::from(i / 10), 1.0)).collect();
    assert!(most_above(10.0, &burst) > 9.0);
}
