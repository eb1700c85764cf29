//! What a person is shown before and after a send, and the same facts as one JSON object. It counts nothing itself.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::args::OutputArgs;
use super::exit::Exit;
use super::{prepare, print, tell};
use crate::campaign::Status;
use crate::campaign::report::{Report, Sample};
use crate::dispatch::{Rate, Stop};
use crate::ledger::{Campaign, Totals};
use crate::{Error, Result};

/// The plan in one screen: counts first, money second, problems third, sample texts last.
pub(super) fn of_plan(report: &Report, campaign: &Campaign, rate: Option<Rate>) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: String| {
        let _ = writeln!(text, "{label:<14}{value}");
    };
    line(
        "Campaign",
        format!("{}, from {}", campaign.name, campaign.input),
    );
    line("Rows", with_blank(report));
    line(
        "To send",
        format!(
            "{} in {} ({})",
            counted(report.sendable, "message"),
            counted(report.batches, "request"),
            counted(report.texts, "distinct text")
        ),
    );
    line(
        "Not sent",
        format!(
            "{} invalid, {} duplicate, {} suppressed",
            report.invalid_rows(),
            report.duplicate,
            report.suppressed
        ),
    );
    line("Credits", format!("{}{}", report.credits, unicode(report)));
    line("Time", time_needed(report.sendable, rate));
    for fault in &report.invalid {
        let rows: Vec<_> = fault.first_rows.iter().map(u64::to_string).collect();
        let more = if fault.rows > rows.len() as u64 {
            ", ..."
        } else {
            ""
        };
        let which = if fault.rows == 1 { "row" } else { "rows" };
        line(
            "Invalid",
            format!(
                "{}: {} ({which} {}{more})",
                fault.rows,
                fault.what,
                rows.join(", ")
            ),
        );
    }
    if report.replaced > 0 {
        line(
            "Punctuation",
            format!(
                "{} made plain to save messages from Unicode (--punctuation keep leaves them)",
                counted(report.replaced, "character")
            ),
        );
    }
    for (label, samples) in samples(report) {
        text.push_str(&shown(&label, samples));
    }
    text
}

fn with_blank(report: &Report) -> String {
    match report.blank_rows {
        0 => report.rows.to_string(),
        blank => format!(
            "{}, and {} skipped",
            report.rows,
            counted(blank, "blank row")
        ),
    }
}

fn unicode(report: &Report) -> String {
    match report.unicode {
        0 => String::new(),
        rows => format!(
            ", {} in Unicode at 63 characters a credit",
            counted(rows, "message")
        ),
    }
}

fn time_needed(messages: u64, rate: Option<Rate>) -> String {
    let Some(rate) = rate else {
        return "as fast as the gateway answers (no rate)".to_owned();
    };
    #[allow(clippy::cast_precision_loss)]
    let seconds = rate.per_recipient().as_secs_f64() * messages as f64;
    let span = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    format!("about {} at {rate}", indicatif::HumanDuration(span))
}

/// The sample texts, each shown once under all that it is.
fn samples(report: &Report) -> Vec<(String, &Sample)> {
    let mut shown: Vec<(String, &Sample)> = Vec::new();
    for (label, sample) in [
        ("First", &report.first),
        ("Longest", &report.longest),
        ("Dearest", &report.dearest),
    ] {
        let Some(sample) = sample else { continue };
        match shown.iter_mut().find(|(_, same)| same.row == sample.row) {
            Some((labels, _)) => {
                *labels = format!("{labels}, {}", label.to_lowercase());
            }
            None => shown.push((label.to_owned(), sample)),
        }
    }
    shown
}

fn shown(label: &str, sample: &Sample) -> String {
    let encoding = if sample.r#type == 1 {
        "ASCII"
    } else {
        "Unicode"
    };
    let mut shown = format!(
        "{label}: row {}, {} characters, {encoding}, {}\n",
        sample.row,
        sample.units,
        counted(sample.credits.into(), "credit")
    );
    for line in sample.text.lines() {
        let _ = writeln!(shown, "  | {line}");
    }
    shown
}

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
pub(super) fn next_step(totals: &Totals, stop: Option<Stop>, path: &Path) -> String {
    let counts = &totals.counts;
    let ledger = path.display();
    let mut steps = Vec::new();
    match stop {
        Some(Stop::Account(code)) => steps.push(format!(
            "The gateway stopped the account ({code}: {}). Mend that and run again: what was not sent is pending.",
            crate::gateway::Code(code).meaning()
        )),
        Some(Stop::Refused(code)) => steps.push(format!(
            "Ten requests in a row were refused with {code} ({}). Mend that before you go on.",
            crate::gateway::Code(code).meaning()
        )),
        Some(Stop::Unreachable) => steps.push(
            "The gateway could not be reached, or throttled, for too long. Run again later.".to_owned(),
        ),
        Some(Stop::Unknown(requests)) => steps.push(format!(
            "{requests} requests in a row had no usable answer, so the run stopped. Find out why before you run again."
        )),
        Some(Stop::Limit) => steps.push("The limit of this run is reached. Run again for the rest.".to_owned()),
        Some(Stop::Signal(_)) if counts.of(Status::Pending) == 0 => {
            steps.push("Interrupted, but everything was under way already.".to_owned());
        }
        Some(Stop::Signal(_)) => steps.push("Interrupted. Run again to go on.".to_owned()),
        Some(Stop::Error) | None => {}
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
            Error::new(format!("the summary cannot be written: {fault}"))
                .advice("choose another place with --summary-json")
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
    pub(super) stop: Option<Stop>,
    /// Whether the run was allowed to leave messages pending.
    pub(super) limit: Option<u64>,
}

impl Summary {
    /// Whether the run ended at its limit: it was done, and something is left.
    pub(super) fn limited(&self) -> bool {
        self.limit.is_some() && self.totals.counts.of(Status::Pending) > 0
    }

    /// Writes it to the place that was asked for, if one was, with the end of the run.
    pub(super) fn write(
        &self,
        place: Option<&Path>,
        exit: Exit,
        error: Option<&Error>,
    ) -> Result<()> {
        let Some(place) = place else { return Ok(()) };
        let text = format!("{:#}\n", self.object(exit, error));
        if place.as_os_str() == "-" {
            return print(&text);
        }
        fs::write(place, text).map_err(|fault| {
            Error::new(format!("the summary cannot be written: {fault}")).at(place.display())
        })
    }

    fn object(&self, exit: Exit, error: Option<&Error>) -> Value {
        let count = |status| self.totals.counts.of(status);
        let stopped_by = match (self.stop, error) {
            (Some(Stop::Account(_)), _) => Some("account"),
            (Some(Stop::Refused(_)), _) => Some("refused"),
            (Some(Stop::Unreachable), _) => Some("unreachable"),
            (Some(Stop::Unknown(_)), _) => Some("unknown"),
            (Some(Stop::Limit), _) => Some("limit"),
            (Some(Stop::Signal(_)), _) => Some("signal"),
            (Some(Stop::Error), _) | (None, Some(_)) => Some("error"),
            (None, None) => None,
        };
        let mut object = json!({
            "campaign": self.campaign,
            "ledger": self.ledger,
            "results": self.results,
            "rows": self.totals.counts.rows(),
            "batches": self.totals.batches,
            "requests": self.requests,
            "credits": self.credits,
            "elapsed_seconds": self.elapsed.as_secs_f64(),
            "exit_code": exit.0,
            "stopped_by": stopped_by,
            "error": error.map(ToString::to_string),
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
