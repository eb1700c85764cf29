//! Reads lists of numbers: a spreadsheet with a phone column, or one number a line.

use std::fmt;
use std::path::Path;

use super::errors::SAVE_AS_CSV;
use super::input::Input;
use super::open::open;
use super::options::ReadOptions;
use super::record_reader::RecordReader;
use crate::domain::header::{Columns, looks_like_number, trimmed};
use crate::domain::report::ReadAs;
use crate::{Error, Kind, Remedy, Result};

/// One cell of a list that should hold a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line of the file on which its row begins, 1 for the first.
    pub line: u64,
    /// The cell as written; blank where a row holds something, but no number.
    pub cell: String,
}

/// The entries of a list in their order. After an error there are no more. Memory does not grow with the file, unless that is a
/// workbook.
pub struct List {
    place: String,
    records: Box<dyn RecordReader>,
    /// The phone column; none in a list without a header.
    phone: Option<usize>,
    /// Entries of the record read last.
    pending: std::vec::IntoIter<Entry>,
    ended: bool,
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// The numbers of a suppression list: a CSV or workbook with a phone column (found by its name), or one without a header. Errors
/// name the file: it does not exist, cannot be read, holds no entry, has a header without a phone column, or is a workbook of
/// several sheets.
pub fn read_list(path: &Path) -> Result<List> {
    let place = path.display().to_string();
    open_list(path, place.clone()).map_err(|error| hint_for_lists(error).at(place))
}

fn open_list(path: &Path, place: String) -> Result<List> {
    let opened = open(&Input::File(path.to_owned()), &ReadOptions::default())?;
    if let ReadAs::Workbook { sheets: 2.., .. } = opened.records.read_as() {
        // Numbers on a sheet that is not read would get a message although they opted out.
        return Err(Error::new(
            Kind::Input,
            "the workbook has more than one sheet, and numbers may be on any of them",
        )
        .hint(ONE_SHEET));
    }
    let mut list = List {
        place,
        records: opened.records,
        phone: None,
        pending: Vec::new().into_iter(),
        ended: false,
    };
    list.read_first_row()?;
    // An export that failed may leave a header and nothing else. People who opted out would get a
    // message. If there are none, no list is needed.
    if list.pending.len() == 0 && !list.read_row()? {
        return Err(Error::new(Kind::Input, "the list holds no number")
            .hint("check how it was made, or leave it out"));
    }
    Ok(list)
}

const ONE_SHEET: &str = "save the sheet with the numbers as \"CSV UTF-8\", or delete the others";

/// The options of the program are about the recipients, so an error of a list gives another hint.
fn hint_for_lists(error: Error) -> Error {
    match error.wanted_remedy() {
        Some(Remedy::Delimiter) => {
            error.instead("save the list with commas, and put a cell that holds one in quotes")
        }
        Some(Remedy::Encoding) => error.instead(SAVE_AS_CSV),
        Some(Remedy::Sheet) => error.instead(ONE_SHEET),
        _ => error,
    }
}

impl List {
    /// Reads the first row that is not blank: a header, or numbers if all its cells look like numbers.
    fn read_first_row(&mut self) -> Result<()> {
        while let Some(record) = self.records.next_record()? {
            let line = record.line;
            let cells = record.cells(format_args!("the header (line {line})"))?;
            if record.is_blank() {
                continue;
            }
            let mut filled = cells.iter().filter(|cell| !trimmed(cell).is_empty());
            if filled.all(|cell| looks_like_number(cell)) {
                self.pending = every_cell(line, &cells).into_iter();
            } else {
                self.phone = Some(phone_column(&cells)?);
            }
            break;
        }
        Ok(())
    }

    /// Reads the next row that is not blank; `false` at the end.
    fn read_row(&mut self) -> Result<bool> {
        while let Some(record) = self.records.next_record()? {
            if record.is_blank() {
                continue;
            }
            let line = record.line;
            let cells = record.cells(format_args!("line {line}"))?;
            let entries = match self.phone {
                None => every_cell(line, &cells),
                Some(phone) => vec![Entry {
                    line,
                    cell: cells.get(phone).copied().unwrap_or_default().to_owned(),
                }],
            };
            self.pending = entries.into_iter();
            return Ok(true);
        }
        Ok(false)
    }
}

/// Without a header, each cell is a number: one number too many on the list does less harm than one too few.
fn every_cell(line: u64, cells: &[&str]) -> Vec<Entry> {
    let filled = cells.iter().filter(|cell| !trimmed(cell).is_empty());
    let entry = |cell: &&str| Entry {
        line,
        cell: (*cell).to_owned(),
    };
    filled.map(entry).collect()
}

fn phone_column(headers: &[&str]) -> Result<usize> {
    let headers = headers.iter().map(|header| (*header).to_owned());
    let columns = Columns::parse(headers.collect())?;
    columns.phone().map_err(|error| {
        error.instead("give the list one column named phone, or one number a line and no header")
    })
}

impl Iterator for List {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if self.pending.len() == 0 {
            match self.read_row() {
                Ok(true) => {}
                Ok(false) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(hint_for_lists(error).at(&self.place)));
                }
            }
        }
        self.pending.next().map(Ok)
    }
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
        let entries = read_list(&path)?.map(|entry| entry.map(|entry| (entry.line, entry.cell)));
        entries.collect()
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
        let error = read_list(Path::new("no/such/list.csv")).unwrap_err();
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
        let read: Vec<bool> = read_list(&path)
            .unwrap()
            .map(|entry| entry.is_ok())
            .collect();
        assert_eq!(read, [true, false]);
    }
}
