//! Why a run did not end with 0: a word for scripts, and a sentence for people.

use super::exit::Exit;
use super::remedy;
use super::signals;
use super::terminal::shows_private;
use super::view::{counted, grouped, inflected};
use crate::dispatch::StopReason;
use crate::domain::Status;
use crate::domain::status::Counts;
use crate::{Error, Kind};

/// Why a run did not end with 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    /// One of the words of `error_kind`, which never change.
    pub(super) kind: &'static str,
    pub(super) sentence: String,
    /// The parts of the sentence that belong to customers.
    pub(super) private: Vec<String>,
}

impl Cause {
    /// Another process uses the ledger.
    pub(super) const IN_USE: &'static str = "in-use";

    pub(super) fn of_error(error: &Error) -> Self {
        Self {
            private: error.private.clone(),
            ..Self::new(word(error.kind), remedy::sentence(error))
        }
    }

    fn new(kind: &'static str, sentence: String) -> Self {
        Self {
            kind,
            sentence,
            private: Vec::new(),
        }
    }

    /// The sentence for standard error.
    pub(super) fn told(&self) -> String {
        if shows_private() {
            self.sentence.clone()
        } else {
            remedy::for_log(&self.sentence, &self.private)
        }
    }

    /// Why a run stopped before everything was sent, and what to do about it. `detail`: why the last request that failed
    /// did, or how the rest is sent later.
    pub(super) fn of_stop(stop: StopReason, pending: u64, detail: Option<&str>) -> Option<Self> {
        Some(match stop {
            StopReason::Account(code) => Self::new(
                "account",
                format!(
                    "the gateway stopped the account ({code}: {}); correct that and run again: what was not sent is pending",
                    code.meaning()
                ),
            ),
            StopReason::Refused(code) => Self::new(
                "account",
                format!(
                    "ten requests in a row were refused with {code} ({}); correct that before you continue",
                    code.meaning()
                ),
            ),
            StopReason::Unreachable => {
                let why = detail.unwrap_or("the gateway could not be reached, or throttled");
                Self::new(
                    "unreachable",
                    format!("nothing could be sent for too long: {why}; run again later"),
                )
            }
            StopReason::Unknown {
                incomplete,
                requests,
            } => {
                let last = detail.map_or_else(String::new, |why| format!(" (the last one: {why})"));
                Self::new(
                    "unknown",
                    format!(
                        "{} of the last {} left messages without a usable answer{last}, so the run stopped; find out why before you run again",
                        grouped(incomplete),
                        counted(requests, "request")
                    ),
                )
            }
            StopReason::Signal(signal) => {
                let then = match pending {
                    0 => "everything was under way already",
                    _ => "run again to continue",
                };
                let name = signals::name(signal);
                Self::new("signal", format!("interrupted by {name}; {then}"))
            }
            StopReason::NotAfter => Self::new(
                "not-sent",
                format!(
                    "{} pending after --not-after; {}",
                    inflected(pending, "row is", "rows are"),
                    detail.unwrap_or("run again at another time")
                ),
            ),
            // An error says these.
            StopReason::Balance | StopReason::Error | StopReason::Limit => return None,
        })
    }

    /// Why a run ended that a signal interrupted before its first request.
    pub(super) fn before_sending(signal: i32) -> Self {
        let name = signals::name(signal);
        let sentence = format!(
            "interrupted by {name} before anything was sent in this run; run again to continue"
        );
        Self::new("signal", sentence)
    }

    /// Why a run that sent all it could did not end with 0.
    pub(super) fn of_counts(exit: Exit, counts: &Counts) -> Option<Self> {
        let of = |status| counts.of(status);
        match exit {
            Exit::UNKNOWN => Some(Self::new(
                "unknown",
                format!(
                    "{} may or may not have been sent",
                    counted(of(Status::Unknown), "message")
                ),
            )),
            Exit::NOT_ALL_SENT => {
                let (invalid, refused) = (of(Status::Invalid), of(Status::Refused));
                let rows = inflected(invalid + refused, "row was", "rows were");
                Some(Self::new(
                    "not-sent",
                    format!(
                        "{rows} not sent: {} invalid, {} refused",
                        grouped(invalid),
                        grouped(refused)
                    ),
                ))
            }
            _ => None,
        }
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Usage => "usage",
        Kind::NoInput => "no-input",
        Kind::Input => "input",
        Kind::Template => "template",
        Kind::Limits => "limits",
        Kind::Repeat => "repeat",
        Kind::InUse => Cause::IN_USE,
        Kind::Ledger => "ledger",
        Kind::Disk => "disk",
        Kind::Account | Kind::AccountStopped => "account",
        Kind::Unreachable => "unreachable",
        Kind::Other => "other",
    }
}
