//! Reads the body of an answer of the REST reference into outcomes.
//!
//! The reference shows one answer for one number. It does not say what a request with several numbers is answered, so
//! every shape that was seen or is hinted at is read. Everything ambiguous proves nothing: a false "refused" would send
//! the same message a second time, and charge it. In particular:
//!
//! - A separator is never part of the words of an answer. `-1004 = INSUFFICIENT CREDITS, PLEASE TOP UP` may be one
//!   answer, or two of which the second is damaged.
//! - The words hold no four digits in a row. Those may be another code, or the one number that this answer is about.
//! - A separator at the end (`2000 = SUCCESS:1||`) is the end of a list, or a list that was cut off there. It is read
//!   only where the count proves that nothing is missing.
//! - `2000 = SUCCESS:` has lost its transaction id and may have lost more.
//!
//! The vendor's own shop plugin gets its answers JSON-encoded: one as a string, quotes included, several as an array.
//! What a string holds is read like a body without the quotes. A string in a string was never seen and is not read.

use serde::Deserialize;

use super::MAX_BODY;
use super::code::Code;
use crate::gateway::{Outcome, Outcomes};

/// The longest transaction id that is accepted as one, in characters. Real ones have ten digits.
const MAX_TRX_ID: usize = 64;

// Why a body holds no answer of the gateway. An older endpoint means success by an empty one, but that cannot be known here.
const EMPTY: &str = "the answer is empty";
const TOO_LONG: &str = "the answer is longer than 64 KiB";
const MARKUP: &str = "the answer is a web page instead of a code";
const UNRECOGNIZED: &str = "the answer has none of the shapes of a code";

/// The outcomes that a whole body states for a request with `numbers` numbers, or why it states none.
///
/// As many answers as numbers: each belongs to the number in its place. One answer: it belongs to all of them. Any
/// other count proves nothing, which is an outcome and no error, since the body does follow the grammar.
pub(super) fn read(body: &[u8], numbers: usize) -> Result<Outcomes, &'static str> {
    if body.len() > MAX_BODY {
        return Err(TOO_LONG);
    }
    let text = std::str::from_utf8(body).map_err(|_| UNRECOGNIZED)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    let answers = if text.starts_with('"') {
        let content: String = serde_json::from_str(text).map_err(|_| UNRECOGNIZED)?;
        Answers::parse(content.trim())
    } else {
        Answers::parse(text)
    };
    answers.map(|answers| answers.assign_to(numbers))
}

/// An element of a JSON array: an answer, or a code alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Element {
    Text(String),
    Number(i64),
}

impl Element {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

/// The answers of one body, at least one, in their order.
struct Answers {
    each: Vec<Outcome>,
    /// Whether the body ends with a separator, so that an answer may be missing.
    open_ended: bool,
}

impl Answers {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let answers = match text.chars().next() {
            None => return Err(EMPTY),
            Some('<') => return Err(MARKUP),
            Some('[') => Self::from_json(text),
            Some(_) => Self::from_plain_text(text),
        };
        answers.ok_or(UNRECOGNIZED)
    }

    fn from_json(text: &str) -> Option<Self> {
        let elements: Vec<Element> = serde_json::from_str(text).ok()?;
        let texts: Vec<String> = elements.into_iter().map(Element::into_text).collect();
        Self::parse_all(texts.iter().map(String::as_str), false)
    }

    fn from_plain_text(text: &str) -> Option<Self> {
        // A body has one kind of separator. Line ends come last: next to another separator they are white space.
        let separator = ["||", ";", ","]
            .into_iter()
            .find(|separator| text.contains(separator));
        let Some(separator) = separator else {
            let lines = text.split(['\n', '\r']);
            return Self::parse_all(lines.filter(|line| !line.trim().is_empty()), false);
        };
        let closed = text.strip_suffix(separator);
        Self::parse_all(closed.unwrap_or(text).split(separator), closed.is_some())
    }

    fn parse_all<'a>(pieces: impl Iterator<Item = &'a str>, open_ended: bool) -> Option<Self> {
        let each = pieces
            .map(|piece| parse_answer(piece.trim()))
            .collect::<Option<Vec<_>>>()?;
        (!each.is_empty()).then_some(Self { each, open_ended })
    }

    fn assign_to(mut self, numbers: usize) -> Outcomes {
        let answers = self.each.len();
        if answers == numbers && numbers > 1 {
            return Outcomes::Each(self.each);
        }
        let belongs_to_all = answers == 1 && (numbers == 1 || !self.open_ended);
        match self.each.pop() {
            Some(one) if belongs_to_all => Outcomes::All(one),
            _ => Outcomes::All(Outcome::NoAnswer {
                why: miscounted(answers, numbers),
                code: None,
            }),
        }
    }
}

fn miscounted(answers: usize, numbers: usize) -> String {
    let plural = |count| if count == 1 { "" } else { "s" };
    let (s_of_answers, s_of_numbers) = (plural(answers), plural(numbers));
    format!("the gateway gave {answers} answer{s_of_answers} for {numbers} number{s_of_numbers}")
}

/// The outcome that one answer states: a code, then optionally `=` and words, and after 2000 optionally `:` and an id.
fn parse_answer(piece: &str) -> Option<Outcome> {
    let (code, rest) = split_code(piece)?;
    let (words, trx_id) = match rest.split_once(':') {
        Some((words, id)) => (words.trim(), Some(parse_trx_id(id.trim())?)),
        None => (rest.trim(), None),
    };
    let valid_words = words.is_empty() || words.strip_prefix('=').is_some_and(are_words);
    match code {
        _ if !valid_words => None,
        Code::ACCEPTED => Some(Outcome::Accepted { code, trx_id }),
        _ if trx_id.is_some() => None,
        _ => Some(outcome_of(code)),
    }
}

/// The code at the beginning, and what follows it.
fn split_code(piece: &str) -> Option<(Code, &str)> {
    if let Some(rest) = piece.strip_prefix("2000") {
        return Some((Code::ACCEPTED, rest));
    }
    let (digits, rest) = piece.strip_prefix('-')?.split_at_checked(4)?;
    // -0999 is in no list of codes, and as a number it would lose its zero.
    let four_digits = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    let number: i32 = four_digits.then(|| digits.parse().ok())??;
    Some((Code(-number), rest))
}

fn parse_trx_id(id: &str) -> Option<String> {
    let fits = id.len() <= MAX_TRX_ID
        && id.starts_with(|first: char| first.is_ascii_alphanumeric())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    fits.then(|| id.to_owned())
}

fn are_words(words: &str) -> bool {
    let words = words.trim();
    let is_allowed = |c: char| c.is_alphanumeric() || " \t.'()/&!_-".contains(c);
    let mut numbers = words.split(|c: char| !c.is_numeric());
    words.starts_with(char::is_alphabetic)
        && words.chars().all(is_allowed)
        && numbers.all(|digits| digits.chars().count() < 4)
}

/// The outcome of a negative code.
fn outcome_of(code: Code) -> Outcome {
    match code {
        Code::UNKNOWN_ERROR => Outcome::NoAnswer {
            why: "the gateway had an unknown error".to_owned(),
            code: Some(code),
        },
        _ if code.stops_account() => Outcome::AccountStopped {
            code,
            why: format!("the gateway answered {code}: {}", code.meaning()),
        },
        _ => Outcome::Refused {
            code,
            kind: code.refusal_kind(),
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepted(trx_id: &str) -> Outcome {
        Outcome::Accepted {
            code: Code::ACCEPTED,
            trx_id: Some(trx_id.to_owned()),
        }
    }

    fn accepted_without_id() -> Outcome {
        Outcome::Accepted {
            code: Code::ACCEPTED,
            trx_id: None,
        }
    }

    fn refused(code: i32) -> Outcome {
        Outcome::Refused {
            code: Code(code),
            kind: Code(code).refusal_kind(),
        }
    }

    fn stopped(code: i32) -> Outcome {
        Outcome::AccountStopped {
            code: Code(code),
            why: format!("the gateway answered {code}: {}", Code(code).meaning()),
        }
    }

    fn is_certain(read: &Result<Outcomes, &'static str>) -> bool {
        match read {
            Err(_) => false,
            Ok(Outcomes::All(outcome)) => !matches!(outcome, Outcome::NoAnswer { .. }),
            Ok(Outcomes::Each(each)) => each
                .iter()
                .any(|outcome| !matches!(outcome, Outcome::NoAnswer { .. })),
        }
    }

    #[test]
    fn one_answer_applies_to_all_numbers() {
        let table = [
            ("2000 = SUCCESS:1143007207", accepted("1143007207")),
            ("2000=success:1143007207", accepted("1143007207")),
            (
                "\r\n  2000\t=  Success :  1143007207 \r\n\r\n",
                accepted("1143007207"),
            ),
            ("\u{feff}2000 = SUCCESS:1143007207", accepted("1143007207")),
            ("2000:1143007207", accepted("1143007207")),
            ("2000 = SUCCESS:a1-b_2", accepted("a1-b_2")),
            ("2000", accepted_without_id()),
            ("2000=success", accepted_without_id()),
            ("[\"2000 = SUCCESS:7\"]", accepted("7")),
            ("\"2000 = SUCCESS:1143007207\"", accepted("1143007207")),
            ("\u{feff} \"2000\" \r\n", accepted_without_id()),
            ("\"2000 = SUCCESS:7\\r\\n\"", accepted("7")),
            ("\"\\u0032000 = SUCCESS:7\"", accepted("7")),
            ("\"[\\\"2000 = SUCCESS:7\\\"]\"", accepted("7")),
            ("[2000]", accepted_without_id()),
            ("\"-1001\"", stopped(-1001)),
            ("\" -1004 = INSUFFICIENT CREDITS \"", stopped(-1004)),
            ("[-1001]", stopped(-1001)),
            ("[ -1009 ]", refused(-1009)),
            ("\"-1009 = invalid destination number\"", refused(-1009)),
            ("-1001", stopped(-1001)),
            ("-1002\n", stopped(-1002)),
            (" -1003 = IP NOT ALLOWED", stopped(-1003)),
            ("-1004 = INSUFFICIENT CREDITS", stopped(-1004)),
            ("-1004=Insufficient  Credits.", stopped(-1004)),
            ("-1008", stopped(-1008)),
            ("-1013", stopped(-1013)),
            ("-1005", refused(-1005)),
            (
                "-1006 = INVALID BODY LENGTH (OVER 700 CHARACTERS)",
                refused(-1006),
            ),
            ("-1009 = invalid destination number", refused(-1009)),
            ("-1010", refused(-1010)),
            ("-9999 = Kredit tidak mencukupi", refused(-9999)),
        ];
        for (body, outcome) in table {
            for numbers in [1, 2, 30] {
                let read = read(body.as_bytes(), numbers);
                assert_eq!(
                    read,
                    Ok(Outcomes::All(outcome.clone())),
                    "{body:?} for {numbers}"
                );
            }
        }
    }

    #[test]
    fn the_unknown_error_proves_nothing_but_keeps_its_code() {
        let Ok(Outcomes::All(Outcome::NoAnswer { code, .. })) = read(b"-1000 = UNKNOWN ERROR", 3)
        else {
            panic!("-1000 is no answer");
        };
        assert_eq!(code, Some(Code(-1000)));
    }

    #[test]
    fn as_many_answers_as_numbers_apply_in_order() {
        let three = Outcomes::Each(vec![accepted("1"), refused(-1009), accepted("2")]);
        for body in [
            "2000 = SUCCESS:1||-1009||2000 = SUCCESS:2",
            "2000 = SUCCESS:1 || -1009 = BAD NUMBER || 2000 = SUCCESS:2\r\n",
            "2000 = SUCCESS:1||-1009||2000 = SUCCESS:2||",
            "2000 = SUCCESS:1;-1009;2000 = SUCCESS:2;\n",
            "2000=success:1,-1009,2000=success:2",
            "2000 = SUCCESS:1,\r\n-1009,\r\n2000 = SUCCESS:2",
            "2000 = SUCCESS:1\n-1009\n2000 = SUCCESS:2\n",
            "2000 = SUCCESS:1\r\n\r\n-1009\r\n\r\n2000 = SUCCESS:2",
            "2000 = SUCCESS:1\r-1009\r2000 = SUCCESS:2",
            "[\"2000 = SUCCESS:1\", \"-1009 = BAD\", \" 2000:2\\n\"]",
            "[\"2000 = SUCCESS:1\", -1009, \"2000:2\"]",
            "\"2000 = SUCCESS:1||-1009||2000 = SUCCESS:2\"",
            "\"2000 = SUCCESS:1\\n-1009\\n2000 = SUCCESS:2\\n\"",
            "\"2000 = SUCCESS:1;-1009;2000 = SUCCESS:2;\"",
        ] {
            assert_eq!(read(body.as_bytes(), 3), Ok(three.clone()), "{body:?}");
        }
        let alike = Outcomes::Each(vec![refused(-1009), refused(-1009)]);
        assert_eq!(
            read(b"-1009||-1009", 2),
            Ok(alike),
            "both numbers are bad, not one of the two"
        );
    }

    #[test]
    fn any_other_count_proves_nothing() {
        for (body, numbers, why) in [
            (
                "2000 = SUCCESS:1||-1009",
                3,
                "the gateway gave 2 answers for 3 numbers",
            ),
            (
                "2000 = SUCCESS:1||-1009",
                1,
                "the gateway gave 2 answers for 1 number",
            ),
            (
                "-1001,-1001,-1001",
                2,
                "the gateway gave 3 answers for 2 numbers",
            ),
            (
                "[\"-1001\",\"-1001\"]",
                3,
                "the gateway gave 2 answers for 3 numbers",
            ),
            ("-1001||", 2, "the gateway gave 1 answer for 2 numbers"),
        ] {
            let unknown = Outcome::NoAnswer {
                why: why.to_owned(),
                code: None,
            };
            assert_eq!(
                read(body.as_bytes(), numbers),
                Ok(Outcomes::All(unknown)),
                "{body:?}"
            );
        }
        assert_eq!(
            read(b"2000 = SUCCESS:1||", 1),
            Ok(Outcomes::All(accepted("1")))
        );
    }

    #[test]
    fn what_is_ambiguous_is_no_answer() {
        for body in [
            "OK",
            "0",
            "1",
            "-1",
            "-10",
            "-100",
            "-10010",
            "20000",
            "02000",
            "+2000",
            "200",
            "-0999",
            "-0000",
            "- 1001",
            "\u{2212}1001",
            "2000 =",
            "2000 = ",
            "2000 = SUCCESS:",
            "2000 = SUCCESS: ",
            "2000 :",
            "2000 SUCCESS",
            "SUCCESS:1143007207",
            "2000 = SUCCESS:1 2",
            "2000 = SUCCESS:1:2",
            "2000 = SUCCESS:-1009",
            "2000 = 1143007207",
            "2000\n=\nSUCCESS:1",
            "2000 = SUCCESS:\n1",
            "-1001:5",
            "-1009 = NUMBER: 60123456789",
            "-1009 = BAD NUMBER 60123456789",
            "-1004 = INSUFFICIENT CREDITS, PLEASE TOP UP",
            "-1004 = STOP; TOP UP",
            "-1001 -1002",
            "-1001 = FAILED -1002",
            "-1001 = FAILED 2000",
            "-1001 = A = B",
            "-1001|-1002",
            "-1001|||-1002",
            "-1001||;-1002",
            "-1001||||-1002",
            "||-1001",
            "-1001||OK",
            "2000 = SUCCESS:1,2",
            "-1001<br>",
            "\"2000",
            "2000\"",
            "\"2000\"\"2000\"",
            "\"2000\" = SUCCESS:1",
            "\"2000\", \"2000\"",
            "\"2000\"||\"2000\"",
            "\"\\\"2000\\\"\"",
            "\"20\\u00a000\"",
            "\"2000 = SUCCESS:\"",
            "\"-1001 = FAILED -1002\"",
            "\"OK\"",
            "'2000'",
            "[2000.0]",
            "[2e3]",
            "[-100]",
            "[-10010]",
            "[-0]",
            "[true]",
            "[2000,]",
            "[-1001,null]",
            "[\"-1001\",[-1001]]",
            "{\"0\":-1001}",
            "[]",
            "[[\"2000\"]]",
            "[\"2000\"",
            "[\"2000\",null]",
            "[\"2000||-1001\"]",
            "{\"code\":\"2000\"}",
            "-1001\0",
            "||",
            ";",
            ",",
        ] {
            for numbers in [1, 2] {
                assert_eq!(
                    read(body.as_bytes(), numbers),
                    Err(UNRECOGNIZED),
                    "{body:?}"
                );
            }
        }
        assert_eq!(read(b"-1001 = \xff", 1), Err(UNRECOGNIZED));
    }

    #[test]
    fn names_what_came_instead() {
        assert_eq!(read(b"", 1), Err(EMPTY));
        assert_eq!(read(b" \r\n", 1), Err(EMPTY));
        assert_eq!(read("\u{feff}".as_bytes(), 1), Err(EMPTY));
        assert_eq!(read(b"\"\"", 1), Err(EMPTY));
        assert_eq!(read(b"\" \\n\"", 1), Err(EMPTY));
        assert_eq!(read(b"\"<html>2000</html>\"", 1), Err(MARKUP));
        assert_eq!(read(b"<!DOCTYPE html><p>-1001", 1), Err(MARKUP));
        let mut long = b"-1001".to_vec();
        long.resize(MAX_BODY, b' ');
        assert_eq!(read(&long, 1), Ok(Outcomes::All(stopped(-1001))));
        long.push(b' ');
        assert_eq!(read(&long, 1), Err(TOO_LONG));
    }

    fn any_code() -> impl Strategy<Value = Option<i32>> {
        prop_oneof![
            Just(None),
            (1000..=1015_i32).prop_map(|code| Some(-code)),
            (1000..=9999_i32).prop_map(|code| Some(-code))
        ]
    }

    fn any_words() -> impl Strategy<Value = Option<String>> {
        proptest::option::of("[A-Za-z][A-Za-z .()'/!-]{0,20}[A-Za-z]( [0-9]{1,3})?")
    }

    prop_compose! {
        /// An answer in any of its spellings, and its outcome.
        fn any_answer()(
            code in any_code(),
            words in any_words(),
            id in proptest::option::of("[0-9]{1,12}"),
            gap in "[ \t]{0,2}",
        ) -> (String, Outcome) {
            let words = words.map_or(String::new(), |words| format!("{gap}={gap}{words}"));
            if let Some(code) = code {
                return (format!("{code}{words}"), outcome_of(Code(code)));
            }
            let written = id.as_ref().map_or(String::new(), |id| format!("{gap}:{gap}{id}"));
            (format!("2000{words}{written}"), Outcome::Accepted { code: Code::ACCEPTED, trx_id: id })
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn never_panics(body in proptest::collection::vec(any::<u8>(), 0..200), numbers in 0..40_usize) {
            let _ = read(&body, numbers);
        }

        #[test]
        fn never_panics_near_the_grammar(body in "[-=:|;,\\[\\]\"0-9A-Z \r\n\u{e9}]{0,40}", numbers in 0..4_usize) {
            if let Ok(Outcomes::Each(each)) = read(body.as_bytes(), numbers) {
                prop_assert_eq!(each.len(), numbers);
            }
        }

        /// The quotes of JSON neither make nor lose an outcome, except around what is JSON already.
        #[test]
        fn a_json_string_is_read_as_its_content(body in "[-=:|;,\\[\\]\"0-9A-Z\r\n ]{0,30}", numbers in 1..4_usize) {
            let quoted = serde_json::to_string(&body).unwrap();
            let read_quoted = read(quoted.as_bytes(), numbers);
            if body.trim().starts_with('"') {
                prop_assert!(!is_certain(&read_quoted), "{:?}", quoted);
            } else {
                prop_assert_eq!(&read_quoted, &read(body.as_bytes(), numbers), "{:?}", quoted);
            }
            for end in 1..quoted.len() {
                prop_assert!(!is_certain(&read(&quoted.as_bytes()[..end], numbers)), "{:?}", &quoted[..end]);
            }
        }

        #[test]
        fn answers_are_read_with_every_separator_and_spacing(
            answers in proptest::collection::vec(any_answer(), 2..8),
            separator in proptest::sample::select(vec!["||", ";", ",", "\n", "\r\n", "\r", "||\n", ",\r\n", " ; "]),
            around in "[ \t\r\n]{0,3}",
            trailing: bool,
        ) {
            let (written, outcomes): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
            let end = if trailing { separator } else { "" };
            let body = format!("{around}{}{end}{around}", written.join(separator));
            prop_assert_eq!(read(body.as_bytes(), outcomes.len()), Ok(Outcomes::Each(outcomes.clone())), "{:?}", body);
            prop_assert!(!is_certain(&read(body.as_bytes(), outcomes.len() + 1)));

            for json in [serde_json::to_string(&written), serde_json::to_string(&body)] {
                let read = read(json.unwrap().as_bytes(), outcomes.len());
                prop_assert_eq!(read, Ok(Outcomes::Each(outcomes.clone())));
            }
        }

        #[test]
        fn an_answer_is_read_in_upper_and_lower_case((written, outcome) in any_answer(), numbers in 1..31_usize) {
            for body in [written.to_lowercase(), written.to_uppercase(), written] {
                prop_assert_eq!(read(body.as_bytes(), numbers), Ok(Outcomes::All(outcome.clone())), "{:?}", body);
            }
        }

        #[test]
        fn a_negative_answer_cut_short_never_has_another_outcome(
            code in 1000..=9999_i32,
            words in any_words(),
            numbers in 1..4_usize,
        ) {
            let words = words.map_or(String::new(), |words| format!(" = {words}"));
            let whole = format!("-{code}{words}");
            let said = read(whole.as_bytes(), numbers);
            prop_assert_eq!(&said, &Ok(Outcomes::All(outcome_of(Code(-code)))));
            for end in 0..whole.len() {
                let cut = read(&whole.as_bytes()[..end], numbers);
                prop_assert!(!is_certain(&cut) || cut == said, "{:?}", &whole[..end]);
            }
        }
    }
}
