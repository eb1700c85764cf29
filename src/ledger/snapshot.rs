//! Reading a ledger: its campaign, and its rows with their outcomes. Every output is made from these.
//!
//! A claim is shown as unknown: its request is under way, or a crash cut it off.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row};

use super::campaign::{self, Campaign};
use super::connection::connect_to_read;
use super::error::{read_error, unknown_value};
use super::outcome::AttemptOutcome;
use super::state::State;
use super::totals::{self, Totals};
use crate::domain::{Encoding, Msisdn, Status};
use crate::{Error, Result};

/// Why a batch is unknown whose claim has no outcome.
pub(super) const INTERRUPTED: &str = "the program was stopped while the request was under way";

/// How often parallel snapshots try to begin between two changes. A change waits for a sync of the disk; to begin takes no time.
const TRIES: usize = 100;

/// One row with its outcome. Most of it is borrowed from SQLite until the next row is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient<'r> {
    /// `sms_row`.
    pub row: u64,
    /// The row's own cells as a CSV record.
    pub cells: &'r str,
    /// The number, where it could be read.
    pub msisdn: Option<Msisdn>,
    /// Its status.
    pub status: Status,
    /// The code as answered.
    pub code: Option<i32>,
    /// The recipient's own transaction id, or its batch's.
    pub trx_id: Option<&'r str>,
    /// Why it is invalid, duplicate or suppressed, unknown, or pending after an attempt.
    pub reason: Option<&'r str>,
    /// The last decision of an operator about it.
    pub decision: Option<Decision>,
    /// The text, where it could be rendered.
    pub text: Option<&'r str>,
    /// The encoding of the text.
    pub encoding: Option<Encoding>,
    /// What the text costs, whether or not it was sent.
    pub credits: u32,
    /// The batch (`sms_batch`), if it was ever to be sent.
    pub batch: Option<u64>,
    /// How many recipients its batch has, where all of them were refused with one answer.
    pub refused_together: Option<u64>,
    /// How many attempts were made.
    pub attempts: u32,
    /// The last claim, RFC 3339.
    pub claimed_at: Option<&'r str>,
}

/// A decision of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// When it was made.
    pub at: String,
    /// `accepted` or `not-sent`.
    pub resolution: String,
    /// What the operator wrote about it.
    pub note: Option<String>,
}

/// A ledger open for reading, also while it is being sent.
#[derive(Debug)]
pub struct Snapshot {
    connection: Connection,
    path: PathBuf,
}

impl Snapshot {
    /// Opens the ledger at this path.
    pub fn open(path: &Path) -> Result<Self> {
        let connection = connect_to_read(path)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    /// Its campaign.
    pub fn campaign(&self) -> Result<Campaign> {
        campaign::read(&self.connection).map_err(|error| error.at(self.path.display()))
    }

    /// Its rows in numbers.
    pub fn totals(&self) -> Result<Totals> {
        totals::read(&self.connection).map_err(|error| error.at(self.path.display()))
    }

    /// The number of the last row.
    pub fn last_row(&self) -> Result<u32> {
        let last: i64 = self
            .connection
            .query_row("SELECT ifnull(max(row), 0) FROM recipient", [], |row| {
                row.get(0)
            })
            .map_err(|error| self.read_error(error))?;
        u32::try_from(last)
            .map_err(|_| unknown_value("row", &last.to_string()).at(self.path.display()))
    }

    /// Up to `count` further connections, which see the same state of the ledger for as long as they live, whatever is written
    /// meanwhile. Only one where the ledger changes too fast.
    pub fn parallel(&self, count: usize) -> Result<Vec<Self>> {
        let mut snapshots = (0..count.max(1))
            .map(|_| Self::open(&self.path))
            .collect::<Result<Vec<_>>>()?;
        let begin_all = || -> rusqlite::Result<bool> {
            let before = self.changes()?;
            for snapshot in &snapshots {
                // The first read of a transaction decides which state it sees.
                snapshot
                    .connection
                    .execute_batch("BEGIN; SELECT only FROM campaign")?;
            }
            Ok(self.changes()? == before)
        };
        let begin_in_one_state = || {
            for _ in 0..TRIES {
                if begin_all()? {
                    return Ok(true);
                }
                for snapshot in &snapshots {
                    snapshot.connection.execute_batch("ROLLBACK")?;
                }
            }
            snapshots[0].connection.execute_batch("BEGIN")?;
            Ok(false)
        };
        if !begin_in_one_state().map_err(|error: rusqlite::Error| self.read_error(error))? {
            snapshots.truncate(1);
        }
        Ok(snapshots)
    }

    /// A number that differs from the last one where another connection has changed the ledger.
    pub(super) fn changes(&self) -> rusqlite::Result<i64> {
        self.connection
            .query_row("PRAGMA data_version", [], |row| row.get(0))
    }

    /// Hands each of these rows to `each`, in the order of the spreadsheet.
    pub fn recipients(
        &self,
        rows: RangeInclusive<u32>,
        mut each: impl FnMut(Recipient<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT r.row, r.cells, r.msisdn, r.disposition, ifnull(r.reason, b.why),
                        ifnull(r.trx_id, b.trx_id), t.body, t.type, t.credits,
                        r.batch_id, b.state, b.attempts, b.claimed_at, b.code, b.decision
                 FROM recipient r
                 LEFT JOIN text t ON t.id = r.text_id
                 LEFT JOIN batch b ON b.id = r.batch_id
                 WHERE r.row BETWEEN ?1 AND ?2
                 ORDER BY r.row",
            )
            .map_err(|error| self.read_error(error))?;
        let (first, last) = rows.into_inner();
        let mut rows = statement
            .query([first, last])
            .map_err(|error| self.read_error(error))?;
        while let Some(row) = rows.next().map_err(|error| self.read_error(error))? {
            let mut recipient = recipient(row)
                .map_err(|error| self.read_error(error))?
                .ok_or_else(|| unknown_value("status", "in its rows").at(self.path.display()))?;
            if let Some(decision) = row.get(14).map_err(|error| self.read_error(error))? {
                recipient.decision = self.decision(decision)?;
            }
            if recipient.status == Status::Refused && recipient.reason.is_none() {
                recipient.refused_together = Some(self.batch_size(recipient.batch)?);
            }
            each(recipient)?;
        }
        Ok(())
    }

    /// A decision of an operator. Few rows have one, so it is read for these only.
    fn decision(&self, id: i64) -> Result<Option<Decision>> {
        self.connection
            .prepare_cached("SELECT decided_at, resolution, note FROM decision WHERE id = ?1")
            .and_then(|mut statement| {
                let decision = statement.query_row([id], |row| {
                    Ok(Decision {
                        at: row.get(0)?,
                        resolution: row.get(1)?,
                        note: row.get(2)?,
                    })
                });
                decision.optional()
            })
            .map_err(|error| self.read_error(error))
    }

    fn batch_size(&self, batch: Option<u64>) -> Result<u64> {
        self.connection
            .prepare_cached("SELECT count(*) FROM recipient WHERE batch_id = ?1")
            .and_then(|mut statement| {
                statement.query_row([batch.map(u64::cast_signed)], |row| row.get::<_, i64>(0))
            })
            .map(i64::cast_unsigned)
            .map_err(|error| self.read_error(error))
    }

    /// Hands each number that was or may yet be sent to (accepted, unknown, pending) to `each`.
    pub fn sent_numbers(&self, mut each: impl FnMut(Msisdn)) -> Result<()> {
        let mut read = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare(
                "SELECT r.msisdn FROM recipient r JOIN batch b ON b.id = r.batch_id
                 WHERE b.state <> 'refused'",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let number: i64 = row.get(0)?;
                Msisdn::from_u64(number.cast_unsigned())
                    .into_iter()
                    .for_each(&mut each);
            }
            Ok(())
        };
        read().map_err(|error| self.read_error(error))
    }

    /// Whether a request of this ledger may have reached a recipient, or was refused for what it said. Not so if each of them
    /// certainly never left, was throttled, or was turned away because of the account.
    pub fn was_sent_from(&self) -> Result<bool> {
        self.connection
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM attempt WHERE outcome IS NULL OR outcome NOT IN (?1, ?2, ?3))",
                AttemptOutcome::NOT_TAKEN.map(AttemptOutcome::as_str),
                |row| row.get(0),
            )
            .map_err(|error| self.read_error(error))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn read_error(&self, error: rusqlite::Error) -> Error {
        read_error(error).at(self.path.display())
    }
}

fn recipient<'r>(row: &'r Row<'_>) -> rusqlite::Result<Option<Recipient<'r>>> {
    let text = |column: usize| -> rusqlite::Result<Option<&'r str>> {
        Ok(row.get_ref(column)?.as_str_or_null()?)
    };
    let Some(disposition) = text(3)? else {
        return Ok(None);
    };
    let state = text(10)?.and_then(State::parse);
    let Some(status) = totals::status(disposition, state) else {
        return Ok(None);
    };
    Ok(Some(Recipient {
        row: row.get::<_, i64>(0)?.cast_unsigned(),
        cells: row.get_ref(1)?.as_str()?,
        msisdn: row
            .get::<_, Option<i64>>(2)?
            .and_then(|number| Msisdn::from_u64(number.cast_unsigned())),
        status,
        code: row.get(13)?,
        trx_id: text(5)?,
        reason: match state {
            Some(State::Claimed) => Some(INTERRUPTED),
            _ => text(4)?,
        },
        decision: None,
        text: text(6)?,
        encoding: row.get::<_, Option<u8>>(7)?.and_then(Encoding::from_wire),
        credits: row.get::<_, Option<u32>>(8)?.unwrap_or(0),
        batch: row.get::<_, Option<i64>>(9)?.map(i64::cast_unsigned),
        refused_together: None,
        attempts: row.get::<_, Option<u32>>(11)?.unwrap_or(0),
        claimed_at: text(12)?,
    }))
}
