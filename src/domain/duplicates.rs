//! Which rows repeat the number, or the number and the text, of an earlier row.

use std::cmp::Reverse;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::msisdn::Msisdn;
use super::options::DuplicateRule;
use super::place::Place;
use super::positions::Positions;

/// What an earlier row means for this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// To be sent.
    Send(Earlier),
    /// Not to be sent: this earlier row says the same.
    DuplicateOf(u32),
}

/// How many of the earlier rows to send had the same number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earlier {
    /// With the same text: none, unless repeats are kept.
    pub same_text: u32,
    /// With any text.
    pub any_text: u32,
}

/// The rows so far that could be sent.
#[derive(Debug)]
pub struct Duplicates {
    /// What counts as a duplicate.
    pub(crate) rule: DuplicateRule,
    numbers: Positions<Msisdn>,
    /// The first row of each number.
    first_rows: Vec<FirstRow>,
    /// The further rows of a number, by its position and their text.
    further_rows: HashMap<(u32, u32), SameText>,
    /// The rows of each number that more than one row has, by its position.
    repeated: HashMap<u32, SameNumber>,
    several: SeveralMessages,
}

/// The numbers that get more than one message.
#[derive(Clone, Debug, Default)]
pub struct SeveralMessages {
    /// How many numbers.
    pub numbers: u64,
    /// The messages that they get together.
    pub messages: u64,
    /// The first of these numbers, each with its first rows.
    pub examples: Vec<(Msisdn, Vec<u32>)>,
}

impl SeveralMessages {
    /// Adds a message to a number that already gets one, in `first_row`. `is_second`: it gets no other.
    fn add(&mut self, number: Msisdn, row: u32, first_row: u32, is_second: bool) {
        self.messages += 1;
        if is_second {
            self.numbers += 1;
            self.messages += 1;
            if self.examples.len() < MOST_EXAMPLES {
                self.examples.push((number, vec![first_row]));
            }
        }
        let mut examples = self.examples.iter_mut();
        if let Some((_, rows)) = examples.find(|(shown, _)| *shown == number)
            && rows.len() < MOST_EXAMPLES
        {
            rows.push(row);
        }
    }
}

/// How many numbers are shown, and how many of the rows of each.
const MOST_EXAMPLES: usize = 3;

/// The first row of a number.
#[derive(Clone, Copy, Debug)]
struct FirstRow {
    row: u32,
    text: u32,
}

/// Rows with one number and text.
#[derive(Clone, Copy, Debug)]
struct SameText {
    first_row: u32,
    rows: u32,
}

/// Rows with one number.
#[derive(Clone, Copy, Debug)]
struct SameNumber {
    rows: u32,
    to_send: u32,
}

/// A number that many rows have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatedNumber {
    /// The number.
    pub number: String,
    /// How many rows that could be sent have it.
    pub rows: u64,
    /// The first of them.
    pub first_row: u64,
    /// Where that is.
    pub place: Option<Place>,
}

/// A number that this many rows have should be looked at. No household is so large, but a spreadsheet that rounds long numbers
/// turns hundreds of people into one.
const SUSPICIOUS_ROWS: u32 = 12;

impl Duplicates {
    /// No rows yet.
    #[must_use]
    pub fn new(rule: DuplicateRule) -> Self {
        Self {
            rule,
            numbers: Positions::new(),
            first_rows: Vec::new(),
            further_rows: HashMap::new(),
            repeated: HashMap::new(),
            several: SeveralMessages::default(),
        }
    }

    /// The numbers that suspiciously many rows have, those with the most rows first.
    #[must_use]
    pub fn repeated_numbers(&self) -> Vec<RepeatedNumber> {
        let mut repeated: Vec<RepeatedNumber> = self
            .repeated
            .iter()
            .filter(|(_, same)| same.rows >= SUSPICIOUS_ROWS)
            .filter_map(|(position, same)| {
                Some(RepeatedNumber {
                    number: self.numbers.key(*position)?.to_string(),
                    rows: u64::from(same.rows),
                    first_row: self.first_rows[*position as usize].row.into(),
                    place: None,
                })
            })
            .collect();
        repeated.sort_by_key(|number| (Reverse(number.rows), number.first_row));
        repeated
    }

    /// The numbers that get more than one message.
    #[must_use]
    pub fn several_messages(&self) -> &SeveralMessages {
        &self.several
    }

    /// Adds a row that could be sent. `text` is the number of its text.
    pub fn add(&mut self, row: u32, number: Msisdn, text: u32) -> Repeat {
        let (position, is_new) = self.numbers.position(number);
        if is_new {
            self.first_rows.push(FirstRow { row, text });
            return Repeat::Send(Earlier::default());
        }
        let repeat = self.repeat(position, row, text);
        if let Repeat::Send(earlier) = repeat {
            let first_row = self.first_rows[position as usize].row;
            self.several
                .add(number, row, first_row, earlier.any_text == 1);
        }
        repeat
    }

    /// What earlier rows of the number at this position mean for a further one.
    fn repeat(&mut self, position: u32, row: u32, text: u32) -> Repeat {
        let first = self.first_rows[position as usize];
        let same_number = self.repeated.entry(position).or_insert(SameNumber {
            rows: 1,
            to_send: 1,
        });
        same_number.rows += 1;
        match self.rule {
            DuplicateRule::Number => return Repeat::DuplicateOf(first.row),
            DuplicateRule::Message if first.text == text => return Repeat::DuplicateOf(first.row),
            DuplicateRule::Message | DuplicateRule::Keep => {}
        }
        let seen = self
            .further_rows
            .entry((position, text))
            .or_insert(SameText {
                first_row: row,
                rows: u32::from(first.text == text),
            });
        let earlier = Earlier {
            same_text: seen.rows,
            any_text: same_number.to_send,
        };
        seen.rows += 1;
        if self.rule == DuplicateRule::Message && earlier.same_text > 0 {
            return Repeat::DuplicateOf(seen.first_row);
        }
        same_number.to_send += 1;
        Repeat::Send(earlier)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Repeat::DuplicateOf as Of;
    use super::*;

    /// To be sent, after this many rows with the same number and text, and with the same number.
    fn send(same_text: u32, any_text: u32) -> Repeat {
        Repeat::Send(Earlier {
            same_text,
            any_text,
        })
    }

    #[test]
    fn the_three_rules() {
        // (number, text) of rows 1, 2, 3, ...
        let rows = [(1, 0), (1, 0), (1, 1), (2, 0), (1, 1), (1, 0), (1, 1)];
        let all = |rule| {
            let mut duplicates = Duplicates::new(rule);
            rows.iter()
                .zip(1..)
                .map(|((number, text), row)| {
                    let number = Msisdn::from_digits(&format!("6012000000{number}")).unwrap();
                    duplicates.add(row, number, *text)
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(
            all(DuplicateRule::Number),
            [send(0, 0), Of(1), Of(1), send(0, 0), Of(1), Of(1), Of(1)]
        );
        assert_eq!(
            all(DuplicateRule::Message),
            [
                send(0, 0),
                Of(1),
                send(0, 1),
                send(0, 0),
                Of(3),
                Of(1),
                Of(3)
            ]
        );
        assert_eq!(
            all(DuplicateRule::Keep),
            [
                send(0, 0),
                send(1, 1),
                send(0, 2),
                send(0, 0),
                send(1, 3),
                send(2, 4),
                send(2, 5)
            ]
        );
    }

    #[test]
    fn a_number_that_many_rows_have_is_reported_under_every_rule() {
        for rule in [
            DuplicateRule::Number,
            DuplicateRule::Message,
            DuplicateRule::Keep,
        ] {
            let mut duplicates = Duplicates::new(rule);
            let number = |digits| Msisdn::from_digits(digits).unwrap();
            for row in 1..=11 {
                duplicates.add(row, number("60120000001"), row % 2);
                duplicates.add(row + 100, number("60120000000"), row);
            }
            assert_eq!(duplicates.repeated_numbers(), []);
            duplicates.add(200, number("60120000000"), 0);
            let repeated = RepeatedNumber {
                number: "60120000000".to_owned(),
                rows: 12,
                first_row: 101,
                place: None,
            };
            assert_eq!(duplicates.repeated_numbers(), [repeated]);
        }
    }
}
