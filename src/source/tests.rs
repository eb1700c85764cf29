//! Every row is read once, or there is an error that says where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod detection;
mod same_table;

use std::io::{self, Cursor};

use proptest::prelude::*;

use super::*;
use crate::domain::cell::trimmed;

/// Returns a few bytes at a time, so that buffers end at every place.
struct Drip(Cursor<Vec<u8>>, usize);

impl Read for Drip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

fn source(bytes: impl Into<Vec<u8>>) -> Result<Source> {
    Source::from_reader(
        "customers.csv",
        Cursor::new(bytes.into()),
        &ReadOptions::default(),
    )
}

fn read(bytes: impl Into<Vec<u8>>) -> Result<(Source, Vec<Row>)> {
    drain(source(bytes)?, 2)
}

fn drain(mut source: Source, chunk: usize) -> Result<(Source, Vec<Row>)> {
    let mut rows = vec![];
    while let Some(more) = source.read(chunk)? {
        assert!(!more.is_empty() && more.len() <= chunk);
        rows.extend(more);
    }
    Ok((source, rows))
}

fn cells(rows: &[Row]) -> Vec<Vec<&str>> {
    rows.iter().map(|row| row.cells().collect()).collect()
}

#[test]
fn rows_keep_their_number_line_and_cells() {
    let text = "\r\n , \r\nName,Phone,,\r\nAli,012,,\r\n\r\n\"Bala\r\nBin\",\"013\",x\r\n,,,\r\nChong,\"\"\r\n\r\n\r\n\"D \"\"E\"\"\",5\" pipe,,,,\r\nF";
    let (source, rows) = read(text).unwrap();
    let seen: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.number(),
                row.place().location.line(),
                row.cell(0),
                row.cell(1),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (1, 4, "Ali", "012"),
            (2, 6, "Bala\r\nBin", "013"),
            (3, 9, "Chong", ""),
            (4, 12, "D \"E\"", "5\" pipe"),
            (5, 13, "F", ""),
        ]
    );
    assert_eq!(source.blank_rows(), 4);
    assert_eq!(source.columns().headers, ["Name", "Phone", "", ""]);
    assert!(
        rows.iter()
            .all(|row| row.len() == 4 && row.cells().count() == 4)
    );
    assert_eq!(rows[1].cell(2), "x");
    assert_eq!(rows[1].cell(4), "");
    let errors: Vec<_> = rows.iter().map(|row| row.error().copied()).collect();
    let short = RowError::Ragged {
        cells: 1,
        columns: 4,
    };
    assert_eq!(errors, [None, None, None, None, Some(short)]);
}

#[test]
fn a_row_that_does_not_fit_has_an_error() {
    for (row, error) in [
        ("a,b", None),
        ("a,b,, ,\u{a0}", None),
        (
            "a",
            Some("the row has 1 cell and the header 3; complete it"),
        ),
        (
            "a,b,c,d",
            Some(
                "the row has 4 cells and the header 3; put a cell that holds the delimiter in quotes",
            ),
        ),
        (
            "a,b,,,e,,",
            Some(
                "the row has 5 cells and the header 3; put a cell that holds the delimiter in quotes",
            ),
        ),
        (
            "\"a\"b,c",
            Some("text follows a closing quote; write a quote inside a quoted cell twice"),
        ),
        (
            "\"Hello \"you\"\",c",
            Some("text follows a closing quote; write a quote inside a quoted cell twice"),
        ),
        ("a \"b\" c,d\"", None),
        ("\"\"\"a\"\"\",\"\"", None),
    ] {
        let (_, rows) = read(format!("x,y,\n{row}\n1,2\n")).unwrap();
        assert_eq!(rows.len(), 2, "{row}");
        assert_eq!(
            rows[0].error().map(ToString::to_string).as_deref(),
            error,
            "{row}"
        );
        assert_eq!(rows[1].error(), None);
    }
}

#[test]
fn refuses_what_cannot_be_read_as_a_spreadsheet() {
    let save = "save it as \"CSV UTF-8\" in the spreadsheet program";
    let close = "look for a quote that is opened and not closed; a quote inside a quoted cell is written twice";
    let needs = "it needs a row of headers and a row for each recipient";
    let long = format!("a,b\n1,2\n\"{}\n", "3,4\n".repeat(400_000));
    let table: Vec<(&[u8], String)> = vec![
        (b"", format!("the file is empty; {needs}")),
        (b"\xef\xbb\xbf", format!("the file is empty; {needs}")),
        (b"\n,,\r\n \n", format!("is empty: every row is blank; {needs}")),
        (
            b"SQLite format 3\0\x10",
            "this is a ledger or another SQLite file, not CSV, XLSX, XLS or ODS; name the spreadsheet".into(),
        ),
        (b"a\0,b\n", format!("line 1 holds a NUL byte, which no text has; the file is damaged or in another format; {save}")),
        (b"a,b\r\n1,\"x\r\ny\0\"\n", format!("line 3 holds a NUL byte, which no text has; the file is damaged or in another format; {save}")),
        (
            b"n\xc3\xa4me,n\xe4me\n",
            format!("the header (line 1), column 2: the text is not UTF-8; {save}"),
        ),
        (
            b"\nname,phone\n\nJos\xc3\xa9,1\n\nJos\xe9,2\n",
            format!("row 2 (line 6), column \"name\": the text is not UTF-8; {save}"),
        ),
        (
            // An accented letter, its two bytes in two cells.
            b"a,b,c\n\xc3\xa9,1,2\n1,x\xc3,\xa9\n",
            format!("row 2 (line 3), column \"b\": the text is not UTF-8; {save}"),
        ),
        (
            b"a\n1,\xc3\xa9\xe9\n",
            format!("row 1 (line 2), column 2: the text is not UTF-8; {save}"),
        ),
        (
            b"a,\"b\"c\n1,2\n",
            "the header (line 1): text follows a closing quote; write a quote inside a quoted cell twice".into(),
        ),
        (
            b"a,A\n",
            "the columns \"a\" and \"A\" would both be {{ a }}; rename one of them".into(),
        ),
        (
            b"a,b\n1,2\r\n3,\"4\n5,6\n",
            format!("the row that begins on line 3 opens a quote that is never closed, which swallows all that follows; {close}"),
        ),
        (
            b"a,b\n\"1,2\n\"3\",4\n5,6\n",
            format!("lines 2 to 3 are one row by their quotes, but text follows a closing quote; {close}"),
        ),
        (
            long.as_bytes(),
            format!("the row that begins on line 3 has no end within 1048576 bytes; {close}"),
        ),
        (
            b"a,b\r\n1,2\r\n3,Hello\rworld\r\n",
            "line 4 follows a carriage return alone, but the lines before it end in a line feed, so one row may have become two; put the cell with the line end in quotes, or save the file as \"CSV UTF-8\" again".into(),
        ),
        (
            b"a,b\r1,2\r3,Hello\nworld\r",
            "line 4 follows a line feed, but the lines before it end in a carriage return alone, so one row may have become two; put the cell with the line end in quotes, or save the file as \"CSV UTF-8\" again".into(),
        ),
    ];
    for (bytes, sentence) in table {
        let error = read(bytes).expect_err(&sentence);
        assert_eq!(error.to_string(), format!("customers.csv: {sentence}"));
    }
    // Far behind the beginning, which is checked first.
    let text = format!("a\n{}1\0\n", "1234567\n".repeat(1000));
    assert_eq!(
        read(text).unwrap_err().to_string(),
        format!(
            "customers.csv: line 1002 holds a NUL byte, which no text has; the file is damaged or in another format; {save}"
        )
    );
}

#[test]
fn rows_that_quotes_swallowed_are_detected_and_cells_of_several_lines_are_accepted() {
    let refused = [
        (
            "phone,name",
            "0123456789,\"Ali\n0198765432,Siti\n0171234567,Abu\"",
            "lines 2 to 4",
        ),
        (
            "phone,name",
            "0123456789,\"Ali\r\n0198765432,Siti\r\n0171234567,Abu\"",
            "lines 2 to 4",
        ),
        (
            "phone,size,name",
            "0123456789,\"5 inch,Ali\n0198765432,6\",Siti",
            "lines 2 to 3",
        ),
        (
            "name,phone",
            "\"Ali,0123456789\nSiti,+60 19-876 5432\nAbu\",0171234567",
            "lines 2 to 4",
        ),
        (
            "phone;name;due",
            "0123456789;\"Ali;1\n0198765432;Siti;2\n0171234567;Abu\";3",
            "lines 2 to 4",
        ),
        (
            "phone,name",
            "0111111111,\"a\nb\"\n0123456789,\"Ali\n0198765432,\"\"Siti\"\"\n\"",
            "lines 4 to 6",
        ),
    ];
    for (header, rows, lines) in refused {
        let error = read(format!("{header}\n{rows}\n")).unwrap_err().to_string();
        assert!(error.contains(lines), "{rows}: {error}");
        assert!(error.contains("by their quotes"), "{rows}: {error}");
    }
    let fine = [
        (
            "phone,address",
            "0123456789,\"No. 12, Jalan 5\n50450 Kuala Lumpur, Malaysia\"",
        ),
        (
            "name,address,phone",
            "Ali,\"12, Jalan 5\n50450 KL, Malaysia\",0123456789",
        ),
        ("who,amount", "\"Ali\n0123456789\",\"1,250.50\""),
        (
            "phone,note",
            "0123456789,\"2026-11-20, called\n2026-11-22 14:30, paid\n22/11/2026, closed\"",
        ),
        (
            "phone,note,due",
            "0123456789,\"call\n0198765432, or Siti\nthanks\",Monday",
        ),
        (
            "phone,note",
            "0123456789,\"Tel: 0198765432, Siti\nTel: 0171234567, Abu\"",
        ),
        ("phone", "\"0123456789\n0198765432\""),
    ];
    for (header, row) in fine {
        let (_, rows) = read(format!("{header}\n{row}\n")).unwrap();
        assert_eq!(rows.len(), 1, "{row}");
        assert_eq!(rows[0].error(), None, "{row}");
    }
}

#[test]
fn an_error_is_final() {
    let mut source = source("a\n1\n\"2").unwrap();
    assert!(source.read(1).unwrap().is_some());
    let first = source.read(1).unwrap_err();
    assert_eq!(source.read(1).unwrap_err(), first);
}

#[test]
fn errors_name_the_file_that_cannot_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.csv");
    for (path, sentence) in [
        (folder.path(), "this is a folder; name the file in it"),
        (&missing, "there is no such file; check the path"),
    ] {
        let error = Source::open(&Input::parse(path), &ReadOptions::default()).unwrap_err();
        assert_eq!(error.to_string(), format!("{}: {sentence}", path.display()));
        assert_eq!(is_ledger(path).unwrap_err(), error);
    }
    assert_eq!(Input::parse("-"), Input::Stdin);
    assert_eq!(Input::parse("/dev/stdin"), Input::Stdin);
    assert_eq!(Input::parse("./-"), Input::File("./-".into()));
    assert_eq!(Input::Stdin.to_string(), "standard input");
}

#[test]
fn a_ledger_is_detected_by_its_first_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ledger");
    for (bytes, is) in [
        (&b"SQLite format 3\0 and so on"[..], true),
        (b"SQLite format 3", false),
        (b"", false),
        (b"phone\n", false),
    ] {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(is_ledger(&path), Ok(is));
    }
}

#[test]
fn a_file_has_a_length_and_is_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("customers.csv");
    std::fs::write(&path, "\u{feff}Phone\u{a0}\n012\n").unwrap();
    let source = Source::open(&Input::File(path), &ReadOptions::default()).unwrap();
    let position = source.position();
    assert_eq!(source.len_bytes(), Some(15));
    assert_eq!(
        source.dialect(),
        CsvDialect {
            delimiter: b',',
            bom: true
        }
    );
    assert_eq!(source.columns().headers, ["Phone\u{a0}"]);
    assert_eq!(source.columns().phone(), Ok(0));
    let reader = std::thread::spawn(move || drain(source, 10));
    let (_, rows) = reader.join().unwrap().unwrap();
    assert_eq!(cells(&rows), [["012"]]);
    assert_eq!(position.bytes(), 15);
}

#[test]
fn odd_line_ends_and_any_number_of_blank_lines_are_not_rows() {
    let (source, rows) = read("a,b\r\r\n1,2\r\r\n3,4\r\r\n").unwrap();
    assert_eq!(cells(&rows), [["1", "2"], ["3", "4"]]);
    assert_eq!(source.blank_rows(), 3);

    let (source, rows) = read("a\r1\r\r\r2\r").unwrap();
    assert_eq!(cells(&rows), [["1"], ["2"]]);
    assert_eq!(
        (source.blank_rows(), rows[1].place().location.line()),
        (2, 5)
    );

    let lines = 3_000_000;
    let (source, rows) = read(format!("a\n1\n{}2\n", "\n".repeat(lines))).unwrap();
    assert_eq!(cells(&rows), [["1"], ["2"]]);
    assert_eq!(source.blank_rows(), lines as u64);
    assert_eq!(rows[1].place().location.line(), lines as u64 + 3);
}

#[test]
fn the_digest_is_of_the_cells_not_of_how_they_are_written() {
    let digest = |text: &str| read(text).unwrap().0.digest();
    let same = digest("a,b\n1,2\n3,4\n");
    for text in [
        "\u{feff}a,b\r\n\"1\",2\r\n\r\n3,\"4\"\r\n,\r\n",
        "\n\"a\",b\r1,2,,\r3,4",
    ] {
        assert_eq!(digest(text), same, "{text:?}");
    }
    let mut all = vec![same];
    for text in [
        "a,b\n1,2\n3,4\n5,6",
        "a,b\n12,\n3,4\n",
        "a,b\n,12\n3,4\n",
        "a,b\n1,2\n3, 4\n",
        "a,c\n1,2\n3,4\n",
        "a,b\n3,4\n1,2\n",
        "a,b\n1,2\n3,4,5\n",
        "a,b\n1,2\n3\n",
        "a,b\n1,2\n3,\n",
        "a,b\n1,2\n3,\"4\"5\n",
        "a,b\n1,2\n3,45\n",
        "a,b,\n1,2,\n3,4,\n",
    ] {
        all.push(digest(text));
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 13);
}

/// A table as it is written, and what must be read back.
#[derive(Clone, Debug)]
struct Table {
    text: String,
    rows: Vec<(u64, Vec<String>)>,
    blank: u64,
}

fn table() -> impl Strategy<Value = Table> {
    let cell = prop_oneof![
        3 => "[a-z0-9 ]{1,4}",
        // An apostrophe at the beginning may be a quote: see the tests of `quoting`.
        1 => "[a\", \r\n姓é'\u{a0}]{0,5}".prop_filter("may be quoted", |cell| !cell.trim().starts_with('\'')),
        1 => Just(String::new()),
    ];
    let line_end = prop_oneof![
        Just(vec!["\n"]),
        Just(vec!["\r\n"]),
        Just(vec!["\n", "\r\n"]),
        Just(vec!["\r"])
    ];
    (1_usize..5, line_end).prop_flat_map(move |(width, line_end)| {
        // For each cell: whether to quote it without need. For each row: how many empty lines follow, and a random number.
        let cells = proptest::collection::vec((cell.clone(), any::<bool>()), width);
        let rows = proptest::collection::vec((cells, 0_usize..3, any::<usize>()), 0..12);
        (rows, any::<bool>()).prop_map(move |(rows, ended)| write(width, &rows, &line_end, ended))
    })
}

type Drawn = (Vec<(String, bool)>, usize, usize);

fn write(width: usize, drawn: &[Drawn], line_end: &[&str], ended: bool) -> Table {
    let header: Vec<String> = (0..width).map(|nth| format!("h{nth}")).collect();
    let mut table = Table {
        text: header.join(",") + line_end[0],
        rows: vec![],
        blank: 0,
    };
    for (cells, empty, draw) in drawn {
        let line = lines_in(&table.text) + 1;
        let written: Vec<String> = cells
            .iter()
            .map(|(cell, quote)| quoted(cell, *quote))
            .collect();
        table.text += &written.join(",");
        table.text += line_end[draw % line_end.len()];
        let cells: Vec<String> = cells.iter().map(|(cell, _)| cell.clone()).collect();
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            table.blank += 1;
        } else {
            table.rows.push((line, cells));
        }
        for nth in 0..*empty {
            table.text += line_end[(draw / 2 + nth) % line_end.len()];
            table.blank += 1;
        }
    }
    let rowless_end = drawn.last().is_some_and(|(cells, empty, _)| {
        *empty == 0 && cells.iter().any(|(cell, quote)| !cell.is_empty() || *quote)
    });
    if !ended && rowless_end {
        let end = table.text.trim_end_matches(['\r', '\n']).len();
        table.text.truncate(end);
    }
    table
}

/// A quote only counts at the beginning of a cell, so elsewhere it may stay single.
fn quoted(cell: &str, anyway: bool) -> String {
    if anyway || cell.trim_start().starts_with('"') || cell.contains([',', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

fn lines_in(text: &str) -> u64 {
    let unix = text.replace("\r\n", "\n").replace('\r', "\n");
    unix.matches('\n').count() as u64
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_row_of_a_correct_table_is_lost(table in table(), drip in 1_usize..40, chunk in 1_usize..5) {
        let bytes = Drip(Cursor::new(table.text.clone().into_bytes()), drip);
        let (source, rows) = drain(Source::from_reader("t", bytes, &ReadOptions::default()).unwrap(), chunk).unwrap();
        let read: Vec<(u64, Vec<String>)> = rows
            .iter()
            .map(|row| (row.place().location.line(), row.cells().map(str::to_owned).collect()))
            .collect();
        prop_assert_eq!(&read, &table.rows);
        prop_assert_eq!(source.blank_rows(), table.blank);
        prop_assert!(rows.iter().all(|row| row.error().is_none()));
        prop_assert!(rows.iter().map(Row::number).eq(1..=rows.len() as u64));
    }

    #[test]
    fn of_any_text_every_record_is_a_row_or_the_file_is_refused(
        text in "[ab,\" \r\n]{0,40}", drip in 1_usize..9,
    ) {
        // Where a quote follows a space, it may be a quote or not.
        let mut text = format!("x,y,z\n{text}");
        while text.contains(" \"") {
            text = text.replace(" \"", "\"");
        }
        let bytes = Drip(Cursor::new(text.clone().into_bytes()), drip);
        let read = drain(Source::from_reader("t", bytes, &ReadOptions::default()).unwrap(), 3);
        prop_assert!(read.is_ok() || text.contains(['"', '\r']));
        if let Ok((source, rows)) = read {
            let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
            let records: Vec<_> = reader.records().map(Result::unwrap).collect();
            let (filled, blank): (Vec<_>, Vec<_>) =
                records.iter().partition(|record| record.iter().any(|cell| !cell.trim().is_empty()));
            prop_assert_eq!(rows.len(), filled.len());
            prop_assert!(source.blank_rows() >= blank.len() as u64);
            for (row, record) in rows.iter().zip(filled) {
                for column in 0..3 {
                    prop_assert_eq!(row.cell(column), record.get(column).unwrap_or_default());
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(source) = source(bytes) {
            let _ = drain(source, 3);
        }
    }

    #[test]
    fn what_the_writer_wrote_is_read_back(cells in proptest::collection::vec("([a\",\r\n姓]|\\PC){0,5}", 3)) {
        let record = to_record(cells.iter().map(String::as_str), b',');
        let (_, rows) = read(format!("x,y,z\n{record}\n")).unwrap();
        match &rows[..] {
            [] => prop_assert!(cells.iter().all(|cell| trimmed(cell).is_empty())),
            [row] => prop_assert_eq!(row.cells().collect::<Vec<_>>(), cells),
            _ => prop_assert!(false, "more than one row"),
        }
    }
}

#[test]
fn rows_are_where_a_spreadsheet_program_and_an_editor_show_them() {
    for (text, places) in [
        (
            "phone,name\n1,a\n2,b\n",
            &["row 1 (line 2)", "row 2 (line 3)"][..],
        ),
        ("phone\r\n1\r\n2\r\n", &["row 1 (line 2)", "row 2 (line 3)"]),
        ("phone\r1\r2\r", &["row 1 (line 2)", "row 2 (line 3)"]),
        (
            "\n\nphone,name\n\n1,a\n,\n2,b\n",
            &["row 1 (line 5)", "row 2 (line 7)"],
        ),
        // A spreadsheet program does not show the line that names the delimiter.
        (
            "sep=;\nphone;name\n1;a\n",
            &["row 1 (line 3, row 2 in Excel)"],
        ),
        // A record of several lines is one row.
        (
            "phone,name\n1,\"a\nb\"\n2,c\n\n3,\"d\ne\nf\"\n4,g\n",
            &[
                "row 1 (line 2)",
                "row 2 (line 4, row 3 in Excel)",
                "row 3 (line 6, row 5 in Excel)",
                "row 4 (line 9, row 6 in Excel)",
            ],
        ),
        (
            "\"pho\nne\",name\r\n1,a\r\n",
            &["row 1 (line 3, row 2 in Excel)"],
        ),
        // No spreadsheet program sees these quotes.
        (
            "'phone','name'\n'1','a\nb'\n'2','c'\n",
            &["row 1 (line 2)", "row 2 (line 4)"],
        ),
        (
            "phone, name\n1, \"a\nb\"\n2, \"c\"\n",
            &["row 1 (line 2)", "row 2 (line 4)"],
        ),
    ] {
        let mut source =
            Source::from_reader("a.csv", text.as_bytes(), &ReadOptions::default()).unwrap();
        let rows = source.read(10).unwrap().unwrap();
        let found: Vec<String> = rows.iter().map(|row| row.place().to_string()).collect();
        assert_eq!(found, places, "{text:?}");
    }
}
