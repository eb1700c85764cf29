//! Where a row stands in its spreadsheet, as a person who opens it finds it: the numbers of rows under a header are not those
//! that a spreadsheet program or an editor shows.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// A row, or a cell in it, and where to look for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The number of the row, 1 for the first under the header (`sms_row`).
    pub row: u64,
    /// Where it is.
    #[serde(flatten)]
    pub location: Location,
}

/// Where a row is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Location {
    /// In a text.
    Text {
        /// The line on which its record begins, as an editor shows it.
        line: u64,
        /// The row in which a spreadsheet program shows it, where that is certain: a record of several lines is one row.
        sheet_row: Option<u64>,
    },
    /// In a sheet of a workbook.
    Sheet {
        /// The row of the sheet.
        sheet_row: u64,
        /// The index of the column, if a cell is meant.
        column: Option<usize>,
    },
}

impl Place {
    /// The cell of this row under a column, 0 for the first.
    #[must_use]
    pub fn in_column(self, column: usize) -> Self {
        Self {
            row: self.row,
            location: self.location.in_column(column),
        }
    }
}

impl Place {
    /// The place of a later row, if none of the rows in between takes more than one line.
    fn followed_by(self, row: u64) -> Self {
        let rows = row.saturating_sub(self.row);
        let location = match self.location {
            Location::Text { line, sheet_row } => Location::Text {
                line: line + rows,
                sheet_row: sheet_row.map(|row| row + rows),
            },
            Location::Sheet { sheet_row, column } => Location::Sheet {
                sheet_row: sheet_row + rows,
                column,
            },
        };
        Self { row, location }
    }
}

impl Location {
    /// The cell under a column, 0 for the first.
    #[must_use]
    pub fn in_column(mut self, index: usize) -> Self {
        if let Self::Sheet { column, .. } = &mut self {
            *column = Some(index);
        }
        self
    }

    /// The line of the text, or the row of the sheet.
    #[must_use]
    pub fn line(&self) -> u64 {
        match self {
            Self::Text { line, .. } => *line,
            Self::Sheet { sheet_row, .. } => *sheet_row,
        }
    }
}

/// `row 39 (C40)`, `row 39 (line 41)`.
impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {} ({})", self.row, self.location)
    }
}

impl Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text {
                line,
                sheet_row: Some(row),
            } if row != line => write!(f, "line {line}, row {row} in Excel"),
            Self::Text { line, .. } => write!(f, "line {line}"),
            Self::Sheet {
                sheet_row,
                column: Some(column),
            } => write!(f, "{}{sheet_row}", column_letters(*column)),
            Self::Sheet { sheet_row, .. } => write!(f, "sheet row {sheet_row}"),
        }
    }
}

/// The places of all rows in little memory: rows that follow one another without a gap share an entry.
#[derive(Debug, Default)]
pub struct Places(Vec<Place>);

impl Places {
    /// Adds the place of the next row.
    pub fn add(&mut self, place: Place) {
        let expected = self.0.last().map(|first| first.followed_by(place.row));
        if expected != Some(place) {
            self.0.push(place);
        }
    }

    /// The place of a row that was added.
    #[must_use]
    pub fn of(&self, row: u64) -> Option<Place> {
        let after = self.0.partition_point(|place| place.row <= row);
        Some(self.0.get(after.checked_sub(1)?)?.followed_by(row))
    }
}

/// `row 3 (C4)`, `rows 3 (C4), 9 (C10), ...`: the first of `rows` rows.
#[must_use]
pub fn listed(rows: u64, first: &[Place]) -> String {
    let listed: Vec<String> = first
        .iter()
        .map(|place| format!("{} ({})", place.row, place.location))
        .collect();
    let label = if rows == 1 { "row" } else { "rows" };
    let more = if rows > listed.len() as u64 {
        ", ..."
    } else {
        ""
    };
    format!("{label} {}{more}", listed.join(", "))
}

/// The letters of a column of a sheet: A for 0, AA for 26.
#[must_use]
pub fn column_letters(column: usize) -> String {
    let last = char::from(b'A' + u8::try_from(column % 26).unwrap_or_default());
    match column / 26 {
        0 => last.to_string(),
        before => column_letters(before - 1) + &last.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_to_look() {
        let text = |line, sheet_row| Location::Text { line, sheet_row };
        let sheet = |sheet_row| Location::Sheet {
            sheet_row,
            column: None,
        };
        let at = |location| Place { row: 39, location };
        for (place, said) in [
            (at(text(41, Some(41))), "row 39 (line 41)"),
            (at(text(41, None)), "row 39 (line 41)"),
            (at(text(45, Some(40))), "row 39 (line 45, row 40 in Excel)"),
            (at(sheet(40)), "row 39 (sheet row 40)"),
            (at(sheet(40)).in_column(0), "row 39 (A40)"),
            (at(sheet(40)).in_column(2), "row 39 (C40)"),
            (at(sheet(40)).in_column(25), "row 39 (Z40)"),
            (at(sheet(40)).in_column(26), "row 39 (AA40)"),
            (at(sheet(40)).in_column(701), "row 39 (ZZ40)"),
            (at(sheet(40)).in_column(702), "row 39 (AAA40)"),
            (at(sheet(40)).in_column(16_383), "row 39 (XFD40)"),
            (at(text(41, Some(41))).in_column(2), "row 39 (line 41)"),
        ] {
            assert_eq!(place.to_string(), said);
        }
        let places = [at(sheet(40)).in_column(2), at(text(41, None))];
        assert_eq!(listed(2, &places), "rows 39 (C40), 39 (line 41)");
        assert_eq!(listed(1, &places[..1]), "row 39 (C40)");
        assert_eq!(listed(9, &places[..1]), "rows 39 (C40), ...");
    }
}
