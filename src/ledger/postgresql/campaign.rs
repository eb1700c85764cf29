//! The campaign's row.

use tokio_postgres::types::ToSql;

use super::connection::{Connection, get};
use crate::ledger::campaign::Campaign;
use crate::ledger::stored::{self, from_json, to_json};
use crate::{Error, Kind, Result};

/// A campaign and its number in the store.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) number: i64,
    pub(super) campaign: Campaign,
}

/// The campaign that is stored under this name.
pub(super) fn named(connection: &Connection, stored_as: &str) -> Result<Stored> {
    read(connection, "stored_as", &stored_as)?.ok_or_else(|| missing(stored_as))
}

/// The campaign of this number.
pub(super) fn numbered(connection: &Connection, number: i64) -> Result<Stored> {
    read(connection, "number", &number)?.ok_or_else(|| missing(&number.to_string()))
}

/// The campaign that has this value in this column.
fn read(
    connection: &Connection,
    column: &str,
    value: &(dyn ToSql + Sync),
) -> Result<Option<Stored>> {
    let sql = format!(
        "SELECT c.number, c.id, c.name, c.input, c.options, c.digest, c.header, c.delimiter, c.bom, c.report, c.planned_at,
                coalesce((SELECT d.expires_at FROM decision d
                          WHERE d.campaign = c.number AND d.resolution = 'expires' ORDER BY d.id DESC LIMIT 1),
                         c.expires_at),
                c.gateway_host, c.schedules, c.is_test
         FROM campaign c WHERE c.{column} = $1"
    );
    let rows = connection.rows(&sql, &[value])?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let text = |column| get::<String>(row, column);
    Ok(Some(Stored {
        number: get(row, 0)?,
        campaign: Campaign {
            id: text(1)?,
            name: text(2)?,
            input: text(3)?,
            options: from_json("options", get(row, 4)?)?,
            digest: text(5)?,
            header: text(6)?,
            delimiter: text(7)?.bytes().next().unwrap_or(b','),
            bom: get(row, 8)?,
            report: from_json("report", get(row, 9)?)?,
            planned_at: stored::time(get(row, 10)?)?,
            expires_at: stored::time(get(row, 11)?)?,
            gateway_host: get(row, 12)?,
            schedules: from_json("schedules", get(row, 13)?)?,
            is_test: get(row, 14)?,
        },
    }))
}

pub(super) fn missing(stored_as: &str) -> Error {
    Error::new(Kind::Ledger, "there is no such campaign in the store")
        .hint("check its name")
        .at(stored_as)
}

/// Stores a campaign under this name. Returns its number; `None`: another one has that name.
pub(super) fn insert(
    connection: &Connection,
    campaign: &Campaign,
    stored_as: &str,
) -> Result<Option<i64>> {
    let delimiter = char::from(campaign.delimiter).to_string();
    let planned_batches = i64::try_from(campaign.report.batches).unwrap_or(i64::MAX);
    let rows = connection.rows(
        "INSERT INTO campaign (stored_as, id, name, input, options, digest, header, delimiter, bom, report, planned_at,
                               expires_at, planned_batches, schedules, is_test)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT DO NOTHING RETURNING number",
        &[
            &stored_as,
            &campaign.id,
            &campaign.name,
            &campaign.input,
            &to_json(&campaign.options)?,
            &campaign.digest,
            &campaign.header,
            &delimiter,
            &campaign.bom,
            &to_json(&campaign.report)?,
            &campaign.planned_at.to_string(),
            &campaign.expires_at.to_string(),
            &planned_batches,
            &to_json(&campaign.schedules)?,
            &campaign.is_test,
        ],
    )?;
    rows.first().map(|row| get(row, 0)).transpose()
}
