//! A ledger that is open for sending: opening it, the transactions that are made in it, recovery after a crash.
//!
//! Every change of a batch goes through [`state::next`](crate::ledger::state::next). A change that it does not allow is an error,
//! and nothing is committed.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use super::campaign;
use super::connection::{connect, make_durable};
use super::error::write_error;
use super::files::{self, Identity};
use super::lock::Lock;
use super::{snapshot, totals};
use crate::ledger::batch::BatchId;
use crate::ledger::campaign::Campaign;
use crate::ledger::outcome::AttemptOutcome;
use crate::ledger::state::{Event, State, next};
use crate::{Error, Kind, Remedy, Result};

/// A ledger open for sending.
#[derive(Debug)]
pub struct Ledger {
    pub(in crate::ledger) connection: Connection,
    path: PathBuf,
    /// The ledger and what SQLite keeps beside it, as they were opened.
    files: Vec<(Identity, PathBuf)>,
    lock: Lock,
    campaign: Campaign,
    destination: String,
    started: bool,
    recovered: u64,
    pub(in crate::ledger) attempts: u64,
}

impl Ledger {
    /// Opens the ledger at this path, which `lock` belongs to. Claims that a crash left behind become unknown here, before
    /// anything else is done with them.
    pub fn open(path: &Path, lock: Lock) -> Result<Self> {
        files::refuse_hard_link(path)?;
        Self::open_despite_hard_links(path, lock)
    }

    /// The same, whatever other names the ledger has.
    pub(in crate::ledger) fn open_despite_hard_links(path: &Path, lock: Lock) -> Result<Self> {
        let connection = connect(path)?;
        make_durable(&connection).map_err(|error| error.at(path.display()))?;
        // The first read makes SQLite create its log.
        let campaign = campaign::read(&connection)?;
        let mut ledger = Self {
            connection,
            path: path.to_owned(),
            // Read after SQLite opened them: whatever is put there later has another identity.
            files: files::identities(path)?,
            lock,
            campaign,
            destination: String::new(),
            started: false,
            recovered: 0,
            attempts: 0,
        };
        ledger.attempts = totals::attempts(&ledger.connection).map_err(write_error)?;
        ledger.lock.record_opened(&ledger.campaign.id)?;
        if ledger.attempts > 0 {
            // If the lock was deleted, its record of the start is gone.
            ledger.lock.mark_started(&ledger.campaign.id)?;
            ledger.lock.record_attempts(ledger.attempts)?;
        }
        ledger.recovered = ledger.recover()?;
        Ok(ledger)
    }

    /// The campaign of this ledger.
    #[must_use]
    pub fn campaign(&self) -> &Campaign {
        &self.campaign
    }

    /// How many batches a crash had left under way. They are unknown now.
    #[must_use]
    pub fn recovered(&self) -> u64 {
        self.recovered
    }

    /// Sets the gateway's host for the claims to come. A campaign that was started with another host is refused: one gateway
    /// cannot tell what another one took.
    pub fn set_destination(&mut self, host: &str) -> Result<()> {
        if let Some(first) = &self.campaign.gateway_host
            && first != host
        {
            // Where no byte ever left this machine, nothing was sent to the first host, whose name may have been mistyped.
            let reached = self.read_column(
                "SELECT EXISTS (SELECT 1 FROM attempt WHERE outcome IS NOT ?1)",
                [AttemptOutcome::NotSent.as_str()],
            )?;
            if reached != [0] {
                return Err(Error::new(
                    Kind::Ledger,
                    format!("was first sent to {first}, and would now go to {host}"),
                )
                .hint(format!(
                    "send it to {first}, or plan a new campaign with a ledger of its own"
                ))
                .remedy(Remedy::LedgerPath)
                .at(self.path.display()));
            }
            self.campaign.gateway_host = None;
        }
        host.clone_into(&mut self.destination);
        Ok(())
    }

    /// Runs `work` in one transaction and commits it durably, if the ledger is still the file that was opened.
    pub(in crate::ledger) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let before = (self.attempts, self.started);
        self.run("BEGIN IMMEDIATE")?;
        let done = work(self).and_then(|value| {
            self.check_in_place()?;
            self.run("COMMIT")?;
            Ok(value)
        });
        if done.is_err() {
            // It fails where SQLite has rolled back already, which does no harm.
            let _ = self.connection.execute_batch("ROLLBACK");
            (self.attempts, self.started) = before;
        } else if self.attempts != before.0 {
            self.lock.record_attempts(self.attempts)?;
        }
        done
    }

    /// Makes the lock and the ledger remember that the campaign is being sent, with the first claim of a run.
    pub(in crate::ledger) fn mark_started(&mut self) -> Result<()> {
        if self.started {
            return Ok(());
        }
        // The lock first: if the ledger is lost after this claim, the lock still records that there was one.
        self.lock.mark_started(&self.campaign.id)?;
        self.execute(
            "UPDATE campaign SET gateway_host = coalesce(?1, ?2)",
            params![self.campaign.gateway_host, self.destination],
        )?;
        self.started = true;
        Ok(())
    }

    /// Turns every claim that a crash left behind into unknown: its request may have gone out.
    fn recover(&self) -> Result<u64> {
        let orphans = self.read_column("SELECT id FROM batch WHERE state = 'claimed'", [])?;
        let recovered = orphans.len() as u64;
        if orphans.is_empty() {
            return Ok(recovered);
        }
        self.run("BEGIN IMMEDIATE")?;
        for id in orphans {
            self.transition(
                BatchId(id),
                State::Claimed,
                Event::LoseAnswer,
                "why = ?4",
                &[&snapshot::INTERRUPTED],
            )?;
            self.execute(
                "UPDATE attempt SET outcome = ?2 WHERE batch_id = ?1 AND outcome IS NULL",
                params![id, AttemptOutcome::Interrupted.as_str()],
            )?;
        }
        self.run("COMMIT")?;
        Ok(recovered)
    }

    /// The rows in numbers.
    pub fn totals(&self) -> Result<crate::ledger::Totals> {
        totals::read(&self.connection)
    }

    /// Closes the ledger and leaves one file. The lock is handed back, still held.
    pub fn close(self) -> Result<Lock> {
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

    /// Moves a batch from one state to the next. The statement names the state that the batch leaves, so that of two
    /// writers only one succeeds. `fields` are set as well, from `values`, the first of which is `?4`.
    pub(in crate::ledger) fn transition(
        &self,
        batch: BatchId,
        from: State,
        event: Event,
        fields: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<()> {
        let to = next(from, event).ok_or_else(|| illegal(batch, from, event))?;
        let sql = format!("UPDATE batch SET state = ?1, {fields} WHERE id = ?2 AND state = ?3");
        let (to, from_word) = (to.as_str(), from.as_str());
        let mut all: Vec<&dyn rusqlite::ToSql> = vec![&to, &batch.0, &from_word];
        all.extend_from_slice(values);
        if self.execute(&sql, &all[..])? == 1 {
            Ok(())
        } else {
            Err(illegal(batch, from, event))
        }
    }

    /// Runs a statement that changes rows. Returns how many.
    pub(in crate::ledger) fn execute(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<usize> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(|error| write_error(error).at(self.path.display()))
    }

    /// The first column of a query, which holds integers.
    pub(in crate::ledger) fn read_column(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<i64>> {
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

fn illegal(batch: BatchId, from: State, event: Event) -> Error {
    Error::new(
        Kind::Ledger,
        format!("batch {batch} is no longer {from}, so {event:?} cannot happen to it"),
    )
    .hint("something else changed the ledger; check it")
    .remedy(Remedy::Verify)
}
