//! Reading batches of an open campaign: planned ones with all that their requests need, and those that an operator selected.

use std::time::Duration;

use super::connection::get;
use super::open::Ledger;
use crate::ledger::backend::{InFlight, ResendRisk, StoredBatch};
use crate::ledger::batch::{AttemptId, Batch, BatchId};
use crate::ledger::outcome::AttemptOutcome;
use crate::ledger::resolution::Selection;
use crate::ledger::stored::{self, BatchBuilder, StoredMember};
use crate::{Error, Kind, Result};

/// How many planned batches are read at a time.
const PAGE: i64 = 256;

/// How many batches are handed out to a sender at a time.
const HANDED_OUT: i64 = 64;

/// How many of those that another sender was handed.
const TAKEN_OVER: i64 = 4;

/// How many planned batches are decided about at a time.
const DECIDED: i64 = 4096;

/// Batches `$2` with their rows. Of those whose last request has no recorded end: whether its sender is there, who that is, and for
/// how many seconds it might still make the request, which it does not when its claim is older than its time-out and a minute. Last,
/// whether an earlier request was accepted.
const SELECTED: &str = "
    SELECT b.id, b.state,
           ARRAY(SELECT r.row FROM recipient r WHERE r.campaign = b.campaign AND r.batch_id = b.id ORDER BY r.row),
           a.sender IN (SELECT id FROM live_sender), coalesce(s.holder, ''),
           extract(epoch FROM a.claimed - clock_timestamp())::float8 + coalesce(s.timeout, 0) + 60,
           b.accepted_before
    FROM batch b
    LEFT JOIN attempt a ON a.campaign = b.campaign AND a.id = b.attempt AND b.state IN ('claimed', 'unknown')
                           AND coalesce(a.outcome, $3) = $3
    LEFT JOIN sender s ON s.id = a.sender
    WHERE b.campaign = $1 AND b.id = ANY($2) ORDER BY b.id";

impl Ledger {
    /// The next page of planned batches after `after`, in order.
    pub(super) fn read_page(&self, after: Option<BatchId>) -> Result<Vec<Batch>> {
        let ids = self.read_column(
            "SELECT id FROM batch WHERE campaign = $1 AND state = 'planned' AND id > $2 ORDER BY id LIMIT $3",
            &[&self.number, &after.map_or(0, |batch| batch.0), &PAGE],
        )?;
        self.read_planned(&ids)
    }

    /// The next page of planned batches for this sender: of those that no sender was handed, or if there are none of those that others
    /// were handed and have not claimed, and of those that are planned again. The first sender that claims such a batch has it.
    pub(super) fn read_handed_out(
        &self,
        sender: i32,
        after: Option<BatchId>,
        held: &[BatchId],
    ) -> Result<Vec<Batch>> {
        let mut ids = self.read_column(
            "UPDATE batch SET sender = $2 WHERE campaign = $1 AND id = ANY(ARRAY(
                 SELECT id FROM batch WHERE campaign = $1 AND state = 'planned' AND sender IS NULL AND id > $3
                 ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED)) RETURNING id",
            &[&self.number, &i64::from(sender), &after.map_or(0, |batch| batch.0), &HANDED_OUT],
        )?;
        if ids.is_empty() {
            // Those that its sender comes to last.
            let without: Vec<i64> = held.iter().map(|batch| batch.0).collect();
            ids = self.read_column(
                "SELECT id FROM batch WHERE campaign = $1 AND state = 'planned' AND id <> ALL($3)
                 ORDER BY id DESC LIMIT $2 FOR UPDATE SKIP LOCKED",
                &[&self.number, &TAKEN_OVER, &without],
            )?;
        }
        ids.retain(|id| !held.contains(&BatchId(*id)));
        self.read_planned(&ids)
    }

    /// These batches, which are planned, in order.
    fn read_planned(&self, ids: &[i64]) -> Result<Vec<Batch>> {
        let mut batches = BatchBuilder::default();
        // A missing text leaves a NULL, which is an error; with a plain join its batch would never be sent, and never be noticed.
        self.connection.each(
            "SELECT r.batch_id, b.parent IS NOT NULL, r.row, r.msisdn, coalesce(r.text_row, r.row), r.type,
                    coalesce(r.text, t.text)
             FROM batch b
             JOIN recipient r ON r.campaign = b.campaign AND r.batch_id = b.id
             LEFT JOIN recipient t ON t.campaign = r.campaign AND t.row = r.text_row
             WHERE b.campaign = $1 AND b.id = ANY($2)
             ORDER BY r.batch_id, r.row",
            &[&self.number, &ids],
            &mut |row| {
                let member = StoredMember {
                    batch: get(row, 0)?,
                    split: get(row, 1)?,
                    row: get(row, 2)?,
                    msisdn: get(row, 3)?,
                    text_row: get(row, 4)?,
                    wire: u8::try_from(get::<i32>(row, 5)?).unwrap_or_default(),
                };
                batches.add(&member, || Ok(get::<&str>(row, 6)?.into()))?;
                Ok(true)
            },
        )?;
        Ok(batches.finish())
    }

    /// The planned batch with the fewest recipients, of those that were split from another and that no other sender keeps. It is kept
    /// to the end of the transaction.
    pub(super) fn read_smallest_split(&self) -> Result<Option<Batch>> {
        let ids = self.read_column(
            "SELECT b.id FROM batch b WHERE b.campaign = $1 AND b.state = 'planned' AND b.parent IS NOT NULL
             ORDER BY (SELECT count(*) FROM recipient r WHERE r.campaign = b.campaign AND r.batch_id = b.id), b.id
             LIMIT 1 FOR UPDATE SKIP LOCKED",
            &[&self.number],
        )?;
        Ok(self.read_planned(&ids)?.pop())
    }

    /// A page of planned batches that no other sender keeps. They are kept to the end of the transaction.
    fn read_pending_page(&self) -> Result<Vec<i64>> {
        let ids = self.read_column(
            "SELECT id FROM batch WHERE campaign = $1 AND state = 'planned' ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED",
            &[&self.number, &DECIDED],
        )?;
        let sql = "SELECT 1::bigint FROM batch WHERE campaign = $1 AND state = 'planned' LIMIT 1";
        if ids.is_empty() && !self.read_column(sql, &[&self.number])?.is_empty() {
            return Err(in_use());
        }
        Ok(ids)
    }

    /// The batches that a selection names.
    pub(super) fn read_selected(&self, selection: &Selection) -> Result<Vec<StoredBatch>> {
        let number = &self.number;
        let ids = match selection {
            Selection::AllUnknown => self.read_column(
                "SELECT id FROM batch WHERE campaign = $1 AND state IN ('claimed', 'unknown') ORDER BY id",
                &[number],
            )?,
            Selection::AllPending => self.read_pending_page()?,
            Selection::Batch(id) => {
                let sql = "SELECT id FROM batch WHERE campaign = $1 AND id = $2";
                self.read_column(sql, &[number, &id.cast_signed()])?
            }
            Selection::Rows(ranges) => {
                let end = |end: &u64| i64::try_from(*end).unwrap_or(i64::MAX);
                let first: Vec<i64> = ranges.iter().map(|range| end(range.start())).collect();
                let last: Vec<i64> = ranges.iter().map(|range| end(range.end())).collect();
                self.read_column(
                    "SELECT DISTINCT r.batch_id FROM unnest($2::bigint[], $3::bigint[]) AS range (first, last)
                     JOIN recipient r ON r.campaign = $1 AND r.row BETWEEN range.first AND range.last
                     WHERE r.batch_id IS NOT NULL ORDER BY r.batch_id",
                    &[number, &first, &last],
                )?
            }
        };
        let kept = self.read_column(
            "SELECT id FROM batch WHERE campaign = $1 AND id = ANY($2) ORDER BY id FOR UPDATE SKIP LOCKED",
            &[number, &ids],
        )?;
        if kept.len() < ids.len() {
            return Err(in_use());
        }
        let interrupted = AttemptOutcome::Interrupted.as_str();
        let rows = self
            .connection
            .rows(SELECTED, &[number, &ids, &interrupted])?;
        let batches = rows.iter().map(|row| {
            let is_there: Option<bool> = get(row, 3)?;
            Ok(StoredBatch {
                id: BatchId(get(row, 0)?),
                state: stored::state(get(row, 1)?)?,
                rows: get(row, 2)?,
                resend_risk: match (is_there, get::<Option<f64>>(row, 5)?) {
                    (Some(true), _) => Some(ResendRisk::Sender(get::<String>(row, 4)?)),
                    (_, Some(wait)) if wait > 0.0 => {
                        Duration::try_from_secs_f64(wait).ok().map(ResendRisk::For)
                    }
                    _ if get(row, 6)? => Some(ResendRisk::Accepted),
                    _ => None,
                },
            })
        });
        batches.collect()
    }

    /// The batches that have these rows of an attempt now and were not claimed again, or only for requests that were not taken.
    pub(super) fn read_claimed_rows(
        &self,
        attempt: AttemptId,
        rows: &[i64],
    ) -> Result<Vec<StoredBatch>> {
        let find = || {
            self.read_column(
                "SELECT DISTINCT batch_id FROM recipient WHERE campaign = $1 AND row = ANY($2) ORDER BY batch_id",
                &[&self.number, &rows],
            )
        };
        let mut ids = find()?;
        loop {
            let sql =
                "SELECT id FROM batch WHERE campaign = $1 AND id = ANY($2) ORDER BY id FOR UPDATE";
            self.read_column(sql, &[&self.number, &ids])?;
            // Another process that changed them until now may have split them.
            let again = find()?;
            if again == ids {
                break;
            }
            ids = again;
        }
        let not_taken = AttemptOutcome::NOT_TAKEN.map(AttemptOutcome::as_str);
        let found = self.connection.rows(
            "SELECT b.id, b.state,
                    ARRAY(SELECT r.row FROM recipient r WHERE r.campaign = b.campaign AND r.batch_id = b.id ORDER BY r.row)
             FROM batch b LEFT JOIN attempt a ON a.campaign = b.campaign AND a.id = b.attempt
             WHERE b.campaign = $1 AND b.id = ANY($2)
               AND (b.attempt = $3
                    OR b.state IN ('planned', 'cancelled', 'suppressed') AND a.outcome = ANY($4)) ORDER BY b.id",
            &[&self.number, &ids, &attempt.0, &&not_taken[..]],
        )?;
        let batches = found.iter().map(|row| {
            Ok(StoredBatch {
                id: BatchId(get(row, 0)?),
                state: stored::state(get(row, 1)?)?,
                rows: get(row, 2)?,
                resend_risk: None,
            })
        });
        batches.collect()
    }

    /// The claims whose senders are gone, kept from others that make them unknown.
    pub(super) fn read_in_flight(&self) -> Result<InFlight> {
        // A lock that can be taken is held by no session. With it the sender cannot come back before the end of the transaction.
        let own = self.sender.map_or(0, i64::from);
        let gone = self.read_column(
            "SELECT sender FROM (SELECT DISTINCT sender FROM batch
                                 WHERE campaign = $1 AND state = 'claimed' AND sender <> $2) AS claiming
             WHERE pg_try_advisory_xact_lock(1769172307, sender::integer)",
            &[&self.number, &own],
        )?;
        let rows = self.connection.rows(
            "SELECT id, attempt FROM batch WHERE campaign = $1 AND state = 'claimed' AND sender = ANY($2)
             ORDER BY id FOR UPDATE SKIP LOCKED",
            &[&self.number, &gone],
        )?;
        let mut in_flight = InFlight::default();
        for row in &rows {
            in_flight.batches.push(BatchId(get(row, 0)?));
            in_flight.attempts.push(AttemptId(get(row, 1)?));
        }
        Ok(in_flight)
    }
}

fn in_use() -> Error {
    Error::new(Kind::InUse, "other senders are changing these rows")
        .hint("run again, or wait until they have ended")
}
