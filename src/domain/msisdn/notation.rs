//! How people and spreadsheets write a phone number: which characters of a cell are its digits. It does not
//! know which numbers exist.

use std::borrow::Cow;
use std::fmt;

use super::{Dialled, NumberErrorKind};
use crate::domain::punctuation;
use crate::domain::sheet_error::{self, SheetError};

/// E.164 allows 15 digits. What is longer is several numbers or none; which of them is told up to here.
const MAX_DIGITS: usize = 40;

/// How much of a cell a sentence repeats, in characters.
const QUOTED: usize = 40;

/// From how many digits on something is a number rather than a part of one.
const ENOUGH_DIGITS: usize = 7;

/// What people and programs write where there is no number, in lower case.
const PLACEHOLDERS: &[&str] = &[
    "n/a",
    "n.a",
    "n.a.",
    "na",
    "nan",
    "nil",
    "no number",
    "no phone",
    "none",
    "null",
    "tak ada",
    "takde",
    "tba",
    "tbc",
    "tiada",
    "tidak ada",
    "unknown",
    "无",
    "無",
    "没有",
];

/// What some exports put in front of a number: the scheme of a link, and the `p:` of Facebook's lead forms.
const SCHEMES: &[&str] = &["tel:", "p:"];

/// The digits that a cell holds, and whether they begin with a country code.
pub(super) fn dialled(cell: &str) -> Result<Dialled, NumberErrorKind> {
    // Nearly every cell.
    if (1..=MAX_DIGITS).contains(&cell.len()) && cell.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(Dialled::new(format!("+{cell}"), false));
    }
    let written = peeled(cell);
    if let Some(flaw) = no_number(written) {
        return Err(flaw);
    }
    if let Some(digits) = out_of_exponent(written) {
        return digits.map(|digits| Dialled::new(format!("+{digits}"), false));
    }
    let plain = without_thousands(written);
    let dialled = collect(without_zero_decimals(&plain)?)?;
    Ok(if is_grouped_as_card(&plain) {
        dialled.grouped_as_card()
    } else {
        dialled
    })
}

/// A cell in quotes for a sentence, on one line and cut to a sane length.
pub(super) fn quoted(cell: &str) -> String {
    let mut quoted = String::from("\"");
    for (position, c) in cell.trim().chars().enumerate() {
        if position == QUOTED {
            quoted.push('…');
            break;
        }
        // A terminal would turn the rest of the sentence around.
        let blank = c.is_control() || is_line_end(c) || is_direction(c);
        quoted.push(if blank { ' ' } else { c });
    }
    quoted.push('"');
    quoted
}

/// A character as a sentence shows it: itself, or its code where it cannot be seen.
pub(super) struct Shown(pub(super) char);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(c) = *self;
        if c.is_control() || is_direction(c) || is_nothing(c) {
            write!(f, "U+{:04X}", u32::from(c))
        } else {
            write!(f, "{c}")
        }
    }
}

/// The cell without what stands around a number: white space, invisible marks, the apostrophe that makes a
/// spreadsheet keep a zero, the `="..."` of some exports, quotes, `tel:`, and what parts it from a neighbour.
fn peeled(cell: &str) -> &str {
    let around = |c| is_nothing(c) || is_quote(c);
    let bare = cell.trim_matches(around);
    let bare = bare.strip_prefix('=').unwrap_or(bare).trim_matches(around);
    let scheme = SCHEMES.iter().find(|scheme| {
        bare.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    bare[scheme.map_or(0, |scheme| scheme.len())..]
        .trim_matches(|c| is_nothing(c) || matches!(c, ',' | ';'))
}

/// White space, or a mark that takes no room. U+202D is what address books put around a number that is
/// copied out of them; between digits it changes nothing.
fn is_nothing(c: char) -> bool {
    // But for the mark that turns the digits behind it around.
    c.is_whitespace() || (punctuation::is_invisible(c) && c != '\u{202E}')
}

fn is_quote(c: char) -> bool {
    matches!(c, '\'' | '"' | '`') || matches!(punctuation::plain(c), Some("'" | "\""))
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// What to say of a cell that was never meant to hold a number.
fn no_number(written: &str) -> Option<NumberErrorKind> {
    let is_one_of = |known: &[&str]| {
        known
            .iter()
            .any(|known| written.to_lowercase() == known.to_lowercase())
    };
    if written.is_empty() {
        Some(NumberErrorKind::Blank)
    } else if let Some(error) = sheet_error::of_cell(written) {
        Some(match error {
            SheetError::Formula => NumberErrorKind::SheetError,
            SheetError::TooWide => NumberErrorKind::TooWide,
        })
    } else if written
        .chars()
        .all(|c| is_dash(c) || matches!(c, '.' | '?' | '*' | '/' | '_' | '~' | 'x' | 'X'))
        || is_one_of(PLACEHOLDERS)
    {
        Some(NumberErrorKind::Placeholder)
    } else {
        None
    }
}

/// The digits of `6.0123456789E+10`, if it is written like that, and if all of them are there.
fn out_of_exponent(written: &str) -> Option<Result<String, NumberErrorKind>> {
    let (mantissa, exponent) = written.split_once(['E', 'e'])?;
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    // No program writes the mantissa with a zero in front: it would be a trunk zero that nobody wrote.
    if whole.is_empty()
        || whole.starts_with('0')
        || exponent.is_empty()
        || !(is_number(whole) && is_number(fraction) && is_number(exponent))
    {
        return None;
    }
    let places = exponent.parse().unwrap_or(usize::MAX);
    Some(match fraction.split_at_checked(places) {
        Some((kept, rest))
            if rest.bytes().all(|b| b == b'0') && whole.len() + kept.len() <= MAX_DIGITS =>
        {
            Ok(format!("{whole}{kept}"))
        }
        _ => Err(NumberErrorKind::Rounded),
    })
}

/// `60,123,456,789` without its commas, where they stand as a spreadsheet sets them. Numbers in a list are
/// longer than three digits.
fn without_thousands(written: &str) -> Cow<'_, str> {
    let whole = written.split('.').next().unwrap_or_default();
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let grouped = whole.len() > first.len()
        && (1..=3).contains(&first.len())
        && is_number(first)
        && !first.starts_with('0')
        && groups.all(|group| group.len() == 3 && is_number(group));
    if grouped {
        Cow::Owned(written.replace(',', ""))
    } else {
        Cow::Borrowed(written)
    }
}

/// The cell without the `.0` or `.00` of a number that went through a floating-point column or has a format with
/// decimals. A single dot between digits, other than behind an area code, is a decimal point.
fn without_zero_decimals(written: &str) -> Result<&str, NumberErrorKind> {
    let Some((whole, decimals)) = written.split_once('.') else {
        return Ok(written);
    };
    let digits = whole.strip_prefix('+').unwrap_or(whole);
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !plain(digits) || !plain(decimals) || (2..ENOUGH_DIGITS).contains(&digits.len()) {
        return Ok(written);
    }
    if decimals.bytes().all(|b| b == b'0') {
        Ok(whole)
    } else {
        Err(NumberErrorKind::Decimals)
    }
}

/// Whether it is written like `900101-14-5567`.
fn is_grouped_as_card(written: &str) -> bool {
    written.len() == 14
        && written
            .bytes()
            .enumerate()
            .all(|(position, b)| match position {
                6 | 9 => matches!(b, b'-' | b' '),
                _ => b.is_ascii_digit(),
            })
}

/// The digits among the characters that numbers are usually grouped with.
fn collect(written: &str) -> Result<Dialled, NumberErrorKind> {
    if let Some(start) = written.find(char::is_alphabetic) {
        return Err(about_letters(written, start));
    }
    let mut digits = String::with_capacity(MAX_DIGITS + 1);
    digits.push('+');
    let mut international = false;
    // How many digits stood before the last bracket that opened.
    let mut before_bracket = 0;
    let mut after_bracket = None;
    for (position, c) in written.char_indices() {
        let count = digits.len() - 1;
        match c {
            _ if digit(c).is_some() => {
                digits.extend(digit(c));
                after_bracket = None;
            }
            '+' | '＋' if !international && count == 0 => international = true,
            '+' | '＋' if count < ENOUGH_DIGITS => return Err(NumberErrorKind::StrayPlus),
            '+' | '＋' => return Err(NumberErrorKind::Several),
            '/' | ',' | ';' | '&' | '|' | '／' | '，' | '；' | '、' | '＆' => {
                return Err(NumberErrorKind::Several);
            }
            _ if is_line_end(c) => return Err(NumberErrorKind::Several),
            '#' if count > 0 && written[position..].chars().any(|c| digit(c).is_some()) => {
                return Err(NumberErrorKind::Extension);
            }
            _ if is_dash(c) || matches!(c, '.' | '．') => {
                if count == 0 && is_dash(c) && !international {
                    return Err(NumberErrorKind::Dash);
                }
                if count == 0 {
                    return Err(NumberErrorKind::Stray(c));
                }
            }
            '(' | '（' => before_bracket = count,
            ')' | '）' => after_bracket = Some(before_bracket),
            _ if is_nothing(c) => {}
            _ if c.is_numeric() => return Err(NumberErrorKind::OtherDigits),
            _ => return Err(NumberErrorKind::Stray(c)),
        }
    }
    // `012-345678 (9)`: a note behind the number, which is not for us to add to it.
    if after_bracket.is_some_and(|before| before > 0) {
        return Err(NumberErrorKind::Several);
    }
    match digits.len() - 1 {
        0 => Err(NumberErrorKind::NoDigits),
        1..=MAX_DIGITS => Ok(Dialled::new(digits, international)),
        _ => Err(NumberErrorKind::TooLong),
    }
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '－')
}

/// A digit as ASCII; Chinese and Japanese keyboards write full-width ones.
pub(super) fn digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10),
        _ => None,
    }
}

/// The flaw of a cell with letters, the first of which is at `start`.
fn about_letters(written: &str, start: usize) -> NumberErrorKind {
    let (before, after) = written.split_at(start);
    if is_extension(before, after) {
        return NumberErrorKind::Extension;
    }
    let stands_for = |letter| match letter {
        'O' | 'o' => Some('0'),
        'I' | 'l' => Some('1'),
        _ => None,
    };
    let mut letters = written.chars().filter(|c| c.is_alphabetic());
    let digits = written.chars().filter_map(digit).count();
    match after.chars().next() {
        Some(letter)
            if digits >= ENOUGH_DIGITS && letters.all(|letter| stands_for(letter).is_some()) =>
        {
            match stands_for(letter) {
                Some(digit) => NumberErrorKind::LetterForDigit { letter, digit },
                None => NumberErrorKind::Letters,
            }
        }
        _ => NumberErrorKind::Letters,
    }
}

/// Whether letters and what follows them name an extension of the number before them, in English or Malay.
fn is_extension(before: &str, after: &str) -> bool {
    let word_end = after
        .find(|c: char| !c.is_alphabetic())
        .unwrap_or(after.len());
    let (word, rest) = after.split_at(word_end);
    before.chars().filter_map(digit).count() >= 5
        && ["x", "ext", "extn", "extension", "samb", "sambungan"]
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known))
        && rest.chars().any(|c| c.is_ascii_digit())
        && !rest.contains(char::is_alphabetic)
}
