//! The results CSV: the spreadsheet as it came, with the outcome beside every row. It is made from a ledger
//! alone, the same bytes each time, and knows no gateway and no templates.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::campaign::Status;
use crate::campaign::column::RESULT_COLUMNS;
use crate::gateway::Code;
use crate::ledger::{Reader, Recipient};
use crate::{Error, Result};

/// Writes the rows of a ledger, or those with one of the statuses in `only`, with a header. Returns how many
/// rows it wrote.
pub fn write(ledger: &Reader, only: Option<&[Status]>, out: impl Write) -> Result<u64> {
    let campaign = ledger.campaign()?;
    let mut sheet = Sheet::new(out, campaign.delimiter);
    if campaign.bom {
        sheet.raw(BYTE_ORDER_MARK).map_err(unwritable)?;
    }
    sheet
        .line(&campaign.header, RESULT_COLUMNS)
        .map_err(unwritable)?;
    let mut rows = 0;
    ledger.recipients(|recipient| {
        if only.is_none_or(|only| only.contains(&recipient.status)) {
            rows += 1;
            let row = recipient.row.to_string();
            sheet
                .line(
                    &recipient.cells,
                    cells(recipient, &row).each_ref().map(AsRef::as_ref),
                )
                .map_err(unwritable)?;
        }
        Ok(())
    })?;
    sheet.out.flush().map_err(unwritable)?;
    Ok(rows)
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
    pub fn write(&self, ledger: &Reader, only: Option<&[Status]>) -> Result<u64> {
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
        Error::new(format!("the results cannot be written: {fault}"))
            .advice("choose another place with --results")
            .at(self.path.display())
    }
}

#[allow(clippy::needless_pass_by_value)] // as map_err hands it over
fn unwritable(fault: io::Error) -> Error {
    Error::new(format!("the results could not be written: {fault}"))
}

/// Lines of the spreadsheet's own cells, which are a record already, followed by ours.
struct Sheet<W> {
    out: W,
    delimiter: u8,
    record: csv::Writer<Slate>,
    slate: Slate,
}

impl<W: Write> Sheet<W> {
    fn new(out: W, delimiter: u8) -> Self {
        let slate = Slate::default();
        Self {
            out,
            delimiter,
            record: csv::WriterBuilder::new()
                .delimiter(delimiter)
                .from_writer(slate.clone()),
            slate,
        }
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }

    fn line(&mut self, theirs: &str, ours: [&str; RESULT_COLUMNS.len()]) -> io::Result<()> {
        // A spreadsheet whose every column was ours has none of its own left.
        if !theirs.is_empty() {
            self.out.write_all(theirs.as_bytes())?;
            self.out.write_all(&[self.delimiter])?;
        }
        self.record.write_record(ours)?;
        self.record.flush()?;
        let mut written = self.slate.0.borrow_mut();
        self.out.write_all(&written)?;
        written.clear();
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

/// Our cells of a row, in the order of [`RESULT_COLUMNS`].
fn cells<'a>(
    recipient: &'a Recipient,
    row: &'a str,
) -> [std::borrow::Cow<'a, str>; RESULT_COLUMNS.len()] {
    use std::borrow::Cow::{Borrowed, Owned};
    let text = |value: Option<String>| Owned(value.unwrap_or_default());
    let status = recipient.status;
    let answered = matches!(status, Status::Accepted | Status::Refused | Status::Unknown);
    let costs = matches!(status, Status::Accepted | Status::Unknown | Status::Pending);
    let trx_id = recipient
        .trx_id
        .as_deref()
        .filter(|_| status == Status::Accepted)
        .unwrap_or_default();
    [
        Borrowed(row),
        text(recipient.msisdn.map(|msisdn| msisdn.to_string())),
        Borrowed(status.as_str()),
        text(
            recipient
                .code
                .filter(|_| answered || recipient.decided.is_some())
                .map(|code| code.to_string()),
        ),
        guarded(trx_id.to_owned()).into(),
        guarded(detail(recipient)).into(),
        text(
            recipient
                .encoding
                .map(|encoding| encoding.wire().to_string()),
        ),
        text(Some(if costs { recipient.credits } else { 0 }.to_string())),
        text(recipient.batch.map(|batch| batch.to_string())),
        text(Some(recipient.attempts.to_string())),
        Borrowed(recipient.claimed_at.as_deref().unwrap_or_default()),
        guarded(recipient.text.clone().unwrap_or_default()).into(),
    ]
}

/// A spreadsheet program takes a cell that begins like this for a formula, and runs it.
fn guarded(cell: String) -> String {
    if cell.starts_with(['=', '+', '@', '-', '\t', '\n', '\r']) {
        format!("'{cell}")
    } else {
        cell
    }
}

/// What a row's status means and what to do about it, in a sentence; empty where nothing is to be done.
fn detail(recipient: &Recipient) -> String {
    if let Some(decided) = &recipient.decided {
        let note = decided.note.as_deref().map(|note| format!(": {note}"));
        return format!(
            "settled by an operator as {} on {}{}",
            decided.word,
            decided.at,
            note.unwrap_or_default()
        );
    }
    let reason = recipient.reason.as_deref().unwrap_or_default();
    match recipient.status {
        Status::Accepted => String::new(),
        Status::Refused => refusal(recipient),
        Status::Unknown => format!(
            "{reason}; it may have been sent, so it is not sent again: look the number up in the iSMS portal, then \
             isms-campaign resolve"
        ),
        Status::Pending if recipient.attempts == 0 => String::new(),
        Status::Pending => format!("not sent yet: {reason}"),
        Status::Invalid | Status::Duplicate | Status::Suppressed => reason.to_owned(),
    }
}

fn refusal(recipient: &Recipient) -> String {
    let Some(code) = recipient.code else {
        return "refused by the gateway".to_owned();
    };
    let means = Code(code).meaning();
    match recipient.refused_with {
        Some(numbers) if numbers > 1 => {
            format!(
                "{means}; one of the {numbers} numbers of this batch is bad, and the gateway refused them all"
            )
        }
        _ => means.to_owned(),
    }
}
