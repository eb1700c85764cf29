//! Makes workbooks for tests, as small as the formats allow. Uses nothing of this crate, so that integration tests can include it
//! by its path.
#![allow(clippy::expect_used)]

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The content of a cell.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    /// Nothing.
    Blank,
    /// A text, shared in XLSX.
    Text(String),
    /// A number without a format.
    Number(f64),
    /// A date (`2026-11-22`, after February 1900), formatted as one.
    Date(String),
    /// Raw XML: in XLSX what follows `<c r="B2"`, in ODS the element of the cell.
    Raw(String),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

/// The name of a sheet and its rows.
pub(crate) type Table<'a> = (&'a str, &'a [Vec<Cell>]);

/// The parts of a file: name and content.
pub(crate) type Parts = Vec<(String, String)>;

/// The number formats of [`xlsx_parts`], by their index (`s="1"`) in [`Cell::Raw`].
const FORMATS: [&str; 6] = [
    "General",
    "yyyy\\-mm\\-dd",
    "dd/mm/yyyy\\ hh:mm",
    "hh:mm:ss",
    "[h]:mm",
    "0000000000",
];

/// An XLSX file with these sheets.
pub(crate) fn xlsx(sheets: &[Table]) -> Vec<u8> {
    packed(&xlsx_parts(sheets))
}

/// An ODS file with these sheets.
pub(crate) fn ods(sheets: &[Table]) -> Vec<u8> {
    packed(&ods_parts(sheets))
}

/// A ZIP file of these parts; one called `mimetype` is not compressed.
pub(crate) fn packed(parts: &[(String, String)]) -> Vec<u8> {
    let parts: Vec<(&str, &[u8])> = parts
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_bytes()))
        .collect();
    packed_bytes(&parts)
}

/// The same of parts that are not text.
pub(crate) fn packed_bytes(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        let method = match *name {
            "mimetype" => CompressionMethod::Stored,
            _ => CompressionMethod::Deflated,
        };
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options).expect("a new part");
        zip.write_all(content).expect("memory");
    }
    zip.finish().expect("memory").into_inner()
}

/// The parts of an XLSX file with these sheets.
pub(crate) fn xlsx_parts(sheets: &[Table]) -> Parts {
    const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const DOCUMENT: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";

    let mut shared = Vec::new();
    let (mut list, mut relations) = (String::new(), String::new());
    let mut tables = Parts::new();
    for (i, (name, rows)) in (1..).zip(sheets) {
        let name = escaped(name);
        add(
            &mut list,
            format_args!("<sheet name=\"{name}\" sheetId=\"{i}\" r:id=\"rId{i}\"/>"),
        );
        add(
            &mut relations,
            format_args!(
                "<Relationship Id=\"rId{i}\" Type=\"{DOCUMENT}/worksheet\" Target=\"worksheets/sheet{i}.xml\"/>"
            ),
        );
        let table = xlsx_rows(rows, &mut shared);
        tables.push((
            format!("xl/worksheets/sheet{i}.xml"),
            format!("{XML}<worksheet xmlns=\"{MAIN}\"><sheetData>{table}</sheetData></worksheet>"),
        ));
    }
    let (mut formats, mut styles) = (String::new(), String::new());
    for (id, format) in (164..).zip(FORMATS) {
        add(
            &mut formats,
            format_args!("<numFmt numFmtId=\"{id}\" formatCode=\"{format}\"/>"),
        );
        add(
            &mut styles,
            format_args!("<xf numFmtId=\"{id}\" applyNumberFormat=\"1\"/>"),
        );
    }
    let mut strings = String::new();
    for text in shared {
        let text = escaped(&text);
        add(
            &mut strings,
            format_args!("<si><t xml:space=\"preserve\">{text}</t></si>"),
        );
    }
    let mut parts: Parts = [
        ("[Content_Types].xml", format!(
            "{XML}<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>"
        )),
        ("_rels/.rels", format!(
            "{XML}<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" Type=\"{DOCUMENT}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
        )),
        ("xl/workbook.xml", format!(
            "{XML}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{DOCUMENT}\"><workbookPr/><sheets>{list}</sheets></workbook>"
        )),
        ("xl/_rels/workbook.xml.rels", format!(
            "{XML}<Relationships xmlns=\"{PACKAGE}/relationships\">{relations}</Relationships>"
        )),
        ("xl/styles.xml", format!(
            "{XML}<styleSheet xmlns=\"{MAIN}\"><numFmts>{formats}</numFmts><cellXfs>{styles}</cellXfs></styleSheet>"
        )),
        ("xl/sharedStrings.xml", format!("{XML}<sst xmlns=\"{MAIN}\">{strings}</sst>")),
    ]
    .map(|(name, content)| (name.to_owned(), content))
    .into();
    parts.append(&mut tables);
    parts
}

fn xlsx_rows(rows: &[Vec<Cell>], shared: &mut Vec<String>) -> String {
    let mut text = String::new();
    for (row, cells) in (1..).zip(rows) {
        add(&mut text, format_args!("<row r=\"{row}\">"));
        for (column, cell) in cells.iter().enumerate() {
            let place = format!("{}{row}", column_name(column));
            let content = match cell {
                Cell::Blank => continue,
                Cell::Text(string) => {
                    shared.push(string.clone());
                    format!(" t=\"s\"><v>{}</v></c>", shared.len() - 1)
                }
                Cell::Number(number) => format!("><v>{number}</v></c>"),
                Cell::Date(date) => format!(" s=\"1\"><v>{}</v></c>", serial(date)),
                Cell::Raw(content) => content.clone(),
            };
            add(&mut text, format_args!("<c r=\"{place}\"{content}"));
        }
        text.push_str("</row>");
    }
    text
}

/// `A`, `B`, ... `Z`, `AA` for 0, 1, ... 25, 26.
fn column_name(column: usize) -> String {
    let last = char::from(b'A' + u8::try_from(column % 26).expect("below 26"));
    match column / 26 {
        0 => last.to_string(),
        before => column_name(before - 1) + &last.to_string(),
    }
}

/// The days since 1899-12-30.
fn serial(date: &str) -> i64 {
    let parts: Vec<i64> = date
        .split('-')
        .map(|part| part.parse().expect("a number"))
        .collect();
    // Years that begin in March have their leap day at the end.
    let (year, month) = (parts[0] - i64::from(parts[1] < 3), (parts[1] + 9) % 12);
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + parts[2];
    days - 693_900
}

/// The parts of an ODS file with these sheets.
pub(crate) fn ods_parts(sheets: &[Table]) -> Parts {
    const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    const NAMES: &str = "urn:oasis:names:tc:opendocument:xmlns";
    const MIMETYPE: &str = "application/vnd.oasis.opendocument.spreadsheet";

    let mut tables = String::new();
    for (name, rows) in sheets {
        add(
            &mut tables,
            format_args!("<table:table table:name=\"{}\">", escaped(name)),
        );
        for cells in *rows {
            tables.push_str("<table:table-row>");
            for cell in cells {
                tables.push_str(&ods_cell(cell));
            }
            // A row without a cell is not allowed.
            tables.push_str("<table:table-cell/></table:table-row>");
        }
        tables.push_str("</table:table>");
    }
    [
        ("mimetype", MIMETYPE.to_owned()),
        ("META-INF/manifest.xml", format!(
            "{XML}<manifest:manifest xmlns:manifest=\"{NAMES}:manifest:1.0\" manifest:version=\"1.2\">\
             <manifest:file-entry manifest:full-path=\"/\" manifest:media-type=\"{MIMETYPE}\"/>\
             <manifest:file-entry manifest:full-path=\"content.xml\" manifest:media-type=\"text/xml\"/></manifest:manifest>"
        )),
        ("content.xml", format!(
            "{XML}<office:document-content xmlns:office=\"{NAMES}:office:1.0\" xmlns:table=\"{NAMES}:table:1.0\" \
             xmlns:text=\"{NAMES}:text:1.0\" xmlns:style=\"{NAMES}:style:1.0\" office:version=\"1.2\">\
             <office:automatic-styles><style:style style:name=\"hidden\" style:family=\"table\">\
             <style:table-properties table:display=\"false\"/></style:style></office:automatic-styles>\
             <office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
        )),
    ]
    .map(|(name, content)| (name.to_owned(), content))
    .into()
}

fn ods_cell(cell: &Cell) -> String {
    let valued = |kind: &str, value: &str| {
        format!("<table:table-cell office:value-type=\"{kind}\" {value}/>")
    };
    match cell {
        Cell::Blank => "<table:table-cell/>".to_owned(),
        Cell::Text(text) => {
            let lines = escaped(text).replace('\n', "</text:p><text:p>");
            format!(
                "<table:table-cell office:value-type=\"string\"><text:p>{lines}</text:p></table:table-cell>"
            )
        }
        Cell::Number(number) => valued("float", &format!("office:value=\"{number}\"")),
        Cell::Date(date) => valued("date", &format!("office:date-value=\"{date}\"")),
        Cell::Raw(content) => content.clone(),
    }
}

fn add(text: &mut String, piece: std::fmt::Arguments) {
    text.write_fmt(piece).expect("memory");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}
