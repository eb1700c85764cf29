//! Reading a ledger: its campaign, and its rows with their outcomes. Every output is made from these.
//!
//! A claim is shown as unknown: its request is under way, or a crash cut it off.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row};

use super::campaign;
use super::connection::{connect_for_glance, connect_to_read};
use super::texts::{each_reached, each_text};
use super::totals;
use crate::Result;
use crate::domain::{Msisdn, Status, Timestamp};
use crate::ledger::backend;
use crate::ledger::campaign::Campaign;
use crate::ledger::outcome::AttemptOutcome;
use crate::ledger::recipient::{PlannedText, Recipient};
use crate::ledger::state::State;
use crate::ledger::stored::{self, StoredRecipient};
use crate::ledger::totals::Totals;

/// A ledger open for reading, also while it is being sent.
#[derive(Debug)]
pub(in crate::ledger) struct Snapshot {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
}

impl Snapshot {
    /// Opens the ledger at this path.
    pub(in crate::ledger) fn open(path: &Path) -> Result<Self> {
        Ok(Self {
            connection: connect_to_read(path)?,
            path: path.to_owned(),
        })
    }

    /// The same for a look. Where nothing is in its log, no file is made for that, which is several times as fast; but what another
    /// process writes meanwhile can make it fail.
    pub(in crate::ledger) fn glance(path: &Path) -> Result<Self> {
        Ok(Self {
            connection: connect_for_glance(path)?,
            path: path.to_owned(),
        })
    }

    /// Runs queries. Their error says which ledger it is about.
    pub(super) fn read<T>(&self, queries: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        queries(&self.connection).map_err(|error| error.at(self.path.display()))
    }
}

impl backend::Snapshot for Snapshot {
    fn campaign(&self) -> Result<Campaign> {
        self.read(campaign::read)
    }

    fn totals(&self) -> Result<Totals> {
        self.read(totals::read)
    }

    fn recipients(
        &self,
        rows: RangeInclusive<u32>,
        each: &mut dyn FnMut(Recipient<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut handed_on = Ok(());
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT r.row, r.cells, r.msisdn, r.disposition, r.type, r.credits, r.batch_id, ifnull(r.text, t.text),
                        r.reason, b.state, b.attempts, b.claimed_at, b.code, ifnull(r.trx_id, b.trx_id), b.why,
                        d.decided_at, d.resolution, d.note,
                        CASE WHEN b.state = 'refused' AND b.why IS NULL
                             THEN (SELECT count(*) FROM recipient s WHERE s.batch_id = b.id) END
                 FROM recipient r
                 LEFT JOIN recipient t ON t.row = r.text_row
                 LEFT JOIN batch b ON b.id = r.batch_id
                 LEFT JOIN decision d ON d.id = b.decision
                 WHERE r.row BETWEEN ?1 AND ?2
                 ORDER BY r.row",
            )?;
            let mut found = statement.query(rows.into_inner())?;
            while handed_on.is_ok() {
                let Some(row) = found.next()? else { break };
                handed_on = each(recipient(row)?);
            }
            Ok(())
        })?;
        handed_on
    }

    fn planned_texts(&self, each: &mut dyn FnMut(PlannedText<'_>) -> Result<bool>) -> Result<()> {
        let mut handed_on = Ok(true);
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT r.row, r.msisdn, ifnull(r.text, t.text), r.type, r.credits
                 FROM recipient r
                 LEFT JOIN recipient t ON t.row = r.text_row
                 LEFT JOIN batch b ON b.id = r.batch_id
                 WHERE r.disposition = 'send' AND ifnull(b.state, 'planned') NOT IN ('suppressed', 'cancelled')
                 ORDER BY r.row",
            )?;
            let mut rows = statement.query([])?;
            while matches!(handed_on, Ok(true)) {
                let Some(row) = rows.next()? else { break };
                handed_on = each(PlannedText {
                    row: row.get::<_, i64>(0)?.cast_unsigned(),
                    msisdn: stored::number(row.get(1)?)?,
                    body: row.get_ref(2)?.as_str()?,
                    encoding: stored::encoding(row.get(3)?)?,
                    credits: row.get(4)?,
                });
            }
            Ok(())
        })?;
        handed_on.map(drop)
    }

    fn texts(&self, each: &mut dyn FnMut(Status, Msisdn, &str)) -> Result<()> {
        self.read(|connection| each_text(connection, each))
    }

    fn last_request(&self) -> Result<Option<Timestamp>> {
        let sent = self.was_sent_from()?;
        self.read(|connection| {
            let sql = "SELECT begins_at, (SELECT claimed_at FROM attempt ORDER BY id DESC LIMIT 1) FROM campaign";
            let times: [Option<String>; 2] =
                connection.query_row(sql, [], |row| Ok([row.get(0)?, row.get(1)?]))?;
            let [begins, claimed] =
                times.map(|text| text.as_deref().map(stored::time).transpose());
            Ok(begins?.max(claimed?.filter(|_| sent)))
        })
    }

    fn sent_numbers(&self, each: &mut dyn FnMut(Msisdn)) -> Result<()> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT r.msisdn FROM recipient r LEFT JOIN batch b ON b.id = r.batch_id
                 WHERE r.disposition = 'send' 
                   AND ifnull(b.state, 'planned') NOT IN ('refused', 'suppressed', 'cancelled')",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let number: i64 = row.get(0)?;
                Msisdn::from_u64(number.cast_unsigned())
                    .into_iter()
                    .for_each(&mut *each);
            }
            Ok(())
        })
    }

    fn reached(
        &self,
        numbers: &HashSet<Msisdn>,
        each: &mut dyn FnMut(Msisdn, &Timestamp),
    ) -> Result<()> {
        self.read(|connection| each_reached(connection, numbers, each))
    }

    fn was_sent_from(&self) -> Result<bool> {
        self.read(|connection| {
            Ok(connection.query_row(
                "SELECT EXISTS (SELECT 1 FROM attempt WHERE outcome IS NULL OR outcome NOT IN (?1, ?2, ?3))",
                AttemptOutcome::NOT_TAKEN.map(AttemptOutcome::as_str),
                |row| row.get(0),
            )?)
        })
    }

    fn decisions(&self) -> Result<u64> {
        self.read(|connection| {
            let sql = "SELECT count(*) FROM decision WHERE resolution <> 'expires'";
            let decisions: i64 = connection.query_row(sql, [], |row| row.get(0))?;
            Ok(decisions.cast_unsigned())
        })
    }

    fn verify(
        &self,
        duplicates_kept: bool,
        code_fits: &dyn Fn(Status, i32) -> bool,
    ) -> Result<Vec<String>> {
        self.find_violations(duplicates_kept, code_fits)
    }
}

fn recipient<'r>(row: &'r Row<'_>) -> Result<Recipient<'r>> {
    let text =
        |column: usize| -> Result<Option<&'r str>> { Ok(row.get_ref(column)?.as_str_or_null()?) };
    let mut stored = StoredRecipient {
        row: row.get(0)?,
        cells: row.get_ref(1)?.as_str()?,
        msisdn: row.get(2)?,
        disposition: row.get_ref(3)?.as_str()?,
        wire: row.get(4)?,
        credits: row.get(5)?,
        batch: row.get(6)?,
        text: text(7)?,
        reason: text(8)?,
        state: text(9)?.and_then(State::parse),
        ..StoredRecipient::default()
    };
    // Where nothing happened to its batch, there is nothing else to read.
    if stored.state.is_some() {
        stored.attempts = row.get(10)?;
        stored.claimed_at = text(11)?;
        stored.code = row.get(12)?;
        stored.trx_id = text(13)?;
        stored.why = text(14)?;
        stored.decision = (text(15)?, text(16)?, text(17)?);
        stored.refused_together = row.get(18)?;
    }
    stored.read()
}
