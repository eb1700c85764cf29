//! Cells and files as spreadsheets, databases and address books write them: what a person saw in a cell is what the text says, or
//! the row, or the file, is refused with a sentence that helps.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use build::Cell;
use common::Program;
use common::program::rows_of;

#[path = "../src/source/workbook/build.rs"]
#[allow(dead_code)]
mod build;

/// The texts of a planned file; of a row that is not sent, its reason in brackets.
fn texts(file: impl AsRef<[u8]>, message: &str) -> Vec<String> {
    let program = Program::new();
    program.write("list.csv", file);
    outcomes_of(&program, "list.csv", message)
}

fn outcomes_of(program: &Program, file: &str, message: &str) -> Vec<String> {
    let plan = ["plan", file, "--message", message, "--max-invalid", "100%"];
    program.run(&plan).exits(0);
    outcomes(program, "list.ledger")
}

fn outcomes(program: &Program, ledger: &str) -> Vec<String> {
    let statuses = "pending,invalid,duplicate";
    let results = program.run(&["results", ledger, "--status", statuses]);
    results.exits(0);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(if results.stdout.contains(";sms_row;") {
            b';'
        } else {
            b','
        })
        .from_reader(results.stdout.trim_start_matches('\u{feff}').as_bytes());
    let column = |name: &str, headers: &csv::StringRecord| {
        headers.iter().position(|header| header == name).unwrap()
    };
    let headers = reader.headers().unwrap().clone();
    let [status, message, detail] =
        ["sms_status", "sms_message", "sms_detail"].map(|name| column(name, &headers));
    let outcome = |row: csv::StringRecord| match &row[status] {
        // A text that a spreadsheet would take for a formula has an apostrophe in front in the results.
        "pending" => match row[message].strip_prefix('\'') {
            Some(text) if text.starts_with(['=', '+', '-', '@']) => text.to_owned(),
            _ => row[message].to_owned(),
        },
        status => format!("[{status}: {}]", &row[detail]),
    };
    reader.records().map(|row| outcome(row.unwrap())).collect()
}

/// What the program says of a file that it refuses, without the file's name.
fn refusal(name: &str, file: impl AsRef<[u8]>, message: &str) -> String {
    let program = Program::new();
    program.write(name, file);
    // Cells stay out of a log, but for -v.
    let run = program.run(&["plan", name, "--message", message, "-v"]);
    run.exits(1);
    let (_, said) = run
        .stderr
        .split_once(&format!("{name}: "))
        .expect(&run.stderr);
    said.trim_end().to_owned()
}

#[test]
fn wrapped_cells_are_unwrapped_in_texts_as_in_numbers() {
    assert_eq!(
        texts(
            "Name,Phone,Order\n=\"Siti\",=\"0127001111\",=\"00123\"\nBoon,'0127002222,'00456\nRavi,0127003333,00789\n",
            "Hi {{ name }}, order {{ order }}"
        ),
        [
            "Hi Siti, order 00123",
            "Hi Boon, order 00456",
            "Hi Ravi, order 00789"
        ]
    );
    // Each cell under Name, as written in a file with commas, and the text that it gives.
    for (cell, text) in [
        ("\"=\"\"Tan, Ah Kow\"\"\"", "Tan, Ah Kow"),
        ("'00456'", "00456"),
        ("'+60 3", "+60 3"),
        ("'-12", "-12"),
        ("'@aina", "@aina"),
        ("\u{1f}Siti", "Siti"),
        ("\u{1f}=\"Siti\"\u{1f}", "Siti"),
        ("'Aisyah", "'Aisyah"),
        ("D'Cruz'", "D'Cruz'"),
        ("\"\"\"Boy\"\"\"", "\"Boy\""),
        ("\u{a0}Siti \u{3000}", "Siti"),
        ("\u{feff}Siti\u{200b}", "Siti"),
        ("\"\tSiti\r\n\"", "Siti"),
        (
            "=\"\"",
            "[invalid: column \"Name\" is blank and the template gives no default]",
        ),
        (
            "=A2",
            "[invalid: column \"Name\" holds a formula instead of its result; export the values, not the formulas]",
        ),
        (
            "'2 for 1' deal",
            "[invalid: column \"Name\" holds an apostrophe at its start that may be a quote or only mark the cell as text; delete it, or write “ and ”]",
        ),
    ] {
        let file = format!("Name,Phone\n{cell},0127001111\n");
        assert_eq!(texts(file, "{{ name }}"), [text], "{cell:?}");
    }
}

#[test]
fn a_file_quoted_otherwise_is_read_or_refused_with_its_row() {
    for (file, expected) in [
        (
            "'Name','Phone'\n'Tan, Ah Kow','0127001111'\n'D''Cruz','0127002222'\n",
            &["Hi Tan, Ah Kow", "Hi D'Cruz"][..],
        ),
        (
            "Name;Phone\n'Aina';'0127001111'\n'Boon';'0127002222'\n",
            &["Hi Aina", "Hi Boon"],
        ),
        (
            "'Name','Phone'\n'D'Cruz','0127001111'\n",
            &["[invalid: text follows a closing quote; write a quote inside a quoted cell twice]"],
        ),
        (
            "Name,Phone\n'Aina','0127001111'\nBoon,0127002222\n",
            &[
                "[invalid: single quotes stand around all cells, in some rows only; delete them, or write them in all rows]",
                "Hi Boon",
            ],
        ),
        (
            "Phone, Name\n0127001111, \"Siti\"\n0127002222, \"Tan\"\n",
            &["Hi Siti", "Hi Tan"],
        ),
        (
            "Phone,Name\n0127001111, \"Tan, Ah Kow\"\n0127002222, Siti\n",
            &["Hi Tan, Ah Kow", "Hi Siti"],
        ),
        ("Phone ; Name\n\"0127001111\" ; \"Siti\"\n", &["Hi Siti"]),
        (
            "Phone,Name\n0127001111, \"Siti\"\n0127002222,Tan\n",
            &[
                "[invalid: a space stands before a quote, in some rows only; delete the space, or write it in all rows]",
                "Hi Tan",
            ],
        ),
        (
            "Phone,Name\n0127001111,\"Siti\"\n0127002222,  \"Tan\"\n",
            &[
                "Hi Siti",
                "[invalid: a space stands before a quote, in some rows only; delete the space, or write it in all rows]",
            ],
        ),
        ("Phone,Name\n0127001111,\" \"\"Boy\"\"\"\n", &["Hi \"Boy\""]),
    ] {
        assert_eq!(texts(file, "Hi {{ name }}"), expected, "{file}");
    }
}

#[test]
fn results_keep_the_cells_as_they_came_and_give_the_same_texts_again() {
    let file = "Name,Phone,Order\n=\"Siti\",=\"0127001111\",=\"00123\"\n Boon ,'0127002222,'00456\n'Ravi,0127003333,0.5\n";
    let program = Program::with(&[("list.csv", file)]);
    let message = "{{ name }}: {{ order }}";
    program
        .run(&["plan", "list.csv", "--message", message])
        .exits(0);
    let first = outcomes(&program, "list.ledger");
    let results = program.run(&["results", "list.ledger", "--status", "pending"]);
    let own: Vec<String> = rows_of(&results.stdout)
        .iter()
        .map(|row| format!("{}|{}", row["Name"], row["Order"]))
        .collect();
    assert_eq!(own, ["=\"Siti\"|=\"00123\"", " Boon |'00456", "'Ravi|0.5"]);
    // As a person would send them again.
    let again = results.stdout.replace(",pending,", ",refused,");
    program.write("again.csv", again);
    program
        .run(&["plan", "again.csv", "--message", message])
        .exits(0);
    assert_eq!(outcomes(&program, "again.ledger"), first);
}

#[test]
fn white_space_at_the_ends_does_not_make_another_person() {
    assert_eq!(
        texts(
            "Name,Phone\nAina,0127001111\nAina ,0127001111\n\" Aina\",0127001111\nAINA,0127001111\nAina\u{a0},0127001111\n",
            "Hi {{ name }}{% if name == \"Aina\" %}!{% endif %}"
        ),
        [
            "Hi Aina!",
            "[duplicate: row 1 (line 2) has the same number and text]",
            "[duplicate: row 1 (line 2) has the same number and text]",
            "Hi AINA",
            "[duplicate: row 1 (line 2) has the same number and text]",
        ]
    );
}

#[test]
fn control_characters_are_what_was_meant_by_them() {
    let text = "Sale\u{b}starts\ttoday, it\u{92}s on\u{85}Bye";
    let sent = "Sale\nstarts today, it's on\nBye";
    assert_eq!(
        texts(format!("Name,Phone\n\"{text}\",0127001111\n"), "{{ name }}"),
        [sent]
    );
    let program = Program::with(&[("list.csv", "Phone\n0127001111\n")]);
    let utf16: Vec<u8> = format!("\u{feff}{text}\r\n")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for bytes in [text.as_bytes().to_vec(), utf16] {
        program.write("may.txt", bytes);
        program
            .run(&["plan", "list.csv", "--message-file", "may.txt"])
            .exits(0);
        assert_eq!(outcomes(&program, "list.ledger"), [sent]);
    }
    for (bytes, what) in [
        (&b"{\\rtf1 Hi}"[..], "this is an RTF document, not a text"),
        (b"%PDF-1.7 Hi", "this is a PDF, not a text"),
    ] {
        program.write("may.txt", bytes);
        program
            .run(&["plan", "list.csv", "--message-file", "may.txt"])
            .exits(1)
            .says(&["may.txt", what, "plain text in UTF-8"]);
    }
    let word = build::packed(&[("word/document.xml".to_owned(), "<w/>".to_owned())]);
    program.write("may.docx", word);
    program
        .run(&["plan", "list.csv", "--message-file", "may.docx"])
        .exits(1)
        .says(&["may.docx: this is a Word document, not a text"]);
}

#[test]
fn a_rounded_number_makes_its_row_invalid_with_a_default_too() {
    let holds = |cell: &str| {
        format!(
            "[invalid: column \"Order\" holds {cell}, a number whose last digits the spreadsheet left out; format the column there as a number with 0 decimals, make it wider and export again]"
        )
    };
    let file =
        "Name,Phone,Order\nAina,0127001111,7.01235E+12\nBoon,0127002222,60E5\nRavi,0127003333,\n";
    assert_eq!(
        texts(file, "Order {{ order | default(\"none\") }}"),
        [
            holds("7.01235E+12"),
            "Order 60E5".to_owned(),
            "Order none".to_owned()
        ]
    );
    assert_eq!(
        texts(
            file,
            "{% if order %}Order {{ order }}{% else %}Hi{% endif %}"
        ),
        [
            holds("7.01235E+12"),
            "Order 60E5".to_owned(),
            "Hi".to_owned()
        ]
    );
    // A row that does not use it is sent.
    assert_eq!(
        texts(file, "Hi {{ name }}"),
        ["Hi Aina", "Hi Boon", "Hi Ravi"]
    );
}

#[test]
fn headers_that_stand_elsewhere_are_found() {
    let message = "Hi {{ name }}";
    for (file, sentence) in [
        (
            "Laporan Pelanggan November 2026,,\nDicetak: 20/11/2026,,\n,,\nName,Phone,City\nAina,0127001111,Ipoh\n",
            "the headers seem to stand in line 4, below \"Laporan Pelanggan November 2026\"; delete everything above them",
        ),
        (
            "Laporan Pelanggan\nName,Phone,City\nAina,0127001111,Ipoh\n",
            "the headers seem to stand in line 2, below \"Laporan Pelanggan\"; delete everything above them",
        ),
        (
            "Senarai\n\nNama;No. Tel\nAina;0127001111\n",
            "the headers seem to stand in line 3, below \"Senarai\"; delete everything above them",
        ),
        (
            "First Name,Phone 1 - Value,Fax\nAina,0127001111,\n",
            "there is no phone column among \"First Name\", \"Phone 1 - Value\", \"Fax\"; if it is \"Phone 1 - Value\", name it with --phone-column",
        ),
        (
            "order_id,billing_phone,shippingPhone\n1,0127001111,\n",
            "there is no phone column among \"order_id\", \"billing_phone\", \"shippingPhone\"; if it is \"billing_phone\" or \"shippingPhone\", name it with --phone-column",
        ),
        (
            "name^phone\nAina^0127001111\n",
            "the columns seem to be separated by \"^\"; name what separates them with --delimiter",
        ),
        (
            "name~phone\nAina~0127001111\n",
            "the columns seem to be separated by \"~\"; name what separates them with --delimiter",
        ),
        (
            "name\u{1}phone\nAina\u{1}0127001111\n",
            "the columns seem to be separated by \"\\u{1}\"; name what separates them with --delimiter",
        ),
        (
            "NAME      PHONE       CITY\nAINA      0127001111  IPOH\n",
            "the columns seem to be separated by spaces, as many as fill them up; open it in the spreadsheet program (\"Text to Columns\") and save it as \"CSV UTF-8\"",
        ),
        (
            "Name (first)\nAina\n",
            "there is no phone column among \"Name (first)\"; delete the lines above the headers, or name it with --phone-column",
        ),
        (
            "First Name,Label,Value\nAina,Mobile,0127001111\n",
            "there is no phone column among \"First Name\", \"Label\", \"Value\"; delete the lines above the headers, or name it with --phone-column",
        ),
        (
            "\"Name,Phone,City\"\n\"Aina,0127001111,Ipoh\"\n\"Boon,0127002222,\"\"Lot 2, Klang\"\"\"\n",
            "every line is one quoted cell, so that its columns are not separated; export it again; or, in a text editor, delete the quote at both ends of each line and write \"\" as \" elsewhere",
        ),
        (
            "Name,Phone,City\nAina,0127001111,Ipoh\nBo\0on,0127002222,Klang\n",
            "line 3 holds a NUL byte, which no text has; the file is damaged or in another format; save it as \"CSV UTF-8\" in the spreadsheet program",
        ),
    ] {
        assert_eq!(refusal("list.csv", file, message), sentence, "{file}");
    }
}

#[test]
fn of_a_workbook_the_other_sheets_are_named_with_their_rows() {
    let row =
        |cells: &[&str]| -> Vec<Cell> { cells.iter().map(|cell| Cell::from(*cell)).collect() };
    let data = [
        row(&["Name", "Phone"]),
        row(&["Aina", "0127001111"]),
        row(&["Boon", "0127002222"]),
    ];
    let cover = [row(&["Kempen Raya"])];
    let one_cell = [row(&["Name,Phone"]), row(&["Aina,0127001111"])];
    let title = [&cover[..], &data[..]].concat();
    let towns = [row(&["Town"]), row(&["Ipoh"])];
    let numbers = [&[row(&["Table 1"])][..], &data[..]].concat();
    for (sheets, sentence) in [
        (
            vec![
                ("Cover", &cover[..]),
                ("Data", &data[..]),
                ("Towns", &towns[..]),
            ],
            "there is no phone column among \"Kempen Raya\"; name another of its sheets, \"Data\" (2 rows), \"Towns\" (1 row), with --sheet",
        ),
        (
            vec![("Cover", &[][..]), ("Data", &data[..])],
            "the sheet \"Cover\" is empty; name another of its sheets, \"Data\" (2 rows), with --sheet",
        ),
        (
            vec![("People", &cover[..]), ("Towns", &towns[..])],
            "the sheet \"People\" (beside \"Towns\" (1 row)): there is no phone column among \"Kempen Raya\"; delete the lines above the headers, or name it with --phone-column",
        ),
        (
            vec![
                ("Export Summary", &cover[..]),
                ("Sheet 1 - Table 1", &numbers[..]),
            ],
            "there is no phone column among \"Kempen Raya\"; name another of its sheets, \"Sheet 1 - Table 1\" (3 rows), with --sheet",
        ),
        (
            vec![("People", &title[..]), ("Data", &data[..])],
            "the headers seem to stand in row 2, below \"Kempen Raya\"; delete everything above them",
        ),
        (
            vec![("People", &one_cell[..])],
            "all headers stand in one cell, so that the columns are not separated; separate them in the spreadsheet program (\"Text to Columns\"), or export the file again",
        ),
    ] {
        for (name, made) in [
            ("a.xlsx", build::xlsx(&sheets)),
            ("a.ods", build::ods(&sheets)),
        ] {
            assert_eq!(refusal(name, made, "Hi {{ name }}"), sentence);
        }
    }
    let stray = [
        data[0].clone(),
        [data[1].clone(), row(&["", "note"])].concat(),
        data[2].clone(),
    ];
    assert_eq!(
        texts(build::xlsx(&[("A", &stray)]), "Hi {{ name }}"),
        [
            "[invalid: a cell stands to the right of the table, in column D; delete it (beyond the header: \"note\")]",
            "Hi Boon"
        ]
    );
}

#[test]
fn files_of_other_formats_are_named_with_the_way_out() {
    for (name, file, words) in [
        (
            "a.xls",
            &b"<?xml version=\"1.0\"?><?mso-application progid=\"Excel.Sheet\"?><Workbook>"[..],
            "an XML spreadsheet of 2003",
        ),
        (
            "a.slk",
            b"ID;PWXL;N;E\nP;PGeneral\nC;Y1;X1;K\"Name\"\n",
            "a SYLK file",
        ),
        (
            "a.xls",
            b"MIME-Version: 1.0\nContent-Type: multipart/related\n",
            "MHTML",
        ),
        ("a.csv", b"{\\rtf1\\ansi Name}", "an RTF document"),
        (
            "a.vcf",
            b"BEGIN:VCARD\nVERSION:3.0\nTEL:0127001111\nEND:VCARD\n",
            "an address book of vCards",
        ),
        (
            "a.json",
            b"[{\"name\": \"Aina\", \"phone\": \"0127001111\"}]",
            "JSON",
        ),
    ] {
        let said = refusal(name, file, "Hi");
        assert!(
            said.starts_with("this is ") && said.contains(words),
            "{said}"
        );
        assert!(said.contains("; "), "no way out: {said}");
    }
    for (name, inside, words) in [
        (
            "a.numbers",
            "Index/Document.iwa",
            "a document of Apple Numbers, Pages or Keynote",
        ),
        ("a.zip", "customers.csv", "a ZIP file of text files"),
    ] {
        let said = refusal(
            name,
            build::packed(&[(inside.to_owned(), "x".to_owned())]),
            "Hi",
        );
        assert!(said.contains(words), "{said}");
    }
}

// --- Dates and amounts that could be read in two ways -------------------------------------------------------------

const DUE: &str = "Due {{ due|date('%-d %b %Y') }}";

/// A column as an American office writes it.
const US: &[&str] = &[
    "11/22/2026",
    "11/05/2026",
    "12/25/2026",
    "01/02/2027",
    "03/04/2027",
    "05/06/2027",
    "07/08/2027",
];

/// A list with these cells under `Due`, one for each number.
fn due(cells: &[&str]) -> String {
    let row = |(i, cell): (usize, &&str)| format!("{},\"{cell}\"\n", common::phone(i));
    let rows: String = cells.iter().enumerate().map(row).collect();
    format!("Phone,Due\n{rows}")
}

/// What a plan says of a list, and its texts.
fn planned(program: &Program, arguments: &[&str]) -> (String, Vec<String>) {
    let plan = [
        &["plan"],
        arguments,
        &["--ledger", "a.ledger", "--max-invalid", "100%"],
    ]
    .concat();
    let run = program.run(&plan);
    run.exits(0);
    (run.stdout.clone(), outcomes(program, "a.ledger"))
}

#[test]
fn a_column_of_dates_is_read_in_one_order_or_not_at_all() {
    let us = due(US);
    let program = Program::with(&[("us.csv", &us)]);
    let (said, texts) = planned(&program, &["us.csv", "--message", DUE]);
    let month_first = [
        "Due 22 Nov 2026",
        "Due 5 Nov 2026",
        "Due 25 Dec 2026",
        "Due 2 Jan 2027",
        "Due 4 Mar 2027",
        "Due 6 May 2027",
        "Due 8 Jul 2027",
    ];
    assert_eq!(texts, month_first);
    assert!(
        said.contains("\"Due\" is read with the month first"),
        "{said}"
    );
    assert!(
        said.contains("\"11/05/2026\" in row 2 (line 3) is 5 November 2026"),
        "{said}"
    );

    for (cells, line, expected) in [
        (
            &["22/11/2026", "11/05/2026", "1.2.2027"][..],
            None,
            ["22 Nov 2026", "11 May 2026", "1 Feb 2027"],
        ),
        (
            &["11/05/2026", "12-13-2026 14:30", "01.02.2027"],
            Some("month first, as some"),
            ["5 Nov 2026", "13 Dec 2026", "2 Jan 2027"],
        ),
        (
            &["05/05/2026", "11/05/2026", "01/02/2027"],
            Some("\"11/05/2026\" in row 2 (line 3) is 11 May 2026"),
            ["5 May 2026", "11 May 2026", "1 Feb 2027"],
        ),
        (
            &["2026-11-05", "5-Nov-26", "5 Nov 26"],
            None,
            ["5 Nov 2026"; 3],
        ),
        (
            &["Nov 5, 2026", "46331", "=\"\"05/11/2026\"\""],
            Some("is 5 November 2026"),
            ["5 Nov 2026"; 3],
        ),
    ] {
        let program = Program::with(&[("a.csv", &due(cells))]);
        let (said, texts) = planned(&program, &["a.csv", "--message", DUE]);
        assert_eq!(texts, expected.map(|day| format!("Due {day}")), "{cells:?}");
        match line {
            Some(line) => assert!(said.contains(line), "{said}"),
            None => assert!(!said.contains("Dates  "), "{said}"),
        }
    }
    assert_eq!(
        refusal(
            "a.csv",
            due(&["11/05/2026", "22/11/2026", "", "11.22.2026"]),
            DUE
        ),
        "column \"Due\": row 2 (line 3) holds \"22/11/2026\", which can only have the day first, and row 4 (line 5) holds \"11.22.2026\", \
         which can only have the month first; write all its dates in one way, or say how they are read with --date-order dmy \
         (day first) or mdy (month first)"
    );
}

#[test]
fn an_order_of_dates_can_be_asked_for_and_belongs_to_the_plan() {
    let list = due(&[
        "11/05/2026",
        "22/11/2026",
        "01/02/2027",
        "05/05/2027",
        "06/06/2027",
    ]);
    let program = Program::with(&[("a.csv", &list)]);
    let mdy = ["a.csv", "--message", DUE, "--date-order", "mdy"];
    let (said, texts) = planned(&program, &mdy);
    assert!(!said.contains("Dates  "), "{said}");
    assert_eq!(texts[0], "Due 5 Nov 2026");
    assert!(
        texts[1].contains(
            "has no month 22: dates are read with the month first; write it as 2026-11-22"
        ),
        "{texts:?}"
    );
    // It holds for what is no column by itself, too.
    let part = "Due {{ due[:10]|date('%-d %b %Y') }}";
    let (_, texts) = planned(
        &program,
        &["a.csv", "--message", part, "--date-order", "dmy"],
    );
    assert_eq!(texts[2], "Due 1 Feb 2027");
    let (_, texts) = planned(&program, &["a.csv", "--message", part]);
    assert!(
        texts[2].contains("could be 1 February 2027 or 2 January 2027; write it as 2027-02-01"),
        "{texts:?}"
    );

    let gateway = common::Gateway::accepting();
    program.send(&gateway, &mdy).exits(3);
    program.send(&gateway, &mdy).exits(3);
    for (other, now) in [
        (&mdy[..3], "not given"),
        (&["a.csv", "--message", DUE, "--date-order", "dmy"], "dmy"),
    ] {
        let run = program.send(&gateway, other);
        run.exits(1)
            .says(&[&format!("--date-order was mdy and is now {now}")]);
    }
    assert_eq!(gateway.numbers_taken().len(), 4);
    common::verifies(&program, "a.ledger");
}

#[test]
fn an_input_that_can_be_read_once_is_kept_for_the_second_time() {
    let us = due(US);
    let program = Program::new();
    let plan = ["plan", "-", "--ledger", "a.ledger", "--message", DUE];
    program.command(&plan).stdin(us).run().exits(0);
    assert_eq!(outcomes(&program, "a.ledger")[1], "Due 5 Nov 2026");
    let damaged = program
        .command(&plan)
        .stdin(due(US) + "0123456789,\0\n")
        .run();
    damaged
        .exits(1)
        .says(&["isms-campaign: standard input: line 9 holds a NUL byte"]);
    let contradicting = due(&["22/11/2026", "11/22/2026"]);
    let run = program.command(&plan).stdin(contradicting).run();
    run.exits(1)
        .says(&["standard input: column \"Due\": row 1 (line 2)"]);
    let workbook = build::xlsx(&[(
        "S",
        &[
            vec![Cell::from("Phone"), Cell::from("Due")],
            vec![common::phone(1).as_str().into(), "11/22/2026".into()],
        ],
    )]);
    program.command(&plan).stdin(workbook).run().exits(0);
    assert_eq!(outcomes(&program, "a.ledger"), ["Due 22 Nov 2026"]);
    let files = program.files();
    assert!(
        files.iter().all(|file| file.starts_with("a.ledger")),
        "{files:?}"
    );
}

#[test]
fn hidden_rows_and_rows_that_do_not_fit_do_not_say_how_dates_are_read() {
    let cell = |text: &str| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let row = |(i, (state, due)): (usize, &(&str, &str))| {
        format!("<row{state}>{}{}</row>", cell(&common::phone(i)), cell(due))
    };
    let rows = [
        ("", "11/05/2026"),
        (" hidden=\"1\"", "22/11/2026"),
        ("", "11/22/2026"),
    ];
    let rows: String = rows.iter().enumerate().map(row).collect();
    let header = vec![Cell::from("Phone"), Cell::from("Due")];
    let mut parts = build::xlsx_parts(&[("S", &[header])]);
    let sheet = parts
        .iter_mut()
        .find(|(name, _)| name == "xl/worksheets/sheet1.xml");
    let (_, sheet) = sheet.unwrap();
    *sheet = sheet.replace("</sheetData>", &format!("{rows}</sheetData>"));
    let program = Program::new();
    program.write("a.xlsx", build::packed(&parts));
    let (_, sent) = planned(&program, &["a.xlsx", "--message", DUE, "--hidden", "skip"]);
    assert_eq!(sent, ["Due 5 Nov 2026", "Due 22 Nov 2026"]);
    let run = program.run(&["plan", "a.xlsx", "--message", DUE, "--hidden", "send", "-v"]);
    run.exits(1).says(&["row 2 (B3) holds \"22/11/2026\""]);

    let list = due(&["11/05/2026", "11/22/2026"]) + "0127001111,,22/11/2026\n";
    let ragged = texts(list, DUE);
    assert_eq!(ragged[..2], ["Due 5 Nov 2026", "Due 22 Nov 2026"]);
}

#[test]
fn dates_of_a_workbook_are_certain_and_its_texts_are_not() {
    let program = Program::new();
    let rows = [
        vec![Cell::from("Phone"), Cell::from("Due")],
        vec![
            common::phone(1).as_str().into(),
            Cell::Date("2026-11-22".to_owned()),
        ],
        vec![common::phone(2).as_str().into(), "11/05/2026".into()],
        vec![common::phone(3).as_str().into(), "12/25/2026".into()],
    ];
    program.write("a.xlsx", build::xlsx(&[("S", &rows)]));
    let (_, texts) = planned(&program, &["a.xlsx", "--message", DUE]);
    assert_eq!(
        texts,
        ["Due 22 Nov 2026", "Due 5 Nov 2026", "Due 25 Dec 2026"]
    );
}

#[test]
fn templates_in_cells_read_dates_as_the_first_rows_show() {
    let row =
        |i: usize, due: &str, message: &str| format!("{},{due},{message}\n", common::phone(i));
    let mut list = "Phone,Due,Message\n".to_owned();
    for i in 0..2_000 {
        list += &row(i, "11/05/2026", "Due {{ due|date('%-d %b') }}");
    }
    list += &row(2_001, "11/22/2026", "Hi");
    let program = Program::with(&[("a.csv", &list)]);
    let (_, outcomes) = planned(&program, &["a.csv"]);
    assert!(outcomes[..2_000].iter().all(|text| text == "Due 5 Nov"));

    // A column that none of the first rows reads as a date: each date must be certain.
    let mut list = "Phone,Due,Message\n".to_owned();
    for i in 0..1_024 {
        list += &row(i, "11/22/2026", "Hi");
    }
    for (i, due) in [(1_024, "11/05/2026"), (1_025, "11/22/2026")] {
        list += &row(i, due, "Due {{ due|date('%-d %b') }}");
    }
    let program = Program::with(&[("a.csv", &list)]);
    let (_, outcomes) = planned(&program, &["a.csv"]);
    assert!(outcomes[1_024].contains("could be 11 May 2026 or 5 November 2026"));
    assert_eq!(outcomes[1_025], "Due 22 Nov");
}

#[test]
fn a_column_of_amounts_in_two_notations_is_refused() {
    let message = "RM{{ due|money }}";
    assert_eq!(
        refusal("a.csv", due(&["5", "1,234.50", "1.234,50"]), message),
        "column \"Due\": row 2 (line 3) holds \"1,234.50\" and row 3 (line 4) holds \"1.234,50\", so commas and points do not mean \
         the same in all rows; write all its amounts in one way, as in 1234.50 or 1,234.50"
    );
    // Where commas stand before the decimals, 1,234 is not more than a thousand.
    let said = refusal("a.csv", due(&["1.234,50", "12,5", "1,234"]), message);
    assert!(
        said.contains("row 3 (line 4) holds \"1,234\" and row 1 (line 2) holds \"1.234,50\""),
        "{said}"
    );
    let certain = texts(due(&["1,234.50", "12.5", "RM 100", "1,000"]), message);
    assert_eq!(certain, ["RM1,234.50", "RM12.50", "RM100.00", "RM1,000.00"]);
    // A column that money is not used on may hold anything.
    assert_eq!(texts(due(&["1,234.50", "1.234,50"]), "{{ due }}").len(), 2);
}

// --- What further programs write ----------------------------------------------------------------------------------

#[test]
fn a_cell_that_says_no_is_no_yes_for_a_condition() {
    let says_no = |cell: &str, instead: &str| {
        format!(
            "[invalid: column \"VIP\" holds \"{cell}\", which is not blank, so that if takes it for a yes; write {{% if {instead} %}}]"
        )
    };
    let file = "Phone,VIP\n0127001111,TRUE\n0127002222,FALSE\n0127003333,\n0127004444,no\n0127005555,N\n0127006666,Tidak\n\
                0127007777,0\n0127008888,\u{5426}\n0127009999,Nora\n0121001111,10\n0121002222,false\n0121003333,x\n";
    for (message, yes, blank) in [
        ("{% if vip %}VIP{% else %}Hi{% endif %}", "VIP", "Hi"),
        ("{% if not vip %}Hi{% else %}VIP{% endif %}", "VIP", "Hi"),
        (
            "{% if phone and vip %}VIP{% else %}Hi{% endif %}",
            "VIP",
            "Hi",
        ),
        ("{{ 'VIP' if vip else 'Hi' }}", "VIP", "Hi"),
        (
            "{% if vip | default('') %}VIP{% else %}Hi{% endif %}",
            "VIP",
            "Hi",
        ),
    ] {
        assert_eq!(
            texts(file, message),
            [
                yes.to_owned(),
                says_no("FALSE", "vip == \"TRUE\""),
                blank.to_owned(),
                says_no("no", "vip == \"Yes\""),
                says_no("N", "vip == \"Y\""),
                says_no("Tidak", "vip == \"Ya\""),
                says_no("0", "vip | float > 0"),
                says_no("\u{5426}", "vip == \"\u{662f}\""),
                yes.to_owned(),
                yes.to_owned(),
                says_no("false", "vip == \"TRUE\""),
                yes.to_owned(),
            ],
            "{message}"
        );
    }
    // A comparison, a test and a default say what they want to know.
    for message in [
        "{% if vip | default('') == 'TRUE' %}VIP{% else %}Hi{% endif %}",
        "{% if vip is defined %}Hi{% else %}Hi{% endif %}",
        "Hi {{ vip | default('you') }}",
        "{{ vip or 'you' }}",
    ] {
        let texts = texts(file, message);
        assert!(
            !texts.iter().any(|text| text.starts_with("[invalid")),
            "{message}: {texts:?}"
        );
    }
    // Check boxes of a workbook are truth values.
    let rows: Vec<Vec<Cell>> = vec![
        vec!["Phone".into(), "VIP".into()],
        vec![
            "0127001111".into(),
            Cell::Raw(" t=\"b\"><v>1</v></c>".to_owned()),
        ],
        vec![
            "0127002222".into(),
            Cell::Raw(" t=\"b\"><v>0</v></c>".to_owned()),
        ],
        vec!["0127003333".into(), 0.0.into()],
    ];
    assert_eq!(
        workbook_texts(&rows, "{% if vip %}VIP{% endif %}Hi"),
        [
            "VIPHi".to_owned(),
            says_no("FALSE", "vip == \"TRUE\""),
            says_no("0", "vip | float > 0"),
        ]
    );
}

/// The texts of a planned workbook with these rows.
fn workbook_texts(rows: &[Vec<Cell>], message: &str) -> Vec<String> {
    let program = Program::new();
    program.write("list.xlsx", build::xlsx(&[("S", rows)]));
    outcomes_of(&program, "list.xlsx", message)
}

#[test]
fn digits_that_a_workbook_does_not_keep_are_not_made_up() {
    let rows: Vec<Vec<Cell>> = vec![
        vec!["Phone".into(), "Tracking".into()],
        vec!["0127001111".into(), 123_456_789_012_345.0.into()],
        vec!["0127002222".into(), 1_234_567_890_123_450_000.0.into()],
        vec!["0127003333".into(), "1234567890123456789".into()],
    ];
    let lost = "[invalid: column \"Tracking\" holds 1.23456789012345E+18, a number of more than 15 digits, of which a spreadsheet keeps 15; format the column there as text and enter the number again]";
    for message in ["{{ tracking }}", "{{ tracking | default('x') }}"] {
        assert_eq!(
            workbook_texts(&rows, message),
            ["123456789012345", lost, "1234567890123456789"]
        );
    }
}

#[test]
fn what_phones_have_no_form_for_is_not_sent() {
    let file = "Phone,Name\n0127001111,\u{f0b7} Aina\n0127002222,Boon \u{f04a}\n0127003333,\u{fffc}Ravi\n0127004444,\u{e000}\u{738b}\n\
                0127005555,Mei\u{f0000}\n0127006666,\u{fdd0}\n0127007777,\u{2022} \u{263a} \u{2192} \u{1f1f2}\u{1f1fe}\n";
    let texts = texts(file, "Hi {{ name }}");
    for (text, character) in texts
        .iter()
        .zip(["F0B7", "F04A", "FFFC", "E000", "F0000", "FDD0"])
    {
        let sentence = format!(
            "[invalid: the text has U+{character}, which phones show as an empty box: a bullet, smiley or arrow of a special font, or a picture; replace it]"
        );
        assert_eq!(*text, sentence);
    }
    assert_eq!(texts[6], "Hi \u{2022} \u{263a} \u{2192} \u{1f1f2}\u{1f1fe}");
}

#[test]
fn a_phone_number_has_the_country_code_that_its_format_adds() {
    let program = Program::new();
    let rows: Vec<Vec<Cell>> = vec![
        vec!["Phone".into(), "Name".into()],
        vec![
            Cell::Raw(" s=\"6\"><v>91234567</v></c>".to_owned()),
            "Aina".into(),
        ],
        vec![
            Cell::Raw(" s=\"7\"><v>127002222</v></c>".to_owned()),
            "Boon".into(),
        ],
        vec![
            Cell::Raw(" s=\"8\"><v>60127003333</v></c>".to_owned()),
            "Ravi".into(),
        ],
        vec![
            Cell::Raw(" s=\"9\"><v>60127004444</v></c>".to_owned()),
            "Mei".into(),
        ],
    ];
    let mut parts = build::xlsx_parts(&[("S", &rows)]);
    let formats = [
        "&quot;+65 &quot;0000 0000",
        "&quot;0&quot;00-0000000",
        "\\+0",
        "+0.00E+00",
    ];
    let (_, styles) = parts
        .iter_mut()
        .find(|(name, _)| name.ends_with("styles.xml"))
        .unwrap();
    for (id, format) in (200..).zip(formats) {
        *styles = styles
            .replace(
                "</numFmts>",
                &format!("<numFmt numFmtId=\"{id}\" formatCode=\"{format}\"/></numFmts>"),
            )
            .replace("</cellXfs>", &format!("<xf numFmtId=\"{id}\"/></cellXfs>"));
    }
    program.write("list.xlsx", build::packed(&parts));
    program
        .run(&["plan", "list.xlsx", "--message", "Hi {{ name }}"])
        .exits(0);
    let results = program.run(&["results", "list.ledger", "--status", "pending"]);
    let numbers = ["6591234567", "60127002222", "60127003333", "60127004444"];
    results.exits(0);
    for number in numbers {
        assert!(results.stdout.contains(number), "{}", results.stdout);
    }
    // A list of numbers reads them alike.
    program.write(
        "all.csv",
        "Phone,Name\n+6591234567,Aina\n0127002222,Boon\n0127003333,Ravi\n0127009999,Mei\n",
    );
    let plan = program.run(&[
        "plan",
        "all.csv",
        "--message",
        "Hi {{ name }}",
        "--suppress",
        "list.xlsx",
    ]);
    plan.exits(0);
    assert!(plan.stdout.contains("3 suppressed"), "{}", plan.stdout);
}

#[test]
fn the_note_that_a_spreadsheet_is_open_is_not_the_spreadsheet() {
    for (name, file) in [
        ("~$list.xlsx", "list.xlsx"),
        (".~lock.list.ods#", "list.ods"),
    ] {
        assert_eq!(
            refusal(name, "Aina\0", "Hi"),
            format!(
                "this only notes that the spreadsheet is open in its program; name the spreadsheet itself, {file}"
            )
        );
    }
}

#[test]
fn a_number_without_its_country_is_not_sent_where_another_column_names_a_different_one() {
    for (header, phone, country, is_sent) in [
        ("Country Code", "1591234567", "880", false),
        ("Dial Code", "1591234567", "+880", false),
        ("Dial Code", "1591234567", "00880", false),
        ("Calling code", "1591234567", "Bangladesh (+880)", false),
        ("Phone Country Code", "1591234567", "BD", false),
        ("Kod Negara", "0127001111", "65", false),
        ("countryCode", "0127001111", "SG", false),
        ("Country Code", "127001111", "60", true),
        ("Country Code", "0127001111", "+60", true),
        ("Country Code", "60127001111", "'+60", true),
        ("Country Code", "0127001111", "MY", true),
        ("Country Code", "0127001111", "my", true),
        ("Country Code", "0127001111", "", true),
        ("Country Code", "+60127001111", "SG", true),
        ("Country Code", "0060127001111", "65", true),
        ("Country Code", "0127001111", "31400", true),
        ("Country Code", "0127001111", "Malaysia", true),
        ("Country", "0127001111", "SG", true),
    ] {
        let file = format!("Phone,{header}\n{phone},{country}\n");
        let text = &texts(file, "Hi")[0];
        assert_eq!(
            text == "Hi",
            is_sent,
            "{header}, {phone}, {country}: {text}"
        );
        let reason = format!(
            "would be +{}, but column \"{header}\" says \"{country}\"; write the number with + and its country code]",
            if phone.starts_with('0') {
                "60127001111"
            } else {
                "601591234567"
            }
        );
        assert!(is_sent || text.ends_with(&reason), "{text}");
    }
}
