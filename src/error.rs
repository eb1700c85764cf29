//! The one error of the program: what kind of thing is wrong, what and where, its cause, and what to do now.
//!
//! It names no command-line option. A hint may carry a [`Remedy`], and the command line says how that is spelled.

use std::fmt::{self, Display};
use std::sync::Arc;

/// What a fallible step returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of thing is wrong. It decides the exit code, which is 1 unless another one is named here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The command line (exit 2).
    Usage,
    /// The spreadsheet is not there.
    NoInput,
    /// The spreadsheet, a list of numbers or a message file.
    Input,
    /// The message template.
    Template,
    /// More rows that cannot be sent, more lint findings, or fewer rows than allowed.
    Limits,
    /// Another campaign sends the same to the same people.
    Repeat,
    /// Another process has the ledger.
    InUse,
    /// The ledger: missing, damaged, of another campaign, or refused as it is.
    Ledger,
    /// A file or folder that cannot be written.
    Disk,
    /// The account's name or password.
    Account,
    /// What the gateway says about the account (exit 4).
    AccountStopped,
    /// The gateway or the database cannot be reached (exit 75).
    Unreachable,
    /// Anything else.
    Other,
}

/// An option or a command of the program that helps, whatever it is called on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Name the delimiter.
    Delimiter,
    /// Name the encoding.
    Encoding,
    /// Name the sheet of a workbook.
    Sheet,
    /// Name the phone column.
    PhoneColumn,
    /// Name the message column.
    MessageColumn,
    /// Say what the message is.
    Message,
    /// Say what becomes of hidden rows.
    HiddenRows,
    /// Say whether dates have the day or the month first.
    DateOrder,
    /// Say where the ledger is.
    LedgerPath,
    /// Say where the results are written.
    ResultsPath,
    /// Say where the sandbox writes its outbox.
    OutboxPath,
    /// Say where the sandbox listens.
    ListenAddress,
    /// Say which gateway is sent to.
    Gateway,
    /// Say whose account is used: its name and password.
    Account,
    /// Read the guide on stores.
    StoreGuide,
    /// Show how far a campaign is.
    ShowStatus,
    /// Audit the ledger.
    Verify,
    /// List the rows that were not sent.
    ListNotSent,
}

/// What is wrong and where, why, and what to do now.
#[derive(Clone, Debug)]
pub struct Error {
    /// What kind of thing is wrong.
    pub(crate) kind: Kind,
    message: String,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    hint: String,
    /// The ledger that a remedy is applied to.
    pub(crate) ledger: Option<String>,
    /// The option or command that carries out its hint, if there is one.
    pub(crate) remedy: Option<Remedy>,
    /// The parts of its sentence that belong to customers.
    pub(crate) private: Vec<String>,
}

impl Error {
    /// An error of this kind. `message` says what is wrong, without a full stop; [`at`](Self::at) adds where.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
            hint: String::new(),
            ledger: None,
            remedy: None,
            private: Vec::new(),
        }
    }

    /// An error of the command line. `message` names the option.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn caused_by(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(cause));
        self
    }

    /// The same error, with this part of it marked as a customer's: a cell or a text, which a log does not show.
    #[must_use]
    pub fn quoting(mut self, part: impl Into<String>) -> Self {
        self.private.push(part.into());
        self
    }

    /// The same error with what to do now, as a request to the reader ("close that program and run again").
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same error with one more thing that can be done.
    #[must_use]
    pub fn or_hint(mut self, hint: impl Display) -> Self {
        self.hint = format!("{}; {hint}", self.hint);
        self
    }

    /// The same error as one of another kind, for a caller to whom it means something else.
    #[must_use]
    pub fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// The same error with the option or command that carries out its hint.
    #[must_use]
    pub fn remedy(mut self, remedy: Remedy) -> Self {
        self.remedy = Some(remedy);
        self
    }

    /// The same error with the ledger that its remedy is applied to.
    #[must_use]
    pub fn about(mut self, ledger: impl Display) -> Self {
        self.ledger = Some(ledger.to_string());
        self
    }

    /// The same error with another hint and no remedy, for a caller whose user has other ways out.
    #[must_use]
    pub fn instead(mut self, hint: impl Into<String>) -> Self {
        self.remedy = None;
        self.hint(hint)
    }

    /// The same error with the place in front: `place: message`.
    #[must_use]
    pub fn at(mut self, place: impl Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }
}

/// `message: cause; hint`, without the remedy.
impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        if self.hint.is_empty() {
            Ok(())
        } else {
            write!(f, "; {}", self.hint)
        }
    }
}

/// Two errors are equal where they say the same: causes are compared by their words.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.remedy == other.remedy
            && self.to_string() == other.to_string()
    }
}

impl Eq for Error {}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_where_why_and_what_to_do() {
        let error = Error::new(Kind::Input, "cannot be read")
            .caused_by(std::io::Error::other("no such disk"))
            .hint("check its name")
            .at("customers.csv");
        assert_eq!(
            error.to_string(),
            "customers.csv: cannot be read: no such disk; check its name"
        );
        assert_eq!(
            Error::new(Kind::Other, "is empty").at("a.csv").to_string(),
            "a.csv: is empty"
        );
    }
}
