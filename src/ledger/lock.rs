//! The lock beside a ledger: one planner or sender at a time, and the memory that a campaign was started.
//! It knows nothing of what the ledger holds.
//!
//! The lock is a file of its own because a lock on the ledger would not stop two planners (there is no ledger
//! yet), and because it must outlive a ledger that someone deletes. It is never deleted or renamed: a second
//! process could then lock a new file of the same name while the first still holds the old one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::place::beside;
use crate::{Error, Result};

/// Length of the first line, which says whether the campaign was started. It is overwritten in place by a single
/// write of this length, so that a crash cannot leave it half written.
const FIRST_LINE: usize = 41;
const STARTED: &str = "started ";

/// Keeps a lock that is dropped elsewhere held until this is dropped too.
#[derive(Debug)]
pub struct Held(#[allow(dead_code)] File);

/// The lock of one ledger, held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
    started: Option<String>,
}

impl Lock {
    /// The lock of `ledger`, or an error that says who holds it. `holder` describes this process to the others
    /// ("send, process 4711, since ...").
    pub fn acquire(ledger: &Path, holder: &str) -> Result<Self> {
        // Two names that lead to one ledger have one lock.
        let leads_to = fs::read_link(ledger).and_then(|_| fs::canonicalize(ledger));
        let path = beside(leads_to.as_deref().unwrap_or(ledger), ".lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|fault| unusable(&path, &fault))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(ledger, &mut file)),
            Err(TryLockError::Error(fault)) => return Err(unusable(&path, &fault)),
        }
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

    /// The id of the campaign that was started under this lock, if one was.
    #[must_use]
    pub fn started(&self) -> Option<&str> {
        self.started.as_deref()
    }

    /// Remembers durably that this campaign is being sent. It comes before the first claim: a ledger that is
    /// lost afterwards cannot be mistaken for one that never was.
    pub fn mark_started(&mut self, campaign: &str) -> Result<()> {
        if self.started.as_deref() != Some(campaign) {
            self.write_first(&format!("{STARTED}{campaign}"))?;
            self.started = Some(campaign.to_owned());
        }
        Ok(())
    }

    /// Forgets the campaign that was started, on an operator's word.
    pub fn forget(&mut self) -> Result<()> {
        self.write_first("nothing sent")?;
        self.started = None;
        Ok(())
    }

    fn write_first(&self, line: &str) -> Result<()> {
        self.file
            .write_all_at(first_line(line).as_bytes(), 0)
            .and_then(|()| self.file.sync_all())
            .map_err(|fault| unusable(&self.path, &fault))
    }

    fn write(&self, holder: &str) -> io::Result<()> {
        if self.started.is_none() {
            self.file
                .write_all_at(first_line("nothing sent").as_bytes(), 0)?;
        }
        self.file.set_len(FIRST_LINE as u64)?;
        self.file
            .write_all_at(format!("{holder}\n").as_bytes(), FIRST_LINE as u64)
    }
}

fn first_line(line: &str) -> String {
    format!("{line:<width$}\n", width = FIRST_LINE - 1)
}

fn read_started(file: &mut File) -> io::Result<Option<String>> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix(STARTED))
        .map(|id| id.trim_end().to_owned()))
}

fn in_use(ledger: &Path, file: &mut File) -> Error {
    let mut text = String::new();
    let holder = match file.read_to_string(&mut text) {
        Ok(_) => text.lines().nth(1).unwrap_or("another process"),
        Err(_) => "another process",
    };
    Error::new(format!("is in use by {holder}"))
        .advice("wait until it has ended; isms-campaign status shows how far it is")
        .at(ledger.display())
}

fn unusable(path: &Path, fault: &io::Error) -> Error {
    Error::new(format!("cannot be locked: {fault}"))
        .advice("put the ledger on a local disk that you can write, with --ledger")
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
    fn remembers_what_was_started_until_told_to_forget() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("a.ledger");
        let mut lock = Lock::acquire(&ledger, "send").unwrap();
        assert_eq!(lock.started(), None);
        lock.mark_started(ID).unwrap();
        drop(lock);
        let mut lock = Lock::acquire(&ledger, "a much longer holder than before").unwrap();
        assert_eq!(lock.started(), Some(ID));
        lock.forget().unwrap();
        drop(lock);
        assert_eq!(Lock::acquire(&ledger, "x").unwrap().started(), None);
    }
}
