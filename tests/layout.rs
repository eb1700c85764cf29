//! Reads `src/` and fails on a stray import, a circle, an outside crate away from its home, a long file and a name
//! that does not say what a thing is. Which module may import which is read from the table in `src/lib.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Where each outside crate may be used: beginnings of paths under `src/`. A crate of Cargo.toml that is missing
/// here fails the test: its home is a decision.
const HOMES: &[(&str, &[&str])] = &[
    ("axum", &["sandbox"]),
    (
        "blake3",
        &[
            "source",
            "domain/batching.rs",
            "domain/plan_id.rs",
            "ledger/sender.rs",
        ],
    ),
    ("calamine", &["source/"]),
    ("clap", &["cli"]),
    ("cfb", &["source/workbook"]),
    ("csv", &["source", "sandbox"]),
    ("encoding_rs", &["source/"]),
    ("encoding_rs_io", &["source/"]),
    ("fastrand", &["dispatch", "cli/session.rs", "results.rs"]),
    ("flate2", &["source/"]),
    ("futures_util", &["ledger/postgresql"]),
    ("governor", &["dispatch/throttle.rs"]),
    ("hashbrown", &["domain"]),
    ("indicatif", &["cli"]),
    ("itoa", &["results.rs"]),
    (
        "jiff",
        &["domain", "cli", "sandbox", "gateway/http.rs", "ledger"],
    ),
    ("minijinja", &["domain/template"]),
    ("openssl_probe", &["certificates.rs"]),
    ("percent_encoding", &["ledger/postgresql"]),
    ("quick_xml", &["source/workbook"]),
    ("rayon", &["planning"]),
    ("regex", &["lint", "gateway/credentials.rs"]),
    ("rlibphonenumber", &["domain/msisdn"]),
    ("rusqlite", &["ledger/sqlite"]),
    ("rustix", &["cli/on_end.rs", "gateway/fence.rs"]),
    (
        "rustls",
        &["certificates.rs", "gateway/tls.rs", "ledger/postgresql"],
    ),
    ("rustls_native_certs", &["certificates.rs"]),
    ("serde", &[""]),
    ("serde_json", &["cli", "ledger", "gateway/isms"]),
    ("shlex", &["cli/files.rs", "cli/on_end.rs"]),
    ("signal_hook", &["cli"]),
    ("ssfmt", &["source/workbook"]),
    ("strsim", &["domain", "lint"]),
    (
        "tempfile",
        &["source/kept_input.rs", "cli/commands/test.rs"],
    ),
    ("strum", &["dispatch", "domain", "ledger", "lint"]),
    ("thiserror", &["error.rs", "domain", "gateway/transport.rs"]),
    ("tokio", &["sandbox", "ledger/postgresql/session.rs"]),
    ("toml", &["cli/campaign_file"]),
    ("tokio_postgres", &["ledger/postgresql"]),
    ("tokio_postgres_rustls", &["ledger/postgresql"]),
    ("tracing", &[""]),
    ("tracing_subscriber", &["cli"]),
    ("unicode_normalization", &["domain", "source"]),
    ("ureq", &["gateway"]),
    ("webpki_root_certs", &["certificates.rs"]),
    ("zip", &["source/workbook"]),
];

/// The pure modules: they are handed their input and return their result.
const PURE: &[&str] = &["domain", "lint"];

/// What pure modules have no use for.
const NOT_IN_PURE_MODULES: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
];

/// Words that say what a thing is like, not what it is. Names have none of them among their words.
const METAPHORS: &[&str] = &[
    "alarm",
    "belongings",
    "clerk",
    "crowd",
    "desk",
    "doubt",
    "dress",
    "familiar",
    "fate",
    "flaw",
    "misfit",
    "mistake",
    "mistakes",
    "pasted",
    "practice",
    "slate",
    "slip",
    "stopper",
    "streak",
    "suspicion",
    "tape",
    "till",
    "watcher",
    "weather",
];

/// Names that mean two or three things, or another thing than they say.
const UNCLEAR_NAMES: &[&str] = &[
    "Book",
    "Draft",
    "Floor",
    "Moment",
    "Reader",
    "Stop",
    "Word",
    "approach",
    "decide",
    "depart",
    "judge",
    "keep_apart",
    "spelling",
    "wide",
];

/// The sandbox injects faults; everywhere else there are errors.
const FAULT_WORDS: &[&str] = &["fault", "faults"];

/// Lines of a file without its tests.
const LONGEST_FILE: usize = 500;

// --- The rules on the real sources ---------------------------------------------------------------------------

#[test]
fn imports_follow_the_table_in_the_documentation() {
    let table = table_in(&fs::read_to_string(root().join("src/lib.rs")).unwrap());
    let sources = sources();
    let modules: BTreeSet<&str> = sources.iter().map(Source::module).collect();
    let listed: BTreeSet<&str> = table.keys().map(String::as_str).collect();
    let unlisted: Vec<_> = modules
        .difference(&listed)
        .filter(|module| !matches!(**module, "lib" | "main" | "error"))
        .collect();
    assert!(
        unlisted.is_empty(),
        "not in the table of src/lib.rs: {unlisted:?}"
    );
    let errors: Vec<String> = sources
        .iter()
        .flat_map(|source| stray_imports(source, &table))
        .collect();
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
    let circles = circles(&table);
    assert!(
        circles.is_empty(),
        "modules that import one another: {circles:?}"
    );
}

#[test]
fn no_files_import_one_another() {
    let circles = circles(&file_imports(&sources()));
    assert!(
        circles.is_empty(),
        "files that import one another:\n{circles:#?}"
    );
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
        "say in HOMES where they are used: {homeless:?}"
    );
}

#[test]
fn no_file_is_too_long_to_read() {
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

#[test]
fn names_say_what_things_are() {
    let files = rust_files(&root().join("src"))
        .into_iter()
        .chain(rust_files(&root().join("tests")));
    let unclear: Vec<String> = files
        .flat_map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            unclear_names(&relative(&path, &root()), &text)
        })
        .collect();
    assert!(unclear.is_empty(), "\n{}", unclear.join("\n"));
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
            "source/mod.rs",
            "fn f() { format!(\"{}\", crate::planning::run()); }",
            "planning",
        ),
        (
            "domain/text.rs",
            "use super::super::ledger::Ledger;",
            "ledger",
        ),
        ("domain/mod.rs", "use super::ledger::Ledger;", "ledger"),
        (
            "domain/mod.rs",
            "fn f(x: crate::ledger::Ledger) {}",
            "ledger",
        ),
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
        (
            "cli/mod.rs",
            "#[derive(rusqlite::ToSql)] struct S;",
            "rusqlite",
        ),
        ("domain/text.rs", "use std::{fmt, fs};", "std::fs"),
        (
            "lint/mod.rs",
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
        let errors = stray_imports(&Source::new(path, text), &example_table());
        assert_eq!(errors.len(), 1, "{path}: {text}: {errors:?}");
        assert!(errors[0].contains(stray), "{path}: {text}: {errors:?}");
        assert!(
            errors[0].starts_with(&format!("src/{path}:1: ")),
            "{errors:?}"
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
            "ledger/sqlite/mod.rs",
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
        let errors = stray_imports(&Source::new(path, text), &example_table());
        assert!(errors.is_empty(), "{path}: {text}: {errors:?}");
    }
}

#[test]
fn a_circle_is_found() {
    let circles_of = |files: &[(&str, &str)]| {
        let sources: Vec<Source> = files
            .iter()
            .map(|(path, text)| Source::new(path, text))
            .collect();
        circles(&file_imports(&sources))
    };
    let siblings = [
        ("a/mod.rs", "mod b; mod c;"),
        ("a/b.rs", "use super::c::C;"),
        ("a/c.rs", "fn f() { super::b::g() }"),
    ];
    assert_eq!(circles_of(&siblings), [["a/b.rs", "a/c.rs"]]);
    let around = [
        ("a/mod.rs", "mod b; use b::B; struct A;"),
        ("a/b.rs", "use super::A;"),
    ];
    assert_eq!(circles_of(&around), [["a/b.rs", "a/mod.rs"]]);
    let handed_on = [
        ("a/mod.rs", "mod b; mod c; pub use b::B;"),
        ("a/b.rs", "struct B; use crate::a::c::C;"),
        ("a/c.rs", "use super::B;"),
    ];
    assert_eq!(circles_of(&handed_on), [["a/b.rs", "a/c.rs"]]);
    let one_way = [
        ("a/mod.rs", "mod b; mod c; pub use b::B; fn f() { c::g() }"),
        ("a/b.rs", "use super::c::C;"),
        ("a/c.rs", "struct C;"),
    ];
    assert!(circles_of(&one_way).is_empty());
}

#[test]
fn an_unclear_name_is_found() {
    for text in [
        "struct Desk;",
        "enum StopAlarm { A }",
        "trait Reader {}",
        "type Tape = u8;",
        "mod practice {}",
        "fn judge() {}",
        "impl S { fn note_mistake(&self) {} }",
        "#[cfg(test)] mod tests { fn is_in_doubt() {} }",
        "struct SheetFault;",
    ] {
        assert_eq!(unclear_names("src/a.rs", text).len(), 1, "{text}");
    }
    for text in [
        "use csv::Reader;",
        "struct RecordReader;",
        "fn stop_sending() {}",
        "fn untill() {}",
    ] {
        assert!(unclear_names("src/a.rs", text).is_empty(), "{text}");
    }
    assert!(unclear_names("src/sandbox/a.rs", "enum Fault {}").is_empty());
}

#[test]
fn tests_do_not_count_as_lines() {
    let text =
        "//! x\nfn f() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n    fn g() {}\n}\nfn h() {}\n";
    assert_eq!(Source::new("domain/text.rs", text).lines, 3);
}

#[test]
fn the_table_is_read_out_of_the_documentation() {
    let text = "//! | module | holds | imports |\n//! |---|---|---|\n//! | [`a`] | x | [`b`], [`c`] |\n//! | [`b`] | y | |\npub mod a;";
    let table = table_in(text);
    assert_eq!(table.len(), 2);
    assert_eq!(table["a"], BTreeSet::from(["b".to_owned(), "c".to_owned()]));
    assert!(table["b"].is_empty());
}

#[test]
fn dependencies_are_read_out_of_the_manifest() {
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\na-b = \"1\"\nc = { version = \"2\" }\n\n[dev-dependencies]\nd = \"3\"\n";
    assert_eq!(dependencies(manifest), ["a_b", "c"]);
}

/// A table for the tests of the rules.
fn example_table() -> Graph {
    let rows = [
        ("cli", "dispatch planning"),
        ("dispatch", "ledger gateway domain"),
        ("domain", ""),
        ("gateway", "domain"),
        ("ledger", "domain"),
        ("lint", "domain"),
        ("planning", "source ledger"),
        ("sandbox", ""),
        ("source", "domain"),
    ];
    let imports = |names: &str| names.split_whitespace().map(str::to_owned).collect();
    rows.into_iter()
        .map(|(module, names)| (module.to_owned(), imports(names)))
        .collect()
}

// --- Which module imports which --------------------------------------------------------------------------------

/// What each module or file imports.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The table in the documentation of the crate: what each module imports.
fn table_in(lib: &str) -> Graph {
    lib.lines()
        .filter_map(|line| line.strip_prefix("//! | [`"))
        .map(|row| {
            let (module, rest) = row.split_once('`').unwrap();
            let imports = rest.trim_end_matches(" |").rsplit('|').next().unwrap();
            let named = imports.split('`').skip(1).step_by(2);
            (module.to_owned(), named.map(str::to_owned).collect())
        })
        .collect()
}

/// What is wrong with the imports of a file: `src/path:line: sentence`.
fn stray_imports(source: &Source, table: &Graph) -> Vec<String> {
    let module = source.module();
    let mut errors = BTreeSet::new();
    for import in &source.imports {
        let path = source.resolved(&import.path);
        let first = path[0].as_str();
        let mut error = |what: String| {
            errors.insert((import.line, what));
        };
        if first == "crate" {
            let target = path.get(1).map_or("", String::as_str);
            let is_allowed = match module {
                "main" => target == "cli",
                _ => table
                    .get(module)
                    .is_some_and(|allowed| allowed.contains(target)),
            };
            if table.contains_key(target) && target != module && !is_allowed && module != "lib" {
                error(format!("{module} must not import {target}"));
            }
        }
        let home = HOMES.iter().find(|(name, _)| *name == first);
        if let Some((name, homes)) = home
            && !homes.iter().any(|home| source.path.starts_with(home))
        {
            error(format!("{name} is used only in {}", homes.join(", ")));
        }
        if PURE.contains(&module) {
            let path = path.join("::");
            for barred in NOT_IN_PURE_MODULES {
                if path == *barred || path.starts_with(&format!("{barred}::")) {
                    error(format!("a pure module must not use {barred}"));
                }
            }
        }
    }
    let errors = errors.into_iter();
    errors
        .map(|(line, what)| format!("src/{}:{line}: {what}", source.path))
        .collect()
}

/// Which file imports which. A file that only hands a name on (`pub use`) imports nothing by that, and who imports the
/// name imports the file that it comes from.
fn file_imports(sources: &[Source]) -> Graph {
    let files: BTreeMap<Vec<String>, &Source> = sources
        .iter()
        .map(|source| (source.module_path(), source))
        .collect();
    let mut graph = Graph::new();
    for source in sources {
        let imports = graph.entry(source.path.clone()).or_default();
        for import in source.imports.iter().filter(|import| !import.hands_on) {
            let target = file_of(&files, source, &import.path, 0);
            imports.extend(target.filter(|target| *target != source.path));
        }
    }
    graph
}

/// The file in which the item of a path is defined.
fn file_of(
    files: &BTreeMap<Vec<String>, &Source>,
    source: &Source,
    path: &[String],
    depth: usize,
) -> Option<String> {
    let mut path = source.resolved(path);
    if path[0] != "crate" {
        let mut inner = source.module_path();
        inner.push(path[0].clone());
        if !files.contains_key(&inner) {
            return None;
        }
        inner.pop();
        path = std::iter::once("crate".to_owned())
            .chain(inner)
            .chain(path)
            .collect();
    }
    let names = &path[1..];
    let known = (0..=names.len())
        .rev()
        .find(|&length| files.contains_key(&names[..length]))?;
    let file = files[&names[..known]];
    let handed_on = names.get(known).and_then(|name| {
        let import = file
            .imports
            .iter()
            .find(|import| import.path.last() == Some(name) && import.is_use)?;
        (depth < 8).then(|| file_of(files, file, &import.path, depth + 1))?
    });
    handed_on.or_else(|| Some(file.path.clone()))
}

/// The groups of nodes that reach one another.
fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let reached = |from: &String| {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            open.extend(
                graph
                    .get(node)
                    .into_iter()
                    .flatten()
                    .filter(|next| reached.insert((*next).clone())),
            );
        }
        reached
    };
    let reach: Graph = graph
        .keys()
        .map(|node| (node.clone(), reached(node)))
        .collect();
    let groups: BTreeSet<Vec<String>> = graph
        .keys()
        .filter(|node| reach[*node].contains(*node))
        .map(|node| {
            reach[node]
                .iter()
                .filter(|other| reach.get(*other).is_some_and(|back| back.contains(node)))
                .cloned()
                .collect()
        })
        .collect();
    groups.into_iter().collect()
}

// --- Names -----------------------------------------------------------------------------------------------------

/// The items of a file whose names do not say what they are: `path:line: name`.
fn unclear_names(path: &str, text: &str) -> Vec<String> {
    let mut names = Names(Vec::new());
    names.visit_file(&syn::parse_file(text).unwrap());
    let is_unclear = |name: &str| {
        UNCLEAR_NAMES.contains(&name)
            || words_of(name).iter().any(|word| {
                METAPHORS.contains(&word.as_str())
                    || (FAULT_WORDS.contains(&word.as_str()) && !path.contains("sandbox"))
            })
    };
    names
        .0
        .iter()
        .filter(|(name, _)| is_unclear(name))
        .map(|(name, line)| format!("{path}:{line}: {name}"))
        .collect()
}

/// The words of a name, in small letters: of `SheetError` and of `sheet_error` "sheet" and "error".
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if c == '_' || c.is_uppercase() {
            words.push(String::new());
        }
        words
            .last_mut()
            .unwrap()
            .extend(c.to_lowercase().filter(|c| *c != '_'));
    }
    words
}

/// The names of structs, enums, traits, type aliases, functions and modules, with their lines.
struct Names(Vec<(String, usize)>);

impl Names {
    fn add(&mut self, name: &syn::Ident) {
        self.0.push((name.to_string(), name.span().start().line));
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.add(&item.ident);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.add(&item.ident);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.add(&item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.add(&item.ident);
        visit::visit_item_type(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.add(&item.ident);
        visit::visit_item_mod(self, item);
    }

    fn visit_signature(&mut self, item: &'ast syn::Signature) {
        self.add(&item.ident);
        visit::visit_signature(self, item);
    }
}

// --- Files and their imports ------------------------------------------------------------------------------------

/// One file under `src/`.
struct Source {
    /// Its path under `src/`, with `/`.
    path: String,
    text: String,
    /// What it names of other modules and crates, tests left out.
    imports: Vec<Import>,
    /// Its lines without tests.
    lines: usize,
}

/// A path of two names or more, or one of a `use`.
struct Import {
    path: Vec<String>,
    line: usize,
    is_use: bool,
    /// Whether it is a `pub use`.
    hands_on: bool,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let mut imports = Imports::default();
        imports
            .visit_file(&syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}")));
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            imports: imports.found,
            lines: text.lines().count() - imports.test_lines,
        }
    }

    /// The folder or file right under `src/`: `ledger`, `results`, `main`.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The module path of the file, without `crate`.
    fn module_path(&self) -> Vec<String> {
        let path = self.path.strip_suffix(".rs").unwrap();
        let mut names: Vec<String> = path.split('/').map(str::to_owned).collect();
        names.pop_if(|last| matches!(last.as_str(), "mod" | "lib"));
        names
    }

    /// A path as written here, from the crate's root where it begins with `self`, `super` or the crate's name.
    fn resolved(&self, path: &[String]) -> Vec<String> {
        let mut here = self.module_path();
        let mut rest = path;
        while let Some((first, tail)) = rest.split_first() {
            match first.as_str() {
                "self" => {}
                "super" => drop(here.pop()),
                "isms_campaign" => here.clear(),
                _ => break,
            }
            rest = tail;
        }
        if rest.len() == path.len() {
            return path.to_vec();
        }
        std::iter::once("crate".to_owned())
            .chain(here)
            .chain(rest.iter().cloned())
            .collect()
    }
}

/// Collects the paths of a file, and counts the lines of its tests.
#[derive(Default)]
struct Imports {
    found: Vec<Import>,
    test_lines: usize,
}

impl Imports {
    fn add_tree(&mut self, tree: &syn::UseTree, before: &[String], hands_on: bool) {
        let path = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        let path = match tree {
            syn::UseTree::Path(tree) => {
                return self.add_tree(&tree.tree, &path(&tree.ident), hands_on);
            }
            syn::UseTree::Group(group) => {
                return group
                    .items
                    .iter()
                    .for_each(|tree| self.add_tree(tree, before, hands_on));
            }
            syn::UseTree::Name(name) if name.ident == "self" => before.to_vec(),
            syn::UseTree::Name(name) => path(&name.ident),
            syn::UseTree::Rename(rename) => path(&rename.ident),
            syn::UseTree::Glob(_) => before.to_vec(),
        };
        let line = tree.span().start().line;
        self.found.push(Import {
            path,
            line,
            is_use: true,
            hands_on,
        });
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test(item) {
            let span = item.span();
            self.test_lines += span.end().line - span.start().line + 1;
        } else {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let hands_on = !matches!(item.vis, syn::Visibility::Inherited);
        self.add_tree(&item.tree, &[], hands_on);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if names.len() > 1 {
            self.found.push(Import {
                path: names,
                line: path.span().start().line,
                is_use: false,
                hands_on: false,
            });
        }
        visit::visit_path(self, path);
    }

    /// `pub(in crate::cli)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    /// Attributes and the arguments of macros are read where they are written like Rust.
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let paths = syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated;
        if let Ok(list) = attribute.meta.require_list()
            && let Ok(paths) = list.parse_args_with(paths)
        {
            paths.iter().for_each(|path| self.visit_path(path));
        }
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        let arguments = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
        if let Ok(arguments) = called.parse_body_with(arguments) {
            let mut inner = Self::default();
            arguments
                .iter()
                .for_each(|argument| inner.visit_expr(argument));
            self.found.append(&mut inner.found);
        }
        self.visit_path(&called.path);
    }
}

/// Whether this item is under `#[cfg(test)]`.
fn is_test(item: &syn::Item) -> bool {
    let attributes = match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => return false,
    };
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
    })
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under `src/` that is not itself a test.
fn sources() -> Vec<Source> {
    let src = root().join("src");
    let files = rust_files(&src);
    assert!(files.len() > 5, "src/ was not found");
    files
        .iter()
        .map(|path| (relative(path, &src), path))
        .filter(|(name, _)| !name.ends_with("/tests.rs") && !name.contains("/tests/"))
        .map(|(name, path)| Source::new(&name, &fs::read_to_string(path).unwrap()))
        .collect()
}

fn relative(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder)
        .unwrap()
        .to_str()
        .unwrap()
        .replace('\\', "/")
}

/// The Rust files in a folder and the folders in it, in order.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    let files = |path: PathBuf| match path.is_dir() {
        true if path.ends_with("target") => Vec::new(),
        true => rust_files(&path),
        false => vec![path],
    };
    let files = entries.into_iter().flat_map(files);
    files
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
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
