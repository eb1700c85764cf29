//! How a plan comes into its place, whole and private.

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
    assert_eq!(mode(&files::beside(&ledger, ".partial")), 0o600);
    draft.finish(&campaign, false).unwrap();
    assert_eq!(files(&folder), ["a.ledger"]);
    assert_eq!(mode(&ledger), 0o600);
    let book = open(&ledger);
    for beside in ["-wal", "-shm", ".lock"] {
        assert_eq!(mode(&files::beside(&ledger, beside)), 0o600, "{beside}");
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
    fs::write(files::beside(&ledger, ".partial"), "half").unwrap();
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
        fate: Disposition::Send(2),
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
    let (mut draft, _) = draft(&ledger, &[2]);
    let again = sent(6, number(1), 1);
    draft.rows().unwrap().rows(&[again]).unwrap_err();
    drop(draft);
    assert!(!ledger.exists());
}

/// As many recipients as it takes for the index to be given up: a batch each, and then as many in those of long ago.
fn stray(draft: &mut PlanWriter, twice: bool) {
    const BATCHES: u32 = 80_000;
    const STRAYS: u32 = 10_000;
    let mut inserts = draft.rows().unwrap();
    let batches: Vec<u32> = (2..=BATCHES).collect();
    inserts.batches(&batches).unwrap();
    // The first batch has the row before them, and three others are there that are not sent.
    let first = batches.iter().map(|batch| (u64::from(*batch) + 3, *batch));
    let again = (0..STRAYS).map(|batch| (u64::from(BATCHES + batch) + 4, batch + 1));
    let rows: Vec<PlannedRow<'_>> = first
        .chain(again)
        .map(|(row, batch)| sent(row, number(row), batch))
        .collect();
    inserts.rows(&rows).unwrap();
    if twice {
        let last = rows[rows.len() - 1];
        let row = last.row + 1;
        inserts.rows(&[PlannedRow { row, ..last }]).unwrap();
    }
}

#[test]
fn recipients_in_no_order_are_found_by_their_batch_too() {
    let (_folder, ledger) = place();
    let (mut draft, campaign) = draft(&ledger, &[1]);
    stray(&mut draft, false);
    draft.finish(&campaign, false).unwrap();
    let indexes = "SELECT count(*) FROM sqlite_schema WHERE type = 'index'";
    let connection = Connection::open(&ledger).unwrap();
    let indexes: i64 = connection.query_row(indexes, [], |row| row.get(0)).unwrap();
    assert_eq!(indexes, 1);
    let page = open(&ledger).planned_after(None).unwrap();
    assert_eq!(page[0].numbers, [number(1), number(80_004)]);
}

#[test]
fn a_batch_takes_no_number_twice_in_whatever_order() {
    let (_folder, ledger) = place();
    let (mut draft, campaign) = draft(&ledger, &[1]);
    // The index was given up, or this would be an error already.
    stray(&mut draft, true);
    draft.finish(&campaign, false).unwrap_err();
    assert!(!ledger.exists());
}

#[test]
fn a_row_that_is_missing_or_comes_twice_is_no_plan() {
    // The draft has four rows.
    for rows in [&[4][..], &[6], &[5, 5], &[5, 7], &[6, 5]] {
        let (_folder, ledger) = place();
        let (mut draft, _) = draft(&ledger, &[1]);
        let mut to = 100..;
        let rows: Vec<_> = (rows.iter())
            .map(|row| sent(*row, number(to.next().unwrap()), 1))
            .collect();
        let fault = draft.rows().unwrap().rows(&rows).unwrap_err();
        assert!(fault.to_string().contains("not in order"), "{fault}");
    }
    // Many are stored with one statement.
    let (_folder, ledger) = place();
    let (mut draft, _) = draft(&ledger, &[1]);
    let mut rows: Vec<_> = (5..=20).map(|row| sent(row, number(row), 1)).collect();
    rows.swap(3, 9);
    let fault = draft.rows().unwrap().rows(&rows).unwrap_err();
    assert!(fault.to_string().contains("not in order"), "{fault}");
}

fn sent(row: u64, msisdn: Msisdn, batch: u32) -> PlannedRow<'static> {
    PlannedRow {
        row,
        cells: "",
        msisdn: Some(msisdn),
        text: Some(1),
        fate: Disposition::Send(batch),
    }
}

#[test]
fn leftovers_of_a_ledger_that_is_gone_are_refused() {
    for suffix in ["-wal", "-shm", "-journal"] {
        let (_folder, ledger) = place();
        let stray = files::beside(&ledger, suffix);
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
fn a_ledger_with_a_second_name_is_not_opened() {
    let (_folder, ledger) = place();
    plan(&ledger, &[1]);
    let second = ledger.with_extension("copy");
    fs::hard_link(&ledger, &second).unwrap();
    let lock = || Lock::acquire(&ledger, "a test").unwrap();
    let said = Ledger::open(&ledger, lock()).unwrap_err().to_string();
    assert!(said.contains("second name"), "{said}");
    fs::remove_file(second).unwrap();
    // A crash came between the two halves of its move to its place.
    let partial = files::beside(&ledger, ".partial");
    fs::hard_link(&ledger, &partial).unwrap();
    Ledger::open(&ledger, lock()).unwrap();
    assert!(!partial.exists());
}

#[test]
fn a_move_that_was_cut_off_is_brought_to_its_end() {
    let (_folder, ledger) = place();
    plan(&ledger, &[1]);
    let aside = ledger.with_extension("aside");
    fs::write(&aside, "another file").unwrap();
    files::set_aside(&ledger, &aside).unwrap_err();
    assert_eq!(fs::read_to_string(&aside).unwrap(), "another file");
    fs::remove_file(&aside).unwrap();
    fs::hard_link(&ledger, &aside).unwrap();
    files::set_aside(&ledger, &aside).unwrap();
    assert!(!ledger.exists());
    assert_eq!(statuses(&aside), [Status::Pending]);
}

#[test]
fn what_cannot_be_looked_at_is_not_taken_for_missing() {
    let (folder, ledger) = place();
    assert!(!files::exists(&ledger).unwrap());
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    files::exists(&file.join("a.ledger")).unwrap_err();
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
    let reader = Snapshot::open(&ledger).unwrap();
    reader.totals().unwrap();
    let lock = book.close().unwrap();
    // Only a reader with the log open keeps it there.
    if files::beside(&ledger, "-wal").exists() {
        assert!(retire(&ledger, lock).is_err());
    }
    drop(reader);
    retire(&ledger, Lock::acquire(&ledger, "a test").unwrap()).unwrap();
}
