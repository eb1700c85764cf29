//! The gateway's response codes: what each one means for a batch, and what it asks of people.

use std::fmt;

use crate::domain::Status;

/// A response code of the gateway, kept as it came: 2000, or a negative number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub i32);

impl Code {
    /// The messages were taken.
    pub(super) const ACCEPTED: Self = Self(2000);

    /// The one negative code that proves nothing: "unknown error, contact administrator".
    pub(super) const UNKNOWN_ERROR: Self = Self(-1000);

    const BAD_NUMBER: Self = Self(-1009);
    const TOO_MANY_NUMBERS: Self = Self(-1010);

    /// Whether the code is about the account or the shape of our requests, so that the next request would get it too.
    #[must_use]
    pub(super) fn stops_account(self) -> bool {
        matches!(self.0, -1001 | -1002 | -1003 | -1004 | -1008 | -1013)
    }

    /// What a refusal with this code is about.
    #[must_use]
    pub fn refusal_kind(self) -> RefusalKind {
        match self {
            Self::BAD_NUMBER => RefusalKind::BadNumber,
            Self::TOO_MANY_NUMBERS => RefusalKind::TooMany,
            _ => RefusalKind::Other,
        }
    }

    /// Whether the gateway can have answered this for a recipient of that status.
    #[must_use]
    pub fn fits(self, status: Status) -> bool {
        match status {
            Status::Accepted => self == Self::ACCEPTED,
            Status::Invalid | Status::Duplicate => false,
            // The others may have been refused or unknown before.
            _ => self.0 < 0,
        }
    }

    /// What the code means and what to do about it, as a part of a sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self.0 {
            2000 => "accepted",
            -1000 => "unknown error at the gateway: it may or may not have gone out; ask iSMS",
            -1001 => "authentication failed; correct the username or password of the iSMS account",
            -1002 => "the iSMS account is suspended or expired; renew it with iSMS",
            -1003 => "the IP address of this machine is not allowed; have iSMS allow it",
            -1004 => "insufficient credits; top up the iSMS account",
            -1005 => "invalid SMS type; plan again with another message type",
            -1006 => "invalid body length (over 700 characters); shorten the text and plan again",
            -1007 => "invalid hexadecimal body: the text is unreadable; simplify it and plan again",
            -1008 => "the gateway misses a parameter; check that its URL is an iSMS REST endpoint",
            -1009 => "invalid destination number; correct it and plan again",
            -1010 => "too many destination numbers in one request; plan again with smaller batches",
            -1012 => "Unicode text was sent as ASCII; plan again without a fixed message type",
            -1013 => "invalid term agreement: this account does not take agreedterm=YES; ask iSMS",
            _ => "refused with a code that the reference does not list; ask iSMS what it means",
        }
    }

    /// What the refusal of a whole batch of `numbers` recipients with this code means for each of them.
    #[must_use]
    pub fn refusal_of(self, numbers: u64) -> String {
        let meaning = self.meaning();
        if self.refusal_kind() == RefusalKind::BadNumber && numbers > 1 {
            format!(
                "{meaning}; one of the {numbers} numbers of this batch is bad, and the gateway refused them all"
            )
        } else {
            meaning.to_owned()
        }
    }
}

/// What a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// At least one of the numbers cannot be sent to.
    BadNumber,
    /// The request had too many numbers.
    TooMany,
    /// Anything else.
    Other,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_code_has_its_own_meaning() {
        let listed = [
            -1000, -1001, -1002, -1003, -1004, -1005, -1006, -1007, -1008, -1009, -1010, -1012,
            -1013,
        ];
        let mut meanings: Vec<_> = listed.map(|code| Code(code).meaning()).to_vec();
        meanings.push(Code(-9999).meaning());
        meanings.sort_unstable();
        meanings.dedup();
        assert_eq!(meanings.len(), listed.len() + 1);
        assert_eq!(Code(-1011).meaning(), Code(-9999).meaning());
    }

    #[test]
    fn no_meaning_begins_with_a_sign_that_a_spreadsheet_would_evaluate() {
        for code in -1020..=-990 {
            let first = Code(code).meaning().chars().next();
            assert!(first.is_some_and(char::is_alphabetic), "{code}");
        }
    }

    #[test]
    fn a_bad_number_is_blamed_on_one_of_its_batch() {
        let of_one = Code(-1009).refusal_of(1);
        assert_eq!(of_one, Code(-1009).meaning());
        let of_many = Code(-1009).refusal_of(30);
        assert!(of_many.contains("one of the 30 numbers"), "{of_many}");
        assert_eq!(Code(-1005).refusal_of(30), Code(-1005).meaning());
    }

    #[test]
    fn a_code_fits_the_status_that_it_leads_to() {
        use Status::{Accepted, Cancelled, Pending, Refused, Suppressed, Unknown};
        let fitting = |code| {
            let statuses = Status::ALL.iter().copied();
            statuses
                .filter(|status| Code(code).fits(*status))
                .collect::<Vec<_>>()
        };
        assert_eq!(fitting(2000), [Accepted]);
        for code in [-1000, -1004, -1009, -9999] {
            let after_it = [Refused, Unknown, Pending, Suppressed, Cancelled];
            assert_eq!(fitting(code), after_it, "{code}");
        }
        for code in [0, 1, 200, 1999, 2001] {
            assert_eq!(fitting(code), [], "{code}");
        }
    }

    #[test]
    fn a_code_is_written_as_it_came() {
        assert_eq!(Code(-1004).to_string(), "-1004");
    }

    #[test]
    fn six_codes_stop_the_account() {
        let stopping: Vec<_> = (-9999..0)
            .filter(|code| Code(*code).stops_account())
            .collect();
        assert_eq!(stopping, [-1013, -1008, -1004, -1003, -1002, -1001]);
    }
}
