//! Telephone numbers in a text, in the shapes in which Malaysian numbers are written.

use std::ops::Range;

use regex::{Error, Regex};

use super::phrases::{any_of, any_part_of, before, sentence_end, then_at_most};
use crate::domain::msisdn::MALAYSIA_CODE;

/// The pattern of what every telephone number has: eight digits or more, or a service number that spells a word.
pub(super) fn sign() -> String {
    let first = format!(r"(?-u:\b{{start-half}})(?:[+01]|{MALAYSIA_CODE})");
    format!("{first}(?:[ .()\u{a0}–‑-]{{0,3}}[0-9]){{6}}|00-[0-9-]*[A-Z]{{3}}")
}

/// What is a telephone number and nothing else. `MY` stands for the calling code of Malaysia, `_` for what separates groups
/// of digits.
const CERTAIN: &[&str] = &[
    // Another country's, and Malaysian ones with it.
    r"\+[1-9](?:_?[0-9]){8,15}",
    // `60 12-345 6789`, `6012-345 6789`, `603-1234 5678`
    r"MY_0?(?:1[0-9]|[3-9])_?[0-9]{3,4}_?[0-9]{4}",
    r"MY0?(?:1[0-9]|[3-9])_[0-9]{3,4}_?[0-9]{4}",
    r"MY_?08[0-9]_?[0-9]{3}_?[0-9]{3}",
    // Mobile numbers; `011` and `015` have a digit more.
    "01[02-46-9]_(?:[0-9]{7}|[0-9]{3}_[0-9]{4}|[0-9]{4}_[0-9]{3})",
    "01[15]_(?:[0-9]{8}|[0-9]{4}_[0-9]{4}|[0-9]{3}_[0-9]{5})",
    // Landlines.
    "03_(?:[1-9][0-9]{7}|(?:1[0-9]|2[1-9]|[3-9][0-9])[0-9]{2}_[0-9]{4})",
    "0[4-79]_[1-9](?:[0-9]{6}|[0-9]{2}_[0-9]{4}|[0-9]{3}_[0-9]{3})",
    "08[0-9]_[1-9](?:[0-9]{5}|[0-9]{2}_[0-9]{3}|[0-9]_[0-9]{4})",
    // `1-800-88-1234`, `1300 88 1234`, `1-800-KEDAIKU`
    "1_?[378]00_(?:[0-9]{6}|[0-9]{2}_[0-9]{4}|[0-9]{3}_[0-9]{3})",
    "1-?[378]00-[0-9-]*[A-Z]{3,}",
];

/// What is a telephone number unless a word says that it is an order, an account and so on.
const LIKELY: &[&str] = &[
    "01[0-9](?:[0-9]{7,8}|[0-9]_[0-9]{3}_[0-9]{3,4}|[0-9]{2}_[0-9]{5,6}|[0-9]{3}_[0-9]{4,5})",
    "MY0?1[0-9]{8,9}",
    // It may also number a case of that month.
    "03_20[0-9]{2}_[0-9]{4}",
];

/// What is a telephone number only if a word says to call it.
const POSSIBLE: &[&str] = &["0[3-9][0-9]{7,8}", "1[378]00[0-9]{6}"];

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

/// Words before digits that say: this is no telephone number. So do digits: they are the first half of it.
#[rustfmt::skip]
const REFERENCE_WORDS: &[&str] = &[
    "ac", "acc", "account", "akaun", "awb", "bil", "bill", "booking", "code", "id", "inv", "invoice",
    "invois", "kod", "member", "ahli", "no", "number", "nombor", "order", "otp", "parcel", "pesanan", "pin",
    "policy", "polisi", "receipt", "ref", "reference", "resit", "rm", "rujukan", "tac", "tempahan",
    "tracking", "voucher", "baucar",
];
#[rustfmt::skip]
const CHINESE_REFERENCE_WORDS: &[&str] = &[
    "单号", "單號", "编号", "編號", "账号", "賬號", "户口", "戶口", "订单", "訂單", "验证码", "卡号",
];

/// Finds telephone numbers.
#[derive(Clone, Debug)]
pub(super) struct PhoneNumbers {
    certain: Regex,
    likely: Regex,
    possible: Regex,
    calls: Regex,
    refers: Regex,
    sentence_end: Regex,
}

impl PhoneNumbers {
    pub(super) fn new() -> Result<Self, Error> {
        let led_by = |words, most, chinese, near| {
            let (words, chinese) = (any_of(words), any_part_of(chinese));
            format!("{words}{}|{chinese}.{{0,{near}}}$", then_at_most(most))
        };
        let calls = led_by(CALL_WORDS, 3, CHINESE_CALL_WORDS, 6);
        let refers = led_by(REFERENCE_WORDS, 1, CHINESE_REFERENCE_WORDS, 2);
        let refers = format!(r"{refers}|(?-u:\b)[0-9]+ *$");
        Ok(Self {
            certain: shapes(CERTAIN)?,
            likely: shapes(LIKELY)?,
            possible: shapes(POSSIBLE)?,
            calls: Regex::new(&calls)?,
            refers: Regex::new(&refers)?,
            sentence_end: sentence_end()?,
        })
    }

    /// The first telephone number in the text, of the most certain shape.
    pub(super) fn find(&self, text: &str) -> Option<Range<usize>> {
        let lead = |number: &Range<usize>| before(&self.sentence_end, text, number.start);
        let is_called = |number: &Range<usize>| self.calls.is_match(lead(number));
        let is_reference = |number: &Range<usize>| self.refers.is_match(lead(number));
        let number = numbers(&self.certain, text)
            .next()
            .or_else(|| numbers(&self.likely, text).find(|n| is_called(n) || !is_reference(n)))
            .or_else(|| numbers(&self.possible, text).find(is_called))?;
        // `(03) 1234 5678` begins with its bracket, `(012-345 6789)` within.
        let is_around =
            text[number.clone()].starts_with('(') && !text[number.clone()].contains(')');
        Some(number.start + usize::from(is_around)..number.end)
    }
}

/// The expression of these shapes where a number can stand: not within a code, a date, an amount or a link.
fn shapes(shapes: &[&str]) -> Result<Regex, Error> {
    let shapes = shapes.join("|").replace("MY", MALAYSIA_CODE);
    let shapes = shapes.replace('_', "(?:[ .()\u{a0}–‑-]{1,3})");
    // `Tel.03-1234 5678`, `WhatsApp/0123456789`
    let start = format!(
        r"(?:^|[^0-9A-Za-z#*,+_$%=./-]|[A-Za-z]\.|{}/)",
        any_of(CALL_WORDS)
    );
    let end = r"(?:$|[.-](?:$|[^0-9])|[^0-9A-Za-z%.-]|[Ee]xt|samb|x)";
    Regex::new(&format!("{start}(?<number>\\(?(?:{shapes})){end}"))
}

fn numbers<'t>(shapes: &'t Regex, text: &'t str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let number = shapes.captures_at(text, at)?.name("number")?.range();
        at = number.end;
        Some(number)
    })
}
