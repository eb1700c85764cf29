//! Where the bytes of a spreadsheet come from: a file or standard input, counted while they are read.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::errors::unreadable;
use crate::{Error, Kind, Result};

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input, which can be read once.
    Stdin,
}

impl Input {
    /// The input that a command line names: standard input for `-` and `/dev/stdin`, a file for everything else (`./-` for a
    /// file of that name).
    #[must_use]
    pub fn parse(argument: impl Into<PathBuf>) -> Self {
        let path = argument.into();
        if path.as_os_str() == "-" || path.as_os_str() == "/dev/stdin" {
            Self::Stdin
        } else {
            Self::File(path)
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Stdin => f.write_str("standard input"),
        }
    }
}

/// How many bytes of an input have been read, for a progress bar in another thread.
#[derive(Clone, Debug, Default)]
pub struct Position(Arc<AtomicU64>);

impl Position {
    /// The bytes of the file that were read so far. The reader is up to a buffer ahead of the rows it has returned.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A reader that counts its bytes.
pub(super) struct Counted<R> {
    pub(super) bytes: R,
    pub(super) position: Position,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // The readers above stop at any error, but a signal must not end the file.
        let read = loop {
            match self.bytes.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        self.position.0.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// The open file and its length in bytes, if it has one.
pub(super) fn open_file(path: &Path) -> Result<(File, Option<u64>)> {
    let open = || {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        Ok((file, metadata))
    };
    let (file, metadata) = open().map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            Error::new(Kind::Input, "there is no such file").hint("check the path")
        }
        _ => unreadable(error),
    })?;
    if metadata.is_dir() {
        return Err(Error::new(Kind::Input, "this is a folder").hint("name the file in it"));
    }
    // A pipe has a path too, but no length.
    let len_bytes = metadata.is_file().then_some(metadata.len());
    Ok((file, len_bytes))
}
