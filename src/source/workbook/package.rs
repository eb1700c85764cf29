//! Checks the file of a workbook: its format, by its content, and whether it is undamaged.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use zip::ZipArchive;

use super::compound;
use super::errors::{damaged, damaged_by, from_zip};
use crate::source::foreign::{Foreign, packed};
use crate::{Error, Kind, Result};

/// The bytes of a workbook.
pub(super) type File<'a> = Cursor<&'a [u8]>;

/// The formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorkbookFormat {
    /// XLSX and XLSM.
    Xlsx,
    /// XLSB.
    Xlsb,
    /// ODS.
    Ods,
    /// XLS, or the container of an encrypted XLSX.
    Xls,
}

/// The most bytes of an unpacked workbook: a million rows of ten columns are about 1 GiB.
const LARGEST: u64 = 4 * 1024 * 1024 * 1024;
/// The first bytes of a compound file, by [MS-CFB] 2.2.
const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
const ODS: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";

/// The format of this workbook. An error: a part cannot be unpacked, or its checksum is wrong.
pub(super) fn check(bytes: &[u8]) -> Result<WorkbookFormat> {
    if bytes.starts_with(COMPOUND) {
        if let Some(foreign) = compound::foreign(bytes) {
            return Err(foreign.no_spreadsheet());
        }
        compound::check(bytes)?;
        return Ok(WorkbookFormat::Xls);
    }
    if !bytes.starts_with(b"PK") {
        return Err(
            Error::new(Kind::Input, "this is not a workbook (XLSX, XLS or ODS)")
                .hint("save it as XLSX or as \"CSV UTF-8\" in the spreadsheet program"),
        );
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(from_zip)?;
    let format = packed_format(&mut archive)?;
    check_parts(&mut archive, format)?;
    Ok(format)
}

fn packed_format(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Result<WorkbookFormat> {
    let names = names_in(archive);
    let has = |end: &str| names.iter().any(|name| name.ends_with(end));
    if has("[content_types].xml") && has("workbook.bin") {
        return Ok(WorkbookFormat::Xlsb);
    }
    if has("[content_types].xml") && has("workbook.xml") {
        return Ok(WorkbookFormat::Xlsx);
    }
    if has("content.xml") && has("mimetype") {
        let mut mimetype = Vec::new();
        archive
            .by_name("mimetype")
            .map_err(from_zip)?
            .take(ODS.len() as u64)
            .read_to_end(&mut mimetype)
            .map_err(damaged_by)?;
        if mimetype == ODS {
            return Ok(WorkbookFormat::Ods);
        }
    }
    Err(match packed(&names) {
        Some(foreign) => foreign.no_spreadsheet(),
        None => Error::new(Kind::Input, "this is a ZIP file without a workbook in it")
            .hint("name the workbook itself"),
    })
}

/// What this ZIP file is, if it is a document of another kind.
pub(super) fn foreign(bytes: &[u8]) -> Option<Foreign> {
    let archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    packed(&names_in(&archive))
}

/// The names of all parts, in lower case.
fn names_in(archive: &ZipArchive<Cursor<&[u8]>>) -> Vec<String> {
    archive
        .file_names_raw()
        .map(|name| String::from_utf8_lossy(name).to_lowercase())
        .collect()
}

/// Unpacks every part once for its checksum. calamine stops reading where the cells end, before the checksum is compared, so a
/// digit that a bad disk or download changed would pass for a phone number.
fn check_parts(archive: &mut ZipArchive<Cursor<&[u8]>>, format: WorkbookFormat) -> Result<()> {
    let mut left = LARGEST;
    for part in 0..archive.len() {
        let part = archive.by_index(part).map_err(from_zip)?;
        let holds_tables =
            format == WorkbookFormat::Ods && part.name().is_ok_and(|name| name == "content.xml");
        let mut part = part.take(left + 1);
        let whole = if holds_tables {
            tables_end(&mut part)
        } else {
            io::copy(&mut part, &mut io::sink()).map(|_| true)
        };
        let whole = whole.map_err(damaged_by)?;
        left = part.limit().checked_sub(1).ok_or_else(|| {
            Error::new(
                Kind::Input,
                "the workbook holds more than 4 GiB when unpacked",
            )
            .hint("save the sheet as \"CSV UTF-8\"")
        })?;
        if !whole {
            return Err(damaged("a table in it has no end"));
        }
    }
    Ok(())
}

/// Whether the elements are closed whose end calamine would otherwise look for beyond the end of the file, forever.
fn tables_end(content: impl Read) -> io::Result<bool> {
    let mut content = BufReader::new(content);
    let mut piece = Vec::new();
    let mut open = [("table:table", false), ("office:annotation", false)];
    while content.read_until(b'>', &mut piece)? > 0 {
        let tag = piece
            .iter()
            .rposition(|&byte| byte == b'<')
            .map_or(&[][..], |at| &piece[at + 1..]);
        let (ends, name) = tag
            .strip_prefix(b"/")
            .map_or((false, tag), |name| (true, name));
        for (element, open) in &mut open {
            let rest = name.strip_prefix(element.as_bytes());
            if rest.is_some_and(|rest| !rest.starts_with(b"-")) {
                *open = !ends && !name.ends_with(b"/>");
            }
        }
        piece.clear();
    }
    Ok(!open.iter().any(|&(_, open)| open))
}
