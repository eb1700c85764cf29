//! Reads a sheet of an XLSX or XLSM workbook.

use calamine::{DataRef, Reader, Xlsx, XlsxError};

use super::choice::Choice;
use super::errors::{from_calamine, unreadable};
use super::grid::{Grid, Look};
use super::number_format::NumberFormat;
use super::package::File;
use super::xlsx_extras::{Extras, extras};
use crate::Result;

/// The sheet of that name, or the first visible one, cell by cell: a range has room for every cell between the first and the
/// last, and a stray one far out makes it huge.
pub(super) fn read(file: &File, wanted: Option<&str>) -> Result<(Choice, Grid)> {
    let open = || Xlsx::new(file.clone()).map_err(from_calamine);
    let mut workbook = open()?;
    let choice = Choice::new(workbook.sheets_metadata(), wanted)?;
    let extras = extras(file.get_ref(), &choice.name)?;
    let grid = match grid(&mut workbook, &choice.name, &extras)? {
        Some(grid) => grid,
        None => grid_read_twice(&mut workbook, &mut open()?, &choice.name, &extras)?,
    };
    Ok((choice, grid.hiding(extras.hidden).merging(extras.merged)))
}

/// `None`: a cell holds an error value that calamine does not support (`#SPILL!`).
fn grid(workbook: &mut Xlsx<File>, sheet: &str, extras: &Extras) -> Result<Option<Grid>> {
    let mut grid = Grid::default();
    let mut cells = workbook
        .worksheet_cells_reader(sheet)
        .map_err(from_calamine)?;
    let formats = formats(cells.styles());
    loop {
        match cells.next_cell_with_style_id() {
            Ok(Some((cell, style))) => {
                let place = cell.get_position();
                let look = look(place, formats.get(style), extras);
                grid.put(place, cell.get_value(), look)?;
            }
            Ok(None) => return Ok(Some(grid)),
            Err(XlsxError::CellError(_)) => return Ok(None),
            Err(error) => return Err(from_calamine(error)),
        }
    }
}

fn look<'a>(place: (u32, u32), format: Option<&'a NumberFormat>, extras: &Extras) -> Look<'a> {
    if extras.not_calculated.contains(&place) {
        return Look::NotCalculated;
    }
    format.map_or(Look::AsHeld, Look::Format)
}

fn formats(styles: &[calamine::Style]) -> Vec<NumberFormat> {
    styles
        .iter()
        .map(|style| {
            let Some(format) = &style.number_format else {
                return NumberFormat::default();
            };
            let code = format.format_code.as_str();
            // calamine says General for a number that it does not know, and gives the currency of the United States.
            let built_in = matches!(format.format_id, Some(5..=8 | 23..=36 | 50..=163))
                && code == "General"
                || format.format_id.is_some_and(|id| matches!(id, 42 | 44))
                    && code.contains("_($*");
            NumberFormat::new(format.format_id, (!built_in).then_some(code))
        })
        .collect()
}

/// calamine returns an error value that it does not support without its cell, and does not count that cell either. So a second
/// reader, which looks at formulas only and accepts any value, gives the position of each cell.
fn grid_read_twice(
    workbook: &mut Xlsx<File>,
    again: &mut Xlsx<File>,
    sheet: &str,
    extras: &Extras,
) -> Result<Grid> {
    let mut grid = Grid::default();
    let mut cells = workbook
        .worksheet_cells_reader(sheet)
        .map_err(from_calamine)?;
    let formats = formats(cells.styles());
    let mut positions = again.worksheet_cells_reader(sheet).map_err(from_calamine)?;
    while let Some(formula) = positions.next_formula().map_err(from_calamine)? {
        let place = formula.get_position();
        match cells.next_cell_with_style_id() {
            Ok(Some((cell, style))) => {
                let look = look(place, formats.get(style), extras);
                grid.put(place, cell.get_value(), look)?;
            }
            Err(XlsxError::CellError(value)) => {
                grid.put(place, &DataRef::String(value), Look::AsHeld)?;
            }
            Ok(None) => return Err(unreadable("its cells cannot be counted")),
            Err(error) => return Err(from_calamine(error)),
        }
    }
    Ok(grid)
}
