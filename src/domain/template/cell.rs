//! The cells that a template gets, and which of them have a text.

use super::error::RenderError;
use crate::domain::header::trimmed;
use crate::domain::sheet_error;

/// The cells of one row.
pub trait Cells {
    /// The text of the cell at this index, from 0; empty where the row has none.
    fn cell(&self, index: usize) -> &str;
}

impl<S: AsRef<str>> Cells for [S] {
    fn cell(&self, index: usize) -> &str {
        self.get(index).map_or("", AsRef::as_ref)
    }
}

/// The cell under this header, or why there is no text in it: it is blank or holds a spreadsheet error.
pub fn filled<'c>(header: &str, cell: &'c str) -> Result<&'c str, RenderError> {
    let content = trimmed(cell);
    let header = || header.to_owned();
    if content.is_empty() {
        Err(RenderError::Blank { header: header() })
    } else if sheet_error::of_cell(content).is_some() {
        Err(RenderError::SpreadsheetError {
            header: header(),
            error: content.to_owned(),
        })
    } else {
        Ok(cell)
    }
}
