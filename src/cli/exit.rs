//! The exit codes, and which of them a run ends with.

use crate::dispatch::StopReason;
use crate::domain::Status;
use crate::domain::status::Counts;
use crate::{Error, Kind};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exit(pub(super) u8);

impl Exit {
    pub(super) const OK: Self = Self(0);
    pub(super) const FAILURE: Self = Self(1);
    pub(super) const USAGE: Self = Self(2);
    pub(super) const NOT_ALL_SENT: Self = Self(3);
    const ACCOUNT: Self = Self(4);
    pub(super) const UNKNOWN: Self = Self(5);
    const UNREACHABLE: Self = Self(75);

    /// The end of a command that failed.
    pub(super) fn of_error(error: &Error) -> Self {
        match error.kind {
            Kind::Usage => Self::USAGE,
            Kind::AccountStopped => Self::ACCOUNT,
            Kind::Unreachable => Self::UNREACHABLE,
            _ => Self::FAILURE,
        }
    }

    /// The end of a send: why it stopped, if it did, and what its ledger holds. Where several hold: a signal, a
    /// failure, the account, the gateway, unknown outcomes, rows not sent.
    pub(super) fn of_send(stop: Option<StopReason>, counts: &Counts) -> Self {
        match stop {
            // As a shell reports a process that a signal ended.
            Some(StopReason::Signal(number)) => Self(u8::try_from(128 + number).unwrap_or(1)),
            Some(StopReason::Error) => Self::FAILURE,
            Some(StopReason::Account(_) | StopReason::Balance | StopReason::Refused(_)) => {
                Self::ACCOUNT
            }
            Some(StopReason::Unreachable) => Self::UNREACHABLE,
            _ if counts.of(Status::Unknown) > 0 => Self::UNKNOWN,
            Some(StopReason::NotAfter) if counts.of(Status::Pending) > 0 => Self::NOT_ALL_SENT,
            // While rows are left, rows that cannot be sent do not decide.
            _ if counts.of(Status::Pending) > 0 => Self::OK,
            _ if counts.of(Status::Invalid) + counts.of(Status::Refused) > 0 => Self::NOT_ALL_SENT,
            _ => Self::OK,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Status::{
        Accepted, Duplicate, Invalid, Pending, Refused, Suppressed, Unknown,
    };
    use crate::gateway::Code;

    #[test]
    fn the_gravest_thing_decides() {
        let counts = |statuses: &[Status]| {
            let mut counts = Counts::default();
            for status in statuses {
                counts.add(*status, 1);
            }
            counts
        };
        let no_answers = StopReason::Unknown {
            incomplete: 3,
            requests: 3,
        };
        let table: [(Option<StopReason>, &[Status], u8); 18] = [
            (None, &[Accepted], 0),
            (None, &[Accepted, Duplicate, Suppressed], 0),
            (None, &[Accepted, Invalid], 3),
            (None, &[Accepted, Refused], 3),
            (None, &[Unknown, Refused], 5),
            (Some(StopReason::Limit), &[Accepted, Pending], 0),
            (
                Some(StopReason::Limit),
                &[Accepted, Invalid, Refused, Pending],
                0,
            ),
            (Some(StopReason::Limit), &[Unknown, Pending], 5),
            (Some(StopReason::NotAfter), &[Accepted, Pending], 3),
            (Some(StopReason::NotAfter), &[Unknown, Pending], 5),
            (Some(StopReason::NotAfter), &[Accepted], 0),
            (Some(no_answers), &[Unknown, Pending], 5),
            (Some(StopReason::Unreachable), &[Unknown, Pending], 75),
            (
                Some(StopReason::Account(Code(-1004))),
                &[Unknown, Pending],
                4,
            ),
            (
                Some(StopReason::Refused(Code(-1005))),
                &[Refused, Pending],
                4,
            ),
            (Some(StopReason::Error), &[Pending], 1),
            (Some(StopReason::Signal(2)), &[Unknown, Pending], 130),
            (Some(StopReason::Signal(15)), &[Pending], 143),
        ];
        for (stop, statuses, code) in table {
            assert_eq!(
                Exit::of_send(stop, &counts(statuses)),
                Exit(code),
                "{stop:?} {statuses:?}"
            );
        }
    }
}
