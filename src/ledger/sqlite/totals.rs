//! Counting the rows of a ledger.

use rusqlite::Connection;

use crate::Result;
use crate::ledger::state::State;
use crate::ledger::stored::status;
use crate::ledger::totals::Totals;

/// How many attempts were made.
pub(in crate::ledger) fn attempts(connection: &Connection) -> rusqlite::Result<u64> {
    count(connection, "SELECT count(*) FROM attempt")
}

/// Counts the rows and what they cost.
pub(in crate::ledger) fn read(connection: &Connection) -> Result<Totals> {
    let mut totals = Totals::default();
    let mut statement = connection.prepare(
        // Counted here, because SQLite would sort all rows to group them.
        "SELECT r.disposition, b.state, r.credits
         FROM recipient r
         LEFT JOIN batch b ON b.id = r.batch_id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let disposition = row.get_ref(0)?.as_str()?;
        let state = row.get_ref(1)?.as_str_or_null()?;
        let status = status(disposition, state.and_then(State::parse))?;
        totals.counts.add(status, 1);
        if disposition == "send" {
            let credits = row.get::<_, Option<u32>>(2)?.unwrap_or(0);
            totals.add_credits(status, credits.into());
        }
    }
    totals.batches = count(
        connection,
        "SELECT count(DISTINCT batch_id) - (SELECT count(*) FROM batch WHERE state = 'suppressed')
         FROM recipient WHERE batch_id IS NOT NULL",
    )?;
    totals.attempts = attempts(connection)?;
    Ok(totals)
}

fn count(connection: &Connection, sql: &str) -> rusqlite::Result<u64> {
    connection
        .query_row(sql, [], |row| row.get(0))
        .map(i64::cast_unsigned)
}
