//! The pipeline of a plan: a reader thread, the row checks on all cores, and the ledger's draft, with short queues
//! in between so that memory does not grow with the spreadsheet. It knows no rule of its own: what is valid, a
//! duplicate or suppressed is decided in `campaign`.

mod check;

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};

use rayon::prelude::*;

pub use check::Message;

use check::{Checked, Checker, names};

use crate::campaign::Msisdn;
use crate::campaign::column::{RESULT_COLUMNS, is_result_column};
use crate::campaign::cost::Costs;
use crate::campaign::duplicates::{Duplicates, Repeat, Rule};
use crate::campaign::grouping::Grouping;
use crate::campaign::lint::{self, Rule as Content};
use crate::campaign::msisdn::Region;
use crate::campaign::report::{ReadAs, Remark, Report};
use crate::campaign::suppression::Suppression;
use crate::campaign::template::Templates;
use crate::campaign::text::{Punctuation, TypeChoice};
use crate::ledger::{Draft, Fate, PlannedRow};
use crate::source::{Dress, Format, Input, Reading, Row, Shape, Source, to_record};
use crate::{Error, Result};

/// What is to be planned, and how.
#[derive(Debug)]
pub struct Spec<'a> {
    /// The spreadsheet.
    pub input: &'a Input,
    /// How it is written, as far as somebody said so.
    pub format: Format,
    /// Where the message is.
    pub message: Message,
    /// The column of the numbers, where it was named.
    pub phone_column: Option<&'a str>,
    /// The country of numbers without a country code.
    pub region: Region,
    /// How texts are to be encoded.
    pub kind: TypeChoice,
    /// What becomes of curly quotes and the like.
    pub punctuation: Punctuation,
    /// What is a duplicate.
    pub duplicates: Rule,
    /// The most recipients of a batch.
    pub batch_size: NonZeroU32,
    /// Whether texts are looked at for what networks block and what looks like a mistake.
    pub lint: bool,
    /// Whether a sender ID goes with the messages.
    pub sender_id: bool,
}

/// A plan that is not in its place yet.
#[derive(Debug)]
pub struct Plan {
    /// The ledger in the making.
    pub draft: Draft,
    /// The header without our own columns, as a record.
    pub header: String,
    /// How the results must look.
    pub dress: Dress,
    /// Of the header and the cells, hexadecimal.
    pub digest: String,
    /// What was found.
    pub report: Report,
    /// The header of the column of the numbers.
    pub phone_column: String,
    /// The header of the column of the messages, where that is where they are.
    pub message_column: Option<String>,
}

/// Who is told how far a plan is. Called between chunks.
pub trait Watcher: Sync {
    /// The spreadsheet was opened; so many bytes long, where that is known.
    fn opened(&self, bytes: Option<u64>);
    /// So many bytes and rows are planned.
    fn planned(&self, bytes: u64, rows: u64);
}

/// Rows that go through the pipeline together: enough to keep all cores busy, few enough to weigh nothing.
const CHUNK: usize = 1_024;

/// Plans a campaign into a draft of the ledger at this path, whose lock the caller holds.
pub fn plan(
    spec: &Spec<'_>,
    suppression: &Suppression,
    ledger: &Path,
    watcher: &dyn Watcher,
) -> Result<Plan> {
    let source = Source::open(spec.input, &spec.format)?;
    watcher.opened(source.len_bytes());
    let place = spec.input.to_string();
    let columns = source.columns().clone();
    let delimiter = source.delimiter().byte();
    let position = source.position();
    let engine = Templates::new(names(&columns));
    let checker = Checker::new(spec, &engine, &columns, &place, delimiter)?;
    let kept: Vec<&str> = columns
        .headers()
        .iter()
        .map(String::as_str)
        .filter(|header| !is_result_column(header))
        .collect();
    let mut planner = Planner {
        draft: Draft::begin(ledger)?,
        suppression,
        duplicates: Duplicates::new(spec.duplicates),
        grouping: Grouping::new(spec.batch_size),
        costs: Costs::default(),
        punctuation: spec.punctuation,
        sender_id: spec.lint && spec.sender_id,
        report: Report::default(),
    };
    let source = std::thread::scope(|scope| {
        let (to_checks, chunks) = mpsc::sync_channel(2);
        let (to_planner, done) = mpsc::sync_channel(2);
        let reader = scope.spawn(move || read(source, &to_checks));
        let checker = &checker;
        scope.spawn(move || check_chunks(checker, &chunks, &to_planner));
        planner.take_in(done, || position.bytes(), watcher)?;
        reader
            .join()
            .map_err(|_| Error::new("the reader stopped without a reason").at(&place))?
    })?;
    if planner.report.rows == 0 {
        return Err(Error::new("there are no rows under the header")
            .advice("check that the export holds the recipients")
            .at(&place));
    }
    let mut report = planner.report;
    report.read_as = Some(read_as(source.reading()));
    report.blank_rows = source.blank_rows();
    report.texts = planner.grouping.used_texts().into();
    report.batches = planner.grouping.batches().into();
    report.remarks.sort_by_key(|remark| {
        Content::ALL
            .map(Content::as_str)
            .iter()
            .position(|rule| *rule == remark.rule)
    });
    report.crowds = planner.duplicates.crowds();
    report.long_values = planner.costs.long_values(&checker.watched());
    if spec.kind != TypeChoice::Unicode {
        report.unicode_because = planner.costs.unicode();
    }
    Ok(Plan {
        draft: planner.draft,
        header: to_record(kept, delimiter),
        dress: source.dress(),
        digest: source.digest().to_string(),
        report,
        phone_column: columns.title(checker.phone()).to_owned(),
        message_column: checker
            .message_column()
            .map(|column| columns.title(column).to_owned()),
    })
}

fn remark(rule: Content, example: &str) -> Remark {
    Remark {
        rule: rule.as_str().to_owned(),
        what: rule.what().to_owned(),
        source: rule.source().to_owned(),
        rows: 0,
        first_rows: Vec::new(),
        example: example.to_owned(),
    }
}

fn read_as(reading: Reading) -> ReadAs {
    match reading.shape {
        Shape::Text {
            delimiter,
            encoding,
            assumed,
        } => ReadAs::Text {
            delimiter: char::from(delimiter.byte()),
            encoding: encoding.name().to_owned(),
            assumed,
            gzip: reading.gzip,
        },
        Shape::Workbook { sheet, sheets } => ReadAs::Workbook { sheet, sheets },
    }
}

/// Reads chunks until the end or until nobody wants them any more.
fn read(mut source: Source, chunks: &SyncSender<Result<Vec<Row>>>) -> Result<Source> {
    loop {
        match source.read(CHUNK) {
            Ok(None) => return Ok(source),
            Ok(Some(chunk)) => {
                if chunks.send(Ok(chunk)).is_err() {
                    return Ok(source);
                }
            }
            Err(fault) => {
                // Who waits for the next chunk is told why there is none.
                let _ = chunks.send(Err(fault.clone()));
                return Err(fault);
            }
        }
    }
}

type CheckedChunk = Result<Vec<Checked>>;

/// Checks chunk after chunk on all cores, order kept.
fn check_chunks(
    checker: &Checker<'_>,
    chunks: &Receiver<Result<Vec<Row>>>,
    planner: &SyncSender<CheckedChunk>,
) {
    for chunk in chunks {
        let done = chunk.and_then(|rows| {
            let templates = checker.templates_of(&rows);
            rows.par_iter()
                .map_init(
                    || checker.record_writer(),
                    |record, row| checker.check(record, &templates, row),
                )
                .collect()
        });
        if planner.send(done).is_err() {
            return;
        }
    }
}

/// The end of the pipeline: it sees every row in order and decides what depends on earlier ones.
struct Planner<'a> {
    draft: Draft,
    suppression: &'a Suppression,
    duplicates: Duplicates,
    grouping: Grouping,
    costs: Costs,
    punctuation: Punctuation,
    /// Whether numbers for which a sender ID is replaced are to be remarked.
    sender_id: bool,
    report: Report,
}

impl Planner<'_> {
    fn take_in(
        &mut self,
        chunks: Receiver<CheckedChunk>,
        bytes: impl Fn() -> u64,
        watcher: &dyn Watcher,
    ) -> Result<()> {
        for chunk in chunks {
            for row in chunk? {
                self.row(&row)?;
            }
            watcher.planned(bytes(), self.report.rows);
        }
        Ok(())
    }

    /// Where several things are wrong with a row it is invalid, then suppressed, then a duplicate.
    fn row(&mut self, checked: &Checked) -> Result<()> {
        let text = self.store_text(checked)?;
        let sendable = match (&checked.fault, checked.number, &checked.text, text) {
            (None, Some(number), Some(composed), Some(text)) => Some((number, composed, text)),
            _ => None,
        };
        let Some((number, (composed, fingerprint), text)) = sendable else {
            let (label, reason) = checked
                .fault
                .as_ref()
                .map_or(("", ""), |fault| (&fault.0, &fault.1));
            self.report.note_invalid(checked.row.into(), label);
            return self.store(checked, text, Fate::Invalid(reason));
        };
        if let Some(reason) = self.suppression.reason(number) {
            self.report.rows += 1;
            self.report.suppressed += 1;
            return self.store(checked, Some(text), Fate::Suppressed(&reason));
        }
        match self.duplicates.note(checked.row, number, text) {
            Repeat::Of(row) => {
                self.report.rows += 1;
                self.report.duplicate += 1;
                let reason = match self.duplicates.rule() {
                    Rule::Number => format!("row {row} has the same number"),
                    Rule::Message | Rule::Keep => format!("row {row} has the same number and text"),
                };
                self.store(checked, Some(text), Fate::Duplicate(&reason))
            }
            Repeat::Send(earlier) => {
                let batch = self.grouping.join(*fingerprint, earlier);
                if batch.new {
                    self.draft.add_batch(batch.number)?;
                }
                self.report.note_sendable(checked.row.into(), composed);
                let punctuation = self.punctuation;
                self.costs.note(composed, &checked.lengths, |c| {
                    punctuation.forces_unicode(c)
                });
                self.remark(checked, number);
                self.store(checked, Some(text), Fate::Send(batch.number))
            }
        }
    }

    /// Counts what networks may block and what looks like a mistake in a row to send.
    fn remark(&mut self, checked: &Checked, number: Msisdn) {
        let row = checked.row.into();
        for finding in &checked.findings {
            self.report.note_remark(row, finding.rule().as_str(), || {
                remark(finding.rule(), finding.excerpt())
            });
        }
        if self.sender_id && lint::sender_id_is_replaced(number) {
            let rule = Content::SenderId;
            self.report
                .note_remark(row, rule.as_str(), || remark(rule, &number.to_string()));
        }
    }

    fn store_text(&mut self, checked: &Checked) -> Result<Option<u32>> {
        let Some((text, fingerprint)) = &checked.text else {
            return Ok(None);
        };
        let numbered = self.grouping.text(*fingerprint);
        if numbered.new {
            self.draft.add_text(
                numbered.number,
                text.body(),
                text.encoding(),
                text.credits(),
            )?;
        }
        Ok(Some(numbered.number))
    }

    fn store(&mut self, checked: &Checked, text: Option<u32>, fate: Fate<'_>) -> Result<()> {
        self.draft.add_row(&PlannedRow {
            row: checked.row.into(),
            cells: &checked.cells,
            msisdn: checked.number,
            text,
            fate,
        })
    }
}

/// The position of the column of an earlier results file that says what became of a row.
fn status_column(headers: &[String]) -> Option<usize> {
    headers
        .iter()
        .position(|header| header == RESULT_COLUMNS[2])
}
