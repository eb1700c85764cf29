//! Lists of numbers: a spreadsheet with a phone column, or one number a line. It hands out cells; whether one is
//! a number is for others to say.

use std::fmt;
use std::path::Path;

use super::open::{Input, Opened};
use super::records::Records;
use super::{header_cells, not_utf8};
use crate::domain::header::{Columns, looks_like_number, trimmed};
use crate::domain::report::ReadAs;
use crate::{Error, Kind, Result};

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
    records: Records,
    phone: Option<usize>,
    /// Entries of the record read last, the next one at the end.
    waiting: Vec<Entry>,
    over: bool,
    ends: Vec<usize>,
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// The numbers of a suppression list, from a CSV or workbook with a phone column (found by its name) or from one without a header. Errors
/// name the file: there is none, it cannot be read, holds no entry, has a header without a phone column, or is a workbook of several sheets.
pub fn read_list(path: &Path) -> Result<List> {
    let place = path.display().to_string();
    begin(path, place.clone()).map_err(|error| error.at(place))
}

fn begin(path: &Path, place: String) -> Result<List> {
    // The options of a command line are about the recipients, so everything is found out.
    let opened = Opened::new(&Input::File(path.to_owned()), None)?;
    let records = Records::new(opened.content, None)?;
    if let ReadAs::Workbook { sheets: 2.., .. } = records.read_as(false) {
        // Who has opted out on a sheet that is not read would get a message.
        return Err(Error::new(
            Kind::Input,
            "the workbook has more than one sheet, and numbers may be on any of them",
        )
        .hint("save the sheet with the numbers as \"CSV UTF-8\", or delete the others"));
    }
    let mut list = List {
        place,
        records,
        phone: None,
        waiting: Vec::new(),
        over: false,
        ends: Vec::new(),
    };
    list.read_first_row()?;
    // An export that failed may leave a header and nothing else. Who has opted out of nothing needs no list; who has, and is
    // not found here, would get a message.
    if list.waiting.is_empty() && !list.advance()? {
        return Err(Error::new(Kind::Input, "the list holds no number")
            .hint("check how it was made, or leave it out"));
    }
    Ok(list)
}

impl List {
    /// Finds out what the list is: without a header if its first row looks like numbers.
    fn read_first_row(&mut self) -> Result<()> {
        while let Some(record) = self.records.next()? {
            let cells = header_cells(&record)?;
            let filled = || cells.iter().filter(|cell| !trimmed(cell).is_empty());
            if filled().next().is_none() {
                continue;
            }
            let line = record.line;
            if filled().all(|cell| looks_like_number(cell)) {
                self.waiting = every_cell(line, cells.iter().map(String::as_str));
            } else {
                self.phone = Some(phone_column(cells)?);
            }
            break;
        }
        Ok(())
    }

    /// Reads on to the next row that holds something; `false` at the end.
    fn advance(&mut self) -> Result<bool> {
        while let Some(record) = self.records.next()? {
            let line = record.line;
            let text = record
                .text(&mut self.ends)
                .map_err(|cell| not_utf8(&format!("line {line}"), cell, ""))?;
            if trimmed(text).is_empty() {
                continue;
            }
            if record.text_after_quote {
                return Err(Error::new(
                    Kind::Input,
                    format!("line {line}: {}", super::RowError::TextAfterQuote),
                ));
            }
            let starts = std::iter::once(0).chain(self.ends.iter().copied());
            let mut cells = starts
                .zip(&self.ends)
                .map(|(start, &end)| &text[start..end]);
            self.waiting = match self.phone {
                None => every_cell(line, cells),
                Some(phone) => vec![Entry {
                    line,
                    cell: cells.nth(phone).unwrap_or_default().to_owned(),
                }],
            };
            return Ok(true);
        }
        Ok(false)
    }
}

/// Without a header, each cell is a number: one too many on the list is the smaller evil.
fn every_cell<'a>(line: u64, cells: impl Iterator<Item = &'a str>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = cells
        .filter(|cell| !trimmed(cell).is_empty())
        .map(|cell| Entry {
            line,
            cell: cell.to_owned(),
        })
        .collect();
    entries.reverse();
    entries
}

/// `--phone-column` is about the recipients, so an error must not point there.
fn phone_column(headers: Vec<String>) -> Result<usize> {
    let columns = Columns::parse(headers)?;
    columns.phone().map_err(|error| {
        error.hint("give the list one column named phone, or one number a line and no header")
    })
}

impl Iterator for List {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        if self.waiting.is_empty() {
            match self.advance() {
                Ok(true) => {}
                Ok(false) => self.over = true,
                Err(error) => {
                    self.over = true;
                    return Some(Err(error.at(&self.place)));
                }
            }
        }
        self.waiting.pop().map(Ok)
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
    fn reads_every_shape_of_list() {
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
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let narrow = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
        for bytes in [wide, narrow, text.as_bytes().to_vec()] {
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
            assert!(
                error.to_string().ends_with(
                    "stop.csv: the workbook has more than one sheet, and numbers may be on any of them; save the sheet with the numbers as \"CSV UTF-8\", or delete the others"
                ),
                "{error}"
            );
        }
    }

    #[test]
    fn refuses_what_would_suppress_nobody() {
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
                "stop.csv: it is not certain what divides the columns: \",\" or \";\"; save the list with commas, and put a cell that holds one in quotes",
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
