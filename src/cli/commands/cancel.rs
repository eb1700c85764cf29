//! `cancel`: decides that pending rows are not sent.

use crate::cli::args::CancelArgs;
use crate::cli::clock;
use crate::cli::existing;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::cli::terminal::{ask, tell};
use crate::cli::view::{self, counted, inflected};
use crate::cli::{named, next};
use crate::domain::Status;
use crate::ledger::{Ledger, Resolution, Selection};
use crate::{Kind, Result};

pub(in crate::cli) fn run(args: &CancelArgs) -> Result<Exit> {
    let place = &existing::named(&args.ledger)?;
    let session = Session::of_ledger(place).map_err(|error| match error.kind {
        // While one waits for its end, it sends what is to be cancelled.
        Kind::InUse => error.instead(
            "end that run first: press Ctrl-C in its window, or send SIGTERM to that process with kill; \
             it awaits the answers that are due; then run this command again",
        ),
        _ => error,
    })?;
    let mut ledger = Ledger::open(session.lock)?;
    tracing::info!(ledger = %place, campaign = ledger.campaign().id, "opened");
    let cancelled = cancel(args, &mut ledger).map_err(|error| error.at(place));
    let (campaign, totals) = (ledger.campaign().clone(), ledger.totals());
    ledger.close()?;
    let (cancelled, totals) = (cancelled?, totals?);
    let undo = match &cancelled[..] {
        [] => String::new(),
        rows => format!(
            "They are not sent. To send them after all: {}\n",
            view::make_pending(place, rows, Status::Cancelled)
        ),
    };
    tell(&format!(
        "{} cancelled.\n{undo}{}{}The results file has not changed; isms-campaign results {} writes it again. \
         To send a corrected text instead, see isms-campaign guide recovery.",
        counted(cancelled.len() as u64, "row"),
        view::totals(&totals, place),
        next::steps(&campaign, &totals, None, place),
        named::in_command(place)
    ));
    Ok(Exit::OK)
}

/// Returns the rows that were cancelled.
fn cancel(args: &CancelArgs, ledger: &mut Ledger) -> Result<Vec<u64>> {
    let pending = ledger.totals()?.counts.of(Status::Pending);
    let (selection, question) = match &args.rows[..] {
        [] if pending == 0 => return Ok(Vec::new()),
        [] => {
            let all = counted(pending, "pending message");
            (Selection::AllPending, format!("Cancel {all}?"))
        }
        rows => {
            let pending = inflected(pending, "is", "are");
            let question = format!("Cancel these rows ({pending} pending in all)?");
            (Selection::Rows(rows.to_vec()), question)
        }
    };
    if !args.yes {
        ask(&question, "nothing was cancelled")?;
    }
    let note = args.note.as_deref();
    let cancelled = ledger.resolve(&selection, &Resolution::Cancelled, note, &clock::now());
    cancelled.map(|resolved| resolved.rows)
}
