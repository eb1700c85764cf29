//! Finds the delimiter of a text from its header and first rows. Where several are possible and nothing tells them apart, the
//! file is refused: a wrong one cuts names and amounts in two.

use csv::ByteRecord;

use super::options::Delimiter;
use super::quotes::is_all_quoted;
use super::quoting::records;
use super::row::RowWidth;
use crate::domain::cell::trimmed;
use crate::domain::header::Columns;
use crate::{Error, Kind, Remedy, Result};

/// The delimiter of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) delimiter: Delimiter,
    /// The length in bytes of a first line that only declares the delimiter and is not a row; 0 if there is none.
    pub(super) declaration: usize,
}

/// The delimiter of the text with this beginning. `continues`: more text may follow, so its last row may be incomplete. `named` is
/// the delimiter, if it was named.
pub(super) fn find(beginning: &[u8], continues: bool, named: Option<Delimiter>) -> Result<Found> {
    let declared = declared(beginning);
    let declaration = declared.map_or(0, |(_, length)| length);
    refuse_quoted_lines(&beginning[declaration..], continues)?;
    let delimiter = match named.or(declared.map(|(delimiter, _)| delimiter)) {
        Some(delimiter) => delimiter,
        None => detect(beginning, continues)?,
    };
    Ok(Found {
        delimiter,
        declaration,
    })
}

/// An error where every line is one quoted cell with delimiters in it (`"Name,Phone"`): a file that was exported twice.
fn refuse_quoted_lines(beginning: &[u8], continues: bool) -> Result<()> {
    if !beginning.trim_ascii_start().starts_with(b"\"") {
        return Ok(());
    }
    let rows = records(beginning, continues, b'\0', b'"');
    let quoted_with = |delimiter: &Delimiter| {
        rows.iter()
            .all(|row| is_all_quoted(row, b'\0', b'"') && row.contains(&delimiter.byte()))
    };
    if rows.len() < 2 || !Delimiter::USUAL.iter().any(quoted_with) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Input,
        "every line is one quoted cell, so that its columns are not separated",
    )
    .hint("export it again; or, in a text editor, delete the quote at both ends of each line and write \"\" as \" elsewhere"))
}

/// The delimiter of a first line `sep=;`, which is how Excel declares it, and the length of that line.
fn declared(beginning: &[u8]) -> Option<(Delimiter, usize)> {
    let end = beginning.iter().position(|byte| b"\r\n".contains(byte));
    let (line, rest) = beginning.split_at(end.unwrap_or(beginning.len()));
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
        .then(|| Delimiter::from_byte(sign))
        .flatten()
        .map(|delimiter| (delimiter, length))
}

fn detect(beginning: &[u8], continues: bool) -> Result<Delimiter> {
    let in_header = in_header(beginning);
    match in_header[..] {
        [] => Ok(Delimiter::COMMA),
        [only] => Ok(only),
        _ => choose(
            &in_header
                .iter()
                .map(|&delimiter| Candidate::new(beginning, continues, delimiter))
                .collect::<Vec<_>>(),
        ),
    }
}

/// The usual delimiters outside quotes in the header, which is the first row that is not blank.
fn in_header(beginning: &[u8]) -> Vec<Delimiter> {
    let usual = |byte: u8| {
        Delimiter::USUAL
            .iter()
            .position(|delimiter| delimiter.byte() == byte)
    };
    let mut seen = [false; Delimiter::USUAL.len()];
    let (mut start, mut quoted, mut before) = (0, false, b'\n');
    for (at, &byte) in beginning.iter().enumerate() {
        match byte {
            b'"' if quoted => quoted = false,
            _ if quoted => continue,
            // At the beginning of a cell, or doubled within it; elsewhere a quote is an ordinary character.
            b'"' if matches!(before, b'\n' | b'"') || usual(before).is_some() => quoted = true,
            b'"' => continue,
            b'\r' | b'\n' if is_blank(&beginning[start..at]) => {
                (start, seen) = (at + 1, [false; Delimiter::USUAL.len()]);
            }
            b'\r' | b'\n' => break,
            _ => {
                if let Some(nth) = usual(byte) {
                    seen[nth] = true;
                }
            }
        }
        before = if byte == b'\r' { b'\n' } else { byte };
    }
    Delimiter::USUAL
        .into_iter()
        .zip(seen)
        .filter_map(|(delimiter, seen)| seen.then_some(delimiter))
        .collect()
}

/// Whether this row is blank, whatever its delimiter.
fn is_blank(row: &[u8]) -> bool {
    let separates = |c: char| {
        c == '"'
            || Delimiter::USUAL
                .iter()
                .any(|delimiter| char::from(delimiter.byte()) == c)
    };
    std::str::from_utf8(row)
        .is_ok_and(|row| row.split(separates).all(|cell| trimmed(cell).is_empty()))
}

/// The beginning of a file, separated by one delimiter.
struct Candidate {
    delimiter: Delimiter,
    /// Whether there are two columns or more, and all rows fit under them.
    fits: bool,
    has_phone: bool,
    has_message: bool,
}

impl Candidate {
    fn new(beginning: &[u8], continues: bool, delimiter: Delimiter) -> Self {
        let mut rows = rows(beginning, continues, delimiter).into_iter();
        let header = rows.next().unwrap_or_default();
        let Ok(columns) = Columns::parse(header) else {
            return Self {
                delimiter,
                fits: false,
                has_phone: false,
                has_message: false,
            };
        };
        let width = RowWidth::of(&columns);
        Self {
            delimiter,
            fits: columns.len() > 1 && rows.all(|row| width.fits_row(&row)),
            has_phone: columns.phone().is_ok(),
            has_message: matches!(columns.message(), Ok(Some(_))),
        }
    }
}

/// The complete rows of the beginning that are not blank.
fn rows(beginning: &[u8], continues: bool, delimiter: Delimiter) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter.byte())
        .has_headers(false)
        .flexible(true)
        .from_reader(beginning);
    let mut record = ByteRecord::new();
    let mut rows = Vec::new();
    while let Ok(true) = reader.read_byte_record(&mut record) {
        if continues && reader.position().byte() >= beginning.len() as u64 {
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

/// The delimiter that the rows single out, or else the phone and message columns.
fn choose(candidates: &[Candidate]) -> Result<Delimiter> {
    let fitting: Vec<&Candidate> = candidates.iter().filter(|one| one.fits).collect();
    let possible = if fitting.is_empty() {
        candidates.iter().collect()
    } else {
        fitting
    };
    // Where only another delimiter gives a phone column, the rows prove nothing: a short row may be why that one does not fit.
    let any_phone = candidates.iter().any(|one| one.has_phone);
    let tests: [fn(&Candidate) -> bool; 3] = [|_| true, |one| one.has_phone, |one| one.has_message];
    for test in tests {
        let passing: Vec<&Candidate> = possible.iter().copied().filter(|one| test(one)).collect();
        if let [one] = passing[..]
            && (one.has_phone || !any_phone)
        {
            return Ok(one.delimiter);
        }
    }
    let names: Vec<String> = candidates
        .iter()
        .map(|one| one.delimiter.to_string())
        .collect();
    let message = format!(
        "it is not certain what separates the columns: {}",
        names.join(" or ")
    );
    Err(Error::new(Kind::Input, message)
        .hint("name it")
        .remedy(Remedy::Delimiter))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn found(text: &str) -> Result<(u8, usize)> {
        find(text.as_bytes(), false, None).map(|found| (found.delimiter.byte(), found.declaration))
    }

    #[test]
    fn the_delimiter_is_detected() {
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
            // Within quotes nothing separates.
            ("\"Name;Nick\",\"Phone\"\nAli,012\n", b','),
            ("Name,\"Phone;Fax|Tel\tx\"\n", b','),
            ("\"Name, full\";\"Phone\"\n", b';'),
            ("\"Name \"\"x;y\"\"\",Phone\n", b','),
            ("\"Baki\n(RM;sen)\"\tPhone\n", b'\t'),
            // Empty columns at the end, blank rows above the header.
            ("Name;Phone;;;\nAli;012;;;\n", b';'),
            (",,,\r\n\n;\nName;Phone\nAli;012\n", b';'),
            ("\u{a0}\n\"\",\"\"\nName;Phone\n", b';'),
            // A quote in the middle of a cell does not count.
            ("5\" pipe;Phone;6\"\n1;2;3\n", b';'),
        ] {
            assert_eq!(found(text), Ok((delimiter, 0)), "{text:?}");
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
                found(text).expect_err(text).to_string(),
                format!("it is not certain what separates the columns: {open}; name it")
            );
        }
        let error = found("a;b,c\n").unwrap_err();
        assert_eq!(error.remedy, Some(Remedy::Delimiter));
    }

    #[test]
    fn a_first_line_may_declare_it() {
        for (text, expected) in [
            ("sep=;\nName,x;Phone\n", (b';', 6)),
            ("SEP=,\r\nName;x,Phone\n", (b',', 7)),
            ("\"sep=|\"\rName", (b'|', 8)),
            ("Sep=\t\n\nName", (b'\t', 6)),
            ("sep=:", (b':', 5)),
            // Not a declaration, but a header.
            ("sep=\nName;Phone\n", (b',', 0)),
            ("sep=x\n", (b',', 0)),
            ("sep=;;\n", (b';', 0)),
            ("sep;\n", (b';', 0)),
            ("\nsep=,\n", (b',', 0)),
        ] {
            assert_eq!(found(text), Ok(expected), "{text:?}");
        }
        let tab = Delimiter::parse("tab").ok();
        let named = find(b"sep=;\nName;Phone\n", false, tab).unwrap();
        assert_eq!((named.delimiter.byte(), named.declaration), (b'\t', 6));
        let named = find(b"a;b,c\n", false, tab).unwrap();
        assert_eq!((named.delimiter.byte(), named.declaration), (b'\t', 0));
    }

    #[test]
    fn a_row_that_is_cut_off_does_not_count() {
        let text = b"A;B,C;D\n1;2;3\n4;5;6\n7;\"8, ";
        let found = |continues| find(text, continues, None).map(|found| found.delimiter.byte());
        assert_eq!(found(true), Ok(b';'));
        assert!(found(false).is_err());
    }
}
