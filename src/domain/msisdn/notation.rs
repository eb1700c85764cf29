//! How people and spreadsheets write a phone number: which characters of a cell are its digits.

use std::borrow::Cow;

use super::characters::{digit, is_dash, is_ignored, is_quote};
use super::error::NumberErrorKind;
use crate::domain::cell::shown;
use crate::domain::punctuation::is_line_end;
use crate::domain::sheet_error::{self, SheetError};

/// E.164 allows 15 digits. Up to this length the error says whether these are several numbers or none.
const MAX_DIGITS: usize = 40;

/// With fewer digits it is part of a number.
const MIN_DIGITS: usize = 7;

/// What people and programs write where there is no number, in lower case.
#[rustfmt::skip]
const PLACEHOLDERS: &[&str] = &[
    "n/a", "n.a", "n.a.", "na", "nan", "nil", "no number", "no phone", "none", "null", "tak ada", "takde",
    "tba", "tbc", "tiada", "tidak ada", "unknown", "无", "無", "没有",
];

/// What some exports put in front of a number: the scheme of a link, and the `p:` of Facebook's lead forms.
const SCHEMES: &[&str] = &["tel:", "p:"];

/// The digits of a cell as they would be dialled.
pub(super) struct Dialled {
    /// Always with a `+` in front, so that they can be read with or without it.
    pub(super) plus_and_digits: String,
    /// Whether the `+` was written. Then the digits begin with a calling code.
    pub(super) international: bool,
    /// Whether they are grouped like the number of an identity card.
    pub(super) grouped_as_card: bool,
}

impl Dialled {
    /// ASCII digits, as they stand.
    pub(super) fn plain(digits: &str) -> Self {
        Self {
            plus_and_digits: format!("+{digits}"),
            international: false,
            grouped_as_card: false,
        }
    }

    pub(super) fn digits(&self) -> &str {
        &self.plus_and_digits[1..]
    }
}

/// The digits that a cell holds, and whether they begin with a calling code.
pub(super) fn dialled(cell: &str) -> Result<Dialled, NumberErrorKind> {
    let written = without_wrapping(cell);
    if let Some(error) = not_a_number(written) {
        return Err(error);
    }
    if let Some(digits) = from_exponent(written) {
        return digits.map(|digits| Dialled::plain(&digits));
    }
    let written = without_thousands(written);
    let digits = collect_digits(without_zero_decimals(&written)?)?;
    Ok(Dialled {
        grouped_as_card: is_grouped_as_card(&written),
        ..digits
    })
}

/// The cell as [`shown`], and without what else surrounds a number and can never be part of it: quotes of any kind, a lone `=`,
/// `tel:`, and the separator of a list.
fn without_wrapping(cell: &str) -> &str {
    let around = |c| is_ignored(c) || is_quote(c);
    let bare = shown(cell).trim_matches(around);
    let bare = bare.strip_prefix('=').unwrap_or(bare).trim_matches(around);
    let scheme = SCHEMES.iter().find(|scheme| {
        bare.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    bare[scheme.map_or(0, |scheme| scheme.len())..]
        .trim_matches(|c| is_ignored(c) || matches!(c, ',' | ';'))
}

/// The error of a cell that was never meant to hold a number.
fn not_a_number(written: &str) -> Option<NumberErrorKind> {
    if written.is_empty() {
        return Some(NumberErrorKind::Blank);
    }
    match sheet_error::of_cell(written) {
        Some(SheetError::Formula) => return Some(NumberErrorKind::SheetError),
        Some(SheetError::TooWide) => return Some(NumberErrorKind::TooWide),
        Some(SheetError::NotCalculated) => return Some(NumberErrorKind::NotCalculated),
        Some(SheetError::Merged) => return Some(NumberErrorKind::Merged),
        // A number with all of its digits is read although it is written with an exponent.
        Some(SheetError::Rounded | SheetError::FormulaText | SheetError::Apostrophe) | None => {}
    }
    let is_filler = |c| is_dash(c) || matches!(c, '.' | '?' | '*' | '/' | '_' | '~' | 'x' | 'X');
    let is_placeholder =
        written.chars().all(is_filler) || PLACEHOLDERS.contains(&written.to_lowercase().as_str());
    is_placeholder.then_some(NumberErrorKind::Placeholder)
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// The digits of `6.0123456789E+10`, if it is written like that. An error where some of them are missing.
fn from_exponent(written: &str) -> Option<Result<String, NumberErrorKind>> {
    let (mantissa, exponent) = written.split_once(['E', 'e'])?;
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    // No program writes a mantissa with a zero in front: that would be read as a trunk zero.
    if whole.is_empty()
        || whole.starts_with('0')
        || exponent.is_empty()
        || ![whole, fraction, exponent].into_iter().all(is_number)
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

/// `60,123,456,789` without its commas, where they separate thousands. The numbers of a list are longer than three digits.
fn without_thousands(written: &str) -> Cow<'_, str> {
    let whole = written.split('.').next().unwrap_or_default();
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
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

/// The cell without the `.0` or `.00` of a number that went through a floating-point column or has a format with decimals. A single
/// dot between digits is a decimal point, unless it follows an area code.
fn without_zero_decimals(written: &str) -> Result<&str, NumberErrorKind> {
    let Some((whole, decimals)) = written.split_once('.') else {
        return Ok(written);
    };
    let digits = whole.strip_prefix('+').unwrap_or(whole);
    let is_decimal = ![digits, decimals].contains(&"")
        && is_number(digits)
        && is_number(decimals)
        && !(2..MIN_DIGITS).contains(&digits.len());
    match is_decimal {
        false => Ok(written),
        true if decimals.bytes().all(|b| b == b'0') => Ok(whole),
        true => Err(NumberErrorKind::Decimals),
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
fn collect_digits(written: &str) -> Result<Dialled, NumberErrorKind> {
    if let Some(start) = written.find(char::is_alphabetic) {
        return Err(letters_error(written, start));
    }
    let mut digits = String::with_capacity(MAX_DIGITS);
    let mut international = false;
    // How many digits stood before the last bracket that opened.
    let mut before_bracket = 0;
    let mut after_bracket = None;
    for (position, c) in written.char_indices() {
        if let Some(digit) = digit(c) {
            digits.push(digit);
            after_bracket = None;
            continue;
        }
        match c {
            '+' | '＋' if digits.is_empty() && !international => international = true,
            '(' | '（' => before_bracket = digits.len(),
            ')' | '）' => after_bracket = Some(before_bracket),
            '.' | '．' if !digits.is_empty() => {}
            _ if is_dash(c) && !digits.is_empty() => {}
            _ if is_ignored(c) && !is_line_end(c) => {}
            _ if is_dash(c) && !international => return Err(NumberErrorKind::Dash),
            _ => return Err(character_error(c, digits.len(), &written[position..])),
        }
    }
    // `012-345678 (9)`: a note behind the number, which is not ours to append.
    if after_bracket.is_some_and(|before| before > 0) {
        return Err(NumberErrorKind::Several);
    }
    match digits.len() {
        0 => Err(NumberErrorKind::NoDigits),
        1..=MAX_DIGITS => Ok(Dialled {
            international,
            ..Dialled::plain(&digits)
        }),
        _ => Err(NumberErrorKind::TooLong),
    }
}

/// The error of a character that does not belong behind `count` digits. `rest` begins with it.
fn character_error(c: char, count: usize, rest: &str) -> NumberErrorKind {
    match c {
        '+' | '＋' if count < MIN_DIGITS => NumberErrorKind::StrayPlus,
        '+' | '＋' | '/' | ',' | ';' | '&' | '|' | '／' | '，' | '；' | '、' | '＆' => {
            NumberErrorKind::Several
        }
        _ if is_line_end(c) => NumberErrorKind::Several,
        // Google Contacts puts ` ::: ` between the numbers of one person.
        ':' if count >= MIN_DIGITS && count_digits(rest) >= MIN_DIGITS => NumberErrorKind::Several,
        '#' if count > 0 && rest.chars().any(|c| digit(c).is_some()) => NumberErrorKind::Extension,
        _ if c.is_numeric() => NumberErrorKind::OtherDigits,
        _ => NumberErrorKind::Stray(c),
    }
}

/// The error of a cell with letters, the first of which is at `start`.
fn letters_error(written: &str, start: usize) -> NumberErrorKind {
    let (before, after) = written.split_at(start);
    if is_extension(before, after) {
        return NumberErrorKind::Extension;
    }
    let lookalike = |letter| match letter {
        'O' | 'o' => Some('0'),
        'I' | 'l' => Some('1'),
        _ => None,
    };
    let mut letters = after.chars().filter(|c| c.is_alphabetic());
    let only_lookalikes = letters.clone().all(|letter| lookalike(letter).is_some());
    let first = letters
        .next()
        .and_then(|letter| Some((letter, lookalike(letter)?)));
    match first {
        Some((letter, digit)) if only_lookalikes && count_digits(written) >= MIN_DIGITS => {
            NumberErrorKind::LetterForDigit { letter, digit }
        }
        _ => NumberErrorKind::Letters,
    }
}

fn count_digits(text: &str) -> usize {
    text.chars().filter(|&c| digit(c).is_some()).count()
}

/// Whether letters and what follows them name an extension of the number before them, in English or Malay.
fn is_extension(before: &str, after: &str) -> bool {
    let word_end = after
        .find(|c: char| !c.is_alphabetic())
        .unwrap_or(after.len());
    let (word, rest) = after.split_at(word_end);
    count_digits(before) >= 5
        && ["x", "ext", "extn", "extension", "samb", "sambungan"]
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known))
        && rest.chars().any(|c| c.is_ascii_digit())
        && !rest.contains(char::is_alphabetic)
}
