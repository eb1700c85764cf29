//! Reads lists of numbers: a spreadsheet with a phone column, or one number a line.

use std::path::Path;

use super::errors::SAVE_AS_CSV;
use super::input::Input;
use super::open::open;
use super::options::ReadOptions;
use super::record_reader::first_row;
use super::row::phone_number;
use crate::domain::Location;
use crate::domain::cell::trimmed;
use crate::domain::header::{Columns, looks_like_number};
use crate::domain::report::ReadAs;
use crate::{Error, Kind, Remedy, Result};

/// Reads a suppression list: a CSV or workbook with a phone column (found by its name), or one without a header. Calls `entry`
/// with each cell that should hold a number, as written, and where it is; the cell is blank where a row holds something, but no
/// number.
///
/// Errors name the file: it does not exist, cannot be read, holds no entry, has a header without a phone column, or is a workbook
/// of several sheets.
pub fn read_list(path: &Path, entry: impl FnMut(Location, &str)) -> Result<()> {
    read_entries(path, entry).map_err(|error| hint_for_lists(error).at(path.display()))
}

fn read_entries(path: &Path, mut entry: impl FnMut(Location, &str)) -> Result<()> {
    let mut records = open(&Input::File(path.to_owned()), &ReadOptions::default())?.records;
    if let ReadAs::Workbook { sheets: 2.., .. } = records.read_as() {
        // Numbers that opted out on a sheet that is not read would get a message.
        return Err(Error::new(
            Kind::Input,
            "the workbook has more than one sheet, and numbers may be on any of them",
        )
        .hint(ONE_SHEET));
    }
    let mut entries = 0_u64;
    let mut add = |location: Location, column: usize, cell: &str| {
        entries += 1;
        entry(location.in_column(column), cell);
    };
    let is_filled = |(_, cell): &(usize, &str)| !trimmed(cell).is_empty();
    let Some((location, first)) = first_row(records.as_mut())? else {
        return Err(no_number());
    };
    let cells = first.iter().map(String::as_str);
    let numbers = cells.enumerate().filter(is_filled);
    // Without a header, each cell is a number: one number too many on the list does less harm than one too few.
    let phone = if numbers.clone().all(|(_, cell)| looks_like_number(cell)) {
        numbers.for_each(|(column, cell)| add(location, column, cell));
        None
    } else {
        Some(phone_column(first)?)
    };
    while let Some(record) = records.next_record()? {
        if record.is_blank() {
            continue;
        }
        let location = record.location;
        let cells = record.cells(location)?;
        let number = |cell, index| phone_number(cell, record.held(index).unwrap_or(cell));
        match phone {
            Some(phone) => {
                let cell = cells.get(phone).copied().unwrap_or_default();
                add(location, phone, number(cell, phone));
            }
            None => (0..)
                .zip(cells)
                .map(|(index, cell)| (index, number(cell, index)))
                .filter(is_filled)
                .for_each(|(column, cell)| add(location, column, cell)),
        }
    }
    if entries > 0 {
        Ok(())
    } else {
        Err(no_number())
    }
}

fn no_number() -> Error {
    // An export that failed may leave a header and nothing else. People who opted out would get a message. If there are none, no
    // list is needed.
    Error::new(Kind::Input, "the list holds no number")
        .hint("check how it was made, or leave it out")
}

const ONE_SHEET: &str = "save the sheet with the numbers as \"CSV UTF-8\", or delete the others";

/// The options of the program are about the recipients, so an error of a list gives another hint.
fn hint_for_lists(error: Error) -> Error {
    match error.remedy {
        Some(Remedy::Delimiter) => {
            error.instead("save the list with commas, and put a cell that holds one in quotes")
        }
        Some(Remedy::Encoding) => error.instead(SAVE_AS_CSV),
        Some(Remedy::Sheet) => error.instead(ONE_SHEET),
        _ => error,
    }
}

fn phone_column(headers: Vec<String>) -> Result<usize> {
    Columns::parse(headers)?.phone().map_err(|error| {
        error.instead("give the list one column named phone, or one number a line and no header")
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::source::workbook::build;

    fn read(bytes: &[u8]) -> Result<Vec<(u64, String)>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stop.csv");
        std::fs::write(&path, bytes).unwrap();
        let mut entries = Vec::new();
        read_list(&path, |place, cell| {
            entries.push((place.line(), cell.to_owned()));
        })?;
        Ok(entries)
    }

    #[test]
    fn reads_every_kind_of_list() {
        for (text, entries) in [
            (
                "Name,No. Tel\nAli,0123456789\n\n,,\nBala,\nChong,+60 19-1\n",
                &[(2, "0123456789"), (5, ""), (6, "+60 19-1")][..],
            ),
            (
                "0123456789\r\n\r\n +60 12-3 \r\nabc\r\n",
                &[(1, "0123456789"), (3, " +60 12-3 "), (4, "abc")],
            ),
            ("\u{feff}0123456789", &[(1, "0123456789")]),
            (
                "\n\n012,013,\n,014\n",
                &[(3, "012"), (3, "013"), (4, "014")],
            ),
            ("6.01E+10\n", &[(1, "6.01E+10")]),
            ("phone\n\"0123\n4\"\n015", &[(2, "0123\n4"), (4, "015")]),
            ("name,phone\nAli\n", &[(2, "")]),
            ("Name;Tel\nAli, Abu;0123\n", &[(2, "0123")]),
            ("012;013\n014\n", &[(1, "012"), (1, "013"), (2, "014")]),
            ("sep=|\nTel|Name\n0123|x\n", &[(3, "0123")]),
        ] {
            let read = read(text.as_bytes()).unwrap();
            let read: Vec<_> = read
                .iter()
                .map(|(line, cell)| (*line, cell.as_str()))
                .collect();
            assert_eq!(read, entries, "{text:?}");
        }
    }

    #[test]
    fn reads_every_encoding() {
        let text = "Nama\tTel\nJosé\t0123\n";
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let windows_1252 = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
        for bytes in [utf16, windows_1252, text.as_bytes().to_vec()] {
            assert_eq!(read(&bytes), Ok(vec![(2, "0123".to_owned())]));
        }
    }

    #[test]
    fn reads_workbooks_of_one_sheet() {
        let (header, row) = (
            vec!["Nama".into(), "Tel".into()],
            vec!["Ali".into(), "0123".into()],
        );
        let rows = [header, row];
        let numbers = [
            vec!["0123".into()],
            vec![build::Cell::Blank],
            vec!["0124".into()],
        ];
        let entry = |line, cell: &str| (line, cell.to_owned());
        for made in [build::xlsx, build::ods] {
            assert_eq!(read(&made(&[("A", &rows)])), Ok(vec![entry(2, "0123")]));
            assert_eq!(
                read(&made(&[("A", &numbers)])),
                Ok(vec![entry(1, "0123"), entry(3, "0124")])
            );
            let error = read(&made(&[("A", &rows), ("B", &numbers)])).unwrap_err();
            let first_is_empty = [vec![]];
            let empty = read(&made(&[("A", &first_is_empty), ("B", &numbers)])).unwrap_err();
            assert!(empty.to_string().ends_with(ONE_SHEET), "{empty}");
            assert!(
                error.to_string().ends_with(
                    "stop.csv: the workbook has more than one sheet, and numbers may be on any of them; save the sheet with the numbers as \"CSV UTF-8\", or delete the others"
                ),
                "{error}"
            );
        }
    }

    #[test]
    fn refuses_a_list_that_would_suppress_no_one() {
        for (bytes, sentence) in [
            (
                &b""[..],
                "stop.csv: the file is empty; it needs a row of headers and a row for each recipient",
            ),
            (
                b"phone\n\n",
                "stop.csv: the list holds no number; check how it was made, or leave it out",
            ),
            (
                b"\n\n",
                "stop.csv: the list holds no number; check how it was made, or leave it out",
            ),
            (
                b"Name,Age\nAli,7\n",
                "stop.csv: there is no phone column among \"Name\", \"Age\"; give the list one column named phone, or one number a line and no header",
            ),
            (
                b"phone\n0123\n\"012",
                "stop.csv: the row that begins on line 3 opens a quote that is never closed, which swallows all that follows; look for a quote that is opened and not closed; a quote inside a quoted cell is written twice",
            ),
            (
                b"phone\n0123\n\"012\"3\n",
                "stop.csv: line 3: text follows a closing quote; write a quote inside a quoted cell twice",
            ),
            (
                b"phone,name\n0123,Jos\xc3\xa9\n0124,Jos\xe9\n",
                "stop.csv: line 3, column 2: the text is not UTF-8; save it as \"CSV UTF-8\" in the spreadsheet program",
            ),
            (
                b"phone,name\n0123,\xc0\xee\xc3\xf7\n",
                "stop.csv: line 2: the text is not UTF-8, and the bytes C0 EE C3 look like GBK, Big5 or another encoding of East Asia, not like windows-1252; save it as \"CSV UTF-8\" in the spreadsheet program",
            ),
            (
                b"a;b,c\n0123\n",
                "stop.csv: it is not certain what separates the columns: \",\" or \";\"; save the list with commas, and put a cell that holds one in quotes",
            ),
            (
                b"Name;Age\nAli;7\n",
                "stop.csv: there is no phone column among \"Name\", \"Age\"; give the list one column named phone, or one number a line and no header",
            ),
        ] {
            let error = read(bytes).unwrap_err().to_string();
            assert!(error.ends_with(sentence), "{error}\n{sentence}");
        }
        let error = read_list(Path::new("no/such/list.csv"), |_, _| ()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no/such/list.csv: there is no such file; check the path"
        );
    }

    #[test]
    fn after_an_error_there_are_no_more_entries() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stop.csv");
        std::fs::write(&path, "phone\n012\n\"013\"4\n015\n").unwrap();
        let mut entries = Vec::new();
        let read = read_list(&path, |place, cell| {
            entries.push((place.line(), cell.to_owned()));
        });
        assert!(read.is_err());
        assert_eq!(entries, [(2, "012".to_owned())]);
    }
}
