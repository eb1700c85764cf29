//! Writing a plan: a new ledger is built beside its place. That is fast, because nothing depends on it until it is complete.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use super::connection::{write_ahead, write_error};
use super::plan_inserts::PlanInserts;
use super::{Campaign, files, schema};
use crate::{Error, Kind, Result};

/// An unfinished plan. If it is dropped, nothing is left behind.
#[derive(Debug)]
pub struct PlanWriter {
    connection: Option<Connection>,
    ledger: PathBuf,
    partial: PathBuf,
}

impl PlanWriter {
    /// A new plan for the ledger at this path. The caller holds its lock.
    pub fn begin(ledger: &Path) -> Result<Self> {
        let partial = files::sidecar(ledger, files::PARTIAL);
        files::create_private(&partial)?;
        let connection = Connection::open(&partial).map_err(write_error)?;
        let plan = Self {
            connection: Some(connection),
            ledger: ledger.to_owned(),
            partial,
        };
        // No journal and no syncing: a crash leaves a partial file, which the next plan removes. No foreign keys either: that
        // texts and batches get the planner's numbers is checked as they are stored, and `verify` checks that they exist.
        plan.run(
            "PRAGMA foreign_keys = OFF;
             PRAGMA journal_mode = OFF;
             PRAGMA synchronous = OFF;
             PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA cache_size = -4096;",
        )?;
        plan.run(&format!(
            "PRAGMA application_id = {}; PRAGMA user_version = {}; BEGIN; {} {}",
            schema::APPLICATION_ID,
            schema::VERSION,
            schema::TABLES,
            schema::INDEX
        ))?;
        Ok(plan)
    }

    /// Prepares the statements that store rows, texts and batches.
    pub fn rows(&mut self) -> Result<PlanInserts<'_>> {
        PlanInserts::prepare(self.connection()?)
    }

    /// Puts the complete plan in its place, durably. `replacing`: a ledger from which nothing was ever sent may be
    /// there, and is not open. Otherwise nothing is overwritten.
    pub fn finish(mut self, campaign: &Campaign, replacing: bool) -> Result<()> {
        let kept_as_text = |kept: serde_json::Result<String>| {
            kept.map_err(|error| {
                Error::new(Kind::Ledger, "the plan cannot be written").caused_by(error)
            })
        };
        self.insert(
            "INSERT INTO campaign (only, id, name, input, options, digest, header, delimiter, bom, report,
                                   planned_at, expires_at)
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                campaign.id,
                campaign.name,
                campaign.input,
                kept_as_text(serde_json::to_string(&campaign.options))?,
                campaign.digest,
                campaign.header,
                char::from(campaign.delimiter).to_string(),
                campaign.bom,
                kept_as_text(serde_json::to_string(&campaign.report))?,
                campaign.planned_at.to_string(),
                campaign.expires_at.to_string(),
            ],
        )?;
        self.run(schema::INDEX)?;
        self.run("COMMIT")?;
        turn_on_log(self.connection()?)?;
        if let Some(connection) = self.connection.take() {
            connection
                .close()
                .map_err(|(_, error)| write_error(error))?;
        }
        files::put_in_place(&self.partial, &self.ledger, replacing)
    }

    fn insert(&self, sql: &str, values: impl rusqlite::Params) -> Result<()> {
        self.connection()?
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(write_error)?;
        Ok(())
    }

    fn run(&self, sql: &str) -> Result<()> {
        self.connection()?.execute_batch(sql).map_err(write_error)
    }

    fn connection(&self) -> Result<&Connection> {
        self.connection
            .as_ref()
            .ok_or_else(|| Error::new(Kind::Ledger, "the plan is finished already"))
    }
}

/// Turns on the write-ahead log of a new ledger for good. If the mode were changed later and that was cut off, it would leave
/// a journal, which a reader without the right to write could not remove.
pub(super) fn turn_on_log(connection: &Connection) -> Result<()> {
    connection
        .execute_batch("PRAGMA locking_mode = NORMAL")
        .map_err(write_error)?;
    write_ahead(connection)
}

impl Drop for PlanWriter {
    fn drop(&mut self) {
        self.connection = None;
        // It fails where the plan was put in its place. A file that cannot be removed is removed by the next plan.
        let _ = std::fs::remove_file(&self.partial);
    }
}
