//! A part of the week in which messages are sent.

use std::fmt;

use jiff::civil::{DateTime, Time, Weekday};
use serde::{Deserialize, Serialize};

/// The names of the days, from Monday.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const MINUTES_OF_A_DAY: u16 = 24 * 60;

/// Why a text is no window.
const NO_WINDOW: &str =
    "is not a window: write 09:00-18:00, mon-fri 09:00-18:00 or sat,sun 22:00-02:00";

/// Some hours of some days of the week. Those after midnight belong to the day on which they begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    /// From Monday.
    days: [bool; 7],
    /// Minutes after midnight: below a day's.
    opens: u16,
    /// Minutes after midnight: a day's at most. Not after `opens`: on the next day.
    closes: u16,
}

impl Window {
    /// The window that this text describes: `[DAYS ]HH:MM-HH:MM`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (days, hours) = match text.trim().rsplit_once(' ') {
            Some((days, hours)) => (parse_days(days).ok_or(NO_WINDOW)?, hours),
            None => ([true; 7], text.trim()),
        };
        let (opens, closes) = hours.split_once('-').ok_or(NO_WINDOW)?;
        let opens = minutes(opens).filter(|opens| *opens < MINUTES_OF_A_DAY);
        let (opens, closes) = opens.zip(minutes(closes)).ok_or(NO_WINDOW)?;
        if opens == closes {
            return Err("opens and closes at the same time: the whole day is 00:00-24:00");
        }
        Ok(Self {
            days,
            opens,
            closes,
        })
    }

    /// Whether it is open while a clock shows this.
    pub(super) fn contains(&self, local: DateTime) -> bool {
        let (day, minute) = (local.date(), minute_of(local.time()));
        let opened_today = self.is_on(local.weekday()) && minute >= self.opens;
        if self.opens < self.closes {
            return opened_today && minute < self.closes;
        }
        let yesterday = day.yesterday().is_ok_and(|day| self.is_on(day.weekday()));
        opened_today || (yesterday && minute < self.closes)
    }

    /// The times of day at which it opens or closes.
    pub(super) fn times(&self) -> [Time; 2] {
        [self.opens, self.closes].map(|minutes| {
            let (hour, minute) = (minutes / 60 % 24, minutes % 60);
            let part = |number: u16| i8::try_from(number).unwrap_or_default();
            Time::new(part(hour), part(minute), 0, 0).unwrap_or(Time::MIN)
        })
    }

    fn is_on(&self, day: Weekday) -> bool {
        let position = usize::try_from(day.to_monday_zero_offset()).unwrap_or_default();
        self.days[position]
    }
}

fn minute_of(time: Time) -> u16 {
    u16::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).unwrap_or_default()
}

/// `HH:MM` in minutes after midnight, up to 24:00.
pub(super) fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hour) || !is_number(minute) || hour.len() > 2 || minute.len() != 2 {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let minutes = hour * 60 + minute;
    (minute < 60 && minutes <= MINUTES_OF_A_DAY).then_some(minutes)
}

/// `mon-fri`, `sat`, `mon,wed,fri`, also over the end of the week: `fri-mon`.
fn parse_days(text: &str) -> Option<[bool; 7]> {
    let mut days = [false; 7];
    let position = |name: &str| {
        let name = name.trim().to_ascii_lowercase();
        DAYS.iter().position(|day| *day == name)
    };
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut day, last) = (position(first)?, position(last)?);
        days[day] = true;
        while day != last {
            day = (day + 1) % 7;
            days[day] = true;
        }
    }
    Some(days)
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days != [true; 7] {
            write!(f, "{} ", days(self.days))?;
        }
        let [opens, closes] =
            [self.opens, self.closes].map(|time| format!("{:02}:{:02}", time / 60, time % 60));
        write!(f, "{opens}-{closes}")
    }
}

/// The days as [`parse_days`] reads them: a run of three or more is a range.
fn days(days: [bool; 7]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for day in (0..7).filter(|day| days[*day]) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == day => *last = day,
            _ => runs.push((day, day)),
        }
    }
    let run = |(first, last): (usize, usize)| match last - first {
        0 => DAYS[first].to_owned(),
        1 => format!("{},{}", DAYS[first], DAYS[last]),
        _ => format!("{}-{}", DAYS[first], DAYS[last]),
    };
    runs.into_iter().map(run).collect::<Vec<_>>().join(",")
}

impl TryFrom<String> for Window {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.to_string()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_some_days_and_hours() {
        for (text, shown) in [
            ("09:00-18:00", "09:00-18:00"),
            ("9:00-18:00", "09:00-18:00"),
            ("mon-fri 09:00-18:00", "mon-fri 09:00-18:00"),
            ("MON-Fri 09:00-18:00", "mon-fri 09:00-18:00"),
            ("mon,wed,fri 09:00-18:00", "mon,wed,fri 09:00-18:00"),
            ("mon-wed,sat 09:00-12:30", "mon-wed,sat 09:00-12:30"),
            ("sat-sun 10:00-16:00", "sat,sun 10:00-16:00"),
            ("fri-mon 22:00-02:00", "mon,fri-sun 22:00-02:00"),
            ("mon-sun 00:00-24:00", "00:00-24:00"),
            ("18:00-00:00", "18:00-00:00"),
        ] {
            let window = Window::parse(text).unwrap();
            assert_eq!(window.to_string(), shown, "{text}");
            assert_eq!(Window::parse(shown), Ok(window), "{text}");
        }
        for wrong in [
            "",
            "09:00",
            "09:00-",
            "9-18",
            "09:00-18:60",
            "24:00-06:00",
            "09:00-25:00",
            "09:00-09:00",
            "00:00-00:00",
            "weekdays 09:00-18:00",
            "mon- 09:00-18:00",
            "mon-fri",
            "+9:00-18:00",
            "09:00-18:00 mon",
        ] {
            assert!(Window::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hours_after_midnight_belong_to_the_day_on_which_they_begin() {
        let window = Window::parse("fri 22:00-02:00").unwrap();
        for (local, open) in [
            ("2026-12-04T21:59:59", false),
            ("2026-12-04T22:00:00", true),
            ("2026-12-05T00:00:00", true),
            ("2026-12-05T01:59:59", true),
            ("2026-12-05T02:00:00", false),
            ("2026-12-04T01:00:00", false),
            ("2026-12-05T22:00:00", false),
        ] {
            assert_eq!(window.contains(local.parse().unwrap()), open, "{local}");
        }
    }
}
