//! What one request to a gateway can hold. Batches are formed by it.

use std::num::NonZeroU32;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::message::Message;

/// What one request can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestLimits {
    /// The most messages.
    pub messages: NonZeroU32,
    /// What its messages must have in common.
    pub in_common: InCommon,
}

/// What the messages of one request must have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InCommon {
    /// The text, and with it its type.
    Text,
    /// The type. Each message has a text of its own.
    Type,
}

impl RequestLimits {
    /// Whether one request can hold these messages.
    #[must_use]
    pub fn allow(self, messages: &[Message]) -> bool {
        let count = u32::try_from(messages.len());
        count.is_ok_and(|count| count <= self.messages.get()) && self.in_common.unites(messages)
    }
}

impl InCommon {
    /// Whether these messages have this in common.
    #[must_use]
    pub fn unites(self, messages: &[Message]) -> bool {
        messages.windows(2).all(|pair| {
            let [one, other] = pair else { return true };
            one.encoding == other.encoding
                && (self == Self::Type
                    || Arc::ptr_eq(&one.text, &other.text)
                    || one.text == other.text)
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::domain::{Encoding, Msisdn};

    #[test]
    fn a_request_holds_what_its_gateway_allows() {
        let message = |(text, encoding): &(&str, Encoding)| Message {
            number: Msisdn::from_digits("60125500001").unwrap(),
            text: (*text).into(),
            encoding: *encoding,
        };
        let (ascii, unicode) = (Encoding::Ascii, Encoding::Unicode);
        // With one text of two messages, with one type of two messages.
        let table = [
            (vec![], (true, true)),
            (vec![("a", ascii)], (true, true)),
            (vec![("é", unicode)], (true, true)),
            (vec![("a", ascii); 2], (true, true)),
            (vec![("é", unicode); 2], (true, true)),
            (vec![("a", ascii), ("b", ascii)], (false, true)),
            (vec![("é", unicode), ("ü", unicode)], (false, true)),
            (vec![("é", unicode), ("a", unicode)], (false, true)),
            (vec![("a", ascii), ("a", unicode)], (false, false)),
            (vec![("a", ascii), ("é", unicode)], (false, false)),
            (vec![("a", ascii); 3], (false, false)),
            (
                vec![("a", ascii), ("b", ascii), ("c", ascii)],
                (false, false),
            ),
        ];
        for (messages, (one_text, one_type)) in table {
            let all: Vec<_> = messages.iter().map(message).collect();
            for (in_common, expected) in [(InCommon::Text, one_text), (InCommon::Type, one_type)] {
                let messages = NonZeroU32::new(2).unwrap();
                let limits = RequestLimits {
                    messages,
                    in_common,
                };
                assert_eq!(limits.allow(&all), expected, "{in_common:?} {all:?}");
            }
        }
    }
}
