//! Writing a plan: a new ledger is built beside its place. That is fast, because nothing depends on it until it is complete.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};

use super::campaign;
use super::connection::write_ahead;
use super::error::write_error;
use super::plan_inserts::PlanInserts;
use super::texts::each_text;
use super::{files, schema};
use crate::Result;
use crate::domain::{Msisdn, Status};
use crate::ledger::backend;
use crate::ledger::campaign::Campaign;

/// An unfinished plan. If it is dropped, nothing is left behind.
#[derive(Debug)]
pub(super) struct PlanWriter {
    /// Closed before the file is removed, as fields are dropped in their order.
    connection: Connection,
    ledger: PathBuf,
    partial: PartialFile,
}

impl PlanWriter {
    /// Begins a plan for the ledger at this path. The caller holds its lock.
    pub(super) fn begin(ledger: &Path) -> Result<Self> {
        let partial = PartialFile(files::sidecar(ledger, files::PARTIAL));
        files::create_private(&partial.0)?;
        let plan = Self {
            connection: Connection::open(&partial.0).map_err(write_error)?,
            ledger: ledger.to_owned(),
            partial,
        };
        // No journal and no syncing: a crash leaves a partial file, which the next plan removes. No foreign keys either:
        // that rows get the planner's numbers is checked as they are stored, and `verify` checks what they refer to.
        plan.run(
            "PRAGMA foreign_keys = OFF;
             PRAGMA journal_mode = OFF;
             PRAGMA synchronous = OFF;
             PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA cache_size = -16384;",
        )?;
        plan.run(&format!(
            "PRAGMA application_id = {}; PRAGMA user_version = {}; BEGIN; {}{}",
            schema::APPLICATION_ID,
            schema::VERSION,
            schema::TABLES,
            schema::INDEX
        ))?;
        Ok(plan)
    }

    fn run(&self, sql: &str) -> Result<()> {
        self.connection.execute_batch(sql).map_err(write_error)
    }
}

impl backend::PlanWriter for PlanWriter {
    fn inserts(&mut self) -> Result<Box<dyn backend::PlanInserts + '_>> {
        Ok(Box::new(PlanInserts::prepare(&self.connection)?))
    }

    fn text_of(&self, row: u64) -> Result<Option<String>> {
        let text = self.connection.query_row(
            "SELECT ifnull(r.text, t.text) FROM recipient r LEFT JOIN recipient t ON t.row = r.text_row
             WHERE r.row = ?1",
            [row.cast_signed()],
            |row| row.get(0),
        );
        text.optional().map(Option::flatten).map_err(write_error)
    }

    fn texts(&self, each: &mut dyn FnMut(Status, Msisdn, &str)) -> Result<()> {
        each_text(&self.connection, each)
    }

    fn finish(self: Box<Self>, campaign: &Campaign, replacing: bool) -> Result<()> {
        campaign::insert(&self.connection, campaign)?;
        self.run(schema::INDEX)?;
        self.run("COMMIT")?;
        turn_on_log(&self.connection)?;
        let Self {
            connection,
            ledger,
            partial,
        } = *self;
        connection
            .close()
            .map_err(|(_, error)| write_error(error))?;
        files::put_in_place(&partial.0, &ledger, replacing)
    }
}

/// Turns on the write-ahead log of a new ledger for good. If the mode were changed later and that was cut off, it would leave
/// a journal, which a reader without the right to write could not remove.
pub(in crate::ledger) fn turn_on_log(connection: &Connection) -> Result<()> {
    connection
        .execute_batch("PRAGMA locking_mode = NORMAL")
        .map_err(write_error)?;
    write_ahead(connection)
}

/// The file of an unfinished plan, which is removed when this is dropped.
#[derive(Debug)]
struct PartialFile(PathBuf);

impl Drop for PartialFile {
    fn drop(&mut self) {
        // It fails where the plan was put in its place. A file that cannot be removed is removed by the next plan.
        let _ = std::fs::remove_file(&self.0);
    }
}
