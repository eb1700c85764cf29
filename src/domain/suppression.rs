//! Numbers that must not be sent to, and the list that each of them is on.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::{Deserialize, Serialize};

use super::msisdn::Msisdn;

/// One list of numbers that must not be sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressionList {
    /// Its name.
    pub name: String,
    /// How many numbers it has that no earlier list has.
    pub numbers: u64,
}

/// The numbers of all suppression lists.
#[derive(Clone, Debug, Default)]
pub struct Suppression {
    /// The lists, in the order in which they began.
    pub(crate) lists: Vec<SuppressionList>,
    /// The list that numbers are added to.
    current: usize,
    /// The position of each number's list.
    numbers: HashMap<Msisdn, usize>,
}

impl Suppression {
    /// Begins another list. The numbers added from now on are its own.
    pub fn begin(&mut self, list: impl Into<String>) {
        self.current = self.lists.len();
        self.lists.push(SuppressionList {
            name: list.into(),
            numbers: 0,
        });
    }

    /// The numbers added from now on belong to the list that was begun as this one, counted from 0.
    pub fn resume(&mut self, list: usize) {
        self.current = list;
    }

    /// Adds a number. `false`: it was known already. Where several lists have it, the first one counts.
    pub fn add(&mut self, number: Msisdn) -> bool {
        match (self.numbers.entry(number), self.lists.get_mut(self.current)) {
            (Entry::Vacant(place), Some(list)) => {
                place.insert(self.current);
                list.numbers += 1;
                true
            }
            _ => false,
        }
    }

    /// Why this number is not to be sent to, if it is on a list.
    #[must_use]
    pub fn reason(&self, number: Msisdn) -> Option<String> {
        let name = &self.lists.get(*self.numbers.get(&number)?)?.name;
        Some(format!("the number is on the suppression list {name}"))
    }

    /// Whether no number is on a list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}
