//! Reads a spreadsheet once before it is planned, if its template reads dates or amounts from columns: how all cells of a column
//! are written decides how each of them is read.

use super::row::RowChecker;
use crate::domain::PlanOptions;
use crate::domain::cell::shown;
use crate::domain::header::Columns;
use crate::domain::options::{DateOrder, HiddenRows, MessageSource};
use crate::domain::report::DateColumn;
use crate::domain::template::{Example, Observed, Reading};
use crate::error::Remedy;
use crate::source::{Row, Source};
use crate::{Error, Kind, Result};

/// How many rows are read at a time.
const CHUNK: usize = 1_024;

/// What was found about the columns that dates and amounts are read from.
#[derive(Debug, Default)]
pub(super) struct ColumnNotations {
    /// The cell of each column of dates, and the order in which they are read.
    pub(super) date_orders: Vec<(usize, DateOrder)>,
    /// What the plan says about them.
    pub(super) reported: Vec<DateColumn>,
}

/// Whether the spreadsheet may have to be read twice, as far as the options show.
pub(super) fn may_be_needed(options: &PlanOptions) -> bool {
    match &options.message {
        MessageSource::Template(template) => {
            template.contains("date") || template.contains("money")
        }
        MessageSource::Column(_) => true,
    }
}

/// The first rows, from whose templates the columns of dates and amounts are taken. None where one template is common to all rows.
pub(super) fn first_rows(checker: &RowChecker<'_>, source: &mut Source) -> Result<Vec<Row>> {
    Ok(match checker.message_column() {
        None => Vec::new(),
        Some(_) => source.read(CHUNK)?.unwrap_or_default(),
    })
}

/// Reads all rows of the source, which begins with these. Returns what the columns show, and the digest of the spreadsheet.
pub(super) fn run(
    columns_read: &[(usize, Reading)],
    first_rows: Vec<Row>,
    mut source: Source,
    options: &PlanOptions,
) -> Result<(ColumnNotations, String)> {
    let mut observed: Vec<(usize, Observed)> = columns_read
        .iter()
        .map(|(cell, reading)| (*cell, Observed::new(*reading)))
        .collect();
    let mut rows = Some(first_rows);
    while let Some(chunk) = rows {
        for row in chunk.iter().filter(|row| counts(row, options)) {
            for (cell, observed) in &mut observed {
                // A number of a workbook is certain.
                if !row.is_number(*cell) {
                    observed.add(row.place().in_column(*cell), shown(row.held(*cell)));
                }
            }
        }
        rows = source.read(CHUNK)?;
    }
    let notations = conclude(&observed, source.columns())?;
    Ok((notations, source.digest()))
}

/// Whether the cells of this row show anything: not those of a row that is skipped, or whose cells may stand under other headers.
fn counts(row: &Row, options: &PlanOptions) -> bool {
    let is_skipped = row.is_hidden() && options.hidden == Some(HiddenRows::Skip);
    !is_skipped && row.error().is_none()
}

fn conclude(observed: &[(usize, Observed)], columns: &Columns) -> Result<ColumnNotations> {
    let mut notations = ColumnNotations::default();
    for (cell, observed) in observed {
        let title = columns.title(*cell);
        if let Some(examples) = observed.contradiction() {
            return Err(contradiction(title, observed.reading(), examples));
        }
        if observed.reading() == Reading::Amount {
            continue;
        }
        let order = observed.date_order();
        notations.date_orders.push((*cell, order));
        if let Some((example, day)) = observed.surprise() {
            notations.reported.push(DateColumn {
                column: title.to_owned(),
                order,
                is_shown: observed.shows_order(),
                place: example.place,
                cell: example.cell.clone(),
                day,
            });
        }
    }
    Ok(notations)
}

/// The error of a column that is written in two ways.
fn contradiction(title: &str, reading: Reading, examples: [&Example; 2]) -> Error {
    let [usual, other] =
        examples.map(|Example { place, cell }| format!("{place} holds \"{cell}\""));
    let error = |what: String| Error::new(Kind::Input, format!("column \"{title}\": {what}"));
    match reading {
        Reading::Date => error(format!(
            "{usual}, which can only have the day first, and {other}, which can only have the month first"
        ))
        .hint("write all its dates in one way, or say how they are read")
        .remedy(Remedy::DateOrder),
        Reading::Amount => error(format!(
            "{usual} and {other}, so commas and points do not mean the same in all rows"
        ))
        .hint("write all its amounts in one way, as in 1234.50 or 1,234.50"),
    }
}
