//! One row of a spreadsheet. It knows its cells and whether they fit under the header, not what any of them means.

use std::fmt;

use crate::domain::header::{Columns, trimmed};

/// One row under the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    number: u64,
    line: u64,
    /// All cells one behind the other, and where each ends: two allocations a row, whatever its width.
    text: Box<str>,
    ends: Box<[usize]>,
    columns: usize,
    fault: Option<RowError>,
}

/// Why a row cannot be taken at its word. Such a row keeps its number and what could be read of its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowError {
    /// It has not as many cells as the header. Blank cells beyond the header are no fault, nor are missing ones under columns
    /// without a header.
    Ragged {
        /// Cells of this row.
        cells: usize,
        /// Cells of the header.
        columns: usize,
    },
    /// A quote is closed and text follows before the next cell (`"a"b`): which of the quotes was meant to close is a guess.
    TextAfterQuote,
}

impl RowError {
    /// What rows with this fault have in common.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Ragged { .. } => "the row has another number of cells than the header",
            Self::TextAfterQuote => "text follows a closing quote",
        }
    }

    /// Whether an earlier fault of a row, told by [`fmt::Display`], is one of these. It is not seen any more in what was written of
    /// the row then: as many cells as the header, each in sound quotes.
    #[must_use]
    pub fn described_in(detail: &str) -> bool {
        detail.starts_with("the row has ") || detail.starts_with(Self::TextAfterQuote.label())
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ragged { cells, columns } if cells < columns => write!(
                f,
                "the row has {} and the header {columns}; complete it",
                counted(*cells)
            ),
            Self::Ragged { cells, columns } => write!(
                f,
                "the row has {} and the header {columns}; put a cell that holds the delimiter in quotes",
                counted(*cells)
            ),
            Self::TextAfterQuote => f.write_str(
                "text follows a closing quote; write a quote inside a quoted cell twice",
            ),
        }
    }
}

fn counted(cells: usize) -> String {
    format!("{cells} cell{}", if cells == 1 { "" } else { "s" })
}

/// How many cells a row has to have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Width {
    /// Cells of the header.
    pub(super) columns: usize,
    /// Up to the last column that has a header: some spreadsheet programs leave out empty cells at the end of a row.
    pub(super) needed: usize,
}

impl Width {
    pub(super) fn of(columns: &Columns) -> Self {
        let titled = |column: &usize| !columns.title(*column).is_empty();
        Self {
            columns: columns.len(),
            needed: (0..columns.len())
                .rev()
                .find(titled)
                .map_or(0, |last| last + 1),
        }
    }
}

impl Row {
    /// The row out of its cells; `None` if they are all blank. `text` holds the cells one behind the other, `ends` where each ends,
    /// on borders of characters; `suspect` is what the format found wrong with it.
    pub(super) fn new(
        (number, line): (u64, u64),
        text: &str,
        ends: &mut Vec<usize>,
        width: Width,
        suspect: Option<RowError>,
    ) -> Option<Self> {
        let filled = |cell: &usize| !trimmed(cell_of(text, ends, *cell)).is_empty();
        let last = (0..ends.len()).rev().find(filled)?;
        if ends.len() > width.columns {
            ends.truncate(width.columns.max(last + 1));
        }
        let cells = ends.len();
        let end = ends.last().copied().unwrap_or_default();
        let ragged = cells < width.needed || cells > width.columns;
        if !ragged {
            ends.resize(width.columns, end);
        }
        Some(Self {
            number,
            line,
            text: text[..end].into(),
            ends: ends.as_slice().into(),
            columns: width.columns,
            // A wrong number of cells says more than a stray quote, which may have caused it.
            fault: ragged
                .then_some(RowError::Ragged {
                    cells,
                    columns: width.columns,
                })
                .or(suspect),
        })
    }

    /// The number of the row, 1 for the first under the header; rows whose cells are all blank are not counted.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The line of the file on which the row begins, 1 for the first: what an editor shows.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The cell under a column, unchanged; empty where the row is too short.
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

    /// The cells beyond the header that hold anything; there are none in a row that fits.
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

    /// Why the row cannot be taken at its word, if it cannot.
    #[must_use]
    pub fn error(&self) -> Option<&RowError> {
        self.fault.as_ref()
    }

    /// All cells one behind the other, those beyond the header too.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where each of the cells in [`Row::text`] ends.
    pub(super) fn ends(&self) -> &[usize] {
        &self.ends
    }
}

fn cell_of<'a>(text: &'a str, ends: &[usize], cell: usize) -> &'a str {
    let Some(&end) = ends.get(cell) else {
        return "";
    };
    let start = cell.checked_sub(1).map_or(0, |before| ends[before]);
    &text[start..end]
}
