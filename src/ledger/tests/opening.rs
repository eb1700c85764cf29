//! What is opened as a ledger, and what a crash left in it.

use super::*;

#[test]
fn other_files_and_newer_ledgers_are_refused() {
    for (change, word) in [
        ("PRAGMA user_version = 8", "this program reads version 7"),
        ("PRAGMA user_version = 6", "use that version to finish it"),
        ("PRAGMA user_version = 2", "use that version to finish it"),
        ("PRAGMA application_id = 1", "not a ledger"),
        ("DELETE FROM campaign", "without a campaign"),
    ] {
        let (_folder, path) = temp_ledger();
        plan(&path, &[1]);
        tampering::change(&path, change).unwrap();
        let lock = lock(&path).unwrap();
        let error = Ledger::open(lock).unwrap_err().to_string();
        assert!(error.contains(word), "{change}: {error}");
    }
    for contents in ["", "name,phone\n"] {
        let (_folder, path) = temp_ledger();
        fs::write(&path, contents).unwrap();
        snapshot(&path).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), contents);
    }
    let (folder, path) = temp_ledger();
    snapshot(&path).unwrap_err();
    assert!(file_names(&folder).is_empty(), "reading makes nothing");
}

fn a_campaign_goes_to_the_host_of_its_first_claim(new: New) {
    let path = new();
    plan(&path, &[1, 1]);
    let mut ledger = open(&path);
    ledger.set_destination("elsewhere").unwrap();
    ledger.set_destination("loopback").unwrap();
    send(&mut ledger, vec![accepted(None)]);
    let lock = ledger.close().unwrap();
    let mut ledger = Ledger::open(lock).unwrap();
    let error = ledger.set_destination("elsewhere").unwrap_err().to_string();
    assert!(
        error.contains("loopback") && error.contains("elsewhere"),
        "{error}"
    );
    ledger.set_destination("loopback").unwrap();
}

#[test]
fn the_lock_records_the_first_claim() {
    let (_folder, path) = temp_ledger();
    plan(&path, &[1]);
    let mut ledger = open(&path);
    let batch = first(&ledger);
    claim(&mut ledger, &batch).unwrap();
    drop(ledger);
    let lock = lock(&path).unwrap();
    let started = lock.started().unwrap();
    assert_eq!(started.campaign, "0123456789abcdef0123456789abcdef");
    assert_eq!(started.attempts, 1);
}

#[test]
fn the_lock_never_records_more_attempts_than_the_ledger() {
    let (_folder, path) = temp_ledger();
    plan(&path, &[1]);
    let mut ledger = open(&path);
    let batch = first(&ledger);
    ledger
        .transaction(|ledger| {
            ledger.claim(&[(batch.id, &timestamp())])?;
            Err::<(), _>(crate::Error::new(Kind::Ledger, "the disk is full"))
        })
        .unwrap_err();
    ledger.transaction(|_| Ok(())).unwrap();
    drop(ledger);
    let lock = lock(&path).unwrap();
    assert_eq!(lock.started().unwrap().attempts, 0);
}

fn a_claim_without_an_outcome_reads_as_unknown_and_is_recovered_once(new: New) {
    let path = new();
    plan(&path, &[2, 1]);
    let mut ledger = open(&path);
    let batch = first(&ledger);
    claim(&mut ledger, &batch).unwrap();
    let expected = [Status::Unknown, Status::Unknown, Status::Pending];
    assert_eq!(statuses(&path), expected);
    each(&path, |recipient| {
        assert_eq!(
            recipient
                .reason
                .is_some_and(|why| why.contains("under way")),
            recipient.status == Status::Unknown
        );
    });
    assert_adds_up(&path);
    // Not closed, as after a crash.
    drop(ledger);
    assert_eq!(statuses(&path), expected);
    drop(open(&path));
    assert_eq!(statuses(&path), expected);
    assert_adds_up(&path);
    let settled = contents(&path);
    drop(open(&path));
    assert_eq!(contents(&path), settled);
    let settled = settled.join("\n").to_lowercase();
    assert_eq!(settled.matches("interrupted").count(), 1);
    each(&path, |recipient| {
        if recipient.status == Status::Unknown {
            assert_eq!(recipient.attempts, 1);
            assert!(recipient.reason.is_some() && recipient.claimed_at.is_some());
        }
    });
}

#[test]
fn a_campaign_is_started_by_its_first_attempt() {
    let (_folder, path) = temp_ledger();
    plan(&path, &[1, 1]);
    drop(open(&path));
    let started = || lock(&path).unwrap().started().cloned();
    assert_eq!(started(), None);
    send(&mut open(&path), vec![not_sent()]);
    // A new lock learns of the attempts from the ledger.
    fs::remove_file(files::sidecar(&path, ".lock")).unwrap();
    assert_eq!(started(), None);
    drop(open(&path));
    assert_eq!(started().unwrap().attempts, 1);
}

fn recovered_batches_are_counted(new: New) {
    for under_way in [0, 2] {
        let path = new();
        plan(&path, &[1, 3, 1]);
        let mut ledger = open(&path);
        let batches = ledger.planned_after(None).unwrap();
        for batch in batches.iter().take(under_way) {
            claim(&mut ledger, batch).unwrap();
        }
        assert_eq!(batches[1].id.to_string(), "2");
        drop(ledger);
        assert_eq!(open(&path).recovered(), under_way as u64);
    }
}

#[test]
fn a_log_that_was_turned_off_is_turned_on_again() {
    let (_folder, path) = temp_ledger();
    plan(&path, &[1]);
    let mode = tampering::query(&path, "PRAGMA journal_mode = DELETE");
    assert_eq!(mode, "delete");
    let _ledger = open(&path);
    assert_eq!(tampering::query(&path, "PRAGMA journal_mode"), "wal");
}

#[test]
fn the_log_of_another_ledger_is_not_replayed() {
    let (_folder, path) = temp_ledger();
    let (_elsewhere, other) = temp_ledger();
    plan(&path, &[1]);
    plan(&other, &[1]);
    tampering::change(&other, "UPDATE campaign SET id = 'another'").unwrap();
    // SQLite leaves an empty one where nothing was written.
    fs::write(files::log(&path), "").unwrap();
    assert!(!files::has_log(&path));
    let mut ledger = open(&path);
    let batch = first(&ledger);
    claim(&mut ledger, &batch).unwrap();
    assert!(files::has_log(&path));
    drop(snapshot(&path).unwrap());
    fs::rename(&other, &path).unwrap();
    let error = snapshot(&path).unwrap_err().to_string();
    assert!(error.contains("the log of another ledger"), "{error}");
}

#[test]
fn a_missing_ledger_is_an_error() {
    let (_folder, path) = temp_ledger();
    let error = snapshot(&path).unwrap_err().to_string();
    assert!(error.contains("there is no such ledger"), "{error}");
    assert!(!path.exists());
}

fn rows_are_read_in_one_state_whatever_is_written_meanwhile(new: New) {
    let path = new();
    plan(&path, &[1, 1]);
    let mut ledger = open(&path);
    let snapshot = snapshot(&path).unwrap();
    let mut read = || {
        let mut statuses = Vec::new();
        let mut note = |recipient: Recipient<'_>| {
            if statuses.is_empty() {
                send(&mut ledger, vec![accepted(None)]);
            }
            statuses.push(recipient.status);
            Ok(())
        };
        snapshot.recipients(1..=2, &mut note).unwrap();
        statuses
    };
    assert_eq!(read(), [Status::Pending, Status::Pending]);
    assert_eq!(read(), [Status::Accepted, Status::Pending]);
    assert_eq!(statuses(&path), [Status::Accepted; 2]);
}

/// A snapshot in memory is that of one moment anyway.
#[test]
fn rows_in_a_file_are_read_in_one_state() {
    rows_are_read_in_one_state_whatever_is_written_meanwhile(in_a_file);
}

#[test]
fn rows_in_postgres_are_read_in_one_state() {
    if postgres_server::server().is_some() {
        rows_are_read_in_one_state_whatever_is_written_meanwhile(in_postgres);
    }
}

on_every_backend!(
    a_campaign_goes_to_the_host_of_its_first_claim,
    recovered_batches_are_counted,
    a_claim_without_an_outcome_reads_as_unknown_and_is_recovered_once,
);
