//! The cells that a template gets, and which of them have a text.

use super::error::RenderError;
use crate::domain::cell::shown;
use crate::domain::options::DateOrder;
use crate::domain::sheet_error;

/// The cells of one row.
pub trait Cells {
    /// The text of the cell at this index, from 0, as the spreadsheet shows it; empty where the row has none.
    fn cell(&self, index: usize) -> &str;

    /// The value that this cell holds, without its number format.
    fn held(&self, index: usize) -> &str {
        self.cell(index)
    }

    /// Whether that value is certainly a number, with a point before its decimals.
    fn is_number(&self, _index: usize) -> bool {
        false
    }

    /// The order of day and month in which all dates of this column are read; `None`: each must be certain.
    fn date_order(&self, _index: usize) -> Option<DateOrder> {
        None
    }
}

impl<S: AsRef<str>> Cells for [S] {
    fn cell(&self, index: usize) -> &str {
        self.get(index).map_or("", AsRef::as_ref)
    }
}

/// The text of the cell under this header, or why there is no text in it: it is blank or holds a spreadsheet error.
pub fn filled<'c>(header: &str, cell: &'c str) -> Result<&'c str, RenderError> {
    let content = shown(cell);
    let header = || header.to_owned();
    if content.is_empty() {
        Err(RenderError::Blank { header: header() })
    } else if let Some(error) = sheet_error::of_cell(content) {
        Err(RenderError::SpreadsheetError {
            header: header(),
            cell: content.to_owned(),
            error,
        })
    } else {
        Ok(content)
    }
}
