//! The countries that have phone numbers.

use std::fmt;

use rlibphonenumber::PHONE_NUMBER_UTIL;
use serde::{Deserialize, Serialize};

use super::characters::quoted;

/// A country that has phone numbers, by its two letters (ISO 3166-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(pub(super) rlibphonenumber::Region);

/// The calling code of [`Region::MY`].
pub const MALAYSIA_CODE: &str = "60";

impl Region {
    /// Malaysia.
    pub const MY: Self = Self(rlibphonenumber::Region::MY);

    /// The country of these two letters, in either case.
    pub fn parse(letters: &str) -> Result<Self, UnknownRegion> {
        rlibphonenumber::Region::from_code(letters)
            .ok()
            .map(Self)
            .filter(|region| region.calling_code().is_some())
            .ok_or_else(|| UnknownRegion(quoted(letters)))
    }

    /// What its numbers begin with in international format. The region of satellite phones has none.
    pub(super) fn calling_code(self) -> Option<u64> {
        let code = PHONE_NUMBER_UTIL.get_country_code_for_region(self.0)?;
        u64::try_from(code).ok()
    }
}

impl TryFrom<String> for Region {
    type Error = UnknownRegion;

    fn try_from(letters: String) -> Result<Self, UnknownRegion> {
        Self::parse(&letters)
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.to_string()
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_region_str().as_str())
    }
}

/// Letters that are not those of a country.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no country with phone numbers; write its two letters, as in MY")]
pub struct UnknownRegion(String);
