//! Counts the lines of delimited text as an editor does, and checks that all its records end alike.

use crate::{Error, Kind, Result};

pub(super) fn is_line_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// The line ends in this text; CR LF, LF alone and CR alone are one each.
pub(super) fn line_ends(text: &[u8]) -> u64 {
    if !text.contains(&b'\n') && !text.contains(&b'\r') {
        return 0;
    }
    let pairs = text.windows(2).filter(|pair| pair == b"\r\n").count();
    let all = text.iter().filter(|&&byte| is_line_end(byte)).count();
    (all - pairs) as u64
}

/// The line ends within the quotes of a record.
pub(super) fn inner_line_ends(record: &[u8]) -> u64 {
    match record {
        [inner @ .., last] if is_line_end(*last) => line_ends(inner),
        unended => line_ends(unended),
    }
}

/// Counts lines while records and line ends are passed to it in their order.
pub(super) struct LineCounter {
    /// The line of the next byte.
    line: u64,
    empty: u64,
    last: u8,
    /// Whether `last` is the end of a record.
    after_record: bool,
    /// How the last record ended.
    end: Option<RecordEnd>,
    /// How the records of this file end.
    usual: Option<RecordEnd>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum RecordEnd {
    /// LF, after CR or alone.
    LineFeed,
    /// CR alone, as old Macintosh programs write.
    CarriageReturn,
}

impl LineCounter {
    /// A counter that begins at this line.
    pub(super) fn new(line: u64) -> Self {
        Self {
            line,
            empty: 0,
            last: 0,
            after_record: false,
            end: None,
            usual: None,
        }
    }

    /// The line of the next byte.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// How many empty lines were passed so far.
    pub(super) fn empty(&self) -> u64 {
        self.empty
    }

    /// Whether what was passed last is not a line end.
    pub(super) fn is_unended(&self) -> bool {
        !is_line_end(self.last)
    }

    /// Passes a line end that belongs to no record, or the second half of one that does.
    pub(super) fn pass_line_end(&mut self, byte: u8) {
        let second_half = self.last == b'\r' && byte == b'\n';
        if !second_half {
            self.line += 1;
            self.empty += 1;
        }
        if self.after_record && self.last == b'\r' {
            // CR CR may be an empty line of a Macintosh file, or the beginning of CR CR LF, which some programs write.
            self.end = second_half.then_some(RecordEnd::LineFeed);
        }
        self.after_record = false;
        self.last = byte;
    }

    /// An error if the record before ended in another way than those before it. Then it was cut in two by a CR (or LF) inside a
    /// cell, and both halves might pass for rows.
    pub(super) fn start_record(&mut self) -> Result<()> {
        let Some(end) = self.end else { return Ok(()) };
        if *self.usual.get_or_insert(end) == end {
            return Ok(());
        }
        let (odd, usual) = match end {
            RecordEnd::CarriageReturn => ("a carriage return alone", "a line feed"),
            RecordEnd::LineFeed => ("a line feed", "a carriage return alone"),
        };
        Err(Error::new(Kind::Input, format!(
            "line {} follows {odd}, but the lines before it end in {usual}, so one row may have become two",
            self.line
        ))
        .hint("put the cell with the line end in quotes, or save the file as \"CSV UTF-8\" again"))
    }

    /// Passes a record with its own line end, if it has one.
    pub(super) fn end_record(&mut self, record: &[u8], inner_line_ends: u64) {
        self.last = record.last().copied().unwrap_or_default();
        self.after_record = true;
        self.end = match self.last {
            b'\n' => Some(RecordEnd::LineFeed),
            b'\r' => Some(RecordEnd::CarriageReturn),
            _ => None,
        };
        self.line += inner_line_ends + u64::from(self.end.is_some());
    }
}
