//! The status of a row, as every output names it.

use std::fmt;

/// The outcome of one row of the spreadsheet. Every row has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// The gateway accepted the message (code 2000). This says nothing about its delivery.
    Accepted,
    /// The gateway refused the message.
    Refused,
    /// The request may have reached the gateway, and its answer is not known.
    Unknown,
    /// Not sent yet.
    Pending,
    /// Cannot be sent: something is wrong with the row.
    Invalid,
    /// Not sent: an earlier row sends the same to the same number.
    Duplicate,
    /// Not sent: the number is on a suppression list.
    Suppressed,
}

impl Status {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 7] = [
        Self::Accepted,
        Self::Refused,
        Self::Unknown,
        Self::Pending,
        Self::Invalid,
        Self::Duplicate,
        Self::Suppressed,
    ];

    /// Its name, as in `sms_status`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Invalid => "invalid",
            Self::Duplicate => "duplicate",
            Self::Suppressed => "suppressed",
        }
    }

    /// The status with this name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How many rows have each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; 7]);

impl Counts {
    /// The rows with this status.
    #[must_use]
    pub fn of(&self, status: Status) -> u64 {
        self.0[status as usize]
    }

    /// Counts `rows` more with this status.
    pub fn add(&mut self, status: Status, rows: u64) {
        self.0[status as usize] += rows;
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The rows that are neither invalid nor duplicate nor suppressed.
    #[must_use]
    pub fn sendable(&self) -> u64 {
        self.rows()
            - self.of(Status::Invalid)
            - self.of(Status::Duplicate)
            - self.of(Status::Suppressed)
    }
}
