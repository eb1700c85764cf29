//! Merge fields that were left in a text: the syntaxes of the usual programs, the columns of the spreadsheet, and the
//! words that merge fields are usually called by.

use std::ops::Range;

use regex::{Error, Regex};
use strsim::damerau_levenshtein;

use super::phrases::any_of;
use crate::domain::ColumnNames;
use crate::domain::column_names::is_field_name;
use crate::domain::header::template_name;
use crate::domain::sheet_error;

/// Every merge field or missing value has this.
pub(super) const SIGN: &str = r#"[{\[<#@|^`§¤«‹≪《〈【〔〖⟨⟦"”“]|__|::|(?-u:\b{start-half})[%$&]|&(?:lt|laquo|lsaquo);|(?-u:\b)(?:nan|NaN|null|NULL|nil|None|undefined)(?-u:\b)|Invalid Date|0000|1899|1900"#;

/// What can only be a merge field: an identifier between braces, double brackets or percent signs, and what only merge
/// languages write. `{name|there}` and `{Hi|Hello}` are left over, too. `50%off%` is none, nor are two digits in base 16
/// between percent signs.
const CERTAIN: &[&str] = &[
    r"\{\{[^\n]*?[^\s}][^\n]*?\}\}",
    r"\{%[^\n]+?%\}",
    r"[$#@%]?\{ *NAME *(?:\|[^}\n]*)?\}",
    // `{!Contact.Name}`, `{$name}`, `${Contacts.First Name}`, Word's field codes, `{0}` of format strings
    r"\{[!$=][^{}\n]+\}",
    r"[$#@%]\{[^{}\n]+\}",
    r"\{ *MERGEFIELD[^{}\n]*\}",
    r"\{[0-9]{1,2}\}",
    r"<< *NAME *>>",
    r"\[\[ *NAME *\]\]",
    r"\[[^\[\]\n]+, *(?:fallback|default) *=[^\[\]\n]*\]",
    r"\*\|[^|\n]+\|\*",
    r"<%[^%\n]+%>",
    r"<\?[^?\n]+\?>",
    r"%%=[^\n]+?=%%",
    // Word turns the spaces of a header into `_`.
    r"«[^«»\s]*_[^«»\s]*»",
    // `%s`, `%1$s`; a cell of a formula
    r"(?-u:\b{start-half})%(?:[0-9]\$)?[sd](?-u:\b{end-half})",
    r#"["”“] ?& ?\$?[A-Z]{1,2}\$?[0-9]{1,6}(?-u:\b{end-half})"#,
    r"(?-u:\b{start-half})%FIRSTOTHER{2,}%",
];

/// What is a merge field if a known name is in it: what stands between brackets that are no part of a sentence.
const POSSIBLE: &[&str] = &[
    r"[$#@%!]?(?:\{ ?)+([^{}\n]+)\}(?: ?\})*",
    r"<+([^<>\n]+)>+",
    r"\$?\[+@?\[*([^\[\]\n]+)\]+\$?",
    r"[«‹≪《〈【〔〖⟨⟦]+([^«»‹›≪≫《》〈〉【】〔〕〖〗⟨⟩⟦⟧\n]+)[»›≫》〉】〕〗⟩⟧]+",
    r"&(?:lt|laquo|lsaquo);([^&;\n]+)&(?:gt|raquo|rsaquo);",
    r"[%$]\(([^()\n]+)\)(?:[sd](?-u:\b{end-half}))?",
    r#"["”“] *& *([^&"”“\n]+?) *& *["”“]"#,
    r"(?-u:\b{start-half})\*?\|+([^|\s](?:[^|\n]*[^|\s])?)\|+\*?(?-u:\b{end-half})",
    r"(?-u:\b{start-half})%+ *([^%\s](?:[^%\n]*[^%\s])?) *%+",
];

/// Signs that may stand directly before and behind such a name.
const AROUND: &[&str] = &["#", "@", r"\^", r"\$", "&", "`", "§", "¤", "_", ":"];

/// Those of them that must be two: one is part of a sentence, or of WhatsApp's italics.
const DOUBLE: &[&str] = &["_", ":"];

/// A variable of a script.
const VARIABLE: &str = r"(?-u:\b{start-half})\$!?((?:FIRST|[0-9])+)";

/// Where a name or an amount belongs, and what programs write where it was missing. People are called Nan and Null; then
/// their first letter is a capital and the rest is not.
pub(super) const LEADS: &[&str] = &[
    "cik", "dear", "encik", "hai", "hello", "hi", "kepada", "puan", "rm", "salam",
];
const MISSING: &str = r"[^0-9A-Za-z.!?;:,()\n]{1,2}(?:nan|NaN|null|NULL|None|undefined)(?-u:\b)";

/// What programs write for a missing value, wherever it stands, and the dates that spreadsheets and databases make of it.
const MISSING_ANYWHERE: &[&str] = &[
    r"[(\[<{](?:null|NULL|nil|undefined|nan|NaN)[)\]>}]",
    r"\[object [A-Z][A-Za-z]*\]",
    "Invalid Date",
    r"(?-u:\b)(?:0000-00-00|00[/.-]00[/.-]0000|0?0[/.-]0?1[/.-]1900|0?1[/.-]0?0[/.-]1900|1900-01-00|1899-12-3[01]|3[01][/.-]12[/.-]1899)(?-u:\b)",
];

/// What was left in a text.
pub(super) struct LeftOver {
    pub(super) range: Range<usize>,
    /// What to write instead, if it is a field that names no column.
    pub(super) hint: Option<String>,
}

/// A merge field, and the name in it.
struct Field<'t> {
    range: Range<usize>,
    name: &'t str,
}

/// Finds merge fields in the texts of one spreadsheet.
#[derive(Clone, Debug)]
pub(super) struct MergeFields {
    columns: ColumnNames,
    certain: Regex,
    possible: Regex,
    missing: Regex,
}

impl MergeFields {
    /// For a spreadsheet with these columns.
    pub(super) fn new(columns: &ColumnNames) -> Result<Self, Error> {
        let around = AROUND.iter().map(|sign| {
            let signs = if DOUBLE.contains(sign) {
                format!("{sign}{{2}}")
            } else {
                format!("{sign}+")
            };
            let inner = format!(r"([^{sign}\s](?:[^{sign}\n]*[^{sign}\s])?)");
            format!(r"(?-u:\b{{start-half}}){signs}{inner}{signs}(?-u:\b{{end-half}})")
        });
        let possible: Vec<String> = POSSIBLE
            .iter()
            .map(ToString::to_string)
            .chain(around)
            .chain([VARIABLE.to_owned()])
            .collect();
        let missing = MISSING_ANYWHERE.join("|");
        Ok(Self {
            columns: columns.clone(),
            certain: Regex::new(&with_names(&CERTAIN.join("|")))?,
            possible: Regex::new(&with_names(&possible.join("|")))?,
            missing: Regex::new(&format!("{}{MISSING}|{missing}", any_of(LEADS)))?,
        })
    }

    /// What was left in the text: a merge field, an error of a spreadsheet, or what is written where a value was missing.
    pub(super) fn find(&self, text: &str) -> Option<LeftOver> {
        let bare = |range| LeftOver { range, hint: None };
        let missing = || self.missing.find(text).map(|value| value.range());
        let certain = || self.certain.find(text).map(|field| field.range());
        let known = self.fields(text).find(|field| self.is_known(field.name));
        known
            .map(|field| self.left_over(field.range, field.name))
            .or_else(|| {
                let range = certain()?;
                let field = self.fields(&text[range.clone()]).next();
                Some(self.left_over(range, field.map_or("", |field| field.name)))
            })
            .or_else(|| sheet_error_in(text).map(bare))
            .or_else(|| missing().map(bare))
    }

    fn left_over(&self, range: Range<usize>, name: &str) -> LeftOver {
        let is_column = name.is_empty() || self.columns.of_field(name).is_some();
        LeftOver {
            range,
            hint: (!is_column).then(|| self.columns.unknown(name)),
        }
    }

    /// The fields in a literal text of a template that are columns, each with the name in it. The portal's `%name%` is read as
    /// its column and is none.
    pub(super) fn columns<'t>(
        &self,
        text: &'t str,
    ) -> impl Iterator<Item = (Range<usize>, &'t str)> {
        let is_portal = move |field: &Field<'_>| {
            let written = text[field.range.clone()].trim_matches(|c| !is_part(c) && c != '%');
            written == format!("%{}%", field.name) && self.columns.meant(field.name).is_some()
        };
        self.fields(text)
            .filter(|field| self.columns.of_field(field.name).is_some())
            .filter(move |field| !is_portal(field))
            .map(|field| (field.range, field.name))
    }

    /// Everything between signs that may be a merge field.
    fn fields<'t>(&self, text: &'t str) -> impl Iterator<Item = Field<'t>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            while let Some(captures) = self.possible.captures_at(text, at) {
                let mut groups = captures.iter().flatten().map(|group| group.range());
                let (range, inner) = (groups.next()?, groups.next()?);
                // What closes one may open the next: `50% off for %name%`.
                at = inner.start;
                let in_braces = text[range.clone()].ends_with('}');
                let name = name_in(&text[inner], in_braces);
                if !name.is_empty() {
                    return Some(Field { range, name });
                }
            }
            None
        })
    }

    /// Whether this is a column, nearly one, or what merge fields are usually called.
    fn is_known(&self, written: &str) -> bool {
        let name = template_name(written);
        let last = template_name(written.rsplit('.').next().unwrap_or_default());
        let is_nearly = |known: &&str| is_nearly(&name, known);
        is_field_name(&name)
            || (!written.contains(' ') && is_field_name(&last))
            || self.columns.of_field(written).is_some()
            || self.columns.names().iter().any(is_nearly)
    }
}

/// The name in a field, without what other programs write before and behind it (`MERGEFIELD`, a fallback). Empty where it
/// is a sentence or has no letters.
fn name_in(inner: &str, in_braces: bool) -> &str {
    // `<?= $name ?>` is no question.
    let is_bare = inner.trim_start().starts_with(is_part);
    let inner = inner.trim_start_matches(|c| !is_part(c)).trim_end();
    let inner = inner
        .strip_prefix("MERGEFIELD")
        .unwrap_or(inner)
        .trim_start_matches([' ', '"']);
    let ends: &[char] = if in_braces {
        &['|', ':', ',', '!', '?', '\\', '"']
    } else {
        &['|']
    };
    let end = inner.find(ends).unwrap_or(inner.len());
    let name = inner[..end].trim_end();
    let name = name
        .split_once(',')
        .filter(|(_, rest)| {
            let rest = rest.trim_start();
            rest.starts_with("fallback") || rest.starts_with("default")
        })
        .map_or(name, |(name, _)| name);
    let is_sentence = is_bare && name.ends_with([':', ',', ';', '?', '!', '.', '…']);
    if is_sentence || !name.contains(char::is_alphabetic) {
        ""
    } else {
        name.trim_end_matches(|c: char| c == ' ' || (c.is_ascii_punctuation() && c != ')'))
    }
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The pattern of these syntaxes. `NAME` stands for a letter or `_` (`FIRST`), then letters, digits, `_`, `.` and `-` (`OTHER`).
/// What is taken for a letter of other scripts is most of Unicode: exact tables take longer to compile.
fn with_names(syntaxes: &str) -> String {
    let syntaxes = syntaxes.replace("NAME", "FIRSTOTHER*");
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
