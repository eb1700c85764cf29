//! Writing a plan, and putting it in its place.

use super::*;

#[test]
fn a_dropped_plan_leaves_nothing() {
    let (folder, path) = temp_ledger();
    drop(unfinished_plan(&path, &[2]));
    assert_eq!(file_names(&folder), ["a.ledger.lock"]);
}

#[test]
fn a_plan_is_one_private_file() {
    let (folder, path) = temp_ledger();
    let (plan_writer, campaign) = unfinished_plan(&path, &[2]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&files::sidecar(&path, ".partial")), 0o600);
    plan_writer.finish(&campaign, false).unwrap();
    assert_eq!(file_names(&folder), ["a.ledger", "a.ledger.lock"]);
    assert_eq!(mode(&path), 0o600);
    let ledger = open(&path);
    for beside in ["-wal", "-shm", ".lock"] {
        assert_eq!(mode(&files::sidecar(&path, beside)), 0o600, "{beside}");
    }
    ledger.close().unwrap();
    assert_eq!(file_names(&folder), ["a.ledger", "a.ledger.lock"]);
    assert_adds_up(&path);
}

#[test]
fn nothing_is_overwritten_unless_asked_for() {
    let (folder, path) = temp_ledger();
    fs::write(&path, "precious").unwrap();
    let (second, campaign) = unfinished_plan(&path, &[1]);
    second.finish(&campaign, false).unwrap_err();
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    assert_eq!(file_names(&folder), ["a.ledger", "a.ledger.lock"]);
    let (third, campaign) = unfinished_plan(&path, &[1]);
    third.finish(&campaign, true).unwrap();
    assert_adds_up(&path);
}

#[test]
fn a_partial_plan_left_by_a_crash_is_removed() {
    let (_folder, path) = temp_ledger();
    fs::write(files::sidecar(&path, ".partial"), "half").unwrap();
    plan(&path, &[1]);
    assert_adds_up(&path);
}

#[test]
fn a_planned_batch_is_read_with_its_text_and_its_recipients_in_order() {
    let (_folder, path) = temp_ledger();
    let (mut plan_writer, campaign) = unfinished_plan(&path, &[1]);
    let hello = text("你好");
    let row = |row, of| PlannedRow {
        row,
        cells: "",
        msisdn: Some(number(of)),
        text: Some(RowText {
            text: &hello,
            first_row: 5,
        }),
        disposition: Disposition::Send(2),
    };
    let mut inserts = plan_writer.inserts().unwrap();
    inserts.rows(&[row(5, 9), row(6, 8)]).unwrap();
    drop(inserts);
    plan_writer.finish(&campaign, false).unwrap();

    let page = open(&path).planned_after(None).unwrap();
    let of_two = |row| message(row, "你好", Encoding::Unicode);
    assert_eq!(page[0].messages, [message(1, "text 1", Encoding::Ascii)]);
    assert_eq!(page[1].messages, [of_two(9), of_two(8)]);
    assert!(page.iter().all(|batch| !batch.split));
}

#[test]
fn each_recipient_of_a_batch_can_have_its_own_text() {
    let (_folder, path) = temp_ledger();
    let texts = ["one", "two", "three", "four", "five"];
    plan_own_texts(&path, &[texts.to_vec()], of_one_type(5));
    assert_adds_up(&path);
    let mut ledger = open(&path);
    let own = |nth: usize| message(nth as u64 + 1, texts[nth], Encoding::Ascii);
    let whole = send(&mut ledger, vec![NewState::Halved { code: -1010 }]);
    assert_eq!(whole.messages, [0, 1, 2, 3, 4].map(own));
    let half = first(&ledger);
    assert_eq!(half.messages, [0, 1, 2].map(own));
    let one = ledger
        .transaction(|ledger| ledger.split_first(&half, 1))
        .unwrap();
    assert_eq!(one.messages, [own(0)]);
    let each = vec![accepted(Some("1")), unknown()];
    assert_eq!(send(&mut ledger, each).messages, [3, 4].map(own));
    assert_eq!(send(&mut ledger, vec![accepted(None)]).messages, [own(0)]);
    assert_eq!(first(&ledger).messages, [1, 2].map(own));
    assert_adds_up(&path);
}

#[test]
fn a_batch_that_one_request_cannot_hold_is_not_sent() {
    let one_text = PlanOptions::default().limits;
    for (texts, limits, rule) in [
        (["a", "b"], one_text, "have one text"),
        (["a", "é"], one_text, "have one text"),
        (["a", "é"], of_one_type(2), "have one type"),
        (["a", "b"], of_one_type(1), "no more recipients than"),
    ] {
        let (_folder, path) = temp_ledger();
        plan_own_texts(&path, &[vec!["c"], texts.to_vec()], limits);
        let wrong = snapshot(&path).unwrap();
        let wrong = wrong.verify(false, &code_fits).unwrap();
        assert!(wrong.len() == 1 && wrong[0].contains(rule), "{wrong:?}");
        let refusal = open(&path).planned_after(None).unwrap_err();
        let refusal = refusal.to_string();
        assert!(refusal.contains("batch 2 holds what one"), "{refusal}");
    }
}

#[test]
fn a_planned_batch_without_its_text_is_an_error() {
    let (_folder, path) = temp_ledger();
    plan(&path, &[1, 1]);
    let change = "UPDATE recipient SET text = NULL, text_row = 1 WHERE row = 2;
                  UPDATE recipient SET type = NULL, credits = NULL, text = NULL, text_row = NULL, batch_id = NULL,
                                       disposition = 'invalid' WHERE row = 1";
    tampering::change(&path, change).unwrap();
    open(&path).planned_after(None).unwrap_err();
}

#[test]
fn a_batch_takes_no_number_twice_in_whatever_order_batches_come() {
    let text = text("text 1");
    for batches in [in_turn(20), shuffled(20), in_turn(2000), shuffled(2000)] {
        let (_folder, path) = temp_ledger();
        let (mut plan_writer, campaign) = unfinished_plan(&path, &[2]);
        let rows: Vec<_> = (6..)
            .zip(batches)
            .map(|(row, batch)| sent(row, number(row.into()), batch, &text))
            .chain([sent(0, number(1), 1, &text)])
            .zip(6..)
            .map(|(planned, row)| PlannedRow { row, ..planned })
            .collect();
        let mut inserts = plan_writer.inserts().unwrap();
        let stored = inserts.rows(&rows);
        drop(inserts);
        stored
            .and_then(|()| plan_writer.finish(&campaign, false))
            .unwrap_err();
        assert!(!path.exists());
    }
}

#[test]
fn the_recipients_of_a_batch_are_found_in_whatever_order_batches_come() {
    let text = text("text 1");
    for batches in [in_turn(20), shuffled(20), in_turn(2000), shuffled(2000)] {
        let (_folder, path) = temp_ledger();
        let (mut plan_writer, campaign) = unfinished_plan(&path, &[1]);
        // Rows 1 to 4 are stored already: one of the first batch, and three that are not sent.
        let rows: Vec<_> = (5..)
            .zip(&batches)
            .map(|(row, batch)| sent(row, number(row.into()), *batch, &text))
            .collect();
        let mut inserts = plan_writer.inserts().unwrap();
        for rows in rows.chunks(100) {
            inserts.rows(rows).unwrap();
        }
        drop(inserts);
        plan_writer.finish(&campaign, false).unwrap();
        for batch in open(&path).planned_after(None).unwrap() {
            let rows = (5..).zip(&batches);
            let of_batch = rows.filter(|(_, of)| i64::from(**of) == batch.id.0);
            let mut expected: Vec<_> = of_batch.map(|(row, _)| row).collect();
            if batch.id.0 == 1 {
                expected.push(1);
            }
            assert_eq!(batch.rows, expected);
        }
    }
}

/// The batches of this many rows, two in each, from the second on.
fn in_turn(rows: u32) -> Vec<u32> {
    (0..rows).map(|row| 2 + row / 2).collect()
}

/// The same with every second row far from its place.
fn shuffled(rows: u32) -> Vec<u32> {
    let mut batches = in_turn(rows);
    let half = batches.len() / 2;
    for place in (0..half).step_by(2) {
        batches.swap(place, place + half);
    }
    batches
}

#[test]
fn a_missing_or_repeated_row_is_an_error() {
    let text = text("text 1");
    // Four rows are stored already.
    for rows in [&[4][..], &[6], &[5, 5], &[5, 7], &[6, 5]] {
        let (_folder, path) = temp_ledger();
        let (mut plan_writer, _) = unfinished_plan(&path, &[1]);
        let rows: Vec<_> = (rows.iter().zip(100..))
            .map(|(row, to)| sent(*row, number(to), 1, &text))
            .collect();
        let error = plan_writer.inserts().unwrap().rows(&rows).unwrap_err();
        assert!(error.to_string().contains("not in order"), "{error}");
    }
    // Rows that one statement stores.
    let (_folder, path) = temp_ledger();
    let (mut plan_writer, _) = unfinished_plan(&path, &[1]);
    let mut rows: Vec<_> = (5..=20)
        .map(|row| sent(row, number(row.into()), 1, &text))
        .collect();
    rows.swap(3, 9);
    let error = plan_writer.inserts().unwrap().rows(&rows).unwrap_err();
    assert!(error.to_string().contains("not in order"), "{error}");
}

fn sent(row: u32, msisdn: Msisdn, batch: u32, text: &Text) -> PlannedRow<'_> {
    PlannedRow {
        row,
        cells: "",
        msisdn: Some(msisdn),
        text: Some(RowText { text, first_row: 1 }),
        disposition: Disposition::Send(batch),
    }
}

#[test]
fn leftovers_of_a_ledger_that_is_gone_are_refused() {
    for suffix in ["-wal", "-shm", "-journal"] {
        let (_folder, path) = temp_ledger();
        let leftover = files::sidecar(&path, suffix);
        fs::write(&leftover, "").unwrap();
        let error = exists(&path).unwrap_err().to_string();
        assert!(error.contains(&leftover.display().to_string()), "{error}");
    }
}

#[test]
fn setting_aside_overwrites_nothing() {
    let (folder, path) = temp_ledger();
    plan(&path, &[1]);
    let aside = set_aside(&path, &timestamp()).unwrap();
    assert_eq!(aside, folder.path().join("a.20261122T152000Z.ledger"));
    plan(&path, &[2]);
    let second = set_aside(&path, &timestamp()).unwrap();
    assert_eq!(second, folder.path().join("a.20261122T152000Z-2.ledger"));
    assert_eq!(statuses(&second).len(), 2);
    assert_eq!(statuses(&aside).len(), 1);
}

#[test]
fn a_ledger_with_a_second_name_is_not_opened() {
    let (_folder, path) = temp_ledger();
    plan(&path, &[1]);
    let second = path.with_extension("copy");
    fs::hard_link(&path, &second).unwrap();
    let lock = || lock(&path).unwrap();
    let error = Ledger::open(lock()).unwrap_err().to_string();
    assert!(error.contains("second name"), "{error}");
    fs::remove_file(second).unwrap();
    // A crash came between the two halves of its move to its place.
    let partial = files::sidecar(&path, ".partial");
    fs::hard_link(&path, &partial).unwrap();
    Ledger::open(lock()).unwrap();
    assert!(!partial.exists());
}

#[test]
fn an_interrupted_move_is_completed() {
    let (_folder, path) = temp_ledger();
    plan(&path, &[1]);
    let aside = path.with_extension("aside");
    fs::write(&aside, "another file").unwrap();
    files::set_aside(&path, &aside).unwrap_err();
    assert_eq!(fs::read_to_string(&aside).unwrap(), "another file");
    fs::remove_file(&aside).unwrap();
    fs::hard_link(&path, &aside).unwrap();
    files::set_aside(&path, &aside).unwrap();
    assert!(!path.exists());
    assert_eq!(statuses(&aside), [Status::Pending]);
}

#[test]
fn a_path_that_cannot_be_read_is_not_taken_for_missing() {
    let (folder, path) = temp_ledger();
    assert!(!files::exists(&path).unwrap());
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    files::exists(&file.join("a.ledger")).unwrap_err();
}

#[test]
fn a_copy_is_complete_and_overwrites_nothing() {
    let (folder, path) = temp_ledger();
    plan(&path, &[2, 1]);
    let copied = folder.path().join("a.sandbox.ledger");
    copy(&path, &copied).unwrap();
    assert_eq!(contents(&copied), contents(&path));
    assert_adds_up(&copied);
    copy(&path, &copied).unwrap_err();
}

#[test]
fn a_ledger_that_is_being_read_cannot_be_closed_completely() {
    let (_folder, path) = temp_ledger();
    plan(&path, &[1]);
    let ledger = open(&path);
    let reader = snapshot(&path).unwrap();
    reader.totals().unwrap();
    let closed = ledger.close().unwrap();
    // The log stays only if the reader has it open.
    if files::sidecar(&path, "-wal").exists() {
        assert!(closed.close_completely().is_err());
    }
    drop(reader);
    lock(&path).unwrap().close_completely().unwrap();
}
