//! Reads the records of one sheet of a workbook (XLSX, XLSM, XLSB, XLS, ODS). Hidden rows and rows that a filter hides are rows
//! like any other; of merged cells only the first has a text.

#[cfg(test)]
pub(crate) mod build;
mod choice;
mod compound;
mod errors;
mod grid;
mod package;
mod shown;
#[cfg(test)]
mod tests;

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Data, DataRef, Ods, Range, Reader, Xls, Xlsb, Xlsx, XlsxError};

use super::options::Delimiter;
use super::record_reader::{Record, RecordReader};
use super::record_writer::CsvDialect;
use crate::Result;
use crate::domain::report::ReadAs;
use choice::Choice;
use errors::{damaged, encrypted, from_calamine, unreadable};
use grid::Grid;
use package::WorkbookFormat;

/// One sheet of a workbook: its texts, and nothing else of the file.
#[derive(Debug)]
pub(super) struct Sheet {
    name: String,
    sheets: usize,
    grid: Grid,
    /// The cells of the record read last; kept for their memory.
    text: String,
    ends: Vec<usize>,
}

impl Sheet {
    /// The sheet of that name, or the first one that is not hidden. Errors do not name the file; the caller does.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the file is dropped once its sheet is read"
    )]
    pub(super) fn open(bytes: Vec<u8>, wanted: Option<&str>) -> Result<Self> {
        // calamine trusts lengths and positions that it finds in a file; a wrong one ends in a slice out of bounds or an
        // overflow. The closure changes nothing outside, so a panic leaves nothing half done.
        let read = || read(&bytes, wanted);
        catch_unwind(AssertUnwindSafe(read))
            .unwrap_or_else(|_| Err(damaged("its contents contradict each other")))
    }

    fn new(choice: Choice, grid: Grid) -> Result<Self> {
        if grid.is_empty() {
            return Err(choice.unusable("is empty"));
        }
        Ok(Self {
            name: choice.name,
            sheets: choice.sheets,
            grid,
            text: String::new(),
            ends: Vec::new(),
        })
    }
}

/// From the first row that holds anything to the last one. A record has its cells from column A to the last one in it that is not
/// empty, so that one cell far out in another row costs nothing.
impl RecordReader for Sheet {
    fn next_record(&mut self) -> Result<Option<Record<'_>>> {
        let row = self.grid.next_row(&mut self.text, &mut self.ends);
        Ok(row.map(|line| Record {
            text: Ok(&self.text),
            ends: &self.ends,
            line,
            text_after_quote: false,
            omits_empty_cells: true,
        }))
    }

    fn empty_lines(&self) -> u64 {
        0
    }

    fn dialect(&self) -> CsvDialect {
        CsvDialect {
            delimiter: Delimiter::COMMA.byte(),
            bom: true,
        }
    }

    fn read_as(&self) -> ReadAs {
        ReadAs::Workbook {
            sheet: self.name.clone(),
            sheets: self.sheets,
        }
    }
}

type File<'a> = Cursor<&'a [u8]>;

fn read(bytes: &[u8], wanted: Option<&str>) -> Result<Sheet> {
    let file = Cursor::new(bytes);
    match package::check(bytes)? {
        WorkbookFormat::Xlsx => read_xlsx(&file, wanted),
        WorkbookFormat::Xlsb => read_xlsb(file, wanted),
        WorkbookFormat::Ods => read_range::<Ods<_>>(file, wanted),
        // An encrypted XLSX has the container of an XLS.
        WorkbookFormat::Xls if matches!(Xlsx::new(file.clone()), Err(XlsxError::Password)) => {
            Err(encrypted())
        }
        WorkbookFormat::Xls => read_range::<Xls<_>>(file, wanted),
    }
}

/// Cell by cell: a range has room for every cell between the first and the last, and a stray one far out makes it huge.
fn read_xlsx(file: &File, wanted: Option<&str>) -> Result<Sheet> {
    let open = || Xlsx::new(file.clone()).map_err(from_calamine);
    let mut workbook = open()?;
    let choice = Choice::new(workbook.sheets_metadata(), wanted)?;
    let grid = match xlsx_grid(&mut workbook, &choice.name)? {
        Some(grid) => grid,
        None => xlsx_grid_read_twice(&mut workbook, &mut open()?, &choice.name)?,
    };
    Sheet::new(choice, grid)
}

/// `None`: a cell holds an error value that calamine does not support (`#SPILL!`).
fn xlsx_grid(workbook: &mut Xlsx<File>, sheet: &str) -> Result<Option<Grid>> {
    let mut grid = Grid::default();
    let mut cells = workbook
        .worksheet_cells_reader(sheet)
        .map_err(from_calamine)?;
    loop {
        match cells.next_cell() {
            Ok(Some(cell)) => grid.put(cell.get_position(), cell.get_value())?,
            Ok(None) => return Ok(Some(grid)),
            Err(XlsxError::CellError(_)) => return Ok(None),
            Err(error) => return Err(from_calamine(error)),
        }
    }
}

/// calamine returns an error value that it does not support without its cell, and does not count that cell either. So a second
/// reader, which looks at formulas only and accepts any value, gives the position of each cell.
fn xlsx_grid_read_twice(
    workbook: &mut Xlsx<File>,
    again: &mut Xlsx<File>,
    sheet: &str,
) -> Result<Grid> {
    let mut grid = Grid::default();
    let mut cells = workbook
        .worksheet_cells_reader(sheet)
        .map_err(from_calamine)?;
    let mut positions = again.worksheet_cells_reader(sheet).map_err(from_calamine)?;
    while let Some(formula) = positions.next_formula().map_err(from_calamine)? {
        let position = formula.get_position();
        match cells.next_cell() {
            Ok(Some(cell)) => grid.put(position, cell.get_value())?,
            Err(XlsxError::CellError(value)) => grid.put(position, &DataRef::String(value))?,
            Ok(None) => return Err(unreadable("its cells cannot be counted")),
            Err(error) => return Err(from_calamine(error)),
        }
    }
    Ok(grid)
}

fn read_xlsb(file: File, wanted: Option<&str>) -> Result<Sheet> {
    let mut workbook = Xlsb::new(file).map_err(from_calamine)?;
    let choice = Choice::new(workbook.sheets_metadata(), wanted)?;
    let mut grid = Grid::default();
    let mut cells = workbook
        .worksheet_cells_reader(&choice.name)
        .map_err(from_calamine)?;
    while let Some(cell) = cells.next_cell().map_err(from_calamine)? {
        grid.put(cell.get_position(), cell.get_value())?;
    }
    Sheet::new(choice, grid)
}

fn read_range<'a, R>(file: File<'a>, wanted: Option<&str>) -> Result<Sheet>
where
    R: Reader<File<'a>, Error: Into<calamine::Error>>,
{
    let mut workbook = R::new(file).map_err(from_calamine)?;
    let choice = Choice::new(workbook.sheets_metadata(), wanted)?;
    let range = workbook
        .worksheet_range(&choice.name)
        .map_err(from_calamine)?;
    Sheet::new(choice, grid_of(&range)?)
}

fn grid_of(range: &Range<Data>) -> Result<Grid> {
    let mut grid = Grid::default();
    let (top, left) = range.start().unwrap_or_default();
    for (row, cells) in (top..).zip(range.rows()) {
        for (column, cell) in (left..).zip(cells) {
            grid.put((row, column), &shown::borrowed(cell))?;
        }
    }
    Ok(grid)
}
