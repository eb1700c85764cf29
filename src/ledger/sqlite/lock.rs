//! The lock beside a ledger: one planner or sender at a time. It also records that a campaign was started.
//!
//! The lock is a file of its own because a lock on the ledger would not stop two planners (there is no ledger
//! yet), and because it must outlive a ledger that is deleted. It is never deleted or renamed: a second
//! process could then lock a new file of the same name while the first still holds the old one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files;
use super::owner::{self, Use};
use crate::ledger::backend::{LockGuard, Started};
use crate::{Error, Kind, Remedy, Result};

/// Length of the first line, which holds a [`Record`] as JSON. It is overwritten in place by a single write of this length,
/// so that a crash cannot leave it half written.
const FIRST_LINE: usize = 128;

/// What a lock records about the ledger beside it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Record {
    #[default]
    NothingSent,
    /// The ledger of this campaign was open for writing.
    Opened(String),
    Started(Started),
}

impl Record {
    /// The record in the text of a lock; `None` if that is not one. A new lock is empty, and may hold zeros after a power
    /// cut: what was started is synced.
    fn parse(text: &str) -> Option<Self> {
        let line = text.lines().next().unwrap_or_default();
        if line.trim_matches(['\0', ' ']).is_empty() {
            return Some(Self::NothingSent);
        }
        serde_json::from_str(line).ok()
    }

    fn started(&self) -> Option<&Started> {
        match self {
            Self::Started(started) => Some(started),
            _ => None,
        }
    }
}

/// The lock of one ledger, held until it is dropped.
#[derive(Debug)]
pub(in crate::ledger) struct Lock {
    file: File,
    path: PathBuf,
    pub(super) ledger: PathBuf,
    record: Record,
}

/// The campaign whose ledger was last open for writing at this path, if one was. The log beside it belongs to that one.
pub(super) fn last_opened(ledger: &Path) -> Option<String> {
    match read_record(ledger) {
        Record::Opened(campaign) => Some(campaign),
        Record::Started(started) => Some(started.campaign),
        Record::NothingSent => None,
    }
}

/// The campaign that was started from this ledger, as its lock records it. The lock itself is left alone. A lock that is there
/// and cannot be read proves nothing.
pub(in crate::ledger) fn started(ledger: &Path) -> Result<Option<Started>> {
    let path = path_of(ledger);
    if let Some(refusal) = owner::refusal_to_read(&path) {
        return Err(refusal);
    }
    Ok(read_record(ledger).started().cloned())
}

fn read_record(ledger: &Path) -> Record {
    let text = fs::read_to_string(path_of(ledger)).ok();
    text.and_then(|text| Record::parse(&text))
        .unwrap_or_default()
}

/// Which process holds the lock of a ledger now. `None` where none does, or where the system does not say: only Linux shows it
/// without an attempt at the lock, which could make a run fail that begins at that moment.
#[must_use]
pub(in crate::ledger) fn holder(ledger: &Path) -> Option<String> {
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

fn path_of(ledger: &Path) -> PathBuf {
    files::sidecar(&files::link_target(ledger), files::LOCK)
}

impl Lock {
    /// Takes the lock of `ledger`, or returns an error that says who holds it. `holder` describes this process to the
    /// others ("process 4711 since ...").
    pub(in crate::ledger) fn acquire(ledger: &Path, holder: &str) -> Result<Self> {
        let path = path_of(ledger);
        let mut file = open(ledger, &path)?;
        if let Err(refusal) = file.try_lock() {
            return Err(refused(refusal, ledger, &path, &mut file));
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text)
            .map_err(|error| unusable(&path, error))?;
        let record = Record::parse(&String::from_utf8_lossy(&text))
            .ok_or_else(|| unreadable_record(&path))?;
        let lock = Self {
            file,
            path,
            ledger: ledger.to_owned(),
            record,
        };
        lock.sign(text.len(), holder)
            .map_err(|error| unusable(&lock.path, error))?;
        Ok(lock)
    }

    /// Replaces the last holder, behind the record.
    fn sign(&self, length: usize, holder: &str) -> io::Result<()> {
        if length < FIRST_LINE {
            self.write_first_line(&self.record)?;
        }
        self.file.set_len(FIRST_LINE as u64)?;
        self.file
            .write_all_at(format!("{holder}\n").as_bytes(), FIRST_LINE as u64)
    }

    /// Keeps this lock held for as long as the guard lives, even if the lock itself is dropped.
    pub(super) fn guard(&self) -> Result<LockGuard> {
        // Both are one open file, which stays locked until the last of them is closed.
        self.file
            .try_clone()
            .map(|file| LockGuard(Box::new(file)))
            .map_err(|error| unusable(&self.path, error))
    }

    /// The campaign that was started under this lock, if one was.
    #[must_use]
    pub(super) fn started(&self) -> Option<&Started> {
        self.record.started()
    }

    /// Records durably that this campaign is being sent, or takes the place of one that was. It comes before the first claim,
    /// so that a ledger that is lost afterwards is missed.
    pub(super) fn mark_started(&mut self, campaign: &str) -> Result<()> {
        let before = self.started();
        if before.is_some_and(|started| started.campaign == campaign) {
            return Ok(());
        }
        self.record(Record::Started(Started {
            campaign: campaign.to_owned(),
            attempts: 0,
            replaces_another: before.is_some(),
        }))?;
        self.file
            .sync_all()
            .map_err(|error| unusable(&self.path, error))
    }

    /// Removes the record of the campaign that was started. Its ledger shows that nothing was ever sent from it.
    pub(super) fn clear_started(&mut self) -> Result<()> {
        self.record(Record::NothingSent)
    }

    /// Records which campaign's ledger is open here, before anything is written to it. If another campaign was started,
    /// this one takes its place.
    pub(super) fn record_opened(&mut self, campaign: &str) -> Result<()> {
        if self.started().is_some() {
            return self.mark_started(campaign);
        }
        self.record(Record::Opened(campaign.to_owned()))
    }

    /// Records how many attempts were made. It comes after their commit, so that the lock never records more than the
    /// ledger, and is not synced: it guards against a copy that is put back, not against a power cut.
    pub(super) fn record_attempts(&mut self, attempts: u64) -> Result<()> {
        let Some(started) = self.started().cloned() else {
            return Ok(());
        };
        self.record(Record::Started(Started {
            attempts,
            ..started
        }))
    }

    fn record(&mut self, record: Record) -> Result<()> {
        self.write_first_line(&record)
            .map_err(|error| unusable(&self.path, error))?;
        self.record = record;
        Ok(())
    }

    fn write_first_line(&self, record: &Record) -> io::Result<()> {
        let json = serde_json::to_string(record)?;
        let line = format!("{json:<width$}\n", width = FIRST_LINE - 1);
        self.file.write_all_at(line.as_bytes(), 0)
    }

    /// An error if the lock file was deleted or replaced: a second process could hold another one by now.
    pub(super) fn check_in_place(&self) -> Result<()> {
        match (fs::metadata(&self.path), self.file.metadata()) {
            (Ok(now), Ok(held)) if files::identity(&now) == files::identity(&held) => Ok(()),
            _ => Err(Error::new(
                Kind::Ledger,
                "the lock was deleted or replaced while it was held",
            )
            .hint("leave it where it is, and run again to continue")
            .at(self.path.display())),
        }
    }
}

/// Opens the lock file, or makes it. One that is made for a ledger of another user would keep that user out.
fn open(ledger: &Path, path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    let opened = match options.open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if let Some(refusal) = owner::refusal(ledger, Use::Write) {
                return Err(refusal);
            }
            options.create(true).truncate(false).open(path)
        }
        opened => opened,
    };
    opened.map_err(|error| {
        owner::refusal(ledger, Use::Write)
            .or_else(|| owner::refusal_of_folder(ledger, &error))
            .unwrap_or_else(|| no_place(path, error))
    })
}

/// The error for a lock that was not given: another process has it, or the file system has no locks.
fn refused(refusal: TryLockError, ledger: &Path, path: &Path, file: &mut File) -> Error {
    if let TryLockError::Error(error) = refusal {
        return match files::exists(ledger) {
            Ok(false) => no_place(path, error),
            _ => no_place(path, error)
                .instead("move the ledger with its lock to a local disk, and send it there"),
        };
    }
    let mut text = String::new();
    // Who holds it only helps people: if it cannot be read, the error says less.
    let _ = file.read_to_string(&mut text);
    let holder = text.lines().nth(1).unwrap_or("another process");
    Error::new(Kind::InUse, format!("is in use by {holder}"))
        .hint("wait until it has ended; see how far it is")
        .remedy(Remedy::ShowStatus)
        .about(ledger.display())
        .at(ledger.display())
}

/// The error for a lock that was changed, or written by another version: it may record that messages were sent.
fn unreadable_record(path: &Path) -> Error {
    Error::new(Kind::Ledger, "what it records of its ledger cannot be read")
        .hint(
            "bring a copy of it back, or finish the campaign with the isms-campaign that wrote it",
        )
        .at(path.display())
}

/// The error for a lock that failed while a ledger may be there.
fn unusable(path: &Path, error: io::Error) -> Error {
    Error::new(Kind::Disk, "cannot be locked")
        .caused_by(error)
        .hint("make sure that its disk has room and can be written, and run again")
        .at(path.display())
}

/// The error for a place without a ledger where none can be locked.
fn no_place(path: &Path, error: io::Error) -> Error {
    unusable(path, error)
        .hint("put the ledger on a local disk that you can write to")
        .remedy(Remedy::LedgerPath)
}

#[cfg(test)]
mod tests;
