//! The number of a handset in international format. It knows the rules of numbers, not of columns or rows.

use std::fmt;

/// A number in international format, digits only (`60123456789`): 5 to 15 digits, no leading zero (ITU-T E.164).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Msisdn(u64);

impl Msisdn {
    /// The number written as these digits, if they can be one.
    #[must_use]
    pub fn from_digits(digits: &str) -> Option<Self> {
        let fits = (5..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        fits.then(|| digits.parse().ok().map(Self)).flatten()
    }

    /// The number stored as this integer, if it can be one.
    #[must_use]
    pub fn from_u64(number: u64) -> Option<Self> {
        Self::from_digits(&number.to_string())
    }

    /// The number as an integer, for storing.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The number with its middle hidden (`6012****789`), for logs.
    #[must_use]
    pub fn masked(self) -> String {
        let digits = self.to_string();
        let hidden = digits.len().saturating_sub(7);
        format!(
            "{}{}{}",
            &digits[..digits.len().min(4)],
            "*".repeat(hidden),
            &digits[digits.len() - 3.min(digits.len() - digits.len().min(4))..]
        )
    }
}

impl fmt::Display for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
