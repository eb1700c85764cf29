//! `send`: plans or resumes a campaign, shows it, asks, sends, and writes the results.

use std::sync::Arc;
use std::time::Duration;

use crate::cli::args::SendArgs;
use crate::cli::balance::{self, Cost};
use crate::cli::checks::{Checks, Others, reached, refuse_expired, refuse_repeat, suppress};
use crate::cli::destination::Destination;
use crate::cli::existing::refused;
use crate::cli::exit::Exit;
use crate::cli::files::CampaignFiles;
use crate::cli::overview::Details;
use crate::cli::progress::Progress;
use crate::cli::question::Question;
use crate::cli::session::{self, Session, Stage};
use crate::cli::settings::{self, PlanSettings, Recipients};
use crate::cli::summary::{self, Summary};
use crate::cli::suppression::Lists;
use crate::cli::terminal::{ask, inform, is_screen, tell};
use crate::cli::timing::Timing;
use crate::cli::values::OnBadNumber;
use crate::cli::view::{Screen, counted, inflected, part_of};
use crate::cli::{
    clock, database, earlier, named, next, overview, repeat, show, signals, store_note, view,
};
use crate::dispatch::{self, Backoff, Policy, Rate, StopReason, Throttle};
use crate::domain::Status;
use crate::domain::place::Places;
use crate::gateway::Timeouts;
use crate::ledger::{Campaign, Ledger, Location, Lock, SenderOptions, Totals};
use crate::results::ResultsFile;
use crate::source::Input;
use crate::{Kind, Result};

pub(in crate::cli) fn run(args: &SendArgs) -> Exit {
    summary::of_run(&args.plan.output, args.send.on_end.clone(), |summary| {
        let sent = send(args, summary);
        for line in earlier::open_ledgers(args.plan.campaign.file.as_ref()) {
            tell(&line);
        }
        sent.map(|()| Exit::of_send(summary.stop, &summary.totals.decisive()))
    })
}

fn send(args: &SendArgs, summary: &mut Summary) -> Result<()> {
    summary.sandbox = args.send.sandbox;
    if summary.sandbox {
        inform("Sending to the sandbox: nobody receives anything.");
    }
    summary.name = CampaignFiles::stem(&args.plan.recipients);
    if let Some(store) = settings::store_needed(&args.plan) {
        database::patiently(args.send.give_up_after, || store.check())?;
    }
    let (recipients, files) = settings::of_send(args)?;
    summary.files = Some(files.clone());
    summary.writes_results = true;
    summary.leave_to_run_under_way(&args.plan.output);
    summary.write_begun(&args.plan.output)?;
    // What could stop the run is checked before anything is planned.
    if let Some(on_end) = summary.on_end.take() {
        on_end.check()?;
        summary.on_end = Some(on_end);
    }
    let destination = destination(args)?;
    summary.gateway = Some(destination.name());
    let results = match ResultsFile::prepare(&files.results) {
        Ok(results) => results,
        // Another place for the results would not help.
        Err(error) => return Err(files.ledger.refuse_unusable().err().unwrap_or(error)),
    };

    let session = open(args, &recipients, &files)?;
    summary.report = Some(session.campaign.report.clone());
    summary.set_totals(session.totals);
    summary.is_left_to_other = false;
    summary.write_begun(&args.plan.output)?;
    // No other process sends or replaces a ledger in a file before the results of this run are written.
    let _guard = session.lock.guard()?;
    let sent = send_pending(args, session, &destination, summary);
    // However it ended, the results hold an outcome for every row. A database that was given up is not waited for once more.
    let was_reached = !matches!(&sent, Err(error) if error.kind == Kind::Unreachable);
    let patience = if was_reached {
        args.send.give_up_after
    } else {
        Duration::ZERO
    };
    let written = database::patiently(patience, || {
        finish(args, &files, &results, summary, sent.is_ok())
    });
    let check = destination.balance_check(args.send.balance);
    balance::after(check, &destination, summary);
    sent.and(written)
}

/// Where the messages go.
pub(super) fn destination(args: &SendArgs) -> Result<Destination> {
    let timeouts = Timeouts {
        connect: args.send.connect_timeout,
        total: args.send.timeout,
    };
    if args.send.sandbox {
        Destination::sandbox(&args.sandbox, timeouts)
    } else {
        Destination::find(args.send.gateway.as_deref(), timeouts)
    }
}

/// Plans a campaign, or opens one. Where a database is lost meanwhile, all of it is done again: what became durable is found then.
fn open(args: &SendArgs, recipients: &Recipients, files: &CampaignFiles) -> Result<Session> {
    let patience = match recipients {
        // It can be read only once.
        Recipients::Spreadsheet(Input::Stdin) => Duration::ZERO,
        _ => args.send.give_up_after,
    };
    database::patiently(patience, || open_once(args, recipients, files))
}

fn open_once(args: &SendArgs, recipients: &Recipients, files: &CampaignFiles) -> Result<Session> {
    match recipients {
        Recipients::Spreadsheet(input) => {
            let settings = PlanSettings::new(input, files, &args.plan)?;
            let progress = Progress::of_planning(args.plan.output.progress);
            let session = session::plan_or_resume(&settings, false, &progress)?;
            store_note::write(input, &session.ledger)?;
            Ok(session)
        }
        Recipients::Ledger(path) if args.send.sandbox => {
            session::open_copy(path, &files.ledger)?.with_lists(&args.plan.check)
        }
        Recipients::Ledger(path) => Session::of_ledger(path)?.with_lists(&args.plan.check),
    }
}

/// A campaign that is to be sent.
pub(super) struct ToSend<'a> {
    pub(super) args: &'a SendArgs,
    pub(super) campaign: Campaign,
    pub(super) place: Location,
    pub(super) places: Places,
    pub(super) stage: Stage,
    pub(super) totals: Totals,
    pub(super) timing: Timing,
    pub(super) plan_id: String,
    /// How many messages this run sends, and what that may cost.
    pub(super) messages: u64,
    pub(super) cost: Cost,
}

/// Sends what is pending, once a person has approved it.
fn send_pending(
    args: &SendArgs,
    session: Session,
    destination: &Destination,
    summary: &mut Summary,
) -> Result<()> {
    let plan_id = database::patiently(args.send.give_up_after, || plan_id(args, &session))?;
    let over_limits = session.refuse_over_limits(args.plan.check.max_invalid);
    let (stage, place, mut lists) = (session.stage, session.ledger, session.lists);
    let (mut campaign, mut totals) = (session.campaign, session.totals);
    let mut ledger = open_ledger(args, &place, &campaign, session.lock)?;
    tell_recovered(ledger.recovered());
    // The lock is held since these were counted.
    if stage != Stage::New && !lists.knows_reached {
        lists.numbers.reached = reached(args, &mut ledger, totals.attempts)?;
    }
    if stage != Stage::New && !lists.numbers.is_empty() {
        suppress(&mut ledger, &place, |number| lists.numbers.reason(number))?;
        totals = ledger.totals()?;
    }
    totals = database::await_others(&mut ledger, totals)?;
    let pending = totals.counts.of(Status::Pending);
    let begun = totals.attempts > 0;
    let timing = match pending {
        0 => Timing::at_once(0),
        // What its words mean is kept, even if the run is refused.
        _ => Timing::keep(&args.send, &mut campaign, &mut ledger, pending, begun)?,
    };
    session::set_lifetime(&mut ledger, &mut campaign, args.plan.options.expires)?;
    let messages = args.send.limit.unwrap_or(pending).min(pending);
    let cost = Cost::of(messages, &totals, &campaign.report);
    let to_send = ToSend {
        args,
        campaign,
        place,
        places: session.places,
        stage,
        totals,
        timing,
        plan_id,
        messages,
        cost,
    };
    if over_limits.is_err() && (pending > 0 || stage != Stage::Begun) {
        // The reasons are in the plan.
        to_send.show()?;
        return over_limits;
    }
    if pending == 0 {
        inform("Nothing is left to send.");
        return ledger.close().map(drop);
    }
    summary.timing = Some(to_send.timing.to_json());
    match to_send.approve(&mut ledger, destination, summary) {
        Ok(true) => dispatch(&to_send, ledger, lists, destination, summary),
        Ok(false) => {
            summary.stop = Some(StopReason::NotAfter);
            ledger.close().map(drop)
        }
        Err(refusal) => ledger.close().and(Err(refusal)),
    }
}

/// Opens the ledger of a campaign whose lock is held. Where the database is lost meanwhile, the lock is taken again.
fn open_ledger(
    args: &SendArgs,
    place: &Location,
    campaign: &Campaign,
    lock: Lock,
) -> Result<Ledger> {
    let patience = args.send.give_up_after;
    let mut lock = Some(lock);
    let mut ledger = database::patiently(patience, || {
        Ledger::open(lock.take().map_or_else(|| session::lock(place), Ok)?)
    })?;
    if ledger.campaign().id != campaign.id {
        let problem = "was set aside meanwhile, and another plan took its place";
        return Err(refused(place, problem).hint("nothing was sent; run again to see that plan"));
    }
    ledger.set_outlast(database::outlast(patience));
    Ok(ledger)
}

impl ToSend<'_> {
    /// Whether it is to be sent now, as a person says. `false`: its last time has passed, and nobody is asked.
    fn approve(
        &self,
        ledger: &mut Ledger,
        destination: &Destination,
        summary: &mut Summary,
    ) -> Result<bool> {
        let (args, campaign, place) = (self.args, &self.campaign, &self.place);
        if !self.timing.refuse_never(campaign, place)? {
            return Ok(false);
        }
        refuse_expired(campaign, place)?;
        // A new plan was compared when it was planned.
        if self.stage != Stage::New {
            let attempts = self.totals.attempts;
            let campaign = (campaign, attempts);
            let unread = ledger.patiently(|_| refuse_repeat(args, campaign, place))?;
            repeat::warn(&unread);
        }
        ledger.set_destination(&destination.name())?;
        // The plan of a campaign that has begun was shown when it began.
        if self.totals.attempts == 0 {
            self.show()?;
        }
        if self.stage == Stage::Begun {
            self.show_rest()?;
        }
        let check = destination.balance_check(args.send.balance);
        let compared = balance::before(check, destination, self.cost, summary)?;
        if !args.send.yes {
            let question = self.question(destination, compared);
            ask(&question, "nothing was sent; the plan is kept")?;
        }
        Ok(true)
    }

    /// The question before anything is sent. `compared`: what the run needs, and what the account has.
    fn question(&self, destination: &Destination, compared: Option<String>) -> String {
        Question {
            messages: self.messages,
            pending: self.totals.counts.of(Status::Pending),
            plan_id: &self.plan_id,
            gateway: destination.name(),
            account: destination.account_name().filter(|_| is_screen()),
            cost: compared.map_or_else(|| self.credits(), |compared| format!("({compared})")),
            times: self.timing.in_question(),
            warnings: &self.campaign.report.warnings,
        }
        .text()
    }

    /// What this run may cost.
    fn credits(&self) -> String {
        format!("for up to {}", counted(self.cost.credits, "credit"))
    }

    /// Shows the plan on standard error.
    fn show(&self) -> Result<()> {
        let (campaign, timing) = (&self.campaign, &self.timing);
        let details = Details::on_standard_error();
        if self.args.plan.output.show.is_some() && details == Details::Examples {
            let plan = overview::findings(campaign, timing, details).0;
            inform(plan.trim_end());
            return self.show_texts();
        }
        inform(&overview::of_plan(campaign, timing, details));
        Ok(())
    }

    /// Shows how far the campaign is, and what is left of it.
    fn show_rest(&self) -> Result<()> {
        let Campaign { name, input, .. } = &self.campaign;
        let mut screen = Screen::default();
        screen.line(
            "Campaign",
            format!("{name}, from {input}, has begun before"),
        );
        screen.0 += &view::totals(&self.totals, &self.place);
        let pending = self.totals.counts.of(Status::Pending);
        let messages = part_of(self.messages, pending, "pending message");
        screen.line("To send", format!("{messages} {}", self.credits()));
        self.timing.show(&mut screen, &self.campaign);
        inform(&screen.0);
        match self.totals.attempts {
            0 => Ok(()),
            _ => self.show_texts(),
        }
    }

    /// Shows the texts that were asked for with `--show`.
    fn show_texts(&self) -> Result<()> {
        let shows = Details::on_standard_error() == Details::Examples;
        let number = self.args.plan.output.show.filter(|_| shows);
        number.map_or(Ok(()), |number| {
            show::texts(&self.place, &self.places, number, |text| {
                inform(text.trim_end());
                Ok(())
            })
        })
    }
}

/// The plan's id as the question names it, where there is one. Refuses another plan than the one that was asked for.
fn plan_id(args: &SendArgs, session: &Session) -> Result<String> {
    if args.send.yes && args.send.plan_id.is_none() {
        return Ok(String::new());
    }
    let place = &session.ledger;
    let id = session.plan_id()?;
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

fn tell_recovered(requests: u64) {
    if requests > 0 {
        let were = inflected(requests, "request was", "requests were");
        tell(&format!(
            "{were} under way when the program was stopped; the rows are unknown now."
        ));
    }
}

/// Sends, and closes the ledger.
pub(super) fn dispatch(
    to_send: &ToSend<'_>,
    mut ledger: Ledger,
    lists: Lists,
    destination: &Destination,
    summary: &mut Summary,
) -> Result<()> {
    let (args, timing) = (to_send.args, &to_send.timing);
    let burst = timing.burst(&to_send.campaign);
    ledger.set_sender(&SenderOptions {
        account: destination.account_id(),
        per_recipient: timing.rate.map(Rate::per_recipient),
        largest: burst,
        timeout: args.send.timeout,
    })?;
    let options = &ledger.campaign().options;
    let throttle = Throttle::new(timing.rate, burst);
    let policy = Policy {
        sender_id: options.sender_id.clone(),
        schedule: timing.schedule.clone(),
        limit: args.send.limit,
        max_unknown: args.send.max_unknown,
        give_up_after: args.send.give_up_after,
        split_bad_numbers: args.send.on_bad_number == OnBadNumber::Split,
        backoff: Backoff::default(),
    };
    let gateways = (0..args.send.concurrency.get())
        .map(|_| destination.gateway())
        .collect();
    let progress = Progress::of_sending(
        args.plan.output.progress,
        to_send.messages,
        &timing.schedule,
    );
    let progress = Arc::new(progress);
    let shown = Arc::clone(&progress);
    let stop = signals::stop_token(move |line| shown.tell(line))?;
    ledger.set_outlast(dispatch::outlast(&policy, &stop, &progress));
    let now = &clock::now;
    let mut checks = Checks {
        args,
        destination,
        summary,
        campaign: &to_send.campaign,
        place: &to_send.place,
        timing,
        lists,
        progress: &progress,
        before: to_send.totals,
        // A question can stay open for days.
        is_stale: !args.send.yes,
        begun: false,
        others: Others::default(),
    };
    let ending = dispatch::run(
        ledger,
        gateways,
        &throttle,
        &policy,
        &stop,
        now,
        &*progress,
        &mut checks,
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
    // A database that was given up is not waited for once more: others see by its lock that this sender is gone.
    let is_lost =
        matches!(&ended, Err(error) if [Kind::Unreachable, Kind::Ledger].contains(&error.kind));
    let marked = if is_lost {
        Ok(())
    } else {
        ledger.mark_beginning(None)
    };
    let closed = ledger.close();
    ended.and(marked).and(closed.map(drop))
}

/// Writes the results, and tells the user how it ended.
pub(super) fn finish(
    args: &SendArgs,
    files: &CampaignFiles,
    results: &ResultsFile,
    summary: &mut Summary,
    succeeded: bool,
) -> Result<()> {
    let snapshot = files.ledger.snapshot()?;
    let totals = snapshot.totals()?;
    summary.set_totals(totals);
    let campaign = snapshot.campaign()?;
    summary.stop = match summary.stop {
        None | Some(StopReason::NotAfter) if totals.counts.of(Status::Pending) == 0 => None,
        None if succeeded && args.send.limit.is_some() => Some(StopReason::Limit),
        stop => stop,
    };
    if summary.stop == Some(StopReason::NotAfter) {
        summary.advice = Some(next::later(&campaign, &files.ledger));
    }
    results.write(&*snapshot, None, args.send.sandbox)?;
    let mut text = format!("\n{}", view::totals(&totals, &files.ledger));
    // An error says itself what to do next.
    if succeeded {
        text += &next::steps(&campaign, &totals, summary.stop, &files.ledger);
    }
    if let Some(others @ 1..) = files.ledger.senders() {
        let go_on = inflected(others as u64, "other process goes", "other processes go");
        text += &(go_on + " on sending this campaign.\n");
    }
    tell(&format!("{text}Results: {}", results.path().display()));
    Ok(())
}
