//! What a person sees of a plan: for each finding the row, the cell and the text, and the command that shows the rest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../src/source/workbook/build.rs"]
#[allow(dead_code)]
mod build;
mod common;

use std::fmt::Write as _;

use build::Cell;
use common::program::Run;
use common::{Gateway, Program, phone};

const MESSAGE: &str = "KedaiKu: Hi {{ name }}, see you in {{ town }}.";

/// Panics unless these lines are printed, one directly after the other.
#[track_caller]
fn shows(run: &Run, lines: &[&str]) {
    let block = lines.join("\n");
    assert!(
        run.stdout.contains(&block),
        "{block}\n--- in\n{}",
        run.stdout
    );
}

/// The command on the line with this label, run as it is printed.
#[track_caller]
fn run_printed(program: &Program, run: &Run, label: &str) -> Run {
    let line = run.stdout.lines().find_map(|line| line.strip_prefix(label));
    let line = line.unwrap_or_else(|| panic!("no {label}:\n{}", run.stdout));
    let words = shlex::split(line).unwrap();
    assert_eq!(words[0], "isms-campaign");
    program.run(&words[1..].iter().map(String::as_str).collect::<Vec<_>>())
}

fn plan(program: &Program, more: &[&str]) -> Run {
    let mut arguments = vec!["plan"];
    arguments.extend(more);
    program.run(&arguments)
}

/// Names and towns of one row each, with a number of its own.
fn sheet(rows: &[(&str, &str)]) -> String {
    let row = |(nth, (name, town)): (usize, &(&str, &str))| {
        format!("{},\"{name}\",\"{town}\"\n", phone(nth + 1))
    };
    let rows: String = rows.iter().enumerate().map(row).collect();
    format!("phone,name,town\n{rows}")
}

fn workbook(rows: &[(&str, &str)]) -> Vec<u8> {
    let mut table = vec![vec![], vec!["phone".into(), "name".into(), "town".into()]];
    for (nth, (name, town)) in rows.iter().enumerate() {
        let cell = |text: &str| match text {
            "" => Cell::Blank,
            text => Cell::from(text),
        };
        table.push(vec![Cell::from(&*phone(nth + 1)), cell(name), cell(town)]);
        // A blank row behind each.
        table.push(vec![]);
    }
    build::xlsx(&[("S", &table)])
}

#[test]
fn each_finding_shows_its_row_its_cell_and_its_text() {
    let rows = [
        ("Aina", "Ipoh"),
        ("", "Muar"),
        ("{name}", "Klang"),
        ("#N/A", "Klang"),
        ("Boon", "kedaiku.com/promo"),
        ("José", "Ipoh"),
    ];
    let program = Program::with(&[("a.csv", &sheet(&rows))]);
    program.write("b.xlsx", workbook(&rows));
    let options = ["--message", MESSAGE, "--max-invalid", "4"];
    for (file, places) in [
        ("a.csv", ["line 3", "line 4", "line 5", "line 6"]),
        ("b.xlsx", ["B5", "B7", "B9", "C11"]),
    ] {
        let run = plan(&program, &[&[file][..], &options].concat());
        run.exits(0);
        let [blank, field, error, link] = places;
        shows(
            &run,
            &[
                "Invalid       1: column \"name\" is blank and the template gives no default",
                &format!("                row 2 ({blank}), name is blank"),
            ],
        );
        shows(
            &run,
            &[
                "Invalid       1: column \"name\" holds a spreadsheet error",
                &format!("                row 4 ({error}), name: \"#N/A\""),
            ],
        );
        shows(
            &run,
            &[
                &format!("                \"{{name}}\" in row 3 ({field}), name"),
                "                  | KedaiKu: Hi {name}, see you in Klang.",
            ],
        );
        shows(
            &run,
            &[
                &format!("                \"kedaiku.com/promo.\" in row 5 ({link}), town"),
                "                  | KedaiKu: Hi Boon, see you in kedaiku.com/promo.",
            ],
        );
    }
}

#[test]
fn numbers_that_get_several_messages_are_counted_and_shown() {
    let mut csv = sheet(&[("Aina", "Ipoh"), ("Boon", "Muar"), ("Chong", "Ipoh")]);
    for name in ["Ahmad", "Aina", "Alif", "Azman"] {
        writeln!(csv, "{},{name},Ipoh", phone(1)).unwrap();
    }
    writeln!(csv, "{},Bala,Ipoh", phone(2)).unwrap();
    let program = Program::with(&[("a.csv", &csv)]);
    let run = plan(&program, &["a.csv", "--message", MESSAGE]);
    run.exits(0);
    shows(
        &run,
        &[
            "Repeated      2 numbers get 6 messages (--duplicates number sends only the first to each)",
            &format!("                {}:", common::msisdn(1)),
            "                  row 1 (line 2)",
            "                  | KedaiKu: Hi Aina, see you in Ipoh.",
            "                  row 4 (line 5)",
            "                  | KedaiKu: Hi Ahmad, see you in Ipoh.",
            "                  row 6 (line 7)",
            "                  | KedaiKu: Hi Alif, see you in Ipoh.",
            &format!(
                "                {} in rows 2 (line 3), 8 (line 9)",
                common::msisdn(2)
            ),
        ],
    );
    let run = plan(
        &program,
        &["a.csv", "--message", MESSAGE, "--duplicates", "number"],
    );
    assert!(!run.stdout.contains("Repeated"), "{}", run.stdout);
    let run = plan(
        &program,
        &["a.csv", "--message", MESSAGE, "--duplicates", "keep"],
    );
    shows(&run, &["Repeated      2 numbers get 7 messages"]);
}

#[test]
fn show_spreads_texts_over_the_rows_that_are_sent() {
    let mut rows = vec![("", "Ipoh")];
    rows.extend([("Aina", "Ipoh"); 1]);
    let names: Vec<String> = (0..9).map(|nth| format!("Name{nth}")).collect();
    rows.extend(names.iter().map(|name| (name.as_str(), "Muar")));
    rows.push(("", "Ipoh"));
    let program = Program::with(&[("my list.csv", &sheet(&rows))]);
    let base = ["my list.csv", "--message", MESSAGE];
    let texts = |run: &Run| -> Vec<String> {
        let lines = run.stdout.lines();
        let rows = lines.filter(|line| line.starts_with("row "));
        rows.map(|line| line.split(' ').nth(1).unwrap().to_owned())
            .collect()
    };
    for (number, shown) in [
        ("0", &[][..]),
        ("1", &["2"]),
        ("2", &["2", "11"]),
        ("4", &["2", "5", "8", "11"]),
        ("10", &["2", "3", "4", "5", "6", "7", "8", "9", "10", "11"]),
        ("99", &["2", "3", "4", "5", "6", "7", "8", "9", "10", "11"]),
    ] {
        let run = plan(&program, &[&base[..], &["--show", number]].concat());
        run.exits(0);
        assert_eq!(texts(&run), shown, "{}", run.stdout);
    }
    let run = plan(&program, &[&base[..], &["--show=2"]].concat());
    shows(
        &run,
        &[
            &format!("row 2 (line 3) to {}, ASCII, 1 credit", common::msisdn(2)),
            "  | KedaiKu: Hi Aina, see you in Ipoh.",
            &format!(
                "row 11 (line 12) to {}, ASCII, 1 credit",
                common::msisdn(11)
            ),
        ],
    );
    // The commands work as they are printed.
    let all = run_printed(&program, &run, "All texts:    ");
    all.exits(0);
    assert_eq!(texts(&all).len(), 10);
    assert!(!all.stdout.contains("All texts"), "{}", all.stdout);
    let invalid = run_printed(&program, &run, "Invalid rows: ");
    invalid.exits(0);
    assert_eq!(invalid.stdout.lines().count(), 3, "{}", invalid.stdout);
    // Of a spreadsheet that cannot be typed again, the ledger has the texts.
    let piped = [
        "plan",
        "-",
        "--ledger",
        "x.ledger",
        "--message",
        "Hi {{ name }}",
    ];
    let run = program
        .command(&piped)
        .stdin("phone,name\n0127001111,A\n0127002222,B\n")
        .run();
    run.exits(0);
    let all = run_printed(&program, &run, "All texts:    ");
    assert_eq!(all.exits(0).stdout.lines().count(), 3, "{}", all.stdout);
}

#[test]
fn a_log_holds_no_more_of_the_customers_than_the_sample_texts() {
    let rows = [
        ("Aina", "Ipoh"),
        ("{name}", "Klang"),
        ("Cindy", "kedaiku.com/a"),
    ];
    let csv = sheet(&rows) + &format!("03-7700 1234,Dora,Muar\n{},Eva,Muar\n", phone(1));
    let program = Program::with(&[("a.csv", &csv)]);
    let options = ["a.csv", "--message", MESSAGE, "--max-invalid", "1"];
    for command in [
        &["send", "--sandbox", "--yes", "--show", "9"][..],
        &["plan", "--summary-json", "-"],
    ] {
        let run = program.run(&[command, &options].concat());
        assert!(
            run.stderr.contains("row 4 (line 5), phone"),
            "{}",
            run.stderr
        );
        assert!(
            run.stderr.contains("rows 1 (line 2), 5 (line 6)"),
            "{}",
            run.stderr
        );
        for private in ["03-7700", "Eva", "Hi {name}", &common::msisdn(1)] {
            assert!(!run.stderr.contains(private), "{private}: {}", run.stderr);
        }
    }
}

#[test]
fn a_last_line_without_a_line_end_is_pointed_out() {
    let sheet = sheet(&[("Aina", "Ipoh"), ("Badrul", "Muar")]);
    let cut = sheet.trim_end();
    for (sheet, unended) in [
        (sheet.clone(), false),
        (sheet.replace('\n', "\r\n"), false),
        (sheet.replace('\n', "\r"), false),
        (format!("{sheet}\n\n"), false),
        (cut.to_owned(), true),
        (cut.replace('\n', "\r\n"), true),
        (format!("{sheet}  "), true),
    ] {
        let program = Program::with(&[("a.csv", &sheet)]);
        let run = plan(&program, &["a.csv", "--message", MESSAGE]);
        run.exits(0);
        assert_eq!(
            run.stdout.contains("\nLast line "),
            unended,
            "{sheet:?}\n{run}"
        );
    }
    let program = Program::new();
    program.write("a.xlsx", workbook(&[("Aina", "Ipoh")]));
    let run = plan(&program, &["a.xlsx", "--message", MESSAGE]);
    assert!(!run.exits(0).stdout.contains("Last line"), "{run}");
}

#[test]
fn fewer_rows_than_asked_for_are_refused() {
    let program = Program::with(&[("a.csv", &sheet(&[("Aina", "Ipoh"), ("Badrul", "Muar")]))]);
    let plan = |fewest| {
        let arguments = ["a.csv", "--message", MESSAGE, "--min-rows", fewest];
        plan(&program, &arguments)
    };
    plan("3")
        .exits(1)
        .says(&["a.csv", "2 rows", "--min-rows", "3"]);
    assert!(!program.ledger_exists());
    plan("2").exits(0);
    let with_ledger = ["send", "a.ledger", "--min-rows", "2", "--sandbox", "--yes"];
    program.run(&with_ledger).exits(2).says(&["--min-rows"]);
}

/// What a person has seen of the plan is not shown again when the rest is sent.
#[test]
fn a_resume_shows_what_is_left_and_not_the_plan_again() {
    let program = Program::with(&[("a.csv", &common::people(1_250))]);
    let gateway = Gateway::accepting();
    let send = |more: &[&str]| {
        let text = ["a.csv", "--message", "KedaiKu: Hi", "--rate", "none", "-v"];
        program.send(&gateway, &[&text, more].concat())
    };
    let plan = ["Read as", "To send       1,250 messages", "First, longest"];
    send(&["--limit", "1100"]).exits(0).says(&plan);
    program.write("stop.txt", "0125501200\n");
    let more = ["--suppress", "stop.txt", "--limit", "40", "--show", "1"];
    let run = send(&more);
    run.exits(0).says(&[
        "1 row that was pending is suppressed now",
        "a, from a.csv, has begun before",
        "Rows          1,250\n",
        "Accepted      1,100\n",
        "Credits       1,100 of 1,249 planned",
        "To send       40 of 149 pending messages for up to 40 credits",
        "row 1 (line 2) to 60125500000",
    ]);
    for known in ["Read as", "1,250 messages", "First"] {
        run.shows(!run.stderr.contains(known), known);
    }
    let run = send(&["--expires", "9d"]);
    run.exits(0).says(&[
        "The plan can be sent until ",
        "To send       109 pending messages for up to 109 credits",
    ]);
    run.shows(!run.stderr.contains("KedaiKu: Hi"), "no text");
    let status = program.run(&["status", "a.csv"]);
    let planned = status
        .stdout
        .lines()
        .find(|line| line.starts_with("Planned"));
    // `Thu 26 Nov 2026 09:00:00, not sent after ...`
    let words: Vec<_> = planned.unwrap().split_whitespace().collect();
    status.shows(
        words[5].len() <= "09:00:00,".len() && words[6] == "not",
        "a time for people",
    );
}
