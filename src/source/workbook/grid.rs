//! The texts of a sheet in little memory: their letters, and 16 bytes for each cell that is not empty.

use calamine::DataRef;

use super::errors::unreadable;
use super::shown::write_shown;
use crate::Result;

/// The largest sheet, in Excel and in LibreOffice.
const ROWS: u32 = 1_048_576;
const COLUMNS: u32 = 16_384;

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
}

/// The place of a cell that is not empty, 0 for the first row and column, and the end of its text.
#[derive(Debug)]
struct Cell {
    row: u32,
    column: u32,
    end: usize,
}

impl Grid {
    /// Adds a cell, which must come after those before it. Errors do not name the sheet.
    pub(super) fn put(&mut self, (row, column): (u32, u32), cell: &DataRef) -> Result<()> {
        let start = self.text.len();
        write_shown(&mut self.text, cell);
        if self.text.len() == start {
            return Ok(());
        }
        if row >= ROWS || column >= COLUMNS {
            return Err(unreadable("a cell lies beyond the last row or column"));
        }
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
        self.cells.push(Cell {
            row,
            column,
            end: self.text.len(),
        });
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The number of the next row as the sheet shows it. Its cells replace the content of `text`, one directly after the other, and
    /// the ends of their texts the content of `ends`.
    pub(super) fn next_row(&mut self, text: &mut String, ends: &mut Vec<usize>) -> Option<u64> {
        text.clear();
        ends.clear();
        if self.cell == self.cells.len() {
            return None;
        }
        let here = self.row;
        let in_row = |cell: &&Cell| cell.row == here;
        while let Some(cell) = self.cells.get(self.cell).filter(in_row) {
            ends.resize(cell.column as usize, text.len());
            text.push_str(&self.text[self.start..cell.end]);
            ends.push(text.len());
            self.start = cell.end;
            self.cell += 1;
        }
        self.row += 1;
        Some(u64::from(self.row))
    }
}
