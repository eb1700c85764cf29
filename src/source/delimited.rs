//! Records out of delimited text, and the proof that none was lost on the way. Taking cells apart is left to the `csv` crate, which
//! reads anything without complaint; here the bytes of each record are looked at once more, for what it forgives: a quote that
//! swallows the rows after it, a carriage return that cuts a row in two. It knows no header and no columns.

use std::io::{self, Read};

use csv::ByteRecord;

use super::encoding::Decoded;
use super::format::Delimiter;
use super::open::{SAVE_AS_CSV, unreadable};
use super::records::{Cells, Record};
use crate::domain::header::{looks_like_number, trimmed};
use crate::{Error, Kind, Result};

/// A row longer than this is none: the cells of a recipient are some hundred bytes, and a lost quote makes one row of a whole file,
/// which would have to fit into memory.
const LONGEST: usize = 1024 * 1024;
/// The digits of the shortest phone number that is no short code; a postcode has five or six.
const LONG_NUMBER: usize = 7;
/// Long enough that handing over a buffer costs nothing, short enough to stay in the cache.
const BUFFER: usize = 128 * 1024;

/// Reads records one after the other.
pub(super) struct Records {
    reader: csv::Reader<Tape>,
    record: ByteRecord,
    delimiter: u8,
    /// As many cells as the first record has that is not blank, which is the header, or a row where there is none.
    columns: Option<usize>,
}

impl Records {
    /// The records of this text, which begins on line `first` of its file.
    pub(super) fn new(text: Decoded, delimiter: Delimiter, first: u64) -> Self {
        let delimiter = delimiter.byte();
        Self {
            reader: csv::ReaderBuilder::new()
                .delimiter(delimiter)
                .has_headers(false)
                .flexible(true)
                .buffer_capacity(BUFFER)
                .from_reader(Tape::new(text, first)),
            record: ByteRecord::new(),
            delimiter,
            columns: None,
        }
    }

    /// The text, for what it knows of its encoding.
    pub(super) fn decoded(&self) -> &Decoded {
        &self.reader.get_ref().text
    }

    /// The lines so far that held nothing at all; they are no records.
    pub(super) fn empty_lines(&self) -> u64 {
        self.reader.get_ref().lines.empty
    }

    /// The next record. Errors name the line, not the file.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>> {
        let found = self.reader.read_byte_record(&mut self.record);
        let end = self.reader.position().byte();
        let delimiter = self.delimiter;
        let tape = self.reader.get_mut();
        match found {
            Err(error) => Err(tape.explain(error)),
            Ok(false) => {
                tape.pass_empty_lines(end);
                Ok(None)
            }
            Ok(true) => {
                let blank = self.record.as_slice().trim_ascii().is_empty();
                let columns = self.columns.unwrap_or(self.record.len());
                self.columns = self.columns.or((!blank).then_some(columns));
                let (line, text_after_quote) = tape.pass_record(end, delimiter, columns)?;
                Ok(Some(Record {
                    cells: Cells::Bytes(&self.record),
                    line,
                    text_after_quote,
                }))
            }
        }
    }
}

/// The bytes that the parser has taken in and not yet turned into a record, kept to be looked at.
struct Tape {
    text: Decoded,
    held: Vec<u8>,
    /// Where in `held` the next record begins, or the empty lines before it.
    start: usize,
    /// How many bytes came before `held`.
    gone: u64,
    lines: Lines,
}

impl Read for Tape {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.forget();
        if self.held.len() > LONGEST {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        let read = self.text.read(buffer)?;
        self.held.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}

impl Tape {
    fn new(text: Decoded, first: u64) -> Self {
        Self {
            text,
            held: Vec::with_capacity(2 * BUFFER),
            start: 0,
            gone: 0,
            lines: Lines::from(first),
        }
    }

    /// Lets go of what became records, and of empty lines, of which there may be any number.
    fn forget(&mut self) {
        self.pass_line_ends(self.held.len());
        self.held.drain(..self.start);
        self.gone += self.start as u64;
        self.start = 0;
    }

    fn pass_line_ends(&mut self, end: usize) {
        while self.start < end && is_line_end(self.held[self.start]) {
            self.lines.pass(self.held[self.start]);
            self.start += 1;
        }
    }

    fn held_until(&self, end: u64) -> usize {
        usize::try_from(end - self.gone)
            .unwrap_or(usize::MAX)
            .min(self.held.len())
    }

    fn pass_empty_lines(&mut self, end: u64) {
        self.pass_line_ends(self.held_until(end));
    }

    /// The line of the record that ends here, and whether text follows a closing quote in it.
    fn pass_record(&mut self, end: u64, delimiter: u8, columns: usize) -> Result<(u64, bool)> {
        let end = self.held_until(end);
        self.pass_line_ends(end);
        let record = &self.held[self.start..end];
        self.start = end;

        let line = self.lines.line;
        self.lines.begin_record()?;
        if record.contains(&0) {
            return Err(
                Error::new(Kind::Input, format!("line {line} holds a NUL byte"))
                    .hint("the file is damaged or no text; make it anew"),
            );
        }
        if !record.contains(&b'"') {
            self.lines.end_record(record, 0);
            return Ok((line, false));
        }
        let inner = inner_line_ends(record);
        let quotes = quotes(record, delimiter);
        let swallowed = inner > 0 && holds_a_row(record, delimiter, columns);
        self.lines.end_record(record, inner);
        match quotes {
            Quotes::Unclosed => Err(unclosed(line)),
            Quotes::TextAfter if inner > 0 => {
                Err(astray(line, line + inner, "text follows a closing quote"))
            }
            Quotes::Sound if swallowed => Err(astray(
                line,
                line + inner,
                "a line within the quotes looks like a row of its own",
            )
            .hint(format!(
                "{CLOSE_IT}; if the cell is meant so, put it on one line"
            ))),
            Quotes::TextAfter => Ok((line, true)),
            Quotes::Sound => Ok((line, false)),
        }
    }

    fn explain(&self, error: csv::Error) -> Error {
        let line = self.lines.line;
        match error.into_kind() {
            csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => Error::new(
                Kind::Input,
                format!("the row that begins on line {line} has no end within {LONGEST} bytes"),
            )
            .hint(CLOSE_IT),
            // What cannot be decoded follows all that was read and became no record yet.
            csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                let before = line_ends(&self.held[self.start..]);
                unreadable(&error).at(format!("line {}", line + before))
            }
            csv::ErrorKind::Io(error) => unreadable(&error),
            other => Error::new(
                Kind::Input,
                format!("the row that begins on line {line} cannot be read ({other:?})"),
            )
            .hint(SAVE_AS_CSV),
        }
    }
}

const CLOSE_IT: &str =
    "look for a quote that is opened and not closed; a quote inside a quoted cell is written twice";

fn unclosed(line: u64) -> Error {
    Error::new(Kind::Input, format!(
        "the row that begins on line {line} opens a quote that is never closed, which swallows all that follows"
    ))
    .hint(CLOSE_IT)
}

/// Quotes went astray over a line end: it cannot be told how many rows these lines are.
fn astray(first: u64, last: u64, sign: &str) -> Error {
    Error::new(
        Kind::Input,
        format!("lines {first} to {last} are one row by their quotes, but {sign}"),
    )
    .hint(CLOSE_IT)
}

/// How the cells of a record are quoted.
enum Quotes {
    Sound,
    /// A closing quote is followed by more text of the cell (`"a"b`). A quote that lost its partner closes at the next one that was
    /// meant to open, so this is also how swallowed rows give themselves away.
    TextAfter,
    Unclosed,
}

fn quotes(record: &[u8], delimiter: u8) -> Quotes {
    let mut found = Quotes::Sound;
    let mut rest = record;
    loop {
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            match after_closing(quoted) {
                None => return Quotes::Unclosed,
                Some(after) => rest = after,
            }
            let over = |&byte: &u8| byte == delimiter || is_line_end(byte);
            if !rest.first().is_none_or(over) {
                found = Quotes::TextAfter;
            }
        }
        match rest.iter().position(|&byte| byte == delimiter) {
            Some(at) => rest = &rest[at + 1..],
            None => return found,
        }
    }
}

/// What follows the quote that closes; a doubled one does not.
fn after_closing(mut quoted: &[u8]) -> Option<&[u8]> {
    loop {
        let at = quoted.iter().position(|&byte| byte == b'"')?;
        quoted = &quoted[at + 1..];
        match quoted.strip_prefix(b"\"") {
            Some(after) => quoted = after,
            None => return Some(quoted),
        }
    }
}

/// Whether a line within quotes, but for the first, looks like a row: two quotes that lost their partners close each other, and what
/// lies between them is lost. Such a line has as many delimiters as a row, and in quotes a long number beside one of them. An
/// address has its postcode among words, and what follows its closing quote is no part of it.
fn holds_a_row(record: &[u8], delimiter: u8, columns: usize) -> bool {
    let delimiters = |text: &[u8]| text.split(|byte| *byte == delimiter).count() - 1;
    let mut rest = record;
    loop {
        let quoted = rest.strip_prefix(b"\"");
        if let Some((quoted, after)) = quoted.and_then(|it| Some((it, after_closing(it)?))) {
            rest = after;
            let cell = &quoted[..quoted.len() - after.len() - 1];
            let line_after = after.split(|&byte| is_line_end(byte)).next();
            let line_after = delimiters(line_after.unwrap_or_default());
            let mut lines = cell.split(|&byte| is_line_end(byte)).skip(1).peekable();
            while let Some(line) = lines.next() {
                let within = delimiters(line);
                let beyond = lines.peek().map_or(line_after, |_| 0);
                if within > 0
                    && within + beyond + 1 >= columns
                    && line.split(|&byte| byte == delimiter).any(is_long_number)
                {
                    return true;
                }
            }
        }
        match rest.iter().position(|&byte| byte == delimiter) {
            Some(at) => rest = &rest[at + 1..],
            None => return false,
        }
    }
}

/// Whether the cell could be a phone number: seven digits or more, and no date.
fn is_long_number(cell: &[u8]) -> bool {
    let Ok(cell) = std::str::from_utf8(cell) else {
        return false;
    };
    let cell = cell.trim_matches('"');
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    digits >= LONG_NUMBER && looks_like_number(cell) && !begins_with_date(cell)
}

/// `2026-11-22`, `22/11/2026`, perhaps with a time.
fn begins_with_date(cell: &str) -> bool {
    let lengths: Vec<usize> = trimmed(cell)
        .split(|c: char| !c.is_ascii_digit())
        .map(str::len)
        .take(3)
        .collect();
    matches!(lengths[..], [4, 1..=2, 1..=2] | [1..=2, 1..=2, 4])
}

fn is_line_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// The line ends within the quotes of a record; CR LF, LF alone and CR alone are one each.
fn inner_line_ends(record: &[u8]) -> u64 {
    let inner = match record {
        [inner @ .., last] if is_line_end(*last) => inner,
        unended => unended,
    };
    line_ends(inner)
}

fn line_ends(text: &[u8]) -> u64 {
    if !text.contains(&b'\n') && !text.contains(&b'\r') {
        return 0;
    }
    let pairs = text.windows(2).filter(|pair| pair == b"\r\n").count();
    let all = text.iter().filter(|&&byte| is_line_end(byte)).count();
    (all - pairs) as u64
}

/// Counts lines as an editor does, and watches that rows end alike.
struct Lines {
    /// The line of the next byte.
    line: u64,
    empty: u64,
    last: u8,
    /// Whether `last` is the end of a record.
    after_record: bool,
    /// How the last record ended.
    end: Option<RowEnd>,
    /// How the records of this file end.
    usual: Option<RowEnd>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum RowEnd {
    /// LF, after CR or alone.
    Feed,
    /// CR alone, as old Macintosh programs write.
    Return,
}

impl Lines {
    fn from(line: u64) -> Self {
        Self {
            line,
            empty: 0,
            last: 0,
            after_record: false,
            end: None,
            usual: None,
        }
    }

    /// A line end that belongs to no record, or the second half of one that does.
    fn pass(&mut self, byte: u8) {
        let second_half = self.last == b'\r' && byte == b'\n';
        if !second_half {
            self.line += 1;
            self.empty += 1;
        }
        if self.after_record && self.last == b'\r' {
            // CR CR may be an empty line of a Macintosh or CR CR LF of a careless program.
            self.end = second_half.then_some(RowEnd::Feed);
        }
        self.after_record = false;
        self.last = byte;
    }

    /// An error if the record before ended otherwise than those before it: then it was cut in two by a CR (or LF) that is part
    /// of a cell, and both halves might pass for rows.
    fn begin_record(&mut self) -> Result<()> {
        let Some(end) = self.end else { return Ok(()) };
        if *self.usual.get_or_insert(end) == end {
            return Ok(());
        }
        let (odd, usual) = match end {
            RowEnd::Return => ("a carriage return alone", "a line feed"),
            RowEnd::Feed => ("a line feed", "a carriage return alone"),
        };
        Err(Error::new(Kind::Input, format!(
            "line {} follows {odd}, but the lines before it end in {usual}, so one row may have become two",
            self.line
        ))
        .hint("put the cell with the line end in quotes, or save the file as \"CSV UTF-8\" again"))
    }

    fn end_record(&mut self, record: &[u8], inner_line_ends: u64) {
        self.last = record.last().copied().unwrap_or_default();
        self.after_record = true;
        self.end = match self.last {
            b'\n' => Some(RowEnd::Feed),
            b'\r' => Some(RowEnd::Return),
            _ => None,
        };
        self.line += inner_line_ends + u64::from(self.end.is_some());
    }
}
