//! Where a ledger is, and what can be done there: take its lock, plan, open it, read it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::backend::{self, History, LockGuard, PlanWriter, Snapshot, Started};
use super::postgresql::{self, Store};
use super::sqlite;
use crate::domain::Timestamp;
use crate::{Error, Kind, Result};

/// Where a ledger is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file of its own.
    File(PathBuf),
    /// A campaign in a database.
    Stored(postgresql::Place),
    /// In memory, for tests.
    #[cfg(test)]
    Memory(super::tests::memory::Place),
}

impl Location {
    /// Whether a ledger, or something else in its place, is there.
    pub fn exists(&self) -> Result<bool> {
        match self {
            Self::File(path) => sqlite::exists(path),
            Self::Stored(place) => place.exists(),
            #[cfg(test)]
            Self::Memory(place) => Ok(place.exists()),
        }
    }

    /// Whether messages were sent from a ledger in this file, of whatever campaign, as is known even if it is gone.
    pub fn was_started(&self) -> Result<bool> {
        match self {
            Self::File(path) => Ok(sqlite::started(path)?.is_some()),
            Self::Stored(_) => Ok(false),
            #[cfg(test)]
            Self::Memory(_) => Ok(false),
        }
    }

    /// Whether it is in use, or was not closed because of a crash.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::File(path) => sqlite::has_log(path),
            Self::Stored(_) => false,
            #[cfg(test)]
            Self::Memory(place) => place.is_locked(),
        }
    }

    /// The place of this name in a store.
    pub fn in_store(store: &Arc<Store>, name: &str) -> Result<Self> {
        postgresql::Place::new(Arc::clone(store), name).map(Self::Stored)
    }

    /// Whether several processes can have it open at once.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Stored(_))
    }

    /// Which process plans or sends it now. `None` where none does, or where the system does not say.
    #[must_use]
    pub fn holder(&self) -> Option<String> {
        match self {
            Self::File(path) => sqlite::holder(path),
            Self::Stored(place) => place
                .senders()
                .ok()
                .filter(|all| !all.is_empty())
                .map(|all| all.join(" and ")),
            #[cfg(test)]
            Self::Memory(_) => None,
        }
    }

    /// How many processes send it now. `None`: that cannot be known, or only one can.
    #[must_use]
    pub fn senders(&self) -> Option<usize> {
        if let Self::Stored(place) = self {
            place.senders().ok().map(|all| all.len())
        } else {
            None
        }
    }

    /// Refuses a ledger that is there and that this user cannot use, and says whose it is. Not while this process has it open.
    pub fn refuse_unusable(&self) -> Result<()> {
        match self {
            Self::File(path) => sqlite::refusal_to_write(path).map_or(Ok(()), Err),
            Self::Stored(_) => Ok(()),
            #[cfg(test)]
            Self::Memory(_) => Ok(()),
        }
    }

    /// The place itself, where this is only a link to it: a plan beside the link would be a second ledger of one campaign.
    #[must_use]
    pub fn target(&self) -> Self {
        match self {
            Self::File(path) => Self::File(sqlite::link_target(path)),
            Self::Stored(_) => self.clone(),
            #[cfg(test)]
            Self::Memory(_) => self.clone(),
        }
    }

    /// The file that it is, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Stored(_) => None,
            #[cfg(test)]
            Self::Memory(_) => None,
        }
    }

    /// The files that belong to it, each with what it is. Nothing else may be written there.
    #[must_use]
    pub fn files(&self) -> Vec<(&'static str, PathBuf)> {
        self.path().map(sqlite::sidecar_files).unwrap_or_default()
    }

    /// The files that change when something is written to it.
    #[must_use]
    pub fn data_files(&self) -> Vec<PathBuf> {
        self.path().map(sqlite::data_files).unwrap_or_default()
    }

    /// The ledgers in a folder.
    pub fn in_folder(folder: &Path) -> Result<Vec<Self>> {
        let ledgers = sqlite::ledgers_in(folder, None)?.into_iter();
        Ok(ledgers.map(Self::File).collect())
    }

    /// The campaigns in a store, in the order in which they were planned.
    pub fn all_in_store(store: &Arc<Store>) -> Result<Vec<Self>> {
        let places = postgresql::Place::all(store, None)?;
        Ok(places.into_iter().map(Self::Stored).collect())
    }

    /// The ledgers in another folder, or the same one, without this one.
    pub fn others_in(&self, folder: &Path) -> Result<Vec<Self>> {
        match self {
            Self::File(path) => {
                let others = sqlite::ledgers_in(folder, Some(path))?.into_iter();
                Ok(others.map(Self::File).collect())
            }
            Self::Stored(_) => Self::in_folder(folder),
            #[cfg(test)]
            Self::Memory(_) => Ok(Vec::new()),
        }
    }

    /// The other ledgers in its folder, or the other campaigns in its store that were sent within about this time.
    pub fn others(&self, within: Duration) -> Result<Vec<Self>> {
        if let Self::Stored(place) = self {
            let others = postgresql::Place::all(place.store(), Some(within))?;
            let others = others.into_iter().filter(|other| other != place);
            return Ok(others.map(Self::Stored).collect());
        }
        let folder = self.path().and_then(Path::parent);
        self.others_in(folder.unwrap_or(Path::new("")))
    }

    /// Takes the lock, or returns an error that says who holds it. `holder` describes this process to the others ("process 4711
    /// since ..."). In a store it waits for it instead, after it has called `waiting`.
    pub fn lock(&self, holder: &str, waiting: &dyn Fn()) -> Result<Lock> {
        let backend: Box<dyn backend::Lock> = match self {
            Self::File(path) => Box::new(sqlite::Lock::acquire(path, holder)?),
            Self::Stored(place) => Box::new(place.lock(holder, waiting)?),
            #[cfg(test)]
            Self::Memory(place) => Box::new(place.lock()?),
        };
        Ok(Lock {
            backend,
            location: self.clone(),
        })
    }

    /// Opens the ledger for reading.
    pub fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        Ok(match self {
            Self::File(path) => Box::new(sqlite::Snapshot::open(path)?),
            Self::Stored(place) => Box::new(place.snapshot()?),
            #[cfg(test)]
            Self::Memory(place) => Box::new(place.snapshot()?),
        })
    }
}

impl Location {
    /// Reads something from the ledger. For many ledgers this is faster than a snapshot of each.
    pub fn glance<T>(&self, read: &dyn Fn(&dyn Snapshot) -> Result<T>) -> Result<T> {
        if let Self::File(path) = self
            && let Ok(glanced) = sqlite::Snapshot::glance(path).and_then(|snapshot| read(&snapshot))
        {
            return Ok(glanced);
        }
        read(&*self.snapshot()?)
    }
}

impl<P: Into<PathBuf>> From<P> for Location {
    fn from(path: P) -> Self {
        Self::File(path.into())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stored(place) => place.fmt(f),
            #[cfg(test)]
            Self::Memory(_) => f.write_str("memory"),
        }
    }
}

/// The lock of one place, held until it is dropped: one planner or sender at a time.
#[derive(Debug)]
pub struct Lock {
    pub(super) backend: Box<dyn backend::Lock>,
    pub(super) location: Location,
}

impl Lock {
    /// The campaign that was started under this lock, if one was.
    #[must_use]
    pub fn started(&self) -> Option<&Started> {
        self.backend.started()
    }

    /// Records durably that this campaign takes the place of one that was started.
    pub fn mark_started(&mut self, campaign: &str) -> Result<()> {
        self.backend.mark_started(campaign)
    }

    /// Removes the record of the campaign that was started. Its ledger shows that nothing was ever sent from it.
    pub fn clear_started(&mut self) -> Result<()> {
        self.backend.clear_started()
    }

    /// Keeps this lock held for as long as the guard lives, even if the lock itself is dropped.
    pub fn guard(&self) -> Result<LockGuard> {
        self.backend.guard()
    }

    /// Begins a plan.
    pub fn begin_plan(&self) -> Result<Box<dyn PlanWriter>> {
        self.backend.begin_plan()
    }

    /// Copies another ledger to this place, which is free, for the sandbox. The other one is only read.
    pub fn copy_here(&self, original: &Location) -> Result<()> {
        match (original, &self.location) {
            (Location::File(original), Location::File(copy)) => sqlite::copy(original, copy),
            _ => Err(Error::new(
                Kind::Ledger,
                "only a ledger in a file can be copied",
            )),
        }
    }

    /// Closes the ledger for every process, so that it can be replaced.
    pub fn close_completely(self) -> Result<Self> {
        Ok(Self {
            backend: self.backend.close_completely()?,
            location: self.location,
        })
    }

    /// Moves the ledger out of its place, under a name made of the time when it was planned. Nothing is overwritten. `seen`: where
    /// others can send from it, it is refused if more has happened to it. Returns where it is now.
    pub fn set_aside(self, planned_at: &Timestamp, seen: History) -> Result<(Self, String)> {
        let lock = self.close_completely()?;
        let aside = lock.backend.set_aside(planned_at, seen)?;
        Ok((lock, aside))
    }
}
