//! Errors of workbooks. They do not name the file; the caller does.

use calamine::{OdsError, XlsError, XlsbError, XlsxError};
use zip::result::ZipError;

use crate::{Error, Kind};

const SAVE_AGAIN: &str =
    "open it in the spreadsheet program and save it again, as XLSX or as \"CSV UTF-8\"";

/// The workbook is damaged for this reason.
pub(super) fn damaged(reason: &str) -> Error {
    Error::new(Kind::Input, format!("the workbook is damaged: {reason}")).hint(SAVE_AGAIN)
}

pub(super) fn damaged_by(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Input, "the workbook is damaged")
        .caused_by(cause)
        .hint(SAVE_AGAIN)
}

/// The workbook cannot be read for this reason.
pub(super) fn unreadable(reason: &str) -> Error {
    Error::new(
        Kind::Input,
        format!("the workbook cannot be read: {reason}"),
    )
    .hint(SAVE_AGAIN)
}

fn unreadable_by(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Input, "the workbook cannot be read")
        .caused_by(cause)
        .hint(SAVE_AGAIN)
}

pub(super) fn encrypted() -> Error {
    Error::new(Kind::Input, "the workbook is encrypted with a password")
        .hint("save it without the password, or as \"CSV UTF-8\"")
}

/// An error of calamine.
pub(super) fn from_calamine(error: impl Into<calamine::Error>) -> Error {
    use calamine::Error::{Ods, Xls, Xlsb, Xlsx};
    match error.into() {
        Xlsx(XlsxError::Password)
        | Xlsb(XlsbError::Password)
        | Xls(XlsError::Password)
        | Ods(OdsError::Password) => encrypted(),
        other => unreadable_by(other),
    }
}

/// An error of the ZIP archive.
pub(super) fn from_zip(error: ZipError) -> Error {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => encrypted(),
        ZipError::Io(error) => damaged_by(error),
        ZipError::InvalidArchive(reason) => damaged(&reason),
        other => unreadable_by(other),
    }
}
