//! The suppression lists that were named: they are read when a run begins, and again when they change while it sends.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::args::CheckArgs;
use super::clock;
use super::destination::SANDBOX_HOST;
use super::files::{is_sandbox_ledger, is_sandbox_results, is_test_ledger};
use super::terminal::{tell, told};
use super::view::{inflected, make_pending};
use crate::domain::Status;
use crate::domain::msisdn::{self, Msisdn, Region};
use crate::domain::suppression::Suppression;
use crate::ledger::{Location, Suppressed};
use crate::source;
use crate::{Error, Kind, Result};

/// How many wrong entries of a list an error names.
const MOST_NAMED: usize = 5;

/// How many reasons are told of rows that are suppressed.
const MOST_REASONS: usize = 5;

/// How long a list that can no longer be read is tried before the run stops.
const PATIENCE: Duration = Duration::from_secs(60);

/// The times between two looks at the lists. The files are only looked at, but a ledger that is being sent from changes all the
/// time, so that much larger lists are looked at less often.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(30);
/// How much longer than reading the lists the time between two looks is.
const TIMES_READING: u32 = 20;

/// The suppression lists of a run.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) numbers: Suppression,
    /// Whether it was looked whom other campaigns reached.
    pub(super) knows_reached: bool,
    region: Option<Region>,
    lenient: bool,
    files: Vec<List>,
    /// How long it took to read those that had changed.
    reading: Duration,
}

#[derive(Debug)]
struct List {
    path: PathBuf,
    /// What the files of the list were before it was read last. `None`: it is a pipe, which is read once.
    read: Option<State>,
    /// The id of its campaign, if it is a ledger.
    campaign: Option<String>,
    /// Since when it cannot be read.
    unreadable_since: Option<Instant>,
}

impl Lists {
    /// Reads all lists. An entry that is no number may stand for somebody who has opted out, so it stops the run unless
    /// `--lenient-suppress` was typed.
    pub(super) fn read(args: &CheckArgs, region: Region) -> Result<Self> {
        let mut lists = Self {
            region: Some(region),
            lenient: args.lenient_suppress,
            ..Self::default()
        };
        for path in &args.suppress {
            lists.add(path, region)?;
        }
        Ok(lists)
    }

    fn add(&mut self, path: &Path, region: Region) -> Result<()> {
        if path.as_os_str().is_empty() {
            return Err(Error::usage("a suppression list has no name")
                .hint("check --suppress, and the names between the colons of ISMS_SUPPRESS"));
        }
        let mut list = List {
            path: path.to_owned(),
            // Before it is read: what changes meanwhile is seen the next time.
            read: State::of(path).unwrap_or_default(),
            unreadable_since: None,
            campaign: None,
        };
        self.numbers.begin(path.display().to_string());
        if let Some(warning) = sandbox_results(path) {
            tell(&warning);
        }
        let wrong = list.read(region, |number| {
            self.numbers.add(number);
        })?;
        if !wrong.is_empty() {
            let error = not_numbers(&wrong).at(path.display());
            if !self.lenient {
                return Err(error);
            }
            tell(&left_out(&error));
        }
        self.files.push(list);
        Ok(())
    }

    /// Refuses a ledger of the campaign of this id: each of its pending numbers is in it.
    pub(super) fn refuse_own(&self, campaign: &str) -> Result<()> {
        let mut lists = self.files.iter();
        let own = lists.find(|list| list.campaign.as_deref() == Some(campaign));
        own.map_or(Ok(()), |list| {
            let problem = "holds the campaign itself, and would suppress all of it";
            Err(Error::usage(problem)
                .hint("leave this list out")
                .at(list.path.display()))
        })
    }

    /// Whether each could be read the last time.
    pub(super) fn are_readable(&self) -> bool {
        let mut lists = self.files.iter();
        lists.all(|list| list.unreadable_since.is_none())
    }

    /// How long to wait before the next look.
    pub(super) fn wait(&self) -> Duration {
        (self.reading * TIMES_READING).clamp(LOOK_EVERY, LOOK_AT_LEAST_EVERY)
    }

    /// Reads the lists again that have changed, and returns the numbers that they now have in addition, with the reason why nothing
    /// is sent to them. A list that has become unreadable is an error only when it stays so.
    pub(super) fn added(&mut self, tell: &dyn Fn(&str)) -> Result<HashMap<Msisdn, String>> {
        let mut added = HashMap::new();
        let Some(region) = self.region else {
            return Ok(added);
        };
        let started = clock::instant();
        for (position, list) in self.files.iter_mut().enumerate() {
            self.numbers.resume(position);
            let mut numbers = Vec::new();
            let add = |number| {
                if self.numbers.add(number) {
                    numbers.push(number);
                }
            };
            match list.read_again(region, add, tell) {
                Ok(()) => {}
                Err(error) => list.refuse_after_a_while(error, tell)?,
            }
            for number in numbers {
                added.extend(self.numbers.reason(number).map(|reason| (number, reason)));
            }
        }
        self.reading = started.elapsed();
        Ok(added)
    }
}

impl List {
    /// Hands each number to `add`, and returns what is wrong with the other entries.
    fn read(&mut self, region: Region, mut add: impl FnMut(Msisdn)) -> Result<Vec<WrongEntry>> {
        let mut wrong = Vec::new();
        if source::is_ledger(&self.path)? {
            self.campaign = Some(read_ledger(&self.path, &mut add)?);
        } else {
            source::read_list(&self.path, |location, cell| {
                match msisdn::read(cell, region) {
                    Ok(number) => add(number),
                    Err(error) => wrong.push((location.to_string(), error.to_string())),
                }
            })?;
        }
        Ok(wrong)
    }

    /// Reads it again if it has changed. Entries that are no numbers are warned of.
    fn read_again(
        &mut self,
        region: Region,
        add: impl FnMut(Msisdn),
        tell: &dyn Fn(&str),
    ) -> Result<()> {
        if self.read.is_none() {
            return Ok(());
        }
        let unreadable = |error| {
            Error::new(Kind::Input, "cannot be read")
                .caused_by(error)
                .at(self.path.display())
        };
        let now = State::of(&self.path).map_err(unreadable)?;
        if now.is_none() {
            let error = Error::new(Kind::Input, "is no longer a file");
            return Err(error.at(self.path.display()));
        }
        if now == self.read {
            return Ok(());
        }
        let wrong = self.read(region, add)?;
        if !wrong.is_empty() {
            tell(&left_out(&not_numbers(&wrong).at(self.path.display())));
        }
        if self.unreadable_since.take().is_some() {
            tell(&format!("{} can be read again.", self.path.display()));
        }
        self.read = now;
        Ok(())
    }

    /// The error, once the list has been unreadable for a while.
    fn refuse_after_a_while(&mut self, error: Error, tell: &dyn Fn(&str)) -> Result<()> {
        match self.unreadable_since {
            Some(since) if since.elapsed() >= PATIENCE => Err(error.hint(
                "nothing is sent without the suppression lists; bring it back and run again",
            )),
            Some(_) => Ok(()),
            None => {
                self.unreadable_since = Some(clock::instant());
                // It has changed, whatever it is when it can be read again.
                self.read = Some(State::default());
                let sentence = told(&error);
                tell(&format!("Trying again for a minute: {sentence}"));
                Ok(())
            }
        }
    }
}

/// Hands each number of a ledger to `add` that was or may yet be sent to. Returns the campaign's id.
fn read_ledger(path: &Path, add: &mut impl FnMut(Msisdn)) -> Result<String> {
    let place = Location::from(path);
    let refusal = |whose: &str| {
        Error::new(
            Kind::Input,
            format!("belongs to {whose}, so the people in it did not get its messages"),
        )
        .hint("leave it out, or name the campaign's own ledger")
        .at(path.display())
    };
    if is_sandbox_ledger(&place) {
        return Err(refusal("the sandbox"));
    }
    let ledger = place.snapshot()?;
    let of_list = ledger.campaign()?;
    if of_list.is_test || is_test_ledger(&place) {
        return Err(refusal("a test"));
    }
    if of_list.gateway_host.as_deref() == Some(SANDBOX_HOST) {
        return Err(refusal("the sandbox"));
    }
    ledger.sent_numbers(add)?;
    Ok(of_list.id)
}

/// What the files of a list are: their device and number there, length, and times of change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State(Vec<[i64; 7]>);

impl State {
    /// `None`: it is no file.
    fn of(path: &Path) -> io::Result<Option<Self>> {
        if !fs::metadata(path)?.is_file() {
            return Ok(None);
        }
        let files = Location::from(path).target().data_files();
        let present = files.iter().filter_map(|file| fs::metadata(file).ok());
        let state = present.map(|file| {
            [
                file.dev().cast_signed(),
                file.ino().cast_signed(),
                file.len().cast_signed(),
                file.mtime(),
                file.mtime_nsec(),
                file.ctime(),
                file.ctime_nsec(),
            ]
        });
        Ok(Some(Self(state.collect())))
    }
}

fn left_out(error: &Error) -> String {
    let problem = told(error);
    format!("Warning, they are left out: {problem}")
}

/// Which rows were suppressed that were pending, for which reason, and how that is undone.
pub(super) fn suppressed(suppressed: &Suppressed, place: &Location) -> String {
    let mut text = String::new();
    for (why, rows) in suppressed.iter().take(MOST_REASONS) {
        let rows = inflected(
            rows.len() as u64,
            "row that was pending is",
            "rows that were pending are",
        );
        let _ = writeln!(text, "{rows} suppressed now: {why}.");
    }
    let more = suppressed.values().skip(MOST_REASONS);
    let more = more.map(Vec::len).sum::<usize>() as u64;
    if more > 0 {
        let rows = inflected(more, "more row is", "more rows are");
        let _ = writeln!(text, "{rows} suppressed; the results say why of each.");
    }
    let rows: Vec<u64> = suppressed.values().flatten().copied().collect();
    let undo = make_pending(place, &rows, Status::Suppressed);
    text + "If that is wrong, make them pending again once this run has ended, and send without that list or --cooldown: "
        + &undo
}

fn sandbox_results(path: &Path) -> Option<String> {
    is_sandbox_results(path).then(|| {
        format!(
            "Warning: {} holds results of the sandbox: nobody in it received anything, and they are suppressed.",
            path.display()
        )
    })
}

/// An entry of a list that is no number: where it is, and what is wrong.
type WrongEntry = (String, String);

fn not_numbers(wrong: &[WrongEntry]) -> Error {
    let entries = inflected(wrong.len() as u64, "entry is", "entries are");
    let named = &wrong[..wrong.len().min(MOST_NAMED)];
    let list: Vec<_> = named
        .iter()
        .map(|(place, what)| format!("{place}: {what}"))
        .collect();
    let list = list.join("; ");
    let more = if wrong.len() > MOST_NAMED {
        "; ..."
    } else {
        ""
    };
    let error = Error::new(Kind::Input, format!("{entries} no number ({list}{more})"))
        .hint("correct them, or continue without them with --lenient-suppress");
    named
        .iter()
        .fold(error, |error, (_, what)| error.quoting(what))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::cell::RefCell;

    use super::super::values::Repeat;
    use super::*;

    /// A list of these lines, read.
    fn read(path: &Path, text: &str) -> Result<Lists> {
        fs::write(path, text).unwrap();
        let check = CheckArgs {
            suppress: vec![path.to_owned()],
            lenient_suppress: false,
            max_invalid: None,
            repeat: Repeat::Allow,
            cooldown: None,
            history: Vec::new(),
        };
        Lists::read(&check, Region::MY)
    }

    #[test]
    fn a_list_that_changes_only_adds_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stop.txt");
        let mut lists = read(&path, "0125500001\n").unwrap();
        let told = RefCell::new(Vec::new());
        let tell = |line: &str| told.borrow_mut().push(line.to_owned());
        let mut after = |text: Option<&str>| {
            match text {
                Some(text) => fs::write(&path, text).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let added = lists.added(&tell).map(|added| {
                let mut numbers: Vec<String> = added.keys().map(ToString::to_string).collect();
                assert!(added.values().all(|reason| reason.ends_with("stop.txt")));
                numbers.sort();
                numbers
            });
            (added.map_err(|error| error.to_string()), told.take())
        };
        let nothing = (Ok(Vec::new()), Vec::new());
        assert_eq!(after(Some("0125500001\n")), nothing);
        let one = |digits: &str| Ok(vec![digits.to_owned()]);
        assert_eq!(
            after(Some("0125500001\n0125500002\n")),
            (one("60125500002"), Vec::new())
        );
        assert_eq!(
            after(Some("0125500003\n")),
            (one("60125500003"), Vec::new())
        );
        let (added, told) = after(Some("phone\n012-550 0004\nask Siti\n"));
        assert_eq!(added, one("60125500004"));
        assert!(
            told[0].contains("left out") && told[0].contains("line 3"),
            "{told:?}"
        );
        // It is gone, then empty, then there again.
        let (added, told) = after(None);
        assert_eq!(added, Ok(Vec::new()));
        assert!(told[0].contains("Trying again for a minute"), "{told:?}");
        assert_eq!(after(Some("")), nothing);
        let (added, told) = after(Some("0125500001\n0125500005\n"));
        assert_eq!(added, one("60125500005"));
        assert!(told[0].ends_with("can be read again."), "{told:?}");
    }

    #[test]
    fn a_list_that_stays_unreadable_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stop.txt");
        let mut lists = read(&path, "0125500001\n").unwrap();
        fs::remove_file(&path).unwrap();
        assert!(lists.added(&|_| {}).is_ok());
        lists.files[0].unreadable_since = Some(clock::instant().checked_sub(PATIENCE).unwrap());
        let error = lists.added(&|_| {}).unwrap_err().to_string();
        assert!(
            error.contains("stop.txt") && error.contains("run again"),
            "{error}"
        );
    }
}
