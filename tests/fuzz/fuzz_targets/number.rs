//! Any text as a phone number: a number that is read reads as itself and has the cell's own digits, plain digits are read as
//! libphonenumber reads them, and everything else is an error on one line.
#![no_main]

use isms_campaign::domain::msisdn::{self, Msisdn, NumberErrorKind, Region};
use libfuzzer_sys::fuzz_target;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType};

/// Regions and their country codes, the last two with rules of their own for digits.
const REGIONS: [(&str, &str); 6] = [
    ("MY", "60"),
    ("SG", "65"),
    ("ID", "62"),
    ("US", "1"),
    ("AR", "54"),
    ("BR", "55"),
];

fuzz_target!(|cell: &str| {
    for (letters, code) in REGIONS {
        let region = Region::parse(letters).expect("it has numbers");
        match msisdn::read(cell, region) {
            Ok(number) => {
                assert_eq!(msisdn::read(&format!("+{number}"), region), Ok(number));
                assert_eq!(Msisdn::from_digits(&number.to_string()), Some(number));
                // Where there is a decimal point, digits behind it may be no part of the number.
                assert!(
                    cell.contains(['.', 'e', 'E']) || has_digits_of(number, cell, code),
                    "{cell:?} in {letters}: {number}"
                );
            }
            Err(error) => {
                let sentence = error.to_string();
                assert!(!sentence.contains(char::is_control), "{sentence:?}");
                assert!(sentence.chars().count() < 250, "{sentence}");
                assert_eq!(
                    sentence.starts_with('"'),
                    error.kind() != &NumberErrorKind::Blank
                );
            }
        }
        let digits = cell.strip_prefix('+').unwrap_or(cell);
        if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
            agrees_with_libphonenumber(cell, digits, letters);
        }
    }
});

fn agrees_with_libphonenumber(cell: &str, digits: &str, letters: &str) {
    let home = libphonenumbers(cell, Some(letters));
    let abroad = match digits.strip_prefix("00") {
        _ if cell != digits => None,
        Some(with_code) => libphonenumbers(&format!("+{with_code}"), None),
        // More digits than a number has do not begin with a country code.
        None if digits.len() > 15 => None,
        None => libphonenumbers(&format!("+{digits}"), None),
    };
    let ours = msisdn::read(cell, Region::parse(letters).expect("it has numbers"));
    let agreed = match &ours {
        Ok(number) => home.or(abroad) == Some(number.as_u64()),
        Err(error) => match error.kind() {
            NumberErrorKind::Ambiguous(..) => true,
            NumberErrorKind::IdentityCard => digits.len() == 12,
            NumberErrorKind::Rewritten(number) => home.or(abroad) == Some(number.as_u64()),
            _ => home.is_none() && abroad.is_none(),
        },
    };
    assert!(
        agreed,
        "{cell:?} in {letters}: {ours:?}, but {home:?} or {abroad:?}"
    );
}

/// The number that libphonenumber alone reads, if it is valid and of a kind that gets SMS.
fn libphonenumbers(text: &str, letters: Option<&str>) -> Option<u64> {
    let region = letters.and_then(|letters| rlibphonenumber::Region::from_code(letters).ok());
    let parsed = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    let kinds = [
        PhoneNumberType::Mobile,
        PhoneNumberType::FixedLineOrMobile,
        PhoneNumberType::VoIP,
    ];
    let is_handset = parsed.is_valid() && kinds.contains(&parsed.get_type());
    let written = parsed.format_as(PhoneNumberFormat::E164);
    // Some valid numbers are too long for E.164.
    (is_handset && written.len() <= 16).then(|| written[1..].parse().expect("digits"))
}

/// Whether a number's digits are the cell's, in order, but for a country code that was left out, a trunk prefix that
/// was not, and what is dialled for abroad.
fn has_digits_of(number: Msisdn, cell: &str, home_code: &str) -> bool {
    let digit = |c: char| match c {
        '0'..='9' => Some(c),
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10),
        _ => None,
    };
    let digits: String = cell.chars().filter_map(digit).collect();
    let number = number.to_string();
    let dialled_for_abroad =
        |front: &str| front.is_empty() || (front.starts_with('0') && front.len() <= 5);
    (1..=3).any(|border| {
        let (code, national) = number.split_at(border);
        ["", "0", "1", "8", "06"]
            .into_iter()
            .filter_map(|trunk| digits.strip_suffix(national)?.strip_suffix(trunk))
            .any(|front| {
                let with_code = front.strip_suffix(code).is_some_and(dialled_for_abroad);
                with_code || (front.is_empty() && code == home_code)
            })
    })
}
