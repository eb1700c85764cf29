//! The pipeline of a plan: a reader thread, the row checks on all cores, the decisions that depend on earlier rows, and a
//! thread that writes the ledger's draft, with short queues in between so that memory does not grow with the spreadsheet. It
//! knows no rule of its own: what is valid, a duplicate or suppressed is decided in `campaign`.

mod classify;
mod message;
mod row;

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, SyncSender};

use rayon::prelude::*;

pub use message::Message;

use classify::{Decided, Planner};
use row::{Checked, Checker, names};

use crate::domain::ResultColumn;
use crate::domain::duplicates::Rule;
use crate::domain::msisdn::Region;
use crate::domain::report::Report;
use crate::domain::suppression::Suppression;
use crate::domain::template::Templates;
use crate::domain::text::{Punctuation, TypeChoice};
use crate::ledger::PlanWriter;
use crate::source::{CsvDialect, Input, ReadOptions, Row, Source, to_record};
use crate::{Error, Kind, Result};

/// What is to be planned, and how.
#[derive(Debug)]
pub struct Spec<'a> {
    /// The spreadsheet.
    pub input: &'a Input,
    /// How it is written, as far as somebody said so.
    pub format: ReadOptions,
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
    pub draft: PlanWriter,
    /// The header without our own columns, as a record.
    pub header: String,
    /// How the results must look.
    pub dress: CsvDialect,
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
pub trait Progress: Sync {
    /// The spreadsheet was opened; so many bytes long, where that is known.
    fn opened(&self, bytes: Option<u64>);
    /// So many bytes and rows are planned.
    fn planned(&self, bytes: u64, rows: u64);
}

/// How many chunks may wait between two stages: one to go on with, one in reserve.
const QUEUE: usize = 2;

/// Rows that go through the pipeline together: enough to keep all cores busy, few enough to weigh nothing.
const CHUNK: usize = 1_024;

/// Plans a campaign into a draft of the ledger at this path, whose lock the caller holds.
pub fn plan(
    spec: &Spec<'_>,
    suppression: &Suppression,
    ledger: &Path,
    watcher: &dyn Progress,
) -> Result<Plan> {
    let source = Source::open(spec.input, &spec.format)?;
    watcher.opened(source.len_bytes());
    let place = spec.input.to_string();
    let columns = source.columns().clone();
    let delimiter = source.dialect().delimiter;
    let position = source.position();
    let engine = Templates::new(names(&columns));
    let checker = Checker::new(spec, &engine, &columns, &place, delimiter)?;
    let kept: Vec<&str> = columns
        .headers()
        .iter()
        .map(String::as_str)
        .filter(|header| ResultColumn::parse(header).is_none())
        .collect();
    let mut draft = PlanWriter::begin(ledger)?;
    let mut planner = Planner::new(spec, suppression);
    let source = std::thread::scope(|scope| {
        let (to_checks, chunks) = mpsc::sync_channel(QUEUE);
        let (to_planner, rows) = mpsc::sync_channel(QUEUE);
        let (to_draft, decided) = mpsc::sync_channel(QUEUE);
        let (checker, draft) = (&checker, &mut draft);
        let reader = scope.spawn(move || read(source, &to_checks));
        scope.spawn(move || check_chunks(checker, &chunks, &to_planner));
        let writer = scope.spawn(move || store(draft, &decided));
        let ended = decide(&mut planner, rows, &to_draft, || position.bytes(), watcher);
        // The writer waits for the end of its queue.
        drop(to_draft);
        // Whoever failed first made the others stop: what the writer says comes first, as nothing else explains it.
        writer.join().map_err(|_| {
            Error::new(
                Kind::Input,
                "the writer of the plan stopped without a reason",
            )
        })??;
        ended?;
        reader.join().map_err(|_| {
            Error::new(Kind::Input, "the reader stopped without a reason").at(&place)
        })?
    })?;
    let mut report = planner.report(&checker.watched());
    if report.rows == 0 {
        return Err(
            Error::new(Kind::Input, "there are no rows under the header")
                .hint("check that the export holds the recipients")
                .at(&place),
        );
    }
    report.read_as = Some(source.read_as());
    report.blank_rows = source.blank_rows();
    Ok(Plan {
        draft,
        header: to_record(kept, delimiter),
        dress: source.dialect(),
        digest: source.digest().to_string(),
        report,
        phone_column: columns.title(checker.phone()).to_owned(),
        message_column: checker
            .message_column()
            .map(|column| columns.title(column).to_owned()),
    })
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
            let makers = checker.makers_for(&rows);
            rows.par_iter()
                .map_init(
                    || checker.record_writer(),
                    |record, row| checker.check(record, &makers, row),
                )
                .collect()
        });
        if planner.send(done).is_err() {
            return;
        }
    }
}

/// Decides row after row, in order, and hands them on until nobody wants them any more.
fn decide(
    planner: &mut Planner<'_>,
    chunks: Receiver<CheckedChunk>,
    draft: &SyncSender<Vec<Decided>>,
    bytes: impl Fn() -> u64,
    watcher: &dyn Progress,
) -> Result<()> {
    for chunk in chunks {
        let decided = chunk?.into_iter().map(|row| planner.decide(row)).collect();
        if draft.send(decided).is_err() {
            return Ok(());
        }
        watcher.planned(bytes(), planner.rows());
    }
    Ok(())
}

/// Stores what was decided.
fn store(draft: &mut PlanWriter, chunks: &Receiver<Vec<Decided>>) -> Result<()> {
    let mut inserts = draft.rows()?;
    chunks.iter().try_for_each(|rows| {
        classify::store(&rows, &mut inserts)?;
        // This thread has the most to do, and to give a row's memory back takes as long as a tenth of storing it. The pool does it
        // before the rows of the next chunk, so no more than a few chunks wait.
        rayon::spawn(move || drop(rows));
        Ok(())
    })
}
