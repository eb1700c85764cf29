//! One row of a spreadsheet: its cells, and whether they fit under the header.

use std::fmt;

use super::quotes::QuoteError;
use super::record_reader::{Held, Record};
use crate::domain::cell::{shown, trimmed};
use crate::domain::header::Columns;
use crate::domain::place::{Place, column_letters};

/// One row under the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    place: Place,
    /// All cells one directly after the other, and where each ends: two allocations a row, whatever its width.
    text: Box<str>,
    ends: Box<[usize]>,
    columns: usize,
    /// The values of cells that show something else, in the order of the cells; empty for text files.
    held: Box<[Held]>,
    is_hidden: bool,
    error: Option<RowError>,
}

/// Why the cells of a row cannot be trusted. Such a row keeps its number and its cells as far as they could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowError {
    /// Its number of cells differs from the header's. Blank cells beyond the header are allowed, and cells under columns without
    /// a header may be missing.
    Ragged {
        /// Cells of this row.
        cells: usize,
        /// Cells of the header.
        columns: usize,
    },
    /// A cell stands to the right of the last column of a sheet.
    BesideTable {
        /// The index of the last such cell, 0 for column A.
        column: usize,
    },
    /// Where its cells begin and end is not certain.
    Quotes(QuoteError),
}

impl RowError {
    /// What rows with this error have in common.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Ragged { .. } => "the row has a different number of cells than the header",
            Self::BesideTable { .. } => "a cell stands to the right of the table",
            Self::Quotes(error) => error.label(),
        }
    }

    /// Whether this detail in an earlier results file begins with one of these errors. The results file itself no longer shows
    /// the error: there the row has as many cells as the header, each correctly quoted.
    #[must_use]
    pub fn described_in(detail: &str) -> bool {
        let quotes = [
            QuoteError::TextAfter,
            QuoteError::AfterSpace,
            QuoteError::Single,
        ];
        detail.starts_with("the row has ")
            || detail.starts_with("a cell stands to the right of the table")
            || quotes.iter().any(|error| detail.starts_with(error.label()))
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cells, columns) = match self {
            Self::Ragged { cells, columns } => (cells, columns),
            Self::BesideTable { column } => {
                let letters = column_letters(*column);
                return write!(f, "{}, in column {letters}; delete it", self.label());
            }
            Self::Quotes(error) => return write!(f, "{}; {}", error.label(), error.hint()),
        };
        let s = if *cells == 1 { "" } else { "s" };
        let hint = if cells < columns {
            "complete it"
        } else {
            "put a cell that holds the delimiter in quotes"
        };
        write!(
            f,
            "the row has {cells} cell{s} and the header {columns}; {hint}"
        )
    }
}

/// How many cells a row must have.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowWidth {
    /// Cells of the header.
    header: usize,
    /// Up to the last column that has a header: some spreadsheet programs leave out empty cells at the end of a row.
    least: usize,
}

impl RowWidth {
    pub(super) fn of(columns: &Columns) -> Self {
        let titled = |column: &usize| !columns.title(*column).is_empty();
        Self {
            header: columns.len(),
            least: (0..columns.len())
                .rev()
                .find(titled)
                .map_or(0, |last| last + 1),
        }
    }

    /// How many cells a row has if blank ones beyond the header do not count; `last` is the index of the last one that is not blank.
    fn cells(self, cells: usize, last: usize) -> usize {
        cells.min(self.header.max(last + 1))
    }

    fn fits(self, cells: usize) -> bool {
        (self.least..=self.header).contains(&cells)
    }

    /// Whether a row with these cells fits under the header; blank rows do.
    pub(super) fn fits_row(self, row: &[String]) -> bool {
        let last = row.iter().rposition(|cell| !trimmed(cell).is_empty());
        last.is_none_or(|last| self.fits(self.cells(row.len(), last)))
    }
}

impl Row {
    /// The row of this record; `None` if all its cells are blank. An error: the index of the first cell that is not UTF-8.
    pub(super) fn new(
        place: Place,
        record: &Record,
        width: RowWidth,
    ) -> Result<Option<Self>, usize> {
        let (text, ends) = (record.text?, record.ends);
        let is_filled = |cell: &usize| !shown(cell_of(text, ends, *cell)).is_empty();
        let Some(last) = (0..ends.len()).rev().find(is_filled) else {
            return Ok(None);
        };
        let cells = width.cells(ends.len(), last);
        let omitted = record.omits_empty_cells && cells <= width.header;
        let ragged = !omitted && !width.fits(cells);
        let end = ends[cells - 1];
        let mut own_ends = Vec::with_capacity(cells.max(width.header));
        own_ends.extend_from_slice(&ends[..cells]);
        if !ragged {
            own_ends.resize(width.header, end);
        }
        // A wrong number of cells says more than a stray quote, which may have caused it.
        let error = if ragged && record.omits_empty_cells {
            Some(RowError::BesideTable { column: cells - 1 })
        } else if ragged {
            Some(RowError::Ragged {
                cells,
                columns: width.header,
            })
        } else {
            record.quote_error.map(RowError::Quotes)
        };
        Ok(Some(Self {
            place,
            text: text[..end].into(),
            ends: own_ends.into(),
            columns: width.header,
            held: record.held.into(),
            is_hidden: record.is_hidden,
            error,
        }))
    }

    /// The number of the row, 1 for the first under the header. Rows whose cells are all blank are not counted.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.place.row
    }

    /// Where it is in the file.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Whether the spreadsheet hides the row.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.is_hidden
    }

    /// The value of the cell under a column, without the number format by which the sheet shows it: `19.805` where
    /// [`Row::cell`] is `RM19.81`. Where there is no format, as in text files, it is the same.
    #[must_use]
    pub fn held(&self, column: usize) -> &str {
        self.held_cell(column)
            .map_or_else(|| self.cell(column), |held| &held.text)
    }

    /// The cell under a column as a phone number.
    #[must_use]
    pub fn number_in(&self, column: usize) -> &str {
        phone_number(self.cell(column), self.held(column))
    }

    /// Whether the value under a column is certainly a number, with a point before its decimals.
    #[must_use]
    pub fn is_number(&self, column: usize) -> bool {
        self.held_cell(column).is_some_and(|held| held.is_number)
    }

    fn held_cell(&self, column: usize) -> Option<&Held> {
        self.held
            .iter()
            .find(|held| held.cell == column && column < self.columns)
    }

    /// The values of cells that show something else.
    pub(super) fn held_cells(&self) -> &[Held] {
        &self.held
    }

    /// The cell under a column, as the spreadsheet shows it; empty where the row is too short.
    #[must_use]
    pub fn cell(&self, column: usize) -> &str {
        if column >= self.columns {
            return "";
        }
        cell_of(&self.text, &self.ends, column)
    }

    /// The cells, exactly one for each column of the header.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.columns).map(|column| self.cell(column))
    }

    /// The cells beyond the header that are not blank; a row that fits has none.
    pub fn surplus(&self) -> impl Iterator<Item = &str> {
        (self.columns..self.ends.len())
            .map(|cell| cell_of(&self.text, &self.ends, cell))
            .filter(|cell| !trimmed(cell).is_empty())
    }

    /// The number of columns.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "a row has at least one cell that is not blank"
    )]
    pub fn len(&self) -> usize {
        self.columns
    }

    /// Why the cells of this row cannot be trusted, if they cannot.
    #[must_use]
    pub fn error(&self) -> Option<&RowError> {
        self.error.as_ref()
    }

    /// All cells one directly after the other, those beyond the header too.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where each of the cells in [`Row::text`] ends.
    pub(super) fn ends(&self) -> &[usize] {
        &self.ends
    }
}

/// A cell as a phone number: the value that it holds, unless its format adds the country code, as `"+65 "0000 0000` does.
pub(super) fn phone_number<'c>(shown: &'c str, held: &'c str) -> &'c str {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let adds_country =
        shown != held && trimmed(shown).starts_with('+') && digits(shown).ends_with(&digits(held));
    if adds_country { shown } else { held }
}

fn cell_of<'a>(text: &'a str, ends: &[usize], cell: usize) -> &'a str {
    let Some(&end) = ends.get(cell) else {
        return "";
    };
    let start = cell.checked_sub(1).map_or(0, |before| ends[before]);
    &text[start..end]
}
