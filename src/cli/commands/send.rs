//! `send`: plans or resumes a campaign, shows it, asks, sends, and writes the results.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::cli::args::{BalanceCheck, OnBadNumber, SendArgs};
use crate::cli::balance::{self, Cost};
use crate::cli::destination::Destination;
use crate::cli::existing::{self, refused};
use crate::cli::exit::Exit;
use crate::cli::files::CampaignFiles;
use crate::cli::overview::Details;
use crate::cli::progress::Progress;
use crate::cli::session::{self, Session, Stage};
use crate::cli::settings::{self, PlanSettings, Recipients};
use crate::cli::summary::{self, Summary};
use crate::cli::suppression::Lists;
use crate::cli::terminal::{ask, inform, tell};
use crate::cli::view::{counted, inflected};
use crate::cli::{
    clock, cooldown, earlier, named, next, overview, repeat, show, signals, suppression, view,
};
use crate::dispatch::{self, Backoff, Policy, StopReason, Throttle};
use crate::domain::place::Places;
use crate::domain::report::Report;
use crate::domain::suppression::Reached;
use crate::domain::{Msisdn, Status};
use crate::gateway::Timeouts;
use crate::ledger::{Campaign, Ledger, Location, Suppressed, Totals};
use crate::results::ResultsFile;
use crate::{Error, Kind, Result};

pub(in crate::cli) fn run(args: &SendArgs) -> Exit {
    summary::of_run(&args.plan.output, args.send.on_end.clone(), |summary| {
        let sent = send(args, summary);
        for line in earlier::open_ledgers(args.plan.campaign.file.as_ref()) {
            tell(&line);
        }
        sent.map(|()| Exit::of_send(summary.stop, &summary.totals.counts))
    })
}

fn send(args: &SendArgs, summary: &mut Summary) -> Result<()> {
    summary.sandbox = args.send.sandbox;
    if summary.sandbox {
        inform("Sending to the sandbox: nobody receives anything.");
    }
    let (recipients, files) = settings::of_send(args)?;
    summary.files = Some(files.clone());
    summary.writes_results = true;
    summary.write_begun(&args.plan.output)?;
    // What could stop the run is checked before anything is planned.
    if let Some(on_end) = summary.on_end.take() {
        on_end.check()?;
        summary.on_end = Some(on_end);
    }
    let timeouts = Timeouts {
        connect: args.send.connect_timeout,
        total: args.send.timeout,
    };
    let destination = if args.send.sandbox {
        Destination::sandbox(&args.sandbox, timeouts)?
    } else {
        Destination::find(args.send.gateway.as_deref(), timeouts)?
    };
    summary.gateway = Some(destination.name());
    let results = match ResultsFile::prepare(&files.results) {
        Ok(results) => results,
        // Another place for the results would not help.
        Err(error) => return Err(files.ledger.refuse_unusable().err().unwrap_or(error)),
    };

    let session = open(args, &recipients, &files)?;
    summary.report = Some(session.campaign.report.clone());
    summary.set_totals(session.totals);
    summary.write_begun(&args.plan.output)?;
    // No other process sends or replaces this ledger before the results of this run are written.
    let _guard = session.lock.guard()?;
    let sent = send_pending(args, session, &destination, summary);
    // However it ended, the results hold an outcome for every row.
    let written = finish(args, &files, &results, summary, sent.is_ok());
    balance::after(balance_check(args, &destination), &destination, summary);
    sent.and(written)
}

fn open(args: &SendArgs, recipients: &Recipients, files: &CampaignFiles) -> Result<Session> {
    match recipients {
        Recipients::Spreadsheet(input) => {
            let settings = PlanSettings::new(input, files, &args.plan)?;
            let progress = Progress::of_planning(args.plan.output.progress);
            session::plan_or_resume(&settings, false, &progress)
        }
        Recipients::Ledger(path) if args.send.sandbox => {
            session::open_copy(path, &files.ledger)?.with_lists(&args.plan.check)
        }
        Recipients::Ledger(path) => Session::of_ledger(path)?.with_lists(&args.plan.check),
    }
}

/// Sends what is pending, once a person has approved it.
fn send_pending(
    args: &SendArgs,
    session: Session,
    destination: &Destination,
    summary: &mut Summary,
) -> Result<()> {
    let plan_id = plan_id(args, &session)?;
    refuse_over_limits(args, &session)?;
    let (stage, place, mut lists) = (session.stage, session.ledger, session.lists);
    let mut ledger = Ledger::open(session.lock)?;
    tell_recovered(ledger.recovered());
    // The lock is held since these were counted.
    let mut totals = session.totals;
    if stage != Stage::New {
        lists.numbers.reached = reached(args, &ledger, totals.attempts)?;
    }
    if stage != Stage::New && !lists.numbers.is_empty() {
        suppress(&mut ledger, &place, |number| lists.numbers.reason(number))?;
        totals = ledger.totals()?;
    }
    if totals.counts.of(Status::Pending) == 0 {
        inform("Nothing is left to send.");
        return ledger.close().map(drop);
    }
    let (recipients, cost) = to_send(args.send.limit, &totals, &session.campaign.report);
    let mut campaign = session.campaign;
    session::set_lifetime(&mut ledger, &mut campaign, args.plan.options.expires)?;
    let approved = refuse_expired(&campaign, &place)
        .and_then(|()| match stage {
            // It was looked for when it was planned.
            Stage::New => Ok(()),
            _ => refuse_repeat(args, (&campaign, totals.attempts), &place)
                .map(|unread| repeat::warn(&unread)),
        })
        .and_then(|()| ledger.set_destination(&destination.name()))
        .and_then(|()| {
            show_plan(args, &campaign, &place, &session.places)?;
            if stage == Stage::Begun {
                inform(&format!("So far:\n{}", view::totals(&totals, &place)));
            }
            let compared =
                balance::before(balance_check(args, destination), destination, cost, summary)?;
            if args.send.yes {
                return Ok(());
            }
            let question = question(recipients, &plan_id, destination, cost, compared);
            ask(&question, "nothing was sent; the plan is kept")
        })
        // A question can stay open for days.
        .and_then(|()| refuse_expired(&campaign, &place))
        .and_then(|()| {
            let added = lists.added(&tell)?;
            let reached = if args.send.yes {
                Reached::default()
            } else {
                reached(args, &ledger, totals.attempts)?
            };
            if added.is_empty() && reached.is_empty() {
                return Ok(());
            }
            suppress(&mut ledger, &place, |number| {
                let is_listed = added.get(&number).cloned();
                is_listed.or_else(|| reached.reason(number))
            })
        })
        .and_then(|()| {
            // The mark comes first: of two that begin at the same moment at least one sees the other.
            ledger.mark_beginning(Some(clock::now()))?;
            refuse_repeat(args, (&campaign, totals.attempts), &place)
                .map(drop)
                .or_else(|refusal| ledger.mark_beginning(None).and(Err(refusal)))
        });
    if let Err(refusal) = approved {
        ledger.close()?;
        return Err(refusal);
    }
    dispatch(args, ledger, lists, destination, recipients, summary)
}

/// The plan's id as the question names it, where there is one. Refuses another plan than the one that was asked for.
fn plan_id(args: &SendArgs, session: &Session) -> Result<String> {
    if args.send.yes && args.send.plan_id.is_none() {
        return Ok(String::new());
    }
    let place = &session.ledger;
    let id = existing::plan_id(&*place.snapshot()?, &session.campaign)?;
    match args.send.plan_id {
        Some(wanted) if wanted != id => {
            let problem = format!("holds the plan {id}, and --plan-id asks for {wanted}");
            let status = format!("isms-campaign status {}", named::in_command(place));
            Err(refused(place, problem).hint(format!(
                "nothing is sent; look at what it holds ({status}) and have it approved, or send the ledger of the other plan"
            )))
        }
        _ => Ok(format!(" of plan {id}")),
    }
}

/// How many recipients this run sends to, and what that may cost. What a part of the rows costs is not known exactly.
fn to_send(limit: Option<u64>, totals: &Totals, report: &Report) -> (u64, Cost) {
    let pending = totals.counts.of(Status::Pending);
    let all = totals.credits_pending;
    let dearest = report
        .dearest
        .as_ref()
        .map_or(all, |text| text.credits.into());
    match limit {
        Some(limit) if limit < pending => {
            let credits = all.min(limit.saturating_mul(dearest));
            (
                limit,
                Cost {
                    credits,
                    at_most: true,
                },
            )
        }
        _ => (
            pending,
            Cost {
                credits: all,
                at_most: false,
            },
        ),
    }
}

/// The question before anything is sent. `compared`: what the run needs, and what the account has.
fn question(
    recipients: u64,
    plan_id: &str,
    destination: &Destination,
    cost: Cost,
    compared: Option<String>,
) -> String {
    let messages = counted(recipients, "message");
    let destination = destination.name();
    let credits = || format!("for up to {}", counted(cost.credits, "credit"));
    let cost = compared.map_or_else(credits, |compared| format!("({compared})"));
    format!("Send {messages}{plan_id} to {destination} {cost}?")
}

fn balance_check(args: &SendArgs, destination: &Destination) -> BalanceCheck {
    match args.send.balance {
        Some(check) => check,
        None if destination.states_balance() => BalanceCheck::Warn,
        None => BalanceCheck::Off,
    }
}

/// Refuses what another campaign in the folder has sent. The campaign comes with the number of its requests.
fn refuse_repeat(
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

/// The numbers of pending rows that other campaigns have reached lately. `requests` were made from this ledger.
fn reached(args: &SendArgs, ledger: &Ledger, requests: u64) -> Result<Reached> {
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

/// Suppresses pending rows, and warns if hardly any are left: the list may be another than was meant.
fn suppress(
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

/// Refuses a plan over its limits, and shows it, as the reasons are in it. If nothing is left to send, it is not refused.
fn refuse_over_limits(args: &SendArgs, session: &Session) -> Result<()> {
    let over_limits = session.refuse_over_limits(args.plan.check.max_invalid);
    let done = session.stage == Stage::Begun && session.totals.counts.of(Status::Pending) == 0;
    if done || over_limits.is_ok() {
        return Ok(());
    }
    show_plan(args, &session.campaign, &session.ledger, &session.places)?;
    over_limits
}

/// Shows the plan on standard error.
fn show_plan(
    args: &SendArgs,
    campaign: &Campaign,
    ledger: &Location,
    places: &Places,
) -> Result<()> {
    let details = Details::on_standard_error();
    match args.plan.output.show {
        Some(number) if details == Details::Examples => {
            let plan = overview::findings(campaign, args.send.rate, details).0;
            inform(plan.trim_end());
            show::texts(ledger, places, number, |text| {
                inform(text.trim_end());
                Ok(())
            })
        }
        _ => {
            inform(&overview::of_plan(campaign, args.send.rate, details));
            Ok(())
        }
    }
}

fn tell_recovered(requests: u64) {
    if requests > 0 {
        let were = inflected(requests, "request was", "requests were");
        tell(&format!(
            "{were} under way when the program was stopped; the rows are unknown now."
        ));
    }
}

/// A plan that is too old is not sent: if its ledger and lock were restored together, nothing else shows that it was sent.
fn refuse_expired(campaign: &Campaign, ledger: &Location) -> Result<()> {
    if !next::is_expired(campaign) {
        return Ok(());
    }
    let (planned_at, expires_at) = (&campaign.planned_at, &campaign.expires_at);
    let problem =
        format!("was planned on {planned_at}, expired on {expires_at}, and is not sent any more");
    let send = next::send_command(campaign, ledger);
    Err(refused(ledger, problem).hint(format!("if it is still to be sent: {send}")))
}

/// Sends, and closes the ledger.
fn dispatch(
    args: &SendArgs,
    ledger: Ledger,
    lists: Lists,
    destination: &Destination,
    to_send: u64,
    summary: &mut Summary,
) -> Result<()> {
    let options = &ledger.campaign().options;
    let throttle = Throttle::new(args.send.rate, options.limits.messages);
    let policy = Policy {
        sender_id: options.sender_id.clone(),
        limit: args.send.limit,
        max_unknown: args.send.max_unknown,
        give_up_after: args.send.give_up_after,
        split_bad_numbers: args.send.on_bad_number == OnBadNumber::Split,
        backoff: Backoff::default(),
    };
    let gateways = (0..args.send.concurrency.get())
        .map(|_| destination.gateway())
        .collect();
    let progress = Arc::new(Progress::of_sending(args.plan.output.progress, to_send));
    let shown = Arc::clone(&progress);
    let stop = signals::stop_token(move |line| shown.tell(line))?;
    let now = &clock::now;
    let mut lists = WatchedLists {
        lists,
        progress: &progress,
        place: ledger.location().clone(),
    };
    let ending = dispatch::run(
        ledger, gateways, &throttle, &policy, &stop, now, &*progress, &mut lists,
    );
    progress.end();
    summary.stop = stop.reason();
    let ending = ending?;
    summary.requests = ending.requests;
    summary.last_failure = ending.last_failure;
    let ended = ending.error.map_or(Ok(()), Err);
    let Some(mut ledger) = ending.ledger else {
        return ended;
    };
    let ended = ended.and_then(|()| ledger.mark_beginning(None));
    let closed = ledger.close();
    ended.and(closed.map(drop))
}

/// The lists during a run.
struct WatchedLists<'a> {
    lists: Lists,
    progress: &'a Progress,
    place: Location,
}

impl dispatch::Lists for WatchedLists<'_> {
    fn wait(&self) -> Duration {
        self.lists.wait()
    }

    fn added(&mut self) -> Result<HashMap<Msisdn, String>> {
        self.lists.added(&|line| self.progress.tell(line))
    }

    fn suppressed(&self, rows: &Suppressed) {
        let place = &self.place;
        self.progress.tell(&suppression::suppressed(rows, place));
    }
}

/// Writes the results, and tells the user how it ended.
fn finish(
    args: &SendArgs,
    files: &CampaignFiles,
    results: &ResultsFile,
    summary: &mut Summary,
    succeeded: bool,
) -> Result<()> {
    let snapshot = files.ledger.snapshot()?;
    let totals = snapshot.totals()?;
    summary.set_totals(totals);
    let rows_left = totals.counts.of(Status::Pending) > 0;
    if succeeded && summary.stop.is_none() && args.send.limit.is_some() && rows_left {
        summary.stop = Some(StopReason::Limit);
    }
    results.write(&*snapshot, None, args.send.sandbox)?;
    let mut text = format!("\n{}", view::totals(&totals, &files.ledger));
    // An error says itself what to do next.
    if succeeded {
        text += &next::steps(&snapshot.campaign()?, &totals, summary.stop, &files.ledger);
    }
    tell(&format!("{text}Results: {}", results.path().display()));
    Ok(())
}
