//! Writing a plan: a new ledger beside its place, fast because nothing depends on it until it is whole. It
//! knows no rule of planning.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Statement, params};

use super::{Campaign, failed, place, schema};
use crate::campaign::{Encoding, Msisdn};
use crate::{Error, Result};

/// One row as it was planned.
#[derive(Clone, Copy, Debug)]
pub struct PlannedRow<'a> {
    /// `sms_row`.
    pub row: u64,
    /// The row's own cells as a CSV record.
    pub cells: &'a str,
    /// The number, where it could be read.
    pub msisdn: Option<Msisdn>,
    /// The number of its text, where one could be rendered. The text has been stored before.
    pub text: Option<u32>,
    /// Whether it will be sent.
    pub fate: Fate<'a>,
}

/// Whether a row will be sent, and why not.
#[derive(Clone, Copy, Debug)]
pub enum Fate<'a> {
    /// In the batch of this number, which has been opened before.
    Send(u32),
    /// The row is wrong.
    Invalid(&'a str),
    /// An earlier row says the same.
    Duplicate(&'a str),
    /// The number has opted out.
    Suppressed(&'a str),
}

/// A plan in the making. Dropped unfinished it leaves nothing behind.
#[derive(Debug)]
pub struct Draft {
    connection: Option<Connection>,
    ledger: PathBuf,
    partial: PathBuf,
}

/// Stores rows, texts and batches, many in a second: each statement is made ready once.
#[derive(Debug)]
pub struct Inserts<'d> {
    text: Statement<'d>,
    batch: Statement<'d>,
    recipient: Statement<'d>,
}

impl Inserts<'_> {
    /// Stores a text under its number.
    pub fn text(
        &mut self,
        number: u32,
        body: &str,
        encoding: Encoding,
        credits: u32,
    ) -> Result<()> {
        store(&mut self.text, (number, body, encoding.wire(), credits))
    }

    /// Opens the batch of this number.
    pub fn batch(&mut self, number: u32) -> Result<()> {
        store(&mut self.batch, (number,))
    }

    /// Stores a row.
    pub fn row(&mut self, row: &PlannedRow<'_>) -> Result<()> {
        let (disposition, batch, reason) = match row.fate {
            Fate::Send(batch) => ("send", Some(batch), None),
            Fate::Invalid(reason) => ("invalid", None, Some(reason)),
            Fate::Duplicate(reason) => ("duplicate", None, Some(reason)),
            Fate::Suppressed(reason) => ("suppressed", None, Some(reason)),
        };
        store(
            &mut self.recipient,
            (
                row.row.cast_signed(),
                row.cells,
                row.msisdn.map(|msisdn| msisdn.as_u64().cast_signed()),
                row.text,
                batch,
                disposition,
                reason,
            ),
        )
    }
}

fn store(statement: &mut Statement<'_>, values: impl rusqlite::Params) -> Result<()> {
    statement
        .execute(values)
        .map(drop)
        .map_err(|fault| failed(&fault))
}

impl Draft {
    /// A new plan for the ledger at this path. The caller holds its lock.
    pub fn begin(ledger: &Path) -> Result<Self> {
        let partial = place::beside(ledger, ".partial");
        place::create_private(&partial)?;
        let connection = Connection::open(&partial).map_err(|fault| failed(&fault))?;
        let draft = Self {
            connection: Some(connection),
            ledger: ledger.to_owned(),
            partial,
        };
        // No journal and no syncing: a crash leaves a partial file, which the next plan removes. Parents are not looked up
        // either: the planner numbers texts and batches itself, and `verify` sees to it that they are there.
        draft.run(
            "PRAGMA foreign_keys = OFF;
             PRAGMA journal_mode = OFF;
             PRAGMA synchronous = OFF;
             PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA cache_size = -4096;",
        )?;
        draft.run(&format!(
            "PRAGMA application_id = {}; PRAGMA user_version = {}; BEGIN; {}",
            schema::APPLICATION_ID,
            schema::VERSION,
            schema::TABLES
        ))?;
        Ok(draft)
    }

    /// What rows, texts and batches are stored with.
    pub fn rows(&mut self) -> Result<Inserts<'_>> {
        let connection = self.open()?;
        let prepare = |sql: &str| connection.prepare(sql).map_err(|fault| failed(&fault));
        Ok(Inserts {
            text: prepare("INSERT INTO text (id, body, type, credits) VALUES (?1, ?2, ?3, ?4)")?,
            batch: prepare("INSERT INTO batch (id, state, attempts) VALUES (?1, 'planned', 0)")?,
            recipient: prepare(
                "INSERT INTO recipient (row, cells, msisdn, text_id, batch_id, disposition, reason)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?,
        })
    }

    /// Puts the whole plan in its place, durably. `replacing`: a ledger from which nothing was ever sent may be
    /// there, and is not open; otherwise nothing is overwritten.
    pub fn finish(mut self, campaign: &Campaign, replacing: bool) -> Result<()> {
        self.insert(
            "INSERT INTO campaign (only, id, name, input, options, digest, header, delimiter, bom, report,
                                   planned_at, expires_at)
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                campaign.id,
                campaign.name,
                campaign.input,
                campaign.options,
                campaign.digest,
                campaign.header,
                char::from(campaign.delimiter).to_string(),
                campaign.bom,
                campaign.report,
                campaign.planned_at.to_string(),
                campaign.expires_at.to_string(),
            ],
        )?;
        self.run(schema::INDEX)?;
        self.run("COMMIT")?;
        keep_a_log(self.open()?).map_err(|fault| failed(&fault))?;
        if let Some(connection) = self.connection.take() {
            connection.close().map_err(|(_, fault)| failed(&fault))?;
        }
        place::put_in_place(&self.partial, &self.ledger, replacing)
    }

    fn insert(&self, sql: &str, values: impl rusqlite::Params) -> Result<()> {
        self.open()?
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(|fault| failed(&fault))?;
        Ok(())
    }

    fn run(&self, sql: &str) -> Result<()> {
        self.open()?
            .execute_batch(sql)
            .map_err(|fault| failed(&fault))
    }

    fn open(&self) -> Result<&Connection> {
        self.connection
            .as_ref()
            .ok_or_else(|| Error::new("the plan is finished already"))
    }
}

/// Gives a new ledger its write-ahead log for life. A change of mode later on would leave a journal behind if it were cut
/// off, which nobody who only reads could clear away.
pub(super) fn keep_a_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = WAL;")
}

impl Drop for Draft {
    fn drop(&mut self) {
        self.connection = None;
        // A plan that was put in its place is not here any more. Otherwise nobody is left to tell, and the next
        // plan removes what stays.
        let _ = std::fs::remove_file(&self.partial);
    }
}
