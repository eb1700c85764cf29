//! Progress on standard error: bars on a terminal, a plain line every few seconds elsewhere.

use std::error::Error as _;
use std::io::{self, IsTerminal};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::clock;
use super::database::AWAITS_OTHERS;
use super::speed::{Speed, readable};
use super::terminal::{is_quiet, tell};
use super::values::ProgressArg;
use super::view::{counted, grouped};
use crate::domain::status::Counts;
use crate::domain::{Schedule, Status, Timestamp};
use crate::{Error, dispatch, planning};

/// Between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

const PLANNING: &str = "Planning {wide_bar} {binary_bytes}/{binary_total_bytes}, {msg}";
const SENDING: &str = "{wide_bar} {human_pos}/{human_len}, {msg}";

/// Between two lines about an outage, whichever workers notice it.
const OUTAGE_LINE_EVERY: Duration = Duration::from_secs(60);

/// The progress of a plan, in bytes, or of a send, in messages.
#[derive(Debug)]
pub(super) struct Progress {
    /// With `Auto` resolved.
    style: ProgressArg,
    /// Hidden in other styles, where it only measures.
    bar: ProgressBar,
    tells_outages: bool,
    /// When messages are sent.
    schedule: Schedule,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    last_line: Instant,
    settled: Counts,
    speed: Speed,
    /// Since when no request got through.
    outage_since: Option<Instant>,
    outage_told: Option<Instant>,
    /// When the database of the ledger was lost.
    database_lost: Option<Instant>,
    told_of_others: bool,
}

impl Progress {
    pub(super) fn of_planning(typed: ProgressArg) -> Self {
        Self::new(typed, None, PLANNING)
    }

    pub(super) fn of_sending(typed: ProgressArg, pending: u64, schedule: &Schedule) -> Self {
        let mut progress = Self::new(typed, Some(pending), SENDING);
        progress.schedule = schedule.clone();
        if progress.style == ProgressArg::Bar {
            progress.bar.enable_steady_tick(Duration::from_millis(250));
        }
        progress
    }

    fn new(typed: ProgressArg, length: Option<u64>, template: &str) -> Self {
        let style = match typed {
            _ if is_quiet() => ProgressArg::None,
            ProgressArg::Auto if io::stderr().is_terminal() => ProgressArg::Bar,
            ProgressArg::Auto => ProgressArg::Plain,
            typed => typed,
        };
        // Bars that were asked for are drawn even where standard error is no terminal.
        let target = match style {
            ProgressArg::Bar => ProgressDrawTarget::stderr(),
            _ => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(length, target);
        // If indicatif refuses the template, its own style shows the same numbers.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self {
            style,
            bar,
            tells_outages: typed != ProgressArg::None,
            schedule: Schedule::default(),
            state: Mutex::new(State {
                last_line: clock::instant(),
                settled: Counts::default(),
                speed: Speed::new(clock::instant()),
                outage_since: None,
                outage_told: None,
                database_lost: None,
                told_of_others: false,
            }),
        }
    }

    /// Removes the bar, as dropping it does.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Tells the user something, above the bar if there is one.
    pub(super) fn tell(&self, line: &str) {
        self.aside(|| tell(line));
    }

    /// Does something that tells the user something.
    pub(super) fn aside<T>(&self, work: impl FnOnce() -> T) -> T {
        match self.style {
            ProgressArg::Bar => self.bar.suspend(work),
            _ => work(),
        }
    }

    /// Tells what keeps messages from being sent, also where only errors are shown.
    fn tell_outage(&self, line: &str) {
        if self.tells_outages {
            self.tell(line);
        }
    }

    /// A request got through. If a line about an outage was written, so is its end.
    fn end_outage(&self) {
        let (since, told) = {
            let mut state = self.state();
            (state.outage_since.take(), state.outage_told)
        };
        if let (Some(since), Some(told)) = (since, told)
            && told >= since
        {
            let lasted = HumanDuration(since.elapsed());
            self.tell(&format!(
                "The gateway takes messages again, after {lasted}."
            ));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the bar, or now and then writes a plain line.
    fn show(&self, mut state: MutexGuard<'_, State>, position: u64, message: String, line: &str) {
        self.bar.set_position(position);
        self.bar.set_message(message);
        if self.style == ProgressArg::Plain && state.last_line.elapsed() >= LINE_EVERY {
            state.last_line = clock::instant();
            // Where writing blocks, it does not block the other workers.
            drop(state);
            tell(line);
        }
    }
}

/// `30/s, about 5 minutes left`, as far as it is known. The hours between windows count, too.
fn pace(per_second: Option<f64>, left: u64, schedule: &Schedule, now: &Timestamp) -> String {
    let Some(per_second) = per_second.filter(|speed| *speed > 0.0) else {
        return String::new();
    };
    #[allow(clippy::cast_precision_loss)]
    let seconds = left as f64 / per_second;
    let sending = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    let time = match schedule.windows[..] {
        [] => Some(sending),
        _ => schedule
            .after_sending(now, sending)
            .map(|end| now.age(&end)),
    };
    let Some(time) = time else {
        return readable(per_second);
    };
    format!(
        "{}, about {} left",
        readable(per_second),
        HumanDuration(time)
    )
}

impl planning::Progress for Progress {
    fn opened(&self, bytes: Option<u64>) {
        if let Some(bytes) = bytes {
            self.bar.set_length(bytes);
        }
    }

    fn planned(&self, bytes: u64, rows: u64) {
        let mut state = self.state();
        let speed = state.speed.note(clock::instant(), rows);
        let speed = speed.map_or_else(String::new, |speed| format!(", {}", readable(speed)));
        let message = counted(rows, "row") + &speed;
        let line = format!("planning: {message}");
        self.show(state, bytes, message, &line);
    }
}

impl dispatch::Progress for Progress {
    fn settled(&self, rows: &Counts) {
        let ended = [Status::Accepted, Status::Refused, Status::Unknown];
        if ended.iter().all(|status| rows.of(*status) == 0) {
            // A request that was not sent. `waiting` says why.
            return;
        }
        self.end_outage();
        let mut state = self.state();
        for status in ended {
            state.settled.add(status, rows.of(status));
        }
        let settled = state.settled;
        let speed = state.speed.note(clock::instant(), settled.rows());
        let all = self.bar.length().unwrap_or_default();
        let left = all.saturating_sub(settled.rows());
        let pace = pace(speed, left, &self.schedule, &clock::now());
        let counts = format!(
            "{} accepted, {} refused, {} unknown",
            grouped(settled.of(Status::Accepted)),
            grouped(settled.of(Status::Refused)),
            grouped(settled.of(Status::Unknown))
        );
        let parts: Vec<_> = [pace, counts]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        let message = parts.join(": ");
        let (done, all) = (grouped(settled.rows()), counted(all, "message"));
        let line = format!("sending: {done} of {all}, {message}");
        self.show(state, settled.rows(), message, &line);
    }

    fn awaits_others(&self) {
        if !mem::replace(&mut self.state().told_of_others, true) && !is_quiet() {
            self.tell(AWAITS_OTHERS);
        }
    }

    fn database_lost(&self, why: &Error, how_long: Duration) {
        let cause = match why.source() {
            Some(cause) => cause.to_string(),
            None => why.to_string(),
        };
        self.state().database_lost = Some(clock::instant());
        let line = format!("The database cannot be reached: {cause}");
        self.bar.set_message(line.clone());
        let span = HumanDuration(how_long);
        self.tell_outage(&format!("{line}; trying again for {span}"));
    }

    fn database_back(&self) {
        let lost = self.state().database_lost.take();
        if let Some(lost) = lost {
            let lasted = HumanDuration(lost.elapsed());
            self.tell_outage(&format!("The database answers again, after {lasted}."));
        }
    }

    fn closed_until(&self, opening: &Timestamp) {
        let until = format!("Waiting until {}.", opening.readable());
        self.bar.set_message(until.clone());
        // What was sent before the wait says nothing of the speed after it.
        self.state().speed = Speed::new(clock::instant());
        if !is_quiet() {
            self.tell(&until);
        }
    }

    fn waiting(&self, why: &str, how_long: Duration) {
        let mut state = self.state();
        let now = clock::instant();
        let since = *state.outage_since.get_or_insert(now);
        let lasts = HumanDuration(now.duration_since(since));
        self.bar
            .set_message(format!("not sending for {lasts}: {why}"));
        let told = state
            .outage_told
            .is_some_and(|told| told.elapsed() < OUTAGE_LINE_EVERY);
        if told || !self.tells_outages {
            return;
        }
        state.outage_told = Some(now);
        let line = if since == now {
            format!(
                "Not sent yet: {why}; trying again in {:.0} s",
                how_long.as_secs_f64().ceil()
            )
        } else {
            format!("Not sent for {lasts}: {why}; trying again")
        };
        drop(state);
        self.tell(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::schedule::{Window, Zone};

    #[test]
    fn the_time_left_includes_the_hours_between_windows() {
        let now = Timestamp::parse("2026-12-01T17:00:00.000+08:00");
        let now = now.unwrap_or_else(clock::now);
        let mut schedule = Schedule {
            zone: Zone::default(),
            ..Schedule::default()
        };
        let left = |schedule: &Schedule| pace(Some(1.0), 2 * 3_600, schedule, &now);
        assert_eq!(left(&schedule), "1/s, about 2 hours left");
        schedule.windows.extend(Window::parse("09:00-18:00"));
        // An hour today, and one tomorrow morning.
        assert_eq!(left(&schedule), "1/s, about 17 hours left");
        assert_eq!(pace(None, 9, &schedule, &now), "");
    }
}
