//! The story of `resolve`: an operator's word about what is unknown or was refused.

use super::args::{ResolveArgs, WordArg};
use super::exit::Exit;
use super::paths::shell_quoted;
use super::summary::{counted, next_step, of_totals};
use super::{clock, prepare, tell};
use crate::ledger::{Ledger, Resolution, Selection};
use crate::{Error, Result};

pub(super) fn run(args: &ResolveArgs) -> Result<Exit> {
    let word = match (args.word, &args.trx_id) {
        (WordArg::Accepted, trx_id) => Resolution::Accepted {
            trx_id: trx_id.clone(),
        },
        (WordArg::NotSent, None) => Resolution::NotSent,
        (WordArg::NotSent, Some(_)) => {
            return Err(Error::usage("--trx-id belongs to --as accepted").hint("leave it out"));
        }
    };
    let selection = match args.batch {
        Some(batch) => Selection::Batch(batch),
        None if args.all => Selection::AllUnknown,
        None => Selection::Rows(args.rows.clone()),
    };
    let mut book = Ledger::open(&args.ledger, prepare::lock_existing(&args.ledger)?)?;
    tracing::info!(ledger = %args.ledger.display(), campaign = book.campaign().id, "opened");
    let decided = book
        .resolve(&selection, &word, args.note.as_deref(), &clock::now())
        .map_err(|fault| fault.at(args.ledger.display()));
    let totals = book.totals();
    book.close()?;
    let (decided, totals) = (decided?, totals?);
    tell(&format!(
        "{} settled.\n{}{}The results file is as it was: isms-campaign results {} writes it again.",
        counted(decided, "row"),
        of_totals(&totals),
        next_step(&totals, None, &args.ledger),
        shell_quoted(&args.ledger)
    ));
    Ok(Exit::OK)
}
