//! How the cells of a record are quoted, and whether a lost quote made one record of several rows.

use super::lines::is_line_end;
use crate::domain::header::{looks_like_number, trimmed};

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

/// How this record is quoted.
pub(super) fn quotes_of(record: &[u8], delimiter: u8) -> Quotes {
    let ends_cell = |&byte: &u8| byte == delimiter || is_line_end(byte);
    let mut quotes = Quotes::Correct;
    for (_, after) in quoted_cells(record, delimiter) {
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
pub(super) fn swallow_a_row(record: &[u8], delimiter: u8, columns: usize) -> bool {
    let delimiters = |text: &[u8]| text.split(|&byte| byte == delimiter).count() - 1;
    let looks_like_row = |line: &[u8], after: &[u8]| {
        let within = delimiters(line);
        within > 0
            && within + delimiters(after) + 1 >= columns
            && line.split(|&byte| byte == delimiter).any(is_long_number)
    };
    quoted_cells(record, delimiter).any(|(quoted, after)| {
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

/// For each quoted cell: what follows its opening quote, and what follows its closing quote if there is one.
fn quoted_cells(record: &[u8], delimiter: u8) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    let mut rest = Some(record);
    std::iter::from_fn(move || {
        loop {
            let cell = rest?;
            let quoted = cell.strip_prefix(b"\"");
            let after = quoted.map(after_closing);
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

/// Whether the cell could be a phone number: seven digits or more, and not a date.
fn is_long_number(cell: &[u8]) -> bool {
    let Ok(cell) = std::str::from_utf8(cell) else {
        return false;
    };
    let cell = cell.trim_matches('"');
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
