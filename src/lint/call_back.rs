//! Telephone numbers in a text: the shapes in which Malaysian numbers are written. It does not know which exist.

use std::ops::Range;

use super::words::{self, Gap, is_one_of};
use crate::domain::msisdn;

/// Words before digits that say: call this.
#[rustfmt::skip]
const CALL_WORDS: &[&str] = &[
    "call", "careline", "contact", "dial", "dail", "fax", "faks", "handphone", "helpline", "hotline", "hp",
    "hubungi", "line", "mobile", "phone", "ring", "sms", "talian", "tel", "telefon", "telephone", "text",
    "wa", "wasap", "whatsapp", "ws",
];
const CHINESE_CALL_WORDS: &[&str] = &[
    "致电", "致電", "电话", "電話", "联系", "聯繫", "联络", "聯絡", "拨打", "撥打", "热线", "熱線",
    "手机", "手機", "客服",
];

/// Words before digits that say: this is no telephone number.
#[rustfmt::skip]
const REFERENCE_WORDS: &[&str] = &[
    "ac", "acc", "account", "akaun", "awb", "bil", "bill", "booking", "code", "id", "inv", "invoice",
    "invois", "kod", "member", "ahli", "no", "number", "nombor", "order", "otp", "parcel", "pesanan", "pin",
    "policy", "polisi", "receipt", "ref", "reference", "resit", "rm", "rujukan", "tac", "tempahan",
    "tracking", "voucher", "baucar",
];
const CHINESE_REFERENCE_WORDS: &[&str] = &[
    "单号",
    "單號",
    "编号",
    "編號",
    "账号",
    "賬號",
    "户口",
    "戶口",
    "订单",
    "訂單",
    "验证码",
    "卡号",
];

/// How far before a number such a word may stand.
const REACH: usize = 4;

/// Whether a number may begin anywhere in a text. It looks at many places at once, and is no proof.
pub(super) fn may_be_in(text: &[u8]) -> bool {
    let begins = |[before_last, last, byte, next]: [u8; 4]| {
        // 0xEF is the first byte of full-width digits.
        let first = matches!(byte, b'0' | b'1' | b'6' | b'+' | b'(' | 0xEF);
        let goes_on =
            matches!(next, b'0'..=b'9' | b' ' | b'-' | b'.' | b'(' | b')' | b'+' | 0x80..);
        // `12.50`
        let is_decimal = u8::from(last == b'.') & u8::from(before_last.is_ascii_digit());
        u8::from(first) & u8::from(goes_on) & u8::from(!is_bar(last)) & (1 - is_decimal)
    };
    let within = text.windows(4).fold(0, |any, bytes| {
        any | begins([bytes[0], bytes[1], bytes[2], bytes[3]])
    });
    let at_the_beginning = match text {
        [first, second, third, ..] => {
            begins([b' ', b' ', *first, *second]) | begins([b' ', *first, *second, *third])
        }
        _ => 0,
    };
    within | at_the_beginning != 0
}

/// What no number stands right behind, as it is the middle of a code, a date or an amount then.
fn is_bar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'#' | b'*' | b',' | b'+' | b'_' | b'$' | b'%' | b'='
        )
}

/// The first telephone number in the text.
pub(super) fn find(text: &str) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let may_begin = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'(' | 0xEF);
    let mut at = 0;
    while let Some(skipped) = bytes[at..].iter().position(may_begin) {
        at += skipped;
        if let Some(end) = number_at(text, at) {
            // `(03) 1234 5678` begins with its bracket, `(012-345 6789)` within.
            let around = text[at..].starts_with('(') && !text[at..end].contains(')');
            return Some(at + usize::from(around)..end);
        }
        at = after_digits(text, at).max(at + 1);
    }
    None
}

/// Where the telephone number that begins here ends.
fn number_at(text: &str, start: usize) -> Option<usize> {
    // With which digits Malaysian numbers begin, if nothing stands before them.
    let may_begin = match digit(text, start) {
        Some((digit, _)) => matches!(digit, b'0' | b'1' | b'6'),
        None => text.as_bytes()[start].is_ascii(),
    };
    if !may_begin || !stands_alone(text, start) {
        return None;
    }
    Written::read(text, start)?.number(text, start)
}

/// A digit at this place, and how many bytes it takes; Chinese keyboards write full-width ones.
fn digit(text: &str, at: usize) -> Option<(u8, usize)> {
    match *text.as_bytes().get(at..)? {
        [b @ b'0'..=b'9', ..] => Some((b, 1)),
        [0xEF, 0xBC, b @ 0x90..=0x99, ..] => Some((b - 0x90 + b'0', 3)),
        _ => None,
    }
}

fn after_digits(text: &str, mut at: usize) -> usize {
    while let Some((_, length)) = digit(text, at) {
        at += length;
    }
    at
}

/// Whether what stands before a place lets a number begin there: not the middle of a code, a date or an amount.
fn stands_alone(text: &str, at: usize) -> bool {
    let mut before = text[..at].chars().rev();
    match before.next() {
        // `Tel.03-1234 5678`
        Some('.') => before.next().is_some_and(char::is_alphabetic),
        // `WhatsApp/0123456789`, but not `wa.me/60123456789`
        Some('/') => {
            words::before(text, at).is_some_and(|(_, word, _)| is_one_of(word, CALL_WORDS))
        }
        Some(c) => !(u8::try_from(c).is_ok_and(is_bar) || c.is_numeric()),
        None => true,
    }
}

/// How much a shape proves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// Nothing else is written like this.
    Enough,
    /// A telephone number unless something says that it is an order, an account and so on.
    UnlessReference,
    /// A telephone number only if something says to call it.
    IfCalled,
}

const MOST_GROUPS: usize = 6;
/// E.164 allows 15; the trunk's `(0)` may stand between.
const MOST_DIGITS: usize = 16;

/// Digits in groups, as they are written.
#[derive(Default)]
struct Written {
    plus: bool,
    digits: [u8; MOST_DIGITS],
    groups: usize,
    /// How many digits each group has.
    sizes: [usize; MOST_GROUPS],
    /// Where each group ends in the text.
    ends: [usize; MOST_GROUPS],
}

impl Written {
    /// The groups from this place on, as many as a number can have. `None` if no digit follows.
    fn read(text: &str, start: usize) -> Option<Self> {
        let mut at = start;
        let mut written = Self::default();
        if text[at..].starts_with('(') {
            at += 1;
        }
        if text[at..].starts_with('+') {
            written.plus = true;
            at += 1;
        }
        let mut total = 0;
        while written.groups < MOST_GROUPS {
            let from = total;
            while let Some((digit, length)) = digit(text, at) {
                *written.digits.get_mut(total)? = digit;
                total += 1;
                at += length;
            }
            if total == from {
                break;
            }
            written.sizes[written.groups] = total - from;
            written.ends[written.groups] = at;
            written.groups += 1;
            match separator(&text[at..]).filter(|&length| digit(text, at + length).is_some()) {
                Some(length) if total < MOST_DIGITS => at += length,
                _ => break,
            }
        }
        (written.groups > 0).then_some(written)
    }

    /// Where the telephone number ends, if the first groups are one.
    fn number(&self, text: &str, start: usize) -> Option<usize> {
        (1..=self.groups)
            .rev()
            .find(|&groups| self.is_number(text, start, groups))
            .map(|groups| self.ends[groups - 1])
    }

    fn is_number(&self, text: &str, start: usize, groups: usize) -> bool {
        let rest = &text[self.ends[groups - 1]..];
        let sizes = &self.sizes[..groups];
        let digits = &self.digits[..sizes.iter().sum()];
        if is_service(digits) && spells_a_word(rest) {
            return true;
        }
        let proof = if self.plus {
            international(digits)
        } else {
            shape(digits, sizes)
        };
        let fits = proof.is_some_and(|proof| match proof {
            Proof::Enough => true,
            Proof::UnlessReference => is_called(text, start) || !is_reference(text, start),
            Proof::IfCalled => is_called(text, start),
        });
        fits && may_end(rest)
    }
}

/// How long the signs between two groups are.
fn separator(text: &str) -> Option<usize> {
    const LONGEST: usize = 3;
    let is_sign = |c: char| {
        matches!(
            c,
            ' ' | '-' | '.' | '(' | ')' | '\u{a0}' | '–' | '‑' | '（' | '）' | '－'
        )
    };
    let signs = text.chars().take_while(|&c| is_sign(c));
    let (count, length) = signs.fold((0, 0), |(count, length), c| {
        (count + 1, length + c.len_utf8())
    });
    (1..=LONGEST).contains(&count).then_some(length)
}

/// What follows `+`: digits enough for a number of any country.
fn international(digits: &[u8]) -> Option<Proof> {
    let fits = match digits.strip_prefix(msisdn::MALAYSIA_CODE.as_bytes()) {
        Some(national) => (8..=10).contains(&without_zero(national).len()),
        None => digits[0] != b'0' && (9..=15).contains(&digits.len()),
    };
    fits.then_some(Proof::Enough)
}

fn without_zero(national: &[u8]) -> &[u8] {
    national.strip_prefix(b"0").unwrap_or(national)
}

fn shape(digits: &[u8], sizes: &[usize]) -> Option<Proof> {
    if let Some(national) = digits.strip_prefix(msisdn::MALAYSIA_CODE.as_bytes()) {
        return with_country(without_zero(national), sizes);
    }
    match digits {
        [b'0', b'1', ..] => mobile(digits, sizes),
        [b'0', b'3'..=b'9', ..] => landline(digits, sizes),
        _ if digits.len() == 10 && is_service(&digits[..4]) => service(sizes),
        _ => None,
    }
}

/// `60` and a number without its 0: `60123456789`, `6012-345 6789`, `603-1234 5678`.
fn with_country(national: &[u8], sizes: &[usize]) -> Option<Proof> {
    let is_mobile = national.first() == Some(&b'1') && matches!(national.len(), 9 | 10);
    let is_landline =
        matches!(national.first(), Some(b'3'..=b'9')) && matches!(national.len(), 8 | 9);
    match sizes {
        [_] => is_mobile.then_some(Proof::UnlessReference),
        [2..=4, .., (3..)] => (is_mobile || is_landline).then_some(Proof::Enough),
        _ => None,
    }
}

/// `012-345 6789`; `011` and `015` have a digit more.
fn mobile(digits: &[u8], sizes: &[usize]) -> Option<Proof> {
    let length = if matches!(digits.get(2), Some(b'1' | b'5')) {
        11
    } else {
        10
    };
    if digits.len() != length {
        return None;
    }
    match sizes {
        [3, rest @ ..] if rest.iter().all(|&size| size >= 3) => Some(Proof::Enough),
        _ if sizes.iter().all(|&size| size >= 3) => Some(Proof::UnlessReference),
        _ => None,
    }
}

/// `03-1234 5678`, `04-123 4567`, `088-123 456`. In other groups it may be a date.
fn landline(digits: &[u8], sizes: &[usize]) -> Option<Proof> {
    let (area, length) = match digits[1] {
        b'3' => (2, 10),
        b'8' => (3, 9),
        _ => (2, 9),
    };
    if digits.len() != length || digits[area] == b'0' {
        return None;
    }
    match sizes {
        [_] => Some(Proof::IfCalled),
        [first, _] if *first == area => Some(Proof::Enough),
        // `03-2026-0001` may number a case of that month.
        [2, 4, 4] if digits[2..].starts_with(b"20") => Some(Proof::UnlessReference),
        [first, 2..=4, 3 | 4] if *first == area => Some(Proof::Enough),
        _ => None,
    }
}

/// `1300`, `1700`, `1800`.
fn is_service(digits: &[u8]) -> bool {
    matches!(digits, [b'1', b'3' | b'7' | b'8', b'0', b'0'])
}

/// `1-800-88-1234`, `1300 88 1234`.
fn service(sizes: &[usize]) -> Option<Proof> {
    match sizes {
        [10] => Some(Proof::IfCalled),
        [1, 3, .., (3..)] | [4, .., (3..)] => Some(Proof::Enough),
        _ => None,
    }
}

/// `1-800-FLOWERS`, `1-300-88-KEDAI`.
fn spells_a_word(rest: &str) -> bool {
    let word = rest
        .strip_prefix('-')
        .map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-'));
    word.is_some_and(|word| word.bytes().take_while(u8::is_ascii_uppercase).count() >= 3)
}

/// Whether a number can end before this: no digit, no unit, no further group but behind a blank.
fn may_end(rest: &str) -> bool {
    let mut following = rest.chars();
    match following.next() {
        Some('-' | '.') => following.next().is_none_or(|c| !c.is_numeric()),
        Some('%') => false,
        Some(c) if c.is_ascii_alphanumeric() => ["ext", "Ext", "samb", "x"]
            .iter()
            .any(|extension| rest.starts_with(extension)),
        Some(c) => !c.is_numeric(),
        None => true,
    }
}

/// Whether the words right before a number say to call it.
fn is_called(text: &str, start: usize) -> bool {
    is_near(text, start, CALL_WORDS, CHINESE_CALL_WORDS, REACH)
}

/// Whether the word right before a number says what else it is. Digits do, too: they are the first half of it.
fn is_reference(text: &str, start: usize) -> bool {
    let follows_digits = words::before(text, start).is_some_and(|(_, word, gap)| {
        gap == Gap::Plain && word.bytes().all(|b| b.is_ascii_digit())
    });
    follows_digits || is_near(text, start, REFERENCE_WORDS, CHINESE_REFERENCE_WORDS, 2)
}

fn is_near(text: &str, start: usize, list: &[&str], chinese: &[&str], reach: usize) -> bool {
    let mut place = start;
    for _ in 0..reach {
        match words::before(text, place) {
            Some((_, _, Gap::Sentence)) | None => break,
            Some((_, word, _)) if is_one_of(word, list) => return true,
            Some((range, _, _)) => place = range.start,
        }
    }
    let lead = tail(&text[..start], 2 * reach);
    chinese.iter().any(|word| lead.contains(word))
}

/// The last so many characters.
fn tail(text: &str, characters: usize) -> &str {
    let last = text.char_indices().rev().take(characters).last();
    last.map_or("", |(start, _)| &text[start..])
}
