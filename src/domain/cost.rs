//! Why the texts of a campaign cost what they cost: characters that force Unicode, and long values that make some texts more
//! expensive than most.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::encoding::Encoding;
use super::example::Example;
use super::text::Text;

/// How many of the columns that a template uses are measured. Templates use a handful.
pub const MEASURED_COLUMNS: usize = 8;

/// The lengths, in characters, of the cells that a text was rendered from: those of the first columns that its template uses.
pub type CellLengths = [u16; MEASURED_COLUMNS];

/// A text with more different characters that force Unicode is written in another script, and was never meant to be ASCII.
const MOST_CHARACTERS: usize = 3;

/// How many causes are counted separately. The rest are counted together.
const MOST_CAUSES: usize = 200;

/// Rows whose texts are Unicode for the same reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnicodeCause {
    /// The characters that force Unicode; empty where a text has many of them, like one in Chinese.
    pub characters: String,
    /// Rows to send.
    pub rows: u64,
    /// How many credits fewer they would cost if the characters were ASCII.
    pub credits_more: u64,
    /// The first of them.
    pub example: Option<Example>,
}

/// Rows that cost more than most because of a long value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongValues {
    /// Rows to send.
    pub rows: u64,
    /// The most that one of them costs.
    pub credits: u32,
    /// What most rows cost.
    pub usual_credits: u32,
    /// The header of the column whose values are longer than in other rows; none where the template uses no column.
    pub column: Option<String>,
    /// How many characters fewer in each text would save the credits.
    pub characters: u32,
    /// The credits that would be saved.
    pub saves: u64,
    /// The first of those that cost the most.
    pub example: Option<Example>,
}

/// The sums over all rows to send.
#[derive(Debug, Default)]
pub struct Costs {
    /// By the characters that force Unicode.
    unicode: BTreeMap<String, UnicodeCause>,
    /// By encoding and credits.
    levels: BTreeMap<(Encoding, u32), Level>,
}

/// The rows that cost the same.
#[derive(Debug, Default)]
struct Level {
    rows: u64,
    most_units: u32,
    example: Option<Example>,
    lengths: [u64; MEASURED_COLUMNS],
}

impl Costs {
    /// Adds a text to send. `forces_unicode` says of a character that it cannot be sent as ASCII; `example` makes an example of
    /// the row for a part of its text.
    pub fn add(
        &mut self,
        text: &Text,
        lengths: &CellLengths,
        forces_unicode: impl Fn(char) -> bool,
        example: impl Fn(&str) -> Example,
    ) {
        let level = self
            .levels
            .entry((text.encoding, text.credits()))
            .or_default();
        level.rows += 1;
        level.example.get_or_insert_with(|| example(""));
        level.most_units = level.most_units.max(text.units);
        for (sum, length) in level.lengths.iter_mut().zip(lengths) {
            *sum += u64::from(*length);
        }
        if text.encoding == Encoding::Unicode {
            self.add_unicode(text, forces_unicode, example);
        }
    }

    fn add_unicode(
        &mut self,
        text: &Text,
        forces_unicode: impl Fn(char) -> bool,
        example: impl Fn(&str) -> Example,
    ) {
        let mut characters = Vec::new();
        for c in text.body.chars().filter(|c| forces_unicode(*c)) {
            if !characters.contains(&c) {
                characters.push(c);
            }
            if characters.len() > MOST_CHARACTERS {
                characters.clear();
                break;
            }
        }
        characters.sort_unstable();
        let mut characters = String::from_iter(characters);
        if self.unicode.len() >= MOST_CAUSES && !self.unicode.contains_key(&characters) {
            characters.clear();
        }
        let length = u32::try_from(text.body.chars().count()).unwrap_or(u32::MAX);
        let as_ascii = Encoding::Ascii.credits(length);
        let cause = self
            .unicode
            .entry(characters)
            .or_insert_with_key(|characters| UnicodeCause {
                characters: characters.clone(),
                ..UnicodeCause::default()
            });
        cause.rows += 1;
        cause.example.get_or_insert_with(|| {
            let first = text.body.split_inclusive(forces_unicode).next();
            let end = first.map_or(0, str::len);
            example(&word_at(&text.body, end))
        });
        cause.credits_more += u64::from(text.credits().saturating_sub(as_ascii));
    }

    /// What forces Unicode, the most frequent cause first.
    #[must_use]
    pub fn unicode(&self) -> Vec<UnicodeCause> {
        let mut causes: Vec<UnicodeCause> = self.unicode.values().cloned().collect();
        causes.sort_by_key(|cause| Reverse(cause.rows));
        causes
    }

    /// For each encoding, the rows that cost more than most. `columns` are the indexes and headers of the measured columns.
    #[must_use]
    pub fn long_values(&self, columns: &[(usize, String)]) -> Vec<LongValues> {
        [Encoding::Ascii, Encoding::Unicode]
            .into_iter()
            .filter_map(|encoding| self.long_values_in(encoding, columns))
            .collect()
    }

    fn long_values_in(
        &self,
        encoding: Encoding,
        columns: &[(usize, String)],
    ) -> Option<LongValues> {
        let levels: Vec<(u32, &Level)> = self
            .levels
            .range((encoding, 0)..=(encoding, u32::MAX))
            .map(|((_, credits), level)| (*credits, level))
            .collect();
        // Of two levels with equally many rows the cheaper one is the usual one.
        let (usual_credits, usual) = *levels
            .iter()
            .max_by_key(|(credits, level)| (level.rows, Reverse(*credits)))?;
        // The levels are in the order of their credits.
        let above = &levels[levels.partition_point(|(credits, _)| *credits <= usual_credits)..];
        let (credits, highest) = *above.last()?;
        let rows: u64 = above.iter().map(|(_, level)| level.rows).sum();
        let longer_by = |column: usize| {
            let sum: u64 = above.iter().map(|(_, level)| level.lengths[column]).sum();
            (sum / rows.max(1)).saturating_sub(usual.lengths[column] / usual.rows.max(1))
        };
        let column = (0..columns.len().min(MEASURED_COLUMNS))
            .max_by_key(|&column| (longer_by(column), Reverse(column)))
            .filter(|&column| longer_by(column) > 0);
        let mut example = highest.example.clone();
        if let (Some(example), Some(column)) = (&mut example, column) {
            let places = example.places.iter();
            example.places = places
                .map(|place| place.in_column(columns[column].0))
                .collect();
        }
        Some(LongValues {
            example,
            rows,
            credits,
            usual_credits,
            column: column.map(|column| columns[column].1.clone()),
            characters: highest
                .most_units
                .saturating_sub(usual_credits * encoding.units_per_credit()),
            saves: above
                .iter()
                .map(|(credits, level)| u64::from(credits - usual_credits) * level.rows)
                .sum(),
        })
    }
}

/// The most characters of a word in an example.
const LONGEST_WORD: usize = 30;

/// The word that this is in the middle of, without punctuation at its end.
fn word_at(text: &str, end: usize) -> String {
    let (before, after) = text.split_at(end);
    let start = before.trim_end_matches(|c: char| !c.is_whitespace());
    let rest = after.split(char::is_whitespace).next().unwrap_or_default();
    let word = format!("{}{rest}", &before[start.len()..]);
    word.trim_end_matches([',', '.', '!', '?'])
        .chars()
        .take(LONGEST_WORD)
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::domain::options::{Punctuation, TextType};

    fn costs_of(texts: &[(&str, [u16; 2])]) -> Costs {
        let mut costs = Costs::default();
        for (text, [first, second]) in texts {
            let text = Text::compose(*text, TextType::Auto, Punctuation::Keep).unwrap();
            let mut lengths = CellLengths::default();
            lengths[..2].copy_from_slice(&[*first, *second]);
            costs.add(
                &text,
                &lengths,
                |c| !c.is_ascii(),
                |excerpt| Example {
                    places: Vec::new(),
                    column: None,
                    excerpt: excerpt.to_owned(),
                    text: None,
                },
            );
        }
        costs
    }

    #[test]
    fn names_the_characters_that_force_unicode_and_what_they_cost() {
        let long = format!("It’s {}", "a".repeat(100));
        let causes = costs_of(&[
            ("It’s here", [0, 0]),
            (&long, [0, 0]),
            ("plain", [0, 0]),
            ("您好，小明，再见", [0, 0]),
            ("Renée’s café", [0, 0]),
        ])
        .unicode();
        let found: Vec<_> = causes
            .iter()
            .map(|cause| {
                let example = cause.example.as_ref().unwrap();
                let excerpt = example.excerpt.as_str();
                (
                    cause.characters.as_str(),
                    cause.rows,
                    cause.credits_more,
                    excerpt,
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                ("’", 2, 1, "It’s"),
                ("", 1, 0, "您好，小明，再见"),
                ("é’", 1, 0, "Renée’s")
            ]
        );
    }

    #[test]
    fn names_the_column_that_makes_some_rows_more_expensive() {
        let (usual, long, longest) = ("a".repeat(150), "a".repeat(157), "a".repeat(310));
        let columns = [(0, "Name".to_owned()), (1, "Town".to_owned())];
        let costs = costs_of(&[
            (&usual, [5, 9]),
            (&usual, [6, 8]),
            (&usual, [5, 9]),
            (&long, [13, 8]),
            (&long, [12, 9]),
        ]);
        let expected = |rows, credits, column: Option<&str>, characters, saves| LongValues {
            rows,
            credits,
            usual_credits: 1,
            column: column.map(str::to_owned),
            characters,
            saves,
            example: None,
        };
        let long_values = |costs: &Costs, columns| {
            let mut values = costs.long_values(columns);
            for value in &mut values {
                assert!(value.example.take().is_some());
            }
            values
        };
        assert_eq!(
            long_values(&costs, &columns),
            [expected(2, 2, Some("Name"), 4, 2)]
        );
        assert_eq!(long_values(&costs, &[]), [expected(2, 2, None, 4, 2)]);
        let costs = costs_of(&[(&usual, [5, 9]), (&usual, [5, 9]), (&longest, [5, 160])]);
        assert_eq!(
            long_values(&costs, &columns),
            [expected(1, 3, Some("Town"), 157, 2)]
        );
        // All cost the same; or most cost the most.
        assert_eq!(costs_of(&[(&long, [5, 9])]).long_values(&columns), []);
        let costs = costs_of(&[(&long, [5, 9]), (&long, [5, 9]), (&usual, [5, 9])]);
        assert_eq!(costs.long_values(&columns), []);
    }
}
