//! The ledger: one SQLite file a campaign, which holds the frozen plan and everything that was ever done with
//! it. It knows no HTTP, no progress bar and no clock; times are handed in.
//!
//! The order of writes is the promise:
//!
//! 1. The lock beside the ledger is taken before anything is planned, and held to the end.
//! 2. A plan is built in `NAME.ledger.partial`, synced, and put in place whole: there is never half a plan.
//! 3. The lock remembers that the campaign is started before the first claim is committed.
//! 4. A claim is committed and synced before its request starts. A crash therefore leaves requests without an
//!    outcome, never outcomes without a claim, and what is claimed counts as unknown from then on.
//! 5. An outcome is committed before its worker takes another batch.
//!
//! | file | holds |
//! |---|---|
//! | `schema` | the tables |
//! | `place` | the files: put in place, set aside, still the same? |
//! | `lock` | one process at a time |
//! | `state` | the states of a batch and the ways between them |
//! | `draft` | writing a plan |
//! | `book` | an open ledger: claims, outcomes, recovery |
//! | `split` | recipients that leave their batch |
//! | `decide` | an operator's word |
//! | `desk` | the thread that commits for all workers together |
//! | `read` | what every output is made from |
//! | `verify` | whether the books balance |

mod book;
mod committer;
mod files;
mod lock;
mod outcome;
mod plan_writer;
mod planned;
mod resolve;
mod schema;
mod snapshot;
mod split;
pub mod state;
#[cfg(test)]
pub(crate) mod tests;
mod verify;

use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

pub use book::{AttemptId, Batch, BatchId, Ledger, NewState, Settlement};
pub use committer::{Committer, LedgerHandle};
pub use files::leads_to;
pub use lock::{Held, Lock, Started, holder};
pub use outcome::AttemptOutcome;
pub use plan_writer::{Disposition, PlanInserts, PlanWriter, PlannedRow, PlannedText};
pub use resolve::{Resolution, Selection};
pub use snapshot::{Decided, Recipient, Snapshot, Totals};

use crate::domain::Timestamp;
use crate::{Error, Kind, Result};

/// The frozen facts of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// 32 hexadecimal digits, drawn when it was planned.
    pub id: String,
    /// What people call it: the spreadsheet's name.
    pub name: String,
    /// The spreadsheet as it was named.
    pub input: String,
    /// JSON: the template and every option that the plan hangs on.
    pub options: String,
    /// Of the header and the cells, hexadecimal.
    pub digest: String,
    /// The header as a CSV record.
    pub header: String,
    /// Of `header`, of the recipients' cells, and of the results.
    pub delimiter: u8,
    /// Whether the results begin with a byte order mark.
    pub bom: bool,
    /// JSON: what the plan found.
    pub report: String,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// From when on it is not sent any more.
    pub expires_at: Timestamp,
    /// Where it was first sent to.
    pub gateway_host: Option<String>,
}

/// Whether a ledger, or something in its place, is at this path.
pub fn exists(path: &Path) -> Result<bool> {
    files::refuse_strays(path)?;
    files::exists(path)
}

/// Sets a ledger that nobody has open aside, named after when it was planned: `NAME.20261122T152000Z.ledger`.
/// Returns where it is now. Nothing is overwritten.
pub fn set_aside(ledger: &Path, planned_at: &Timestamp) -> Result<PathBuf> {
    let stamp = planned_at.file_stamp();
    // Two plans of one second differ by a number.
    for nth in 1..100 {
        let nth = if nth == 1 {
            String::new()
        } else {
            format!("-{nth}")
        };
        let aside = ledger.with_extension(format!("{stamp}{nth}.ledger"));
        if !files::exists(&aside)? || files::same(ledger, &aside) {
            files::set_aside(ledger, &aside)?;
            return Ok(aside);
        }
    }
    Err(Error::new(Kind::Ledger, "was set aside too often in one second").at(ledger.display()))
}

/// Brings a ledger whose lock the caller holds into one file that nobody has open, so that it can be moved or replaced: a
/// log left beside it would be replayed into whatever comes into its place.
pub fn retire(ledger: &Path, lock: Lock) -> Result<Lock> {
    let lock = Ledger::take_up(ledger, lock)?.close()?;
    for suffix in ["-wal", "-shm"] {
        if files::exists(&files::beside(ledger, suffix))? {
            return Err(Error::new(Kind::Ledger, "another program is reading it")
                .hint("close that program and run again")
                .at(ledger.display()));
        }
    }
    Ok(lock)
}

/// Takes a plan from one ledger to a new one, with a copy of its own for practice. `original` is only read.
pub fn copy(original: &Path, copy: &Path) -> Result<()> {
    let partial = files::beside(copy, ".partial");
    files::create_private(&partial)?;
    let from = connect(original)?;
    let target = partial.to_str().ok_or_else(|| {
        Error::new(
            Kind::Ledger,
            "the name of a practice ledger must be UTF-8 text",
        )
        .at(copy.display())
    })?;
    from.execute("VACUUM INTO ?1", [target])
        .and_then(|_| Connection::open(&partial))
        .map_err(|fault| failed(&fault))
        .and_then(|copied| plan_writer::keep_a_log(&copied))
        .map_err(|fault| fault.at(copy.display()))?;
    files::put_in_place(&partial, copy, false)
}

/// Opens a file that must be a ledger of a version that this program knows.
fn connect(path: &Path) -> Result<Connection> {
    open(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|fault| fault.at(path.display()))
}

/// The same for who changes nothing. It takes the right to write all the same where it can: without it SQLite could
/// neither roll back a change that was cut off, nor clear away its log when it is done.
fn connect_to_read(path: &Path) -> Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE).or_else(|fault| {
        match files::unchanging(path).filter(|_| files::is_unchanging(path)) {
            // In a folder that cannot be written SQLite finds no room for the files of its log, and needs none.
            Some(address) => open(
                &address,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
            )
            .map_err(|_| fault),
            None => Err(fault),
        }
    });
    connection
        .and_then(|connection| {
            connection
                .execute_batch("PRAGMA query_only = ON")
                .map_err(|fault| unreadable(&fault))?;
            Ok(connection)
        })
        .map_err(|fault| fault.at(path.display()))
}

fn open(path: &Path, mode: OpenFlags) -> Result<Connection> {
    if !mode.contains(OpenFlags::SQLITE_OPEN_URI) {
        if !files::exists(path)? {
            return Err(Error::new(Kind::Ledger, "there is no such ledger"));
        }
        refuse_foreign_log(path)?;
    }
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|fault| unreadable(&fault))?;
    connection
        .busy_timeout(BUSY)
        // Otherwise SQLite plans some statements anew for every number that is bound to them.
        .and_then(|()| connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true))
        .map_err(|fault| unreadable(&fault))?;
    schema::check(&connection)?;
    Ok(connection)
}

/// Refuses a ledger that was moved to where another one was in use: SQLite takes whatever log is beside a file for its
/// own, and would replay the other ledger's into this one.
fn refuse_foreign_log(path: &Path) -> Result<()> {
    if !files::has_log(path) {
        return Ok(());
    }
    let own = || {
        let address = files::unchanging(path)?;
        let mode = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(address, mode).ok()?;
        let id = connection.query_row("SELECT id FROM campaign", [], |row| row.get(0));
        id.ok()
    };
    let own: Option<String> = own();
    match (lock::owner(path), own) {
        (Some(owner), Some(own)) if owner != own => Err(Error::new(Kind::Ledger, format!(
            "beside it is the log of another ledger that was in use in this place, {}",
            files::log(path).display()
        ))
        .hint("put the other ledger back; or move that log to where the other ledger is now, under its name")),
        _ => Ok(()),
    }
}

/// Whether the ledger was not closed in order, as far as one can see: what was put back meanwhile may not be what its log
/// belongs to. The caller holds its lock.
#[must_use]
pub fn was_cut_off(ledger: &Path) -> bool {
    files::has_log(ledger)
}

/// WAL with a sync at every commit.
fn make_durable(connection: &Connection) -> Result<()> {
    write_ahead(connection)?;
    connection
        .execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
        .map_err(|fault| failed(&fault))
}

/// Keeps a log from now on. SQLite answers with the mode it could have, which is another one where the file system cannot share
/// memory between processes, as on a network, or has no room.
fn write_ahead(connection: &Connection) -> Result<()> {
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(|fault| failed(&fault))?;
    if mode == "wal" {
        return Ok(());
    }
    Err(Error::new(
        Kind::Ledger,
        format!("its file system does not allow a write-ahead log (SQLite offers {mode})"),
    )
    .hint("put the ledger on a local disk with room on it, with --ledger"))
}

/// How long to wait for a reader of another program that holds the file for a moment.
const BUSY: std::time::Duration = std::time::Duration::from_secs(5);

fn unreadable(fault: &rusqlite::Error) -> Error {
    Error::new(Kind::Ledger, format!("cannot be read as a ledger: {fault}"))
        .hint("name the .ledger file that plan or send wrote")
}

fn failed(fault: &rusqlite::Error) -> Error {
    Error::new(
        Kind::Ledger,
        format!("the ledger could not be written: {fault}"),
    )
    .hint(
        "nothing is sent without it; see that its disk has room and can be written, and run again",
    )
}

fn unknown_word(what: &str, word: &str) -> Error {
    Error::new(
        Kind::Ledger,
        format!("the ledger holds an unknown {what}: {word}"),
    )
    .hint("it was changed by hand or by another program; bring back a copy")
}
