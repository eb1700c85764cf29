//! Writing a plan: a new ledger beside its place, fast because nothing depends on it until it is whole. It
//! knows no rule of planning.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, Statement, ToSql, params};

use super::{Campaign, failed, files, schema, write_ahead};
use crate::domain::{Encoding, Msisdn};
use crate::{Error, Kind, Result};

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
    pub fate: Disposition<'a>,
}

/// Whether a row will be sent, and why not.
#[derive(Clone, Copy, Debug)]
pub enum Disposition<'a> {
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
pub struct PlanWriter {
    connection: Option<Connection>,
    ledger: PathBuf,
    partial: PathBuf,
}

/// A text as it was planned.
#[derive(Clone, Copy, Debug)]
pub struct PlannedText<'a> {
    /// Its number.
    pub number: u32,
    /// The text.
    pub body: &'a str,
    /// How it is encoded.
    pub encoding: Encoding,
    /// What it costs for one recipient.
    pub credits: u32,
}

/// Stores rows, texts and batches, many in a second.
#[derive(Debug)]
pub struct PlanInserts<'d> {
    texts: Insert<'d>,
    batches: Insert<'d>,
    /// Of rows to send, nearly all of them: their disposition stands in the statement, and they have no reason.
    sent: Insert<'d>,
    kept_back: Insert<'d>,
    order: Order,
}

/// How far the recipients come in the order of their batches.
///
/// An index that grows at its end is kept up while other threads plan; one that grows all over the place is made at the end, with
/// one sort.
#[derive(Debug, Default)]
struct Order {
    recipients: u64,
    newest: u32,
    strays: u32,
}

impl Order {
    /// Recipients whose index fits well into the cache.
    const NEAR: u64 = 1 << 16;
    /// So many that belong further back are no exception any more.
    const MANY: u32 = 10_000;

    /// Takes one in. Whether it is the stray that makes them many.
    fn is_lost_with(&mut self, batch: u32) -> bool {
        self.recipients += 1;
        self.newest = self.newest.max(batch);
        let of_a_batch = self.recipients / u64::from(self.newest).max(1);
        let back = u64::from(self.newest - batch) * of_a_batch.max(1);
        let strays = back > Self::NEAR;
        self.strays = self.strays.saturating_add(u32::from(strays));
        strays && self.strays == Self::MANY
    }
}

impl PlanInserts<'_> {
    /// Stores texts under their numbers.
    pub fn texts(&mut self, texts: &[PlannedText<'_>]) -> Result<()> {
        self.texts.store(
            texts,
            |text| text.number.into(),
            |text, bind| {
                bind(&text.body)?;
                bind(&text.encoding.wire())?;
                bind(&text.credits)
            },
        )
    }

    /// Opens the batches of these numbers.
    pub fn batches(&mut self, numbers: &[u32]) -> Result<()> {
        self.batches
            .store(numbers, |number| (*number).into(), |_, _| Ok(()))
    }

    /// Stores rows, whose texts and batches are stored before.
    pub fn rows(&mut self, rows: &[PlannedRow<'_>]) -> Result<()> {
        let is_sent = |row: &PlannedRow<'_>| matches!(row.fate, Disposition::Send(_));
        for rows in rows.chunk_by(|row, next| is_sent(row) == is_sent(next)) {
            let insert = if rows.first().is_some_and(is_sent) {
                &mut self.sent
            } else {
                &mut self.kept_back
            };
            insert.store(
                rows,
                |row| row.row,
                |row, bind| {
                    bind(&row.cells)?;
                    bind(&row.msisdn.map(|msisdn| msisdn.as_u64().cast_signed()))?;
                    bind(&row.text)?;
                    let (disposition, reason) = match row.fate {
                        Disposition::Send(batch) => return bind(&batch),
                        Disposition::Invalid(reason) => ("invalid", reason),
                        Disposition::Duplicate(reason) => ("duplicate", reason),
                        Disposition::Suppressed(reason) => ("suppressed", reason),
                    };
                    bind(&disposition)?;
                    bind(&reason)
                },
            )?;
        }
        let batches = rows.iter().filter_map(|row| match row.fate {
            Disposition::Send(batch) => Some(batch),
            _ => None,
        });
        // All are taken in, whatever is found.
        let lost = batches.fold(false, |lost, batch| lost | self.order.is_lost_with(batch));
        if lost {
            let connection = self.sent.connection;
            connection
                .execute_batch(schema::NO_INDEX)
                .map_err(|fault| failed(&fault))?;
        }
        Ok(())
    }
}

/// A fault of the program, whose plan is dropped: a row would stand under the number of another.
fn out_of_order(planned: u64, stored: i64) -> Error {
    Error::new(Kind::Ledger, format!(
        "the plan is not in order: row, text or batch {planned} would have become number {stored}"
    ))
    .hint("nothing was planned or sent; report this with the spreadsheet's shape")
}

/// How many rows one statement stores: what a statement costs by itself is as much as a row.
const TOGETHER: usize = 16;

/// An `INSERT` for many rows at a time, and for those that are left.
///
/// SQLite numbers the rows, from 1 on in the order in which they come, as the planner did: to look for the place of a number that
/// is handed in costs a fifth of storing a plan.
#[derive(Debug)]
struct Insert<'d> {
    connection: &'d Connection,
    many: Statement<'d>,
    one: Statement<'d>,
}

impl<'d> Insert<'d> {
    /// `into`: up to `VALUES`; `values`: of one row, in brackets.
    fn prepare(connection: &'d Connection, into: &str, values: &str) -> rusqlite::Result<Self> {
        let prepare = |rows: usize| {
            connection.prepare(&format!(
                "INSERT INTO {into} VALUES {}",
                [values].repeat(rows).join(", ")
            ))
        };
        Ok(Self {
            connection,
            many: prepare(TOGETHER)?,
            one: prepare(1)?,
        })
    }

    /// Stores all of these; `number` is the one that it has for the planner, and `values` binds the rest of it, in order.
    fn store<T>(
        &mut self,
        all: &[T],
        number: impl Fn(&T) -> u64,
        values: impl Fn(&T, &mut dyn FnMut(&dyn ToSql) -> rusqlite::Result<()>) -> rusqlite::Result<()>,
    ) -> Result<()> {
        let connection = self.connection;
        let run = |statement: &mut Statement<'d>, rows: &[T]| {
            let mut place = 0;
            for row in rows {
                values(row, &mut |value| {
                    place += 1;
                    statement.raw_bind_parameter(place, value)
                })
                .map_err(|fault| failed(&fault))?;
            }
            statement.raw_execute().map_err(|fault| failed(&fault))?;
            let last = connection.last_insert_rowid();
            let stored = (1..=last).rev().zip(rows.iter().rev().map(&number));
            for (stored, planned) in stored {
                if planned != stored.cast_unsigned() {
                    return Err(out_of_order(planned, stored));
                }
            }
            Ok(())
        };
        let (many, rest) = all.as_chunks::<TOGETHER>();
        many.iter()
            .try_for_each(|rows| run(&mut self.many, rows))
            .and_then(|()| rest.chunks(1).try_for_each(|row| run(&mut self.one, row)))
    }
}

impl PlanWriter {
    /// A new plan for the ledger at this path. The caller holds its lock.
    pub fn begin(ledger: &Path) -> Result<Self> {
        let partial = files::beside(ledger, ".partial");
        files::create_private(&partial)?;
        let connection = Connection::open(&partial).map_err(|fault| failed(&fault))?;
        let draft = Self {
            connection: Some(connection),
            ledger: ledger.to_owned(),
            partial,
        };
        // No journal and no syncing: a crash leaves a partial file, which the next plan removes. Parents are not looked up
        // either: texts and batches have the planner's numbers, which is checked as they are stored, and `verify` sees to it that they
        // are there.
        draft.run(
            "PRAGMA foreign_keys = OFF;
             PRAGMA journal_mode = OFF;
             PRAGMA synchronous = OFF;
             PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA cache_size = -4096;",
        )?;
        draft.run(&format!(
            "PRAGMA application_id = {}; PRAGMA user_version = {}; BEGIN; {} {}",
            schema::APPLICATION_ID,
            schema::VERSION,
            schema::TABLES,
            schema::INDEX
        ))?;
        Ok(draft)
    }

    /// What rows, texts and batches are stored with.
    pub fn rows(&mut self) -> Result<PlanInserts<'_>> {
        let connection = self.open()?;
        let insert = |into: &str, values: &str| {
            Insert::prepare(connection, into, values).map_err(|fault| failed(&fault))
        };
        Ok(PlanInserts {
            texts: insert("text (body, type, credits)", "(?, ?, ?)")?,
            batches: insert("batch (state, attempts)", "('planned', 0)")?,
            order: Order::default(),
            sent: insert(
                "recipient (cells, msisdn, text_id, batch_id, disposition)",
                "(?, ?, ?, ?, 'send')",
            )?,
            kept_back: insert(
                "recipient (cells, msisdn, text_id, disposition, reason)",
                "(?, ?, ?, ?, ?)",
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
        keep_a_log(self.open()?)?;
        if let Some(connection) = self.connection.take() {
            connection.close().map_err(|(_, fault)| failed(&fault))?;
        }
        files::put_in_place(&self.partial, &self.ledger, replacing)
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
            .ok_or_else(|| Error::new(Kind::Ledger, "the plan is finished already"))
    }
}

/// Gives a new ledger its write-ahead log for life. A change of mode later on would leave a journal behind if it were cut
/// off, which nobody who only reads could clear away.
pub(super) fn keep_a_log(connection: &Connection) -> Result<()> {
    connection
        .execute_batch("PRAGMA locking_mode = NORMAL")
        .map_err(|fault| failed(&fault))?;
    write_ahead(connection)
}

impl Drop for PlanWriter {
    fn drop(&mut self) {
        self.connection = None;
        // A plan that was put in its place is not here any more. Otherwise nobody is left to tell, and the next
        // plan removes what stays.
        let _ = std::fs::remove_file(&self.partial);
    }
}
