//! What `verify` reads of a ledger.

use crate::Result;
use crate::domain::Status;
use crate::ledger::outcome::AttemptOutcome;
use crate::ledger::state::State;

/// The records of a ledger, each kind in the order of its numbers.
pub(in crate::ledger) trait Records {
    /// Decisions: the number, and the state that it leaves its rows in.
    fn decisions(&self, each: &mut dyn FnMut(i64, State)) -> Result<()>;

    /// Batches that have a record.
    fn batches(&self, each: &mut dyn FnMut(&BatchRecord<'_>)) -> Result<()>;

    /// All rows.
    fn rows(&self, each: &mut dyn FnMut(&RowRecord<'_>)) -> Result<()>;

    /// Attempts.
    fn attempts(&self, each: &mut dyn FnMut(&AttemptRecord<'_>)) -> Result<()>;
}

/// A batch as it is stored.
pub(in crate::ledger) struct BatchRecord<'r> {
    pub(in crate::ledger) id: i64,
    pub(in crate::ledger) parent: Option<i64>,
    pub(in crate::ledger) state: State,
    pub(in crate::ledger) attempts: i64,
    pub(in crate::ledger) was_claimed: bool,
    pub(in crate::ledger) code: Option<i32>,
    pub(in crate::ledger) trx_id: Option<&'r str>,
    pub(in crate::ledger) has_reason: bool,
    pub(in crate::ledger) decision: Option<i64>,
}

/// A row as it is stored.
pub(in crate::ledger) struct RowRecord<'r> {
    pub(in crate::ledger) row: i64,
    pub(in crate::ledger) msisdn: Option<i64>,
    pub(in crate::ledger) batch: Option<i64>,
    /// Its status where it was not to be sent.
    pub(in crate::ledger) unsent: Option<Status>,
    pub(in crate::ledger) wire: Option<i64>,
    pub(in crate::ledger) credits: Option<i64>,
    /// Its text, if it is the first row that has it.
    pub(in crate::ledger) text: Option<&'r str>,
    /// The row that has its text, if that is another.
    pub(in crate::ledger) text_row: Option<i64>,
    pub(in crate::ledger) trx_id: Option<&'r str>,
}

/// An attempt as it is stored.
pub(in crate::ledger) struct AttemptRecord<'r> {
    pub(in crate::ledger) id: i64,
    pub(in crate::ledger) batch: i64,
    pub(in crate::ledger) is_open: bool,
    /// `None` also for one that this version does not know. It proves nothing.
    pub(in crate::ledger) outcome: Option<AttemptOutcome>,
    pub(in crate::ledger) answer: Option<&'r str>,
}
