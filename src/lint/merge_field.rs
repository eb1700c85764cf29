//! Merge fields that were left in a text: the syntaxes of the usual programs, the columns of the spreadsheet, and the
//! words that merge fields are usually called by.

use std::ops::Range;

use regex::{Error, Regex};
use strsim::damerau_levenshtein;

use super::phrases::any_of;
use crate::domain::header::template_name;
use crate::domain::sheet_error;

/// Every merge field or missing value has this.
pub(super) const SIGN: &str =
    r"[{\[<#【]|(?-u:\b{start-half})[%$]|(?-u:\b)(?:nan|NaN|null|NULL|None|undefined)(?-u:\b)";

/// What merge fields are usually called, as names in templates.
#[rustfmt::skip]
const USUAL: &[&str] = &[
    "account", "address", "akaun", "alamat", "amaun", "amount", "baki", "balance", "code", "company", "customer",
    "customer_name", "date", "due_date", "email", "first_name", "firstname", "full_name", "fullname", "jumlah", "kod",
    "last_name", "lastname", "location", "masa", "mobile", "nama", "nama_penuh", "nama_pelanggan", "name", "no_akaun",
    "no_tel", "nombor", "number", "order_id", "order_no", "outlet", "phone", "phone_number", "points", "recipient",
    "surname", "tarikh", "telefon", "time", "title", "town", "username", "your_name",
    "姓名", "名字", "名称", "客户", "客户姓名", "日期", "时间", "金额", "金額", "電話", "电话", "手机", "地址", "号码",
];

/// What can only be a merge field: an identifier between braces, double brackets or percent signs. `{name|there}` and
/// `{Hi|Hello}` are left over, too. `50%off%` is none, nor are two digits in base 16
/// between percent signs.
const CERTAIN: &[&str] = &[
    r"\{\{[^\n]*?[^\s}][^\n]*?\}\}",
    r"\{%[^\n]+?%\}",
    r"\{ *NAME *(?:\|[^}\n]*)?\}",
    r"<< *NAME *>>",
    r"\[\[ *NAME *\]\]",
    r"(?-u:\b{start-half})%FIRSTOTHER{2,}%",
];

/// What is a merge field if a known name is in it.
const POSSIBLE: &[&str] = &[
    r"\{([^{}\n]+)\}",
    r"<<?([^<>\n]+)>",
    r"\[\[?([^\[\]\n]+)\]",
    r"【([^【】\n]+)】",
    r"#([^#\n]+)#",
    r"(?-u:\b{start-half})%([^%\s](?:[^%\n]*[^%\s])?)%",
    r"(?-u:\b{start-half})\$((?:FIRST|[0-9])+)",
];

/// Where a name or an amount belongs, and what programs write where it was missing. People are called Nan and Null; then
/// their first letter is a capital and the rest is not.
const LEADS: &[&str] = &[
    "cik", "dear", "encik", "hai", "hello", "hi", "kepada", "puan", "rm", "salam",
];
const MISSING: &str = r"[^0-9A-Za-z.!?;:,()\n]{1,2}(?:nan|NaN|null|NULL|None|undefined)(?-u:\b)";

/// Finds merge fields in the texts of one spreadsheet.
#[derive(Clone, Debug)]
pub(super) struct MergeFields {
    /// The names of the columns in templates.
    names: Vec<String>,
    certain: Regex,
    possible: Regex,
    missing: Regex,
}

impl MergeFields {
    /// For a spreadsheet with these columns: of each its header as written and its name in templates.
    pub(super) fn new<'a>(
        columns: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Error> {
        Ok(Self {
            names: columns
                .into_iter()
                .flat_map(|(header, name)| [template_name(header), name.to_lowercase()])
                .filter(|name| !name.is_empty())
                .collect(),
            certain: Regex::new(&with_names(CERTAIN))?,
            possible: Regex::new(&with_names(POSSIBLE))?,
            missing: Regex::new(&format!("{}{MISSING}", any_of(LEADS)))?,
        })
    }

    /// What was left in the text: a merge field, an error of a spreadsheet, or what is written where a value was missing.
    pub(super) fn find(&self, text: &str) -> Option<Range<usize>> {
        let certain = self.certain.find(text).map(|field| field.range());
        certain
            .or_else(|| self.known_field(text))
            .or_else(|| sheet_error_in(text))
            .or_else(|| self.missing.find(text).map(|value| value.range()))
    }

    fn known_field(&self, text: &str) -> Option<Range<usize>> {
        let mut at = 0;
        while let Some(captures) = self.possible.captures_at(text, at) {
            let mut groups = captures.iter().flatten().map(|group| group.range());
            let (field, inner) = (groups.next()?, groups.next()?);
            if self.is_known(&text[inner.clone()]) {
                return Some(field);
            }
            // What closes one may open the next: `50% off for %name%`.
            at = inner.start;
        }
        None
    }

    /// Whether this is a column, nearly one, or what merge fields are usually called.
    fn is_known(&self, inner: &str) -> bool {
        let name = template_name(inner);
        !name.is_empty()
            && (USUAL.contains(&name.as_str())
                || self.names.iter().any(|known| is_nearly(&name, known)))
    }
}

/// The pattern of these syntaxes. `NAME` stands for a letter or `_` (`FIRST`), then letters, digits, `_`, `.` and `-` (`OTHER`).
/// What is taken for a letter of other scripts is most of Unicode: exact tables take longer to compile.
fn with_names(syntaxes: &[&str]) -> String {
    let syntaxes = syntaxes.join("|").replace("NAME", "FIRSTOTHER*");
    let syntaxes = syntaxes.replace("OTHER", "(?:FIRST|[0-9.-])");
    syntaxes.replace("FIRST", "[A-Za-z_\u{c0}-\u{1fff}\u{3040}-\u{d7ff}]")
}

fn sheet_error_in(text: &str) -> Option<Range<usize>> {
    let mut signs = text.match_indices('#');
    signs.find_map(|(at, _)| Some(at..at + sheet_error::at_start_of(&text[at..])?))
}

/// Whether only two letters are swapped, or in longer names a letter is wrong. `[SALE]` is not the column "sales".
fn is_nearly(name: &str, known: &str) -> bool {
    let letters = |name: &str| {
        let mut letters: Vec<char> = name.chars().collect();
        letters.sort_unstable();
        letters
    };
    let typos = match name.chars().count() {
        0..4 => 0,
        4..6 if letters(name) != letters(known) => 0,
        4..10 => 1,
        _ => 2,
    };
    name == known || typos > 0 && damerau_levenshtein(name, known) <= typos
}
