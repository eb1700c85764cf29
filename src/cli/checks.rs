//! What is looked at before anything is claimed, when a run begins to send and after each wait, and while it sends.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::args::SendArgs;
use super::existing::refused;
use super::progress::Progress;
use super::suppression::{self, Lists};
use super::terminal::tell;
use super::timing::Timing;
use super::{clock, cooldown, named, next, repeat, view};
use crate::dispatch::{self, StopToken};
use crate::domain::suppression::Reached;
use crate::domain::{Msisdn, Status, Timestamp};
use crate::ledger::{Campaign, Ledger, Location, Suppressed};
use crate::{Error, Kind, Result};

/// The checks of a run.
pub(super) struct Checks<'a> {
    pub(super) args: &'a SendArgs,
    pub(super) campaign: &'a Campaign,
    pub(super) place: &'a Location,
    pub(super) timing: &'a Timing,
    pub(super) lists: Lists,
    pub(super) progress: &'a Progress,
    /// How many requests were made before this run.
    pub(super) attempts: u64,
    /// Whether it is long ago that the other campaigns were looked at.
    pub(super) is_stale: bool,
    /// Whether this run is about to make its first request, or has made it.
    pub(super) begun: bool,
}

impl Checks<'_> {
    /// Suppresses what came onto the lists, and whom other campaigns reached meanwhile. A list that cannot be read now is tried again
    /// first.
    fn suppress_listed(&mut self, ledger: &mut Ledger, stop: &StopToken) -> Result<()> {
        let looks_again = std::mem::take(&mut self.is_stale);
        if looks_again {
            let requests = ledger.totals()?.attempts;
            self.lists.numbers.reached = reached(self.args, ledger, requests)?;
        }
        loop {
            let added = self.lists.added(&|line| self.progress.tell(line))?;
            // What came onto them while it was in flight, and was not sent after all, is pending again.
            if self.begun || looks_again || !added.is_empty() {
                let listed = |number| self.lists.numbers.reason(number);
                self.progress
                    .aside(|| suppress(ledger, self.place, listed))?;
            }
            if self.lists.are_readable() || !stop.wait(self.lists.wait()) {
                return Ok(());
            }
        }
    }
}

impl dispatch::Lists for Checks<'_> {
    fn before_sending(&mut self, ledger: &mut Ledger, stop: &StopToken) -> Result<()> {
        refuse_expired(self.campaign, self.place)?;
        self.suppress_listed(ledger, stop)?;
        if self.begun {
            return Ok(());
        }
        // The mark comes first: of two that begin at the same moment at least one sees the other.
        ledger.mark_beginning(Some(clock::now()))?;
        self.begun = true;
        refuse_repeat(self.args, (self.campaign, self.attempts), self.place)
            .map(drop)
            .or_else(|refusal| ledger.mark_beginning(None).and(Err(refusal)))
    }

    fn before_waiting(&mut self, opening: &Timestamp) -> Result<()> {
        self.is_stale = true;
        self.timing
            .refuse_expired_by(opening, self.campaign, self.place)
    }

    fn wait(&self) -> Duration {
        self.lists.wait()
    }

    fn added(&mut self) -> Result<HashMap<Msisdn, String>> {
        self.lists.added(&|line| self.progress.tell(line))
    }

    fn suppressed(&self, rows: &Suppressed) {
        self.progress
            .tell(&suppression::suppressed(rows, self.place));
    }
}

/// A plan that is too old is not sent: if its ledger and lock were restored together, nothing else shows that it was sent.
pub(super) fn refuse_expired(campaign: &Campaign, ledger: &Location) -> Result<()> {
    if !next::is_expired(campaign) {
        return Ok(());
    }
    let (planned_at, expires_at) = (&campaign.planned_at, &campaign.expires_at);
    let problem =
        format!("was planned on {planned_at}, expired on {expires_at}, and is not sent any more");
    let send = next::send_command(campaign, ledger);
    Err(refused(ledger, problem).hint(format!("if it is still to be sent: {send}")))
}

/// Refuses what another campaign in the folder has sent. The campaign comes with the number of its requests.
pub(super) fn refuse_repeat(
    args: &SendArgs,
    campaign: (&Campaign, u64),
    place: &Location,
) -> Result<Vec<Error>> {
    if args.send.sandbox {
        return Ok(Vec::new());
    }
    let check = &args.plan.check;
    repeat::refuse(check.repeat, campaign, place, None, |each| {
        place.snapshot()?.texts(&mut |status, number, text| {
            if status == Status::Pending {
                each(number, text);
            }
        })
    })
    .map_err(|error| match error.kind {
        // What is pending would be sent once the time has passed.
        Kind::Repeat => error.or_hint(format_args!(
            "if this one is not to be sent: isms-campaign cancel {}",
            named::in_command(place)
        )),
        _ => error,
    })
}

/// Suppresses pending rows, and warns if hardly any are left: the list may be another than was meant.
pub(super) fn suppress(
    ledger: &mut Ledger,
    place: &Location,
    listed: impl Fn(Msisdn) -> Option<String>,
) -> Result<()> {
    let suppressed = ledger.suppress(listed)?;
    if suppressed.is_empty() {
        return Ok(());
    }
    tell(&suppression::suppressed(&suppressed, place));
    let rows = suppressed.values().flatten().count() as u64;
    let pending = ledger.totals()?.counts.of(Status::Pending);
    if view::hardly_any(pending, pending + rows) {
        tell(&format!(
            "Warning: {} that were pending; is each list the one that you mean?",
            view::left(pending, pending + rows)
        ));
    }
    Ok(())
}

/// The numbers of pending rows that other campaigns have reached lately. `requests` were made from this ledger.
pub(super) fn reached(args: &SendArgs, ledger: &Ledger, requests: u64) -> Result<Reached> {
    let check = &args.plan.check;
    let mut pending = HashSet::new();
    if check.cooldown.is_some() {
        ledger
            .location()
            .snapshot()?
            .texts(&mut |status, number, _| {
                if status == Status::Pending {
                    pending.insert(number);
                }
            })?;
    }
    let own = Some((ledger.campaign().id.as_str(), requests));
    cooldown::reached(check, ledger.location(), None, own, &pending)
}
