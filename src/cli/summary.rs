//! The summary of a run as one JSON object.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use super::args::OutputArgs;
use super::cause::Cause;
use super::clock;
use super::exit::Exit;
use super::files::{CampaignFiles, is_sandbox_ledger};
use super::on_end::OnEnd;
use super::signals;
use super::terminal::{print, tell, tell_error};
use super::timing;
use super::values::ProgressArg;
use crate::dispatch::StopReason;
use crate::domain::report::Report;
use crate::domain::{PlanId, Status, Timestamp};
use crate::gateway::Balance;
use crate::ledger::{Campaign, Location, Totals};
use crate::{Error, Kind, Result};

/// What a run to the sandbox ends with.
const NOBODY: &str = "Sent to the sandbox: nobody received anything";

fn unwritable(error: std::io::Error, path: &Path) -> Error {
    Error::new(Kind::Disk, "the summary cannot be written")
        .caused_by(error)
        .at(path.display())
}

/// What a run did.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    /// The files of the campaign, once it is known that none is written over another.
    pub(super) files: Option<CampaignFiles>,
    /// The name of the campaign, as long as its files are not known.
    pub(super) name: OsString,
    /// Whether the file of the summary belongs to another run, which is under way.
    pub(super) is_left_to_other: bool,
    /// Whether this command writes the results.
    pub(super) writes_results: bool,
    started: Instant,
    started_at: Timestamp,
    pub(super) totals: Totals,
    pub(super) report: Option<Report>,
    /// The id of the plan, where a command has worked it out.
    pub(super) plan_id: Option<PlanId>,
    pub(super) requests: u64,
    /// Of all rows to send before a send, of accepted rows after it.
    pub(super) credits: u64,
    /// How the ledger calls the gateway.
    pub(super) gateway: Option<String>,
    pub(super) sandbox: bool,
    pub(super) stop: Option<StopReason>,
    /// Why the last request that was not sent was not.
    pub(super) last_failure: Option<String>,
    /// The balance of the account before the first request of the run, and after its last one.
    pub(super) balance_before: Option<Balance>,
    pub(super) balance_after: Option<Balance>,
    /// What was said of the balance last.
    said_of_balance: String,
    /// The command that gets the summary when the run has ended.
    pub(super) on_end: Option<OnEnd>,
    /// How the rest is sent after the last time of this run.
    pub(super) advice: Option<String>,
    /// When it sends, and how fast.
    pub(super) timing: Option<Value>,
    /// A folder that is removed if a signal ends the run.
    pub(super) temporary: Option<PathBuf>,
}

/// How a run ended.
struct Ending {
    at: Timestamp,
    exit: Exit,
    cause: Option<Cause>,
}

/// Runs a command, tells why it failed if it did, and writes the summary, however it ended. `on_end` gets it too.
pub(super) fn of_run(
    output: &OutputArgs,
    on_end: Option<OnEnd>,
    command: impl FnOnce(&mut Summary) -> Result<Exit>,
) -> Exit {
    let mut summary = Summary::begin(on_end);
    let ended = command(&mut summary);
    // A database that cannot be reached is not asked once more.
    let is_readable = matches!(&ended, Err(error) if error.kind != Kind::Unreachable);
    if is_readable && summary.totals == Totals::default() {
        summary.add_ledger();
    }
    if ended.is_err() {
        summary.stop.get_or_insert(StopReason::Error);
    }
    let (exit, cause) = summary.end(&ended);
    // Of a run that sent all it could, the counts say it.
    let problem = cause.as_ref().filter(|_| summary.stop.is_some());
    let problem = problem.map(Cause::told);
    summary.finish(output, &Ending::now(exit, cause), problem)
}

/// Writes the summary of a command line that is not carried out: a script must not find the success of an earlier run there. Its
/// command for the end gets it too.
pub(super) fn of_refusal(path: Option<PathBuf>, on_end: Option<OnEnd>, error: &Error) {
    let output = OutputArgs {
        show: None,
        summary_json: path,
        progress: ProgressArg::None,
    };
    let ending = Ending::now(Exit::of_error(error), Some(Cause::of_error(error)));
    let mut summary = Summary::begin(on_end);
    summary.stop = Some(StopReason::Error);
    summary.finish(&output, &ending, None);
}

/// What `status` says of a ledger, with the keys of a summary. The exit code is null while there is something left to send.
/// `results`: where they are written, if it is not the usual place, which may be beside the spreadsheet.
pub(super) fn of_ledger(
    place: &Location,
    (spreadsheet, results): (Option<&Path>, Option<&Path>),
    (campaign, plan_id): (Campaign, PlanId),
    totals: Totals,
) -> Result<Value> {
    let mut summary = Summary::begin(None);
    summary.sandbox = is_sandbox_ledger(place);
    summary.timing = timing::of_last_run_in_json(&campaign);
    let files = CampaignFiles::of_ledger(place, spreadsheet, results)?;
    summary.files = Some(CampaignFiles {
        name: campaign.name,
        ledger: place.clone(),
        ..files
    });
    summary.writes_results = true;
    summary.gateway = campaign.gateway_host;
    summary.plan_id = Some(plan_id);
    summary.report = Some(campaign.report);
    summary.set_totals(totals);
    let running = place.holder().is_some();
    let counts = totals.decisive();
    let exit = Exit::of_send(None, &counts);
    let left = exit == Exit::OK && counts.of(Status::Pending) > 0;
    let ending = Ending::now(exit, Cause::of_counts(exit, &counts));
    let mut object = summary.object((!running && !left).then_some(&ending));
    for key in ["started_at", "ended_at"] {
        object[key] = Value::Null;
    }
    object["elapsed_seconds"] = json!(0);
    object["running"] = json!(running);
    Ok(object)
}

/// Whether nothing but an earlier summary is lost by writing there.
fn is_free_or_summary(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => fs::read(path).is_ok_and(|text| {
            let summary = serde_json::from_slice::<Value>(&text);
            text.is_empty() || summary.is_ok_and(|summary| summary.get("exit_code").is_some())
        }),
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

impl Ending {
    fn now(exit: Exit, cause: Option<Cause>) -> Self {
        Self {
            at: clock::now(),
            exit,
            cause,
        }
    }
}

impl Summary {
    /// The summary of a run that begins now.
    pub(super) fn begin(on_end: Option<OnEnd>) -> Self {
        Self {
            files: None,
            name: OsString::new(),
            is_left_to_other: false,
            writes_results: false,
            started: clock::instant(),
            started_at: clock::now(),
            totals: Totals::default(),
            report: None,
            plan_id: None,
            requests: 0,
            credits: 0,
            gateway: None,
            sandbox: false,
            stop: None,
            last_failure: None,
            balance_before: None,
            balance_after: None,
            said_of_balance: String::new(),
            on_end,
            advice: None,
            timing: None,
            temporary: None,
        }
    }

    /// Says this of the balance, unless it was said before.
    pub(super) fn say_of_balance(&mut self, line: String, say: impl FnOnce(&str)) {
        if line != self.said_of_balance {
            say(&line);
        }
        self.said_of_balance = line;
    }

    /// Adds what the ledger holds, if there is one: its rows are still there when a run cannot begin.
    fn add_ledger(&mut self) {
        let Some(files) = &self.files else { return };
        let Ok(ledger) = files.ledger.snapshot() else {
            return;
        };
        if let (Ok(totals), Ok(campaign)) = (ledger.totals(), ledger.campaign()) {
            self.set_totals(totals);
            self.gateway = self.gateway.take().or(campaign.gateway_host);
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

    /// The exit code of this run, and why it is not 0.
    fn end(&self, ended: &Result<Exit>) -> (Exit, Option<Cause>) {
        let counts = &self.totals.decisive();
        let exit = match (ended, self.stop) {
            (Ok(exit), _) => *exit,
            (_, stop @ Some(StopReason::Signal(_))) => Exit::of_send(stop, counts),
            (Err(error), _) => Exit::of_error(error),
        };
        let pending = counts.of(Status::Pending);
        let detail = match self.stop {
            Some(StopReason::NotAfter) => self.advice.as_deref(),
            _ => self.last_failure.as_deref(),
        };
        let stopped = |stop| Cause::of_stop(stop, pending, detail);
        let cause = match (ended, self.stop) {
            (Err(error), Some(StopReason::Signal(_))) => Some(Cause {
                kind: "signal",
                ..Cause::of_error(error)
            }),
            (Err(error), _) => Some(Cause::of_error(error)),
            (Ok(_), Some(stop @ StopReason::NotAfter)) if exit == Exit::UNKNOWN => {
                let unknown = Cause::of_counts(exit, counts);
                let parts = unknown.zip(stopped(stop));
                parts.map(|(unknown, pending)| Cause {
                    sentence: format!("{}; {}", unknown.sentence, pending.sentence),
                    ..unknown
                })
            }
            (Ok(_), stop) => stop
                .and_then(stopped)
                .or_else(|| Cause::of_counts(exit, counts)),
        };
        (exit, cause)
    }

    /// Ends a run that a signal interrupted before it sent anything.
    fn end_before_sending(mut self, output: &OutputArgs, signal: i32) {
        self.stop = Some(StopReason::Signal(signal));
        // If it cannot be removed, it stays.
        let _ = self.temporary.as_ref().map(fs::remove_dir_all);
        self.add_ledger();
        let exit = Exit::of_send(self.stop, &self.totals.decisive());
        let cause = Cause::before_sending(signal);
        let problem = Some(cause.told());
        self.finish(output, &Ending::now(exit, Some(cause)), problem);
    }

    /// Writes the summary, tells the user about the end, and runs the command for it. `problem` is what to tell. Returns the
    /// exit code, which is another one if the summary cannot be written.
    fn finish(&self, output: &OutputArgs, ending: &Ending, problem: Option<String>) -> Exit {
        let mut exit = ending.exit;
        let mut text = self.text(Some(ending));
        if let Err(unwritten) = self.write(output, &text) {
            tell_error(&unwritten);
            if exit == Exit::OK {
                exit = Exit::FAILURE;
                text = self.text(Some(&Ending::now(exit, Some(Cause::of_error(&unwritten)))));
            }
        }
        self.tell_end(problem);
        if let Some(on_end) = &self.on_end {
            on_end.run(text);
        }
        exit
    }

    /// Tells the user why the run ended, and that it was only the sandbox that took the messages.
    fn tell_end(&self, problem: Option<String>) {
        let sandbox = self.sandbox.then(|| NOBODY.to_owned());
        let sentences: Vec<_> = problem.into_iter().chain(sandbox).collect();
        if !sentences.is_empty() {
            tell(&format!("isms-campaign: {}", sentences.join(". ")));
        }
    }

    /// Leaves the file of the summary to another run of this campaign that is under way, if that has begun it.
    pub(super) fn leave_to_run_under_way(&mut self, output: &OutputArgs) {
        // A device may be without end.
        let file = output.summary_file().filter(|path| path.is_file());
        let begun = file.and_then(|path| fs::read(path).ok());
        let begun = begun.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        let is_open = begun.is_some_and(|begun| begun.get("exit_code") == Some(&Value::Null));
        let ledger = self.files.as_ref().map(|files| &files.ledger);
        self.is_left_to_other = is_open && ledger.is_some_and(|ledger| ledger.holder().is_some());
    }

    /// Writes that the run has begun, so that the file does not keep the success of an earlier run if this one is killed. Refuses
    /// a path to which the summary could not be written in the end. A signal that comes before the first request has its
    /// summary too.
    pub(super) fn write_begun(&self, output: &OutputArgs) -> Result<()> {
        let (begun, to) = (self.clone(), output.clone());
        signals::before_exit(move |signal| begun.clone().end_before_sending(&to, signal))?;
        let Some(path) = output.summary_file() else {
            return Ok(());
        };
        match fs::metadata(path) {
            // What is written to a device or a pipe cannot be replaced at the end.
            Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => Ok(()),
            _ => self
                .write(output, &self.text(None))
                .map_err(|error| error.hint("choose another path with --summary-json")),
        }
    }

    /// Writes this text where `--summary-json` says, if that was typed.
    fn write(&self, output: &OutputArgs, text: &str) -> Result<()> {
        let Some(path) = output.summary_json.as_deref() else {
            return Ok(());
        };
        if output.json_on_standard_output() {
            return print(text);
        }
        if self.is_left_to_other {
            return Ok(());
        }
        // Until the files of the campaign are known, the path may be that of the spreadsheet.
        if self.files.is_none() && !is_free_or_summary(path) {
            return Ok(());
        }
        fs::write(path, text).map_err(|error| unwritable(error, path))
    }

    /// Without an ending: the run is under way.
    fn text(&self, ending: Option<&Ending>) -> String {
        format!("{:#}\n", self.object(ending))
    }

    fn object(&self, ending: Option<&Ending>) -> Value {
        let files = self.files.as_ref();
        let results = files.map(|files| files.results.to_string_lossy());
        let cause = ending.and_then(|ending| ending.cause.as_ref());
        let mut object = json!({
            "campaign": files.map_or(self.name.to_string_lossy(), |files| (&*files.name).into()),
            "ledger": files.map(|files| files.ledger.to_string()).unwrap_or_default(),
            "results": self.writes_results.then(|| results.unwrap_or_default()),
            "rows": self.totals.counts.rows(),
            "batches": self.totals.batches,
            "requests": self.requests,
            "credits": self.credits,
            "balance_before": self.balance_before.as_ref().map(balance_json),
            "balance_after": self.balance_after.as_ref().map(balance_json),
            "gateway": self.gateway,
            "sandbox": self.sandbox,
            "started_at": self.started_at.to_string(),
            "ended_at": ending.map(|ending| ending.at.to_string()),
            "elapsed_seconds": self.started.elapsed().as_secs_f64(),
            "exit_code": ending.map(|ending| ending.exit.0),
            "stopped_by": self.stop.map(<&str>::from),
            "error": cause.map(|cause| &cause.sentence),
            "error_kind": cause.map(|cause| cause.kind),
        });
        if let Some(Location::Stored(place)) = files.map(|files| &files.ledger) {
            object["store"] = json!(place.store().to_string());
        }
        for &status in Status::ALL {
            object[status.as_str()] = json!(self.totals.counts.of(status));
        }
        if cause.is_some_and(|cause| cause.kind == Cause::IN_USE) {
            // Another run is under way: what it has in flight counts as unknown.
            object["running"] = json!(true);
        }
        if let Some(timing) = &self.timing {
            object["timing"] = timing.clone();
        }
        if let Some(id) = self.plan_id {
            object["plan_id"] = json!(id.to_string());
        }
        if let Some(report) = &self.report {
            object["plan"] = json!(report);
        }
        object
    }
}

/// A balance as a number for scripts.
fn balance_json(balance: &Balance) -> Value {
    let text = balance.to_string();
    let whole = text.parse::<i64>().map(Value::from);
    whole.unwrap_or_else(|_| text.parse::<f64>().map_or(Value::Null, Value::from))
}
