//! Reading a ledger: its campaign, and its rows with their outcomes. Every output is made from these.
//!
//! A claim is shown as unknown: its request is under way, or a crash cut it off.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row};

use super::campaign;
use super::connection::connect_to_read;
use super::error::unknown_value;
use super::totals;
use crate::Result;
use crate::domain::{Encoding, Msisdn, Status};
use crate::ledger::campaign::Campaign;
use crate::ledger::outcome::AttemptOutcome;
use crate::ledger::state::State;
use crate::ledger::totals::Totals;

/// Why a batch is unknown whose claim has no outcome.
pub(in crate::ledger) const INTERRUPTED: &str =
    "the program was stopped while the request was under way";

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
    pub decision: Option<Decision<'r>>,
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

/// A row that was planned to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedText<'r> {
    /// `sms_row`.
    pub row: u64,
    /// The number.
    pub msisdn: Msisdn,
    /// The text.
    pub body: &'r str,
    /// Its encoding.
    pub encoding: Encoding,
    /// What it costs.
    pub credits: u32,
}

/// A decision of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<'r> {
    /// When it was made.
    pub at: &'r str,
    /// `accepted` or `not-sent`.
    pub resolution: &'r str,
    /// What the operator wrote about it.
    pub note: Option<&'r str>,
}

/// A ledger open for reading, also while it is being sent.
#[derive(Debug)]
pub struct Snapshot {
    connection: Connection,
    pub(in crate::ledger) path: PathBuf,
}

impl Snapshot {
    /// Opens the ledger at this path.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self {
            connection: connect_to_read(path)?,
            path: path.to_owned(),
        })
    }

    /// Its campaign.
    pub fn campaign(&self) -> Result<Campaign> {
        self.read(campaign::read)
    }

    /// Its rows in numbers.
    pub fn totals(&self) -> Result<Totals> {
        self.read(totals::read)
    }

    /// Hands each of these rows to `each`, in the order of the spreadsheet, up to the first error. All of them are read in one
    /// state of the ledger, whatever is written meanwhile.
    pub fn recipients(
        &self,
        rows: RangeInclusive<u32>,
        mut each: impl FnMut(Recipient<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut handed_on = Ok(());
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT r.row, r.cells, r.msisdn, r.disposition, b.state,
                        b.code, ifnull(r.trx_id, b.trx_id), ifnull(r.reason, b.why),
                        d.decided_at, d.resolution, d.note,
                        t.body, t.type, t.credits, r.batch_id,
                        CASE WHEN b.state = 'refused' AND b.why IS NULL
                             THEN (SELECT count(*) FROM recipient s WHERE s.batch_id = b.id) END,
                        b.attempts, b.claimed_at
                 FROM recipient r
                 LEFT JOIN text t ON t.id = r.text_id
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

    /// Hands each row that was planned to be sent to `each`, in the order of the spreadsheet, as long as it returns true.
    pub fn planned_texts(
        &self,
        mut each: impl FnMut(PlannedText<'_>) -> Result<bool>,
    ) -> Result<()> {
        let mut handed_on = Ok(true);
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT r.row, r.msisdn, t.body, t.type, t.credits
                 FROM recipient r JOIN text t ON t.id = r.text_id
                 WHERE r.disposition = 'send' ORDER BY r.row",
            )?;
            let mut rows = statement.query([])?;
            while matches!(handed_on, Ok(true)) {
                let Some(row) = rows.next()? else { break };
                let (number, encoding): (i64, u8) = (row.get(1)?, row.get(3)?);
                let known = Msisdn::from_u64(number.cast_unsigned())
                    .zip(Encoding::from_wire(encoding))
                    .ok_or_else(|| unknown_value("number or type", &number.to_string()))?;
                handed_on = each(PlannedText {
                    row: row.get::<_, i64>(0)?.cast_unsigned(),
                    msisdn: known.0,
                    body: row.get_ref(2)?.as_str()?,
                    encoding: known.1,
                    credits: row.get(4)?,
                });
            }
            Ok(())
        })?;
        handed_on.map(drop)
    }

    /// Hands each number that was or may yet be sent to (accepted, unknown, pending) to `each`.
    pub fn sent_numbers(&self, mut each: impl FnMut(Msisdn)) -> Result<()> {
        self.read(|connection| {
            let mut statement = connection.prepare(
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
        })
    }

    /// Whether a request of this ledger may have reached a recipient, or was refused for what it said. Not so if each of them
    /// certainly never left, was throttled, or was turned away because of the account.
    pub fn was_sent_from(&self) -> Result<bool> {
        self.read(|connection| {
            Ok(connection.query_row(
                "SELECT EXISTS (SELECT 1 FROM attempt WHERE outcome IS NULL OR outcome NOT IN (?1, ?2, ?3))",
                AttemptOutcome::NOT_TAKEN.map(AttemptOutcome::as_str),
                |row| row.get(0),
            )?)
        })
    }

    /// Runs queries. Their error says which ledger it is about.
    pub(in crate::ledger) fn read<T>(
        &self,
        queries: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        queries(&self.connection).map_err(|error| error.at(self.path.display()))
    }
}

fn recipient<'r>(row: &'r Row<'_>) -> Result<Recipient<'r>> {
    let text =
        |column: usize| -> Result<Option<&'r str>> { Ok(row.get_ref(column)?.as_str_or_null()?) };
    let state = text(4)?.and_then(State::parse);
    let decision = match (text(8)?, text(9)?) {
        (Some(at), Some(resolution)) => Some(Decision {
            at,
            resolution,
            note: text(10)?,
        }),
        _ => None,
    };
    Ok(Recipient {
        row: row.get::<_, i64>(0)?.cast_unsigned(),
        cells: row.get_ref(1)?.as_str()?,
        msisdn: row
            .get::<_, Option<i64>>(2)?
            .and_then(|number| Msisdn::from_u64(number.cast_unsigned())),
        status: totals::status(row.get_ref(3)?.as_str()?, state)?,
        code: row.get(5)?,
        trx_id: text(6)?,
        reason: match state {
            Some(State::Claimed) => Some(INTERRUPTED),
            _ => text(7)?,
        },
        decision,
        text: text(11)?,
        encoding: row.get::<_, Option<u8>>(12)?.and_then(Encoding::from_wire),
        credits: row.get::<_, Option<u32>>(13)?.unwrap_or(0),
        batch: row.get::<_, Option<i64>>(14)?.map(i64::cast_unsigned),
        refused_together: row.get::<_, Option<i64>>(15)?.map(i64::cast_unsigned),
        attempts: row.get::<_, Option<u32>>(16)?.unwrap_or(0),
        claimed_at: text(17)?,
    })
}
