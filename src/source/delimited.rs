//! Reads the records of delimited text. The `csv` crate takes cells apart and accepts anything, so the bytes of each record are
//! checked again here for what it forgives: a quote that swallows the rows after it, a carriage return that cuts a row in two.

use std::io::{self, Read};

use csv::ByteRecord;

use super::decoded_text::DecodedText;
use super::delimiter;
use super::errors::{SAVE_AS_CSV, nul_byte, unreadable};
use super::lines::{LineCounter, inner_line_ends, is_line_end, line_ends};
use super::options::Delimiter;
use super::quotes::{QuoteError, Quotes, follow_a_space, is_all_quoted, quotes_of, swallow_a_row};
use super::quoting::{self, Quoting, Spaces};
use super::record_reader::{Record, RecordReader};
use super::record_writer::CsvDialect;
use crate::domain::Location;
use crate::domain::report::ReadAs;
use crate::{Error, Kind, Result};

/// The most bytes of a row. The cells of a recipient are some hundred bytes, but a lost quote makes one row of a whole file, which
/// would have to fit into memory.
const LONGEST: usize = 1024 * 1024;
/// Long enough that passing on a buffer costs nothing, short enough to stay in the cache.
const BUFFER: usize = 128 * 1024;

/// Reads the records of delimited text.
pub(super) struct DelimitedReader {
    reader: csv::Reader<PendingBytes>,
    record: ByteRecord,
    /// Where the cells of the record end; kept for its memory.
    ends: Vec<usize>,
    delimiter: Delimiter,
    gzip: bool,
    /// The cells of the first record that is not blank: the header, or a row where there is none.
    columns: Option<usize>,
    /// How many records came before.
    records: u64,
    /// Whether spreadsheet programs see the same quotes, so that they show the same rows.
    is_usual: bool,
}

impl DelimitedReader {
    /// The records of this text; the delimiter is detected where none is named. `gzip`: whether the file was compressed.
    pub(super) fn new(mut text: DecodedText, named: Option<Delimiter>, gzip: bool) -> Result<Self> {
        let found = delimiter::find(text.beginning(), text.may_continue(), named)?;
        text.skip(found.declaration);
        let first_line = if found.declaration > 0 { 2 } else { 1 };
        let delimiter = found.delimiter.byte();
        let quoting = quoting::find(text.beginning(), text.may_continue(), delimiter);
        let reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .quote(quoting.quote)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER)
            .from_reader(PendingBytes::new(text, first_line, delimiter, quoting));
        Ok(Self {
            reader,
            record: ByteRecord::new(),
            ends: Vec::new(),
            delimiter: found.delimiter,
            gzip,
            columns: None,
            records: 0,
            is_usual: quoting.is_usual(),
        })
    }

    fn text(&self) -> &DecodedText {
        &self.reader.get_ref().text
    }
}

impl RecordReader for DelimitedReader {
    fn next_record(&mut self) -> Result<Option<Record<'_>>> {
        let read = self.reader.read_byte_record(&mut self.record);
        let end = self.reader.position().byte();
        let pending = self.reader.get_mut();
        if !read.map_err(|error| pending.explain(error))? {
            pending.pass_empty_lines(end);
            return Ok(None);
        }
        let record = &self.record;
        let columns = self.columns.unwrap_or(record.len());
        if !record.as_slice().trim_ascii().is_empty() {
            self.columns = Some(columns);
        }
        let (line, quote_error) = pending.pass_record(end, columns)?;
        let sheet_row = self
            .is_usual
            .then(|| self.records + pending.lines.empty() + 1);
        self.records += 1;
        self.ends.clear();
        self.ends
            .extend((0..record.len()).filter_map(|cell| Some(record.range(cell)?.end)));
        Ok(Some(Record {
            text: utf8(record, &self.ends),
            ends: &self.ends,
            location: Location::Text { line, sheet_row },
            quote_error,
            held: &[],
            is_hidden: false,
            omits_empty_cells: false,
        }))
    }

    fn empty_lines(&self) -> u64 {
        self.reader.get_ref().lines.empty()
    }

    fn dialect(&self) -> CsvDialect {
        CsvDialect {
            delimiter: self.delimiter.byte(),
            bom: self.text().needs_bom(),
        }
    }

    fn read_as(&self) -> ReadAs {
        ReadAs::Text {
            delimiter: char::from(self.delimiter.byte()),
            encoding: self.text().encoding().name().to_owned(),
            assumed: self.text().is_assumed(),
            gzip: self.gzip,
            unended: self.reader.get_ref().lines.is_unended(),
        }
    }
}

/// The cells as text. An error: the index of the first one that is not UTF-8.
fn utf8<'a>(record: &'a ByteRecord, ends: &[usize]) -> Result<&'a str, usize> {
    // All cells at once is faster than cell by cell. It does not see a character cut in two by a delimiter, both halves of which
    // are whole again when the cells stand together.
    match std::str::from_utf8(record.as_slice()) {
        Ok(text) if ends.iter().all(|&end| text.is_char_boundary(end)) => Ok(text),
        _ => Err(record
            .iter()
            .position(|cell| std::str::from_utf8(cell).is_err())
            .unwrap_or_default()),
    }
}

/// The bytes that the parser has read and not yet turned into a record, kept to be checked.
struct PendingBytes {
    text: DecodedText,
    bytes: Vec<u8>,
    /// Where in `bytes` the next record begins, or the empty lines before it.
    start: usize,
    /// How many bytes came before `bytes`.
    dropped: u64,
    lines: LineCounter,
    delimiter: u8,
    quote: u8,
    /// Where spaces before a cell belong to the delimiter.
    spaces: Option<Spaces>,
}

impl Read for PendingBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.drop_passed();
        if self.bytes.len() > LONGEST {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        loop {
            let read = self.text.read(buffer)?;
            let kept = match &mut self.spaces {
                Some(spaces) => spaces.leave_out(&mut buffer[..read]),
                None => read,
            };
            if kept > 0 || read == 0 {
                self.bytes.extend_from_slice(&buffer[..kept]);
                return Ok(kept);
            }
        }
    }
}

impl PendingBytes {
    fn new(text: DecodedText, first_line: u64, delimiter: u8, quoting: Quoting) -> Self {
        Self {
            text,
            bytes: Vec::with_capacity(2 * BUFFER),
            start: 0,
            dropped: 0,
            lines: LineCounter::new(first_line),
            delimiter,
            quote: quoting.quote,
            spaces: quoting
                .spaces
                .then(|| Spaces::new(delimiter, quoting.quote)),
        }
    }

    /// Drops the bytes of finished records, and of empty lines, of which there may be any number.
    fn drop_passed(&mut self) {
        self.pass_line_ends(self.bytes.len());
        self.bytes.drain(..self.start);
        self.dropped += self.start as u64;
        self.start = 0;
    }

    fn pass_line_ends(&mut self, end: usize) {
        while self.start < end && is_line_end(self.bytes[self.start]) {
            self.lines.pass_line_end(self.bytes[self.start]);
            self.start += 1;
        }
    }

    /// The index in `bytes` of a position in the text.
    fn index_of(&self, position: u64) -> usize {
        usize::try_from(position - self.dropped)
            .unwrap_or(usize::MAX)
            .min(self.bytes.len())
    }

    fn pass_empty_lines(&mut self, end: u64) {
        self.pass_line_ends(self.index_of(end));
    }

    /// Checks the record that ends here. Returns its line, and what is not certain about its quotes.
    fn pass_record(&mut self, end: u64, columns: usize) -> Result<(u64, Option<QuoteError>)> {
        let (delimiter, quote) = (self.delimiter, self.quote);
        let end = self.index_of(end);
        self.pass_line_ends(end);
        let record = &self.bytes[self.start..end];
        self.start = end;

        let line = self.lines.line();
        self.lines.start_record()?;
        if record.contains(&0) {
            let before = record.split(|&byte| byte == 0).next().unwrap_or_default();
            return Err(nul_byte(line + line_ends(before)));
        }
        if !record.contains(&quote) {
            self.lines.end_record(record, 0);
            let other = single_quotes(record, delimiter, quote);
            return Ok((line, other));
        }
        let inner = inner_line_ends(record);
        let quotes = quotes_of(record, delimiter, quote);
        let swallowed = inner > 0 && swallow_a_row(record, delimiter, quote, columns);
        let after_space = follow_a_space(record, delimiter, quote);
        let other = single_quotes(record, delimiter, quote);
        self.lines.end_record(record, inner);
        let last_line = line + inner;
        match quotes {
            Quotes::Unclosed => Err(unclosed(line)),
            Quotes::TextAfter if inner > 0 => {
                Err(several_rows(line, last_line, QuoteError::TextAfter.label()).hint(CLOSE_QUOTE))
            }
            Quotes::Correct if swallowed => Err(several_rows(
                line,
                last_line,
                "a line within the quotes looks like a row of its own",
            )
            .hint(format!(
                "{CLOSE_QUOTE}; if the cell is meant to hold it, put the cell on one line"
            ))),
            Quotes::TextAfter => Ok((line, Some(QuoteError::TextAfter))),
            Quotes::Correct if after_space => Ok((line, Some(QuoteError::AfterSpace))),
            Quotes::Correct => Ok((line, other)),
        }
    }

    fn explain(&self, error: csv::Error) -> Error {
        let line = self.lines.line();
        match error.into_kind() {
            csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => Error::new(
                Kind::Input,
                format!("the row that begins on line {line} has no end within {LONGEST} bytes"),
            )
            .hint(CLOSE_QUOTE),
            // What cannot be decoded follows all pending bytes.
            csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                let before = line_ends(&self.bytes[self.start..]);
                unreadable(error).at(format!("line {}", line + before))
            }
            csv::ErrorKind::Io(error) => unreadable(error),
            other => Error::new(
                Kind::Input,
                format!("the row that begins on line {line} cannot be read ({other:?})"),
            )
            .hint(SAVE_AS_CSV),
        }
    }
}

/// Whether `'` stands around all cells of this record, in a file where it does not stand around those of the others.
fn single_quotes(record: &[u8], delimiter: u8, quote: u8) -> Option<QuoteError> {
    let is_quoted = quote != b'\''
        && record.first() == Some(&b'\'')
        && record.contains(&delimiter)
        && is_all_quoted(record, delimiter, b'\'');
    is_quoted.then_some(QuoteError::Single)
}

const CLOSE_QUOTE: &str =
    "look for a quote that is opened and not closed; a quote inside a quoted cell is written twice";

fn unclosed(line: u64) -> Error {
    Error::new(Kind::Input, format!(
        "the row that begins on line {line} opens a quote that is never closed, which swallows all that follows"
    ))
    .hint(CLOSE_QUOTE)
}

/// A lost quote joins lines: how many rows they are cannot be told.
fn several_rows(first: u64, last: u64, sign: &str) -> Error {
    Error::new(
        Kind::Input,
        format!("lines {first} to {last} are one row by their quotes, but {sign}"),
    )
}
