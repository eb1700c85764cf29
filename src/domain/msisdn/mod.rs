//! The number of a handset in international format, and how a cell of a spreadsheet is read as one. It
//! knows the rules of numbers, not of columns or rows. Nothing is guessed: a cell that can be read in two
//! ways, or only with a digit made up, is a fault.

mod error;
mod familiar;
pub(crate) mod notation;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;

use std::fmt;

use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberType, ValidationError,
};

pub use error::{NumberError, NumberErrorKind};

use familiar::Familiar;

/// A number in international format, digits only (`60123456789`): 5 to 15 digits, no leading zero (ITU-T E.164).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Msisdn(u64);

impl Msisdn {
    /// The number written as these digits, if they can be one.
    #[must_use]
    pub fn from_digits(digits: &str) -> Option<Self> {
        let written_plainly =
            digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        written_plainly
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
        let Some(code) = PHONE_NUMBER_UTIL.get_country_code_for_region(region.0) else {
            return false;
        };
        let code = u64::try_from(code).unwrap_or(u64::MAX);
        let mut leading = self.0;
        while leading > code {
            leading /= 10;
        }
        leading == code
    }

    /// The number with its middle hidden (`6012****789`), for logs. Of a short number less is shown, so
    /// that at least three digits are always hidden.
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

/// The calling code of [`Region::MY`].
pub const MALAYSIA_CODE: &str = "60";

/// A country that has phone numbers, by its two letters (ISO 3166-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region(rlibphonenumber::Region);

impl Region {
    /// Malaysia.
    pub const MY: Self = Self(rlibphonenumber::Region::MY);

    /// The country of these two letters, in either case.
    pub fn parse(letters: &str) -> Result<Self, UnknownRegion> {
        rlibphonenumber::Region::from_code(letters)
            .ok()
            .filter(|region| {
                PHONE_NUMBER_UTIL
                    .get_country_code_for_region(*region)
                    .is_some()
            })
            .map(Self)
            .ok_or_else(|| UnknownRegion(notation::quoted(letters)))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_region_str().as_str())
    }
}

/// Two letters that are no country's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no country with phone numbers; write its two letters, as in MY")]
pub struct UnknownRegion(String);

/// The number that a cell holds, where it has no country code one of `region`.
///
/// Legal is what libphonenumber holds for a valid number of a kind that can get an SMS: a mobile, one that
/// may be either (as all numbers of North America), or voice over IP, which Malaysia's 015 numbers are to it.
/// Where it would take the digits of something else, or other digits than the cell's, the cell is a fault.
pub fn read(cell: &str, region: Region) -> Result<Msisdn, NumberError> {
    if region == Region::MY
        && let Some(familiar) = Familiar::spelled(cell)
        && let Some(number) = familiar.number(|number| reads_as_itself(number, region))
    {
        return Ok(number);
    }
    read_in_full(cell, region)
}

/// Whether libphonenumber has this number for a handset's.
fn reads_as_itself(number: Msisdn, region: Region) -> bool {
    read_in_full(&format!("+{number}"), region).is_ok_and(|read| read == number)
}

fn read_in_full(cell: &str, region: Region) -> Result<Msisdn, NumberError> {
    notation::dialled(cell)
        .and_then(|dialled| {
            resolve(&dialled, region).map_err(|flaw| match flaw {
                NumberErrorKind::TooLong if holds_several(dialled.digits(), region) => {
                    NumberErrorKind::Several
                }
                flaw => flaw,
            })
        })
        .map_err(|flaw| NumberError::new(cell, flaw))
}

/// The digits of a cell as they would be dialled.
pub(super) struct Dialled {
    /// Always with a `+` in front, so that both ways to read it are slices of it.
    plus_and_digits: String,
    /// Whether the `+` was written: then the digits begin with a country code.
    international: bool,
    /// Whether they are grouped like the number of an identity card.
    card: bool,
}

impl Dialled {
    /// `plus_and_digits` is a `+` and ASCII digits.
    pub(super) fn new(plus_and_digits: String, international: bool) -> Self {
        Self {
            plus_and_digits,
            international,
            card: false,
        }
    }

    /// The same, grouped like the number of an identity card.
    pub(super) fn grouped_as_card(self) -> Self {
        Self { card: true, ..self }
    }

    fn digits(&self) -> &str {
        &self.plus_and_digits[1..]
    }
}

/// One way to read some digits that libphonenumber accepts.
struct Reading {
    number: Msisdn,
    kind: PhoneNumberType,
    region: Region,
    /// How many digits of the number are its country code.
    code_len: usize,
}

/// The one number that these digits can be.
fn resolve(dialled: &Dialled, region: Region) -> Result<Msisdn, NumberErrorKind> {
    let digits = dialled.digits();
    let looks_like_card = looks_like_card(dialled, region);
    if looks_like_card && dialled.card {
        return Err(NumberErrorKind::IdentityCard);
    }
    let (first, second) = if dialled.international {
        // The region is for `+00 60...`.
        (parse(&dialled.plus_and_digits, Some(region)), None)
    } else if let Some(abroad) = digits.strip_prefix("00") {
        // What the region itself dials first (00 in Malaysia, 011 in the USA), then 00 as everybody's.
        (
            parse(digits, Some(region)),
            Some(parse(&format!("+{abroad}"), None)),
        )
    } else if digits.starts_with('0') {
        (parse(digits, Some(region)), None)
    } else {
        let home = parse(digits, Some(region));
        // With the home country's code in front the second reading is the first; and more digits than a number has do not begin
        // with a country code, but are those of a card or an account.
        let abroad = Msisdn::from_digits(digits)
            .filter(|whole| {
                !home
                    .as_ref()
                    .is_ok_and(|parsed| msisdn(parsed) == Some(*whole))
            })
            .map(|_| parse(&dialled.plus_and_digits, None));
        (home, abroad)
    };

    let one = first.as_ref().ok().and_then(valid);
    let other = second.and_then(Result::ok).as_ref().and_then(valid);
    match (one, other) {
        (Some(one), Some(other)) if one.number != other.number => {
            Err(NumberErrorKind::Ambiguous(one.number, other.number))
        }
        (Some(reading), _) => on_handset(&reading, digits),
        (None, Some(_)) if looks_like_card => Err(NumberErrorKind::IdentityCard),
        (None, Some(reading)) => match chinese(digits) {
            Some(chinese) => Err(NumberErrorKind::Ambiguous(reading.number, chinese)),
            None => on_handset(&reading, digits),
        },
        (None, None) => Err(explain(dialled, first, region)),
    }
}

/// Whether these may be the digits of a Malaysian identity card: YYMMDD, two for a place, and four more. Written
/// together, many of them are also mobiles of Thailand, Vietnam, Korea or Indonesia.
fn looks_like_card(dialled: &Dialled, region: Region) -> bool {
    let digits = dialled.digits();
    let in_range = |at: usize, most: &str| {
        digits
            .get(at..at + 2)
            .is_some_and(|two| ("01"..=most).contains(&two))
    };
    region == Region::MY
        && !dialled.international
        && digits.len() == 12
        && in_range(2, "12")
        && in_range(4, "31")
}

/// The Chinese mobile that these digits are without its country code: eleven digits that begin with a 1, as do
/// those of North America with its code.
fn chinese(digits: &str) -> Option<Msisdn> {
    let parsed = (digits.len() == 11 && digits.starts_with('1'))
        .then(|| parse(digits, Some(Region(rlibphonenumber::Region::CN))).ok())
        .flatten()?;
    let reading = valid(&parsed)?;
    (reading.kind == PhoneNumberType::Mobile).then_some(reading.number)
}

fn parse(digits: &str, region: Option<Region>) -> Result<PhoneNumber, ParseError> {
    PHONE_NUMBER_UTIL.parse(digits, region.map(|region| region.0))
}

/// A parsed number as a reading, where libphonenumber holds it for valid: for every valid number it knows
/// the kind.
fn valid(parsed: &PhoneNumber) -> Option<Reading> {
    let kind = PHONE_NUMBER_UTIL.get_number_type(parsed);
    if kind == PhoneNumberType::Unknown {
        return None;
    }
    Some(Reading {
        number: msisdn(parsed)?,
        kind,
        region: region_of(parsed)?,
        code_len: decimal_len(u64::try_from(parsed.country_code).ok()?),
    })
}

fn region_of(parsed: &PhoneNumber) -> Option<Region> {
    PHONE_NUMBER_UTIL
        .get_region_for_country_code(parsed.country_code)
        .map(Region)
}

/// Country code and national number in one, with the zeros that some countries (Italy, Ivory Coast) keep
/// between them.
fn msisdn(parsed: &PhoneNumber) -> Option<Msisdn> {
    let zeros = if parsed.italian_leading_zero() {
        usize::try_from(parsed.number_of_leading_zeros()).ok()?
    } else {
        0
    };
    let places = u32::try_from(decimal_len(parsed.national_number) + zeros).ok()?;
    let code = u64::try_from(parsed.country_code).ok()?;
    Msisdn::from_u64(
        code.checked_mul(10_u64.checked_pow(places)?)?
            .checked_add(parsed.national_number)?,
    )
}

fn decimal_len(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// The number of a reading of these digits, if a handset has it.
fn on_handset(reading: &Reading, digits: &str) -> Result<Msisdn, NumberErrorKind> {
    let kind = match reading.kind {
        PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile | PhoneNumberType::VoIP => {
            return if keeps_digits(reading, digits) {
                Ok(reading.number)
            } else {
                Err(NumberErrorKind::Rewritten(reading.number))
            };
        }
        PhoneNumberType::FixedLine => "a landline",
        PhoneNumberType::TollFree => "a toll-free number",
        PhoneNumberType::PremiumRate => "a premium-rate number",
        PhoneNumberType::SharedCost => "a shared-cost number",
        PhoneNumberType::PersonalNumber => "a personal number",
        PhoneNumberType::Pager => "a pager",
        PhoneNumberType::UAN => "a company's access number",
        PhoneNumberType::VoiceMail => "a voicemail box",
        PhoneNumberType::Unknown => return Err(NumberErrorKind::NotInUse(reading.region)),
    };
    Err(NumberErrorKind::NoHandset {
        kind,
        region: reading.region,
    })
}

/// What is dialled before a number within a country and left out from abroad: 0 nearly everywhere, 1 in North America,
/// 8 in Russia, 06 in Hungary.
const TRUNK_PREFIXES: [&str; 4] = ["0", "1", "8", "06"];

/// Whether the number's digits are those of the cell, but for a country code that was left out and a trunk prefix
/// that was not. For some countries libphonenumber does more: it takes Argentina's 15 away and puts a 9 elsewhere,
/// and drops the code of a Brazilian carrier.
fn keeps_digits(reading: &Reading, digits: &str) -> bool {
    let number = reading.number.to_string();
    let (code, national) = number.split_at(reading.code_len);
    let Some(front) = digits.strip_suffix(national) else {
        return false;
    };
    // What stands before the country code is what is dialled for abroad, which begins with a 0: libphonenumber also takes a 1
    // away before it and behind it.
    let for_abroad = |front: &str| front.is_empty() || front.starts_with('0');
    let is_code =
        |front: &str| front.is_empty() || front.strip_suffix(code).is_some_and(for_abroad);
    is_code(front)
        || TRUNK_PREFIXES
            .iter()
            .filter_map(|trunk| front.strip_suffix(trunk))
            .any(is_code)
}

/// Whether these are the digits of two numbers or more, one behind the other.
fn holds_several(digits: &str, region: Region) -> bool {
    /// The fewest digits of a number with its country code or trunk zero, as good as everywhere.
    const FEWEST: usize = 8;
    let is_number = |digits: &str| {
        let dialled = Dialled::new(format!("+{digits}"), false);
        matches!(
            resolve(&dialled, region),
            Ok(_) | Err(NumberErrorKind::NoHandset { .. })
        )
    };
    (FEWEST..=digits.len().saturating_sub(FEWEST))
        .map(|border| digits.split_at(border))
        .any(|(one, rest)| is_number(one) && (is_number(rest) || holds_several(rest, region)))
}

/// What is wrong with digits that are valid in no reading, going by the first.
fn explain(
    dialled: &Dialled,
    parsed: Result<PhoneNumber, ParseError>,
    region: Region,
) -> NumberErrorKind {
    let digits = dialled.digits();
    // Malaysian short codes have five digits, emergency numbers three.
    if !dialled.international && (3..=5).contains(&digits.len()) && !digits.starts_with('0') {
        return NumberErrorKind::ShortCode;
    }
    if looks_like_card(dialled, region) && !is_from(digits, region) {
        return NumberErrorKind::IdentityCard;
    }
    if has_prefix_too_many(dialled, region) {
        return NumberErrorKind::Prefixed;
    }
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(ParseError::TooLongNsn) => return NumberErrorKind::TooLong,
        Err(ParseError::InvalidCountryCode) => return NumberErrorKind::NoCountry,
        Err(_) => return NumberErrorKind::TooShort,
    };
    match PHONE_NUMBER_UTIL.is_possible_number_with_reason(&parsed) {
        Ok(NumberLengthType::IsPossibleLocalOnly) | Err(ValidationError::TooShort) => {
            NumberErrorKind::TooShort
        }
        Err(ValidationError::TooLong) => NumberErrorKind::TooLong,
        Err(ValidationError::InvalidCountryCode) => NumberErrorKind::NoCountry,
        Ok(NumberLengthType::IsPossible) | Err(ValidationError::InvalidLength) => {
            miscounted(dialled, region)
                .unwrap_or_else(|| NumberErrorKind::NotInUse(region_of(&parsed).unwrap_or(region)))
        }
    }
}

/// Whether the digits begin as numbers of this region do that are written in full: with a trunk zero, or its code.
fn is_from(digits: &str, region: Region) -> bool {
    let code = PHONE_NUMBER_UTIL.get_country_code_for_region(region.0);
    digits.starts_with('0') || code.is_some_and(|code| digits.starts_with(&code.to_string()))
}

/// Whether the digits are a number of this region, written in full, behind up to four others: a country code that is
/// there twice, a zero in front of it, the position in a list.
fn has_prefix_too_many(dialled: &Dialled, region: Region) -> bool {
    let digits = dialled.digits();
    // Behind a +, they may be a number abroad that ends like one of ours.
    (!dialled.international || is_from(digits, region))
        && (1..=4)
            .filter_map(|before| digits.get(before..))
            .any(|rest| is_from(rest, region) && is_handset(rest, Some(region)))
}

/// The flaw of digits that would be a handset's number if there were a few more, or one less: lengths differ within a
/// country (012 takes seven digits more, 011 eight), so the count is what is wrong.
fn miscounted(dialled: &Dialled, region: Region) -> Option<NumberErrorKind> {
    let (written, home) = if dialled.international {
        (dialled.plus_and_digits.as_str(), None)
    } else {
        (dialled.digits(), Some(region))
    };
    if (1..=4).any(|more| is_handset(&format!("{written}{:0more$}", 0), home)) {
        return Some(NumberErrorKind::TooShort);
    }
    is_handset(&written[..written.len() - 1], home).then_some(NumberErrorKind::TooLong)
}

fn is_handset(written: &str, home: Option<Region>) -> bool {
    parse(written, home)
        .ok()
        .and_then(|parsed| valid(&parsed))
        .is_some_and(|reading| {
            matches!(
                reading.kind,
                PhoneNumberType::Mobile
                    | PhoneNumberType::FixedLineOrMobile
                    | PhoneNumberType::VoIP
            )
        })
}
