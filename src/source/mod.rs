//! Reads spreadsheets: the header, the cells of each row as they were written, and the place of each row in the file.

mod decoded_text;
mod delimited;
mod delimiter;
mod digest;
mod encoding_detector;
mod errors;
mod foreign;
mod gzip;
mod input;
mod kept_input;
mod lines;
mod list;
mod open;
mod options;
mod other_sheets;
mod quotes;
mod quoting;
mod record_reader;
mod record_writer;
mod row;
#[cfg(test)]
mod tests;
mod text_file;
mod transcoder;
mod utf16;
mod workbook;

use std::fmt;
use std::io::Read;

pub use input::{Input, Position};
pub use kept_input::{KeptInput, changed};
pub use list::read_list;
pub use open::is_ledger;
pub use options::{Delimiter, Encoding, ReadOptions};
pub use other_sheets::{OtherSheet, other_sheets};
pub use quotes::QuoteError;
pub use record_writer::{CsvDialect, RecordWriter, cells_of, push_cell, to_record};
pub use row::{Row, RowError};
pub use text_file::read_text;

use crate::domain::Place;
use crate::domain::header::Columns;
use crate::domain::report::ReadAs;
use crate::{Error, Kind, Result};
use digest::DigestBuilder;
use errors::{HEADER_AND_ROWS, not_utf8};
use open::Opened;
use record_reader::{RecordReader, first_row};
use row::RowWidth;

/// An open spreadsheet whose header has been read. Memory does not grow with the file, unless that is a workbook.
pub struct Source {
    place: String,
    records: Box<dyn RecordReader>,
    columns: Columns,
    width: RowWidth,
    len_bytes: Option<u64>,
    position: Position,
    rows: u64,
    blank_records: u64,
    /// Empty lines above the header.
    empty_above: u64,
    digest: DigestBuilder,
    failed: Option<Error>,
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
    /// Opens a spreadsheet and reads its header. Errors name the file: it does not exist, is a folder, empty, damaged, not a
    /// spreadsheet, contradicts the options, or cannot be read without guessing; or its header is missing or ambiguous.
    pub fn open(input: &Input, options: &ReadOptions) -> Result<Self> {
        let place = input.to_string();
        open::open(input, options)
            .and_then(|opened| Self::read_header(&place, opened))
            .map_err(|error| error.at(place))
    }

    /// The spreadsheet in these bytes; `place` names them in errors.
    pub fn from_reader(
        place: &str,
        bytes: impl Read + Send + 'static,
        options: &ReadOptions,
    ) -> Result<Self> {
        open::open_bytes(bytes, None, options)
            .and_then(|opened| Self::read_header(place, opened))
            .map_err(|error| error.at(place))
    }

    fn read_header(place: &str, mut opened: Opened) -> Result<Self> {
        let (_, header) = first_row(opened.records.as_mut())?.ok_or_else(|| {
            Error::new(Kind::Input, "is empty: every row is blank").hint(HEADER_AND_ROWS)
        })?;
        let columns = Columns::parse(header)?;
        Ok(Self {
            place: place.to_owned(),
            empty_above: opened.records.empty_lines(),
            records: opened.records,
            width: RowWidth::of(&columns),
            digest: DigestBuilder::new(&columns.headers),
            columns,
            len_bytes: opened.len_bytes,
            position: opened.position,
            rows: 0,
            blank_records: 0,
            failed: None,
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

    /// How this is read. Certain only once all rows have been read.
    #[must_use]
    pub fn read_as(&self) -> ReadAs {
        self.records.read_as()
    }

    /// The rows that the spreadsheet hides, by itself or by a filter, among those that were not read yet.
    #[must_use]
    pub fn hidden_rows(&self) -> Vec<Place> {
        self.records.hidden_rows()
    }

    /// The headers of columns whose cells are read as they are held, because their number format is not supported.
    #[must_use]
    pub fn unformatted(&self) -> Vec<String> {
        let columns = self.records.unformatted().into_iter();
        let title = |column| self.columns.headers.get(column).cloned();
        columns
            .filter_map(title)
            .filter(|title| !title.is_empty())
            .collect()
    }

    /// The length of the file in bytes, if it has one (standard input and pipes do not).
    #[must_use]
    pub fn len_bytes(&self) -> Option<u64> {
        self.len_bytes
    }

    /// How far the file has been read; can be asked from any thread while rows are read.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position.clone()
    }

    /// The next rows in their order, at least one and at most `rows` (one if that is 0); `None` at the end. An error is final, names
    /// file and line, and means that the spreadsheet as a whole cannot be trusted: the rows read before it in this call are dropped.
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
        // A caller may ask for any number, so memory is reserved only up to a limit.
        let mut rows = Vec::with_capacity(most.min(8192));
        while rows.len() < most {
            let Some(record) = self.records.next_record()? else {
                break;
            };
            let number = self.rows + 1;
            let place = Place {
                row: number,
                location: record.location,
            };
            let row = Row::new(place, &record, self.width)
                .map_err(|cell| not_utf8(&place.to_string(), cell, self.columns.title(cell)))?;
            let Some(row) = row else {
                self.blank_records += 1;
                continue;
            };
            self.digest.add(&row);
            self.rows = number;
            rows.push(row);
        }
        Ok(rows)
    }

    /// How many rows under the header were skipped so far because all their cells are blank, empty lines included.
    #[must_use]
    pub fn blank_rows(&self) -> u64 {
        self.blank_records + self.records.empty_lines() - self.empty_above
    }

    /// The digest of the header and all rows read so far (of the whole spreadsheet once [`Source::read`] has returned `None`), in
    /// hexadecimal. Quotes, delimiter, line ends, blank rows and empty cells beyond the header do not count.
    #[must_use]
    pub fn digest(&self) -> String {
        self.digest.digest()
    }
}
