//! Our own filters and tests: those that replace the engine's, which would accept a blank, and those for amounts, dates and
//! names.

// The engine passes arguments as values.
#![allow(clippy::needless_pass_by_value)]

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Value};

use super::blank::Blank;
use super::{date, money};
use crate::domain::cell::trimmed;
use crate::domain::options::DateOrder;

/// Adds our filters and tests to an engine, in place of its own with the same names. `date_order`: how all dates in numbers are
/// read.
pub(super) fn add_to(engine: &mut Environment<'_>, date_order: Option<DateOrder>) {
    engine.add_filter("default", default);
    engine.add_filter("d", default);
    engine.add_filter("float", float);
    engine.add_filter("int", int);
    engine.add_filter("money", money);
    engine.add_filter("date", move |value: Value, format: Option<Value>| {
        date(&value, format.as_ref(), date_order)
    });
    engine.add_filter("first_word", first_word);
    engine.add_test("defined", |value: Value| !is_missing(&value));
    engine.add_test("undefined", |value: Value| is_missing(&value));
}

/// A text that a filter cannot read, and why.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
struct Unreadable {
    text: String,
    what: String,
}

/// The error of a filter that cannot read this text.
fn unreadable(text: &str, what: impl Into<String>) -> Error {
    let what = what.into();
    Error::new(ErrorKind::InvalidOperation, what.clone()).with_source(Unreadable {
        text: text.to_owned(),
        what,
    })
}

/// The text that a filter could not read, if that is the error.
pub(super) fn unreadable_text(error: &Error) -> Option<&str> {
    std::error::Error::source(error)?
        .downcast_ref::<Unreadable>()
        .map(|error| error.text.as_str())
}

/// The text of a cell or of a number. A blank cell is marked as written.
fn text_of(value: &Value) -> Result<Cow<'_, str>, Error> {
    match (value.as_str(), value.kind()) {
        (Some(text), _) => Ok(Cow::Borrowed(text)),
        (None, ValueKind::Number) => Ok(Cow::Owned(value.to_string())),
        (None, ValueKind::Undefined) => Err(Error::from(ErrorKind::UndefinedError)),
        _ => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("\"{value}\" is not the text of one cell"),
        )),
    }
}

/// `amount|money`: `1,234.50`.
fn money(value: Value) -> Result<String, Error> {
    if value.kind() == ValueKind::Number {
        let number = f64::try_from(value.clone())?;
        return money::formatted_number(number)
            .map_err(|error| unreadable(&value.to_string(), error));
    }
    let text = text_of(&value)?;
    money::formatted(&text).map_err(|error| unreadable(&text, error))
}

/// A cell of a column whose dates are all read in one order.
#[derive(Debug)]
struct DateCell {
    text: String,
    order: DateOrder,
}

impl Object for DateCell {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A cell for `date`, of a column with this order of day and month.
pub(super) fn date_cell(text: &str, order: Option<DateOrder>) -> Value {
    match order {
        Some(order) => Value::from_object(DateCell {
            text: text.to_owned(),
            order,
        }),
        None => Value::from(text),
    }
}

/// `due|date("%d %b %Y")`: `22 Nov 2026`.
fn date(
    value: &Value,
    format: Option<&Value>,
    date_order: Option<DateOrder>,
) -> Result<String, Error> {
    let cell = value.downcast_object_ref::<DateCell>();
    let text = match cell {
        Some(cell) => Cow::Borrowed(cell.text.as_str()),
        None => text_of(value)?,
    };
    let format = match format {
        Some(format) => text_of(format)?,
        None => Cow::Borrowed(date::FORMAT),
    };
    let order = date_order.or(cell.map(|cell| cell.order));
    date::formatted(&text, &format, order).map_err(|error| unreadable(&text, error))
}

/// `name|first_word`: the text before the first white space, without punctuation at its end.
fn first_word(value: Value) -> Result<String, Error> {
    let text = text_of(&value)?;
    let mut words = trimmed(&text).split_whitespace();
    let first = words.next().unwrap_or_default();
    // Signs alone are no word, but what a cell holds must not vanish.
    let word = std::iter::once(first)
        .chain(words)
        .map(without_punctuation)
        .find(|word| !word.is_empty());
    Ok(word.unwrap_or(first).to_owned())
}

/// The word without punctuation at its end: `D'cruz` from `D'cruz,`. A bracket or quote stays where its partner is in the word.
fn without_punctuation(mut word: &str) -> &str {
    while let Some(last) = word.chars().next_back() {
        let before = &word[..word.len() - last.len_utf8()];
        let closes = PAIRS.iter().find(|(_, closing)| *closing == last);
        let ends = match closes {
            Some((opening, _)) => !before.contains(*opening),
            None => PUNCTUATION.contains(&last),
        };
        if !ends {
            break;
        }
        word = before;
    }
    word
}

/// Brackets and quotes, each with its partner.
const PAIRS: &[(char, char)] = &[
    ('(', ')'),
    ('[', ']'),
    ('{', '}'),
    ('<', '>'),
    ('"', '"'),
    ('\'', '\''),
    ('‘', '’'),
    ('“', '”'),
    ('«', '»'),
    ('（', '）'),
    ('「', '」'),
    ('【', '】'),
];

/// Other signs at the end of a word that are no part of it.
const PUNCTUATION: &[char] = &[
    ',', '.', ';', ':', '!', '?', '-', '–', '—', '/', '\\', '|', '&', '…', '，', '。', '；', '：',
    '！', '？', '、', '·', '،', '(', '[', '{', '（',
];

fn is_missing(value: &Value) -> bool {
    Blank::test(value) || value.is_undefined()
}

/// `value|default(other)`: the other where the value is missing, or, with a second argument of true, where it counts as
/// false.
fn default(value: Value, arguments: Rest<Value>) -> Result<Value, Error> {
    if arguments.len() > 2 {
        return Err(Error::from(ErrorKind::TooManyArguments));
    }
    let lax = arguments.get(1).is_some_and(Value::is_true);
    let other = arguments
        .first()
        .cloned()
        .unwrap_or_else(|| Value::from(""));
    if is_missing(&value) || (lax && !value.is_true()) {
        return Ok(other);
    }
    // It was looked up, but is not needed.
    Blank::test(&other);
    Ok(value)
}

/// `amount|float`, or the argument where the cell is no number. The engine's own filter accepts `nan` and `inf`, and its error
/// does not say what it could not read.
fn float(value: Value, otherwise: Option<Value>) -> Result<Value, Error> {
    match as_number(&value) {
        Ok(number) => Ok(Value::from(number)),
        Err(error) => otherwise.ok_or(error),
    }
}

/// `amount|int`: like `float`, without what follows the point.
fn int(value: Value, otherwise: Option<Value>) -> Result<Value, Error> {
    let whole = value.as_str().map_or_else(
        || i64::try_from(value.clone()).ok(),
        |text| text.trim().parse::<i64>().ok(),
    );
    match (whole, as_number(&value)) {
        (Some(whole), _) => Ok(Value::from(whole)),
        // Beyond this a float has lost its last digits.
        #[allow(clippy::cast_possible_truncation)]
        (None, Ok(number)) if number.abs() < 9e15 => Ok(Value::from(number.trunc() as i64)),
        (None, Ok(_)) => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("\"{value}\" is too large a number"),
        )),
        (None, Err(error)) => otherwise.ok_or(error),
    }
}

fn as_number(value: &Value) -> Result<f64, Error> {
    let number = match (value.as_str(), value.kind()) {
        (Some(text), _) => text.trim().parse::<f64>().ok(),
        (None, ValueKind::Number) => f64::try_from(value.clone()).ok(),
        _ => None,
    };
    number
        .filter(|number| number.is_finite())
        .ok_or_else(|| unreadable(&value.to_string(), format!("\"{value}\" is not a number")))
}
