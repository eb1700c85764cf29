//! How a ledger is named in a command that a message advises: by the campaign file of this run, or by its own path.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::campaign_file::CampaignFile;
use super::files::shell_quoted;
use super::store;
use crate::ledger::{Campaign, Location, Store};

static CAMPAIGN_FILE: OnceLock<CampaignFile> = OnceLock::new();

/// From now on this file stands for its ledgers.
pub(super) fn use_campaign_file(file: &CampaignFile) {
    // It is set once.
    let _ = CAMPAIGN_FILE.set(file.clone());
}

static STORE: OnceLock<Arc<Store>> = OnceLock::new();

/// From now on a name that is no file is that of a campaign in this store.
pub(super) fn use_store(store: &Arc<Store>) {
    // It is set once.
    let _ = STORE.set(Arc::clone(store));
}

/// The ledger that an error calls by this name.
pub(super) fn called(name: &str) -> Location {
    let stored = STORE.get().filter(|_| !store::is_file(Path::new(name)));
    stored
        .and_then(|store| Location::in_store(store, name).ok())
        .unwrap_or_else(|| Location::from(name))
}

/// Whether a command without `--date` is about another ledger tomorrow.
pub(super) fn is_dated() -> bool {
    CAMPAIGN_FILE.get().is_some_and(CampaignFile::recurs)
}

/// Where a ledger is, in a sentence about its campaign.
pub(super) fn whereabouts(ledger: &Location) -> String {
    if let Location::Stored(place) = ledger {
        format!("in the store {}", place.store())
    } else {
        format!("in {ledger}")
    }
}

/// What is typed in the place of LEDGER.
pub(super) fn in_command(ledger: &Location) -> String {
    let file = CAMPAIGN_FILE.get();
    file.and_then(|file| file.argument_for(ledger))
        .unwrap_or_else(|| shell_quoted(ledger))
}

/// The same where it is to be sent: a campaign file must lead to the same plan, and its spreadsheet still be there.
pub(super) fn in_send_command(campaign: &Campaign, ledger: &Location) -> String {
    let spreadsheet = campaign.options.spreadsheet.as_ref();
    let is_there = spreadsheet.is_some_and(|spreadsheet| Path::new(spreadsheet).exists());
    let is_overridden = CAMPAIGN_FILE.get().is_some_and(|file| file.is_overridden);
    if is_there && !is_overridden {
        in_command(ledger)
    } else {
        shell_quoted(ledger)
    }
}
