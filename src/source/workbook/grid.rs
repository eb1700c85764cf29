//! The texts of a sheet in little memory: their letters, and 16 bytes for each cell that is not empty.

use std::collections::{BTreeSet, HashSet};

use calamine::{Data, DataRef, Range};

use super::errors::unreadable;
use super::held::{borrowed, has_lost_digits, number_of, write_held};
use super::number_format::{NumberFormat, Shown};
use crate::Result;
use crate::domain::cell::trimmed;
use crate::domain::sheet_error::{MERGED, NOT_CALCULATED};
use crate::domain::{Location, Place};
use crate::source::record_reader::Held;

/// The largest sheet, in Excel and in LibreOffice.
const ROWS: u32 = 1_048_576;
const COLUMNS: u16 = 16_384;

/// How a cell looks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look<'a> {
    /// Its value with all digits.
    AsHeld,
    /// As this format shows its value.
    Format(&'a NumberFormat),
    /// As this text.
    Text(&'a str),
    /// In a way that cannot be told from the file.
    Unknown,
    /// A formula whose result is not stored.
    NotCalculated,
    /// A formula that failed with this error.
    Error(&'a str),
}

/// Takes cells in their order, and returns them row by row.
#[derive(Debug, Default)]
pub(super) struct Grid {
    text: String,
    cells: Vec<Cell>,
    /// The next row to return, 0 for the first of the sheet; known once there is a cell.
    row: u32,
    /// The index of the next cell to return, and where its text begins.
    cell: usize,
    start: usize,
    hidden: HashSet<u32>,
    merged: Vec<Merged>,
    /// The number of columns of the first row that was returned, which holds the headers.
    width: usize,
    /// Columns with a value that is not shown as the sheet does.
    unformatted: BTreeSet<usize>,
}

/// Cells of a column that are merged into one: the first and the last row, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) rows: (u32, u32),
    pub(super) column: u32,
}

/// The place of a cell that is not empty, 0 for the first row and column, and the end of its text.
#[derive(Debug)]
struct Cell {
    row: u32,
    column: u16,
    role: Role,
    end: usize,
}

/// What the text of a [`Cell`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// What is shown, and held if nothing else follows for the same place.
    Shown,
    /// The same, of a number.
    ShownNumber,
    /// The value of the cell before, which shows something else.
    Held,
    HeldNumber,
}

/// The next row of a grid.
#[derive(Debug, Default)]
pub(super) struct GridRow {
    /// Its cells, one directly after the other, and where each ends.
    pub(super) text: String,
    pub(super) ends: Vec<usize>,
    /// The values of cells that show something else.
    pub(super) held: Vec<Held>,
    pub(super) is_hidden: bool,
    /// Its number as the sheet shows it.
    pub(super) number: u64,
}

impl Grid {
    /// Adds a cell, which must come after those before it. Errors do not name the sheet.
    pub(super) fn put(
        &mut self,
        (row, column): (u32, u32),
        cell: &DataRef,
        look: Look,
    ) -> Result<()> {
        let start = self.text.len();
        match look {
            Look::NotCalculated => self.text.push_str(NOT_CALCULATED),
            Look::Error(error) => self.text.push_str(error),
            _ => write_held(&mut self.text, cell),
        }
        if self.text.len() == start {
            return Ok(());
        }
        let column = u16::try_from(column)
            .ok()
            .filter(|column| *column < COLUMNS);
        let Some(column) = column.filter(|_| row < ROWS) else {
            return Err(unreadable("a cell lies beyond the last row or column"));
        };
        match self.cells.last() {
            None => self.row = row,
            Some(last) if (last.row, last.column) >= (row, column) => {
                return Err(unreadable(&format!(
                    "the cells of row {} are out of order",
                    row + 1
                )));
            }
            Some(_) => {}
        }
        let shown = match look {
            Look::AsHeld | Look::NotCalculated | Look::Error(_) => Shown::AsHeld,
            _ if has_lost_digits(cell) => Shown::AsHeld,
            Look::Text(text) => Shown::Text(text.to_owned()),
            Look::Unknown => Shown::Unsupported,
            Look::Format(format) => shown(format, cell, &self.text[start..]),
        };
        let is_number = matches!(cell, DataRef::Int(_) | DataRef::Float(_));
        let mut push = |role, end| {
            self.cells.push(Cell {
                row,
                column,
                role,
                end,
            });
        };
        match shown {
            Shown::Text(shown) if shown != self.text[start..] => {
                self.text.insert_str(start, &shown);
                push(Role::Shown, start + shown.len());
                push(
                    if is_number {
                        Role::HeldNumber
                    } else {
                        Role::Held
                    },
                    self.text.len(),
                );
            }
            shown => {
                if shown == Shown::Unsupported {
                    self.unformatted.insert(column.into());
                }
                // Of a whole number the text says enough: only a point could also stand between thousands.
                let has_point = is_number && self.text[start..].contains('.');
                push(
                    if has_point {
                        Role::ShownNumber
                    } else {
                        Role::Shown
                    },
                    self.text.len(),
                );
            }
        }
        Ok(())
    }

    /// The same grid with these rows hidden, 0 for the first of the sheet.
    pub(super) fn hiding(mut self, rows: HashSet<u32>) -> Self {
        self.hidden = rows;
        self
    }

    /// The same grid with these cells merged.
    pub(super) fn merging(mut self, cells: Vec<Merged>) -> Self {
        self.merged = cells;
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The columns with a value that is not shown as the sheet does, 0 for the first.
    pub(super) fn unformatted(&self) -> impl Iterator<Item = usize> {
        self.unformatted.iter().copied()
    }

    /// The hidden rows among those that were not returned yet, without blank ones.
    pub(super) fn hidden_rows(&self) -> Vec<Place> {
        if self.hidden.is_empty() {
            return Vec::new();
        }
        let mut rows = Vec::new();
        let (mut start, mut last, mut number) = (self.start, None, 0);
        for cell in &self.cells[self.cell..] {
            let is_blank = trimmed(&self.text[start..cell.end]).is_empty();
            start = cell.end;
            if is_blank || last == Some(cell.row) {
                continue;
            }
            last = Some(cell.row);
            number += 1;
            if self.hidden.contains(&cell.row) {
                let sheet_row = u64::from(cell.row) + 1;
                rows.push(Place {
                    row: number,
                    location: Location::Sheet {
                        sheet_row,
                        column: None,
                    },
                });
            }
        }
        rows
    }

    /// Replaces the content of `row` with the next row of the sheet; false: there is none.
    pub(super) fn next_row(&mut self, row: &mut GridRow) -> bool {
        row.text.clear();
        row.ends.clear();
        row.held.clear();
        if self.cell == self.cells.len() {
            return false;
        }
        let here = self.row;
        while let Some(cell) = self.cells.get(self.cell).filter(|cell| cell.row == here) {
            let text = &self.text[self.start..cell.end];
            let column = usize::from(cell.column);
            if cell.role != Role::Shown {
                row.held.push(Held {
                    cell: column,
                    text: text.into(),
                    is_number: cell.role != Role::Held,
                });
            }
            if matches!(cell.role, Role::Shown | Role::ShownNumber) {
                row.ends.resize(column, row.text.len());
                row.text.push_str(text);
                row.ends.push(row.text.len());
            }
            self.start = cell.end;
            self.cell += 1;
        }
        if !trimmed(&row.text).is_empty() {
            self.mark_merged(here, row);
            if self.width == 0 {
                self.width = row.ends.len();
            }
        }
        row.is_hidden = self.hidden.contains(&here);
        self.row += 1;
        row.number = u64::from(self.row);
        true
    }
}

impl Grid {
    /// Marks the empty cells of a row that are merged with the cell above. Beside the table they do not matter.
    fn mark_merged(&self, here: u32, row: &mut GridRow) {
        for merged in &self.merged {
            let column = usize::try_from(merged.column).unwrap_or(usize::MAX);
            if !(merged.rows.0 < here && here <= merged.rows.1) || column >= self.width {
                continue;
            }
            if row.ends.len() <= column {
                row.ends.resize(column + 1, row.text.len());
            }
            let start = column.checked_sub(1).map_or(0, |before| row.ends[before]);
            if row.ends[column] == start {
                row.text.insert_str(start, MERGED);
                row.ends[column..]
                    .iter_mut()
                    .for_each(|end| *end += MERGED.len());
            }
        }
    }
}

fn shown(format: &NumberFormat, cell: &DataRef, held: &str) -> Shown {
    if format.is_general() {
        return Shown::AsHeld;
    }
    match cell {
        DataRef::String(text) => format.of_text(text),
        DataRef::SharedString(text) => format.of_text(text),
        DataRef::DateTimeIso(_) | DataRef::DurationIso(_) => Shown::Unsupported,
        cell => match number_of(cell) {
            Some((value, is_1904)) => format.of_number(value, held, is_1904),
            None => Shown::AsHeld,
        },
    }
}

/// The cells of a range, each as `look` says.
pub(super) fn grid_of<'a>(
    range: &Range<Data>,
    mut look: impl FnMut((u32, u32), &Data) -> Look<'a>,
) -> Result<Grid> {
    let mut grid = Grid::default();
    let (top, left) = range.start().unwrap_or_default();
    for (row, cells) in (top..).zip(range.rows()) {
        for (column, cell) in (left..).zip(cells) {
            let place = (row, column);
            grid.put(place, &borrowed(cell), look(place, cell))?;
        }
    }
    Ok(grid)
}
