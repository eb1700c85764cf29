//! From a spreadsheet to a ledger that holds its plan: a new one, or the one that an earlier run left. Nothing is sent
//! here, and nothing that was sent is ever planned again by itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::args::{OnChange, PlanOptionArgs};
use super::paths::{PRACTICE, shell_quoted};
use super::{clock, inspect, spec, summary, tell};
use crate::domain::Status;
use crate::domain::options::{Difference, LintLevel, MaxInvalid};
use crate::domain::report::Report;
use crate::domain::status::Counts;
use crate::ledger::{self, Campaign, Lock, Snapshot, Totals};
use crate::planning::{self, Progress};
use crate::source::Input;
use crate::{Error, Kind, Result};

/// When a plan is too old to be sent, unless `--expires` says so.
const EXPIRES: Duration = Duration::from_secs(7 * 86_400);

/// A ledger with its plan, locked.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) ledger: PathBuf,
    pub(super) lock: Lock,
    pub(super) campaign: Campaign,
    pub(super) report: Report,
    /// Whether an earlier run has begun to send it.
    pub(super) begun: bool,
    /// Whether it was planned just now.
    pub(super) fresh: bool,
}

/// Refuses an input that is not there, before anything is made for it: not even a lock is left behind.
pub(super) fn must_be_there(input: &Input) -> Result<()> {
    match input {
        Input::Stdin => Ok(()),
        Input::File(path) => fs::metadata(path).map(drop).map_err(|fault| {
            Error::new(Kind::Other, format!("cannot be read: {fault}"))
                .hint("check the name")
                .at(path.display())
        }),
    }
}

/// Plans a spreadsheet, or finds the plan that an earlier run made of the same thing. `anew`: a plan from which nothing was
/// sent is made again even if nothing changed.
pub(super) fn from_spreadsheet(
    input: &Input,
    name: &str,
    ledger: &Path,
    options: &PlanOptionArgs,
    anew: bool,
    watcher: &dyn Progress,
) -> Result<Prepared> {
    let wanted = spec::of(input, options)?;
    // A plan beside the link in its place would be a second ledger of the same campaign.
    let ledger = &ledger::link_target(ledger);
    let mut lock = Lock::acquire(ledger, &holder())?;
    let existing = existing(ledger)?;
    refuse_lost(ledger, &lock, existing.as_ref(), options.on_change)?;
    let suppression = spec::suppression(options, wanted.region)?;
    let format = spec::format(options);
    let plan = planning::plan(input, &format, &wanted, &suppression, ledger, watcher).map_err(
        |error| match error.kind() {
            Kind::Template => error.at(spec::template_place(options)),
            _ => error,
        },
    )?;
    let planned_at = clock::now();
    let campaign = Campaign {
        id: format!("{:032x}", fastrand::u128(..)),
        name: name.to_owned(),
        input: input.to_string(),
        options: plan.options,
        digest: plan.digest.clone(),
        header: plan.header.clone(),
        delimiter: plan.dialect.delimiter,
        bom: plan.dialect.bom,
        report: plan.report.clone(),
        expires_at: planned_at.after(options.expires.unwrap_or(EXPIRES)),
        planned_at,
        gateway_host: None,
    };
    // Only a plan that was seen here, and of which no request was made, is replaced: whatever else appeared meanwhile stays.
    let mut replacing = false;
    if let Some(old) = existing {
        let takes_over = takes_over(&lock, &old.campaign);
        if old.begun() || takes_over || !anew {
            let changes = changes(&old.campaign, &campaign);
            if changes.is_empty() {
                return Ok(resumed(ledger, lock, old, options));
            }
            if (old.sent || takes_over) && options.on_change != Some(OnChange::New) {
                return Err(changed(ledger, &old, &changes));
            }
        }
        replacing = !old.begun();
        lock = if replacing {
            ledger::close_all_files(ledger, lock)?
        } else {
            make_room(ledger, lock, &old)?
        };
        let is_its_own =
            (lock.started()).is_some_and(|started| started.campaign == old.campaign.id);
        if is_its_own && !old.sent && !takes_over {
            lock.clear_started()?;
        }
    }
    if lock.started().is_some() {
        // Messages were sent from an earlier ledger in this place. This one was put there on an operator's word, and no
        // other takes its place without another one.
        lock.mark_started(&campaign.id)?;
    }
    let report = plan.report;
    plan.writer.finish(&campaign, replacing)?;
    tracing::info!(ledger = %ledger.display(), rows = report.rows, batches = report.batches, "planned");
    Ok(Prepared {
        ledger: ledger.to_owned(),
        lock,
        campaign,
        report,
        begun: false,
        fresh: true,
    })
}

/// The lock of a ledger that must be there, and be the one that was started if one was.
pub(super) fn lock_existing(ledger: &Path) -> Result<Lock> {
    from_ledger(ledger).map(|prepared| prepared.lock)
}

/// A plan that was made earlier.
pub(super) fn from_ledger(ledger: &Path) -> Result<Prepared> {
    let lock = Lock::acquire(ledger, &holder())?;
    let existing = existing(ledger)?
        .ok_or_else(|| Error::new(Kind::Other, "there is no such ledger").at(ledger.display()))?;
    refuse_lost(ledger, &lock, Some(&existing), None)?;
    Ok(Prepared {
        ledger: ledger.to_owned(),
        lock,
        report: existing.campaign.report.clone(),
        fresh: false,
        begun: existing.begun(),
        campaign: existing.campaign,
    })
}

/// A plan that was made earlier, to practise with: its copy, or the copy that an earlier practice left.
pub(super) fn practice_from_ledger(original: &Path, copy: &Path) -> Result<Prepared> {
    let planned = Snapshot::open(original)?.campaign()?;
    if original == copy {
        return from_ledger(copy);
    }
    let mut lock = Lock::acquire(copy, &holder())?;
    if let Some(earlier) = existing(copy)? {
        if earlier.campaign.id == planned.id {
            drop(lock);
            return from_ledger(copy);
        }
        // Practice with an earlier plan: nobody got anything.
        lock = ledger::close_all_files(copy, lock)?;
        let aside = ledger::set_aside(copy, &earlier.campaign.planned_at)?;
        tell(&format!("The earlier practice is now {}.", aside.display()));
    }
    ledger::copy(original, copy)?;
    if lock.started().is_some() {
        // An earlier practice was set aside; its mark goes over to this one.
        lock.mark_started(&planned.id)?;
    }
    drop(lock);
    from_ledger(copy)
}

/// What an earlier run left at a ledger's place.
struct Existing {
    campaign: Campaign,
    totals: Totals,
    /// Whether somebody may have got a message.
    sent: bool,
}

impl Existing {
    /// Whether requests were made, whatever became of them.
    fn begun(&self) -> bool {
        self.totals.attempts > 0
    }
}

fn existing(path: &Path) -> Result<Option<Existing>> {
    if !ledger::exists(path)? {
        return Ok(None);
    }
    let cut_off = ledger::has_log(path);
    let reader = Snapshot::open(path)?;
    let totals = reader.totals()?;
    let campaign = reader.campaign()?;
    if cut_off || totals.attempts > 0 {
        // A ledger that was put back beside the log of its later self can hold a part of each, also when the log is gone by now.
        inspect::must_balance(&reader, &campaign, path)?;
    }
    Ok(Some(Existing {
        campaign,
        sent: reader.was_sent_from()?,
        totals,
    }))
}

/// A campaign that was started, and whose ledger is gone or another: nobody knows any more what was sent.
fn refuse_lost(
    ledger: &Path,
    lock: &Lock,
    existing: Option<&Existing>,
    on_change: Option<OnChange>,
) -> Result<()> {
    let Some(started) = lock.started() else {
        return Ok(());
    };
    let what = match existing {
        Some(existing) if existing.campaign.id != started.campaign => {
            "is another ledger than the one in this place from which messages were sent"
        }
        Some(existing) if existing.totals.attempts < started.attempts => {
            return Err(Error::new(
                Kind::Other,
                format!(
                    "is an earlier state of itself: it knows of {} requests, and {} were made",
                    existing.totals.attempts, started.attempts
                ),
            )
            .hint("bring its latest state back; only that one knows what was sent")
            .at(ledger.display()));
        }
        Some(_) => return Ok(()),
        None => "messages were sent from this ledger, and it is gone",
    };
    if on_change == Some(OnChange::New) {
        return Ok(());
    }
    Err(Error::new(Kind::Other, what)
        .hint(
            "bring it back, or start anew with --on-change new if you know that nobody gets a message twice",
        )
        .at(ledger.display()))
}

fn resumed(ledger: &Path, lock: Lock, old: Existing, options: &PlanOptionArgs) -> Prepared {
    tracing::info!(ledger = %ledger.display(), attempts = old.totals.attempts, "nothing has changed since it was planned");
    let mut campaign = old.campaign;
    // An operator who names a span again means it to count, from when the plan was made.
    if let Some(span) = options.expires {
        campaign.expires_at = campaign.planned_at.after(span);
    }
    Prepared {
        ledger: ledger.to_owned(),
        lock,
        report: campaign.report.clone(),
        campaign,
        begun: old.totals.attempts > 0,
        fresh: false,
    }
}

/// Whether a plan took the place of one from which messages were sent, on an operator's word.
fn takes_over(lock: &Lock, campaign: &Campaign) -> bool {
    lock.started()
        .is_some_and(|started| started.replaces_another && started.campaign == campaign.id)
}

/// The refusal of a campaign that is asked for in the place of another one.
fn changed(ledger: &Path, old: &Existing, changes: &[String]) -> Error {
    Error::new(Kind::Other, format!(
        "was planned on {} as something else than is asked now, and {}: {}",
        old.campaign.planned_at,
        if old.sent {
            "messages were sent"
        } else {
            "it took the place of one from which messages were sent"
        },
        changes.join("; ")
    ))
    .hint("go on with what was planned by naming the ledger to send, or start anew with --on-change new")
    .at(ledger.display())
}

/// Sets a ledger of which requests were made aside, unless it was sent from and holds something open.
fn make_room(ledger: &Path, lock: Lock, old: &Existing) -> Result<Lock> {
    let counts = old.totals.counts;
    let (pending, unknown) = (counts.of(Status::Pending), counts.of(Status::Unknown));
    if old.sent && pending + unknown > 0 {
        return Err(Error::new(
            Kind::Other,
            format!(
                "rows are open ({pending} pending, {unknown} unknown), so it cannot be set aside"
            ),
        )
        .hint("finish it first by naming the ledger to send")
        .at(ledger.display()));
    }
    let lock = ledger::close_all_files(ledger, lock)?;
    let aside = ledger::set_aside(ledger, &old.campaign.planned_at)?;
    tell(&format!("The earlier ledger is now {}.", aside.display()));
    Ok(lock)
}

/// What differs between what was planned and what is asked now, in words; nothing: it is the same campaign.
fn changes(old: &Campaign, new: &Campaign) -> Vec<String> {
    let cells =
        (old.digest != new.digest).then(|| format!("the cells of {} have changed", new.input));
    let options = old.options.differences(&new.options);
    let value = |value: Option<String>| value.unwrap_or_else(|| "not given".to_owned());
    let options = options.into_iter().map(|difference| match difference {
        Difference::Message => "the message has changed".to_owned(),
        Difference::Value {
            option,
            before,
            now,
        } => format!("--{option} was {} and is now {}", value(before), value(now)),
    });
    cells.into_iter().chain(options).collect()
}

impl Prepared {
    /// Refuses a plan with more invalid rows than allowed: by this run's option, else by the plan's.
    pub(super) fn refuse_too_many_invalid(&self, asked: Option<MaxInvalid>) -> Result<()> {
        let most = asked.unwrap_or(self.campaign.options.max_invalid);
        let (invalid, rows) = (self.report.invalid_rows(), self.report.rows);
        if !most.exceeded_by(invalid, rows) {
            return Ok(());
        }
        Err(Error::new(Kind::Other, format!(
            "{invalid} of {rows} rows cannot be sent, and --max-invalid is {most}"
        ))
        .hint(format!(
            "see them with isms-campaign results {} --status invalid and correct them, or allow them with --max-invalid {invalid}",
            shell_quoted(&self.ledger)
        ))
        .at(&self.campaign.input))
    }

    /// The rows in numbers. Of a plan that was made just now the report has them.
    pub(super) fn totals(&self) -> Result<Totals> {
        if !self.fresh {
            return Snapshot::open(&self.ledger)?.totals();
        }
        let report = &self.report;
        let mut counts = Counts::default();
        counts.add(Status::Pending, report.sendable);
        counts.add(Status::Invalid, report.invalid_rows());
        counts.add(Status::Duplicate, report.duplicate);
        counts.add(Status::Suppressed, report.suppressed);
        Ok(Totals {
            counts,
            batches: report.batches,
            credits_planned: report.credits,
            credits_pending: report.credits,
            ..Totals::default()
        })
    }

    /// Refuses a plan whose texts call for a warning, where that was asked for when it was made.
    pub(super) fn refuse_remarks(&self) -> Result<()> {
        let denied = self.campaign.options.lint == LintLevel::Deny;
        let Some(warning) = self.report.warnings.first().filter(|_| denied) else {
            return Ok(());
        };
        let rows = self
            .report
            .warnings
            .iter()
            .map(|warning| warning.rows)
            .max();
        Err(Error::new(Kind::Other, format!(
            "at least {} may be blocked or look like a mistake, first row {} ({}: \"{}\"), and --lint is deny",
            summary::counted(rows.unwrap_or_default(), "text"),
            warning.first_rows.first().copied().unwrap_or_default(),
            warning.what,
            warning.example,
        ))
        .hint("correct them, or plan the spreadsheet with --lint warn to send them nevertheless")
        .at(&self.campaign.input))
    }
}

/// Whether a ledger of this name is for practice.
pub(super) fn is_practice(ledger: &Path) -> bool {
    ledger
        .file_name()
        .is_some_and(|name| name.to_string_lossy().ends_with(PRACTICE))
}

/// How other processes see this one while it holds a lock.
fn holder() -> String {
    format!("process {} since {}", std::process::id(), clock::now())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::ffi::OsStr;

    use clap::Parser;

    use super::super::args::{Cli, Command};
    use super::*;

    /// Puts a file in the ledger's place while the spreadsheet is being read.
    struct Meddler<'a>(&'a Path);

    impl Progress for Meddler<'_> {
        fn opened(&self, _: Option<u64>) {
            fs::write(self.0, "brought back by hand").unwrap();
        }
        fn planned(&self, _: u64, _: u64) {}
    }

    #[test]
    fn a_ledger_that_appears_while_planning_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let (sheet, ledger) = (folder.path().join("a.csv"), folder.path().join("a.ledger"));
        fs::write(&sheet, "phone,message\n012-550 0001,hello\n").unwrap();
        let arguments = [OsStr::new("isms-campaign"), "plan".as_ref(), sheet.as_ref()];
        let Command::Plan(args) = Cli::try_parse_from(arguments).unwrap().command else {
            panic!("plan was asked for");
        };
        let input = Input::parse(&sheet);
        let planned = from_spreadsheet(&input, "a", &ledger, &args.plan, true, &Meddler(&ledger));
        assert!(planned.is_err());
        assert_eq!(fs::read_to_string(&ledger).unwrap(), "brought back by hand");
    }
}
