//! The times that were given for a campaign, as its ledger keeps them.

use serde::{Deserialize, Serialize};

use super::super::timestamp::Timestamp;
use super::when::{NoSuchTime, When};
use super::window::Window;
use super::zone::Zone;
use super::{Schedule, Turn};

/// The most days after its end that a schedule is moved by.
const MOST_DAYS: i32 = 400;

/// In seconds.
const A_DAY: u64 = 86_400;

/// When a run is asked to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The time zone of all times.
    pub zone: Zone,
    /// When to start.
    pub start_at: Option<When>,
    /// From when on nothing is sent.
    pub not_after: Option<When>,
    /// When to send.
    pub windows: Vec<Window>,
}

/// When a run was asked to send, and what that meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// When it was given.
    pub given_at: Timestamp,
    /// The time zone of all times.
    pub zone: Zone,
    /// When to start.
    pub start_at: Option<GivenTime>,
    /// From when on nothing is sent.
    pub not_after: Option<GivenTime>,
    /// When to send.
    pub windows: Vec<Window>,
    /// The rate, where it follows from how long the campaign is to take.
    pub spread: Option<Spread>,
}

/// A time as it was written, and the point in time that it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenTime {
    /// As it was written.
    pub words: String,
    /// What it means.
    pub at: Timestamp,
}

/// A rate: these messages in this time, of which only the hours in windows count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// How many were pending when the campaign was first sent.
    pub messages: u32,
    /// How long that is to take.
    pub seconds: u64,
}

impl Given {
    /// What is meant by the words of a run. The same words mean what they meant when they were first given for this campaign: after
    /// 18:00, the `18:00` of the same command is not the one of the next day.
    pub fn resolve(
        wanted: &Wanted,
        earlier: &[Self],
        now: &Timestamp,
    ) -> Result<Self, (When, NoSuchTime)> {
        let zone = &wanted.zone;
        let resolve = |when: &Option<When>, of: fn(&Self) -> &Option<GivenTime>| {
            let Some(when) = when else { return Ok(None) };
            let words = when.to_string();
            let in_zone = earlier.iter().filter(|given| given.zone == *zone);
            let mut known = in_zone.filter_map(|given| of(given).as_ref());
            if let Some(known) = known.find(|known| known.words == words) {
                return Ok(Some(known.clone()));
            }
            let at = when.meant(zone, now);
            let at = at.map_err(|error| (when.clone(), error))?;
            Ok(Some(GivenTime { words, at }))
        };
        Ok(Self {
            given_at: now.clone(),
            zone: zone.clone(),
            start_at: resolve(&wanted.start_at, |given| &given.start_at)?,
            not_after: resolve(&wanted.not_after, |given| &given.not_after)?,
            windows: wanted.windows.clone(),
            spread: None,
        })
    }

    /// Whether the same was given, whenever that was.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let given_at = other.given_at.clone();
        *other
            == Self {
                given_at,
                ..self.clone()
            }
    }

    /// When the campaign may be sent.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        let at = |given: &Option<GivenTime>| given.as_ref().map(|given| given.at.clone());
        Schedule {
            zone: self.zone.clone(),
            start_at: at(&self.start_at),
            not_after: at(&self.not_after),
            windows: self.windows.clone(),
        }
    }

    /// When what is pending is to be sent: as it was given, or after its end during the same hours of the next day on which there are
    /// any. Where no start was given, those begin at the time of day at which it was given, but at least an hour before its end; in
    /// windows, with the day. Where there are never any such hours, only its end is later: one that is left out would be the one that
    /// has passed, where the campaign's file has it.
    #[must_use]
    pub fn continued(&self, now: &Timestamp) -> Schedule {
        let given = self.schedule();
        let (start, end) = (&given.start_at, &given.not_after);
        let start = match (start, end) {
            (Some(start), _) => start.clone(),
            (None, Some(end)) => {
                let begun = self.zone.hour_before(end).min(self.given_at.clone());
                if self.windows.is_empty() {
                    begun
                } else {
                    begun.min(self.zone.start_of_day(end))
                }
            }
            (None, None) => self.given_at.clone(),
        };
        let ends_later = |days: i32| Schedule {
            not_after: end.as_ref().map(|end| self.zone.days_later(end, days)),
            ..given.clone()
        };
        let later = |days: i32| Schedule {
            start_at: Some(self.zone.days_later(&start, days)),
            ..ends_later(days)
        };
        let passed = end.as_ref().map_or(0, |end| end.age(now).as_secs() / A_DAY);
        let first = i32::try_from(passed).unwrap_or_default().max(1);
        let days = first..=first.saturating_add(MOST_DAYS);
        let mut candidates = std::iter::once(given.clone())
            .chain(days.clone().map(later))
            .chain(days.map(ends_later));
        let next = candidates.find(|one| one.turn(now) != Turn::Over);
        next.unwrap_or_else(|| Schedule {
            not_after: None,
            ..given.clone()
        })
    }
}
