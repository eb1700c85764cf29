//! When a campaign may be sent: from one time on, until another, within windows of the week. The clock is handed in.
//!
//! A window is open while the clock on the wall shows its hours, whatever daylight saving does to the clock: hours that the clock
//! skips are not made up for, and hours that it shows twice count twice.

mod given;
#[cfg(test)]
mod tests;
mod when;
mod window;
mod zone;

use std::time::Duration;

use jiff::{Timestamp as Instant, ToSpan as _};

pub use given::{Given, GivenTime, Spread, Wanted};
pub use when::{NoSuchTime, When};
pub use window::Window;
pub use zone::Zone;

use super::timestamp::Timestamp;

/// How far ahead an opening or closing is looked for, in days: more than a week that has no such hour, twice.
const LOOK_AHEAD: u64 = 22;

/// The most openings that are looked at for the end of a campaign.
const MOST_OPENINGS: usize = 1_000;

/// When a campaign may be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// The time zone of the windows.
    pub zone: Zone,
    /// Nothing is sent before this.
    pub start_at: Option<Timestamp>,
    /// Nothing is sent from this on.
    pub not_after: Option<Timestamp>,
    /// It is sent only while one of these is open; none: at any time.
    pub windows: Vec<Window>,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Send.
    Send,
    /// Wait until then.
    Wait(Timestamp),
    /// Nothing may be sent any more.
    Over,
}

impl Schedule {
    /// Whether it allows to send at any time.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.start_at.is_none() && self.not_after.is_none() && self.windows.is_empty()
    }

    /// What to do at this time.
    #[must_use]
    pub fn turn(&self, now: &Timestamp) -> Turn {
        if self.is_always() {
            return Turn::Send;
        }
        if self.not_after.as_ref().is_some_and(|end| now >= end) {
            return Turn::Over;
        }
        match self.next_opening(now) {
            Some(opening) if opening <= *now => Turn::Send,
            Some(opening) if self.not_after.as_ref().is_none_or(|end| opening < *end) => {
                Turn::Wait(opening)
            }
            _ => Turn::Over,
        }
    }

    /// The first time, at or after this one, that is not before its start and in a window, whenever it ends.
    #[must_use]
    pub fn next_opening(&self, from: &Timestamp) -> Option<Timestamp> {
        let from = self.start_at.as_ref().map_or(from, |start| start.max(from));
        let opening = self.opening(from.instant())?;
        Some(self.zone.timestamp(opening))
    }

    /// When this much time in windows has passed, counted from its start if that is later.
    #[must_use]
    pub fn after_sending(&self, from: &Timestamp, span: Duration) -> Option<Timestamp> {
        let mut left = span;
        let mut opening = self.next_opening(from)?.instant();
        for _ in 0..MOST_OPENINGS {
            let closing = self.closing(opening);
            let open = closing.map(|closing| closing.duration_since(opening).unsigned_abs());
            match (closing, open) {
                (Some(closing), Some(open)) if open < left => {
                    left -= open;
                    opening = self.opening(closing)?;
                }
                _ => return Some(self.zone.timestamp(opening.checked_add(left).ok()?)),
            }
        }
        None
    }

    /// The same time, with the offset that it has in this time zone.
    #[must_use]
    pub fn local(&self, at: &Timestamp) -> Timestamp {
        self.zone.timestamp(at.instant())
    }

    /// A time as it is written on the command line: `2026-12-01 09:00`, or with an offset where that could mean two.
    #[must_use]
    pub fn written(&self, at: &Timestamp) -> String {
        let local = self.zone.local(at.instant()).datetime();
        let local = When::Local(local);
        match local.meant(&self.zone, at) {
            Ok(_) => local.to_string(),
            Err(_) => self.local(at).to_string(),
        }
    }

    fn is_open(&self, at: Instant) -> bool {
        let shows = |window: &Window| window.contains(self.zone.local(at).datetime());
        self.windows.is_empty() || self.windows.iter().any(shows)
    }

    fn opening(&self, from: Instant) -> Option<Instant> {
        if self.is_open(from) {
            return Some(from);
        }
        let mut changes = self.changes(from).into_iter();
        changes.find(|at| self.is_open(*at))
    }

    fn closing(&self, from: Instant) -> Option<Instant> {
        let mut changes = self.changes(from).into_iter();
        changes.find(|at| !self.is_open(*at))
    }

    /// Every time in the next weeks at which a window may open or close, in order.
    fn changes(&self, after: Instant) -> Vec<Instant> {
        let first = self.zone.local(after).date();
        let days = first.saturating_sub(1.day()).series(1.day());
        let days = days.take(usize::try_from(LOOK_AHEAD).unwrap_or_default());
        let times: Vec<_> = self.windows.iter().flat_map(Window::times).collect();
        let readings = days.flat_map(|day| times.iter().map(move |time| day.to_datetime(*time)));
        let mut changes: Vec<_> = readings.flat_map(|one| self.zone.readings(one)).collect();
        let last = after.saturating_add(Duration::from_secs(LOOK_AHEAD * 86_400));
        changes.extend(self.zone.clock_changes(after, last.unwrap_or(after)));
        changes.retain(|at| *at > after);
        changes.sort_unstable();
        changes
    }
}
