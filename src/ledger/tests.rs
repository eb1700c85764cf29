//! Attempts to make a ledger lose, repeat or misstate something.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements, // the statuses that a test speaks of
    clippy::needless_pass_by_value
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::Value;

use super::*;
use crate::campaign::{Encoding, Msisdn, Status};

/// A time for all that happens in a test.
pub(crate) fn moment() -> Moment {
    Moment::parse("2026-11-22T23:20:00.000+08:00").unwrap()
}

pub(crate) fn number(row: u64) -> Msisdn {
    Msisdn::from_u64(60_125_500_000 + row).unwrap()
}

/// A folder with a place for a ledger.
pub(crate) fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("a.ledger");
    (folder, ledger)
}

fn draft(ledger: &Path, batches: &[u32]) -> (Draft, Campaign) {
    let mut draft = Draft::begin(ledger).unwrap();
    let mut row = 0;
    for (batch, size) in (1_u32..).zip(batches) {
        let text = format!("text {batch}");
        let mut inserts = draft.rows().unwrap();
        let text = PlannedText {
            number: batch,
            body: &text,
            encoding: Encoding::Ascii,
            credits: 1,
        };
        inserts.texts(&[text]).unwrap();
        inserts.batches(&[batch]).unwrap();
        drop(inserts);
        for _ in 0..*size {
            row += 1;
            add(&mut draft, row, Some(batch), Fate::Send(batch)).unwrap();
        }
    }
    let sendable = row;
    for fate in [
        Fate::Invalid("no number"),
        Fate::Duplicate("row 1 has it"),
        Fate::Suppressed("on a list"),
    ] {
        row += 1;
        add(&mut draft, row, None, fate).unwrap();
    }
    let report = format!(
        r#"{{"rows": {row}, "sendable": {sendable}, "duplicate": 1, "suppressed": 1,
            "invalid": [{{"what": "no number", "rows": 1, "first_rows": []}}]}}"#
    );
    (draft, campaign(report))
}

fn add(draft: &mut Draft, row: u64, text: Option<u32>, fate: Fate<'_>) -> Result<()> {
    draft.rows()?.rows(&[PlannedRow {
        row,
        cells: "a,b",
        msisdn: Some(number(row)),
        text,
        fate,
    }])
}

fn campaign(report: String) -> Campaign {
    Campaign {
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        name: "a".to_owned(),
        input: "a.csv".to_owned(),
        options: "{}".to_owned(),
        digest: "00".to_owned(),
        header: "name,phone".to_owned(),
        delimiter: b',',
        bom: false,
        report,
        planned_at: moment(),
        expires_at: moment(),
        gateway_host: None,
    }
}

/// A ledger with batches of these sizes, each with a text of its own, and three rows behind them that are not sent.
pub(crate) fn plan(ledger: &Path, batches: &[u32]) {
    let (draft, campaign) = draft(ledger, batches);
    draft.finish(&campaign, false).unwrap();
}

pub(crate) fn open(ledger: &Path) -> Book {
    let mut book = Book::open(ledger, Lock::acquire(ledger, "a test").unwrap()).unwrap();
    book.send_to("loopback").unwrap();
    book
}

/// The statuses of the rows that were to be sent, in order.
pub(crate) fn statuses(ledger: &Path) -> Vec<Status> {
    let mut statuses = Vec::new();
    each(ledger, |recipient| statuses.push(recipient.status));
    statuses.truncate(statuses.len() - 3);
    statuses
}

fn each(ledger: &Path, mut look: impl FnMut(Recipient<&str>)) {
    Reader::open(ledger)
        .unwrap()
        .recipients(|recipient| {
            look(recipient);
            Ok(())
        })
        .unwrap();
}

/// Panics unless the books balance.
pub(crate) fn balances(ledger: &Path) {
    let wrong = Reader::open(ledger).unwrap().verify(false).unwrap();
    assert!(wrong.is_empty(), "{wrong:?}");
}

fn first(book: &Book) -> Batch {
    book.planned_after(None).unwrap().remove(0)
}

fn claim(book: &mut Book, batch: &Batch) -> Result<AttemptId> {
    book.transaction(|book| book.claim(batch.id, &moment()))
}

use book::AttemptId;

fn settlement(batch: &Batch, attempt: AttemptId, verdicts: Vec<Verdict>) -> Settlement {
    let outcome = match &verdicts[..] {
        [Verdict::Accepted { .. }] => "accepted",
        [Verdict::Refused { .. } | Verdict::Halve { .. }] => "refused",
        [Verdict::Unknown { .. }] => "no answer",
        [Verdict::Again { .. }] => "not sent",
        _ => "mixed",
    };
    Settlement {
        batch: batch.clone(),
        attempt,
        ended_at: moment(),
        outcome,
        http_status: Some(200),
        answer: verdicts
            .iter()
            .map(|verdict| match verdict {
                Verdict::Accepted { trx_id } => {
                    format!("2000 = SUCCESS:{}", trx_id.as_deref().unwrap_or_default())
                }
                Verdict::Refused { code } | Verdict::Halve { code } => code.to_string(),
                Verdict::Unknown { .. } | Verdict::Again { .. } => String::new(),
            })
            .collect::<Vec<_>>()
            .join("||"),
        verdicts,
    }
}

/// Claims and settles the first planned batch.
fn send(book: &mut Book, verdicts: Vec<Verdict>) -> Batch {
    let batch = first(book);
    let attempt = claim(book, &batch).unwrap();
    let end = settlement(&batch, attempt, verdicts);
    book.transaction(|book| book.settle(&end)).unwrap();
    batch
}

fn accepted(trx_id: Option<&str>) -> Verdict {
    Verdict::Accepted {
        trx_id: trx_id.map(str::to_owned),
    }
}

fn refused() -> Verdict {
    Verdict::Refused { code: -1009 }
}

fn unknown() -> Verdict {
    Verdict::Unknown {
        why: "no answer came".to_owned(),
        code: None,
    }
}

fn again() -> Verdict {
    Verdict::Again {
        why: "no connection".to_owned(),
    }
}

fn files(folder: &tempfile::TempDir) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The whole contents of the tables that change.
fn contents(ledger: &Path) -> Vec<String> {
    let connection = Connection::open(ledger).unwrap();
    ["batch", "recipient", "attempt", "decision"]
        .into_iter()
        .flat_map(|table| {
            let mut statement = connection
                .prepare(&format!("SELECT * FROM {table}"))
                .unwrap();
            let columns = statement.column_count();
            statement
                .query_map([], |row| {
                    (0..columns)
                        .map(|column| Ok(format!("{:?}", row.get::<_, Value>(column)?)))
                        .collect::<rusqlite::Result<Vec<_>>>()
                })
                .unwrap()
                .map(|row| row.unwrap().join("|"))
                .collect::<Vec<_>>()
        })
        .collect()
}

mod birth {
    use super::*;

    #[test]
    fn a_draft_that_is_dropped_leaves_nothing() {
        let (folder, ledger) = place();
        drop(draft(&ledger, &[2]));
        assert!(files(&folder).is_empty(), "{:?}", files(&folder));
    }

    #[test]
    fn a_plan_is_one_private_file() {
        let (folder, ledger) = place();
        let (draft, campaign) = draft(&ledger, &[2]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&place::beside(&ledger, ".partial")), 0o600);
        draft.finish(&campaign, false).unwrap();
        assert_eq!(files(&folder), ["a.ledger"]);
        assert_eq!(mode(&ledger), 0o600);
        let book = open(&ledger);
        for beside in ["-wal", "-shm", ".lock"] {
            assert_eq!(mode(&place::beside(&ledger, beside)), 0o600, "{beside}");
        }
        book.close().unwrap();
        assert_eq!(files(&folder), ["a.ledger", "a.ledger.lock"]);
        balances(&ledger);
    }

    #[test]
    fn nothing_is_overwritten_unless_it_is_to_be_replaced() {
        let (folder, ledger) = place();
        fs::write(&ledger, "precious").unwrap();
        let (second, campaign) = draft(&ledger, &[1]);
        second.finish(&campaign, false).unwrap_err();
        assert_eq!(fs::read_to_string(&ledger).unwrap(), "precious");
        assert_eq!(files(&folder), ["a.ledger"]);
        let (third, campaign) = draft(&ledger, &[1]);
        third.finish(&campaign, true).unwrap();
        balances(&ledger);
    }

    #[test]
    fn what_a_crash_left_of_a_draft_is_no_obstacle() {
        let (_folder, ledger) = place();
        fs::write(place::beside(&ledger, ".partial"), "half").unwrap();
        plan(&ledger, &[1]);
        balances(&ledger);
    }

    #[test]
    fn a_planned_batch_is_read_with_its_text_and_its_recipients_in_order() {
        let (_folder, ledger) = place();
        let (mut draft, campaign) = draft(&ledger, &[1]);
        let row = |row, of| PlannedRow {
            row,
            cells: "",
            msisdn: Some(number(of)),
            text: Some(2),
            fate: Fate::Send(2),
        };
        let text = PlannedText {
            number: 2,
            body: "你好",
            encoding: Encoding::Unicode,
            credits: 1,
        };
        let mut inserts = draft.rows().unwrap();
        inserts.texts(&[text]).unwrap();
        inserts.batches(&[2]).unwrap();
        inserts.rows(&[row(5, 9), row(6, 8)]).unwrap();
        drop(inserts);
        draft.finish(&campaign, false).unwrap();

        let page = open(&ledger).planned_after(None).unwrap();
        let read: Vec<_> = page
            .iter()
            .map(|batch| {
                (
                    &*batch.text,
                    batch.encoding,
                    &batch.numbers[..],
                    batch.split,
                )
            })
            .collect();
        assert_eq!(
            read,
            [
                ("text 1", Encoding::Ascii, &[number(1)][..], false),
                (
                    "你好",
                    Encoding::Unicode,
                    &[number(9), number(8)][..],
                    false
                ),
            ]
        );
    }

    #[test]
    fn a_planned_batch_without_its_text_is_an_error() {
        let (_folder, ledger) = place();
        plan(&ledger, &[1, 1]);
        Connection::open(&ledger)
            .unwrap()
            .execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM text WHERE id = 2")
            .unwrap();
        open(&ledger).planned_after(None).unwrap_err();
    }

    #[test]
    fn a_batch_takes_no_number_twice() {
        let (_folder, ledger) = place();
        let (mut draft, campaign) = draft(&ledger, &[2]);
        draft
            .rows()
            .unwrap()
            .rows(&[PlannedRow {
                row: 6,
                cells: "",
                msisdn: Some(number(1)),
                text: Some(1),
                fate: Fate::Send(1),
            }])
            .unwrap();
        draft.finish(&campaign, false).unwrap_err();
        assert!(!ledger.exists());
    }

    #[test]
    fn leftovers_of_a_ledger_that_is_gone_are_refused() {
        for suffix in ["-wal", "-shm", "-journal"] {
            let (_folder, ledger) = place();
            let stray = place::beside(&ledger, suffix);
            fs::write(&stray, "").unwrap();
            let fault = exists(&ledger).unwrap_err().to_string();
            assert!(fault.contains(&stray.display().to_string()), "{fault}");
        }
    }

    #[test]
    fn setting_aside_overwrites_nothing() {
        let (folder, ledger) = place();
        plan(&ledger, &[1]);
        let aside = set_aside(&ledger, &moment()).unwrap();
        assert_eq!(aside, folder.path().join("a.20261122T152000Z.ledger"));
        plan(&ledger, &[2]);
        let second = set_aside(&ledger, &moment()).unwrap();
        assert_eq!(second, folder.path().join("a.20261122T152000Z-2.ledger"));
        assert_eq!(statuses(&second).len(), 2);
        assert_eq!(statuses(&aside).len(), 1);
    }

    #[test]
    fn a_copy_takes_all_along_and_overwrites_nothing() {
        let (folder, ledger) = place();
        plan(&ledger, &[2, 1]);
        let practice = folder.path().join("a.sandbox.ledger");
        copy(&ledger, &practice).unwrap();
        assert_eq!(contents(&practice), contents(&ledger));
        balances(&practice);
        copy(&ledger, &practice).unwrap_err();
    }

    #[test]
    fn a_ledger_that_somebody_reads_is_not_retired() {
        let (_folder, ledger) = place();
        plan(&ledger, &[1]);
        let book = open(&ledger);
        let reader = Reader::open(&ledger).unwrap();
        reader.totals().unwrap();
        let lock = book.close().unwrap();
        // Only a reader with the log open keeps it there.
        if place::beside(&ledger, "-wal").exists() {
            assert!(retire(&ledger, lock).is_err());
        }
        drop(reader);
        retire(&ledger, Lock::acquire(&ledger, "a test").unwrap()).unwrap();
    }
}

mod opening {
    use super::*;

    #[test]
    fn other_files_and_newer_ledgers_are_refused() {
        for (change, word) in [
            ("PRAGMA user_version = 2", "version 2"),
            ("PRAGMA user_version = 0", "unknown version 0"),
            ("PRAGMA application_id = 1", "not a ledger"),
            ("DELETE FROM campaign", "without a campaign"),
        ] {
            let (_folder, ledger) = place();
            plan(&ledger, &[1]);
            Connection::open(&ledger)
                .unwrap()
                .execute_batch(change)
                .unwrap();
            let lock = Lock::acquire(&ledger, "a test").unwrap();
            let fault = Book::open(&ledger, lock).unwrap_err().to_string();
            assert!(fault.contains(word), "{change}: {fault}");
        }
        for contents in ["", "name,phone\n"] {
            let (_folder, ledger) = place();
            fs::write(&ledger, contents).unwrap();
            Reader::open(&ledger).unwrap_err();
            assert_eq!(fs::read_to_string(&ledger).unwrap(), contents);
        }
        let (folder, ledger) = place();
        Reader::open(&ledger).unwrap_err();
        assert!(files(&folder).is_empty(), "reading makes nothing");
    }

    #[test]
    fn a_campaign_goes_to_the_host_of_its_first_claim() {
        let (_folder, ledger) = place();
        plan(&ledger, &[1, 1]);
        let mut book = open(&ledger);
        book.send_to("elsewhere").unwrap();
        book.send_to("loopback").unwrap();
        send(&mut book, vec![accepted(None)]);
        let lock = book.close().unwrap();
        let mut book = Book::open(&ledger, lock).unwrap();
        let fault = book.send_to("elsewhere").unwrap_err().to_string();
        assert!(
            fault.contains("loopback") && fault.contains("elsewhere"),
            "{fault}"
        );
        book.send_to("loopback").unwrap();
    }

    #[test]
    fn the_lock_knows_of_the_first_claim() {
        let (_folder, ledger) = place();
        plan(&ledger, &[1]);
        let mut book = open(&ledger);
        let batch = first(&book);
        claim(&mut book, &batch).unwrap();
        drop(book);
        let lock = Lock::acquire(&ledger, "a test").unwrap();
        let started = lock.started().unwrap();
        assert_eq!(started.campaign, "0123456789abcdef0123456789abcdef");
        assert_eq!(started.attempts, 1);
    }

    #[test]
    fn the_lock_never_knows_of_more_than_the_ledger() {
        let (_folder, ledger) = place();
        plan(&ledger, &[1]);
        let mut book = open(&ledger);
        let batch = first(&book);
        book.transaction(|book| {
            book.claim(batch.id, &moment())?;
            Err::<(), _>(crate::Error::new("the disk is full"))
        })
        .unwrap_err();
        book.transaction(|_| Ok(())).unwrap();
        drop(book);
        let lock = Lock::acquire(&ledger, "a test").unwrap();
        assert_eq!(lock.started().unwrap().attempts, 0);
    }

    #[test]
    fn a_claim_without_an_outcome_is_unknown_to_readers_and_becomes_so_once() {
        let (_folder, ledger) = place();
        plan(&ledger, &[2, 1]);
        let mut book = open(&ledger);
        let batch = first(&book);
        claim(&mut book, &batch).unwrap();
        let expected = [Status::Unknown, Status::Unknown, Status::Pending];
        assert_eq!(statuses(&ledger), expected);
        balances(&ledger);
        // Dropped as a crash would leave it.
        drop(book);
        assert_eq!(statuses(&ledger), expected);
        drop(open(&ledger));
        assert_eq!(statuses(&ledger), expected);
        balances(&ledger);
        let settled = contents(&ledger);
        drop(open(&ledger));
        assert_eq!(contents(&ledger), settled);
        assert_eq!(
            settled
                .iter()
                .filter(|row| row.contains("interrupted"))
                .count(),
            1
        );
        each(&ledger, |recipient| {
            if recipient.status == Status::Unknown {
                assert_eq!(recipient.attempts, 1);
                assert!(recipient.reason.is_some() && recipient.claimed_at.is_some());
            }
        });
    }
}

mod steps {
    use super::*;

    #[test]
    fn what_must_not_happen_changes_nothing() {
        let (_folder, ledger) = place();
        plan(&ledger, &[2, 1, 1, 1]);
        let mut book = open(&ledger);
        let done = send(&mut book, vec![accepted(None)]);
        let no = send(&mut book, vec![refused()]);
        let lost = send(&mut book, vec![unknown()]);
        let under_way = first(&book);
        let attempt = claim(&mut book, &under_way).unwrap();
        let before = contents(&ledger);
        for batch in [&done, &no, &lost, &under_way] {
            claim(&mut book, batch).unwrap_err();
            for verdict in [accepted(None), refused(), unknown(), again()] {
                if batch.id != under_way.id {
                    let end = settlement(batch, attempt, vec![verdict]);
                    book.transaction(|book| book.settle(&end)).unwrap_err();
                }
            }
            book.transaction(|book| book.cut(batch, 0)).unwrap_err();
        }
        let too_many = settlement(&under_way, attempt, vec![accepted(None), refused()]);
        book.transaction(|book| book.settle(&too_many)).unwrap_err();
        let none = settlement(&under_way, attempt, vec![]);
        book.transaction(|book| book.settle(&none)).unwrap_err();
        assert_eq!(contents(&ledger), before);
        balances(&ledger);
    }

    #[test]
    fn what_was_not_sent_is_planned_and_can_be_claimed_again() {
        let (_folder, ledger) = place();
        plan(&ledger, &[2]);
        let mut book = open(&ledger);
        send(&mut book, vec![again()]);
        assert_eq!(statuses(&ledger), [Status::Pending; 2]);
        balances(&ledger);
        send(&mut book, vec![accepted(Some("77"))]);
        balances(&ledger);
        each(&ledger, |recipient| {
            if recipient.status == Status::Accepted {
                assert_eq!((recipient.attempts, recipient.trx_id), (2, Some("77")));
                assert_eq!(recipient.reason, None);
            }
        });
    }

    #[test]
    fn each_recipient_gets_its_own_outcome() {
        let (_folder, ledger) = place();
        plan(&ledger, &[6]);
        let mut book = open(&ledger);
        send(
            &mut book,
            vec![
                accepted(Some("1")),
                refused(),
                unknown(),
                accepted(Some("2")),
                again(),
                accepted(None),
            ],
        );
        use Status::{Accepted, Pending, Refused, Unknown};
        assert_eq!(
            statuses(&ledger),
            [Accepted, Refused, Unknown, Accepted, Pending, Accepted]
        );
        balances(&ledger);
        let mut trx_ids = Vec::new();
        each(&ledger, |recipient| {
            if recipient.batch.is_some() {
                assert_eq!(recipient.attempts, 1, "row {}", recipient.row);
                trx_ids.push(recipient.trx_id.map(str::to_owned));
            }
        });
        let id = |id: &str| Some(id.to_owned());
        assert_eq!(trx_ids, [id("1"), None, None, id("2"), None, None]);
        assert_eq!(book.totals().unwrap().batches, 4);
    }

    #[test]
    fn equal_outcomes_leave_a_batch_whole() {
        let (_folder, ledger) = place();
        plan(&ledger, &[2]);
        let mut book = open(&ledger);
        send(&mut book, vec![accepted(Some("1")), accepted(Some("2"))]);
        assert_eq!(book.totals().unwrap().batches, 1);
        balances(&ledger);
    }

    #[test]
    fn a_batch_is_halved_down_to_one() {
        let (_folder, ledger) = place();
        plan(&ledger, &[3]);
        let mut book = open(&ledger);
        let halve = || vec![Verdict::Halve { code: -1010 }];
        send(&mut book, halve());
        let sizes: Vec<_> = book.planned_after(None).unwrap();
        let sizes: Vec<_> = sizes.iter().map(|batch| batch.numbers.len()).collect();
        assert_eq!(sizes, [2, 1]);
        balances(&ledger);
        for _ in 0..4 {
            send(&mut book, halve());
            balances(&ledger);
        }
        assert_eq!(statuses(&ledger), [Status::Refused; 3]);
        assert!(book.planned_after(None).unwrap().is_empty());
    }

    #[test]
    fn a_number_on_a_list_leaves_what_is_pending_and_nothing_else() {
        let (_folder, ledger) = place();
        plan(&ledger, &[1, 3, 2, 1]);
        let mut book = open(&ledger);
        send(&mut book, vec![accepted(None)]);
        let listed = [1, 3, 5, 6];
        let reason = |of: Msisdn| {
            listed
                .iter()
                .any(|row| number(*row) == of)
                .then(|| "opted out".to_owned())
        };
        assert_eq!(book.suppress(reason).unwrap(), 3);
        use Status::{Accepted, Pending, Suppressed};
        assert_eq!(
            statuses(&ledger),
            [
                Accepted, Pending, Suppressed, Pending, Suppressed, Suppressed, Pending
            ]
        );
        balances(&ledger);
        assert_eq!(book.suppress(reason).unwrap(), 0);
        balances(&ledger);
    }

    #[test]
    fn many_batches_are_searched_for_listed_numbers() {
        let (_folder, ledger) = place();
        plan(&ledger, &[2; 600]);
        let mut book = open(&ledger);
        let even = |number: Msisdn| number.as_u64().is_multiple_of(2).then(String::new);
        assert_eq!(book.suppress(even).unwrap(), 600);
        balances(&ledger);
    }

    #[test]
    fn nothing_is_committed_into_a_ledger_that_is_not_there_any_more() {
        type Loss = fn(&Path);
        let losses: [Loss; 3] = [
            |ledger| fs::remove_file(ledger).unwrap(),
            |ledger| fs::rename(ledger, ledger.with_extension("moved")).unwrap(),
            |ledger| {
                let other = ledger.with_extension("other");
                plan(&other, &[1]);
                fs::rename(other, ledger).unwrap();
            },
        ];
        for lose in losses {
            let (_folder, ledger) = place();
            plan(&ledger, &[1, 1]);
            let mut book = open(&ledger);
            let batch = first(&book);
            lose(&ledger);
            for _ in 0..2 {
                let fault = claim(&mut book, &batch).unwrap_err().to_string();
                assert!(fault.contains("deleted, renamed or replaced"), "{fault}");
            }
            assert_eq!(
                first(&book).id,
                batch.id,
                "still planned in the file that was lost"
            );
        }
    }
}

mod decisions {
    use super::*;

    fn decide(book: &mut Book, selection: &Selection, word: &Word) -> Result<u64> {
        book.decide(selection, word, Some("the portal says so"), &moment())
    }

    fn gone_out() -> Word {
        Word::Accepted {
            trx_id: Some("9".to_owned()),
        }
    }

    /// Rows 1-2 unknown, 3-5 refused, 6 accepted, 7 pending.
    fn sent(ledger: &Path) -> Book {
        plan(ledger, &[2, 3, 1, 1]);
        let mut book = open(ledger);
        for verdict in [unknown(), refused(), accepted(None)] {
            send(&mut book, vec![verdict]);
        }
        book
    }

    #[test]
    fn all_means_all_that_is_unknown() {
        let (_folder, ledger) = place();
        let mut book = sent(&ledger);
        assert_eq!(
            decide(&mut book, &Selection::AllUnknown, &gone_out()).unwrap(),
            2
        );
        use Status::{Accepted, Pending, Refused};
        assert_eq!(
            statuses(&ledger),
            [
                Accepted, Accepted, Refused, Refused, Refused, Accepted, Pending
            ]
        );
        balances(&ledger);
        each(&ledger, |recipient| {
            if recipient.row <= 2 {
                assert_eq!(recipient.trx_id, Some("9"));
                assert_eq!(recipient.decided.unwrap().word, "accepted");
            }
        });
        let decisions: String = Connection::open(&ledger)
            .unwrap()
            .query_row(
                "SELECT rows || ' ' || word || ' ' || note FROM decision",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(decisions, "1-2 accepted the portal says so");
        assert_eq!(
            decide(&mut book, &Selection::AllUnknown, &gone_out()).unwrap(),
            0
        );
    }

    #[test]
    fn some_rows_of_batches_leave_the_others_as_they_are() {
        let (_folder, ledger) = place();
        let mut book = sent(&ledger);
        let rows = Selection::Rows(vec![2..=3, 3..=3, 5..=5]);
        assert_eq!(decide(&mut book, &rows, &Word::NotSent).unwrap(), 3);
        use Status::{Accepted, Pending, Refused, Unknown};
        assert_eq!(
            statuses(&ledger),
            [
                Unknown, Pending, Pending, Refused, Pending, Accepted, Pending
            ]
        );
        balances(&ledger);
        // Sent again, and settled as any other.
        while !book.planned_after(None).unwrap().is_empty() {
            send(&mut book, vec![accepted(None)]);
            balances(&ledger);
        }
        assert_eq!(
            statuses(&ledger),
            [
                Unknown, Accepted, Accepted, Refused, Accepted, Accepted, Accepted
            ]
        );
    }

    #[test]
    fn a_batch_by_its_number() {
        let (_folder, ledger) = place();
        let mut book = sent(&ledger);
        assert_eq!(
            decide(&mut book, &Selection::Batch(2), &Word::NotSent).unwrap(),
            3
        );
        balances(&ledger);
        assert_eq!(statuses(&ledger)[2..5], [Status::Pending; 3]);
    }

    #[test]
    fn what_nobody_may_decide_about_changes_nothing() {
        let (_folder, ledger) = place();
        let mut book = sent(&ledger);
        let before = contents(&ledger);
        for selection in [
            Selection::Batch(3),
            Selection::Batch(4),
            Selection::Batch(99),
            Selection::Batch(u64::MAX),
            Selection::Rows(vec![1..=1, 6..=6]),
            Selection::Rows(vec![1..=7]),
            Selection::Rows(vec![8..=8]),
            Selection::Rows(vec![1..=99]),
            Selection::Rows(vec![1..=i64::MAX.cast_unsigned()]),
        ] {
            for word in [gone_out(), Word::NotSent] {
                let fault = decide(&mut book, &selection, &word);
                assert!(fault.is_err(), "{selection:?} {word:?}");
            }
        }
        assert_eq!(contents(&ledger), before);
    }
}

mod desks {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use super::*;

    /// Sends with so many clerks at once, all with this verdict. Returns the rows that were handed out.
    fn drain(
        book: Book,
        clerks: usize,
        limit: Option<u64>,
        verdict: &Verdict,
    ) -> (Book, Vec<Vec<i64>>) {
        let (desk, clerks) = Desk::open(book, clerks, limit);
        let handed = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for clerk in clerks {
                let handed = &handed;
                scope.spawn(move || {
                    let mut ended = None;
                    while let Some(batch) = clerk.next(ended.take()).unwrap() {
                        handed.lock().unwrap().push(batch.rows.clone());
                        let attempt = clerk.claim(batch.id, moment()).unwrap();
                        ended = Some(settlement(&batch, attempt, vec![verdict.clone()]));
                    }
                });
            }
        });
        let (book, writing) = desk.close().unwrap();
        writing.unwrap();
        (book, handed.into_inner().unwrap())
    }

    #[test]
    fn every_batch_is_handed_out_once() {
        let (_folder, ledger) = place();
        plan(&ledger, &[2; 300]);
        let (_book, handed) = drain(open(&ledger), 4, None, &accepted(None));
        assert_eq!(handed.len(), 300);
        let rows: BTreeSet<i64> = handed.into_iter().flatten().collect();
        assert_eq!(rows, (1..=600).collect());
        assert!(
            statuses(&ledger)
                .iter()
                .all(|status| *status == Status::Accepted)
        );
        balances(&ledger);
    }

    #[test]
    fn a_limit_is_exact() {
        for limit in [0, 1, 3, 7, 8, 9, 100] {
            let (_folder, ledger) = place();
            plan(&ledger, &[3; 3]);
            let (book, handed) = drain(open(&ledger), 2, Some(limit), &accepted(None));
            let out: usize = handed.iter().map(Vec::len).sum();
            assert_eq!(out as u64, limit.min(9), "limit {limit}");
            balances(&ledger);
            drop(book);
            drain(open(&ledger), 2, None, &accepted(None));
            assert_eq!(statuses(&ledger), [Status::Accepted; 9]);
            balances(&ledger);
        }
    }

    #[test]
    fn recipients_of_a_halved_batch_do_not_count_towards_the_limit() {
        let (_folder, ledger) = place();
        plan(&ledger, &[4, 4]);
        let (desk, mut clerks) = Desk::open(open(&ledger), 1, Some(6));
        let clerk = clerks.remove(0);
        let mut ended = None;
        let mut out = 0;
        while let Some(batch) = clerk.next(ended.take()).unwrap() {
            let attempt = clerk.claim(batch.id, moment()).unwrap();
            let verdict = if batch.rows.len() > 2 {
                Verdict::Halve { code: -1010 }
            } else {
                out += batch.rows.len();
                accepted(None)
            };
            ended = Some(settlement(&batch, attempt, vec![verdict]));
        }
        assert_eq!(out, 6);
        drop(clerk);
        desk.close().unwrap().1.unwrap();
        balances(&ledger);
    }

    #[test]
    fn what_was_cut_off_and_waits_for_its_claim_is_not_handed_out_again() {
        let (_folder, ledger) = place();
        plan(&ledger, &[4, 4]);
        let (desk, clerks) = Desk::open(open(&ledger), 2, Some(5));
        let whole = clerks[0].next(None).unwrap().unwrap();
        let cut = clerks[1].next(None).unwrap().unwrap();
        assert_eq!((whole.rows.len(), cut.rows.len()), (4, 1));
        // The first batch is halved, which leaves four recipients to hand out while the cut one still waits.
        let attempt = clerks[0].claim(whole.id, moment()).unwrap();
        let halved = settlement(&whole, attempt, vec![Verdict::Halve { code: -1010 }]);
        let next = clerks[0].next(Some(halved)).unwrap().unwrap();
        assert_ne!(next.id, cut.id);
        clerks[0].claim(next.id, moment()).unwrap();
        clerks[1].claim(cut.id, moment()).unwrap();
        drop(clerks);
        desk.close().unwrap().1.unwrap();
        balances(&ledger);
    }

    #[test]
    fn after_a_commit_that_failed_nobody_gets_anything() {
        let (_folder, ledger) = place();
        plan(&ledger, &[1; 4]);
        let (desk, clerks) = Desk::open(open(&ledger), 2, None);
        let batch = clerks[0].next(None).unwrap().unwrap();
        let other = clerks[1].next(None).unwrap().unwrap();
        fs::rename(&ledger, ledger.with_extension("moved")).unwrap();
        clerks[0].claim(batch.id, moment()).unwrap_err();
        // Back again; but what stopped once stays stopped.
        fs::rename(ledger.with_extension("moved"), &ledger).unwrap();
        clerks[1].claim(other.id, moment()).unwrap_err();
        clerks[1].next(None).unwrap_err();
        drop(clerks);
        let (book, writing) = desk.close().unwrap();
        let fault = writing.unwrap_err().to_string();
        assert!(fault.contains("deleted, renamed or replaced"), "{fault}");
        drop(book);
        assert_eq!(statuses(&ledger), [Status::Pending; 4]);
        balances(&ledger);
    }
}

mod books {
    use super::*;

    /// 1-2 accepted, 3 refused, 4 unknown, 5 refused, 6 pending after a try, 7-8 split by outcome, 9 declared
    /// accepted, 10 declared not sent, 11 pending, 12 suppressed later, 13 claimed.
    fn everything(ledger: &Path) -> Book {
        plan(ledger, &[2, 1, 1, 1, 1, 2, 1, 1, 1, 2]);
        let mut book = open(ledger);
        for verdicts in [
            vec![accepted(Some("1"))],
            vec![refused()],
            vec![unknown()],
            vec![refused()],
        ] {
            send(&mut book, verdicts);
        }
        let tried = first(&book);
        let attempt = claim(&mut book, &tried).unwrap();
        let end = settlement(&tried, attempt, vec![again()]);
        book.transaction(|book| book.settle(&end)).unwrap();
        for (nth, verdicts) in [
            (1, vec![accepted(Some("2")), unknown()]),
            (1, vec![unknown()]),
            (1, vec![unknown()]),
        ] {
            let batch = book.planned_after(None).unwrap().remove(nth);
            let attempt = claim(&mut book, &batch).unwrap();
            let end = settlement(&batch, attempt, verdicts);
            book.transaction(|book| book.settle(&end)).unwrap();
        }
        let mut decide = |row, word| {
            book.decide(&Selection::Rows(vec![row..=row]), &word, None, &moment())
                .unwrap();
        };
        decide(9, Word::Accepted { trx_id: None });
        decide(10, Word::NotSent);
        book.suppress(|of| (of == number(12)).then(|| "opted out".to_owned()))
            .unwrap();
        let last = book.planned_after(None).unwrap().pop().unwrap();
        claim(&mut book, &last).unwrap();
        book
    }

    #[test]
    fn every_legal_state_balances() {
        let (_folder, ledger) = place();
        let book = everything(&ledger);
        balances(&ledger);
        use Status::{Accepted, Pending, Refused, Suppressed, Unknown};
        assert_eq!(
            statuses(&ledger),
            [
                Accepted, Accepted, Refused, Unknown, Refused, Pending, Accepted, Unknown,
                Accepted, Pending, Pending, Suppressed, Unknown
            ]
        );
        drop(book);
        drop(open(&ledger));
        balances(&ledger);
    }

    #[test]
    fn every_tampering_is_found() {
        let tamperings = [
            "UPDATE recipient SET disposition = 'invalid' WHERE row = 1",
            "UPDATE recipient SET disposition = 'invalid', batch_id = NULL WHERE row = 11",
            "UPDATE recipient SET disposition = 'suppressed', batch_id = NULL WHERE row = 3",
            "UPDATE recipient SET disposition = 'duplicate' WHERE row = 14",
            "UPDATE recipient SET disposition = 'invalid' WHERE row = 16",
            "UPDATE recipient SET batch_id = 999 WHERE row = 1",
            "UPDATE recipient SET batch_id = (SELECT id FROM batch WHERE state = 'split') WHERE row = 1",
            "UPDATE recipient SET batch_id = 2 WHERE row = 1",
            "UPDATE recipient SET text_id = NULL WHERE row = 1",
            "UPDATE recipient SET text_id = 999 WHERE row = 1",
            "UPDATE recipient SET text_id = 2 WHERE row = 1",
            "UPDATE recipient SET msisdn = NULL WHERE row = 1",
            "UPDATE recipient SET msisdn = (SELECT msisdn FROM recipient WHERE row = 2) WHERE row = 1",
            "UPDATE recipient SET trx_id = '5' WHERE row = 3",
            "UPDATE recipient SET row = 99 WHERE row = 1",
            "DELETE FROM recipient WHERE row = 2",
            "DELETE FROM recipient WHERE row = 16",
            "DELETE FROM text WHERE id = 1",
            "DELETE FROM batch WHERE id = 1",
            "INSERT INTO batch (state, attempts) VALUES ('planned', 0)",
            "UPDATE batch SET state = 'planned' WHERE state = 'accepted'",
            "UPDATE batch SET state = 'planned', code = NULL, trx_id = NULL WHERE id = 1",
            "UPDATE batch SET state = 'planned' WHERE id = 3",
            "UPDATE batch SET state = 'planned' WHERE state = 'refused'",
            "UPDATE batch SET state = 'planned' WHERE state = 'claimed'",
            "UPDATE batch SET state = 'accepted' WHERE id = 3",
            "UPDATE batch SET state = 'accepted', code = 2000 WHERE id = 3",
            "UPDATE batch SET state = 'accepted', code = 2000 WHERE state = 'refused'",
            "UPDATE batch SET state = 'accepted', code = 2000 WHERE state = 'claimed'",
            "UPDATE batch SET state = 'refused', code = -1009 WHERE id = 1",
            "UPDATE batch SET state = 'unknown' WHERE state = 'planned' AND attempts = 0",
            "UPDATE batch SET state = 'claimed' WHERE state = 'planned'",
            "UPDATE batch SET state = 'unknown' WHERE decision IS NOT NULL",
            "UPDATE batch SET decision = NULL WHERE decision IS NOT NULL",
            "UPDATE batch SET decision = 99 WHERE id = 1",
            "UPDATE batch SET code = NULL WHERE state = 'refused'",
            "UPDATE batch SET trx_id = '5' WHERE state = 'unknown'",
            "UPDATE batch SET attempts = attempts + 1 WHERE id = 1",
            "UPDATE batch SET attempts = 0, claimed_at = NULL WHERE id = 5",
            "UPDATE batch SET claimed_at = NULL WHERE id = 1",
            "UPDATE batch SET parent = 1 WHERE id = 2",
            "UPDATE batch SET parent = id",
            "UPDATE batch SET parent = 3 - id WHERE id <= 2",
            "UPDATE batch SET trx_id = '7' WHERE id = 1",
            "UPDATE batch SET code = -1005 WHERE id = 2",
            "UPDATE recipient SET trx_id = '7' WHERE trx_id IS NOT NULL",
            "DELETE FROM attempt WHERE batch_id = 2; UPDATE batch SET state = 'planned', attempts = 0, claimed_at = NULL,
             code = NULL WHERE id = 2",
            "DELETE FROM attempt WHERE id = (SELECT max(id) FROM attempt); UPDATE batch SET state = 'planned',
             attempts = 0, claimed_at = NULL WHERE state = 'claimed'",
            "UPDATE text SET credits = 2 WHERE id = 1",
            "UPDATE text SET type = 1, body = body || 'ö' WHERE id = 1",
            "UPDATE text SET body = body || printf('%0200d', 0) WHERE id = 1",
            "UPDATE batch SET parent = NULL WHERE parent IS NOT NULL",
            "UPDATE attempt SET outcome = NULL WHERE id = 1",
            "UPDATE attempt SET outcome = 'no answer' WHERE id = 1",
            "UPDATE attempt SET outcome = 'accepted' WHERE outcome IS NULL",
            "DELETE FROM attempt WHERE id = 1",
            "DELETE FROM attempt",
            "DELETE FROM decision",
            "UPDATE campaign SET gateway_host = NULL",
            "UPDATE campaign SET report = json_set(report, '$.rows', 3)",
            "DROP INDEX recipient_of_batch; UPDATE recipient SET msisdn = 60125500001 WHERE row = 2",
        ];
        for tampering in tamperings {
            let (_folder, ledger) = place();
            drop(everything(&ledger));
            let connection = Connection::open(&ledger).unwrap();
            connection
                .execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;")
                .unwrap();
            if connection.execute_batch(tampering).is_err() {
                // The tables themselves did not let it happen.
                assert!(tampering.contains("SET msisdn"), "{tampering}");
                continue;
            }
            drop(connection);
            let found = Reader::open(&ledger).unwrap().verify(false);
            assert!(
                found.as_ref().map_or(true, |wrong| !wrong.is_empty()),
                "not found: {tampering}"
            );
        }
    }

    #[test]
    fn a_number_with_the_same_text_twice_is_found_unless_duplicates_were_kept() {
        let (_folder, ledger) = place();
        plan(&ledger, &[1, 1]);
        Connection::open(&ledger)
            .unwrap()
            .execute_batch("UPDATE recipient SET msisdn = 60125500001, text_id = 1 WHERE row <= 2")
            .unwrap();
        let reader = Reader::open(&ledger).unwrap();
        assert_eq!(reader.verify(false).unwrap().len(), 1);
        assert!(reader.verify(true).unwrap().is_empty());
    }

    #[test]
    fn a_damaged_file_is_found() {
        let (_folder, ledger) = place();
        plan(&ledger, &[3; 50]);
        let mut bytes = fs::read(&ledger).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 2_000].fill(0xA5);
        fs::write(&ledger, bytes).unwrap();
        let found = Reader::open(&ledger).and_then(|reader| reader.verify(false));
        assert!(found.map_or(true, |wrong| !wrong.is_empty()));
    }
}
