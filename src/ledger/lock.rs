//! The lock beside a ledger: one planner or sender at a time. It also records that a campaign was started.
//!
//! The lock is a file of its own because a lock on the ledger would not stop two planners (there is no ledger
//! yet), and because it must outlive a ledger that is deleted. It is never deleted or renamed: a second
//! process could then lock a new file of the same name while the first still holds the old one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::files::{self, Identity};
use crate::{Error, Kind, Remedy, Result};

/// Length of the first line, which says whether a campaign was started, which one, and how many attempts were made. It
/// is overwritten in place by a single write of this length, so that a crash cannot leave it half written.
const FIRST_LINE: usize = 62;
const STARTED: &str = "started ";
/// Instead of [`STARTED`], and as long: the campaign took the place of another one that was started.
const REPLACED: &str = "renewed ";
const OPENED: &str = "opened ";
const NOTHING: &str = "nothing sent";

/// What a lock records of the campaign that was started under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// Its id.
    pub campaign: String,
    /// At least this many attempts were made: a ledger with fewer is an earlier state of itself.
    pub attempts: u64,
    /// Whether it took the place of another one that was started.
    pub replaces_another: bool,
}

/// Keeps a [`Lock`] held until this is dropped too.
#[derive(Debug)]
pub struct LockGuard(#[allow(dead_code)] File);

/// The lock of one ledger, held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
    started: Option<Started>,
}

/// The campaign whose ledger was last open for writing at this path, if one was. The log beside it belongs to that one.
pub(super) fn last_opened(ledger: &Path) -> Option<String> {
    let text = fs::read_to_string(path_of(ledger)).ok()?;
    let line = text.lines().next()?;
    let rest = [STARTED, REPLACED, OPENED]
        .iter()
        .find_map(|word| line.strip_prefix(word))?;
    rest.split_whitespace().next().map(str::to_owned)
}

/// Which process holds the lock of a ledger now. `None` where none does, or where the system does not say: only Linux shows it
/// without an attempt at the lock, which could make a run fail that begins at that moment.
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

/// The campaign that was started from this ledger, as its lock records it. The lock itself is left alone.
pub(super) fn started(ledger: &Path) -> Option<Started> {
    let mut file = File::open(path_of(ledger)).ok()?;
    read_started(&mut file).ok()?
}

fn path_of(ledger: &Path) -> PathBuf {
    files::sidecar(&files::link_target(ledger), files::LOCK)
}

impl Lock {
    /// Takes the lock of `ledger`, or returns an error that says who holds it. `holder` describes this process to the
    /// others ("process 4711 since ...").
    pub fn acquire(ledger: &Path, holder: &str) -> Result<Self> {
        let path = path_of(ledger);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| unusable(&path, error))?;
        let attempt = file.try_lock();
        granted(attempt, ledger, &path, &mut file)?;
        let started = read_started(&mut file).map_err(|error| unusable(&path, error))?;
        let lock = Self {
            file,
            path,
            started,
        };
        lock.write(holder)
            .map_err(|error| unusable(&lock.path, error))?;
        Ok(lock)
    }

    /// Keeps this lock held for as long as the guard lives, even if the lock itself is dropped.
    pub fn guard(&self) -> Result<LockGuard> {
        // Both are one open file, which stays locked until the last of them is closed.
        self.file
            .try_clone()
            .map(LockGuard)
            .map_err(|error| unusable(&self.path, error))
    }

    /// The campaign that was started under this lock, if one was.
    #[must_use]
    pub fn started(&self) -> Option<&Started> {
        self.started.as_ref()
    }

    /// Records durably that this campaign is being sent, or takes the place of one that was. It comes before the
    /// first claim, so that a ledger that is lost afterwards is missed.
    pub fn mark_started(&mut self, campaign: &str) -> Result<()> {
        if self
            .started
            .as_ref()
            .is_some_and(|started| started.campaign == campaign)
        {
            return Ok(());
        }
        self.record(Started {
            campaign: campaign.to_owned(),
            attempts: 0,
            replaces_another: self.started.is_some(),
        })
        .and_then(|()| self.file.sync_all())
        .map_err(|error| unusable(&self.path, error))
    }

    /// Removes the record of the campaign that was started. Its ledger shows that nothing was ever sent from it.
    pub fn clear_started(&mut self) -> Result<()> {
        self.started = None;
        self.file
            .write_all_at(first_line(NOTHING).as_bytes(), 0)
            .map_err(|error| unusable(&self.path, error))
    }

    /// Records which campaign's ledger is open here, before anything is written to it. If another campaign was started,
    /// this one takes its place.
    pub(super) fn record_opened(&mut self, campaign: &str) -> Result<()> {
        if self.started.is_some() {
            return self.mark_started(campaign);
        }
        self.file
            .write_all_at(first_line(&format!("{OPENED}{campaign}")).as_bytes(), 0)
            .map_err(|error| unusable(&self.path, error))
    }

    /// An error if the lock file was deleted or replaced: a second process could hold another one by now.
    pub(super) fn check_in_place(&self) -> Result<()> {
        match (Identity::of(&self.path), Identity::of_open(&self.file)) {
            (Ok(now), Ok(held)) if now == held => Ok(()),
            _ => Err(Error::new(
                Kind::Ledger,
                "the lock was deleted or replaced while it was held",
            )
            .hint("leave it where it is, and run again to continue")
            .at(self.path.display())),
        }
    }

    /// Records how many attempts were made. It comes after their commit, so that the lock never records more than the
    /// ledger, and is not synced: it guards against a copy that is put back, not against a power cut.
    pub(super) fn record_attempts(&mut self, attempts: u64) -> Result<()> {
        let Some(started) = self.started.clone() else {
            return Ok(());
        };
        self.record(Started {
            attempts,
            ..started
        })
        .map_err(|error| unusable(&self.path, error))
    }

    fn record(&mut self, started: Started) -> io::Result<()> {
        let word = if started.replaces_another {
            REPLACED
        } else {
            STARTED
        };
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
    let replaced = line.strip_prefix(REPLACED);
    let rest = replaced.or_else(|| line.strip_prefix(STARTED));
    let mut words = rest.unwrap_or_default().split_whitespace();
    Ok(words.next().map(|campaign| Started {
        campaign: campaign.to_owned(),
        attempts: words
            .next()
            .and_then(|count| count.parse().ok())
            .unwrap_or(0),
        replaces_another: replaced.is_some(),
    }))
}

/// Whether the lock is ours now. On a file system without locks it never is.
fn granted(
    attempt: Result<(), TryLockError>,
    ledger: &Path,
    path: &Path,
    file: &mut File,
) -> Result<()> {
    attempt.map_err(|refusal| match refusal {
        TryLockError::WouldBlock => in_use(ledger, file),
        TryLockError::Error(error) => unusable(path, error),
    })
}

fn in_use(ledger: &Path, file: &mut File) -> Error {
    let mut text = String::new();
    let holder = match file.read_to_string(&mut text) {
        Ok(_) => text.lines().nth(1).unwrap_or("another process"),
        Err(_) => "another process",
    };
    Error::new(Kind::InUse, format!("is in use by {holder}"))
        .hint("wait until it has ended; see how far it is")
        .remedy(Remedy::ShowStatus)
        .at(ledger.display())
}

fn unusable(path: &Path, error: io::Error) -> Error {
    Error::new(Kind::Disk, "cannot be locked")
        .caused_by(error)
        .hint("put the ledger on a local disk that you can write to")
        .remedy(Remedy::LedgerPath)
        .at(path.display())
}

#[cfg(test)]
mod tests;
