//! The status of a row, as every output names it.

use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// The outcome of one row of the spreadsheet. Every row has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
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
    /// Not sent: an operator cancelled it while it was pending.
    Cancelled,
}

impl Status {
    /// All of them, in the order of reports.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// Its name, as in `sms_status`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The status with this name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

/// How many rows have each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; Status::ALL.len()]);

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

    /// The same without that many rows of this status.
    #[must_use]
    pub fn without(mut self, status: Status, rows: u64) -> Self {
        let counted = &mut self.0[status as usize];
        *counted = counted.saturating_sub(rows);
        self
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The rows that are neither invalid nor duplicate nor suppressed nor cancelled.
    #[must_use]
    pub fn sendable(&self) -> u64 {
        self.rows()
            - self.of(Status::Invalid)
            - self.of(Status::Duplicate)
            - self.of(Status::Suppressed)
            - self.of(Status::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_never_change() {
        let names: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
        assert_eq!(
            names.join(" "),
            "accepted refused unknown pending invalid duplicate suppressed cancelled"
        );
        assert_eq!(Status::parse("pending"), Some(Status::Pending));
        assert_eq!(Status::parse("Pending"), None);
    }
}
