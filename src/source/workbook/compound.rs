//! Checks the container of an XLS workbook: that its sectors can be followed to an end, and that its sheets are no larger than
//! the format allows.
//!
//! An XLS has no checksums. calamine allocates every cell between the first and the last that a file claims to have, and one
//! changed byte can claim terabytes. That would abort the process.

use std::io::{Cursor, Read};

use cfb::CompoundFile;

use super::errors::{damaged, damaged_by};
use crate::Result;
use crate::source::foreign::{Foreign, stream_of_document};

/// The rows and columns of an XLS sheet, by [MS-XLS] 2.2.
const ROWS: u32 = 1 << 16;
const COLUMNS: u16 = 1 << 8;

/// Ok if calamine can be given the file: a workbook within the bounds, or the container of an encrypted workbook.
pub(super) fn check(bytes: &[u8]) -> Result<()> {
    let Some(stream) = workbook_stream(bytes)? else {
        return Ok(());
    };
    for (kind, data) in substream(&stream) {
        if kind == BOUND_SHEET {
            let sheet = number(data, 0)
                .and_then(|start| stream.get(start as usize..))
                .ok_or_else(|| damaged("a sheet in it begins after its end"))?;
            if !substream(sheet).all(within_bounds) {
                return Err(damaged("a sheet in it is larger than the format allows"));
            }
        }
    }
    Ok(())
}

/// The records of the workbook, if this is one.
pub(super) fn workbook_stream(bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut file = CompoundFile::open(Cursor::new(bytes)).map_err(damaged_by)?;
    // Before Excel 97 the stream was called Book.
    let Some(path) = ["/Workbook", "/Book"]
        .into_iter()
        .find(|path| file.is_stream(path))
    else {
        return Ok(None);
    };
    let mut stream = Vec::new();
    file.open_stream(path)
        .and_then(|opened| opened.take(bytes.len() as u64).read_to_end(&mut stream))
        .map_err(damaged_by)?;
    Ok(Some(stream))
}

/// What this compound file is, if it is a document of another kind.
pub(super) fn foreign(bytes: &[u8]) -> Option<Foreign> {
    let file = CompoundFile::open(Cursor::new(bytes)).ok()?;
    stream_of_document(|name| file.is_stream(name))
}

// The kinds of record, by [MS-XLS] 2.3.2.
pub(super) const BEGIN: u16 = 0x0809;
const END: u16 = 0x000A;
pub(super) const BOUND_SHEET: u16 = 0x0085;
const DIMENSIONS: u16 = 0x0200;
const MULTIPLE_NUMBERS: u16 = 0x00BD;
/// Formula, label, number, string, boolean: each begins with its row and its column.
const CELLS: [u16; 8] = [
    0x0006,
    0x00D6,
    0x00FD,
    0x0203,
    0x0204,
    0x0205,
    0x027E,
    MULTIPLE_NUMBERS,
];

/// The records of the substream at the start of the bytes, nested ones included.
pub(super) fn substream(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut depth = 0_usize;
    std::iter::from_fn(move || {
        let kind = short(bytes, 0)?;
        let length = usize::from(short(bytes, 2)?);
        let data = bytes.get(4..4 + length)?;
        bytes = &bytes[4 + length..];
        match kind {
            BEGIN => depth += 1,
            END => depth = depth.checked_sub(1)?,
            _ => {}
        }
        (depth > 0).then_some((kind, data))
    })
}

/// Whether the cells of a record can exist. A record that is cut short passes: calamine refuses it.
fn within_bounds((kind, data): (u16, &[u8])) -> bool {
    let columns = |at| short(data, at).is_none_or(|count| count <= COLUMNS);
    let column = |at| short(data, at).is_none_or(|index| index < COLUMNS);
    match kind {
        // Excel 95 counts rows in two bytes.
        DIMENSIONS if data.len() < 14 => columns(6),
        DIMENSIONS => number(data, 4).is_none_or(|rows| rows <= ROWS) && columns(10),
        MULTIPLE_NUMBERS => column(2) && column(data.len().saturating_sub(2)),
        kind if CELLS.contains(&kind) => column(2),
        _ => true,
    }
}

pub(super) fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(super) fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
