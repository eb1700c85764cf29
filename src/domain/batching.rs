//! Which text a row shares with others, and which batch it joins. It sees fingerprints, not texts, and numbers
//! texts and batches from 1 in the order in which they come.

use std::collections::{HashMap, HashSet, VecDeque};
use std::num::NonZeroU32;

use hashbrown::HashTable;

/// 96 bits of a cryptographic hash of a text, which stand for it: for two texts out of as many as a plan can have, 4,294,967,295, to
/// share one, the odds are one in eight thousand million; out of a million, one in 10^17.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u32; 3]);

impl Fingerprint {
    /// The fingerprint of this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let hash = blake3::hash(text.as_bytes());
        let mut words = [0; 3];
        for (word, bytes) in words.iter_mut().zip(hash.as_bytes().chunks_exact(4)) {
            *word = bytes
                .iter()
                .fold(0, |word, byte| word << 8 | u32::from(*byte));
        }
        Self(words)
    }

    /// 64 of its bits, which are as good as any hash of it.
    fn short(self) -> u64 {
        u64::from(self.0[0]) << 32 | u64::from(self.0[1])
    }
}

/// Something numbered that may be seen for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Its number, from 1.
    pub number: u32,
    /// Whether it is new.
    pub new: bool,
}

/// A batch that may have room.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    batch: u32,
    room: u32,
}

/// The texts and the open batches of a plan.
#[derive(Debug)]
pub struct Grouping {
    size: NonZeroU32,
    /// The texts in the order of their numbers.
    texts: Vec<Fingerprint>,
    /// Where each stands among them. A table of places is small, and while it grows it is there twice.
    places: HashTable<u32>,
    /// The open batches of the newest texts, in order.
    newest: VecDeque<Open>,
    /// Those of older texts; and for the second and later times that a number gets the same text: a batch names no number twice, so
    /// each time has batches of its own.
    others: HashMap<(u32, u32), Open>,
    /// Older texts that no recipient had yet.
    unused: HashSet<u32>,
    /// [`MOST_OPEN`].
    most_open: usize,
    batches: u32,
    used: u32,
}

/// So many batches are kept open of the newest texts, and as many of all others. Then they are closed with what they have, so that
/// memory does not grow with them: a recipient that comes later gets a new one.
const MOST_OPEN: usize = 1_000_000;

impl Grouping {
    /// Nothing yet. A batch has at most `size` recipients.
    #[must_use]
    pub fn new(size: NonZeroU32) -> Self {
        Self {
            size,
            texts: Vec::new(),
            places: HashTable::new(),
            newest: VecDeque::new(),
            others: HashMap::new(),
            unused: HashSet::new(),
            most_open: MOST_OPEN,
            batches: 0,
            used: 0,
        }
    }

    /// The number of the text with this fingerprint.
    pub fn text(&mut self, fingerprint: Fingerprint) -> Numbered {
        let next = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let texts = &self.texts;
        let of = |place: &u32| texts[*place as usize];
        let place = self
            .places
            .entry(
                fingerprint.short(),
                |place| of(place) == fingerprint,
                |place| of(place).short(),
            )
            .or_insert(next);
        let place = *place.get();
        let new = place == next;
        if new {
            if self.newest.len() == self.most_open {
                self.close_oldest();
            }
            self.texts.push(fingerprint);
            self.newest.push_back(Open::default());
        }
        Numbered {
            number: place + 1,
            new,
        }
    }

    fn close_oldest(&mut self) {
        let oldest = self.older().saturating_add(1);
        if self.newest.pop_front().is_some_and(|open| open.batch == 0) {
            self.unused.insert(oldest);
        }
    }

    /// How many texts are not among the newest.
    fn older(&self) -> u32 {
        u32::try_from(self.texts.len() - self.newest.len()).unwrap_or(u32::MAX)
    }

    /// How many batches there are.
    #[must_use]
    pub fn batches(&self) -> u32 {
        self.batches
    }

    /// How many texts have recipients.
    #[must_use]
    pub fn used_texts(&self) -> u32 {
        self.used
    }

    /// The batch that the next recipient of a text joins, where `earlier` rows had the same number and text. The
    /// text has been numbered before.
    pub fn join(&mut self, text: u32, earlier: u32) -> Numbered {
        let place = text.checked_sub(self.older().saturating_add(1));
        let open = match place.and_then(|place| self.newest.get_mut(place as usize)) {
            Some(open) if earlier == 0 => {
                self.used += u32::from(open.batch == 0);
                open
            }
            _ => {
                self.used += u32::from(earlier == 0 && self.unused.remove(&text));
                let key = (text, earlier);
                if self.others.len() == self.most_open && !self.others.contains_key(&key) {
                    self.others.clear();
                }
                self.others.entry(key).or_default()
            }
        };
        let new = open.room == 0;
        if new {
            self.batches += 1;
            *open = Open {
                batch: self.batches,
                room: self.size.get(),
            };
        }
        open.room -= 1;
        Numbered {
            number: open.batch,
            new,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fingerprint(text: u8) -> Fingerprint {
        Fingerprint::of(&text.to_string())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Every batch has one text and at most the batch size, and only the last of a text has room, unless too many were open.
        #[test]
        fn batches_are_full_and_of_one_text(
            size in 1_u32..5,
            most_open in prop_oneof![1_usize..4, Just(MOST_OPEN)],
            rows in prop::collection::vec((0_u8..6, prop::option::weighted(0.9, 0_u32..3)), 0..100),
        ) {
            let mut grouping = Grouping { most_open, ..Grouping::new(NonZeroU32::new(size).unwrap()) };
            let mut batches: HashMap<u32, ((u8, u32), u32)> = HashMap::new();
            for (text, earlier) in rows {
                let number = grouping.text(fingerprint(text)).number;
                // A row that is not sent has a text, too.
                let Some(earlier) = earlier else { continue };
                let batch = grouping.join(number, earlier);
                prop_assert_eq!(batch.new, !batches.contains_key(&batch.number));
                let (of, members) = batches.entry(batch.number).or_insert(((text, earlier), 0));
                prop_assert_eq!(*of, (text, earlier));
                *members += 1;
                prop_assert!(*members <= size);
            }
            prop_assert_eq!(grouping.batches() as usize, batches.len());
            let first_times = batches.values().filter(|((_, earlier), _)| *earlier == 0);
            let texts: HashSet<u8> = first_times.map(|((text, _), _)| *text).collect();
            prop_assert_eq!(grouping.used_texts() as usize, texts.len());
            prop_assert!(grouping.newest.len() <= most_open && grouping.others.len() <= most_open);
            let mut with_room: Vec<_> = batches.values().filter(|(_, n)| *n < size).map(|(of, _)| of).collect();
            with_room.sort();
            let all = with_room.len();
            with_room.dedup();
            prop_assert!(with_room.len() == all || most_open < MOST_OPEN);
        }
    }

    #[test]
    fn texts_are_numbered_as_they_come() {
        let mut grouping = Grouping::new(NonZeroU32::MIN);
        let numbered = [3, 5, 3].map(|text| grouping.text(fingerprint(text)));
        assert_eq!(
            numbered.map(|text| (text.number, text.new)),
            [(1, true), (2, true), (1, false)]
        );
    }
}
