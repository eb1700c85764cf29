//! Errors and hints that several readers give. They do not name the file; the caller does.

use std::io;

use crate::{Error, Kind};

pub(super) const HEADER_AND_ROWS: &str = "it needs a row of headers and a row for each recipient";
pub(super) const SAVE_AS_CSV: &str = "save it as \"CSV UTF-8\" in the spreadsheet program";

/// A NUL byte in this line of a text.
pub(super) fn nul_byte(line: u64) -> Error {
    Error::new(
        Kind::Input,
        format!("line {line} holds a NUL byte, which no text has"),
    )
    .hint("the file is damaged or in another format; save it as \"CSV UTF-8\" in the spreadsheet program")
}

/// An error of reading bytes: the [`Error`] inside, where a reader below put one there.
pub(super) fn unreadable(error: io::Error) -> Error {
    error.downcast::<Error>().unwrap_or_else(|error| {
        Error::new(Kind::Input, "the file cannot be read")
            .caused_by(error)
            .hint("check the disk and the permissions of the file")
    })
}

/// A cell that is not UTF-8. `place` is its row, `title` the header of its column if it has one.
pub(super) fn not_utf8(place: &str, cell: usize, title: &str) -> Error {
    let column = match title {
        "" => format!("column {}", cell + 1),
        title => format!("column \"{title}\""),
    };
    Error::new(
        Kind::Input,
        format!("{place}, {column}: the text is not UTF-8"),
    )
    .hint(SAVE_AS_CSV)
}
