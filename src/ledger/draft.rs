//! Writing a plan: a new ledger beside its place, fast because nothing depends on it until it is whole. It
//! knows no rule of planning.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};

use super::book::BatchId;
use super::{Campaign, failed, place, schema};
use crate::campaign::{Encoding, Msisdn};
use crate::{Error, Result};

/// A distinct text of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TextId(i64);

/// One row as it was planned.
#[derive(Clone, Copy, Debug)]
pub struct PlannedRow<'a> {
    /// `sms_row`.
    pub row: u64,
    /// The row's own cells as a CSV record.
    pub cells: &'a str,
    /// The number, where it could be read.
    pub msisdn: Option<Msisdn>,
    /// The text, where it could be rendered.
    pub text: Option<TextId>,
    /// Whether it will be sent.
    pub fate: Fate<'a>,
}

/// Whether a row will be sent, and why not.
#[derive(Clone, Copy, Debug)]
pub enum Fate<'a> {
    /// In this batch.
    Send(BatchId),
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
    texts: i64,
    batches: i64,
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
            texts: 0,
            batches: 0,
        };
        // No journal and no syncing: a crash leaves a partial file, which the next plan removes.
        draft.run(
            "PRAGMA journal_mode = OFF;
             PRAGMA synchronous = OFF;
             PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA cache_size = -16384;",
        )?;
        draft.run(&format!(
            "PRAGMA application_id = {}; PRAGMA user_version = {}; BEGIN; {}",
            schema::APPLICATION_ID,
            schema::VERSION,
            schema::TABLES
        ))?;
        Ok(draft)
    }

    /// Stores a text.
    pub fn add_text(&mut self, body: &str, encoding: Encoding, credits: u32) -> Result<TextId> {
        self.texts += 1;
        self.insert(
            "INSERT INTO text (id, body, type, credits) VALUES (?1, ?2, ?3, ?4)",
            params![self.texts, body, encoding.wire(), credits],
        )?;
        Ok(TextId(self.texts))
    }

    /// Opens a batch.
    pub fn add_batch(&mut self) -> Result<BatchId> {
        self.batches += 1;
        self.insert(
            "INSERT INTO batch (id, state, attempts) VALUES (?1, 'planned', 0)",
            params![self.batches],
        )?;
        Ok(BatchId(self.batches))
    }

    /// How many batches there are so far.
    #[must_use]
    pub fn batches(&self) -> u64 {
        self.batches.unsigned_abs()
    }

    /// Stores a row.
    pub fn add_row(&mut self, row: &PlannedRow<'_>) -> Result<()> {
        let (disposition, batch, reason) = match row.fate {
            Fate::Send(batch) => ("send", Some(batch.0), None),
            Fate::Invalid(reason) => ("invalid", None, Some(reason)),
            Fate::Duplicate(reason) => ("duplicate", None, Some(reason)),
            Fate::Suppressed(reason) => ("suppressed", None, Some(reason)),
        };
        self.insert(
            "INSERT INTO recipient (row, cells, msisdn, text_id, batch_id, disposition, reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                row.row.cast_signed(),
                row.cells,
                row.msisdn.map(|msisdn| msisdn.as_u64().cast_signed()),
                row.text.map(|text| text.0),
                batch,
                disposition,
                reason
            ],
        )
    }

    /// The number and the text of an earlier row, if it has both.
    pub fn message_of(&self, row: u64) -> Result<Option<(u64, String)>> {
        self.open()?
            .prepare_cached(
                "SELECT r.msisdn, t.body FROM recipient r JOIN text t ON t.id = r.text_id
                 WHERE r.row = ?1 AND r.msisdn IS NOT NULL",
            )
            .and_then(|mut statement| {
                statement
                    .query_row([row.cast_signed()], |found| {
                        Ok((found.get::<_, i64>(0)?.cast_unsigned(), found.get(1)?))
                    })
                    .optional()
            })
            .map_err(|fault| failed(&fault))
    }

    /// The text stored under this id.
    pub fn text(&self, text: TextId) -> Result<String> {
        self.open()?
            .prepare_cached("SELECT body FROM text WHERE id = ?1")
            .and_then(|mut statement| statement.query_row([text.0], |found| found.get(0)))
            .map_err(|fault| failed(&fault))
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

impl Drop for Draft {
    fn drop(&mut self) {
        self.connection = None;
        // A plan that was put in its place is not here any more. Otherwise nobody is left to tell, and the next
        // plan removes what stays.
        let _ = std::fs::remove_file(&self.partial);
    }
}
