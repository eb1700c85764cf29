//! The names of a campaign's files, and the rule that no command writes over a file that it reads.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::store;
use crate::ledger::{self, LONGEST_NAME, Location, Store};
use crate::source::Input;
use crate::{Error, Result};

/// The file name extensions of a spreadsheet. Those of the other files take their place.
const SPREADSHEETS: [&str; 6] = [".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods"];

/// Comes before the extensions of the sandbox's files.
const SANDBOX: &str = ".sandbox";

const RESULTS: &str = ".results.csv";

/// Standard output as a file.
pub(super) const STANDARD_OUTPUT: &str = "/dev/stdout";

/// The name of a ledger as it can be pasted into a shell, with its store if that must be named.
pub(super) fn shell_quoted(ledger: &Location) -> String {
    let quoted = quoted(ledger.to_string());
    if let Location::Stored(place) = ledger {
        quoted + &store_option(place.store())
    } else {
        quoted
    }
}

/// The option that leads to this store, with a space before it. Nothing: the environment leads there.
pub(super) fn store_option(store: &Store) -> String {
    let of_environment = store::of_environment().ok().flatten();
    if of_environment.as_deref() == Some(store) {
        return String::new();
    }
    format!(" --store {}", quoted(store.to_string()))
}

fn quoted(word: String) -> String {
    match shlex::try_quote(&word) {
        Ok(quoted) => quoted.into_owned(),
        // It holds a NUL, which no path does.
        Err(_) => word,
    }
}

/// The campaign of a spreadsheet in a store, which has this name or else the spreadsheet's.
pub(super) fn in_store(
    store: &Arc<Store>,
    recipients: &Path,
    name: Option<&str>,
) -> Result<Location> {
    let campaign = match name {
        Some(name) => Location::in_store(store, name),
        None if Input::parse(recipients) == Input::Stdin => {
            let problem = "standard input has no name that a campaign could have";
            Err(Error::usage(problem).hint("name the campaign with --name"))
        }
        None => store::campaign(store, Path::new(&CampaignFiles::stem(recipients))),
    };
    let length = campaign.as_ref().map_or(0, |one| one.to_string().len());
    let problem = if length > LONGEST_NAME {
        format!("a campaign's name has at most {LONGEST_NAME} bytes, and this one has {length}")
    } else if campaign.as_ref().is_ok_and(is_called_like_file) {
        "a campaign of a store that is called like a file would be taken for that file".to_owned()
    } else {
        return campaign;
    };
    Err(Error::usage(problem).hint("give it another name with --name"))
}

/// Whether this name of a campaign has the extension of a file that can be named in its place.
fn is_called_like_file(campaign: &Location) -> bool {
    let name = PathBuf::from(campaign.to_string());
    without_extension(&name) != name || is_campaign_file(&name)
}

/// Words as they can be pasted into a shell on one line.
pub(super) fn shell_line<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let line = shlex::try_join(words).ok()?;
    (!line.contains(['\n', '\r'])).then_some(line)
}

/// The files of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CampaignFiles {
    /// The campaign's name.
    pub(super) name: String,
    pub(super) ledger: Location,
    pub(super) results: PathBuf,
}

impl CampaignFiles {
    /// The name of a campaign from this spreadsheet.
    pub(super) fn stem(recipients: &Path) -> OsString {
        let base = without_extension(recipients);
        base.file_name().unwrap_or(base.as_os_str()).to_owned()
    }

    /// The files of a campaign of which the ledger is known, and perhaps the spreadsheet.
    pub(super) fn of_ledger(
        ledger: &Location,
        spreadsheet: Option<&Path>,
        results: Option<&Path>,
    ) -> Result<Self> {
        if let Location::Stored(place) = ledger {
            return match spreadsheet {
                Some(path) => Self::new(path, Some(ledger), results, false),
                None => Ok(Self::of_stored(ledger, Path::new(place.name()), results)),
            };
        }
        let path = ledger.path().unwrap_or(Path::new(""));
        Self::new(path, None, results, is_sandbox_ledger(ledger))
    }

    /// The files of a campaign in a store. The names of the others begin with `base`.
    fn of_stored(ledger: &Location, base: &Path, results: Option<&Path>) -> Self {
        Self {
            name: ledger.to_string(),
            ledger: ledger.clone(),
            results: results.map_or_else(|| extended(base, RESULTS), Path::to_owned),
        }
    }

    /// The files of a campaign from this spreadsheet, or from a ledger that was named instead of it. The sandbox has a ledger
    /// and results of its own, so that what was sent to it never counts as sent.
    pub(super) fn new(
        recipients: &Path,
        ledger: Option<&Location>,
        results: Option<&Path>,
        sandbox: bool,
    ) -> Result<Self> {
        let named = ledger.map(|ledger| ledger.path().unwrap_or(Path::new("")));
        let base = match (Input::parse(recipients), ledger) {
            (Input::Stdin, None) => {
                let problem = "standard input has no name that a ledger could have";
                return Err(Error::usage(problem).hint("name the ledger with --ledger"));
            }
            (Input::Stdin, Some(Location::Stored(place))) => PathBuf::from(place.name()),
            (Input::Stdin, _) => named.map(without_extension).unwrap_or_default(),
            (Input::File(path), _) => without_extension(&path),
        };
        if let Some(ledger) = ledger.filter(|ledger| ledger.is_shared()) {
            return Ok(Self::of_stored(ledger, &base, results));
        }
        let sandbox_part = if sandbox { SANDBOX } else { "" };
        let ledger_name = |base| extended(base, &format!("{sandbox_part}{}", ledger::SUFFIX));
        let ledger = match named {
            Some(named) if !sandbox => named.to_owned(),
            Some(named) => ledger_name(&without_extension(named)),
            None => ledger_name(&base),
        };
        let results = match results {
            Some(named) => named.to_owned(),
            None => extended(&base, &format!("{sandbox_part}{RESULTS}")),
        };
        let name = base.file_name().unwrap_or(base.as_os_str());
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            ledger: ledger.into(),
            results,
        })
    }

    /// The files of a test of a campaign, which has this spreadsheet or ledger. `stamp` tells one test from another.
    pub(super) fn of_test(
        recipients: &Path,
        ledger: Option<&Location>,
        stamp: &str,
        sandbox: bool,
    ) -> Result<Self> {
        let campaign = Self::new(recipients, ledger, None, false)?;
        let part = format!(".{TEST}{stamp}");
        if let Location::Stored(place) = &campaign.ledger {
            let name = format!("{}{part}", place.name());
            let base = campaign.results.with_file_name(&name);
            let test = Location::in_store(place.store(), &name)?;
            return Ok(Self::of_stored(&test, &base, None));
        }
        let base = campaign.ledger.path().map(without_extension);
        let test = extended(&base.unwrap_or_default(), &part);
        Self::new(&test, None, None, sandbox)
    }
}

/// Where those are listed whom a campaign reached.
pub(super) fn list_of_reached(ledger: &Location) -> Location {
    let base = match ledger.path() {
        Some(path) => without_extension(path),
        None => PathBuf::from(ledger.to_string()),
    };
    extended(&base, ".reached.csv").into()
}

/// Whether a file of this name is a ledger, whatever is in it.
pub(super) fn is_called_ledger(path: &Path) -> bool {
    path.as_os_str()
        .as_bytes()
        .ends_with(ledger::SUFFIX.as_bytes())
}

/// Whether a ledger of this name belongs to the sandbox.
pub(super) fn is_sandbox_ledger(ledger: &Location) -> bool {
    name_parts(ledger).any(|part| part == SANDBOX[1..])
}

/// Whether results of this name are of the sandbox.
pub(super) fn is_sandbox_results(path: &Path) -> bool {
    let results = format!("{SANDBOX}{RESULTS}");
    path.as_os_str().as_bytes().ends_with(results.as_bytes())
}

/// Whether a ledger of this name holds messages that were sent to somebody's own phone to see them.
pub(super) fn is_test_ledger(ledger: &Location) -> bool {
    name_parts(ledger).any(|part| part.strip_prefix(TEST).is_some_and(is_time))
}

/// Comes before the time in the name of a ledger of tests.
const TEST: &str = "test-";

/// The parts of a ledger's name that say what it is: those before its extension, back to the first that is neither the time of a
/// ledger that was set aside nor known here. A link says nothing about what it leads to.
fn name_parts(ledger: &Location) -> impl Iterator<Item = String> {
    let target = ledger.target();
    let name = target.path().and_then(Path::file_name);
    let name = name.unwrap_or_default().to_string_lossy().into_owned();
    let stem = name.strip_suffix(ledger::SUFFIX).unwrap_or_default();
    let parts: Vec<String> = stem.split('.').skip(1).map(str::to_owned).collect();
    let says_what = |part: &String| {
        is_time(part) || *part == SANDBOX[1..] || part.strip_prefix(TEST).is_some_and(is_time)
    };
    parts.into_iter().rev().take_while(says_what)
}

/// Whether this is `20261122T152000Z`, with or without the number that tells ledgers of one second apart.
fn is_time(part: &str) -> bool {
    let (time, number) = part.split_once('-').unwrap_or((part, "2"));
    let shape = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte };
    time.bytes().map(shape).eq("00000000T000000Z".bytes())
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a file of this name is a campaign file.
pub(super) fn is_campaign_file(path: &Path) -> bool {
    let extension = path.extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
}

/// The path without the extension of a spreadsheet, compressed or not, or of a ledger, the sandbox's or not.
fn without_extension(path: &Path) -> PathBuf {
    // A name need not be text, so this works on bytes.
    let Some(name) = path.file_name().map(OsStr::as_bytes) else {
        return path.to_owned();
    };
    let lower = name.to_ascii_lowercase();
    let lower = lower.strip_suffix(b".gz").unwrap_or(&lower);
    let ledger = lower.strip_suffix(ledger::SUFFIX.as_bytes());
    let stem = match ledger {
        Some(stem) => Some(stem.strip_suffix(SANDBOX.as_bytes()).unwrap_or(stem)),
        None => SPREADSHEETS
            .iter()
            .find_map(|extension| lower.strip_suffix(extension.as_bytes())),
    };
    match stem.filter(|stem| !stem.is_empty()) {
        Some(stem) => path.with_file_name(OsStr::from_bytes(&name[..stem.len()])),
        None => path.to_owned(),
    }
}

fn extended(base: &Path, extension: &str) -> PathBuf {
    let mut path = base.as_os_str().to_owned();
    path.push(extension);
    PathBuf::from(path)
}

/// The spreadsheet that a ledger was planned from, if the ledger can be read and there was one.
pub(super) fn spreadsheet_of(ledger: &Location) -> Option<PathBuf> {
    let campaign = ledger.snapshot().ok()?.campaign().ok()?;
    let path = campaign.options.spreadsheet.unwrap_or(campaign.input);
    Some(PathBuf::from(path))
}

/// A file and its role in a command, such as "the results file".
pub(super) type Role<'a> = (&'static str, &'a Path);

/// Gives a path this role.
pub(super) fn role<'a>(name: &'static str) -> impl Fn(&'a PathBuf) -> Role<'a> {
    move |path| (name, path)
}

/// Refuses a command that would write over one of its inputs, over the ledger or a file beside it, or write two things into one
/// file. `ledger` is what the command plans or reads.
pub(super) fn refuse_overwriting(
    inputs: &[Role<'_>],
    ledger: &Location,
    written: &[Role<'_>],
) -> Result<()> {
    let mut others = inputs.to_vec();
    if let Some(path) = ledger.path() {
        refuse_same(("the ledger", path), &others)?;
    }
    let files = ledger.files();
    for (role, path) in &files {
        others.push((role, path));
    }
    for file in written {
        refuse_same(*file, &others)?;
        others.push(*file);
    }
    Ok(())
}

fn refuse_same((role, path): Role<'_>, others: &[Role<'_>]) -> Result<()> {
    match others.iter().find(|(_, other)| same_file(path, other)) {
        None => Ok(()),
        Some((input, other)) => {
            let other = other.display();
            let problem = format!("{role} would be written over {input}, {other}");
            Err(Error::usage(problem).hint("name another file"))
        }
    }
}

/// Whether two paths lead to the same place, where a file need not exist yet.
fn same_file(one: &Path, other: &Path) -> bool {
    let standard_output = Path::new(STANDARD_OUTPUT);
    if one == standard_output || other == standard_output {
        return same_stream(one, other);
    }
    // A ledger keeps the spreadsheet's path as text, in which a name that is not UTF-8 has lost something.
    canonical(one).to_string_lossy() == canonical(other).to_string_lossy()
}

/// Whether what is written to these goes to one pipe, terminal or file, which may have many names. What goes to the null device
/// goes nowhere.
fn same_stream(one: &Path, other: &Path) -> bool {
    let identity = |path| {
        fs::metadata(path)
            .map(|found| (found.dev(), found.ino()))
            .ok()
    };
    let stream = identity(one);
    stream.is_some() && stream == identity(other) && stream != identity(Path::new("/dev/null"))
}

/// The absolute path without links, where a file need not exist yet.
pub(super) fn canonical(path: &Path) -> PathBuf {
    if let Ok(canonical) = fs::canonicalize(path) {
        return canonical;
    }
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = absolute.parent().map(fs::canonicalize);
    match (folder, absolute.file_name()) {
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
        for (input, sandbox, ledger, results) in table {
            let paths = CampaignFiles::new(Path::new(input), None, None, sandbox).unwrap();
            assert_eq!(paths.ledger.path(), Some(Path::new(ledger)), "{input}");
            assert_eq!(paths.results, Path::new(results), "{input}");
        }
    }

    #[test]
    fn ledgers_of_the_sandbox_and_of_tests_are_known_by_their_names() {
        let table = [
            ("customers.ledger", false, false),
            ("customers.sandbox.ledger", true, false),
            ("may.2026.sandbox.ledger", true, false),
            ("customers.sandbox.20261122T152000Z.ledger", true, false),
            ("customers.sandbox.20261122T152000Z-2.ledger", true, false),
            ("customers.20261122T152000Z.ledger", false, false),
            ("customers.test-20261122T152000Z.ledger", false, true),
            ("customers.sandbox.test-20261122T152000Z.ledger", true, true),
            ("customers.test-20261122T152000Z-2.ledger", false, true),
            ("sandbox.ledger", false, false),
            ("customers.sandbox.csv", false, false),
            ("sandbox.may.ledger", false, false),
            ("customers.test-may.ledger", false, false),
            ("customers.test-20261122.ledger", false, false),
            ("test-20261122T152000Z.ledger", false, false),
            ("sandbox", false, false),
            ("customers.sandbox.2026.ledger", false, false),
        ];
        for (name, sandbox, test) in table {
            let ledger = Location::from(name);
            assert_eq!(is_sandbox_ledger(&ledger), sandbox, "{name}");
            assert_eq!(is_test_ledger(&ledger), test, "{name}");
        }
    }

    #[test]
    fn standard_input_needs_a_ledger() {
        assert!(CampaignFiles::new(Path::new("-"), None, None, false).is_err());
        let paths =
            CampaignFiles::new(Path::new("-"), Some(&"may.ledger".into()), None, true).unwrap();
        assert_eq!(paths.ledger.path(), Some(Path::new("may.sandbox.ledger")));
        assert_eq!(paths.results, Path::new("may.sandbox.results.csv"));
    }

    #[test]
    fn a_ledger_keeps_the_name_it_was_given() {
        for named in ["campaign.db", "May.LEDGER", "may.sandbox.ledger", "may"] {
            let named = Path::new(named);
            let paths = CampaignFiles::new(named, Some(&named.into()), None, false).unwrap();
            assert_eq!(paths.ledger.path(), Some(named));
        }
    }

    #[test]
    fn what_is_read_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let (input, ledger, other) = (file("a.csv"), file("a.ledger"), file("b.csv"));
        fs::write(&input, "x").unwrap();
        let around = folder.path().join(".").join("a.csv");
        let inputs = [("the spreadsheet", input.as_path())];
        let refused = |ledger: &Path, written: &[Role<'_>]| {
            refuse_overwriting(&inputs, &ledger.into(), written).is_err()
        };
        assert!(!refused(&ledger, &[("the results file", &other)]));
        assert!(refused(&ledger, &[("the results file", &around)]));
        assert!(refused(&ledger, &[("the results file", &ledger)]));
        assert!(refused(&ledger, &[("the summary", &file("a.ledger.lock"))]));
        assert!(refused(&around, &[]));
        let both = [
            ("the results file", other.as_path()),
            ("the summary", &other),
        ];
        assert!(refused(&ledger, &both));
    }
}
