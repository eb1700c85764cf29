//! A campaign file: the spreadsheet and the options of a campaign in TOML, as if they had been typed. For some keys the date is filled
//! in, once for each run: a ledger must not have another name after midnight.

mod date_pattern;
mod entries;
mod options;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Command;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::files::{self, CampaignFiles, canonical, is_campaign_file, shell_quoted};
use super::store;
use super::values::{RateArg, duration, rate};
use crate::ledger::{Location, Store};
use crate::{Error, Result};
use date_pattern::DatePattern;
use entries::{Entries, Entry};
pub(super) use options::{Typed, sentence, typed_plan_options};

/// The time zone of the dates in a campaign file, unless it is named.
const TIME_ZONE: &str = "Asia/Kuala_Lumpur";

const RECIPIENTS: &str = "recipients";
const LEDGER: &str = "ledger";
const RESULTS: &str = "results";
const SUMMARY: &str = "summary-json";
const SANDBOX: &str = "sandbox";
const STORE: &str = "store";
const NAME: &str = "name";

/// How many earlier dates are looked at for rows that are open.
const EARLIER_DATES: i64 = 7;

/// Whether this command is given a spreadsheet, so that the options of a campaign are its own.
pub(super) fn takes_recipients(command: &Command) -> bool {
    let mut positionals = command.get_positionals();
    positionals.any(|argument| argument.get_id() == RECIPIENTS)
}

/// A campaign file that was named, and the date that it stands for in this run.
#[derive(Clone, Debug)]
pub(super) struct CampaignFile {
    /// As it was typed.
    pub(super) path: PathBuf,
    recipients: DatePattern,
    ledger: Option<DatePattern>,
    results: Option<DatePattern>,
    summary: Option<DatePattern>,
    sandbox: bool,
    /// The store that it leads to, without any option.
    store: Option<Arc<Store>>,
    /// The name of its campaign in a store, if it has one.
    name: Option<String>,
    /// The rate, and how long it is to take, if it says so.
    pub(super) rate: Option<RateArg>,
    pub(super) spread: Option<Duration>,
    /// Whether a part of the plan was typed, so that the file alone would ask for another plan.
    pub(super) is_overridden: bool,
    /// `None`: nothing in it depends on the date.
    pub(super) date: Option<Date>,
}

impl CampaignFile {
    /// Reads the file, and returns with it the command line in which its options are typed, too.
    pub(super) fn read(path: &Path, typed: &Typed<'_>) -> Result<(Self, Vec<OsString>)> {
        let entries = Entries::read(path)?;
        let options = typed.options(&entries)?;
        let file = Self::of_entries(&entries, typed)?;
        let options = options.into_iter().map(|(key, value)| {
            let dated = file
                .pattern(key)
                .map(|pattern| pattern.at(file.date).into());
            (key, dated.or(value))
        });
        let arguments = typed.with(options);
        Ok((file, arguments))
    }

    fn of_entries(entries: &Entries, typed: &Typed<'_>) -> Result<Self> {
        let pattern = |key| entries.get(key).map(DatePattern::of).transpose();
        let recipients = pattern(RECIPIENTS)?.ok_or_else(|| {
            Error::usage("does not name the recipients")
                .hint("write recipients = \"customers.csv\", or whatever the spreadsheet is called")
                .at(entries.path.display())
        })?;
        let text = |key| entries.get(key).and_then(Entry::text);
        let mut file = Self {
            path: entries.path.clone(),
            recipients,
            ledger: pattern(LEDGER)?,
            results: pattern(RESULTS)?,
            summary: pattern(SUMMARY)?,
            sandbox: entries.get(SANDBOX).is_some_and(Entry::is_true),
            store: None,
            name: text(NAME).map(str::to_owned),
            rate: text("rate").and_then(|text| rate(text).ok()),
            spread: text("spread").and_then(|text| duration(text).ok()),
            is_overridden: typed
                .plan_options()
                .any(|option| !["ledger", "on-change"].contains(&&*option)),
            date: None,
        };
        file.store = match entries
            .get(STORE)
            .and_then(|entry| Some((entry, entry.text()?)))
        {
            Some((entry, url)) => Some(store::parse(url).map_err(|error| error.at(&entry.place))?),
            None if file.ledger.is_some() || file.sandbox => None,
            None => store::of_environment()?,
        };
        file.refuse_misleading_names(entries)?;
        file.date = file.date_of_run(entries, typed)?;
        Ok(file)
    }

    fn refuse_misleading_names(&self, entries: &Entries) -> Result<()> {
        let refusal = |key, problem, hint| match entries.get(key) {
            Some(entry) => Err(entry.error(problem).hint(hint)),
            None => Ok(()),
        };
        if is_campaign_file(&self.recipients.at(None)) {
            return refusal(
                RECIPIENTS,
                "names another campaign file",
                "name the spreadsheet",
            );
        }
        let changes = |ledger: &DatePattern| ledger.changes_without(&self.recipients);
        if self.ledger.as_ref().is_some_and(changes) {
            return refusal(
                LEDGER,
                "would change with the date where recipients does not, so that one spreadsheet would be sent again from the start",
                "write %Y, %m and %d only where recipients has them too",
            );
        }
        Ok(())
    }

    /// The date that was typed, or today's.
    fn date_of_run(&self, entries: &Entries, typed: &Typed<'_>) -> Result<Option<Date>> {
        let patterns = [LEDGER, RESULTS, SUMMARY]
            .into_iter()
            .filter_map(|key| self.pattern(key));
        let is_dated = self.recurs() || patterns.into_iter().any(DatePattern::is_dated);
        match typed.date() {
            Some(_) if !is_dated => Err(Error::usage(
                "has no %Y, %m or %d that --date could fill in",
            )
            .hint("leave --date out")
            .at(self.path.display())),
            Some(date) => Ok(Some(date)),
            None if !is_dated => Ok(None),
            None => {
                let of_file = entries.get("time-zone").and_then(Entry::text);
                let name = typed.time_zone().or(of_file).unwrap_or(TIME_ZONE);
                let zone = TimeZone::get(name).map_err(|error| {
                    Error::usage(format!("today's date in {name} is not known"))
                        .caused_by(error)
                        .hint("name the date with --date")
                        .at(self.path.display())
                })?;
                Ok(Some((typed.today)(zone)))
            }
        }
    }

    /// The value of a key in which a date may be.
    fn pattern(&self, key: &str) -> Option<&DatePattern> {
        match key {
            LEDGER => self.ledger.as_ref(),
            RESULTS => self.results.as_ref(),
            SUMMARY => self.summary.as_ref(),
            _ => None,
        }
    }

    /// Whether another date has another spreadsheet.
    pub(super) fn recurs(&self) -> bool {
        self.recipients.is_dated()
    }

    /// The spreadsheet.
    pub(super) fn recipients(&self) -> PathBuf {
        self.recipients.at(self.date)
    }

    /// Where the results are written, if it says so.
    pub(super) fn results(&self) -> Option<PathBuf> {
        self.results.as_ref().map(|results| results.at(self.date))
    }

    /// What stands for its ledger: the ledger itself, or the spreadsheet that it is named after. `typed`: the store that was typed.
    pub(super) fn ledger_argument(&self, typed: Option<&Arc<Store>>) -> Result<Location> {
        let recipients = self.recipients();
        let store = typed.or(self.store.as_ref());
        if store.is_none()
            && self.ledger.is_none()
            && !self.sandbox
            && recipients.as_os_str() != "-"
        {
            return Ok(recipients.into());
        }
        self.ledger_in(store, self.date)
    }

    fn ledger_at(&self, date: Option<Date>) -> Result<Location> {
        self.ledger_in(self.store.as_ref(), date)
    }

    fn ledger_in(&self, store: Option<&Arc<Store>>, date: Option<Date>) -> Result<Location> {
        let recipients = self.recipients.at(date);
        let ledger = match store {
            Some(store) => Some(files::in_store(store, &recipients, self.name.as_deref())?),
            None => self.ledger.as_ref().map(|ledger| ledger.at(date).into()),
        };
        CampaignFiles::new(&recipients, ledger.as_ref(), None, self.sandbox)
            .map(|files| files.ledger)
            .map_err(|error| error.at(self.path.display()))
    }

    /// The last dates before this run's, the latest first.
    fn earlier_dates(&self) -> impl Iterator<Item = Option<Date>> {
        let date = self.date.filter(|_| self.recurs());
        let earlier = move |days: i64| date?.checked_sub(days.days()).ok();
        (1..=EARLIER_DATES).filter_map(earlier).map(Some)
    }

    /// The ledgers of the last dates before this run's, the latest first.
    pub(super) fn earlier_ledgers(&self) -> Vec<Location> {
        let own = self.ledger_at(self.date).ok();
        let mut ledgers = Vec::new();
        for ledger in self
            .earlier_dates()
            .filter_map(|date| self.ledger_at(date).ok())
        {
            if own.as_ref() != Some(&ledger) && !ledgers.contains(&ledger) {
                ledgers.push(ledger);
            }
        }
        ledgers
    }

    /// What is typed to name this ledger, if it is that of one of these dates.
    pub(super) fn argument_for(&self, ledger: &Location) -> Option<String> {
        let is_its_ledger = |date: &Option<Date>| {
            let its = self.ledger_at(*date);
            its.is_ok_and(|its| match (its.path(), ledger.path()) {
                (Some(its), Some(path)) => canonical(its) == canonical(path),
                _ => its == *ledger,
            })
        };
        let dates = std::iter::once(self.date).chain(self.earlier_dates());
        let date = dates.into_iter().find(is_its_ledger)?;
        Some(self.argument_at(date))
    }

    fn argument_at(&self, date: Option<Date>) -> String {
        let file = shell_quoted(&Location::from(&self.path));
        match date {
            Some(date) => format!("{file} --date {date}"),
            None => file,
        }
    }
}

/// The value of a key in a campaign file that may be wrong elsewhere.
pub(super) fn value(path: &Path, key: &str, typed: &Typed<'_>) -> Option<OsString> {
    let entries = Entries::read(path).ok()?;
    let entry = entries.get(key)?;
    if key != SUMMARY {
        return entry.text().map(OsString::from);
    }
    let summary = DatePattern::of(entry).ok()?;
    let date = match CampaignFile::of_entries(&entries, typed) {
        Ok(file) => file.date,
        Err(_) if summary.is_dated() => return None,
        Err(_) => None,
    };
    Some(summary.at(date).into())
}
