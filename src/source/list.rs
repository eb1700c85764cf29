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
use crate::domain::{ResultColumn, Status};
use crate::{Error, Kind, Remedy, Result};

/// Reads a suppression list: a CSV or workbook with a phone column (found by its name), or one without a header. Calls `entry`
/// with each cell that should hold a number, as written, and where it is; the cell is blank where a row holds something, but no
/// number. Of a results file, rows that certainly were not sent and will not be are left out, whatever they hold.
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
    let (mut entries, mut left_out) = (0_u64, 0_u64);
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
    let columns = if numbers.clone().all(|(_, cell)| looks_like_number(cell)) {
        numbers.for_each(|(column, cell)| add(location, column, cell));
        None
    } else {
        Some(NumberColumns::find(first)?)
    };
    while let Some(record) = records.next_record()? {
        if record.is_blank() {
            continue;
        }
        let location = record.location;
        let cells = record.cells(location)?;
        let cell = |column: usize| {
            let shown = cells.get(column).copied().unwrap_or_default();
            phone_number(shown, record.held(column).unwrap_or(shown))
        };
        match &columns {
            None => (0..cells.len())
                .map(|column| (column, cell(column)))
                .filter(is_filled)
                .for_each(|(column, cell)| add(location, column, cell)),
            Some(columns) if columns.is_left_out(cell) => left_out += 1,
            Some(columns) => match columns
                .msisdn
                .filter(|column| !trimmed(cell(*column)).is_empty())
            {
                Some(column) => add(location, column, &with_plus(cell(column))),
                None => add(location, columns.phone, cell(columns.phone)),
            },
        }
    }
    if entries + left_out > 0 {
        Ok(())
    } else {
        Err(no_number())
    }
}

fn no_number() -> Error {
    // An export that failed may leave a header and nothing else. The people whom it should hold would get a message.
    Error::new(Kind::Input, "the list holds no number")
        .hint("check how it was made; leave it out only if everybody may get a message")
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

/// Where a list with a header has its numbers.
struct NumberColumns {
    /// The column with numbers as people write them. In a results file without one, that of the MSISDNs.
    phone: usize,
    /// The MSISDNs of a results file.
    msisdn: Option<usize>,
    /// The statuses of a results file.
    status: Option<usize>,
}

impl NumberColumns {
    fn find(headers: Vec<String>) -> Result<Self> {
        let columns = Columns::parse(headers)?;
        let position = |column: ResultColumn| columns.position(column.name()).ok();
        let status = position(ResultColumn::Status);
        let msisdn = status.and_then(|_| position(ResultColumn::To));
        let phone = match (columns.phone(), msisdn) {
            (Ok(phone), _) => phone,
            (Err(_), Some(msisdn)) => msisdn,
            (Err(error), None) => {
                return Err(error.instead(
                    "give the list one column named phone, or one number a line and no header",
                ));
            }
        };
        Ok(Self {
            phone,
            msisdn,
            status,
        })
    }

    /// Whether the row says that nothing was sent to it, and that nothing will be.
    fn is_left_out<'a>(&self, cell: impl Fn(usize) -> &'a str) -> bool {
        let status = self.status.map_or("", cell);
        let status = Status::parse(&trimmed(status).to_ascii_lowercase());
        matches!(
            status,
            Some(Status::Refused | Status::Invalid | Status::Cancelled)
        )
    }
}

/// An MSISDN has no plus, without which its calling code could be read as something else.
fn with_plus(cell: &str) -> String {
    let digits = trimmed(cell);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("+{digits}")
    } else {
        digits.to_owned()
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
    fn of_results_only_what_may_have_been_or_may_yet_be_sent_counts() {
        let table = [
            ("accepted", "60123456789", true),
            ("unknown", "60123456789", true),
            ("pending", "60123456789", true),
            ("suppressed", "60123456789", true),
            ("duplicate", "60123456789", true),
            ("", "60123456789", true),
            ("delivered", "60123456789", true),
            ("refused", "60123456789", false),
            ("invalid", "", false),
            ("invalid", "abc", false),
            (" Refused ", "60123456789", false),
            ("INVALID", "6.01E+10", false),
            ("cancelled", "60123456789", false),
        ];
        for (status, number, counts) in table {
            let row =
                format!("name,phone,sms_row,sms_to,sms_status\nAli,012 junk,1,{number},{status}\n");
            let expected = if counts {
                vec![(2, format!("+{number}"))]
            } else {
                Vec::new()
            };
            assert_eq!(read(row.as_bytes()), Ok(expected), "{status} {number}");
        }
        // Without the number that was read, the cell counts; without a phone column, the number that was read.
        for (text, entry) in [
            ("phone,sms_to,sms_status\n012,,suppressed\n", "012"),
            ("phone,sms_status\n012,accepted\n", "012"),
            ("kontak,sms_to,sms_status\n012,6013,accepted\n", "+6013"),
            ("kontak,sms_to,sms_status\n012,,accepted\n", ""),
            (
                "phone,mobile,sms_to,sms_status\n012,013,6014,accepted\n",
                "+6014",
            ),
        ] {
            assert_eq!(
                read(text.as_bytes()),
                Ok(vec![(2, entry.to_owned())]),
                "{text}"
            );
        }
        assert!(read(b"phone,sms_to,sms_status\n").is_err());
        // It is no results file.
        assert_eq!(
            read(b"phone,status\n012,refused\n"),
            Ok(vec![(2, "012".to_owned())])
        );
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
                "stop.csv: the list holds no number; check how it was made; leave it out only if everybody may get a message",
            ),
            (
                b"\n\n",
                "stop.csv: the list holds no number; check how it was made; leave it out only if everybody may get a message",
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
