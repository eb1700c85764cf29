//! The bytes of an input: opened, counted, and looked at far enough to refuse what is no text. It knows no rows.
//! (Other encodings, gzip and workbooks are recognised here too, and turned into what their readers take.)

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Result};

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input, which can be read once.
    Stdin,
}

impl Input {
    /// The input that a command line names: standard input for `-`, a file for everything else (`./-` for one of that name).
    #[must_use]
    pub fn parse(argument: impl Into<PathBuf>) -> Self {
        let path = argument.into();
        if path.as_os_str() == "-" {
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
    /// The bytes read so far, as they are in the file. The reader is up to a buffer ahead of the rows it has handed out.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// An input that holds text.
pub(super) struct Opened {
    pub(super) text: Box<dyn Read + Send>,
    pub(super) bom: bool,
    pub(super) len_bytes: Option<u64>,
    pub(super) position: Position,
}

/// As much as is looked at before the first row is read.
const HEAD: u64 = 4096;
const BOM: &[u8] = "\u{feff}".as_bytes();
/// The first 16 bytes of every `SQLite` file, by its format's description.
const SQLITE: &[u8; 16] = b"SQLite format 3\0";

impl Opened {
    /// The opened input. Errors do not name it; the caller does.
    pub(super) fn new(input: &Input) -> Result<Self> {
        match input {
            Input::File(path) => {
                let (file, len_bytes) = open_file(path)?;
                Self::over(file, len_bytes)
            }
            Input::Stdin => Self::over(io::stdin(), None),
        }
    }

    pub(super) fn over(bytes: impl Read + Send + 'static, len_bytes: Option<u64>) -> Result<Self> {
        let position = Position::default();
        let mut bytes = Counted {
            bytes,
            position: position.clone(),
        };
        let mut head = Vec::new();
        bytes
            .by_ref()
            .take(HEAD)
            .read_to_end(&mut head)
            .map_err(|error| unreadable(&error))?;
        refuse_other_formats(&head)?;
        let mut text = &head[..];
        // A file that went through two careless programs has two.
        while let Some(rest) = text.strip_prefix(BOM) {
            text = rest;
        }
        if text.is_empty() {
            return Err(Error::new("the file is empty").advice(NEEDED));
        }
        let bom = text.len() < head.len();
        let text = text.to_vec();
        Ok(Self {
            text: Box::new(Cursor::new(text).chain(bytes)),
            bom,
            len_bytes,
            position,
        })
    }
}

pub(super) const NEEDED: &str = "it needs a row of headers and a row for each recipient";
pub(super) const SAVE_AS_CSV: &str = "save it as \"CSV UTF-8\" in the spreadsheet program";

pub(super) fn unreadable(error: &io::Error) -> Error {
    Error::new(format!("the file cannot be read ({error})"))
        .advice("check the disk and the file's rights")
}

fn open_file(path: &Path) -> Result<(File, Option<u64>)> {
    let open = || {
        let file = File::open(path)?;
        let about = file.metadata()?;
        Ok((file, about))
    };
    let (file, about) = open().map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Error::new("there is no such file").advice("check the path"),
        _ => unreadable(&error),
    })?;
    if about.is_dir() {
        return Err(Error::new("this is a folder").advice("name the file in it"));
    }
    // A pipe has a path as well, and no length.
    let len_bytes = about.is_file().then_some(about.len());
    Ok((file, len_bytes))
}

fn refuse_other_formats(head: &[u8]) -> Result<()> {
    let formats: [(&[u8], &str, &str); 6] = [
        (
            b"PK\x03\x04",
            "this is a workbook (XLSX or ODS)",
            SAVE_AS_CSV,
        ),
        (b"\xd0\xcf\x11\xe0", "this is a workbook (XLS)", SAVE_AS_CSV),
        (
            SQLITE,
            "this is a ledger or another SQLite file, no spreadsheet",
            "name the spreadsheet",
        ),
        (
            b"\x1f\x8b",
            "the file is compressed (gzip)",
            "unpack it first",
        ),
        (b"\xff\xfe", "the text is UTF-16, not UTF-8", SAVE_AS_CSV),
        (b"\xfe\xff", "the text is UTF-16, not UTF-8", SAVE_AS_CSV),
    ];
    match formats.iter().find(|(magic, ..)| head.starts_with(magic)) {
        Some((_, what, advice)) => Err(Error::new(*what).advice(*advice)),
        None if head.contains(&0) => {
            Err(Error::new("this is no text (it holds a NUL byte)").advice(SAVE_AS_CSV))
        }
        None => Ok(()),
    }
}

/// Whether the file is a `SQLite` file, as every ledger is, by its first 16 bytes. To be asked before a ledger is opened: closing the
/// file drops locks that `SQLite` holds on it in this process. Errors name the file.
pub fn is_ledger(path: &Path) -> Result<bool> {
    let sniff = || {
        let mut head = Vec::new();
        let (file, _) = open_file(path)?;
        file.take(SQLITE.len() as u64)
            .read_to_end(&mut head)
            .map_err(|error| unreadable(&error))?;
        Ok(head == SQLITE)
    };
    sniff().map_err(|error: Error| error.at(path.display()))
}

struct Counted<R> {
    bytes: R,
    position: Position,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.position.0.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
