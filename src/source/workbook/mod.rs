//! The rows of one sheet of a workbook (XLSX, XLSM, XLSB, XLS, ODS): which sheet is meant, and its cells as texts, each in
//! the place where the sheet shows it. It knows no header and no file name. Hidden rows and rows that a filter hides are
//! rows like any other; of merged cells only the first has a text.

#[cfg(test)]
pub(crate) mod build;
mod compound;
mod grid;
mod package;
mod shown;
#[cfg(test)]
mod tests;

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{
    Data, Ods, OdsError, Range, Reader, Sheet as About, SheetType, SheetVisible, Xls, XlsError,
    Xlsb, XlsbError, Xlsx, XlsxError,
};

use crate::{Error, Kind, Result};
use grid::Grid;
use package::WorkbookFormat;

/// One sheet of a workbook, read whole: its texts and nothing else of the file.
#[derive(Debug)]
pub(super) struct Sheet {
    name: String,
    sheets: usize,
    grid: Grid,
}

impl Sheet {
    /// The sheet of that name (as written, else ignoring case and surrounding blanks; it may be hidden), or the first one that
    /// is not hidden. Errors do not name the file; the caller does.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the file is let go of once its sheet is read"
    )]
    pub(super) fn open(bytes: Vec<u8>, wanted: Option<&str>) -> Result<Self> {
        // calamine trusts lengths and positions that it finds in a file; a wrong one ends in a slice out of bounds or an
        // overflow. Nothing outside the closure is left half done by that.
        let read = || read(&bytes, wanted);
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(damaged("it makes no sense")))
    }

    /// What the sheet is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How many sheets the workbook has, hidden ones too.
    pub(super) fn sheets(&self) -> usize {
        self.sheets
    }

    /// The number of the next row as the sheet shows it, from the first one that holds anything to the last one. Its cells
    /// replace what is in `text`, one behind the other, and where each ends what is in `ends`. A row has its cells from
    /// column A to the last one in it that is not empty, so that one far out in another row costs nothing.
    pub(super) fn next(&mut self, text: &mut String, ends: &mut Vec<usize>) -> Option<u64> {
        self.grid.next(text, ends)
    }
}

const SAVE_AGAIN: &str =
    "open it in the spreadsheet program and save it again, as XLSX or as \"CSV UTF-8\"";

fn damaged(why: impl std::fmt::Display) -> Error {
    Error::new(Kind::Input, format!("the workbook is damaged ({why})")).hint(SAVE_AGAIN)
}

fn unreadable(why: impl std::fmt::Display) -> Error {
    Error::new(Kind::Input, format!("the workbook cannot be read ({why})")).hint(SAVE_AGAIN)
}

fn protected() -> Error {
    Error::new(Kind::Input, "the workbook is encrypted with a password")
        .hint("save it without the password, or as \"CSV UTF-8\"")
}

fn read(bytes: &[u8], wanted: Option<&str>) -> Result<Sheet> {
    let file = Cursor::new(bytes);
    match package::format(bytes)? {
        WorkbookFormat::Xlsx => read_xlsx(&file, wanted),
        WorkbookFormat::Xlsb => read_xlsb(Xlsb::new(file).map_err(xlsb_fault)?, wanted),
        WorkbookFormat::Ods => {
            let mut book = Ods::new(file).map_err(ods_fault)?;
            read_range(&mut book, wanted, ods_fault)
        }
        // An encrypted XLSX has the shell of an XLS.
        WorkbookFormat::Xls if matches!(Xlsx::new(file.clone()), Err(XlsxError::Password)) => {
            Err(protected())
        }
        WorkbookFormat::Xls => {
            let mut book = Xls::new(file).map_err(xls_fault)?;
            read_range(&mut book, wanted, xls_fault)
        }
    }
}

type File<'a> = Cursor<&'a [u8]>;

/// Cell by cell: a range has room for every cell between the first and the last, and a stray one far out makes it huge.
fn read_xlsx(file: &File, wanted: Option<&str>) -> Result<Sheet> {
    let open = || Xlsx::new(file.clone()).map_err(xlsx_fault);
    let mut book = open()?;
    let chosen = Chosen::new(book.sheets_metadata(), wanted)?;
    let grid = match xlsx_grid(&mut book, &chosen.name)? {
        Some(grid) => grid,
        None => xlsx_grid_read_twice(&mut book, &mut open()?, &chosen.name)?,
    };
    chosen.sheet(grid)
}

/// `None`: a cell holds an error that calamine does not know (`#SPILL!`).
fn xlsx_grid(book: &mut Xlsx<File>, sheet: &str) -> Result<Option<Grid>> {
    let mut grid = Grid::default();
    let mut cells = book.worksheet_cells_reader(sheet).map_err(xlsx_fault)?;
    loop {
        match cells.next_cell() {
            Ok(Some(cell)) => grid.put(cell.get_position(), cell.get_value())?,
            Ok(None) => return Ok(Some(grid)),
            Err(XlsxError::CellError(_)) => return Ok(None),
            Err(fault) => return Err(xlsx_fault(fault)),
        }
    }
}

/// An error that calamine does not know it tells without its cell, and does not count that cell either. So a second reader, which
/// looks at formulas only and takes any value, says where each cell stands.
fn xlsx_grid_read_twice(
    book: &mut Xlsx<File>,
    again: &mut Xlsx<File>,
    sheet: &str,
) -> Result<Grid> {
    let mut grid = Grid::default();
    let mut cells = book.worksheet_cells_reader(sheet).map_err(xlsx_fault)?;
    let mut places = again.worksheet_cells_reader(sheet).map_err(xlsx_fault)?;
    while let Some(place) = places.next_formula().map_err(xlsx_fault)? {
        let place = place.get_position();
        match cells.next_cell() {
            Ok(Some(cell)) => grid.put(place, cell.get_value())?,
            Err(XlsxError::CellError(value)) => grid.put(place, &Data::String(value))?,
            Ok(None) => return Err(unreadable("its cells cannot be counted")),
            Err(fault) => return Err(xlsx_fault(fault)),
        }
    }
    Ok(grid)
}

fn read_xlsb(mut book: Xlsb<File>, wanted: Option<&str>) -> Result<Sheet> {
    let chosen = Chosen::new(book.sheets_metadata(), wanted)?;
    let mut grid = Grid::default();
    let mut cells = book
        .worksheet_cells_reader(&chosen.name)
        .map_err(xlsb_fault)?;
    while let Some(cell) = cells.next_cell().map_err(xlsb_fault)? {
        grid.put(cell.get_position(), cell.get_value())?;
    }
    chosen.sheet(grid)
}

fn read_range<'a, R: Reader<File<'a>>>(
    book: &mut R,
    wanted: Option<&str>,
    fault: fn(R::Error) -> Error,
) -> Result<Sheet> {
    let chosen = Chosen::new(book.sheets_metadata(), wanted)?;
    let range = book.worksheet_range(&chosen.name).map_err(fault)?;
    chosen.sheet(grid_of(&range)?)
}

fn grid_of(range: &Range<Data>) -> Result<Grid> {
    let mut grid = Grid::default();
    let (top, left) = range.start().unwrap_or_default();
    for (row, cells) in (top..).zip(range.rows()) {
        for (column, cell) in (left..).zip(cells) {
            grid.put((row, column), cell)?;
        }
    }
    Ok(grid)
}

// --- Which sheet -----------------------------------------------------------------------------------------------

/// The sheet that is meant, and what to say of the others.
struct Chosen {
    name: String,
    sheets: usize,
    /// The others that are not hidden, in quotes; empty if there are none.
    others: String,
}

impl Chosen {
    fn new(sheets: &[About], wanted: Option<&str>) -> Result<Self> {
        let shown = |sheet: &&About| sheet.visible == SheetVisible::Visible;
        let about = match wanted {
            Some(name) => named(sheets, name).ok_or_else(|| {
                Error::new(Kind::Input, format!("there is no sheet \"{name}\"")).hint(format!(
                    "name one of these with --sheet: {}",
                    quoted(sheets.iter())
                ))
            })?,
            None => sheets
                .iter()
                .find(shown)
                .or(sheets.first())
                .ok_or_else(|| unreadable("it has no sheets"))?,
        };
        let others = sheets
            .iter()
            .filter(|sheet| sheet.name != about.name)
            .filter(shown);
        let chosen = Self {
            name: about.name.clone(),
            sheets: sheets.len(),
            others: quoted(others),
        };
        match about.typ {
            SheetType::WorkSheet => Ok(chosen),
            SheetType::ChartSheet => Err(chosen.useless("is a chart")),
            SheetType::DialogSheet | SheetType::MacroSheet | SheetType::Vba => {
                Err(chosen.useless("holds no table"))
            }
        }
    }

    fn sheet(self, grid: Grid) -> Result<Sheet> {
        if grid.is_empty() {
            return Err(self.useless("is empty"));
        }
        Ok(Sheet {
            name: self.name,
            sheets: self.sheets,
            grid,
        })
    }

    fn useless(&self, why: &str) -> Error {
        let error = Error::new(Kind::Input, format!("the sheet \"{}\" {why}", self.name));
        if self.others.is_empty() {
            error.hint("it needs a row of headers and a row for each recipient")
        } else {
            error.hint(format!("name another with --sheet: {}", self.others))
        }
    }
}

fn named<'a>(sheets: &'a [About], name: &str) -> Option<&'a About> {
    let plain = |name: &str| name.trim().to_lowercase();
    let exactly = |sheet: &&About| sheet.name == name;
    let nearly = |sheet: &&About| plain(&sheet.name) == plain(name);
    sheets
        .iter()
        .find(exactly)
        .or_else(|| sheets.iter().find(nearly))
}

fn quoted<'a>(sheets: impl Iterator<Item = &'a About>) -> String {
    let names: Vec<String> = sheets.map(|sheet| format!("\"{}\"", sheet.name)).collect();
    names.join(", ")
}

// --- What calamine found wrong ---------------------------------------------------------------------------------

fn xlsx_fault(error: XlsxError) -> Error {
    match error {
        XlsxError::Password => protected(),
        other => unreadable(other),
    }
}

fn xlsb_fault(error: XlsbError) -> Error {
    match error {
        XlsbError::Password => protected(),
        other => unreadable(other),
    }
}

fn xls_fault(error: XlsError) -> Error {
    match error {
        XlsError::Password => protected(),
        other => unreadable(other),
    }
}

fn ods_fault(error: OdsError) -> Error {
    match error {
        OdsError::Password => protected(),
        other => unreadable(other),
    }
}
