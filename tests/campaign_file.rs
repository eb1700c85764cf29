//! A campaign file in the place of what would be typed: with and without dates, and what is refused in one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::program::Run;
use common::{Gateway, Program, people};

const CAMPAIGN: &str = "\
# The sale in May.
recipients = \"people.csv\"
message-file = \"sale.txt\"
suppress = [\"out.txt\"]
batch-size = 2
max-invalid = \"5%\"
rate = \"none\"
progress = \"none\"
results = \"done.csv\"
summary-json = \"last.json\"
";

/// A folder `jobs` with a campaign, named from the folder above it.
fn campaign(file: &str) -> Program {
    let program = Program::new();
    std::fs::create_dir(program.path("jobs")).unwrap();
    program.write("jobs/people.csv", people(5));
    program.write(
        "jobs/sale.txt",
        "Hi {{ name }}, the shop is open until nine",
    );
    program.write("jobs/out.txt", format!("{}\n", common::phone(4)));
    program.write("jobs/may.toml", file);
    program
}

/// Sends with credentials and a gateway.
fn send(program: &Program, gateway: &Gateway, arguments: &[&str]) -> Run {
    let all = [&["send"], arguments, &["--yes"]].concat();
    let command = program.command(&all).credentials();
    command.env("ISMS_GATEWAY", gateway.url()).run()
}

#[test]
fn a_campaign_file_is_planned_sent_and_looked_at() {
    let program = campaign(CAMPAIGN);
    let gateway = Gateway::accepting();
    let plan = program.run(&["plan", "jobs/may.toml"]);
    plan.exits(0).shows(
        plan.stdout
            .contains("Send it: isms-campaign send jobs/may.toml\n")
            && plan
                .stdout
                .contains("isms-campaign plan jobs/may.toml --show 4\n"),
        "the file is named in what is advised",
    );
    send(&program, &gateway, &["jobs/may.toml", "--limit", "3"]).exits(0);
    let status = program.run(&["status", "jobs/may.toml"]);
    let next = "isms-campaign send jobs/may.toml\n";
    status
        .exits(0)
        .shows(status.stdout.contains(next), "the file is named");
    send(&program, &gateway, &["jobs/may.toml"]).exits(0);
    assert_eq!(gateway.numbers_taken().len(), 4);
    let rows = program.results("jobs/done.csv");
    assert_eq!(rows[4]["sms_status"], "suppressed");
    assert_eq!(
        rows[0]["sms_message"],
        "Hi Aminah 0, the shop is open until nine"
    );
    let summary = program.summary_json("jobs/last.json");
    assert_eq!(summary["campaign"], "people");
    assert_eq!(summary["ledger"], "jobs/people.ledger");
    for command in [
        &["verify", "jobs/may.toml"][..],
        &["results", "jobs/may.toml"],
    ] {
        program.run(command).exits(0);
    }
    let json = program.run(&["status", "jobs/may.toml", "--json"]);
    assert!(
        json.exits(0)
            .stdout
            .contains("\"results\": \"jobs/done.csv\""),
        "{json}"
    );
}

/// A part of the rows goes where it was asked for, not over the results that the file names.
#[test]
fn the_other_keys_do_no_harm_to_commands_of_a_ledger() {
    let program = campaign(CAMPAIGN);
    program.run(&["plan", "jobs/may.toml"]).exits(0);
    let rows = program.run(&["results", "jobs/may.toml", "--status", "suppressed"]);
    assert_eq!(common::program::rows_of(&rows.exits(0).stdout).len(), 1);
    assert!(!program.path("jobs/done.csv").exists());
    let resolve = [
        "resolve",
        "jobs/may.toml",
        "--rows",
        "1",
        "--as",
        "not-sent",
    ];
    program.run(&resolve).exits(1);
    program
        .run(&["cancel", "jobs/may.toml", "--rows", "1", "--yes"])
        .exits(0);
    let status = program.run(&["status", "jobs/people.csv"]);
    assert!(status.stdout.contains("Cancelled     1\n"), "{status}");
}

#[test]
fn a_rehearsal_leaves_the_results_alone() {
    let program = campaign(CAMPAIGN);
    send(&program, &Gateway::accepting(), &["jobs/may.toml"]).exits(0);
    let results = program.read("jobs/done.csv");
    program
        .run(&["send", "jobs/may.toml", "--sandbox", "--yes"])
        .exits(0);
    assert_eq!(program.read("jobs/done.csv"), results);
    assert!(program.path("jobs/people.sandbox.results.csv").exists());
}

#[test]
fn what_is_typed_wins_also_over_another_way_to_say_it() {
    let program = campaign(CAMPAIGN);
    let typed = [
        "plan",
        "jobs/may.toml",
        "--message",
        "Hello {{ name }}, we are open",
        "--batch-size",
        "1",
        "--summary-json",
        "typed.json",
    ];
    program.run(&typed).exits(0);
    let plan = program.summary_json("typed.json");
    assert_eq!(plan["plan"]["first"]["text"], "Hello Aminah 0, we are open");
    assert!(!program.path("jobs/last.json").exists());
    let ledger = program.run(&["plan", "jobs/may.toml", "--ledger", "mine.ledger"]);
    assert!(
        ledger
            .exits(0)
            .stdout
            .contains("isms-campaign send mine.ledger"),
        "{ledger}"
    );
    assert!(program.path("mine.ledger").exists());
}

/// With one list typed, people of the other must not get a message.
#[test]
fn suppression_lists_add_up() {
    let program = campaign(CAMPAIGN);
    program.write("more.txt", format!("{}\n", common::phone(0)));
    let plan = program.run(&["plan", "jobs/may.toml", "--suppress", "more.txt"]);
    assert!(plan.exits(0).stdout.contains("2 suppressed\n"), "{plan}");
}

#[test]
fn a_rehearsal_does_not_become_a_campaign_by_what_is_typed() {
    let program = campaign(&format!("{CAMPAIGN}sandbox = true\n"));
    let typed = [
        "send",
        "jobs/may.toml",
        "--gateway",
        "http://127.0.0.1:9/",
        "--yes",
    ];
    program
        .run(&typed)
        .exits(2)
        .says(&["may.toml, line 11", "--sandbox", "--gateway"]);
    program
        .run(&["send", "jobs/may.toml", "--sandbox", "--yes"])
        .exits(0);
    program.run(&["send", "jobs/may.toml", "--yes"]).exits(0);
    let status = program.run(&["status", "jobs/may.toml"]);
    assert!(
        status.exits(0).stdout.contains("nobody received anything"),
        "{status}"
    );
}

#[test]
fn what_does_not_belong_in_a_file_is_refused_with_its_place() {
    let base = "recipients = \"people.csv\"\nmessage = \"We are open until nine\"\n";
    for (line, says) in [
        (
            "mesage-file = \"a\"",
            &["line 3", "is message-file meant?"][..],
        ),
        ("batch_size = 1", &["line 3", "is batch-size meant?"]),
        ("[send]", &["line 3", "no key"]),
        ("a.b = 1", &["line 3", "no key"]),
        ("help = true", &["line 3", "no key"]),
        (
            "gateway = \"http://127.0.0.1:9/\"",
            &["line 3", "--gateway", "ISMS_GATEWAY"],
        ),
        ("yes = true", &["line 3", "--yes"]),
        ("date = \"2026-05-01\"", &["line 3", "--date"]),
        ("password = \"geheim\"", &["line 3", "ISMS_PASSWORD"]),
        ("isms-username = \"x\"", &["line 3", "ISMS_USERNAME"]),
        (
            "batch-size = true",
            &["line 3", "batch-size", "is true or false"],
        ),
        ("batch-size = \"many\"", &["line 3", "--batch-size", "many"]),
        (
            "batch-size = 0x10",
            &["line 3", "batch-size", "not decimal"],
        ),
        (
            "sender-id = [\"KedaiKu\"]",
            &["line 3", "sender-id", "an array"],
        ),
        ("sheet = 5", &["line 3", "sheet", "a number"]),
        (
            "suppress = [\"out.txt\", 1]",
            &["line 3", "suppress", "a number"],
        ),
        ("sandbox = \"true\"", &["line 3", "sandbox", "a text"]),
        ("rate = 5", &["line 3", "--rate", "30/s"]),
        (
            "expires = 2026-05-01",
            &["line 3", "expires", "a date without quotes"],
        ),
        ("recipients = \"b.csv\"", &["line 3", "duplicate key"]),
        ("type = ascii", &["line 3, column 8", "quotes"]),
        ("type = \"ascii", &["line 3, column 14"]),
        (
            "message-file = \"sale.txt\"",
            &["--message", "--message-file"],
        ),
        ("results = \"done-%H.csv\"", &["line 3", "%Y, %m or %d"]),
        ("ledger = \"may-%d.ledger\"", &["line 3", "from the start"]),
        ("summary-json = \"may.toml\"", &["the campaign file"]),
    ] {
        let program = campaign(&format!("{base}{line}\n"));
        let before = program.files();
        let run = program.run(&["send", "jobs/may.toml", "--sandbox", "--yes"]);
        run.exits(2).says(says).says(&["may.toml"]);
        run.shows(!run.stderr.contains("geheim"), "a password is not shown");
        assert_eq!(program.files(), before, "{line}");
        assert_eq!(program.read("jobs/may.toml"), format!("{base}{line}\n"));
    }
}

#[test]
fn a_file_that_is_none_is_refused() {
    let program = campaign("message = \"hello\"\n");
    let plan = |name: &str| program.run(&["plan", name]);
    plan("jobs/may.toml")
        .exits(2)
        .says(&["does not name the recipients", "recipients ="]);
    plan("gone.toml")
        .exits(1)
        .says(&["gone.toml: there is no such campaign file"]);
    program
        .run(&["status", "gone.toml"])
        .exits(1)
        .says(&["gone.toml"]);
    std::fs::create_dir(program.path("folder.toml")).unwrap();
    plan("folder.toml")
        .exits(1)
        .says(&["folder.toml: this is a folder"]);
    program.write("bytes.toml", b"recipients = \"caf\xe9.csv\"");
    plan("bytes.toml").exits(1).says(&["bytes.toml", "UTF-8"]);
    program.write("two.toml", "recipients = \"jobs/may.toml\"");
    plan("two.toml").exits(2).says(&["another campaign file"]);
    program.write(
        "self.toml",
        "recipients = \"jobs/people.csv\"\nledger = \"self.toml\"",
    );
    plan("self.toml")
        .exits(2)
        .says(&["written over the campaign file"]);
    program.write(
        "over.toml",
        "recipients = \"jobs/people.csv\"\nresults = \"over.toml\"",
    );
    let over = program.run(&["send", "over.toml", "--yes"]);
    over.exits(2).says(&["written over the campaign file"]);
    program.write("number.toml", "recipients = 5");
    plan("number.toml")
        .exits(2)
        .says(&["line 1", "recipients", "a number"]);
    program.write(
        "stdin.toml",
        "recipients = \"-\"\nmessage = \"We are open\"",
    );
    plan("stdin.toml").exits(2).says(&["--ledger"]);
    program
        .run(&["plan", "a.csv", "--date", "2026-05-01"])
        .exits(2)
        .says(&["--date", ".toml"]);
    program.write("undated.toml", "recipients = \"jobs/people.csv\"");
    let dated = ["status", "undated.toml", "--date", "2026-05-01"];
    program
        .run(&dated)
        .exits(2)
        .says(&["undated.toml", "--date"]);
}

#[test]
fn standard_input_can_be_the_recipients() {
    let file = "recipients = \"-\"\nledger = \"in.ledger\"\nmessage = \"We are open until nine\"\n";
    let program = campaign(file);
    let plan = program
        .command(&["plan", "jobs/may.toml"])
        .stdin(people(3))
        .run();
    // The same command would read standard input again, where nothing is.
    let advised = plan
        .exits(0)
        .stdout
        .contains("isms-campaign send jobs/in.ledger\n");
    plan.shows(advised, "the ledger is named");
    program.run(&["verify", "jobs/may.toml"]).exits(0);
}

#[test]
fn byte_order_marks_and_line_ends_of_editors_do_not_matter() {
    let utf16 = |text: &str| {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    let windows = CAMPAIGN.replace('\n', "\r\n");
    for bytes in [
        format!("\u{feff}{windows}").into_bytes(),
        utf16(&windows),
        CAMPAIGN.trim_end().as_bytes().to_vec(),
    ] {
        let program = campaign("");
        program.write("jobs/may.toml", bytes);
        program.run(&["plan", "jobs/may.toml"]).exits(0);
    }
}

/// A script must not find yesterday's success.
#[test]
fn a_wrong_option_has_a_summary_where_the_file_wants_it() {
    for (file, typed) in [
        ("rate = 5", &[][..]),
        ("", &["--no-such-option"]),
        ("x = 1", &[]),
    ] {
        let program = campaign(&format!("{}{file}\n", CAMPAIGN.replace("rate", "#")));
        program.write("jobs/last.json", "{\"exit_code\": 0}");
        let run = program.run(&[&["send", "jobs/may.toml", "--yes"], typed].concat());
        run.exits(2);
        let summary = program.summary_json("jobs/last.json");
        assert_eq!(summary["exit_code"], 2, "{run}");
        assert_eq!(summary["error_kind"], "usage");
    }
    let program = campaign(&format!("{CAMPAIGN}on-end = \"tee told.json\"\nx = 1\n"));
    program.run(&["send", "jobs/may.toml", "--yes"]).exits(2);
    assert_eq!(program.summary_json("told.json")["exit_code"], 2);
    // Whatever else is in its place stays.
    let program = campaign(&CAMPAIGN.replace("last.json", "people.csv"));
    program.run(&["send", "jobs/may.toml", "--bogus"]).exits(2);
    assert_eq!(program.read("jobs/people.csv"), people(5));
}

// --- Dates ---------------------------------------------------------------------------------------------------

const NIGHTLY: &str = "\
recipients = \"export-%Y-%m-%d.csv\"
message = \"Hi {{ name }}, your order is ready\"
results = \"done-%d.csv\"
summary-json = \"last-%m.json\"
rate = \"none\"
";

/// A folder with an export for each of these dates, of other people each.
fn nights(file: &str, dates: &[&str]) -> Program {
    let program = Program::with(&[("nightly.toml", file)]);
    for (night, date) in dates.iter().enumerate() {
        let person = |i| format!("Aminah {i},{}\n", common::phone(10 * night + i));
        let people: String = (0..4).map(person).collect();
        program.write(
            &format!("export-{date}.csv"),
            format!("name,phone\n{people}"),
        );
    }
    program
}

#[test]
fn each_date_has_its_own_campaign_and_open_ones_are_named() {
    let dates = [
        "2026-04-23",
        "2026-04-24",
        "2026-04-29",
        "2026-04-30",
        "2026-05-01",
    ];
    let program = nights(NIGHTLY, &dates);
    let gateway = Gateway::accepting();
    let night = |date: &str, more: &[&str]| {
        send(
            &program,
            &gateway,
            &[&["nightly.toml", "--date", date], more].concat(),
        )
    };
    let cut_off = night("2026-04-23", &["--limit", "1"]);
    let again = "isms-campaign send nightly.toml --date 2026-04-23";
    cut_off.exits(0).says(&[again]);
    night("2026-04-24", &["--limit", "2"])
        .exits(0)
        .says(&[again]);
    night("2026-04-29", &[]).exits(0);
    let plan = program.command(&["plan", "nightly.toml", "--date", "2026-04-30"]);
    let plan = plan.env("ISMS_GATEWAY", gateway.url()).run();
    let named = "Still open in export-2026-04-24.ledger: 2 pending, 0 unknown; send what is pending: \
                 isms-campaign send nightly.toml --date 2026-04-24\n";
    assert!(plan.exits(0).stdout.contains(named), "{plan}");
    let last = night("2026-05-01", &[]);
    last.exits(0)
        .says(&[named.trim_end(), "export-2026-04-30.ledger: 4 pending"]);
    last.shows(
        !last.stderr.contains("04-23"),
        "eight days ago is not looked at",
    );
    last.shows(
        !last.stderr.contains("04-29"),
        "what is finished is not named",
    );
    assert!(program.path("done-01.csv").exists());
    assert_eq!(program.summary_json("last-05.json")["accepted"], 4);
    // The commands that were named send each message once.
    for date in ["2026-04-23", "2026-04-24", "2026-04-30"] {
        night(date, &[]).exits(0);
        program
            .run(&["verify", "nightly.toml", "--date", date])
            .exits(0);
    }
    let mut numbers = gateway.numbers_taken();
    assert_eq!(numbers.len(), 4 * dates.len());
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 4 * dates.len());
    let quiet = night("2026-05-01", &[]);
    quiet.shows(
        !quiet.stderr.contains("Still open"),
        "nothing is open any more",
    );
}

#[test]
#[allow(clippy::disallowed_methods)] // The program reads the same clock.
fn a_run_without_a_date_is_about_today() {
    let today =
        jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::get("Asia/Kuala_Lumpur").unwrap());
    let today = today.date().to_string();
    let program = nights(NIGHTLY, &[&today]);
    let plan = program
        .command(&["plan", "nightly.toml"])
        .env("TZ", "America/New_York")
        .run();
    let named = format!("isms-campaign send nightly.toml --date {today}\n");
    assert!(plan.exits(0).stdout.contains(&named), "{plan}");
    let show = format!("isms-campaign plan nightly.toml --date {today} --show 4\n");
    assert!(plan.stdout.contains(&show), "{plan}");
}

#[test]
fn plan_says_that_one_text_for_everybody_is_refused_on_the_next_night() {
    let dates = ["2026-05-01", "2026-05-02"];
    let file = NIGHTLY.replace("{{ name }}", "all");
    let says = |file: &str| {
        let program = nights(file, &dates);
        let plan = program.run(&["plan", "nightly.toml", "--date", dates[0]]);
        plan.exits(0).stdout.contains("repeat = \"20h\"")
    };
    assert!(says(&file));
    assert!(!says(&format!("{file}repeat = \"20h\"\n")));
    assert!(!says(&format!("{file}repeat = \"allow\"\n")));
    assert!(!says(NIGHTLY));
    assert!(!says(&file.replace("%Y-%m-%d.csv", "2026-05-01.csv")));
}

#[test]
fn a_dated_ledger_follows_the_date_of_its_spreadsheet() {
    let file = format!("{NIGHTLY}ledger = \"kept-%d.ledger\"\n");
    let program = nights(&file, &["2026-05-01"]);
    program
        .run(&["plan", "nightly.toml", "--date", "2026-05-01"])
        .exits(0);
    assert!(program.path("kept-01.ledger").exists());
    program
        .run(&["status", "nightly.toml", "--date", "2026-05-01"])
        .exits(0);
    let missing = ["send", "nightly.toml", "--yes", "--date", "2026-05-02"];
    let missing = program.run(&missing);
    missing
        .exits(1)
        .says(&["export-2026-05-02.csv: cannot be read", "--date"]);
    missing.says(&["Still open in kept-01.ledger"]);
    for wrong in ["2026-5-1", "2026-02-30", "today", "01.05.2026"] {
        program
            .run(&["plan", "nightly.toml", "--date", wrong])
            .exits(2)
            .says(&["2026-05-01"]);
    }
}

/// A `not-after` that is left out would be the one of the file.
#[test]
fn what_is_left_after_the_last_time_of_the_file_is_sent_as_advised() {
    let times = "start-at = \"2020-01-02 00:00\"\nnot-after = \"2020-01-01 00:00\"\n";
    let (program, gateway) = (
        campaign(&format!("{CAMPAIGN}{times}")),
        Gateway::accepting(),
    );
    let run = send(&program, &gateway, &["jobs/may.toml"]);
    run.exits(3);
    assert!(gateway.numbers_taken().is_empty());
    let last = run.stderr.lines().last().unwrap();
    let (_, advised) = last.split_once("isms-campaign send ").unwrap();
    assert!(advised.starts_with("jobs/may.toml "), "{run}");
    let words = shlex::split(advised).unwrap();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    send(&program, &gateway, &words).exits(0);
    assert_eq!(gateway.numbers_taken().len(), 4);
}

#[test]
fn a_date_without_a_spreadsheet_or_a_ledger_is_named() {
    let program = nights(NIGHTLY, &["2026-05-01"]);
    let status = |date| program.run(&["status", "nightly.toml", "--date", date]);
    for date in ["2026-04-30", "2026-05-01"] {
        status(date).exits(1).says(&[date, "names another"]);
    }
    let send = ["nightly.toml", "--date", "2026-04-30"];
    let run = program.send(&Gateway::accepting(), &send);
    run.exits(1).says(&["export-2026-04-30.csv", "--date"]);
    let summary = program.summary_json("last-04.json");
    assert_eq!(summary["campaign"], "export-2026-04-30");
}

#[test]
fn a_plan_shows_how_long_the_file_lets_it_take() {
    for (pace, time) in [
        ("rate = '30/m'", "about 8 seconds at 30/m"),
        ("spread = '8h'", "about 8 hours at "),
        ("rate = 'none'", "as fast as the gateway answers"),
    ] {
        let file = NIGHTLY.replace("rate = \"none\"", pace);
        let program = nights(&file, &["2026-05-01"]);
        let plan = program.run(&["plan", "nightly.toml", "--date", "2026-05-01"]);
        plan.exits(0);
        let line = format!("Time          {time}");
        plan.shows(plan.stdout.contains(&line), &line);
    }
}
