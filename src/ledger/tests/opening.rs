//! What is opened as a ledger, and what a crash left in it.

use super::*;

#[test]
fn other_files_and_newer_ledgers_are_refused() {
    for (change, word) in [
        ("PRAGMA user_version = 2", "knows versions up to 1"),
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
        let fault = Ledger::open(&ledger, lock).unwrap_err().to_string();
        assert!(fault.contains(word), "{change}: {fault}");
    }
    for contents in ["", "name,phone\n"] {
        let (_folder, ledger) = place();
        fs::write(&ledger, contents).unwrap();
        Snapshot::open(&ledger).unwrap_err();
        assert_eq!(fs::read_to_string(&ledger).unwrap(), contents);
    }
    let (folder, ledger) = place();
    Snapshot::open(&ledger).unwrap_err();
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
    let mut book = Ledger::open(&ledger, lock).unwrap();
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
        Err::<(), _>(crate::Error::new(Kind::Ledger, "the disk is full"))
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
    each(&ledger, |recipient| {
        assert_eq!(
            recipient
                .reason
                .is_some_and(|why| why.contains("under way")),
            recipient.status == Status::Unknown
        );
    });
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

#[test]
fn only_attempts_make_a_campaign_a_started_one() {
    let (_folder, ledger) = place();
    plan(&ledger, &[1, 1]);
    drop(open(&ledger));
    let started = || Lock::acquire(&ledger, "a test").unwrap().started().cloned();
    assert_eq!(started(), None);
    send(&mut open(&ledger), vec![again()]);
    // A new lock knows of them from the ledger.
    fs::remove_file(files::beside(&ledger, ".lock")).unwrap();
    assert_eq!(started(), None);
    drop(open(&ledger));
    assert_eq!(started().unwrap().attempts, 1);
}

#[test]
fn it_is_said_how_many_batches_were_under_way() {
    for under_way in [0, 2] {
        let (_folder, ledger) = place();
        plan(&ledger, &[1, 3, 1]);
        let mut book = open(&ledger);
        let batches = book.planned_after(None).unwrap();
        for batch in batches.iter().take(under_way) {
            claim(&mut book, batch).unwrap();
        }
        assert_eq!(batches[1].id.to_string(), "2");
        drop(book);
        assert_eq!(open(&ledger).recovered(), under_way as u64);
    }
}

#[test]
fn a_ledger_whose_log_was_switched_off_gets_it_back() {
    let (_folder, ledger) = place();
    plan(&ledger, &[1]);
    let mode = |sql: &str| -> String {
        let other = Connection::open(&ledger).unwrap();
        other.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(mode("PRAGMA journal_mode = DELETE"), "delete");
    let _book = open(&ledger);
    assert_eq!(mode("PRAGMA journal_mode"), "wal");
}

#[test]
fn the_log_of_another_ledger_is_not_replayed() {
    let (_folder, ledger) = place();
    let (_elsewhere, other) = place();
    plan(&ledger, &[1]);
    plan(&other, &[1]);
    Connection::open(&other)
        .unwrap()
        .execute("UPDATE campaign SET id = 'another'", [])
        .unwrap();
    // SQLite leaves an empty one where nothing was written.
    fs::write(files::log(&ledger), "").unwrap();
    assert!(!was_cut_off(&ledger));
    let mut book = open(&ledger);
    let batch = first(&book);
    claim(&mut book, &batch).unwrap();
    assert!(was_cut_off(&ledger));
    drop(Snapshot::open(&ledger).unwrap());
    fs::rename(&other, &ledger).unwrap();
    let said = Snapshot::open(&ledger).unwrap_err().to_string();
    assert!(said.contains("the log of another ledger"), "{said}");
}

#[test]
fn a_ledger_that_is_not_there_is_named() {
    let (_folder, ledger) = place();
    let said = Snapshot::open(&ledger).unwrap_err().to_string();
    assert!(said.contains("there is no such ledger"), "{said}");
    assert!(!ledger.exists());
}

#[test]
fn readers_together_see_one_state_whatever_is_written_meanwhile() {
    let (_folder, ledger) = place();
    plan(&ledger, &[1, 1]);
    let mut book = open(&ledger);
    let of = |reader: &Snapshot| {
        let mut statuses = Vec::new();
        let note = |recipient: Recipient<'_>| {
            statuses.push(recipient.status);
            Ok(())
        };
        reader.recipients(1..=2, note).unwrap();
        statuses
    };
    let alone = Snapshot::open(&ledger).unwrap();
    let unchanged = alone.changes().unwrap();
    assert_eq!(alone.changes().unwrap(), unchanged);
    for before in [
        [Status::Pending, Status::Pending],
        [Status::Accepted, Status::Pending],
    ] {
        let readers = alone.together(3).unwrap();
        assert_eq!(readers.len(), 3);
        send(&mut book, vec![accepted(None)]);
        for reader in &readers {
            assert_eq!(of(reader), before);
        }
    }
    assert_eq!(of(&alone), [Status::Accepted; 2]);
    assert_ne!(alone.changes().unwrap(), unchanged);
    assert_eq!(alone.together(0).unwrap().len(), 1);
    assert_eq!(alone.last_row().unwrap(), 5);
}
