//! Reads a sheet of an XLS workbook. calamine returns the value of each cell; its number format and which rows are hidden are
//! read from the records beside that, by [MS-XLS] 2.4.

use std::collections::{HashMap, HashSet};

use calamine::{Reader, Xls};

use super::choice::Choice;
use super::compound::{BEGIN, BOUND_SHEET, number, short, substream, workbook_stream};
use super::errors::from_calamine;
use super::grid::{Grid, Look, Merged, grid_of};
use super::held::{borrowed, number_of};
use super::number_format::NumberFormat;
use super::package::File;
use crate::Result;

/// The sheet of that name, or the first visible one.
pub(super) fn read(file: &File, wanted: Option<&str>) -> Result<(Choice, Grid)> {
    let mut workbook = Xls::new(file.clone()).map_err(from_calamine)?;
    let choice = Choice::new(workbook.sheets_metadata(), wanted)?;
    let range = workbook
        .worksheet_range(&choice.name)
        .map_err(from_calamine)?;
    let stream = workbook_stream(file.get_ref())?.unwrap_or_default();
    let extras = Extras::read(&stream, choice.position);
    let grid = grid_of(&range, |place, value| extras.look(place, &borrowed(value)))?;
    Ok((choice, grid.hiding(extras.hidden).merging(extras.merged)))
}

// The kinds of record.
const FORMAT: u16 = 0x041E;
const EXTENDED_FORMAT: u16 = 0x00E0;
const ROW: u16 = 0x0208;
const FORMULA: u16 = 0x0006;
const NUMBER: u16 = 0x0203;
const SHORT_NUMBER: u16 = 0x027E;
const SHORT_NUMBERS: u16 = 0x00BD;
const MERGED_CELLS: u16 = 0x00E5;

/// What calamine does not return of a sheet.
#[derive(Default)]
struct Extras {
    formats: Vec<NumberFormat>,
    /// The index of the format of each cell with a number.
    cells: HashMap<(u32, u32), u16>,
    hidden: HashSet<u32>,
    merged: Vec<Merged>,
}

impl Extras {
    /// Of the sheet at this position in the workbook.
    fn read(stream: &[u8], sheet: usize) -> Self {
        let mut extras = Self::default();
        let mut codes = HashMap::new();
        let mut ids = Vec::new();
        let mut sheets = Vec::new();
        let mut is_old = false;
        for (kind, data) in substream(stream) {
            match kind {
                // Excel 97 and later count from 0x0600.
                BEGIN => is_old = short(data, 0).is_some_and(|version| version < 0x0600),
                FORMAT => codes.extend(short(data, 0).zip(code(data, is_old))),
                EXTENDED_FORMAT => ids.extend(short(data, 2)),
                BOUND_SHEET => sheets.extend(number(data, 0)),
                _ => {}
            }
        }
        extras.formats = ids
            .iter()
            .map(|id| NumberFormat::new(Some((*id).into()), codes.get(id).map(String::as_str)))
            .collect();
        let start = sheets.get(sheet).map(|start| *start as usize);
        let records = start
            .and_then(|start| stream.get(start..))
            .unwrap_or_default();
        for (kind, data) in substream(records) {
            extras.record(kind, data);
        }
        extras
    }

    fn record(&mut self, kind: u16, data: &[u8]) {
        if kind == MERGED_CELLS {
            // Their number, and of each the first and last row and column.
            let merged = data.get(2..).unwrap_or_default().as_chunks::<8>().0;
            let merged = merged.iter().map(|cells| cells.as_chunks::<2>().0);
            self.merged.extend(merged.map(|cells| {
                let at = |index: usize| u32::from(u16::from_le_bytes(cells[index]));
                Merged {
                    rows: (at(0), at(1)),
                    column: at(2),
                }
            }));
            return;
        }
        let (Some(row), Some(column)) = (short(data, 0), short(data, 2)) else {
            return;
        };
        match kind {
            ROW => {
                let is_flat = short(data, 6) == Some(0);
                let is_hidden = short(data, 12).is_some_and(|flags| flags & 0x20 != 0);
                if is_flat || is_hidden {
                    self.hidden.insert(row.into());
                }
            }
            FORMULA | NUMBER | SHORT_NUMBER => self.cell(row, column, short(data, 4)),
            SHORT_NUMBERS => {
                // Six bytes for each cell, and two for the last column.
                let cells = data.len().saturating_sub(6) / 6;
                for (column, cell) in (column..).zip(0..cells) {
                    self.cell(row, column, short(data, 4 + 6 * cell));
                }
            }
            _ => {}
        }
    }

    fn cell(&mut self, row: u16, column: u16, format: Option<u16>) {
        let place = (row.into(), column.into());
        self.cells.extend(format.map(|format| (place, format)));
    }

    fn look(&self, place: (u32, u32), value: &calamine::DataRef) -> Look<'_> {
        if number_of(value).is_none() {
            return Look::AsHeld;
        }
        let format = self.cells.get(&place);
        match format.and_then(|format| self.formats.get(usize::from(*format))) {
            Some(format) => Look::Format(format),
            None => Look::Unknown,
        }
    }
}

/// The code in a record of a number format.
fn code(data: &[u8], is_old: bool) -> Option<String> {
    let latin = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect();
    if is_old {
        return Some(latin(data.get(3..3 + usize::from(*data.get(2)?))?));
    }
    let length = usize::from(short(data, 2)?);
    if data.get(4)? & 1 == 0 {
        return Some(latin(data.get(5..5 + length)?));
    }
    let units = data.get(5..5 + 2 * length)?.as_chunks::<2>().0;
    let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    String::from_utf16(&units).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_cells_are_found_by_their_record() {
        let mut extras = Extras::default();
        let numbers = [2_u16, 1, 3, 0, 0, 5, 5, 2, 4];
        let data: Vec<u8> = numbers.into_iter().flat_map(u16::to_le_bytes).collect();
        extras.record(MERGED_CELLS, &data);
        let merged = |rows, column| Merged { rows, column };
        assert_eq!(extras.merged, [merged((1, 3), 0), merged((5, 5), 2)]);
        // Cut off.
        extras.record(MERGED_CELLS, &data[..7]);
        extras.record(MERGED_CELLS, &[]);
        assert_eq!(extras.merged.len(), 2);
    }
}
