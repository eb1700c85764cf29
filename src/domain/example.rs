//! Rows that show what a finding of a plan is about.

use serde::{Deserialize, Serialize};

use super::place::Place;

/// A row that shows what is meant, so that a person can judge it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The row or the cell, and the first others with the same.
    pub places: Vec<Place>,
    /// The header of the cell's column, if a cell is meant.
    pub column: Option<String>,
    /// What stands in the cell, or the part of the text.
    pub excerpt: String,
    /// The text as it would go out, as far as a person needs it; none where the row cannot be sent.
    pub text: Option<String>,
}

/// A number that gets more than one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeveralTo {
    /// The number.
    pub number: String,
    /// The first of its messages: where each row is, and the beginning of its text.
    pub messages: Vec<(Place, String)>,
}

/// The most characters of a text in an example: about what one message holds.
const LONGEST: usize = 160;

/// The text, or what stands around the excerpt where it is long.
#[must_use]
pub fn around(text: &str, excerpt: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST {
        return text.to_owned();
    }
    let known = excerpt.trim_end_matches('…');
    let at = text.find(known).unwrap_or_default();
    let before = text[..at].chars().count();
    let room = LONGEST.saturating_sub(known.chars().count()) / 2;
    let start = before.saturating_sub(room).min(length - LONGEST);
    let shown: String = text.chars().skip(start).take(LONGEST).collect();
    let (left, right) = (start > 0, start + LONGEST < length);
    let sign = |cut: bool| if cut { "…" } else { "" };
    format!("{}{shown}{}", sign(left), sign(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_around_what_it_is_shown_for() {
        let (a, b) = ("a".repeat(300), "b".repeat(300));
        assert_eq!(around("short", "or"), "short");
        let (left, right) = ("a".repeat(77), "b".repeat(78));
        assert_eq!(
            around(&format!("{a}-[x]-{b}"), "[x]"),
            format!("…{}-[x]-{right}…", "a".repeat(77))
        );
        assert_eq!(left.len(), 77);
        assert_eq!(
            around(&format!("[x]{b}"), "[x]"),
            format!("[x]{}…", "b".repeat(157))
        );
        assert_eq!(
            around(&format!("{a}[x]"), "[x]"),
            format!("…{}[x]", "a".repeat(157))
        );
        assert_eq!(around(&a, "not there"), format!("{}…", "a".repeat(160)));
        assert_eq!(
            around(&"姓".repeat(161), "姓"),
            format!("{}…", "姓".repeat(160))
        );
    }
}
