//! Merge fields that were left in a text. It knows the syntaxes of the usual programs, the columns of the spreadsheet, and the
//! words that merge fields are usually called by.

use std::ops::Range;

use strsim::damerau_levenshtein;

use super::BEGINNINGS;
use super::words::{self, Gap, is_one_of};
use crate::domain::header::template_name;
use crate::domain::sheet_error;

/// What merge fields are usually called, as names in templates.
const USUAL: &[&str] = &[
    "account",
    "address",
    "akaun",
    "alamat",
    "amaun",
    "amount",
    "baki",
    "balance",
    "code",
    "company",
    "customer",
    "customer_name",
    "date",
    "due_date",
    "email",
    "first_name",
    "firstname",
    "full_name",
    "fullname",
    "jumlah",
    "kod",
    "last_name",
    "lastname",
    "location",
    "masa",
    "mobile",
    "nama",
    "nama_penuh",
    "nama_pelanggan",
    "name",
    "no_akaun",
    "no_tel",
    "nombor",
    "number",
    "order_id",
    "order_no",
    "outlet",
    "phone",
    "phone_number",
    "points",
    "recipient",
    "surname",
    "tarikh",
    "telefon",
    "time",
    "title",
    "town",
    "username",
    "your_name",
    "姓名",
    "名字",
    "名称",
    "客户",
    "客户姓名",
    "日期",
    "时间",
    "金额",
    "金額",
    "電話",
    "电话",
    "手机",
    "地址",
    "号码",
];

/// What programs write where a value was missing.
pub(super) const MISSING_VALUES: &[&str] = &["nan", "NaN", "null", "NULL", "None", "undefined"];

/// Longer than any merge field.
const LONGEST: usize = 60;

/// What merge fields of one spreadsheet can be called.
#[derive(Clone, Debug, Default)]
pub(super) struct MergeWords {
    names: Vec<String>,
}

impl MergeWords {
    pub(super) fn new<'a>(columns: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut names: Vec<String> = columns
            .into_iter()
            .flat_map(|(header, name)| [template_name(header), name.to_lowercase()])
            .filter(|name| !name.is_empty())
            .collect();
        names.sort();
        names.dedup();
        Self { names }
    }

    /// The first merge field in the text.
    pub(super) fn find(&self, text: &str) -> Option<Range<usize>> {
        let bytes = text.as_bytes();
        (0..bytes.len())
            // The last is the first byte of 【.
            .filter(|&at| matches!(bytes[at], b'{' | b'[' | b'<' | b'%' | b'$' | b'#' | 0xE3))
            .find_map(|at| {
                let (before, rest) = text.split_at_checked(at)?;
                let length = self.field(before, rest, rest.chars().next()?)?;
                Some(at..at + length)
            })
    }

    /// The length of the merge field that `rest` begins with.
    fn field(&self, before: &str, rest: &str, sign: char) -> Option<usize> {
        match sign {
            '{' => enclosed(rest, "{{", "}}", |inner| !inner.trim().is_empty())
                .or_else(|| enclosed(rest, "{%", "%}", |inner| !inner.trim().is_empty()))
                .or_else(|| enclosed(rest, "{", "}", |inner| self.is_field(inner))),
            '<' => enclosed(rest, "<<", ">>", |inner| self.is_field(inner))
                .or_else(|| enclosed(rest, "<", ">", |inner| self.is_known(inner))),
            '[' => enclosed(rest, "[[", "]]", |inner| self.is_field(inner))
                .or_else(|| enclosed(rest, "[", "]", |inner| self.is_known(inner))),
            '【' => enclosed(rest, "【", "】", |inner| self.is_known(inner)),
            // `50% off, 20% more`
            '%' if before.ends_with(char::is_alphanumeric) => None,
            '%' => enclosed(rest, "%", "%", |inner| self.is_percent_field(inner)),
            '#' => sheet_error::at_start_of(rest)
                .or_else(|| enclosed(rest, "#", "#", |inner| self.is_known(inner))),
            '$' => self.shell_variable(before, rest),
            _ => None,
        }
    }

    /// What can only be a field between braces: an identifier, or a known name with blanks in it. `{name|there}` and
    /// `{Hi|Hello}` are left over, too.
    fn is_field(&self, inner: &str) -> bool {
        let first = inner.split('|').next().unwrap_or_default().trim();
        is_identifier(first) || self.is_known(inner)
    }

    /// Between percent signs nothing is certain but a word. Two digits in base 16 are part of a link.
    fn is_percent_field(&self, inner: &str) -> bool {
        let is_escape = inner.len() == 2 && inner.bytes().all(|b| b.is_ascii_hexdigit());
        let touches = !inner.starts_with(' ') && !inner.ends_with(' ');
        touches && (is_identifier(inner) && !is_escape || self.is_known(inner))
    }

    /// `$name`; braces are seen to by themselves.
    fn shell_variable(&self, before: &str, rest: &str) -> Option<usize> {
        let length = rest[1..]
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len() - 1);
        let is_money = before.ends_with(char::is_alphanumeric);
        (!is_money && self.is_known(&rest[1..=length])).then_some(length + 1)
    }

    /// Whether this is a column, nearly one, or what merge fields are usually called.
    fn is_known(&self, inner: &str) -> bool {
        let name = template_name(inner);
        !name.is_empty()
            && (USUAL.contains(&name.as_str())
                || self.names.iter().any(|known| is_nearly(&name, known)))
    }
}

/// The length of what is between these signs, signs included, if it fits.
fn enclosed(rest: &str, open: &str, close: &str, fits: impl FnOnce(&str) -> bool) -> Option<usize> {
    let inside = rest.strip_prefix(open)?;
    let end = inside.find(close).filter(|&end| end <= LONGEST)?;
    let inner = &inside[..end];
    (!inner.contains('\n') && fits(inner)).then_some(open.len() + end + close.len())
}

/// A letter or `_`, then letters, digits, `_`, `.`, `-`.
fn is_identifier(inner: &str) -> bool {
    let mut characters = inner.chars();
    characters
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '_')
        && characters.all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// A slip of the finger: two letters swapped, or in longer names a letter wrong. `[SALE]` is not the column "sales".
fn is_nearly(name: &str, known: &str) -> bool {
    if name == known {
        return true;
    }
    let length = name.chars().count();
    let slips = match length {
        0..4 => return false,
        4..6 if !are_anagrams(name, known) => return false,
        4..10 => 1,
        _ => 2,
    };
    length.abs_diff(known.chars().count()) <= slips && damerau_levenshtein(name, known) <= slips
}

fn are_anagrams(one: &str, other: &str) -> bool {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    sorted(one) == sorted(other)
}

/// `Hi nan,` or `RM NULL`: what programs write where a value was missing, where a name or an amount belongs. People are called
/// Nan and Null; then their first letter is a capital and the rest is not.
pub(super) fn missing_value(text: &str) -> Option<Range<usize>> {
    const LEADS: &[&str] = &[
        "cik", "dear", "encik", "hai", "hello", "hi", "kepada", "puan", "rm", "salam",
    ];
    BEGINNINGS
        .words(text, super::MISSING)
        .filter(|(_, word)| MISSING_VALUES.contains(word))
        .find_map(|(range, _)| {
            let (lead, word, gap) = words::before(text, range.start)?;
            (gap == Gap::Plain && is_one_of(word, LEADS)).then_some(lead.start..range.end)
        })
}
