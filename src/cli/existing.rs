//! The ledger that an earlier run left where a new one is planned: whether it can be trusted, and when a new plan may take its
//! place.

use std::path::Path;
use std::sync::Arc;

use super::args::LedgerArgs;
use super::files::{CampaignFiles, store_option};
use super::terminal::tell;
use super::values::OnChange;
use super::view::{counted, grouped};
use super::{clock, next, store};
use crate::domain::options::DuplicateRule;
use crate::domain::{PlanId, PlanIdBuilder, Status};
use crate::gateway::Code;
use crate::ledger::{Campaign, History, Location, Lock, Snapshot, Store, Totals};
use crate::source;
use crate::{Error, Kind, Result};

/// A ledger that an earlier run left.
pub(super) struct Existing {
    pub(super) campaign: Campaign,
    pub(super) totals: Totals,
    /// Whether a message may have reached somebody.
    pub(super) sent: bool,
    /// How often an operator decided about rows: what was cancelled must not come back with another plan.
    decisions: u64,
}

impl Existing {
    /// Checks a campaign that others may be about to send too, before its lock is taken: they need not wait for it, and those that
    /// send it already go on meanwhile in any case. Returns the id of one that adds up.
    pub(super) fn check_ahead(place: &Location) -> Result<Option<String>> {
        if !place.is_shared() {
            return Ok(None);
        }
        Ok(Self::at(place, None)?.map(|existing| existing.campaign.id))
    }

    /// What is in this place. `checked` is the id of a campaign that was checked just now.
    pub(super) fn at(place: &Location, checked: Option<&str>) -> Result<Option<Self>> {
        if !place.exists()? {
            return Ok(None);
        }
        let was_cut_off = place.is_open();
        let snapshot = place.snapshot()?;
        let totals = snapshot.totals()?;
        let campaign = snapshot.campaign()?;
        if (was_cut_off || totals.attempts > 0) && checked != Some(&campaign.id) {
            // A ledger that was put back beside the log of its later self can be a mixture of both, also after the log is gone.
            refuse_inconsistent(&*snapshot, &campaign, place)?;
        }
        Ok(Some(Self {
            campaign,
            sent: snapshot.was_sent_from()?,
            decisions: snapshot.decisions()?,
            totals,
        }))
    }

    /// Whether requests were made, whatever became of them, or an operator decided about rows.
    pub(super) fn has_history(&self) -> bool {
        self.history() != History::default()
    }

    fn history(&self) -> History {
        History {
            attempts: self.totals.attempts,
            decisions: self.decisions,
        }
    }

    /// Refuses to set it aside while rows are open, unless nothing was sent and nothing decided.
    pub(super) fn refuse_open_rows(&self, place: &Location) -> Result<()> {
        let counts = self.totals.counts;
        let (pending, unknown) = (counts.of(Status::Pending), counts.of(Status::Unknown));
        if !(self.sent || self.decisions > 0) || pending + unknown == 0 {
            return Ok(());
        }
        let problem = format!(
            "rows are open ({} pending, {} unknown), so it cannot be set aside",
            grouped(pending),
            grouped(unknown)
        );
        Err(refused(place, problem).hint(next::settle_first(&self.campaign, &self.totals, place)))
    }

    /// Whether its plan took the place of one from which messages were sent, because the user asked for it.
    pub(super) fn takes_over(&self, lock: &Lock) -> bool {
        lock.started()
            .is_some_and(|started| started.replaces_another && started.campaign == self.campaign.id)
    }

    /// Refuses another campaign in this one's place.
    pub(super) fn refuse_changes(
        &self,
        place: &Location,
        lock: &Lock,
        on_change: OnChange,
        changes: &[String],
    ) -> Result<()> {
        let why = if on_change == OnChange::New {
            return Ok(());
        } else if self.sent {
            "messages were sent"
        } else if self.decisions > 0 {
            "rows of it were cancelled or resolved"
        } else if self.takes_over(lock) {
            "it took the place of one from which messages were sent"
        } else if place.is_shared() {
            "in a store nothing is replaced without being asked for"
        } else {
            return Ok(());
        };
        let (planned_at, changes) = (clock::local(&self.campaign.planned_at), changes.join("; "));
        let problem =
            format!("was planned on {planned_at} with other rows or options, and {why}: {changes}");
        let open = if self.sent || self.decisions > 0 {
            next::settle_first(&self.campaign, &self.totals, place)
        } else {
            String::new()
        };
        let after = if open.is_empty() {
            ""
        } else {
            "; after that, "
        };
        let mut hint = format!("{open}{after}start anew with --on-change new");
        let of = |status| self.totals.counts.of(status);
        if of(Status::Accepted) + of(Status::Unknown) > 0 {
            hint += ", which sends to everybody in the spreadsheet; to leave some of them out, ";
            hint += &next::list_reached(place);
        }
        Err(refused(place, problem).hint(hint))
    }
}

/// The error of a ledger that is not used.
pub(super) fn refused(place: &Location, problem: impl Into<String>) -> Error {
    Error::new(Kind::Ledger, problem).at(place)
}

/// The ledger that an argument means: the file itself, a campaign of the store, or the ledger of a spreadsheet. The spreadsheet need
/// not be there any more.
pub(super) fn named(args: &LedgerArgs) -> Result<Location> {
    let found = found(args);
    let Some(date) = args.campaign.dated() else {
        return found;
    };
    match found {
        Ok(ledger) if !ledger.exists()? => {
            let problem = format!("there is no ledger of {date}");
            Err(refused(&args.location, problem)
                .hint("plan or send its spreadsheet first, or --date names another date"))
        }
        Err(error) if error.kind == Kind::Ledger => Err(error.or_hint(format_args!(
            "that is the date {date}; --date names another"
        ))),
        found => found,
    }
}

fn found(args: &LedgerArgs) -> Result<Location> {
    let argument = &args.location;
    let Some(path) = argument.path() else {
        return Ok(argument.clone());
    };
    let Some(store) = &args.store.found else {
        return in_file(argument, path);
    };
    if let Some(found) = find(store, path)? {
        return Ok(found);
    }
    let ledger = in_file(argument, path)?;
    if ledger.exists()? {
        Ok(ledger)
    } else {
        Err(neither(store, path))
    }
}

/// The campaign that an argument means, if it is there: the one of this name, or the one of this spreadsheet, which need not be there
/// any more.
fn find(store: &Arc<Store>, argument: &Path) -> Result<Option<Location>> {
    let stem = || CampaignFiles::stem(argument);
    if !store::is_file(argument) {
        let named = store::campaign(store, argument)?;
        if named.exists()? {
            return Ok(Some(named));
        }
    } else if source::is_ledger(argument).unwrap_or(true) {
        // One that cannot be read says so itself.
        return Ok(None);
    }
    let planned = store::campaign(store, Path::new(&stem()))?;
    Ok(if planned.exists()? {
        Some(planned)
    } else {
        None
    })
}

/// The error for what is neither a file nor a campaign of the store.
pub(super) fn neither(store: &Store, argument: &Path) -> Error {
    let problem = format!("is neither a file here nor a campaign in the store {store}");
    let list = format!("isms-campaign campaigns{}", store_option(store));
    Error::new(Kind::NoInput, problem)
        .hint(format!("check the name; list those that are there: {list}"))
        .at(argument.display())
}

fn in_file(argument: &Location, path: &Path) -> Result<Location> {
    // One that cannot be read says so itself.
    let is_ledger = || path.exists() && source::is_ledger(path).unwrap_or(true);
    if path.is_dir() || path == Path::new("-") || is_ledger() {
        return Ok(argument.clone());
    }
    let of = |sandbox| CampaignFiles::new(path, None, None, sandbox).map(|files| files.ledger);
    let ledger = of(false)?;
    if ledger == *argument || (!ledger.exists()? && !path.exists() && !of(true)?.exists()?) {
        return Ok(argument.clone());
    }
    if ledger.exists()? {
        return Ok(ledger);
    }
    let problem = format!("there is no ledger of this spreadsheet ({ledger})");
    let sandbox = of(true)?;
    let hint = if sandbox.exists()? {
        format!("it was only sent to the sandbox; name {sandbox} to see that")
    } else {
        "plan or send it first, or name its ledger".to_owned()
    };
    Err(refused(argument, problem).hint(hint))
}

/// A ledger to look at, and its campaign.
pub(super) fn read(place: &Location) -> Result<(Box<dyn Snapshot>, Campaign)> {
    let snapshot = place.snapshot()?;
    let campaign = snapshot.campaign()?;
    tracing::info!(ledger = %place, campaign = campaign.id, planned_at = %campaign.planned_at, "opened");
    Ok((snapshot, campaign))
}

/// The id of a ledger's plan. It stays the same, whatever became of the plan's rows.
pub(super) fn plan_id(snapshot: &dyn Snapshot, campaign: &Campaign) -> Result<PlanId> {
    let mut id = PlanIdBuilder::new(&campaign.options);
    snapshot.texts(&mut |_, number, text| id.add(number, text))?;
    Ok(id.finish())
}

/// Refuses a test where a campaign is meant.
pub(super) fn refuse_test(campaign: &Campaign, place: &Location) -> Result<()> {
    if !campaign.is_test {
        return Ok(());
    }
    let problem = "is the ledger of a test, which is never sent as a campaign";
    Err(Error::usage(problem)
        .hint("send the spreadsheet, or the campaign's own ledger; if this one took its place, move it away")
        .at(place))
}

/// Refuses a ledger that does not add up.
pub(super) fn refuse_inconsistent(
    snapshot: &dyn Snapshot,
    campaign: &Campaign,
    place: &Location,
) -> Result<()> {
    let duplicates_kept = campaign.options.duplicates == DuplicateRule::Keep;
    let problems = snapshot.verify(duplicates_kept, &|status, code| Code(code).fits(status))?;
    if problems.is_empty() {
        return Ok(());
    }
    let problem = format!("does not add up: {}", problems.join("; "));
    Err(refused(place, problem).hint(
        "bring back a copy from before it was changed, or compare it with the iSMS portal row by row",
    ))
}

/// Names the batches that were sent twice because a person made them pending while their request was under way after all.
pub(super) fn refuse_sent_again(snapshot: &dyn Snapshot, place: &Location) -> Result<()> {
    let batches = snapshot.sent_again()?;
    if batches.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = batches.iter().map(ToString::to_string).collect();
    let problem = format!(
        "was or may have been sent twice in part: the answer to a request for batch {} came after its rows had been resolved as not sent and sent again",
        names.join(", ")
    );
    Err(refused(place, problem).hint(
        "everything else adds up; its column sms_batch in the results shows who is concerned",
    ))
}

/// Refuses to continue where messages were sent from a ledger that is now gone, another one, or an older copy: what
/// was sent is no longer known.
pub(super) fn refuse_lost(
    place: &Location,
    lock: &Lock,
    existing: Option<&Existing>,
    on_change: OnChange,
) -> Result<()> {
    let Some(started) = lock.started() else {
        return Ok(());
    };
    let problem = match existing {
        Some(existing) if existing.campaign.id == started.campaign => {
            let (known, made) = (existing.totals.attempts, started.attempts);
            if known >= made {
                return Ok(());
            }
            let (known, made) = (grouped(known), counted(made, "request"));
            let problem = format!("is an older copy: it records {known} of {made}");
            return Err(refused(place, problem)
                .hint("bring its latest state back; only that one knows what was sent"));
        }
        _ if on_change == OnChange::New => return Ok(()),
        Some(_) => "is another ledger than the one in this place from which messages were sent",
        None => "messages were sent from this ledger, and it is gone",
    };
    Err(refused(place, problem).hint(
        "bring it back, or start anew with --on-change new if you know that no recipient gets a message twice",
    ))
}

/// Makes the ledger's place free for a new plan. One to which nothing has happened may be replaced, unless others can have it open. Any
/// other is set aside.
pub(super) fn make_room(lock: Lock, existing: &Existing, is_shared: bool) -> Result<Lock> {
    let takes_over = existing.takes_over(&lock);
    let mut lock = if existing.has_history() || is_shared {
        set_aside(lock, existing)?
    } else {
        lock.close_completely()?
    };
    let started = lock.started().map(|started| &started.campaign);
    if started == Some(&existing.campaign.id) && !existing.sent && !takes_over {
        lock.clear_started()?;
    }
    Ok(lock)
}

/// Sets a ledger aside, and tells the user where it is now.
pub(super) fn set_aside(lock: Lock, existing: &Existing) -> Result<Lock> {
    let (lock, aside) = lock.set_aside(&existing.campaign.planned_at, existing.history())?;
    tell(&format!("The earlier ledger is now {aside}."));
    Ok(lock)
}

/// What differs between what was planned and what is asked now, for people. Nothing: it is the same campaign.
pub(super) fn changes(before: &Campaign, now: &Campaign) -> Vec<String> {
    let mut changes = Vec::new();
    if before.digest != now.digest {
        changes.push(format!("the cells of {} have changed", now.input));
    }
    if before.options.message != now.options.message {
        changes.push("the message has changed".to_owned());
    }
    let value = |value: Option<String>| value.unwrap_or_else(|| "not given".to_owned());
    for difference in before.options.differences(&now.options) {
        let (before, now) = (value(difference.before), value(difference.now));
        let option = difference.option;
        changes.push(format!("--{option} was {before} and is now {now}"));
    }
    changes
}
