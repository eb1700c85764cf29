//! What every output is made from: the rows of a ledger with their outcomes, and how many there are of each.
//! It changes nothing, and shows a claim as unknown: its request is under way, or a crash cut it off.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row};

use super::state::State;
use super::{AttemptOutcome, Campaign, connect_to_read, unknown_word, unreadable};
use crate::domain::status::Counts;
use crate::domain::{Encoding, Msisdn, Status, Timestamp};
use crate::{Error, Kind, Result};

/// Why a batch is unknown whose claim has no outcome.
pub(super) const INTERRUPTED: &str = "the program was stopped while the request was under way";

/// An operator's words, as `decision` holds them.
pub(super) const ACCEPTED: &str = "accepted";
pub(super) const NOT_SENT: &str = "not-sent";

/// The gateway's code for a batch one of whose numbers is bad (iSMS reference).
const BAD_NUMBER: i32 = -1009;

/// How often readers try to begin between two changes. One takes a commit's sync on the disk, the other none.
const TRIES: usize = 100;

/// One row with its outcome. Nearly all of it lies in the ledger's own memory until the next row is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient<'r> {
    /// `sms_row`.
    pub row: u64,
    /// The row's own cells as a CSV record.
    pub cells: &'r str,
    /// The number, where it could be read.
    pub msisdn: Option<Msisdn>,
    /// What became of it.
    pub status: Status,
    /// The code as answered; 2000 for an accepted one.
    pub code: Option<i32>,
    /// The recipient's own transaction id, or its batch's.
    pub trx_id: Option<&'r str>,
    /// Why it is invalid, duplicate or suppressed, unknown, or pending after an attempt.
    pub reason: Option<&'r str>,
    /// The operator's word that settled it last.
    pub decided: Option<Decided>,
    /// The text, where it could be rendered.
    pub text: Option<&'r str>,
    /// The encoding of the text.
    pub encoding: Option<Encoding>,
    /// What the text costs, whether or not it was sent.
    pub credits: u32,
    /// The batch (`sms_batch`), if it was ever to be sent.
    pub batch: Option<u64>,
    /// How many recipients its batch has, where one of them made the whole batch be refused.
    pub refused_with: Option<u32>,
    /// How often it was tried.
    pub attempts: u32,
    /// The last claim, RFC 3339.
    pub claimed_at: Option<&'r str>,
}

/// An operator's word about a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// When.
    pub at: String,
    /// `accepted` or `not-sent`.
    pub word: String,
    /// In the operator's own words.
    pub note: Option<String>,
}

/// The rows of a ledger in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows by status.
    pub counts: Counts,
    /// Batches that are not split.
    pub batches: u64,
    /// What all sendable rows cost.
    pub credits_planned: u64,
    /// What the accepted rows cost.
    pub credits_accepted: u64,
    /// What the pending rows would cost.
    pub credits_pending: u64,
    /// Attempts ever made.
    pub attempts: u64,
}

/// A ledger open for reading, while it is being sent too.
#[derive(Debug)]
pub struct Snapshot {
    connection: Connection,
    path: PathBuf,
}

impl Snapshot {
    /// The ledger at this path.
    pub fn open(path: &Path) -> Result<Self> {
        let connection = connect_to_read(path)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    /// Its campaign.
    pub fn campaign(&self) -> Result<Campaign> {
        campaign(&self.connection).map_err(|fault| fault.at(self.path.display()))
    }

    /// Its rows in numbers.
    pub fn totals(&self) -> Result<Totals> {
        totals(&self.connection).map_err(|fault| fault.at(self.path.display()))
    }

    /// The number of the last row.
    pub fn last_row(&self) -> Result<u32> {
        let last: i64 = self
            .connection
            .query_row("SELECT ifnull(max(row), 0) FROM recipient", [], |row| {
                row.get(0)
            })
            .map_err(|fault| self.fault(&fault))?;
        u32::try_from(last)
            .map_err(|_| unknown_word("row", &last.to_string()).at(self.path.display()))
    }

    /// Further readers of the ledger, which all see one and the same state of it for as long as they live, whatever is written
    /// meanwhile. At most so many; one where it changes too fast.
    pub fn together(&self, most: usize) -> Result<Vec<Self>> {
        let mut readers = (0..most.max(1))
            .map(|_| Self::open(&self.path))
            .collect::<Result<Vec<_>>>()?;
        let see = || -> rusqlite::Result<bool> {
            let before = self.changes()?;
            for reader in &readers {
                // A transaction begins to see with the first that it reads.
                reader
                    .connection
                    .execute_batch("BEGIN; SELECT only FROM campaign")?;
            }
            Ok(self.changes()? == before)
        };
        let alike = || {
            for _ in 0..TRIES {
                if see()? {
                    return Ok(true);
                }
                for reader in &readers {
                    reader.connection.execute_batch("ROLLBACK")?;
                }
            }
            readers[0].connection.execute_batch("BEGIN")?;
            Ok(false)
        };
        if !alike().map_err(|fault: rusqlite::Error| self.fault(&fault))? {
            readers.truncate(1);
        }
        Ok(readers)
    }

    /// A number that is another one when anybody else has changed the ledger.
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
            .map_err(|fault| self.fault(&fault))?;
        let (first, last) = rows.into_inner();
        let mut rows = statement
            .query([first, last])
            .map_err(|fault| self.fault(&fault))?;
        while let Some(row) = rows.next().map_err(|fault| self.fault(&fault))? {
            let mut recipient = recipient(row)
                .map_err(|fault| self.fault(&fault))?
                .ok_or_else(|| unknown_word("status", "in its rows").at(self.path.display()))?;
            row.get(14)
                .and_then(|decision| self.add_the_rare(&mut recipient, decision))
                .map_err(|fault| self.fault(&fault))?;
            each(recipient)?;
        }
        Ok(())
    }

    /// Adds what few recipients have, and what is therefore read for them only.
    fn add_the_rare(
        &self,
        recipient: &mut Recipient<'_>,
        decision: Option<i64>,
    ) -> rusqlite::Result<()> {
        if let Some(decision) = decision {
            let mut statement = self
                .connection
                .prepare_cached("SELECT decided_at, word, note FROM decision WHERE id = ?1")?;
            let decided = statement.query_row([decision], |row| {
                Ok(Decided {
                    at: row.get(0)?,
                    word: row.get(1)?,
                    note: row.get(2)?,
                })
            });
            recipient.decided = decided.optional()?;
        }
        let by_the_gateway = recipient.reason.is_none() && recipient.code == Some(BAD_NUMBER);
        if recipient.status == Status::Refused && by_the_gateway {
            let mut statement = self
                .connection
                .prepare_cached("SELECT count(*) FROM recipient WHERE batch_id = ?1")?;
            let batch = recipient.batch.map(u64::cast_signed);
            recipient.refused_with = Some(statement.query_row([batch], |row| row.get(0))?);
        }
        Ok(())
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
        read().map_err(|fault| self.fault(&fault))
    }

    /// Whether a request of this ledger may have reached somebody, or was refused for what it said: not where every one of them
    /// certainly never left, was throttled, or was turned away because of the account.
    pub fn was_sent_from(&self) -> Result<bool> {
        self.connection
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM attempt WHERE outcome IS NULL OR outcome NOT IN (?1, ?2, ?3))",
                AttemptOutcome::NOT_TAKEN.map(AttemptOutcome::as_str),
                |row| row.get(0),
            )
            .map_err(|fault| self.fault(&fault))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn fault(&self, fault: &rusqlite::Error) -> Error {
        unreadable(fault).at(self.path.display())
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
    let Some(status) = status(disposition, state) else {
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
        decided: None,
        text: text(6)?,
        encoding: row.get::<_, Option<u8>>(7)?.and_then(Encoding::from_wire),
        credits: row.get::<_, Option<u32>>(8)?.unwrap_or(0),
        batch: row.get::<_, Option<i64>>(9)?.map(i64::cast_unsigned),
        refused_with: None,
        attempts: row.get::<_, Option<u32>>(11)?.unwrap_or(0),
        claimed_at: text(12)?,
    }))
}

/// The status of a row, from its disposition and the state of its batch.
fn status(disposition: &str, state: Option<State>) -> Option<Status> {
    Some(match (disposition, state) {
        ("send", Some(State::Planned)) => Status::Pending,
        ("send", Some(State::Claimed | State::Unknown)) => Status::Unknown,
        ("send", Some(State::Accepted)) => Status::Accepted,
        ("send", Some(State::Refused)) => Status::Refused,
        ("invalid", None) => Status::Invalid,
        ("duplicate", None) => Status::Duplicate,
        ("suppressed", None) => Status::Suppressed,
        _ => return None,
    })
}

pub(super) fn campaign(connection: &Connection) -> Result<Campaign> {
    let read = |row: &Row<'_>| -> rusqlite::Result<Result<Campaign>> {
        let moment = |index| -> rusqlite::Result<Result<Timestamp>> {
            let text: String = row.get(index)?;
            Ok(Timestamp::parse(&text).ok_or_else(|| unknown_word("time", &text)))
        };
        let (planned_at, expires_at) = match (moment(9)?, moment(10)?) {
            (Ok(planned_at), Ok(expires_at)) => (planned_at, expires_at),
            (Err(fault), _) | (_, Err(fault)) => return Ok(Err(fault)),
        };
        Ok(Ok(Campaign {
            id: row.get(0)?,
            name: row.get(1)?,
            input: row.get(2)?,
            options: row.get(3)?,
            digest: row.get(4)?,
            header: row.get(5)?,
            delimiter: row.get_ref(6)?.as_bytes()?.first().copied().unwrap_or(b','),
            bom: row.get(7)?,
            report: row.get(8)?,
            planned_at,
            expires_at,
            gateway_host: row.get(11)?,
        }))
    };
    connection
        .query_row(
            "SELECT id, name, input, options, digest, header, delimiter, bom, report, planned_at, expires_at,
                    gateway_host
             FROM campaign",
            [],
            read,
        )
        .optional()
        .map_err(|fault| unreadable(&fault))?
        .ok_or_else(|| Error::new(Kind::Ledger, "is a ledger without a campaign"))?
}

/// How many attempts were ever made.
pub(super) fn attempts(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .query_row("SELECT count(*) FROM attempt", [], |row| row.get(0))
        .map(i64::cast_unsigned)
}

pub(super) fn totals(connection: &Connection) -> Result<Totals> {
    let mut totals = Totals::default();
    let mut read = || -> rusqlite::Result<Option<String>> {
        let mut statement = connection.prepare(
            // Counted here: to group them, SQLite would sort all rows by their words.
            "SELECT r.disposition, b.state, t.credits
             FROM recipient r
             LEFT JOIN batch b ON b.id = r.batch_id
             LEFT JOIN text t ON t.id = r.text_id",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let disposition = row.get_ref(0)?.as_str()?;
            let state = row.get_ref(1)?.as_str_or_null()?.and_then(State::parse);
            let Some(status) = status(disposition, state) else {
                return Ok(Some(disposition.to_owned()));
            };
            totals.counts.add(status, 1);
            if disposition == "send" {
                let credits = row.get::<_, Option<u32>>(2)?.map_or(0, u64::from);
                totals.credits_planned += credits;
                match status {
                    Status::Accepted => totals.credits_accepted += credits,
                    Status::Pending => totals.credits_pending += credits,
                    _ => {}
                }
            }
        }
        let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        totals.batches =
            count("SELECT count(*) FROM batch WHERE state <> 'split'")?.cast_unsigned();
        totals.attempts = attempts(connection)?;
        Ok(None)
    };
    match read().map_err(|fault| unreadable(&fault))? {
        None => Ok(totals),
        Some(word) => Err(unknown_word("disposition", &word)),
    }
}
