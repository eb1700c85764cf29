//! SQLite connections to a ledger: how they are opened and made durable.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::write_error;
use super::owner::{self, Use};
use super::{files, lock, schema};
use crate::{Error, Kind, Remedy, Result};

/// How long to wait for another program that reads the file for a moment.
const BUSY: Duration = Duration::from_secs(5);

/// Opens a file that must be a ledger of this program's version.
pub(in crate::ledger) fn connect(path: &Path) -> Result<Connection> {
    open_writable(path).map_err(|error| {
        owner::refusal(path, Use::Write)
            .or_else(|| owner::refusal_beside(path))
            .unwrap_or_else(|| error.at(path.display()))
    })
}

fn open_writable(path: &Path) -> Result<Connection> {
    let connection = open(path)?;
    if connection.is_readonly("main")? {
        return Err(Error::new(Kind::Ledger, "cannot be written"));
    }
    checked(connection)
}

/// Opens a ledger to read it only. Even so it asks for the right to write: without it SQLite could neither roll back a
/// change that was cut off, nor remove its log when it is done.
pub(in crate::ledger) fn connect_to_read(path: &Path) -> Result<Connection> {
    open_to_read(path)
        .and_then(|connection| {
            connection.execute_batch("PRAGMA query_only = ON")?;
            Ok(connection)
        })
        .map_err(|error| {
            owner::refusal(path, Use::Read).unwrap_or_else(|| error.at(path.display()))
        })
}

/// Opens a ledger for a look, without files beside it if there is nothing in its log.
pub(in crate::ledger) fn connect_for_glance(path: &Path) -> Result<Connection> {
    match open_immutable(path) {
        Some(Ok(connection)) => Ok(connection),
        _ => connect_to_read(path),
    }
}

fn open_to_read(path: &Path) -> Result<Connection> {
    let connection = open(path)?;
    if connection.is_readonly("main")?
        && let Some(immutable) = open_immutable(path)
    {
        // It belongs to another user, for whom SQLite would leave a log beside it that cannot be written.
        return immutable;
    }
    // In a folder that cannot be written SQLite cannot create its log, and does not need it.
    checked(connection).or_else(|error| match open_immutable(path) {
        Some(Ok(immutable)) => Ok(immutable),
        _ => Err(error),
    })
}

/// Opens a ledger as one that cannot change. `None`: that is not possible.
fn open_immutable(path: &Path) -> Option<Result<Connection>> {
    let uri = files::immutable_uri(path)
        .filter(|_| !files::is_pipe(path) && files::may_be_opened_immutable(path))?;
    let mode = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, mode);
    Some(connection.map_err(Error::from).and_then(checked))
}

fn open(path: &Path) -> Result<Connection> {
    if !files::look(path)? {
        return Err(Error::new(Kind::Ledger, "there is no such ledger")
            .hint("check the name; a campaign in a store needs the store's name, too"));
    }
    refuse_foreign_log(path)?;
    let mode = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(path, mode)?)
}

/// A connection to a file that is a ledger of this program's version.
fn checked(connection: Connection) -> Result<Connection> {
    connection.busy_timeout(BUSY)?;
    // Otherwise SQLite plans some statements anew for every number that is bound to them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    schema::check(&connection)?;
    Ok(connection)
}

/// Refuses a ledger that was moved to where another one was in use. SQLite takes whatever log is beside a file for that
/// file's own, and would replay the other ledger's log into this one.
fn refuse_foreign_log(path: &Path) -> Result<()> {
    if !files::has_log(path) {
        return Ok(());
    }
    match (lock::last_opened(path), id_without_log(path)) {
        (Some(opened), Some(id)) if opened != id => Err(Error::new(
            Kind::Ledger,
            format!(
                "beside it is the log of another ledger that was in use in this place, {}",
                files::log(path).display()
            ),
        )
        .hint(
            "put the other ledger back; or move that log to where the other ledger is now, under its name",
        )),
        _ => Ok(()),
    }
}

/// The campaign's id in the ledger itself, whatever is in its log.
fn id_without_log(path: &Path) -> Option<String> {
    let mode = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(files::immutable_uri(path)?, mode).ok()?;
    connection
        .query_row("SELECT id FROM campaign", [], |row| row.get(0))
        .ok()
}

/// Turns on a write-ahead log, and a sync at every commit.
pub(in crate::ledger) fn make_durable(connection: &Connection) -> Result<()> {
    write_ahead(connection)?;
    connection
        .execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
        .map_err(write_error)
}

/// Turns on the write-ahead log. SQLite answers with another mode where the file system cannot share memory between
/// processes (a network drive) or has no room.
pub(in crate::ledger) fn write_ahead(connection: &Connection) -> Result<()> {
    let mode: String = connection
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(write_error)?;
    if mode == "wal" {
        return Ok(());
    }
    Err(Error::new(
        Kind::Disk,
        format!("its file system does not allow a write-ahead log (SQLite offers {mode})"),
    )
    .hint("put the ledger on a local disk that has room")
    .remedy(Remedy::LedgerPath))
}
