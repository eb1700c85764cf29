//! Numbers that must not be sent to, and which list says so. It does not know how a list is read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::{Deserialize, Serialize};

use super::Msisdn;

/// One list of numbers that must not be sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressionList {
    /// What it is called.
    pub name: String,
    /// How many numbers it has that no earlier list had.
    pub numbers: u64,
}

/// The numbers of all suppression lists.
#[derive(Clone, Debug, Default)]
pub struct Suppression {
    lists: Vec<SuppressionList>,
    numbers: HashMap<u64, u32>,
}

impl Suppression {
    /// Begins another list. The numbers noted from now on are its own.
    pub fn begin(&mut self, list: impl Into<String>) {
        self.lists.push(SuppressionList {
            name: list.into(),
            numbers: 0,
        });
    }

    /// Takes a number in. Where several lists have it, the first one counts.
    pub fn note(&mut self, number: Msisdn) {
        let list = u32::try_from(self.lists.len()).unwrap_or(u32::MAX);
        if let (Entry::Vacant(place), Some(last)) =
            (self.numbers.entry(number.as_u64()), self.lists.last_mut())
        {
            place.insert(list);
            last.numbers += 1;
        }
    }

    /// Why this number is not to be sent to, if it is not.
    #[must_use]
    pub fn reason(&self, number: Msisdn) -> Option<String> {
        let list = self.numbers.get(&number.as_u64())?;
        let name = &self
            .lists
            .get(usize::try_from(*list).ok()?.checked_sub(1)?)?
            .name;
        Some(format!("the number is on the suppression list {name}"))
    }

    /// The lists, in the order in which they were begun.
    #[must_use]
    pub fn lists(&self) -> &[SuppressionList] {
        &self.lists
    }

    /// How many numbers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}
