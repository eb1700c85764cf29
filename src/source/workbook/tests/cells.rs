//! What cells of every format become.

use super::*;

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
