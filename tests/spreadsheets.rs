//! Spreadsheets as offices export them: every format gives the same plan, every error has its own sentence at its place, and the
//! overview says what the texts cost and whether networks may block them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fmt::Write as _;

use build::Cell;
use common::program::rows_of;
use common::{Gateway, Program, Row, phone, verifies};

#[path = "../src/source/workbook/build.rs"]
#[allow(dead_code)]
mod build;

// --- Formats: the same list, however it was exported --------------------------------------------------------------

const HEADER: [&str; 4] = ["No. Tel", "Nama", "Baki (RM)", "Nota"];

/// Five hundred rows with what Windows-1252 can hold, delimiters, quotes and line ends in cells, and some invalid ones.
fn list() -> Vec<[String; 4]> {
    let names = [
        "Siti Nur’ain",
        "José d'Souza",
        "Zoë, Müller",
        "\"Ah Kow\" Tan",
        "Ali; Abu",
        "",
    ];
    let notes = ["terima kasih…", "baris satu\nbaris dua", "a|b\tc", "5% off"];
    (0..500)
        .map(|i| {
            [
                if i % 50 == 7 {
                    "0712".to_owned()
                } else {
                    phone(i)
                },
                names[i % if i % 7 == 0 { 6 } else { 5 }].to_owned(),
                format!("{},{:03}.{:02}", i % 7 + 1, i, i % 100),
                notes[i / 3 % 4].to_owned(),
            ]
        })
        .collect()
}

fn delimited(delimiter: &str, line_end: &str, quoted: bool) -> String {
    let cell = |cell: &str| {
        if quoted || cell.contains(['"', '\n', ';', ',', '|', '\t']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.to_owned()
        }
    };
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
        cells.join(delimiter) + line_end
    };
    let mut text = line(&HEADER.map(str::to_owned));
    text.extend(list().iter().map(|row| line(row)));
    text
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut writer, bytes).unwrap();
    writer.finish().unwrap()
}

/// For each format: its name, the file name and bytes of the list, and the delimiter and byte order mark that its results must
/// have.
fn formats() -> Vec<(&'static str, &'static str, Vec<u8>, char, bool)> {
    let plain = delimited(",", "\n", false);
    let marked = format!("\u{feff}{plain}");
    let narrow = encoding_rs::WINDOWS_1252.encode(&plain).0.into_owned();
    let cells = |row: &[String; 4]| row.iter().map(|cell| Cell::from(cell.as_str())).collect();
    let mut rows: Vec<Vec<Cell>> = vec![cells(&HEADER.map(str::to_owned))];
    rows.extend(list().iter().map(cells));
    let sheets: [build::Table; 1] = [("Pelanggan", &rows)];
    vec![
        (
            "UTF-8",
            "customers.csv",
            plain.clone().into_bytes(),
            ',',
            false,
        ),
        (
            "byte order mark",
            "customers.csv",
            marked.clone().into_bytes(),
            ',',
            true,
        ),
        (
            "UTF-16LE",
            "customers.csv",
            utf16(&marked, u16::to_le_bytes),
            ',',
            true,
        ),
        (
            "UTF-16BE",
            "customers.txt",
            utf16(&marked, u16::to_be_bytes),
            ',',
            true,
        ),
        (
            "UTF-16LE without a mark",
            "customers.csv",
            utf16(&plain, u16::to_le_bytes),
            ',',
            true,
        ),
        ("Windows-1252", "customers.csv", narrow, ',', true),
        (
            "semicolons",
            "customers.csv",
            delimited(";", "\n", false).into_bytes(),
            ';',
            false,
        ),
        (
            "sep=",
            "customers.csv",
            format!("sep=;\r\n{}", delimited(";", "\r\n", false)).into_bytes(),
            ';',
            false,
        ),
        (
            "tabs",
            "customers.tsv",
            delimited("\t", "\n", false).into_bytes(),
            '\t',
            false,
        ),
        (
            "pipes",
            "customers.txt",
            delimited("|", "\n", false).into_bytes(),
            '|',
            false,
        ),
        (
            "quoted",
            "customers.csv",
            delimited(",", "\n", true).into_bytes(),
            ',',
            false,
        ),
        (
            "CRLF",
            "customers.csv",
            delimited(",", "\r\n", false).into_bytes(),
            ',',
            false,
        ),
        (
            "gzip",
            "customers.csv.gz",
            gzip(plain.as_bytes()),
            ',',
            false,
        ),
        ("XLSX", "customers.xlsx", build::xlsx(&sheets), ',', true),
        ("ODS", "customers.ods", build::ods(&sheets), ',', true),
    ]
}

#[test]
fn every_format_gives_the_same_plan() {
    let mut first: Option<(String, Vec<Row>)> = None;
    for (name, file, bytes, delimiter, bom) in formats() {
        let program = Program::new();
        program.write(file, bytes);
        let text = "KedaiKu: {{ nama }}, baki RM{{ baki_rm }}. {{ nota }}";
        let plan = program.run(&["plan", file, "--message", text]);
        plan.exits(0);
        program.run(&["results", "customers.ledger"]).exits(0);
        let results = std::fs::read_to_string(program.path("customers.results.csv")).unwrap();
        assert_eq!(results.starts_with('\u{feff}'), bom, "{name}");
        let header = results
            .trim_start_matches('\u{feff}')
            .lines()
            .next()
            .unwrap();
        let own = header.split(delimiter).next().unwrap();
        assert_eq!(own.trim_matches('"'), "No. Tel", "{name}");
        // The same rows, whatever the delimiter.
        let rows = rows_between(&results, delimiter);
        assert_eq!(rows.len(), 500, "{name}");
        let counts = plan
            .stdout
            .lines()
            .filter(|line| line.starts_with("To send") || line.starts_with("Credits"));
        let counts: String = counts.collect();
        match &first {
            None => {
                assert_eq!(
                    rows.iter()
                        .filter(|row| row["sms_status"] == "invalid")
                        .count(),
                    22
                );
                first = Some((counts, rows));
            }
            Some((first_counts, first_rows)) => {
                assert_eq!(&counts, first_counts, "{name}");
                assert_eq!(&rows, first_rows, "{name}");
            }
        }
        verifies(&program, "customers.ledger");
    }
}

/// The rows of a CSV with this delimiter.
fn rows_between(text: &str, delimiter: char) -> Vec<Row> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(u8::try_from(delimiter).unwrap())
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

#[test]
fn the_overview_says_how_the_file_was_read() {
    for (file, bytes, arguments, read_as) in [
        (
            "a.csv",
            delimited(",", "\n", false).into_bytes(),
            &[][..],
            "text with commas between cells, UTF-8\n",
        ),
        (
            "a.csv",
            encoding_rs::WINDOWS_1252
                .encode(&delimited(";", "\n", false))
                .0
                .into_owned(),
            &[],
            "text with semicolons between cells, windows-1252, guessed from its bytes (check the names below, or name it with --encoding)\n",
        ),
        (
            "a.csv",
            encoding_rs::WINDOWS_1252
                .encode(&delimited("^", "\n", false))
                .0
                .into_owned(),
            &["--encoding", "windows-1252", "--delimiter", "^"],
            "text with \"^\" between cells, windows-1252\n",
        ),
        (
            "a.csv.gz",
            gzip(delimited("\t", "\n", false).as_bytes()),
            &[],
            "text with tabs between cells, gzip, UTF-8\n",
        ),
    ] {
        let program = Program::new();
        program.write(file, bytes);
        let mut all = vec!["plan", file, "--message", "KedaiKu: we are open"];
        all.extend(arguments);
        let run = program.run(&all);
        run.exits(0);
        assert!(
            run.stdout.contains(&format!("Read as       {read_as}")),
            "{}",
            run.stdout
        );
    }
}

#[test]
fn a_sheet_is_chosen_by_its_name() {
    let sheet = |number: usize| {
        vec![
            vec![Cell::from("phone")],
            vec![Cell::from(phone(number).as_str())],
        ]
    };
    let (one, two) = (sheet(1), sheet(2));
    let program = Program::new();
    program.write(
        "customers.xlsx",
        build::xlsx(&[("Januari", &one), ("Februari", &two)]),
    );
    let gateway = Gateway::accepting();
    let text = ["--message", "KedaiKu: we are open"];
    program
        .send(
            &gateway,
            &["customers.xlsx", text[0], text[1], "--sheet", "februari"],
        )
        .exits(0);
    assert_eq!(gateway.numbers_taken(), [common::msisdn(2)]);
    for (arguments, exit, words) in [
        (
            ["customers.xlsx", "--sheet", "Mac"],
            1,
            &["customers.xlsx", "Mac", "Januari", "Februari"][..],
        ),
        (
            ["customers.xlsx", "--delimiter", ";"],
            2,
            &["customers.xlsx", "--delimiter"],
        ),
    ] {
        let program = Program::new();
        program.write(
            "customers.xlsx",
            build::xlsx(&[("Januari", &one), ("Februari", &two)]),
        );
        let run = program.run(&[
            "plan",
            arguments[0],
            text[0],
            text[1],
            arguments[1],
            arguments[2],
        ]);
        run.exits(exit).says(words);
    }
}

// --- Workbooks: what a person saw ------------------------------------------------------------------------------

/// The text of each row that was taken, or the reason why it cannot be sent.
fn texts(run: &Program, results: &str) -> Vec<String> {
    run.results(results)
        .iter()
        .map(|row| match row["sms_status"].as_str() {
            "accepted" => row["sms_message"].clone(),
            status => format!("{status}: {}", row["sms_detail"]),
        })
        .collect()
}

fn raw(cell: &str) -> Cell {
    Cell::Raw(cell.to_owned())
}

/// An XLSX file whose number formats are these, by their index in `s="0"`.
fn formatted(formats: &[&str], rows: &[Vec<Cell>]) -> Vec<u8> {
    let mut parts = build::xlsx_parts(&[("S", rows)]);
    let (mut codes, mut styles) = (String::new(), String::new());
    for (id, format) in (200..).zip(formats) {
        let code = format
            .replace('&', "&amp;")
            .replace('"', "&quot;")
            .replace('<', "&lt;");
        write!(codes, "<numFmt numFmtId=\"{id}\" formatCode=\"{code}\"/>").unwrap();
        write!(styles, "<xf numFmtId=\"{id}\" applyNumberFormat=\"1\"/>").unwrap();
    }
    let (_, part) = parts
        .iter_mut()
        .find(|(name, _)| name == "xl/styles.xml")
        .unwrap();
    *part =
        format!("<styleSheet><numFmts>{codes}</numFmts><cellXfs>{styles}</cellXfs></styleSheet>");
    build::packed(&parts)
}

#[test]
fn a_text_shows_what_the_workbook_shows() {
    let formats = [
        "General",
        "0%",
        "\"RM\"#,##0.00",
        "000000",
        "d mmm yyyy",
        "[$-43E]d mmmm yyyy",
    ];
    let row = |i: usize, values: [&str; 4]| {
        let cell = |style: usize, value: &str| raw(&format!(" s=\"{style}\"><v>{value}</v></c>"));
        let [discount, price, code, due] = values;
        vec![
            phone(i).as_str().into(),
            cell(1, discount),
            cell(2, price),
            cell(3, code),
            cell(4, due),
            cell(5, due),
        ]
    };
    let header = ["Phone", "Discount", "Price", "Code", "Due", "Tarikh"]
        .map(Cell::from)
        .to_vec();
    let rows = [
        header,
        row(1, ["0.15", "19.805", "123", "46348"]),
        row(2, ["0.2", "42.415", "456789", "46327"]),
        row(3, ["0.075", "1049.155", "7", "46357"]),
    ];
    let program = Program::new();
    program.write("customers.xlsx", formatted(&formats, &rows));
    let gateway = Gateway::accepting();
    let message = "{{ discount }} off, {{ price }}, {{ code }}, {{ due }}. {{ price|money }} {{ due|date }} \
        {% if discount|float >= 0.1 %}Big{% else %}Small{% endif %}";
    let run = program.send(&gateway, &["customers.xlsx", "--message", message]);
    run.exits(0).says(&["Tarikh", "format is not supported"]);
    let expected = [
        "15% off, RM19.81, 000123, 22 Nov 2026. 19.81 22/11/2026 Big",
        "20% off, RM42.42, 456789, 1 Nov 2026. 42.42 01/11/2026 Big",
        "8% off, RM1,049.16, 000007, 1 Dec 2026. 1,049.16 01/12/2026 Small",
    ];
    assert_eq!(texts(&program, "customers.results.csv"), expected);
    let results = program.results("customers.results.csv");
    assert_eq!(
        (
            results[0]["Discount"].as_str(),
            results[0]["Price"].as_str()
        ),
        ("15%", "RM19.81")
    );
    verifies(&program, "customers.ledger");
}

#[test]
fn a_formula_without_a_result_makes_the_rows_invalid_that_use_it() {
    let header = ["Phone", "Full", "Town"].map(Cell::from).to_vec();
    let formula = || raw("><f>A2&amp;&quot; Rahim&quot;</f><v></v></c>");
    let rows = [
        header,
        vec![phone(1).as_str().into(), formula(), "Ipoh".into()],
        vec![phone(2).as_str().into(), "Boon".into(), "Klang".into()],
        vec![formula(), "Chong".into(), "Kuching".into()],
    ];
    let program = Program::new();
    program.write("a.xlsx", build::xlsx(&[("S", &rows)]));
    let gateway = Gateway::accepting();
    let message = "Hi {{ full|default('friend') }} of {{ town }}";
    program
        .send(
            &gateway,
            &["a.xlsx", "--message", message, "--max-invalid", "2"],
        )
        .exits(3);
    let texts = texts(&program, "a.results.csv");
    assert!(
        texts[0].contains("column \"Full\" holds a formula without a result"),
        "{texts:?}"
    );
    assert_eq!(texts[1], "Hi Boon of Klang");
    assert!(
        texts[2].contains("has no result; open the workbook"),
        "{texts:?}"
    );
}

/// A list in which rows 2 and 4 are hidden, and a blank one.
fn filtered(hidden: &[usize]) -> Vec<u8> {
    let rows: Vec<String> = (1..=5)
        .map(|i| {
            let state = if hidden.contains(&i) { " hidden=\"1\"" } else { "" };
            let number = phone(i);
            format!("<row{state}><c t=\"inlineStr\"><is><t>{number}</t></is></c><c t=\"inlineStr\"><is><t>x</t></is></c></row>")
        })
        .collect();
    let header = vec![Cell::from("Phone"), Cell::from("Name")];
    let mut parts = build::xlsx_parts(&[("S", &[header])]);
    let (_, part) = parts
        .iter_mut()
        .find(|(name, _)| name == "xl/worksheets/sheet1.xml")
        .unwrap();
    *part = part.replace(
        "</sheetData>",
        &format!("{}<row hidden=\"1\"/></sheetData>", rows.concat()),
    );
    build::packed(&parts)
}

#[test]
fn hidden_rows_are_sent_or_skipped_as_told_and_never_in_silence() {
    let gateway = Gateway::accepting();
    let message = ["--message", "KedaiKu: we are open"];
    let program = Program::new();
    program.write("a.xlsx", filtered(&[2, 4]));
    let run = program.send(&gateway, &["a.xlsx", message[0], message[1]]);
    run.exits(1).says(&[
        "2 rows are hidden or filtered out",
        "row 2 (sheet row 3), row 4 (sheet row 5)",
        "--hidden skip",
        "--hidden send",
    ]);
    assert!(gateway.numbers_taken().is_empty());

    let skip = ["a.xlsx", message[0], message[1], "--hidden", "skip"];
    let run = program.send(&gateway, &skip);
    run.exits(0).says(&["2 rows", "skipped"]);
    assert_eq!(gateway.numbers_taken(), [1, 3, 5].map(common::msisdn));
    let results = program.results("a.results.csv");
    for row in [&results[1], &results[3]] {
        assert_eq!(row["sms_status"], "suppressed");
        assert_eq!(row["sms_detail"], "the spreadsheet hides the row");
        assert_eq!(
            (row["sms_to"].as_str(), row["sms_message"].as_str()),
            ("", "")
        );
    }
    verifies(&program, "a.ledger");
    // The same filter resumes; another one is another spreadsheet.
    program.send(&gateway, &skip).exits(0);
    program.write("a.xlsx", filtered(&[2]));
    program.send(&gateway, &skip).exits(1).says(&["changed"]);
    assert_eq!(gateway.numbers_taken().len(), 3);

    let program = Program::new();
    program.write("a.xlsx", filtered(&[2, 4]));
    let gateway = Gateway::accepting();
    program
        .send(
            &gateway,
            &["a.xlsx", message[0], message[1], "--hidden", "send"],
        )
        .exits(0);
    assert_eq!(gateway.numbers_taken().len(), 5);
}

#[test]
fn a_suppression_list_is_read_whole_and_by_its_values() {
    let program = Program::new();
    program.write("stop.xlsx", filtered(&[1, 2]));
    let numbers = [
        vec![Cell::from("Phone")],
        vec![raw(" s=\"1\"><v>60123456789</v></c>")],
    ];
    program.write("formatted.xlsx", formatted(&["General", "#,##0"], &numbers));
    let csv = format!(
        "Phone\n{}\n{}\n0123456789\n{}\n",
        phone(1),
        phone(2),
        phone(9)
    );
    program.write("a.csv", csv);
    let gateway = Gateway::accepting();
    let lists = ["--suppress", "stop.xlsx", "--suppress", "formatted.xlsx"];
    let mut arguments = vec!["a.csv", "--message", "KedaiKu: we are open"];
    arguments.extend(lists);
    program.send(&gateway, &arguments).exits(0);
    assert_eq!(gateway.numbers_taken(), [common::msisdn(9)]);
}

// --- Errors: the results say beside each row what is wrong with it --------------------------------------------

/// Plans these rows under `No. Tel,Name,Due` and gives the detail of each.
fn details(rows: &[&str], message: &str) -> Vec<String> {
    let csv = format!("No. Tel,Name,Due\n{}\n", rows.join("\n"));
    let program = Program::with(&[("customers.csv", &csv)]);
    let run = program.run(&[
        "plan",
        "customers.csv",
        "--message",
        message,
        "--max-invalid",
        "100%",
    ]);
    run.exits(0);
    let results = program.run(&["results", "customers.ledger", "--status", "invalid,pending"]);
    results.exits(0);
    rows_of(&results.stdout)
        .into_iter()
        .map(|row| row["sms_detail"].clone())
        .collect()
}

#[test]
fn a_number_that_cannot_be_read_says_why() {
    let table = [
        ("", "column \"No. Tel\": the number is missing"),
        (
            "0712",
            "column \"No. Tel\": \"0712\" is too short for a phone number",
        ),
        (
            "012-345 67890123",
            "column \"No. Tel\": \"012-345 67890123\" is too long for a phone number",
        ),
        (
            "36828",
            "column \"No. Tel\": \"36828\" is a short code, not a phone number",
        ),
        (
            "03-5510 1234",
            "column \"No. Tel\": \"03-5510 1234\" is a landline (MY), which cannot get an SMS",
        ),
        (
            "1-300-88-1234",
            "column \"No. Tel\": \"1-300-88-1234\" is a toll-free number (MY), which cannot get an SMS",
        ),
        (
            "012-345 6789/019-876 5432",
            "column \"No. Tel\": \"012-345 6789/019-876 5432\" looks like two numbers or more; leave one",
        ),
        (
            "012-345 6789 ext 3",
            "column \"No. Tel\": \"012-345 6789 ext 3\" has an extension, which cannot get an SMS",
        ),
        (
            "WhatsApp: 012-345 6789",
            "column \"No. Tel\": \"WhatsApp: 012-345 6789\" has letters in it; leave only the number",
        ),
        (
            "6.01E+10",
            "column \"No. Tel\": \"6.01E+10\" was rounded by the spreadsheet, its last digits are gone; there, format the column as a number with 0 decimals, make it wider and export it again",
        ),
        (
            "+999 123 456 789",
            "column \"No. Tel\": \"+999 123 456 789\" does not begin with the code of a country",
        ),
        (
            "012-000 000%",
            "column \"No. Tel\": \"012-000 000%\" has the character % in it; leave only the number",
        ),
    ];
    let rows: Vec<String> = table
        .iter()
        .map(|(cell, _)| format!("{cell},Ali,Monday"))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    for (detail, (cell, sentence)) in details(&rows, "Hi {{ name }}").iter().zip(table) {
        assert_eq!(detail, sentence, "{cell}");
    }
}

#[test]
fn a_row_or_a_text_that_cannot_be_sent_says_why() {
    let long = "x".repeat(700);
    let ragged = format!("{},Ali", phone(2));
    let wide = format!("{},Ali,Monday,12,50", phone(3));
    let table = [
        (
            format!("{},,Monday", phone(1)),
            "column \"Name\" is blank and the template gives no default",
        ),
        (
            ragged,
            "the row has 2 cells and the header 3; complete it; column \"Due\" is blank and the template gives no default",
        ),
        (
            wide,
            "the row has 5 cells and the header 3; put a cell that holds the delimiter in quotes (beyond the header: \"12\", \"50\")",
        ),
        (
            format!("{},\"Ali\" bin Abu,Monday", phone(4)),
            "text follows a closing quote; write a quote inside a quoted cell twice",
        ),
        (
            format!("{},{long},Monday", phone(5)),
            "the text counts 710 characters, 10 too many: 700 is the most",
        ),
        (
            "0712,,Monday".to_owned(),
            "column \"No. Tel\": \"0712\" is too short for a phone number; column \"Name\" is blank and the template gives no default",
        ),
    ];
    let rows: Vec<&str> = table.iter().map(|(row, _)| row.as_str()).collect();
    let details = details(&rows, "Hi {{ name }} {{ due }}");
    assert_eq!(details.len(), table.len());
    for (detail, (row, sentence)) in details.iter().zip(&table) {
        assert_eq!(detail, sentence, "{row}");
    }
}

#[test]
fn the_rows_to_correct_come_back_in_the_users_own_columns() {
    let csv = format!(
        "No. Tel;Name\n{};Ali\n0712;\"Bala; sdn\"\n\n03-5510 1234;Chong\n",
        phone(1)
    );
    let program = Program::with(&[("customers.csv", &csv)]);
    let text = ["--message", "KedaiKu: we are open", "--max-invalid", "100%"];
    program
        .run(&["plan", "customers.csv", text[0], text[1], text[2], text[3]])
        .exits(0);
    let invalid = program.run(&["results", "customers.ledger", "--status", "invalid"]);
    invalid.exits(0);
    let mut lines = invalid.stdout.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("No. Tel;Name;sms_row;sms_to;")
    );
    assert!(
        lines.next().unwrap().starts_with(
            "0712;\"Bala; sdn\";2;;invalid;;;\"column \"\"No. Tel\"\": \"\"0712\"\" is too short for a phone number\";"
        ),
        "{}",
        invalid.stdout
    );
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("03-5510 1234;Chong;3;;invalid;")
    );
    assert_eq!(lines.next(), None);

    // Corrected in place, the same file is a campaign of its own.
    let corrected = invalid
        .stdout
        .replace("0712", &phone(2))
        .replace("03-5510 1234", &phone(3));
    program.write("again.csv", corrected);
    let gateway = Gateway::accepting();
    program
        .send(&gateway, &["again.csv", text[0], text[1]])
        .exits(0);
    assert_eq!(gateway.numbers_taken().len(), 2);
    verifies(&program, "again.ledger");
}

#[test]
fn a_cell_that_would_leave_a_gap_in_a_text_makes_the_row_invalid() {
    for cell in [
        "\u{2}", "\u{3164}", "\u{2800}", "\u{2063}", "\u{202d}", "\u{fe0f}", "\u{a0}", "",
    ] {
        let rows = details(&[&format!("{},{cell},x", phone(1))], "Hello {{ name }},");
        assert_eq!(
            rows,
            ["column \"Name\" is blank and the template gives no default"],
            "{cell:?}"
        );
    }
    for error in ["#N/A", "#SPILL!", "#REF!", "##", "#####"] {
        let csv = format!("phone,message\n{},{error}\n", phone(1));
        let program = Program::with(&[("customers.csv", &csv)]);
        let gateway = Gateway::accepting();
        program
            .send(&gateway, &["customers.csv", "--max-invalid", "1"])
            .exits(3);
        assert_eq!(gateway.count(), 0);
        let detail = &program.results("customers.results.csv")[0]["sms_detail"];
        let sentence = format!(
            "column \"message\" holds the spreadsheet error {error}; correct it and export again"
        );
        assert_eq!(detail.trim_start_matches('\''), sentence);
    }
}

#[test]
fn an_endless_template_is_refused_and_does_not_overflow_the_stack() {
    let endless = [
        format!("{{{{ name{} }}}}", "|upper".repeat(5_000)),
        format!("{{{{ name{} }}}}", " ~ name".repeat(5_000)),
        format!(
            "{{% if name %}}a{}{{% endif %}}",
            "{% elif name %}b".repeat(5_000)
        ),
    ];
    for message in endless {
        let csv = format!(
            "phone,name,message\n{},Ali,\"{message}\"\n{},Ali,ok\n",
            phone(1),
            phone(2)
        );
        let program = Program::with(&[("customers.csv", &csv)]);
        program
            .run(&["plan", "customers.csv", "--max-invalid", "1"])
            .exits(0);
        program.run(&["results", "customers.ledger"]).exits(0);
        let rows = program.results("customers.results.csv");
        assert!(
            rows[0]["sms_detail"].contains("too long to be a message"),
            "{:?}",
            rows[0]["sms_detail"]
        );
        assert_eq!(rows[1]["sms_status"], "pending");
    }
}

#[test]
fn a_column_whose_header_is_a_sign_can_be_used() {
    let csv = format!("phone,%,#\n{},10,7\n", phone(1));
    let program = Program::with(&[("customers.csv", &csv)]);
    let gateway = Gateway::accepting();
    let text = "KedaiKu: {{ row[\"%\"] }} per cent, number {{ row['#'] }}";
    program
        .send(&gateway, &["customers.csv", "--message", text])
        .exits(0);
    assert_eq!(gateway.requests()[0].text, "KedaiKu: 10 per cent, number 7");
}

#[test]
fn a_sandbox_plan_from_which_nothing_was_sent_is_planned_again() {
    let program = Program::with(&[("customers.csv", &format!("phone\n{}\n", phone(1)))]);
    program
        .run(&["plan", "customers.csv", "--message", "KedaiKu: one"])
        .exits(0);
    program
        .run(&["send", "customers.ledger", "--sandbox"])
        .exits(1)
        .says(&["--yes"]);
    let sandbox = [
        "send",
        "customers.csv",
        "--message",
        "KedaiKu: two",
        "--sandbox",
        "--yes",
    ];
    program.run(&sandbox).exits(0);
}

#[test]
fn a_row_whose_cells_could_not_be_trusted_stays_invalid_in_its_results() {
    let csv = format!(
        "phone,name,amount\n{},Tan,Ah Kow,99.90\n{},Siti\n{},\"Y\"z,5\n0712,Ali,6\n",
        phone(1),
        phone(2),
        phone(3)
    );
    let program = Program::with(&[("first.csv", &csv)]);
    let plan = |name: &str| {
        let message = "KedaiKu: hi {{ name }}";
        program
            .run(&[
                "plan",
                &format!("{name}.csv"),
                "--message",
                message,
                "--max-invalid",
                "100%",
            ])
            .exits(0);
        let ledger = format!("{name}.ledger");
        program.run(&["results", &ledger, "--status", "invalid"])
    };
    let details = |results: &str| -> Vec<String> {
        rows_of(results)
            .into_iter()
            .map(|row| row["sms_detail"].clone())
            .collect()
    };
    let first = plan("first");
    let first_details = details(&first.stdout);
    assert_eq!(first_details.len(), 4);
    assert!(
        first_details[0].contains("\"99.90\""),
        "{}",
        first_details[0]
    );

    // Planned unchanged twice: the number that is too short is an error of its own.
    program.write("second.csv", first.stdout);
    let second = plan("second");
    let again: Vec<String> = first_details[..3]
        .iter()
        .map(|detail| {
            format!("was invalid before ({detail}); correct the cells and clear sms_status")
        })
        .chain([first_details[3].clone()])
        .collect();
    assert_eq!(details(&second.stdout), again);
    program.write("third.csv", second.stdout.clone());
    assert_eq!(details(&plan("third").stdout), again);

    let cleared = second.stdout.replace(",invalid,", ",,");
    program.write("fourth.csv", cleared);
    assert_eq!(details(&plan("fourth").stdout), first_details[3..]);
}

// --- The overview: what the texts cost, and what looks wrong ----------------------------------------------------

/// What `plan` shows of this spreadsheet.
fn overview(csv: &str, arguments: &[&str]) -> String {
    let program = Program::with(&[("customers.csv", csv)]);
    let mut all = vec!["plan", "customers.csv"];
    all.extend(arguments);
    let run = program.run(&all);
    run.exits(0);
    run.stdout
}

#[test]
fn the_overview_names_what_forces_unicode_and_what_it_costs() {
    let mut csv = String::from("phone,name\n");
    for i in 0..20 {
        let name = ["Ali", "Renée", "陈小明同学", "O’Brien"][i % 4];
        writeln!(csv, "{},{name}", phone(i)).unwrap();
    }
    let text = format!("KedaiKu: Hi {{{{ name }}}}, {}", "see you ".repeat(8));
    let shown = overview(&csv, &["--message", &text]);
    for line in [
        "Credits       30, 10 messages in Unicode at 63 characters a credit\n",
        "  Unicode     another script, or many symbols, in 5 texts: 5 credits more\n",
        "  Unicode     é in 5 texts: 5 credits more\n",
        "  Punctuation 5 characters made plain to save messages from Unicode (--punctuation keep leaves them)\n",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    let shown = overview(&csv, &["--message", &text, "--punctuation", "keep"]);
    assert!(
        shown.contains("  Unicode     ’ in 5 texts: 5 credits more\n"),
        "{shown}"
    );
}

#[test]
fn the_overview_names_the_column_that_makes_some_rows_expensive() {
    let mut csv = String::from("phone,Town,Name\n");
    for i in 0..30 {
        let name = if i % 10 == 3 {
            "Muhammad Hafizuddin"
        } else {
            "Ali"
        };
        writeln!(csv, "{},Ipoh,{name}", phone(i)).unwrap();
    }
    let text = format!("{{{{ name }}}} {{{{ town }}}} {}", "x".repeat(130));
    let shown = overview(&csv, &["--message", &text]);
    let line = "  Long        3 rows need 2 credits instead of 1 because of Name; 2 characters fewer in each saves 3 credits\n";
    assert!(shown.contains(line), "{shown}");
}

#[test]
fn the_overview_points_out_a_number_that_many_people_share() {
    let mut csv = String::from("phone,name\n");
    for i in 0..15 {
        writeln!(csv, "60120000000,Customer {i}").unwrap();
    }
    let shown = overview(&csv, &["--message", "Hi {{ name }}"]);
    let line = "Same number   60120000000 is in 15 rows, first in row 1 (line 2); if these are different people, the spreadsheet has rounded their numbers\n";
    assert!(shown.contains(line), "{shown}");
}

#[test]
fn the_overview_warns_of_what_networks_block() {
    let mut csv = String::from("phone,note\n");
    for i in 0..8 {
        let note = ["at RM1,234.50 until 8.30pm", "see kedaiku.com/promo"][usize::from(i > 1)];
        writeln!(csv, "{},\"{note}\"", phone(i)).unwrap();
    }
    let arguments = ["--message", "KedaiKu: {{ note }}", "--sender-id", "KedaiKu"];
    let shown = overview(&csv, &arguments);
    for line in [
        "Content       6: a link: Malaysian networks block the message, and its credits are charged, unless it is whitelisted\n",
        "                \"kedaiku.com/promo\" in rows 3 (line 4), 4 (line 5), 5 (line 6), 6 (line 7), 7 (line 8), ..., note\n                  | KedaiKu: see kedaiku.com/promo\n",
        "Content       8: a sender ID for a Malaysian number: ",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    let off = overview(&csv, &[&arguments[..], &["--lint", "off"]].concat());
    assert!(!off.contains("Content"), "{off}");
}

#[test]
fn the_summary_carries_the_facts_of_the_overview() {
    let csv = format!("phone;name\n{};Renée\n0712;Ali\n", phone(1));
    let program = Program::with(&[("customers.csv", &csv)]);
    let arguments = [
        "plan",
        "customers.csv",
        "--message",
        "Hi {{ name }}, www.kedaiku.com",
        "--max-invalid",
        "1",
    ];
    let run = program.run(&[&arguments[..], &["--summary-json", "-"]].concat());
    run.exits(0);
    let summary: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let plan = &summary["plan"];
    assert_eq!(plan["read_as"]["format"], "text");
    assert_eq!(plan["read_as"]["delimiter"], ";");
    assert_eq!(
        plan["invalid"][0]["what"],
        "the number is too short for a phone number"
    );
    assert_eq!(plan["invalid"][0]["first_rows"][0], 2);
    assert_eq!(plan["unicode_because"][0]["characters"], "é");
    assert_eq!(plan["remarks"][0]["rule"], "link");
    assert_eq!(plan["remarks"][0]["example"], "www.kedaiku.com");
    assert_eq!(plan["first"]["text"], "Hi Renée, www.kedaiku.com");
    assert_eq!(summary["credits"], 1);
}
