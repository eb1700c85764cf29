//! What the end-to-end tests share: a fake gateway that records all it is asked, and the real program in a folder
//! of its own. Neither knows any code of the crate; both follow its documents only.
#![allow(
    dead_code, // every test binary uses a part
    unused_imports, unused_macros,
    clippy::disallowed_methods, clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value
)]

pub(crate) mod advising;
pub(crate) mod backend;
pub(crate) mod database_proxy;
pub(crate) mod gateway;
pub(crate) mod network;
pub(crate) mod postgres;
pub(crate) mod program;
pub(crate) mod sandbox;
pub(crate) mod stored;
pub(crate) mod tls;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::thread;
use std::time::Duration;

pub(crate) use backend::{Backend, on_every_backend};
pub(crate) use gateway::{Gateway, Reply};
pub(crate) use program::Program;
pub(crate) use sandbox::Sandbox;

/// One row of a CSV, by column.
pub(crate) type Row = BTreeMap<String, String>;

/// A password whose raw and percent-encoded forms differ, with a run of letters that survives every encoding.
pub(crate) const PASSWORD: &str = "s3cr&t Zx9Qv7TkLm+=%41/ö";
/// The account's name in every test.
pub(crate) const USERNAME: &str = "kedaiku";

/// The columns of a results CSV that are the program's own, in order.
pub(crate) const OUR_COLUMNS: [&str; 12] = [
    "sms_row",
    "sms_to",
    "sms_status",
    "sms_code",
    "sms_trx_id",
    "sms_detail",
    "sms_type",
    "sms_credits",
    "sms_batch",
    "sms_attempts",
    "sms_sent_at",
    "sms_message",
];

/// The keys every summary has.
pub(crate) const SUMMARY_KEYS: [&str; 26] = [
    "campaign",
    "ledger",
    "results",
    "rows",
    "accepted",
    "refused",
    "unknown",
    "pending",
    "invalid",
    "duplicate",
    "suppressed",
    "cancelled",
    "batches",
    "requests",
    "credits",
    "balance_before",
    "balance_after",
    "gateway",
    "sandbox",
    "started_at",
    "ended_at",
    "elapsed_seconds",
    "exit_code",
    "stopped_by",
    "error",
    "error_kind",
];

/// The eight statuses a row can end in.
pub(crate) const STATUSES: [&str; 8] = [
    "accepted",
    "refused",
    "unknown",
    "pending",
    "invalid",
    "duplicate",
    "suppressed",
    "cancelled",
];

/// The `i`th number of the tests in international format: a valid Malaysian mobile, none of them a fault of the sandbox.
pub(crate) fn msisdn(i: usize) -> String {
    assert!(i < 100_000, "the tests have 100,000 numbers");
    format!("601255{i:05}")
}

/// The `i`th number as people write it (`012-550 0007`).
pub(crate) fn phone(i: usize) -> String {
    let digits = msisdn(i);
    format!("0{}-{} {}", &digits[2..4], &digits[4..7], &digits[7..])
}

/// A CSV `name,phone` of `rows` people, for a broadcast with one text.
pub(crate) fn people(rows: usize) -> String {
    let mut csv = String::from("name,phone\n");
    for i in 0..rows {
        writeln!(csv, "Aminah {i},{}", phone(i)).unwrap();
    }
    csv
}

/// A CSV `phone,message` of `rows` people, each with a text of their own, so that each is a batch.
pub(crate) fn own_texts(rows: usize) -> String {
    let mut csv = String::from("phone,message\n");
    for i in 0..rows {
        writeln!(csv, "{},KedaiKu: parcel {i} is ready", phone(i)).unwrap();
    }
    csv
}

/// How many rows have each status, statuses without a row left out.
pub(crate) fn count_statuses(rows: &[Row]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for row in rows {
        *counts.entry(row["sms_status"].clone()).or_insert(0) += 1;
    }
    counts
}

/// The counts in the shape of `count_statuses`.
pub(crate) fn counts(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected
        .iter()
        .map(|(status, count)| ((*status).to_owned(), *count))
        .collect()
}

/// Panics unless the results have a row for every row of the input, in its order, with its columns first and
/// unchanged and ours behind them. Returns the results.
pub(crate) fn rows_in_are_rows_out(program: &Program, input: &str, results: &str) -> Vec<Row> {
    let own = program.header(input);
    let mut header = own.clone();
    header.extend(OUR_COLUMNS.map(str::to_owned));
    assert_eq!(program.header(results), header);
    let before = program.results(input);
    let after = program.results(results);
    assert_eq!(after.len(), before.len(), "rows in, rows out");
    for (i, (before, after)) in before.iter().zip(&after).enumerate() {
        assert_eq!(after["sms_row"], (i + 1).to_string());
        for column in &own {
            assert_eq!(after[column], before[column], "row {}, {column}", i + 1);
        }
        let status = after["sms_status"].as_str();
        assert!(STATUSES.contains(&status), "row {}: {status:?}", i + 1);
    }
    after
}

/// Panics unless `verify` says that the books of the ledger balance.
pub(crate) fn verifies(program: &Program, ledger: &str) {
    program.run(&["verify", ledger]).exits(0);
}

/// Waits until this is so, for 20 seconds at most.
pub(crate) fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("{what} did not happen");
}
