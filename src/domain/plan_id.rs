//! A short name for what a plan would send, which one person can approve and another ask for.

use std::fmt;
use std::str::FromStr;

use super::options::Keyword as _;
use super::{Msisdn, PlanOptions, SenderId};

/// How many characters it has.
const LENGTH: usize = 8;

/// Digits and letters that are not taken for one another when they are read aloud or copied (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Stands for the messages of a plan: the same ones have the same id, and others have another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanId([u8; LENGTH]);

/// Makes the id of a plan from its messages.
#[derive(Debug)]
pub struct PlanIdBuilder {
    hasher: blake3::Hasher,
    /// The text of the last message: where all have the same one, it is hashed once.
    last: String,
}

impl PlanIdBuilder {
    /// Begins with what all messages have in common.
    #[must_use]
    pub fn new(options: &PlanOptions) -> Self {
        let mut builder = Self {
            hasher: blake3::Hasher::new(),
            last: String::new(),
        };
        builder.part(options.text_type.as_str());
        builder.part(options.sender_id.as_ref().map_or("", SenderId::as_str));
        builder
    }

    /// Adds a message. They come in the order of the spreadsheet.
    pub fn add(&mut self, number: Msisdn, text: &str) {
        self.hasher.update(&number.as_u64().to_le_bytes());
        if text == self.last {
            // No text is as long as this.
            self.hasher.update(&u64::MAX.to_le_bytes());
        } else {
            self.part(text);
            text.clone_into(&mut self.last);
        }
    }

    fn part(&mut self, text: &str) {
        self.hasher.update(&(text.len() as u64).to_le_bytes());
        self.hasher.update(text.as_bytes());
    }

    /// The id of these messages.
    #[must_use]
    pub fn finish(self) -> PlanId {
        let hash = self.hasher.finalize();
        let mut characters = [0; LENGTH];
        for (character, byte) in characters.iter_mut().zip(hash.as_bytes()) {
            *character = ALPHABET[usize::from(byte % 32)];
        }
        PlanId(characters)
    }
}

/// In two groups: `k7q2-9xwd`.
impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, byte) in self.0.iter().enumerate() {
            if nth == LENGTH / 2 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(*byte))?;
        }
        Ok(())
    }
}

/// As somebody writes it who was told it.
impl FromStr for PlanId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let written = text.bytes().filter(|byte| !matches!(byte, b'-' | b' '));
        let characters = written.map(|byte| match byte.to_ascii_lowercase() {
            b'o' => b'0',
            b'i' | b'l' => b'1',
            other => other,
        });
        let characters: Option<[u8; LENGTH]> = characters.collect::<Vec<_>>().try_into().ok();
        characters
            .filter(|characters| characters.iter().all(|byte| ALPHABET.contains(byte)))
            .map(Self)
            .ok_or("is not the id of a plan, such as k7q2-9xwd")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::domain::options::TextType;

    fn id(options: &PlanOptions, messages: &[(u64, &str)]) -> PlanId {
        let mut builder = PlanIdBuilder::new(options);
        for (number, text) in messages {
            builder.add(Msisdn::from_u64(*number).unwrap(), text);
        }
        builder.finish()
    }

    #[test]
    fn other_messages_have_another_id() {
        let options = PlanOptions::default();
        let (one, two) = ((60_125_500_001, "hello"), (60_125_500_002, "hello"));
        let sender = PlanOptions {
            sender_id: Some(SenderId::parse("KedaiKu").unwrap()),
            ..PlanOptions::default()
        };
        let unicode = PlanOptions {
            text_type: TextType::Unicode,
            ..PlanOptions::default()
        };
        let ids = [
            id(&options, &[]),
            id(&options, &[one]),
            id(&options, &[two]),
            id(&options, &[one, two]),
            id(&options, &[two, one]),
            id(&options, &[(one.0, "hello "), two]),
            id(&options, &[one, (two.0, "hello ")]),
            id(&sender, &[one]),
            id(&unicode, &[one]),
        ];
        for (nth, one) in ids.iter().enumerate() {
            assert!(!ids[..nth].contains(one), "{one}");
        }
        assert_eq!(id(&options, &[one, two]), id(&options, &[one, two]));
    }

    #[test]
    fn an_id_is_read_as_it_was_told() {
        let known = id(&PlanOptions::default(), &[]);
        let written = known.to_string();
        assert_eq!(written.len(), 9);
        let told = [
            written.clone(),
            written.to_uppercase(),
            written.replace('-', ""),
            written
                .replace('-', " ")
                .replace('0', "O")
                .replace('1', "l"),
        ];
        for told in told {
            assert_eq!(told.parse(), Ok(known), "{told}");
        }
        for wrong in ["", "k7q2", "k7q2-9xwdd", "k7q2-9xw!", "k7q2-9xwu"] {
            assert!(wrong.parse::<PlanId>().is_err(), "{wrong}");
        }
    }
}
