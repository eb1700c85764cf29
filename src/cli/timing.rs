//! When a run sends, and how fast: what was typed, and what earlier runs of the campaign were given.

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::{Value, json};

use super::args::SendOptionArgs;
use super::campaign_file::CampaignFile;
use super::clock;
use super::next;
use super::values::{DEFAULT_PER_SECOND, default_rate};
use super::view::{Screen, counted};
use crate::dispatch::Rate;
use crate::domain::schedule::{Given, NoSuchTime, Spread, Wanted, When, Zone};
use crate::domain::{Schedule, Timestamp};
use crate::ledger::{Campaign, Ledger, Location};
use crate::{Error, Kind, Result};

/// When a run sends, and how fast.
#[derive(Clone, Debug)]
pub(super) struct Timing {
    pub(super) schedule: Schedule,
    pub(super) rate: Option<Rate>,
    /// How many messages are to be sent.
    messages: u64,
}

impl Timing {
    /// At once, and as fast as where nothing is typed.
    pub(super) fn at_once(messages: u64) -> Self {
        Self {
            schedule: Schedule::default(),
            rate: default_rate(),
            messages,
        }
    }

    /// The same, at the rate that a campaign file says.
    pub(super) fn planned(messages: u64, file: Option<&CampaignFile>) -> Self {
        let spread = file.and_then(|file| file.spread).map(|span| Spread {
            messages: u32::try_from(messages).unwrap_or(u32::MAX),
            seconds: span.as_secs(),
        });
        let spread = spread.and_then(|spread| rate_of(spread).ok());
        let rate = match file.and_then(|file| file.rate) {
            Some(rate) => rate.0,
            None => spread.or_else(default_rate),
        };
        Self {
            rate,
            ..Self::at_once(messages)
        }
    }

    /// The timing of this run, which is kept in the ledger. `begun`: requests were made.
    pub(super) fn keep(
        typed: &SendOptionArgs,
        campaign: &mut Campaign,
        ledger: &mut Ledger,
        pending: u64,
        begun: bool,
    ) -> Result<Self> {
        let wanted = Wanted {
            zone: typed.time_zone.clone(),
            start_at: typed.start_at.clone(),
            not_after: typed.not_after.clone(),
            windows: typed.window.clone(),
        };
        let earlier = &campaign.schedules;
        let mut given = Given::resolve(&wanted, earlier, &clock::now())
            .map_err(|(when, error)| no_such_time(&when, &error, &wanted.zone))?;
        let last = earlier.last();
        given.spread = spread(typed, last.and_then(|last| last.spread), pending, begun)?;
        let schedule = given.schedule();
        let rate = match (typed.rate, given.spread) {
            (Some(typed), _) => typed.0,
            (None, Some(spread)) => Some(rate_of(spread)?),
            (None, None) => default_rate(),
        };
        let is_news = match last {
            Some(last) => !last.is_same(&given),
            None => !schedule.is_always() || given.spread.is_some(),
        };
        if is_news {
            ledger.add_schedule(&given)?;
            campaign.schedules.push(given);
        }
        Ok(Self {
            schedule,
            rate,
            messages: typed.limit.map_or(pending, |limit| limit.min(pending)),
        })
    }

    /// Refuses what could not be sent before its end, or not before the plan expires. `false`: its end has passed.
    pub(super) fn refuse_never(&self, campaign: &Campaign, place: &Location) -> Result<bool> {
        let now = clock::now();
        let schedule = &self.schedule;
        let opening = schedule.next_opening(&now);
        match (&opening, &schedule.not_after) {
            (_, Some(end)) if now >= *end => return Ok(false),
            (Some(opening), Some(end)) if opening >= end => {
                let problem = format!(
                    "nothing could be sent: it may be sent from {} on, and no longer from {} on (--not-after)",
                    opening.readable(),
                    schedule.local(end).readable()
                );
                return Err(Error::new(Kind::Other, problem)
                    .hint("give a later --not-after, or another --start-at or --window")
                    .at(place));
            }
            _ => {}
        }
        let awaited = opening.filter(|opening| *opening > now);
        awaited.map_or(Ok(true), |opening| {
            self.refuse_expired_by(&opening, campaign, place)
                .map(|()| true)
        })
    }

    /// Refuses to wait for a time at which the plan is too old to be sent.
    pub(super) fn refuse_expired_by(
        &self,
        opening: &Timestamp,
        campaign: &Campaign,
        place: &Location,
    ) -> Result<()> {
        if *opening <= campaign.expires_at {
            return Ok(());
        }
        let problem = format!(
            "the next time at which it may be sent is {}, and its plan expires on {}",
            opening.readable(),
            self.schedule.local(&campaign.expires_at).readable()
        );
        let words = "if it is still to be sent then";
        Err(Error::new(Kind::Ledger, problem)
            .hint(next::with_send_command(words, campaign, place))
            .at(place))
    }

    /// How many messages may go at once: those of a batch, or of a second. A slow rate must not begin with thirty people.
    pub(super) fn burst(&self, campaign: &Campaign) -> NonZeroU32 {
        let (report, most) = (&campaign.report, campaign.options.limits.messages);
        let are_single = report.batches == report.sendable;
        let batch = if are_single { NonZeroU32::MIN } else { most };
        let in_second = self.rate.map_or(0, Rate::in_second);
        batch.max(NonZeroU32::new(in_second).map_or(batch, |second| second.min(most)))
    }

    /// When it ends, as far as that is known.
    fn end(&self, now: &Timestamp) -> Option<Timestamp> {
        let span = self.rate?.per_recipient();
        let messages = u32::try_from(self.messages).unwrap_or(u32::MAX);
        self.schedule
            .after_sending(now, span.saturating_mul(messages))
    }

    /// Adds it to a screen, for the person who approves it.
    pub(super) fn show(&self, screen: &mut Screen, campaign: &Campaign) {
        let now = clock::now();
        screen.line("Time", time_needed(self.messages, self.rate));
        if self.schedule.is_always() && campaign.schedules.is_empty() {
            return;
        }
        show(screen, &self.schedule, &now);
        let Some(end) = self.end(&now) else { return };
        let after = self.schedule.not_after.as_ref().filter(|last| end > **last);
        let stays = match after {
            Some(_) => ", so that some messages stay pending after --not-after",
            None => "",
        };
        screen.line("End", format!("about {}{stays}", end.readable()));
        if end > campaign.expires_at && after.is_none() && !self.schedule.windows.is_empty() {
            let expires_at = self.schedule.local(&campaign.expires_at).readable();
            let lifetime = next::sufficient_lifetime(&campaign.planned_at, &end);
            let warning = format!(
                "the plan expires on {expires_at}, and no window that opens later is used without --expires {lifetime}"
            );
            screen.line("Warning", warning);
        }
    }

    /// What a question adds: `, from Tue 1 Dec 2026 09:00 on, until Tue 1 Dec 2026 18:00`.
    pub(super) fn in_question(&self) -> String {
        let now = clock::now();
        let opening = self.schedule.next_opening(&now).filter(|at| *at > now);
        let from = opening.map(|at| format!("from {} on", at.readable()));
        let until = self.schedule.not_after.as_ref();
        let until = until.map(|end| format!("until {}", self.schedule.local(end).readable()));
        let windows = (!self.schedule.windows.is_empty()).then(|| windows(&self.schedule));
        let parts = [from, until, windows].into_iter().flatten();
        parts.fold(String::new(), |text, part| text + ", " + &part)
    }

    /// For the summary.
    pub(super) fn to_json(&self) -> Value {
        let rate = self.rate.map(|rate| rate.to_string());
        let end = self.end(&clock::now()).map(|end| end.to_string());
        let mut object = of_schedule(&self.schedule);
        object["rate"] = json!(rate);
        object["end"] = json!(end);
        object
    }
}

/// The times and the rate that the last run was given, for the summary.
pub(super) fn of_last_run_in_json(campaign: &Campaign) -> Option<Value> {
    let given = campaign.schedules.last()?;
    let mut object = of_schedule(&given.schedule());
    let rate = given.spread.and_then(|spread| rate_of(spread).ok());
    object["rate"] = json!(rate.map(|rate| rate.to_string()));
    Some(object)
}

/// A schedule, for the summary.
fn of_schedule(schedule: &Schedule) -> Value {
    let written = |at: &Option<Timestamp>| at.as_ref().map(ToString::to_string);
    json!({
        "time_zone": schedule.zone.name(),
        "start_at": written(&schedule.start_at),
        "not_after": written(&schedule.not_after),
        "windows": schedule.windows,
    })
}

/// A time as people read it: where the campaign has times of its own, in their time zone.
pub(super) fn shown(at: &Timestamp, campaign: &Campaign) -> String {
    let last = campaign.schedules.last().map(Given::schedule);
    match last.filter(|last| !last.is_always()) {
        Some(last) => last.local(at).readable(),
        None => clock::local(at),
    }
}

/// The times and the rate that the last run was given, in lines.
pub(super) fn of_last_run(campaign: &Campaign) -> String {
    let mut screen = Screen::default();
    if let Some(given) = campaign.schedules.last() {
        show(&mut screen, &given.schedule(), &clock::now());
        if let Some(rate) = given.spread.and_then(|spread| rate_of(spread).ok()) {
            screen.line("Rate", format!("{rate} (--spread)"));
        }
    }
    screen.0
}

/// Adds a schedule to a screen.
fn show(screen: &mut Screen, schedule: &Schedule, now: &Timestamp) {
    if let Some(start) = &schedule.start_at {
        let passed = if start <= now {
            ", which has passed"
        } else {
            ""
        };
        let start = schedule.local(start).readable();
        screen.line("Start", format!("{start}{passed}"));
    }
    if !schedule.windows.is_empty() {
        screen.line("Windows", windows(schedule));
    }
    if let Some(end) = &schedule.not_after {
        let passed = if end <= now { ", which has passed" } else { "" };
        let end = schedule.local(end).readable();
        screen.line("Not after", format!("{end}{passed}"));
    }
    let opening = schedule.next_opening(now).filter(|at| at > now);
    let end = schedule.not_after.as_ref();
    if let Some(opening) = opening.filter(|at| end.is_none_or(|end| at < end)) {
        screen.line("Waits until", opening.readable());
    }
    if !schedule.is_always() {
        screen.line("Time zone", schedule.zone.name());
    }
}

fn windows(schedule: &Schedule) -> String {
    let windows: Vec<_> = schedule.windows.iter().map(ToString::to_string).collect();
    windows.join(" and ")
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

/// The rate that follows from `--spread`: what the campaign keeps, or what is pending over that time where it is new.
fn spread(
    typed: &SendOptionArgs,
    kept: Option<Spread>,
    pending: u64,
    begun: bool,
) -> Result<Option<Spread>> {
    let Some(span) = typed.spread else {
        return Ok(kept.filter(|_| typed.rate.is_none()));
    };
    let seconds = span.as_secs();
    if let Some(kept) = kept.filter(|kept| begun && kept.seconds == seconds) {
        return Ok(Some(kept));
    }
    if seconds == 0 {
        return Err(Error::usage("--spread needs a time").hint("write one such as 8h"));
    }
    let messages = u32::try_from(pending).unwrap_or(u32::MAX);
    let most = u64::from(DEFAULT_PER_SECOND.get());
    if u64::from(messages) > most.saturating_mul(seconds) {
        let problem = format!(
            "{} in the time of --spread are more than {most} in a second",
            counted(pending, "message")
        );
        let enough = u64::from(messages).div_ceil(most * 60);
        return Err(Error::new(Kind::Limits, problem)
            .hint(format!("give them more time, such as --spread {enough}m")));
    }
    Ok(Some(Spread { messages, seconds }))
}

fn rate_of(spread: Spread) -> Result<Rate> {
    let messages = NonZeroU32::new(spread.messages);
    let span = Duration::from_secs(spread.seconds);
    messages
        .and_then(|messages| Rate::new(messages, span))
        .ok_or_else(|| Error::new(Kind::Ledger, "the rate in the ledger is none"))
}

fn no_such_time(when: &When, error: &NoSuchTime, zone: &Zone) -> Error {
    let zone = zone.name();
    match error {
        NoSuchTime::Skipped => Error::usage(format!(
            "there is no {when} in {zone}: clocks are set forward over it"
        ))
        .hint("choose another time"),
        NoSuchTime::Twice(first, second) => Error::usage(format!(
            "{when} is twice in {zone}, where clocks are set back"
        ))
        .hint(format!("write {first} or {second}")),
    }
}
