//! The rows of a ledger in numbers.

use rusqlite::Connection;

use super::error::{read_error, unknown_value};
use super::state::State;
use crate::Result;
use crate::domain::Status;
use crate::domain::status::Counts;

/// The rows of a ledger in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows by status.
    pub counts: Counts,
    /// Batches that are not split.
    pub batches: u64,
    /// What all sendable rows cost.
    pub credits_planned: u64,
    /// What the accepted rows cost.
    pub credits_accepted: u64,
    /// What the pending rows would cost.
    pub credits_pending: u64,
    /// Attempts that were made.
    pub attempts: u64,
}

/// The status of a row, from its disposition and the state of its batch.
pub(super) fn status(disposition: &str, state: Option<State>) -> Option<Status> {
    Some(match (disposition, state) {
        ("send", Some(State::Planned)) => Status::Pending,
        ("send", Some(State::Claimed | State::Unknown)) => Status::Unknown,
        ("send", Some(State::Accepted)) => Status::Accepted,
        ("send", Some(State::Refused)) => Status::Refused,
        ("invalid", None) => Status::Invalid,
        ("duplicate", None) => Status::Duplicate,
        ("suppressed", None) => Status::Suppressed,
        _ => return None,
    })
}

/// How many attempts were made.
pub(super) fn attempts(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .query_row("SELECT count(*) FROM attempt", [], |row| row.get(0))
        .map(i64::cast_unsigned)
}

/// Counts the rows and what they cost.
pub(super) fn read(connection: &Connection) -> Result<Totals> {
    let mut totals = Totals::default();
    let mut count_rows = || -> rusqlite::Result<Option<String>> {
        let mut statement = connection.prepare(
            // Counted here, because SQLite would sort all rows to group them.
            "SELECT r.disposition, b.state, t.credits
             FROM recipient r
             LEFT JOIN batch b ON b.id = r.batch_id
             LEFT JOIN text t ON t.id = r.text_id",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let disposition = row.get_ref(0)?.as_str()?;
            let state = row.get_ref(1)?.as_str_or_null()?.and_then(State::parse);
            let Some(status) = status(disposition, state) else {
                return Ok(Some(disposition.to_owned()));
            };
            totals.counts.add(status, 1);
            if disposition == "send" {
                let credits = row.get::<_, Option<u32>>(2)?.map_or(0, u64::from);
                totals.credits_planned += credits;
                match status {
                    Status::Accepted => totals.credits_accepted += credits,
                    Status::Pending => totals.credits_pending += credits,
                    _ => {}
                }
            }
        }
        let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        totals.batches =
            count("SELECT count(*) FROM batch WHERE state <> 'split'")?.cast_unsigned();
        totals.attempts = attempts(connection)?;
        Ok(None)
    };
    match count_rows().map_err(read_error)? {
        None => Ok(totals),
        Some(word) => Err(unknown_value("disposition", &word)),
    }
}
