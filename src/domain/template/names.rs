//! The columns of a spreadsheet by the names that templates use, and the sentences about names that do not exist.

use minijinja::machinery::{Token, tokenize};
use unicode_normalization::char::is_combining_mark;

use super::cell::{Cells, filled};
use super::error::RenderError;
use crate::domain::cell::shown;
use crate::domain::header::template_name;
use crate::domain::similar::{listed, nearest};

/// A column that templates can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its header, as written: for `row["Baki (RM)"]`, and for errors.
    pub header: String,
    /// Its name in templates: `baki_rm`.
    pub name: String,
    /// Which cell of a row it is, from 0.
    pub cell: usize,
}

/// The columns of a spreadsheet by the names that templates use. No two have the same name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnNames {
    pub(super) columns: Vec<Column>,
}

impl ColumnNames {
    /// These columns, their headers as a person sees them. Of two with one name (or one header) the first counts: the caller refuses such a
    /// spreadsheet.
    #[must_use]
    pub fn new(mut columns: Vec<Column>) -> Self {
        for column in &mut columns {
            column.header = shown(&column.header).to_owned();
        }
        Self { columns }
    }

    /// The position of the column with this name, or also with this header.
    pub(super) fn position(&self, name: &str, by_header: bool) -> Option<usize> {
        let with_header = || self.columns.iter().position(|column| column.header == name);
        let with_name = || self.columns.iter().position(|column| column.name == name);
        if by_header {
            with_header().or_else(with_name)
        } else {
            with_name()
        }
    }

    /// The position of the column that is probably meant by a header or name in another notation: `First Name`, `FIRST_NAME`,
    /// `first name`. Signs around it belong to it: `-10` is not `10`, nor is `name!` a name.
    #[must_use]
    pub fn meant(&self, written: &str) -> Option<usize> {
        let plain = |c: Option<char>| c.is_some_and(|c| c == '_' || c.is_alphanumeric());
        let small = written.to_lowercase();
        let by_header = || {
            let mut columns = self.columns.iter();
            columns.position(|column| column.header.to_lowercase() == small)
        };
        let by_name = || {
            (plain(written.chars().next()) && plain(written.chars().next_back()))
                .then(|| self.position(&template_name(written), false))
                .flatten()
        };
        self.position(written, true)
            .or_else(by_header)
            .or_else(by_name)
    }

    /// The position of the column that is meant by a field of another program, with or without the signs around it:
    /// `contact.FirstName`, `[Customers].[Name]`, `"name"`.
    #[must_use]
    pub fn of_field(&self, written: &str) -> Option<usize> {
        let is_part = |c: char| c.is_alphanumeric() || is_combining_mark(c);
        let bare = written.trim_matches(|c| !is_part(c));
        let last = bare
            .rsplit_once(['.', '>', '['])
            .filter(|(path, last)| {
                let is_path = |c: char| is_part(c) || "_.->[]'\"$!".contains(c);
                path.chars().all(is_path) && !last.starts_with(' ')
            })
            .map(|(_, last)| last.trim_matches(|c| !is_part(c)));
        self.meant(written.trim())
            .or_else(|| self.same_letters(bare))
            .or_else(|| self.same_letters(last?))
    }

    /// The position of the column with these letters and digits, whatever stands between them: `FirstName` is `First Name`.
    fn same_letters(&self, written: &str) -> Option<usize> {
        let letters = |name: &str| name.replace('_', "");
        let wanted = letters(&template_name(written));
        let same = |column: &Column| !wanted.is_empty() && letters(&column.name) == wanted;
        self.meant(written)
            .or_else(|| self.columns.iter().position(same))
    }

    /// What the cell of the column at this position shows.
    pub(super) fn shown<'c, C: Cells + ?Sized>(
        &self,
        position: usize,
        cells: &'c C,
    ) -> Result<&'c str, RenderError> {
        let column = &self.columns[position];
        filled(&column.header, cells.cell(column.cell))
    }

    /// The value that the cell of the column at this position holds.
    pub(super) fn held<'c, C: Cells + ?Sized>(
        &self,
        position: usize,
        cells: &'c C,
    ) -> Result<&'c str, RenderError> {
        let column = &self.columns[position];
        filled(&column.header, cells.held(column.cell))
    }

    /// The header of the column at this position.
    pub(super) fn header(&self, position: usize) -> &str {
        &self.columns[position].header
    }

    /// The value of this cell for a condition that asks whether it is filled.
    pub(super) fn truth<'c, C: Cells + ?Sized>(
        &self,
        position: usize,
        cells: &'c C,
    ) -> Result<&'c str, RenderError> {
        let held = self.held(position, cells)?;
        match NO.iter().find(|(no, _)| no.eq_ignore_ascii_case(held)) {
            None => Ok(held),
            Some((_, comparison)) => Err(RenderError::SaysNo {
                header: self.columns[position].header.clone(),
                cell: held.to_owned(),
                instead: format!("{} {comparison}", self.written(position)),
            }),
        }
    }

    /// How a template writes this column: `first_name`, or `row["2nd Name"]` where its name is not one to the engine.
    pub(super) fn written(&self, position: usize) -> String {
        let column = &self.columns[position];
        if is_variable(&column.name) {
            return column.name.clone();
        }
        let header = column.header.replace('\\', r"\\").replace('"', "\\\"");
        format!("row[\"{header}\"]")
    }

    /// The sentence about a column that does not exist.
    #[must_use]
    pub fn unknown(&self, name: &str) -> String {
        no_such("column", name, &self.names())
    }

    /// The names of all columns that have one.
    pub(crate) fn names(&self) -> Vec<&str> {
        let names = self.columns.iter().map(|column| column.name.as_str());
        names.filter(|name| !name.is_empty()).collect()
    }

    /// The names for a sentence.
    pub(super) fn listed(&self) -> String {
        listed(&self.names())
    }
}

/// Values that say no although they are not blank, as the check boxes of spreadsheets and databases do, and the comparison that
/// reads them.
const NO: &[(&str, &str)] = &[
    ("FALSE", "== \"TRUE\""),
    ("No", "== \"Yes\""),
    ("N", "== \"Y\""),
    ("Tidak", "== \"Ya\""),
    ("否", "== \"是\""),
    ("0", "| float > 0"),
];

/// Words of the language that cannot be the name of a column.
const WORDS: &[&str] = &[
    "and", "else", "false", "False", "if", "in", "is", "none", "None", "not", "or", "row", "self",
    "true", "True",
];

/// Whether the engine reads this as one name.
pub(super) fn is_variable(name: &str) -> bool {
    let mut tokens = tokenize(name, true, minijinja::syntax::SyntaxConfig::default());
    matches!(tokens.next(), Some(Ok((Token::Ident(whole), _))) if whole == name)
        && !WORDS.contains(&name)
}

/// `there is no column "nmae"; did you mean "name"? The columns are: name, town`.
pub(super) fn no_such(kind: &str, name: &str, names: &[&str]) -> String {
    let listed = listed(names);
    let what = format!("there is no {kind} \"{name}\"");
    match nearest(name, names).map(|position| names[position]) {
        Some(near) => format!("{what}; did you mean \"{near}\"? The {kind}s are: {listed}"),
        None => format!("{what}; the {kind}s are: {listed}"),
    }
}
