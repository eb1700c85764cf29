//! The rules of the reference: reads the fields of a request into a message, or the code that refuses it. They are
//! written independently of the client, so that they can check it.

use std::fmt;

/// The only password that the sandbox refuses.
const WRONG_PASSWORD: &str = "wrong";

/// The longest text: characters of type 1, UTF-16 units of type 2.
const MAX_UNITS: usize = 700;

/// The characters in the extension of the GSM 7-bit alphabet, where an escape precedes them.
const COUNT_TWO: &[u8] = br"^{}\[]~|";

/// A response code other than 2000, between -1000 and -1013.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(pub(super) i32);

impl Code {
    const AUTHENTICATION: Self = Self(-1001);
    const TYPE: Self = Self(-1005);
    const LENGTH: Self = Self(-1006);
    const PARAMETER: Self = Self(-1008);
    const DESTINATION: Self = Self(-1009);
    const UNICODE_AS_ASCII: Self = Self(-1012);
    const AGREEMENT: Self = Self(-1013);
    pub(super) const CREDITS: Self = Self(-1004);

    /// Whether it is about the account or the shape of requests, so that the next request would get it too.
    pub(super) fn stops_account(self) -> bool {
        // The six at which the reference demands a stop.
        matches!(self.0, -1001 | -1002 | -1003 | -1004 | -1008 | -1013)
    }
}

/// The code with the gateway's words for it if it is listed, without any character that separates answers.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.0 {
            -1000 => "UNKNOWN ERROR",
            -1001 => "AUTHENTICATION FAILED",
            -1002 => "ACCOUNT SUSPENDED OR EXPIRED",
            -1003 => "IP NOT ALLOWED",
            -1004 => "INSUFFICIENT CREDITS",
            -1005 => "INVALID SMS TYPE",
            -1006 => "INVALID BODY LENGTH",
            -1007 => "INVALID HEX BODY",
            -1008 => "MISSING PARAMETER",
            -1009 => "INVALID DESTINATION NUMBER",
            -1010 => "TOO MANY DESTINATION NUMBERS",
            -1012 => "UNICODE TEXT WITH ASCII TYPE",
            -1013 => "INVALID TERM AGREEMENT",
            _ => return write!(f, "{}", self.0),
        };
        write!(f, "{} = {words}", self.0)
    }
}

/// A request that follows the rules, except perhaps those about single numbers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// Each destination in order, or the code that refuses it. Their count is not limited, because the reference states
    /// no maximum.
    pub(super) numbers: Vec<Result<&'a str, Code>>,
    /// The text, not empty.
    pub(super) text: &'a str,
    /// `1` or `2`.
    pub(super) kind: &'a str,
    /// The sender ID, empty if none was given.
    pub(super) sender_id: &'a str,
}

impl Message<'_> {
    /// What it costs for each of its numbers.
    pub(super) fn credits(&self) -> u64 {
        let (units, of_a_credit) = match self.kind {
            "1" => (ascii_units(self.text), 153),
            _ => (self.text.encode_utf16().count(), 63),
        };
        units.div_ceil(of_a_credit) as u64
    }
}

/// Whose account it is, or the code that refuses it.
pub(super) fn check_account(fields: &[(String, String)]) -> Result<(), Code> {
    let required = |name| field(fields, name).ok_or(Code::PARAMETER);
    let (_username, password) = (required("un")?, required("pwd")?);
    let known = password != WRONG_PASSWORD;
    known.then_some(()).ok_or(Code::AUTHENTICATION)
}

/// The message in these fields, or the code of the first rule that the whole request breaks. The order of the rules:
/// required fields, account, agreement, text, sender ID.
pub(super) fn read(fields: &[(String, String)]) -> Result<Message<'_>, Code> {
    let required = |name| field(fields, name).ok_or(Code::PARAMETER);
    let (destinations, text) = (required("dstno")?, required("msg")?);
    let (kind, agreed) = (required("type")?, required("agreedterm")?);
    check_account(fields)?;
    if agreed != "YES" {
        return Err(Code::AGREEMENT);
    }
    check_text(text, kind)?;
    Ok(Message {
        numbers: destinations.split(';').map(check_number).collect(),
        text,
        kind,
        sender_id: check_sender_id(field(fields, "sendid").unwrap_or_default())?,
    })
}

/// The value of a field. An empty field counts as missing. Of a repeated field the last one counts, as in PHP.
fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let (_, value) = fields.iter().rev().find(|(known, _)| known == name)?;
    (!value.is_empty()).then_some(value.as_str())
}

fn check_text(text: &str, kind: &str) -> Result<(), Code> {
    let units = match kind {
        "1" if !text.is_ascii() => return Err(Code::UNICODE_AS_ASCII),
        "1" => ascii_units(text),
        "2" => text.encode_utf16().count(),
        _ => return Err(Code::TYPE),
    };
    (units <= MAX_UNITS).then_some(()).ok_or(Code::LENGTH)
}

fn ascii_units(text: &str) -> usize {
    text.len() + text.bytes().filter(|b| COUNT_TWO.contains(b)).count()
}

/// The sender ID if it is empty or has 3 to 11 letters and digits. The reference has no code for a bad one. -1008 comes
/// nearest: the parameter has no usable value, nor would it have one in the next request, so the client must stop. -1000
/// would mean that the outcome is unknown, and an invented code would not be one of the gateway's.
fn check_sender_id(id: &str) -> Result<&str, Code> {
    let fits = (3..=11).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (id.is_empty() || fits).then_some(id).ok_or(Code::PARAMETER)
}

/// The number if it can receive an SMS: 5 to 15 digits without a leading zero, and no Malaysian landline.
fn check_number(number: &str) -> Result<&str, Code> {
    let international = (5..=15).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !number.starts_with('0');
    let reachable = number.strip_prefix("60").is_none_or(is_malaysian_mobile);
    (international && reachable)
        .then_some(number)
        .ok_or(Code::DESTINATION)
}

/// Whether these digits after the 60 are a mobile number: 1, a digit, then 7 or 8 more. Which prefixes have 8 is not
/// checked (the reference names 011 and 015), because new ranges of either length are opened within them.
fn is_malaysian_mobile(national: &str) -> bool {
    national.starts_with('1') && (9..=10).contains(&national.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    /// A correct request with some fields changed (`None`: left out).
    fn request(changes: &[(&str, Option<&str>)]) -> Vec<(String, String)> {
        let mut fields = vec![
            ("un", "shop"),
            ("pwd", "secret"),
            ("dstno", "60123456789"),
            ("msg", "Hello"),
            ("type", "1"),
            ("agreedterm", "YES"),
        ];
        for (name, value) in changes {
            fields.retain(|(known, _)| known != name);
            fields.extend(value.map(|value| (*name, value)));
        }
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        fields.into_iter().map(owned).collect()
    }

    fn code_of(changes: &[(&str, Option<&str>)]) -> i32 {
        read(&request(changes)).map_or_else(|code| code.0, |_| 2000)
    }

    #[test]
    fn every_required_field_must_be_present_and_not_empty() {
        for name in ["un", "pwd", "dstno", "msg", "type", "agreedterm"] {
            assert_eq!(code_of(&[(name, None)]), -1008, "without {name}");
            assert_eq!(code_of(&[(name, Some(""))]), -1008, "{name} empty");
        }
        assert_eq!(code_of(&[]), 2000);
    }

    #[test]
    fn account_agreement_and_type_are_checked_in_this_order() {
        let wrong = ("pwd", Some("wrong"));
        let disagreed = ("agreedterm", Some("yes"));
        let hex = ("type", Some("3"));
        let nowhere = ("dstno", Some("0123"));
        assert_eq!(code_of(&[wrong, disagreed, hex, nowhere]), -1001);
        assert_eq!(code_of(&[disagreed, hex, nowhere]), -1013);
        assert_eq!(code_of(&[hex, nowhere]), -1005);
        assert_eq!(code_of(&[("type", Some("01"))]), -1005);
        assert_eq!(
            code_of(&[wrong, ("msg", None)]),
            -1008,
            "missing fields come first"
        );
    }

    #[test]
    fn texts_are_counted_in_the_units_of_their_type() {
        let cases = [
            ("1", "a".repeat(700), 2000),
            ("1", "a".repeat(701), -1006),
            ("1", "~".repeat(350), 2000),
            ("1", format!("a{}", "^{}\\[]~|".repeat(43)), 2000),
            ("1", format!("{}~", "a".repeat(699)), -1006),
            ("2", "a".repeat(700), 2000),
            ("2", "~".repeat(700), 2000),
            ("2", "好".repeat(700), 2000),
            ("2", "好".repeat(701), -1006),
            ("2", "😀".repeat(350), 2000),
            ("2", format!("a{}", "😀".repeat(350)), -1006),
            ("1", "caf\u{e9}".to_owned(), -1012),
            ("1", "é".repeat(701), -1012),
            ("1", "two\nlines".to_owned(), 2000),
        ];
        for (kind, text, expected) in cases {
            let changes = [("type", Some(kind)), ("msg", Some(text.as_str()))];
            let begin: String = text.chars().take(10).collect();
            assert_eq!(code_of(&changes), expected, "type {kind}, {begin}...");
        }
    }

    #[test]
    fn sender_ids_have_3_to_11_letters_and_digits() {
        for id in ["", "abc", "MYSHOP", "12345678901"] {
            assert_eq!(code_of(&[("sendid", Some(id))]), 2000, "{id}");
        }
        for id in ["ab", "123456789012", "MY SHOP", "Kedai-1", "商店商"] {
            assert_eq!(code_of(&[("sendid", Some(id))]), -1008, "{id}");
        }
    }

    #[test]
    fn numbers_are_international_and_can_receive_sms() {
        let good = [
            "60123456789",
            "601123456789",
            "60151234567",
            "6591234567",
            "12345",
            "123456789012345",
        ];
        let bad = [
            "",
            "1234",
            "1234567890123456",
            "0123456789",
            "+60123456789",
            "60 123456789",
            "60312345678",
            "6041234567",
            "6012345678",
            "6012345678901",
            "６０１２３４５６７８９",
            "601234567x9",
        ];
        for number in good {
            assert_eq!(check_number(number), Ok(number));
        }
        for number in bad {
            assert_eq!(check_number(number), Err(Code(-1009)), "{number}");
        }
    }

    #[test]
    fn each_number_is_checked_in_its_place() {
        let fields = request(&[("dstno", Some("60123456789;;6591234567;60312345678"))]);
        let expected = [
            Ok("60123456789"),
            Err(Code(-1009)),
            Ok("6591234567"),
            Err(Code(-1009)),
        ];
        assert_eq!(read(&fields).unwrap().numbers, expected);
    }

    #[test]
    fn the_last_of_a_repeated_field_counts() {
        let mut fields = request(&[]);
        fields.push(("msg".to_owned(), "Goodbye".to_owned()));
        assert_eq!(read(&fields).unwrap().text, "Goodbye");
    }

    #[test]
    fn codes_are_written_in_the_words_of_the_gateway() {
        assert_eq!(Code(-1008).to_string(), "-1008 = MISSING PARAMETER");
        assert_eq!(Code(-1004).to_string(), "-1004 = INSUFFICIENT CREDITS");
        assert_eq!(Code(-1011).to_string(), "-1011");
    }
}
