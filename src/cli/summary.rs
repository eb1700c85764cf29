//! What a person is shown of a ledger and of a run, and the same facts as one JSON object. It counts nothing itself.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::args::OutputArgs;
use super::exit::Exit;
use super::paths::shell_quoted;
use super::{prepare, print, remedy, tell};
use crate::dispatch::StopReason;
use crate::domain::Status;
use crate::domain::report::Report;
use crate::ledger::{Snapshot, Totals};
use crate::{Error, Kind, Result};

/// `1 message`, `2 messages`; a word that ends in x gets es.
pub(super) fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// What a ledger holds, in one screen.
pub(super) fn of_totals(totals: &Totals) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{:<14}{}", "Rows", totals.counts.rows());
    for status in Status::ALL {
        let rows = totals.counts.of(status);
        if rows > 0 || status == Status::Accepted {
            let mut label = status.to_string();
            label[..1].make_ascii_uppercase();
            let _ = writeln!(text, "{label:<14}{rows}");
        }
    }
    let _ = writeln!(
        text,
        "{:<14}{} of {} planned",
        "Credits", totals.credits_accepted, totals.credits_planned
    );
    text
}

/// What to do next, given what a ledger holds and why a run stopped, if one did.
pub(super) fn next_step(totals: &Totals, stop: Option<StopReason>, path: &Path) -> String {
    let counts = &totals.counts;
    let ledger = shell_quoted(path);
    let mut steps = Vec::new();
    match stop {
        Some(StopReason::Account(code)) => steps.push(format!(
            "The gateway stopped the account ({code}: {}). Mend that and run again: what was not sent is pending.",
            code.meaning()
        )),
        Some(StopReason::Refused(code)) => steps.push(format!(
            "Ten requests in a row were refused with {code} ({}). Mend that before you go on.",
            code.meaning()
        )),
        Some(StopReason::Unreachable) => steps.push(
            "The gateway could not be reached, or throttled, for too long. Run again later.".to_owned(),
        ),
        Some(StopReason::Unknown(requests)) => steps.push(format!(
            "{requests} requests in a row had no usable answer, so the run stopped. Find out why before you run again."
        )),
        Some(StopReason::Limit) => steps.push("The limit of this run is reached. Run again for the rest.".to_owned()),
        Some(StopReason::Signal(_)) if counts.of(Status::Pending) == 0 => {
            steps.push("Interrupted, but everything was under way already.".to_owned());
        }
        Some(StopReason::Signal(_)) => steps.push("Interrupted. Run again to go on.".to_owned()),
        Some(StopReason::Error) | None => {}
    }
    if stop.is_none() && counts.of(Status::Pending) > 0 {
        let practice = if prepare::is_practice(path) {
            " --sandbox"
        } else {
            ""
        };
        steps.push(format!(
            "Send what is pending: isms-campaign send {ledger}{practice}"
        ));
    }
    if counts.of(Status::Unknown) > 0 {
        steps.push(format!(
            "{} may or may not have been sent and will not be sent again: look them up in the iSMS portal \
             (isms-campaign results {ledger} --status unknown), then settle them with isms-campaign resolve {ledger}.",
            counted(counts.of(Status::Unknown), "message")
        ));
    }
    let wrong = counts.of(Status::Refused) + counts.of(Status::Invalid);
    if wrong > 0 {
        let which = match wrong {
            1 => "1 row was refused or is invalid. Correct it and plan it".to_owned(),
            _ => format!("{wrong} rows were refused or are invalid. Correct and plan them"),
        };
        steps.push(format!(
            "{which} again: isms-campaign results {ledger} --status refused,invalid"
        ));
    }
    if steps.is_empty() {
        steps.push("Nothing is left to do.".to_owned());
    }
    steps.join("\n") + "\n"
}

/// Refuses a place for the summary that could not be written at the end.
pub(super) fn refuse_unwritable(output: &OutputArgs) -> Result<()> {
    let Some((_, path)) = output.file_written() else {
        return Ok(());
    };
    let there = path.exists();
    fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|_| if there { Ok(()) } else { fs::remove_file(path) })
        .map_err(|fault| {
            Error::new(
                Kind::Other,
                format!("the summary cannot be written: {fault}"),
            )
            .hint("choose another place with --summary-json")
            .at(path.display())
        })
}

/// The summary as one JSON object.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) campaign: String,
    pub(super) ledger: PathBuf,
    pub(super) results: Option<PathBuf>,
    pub(super) totals: Totals,
    pub(super) report: Option<Report>,
    pub(super) requests: u64,
    /// Of all sendable rows before a send, of accepted rows after.
    pub(super) credits: u64,
    pub(super) elapsed: Duration,
    pub(super) stop: Option<StopReason>,
    /// Whether the run was allowed to leave messages pending.
    pub(super) limit: Option<u64>,
    /// Whether the place for it is known to be none of the other files.
    pub(super) has_place: bool,
}

impl Summary {
    /// Whether the run ended at its limit: it was done, and something is left.
    pub(super) fn limited(&self) -> bool {
        self.limit.is_some() && self.totals.counts.of(Status::Pending) > 0
    }

    /// Takes in what the ledger holds, if there is one: a run that could not begin does not make its rows go away.
    pub(super) fn look_at_ledger(&mut self) {
        if let Ok(totals) = Snapshot::open(&self.ledger).and_then(|reader| reader.totals()) {
            self.take(totals);
        }
    }

    /// Takes in what the ledger holds.
    pub(super) fn take(&mut self, totals: Totals) {
        self.credits = if totals.attempts == 0 {
            totals.credits_planned
        } else {
            totals.credits_accepted
        };
        self.totals = totals;
    }

    /// Writes it to the place that was asked for, if one was, with the end of the run.
    pub(super) fn write(
        &self,
        place: Option<&Path>,
        exit: Exit,
        error: Option<&Error>,
    ) -> Result<()> {
        let Some(place) = place else { return Ok(()) };
        // A command line that was refused is not carried out in part, if its summary might be what is wrong with it.
        if exit == Exit::USAGE && !self.has_place {
            return Ok(());
        }
        let text = format!("{:#}\n", self.object(exit, error));
        if place.as_os_str() == "-" {
            return print(&text);
        }
        fs::write(place, text).map_err(|fault| {
            Error::new(
                Kind::Other,
                format!("the summary cannot be written: {fault}"),
            )
            .at(place.display())
        })
    }

    fn object(&self, exit: Exit, error: Option<&Error>) -> Value {
        let count = |status| self.totals.counts.of(status);
        let stopped_by = match (self.stop, error) {
            (Some(StopReason::Account(_)), _) => Some("account"),
            (Some(StopReason::Refused(_)), _) => Some("refused"),
            (Some(StopReason::Unreachable), _) => Some("unreachable"),
            (Some(StopReason::Unknown(_)), _) => Some("unknown"),
            (Some(StopReason::Limit), _) => Some("limit"),
            (Some(StopReason::Signal(_)), _) => Some("signal"),
            (Some(StopReason::Error), _) | (None, Some(_)) => Some("error"),
            (None, None) => None,
        };
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
            "stopped_by": stopped_by,
            "error": error.map(remedy::sentence),
        });
        for status in Status::ALL {
            object[status.as_str()] = json!(count(status));
        }
        if let Some(report) = &self.report {
            object["plan"] = json!(report);
        }
        object
    }
}

/// Shows a text that a command was not asked for, or that must leave standard output to the JSON object.
pub(super) fn show(text: &str, on_standard_output: bool) -> Result<()> {
    if on_standard_output {
        print(text)
    } else {
        tell(text.trim_end());
        Ok(())
    }
}
