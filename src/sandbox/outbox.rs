//! The record of the messages that the sandbox took: a CSV file with one line for each number. A message is taken when
//! its whole line is in the file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Zoned;

use super::rules::Message;
use crate::error::{Error, Kind, Remedy, Result};

const HEADER: &str = "received_at,trx_id,to,type,sender_id,message\n";

/// RFC 3339 with offset, always to the microsecond, so that all lines have the same format.
const TIME_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.6f%:z";

/// One number of a message that was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken<'a> {
    /// The transaction id.
    pub(super) trx_id: u64,
    /// The number, digits only.
    pub(super) to: &'a str,
}

/// An open outbox, locked by this process.
#[derive(Debug)]
pub(super) struct Outbox {
    path: PathBuf,
    file: File,
    length: u64,
    last_trx_id: Option<u64>,
    /// The lines of one request, to be written at once. Kept to reuse its memory.
    lines: Vec<u8>,
}

impl Outbox {
    /// Opens the outbox at `path` for appending, or creates it (mode 0600). Fails if the file is not an outbox, or if
    /// another sandbox writes to it.
    ///
    /// A last line that a crash cut short is removed. It was never answered, because a request is answered after its
    /// lines are written, and it would damage the next line.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let unusable = |error: io::Error| {
            another_file("cannot be used as outbox")
                .caused_by(error)
                .at(path.display())
        };
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(unusable)?;
        lock(&file).map_err(|error| error.at(path.display()))?;
        let metadata = file.metadata().map_err(unusable)?;
        if !metadata.is_file() {
            return Err(unusable(io::Error::other("it is not a regular file")));
        }
        let size = metadata.len();
        let whole = whole_length(&mut file).map_err(unusable)?;
        check_header(&mut file, whole)
            .map_err(unusable)?
            .map_err(|error| error.at(path.display()))?;
        if whole < size {
            tracing::warn!("{}: removed an incomplete last line", path.display());
            file.set_len(whole).map_err(unusable)?;
        }
        if whole == 0 {
            file.write_all(HEADER.as_bytes()).map_err(unusable)?;
        }
        let last_trx_id = last_trx_id(&mut file).map_err(|error| error.at(path.display()))?;
        let length = file.metadata().map_err(unusable)?.len();
        Ok(Self {
            path: path.to_owned(),
            file,
            length,
            last_trx_id,
            lines: Vec::new(),
        })
    }

    /// The greatest transaction id that it held when it was opened.
    pub(super) fn last_trx_id(&self) -> Option<u64> {
        self.last_trx_id
    }

    /// Appends one line for each number, all in one write. Returns when the system has them, so that they outlive this
    /// process. If they cannot all be written, none remains.
    pub(super) fn append<'a>(
        &mut self,
        message: &Message<'_>,
        taken: impl Iterator<Item = Taken<'a>>,
    ) -> Result<()> {
        let written = self
            .compose(message, taken)
            .and_then(|()| self.file.write_all(&self.lines));
        if let Err(error) = written {
            // Incomplete lines must not count as messages. If this fails too, the next start removes them.
            let _ = self.file.set_len(self.length);
            return Err(another_file("cannot be written")
                .hint("make room for it, or name another file")
                .caused_by(error)
                .at(self.path.display()));
        }
        self.length += self.lines.len() as u64;
        Ok(())
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "the sandbox is a server with a clock of its own"
    )]
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

/// An error that another file solves.
fn another_file(message: impl Into<String>) -> Error {
    Error::new(Kind::Disk, message)
        .hint("name another file")
        .remedy(Remedy::OutboxPath)
}

/// Locks the file until it is closed.
fn lock(file: &File) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(another_file("is the outbox of another sandbox")
            .hint("stop that one, or name another file")),
        Err(TryLockError::Error(error)) => Err(another_file("cannot be locked")
            .caused_by(error)
            .hint("name a file on a local disk")),
    }
}

/// The length up to the end of the last whole line. A line end inside quotes ends no line. Quotes are open while their
/// number is odd, since a quote within quotes is doubled.
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

/// Refuses a file that does not begin like an outbox, so that no spreadsheet is truncated or written to. If there is no
/// whole line, it must be the beginning of the header.
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
        Err(another_file(format!(
            "is not an outbox: its first line is not {header}"
        )))
    })
}

/// The greatest transaction id in a file of whole lines: the last one, unless the lines were sorted.
fn last_trx_id(file: &mut File) -> Result<Option<u64>> {
    file.rewind()
        .map_err(|error| Error::new(Kind::Disk, "cannot be read").caused_by(error))?;
    let mut last = None;
    for record in csv::Reader::from_reader(file).into_records() {
        let unreadable = |what: &str| another_file(what).hint("correct it, or name another file");
        let record = record.map_err(|error| unreadable("cannot be continued").caused_by(error))?;
        let id = record.get(1).unwrap_or_default();
        // At most half of the largest number, so that the ids never run out.
        let id = id.parse::<u64>().ok().filter(|id| *id <= u64::MAX / 2);
        let line = record.position().map_or(0, csv::Position::line);
        let id = id.ok_or_else(|| {
            unreadable(&format!(
                "cannot be continued: line {line} has no transaction id"
            ))
        })?;
        last = last.max(Some(id));
    }
    Ok(last)
}
