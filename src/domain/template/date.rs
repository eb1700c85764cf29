//! Dates as people and spreadsheets write them, and how a message writes them. A date that could be another day is refused.

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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_that_are_certain() {
        for text in [
            "2026-11-22",
            "2026/11/22",
            "2026.11.22",
            "2026-11-22 00:00:00",
            "2026-11-22 14:30:00",
            "2026-11-22T14:30:00",
            "2026-11-22T14:30:00.000",
            "2026-11-22 14:30",
            "22/11/2026",
            "22-11-2026",
            "22.11.2026",
            " 22/11/2026 ",
            "22/11/2026 14:30",
            "22/11/2026 2:30:00 PM",
            "22/11/2026 2:30 p.m.",
            "22/11/2026 2:30:00 PTG",
            "22 Nov 2026",
            "22-Nov-2026",
            "22/Nov/2026",
            "22-NOV-26",
            "22-Nov-26",
            "22 November 2026",
            "Nov 22, 2026",
            "November 22 2026",
            "22 nov. 2026",
            "46348",
            "46348.0",
            "46348.5",
            "46348.604166666664",
        ] {
            assert_eq!(
                formatted(text, "%Y-%m-%d", Some(DateOrder::Dmy)).as_deref(),
                Ok("2026-11-22"),
                "{text}"
            );
        }
        for (text, date) in [
            ("1/2/2026", "2026-02-01"),
            ("01-02-2026", "2026-02-01"),
            ("29/2/2028", "2028-02-29"),
            ("2026-1-2", "2026-01-02"),
            ("31 Ogos 1957", "1957-08-31"),
            ("1 Mac 2026", "2026-03-01"),
            ("1 Mei 2026", "2026-05-01"),
            ("9 Julai 2026", "2026-07-09"),
            ("3-Okt-26", "2026-10-03"),
            ("25 Disember 2026", "2026-12-25"),
            ("1 Januari 2029", "2029-01-01"),
            ("5 Februari 2026", "2026-02-05"),
            ("16 Sept 2026", "2026-09-16"),
            ("1-Jan-29", "2029-01-01"),
            ("1-Jan-00", "2000-01-01"),
            ("19725", "1954-01-01"),
            ("80354", "2119-12-31"),
            ("46348.9999999", "2026-11-23"),
        ] {
            assert_eq!(
                formatted(text, "%Y-%m-%d", Some(DateOrder::Dmy)).as_deref(),
                Ok(date),
                "{text}"
            );
        }
    }

    #[test]
    fn every_format_that_people_use() {
        for (format, text) in [
            (FORMAT, "02/11/2026"),
            ("%d %b", "02 Nov"),
            ("%-d %B %Y", "2 November 2026"),
            ("%a, %d/%m/%y", "Mon, 02/11/26"),
            ("%A", "Monday"),
            ("%-I:%M %p", "2:30 PM"),
            ("%H:%M", "14:30"),
            ("100%% on %d", "100% on 02"),
        ] {
            assert_eq!(
                formatted("2/11/2026 14:30", format, Some(DateOrder::Dmy)).as_deref(),
                Ok(text),
                "{format}"
            );
        }
        assert_eq!(formatted("46328.5", "%H:%M", None).as_deref(), Ok("12:00"));
        assert_eq!(
            formatted("2/11/2026 12:05 AM", "%H:%M", Some(DateOrder::Mdy)).as_deref(),
            Ok("00:05")
        );
        assert_eq!(
            formatted("2/11/2026 12:05 PG", "%H:%M", Some(DateOrder::Mdy)).as_deref(),
            Ok("00:05")
        );
        assert_eq!(
            formatted("2/11/2026 12:05 PM", "%H:%M", Some(DateOrder::Mdy)).as_deref(),
            Ok("12:05")
        );
    }

    #[test]
    fn texts_that_are_not_dates() {
        const NONE: &str = "is not a date; write it as 2026-11-22 or 22 Nov 2026";
        const NO_DAY: &str = "is not a day of the calendar; correct it";
        const SHORT: &str = "has a year of two digits; write it as 2026-11-22 or 22 Nov 2026";
        const ZONE: &str =
            "has a time zone, so its day is not certain; write it as 2026-11-22 or 22 Nov 2026";
        for (text, why) in [
            (
                "11/22/2026",
                "has no month 22: dates are read with the day first; write it as 2026-11-22",
            ),
            (
                "1-31-2026 14:30",
                "has no month 31: dates are read with the day first; write it as 2026-01-31",
            ),
            ("22/11/26", SHORT),
            ("26-11-22", SHORT),
            ("22-Nov-30", SHORT),
            ("22 Nov 85", SHORT),
            ("31/02/2026", NO_DAY),
            ("29/2/2026", NO_DAY),
            ("2026-13-01", NO_DAY),
            ("2026-22-11", NO_DAY),
            ("45/45/2026", NO_DAY),
            ("0/1/2026", NO_DAY),
            ("31 Nov 2026", NO_DAY),
            ("2026-11-22T16:30:00Z", ZONE),
            ("2026-11-22T16:30:00.000Z", ZONE),
            ("2026-11-22 16:30:00+08:00", ZONE),
            ("2026-11-22T16:30:00-0500", ZONE),
            ("", NONE),
            ("abc", NONE),
            ("tomorrow", NONE),
            ("22", NONE),
            ("2026", NONE),
            ("20261122", NONE),
            ("22112026", NONE),
            ("1234.50", NONE),
            ("19724", NONE),
            ("80355", NONE),
            ("-46348", NONE),
            ("46348.5.5", NONE),
            ("22/11", NONE),
            ("22 Nov", NONE),
            ("Nov 2026", NONE),
            ("22/11-2026", NONE),
            ("22//11/2026", NONE),
            ("22/11/0206", NONE),
            ("22/11/20266", NONE),
            ("122/11/2026", NONE),
            ("22 Novem 2026", NONE),
            ("22 Nov 026", NONE),
            ("Sunday, 22 Nov 2026", NONE),
            ("14:30", NONE),
            ("22/11/2026 25:30", NONE),
            ("22/11/2026 14:30 PM", NONE),
            ("22/11/2026 0:30 AM", NONE),
            ("22/11/2026 14:3x", NONE),
            ("22/11/2026 14", NONE),
            ("22/11/2026 :30", NONE),
            ("2026-11-22T", NONE),
            ("٢٢/١١/٢٠٢٦", NONE),
        ] {
            assert_eq!(
                formatted(text, FORMAT, Some(DateOrder::Dmy)),
                Err(format!("\"{text}\" {why}")),
                "{text}"
            );
        }
        assert_eq!(
            formatted("22/11/2026", "%d %b %H:%M", None),
            Err("\"22/11/2026\" has no time of day, which date(\"%d %b %H:%M\") needs".to_owned())
        );
        assert!(formatted("46348", "%H:%M", None).is_err());
    }

    #[test]
    fn one_order_reads_the_same_numbers_as_one_day() {
        use DateOrder::{Dmy, Mdy};
        const NO_MONTH: &str = "has no month 22: dates are read with the";
        for (text, day_first, month_first, open) in [
            (
                "11/05/2026",
                Ok("2026-05-11"),
                Ok("2026-11-05"),
                "could be 11 May 2026 or 5 November 2026; write it as 2026-05-11 or 2026-11-05, or give the date order",
            ),
            (
                "1-2-2027 14:30",
                Ok("2027-02-01"),
                Ok("2027-01-02"),
                "could be 1 February 2027 or 2 January 2027; write it as 2027-02-01 or 2027-01-02, or give the date order",
            ),
            (
                "22/11/2026",
                Ok("2026-11-22"),
                Err("month first; write it as 2026-11-22"),
                "2026-11-22",
            ),
            (
                "11.22.2026",
                Err("day first; write it as 2026-11-22"),
                Ok("2026-11-22"),
                "2026-11-22",
            ),
            (
                "05/05/2026",
                Ok("2026-05-05"),
                Ok("2026-05-05"),
                "2026-05-05",
            ),
            (
                "2026-05-11",
                Ok("2026-05-11"),
                Ok("2026-05-11"),
                "2026-05-11",
            ),
            (
                "11 May 2026",
                Ok("2026-05-11"),
                Ok("2026-05-11"),
                "2026-05-11",
            ),
        ] {
            for (order, day) in [(Dmy, day_first), (Mdy, month_first)] {
                let expected = day
                    .map(str::to_owned)
                    .map_err(|why| format!("\"{text}\" {NO_MONTH} {why}"));
                assert_eq!(formatted(text, "%Y-%m-%d", Some(order)), expected, "{text}");
            }
            let expected = match open {
                day if day.starts_with('2') => Ok(day.to_owned()),
                why => Err(format!("\"{text}\" {why}")),
            };
            assert_eq!(formatted(text, "%Y-%m-%d", None), expected, "{text}");
        }
    }

    #[test]
    fn what_a_date_shows_about_its_order() {
        let day_first = Some(Orders::Only(DateOrder::Dmy));
        let month_first = Some(Orders::Only(DateOrder::Mdy));
        for (text, shown) in [
            ("22/11/2026", day_first),
            ("22.11.2026", day_first),
            ("22-1-2026 14:30", day_first),
            ("31/02/2026", day_first),
            ("22/11/26", day_first),
            ("11/22/2026", month_first),
            ("1-31-2026 2:30 PM", month_first),
            ("02.30.2026", month_first),
            ("11/22/26", month_first),
            ("11/05/2026", Some(Orders::Both)),
            ("1.2.2026 00:00:00", Some(Orders::Both)),
            ("05/05/2026", None),
            ("11/05/26", None),
            ("45/45/2026", None),
            ("0/13/2026", None),
            ("11/32/2026", None),
            ("2026-11-05", None),
            ("2026-11-22", None),
            ("5 Nov 2026", None),
            ("46348", None),
            ("11/05/0026", None),
            ("11/05", None),
            ("TBA", None),
            ("", None),
        ] {
            assert_eq!(orders(text), shown, "{text}");
        }
    }

    #[test]
    fn formats_that_cannot_be_used() {
        assert_eq!(
            check_format("dd/mm/yyyy").unwrap_err(),
            "date(\"dd/mm/yyyy\") has no % codes; write it as date(\"%d/%m/%Y\") or date(\"%d %b %Y\")"
        );
        for format in ["%E", "%d %", "%Q", "%z", "%Z", "%s", "%!"] {
            assert_eq!(
                check_format(format).unwrap_err(),
                format!(
                    "date(\"{format}\") has a % code that a date cannot fill; there are %d %m %Y %y %b %B %a %A, \
                     and %H %I %M %p for the time"
                )
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn never_panics(text in any::<String>(), format in any::<String>()) {
            let _ = formatted(&text, FORMAT, None);
            let _ = formatted("46348.5", &format, None);
        }

        #[test]
        fn never_panics_on_what_looks_like_a_date(text in "[0-9]{0,5}[-/. :TNov]{0,3}[0-9]{0,5}[-/. :]{0,2}[0-9]{0,5}[ 0-9:.PMZ]{0,9}") {
            let _ = formatted(&text, FORMAT, None);
        }

        #[test]
        fn a_date_in_numbers_is_never_guessed(day in 1_i16..=31, month in 1_i16..=12, year in 1900_i16..=2199, sign in "[-/.]", time in "( 14:30)?") {
            let date = of_day(day, month, year);
            prop_assume!(date.is_ok());
            let iso = date.unwrap().to_string();
            for (order, text) in [
                (DateOrder::Dmy, format!("{day}{sign}{month:02}{sign}{year}{time}")),
                (DateOrder::Mdy, format!("{month:02}{sign}{day}{sign}{year}{time}")),
            ] {
                let read = formatted(&text, "%Y-%m-%d", None);
                prop_assert_eq!(formatted(&text, "%Y-%m-%d", Some(order)), Ok(iso.clone()), "{}", text);
                match orders(&text) {
                    Some(Orders::Only(shown)) => {
                        prop_assert_eq!(shown, order);
                        prop_assert_eq!(read, Ok(iso.clone()));
                    }
                    Some(Orders::Both) => prop_assert!(day <= 12 && day != month && read.is_err()),
                    None => {
                        prop_assert_eq!(day, month);
                        prop_assert_eq!(read, Ok(iso.clone()));
                    }
                }
            }
        }

        #[test]
        fn a_day_reads_as_itself_however_it_is_written(days in 0_i32..60_629) {
            let date = Date::constant(1954, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
            let iso = date.to_string();
            for format in ["%Y-%m-%d", "%d/%m/%Y", "%-d.%-m.%Y", "%d %b %Y", "%B %-d, %Y", "%d-%b-%Y %I:%M %p", "%F 23:59:59"] {
                let text = strtime::format(format, date.at(14, 30, 0, 0)).unwrap();
                prop_assert_eq!(formatted(&text, "%Y-%m-%d", Some(DateOrder::Dmy)), Ok(iso.clone()), "{}", text);
            }
            prop_assert_eq!(formatted(&(19_725 + days).to_string(), "%Y-%m-%d", None), Ok(iso));
        }
    }
}
