//! Attempts to make a ledger lose, repeat or misstate something.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements, // `use Status::...` near the statuses that a test expects
    clippy::needless_pass_by_value
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use super::sqlite::{
    files,
    place::{copy, exists, set_aside},
    tampering,
};
use super::*;
use crate::domain::options::{Punctuation, TextType};
use crate::domain::report::{InvalidRows, Report};
use crate::domain::{
    Encoding, InCommon, Message, Msisdn, PlanOptions, RequestLimits, Status, Text, Timestamp,
};
use crate::{Kind, Result};

mod cancelling;
mod committing;
#[path = "../../tests/common/database_proxy.rs"]
pub(crate) mod database_proxy;
pub(crate) mod memory;
mod opening;
mod plan_writing;
#[path = "../../tests/common/postgres.rs"]
pub(crate) mod postgres_server;
mod resolving;
mod settling;
mod verifying;

/// The time at which everything in a test happens.
pub(crate) fn timestamp() -> Timestamp {
    Timestamp::parse("2026-11-22T23:20:00.000+08:00").unwrap()
}

pub(crate) fn number(row: u64) -> Msisdn {
    Msisdn::from_u64(60_125_500_000 + row).unwrap()
}

/// A place for a ledger of one backend. What it is made of goes when it is dropped.
pub(crate) struct TestLedger {
    location: Location,
    _folder: Option<tempfile::TempDir>,
}

impl std::ops::Deref for TestLedger {
    type Target = Location;
    fn deref(&self) -> &Location {
        &self.location
    }
}

impl From<&TestLedger> for Location {
    fn from(ledger: &TestLedger) -> Self {
        ledger.location.clone()
    }
}

impl From<&Self> for Location {
    fn from(location: &Self) -> Self {
        location.clone()
    }
}

/// Makes a place for a ledger.
pub(crate) type New = fn() -> TestLedger;

/// In a file.
pub(crate) fn in_a_file() -> TestLedger {
    let (folder, path) = temp_ledger();
    TestLedger {
        location: path.into(),
        _folder: Some(folder),
    }
}

/// In memory.
pub(crate) fn in_memory() -> TestLedger {
    TestLedger {
        location: Location::Memory(memory::Place::default()),
        _folder: None,
    }
}

/// In a database, under a name of its own. Not to be called where there is no PostgreSQL.
pub(crate) fn in_postgres() -> TestLedger {
    static NAMES: AtomicU32 = AtomicU32::new(0);
    let server = postgres_server::server().expect("there is PostgreSQL");
    let store = Store::parse(&server.url("postgres")).unwrap();
    let name = format!("campaign {}", NAMES.fetch_add(1, Ordering::Relaxed));
    TestLedger {
        location: Location::Stored(Place::new(store, &name).unwrap()),
        _folder: None,
    }
}

/// Tests that every backend passes: functions of [`New`].
macro_rules! on_every_backend {
    ($($test:ident),* $(,)?) => {
        mod in_postgres {
            $(#[test] fn $test() {
                if crate::ledger::tests::postgres_server::server().is_some() {
                    super::$test(crate::ledger::tests::in_postgres);
                }
            })*
        }
        mod in_a_file {
            $(#[test] fn $test() { super::$test(crate::ledger::tests::in_a_file); })*
        }
        mod in_memory {
            $(#[test] fn $test() { super::$test(crate::ledger::tests::in_memory); })*
        }
    };
}
pub(crate) use on_every_backend;

pub(crate) fn lock(at: impl Into<Location>) -> Result<Lock> {
    at.into().lock("a test", &|| {})
}

pub(crate) fn snapshot(at: impl Into<Location>) -> Result<Box<dyn Snapshot>> {
    at.into().snapshot()
}

/// A folder, and a path for a ledger in it.
pub(crate) fn temp_ledger() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ledger");
    (folder, path)
}

pub(super) fn unfinished_plan(
    at: impl Into<Location>,
    batches: &[u32],
) -> (Box<dyn PlanWriter>, Campaign) {
    let mut plan_writer = lock(at).unwrap().begin_plan().unwrap();
    let mut row = 0;
    for (batch, size) in (1_u32..).zip(batches) {
        let text = text(&format!("text {batch}"));
        let first_row = row + 1;
        for _ in 0..*size {
            row += 1;
            let text = RowText {
                text: &text,
                first_row,
            };
            let batch = Disposition::Send(batch);
            add(&mut *plan_writer, row, Some(text), batch).unwrap();
        }
    }
    with_unsent_rows(plan_writer, row, batches.len())
}

/// Adds three rows that are not sent after this many that are, in this many batches.
fn with_unsent_rows(
    mut plan_writer: Box<dyn PlanWriter>,
    sendable: u32,
    batches: usize,
) -> (Box<dyn PlanWriter>, Campaign) {
    let mut row = sendable;
    for disposition in [
        Disposition::Invalid("no number"),
        Disposition::Duplicate("row 1 has it"),
        Disposition::Suppressed("on a list"),
    ] {
        row += 1;
        add(&mut *plan_writer, row, None, disposition).unwrap();
    }
    let report = Report {
        rows: row.into(),
        sendable: sendable.into(),
        batches: batches as u64,
        duplicate: 1,
        suppressed: 1,
        invalid: vec![InvalidRows {
            examples: Vec::new(),
            what: "no number".to_owned(),
            rows: 1,
            first_rows: Vec::new(),
        }],
        ..Report::default()
    };
    (plan_writer, campaign(report))
}

fn add(
    plan_writer: &mut dyn PlanWriter,
    row: u32,
    text: Option<RowText<'_>>,
    disposition: Disposition<'_>,
) -> Result<()> {
    plan_writer.inserts()?.rows(&[PlannedRow {
        row,
        cells: "a,b",
        msisdn: Some(number(row.into())),
        text,
        disposition,
    }])
}

fn message(row: u64, text: &str, encoding: Encoding) -> Message {
    Message {
        number: number(row),
        text: text.into(),
        encoding,
    }
}

fn text(body: &str) -> Text {
    Text::compose(body, TextType::Auto, Punctuation::Keep).unwrap()
}

fn campaign(report: Report) -> Campaign {
    Campaign {
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        name: "a".to_owned(),
        input: "a.csv".to_owned(),
        options: PlanOptions::default(),
        digest: "00".to_owned(),
        header: "name,phone".to_owned(),
        delimiter: b',',
        bom: false,
        report,
        planned_at: timestamp(),
        expires_at: timestamp(),
        schedules: Vec::new(),
        is_test: false,
        gateway_host: None,
    }
}

/// Plans a ledger with batches of these sizes, each with a text of its own, and three more rows that are not sent.
pub(crate) fn plan(at: impl Into<Location>, batches: &[u32]) {
    let (plan_writer, campaign) = unfinished_plan(at, batches);
    plan_writer.finish(&campaign, false).unwrap();
}

/// Plans a ledger with a batch for each of these lists of texts, and three more rows that are not sent.
pub(crate) fn plan_own_texts(
    at: impl Into<Location>,
    batches: &[Vec<&str>],
    limits: RequestLimits,
) {
    let mut plan_writer = lock(at).unwrap().begin_plan().unwrap();
    let mut row = 0;
    for (batch, texts) in (1..).zip(batches) {
        for body in texts {
            row += 1;
            let text = RowText {
                text: &text(body),
                first_row: row,
            };
            let batch = Disposition::Send(batch);
            add(&mut *plan_writer, row, Some(text), batch).unwrap();
        }
    }
    let (plan_writer, mut campaign) = with_unsent_rows(plan_writer, row, batches.len());
    campaign.options.limits = limits;
    plan_writer.finish(&campaign, false).unwrap();
}

/// Requests of at most this many messages of one type, each with a text of its own.
pub(crate) fn of_one_type(messages: u32) -> RequestLimits {
    RequestLimits {
        messages: messages.try_into().unwrap(),
        in_common: InCommon::Type,
    }
}

pub(crate) fn open(at: impl Into<Location>) -> Ledger {
    let mut ledger = Ledger::open(lock(at).unwrap()).unwrap();
    ledger.set_destination("loopback").unwrap();
    ledger
}

/// Handles of which everything is committed at once, without a thread. The ledger is closed when they are dropped.
pub(crate) fn handles(ledger: Ledger, workers: usize, limit: Option<u64>) -> Vec<LedgerHandle> {
    let group = Arc::new(Mutex::new(committer::GroupCommit::new(ledger, limit)));
    let handles = (0..workers).map(|_| committer::GroupCommit::handle(&group));
    handles.collect()
}

/// The statuses of the rows that were to be sent, in order.
pub(crate) fn statuses(at: impl Into<Location>) -> Vec<Status> {
    let mut statuses = Vec::new();
    each(at, |recipient| statuses.push(recipient.status));
    statuses.truncate(statuses.len() - 3);
    statuses
}

fn each(at: impl Into<Location>, mut check: impl FnMut(Recipient<'_>)) {
    snapshot(at)
        .unwrap()
        .recipients(1..=u32::MAX, &mut |recipient| {
            check(recipient);
            Ok(())
        })
        .unwrap();
}

/// The codes that the tests settle with.
fn code_fits(status: Status, code: i32) -> bool {
    (status == Status::Accepted) == (code == 2000)
}

/// All rows that were suppressed, for whatever reason.
fn rows_of(suppressed: &Suppressed) -> Vec<u64> {
    let mut rows: Vec<u64> = suppressed.values().flatten().copied().collect();
    rows.sort_unstable();
    rows
}

/// Panics unless everything in the ledger adds up.
pub(crate) fn assert_adds_up(at: impl Into<Location>) {
    let snapshot = snapshot(at).unwrap();
    let wrong = snapshot.verify(false, &code_fits).unwrap();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(
        snapshot.counts().unwrap(),
        snapshot.totals().unwrap().counts
    );
}

pub(super) fn first(ledger: &Ledger) -> Batch {
    ledger.planned_after(None).unwrap().remove(0)
}

pub(super) fn claim(ledger: &mut Ledger, batch: &Batch) -> Result<AttemptId> {
    let attempts = ledger.transaction(|ledger| ledger.claim(&[(batch.id, &timestamp())]));
    attempts.map(|attempts| attempts[0])
}

pub(super) fn settlement(
    batch: &Batch,
    attempt: AttemptId,
    new_states: Vec<NewState>,
) -> Settlement {
    let outcome = match &new_states[..] {
        [NewState::Accepted { .. }] => AttemptOutcome::Accepted,
        [NewState::Refused { .. } | NewState::Halved { .. }] => AttemptOutcome::Refused,
        [NewState::Unknown { .. }] => AttemptOutcome::NoAnswer,
        [NewState::Planned { .. }] => AttemptOutcome::NotSent,
        _ => AttemptOutcome::Mixed,
    };
    Settlement {
        batch: batch.clone(),
        attempt,
        ended_at: timestamp(),
        outcome,
        http_status: Some(200),
        answer: new_states
            .iter()
            .map(|new_state| match new_state {
                NewState::Accepted { trx_id, .. } => {
                    format!("2000 = SUCCESS:{}", trx_id.as_deref().unwrap_or_default())
                }
                NewState::Refused { code } | NewState::Halved { code } => code.to_string(),
                NewState::Unknown { .. } | NewState::Planned { .. } => String::new(),
            })
            .collect::<Vec<_>>()
            .join("||"),
        new_states,
    }
}

/// Claims and settles the first planned batch.
pub(super) fn send(ledger: &mut Ledger, new_states: Vec<NewState>) -> Batch {
    let batch = first(ledger);
    let attempt = claim(ledger, &batch).unwrap();
    let end = settlement(&batch, attempt, new_states);
    ledger.transaction(|ledger| ledger.settle(&[&end])).unwrap();
    batch
}

pub(super) fn accepted(trx_id: Option<&str>) -> NewState {
    NewState::Accepted {
        code: 2000,
        trx_id: trx_id.map(str::to_owned),
    }
}

pub(super) fn refused() -> NewState {
    NewState::Refused { code: -1009 }
}

pub(super) fn unknown() -> NewState {
    NewState::Unknown {
        why: "no answer came".to_owned(),
        code: None,
    }
}

pub(super) fn not_sent() -> NewState {
    NewState::Planned {
        why: "no connection".to_owned(),
    }
}

fn file_names(folder: &tempfile::TempDir) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// All rows of the tables that change.
fn contents(at: impl Into<Location>) -> Vec<String> {
    let path = match at.into() {
        Location::File(path) => path,
        Location::Memory(place) => return vec![place.contents()],
        Location::Stored(place) => return place.contents(),
    };
    tampering::contents(&path)
}
