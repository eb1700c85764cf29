//! How people and spreadsheets write a phone number: which characters of a cell are its digits. It does not
//! know which numbers exist.

use super::msisdn::{Dialled, NumberFlaw};
use super::punctuation;

/// E.164 allows 15 digits; a prefix such as 00 or a repeated trunk 0 may stand before them. Beyond this,
/// counting is enough.
const MAX_DIGITS: usize = 20;

/// How much of a cell a sentence repeats, in characters.
const QUOTED: usize = 40;

/// The digits that a cell holds, and whether they begin with a country code.
pub(super) fn dialled(cell: &str) -> Result<Dialled, NumberFlaw> {
    // Nearly every cell.
    if (1..=MAX_DIGITS).contains(&cell.len()) && cell.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(Dialled::new(format!("+{cell}"), false));
    }
    let written = peeled(cell);
    if written.is_empty() {
        return Err(NumberFlaw::Blank);
    }
    if let Some(digits) = out_of_exponent(written) {
        return digits.map(|digits| Dialled::new(format!("+{digits}"), false));
    }
    collect(without_fraction(written)?)
}

/// A cell in quotes for a sentence, on one line and cut to a sane length.
pub(super) fn quoted(cell: &str) -> String {
    let mut quoted = String::from("\"");
    for (position, c) in cell.trim().chars().enumerate() {
        if position == QUOTED {
            quoted.push('…');
            break;
        }
        quoted.push(if c.is_control() { ' ' } else { c });
    }
    quoted.push('"');
    quoted
}

/// The cell without what stands around a number: white space, invisible marks, the apostrophe that makes a
/// spreadsheet keep a zero, the `="..."` of some exports, quotes, `tel:`.
fn peeled(cell: &str) -> &str {
    let bare = cell.trim_matches(is_nothing);
    let bare = bare
        .strip_prefix('=')
        .filter(|formula| formula.starts_with('"'))
        .unwrap_or(bare);
    let bare = bare.trim_matches(|c| is_nothing(c) || matches!(c, '\'' | '"' | '‘' | '’' | '`'));
    let bare = match bare.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => &bare[4..],
        _ => bare,
    };
    bare.trim_matches(is_nothing).trim_end_matches([',', ';'])
}

/// White space, or a mark that takes no room. U+202D is what address books put around a number that is
/// copied out of them; between digits it changes nothing.
fn is_nothing(c: char) -> bool {
    c.is_whitespace() || c == '\u{202D}' || punctuation::is_invisible(c)
}

/// The digits of `6.0123456789E+10`, if it is written like that, and if all of them are there.
fn out_of_exponent(written: &str) -> Option<Result<String, NumberFlaw>> {
    let (mantissa, exponent) = written.split_once(['E', 'e'])?;
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty()
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
        _ => Err(NumberFlaw::Rounded),
    })
}

/// The cell without the `.0` of a number that went through a floating-point column. A single dot between
/// digits, other than behind an area code, is a fraction: any other one is no part of a phone number.
fn without_fraction(written: &str) -> Result<&str, NumberFlaw> {
    let Some((whole, fraction)) = written.split_once('.') else {
        return Ok(written);
    };
    let digits = whole.strip_prefix('+').unwrap_or(whole);
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !plain(digits) || !plain(fraction) || (2..=6).contains(&digits.len()) {
        return Ok(written);
    }
    if fraction == "0" {
        Ok(whole)
    } else {
        Err(NumberFlaw::Unreadable)
    }
}

/// The digits among the characters that numbers are usually grouped with.
fn collect(written: &str) -> Result<Dialled, NumberFlaw> {
    if let Some(start) = written.find(char::is_alphabetic) {
        let (before, after) = written.split_at(start);
        return Err(if is_extension(before, after) {
            NumberFlaw::Extension
        } else {
            NumberFlaw::Letters
        });
    }
    let mut digits = String::with_capacity(MAX_DIGITS + 1);
    digits.push('+');
    let mut international = false;
    for c in written.chars() {
        match c {
            _ if digit(c).is_some() => digits.extend(digit(c)),
            '+' | '＋' if digits.len() > 1 => return Err(NumberFlaw::Several),
            '+' | '＋' if !international => international = true,
            '/' | ',' | ';' | '&' | '|' | '\n' | '\r' | '／' | '，' | '；' | '、' | '＆' => {
                return Err(NumberFlaw::Several);
            }
            '#' if digits.len() > 1 => return Err(NumberFlaw::Extension),
            // A dash in front would make it a negative number.
            '-' | '.' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '－' | '．' if digits.len() > 1 => {
            }
            '(' | ')' | '（' | '）' => {}
            _ if is_nothing(c) => {}
            _ => return Err(NumberFlaw::Unreadable),
        }
    }
    match digits.len() - 1 {
        0 => Err(NumberFlaw::Unreadable),
        1..=MAX_DIGITS => Ok(Dialled::new(digits, international)),
        _ => Err(NumberFlaw::TooLong),
    }
}

/// A digit as ASCII; Chinese and Japanese keyboards write full-width ones.
fn digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10),
        _ => None,
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
