//! The number of a handset in international format, and how a cell of a spreadsheet is read as one. It
//! knows the rules of numbers, not of columns or rows. Nothing is guessed: a cell that can be read in two
//! ways, or only with a digit made up, is a fault.

use std::fmt;

use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberType, ValidationError,
};

use super::spelling;

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
            .ok_or_else(|| UnknownRegion(spelling::quoted(letters)))
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

/// Why a cell cannot be read as the number of a handset: a sentence that begins with the cell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cell}{}{flaw}", if cell.is_empty() { "" } else { " " })]
pub struct NumberFault {
    cell: String,
    flaw: NumberFlaw,
}

impl NumberFault {
    /// What is wrong with the cell.
    #[must_use]
    pub fn flaw(&self) -> &NumberFlaw {
        &self.flaw
    }
}

/// What is wrong with a cell that should hold a number. Displayed, it goes on where the cell ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberFlaw {
    /// Nothing in it.
    #[error("the number is missing")]
    Blank,
    /// Words in the cell.
    #[error("has letters in it; leave only the number")]
    Letters,
    /// `6.01E+10`: a spreadsheet's way to show, and export, a long number.
    #[error(
        "was rounded by the spreadsheet, its last digits are gone; format the column as text and export it again"
    )]
    Rounded,
    /// Two numbers, or something that looks like it.
    #[error("looks like more than one number; leave one")]
    Several,
    /// A number behind a switchboard.
    #[error("has an extension, which cannot get an SMS")]
    Extension,
    /// A character that no number is written with.
    #[error("is not a phone number")]
    Unreadable,
    /// A service number of a network.
    #[error("is a short code, not a phone number")]
    ShortCode,
    /// Fewer digits than any number it could be.
    #[error("is too short for a phone number")]
    TooShort,
    /// More digits than any number it could be.
    #[error("is too long for a phone number")]
    TooLong,
    /// A country code that no country has.
    #[error("does not begin with the code of a country")]
    NoCountry,
    /// The right length, but not handed out.
    #[error("is not a number in use in {0}")]
    NotInUse(Region),
    /// A number that exists, but not on a handset.
    #[error("is {kind} ({region}), which cannot get an SMS")]
    NoHandset {
        /// What it is, with its article.
        kind: &'static str,
        /// Where.
        region: Region,
    },
    /// Two numbers, depending on whether it begins with a country code.
    #[error("could be +{0} or +{1}; write it with + and the country code")]
    Ambiguous(Msisdn, Msisdn),
}

/// The number that a cell holds, where it has no country code one of `region`.
///
/// Legal is what libphonenumber holds for a valid number of a kind that can get an SMS: a mobile, one that
/// may be either (as all numbers of North America), or voice over IP, which Malaysia's 015 numbers are to it.
pub fn read(cell: &str, region: Region) -> Result<Msisdn, NumberFault> {
    spelling::dialled(cell)
        .and_then(|dialled| resolve(&dialled, region))
        .map_err(|flaw| NumberFault {
            cell: if flaw == NumberFlaw::Blank {
                String::new()
            } else {
                spelling::quoted(cell)
            },
            flaw,
        })
}

/// The digits of a cell as they would be dialled.
pub(super) struct Dialled {
    /// Always with a `+` in front, so that both ways to read it are slices of it.
    plus_and_digits: String,
    /// Whether the `+` was written: then the digits begin with a country code.
    international: bool,
}

impl Dialled {
    /// `plus_and_digits` is a `+` and ASCII digits.
    pub(super) fn new(plus_and_digits: String, international: bool) -> Self {
        Self {
            plus_and_digits,
            international,
        }
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
}

/// The one number that these digits can be.
fn resolve(dialled: &Dialled, region: Region) -> Result<Msisdn, NumberFlaw> {
    let digits = dialled.digits();
    let (first, second) = if dialled.international {
        (parse(&dialled.plus_and_digits, None), None)
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
        // With the home country's code in front the second reading is the first.
        let with_code = home
            .as_ref()
            .is_ok_and(|parsed| msisdn(parsed) == Msisdn::from_digits(digits));
        (
            home,
            (!with_code).then(|| parse(&dialled.plus_and_digits, None)),
        )
    };

    let one = first.as_ref().ok().and_then(valid);
    let other = second.and_then(Result::ok).as_ref().and_then(valid);
    match (one, other) {
        (Some(one), Some(other)) if one.number != other.number => {
            Err(NumberFlaw::Ambiguous(one.number, other.number))
        }
        (Some(reading), _) | (None, Some(reading)) => on_handset(&reading),
        (None, None) => Err(explain(dialled, first, region)),
    }
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
        u32::try_from(parsed.number_of_leading_zeros()).ok()?
    } else {
        0
    };
    let length = parsed
        .national_number
        .checked_ilog10()
        .map_or(1, |log| log + 1);
    let code = u64::try_from(parsed.country_code).ok()?;
    let shift = 10_u64.checked_pow(length + zeros)?;
    Msisdn::from_u64(
        code.checked_mul(shift)?
            .checked_add(parsed.national_number)?,
    )
}

fn on_handset(reading: &Reading) -> Result<Msisdn, NumberFlaw> {
    let kind = match reading.kind {
        PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile | PhoneNumberType::VoIP => {
            return Ok(reading.number);
        }
        PhoneNumberType::FixedLine => "a landline",
        PhoneNumberType::TollFree => "a toll-free number",
        PhoneNumberType::PremiumRate => "a premium-rate number",
        PhoneNumberType::SharedCost => "a shared-cost number",
        PhoneNumberType::PersonalNumber => "a personal number",
        PhoneNumberType::Pager => "a pager",
        PhoneNumberType::UAN => "a company's access number",
        PhoneNumberType::VoiceMail => "a voicemail box",
        PhoneNumberType::Unknown => return Err(NumberFlaw::NotInUse(reading.region)),
    };
    Err(NumberFlaw::NoHandset {
        kind,
        region: reading.region,
    })
}

/// What is wrong with digits that are valid in no reading, going by the first.
fn explain(
    dialled: &Dialled,
    parsed: Result<PhoneNumber, ParseError>,
    region: Region,
) -> NumberFlaw {
    let digits = dialled.digits();
    // Malaysian short codes have five digits, emergency numbers three.
    if !dialled.international && (3..=5).contains(&digits.len()) && !digits.starts_with('0') {
        return NumberFlaw::ShortCode;
    }
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(ParseError::TooLongNsn) => return NumberFlaw::TooLong,
        Err(ParseError::InvalidCountryCode) => return NumberFlaw::NoCountry,
        Err(_) => return NumberFlaw::TooShort,
    };
    match PHONE_NUMBER_UTIL.is_possible_number_with_reason(&parsed) {
        Ok(NumberLengthType::IsPossibleLocalOnly) | Err(ValidationError::TooShort) => {
            NumberFlaw::TooShort
        }
        Err(ValidationError::TooLong) => NumberFlaw::TooLong,
        Err(ValidationError::InvalidCountryCode) => NumberFlaw::NoCountry,
        // Lengths differ within a country (012 takes seven digits more, 011 eight): where a few digits more,
        // or one less, would make a handset's number, the count is what is wrong.
        Ok(NumberLengthType::IsPossible) | Err(ValidationError::InvalidLength) => {
            let written = if dialled.international {
                &dialled.plus_and_digits
            } else {
                digits
            };
            let home = (!dialled.international).then_some(region);
            let handset = |text: &str| {
                parse(text, home)
                    .ok()
                    .and_then(|parsed| valid(&parsed))
                    .is_some_and(|reading| on_handset(&reading).is_ok())
            };
            if ["0", "00"]
                .iter()
                .any(|more| handset(&format!("{written}{more}")))
            {
                NumberFlaw::TooShort
            } else if handset(&written[..written.len() - 1]) {
                NumberFlaw::TooLong
            } else {
                NumberFlaw::NotInUse(region_of(&parsed).unwrap_or(region))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Cells and the number that they hold in Malaysia.
    const READ: &[(&str, u64)] = &[
        // Malaysian mobiles, as people write them.
        ("0123456789", 60_123_456_789),
        ("012-3456789", 60_123_456_789),
        ("012-345 6789", 60_123_456_789),
        ("012 345 6789", 60_123_456_789),
        ("012.345.6789", 60_123_456_789),
        ("012.3456789", 60_123_456_789),
        ("(012) 3456789", 60_123_456_789),
        ("(012)345-6789", 60_123_456_789),
        ("（012）3456789", 60_123_456_789),
        ("60123456789", 60_123_456_789),
        ("60 12 345 6789", 60_123_456_789),
        ("60-12-345-6789", 60_123_456_789),
        ("60.123456789", 60_123_456_789),
        ("+60123456789", 60_123_456_789),
        ("+60 12 345 6789", 60_123_456_789),
        ("+6012-345 6789", 60_123_456_789),
        ("+ 60 12 3456789", 60_123_456_789),
        ("＋60123456789", 60_123_456_789),
        ("(+60) 12-345 6789", 60_123_456_789),
        ("(+60)123456789", 60_123_456_789),
        ("+60(0)12-3456789", 60_123_456_789),
        ("+60 (0) 12 345 6789", 60_123_456_789),
        ("60(0)123456789", 60_123_456_789),
        ("+600123456789", 60_123_456_789),
        ("0060123456789", 60_123_456_789),
        ("00 60 12 345 6789", 60_123_456_789),
        ("00600123456789", 60_123_456_789),
        ("123456789", 60_123_456_789),
        ("12-345 6789", 60_123_456_789),
        ("'0123456789", 60_123_456_789),
        ("’0123456789", 60_123_456_789),
        ("'60123456789", 60_123_456_789),
        ("\"0123456789\"", 60_123_456_789),
        ("=\"0123456789\"", 60_123_456_789),
        ("=\"+60123456789\"", 60_123_456_789),
        ("60123456789.0", 60_123_456_789),
        ("123456789.0", 60_123_456_789),
        ("+60123456789.0", 60_123_456_789),
        ("'60123456789.0", 60_123_456_789),
        ("tel:+60123456789", 60_123_456_789),
        ("TEL:012-345 6789", 60_123_456_789),
        ("tel: 0123456789", 60_123_456_789),
        (" 0123456789 ", 60_123_456_789),
        ("\t0123456789\r\n", 60_123_456_789),
        ("\u{A0}012\u{A0}345\u{A0}6789\u{A0}", 60_123_456_789),
        ("012\u{2009}345\u{202F}6789", 60_123_456_789),
        ("\u{3000}0123456789", 60_123_456_789),
        ("\u{FEFF}0123456789", 60_123_456_789),
        ("\u{200B}0123456789\u{200B}", 60_123_456_789),
        ("\u{202D}0123456789\u{202C}", 60_123_456_789),
        ("\u{200E}+60 12-345 6789", 60_123_456_789),
        ("012\u{200B}3456789", 60_123_456_789),
        ("\u{FEFF}'0123456789", 60_123_456_789),
        ("０１２３４５６７８９", 60_123_456_789),
        ("０１２－３４５６７８９", 60_123_456_789),
        ("＋６０１２３４５６７８９", 60_123_456_789),
        ("012‐345‑6789", 60_123_456_789),
        ("012–3456789", 60_123_456_789),
        ("012—345—6789", 60_123_456_789),
        ("012−3456789", 60_123_456_789),
        ("0123456789,", 60_123_456_789),
        ("0123456789;", 60_123_456_789),
        ("6.0123456789E+10", 60_123_456_789),
        ("6.0123456789e10", 60_123_456_789),
        ("6.0123456789E10", 60_123_456_789),
        ("6,0123456789E+10", 60_123_456_789),
        ("6.01234567890E+10", 60_123_456_789),
        ("1.23456789E+8", 60_123_456_789),
        ("1.23456789E+08", 60_123_456_789),
        ("6.0123456000E+10", 60_123_456_000),
        // The other prefixes.
        ("010-2345678", 60_102_345_678),
        ("011-12345678", 601_112_345_678),
        ("011 1234 5678", 601_112_345_678),
        ("01112345678", 601_112_345_678),
        ("1112345678", 601_112_345_678),
        ("+601112345678", 601_112_345_678),
        ("601112345678", 601_112_345_678),
        ("013-3456789", 60_133_456_789),
        ("014-3456789", 60_143_456_789),
        ("016-2345678", 60_162_345_678),
        ("017-2345678", 60_172_345_678),
        ("018-2345678", 60_182_345_678),
        ("019-8765432", 60_198_765_432),
        ("0198765432", 60_198_765_432),
        ("198765432", 60_198_765_432),
        // What the practice gateway misbehaves for.
        ("60129001000", 60_129_001_000),
        ("60129001001", 60_129_001_001),
        ("60129001002", 60_129_001_002),
        ("60129001003", 60_129_001_003),
        ("60129001004", 60_129_001_004),
        ("60129001005", 60_129_001_005),
        ("60129001006", 60_129_001_006),
        ("60129001007", 60_129_001_007),
        ("60129001008", 60_129_001_008),
        ("60129001009", 60_129_001_009),
        ("60129001010", 60_129_001_010),
        ("60129001011", 60_129_001_011),
        ("60129001012", 60_129_001_012),
        ("60129001013", 60_129_001_013),
        ("60129000429", 60_129_000_429),
        ("60129000503", 60_129_000_503),
        ("60129000200", 60_129_000_200),
        ("60129000000", 60_129_000_000),
        ("60129000030", 60_129_000_030),
        ("0129000030", 60_129_000_030),
        // Other countries.
        ("+65 9123 4567", 6_591_234_567),
        ("006591234567", 6_591_234_567),
        ("6591234567", 6_591_234_567),
        ("+447911123456", 447_911_123_456),
        ("447911123456", 447_911_123_456),
        ("+44 (0)7911 123456", 447_911_123_456),
        ("00447911123456", 447_911_123_456),
        ("+1 415-555-2671", 14_155_552_671),
        ("14155552671", 14_155_552_671),
        ("+1 (415) 555-2671", 14_155_552_671),
        ("+86 138 0013 8000", 8_613_800_138_000),
        ("8613800138000", 8_613_800_138_000),
        ("+62 812-3456-7890", 6_281_234_567_890),
        ("6281234567890", 6_281_234_567_890),
        ("+66812345678", 66_812_345_678),
        ("+61 412 345 678", 61_412_345_678),
        ("61412345678", 61_412_345_678),
        ("+919876543210", 919_876_543_210),
        ("919876543210", 919_876_543_210),
        ("+6738123456", 6_738_123_456),
        ("+852 5123 4567", 85_251_234_567),
        ("+81 90-1234-5678", 819_012_345_678),
        // The zero of these is part of the number.
        ("+225 07 12 34 56 78", 2_250_712_345_678),
        ("+39 312 345 6789", 393_123_456_789),
    ];

    /// Cells that hold no number in Malaysia, and the sentence about it.
    const FAULTS: &[(&str, &str)] = &[
        ("", "the number is missing"),
        (" \u{A0}\t", "the number is missing"),
        ("\u{FEFF}", "the number is missing"),
        ("'", "the number is missing"),
        ("=\"\"", "the number is missing"),
        ("0712", "\"0712\" is too short for a phone number"),
        ("012", "\"012\" is too short for a phone number"),
        ("0", "\"0\" is too short for a phone number"),
        ("7", "\"7\" is too short for a phone number"),
        ("01234567", "\"01234567\" is too short for a phone number"),
        (
            "012-345678",
            "\"012-345678\" is too short for a phone number",
        ),
        (
            "011-1234567",
            "\"011-1234567\" is too short for a phone number",
        ),
        (
            "+6012345678",
            "\"+6012345678\" is too short for a phone number",
        ),
        ("+60", "\"+60\" is too short for a phone number"),
        ("+1", "\"+1\" is too short for a phone number"),
        (
            "01234567890",
            "\"01234567890\" is too long for a phone number",
        ),
        (
            "0111234567890",
            "\"0111234567890\" is too long for a phone number",
        ),
        (
            "+601234567890",
            "\"+601234567890\" is too long for a phone number",
        ),
        (
            "601234567890123",
            "\"601234567890123\" is too long for a phone number",
        ),
        (
            "1234567890123456789012",
            "\"1234567890123456789012\" is too long for a phone number",
        ),
        (
            "0123456789 0198765432",
            "\"0123456789 0198765432\" is too long for a phone number",
        ),
        ("60123456789.00", "\"60123456789.00\" is not a phone number"),
        ("60123456789.5", "\"60123456789.5\" is not a phone number"),
        ("6012345678.9", "\"6012345678.9\" is not a phone number"),
        ("6.0123456789", "\"6.0123456789\" is not a phone number"),
        ("-60123456789", "\"-60123456789\" is not a phone number"),
        ("-", "\"-\" is not a phone number"),
        ("+", "\"+\" is not a phone number"),
        ("#0123456789", "\"#0123456789\" is not a phone number"),
        ("*100#", "\"*100#\" is not a phone number"),
        ("?", "\"?\" is not a phone number"),
        ("012:3456789", "\"012:3456789\" is not a phone number"),
        ("++60123456789", "\"++60123456789\" is not a phone number"),
        ("٠١٢٣٤٥٦٧٨٩", "\"٠١٢٣٤٥٦٧٨٩\" is not a phone number"),
        (
            "\u{202E}0123456789",
            "\"\u{202E}0123456789\" is not a phone number",
        ),
        ("N/A", "\"N/A\" has letters in it; leave only the number"),
        (
            "tiada",
            "\"tiada\" has letters in it; leave only the number",
        ),
        (
            "WhatsApp: 012-3456789",
            "\"WhatsApp: 012-3456789\" has letters in it; leave only the number",
        ),
        (
            "0123456789 (Ali)",
            "\"0123456789 (Ali)\" has letters in it; leave only the number",
        ),
        (
            "O123456789",
            "\"O123456789\" has letters in it; leave only the number",
        ),
        (
            "01234S6789",
            "\"01234S6789\" has letters in it; leave only the number",
        ),
        (
            "012345678९a",
            "\"012345678९a\" has letters in it; leave only the number",
        ),
        (
            "手机 0123456789",
            "\"手机 0123456789\" has letters in it; leave only the number",
        ),
        (
            "6.01E+10",
            "\"6.01E+10\" was rounded by the spreadsheet, its last digits are gone; format the column as text and export it again",
        ),
        (
            "6.01235E+10",
            "\"6.01235E+10\" was rounded by the spreadsheet, its last digits are gone; format the column as text and export it again",
        ),
        (
            "6,01E+10",
            "\"6,01E+10\" was rounded by the spreadsheet, its last digits are gone; format the column as text and export it again",
        ),
        (
            "6E+10",
            "\"6E+10\" was rounded by the spreadsheet, its last digits are gone; format the column as text and export it again",
        ),
        (
            "6.012345678E+10",
            "\"6.012345678E+10\" was rounded by the spreadsheet, its last digits are gone; format the column as text and export it again",
        ),
        (
            "6.01234567895E+10",
            "\"6.01234567895E+10\" was rounded by the spreadsheet, its last digits are gone; format the column as text and export it again",
        ),
        (
            "6.0E+99999999999999999999",
            "\"6.0E+99999999999999999999\" was rounded by the spreadsheet, its last digits are gone; format the column as text and export it again",
        ),
        (
            "012-3456789 / 019-8765432",
            "\"012-3456789 / 019-8765432\" looks like more than one number; leave one",
        ),
        (
            "0123456789,0198765432",
            "\"0123456789,0198765432\" looks like more than one number; leave one",
        ),
        (
            "0123456789;0198765432",
            "\"0123456789;0198765432\" looks like more than one number; leave one",
        ),
        (
            "0123456789 & 0198765432",
            "\"0123456789 & 0198765432\" looks like more than one number; leave one",
        ),
        (
            "0123456789\n0198765432",
            "\"0123456789 0198765432\" looks like more than one number; leave one",
        ),
        (
            "0123456789|0198765432",
            "\"0123456789|0198765432\" looks like more than one number; leave one",
        ),
        (
            "012-3456789/8",
            "\"012-3456789/8\" looks like more than one number; leave one",
        ),
        (
            "0123456789、0198765432",
            "\"0123456789、0198765432\" looks like more than one number; leave one",
        ),
        (
            "0123456789 +60198765432",
            "\"0123456789 +60198765432\" looks like more than one number; leave one",
        ),
        (
            "+60123456789+60198765432",
            "\"+60123456789+60198765432\" looks like more than one number; leave one",
        ),
        (
            "03-12345678 ext 12",
            "\"03-12345678 ext 12\" has an extension, which cannot get an SMS",
        ),
        (
            "03-12345678 ext. 12",
            "\"03-12345678 ext. 12\" has an extension, which cannot get an SMS",
        ),
        (
            "03-12345678 x12",
            "\"03-12345678 x12\" has an extension, which cannot get an SMS",
        ),
        (
            "0123456789x3",
            "\"0123456789x3\" has an extension, which cannot get an SMS",
        ),
        (
            "03-12345678 samb. 4",
            "\"03-12345678 samb. 4\" has an extension, which cannot get an SMS",
        ),
        (
            "0123456789#5",
            "\"0123456789#5\" has an extension, which cannot get an SMS",
        ),
        (
            "tel:+60123456789;ext=5",
            "\"tel:+60123456789;ext=5\" has an extension, which cannot get an SMS",
        ),
        ("32728", "\"32728\" is a short code, not a phone number"),
        ("999", "\"999\" is a short code, not a phone number"),
        ("15888", "\"15888\" is a short code, not a phone number"),
        (
            "03-21234567",
            "\"03-21234567\" is a landline (MY), which cannot get an SMS",
        ),
        (
            "0321234567",
            "\"0321234567\" is a landline (MY), which cannot get an SMS",
        ),
        (
            "+60321234567",
            "\"+60321234567\" is a landline (MY), which cannot get an SMS",
        ),
        (
            "60321234567",
            "\"60321234567\" is a landline (MY), which cannot get an SMS",
        ),
        (
            "321234567",
            "\"321234567\" is a landline (MY), which cannot get an SMS",
        ),
        (
            "04-2612345",
            "\"04-2612345\" is a landline (MY), which cannot get an SMS",
        ),
        (
            "082-412345",
            "\"082-412345\" is a landline (MY), which cannot get an SMS",
        ),
        (
            "+442079460958",
            "\"+442079460958\" is a landline (GB), which cannot get an SMS",
        ),
        (
            "+6561234567",
            "\"+6561234567\" is a landline (SG), which cannot get an SMS",
        ),
        (
            "1800881234",
            "\"1800881234\" is a toll-free number (MY), which cannot get an SMS",
        ),
        (
            "1-300-88-2525",
            "\"1-300-88-2525\" is a toll-free number (MY), which cannot get an SMS",
        ),
        (
            "1600123456",
            "\"1600123456\" is a premium-rate number (MY), which cannot get an SMS",
        ),
        (
            "+999123456789",
            "\"+999123456789\" does not begin with the code of a country",
        ),
        (
            "+0123456789",
            "\"+0123456789\" does not begin with the code of a country",
        ),
        (
            "00999123456789",
            "\"00999123456789\" does not begin with the code of a country",
        ),
        (
            "010-0000000",
            "\"010-0000000\" is not a number in use in MY",
        ),
        (
            "060123456789",
            "\"060123456789\" is too long for a phone number",
        ),
        ("0000000000", "\"0000000000\" is not a number in use in MY"),
        ("123", "\"123\" is a short code, not a phone number"),
    ];

    fn region(letters: &str) -> Region {
        Region::parse(letters).unwrap()
    }

    #[test]
    fn the_tables_are_long_enough() {
        assert!(
            READ.len() + FAULTS.len() >= 150,
            "{} and {}",
            READ.len(),
            FAULTS.len()
        );
    }

    #[test]
    fn spellings_that_are_read() {
        let wrong: Vec<_> = READ
            .iter()
            .map(|(cell, number)| (*cell, *number, read(cell, Region::MY)))
            .filter(|(_, number, read)| {
                read.as_ref().ok().map(|read| read.as_u64()) != Some(*number)
            })
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn cells_that_are_faults() {
        let wrong: Vec<_> = FAULTS
            .iter()
            .map(|(cell, sentence)| {
                (
                    read(cell, Region::MY).map_err(|fault| fault.to_string()),
                    *sentence,
                )
            })
            .filter(|(read, sentence)| read.as_ref().err().map(String::as_str) != Some(*sentence))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    /// A plain number is digits, with a `+` or not. libphonenumber alone must then come to the same end.
    #[test]
    fn agrees_with_libphonenumber_on_plain_numbers() {
        let cells = READ
            .iter()
            .map(|(cell, _)| *cell)
            .chain(FAULTS.iter().map(|(cell, _)| *cell));
        for cell in cells {
            let digits = cell.strip_prefix('+').unwrap_or(cell);
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                continue;
            }
            let readings = [cell.to_owned(), format!("+{digits}")];
            let valid_mobile = readings.iter().any(|text| {
                PHONE_NUMBER_UTIL
                    .parse(text, Some(rlibphonenumber::Region::MY))
                    .is_ok_and(|parsed| {
                        parsed.is_valid()
                            && matches!(
                                parsed.get_type(),
                                PhoneNumberType::Mobile
                                    | PhoneNumberType::FixedLineOrMobile
                                    | PhoneNumberType::VoIP
                            )
                    })
            });
            assert_eq!(read(cell, Region::MY).is_ok(), valid_mobile, "{cell}");
        }
    }

    #[test]
    fn the_region_decides_where_no_country_is_written() {
        for (cell, letters, number) in [
            ("91234567", "SG", 6_591_234_567),
            ("07911 123456", "GB", 447_911_123_456),
            ("011 60 12 345 6789", "US", 60_123_456_789),
            ("0060123456789", "US", 60_123_456_789),
            ("60123456789", "SG", 60_123_456_789),
            ("0812-3456-7890", "ID", 6_281_234_567_890),
            ("(415) 555-2671", "us", 14_155_552_671),
        ] {
            assert_eq!(
                read(cell, region(letters)).map(Msisdn::as_u64),
                Ok(number),
                "{cell} in {letters}"
            );
        }
    }

    #[test]
    fn two_countries_are_not_guessed() {
        let fault = read("81234567890", region("ID")).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "\"81234567890\" could be +6281234567890 or +81234567890; write it with + and the country code"
        );
        assert_eq!(
            read("+6281234567890", region("ID")).map(Msisdn::as_u64),
            Ok(6_281_234_567_890)
        );
    }

    #[test]
    fn a_long_cell_is_cut_in_its_sentence() {
        let fault = read(&format!("call {}", "x".repeat(500)), Region::MY).unwrap_err();
        assert_eq!(fault.flaw(), &NumberFlaw::Letters);
        assert_eq!(
            fault.to_string(),
            format!(
                "\"call {}…\" has letters in it; leave only the number",
                "x".repeat(35)
            )
        );
    }

    #[test]
    fn regions() {
        assert_eq!(Region::parse("my"), Ok(Region::MY));
        assert_eq!(Region::parse("MY").unwrap().to_string(), "MY");
        for letters in ["", "M", "MYS", "ZZ", "XX", "001", "60", "Ü"] {
            assert!(Region::parse(letters).is_err(), "{letters}");
        }
        assert_eq!(
            Region::parse("UK").unwrap_err().to_string(),
            "\"UK\" is no country with phone numbers; write its two letters, as in MY"
        );
    }

    #[test]
    fn numbers_are_five_to_fifteen_digits() {
        for (digits, fits) in [
            ("60123456789", true),
            ("12345", true),
            ("999999999999999", true),
            ("1234", false),
            ("1000000000000000", false),
            ("060123456789", false),
            ("+60123456789", false),
            ("6012345678a", false),
            ("", false),
            ("99999999999999999999999999", false),
        ] {
            assert_eq!(Msisdn::from_digits(digits).is_some(), fits, "{digits}");
            assert_eq!(
                Msisdn::from_digits(digits).map_or(String::new(), |n| n.to_string()),
                if fits { digits } else { "" }
            );
        }
        assert_eq!(Msisdn::from_u64(9_999), None);
        assert_eq!(Msisdn::from_u64(u64::MAX), None);
    }

    #[test]
    fn masks_hide_at_least_three_digits() {
        for (digits, masked) in [
            ("60123456789", "6012****789"),
            ("6012345678", "6012***678"),
            ("601234567", "601***567"),
            ("12345", "***45"),
            ("123456", "***456"),
            ("999999999999999", "9999********999"),
        ] {
            assert_eq!(Msisdn::from_digits(digits).unwrap().masked(), masked);
        }
    }

    proptest! {
        #[test]
        fn never_panics(cell in any::<String>()) {
            let _ = read(&cell, Region::MY).map_err(|fault| fault.to_string());
        }

        #[test]
        fn a_read_number_reads_as_itself(cell in "['+= (]{0,2}[0-9]{1,4}[-0-9 .()/E+,x\u{A0}\u{200B}０-９]{0,16}") {
            for region in [Region::MY, region("US"), region("ID"), region("IT")] {
                if let Ok(number) = read(&cell, region) {
                    prop_assert_eq!(read(&format!("+{number}"), region), Ok(number));
                    prop_assert_eq!(Msisdn::from_u64(number.as_u64()), Some(number));
                    prop_assert_eq!(Msisdn::from_digits(&number.to_string()), Some(number));
                    prop_assert!(number.masked().matches('*').count() >= 3);
                }
            }
        }

        #[test]
        fn plain_digits_end_as_libphonenumber_says(digits in "(60|0060|0)?1[0-9]{7,10}") {
            let parsed = PHONE_NUMBER_UTIL.parse(&digits, Some(rlibphonenumber::Region::MY)).unwrap();
            let valid = parsed.is_valid() && parsed.country_code == 60
                && matches!(parsed.get_type(), PhoneNumberType::Mobile | PhoneNumberType::VoIP);
            if valid {
                prop_assert_eq!(
                    read(&digits, Region::MY).map(Msisdn::as_u64),
                    Ok(parsed.format_as(rlibphonenumber::PhoneNumberFormat::E164)[1..].parse().unwrap())
                );
            }
        }
    }
}
