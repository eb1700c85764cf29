//! Numbers the distinct texts of a plan and assigns recipients to batches, as one request can hold them. Both are numbered from 1 in the order in which they
//! first occur.

use hashbrown::HashMap;

use super::duplicates::Earlier;
use super::encoding::Encoding;
use super::limits::{InCommon, RequestLimits};
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

/// A text of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberedText {
    /// Its number, from 1.
    pub number: u32,
    /// The first row that has it.
    pub first_row: u32,
}

/// The last batch of recipients that can share a request.
#[derive(Clone, Copy, Debug, Default)]
struct LastBatch {
    number: u32,
    /// How many more recipients it can take.
    room: u32,
}

/// The texts and batches of a plan so far.
#[derive(Debug)]
pub struct Batcher {
    limits: RequestLimits,
    texts: Positions<Fingerprint>,
    /// The first row of each text.
    first_rows: Vec<u32>,
    /// Whether each text has recipients.
    is_used: Vec<bool>,
    /// The last batch of each group.
    last_batches: Vec<LastBatch>,
    /// The last batches of numbers that are in a group again, by the group and how often they were. A batch names no number
    /// twice, so each repetition has batches of its own.
    last_of_repeats: HashMap<(u32, u32), LastBatch>,
    /// The number of batches.
    pub(crate) batches: u32,
    /// The number of texts that have recipients.
    pub(crate) used_texts: u32,
}

impl Batcher {
    /// A batcher for requests with these limits.
    #[must_use]
    pub fn new(limits: RequestLimits) -> Self {
        Self {
            limits,
            texts: Positions::new(),
            first_rows: Vec::new(),
            is_used: Vec::new(),
            last_batches: Vec::new(),
            last_of_repeats: HashMap::new(),
            batches: 0,
            used_texts: 0,
        }
    }

    /// The text with this fingerprint, which this row has.
    pub fn text(&mut self, fingerprint: Fingerprint, row: u32) -> NumberedText {
        let (position, is_new) = self.texts.position(fingerprint);
        if is_new {
            self.first_rows.push(row);
            self.is_used.push(false);
        }
        NumberedText {
            number: position + 1,
            first_row: self.first_rows[position as usize],
        }
    }

    /// The number of the batch of the next recipient, whose text has a number already. `earlier` rows had the same number.
    pub fn batch(&mut self, text: u32, encoding: Encoding, earlier: Earlier) -> u32 {
        let text = text.saturating_sub(1);
        if let Some(is_used) = self.is_used.get_mut(text as usize) {
            self.used_texts += u32::from(!std::mem::replace(is_used, true));
        }
        let (group, earlier) = match self.limits.in_common {
            InCommon::Text => (text, earlier.same_text),
            InCommon::Type => (encoding.wire().into(), earlier.any_text),
        };
        let last = if earlier == 0 {
            let groups = self.last_batches.len().max(group as usize + 1);
            self.last_batches.resize(groups, LastBatch::default());
            &mut self.last_batches[group as usize]
        } else {
            self.last_of_repeats.entry((group, earlier)).or_default()
        };
        if last.room == 0 {
            self.batches += 1;
            *last = LastBatch {
                number: self.batches,
                room: self.limits.messages.get(),
            };
        }
        last.room -= 1;
        last.number
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::{BTreeMap, HashMap, HashSet};
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::Msisdn;
    use crate::domain::duplicates::{Duplicates, Repeat};
    use crate::domain::options::DuplicateRule;

    fn fingerprint(text: u8) -> Fingerprint {
        Fingerprint::of(&text.to_string())
    }

    fn limits(messages: u32, in_common: InCommon) -> RequestLimits {
        RequestLimits {
            messages: NonZeroU32::new(messages).unwrap(),
            in_common,
        }
    }

    /// Every third text is Unicode.
    fn encoding(text: u8) -> Encoding {
        if text.is_multiple_of(3) {
            Encoding::Unicode
        } else {
            Encoding::Ascii
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever a request can hold: no batch holds more, or a number twice. Batches are numbered in the order of their first
        /// recipients. Where no number comes twice, only the last batch of a group has room.
        #[test]
        fn batches_are_full_and_fit_a_request(
            size in 1_u32..5,
            one_text: bool,
            kept: bool,
            rows in prop::collection::vec((0_u8..6, prop::option::weighted(0.9, 0_u64..30)), 0..100),
        ) {
            let in_common = if one_text { InCommon::Text } else { InCommon::Type };
            let mut batcher = Batcher::new(limits(size, in_common));
            let mut duplicates =
                Duplicates::new(if kept { DuplicateRule::Keep } else { DuplicateRule::Message });
            let mut batches: BTreeMap<u32, Vec<(u8, u64)>> = BTreeMap::new();
            let mut texts = HashSet::new();
            for (row, (text, number)) in (1..).zip(rows) {
                let assigned = batcher.text(fingerprint(text), row).number;
                // A row that is not sent has a text, too.
                let Some(number) = number else { continue };
                let msisdn = Msisdn::from_u64(60_125_500_000 + number).unwrap();
                let Repeat::Send(earlier) = duplicates.add(row, msisdn, assigned) else { continue };
                let batch = batcher.batch(assigned, encoding(text), earlier);
                prop_assert!(batches.contains_key(&batch) || batch as usize == batches.len() + 1);
                batches.entry(batch).or_default().push((text, number));
                texts.insert(text);
            }
            prop_assert_eq!(batcher.batches as usize, batches.len());
            prop_assert_eq!(batcher.used_texts as usize, texts.len());
            let mut with_room: HashMap<u8, u32> = HashMap::new();
            let mut all = HashSet::new();
            let mut is_repeated = false;
            for members in batches.values() {
                let numbers: HashSet<u64> = members.iter().map(|(_, number)| *number).collect();
                prop_assert_eq!(numbers.len(), members.len());
                prop_assert!(members.len() <= size as usize);
                let group = |text: u8| if one_text { text } else { encoding(text).wire() };
                let groups: HashSet<u8> = members.iter().map(|(text, _)| group(*text)).collect();
                prop_assert_eq!(groups.len(), 1);
                is_repeated |= members.iter().any(|(_, number)| !all.insert(*number));
                if members.len() < size as usize {
                    for group in groups {
                        *with_room.entry(group).or_default() += 1;
                    }
                }
            }
            prop_assert!(is_repeated || with_room.values().all(|batches| *batches == 1));
        }
    }

    #[test]
    fn own_texts_of_one_type_share_a_batch() {
        let rows = [
            (1, 7),
            (2, 8),
            (3, 9),
            (4, 7),
            (4, 8),
            (3, 1),
            (1, 2),
            (5, 3),
        ];
        let of = |in_common| {
            let mut batcher = Batcher::new(limits(3, in_common));
            let mut duplicates = Duplicates::new(DuplicateRule::Message);
            let numbered = rows.map(|(text, number)| {
                let assigned = batcher.text(fingerprint(text), 1).number;
                let number = Msisdn::from_u64(60_125_500_000 + number).unwrap();
                match duplicates.add(1, number, assigned) {
                    Repeat::Send(earlier) => batcher.batch(assigned, encoding(text), earlier),
                    Repeat::DuplicateOf(_) => 0,
                }
            });
            (numbered, batcher.batches, batcher.used_texts)
        };
        assert_eq!(of(InCommon::Text), ([1, 2, 3, 4, 4, 3, 1, 5], 5, 5));
        // Text 3 is Unicode. The second texts for numbers 7 and 8 are in a batch of their own.
        assert_eq!(of(InCommon::Type), ([1, 1, 2, 3, 3, 2, 1, 4], 4, 5));
    }

    #[test]
    fn texts_are_numbered_in_order_of_appearance() {
        let mut batcher = Batcher::new(limits(1, InCommon::Text));
        let texts =
            [(3, 7), (5, 8), (3, 9)].map(|(text, row)| batcher.text(fingerprint(text), row));
        assert_eq!(
            texts.map(|text| (text.number, text.first_row)),
            [(1, 7), (2, 8), (1, 7)]
        );
    }
}
