//! One row checked on its own: its number, its text, and everything that is wrong with it.

use std::collections::HashSet;
use std::sync::Arc;

use rayon::prelude::*;

use super::message::{
    self, CellTemplates, Composed, ComposedText, Composer, Invalid, MessageTemplate, RowTemplate,
};
use crate::domain::cell::{shown, trimmed};
use crate::domain::cost::{CellLengths, MEASURED_COLUMNS};
use crate::domain::header::Columns;
use crate::domain::msisdn::{self, NumberError, NumberErrorKind};
use crate::domain::options::{DateOrder, HiddenRows};
use crate::domain::template::{Cells, Column, ColumnNames, Reading, Templates};
use crate::domain::{Msisdn, Place, PlanOptions, ResultColumn, Status};
use crate::error::Remedy;
use crate::source::{RecordWriter, Row, RowError};
use crate::{Error, Kind, Result};

/// A row after its checks.
#[derive(Debug)]
pub(super) struct CheckedRow {
    pub(super) row: u32,
    pub(super) place: Place,
    /// Its own cells as a record.
    pub(super) cells: String,
    pub(super) number: Option<Msisdn>,
    pub(super) text: Option<Arc<ComposedText>>,
    /// How long the cells are that the text was made of.
    pub(super) lengths: CellLengths,
    /// Why it cannot be sent.
    pub(super) invalid: Option<Invalid>,
    /// Whether it is left out because the spreadsheet hides it. Nothing else of it is looked at then.
    pub(super) is_skipped: bool,
}

/// What every row is checked with. It is used by all cores at a time.
pub(super) struct RowChecker<'a> {
    options: &'a PlanOptions,
    templates: &'a Templates,
    columns: &'a Columns,
    place: &'a str,
    delimiter: u8,
    phone: usize,
    message: MessageTemplate<'a>,
    /// The column that names the countries of the numbers, if there is one.
    calling_code: Option<usize>,
    /// The columns of an earlier results file that hold a row's status and its reason.
    status: Option<usize>,
    detail: Option<usize>,
    /// The columns that are the spreadsheet's own.
    kept: Vec<usize>,
    /// The columns whose lengths show why a text is expensive: the first ones that a common template uses.
    measured: Vec<usize>,
    composer: Composer,
    /// The cells of columns whose dates are all read in one order.
    pub(super) date_orders: Vec<(usize, DateOrder)>,
}

/// The names that templates can use for these columns.
pub(super) fn template_names(columns: &Columns) -> ColumnNames {
    let column = |(cell, name): (usize, &Option<String>)| {
        let titled = !columns.title(cell).is_empty();
        titled.then(|| Column {
            header: columns.headers[cell].clone(),
            // A header without letters and digits has no name; row["%"] takes it.
            name: name.clone().unwrap_or_default(),
            cell,
        })
    };
    ColumnNames::new(
        columns
            .names
            .iter()
            .enumerate()
            .filter_map(column)
            .collect(),
    )
}

/// A row's cells as a template reads them, and the orders of day and month in columns of dates.
struct RowCells<'a>(&'a Row, &'a [(usize, DateOrder)]);

impl Cells for RowCells<'_> {
    fn cell(&self, index: usize) -> &str {
        self.0.cell(index)
    }

    fn held(&self, index: usize) -> &str {
        self.0.held(index)
    }

    fn is_number(&self, index: usize) -> bool {
        self.0.is_number(index)
    }

    fn date_order(&self, index: usize) -> Option<DateOrder> {
        let mut orders = self.1.iter();
        orders
            .find(|(cell, _)| *cell == index)
            .map(|(_, order)| *order)
    }
}

impl<'a> RowChecker<'a> {
    /// The checks for a spreadsheet with these columns, of which `phone` holds the numbers. A column that is missing or ambiguous, and an error in a common
    /// template, are reported here, before the first row.
    pub(super) fn new(
        options: &'a PlanOptions,
        templates: &'a Templates,
        columns: &'a Columns,
        place: &'a str,
        delimiter: u8,
        phone: usize,
    ) -> Result<Self> {
        let composer = Composer::new(options, templates.names())?;
        let message =
            message::find(&options.message, templates, columns, &composer).map_err(|error| {
                match error.kind {
                    Kind::Template => error,
                    _ => error.at(place),
                }
            })?;
        let result_column = |column: ResultColumn| {
            let mut headers = columns.headers.iter();
            headers.position(|header| header == column.name())
        };
        Ok(Self {
            options,
            templates,
            columns,
            place,
            delimiter,
            phone,
            measured: match &message {
                MessageTemplate::Common(RowTemplate::Varying(template)) => template
                    .used()
                    .map(|(_, cell)| cell)
                    .take(MEASURED_COLUMNS)
                    .collect(),
                // Where each row has a template of its own, no column is to blame for its length.
                MessageTemplate::Common(RowTemplate::Constant(_)) | MessageTemplate::Column(_) => {
                    Vec::new()
                }
            },
            message,
            composer,
            date_orders: Vec::new(),
            calling_code: columns.calling_code(),
            status: result_column(ResultColumn::Status),
            detail: result_column(ResultColumn::Detail),
            kept: (0..columns.len())
                .filter(|column| ResultColumn::parse(&columns.headers[*column]).is_none())
                .collect(),
        })
    }

    /// The column of the numbers.
    pub(super) fn phone(&self) -> usize {
        self.phone
    }

    /// The column of the messages, where they are in one.
    pub(super) fn message_column(&self) -> Option<usize> {
        match self.message {
            MessageTemplate::Common(_) => None,
            MessageTemplate::Column(column) => Some(column),
        }
    }

    /// The indexes and headers of the columns whose lengths are noted.
    pub(super) fn measured(&self) -> Vec<(usize, String)> {
        self.measured
            .iter()
            .map(|column| (*column, self.columns.title(*column).to_owned()))
            .collect()
    }

    /// The cells that the common template, or else the templates of these rows, read as dates or amounts. Not dates whose order was
    /// asked for.
    pub(super) fn columns_read(&self, rows: &[Row]) -> Vec<(usize, Reading)> {
        let cells = self.compile_cells(rows);
        let common = match &self.message {
            MessageTemplate::Common(template) => Some(template),
            MessageTemplate::Column(_) => None,
        };
        let mut read: Vec<(usize, Reading)> = common
            .into_iter()
            .chain(cells.values())
            .flat_map(RowTemplate::read)
            .copied()
            .filter(|(_, reading)| *reading != Reading::Date || self.options.date_order.is_none())
            .collect();
        read.sort_unstable();
        read.dedup();
        read
    }

    /// The columns whose cells a record has.
    pub(super) fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// The columns that texts are made of, the likeliest first.
    pub(super) fn used(&self) -> Vec<usize> {
        match &self.message {
            MessageTemplate::Common(RowTemplate::Constant(_)) => Vec::new(),
            MessageTemplate::Common(RowTemplate::Varying(template)) => {
                template.used().map(|(_, cell)| cell).collect()
            }
            MessageTemplate::Column(message) => {
                let all = 0..self.columns.len();
                std::iter::once(*message).chain(all).collect()
            }
        }
    }

    fn lengths(&self, row: &Row) -> CellLengths {
        let mut lengths = CellLengths::default();
        for (length, column) in lengths.iter_mut().zip(&self.measured) {
            *length = u16::try_from(shown(row.cell(*column)).chars().count()).unwrap_or(u16::MAX);
        }
        lengths
    }

    /// What one thread writes records with.
    pub(super) fn record_writer(&self) -> RecordWriter {
        RecordWriter::new(self.delimiter)
    }

    /// The templates in the message column of these rows, each compiled once.
    pub(super) fn compile_cells<'r>(&'r self, rows: &'r [Row]) -> CellTemplates<'r> {
        let MessageTemplate::Column(column) = self.message else {
            return CellTemplates::new();
        };
        let distinct: HashSet<&str> = rows.iter().map(|row| row.cell(column)).collect();
        let title = self.columns.title(column);
        distinct
            .into_par_iter()
            .map(|source| {
                (
                    source,
                    self.composer.compile_cell(self.templates, source, title),
                )
            })
            .collect()
    }

    fn text(&self, cells: &CellTemplates<'_>, row: &Row) -> Composed {
        let template = match &self.message {
            MessageTemplate::Common(template) => Some(template),
            MessageTemplate::Column(column) => cells.get(row.cell(*column)),
        };
        match template {
            Some(RowTemplate::Constant(composed)) => composed.clone(),
            Some(RowTemplate::Varying(template)) => {
                let cells = RowCells(row, &self.date_orders);
                self.composer.compose_row(template, &cells)
            }
            None => Err(Invalid {
                category: String::new(),
                reason: "the template was not compiled".to_owned(),
                header: None,
            }),
        }
    }

    /// The row with its number and text, and everything that is wrong with it.
    pub(super) fn check(
        &self,
        record: &mut RecordWriter,
        templates: &CellTemplates<'_>,
        row: &Row,
    ) -> Result<CheckedRow> {
        let checked = self.unchecked(record, row)?;
        if row.is_hidden() && self.options.hidden == Some(HiddenRows::Skip) {
            return Ok(CheckedRow {
                is_skipped: true,
                ..checked
            });
        }
        self.refuse_sent(row)?;
        let mut reasons = Reasons::default();
        if let Some(before) = self.invalid_before(row) {
            reasons.add("was invalid before and is not corrected", before, None);
        }
        if let Some(error) = row.error() {
            reasons.add(error.label(), format!("{error}{}", surplus(row)), None);
        }
        let number = self.number(row, &mut reasons);
        let text = self
            .text(templates, row)
            .map_err(|invalid| reasons.add(&invalid.category, invalid.reason, invalid.header))
            .ok();
        Ok(CheckedRow {
            number,
            lengths: self.lengths(row),
            text,
            invalid: reasons.0,
            ..checked
        })
    }

    /// The number of the row, if it can be read with certainty.
    fn number(&self, row: &Row, reasons: &mut Reasons) -> Option<Msisdn> {
        let title = self.columns.title(self.phone);
        let written = row.number_in(self.phone);
        let number = match msisdn::read(written, self.options.region) {
            Ok(number) => number,
            Err(error) => {
                let reason = format!("column \"{title}\": {error}");
                reasons.add(&category(&error), reason, Some(title.to_owned()));
                return None;
            }
        };
        let Some((column, country)) = self.other_country(row, written, number) else {
            return Some(number);
        };
        let reason = format!(
            "column \"{title}\": \"{}\" would be +{number}, but column \"{column}\" says \"{country}\"; write the number with + and its country code",
            shown(written)
        );
        let category = format!("the number is of another country than column \"{column}\" says");
        reasons.add(&category, reason, Some(column.to_owned()));
        None
    }

    /// The column that names another country than this number has, and what it says. A number that is written with its country is
    /// certain.
    fn other_country<'r>(
        &'r self,
        row: &'r Row,
        written: &str,
        number: Msisdn,
    ) -> Option<(&'r str, &'r str)> {
        let column = self.calling_code?;
        let country = shown(row.cell(column));
        let is_certain = written.contains(['+', '＋']) || shown(written).starts_with("00");
        let is_other = !is_certain && !country.is_empty() && !number.may_be_of(country);
        is_other.then(|| (self.columns.title(column), country))
    }

    /// The row with nothing but its cells.
    fn unchecked(&self, record: &mut RecordWriter, row: &Row) -> Result<CheckedRow> {
        Ok(CheckedRow {
            row: u32::try_from(row.number()).map_err(|_| {
                Error::new(Kind::Input, "has more than 4 294 967 295 rows")
                    .hint("split it")
                    .at(self.place)
            })?,
            place: row.place(),
            cells: record
                .write(self.kept.iter().map(|column| row.cell(*column)))
                .to_owned(),
            number: None,
            text: None,
            lengths: CellLengths::default(),
            invalid: None,
            is_skipped: false,
        })
    }

    /// Why a row of an earlier results file is still invalid. Its cells could not be trusted then, and the results file shows
    /// them in well-formed quotes under its header, so that only its own detail tells.
    fn invalid_before(&self, row: &Row) -> Option<String> {
        let status = trimmed(row.cell(self.status?));
        let detail = row.cell(self.detail?);
        let first = detail
            .strip_prefix(WAS_INVALID)
            .and_then(|detail| Some(detail.rsplit_once(CORRECT_IT)?.0))
            .unwrap_or(detail);
        let again = Status::parse(status) == Some(Status::Invalid) && RowError::described_in(first);
        again.then(|| format!("{WAS_INVALID}{first}{CORRECT_IT}"))
    }

    /// A results file can be planned again only for rows that were not sent.
    fn refuse_sent(&self, row: &Row) -> Result<()> {
        let Some(column) = self.status else {
            return Ok(());
        };
        let status = trimmed(row.cell(column));
        match Status::parse(status) {
            _ if status.is_empty() => Ok(()),
            Some(Status::Refused | Status::Invalid) => Ok(()),
            _ => Err(Error::new(
                Kind::Input,
                format!(
                    "{} {}, column \"sms_status\": says \"{status}\", so this row may have been sent already",
                    self.place,
                    row.place().in_column(column)
                ),
            )
            .hint("take only rows that were not sent")
            .remedy(Remedy::ListNotSent)),
        }
    }
}

const WAS_INVALID: &str = "was invalid before (";
const CORRECT_IT: &str = "); correct the cells and clear sms_status";

/// The most characters that a reason repeats of the cells beyond the header.
const MOST_SURPLUS: usize = 200;

/// The cells beyond the header, in brackets: the results have no column for them.
fn surplus(row: &Row) -> String {
    let cells: Vec<String> = row
        .surplus()
        .map(|cell| format!("\"{cell}\""))
        .take(MOST_SURPLUS)
        .collect();
    if cells.is_empty() {
        return String::new();
    }
    let all = cells.join(", ");
    match all.char_indices().nth(MOST_SURPLUS) {
        None => format!(" (beyond the header: {all})"),
        Some((end, _)) => format!(" (beyond the header: {}…)", &all[..end]),
    }
}

/// Everything that is wrong with a row: the category of the first thing, and all reasons.
#[derive(Default)]
struct Reasons(Option<Invalid>);

impl Reasons {
    fn add(&mut self, category: &str, reason: String, header: Option<String>) {
        match &mut self.0 {
            None => {
                self.0 = Some(Invalid {
                    category: category.to_owned(),
                    reason,
                    header,
                });
            }
            Some(first) => {
                first.reason.push_str("; ");
                first.reason.push_str(&reason);
            }
        }
    }
}

/// What rows with this error have in common.
fn category(error: &NumberError) -> String {
    match error.kind() {
        NumberErrorKind::Blank => error.to_string(),
        NumberErrorKind::Ambiguous(..) => "the number could be of two countries".to_owned(),
        NumberErrorKind::Rewritten(_) => {
            "the number is dialled differently from how it is written".to_owned()
        }
        kind => format!("the number {kind}"),
    }
}
