//! Reads `src/` and fails on a stray import: which folder may know which, and where each outside crate lives, is
//! the table below. It knows Rust's tokens as far as paths need them, and no macro.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which modules a module may import besides itself and `error`, which everybody may. A module that is not listed
/// may import nothing.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    ("lib", &[]),
    (
        "cli",
        &[
            "dispatch", "domain", "gateway", "guide", "ledger", "planning", "results", "sandbox",
            "source",
        ],
    ),
    ("planning", &["source", "ledger", "lint", "domain"]),
    ("dispatch", &["ledger", "gateway", "domain"]),
    ("source", &["domain"]),
    ("ledger", &["domain"]),
    ("gateway", &["domain"]),
    ("results", &["ledger", "domain", "gateway"]), // gateway: what a code means
    ("lint", &["domain"]),
    ("domain", &[]),
    ("guide", &[]),
    ("sandbox", &[]),
    ("error", &[]),
];

/// Where each outside crate may be used: beginnings of paths under `src/`. A crate of Cargo.toml that is missing
/// here fails the test: its home is a decision.
const HOMES: &[(&str, &[&str])] = &[
    ("axum", &["sandbox"]),
    ("blake3", &["source", "domain/batching.rs"]),
    ("calamine", &["source/"]),
    ("clap", &["cli"]),
    ("cfb", &["source/workbook"]),
    ("csv", &["source", "results.rs", "sandbox"]),
    ("encoding_rs", &["source/"]),
    ("encoding_rs_io", &["source/"]),
    ("fastrand", &["dispatch", "cli/prepare.rs"]),
    ("flate2", &["source/"]),
    ("governor", &["dispatch/throttle.rs"]),
    ("hashbrown", &["domain"]),
    ("indicatif", &["cli"]),
    (
        "jiff",
        &["domain", "cli", "sandbox", "gateway/http.rs", "ledger"],
    ),
    ("minijinja", &["domain/template"]),
    ("rayon", &["planning"]),
    ("regex", &["lint"]),
    ("rlibphonenumber", &["domain/msisdn"]),
    ("rusqlite", &["ledger"]),
    ("serde", &[""]),
    ("serde_json", &["cli", "ledger", "gateway/isms/reply.rs"]),
    ("shlex", &["cli/paths.rs"]),
    ("signal_hook", &["cli"]),
    ("strsim", &["domain", "lint"]),
    (
        "thiserror",
        &["error.rs", "domain", "gateway/isms/reply.rs"],
    ),
    ("tokio", &["sandbox"]),
    ("tracing", &[""]),
    ("tracing_subscriber", &["cli"]),
    ("unicode_normalization", &["domain", "source"]),
    ("ureq", &["gateway"]),
    ("zip", &["source/workbook"]),
];

/// What the pure core has no use for: it is handed its input and hands back its result.
const NOT_IN_THE_CORE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
];

/// Lines of a file without its tests.
const LONGEST_FILE: usize = 500;

// --- The rules on the real sources ---------------------------------------------------------------------------

#[test]
fn imports_point_one_way() {
    let faults: Vec<String> = sources().iter().flat_map(faults_of).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_dependency_has_a_home() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let homeless: Vec<String> = dependencies(&manifest)
        .into_iter()
        .filter(|name| !HOMES.iter().any(|(known, _)| known == name))
        .collect();
    assert!(
        homeless.is_empty(),
        "say in HOMES where they live: {homeless:?}"
    );
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| source.lines > LONGEST_FILE)
        .map(|source| {
            format!(
                "src/{}: {} lines without its tests",
                source.path, source.lines
            )
        })
        .collect();
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = sources()
        .iter()
        .filter(|source| !source.text.starts_with("//!"))
        .map(|source| format!("src/{} does not begin with //!", source.path))
        .collect();
    assert!(silent.is_empty(), "\n{}", silent.join("\n"));
}

// --- The rules on made-up sources: a rule that finds nothing is worth nothing --------------------------------

#[test]
fn a_stray_import_is_found() {
    let strays: &[(&str, &str, &str)] = &[
        ("ledger/plan.rs", "use crate::dispatch::Loop;", "dispatch"),
        (
            "ledger/mod.rs",
            "use crate::{domain::Msisdn, cli::Progress};",
            "cli",
        ),
        (
            "source/mod.rs",
            "fn f() { crate::planning::run(); }",
            "planning",
        ),
        (
            "domain/text.rs",
            "use super::super::ledger::Ledger;",
            "ledger",
        ),
        ("domain/mod.rs", "use super::ledger::Ledger;", "ledger"),
        ("sandbox/mod.rs", "use crate::gateway::Code;", "gateway"),
        ("main.rs", "use isms_campaign::ledger::Ledger;", "ledger"),
        ("dispatch/mod.rs", "use rusqlite::Connection;", "rusqlite"),
        ("cli/send.rs", "fn f() -> ureq::Agent { x }", "ureq"),
        ("dispatch/mod.rs", "use ::governor::Quota;", "governor"),
        (
            "planning/mod.rs",
            "use {csv::Reader, rayon::prelude::*};",
            "csv",
        ),
        ("cli/mod.rs", "use minijinja as jinja;", "minijinja"),
        ("domain/text.rs", "use std::{fmt, fs};", "std::fs"),
        (
            "domain/text.rs",
            "use std::time::{Duration, SystemTime};",
            "std::time::SystemTime",
        ),
        (
            "domain/text.rs",
            "fn f() { std::thread::spawn(g); }",
            "std::thread",
        ),
        ("newcomer.rs", "use crate::domain::Msisdn;", "domain"),
    ];
    for (path, text, stray) in strays {
        let faults = faults_of(&Source::new(path, text));
        assert_eq!(faults.len(), 1, "{path}: {text}: {faults:?}");
        assert!(faults[0].contains(stray), "{path}: {text}: {faults:?}");
        assert!(
            faults[0].starts_with(&format!("src/{path}:1: ")),
            "{faults:?}"
        );
    }
}

#[test]
fn what_is_allowed_is_let_through() {
    let fine: &[(&str, &str)] = &[
        (
            "dispatch/mod.rs",
            "use crate::{Error, Result, ledger, gateway::{Outcome, Code}};",
        ),
        (
            "dispatch/throttle.rs",
            "use governor::Quota; use super::stop::StopReason; use self::x::y;",
        ),
        (
            "ledger/mod.rs",
            "// use crate::cli;\n/* crate::cli /* nested */ ureq::x */ use rusqlite::Row;",
        ),
        (
            "ledger/mod.rs",
            "const S: &str = \"crate::cli::x\"; const R: &str = r#\"ureq::\"x\"\"#;",
        ),
        (
            "domain/text.rs",
            "#[cfg(test)] mod tests { use std::fs; use crate::ledger::Ledger; }",
        ),
        (
            "domain/text.rs",
            "#[cfg(test)]\n#[allow(clippy::unwrap_used)]\nmod tests { use crate::cli; }",
        ),
        (
            "domain/text.rs",
            "#[cfg(test)] use crate::cli::{a, b}; use crate::error::Error;",
        ),
        (
            "domain/text.rs",
            "use std::time::Duration; fn f<'a>(c: &'a str) -> char { '\"' }",
        ),
        (
            "source/mod.rs",
            "mod csv; fn f() { self::csv::read(); let x = a.csv; }",
        ),
        ("lib.rs", "pub mod domain; pub use error::{Error, Result};"),
        ("main.rs", "use isms_campaign::cli;"),
    ];
    for (path, text) in fine {
        let faults = faults_of(&Source::new(path, text));
        assert!(faults.is_empty(), "{path}: {text}: {faults:?}");
    }
}

#[test]
fn tests_do_not_count_as_lines() {
    let text =
        "//! x\nfn f() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n    fn g() {}\n}\nfn h() {}\n";
    assert_eq!(Source::new("domain/text.rs", text).lines, 3);
}

#[test]
fn dependencies_are_read_out_of_the_manifest() {
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\na-b = \"1\"\nc = { version = \"2\" }\n\n[dev-dependencies]\nd = \"3\"\n";
    assert_eq!(dependencies(manifest), ["a_b", "c"]);
}

// --- How a stray import is found ------------------------------------------------------------------------------

/// What is wrong with the imports of a file: `src/path:line: sentence`.
fn faults_of(source: &Source) -> Vec<String> {
    let module = source.module();
    let allowed = MAY_IMPORT
        .iter()
        .find(|(name, _)| *name == module)
        .map_or(&[][..], |(_, allowed)| *allowed);
    let modules: BTreeSet<&str> = MAY_IMPORT.iter().map(|(name, _)| *name).collect();
    let mut faults = BTreeSet::new();
    for found in paths(&source.tokens) {
        let path = source.resolved(&found.segments);
        let first = path.first().map_or("", String::as_str);
        let mut fault = |what: String| {
            faults.insert((found.line, what));
        };
        if first == "crate" {
            let target = path.get(1).map_or("", String::as_str);
            let known = modules.contains(target);
            if known && target != module && target != "error" && !allowed.contains(&target) {
                fault(format!("{module} must not know {target}"));
            }
        }
        let stray = HOMES.iter().find(|(name, homes)| {
            *name == first && !homes.iter().any(|home| source.path.starts_with(home))
        });
        if let Some((name, homes)) = stray {
            fault(format!("{name} lives in {}", homes.join(", ")));
        }
        if module == "domain" {
            let path = path.join("::");
            for barred in NOT_IN_THE_CORE {
                if path == *barred || path.starts_with(&format!("{barred}::")) {
                    fault(format!("the pure core must not use {barred}"));
                }
            }
        }
    }
    faults
        .into_iter()
        .map(|(line, what)| format!("src/{}:{line}: {what}", source.path))
        .collect()
}

/// One file under `src/`.
struct Source {
    /// Its path under `src/`, with `/`.
    path: String,
    text: String,
    /// Its tokens without comments, strings and tests.
    tokens: Vec<Token>,
    /// Its lines without tests.
    lines: usize,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let (tokens, test_lines) = without_tests(&tokens(text));
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            tokens,
            lines: text.lines().count() - test_lines,
        }
    }

    /// The folder or file right under `src/`: `ledger`, `results`, `main`.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The module path of the file, without `crate`.
    fn module_path(&self) -> Vec<&str> {
        let path = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let mut parts: Vec<&str> = path.split('/').collect();
        if matches!(parts.last(), Some(&("mod" | "lib" | "main"))) {
            parts.pop();
        }
        parts
    }

    /// A path as written here, from the crate's root where it begins with `crate`, `self` or `super`.
    fn resolved(&self, segments: &[String]) -> Vec<String> {
        let mut here = self.module_path();
        let mut rest = segments;
        let relative = matches!(
            rest.first().map(String::as_str),
            Some("self" | "super" | "isms_campaign")
        );
        if !relative {
            return segments.to_vec();
        }
        while let Some((first, tail)) = rest.split_first() {
            match first.as_str() {
                "self" => {}
                "super" => drop(here.pop()),
                "isms_campaign" => here.clear(),
                _ => break,
            }
            rest = tail;
        }
        std::iter::once("crate")
            .chain(here)
            .map(str::to_owned)
            .chain(rest.iter().cloned())
            .collect()
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under `src/` that is not itself a test.
fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    assert!(files.len() > 5, "src/ was not found");
    files.sort();
    let named = |path: &PathBuf| {
        let relative = path.strip_prefix(&src).unwrap();
        relative.to_str().unwrap().replace('\\', "/")
    };
    files
        .iter()
        .map(|path| Source::new(&named(path), &fs::read_to_string(path).unwrap()))
        .filter(|source| !source.path.ends_with("/tests.rs") && !source.path.contains("/tests/"))
        .collect()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The names under `[dependencies]`, as Rust spells them.
fn dependencies(manifest: &str) -> Vec<String> {
    manifest
        .lines()
        .skip_while(|line| line.trim() != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim().replace('-', "_"))
        .collect()
}

// --- Tokens and paths -----------------------------------------------------------------------------------------

/// A word or one character of punctuation (`::` is one), and its line from 1.
#[derive(Clone, Debug, PartialEq)]
struct Token {
    text: String,
    line: usize,
}

impl Token {
    fn is_word(&self) -> bool {
        self.text
            .starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// A path as written, a group taken apart: `a::{b, c::d}` is two.
struct Found {
    segments: Vec<String>,
    line: usize,
}

/// The tokens of a Rust file; comments go, a literal of text becomes `"`.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut found = Vec::new();
    let (mut i, mut line) = (0, 1);
    while i < chars.len() {
        let start = i;
        let mut word = None;
        match at(i) {
            '/' if at(i + 1) == '/' => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            '/' if at(i + 1) == '*' => i = after_comment(&chars, i),
            '"' => {
                i = after_string(&chars, i);
                word = Some("\"".to_owned());
            }
            '\'' if at(i + 1) == '\\' || at(i + 2) == '\'' => {
                i += if at(i + 1) == '\\' { 3 } else { 2 };
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            c if c.is_alphanumeric() || c == '_' => {
                while at(i).is_alphanumeric() || at(i) == '_' {
                    i += 1;
                }
                let name: String = chars[start..i].iter().collect();
                let raw = matches!(name.as_str(), "r" | "br" | "cr");
                let quoted = raw && (at(i) == '"' || (at(i) == '#' && "#\"".contains(at(i + 1))));
                if quoted {
                    i = after_raw_string(&chars, i);
                    word = Some("\"".to_owned());
                } else {
                    word = Some(name);
                }
            }
            ':' if at(i + 1) == ':' => {
                i += 2;
                word = Some("::".to_owned());
            }
            c => {
                i += 1;
                if !c.is_whitespace() {
                    word = Some(c.to_string());
                }
            }
        }
        if let Some(text) = word {
            found.push(Token { text, line });
        }
        line += chars[start..i.min(chars.len())]
            .iter()
            .filter(|c| **c == '\n')
            .count();
    }
    found
}

fn after_comment(chars: &[char], mut i: usize) -> usize {
    let mut depth = 0;
    while i < chars.len() {
        match (chars[i], chars.get(i + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                i += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    break;
                }
            }
            _ => i += 1,
        }
    }
    i
}

fn after_string(chars: &[char], mut i: usize) -> usize {
    i += 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    i + 1
}

/// `i` is at the first `#` or the quote.
fn after_raw_string(chars: &[char], mut i: usize) -> usize {
    let hashes = chars[i..].iter().take_while(|c| **c == '#').count();
    i += hashes + 1;
    while i < chars.len() {
        let closes = chars[i] == '"' && chars[i + 1..].iter().take(hashes).all(|c| *c == '#');
        i += 1;
        if closes {
            return i + hashes;
        }
    }
    i
}

/// The tokens without every item under `#[cfg(test)]`, and how many lines those items have.
fn without_tests(tokens: &[Token]) -> (Vec<Token>, usize) {
    let starts_test = |i: usize| {
        let expected = ["#", "[", "cfg", "(", "test", ")", "]"];
        expected
            .iter()
            .enumerate()
            .all(|(k, text)| tokens.get(i + k).is_some_and(|t| t.text == *text))
    };
    let (mut kept, mut lines, mut i) = (Vec::new(), 0, 0);
    while i < tokens.len() {
        if !starts_test(i) {
            kept.push(tokens[i].clone());
            i += 1;
            continue;
        }
        let from = tokens[i].line;
        let mut depth = 0_usize;
        let mut to = from;
        // Attributes first, then the item to its `;` or the end of its braces.
        while i < tokens.len() {
            let text = tokens[i].text.as_str();
            to = tokens[i].line;
            i += 1;
            match text {
                "{" | "[" | "(" => depth += 1,
                "}" | "]" | ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            let use_goes_on = tokens.get(i).is_some_and(|next| next.text == ";");
            if depth == 0 && (text == ";" || (text == "}" && !use_goes_on)) {
                break;
            }
        }
        lines += to - from + 1;
    }
    (kept, lines)
}

/// Every path of two segments or more, and every path of a `use`.
fn paths(tokens: &[Token]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let token = &tokens[i];
        let before = i.checked_sub(1).map_or("", |b| tokens[b].text.as_str());
        if token.text == "use" {
            i = tree(tokens, i + 1, &[], &mut found);
        } else if token.is_word() && !matches!(before, "::" | "." | "'") {
            let path = tokens.get(i + 1).is_some_and(|next| next.text == "::");
            i = if path {
                tree(tokens, i, &[], &mut found)
            } else {
                i + 1
            };
        } else {
            i += 1;
        }
    }
    found
}

/// Reads one path with its groups from `i` on; the place after it.
fn tree(tokens: &[Token], mut i: usize, before: &[String], found: &mut Vec<Found>) -> usize {
    let mut segments = before.to_vec();
    let line = tokens.get(i).map_or(0, |t| t.line);
    while let Some(token) = tokens.get(i) {
        if token.text == "::" {
            i += 1;
        } else if token.text == "{" {
            i += 1;
            while tokens.get(i).is_some_and(|t| t.text != "}") {
                let next = tree(tokens, i, &segments, found);
                i = next.max(i + 1);
            }
            return i + 1;
        } else if token.is_word() && token.text != "as" {
            segments.push(token.text.clone());
            i += 1;
            if tokens.get(i).is_none_or(|next| next.text != "::") {
                break;
            }
        } else {
            break;
        }
    }
    if segments.len() > before.len() || !before.is_empty() {
        found.push(Found { segments, line });
    }
    if tokens.get(i).is_some_and(|t| t.text == "as") {
        i += 2;
    }
    i
}
