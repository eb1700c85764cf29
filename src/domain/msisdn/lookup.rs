//! Which number some digits are, by libphonenumber's tables.

use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberType, ValidationError,
};

use super::error::NumberErrorKind;
use super::notation::Dialled;
use super::number::Msisdn;
use super::region::Region;

/// One way to read some digits: a number that is in use.
struct Candidate {
    number: Msisdn,
    kind: PhoneNumberType,
    region: Region,
    /// How many digits of the number are its calling code.
    code_len: usize,
}

impl Candidate {
    fn is_handset(&self) -> bool {
        use PhoneNumberType::{FixedLineOrMobile, Mobile, VoIP};
        matches!(self.kind, Mobile | FixedLineOrMobile | VoIP)
    }
}

/// The one number of a handset that these digits can be.
pub(super) fn handset_number(dialled: &Dialled, region: Region) -> Result<Msisdn, NumberErrorKind> {
    only_number(dialled, region).map_err(|error| match error {
        NumberErrorKind::TooLong if holds_several(dialled.digits(), region) => {
            NumberErrorKind::Several
        }
        error => error,
    })
}

fn only_number(dialled: &Dialled, region: Region) -> Result<Msisdn, NumberErrorKind> {
    let digits = dialled.digits();
    let looks_like_card = looks_like_identity_card(dialled, region);
    if looks_like_card && dialled.grouped_as_card {
        return Err(NumberErrorKind::IdentityCard);
    }
    let (first, second) = parsed_both_ways(dialled, region);
    let one = first.as_ref().ok().and_then(in_use);
    let other = second.and_then(Result::ok).as_ref().and_then(in_use);
    match (one, other) {
        (Some(one), Some(other)) if one.number != other.number => {
            Err(NumberErrorKind::Ambiguous(one.number, other.number))
        }
        (Some(candidate), _) => number_of_handset(&candidate, digits),
        (None, Some(_)) if looks_like_card => Err(NumberErrorKind::IdentityCard),
        (None, Some(candidate)) => match chinese_mobile(digits) {
            Some(chinese) => Err(NumberErrorKind::Ambiguous(candidate.number, chinese)),
            None => number_of_handset(&candidate, digits),
        },
        (None, None) => Err(why_invalid(dialled, first, region)),
    }
}

type Parsed = Result<PhoneNumber, ParseError>;

/// The digits as they are dialled in the region and, where they may also begin with a calling code, as that.
fn parsed_both_ways(dialled: &Dialled, region: Region) -> (Parsed, Option<Parsed>) {
    let digits = dialled.digits();
    if dialled.international {
        // The region is for `+00 60...`.
        return (parse(&dialled.plus_and_digits, Some(region)), None);
    }
    let home = parse(digits, Some(region));
    if let Some(abroad) = digits.strip_prefix("00") {
        // The region's own prefix for abroad comes first (00 in Malaysia, 011 in the USA), then the common 00.
        return (home, Some(parse(&format!("+{abroad}"), None)));
    }
    if digits.starts_with('0') {
        return (home, None);
    }
    // Behind the home country's code both ways are the same. More digits than a number has are those of a card or an account, and do
    // not begin with a calling code.
    let is_home = |whole: &Msisdn| home.as_ref().ok().and_then(msisdn) == Some(*whole);
    let abroad = Msisdn::from_digits(digits)
        .filter(|whole| !is_home(whole))
        .map(|_| parse(&dialled.plus_and_digits, None));
    (home, abroad)
}

/// Whether these may be the digits of a Malaysian identity card: YYMMDD, two for a place, and four more. Written without groups,
/// many of them are also mobiles of Thailand, Vietnam, Korea or Indonesia.
fn looks_like_identity_card(dialled: &Dialled, region: Region) -> bool {
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

/// The Chinese mobile that these digits are without its calling code: eleven digits that begin with a 1, like the numbers of North
/// America with theirs.
fn chinese_mobile(digits: &str) -> Option<Msisdn> {
    if digits.len() != 11 || !digits.starts_with('1') {
        return None;
    }
    let parsed = parse(digits, Some(Region(rlibphonenumber::Region::CN))).ok()?;
    let candidate = in_use(&parsed)?;
    (candidate.kind == PhoneNumberType::Mobile).then_some(candidate.number)
}

fn parse(digits: &str, region: Option<Region>) -> Parsed {
    PHONE_NUMBER_UTIL.parse(digits, region.map(|region| region.0))
}

/// A parsed number, if it is in use: then libphonenumber has a kind for it.
fn in_use(parsed: &PhoneNumber) -> Option<Candidate> {
    let kind = PHONE_NUMBER_UTIL.get_number_type(parsed);
    if kind == PhoneNumberType::Unknown {
        return None;
    }
    Some(Candidate {
        number: msisdn(parsed)?,
        kind,
        region: region_of(parsed)?,
        code_len: parsed.country_code.to_string().len(),
    })
}

fn region_of(parsed: &PhoneNumber) -> Option<Region> {
    PHONE_NUMBER_UTIL
        .get_region_for_country_code(parsed.country_code)
        .map(Region)
}

/// Calling code and national number in one, with the zeros that some countries (Italy, Ivory Coast) keep between them.
fn msisdn(parsed: &PhoneNumber) -> Option<Msisdn> {
    let zeros = if parsed.italian_leading_zero() {
        usize::try_from(parsed.number_of_leading_zeros()).ok()?
    } else {
        0
    };
    let (code, zeros) = (parsed.country_code, "0".repeat(zeros));
    Msisdn::from_digits(&format!("{code}{zeros}{}", parsed.national_number))
}

/// The number of a candidate for these digits, if it is that of a handset.
fn number_of_handset(candidate: &Candidate, digits: &str) -> Result<Msisdn, NumberErrorKind> {
    if candidate.is_handset() {
        return if keeps_digits(candidate, digits) {
            Ok(candidate.number)
        } else {
            Err(NumberErrorKind::Rewritten(candidate.number))
        };
    }
    let kind = match candidate.kind {
        PhoneNumberType::FixedLine => "a landline",
        PhoneNumberType::TollFree => "a toll-free number",
        PhoneNumberType::PremiumRate => "a premium-rate number",
        PhoneNumberType::SharedCost => "a shared-cost number",
        PhoneNumberType::PersonalNumber => "a personal number",
        PhoneNumberType::Pager => "a pager",
        PhoneNumberType::UAN => "a company's access number",
        PhoneNumberType::VoiceMail => "a voicemail box",
        _ => return Err(NumberErrorKind::NotInUse(candidate.region)),
    };
    Err(NumberErrorKind::NoHandset {
        kind,
        region: candidate.region,
    })
}

/// What is dialled before a number within a country and left out from abroad: 0 nearly everywhere, 1 in North America,
/// 8 in Russia, 06 in Hungary.
const TRUNK_PREFIXES: [&str; 4] = ["0", "1", "8", "06"];

/// Whether the number's digits are those of the cell, except for a calling code that was left out and a trunk prefix that was not.
/// For some countries libphonenumber changes more: it removes Argentina's 15 and puts a 9 elsewhere, and drops the code of a
/// Brazilian carrier.
fn keeps_digits(candidate: &Candidate, digits: &str) -> bool {
    let number = candidate.number.to_string();
    let (code, national) = number.split_at(candidate.code_len);
    let Some(front) = digits.strip_suffix(national) else {
        return false;
    };
    // The prefix for abroad, before the calling code, begins with a 0. libphonenumber also removes a 1 before and behind it.
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
    /// The fewest digits of a number with its calling code or trunk zero, nearly everywhere.
    const FEWEST: usize = 8;
    let is_number = |digits: &str| {
        matches!(
            only_number(&Dialled::plain(digits), region),
            Ok(_) | Err(NumberErrorKind::NoHandset { .. })
        )
    };
    (FEWEST..=digits.len().saturating_sub(FEWEST))
        .map(|border| digits.split_at(border))
        .any(|(one, rest)| is_number(one) && (is_number(rest) || holds_several(rest, region)))
}

/// What is wrong with digits that are no number in use, whichever way they are parsed. `home` is the first way.
fn why_invalid(dialled: &Dialled, home: Parsed, region: Region) -> NumberErrorKind {
    let digits = dialled.digits();
    // Malaysian short codes have five digits, emergency numbers three.
    if !dialled.international && (3..=5).contains(&digits.len()) && !digits.starts_with('0') {
        return NumberErrorKind::ShortCode;
    }
    if looks_like_identity_card(dialled, region) && !is_complete(digits, region) {
        return NumberErrorKind::IdentityCard;
    }
    if has_extra_prefix(dialled, region) {
        return NumberErrorKind::Prefixed;
    }
    let parsed = match home {
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
            wrong_length(dialled, region)
                .unwrap_or_else(|| NumberErrorKind::NotInUse(region_of(&parsed).unwrap_or(region)))
        }
    }
}

/// Whether the digits begin like a complete number of this region: with a trunk zero or its calling code.
fn is_complete(digits: &str, region: Region) -> bool {
    let code = region.calling_code();
    digits.starts_with('0') || code.is_some_and(|code| digits.starts_with(&code.to_string()))
}

/// Whether the digits are a complete number of this region behind up to four others: a calling code that is written twice, a zero
/// in front of it, the position in a list.
fn has_extra_prefix(dialled: &Dialled, region: Region) -> bool {
    let digits = dialled.digits();
    // Behind a +, they may be a number abroad that ends like one of this region.
    (!dialled.international || is_complete(digits, region))
        && (1..=4)
            .filter_map(|before| digits.get(before..))
            .any(|rest| is_complete(rest, region) && is_handset(rest, Some(region)))
}

/// The error of digits that would be a handset's number with a few more digits, or with one less. Lengths differ within a country
/// (012 takes seven digits more, 011 eight), so the length is what is wrong.
fn wrong_length(dialled: &Dialled, region: Region) -> Option<NumberErrorKind> {
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
    let parsed = parse(written, home).ok();
    let candidate = parsed.as_ref().and_then(in_use);
    candidate.is_some_and(|candidate| candidate.is_handset())
}
