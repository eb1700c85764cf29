//! What a backend does for the rest of the ledger: it writes changes durably and reads. It decides nothing.

use std::any::Any;
use std::collections::HashSet;
use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::batch::{AttemptId, Batch, BatchId};
use super::campaign::Campaign;
use super::change::{Change, NewIds};
use super::outcome::AttemptOutcome;
use super::planned_row::PlannedRow;
use super::recipient::{PlannedText, Recipient};
use super::resolution::Selection;
use super::sender::{Awaited, Reservation, SenderOptions};
use super::state::State;
use super::totals::Totals;
use crate::Result;
use crate::domain::status::Counts;
use crate::domain::{Msisdn, Status, Timestamp};

/// The lock of one place. It also remembers, outside of the ledger, which campaign was started there.
pub(super) trait Lock: Debug + Send {
    /// The campaign that was started under this lock, if one was.
    fn started(&self) -> Option<&Started>;

    /// Records durably that this campaign is being sent, or takes the place of one that was. It comes before the first claim,
    /// so that a ledger that is lost afterwards is missed.
    fn mark_started(&mut self, campaign: &str) -> Result<()>;

    /// Removes the record of the campaign that was started. Its ledger shows that nothing was ever sent from it.
    fn clear_started(&mut self) -> Result<()>;

    /// Keeps this lock held for as long as the guard lives, even if the lock itself is dropped.
    fn guard(&self) -> Result<LockGuard>;

    /// Begins a plan.
    fn begin_plan(&self) -> Result<Box<dyn PlanWriter>>;

    /// Opens the ledger for sending.
    fn open(self: Box<Self>) -> Result<Box<dyn Ledger>>;

    /// Closes the ledger for every process, so that it can be moved or replaced.
    fn close_completely(self: Box<Self>) -> Result<Box<dyn Lock>>;

    /// Moves a ledger that is closed completely out of its place, under a name made of the time when it was planned. Nothing is
    /// overwritten. `seen`: where others can send from it, it is refused if more has happened to it. Returns where it is now.
    fn set_aside(&self, planned_at: &Timestamp, seen: History) -> Result<String>;
}

/// Keeps a lock held until this is dropped too.
#[derive(Debug)]
pub struct LockGuard(#[allow(dead_code)] pub(super) Box<dyn Any + Send>);

/// How much has happened to a campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// How many attempts were made.
    pub attempts: u64,
    /// How often an operator decided about rows.
    pub decisions: u64,
}

/// What is recorded of a campaign that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Its id.
    pub campaign: String,
    /// At least this many attempts were made: a ledger with fewer is an older copy.
    pub attempts: u64,
    /// Whether it took the place of another one that was started.
    pub replaces_another: bool,
}

/// An unfinished plan. If it is dropped, nothing is left behind.
pub trait PlanWriter: Debug + Send {
    /// Prepares to store rows.
    fn inserts(&mut self) -> Result<Box<dyn PlanInserts + '_>>;

    /// The text of a row that was stored.
    fn text_of(&self, row: u64) -> Result<Option<String>>;

    /// Hands each row to send to `each`, with its number and text.
    fn texts(&self, each: &mut dyn FnMut(Status, Msisdn, &str)) -> Result<()>;

    /// Puts the complete plan in its place, durably. `replacing`: a ledger from which nothing was ever sent may be there, and is
    /// not open. Otherwise, and always in a store, nothing is overwritten.
    fn finish(self: Box<Self>, campaign: &Campaign, replacing: bool) -> Result<()>;
}

/// Stores rows.
pub trait PlanInserts {
    /// Stores these rows, which come in order.
    fn rows(&mut self, rows: &[PlannedRow<'_>]) -> Result<()>;
}

/// A ledger that is open for sending.
pub(super) trait Ledger: Debug + Send {
    /// The campaign of this ledger.
    fn campaign(&self) -> &Campaign;

    /// Begins a transaction. Until its end, reads see what was applied in it.
    fn begin(&mut self) -> Result<()>;

    /// Carries out changes in their order. After an error the transaction must be rolled back.
    fn apply(&mut self, changes: &[Change]) -> Result<NewIds>;

    /// Commits the transaction. When this returns, it is durable. After an error nothing may be built upon it.
    fn commit(&mut self) -> Result<()>;

    /// Ends the transaction without any of its changes.
    fn roll_back(&mut self);

    /// Connects again after the connection was lost. Returns whether the commit that was made last is durable, if one was under way
    /// then; from now on that does not change.
    fn reconnect(&mut self) -> Result<bool> {
        Ok(false)
    }

    /// What has become of a claim of this sender that others may have taken for one of a sender that is gone: the batches that have
    /// its rows now and were not claimed again. Nothing else changes them before the end of the transaction. `None`: it is certainly
    /// still claimed.
    fn claimed_rows(
        &mut self,
        _attempt: AttemptId,
        _rows: &[i64],
    ) -> Result<Option<Vec<StoredBatch>>> {
        Ok(None)
    }

    /// Records that these rows of this attempt, which were accepted, were sent again before its answer came.
    fn note_sent_again(&mut self, _attempt: AttemptId, _rows: &[i64]) -> Result<()> {
        Ok(())
    }

    /// The planned batches of which that was recorded: they would be sent a third time.
    fn planned_although_accepted(&self) -> Result<Vec<BatchId>> {
        Ok(Vec::new())
    }

    /// The next page of planned batches after `after`, in the order of their numbers. Empty: there is none.
    fn planned_after(&self, after: Option<BatchId>) -> Result<Vec<Batch>>;

    /// The next page of planned batches for this sender, without those that it holds. Where several send one campaign, others
    /// are handed others for as long as there are any. In a transaction.
    fn hand_out(&mut self, after: Option<BatchId>, held: &[BatchId]) -> Result<Vec<Batch>> {
        let page = self.planned_after(after)?;
        let is_new = |batch: &Batch| !held.contains(&batch.id);
        Ok(page.into_iter().filter(is_new).collect())
    }

    /// Tells other senders of the campaign that the gateway stopped the account with this code. In a transaction.
    fn stop_account(&mut self, _code: i32) -> Result<()> {
        Ok(())
    }

    /// Keeps planned batches from other senders to the end of the transaction. Returns for each what it is.
    fn keep(&mut self, batches: &[BatchId]) -> Result<Vec<Kept>> {
        Ok(vec![Kept::Planned; batches.len()])
    }

    /// Records with the first claim how this process sends. Before it.
    fn set_sender(&mut self, _: &SenderOptions) -> Result<()> {
        Ok(())
    }

    /// Takes the turn of this many recipients at the rate that all senders of an account share. Not in a transaction.
    fn reserve(&self, _recipients: usize) -> Result<Reservation> {
        Ok(Reservation::NOW)
    }

    /// Whether a sender of the same account asks for a rate.
    fn is_limited(&self) -> Result<bool> {
        Ok(false)
    }

    /// Whether several processes can send the campaign at once.
    fn is_shared(&self) -> bool {
        false
    }

    /// What may have to be sent yet by a sender that found nothing to take.
    fn awaits(&self) -> Result<Awaited> {
        Ok(Awaited::Nothing)
    }

    /// The planned batch with the fewest recipients, of those that were split from another.
    fn smallest_split(&self) -> Result<Option<Batch>>;

    /// The batches that have a selected row, or that number, with all their rows; of all pending ones perhaps a page, if others can
    /// send them. They are kept from other senders to the end of the transaction; where another one keeps some of them, that is an
    /// error of `Kind::InUse`.
    fn selected(&self, selection: &Selection) -> Result<Vec<StoredBatch>>;

    /// The claims without an outcome whose owner is gone. In a transaction.
    fn in_flight(&self) -> Result<InFlight>;

    /// Whether an attempt has another outcome than this one, or none yet.
    fn has_attempt_besides(&self, outcome: AttemptOutcome) -> Result<bool>;

    /// The outcome of the attempt that ended last, without those of these outcomes. An interrupted one ended when it began.
    fn last_outcome(&self, without: &[AttemptOutcome]) -> Result<Option<AttemptOutcome>>;

    /// The rows in numbers.
    fn totals(&self) -> Result<Totals>;

    /// Closes the ledger. The lock is handed back, still held.
    fn close(self: Box<Self>) -> Result<Box<dyn Lock>>;
}

/// What a sender learns of a batch that it wants to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is planned, and nothing else changes it before the end of the transaction.
    Planned,
    /// It is no longer planned.
    Gone,
    /// Another sender is changing it.
    Busy,
    /// The gateway stopped the account of another sender with this code since this one began: nothing is to be claimed.
    AccountStopped(i32),
}

/// A batch as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredBatch {
    pub(super) id: BatchId,
    pub(super) state: State,
    /// Its rows, in order.
    pub(super) rows: Vec<i64>,
    /// Why it could go out twice if it is sent again. `None`: the end of its last request was recorded.
    pub(super) resend_risk: Option<ResendRisk>,
}

/// Why a person must not say of a batch that it was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ResendRisk {
    /// No end of its last request was recorded, and this sender of it is there.
    Sender(String),
    /// Its sender is gone, but may be suspended: only after this time it is too late for it to send.
    For(Duration),
    /// An earlier request for it was accepted, as was learned after it had been sent again.
    Accepted,
}

/// Claims whose owner is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct InFlight {
    pub(super) batches: Vec<BatchId>,
    /// The attempts of these batches that have no end.
    pub(super) attempts: Vec<AttemptId>,
}

/// A ledger open for reading, also while it is being sent.
pub trait Snapshot: Debug {
    /// Its campaign.
    fn campaign(&self) -> Result<Campaign>;

    /// Its rows in numbers.
    fn totals(&self) -> Result<Totals>;

    /// How many rows have which status. That may be known sooner than what they cost.
    fn counts(&self) -> Result<Counts> {
        Ok(self.totals()?.counts)
    }

    /// Hands each of these rows to `each`, in the order of the spreadsheet, up to the first error. All of them are read in one
    /// state of the ledger, whatever is written meanwhile.
    fn recipients(
        &self,
        rows: RangeInclusive<u32>,
        each: &mut dyn FnMut(Recipient<'_>) -> Result<()>,
    ) -> Result<()>;

    /// Hands each row that was planned to be sent, and is neither suppressed nor cancelled since, to `each`, in the order of the
    /// spreadsheet, as long as it returns true.
    fn planned_texts(&self, each: &mut dyn FnMut(PlannedText<'_>) -> Result<bool>) -> Result<()>;

    /// Hands each row that was planned to be sent to `each`, with its number and text, in the order of the spreadsheet.
    fn texts(&self, each: &mut dyn FnMut(Status, Msisdn, &str)) -> Result<()>;

    /// When the last request was made, or the run under way was about to make its first one. `None`: nothing was taken by a gateway,
    /// and no run is under way.
    fn last_request(&self) -> Result<Option<Timestamp>>;

    /// How often an operator decided about rows.
    fn decisions(&self) -> Result<u64>;

    /// Hands each number that was or may yet be sent to (accepted, unknown, pending) to `each`.
    fn sent_numbers(&self, each: &mut dyn FnMut(Msisdn)) -> Result<()>;

    /// Hands each of these numbers that was, or may have been, sent to (accepted, unknown) to `each`, with the time of the last
    /// claim, in the order of the batches.
    fn reached(
        &self,
        numbers: &HashSet<Msisdn>,
        each: &mut dyn FnMut(Msisdn, &Timestamp),
    ) -> Result<()>;

    /// Whether an attempt has an outcome that is not in `AttemptOutcome::NOT_TAKEN`, or none yet.
    fn was_sent_from(&self) -> Result<bool>;

    /// The batches whose request was accepted only after they were made pending and sent again.
    fn sent_again(&self) -> Result<Vec<i64>> {
        Ok(Vec::new())
    }

    /// A sentence for each rule that does not hold; none if everything adds up. `duplicates_kept`: the campaign was planned to
    /// send duplicates. `code_fits`: whether the gateway can have answered this code for recipients of that status.
    fn verify(
        &self,
        duplicates_kept: bool,
        code_fits: &dyn Fn(Status, i32) -> bool,
    ) -> Result<Vec<String>>;
}
