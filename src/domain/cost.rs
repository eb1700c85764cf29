//! What the texts of a campaign cost and why: which characters force Unicode, and which long values make some
//! texts dearer than most. It keeps sums, never texts, and knows no screen.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Encoding, Text};

/// How many of the columns that a template uses are looked at for long values. Templates use a handful.
pub const WATCHED: usize = 8;

/// The lengths, in characters, of the cells that a text was rendered from: of the first columns that its template uses.
pub type Lengths = [u16; WATCHED];

/// How many different characters a text may have that force Unicode, and still be thought of as a text that was meant to be
/// ASCII. One with more is written in another script.
const FEW: usize = 3;

/// How many causes are told apart; the rest are counted together.
const CAUSES: usize = 200;

/// Rows whose texts are Unicode for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnicodeCause {
    /// The characters that force Unicode, few of them; empty where a text has many, as one in Chinese has.
    pub characters: String,
    /// Rows to send.
    pub rows: u64,
    /// What these cost more than if the characters were ASCII ones.
    pub credits_more: u64,
}

/// Rows that cost more than most, because of a long value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongValues {
    /// Rows to send.
    pub rows: u64,
    /// The most that one of them costs.
    pub credits: u32,
    /// What most rows cost.
    pub usual_credits: u32,
    /// The header of the column whose value is longer than in other rows; none where the template uses no column.
    pub column: Option<String>,
    /// So many characters fewer in each text would save the credits.
    pub characters: u32,
    /// The credits to be saved.
    pub saves: u64,
}

/// The sums over all rows to send.
#[derive(Debug, Default)]
pub struct Costs {
    causes: HashMap<Vec<char>, (u64, u64)>,
    /// By encoding and credits.
    levels: HashMap<(Encoding, u32), Level>,
}

#[derive(Debug, Default)]
struct Level {
    rows: u64,
    most_units: u32,
    lengths: [u64; WATCHED],
}

impl Costs {
    /// Takes in a text to send. `forcing` says of a character that it does not fit into ASCII.
    pub fn note(&mut self, text: &Text, lengths: &Lengths, forcing: impl Fn(char) -> bool) {
        let level = self
            .levels
            .entry((text.encoding(), text.credits()))
            .or_default();
        level.rows += 1;
        level.most_units = level.most_units.max(text.units());
        for (sum, length) in level.lengths.iter_mut().zip(lengths) {
            *sum += u64::from(*length);
        }
        if text.encoding() == Encoding::Unicode {
            self.note_unicode(text, forcing);
        }
    }

    fn note_unicode(&mut self, text: &Text, forcing: impl Fn(char) -> bool) {
        let mut few = Vec::new();
        for c in text.body().chars().filter(|c| forcing(*c)) {
            if !few.contains(&c) {
                few.push(c);
            }
            if few.len() > FEW {
                few.clear();
                break;
            }
        }
        few.sort_unstable();
        if self.causes.len() >= CAUSES && !self.causes.contains_key(&few) {
            few.clear();
        }
        let characters = u32::try_from(text.body().chars().count()).unwrap_or(u32::MAX);
        let as_ascii = Encoding::Ascii.credits(characters);
        let (rows, credits_more) = self.causes.entry(few).or_default();
        *rows += 1;
        *credits_more += u64::from(text.credits().saturating_sub(as_ascii));
    }

    /// What forces Unicode, the most frequent first.
    #[must_use]
    pub fn unicode(&self) -> Vec<UnicodeCause> {
        let mut causes: Vec<UnicodeCause> = self
            .causes
            .iter()
            .map(|(characters, (rows, credits_more))| UnicodeCause {
                characters: characters.iter().collect(),
                rows: *rows,
                credits_more: *credits_more,
            })
            .collect();
        causes.sort_by(|one, other| {
            (other.rows, &one.characters).cmp(&(one.rows, &other.characters))
        });
        causes
    }

    /// For each encoding, the rows that cost more than most. `columns` are the headers that the lengths belong to.
    #[must_use]
    pub fn long_values(&self, columns: &[String]) -> Vec<LongValues> {
        [Encoding::Ascii, Encoding::Unicode]
            .into_iter()
            .filter_map(|encoding| self.long_values_of(encoding, columns))
            .collect()
    }

    fn long_values_of(&self, encoding: Encoding, columns: &[String]) -> Option<LongValues> {
        let levels = || {
            self.levels
                .iter()
                .filter(move |((of, _), _)| *of == encoding)
                .map(|((_, credits), level)| (*credits, level))
        };
        // Of two levels with as many rows the cheaper one is the usual one.
        let (usual_credits, usual) =
            levels().max_by_key(|(credits, level)| (level.rows, std::cmp::Reverse(*credits)))?;
        let dear = || levels().filter(|(credits, _)| *credits > usual_credits);
        let rows: u64 = dear().map(|(_, level)| level.rows).sum();
        let (credits, dearest) = dear().max_by_key(|(credits, _)| *credits)?;
        let mean = |level: &Level, column: usize| level.lengths[column] / level.rows.max(1);
        let longer = |column: usize| {
            let dear: u64 = dear().map(|(_, level)| level.lengths[column]).sum();
            (dear / rows.max(1)).saturating_sub(mean(usual, column))
        };
        let column = (0..columns.len().min(WATCHED))
            .max_by_key(|&column| (longer(column), std::cmp::Reverse(column)))
            .filter(|&column| longer(column) > 0);
        Some(LongValues {
            rows,
            credits,
            usual_credits,
            column: column.map(|column| columns[column].clone()),
            characters: dearest
                .most_units
                .saturating_sub(usual_credits * encoding.units_per_credit()),
            saves: dear()
                .map(|(credits, level)| u64::from(credits - usual_credits) * level.rows)
                .sum(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::super::text::{Punctuation, TypeChoice};
    use super::*;

    fn noted(texts: &[(&str, [u16; 2])]) -> Costs {
        let mut costs = Costs::default();
        for (text, [first, second]) in texts {
            let text = Text::compose(*text, TypeChoice::Auto, Punctuation::Keep).unwrap();
            let mut lengths = Lengths::default();
            lengths[..2].copy_from_slice(&[*first, *second]);
            costs.note(&text, &lengths, |c| !c.is_ascii());
        }
        costs
    }

    #[test]
    fn names_the_characters_that_force_unicode_and_what_they_cost() {
        let long = format!("It’s {}", "a".repeat(100));
        let causes = noted(&[
            ("It’s here", [0, 0]),
            (&long, [0, 0]),
            ("plain", [0, 0]),
            ("您好，小明，再见", [0, 0]),
            ("Renée’s café", [0, 0]),
        ])
        .unicode();
        let cause = |characters: &str, rows, credits_more| UnicodeCause {
            characters: characters.to_owned(),
            rows,
            credits_more,
        };
        assert_eq!(
            causes,
            [cause("’", 2, 1), cause("", 1, 0), cause("é’", 1, 0)]
        );
    }

    #[test]
    fn names_the_column_that_makes_some_rows_dearer() {
        let (usual, dear, dearer) = ("a".repeat(150), "a".repeat(157), "a".repeat(310));
        let columns = ["Name".to_owned(), "Town".to_owned()];
        let costs = noted(&[
            (&usual, [5, 9]),
            (&usual, [6, 8]),
            (&usual, [5, 9]),
            (&dear, [13, 8]),
            (&dear, [12, 9]),
        ]);
        let found = |rows, credits, column: Option<&str>, characters, saves| LongValues {
            rows,
            credits,
            usual_credits: 1,
            column: column.map(str::to_owned),
            characters,
            saves,
        };
        assert_eq!(
            costs.long_values(&columns),
            [found(2, 2, Some("Name"), 4, 2)]
        );
        assert_eq!(costs.long_values(&[]), [found(2, 2, None, 4, 2)]);
        let costs = noted(&[(&usual, [5, 9]), (&usual, [5, 9]), (&dearer, [5, 160])]);
        assert_eq!(
            costs.long_values(&columns),
            [found(1, 3, Some("Town"), 157, 2)]
        );
        // All cost the same; or most cost the most.
        assert_eq!(noted(&[(&dear, [5, 9])]).long_values(&columns), []);
        let costs = noted(&[(&dear, [5, 9]), (&dear, [5, 9]), (&usual, [5, 9])]);
        assert_eq!(costs.long_values(&columns), []);
    }
}
