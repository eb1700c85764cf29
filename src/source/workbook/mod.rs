//! Reads the records of one sheet of a workbook (XLSX, XLSM, XLSB, XLS, ODS): what each cell shows, the value that it
//! holds, and which rows are hidden. Hidden columns are read like any other; of merged cells only the first has a text.

#[cfg(test)]
pub(crate) mod build;
mod choice;
mod compound;
mod errors;
mod grid;
mod held;
mod number_format;
mod ods;
mod ods_styles;
mod package;
mod parts;
mod round;
#[cfg(test)]
mod tests;
mod xls;
mod xlsb;
mod xlsx;
mod xlsx_extras;
mod xml;

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Reader as _, Xlsx, XlsxError};

use super::foreign::Foreign;
use super::options::Delimiter;
use super::record_reader::{Record, RecordReader};
use super::record_writer::CsvDialect;
use crate::Result;
use crate::domain::report::ReadAs;
use crate::domain::{Location, Place};
use choice::Choice;
use errors::{damaged, encrypted};
use grid::{Grid, GridRow};
use package::WorkbookFormat;

/// One sheet of a workbook: its texts, and nothing else of the file.
#[derive(Debug)]
pub(super) struct Sheet {
    name: String,
    sheets: usize,
    grid: Grid,
    /// The record read last; kept for its memory.
    row: GridRow,
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
            row: GridRow::default(),
        })
    }
}

/// From the first row that holds anything to the last one. A record has its cells from column A to the last one in it that is not
/// empty, so that one cell far out in another row costs nothing.
impl RecordReader for Sheet {
    fn next_record(&mut self) -> Result<Option<Record<'_>>> {
        if !self.grid.next_row(&mut self.row) {
            return Ok(None);
        }
        Ok(Some(Record {
            text: Ok(&self.row.text),
            ends: &self.row.ends,
            held: &self.row.held,
            is_hidden: self.row.is_hidden,
            location: Location::Sheet {
                sheet_row: self.row.number,
                column: None,
            },
            quote_error: None,
            omits_empty_cells: true,
        }))
    }

    fn hidden_rows(&self) -> Vec<Place> {
        self.grid.hidden_rows()
    }

    fn unformatted(&self) -> Vec<usize> {
        self.grid.unformatted().collect()
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

/// The first bytes of a workbook: of a ZIP archive (XLSX, XLSB, ODS), and of a compound file (XLS).
const MAGIC: [&[u8]; 2] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"];

/// Whether a file with these first bytes is a workbook, or packed like one.
pub(super) fn is_workbook(beginning: &[u8]) -> bool {
    MAGIC.iter().any(|magic| beginning.starts_with(magic))
}

/// What this file is, if it is packed like a workbook and is another document.
pub(super) fn foreign(bytes: &[u8]) -> Option<Foreign> {
    package::foreign(bytes).or_else(|| compound::foreign(bytes))
}

/// The names of the sheets that are not hidden; none where the workbook cannot be read.
pub(super) fn visible_sheets(bytes: &[u8]) -> Vec<String> {
    let names = || {
        let workbook = calamine::open_workbook_auto_from_rs(Cursor::new(bytes)).ok()?;
        let visible = workbook
            .sheets_metadata()
            .iter()
            .filter(|sheet| sheet.visible == calamine::SheetVisible::Visible);
        Some(visible.map(|sheet| sheet.name.clone()).collect())
    };
    catch_unwind(AssertUnwindSafe(names))
        .ok()
        .flatten()
        .unwrap_or_default()
}

fn read(bytes: &[u8], wanted: Option<&str>) -> Result<Sheet> {
    let file = Cursor::new(bytes);
    let (choice, grid) = match package::check(bytes)? {
        WorkbookFormat::Xlsx => xlsx::read(&file, wanted)?,
        WorkbookFormat::Xlsb => xlsb::read(&file, wanted)?,
        WorkbookFormat::Ods => ods::read(file, wanted)?,
        // An encrypted XLSX has the container of an XLS.
        WorkbookFormat::Xls if matches!(Xlsx::new(file.clone()), Err(XlsxError::Password)) => {
            return Err(encrypted());
        }
        WorkbookFormat::Xls => xls::read(&file, wanted)?,
    };
    Sheet::new(choice, grid)
}
