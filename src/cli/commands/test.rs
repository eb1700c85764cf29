//! `test`: sends the texts of some rows to the phone of the person who sends the campaign.

use std::mem;
use std::ops::RangeInclusive;
use std::time::Duration;

use clap::{Args as _, FromArgMatches as _};

use crate::cli::args::{SendArgs, SendOptionArgs, TestArgs};
use crate::cli::balance::Cost;
use crate::cli::commands::send::{self, ToSend};
use crate::cli::exit::Exit;
use crate::cli::files::CampaignFiles;
use crate::cli::progress::Progress;
use crate::cli::session::{self, Stage};
use crate::cli::settings::{self, EXPIRES, PlanSettings, Recipients};
use crate::cli::summary::{self, Summary};
use crate::cli::suppression::Lists;
use crate::cli::terminal::{ask, inform, shows_private};
use crate::cli::timing::Timing;
use crate::cli::values::Repeat;
use crate::cli::view::counted;
use crate::cli::{clock, show};
use crate::domain::options::{DuplicateRule, MaxInvalid};
use crate::domain::place::Places;
use crate::domain::report::Report;
use crate::domain::{Msisdn, PlanOptions, Region, Status, Text, msisdn};
use crate::ledger::{
    Campaign, Disposition, Ledger, Location, Lock, PlannedRow, PlannedText, RowText, Snapshot,
};
use crate::results::ResultsFile;
use crate::{Error, Kind, Result};

/// The most messages of a test.
const MOST: u64 = 10;

pub(in crate::cli) fn run(mut args: TestArgs) -> Result<Exit> {
    let (to, rows) = (mem::take(&mut args.to), mem::take(&mut args.rows));
    let args = sending(args).map_err(|error| Error::usage(error.to_string()))?;
    Ok(summary::of_run(&args.plan.output, None, |summary| {
        let tested = test(&args, &to, &rows, summary);
        tested.map(|()| Exit::of_send(summary.stop, &summary.totals.decisive()))
    }))
}

/// The options of the run that sends the texts.
fn sending(mut args: TestArgs) -> Result<SendArgs, clap::Error> {
    // Other campaigns and lists do not matter to it.
    args.plan.check.suppress.clear();
    args.plan.check.repeat = Repeat::Allow;
    args.plan.check.cooldown = None;
    let defaults = SendOptionArgs::augment_args(clap::Command::new("send"));
    let defaults = defaults.try_get_matches_from(["send"])?;
    Ok(SendArgs {
        plan: args.plan,
        send: SendOptionArgs {
            gateway: args.gateway,
            sandbox: args.sandbox,
            timeout: args.timeout,
            yes: args.yes,
            // Somebody waits at the phone.
            give_up_after: Duration::from_secs(30),
            ..SendOptionArgs::from_arg_matches(&defaults)?
        },
        sandbox: args.of_sandbox,
        typed_plan_option: args.typed_plan_option,
    })
}

fn test(
    args: &SendArgs,
    to: &[String],
    rows: &[RangeInclusive<u64>],
    summary: &mut Summary,
) -> Result<()> {
    summary.sandbox = args.send.sandbox;
    let stamp = clock::now().file_stamp();
    let (recipients, files) = settings::of_test(args, &stamp)?;
    let to = numbers(to, region(args, &recipients)?)?;
    refuse_too_many(rows, to.len())?;
    summary.files = Some(files.clone());
    summary.write_begun(&args.plan.output)?;
    let destination = send::destination(args)?;
    summary.gateway = Some(destination.name());

    let folder = tempfile::tempdir().map_err(|error| {
        Error::new(Kind::Disk, "a temporary folder cannot be made").caused_by(error)
    })?;
    summary.temporary = Some(folder.path().to_owned());
    summary.write_begun(&args.plan.output)?;
    let plan = Location::from(folder.path().join("plan.ledger"));
    let (campaign, messages) = messages(args, recipients, &files, plan, rows, &to)?;
    drop(folder);
    summary.temporary = None;
    let credits: u64 = messages
        .iter()
        .map(|one| u64::from(one.text.credits()))
        .sum();
    if !args.send.yes {
        let messages = counted(messages.len() as u64, "test message");
        let (credits, gateway) = (counted(credits, "credit"), destination.name());
        let question = format!("Send {messages} to {gateway} for {credits}?");
        ask(&question, "nothing was sent")?;
    }

    let (files, lock) = free_place(args, &stamp)?;
    let results = ResultsFile::prepare(&files.results)?;
    write_ledger(&campaign, &files, &lock, &messages)?;
    summary.files = Some(files.clone());
    summary.writes_results = true;
    summary.write_begun(&args.plan.output)?;
    let _guard = lock.guard()?;
    let mut ledger = Ledger::open(lock)?;
    ledger.set_destination(&destination.name())?;
    let number = messages.len() as u64;
    let to_send = ToSend {
        args,
        campaign: ledger.campaign().clone(),
        place: files.ledger.clone(),
        places: Places::default(),
        stage: Stage::New,
        totals: ledger.totals()?,
        timing: Timing::at_once(number),
        plan_id: String::new(),
        messages: number,
        cost: Cost {
            credits,
            at_most: false,
        },
    };
    let sent = send::dispatch(&to_send, ledger, Lists::default(), &destination, summary);
    let written = send::finish(args, &files, &results, summary, sent.is_ok());
    sent.and(written)
}

/// Refuses more messages than a test may have.
fn refuse_too_many(rows: &[RangeInclusive<u64>], numbers: usize) -> Result<()> {
    let rows = rows.iter().map(|rows| rows.end() - rows.start() + 1);
    let rows = rows.fold(0, u64::saturating_add).max(1);
    let messages = rows.saturating_mul(numbers as u64);
    if messages <= MOST {
        return Ok(());
    }
    let problem = format!("a test has at most {MOST} messages, and this one has {messages}");
    Err(Error::usage(problem).hint("name fewer --rows, or fewer numbers with --to"))
}

/// The country of numbers without a country code.
fn region(args: &SendArgs, recipients: &Recipients) -> Result<Region> {
    match recipients {
        Recipients::Ledger(place) => Ok(place.snapshot()?.campaign()?.options.region),
        Recipients::Spreadsheet(_) => Ok(args.plan.options.region.unwrap_or(Region::MY)),
    }
}

/// The numbers that get the messages, each once.
fn numbers(to: &[String], region: Region) -> Result<Vec<Msisdn>> {
    let mut numbers = Vec::new();
    for text in to {
        let number = msisdn::read(text, region);
        let number = number.map_err(|error| {
            Error::usage(error.to_string())
                .hint("name a number that gets an SMS")
                .at("--to")
        })?;
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    Ok(numbers)
}

/// A message of a test.
struct TestMessage {
    /// The row whose text it has.
    row: u64,
    number: Msisdn,
    text: Text,
}

/// The campaign that is tested, and the messages of the test, which are shown. A spreadsheet is planned in this place, which
/// is temporary.
fn messages(
    args: &SendArgs,
    recipients: Recipients,
    files: &CampaignFiles,
    place: Location,
    rows: &[RangeInclusive<u64>],
    to: &[Msisdn],
) -> Result<(Campaign, Vec<TestMessage>)> {
    let (place, campaign, places) = match recipients {
        Recipients::Ledger(place) => {
            let campaign = place.snapshot()?.campaign()?;
            (place, campaign, Places::default())
        }
        Recipients::Spreadsheet(input) => {
            let settings = PlanSettings::new(&input, files, &args.plan)?;
            let progress = Progress::of_planning(args.plan.output.progress);
            let (campaign, places) = session::plan_elsewhere(&settings, &place, &progress)?;
            (place, campaign, places)
        }
    };
    // The rows that are invalid do not matter here, but content that is to stop a campaign stops its test.
    session::refuse_over_limits(&campaign, &place, Some(MaxInvalid::Percent(100.0)))?;
    let rows = rows_to_send(&campaign, rows)?;
    refuse_too_many(&rows, to.len())?;
    let texts = texts(&*place.snapshot()?, &rows).map_err(|error| error.at(&campaign.input))?;
    let mut messages = Vec::new();
    for (row, text) in texts {
        for &number in to {
            show_message(row, number, &text, &places);
            let text = text.clone();
            messages.push(TestMessage { row, number, text });
        }
    }
    Ok((campaign, messages))
}

/// The rows that were named, or those of the first and the longest text.
fn rows_to_send(
    campaign: &Campaign,
    named: &[RangeInclusive<u64>],
) -> Result<Vec<RangeInclusive<u64>>> {
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    let report = &campaign.report;
    let samples = report.first.iter().chain(&report.longest);
    let mut rows: Vec<_> = samples
        .map(|sample| sample.place.row..=sample.place.row)
        .collect();
    rows.dedup();
    if rows.is_empty() {
        let problem = "no row can be sent, so there is no text to test";
        return Err(Error::new(Kind::Input, problem)
            .hint("see why in its plan")
            .at(&campaign.input));
    }
    Ok(rows)
}

/// The texts of these rows, each row once. A row that is not sent, or not there, is refused with the reason.
fn texts(snapshot: &dyn Snapshot, rows: &[RangeInclusive<u64>]) -> Result<Vec<(u64, Text)>> {
    let mut texts: Vec<(u64, Text)> = Vec::new();
    for row in rows.iter().cloned().flatten() {
        if texts.iter().any(|(known, _)| *known == row) {
            continue;
        }
        let mut found = Err(refusal("there is no such row", row));
        let number = u32::try_from(row).unwrap_or(u32::MAX);
        snapshot.recipients(number..=number, &mut |recipient| {
            let status = recipient.status;
            let is_sendable = !matches!(status, Status::Invalid | Status::Duplicate);
            let text = recipient.text.zip(recipient.encoding);
            let text = text.filter(|_| is_sendable).map(|(body, encoding)| Text {
                body: body.to_owned(),
                encoding,
                units: encoding.units(body),
                replaced: 0,
            });
            found = text.ok_or_else(|| {
                let why = recipient.reason.unwrap_or_default();
                refusal(&format!("it is {status}: {why}"), row).quoting(why)
            });
            Ok(())
        })?;
        texts.push((row, found?));
    }
    Ok(texts)
}

fn refusal(why: &str, row: u64) -> Error {
    let problem = format!("row {row} has no text that would be sent: {why}");
    Error::new(Kind::Input, problem).hint("name other rows with --rows")
}

/// Shows a message. A log gets no text.
fn show_message(row: u64, number: Msisdn, text: &Text, places: &Places) {
    let shown = show::shown(
        &PlannedText {
            row,
            msisdn: number,
            body: &text.body,
            encoding: text.encoding,
            credits: text.credits(),
        },
        places,
    );
    let lines = if shows_private() { usize::MAX } else { 1 };
    let shown: Vec<_> = shown.lines().take(lines).collect();
    inform(&shown.join("\n"));
}

/// A place for the ledger of this test. Tests of one second differ by a number.
fn free_place(args: &SendArgs, stamp: &str) -> Result<(CampaignFiles, Lock)> {
    let numbers = (2..100).map(|nth| format!("{stamp}-{nth}"));
    for stamp in std::iter::once(stamp.to_owned()).chain(numbers) {
        let (_, files) = settings::of_test(args, &stamp)?;
        match session::lock(&files.ledger) {
            Ok(lock) if lock.started().is_none() && !files.ledger.exists()? => {
                return Ok((files, lock));
            }
            Err(error) if error.kind != Kind::InUse => return Err(error),
            _ => {}
        }
    }
    let problem = "there are a hundred tests of this second";
    Err(Error::new(Kind::Disk, problem).hint("run it again"))
}

/// Writes the ledger of the test: a campaign of its own, whose spreadsheet has the numbers and the rows of the messages.
fn write_ledger(
    tested: &Campaign,
    files: &CampaignFiles,
    lock: &Lock,
    messages: &[TestMessage],
) -> Result<()> {
    let delimiter = char::from(tested.delimiter);
    let record = |phone: &dyn ToString, row: &dyn ToString| {
        format!("{}{delimiter}{}", phone.to_string(), row.to_string())
    };
    let cells: Vec<_> = messages
        .iter()
        .map(|message| record(&message.number, &message.row))
        .collect();
    let rows = messages.iter().zip(&cells).zip(1..);
    let rows: Vec<_> = rows
        .map(|((message, cells), row)| PlannedRow {
            row,
            cells,
            msisdn: Some(message.number),
            text: Some(RowText {
                text: &message.text,
                first_row: row,
            }),
            // A number that is bad affects no other.
            disposition: Disposition::Send(row),
        })
        .collect();
    let number = messages.len() as u64;
    let planned_at = clock::now();
    let campaign = Campaign {
        id: session::new_id(),
        name: files.name.clone(),
        options: PlanOptions {
            phone_column: Some("phone".to_owned()),
            duplicates: DuplicateRule::Keep,
            ..tested.options.clone()
        },
        header: record(&"phone", &"row"),
        report: Report {
            rows: number,
            sendable: number,
            batches: number,
            texts: number,
            credits: messages
                .iter()
                .map(|one| u64::from(one.text.credits()))
                .sum(),
            ..Report::default()
        },
        expires_at: planned_at.after(EXPIRES),
        planned_at,
        schedules: Vec::new(),
        is_test: true,
        gateway_host: None,
        ..tested.clone()
    };
    let mut writer = lock.begin_plan()?;
    writer.inserts()?.rows(&rows)?;
    writer.finish(&campaign, false)
}
