//! Words of a text, forwards and backwards, and what stands between two of them. It knows no rule.

use std::ops::Range;

/// What separates two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    /// Blanks, or signs that join (`a/c`).
    Plain,
    /// A comma, a colon, a bracket.
    Clause,
    /// The end of a sentence, or letters of another script.
    Sentence,
}

/// Words after which a full stop ends no sentence.
const ABBREVIATIONS: &[&str] = &[
    "no", "nos", "num", "acc", "ac", "tel", "bil", "dr", "en", "pn",
];

/// Whether the word is one of these, in any case.
pub(super) fn is_one_of(word: &str, list: &[&str]) -> bool {
    list.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// The runs of ASCII letters, digits and apostrophes, from the first on, with where they stand.
pub(super) fn words(text: &str) -> Words<'_> {
    Words { text, at: 0 }
}

/// See [`words`].
pub(super) struct Words<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Words<'t> {
    type Item = (Range<usize>, &'t str);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.text.as_bytes()[self.at..];
        let start = self.at + rest.iter().position(|&b| is_word(b))?;
        let rest = &self.text.as_bytes()[start..];
        let length = rest.iter().position(|&b| !is_word(b));
        self.at = length.map_or(self.text.len(), |length| start + length);
        Some((start..self.at, &self.text[start..self.at]))
    }
}

/// The word that ends at or before a place in the text, with where it stands, and what lies between it and the place.
pub(super) fn before(text: &str, place: usize) -> Option<(Range<usize>, &str, Gap)> {
    let bytes = text.as_bytes();
    let end = bytes[..place].iter().rposition(|&b| is_word(b))? + 1;
    let start = bytes[..end]
        .iter()
        .rposition(|&b| !is_word(b))
        .map_or(0, |p| p + 1);
    let word = &text[start..end];
    Some((start..end, word, gap(word, &text[end..place])))
}

/// The word that begins at or after a place in the text, and what lies between.
pub(super) fn after(text: &str, place: usize) -> Option<(Range<usize>, &str, Gap)> {
    let (range, word) = words(&text[place..]).next()?;
    let between = gap("", &text[place..place + range.start]);
    Some((place + range.start..place + range.end, word, between))
}

#[inline]
fn is_word(byte: u8) -> bool {
    /// A look-up beats four comparisons: every byte of every text comes here.
    const WORD: [bool; 256] = {
        let mut word = [false; 256];
        let mut byte = 0_u8;
        loop {
            word[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'\'';
            if byte == u8::MAX {
                break;
            }
            byte += 1;
        }
        word
    };
    WORD[usize::from(byte)]
}

fn gap(word: &str, between: &str) -> Gap {
    let mut widest = Gap::Plain;
    let mut last = ' ';
    for c in between.chars() {
        let this = match c {
            '.' if is_one_of(word, ABBREVIATIONS) || is_list_number(word) => Gap::Plain,
            '.' | '!' | '?' | ';' | '。' | '！' | '？' | '；' => Gap::Sentence,
            // After a colon or a comma the sentence goes on in the next line.
            '\n' if matches!(last, ':' | ',' | '：' | '，') => Gap::Clause,
            '\n' => Gap::Sentence,
            ',' | ':' | '(' | ')' | '，' | '：' | '（' | '）' | '、' => Gap::Clause,
            '’' | '\u{a0}' => Gap::Plain,
            _ if c.is_alphabetic() => Gap::Sentence,
            _ => Gap::Plain,
        };
        widest = widest.max(this);
        if !c.is_whitespace() {
            last = c;
        }
    }
    widest
}

/// `1.` in front of the lines of a list.
fn is_list_number(word: &str) -> bool {
    word.len() <= 2 && word.bytes().all(|b| b.is_ascii_digit())
}
