//! Rows out of a spreadsheet: its header, its cells as they came, and where each row stands in the file. It knows nothing of
//! phone numbers or templates: a cell is a text.

mod delimited;
mod dialect;
mod digest;
mod encoding;
mod encoding_detector;
mod format;
mod gzip;
mod list;
mod open;
mod record;
mod records;
mod row;
#[cfg(test)]
mod tests;
mod utf16;
mod workbook;

use std::fmt;
use std::io::Read;

pub use digest::Digest;
pub use format::{Delimiter, Encoding, ReadOptions};
pub use list::{Entry, List, read_list};
pub use open::{Input, Position, is_ledger};
pub use record::{RecordWriter, to_record};
pub use row::{Row, RowError};

use crate::domain::header::{Columns, trimmed};
use crate::domain::report::ReadAs;
use crate::{Error, Kind, Result};
use digest::Fingerprint;
use open::{NEEDED, Opened, SAVE_AS_CSV};
use records::{Record, Records};
use row::Width;

/// How the results must look to look like the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsvDialect {
    /// What stands between two cells, an ASCII character.
    pub delimiter: u8,
    /// Whether the file begins with a byte order mark: a spreadsheet program takes text without one for Windows-1252.
    pub bom: bool,
}

/// An open spreadsheet whose header has been read. Memory does not grow with the file, unless that is a workbook.
pub struct Source {
    place: String,
    records: Records,
    columns: Columns,
    width: Width,
    gzip: bool,
    len_bytes: Option<u64>,
    position: Position,
    rows: u64,
    blank_records: u64,
    /// Lines without anything in them above the header.
    empty_above: u64,
    fingerprint: Fingerprint,
    failed: Option<Error>,
    /// Where the cells of the record at hand end; kept for its memory.
    ends: Vec<usize>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("place", &self.place)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// The spreadsheet, its header read. Errors name the file: there is none, it is a folder, empty, damaged, no spreadsheet, not what
    /// `format` says, or cannot be read without guessing; or its header is missing or ambiguous.
    pub fn open(input: &Input, format: &ReadOptions) -> Result<Self> {
        let place = input.to_string();
        Opened::new(input, Some(format))
            .and_then(|opened| Self::begin(place.clone(), opened, format))
            .map_err(|error| error.at(place))
    }

    /// The spreadsheet out of bytes that come from elsewhere than a file; `place` names them in errors.
    pub fn from_reader(
        place: &str,
        bytes: impl Read + Send + 'static,
        format: &ReadOptions,
    ) -> Result<Self> {
        Opened::over(bytes, None, Some(format))
            .and_then(|opened| Self::begin(place.to_owned(), opened, format))
            .map_err(|error| error.at(place))
    }

    fn begin(place: String, opened: Opened, format: &ReadOptions) -> Result<Self> {
        let mut records = Records::new(opened.content, Some(format))?;
        let columns = Columns::parse(header(&mut records)?)?;
        Ok(Self {
            place,
            empty_above: records.empty_lines(),
            records,
            width: Width::of(&columns),
            fingerprint: Fingerprint::of_header(columns.headers()),
            columns,
            gzip: opened.gzip,
            len_bytes: opened.len_bytes,
            position: opened.position,
            rows: 0,
            blank_records: 0,
            failed: None,
            ends: Vec::new(),
        })
    }

    /// The columns of the header.
    #[must_use]
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// How the results must be written to match this input. The delimiter is certain from the start, the byte order mark only once
    /// all rows have been read: the first accent may come late.
    #[must_use]
    pub fn dialect(&self) -> CsvDialect {
        self.records.dialect()
    }

    /// How this was read. Not certain before all rows have been read.
    #[must_use]
    pub fn read_as(&self) -> ReadAs {
        self.records.read_as(self.gzip)
    }

    /// The length of the file in bytes, where it has one (standard input and pipes have none).
    #[must_use]
    pub fn len_bytes(&self) -> Option<u64> {
        self.len_bytes
    }

    /// How far the file has been read; follows the reading, from any thread.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position.clone()
    }

    /// The next rows in their order, at least one and at most `rows` (one if that is 0); `None` at the end. An error is final, names file
    /// and line, and means that the spreadsheet as a whole cannot be trusted: the rows read with it are not handed out.
    pub fn read(&mut self, rows: usize) -> Result<Option<Vec<Row>>> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let read = self.next_rows(rows.max(1)).map_err(|error| {
            let error = error.at(&self.place);
            self.failed = Some(error.clone());
            error
        })?;
        Ok(Some(read).filter(|rows| !rows.is_empty()))
    }

    fn next_rows(&mut self, most: usize) -> Result<Vec<Row>> {
        // No more than a caller can be thought to want at once is set aside before there are rows.
        let mut rows = Vec::with_capacity(most.min(8192));
        let filled_up = self.records.end_with_last_cell();
        while rows.len() < most {
            let Some(record) = self.records.next()? else {
                break;
            };
            let number = self.rows + 1;
            let text = record.text(&mut self.ends).map_err(|cell| {
                let row = format!("row {number} (line {})", record.line);
                not_utf8(&row, cell, self.columns.title(cell))
            })?;
            if filled_up && self.ends.len() < self.width.columns {
                self.ends.resize(self.width.columns, text.len());
            }
            let suspect = record.text_after_quote.then_some(RowError::TextAfterQuote);
            match Row::new(
                (number, record.line),
                text,
                &mut self.ends,
                self.width,
                suspect,
            ) {
                None => self.blank_records += 1,
                Some(row) => {
                    self.fingerprint.add(&row);
                    self.rows = number;
                    rows.push(row);
                }
            }
        }
        Ok(rows)
    }

    /// The rows under the header so far that were skipped because all their cells are blank, empty lines included.
    #[must_use]
    pub fn blank_rows(&self) -> u64 {
        self.blank_records + self.records.empty_lines() - self.empty_above
    }

    /// The fingerprint of the header and all rows read so far (of the whole spreadsheet once [`Source::read`] has returned `None`). Quotes,
    /// delimiter, line ends, blank rows and empty cells beyond the header do not count.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.fingerprint.so_far()
    }
}

/// The first record that is not blank: some spreadsheets begin with empty rows.
fn header(records: &mut Records) -> Result<Vec<String>> {
    loop {
        let Some(record) = records.next()? else {
            return Err(Error::new(Kind::Input, "is empty: every row is blank").hint(NEEDED));
        };
        let cells = header_cells(&record)?;
        if cells.iter().any(|cell| !trimmed(cell).is_empty()) {
            return Ok(cells);
        }
    }
}

fn header_cells(record: &Record) -> Result<Vec<String>> {
    let mut ends = Vec::new();
    let text = record
        .text(&mut ends)
        .map_err(|cell| not_utf8(&format!("the header (line {})", record.line), cell, ""))?;
    if record.text_after_quote {
        return Err(Error::new(
            Kind::Input,
            format!(
                "the header (line {}): {}",
                record.line,
                RowError::TextAfterQuote
            ),
        ));
    }
    let mut start = 0;
    let cell = |end| {
        let cell = text[start..end].to_owned();
        start = end;
        cell
    };
    Ok(ends.into_iter().map(cell).collect())
}

fn not_utf8(row: &str, cell: usize, title: &str) -> Error {
    let column = match title {
        "" => format!("column {}", cell + 1),
        title => format!("column \"{title}\""),
    };
    Error::new(
        Kind::Input,
        format!("{row}, {column}: the text is not UTF-8"),
    )
    .hint(SAVE_AS_CSV)
}
