//! Finds the phone column, and explains why there is none: the headers stand further down, on another sheet, or all in one cell.

use crate::domain::PlanOptions;
use crate::domain::cell::shown;
use crate::domain::header::{Columns, looks_like_number};
use crate::domain::report::ReadAs;
use crate::error::Remedy;
use crate::source::{Delimiter, Input, OtherSheet, ReadOptions, Row, Source, other_sheets};
use crate::{Error, Kind, Result};

/// How many rows are searched for headers.
const SEARCHED: usize = 50;

/// The position of the phone column: the one that was named, or the one with a usual name.
pub(super) fn phone_column(options: &PlanOptions, columns: &Columns) -> Result<usize> {
    match &options.phone_column {
        Some(name) => columns.position(name),
        None => columns.phone(),
    }
}

/// The error of a spreadsheet without a phone column. It looks for the headers where people have them.
pub(super) fn explain(
    error: Error,
    mut source: Source,
    input: &Input,
    options: &PlanOptions,
) -> Error {
    let has_phone = |cells: Vec<String>| {
        Columns::parse(cells).is_ok_and(|columns| phone_column(options, &columns).is_ok())
    };
    let place = input.to_string();
    let titles: Vec<String> = source.columns().headers.clone();
    let first = titles
        .iter()
        .map(|title| shown(title))
        .find(|title| !title.is_empty());
    if titles.len() == 1 && split(&titles[0]).any(has_phone) {
        return Error::new(
            Kind::Input,
            "all headers stand in one cell, so that the columns are not separated",
        )
        .hint("separate them in the spreadsheet program (\"Text to Columns\"), or export the file again")
        .at(place);
    }
    let sheet = match source.read_as() {
        ReadAs::Workbook { sheet, .. } => Some(sheet),
        ReadAs::Text { .. } => None,
    };
    let rows = source.read(SEARCHED).ok().flatten().unwrap_or_default();
    let header = rows.iter().find(|row| match &cells(row)[..] {
        [cell] => split(cell).any(has_phone),
        // A row of a table may hold `Mobile` or `Phone`, but a header has as many words as any row, and no number.
        cells => {
            filled(cells) >= filled(&titles)
                && !cells.iter().any(|cell| is_long_number(cell))
                && has_phone(cells.to_vec())
        }
    });
    if let Some(header) = header {
        let place_in_file = if sheet.is_some() { "row" } else { "line" };
        return Error::new(
            Kind::Input,
            format!(
                "the headers seem to stand in {place_in_file} {}, below \"{}\"",
                header.place().location.line(),
                first.unwrap_or_default()
            ),
        )
        .hint("delete everything above them")
        .at(place);
    }
    if let ([title], None) = (&titles[..], &sheet)
        && let Some(error) = unseparated(title, has_phone)
    {
        return error.at(place);
    }
    let others = other_sheets(input, sheet.as_deref());
    let Some(sheet) = sheet.filter(|_| !others.is_empty()) else {
        return error.at(place);
    };
    // A sheet with one title is a cover.
    let is_cover = filled(&titles) == 1 && others.iter().any(|other| other.rows > 1);
    if is_cover
        || others
            .iter()
            .any(|other| phone_column(options, &other.columns).is_ok())
    {
        return on_another_sheet(error, &others).at(place);
    }
    let others = listed(&others);
    error
        .at(format!("the sheet \"{sheet}\" (beside {others})"))
        .at(place)
}

/// The error of a text file whose columns are separated by what no spreadsheet program writes, given all of its first line.
fn unseparated(title: &str, has_phone: impl Fn(Vec<String>) -> bool) -> Option<Error> {
    let apart = |separator: &str| {
        let cells = title.split(separator).map(|cell| cell.trim().to_owned());
        has_phone(cells.filter(|cell| !cell.is_empty()).collect())
    };
    let mut signs = title.chars().filter(|c| !" _-.()#".contains(*c));
    let sign = signs.find_map(|sign| {
        let delimiter = Delimiter::parse(&sign.to_string()).ok()?;
        apart(&sign.to_string()).then_some(delimiter)
    });
    if let Some(sign) = sign {
        let what = format!("the columns seem to be separated by {sign}");
        let error = Error::new(Kind::Input, what).hint("name what separates them");
        return Some(error.remedy(Remedy::Delimiter));
    }
    apart("  ").then(|| {
        Error::new(
            Kind::Input,
            "the columns seem to be separated by spaces, as many as fill them up",
        )
        .hint(
            "open it in the spreadsheet program (\"Text to Columns\") and save it as \"CSV UTF-8\"",
        )
    })
}

/// The error of a workbook that cannot be opened, where another of its sheets may be meant: with the rows that each holds.
pub(super) fn name_other_sheets(error: Error, input: &Input, format: &ReadOptions) -> Error {
    if format.sheet.is_some() || error.remedy != Some(Remedy::Sheet) {
        return error;
    }
    match other_sheets(input, None) {
        others if others.is_empty() => error,
        others => on_another_sheet(error, &others),
    }
}

fn on_another_sheet(error: Error, others: &[OtherSheet]) -> Error {
    error
        .instead(format!("name another of its sheets, {},", listed(others)))
        .remedy(Remedy::Sheet)
}

/// `"Data" (120 rows), "Old" (1 row)`
fn listed(others: &[OtherSheet]) -> String {
    let listed: Vec<String> = others
        .iter()
        .map(|OtherSheet { name, rows, .. }| match rows {
            1 => format!("\"{name}\" (1 row)"),
            rows => format!("\"{name}\" ({rows} rows)"),
        })
        .collect();
    listed.join(", ")
}

fn filled(cells: &[String]) -> usize {
    cells.iter().filter(|cell| !shown(cell).is_empty()).count()
}

/// Whether a cell of a row may hold a phone number.
fn is_long_number(cell: &str) -> bool {
    looks_like_number(cell) && cell.chars().filter(char::is_ascii_digit).count() >= 7
}

/// All cells of a row, those beyond the header too.
fn cells(row: &Row) -> Vec<String> {
    row.cells()
        .chain(row.surplus())
        .map(str::to_owned)
        .collect()
}

/// The cell, separated in each of the usual ways.
fn split(cell: &str) -> impl Iterator<Item = Vec<String>> {
    Delimiter::USUAL
        .into_iter()
        .map(|delimiter| {
            let cells = cell.split(char::from(delimiter.byte()));
            cells.map(str::to_owned).collect::<Vec<_>>()
        })
        .filter(|cells| cells.len() > 1)
}
