//! Planning a campaign: from a spreadsheet to a ledger that is ready to be put in place. The rules for numbers, texts,
//! duplicates and batches are in `domain`; this module applies them to row after row.

mod classify;
mod examples;
mod first_pass;
mod headers;
mod message;
mod pipeline;
mod row;
#[cfg(test)]
mod tests;

pub use first_pass::may_be_needed as reads_twice;
pub use pipeline::Progress;

use std::collections::HashSet;

use classify::Classifier;
use examples::Examples;
use headers::phone_column;
use row::{RowChecker, template_names};

use crate::domain::header::Columns;
use crate::domain::options::MessageSource;
use crate::domain::place::Places;
use crate::domain::report::Report;
use crate::domain::suppression::Suppression;
use crate::domain::template::Templates;
use crate::domain::{Msisdn, Place, PlanId, PlanOptions, ResultColumn, msisdn};
use crate::ledger::{Lock, PlanWriter};
use crate::source::{CsvDialect, KeptInput, ReadOptions, Row, changed, to_record};
use crate::{Error, Kind, Remedy, Result};

/// A finished plan, whose ledger is not in its place yet.
#[derive(Debug)]
pub struct Plan {
    /// The unfinished ledger, with all texts, batches and rows.
    pub writer: Box<dyn PlanWriter>,
    /// The options, with the columns that were found.
    pub options: PlanOptions,
    /// The header without the columns of a results file, as a record.
    pub header: String,
    /// The format of the results.
    pub dialect: CsvDialect,
    /// Of the header and the cells, hexadecimal.
    pub digest: String,
    /// What planning found.
    pub report: Report,
    /// Where each row is in the spreadsheet.
    pub places: Places,
    /// The id of its messages.
    pub id: PlanId,
}

/// The numbers in a spreadsheet, as far as they can be read. What is wrong with it, planning says.
#[must_use]
pub fn numbers(
    kept: &KeptInput<'_>,
    format: &ReadOptions,
    options: &PlanOptions,
) -> HashSet<Msisdn> {
    let mut numbers = HashSet::new();
    let Ok(mut source) = kept.open(format) else {
        return numbers;
    };
    let Ok(phone) = phone_column(options, source.columns()) else {
        return numbers;
    };
    while let Ok(Some(rows)) = source.read(first_pass::CHUNK) {
        let read = |row: &Row| msisdn::read(row.number_in(phone), options.region).ok();
        numbers.extend(rows.iter().filter_map(read));
    }
    numbers
}

/// Plans a campaign for a ledger in the place that is locked. An error in a template that is common to all
/// rows has the kind [`Kind::Template`] and no place; all others name theirs.
pub fn plan(
    kept: &KeptInput<'_>,
    format: &ReadOptions,
    options: &PlanOptions,
    suppression: &Suppression,
    lock: &Lock,
    progress: &dyn Progress,
) -> Result<Plan> {
    let planned = plan_kept(kept, format, options, suppression, lock, progress);
    // Whatever is wrong with it may come from that.
    kept.refuse_changed()?;
    planned
}

fn plan_kept(
    kept: &KeptInput<'_>,
    format: &ReadOptions,
    options: &PlanOptions,
    suppression: &Suppression,
    lock: &Lock,
    progress: &dyn Progress,
) -> Result<Plan> {
    let input = kept.input;
    let source = kept
        .open(format)
        .map_err(|error| headers::name_other_sheets(error, input, format))?;
    let hidden = source.hidden_rows();
    if options.hidden.is_none() && !hidden.is_empty() {
        return Err(hidden_rows(&hidden).at(input));
    }
    progress.opened(source.len_bytes());
    let place = input.to_string();
    let columns = source.columns().clone();
    let phone = match phone_column(options, &columns) {
        Ok(phone) => phone,
        Err(error) => return Err(headers::explain(error, source, input, options)),
    };
    let delimiter = source.dialect().delimiter;
    let templates = Templates::new(template_names(&columns), options.date_order);
    let mut checker = RowChecker::new(options, &templates, &columns, &place, delimiter, phone)?;
    let prepared = first_pass::prepare(source, kept, format, options, &mut checker)?;
    let mut writer = lock.begin_plan()?;
    let mut classifier = Classifier::new(
        options,
        suppression,
        Examples::new(&columns, &checker, delimiter),
    );
    let source = pipeline::run(
        prepared.first_rows,
        prepared.source,
        &checker,
        &mut classifier,
        &mut *writer,
        progress,
    )?;
    let digest = source.digest();
    if prepared.digest.is_some_and(|first| first != digest) {
        return Err(changed().at(&place));
    }

    let (mut report, places, id) = classifier.report(&checker.measured(), &*writer)?;
    if report.rows == 0 {
        return Err(
            Error::new(Kind::Input, "there are no rows under the header")
                .hint("check that the export holds the recipients")
                .at(&place),
        );
    }
    report.read_as = Some(source.read_as());
    report.blank_rows = source.blank_rows();
    report.hidden = hidden.len() as u64;
    report.first_hidden = hidden.into_iter().take(LISTED).collect();
    report.unformatted = source.unformatted();
    report.date_columns = prepared.date_columns;
    let header = columns.headers.iter().map(String::as_str);
    let header: Vec<_> = header
        .filter(|header| ResultColumn::parse(header).is_none())
        .collect();
    Ok(Plan {
        writer,
        options: planned_options(options, &checker, &columns),
        header: to_record(header, delimiter),
        dialect: source.dialect(),
        digest,
        report,
        places,
        id,
    })
}

/// The options with the columns that were found.
fn planned_options(
    options: &PlanOptions,
    checker: &RowChecker<'_>,
    columns: &Columns,
) -> PlanOptions {
    let title = |column| columns.title(column).to_owned();
    PlanOptions {
        phone_column: Some(title(checker.phone())),
        message: match checker.message_column() {
            Some(column) => MessageSource::Column(Some(title(column))),
            None => options.message.clone(),
        },
        ..options.clone()
    }
}

/// How many hidden rows an error lists.
const LISTED: usize = 5;

/// Somebody who filters a sheet and saves it may mean the rows that are left, or all of them.
fn hidden_rows(rows: &[Place]) -> Error {
    let listed: Vec<String> = rows.iter().take(LISTED).map(ToString::to_string).collect();
    let more = if rows.len() > LISTED { " and more" } else { "" };
    let (are, first) = match rows.len() {
        1 => ("row is", ""),
        _ => ("rows are", "the first: "),
    };
    Error::new(
        Kind::Input,
        format!(
            "{} {are} hidden or filtered out in the spreadsheet: {first}{}{more}",
            rows.len(),
            listed.join(", ")
        ),
    )
    .hint("show them and save it again, or say what to do with them")
    .remedy(Remedy::HiddenRows)
}
