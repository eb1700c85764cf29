//! Files of other formats, known by their first bytes, and what to do with each.

use super::errors::SAVE_AS_CSV;
use super::lines::is_line_end;
use crate::{Error, Kind};

const SAVE_AS_XLSX: &str =
    "open it in the spreadsheet program and save it as XLSX or \"CSV UTF-8\"";
const NAME_SPREADSHEET: &str = "name the spreadsheet that it was made from";
const UNPACK: &str = "unpack it, and name the spreadsheet in it";
const EXPORT_CSV: &str = "export it as CSV from the program that made it";
/// The first 16 bytes of every `SQLite` file, by its format's description.
pub(super) const SQLITE: &[u8; 16] = b"SQLite format 3\0";

/// How a format begins, what it is, and the way out.
type Format = (&'static [u8], &'static str, &'static str);

/// Formats that are not text.
const BINARY: &[Format] = &[
    (
        SQLITE,
        "a ledger or another SQLite file",
        "name the spreadsheet",
    ),
    (b"%PDF-", "a PDF", NAME_SPREADSHEET),
    (b"\xff\xfe\0\0", "text in UTF-32", SAVE_AS_CSV),
    (b"\0\0\xfe\xff", "text in UTF-32", SAVE_AS_CSV),
    (b"\x89PNG", "a picture", NAME_SPREADSHEET),
    (b"\xff\xd8\xff", "a picture", NAME_SPREADSHEET),
    (b"GIF8", "a picture", NAME_SPREADSHEET),
    (b"Rar!\x1a", "a RAR archive", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
    (b"\xfd7zXZ\0", "a file packed with xz", UNPACK),
    (b"\x28\xb5\x2f\xfd", "a file packed with zstd", UNPACK),
    (b"BZh", "a file packed with bzip2", UNPACK),
    (
        b"\x09\x08\x06\0",
        "a workbook of Excel 3 or 4",
        SAVE_AS_XLSX,
    ),
    (
        b"\x09\x04\x06\0",
        "a workbook of Excel 3 or 4",
        SAVE_AS_XLSX,
    ),
    (b"\x09\0\x04\0", "a workbook of Excel 2", SAVE_AS_XLSX),
    (b"\0\0\x1a\0", "a workbook of Lotus 1-2-3", SAVE_AS_XLSX),
    (b"\0\0\x02\0", "a workbook of Lotus 1-2-3", SAVE_AS_XLSX),
    (b"PAR1", "a Parquet file", EXPORT_CSV),
    (
        b"bplist00",
        "a property list of macOS, perhaps in place of a file in iCloud",
        "download the spreadsheet from there first",
    ),
    (
        b"\0\x05\x16\x07",
        "what macOS notes beside a file (\"._\" before its name)",
        "name the file without \"._\"",
    ),
];

/// Formats that are text, in lower case.
const TEXT: &[Format] = &[
    (b"{\\rtf", "an RTF document", NAME_SPREADSHEET),
    (
        b"begin:vcard",
        "an address book of vCards",
        "import it into your contacts, or into Google Contacts, and export them as CSV",
    ),
    (b"begin:vcalendar", "a calendar", EXPORT_CSV),
    (
        b"mime-version:",
        "a web page in one file (MHTML)",
        SAVE_AS_XLSX,
    ),
    (b"<!doctype html", WEB_PAGE, SAVE_AS_XLSX),
    (b"<html", WEB_PAGE, SAVE_AS_XLSX),
    (b"<head", WEB_PAGE, SAVE_AS_XLSX),
    (b"<body", WEB_PAGE, SAVE_AS_XLSX),
    (b"<style", WEB_PAGE, SAVE_AS_XLSX),
    (b"<script", WEB_PAGE, SAVE_AS_XLSX),
    (b"<div", WEB_PAGE, SAVE_AS_XLSX),
    (b"<center", WEB_PAGE, SAVE_AS_XLSX),
    (b"<table", WEB_PAGE, SAVE_AS_XLSX),
    (b"<meta", WEB_PAGE, SAVE_AS_XLSX),
    (b"-- mysql dump", SQL, EXPORT_CSV),
    (b"-- postgresql database dump", SQL, EXPORT_CSV),
    (
        b"[internetshortcut]",
        "a link to a page, not the spreadsheet",
        "open it and download the spreadsheet as CSV or XLSX",
    ),
    (
        b"version https://git-lfs",
        "a pointer of Git LFS, not the file",
        "fetch the file with git lfs pull",
    ),
    (b"dn: ", "an address book (LDIF)", EXPORT_CSV),
    (b"insert into ", SQL, EXPORT_CSV),
    (b"create table ", SQL, EXPORT_CSV),
];

pub(super) const JSON: &str = "JSON";
const WEB_PAGE: &str = "a web page";
const SQL: &str = "a script for a database (SQL)";

/// What a file is that is no spreadsheet we read.
pub(super) struct Foreign {
    pub(super) what: &'static str,
    hint: &'static str,
}

impl Foreign {
    /// The error of a file that was to be a spreadsheet.
    pub(super) fn no_spreadsheet(&self) -> Error {
        let what = self.what;
        Error::new(
            Kind::Input,
            format!("this is {what}, not CSV, XLSX, XLS or ODS"),
        )
        .hint(self.hint)
    }
}

/// The format of these first bytes of a file, if it is known and is not text.
pub(super) fn binary(beginning: &[u8]) -> Option<Foreign> {
    let found = BINARY
        .iter()
        .find(|(magic, ..)| beginning.starts_with(magic));
    found.map(|&(_, what, hint)| Foreign { what, hint })
}

/// The format of this beginning of a text in UTF-8, if it is known and has no rows.
pub(super) fn text(beginning: &[u8]) -> Option<Foreign> {
    let start = beginning[..beginning.len().min(4096)]
        .trim_ascii_start()
        .to_ascii_lowercase();
    let found = TEXT.iter().find(|(magic, ..)| start.starts_with(magic));
    let found = found.map(|&(_, what, hint)| Foreign { what, hint });
    found
        .or_else(|| xml(&start))
        .or_else(|| json(&start))
        .or_else(|| sylk(&start))
        .or_else(|| mhtml(&start))
}

fn xml(start: &[u8]) -> Option<Foreign> {
    let holds = |part: &[u8]| start.windows(part.len()).any(|window| window == part);
    let is_xml = start.starts_with(b"<?xml") || start.starts_with(b"<workbook");
    is_xml.then(|| {
        let what =
            if holds(b"urn:schemas-microsoft-com:office:spreadsheet") || holds(b"excel.sheet") {
                "an XML spreadsheet of 2003"
            } else if holds(b"office:document") {
                "a flat OpenDocument file (FODS)"
            } else if holds(b"<html") {
                WEB_PAGE
            } else {
                "an XML file"
            };
        let hint = SAVE_AS_XLSX;
        Foreign { what, hint }
    })
}

fn json(start: &[u8]) -> Option<Foreign> {
    let inner = match start {
        [b'{' | b'[', inner @ ..] => inner.trim_ascii_start(),
        _ => return None,
    };
    let is_json = match (start[0], inner.first()?) {
        (b'{', b'"' | b'}') | (b'[', b'{' | b'[' | b']') => true,
        (b'[', b'"') => inner
            .windows(2)
            .any(|pair| pair == b"\"," || pair == b"\"]"),
        _ => false,
    };
    let hint =
        if inner.starts_with(b"\"url\"") && start.windows(11).any(|part| part == b"docs.google") {
            "it is a link to a Google Sheet: open it and download it as CSV or XLSX"
        } else {
            EXPORT_CSV
        };
    is_json.then_some(Foreign { what: JSON, hint })
}

/// `ID;PWXL` and then records with a letter or two in front. A header may begin with `ID;Phone`, too.
fn sylk(start: &[u8]) -> Option<Foreign> {
    let mut lines = start
        .split(|byte| is_line_end(*byte))
        .filter(|line| !line.is_empty());
    let first = lines.next()?;
    let is_record = |line: &[u8]| {
        let name = line.split(|byte| *byte == b';').next().unwrap_or_default();
        matches!(
            name,
            b"b" | b"c" | b"e" | b"f" | b"o" | b"p" | b"w" | b"nn" | b"nu" | b"ne"
        )
    };
    let is_sylk = first.starts_with(b"id;") && lines.next().is_some_and(is_record);
    is_sylk.then_some(Foreign {
        what: "a SYLK file",
        hint: SAVE_AS_XLSX,
    })
}

/// Headers as of a mail, of which one says that it is of several parts.
fn mhtml(start: &[u8]) -> Option<Foreign> {
    let is_header = |name: &[u8]| start.starts_with(name);
    let is_mail = [
        &b"from:"[..],
        b"subject:",
        b"date:",
        b"content-type:",
        b"snapshot-content-location:",
    ]
    .into_iter()
    .any(is_header);
    let parts = b"multipart/related";
    (is_mail && start.windows(parts.len()).any(|part| part == parts)).then_some(Foreign {
        what: "a web page in one file (MHTML)",
        hint: SAVE_AS_XLSX,
    })
}

/// What a ZIP file with these names in it is, in lower case. `None`: a workbook that we read, or nothing that we know.
pub(super) fn packed(names: &[String]) -> Option<Foreign> {
    let any = |fits: &dyn Fn(&str) -> bool| names.iter().any(|name| fits(name));
    let ends = |end: &'static str| move |name: &str| name.ends_with(end);
    let starts = |start: &'static str| move |name: &str| name.starts_with(start);
    let (what, hint) = if any(&ends(".iwa")) || any(&ends("index.zip")) {
        (
            "a document of Apple Numbers, Pages or Keynote",
            "open it there and export it as CSV or Excel",
        )
    } else if any(&starts("word/")) {
        ("a Word document", NAME_SPREADSHEET)
    } else if any(&starts("ppt/")) {
        ("a PowerPoint presentation", NAME_SPREADSHEET)
    } else if any(&ends(".csv")) || any(&ends(".tsv")) || any(&ends(".txt")) {
        (
            "a ZIP file of text files",
            "unpack it, and name one of them",
        )
    } else if any(&ends(".xlsx")) || any(&ends(".xls")) || any(&ends(".ods")) {
        ("a ZIP file with a workbook in it", UNPACK)
    } else {
        return None;
    };
    Some(Foreign { what, hint })
}

/// What a compound file with these streams is. `None`: a workbook that we read, or nothing that we know.
pub(super) fn stream_of_document(has: impl Fn(&str) -> bool) -> Option<Foreign> {
    let (_, what) = [
        ("/WordDocument", "a Word document"),
        ("/PowerPoint Document", "a PowerPoint presentation"),
        ("/__properties_version1.0", "a mail of Outlook"),
    ]
    .into_iter()
    .find(|(stream, _)| has(stream))?;
    Some(Foreign {
        what,
        hint: NAME_SPREADSHEET,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(bytes: &[u8]) -> Option<&'static str> {
        binary(bytes)
            .or_else(|| text(bytes))
            .map(|found| found.what)
    }

    #[test]
    fn other_formats_are_known_by_their_beginning() {
        for (bytes, what) in [
            (&b"%PDF-1.7\n"[..], "a PDF"),
            (b"\x89PNG\r\n\x1a\n", "a picture"),
            (b"{\\rtf1\\ansi Hello}", "an RTF document"),
            (b"\n BEGIN:VCARD\r\nVERSION:3.0\r\n", "an address book of vCards"),
            (b"MIME-Version: 1.0\r\nContent-Type: multipart/related;", "a web page in one file (MHTML)"),
            (b"From: <Saved by Blink>\r\nContent-Type: multipart/related;", "a web page in one file (MHTML)"),
            (b"<?xml version=\"1.0\"?>\n<?mso-application progid=\"Excel.Sheet\"?>\n<Workbook", "an XML spreadsheet of 2003"),
            (b"<?xml version='1.0'?><ss:Workbook xmlns:ss='urn:schemas-microsoft-com:office:spreadsheet'>", "an XML spreadsheet of 2003"),
            (b"<?xml version=\"1.0\"?><office:document xmlns:office=", "a flat OpenDocument file (FODS)"),
            (b"<?xml version=\"1.0\"?><customers><c/>", "an XML file"),
            (b"<?xml version=\"1.0\"?><!DOCTYPE html><html>", "a web page"),
            (b"<style>td{}</style><table>", "a web page"),
            (b"ID;PWXL;N;E\r\nP;PGeneral\r\nC;Y1;X1;K\"Name\"\r\n", "a SYLK file"),
            (b"ID;PCALCOOO32\nB;Y2;X3\n", "a SYLK file"),
            (b"[{\"name\":\"Aina\"}]", "JSON"),
            (b"{\n  \"contacts\": []\n}", "JSON"),
            (b"[[\"Name\",\"Phone\"]]", "JSON"),
            (b"[\"Name\",\"Phone\"]\n[\"Aina\",\"012\"]\n", "JSON"),
            (b"{\"url\": \"https://docs.google.com/open?id=1\"}", "JSON"),
            (b"bplist00\xd1\x01\x02", "a property list of macOS, perhaps in place of a file in iCloud"),
            (b"\0\x05\x16\x07\0\x02\0\0Mac OS X", "what macOS notes beside a file (\"._\" before its name)"),
            (b"[InternetShortcut]\r\nURL=https://docs.google.com/\r\n", "a link to a page, not the spreadsheet"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a pointer of Git LFS, not the file"),
            (b"dn: cn=Aina\ncn: Aina\n", "an address book (LDIF)"),
            (b"INSERT INTO `customers` VALUES (1,'Aina')", "a script for a database (SQL)"),
        ] {
            assert_eq!(known(bytes), Some(what), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn spreadsheets_that_begin_alike_are_not_refused() {
        for text in [
            "ID;Phone;Name\n1;0127001111;Aina\n",
            "ID;P\n1;0127001111\n",
            "id,phone\n",
            "Date:,Phone\n",
            "[Name],[Phone]\nAina,012\n",
            "{name},{phone}\n",
            "From:;Phone\n",
            "Insert,Phone\n",
            "<Name>,<Phone>\n",
            "begin,phone\n",
            "TABLE,Phone\n1,012\n",
            "PARTNER,Phone\n",
            "DN,Phone\n",
            "[Internet],Phone\n",
            "version,Phone\n",
            "",
            "[",
        ] {
            assert_eq!(known(text.as_bytes()), None, "{text:?}");
        }
    }
}
