//! Checks the README and the guide against the program: their commands run and print what they say,
//! and their tables and options are those of the program.
//!
//! Blocks marked `sh` are run, those of one page from top to bottom in one folder that holds `samples/` and the files
//! that the README has its reader make. Every line must end with 0 unless it says otherwise: `# exit 4`, or
//! `# exit 4, then 5` for a command that is repeated as long as it ends with the first code. Messages go to a sandbox,
//! and the reader answers every question with yes. A `sandbox` runs on a free port to the end of the page, which later
//! lines get in place of 8025. A block marked `output` holds some of the lines that the command before it prints, in
//! their order. Everything else is in blocks marked `text`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use common::program::Run;
use common::{
    OUR_COLUMNS, Program, STATUSES, SUMMARY_KEYS, count_statuses, counts, rows_in_are_rows_out,
    verifies,
};
use isms_campaign::guide::TOPICS;
use zip::write::{SimpleFileOptions, ZipWriter};

const README: &str = include_str!("../README.md");

/// A front page is read to its end.
const README_LINES: usize = 150;
/// The longest line of the README outside tables.
const README_WIDTH: usize = 160;

/// Every exit code of the program.
const EXIT_CODES: [&str; 9] = ["0", "1", "2", "3", "4", "5", "75", "130", "143"];

/// Options that the pages have but the program has not (or has in every command).
const NOT_OURS: [&str; 4] = ["--release", "--path", "--install", "--help"];

/// A command that is repeated has to come to its end within this many runs.
const MOST_RUNS: usize = 7;

/// The number in the orders that cannot be used.
const INVALID_NUMBER: &str = "04-226 1782";

/// Bounds the wait for the sandbox to listen.
const PATIENCE: Duration = Duration::from_secs(20);

// --- What the pages show works --------------------------------------------------------------------------------

#[test]
fn the_commands_of_the_readme_work() {
    let examples = examples(README);
    assert!(
        examples[0].command.starts_with("cargo run --release -- "),
        "the first thing to try works from a fresh clone: {:?}",
        examples[0]
    );
    let mut reader = ExampleRunner::new();
    for example in &examples {
        reader.types(example);
        if example.command.contains(" plan ") {
            reader.corrects_the_spreadsheet();
        }
    }
    reader.ends_with("samples/broadcast", ".sandbox", &[("accepted", 200)]);
    let (reached, left) = (reader.statuses("customers"), reader.statuses("customers-2"));
    assert_eq!(reached, counts(&[("accepted", 198), ("suppressed", 2)]));
    assert_eq!(left, counts(&[("suppressed", 200)]));
    assert!(README.contains(&fs::read_to_string(sample("personalised.txt")).unwrap()));
}

/// The reader sees a wrong text on the phone after the first five messages, and does not send the rest of them.
#[test]
fn a_wrong_text_reaches_only_the_first_few() {
    let mut reader = ExampleRunner::new();
    reader.corrects_the_spreadsheet();
    for example in &examples(README) {
        let command = &example.command;
        if ["export ", "--limit 5", "cancel ", "reached.csv"]
            .iter()
            .any(|part| command.contains(part))
        {
            reader.types(example);
        }
    }
    reader.run(&words("results customers.ledger")).exits(0);
    let stopped = [("accepted", 5), ("cancelled", 193), ("suppressed", 2)];
    assert_eq!(reader.statuses("customers"), counts(&stopped));
    let corrected = [("accepted", 193), ("suppressed", 7)];
    assert_eq!(reader.statuses("customers-2"), counts(&corrected));
}

#[test]
fn the_commands_of_the_guide_work() {
    for topic in TOPICS {
        let examples = examples(topic.text);
        let mut reader = ExampleRunner::new();
        if topic.name == "many-hosts" {
            let Some(server) = common::postgres::server() else {
                continue;
            };
            let store = server.database("examples");
            for (name, value) in [("STORE", &*store), ("USERNAME", "k"), ("PASSWORD", "p")] {
                let name = format!("ISMS_{name}");
                reader.environment.insert(name, value.to_owned());
            }
        }
        for example in &examples {
            let runs = reader.types(example);
            if example.command.contains("send samples/faults.csv") {
                let phrase = "after three to seven runs it ends with 5 and nothing is pending: 22 accepted, 7 refused, 5 unknown";
                assert!(in_one_line(topic.text).contains(phrase));
                assert!((3..=MOST_RUNS).contains(&runs), "{runs} runs");
                let faults = [("accepted", 22), ("refused", 7), ("unknown", 5)];
                reader.ends_with("samples/faults", "", &faults);
            }
        }
        if topic.name == "sandbox" {
            let resolved = [("accepted", 24), ("refused", 7), ("unknown", 3)];
            reader.ends_with("samples/faults", "", &resolved);
            for ledger in ["samples/personalised", "samples/faults", "samples/again"] {
                verifies(&reader.program, &format!("{ledger}.ledger"));
            }
        }
    }
}

/// The nightly script, with the program and `sleep` replaced: it is quiet when everything was sent, runs again after
/// 75, and prints something for every other end.
#[test]
fn the_nightly_script_calls_somebody_when_it_must() {
    for (first, quiet) in [
        (0, true),
        (3, true),
        (75, true),
        (4, false),
        (5, false),
        (1, false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).unwrap();
            let mode = fs::Permissions::from_mode(0o700);
            fs::set_permissions(folder.path().join(name), mode).unwrap();
        };
        let program = format!(
            "#!/bin/sh\necho \"$@\" >> runs\necho why >&2\n[ $(wc -l < runs) -gt 1 ] || exit {first}\n"
        );
        write("isms-campaign", &program);
        write("sleep", "#!/bin/sh\n");
        let script = script().replace("/srv/sms", folder.path().to_str().unwrap());
        write("nightly.sh", &script);
        let path = format!("{}:{}", folder.path().display(), env!("PATH"));
        let run = Command::new("sh")
            .arg(folder.path().join("nightly.sh"))
            .env("PATH", path)
            .env("HOME", folder.path())
            .output()
            .unwrap();
        let printed = String::from_utf8(run.stdout).unwrap() + str::from_utf8(&run.stderr).unwrap();
        assert_eq!(printed.is_empty(), quiet, "{first}: {printed}");
        assert_eq!(printed.contains("why"), !quiet, "{first}: {printed}");
        let runs = fs::read_to_string(folder.path().join("runs")).unwrap();
        let runs: Vec<&str> = runs.lines().collect();
        assert_eq!(
            runs.len(),
            if first == 75 { 2 } else { 1 },
            "{first}: {runs:?}"
        );
        assert!(runs.iter().all(|run| *run == runs[0]), "{first}: {runs:?}");
    }
}

// --- What the pages say is true -------------------------------------------------------------------------------

#[test]
fn the_readme_is_a_front_page() {
    assert!(README.lines().count() <= README_LINES);
    for line in README.lines().filter(|line| !line.starts_with('|')) {
        assert!(line.chars().count() <= README_WIDTH, "{line}");
    }
    for topic in TOPICS {
        assert!(
            README.contains(&format!("`{}`", topic.name)),
            "{}",
            topic.name
        );
    }
}

#[test]
fn the_tables_are_complete() {
    let all = everything();
    assert_eq!(first_cells(README, "status"), STATUSES);
    assert_eq!(first_cells(page("results"), "column"), OUR_COLUMNS);
    assert_eq!(first_cells(page("results"), "status"), STATUSES);
    assert_eq!(first_cells(page("scheduling"), "exit code"), EXIT_CODES);
    for key in SUMMARY_KEYS {
        assert!(
            all.contains(&format!("`{key}`")),
            "the summary's {key} is missing"
        );
    }
    for sample in fs::read_dir(sample("")).unwrap() {
        let name = sample.unwrap().file_name().into_string().unwrap();
        assert!(
            all.contains(&name) || generated(&name),
            "samples/{name} is missing"
        );
    }
}

#[test]
fn they_name_every_command_and_option_and_no_other() {
    let all = everything();
    let help = Program::new();
    let commands = commands(&help.run(&["--help"]).exits(0).stdout);
    assert!(commands.len() > 5, "{commands:?}");
    let mut options = BTreeSet::new();
    for command in &commands {
        let named = [format!("isms-campaign {command}"), format!("`{command}`")];
        assert!(
            named.iter().any(|name| all.contains(name)),
            "{command} is missing"
        );
        options.extend(options_in(&help.run(&[command, "--help"]).exits(0).stdout));
    }
    let ours = |option: &String| !NOT_OURS.contains(&option.as_str());
    let written: BTreeSet<String> = options_in(&all).into_iter().filter(ours).collect();
    options.retain(ours);
    let missing: Vec<_> = options.difference(&written).collect();
    assert!(missing.is_empty(), "no page names {missing:?}");
    let invented: Vec<_> = written.difference(&options).collect();
    assert!(invented.is_empty(), "there is no {invented:?}");
}

/// A sentence that names the test that proves it, `tests/send.rs::name` or `src/ledger/tests.rs::name`, can be checked.
#[test]
fn every_test_they_name_exists() {
    let named = tests_named(&everything());
    assert!(named.len() > 50, "{named:?}");
    let missing: Vec<String> = named
        .into_iter()
        .filter(|(file, name)| {
            !has_test(
                &fs::read_to_string(repository().join(file)).unwrap_or_default(),
                name,
            )
        })
        .map(|(file, name)| format!("{file}::{name}"))
        .collect();
    assert!(missing.is_empty(), "there is no {missing:?}");
}

// --- Somebody who types the examples --------------------------------------------------------------------------

struct ExampleRunner {
    program: Program,
    /// What they have exported, and the gateway that takes their messages.
    environment: BTreeMap<String, String>,
    /// Takes what is sent for real.
    _gateway: Sandbox,
    /// The one that they started.
    sandbox: Option<Sandbox>,
}

impl ExampleRunner {
    fn new() -> Self {
        let program = Program::new();
        fs::create_dir(program.path("samples")).unwrap();
        for entry in fs::read_dir(sample("")).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if !generated(&name) && entry.path().is_file() {
                fs::copy(entry.path(), program.path("samples").join(name)).unwrap();
            }
        }
        for (name, copy) in [
            ("personalised.txt", "message.txt"),
            ("opted-out.csv", "opted-out.csv"),
        ] {
            fs::copy(sample(name), program.path(copy)).unwrap();
        }
        let text = fs::read_to_string(sample("personalised.txt")).unwrap();
        program.write("message-2.txt", text.replace("ready", "ready now"));
        let orders = fs::read_to_string(sample("personalised.csv")).unwrap();
        program.write("customers.xlsx", workbook(&orders));
        let gateway = Sandbox::start(&["sandbox".to_owned()], program.path(""));
        let url = format!("http://{}/RESTAPI.php", gateway.address);
        Self {
            program,
            environment: [("ISMS_GATEWAY".to_owned(), url)].into(),
            _gateway: gateway,
            sandbox: None,
        }
    }

    /// Gives the invalid row of the orders a number that can be used, in the spreadsheet and in its copy.
    fn corrects_the_spreadsheet(&self) {
        let orders = fs::read_to_string(sample("personalised.csv")).unwrap();
        let corrected = workbook(&orders.replace(INVALID_NUMBER, "012-555 1234"));
        self.program.write("customers.xlsx", &corrected);
        self.program.write("customers-2.xlsx", &corrected);
    }

    /// Types one example, as often as it says. Returns how often.
    fn types(&mut self, example: &Example) -> usize {
        let mut words = words(&example.command);
        match words.remove(0).as_str() {
            "export" => {
                for assignment in words {
                    let (name, value) = assignment.split_once('=').expect("NAME=value");
                    self.environment.insert(name.to_owned(), value.to_owned());
                }
                return 1;
            }
            "cargo" => assert_eq!(
                words.drain(..3).collect::<Vec<_>>(),
                ["run", "--release", "--"]
            ),
            "isms-campaign" => {}
            other => panic!("{other} cannot be run here: make it a text block"),
        }
        if words[0] == "sandbox" {
            self.sandbox = Some(Sandbox::start(&words, self.program.path("")));
            return 1;
        }
        if matches!(&*words[0], "send" | "test" | "cancel") && !words.contains(&"--yes".to_owned())
        {
            words.push("--yes".to_owned());
        }
        // A terminal shows texts, which a log gets only with this.
        if ["plan", "send"].contains(&words[0].as_str()) {
            words.push("-v".to_owned());
        }
        let last = *example.exits.last().unwrap();
        for run in 1..=MOST_RUNS {
            let ended = self.run(&words);
            let due = if run == 1 { example.exits[0] } else { last };
            if ended.code == Some(last) || run == 1 {
                ended.exits(due);
            } else {
                ended.exits(example.exits[0]);
            }
            prints(&ended, &example.output);
            if ended.code == Some(last) {
                return run;
            }
        }
        panic!("{example:?} did not come to its end in {MOST_RUNS} runs");
    }

    fn run(&self, words: &[String]) -> Run {
        let address = self
            .sandbox
            .as_ref()
            .map(|sandbox| sandbox.address.as_str());
        let words: Vec<String> = words
            .iter()
            .map(|word| word.replace("127.0.0.1:8025", address.unwrap_or("127.0.0.1:8025")))
            .collect();
        let command = self.program.command(&words);
        self.environment
            .iter()
            .fold(command, |command, (name, value)| command.env(name, value))
            .run()
    }

    /// Panics unless every row of a sample is accounted for like this.
    #[track_caller]
    fn ends_with(&self, sample: &str, sandbox: &str, expected: &[(&str, usize)]) {
        let results = format!("{sample}{sandbox}.results.csv");
        let rows = rows_in_are_rows_out(&self.program, &format!("{sample}.csv"), &results);
        assert_eq!(count_statuses(&rows), counts(expected), "{results}");
    }

    /// How many rows of a campaign's results have each status.
    fn statuses(&self, campaign: &str) -> BTreeMap<String, usize> {
        count_statuses(&self.program.results(&format!("{campaign}.results.csv")))
    }
}

/// Panics unless a run printed these lines in this order, with any others between them.
#[track_caller]
fn prints(run: &Run, expected: &[String]) {
    let printed = format!("{}{}", run.stdout, run.stderr);
    let mut lines = printed.lines();
    for line in expected {
        assert!(
            lines.any(|printed| without_time(printed).trim_end() == line),
            "{line:?} is not printed, or not here:\n{printed}"
        );
    }
}

/// A line of standard error without the time, which a terminal does not show.
fn without_time(line: &str) -> &str {
    match line.split_once(' ') {
        Some((time, rest)) if time.starts_with("20") && time.contains('T') => rest,
        _ => line,
    }
}

/// A workbook with one sheet of text cells: the rows of a CSV without quotes.
fn workbook(csv: &str) -> Vec<u8> {
    let cell = |text: &str| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let row = |line: &str| {
        format!(
            "<row>{}</row>",
            line.split(',').map(cell).collect::<String>()
        )
    };
    let rows: String = csv.lines().map(row).collect();
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let parts = [
        ("[Content_Types].xml", "<Types/>".to_owned()),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{package}\"><Relationship Id=\"a\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{package}\"><Relationship Id=\"b\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets><sheet name=\"Orders\" sheetId=\"1\" r:id=\"b\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>"),
        ),
    ];
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, xml) in parts {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(xml.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A sandbox in a process of its own, until this is dropped.
struct Sandbox {
    process: Child,
    /// Where it listens.
    address: String,
}

impl Sandbox {
    fn start(words: &[String], folder: impl AsRef<Path>) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_isms-campaign"))
            .args(words)
            .args(["--listen", "127.0.0.1:0"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap());
        let (tell, told) = channel();
        thread::spawn(move || {
            let mut line = String::new();
            said.read_line(&mut line).unwrap();
            tell.send(line).unwrap();
            // What it says later must not block it.
            std::io::copy(&mut said, &mut std::io::sink()).unwrap();
        });
        let mut sandbox = Self {
            process,
            address: String::new(),
        };
        let line = told
            .recv_timeout(PATIENCE)
            .expect("the sandbox said nothing");
        let (_, rest) = line
            .split_once("http://")
            .unwrap_or_else(|| panic!("{line}"));
        let (address, _) = rest.split_once('/').unwrap_or_else(|| panic!("{line}"));
        address.clone_into(&mut sandbox.address);
        sandbox
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ended_already = self.process.kill();
        let _nothing_to_tell = self.process.wait();
    }
}

// --- The shape of the pages -----------------------------------------------------------------------------------

/// A command that a page shows.
#[derive(Debug, PartialEq, Eq)]
struct Example {
    command: String,
    /// The code it ends with; of two, the first until it is the second.
    exits: Vec<i32>,
    /// Lines that it prints.
    output: Vec<String>,
}

/// The lines of all blocks marked `sh`, with those of the `output` block after them.
fn examples(markdown: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut block = None;
    for line in markdown.lines() {
        match (line.strip_prefix("```"), block) {
            (Some(marked), None) => {
                assert!(
                    ["sh", "output", "text"].contains(&marked),
                    "mark this block: {line}"
                );
                block = Some(marked);
            }
            (Some(_), Some(_)) => block = None,
            (None, Some("sh")) if !line.trim().is_empty() => examples.push(example(line)),
            (None, Some("output")) => {
                let example = examples.last_mut().expect("output of a command");
                example.output.push(line.trim_end().to_owned());
            }
            (None, _) => {}
        }
    }
    examples
}

fn example(line: &str) -> Example {
    let (command, exits) = line.split_once("# exit ").unwrap_or((line, "0"));
    Example {
        command: command.trim().to_owned(),
        exits: exits
            .split(", then ")
            .map(|code| code.trim().parse().expect("a code"))
            .collect(),
        output: Vec::new(),
    }
}

/// The words of a command line, with quotes as a shell takes them and nothing else that a shell would do.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (c, quote) {
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (_, Some(open)) if c == open => quote = None,
            (' ', None) => words.extend(word.take()),
            _ => {
                assert!(
                    quote.is_some() || !"|&;<>$`\\".contains(c),
                    "only a shell can run {line:?}: make it a text block"
                );
                word.get_or_insert_default().push(c);
            }
        }
    }
    words.extend(word);
    words
}

/// The first cells of the table whose first column has this header, without their backticks.
fn first_cells(markdown: &str, header: &str) -> Vec<String> {
    let first = |line: &str| {
        line.split('|')
            .nth(1)
            .map(|cell| cell.trim().replace('`', ""))
    };
    markdown
        .lines()
        .skip_while(|line| !line.starts_with('|') || first(line).as_deref() != Some(header))
        .skip(2)
        .map_while(first)
        .collect()
}

/// The subcommands in a help text.
fn commands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // A line that goes on with the one before is further in.
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|word| !word.is_empty() && *word != "help")
        .map(str::to_owned)
        .collect()
}

/// Everything that looks like a long option.
fn options_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_lowercase() && c != '-')
        .filter(|word| {
            word.strip_prefix("--")
                .is_some_and(|name| name.starts_with(|c: char| c != '-'))
        })
        .map(str::to_owned)
        .collect()
}

/// What stands in backticks as `file.rs::name`, the file under `src/` or `tests/`.
fn tests_named(markdown: &str) -> Vec<(String, String)> {
    markdown
        .split('`')
        .filter(|code| {
            ["src/", "tests/"]
                .iter()
                .any(|folder| code.starts_with(folder))
        })
        .filter_map(|code| code.split_once(".rs::"))
        .map(|(file, name)| (format!("{file}.rs"), name.to_owned()))
        .collect()
}

/// Whether a source has a test of this name.
fn has_test(source: &str, name: &str) -> bool {
    let mut marked = false;
    for line in source.lines().map(str::trim) {
        if line == "#[test]" {
            marked = true;
        } else if let Some(rest) = line.strip_prefix("fn ") {
            let here = rest
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('('));
            if here && marked {
                return true;
            }
            marked = false;
        }
    }
    // Tests that every backend passes are listed in a macro.
    let listed = source
        .split_once("on_every_backend!(")
        .map(|(_, rest)| rest);
    let mut listed = listed.into_iter().filter_map(|rest| rest.split(')').next());
    listed.any(|names| names.split(',').any(|one| one.trim() == name))
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a file in `samples/` is what somebody's own try left there.
fn generated(name: &str) -> bool {
    [".ledger", ".results."]
        .iter()
        .any(|mark| name.contains(mark))
        || ["again.csv", "outbox.csv"].contains(&name)
}

/// The nightly script of the README.
fn script() -> String {
    let lines = README
        .lines()
        .skip_while(|line| !line.starts_with("cd /srv/sms"));
    let lines: Vec<&str> = lines.take_while(|line| *line != "```").collect();
    lines.join("\n")
}

/// The README and all pages of the guide.
fn everything() -> String {
    let pages: Vec<&str> = [README]
        .into_iter()
        .chain(TOPICS.iter().map(|topic| topic.text))
        .collect();
    pages.join("\n")
}

/// A page of the guide.
fn page(name: &str) -> &'static str {
    let topic = TOPICS.iter().find(|topic| topic.name == name);
    topic.expect("a page of this name").text
}

fn sample(name: &str) -> std::path::PathBuf {
    repository().join("samples").join(name)
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_marks_of_a_block_are_read() {
    let markdown = "x\n```text\nrm -r /\n```\n```sh\nisms-campaign plan a.csv\n\nexport A=b  # exit 4, then 5\n```\ny\n```output\nz\n```\n";
    let expected = [
        ("isms-campaign plan a.csv", vec![0], vec![]),
        ("export A=b", vec![4, 5], vec!["z".to_owned()]),
    ];
    let expected = expected.map(|(command, exits, output)| Example {
        command: command.to_owned(),
        exits,
        output,
    });
    assert_eq!(examples(markdown), expected);
    assert_eq!(
        words("send --message \"Hi {{ name|d('x') }}\" --note '' -"),
        [
            "send",
            "--message",
            "Hi {{ name|d('x') }}",
            "--note",
            "",
            "-"
        ]
    );
    let options: Vec<_> = options_in("`--a-b C` ---- -v --rate=30/s a--")
        .into_iter()
        .collect();
    assert_eq!(options, ["--a-b", "--rate"]);
}

#[test]
fn a_missing_test_is_detected() {
    let markdown =
        "| never twice | `tests/a.rs::one`, `src/b/tests.rs::two` |\n`src/lib.rs` and `a.rs::b`";
    let named = [("tests/a.rs", "one"), ("src/b/tests.rs", "two")];
    let named = named.map(|(file, name)| (file.to_owned(), name.to_owned()));
    assert_eq!(tests_named(markdown), named);
    let source = "fn no() {}\n  #[test]\n  #[ignore = \"long\"]\n  fn one() {\n}\n// fn two() {}\nfn three() {}";
    let found = ["one", "on", "two", "three", "no"].map(|name| has_test(source, name));
    assert_eq!(found, [true, false, false, false, false]);
}
