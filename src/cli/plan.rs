//! The story of `plan`: read, check and render everything, write the ledger, show what a send would do.

use super::args::PlanArgs;
use super::exit::Exit;
use super::paths::{Paths, refuse_overwriting, shell_quoted, sidecar_files};
use super::prepare::{self, Prepared};
use super::progress::Planning;
use super::summary::{self, Summary};
use super::{overview, spec, values};
use crate::Result;
use crate::source::{self, Input};

pub(super) fn run(args: &PlanArgs) -> Result<Exit> {
    let mut summary = Summary::default();
    let ended = plan(args, &mut summary);
    let exit = ended.as_ref().map_or_else(Exit::of_fault, |()| Exit::OK);
    let written = summary.write(
        args.output.summary_json.as_deref(),
        exit,
        ended.as_ref().err(),
    );
    ended.and(written).map(|()| exit)
}

fn plan(args: &PlanArgs, summary: &mut Summary) -> Result<()> {
    let started = std::time::Instant::now();
    let input = Input::parse(&args.recipients);
    prepare::must_be_there(&input)?;
    refuse_a_ledger(&input)?;
    let paths = Paths::of(&args.recipients, args.plan.ledger.as_deref(), None, false)?;
    keep_files_apart(args, &paths)?;
    summary.has_place = true;
    summary::refuse_unwritable(&args.output)?;
    summary.campaign.clone_from(&paths.name);
    summary.ledger.clone_from(&paths.ledger);
    let progress = Planning::new(args.output.progress);
    let prepared = prepare::from_spreadsheet(
        &input,
        &paths.name,
        &paths.ledger,
        &args.plan,
        true,
        &progress,
    );
    progress.end();
    let prepared = prepared.inspect_err(|_| summary.look_at_ledger())?;
    summary.totals = prepared.totals()?;
    summary.credits = summary.totals.credits_planned;
    summary.report = Some(prepared.report.clone());
    summary.elapsed = started.elapsed();
    let sendable = prepared
        .refuse_too_many_invalid(args.plan.max_invalid)
        .and_then(|()| prepared.refuse_remarks());
    show(args, &prepared, summary, sendable.is_ok())?;
    sendable
}

fn show(args: &PlanArgs, prepared: &Prepared, summary: &Summary, sendable: bool) -> Result<()> {
    let campaign = &prepared.campaign;
    let mut text = overview::of_plan(&prepared.report, campaign, values::usual_rate());
    if prepared.begun {
        text.push_str("\nThis campaign has been begun; nothing was planned again.\n");
        text.push_str(&summary::of_totals(&summary.totals));
    }
    let next = format!(
        "\nPlanned in {}. Nothing was sent. Send it: isms-campaign send {}\n",
        prepared.ledger.display(),
        shell_quoted(&prepared.ledger)
    );
    if sendable {
        text.push_str(&next);
    }
    summary::show(&text, !args.output.json_on_standard_output())
}

fn refuse_a_ledger(input: &Input) -> Result<()> {
    if let Input::File(path) = input
        && path.is_file()
        && source::is_ledger(path)?
    {
        return Err(crate::Error::usage("is a ledger, which is planned already")
            .hint(format!(
                "send it: isms-campaign send {}",
                shell_quoted(path)
            ))
            .at(path.display()));
    }
    Ok(())
}

fn keep_files_apart(args: &PlanArgs, paths: &Paths) -> Result<()> {
    let mut read = spec::files_read(&args.plan);
    read.push(("the spreadsheet", &args.recipients));
    refuse_overwriting(&read, &[("the ledger", &paths.ledger)])?;
    let sidecar_files = sidecar_files(&paths.ledger);
    read.extend(
        sidecar_files
            .iter()
            .map(|(role, path)| (*role, path.as_path())),
    );
    let written: Vec<_> = args.output.file_written().into_iter().collect();
    refuse_overwriting(&read, &written)
}
