//! Storing a plan's rows, texts and batches quickly.

use rusqlite::{Connection, Statement, ToSql};

use super::error::write_error;
use super::schema;
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
    /// The number of its text, where one could be rendered. The text is stored first.
    pub text: Option<u32>,
    /// Whether it will be sent.
    pub disposition: Disposition<'a>,
}

/// Whether a row will be sent, and why not.
#[derive(Clone, Copy, Debug)]
pub enum Disposition<'a> {
    /// In the batch of this number, which is stored first.
    Send(u32),
    /// The row cannot be sent.
    Invalid(&'a str),
    /// An earlier row says the same.
    Duplicate(&'a str),
    /// The number is on a suppression list.
    Suppressed(&'a str),
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

/// Stores rows, texts and batches.
#[derive(Debug)]
pub struct PlanInserts<'c> {
    texts: Insert<'c>,
    batches: Insert<'c>,
    /// For rows to send, which are most of them: their disposition is in the statement, and they have no reason.
    sendable: Insert<'c>,
    not_sendable: Insert<'c>,
    order: BatchOrder,
}

impl<'c> PlanInserts<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> Result<Self> {
        let insert = |into: &str, values: &str| {
            Insert::prepare(connection, into, values).map_err(write_error)
        };
        Ok(Self {
            texts: insert("text (body, type, credits)", "(?, ?, ?)")?,
            batches: insert("batch (state, attempts)", "('planned', 0)")?,
            sendable: insert(
                "recipient (cells, msisdn, text_id, batch_id, disposition)",
                "(?, ?, ?, ?, 'send')",
            )?,
            not_sendable: insert(
                "recipient (cells, msisdn, text_id, disposition, reason)",
                "(?, ?, ?, ?, ?)",
            )?,
            order: BatchOrder::default(),
        })
    }

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

    /// Stores batches of these numbers.
    pub fn batches(&mut self, numbers: &[u32]) -> Result<()> {
        self.batches
            .store(numbers, |number| (*number).into(), |_, _| Ok(()))
    }

    /// Stores rows. Their texts and batches are stored first.
    pub fn rows(&mut self, rows: &[PlannedRow<'_>]) -> Result<()> {
        let is_sendable = |row: &PlannedRow<'_>| matches!(row.disposition, Disposition::Send(_));
        for rows in rows.chunk_by(|row, next| is_sendable(row) == is_sendable(next)) {
            let insert = if rows.first().is_some_and(is_sendable) {
                &mut self.sendable
            } else {
                &mut self.not_sendable
            };
            insert.store(
                rows,
                |row| row.row,
                |row, bind| {
                    bind(&row.cells)?;
                    bind(&row.msisdn.map(|msisdn| msisdn.as_u64().cast_signed()))?;
                    bind(&row.text)?;
                    let (disposition, reason) = match row.disposition {
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
        let batches = rows.iter().filter_map(|row| match row.disposition {
            Disposition::Send(batch) => Some(batch),
            _ => None,
        });
        // `|`, so that every recipient is counted.
        let breaks = batches.fold(false, |breaks, batch| {
            breaks | self.order.breaks_with(batch)
        });
        if breaks {
            let connection = self.sendable.connection;
            connection
                .execute_batch(schema::NO_INDEX)
                .map_err(write_error)?;
        }
        Ok(())
    }
}

/// Whether the recipients come roughly in the order of their batches.
///
/// As long as they do, their index only grows at its end, and is kept up to date while other threads plan. Otherwise it is
/// created when all are stored, with one sort.
#[derive(Debug, Default)]
struct BatchOrder {
    recipients: u64,
    newest: u32,
    out_of_order: u32,
}

impl BatchOrder {
    /// How many of the newest recipients have index pages in the cache.
    const CACHED: u64 = 1 << 16;
    /// How many recipients of older batches are too many.
    const TOO_MANY: u32 = 10_000;

    /// Counts one recipient. Whether it is the one that makes too many out of order.
    fn breaks_with(&mut self, batch: u32) -> bool {
        self.recipients += 1;
        self.newest = self.newest.max(batch);
        let of_a_batch = self.recipients / u64::from(self.newest).max(1);
        let back = u64::from(self.newest - batch) * of_a_batch.max(1);
        let is_old = back > Self::CACHED;
        self.out_of_order = self.out_of_order.saturating_add(u32::from(is_old));
        is_old && self.out_of_order == Self::TOO_MANY
    }
}

/// How many rows one statement stores. To run a statement costs as much as to store a row.
const ROWS_PER_STATEMENT: usize = 16;

/// An `INSERT` of many rows at a time, and one for the remaining rows.
///
/// SQLite numbers the rows from 1 in the order in which they come, as the planner did. If the numbers were handed in, finding
/// the place of each would cost a fifth of the time to store a plan.
#[derive(Debug)]
struct Insert<'c> {
    connection: &'c Connection,
    many: Statement<'c>,
    one: Statement<'c>,
}

impl<'c> Insert<'c> {
    /// `into` is the table with its columns, `values` the placeholders of one row in brackets.
    fn prepare(connection: &'c Connection, into: &str, values: &str) -> rusqlite::Result<Self> {
        let prepare = |rows: usize| {
            connection.prepare(&format!(
                "INSERT INTO {into} VALUES {}",
                [values].repeat(rows).join(", ")
            ))
        };
        Ok(Self {
            connection,
            many: prepare(ROWS_PER_STATEMENT)?,
            one: prepare(1)?,
        })
    }

    /// Stores all of these. `number` is the planner's number of one, and `values` binds its other columns in order.
    fn store<T>(
        &mut self,
        all: &[T],
        number: impl Fn(&T) -> u64,
        values: impl Fn(&T, &mut dyn FnMut(&dyn ToSql) -> rusqlite::Result<()>) -> rusqlite::Result<()>,
    ) -> Result<()> {
        let connection = self.connection;
        let run = |statement: &mut Statement<'c>, rows: &[T]| {
            let mut place = 0;
            for row in rows {
                values(row, &mut |value| {
                    place += 1;
                    statement.raw_bind_parameter(place, value)
                })
                .map_err(write_error)?;
            }
            statement.raw_execute().map_err(write_error)?;
            let last = connection.last_insert_rowid();
            let stored = (1..=last).rev().zip(rows.iter().rev().map(&number));
            for (stored, planned) in stored {
                if planned != stored.cast_unsigned() {
                    return Err(out_of_order(planned, stored));
                }
            }
            Ok(())
        };
        let (many, rest) = all.as_chunks::<ROWS_PER_STATEMENT>();
        many.iter()
            .try_for_each(|rows| run(&mut self.many, rows))
            .and_then(|()| rest.chunks(1).try_for_each(|row| run(&mut self.one, row)))
    }
}

/// A bug of the program: a row would be stored under the number of another.
fn out_of_order(planned: u64, stored: i64) -> Error {
    Error::new(Kind::Ledger, format!(
        "the plan is not in order: row, text or batch {planned} would have become number {stored}"
    ))
    .hint("nothing was planned or sent; report this with the spreadsheet's shape")
}
