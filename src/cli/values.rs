//! Parsers for the values of options.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::dispatch::Rate;
use crate::domain::options::Keyword;
use crate::domain::{Region, SenderId, Status, UnknownRegion};
use crate::source::{Delimiter, Encoding};

/// A rate, or none. (Clap would take an `Option` for an option that may be left out.)
#[derive(Clone, Copy, Debug)]
pub(super) struct RateArg(pub(super) Option<Rate>);

/// One of the words of an option, listed in the help.
pub(super) fn keyword<K: Keyword + Send + Sync>() -> impl TypedValueParser<Value = K> {
    PossibleValuesParser::new(K::VARIANTS.iter().map(|keyword| keyword.as_str()))
        .try_map(|word| K::from_str(&word).map_err(|_| "is none of them"))
}

pub(super) fn region(text: &str) -> Result<Region, UnknownRegion> {
    Region::parse(text)
}

pub(super) fn sender_id(text: &str) -> Result<SenderId, String> {
    SenderId::parse(text)
        .map_err(|error| format!("{error}: a sender ID has 3 to 11 letters and digits"))
}

pub(super) fn delimiter(text: &str) -> Result<Delimiter, String> {
    Delimiter::parse(text).map_err(str::to_owned)
}

pub(super) fn encoding(text: &str) -> Result<Encoding, String> {
    Encoding::parse(text).map_err(str::to_owned)
}

pub(super) fn status(text: &str) -> Result<Status, String> {
    Status::parse(text).ok_or_else(|| {
        let all: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
        format!("is none of {}", all.join(", "))
    })
}

/// One row, or all from one to another.
pub(super) fn range(text: &str) -> Result<RangeInclusive<u64>, String> {
    let row = |text: &str| text.trim().parse::<u64>().ok().filter(|row| *row > 0);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (row(first), row(last)) {
        (Some(first), Some(last)) if first <= last && i64::try_from(last).is_ok() => {
            Ok(first..=last)
        }
        _ => Err("is no row (3) and no range of rows (17-20)".to_owned()),
    }
}

/// A number with s, m, h or d.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "is no duration: write a number with s, m, h or d, such as 90s or 7d".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        _ => return Err(wrong()),
    };
    let count: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    count
        .checked_mul(unit)
        .filter(|seconds| *seconds <= LONGEST_SECONDS)
        .map(Duration::from_secs)
        .ok_or_else(|| "is longer than a hundred years".to_owned())
}

/// A hundred years: what fits every clock.
const LONGEST_SECONDS: u64 = 100 * 366 * 86_400;

/// A number of seconds, with decimals if need be.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse::<f64>()
        .ok()
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|span| !span.is_zero() && span.as_secs() <= LONGEST_SECONDS)
        .ok_or_else(|| "is no number of seconds above 0".to_owned())
}

/// The rate where none is typed.
pub(super) fn default_rate() -> Option<Rate> {
    rate(DEFAULT_RATE).ok().and_then(|rate| rate.0)
}

pub(super) const DEFAULT_RATE: &str = "30/s";

pub(super) fn rate(text: &str) -> Result<RateArg, String> {
    if text == "none" {
        return Ok(RateArg(None));
    }
    let wrong = || "is no rate: write 30/s, 600/m, 5000/h or none".to_owned();
    let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
    let period = match unit {
        "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        "h" => Duration::from_secs(3_600),
        _ => return Err(wrong()),
    };
    let count: NonZeroU32 = count.parse().map_err(|_| wrong())?;
    Rate::new(count, period)
        .map(|rate| RateArg(Some(rate)))
        .ok_or_else(|| "is faster than this program can count; use none".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7_200)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(604_800)));
        for wrong in [
            "",
            "7",
            "d",
            "1.5h",
            "-1s",
            "7 d",
            "7days",
            "99999999999d",
            "5\u{e4}",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_are_a_number_in_a_time() {
        for (text, per_recipient) in [
            ("60/s", 16_666_667),
            ("600/m", 100_000_000),
            ("3600/h", 1_000_000_000),
        ] {
            let RateArg(Some(rate)) = rate(text).unwrap() else {
                panic!("{text}")
            };
            assert_eq!(rate.per_recipient().as_nanos(), per_recipient, "{text}");
        }
        assert!(matches!(rate("none"), Ok(RateArg(None))));
        for wrong in [
            "",
            "30",
            "0/s",
            "30/d",
            "-1/s",
            "1.5/s",
            "/s",
            "4294967295/s",
        ] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn seconds_are_above_zero() {
        assert_eq!(seconds("0.3"), Ok(Duration::from_millis(300)));
        for wrong in ["0", "-1", "x", "inf", "NaN", "1e300"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
