//! Reads a spreadsheet once before it is planned, if its template reads dates or amounts from columns: how all cells of a column
//! are written decides how each of them is read.

use super::row::RowChecker;
use crate::domain::PlanOptions;
use crate::domain::cell::shown;
use crate::domain::options::{HiddenRows, MessageSource};
use crate::domain::report::DateColumn;
use crate::domain::template::{Example, Observed, Reading};
use crate::error::Remedy;
use crate::source::{KeptInput, ReadOptions, Row, Source};
use crate::{Error, Kind, Result};

/// How many rows are read at a time.
pub(super) const CHUNK: usize = 1_024;

/// A spreadsheet that is ready to be planned: how its columns of dates and amounts are read is known.
pub(super) struct Prepared {
    pub(super) source: Source,
    /// Rows that were read from it already.
    pub(super) first_rows: Vec<Row>,
    /// What the plan says about columns of dates.
    pub(super) date_columns: Vec<DateColumn>,
    /// Of the spreadsheet as it was the first time, if it is read twice.
    pub(super) digest: Option<String>,
}

/// Whether the spreadsheet may have to be read twice, as far as the options show.
#[must_use]
pub fn may_be_needed(options: &PlanOptions) -> bool {
    match &options.message {
        MessageSource::Template(template) => {
            template.contains("date") || template.contains("money")
        }
        MessageSource::Column(_) => true,
    }
}

/// Finds the columns that dates and amounts are read from: in the common template, or else in the templates of the first rows. If
/// there are any, reads all rows of the source, tells the checker the orders of dates, and opens the input again.
pub(super) fn prepare(
    mut source: Source,
    kept: &KeptInput<'_>,
    format: &ReadOptions,
    options: &PlanOptions,
    checker: &mut RowChecker<'_>,
) -> Result<Prepared> {
    let first_rows = match checker.message_column() {
        None => Vec::new(),
        Some(_) => source.read(CHUNK)?.unwrap_or_default(),
    };
    let mut observed: Vec<(usize, Observed)> = checker
        .columns_read(&first_rows)
        .into_iter()
        .map(|(cell, reading)| (cell, Observed::new(reading)))
        .collect();
    if observed.is_empty() {
        return Ok(Prepared {
            source,
            first_rows,
            date_columns: Vec::new(),
            digest: None,
        });
    }
    observe(&mut observed, first_rows, &mut source, options)?;
    let titles = |cell| source.columns().title(cell);
    refuse_contradiction(&observed, titles).map_err(|error| error.at(kept.input))?;
    let dates = observed
        .iter()
        .filter(|(_, observed)| observed.reading() == Reading::Date);
    checker.date_orders = dates
        .clone()
        .map(|(cell, observed)| (*cell, observed.date_order()))
        .collect();
    let date_columns = dates
        .filter_map(|(cell, observed)| date_column(titles(*cell), observed))
        .collect();
    let digest = Some(source.digest());
    // A workbook is in memory only once.
    drop(source);
    Ok(Prepared {
        source: kept.open(format)?,
        first_rows: Vec::new(),
        date_columns,
        digest,
    })
}

/// Notes what all rows of the source show, which begins with these.
fn observe(
    observed: &mut [(usize, Observed)],
    first_rows: Vec<Row>,
    source: &mut Source,
    options: &PlanOptions,
) -> Result<()> {
    let mut rows = Some(first_rows);
    while let Some(chunk) = rows {
        for row in chunk.iter().filter(|row| counts(row, options)) {
            for (cell, observed) in &mut *observed {
                // A number of a workbook is certain.
                if !row.is_number(*cell) {
                    observed.add(row.place().in_column(*cell), shown(row.held(*cell)));
                }
            }
        }
        rows = source.read(CHUNK)?;
    }
    Ok(())
}

/// Whether the cells of this row show anything: not those of a row that is skipped, or whose cells may stand under other headers.
fn counts(row: &Row, options: &PlanOptions) -> bool {
    let is_skipped = row.is_hidden() && options.hidden == Some(HiddenRows::Skip);
    !is_skipped && row.error().is_none()
}

/// Refuses a column that is written in two ways.
fn refuse_contradiction<'a>(
    observed: &'a [(usize, Observed)],
    title: impl Fn(usize) -> &'a str,
) -> Result<()> {
    let found = observed
        .iter()
        .find_map(|(cell, observed)| Some((cell, observed, observed.contradiction()?)));
    match found {
        None => Ok(()),
        Some((cell, observed, examples)) => {
            Err(contradiction(title(*cell), observed.reading(), examples))
        }
    }
}

fn date_column(title: &str, observed: &Observed) -> Option<DateColumn> {
    let (example, day) = observed.surprise()?;
    Some(DateColumn {
        column: title.to_owned(),
        order: observed.date_order(),
        is_shown: observed.shows_order(),
        place: example.place,
        cell: example.cell.clone(),
        day,
    })
}

/// The error of a column that is written in two ways.
fn contradiction(title: &str, reading: Reading, examples: [&Example; 2]) -> Error {
    let cells = examples.map(|example| example.cell.clone());
    let [usual, other] =
        examples.map(|Example { place, cell }| format!("{place} holds \"{cell}\""));
    let error = |what: String| {
        let error = Error::new(Kind::Input, format!("column \"{title}\": {what}"));
        cells.iter().fold(error, Error::quoting)
    };
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
