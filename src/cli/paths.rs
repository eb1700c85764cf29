//! Which files a campaign consists of, and that none of them is another one. It opens none of them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::source::Input;
use crate::{Error, Result};

/// The endings of a spreadsheet that a ledger's name replaces.
const ENDINGS: [&str; 7] = [".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods", ".ledger"];

/// How the name of a ledger for practice ends.
pub(super) const PRACTICE: &str = ".sandbox.ledger";

/// A path as one can paste it into a shell.
pub(super) fn shell_quoted(path: &Path) -> String {
    let path = path.display().to_string();
    match shlex::try_quote(&path) {
        Ok(quoted) => quoted.into_owned(),
        // It holds a NUL, which no path does.
        Err(_) => path,
    }
}

/// The files of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paths {
    /// What people call the campaign.
    pub(super) name: String,
    pub(super) ledger: PathBuf,
    pub(super) results: PathBuf,
}

impl Paths {
    /// The files of a campaign out of this spreadsheet, or of a ledger that was named in its place. `practice`:
    /// the practice gateway has a ledger and results of its own, so that practising never counts as sending.
    pub(super) fn of(
        recipients: &Path,
        ledger: Option<&Path>,
        results: Option<&Path>,
        practice: bool,
    ) -> Result<Self> {
        let base = match (Input::parse(recipients), ledger) {
            (Input::Stdin, None) => {
                return Err(
                    Error::usage("standard input has no name that a ledger could have")
                        .hint("name the ledger with --ledger"),
                );
            }
            (Input::Stdin, Some(ledger)) => without_ending(ledger),
            (Input::File(path), _) => without_ending(&path),
        };
        let ledger = match ledger {
            Some(named) if practice => extended(&without_ending(named), PRACTICE),
            Some(named) => named.to_owned(),
            None if practice => extended(&base, PRACTICE),
            None => extended(&base, ".ledger"),
        };
        let results = match results {
            Some(results) => results.to_owned(),
            None if practice => extended(&base, ".sandbox.results.csv"),
            None => extended(&base, ".results.csv"),
        };
        let name = base.file_name().unwrap_or(base.as_os_str());
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            ledger,
            results,
        })
    }
}

/// The path without the ending of a spreadsheet, packed or not, or of a ledger, for practice or not.
fn without_ending(path: &Path) -> PathBuf {
    // Bytes, as a name need not be text.
    let Some(name) = path.file_name().map(OsStr::as_bytes) else {
        return path.to_owned();
    };
    let lower = name.to_ascii_lowercase();
    let unpacked = lower.strip_suffix(b".gz").unwrap_or(&lower);
    let practised = unpacked.strip_suffix(PRACTICE.as_bytes());
    let stem = practised
        .or_else(|| {
            let without = |ending: &&str| unpacked.strip_suffix(ending.as_bytes());
            ENDINGS.iter().find_map(without)
        })
        .filter(|stem| !stem.is_empty());
    match stem {
        Some(stem) => path.with_file_name(OsStr::from_bytes(&name[..stem.len()])),
        None => path.to_owned(),
    }
}

fn extended(base: &Path, ending: &str) -> PathBuf {
    let mut path = base.as_os_str().to_owned();
    path.push(ending);
    PathBuf::from(path)
}

/// The files that belong to a ledger, each with what it is.
pub(super) fn sidecar_files(ledger: &Path) -> Vec<(&'static str, PathBuf)> {
    [
        ("the ledger", ""),
        ("the ledger's lock", ".lock"),
        ("the ledger in the making", ".partial"),
        ("the ledger's log", "-wal"),
        ("the ledger's log", "-shm"),
        ("the ledger's log", "-journal"),
    ]
    .into_iter()
    .map(|(role, ending)| (role, extended(ledger, ending)))
    .collect()
}

/// Refuses a file that would be written although it is one of those that are read, the ledger, or another one that is
/// written. Each comes with what it is.
pub(super) fn refuse_overwriting(read: &[(&str, &Path)], written: &[(&str, &Path)]) -> Result<()> {
    for (nth, (role, path)) in written.iter().enumerate() {
        let others = read.iter().chain(&written[..nth]);
        for (other_role, other) in others {
            if same_file(path, other) {
                return Err(Error::usage(format!(
                    "{role} would be written over {other_role}, {}",
                    other.display()
                ))
                .hint("name another file"));
            }
        }
    }
    Ok(())
}

/// Whether two paths lead to the same place, whether or not something is there yet.
fn same_file(one: &Path, other: &Path) -> bool {
    // A ledger remembers the spreadsheet's place as text, in which a name that is no UTF-8 has lost something.
    canonical(one).to_string_lossy() == canonical(other).to_string_lossy()
}

/// The one name of a place, whether or not something is there yet.
pub(super) fn canonical(path: &Path) -> PathBuf {
    if let Ok(settled) = fs::canonicalize(path) {
        return settled;
    }
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (
        absolute.parent().map(fs::canonicalize),
        absolute.file_name(),
    ) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => absolute,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_spreadsheet() {
        let table = [
            (
                "customers.csv",
                false,
                "customers.ledger",
                "customers.results.csv",
            ),
            (
                "a/Customers.CSV",
                false,
                "a/Customers.ledger",
                "a/Customers.results.csv",
            ),
            (
                "customers.csv.gz",
                false,
                "customers.ledger",
                "customers.results.csv",
            ),
            (
                "customers.xlsx",
                true,
                "customers.sandbox.ledger",
                "customers.sandbox.results.csv",
            ),
            (
                "customers.ledger",
                false,
                "customers.ledger",
                "customers.results.csv",
            ),
            (
                "customers.sandbox.ledger",
                true,
                "customers.sandbox.ledger",
                "customers.sandbox.results.csv",
            ),
            (
                "may.sandbox.csv",
                false,
                "may.sandbox.ledger",
                "may.sandbox.results.csv",
            ),
            ("may.2026", false, "may.2026.ledger", "may.2026.results.csv"),
            (".csv", false, ".csv.ledger", ".csv.results.csv"),
        ];
        for (input, practice, ledger, results) in table {
            let paths = Paths::of(Path::new(input), None, None, practice).unwrap();
            assert_eq!(paths.ledger, Path::new(ledger), "{input}");
            assert_eq!(paths.results, Path::new(results), "{input}");
        }
    }

    #[test]
    fn standard_input_needs_a_ledger() {
        assert!(Paths::of(Path::new("-"), None, None, false).is_err());
        let paths = Paths::of(Path::new("-"), Some(Path::new("may.ledger")), None, true).unwrap();
        assert_eq!(paths.ledger, Path::new("may.sandbox.ledger"));
        assert_eq!(paths.results, Path::new("may.sandbox.results.csv"));
    }

    #[test]
    fn a_ledger_keeps_the_name_it_was_given() {
        for named in ["campaign.db", "May.LEDGER", "may.sandbox.ledger", "may"] {
            let named = Path::new(named);
            let paths = Paths::of(named, Some(named), None, false).unwrap();
            assert_eq!(paths.ledger, named);
        }
    }

    #[test]
    fn what_is_read_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("a.csv");
        fs::write(&input, "x").unwrap();
        let around = folder.path().join(".").join("a.csv");
        let read = [("the spreadsheet", input.as_path())];
        assert!(refuse_overwriting(&read, &[("the results file", &around)]).is_err());
        let other = folder.path().join("b.csv");
        assert!(refuse_overwriting(&read, &[("the results file", &other)]).is_ok());
        assert!(
            refuse_overwriting(
                &read,
                &[("the results file", &other), ("the summary", &other)]
            )
            .is_err()
        );
    }
}
