//! Workbooks of every format.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::build::{self, Cell, Parts};
use super::*;
use crate::domain::sheet_error::{MERGED, NOT_CALCULATED};

mod damaged;

/// An XLS file, written with xlwt 1.3. Sheet `List` from B3 on, a name and a value in each row: a text with an apostrophe and
/// Tamil letters, `0123456789` as text, 60123456789, 0.1+0.2, -1250.5, TRUE, FALSE, 2026-11-22, 2026-11-22 14:30, 14:30 as a time,
/// 36 hours as `[h]:mm`, #N/A, an empty row, two lines in one cell. Then a hidden sheet `Hidden` and an empty one, `Blank`.
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

// --- Cells -----------------------------------------------------------------------------------------------------

#[test]
fn cells_of_xlsx_become_what_the_sheet_shows() {
    let cells: &[(&str, &str)] = &[
        // Texts.
        (r#" t="inlineStr"><is><t>inline</t></is></c>"#, "inline"),
        (
            r#" t="inlineStr"><is><r><t>rich </t></r><r><rPr><b/></rPr><t xml:space="preserve"> text</t></r></is></c>"#,
            "rich text",
        ),
        (
            r#" t="inlineStr"><is><t xml:space="preserve"> a&#10;b &amp; c </t></is></c>"#,
            " a\nb & c ",
        ),
        (r#" t="str"><f>A1</f><v>0123</v></c>"#, "0123"),
        // Numbers.
        ("><v>60123456789</v></c>", "60123456789"),
        ("><v>6.0123456789E10</v></c>", "60123456789"),
        ("><v>42.0</v></c>", "42"),
        ("><v>0.30000000000000004</v></c>", "0.3"),
        ("><v>1250.5</v></c>", "1250.5"),
        ("><v>-7.25</v></c>", "-7.25"),
        ("><v>-0</v></c>", "0"),
        ("><v>123456789012345</v></c>", "123456789012345"),
        ("><v>999999999999999</v></c>", "999999999999999"),
        // Digits that are lost are not made up.
        ("><v>1E+20</v></c>", "1E+20"),
        ("><v>1234567890123450000</v></c>", "1.23456789012345E+18"),
        ("><v>1234567890123456</v></c>", "1.23456789012346E+15"),
        (
            r#" s="5"><v>1234567890123450000</v></c>"#,
            "1.23456789012345E+18",
        ),
        ("><v>1E-7</v></c>", "0.0000001"),
        // Dates, times and durations.
        (r#" s="1"><v>46348</v></c>"#, "2026-11-22"),
        (r#" s="1"><v>1</v></c>"#, "1900-01-01"),
        (r#" s="1"><v>59</v></c>"#, "1900-02-28"),
        (r#" s="1"><v>60</v></c>"#, "1900-02-29"),
        (r#" s="1"><v>61</v></c>"#, "1900-03-01"),
        (r#" s="1"><v>2958465</v></c>"#, "9999-12-31"),
        (r#" s="3"><v>0.604166666666667</v></c>"#, "14:30:00"),
        (r#" s="3"><v>0</v></c>"#, "00:00:00"),
        (
            r#" t="d"><v>2026-11-22T14:30:00.000</v></c>"#,
            "2026-11-22 14:30:00",
        ),
        // The rest.
        (r#" t="b"><v>1</v></c>"#, "TRUE"),
        (r#" t="b"><v>0</v></c>"#, "FALSE"),
        (r#" t="e"><v>#N/A</v></c>"#, "#N/A"),
        (r#" t="e"><f>1/0</f><v>#DIV/0!</v></c>"#, "#DIV/0!"),
        (r#" t="e"><v>#REF!</v></c>"#, "#REF!"),
        ("><f>A1*2</f><v>84</v></c>", "84"),
        // Formulas that were never calculated, and cells that only have a format.
        ("><f>A1*2</f></c>", NOT_CALCULATED),
        ("><f>A1*2</f><v></v></c>", NOT_CALCULATED),
        ("><f>A1*2</f><v/></c>", NOT_CALCULATED),
        (r#" t="str"><f>A1</f></c>"#, NOT_CALCULATED),
        (r#" t="b"><f>A1</f><v></v></c>"#, NOT_CALCULATED),
        (r#"><f t="shared" si="0"/></c>"#, NOT_CALCULATED),
        (r#" t="str"><f>A1</f><v/></c>"#, ""),
        ("><f>A1*2</f><v>0</v></c>", "0"),
        (r#" t="str"><f>A1</f><v></v></c>"#, ""),
        (r#" s="1"/>"#, ""),
    ];
    for (cell, shown) in cells {
        assert_eq!(xlsx_cell(raw(cell)), both(shown), "{cell}");
    }
    let formatted: &[(&str, &str, &str)] = &[
        (r#" s="5"><v>123456789</v></c>"#, "0123456789", "123456789"),
        (
            r#" s="2"><v>46348.6041666667</v></c>"#,
            "22/11/2026 14:30",
            "2026-11-22 14:30:00",
        ),
        (
            r#" s="2"><v>46347.9999999999</v></c>"#,
            "22/11/2026 00:00",
            "2026-11-22",
        ),
        (r#" s="1"><v>2958466</v></c>"#, "########", "2958466"),
        (r#" s="1"><v>-1</v></c>"#, "########", "-1"),
        (r#" s="4"><v>1.51041666666667</v></c>"#, "36:15", "36:15:00"),
        (r#" s="4"><v>-0.0625</v></c>"#, "########", "-01:30:00"),
    ];
    for (cell, shown, held) in formatted {
        let faces = ((*shown).to_owned(), (*held).to_owned());
        assert_eq!(xlsx_cell(raw(cell)), faces, "{cell}");
    }
    let text = " O'Brien\n\u{b95} ";
    assert_eq!(xlsx_cell(text.into()), both(text));
    assert_eq!(xlsx_cell("0123456789".into()), both("0123456789"));
    assert_eq!(
        xlsx_cell(Cell::Date("2024-02-29".to_owned())),
        both("2024-02-29")
    );
}

#[test]
fn an_unsupported_error_value_is_a_text_in_its_own_cell() {
    let sheet = |place: fn(&str) -> String| {
        let cell = |at: &str, rest: &str| format!("<c{}{rest}</c>", place(at));
        let error = |at, value| cell(at, &format!(" t=\"e\"><f>A1</f><v>{value}</v>"));
        let number = |at, value| cell(at, &format!("><f>A1</f><v>{value}</v>"));
        let rows = [
            number("A1", 1) + &error("B1", "#SPILL!") + &number("C1", 2) + &error("D1", "#ERROR!"),
            error("A2", "#N/A") + &number("B2", 3),
            error("A3", "#CALC!") + &error("B3", "#BUSY!") + &number("C3", 4),
        ];
        let parts = build::xlsx_parts(&[("S", &[])]);
        let part = "xl/worksheets/sheet1.xml";
        let rows = rows.map(|row| format!("<row>{row}</row>")).concat();
        with(parts, part, "</sheetData>", &format!("{rows}</sheetData>"))
    };
    let expected = [
        (1, vec!["1", "#SPILL!", "2", "#ERROR!"]),
        (2, vec!["#N/A", "3"]),
        (3, vec!["#CALC!", "#BUSY!", "4"]),
    ]
    .map(owned);
    assert_eq!(read_all(sheet(|at| format!(" r=\"{at}\""))), expected);
    assert_eq!(read_all(sheet(|_| String::new())), expected);
}

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

#[test]
fn cells_of_ods_become_what_the_sheet_shows() {
    let cells: &[(&str, &str)] = &[
        (
            r#"office:value-type="string"><text:p>one<text:s text:c="2"/>two</text:p><text:p>three</text:p>"#,
            "one  two\nthree",
        ),
        (
            r#"office:value-type="string"><office:annotation><text:p>note</text:p></office:annotation><text:p>text</text:p>"#,
            "text",
        ),
        (
            r#"office:value-type="float" office:value="60123456789"><text:p>6E+10</text:p>"#,
            "60123456789",
        ),
        (
            r#"office:value-type="float" office:value="0.30000000000000004">"#,
            "0.3",
        ),
        (
            r#"office:value-type="date" office:date-value="2026-11-22T14:30:00">"#,
            "2026-11-22 14:30:00",
        ),
        (
            r#"office:value-type="date" office:date-value="2026-11-22T14:29:59.999999999">"#,
            "2026-11-22 14:30:00",
        ),
        (
            r#"office:value-type="date" office:date-value="2026-11-22T00:00:00">"#,
            "2026-11-22",
        ),
        (
            r#"office:value-type="date" office:date-value="tomorrow">"#,
            "tomorrow",
        ),
        (
            r#"office:value-type="time" office:time-value="PT14H30M00S">"#,
            "14:30:00",
        ),
        (
            r#"office:value-type="time" office:time-value="PT36H15M00.000000000S">"#,
            "36:15:00",
        ),
        (
            r#"office:value-type="time" office:time-value="-PT1H30M">"#,
            "-01:30:00",
        ),
        (
            r#"office:value-type="time" office:time-value="P1Y">"#,
            "P1Y",
        ),
        (
            r#"office:value-type="boolean" office:boolean-value="true">"#,
            "TRUE",
        ),
        (
            r#"table:formula="of:=NA()" office:value-type="string" office:string-value="" calcext:value-type="error"><text:p>#N/A</text:p>"#,
            "#N/A",
        ),
        (
            r#"table:formula="of:=[.A1]*2" office:value-type="float" office:value="84">"#,
            "84",
        ),
        (r#"table:formula="of:=[.A1]*2">"#, NOT_CALCULATED),
        (
            r#"table:formula="of:=[.A1]" office:value-type="string"><text:p/>"#,
            "",
        ),
        (">", ""),
    ];
    for (cell, shown) in cells {
        let cell = format!("<table:table-cell {cell}</table:table-cell>");
        assert_eq!(ods_cell(raw(&cell)), both(shown), "{cell}");
    }
    assert_eq!(ods_cell("0123456789".into()), both("0123456789"));
    assert_eq!(
        ods_cell("O'Brien\n\u{b95}".into()),
        both("O'Brien\n\u{b95}")
    );
}

#[test]
fn cells_of_ods_keep_the_value_beside_what_they_show() {
    let formatted: &[(&str, &str, &str)] = &[
        (
            r#"office:value-type="currency" office:currency="MYR" office:value="1250.5"><text:p>RM 1,250.50</text:p>"#,
            "RM 1,250.50",
            "1250.5",
        ),
        (
            r#"office:value-type="percentage" office:value="0.15"><text:p>15%</text:p>"#,
            "15%",
            "0.15",
        ),
        (
            r#"office:value-type="date" office:date-value="2026-11-22"><text:p>22 Nov 2026</text:p>"#,
            "22 Nov 2026",
            "2026-11-22",
        ),
        (
            r#"office:value-type="time" office:time-value="PT14H30M00S"><office:annotation><text:p>note</text:p></office:annotation><text:p>02:30<text:s/>PM</text:p>"#,
            "02:30 PM",
            "14:30:00",
        ),
        (
            r#"table:style-name="zeros" office:value-type="float" office:value="123"><text:p>000123</text:p>"#,
            "000123",
            "123",
        ),
        (
            r#"table:style-name="inherits" office:value-type="float" office:value="1234.5"><text:p>1,234.50</text:p>"#,
            "1,234.50",
            "1234.5",
        ),
        (
            r#"table:style-name="general" office:value-type="float" office:value="0.333333333333333"><text:p>0.33</text:p>"#,
            "0.333333333333333",
            "0.333333333333333",
        ),
        (
            r#"table:style-name="zeros" office:value-type="float" office:value="123">"#,
            "123",
            "123",
        ),
        (
            r#"table:style-name="region" office:value-type="date" office:date-value="2026-11-05"><text:p>11/05/26</text:p>"#,
            "5/11/2026",
            "2026-11-05",
        ),
        (
            r#"table:style-name="region-time" office:value-type="date" office:date-value="2026-11-05T09:05:00"><text:p>11/05/26 09:05</text:p>"#,
            "5/11/2026 9:05",
            "2026-11-05 09:05:00",
        ),
        (
            r#"table:style-name="zeros" office:value-type="float" office:value="7"><text:p>###</text:p>"#,
            "###",
            "7",
        ),
    ];
    for (cell, shown, held) in formatted {
        let cell = raw(&format!("<table:table-cell {cell}</table:table-cell>"));
        let table: build::Table = ("S", &[vec!["x".into(), cell, "x".into()]]);
        let bytes = with(
            build::ods_parts(&[table]),
            "content.xml",
            "</office:automatic-styles>",
            &format!("{ODS_STYLES}</office:automatic-styles>"),
        );
        assert_eq!(faces(bytes), ((*shown).to_owned(), (*held).to_owned()));
    }
}

#[test]
fn cells_of_xls_become_what_the_sheet_shows() {
    let sheet = Sheet::open(XLS.to_vec(), None).unwrap();
    assert_eq!((sheet.name.as_str(), sheet.sheets), ("List", 3));
    let found = rows(sheet);
    let expected = [
        (3, "text", "O'Brien \u{b95}\u{ba3}"),
        (4, "zeros", "0123456789"),
        (5, "whole", "60123456789"),
        (6, "tenth", "0.3"),
        (7, "negative", "-1250.5"),
        (8, "true", "TRUE"),
        (9, "false", "FALSE"),
        (10, "date", "2026-11-22"),
        (11, "moment", "2026-11-22 14:30:00"),
        (12, "time", "14:30:00"),
        (13, "duration", "36:00"),
        (14, "error", "#N/A"),
        (15, "", ""),
        (16, "lines", "one\ntwo"),
    ]
    .map(|(row, name, value)| match name {
        "" => (row, Vec::new()),
        name => owned((row, vec!["", name, value])),
    });
    assert_eq!(found, expected);
}

#[test]
fn dates_count_from_1904_where_the_workbook_says_so() {
    let cells = [
        r#" s="1"><v>44886</v></c>"#,
        r#" s="2"><v>44886.25</v></c>"#,
        r#" s="3"><v>0.25</v></c>"#,
    ];
    let parts = build::xlsx_parts(&[("S", &[cells.map(raw).to_vec()])]);
    let bytes = with(
        parts,
        "xl/workbook.xml",
        "<workbookPr/>",
        "<workbookPr date1904=\"1\"/>",
    );
    assert_eq!(
        read_all(bytes)[0].1,
        ["2026-11-22", "22/11/2026 06:00", "06:00:00"]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_number_of_15_digits_comes_back(digits in -999_999_999_999_999_i64..=999_999_999_999_999, shift in 0_usize..=20) {
        let mut text = format!("{:021}", digits.unsigned_abs());
        text.insert(21 - shift, '.');
        let plain = text.trim_matches('0').trim_end_matches('.');
        let zero = if plain.starts_with('.') { "0" } else { "" };
        let sign = if digits < 0 { "-" } else { "" };
        let expected = if digits == 0 { "0".to_owned() } else { format!("{sign}{zero}{plain}") };
        let mut shown = String::new();
        held::write_held(&mut shown, &calamine::DataRef::Float(expected.parse().unwrap()));
        prop_assert_eq!(shown, expected);
    }
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
fn the_error_of_a_formula_counts_and_not_the_zero_beside_it() {
    for (cell, shown) in [
        (
            r#"table:formula="of:=1/0" office:value-type="float" office:value="0"><text:p>#DIV/0!</text:p>"#,
            "#DIV/0!",
        ),
        (
            r#"table:formula="of:=X()" office:value-type="float" office:value="0"><text:p>Err:508</text:p>"#,
            "Err:508",
        ),
        (
            r#"table:formula="of:=1/0" office:value-type="percentage" office:value="0"><text:p>#WERT!</text:p>"#,
            "#WERT!",
        ),
        (
            r#"table:formula="of:=0" office:value-type="float" office:value="0"><text:p>0</text:p>"#,
            "0",
        ),
    ] {
        let cell = raw(&format!("<table:table-cell {cell}</table:table-cell>"));
        assert_eq!(ods_cell(cell), both(shown));
    }
}

#[test]
fn a_format_of_ods_that_adds_to_a_text_is_not_supported() {
    let text = |style: &str| {
        let cell = format!(
            "<table:table-cell table:style-name=\"{style}\" office:value-type=\"string\"><text:p>Siti</text:p></table:table-cell>"
        );
        let styles = "<number:text-style style:name=\"D\"><number:text>Dear </number:text><number:text-content/></number:text-style>\
             <number:text-style style:name=\"P\"><number:text-content/></number:text-style>\
             <style:style style:name=\"dear\" style:family=\"table-cell\" style:data-style-name=\"D\"/>\
             <style:style style:name=\"plain\" style:family=\"table-cell\" style:data-style-name=\"P\"/>";
        let bytes = with(
            build::ods_parts(&[("S", &[vec!["x".into(), raw(&cell)]])]),
            "content.xml",
            "</office:automatic-styles>",
            &format!("{styles}</office:automatic-styles>"),
        );
        Sheet::open(bytes, None).unwrap().unformatted()
    };
    assert_eq!(text("dear"), [1]);
    assert!(text("plain").is_empty());
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
