//! Reading the rows to send with their texts, to compare them with those of another ledger.

use rusqlite::Connection;

use super::error::unknown_value;
use super::totals;
use crate::Result;
use crate::domain::{Msisdn, Status};
use crate::ledger::state::State;

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
        let number: i64 = row.get(1)?;
        let number = Msisdn::from_u64(number.cast_unsigned())
            .ok_or_else(|| unknown_value("number", &number.to_string()))?;
        each(
            totals::status("send", state)?,
            number,
            row.get_ref(2)?.as_str()?,
        );
    }
    Ok(())
}
