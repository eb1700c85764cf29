//! An open ledger: claims, outcomes, splits, recovery. Every change of a batch goes through
//! [`state::next`](super::state::next); a change that it does not know is an error, and nothing is committed.
//! It decides neither when to send nor what an answer means.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use super::files::{Identity, vanished};
use super::state::{Event, State, next};
use super::{AttemptOutcome, Campaign, Lock, connect, failed, files, make_durable, snapshot};
use crate::domain::{Encoding, Msisdn, Timestamp};
use crate::{Error, Kind, Result};

/// A batch of this ledger (`sms_batch`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchId(pub(super) i64);

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One attempt to send a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptId(i64);

/// A planned batch with all that its request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Which one it is.
    pub id: BatchId,
    /// Its recipients, in the order of their rows.
    pub numbers: Vec<Msisdn>,
    /// The rows of those recipients.
    pub(super) rows: Vec<i64>,
    /// The text they all get.
    pub text: String,
    /// How the text is encoded.
    pub encoding: Encoding,
    /// Whether it was split from another.
    pub split: bool,
}

/// Where an attempt leaves a recipient.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NewState {
    /// The gateway took it.
    Accepted {
        /// With this code.
        code: i32,
        /// The transaction id, where there was one.
        trx_id: Option<String>,
    },
    /// The gateway refused it.
    Refused {
        /// With this code.
        code: i32,
    },
    /// It may have gone out.
    Unknown {
        /// In words.
        why: String,
        /// The code, where there was one.
        code: Option<i32>,
    },
    /// It certainly did not go out, and is planned again.
    Planned {
        /// In words.
        why: String,
    },
    /// It certainly did not go out, and is planned again in two halves; a single recipient is refused.
    Halved {
        /// With this code.
        code: i32,
    },
}

/// The end of an attempt.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The batch that was claimed.
    pub batch: Batch,
    /// The attempt that its claim began.
    pub attempt: AttemptId,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// The HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// What the gateway answered.
    pub answer: String,
    /// One for all recipients, or one for each in their order.
    pub new_states: Vec<NewState>,
}

/// A ledger open for sending.
#[derive(Debug)]
pub struct Ledger {
    pub(super) connection: Connection,
    path: PathBuf,
    /// The ledger and what SQLite keeps beside it, as they were opened.
    files: Vec<(PathBuf, Identity)>,
    lock: Lock,
    campaign: Campaign,
    destination: String,
    started: bool,
    recovered: u64,
    attempts: u64,
}

impl Ledger {
    /// The ledger at this path, which `lock` belongs to. Claims that a crash left behind become unknown here,
    /// before anything else is done with them.
    pub fn open(path: &Path, lock: Lock) -> Result<Self> {
        files::refuse_second_name(path)?;
        Self::take_up(path, lock)
    }

    /// The same, whatever other names the ledger has.
    pub(super) fn take_up(path: &Path, lock: Lock) -> Result<Self> {
        let connection = connect(path)?;
        make_durable(&connection).map_err(|fault| fault.at(path.display()))?;
        // SQLite makes the log with the first that is read.
        let campaign = snapshot::campaign(&connection)?;
        let mut book = Self {
            connection,
            path: path.to_owned(),
            // Taken after SQLite opened them: whatever is put there later has another identity.
            files: files::files_of(path)?,
            lock,
            campaign,
            destination: String::new(),
            started: false,
            recovered: 0,
            attempts: 0,
        };
        book.attempts = snapshot::attempts(&book.connection).map_err(|fault| failed(&fault))?;
        book.lock.note_opened(&book.campaign.id)?;
        if book.attempts > 0 {
            // A lock that was deleted knows nothing of it any more.
            book.lock.mark_started(&book.campaign.id)?;
            book.lock.note_attempts(book.attempts)?;
        }
        book.recovered = book.recover()?;
        Ok(book)
    }

    /// The campaign of this ledger.
    #[must_use]
    pub fn campaign(&self) -> &Campaign {
        &self.campaign
    }

    /// How many batches a crash had left under way; they are unknown now.
    #[must_use]
    pub fn recovered(&self) -> u64 {
        self.recovered
    }

    /// Sets the gateway's host for the claims to come. A campaign that was begun elsewhere is refused: what one
    /// gateway took, another does not know of.
    pub fn send_to(&mut self, host: &str) -> Result<()> {
        if let Some(first) = &self.campaign.gateway_host
            && first != host
        {
            // Where not one byte ever left this machine, nothing was sent to the first host: a name with a slip in it.
            let reached = self.column(
                "SELECT EXISTS (SELECT 1 FROM attempt WHERE outcome IS NOT ?1)",
                [AttemptOutcome::NotSent.as_str()],
            )?;
            if reached != [0] {
                return Err(Error::new(
                    Kind::Ledger,
                    format!("was first sent to {first}, and would now go to {host}"),
                )
                .hint(format!(
                    "send it to {first}, or plan a new campaign with --ledger"
                ))
                .at(self.path.display()));
            }
            self.campaign.gateway_host = None;
        }
        host.clone_into(&mut self.destination);
        Ok(())
    }

    /// Runs `work` in one transaction and commits it durably, if the ledger is still the file that was opened.
    pub fn transaction<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = (self.attempts, self.started);
        self.run("BEGIN IMMEDIATE")?;
        let done = work(self).and_then(|value| {
            self.still_in_place()?;
            self.run("COMMIT")?;
            Ok(value)
        });
        if done.is_err() {
            // Where SQLite has rolled back by itself already this fails, and nothing is lost by it.
            let _ = self.connection.execute_batch("ROLLBACK");
            (self.attempts, self.started) = before;
        } else if self.attempts != before.0 {
            self.lock.note_attempts(self.attempts)?;
        }
        done
    }

    /// Takes a planned batch for one attempt. Part of a transaction that must be committed before the request.
    pub fn claim(&mut self, batch: BatchId, at: &Timestamp) -> Result<AttemptId> {
        if !self.started {
            // The lock first: if the ledger is lost after this claim, the lock still knows that there was one.
            self.lock.mark_started(&self.campaign.id)?;
            self.change(
                "UPDATE campaign SET gateway_host = coalesce(?1, ?2)",
                params![self.campaign.gateway_host, self.destination],
            )?;
            self.started = true;
        }
        let claimed_at = at.to_string();
        self.step(
            batch,
            State::Planned,
            Event::Claim,
            "attempts = attempts + 1, claimed_at = ?4, code = NULL, trx_id = NULL, why = NULL, decision = NULL",
            &[&claimed_at],
        )?;
        self.change(
            "INSERT INTO attempt (batch_id, claimed_at) VALUES (?1, ?2)",
            params![batch.0, claimed_at],
        )?;
        let attempt = self.connection.last_insert_rowid();
        // Attempts are never deleted, so the last one's number is how many there are.
        self.attempts = attempt.cast_unsigned();
        Ok(AttemptId(attempt))
    }

    /// Writes down the end of an attempt: each recipient gets its own outcome. Where they differ, the batch is
    /// split into children of one outcome each, in this same transaction.
    pub fn settle(&mut self, end: &Settlement) -> Result<()> {
        self.change(
            "UPDATE attempt SET ended_at = ?2, outcome = ?3, http_status = ?4, answer = ?5 WHERE id = ?1",
            params![
                end.attempt.0,
                end.ended_at.to_string(),
                end.outcome.as_str(),
                end.http_status,
                end.answer
            ],
        )?;
        match &end.new_states[..] {
            [new_state] => self.apply(end.batch.id, &end.batch.rows, new_state),
            each if each.len() == end.batch.rows.len() => {
                self.store_trx_ids(&end.batch.rows, each)?;
                self.settle_each(end, each)
            }
            _ => Err(Error::new(
                Kind::Ledger,
                "an answer had another number of outcomes than its batch has recipients",
            )),
        }
    }

    fn settle_each(&mut self, end: &Settlement, new_states: &[NewState]) -> Result<()> {
        let mut groups: Vec<(NewState, Vec<i64>)> = Vec::new();
        for (row, new_state) in end.batch.rows.iter().zip(new_states) {
            let common = without_trx_id(new_state);
            match groups.iter_mut().find(|(of, _)| *of == common) {
                Some((_, rows)) => rows.push(*row),
                None => groups.push((common, vec![*row])),
            }
        }
        let children = if groups.len() == 1 {
            vec![end.batch.id]
        } else {
            let rows: Vec<&[i64]> = groups.iter().map(|(_, rows)| &rows[..]).collect();
            self.divide(end.batch.id, State::Claimed, &rows)?
        };
        for (child, (new_state, rows)) in children.into_iter().zip(&groups) {
            self.apply(child, rows, new_state)?;
            if matches!(new_state, NewState::Refused { .. }) {
                self.change(
                    "UPDATE batch SET why = ?2 WHERE id = ?1",
                    params![child.0, NAMED],
                )?;
            }
        }
        Ok(())
    }

    /// Settles one claimed batch with one new_state.
    fn apply(&mut self, batch: BatchId, rows: &[i64], new_state: &NewState) -> Result<()> {
        let claimed = State::Claimed;
        match new_state {
            NewState::Accepted { code, trx_id } => self.step(
                batch,
                claimed,
                Event::Accept,
                "code = ?4, trx_id = ?5",
                &[code, trx_id],
            ),
            NewState::Refused { code } => {
                self.step(batch, claimed, Event::Refuse, "code = ?4", &[code])
            }
            NewState::Unknown { why, code } => self.step(
                batch,
                claimed,
                Event::Lose,
                "why = ?4, code = ?5",
                &[why, code],
            ),
            NewState::Planned { why } => {
                self.step(batch, claimed, Event::Return, "why = ?4", &[why])
            }
            NewState::Halved { code } if rows.len() == 1 => {
                self.step(batch, claimed, Event::Refuse, "code = ?4", &[code])
            }
            NewState::Halved { code } => {
                let (left, right) = rows.split_at(rows.len().div_ceil(2));
                let why = format!("the gateway answered {code}, and it is sent in smaller batches");
                for child in self.divide(batch, claimed, &[left, right])? {
                    self.step(child, claimed, Event::Return, "why = ?4", &[&why])?;
                }
                Ok(())
            }
        }
    }

    /// Turns every claim that a crash left behind into unknown: its request may have gone out.
    fn recover(&self) -> Result<u64> {
        let orphans = self.column("SELECT id FROM batch WHERE state = 'claimed'", [])?;
        let recovered = orphans.len() as u64;
        if orphans.is_empty() {
            return Ok(recovered);
        }
        self.run("BEGIN IMMEDIATE")?;
        for id in orphans {
            self.step(
                BatchId(id),
                State::Claimed,
                Event::Lose,
                "why = ?4",
                &[&snapshot::INTERRUPTED],
            )?;
            self.change(
                "UPDATE attempt SET outcome = ?2 WHERE batch_id = ?1 AND outcome IS NULL",
                params![id, AttemptOutcome::Interrupted.as_str()],
            )?;
        }
        self.run("COMMIT")?;
        Ok(recovered)
    }

    /// The rows by status.
    pub fn totals(&self) -> Result<super::Totals> {
        snapshot::totals(&self.connection)
    }

    /// Closes the ledger in order and leaves one file. The lock is handed back, still held.
    pub fn close(self) -> Result<Lock> {
        // All that is in the log goes into the ledger, also where somebody reads it now and keeps the log open.
        let _ = self
            .connection
            .query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(()));
        self.connection
            .close()
            .map_err(|(_, fault)| failed(&fault).at(self.path.display()))?;
        Ok(self.lock)
    }

    /// SQLite goes on committing into files that were deleted or replaced, without an error.
    fn still_in_place(&self) -> Result<()> {
        self.lock.still_in_place()?;
        for (path, identity) in &self.files {
            match Identity::of_name(path) {
                Ok(there) if there == *identity => {}
                Ok(_) => return Err(vanished(path, "another file is in its place")),
                Err(fault) => return Err(vanished(path, &fault.to_string())),
            }
        }
        Ok(())
    }

    /// Moves a batch from one state to the next. The state it leaves stands in the statement too, so that two
    /// writers could not both take a step.
    pub(super) fn step(
        &self,
        batch: BatchId,
        from: State,
        event: Event,
        fields: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<()> {
        let to = next(from, event).ok_or_else(|| illegal(batch, from, event))?;
        let sql = format!("UPDATE batch SET state = ?1, {fields} WHERE id = ?2 AND state = ?3");
        let (to, from_word) = (to.as_str(), from.as_str());
        let mut all: Vec<&dyn rusqlite::ToSql> = vec![&to, &batch.0, &from_word];
        all.extend_from_slice(values);
        if self.change(&sql, &all[..])? == 1 {
            Ok(())
        } else {
            Err(illegal(batch, from, event))
        }
    }

    fn store_trx_ids(&self, rows: &[i64], new_states: &[NewState]) -> Result<()> {
        for (row, new_state) in rows.iter().zip(new_states) {
            if let NewState::Accepted {
                trx_id: Some(id), ..
            } = new_state
            {
                self.change(
                    "UPDATE recipient SET trx_id = ?2 WHERE row = ?1",
                    params![row, id],
                )?;
            }
        }
        Ok(())
    }

    pub(super) fn change(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(|fault| failed(&fault).at(self.path.display()))
    }

    pub(super) fn column(&self, sql: &str, values: impl rusqlite::Params) -> Result<Vec<i64>> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_map(values, |row| row.get(0))?.collect())
            .map_err(|fault| failed(&fault).at(self.path.display()))
    }

    fn run(&self, sql: &str) -> Result<()> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.raw_execute().map(drop))
            .map_err(|fault| failed(&fault).at(self.path.display()))
    }
}

/// Why each of these is refused by itself, and not because another number of its request was bad.
const NAMED: &str = "the gateway answered for each number";

/// The new_state as far as the recipients of one batch share it.
fn without_trx_id(new_state: &NewState) -> NewState {
    match new_state {
        NewState::Accepted { code, .. } => NewState::Accepted {
            code: *code,
            trx_id: None,
        },
        other => other.clone(),
    }
}

fn illegal(batch: BatchId, from: State, event: Event) -> Error {
    Error::new(
        Kind::Ledger,
        format!(
            "batch {} is not {from} any more, and cannot take the step {event:?}",
            batch.0
        ),
    )
    .hint("something else changed the ledger; see isms-campaign verify")
}
