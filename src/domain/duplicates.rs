//! Which rows say again what an earlier row said. It does not know how texts are stored; a text is its number.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasher;

use hashbrown::hash_table::Entry as Place;
use hashbrown::{DefaultHashBuilder, HashTable};
use serde::{Deserialize, Serialize};

use super::Msisdn;

/// What counts as a duplicate (`--duplicates`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The same number, whatever the text.
    Number,
    /// The same number and the same text.
    Message,
    /// Nothing: repeats are sent.
    Keep,
}

impl Rule {
    /// The word of the option.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Message => "message",
            Self::Keep => "keep",
        }
    }
}

/// What an earlier row means for this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// To be sent. So many earlier rows had the same number and text: 0, unless repeats are kept.
    Send(u32),
    /// Not to be sent: this earlier row says the same.
    Of(u32),
}

/// The sendable rows so far, as far as a duplicate can be told from them.
#[derive(Debug)]
pub struct Duplicates {
    rule: Rule,
    /// Each number, in the order of their first rows. Nearly every number comes once, so this is what memory goes into.
    numbers: Vec<u64>,
    /// Where each stands among them. A table of places is small, and while it grows it is there twice.
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The first row of each.
    rows: Counting,
    /// The text of that row.
    texts: Counting,
    /// The first row of each further text to the same number, and how often it came.
    further: HashMap<(u64, u32), (u32, u32)>,
    /// How many rows came for each number of which there was more than one.
    again: HashMap<u64, u32>,
}

/// A list of which mostly each is one more than the last, as rows are and the texts of a personalised campaign, or the same, as the text
/// of a broadcast is. Only where that changes it takes memory.
#[derive(Debug, Default)]
struct Counting {
    runs: Vec<Run>,
}

/// Values that follow from the first.
#[derive(Clone, Copy, Debug)]
struct Run {
    begin: u32,
    first: u32,
    /// 1 or 0.
    step: u32,
}

impl Run {
    /// What stands at a place that is not before its beginning.
    fn at(self, place: u32) -> u32 {
        self.first.saturating_add(self.step * (place - self.begin))
    }
}

impl Counting {
    /// Places are set in ascending order, none left out.
    fn set(&mut self, place: u32, value: u32) {
        if let Some(last) = self.runs.last_mut() {
            if last.at(place) == value {
                return;
            }
            if last.begin + 1 == place && last.first == value {
                last.step = 0;
                return;
            }
        }
        self.runs.push(Run {
            begin: place,
            first: value,
            step: 1,
        });
    }

    /// What was set at this place.
    fn get(&self, place: u32) -> u32 {
        let behind = self.runs.partition_point(|run| run.begin <= place);
        let run = behind.checked_sub(1).map(|last| self.runs[last]);
        run.map_or(0, |run| run.at(place))
    }
}

/// A number that stands in many rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatedNumber {
    /// The number.
    pub number: String,
    /// The rows that have it and could be sent.
    pub rows: u64,
    /// The first of them.
    pub first_row: u64,
}

/// From so many rows with one number on somebody should look at them: no household is so large, but a spreadsheet that rounds
/// long numbers makes hundreds of people one.
const CROWD: u32 = 12;

impl Duplicates {
    /// No rows yet.
    #[must_use]
    pub fn new(rule: Rule) -> Self {
        Self {
            rule,
            numbers: Vec::new(),
            places: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            rows: Counting::default(),
            texts: Counting::default(),
            further: HashMap::new(),
            again: HashMap::new(),
        }
    }

    /// What counts as a duplicate.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// The numbers that stand in suspiciously many rows, those with the most rows first.
    #[must_use]
    pub fn crowds(&self) -> Vec<RepeatedNumber> {
        let mut crowds: Vec<RepeatedNumber> = self
            .again
            .iter()
            .filter(|(_, rows)| **rows >= CROWD)
            .map(|(number, rows)| RepeatedNumber {
                number: number.to_string(),
                rows: u64::from(*rows),
                first_row: self
                    .place(*number)
                    .map_or(0, |place| self.rows.get(place).into()),
            })
            .collect();
        crowds.sort_by_key(|crowd| (Reverse(crowd.rows), crowd.first_row));
        crowds
    }

    fn place(&self, number: u64) -> Option<u32> {
        let is_it = |place: &u32| self.numbers[*place as usize] == number;
        let hash = self.hasher.hash_one(number);
        self.places.find(hash, is_it).copied()
    }

    /// The place of this number, and whether it is new.
    fn place_or_insert(&mut self, number: u64) -> (u32, bool) {
        let Self {
            numbers,
            places,
            hasher,
            ..
        } = self;
        let number_at = |place: &u32| numbers[*place as usize];
        match places.entry(
            hasher.hash_one(number),
            |place| number_at(place) == number,
            |place| hasher.hash_one(number_at(place)),
        ) {
            Place::Occupied(place) => (*place.get(), false),
            Place::Vacant(vacant) => {
                let place = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
                vacant.insert(place);
                numbers.push(number);
                (place, true)
            }
        }
    }

    /// Takes a row in that could be sent, with the number of its text.
    pub fn note(&mut self, row: u32, number: Msisdn, text: u32) -> Repeat {
        let (place, new) = self.place_or_insert(number.as_u64());
        if new {
            self.rows.set(place, row);
            if self.rule != Rule::Number {
                self.texts.set(place, text);
            }
            return Repeat::Send(0);
        }
        let first_row = self.rows.get(place);
        let first_text = self.texts.get(place);
        *self.again.entry(number.as_u64()).or_insert(1) += 1;
        if self.rule == Rule::Number || (self.rule == Rule::Message && first_text == text) {
            return Repeat::Of(first_row);
        }
        let earlier = u32::from(first_text == text);
        match (self.rule, self.further.entry((number.as_u64(), text))) {
            (_, Entry::Vacant(place)) => {
                place.insert((row, earlier + 1));
                Repeat::Send(earlier)
            }
            (Rule::Keep, Entry::Occupied(mut further)) => {
                let (_, times) = further.get_mut();
                *times += 1;
                Repeat::Send(*times - 1)
            }
            (_, Entry::Occupied(further)) => Repeat::Of(further.get().0),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::Repeat::{Of, Send};
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_was_set_is_read_again(steps in prop::collection::vec(-1_i32..4, 0..50)) {
            let mut counting = Counting::default();
            let mut value = 1_000_u32;
            let mut all = Vec::new();
            for (place, up) in (0..).zip(steps) {
                // Mostly 0 and 1.
                value = value.saturating_add_signed(if up == 3 { 1 } else { up });
                all.push((place, value));
                counting.set(place, value);
            }
            for (place, value) in all {
                prop_assert_eq!(counting.get(place), value);
            }
        }
    }

    #[test]
    fn what_stays_or_counts_on_takes_no_memory() {
        for values in [[7; 5], [7, 8, 9, 10, 11]] {
            let mut counting = Counting::default();
            for (place, value) in (0..).zip(values) {
                counting.set(place, value);
            }
            assert_eq!(counting.runs.len(), 1);
        }
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
                    duplicates.note(row, number, *text)
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(
            all(Rule::Number),
            [Send(0), Of(1), Of(1), Send(0), Of(1), Of(1), Of(1)]
        );
        assert_eq!(
            all(Rule::Message),
            [Send(0), Of(1), Send(0), Send(0), Of(3), Of(1), Of(3)]
        );
        assert_eq!(
            all(Rule::Keep),
            [
                Send(0),
                Send(1),
                Send(0),
                Send(0),
                Send(1),
                Send(2),
                Send(2)
            ]
        );
    }

    #[test]
    fn a_number_that_many_rows_share_is_pointed_out_whatever_the_rule() {
        for rule in [Rule::Number, Rule::Message, Rule::Keep] {
            let mut duplicates = Duplicates::new(rule);
            let number = |digits| Msisdn::from_digits(digits).unwrap();
            for row in 1..=11 {
                duplicates.note(row, number("60120000001"), row % 2);
                duplicates.note(row + 100, number("60120000000"), row);
            }
            assert_eq!(duplicates.crowds(), []);
            duplicates.note(200, number("60120000000"), 0);
            let crowd = RepeatedNumber {
                number: "60120000000".to_owned(),
                rows: 12,
                first_row: 101,
            };
            assert_eq!(duplicates.crowds(), [crowd]);
        }
    }
}
