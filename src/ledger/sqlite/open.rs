//! A ledger that is open for sending: opening it, and the transactions that are made in it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};

use super::connection::{connect, make_durable};
use super::error::write_error;
use super::files::{self, Identity};
use super::lock::Lock;
use super::{campaign, owner, totals};
use crate::ledger::backend::{self, InFlight, StoredBatch};
use crate::ledger::batch::{Batch, BatchId};
use crate::ledger::campaign::Campaign;
use crate::ledger::change::{Change, NewIds};
use crate::ledger::outcome::AttemptOutcome;
use crate::ledger::resolution::Selection;
use crate::ledger::stored::unknown_value;
use crate::ledger::totals::Totals;
use crate::{Error, Result};

/// A ledger open for sending.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) connection: Connection,
    path: PathBuf,
    /// The ledger and what SQLite keeps beside it, as they were opened.
    files: Vec<(Identity, PathBuf)>,
    lock: Lock,
    campaign: Campaign,
    /// How many attempts were made, with those of the transaction.
    pub(super) attempts: u64,
    /// How many of them are committed.
    committed: u64,
    /// The decision that was recorded last.
    pub(super) decision: Option<i64>,
}

impl Ledger {
    /// Opens the ledger at this path, which `lock` belongs to.
    pub(super) fn open(path: &Path, lock: Lock) -> Result<Self> {
        files::refuse_hard_link(path)?;
        Self::open_despite_hard_links(path, lock)
    }

    /// The same, whatever other names the ledger has.
    pub(super) fn open_despite_hard_links(path: &Path, lock: Lock) -> Result<Self> {
        let connection = connect(path)?;
        make_durable(&connection).map_err(|error| not_durable(path, error))?;
        // The first read makes SQLite create its log.
        let campaign = campaign::read(&connection)?;
        let mut ledger = Self {
            attempts: totals::attempts(&connection).map_err(write_error)?,
            connection,
            path: path.to_owned(),
            // Read after SQLite opened them: whatever is put there later has another identity.
            files: files::identities(path)?,
            lock,
            campaign,
            committed: 0,
            decision: None,
        };
        ledger.committed = ledger.attempts;
        ledger.lock.record_opened(&ledger.campaign.id)?;
        if ledger.attempts > 0 {
            // If the lock was deleted, its record of the start is gone.
            ledger.lock.mark_started(&ledger.campaign.id)?;
            ledger.lock.record_attempts(ledger.attempts)?;
        }
        Ok(ledger)
    }

    /// The lock first: if the ledger is lost after this, the lock still records that there was one.
    pub(super) fn start(&mut self, gateway_host: &str) -> Result<()> {
        self.lock.mark_started(&self.campaign.id)?;
        self.execute(
            "UPDATE campaign SET gateway_host = ?1",
            params![gateway_host],
        )
        .map(drop)
    }

    /// Closes the ledger and leaves one file. The lock is handed back, still held.
    pub(super) fn close_file(self) -> Result<Lock> {
        // Everything in the log goes into the ledger, even if another process reads it now and keeps the log open.
        let _ = self
            .connection
            .query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(()));
        self.connection
            .close()
            .map_err(|(_, error)| write_error(error).at(self.path.display()))?;
        Ok(self.lock)
    }

    /// SQLite keeps committing into files that were deleted or replaced, without an error.
    fn check_in_place(&self) -> Result<()> {
        self.lock.check_in_place()?;
        for (opened, path) in &self.files {
            if files::identity_of_name(path)? != *opened {
                return Err(files::replaced(path, "another file is in its place"));
            }
        }
        Ok(())
    }

    /// Runs a statement that changes rows. Returns how many.
    pub(super) fn execute(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(|error| write_error(error).at(self.path.display()))
    }

    /// The first column of a query, which holds integers.
    pub(super) fn read_column(&self, sql: &str, values: impl rusqlite::Params) -> Result<Vec<i64>> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_map(values, |row| row.get(0))?.collect())
            .map_err(|error| write_error(error).at(self.path.display()))
    }

    fn run(&self, sql: &str) -> Result<()> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.raw_execute().map(drop))
            .map_err(|error| write_error(error).at(self.path.display()))
    }
}

/// The error for a ledger that is there and that cannot be made durable. Another one elsewhere would be sent again.
fn not_durable(path: &Path, error: Error) -> Error {
    owner::refusal_beside(path).unwrap_or_else(|| match error.remedy {
        Some(_) => error
            .instead(
                "move the ledger with its lock to a local disk that has room, and send it there",
            )
            .at(path.display()),
        None => error.at(path.display()),
    })
}

impl backend::Ledger for Ledger {
    fn campaign(&self) -> &Campaign {
        &self.campaign
    }

    fn begin(&mut self) -> Result<()> {
        self.run("BEGIN IMMEDIATE")
    }

    fn apply(&mut self, changes: &[Change]) -> Result<NewIds> {
        let mut new = NewIds::default();
        for change in changes {
            self.apply_one(change, &mut new)?;
        }
        Ok(new)
    }

    fn commit(&mut self) -> Result<()> {
        self.check_in_place()?;
        self.run("COMMIT")?;
        if self.attempts != self.committed {
            self.committed = self.attempts;
            self.lock.record_attempts(self.attempts)?;
        }
        Ok(())
    }

    fn roll_back(&mut self) {
        // It fails where SQLite has rolled back already, which does no harm.
        let _ = self.connection.execute_batch("ROLLBACK");
        self.attempts = self.committed;
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
        let sql = "SELECT EXISTS (SELECT 1 FROM attempt WHERE outcome IS NOT ?1)";
        Ok(self.read_column(sql, [outcome.as_str()])? != [0])
    }

    fn last_outcome(&self, without: &[AttemptOutcome]) -> Result<Option<AttemptOutcome>> {
        let without: Vec<_> = without.iter().map(|one| format!("'{one}'")).collect();
        let sql = format!(
            "SELECT outcome FROM attempt WHERE outcome NOT IN ({})
             ORDER BY julianday(coalesce(ended_at, claimed_at)) DESC, id DESC LIMIT 1",
            without.join(", ")
        );
        let last = self.connection.query_row(&sql, [], |row| row.get(0));
        let word: Option<String> = last.optional()?;
        word.map(|word| word.parse().map_err(|_| unknown_value("outcome", &word)))
            .transpose()
    }

    fn totals(&self) -> Result<Totals> {
        totals::read(&self.connection)
    }

    fn close(self: Box<Self>) -> Result<Box<dyn backend::Lock>> {
        Ok(Box::new(self.close_file()?))
    }
}
