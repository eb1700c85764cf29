//! Parsers for the values of options.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::civil::Date;

use crate::dispatch::Rate;
use crate::domain::options::Keyword;

/// A rate that was typed, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RateArg(pub(super) Option<Rate>);

/// One of the words of an option, listed in the help.
pub(super) fn keyword<K: Keyword + Send + Sync>() -> impl TypedValueParser<Value = K> {
    PossibleValuesParser::new(K::VARIANTS.iter().map(|keyword| keyword.as_str()))
        .try_map(|word| K::from_str(&word).map_err(|_| "is none of them"))
}

/// One row, or all from one to another.
pub(super) fn range(text: &str) -> Result<RangeInclusive<u64>, &'static str> {
    let row = |text: &str| text.trim().parse::<u64>().ok().filter(|row| *row > 0);
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (row(first), row(last)) {
        (Some(first), Some(last)) if first <= last && i64::try_from(last).is_ok() => {
            Ok(first..=last)
        }
        _ => Err("is neither a row (3) nor a range of rows (17-20)"),
    }
}

/// A date as ISO 8601 has it.
pub(super) fn date(text: &str) -> Result<Date, &'static str> {
    Date::strptime("%Y-%m-%d", text)
        .ok()
        .filter(|date| date.to_string() == text)
        .ok_or("is not a date such as 2026-05-01")
}

/// The seconds of a unit of time.
fn unit(letter: &str) -> Option<u64> {
    match letter {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        _ => None,
    }
}

/// A number with s, m, h or d.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    let parts = text.split_at_checked(text.len().saturating_sub(1));
    let (count, unit) = parts
        .and_then(|(count, letter)| Some((count.parse::<u64>().ok()?, unit(letter)?)))
        .ok_or("is not a duration: write a number with s, m, h or d, such as 90s or 7d")?;
    count
        .checked_mul(unit)
        .filter(|seconds| *seconds <= LONGEST_SECONDS)
        .map(Duration::from_secs)
        .ok_or("is longer than a hundred years")
}

/// When the same campaign may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// At any time.
    Allow,
    /// Not within this time.
    Within(Duration),
}

pub(super) fn repeat(text: &str) -> Result<Repeat, &'static str> {
    match text {
        "allow" => Ok(Repeat::Allow),
        _ => duration(text)
            .map(Repeat::Within)
            .map_err(|_| "is neither allow nor a duration such as 20h or 6d"),
    }
}

/// A hundred years: what fits every clock.
const LONGEST_SECONDS: u64 = 100 * 366 * 86_400;

/// A number of seconds, with decimals if need be.
pub(super) fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().ok();
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|span| !span.is_zero() && span.as_secs() <= LONGEST_SECONDS)
        .ok_or("is not a number of seconds above 0")
}

/// The most recipients in a second, unless another rate is typed.
pub(super) const DEFAULT_PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);

/// The rate where none is typed.
pub(super) fn default_rate() -> Option<Rate> {
    Rate::new(DEFAULT_PER_SECOND, Duration::from_secs(1))
}

pub(super) fn rate(text: &str) -> Result<RateArg, &'static str> {
    if text == "none" {
        return Ok(RateArg(None));
    }
    let (count, unit) = text
        .split_once('/')
        .and_then(|(count, letter)| Some((count.parse::<NonZeroU32>().ok()?, unit(letter)?)))
        .ok_or("is not a rate: write 30/s, 600/m, 5000/h, 50000/d or none")?;
    Rate::new(count, Duration::from_secs(unit))
        .map(|rate| RateArg(Some(rate)))
        .ok_or("is faster than this program can count; use none")
}

/// What to do if something differs from what was sent before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum OnChange {
    #[default]
    Refuse,
    New,
}

/// What a person knows about rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ResolutionArg {
    /// They were sent
    Accepted,
    /// They were not sent; they are pending again
    NotSent,
}

/// What becomes of a batch with a bad number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OnBadNumber {
    Refuse,
    Split,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressArg {
    Auto,
    Bar,
    Plain,
    None,
}

/// Whether the balance of the account is compared with what a run needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum BalanceCheck {
    Off,
    Warn,
    /// Also where it cannot be read
    Require,
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
    fn a_repeat_is_allowed_or_a_time() {
        assert_eq!(repeat("allow"), Ok(Repeat::Allow));
        assert_eq!(repeat("2h"), Ok(Repeat::Within(Duration::from_secs(7_200))));
        for wrong in ["", "Allow", "6", "never", "-1d"] {
            assert!(repeat(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_are_a_number_in_a_time() {
        for (text, per_recipient) in [
            ("60/s", 16_666_667),
            ("600/m", 100_000_000),
            ("3600/h", 1_000_000_000),
            ("86400/d", 1_000_000_000),
        ] {
            let RateArg(Some(rate)) = rate(text).unwrap() else {
                panic!("{text}")
            };
            assert_eq!(rate.per_recipient().as_nanos(), per_recipient, "{text}");
        }
        assert_eq!(rate("none"), Ok(RateArg(None)));
        assert_eq!(rate("30/s"), Ok(RateArg(default_rate())));
        for wrong in ["", "30", "0/s", "-1/s", "1.5/s", "/s", "4294967295/s"] {
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
