//! Plans whose requests hold messages with texts of their own.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::{InCommon, RequestLimits, Timestamp};
use crate::ledger::{Campaign, Location, Recipient};

struct NoProgress;

impl Progress for NoProgress {
    fn opened(&self, _: Option<u64>) {}
    fn planned(&self, _: u64, _: u64) {}
}

/// Plans these rows of numbers and messages. Returns the batch of each row, or 0, after the ledger was verified.
fn batches(rows: &str, limits: RequestLimits) -> Vec<u64> {
    let folder = tempfile::tempdir().unwrap();
    let sheet = folder.path().join("a.csv");
    let ledger = Location::from(folder.path().join("a.ledger"));
    std::fs::write(&sheet, format!("phone,message\n{rows}")).unwrap();
    let options = PlanOptions {
        limits,
        ..PlanOptions::default()
    };
    let (input, read) = (Input::File(sheet), ReadOptions::default());
    let lists = Suppression::default();
    let lock = ledger.lock("a test").unwrap();
    let plan = super::plan(&input, &read, &options, &lists, &lock, &NoProgress).unwrap();
    let planned_at = Timestamp::parse("2026-11-22T23:20:00.000+08:00").unwrap();
    let campaign = Campaign {
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        name: "a".to_owned(),
        input: "a.csv".to_owned(),
        options: plan.options,
        digest: plan.digest,
        header: plan.header,
        delimiter: plan.dialect.delimiter,
        bom: plan.dialect.bom,
        report: plan.report,
        expires_at: planned_at.clone(),
        planned_at,
        gateway_host: None,
    };
    plan.writer.finish(&campaign, false).unwrap();
    let snapshot = ledger.snapshot().unwrap();
    let wrong = snapshot.verify(false, &|_, _| false).unwrap();
    assert!(wrong.is_empty(), "{wrong:?}");
    let mut batches = Vec::new();
    let mut each = |recipient: Recipient<'_>| {
        batches.push(recipient.batch.unwrap_or(0));
        Ok(())
    };
    snapshot.recipients(1..=u32::MAX, &mut each).unwrap();
    batches
}

#[test]
fn batches_follow_the_limits_of_a_request() {
    let rows = "\
0125500001,a
0125500002,b
0125500003,é
0125500001,c
0125500004,b
nonsense,b
0125500002,ü
0125500004,b
0125500005,d
0125500006,é
";
    for (messages, in_common, expected) in [
        (1, InCommon::Text, [1, 2, 3, 4, 5, 0, 6, 0, 7, 8]),
        (2, InCommon::Text, [1, 2, 3, 4, 2, 0, 5, 0, 6, 3]),
        (1, InCommon::Type, [1, 2, 3, 4, 5, 0, 6, 0, 7, 8]),
        (2, InCommon::Type, [1, 1, 2, 3, 4, 0, 5, 0, 4, 2]),
        (3, InCommon::Type, [1, 1, 2, 3, 1, 0, 4, 0, 5, 2]),
        (50, InCommon::Type, [1, 1, 2, 3, 1, 0, 4, 0, 1, 2]),
    ] {
        let limits = RequestLimits {
            messages: u32::try_into(messages).unwrap(),
            in_common,
        };
        assert_eq!(batches(rows, limits), expected, "{limits:?}");
    }
}
