//! What happens to a ledger as a file: taking its place, leaving it, being copied.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::files::{self, SUFFIX};
use super::lock::Lock;
use super::open::Ledger;
use super::plan_writer::{self, PlanWriter};
use super::{connection, error};
use crate::domain::Timestamp;
use crate::ledger::backend::{self, History, LockGuard, Started};
use crate::{Error, Kind, Result};

/// Whether a ledger, or another file in its place, is at this path.
pub(in crate::ledger) fn exists(path: &Path) -> Result<bool> {
    let exists = files::exists(path)?;
    if !exists {
        files::refuse_leftovers(path)?;
    }
    Ok(exists)
}

/// Renames a ledger that is not open after the time when it was planned: `NAME.20261122T152000Z.ledger`. Nothing is
/// overwritten. Returns where it is now.
pub(in crate::ledger) fn set_aside(ledger: &Path, planned_at: &Timestamp) -> Result<PathBuf> {
    let stamp = planned_at.file_stamp();
    // Two plans of one second differ by a number.
    let numbers = (2..100).map(|nth| format!("-{nth}"));
    for nth in std::iter::once(String::new()).chain(numbers) {
        let aside = ledger.with_extension(format!("{stamp}{nth}{SUFFIX}"));
        if !files::exists(&aside)? || files::is_same(ledger, &aside) {
            files::set_aside(ledger, &aside)?;
            return Ok(aside);
        }
    }
    Err(Error::new(
        Kind::Disk,
        "cannot be set aside: a hundred earlier ledgers of this second are there",
    )
    .at(ledger.display()))
}

/// Brings a ledger whose lock the caller holds into one file that no process has open, so that it can be moved or replaced:
/// SQLite would replay a log that is left beside it into whatever comes into its place.
fn close_all_files(lock: Lock) -> Result<Lock> {
    let ledger = lock.ledger.clone();
    let lock = Ledger::open_despite_hard_links(&ledger, lock)?.close_file()?;
    for suffix in [files::WAL, files::SHARED_MEMORY] {
        if files::exists(&files::sidecar(&ledger, suffix))? {
            return Err(Error::new(Kind::InUse, "another program is reading it")
                .hint("close that program and run again")
                .at(ledger.display()));
        }
    }
    Ok(lock)
}

/// Copies the plan of one ledger to a new one, for the sandbox. `original` is only read.
pub(in crate::ledger) fn copy(original: &Path, copy: &Path) -> Result<()> {
    let partial = files::sidecar(copy, files::PARTIAL);
    files::create_private(&partial)?;
    let from = connection::connect(original)?;
    let target = partial.to_str().ok_or_else(|| {
        Error::new(
            Kind::Ledger,
            "the name of a copied ledger must be UTF-8 text",
        )
        .at(copy.display())
    })?;
    from.execute("VACUUM INTO ?1", [target])
        .and_then(|_| Connection::open(&partial))
        .map_err(error::write_error)
        .and_then(|copied| plan_writer::turn_on_log(&copied))
        .map_err(|error| error.at(copy.display()))?;
    files::put_in_place(&partial, copy, false)
}

impl backend::Lock for Lock {
    fn started(&self) -> Option<&Started> {
        Self::started(self)
    }

    fn mark_started(&mut self, campaign: &str) -> Result<()> {
        Self::mark_started(self, campaign)
    }

    fn clear_started(&mut self) -> Result<()> {
        Self::clear_started(self)
    }

    fn guard(&self) -> Result<LockGuard> {
        Self::guard(self)
    }

    fn begin_plan(&self) -> Result<Box<dyn backend::PlanWriter>> {
        Ok(Box::new(PlanWriter::begin(&self.ledger)?))
    }

    fn open(self: Box<Self>) -> Result<Box<dyn backend::Ledger>> {
        let path = self.ledger.clone();
        Ok(Box::new(Ledger::open(&path, *self)?))
    }

    fn close_completely(self: Box<Self>) -> Result<Box<dyn backend::Lock>> {
        Ok(Box::new(close_all_files(*self)?))
    }

    fn set_aside(&self, planned_at: &Timestamp, _: History) -> Result<String> {
        set_aside(&self.ledger, planned_at).map(|aside| aside.display().to_string())
    }
}
