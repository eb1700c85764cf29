//! A campaign that is open for sending: opening it, and the transactions that are made in it.

use std::sync::Arc;

use super::campaign::{self, Stored};
use super::connection::{Connection, Values, get};
use super::place::{Lock, Place};
use super::totals;
use crate::Result;
use crate::ledger::backend::{self, InFlight, StoredBatch};
use crate::ledger::batch::{Batch, BatchId};
use crate::ledger::campaign::Campaign;
use crate::ledger::change::{Change, NewIds};
use crate::ledger::outcome::AttemptOutcome;
use crate::ledger::resolution::Selection;
use crate::ledger::stored::unknown_value;
use crate::ledger::totals::Totals;

/// A campaign open for sending.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) connection: Arc<Connection>,
    place: Place,
    campaign: Campaign,
    /// The campaign's number in the store.
    pub(super) number: i64,
    /// The decision that was recorded last.
    pub(super) decision: Option<i64>,
}

impl Ledger {
    /// Opens the campaign that the lock belongs to.
    pub(super) fn open(lock: Lock) -> Result<Self> {
        let Stored { number, campaign } = campaign::named(&lock.connection, &lock.place.name)?;
        Ok(Self {
            connection: lock.connection,
            place: lock.place,
            campaign,
            number,
            decision: None,
        })
    }

    /// The first column of a query, which holds integers.
    pub(super) fn read_column(&self, sql: &str, values: Values<'_>) -> Result<Vec<i64>> {
        let rows = self.connection.rows(sql, values)?;
        rows.iter().map(|row| get(row, 0)).collect()
    }
}

impl backend::Ledger for Ledger {
    fn campaign(&self) -> &Campaign {
        &self.campaign
    }

    fn begin(&mut self) -> Result<()> {
        self.connection.run("BEGIN")
    }

    fn apply(&mut self, changes: &[Change]) -> Result<NewIds> {
        let mut new = NewIds::default();
        for change in changes {
            self.apply_one(change, &mut new)?;
        }
        Ok(new)
    }

    fn commit(&mut self) -> Result<()> {
        self.connection.run("COMMIT")
    }

    fn roll_back(&mut self) {
        // It fails where the connection is lost, and the server has rolled back.
        let _ = self.connection.run("ROLLBACK");
    }

    fn planned_after(&self, after: Option<BatchId>) -> Result<Vec<Batch>> {
        self.read_page(after)
    }

    fn smallest_split(&self) -> Result<Option<Batch>> {
        self.read_smallest_split()
    }

    fn selected(&self, selection: &Selection) -> Result<Vec<StoredBatch>> {
        self.read_selected(selection)
    }

    fn in_flight(&self) -> Result<InFlight> {
        self.read_in_flight()
    }

    fn has_attempt_besides(&self, outcome: AttemptOutcome) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM attempt WHERE campaign = $1 AND outcome IS DISTINCT FROM $2)";
        let row = (self.connection).one(sql, &[&self.number, &outcome.as_str()])?;
        get(&row, 0)
    }

    fn last_outcome(&self, without: &[AttemptOutcome]) -> Result<Option<AttemptOutcome>> {
        let without: Vec<_> = without.iter().map(|one| one.as_str()).collect();
        let rows = self.connection.rows(
            "SELECT outcome FROM attempt WHERE campaign = $1 AND outcome <> ALL($2)
             ORDER BY coalesce(ended_at, claimed_at)::timestamptz DESC, id DESC LIMIT 1",
            &[&self.number, &without],
        )?;
        let outcome = rows.first().map(|row| {
            let word: &str = get(row, 0)?;
            word.parse().map_err(|_| unknown_value("outcome", word))
        });
        outcome.transpose()
    }

    fn totals(&self) -> Result<Totals> {
        totals::read(&self.connection, self.number)
    }

    fn close(self: Box<Self>) -> Result<Box<dyn backend::Lock>> {
        Ok(Box::new(Lock {
            connection: self.connection,
            place: self.place,
        }))
    }
}
