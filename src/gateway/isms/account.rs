//! The pages that state an account's balance and when it expires.
//!
//! Seen: a number, perhaps with decimals or quoted, or a negative code; and an object with both. A whole negative number is
//! always a code. The unit of a balance is not certain, so it is kept as it came.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use ureq::http::StatusCode;

use super::MAX_BODY;
use super::code::Code;
use crate::gateway::{Credentials, Outcome, Outcomes};
use crate::{Error, Kind, Result};

/// The most characters that are read as a balance, or as words.
const LONGEST_BALANCE: usize = 30;
const LONGEST_WORDS: usize = 200;

/// The balance of an account, in the digits of the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance(String);

impl Balance {
    /// The balance in a text such as `4800` or `-0.50`.
    fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let is_balance = text.len() <= LONGEST_BALANCE
            && digits(whole.strip_prefix('-').unwrap_or(whole))
            && digits(decimals);
        is_balance.then(|| Self(text.to_owned()))
    }

    /// Whether it is at least this many credits.
    #[must_use]
    pub fn covers(&self, credits: u64) -> bool {
        let whole = self.0.split('.').next().unwrap_or_default();
        let whole = whole.parse().unwrap_or(0_i128);
        !self.0.starts_with('-') && whole >= credits.into()
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A page about the account.
pub(in crate::gateway) struct Page<T> {
    /// Its path on the host of the gateway.
    pub(in crate::gateway) path: &'static str,
    /// What it states.
    what: &'static str,
    /// What it states in an answer that is no code.
    read: fn(&str) -> Option<T>,
}

/// The page that states the balance.
pub(in crate::gateway) const BALANCE: Page<Balance> = Page {
    path: "/isms_balance.php",
    what: "balance",
    read: balance,
};

/// The page that states when the account expires.
pub(in crate::gateway) const EXPIRY: Page<String> = Page {
    path: "/isms_expiry_date.php",
    what: "expiry date",
    read: words,
};

/// The fields of a question about the account.
pub(in crate::gateway) fn fields(credentials: &Credentials) -> [(&'static str, &str); 2] {
    [
        ("un", credentials.username.as_str()),
        ("pwd", credentials.password.reveal()),
    ]
}

impl<T> Page<T> {
    /// What a whole body states. `shown` is the body for people.
    pub(in crate::gateway) fn read(
        &self,
        status: StatusCode,
        body: &[u8],
        shown: &str,
    ) -> Result<T> {
        let text = text_in(body).map_err(|why| self.unreadable(status, why))?;
        if let Some(code) = code_in(&text) {
            return Err(self.refused(code));
        }
        if !status.is_success() {
            return Err(self.unreadable(status, "the answer is no code"));
        }
        (self.read)(&text).ok_or_else(|| {
            let shown = words(shown).unwrap_or_else(|| "too long".to_owned());
            self.unreadable(status, &format!("the answer is {shown}"))
        })
    }

    /// The error of an answer that is none.
    pub(in crate::gateway) fn unreadable(&self, status: StatusCode, why: &str) -> Error {
        let kind = match status {
            StatusCode::TOO_MANY_REQUESTS => Kind::Unreachable,
            _ => Kind::Other,
        };
        let (what, path, status) = (self.what, self.path, status.as_u16());
        let problem =
            format!("the gateway states no {what} at {path} (HTTP status {status}: {why})");
        Error::new(kind, problem)
    }

    /// The error of a question that had no answer.
    pub(in crate::gateway) fn not_answered(&self, outcomes: Outcomes) -> Error {
        let (kind, why) = match outcomes {
            Outcomes::All(Outcome::NotSent { why }) => (Kind::Unreachable, why),
            Outcomes::All(Outcome::CannotConnect { why } | Outcome::NoAnswer { why, .. }) => {
                (Kind::Other, why)
            }
            _ => (Kind::Other, "no answer".to_owned()),
        };
        Error::new(
            kind,
            format!("the gateway was asked for the {}: {why}", self.what),
        )
    }

    fn refused(&self, code: Code) -> Error {
        let kind = if code.stops_account() {
            Kind::AccountStopped
        } else {
            Kind::Other
        };
        let (what, meaning) = (self.what, code.meaning());
        let problem =
            format!("the gateway was asked for the {what} and answered {code} ({meaning})");
        Error::new(kind, problem)
    }
}

/// The text of a body, without the quotes of a JSON string.
fn text_in(body: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    if body.len() > MAX_BODY {
        return Err("the answer is longer than 64 KiB");
    }
    let text = std::str::from_utf8(body).map_err(|_| "the answer is not text")?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let text = match serde_json::from_str(text) {
        Ok(Value::String(content)) => Cow::Owned(content.trim().to_owned()),
        _ => Cow::Borrowed(text),
    };
    match text.chars().next() {
        None => Err("the answer is empty"),
        Some('<') => Err("the answer is a web page"),
        Some(_) => Ok(text),
    }
}

/// The code in an answer: `-1004`, `-1004 = INSUFFICIENT CREDITS`, or in an object.
fn code_in(text: &str) -> Option<Code> {
    let code = |text: &str| {
        let code = text.split('=').next()?.trim();
        let code = code.strip_prefix('-').map(|_| code)?;
        code.parse().ok().map(Code)
    };
    match object_in(text) {
        Some(object) => ["code", "balance"]
            .iter()
            .find_map(|key| code(&scalar(object.get(*key)?)?)),
        None => code(text),
    }
}

/// The balance in an answer that holds no code.
fn balance(text: &str) -> Option<Balance> {
    let Some(object) = object_in(text) else {
        return Balance::parse(text);
    };
    let says = |key: &str| object.get(key).and_then(scalar).unwrap_or_default();
    let failed = says("status").eq_ignore_ascii_case("error");
    Balance::parse(&says("balance")).filter(|_| !failed)
}

/// An answer in words, on one line.
fn words(text: &str) -> Option<String> {
    let words: Vec<_> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let words = words.join(" ");
    (words.chars().count() <= LONGEST_WORDS).then_some(words)
}

fn object_in(text: &str) -> Option<serde_json::Map<String, Value>> {
    serde_json::from_str(text).ok()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn asked(body: &str) -> Result<String, (Kind, String)> {
        let read = BALANCE.read(StatusCode::OK, body.as_bytes(), body);
        read.map(|balance| balance.to_string())
            .map_err(|error| (error.kind, error.to_string()))
    }

    #[test]
    fn a_balance_is_read_in_every_shape_and_kept_as_it_came() {
        for (body, balance) in [
            ("4800", "4800"),
            ("0", "0"),
            (" 4800.50\r\n", "4800.50"),
            ("\u{feff}4800.00", "4800.00"),
            ("-12.5", "-12.5"),
            ("\"4800\"", "4800"),
            ("\" 4800.50 \"", "4800.50"),
            (
                r#"{"status": "success", "code": 0, "balance": 4800}"#,
                "4800",
            ),
            (
                r#"{"status": "success", "code": "0", "balance": "4800.50"}"#,
                "4800.50",
            ),
            (r#"{"balance": 0.5}"#, "0.5"),
            (r#""{\"status\": \"success\", \"balance\": 7}""#, "7"),
        ] {
            assert_eq!(asked(body), Ok(balance.to_owned()), "{body:?}");
        }
    }

    #[test]
    fn a_code_is_no_balance() {
        for (body, code, kind) in [
            ("-1001", -1001, Kind::AccountStopped),
            ("\"-1002\"", -1002, Kind::AccountStopped),
            ("-1003 = IP NOT ALLOWED\n", -1003, Kind::AccountStopped),
            ("-1000", -1000, Kind::Other),
            ("-1", -1, Kind::Other),
            (
                r#"{"status": "error", "code": -1008, "message": "x"}"#,
                -1008,
                Kind::AccountStopped,
            ),
            (
                r#"{"status": "error", "code": "-1001", "balance": 0}"#,
                -1001,
                Kind::AccountStopped,
            ),
            (r#"{"balance": "-1001"}"#, -1001, Kind::AccountStopped),
        ] {
            let (found, why) = asked(body).unwrap_err();
            assert_eq!(found, kind, "{body:?}");
            assert!(why.contains(&format!("answered {code} (")), "{why}");
        }
        // A code is one whatever the HTTP status, a balance is not.
        let kind = |body: &[u8]| {
            BALANCE
                .read(StatusCode::FORBIDDEN, body, "")
                .unwrap_err()
                .kind
        };
        assert_eq!(kind(b"-1003"), Kind::AccountStopped);
        assert_eq!(kind(b"403"), Kind::Other);
        let throttled = BALANCE.read(StatusCode::TOO_MANY_REQUESTS, b"", "");
        assert_eq!(throttled.unwrap_err().kind, Kind::Unreachable);
    }

    #[test]
    fn anything_else_is_no_balance() {
        for body in [
            "",
            " \n",
            "\"\"",
            "<html>4800</html>",
            "\"<p>4800\"",
            "OK",
            "4800 credits",
            "4,800",
            "+5",
            ".5",
            "5.",
            "1e3",
            "--5",
            "- 5",
            "4800\n4800",
            "[4800]",
            "null",
            "true",
            "\"4800",
            "4800\"",
            "{\"balance\": null}",
            "{\"balance\": [4800]}",
            "{\"code\": 0}",
            "{\"status\": \"error\", \"balance\": 5}",
            "{\"balance\": 5",
            "2000 = SUCCESS:5",
        ] {
            assert_eq!(
                asked(body).map_err(|(kind, _)| kind),
                Err(Kind::Other),
                "{body:?}"
            );
        }
        assert!(asked(&"1".repeat(31)).is_err());
        assert!(asked(&format!("{}5", " ".repeat(MAX_BODY))).is_err());
        assert!(BALANCE.read(StatusCode::OK, b"\xff5", "").is_err());
        let (_, why) = asked("RM\u{1b}[2J 5").unwrap_err();
        assert!(
            why.ends_with("(HTTP status 200: the answer is RM [2J 5)"),
            "{why}"
        );
    }

    #[test]
    fn a_balance_covers_as_many_credits_as_it_has() {
        for (balance, credits) in [
            ("0", 0),
            ("0.99", 0),
            ("4800", 4_800),
            ("4800.99", 4_800),
            ("0004800", 4_800),
            ("99999999999999999999999999", u64::MAX - 1),
        ] {
            let balance = Balance::parse(balance).unwrap();
            assert!(balance.covers(credits), "{balance}");
            assert_eq!(
                balance.covers(credits + 1),
                credits == u64::MAX - 1,
                "{balance}"
            );
        }
        assert!(!Balance::parse("-0.5").unwrap().covers(0));
    }

    #[test]
    fn the_expiry_is_shown_in_the_words_of_the_gateway() {
        let asked = |body: &str| EXPIRY.read(StatusCode::OK, body.as_bytes(), body);
        for (body, words) in [
            ("2027-12-31", "2027-12-31"),
            ("\"31 Dec 2027\"\n", "31 Dec 2027"),
            ("Expires:\r\n\u{1b}31/12/2027", "Expires: 31/12/2027"),
        ] {
            assert_eq!(asked(body).as_deref(), Ok(words), "{body:?}");
        }
        for body in ["", "-1001", "<html>2027</html>", &"x".repeat(201)] {
            assert!(asked(body).is_err(), "{body:?}");
        }
    }
}
