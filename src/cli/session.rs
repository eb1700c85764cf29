//! Gets a locked ledger with a plan in it: plans a spreadsheet, resumes what an earlier run planned from it, opens a ledger, or
//! copies one for the sandbox. What was sent is never planned again unless the user asks for it.

use std::fs;
use std::time::Duration;

use super::args::CheckArgs;
use super::existing::{Existing, changes, make_room, refuse_lost, refuse_test, refused, set_aside};
use super::files::is_sandbox_ledger;
use super::settings::{EXPIRES, PlanSettings};
use super::suppression::Lists;
use super::terminal::inform;
use super::values::OnChange;
use super::view::{counted, grouped};
use super::{clock, cooldown, existing, named, repeat, timing};
use crate::domain::options::{LintLevel, MaxInvalid};
use crate::domain::place::Places;
use crate::domain::report::Report;
use crate::domain::suppression::{Reached, Suppression};
use crate::domain::{PlanId, Status};
use crate::ledger::{Campaign, Ledger, Location, Lock, PlanWriter, Totals};
use crate::planning::{self, Progress};
use crate::source::KeptInput;
use crate::{Error, Kind, Result};

/// A locked ledger with its plan.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) ledger: Location,
    pub(super) lock: Lock,
    pub(super) campaign: Campaign,
    pub(super) totals: Totals,
    pub(super) stage: Stage,
    /// Where each row is in the spreadsheet, if it was read.
    pub(super) places: Places,
    /// The id of its plan, if it was made in this run.
    plan_id: Option<PlanId>,
    /// The suppression lists.
    pub(super) lists: Lists,
}

/// How far a campaign is when its session opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It was planned in this run.
    New,
    /// It was planned by an earlier run, and nothing has happened to it.
    Planned,
    /// Requests were made, whatever became of them, or an operator decided about rows.
    Begun,
}

impl Session {
    /// Locks and opens a ledger. One that is missing, or not the one from which messages were sent, is refused.
    pub(super) fn of_ledger(place: &Location) -> Result<Self> {
        let checked = Existing::check_ahead(place)?;
        let lock = lock(place)?;
        let existing = Existing::at(place, checked.as_deref())?.ok_or_else(|| {
            refused(place, "there is no such ledger").hint(
                "check the name; if it is a campaign in a store, add --store or set ISMS_STORE",
            )
        })?;
        refuse_lost(place, &lock, Some(&existing), OnChange::Refuse)?;
        Ok(Self::of_existing(place, lock, existing, Lists::default()))
    }

    /// The same session with the suppression lists that were named.
    pub(super) fn with_lists(self, check: &CheckArgs) -> Result<Self> {
        let lists = Lists::read(check, self.campaign.options.region)?;
        lists.refuse_own(&self.campaign.id)?;
        Ok(Self { lists, ..self })
    }

    fn of_existing(place: &Location, lock: Lock, existing: Existing, lists: Lists) -> Self {
        Self {
            ledger: place.clone(),
            lock,
            stage: if existing.has_history() {
                Stage::Begun
            } else {
                Stage::Planned
            },
            campaign: existing.campaign,
            totals: existing.totals,
            places: Places::default(),
            plan_id: None,
            lists,
        }
    }

    /// The same, after a lifetime that was typed is written down.
    pub(super) fn with_lifetime(mut self, lifetime: Option<Duration>) -> Result<Self> {
        if self.stage != Stage::New && lifetime.is_some() {
            let mut ledger = Ledger::open(self.lock)?;
            set_lifetime(&mut ledger, &mut self.campaign, lifetime)?;
            self.lock = ledger.close()?;
        }
        Ok(self)
    }

    /// The id of its plan.
    pub(super) fn plan_id(&self) -> Result<PlanId> {
        match self.plan_id {
            Some(id) => Ok(id),
            None => existing::plan_id(&*self.ledger.snapshot()?, &self.campaign),
        }
    }

    /// Refuses a plan with more invalid rows than allowed, by the limit that was typed or else by the plan's own, or with
    /// content warnings where it was made with `--lint deny`.
    pub(super) fn refuse_over_limits(&self, typed: Option<MaxInvalid>) -> Result<()> {
        refuse_over_limits(&self.campaign, &self.ledger, typed)
    }
}

/// The same, of a campaign in a ledger that need not be locked.
pub(super) fn refuse_over_limits(
    campaign: &Campaign,
    ledger: &Location,
    typed: Option<MaxInvalid>,
) -> Result<()> {
    let (report, options) = (&campaign.report, &campaign.options);
    let most = typed.unwrap_or(options.max_invalid);
    let (invalid, rows) = (report.invalid_rows(), report.rows);
    let mut quoted = None;
    let (problem, hint) = if most.exceeded_by(invalid, rows) {
        (
            format!(
                "{} of {} rows cannot be sent, and --max-invalid is {most}",
                grouped(invalid),
                grouped(rows)
            ),
            format!(
                "see them with isms-campaign results {} --status invalid and correct them, or allow them with --max-invalid {invalid}",
                named::in_command(ledger)
            ),
        )
    } else if let (LintLevel::Deny, Some(first)) = (options.lint, report.warnings.first()) {
        quoted = Some(first.example.clone());
        let most = report.warnings.iter().map(|warning| warning.rows).max();
        (
            format!(
                "at least {} may be blocked or look like a mistake, first {} ({}: \"{}\"), and --lint is deny",
                counted(most.unwrap_or_default(), "text"),
                first
                    .examples
                    .iter()
                    .flat_map(|one| &one.places)
                    .next()
                    .map_or_else(String::new, ToString::to_string),
                first.what,
                first.example,
            ),
            "correct them, or plan the spreadsheet with --lint warn to send them nevertheless"
                .to_owned(),
        )
    } else {
        return Ok(());
    };
    let error = Error::new(Kind::Limits, problem).hint(hint);
    let error = quoted.into_iter().fold(error, Error::quoting);
    Err(error.at(&campaign.input))
}

/// A session with a spreadsheet's plan, or with the ledger that an earlier run planned from it. With `replan`, a plan from
/// which nothing was sent, and about which nothing was decided, is made again even if nothing has changed.
pub(super) fn plan_or_resume(
    settings: &PlanSettings<'_>,
    replan: bool,
    progress: &dyn Progress,
) -> Result<Session> {
    // A plan beside a link in the ledger's place would be a second ledger of the same campaign.
    let place = &settings.files.ledger.target();
    // Others may be about to send what is in a store.
    let replan = replan && !place.is_shared();
    let checked = Existing::check_ahead(place)?;
    let mut lock = lock(place)?;
    let existing = Existing::at(place, checked.as_deref())?;
    if let Some(existing) = &existing {
        refuse_test(&existing.campaign, place)?;
    }
    let on_change = settings.typed.options.on_change.unwrap_or_default();
    refuse_lost(place, &lock, existing.as_ref(), on_change)?;
    // A pipe can be read only once.
    let mut lists = Lists::read(&settings.typed.check, settings.options.region)?;
    let cooldown = settings.typed.check.cooldown;
    let twice = cooldown.is_some() || planning::reads_twice(&settings.options);
    let kept = KeptInput::new(settings.input, twice)?;
    let stays = |existing: &Existing| {
        let refused = existing.refuse_changes(place, &lock, on_change, &[]);
        refused.is_err()
    };
    if cooldown.is_some() && !existing.as_ref().is_some_and(stays) {
        lists.numbers.reached = reached(settings, place, existing.as_ref(), &kept)?;
        lists.knows_reached = true;
    }
    let (writer, mut campaign, places, id) =
        plan(settings, &kept, &lists.numbers, &lock, progress)?;
    let existing = match existing {
        Some(existing) if existing.has_history() || existing.takes_over(&lock) || !replan => {
            let changes = changes(&existing.campaign, &campaign);
            if changes.is_empty() {
                lists.refuse_own(&existing.campaign.id)?;
                return Ok(Session {
                    places,
                    ..resume(place, lock, existing, lists)
                });
            }
            existing.refuse_changes(place, &lock, on_change, &changes)?;
            Some(existing)
        }
        existing => existing,
    };
    if let Some(existing) = &existing {
        if changes(&existing.campaign, &campaign).is_empty() {
            // Words that were given for it still mean what they meant.
            campaign.schedules.clone_from(&existing.campaign.schedules);
        }
        existing.refuse_open_rows(place)?;
    }
    refuse_repeat(settings, place, &campaign, existing.as_ref(), &*writer)?;
    // Only a plan that was seen above, and to which nothing has happened, is replaced. Anything that appeared since then stays.
    let mut replacing = false;
    if let Some(existing) = existing {
        replacing = !existing.has_history() && !place.is_shared();
        lock = make_room(lock, &existing, place.is_shared())?;
    }
    if lock.started().is_some() {
        // Messages were sent from an earlier ledger in this place. This one takes its place because the user asked for it, and
        // no other may without being asked for again.
        lock.mark_started(&campaign.id)?;
    }
    writer.finish(&campaign, replacing)?;
    let report = &campaign.report;
    tracing::info!(ledger = %place, rows = report.rows, batches = report.batches, "planned");
    Ok(Session {
        ledger: place.clone(),
        lock,
        totals: totals(&campaign.report),
        campaign,
        stage: Stage::New,
        places,
        plan_id: Some(id),
        lists,
    })
}

/// The numbers of the spreadsheet that other campaigns have reached lately. One in its own place, which it may be about to
/// replace, counts.
fn reached(
    settings: &PlanSettings<'_>,
    place: &Location,
    existing: Option<&Existing>,
    kept: &KeptInput<'_>,
) -> Result<Reached> {
    let numbers = planning::numbers(kept, &settings.read_options(), &settings.options);
    let replaced = existing.filter(|existing| existing.sent).map(|_| place);
    let replaced = replaced.filter(|place| !is_sandbox_ledger(place));
    let spreadsheet = settings.options.spreadsheet.as_deref();
    let of = (place, spreadsheet, None);
    cooldown::reached(&settings.typed.check, of, replaced, &numbers)
}

/// Refuses a plan that was sent already. The ledger in its own place counts, which may be about to be set aside.
fn refuse_repeat(
    settings: &PlanSettings<'_>,
    place: &Location,
    campaign: &Campaign,
    existing: Option<&Existing>,
    plan: &dyn PlanWriter,
) -> Result<()> {
    if is_sandbox_ledger(place) {
        return Ok(());
    }
    let repeat = settings.typed.check.repeat;
    let replaced = existing.filter(|existing| existing.sent).map(|_| place);
    repeat::refuse(repeat, (campaign, 0), place, replaced, |each| {
        plan.texts(&mut |_, number, text| each(number, text))
    })
    .map(|unread| repeat::warn(&unread))
}

/// The rows of a new plan in numbers. Its report has them, so that its ledger need not be counted.
fn totals(report: &Report) -> Totals {
    let mut counts = report.unsent();
    counts.add(Status::Pending, report.sendable);
    Totals {
        counts,
        batches: report.batches,
        credits_planned: report.credits,
        credits_pending: report.credits,
        ..Totals::default()
    }
}

/// Plans the spreadsheet, without putting the ledger in its place.
fn plan(
    settings: &PlanSettings<'_>,
    kept: &KeptInput<'_>,
    suppression: &Suppression,
    lock: &Lock,
    progress: &dyn Progress,
) -> Result<(Box<dyn PlanWriter>, Campaign, Places, PlanId)> {
    let (input, options) = (settings.input, &settings.options);
    let read = settings.read_options();
    let plan = planning::plan(kept, &read, options, suppression, lock, progress);
    let plan = plan.map_err(|error| match error.kind {
        Kind::Template => error.at(settings.template_place()),
        _ => error,
    })?;
    refuse_few_rows(settings, plan.report.rows).map_err(|error| error.at(input))?;
    let planned_at = clock::now();
    let campaign = Campaign {
        id: new_id(),
        name: settings.files.name.clone(),
        input: input.to_string(),
        options: plan.options,
        digest: plan.digest,
        header: plan.header,
        delimiter: plan.dialect.delimiter,
        bom: plan.dialect.bom,
        report: plan.report,
        expires_at: planned_at.after(settings.typed.options.expires.unwrap_or(EXPIRES)),
        planned_at,
        schedules: Vec::new(),
        is_test: false,
        gateway_host: None,
    };
    Ok((plan.writer, campaign, plan.places, plan.id))
}

fn refuse_few_rows(settings: &PlanSettings<'_>, rows: u64) -> Result<()> {
    match settings.typed.options.min_rows {
        Some(fewest) if rows < fewest => {
            let (rows, fewest) = (counted(rows, "row"), grouped(fewest));
            let problem = format!("has {rows}, and --min-rows is {fewest}");
            Err(Error::new(Kind::Limits, problem)
                .hint("check that the export is complete, or name a lower number"))
        }
        _ => Ok(()),
    }
}

fn resume(place: &Location, lock: Lock, existing: Existing, lists: Lists) -> Session {
    tracing::info!(ledger = %place, attempts = existing.totals.attempts, "nothing has changed since it was planned");
    Session::of_existing(place, lock, existing, lists)
}

/// Writes a lifetime that was typed into a ledger that was made with another one. It always counts from when the plan was made:
/// a command that is repeated every day must not keep a plan alive.
pub(super) fn set_lifetime(
    ledger: &mut Ledger,
    campaign: &mut Campaign,
    lifetime: Option<Duration>,
) -> Result<()> {
    let Some(lifetime) = lifetime else {
        return Ok(());
    };
    let expires_at = campaign.planned_at.after(lifetime);
    if expires_at != campaign.expires_at {
        let until = timing::shown(&expires_at, campaign);
        inform(&format!(
            "The plan can be sent until {until} now (--expires)."
        ));
        ledger.set_expiry(&expires_at, &clock::now())?;
        campaign.expires_at = expires_at;
    }
    Ok(())
}

/// Plans the spreadsheet in this place, from which nothing is sent. No number is suppressed.
pub(super) fn plan_elsewhere(
    settings: &PlanSettings<'_>,
    place: &Location,
    progress: &dyn Progress,
) -> Result<(Campaign, Places)> {
    let lock = lock(place)?;
    let kept = KeptInput::new(settings.input, planning::reads_twice(&settings.options))?;
    let no_list = Suppression::default();
    let (writer, campaign, places, _) = plan(settings, &kept, &no_list, &lock, progress)?;
    writer.finish(&campaign, false)?;
    Ok((campaign, places))
}

/// A session with a copy of a ledger for the sandbox, or with the copy that an earlier run made.
pub(super) fn open_copy(original: &Location, copy: &Location) -> Result<Session> {
    let planned = original.snapshot()?.campaign()?;
    if original == copy {
        return Session::of_ledger(copy);
    }
    let mut lock = lock(copy)?;
    if let Some(earlier) = Existing::at(copy, None)? {
        if earlier.campaign.id == planned.id {
            drop(lock);
            return Session::of_ledger(copy);
        }
        // It is the sandbox's copy of an earlier plan: nothing was sent from it.
        lock = set_aside(lock, &earlier)?;
    }
    lock.copy_here(original)?;
    if lock.started().is_some() {
        // An earlier copy was set aside. Its mark passes to this one.
        lock.mark_started(&planned.id)?;
    }
    drop(lock);
    Session::of_ledger(copy)
}

/// The id of a new campaign.
pub(super) fn new_id() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// Takes the lock of a ledger.
pub(super) fn lock(place: &Location) -> Result<Lock> {
    // Others need to know where a process is only if they can be on another host.
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let on_host = match host.trim() {
        host if place.is_shared() && !host.is_empty() => format!(" on {host}"),
        _ => String::new(),
    };
    let (process, now) = (std::process::id(), clock::local(&clock::now()));
    place.lock(&format!("process {process}{on_host} since {now}"), &|| {
        inform(&format!(
            "Waiting for another process that plans or opens {place}."
        ));
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use super::super::args::Command;
    use super::super::{parse, settings};
    use super::*;

    /// Puts a file in the ledger's place while the spreadsheet is being read.
    struct Intruder<'a>(&'a Path);

    impl Progress for Intruder<'_> {
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
        let arguments = [OsString::from("isms-campaign"), "plan".into(), sheet.into()];
        let today = |_| jiff::civil::Date::MIN;
        let Command::Plan(args) = parse::parse(&arguments, &today).unwrap().command else {
            panic!("plan was typed");
        };
        let (input, files) = settings::of_plan(&args).unwrap();
        let settings = PlanSettings::new(&input, &files, &args).unwrap();
        assert!(plan_or_resume(&settings, true, &Intruder(&ledger)).is_err());
        assert_eq!(fs::read_to_string(&ledger).unwrap(), "brought back by hand");
    }
}
