//! Holds the README to its word: what it shows in `sh` blocks runs here as it is typed, and its tables and options are
//! those of the program. It knows the shape of the README and no code of the crate.
//!
//! The convention: blocks marked `sh` are run from top to bottom in one folder that holds a copy of `samples/`, and
//! every line must end with 0 unless it says otherwise: `# exit 4`, or `# exit 4, then 5` for a command that is to be
//! repeated as long as it ends with the first code. A `sandbox` runs on a free port to the end of the test, which later
//! lines get in place of 8025. Everything else is in blocks marked `text`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
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

const README: &str = include_str!("../README.md");

/// Every exit code of the program.
const EXIT_CODES: [&str; 9] = ["0", "1", "2", "3", "4", "5", "75", "130", "143"];

/// Options that the README has but the program has not (or has in every command).
const NOT_OURS: [&str; 3] = ["--release", "--path", "--help"];

/// A command that is repeated has to come to its end within this many runs.
const MOST_RUNS: usize = 7;

/// Bounds the wait for the sandbox to listen.
const PATIENCE: Duration = Duration::from_secs(20);

// --- What it shows works --------------------------------------------------------------------------------------

#[test]
fn the_examples_run_as_they_are_typed() {
    let mut reader = Snapshot::new();
    let examples = examples(README);
    assert!(
        examples[0].command.starts_with("cargo run --release -- "),
        "the first thing to try works from a fresh clone: {:?}",
        examples[0]
    );
    for example in &examples {
        let runs = reader.types(example);
        if example.command.contains("send samples/faults.csv") {
            let phrase = "after three to seven runs it ends with 5 and everything is settled: 22 accepted, 7 refused, 5 unknown";
            assert!(in_one_line(README).contains(phrase));
            assert!((3..=MOST_RUNS).contains(&runs), "{runs} runs");
            let faults = [("accepted", 22), ("refused", 7), ("unknown", 5)];
            reader.ends_with("samples/faults", "", &faults);
        }
    }
    reader.ends_with("samples/broadcast", ".sandbox", &[("accepted", 200)]);
    let resolved = [("accepted", 24), ("refused", 7), ("unknown", 3)];
    reader.ends_with("samples/faults", "", &resolved);
    for ledger in ["samples/personalised", "samples/faults", "samples/again"] {
        verifies(&reader.program, &format!("{ledger}.ledger"));
    }
}

// --- What it says is so ---------------------------------------------------------------------------------------

#[test]
fn the_tables_are_complete() {
    assert_eq!(first_cells("column"), OUR_COLUMNS);
    assert_eq!(first_cells("status"), STATUSES);
    assert_eq!(first_cells("exit code"), EXIT_CODES);
    for key in SUMMARY_KEYS {
        assert!(
            README.contains(&format!("`{key}`")),
            "the summary's {key} is missing"
        );
    }
    for sample in fs::read_dir(repository().join("samples")).unwrap() {
        let name = sample.unwrap().file_name().into_string().unwrap();
        assert!(
            README.contains(&name) || generated(&name),
            "samples/{name} is missing"
        );
    }
}

#[test]
fn it_names_every_command_and_option_and_no_other() {
    let help = Program::new();
    let commands = commands(&help.run(&["--help"]).exits(0).stdout);
    assert!(commands.len() > 5, "{commands:?}");
    let mut options = BTreeSet::new();
    for command in &commands {
        let named = [format!("isms-campaign {command}"), format!("`{command}`")];
        assert!(
            named.iter().any(|name| README.contains(name)),
            "{command} is missing"
        );
        options.extend(options_in(&help.run(&[command, "--help"]).exits(0).stdout));
    }
    let ours = |option: &String| !NOT_OURS.contains(&option.as_str());
    let written: BTreeSet<String> = options_in(README).into_iter().filter(ours).collect();
    options.retain(ours);
    let missing: Vec<_> = options.difference(&written).collect();
    assert!(missing.is_empty(), "the README does not name {missing:?}");
    let invented: Vec<_> = written.difference(&options).collect();
    assert!(invented.is_empty(), "there is no {invented:?}");
}

/// A sentence that names the test that proves it, `tests/send.rs::name` or `src/ledger/tests.rs::name`, can be checked.
#[test]
fn every_test_it_names_exists() {
    let missing: Vec<String> = tests_named(README)
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

struct Snapshot {
    program: Program,
    /// What they have exported.
    environment: BTreeMap<String, String>,
    sandbox: Option<Sandbox>,
}

impl Snapshot {
    fn new() -> Self {
        let program = Program::new();
        fs::create_dir(program.path("samples")).unwrap();
        for sample in fs::read_dir(repository().join("samples")).unwrap() {
            let sample = sample.unwrap();
            let name = sample.file_name().into_string().unwrap();
            if !generated(&name) {
                fs::copy(sample.path(), program.path("samples").join(name)).unwrap();
            }
        }
        Self {
            program,
            environment: BTreeMap::new(),
            sandbox: None,
        }
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
        let last = *example.exits.last().unwrap();
        for run in 1..=MOST_RUNS {
            let ended = self.run(&words);
            let due = if run == 1 { example.exits[0] } else { last };
            if ended.code == Some(last) || run == 1 {
                ended.exits(due);
            } else {
                ended.exits(example.exits[0]);
            }
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
    fn ends_with(&self, sample: &str, practice: &str, expected: &[(&str, usize)]) {
        let results = format!("{sample}{practice}.results.csv");
        let rows = rows_in_are_rows_out(&self.program, &format!("{sample}.csv"), &results);
        assert_eq!(count_statuses(&rows), counts(expected), "{results}");
    }
}

/// The program's practice gateway in a process of its own, until this is dropped.
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

// --- The README's shape ---------------------------------------------------------------------------------------

/// A command that the README shows.
#[derive(Debug, PartialEq, Eq)]
struct Example {
    command: String,
    /// The code it ends with; of two, the first until it is the second.
    exits: Vec<i32>,
}

/// The lines of all blocks marked `sh`.
fn examples(markdown: &str) -> Vec<Example> {
    let mut examples = Vec::new();
    let mut block = None;
    for line in markdown.lines() {
        match (line.strip_prefix("```"), block) {
            (Some(marked), None) => {
                assert!(["sh", "text"].contains(&marked), "mark this block: {line}");
                block = Some(marked);
            }
            (Some(_), Some(_)) => block = None,
            (None, Some("sh")) if !line.trim().is_empty() => examples.push(example(line)),
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
fn first_cells(header: &str) -> Vec<String> {
    let first = |line: &str| {
        line.split('|')
            .nth(1)
            .map(|cell| cell.trim().replace('`', ""))
    };
    README
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

/// Whether a source has a function of this name that is marked as a test.
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
    false
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

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_convention_is_read_as_it_is_meant() {
    let markdown = "x\n```text\nrm -r /\n```\n```sh\nisms-campaign plan a.csv\n\nexport A=b  # exit 4, then 5\n```\ny";
    let expected = [
        ("isms-campaign plan a.csv", vec![0]),
        ("export A=b", vec![4, 5]),
    ];
    let expected = expected.map(|(command, exits)| Example {
        command: command.to_owned(),
        exits,
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
fn a_test_that_is_named_and_not_there_is_noticed() {
    let markdown =
        "| never twice | `tests/a.rs::one`, `src/b/tests.rs::two` |\n`src/lib.rs` and `a.rs::b`";
    let named = [("tests/a.rs", "one"), ("src/b/tests.rs", "two")];
    let named = named.map(|(file, name)| (file.to_owned(), name.to_owned()));
    assert_eq!(tests_named(markdown), named);
    let source = "fn no() {}\n  #[test]\n  #[ignore = \"long\"]\n  fn one() {\n}\n// fn two() {}\nfn three() {}";
    let found = ["one", "on", "two", "three", "no"].map(|name| has_test(source, name));
    assert_eq!(found, [true, false, false, false, false]);
}
