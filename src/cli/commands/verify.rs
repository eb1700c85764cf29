//! `verify`: audits a ledger. Exit 0 only if everything adds up.

use crate::Result;
use crate::cli::args::LedgerArgs;
use crate::cli::exit::Exit;
use crate::cli::terminal::print;
use crate::cli::{existing, view};

pub(in crate::cli) fn run(args: &LedgerArgs) -> Result<Exit> {
    let ledger = &existing::named(args)?;
    let (snapshot, campaign) = existing::read(ledger)?;
    existing::refuse_inconsistent(&*snapshot, &campaign, ledger)?;
    existing::refuse_sent_again(&*snapshot, ledger)?;
    let totals = snapshot.totals()?;
    print(&format!(
        "Everything adds up.\n{}",
        view::totals(&totals, ledger)
    ))?;
    Ok(Exit::OK)
}
