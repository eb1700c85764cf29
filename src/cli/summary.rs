//! The summary of a run as one JSON object.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::args::OutputArgs;
use super::exit::Exit;
use super::files::CampaignFiles;
use super::remedy;
use super::terminal::print;
use crate::dispatch::StopReason;
use crate::domain::Status;
use crate::domain::report::Report;
use crate::ledger::{Snapshot, Totals};
use crate::{Error, Kind, Result};

/// Refuses a path to which the summary could not be written in the end.
pub(super) fn refuse_unwritable(output: &OutputArgs) -> Result<()> {
    let Some((_, path)) = output.file_written() else {
        return Ok(());
    };
    let existed = path.exists();
    fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|_| {
            if existed {
                Ok(())
            } else {
                fs::remove_file(path)
            }
        })
        .map_err(|error| unwritable(error, path).hint("choose another path with --summary-json"))
}

fn unwritable(error: std::io::Error, path: &Path) -> Error {
    Error::new(Kind::Disk, "the summary cannot be written")
        .caused_by(error)
        .at(path.display())
}

/// What a run did.
#[derive(Debug, Default)]
pub(super) struct Summary {
    campaign: String,
    ledger: PathBuf,
    results: Option<PathBuf>,
    /// Whether the files above are known, and the summary's own path is none of them.
    files_known: bool,
    pub(super) totals: Totals,
    pub(super) report: Option<Report>,
    pub(super) requests: u64,
    /// Of all rows to send before a send, of accepted rows after it.
    pub(super) credits: u64,
    pub(super) elapsed: Duration,
    pub(super) stop: Option<StopReason>,
}

impl Summary {
    /// Adds the files of the campaign, once it is known that none is written over another. `results`: whether this command
    /// writes them.
    pub(super) fn set_files(&mut self, files: &CampaignFiles, results: bool) {
        self.campaign.clone_from(&files.name);
        self.ledger.clone_from(&files.ledger);
        self.results = results.then(|| files.results.clone());
        self.files_known = true;
    }

    /// Adds what the ledger holds, if there is one: its rows are still there when a run cannot begin.
    pub(super) fn add_ledger(&mut self) {
        if let Ok(totals) = Snapshot::open(&self.ledger).and_then(|snapshot| snapshot.totals()) {
            self.set_totals(totals);
        }
    }

    /// Sets what the ledger holds.
    pub(super) fn set_totals(&mut self, totals: Totals) {
        self.credits = if totals.attempts == 0 {
            totals.credits_planned
        } else {
            totals.credits_accepted
        };
        self.totals = totals;
    }

    /// Writes it where `--summary-json` says, if that was typed.
    pub(super) fn write(
        &self,
        output: &OutputArgs,
        exit: Exit,
        error: Option<&Error>,
    ) -> Result<()> {
        let Some(path) = output.summary_json.as_deref() else {
            return Ok(());
        };
        // The summary's own path may be what is wrong with the command line.
        if exit == Exit::USAGE && !self.files_known {
            return Ok(());
        }
        let text = format!("{:#}\n", self.object(exit, error));
        if output.json_on_standard_output() {
            return print(&text);
        }
        fs::write(path, text).map_err(|error| unwritable(error, path))
    }

    fn object(&self, exit: Exit, error: Option<&Error>) -> Value {
        let mut object = json!({
            "campaign": self.campaign,
            "ledger": self.ledger.to_string_lossy(),
            "results": self.results.as_ref().map(|path| path.to_string_lossy()),
            "rows": self.totals.counts.rows(),
            "batches": self.totals.batches,
            "requests": self.requests,
            "credits": self.credits,
            "elapsed_seconds": self.elapsed.as_secs_f64(),
            "exit_code": exit.0,
            "stopped_by": self.stop.map(stop_name).or(error.map(|_| "error")),
            "error": error.map(remedy::sentence),
        });
        for &status in Status::ALL {
            object[status.as_str()] = json!(self.totals.counts.of(status));
        }
        if let Some(report) = &self.report {
            object["plan"] = json!(report);
        }
        object
    }
}

/// The value of `stopped_by`; these never change.
fn stop_name(stop: StopReason) -> &'static str {
    match stop {
        StopReason::Account(_) => "account",
        StopReason::Refused(_) => "refused",
        StopReason::Unreachable => "unreachable",
        StopReason::Unknown(_) => "unknown",
        StopReason::Limit => "limit",
        StopReason::Signal(_) => "signal",
        StopReason::Error => "error",
    }
}
