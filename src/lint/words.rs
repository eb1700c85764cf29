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

/// The first two letters of the words of some lists, in any case: hardly any word of an honest text begins like one of them.
pub(super) struct Beginnings([u8; 1 << 10]);

impl Beginnings {
    /// The words, of two ASCII letters or more, each with the bits of its list.
    pub(super) const fn of<const N: usize>(lists: [(u8, &[&str]); N]) -> Self {
        let mut pairs = [0; 1 << 10];
        let mut list = 0;
        while list < N {
            let (bits, words) = lists[list];
            let mut i = 0;
            while i < words.len() {
                let word = words[i].as_bytes();
                pairs[Self::pair(word[0], word[1])] |= bits;
                i += 1;
            }
            list += 1;
        }
        Self(pairs)
    }

    /// Capitals and small letters have the same five bits. So have other signs, so this is no proof.
    const fn pair(first: u8, second: u8) -> usize {
        ((first & 31) as usize) << 5 | (second & 31) as usize
    }

    /// The bits of the lists of which a word may be in the text. Many times as fast as looking at every word.
    pub(super) fn in_text(&self, text: &str) -> u8 {
        self.marks(text).fold(0, |found, bits| found | bits)
    }

    /// The words of a text that may be of a list with these bits, with where they stand.
    pub(super) fn words<'t>(
        &'static self,
        text: &'t str,
        list: u8,
    ) -> impl Iterator<Item = (Range<usize>, &'t str)> {
        let marks = self.marks(text).enumerate();
        let starts = marks.filter(move |(_, bits)| bits & list != 0);
        starts.filter_map(|(start, _)| {
            let (range, word) = words(text.get(start..)?).next()?;
            (range.start == 0).then_some((start..start + range.end, word))
        })
    }

    /// For each byte the bits of the lists of which a word may begin there. Without a branch, of which processors foresee too few here.
    fn marks<'t>(&self, text: &'t str) -> impl Iterator<Item = u8> + use<'_, 't> {
        let mut after_word = 0;
        text.as_bytes().windows(2).map(move |pair| {
            let bits = self.0[Self::pair(pair[0], pair[1])] & !after_word;
            after_word = u8::from(is_word(pair[0])).wrapping_neg();
            bits
        })
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
    /// A look-up beats four comparisons: many a byte comes here.
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
