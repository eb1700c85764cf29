//! What is opened as a ledger, and what a crash left in it.

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
