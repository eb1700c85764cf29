//! The record of the messages that the sandbox took: a CSV file with one line for each number. A message is taken when
//! its whole line is in the file.
#![allow(clippy::disallowed_methods, reason = "a server's own clock")]

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Zoned;

use super::rules::Message;
use crate::error::{Error, Kind, Remedy, Result};

const HEADER: &str = "received_at,trx_id,to,type,sender_id,message\n";

/// RFC 3339 with offset, always to the microsecond, so that all lines have the same format.
const TIME_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.6f%:z";

/// One number of a message that was taken: the transaction id, and the number, digits only.
pub(super) type Taken<'a> = (u64, &'a str);

/// An open outbox, locked by this process.
#[derive(Debug)]
pub(super) struct Outbox {
    path: PathBuf,
    file: File,
    length: u64,
    /// The greatest transaction id that it held when it was opened.
    pub(super) last_trx_id: Option<u64>,
}

impl Outbox {
    /// Opens the outbox at `path` for appending, or creates it (mode 0600). Fails if the file is not an outbox, or if
    /// another sandbox writes to it.
    ///
    /// A last line that a crash cut short is removed. It was never answered, because a request is answered after its
    /// lines are written, and it would damage the next line.
    pub(super) fn open(path: &Path) -> Result<Self> {
        Self::read(path).map_err(|error| error.at(path.display()))
    }

    fn read(path: &Path) -> Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(unusable)?;
        lock(&file)?;
        if !file.metadata().map_err(unusable)?.is_file() {
            return Err(unusable(io::Error::other("it is not a regular file")));
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(unusable)?;
        let whole = whole_length(&text);
        check_header(&text, whole)?;
        if whole < text.len() {
            tracing::warn!("{}: removed an incomplete last line", path.display());
            file.set_len(whole as u64).map_err(unusable)?;
        }
        if whole == 0 {
            file.write_all(HEADER.as_bytes()).map_err(unusable)?;
        }
        Ok(Self {
            path: path.to_owned(),
            length: file.metadata().map_err(unusable)?.len(),
            file,
            last_trx_id: last_trx_id(&text[..whole])?,
        })
    }

    /// Appends one line for each number, all in one write. Returns when the system has them, so that they outlive this
    /// process. If they cannot all be written, none remains.
    pub(super) fn append<'a>(
        &mut self,
        message: &Message<'_>,
        taken: impl Iterator<Item = Taken<'a>>,
    ) -> Result<()> {
        let written = lines(message, taken).and_then(|lines| {
            self.file.write_all(&lines)?;
            Ok(lines.len() as u64)
        });
        self.length += written.map_err(|error| {
            // Incomplete lines must not count as messages. If this fails too, the next start removes them.
            let _ = self.file.set_len(self.length);
            another_file("cannot be written")
                .hint("make room for it, or name another file")
                .caused_by(error)
                .at(self.path.display())
        })?;
        Ok(())
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

/// A line for each number of a message.
fn lines<'a>(message: &Message<'_>, taken: impl Iterator<Item = Taken<'a>>) -> io::Result<Vec<u8>> {
    let received_at = Zoned::now().strftime(TIME_FORMAT).to_string();
    let mut lines = csv::Writer::from_writer(Vec::new());
    for (trx_id, to) in taken {
        lines.write_record([
            &received_at,
            &trx_id.to_string(),
            to,
            message.kind,
            message.sender_id,
            message.text,
        ])?;
    }
    lines.into_inner().map_err(csv::IntoInnerError::into_error)
}

/// An error that another file solves.
fn another_file(message: impl Into<String>) -> Error {
    Error::new(Kind::Disk, message)
        .hint("name another file")
        .remedy(Remedy::OutboxPath)
}

fn unusable(error: io::Error) -> Error {
    another_file("cannot be used as outbox").caused_by(error)
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
fn whole_length(text: &[u8]) -> usize {
    let (mut whole, mut quoted) = (0, false);
    for (place, byte) in text.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => whole = place + 1,
            _ => {}
        }
    }
    whole
}

/// Refuses a file that does not begin like an outbox, so that no spreadsheet is truncated or written to. If there is no
/// whole line, it must be the beginning of the header.
fn check_header(text: &[u8], whole: usize) -> Result<()> {
    let header = HEADER.as_bytes();
    if (whole == 0 && header.starts_with(text)) || (whole > 0 && text.starts_with(header)) {
        return Ok(());
    }
    let header = HEADER.trim_end();
    let message = format!("is not an outbox: its first line is not {header}");
    Err(another_file(message))
}

/// The greatest transaction id in whole lines: the last one, unless the lines were sorted.
fn last_trx_id(lines: &[u8]) -> Result<Option<u64>> {
    let mut last = None;
    for record in csv::Reader::from_reader(lines).into_records() {
        let unreadable = |what: &str| another_file(what).hint("correct it, or name another file");
        let record = record.map_err(|error| unreadable("cannot be continued").caused_by(error))?;
        let id = record.get(1).unwrap_or_default();
        // At most half of the largest number, so that the ids never run out.
        let id = id.parse::<u64>().ok().filter(|id| *id <= u64::MAX / 2);
        let line = record.position().map_or(0, csv::Position::line);
        let missing = || format!("cannot be continued: line {line} has no transaction id");
        last = last.max(Some(id.ok_or_else(|| unreadable(&missing()))?));
    }
    Ok(last)
}
