//! Any bytes as a spreadsheet: reading ends, rows are numbered without a gap, each has a cell for every column, and
//! neither the size of the chunks nor writing a row and reading it again changes a cell.
#![no_main]

use std::io::Cursor;

use isms_campaign::source::{Delimiter, Encoding, ReadOptions, Row, Source, to_record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let detected = ReadOptions::default();
    let by_three = read(bytes, &detected, 3);
    if let Some((rows, _, delimiter)) = &by_three {
        for row in rows.iter().take(20) {
            survives_writing(row, *delimiter);
        }
    }
    assert_eq!(
        by_three,
        read(bytes, &detected, 1000),
        "the size of chunks matters"
    );
    read(bytes, &options(';', "gbk"), 1000);
    read(bytes, &options(',', "utf-16le"), 1000);
});

fn options(delimiter: char, encoding: &str) -> ReadOptions {
    ReadOptions {
        delimiter: Delimiter::parse(&delimiter.to_string()).ok(),
        encoding: Encoding::parse(encoding).ok(),
        sheet: None,
    }
}

/// All rows, the digest and the delimiter; `None` if the bytes are refused.
fn read(bytes: &[u8], options: &ReadOptions, chunk: usize) -> Option<(Vec<Row>, String, u8)> {
    let mut source = Source::from_reader("input", Cursor::new(bytes.to_vec()), options).ok()?;
    let columns = source.columns().headers.len();
    assert!(columns > 0);

    let mut rows: Vec<Row> = Vec::new();
    loop {
        match source.read(chunk) {
            Ok(Some(read)) => {
                assert!((1..=chunk).contains(&read.len()));
                for row in read {
                    assert_eq!(row.number(), rows.len() as u64 + 1);
                    assert_eq!(row.cells().count(), columns);
                    assert!(row.cells().any(|cell| !cell.is_empty()) || row.error().is_some());
                    assert!(rows.last().is_none_or(|before| before.line() <= row.line()));
                    rows.push(row);
                }
            }
            Ok(None) => {
                assert!(
                    matches!(source.read(chunk), Ok(None)),
                    "rows follow the end"
                );
                return Some((rows, source.digest(), source.dialect().delimiter));
            }
            Err(error) => {
                assert!(error.to_string().starts_with("input"), "{error}");
                assert!(source.read(chunk).is_err(), "rows follow an error");
                return None;
            }
        }
    }
}

/// The cells of a row are the same when they are written under a header, with the same delimiter, and read again, as results do.
/// (With another delimiter a line within quotes may look like a row of its own, and is refused.)
fn survives_writing(row: &Row, delimiter: u8) {
    let header: Vec<String> = (0..row.len()).map(|column| format!("c{column}")).collect();
    let header = to_record(header.iter().map(String::as_str), delimiter);
    let text = format!("{header}\n{}\n", to_record(row.cells(), delimiter));
    if row.cells().all(|cell| cell.trim().is_empty()) || text.contains('\0') {
        return;
    }
    let options = options(char::from(delimiter), "utf-8");
    let mut again =
        Source::from_reader("again", Cursor::new(text.into_bytes()), &options).expect("our own CSV");
    match again.read(2).expect("our own CSV").as_deref() {
        Some([back]) => assert!(back.cells().eq(row.cells()), "{row:?} became {back:?}"),
        // Only invisible characters.
        None => {}
        Some(more) => panic!("{row:?} became {more:?}"),
    }
}
