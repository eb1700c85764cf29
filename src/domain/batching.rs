//! Numbers the distinct texts of a plan and assigns recipients to batches. Both are numbered from 1 in the order in which they
//! first occur.

use std::num::NonZeroU32;

use hashbrown::HashMap;

use super::positions::Positions;

/// 96 bits of a cryptographic hash, which stand for a text. The odds that two of a million texts share one are one in 10^17; of
/// 4,294,967,295 texts, the most that a plan can have, one in eight thousand million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 12]);

impl Fingerprint {
    /// The fingerprint of this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut fingerprint = [0; 12];
        fingerprint.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..12]);
        Self(fingerprint)
    }
}

/// The number of a text or a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// Its number, from 1.
    pub number: u32,
    /// Whether this is its first use.
    pub is_new: bool,
}

/// The last batch of a text.
#[derive(Clone, Copy, Debug, Default)]
struct LastBatch {
    number: u32,
    /// How many more recipients it can take.
    room: u32,
}

/// The texts and batches of a plan so far.
#[derive(Debug)]
pub struct Batcher {
    size: NonZeroU32,
    texts: Positions<Fingerprint>,
    /// The last batch of each text.
    last_batches: Vec<LastBatch>,
    /// The last batches of recipients that get a text again, by the text and how often they got it. A batch names no number twice, so
    /// each repetition has batches of its own.
    last_of_repeats: HashMap<(u32, u32), LastBatch>,
    /// The number of batches.
    pub(crate) batches: u32,
    /// The number of texts that have recipients.
    pub(crate) used_texts: u32,
}

impl Batcher {
    /// A batcher for batches of at most `size` recipients.
    #[must_use]
    pub fn new(size: NonZeroU32) -> Self {
        Self {
            size,
            texts: Positions::new(),
            last_batches: Vec::new(),
            last_of_repeats: HashMap::new(),
            batches: 0,
            used_texts: 0,
        }
    }

    /// The number of the text with this fingerprint.
    pub fn text(&mut self, fingerprint: Fingerprint) -> Assigned {
        let (position, is_new) = self.texts.position(fingerprint);
        if is_new {
            self.last_batches.push(LastBatch::default());
        }
        Assigned {
            number: position + 1,
            is_new,
        }
    }

    /// The batch of the next recipient of a text. `earlier` rows to send had the same number and text. The text has a number
    /// already.
    pub fn batch(&mut self, text: u32, earlier: u32) -> Assigned {
        let position = text.saturating_sub(1) as usize;
        let last = match self.last_batches.get_mut(position) {
            Some(last) if earlier == 0 => {
                self.used_texts += u32::from(last.number == 0);
                last
            }
            _ => self.last_of_repeats.entry((text, earlier)).or_default(),
        };
        let is_new = last.room == 0;
        if is_new {
            self.batches += 1;
            *last = LastBatch {
                number: self.batches,
                room: self.size.get(),
            };
        }
        last.room -= 1;
        Assigned {
            number: last.number,
            is_new,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use proptest::prelude::*;

    use super::*;

    fn fingerprint(text: u8) -> Fingerprint {
        Fingerprint::of(&text.to_string())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Every batch has one text and at most the batch size, and only the last batch of a text has room.
        #[test]
        fn batches_are_full_and_of_one_text(
            size in 1_u32..5,
            rows in prop::collection::vec((0_u8..6, prop::option::weighted(0.9, 0_u32..3)), 0..100),
        ) {
            let mut batcher = Batcher::new(NonZeroU32::new(size).unwrap());
            let mut batches: HashMap<u32, ((u8, u32), u32)> = HashMap::new();
            for (text, earlier) in rows {
                let number = batcher.text(fingerprint(text)).number;
                // A row that is not sent has a text, too.
                let Some(earlier) = earlier else { continue };
                let batch = batcher.batch(number, earlier);
                prop_assert_eq!(batch.is_new, !batches.contains_key(&batch.number));
                let (of, members) = batches.entry(batch.number).or_insert(((text, earlier), 0));
                prop_assert_eq!(*of, (text, earlier));
                *members += 1;
                prop_assert!(*members <= size);
            }
            prop_assert_eq!(batcher.batches as usize, batches.len());
            let first_times = batches.values().filter(|((_, earlier), _)| *earlier == 0);
            let texts: HashSet<u8> = first_times.map(|((text, _), _)| *text).collect();
            prop_assert_eq!(batcher.used_texts as usize, texts.len());
            let mut with_room: Vec<_> = batches.values().filter(|(_, n)| *n < size).map(|(of, _)| of).collect();
            with_room.sort();
            let all = with_room.len();
            with_room.dedup();
            prop_assert_eq!(with_room.len(), all);
        }
    }

    #[test]
    fn texts_are_numbered_in_order_of_appearance() {
        let mut batcher = Batcher::new(NonZeroU32::MIN);
        let texts = [3, 5, 3].map(|text| batcher.text(fingerprint(text)));
        assert_eq!(
            texts.map(|text| (text.number, text.is_new)),
            [(1, true), (2, true), (1, false)]
        );
    }
}
