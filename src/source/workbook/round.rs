//! Rounds numbers as spreadsheets do: by the 15 digits that they keep, half away from zero.

/// The significant digits that a spreadsheet keeps.
pub(super) const DIGITS: usize = 15;

/// The number with this many decimals; a negative count rounds to tens and more.
pub(super) fn rounded(value: f64, decimals: i32) -> f64 {
    let written = format!("{:.1$e}", value.abs(), DIGITS - 1);
    let Some((digits, exponent)) = written.split_once('e') else {
        return value;
    };
    let (Ok(digits), Ok(exponent)) = (
        digits.replace('.', "").parse::<u64>(),
        exponent.parse::<i32>(),
    ) else {
        return value;
    };
    // Below 10^15, so all of this fits.
    let last = 14 - exponent;
    let Ok(dropped) = u32::try_from(last - decimals) else {
        return value;
    };
    let kept = match dropped {
        0 => digits,
        1..=15 => (digits + 5 * 10_u64.pow(dropped - 1)) / 10_u64.pow(dropped),
        _ => 0,
    };
    let rounded = format!("{kept}e{}", -decimals)
        .parse()
        .unwrap_or(value.abs());
    if value < 0.0 { -rounded } else { rounded }
}
