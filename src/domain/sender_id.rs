//! The name that a handset shows as the sender.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A sender ID: 3 to 11 ASCII letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SenderId(String);

impl SenderId {
    /// The sender ID, or what is wrong with it.
    pub fn parse(id: &str) -> Result<Self, &'static str> {
        let characters = id.bytes().all(|b| b.is_ascii_alphanumeric());
        let is_valid = characters && (3..=11).contains(&id.len());
        let problem = "is not a sender ID, which has 3 to 11 letters and digits";
        is_valid.then(|| Self(id.to_owned())).ok_or(problem)
    }

    /// The characters of the sender ID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SenderId {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        Self::parse(&id).map_err(|error| format!("\"{id}\" {error}"))
    }
}

impl From<SenderId> for String {
    fn from(id: SenderId) -> Self {
        id.0
    }
}

impl fmt::Display for SenderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
