//! The campaign's row.

use rusqlite::{Connection, params};

use super::error::write_error;
use crate::ledger::campaign::Campaign;
use crate::ledger::stored::{self, from_json, to_json};
use crate::{Error, Kind, Result};

/// The campaign of this ledger.
pub(in crate::ledger) fn read(connection: &Connection) -> Result<Campaign> {
    let mut statement = connection.prepare(
        "SELECT *, ifnull((SELECT expires_at FROM decision WHERE resolution = 'expires' ORDER BY id DESC LIMIT 1),
                          expires_at) AS current_expires_at
         FROM campaign",
    )?;
    let mut rows = statement.query([])?;
    let row =
        (rows.next()?).ok_or_else(|| Error::new(Kind::Ledger, "is a ledger without a campaign"))?;
    let text = |column| row.get::<_, String>(column);
    let time = |column| stored::time(&text(column)?);
    Ok(Campaign {
        id: text("id")?,
        name: text("name")?,
        input: text("input")?,
        options: from_json("options", &text("options")?)?,
        digest: text("digest")?,
        header: text("header")?,
        delimiter: text("delimiter")?.bytes().next().unwrap_or(b','),
        bom: row.get("bom")?,
        report: from_json("report", &text("report")?)?,
        planned_at: time("planned_at")?,
        expires_at: time("current_expires_at")?,
        schedules: from_json("schedules", &text("schedules")?)?,
        is_test: row.get("is_test")?,
        gateway_host: row.get("gateway_host")?,
    })
}

/// Stores the campaign in a new ledger.
pub(in crate::ledger) fn insert(connection: &Connection, campaign: &Campaign) -> Result<()> {
    let values = params![
        campaign.id,
        campaign.name,
        campaign.input,
        to_json(&campaign.options)?,
        campaign.digest,
        campaign.header,
        char::from(campaign.delimiter).to_string(),
        campaign.bom,
        to_json(&campaign.report)?,
        campaign.planned_at.to_string(),
        campaign.expires_at.to_string(),
        to_json(&campaign.schedules)?,
        campaign.is_test,
    ];
    connection
        .execute(
            "INSERT INTO campaign (only, id, name, input, options, digest, header, delimiter, bom, report,
                                   planned_at, expires_at, schedules, is_test)
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            values,
        )
        .map_err(write_error)?;
    Ok(())
}
