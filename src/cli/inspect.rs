//! The commands that look at a ledger and change nothing: `status`, `results`, `verify`.

use std::io::{self, BufWriter};
use std::path::Path;

use super::exit::Exit;
use super::paths::{Paths, refuse_overwriting, sidecar_files};
use super::summary::{counted, next_step, of_totals};
use super::{Patient, prepare, print, spec, tell};
use crate::domain::Status;
use crate::domain::options::DuplicateRule;
use crate::ledger::{self, Campaign, Snapshot};
use crate::results::{self, ResultsFile};
use crate::{Error, Kind, Result};

/// A ledger and its campaign.
fn open(ledger: &Path) -> Result<(Snapshot, Campaign)> {
    let reader = Snapshot::open(ledger)?;
    let campaign = reader.campaign()?;
    tracing::info!(ledger = %ledger.display(), campaign = campaign.id, planned_at = %campaign.planned_at, "opened");
    Ok((reader, campaign))
}

/// The story of `status`.
pub(super) fn status(path: &Path) -> Result<Exit> {
    let (reader, campaign) = open(path)?;
    let totals = reader.totals()?;
    let sent = totals.counts.sendable() - totals.counts.of(Status::Pending);
    let next = match ledger::holder(path) {
        Some(holder) => format!(
            "It is in use by {holder}. What is under way counts as unknown until its answer comes: wait for the end.\n"
        ),
        None => next_step(&totals, None, path),
    };
    let host = campaign.gateway_host.as_deref().unwrap_or("nowhere yet");
    print(&format!(
        "Campaign      {}, from {}\nPlanned       {}, not sent after {}\nSent to       {host}\n{}Progress      {sent} of {} to send\n\n{}",
        campaign.name,
        campaign.input,
        campaign.planned_at,
        campaign.expires_at,
        of_totals(&totals),
        totals.counts.sendable(),
        next
    ))?;
    Ok(Exit::OK)
}

/// The story of `results`: all rows to the file beside the ledger, or some of them to standard output.
pub(super) fn results(ledger: &Path, only: &[Status], place: Option<&Path>) -> Result<Exit> {
    let (reader, _) = open(ledger)?;
    let some = (!only.is_empty()).then_some(only);
    if some.is_some() && place.is_none() {
        let out = BufWriter::new(Patient(io::stdout().lock()));
        return results::write(&reader, some, out).map(|_| Exit::OK);
    }
    let paths = Paths::of(ledger, None, place, prepare::is_practice(ledger))?;
    let sidecar_files = sidecar_files(ledger);
    let sheet = spec::spreadsheet_of(ledger);
    let mut read: Vec<(&str, &Path)> = sidecar_files
        .iter()
        .map(|(role, path)| (*role, path.as_path()))
        .collect();
    read.extend(sheet.as_deref().map(|sheet| ("the spreadsheet", sheet)));
    refuse_overwriting(&read, &[("the results file", &paths.results)])?;
    let rows = ResultsFile::prepare(&paths.results)?.write(&reader, some)?;
    tell(&format!(
        "{} in {}",
        counted(rows, "row"),
        paths.results.display()
    ));
    Ok(Exit::OK)
}

/// The story of `verify`: exit 0 only if the books balance.
pub(super) fn verify(ledger: &Path) -> Result<Exit> {
    let (reader, campaign) = open(ledger)?;
    must_balance(&reader, &campaign, ledger)?;
    let totals = reader.totals()?;
    print(&format!("The books balance.\n{}", of_totals(&totals)))?;
    Ok(Exit::OK)
}

/// An error if the books of this ledger do not balance.
pub(super) fn must_balance(reader: &Snapshot, campaign: &Campaign, ledger: &Path) -> Result<()> {
    let keeps_duplicates = campaign.options.duplicates == DuplicateRule::Keep;
    let wrong = reader.verify(keeps_duplicates)?;
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Error::new(Kind::Other, format!("the books do not balance: {}", wrong.join("; ")))
        .hint("bring back a copy from before it was changed, or compare it with the iSMS portal row by row")
        .at(ledger.display()))
}
