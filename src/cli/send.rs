//! The story of a send: plan or take up a plan, show it, ask, send, write the results.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::args::{OnBadNumber, SendArgs, SendOptions};
use super::exit::Exit;
use super::paths::{Paths, refuse_overwriting, sidecar_files};
use super::prepare::{self, Prepared};
use super::progress::{Planning, Sending};
use super::summary::{self, Summary, counted};
use super::{clock, credentials, overview, practice, remedy, signals, spec, tell};
use crate::dispatch::{self, Backoff, Policy, StopReason, Throttle};
use crate::domain::Status;
use crate::gateway::{Credentials, Endpoint, Gateway, RestGateway, Timeouts};
use crate::ledger::{Ledger, Snapshot};
use crate::results::ResultsFile;
use crate::sandbox::Sandbox;
use crate::source::{self, Input};
use crate::{Error, Kind, Result};

pub(super) fn run(args: &SendArgs) -> Exit {
    let started = Instant::now();
    let mut summary = Summary::default();
    let ended = send(args, &mut summary);
    summary.elapsed = started.elapsed();
    let fault = ended.err();
    let exit = match &fault {
        Some(fault) if !matches!(summary.stop, Some(StopReason::Signal(_))) => {
            Exit::of_fault(fault)
        }
        _ => Exit::of_send(summary.stop, &summary.totals.counts),
    };
    if let Some(fault) = &fault {
        tell(&format!("isms-campaign: {}", remedy::sentence(fault)));
    }
    match summary.write(args.output.summary_json.as_deref(), exit, fault.as_ref()) {
        Err(unwritten) => {
            tell(&format!("isms-campaign: {}", remedy::sentence(&unwritten)));
            if exit == Exit::OK {
                Exit::FAILURE
            } else {
                exit
            }
        }
        Ok(()) => exit,
    }
}

fn send(args: &SendArgs, summary: &mut Summary) -> Result<()> {
    let input = Input::parse(&args.recipients);
    prepare::must_be_there(&input)?;
    let planned = source_is_ledger(&input)?;
    args.refuse_misplaced_options(planned)?;
    if planned && !args.send.sandbox && prepare::is_practice(&args.recipients) {
        return Err(
            Error::usage("is for practice, and its messages were meant for nobody")
                .hint("add --sandbox, or send the spreadsheet")
                .at(args.recipients.display()),
        );
    }
    // A ledger that is sent itself stays where it is, whatever its name.
    let in_place = planned && !args.send.sandbox;
    let paths = Paths::of(
        &args.recipients,
        in_place
            .then_some(args.recipients.as_path())
            .or(args.plan.ledger.as_deref()),
        args.send.results.as_deref(),
        args.send.sandbox,
    )?;
    keep_files_apart(args, &paths, planned)?;
    summary.has_place = true;
    summary.campaign.clone_from(&paths.name);
    summary.ledger.clone_from(&paths.ledger);
    summary.results = Some(paths.results.clone());
    summary.limit = args.send.limit;

    // Everything that could stop the run is looked at before anything is planned.
    let destination = Destination::find(&args.send)?;
    summary::refuse_unwritable(&args.output)?;
    let results = ResultsFile::prepare(&paths.results)?;
    let prepared =
        prepare(args, &input, &paths, planned).inspect_err(|_| summary.look_at_ledger())?;
    summary.report = Some(prepared.report.clone());
    // Nobody else sends or replaces this ledger before the results of this run are written.
    let _held = prepared.lock.guard()?;

    let performed = perform(args, prepared, &destination, summary);
    // However it ended, every row has its outcome in the results.
    let written = finish(&results, summary, performed.is_ok());
    performed.and(written)
}

fn prepare(args: &SendArgs, input: &Input, paths: &Paths, planned: bool) -> Result<Prepared> {
    if !planned {
        let progress = Planning::new(args.output.progress);
        let prepared = prepare::from_spreadsheet(
            input,
            &paths.name,
            &paths.ledger,
            &args.plan,
            false,
            &progress,
        );
        progress.end();
        prepared
    } else if args.send.sandbox {
        prepare::practice_from_ledger(&args.recipients, &paths.ledger)
    } else {
        prepare::from_ledger(&args.recipients)
    }
}

/// Sends what is pending in a prepared ledger, once a person has seen what that means.
fn perform(
    args: &SendArgs,
    prepared: Prepared,
    destination: &Destination,
    summary: &mut Summary,
) -> Result<()> {
    let plan = overview::of_plan(&prepared.report, &prepared.campaign, args.send.rate.0);
    let refused = prepared
        .refuse_too_many_invalid(args.plan.max_invalid)
        .and_then(|()| prepared.refuse_remarks());
    // Where nothing is left to send, nothing is refused either.
    let settled = prepared.begun && prepared.totals()?.counts.of(Status::Pending) == 0;
    if !settled && refused.is_err() {
        // The reasons are in it.
        tell(&plan);
        return refused;
    }
    let suppression = if prepared.fresh {
        None
    } else {
        Some(spec::suppression(
            &args.plan,
            prepared.campaign.options.region,
        )?)
    };
    let policy = Policy {
        sender_id: prepared.campaign.options.sender_id.clone(),
        limit: args.send.limit,
        max_unknown: args.send.max_unknown,
        give_up_after: args.send.give_up_after,
        split_bad_numbers: args.send.on_bad_number == OnBadNumber::Split,
        backoff: Backoff::default(),
    };
    let expires_at = prepared.campaign.expires_at.clone();
    let mut book = Ledger::open(&prepared.ledger, prepared.lock)?;
    if book.recovered() > 0 {
        tell(&format!(
            "{} under way when the program was stopped; what they hold is unknown now.",
            match book.recovered() {
                1 => "1 request was".to_owned(),
                many => format!("{many} requests were"),
            }
        ));
    }
    if let Some(suppression) = suppression.filter(|lists| !lists.is_empty()) {
        let taken = book.suppress(|number| suppression.reason(number))?;
        if taken > 0 {
            tell(&format!(
                "{} suppressed now that were pending.",
                counted(taken, "row")
            ));
        }
    }
    let totals = book.totals()?;
    let pending = totals.counts.of(Status::Pending);
    if pending == 0 {
        tell("Nothing is left to send.");
        return book.close().map(drop);
    }
    let expired = || {
        Error::new(Kind::Other, format!("the plan expired on {expires_at}, and is not sent any more"))
            .hint("plan the spreadsheet again with isms-campaign plan, or send the spreadsheet with a longer --expires")
            .at(prepared.ledger.display())
    };
    if clock::now() > expires_at {
        book.close()?;
        return Err(expired());
    }
    book.set_destination(&destination.endpoint.host())?;
    tell(&plan);
    if prepared.begun {
        tell(&format!("So far:\n{}", summary::of_totals(&totals)));
    }
    let going = args.send.limit.map_or(pending, |limit| limit.min(pending));
    let credits = (going == pending).then_some(totals.credits_pending);
    if let Err(no) = confirm(args.send.yes, going, credits, destination) {
        book.close()?;
        return Err(no);
    }
    // A question can stay open for days.
    if clock::now() > expires_at {
        book.close()?;
        return Err(expired());
    }
    dispatch(args, book, &policy, destination, going, summary)
}

/// Sends, and closes the ledger in order.
fn dispatch(
    args: &SendArgs,
    book: Ledger,
    policy: &Policy,
    destination: &Destination,
    going: u64,
    summary: &mut Summary,
) -> Result<()> {
    let largest = book.campaign().options.batch_size;
    let throttle = Throttle::new(args.send.rate.0, largest);
    let gateways = (0..args.send.concurrency.get())
        .map(|_| destination.gateway(&args.send))
        .collect();
    let progress = Arc::new(Sending::new(args.output.progress, going));
    let shown = Arc::clone(&progress);
    let stopper = signals::stopper(move |line| shown.say(line))?;
    let ending = dispatch::run(
        book,
        gateways,
        &throttle,
        policy,
        &stopper,
        &clock::now,
        &*progress,
    );
    progress.end();
    summary.stop = stopper.reason();
    let ending = ending?;
    summary.requests = ending.requests;
    let closed = ending.ledger.close();
    ending.error.map_or(closed.map(drop), Err)
}

/// Writes the results and says how it ended.
fn finish(results: &ResultsFile, summary: &mut Summary, in_order: bool) -> Result<()> {
    let reader = Snapshot::open(&summary.ledger)?;
    summary.take(reader.totals()?);
    if in_order && summary.stop.is_none() && summary.limited() {
        summary.stop = Some(StopReason::Limit);
    }
    results.write(&reader, None)?;
    // After a fault the fault itself says what to do next.
    let next = if in_order {
        summary::next_step(&summary.totals, summary.stop, &summary.ledger)
    } else {
        String::new()
    };
    tell(&format!(
        "\n{}{next}Results: {}",
        summary::of_totals(&summary.totals),
        results.path().display()
    ));
    Ok(())
}

/// Asks whether to go on. Where nobody can be asked, `--yes` must have said so.
fn confirm(
    yes: bool,
    messages: u64,
    credits: Option<u64>,
    destination: &Destination,
) -> Result<()> {
    if yes {
        return Ok(());
    }
    let not_sent = |why: &str| {
        Error::new(
            Kind::Other,
            format!("{why}, so nothing was sent; the plan is kept"),
        )
    };
    if !io::stdin().is_terminal() {
        return Err(
            not_sent("nobody can be asked, as standard input is no terminal")
                .hint("say --yes to send without a question"),
        );
    }
    let mut screen = io::stderr();
    let asked = write!(
        screen,
        "\nSend {} to {}{}? [y/N] ",
        counted(messages, "message"),
        destination.name(),
        credits.map_or_else(String::new, |credits| format!(
            " for up to {}",
            counted(credits, "credit")
        ))
    )
    .and_then(|()| screen.flush());
    let mut answer = String::new();
    asked
        .and_then(|()| io::stdin().lock().read_line(&mut answer))
        .map_err(|fault| not_sent(&format!("the answer could not be read ({fault})")))?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        Err(not_sent("the answer was no").hint("run the same command again to send it"))
    }
}

/// Where messages go, and as whom.
struct Destination {
    endpoint: Endpoint,
    credentials: Credentials,
    /// The practice gateway of this process, if that is where.
    practice: Option<Sandbox>,
}

impl Destination {
    fn find(options: &SendOptions) -> Result<Self> {
        if options.sandbox {
            let practice = practice::start(practice::ANY_PORT, &options.practice)?;
            return Ok(Self {
                endpoint: Endpoint::parse(&practice.url())?,
                credentials: credentials::for_practice(),
                practice: Some(practice),
            });
        }
        let url = options.gateway.clone().or_else(|| {
            std::env::var("ISMS_GATEWAY")
                .ok()
                .filter(|url| !url.is_empty())
        });
        Ok(Self {
            endpoint: Endpoint::parse(url.as_deref().unwrap_or(Endpoint::DEFAULT))?,
            credentials: credentials::from_environment()?,
            practice: None,
        })
    }

    /// What people call it.
    fn name(&self) -> String {
        match &self.practice {
            Some(_) => "the sandbox".to_owned(),
            None => self.endpoint.host(),
        }
    }

    fn gateway(&self, options: &SendOptions) -> Box<dyn Gateway> {
        let timeouts = Timeouts {
            connect: options.connect_timeout,
            total: options.timeout,
        };
        Box::new(RestGateway::new(
            self.endpoint.clone(),
            self.credentials.clone(),
            timeouts,
        ))
    }
}

/// Whether the recipients are the ledger of an earlier plan. A file that is not there is the planner's to complain about.
fn source_is_ledger(input: &Input) -> Result<bool> {
    match input {
        Input::File(path) if path.is_file() => source::is_ledger(path),
        _ => Ok(false),
    }
}

fn keep_files_apart(args: &SendArgs, paths: &Paths, planned: bool) -> Result<()> {
    let sidecar_files = sidecar_files(&paths.ledger);
    let sheet = planned
        .then(|| spec::spreadsheet_of(&args.recipients))
        .flatten();
    let inputs = spec::files_read(&args.plan);
    let mut written = vec![("the results file", paths.results.as_path())];
    written.extend(args.output.file_written());
    written.extend(args.send.practice.file_written());
    let mut read: Vec<(&str, &Path)> = inputs.clone();
    read.extend(
        sidecar_files
            .iter()
            .map(|(role, path)| (*role, path.as_path())),
    );
    read.extend(sheet.as_deref().map(|path| ("the spreadsheet", path)));
    if !planned {
        read.push(("the spreadsheet", &args.recipients));
        refuse_overwriting(
            &[("the spreadsheet", &args.recipients)],
            &[("the ledger", &paths.ledger)],
        )?;
    }
    refuse_overwriting(&inputs, &[("the ledger", &paths.ledger)])?;
    refuse_overwriting(&read, &written)
}
