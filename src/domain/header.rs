//! The columns of a spreadsheet: what each is called in a template, which holds the phone number, which the message, and
//! which are our own results. It knows headers only, never a row, and no file.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::punctuation::{is_invisible, is_unseen};
use crate::{Error, Kind, Result};

/// The cell without what surrounds its text unseen: white space (the no-break space too), zero-width characters, byte order
/// marks, and the direction marks that come along when a number is copied out of an address book.
#[must_use]
pub fn trimmed(cell: &str) -> &str {
    cell.trim_matches(is_unseen)
}

/// The name of a column in a template: lower case, without accents, every run of characters other than letters and digits turned
/// into one `_`, none at the ends (`Baki (RM)` is `baki_rm`). Empty where the header has no letter or digit.
///
/// A name can begin with a digit (`2nd Name` is `2nd_name`) or be a word of the template language (`if`), and then no template can
/// write it as a variable: such a column is reached as `row["2nd Name"]` only, which every column is.
#[must_use]
pub fn template_name(header: &str) -> String {
    let letters: String = header
        .to_lowercase()
        .chars()
        .filter(|&c| !is_invisible(c))
        .nfd()
        .filter(|&c| !is_accent(c))
        .nfc()
        .collect();
    // A mark that is no accent belongs to its letter: the vowel signs of Tamil are marks.
    letters
        .split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c))
        .filter(|run| !run.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}

/// The block from which the accents of Latin, Greek and Cyrillic letters come. The marks of other scripts change
/// the letter itself (Tamil vowels, the strokes of kana), so they stay.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Whether this is written like a number rather than like a name: digits and no letters, or as spreadsheets
/// spoil long numbers (`6.01E+10`).
#[must_use]
pub fn looks_like_number(cell: &str) -> bool {
    let cell = trimmed(cell);
    cell.chars().any(char::is_numeric)
        && (!cell.chars().any(char::is_alphabetic) || cell.parse::<f64>().is_ok())
}

/// The columns of one spreadsheet, of which at least one has a header and no two have the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    headers: Vec<String>,
    names: Vec<Option<String>>,
}

impl Columns {
    /// The columns under these header cells. A blank header is allowed (spreadsheets leave empty columns at the right) and has no
    /// name. An error: no header at all, or two that a template could not tell apart.
    pub fn parse(headers: Vec<String>) -> Result<Self> {
        if headers.iter().all(|header| trimmed(header).is_empty()) {
            return Err(Error::new(Kind::Input, "no column has a header")
                .hint("add a row of headers at the top"));
        }
        let names = headers
            .iter()
            .map(|header| Some(template_name(header)).filter(|name| !name.is_empty()))
            .collect();
        let columns = Self { headers, names };
        columns.refuse_namesakes()?;
        Ok(columns)
    }

    fn refuse_namesakes(&self) -> Result<()> {
        let mut seen = std::collections::HashMap::new();
        for column in 0..self.len() {
            let call = self.call(column);
            if call.is_empty() {
                continue;
            }
            if let Some(earlier) = seen.insert(call.clone(), column) {
                let both = self.quoted(&[earlier, column]).join(" and ");
                return Err(Error::new(
                    Kind::Input,
                    format!("the columns {both} would both be {call}"),
                )
                .hint("rename one of them"));
            }
        }
        Ok(())
    }

    /// How a template calls the column; empty under a blank header.
    fn call(&self, column: usize) -> String {
        match (&self.names[column], self.title(column)) {
            (Some(name), _) => format!("{{{{ {name} }}}}"),
            (None, "") => String::new(),
            (None, sign) => format!("{{{{ row[\"{sign}\"] }}}}"),
        }
    }

    /// The number of columns, those without a header included.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "there is always a column with a header"
    )]
    pub fn len(&self) -> usize {
        self.headers.len()
    }

    /// The headers as they were written, for writing them again unchanged.
    #[must_use]
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// The header of one column as a person reads it, without what surrounds it unseen: for `row["..."]`, options and errors.
    /// Empty for a column that has none.
    #[must_use]
    pub fn title(&self, column: usize) -> &str {
        self.headers
            .get(column)
            .map_or("", |header| trimmed(header))
    }

    /// The names in a template, one for each column, `None` where the header has no letter or digit.
    #[must_use]
    pub fn names(&self) -> &[Option<String>] {
        &self.names
    }

    /// The position of the column that is asked for by its header as written, or else by its name in a template.
    /// An error lists the columns and the nearest.
    pub fn position(&self, wanted: &str) -> Result<usize> {
        let written = trimmed(wanted);
        let name = template_name(wanted);
        let all = || 0..self.len();
        all()
            .filter(|_| !written.is_empty())
            .find(|&column| self.title(column) == written)
            .or_else(|| all().find(|&column| self.names[column].as_ref() == Some(&name)))
            .ok_or_else(|| self.no_such_column(written, &name))
    }

    fn no_such_column(&self, wanted: &str, name: &str) -> Error {
        let error = Error::new(
            Kind::Input,
            format!("there is no column \"{wanted}\" among {}", self.listed()),
        );
        match self.nearest(name) {
            Some(column) => error.hint(format!("did you mean \"{}\"?", self.title(column))),
            None => error.hint("name one of these"),
        }
    }

    fn nearest(&self, name: &str) -> Option<usize> {
        // Half of the characters in common: enough for a slip of the finger, not for another word.
        const ALIKE: f64 = 0.5;
        let alike = |column: usize| {
            let other = self.names[column].as_deref()?;
            let likeness = strsim::normalized_damerau_levenshtein(name, other);
            (likeness >= ALIKE).then_some((column, likeness))
        };
        (0..self.len())
            .filter_map(alike)
            .max_by(|(_, one), (_, other)| one.total_cmp(other))
            .map(|(column, _)| column)
    }

    /// The position of the column that holds the phone numbers, found by its name. An error: none, or more than one.
    pub fn phone(&self) -> Result<usize> {
        let candidates = self.named(is_phone_name);
        if let [column] = candidates[..] {
            return Ok(column);
        }
        if !candidates.is_empty() {
            return Err(self.ambiguous(&candidates, "phone number", "--phone-column"));
        }
        if let Some(number) = (0..self.len()).find(|&column| self.holds_phone_number(column)) {
            return Err(Error::new(
                Kind::Input,
                format!(
                    "the first row already holds a number (\"{}\")",
                    self.title(number)
                ),
            )
            .hint("add a row of headers above it"));
        }
        Err(Error::new(
            Kind::Input,
            format!("there is no phone column among {}", self.listed()),
        )
        .hint("name it with --phone-column, or delete the lines above the headers"))
    }

    /// The position of the column that holds the message, found by its name, if there is one. An error: more than one.
    pub fn message(&self) -> Result<Option<usize>> {
        let candidates = self.named(|name| MESSAGE_NAMES.contains(&name));
        match candidates[..] {
            [] => Ok(None),
            [column] => Ok(Some(column)),
            _ => Err(self.ambiguous(&candidates, "message", "--message-column")),
        }
    }

    fn named(&self, fits: impl Fn(&str) -> bool) -> Vec<usize> {
        (0..self.len())
            .filter(|&column| self.names[column].as_deref().is_some_and(&fits))
            .collect()
    }

    fn ambiguous(&self, candidates: &[usize], what: &str, option: &str) -> Error {
        let mut quoted = self.quoted(candidates);
        let last = quoted.pop().unwrap_or_default();
        let others = quoted.join(", ");
        Error::new(
            Kind::Input,
            format!("the columns {others} and {last} could each hold the {what}"),
        )
        .hint(format!("name one of them with {option}"))
    }

    /// Digits enough for a subscriber's number: a header that is a year is no mistake.
    fn holds_phone_number(&self, column: usize) -> bool {
        let digits = |c: &char| c.is_numeric();
        looks_like_number(self.title(column))
            && self.title(column).chars().filter(digits).count() >= 7
    }

    fn quoted(&self, columns: &[usize]) -> Vec<String> {
        columns
            .iter()
            .map(|&column| format!("\"{}\"", self.title(column)))
            .collect()
    }

    /// The headers for people; of a very wide sheet the first ones.
    fn listed(&self) -> String {
        const SHOWN: usize = 20;
        let titled: Vec<usize> = (0..self.len())
            .filter(|&column| !self.title(column).is_empty())
            .collect();
        let shown = self.quoted(&titled[..titled.len().min(SHOWN)]).join(", ");
        match titled.len().saturating_sub(SHOWN) {
            0 => shown,
            more => format!("{shown} and {more} more"),
        }
    }
}

const MESSAGE_NAMES: &[&str] = &["message", "msg", "sms", "text", "mesej"];

/// What a phone column is called in Malaysian offices, in English, Malay and Chinese, written together and without the words for
/// "number". Left out on purpose: words that name something else as often (`contact`, `number`, `no`, `to`).
const PHONE_WORDS: &[&str] = &[
    "bimbit",
    "cell",
    "cellphone",
    "cellular",
    "contacthp",
    "contactmobile",
    "contactphone",
    "contacttel",
    "dstno",
    "fon",
    "handphone",
    "hp",
    "hpphone",
    "mobile",
    "mobilehp",
    "mobilephone",
    "mobiletel",
    "mobiletelephone",
    "msisdn",
    "phone",
    "phonehp",
    "phonemobile",
    "smsphone",
    "tel",
    "telbimbit",
    "telefon",
    "telefonbimbit",
    "telefonhp",
    "telephone",
    "telephonemobile",
    "telepon",
    "telhp",
    "telmobile",
    "telp",
    "telphone",
    "whatsapp",
    "whatsappphone",
    "手提",
    "手提电话",
    "手提電話",
    "手机",
    "手機",
    "手电",
    "流动电话",
    "流動電話",
    "电话",
    "移动电话",
    "移動電話",
    "联系手机",
    "联系电话",
    "联络电话",
    "聯絡手機",
    "聯絡電話",
    "聯繫電話",
    "行动电话",
    "行動電話",
    "電話",
    "個人電話",
    "个人电话",
];

/// Words for "number" that may stand before or after, as words of their own or grown together with it (`No. Tel`, `PhoneNo`,
/// `手机号码`), the longer before the shorter.
const NUMBER_WORDS: &[&str] = &[
    "numbers", "number", "nombor", "nomor", "num", "nos", "no", "号码", "號碼", "号", "號",
];

/// Only with a word for "number" a phone number: a column `Contact` may hold a person.
const PHONE_WITH_NUMBER: &[&str] = &["contact", "handset", "联系", "联络", "聯絡"];

fn is_phone_name(name: &str) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    let kept: String = words
        .iter()
        .copied()
        .filter(|word| !NUMBER_WORDS.contains(word))
        .collect();
    let bare = without_number_word(&kept);
    PHONE_WORDS.contains(&kept.as_str())
        || PHONE_WORDS.contains(&bare)
        || (bare.len() < words.concat().len() && PHONE_WITH_NUMBER.contains(&bare))
}

/// `notelefon`, `phonenumber`: with a word for "number" cut off one end, where that leaves something.
fn without_number_word(word: &str) -> &str {
    let cut = |number: &&str| {
        word.strip_prefix(*number)
            .or_else(|| word.strip_suffix(*number))
    };
    NUMBER_WORDS
        .iter()
        .find_map(cut)
        .filter(|rest| !rest.is_empty())
        .unwrap_or(word)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn columns(headers: &[&str]) -> Columns {
        Columns::parse(headers.iter().map(ToString::to_string).collect()).unwrap()
    }

    fn refusal(headers: &[&str]) -> String {
        Columns::parse(headers.iter().map(ToString::to_string).collect())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn names_are_what_a_template_can_write() {
        for (header, name) in [
            ("Name", "name"),
            ("No. Tel", "no_tel"),
            ("Baki (RM)", "baki_rm"),
            ("  First   Name ", "first_name"),
            ("\u{feff}\u{a0}Name\u{200b}", "name"),
            ("Na\u{200b}me", "name"),
            ("Prénom", "prenom"),
            ("Pre\u{301}nom", "prenom"),
            ("ÅNGSTRÖM", "angstrom"),
            ("İsim", "isim"),
            ("H/P #", "h_p"),
            ("__x--y__", "x_y"),
            ("2nd Name", "2nd_name"),
            ("姓名", "姓名"),
            ("手机 号码（必填）", "手机_号码_必填"),
            ("பெயர்", "பெயர்"),
            ("이름", "이름"),
            ("ガス", "ガス"),
            ("اسم", "اسم"),
            ("#", ""),
            ("", ""),
        ] {
            assert_eq!(template_name(header), name, "{header:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_name_is_its_own_name_and_has_no_blank_in_it(header in "\\PC{0,12}") {
            let name = template_name(&header);
            prop_assert_eq!(template_name(&name), name.clone());
            prop_assert!(!name.starts_with('_') && !name.ends_with('_') && !name.contains("__"));
            prop_assert!(!name.contains(char::is_whitespace));
        }
    }

    #[test]
    fn blank_headers_have_no_name_and_do_not_clash() {
        let columns = columns(&["Name", "", "\u{a0}", "#", ""]);
        let names: Vec<_> = columns.names().iter().map(Option::as_deref).collect();
        assert_eq!(names, [Some("name"), None, None, None, None]);
        assert_eq!(columns.headers()[2], "\u{a0}");
        assert_eq!(columns.title(2), "");
        assert_eq!(columns.title(9), "");
        assert_eq!(columns.len(), 5);
    }

    #[test]
    fn refuses_headers_that_a_template_cannot_tell_apart() {
        for (headers, sentence) in [
            (
                &["Name", "Phone", "NAME"][..],
                "the columns \"Name\" and \"NAME\" would both be {{ name }}; rename one of them",
            ),
            (
                &["Prénom", "prenom "],
                "the columns \"Prénom\" and \"prenom\" would both be {{ prenom }}; rename one of them",
            ),
            (
                &["#", "# "],
                "the columns \"#\" and \"#\" would both be {{ row[\"#\"] }}; rename one of them",
            ),
            (
                &["", " "],
                "no column has a header; add a row of headers at the top",
            ),
            (
                &[],
                "no column has a header; add a row of headers at the top",
            ),
        ] {
            assert_eq!(refusal(headers), sentence);
        }
    }

    #[test]
    fn a_column_is_asked_for_as_written_or_by_name() {
        let columns = columns(&["Customer Name", "No. Tel ", "", "Baki (RM)"]);
        for (wanted, position) in [
            ("Customer Name", 0),
            ("customer_name", 0),
            ("No. Tel", 1),
            ("No. Tel ", 1),
            ("NO TEL", 1),
            ("baki (rm)", 3),
        ] {
            assert_eq!(columns.position(wanted), Ok(position), "{wanted}");
        }
        for (wanted, sentence) in [
            (
                "no_tell",
                "there is no column \"no_tell\" among \"Customer Name\", \"No. Tel\", \"Baki (RM)\"; did you mean \"No. Tel\"?",
            ),
            (
                "zzz",
                "there is no column \"zzz\" among \"Customer Name\", \"No. Tel\", \"Baki (RM)\"; name one of these",
            ),
            (
                "",
                "there is no column \"\" among \"Customer Name\", \"No. Tel\", \"Baki (RM)\"; name one of these",
            ),
        ] {
            assert_eq!(columns.position(wanted).unwrap_err().to_string(), sentence);
        }
    }

    #[test]
    fn of_a_wide_sheet_the_first_columns_are_listed() {
        let headers: Vec<String> = (1..=23).map(|nth| format!("c{nth}")).collect();
        let error = Columns::parse(headers).unwrap().phone().unwrap_err();
        assert!(
            error.to_string().contains("\"c20\" and 3 more; "),
            "{error}"
        );
    }

    #[test]
    fn finds_the_phone_column_by_its_name() {
        for header in [
            "phone",
            "Phone No.",
            "PhoneNumber",
            "phone_number",
            "Phone #",
            "Mobile",
            "mobile_no",
            "Mobile Phone Number",
            "MSISDN",
            "dstno",
            "Telefon",
            "telefon bimbit",
            "No. Tel",
            "No Tel",
            "NOTEL",
            "Tel. No.",
            "Tel",
            "No HP",
            "nohp",
            "H/P",
            "HP",
            "H/P No.",
            "No. Tel (HP)",
            "handphone",
            "Handphone No",
            "Nombor Telefon",
            "nombor_telefon_bimbit",
            "no_telefon",
            "No. Telefon Bimbit",
            "Contact Number",
            "contact_no",
            "Contact Phone",
            "WhatsApp",
            "No. WhatsApp",
            "Cell",
            "Cell phone",
            "Telephone",
            "电话",
            "手机",
            "手机号",
            "手机号码",
            "手機號碼",
            "電話",
            "電話號碼",
            "联系电话",
            "联络电话",
            "\u{feff}Phone\u{a0}",
        ] {
            assert_eq!(
                columns(&["Name", header, "No", "Contact"]).phone(),
                Ok(1),
                "{header}"
            );
        }
        for header in [
            "Contact",
            "No",
            "Number",
            "Hotel",
            "Phone Model",
            "Telur",
            "sms_to",
            "Home phone",
            "IC No",
            "#",
        ] {
            assert!(columns(&["Name", header]).phone().is_err(), "{header}");
        }
    }

    #[test]
    fn a_phone_column_that_cannot_be_found_is_asked_for() {
        for (headers, sentence) in [
            (
                &["Name", "Phone", "No HP"][..],
                "the columns \"Phone\" and \"No HP\" could each hold the phone number; name one of them with --phone-column",
            ),
            (
                &["Phone", "Mobile", "No HP"],
                "the columns \"Phone\", \"Mobile\" and \"No HP\" could each hold the phone number; name one of them with --phone-column",
            ),
            (
                &["Name", "", "2024"],
                "there is no phone column among \"Name\", \"2024\"; name it with --phone-column, or delete the lines above the headers",
            ),
            (
                &["Ali", "+60 12-345 6789"],
                "the first row already holds a number (\"+60 12-345 6789\"); add a row of headers above it",
            ),
        ] {
            assert_eq!(columns(headers).phone().unwrap_err().to_string(), sentence);
        }
    }

    #[test]
    fn finds_the_message_column_by_its_name() {
        for header in ["message", "MSG", "sms", "Text", "Mesej "] {
            assert_eq!(
                columns(&["Phone", header]).message(),
                Ok(Some(1)),
                "{header}"
            );
        }
        assert_eq!(
            columns(&["Phone", "sms_message", "Messages sent"]).message(),
            Ok(None)
        );
        assert_eq!(
            columns(&["Phone", "Text", "Message"])
                .message()
                .unwrap_err()
                .to_string(),
            "the columns \"Text\" and \"Message\" could each hold the message; name one of them with --message-column"
        );
    }

    #[test]
    fn numbers_are_told_from_names() {
        for number in [
            "0123456789",
            "+60 12-345",
            "(03) 1234",
            "6.01E+10",
            " 12 ",
            "١٢٣",
        ] {
            assert!(looks_like_number(number), "{number}");
        }
        for name in ["Phone", "", " ", "-", "Phone 2", "电话", "nan", "inf"] {
            assert!(!looks_like_number(name), "{name}");
        }
    }
}
