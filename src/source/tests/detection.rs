//! Encodings, delimiters and compressed files: what is detected, what is named, and every error.

use super::same_table::gzip;
use super::*;
use crate::Remedy;
use crate::source::workbook::build;

const SAVE: &str = "save it as \"CSV UTF-8\" in the spreadsheet program";

fn options(delimiter: &str, encoding: &str, sheet: &str) -> ReadOptions {
    ReadOptions {
        delimiter: Delimiter::parse(delimiter).ok(),
        encoding: Encoding::parse(encoding).ok(),
        sheet: Some(sheet.to_owned()).filter(|sheet| !sheet.is_empty()),
    }
}

fn read_as(bytes: &[u8], piece: usize, options: &ReadOptions) -> Result<(Source, Vec<Row>)> {
    let bytes = Drip(Cursor::new(bytes.to_vec()), piece);
    drain(Source::from_reader("customers.csv", bytes, options)?, 3)
}

fn utf16le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn name_of(source: &Source) -> (String, bool) {
    match source.read_as() {
        ReadAs::Text {
            encoding, assumed, ..
        } => (encoding, assumed),
        ReadAs::Workbook { .. } => ("workbook".to_owned(), false),
    }
}

#[test]
fn the_first_accent_decides_wherever_it_stands() {
    // In the beginning, and far behind it, where every byte comes on its own.
    let places: [(usize, &[usize], &[&str]); 3] = [
        (0, &[1, 3, usize::MAX], &["", "x", ",013\n", "x,013\n"]),
        (1, &[1, 3, usize::MAX], &["", "x", ",013\n", "x,013\n"]),
        (9_000, &[1, usize::MAX], &["x,013\n"]),
    ];
    for (accent, name, bom) in [
        ("é".as_bytes(), "UTF-8", false),
        ("姓".as_bytes(), "UTF-8", false),
        ("😀".as_bytes(), "UTF-8", false),
        (b"\xe9", "windows-1252", true),
        (b"\xe9\xe8", "windows-1252", true),
        (b"\xc3", "windows-1252", true),
        (b"\xe2\x85", "windows-1252", true),
    ] {
        let encoding = encoding_rs::Encoding::for_label(name.as_bytes()).unwrap();
        let (decoded, _) = encoding.decode_without_bom_handling(accent);
        for (before, pieces, afters) in places {
            let ascii = format!("name,phone\n{}", "Ali,012\n".repeat(before));
            for (after, &piece) in afters
                .iter()
                .flat_map(|after| pieces.iter().map(move |piece| (after, piece)))
            {
                let text = [ascii.as_bytes(), accent, after.as_bytes()].concat();
                let (source, rows) = read_as(&text, piece, &ReadOptions::default()).unwrap();
                let cell = format!("{decoded}{}", if after.starts_with('x') { "x" } else { "" });
                assert_eq!(rows.last().unwrap().cell(0), cell, "{accent:?} {after}");
                assert_eq!(rows.len(), before + 1);
                assert_eq!(name_of(&source), (name.to_owned(), name != "UTF-8"));
                assert_eq!(source.dialect().bom, bom);
            }
        }
    }
}

#[test]
fn a_named_encoding_is_used() {
    for (encoding, bytes, cell) in [
        ("gbk", &b"\xc0\xee\xc3\xf7"[..], "李明"),
        ("big5", b"\xb3\xaf\xac\xfc\xac\xc2", "陳美玲"),
        ("windows-1252", "é".as_bytes(), "Ã©"),
        ("windows-1252", b"\xc0\xee\xc3\xf7", "ÀîÃ÷"),
        ("latin1", b"\x81", "\u{81}"),
        ("windows-1251", b"\xc8\xe2\xe0\xed", "Иван"),
        ("utf-8", "é".as_bytes(), "é"),
        ("utf-16le", b"", ""),
    ] {
        let text = [b"phone,name\n012,", bytes, b"\n"].concat();
        let text = if encoding == "utf-16le" {
            utf16le("phone,name\n012,\n")
        } else {
            text
        };
        for piece in [1, usize::MAX] {
            let (source, rows) = read_as(&text, piece, &options("", encoding, "")).unwrap();
            assert_eq!(rows[0].cell(1), cell, "{encoding}");
            assert!(!name_of(&source).1);
            assert_eq!(source.dialect().bom, encoding != "utf-8");
        }
    }
    // A byte order mark that says the same.
    let marked = utf16le("\u{feff}phone\n012\n");
    let (source, rows) = read_as(&marked, 7, &options("", "utf-16", "")).unwrap();
    assert_eq!(
        (cells(&rows), &source.columns().headers),
        (vec![vec!["012"]], &vec!["phone".to_owned()])
    );
}

/// Reading these bytes with these options gives this error.
type Refusal = (Vec<u8>, ReadOptions, String);

fn are_refused(table: Vec<Refusal>) {
    for (bytes, options, sentence) in table {
        for piece in [1, 7, usize::MAX] {
            let error = read_as(&bytes, piece, &options).expect_err(&sentence);
            assert_eq!(error.to_string(), format!("customers.csv: {sentence}"));
            assert_eq!(error.kind, Kind::Input);
        }
    }
}

fn detected(bytes: &[u8], sentence: impl Into<String>) -> Refusal {
    (bytes.to_vec(), ReadOptions::default(), sentence.into())
}

fn named(encoding: &str, bytes: &[u8], sentence: String) -> Refusal {
    (bytes.to_vec(), options("", encoding, ""), sentence)
}

#[test]
fn an_encoding_that_is_not_certain_is_refused_with_its_line() {
    let east_asian = |line: u64, bytes: &str| {
        format!(
            "line {line}: the text is not UTF-8, and the bytes {bytes} look like GBK, Big5 or another encoding of East Asia, not like windows-1252; {SAVE}, or name its encoding (such as gbk or big5)"
        )
    };
    let undefined = "the text is not UTF-8, and not windows-1252 either, which has no byte 8D";
    let mixed = |line: u64| {
        format!(
            "line {line}: the bytes C3 A9 are UTF-8, but text before them is not, so the file mixes encodings or has another one; {SAVE}, or name its encoding"
        )
    };
    let long = [
        &b"a,b\n"[..],
        "x,y\r\n".repeat(20_000).as_bytes(),
        b"\"p\nq\",Jos\xe9\nx,\xc0\xee\xc3\xf7\n",
    ]
    .concat();
    are_refused(vec![
        detected(b"a,b\nx,\xc0\xee\xc3\xf7\n", east_asian(2, "C0 EE C3")),
        detected(b"\xd0\xd5\xc3\xfb,b\nx,y\n", east_asian(1, "D0 D5 C3")),
        detected(&long, east_asian(20_004, "C0 EE C3")),
        detected(
            b"a,b\nx,\xe9\n\ny,caf\x8d\n",
            format!("line 4: {undefined}; {SAVE}, or name its encoding"),
        ),
        detected(b"a,b\nx,\xe9\ny,\xc3\xa9\n", mixed(3)),
        detected(b"a,b\rx,\xe9\ry,\xc3\xa9\r", mixed(3)),
        detected(b"sep=,\r\na,b\r\nx,\xe9\r\ny,\xc3\xa9", mixed(4)),
    ]);
}

#[test]
fn text_that_is_not_in_its_encoding_is_refused_with_its_line() {
    let not_utf8 = |row: u64, line: u64| {
        format!("row {row} (line {line}), column \"b\": the text is not UTF-8; {SAVE}")
    };
    let not_named = |line: u64, name: &str| {
        format!(
            "line {line}: the text is not {name}, the encoding that was named; {SAVE}, or name another encoding, or none"
        )
    };
    let half = |line: u64| {
        format!("line {line}: the text is UTF-16LE, but holds half a character; {SAVE}")
    };
    let unpaired = |at: usize| {
        let mut bytes = utf16le("\u{feff}phone,name\n012,a\n013,b\n");
        bytes[at * 2..at * 2 + 2].copy_from_slice(&[0x3d, 0xd8]);
        bytes
    };
    let mut odd = utf16le("\u{feff}phone,name\r\n012,a\r\n");
    odd.push(b'x');
    are_refused(vec![
        detected(b"a,b\nx,\xc3\xa9\ny,\xe9\n", not_utf8(2, 3)),
        detected(b"\xef\xbb\xbfa,b\nx,\xe9\n", not_utf8(1, 2)),
        named("utf-8", b"a,b\nx,\xe9\n", not_utf8(1, 2)),
        named("gbk", b"a,b\nx,\xc0\xee\ny,\xc0\n", not_named(3, "GBK")),
        named("utf-16be", b"a,b\nx,y\n\xff", not_named(1, "UTF-16BE")),
        detected(&unpaired(16), half(2)),
        detected(&unpaired(3), half(1)),
        detected(&unpaired(22), half(3)),
        detected(&odd, half(3)),
        detected(&odd[2..], half(3)),
    ]);
}

#[test]
fn other_files_are_refused() {
    let web_page = "this is a web page, not CSV, XLSX, XLS or ODS; open it in the spreadsheet program and save it as XLSX or \"CSV UTF-8\"";
    let rows = "it needs a row of headers and a row for each recipient";
    let utf32 = format!("this is text in UTF-32, not CSV, XLSX, XLS or ODS; {SAVE}");
    are_refused(vec![
        detected(
            b"\xef\xbb\xbf\n<!DOCTYPE html><table><tr><td>Phone",
            web_page,
        ),
        detected(
            b"%PDF-1.4\n",
            "this is a PDF, not CSV, XLSX, XLS or ODS; name the spreadsheet that it was made from",
        ),
        detected(
            &utf16le("\u{feff}a,b\n1,\0\n"),
            format!(
                "line 2 holds a NUL byte, which no text has; the file is damaged or in another format; {SAVE}"
            ),
        ),
        detected(
            b"a,b\n1,ab\0c\n",
            format!(
                "line 2 holds a NUL byte, which no text has; the file is damaged or in another format; {SAVE}"
            ),
        ),
        detected(b"\xff\xfe\0\0a\0\0\0", utf32.clone()),
        detected(b"\0\0\xfe\xff\0\0\0a", utf32),
        detected(&utf16le("\u{feff}"), format!("the file is empty; {rows}")),
        detected(b"sep=;\n", format!("is empty: every row is blank; {rows}")),
        detected(
            b"Nama;Baki (RM 1,000)\nAli;1,50\n",
            "it is not certain what separates the columns: \",\" or \";\"; name it",
        ),
    ]);
}

#[test]
fn an_option_that_contradicts_the_file_is_wrong_usage() {
    let book = build::xlsx(&[("A", &[vec!["phone".into()], vec!["012".into()]])]);
    for (bytes, options, sentence, remedy) in [
        (
            &b"\xef\xbb\xbfphone\n012\n"[..],
            options("", "gbk", ""),
            "the encoding was given as GBK, but the file's byte order mark says UTF-8; name that, or none",
            Remedy::Encoding,
        ),
        (
            &utf16le("\u{feff}phone\n012\n"),
            options("", "windows-1252", ""),
            "the encoding was given as windows-1252, but the file's byte order mark says UTF-16LE; name that, or none",
            Remedy::Encoding,
        ),
        (
            b"phone\n012\n",
            options("", "", "A"),
            "the sheet is for workbooks, and this is a text file; name another file, or no sheet",
            Remedy::Sheet,
        ),
        (
            &gzip(b"phone\n012\n"),
            options("", "", "A"),
            "the sheet is for workbooks, and this is a text file; name another file, or no sheet",
            Remedy::Sheet,
        ),
        (
            &book,
            options(";", "", ""),
            "the delimiter is for text files, and this is a workbook; name another file, or no delimiter",
            Remedy::Delimiter,
        ),
        (
            &book,
            options("", "utf-8", ""),
            "the encoding is for text files, and this is a workbook; name another file, or no encoding",
            Remedy::Encoding,
        ),
    ] {
        let error = read_as(bytes, 9, &options).expect_err(sentence);
        assert_eq!(error.to_string(), format!("customers.csv: {sentence}"));
        assert_eq!(error.kind, Kind::Usage);
        assert_eq!(error.remedy, Some(remedy));
    }
}

#[test]
fn a_named_delimiter_or_sheet_is_the_one() {
    let (source, rows) =
        read_as(b"sep=,\nNama;Tel, HP\nAli;012\n", 9, &options(";", "", "")).unwrap();
    assert_eq!(
        (cells(&rows), rows[0].place().location.line()),
        (vec![vec!["Ali", "012"]], 3)
    );
    assert_eq!(source.dialect().delimiter, b';');
    let (source, rows) = read_as(b"Nama:Tel\nAli:012\n", 9, &options(":", "", "")).unwrap();
    assert_eq!(
        (cells(&rows), source.dialect().delimiter),
        (vec![vec!["Ali", "012"]], b':')
    );

    let (a, b) = (
        [vec!["phone".into()], vec!["012".into()]],
        [vec!["phone".into()], vec!["013".into()]],
    );
    let book = build::xlsx(&[("A", &a), ("B", &b)]);
    let (source, rows) = read_as(&book, 99, &options("", "", "B")).unwrap();
    assert_eq!(cells(&rows), [["013"]]);
    assert_eq!(
        source.read_as(),
        ReadAs::Workbook {
            sheet: "B".into(),
            sheets: 2
        }
    );
}

#[test]
fn a_workbook_has_rows_as_a_text_file_has() {
    let rows: [Vec<build::Cell>; 6] = [
        vec!["Name".into(), "Phone".into()],
        vec!["Ali".into(), "012".into()],
        vec![],
        vec!["Bala".into(), " ".into()],
        vec!["Chong".into(), "014".into(), "odd".into()],
        vec![build::Cell::Blank, " ".into()],
    ];
    let (text, _) = read("Name,Phone\nAli,012\n\nBala, \nChong,014,odd\n, \n").unwrap();
    for book in [build::xlsx(&[("A", &rows)]), build::ods(&[("A", &rows)])] {
        let (source, rows) = read(book).unwrap();
        let seen: Vec<_> = rows
            .iter()
            .map(|row| (row.number(), row.place().location.line(), row.cell(0)))
            .collect();
        assert_eq!(seen, [(1, 2, "Ali"), (2, 4, "Bala"), (3, 5, "Chong")]);
        assert_eq!(source.columns().headers, ["Name", "Phone"]);
        assert_eq!(rows[2].error(), Some(&RowError::BesideTable { column: 2 }));
        assert_eq!(source.blank_rows(), text.blank_rows());
        assert_eq!(source.digest(), text.digest());
    }
}

#[test]
fn a_stray_cell_of_a_workbook_makes_only_its_own_row_ragged() {
    let mut stray: Vec<build::Cell> = vec!["Ali".into(), "012".into(), "here".into()];
    stray.resize_with(16_383, || build::Cell::Blank);
    stray.push("stray".into());
    let rows: [Vec<build::Cell>; 4] = [
        vec!["Name".into(), "Phone".into(), "Branch".into()],
        vec!["Chong".into()],
        stray,
        vec!["Bala".into(), "014".into()],
    ];
    let (source, rows) = read(build::xlsx(&[("A", &rows)])).unwrap();
    assert_eq!(source.columns().len(), 3);
    assert_eq!(
        cells(&rows),
        [
            ["Chong", "", ""],
            ["Ali", "012", "here"],
            ["Bala", "014", ""]
        ]
    );
    let errors: Vec<bool> = rows.iter().map(|row| row.error().is_some()).collect();
    assert_eq!(errors, [false, true, false]);
    assert_eq!(rows[1].surplus().collect::<Vec<_>>(), ["stray"]);
    assert_eq!(rows[0].ends().len(), 3);
}

#[test]
fn a_compressed_file_is_read_or_refused_whole() {
    let rows: Vec<String> = (0..3000)
        .map(|nth| format!("01{nth},n{}\n", nth * nth))
        .collect();
    let text = format!("phone,name\n{}", rows.concat());
    let whole = gzip(text.as_bytes());
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x55;
    let mut checksum = whole.clone();
    let at = checksum.len() - 8;
    checksum[at] ^= 1;
    let cut = "the compressed file is incomplete; compress or copy it again";
    let sums = "the compressed file is damaged: corrupt gzip stream does not have a matching checksum; compress or copy it again";
    for (bytes, sentence) in [
        (whole[..whole.len() - 1].to_vec(), cut),
        (whole[..whole.len() / 2].to_vec(), cut),
        (whole[..20].to_vec(), cut),
        (whole[..5].to_vec(), cut),
        (checksum, sums),
        (
            [&whole[..], b"junk that is no gzip"].concat(),
            "the compressed file is damaged: invalid gzip header; compress or copy it again",
        ),
        (
            gzip(&whole),
            "the file is compressed twice; unpack it first",
        ),
        (
            gzip(b"PK\x03\x04"),
            "this is a compressed workbook, and only text is read from a compressed file; unpack it first",
        ),
        (
            gzip(b"\xd0\xcf\x11\xe0"),
            "this is a compressed workbook, and only text is read from a compressed file; unpack it first",
        ),
        (
            gzip(b"SQLite format 3\0"),
            "this is a ledger or another SQLite file, not CSV, XLSX, XLS or ODS; name the spreadsheet",
        ),
        (
            gzip(b""),
            "the file is empty; it needs a row of headers and a row for each recipient",
        ),
    ] {
        for piece in [1, usize::MAX] {
            let error = read_as(&bytes, piece, &ReadOptions::default()).expect_err(sentence);
            assert_eq!(error.to_string(), format!("customers.csv: {sentence}"));
        }
    }
    assert!(read_as(&damaged, 512, &ReadOptions::default()).is_err());
    let (_, rows) = read_as(&whole, 1, &ReadOptions::default()).unwrap();
    assert_eq!(rows.len(), 3000);
}

/// Interrupted before each byte, as by a signal.
struct Interrupted(Drip, bool);

impl Read for Interrupted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            Err(io::ErrorKind::Interrupted.into())
        } else {
            self.0.read(buffer)
        }
    }
}

#[test]
fn a_signal_does_not_end_the_file() {
    let text = "phone,name\n012,Jos\u{e9}\n";
    for bytes in [
        text.as_bytes().to_vec(),
        utf16le(text),
        b"phone,name\n012,Jos\xe9\n".to_vec(),
        gzip(text.as_bytes()),
    ] {
        let bytes = Interrupted(Drip(Cursor::new(bytes), 1), false);
        let (_, rows) = drain(
            Source::from_reader("t", bytes, &ReadOptions::default()).unwrap(),
            3,
        )
        .unwrap();
        assert_eq!(cells(&rows), [["012", "José"]]);
    }
}

#[test]
fn a_header_that_is_a_number_is_refused_as_such() {
    for (text, number) in [
        ("0123456789\n0198765432\n", "0123456789"),
        ("Ali;0123456789\nBala;0198765432\n", "0123456789"),
        ("Ali\t+60 12-345 6789\n", "+60 12-345 6789"),
    ] {
        assert_eq!(
            source(text)
                .unwrap()
                .columns()
                .phone()
                .unwrap_err()
                .to_string(),
            format!(
                "the first row already holds a number (\"{number}\"); add a row of headers above it"
            )
        );
    }
}

/// Random bytes, many of them with a meaning, under a header.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[ab]{1,3}".prop_map(String::into_bytes),
        4 => proptest::sample::select(b",;\t|\"\r\n ".to_vec()).prop_map(|byte| vec![byte]),
        1 => Just(b"\r\n".to_vec()),
        1 => Just("é姓".as_bytes().to_vec()),
        1 => Just(b"\xe9".to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    let header = proptest::sample::select(vec![
        "x,y\n",
        "x;y\n",
        "x\ty,\n",
        "\u{feff}x|y\r\n",
        "sep=;\nx;y,z\n",
        "x\n",
        "",
        "\"x;\n\",y\n",
    ]);
    let rest = proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat());
    (header, rest, 0..4).prop_map(|(header, rest, kind)| {
        let bytes = [header.as_bytes(), &rest].concat();
        let units = || {
            String::from_utf8_lossy(&bytes)
                .encode_utf16()
                .collect::<Vec<u16>>()
        };
        match kind {
            0 => units().into_iter().flat_map(u16::to_le_bytes).collect(),
            1 => units().into_iter().flat_map(u16::to_be_bytes).collect(),
            _ => bytes,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_any_file_every_record_is_a_row_a_blank_or_an_error(bytes in file(), piece in 1_usize..9) {
        let read = read_as(&bytes, piece, &ReadOptions::default());
        let whole = read_as(&bytes, usize::MAX, &ReadOptions::default());
        prop_assert_eq!(read.as_ref().err(), whole.as_ref().err());
        if let (Ok((source, rows)), Ok((_, others))) = (read, whole) {
            prop_assert_eq!(&rows, &others);
            let ReadAs::Text { delimiter, encoding, .. } = source.read_as() else {
                return Err(TestCaseError::fail("no text"));
            };
            let (text, malformed) = Encoding::parse(&encoding).unwrap().0.decode_without_bom_handling(&bytes);
            prop_assert!(!malformed);
            let text = text.trim_start_matches('\u{feff}');
            let text = text.strip_prefix("sep=;\n").unwrap_or(text);
            // There a quote is a quote, or the row is invalid; a table in `quoting` has the cases.
            prop_assume!(!text.contains(" \""));
            let mut reader = csv::ReaderBuilder::new()
                .delimiter(u8::try_from(delimiter).unwrap())
                .flexible(true)
                .has_headers(false)
                .from_reader(text.as_bytes());
            let records: Vec<_> = reader.records().map(Result::unwrap).collect();
            let filled = |record: &csv::StringRecord| record.iter().any(|cell| !trimmed(cell).is_empty());
            let header = records.iter().position(filled).unwrap();
            let (filled, blank): (Vec<_>, Vec<_>) = records[header + 1..].iter().partition(|record| filled(record));
            prop_assert_eq!(rows.len(), filled.len());
            prop_assert!(source.blank_rows() >= blank.len() as u64);
            for (row, record) in rows.iter().zip(filled) {
                for (column, cell) in row.cells().enumerate() {
                    prop_assert_eq!(cell, record.get(column).unwrap_or_default());
                }
            }
        }
    }

    #[test]
    fn any_bytes_after_any_magic_are_read_or_refused(
        magic in proptest::sample::select(vec![
            &b""[..], b"\x1f\x8b", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\xff\xfe", b"\xfe\xff",
            b"\xef\xbb\xbf", b"sep=;\n", b"a,b\n\xe9",
        ]),
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        encoding in proptest::sample::select(vec!["", "gbk", "utf-16be", "iso-2022-jp"]),
    ) {
        let bytes = [magic, &bytes].concat();
        let first = read_as(&bytes, 3, &options("", encoding, "")).map(|(source, _)| source.digest());
        let second = read_as(&bytes, usize::MAX, &options("", encoding, "")).map(|(source, _)| source.digest());
        prop_assert_eq!(first, second);
    }
}
