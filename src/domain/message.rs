//! One message to one recipient.

use std::sync::Arc;

use super::encoding::Encoding;
use super::msisdn::Msisdn;

/// A text for a number, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The number.
    pub number: Msisdn,
    /// The text in its final form. Recipients with the same text share it.
    pub text: Arc<str>,
    /// How the text is encoded.
    pub encoding: Encoding,
}
