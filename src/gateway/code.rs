//! The gateway's response codes and what each asks of people. It does not know how a code arrived, nor what becomes
//! of the recipients it is about.

use std::fmt;

/// A response code of the gateway, kept as it came: 2000 or a negative number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub i32);

impl Code {
    /// The code of a message that was taken.
    pub const ACCEPTED: Self = Self(2000);

    /// One of the numbers is bad.
    pub const BAD_NUMBER: Self = Self(-1009);

    /// The one negative code that proves nothing: "unknown error, contact administrator".
    pub const UNKNOWN_ERROR: Self = Self(-1000);

    /// Whether the code is about the account or the shape of our requests, so that the next request would get it too.
    #[must_use]
    pub fn stops_account(self) -> bool {
        matches!(self.0, -1001 | -1002 | -1003 | -1004 | -1008 | -1013)
    }

    /// What the code means and what to do about it, as a part of a sentence. For -1009 it does not say how many
    /// numbers the request had: only the caller knows.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self.0 {
            -1000 => {
                "the gateway had an unknown error, so it may or may not have gone out; ask iSMS, then settle it with resolve"
            }
            -1001 => {
                "authentication failed; correct the username or the password of the iSMS account"
            }
            -1002 => "the iSMS account is suspended or expired; renew it with iSMS",
            -1003 => "the IP address of this machine is not allowed; have iSMS whitelist it",
            -1004 => "insufficient credits; top up the iSMS account",
            -1005 => "invalid SMS type; plan again with --type ascii or --type unicode",
            -1006 => "invalid body length (over 700 characters); shorten the text and plan again",
            -1007 => {
                "invalid hexadecimal body: the gateway could not read the text; simplify it and plan again"
            }
            -1008 => {
                "the gateway misses a parameter; check that --gateway names an iSMS REST endpoint"
            }
            -1009 => "invalid destination number; correct it and plan again",
            -1010 => {
                "too many destination numbers in one request; plan again with a smaller --batch-size"
            }
            -1012 => "Unicode text was sent as ASCII; plan again with --type auto",
            -1013 => {
                "invalid term agreement: the gateway does not take agreedterm=YES for this account; ask iSMS"
            }
            _ => {
                "the gateway refused it with a code that its reference does not list; ask iSMS what it means"
            }
        }
    }
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
    fn every_listed_code_has_a_meaning_of_its_own() {
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
    fn a_meaning_can_open_a_cell_of_a_spreadsheet() {
        for code in -1020..=-990 {
            let first = Code(code).meaning().chars().next();
            assert!(first.is_some_and(char::is_alphabetic), "{code}");
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
