//! Storing a plan's rows, texts and batches quickly.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement};

use super::error::write_error;
use crate::domain::Text;
use crate::ledger::backend;
use crate::ledger::planned_row::{Disposition, PlannedRow};
use crate::{Error, Kind, Result};

/// How many rows one statement stores. To run a statement costs as much as to store a row.
const ROWS: usize = 16;

/// The statements that store rows, texts and batches.
#[derive(Debug)]
pub(super) struct PlanInserts<'c> {
    texts: Insert<'c>,
    batches: Insert<'c>,
    rows: Insert<'c>,
}

impl<'c> PlanInserts<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> Result<Self> {
        let insert = |into, values| Insert::prepare(connection, into, values).map_err(write_error);
        Ok(Self {
            texts: insert("text (body, type, credits)", "(?, ?, ?)")?,
            batches: insert("batch (state, attempts)", "('planned', 0)")?,
            rows: insert(
                "recipient (cells, msisdn, text_id, batch_id, disposition, reason)",
                "(?, ?, ?, ?, ?, ?)",
            )?,
        })
    }
}

impl backend::PlanInserts for PlanInserts<'_> {
    fn texts(&mut self, texts: &[(u32, &Text)]) -> Result<()> {
        self.texts.store(texts, |(number, text)| {
            let wire = integer(Some(text.encoding.wire()));
            let values = [
                text.body.as_str().into(),
                wire,
                integer(Some(text.credits())),
            ];
            ((*number).into(), values)
        })
    }

    fn batches(&mut self, numbers: &[u32]) -> Result<()> {
        self.batches.store(numbers, |number| ((*number).into(), []))
    }

    fn rows(&mut self, rows: &[PlannedRow<'_>]) -> Result<()> {
        self.rows.store(rows, |row| {
            let (batch, disposition, reason) = match row.disposition {
                Disposition::Send(batch) => (Some(batch), "send", None),
                Disposition::Invalid(reason) => (None, "invalid", Some(reason)),
                Disposition::Duplicate(reason) => (None, "duplicate", Some(reason)),
                Disposition::Suppressed(reason) => (None, "suppressed", Some(reason)),
            };
            let msisdn = row.msisdn.map(|msisdn| msisdn.as_u64().cast_signed());
            let (text, batch) = (integer(row.text), integer(batch));
            let cells = row.cells.into();
            let values = [
                cells,
                integer(msisdn),
                text,
                batch,
                disposition.into(),
                reason.into(),
            ];
            (row.row, values)
        })
    }
}

fn integer(value: Option<impl Into<i64>>) -> ValueRef<'static> {
    value.map_or(ValueRef::Null, |value| ValueRef::Integer(value.into()))
}

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
        let prepare = |rows| {
            let values = [values].repeat(rows).join(", ");
            connection.prepare(&format!("INSERT INTO {into} VALUES {values}"))
        };
        Ok(Self {
            connection,
            many: prepare(ROWS)?,
            one: prepare(1)?,
        })
    }

    /// Stores all of these. `values` returns the planner's number of one, and its other columns in order.
    fn store<'a, T, const COLUMNS: usize>(
        &mut self,
        all: &'a [T],
        values: impl Fn(&'a T) -> (u64, [ValueRef<'a>; COLUMNS]),
    ) -> Result<()> {
        let (many, rest) = all.as_chunks::<ROWS>();
        for rows in many.iter().map(|rows| &rows[..]).chain(rest.chunks(1)) {
            let statement = if rows.len() == 1 {
                &mut self.one
            } else {
                &mut self.many
            };
            for (nth, row) in rows.iter().enumerate() {
                for (place, value) in (nth * COLUMNS + 1..).zip(values(row).1) {
                    statement
                        .raw_bind_parameter(place, ToSqlOutput::Borrowed(value))
                        .map_err(write_error)?;
                }
            }
            statement.raw_execute().map_err(write_error)?;
            let stored = (1..=self.connection.last_insert_rowid()).rev();
            for (stored, row) in stored.zip(rows.iter().rev()) {
                let planned = values(row).0;
                if planned != stored.cast_unsigned() {
                    return Err(out_of_order(planned, stored));
                }
            }
        }
        Ok(())
    }
}

/// A bug of the program: a row would be stored under the number of another.
fn out_of_order(planned: u64, stored: i64) -> Error {
    Error::new(Kind::Ledger, format!(
        "the plan is not in order: row, text or batch {planned} would have become number {stored}"
    ))
    .hint("nothing was planned or sent; report this with the spreadsheet's shape")
}
