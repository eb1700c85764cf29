//! The record of what the practice gateway took: a CSV file, one line for each number. It knows no rules and no
//! faults; a message is taken when its line is whole in the file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Zoned;

use super::rules::Message;
use crate::error::{Error, Kind, Result};

const HEADER: &str = "received_at,trx_id,to,type,sender_id,message\n";

/// RFC 3339 with offset, always to the microsecond, so that lines have one shape.
const TIME_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.6f%:z";

/// One number of a message that was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken<'a> {
    /// The transaction id.
    pub(super) trx_id: u64,
    /// The number, digits only.
    pub(super) to: &'a str,
}

/// An open outbox, this process's alone.
#[derive(Debug)]
pub(super) struct Outbox {
    path: PathBuf,
    file: File,
    length: u64,
    last_trx_id: Option<u64>,
    /// The lines of one request, to be written at once; kept for its memory.
    lines: Vec<u8>,
}

impl Outbox {
    /// The outbox at `path`, made (mode 0600) if there is none, otherwise to be appended to. Fails if the file is
    /// not an outbox, or another sandbox writes to it.
    ///
    /// A last line that a crash cut short is removed: nobody was given its answer, because a request is answered
    /// after its lines are written, and a line appended to it would be spoilt too.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let fault = |error: io::Error| {
            Error::new(Kind::Disk, format!("cannot be used as outbox: {error}"))
                .hint("name another file with --outbox")
                .at(path.display())
        };
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(fault)?;
        lock(&file).map_err(|error| error.at(path.display()))?;
        let metadata = file.metadata().map_err(fault)?;
        if !metadata.is_file() {
            return Err(fault(io::Error::other("it is not a regular file")));
        }
        let size = metadata.len();
        let whole = whole_length(&mut file).map_err(fault)?;
        check_header(&mut file, whole)
            .map_err(fault)?
            .map_err(|error| error.at(path.display()))?;
        if whole < size {
            tracing::warn!("{}: removed a last line cut short", path.display());
            file.set_len(whole).map_err(fault)?;
        }
        if whole == 0 {
            file.write_all(HEADER.as_bytes()).map_err(fault)?;
        }
        let last_trx_id = last_trx_id(&mut file).map_err(|error| error.at(path.display()))?;
        let length = file.metadata().map_err(fault)?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            length,
            last_trx_id,
            lines: Vec::new(),
        })
    }

    /// The greatest transaction id that stood in it when it was opened.
    pub(super) fn last_trx_id(&self) -> Option<u64> {
        self.last_trx_id
    }

    /// Writes one line for each number, in one write for all of them. Returns when the system has them, so that
    /// they outlive this process; fails where they cannot all be written, and then leaves none.
    pub(super) fn append<'a>(
        &mut self,
        message: &Message<'_>,
        taken: impl Iterator<Item = Taken<'a>>,
    ) -> Result<()> {
        let written = self
            .compose(message, taken)
            .and_then(|()| self.file.write_all(&self.lines));
        if let Err(error) = written {
            // Lines half written must not be taken for messages. If this fails too, the next start removes them.
            let _ = self.file.set_len(self.length);
            return Err(
                Error::new(Kind::Disk, format!("cannot be written: {error}"))
                    .hint("make room for it, or name another file with --outbox")
                    .at(self.path.display()),
            );
        }
        self.length += self.lines.len() as u64;
        Ok(())
    }

    fn compose<'a>(
        &mut self,
        message: &Message<'_>,
        taken: impl Iterator<Item = Taken<'a>>,
    ) -> io::Result<()> {
        let received_at = Zoned::now().strftime(TIME_FORMAT).to_string();
        self.lines.clear();
        let mut csv = csv::WriterBuilder::new()
            .buffer_capacity(1024)
            .from_writer(&mut self.lines);
        for Taken { trx_id, to } in taken {
            csv.write_record([
                &received_at,
                &trx_id.to_string(),
                to,
                message.kind,
                message.sender_id,
                message.text,
            ])?;
        }
        csv.flush()
    }
}

#[cfg(test)]
impl Outbox {
    /// The same outbox, open for reading only: every write fails.
    pub(super) fn that_cannot_be_written(mut self) -> Self {
        if let Ok(file) = File::open(&self.path) {
            self.file = file;
        }
        self
    }
}

/// Takes the file for this process; the system lets go of it when the file is closed.
fn lock(file: &File) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err(Error::new(Kind::Disk, "is the outbox of another sandbox")
                .hint("stop that one, or name another file with --outbox"))
        }
        Err(TryLockError::Error(error)) => {
            Err(Error::new(Kind::Disk, format!("cannot be locked: {error}"))
                .hint("name a file on a local disk with --outbox"))
        }
    }
}

/// Bytes up to the end of the last whole line. A line end inside quotes ends no line; as a quote within quotes is
/// doubled, whether quotes are open is whether their number is odd.
fn whole_length(file: &mut File) -> io::Result<u64> {
    file.rewind()?;
    let mut reader = BufReader::new(file);
    let (mut read, mut whole, mut quoted) = (0, 0, false);
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(whole);
        }
        for byte in chunk {
            read += 1;
            match byte {
                b'"' => quoted = !quoted,
                b'\n' if !quoted => whole = read,
                _ => {}
            }
        }
        let length = chunk.len();
        reader.consume(length);
    }
}

/// Refuses a file that does not begin as an outbox does, so that nobody's spreadsheet is cut or written to.
/// Where not one line is whole, the beginning of the header will do.
fn check_header(file: &mut File, whole: u64) -> io::Result<Result<()>> {
    file.rewind()?;
    let mut begin = Vec::new();
    file.take(HEADER.len() as u64).read_to_end(&mut begin)?;
    let is_outbox = if whole == 0 {
        HEADER.as_bytes().starts_with(&begin)
    } else {
        begin == HEADER.as_bytes()
    };
    Ok(if is_outbox {
        Ok(())
    } else {
        let header = HEADER.trim_end();
        Err(Error::new(
            Kind::Disk,
            format!("is not an outbox: its first line is not {header}"),
        )
        .hint("name another file with --outbox"))
    })
}

/// The greatest transaction id in a file of whole lines: the last one, unless somebody sorted them.
fn last_trx_id(file: &mut File) -> Result<Option<u64>> {
    file.rewind()
        .map_err(|error| Error::new(Kind::Disk, format!("cannot be read: {error}")))?;
    let mut last = None;
    for record in csv::Reader::from_reader(file).into_records() {
        let unreadable = |why: String| {
            Error::new(Kind::Disk, format!("cannot be continued: {why}"))
                .hint("correct it, or name another file with --outbox")
        };
        let record = record.map_err(|error| unreadable(error.to_string()))?;
        let id = record.get(1).unwrap_or_default();
        // Half of what fits, so that counting on from it has no end.
        let id = id.parse::<u64>().ok().filter(|id| *id <= u64::MAX / 2);
        let line = record.position().map_or(0, csv::Position::line);
        let id = id.ok_or_else(|| unreadable(format!("line {line} has no transaction id")))?;
        last = last.max(Some(id));
    }
    Ok(last)
}
