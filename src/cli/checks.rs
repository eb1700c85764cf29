//! What is looked at before anything is claimed, when a run begins to send and after each wait, and while it sends.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::args::SendArgs;
use super::balance::{self, Cost};
use super::destination::Destination;
use super::existing::refused;
use super::progress::Progress;
use super::summary::Summary;
use super::suppression::{self, Lists};
use super::terminal::tell;
use super::timing::Timing;
use super::{clock, cooldown, named, next, repeat, view};
use crate::dispatch::{self, StopReason, StopToken};
use crate::domain::suppression::Reached;
use crate::domain::{Msisdn, Status, Timestamp};
use crate::ledger::{Campaign, Ledger, Location, Suppressed, Totals};
use crate::{Error, Kind, Result};

/// The checks of a run.
pub(super) struct Checks<'a> {
    pub(super) args: &'a SendArgs,
    pub(super) destination: &'a Destination,
    pub(super) summary: &'a mut Summary,
    pub(super) campaign: &'a Campaign,
    pub(super) place: &'a Location,
    pub(super) timing: &'a Timing,
    pub(super) lists: Lists,
    pub(super) progress: &'a Progress,
    /// What the ledger held before this run.
    pub(super) before: Totals,
    /// Whether it is long ago that the other campaigns and the balance were looked at.
    pub(super) is_stale: bool,
    /// Whether this run is about to make its first request, or has made it.
    pub(super) begun: bool,
}

impl Checks<'_> {
    /// Suppresses what came onto the lists, and whom other campaigns reached meanwhile. A list that cannot be read now is tried again
    /// first.
    fn suppress_listed(&mut self, ledger: &mut Ledger, stop: &StopToken) -> Result<()> {
        let looks_again = self.is_stale;
        if looks_again {
            let requests = ledger.patiently(Ledger::totals)?.attempts;
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

    /// Compares the balance with what is left to send, which may be less than before, or more than others have left in the account.
    fn compare_balance(&mut self, now: &Totals) -> Result<()> {
        let settled = |totals: &Totals| {
            let ended = [Status::Accepted, Status::Refused, Status::Unknown];
            ended
                .map(|status| totals.counts.of(status))
                .iter()
                .sum::<u64>()
        };
        let pending = now.counts.of(Status::Pending);
        let done = settled(now).saturating_sub(settled(&self.before));
        let limit = self.args.send.limit.map(|limit| limit.saturating_sub(done));
        let cost = Cost::of(
            limit.unwrap_or(pending).min(pending),
            now,
            &self.campaign.report,
        );
        let first = self.summary.balance_before.clone().filter(|_| self.begun);
        let check = self.destination.balance_check(self.args.send.balance);
        let (destination, summary) = (self.destination, &mut *self.summary);
        self.progress
            .aside(|| balance::before(check, destination, cost, summary))?;
        // The one before the first request is kept.
        self.summary.balance_before = first.or_else(|| self.summary.balance_before.clone());
        Ok(())
    }
}

impl dispatch::Lists for Checks<'_> {
    fn before_sending(&mut self, ledger: &mut Ledger, stop: &StopToken) -> Result<()> {
        refuse_expired(self.campaign, self.place)?;
        self.suppress_listed(ledger, stop)?;
        if std::mem::take(&mut self.is_stale) {
            self.compare_balance(&ledger.totals()?)
                .inspect_err(|_| stop.request(StopReason::Balance))?;
        }
        if self.begun {
            return Ok(());
        }
        // The mark comes first: of two that begin at the same moment at least one sees the other.
        ledger.mark_beginning(Some(clock::now()))?;
        self.begun = true;
        refuse_repeat(self.args, (self.campaign, self.before.attempts), self.place)
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
    let (planned_at, expires_at) = (
        clock::local(&campaign.planned_at),
        clock::local(&campaign.expires_at),
    );
    let problem =
        format!("was planned on {planned_at}, expired on {expires_at}, and is not sent any more");
    Err(refused(ledger, problem).hint(next::with_send_command(
        "if it is still to be sent",
        campaign,
        ledger,
    )))
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
    let pending = ledger.patiently(Ledger::totals)?.counts.of(Status::Pending);
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
