//! What SQLite's errors mean for a ledger.

use rusqlite::ErrorCode;
use rusqlite::types::FromSqlError;

use crate::{Error, Kind};

/// An error of SQLite while a ledger is read. Where it is written, `write_error` says more.
impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        if is_of_the_disk(&error) {
            return Self::new(Kind::Disk, "the ledger cannot be read")
                .caused_by(error)
                .hint("make sure that its disk has room and can be read, and run again");
        }
        Self::new(Kind::Ledger, "cannot be read as a ledger")
            .caused_by(error)
            .hint("name the .ledger file of the campaign")
    }
}

/// Whether the disk failed, not the ledger. SQLite needs room beside a ledger also to read it.
fn is_of_the_disk(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
        )
    )
}

impl From<FromSqlError> for Error {
    fn from(error: FromSqlError) -> Self {
        rusqlite::Error::from(error).into()
    }
}

/// An error of SQLite while a ledger is written.
pub(in crate::ledger) fn write_error(error: rusqlite::Error) -> Error {
    let kind = if is_of_the_disk(&error) {
        Kind::Disk
    } else {
        Kind::Ledger
    };
    Error::new(kind, "the ledger could not be written")
        .caused_by(error)
        .hint(
            "nothing is sent without it; make sure that its disk has room and can be written, and run again",
        )
}
