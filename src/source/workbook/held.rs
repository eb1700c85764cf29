//! The value of a cell of a workbook as text, whatever its format: for comparisons, and for filters that read numbers, amounts
//! and dates. Numbers have all their digits. Dates and times are ISO: `2026-11-22`, `2026-11-22 14:30:00`, `14:30:00`, to the
//! second; durations `36:15:00`.

use std::fmt::Write;

use calamine::{CellErrorType, Data, DataRef, ExcelDateTime, ExcelDateTimeType};

const DAY: i64 = 24 * 60 * 60;
const DAY_SECONDS: f64 = 24.0 * 60.0 * 60.0;
/// The day after 9999-12-31 in the 1900 system, which is the last day that Excel can show.
const DAYS: f64 = 2_958_466.0;

/// Appends the value of this cell: nothing for an empty cell or a formula that was never calculated.
pub(super) fn write_held(text: &mut String, cell: &DataRef) {
    match cell {
        DataRef::Empty => {}
        DataRef::String(string) => text.push_str(string),
        DataRef::SharedString(string) => text.push_str(string),
        DataRef::Int(value) => add(text, format_args!("{value}")),
        DataRef::Float(value) => number(text, *value),
        DataRef::Bool(value) => text.push_str(boolean(*value)),
        DataRef::DateTime(value) => serial(text, value),
        DataRef::DateTimeIso(value) => date_time(text, value),
        DataRef::DurationIso(value) => duration(text, value),
        DataRef::Error(value) => text.push_str(error(value)),
    }
}

/// The number in a cell, of a date its number of days, and whether these count from 1904.
pub(super) fn number_of(cell: &DataRef) -> Option<(f64, bool)> {
    match cell {
        #[expect(clippy::cast_precision_loss, reason = "a workbook keeps 15 digits")]
        DataRef::Int(value) => Some((*value as f64, false)),
        DataRef::Float(value) => Some((*value, false)),
        DataRef::DateTime(value) => {
            let days = value.as_f64();
            let since_1904 = ExcelDateTime::new(days, ExcelDateTimeType::DateTime, true);
            let hours_since_1904 = ExcelDateTime::new(days, ExcelDateTimeType::TimeDelta, true);
            Some((days, *value == since_1904 || *value == hours_since_1904))
        }
        _ => None,
    }
}

/// The same cell as the other readers of calamine return it.
pub(super) fn borrowed(cell: &Data) -> DataRef<'_> {
    match cell {
        Data::Empty => DataRef::Empty,
        Data::String(string) => DataRef::SharedString(string),
        Data::Int(value) => DataRef::Int(*value),
        Data::Float(value) => DataRef::Float(*value),
        Data::Bool(value) => DataRef::Bool(*value),
        Data::DateTime(value) => DataRef::DateTime(*value),
        Data::DateTimeIso(value) => DataRef::DateTimeIso(value.clone()),
        Data::DurationIso(value) => DataRef::DurationIso(value.clone()),
        Data::Error(value) => DataRef::Error(value.clone()),
    }
}

fn add(text: &mut String, piece: std::fmt::Arguments) {
    // Writing to a String never fails.
    let _ = text.write_fmt(piece);
}

fn boolean(value: bool) -> &'static str {
    if value { "TRUE" } else { "FALSE" }
}

fn error(value: &CellErrorType) -> &'static str {
    match value {
        CellErrorType::Div0 => "#DIV/0!",
        CellErrorType::NA => "#N/A",
        CellErrorType::Name => "#NAME?",
        CellErrorType::Null => "#NULL!",
        CellErrorType::Num => "#NUM!",
        CellErrorType::Ref => "#REF!",
        CellErrorType::Value => "#VALUE!",
        CellErrorType::GettingData => "#GETTING_DATA",
    }
}

/// From here on a whole number has more digits than a workbook keeps.
const TOO_LARGE: f64 = 1e15;

/// Whether the last digits of this number are lost.
pub(super) fn has_lost_digits(cell: &DataRef) -> bool {
    matches!(cell, DataRef::Float(value) if value.abs() >= TOO_LARGE)
}

/// Digits without an exponent, to the 15 significant ones that Excel keeps: what it stores for 0.1+0.2 has 17. A number with
/// more digits is written as Excel shows it, `1.2345678901234E+18`: its last ones are lost.
fn number(text: &mut String, value: f64) {
    if !value.is_finite() {
        text.push_str(error(&CellErrorType::Num));
        return;
    }
    let kept: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    if kept.abs() >= TOO_LARGE {
        return text.push_str(&format!("{kept:E}").replace('E', "E+"));
    }
    // Adding 0 turns -0 into 0.
    add(text, format_args!("{}", kept + 0.0));
}

/// A number that its format makes a date, a time or a duration: days, and parts of a day.
fn serial(text: &mut String, value: &ExcelDateTime) {
    let days = value.as_f64();
    if !(-DAYS..DAYS).contains(&days) || (value.is_datetime() && days < 0.0) {
        // Excel shows #### for a number that is not a date.
        return number(text, days);
    }
    let seconds = (days * DAY_SECONDS).round();
    let whole_days = (seconds / DAY_SECONDS).floor();
    #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
    let seconds = seconds as i64;
    if value.is_duration() || seconds < DAY {
        return clock(text, seconds);
    }
    // From whole days, since rounding may just have reached midnight. calamine handles the 29th of February 1900, but does not
    // say whether a value counts from 1900 or 1904.
    let counted_from = |is_1904| ExcelDateTime::new(days, ExcelDateTimeType::DateTime, is_1904);
    let date = ExcelDateTime::new(
        whole_days,
        ExcelDateTimeType::DateTime,
        *value == counted_from(true),
    );
    let (year, month, day, ..) = date.to_ymd_hms_milli();
    add(text, format_args!("{year:04}-{month:02}-{day:02}"));
    if seconds % DAY != 0 {
        text.push(' ');
        clock(text, seconds % DAY);
    }
}

fn clock(text: &mut String, seconds: i64) {
    let sign = if seconds < 0 { "-" } else { "" };
    let all = seconds.unsigned_abs();
    let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
    add(
        text,
        format_args!("{sign}{hours:02}:{minutes:02}:{seconds:02}"),
    );
}

/// A date or a date with a time in ISO 8601, as ODS has them; anything else stays unchanged.
fn date_time(text: &mut String, value: &str) {
    let Some((date, time)) = value.split_once('T') else {
        return text.push_str(value);
    };
    let Some(seconds) = seconds_of(time) else {
        return text.push_str(value);
    };
    text.push_str(date);
    if seconds != 0 {
        text.push(' ');
        // Half a second must not round into the next day.
        clock(text, seconds.min(DAY - 1));
    }
}

/// `14:30`, `14:30:00` and `14:30:00.123` in seconds.
fn seconds_of(time: &str) -> Option<i64> {
    let mut parts = time.split(':');
    let hours: u32 = parts.next()?.parse().ok()?;
    let minutes: u32 = parts.next()?.parse().ok()?;
    let seconds = parts.next().map_or(Some(0), |part| whole(part, 1.0))?;
    let valid = hours < 24 && minutes < 60 && parts.next().is_none();
    valid.then(|| i64::from(hours) * 3600 + i64::from(minutes) * 60 + seconds)
}

/// A time of day or a duration as ODS has them (`PT14H30M00S`, `-PT36H`); anything else stays unchanged.
fn duration(text: &mut String, value: &str) {
    match seconds_in(value) {
        Some(seconds) => clock(text, seconds),
        None => text.push_str(value),
    }
}

fn seconds_in(value: &str) -> Option<i64> {
    let (sign, rest) = value
        .strip_prefix('-')
        .map_or((1, value), |rest| (-1, rest));
    let (days, mut rest) = rest.strip_prefix('P')?.split_once('T')?;
    let mut seconds = match days.strip_suffix('D') {
        Some(days) => whole(days, DAY_SECONDS)?,
        None if days.is_empty() => 0,
        None => return None,
    };
    for (unit, unit_seconds) in [('H', 3600.0), ('M', 60.0), ('S', 1.0)] {
        if let Some((count, after)) = rest.split_once(unit) {
            seconds += whole(count, unit_seconds)?;
            rest = after;
        }
    }
    rest.is_empty().then_some(sign * seconds)
}

/// This many units of `unit_seconds`, rounded to seconds; `None` if it is not a number of them.
fn whole(count: &str, unit_seconds: f64) -> Option<i64> {
    let is_plain = count.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let count: f64 = count.parse().ok().filter(|_| is_plain)?;
    #[expect(clippy::cast_possible_truncation, reason = "bounded")]
    (count < DAYS).then_some((count * unit_seconds).round() as i64)
}
