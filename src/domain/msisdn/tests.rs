//! Which cells are read as which number, and what is said about the others.

use proptest::prelude::*;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType};

use super::characters::{digit, quoted};
use super::*;

mod cells;

use cells::{INVALID, VALID};

fn region(letters: &str) -> Region {
    Region::parse(letters).unwrap()
}

fn invalid_cells() -> impl Iterator<Item = (&'static str, &'static str)> {
    INVALID
        .iter()
        .flat_map(|(cells, sentence)| cells.iter().map(move |cell| (*cell, *sentence)))
}

#[test]
fn the_tables_are_long_and_have_no_cell_twice() {
    let mut cells: Vec<_> = VALID
        .iter()
        .map(|(cell, _)| *cell)
        .chain(invalid_cells().map(|(cell, _)| cell))
        .collect();
    let all = cells.len();
    assert!(all >= 300, "{all}");
    cells.sort_unstable();
    cells.dedup();
    assert_eq!(cells.len(), all);
}

#[test]
fn cells_that_are_numbers() {
    let wrong: Vec<_> = VALID
        .iter()
        .map(|(cell, number)| (*cell, *number, read(cell, Region::MY)))
        .filter(|(_, number, read)| read.as_ref().ok().map(|read| read.as_u64()) != Some(*number))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn cells_that_are_errors() {
    let wrong: Vec<_> = invalid_cells()
        .map(|(cell, sentence)| {
            (
                read(cell, Region::MY).map_err(|error| error.to_string()),
                format!("\"{cell}\" {sentence}"),
            )
        })
        .filter(|(read, sentence)| read.as_ref().err() != Some(sentence))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_cell_without_anything_in_it_is_not_repeated() {
    for cell in [
        "",
        " \u{A0}\t",
        "\u{FEFF}",
        "'",
        "\"\"",
        "=\"\"",
        "=",
        ",",
        "tel:",
    ] {
        let error = read(cell, Region::MY).unwrap_err();
        assert_eq!(error.kind(), &NumberErrorKind::Blank, "{cell:?}");
        assert_eq!(error.to_string(), "the number is missing");
    }
}

#[test]
fn an_error_names_the_cell() {
    for (cell, sentence) in [
        // As it was written, but for what surrounds it.
        (
            "  03-2123 4567\t",
            "\"03-2123 4567\" is a landline (MY), which cannot get an SMS",
        ),
        (
            "'0123456789,0198765432'",
            "\"'0123456789,0198765432'\" looks like two numbers or more; leave one",
        ),
        // On one line, the right way round, and no longer than a sentence can bear.
        (
            "0123456789\r\n0198765432",
            "\"0123456789  0198765432\" looks like two numbers or more; leave one",
        ),
        (
            "0123456789\u{2028}0198765432",
            "\"0123456789 0198765432\" looks like two numbers or more; leave one",
        ),
        (
            "\u{202E}0123456789",
            "\" 0123456789\" has the character U+202E in it; leave only the number",
        ),
        (
            "012\u{0}3456789",
            "\"012 3456789\" has the character U+0000 in it; leave only the number",
        ),
        (
            "call me on my other number, 012-345 6789, after six",
            "\"call me on my other number, 012-345 6789…\" has letters in it; leave only the number",
        ),
        (
            "姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓",
            "\"姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓姓\" has letters in it; leave only the number",
        ),
    ] {
        let error = read(cell, Region::MY).unwrap_err();
        assert_eq!(error.to_string(), sentence);
    }
}

/// What libphonenumber alone makes of a text: the number, if it is valid and of a kind that gets SMS.
fn libphonenumbers(text: &str, region: Option<Region>) -> Option<u64> {
    let parsed = PHONE_NUMBER_UTIL
        .parse(text, region.map(|region| region.0))
        .ok()?;
    let kinds = [
        PhoneNumberType::Mobile,
        PhoneNumberType::FixedLineOrMobile,
        PhoneNumberType::VoIP,
    ];
    let is_handset = parsed.is_valid() && kinds.contains(&parsed.get_type());
    let written = parsed.format_as(PhoneNumberFormat::E164);
    is_handset.then(|| written[1..].parse().unwrap())
}

/// Whether a cell is digits with an optional `+` and the usual separators. A single dot may be a decimal point.
fn is_plain(cell: &str) -> bool {
    cell.starts_with(['+', '(', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        && cell.rfind('+').unwrap_or_default() == 0
        && !cell.starts_with("+-")
        && cell.matches('.').count() != 1
        && cell
            .chars()
            .all(|c| c.is_ascii_digit() || "+ -.()".contains(c))
}

/// Where a cell is plain, we read what libphonenumber reads: the cell in the region, or with a `+` in front (instead of 00) if that is no
/// number. Errors of ours alone are cells that can be read in two ways, and cells that have more digits than E.164 allows and
/// neither + nor 00.
fn agree(cell: &str, region: Region) -> Result<(), String> {
    let digits: String = cell.chars().filter(char::is_ascii_digit).collect();
    let home = libphonenumbers(cell, Some(region));
    let abroad = match digits.strip_prefix("00") {
        _ if cell.contains('+') => None,
        Some(with_code) => libphonenumbers(&format!("+{with_code}"), None),
        None if digits.len() > 15 => None,
        None => libphonenumbers(&format!("+{digits}"), None),
    };
    let ours = read(cell, region);
    let agreed = match &ours {
        Ok(number) => home.or(abroad) == Some(number.as_u64()),
        Err(error) => match error.kind() {
            NumberErrorKind::Ambiguous(..) => true,
            NumberErrorKind::IdentityCard => digits.len() == 12,
            NumberErrorKind::Rewritten(number) => home.or(abroad) == Some(number.as_u64()),
            NumberErrorKind::Several if cell.trim_end().ends_with(')') => true,
            _ => home.is_none() && abroad.is_none(),
        },
    };
    if agreed {
        Ok(())
    } else {
        Err(format!(
            "{cell} in {region}: {ours:?}, but {home:?} or {abroad:?}"
        ))
    }
}

#[test]
fn agrees_with_libphonenumber_on_plain_numbers() {
    let cells: Vec<_> = VALID
        .iter()
        .map(|(cell, _)| *cell)
        .chain(invalid_cells().map(|(cell, _)| cell))
        .filter(|cell| is_plain(cell))
        .collect();
    assert!(cells.len() >= 150, "{}", cells.len());
    let wrong: Vec<_> = ["MY", "SG", "ID", "US"]
        .into_iter()
        .flat_map(|letters| cells.iter().map(move |cell| agree(cell, region(letters))))
        .filter_map(Result::err)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether a number's digits are the cell's, in order, but for a country code that was left out, a trunk prefix that was
/// not, and what is dialled for abroad.
fn has_digits_of(number: Msisdn, cell: &str, home_code: &str) -> bool {
    let digits: String = cell.chars().filter_map(digit).collect();
    let number = number.to_string();
    let dialled_for_abroad =
        |front: &str| front.is_empty() || (front.starts_with('0') && front.len() <= 4);
    (1..=3).any(|border| {
        let (code, national) = number.split_at(border);
        let fronts = ["", "0", "1", "8", "06"]
            .into_iter()
            .filter_map(|trunk| digits.strip_suffix(national)?.strip_suffix(trunk));
        fronts.into_iter().any(|front| {
            let with_code = front.strip_suffix(code).is_some_and(dialled_for_abroad);
            with_code || (front.is_empty() && code == home_code)
        })
    })
}

#[test]
fn the_region_decides_where_no_country_is_written() {
    for (letters, cell, number) in [
        ("SG", "91234567", 6_591_234_567),
        ("SG", "9123 4567", 6_591_234_567),
        ("SG", "8123-4567", 6_581_234_567),
        ("SG", "65 9123 4567", 6_591_234_567),
        ("SG", "+65 9123 4567", 6_591_234_567),
        ("SG", "00165 9123 4567", 6_591_234_567),
        ("SG", "60123456789", 60_123_456_789),
        ("SG", "0060123456789", 60_123_456_789),
        ("SG", "+60 12-345 6789", 60_123_456_789),
        ("SG", "6281234567890", 6_281_234_567_890),
        ("ID", "0812-3456-7890", 6_281_234_567_890),
        ("ID", "0812 345 678", 62_812_345_678),
        ("ID", "6281234567890", 6_281_234_567_890),
        ("ID", "62 0812 3456 7890", 6_281_234_567_890),
        ("ID", "+62 812 3456 7890", 6_281_234_567_890),
        ("ID", "+6281234567890", 6_281_234_567_890),
        ("ID", "008 60 12 345 6789", 60_123_456_789),
        ("ID", "+6591234567", 6_591_234_567),
        ("ID", "60123456789", 60_123_456_789),
        ("US", "(415) 555-2671", 14_155_552_671),
        ("us", "415.555.2671", 14_155_552_671),
        ("US", "1 415 555 2671", 14_155_552_671),
        ("US", "011 60 12 345 6789", 60_123_456_789),
        ("US", "0060123456789", 60_123_456_789),
        ("US", "60123456789", 60_123_456_789),
        ("GB", "07911 123456", 447_911_123_456),
        ("GB", "7911123456", 447_911_123_456),
        ("CN", "138 0013 8000", 8_613_800_138_000),
        ("RU", "8 912 345-67-89", 79_123_456_789),
        ("BR", "11 98765 4321", 5_511_987_654_321),
    ] {
        assert_eq!(
            read(cell, region(letters)).map(Msisdn::as_u64),
            Ok(number),
            "{cell} in {letters}"
        );
    }
    for (letters, cell, sentence) in [
        (
            "SG",
            "6123 4567",
            "is a landline (SG), which cannot get an SMS",
        ),
        ("SG", "9123456", "is too short for a phone number"),
        (
            "SG",
            "91234567 81234567",
            "looks like two numbers or more; leave one",
        ),
        (
            "SG",
            "65 65 9123 4567",
            "has too much in front of the number; write the country code once, or a single 0",
        ),
        ("SG", "123456789", "is not a number in use in SG"),
        (
            "ID",
            "021-5551234",
            "is a landline (ID), which cannot get an SMS",
        ),
        ("ID", "0123456789", "is not a number in use in ID"),
        ("ID", "8123-45", "is too short for a phone number"),
        (
            "ID",
            "81234567890",
            "could be +6281234567890 or +81234567890; write it with + and the country code",
        ),
        ("US", "555-2671", "is too short for a phone number"),
        ("US", "012-345 6789", "is not a number in use in US"),
        (
            "US",
            "(800) 555-0100",
            "is a toll-free number (US), which cannot get an SMS",
        ),
        // Three ones, of which only one belongs to it.
        (
            "US",
            "1119018234567",
            "is perhaps +19018234567; write it like that if so",
        ),
        // Their date, not a Malaysian identity card.
        ("US", "900101-14-5567", "is too long for a phone number"),
        (
            "AR",
            "011 15 2345-6789",
            "is perhaps +5491123456789; write it like that if so",
        ),
        (
            "BR",
            "0 15 11 98765 4321",
            "is perhaps +5511987654321; write it like that if so",
        ),
    ] {
        let error = read(cell, region(letters)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("\"{cell}\" {sentence}"),
            "{letters}"
        );
    }
}

#[test]
fn two_countries_are_not_guessed() {
    let error = read("81234567890", region("ID")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"81234567890\" could be +6281234567890 or +81234567890; write it with + and the country code"
    );
    assert_eq!(
        read("+6281234567890", region("ID")).map(Msisdn::as_u64),
        Ok(6_281_234_567_890)
    );
}

#[test]
fn regions() {
    let code = Region::MY.calling_code().unwrap();
    assert_eq!(code.to_string(), MALAYSIA_CODE);
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

/// Digits in careless groups, behind any prefix that a number can have.
const PLAIN: &str = "(\\+|00|0|\\+00|)(60|0|600|6|65|66|62|673|63|84|855|86|91|880|977|95|61|44|1|)(1[0-9][ -]?|[0-9])[0-9]{2,5}[- ]?[0-9]{1,8}";

/// What else such columns hold.
const MESSY: &str = "['+= (\"]{0,2}(6|60|0|)[0-9]{1,4}[-0-9 ()/+,xO#'\u{A0}\u{200B}\u{202C}０-９]{0,16}[ )\"']{0,2}";

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_number_or_a_sentence(cell in any::<String>()) {
        sentence_is_well_formed(&cell)?;
    }

    #[test]
    fn anything_like_a_number_is_one_or_a_sentence(cell in "[-+0-9eE.,'\"= ()/#xoO*\u{A0}\u{200B}\u{202E}٠-٩०-९]{0,24}") {
        sentence_is_well_formed(&cell)?;
    }

    #[test]
    fn a_read_number_reads_as_itself(cell in prop_oneof![PLAIN, MESSY, "[0-9][.,][0-9]{4,12}E[+]?[0-9]{1,2}"]) {
        for letters in ["MY", "SG", "ID", "US", "IT", "AR"] {
            let region = region(letters);
            if let Ok(number) = read(&cell, region) {
                prop_assert_eq!(read(&format!("+{number}"), region), Ok(number));
                prop_assert_eq!(Msisdn::from_u64(number.as_u64()), Some(number));
                prop_assert_eq!(Msisdn::from_digits(&number.to_string()), Some(number));
                prop_assert!(number.masked().matches('*').count() >= 3);
            }
        }
    }

    #[test]
    fn no_digit_is_made_up(cell in prop_oneof![PLAIN, MESSY]) {
        for (letters, code) in [("MY", "60"), ("SG", "65"), ("ID", "62"), ("US", "1"), ("AR", "54"), ("BR", "55")] {
            if let Ok(number) = read(&cell, region(letters)) {
                prop_assert!(has_digits_of(number, &cell, code), "{} in {}: {}", cell, letters, number);
            }
        }
    }

    #[test]
    fn plain_digits_are_read_as_libphonenumber_reads_them(cell in PLAIN) {
        for letters in ["MY", "SG", "ID", "US"] {
            prop_assert_eq!(agree(&cell, region(letters)), Ok(()));
        }
    }

    #[test]
    fn the_shortcut_reads_what_libphonenumber_reads(
        cell in prop_oneof!["[+]?(60|0|00|6)?[- ]?1[0-9][- ]?[0-9]{3}[- ]?[0-9]{2,6}[- ]?", "[+]?[0-9 -]{8,16}", PLAIN, MESSY],
    ) {
        prop_assert_eq!(read(&cell, Region::MY), look_up(&cell, Region::MY));
    }

    #[test]
    fn the_last_four_digits_of_a_malaysian_mobile_do_not_decide(
        beginning in "1[0-9]{4,5}",
        one in "[0-9]{4}",
        other in "[0-9]{4}",
    ) {
        let is_in_use = |end: &str| look_up(&format!("+60{beginning}{end}"), Region::MY).is_ok();
        prop_assert_eq!(is_in_use(&one), is_in_use(&other));
    }

    #[test]
    fn a_malaysian_mobile_is_read_alike_in_every_notation(national in "1(0[2-9]|[2-46-9][2-9])[0-9]{6}|11[1-6][0-9]{7}") {
        let number = read(&format!("+60{national}"), Region::MY);
        for notation in ["0{}", "60{}", "0060{}", "600{}", "+600{}", "+60 {}", "{}", "'0{}", "=\"0{}\"", "0{}.0", "60{}.00", "tel:+60{}", "p:+60{}"] {
            let cell = notation.replace("{}", &national);
            prop_assert_eq!(read(&cell, Region::MY).ok(), number.clone().ok(), "{}", cell);
        }
        let digits = format!("60{national}");
        let exponent = format!("{}.{}E+{}", &digits[..1], &digits[1..], digits.len() - 1);
        prop_assert_eq!(read(&exponent, Region::MY).ok(), number.clone().ok());
        let rounded = format!("{}.{}E+{}", &digits[..1], &digits[1..6], digits.len() - 1);
        let error = read(&rounded, Region::MY).unwrap_err();
        prop_assert_eq!(error.kind(), &NumberErrorKind::Rounded);
    }
}

/// One line that begins with the cell, as far as there is something in it.
fn sentence_is_well_formed(cell: &str) -> Result<(), TestCaseError> {
    for letters in ["MY", "US"] {
        let Err(error) = read(cell, region(letters)) else {
            continue;
        };
        let sentence = error.to_string();
        prop_assert!(!sentence.contains(char::is_control), "{:?}", sentence);
        prop_assert!(sentence.chars().count() < 250, "{}", sentence);
        if error.kind() == &NumberErrorKind::Blank {
            prop_assert_eq!(sentence, "the number is missing");
        } else {
            let begins_with_cell = sentence.starts_with(&format!("{} ", quoted(cell)));
            prop_assert!(begins_with_cell && cell.trim() != "", "{}", sentence);
        }
    }
    Ok(())
}
