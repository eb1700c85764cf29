//! The summary of a run as one JSON object.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::args::OutputArgs;
use super::clock;
use super::exit::Exit;
use super::files::CampaignFiles;
use super::remedy;
use super::terminal::{print, tell_error};
use crate::dispatch::StopReason;
use crate::domain::Status;
use crate::domain::report::Report;
use crate::ledger::{Snapshot, Totals};
use crate::{Error, Kind, Result};

/// Refuses a path to which the summary could not be written in the end.
pub(super) fn refuse_unwritable(output: &OutputArgs) -> Result<()> {
    let Some(path) = output.summary_file() else {
        return Ok(());
    };
    let existed = path.exists();
    let opened = fs::OpenOptions::new().append(true).create(true).open(path);
    opened
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
    /// The files of the campaign, once it is known that none is written over another.
    pub(super) files: Option<CampaignFiles>,
    /// Whether this command writes the results.
    pub(super) writes_results: bool,
    pub(super) totals: Totals,
    pub(super) report: Option<Report>,
    pub(super) requests: u64,
    /// Of all rows to send before a send, of accepted rows after it.
    pub(super) credits: u64,
    elapsed: Duration,
    pub(super) stop: Option<StopReason>,
}

/// Runs a command, tells why it failed if it did, and writes the summary, however it ended.
pub(super) fn of_run(
    output: &OutputArgs,
    command: impl FnOnce(&mut Summary) -> Result<Exit>,
) -> Exit {
    let started = clock::instant();
    let mut summary = Summary::default();
    let ended = command(&mut summary);
    summary.elapsed = started.elapsed();
    let exit = match (&ended, summary.stop) {
        (Ok(exit), _) => *exit,
        (_, stop @ Some(StopReason::Signal(_))) => Exit::of_send(stop, &summary.totals.counts),
        (Err(error), _) => Exit::of_error(error),
    };
    let error = ended.err();
    let unwritten = summary.write(output, exit, error.as_ref()).err();
    for error in error.iter().chain(&unwritten) {
        tell_error(error);
    }
    match unwritten {
        Some(_) if exit == Exit::OK => Exit::FAILURE,
        _ => exit,
    }
}

impl Summary {
    /// Adds what the ledger holds, if there is one: its rows are still there when a run cannot begin.
    pub(super) fn add_ledger(&mut self) {
        let Some(files) = &self.files else { return };
        if let Ok(totals) = Snapshot::open(&files.ledger).and_then(|ledger| ledger.totals()) {
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
    fn write(&self, output: &OutputArgs, exit: Exit, error: Option<&Error>) -> Result<()> {
        let Some(path) = output.summary_json.as_deref() else {
            return Ok(());
        };
        // The summary's own path may be what is wrong with the command line.
        if exit == Exit::USAGE && self.files.is_none() {
            return Ok(());
        }
        let text = format!("{:#}\n", self.object(exit, error));
        if output.json_on_standard_output() {
            return print(&text);
        }
        fs::write(path, text).map_err(|error| unwritable(error, path))
    }

    fn object(&self, exit: Exit, error: Option<&Error>) -> Value {
        let files = self.files.clone().unwrap_or_default();
        let mut object = json!({
            "campaign": files.name,
            "ledger": files.ledger.to_string_lossy(),
            "results": self.writes_results.then(|| files.results.to_string_lossy()),
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
