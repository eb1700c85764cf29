//! An operator's word: what is unknown or refused is settled by a person who knows better. Every word is written
//! down, in the same transaction as what it changes. It asks nobody.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use rusqlite::params;

use super::book::{BatchId, Ledger};
use super::state::{Event, State};
use super::{failed, snapshot};
use crate::domain::Timestamp;
use crate::{Error, Kind, Result};

/// Which rows an operator speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Every unknown one.
    AllUnknown,
    /// Those of this batch.
    Batch(u64),
    /// These.
    Rows(Vec<RangeInclusive<u64>>),
}

/// What an operator says of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// They went out.
    Accepted {
        /// Under this transaction id, where it is known.
        trx_id: Option<String>,
    },
    /// They did not, and are to be sent.
    NotSent,
}

impl Resolution {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => snapshot::ACCEPTED,
            Self::NotSent => snapshot::NOT_SENT,
        }
    }
}

/// Rows of one batch: those that were selected, and whether others stay behind.
struct Part {
    state: State,
    selected: Vec<i64>,
    rest: Vec<i64>,
}

impl Ledger {
    /// Settles the selected rows as an operator says, all of them or none. Returns how many.
    pub fn decide(
        &mut self,
        selection: &Selection,
        word: &Resolution,
        note: Option<&str>,
        at: &Timestamp,
    ) -> Result<u64> {
        let parts = self.parts(selection)?;
        let rows: Vec<i64> = parts
            .values()
            .flat_map(|part| part.selected.iter().copied())
            .collect();
        if rows.is_empty() {
            return Ok(0);
        }
        self.transaction(|book| {
            let trx_id = match word {
                Resolution::Accepted { trx_id } => trx_id.as_deref(),
                Resolution::NotSent => None,
            };
            book.change(
                "INSERT INTO decision (decided_at, rows, word, trx_id, note) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![at.to_string(), ranges(&rows), word.as_str(), trx_id, note],
            )?;
            let decision = book.connection.last_insert_rowid();
            for (batch, part) in &parts {
                book.settle_part(BatchId(*batch), part, word, decision)?;
            }
            Ok(rows.len() as u64)
        })
    }

    fn settle_part(
        &mut self,
        batch: BatchId,
        part: &Part,
        word: &Resolution,
        decision: i64,
    ) -> Result<()> {
        let batch = if part.rest.is_empty() {
            batch
        } else {
            self.divide(batch, part.state, &[&part.selected, &part.rest])?[0]
        };
        match word {
            Resolution::Accepted { trx_id } => self.step(
                batch,
                part.state,
                Event::DeclareAccepted,
                "decision = ?4, trx_id = coalesce(?5, trx_id)",
                &[&decision, trx_id],
            ),
            Resolution::NotSent => self.step(
                batch,
                part.state,
                Event::DeclareNotSent,
                "decision = ?4",
                &[&decision],
            ),
        }
    }

    /// The selected rows by batch. A row that nobody may decide about is an error.
    fn parts(&self, selection: &Selection) -> Result<BTreeMap<i64, Part>> {
        let batches = match selection {
            Selection::AllUnknown => {
                self.column("SELECT id FROM batch WHERE state = 'unknown'", [])?
            }
            Selection::Batch(id) => vec![id.cast_signed()],
            Selection::Rows(ranges) => self.batches_of(ranges)?,
        };
        let chosen = |row: i64| match selection {
            Selection::Rows(ranges) => ranges
                .iter()
                .any(|range| range.contains(&row.cast_unsigned())),
            _ => true,
        };
        batches
            .into_iter()
            .map(|id| {
                let state = self.state_of(id)?;
                if !matches!(state, Some(State::Unknown | State::Refused)) {
                    return Err(Error::new(
                        Kind::Ledger,
                        match state {
                            Some(state) => format!("batch {id} is {state}"),
                            None => format!("there is no batch {id}"),
                        },
                    )
                    .hint("only unknown and refused rows can be resolved; see the results"));
                }
                let rows = self.column(
                    "SELECT row FROM recipient WHERE batch_id = ?1 ORDER BY row",
                    [id],
                )?;
                let (selected, rest) = rows.into_iter().partition(|row| chosen(*row));
                let state = state.unwrap_or(State::Unknown);
                Ok((
                    id,
                    Part {
                        state,
                        selected,
                        rest,
                    },
                ))
            })
            .collect()
    }

    fn batches_of(&self, ranges: &[RangeInclusive<u64>]) -> Result<Vec<i64>> {
        let mut batches = Vec::new();
        for range in ranges {
            let (first, last) = (range.start().cast_signed(), range.end().cast_signed());
            let found = self.column(
                "SELECT count(*) FROM recipient WHERE row BETWEEN ?1 AND ?2 AND batch_id IS NOT NULL",
                [first, last],
            )?;
            if found != [last - first + 1] {
                return Err(Error::new(
                    Kind::Ledger,
                    format!("not every row of {first}-{last} is there and was to be sent"),
                )
                .hint("only unknown and refused rows can be resolved; see the results"));
            }
            batches.extend(self.column(
                "SELECT DISTINCT batch_id FROM recipient WHERE row BETWEEN ?1 AND ?2",
                [first, last],
            )?);
        }
        Ok(batches)
    }

    fn state_of(&self, batch: i64) -> Result<Option<State>> {
        use rusqlite::OptionalExtension;
        let word: Option<String> = self
            .connection
            .query_row("SELECT state FROM batch WHERE id = ?1", [batch], |row| {
                row.get(0)
            })
            .optional()
            .map_err(|fault| failed(&fault))?;
        Ok(word.as_deref().and_then(State::parse))
    }
}

/// Rows in the form in which they are named on the command line: `3,17-20`.
fn ranges(rows: &[i64]) -> String {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    for row in rows {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == row => *last = row,
            _ => ranges.push((row, row)),
        }
    }
    ranges
        .into_iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    #[test]
    fn rows_are_written_as_they_are_named() {
        assert_eq!(super::ranges(&[20, 3, 18, 17, 19]), "3,17-20");
    }
}
