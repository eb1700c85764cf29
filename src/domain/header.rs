//! The columns of a spreadsheet: the name of each in a template, and which hold the phone number and the message.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::cell::{shown, trimmed};
use super::column_names::{is_calling_code_name, is_message_name, is_phone_name, mentions_phone};
use super::punctuation::is_invisible;
use super::similar::{listed, nearest};
use crate::{Error, Kind, Remedy, Result};

/// The name of a column in a template: lower case, without accents, every run of characters other than letters and digits turned
/// into one `_`, none at the ends (`Baki (RM)` is `baki_rm`). Empty where the header has no letter or digit.
///
/// A name that begins with a digit (`2nd Name` is `2nd_name`) or is a word of the template language (`if`) cannot be written as a
/// variable. Such a column is written as `row["2nd Name"]`, which works for every column.
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
    // Other marks belong to their letter: the vowel signs of Tamil are marks.
    letters
        .split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c))
        .filter(|run| !run.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}

/// Whether this is an accent of a Latin, Greek or Cyrillic letter. The marks of other scripts change the letter itself (Tamil
/// vowels, the strokes of kana), so they stay.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Whether this is written like a number and not like a name: digits and no letters, or a number that a spreadsheet shortened
/// (`6.01E+10`).
#[must_use]
pub fn looks_like_number(cell: &str) -> bool {
    let cell = trimmed(cell);
    cell.chars().any(char::is_numeric)
        && (!cell.chars().any(char::is_alphabetic) || cell.parse::<f64>().is_ok())
}

/// The columns of a spreadsheet. At least one has a header, and no two have the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The headers, unchanged, for writing them again.
    pub headers: Vec<String>,
    /// The names in a template, one for each column, `None` where the header has no letter or digit.
    pub names: Vec<Option<String>>,
}

impl Columns {
    /// The columns with these headers. A blank header is allowed (spreadsheets leave empty columns at the right) and has no name. An
    /// error where all are blank, or where a template could not distinguish two of them.
    pub fn parse(headers: Vec<String>) -> Result<Self> {
        if headers.iter().all(|header| trimmed(header).is_empty()) {
            return Err(error("no column has a header").hint("add a row of headers at the top"));
        }
        let names = headers
            .iter()
            .map(|header| Some(template_name(header)).filter(|name| !name.is_empty()))
            .collect();
        let columns = Self { headers, names };
        columns.refuse_equal_names()?;
        Ok(columns)
    }

    fn refuse_equal_names(&self) -> Result<()> {
        let mut seen = HashMap::new();
        for column in 0..self.len() {
            let Some(placeholder) = self.placeholder(column) else {
                continue;
            };
            if let Some(earlier) = seen.insert(placeholder.clone(), column) {
                let both = self.quoted(&[earlier, column]).join(" and ");
                let what = format!("the columns {both} would both be {placeholder}");
                return Err(error(what).hint("rename one of them"));
            }
        }
        Ok(())
    }

    /// How a template writes the column; none under a blank header.
    fn placeholder(&self, column: usize) -> Option<String> {
        match (&self.names[column], self.title(column)) {
            (Some(name), _) => Some(format!("{{{{ {name} }}}}")),
            (None, "") => None,
            (None, title) => Some(format!("{{{{ row[\"{title}\"] }}}}")),
        }
    }

    /// The number of columns, those without a header included.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.headers.len()
    }

    /// The header of one column, as [`shown`]: for `row["..."]`, options and errors. Empty for a column that has none.
    #[must_use]
    pub fn title(&self, column: usize) -> &str {
        self.headers.get(column).map_or("", |header| shown(header))
    }

    /// The position of the column with this header, or else with this name in a template. The error lists the columns and suggests
    /// the most similar one.
    pub fn position(&self, wanted: &str) -> Result<usize> {
        let title = shown(wanted);
        let name = template_name(wanted);
        (0..self.len())
            .find(|&column| !title.is_empty() && self.title(column) == title)
            .or_else(|| self.names.iter().position(|of| of.as_ref() == Some(&name)))
            .ok_or_else(|| self.no_such_column(title, &name))
    }

    fn no_such_column(&self, wanted: &str, name: &str) -> Error {
        let all = self.listed();
        let error = error(format!("there is no column \"{wanted}\" among {all}"));
        let error = self.mark_data(error);
        let names = self.names.iter();
        let names: Vec<&str> = names.map(|name| name.as_deref().unwrap_or("")).collect();
        match nearest(name, &names) {
            Some(column) => error.hint(format!("did you mean \"{}\"?", self.title(column))),
            None => error.hint("name one of these"),
        }
    }

    /// The position of the column that holds the phone numbers, by its name. An error where there is none, or more than one.
    pub fn phone(&self) -> Result<usize> {
        if let Some(column) = self.only(is_phone_name, "phone number", Remedy::PhoneColumn)? {
            return Ok(column);
        }
        if let Some(number) = (0..self.len()).find(|&column| self.holds_phone_number(column)) {
            let number = self.title(number);
            let what = format!("the first row already holds a number (\"{number}\")");
            return Err(error(what)
                .quoting(number)
                .hint("add a row of headers above it"));
        }
        let what = format!("there is no phone column among {}", self.listed());
        let alike: Vec<usize> = (0..self.len())
            .filter(|&column| self.names[column].as_deref().is_some_and(mentions_phone))
            .collect();
        let hint = match self.quoted(&alike).join(" or ") {
            alike if alike.is_empty() => {
                "delete the lines above the headers, or name it".to_owned()
            }
            alike => format!("if it is {alike}, name it"),
        };
        let error = error(what).hint(hint).remedy(Remedy::PhoneColumn);
        Err(self.mark_data(error))
    }

    /// The position of the column that holds the message, by its name, if there is one. An error where there is more than one.
    pub fn message(&self) -> Result<Option<usize>> {
        self.only(is_message_name, "message", Remedy::MessageColumn)
    }

    /// The position of the column that holds the countries of the phone numbers, by its name, if there is one; of several none.
    #[must_use]
    pub fn calling_code(&self) -> Option<usize> {
        let fits = |name: &Option<String>| name.as_deref().is_some_and(is_calling_code_name);
        let mut fitting = (0..self.len()).filter(|&column| fits(&self.names[column]));
        let first = fitting.next()?;
        fitting.next().is_none().then_some(first)
    }

    /// The position of the only column with such a name, if there is one.
    fn only(&self, fits: fn(&str) -> bool, what: &str, remedy: Remedy) -> Result<Option<usize>> {
        let fitting: Vec<usize> = (0..self.len())
            .filter(|&column| self.names[column].as_deref().is_some_and(fits))
            .collect();
        let mut quoted = self.quoted(&fitting);
        match (quoted.pop(), quoted.join(", ")) {
            (Some(last), others) if !others.is_empty() => {
                let what = format!("the columns {others} and {last} could each hold the {what}");
                Err(error(what).hint("name one of them").remedy(remedy))
            }
            _ => Ok(fitting.first().copied()),
        }
    }

    /// Whether the header is a number with enough digits for a phone. One that is a year is a header.
    fn holds_phone_number(&self, column: usize) -> bool {
        let title = self.title(column);
        looks_like_number(title) && title.chars().filter(|c| c.is_numeric()).count() >= 7
    }

    /// The error, with the headers in it marked that are no headers but the data of a spreadsheet without any.
    fn mark_data(&self, error: Error) -> Error {
        let digits = |title: &&str| title.chars().filter(|c| c.is_numeric()).count() >= 5;
        let titles = (0..self.len()).map(|column| self.title(column));
        titles.filter(digits).fold(error, Error::quoting)
    }

    fn quoted(&self, columns: &[usize]) -> Vec<String> {
        let quoted = |&column: &usize| format!("\"{}\"", self.title(column));
        columns.iter().map(quoted).collect()
    }

    /// The headers for an error.
    fn listed(&self) -> String {
        let titled: Vec<usize> = (0..self.len())
            .filter(|&column| !self.title(column).is_empty())
            .collect();
        listed(&self.quoted(&titled))
    }
}

/// An error of the spreadsheet.
fn error(what: impl Into<String>) -> Error {
    Error::new(Kind::Input, what)
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
        fn a_name_is_its_own_name_and_has_no_white_space(header in "\\PC{0,12}") {
            let name = template_name(&header);
            prop_assert_eq!(template_name(&name), name.clone());
            prop_assert!(!name.starts_with('_') && !name.ends_with('_') && !name.contains("__"));
            prop_assert!(!name.contains(char::is_whitespace));
        }
    }

    #[test]
    fn blank_headers_have_no_name_and_do_not_clash() {
        let columns = columns(&["Name", "", "\u{a0}", "#", ""]);
        let names: Vec<_> = columns.names.iter().map(Option::as_deref).collect();
        assert_eq!(names, [Some("name"), None, None, None, None]);
        assert_eq!(columns.headers[2], "\u{a0}");
        assert_eq!(columns.title(2), "");
        assert_eq!(columns.title(9), "");
        assert_eq!(columns.len(), 5);
    }

    #[test]
    fn refuses_headers_that_a_template_cannot_distinguish() {
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
    fn a_column_is_found_by_its_header_or_by_its_name() {
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
        let headers: Vec<String> = (1..=33).map(|nth| format!("c{nth}")).collect();
        let error = Columns::parse(headers).unwrap().phone().unwrap_err();
        assert!(
            error.to_string().contains("\"c30\" and 3 more; "),
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
    fn a_phone_column_that_cannot_be_found_is_an_error() {
        for (headers, sentence) in [
            (
                &["Name", "Phone", "No HP"][..],
                "the columns \"Phone\" and \"No HP\" could each hold the phone number; name one of them",
            ),
            (
                &["Phone", "Mobile", "No HP"],
                "the columns \"Phone\", \"Mobile\" and \"No HP\" could each hold the phone number; name one of them",
            ),
            (
                &["Name", "", "2024"],
                "there is no phone column among \"Name\", \"2024\"; delete the lines above the headers, or name it",
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
            "the columns \"Text\" and \"Message\" could each hold the message; name one of them"
        );
    }

    #[test]
    fn numbers_are_distinguished_from_names() {
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
