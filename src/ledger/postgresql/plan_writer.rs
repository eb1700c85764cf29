//! Writing a plan in one transaction: its rows come by COPY into a table of this session, and go into the store when the plan is
//! complete. A plan that is dropped has written nothing there.

use std::cell::RefCell;
use std::fmt::Write as _;

use super::campaign;
use super::connection::{Connection, get};
use super::place::Place;
use crate::domain::{Msisdn, Status, Text};
use crate::ledger::backend;
use crate::ledger::campaign::Campaign;
use crate::ledger::planned_row::PlannedRow;
use crate::ledger::stored;
use crate::{Error, Kind, Result};

/// How many bytes are collected before they are handed to the server.
const COLLECTED: usize = 1 << 20;

/// The rows of a plan, until it is complete.
const TABLE: &str = "
    CREATE TEMPORARY TABLE plan (
        row bigint, cells text, msisdn bigint, batch_id bigint, disposition text, type integer, credits integer,
        text text, text_row bigint, reason text
    ) ON COMMIT DROP";

/// An unfinished plan.
#[derive(Debug)]
pub(super) struct PlanWriter {
    connection: Connection,
    place: Place,
    /// Rows in the text format of COPY.
    collected: RefCell<String>,
    rows: u32,
}

impl PlanWriter {
    /// Begins a plan for this place. The caller holds its lock.
    pub(super) fn begin(place: &Place) -> Result<Self> {
        let connection = Connection::open(&place.store)?;
        connection.run("BEGIN")?;
        connection.run(TABLE)?;
        Ok(Self {
            connection,
            place: place.clone(),
            collected: RefCell::default(),
            rows: 0,
        })
    }

    /// Hands what is collected to the server.
    fn flush(&self) -> Result<()> {
        let collected = self.collected.take();
        (self.connection).copy("COPY plan FROM STDIN", collected)
    }

    fn add(&mut self, row: &PlannedRow<'_>) -> Result<()> {
        self.rows += 1;
        if row.row != self.rows {
            return Err(out_of_order(row.row, self.rows));
        }
        let (batch, disposition, reason) = row.disposition_columns();
        let text = row.text.map(|planned| planned.text);
        let (own, earlier) = row.text_columns();
        let line = self.collected.get_mut();
        number(line, Some(row.row));
        string(line, Some(row.cells));
        number(line, row.msisdn.map(Msisdn::as_u64));
        number(line, batch);
        string(line, Some(disposition));
        number(line, text.map(|text| text.encoding.wire()));
        number(line, text.map(Text::credits));
        string(line, own);
        number(line, earlier);
        string(line, reason);
        // The last tab.
        line.pop();
        line.push('\n');
        if line.len() >= COLLECTED {
            self.flush()?;
        }
        Ok(())
    }

    /// Moves the rows from this session's table to the store's.
    fn store(&self, campaign: i64) -> Result<()> {
        self.connection.execute(
            "INSERT INTO batch (campaign, id, state, attempts)
             SELECT DISTINCT $1::bigint, batch_id, 'planned', 0 FROM plan WHERE batch_id IS NOT NULL ORDER BY batch_id",
            &[&campaign],
        )?;
        self.connection.execute(
            "INSERT INTO recipient (campaign, row, cells, msisdn, batch_id, disposition, type, credits, text, text_row, reason)
             SELECT $1::bigint, row, cells, msisdn, batch_id, disposition, type, credits, text, text_row, reason FROM plan",
            &[&campaign],
        )?;
        Ok(())
    }
}

fn number(line: &mut String, value: Option<impl std::fmt::Display>) {
    // Writing to a string does not fail.
    let _ = match value {
        Some(value) => write!(line, "{value}\t"),
        None => write!(line, "\\N\t"),
    };
}

fn string(line: &mut String, value: Option<&str>) {
    let Some(value) = value else {
        line.push_str("\\N\t");
        return;
    };
    for character in value.chars() {
        match character {
            '\\' => line.push_str("\\\\"),
            '\t' => line.push_str("\\t"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            // PostgreSQL stores every character but this one, which no text has.
            '\0' => line.push('\u{FFFD}'),
            other => line.push(other),
        }
    }
    line.push('\t');
}

/// A bug of the program: a row would be stored under the number of another.
fn out_of_order(planned: u32, expected: u32) -> Error {
    Error::new(
        Kind::Ledger,
        format!("the plan is not in order: row {planned} came as number {expected}"),
    )
    .hint("nothing was planned or sent; report this with the spreadsheet's shape")
}

impl backend::PlanWriter for PlanWriter {
    fn inserts(&mut self) -> Result<Box<dyn backend::PlanInserts + '_>> {
        Ok(Box::new(self))
    }

    fn text_of(&self, row: u64) -> Result<Option<String>> {
        self.flush()?;
        let sql = "SELECT text FROM plan WHERE row = (SELECT coalesce(text_row, row) FROM plan WHERE row = $1)";
        let rows = self.connection.rows(sql, &[&row.cast_signed()])?;
        let text = rows.first().map(|row| get::<Option<String>>(row, 0));
        text.transpose().map(Option::flatten)
    }

    fn texts(&self, each: &mut dyn FnMut(Status, Msisdn, &str)) -> Result<()> {
        self.flush()?;
        self.connection.each(
            "SELECT r.msisdn, coalesce(r.text, t.text) FROM plan r LEFT JOIN plan t ON t.row = r.text_row
             WHERE r.disposition = 'send' ORDER BY r.row",
            &[],
            &mut |row| {
                each(Status::Pending, stored::number(get(row, 0)?)?, get(row, 1)?);
                Ok(true)
            },
        )
    }

    /// Nothing is replaced in a store.
    fn finish(self: Box<Self>, campaign: &Campaign, _: bool) -> Result<()> {
        self.flush()?;
        let number = campaign::insert(&self.connection, campaign, &self.place.name)?;
        let number = number.ok_or_else(|| {
            Error::new(Kind::Ledger, "another campaign has this name by now")
                .hint("nothing was planned; run again to go on with that one")
                .at(&self.place)
        })?;
        self.store(number)?;
        self.connection.commit()?;
        // Until the server has counted the rows of a new campaign, it takes them for a few, and compares each with each. The plan is
        // durable: where only the owner of the tables may have them counted, the server does it later.
        let _ = self.connection.run("ANALYZE recipient, batch");
        Ok(())
    }
}

impl backend::PlanInserts for &mut PlanWriter {
    fn rows(&mut self, rows: &[PlannedRow<'_>]) -> Result<()> {
        rows.iter().try_for_each(|row| self.add(row))
    }
}
