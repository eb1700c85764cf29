//! One row on its own: its number, its text, what is wrong with it. Pure, and run on many rows at a time; it
//! knows no other row.

use std::collections::HashSet;
use std::sync::Arc;

use rayon::prelude::*;

use super::Spec;
use super::message::{self, Composed, Composer, Maker, Makers, Message, Outcome, Place};
use crate::domain::cost::{CellLengths, MEASURED_COLUMNS};
use crate::domain::header::{Columns, trimmed};
use crate::domain::msisdn::{self, NumberError, NumberErrorKind};
use crate::domain::template::{Cells, Column, Names, Templates};
use crate::domain::{Msisdn, ResultColumn, Status};
use crate::source::{RecordWriter, Row, RowError};
use crate::{Error, Kind, Result};

/// A row after its checks.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) row: u32,
    /// Its own cells as a record.
    pub(super) cells: String,
    pub(super) number: Option<Msisdn>,
    pub(super) text: Option<Arc<Composed>>,
    /// How long the cells are that the text was made of.
    pub(super) lengths: CellLengths,
    /// Why it cannot be sent: in general, for counting, and in a sentence of its own.
    pub(super) fault: Option<(String, String)>,
}

/// What every row is checked against.
pub(super) struct Checker<'a> {
    spec: &'a Spec<'a>,
    engine: &'a Templates,
    columns: &'a Columns,
    place: &'a str,
    delimiter: u8,
    phone: usize,
    message: Place<'a>,
    /// The columns of an earlier results file that say what became of a row, and why.
    status: Option<usize>,
    detail: Option<usize>,
    /// The columns that are the spreadsheet's own.
    kept: Vec<usize>,
    /// The columns whose lengths say why a text is dear: the first ones that a common template uses.
    watched: Vec<usize>,
    composer: Composer,
}

/// The names that templates can use for these columns.
pub(super) fn names(columns: &Columns) -> Names {
    let column = |(cell, name): (usize, &Option<String>)| {
        let titled = !columns.title(cell).is_empty();
        titled.then(|| Column {
            header: columns.headers()[cell].clone(),
            // A header of signs only has no name, and is reached as row["%"].
            name: name.clone().unwrap_or_default(),
            cell,
        })
    };
    Names::new(
        columns
            .names()
            .iter()
            .enumerate()
            .filter_map(column)
            .collect(),
    )
}

/// A row's cells as a template sees them.
struct RowCells<'a>(&'a Row);

impl Cells for RowCells<'_> {
    fn cell(&self, index: usize) -> &str {
        self.0.cell(index)
    }
}

impl<'a> Checker<'a> {
    /// What the rows of a spreadsheet with these columns are checked against. A column that is missing or not certain,
    /// and a common template with a fault, are errors here, before the first row.
    pub(super) fn new(
        spec: &'a Spec<'a>,
        engine: &'a Templates,
        columns: &'a Columns,
        place: &'a str,
        delimiter: u8,
    ) -> Result<Self> {
        let at = |fault: Error| fault.at(place);
        let phone = match spec.phone_column {
            Some(name) => columns.position(name),
            None => columns.phone(),
        };
        let composer = Composer::new(spec, columns);
        let message =
            message::find(spec, engine, columns, &composer).map_err(|fault| {
                match &spec.message {
                    Message::Common { place, .. } => fault.at(place),
                    Message::Column(_) => fault.at(place),
                }
            })?;
        Ok(Self {
            spec,
            engine,
            columns,
            place,
            delimiter,
            phone: phone.map_err(at)?,
            watched: match &message {
                Place::Common(Maker::Each(template)) => template
                    .used()
                    .map(|(_, cell)| cell)
                    .take(MEASURED_COLUMNS)
                    .collect(),
                // Each row has a template of its own: a text is as long as its author made it.
                Place::Common(Maker::Same(_)) | Place::Column(_) => Vec::new(),
            },
            message,
            composer,
            status: position_of(columns, ResultColumn::Status),
            detail: position_of(columns, ResultColumn::Detail),
            kept: (0..columns.len())
                .filter(|column| ResultColumn::parse(&columns.headers()[*column]).is_none())
                .collect(),
        })
    }

    /// The column of the numbers.
    pub(super) fn phone(&self) -> usize {
        self.phone
    }

    /// The column of the messages, where that is where they are.
    pub(super) fn message_column(&self) -> Option<usize> {
        match self.message {
            Place::Common(_) => None,
            Place::Column(column) => Some(column),
        }
    }

    /// The headers of the columns whose lengths are noted.
    pub(super) fn watched(&self) -> Vec<String> {
        self.watched
            .iter()
            .map(|column| self.columns.title(*column).to_owned())
            .collect()
    }

    fn lengths(&self, row: &Row) -> CellLengths {
        let mut lengths = CellLengths::default();
        for (length, column) in lengths.iter_mut().zip(&self.watched) {
            *length = u16::try_from(row.cell(*column).chars().count()).unwrap_or(u16::MAX);
        }
        lengths
    }

    /// What one thread writes records with.
    pub(super) fn record_writer(&self) -> RecordWriter {
        RecordWriter::new(self.delimiter)
    }

    /// What makes the texts of these rows.
    pub(super) fn makers_for<'r>(&'r self, rows: &'r [Row]) -> Makers<'r> {
        let Place::Column(column) = self.message else {
            return Makers::new();
        };
        let distinct: HashSet<&str> = rows.iter().map(|row| row.cell(column)).collect();
        let title = self.columns.title(column);
        distinct
            .into_par_iter()
            .map(|source| (source, self.composer.of_cell(self.engine, source, title)))
            .collect()
    }

    fn text(&self, makers: &Makers<'_>, row: &Row) -> Outcome {
        let maker = match &self.message {
            Place::Common(maker) => Some(maker),
            Place::Column(column) => makers.get(row.cell(*column)),
        };
        match maker {
            Some(Maker::Same(outcome)) => outcome.clone(),
            Some(Maker::Each(template)) => self.composer.compose(template.render(&RowCells(row))),
            None => Err((String::new(), "the template was not compiled".to_owned())),
        }
    }

    /// The row with its number and text, and all that is wrong with it.
    pub(super) fn check(
        &self,
        record: &mut RecordWriter,
        makers: &Makers<'_>,
        row: &Row,
    ) -> Result<Checked> {
        self.refuse_sent(row)?;
        let number = Row::number(row);
        let mut faults = Faults::default();
        if let Some(before) = self.invalid_before(row) {
            faults.add("was invalid before and is not corrected", before);
        }
        if let Some(error) = row.error() {
            faults.add(error.label(), format!("{error}{}", beyond(row)));
        }
        let cell = row.cell(self.phone);
        let msisdn = msisdn::read(cell, self.spec.region)
            .map_err(|fault| {
                faults.add(
                    &label(&fault),
                    format!("column \"{}\": {fault}", self.columns.title(self.phone)),
                );
            })
            .ok();
        let text = match self.text(makers, row) {
            Ok(text) => Some(text),
            Err((label, fault)) => {
                faults.add(&label, fault);
                None
            }
        };
        Ok(Checked {
            row: u32::try_from(number).map_err(|_| {
                Error::new(Kind::Input, "has more than 4 294 967 295 rows")
                    .hint("split it")
                    .at(self.place)
            })?,
            cells: record
                .write(self.kept.iter().map(|column| row.cell(*column)))
                .to_owned(),
            number: msisdn,
            lengths: self.lengths(row),
            text,
            fault: faults.0,
        })
    }

    /// A row of an earlier results file whose cells were not to be trusted then: the file shows them in as many cells as the header
    /// and in sound quotes, so that nothing is wrong with them any more but what they say.
    fn invalid_before(&self, row: &Row) -> Option<String> {
        let word = trimmed(row.cell(self.status?));
        let detail = row.cell(self.detail?);
        let first = detail
            .strip_prefix(WAS_INVALID)
            .and_then(|detail| Some(detail.rsplit_once(CORRECT_IT)?.0))
            .unwrap_or(detail);
        let again = Status::parse(word) == Some(Status::Invalid) && RowError::described_in(first);
        again.then(|| format!("{WAS_INVALID}{first}{CORRECT_IT}"))
    }

    /// A results file can be planned again only for rows that were not sent.
    fn refuse_sent(&self, row: &Row) -> Result<()> {
        let Some(column) = self.status else {
            return Ok(());
        };
        let word = trimmed(row.cell(column));
        match Status::parse(word) {
            _ if word.is_empty() => Ok(()),
            Some(Status::Refused | Status::Invalid) => Ok(()),
            _ => Err(Error::new(Kind::Input, format!(
                "{} row {}, column \"sms_status\": says \"{word}\", so this row may have been sent already",
                self.place,
                row.number()
            ))
            .hint(
                "take only rows that were not sent: isms-campaign results LEDGER --status refused,invalid",
            )),
        }
    }
}

const WAS_INVALID: &str = "was invalid before (";
const CORRECT_IT: &str = "); correct the cells and clear sms_status";

/// The most characters of what lies beyond the header that a sentence repeats.
const BEYOND: usize = 200;

/// What a row holds beyond the header, in brackets: no column of the results would have it.
fn beyond(row: &Row) -> String {
    let cells: Vec<String> = row
        .surplus()
        .map(|cell| format!("\"{cell}\""))
        .take(BEYOND)
        .collect();
    if cells.is_empty() {
        return String::new();
    }
    let all = cells.join(", ");
    match all.char_indices().nth(BEYOND) {
        None => format!(" (beyond the header: {all})"),
        Some((end, _)) => format!(" (beyond the header: {}…)", &all[..end]),
    }
}

fn position_of(columns: &Columns, column: ResultColumn) -> Option<usize> {
    columns
        .headers()
        .iter()
        .position(|header| header == column.name())
}

/// What is wrong with a row: the first label, and every sentence.
#[derive(Default)]
struct Faults(Option<(String, String)>);

impl Faults {
    fn add(&mut self, label: &str, sentence: String) {
        match &mut self.0 {
            None => self.0 = Some((label.to_owned(), sentence)),
            Some((_, all)) => {
                all.push_str("; ");
                all.push_str(&sentence);
            }
        }
    }
}

/// What rows with this error have in common.
fn label(error: &NumberError) -> String {
    match error.kind() {
        NumberErrorKind::Blank => error.to_string(),
        NumberErrorKind::Ambiguous(..) => "the number could be of two countries".to_owned(),
        NumberErrorKind::Rewritten(_) => {
            "the number is dialled otherwise than it is written".to_owned()
        }
        kind => format!("the number {kind}"),
    }
}
