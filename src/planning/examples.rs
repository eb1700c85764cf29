//! Examples of what a plan finds: the row, its cell, and the text as it would go out. They are made for the first few rows only, so
//! the cells are taken from the row's record again.

use super::row::{CheckedRow, RowChecker};
use crate::domain::cell::shown;
use crate::domain::example::{Example, around};
use crate::domain::header::Columns;
use crate::domain::sheet_error::NOT_CALCULATED;
use crate::lint::{Finding, Rule as ContentRule};
use crate::source::cells_of;

/// The most characters of a cell in an example.
const LONGEST: usize = 60;

/// Makes examples of the rows of one spreadsheet.
pub(super) struct Examples<'a> {
    columns: &'a Columns,
    /// The columns whose cells a record has.
    kept: &'a [usize],
    delimiter: u8,
    phone: usize,
    /// The columns that texts are made of.
    used: Vec<usize>,
}

impl<'a> Examples<'a> {
    /// For rows that were checked by `checker`, whose records have this delimiter.
    pub(super) fn new(columns: &'a Columns, checker: &'a RowChecker<'_>, delimiter: u8) -> Self {
        Self {
            columns,
            kept: checker.kept(),
            delimiter,
            phone: checker.phone(),
            used: checker.used(),
        }
    }

    /// A row that cannot be sent because of the cell under this header.
    pub(super) fn of_invalid(&self, row: &CheckedRow, header: Option<&str>) -> Example {
        let column = header.and_then(|header| {
            (0..self.columns.len()).find(|column| self.columns.title(*column) == shown(header))
        });
        self.of_column(row, column)
    }

    /// A row and its number.
    pub(super) fn of_number(&self, row: &CheckedRow) -> Example {
        self.of_column(row, Some(self.phone))
    }

    fn of_column(&self, row: &CheckedRow, column: Option<usize>) -> Example {
        let mut cells = self.cells(row).into_iter();
        let cell = cells.find(|(index, _)| Some(*index) == column);
        let place = column.map_or(row.place, |column| row.place.in_column(column));
        Example {
            places: vec![place],
            column: column.map(|column| self.columns.title(column).to_owned()),
            excerpt: cell.map_or_else(String::new, |(_, cell)| cut(&cell)),
            text: None,
        }
    }

    /// A row to send with this part of its text.
    pub(super) fn of_excerpt(&self, row: &CheckedRow, excerpt: &str) -> Example {
        self.of_text(row, excerpt, self.source_of(row, excerpt, true))
    }

    /// A row to send that breaks a rule about content.
    pub(super) fn of_finding(&self, row: &CheckedRow, finding: &Finding) -> Example {
        let column = match finding.rule {
            ContentRule::SenderId => {
                let mut example = self.of_text(row, "", Some(self.phone));
                // Nothing is wrong with the number.
                example.column = None;
                return example;
            }
            // All words of the text may be the template's but one.
            ContentRule::Capitals => self.source_of(row, &finding.excerpt, false),
            _ => self.source_of(row, &finding.excerpt, true),
        };
        self.of_text(row, &finding.excerpt, column)
    }

    fn of_text(&self, row: &CheckedRow, excerpt: &str, column: Option<usize>) -> Example {
        let text = row.text.as_ref();
        Example {
            places: vec![column.map_or(row.place, |column| row.place.in_column(column))],
            column: column.map(|column| self.columns.title(column).to_owned()),
            excerpt: excerpt.to_owned(),
            text: text.map(|composed| around(&composed.text.body, excerpt)),
        }
    }

    /// The column whose cell holds this part of the text or, with `parts`, is a word of it.
    fn source_of(&self, row: &CheckedRow, excerpt: &str, parts: bool) -> Option<usize> {
        // A full stop may be the template's.
        let excerpt = excerpt.trim_end_matches(['…', '.', ',', '!', '?']);
        if excerpt.is_empty() || self.used.is_empty() {
            return None;
        }
        let cells = self.cells(row);
        let used = || {
            self.used.iter().filter_map(|used| {
                let (_, cell) = cells.iter().find(|(column, _)| column == used)?;
                Some((*used, one_line(cell)))
            })
        };
        used()
            .find(|(_, cell)| cell.contains(excerpt))
            .or_else(|| {
                used()
                    .filter(|(_, cell)| parts && is_word_of(cell, excerpt))
                    .max_by_key(|(_, cell)| cell.len())
            })
            .map(|(column, _)| column)
    }

    /// The cells of the row, each with the index of its column.
    fn cells(&self, row: &CheckedRow) -> Vec<(usize, String)> {
        let kept = self.kept.iter().copied();
        kept.zip(cells_of(&row.cells, self.delimiter)).collect()
    }
}

fn is_word_of(cell: &str, text: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !cell.is_empty()
        && text.match_indices(cell).any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + cell.len()..]);
            !is_part(before.chars().next_back()) && !is_part(after.chars().next())
        })
}

fn one_line(cell: &str) -> String {
    shown(cell).replace(char::is_control, " ")
}

fn cut(cell: &str) -> String {
    if shown(cell) == NOT_CALCULATED {
        return "a formula".to_owned();
    }
    let cell = one_line(cell);
    match cell.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &cell[..end]),
        None => cell,
    }
}
