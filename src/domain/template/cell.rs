//! What a cell is to a template: text, blank, or the error that a formula left. Tested for every used cell of every row, so
//! nearly always a look at the first character is all. It does not know its column.

use minijinja::Value;

use crate::domain::punctuation::is_unseen;
use crate::domain::sheet_error;

/// A cell as a template gets it.
#[derive(Debug)]
pub(super) enum Cell {
    /// Its text, as it is.
    Filled(Value),
    /// Nothing that a reader would see.
    Blank,
    /// What a spreadsheet shows where a formula failed.
    SpreadsheetError,
}

/// What a cell is, its text left aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It has a text.
    Filled,
    /// Nothing that a reader would see.
    Blank,
    /// What a spreadsheet shows where a formula failed.
    SpreadsheetError,
}

/// What this cell is.
pub(super) fn state(cell: &str) -> State {
    match cell.trim_matches(is_unseen) {
        "" => State::Blank,
        cell if sheet_error::of_cell(cell).is_some() => State::SpreadsheetError,
        _ => State::Filled,
    }
}

impl Cell {
    /// What this cell is.
    pub(super) fn read(cell: &str) -> Self {
        match state(cell) {
            State::Filled => Self::Filled(Value::from(cell)),
            State::Blank => Self::Blank,
            State::SpreadsheetError => Self::SpreadsheetError,
        }
    }
}

/// The error value that is all of the cell.
pub(super) fn spreadsheet_error(cell: &str) -> Option<&str> {
    let cell = cell.trim_matches(is_unseen);
    sheet_error::of_cell(cell).map(|_| cell)
}
