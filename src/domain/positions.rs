//! Numbers keys in the order in which they first occur.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// Distinct keys in the order in which they first occurred.
#[derive(Debug)]
pub(super) struct Positions<K> {
    keys: Vec<K>,
    /// The position of each key. A table is in memory twice while it grows, so the keys themselves are not in it.
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl<K: Copy + Eq + Hash> Positions<K> {
    /// No keys yet.
    pub(super) fn new() -> Self {
        Self {
            keys: Vec::new(),
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// The position of this key, from 0, and whether this is its first occurrence.
    pub(super) fn position(&mut self, key: K) -> (u32, bool) {
        let next = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        let key_at = |position: &u32| self.keys[*position as usize];
        let entry = self.table.entry(
            self.hasher.hash_one(key),
            |position| key_at(position) == key,
            |position| self.hasher.hash_one(key_at(position)),
        );
        let position = *entry.or_insert(next).get();
        let is_new = position == next;
        if is_new {
            self.keys.push(key);
        }
        (position, is_new)
    }

    /// The key at a position.
    pub(super) fn key(&self, position: u32) -> Option<K> {
        self.keys.get(position as usize).copied()
    }
}
