//! The summary of a run as one JSON object.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::args::{OutputArgs, ProgressArg};
use super::clock;
use super::exit::Exit;
use super::files::CampaignFiles;
use super::remedy;
use super::terminal::{print, tell_error};
use crate::dispatch::StopReason;
use crate::domain::Status;
use crate::domain::report::Report;
use crate::ledger::Totals;
use crate::{Error, Kind, Result};

/// Refuses a path to which the summary could not be written in the end.
pub(super) fn refuse_unwritable(output: &OutputArgs) -> Result<()> {
    let Some(path) = output.summary_file() else {
        return Ok(());
    };
    let opened = if path.exists() {
        File::options().append(true).open(path).map(drop)
    } else {
        File::create(path).and_then(|_| fs::remove_file(path))
    };
    opened.map_err(|error| unwritable(error, path).hint("choose another path with --summary-json"))
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
    if ended.is_err() && summary.totals == Totals::default() {
        summary.add_ledger();
    }
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

/// Writes the summary of a command line that could not be understood, if it says where: a script must not find the
/// success of an earlier run there.
pub(super) fn of_usage_error(arguments: &[OsString], message: &str) {
    let Some(path) = typed_path(arguments) else {
        return;
    };
    let output = OutputArgs {
        show: None,
        summary_json: Some(path),
        progress: ProgressArg::None,
    };
    // The rest tells how to get help.
    let problem = message.split("\n\n").next().unwrap_or(message);
    let error = Error::usage(problem.trim_start_matches("error: "));
    if let Err(unwritten) = Summary::default().write(&output, Exit::USAGE, Some(&error)) {
        tell_error(&unwritten);
    }
}

fn typed_path(arguments: &[OsString]) -> Option<PathBuf> {
    let mut arguments = arguments.iter().map(|argument| argument.to_string_lossy());
    let option = arguments.find(|argument| argument.starts_with("--summary-json"))?;
    let path = match option.split_once('=') {
        Some((_, path)) => path.to_owned(),
        None => arguments.next()?.into_owned(),
    };
    Some(PathBuf::from(path))
}

/// Whether nothing but an earlier summary is lost by writing there.
fn is_free_or_summary(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => fs::read(path)
            .ok()
            .and_then(|text| serde_json::from_slice::<Value>(&text).ok())
            .is_some_and(|summary| summary.get("exit_code").is_some()),
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

impl Summary {
    /// Adds what the ledger holds, if there is one: its rows are still there when a run cannot begin.
    fn add_ledger(&mut self) {
        let Some(files) = &self.files else { return };
        if let Ok(totals) = files.ledger.snapshot().and_then(|ledger| ledger.totals()) {
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
        let text = format!("{:#}\n", self.object(exit, error));
        if output.json_on_standard_output() {
            return print(&text);
        }
        // Until the files of the campaign are known, the path may be that of the spreadsheet.
        if self.files.is_none() && !is_free_or_summary(path) {
            return Ok(());
        }
        fs::write(path, text).map_err(|error| unwritable(error, path))
    }

    fn object(&self, exit: Exit, error: Option<&Error>) -> Value {
        let files = self.files.as_ref();
        let results = files.map(|files| files.results.to_string_lossy());
        let mut object = json!({
            "campaign": files.map_or("", |files| &files.name),
            "ledger": files.map(|files| files.ledger.to_string()).unwrap_or_default(),
            "results": self.writes_results.then(|| results.unwrap_or_default()),
            "rows": self.totals.counts.rows(),
            "batches": self.totals.batches,
            "requests": self.requests,
            "credits": self.credits,
            "elapsed_seconds": self.elapsed.as_secs_f64(),
            "exit_code": exit.0,
            "stopped_by": self.stop.map(<&str>::from).or(error.map(|_| "error")),
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
