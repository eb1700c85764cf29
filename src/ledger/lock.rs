//! The lock beside a ledger: one planner or sender at a time, and the memory that a campaign was started.
//! It knows nothing of what the ledger holds.
//!
//! The lock is a file of its own because a lock on the ledger would not stop two planners (there is no ledger
//! yet), and because it must outlive a ledger that someone deletes. It is never deleted or renamed: a second
//! process could then lock a new file of the same name while the first still holds the old one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::files::{Identity, beside, leads_to};
use crate::{Error, Kind, Result};

/// Length of the first line, which says whether a campaign was started, which one, and how many attempts were made. It
/// is overwritten in place by a single write of this length, so that a crash cannot leave it half written.
const FIRST_LINE: usize = 62;
const STARTED: &str = "started ";
/// As long as the word above, and instead of it.
const RENEWED: &str = "renewed ";
const OPENED: &str = "opened ";
const NOTHING: &str = "nothing sent";

/// What a lock remembers of the campaign that was started under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Its id.
    pub campaign: String,
    /// At least so many attempts were made: a ledger that knows of fewer is an earlier state of itself.
    pub attempts: u64,
    /// Whether it took the place of another one that was started.
    pub renewed: bool,
}

/// Keeps a lock that is dropped elsewhere held until this is dropped too.
#[derive(Debug)]
pub struct Held(#[allow(dead_code)] File);

/// The lock of one ledger, held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
    started: Option<Started>,
}

/// The campaign whose ledger was last open for writing at this place, if one was: what is in the log is its.
pub(super) fn owner(ledger: &Path) -> Option<String> {
    let text = fs::read_to_string(path_of(ledger)).ok()?;
    let line = text.lines().next()?;
    let rest = [STARTED, RENEWED, OPENED]
        .iter()
        .find_map(|word| line.strip_prefix(word))?;
    rest.split_whitespace().next().map(str::to_owned)
}

/// Who holds the lock of a ledger now. `None` where nobody does, or where the system does not say: only Linux tells it without
/// an attempt at the lock, which a run that begins at that moment would meet.
#[must_use]
pub fn holder(ledger: &Path) -> Option<String> {
    let path = path_of(ledger);
    let inode = fs::metadata(&path).ok()?.ino().to_string();
    let text = fs::read_to_string(&path).ok()?;
    let holder = text.lines().nth(1)?;
    let locks = fs::read_to_string("/proc/locks").ok()?;
    // `1: FLOCK  ADVISORY  WRITE 4711 fd:01:123456 0 EOF`; an inode alone may be of another disk.
    let held = locks.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(words[..], [_, "FLOCK", _, _, process, file, ..]
            if file.rsplit(':').next() == Some(&inode)
                && holder.split_whitespace().any(|word| word == process))
    });
    held.then(|| holder.to_owned())
}

/// The campaign that was started from this ledger, as its lock remembers it now; nobody's hold on it is disturbed.
pub(super) fn started(ledger: &Path) -> Option<Started> {
    let mut file = File::open(path_of(ledger)).ok()?;
    read_started(&mut file).ok()?
}

fn path_of(ledger: &Path) -> PathBuf {
    beside(&leads_to(ledger), ".lock")
}

impl Lock {
    /// The lock of `ledger`, or an error that says who holds it. `holder` describes this process to the others
    /// ("send, process 4711, since ...").
    pub fn acquire(ledger: &Path, holder: &str) -> Result<Self> {
        let path = path_of(ledger);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|fault| unusable(&path, &fault))?;
        let attempt = file.try_lock();
        granted(attempt, ledger, &path, &mut file)?;
        let started = read_started(&mut file).map_err(|fault| unusable(&path, &fault))?;
        let lock = Self {
            file,
            path,
            started,
        };
        lock.write(holder)
            .map_err(|fault| unusable(&lock.path, &fault))?;
        Ok(lock)
    }

    /// A second hold on this lock, for who still reads the ledger when the sending is over.
    pub fn hold(&self) -> Result<Held> {
        // Both are one open file, which stays locked until the last of them is closed.
        self.file
            .try_clone()
            .map(Held)
            .map_err(|fault| unusable(&self.path, &fault))
    }

    /// The campaign that was started under this lock, if one was.
    #[must_use]
    pub fn started(&self) -> Option<&Started> {
        self.started.as_ref()
    }

    /// Remembers durably that this campaign is being sent, or takes the place of one that was. It comes before the
    /// first claim: a ledger that is lost afterwards cannot be mistaken for one that never was.
    pub fn mark_started(&mut self, campaign: &str) -> Result<()> {
        if self
            .started
            .as_ref()
            .is_some_and(|started| started.campaign == campaign)
        {
            return Ok(());
        }
        self.remember(Started {
            campaign: campaign.to_owned(),
            attempts: 0,
            renewed: self.started.is_some(),
        })
        .and_then(|()| self.file.sync_all())
        .map_err(|fault| unusable(&self.path, &fault))
    }

    /// Forgets the campaign that was started, whose ledger shows that nothing was ever sent from it.
    pub fn forget(&mut self) -> Result<()> {
        self.started = None;
        self.file
            .write_all_at(first_line(NOTHING).as_bytes(), 0)
            .map_err(|fault| unusable(&self.path, &fault))
    }

    /// Remembers whose ledger is open here, before anything is written to it. With a campaign that was started this is the
    /// one that takes its place.
    pub(super) fn note_opened(&mut self, campaign: &str) -> Result<()> {
        if self.started.is_some() {
            return self.mark_started(campaign);
        }
        self.file
            .write_all_at(first_line(&format!("{OPENED}{campaign}")).as_bytes(), 0)
            .map_err(|fault| unusable(&self.path, &fault))
    }

    /// An error if the lock is not in its place any more: a second process could hold another one by now.
    pub(super) fn still_in_place(&self) -> Result<()> {
        match (Identity::of(&self.path), Identity::of_open(&self.file)) {
            (Ok(there), Ok(held)) if there == held => Ok(()),
            _ => Err(Error::new(
                Kind::Ledger,
                "the lock was deleted or replaced while it was held",
            )
            .hint("leave it where it is, and run again to go on")
            .at(self.path.display())),
        }
    }

    /// Remembers how many attempts were made. It comes after their commit, so that the lock never knows of more than the
    /// ledger, and is not synced: it guards against a copy that is put back, not against a power cut.
    pub fn note_attempts(&mut self, attempts: u64) -> Result<()> {
        let Some(started) = self.started.clone() else {
            return Ok(());
        };
        self.remember(Started {
            attempts,
            ..started
        })
        .map_err(|fault| unusable(&self.path, &fault))
    }

    fn remember(&mut self, started: Started) -> io::Result<()> {
        let word = if started.renewed { RENEWED } else { STARTED };
        let line = format!("{word}{} {:020}", started.campaign, started.attempts);
        self.file.write_all_at(first_line(&line).as_bytes(), 0)?;
        self.started = Some(started);
        Ok(())
    }

    fn write(&self, holder: &str) -> io::Result<()> {
        if self.file.metadata()?.len() < FIRST_LINE as u64 {
            self.file.write_all_at(first_line(NOTHING).as_bytes(), 0)?;
        }
        self.file.set_len(FIRST_LINE as u64)?;
        self.file
            .write_all_at(format!("{holder}\n").as_bytes(), FIRST_LINE as u64)
    }
}

fn first_line(line: &str) -> String {
    format!("{line:<width$}\n", width = FIRST_LINE - 1)
}

fn read_started(file: &mut File) -> io::Result<Option<Started>> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let line = text.lines().next().unwrap_or_default();
    let renewed = line.strip_prefix(RENEWED);
    let rest = renewed.or_else(|| line.strip_prefix(STARTED));
    let mut words = rest.unwrap_or_default().split_whitespace();
    Ok(words.next().map(|campaign| Started {
        campaign: campaign.to_owned(),
        attempts: words
            .next()
            .and_then(|count| count.parse().ok())
            .unwrap_or(0),
        renewed: renewed.is_some(),
    }))
}

/// Whether the lock is ours now. Where a file system has no locks nobody can say so, which is no.
fn granted(
    attempt: Result<(), TryLockError>,
    ledger: &Path,
    path: &Path,
    file: &mut File,
) -> Result<()> {
    attempt.map_err(|refusal| match refusal {
        TryLockError::WouldBlock => in_use(ledger, file),
        TryLockError::Error(fault) => unusable(path, &fault),
    })
}

fn in_use(ledger: &Path, file: &mut File) -> Error {
    let mut text = String::new();
    let holder = match file.read_to_string(&mut text) {
        Ok(_) => text.lines().nth(1).unwrap_or("another process"),
        Err(_) => "another process",
    };
    Error::new(Kind::Ledger, format!("is in use by {holder}"))
        .hint("wait until it has ended; isms-campaign status shows how far it is")
        .at(ledger.display())
}

fn unusable(path: &Path, fault: &io::Error) -> Error {
    Error::new(Kind::Ledger, format!("cannot be locked: {fault}"))
        .hint("put the ledger on a local disk that you can write, with --ledger")
        .at(path.display())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_second_holder_is_told_who_has_it() {
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
    fn is_held_until_the_last_holder_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("a.ledger");
        let lock = Lock::acquire(&ledger, "send").unwrap();
        let held = lock.hold().unwrap();
        drop(lock);
        assert!(Lock::acquire(&ledger, "send").is_err());
        drop(held);
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
            let none = Err(TryLockError::Error(kind.into()));
            let fault = granted(none, &ledger, &path, &mut file).unwrap_err();
            let said = fault.to_string();
            assert!(said.contains("a.lock: cannot be locked"), "{said}");
            assert!(said.contains("--ledger"), "{said}");
        }
    }

    #[test]
    fn knows_whose_ledger_was_open_here() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("a.ledger");
        assert_eq!(owner(&ledger), None);
        let mut lock = Lock::acquire(&ledger, "send").unwrap();
        assert_eq!(owner(&ledger), None);
        lock.note_opened(ID).unwrap();
        drop(lock);
        let mut lock = Lock::acquire(&ledger, "plan").unwrap();
        assert_eq!(owner(&ledger).as_deref(), Some(ID));
        assert_eq!((lock.started(), started(&ledger)), (None, None));
        lock.mark_started(ID).unwrap();
        let other = ID.replace('0', "f");
        lock.note_opened(&other).unwrap();
        assert_eq!(owner(&ledger), Some(other.clone()));
        assert_eq!(started(&ledger).unwrap().campaign, other);
    }

    #[test]
    fn a_lock_that_is_gone_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("a.ledger");
        let lock = Lock::acquire(&ledger, "send").unwrap();
        lock.still_in_place().unwrap();
        fs::remove_file(beside(&ledger, ".lock")).unwrap();
        lock.still_in_place().unwrap_err();
        let _second = Lock::acquire(&ledger, "send").unwrap();
        let said = lock.still_in_place().unwrap_err().to_string();
        assert!(said.contains("a.ledger.lock"), "{said}");
    }

    #[test]
    fn a_crash_before_the_holder_is_written_leaves_what_was_started() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("a.ledger");
        let mut lock = Lock::acquire(&ledger, "send").unwrap();
        lock.mark_started(ID).unwrap();
        lock.file.set_len(FIRST_LINE as u64).unwrap();
        drop(lock);
        let lock = Lock::acquire(&ledger, "send").unwrap();
        assert_eq!(lock.started().unwrap().campaign, ID);
        drop(lock);
        assert_eq!(started(&ledger).unwrap().campaign, ID);
    }

    #[test]
    fn remembers_what_was_started_and_how_far_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("a.ledger");
        let mut lock = Lock::acquire(&ledger, "send").unwrap();
        assert_eq!(lock.started(), None);
        lock.note_attempts(3).unwrap();
        assert_eq!(lock.started(), None);
        lock.mark_started(ID).unwrap();
        lock.note_attempts(7).unwrap();
        drop(lock);
        let mut lock = Lock::acquire(&ledger, "a much longer holder than before").unwrap();
        let started = |campaign: &str, attempts, renewed| Started {
            campaign: campaign.to_owned(),
            attempts,
            renewed,
        };
        assert_eq!(lock.started(), Some(&started(ID, 7, false)));
        lock.mark_started(ID).unwrap();
        assert_eq!(lock.started(), Some(&started(ID, 7, false)));
        let other = ID.replace('0', "f");
        lock.mark_started(&other).unwrap();
        lock.note_attempts(2).unwrap();
        assert_eq!(owner(&ledger), Some(other.clone()));
        drop(lock);
        let mut lock = Lock::acquire(&ledger, "x").unwrap();
        assert_eq!(lock.started(), Some(&started(&other, 2, true)));
        lock.forget().unwrap();
        assert_eq!(lock.started(), None);
        drop(lock);
        let mut lock = Lock::acquire(&ledger, "x").unwrap();
        assert_eq!((lock.started(), owner(&ledger)), (None, None));
        lock.mark_started(ID).unwrap();
        assert_eq!(lock.started(), Some(&started(ID, 0, false)));
    }
}
