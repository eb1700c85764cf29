//! The bytes of an input: opened, counted, and looked at far enough to tell text, gzip and workbooks and to refuse everything else.
//! It knows no rows.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::encoding::Decoded;
use super::format::ReadOptions;
use super::gzip;
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
    /// The input that a command line names: standard input for `-` and `/dev/stdin`, a file for everything else (`./-` for one
    /// called so).
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
    /// The bytes read so far, as they are in the file. The reader is up to a buffer ahead of the rows it has handed out.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// An input that was looked at.
pub(super) struct Opened {
    pub(super) content: Content,
    /// Whether it was compressed.
    pub(super) gzip: bool,
    pub(super) len_bytes: Option<u64>,
    pub(super) position: Position,
}

/// What is in an input.
pub(super) enum Content {
    Text(Decoded),
    /// The bytes of a workbook, all of them: its parts are found from its end.
    Workbook(Vec<u8>),
}

/// As much as is looked at to see what an input is.
const HEAD: u64 = 4096;
/// The first 16 bytes of every `SQLite` file, by its format's description.
const SQLITE: &[u8; 16] = b"SQLite format 3\0";
/// How a workbook begins: as a ZIP archive (XLSX, ODS), or as what Microsoft calls a compound file (XLS).
const WORKBOOKS: [&[u8]; 2] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"];

impl Opened {
    /// The opened input, read as `format` says; `None`: nobody can say anything. Errors do not name it; the caller does.
    pub(super) fn new(input: &Input, format: Option<&ReadOptions>) -> Result<Self> {
        match input {
            Input::File(path) => {
                let (file, len_bytes) = open_file(path)?;
                Self::over(file, len_bytes, format)
            }
            Input::Stdin => Self::over(io::stdin(), None, format),
        }
    }

    pub(super) fn over(
        bytes: impl Read + Send + 'static,
        len_bytes: Option<u64>,
        format: Option<&ReadOptions>,
    ) -> Result<Self> {
        let position = Position::default();
        let mut stored = Counted {
            bytes,
            position: position.clone(),
        };
        let head = head_of(&mut stored)?;
        let gzip = head.starts_with(gzip::MAGIC);
        let content = if gzip {
            let mut unpacked = gzip::unpacked(Cursor::new(head).chain(stored));
            let head = head_of(&mut unpacked)?;
            refuse_within_gzip(&head)?;
            content(&head, unpacked, format)
        } else {
            content(&head, stored, format)
        };
        Ok(Self {
            content: content?,
            gzip,
            len_bytes,
            position,
        })
    }
}

fn head_of(bytes: &mut impl Read) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    bytes
        .take(HEAD)
        .read_to_end(&mut head)
        .map_err(|error| unreadable(&error))?;
    Ok(head)
}

fn content(
    head: &[u8],
    rest: impl Read + Send + 'static,
    format: Option<&ReadOptions>,
) -> Result<Content> {
    refuse_other_formats(head)?;
    let workbook = is_workbook(head);
    if let Some(format) = format {
        refuse_options(format, workbook)?;
    }
    let named = format.and_then(|format| format.encoding);
    let mut bytes = Cursor::new(head.to_vec()).chain(rest);
    if workbook {
        let mut all = Vec::new();
        bytes
            .read_to_end(&mut all)
            .map_err(|error| unreadable(&error))?;
        return Ok(Content::Workbook(all));
    }
    let text = Decoded::begin(head, Box::new(bytes), named, format.is_some())?;
    if text.is_empty() {
        return Err(Error::new(Kind::Input, "the file is empty").hint(NEEDED));
    }
    Ok(Content::Text(text))
}

fn is_workbook(head: &[u8]) -> bool {
    WORKBOOKS.iter().any(|magic| head.starts_with(magic))
}

/// An option that means nothing here means that another file was meant.
fn refuse_options(format: &ReadOptions, workbook: bool) -> Result<()> {
    let asked = [
        ("--delimiter", format.delimiter.is_some(), false),
        ("--encoding", format.encoding.is_some(), false),
        ("--sheet", format.sheet.is_some(), true),
    ];
    match asked
        .iter()
        .find(|(_, given, for_workbooks)| *given && *for_workbooks != workbook)
    {
        None => Ok(()),
        Some((option, ..)) => Err(Error::usage(if workbook {
            format!("{option} is for text files, and this is a workbook")
        } else {
            format!("{option} is for workbooks, and this is a text file")
        })
        .hint(format!("leave {option} out, or name another file"))),
    }
}

pub(super) const NEEDED: &str = "it needs a row of headers and a row for each recipient";
pub(super) const SAVE_AS_CSV: &str = "save it as \"CSV UTF-8\" in the spreadsheet program";

/// The fault of a reader: its own sentence where it has one.
pub(super) fn unreadable(error: &io::Error) -> Error {
    if let Some(error) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
    {
        return error.clone();
    }
    Error::new(Kind::Input, format!("the file cannot be read ({error})"))
        .hint("check the disk and the file's rights")
}

fn open_file(path: &Path) -> Result<(File, Option<u64>)> {
    let open = || {
        let file = File::open(path)?;
        let about = file.metadata()?;
        Ok((file, about))
    };
    let (file, about) = open().map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            Error::new(Kind::Input, "there is no such file").hint("check the path")
        }
        _ => unreadable(&error),
    })?;
    if about.is_dir() {
        return Err(Error::new(Kind::Input, "this is a folder").hint("name the file in it"));
    }
    // A pipe has a path as well, and no length.
    let len_bytes = about.is_file().then_some(about.len());
    Ok((file, len_bytes))
}

fn refuse_other_formats(head: &[u8]) -> Result<()> {
    let formats: [(&[u8], &str, &str); 4] = [
        (
            SQLITE,
            "this is a ledger or another SQLite file, no spreadsheet",
            "name the spreadsheet",
        ),
        (
            b"%PDF-",
            "this is a PDF, no spreadsheet",
            "name the spreadsheet that it was made from",
        ),
        (b"\xff\xfe\0\0", "the text is UTF-32", SAVE_AS_CSV),
        (b"\0\0\xfe\xff", "the text is UTF-32", SAVE_AS_CSV),
    ];
    match formats.iter().find(|(magic, ..)| head.starts_with(magic)) {
        Some((_, what, advice)) => Err(Error::new(Kind::Input, *what).hint(*advice)),
        // What many web portals call an Excel export.
        None if is_web_page(head) => Err(Error::new(
            Kind::Input,
            "this is a web page, whatever its name says",
        )
        .hint("open it in the spreadsheet program and save it as XLSX or \"CSV UTF-8\"")),
        None => Ok(()),
    }
}

fn is_web_page(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let tag = head.trim_ascii_start().to_ascii_lowercase();
    [&b"<!doctype html"[..], b"<html", b"<table", b"<meta"]
        .iter()
        .any(|begin| tag.starts_with(begin))
}

fn refuse_within_gzip(head: &[u8]) -> Result<()> {
    let what = if head.starts_with(gzip::MAGIC) {
        "the file is compressed twice"
    } else if is_workbook(head) {
        "this is a compressed workbook, and only text is read from a compressed file"
    } else {
        return Ok(());
    };
    Err(Error::new(Kind::Input, what).hint("unpack it first"))
}

/// Whether the file is a `SQLite` file, as every ledger is, by its first 16 bytes. A pipe is none: what is looked at there is gone
/// for whoever reads it afterwards. To be asked before a ledger is opened: closing the
/// file drops locks that `SQLite` holds on it in this process. Errors name the file.
pub fn is_ledger(path: &Path) -> Result<bool> {
    let sniff = || {
        let mut head = Vec::new();
        let (file, len_bytes) = open_file(path)?;
        if len_bytes.is_none() {
            return Ok(false);
        }
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
        // A signal is no end, and the readers above give up at it.
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
