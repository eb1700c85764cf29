//! What is looked at before anything is claimed, when a run begins to send and after each wait, and while it sends.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::args::SendArgs;
use super::balance::{self, Cost};
use super::destination::Destination;
use super::existing::refused;
use super::progress::Progress;
use super::summary::Summary;
use super::suppression::{self, Lists};
use super::terminal::{is_quiet, tell};
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
    pub(super) others: Others,
}

/// The other processes that send the campaign, as the user was told.
#[derive(Default)]
pub(super) struct Others {
    /// How many there were when they were counted, and when that was.
    counted: Option<(usize, Instant)>,
}

impl Others {
    const COUNT_EVERY: Duration = Duration::from_secs(5);

    /// Tells how many there are, if that has changed.
    fn tell(&mut self, place: &Location, progress: &Progress) {
        let is_recent = |(_, at): &(usize, Instant)| at.elapsed() < Self::COUNT_EVERY;
        if self.counted.as_ref().is_some_and(is_recent) {
            return;
        }
        // If they cannot be counted now, that stops nothing.
        let Some(others) = place.senders().map(|all| all.saturating_sub(1)) else {
            return;
        };
        let before = self.counted.replace((others, clock::instant()));
        let told = before.map_or(usize::MAX, |(others, _)| others);
        if others != told && !is_quiet() {
            let are = match others {
                0 => "No other process is sending".to_owned(),
                _ => view::inflected(
                    others as u64,
                    "other process is sending",
                    "other processes are sending",
                ),
            };
            progress.tell(&format!("{are} this campaign now."));
        }
    }
}

impl Checks<'_> {
    /// Suppresses what came onto the lists, and whom other campaigns reached meanwhile. A list that cannot be read now is tried again
    /// first.
    fn suppress_listed(&mut self, ledger: &mut Ledger, stop: &StopToken) -> Result<()> {
        let looks_again = self.is_stale;
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
        let compare = || balance::before(check, destination, cost, summary);
        let compared = self.progress.aside(compare);
        // The one before the first request is kept.
        self.summary.balance_before = first.or_else(|| self.summary.balance_before.take());
        compared.map(drop)
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
        self.others.tell(self.place, self.progress);
        let campaign = (self.campaign, self.before.attempts);
        ledger
            .patiently(|_| refuse_repeat(self.args, campaign, self.place))
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
        self.others.tell(self.place, self.progress);
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
pub(super) fn reached(args: &SendArgs, ledger: &mut Ledger, requests: u64) -> Result<Reached> {
    let check = &args.plan.check;
    ledger.patiently(|ledger| {
        let (campaign, location) = (ledger.campaign(), ledger.location());
        let mut pending = HashSet::new();
        if check.cooldown.is_some() {
            location.snapshot()?.texts(&mut |status, number, _| {
                if status == Status::Pending {
                    pending.insert(number);
                }
            })?;
        }
        let own = Some((campaign.id.as_str(), requests));
        let spreadsheet = campaign.options.spreadsheet.as_deref();
        cooldown::reached(check, (location, spreadsheet, own), None, &pending)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::fs;

    use clap::Parser as _;

    use super::super::args::{Cli, Command};
    use super::super::values::ProgressArg;
    use super::*;
    use crate::dispatch::Lists as _;
    use crate::domain::{Region, Schedule};
    use crate::gateway::Timeouts;
    use crate::ledger::tests::{in_memory, number, open, plan, statuses};
    use crate::ledger::{AttemptOutcome, Committer, NewState, Settlement, Take};

    /// The list is read while the request is under way, and has nothing new when it has ended.
    #[test]
    fn a_number_that_was_listed_during_a_request_that_was_not_sent_is_suppressed() {
        // The next window may be open already when the last one has ended.
        for waits in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let list = folder.path().join("opted-out.txt");
            fs::write(&list, format!("{}\n", number(9))).unwrap();
            let listed = list.to_str().unwrap();
            let typed = ["isms-campaign", "send", "a.csv", "--balance", "off"];
            let typed = [&typed[..], &["--suppress", listed]].concat();
            let Command::Send(args) = Cli::try_parse_from(typed).unwrap().command else {
                panic!()
            };
            let place = in_memory();
            plan(&place, &[1, 1]);
            let mut ledger = open(&place);
            let campaign = ledger.campaign().clone();
            let now = campaign.planned_at.clone();
            let campaign = Campaign {
                expires_at: clock::now().after(Duration::from_secs(86_400)),
                ..campaign
            };
            let timeouts = Timeouts {
                connect: Duration::ZERO,
                total: Duration::ZERO,
            };
            let destination = Destination::sandbox(&args.sandbox, timeouts).unwrap();
            let mut summary = Summary::begin(None);
            let mut checks = Checks {
                args: &args,
                destination: &destination,
                summary: &mut summary,
                campaign: &campaign,
                place: &place,
                timing: &Timing::at_once(2),
                lists: Lists::read(&args.plan.check, Region::MY).unwrap(),
                progress: &Progress::of_sending(ProgressArg::None, 2, &Schedule::default()),
                before: Totals::default(),
                is_stale: false,
                begun: false,
                others: Others::default(),
            };
            let stop = StopToken::default();
            checks.before_sending(&mut ledger, &stop).unwrap();
            let (committer, handles) = Committer::start(ledger, 1, None);
            let claimed = handles[0].next_claimed(None, Take::Batch, now.clone());
            let (batch, attempt) = claimed.unwrap().unwrap();
            fs::write(&list, format!("{}\n{}\n", number(9), number(1))).unwrap();
            let added = checks.added().unwrap();
            assert!(added.contains_key(&number(1)));
            assert!(handles[0].suppress(added).unwrap().is_empty());
            let unsent = NewState::Planned { why: String::new() };
            let ended = Settlement {
                batch,
                attempt,
                ended_at: now.clone(),
                outcome: AttemptOutcome::NotSent,
                http_status: None,
                answer: String::new(),
                new_states: vec![unsent],
            };
            handles[0].settle(ended).unwrap();
            drop(handles);
            let mut ledger = committer.finish().0.unwrap();
            if waits {
                checks.before_waiting(&now).unwrap();
            }
            checks.before_sending(&mut ledger, &stop).unwrap();
            ledger.close().unwrap();
            assert_eq!(statuses(&place), [Status::Suppressed, Status::Pending]);
        }
    }
}
