#![allow(clippy::unwrap_used)]

use super::*;

const ID: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn a_second_process_learns_who_holds_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("a.ledger");
    let held = Lock::acquire(&ledger, "send, process 4711").unwrap();
    let refused = Lock::acquire(&ledger, "plan, process 4712").unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("a.ledger: is in use by send, process 4711;"),
        "{refused}"
    );
    drop(held);
    assert!(Lock::acquire(&ledger, "plan, process 4712").is_ok());
}

#[test]
fn is_held_until_the_lock_and_its_guards_are_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("a.ledger");
    let lock = Lock::acquire(&ledger, "send").unwrap();
    let guard = lock.guard().unwrap();
    drop(lock);
    assert!(Lock::acquire(&ledger, "send").is_err());
    drop(guard);
    assert!(Lock::acquire(&ledger, "send").is_ok());
}

#[test]
fn two_names_of_one_ledger_have_one_lock() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, other) = (
        folder.path().join("a.ledger"),
        folder.path().join("b.ledger"),
    );
    fs::write(&ledger, "").unwrap();
    std::os::unix::fs::symlink("a.ledger", &other).unwrap();
    let _held = Lock::acquire(&ledger, "send").unwrap();
    assert!(Lock::acquire(&other, "send").is_err());
}

#[test]
fn a_file_system_without_locks_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, path) = (folder.path().join("a.ledger"), folder.path().join("a.lock"));
    let mut file = File::create(&path).unwrap();
    for kind in [
        io::ErrorKind::Unsupported,
        io::ErrorKind::StorageFull,
        io::ErrorKind::Other,
    ] {
        let none = TryLockError::Error(kind.into());
        let error = refused(none, &ledger, &path, &mut file);
        assert!(
            error.to_string().contains("a.lock: cannot be locked"),
            "{error}"
        );
        assert_eq!(error.remedy, Some(Remedy::LedgerPath));
    }
}

#[test]
fn records_which_ledger_was_open() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("a.ledger");
    assert_eq!(last_opened(&ledger), None);
    let mut lock = Lock::acquire(&ledger, "send").unwrap();
    assert_eq!(last_opened(&ledger), None);
    lock.record_opened(ID).unwrap();
    drop(lock);
    let mut lock = Lock::acquire(&ledger, "plan").unwrap();
    assert_eq!(last_opened(&ledger).as_deref(), Some(ID));
    assert_eq!((lock.started(), started(&ledger)), (None, Ok(None)));
    lock.mark_started(ID).unwrap();
    let other = ID.replace('0', "f");
    lock.record_opened(&other).unwrap();
    assert_eq!(last_opened(&ledger), Some(other.clone()));
    assert_eq!(started(&ledger).unwrap().unwrap().campaign, other);
}

#[test]
fn a_deleted_lock_is_detected() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("a.ledger");
    let lock = Lock::acquire(&ledger, "send").unwrap();
    lock.check_in_place().unwrap();
    fs::remove_file(path_of(&ledger)).unwrap();
    lock.check_in_place().unwrap_err();
    let _second = Lock::acquire(&ledger, "send").unwrap();
    let error = lock.check_in_place().unwrap_err().to_string();
    assert!(error.contains("a.ledger.lock"), "{error}");
}

#[test]
fn a_crash_before_the_holder_is_written_keeps_the_record() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("a.ledger");
    let mut lock = Lock::acquire(&ledger, "send").unwrap();
    lock.mark_started(ID).unwrap();
    lock.file.set_len(FIRST_LINE as u64).unwrap();
    drop(lock);
    let lock = Lock::acquire(&ledger, "send").unwrap();
    assert_eq!(lock.started().unwrap().campaign, ID);
    drop(lock);
    assert_eq!(started(&ledger).unwrap().unwrap().campaign, ID);
}

#[test]
fn records_what_was_started_and_how_many_attempts_were_made() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("a.ledger");
    let mut lock = Lock::acquire(&ledger, "send").unwrap();
    assert_eq!(lock.started(), None);
    lock.record_attempts(3).unwrap();
    assert_eq!(lock.started(), None);
    lock.mark_started(ID).unwrap();
    lock.record_attempts(7).unwrap();
    drop(lock);
    let mut lock = Lock::acquire(&ledger, "a much longer holder than before").unwrap();
    let started = |campaign: &str, attempts, replaces_another| Started {
        campaign: campaign.to_owned(),
        attempts,
        replaces_another,
    };
    assert_eq!(lock.started(), Some(&started(ID, 7, false)));
    lock.mark_started(ID).unwrap();
    assert_eq!(lock.started(), Some(&started(ID, 7, false)));
    let other = ID.replace('0', "f");
    lock.mark_started(&other).unwrap();
    lock.record_attempts(2).unwrap();
    assert_eq!(last_opened(&ledger), Some(other.clone()));
    drop(lock);
    let mut lock = Lock::acquire(&ledger, "x").unwrap();
    assert_eq!(lock.started(), Some(&started(&other, 2, true)));
    lock.clear_started().unwrap();
    assert_eq!(lock.started(), None);
    drop(lock);
    let mut lock = Lock::acquire(&ledger, "x").unwrap();
    assert_eq!((lock.started(), last_opened(&ledger)), (None, None));
    lock.mark_started(ID).unwrap();
    assert_eq!(lock.started(), Some(&started(ID, 0, false)));
}

#[test]
fn a_record_that_cannot_be_read_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("a.ledger");
    let path = files::sidecar(&ledger, files::LOCK);
    for text in [
        format!("started {ID} 00000000000000000007\nprocess 4711\n"),
        "nothing sent\n".to_owned(),
        "{\"started\":{\"campaign\":\"0123".to_owned(),
        "{\"finished\":1}\n".to_owned(),
    ] {
        fs::write(&path, &text).unwrap();
        let said = Lock::acquire(&ledger, "send").unwrap_err().to_string();
        assert!(said.contains("a.ledger.lock: what it records"), "{said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    for new in [Vec::new(), vec![0; FIRST_LINE], vec![b' '; 20]] {
        fs::write(&path, new).unwrap();
        assert_eq!(Lock::acquire(&ledger, "send").unwrap().started(), None);
    }
}
