//! One table in every format that spreadsheet programs write: the same rows, the same digest.

use std::io::Write as _;

use super::*;
use crate::source::workbook::build::{self, Cell};

const HEADER: [&str; 4] = ["Nama", "No. Tel", "Baki (RM 1,000)", "Nota"];

/// Cells that Windows-1252 can hold, in words that people write.
fn table() -> Vec<[String; 4]> {
    let names = [
        "Siti Nur‘ain",
        "José d’Souza",
        "Zoë Müller",
        "Ali bin Abu",
        "Ångström; Rasmus",
        "\"Ah Kow\" Tan",
    ];
    let notes = [
        "Sila jelaskan baki, terima kasih…",
        "baris satu\nbaris dua",
        "dia kata \"esok\"; mungkin",
        "",
        "a|b\tc",
        "5\" pipe — £3",
    ];
    (0..500)
        .map(|nth| {
            [
                format!("{} {nth}", names[nth % names.len()]),
                format!("01{:08}", nth * 7919),
                format!("{},{:02}", nth * 3, nth % 100),
                notes[nth / 2 % notes.len()].to_owned(),
            ]
        })
        .collect()
}

fn written(delimiter: u8, line_end: &str, quoted: bool) -> String {
    let mut text = String::new();
    let mut write = |cells: Vec<&str>| {
        if quoted {
            let cells: Vec<String> = cells
                .iter()
                .map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")))
                .collect();
            text += &cells.join(",");
        } else {
            text += &to_record(cells, delimiter);
        }
        text += line_end;
    };
    write(HEADER.to_vec());
    for row in table() {
        write(row.iter().map(String::as_str).collect());
    }
    text
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

fn windows_1252(text: &str) -> Vec<u8> {
    let (bytes, _, lossy) = encoding_rs::WINDOWS_1252.encode(text);
    assert!(!lossy);
    bytes.into_owned()
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn workbook_rows() -> Vec<Vec<Cell>> {
    let cells = |row: &[String]| row.iter().map(|cell| Cell::from(cell.as_str())).collect();
    let header = HEADER.map(str::to_owned);
    std::iter::once(cells(&header))
        .chain(table().iter().map(|row| cells(row)))
        .collect()
}

/// A name, the bytes, and the expected delimiter, byte order mark and encoding.
type Case = (&'static str, Vec<u8>, u8, bool, &'static str);

fn formats() -> Vec<Case> {
    [encodings(), delimiters(), packed()].concat()
}

fn encodings() -> Vec<Case> {
    let plain = written(b',', "\n", false);
    let marked = format!("\u{feff}{plain}");
    vec![
        ("UTF-8", plain.clone().into_bytes(), b',', false, "UTF-8"),
        ("BOM", marked.clone().into_bytes(), b',', true, "UTF-8"),
        (
            "two BOMs",
            format!("\u{feff}{marked}").into_bytes(),
            b',',
            true,
            "UTF-8",
        ),
        (
            "UTF-16LE",
            utf16(&plain, u16::to_le_bytes),
            b',',
            true,
            "UTF-16LE?",
        ),
        (
            "UTF-16BE",
            utf16(&plain, u16::to_be_bytes),
            b',',
            true,
            "UTF-16BE?",
        ),
        (
            "UTF-16LE, BOM",
            utf16(&marked, u16::to_le_bytes),
            b',',
            true,
            "UTF-16LE",
        ),
        (
            "UTF-16BE, BOM",
            utf16(&marked, u16::to_be_bytes),
            b',',
            true,
            "UTF-16BE",
        ),
        (
            "Windows-1252",
            windows_1252(&plain),
            b',',
            true,
            "windows-1252?",
        ),
    ]
}

fn delimiters() -> Vec<Case> {
    vec![
        (
            "semicolons",
            written(b';', "\r\n", false).into_bytes(),
            b';',
            false,
            "UTF-8",
        ),
        (
            "tabs",
            written(b'\t', "\n", false).into_bytes(),
            b'\t',
            false,
            "UTF-8",
        ),
        (
            "pipes",
            written(b'|', "\n", false).into_bytes(),
            b'|',
            false,
            "UTF-8",
        ),
        (
            "sep=",
            format!("sep=;\r\n{}", written(b';', "\r\n", false)).into_bytes(),
            b';',
            false,
            "UTF-8",
        ),
        (
            "Excel, German",
            windows_1252(&written(b';', "\r\n", false)),
            b';',
            true,
            "windows-1252?",
        ),
        (
            "Excel, Unicode text",
            utf16(
                &("\u{feff}".to_owned() + &written(b'\t', "\r\n", false)),
                u16::to_le_bytes,
            ),
            b'\t',
            true,
            "UTF-16LE",
        ),
        (
            "all quoted",
            written(b',', "\n", true).into_bytes(),
            b',',
            false,
            "UTF-8",
        ),
        (
            "CRLF",
            written(b',', "\r\n", false).into_bytes(),
            b',',
            false,
            "UTF-8",
        ),
    ]
}

fn packed() -> Vec<Case> {
    let plain = written(b',', "\n", false);
    let two_members = [
        gzip(&plain.as_bytes()[..999]),
        gzip(&plain.as_bytes()[999..]),
    ]
    .concat();
    let rows = workbook_rows();
    let other = [vec![Cell::from("nothing")]];
    let sheets: [(&str, &[Vec<Cell>]); 2] = [("Pelanggan", &rows), ("Lain", &other)];
    vec![
        ("gzip", gzip(plain.as_bytes()), b',', false, "UTF-8"),
        ("gzip in two", two_members, b',', false, "UTF-8"),
        (
            "gzip, Windows-1252",
            gzip(&windows_1252(&plain)),
            b',',
            true,
            "windows-1252?",
        ),
        ("XLSX", build::xlsx(&sheets), b',', true, "Pelanggan of 2"),
        ("ODS", build::ods(&sheets), b',', true, "Pelanggan of 2"),
    ]
}

fn described(read_as: &ReadAs) -> String {
    match read_as {
        ReadAs::Text {
            encoding, assumed, ..
        } => format!("{encoding}{}", if *assumed { "?" } else { "" }),
        ReadAs::Workbook { sheet, sheets } => format!("{sheet} of {sheets}"),
    }
}

#[test]
fn the_format_changes_neither_rows_nor_digest() {
    let table = table();
    let plain = written(b',', "\n", false);
    let digest = read(plain).unwrap().0.digest();
    for (what, bytes, delimiter, bom, described_as) in formats() {
        for piece in [7, usize::MAX] {
            let length = bytes.len() as u64;
            let bytes = Drip(Cursor::new(bytes.clone()), piece);
            let source = Source::from_reader(what, bytes, &ReadOptions::default()).unwrap();
            assert_eq!(source.dialect().delimiter, delimiter, "{what}");
            let (source, rows) = drain(source, 64).unwrap();
            assert_eq!(source.columns().headers, HEADER, "{what}");
            assert_eq!(cells(&rows), table, "{what}");
            assert!(rows.iter().all(|row| row.error().is_none()), "{what}");
            assert_eq!(source.digest(), digest, "{what}");
            assert_eq!(source.dialect(), CsvDialect { delimiter, bom }, "{what}");
            assert_eq!(described(&source.read_as()), described_as, "{what}");
            let gzip = matches!(source.read_as(), ReadAs::Text { gzip: true, .. });
            assert_eq!(gzip, what.starts_with("gzip"), "{what}");
            assert_eq!(source.position().bytes(), length, "{what}");
        }
    }
}

#[test]
fn a_list_is_read_in_every_text_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("opted-out");
    for (what, bytes, ..) in [encodings(), delimiters()].concat() {
        std::fs::write(&path, bytes).unwrap();
        let mut numbers = Vec::new();
        read_list(&path, |_, cell| numbers.push(cell.to_owned())).unwrap();
        let expected: Vec<String> = table().iter().map(|row| row[1].clone()).collect();
        assert_eq!(numbers, expected, "{what}");
    }
}
