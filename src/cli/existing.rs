//! The ledger that an earlier run left where a new one is planned: whether it can be trusted, and when a new plan may take its
//! place.

use std::path::Path;

use super::args::OnChange;
use super::terminal::tell;
use crate::domain::Status;
use crate::domain::options::{Difference, DuplicateRule};
use crate::ledger::{self, Campaign, Lock, Snapshot, Totals};
use crate::{Error, Kind, Result};

/// A ledger that an earlier run left.
pub(super) struct Existing {
    pub(super) campaign: Campaign,
    pub(super) totals: Totals,
    /// Whether a message may have reached somebody.
    sent: bool,
}

impl Existing {
    pub(super) fn at(path: &Path) -> Result<Option<Self>> {
        if !ledger::exists(path)? {
            return Ok(None);
        }
        let was_cut_off = ledger::has_log(path);
        let snapshot = Snapshot::open(path)?;
        let totals = snapshot.totals()?;
        let campaign = snapshot.campaign()?;
        if was_cut_off || totals.attempts > 0 {
            // A ledger that was put back beside the log of its later self can be a mixture of both, also after the log is gone.
            refuse_inconsistent(&snapshot, &campaign, path)?;
        }
        Ok(Some(Self {
            campaign,
            sent: snapshot.was_sent_from()?,
            totals,
        }))
    }

    /// Whether requests were made, whatever became of them.
    pub(super) fn begun(&self) -> bool {
        self.totals.attempts > 0
    }

    /// Whether its plan took the place of one from which messages were sent, because the user asked for it.
    pub(super) fn takes_over(&self, lock: &Lock) -> bool {
        lock.started()
            .is_some_and(|started| started.replaces_another && started.campaign == self.campaign.id)
    }

    /// Refuses another campaign in this one's place.
    pub(super) fn refuse_changes(
        &self,
        path: &Path,
        lock: &Lock,
        on_change: OnChange,
        changes: &[String],
    ) -> Result<()> {
        let takes_over = self.takes_over(lock);
        if !(self.sent || takes_over) || on_change == OnChange::New {
            return Ok(());
        }
        let why = if self.sent {
            "messages were sent"
        } else {
            "it took the place of one from which messages were sent"
        };
        Err(Error::new(
            Kind::Ledger,
            format!(
                "was planned on {} as something else than is asked now, and {why}: {}",
                self.campaign.planned_at,
                changes.join("; ")
            ),
        )
        .hint("continue with what was planned by naming the ledger to send, or start anew with --on-change new")
        .at(path.display()))
    }
}

/// A ledger to look at, and its campaign.
pub(super) fn read(path: &Path) -> Result<(Snapshot, Campaign)> {
    let snapshot = Snapshot::open(path)?;
    let campaign = snapshot.campaign()?;
    tracing::info!(ledger = %path.display(), campaign = campaign.id, planned_at = %campaign.planned_at, "opened");
    Ok((snapshot, campaign))
}

/// Refuses a ledger that does not add up.
pub(super) fn refuse_inconsistent(
    snapshot: &Snapshot,
    campaign: &Campaign,
    path: &Path,
) -> Result<()> {
    let problems = snapshot.verify(campaign.options.duplicates == DuplicateRule::Keep)?;
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Kind::Ledger,
        format!("does not add up: {}", problems.join("; ")),
    )
    .hint("bring back a copy from before it was changed, or compare it with the iSMS portal row by row")
    .at(path.display()))
}

/// Refuses to continue where messages were sent from a ledger that is now gone, another one, or an earlier state of itself: what
/// was sent is no longer known.
pub(super) fn refuse_lost(
    path: &Path,
    lock: &Lock,
    existing: Option<&Existing>,
    on_change: OnChange,
) -> Result<()> {
    let Some(started) = lock.started() else {
        return Ok(());
    };
    let problem = match existing {
        Some(existing) if existing.campaign.id != started.campaign => {
            "is another ledger than the one in this place from which messages were sent"
        }
        Some(existing) if existing.totals.attempts < started.attempts => {
            return Err(Error::new(
                Kind::Ledger,
                format!(
                    "is an earlier state of itself: it knows of {} requests, and {} were made",
                    existing.totals.attempts, started.attempts
                ),
            )
            .hint("bring its latest state back; only that one knows what was sent")
            .at(path.display()));
        }
        Some(_) => return Ok(()),
        None => "messages were sent from this ledger, and it is gone",
    };
    if on_change == OnChange::New {
        return Ok(());
    }
    Err(Error::new(Kind::Ledger, problem)
        .hint("bring it back, or start anew with --on-change new if you know that nobody gets a message twice")
        .at(path.display()))
}

/// Makes the ledger's place free for a new plan. One from which no request was made may be replaced. Any other is set aside,
/// unless messages were sent and rows are open.
pub(super) fn make_room(path: &Path, lock: Lock, existing: &Existing) -> Result<Lock> {
    let takes_over = existing.takes_over(&lock);
    let mut lock = if existing.begun() {
        let counts = existing.totals.counts;
        let (pending, unknown) = (counts.of(Status::Pending), counts.of(Status::Unknown));
        if existing.sent && pending + unknown > 0 {
            return Err(Error::new(
                Kind::Ledger,
                format!(
                    "rows are open ({pending} pending, {unknown} unknown), so it cannot be set aside"
                ),
            )
            .hint("finish it first by naming the ledger to send")
            .at(path.display()));
        }
        set_aside(path, lock, &existing.campaign)?
    } else {
        ledger::close_all_files(path, lock)?
    };
    let is_the_started_one = lock
        .started()
        .is_some_and(|started| started.campaign == existing.campaign.id);
    if is_the_started_one && !existing.sent && !takes_over {
        lock.clear_started()?;
    }
    Ok(lock)
}

/// Sets a ledger aside, and tells the user where it is now.
pub(super) fn set_aside(path: &Path, lock: Lock, campaign: &Campaign) -> Result<Lock> {
    let lock = ledger::close_all_files(path, lock)?;
    let aside = ledger::set_aside(path, &campaign.planned_at)?;
    tell(&format!("The earlier ledger is now {}.", aside.display()));
    Ok(lock)
}

/// What differs between what was planned and what is asked now, for people. Nothing: it is the same campaign.
pub(super) fn changes(before: &Campaign, now: &Campaign) -> Vec<String> {
    let cells =
        (before.digest != now.digest).then(|| format!("the cells of {} have changed", now.input));
    let options = before.options.differences(&now.options);
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
