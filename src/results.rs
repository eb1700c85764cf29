//! The results CSV: the spreadsheet as it came, with the outcome of every row beside it. It is made from the ledger alone,
//! with the same bytes each time.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;

use crate::domain::{Msisdn, ResultColumn, Status};
use crate::gateway::Code;
use crate::ledger::{Recipient, Snapshot};
use crate::{Error, Kind, Remedy, Result};

/// How many rows are read and formatted at a time.
const PAGE: u32 = 2_048;

/// Writes a header and the rows of a ledger, or only those with one of the statuses in `only`. Returns how many rows it
/// wrote.
pub fn write(ledger: &Snapshot, only: Option<&[Status]>, mut out: impl Write) -> Result<u64> {
    let campaign = ledger.campaign()?;
    if campaign.bom {
        out.write_all(BYTE_ORDER_MARK).map_err(write_error)?;
    }
    let mut header = Lines::new(campaign.delimiter);
    header
        .push(&campaign.header, ResultColumn::name)
        .and_then(|()| out.write_all(&header.into_bytes()))
        .map_err(write_error)?;
    let last = ledger.last_row()?;
    let pages: Vec<_> = (1..=last)
        .step_by(PAGE as usize)
        .map(|first| first..=last.min(first.saturating_add(PAGE - 1)))
        .collect();
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let snapshots = ledger.parallel(cores.min(pages.len()))?;
    let threads = snapshots.len();
    // The threads take the pages in turns. Each formats one page ahead of what is written.
    thread::scope(|scope| {
        let formatted: Vec<_> = (snapshots.into_iter().enumerate())
            .map(|(nth, snapshot)| {
                let (sender, receiver) = mpsc::sync_channel(1);
                let pages = pages.iter().skip(nth).step_by(threads).cloned();
                scope.spawn(move || {
                    for rows in pages {
                        let page = page(&snapshot, rows, only, campaign.delimiter);
                        if sender.send(page).is_err() {
                            return;
                        }
                    }
                });
                receiver
            })
            .collect();
        let mut written = 0;
        for receiver in formatted.iter().cycle().take(pages.len()) {
            let (lines, rows) = receiver.recv().map_err(|_| {
                Error::new(
                    Kind::Other,
                    "a thread that reads the results stopped without a reason",
                )
            })??;
            out.write_all(&lines).map_err(write_error)?;
            written += rows;
        }
        out.flush().map_err(write_error)?;
        Ok(written)
    })
}

/// The lines of these rows, and how many there are.
fn page(
    ledger: &Snapshot,
    rows: RangeInclusive<u32>,
    only: Option<&[Status]>,
    delimiter: u8,
) -> Result<(Vec<u8>, u64)> {
    let mut lines = Lines::new(delimiter);
    let mut count = 0;
    ledger.recipients(rows, |recipient| {
        if only.is_none_or(|only| only.contains(&recipient.status)) {
            count += 1;
            lines
                .push(recipient.cells, |column| cell(&recipient, column))
                .map_err(write_error)?;
        }
        Ok(())
    })?;
    Ok((lines.into_bytes(), count))
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A results file, which is written beside its place. It appears complete or not at all.
#[derive(Debug)]
pub struct ResultsFile {
    path: PathBuf,
    /// Where it is written first. `None`: the place is a device or a pipe, and is written to directly.
    partial: Option<PathBuf>,
}

impl ResultsFile {
    /// The results at this path. Whether they can be written is tried here, before anything is sent.
    pub fn prepare(path: &Path) -> Result<Self> {
        let mut file = Self {
            path: path.to_owned(),
            partial: None,
        };
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(file.error(io::ErrorKind::IsADirectory.into()));
            }
            Ok(metadata) if !metadata.is_file() => return Ok(file),
            // A link is kept, and its target is written.
            Ok(_) => file.path = fs::canonicalize(path).map_err(|error| file.error(error))?,
            Err(_) => {}
        }
        // Named after this process: two processes that write the same results must not write into one file.
        let mut partial = file.path.as_os_str().to_owned();
        partial.push(format!(".{}.partial", std::process::id()));
        let partial = PathBuf::from(partial);
        File::create(&partial)
            .and_then(|_| fs::remove_file(&partial))
            .map_err(|error| file.error(error))?;
        file.partial = Some(partial);
        Ok(file)
    }

    /// Writes the results of this ledger. Returns how many rows.
    pub fn write(&self, ledger: &Snapshot, only: Option<&[Status]>) -> Result<u64> {
        let target = self.partial.as_ref().unwrap_or(&self.path);
        let out = File::create(target).map_err(|error| self.error(error))?;
        let mut out = BufWriter::with_capacity(1 << 16, out);
        let written = write(ledger, only, &mut out).map_err(|error| error.at(self.path.display()));
        let Some(partial) = &self.partial else {
            return written;
        };
        let placed = written.and_then(|rows| {
            out.into_inner()
                .map_err(io::IntoInnerError::into_error)
                .and_then(|out| out.sync_all())
                .and_then(|()| fs::rename(partial, &self.path))
                .map_err(|error| self.error(error))?;
            Ok(rows)
        });
        if placed.is_err() {
            // Half a file is of no use. If it cannot be removed, the first error matters more.
            let _ = fs::remove_file(partial);
        }
        placed
    }

    /// Where the results are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn error(&self, error: io::Error) -> Error {
        Error::new(Kind::Disk, "the results cannot be written")
            .caused_by(error)
            .hint("choose another place")
            .remedy(Remedy::ResultsPath)
            .at(self.path.display())
    }
}

fn write_error(error: io::Error) -> Error {
    Error::new(Kind::Disk, "the results could not be written").caused_by(error)
}

/// Lines of the results: the spreadsheet's own cells, which are a CSV record already, followed by ours.
struct Lines {
    delimiter: u8,
    ours: csv::Writer<Buffer>,
    buffer: Buffer,
}

impl Lines {
    fn new(delimiter: u8) -> Self {
        let buffer = Buffer::default();
        Self {
            delimiter,
            ours: csv::WriterBuilder::new()
                .delimiter(delimiter)
                .from_writer(buffer.clone()),
            buffer,
        }
    }

    fn push<C: AsRef<str>>(
        &mut self,
        theirs: &str,
        ours: impl Fn(ResultColumn) -> C,
    ) -> io::Result<()> {
        // A spreadsheet of which every column was ours has none of its own left.
        if !theirs.is_empty() {
            self.buffer.write_all(theirs.as_bytes())?;
            self.buffer.write_all(&[self.delimiter])?;
        }
        for &column in ResultColumn::ALL {
            self.ours.write_field(ours(column).as_ref())?;
        }
        self.ours.write_record(None::<&[u8]>)?;
        self.ours.flush()
    }

    fn into_bytes(self) -> Vec<u8> {
        self.buffer.0.take()
    }
}

/// What a CSV writer and [`Lines`] both write to. The CSV writer keeps its own handle of it.
#[derive(Clone, Default)]
struct Buffer(Rc<RefCell<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The cell of this row in one of our columns.
fn cell<'r>(recipient: &Recipient<'r>, column: ResultColumn) -> Cow<'r, str> {
    let status = recipient.status;
    match column {
        ResultColumn::Row => number(Some(recipient.row)),
        ResultColumn::To => number(recipient.msisdn.map(Msisdn::as_u64)),
        ResultColumn::Status => status.as_str().into(),
        ResultColumn::Code => {
            let answered = matches!(status, Status::Accepted | Status::Refused | Status::Unknown);
            let code = recipient
                .code
                .filter(|_| answered || recipient.decision.is_some());
            code.map_or(Cow::Borrowed(""), |code| code.to_string().into())
        }
        ResultColumn::TrxId => {
            let trx_id = recipient.trx_id.filter(|_| status == Status::Accepted);
            guarded(trx_id.unwrap_or_default().into())
        }
        ResultColumn::Detail => guarded(detail(recipient)),
        ResultColumn::Type => number(recipient.encoding.map(|encoding| encoding.wire().into())),
        ResultColumn::Credits => {
            let costs = matches!(status, Status::Accepted | Status::Unknown | Status::Pending);
            number(Some(if costs { recipient.credits.into() } else { 0 }))
        }
        ResultColumn::Batch => number(recipient.batch),
        ResultColumn::Attempts => number(Some(recipient.attempts.into())),
        ResultColumn::SentAt => recipient.claimed_at.unwrap_or_default().into(),
        ResultColumn::Message => guarded(recipient.text.unwrap_or_default().into()),
    }
}

fn number(value: Option<u64>) -> Cow<'static, str> {
    value.map_or(Cow::Borrowed(""), |value| value.to_string().into())
}

/// A spreadsheet program takes a cell that begins like this for a formula, and runs it.
fn guarded(cell: Cow<'_, str>) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '@', '-', '\t', '\n', '\r']) {
        format!("'{cell}").into()
    } else {
        cell
    }
}

/// What a row's status means and what to do about it. Empty if there is nothing to do.
fn detail<'r>(recipient: &Recipient<'r>) -> Cow<'r, str> {
    if let Some(decision) = &recipient.decision {
        let note = decision.note.as_ref().map(|note| format!(": {note}"));
        return format!(
            "resolved by an operator as {} on {}{}",
            decision.resolution,
            decision.at,
            note.unwrap_or_default()
        )
        .into();
    }
    let reason = recipient.reason.unwrap_or_default();
    match recipient.status {
        Status::Accepted => "".into(),
        Status::Refused => refusal(recipient),
        Status::Unknown => format!(
            "{reason}; it may have been sent, so it is not sent again: look the number up in the iSMS portal, then \
             isms-campaign resolve"
        )
        .into(),
        Status::Pending if recipient.attempts == 0 => "".into(),
        Status::Pending => format!("not sent yet: {reason}").into(),
        Status::Invalid | Status::Duplicate | Status::Suppressed => reason.into(),
    }
}

fn refusal(recipient: &Recipient<'_>) -> Cow<'static, str> {
    let Some(code) = recipient.code else {
        return "refused by the gateway".into();
    };
    Code(code).refusal_of(recipient.refused_together.unwrap_or(1))
}
