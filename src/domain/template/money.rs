//! Amounts as people and spreadsheets write them, and how a message writes them: `1,234.50`. All arithmetic is on decimal
//! digits, never on binary fractions.

use crate::domain::cell::trimmed;

/// The most digits before the point. Spreadsheets keep fifteen: more are not what was typed.
const MAX_DIGITS: usize = 15;

/// The amount in this text with two decimals and commas between the thousands, or why it is not an amount.
///
/// It reads what is certain in Malaysia, where a point stands before the sen and a comma between thousands: `1234`,
/// `1234.5`, `1,234.50`, `.5`; before it `RM` or `MYR`, and a minus on either side of that; or all of it in brackets, which
/// is a bookkeeper's minus. More than two decimals come from formulas and are rounded, half a sen away from zero
/// (`0.995` is 1.00); but three of them behind up to three digits (`1.234`) may be thousands, and are refused. Everything else
/// that has only digits and signs could be read in two ways, and is refused.
pub(super) fn formatted(text: &str) -> Result<String, String> {
    read(text, false)
}

/// The same for a number of a spreadsheet or of a calculation, in which a point certainly stands before decimals. It counts with
/// the 15 digits that spreadsheets keep: 23.3 * 0.85 is 19.805 to them and becomes 19.81.
pub(super) fn formatted_number(number: f64) -> Result<String, String> {
    let kept = format!("{number:.*e}", MAX_DIGITS - 1)
        .parse()
        .unwrap_or(number);
    // Adding 0 turns -0 into 0.
    read(&format!("{}", kept + 0.0), true)
}

/// The sign that stands before the decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DecimalSign {
    Point,
    Comma,
}

/// What this text shows about the amounts of its column. Where [`formatted`] reads it and it has a comma or a point, that is a point
/// before the decimals; a comma, where it is an amount only with both signs exchanged. Nothing for all other texts, such as
/// `1.234`, which may be either.
pub(super) fn decimal_sign(text: &str) -> Option<DecimalSign> {
    let text = trimmed(text);
    if !text.contains(['.', ',']) {
        return None;
    }
    if parts(text, false).is_some() {
        return Some(DecimalSign::Point);
    }
    let (_, number) = unsigned(text)?;
    let exchanged: String = number
        .chars()
        .filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\'' | '’'))
        .map(|c| match c {
            '.' => ',',
            ',' => '.',
            other => other,
        })
        .collect();
    let has_comma_last = number.rfind(',') > number.rfind('.') && !number.ends_with(',');
    let has_groups = number.matches('.').count() > 1;
    let is_amount = parts(&exchanged, false).is_some();
    ((has_comma_last || has_groups) && is_amount).then_some(DecimalSign::Comma)
}

fn read(text: &str, is_number: bool) -> Result<String, String> {
    let (negative, whole, fraction) =
        parts(trimmed(text), is_number).ok_or_else(|| not_an_amount(text))?;
    if whole.len() > MAX_DIGITS {
        return Err(format!("\"{text}\" is too large for an amount"));
    }
    Ok(in_sen(negative, sen(&whole, fraction)))
}

/// Whether the amount is negative, and its digits before and behind the point.
fn parts(text: &str, is_number: bool) -> Option<(bool, String, &str)> {
    let (negative, number) = unsigned(text)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = without_commas(whole)?;
    // `1.234` is more than a thousand where a point stands between thousands. This cell alone does not say which it is.
    let by_thousands = !is_number
        && fraction.len() == 3
        && !number.contains(',')
        && (1..=3).contains(&whole.len())
        && !whole.starts_with('0');
    let padded = whole.len() > 1 && whole.starts_with('0');
    let missing = whole.is_empty() && fraction.is_empty();
    let digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
    (digits && !by_thousands && !padded && !missing).then_some((negative, whole, fraction))
}

/// The text without its sign and currency, and whether it is negative.
fn unsigned(text: &str) -> Option<(bool, &str)> {
    let (before, text) = without_minus(text);
    let text = without_currency(text);
    let (after, text) = without_minus(text);
    let (brackets, text) = match text.strip_prefix('(') {
        Some(inner) => (true, without_currency(inner.strip_suffix(')')?.trim())),
        None => (false, text),
    };
    let signs = [before, after, brackets]
        .iter()
        .filter(|sign| **sign)
        .count();
    (signs <= 1).then_some((signs == 1, text))
}

fn without_minus(text: &str) -> (bool, &str) {
    let rest = text.strip_prefix(['-', '\u{2212}']);
    (rest.is_some(), rest.unwrap_or(text).trim_start())
}

fn without_currency(text: &str) -> &str {
    ["RM", "MYR"]
        .iter()
        .find_map(|currency| {
            let (start, rest) = text.split_at_checked(currency.len())?;
            start
                .eq_ignore_ascii_case(currency)
                .then(|| rest.trim_start())
        })
        .unwrap_or(text)
}

/// The digits of what stands before the point, if its commas, where it has any, stand between thousands.
fn without_commas(whole: &str) -> Option<String> {
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let grouped = whole.contains(',');
    let fits = !grouped
        || ((1..=3).contains(&first.len())
            && !first.starts_with('0')
            && groups.all(|group| group.len() == 3));
    let digits = whole.replace(',', "");
    (fits && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

/// The amount in sen, half a sen rounded up: at most 17 digits, which fit.
fn sen(whole: &str, fraction: &str) -> u64 {
    let tenths = format!("{whole}{fraction:0<3.3}");
    tenths
        .parse::<u64>()
        .map_or(0, |tenths| tenths.saturating_add(5) / 10)
}

fn in_sen(negative: bool, sen: u64) -> String {
    let sign = if negative && sen > 0 { "-" } else { "" };
    let ringgit = (sen / 100).to_string();
    let mut grouped = String::new();
    for (place, digit) in ringgit.chars().enumerate() {
        if place > 0 && (ringgit.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}.{:02}", sen % 100)
}

fn not_an_amount(text: &str) -> String {
    let digits = text.chars().any(|c| c.is_ascii_digit());
    let signs = text.contains([',', '.', ' ', '\'']);
    let why = if digits && signs && !text.chars().any(char::is_alphabetic) {
        "can be read as more than one amount"
    } else if text.parse::<f64>().is_ok_and(f64::is_finite) && text.contains(['e', 'E']) {
        "has lost digits in the spreadsheet"
    } else {
        "is not an amount"
    };
    format!("\"{text}\" {why}; write it as 1234.50 or 1,234.50")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_that_are_certain() {
        for (text, amount) in [
            ("1234.5", "1,234.50"),
            ("1,234.50", "1,234.50"),
            ("RM1,234.5", "1,234.50"),
            ("RM 1,234.50", "1,234.50"),
            ("rm1234", "1,234.00"),
            ("MYR 12", "12.00"),
            ("1234", "1,234.00"),
            ("0", "0.00"),
            ("0.5", "0.50"),
            (".5", "0.50"),
            ("5.", "5.00"),
            ("100", "100.00"),
            ("999", "999.00"),
            ("1000", "1,000.00"),
            ("1,000", "1,000.00"),
            ("1234567.891", "1,234,567.89"),
            ("12,345,678", "12,345,678.00"),
            ("999999999999999.99", "999,999,999,999,999.99"),
            (" 1250.50 ", "1,250.50"),
            ("\u{a0}1250.50\u{200b}", "1,250.50"),
            // Negative, as typed and as spreadsheets format it.
            ("-1234.5", "-1,234.50"),
            ("- 5", "-5.00"),
            ("\u{2212}5", "-5.00"),
            ("-RM5", "-5.00"),
            ("RM-5", "-5.00"),
            ("RM -5", "-5.00"),
            ("(1,234.50)", "-1,234.50"),
            ("RM(5)", "-5.00"),
            ("(RM5.00)", "-5.00"),
            ("-0", "0.00"),
            ("-0.004", "0.00"),
            // What formulas leave behind.
            ("1250.5000000001", "1,250.50"),
            ("1590.5300000000002", "1,590.53"),
            ("0.30000000000000004", "0.30"),
            ("1249.9999999999998", "1,250.00"),
            ("1.0049", "1.00"),
            ("1.0050", "1.01"),
            ("2.6750", "2.68"),
            ("0.995", "1.00"),
            ("999.9950", "1,000.00"),
            ("-1.0050", "-1.01"),
            ("10.8650", "10.87"),
        ] {
            assert_eq!(formatted(text).as_deref(), Ok(amount), "{text}");
        }
    }

    #[test]
    fn a_number_has_a_point_before_its_decimals() {
        for (number, amount) in [
            (19.805, "19.81"),
            (42.415, "42.42"),
            (16.9915, "16.99"),
            (13.174_999_999_999_999, "13.18"),
            (23.3 * 0.85, "19.81"),
            (1.234, "1.23"),
            (12.0, "12.00"),
            (1_049.155, "1,049.16"),
            (-7.565, "-7.57"),
            (-0.0, "0.00"),
            (1e6, "1,000,000.00"),
            (0.005, "0.01"),
            (1e-7, "0.00"),
        ] {
            assert_eq!(formatted_number(number).as_deref(), Ok(amount), "{number}");
        }
        assert!(formatted_number(1e15).is_err());
        assert!(formatted_number(f64::NAN).is_err());
    }

    #[test]
    fn texts_that_are_not_amounts() {
        const AMBIGUOUS: &str =
            "can be read as more than one amount; write it as 1234.50 or 1,234.50";
        const NONE: &str = "is not an amount; write it as 1234.50 or 1,234.50";
        const LOST: &str = "has lost digits in the spreadsheet; write it as 1234.50 or 1,234.50";
        const LARGE: &str = "is too large for an amount";
        for (text, why) in [
            ("1.234,50", AMBIGUOUS),
            ("1.234", AMBIGUOUS),
            ("12.000", AMBIGUOUS),
            ("1,5", AMBIGUOUS),
            ("1,50", AMBIGUOUS),
            ("1,2345", AMBIGUOUS),
            ("1234,567", AMBIGUOUS),
            ("12,34,567", AMBIGUOUS),
            ("0,500", AMBIGUOUS),
            (",500", AMBIGUOUS),
            ("1,", AMBIGUOUS),
            ("1.234.567", AMBIGUOUS),
            ("1.2,345", AMBIGUOUS),
            ("1 234.50", AMBIGUOUS),
            ("1'234.50", AMBIGUOUS),
            ("abc", NONE),
            ("", NONE),
            (".", NONE),
            ("-", NONE),
            ("RM", NONE),
            ("RM-", NONE),
            ("()", NONE),
            ("(5", NONE),
            ("--5", NONE),
            ("-RM-5", NONE),
            ("-(5)", NONE),
            ("+5", NONE),
            ("50%", NONE),
            ("USD 5", NONE),
            ("$5", NONE),
            ("5 RM", NONE),
            ("5-", NONE),
            ("0123456789", NONE),
            ("1234.50abc", NONE),
            ("nan", NONE),
            ("inf", NONE),
            ("１２", NONE),
            ("1.2E+05", LOST),
            ("1e3", LOST),
            ("1000000000000000", LARGE),
            ("99999999999999999999999999", LARGE),
        ] {
            assert_eq!(formatted(text), Err(format!("\"{text}\" {why}")), "{text}");
        }
    }

    #[test]
    fn what_an_amount_shows_about_its_decimal_sign() {
        let point = Some(DecimalSign::Point);
        let comma = Some(DecimalSign::Comma);
        for (text, sign) in [
            ("1,234.50", point),
            ("RM 1,234.50", point),
            ("(1,234.50)", point),
            ("12.5", point),
            (".5", point),
            ("1,234", point),
            ("1250.5000000001", point),
            ("1.234,50", comma),
            ("RM1.234,50", comma),
            ("-1.234,50", comma),
            ("(1.234,50)", comma),
            ("1 234,50", comma),
            ("1\u{a0}234,50", comma),
            ("1'234,50", comma),
            ("1234,5", comma),
            ("12,5", comma),
            ("0,500", comma),
            ("1234,567", comma),
            ("1.234.567", comma),
            ("12.345.678,90", comma),
            // Only one of several readings, or none.
            ("1.234", None),
            ("12.000", None),
            ("12,", None),
            ("12,34,567", None),
            ("1.2,345", None),
            ("22.11.2026", None),
            ("1 234.50", None),
            ("1234", None),
            ("", None),
            ("Mr. Tan, Ipoh", None),
            ("1.5E+3", None),
        ] {
            assert_eq!(decimal_sign(text), sign, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = formatted(&text);
        }

        #[test]
        fn never_panics_on_what_looks_like_an_amount(text in "[-( RM]{0,4}[0-9,.]{0,24}[)]?") {
            let _ = formatted(&text);
        }

        #[test]
        fn an_amount_reads_as_itself_however_it_is_written(sen in 0_u64..100_000_000_000_000_000) {
            let text = in_sen(false, sen);
            prop_assert_eq!(formatted(&text), Ok(text.clone()));
            prop_assert_eq!(formatted(&text.replace(',', "")), Ok(text.clone()));
            prop_assert_eq!(formatted(&format!("RM{text}")), Ok(text.clone()));
            let negative = if sen == 0 { text.clone() } else { format!("-{text}") };
            prop_assert_eq!(formatted(&format!("({text})")), Ok(negative));
            prop_assert_eq!(decimal_sign(&text), Some(DecimalSign::Point));
            let exchanged = text.replace(',', " ").replace('.', ",").replace(' ', ".");
            prop_assert_eq!(decimal_sign(&exchanged), Some(DecimalSign::Comma), "{}", exchanged);
        }
    }
}
