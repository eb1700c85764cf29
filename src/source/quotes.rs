//! How the cells of a record are quoted, and whether a lost quote made one record of several rows.

use super::lines::is_line_end;
use crate::domain::cell::trimmed;
use crate::domain::header::looks_like_number;

/// The digits of the shortest phone number that is not a short code; a postcode has five or six.
const LONG_NUMBER: usize = 7;

/// How the cells of a record are quoted.
#[derive(PartialEq, Eq)]
pub(super) enum Quotes {
    Correct,
    /// A closing quote is followed by more text of the cell (`"a"b`). A quote that lost its partner closes at the next one that
    /// was meant to open, so this is also how swallowed rows are detected.
    TextAfter,
    Unclosed,
}

/// What is not certain about the quotes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuoteError {
    /// Text follows a closing quote before the next cell (`"a"b`). Which of the quotes was meant to close is a guess.
    TextAfter,
    /// A space stands before an opening quote, and not so in all rows: the quotes belong to the cell, or they do not.
    AfterSpace,
    /// `'` stands around all cells, and not so in all rows.
    Single,
}

impl QuoteError {
    /// What is wrong.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::TextAfter => "text follows a closing quote",
            Self::AfterSpace => "a space stands before a quote, in some rows only",
            Self::Single => "single quotes stand around all cells, in some rows only",
        }
    }

    /// What to do about it.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::TextAfter => "write a quote inside a quoted cell twice",
            Self::AfterSpace => "delete the space, or write it in all rows",
            Self::Single => "delete them, or write them in all rows",
        }
    }
}

/// How this record is quoted.
pub(super) fn quotes_of(record: &[u8], delimiter: u8, quote: u8) -> Quotes {
    let ends_cell = |&byte: &u8| byte == delimiter || is_line_end(byte);
    let mut quotes = Quotes::Correct;
    for (_, after) in quoted_cells(record, delimiter, quote) {
        match after {
            None => return Quotes::Unclosed,
            Some(after) if after.first().is_none_or(ends_cell) => {}
            Some(_) => quotes = Quotes::TextAfter,
        }
    }
    quotes
}

/// Whether a line within quotes, apart from the first, looks like a row. Two quotes that lost their partners close each other, and
/// the rows between them would be lost. Such a line has as many delimiters as a row, and a long number beside one of them within
/// the quotes. An address has its postcode among words, and what follows its closing quote is no longer part of it.
pub(super) fn swallow_a_row(record: &[u8], delimiter: u8, quote: u8, columns: usize) -> bool {
    let delimiters = |text: &[u8]| text.split(|&byte| byte == delimiter).count() - 1;
    let looks_like_row = |line: &[u8], after: &[u8]| {
        let within = delimiters(line);
        within > 0
            && within + delimiters(after) + 1 >= columns
            && line.split(|&byte| byte == delimiter).any(is_long_number)
    };
    quoted_cells(record, delimiter, quote).any(|(quoted, after)| {
        let Some(after) = after else { return false };
        let cell = &quoted[..quoted.len() - after.len() - 1];
        let rest_of_line = after.split(|&byte| is_line_end(byte)).next();
        let mut lines = cell.split(|&byte| is_line_end(byte)).skip(1).peekable();
        while let Some(line) = lines.next() {
            let is_last = lines.peek().is_none();
            let after = rest_of_line.filter(|_| is_last).unwrap_or_default();
            if looks_like_row(line, after) {
                return true;
            }
        }
        false
    })
}

/// Whether quotes stand around every cell of this record that is not empty, and around one at least.
pub(super) fn is_all_quoted(record: &[u8], delimiter: u8, quote: u8) -> bool {
    let mut rest = record;
    let mut quoted = 0;
    loop {
        if let Some(cell) = after_quote(rest, quote) {
            let Some(after) = after_closing(cell, quote) else {
                return false;
            };
            rest = after;
            quoted += 1;
        }
        match rest.split_first() {
            None => return quoted > 0,
            Some((byte, _)) if is_line_end(*byte) => return quoted > 0,
            Some((byte, after)) if *byte == delimiter => rest = after,
            Some(_) => return false,
        }
    }
}

/// What follows the quote that this begins with. Comparing the byte is several times as fast as `strip_prefix`.
fn after_quote(cell: &[u8], quote: u8) -> Option<&[u8]> {
    let (first, rest) = cell.split_first()?;
    (*first == quote).then_some(rest)
}

/// Whether a quote follows a space anywhere.
pub(super) fn has_space_before(text: &[u8], quote: u8) -> bool {
    let mut pairs = text.iter().zip(text.iter().skip(1));
    pairs.any(|(before, byte)| *byte == quote && *before == b' ')
}

/// Whether a quote follows spaces at the beginning of a cell.
pub(super) fn follow_a_space(record: &[u8], delimiter: u8, quote: u8) -> bool {
    if !has_space_before(record, quote) {
        return false;
    }
    let mut rest = Some(record);
    while let Some(cell) = rest {
        if delimiter != b' '
            && cell.starts_with(b" ")
            && cell.trim_ascii_start().starts_with(&[quote])
        {
            return true;
        }
        let cell = match after_quote(cell, quote) {
            Some(quoted) => after_closing(quoted, quote).unwrap_or_default(),
            None => cell,
        };
        let end = cell.iter().position(|&byte| byte == delimiter);
        rest = end.map(|end| &cell[end + 1..]);
    }
    false
}

/// For each quoted cell: what follows its opening quote, and what follows its closing quote if there is one.
fn quoted_cells(
    record: &[u8],
    delimiter: u8,
    quote: u8,
) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    let mut rest = Some(record);
    std::iter::from_fn(move || {
        loop {
            let cell = rest?;
            let quoted = after_quote(cell, quote);
            let after = quoted.map(|quoted| after_closing(quoted, quote));
            rest = after.unwrap_or(Some(cell)).and_then(|after| {
                let end = after.iter().position(|&byte| byte == delimiter)?;
                Some(&after[end + 1..])
            });
            if let Some(found) = quoted.zip(after) {
                return Some(found);
            }
        }
    })
}

/// What follows the closing quote; a doubled quote does not close.
fn after_closing(mut quoted: &[u8], quote: u8) -> Option<&[u8]> {
    loop {
        let at = quoted.iter().position(|&byte| byte == quote)?;
        quoted = &quoted[at + 1..];
        match after_quote(quoted, quote) {
            Some(after) => quoted = after,
            None => return Some(quoted),
        }
    }
}

/// Whether the cell could be a phone number: seven digits or more, and not a date.
fn is_long_number(cell: &[u8]) -> bool {
    let Ok(cell) = std::str::from_utf8(cell) else {
        return false;
    };
    let cell = cell.trim_matches(['"', '\'']);
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    digits >= LONG_NUMBER && looks_like_number(cell) && !begins_with_date(cell)
}

/// `2026-11-22` or `22/11/2026`, with or without a time.
fn begins_with_date(cell: &str) -> bool {
    let lengths: Vec<usize> = trimmed(cell)
        .split(|c: char| !c.is_ascii_digit())
        .map(str::len)
        .take(3)
        .collect();
    matches!(lengths[..], [4, 1..=2, 1..=2] | [1..=2, 1..=2, 4])
}
