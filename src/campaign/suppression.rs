//! Numbers that must not be sent to, and which list says so. It does not know how a list is read.

use std::collections::HashMap;

use super::Msisdn;

/// The numbers of all suppression lists.
#[derive(Clone, Debug, Default)]
pub struct Suppression {
    lists: Vec<String>,
    numbers: HashMap<u64, u32>,
}

impl Suppression {
    /// Begins another list. The numbers noted from now on are its own.
    pub fn begin(&mut self, list: impl Into<String>) {
        self.lists.push(list.into());
    }

    /// Takes a number in. Where several lists have it, the first one counts.
    pub fn note(&mut self, number: Msisdn) {
        let list = u32::try_from(self.lists.len()).unwrap_or(u32::MAX);
        self.numbers.entry(number.as_u64()).or_insert(list);
    }

    /// Why this number is not to be sent to, if it is not.
    #[must_use]
    pub fn reason(&self, number: Msisdn) -> Option<String> {
        let list = self.numbers.get(&number.as_u64())?;
        let name = self
            .lists
            .get(usize::try_from(*list).ok()?.checked_sub(1)?)?;
        Some(format!("the number is on the suppression list {name}"))
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
