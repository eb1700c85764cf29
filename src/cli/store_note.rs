//! A note beside a spreadsheet, which says in which store its campaign is. A run that does not name the store would send it again,
//! from a ledger in a file. One that names another ledger is not held up: that was asked for.

use std::fs;
use std::path::PathBuf;

use super::existing::refused;
use super::files::{CampaignFiles, is_sandbox_ledger};
use super::terminal::tell;
use super::values::OnChange;
use crate::Result;
use crate::ledger::Location;
use crate::source::Input;

/// Where the note is: beside the ledger that the spreadsheet would have in a file.
fn path_of(ledger: &Location) -> Option<PathBuf> {
    let mut path = ledger.path()?.as_os_str().to_owned();
    path.push(".store");
    Some(path.into())
}

/// Writes the note for a campaign in a store.
pub(super) fn write(input: &Input, campaign: &Location) -> Result<()> {
    let (Input::File(spreadsheet), Location::Stored(place)) = (input, campaign) else {
        return Ok(());
    };
    let ledger = CampaignFiles::new(spreadsheet, None, None, false)?.ledger;
    let note = format!("campaign {} in the store {}\n", place.name(), place.store());
    let Some(path) = path_of(&ledger) else {
        return Ok(());
    };
    if fs::read_to_string(&path).is_ok_and(|there| there == note) {
        return Ok(());
    }
    if let Err(error) = fs::write(&path, note) {
        let path = path.display();
        tell(&format!(
            "{path} cannot be written ({error}): a later run that does not name the store will not notice that the campaign is there."
        ));
    }
    Ok(())
}

/// Refuses to plan a spreadsheet in a new ledger in a file whose campaign is in a store.
pub(super) fn refuse_other_ledger(ledger: &Location, on_change: Option<OnChange>) -> Result<()> {
    let note = path_of(ledger).and_then(|path| fs::read_to_string(path).ok());
    let Some(note) = note else {
        return Ok(());
    };
    if on_change == Some(OnChange::New) || is_sandbox_ledger(ledger) || ledger.exists()? {
        return Ok(());
    }
    let problem = format!(
        "this spreadsheet is {}, and its messages could be sent again from here",
        note.trim_end()
    );
    Err(refused(ledger, problem).hint(
        "name that store with --store, or set ISMS_STORE; to start anew in a file: --on-change new",
    ))
}
