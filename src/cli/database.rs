//! Waits for other processes, and for the database that they share.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::clock;
use super::terminal::{inform, tell, told};
use crate::domain::Status;
use crate::ledger::{Ledger, Store, Totals};
use crate::{Kind, Result};

/// The longest time between two tries to reach a database.
const BETWEEN_TRIES: Duration = Duration::from_secs(15);

/// Waits until the database of a store answers, but no longer than this.
pub(super) fn await_answer(store: &Arc<Store>, give_up_after: Duration) -> Result<()> {
    let started = clock::instant();
    let mut pause = Duration::from_secs(1);
    loop {
        let Err(error) = store.check() else {
            return Ok(());
        };
        let left = give_up_after.saturating_sub(started.elapsed());
        if error.kind != Kind::Unreachable || left.is_zero() {
            return Err(error);
        }
        if pause.as_secs() == 1 {
            let why = told(&error);
            let span = indicatif::HumanDuration(give_up_after);
            tell(&format!("Trying again for {span}: {why}"));
        }
        thread::sleep(pause.min(left));
        pause = (pause * 2).min(BETWEEN_TRIES);
    }
}

/// The rows of a campaign of which nothing is left to send, once no other process has a request under way, or something is left again.
pub(super) fn await_others(ledger: &Ledger, mut totals: Totals) -> Result<Totals> {
    let waits = |totals: &Totals| totals.counts.of(Status::Pending) == 0 && totals.in_flight > 0;
    if waits(&totals) {
        inform("Nothing is left to send. Waiting for the answers to requests of other processes.");
    }
    while waits(&totals) {
        thread::sleep(Duration::from_secs(1));
        totals = ledger.totals()?;
    }
    Ok(totals)
}
