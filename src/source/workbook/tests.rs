//! Workbooks of every format.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::build::{self, Cell, Parts};
use super::*;
use crate::domain::sheet_error::{MERGED, NOT_CALCULATED};

mod cells;
mod damaged;

/// An XLS file, written with xlwt 1.3. Sheet `List` from B3 on, a name and a value in each row: a text with an apostrophe and
/// Tamil letters, `0123456789` as text, 60123456789, 0.1+0.2, -1250.5, TRUE, FALSE, 2026-11-22, 2026-11-22 14:30, 14:30 as a time,
/// 36 hours as `[h]:mm`, #N/A, an empty row, two lines in one cell. Then a hidden sheet `Hidden` and an empty one, `Blank`.
const ODS_STYLES: &str = r#"
<number:number-style style:name="N0"><number:number number:min-integer-digits="1"/></number:number-style>
<number:number-style style:name="N6"><number:number number:decimal-places="0" number:min-integer-digits="6"/></number:number-style>
<number:number-style style:name="N4"><number:number number:decimal-places="2" number:min-integer-digits="1" number:grouping="true"/></number:number-style>
<number:date-style style:name="D1" number:automatic-order="true"><number:month number:style="long"/><number:text>/</number:text><number:day number:style="long"/><number:text>/</number:text><number:year/></number:date-style>
<number:date-style style:name="D2" number:automatic-order="true" number:format-source="language"><number:day/><number:month/><number:year/><number:text> </number:text><number:hours/><number:minutes/></number:date-style>
<style:style style:name="general" style:family="table-cell" style:data-style-name="N0"/>
<style:style style:name="zeros" style:family="table-cell" style:data-style-name="N6"/>
<style:style style:name="money" style:family="table-cell" style:data-style-name="N4"/>
<style:style style:name="inherits" style:family="table-cell" style:parent-style-name="money"/>
<style:style style:name="region" style:family="table-cell" style:data-style-name="D1"/>
<style:style style:name="region-time" style:family="table-cell" style:data-style-name="D2"/>
<style:style style:name="flat" style:family="table-row"><style:table-row-properties style:row-height="0cm"/></style:style>
<style:style style:name="tall" style:family="table-row"><style:table-row-properties style:row-height="0.45cm"/></style:style>
"#;

const XLS: &[u8] = include_bytes!("../../../tests/fixtures/cells.xls");

fn rows(mut sheet: Sheet) -> Vec<(u64, Vec<String>)> {
    let mut rows = Vec::new();
    while let Some(record) = sheet.next_record().unwrap() {
        let text = record.text.unwrap();
        assert_eq!(text.len(), record.ends.last().copied().unwrap_or_default());
        let cells = record.cells("").unwrap();
        rows.push((
            record.location.line(),
            cells.into_iter().map(str::to_owned).collect(),
        ));
    }
    assert!(sheet.next_record().unwrap().is_none());
    rows
}

fn read_all(bytes: Vec<u8>) -> Vec<(u64, Vec<String>)> {
    rows(Sheet::open(bytes, None).unwrap())
}

fn error_of(bytes: Vec<u8>, wanted: Option<&str>) -> String {
    Sheet::open(bytes, wanted).unwrap_err().to_string()
}

fn raw(content: &str) -> Cell {
    Cell::Raw(content.to_owned())
}

/// The file with a change in one of its parts.
fn with(mut parts: Parts, part: &str, from: &str, to: &str) -> Vec<u8> {
    let (_, content) = parts.iter_mut().find(|(name, _)| name == part).unwrap();
    assert!(content.contains(from), "{content}");
    *content = content.replacen(from, to, 1);
    build::packed(&parts)
}

/// What the only cell of a sheet shows and holds, next to a cell that makes sure of a row.
fn faces(bytes: Vec<u8>) -> (String, String) {
    let mut sheet = Sheet::open(bytes, None).unwrap();
    let record = sheet.next_record().unwrap().unwrap();
    let shown = record.cells("").unwrap()[1];
    (shown.to_owned(), record.held(1).unwrap_or(shown).to_owned())
}

fn xlsx_cell(cell: Cell) -> (String, String) {
    faces(build::xlsx(&[("S", &[vec!["x".into(), cell, "x".into()]])]))
}

fn ods_cell(cell: Cell) -> (String, String) {
    faces(build::ods(&[("S", &[vec!["x".into(), cell, "x".into()]])]))
}

fn both(text: &str) -> (String, String) {
    (text.to_owned(), text.to_owned())
}

// --- Rows ------------------------------------------------------------------------------------------------------

fn owned((number, cells): (u64, Vec<&str>)) -> (u64, Vec<String>) {
    (number, cells.into_iter().map(str::to_owned).collect())
}

#[test]
fn rows_keep_their_numbers_and_cells_their_columns() {
    let table = [
        vec![],
        vec![Cell::Blank, Cell::Blank],
        vec![Cell::Blank, "name".into(), "phone".into()],
        vec![],
        vec![Cell::Blank, "Ali".into(), Cell::Blank, "beyond".into()],
        vec![Cell::Blank],
    ];
    let expected = [
        (3, vec!["", "name", "phone"]),
        (4, vec![]),
        (5, vec!["", "Ali", "", "beyond"]),
    ]
    .map(owned);
    assert_eq!(read_all(build::xlsx(&[("S", &table)])), expected);
    assert_eq!(read_all(build::ods(&[("S", &table)])), expected);
}

#[test]
fn repeated_rows_and_cells_of_ods_are_counted() {
    let row = |content: &str| format!("<table:table-row {content}</table:table-row>");
    let cell = |repeated: &str, text: &str| {
        format!(
            "<table:table-cell {repeated} office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"
        )
    };
    let blank = "<table:table-cell table:number-columns-repeated=\"16384\"/>";
    let rows = [
        row(&format!("table:number-rows-repeated=\"2\">{blank}")),
        row(&format!(
            "><table:table-cell table:number-columns-repeated=\"2\"/>{}{blank}",
            cell("", "name")
        )),
        row(&format!("table:number-rows-repeated=\"3\">{blank}")),
        row(&format!(
            "table:number-rows-repeated=\"2\">{}",
            cell("table:number-columns-repeated=\"3\"", "x")
        )),
        row(&format!("table:number-rows-repeated=\"1048568\">{blank}")),
    ];
    let bytes = with(
        build::ods_parts(&[("S", &[])]),
        "content.xml",
        "</table:table>",
        &format!("{}</table:table>", rows.concat()),
    );
    let expected = [
        (3, vec!["", "", "name"]),
        (4, vec![]),
        (5, vec![]),
        (6, vec![]),
        (7, vec!["x"; 3]),
        (8, vec!["x"; 3]),
    ]
    .map(owned);
    assert_eq!(read_all(bytes), expected);
}

#[test]
fn a_stray_cell_far_out_costs_nothing_for_what_lies_between() {
    let parts = build::xlsx_parts(&[("S", &[vec!["x".into()]])]);
    let far = r#"</row><row r="1048576"><c r="XFD1048576"><v>7</v></c></row></sheetData>"#;
    let bytes = with(parts, "xl/worksheets/sheet1.xml", "</row></sheetData>", far);
    let mut sheet = Sheet::open(bytes, None).unwrap();
    for expected in [(1, vec!["x"]), (2, vec![])] {
        let record = sheet.next_record().unwrap().unwrap();
        assert_eq!(
            (record.location.line(), record.cells("").unwrap()),
            expected
        );
    }
}

#[test]
fn cells_that_overlap_or_lie_outside_are_refused() {
    let parts = build::xlsx_parts(&[("S", &[vec!["x".into()]])]);
    for (cell, why) in [
        (
            r#"<c r="A1"><v>7</v></c>"#,
            "the cells of row 1 are out of order",
        ),
        (
            r#"<c r="XFE2"><v>7</v></c>"#,
            "beyond the last row or column",
        ),
        (
            r#"<c r="A1048577"><v>7</v></c>"#,
            "beyond the last row or column",
        ),
    ] {
        let bytes = with(
            parts.clone(),
            "xl/worksheets/sheet1.xml",
            "</row>",
            &format!("{cell}</row>"),
        );
        assert!(
            error_of(bytes.clone(), None).contains(why),
            "{}",
            error_of(bytes, None)
        );
    }
}

// --- Hidden rows -----------------------------------------------------------------------------------------------

/// The hidden rows, and the hidden records by their line; the first record is the header.
fn hidden(bytes: Vec<u8>) -> (Vec<(u64, u64)>, Vec<u64>) {
    let mut sheet = Sheet::open(bytes, None).unwrap();
    sheet.next_record().unwrap().unwrap();
    let rows = sheet.hidden_rows();
    let mut records = Vec::new();
    while let Some(record) = sheet.next_record().unwrap() {
        if record.is_hidden {
            records.push(record.location.line());
        }
    }
    (
        rows.iter()
            .map(|row| (row.row, row.location.line()))
            .collect(),
        records,
    )
}

#[test]
fn hidden_rows_are_counted_as_rows_that_are_not_blank() {
    let row = |attributes: &str, cell: &str| format!("<row {attributes}>{cell}</row>");
    let text = r#"<c t="inlineStr"><is><t>x</t></is></c>"#;
    let blank = r#"<c t="inlineStr"><is><t> </t></is></c>"#;
    let rows = [
        row("r=\"1\"", text),
        row("r=\"2\" hidden=\"1\"", text),
        row("r=\"3\" hidden=\"0\"", text),
        row("r=\"4\" hidden=\"true\"", blank),
        row("r=\"5\" ht=\"0\" customHeight=\"1\"", text),
        row("r=\"9\" ht=\"15\"", text),
        row("hidden=\"1\"", text),
    ];
    let bytes = with(
        build::xlsx_parts(&[("S", &[])]),
        "xl/worksheets/sheet1.xml",
        "</sheetData>",
        &format!("{}</sheetData>", rows.concat()),
    );
    let expected = (vec![(1, 2), (3, 5), (5, 10)], vec![2, 4, 5, 10]);
    assert_eq!(hidden(bytes), expected);

    let row = |attributes: &str, text: &str| {
        format!(
            "<table:table-row {attributes}><table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell></table:table-row>"
        )
    };
    let rows = [
        row("", "x"),
        row("table:visibility=\"collapse\"", "x"),
        row(
            "table:visibility=\"visible\" table:style-name=\"tall\"",
            "x",
        ),
        row("table:visibility=\"filter\"", " "),
        row("table:style-name=\"flat\"", "x"),
        row("table:number-rows-repeated=\"4\"", "x"),
        row(
            "table:visibility=\"filter\" table:number-rows-repeated=\"2\"",
            "x",
        ),
    ];
    let mut parts = build::ods_parts(&[("S", &[])]);
    let content = &mut parts
        .iter_mut()
        .find(|(name, _)| name == "content.xml")
        .unwrap()
        .1;
    *content = content.replace(
        "</office:automatic-styles>",
        &format!("{ODS_STYLES}</office:automatic-styles>"),
    );
    let bytes = with(
        parts,
        "content.xml",
        "</table:table>",
        &format!("{}</table:table>", rows.concat()),
    );
    let expected = (
        vec![(1, 2), (3, 5), (8, 10), (9, 11)],
        vec![2, 4, 5, 10, 11],
    );
    assert_eq!(hidden(bytes), expected);
}

#[test]
fn hidden_rows_of_xls_are_found_by_their_records() {
    // Row 5 of the sheet, by the kind and length of its record and by its number.
    let record = [0x08, 0x02, 0x10, 0x00, 0x04, 0x00];
    let mut bytes = XLS.to_vec();
    assert!(hidden(bytes.clone()).0.is_empty());
    let at = bytes
        .windows(record.len())
        .position(|window| window == record)
        .unwrap();
    bytes[at + 4 + 12] |= 0x20;
    assert_eq!(hidden(bytes), (vec![(2, 5)], vec![5]));
}

#[test]
fn a_hidden_sheet_is_never_chosen_by_itself() {
    let only = one("secret");
    let bytes = with(
        build::xlsx_parts(&[("Old", &only)]),
        "xl/workbook.xml",
        "name=\"Old\"",
        "name=\"Old\" state=\"veryHidden\"",
    );
    assert_eq!(
        error_of(bytes, None),
        "all sheets of the workbook are hidden; name one of \"Old\""
    );
}

#[test]
fn a_cell_that_is_merged_with_the_one_above_says_so() {
    let rows: Vec<Vec<Cell>> = vec![
        vec!["Branch".into(), "Name".into(), "Phone".into()],
        vec!["Ipoh".into(), "Aina".into(), "012".into()],
        vec![Cell::Blank, "Boon".into(), "013".into()],
        vec![Cell::Blank, Cell::Blank, Cell::Blank],
        vec![Cell::Blank, "Ravi".into(), Cell::Blank],
        vec!["KL".into(), "Mei".into(), "014".into()],
    ];
    let merges = "</sheetData><mergeCells count=\"4\"><mergeCell ref=\"A2:A5\"/><mergeCell ref=\"C4:C5\"/><mergeCell ref=\"E2:E5\"/><mergeCell ref=\"B6:C6\"/></mergeCells>";
    let xlsx = with(
        build::xlsx_parts(&[("S", &rows)]),
        "xl/worksheets/sheet1.xml",
        "</sheetData>",
        merges,
    );
    let mut spanned = rows.clone();
    let origin = |text: &str, rows: u32| {
        raw(&format!(
            "<table:table-cell office:value-type=\"string\" table:number-columns-spanned=\"1\" table:number-rows-spanned=\"{rows}\"><text:p>{text}</text:p></table:table-cell>"
        ))
    };
    spanned[1][0] = origin("Ipoh", 4);
    spanned[3][2] = origin("", 2);
    for row in [2, 3, 4] {
        spanned[row][0] = raw("<table:covered-table-cell/>");
    }
    spanned[4][2] = raw("<table:covered-table-cell/>");
    for bytes in [xlsx, build::ods(&[("S", &spanned)])] {
        let rows: Vec<Vec<String>> = read_all(bytes).into_iter().map(|(_, row)| row).collect();
        assert_eq!(rows[2], [MERGED, "Boon", "013"]);
        assert!(rows[3].iter().all(String::is_empty), "{:?}", rows[3]);
        assert_eq!(rows[4], [MERGED, "Ravi", MERGED]);
        assert_eq!(rows[5], ["KL", "Mei", "014"]);
    }
}

#[test]
fn a_program_that_does_not_calculate_stores_zeros() {
    let cell = raw("><f>A1*2</f><v>0</v></c>");
    let other = raw("><f>A1*2</f><v>84</v></c>");
    let parts = build::xlsx_parts(&[("S", &[vec!["x".into(), cell, other]])]);
    let bytes = with(
        parts,
        "xl/workbook.xml",
        "</sheets>",
        "</sheets><calcPr calcId=\"124519\" fullCalcOnLoad=\"1\"/>",
    );
    assert_eq!(read_all(bytes)[0].1, ["x", NOT_CALCULATED, "84"]);
}

// --- Which sheet -----------------------------------------------------------------------------------------------

fn one(text: &str) -> Vec<Vec<Cell>> {
    vec![vec![text.into()]]
}

#[test]
fn the_first_sheet_that_is_not_hidden_is_taken() {
    let (a, b) = (one("secret"), one("list"));
    let tables: [build::Table; 2] = [("Old", &a), ("New", &b)];
    let hidden = [
        with(
            build::xlsx_parts(&tables),
            "xl/workbook.xml",
            "name=\"Old\"",
            "name=\"Old\" state=\"hidden\"",
        ),
        with(
            build::ods_parts(&tables),
            "content.xml",
            "table:name=\"Old\"",
            "table:name=\"Old\" table:style-name=\"hidden\"",
        ),
    ];
    for bytes in hidden {
        let sheet = Sheet::open(bytes.clone(), None).unwrap();
        assert_eq!((sheet.name.as_str(), sheet.sheets), ("New", 2));
        assert_eq!(rows(sheet)[0].1, ["list"]);
        let sheet = Sheet::open(bytes, Some("Old")).unwrap();
        assert_eq!(rows(sheet)[0].1, ["secret"]);
    }
    for bytes in [build::xlsx(&tables), build::ods(&tables)] {
        assert_eq!(Sheet::open(bytes, None).unwrap().name, "Old");
    }
}

#[test]
fn a_sheet_is_found_by_its_name() {
    let (a, b) = (one("lower"), one("upper"));
    let tables: [build::Table; 3] = [("customers", &a), ("CUSTOMERS & Co", &b), (" Été ", &b)];
    for bytes in [build::xlsx(&tables), build::ods(&tables)] {
        for (wanted, found) in [
            ("customers", "customers"),
            (" Customers ", "customers"),
            ("customers & co", "CUSTOMERS & Co"),
            ("été", " Été "),
        ] {
            let sheet = Sheet::open(bytes.clone(), Some(wanted)).unwrap();
            assert_eq!(sheet.name, found, "{wanted}");
        }
        assert_eq!(
            error_of(bytes, Some("custom")),
            "there is no sheet \"custom\"; name one of \"customers\", \"CUSTOMERS & Co\", \" Été \""
        );
    }
    assert_eq!(
        rows(Sheet::open(XLS.to_vec(), Some("hidden")).unwrap())[0].1,
        ["secret"]
    );
}

#[test]
fn a_sheet_without_cells_is_refused() {
    let (none, some) = (vec![vec![Cell::Blank]], one("x"));
    for build in [build::xlsx, build::ods] {
        assert_eq!(
            error_of(build(&[("A", &none), ("B", &some), ("C", &some)]), None),
            "the sheet \"A\" is empty; name another of its sheets (\"B\", \"C\")"
        );
        assert_eq!(
            error_of(build(&[("A", &none)]), None),
            "the sheet \"A\" is empty; it needs a row of headers and a row for each recipient"
        );
    }
    assert!(error_of(XLS.to_vec(), Some("Blank")).starts_with("the sheet \"Blank\" is empty"));
    let chart = with(
        build::xlsx_parts(&[("Chart", &none), ("B", &some)]),
        "xl/_rels/workbook.xml.rels",
        "/worksheet\"",
        "/chartsheet\"",
    );
    assert_eq!(
        error_of(chart, None),
        "the sheet \"Chart\" is a chart; name another of its sheets (\"B\")"
    );
}
