//! The results CSV: the spreadsheet as it came, with the outcome beside every row. It is made from a ledger
//! alone, the same bytes each time, and knows no gateway and no templates.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;

use crate::campaign::column::RESULT_COLUMNS;
use crate::campaign::{Msisdn, Status};
use crate::gateway::Code;
use crate::ledger::{Campaign, Reader, Recipient};
use crate::{Error, Result};

/// Writes the rows of a ledger, or those with one of the statuses in `only`, with a header. Returns how many
/// rows it wrote.
pub fn write(ledger: &Reader, only: Option<&[Status]>, out: impl Write + Send) -> Result<u64> {
    let campaign = ledger.campaign()?;
    // Reading rows and writing them take as long as one another, so each has a thread.
    thread::scope(|scope| {
        let (to_sheet, pages) = mpsc::sync_channel::<Page>(PAGES);
        let sheet = scope.spawn(move || {
            let mut sheet = Sheet::begin(out, &campaign)?;
            pages.iter().try_for_each(|page| sheet.page(&page))?;
            sheet.out.flush()
        });
        let mut rows = 0;
        let mut page = Page::default();
        let turn = |page: &mut Page| to_sheet.send(std::mem::take(page)).map_err(|_| stopped());
        let read = ledger
            .recipients(|recipient| {
                if only.is_none_or(|only| only.contains(&recipient.status)) {
                    rows += 1;
                    page.push(recipient);
                    if page.is_full() {
                        turn(&mut page)?;
                    }
                }
                Ok(())
            })
            .and_then(|()| turn(&mut page));
        drop(to_sheet);
        // What the sheet says comes first: if it stopped, nothing else explains why no more rows were taken.
        sheet.join().map_err(|_| stopped())?.map_err(unwritable)?;
        read.map(|()| rows)
    })
}

fn stopped() -> Error {
    Error::new("the results stopped being written without a reason")
}

/// How many pages may wait to be written.
const PAGES: usize = 2;

/// Rows on their way from the ledger to the sheet: their words one after another, and where each word stands.
#[derive(Default)]
struct Page {
    words: String,
    rows: Vec<Recipient<Range<usize>>>,
}

impl Page {
    fn push(&mut self, recipient: Recipient<&str>) {
        self.rows.push(recipient.map(|word| {
            let start = self.words.len();
            self.words.push_str(word);
            start..self.words.len()
        }));
    }

    fn is_full(&self) -> bool {
        self.words.len() >= 1 << 16
    }

    fn rows(&self) -> impl Iterator<Item = Recipient<&str>> {
        let word = |place| self.words.get(place).unwrap_or_default();
        self.rows.iter().map(move |row| row.clone().map(word))
    }
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
    /// With the header.
    fn begin(out: W, campaign: &Campaign) -> io::Result<Self> {
        let slate = Slate::default();
        let mut sheet = Self {
            out,
            delimiter: campaign.delimiter,
            record: csv::WriterBuilder::new()
                .delimiter(campaign.delimiter)
                .from_writer(slate.clone()),
            slate,
        };
        if campaign.bom {
            sheet.out.write_all(BYTE_ORDER_MARK)?;
        }
        sheet.line(&campaign.header, RESULT_COLUMNS)?;
        Ok(sheet)
    }

    fn page(&mut self, page: &Page) -> io::Result<()> {
        page.rows().try_for_each(|recipient| {
            let ours = cells(&recipient);
            self.line(recipient.cells, ours.each_ref().map(AsRef::as_ref))
        })
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
fn cells<'r>(recipient: &Recipient<&'r str>) -> [Cow<'r, str>; RESULT_COLUMNS.len()] {
    let number =
        |value: Option<u64>| value.map_or(Cow::Borrowed(""), |value| value.to_string().into());
    let status = recipient.status;
    let answered = matches!(status, Status::Accepted | Status::Refused | Status::Unknown);
    let costs = matches!(status, Status::Accepted | Status::Unknown | Status::Pending);
    let code = recipient
        .code
        .filter(|_| answered || recipient.decided.is_some());
    let trx_id = recipient.trx_id.filter(|_| status == Status::Accepted);
    [
        number(Some(recipient.row)),
        number(recipient.msisdn.map(Msisdn::as_u64)),
        status.as_str().into(),
        code.map_or(Cow::Borrowed(""), |code| code.to_string().into()),
        guarded(trx_id.unwrap_or_default().into()),
        guarded(detail(recipient)),
        number(recipient.encoding.map(|encoding| encoding.wire().into())),
        number(Some(if costs { recipient.credits.into() } else { 0 })),
        number(recipient.batch),
        number(Some(recipient.attempts.into())),
        recipient.claimed_at.unwrap_or_default().into(),
        guarded(recipient.text.unwrap_or_default().into()),
    ]
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
fn detail<'r>(recipient: &Recipient<&'r str>) -> Cow<'r, str> {
    if let Some(decided) = recipient.decided {
        let note = decided.note.map(|note| format!(": {note}"));
        return format!(
            "settled by an operator as {} on {}{}",
            decided.word,
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

fn refusal(recipient: &Recipient<&str>) -> Cow<'static, str> {
    let Some(code) = recipient.code else {
        return "refused by the gateway".into();
    };
    let means = Code(code).meaning();
    match recipient.refused_with {
        Some(numbers) if numbers > 1 => {
            format!(
                "{means}; one of the {numbers} numbers of this batch is bad, and the gateway refused them all"
            )
            .into()
        }
        _ => means.into(),
    }
}
