//! Decisions of an operator about unknown and refused rows. Each is recorded in the same transaction as what it changes.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use rusqlite::{OptionalExtension, params};

use super::open::Ledger;
use crate::domain::Timestamp;
use crate::ledger::batch::BatchId;
use crate::ledger::state::{Event, State};
use crate::{Error, Kind, Result};

/// Which rows an operator resolves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Every unknown row.
    AllUnknown,
    /// The rows of this batch.
    Batch(u64),
    /// The rows with these numbers.
    Rows(Vec<RangeInclusive<u64>>),
}

/// What an operator says about rows.
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
    /// The word that the ledger stores.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::NotSent => "not-sent",
        }
    }

    fn trx_id(&self) -> Option<&str> {
        match self {
            Self::Accepted { trx_id } => trx_id.as_deref(),
            Self::NotSent => None,
        }
    }
}

/// A batch with selected rows.
struct SelectedBatch {
    id: BatchId,
    state: State,
    selected: Vec<i64>,
    /// Its other rows.
    others: Vec<i64>,
}

impl Ledger {
    /// Changes the selected rows as an operator says, all of them or none. Returns how many.
    pub fn resolve(
        &mut self,
        selection: &Selection,
        resolution: &Resolution,
        note: Option<&str>,
        at: &Timestamp,
    ) -> Result<u64> {
        let batches = self.selected_batches(selection)?;
        let rows: Vec<i64> = batches
            .iter()
            .flat_map(|batch| batch.selected.iter().copied())
            .collect();
        if rows.is_empty() {
            return Ok(0);
        }
        self.transaction(|ledger| {
            ledger.execute(
                "INSERT INTO decision (decided_at, rows, resolution, trx_id, note) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![at.to_string(), ranges(&rows), resolution.as_str(), resolution.trx_id(), note],
            )?;
            let decision = ledger.connection.last_insert_rowid();
            for batch in &batches {
                ledger.resolve_batch(batch, resolution, decision)?;
            }
            Ok(rows.len() as u64)
        })
    }

    fn resolve_batch(
        &mut self,
        batch: &SelectedBatch,
        resolution: &Resolution,
        decision: i64,
    ) -> Result<()> {
        let from = batch.state;
        let id = if batch.others.is_empty() {
            batch.id
        } else {
            self.split(batch.id, from, &[&batch.selected, &batch.others])?[0]
        };
        let event = match resolution {
            Resolution::Accepted { .. } => Event::ResolveAccepted,
            Resolution::NotSent => Event::ResolveNotSent,
        };
        let fields = "decision = ?4, trx_id = coalesce(?5, trx_id)";
        self.transition(id, from, event, fields, &[&decision, &resolution.trx_id()])
    }

    /// The batches of the selected rows. A row that cannot be resolved is an error.
    fn selected_batches(&self, selection: &Selection) -> Result<Vec<SelectedBatch>> {
        let batches = match selection {
            Selection::AllUnknown => {
                self.read_column("SELECT id FROM batch WHERE state = 'unknown'", [])?
            }
            Selection::Batch(id) => vec![id.cast_signed()],
            Selection::Rows(ranges) => self.batches_of(ranges)?,
        };
        let is_selected = |row: i64| match selection {
            Selection::Rows(ranges) => ranges
                .iter()
                .any(|range| range.contains(&row.cast_unsigned())),
            _ => true,
        };
        batches
            .into_iter()
            .map(|id| {
                let state = self.resolvable_state(id)?;
                let rows = self.read_column(
                    "SELECT row FROM recipient WHERE batch_id = ?1 ORDER BY row",
                    [id],
                )?;
                let (selected, others) = rows.into_iter().partition(|row| is_selected(*row));
                Ok(SelectedBatch {
                    id: BatchId(id),
                    state,
                    selected,
                    others,
                })
            })
            .collect()
    }

    fn batches_of(&self, ranges: &[RangeInclusive<u64>]) -> Result<Vec<i64>> {
        let mut batches = BTreeSet::new();
        for range in ranges {
            let (first, last) = (range.start().cast_signed(), range.end().cast_signed());
            let found = self.read_column(
                "SELECT count(*) FROM recipient WHERE row BETWEEN ?1 AND ?2 AND batch_id IS NOT NULL",
                [first, last],
            )?;
            if found != [last - first + 1] {
                return Err(not_resolvable(format!(
                    "not every row of {first}-{last} exists and was to be sent"
                )));
            }
            batches.extend(self.read_column(
                "SELECT DISTINCT batch_id FROM recipient WHERE row BETWEEN ?1 AND ?2",
                [first, last],
            )?);
        }
        Ok(batches.into_iter().collect())
    }

    /// The state of a batch, which must be one that an operator can resolve.
    fn resolvable_state(&self, batch: i64) -> Result<State> {
        let stored: Option<String> = self
            .connection
            .query_row("SELECT state FROM batch WHERE id = ?1", [batch], |row| {
                row.get(0)
            })
            .optional()?;
        match stored.as_deref().and_then(State::parse) {
            Some(state @ (State::Unknown | State::Refused)) => Ok(state),
            Some(state) => Err(not_resolvable(format!("batch {batch} is {state}"))),
            None => Err(not_resolvable(format!("there is no batch {batch}"))),
        }
    }
}

fn not_resolvable(message: String) -> Error {
    Error::new(Kind::Ledger, message)
        .hint("only unknown and refused rows can be resolved; see the results")
}

/// Rows as they are written on the command line: `3,17-20`.
fn ranges(rows: &[i64]) -> String {
    let mut rows = rows.to_vec();
    rows.sort_unstable();
    let ranges = rows
        .chunk_by(|row, next| row + 1 == *next)
        .map(|range| match range {
            [first, .., last] => format!("{first}-{last}"),
            _ => range[0].to_string(),
        });
    ranges.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    #[test]
    fn rows_become_ranges() {
        assert_eq!(super::ranges(&[20, 3, 18, 17, 19]), "3,17-20");
    }
}
