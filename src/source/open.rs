//! Opens a spreadsheet: tells delimited text, gzip and workbooks apart by their first bytes, refuses everything else, and
//! chooses the reader of its records.

use std::fs;
use std::io::{self, Cursor, Read};
use std::path::Path;

use super::decoded_text::DecodedText;
use super::delimited::DelimitedReader;
use super::errors::{HEADER_AND_ROWS, unreadable};
use super::foreign::{self, SQLITE};
use super::gzip;
use super::input::{Counted, Input, Position, open_file};
use super::options::ReadOptions;
use super::record_reader::RecordReader;
use super::workbook::{Sheet, is_workbook};
use crate::{Error, Kind, Remedy, Result};

/// An open spreadsheet.
pub(super) struct Opened {
    pub(super) records: Box<dyn RecordReader>,
    pub(super) len_bytes: Option<u64>,
    pub(super) position: Position,
}

/// How many bytes are read to see what an input is.
const BEGINNING: u64 = 4096;
/// The records of this input, read with these options. Errors do not name the input; the caller does.
pub(super) fn open(input: &Input, options: &ReadOptions) -> Result<Opened> {
    match input {
        Input::File(path) => {
            refuse_lock(path)?;
            let (file, len_bytes) = open_file(path)?;
            open_bytes(file, len_bytes, options)
        }
        Input::Stdin => open_bytes(io::stdin(), None, options),
    }
}

/// Refuses what a spreadsheet program writes beside a file while it is open: `~$customers.xlsx`, `.~lock.customers.ods#`.
fn refuse_lock(path: &Path) -> Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy());
    let name = name.unwrap_or_default();
    let file = name.strip_prefix("~$").or_else(|| {
        let file = name.strip_prefix(".~lock.")?;
        file.strip_suffix('#')
    });
    match file {
        None => Ok(()),
        Some(file) => Err(Error::new(
            Kind::Input,
            "this only notes that the spreadsheet is open in its program",
        )
        .hint(format!("name the spreadsheet itself, {file}"))),
    }
}

/// The same for bytes from elsewhere.
pub(super) fn open_bytes(
    bytes: impl Read + Send + 'static,
    len_bytes: Option<u64>,
    options: &ReadOptions,
) -> Result<Opened> {
    let position = Position::default();
    let mut stored = Counted {
        bytes,
        position: position.clone(),
    };
    let beginning = read_beginning(&mut stored)?;
    let records = if beginning.starts_with(gzip::MAGIC) {
        let mut unpacked = gzip::unpacked(Cursor::new(beginning).chain(stored));
        let beginning = read_beginning(&mut unpacked)?;
        refuse_inside_gzip(&beginning)?;
        reader(beginning, unpacked, true, options)
    } else {
        reader(beginning, stored, false, options)
    };
    Ok(Opened {
        records: records?,
        len_bytes,
        position,
    })
}

/// Whether the file is a `SQLite` file, as every ledger is. Says no for a pipe, whose first bytes are the later reader's. Call it
/// before a ledger is opened: closing the file drops the locks that `SQLite` holds on it
/// in this process. Errors name the file.
pub fn is_ledger(path: &Path) -> Result<bool> {
    // To open a pipe would be to wait for its other side.
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return Ok(false);
    }
    let check = || {
        let mut beginning = Vec::new();
        let (file, _) = open_file(path)?;
        file.take(SQLITE.len() as u64)
            .read_to_end(&mut beginning)
            .map_err(unreadable)?;
        Ok(beginning == SQLITE)
    };
    check().map_err(|error: Error| error.at(path.display()))
}

fn read_beginning(bytes: &mut impl Read) -> Result<Vec<u8>> {
    let mut beginning = Vec::new();
    bytes
        .take(BEGINNING)
        .read_to_end(&mut beginning)
        .map_err(unreadable)?;
    Ok(beginning)
}

fn reader(
    beginning: Vec<u8>,
    mut rest: impl Read + Send + 'static,
    gzip: bool,
    options: &ReadOptions,
) -> Result<Box<dyn RecordReader>> {
    if let Some(foreign) = foreign::binary(&beginning) {
        return Err(foreign.no_spreadsheet());
    }
    let workbook = is_workbook(&beginning);
    refuse_options(options, workbook)?;
    if workbook {
        // All of it: the parts of a workbook are found from its end.
        let mut bytes = beginning;
        rest.read_to_end(&mut bytes).map_err(unreadable)?;
        return Ok(Box::new(Sheet::open(bytes, options.sheet.as_deref())?));
    }
    let text = DecodedText::new(beginning, rest, options.encoding)?;
    if text.is_empty() {
        return Err(Error::new(Kind::Input, "the file is empty").hint(HEADER_AND_ROWS));
    }
    if let Some(foreign) = foreign::text(text.beginning()) {
        return Err(foreign.no_spreadsheet());
    }
    let reader = DelimitedReader::new(text, options.delimiter, gzip)?;
    Ok(Box::new(reader))
}

/// An option that does not apply to this kind of file shows that another file was meant.
fn refuse_options(options: &ReadOptions, workbook: bool) -> Result<()> {
    let given = [
        (options.delimiter.is_some(), "delimiter", Remedy::Delimiter),
        (options.encoding.is_some(), "encoding", Remedy::Encoding),
        (options.sheet.is_some(), "sheet", Remedy::Sheet),
    ];
    let misplaced = |(given, _, remedy): &(bool, &str, Remedy)| {
        let for_workbooks = *remedy == Remedy::Sheet;
        *given && for_workbooks != workbook
    };
    let Some((_, what, remedy)) = given.into_iter().find(misplaced) else {
        return Ok(());
    };
    let (its_files, this) = if workbook {
        ("text files", "a workbook")
    } else {
        ("workbooks", "a text file")
    };
    Err(Error::new(
        Kind::Usage,
        format!("the {what} is for {its_files}, and this is {this}"),
    )
    .hint(format!("name another file, or no {what}"))
    .remedy(remedy))
}

fn refuse_inside_gzip(beginning: &[u8]) -> Result<()> {
    let message = if beginning.starts_with(gzip::MAGIC) {
        "the file is compressed twice"
    } else if is_workbook(beginning) {
        "this is a compressed workbook, and only text is read from a compressed file"
    } else {
        return Ok(());
    };
    Err(Error::new(Kind::Input, message).hint("unpack it first"))
}
