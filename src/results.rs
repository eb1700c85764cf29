//! The results CSV: the spreadsheet as it came, with the outcome of every row beside it. It is made from the ledger alone,
//! with the same bytes each time.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, SyncSender};

use itoa::Buffer as Digits;

use crate::domain::{Msisdn, ResultColumn, Status, Timestamp};
use crate::gateway::Code;
use crate::ledger::{Decision, Recipient, Snapshot};
use crate::source::push_cell;
use crate::{Error, Kind, Remedy, Result};

/// Writes a header and the rows of a ledger, or only those with one of the statuses in `only`. Returns how many rows it
/// wrote. `sandbox`: nobody received anything, and the rows say so.
pub fn write(
    ledger: &dyn Snapshot,
    only: Option<&[Status]>,
    sandbox: bool,
    out: impl Write + Send,
) -> Result<u64> {
    std::thread::scope(|scope| {
        let (to_writer, chunks) = mpsc::sync_channel(QUEUE);
        let writer = scope.spawn(move || write_chunks(out, &chunks));
        let rows = format_rows(ledger, only, sandbox, &to_writer);
        // The writer ends with its queue.
        drop(to_writer);
        let written = writer.join().map_err(|_| stopped())?;
        // Only the writer's own error explains why it stopped, so it comes first.
        written.map_err(write_error).and(rows)
    })
}

/// How many chunks may wait to be written.
const QUEUE: usize = 4;

/// How many bytes are written at a time.
const CHUNK: usize = 1 << 16;

/// Writes chunk after chunk, while the next one is read and formatted.
fn write_chunks(mut out: impl Write, chunks: &Receiver<String>) -> io::Result<()> {
    for chunk in chunks {
        out.write_all(chunk.as_bytes())?;
    }
    out.flush()
}

/// Formats the header and the rows, and hands them on in chunks. Returns how many rows.
fn format_rows(
    ledger: &dyn Snapshot,
    only: Option<&[Status]>,
    sandbox: bool,
    writer: &SyncSender<String>,
) -> Result<u64> {
    let campaign = ledger.campaign()?;
    let delimiter = campaign.delimiter;
    let mut chunk = String::with_capacity(2 * CHUNK);
    if campaign.bom {
        chunk.push_str(BYTE_ORDER_MARK);
    }
    push_line(&mut chunk, &campaign.header, delimiter, |line, column| {
        push_cell(line, column.name(), delimiter);
    });
    let mut rows = 0;
    ledger.recipients(1..=u32::MAX, &mut |recipient| {
        if only.is_none_or(|only| only.contains(&recipient.status)) {
            rows += 1;
            push_line(&mut chunk, recipient.cells, delimiter, |line, column| {
                push_cell(
                    line,
                    &cell(&recipient, column, sandbox, &mut Digits::new()),
                    delimiter,
                );
            });
        }
        if chunk.len() >= CHUNK {
            let full = std::mem::replace(&mut chunk, String::with_capacity(2 * CHUNK));
            writer.send(full).map_err(|_| stopped())?;
        }
        Ok(())
    })?;
    writer.send(chunk).map_err(|_| stopped())?;
    Ok(rows)
}

/// Adds a line: the spreadsheet's own cells, which are a CSV record already, and ours, which `push` adds.
fn push_line(
    lines: &mut String,
    theirs: &str,
    delimiter: u8,
    push: impl Fn(&mut String, ResultColumn),
) {
    lines.push_str(theirs);
    for (nth, column) in ResultColumn::ALL.iter().enumerate() {
        // A spreadsheet of which every column was ours has none of its own left.
        if nth > 0 || !theirs.is_empty() {
            lines.push(char::from(delimiter));
        }
        push(lines, *column);
    }
    lines.push('\n');
}

const BYTE_ORDER_MARK: &str = "\u{feff}";

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
            Ok(_) if path.is_symlink() => {
                file.path = fs::canonicalize(path).map_err(|error| file.error(error))?;
            }
            _ => {}
        }
        // Two processes that write the same results, perhaps on two hosts, must not write into one file.
        let mut partial = file.path.as_os_str().to_owned();
        partial.push(format!(".{:08x}.partial", fastrand::u32(..)));
        let partial = PathBuf::from(partial);
        File::create(&partial)
            .and_then(|_| fs::remove_file(&partial))
            .map_err(|error| file.error(error))?;
        file.partial = Some(partial);
        Ok(file)
    }

    /// Writes the results of this ledger, as [`write()`] does. Returns how many rows.
    pub fn write(
        &self,
        ledger: &dyn Snapshot,
        only: Option<&[Status]>,
        sandbox: bool,
    ) -> Result<u64> {
        let target = self.partial.as_ref().unwrap_or(&self.path);
        let out = File::create(target).map_err(|error| self.error(error))?;
        let written =
            write(ledger, only, sandbox, &out).map_err(|error| error.at(self.path.display()));
        let Some(partial) = &self.partial else {
            return written;
        };
        let placed = written.and_then(|rows| {
            out.sync_all()
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

/// The error of rows that cannot be written because the writer has stopped.
fn stopped() -> Error {
    Error::new(
        Kind::Other,
        "the writer of the results stopped unexpectedly",
    )
}

fn write_error(error: io::Error) -> Error {
    Error::new(Kind::Disk, "the results could not be written")
        .caused_by(error)
        .hint("the ledger holds all of it; make room there, and write them again")
}

/// The cell of this row in one of our columns.
fn cell<'c>(
    recipient: &Recipient<'c>,
    column: ResultColumn,
    sandbox: bool,
    digits: &'c mut Digits,
) -> Cow<'c, str> {
    let status = recipient.status;
    match column {
        ResultColumn::Row => number(digits, Some(recipient.row)),
        ResultColumn::To => number(digits, recipient.msisdn.map(Msisdn::as_u64)),
        ResultColumn::Status => status.as_str().into(),
        ResultColumn::Code => {
            let answered = matches!(status, Status::Accepted | Status::Refused | Status::Unknown);
            let resolved = status == Status::Pending && recipient.decision.is_some();
            let code = recipient.code.filter(|_| answered || resolved);
            code.map_or("", |code| digits.format(code)).into()
        }
        ResultColumn::TrxId => {
            let trx_id = recipient.trx_id.filter(|_| status == Status::Accepted);
            guarded(trx_id.unwrap_or_default().into())
        }
        ResultColumn::Detail => guarded(detail(recipient, sandbox).into()),
        ResultColumn::Type => number(
            digits,
            recipient.encoding.map(|encoding| encoding.wire().into()),
        ),
        ResultColumn::Credits => {
            let costs = matches!(status, Status::Accepted | Status::Unknown | Status::Pending);
            number(
                digits,
                Some(if costs { recipient.credits.into() } else { 0 }),
            )
        }
        // It may have been planned to be sent, and tried.
        ResultColumn::Batch | ResultColumn::SentAt if status == Status::Suppressed => "".into(),
        ResultColumn::Attempts if status == Status::Suppressed => "0".into(),
        ResultColumn::Batch => number(digits, recipient.batch),
        ResultColumn::Attempts => number(digits, Some(recipient.attempts.into())),
        ResultColumn::SentAt => recipient.claimed_at.unwrap_or_default().into(),
        ResultColumn::Message => guarded(recipient.text.unwrap_or_default().into()),
    }
}

fn number(digits: &mut Digits, value: Option<u64>) -> Cow<'_, str> {
    value.map_or("", |value| digits.format(value)).into()
}

/// A spreadsheet program takes a cell that begins like this for a formula, and runs it.
fn guarded(cell: Cow<'_, str>) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '@', '-', '\t', '\n', '\r']) {
        format!("'{cell}").into()
    } else {
        cell
    }
}

/// What is said of each message that only the sandbox took.
const SANDBOX: &str = "only the sandbox got it: nobody received it";

/// What a row's status means and what to do about it. Empty if there is nothing to do.
fn detail(recipient: &Recipient<'_>, sandbox: bool) -> String {
    let detail = outcome(recipient);
    if !sandbox || recipient.attempts == 0 {
        detail
    } else if detail.is_empty() {
        SANDBOX.to_owned()
    } else {
        format!("{SANDBOX}; {detail}")
    }
}

fn outcome(recipient: &Recipient<'_>) -> String {
    if let Some(Decision {
        at,
        resolution,
        note,
    }) = recipient
        .decision
        .filter(|_| recipient.status != Status::Suppressed)
    {
        let note = note.map(|note| format!(": {note}")).unwrap_or_default();
        let at = Timestamp::parse(at).map_or(at.to_owned(), |at| at.readable());
        return if recipient.status == Status::Cancelled {
            format!("cancelled by an operator on {at}{note}")
        } else {
            format!("resolved by an operator as {resolution} on {at}{note}")
        };
    }
    let reason = recipient.reason.unwrap_or_default();
    match recipient.status {
        Status::Accepted => String::new(),
        Status::Refused => match recipient.code {
            Some(code) => Code(code).refusal_of(recipient.refused_together.unwrap_or(1)),
            None => "refused by the gateway".to_owned(),
        },
        Status::Unknown => format!(
            "{reason}; it may have been sent, so it is not sent again: look the number up in the iSMS portal, then \
             isms-campaign resolve LEDGER --rows {} --as accepted, or --as not-sent",
            recipient.row
        ),
        Status::Pending if recipient.attempts == 0 => String::new(),
        Status::Pending => format!("not sent yet: {reason}"),
        Status::Suppressed if recipient.batch.is_some() => format!(
            "{reason}; it was pending before; if the list is wrong, isms-campaign resolve LEDGER --rows {} --as not-sent \
             makes it pending again",
            recipient.row
        ),
        Status::Invalid | Status::Duplicate | Status::Suppressed | Status::Cancelled => {
            reason.to_owned()
        }
    }
}
