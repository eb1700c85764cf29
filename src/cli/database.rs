//! Waits for other processes, and for the database that they share.

use std::thread;
use std::time::Duration;

use super::terminal::{inform, tell, told};
use super::{clock, signals};
use crate::domain::Status;
use crate::ledger::{Ledger, Outlast, Totals};
use crate::{Error, Kind, Result};

/// The longest time between two tries to reach a database.
const BETWEEN_TRIES: Duration = Duration::from_secs(15);

/// What the user is told while others have requests under way.
pub(super) const AWAITS_OTHERS: &str =
    "Nothing is left to send. Waiting for the answers to requests of other processes.";

/// Asks a database for something. One that cannot be reached is asked again, but no longer than this.
pub(super) fn patiently<T>(
    give_up_after: Duration,
    mut ask: impl FnMut() -> Result<T>,
) -> Result<T> {
    let mut wait = wait_between_tries(give_up_after);
    let mut tries = 0;
    loop {
        match ask() {
            Err(error) if error.kind == Kind::Unreachable && wait(&error, tries) => tries += 1,
            done => return done,
        }
    }
}

/// The same for an open ledger, as long as it is not sent from.
pub(super) fn outlast(give_up_after: Duration) -> Outlast {
    Outlast::new(wait_between_tries(give_up_after))
}

/// Waits after an error, the first one or one after this many tries. `false`: it is not tried again.
fn wait_between_tries(give_up_after: Duration) -> impl FnMut(&Error, u32) -> bool {
    const STEP: Duration = Duration::from_millis(100);
    let mut started = clock::instant();
    move |error, tries| {
        if tries == 0 {
            started = clock::instant();
        }
        let left = give_up_after.saturating_sub(started.elapsed());
        if left.is_zero() {
            return false;
        }
        if tries == 0 {
            let why = told(error);
            let span = indicatif::HumanDuration(give_up_after);
            tell(&format!("Trying again for {span}: {why}"));
        }
        let pause = Duration::from_secs(1 << tries.min(4));
        let until = clock::instant() + pause.min(BETWEEN_TRIES).min(left);
        while clock::instant() < until && !signals::is_stopping() {
            thread::sleep(STEP);
        }
        !signals::is_stopping()
    }
}

/// The rows of a campaign of which nothing is left to send, once no other process has a request under way, or something is left again.
pub(super) fn await_others(ledger: &mut Ledger, mut totals: Totals) -> Result<Totals> {
    let waits = |totals: &Totals| totals.counts.of(Status::Pending) == 0 && totals.in_flight > 0;
    if waits(&totals) {
        inform(AWAITS_OTHERS);
    }
    while waits(&totals) {
        thread::sleep(Duration::from_secs(1));
        totals = ledger.totals()?;
    }
    Ok(totals)
}
