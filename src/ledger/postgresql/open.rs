//! A campaign that is open for sending: opening it, and the transactions that are made in it.

use std::collections::HashMap;
use std::sync::Arc;

use super::campaign::{self, Stored};
use super::connection::{Connection, Values, get};
use super::place::{Lock, Place};
use super::rate;
use super::{schema, totals};
use crate::ledger::backend::{self, InFlight, Kept, StoredBatch};
use crate::ledger::batch::{AttemptId, Batch, BatchId};
use crate::ledger::campaign::Campaign;
use crate::ledger::change::{Change, NewIds};
use crate::ledger::outcome::AttemptOutcome;
use crate::ledger::resolution::Selection;
use crate::ledger::sender::{Awaited, Reservation, SenderOptions};
use crate::ledger::stored::unknown_value;
use crate::ledger::totals::Totals;
use crate::{Error, Kind, Result};

/// A sender that is stopped in a transaction keeps others from rows, and from then on must see whether it was taken for gone.
const STOPPED_IN_TRANSACTION: &str = "SET idle_in_transaction_session_timeout = '60s'";

/// Ends the session of the server's process `$2` if it holds the lock of the sender `$1`.
const END_SESSION: &str = "SELECT pg_terminate_backend(pid) FROM pg_locks
    WHERE locktype = 'advisory' AND classid = 1769172307 AND objid::bigint = $1::integer AND objsubid = 2 AND pid = $2";

/// A campaign open for sending.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) connection: Arc<Connection>,
    pub(super) place: Place,
    pub(super) campaign: Campaign,
    /// The campaign's number in the store.
    pub(super) number: i64,
    /// The decision that was recorded last.
    pub(super) decision: Option<i64>,
    holder: String,
    /// How this process sends, if it does.
    options: Option<SenderOptions>,
    /// The number of this sender, once it is one. This session holds its lock.
    pub(super) sender: Option<i32>,
    /// How often the gateway had stopped the account of a sender of this campaign when this one began.
    account_stops: i64,
    /// Whether its record was made, perhaps in the transaction that is open.
    recorded: bool,
    /// Whether the transaction that is open changes what must not be lost.
    has_changes: bool,
    /// How many attempts it made, with those of the transaction.
    pub(super) attempts: i64,
    /// How many of them are committed.
    committed: i64,
    /// How many transactions it committed since its record was made.
    commits: i64,
    /// The last attempt that it made.
    pub(super) last_attempt: i64,
    /// The last one that it made before the connection was lost. Since then others may have taken it for gone.
    pub(super) last_before_loss: i64,
}

impl Ledger {
    /// Opens the campaign that the lock belongs to. From now on others can lock its name and open it too.
    pub(super) fn open(lock: Lock) -> Result<Self> {
        let Stored { number, campaign } = campaign::named(&lock.connection, &lock.place.name)?;
        lock.release()?;
        lock.connection.run(STOPPED_IN_TRANSACTION)?;
        Ok(Self {
            connection: lock.connection,
            place: lock.place,
            campaign,
            number,
            decision: None,
            holder: lock.holder,
            options: None,
            sender: None,
            account_stops: i64::MAX,
            recorded: false,
            has_changes: false,
            attempts: 0,
            committed: 0,
            commits: 0,
            last_attempt: 0,
            last_before_loss: 0,
        })
    }

    /// Makes this a sender, if it is none yet, and returns its number. Others see whether it is there by the lock, which goes with
    /// the session. It is taken before anything can be claimed.
    pub(super) fn register(&mut self) -> Result<i32> {
        let sender = if let Some(sender) = self.sender {
            sender
        } else {
            let sql = "SELECT id FROM (SELECT nextval('sender_id')::integer AS id) new, pg_advisory_lock(1769172307, id)";
            let sender = get(&self.connection.one(sql, &[])?, 0)?;
            let sql = "SELECT account_stops FROM campaign WHERE number = $1";
            self.account_stops = get(&self.connection.one(sql, &[&self.number])?, 0)?;
            *self.sender.insert(sender)
        };
        if !self.recorded {
            self.record(sender)?;
            (self.recorded, self.has_changes) = (true, true);
        }
        Ok(sender)
    }

    /// The database holds less than was committed to it.
    fn is_older_copy(&self) -> Error {
        // It fails where there is no transaction.
        let _ = self.connection.run("ROLLBACK");
        schema::mark_older_copy(&self.connection)
    }

    /// Refuses a campaign that was set aside since it was opened: another one may have been planned in its place, for the same people.
    /// It cannot be set aside before the end of the transaction, nor as long as this sender holds its lock.
    fn refuse_set_aside(&self) -> Result<()> {
        let sql = "SELECT stored_as FROM campaign WHERE number = $1 FOR KEY SHARE";
        let stored_as: String = get(&self.connection.one(sql, &[&self.number])?, 0)?;
        if stored_as != self.place.name {
            let problem = format!("was set aside meanwhile, and is now {stored_as}");
            return Err(Error::new(Kind::Ledger, problem)
                .hint("nothing is sent from it; look at both, and run again for the one that took its place")
                .at(&self.place));
        }
        Ok(())
    }

    /// Adds the record of this sender.
    fn record(&self, sender: i32) -> Result<()> {
        self.refuse_set_aside()?;
        let options = self.options.as_ref();
        let account = options.map(|options| &options.account);
        let nanos = options.and_then(|options| options.per_recipient);
        let nanos = nanos.map(|time| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX));
        let largest = options.map(|options| i64::from(options.largest.get()));
        let timeout = options.map(|options| options.timeout.as_secs_f64());
        self.connection.execute(
            "INSERT INTO sender (campaign, id, holder, attempts, commits, account, recipient_nanos, largest, timeout)
             VALUES ($1, $2, $3, 0, 0, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            &[&self.number, &sender, &self.holder, &account, &nanos, &largest, &timeout],
        )?;
        account.map_or(Ok(()), |account| {
            rate::add_account(&self.connection, account)
        })
    }

    /// How many commits and attempts are recorded of this sender: none, if its record is not stored. `None`: another sender has its
    /// number.
    fn own_record(&self, sender: i32) -> Result<Option<(i64, i64)>> {
        let sql =
            "SELECT campaign = $2 AND holder = $3, commits, attempts FROM sender WHERE id = $1";
        let values: Values<'_> = &[&sender, &self.number, &self.holder];
        let rows = self.connection.rows(sql, values)?;
        let Some(row) = rows.first() else {
            return Ok(Some((0, 0)));
        };
        let is_own: bool = get(row, 0)?;
        Ok(is_own.then_some((get(row, 1)?, get(row, 2)?)))
    }

    /// The first column of a query, which holds integers.
    pub(super) fn read_column(&self, sql: &str, values: Values<'_>) -> Result<Vec<i64>> {
        let rows = self.connection.rows(sql, values)?;
        rows.iter().map(|row| get(row, 0)).collect()
    }
}

impl backend::Ledger for Ledger {
    fn campaign(&self) -> &Campaign {
        &self.campaign
    }

    fn begin(&mut self) -> Result<()> {
        self.has_changes = false;
        self.connection.run("BEGIN")
    }

    fn apply(&mut self, changes: &[Change]) -> Result<NewIds> {
        self.has_changes = true;
        self.apply_all(changes)
    }

    fn commit(&mut self) -> Result<()> {
        // Should the connection be lost now, this number tells whether the transaction is durable. What changes nothing can be made
        // again, and is not written.
        let is_counted = self.recorded && self.has_changes;
        if is_counted {
            let sql =
                "UPDATE sender SET attempts = $2, commits = $3 WHERE id = $1 AND commits = $4";
            let values: Values<'_> = &[
                &self.sender,
                &self.attempts,
                &(self.commits + 1),
                &self.commits,
            ];
            if self.connection.execute(sql, values)? != 1 {
                return Err(self.is_older_copy());
            }
        }
        self.connection.commit()?;
        self.commits += i64::from(is_counted);
        self.committed = self.attempts;
        Ok(())
    }

    fn roll_back(&mut self) {
        // It fails where the connection is lost, and the server has rolled back.
        let _ = self.connection.run("ROLLBACK");
        self.attempts = self.committed;
        self.recorded = self.commits > 0;
    }

    fn reconnect(&mut self) -> Result<bool> {
        let process = self.connection.renew()?;
        self.connection.run(STOPPED_IN_TRANSACTION)?;
        if self.options.is_some() {
            // What was committed may be missing, also by other senders, which only they know.
            schema::refuse_copy(&self.connection)?;
        }
        let Some(sender) = self.sender else {
            return Ok(false);
        };
        self.last_before_loss = self.last_attempt;
        // The session before may still be there, with a commit to carry out: a server that hung reads what it was sent when it goes on.
        // Nothing is known until that session is gone, and then its lock is free. The sender keeps its number, so that what it claimed
        // is still its own, unless others found the lock free meanwhile. A number that was drawn but not recorded is drawn again
        // where the server stopped before it had written that down.
        let was_there = !self
            .connection
            .rows(END_SESSION, &[&sender, &process])?
            .is_empty();
        if was_there || self.own_record(sender)?.is_some() {
            self.connection.run("SET lock_timeout = '3s'")?;
            let sql = "SELECT pg_advisory_lock(1769172307, $1)";
            self.connection.execute(sql, &[&sender])?;
            self.connection.run("SET lock_timeout = 0")?;
        }
        self.connection.run("BEGIN")?;
        // As long as the lock was free it could be set aside, and another plan take its place.
        self.refuse_set_aside()?;
        let (commits, attempts) = self.own_record(sender)?.unwrap_or_default();
        // A commit that is seen here may not be confirmed yet by another server that has to: its session may have ended while it waited
        // for that. This commit, which has locked a row, comes after it and is confirmed after it.
        self.connection.commit()?;
        let is_durable = commits == self.commits + 1;
        if !is_durable && commits != self.commits {
            return Err(self.is_older_copy());
        }
        (self.commits, self.attempts, self.committed) = (commits, attempts, attempts);
        self.recorded = commits > 0;
        if !self.recorded {
            self.sender = None;
        }
        Ok(is_durable)
    }

    fn claimed_rows(
        &mut self,
        attempt: AttemptId,
        rows: &[i64],
    ) -> Result<Option<Vec<StoredBatch>>> {
        // As long as a session holds its lock, no other changes what it claimed.
        if attempt.0 > self.last_before_loss {
            return Ok(None);
        }
        self.read_claimed_rows(attempt, rows).map(Some)
    }

    fn note_sent_again(&mut self, attempt: AttemptId, rows: &[i64]) -> Result<()> {
        self.has_changes = true;
        let sql = "UPDATE attempt SET sent_again = true WHERE campaign = $1 AND id = $2";
        (self.connection).execute(sql, &[&self.number, &attempt.0])?;
        let sql = "UPDATE batch SET accepted_before = true WHERE campaign = $1 AND id IN (
                       SELECT batch_id FROM recipient WHERE campaign = $1 AND row = ANY($2))";
        (self.connection).execute(sql, &[&self.number, &rows])?;
        Ok(())
    }

    fn planned_although_accepted(&self) -> Result<Vec<BatchId>> {
        let sql = "SELECT id FROM batch WHERE campaign = $1 AND accepted_before AND state = 'planned' ORDER BY id";
        let ids = self.read_column(sql, &[&self.number])?;
        Ok(ids.into_iter().map(BatchId).collect())
    }

    fn planned_after(&self, after: Option<BatchId>) -> Result<Vec<Batch>> {
        self.read_page(after)
    }

    fn hand_out(&mut self, after: Option<BatchId>, held: &[BatchId]) -> Result<Vec<Batch>> {
        let sender = self.register()?;
        self.read_handed_out(sender, after, held)
    }

    fn stop_account(&mut self, code: i32) -> Result<()> {
        self.has_changes = true;
        let sql = "UPDATE campaign SET account_stops = account_stops + 1, stop_code = $2 WHERE number = $1";
        self.connection
            .execute(sql, &[&self.number, &code])
            .map(drop)
    }

    fn keep(&mut self, batches: &[BatchId]) -> Result<Vec<Kept>> {
        let ids: Vec<i64> = batches.iter().map(|batch| batch.0).collect();
        let rows = self.connection.rows(
            "SELECT id, state = 'planned', (SELECT stop_code FROM campaign WHERE number = $1 AND account_stops > $3)
             FROM batch WHERE campaign = $1 AND id = ANY($2) FOR UPDATE SKIP LOCKED",
            &[&self.number, &ids, &self.account_stops],
        )?;
        let mut kept = HashMap::new();
        for row in &rows {
            let is = match (get(row, 1)?, get(row, 2)?) {
                (false, _) => Kept::Gone,
                (true, None) => Kept::Planned,
                (true, Some(code)) => Kept::AccountStopped(code),
            };
            kept.insert(get::<i64>(row, 0)?, is);
        }
        let kept = ids.iter().map(|id| kept.remove(id).unwrap_or(Kept::Busy));
        Ok(kept.collect())
    }

    fn set_sender(&mut self, options: &SenderOptions) -> Result<()> {
        self.options = Some(options.clone());
        schema::refuse_copy(&self.connection)
    }

    fn reserve(&self, recipients: usize) -> Result<Reservation> {
        match &self.options {
            Some(options) => rate::reserve(&self.connection, options, recipients),
            None => Ok(Reservation::NOW),
        }
    }

    fn is_limited(&self) -> Result<bool> {
        match &self.options {
            Some(options) if options.per_recipient.is_some() => Ok(true),
            Some(options) => rate::is_limited(&self.connection, &options.account),
            None => Ok(false),
        }
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn awaits(&self) -> Result<Awaited> {
        let row = self.connection.one(
            "SELECT EXISTS (SELECT 1 FROM batch WHERE campaign = $1 AND state = 'claimed' AND sender IS DISTINCT FROM $2),
                    EXISTS (SELECT 1 FROM batch WHERE campaign = $1 AND state = 'planned')",
            &[&self.number, &self.sender.map(i64::from)],
        )?;
        Ok(match (get(&row, 0)?, get(&row, 1)?) {
            (true, _) => Awaited::Requests,
            (false, true) => Awaited::Planned,
            (false, false) => Awaited::Nothing,
        })
    }

    fn smallest_split(&self) -> Result<Option<Batch>> {
        self.read_smallest_split()
    }

    fn selected(&self, selection: &Selection) -> Result<Vec<StoredBatch>> {
        self.read_selected(selection)
    }

    fn in_flight(&self) -> Result<InFlight> {
        self.read_in_flight()
    }

    fn has_attempt_besides(&self, outcome: AttemptOutcome) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM attempt WHERE campaign = $1 AND outcome IS DISTINCT FROM $2)";
        let row = (self.connection).one(sql, &[&self.number, &outcome.as_str()])?;
        get(&row, 0)
    }

    fn last_outcome(&self, without: &[AttemptOutcome]) -> Result<Option<AttemptOutcome>> {
        let without: Vec<_> = without.iter().map(|one| one.as_str()).collect();
        let rows = self.connection.rows(
            "SELECT outcome FROM attempt WHERE campaign = $1 AND outcome <> ALL($2)
             ORDER BY CASE WHEN ended_at IS NULL THEN claimed ELSE ended END DESC, id DESC LIMIT 1",
            &[&self.number, &without],
        )?;
        let outcome = rows.first().map(|row| {
            let word: &str = get(row, 0)?;
            word.parse().map_err(|_| unknown_value("outcome", word))
        });
        outcome.transpose()
    }

    fn totals(&self) -> Result<Totals> {
        totals::read(&self.connection, self.number)
    }

    fn close(self: Box<Self>) -> Result<Box<dyn backend::Lock>> {
        Ok(Box::new(Lock {
            connection: self.connection,
            place: self.place,
            holder: self.holder,
        }))
    }
}
