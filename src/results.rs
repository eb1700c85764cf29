//! The results CSV: the spreadsheet as it came, with the outcome beside every row. It is made from a ledger
//! alone, the same bytes each time, and knows no gateway and no templates.

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
use crate::{Error, Kind, Result};

/// Writes the rows of a ledger, or those with one of the statuses in `only`, with a header. Returns how many
/// rows it wrote.
pub fn write(ledger: &Snapshot, only: Option<&[Status]>, mut out: impl Write) -> Result<u64> {
    let campaign = ledger.campaign()?;
    if campaign.bom {
        out.write_all(BYTE_ORDER_MARK).map_err(unwritable)?;
    }
    let mut head = Sheet::new(campaign.delimiter);
    head.line(&campaign.header, ResultColumn::name)
        .and_then(|()| out.write_all(&head.lines))
        .map_err(unwritable)?;
    let last = ledger.last_row()?;
    let pages: Vec<_> = (1..=last)
        .step_by(PAGE as usize)
        .map(|first| first..=last.min(first.saturating_add(PAGE - 1)))
        .collect();
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let readers = ledger.parallel(cores.min(pages.len()))?;
    let count = readers.len();
    // The readers take the pages in turns, each a page ahead of what is written.
    thread::scope(|scope| {
        let made: Vec<_> = (readers.into_iter().enumerate())
            .map(|(nth, reader)| {
                let (to_out, made) = mpsc::sync_channel(1);
                let pages = pages.iter().skip(nth).step_by(count).cloned();
                scope.spawn(move || {
                    for rows in pages {
                        let page = page(&reader, rows, only, campaign.delimiter);
                        if to_out.send(page).is_err() {
                            return;
                        }
                    }
                });
                made
            })
            .collect();
        let mut written = 0;
        for made in made.iter().cycle().take(pages.len()) {
            let (lines, rows) = made.recv().map_err(|_| {
                Error::new(
                    Kind::Disk,
                    "the reader of the results stopped without a reason",
                )
            })??;
            out.write_all(&lines).map_err(unwritable)?;
            written += rows;
        }
        out.flush().map_err(unwritable)?;
        Ok(written)
    })
}

/// How many rows are read and put together at a time.
const PAGE: u32 = 2_048;

/// The lines of these rows, and how many there are.
fn page(
    ledger: &Snapshot,
    rows: RangeInclusive<u32>,
    only: Option<&[Status]>,
    delimiter: u8,
) -> Result<(Vec<u8>, u64)> {
    let mut sheet = Sheet::new(delimiter);
    let mut lines = 0;
    ledger.recipients(rows, |recipient| {
        if only.is_none_or(|only| only.contains(&recipient.status)) {
            lines += 1;
            sheet
                .line(recipient.cells, |column| cell(&recipient, column))
                .map_err(unwritable)?;
        }
        Ok(())
    })?;
    Ok((sheet.lines, lines))
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A results file in the making beside its place. It appears whole or not at all.
#[derive(Debug)]
pub struct ResultsFile {
    path: PathBuf,
    /// Where it is put together; `None` where the place is no file (a device, a pipe) and takes what is written at once.
    partial: Option<PathBuf>,
}

impl ResultsFile {
    /// The results at this path, which can be written: that is tried here, before anything is sent.
    pub fn prepare(path: &Path) -> Result<Self> {
        let mut file = Self {
            path: path.to_owned(),
            partial: None,
        };
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(file.fault(&io::ErrorKind::IsADirectory.into()));
            }
            Ok(metadata) if !metadata.is_file() => return Ok(file),
            // A link stays one: what it leads to is written.
            Ok(_) => file.path = fs::canonicalize(path).map_err(|fault| file.fault(&fault))?,
            Err(_) => {}
        }
        // Named after this process: two that write the same results would otherwise write into each other's.
        let mut partial = file.path.as_os_str().to_owned();
        partial.push(format!(".{}.partial", std::process::id()));
        let partial = PathBuf::from(partial);
        File::create(&partial)
            .and_then(|_| fs::remove_file(&partial))
            .map_err(|fault| file.fault(&fault))?;
        file.partial = Some(partial);
        Ok(file)
    }

    /// Writes the results of this ledger. Returns how many rows.
    pub fn write(&self, ledger: &Snapshot, only: Option<&[Status]>) -> Result<u64> {
        let target = self.partial.as_ref().unwrap_or(&self.path);
        let out = File::create(target).map_err(|fault| self.fault(&fault))?;
        let mut out = BufWriter::with_capacity(1 << 16, out);
        let written = write(ledger, only, &mut out).map_err(|fault| fault.at(self.path.display()));
        let Some(partial) = &self.partial else {
            return written;
        };
        let placed = written.and_then(|rows| {
            out.into_inner()
                .map_err(io::IntoInnerError::into_error)
                .and_then(|out| out.sync_all())
                .and_then(|()| fs::rename(partial, &self.path))
                .map_err(|fault| self.fault(&fault))?;
            Ok(rows)
        });
        if placed.is_err() {
            // Half a file is worth nothing, and the fault is told anyway.
            let _ = fs::remove_file(partial);
        }
        placed
    }

    /// Where the results are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn fault(&self, fault: &io::Error) -> Error {
        Error::new(
            Kind::Disk,
            format!("the results cannot be written: {fault}"),
        )
        .hint("choose another place with --results")
        .at(self.path.display())
    }
}

#[allow(clippy::needless_pass_by_value)] // as map_err hands it over
fn unwritable(fault: io::Error) -> Error {
    Error::new(
        Kind::Disk,
        format!("the results could not be written: {fault}"),
    )
}

/// Lines of the spreadsheet's own cells, which are a record already, followed by ours.
struct Sheet {
    lines: Vec<u8>,
    delimiter: u8,
    record: csv::Writer<Slate>,
    slate: Slate,
}

impl Sheet {
    fn new(delimiter: u8) -> Self {
        let slate = Slate::default();
        Self {
            lines: Vec::new(),
            delimiter,
            record: csv::WriterBuilder::new()
                .delimiter(delimiter)
                .from_writer(slate.clone()),
            slate,
        }
    }

    fn line<C: AsRef<str>>(
        &mut self,
        theirs: &str,
        ours: impl Fn(ResultColumn) -> C,
    ) -> io::Result<()> {
        // A spreadsheet whose every column was ours has none of its own left.
        if !theirs.is_empty() {
            self.lines.extend_from_slice(theirs.as_bytes());
            self.lines.push(self.delimiter);
        }
        for column in ResultColumn::ALL {
            self.record.write_field(ours(column).as_ref())?;
        }
        self.record.write_record(None::<&[u8]>)?;
        self.record.flush()?;
        self.lines.append(&mut self.slate.0.borrow_mut());
        Ok(())
    }
}

/// Where a record is written before its line is put together; a CSV writer keeps its own end of it.
#[derive(Clone, Default)]
struct Slate(Rc<RefCell<Vec<u8>>>);

impl Write for Slate {
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

/// What a row's status means and what to do about it, in a sentence; empty where nothing is to be done.
fn detail<'r>(recipient: &Recipient<'r>) -> Cow<'r, str> {
    if let Some(decided) = &recipient.decision {
        let note = decided.note.as_ref().map(|note| format!(": {note}"));
        return format!(
            "settled by an operator as {} on {}{}",
            decided.resolution,
            decided.at,
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
    let means = Code(code).meaning();
    match recipient.refused_together {
        Some(numbers) if numbers > 1 && Code(code) == Code::BAD_NUMBER => {
            format!(
                "{means}; one of the {numbers} numbers of this batch is bad, and the gateway refused them all"
            )
            .into()
        }
        _ => means.into(),
    }
}
