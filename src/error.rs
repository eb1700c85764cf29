//! The one error of the program, written for the person who reads it: what is wrong and where, then what
//! to do now. It knows no module's insides; whoever finds the fault writes the sentence.

use std::fmt::Display;

/// What a fallible step returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who can mend a fault, which decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The command line is wrong: exit 2.
    Usage,
    /// The program could not run, or could not go on: exit 1.
    Failure,
}

/// A fault in one sentence for people: what, where, and what to do now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}{}{advice}", if advice.is_empty() { "" } else { "; " })]
pub struct Error {
    kind: Kind,
    what: String,
    advice: String,
}

impl Error {
    /// A fault of the world: a file, a ledger, a template, a gateway (exit 1).
    /// `what` begins with the place where one is known (`customers.csv row 42: ...`) and has no full stop.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            kind: Kind::Failure,
            what: what.into(),
            advice: String::new(),
        }
    }

    /// A fault of the command line (exit 2). `what` names the option.
    pub fn usage(what: impl Into<String>) -> Self {
        Self {
            kind: Kind::Usage,
            ..Self::new(what)
        }
    }

    /// The same fault with the way out, as a command to the reader ("name it with --phone-column").
    #[must_use]
    pub fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// The same fault with the place in front: `place: what; advice`.
    #[must_use]
    pub fn at(mut self, place: impl Display) -> Self {
        self.what = format!("{place}: {}", self.what);
        self
    }

    /// Who can mend it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_place_fault_and_way_out() {
        let error = Error::new("there is no phone column")
            .advice("name it with --phone-column")
            .at("customers.csv");
        assert_eq!(
            error.to_string(),
            "customers.csv: there is no phone column; name it with --phone-column"
        );
        assert_eq!(error.kind(), Kind::Failure);
    }
}
