//! Amounts, dates, first words and the errors of spreadsheets, from the cell to the text or the sentence.

use super::*;

/// `Town` holds the cell.
fn with_town(source: &str, cell: &str) -> Result<String, String> {
    let cells = ["Ali", "1", cell, "2", ""];
    render(source, &cells).map_err(|error| error.to_string())
}

#[test]
fn what_stands_in_the_cells_of_an_office() {
    for (source, cell, text) in [
        ("RM{{ town|money }}", "1250.5", "RM1,250.50"),
        ("RM{{ town|money }}", "RM 1,250.5", "RM1,250.50"),
        ("RM{{ town|money }}", "-3", "RM-3.00"),
        ("{{ town|float|money }}", "1590.5300000000002", "1,590.53"),
        ("{{ (town|float * 1.06)|money }}", "1500.50", "1,590.53"),
        ("{{ town|int|money }}", "1500", "1,500.00"),
        ("{{ nick|default('0')|money }}", "x", "0.00"),
        ("{{ nick|default(0)|money }}", "x", "0.00"),
        ("{{ nick|default(town)|money }}", "7", "7.00"),
        ("{{ town|date }}", "2026-11-22", "22/11/2026"),
        ("{{ town|date('%-d %b') }}", "46327", "1 Nov"),
        ("{{ town|date('%H:%M') }}", "46327.5", "12:00"),
        (
            "{{ nick|default('21/2/2026')|date('%B') }}",
            "x",
            "February",
        ),
        ("{{ town|date(nick|default('%d')) }}", "13/2/2026", "13"),
        ("{{ town|first_word }}", "Siti binti Ali", "Siti"),
        ("{{ town|first_word }}", "  Siti ", "Siti"),
        ("{{ town|first_word }}", "Siti\u{3000}Ali", "Siti"),
        ("{{ town|first_word }}", "Siti\u{a0}Ali", "Siti"),
        ("{{ town|first_word }}", "\u{200b}Siti Ali", "Siti"),
        ("{{ town|first_word }}", "D'cruz, Maria", "D'cruz"),
        ("{{ town|first_word }}", "Aina.", "Aina"),
        ("{{ town|first_word }}", "Aina!! (VIP)", "Aina"),
        ("{{ town|first_word }}", "Tan: Ah Kow", "Tan"),
        ("{{ town|first_word }}", "Siti; Ali", "Siti"),
        ("{{ town|first_word }}", "艾娜，你好", "艾娜，你好"),
        ("{{ town|first_word }}", "艾娜， 你好", "艾娜"),
        ("{{ town|first_word }}", "Nur-Aina Ali", "Nur-Aina"),
        ("{{ town|first_word }}", "Siti- Ali", "Siti"),
        ("{{ town|first_word }}", "(Boy), Ali", "(Boy)"),
        ("{{ town|first_word }}", "\"Boy\" Ali", "\"Boy\""),
        ("{{ town|first_word }}", "Boy) Ali", "Boy"),
        ("{{ town|first_word }}", "Dato' Onn", "Dato"),
        ("{{ town|first_word }}", "- Ali", "Ali"),
        ("{{ town|first_word }}", "A.K. Rao", "A.K"),
        ("{{ town|first_word }}", "-", "-"),
        ("{{ town|first_word }}", "5% off", "5%"),
        ("{{ town|first_word|title }}", "SITI BINTI ALI", "Siti"),
        ("{{ town|date('%d %b')|first_word }}", "13/2/2026", "13"),
        ("{{ town|title }}", "ALI BIN ABU", "Ali Bin Abu"),
        ("{{ town|title }}", "siti binti ali", "Siti Binti Ali"),
        // As the engine has it: a word begins behind white space, a hyphen or an opening bracket only.
        ("{{ town|title }}", "RAJA A/L KUMAR", "Raja A/l Kumar"),
        ("{{ town|title }}", "O'BRIEN", "O'brien"),
        (
            "{{ town|title }}",
            "LIM @ TAN-WONG (MEI)",
            "Lim @ Tan-Wong (Mei)",
        ),
    ] {
        assert_eq!(
            with_town(source, cell).as_deref(),
            Ok(text),
            "{source} {cell}"
        );
    }
}

#[test]
fn a_cell_that_cannot_be_read_is_named() {
    for (source, cell, sentence) in [
        (
            "{{ town|money }}",
            "1.234,50",
            "column \"Town\": \"1.234,50\" can be read as more than one amount; write it as 1234.50 or 1,234.50",
        ),
        (
            "{{ town|date('%d %b') }}",
            "11/5/2026",
            "column \"Town\": \"11/5/2026\" could be 11 May 2026 or 5 November 2026; write it as 2026-05-11 or 2026-11-05, or give the date order",
        ),
        (
            "{{ town|float }}",
            "RM5",
            "column \"Town\": \"RM5\" is not a number",
        ),
        (
            "{{ name }}{{ town|money }}",
            "Ali",
            "column \"Town\": \"Ali\" is not an amount; write it as 1234.50 or 1,234.50",
        ),
        // Two columns of the placeholder hold it, or none does: only the line is known.
        (
            "{{ town|money ~ name }}",
            "Ali",
            "the template fails in line 1: \"Ali\" is not an amount; write it as 1234.50 or 1,234.50",
        ),
        (
            "\n{{ (town ~ 'x')|money }}",
            "5",
            "the template fails in line 2: \"5x\" is not an amount; write it as 1234.50 or 1,234.50",
        ),
        (
            "{{ town|date(name) }}",
            "1/2/2026",
            "column \"Town\": date(\"Ali\") has no % codes; write it as date(\"%d/%m/%Y\") or date(\"%d %b %Y\")",
        ),
        (
            "{{ town|split|money }}",
            "5",
            "the template fails in line 1: \"['5']\" is not the text of one cell",
        ),
    ] {
        assert_eq!(
            with_town(source, cell),
            Err(sentence.to_owned()),
            "{source} {cell}"
        );
    }
}

#[test]
fn the_error_of_a_spreadsheet_is_no_text() {
    for error in [
        "#N/A",
        "#REF!",
        "#VALUE!",
        "#NAME?",
        "#DIV/0!",
        "#NUM!",
        "#NULL!",
        "#SPILL!",
        "#CALC!",
        "#ERROR!",
        "#GETTING_DATA",
        "#####",
        "##",
        "###",
        "###########",
        "Err:502",
        "Err:508",
    ] {
        for source in [
            "Hi %town%",
            "Hi {{ town }}",
            "Hi {{ row.Town }}",
            "{{ town|default('friend') }}",
            "{{ nick|default(town) }}",
            "{% if town %}Hi{% endif %}",
            "{% if town is defined %}Hi{% endif %}",
            "{{ town or name }}",
            "{{ town|money }}",
            "{{ town|date }}",
            "{{ town|length }}",
        ] {
            for cell in [error.to_owned(), format!(" {error}\u{a0}")] {
                assert_eq!(
                    with_town(source, &cell),
                    Err(format!(
                        "column \"Town\" holds the spreadsheet error {error}; correct it and export again"
                    )),
                    "{source}"
                );
            }
        }
    }
    for text in [
        "#1 Jalan Ipoh",
        "#",
        "#N/A yet",
        "# # #",
        "Err:",
        "Err:50",
        "Error",
        "Ef",
        "N/A",
        "#VIP!",
    ] {
        assert_eq!(with_town("{{ town }}", text).as_deref(), Ok(text));
    }
    // Not needed, so its error does not matter.
    for source in [
        "{{ name }}",
        "{{ name|default(nick) }}",
        "{% if not name %}{{ town }}{% endif %}Ali",
        "{{ name or town }}",
    ] {
        assert_eq!(with_town(source, "#N/A").as_deref(), Ok("Ali"), "{source}");
    }
}

#[test]
fn a_number_without_its_last_digits_is_an_error_however_it_is_used() {
    for cell in [
        "7.01235E+12",
        "7.01E+12",
        " 1.5e-05\u{a0}",
        "-7.01235E+12",
        "7,01235E+12",
        "7E+12",
        "7.01235E12",
    ] {
        for source in [
            "Hi %town%",
            "{{ town }}",
            "{{ row.Town }}",
            "{{ town|default('friend') }}",
            "{{ nick|default(town) }}",
            "{% if town %}Hi{% endif %}",
            "{% if town is defined %}Hi{% endif %}",
            "{% if town == 'x' %}a{% else %}b{% endif %}",
            "{{ town or name }}",
            "{{ town|money }}",
            "{{ town|float }}",
            "{{ town|length }}",
        ] {
            let error = with_town(source, cell).unwrap_err();
            let holds = format!(
                "column \"Town\" holds {}, a number whose last digits",
                cell.trim()
            );
            assert!(error.starts_with(&holds), "{source}: {error}");
        }
        assert_eq!(with_town("{{ name }}", cell).as_deref(), Ok("Ali"));
    }
    for cell in ["60E5", "1E12", "12E-Plaza", "E+12", "2E+A"] {
        assert_eq!(with_town("{{ town }}", cell).as_deref(), Ok(cell));
    }
}

#[test]
fn rows_with_one_error_are_counted_together() {
    for (source, cell, sentence) in [
        (
            "{{ town|money }}",
            "x",
            "column \"Town\" is not what the template reads it as",
        ),
        (
            "{{ (town ~ 1)|money }}",
            "x",
            "the template fails in line 1",
        ),
        (
            "{{ town }}",
            "#N/A",
            "column \"Town\" holds a spreadsheet error",
        ),
        (
            "{{ town }}",
            "",
            "column \"Town\" is blank and the template gives no default",
        ),
    ] {
        let cells = ["Ali", "1", cell, "2", ""];
        assert_eq!(render(source, &cells).unwrap_err().category(), sentence);
    }
}
