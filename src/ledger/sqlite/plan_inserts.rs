//! Storing a plan's rows quickly.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement};

use super::error::write_error;
use super::schema;
use crate::domain::Text;
use crate::ledger::backend;
use crate::ledger::planned_row::{Disposition, PlannedRow};
use crate::{Error, Kind, Result};

/// How many rows one statement stores. To run a statement costs as much as to store a row.
const ROWS: usize = 16;

/// The columns that a plan sets. The number of a row is not among them: SQLite numbers the rows from 1 in the order in which they
/// come, as the planner did. If the numbers were handed in, finding the place of each would cost a fifth of the time to store a plan.
const COLUMNS: [&str; 9] = [
    "cells",
    "msisdn",
    "batch_id",
    "disposition",
    "type",
    "credits",
    "text",
    "text_row",
    "reason",
];

/// Stores rows: many with one statement, and the remaining ones each with its own.
#[derive(Debug)]
pub(super) struct PlanInserts<'c> {
    connection: &'c Connection,
    many: Statement<'c>,
    one: Statement<'c>,
    order: BatchOrder,
}

/// Whether rows come in the order of their batches, as nearly all do where each row has a text of its own or all have one. To
/// append them to the index costs little and is done while the next rows are read. To insert them at random places takes several
/// times as long as to sort all of them at the end.
#[derive(Debug, Default)]
struct BatchOrder {
    highest: Option<i64>,
    rows: usize,
    earlier: usize,
}

impl BatchOrder {
    /// Counts a row of this batch.
    fn add(&mut self, batch: i64) {
        self.rows += 1;
        if self.highest.is_some_and(|highest| batch < highest) {
            self.earlier += 1;
        } else {
            self.highest = Some(batch);
        }
    }

    /// True if the index should be made at the end.
    fn is_shuffled(&self) -> bool {
        self.rows >= 1000 && self.earlier * 8 > self.rows
    }
}

impl<'c> PlanInserts<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> Result<Self> {
        let row = format!("({})", ["?"; COLUMNS.len()].join(", "));
        let prepare = |rows| {
            let (columns, values) = (COLUMNS.join(", "), vec![&*row; rows].join(", "));
            connection
                .prepare(&format!(
                    "INSERT INTO recipient ({columns}) VALUES {values}"
                ))
                .map_err(write_error)
        };
        Ok(Self {
            connection,
            many: prepare(ROWS)?,
            one: prepare(1)?,
            order: BatchOrder::default(),
        })
    }
}

impl backend::PlanInserts for PlanInserts<'_> {
    fn rows(&mut self, all: &[PlannedRow<'_>]) -> Result<()> {
        let (many, rest) = all.as_chunks::<ROWS>();
        for rows in many.iter().map(|rows| &rows[..]).chain(rest.chunks(1)) {
            let statement = match rows.len() {
                1 => &mut self.one,
                _ => &mut self.many,
            };
            for (nth, row) in rows.iter().enumerate() {
                for (place, value) in (nth * COLUMNS.len() + 1..).zip(values(row)) {
                    statement
                        .raw_bind_parameter(place, ToSqlOutput::Borrowed(value))
                        .map_err(write_error)?;
                }
            }
            statement.raw_execute().map_err(write_error)?;
            let stored = (1..=self.connection.last_insert_rowid()).rev();
            for (stored, planned) in stored.zip(rows.iter().rev()) {
                if i64::from(planned.row) != stored {
                    return Err(out_of_order(planned.row, stored));
                }
            }
        }
        if !self.order.is_shuffled() {
            for row in all {
                if let Disposition::Send(batch) = row.disposition {
                    self.order.add(batch.into());
                }
            }
            if self.order.is_shuffled() {
                self.connection
                    .execute_batch(schema::DROP_INDEX)
                    .map_err(write_error)?;
            }
        }
        Ok(())
    }
}

/// A row's values of [`COLUMNS`].
fn values<'a>(row: &PlannedRow<'a>) -> [ValueRef<'a>; COLUMNS.len()] {
    let (batch, disposition, reason) = row.disposition_columns();
    let text = row.text.map(|planned| planned.text);
    let (own, earlier) = row.text_columns();
    [
        row.cells.into(),
        integer(row.msisdn.map(|msisdn| msisdn.as_u64().cast_signed())),
        integer(batch),
        disposition.into(),
        integer(text.map(|text| text.encoding.wire())),
        integer(text.map(Text::credits)),
        own.into(),
        integer(earlier),
        reason.into(),
    ]
}

fn integer(value: Option<impl Into<i64>>) -> ValueRef<'static> {
    value.map_or(ValueRef::Null, |value| ValueRef::Integer(value.into()))
}

/// A bug of the program: a row would be stored under the number of another.
fn out_of_order(planned: u32, stored: i64) -> Error {
    Error::new(
        Kind::Ledger,
        format!("the plan is not in order: row {planned} would have become number {stored}"),
    )
    .hint("nothing was planned or sent; report this with the spreadsheet's shape")
}
