//! Lists of words and phrases as parts of regular expressions, and sentences.

use regex::{Error, Regex};

/// A character of a word.
const LETTER: &str = "[0-9A-Za-z'’]";

/// A character between two words. Chinese is no gap: what is said in it comes between.
const GAP: &str = "[^0-9A-Za-z'’\u{3000}-\u{9fff}]";

/// The pattern of any of these phrases as whole words, in capitals or not. A blank in a phrase stands for one or two
/// characters between two words: `no akaun` also matches `No. akaun`.
pub(super) fn any_of(phrases: &[&str]) -> String {
    let pattern = phrases.join("|").replace(' ', "[ .:/-]{1,2}");
    format!(r"(?-u:\b)(?i:{pattern})(?-u:\b)")
}

/// The pattern of any of these strings as they are written, wherever they stand.
pub(super) fn any_part_of(parts: &[&str]) -> String {
    format!("(?:{})", parts.join("|"))
}

/// The pattern of at most this many words and the gaps around them, at the end of a text.
pub(super) fn then_at_most(words: usize) -> String {
    format!("(?:{GAP}+{LETTER}+){{0,{words}}}{GAP}*$")
}

/// Finds the ends of sentences (`end`), and what only looks like one: a full stop after an abbreviation or the number of a list's
/// line, and a line end after a colon or a comma.
pub(super) fn sentence_end() -> Result<Regex, Error> {
    Regex::new(
        r"(?-u:\b)(?i:no|nos|num|acc|ac|tel|bil|dr|en|pn|[0-9]{1,2})\.|[:,]\s*\n|(?<end>[.!?;。\n])",
    )
}

/// What stands before this place in its sentence.
pub(super) fn before<'t>(sentence_end: &Regex, text: &'t str, place: usize) -> &'t str {
    let lead = &text[..place];
    let ends = sentence_end.captures_iter(lead);
    let last = ends.filter_map(|end| end.name("end")).last();
    &lead[last.map_or(0, |end| end.end())..]
}
