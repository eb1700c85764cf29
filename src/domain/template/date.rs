//! Dates as people and spreadsheets write them, and how a message writes them. A date that could be another day is refused.

#[cfg(test)]
mod tests;

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime;

use crate::domain::cell::trimmed;
use crate::domain::options::DateOrder;

/// How a date is written where the template does not say: day first, as in Malaysia.
pub(super) const FORMAT: &str = "%d/%m/%Y";

/// What is wrong with a call of `date` that has other arguments.
pub(super) const HOW: &str = "date takes one format in quotes, as in date(\"%d %b %Y\")";

/// The years that occur in a campaign: from birthdays to the end of a mortgage.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;

/// A date, and the time of day where the cell has one.
type Day = (Date, Option<Time>);

/// Checks a format of `strftime`; the error says why it cannot be used.
pub(super) fn check_format(format: &str) -> Result<(), String> {
    if !format.contains('%') {
        return Err(format!(
            "date(\"{format}\") has no % codes; write it as date(\"%d/%m/%Y\") or date(\"%d %b %Y\")"
        ));
    }
    strtime::format(format, DateTime::constant(2026, 11, 22, 14, 30, 0, 0))
        .map(drop)
        .map_err(|_| {
            format!(
                "date(\"{format}\") has a % code that a date cannot fill; \
                 there are %d %m %Y %y %b %B %a %A, and %H %I %M %p for the time"
            )
        })
}

/// The date in this text in a format of `strftime`, or why it is not a date.
///
/// It reads the year first (`2026-11-22`), the month as a word in English or Malay (`22 Nov 2026`, `22-Ogos-2026`,
/// `Nov 22, 2026`), day and month as numbers in this order (`22/11/2026`, `1.2.2026`), each with or without a time behind it;
/// and the number that a spreadsheet keeps for a date, `46348`. Without an order it refuses numbers that could be two days
/// (`11/5/2026`). It refuses a time zone, whose day may be another one here, and years of two digits, except in `22-Nov-26`,
/// which is how a spreadsheet writes 2026. Spreadsheets read 30 and more as 1930, so those are refused.
pub(super) fn formatted(
    text: &str,
    format: &str,
    order: Option<DateOrder>,
) -> Result<String, String> {
    if !format.contains('%') {
        check_format(format)?;
    }
    let (date, time) = read(trimmed(text), order).map_err(|error| format!("\"{text}\" {error}"))?;
    let written = match time {
        Some(time) => strtime::format(format, date.to_datetime(time)),
        None => strtime::format(format, date),
    };
    written.or_else(|_| {
        check_format(format)?;
        Err(format!(
            "\"{text}\" has no time of day, which date(\"{format}\") needs"
        ))
    })
}

/// Why a text is not a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum DateError {
    #[error("is not a date; {WRITE}")]
    NoDate,
    #[error("is not a day of the calendar; correct it")]
    NoSuchDay,
    #[error("has no month {}: dates are read with the {} first; write it as {date}", .date.day(), .order.first())]
    OtherOrder { date: Date, order: DateOrder },
    #[error(
        "could be {} or {}; write it as {one} or {other}, or give the date order",
        in_words(*.one),
        in_words(*.other)
    )]
    TwoDays { one: Date, other: Date },
    #[error("has a year of two digits; {WRITE}")]
    ShortYear,
    #[error("has a time zone, so its day is not certain; {WRITE}")]
    Zone,
}

/// How to write a date so that it is certain.
const WRITE: &str = "write it as 2026-11-22 or 22 Nov 2026";

/// A day as a person says it: `5 November 2026`.
fn in_words(date: Date) -> String {
    strtime::format("%-d %B %Y", date).unwrap_or_else(|_| date.to_string())
}

/// The day that a date in numbers is in this order, as a person says it.
pub(super) fn day_in(text: &str, order: DateOrder) -> Option<String> {
    let (date, _) = read(trimmed(text), Some(order)).ok()?;
    Some(in_words(date))
}

/// The orders of day and month in which a date in numbers could be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Orders {
    /// Only this one: the other would need a month over 12.
    Only(DateOrder),
    /// Both, and they are two different days.
    Both,
}

/// What this text shows about its order of day and month: nothing, where it is no date in numbers, or where both orders are the
/// same day or none.
pub(super) fn orders(text: &str) -> Option<Orders> {
    const MONTHS: std::ops::RangeInclusive<i16> = 1..=12;
    const LATE_DAYS: std::ops::RangeInclusive<i16> = 13..=31;
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (date, _) = split(text).ok()?;
    let [a, b, c] = parts(date)[..] else {
        return None;
    };
    let (first, second, year) = (number(a).ok()?, number(b).ok()?, number(c).ok()?);
    if a.len() > 2 || b.len() > 2 || !matches!(c.len(), 2 | 4) {
        return None;
    }
    if LATE_DAYS.contains(&first) && MONTHS.contains(&second) {
        Some(Orders::Only(DateOrder::Dmy))
    } else if MONTHS.contains(&first) && LATE_DAYS.contains(&second) {
        Some(Orders::Only(DateOrder::Mdy))
    } else {
        let days = [of_day(first, second, year), of_day(second, first, year)];
        (first != second && days.iter().all(Result::is_ok)).then_some(Orders::Both)
    }
}

fn read(text: &str, order: Option<DateOrder>) -> Result<Day, DateError> {
    if text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
        && text.bytes().filter(|byte| *byte == b'.').count() <= 1
    {
        return serial(text);
    }
    let (date, time) = split(text)?;
    let [a, b, c] = parts(date)[..] else {
        return Err(DateError::NoDate);
    };
    let date = match (month(a), month(b)) {
        (None, None) => of_numbers(a, b, c, order),
        (None, Some(month)) => of_day(number(a)?, month, year_with_word(c)?),
        (Some(month), _) => of_day(number(b)?, month, year_with_word(c)?),
    }?;
    Ok((date, time))
}

/// A date that a spreadsheet keeps as the number of days since the end of 1899, with the time as its fraction. Only the years
/// 1954 to 2119: a smaller or larger number is more likely an amount.
fn serial(text: &str) -> Result<Day, DateError> {
    const DAYS: std::ops::RangeInclusive<i32> = 19_725..=80_354;
    const SECONDS: f64 = 86_400.0;
    let (days, fraction) = text.split_once('.').unwrap_or((text, ""));
    let days = days
        .parse::<i32>()
        .ok()
        .filter(|days| DAYS.contains(days))
        .ok_or(DateError::NoDate)?;
    let fraction = format!("0.{fraction}0")
        .parse::<f64>()
        .map_err(|_| DateError::NoDate)?;
    // Spreadsheets keep times inexactly: half past two is 0.604166666664241.
    #[allow(clippy::cast_possible_truncation)]
    let seconds = (fraction * SECONDS).round() as i64;
    let date = Date::constant(1899, 12, 30)
        .at(0, 0, 0, 0)
        .checked_add(jiff::Span::new().days(days).seconds(seconds))
        .map_err(|_| DateError::NoDate)?;
    Ok((date.date(), (seconds > 0).then(|| date.time())))
}

/// The date, and the time behind it.
fn split(text: &str) -> Result<(&str, Option<Time>), DateError> {
    let Some(colon) = text.find(':') else {
        // A word may end in T, but no digit is followed by one.
        return Ok((text, None));
    };
    let hour = text[..colon].trim_end_matches(|c: char| c.is_ascii_digit());
    let date = hour
        .strip_suffix(['T', 't'])
        .unwrap_or(hour)
        .trim_end_matches([' ', ',', '\u{a0}', '\u{202f}']);
    if date.len() == text[..colon].len() {
        return Err(DateError::NoDate);
    }
    Ok((date, Some(time(&text[hour.len()..])?)))
}

/// `14:30`, `14:30:00.000`, `2:30 PM`, and what Malay Windows writes: `2:30 PTG`.
fn time(text: &str) -> Result<Time, DateError> {
    let clock = text.trim_end_matches(|c: char| c.is_alphabetic() || c == '.');
    let word = text[clock.len()..].replace('.', "").to_lowercase();
    let (half, formats) = match word.as_str() {
        "" => ("", ["%H:%M", "%H:%M:%S%.f"]),
        "am" | "pg" => (" AM", ["%I:%M %p", "%I:%M:%S %p"]),
        "pm" | "ptg" => (" PM", ["%I:%M %p", "%I:%M:%S %p"]),
        "z" | "utc" | "gmt" => return Err(DateError::Zone),
        _ => return Err(DateError::NoDate),
    };
    if clock.contains(['+', '-', '\u{2212}']) {
        return Err(DateError::Zone);
    }
    let clock = format!("{}{half}", clock.trim_end());
    let time = formats
        .into_iter()
        .find_map(|format| strtime::parse(format, &clock).ok());
    time.and_then(|time| time.to_time().ok())
        .ok_or(DateError::NoDate)
}

fn number(digits: &str) -> Result<i16, DateError> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DateError::NoDate);
    }
    digits.parse().map_err(|_| DateError::NoDate)
}

/// The numbers and words of a date. Numbers have the same separator everywhere; around the name of a month several are usual.
fn parts(date: &str) -> Vec<&str> {
    if date.contains(char::is_alphabetic) {
        let parts = date.split([' ', '-', '/', '.', ',', '\u{a0}']);
        return parts.filter(|part| !part.is_empty()).collect();
    }
    let separator = ['/', '-'].into_iter().find(|sign| date.contains(*sign));
    date.split(separator.unwrap_or('.')).collect()
}

/// The month of this name or short name, in English or Malay. No word is a different month in the other language.
fn month(word: &str) -> Option<i16> {
    Some(match word.to_lowercase().as_str() {
        "jan" | "january" | "januari" => 1,
        "feb" | "february" | "februari" => 2,
        "mar" | "march" | "mac" => 3,
        "apr" | "april" => 4,
        "may" | "mei" => 5,
        "jun" | "june" => 6,
        "jul" | "july" | "julai" => 7,
        "aug" | "august" | "ogo" | "ogos" => 8,
        "sep" | "sept" | "september" => 9,
        "oct" | "october" | "okt" | "oktober" => 10,
        "nov" | "november" => 11,
        "dec" | "december" | "dis" | "disember" => 12,
        _ => return None,
    })
}

fn of_numbers(a: &str, b: &str, c: &str, order: Option<DateOrder>) -> Result<Date, DateError> {
    let (first, second, last) = (number(a)?, number(b)?, number(c)?);
    match (a.len(), b.len(), c.len()) {
        (4, 1..=2, 1..=2) => of_day(last, second, first),
        (1..=2, 1..=2, 4) => in_order(first, second, last, order),
        (1..=2, 1..=2, 1..=2) => Err(DateError::ShortYear),
        _ => Err(DateError::NoDate),
    }
}

/// Without an order, only a date that can be one day alone.
fn in_order(
    first: i16,
    second: i16,
    year: i16,
    order: Option<DateOrder>,
) -> Result<Date, DateError> {
    let day_first = of_day(first, second, year);
    let month_first = of_day(second, first, year);
    let (asked, other) = match order {
        Some(DateOrder::Dmy) => (day_first, month_first),
        Some(DateOrder::Mdy) => (month_first, day_first),
        None => {
            return match (day_first, month_first) {
                (Ok(one), Ok(other)) if one != other => Err(DateError::TwoDays { one, other }),
                (Err(_), date) | (date, _) => date,
            };
        }
    };
    match (asked, other, order) {
        (Err(_), Ok(date), Some(order)) => Err(DateError::OtherOrder { date, order }),
        (date, ..) => date,
    }
}

fn year_with_word(year: &str) -> Result<i16, DateError> {
    let value = number(year)?;
    match year.len() {
        4 => Ok(value),
        2 if value < 30 => Ok(2000 + value),
        2 => Err(DateError::ShortYear),
        _ => Err(DateError::NoDate),
    }
}

fn of_day(day: i16, month: i16, year: i16) -> Result<Date, DateError> {
    if !YEARS.contains(&year) {
        return Err(DateError::NoDate);
    }
    let small = |number| i8::try_from(number).ok();
    let date = small(month)
        .zip(small(day))
        .and_then(|(month, day)| Date::new(year, month, day).ok());
    date.ok_or(DateError::NoSuchDay)
}
