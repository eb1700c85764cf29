//! Counting the rows of a campaign.

use super::connection::{Connection, get};
use crate::Result;
use crate::domain::report::Report;
use crate::domain::status::Counts;
use crate::ledger::state::State;
use crate::ledger::stored::status;
use crate::ledger::totals::Totals;

/// Counts the rows of each status. Those that were not planned to be sent are in the campaign's report. The others are counted in the
/// index of the batches' recipients, which takes a fraction of the time of reading all rows.
pub(super) fn counts(connection: &Connection, campaign: i64, report: &Report) -> Result<Counts> {
    let rows = connection.rows(
        "SELECT b.state, sum(r.recipients)::bigint
         FROM (SELECT batch_id, count(*) AS recipients FROM recipient
               WHERE campaign = $1 AND batch_id IS NOT NULL GROUP BY batch_id) r
         LEFT JOIN batch b ON b.campaign = $1 AND b.id = r.batch_id GROUP BY b.state",
        &[&campaign],
    )?;
    let mut counts = report.unsent();
    for row in &rows {
        let state = get::<Option<&str>>(row, 0)?.and_then(State::parse);
        counts.add(status("send", state)?, get::<i64>(row, 1)?.cast_unsigned());
    }
    Ok(counts)
}

/// Counts the rows and what they cost.
pub(super) fn read(connection: &Connection, campaign: i64) -> Result<Totals> {
    let mut totals = Totals::default();
    let counts = connection.rows(
        "SELECT r.disposition, b.state, count(*), coalesce(sum(r.credits), 0)::bigint,
                b.state = 'claimed' AND b.sender IN (SELECT id FROM live_sender) AS in_flight
         FROM recipient r LEFT JOIN batch b ON b.campaign = r.campaign AND b.id = r.batch_id
         WHERE r.campaign = $1 GROUP BY r.disposition, b.state, in_flight",
        &[&campaign],
    )?;
    for row in &counts {
        let disposition: &str = get(row, 0)?;
        let state = get::<Option<&str>>(row, 1)?.and_then(State::parse);
        let status = status(disposition, state)?;
        totals
            .counts
            .add(status, get::<i64>(row, 2)?.cast_unsigned());
        if get::<Option<bool>>(row, 4)? == Some(true) {
            totals.in_flight += get::<i64>(row, 2)?.cast_unsigned();
        }
        if disposition == "send" {
            totals.add_credits(status, get::<i64>(row, 3)?.cast_unsigned());
        }
    }
    let row = connection.one(
        "SELECT (SELECT count(*) FROM batch WHERE campaign = $1 AND state NOT IN ('split', 'suppressed')),
                (SELECT count(*) FROM attempt WHERE campaign = $1)",
        &[&campaign],
    )?;
    totals.batches = get::<i64>(&row, 0)?.cast_unsigned();
    totals.attempts = get::<i64>(&row, 1)?.cast_unsigned();
    Ok(totals)
}
