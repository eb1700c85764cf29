//! What to do next, by the state of a campaign: only commands that work in that state.

use std::fmt::Write as _;

use super::files::{is_sandbox_ledger, list_of_reached, shell_line, shell_quoted};
use super::view::{counted, inflected};
use super::{clock, credentials, named};
use crate::dispatch::StopReason;
use crate::domain::options::LintLevel;
use crate::domain::schedule::Zone;
use crate::domain::{Schedule, Status, Timestamp};
use crate::gateway::Endpoint;
use crate::ledger::{Campaign, Location, Totals};

/// What to do next, by what a ledger holds. A run that was stopped says itself what to do about that.
pub(super) fn steps(
    campaign: &Campaign,
    totals: &Totals,
    stop: Option<StopReason>,
    place: &Location,
) -> String {
    if campaign.is_test {
        return steps_of_test(totals, place);
    }
    let counts = totals.decisive();
    let of = |status| counts.of(status);
    let pending = of(Status::Pending);
    let mut steps = Vec::new();
    match stop {
        Some(StopReason::Limit) => {
            steps.push("The limit of this run is reached. Run again for the rest.".to_owned());
        }
        None if pending > 0 => {
            let mut first = how_to_send(campaign, place);
            first[..1].make_ascii_uppercase();
            steps.push(first);
        }
        _ => {}
    }
    if stop.is_some() && pending > 0 && named::is_dated() {
        // On another day the same command is about another spreadsheet.
        steps.push(with_send_command("On another day", campaign, place));
    }
    steps.extend(settle_unknown(of(Status::Unknown), place));
    let not_sent = of(Status::Refused) + of(Status::Invalid);
    if not_sent > 0 {
        let correct = inflected(
            not_sent,
            "row was refused or is invalid. Correct it and plan it",
            "rows were refused or are invalid. Correct and plan them",
        );
        let ledger = named::in_command(place);
        steps.push(format!(
            "{correct} again: isms-campaign results {ledger} --status refused,invalid"
        ));
    }
    if steps.is_empty() && pending + totals.in_flight == 0 {
        steps.push("Nothing is left to do.".to_owned());
    }
    // Every line ends.
    steps.push(String::new());
    steps.join("\n")
}

/// The same for a test. Nothing of it is sent later.
fn steps_of_test(totals: &Totals, place: &Location) -> String {
    let of = |status| totals.counts.of(status);
    let mut steps: Vec<_> = settle_unknown(of(Status::Unknown), place)
        .into_iter()
        .collect();
    if of(Status::Refused) > 0 {
        steps.push("Its results say why messages were refused.".to_owned());
    }
    steps.push(match of(Status::Pending) {
        0 => "This was a test; nothing of it counts for the campaign.".to_owned(),
        _ => "This was a test: what is pending in it is not sent any more. Run the test again for another one.".to_owned(),
    });
    steps.push(String::new());
    steps.join("\n")
}

/// How what is pending is sent.
pub(super) fn how_to_send(campaign: &Campaign, place: &Location) -> String {
    let warnings = campaign.report.warnings.len() as u64;
    if campaign.options.lint == LintLevel::Deny && warnings > 0 {
        return "nothing is sent, because it was planned with --lint deny and there are warnings: correct the texts and plan \
                the spreadsheet again, or plan it again with --lint warn"
            .to_owned();
    }
    with_send_command("send what is pending", campaign, place)
}

/// These words with the command that sends what is pending in this ledger, and where it went before if it would go elsewhere now.
pub(super) fn with_send_command(words: &str, campaign: &Campaign, place: &Location) -> String {
    let command = send_command_for(&named::in_send_command(campaign, place), campaign, place);
    format!("{words}{}: {command}", elsewhere(campaign, place))
}

fn elsewhere(campaign: &Campaign, place: &Location) -> String {
    match &campaign.gateway_host {
        Some(host) if !is_sandbox_ledger(place) && !leads_to(host) => {
            format!(" (to {host}, with --gateway as before)")
        }
        _ => String::new(),
    }
}

/// The command that sends what is pending in this ledger, by this name, with the options without which it would be refused.
fn send_command_for(name: &str, campaign: &Campaign, place: &Location) -> String {
    let mut command = format!("isms-campaign send {name}");
    if is_sandbox_ledger(place) {
        command += " --sandbox";
    }
    let (invalid, rows) = (campaign.report.invalid_rows(), campaign.report.rows);
    if campaign.options.max_invalid.exceeded_by(invalid, rows) {
        let _ = write!(command, " --max-invalid {invalid}");
    }
    let now = clock::now();
    let schedule = continued(campaign, &now);
    let opening = schedule.next_opening(&now).unwrap_or_else(|| now.clone());
    if opening > campaign.expires_at {
        let lifetime = sufficient_lifetime(&campaign.planned_at, &opening);
        let _ = write!(command, " --expires {lifetime}");
    }
    command += &options(&schedule, &now);
    command
}

/// When what is pending in a campaign is to be sent, by what its last run was given.
fn continued(campaign: &Campaign, now: &Timestamp) -> Schedule {
    let last = campaign.schedules.last();
    last.map_or_else(Schedule::default, |given| given.continued(now))
}

/// The options that give this schedule, with days: a command that is kept for later must not send at another time.
fn options(schedule: &Schedule, now: &Timestamp) -> String {
    let mut words = Vec::new();
    if let Some(start) = schedule.start_at.as_ref().filter(|start| *start > now) {
        words.extend(["--start-at".to_owned(), schedule.written(start)]);
    }
    if let Some(end) = &schedule.not_after {
        words.extend(["--not-after".to_owned(), schedule.written(end)]);
    }
    for window in &schedule.windows {
        words.extend(["--window".to_owned(), window.to_string()]);
    }
    if !words.is_empty() && schedule.zone != Zone::default() {
        words.extend(["--time-zone".to_owned(), schedule.zone.name().to_owned()]);
    }
    let line = shell_line(words.iter().map(String::as_str)).unwrap_or_default();
    if line.is_empty() {
        line
    } else {
        format!(" {line}")
    }
}

/// When and how the rest is sent, for a run that has come to its last time.
pub(super) fn later(campaign: &Campaign, place: &Location) -> String {
    let now = clock::now();
    let schedule = continued(campaign, &now);
    let from = schedule.next_opening(&now).filter(|opening| *opening > now);
    let from = from.map_or_else(String::new, |at| format!(" from {} on", at.readable()));
    with_send_command(&format!("to send them{from}"), campaign, place)
}

/// Whether a plan is too old to be sent.
pub(super) fn is_expired(campaign: &Campaign) -> bool {
    clock::now() > campaign.expires_at
}

/// A lifetime in days with which a plan of that time has at least an hour left at another.
pub(super) fn sufficient_lifetime(planned_at: &Timestamp, at: &Timestamp) -> String {
    const HOUR: u64 = 3_600;
    let age = planned_at.age(at).as_secs();
    format!("{}d", (age + HOUR) / (24 * HOUR) + 1)
}

/// Whether messages go to this host where no `--gateway` is typed.
fn leads_to(host: &str) -> bool {
    let url = credentials::variable("ISMS_GATEWAY").ok().flatten();
    let endpoint = Endpoint::parse(url.as_deref().unwrap_or(Endpoint::DEFAULT));
    endpoint.is_ok_and(|endpoint| endpoint.host() == host)
}

/// How unknown rows are looked up and settled.
fn settle_unknown(unknown: u64, place: &Location) -> Option<String> {
    if unknown == 0 {
        return None;
    }
    let ledger = named::in_command(place);
    let resolve = resolve_all(place);
    Some(format!(
        "{} may or may not have been sent and will not be sent again. Look them up in the iSMS portal: \
         isms-campaign results {ledger} --status unknown\n\
         If they were sent: {resolve} accepted\n\
         If they were not: {resolve} not-sent\n\
         If only some were, name these with --rows in the place of --all.",
        counted(unknown, "message")
    ))
}

/// The command that settles all unknown rows, but for its last word.
fn resolve_all(place: &Location) -> String {
    let ledger = named::in_command(place);
    format!("isms-campaign resolve {ledger} --all --as")
}

/// How the campaign that takes this one's place leaves out everybody whom this one reached.
pub(super) fn list_reached(place: &Location) -> String {
    list(place, "accepted,unknown", "reached or may have reached")
}

/// How another campaign leaves out everybody whom this one reached or may yet reach.
pub(super) fn list_all(place: &Location) -> String {
    let statuses = "accepted,unknown,pending";
    list(place, statuses, "reached, may have reached or is to reach")
}

fn list(place: &Location, statuses: &str, whom: &str) -> String {
    let (ledger, list) = (
        named::in_command(place),
        shell_quoted(&list_of_reached(place)),
    );
    format!(
        "first list whom that one {whom}: isms-campaign results {ledger} --status {statuses} \
         --results {list}; then add --suppress {list}"
    )
}

/// What settles the rows that are open, so that something else can be planned.
pub(super) fn settle_first(campaign: &Campaign, totals: &Totals, place: &Location) -> String {
    let of = |status| totals.counts.of(status);
    let ledger = named::in_command(place);
    let pending = (of(Status::Pending) > 0).then(|| {
        // With its spreadsheet it would be refused: that has changed.
        let send = send_command_for(&shell_quoted(place), campaign, place);
        let elsewhere = elsewhere(campaign, place);
        format!("send what is pending{elsewhere}: {send}; or do not send it: isms-campaign cancel {ledger}")
    });
    let unknown = (of(Status::Unknown) > 0).then(|| {
        let resolve = resolve_all(place);
        format!("look up what is unknown in the iSMS portal; if it was sent: {resolve} accepted; if it was not: {resolve} not-sent")
    });
    let steps: Vec<_> = [pending, unknown].into_iter().flatten().collect();
    steps.join("; ")
}
