//! What every reader of records offers, whatever the format of the file.

use std::fmt::Display;

use super::errors::not_utf8;
use super::quotes::QuoteError;
use super::record_writer::CsvDialect;
use crate::domain::cell::trimmed;
use crate::domain::report::ReadAs;
use crate::domain::{Location, Place};
use crate::{Error, Kind, Result};

/// Reads the records of a file in their order. A new input format is one more implementation, chosen in `open`.
pub(super) trait RecordReader: Send {
    /// The next record. Errors name the line, not the file, and are final.
    fn next_record(&mut self) -> Result<Option<Record<'_>>>;

    /// How many empty lines were passed so far; they are not records.
    fn empty_lines(&self) -> u64;

    /// How the results must be written to match the input. The byte order mark is final when all records have been read.
    fn dialect(&self) -> CsvDialect;

    /// How the file is read; final when all records have been read.
    fn read_as(&self) -> ReadAs;

    /// The hidden rows among the records that were not read yet, without blank ones.
    fn hidden_rows(&self) -> Vec<Place> {
        Vec::new()
    }

    /// The columns in which a record shows the value that is held, because its number format is not supported; 0 for the first.
    fn unformatted(&self) -> Vec<usize> {
        Vec::new()
    }
}

/// The value of a cell that shows something else, or that is certainly a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// The index of the cell.
    pub(super) cell: usize,
    pub(super) text: Box<str>,
    /// Whether it is a number, with a point before its decimals.
    pub(super) is_number: bool,
}

/// One record, as its cells are written.
pub(super) struct Record<'a> {
    /// All cells, one directly after the other. An error: the index of the first cell that is not UTF-8.
    pub(super) text: Result<&'a str, usize>,
    /// Where each cell ends in the text.
    pub(super) ends: &'a [usize],
    /// The values of cells that show something else, in the order of the cells.
    pub(super) held: &'a [Held],
    /// Whether the spreadsheet hides it.
    pub(super) is_hidden: bool,
    pub(super) location: Location,
    /// What is not certain about its quotes.
    pub(super) quote_error: Option<QuoteError>,
    /// Whether the format leaves out empty cells at the end of a record.
    pub(super) omits_empty_cells: bool,
}

/// The first record that is not blank, and where it is: some spreadsheets begin with empty rows.
pub(super) fn first_row(records: &mut dyn RecordReader) -> Result<Option<(Location, Vec<String>)>> {
    while let Some(record) = records.next_record()? {
        let cells = record.cells(format_args!("the header ({})", record.location))?;
        if !record.is_blank() {
            let cells = cells.into_iter().map(str::to_owned).collect();
            return Ok(Some((record.location, cells)));
        }
    }
    Ok(None)
}

impl<'a> Record<'a> {
    pub(super) fn is_blank(&self) -> bool {
        self.text.is_ok_and(|text| trimmed(text).is_empty())
    }

    /// The value of the cell at this index, where it shows something else.
    pub(super) fn held(&self, cell: usize) -> Option<&'a str> {
        let mut held = self.held.iter();
        held.find(|held| held.cell == cell).map(|held| &*held.text)
    }

    /// The cells, where an error in them is an error of the whole file. `place` is the record in messages.
    pub(super) fn cells(&self, place: impl Display) -> Result<Vec<&'a str>> {
        let text = self
            .text
            .map_err(|cell| not_utf8(&place.to_string(), cell, ""))?;
        if let Some(error) = self.quote_error {
            return Err(Error::new(Kind::Input, error.label())
                .hint(error.hint())
                .at(place));
        }
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        Ok(starts
            .zip(self.ends)
            .map(|(start, &end)| &text[start..end])
            .collect())
    }
}
