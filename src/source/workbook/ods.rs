//! Reads a sheet of an ODS workbook. calamine returns the value of each cell; what it shows and which rows are hidden is read
//! beside that, since an ODS file keeps the text of each cell as the program showed it when it was saved.

use std::collections::HashSet;
use std::io::Read;

use calamine::{Data, DataType as _, Ods, Reader as _};
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::result::ZipError;

use super::choice::Choice;
use super::errors::{damaged_by, from_calamine, from_zip};
use super::grid::{Grid, Look, Merged, grid_of};
use super::ods_styles::{DataStyle, Styles};
use super::package::File;
use super::xml::{attribute, reader, text};
use crate::Result;
use crate::domain::sheet_error::{self, SheetError};

/// The sheet of that name, or the first visible one.
pub(super) fn read(file: File, wanted: Option<&str>) -> Result<(Choice, Grid)> {
    let mut workbook = Ods::new(file.clone()).map_err(from_calamine)?;
    let choice = Choice::new(workbook.sheets_metadata(), wanted)?;
    let range = workbook
        .worksheet_range(&choice.name)
        .map_err(from_calamine)?;
    let mut archive = ZipArchive::new(file).map_err(from_zip)?;
    let mut walk = Walk::new(&choice.name);
    match archive.by_name("styles.xml") {
        Ok(part) => walk.part(part)?,
        Err(ZipError::FileNotFound) => {}
        Err(error) => return Err(from_zip(error)),
    }
    walk.part(archive.by_name("content.xml").map_err(from_zip)?)?;
    let mut table = walk.table;
    let merged = std::mem::take(&mut table.merged);
    let grid = grid_of(&range, |place, cell| table.look(place, cell))?;
    Ok((choice, grid.hiding(table.hidden).merging(merged)))
}

/// What calamine does not return of a table.
#[derive(Default)]
struct Table {
    /// The rows with cells that are not shown as they are held, in their order.
    rows: Vec<Row>,
    hidden: HashSet<u32>,
    merged: Vec<Merged>,
}

/// Rows that are alike.
struct Row {
    /// The first of them, and the one after the last.
    rows: (u32, u32),
    cells: Vec<Cell>,
}

/// Cells that are alike.
struct Cell {
    /// The first of them, and the one after the last.
    columns: (u32, u32),
    shown: Shown,
}

/// What a cell shows.
enum Shown {
    /// What it holds.
    AsHeld,
    Text(String),
    /// The error of its formula. Older programs store the value 0 beside it.
    Error(String),
    /// Its text, and more that its format adds.
    Unknown,
    /// Nothing: the result of its formula is not stored.
    NotCalculated,
}

impl Table {
    fn look(&self, (row, column): (u32, u32), value: &Data) -> Look<'_> {
        let after = self.rows.partition_point(|rows| rows.rows.1 <= row);
        let shown = self
            .rows
            .get(after)
            .filter(|rows| rows.rows.0 <= row)
            .and_then(|rows| {
                let mut cells = rows.cells.iter();
                cells.find(|cell| (cell.columns.0..cell.columns.1).contains(&column))
            });
        match shown.map(|cell| &cell.shown) {
            None | Some(Shown::AsHeld) => Look::AsHeld,
            Some(Shown::Text(text)) => Look::Text(text),
            Some(Shown::Error(error)) => Look::Error(error),
            Some(Shown::Unknown) => Look::Unknown,
            Some(Shown::NotCalculated) if value.is_empty() => Look::NotCalculated,
            Some(Shown::NotCalculated) => Look::AsHeld,
        }
    }
}

/// The most rows and columns of a sheet, beyond which repetitions do not count.
const ROWS: u32 = 1_048_576;
const COLUMNS: u32 = 16_384;

/// A walk over the styles and over the tables.
struct Walk<'a> {
    sheet: &'a str,
    styles: Styles,
    table: Table,
    is_in_table: bool,
    /// The default style of each stretch of columns, and the column after its last.
    columns: Vec<(u32, Option<String>)>,
    next_column: u32,
    next_row: u32,
    row: Row,
    row_style: Option<String>,
    cell: OpenCell,
    /// Whether the walk is within a note, which is no part of the cell's text.
    is_in_note: bool,
}

/// The cell that the walk is in.
#[derive(Default)]
struct OpenCell {
    columns: (u32, u32),
    kind: Kind,
    /// A date, in ISO 8601.
    date: String,
    style: Option<DataStyle>,
    is_formula: bool,
    paragraphs: usize,
    text: String,
}

/// The type of a cell's value, as far as it matters.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    /// None is stored.
    #[default]
    None,
    Float,
    /// A percentage, an amount, a date or a time.
    Formatted,
    /// A text or a truth, which shows what it holds.
    Other,
}

impl<'a> Walk<'a> {
    fn new(sheet: &'a str) -> Self {
        Self {
            sheet,
            styles: Styles::default(),
            table: Table::default(),
            is_in_table: false,
            columns: Vec::new(),
            next_column: 0,
            next_row: 0,
            row: Row {
                rows: (0, 0),
                cells: Vec::new(),
            },
            row_style: None,
            cell: OpenCell::default(),
            is_in_note: false,
        }
    }

    fn part(&mut self, part: impl Read) -> Result<()> {
        let mut reader = reader(part);
        let mut buffer = Vec::with_capacity(1024);
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer).map_err(damaged_by)? {
                Event::Eof => return Ok(()),
                Event::Start(element) if self.is_in_table => self.start(&element),
                Event::Start(element) => {
                    if element.name().as_ref() == "table:table" {
                        self.is_in_table =
                            attribute(&element, "name").as_deref() == Some(self.sheet);
                    } else {
                        self.styles.start(&element);
                    }
                }
                Event::End(element) if self.is_in_table => self.end(element.name().as_ref()),
                Event::End(element) => self.styles.end(element.name().as_ref()),
                Event::Text(piece) if self.is_in_table && !self.is_in_note => {
                    self.cell.text.push_str(&piece.xml10_content());
                }
                Event::Text(piece) if !self.is_in_table => self.styles.text(&piece),
                Event::GeneralRef(entity) if self.is_in_table && !self.is_in_note => {
                    let character = match entity.resolve_char_ref() {
                        Ok(Some(character)) => Some(character.to_string()),
                        _ => {
                            quick_xml::escape::resolve_predefined_entity(&entity).map(str::to_owned)
                        }
                    };
                    self.cell.text.extend(character);
                }
                _ => {}
            }
        }
    }

    fn start(&mut self, element: &BytesStart<'_>) {
        match element.name().as_ref() {
            "table:table-column" => {
                self.next_column = self
                    .next_column
                    .saturating_add(repeated(element, "table:number-columns-repeated"))
                    .min(COLUMNS);
                let style = attribute(element, "default-cell-style-name");
                self.columns.push((self.next_column, style));
            }
            "table:table-row" => self.start_of_row(element),
            "table:table-cell" | "table:covered-table-cell" => self.start_of_cell(element),
            "office:annotation" => self.is_in_note = true,
            "text:p" if !self.is_in_note => {
                if self.cell.paragraphs > 0 {
                    self.cell.text.push('\n');
                }
                self.cell.paragraphs += 1;
            }
            "text:s" if !self.is_in_note => {
                let count = text(element, "text:c").and_then(|count| count.parse().ok());
                let count = count.unwrap_or(1_usize).min(1024);
                self.cell.text.push_str(&" ".repeat(count));
            }
            "text:tab" if !self.is_in_note => self.cell.text.push('\t'),
            "text:line-break" if !self.is_in_note => self.cell.text.push('\n'),
            _ => {}
        }
    }

    fn start_of_row(&mut self, element: &BytesStart<'_>) {
        let first = self.next_row;
        self.next_row = first
            .saturating_add(repeated(element, "table:number-rows-repeated"))
            .min(ROWS);
        self.row.rows = (first, self.next_row);
        self.row_style = attribute(element, "default-cell-style-name");
        self.next_column = 0;
        let is_hidden = text(element, "table:visibility")
            .is_some_and(|visibility| matches!(&*visibility, "collapse" | "filter"));
        let is_flat =
            attribute(element, "style-name").is_some_and(|style| self.styles.is_flat_row(&style));
        if is_hidden || is_flat {
            self.table.hidden.extend(first..self.next_row);
        }
    }

    fn start_of_cell(&mut self, element: &BytesStart<'_>) {
        let first = self.next_column;
        self.next_column = first
            .saturating_add(repeated(element, "table:number-columns-repeated"))
            .min(COLUMNS);
        let spanned = repeated(element, "table:number-rows-spanned");
        if spanned > 1 {
            let row = self.row.rows.0;
            self.table.merged.push(Merged {
                rows: (row, row.saturating_add(spanned - 1)),
                column: first,
            });
        }
        let column_style = || {
            let column = self.columns.iter().find(|(end, _)| first < *end)?;
            column.1.clone()
        };
        let style = attribute(element, "style-name")
            .or_else(|| self.row_style.clone())
            .or_else(column_style);
        self.cell = OpenCell {
            columns: (first, self.next_column),
            kind: match text(element, "office:value-type").as_deref() {
                None => Kind::None,
                Some("float") => Kind::Float,
                Some("percentage" | "currency" | "date" | "time") => Kind::Formatted,
                Some(_) => Kind::Other,
            },
            date: text(element, "office:date-value")
                .unwrap_or_default()
                .into_owned(),
            style: style.and_then(|style| self.styles.of_cell(&style)),
            is_formula: text(element, "table:formula").is_some(),
            paragraphs: 0,
            text: String::new(),
        };
    }

    fn end(&mut self, name: &str) {
        match name {
            "table:table" => self.is_in_table = false,
            "office:annotation" => self.is_in_note = false,
            "table:table-row" if !self.row.cells.is_empty() => {
                self.table.rows.push(Row {
                    rows: self.row.rows,
                    cells: std::mem::take(&mut self.row.cells),
                });
            }
            "table:table-cell" | "table:covered-table-cell" => {
                let cell = std::mem::take(&mut self.cell);
                let columns = cell.columns;
                match cell.shown() {
                    Shown::AsHeld => {}
                    shown => self.row.cells.push(Cell { columns, shown }),
                }
            }
            _ => {}
        }
    }
}

impl OpenCell {
    fn shown(self) -> Shown {
        if self.kind == Kind::None && self.is_formula {
            return Shown::NotCalculated;
        }
        let is_failed = || sheet_error::of_cell(self.text.trim()) == Some(SheetError::Formula);
        if self.is_formula && matches!(self.kind, Kind::Float | Kind::Formatted) && is_failed() {
            return Shown::Error(self.text.trim().to_owned());
        }
        if self.kind == Kind::Other && self.style == Some(DataStyle::AroundText) {
            return Shown::Unknown;
        }
        let region = match self.style {
            Some(DataStyle::RegionDate { has_time }) => region_date(&self.date, has_time),
            _ => None,
        };
        let shows_text = match self.kind {
            Kind::Float => !matches!(self.style, None | Some(DataStyle::General)),
            Kind::Formatted => true,
            Kind::None | Kind::Other => false,
        };
        let text = self.text.trim();
        region
            .or_else(|| (shows_text && !text.is_empty()).then(|| text.to_owned()))
            .map_or(Shown::AsHeld, Shown::Text)
    }
}

/// A date in ISO 8601 as one whose format follows the computer's region is written: `22/11/2026 14:30`.
fn region_date(date: &str, has_time: bool) -> Option<String> {
    let (date, time) = date.split_once('T').unwrap_or((date, "00:00"));
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let number = |text: &str| text.parse::<u32>().ok();
    let date = format!("{}/{}/{}", number(day)?, number(month)?, number(year)?);
    if !has_time {
        return Some(date);
    }
    let mut parts = time.split(':');
    Some(format!(
        "{date} {}:{}",
        number(parts.next()?)?,
        parts.next()?
    ))
}

fn repeated(element: &BytesStart<'_>, name: &str) -> u32 {
    text(element, name)
        .and_then(|count| count.parse().ok())
        .unwrap_or(1)
}
