//! Numbers that must not be sent to, and the list that each of them is on.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::{Deserialize, Serialize};

use super::msisdn::Msisdn;
use super::timestamp::Timestamp;

/// One list of numbers that must not be sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressionList {
    /// Its name.
    pub name: String,
    /// How many numbers it has that no earlier list has.
    pub numbers: u64,
}

/// The numbers that other campaigns have reached lately.
#[derive(Clone, Debug, Default)]
pub struct Reached {
    /// When some of them were reached, and why nothing is sent to these.
    times: Vec<(Timestamp, String)>,
    /// The position of each number's time.
    numbers: HashMap<Msisdn, usize>,
}

impl Reached {
    /// The numbers added from now on were reached at this time.
    pub fn begin(&mut self, at: Timestamp, reason: String) {
        self.times.push((at, reason));
    }

    /// Adds a number. Of several times the last one counts.
    pub fn add(&mut self, number: Msisdn) {
        let Some(current) = self.times.len().checked_sub(1) else {
            return;
        };
        let place = self.numbers.entry(number).or_insert(current);
        if self.times[*place].0 < self.times[current].0 {
            *place = current;
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// When this number was reached, if it was.
    #[must_use]
    pub fn time(&self, number: Msisdn) -> Option<&Timestamp> {
        let time = self.numbers.get(&number)?;
        self.times.get(*time).map(|(at, _)| at)
    }

    /// Why this number is not to be sent to, if it was reached.
    #[must_use]
    pub fn reason(&self, number: Msisdn) -> Option<String> {
        let time = self.numbers.get(&number)?;
        Some(self.times.get(*time)?.1.clone())
    }
}

/// The numbers of all suppression lists.
#[derive(Clone, Debug, Default)]
pub struct Suppression {
    /// Numbers that are on none of them, and that nothing is sent to either.
    pub reached: Reached,
    /// The lists, in the order in which they began.
    pub(crate) lists: Vec<SuppressionList>,
    /// The list that numbers are added to.
    current: usize,
    /// The position of each number's list.
    numbers: HashMap<Msisdn, usize>,
}

impl Suppression {
    /// The lists, with those that were reached as the last one.
    #[must_use]
    pub fn counted(&self) -> Vec<SuppressionList> {
        let reached = SuppressionList {
            name: "reached lately by other campaigns".to_owned(),
            numbers: self.reached.numbers.len() as u64,
        };
        let reached = Some(reached).filter(|reached| reached.numbers > 0);
        self.lists.iter().cloned().chain(reached).collect()
    }

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
        if let Some(list) = self.numbers.get(&number) {
            let name = &self.lists.get(*list)?.name;
            return Some(format!("the number is on the suppression list {name}"));
        }
        self.reached.reason(number)
    }

    /// Whether there is no such number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.reached.is_empty()
    }
}
