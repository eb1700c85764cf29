//! Reading what was sent to whom and when, to compare it with another ledger.

use std::collections::HashSet;

use rusqlite::Connection;

use crate::Result;
use crate::domain::{Msisdn, Status, Timestamp};
use crate::ledger::state::State;
use crate::ledger::stored;

/// Hands each row that was planned to be sent to `each`, in the order of the spreadsheet.
pub(super) fn each_text(
    connection: &Connection,
    each: &mut dyn FnMut(Status, Msisdn, &str),
) -> Result<()> {
    let mut statement = connection.prepare(
        "SELECT b.state, r.msisdn, ifnull(r.text, t.text)
         FROM recipient r
         LEFT JOIN recipient t ON t.row = r.text_row
         LEFT JOIN batch b ON b.id = r.batch_id
         WHERE r.disposition = 'send'
         ORDER BY r.row",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let state = row.get_ref(0)?.as_str_or_null()?.and_then(State::parse);
        each(
            stored::status("send", state)?,
            stored::number(row.get(1)?)?,
            row.get_ref(2)?.as_str()?,
        );
    }
    Ok(())
}

/// Hands each of these numbers that was, or may have been, sent to to `each`.
pub(super) fn each_reached(
    connection: &Connection,
    numbers: &HashSet<Msisdn>,
    each: &mut dyn FnMut(Msisdn, &Timestamp),
) -> Result<()> {
    // In the order of the batches, whose numbers are in an index.
    let mut statement = connection.prepare(
        "SELECT r.msisdn, b.claimed_at FROM batch b CROSS JOIN recipient r ON r.batch_id = b.id
         WHERE b.state IN ('accepted', 'unknown', 'claimed')",
    )?;
    let mut rows = statement.query([])?;
    let mut current: Option<(String, Timestamp)> = None;
    while let Some(row) = rows.next()? {
        let number = stored::number(row.get(0)?)?;
        if !numbers.contains(&number) {
            continue;
        }
        let claimed = row.get_ref(1)?.as_str()?;
        let at = match &current {
            Some((text, at)) if text == claimed => at,
            _ => &(current.insert((claimed.to_owned(), stored::time(claimed)?))).1,
        };
        each(number, at);
    }
    Ok(())
}
