//! What stands between two cells, found out from the header and the first rows. Where two delimiters are possible and nothing
//! tells them apart, the file is refused: a wrong one cuts names and amounts in two. It knows no encodings.

use csv::ByteRecord;

use super::format::Delimiter;
use super::row::{Row, Width};
use crate::domain::header::{Columns, trimmed};
use crate::{Error, Kind, Result};

/// How the text of a file is divided.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Division {
    pub(super) delimiter: Delimiter,
    /// The length in bytes of a first line that is there for the delimiter alone and is no row; 0 if there is none.
    pub(super) declaration: usize,
}

/// How the text that begins with this head is divided. `goes_on`: the text may be longer, so its last row may be cut off; `named`: the
/// delimiter that a command line names; `options`: whether one could.
pub(super) fn division(
    head: &[u8],
    goes_on: bool,
    named: Option<Delimiter>,
    options: bool,
) -> Result<Division> {
    let declared = declared(head);
    let declaration = declared.map_or(0, |(_, length)| length);
    let delimiter = match named.or(declared.map(|(delimiter, _)| delimiter)) {
        Some(delimiter) => delimiter,
        None => found(head, goes_on, options)?,
    };
    Ok(Division {
        delimiter,
        declaration,
    })
}

/// The delimiter of a first line `sep=;`, which is Excel's own way to say it, and the length of that line.
fn declared(head: &[u8]) -> Option<(Delimiter, usize)> {
    let end = head.iter().position(|byte| b"\r\n".contains(byte));
    let (line, rest) = head.split_at(end.unwrap_or(head.len()));
    let quoted = line
        .strip_prefix(b"\"")
        .and_then(|line| line.strip_suffix(b"\""));
    let (word, sign) = quoted.unwrap_or(line).split_at_checked("sep=".len())?;
    let &[sign] = sign else { return None };
    let length = match rest {
        [b'\r', b'\n', ..] => line.len() + 2,
        [] => line.len(),
        _ => line.len() + 1,
    };
    word.eq_ignore_ascii_case(b"sep=")
        .then(|| Delimiter::of(sign))
        .flatten()
        .map(|delimiter| (delimiter, length))
}

fn found(head: &[u8], goes_on: bool, options: bool) -> Result<Delimiter> {
    let candidates = in_header(head);
    match candidates[..] {
        [] => Ok(Delimiter::COMMA),
        [only] => Ok(only),
        _ => {
            let readings: Vec<Reading> = candidates
                .iter()
                .map(|&delimiter| Reading::of(head, goes_on, delimiter))
                .collect();
            single(&readings).map_err(|open| uncertain(&open, options))
        }
    }
}

/// The usual delimiters that stand in the header outside quotes; the header is the first row that is not blank.
fn in_header(head: &[u8]) -> Vec<Delimiter> {
    let usual = |byte: u8| {
        Delimiter::USUAL
            .iter()
            .position(|delimiter| delimiter.byte() == byte)
    };
    let mut stand = [false; Delimiter::USUAL.len()];
    let (mut start, mut quoted, mut before) = (0, false, b'\n');
    for (at, &byte) in head.iter().enumerate() {
        match byte {
            b'"' if quoted => quoted = false,
            _ if quoted => continue,
            // At the beginning of a cell, or doubled within it; elsewhere a quote is a sign like any other.
            b'"' if matches!(before, b'\n' | b'"') || usual(before).is_some() => quoted = true,
            b'"' => continue,
            b'\r' | b'\n' if is_blank(&head[start..at]) => {
                (start, stand) = (at + 1, [false; Delimiter::USUAL.len()]);
            }
            b'\r' | b'\n' => break,
            _ => {
                if let Some(nth) = usual(byte) {
                    stand[nth] = true;
                }
            }
        }
        before = if byte == b'\r' { b'\n' } else { byte };
    }
    let stands = |(delimiter, stands): (Delimiter, bool)| stands.then_some(delimiter);
    Delimiter::USUAL
        .into_iter()
        .zip(stand)
        .filter_map(stands)
        .collect()
}

/// Whether nothing is in this row, whatever its delimiter.
fn is_blank(row: &[u8]) -> bool {
    let sign = |c: char| {
        c == '"'
            || Delimiter::USUAL
                .iter()
                .any(|delimiter| char::from(delimiter.byte()) == c)
    };
    std::str::from_utf8(row).is_ok_and(|row| row.split(sign).all(|cell| trimmed(cell).is_empty()))
}

/// The beginning of a file as one delimiter divides it.
struct Reading {
    delimiter: Delimiter,
    /// Whether there are two columns or more, and the rows have as many cells.
    fits: bool,
    phone: bool,
    message: bool,
}

impl Reading {
    fn of(head: &[u8], goes_on: bool, delimiter: Delimiter) -> Self {
        let mut rows = rows(head, goes_on, delimiter).into_iter();
        let header = rows.next().unwrap_or_default();
        let width = header.len();
        let columns = Columns::parse(header);
        let fits = columns
            .as_ref()
            .is_ok_and(|columns| width > 1 && rows.all(|row| fits(&row, columns)));
        Self {
            delimiter,
            fits,
            phone: columns
                .as_ref()
                .is_ok_and(|columns| columns.phone().is_ok()),
            message: columns.is_ok_and(|columns| matches!(columns.message(), Ok(Some(_)))),
        }
    }
}

/// The whole rows of the head that are not blank.
fn rows(head: &[u8], goes_on: bool, delimiter: Delimiter) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter.byte())
        .has_headers(false)
        .flexible(true)
        .from_reader(head);
    let mut record = ByteRecord::new();
    let mut rows = Vec::new();
    while let Ok(true) = reader.read_byte_record(&mut record) {
        if goes_on && reader.position().byte() >= head.len() as u64 {
            break;
        }
        let cell = |cell| String::from_utf8_lossy(cell).into_owned();
        let row: Vec<String> = record.iter().map(cell).collect();
        if row.iter().any(|cell| !trimmed(cell).is_empty()) {
            rows.push(row);
        }
    }
    rows
}

fn fits(row: &[String], columns: &Columns) -> bool {
    let length = |end: &mut usize, cell: &String| {
        *end += cell.len();
        Some(*end)
    };
    let mut ends: Vec<usize> = row.iter().scan(0, length).collect();
    Row::new((1, 1), &row.concat(), &mut ends, Width::of(columns), None)
        .is_none_or(|row| row.error().is_none())
}

/// The delimiter that the rows single out, or else the columns that are looked for; those between which it is open otherwise.
fn single(readings: &[Reading]) -> Result<Delimiter, Vec<Delimiter>> {
    let fitting: Vec<&Reading> = readings.iter().filter(|reading| reading.fits).collect();
    let open = if fitting.is_empty() {
        readings.iter().collect()
    } else {
        fitting
    };
    // Where only another delimiter gives a phone column, the rows are no proof: a short row may be why that one does not fit.
    let any_phone = readings.iter().any(|reading| reading.phone);
    let tests: [fn(&Reading) -> bool; 3] =
        [|_| true, |reading| reading.phone, |reading| reading.message];
    for test in tests {
        let passing: Vec<&Reading> = open
            .iter()
            .copied()
            .filter(|reading| test(reading))
            .collect();
        if let [one] = passing[..]
            && (one.phone || !any_phone)
        {
            return Ok(one.delimiter);
        }
    }
    Err(readings.iter().map(|reading| reading.delimiter).collect())
}

fn uncertain(open: &[Delimiter], options: bool) -> Error {
    let names: Vec<String> = open.iter().map(ToString::to_string).collect();
    Error::new(
        Kind::Input,
        format!(
            "it is not certain what divides the columns: {}",
            names.join(" or ")
        ),
    )
    .hint(if options {
        "name it with --delimiter"
    } else {
        "save the list with commas, and put a cell that holds one in quotes"
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn divided(text: &str) -> Result<(u8, usize)> {
        division(text.as_bytes(), false, None, true)
            .map(|found| (found.delimiter.byte(), found.declaration))
    }

    #[test]
    fn the_delimiter_is_found_out() {
        for (text, delimiter) in [
            // The only one in the header, whatever the rows hold.
            ("Name,Phone\nAli;Abu,012\n", b','),
            ("Name;Phone;Baki\nAli;012;1,50\nBala;013;2,00\n", b';'),
            ("Name\tPhone\nAli, Abu\t012\n", b'\t'),
            ("Name|Phone\nAli;x|012\n", b'|'),
            ("Name;Phone\r\n", b';'),
            // None.
            ("Phone\n012\n013\n", b','),
            ("Phone\n012;3\n", b','),
            ("", b','),
            ("\n\r\n", b','),
            // Several, told apart by the rows.
            (
                "Name;Telefon;Baki (RM 1,000)\nAli;012;5\nBala;013;6\n",
                b';',
            ),
            ("Name,Phone,Note; optional\nAli,012,x\n", b','),
            (
                "Name\tPhone\tNote, if any\nAli\t012\ta,b\n\t\t\nBala\t013\t\n",
                b'\t',
            ),
            ("A;B,C\n1;2\n3;4\n", b';'),
            ("Name,Phone|Fax,Note\nAli,012,\nBala,013,x\n,,\n", b','),
            // Several, told apart by the columns: these rows fit under both.
            ("Telefon;Baki (RM 1,000)\n012;1,50\n013;2,50\n", b';'),
            ("No. Tel|Nota; lain\n012|a;b\n", b'|'),
            ("Phone,Note;x\n", b','),
            // Within quotes nothing divides.
            ("\"Name;Nick\",\"Phone\"\nAli,012\n", b','),
            ("Name,\"Phone;Fax|Tel\tx\"\n", b','),
            ("\"Name, full\";\"Phone\"\n", b';'),
            ("\"Name \"\"x;y\"\"\",Phone\n", b','),
            ("\"Baki\n(RM;sen)\"\tPhone\n", b'\t'),
            // Trailing empty columns, rows above the header, cells without any.
            ("Name;Phone;;;\nAli;012;;;\n", b';'),
            (",,,\r\n\n;\nName;Phone\nAli;012\n", b';'),
            ("\u{a0}\n\"\",\"\"\nName;Phone\n", b';'),
            // A quote in the middle of a cell is none.
            ("5\" pipe;Phone;6\"\n1;2;3\n", b';'),
        ] {
            assert_eq!(divided(text), Ok((delimiter, 0)), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_certain_is_not_guessed() {
        for (text, open) in [
            // Amounts with decimal commas, and nothing to tell which is the delimiter.
            (
                "Nama;Baki (RM 1,000)\nAli;1,50\nBala;2,50\n",
                "\",\" or \";\"",
            ),
            ("a;b,c\n", "\",\" or \";\""),
            ("a|b,c\td\n1\n", "\",\" or tab or \"|\""),
            // Two phone columns, one under each.
            ("Phone;Name,HP\nx;y,z\n", "\",\" or \";\""),
            // The rows speak for the comma, the columns for the semicolon, whose last row is cut short.
            (
                "Name, full;Phone\nAli, Abu;012\nBala, Chong\n",
                "\",\" or \";\"",
            ),
        ] {
            assert_eq!(
                divided(text).expect_err(text).to_string(),
                format!(
                    "it is not certain what divides the columns: {open}; name it with --delimiter"
                )
            );
        }
        let error = division(b"a;b,c\n", false, None, false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it is not certain what divides the columns: \",\" or \";\"; \
             save the list with commas, and put a cell that holds one in quotes"
        );
    }

    #[test]
    fn a_first_line_may_say_it() {
        for (text, found) in [
            ("sep=;\nName,x;Phone\n", (b';', 6)),
            ("SEP=,\r\nName;x,Phone\n", (b',', 7)),
            ("\"sep=|\"\rName", (b'|', 8)),
            ("Sep=\t\n\nName", (b'\t', 6)),
            ("sep=:", (b':', 5)),
            // No declaration, but a header.
            ("sep=\nName;Phone\n", (b',', 0)),
            ("sep=x\n", (b',', 0)),
            ("sep=;;\n", (b';', 0)),
            ("sep;\n", (b';', 0)),
            ("\nsep=,\n", (b',', 0)),
        ] {
            assert_eq!(divided(text), Ok(found), "{text:?}");
        }
        let tab = Delimiter::parse("tab").ok();
        let named = division(b"sep=;\nName;Phone\n", false, tab, true).unwrap();
        assert_eq!((named.delimiter.byte(), named.declaration), (b'\t', 6));
        let named = division(b"a;b,c\n", false, tab, true).unwrap();
        assert_eq!((named.delimiter.byte(), named.declaration), (b'\t', 0));
    }

    #[test]
    fn a_row_that_is_cut_off_does_not_count() {
        let text = b"A;B,C;D\n1;2;3\n4;5;6\n7;\"8, ";
        let found =
            |goes_on| division(text, goes_on, None, true).map(|found| found.delimiter.byte());
        assert_eq!(found(true), Ok(b';'));
        assert!(found(false).is_err());
    }
}
