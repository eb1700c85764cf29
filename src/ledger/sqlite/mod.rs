//! A ledger in one SQLite file.
//!
//! | file | holds |
//! |---|---|
//! | `schema` | the tables |
//! | `connection`, `error` | how SQLite opens a ledger, and what its errors mean |
//! | `files` | the names of the files, putting them in place, whether they are still the same |
//! | `lock` | one process at a time |
//! | `campaign` | the campaign's row |
//! | `plan_writer`, `plan_inserts` | writing a plan |
//! | `open` | a ledger open for sending: transactions, recovery |
//! | `attempt` | claims and settlements |
//! | `planned` | reading planned batches |
//! | `split` | recipients that leave their batch |
//! | `resolve` | decisions of an operator |
//! | `snapshot`, `totals` | what every output is made from |
//! | `verify`, `rules` | whether everything adds up |

mod attempt;
mod campaign;
mod connection;
mod error;
pub(super) mod files;
mod lock;
mod open;
mod plan_inserts;
mod plan_writer;
mod planned;
mod resolve;
mod rules;
mod schema;
mod snapshot;
mod split;
mod totals;
mod verify;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use files::{SUFFIX, has_log, link_target, sidecar_files};
pub use lock::{Lock, LockGuard, Started, holder};
pub use open::Ledger;
pub use plan_inserts::{Disposition, PlanInserts, PlannedRow};
pub use plan_writer::PlanWriter;
pub use resolve::{Resolution, Selection};
pub use snapshot::{Decision, PlannedText, Recipient, Snapshot};

use crate::domain::Timestamp;
use crate::{Error, Kind, Result};

/// Whether a ledger, or another file in its place, is at this path.
pub fn exists(path: &Path) -> Result<bool> {
    let exists = files::exists(path)?;
    if !exists {
        files::refuse_leftovers(path)?;
    }
    Ok(exists)
}

/// Renames a ledger that is not open after the time when it was planned: `NAME.20261122T152000Z.ledger`. Nothing is
/// overwritten. Returns where it is now.
pub fn set_aside(ledger: &Path, planned_at: &Timestamp) -> Result<PathBuf> {
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
pub fn close_all_files(ledger: &Path, lock: Lock) -> Result<Lock> {
    let lock = Ledger::open_despite_hard_links(ledger, lock)?.close()?;
    for suffix in [files::WAL, files::SHARED_MEMORY] {
        if files::exists(&files::sidecar(ledger, suffix))? {
            return Err(Error::new(Kind::InUse, "another program is reading it")
                .hint("close that program and run again")
                .at(ledger.display()));
        }
    }
    Ok(lock)
}

/// Copies the plan of one ledger to a new one, for the sandbox. `original` is only read.
pub fn copy(original: &Path, copy: &Path) -> Result<()> {
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
