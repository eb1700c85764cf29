//! Plans whose requests hold messages with texts of their own, and spreadsheets that change.
#![allow(clippy::unwrap_used)]

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::domain::{InCommon, RequestLimits, Timestamp};
use crate::ledger::{Campaign, Location, Recipient};
use crate::source::Input;

struct NoProgress;

impl Progress for NoProgress {
    fn opened(&self, _: Option<u64>) {}
    fn planned(&self, _: u64, _: u64) {}
}

fn planned(
    sheet: &Path,
    ledger: &Location,
    options: &PlanOptions,
    progress: &dyn Progress,
) -> Result<Plan> {
    let (input, read) = (Input::File(sheet.to_owned()), ReadOptions::default());
    let lists = Suppression::default();
    let lock = ledger.lock("a test", &|| {}).unwrap();
    let kept = KeptInput::new(&input, reads_twice(options)).unwrap();
    super::plan(&kept, &read, options, &lists, &lock, progress)
}

/// Plans these rows of numbers and messages. Returns the batch of each row, or 0, after the ledger was verified.
fn batches(rows: &str, limits: RequestLimits) -> Vec<u64> {
    let folder = tempfile::tempdir().unwrap();
    let sheet = folder.path().join("a.csv");
    let ledger = Location::from(folder.path().join("a.ledger"));
    fs::write(&sheet, format!("phone,message\n{rows}")).unwrap();
    let options = PlanOptions {
        limits,
        ..PlanOptions::default()
    };
    let plan = planned(&sheet, &ledger, &options, &NoProgress).unwrap();
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
        schedules: Vec::new(),
        is_test: false,
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

/// Does something to the spreadsheet while it is read: when it was opened, or when its rows are planned.
struct Writer<'a>(bool, &'a (dyn Fn() + Sync));

impl Progress for Writer<'_> {
    fn opened(&self, _: Option<u64>) {
        if self.0 {
            self.1();
        }
    }

    fn planned(&self, _: u64, _: u64) {
        if !self.0 {
            self.1();
        }
    }
}

#[test]
fn a_spreadsheet_that_changes_while_it_is_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let sheet = &folder.path().join("a.csv");
    let ledger = Location::from(folder.path().join("a.ledger"));
    let grows = || {
        let mut file = OpenOptions::new().append(true).open(sheet).unwrap();
        file.write_all(b"0125500002,22/11/2026\n").unwrap();
    };
    let is_touched = || {
        let times = fs::FileTimes::new();
        let earlier = fs::metadata(sheet).unwrap().modified().unwrap() - Duration::from_secs(60);
        let file = File::options().append(true).open(sheet).unwrap();
        file.set_times(times.set_modified(earlier)).unwrap();
    };
    let is_replaced = || {
        let (new, modified) = (folder.path().join("new.csv"), fs::metadata(sheet).unwrap());
        fs::copy(sheet, &new).unwrap();
        let times = fs::FileTimes::new().set_modified(modified.modified().unwrap());
        let file = File::options().append(true).open(&new).unwrap();
        file.set_times(times).unwrap();
        fs::rename(new, sheet).unwrap();
    };
    let is_removed = || drop(fs::remove_file(sheet));
    let nothing = || {};
    let changes: [(&(dyn Fn() + Sync), bool); 5] = [
        (&nothing, true),
        (&grows, false),
        (&is_touched, false),
        (&is_replaced, false),
        (&is_removed, false),
    ];
    // The second template reads the spreadsheet twice, and the third one is wrong.
    for (template, is_wrong) in [
        ("Hi", false),
        ("{{ due | date }}", false),
        ("{{ nam }}", true),
    ] {
        for (change, same) in changes {
            for at_opening in [true, false] {
                fs::write(sheet, "phone,due\n0125500001,22/11/2026\n").unwrap();
                let options = PlanOptions {
                    message: MessageSource::Template(template.to_owned()),
                    ..PlanOptions::default()
                };
                let plan = planned(sheet, &ledger, &options, &Writer(at_opening, change));
                let refusal = plan.map(drop).map_err(|error| error.to_string());
                let expected = !same && (at_opening || !is_wrong);
                let seen = refusal
                    .as_ref()
                    .is_err_and(|text| text.contains("changed while"));
                assert_eq!(seen, expected, "{template}: {refusal:?}");
                assert_eq!(
                    refusal.is_err(),
                    expected || is_wrong,
                    "{template}: {refusal:?}"
                );
            }
        }
    }
}
