//! What earlier runs of a campaign file left open: a run with a dated one names the ledgers of the last dates that are not finished.

use super::campaign_file::CampaignFile;
use super::view::grouped;
use super::{named, next, remedy};
use crate::Result;
use crate::domain::Status;
use crate::ledger::Location;

/// A line for each ledger of the dates before this run's that has pending or unknown rows, with what to do about it.
pub(super) fn open_ledgers(file: Option<&CampaignFile>) -> impl Iterator<Item = String> {
    let ledgers = file.map(CampaignFile::earlier_ledgers).unwrap_or_default();
    ledgers.into_iter().filter_map(|ledger| {
        open(&ledger).unwrap_or_else(|error| {
            let why = remedy::sentence(&error);
            Some(format!(
                "Warning: what is open in {ledger} is not known: {why}"
            ))
        })
    })
}

fn open(ledger: &Location) -> Result<Option<String>> {
    if !ledger.exists()? || ledger.holder().is_some() {
        return Ok(None);
    }
    let (campaign, totals) = ledger.glance(&|ledger| Ok((ledger.campaign()?, ledger.totals()?)))?;
    let of = |status| totals.counts.of(status);
    let status = format!("isms-campaign status {}", named::in_command(ledger));
    let then = match (of(Status::Pending), of(Status::Unknown)) {
        (0, 0) => return Ok(None),
        (0, _) => format!("look them up: {status}"),
        (_, 0) => next::how_to_send(&campaign, ledger),
        _ => {
            let send = next::how_to_send(&campaign, ledger);
            format!("{send}; look up what is unknown: {status}")
        }
    };
    let (pending, unknown) = (grouped(of(Status::Pending)), grouped(of(Status::Unknown)));
    Ok(Some(format!(
        "Still open in {ledger}: {pending} pending, {unknown} unknown; {then}"
    )))
}
