//! Spreadsheets as offices export them: every dress gives the same plan, every fault has its own sentence at its place, and the
//! overview says what the texts cost and whether they will pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fmt::Write as _;

use common::program::rows_of;
use common::{Gateway, PASSWORD, Program, phone, verifies};

// --- Faults: what is wrong with a row stands in the results, beside it ------------------------------------------

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
            "column \"No. Tel\": \"012-345 6789/019-876 5432\" looks like more than one number; leave one",
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
            "column \"No. Tel\": \"6.01E+10\" was rounded by the spreadsheet, its last digits are gone; format the column as text and export it again",
        ),
        (
            "+999 123 456 789",
            "column \"No. Tel\": \"+999 123 456 789\" does not begin with the code of a country",
        ),
        (
            "012-000 000%",
            "column \"No. Tel\": \"012-000 000%\" is not a phone number",
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
            "the row has 5 cells and the header 3; put a cell that holds the delimiter in quotes",
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

// --- The overview: what texts cost, and what looks wrong --------------------------------------------------------

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
        "  Unicode     another script, or many signs, in 5 texts: 5 credits more\n",
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
fn the_overview_names_the_column_that_makes_some_rows_dear() {
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
    let line = "Same number   60120000000 stands in 15 rows, first in row 1; if these are different people, the spreadsheet has rounded their numbers\n";
    assert!(shown.contains(line), "{shown}");
}
