//! Reading a campaign, and its rows with their outcomes. Every output is made from these.
//!
//! A claim is shown as unknown: its request is under way, or a crash cut it off.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::campaign::{self, Stored};
use super::connection::{Connection, get};
use super::totals;
use crate::Result;
use crate::domain::status::Counts;
use crate::domain::{Msisdn, Status, Timestamp};
use crate::ledger::backend;
use crate::ledger::campaign::Campaign;
use crate::ledger::outcome::AttemptOutcome;
use crate::ledger::recipient::{PlannedText, Recipient};
use crate::ledger::state::State;
use crate::ledger::stored::{self, StoredRecipient};
use crate::ledger::totals::Totals;

/// How many numbers are sent to the server at most, to be looked up there.
const FEW_NUMBERS: usize = 50_000;

/// A campaign open for reading, also while it is being sent.
#[derive(Debug)]
pub(in crate::ledger) struct Snapshot {
    pub(super) connection: Arc<Connection>,
    /// The campaign's number in the store.
    pub(super) number: i64,
}

impl Snapshot {
    pub(super) fn open(connection: Arc<Connection>, name: &str) -> Result<Self> {
        let Stored { number, .. } = campaign::named(&connection, name)?;
        Ok(Self { connection, number })
    }
}

impl backend::Snapshot for Snapshot {
    fn campaign(&self) -> Result<Campaign> {
        Ok(campaign::numbered(&self.connection, self.number)?.campaign)
    }

    fn totals(&self) -> Result<Totals> {
        totals::read(&self.connection, self.number)
    }

    fn counts(&self) -> Result<Counts> {
        totals::counts(&self.connection, self.number, &self.campaign()?.report)
    }

    fn recipients(
        &self,
        rows: RangeInclusive<u32>,
        each: &mut dyn FnMut(Recipient<'_>) -> Result<()>,
    ) -> Result<()> {
        let (first, last) = (i64::from(*rows.start()), i64::from(*rows.end()));
        self.connection.each(
            "SELECT r.row, r.cells, r.msisdn, r.disposition, r.type, r.credits, r.batch_id, coalesce(r.text, t.text),
                    r.reason, b.state, coalesce(b.attempts, 0), b.claimed_at, b.code, coalesce(r.trx_id, b.trx_id), b.why,
                    d.decided_at, d.resolution, d.note,
                    CASE WHEN b.state = 'refused' AND b.why IS NULL
                         THEN (SELECT count(*) FROM recipient s WHERE s.campaign = $1 AND s.batch_id = b.id) END
             FROM recipient r
             LEFT JOIN recipient t ON t.campaign = $1 AND t.row = r.text_row
             LEFT JOIN batch b ON b.campaign = $1 AND b.id = r.batch_id
             LEFT JOIN decision d ON d.campaign = $1 AND d.id = b.decision
             WHERE r.campaign = $1 AND r.row BETWEEN $2 AND $3
             ORDER BY r.row",
            &[&self.number, &first, &last],
            &mut |row| each(recipient(row)?).map(|()| true),
        )
    }

    fn planned_texts(&self, each: &mut dyn FnMut(PlannedText<'_>) -> Result<bool>) -> Result<()> {
        self.connection.each(
            "SELECT r.row, r.msisdn, coalesce(r.text, t.text), r.type, r.credits
             FROM recipient r
             LEFT JOIN recipient t ON t.campaign = $1 AND t.row = r.text_row
             LEFT JOIN batch b ON b.campaign = $1 AND b.id = r.batch_id
             WHERE r.campaign = $1 AND r.disposition = 'send' AND b.state NOT IN ('suppressed', 'cancelled')
             ORDER BY r.row",
            &[&self.number],
            &mut |row| {
                each(PlannedText {
                    row: get::<i64>(row, 0)?.cast_unsigned(),
                    msisdn: stored::number(get(row, 1)?)?,
                    body: get(row, 2)?,
                    encoding: stored::encoding(small(row, 3)?.unwrap_or_default())?,
                    credits: small(row, 4)?.unwrap_or_default(),
                })
            },
        )
    }

    fn texts(&self, each: &mut dyn FnMut(Status, Msisdn, &str)) -> Result<()> {
        self.connection.each(
            "SELECT b.state, r.msisdn, coalesce(r.text, t.text)
             FROM recipient r
             LEFT JOIN recipient t ON t.campaign = $1 AND t.row = r.text_row
             LEFT JOIN batch b ON b.campaign = $1 AND b.id = r.batch_id
             WHERE r.campaign = $1 AND r.disposition = 'send' ORDER BY r.row",
            &[&self.number],
            &mut |row| {
                let state = stored::state(get(row, 0)?)?;
                each(
                    stored::status("send", Some(state))?,
                    stored::number(get(row, 1)?)?,
                    get(row, 2)?,
                );
                Ok(true)
            },
        )
    }

    fn last_request(&self) -> Result<Option<Timestamp>> {
        let sent = self.was_sent_from()?;
        let row = self.connection.one(
            "SELECT (SELECT s.begins_at FROM sender s JOIN live_sender USING (id)
                     WHERE s.campaign = $1 AND s.begins_at IS NOT NULL ORDER BY id DESC LIMIT 1),
                    (SELECT claimed_at FROM attempt WHERE campaign = $1 ORDER BY id DESC LIMIT 1)",
            &[&self.number],
        )?;
        let time = |column| {
            get::<Option<&str>>(&row, column)?
                .map(stored::time)
                .transpose()
        };
        Ok(time(0)?.max(time(1)?.filter(|_| sent)))
    }

    fn sent_numbers(&self, each: &mut dyn FnMut(Msisdn)) -> Result<()> {
        self.connection.each(
            "SELECT r.msisdn FROM recipient r JOIN batch b ON b.campaign = $1 AND b.id = r.batch_id
             WHERE r.campaign = $1 AND b.state NOT IN ('refused', 'suppressed', 'cancelled')",
            &[&self.number],
            &mut |row| {
                each(stored::number(get(row, 0)?)?);
                Ok(true)
            },
        )
    }

    fn reached(
        &self,
        numbers: &HashSet<Msisdn>,
        each: &mut dyn FnMut(Msisdn, &Timestamp),
    ) -> Result<()> {
        let mut current: Option<(String, Timestamp)> = None;
        // Few numbers are looked up by the server. Many would take longer to get there than all of the campaign's take to come here.
        // The sum keeps it from looking through the campaign's index once for each number, which it does where it expects few.
        let few = (numbers.len() <= FEW_NUMBERS).then(|| {
            let numbers = numbers.iter().map(|number| number.as_u64().cast_signed());
            numbers.collect::<Vec<i64>>()
        });
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&self.number];
        let join = if let Some(few) = &few {
            values.push(few);
            "JOIN unnest($2::bigint[]) AS wanted (msisdn) ON wanted.msisdn = r.msisdn + 0"
        } else {
            ""
        };
        let sql = format!(
            "SELECT r.msisdn, b.claimed_at
             FROM batch b JOIN recipient r ON r.campaign = b.campaign AND r.batch_id = b.id {join}
             WHERE b.campaign = $1 AND b.state IN ('accepted', 'unknown', 'claimed') ORDER BY b.id"
        );
        self.connection.each(&sql, &values, &mut |row| {
            let number = stored::number(get(row, 0)?)?;
            if numbers.contains(&number) {
                let claimed: &str = get(row, 1)?;
                let at = match &current {
                    Some((text, at)) if text == claimed => at,
                    _ => &(current.insert((claimed.to_owned(), stored::time(claimed)?))).1,
                };
                each(number, at);
            }
            Ok(true)
        })
    }

    fn was_sent_from(&self) -> Result<bool> {
        let not_taken = AttemptOutcome::NOT_TAKEN.map(AttemptOutcome::as_str);
        let row = self.connection.one(
            "SELECT EXISTS (SELECT 1 FROM attempt
                            WHERE campaign = $1 AND (outcome IS NULL OR outcome <> ALL($2)))",
            &[&self.number, &&not_taken[..]],
        )?;
        get(&row, 0)
    }

    fn decisions(&self) -> Result<u64> {
        let row = self.connection.one(
            "SELECT count(*) FROM decision WHERE campaign = $1 AND resolution <> 'expires'",
            &[&self.number],
        )?;
        get::<i64>(&row, 0).map(i64::cast_unsigned)
    }

    fn sent_again(&self) -> Result<Vec<i64>> {
        let rows = self.connection.rows(
            "SELECT DISTINCT batch_id FROM attempt WHERE campaign = $1 AND sent_again ORDER BY batch_id",
            &[&self.number],
        )?;
        rows.iter().map(|row| get(row, 0)).collect()
    }

    fn verify(
        &self,
        duplicates_kept: bool,
        code_fits: &dyn Fn(Status, i32) -> bool,
    ) -> Result<Vec<String>> {
        self.find_violations(duplicates_kept, code_fits)
    }
}

fn recipient(row: &Row) -> Result<Recipient<'_>> {
    StoredRecipient {
        row: get(row, 0)?,
        cells: get(row, 1)?,
        msisdn: get(row, 2)?,
        disposition: get(row, 3)?,
        wire: small(row, 4)?,
        credits: small(row, 5)?,
        batch: get(row, 6)?,
        text: get(row, 7)?,
        reason: get(row, 8)?,
        state: get::<Option<&str>>(row, 9)?.and_then(State::parse),
        attempts: small(row, 10)?.unwrap_or_default(),
        claimed_at: get(row, 11)?,
        code: get(row, 12)?,
        trx_id: get(row, 13)?,
        why: get(row, 14)?,
        decision: (get(row, 15)?, get(row, 16)?, get(row, 17)?),
        refused_together: get(row, 18)?,
    }
    .read()
}

/// A small number that is not negative.
fn small<T: TryFrom<i32>>(row: &Row, column: usize) -> Result<Option<T>> {
    let number: Option<i32> = get(row, column)?;
    Ok(number.and_then(|number| T::try_from(number).ok()))
}
