//! The characters around and between the digits of a number, and how an error shows a cell.

use crate::domain::punctuation::{self, is_line_end};

/// How much of a cell an error repeats, in characters.
const MOST_QUOTED: usize = 40;

/// A cell in quotes, on one line and cut to a reasonable length.
pub(super) fn quoted(cell: &str) -> String {
    // A terminal would reverse the rest of the sentence.
    let is_blank = |c: char| c.is_control() || is_line_end(c) || is_direction(c);
    let shown = cell.trim().replace(is_blank, " ");
    match shown.char_indices().nth(MOST_QUOTED) {
        Some((cut, _)) => format!("\"{}…\"", &shown[..cut]),
        None => format!("\"{shown}\""),
    }
}

/// A character for an error: itself, or its code where it cannot be seen.
pub(super) fn visible(c: char) -> String {
    if c.is_control() || is_direction(c) || is_ignored(c) {
        format!("U+{:04X}", u32::from(c))
    } else {
        c.to_string()
    }
}

/// White space, or an invisible mark. Address books put U+202D around a number that is copied out of them; between digits it
/// changes nothing.
pub(super) fn is_ignored(c: char) -> bool {
    // U+202E reverses the digits that follow it.
    c.is_whitespace() || (punctuation::is_invisible(c) && c != '\u{202E}')
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

pub(super) fn is_quote(c: char) -> bool {
    matches!(c, '\'' | '"' | '`') || matches!(punctuation::plain(c), Some("'" | "\""))
}

pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '－')
}

/// A digit as ASCII. Chinese and Japanese keyboards write full-width ones.
pub(super) fn digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10),
        _ => None,
    }
}
