//! Files that are not workbooks, and damaged workbooks.

use super::*;

#[test]
fn a_file_that_is_not_a_workbook_is_refused() {
    let zip = |name: &str| build::packed(&[(name.to_owned(), "<x/>".to_owned())]);
    let ods = with(
        build::ods_parts(&[]),
        "META-INF/manifest.xml",
        "media-type=\"text/xml\"/>",
        "media-type=\"text/xml\"><manifest:encryption-data/></manifest:file-entry>",
    );
    for (bytes, what) in [
        (b"name,phone\n".to_vec(), "this is not a workbook"),
        (Vec::new(), "this is not a workbook"),
        (
            zip("word/document.xml"),
            "this is a Word document, not CSV, XLSX, XLS or ODS",
        ),
        (zip("ppt/slides/1.xml"), "this is a PowerPoint presentation"),
        (
            zip("Index/Document.iwa"),
            "this is a document of Apple Numbers",
        ),
        (zip("Index.zip"), "this is a document of Apple Numbers"),
        (zip("May/Customers.CSV"), "this is a ZIP file of text files"),
        (
            zip("customers.xlsx"),
            "this is a ZIP file with a workbook in it",
        ),
        (
            zip("photo.jpg"),
            "this is a ZIP file without a workbook in it",
        ),
        (b"PK\x03\x04 and more".to_vec(), "the workbook is damaged"),
        (
            ods,
            "the workbook is encrypted with a password; save it without the password",
        ),
        (
            encrypted_package(),
            "the workbook is encrypted with a password",
        ),
    ] {
        let found = error_of(bytes, None);
        assert!(found.starts_with(what), "{found}");
    }
}

#[test]
fn sectors_that_form_a_circle_are_detected() {
    let number = |at: usize| u32::from_le_bytes(XLS[at..at + 4].try_into().unwrap());
    let (table, directory) = (number(76) as usize, number(48));
    let mut bytes = XLS.to_vec();
    let at = (table + 1) * 512 + directory as usize * 4;
    bytes[at..at + 4].copy_from_slice(&directory.to_le_bytes());
    let found = error_of(bytes, None);
    assert!(found.starts_with("the workbook is damaged: "), "{found}");
}

/// calamine would ask for more memory than there is, which aborts the process.
#[test]
fn a_sheet_of_xls_larger_than_the_format_allows_is_detected() {
    // DIMENSIONS, LABELSST and NUMBER, with the place of what is made too large behind it.
    for (record, at, byte) in [
        (&[0x00, 0x02, 14, 0][..], 4 + 7, 1),
        (&[0x00, 0x02, 14, 0][..], 4 + 11, 2),
        (&[0xFD, 0x00, 10, 0][..], 4 + 3, 1),
        (&[0x03, 0x02, 14, 0][..], 4 + 3, 1),
    ] {
        let mut bytes = XLS.to_vec();
        let start = bytes
            .windows(record.len())
            .rposition(|window| window == record)
            .unwrap();
        bytes[start + at] = byte;
        let found = error_of(bytes, None);
        assert!(
            found.contains("a sheet in it is larger than the format allows"),
            "{record:?}: {found}"
        );
    }
}

/// The XLS file with its stream renamed to what an encrypted XLSX has in its place.
fn encrypted_package() -> Vec<u8> {
    let utf16 = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    let (from, to) = (utf16("Workbook\0"), utf16("EncryptedPackage\0"));
    let mut bytes = XLS.to_vec();
    let at = bytes
        .windows(from.len())
        .rposition(|window| window == from)
        .unwrap();
    bytes[at..at + to.len()].copy_from_slice(&to);
    bytes
}

#[test]
fn a_changed_digit_is_detected() {
    // Without compression the change leaves everything readable, and calamine never reaches the end of the part.
    let rows = vec![vec![Cell::Number(60_123_456_789.0)]];
    for (mut bytes, sound) in [
        (stored(&build::xlsx_parts(&[("S", &rows)])), true),
        (stored(&build::ods_parts(&[("S", &rows)])), true),
    ] {
        assert_eq!(Sheet::open(bytes.clone(), None).is_ok(), sound);
        let digits = b"60123456789";
        let at = bytes
            .windows(11)
            .position(|window| window == digits)
            .unwrap();
        bytes[at + 10] = b'8';
        assert!(error_of(bytes, None).starts_with("the workbook is damaged"));
    }
}

fn stored(parts: &Parts) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in parts {
        zip.start_file(name.as_str(), options).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_table_without_an_end_is_refused() {
    let rows = one("x");
    for end in [
        "</table:table>",
        "</table:table></office:spreadsheet></office:body></office:document-content>",
    ] {
        let bytes = with(build::ods_parts(&[("S", &rows)]), "content.xml", end, "");
        assert!(error_of(bytes, None).starts_with("the workbook is damaged"));
    }
    let parts = build::xlsx_parts(&[("S", &rows)]);
    let bytes = with(
        parts,
        "xl/worksheets/sheet1.xml",
        "</row></sheetData></worksheet>",
        "",
    );
    assert!(error_of(bytes, None).starts_with("the workbook cannot be read"));
}

#[test]
fn a_cut_file_is_refused() {
    let rows: Vec<_> = (0..50)
        .map(|i| vec!["name".into(), f64::from(i).into()])
        .collect();
    for (bytes, zip) in [
        (build::xlsx(&[("S", &rows)]), true),
        (build::ods(&[("S", &rows)]), true),
        (XLS.to_vec(), false),
    ] {
        for sixteenth in 0..16 {
            let cut = Sheet::open(bytes[..bytes.len() * sixteenth / 16].to_vec(), None);
            assert!(!zip || cut.is_err(), "{sixteenth}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_changed_byte_is_detected_or_changes_no_cell(places in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..4)) {
        let rows: Vec<_> = (0..9).map(|i| vec!["name".into(), f64::from(i).into()]).collect();
        let tables: [build::Table; 1] = [("S", &rows)];
        for sound in [build::xlsx(&tables), build::ods(&tables)] {
            let mut bytes = sound.clone();
            for (place, by) in &places {
                *place.get_mut(&mut bytes) ^= by;
            }
            if let Ok(sheet) = Sheet::open(bytes, None) {
                prop_assert_eq!(super::rows(sheet), read_all(sound));
            }
        }
    }

    /// XLS has no checksums: all that can be tested is that reading ends.
    #[test]
    fn reading_a_changed_xls_ends(places in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..4)) {
        let mut bytes = XLS.to_vec();
        for (place, by) in &places {
            *place.get_mut(&mut bytes) ^= by;
        }
        if let Ok(sheet) = Sheet::open(bytes, None) {
            prop_assert!(sheet.sheets > 0);
        }
    }
}
