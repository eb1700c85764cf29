//! The threads of a plan: one reads, all cores check rows, one classifies them in order, one writes the ledger. The queues in
//! between are short, so that memory does not grow with the spreadsheet.

use std::sync::mpsc::{self, Receiver, SyncSender};

use rayon::prelude::*;

use super::classify::{self, ClassifiedRow, Classifier};
use super::row::{CheckedRow, RowChecker};
use crate::ledger::PlanWriter;
use crate::source::{Row, Source};
use crate::{Error, Kind, Result};

/// Shows how far a plan is. Called between chunks.
pub trait Progress: Sync {
    /// The spreadsheet was opened. Its length in bytes, where that is known.
    fn opened(&self, bytes: Option<u64>);
    /// This many bytes were read, and this many rows are planned.
    fn planned(&self, bytes: u64, rows: u64);
}

/// How many chunks may wait between two stages: one to work on, one in reserve.
const QUEUE: usize = 2;

/// Rows that are passed on together: enough to keep all cores busy, few enough to take little memory.
const CHUNK: usize = 1_024;

/// A chunk of rows, or the error that ended reading or checking.
type Chunk<T> = Result<Vec<T>>;

/// Takes all rows of the source, which begins with these, through the checks and the classifier into the ledger. Returns the
/// source, read to its end.
pub(super) fn run(
    first_rows: Vec<Row>,
    source: Source,
    checker: &RowChecker<'_>,
    classifier: &mut Classifier<'_>,
    writer: &mut dyn PlanWriter,
    progress: &dyn Progress,
) -> Result<Source> {
    let position = source.position();
    std::thread::scope(|scope| {
        let (to_checks, from_reader) = mpsc::sync_channel(QUEUE);
        let (to_classifier, from_checks) = mpsc::sync_channel(QUEUE);
        let (to_writer, from_classifier) = mpsc::sync_channel(QUEUE);
        let reader = scope.spawn(move || read(first_rows, source, &to_checks));
        scope.spawn(move || check(checker, &from_reader, &to_classifier));
        let writer = scope.spawn(move || store(writer, &from_classifier));
        let ended = classify(classifier, from_checks, &to_writer, &|rows| {
            progress.planned(position.bytes(), rows);
        });
        // The writer ends with its queue.
        drop(to_writer);
        // The first stage that fails makes the others stop. Only the writer's own error explains why it stopped, so it comes first.
        writer.join().map_err(|_| ended_early("writer"))??;
        ended?;
        reader.join().map_err(|_| ended_early("reader"))?
    })
}

fn ended_early(thread: &str) -> Error {
    Error::new(
        Kind::Other,
        format!("the {thread} of the plan stopped unexpectedly"),
    )
}

/// Reads chunks until the end, or until the next stage has stopped.
fn read(
    first_rows: Vec<Row>,
    mut source: Source,
    chunks: &SyncSender<Chunk<Row>>,
) -> Result<Source> {
    let mut next = Ok(Some(first_rows));
    loop {
        match next {
            Ok(None) => return Ok(source),
            Ok(Some(chunk)) => {
                if chunks.send(Ok(chunk)).is_err() {
                    return Ok(source);
                }
                next = source.read(CHUNK);
            }
            Err(error) => {
                // The next stages must not take the end of the queue for the end of the spreadsheet.
                let _ = chunks.send(Err(error.clone()));
                return Err(error);
            }
        }
    }
}

/// Checks chunk after chunk on all cores, and keeps their order.
fn check(
    checker: &RowChecker<'_>,
    chunks: &Receiver<Chunk<Row>>,
    classifier: &SyncSender<Chunk<CheckedRow>>,
) {
    for chunk in chunks {
        let chunk = chunk.and_then(|rows| {
            let templates = checker.compile_cells(&rows);
            rows.par_iter()
                .map_init(
                    || checker.record_writer(),
                    |record, row| checker.check(record, &templates, row),
                )
                .collect()
        });
        if classifier.send(chunk).is_err() {
            return;
        }
    }
}

/// Classifies row after row, in order, until the end or until the writer has stopped.
fn classify(
    classifier: &mut Classifier<'_>,
    chunks: Receiver<Chunk<CheckedRow>>,
    writer: &SyncSender<Vec<ClassifiedRow>>,
    planned: &dyn Fn(u64),
) -> Result<()> {
    for chunk in chunks {
        let rows = chunk?.into_iter().map(|row| classifier.classify(row));
        if writer.send(rows.collect()).is_err() {
            return Ok(());
        }
        planned(classifier.rows());
    }
    Ok(())
}

/// Stores the classified rows.
fn store(writer: &mut dyn PlanWriter, chunks: &Receiver<Vec<ClassifiedRow>>) -> Result<()> {
    let mut inserts = writer.inserts()?;
    chunks.iter().try_for_each(|rows| {
        classify::store(&rows, &mut *inserts)?;
        // This thread is the busiest one, and freeing a chunk takes a tenth of the time of storing it. The pool does that before
        // it checks the next chunk, so only a few chunks wait.
        rayon::spawn(move || drop(rows));
        Ok(())
    })
}
