//! `resolve`: settles rows by what an operator knows about them, or makes them pending again.

use std::fmt::Write as _;

use crate::cli::args::ResolveArgs;
use crate::cli::clock;
use crate::cli::existing;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::terminal::tell;
use crate::cli::values::ResolutionArg;
use crate::cli::view::{self, counted, inflected};
use crate::cli::{named, next};
use crate::ledger::{Ledger, Resolution, Resolved, Selection, row_ranges};
use crate::{Error, Kind, Result};

pub(in crate::cli) fn run(args: &ResolveArgs) -> Result<Exit> {
    let resolution = resolution(args)?;
    let place = &existing::named(&args.ledger)?;
    let mut ledger = Ledger::open(Session::of_ledger(place)?.lock)?;
    tracing::info!(ledger = %place, campaign = ledger.campaign().id, "opened");
    let (selection, note) = (selection(args), args.note.as_deref());
    let resolved = ledger
        .resolve(&selection, &resolution, note, &clock::now())
        .map_err(|error| match error.kind {
            // The rows that are unknown then may be others, which were not looked up.
            Kind::Unreachable => error.hint(
                "the decision may have been recorded: look at the status before you run again",
            ),
            _ => error,
        })
        .map_err(|error| error.at(place));
    let (campaign, totals) = (ledger.campaign().clone(), ledger.totals());
    ledger.close()?;
    let (resolved, totals) = (resolved?, totals?);
    tell(&format!(
        "{} settled.\n{}{}{}The results file has not changed; isms-campaign results {} writes it again.",
        counted(resolved.rows.len() as u64, "row"),
        left_out(&resolved),
        view::totals(&totals, place),
        next::steps(&campaign, &totals, None, place),
        named::in_command(place)
    ));
    Ok(Exit::OK)
}

/// Says which rows were left out, and when they need not be.
fn left_out(resolved: &Resolved) -> String {
    let mut said = String::new();
    if !resolved.accepted_before.is_empty() {
        let _ = writeln!(
            said,
            "{} left out, because the gateway accepted an earlier request for them: {}. Record them as accepted.",
            inflected(
                resolved.accepted_before.len() as u64,
                "row was",
                "rows were"
            ),
            row_ranges(&resolved.accepted_before),
        );
    }
    if resolved.left_out.is_empty() {
        return said;
    }
    let when = match resolved.left_out_for {
        None => "when their senders have ended".to_owned(),
        Some(time) => format!("in {} seconds", time.as_secs() + 1),
    };
    let _ = writeln!(
        said,
        "{} left out, because their requests may still be under way: {}. Run again {when}.",
        inflected(resolved.left_out.len() as u64, "row was", "rows were"),
        row_ranges(&resolved.left_out),
    );
    said
}

fn resolution(args: &ResolveArgs) -> Result<Resolution> {
    match (args.resolution, args.trx_id.clone()) {
        (ResolutionArg::Accepted, trx_id) => Ok(Resolution::Accepted { trx_id }),
        (ResolutionArg::NotSent, None) => Ok(Resolution::NotSent),
        (ResolutionArg::NotSent, Some(_)) => {
            Err(Error::usage("--trx-id belongs to --as accepted").hint("leave it out"))
        }
    }
}

fn selection(args: &ResolveArgs) -> Selection {
    match args.batch {
        Some(batch) => Selection::Batch(batch),
        None if args.all => Selection::AllUnknown,
        None => Selection::Rows(args.rows.clone()),
    }
}
