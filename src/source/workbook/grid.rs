//! The texts of a sheet, kept close together: a million rows take what their letters take and 16 bytes a cell that is not
//! empty. It knows no workbook.

use super::{shown, unreadable};
use crate::Result;

/// As many as a sheet can have, in Excel and in LibreOffice.
const ROWS: u32 = 1_048_576;
const COLUMNS: u32 = 16_384;

/// Cells in the order of reading, handed out row by row.
#[derive(Debug, Default)]
pub(super) struct Grid {
    text: String,
    cells: Vec<Placed>,
    /// The next row to hand out, 0 for the first of the sheet, once the first cell has been seen.
    row: u32,
    /// The next cell to hand out, and where its text begins.
    cell: usize,
    start: usize,
}

/// Where a cell that is not empty stands, 0 for the first row and column, and where its text ends.
#[derive(Debug)]
struct Placed {
    row: u32,
    column: u32,
    end: usize,
}

impl Grid {
    /// Takes in one more cell, which must come after those before it. Errors do not name the sheet.
    pub(super) fn put(&mut self, (row, column): (u32, u32), cell: &impl shown::Cell) -> Result<()> {
        let start = self.text.len();
        cell.write(&mut self.text);
        if self.text.len() == start {
            return Ok(());
        }
        if row >= ROWS || column >= COLUMNS {
            return Err(unreadable("a cell lies beyond the last row or column"));
        }
        match self.cells.last() {
            None => self.row = row,
            Some(last) if (last.row, last.column) >= (row, column) => {
                return Err(unreadable(format_args!(
                    "the cells of row {} are out of order",
                    row + 1
                )));
            }
            Some(_) => {}
        }
        self.cells.push(Placed {
            row,
            column,
            end: self.text.len(),
        });
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// See [`super::Sheet::next`].
    pub(super) fn next(&mut self, text: &mut String, ends: &mut Vec<usize>) -> Option<u64> {
        text.clear();
        ends.clear();
        if self.cell == self.cells.len() {
            return None;
        }
        let here = self.row;
        let in_row = |cell: &&Placed| cell.row == here;
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
