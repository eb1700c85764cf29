//! A phone number in international format.

use std::fmt;

use super::region::Region;

/// A number in international format, digits only (`60123456789`): 5 to 15 digits, no leading zero (ITU-T E.164).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Msisdn(u64);

impl Msisdn {
    /// The number with these digits, if they can be one.
    #[must_use]
    pub fn from_digits(digits: &str) -> Option<Self> {
        let is_plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        is_plain
            .then(|| digits.parse().ok().and_then(Self::from_u64))
            .flatten()
    }

    /// The number stored as this integer, if it can be one.
    #[must_use]
    pub fn from_u64(number: u64) -> Option<Self> {
        (10_000..=999_999_999_999_999)
            .contains(&number)
            .then_some(Self(number))
    }

    /// The number as an integer, for storing.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// Whether it begins with the calling code of this country.
    #[must_use]
    pub fn is_of(self, region: Region) -> bool {
        let Some(code) = region.calling_code() else {
            return false;
        };
        let mut leading = self.0;
        while leading > code {
            leading /= 10;
        }
        leading == code
    }

    /// Whether it may be a number of the country that this cell names: by its calling code (`+60`, `0060`, `Malaysia (+60)`) or by its
    /// two letters. True where the cell names none.
    #[must_use]
    pub fn may_be_of(self, country: &str) -> bool {
        let digits: String = country.chars().filter(char::is_ascii_digit).collect();
        match digits.trim_start_matches('0') {
            "" => Region::parse(country.trim()).map_or(true, |region| self.is_of(region)),
            code => code.len() > 4 || self.to_string().starts_with(code),
        }
    }

    /// The number with its middle hidden (`6012****789`), for logs. Of a short number less is shown, so that at least three
    /// digits are always hidden.
    #[must_use]
    pub fn masked(self) -> String {
        let digits = self.to_string();
        let shown = digits.len().saturating_sub(3);
        let tail = shown.min(3);
        let head = (shown - tail).min(4);
        let hidden = digits.len() - head - tail;
        format!(
            "{}{}{}",
            &digits[..head],
            "*".repeat(hidden),
            &digits[head + hidden..]
        )
    }
}

impl fmt::Display for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
