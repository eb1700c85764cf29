//! The other campaigns that were sent from a folder or a store: what `--repeat` and `--cooldown` look at.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::destination::SANDBOX_HOST;
use super::files::{is_sandbox_ledger, is_test_ledger};
use crate::Result;
use crate::domain::Timestamp;
use crate::ledger::{Campaign, Location, Snapshot};

/// The other ledgers in the folder of this one and in these folders, but those of the sandbox and of tests. With a store these are its
/// other campaigns that were sent within about this time, and the ledgers in the folder of the spreadsheet, if that is here.
pub(super) fn ledgers(
    place: &Location,
    spreadsheet: Option<&str>,
    folders: &[PathBuf],
    within: Duration,
) -> Result<Vec<Location>> {
    let mut ledgers = place.others(within)?;
    let beside = spreadsheet.and_then(|path| Path::new(path).parent());
    let beside = beside.filter(|folder| place.is_shared() && folder.is_dir());
    for folder in folders.iter().map(PathBuf::as_path).chain(beside) {
        ledgers.extend(place.others_in(folder)?);
    }
    ledgers.retain(|ledger| !is_sandbox_ledger(ledger) && !is_test_ledger(ledger));
    Ok(ledgers)
}

/// The campaign in another ledger, and its last request, if that was made within this time. `own` is the id of the campaign that
/// it is compared with, and how many requests were made from its ledger.
pub(super) fn sent_within(
    time: Duration,
    now: &Timestamp,
    own: Option<(&str, u64)>,
    ledger: &dyn Snapshot,
) -> Result<Option<(Campaign, Timestamp)>> {
    let last = ledger.last_request()?;
    let Some(last) = last.filter(|last| last.age(now) < time) else {
        return Ok(None);
    };
    let other = ledger.campaign()?;
    let is_campaign = !other.is_test && other.gateway_host.as_deref() != Some(SANDBOX_HOST);
    // A copy of the ledger is no other campaign, unless it is this one that is the copy.
    let is_copy = match own {
        Some((id, requests)) if other.id == id => ledger.totals()?.attempts <= requests,
        _ => false,
    };
    Ok((is_campaign && !is_copy).then_some((other, last)))
}
