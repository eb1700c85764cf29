//! A campaign's place in a store: its name, and its lock.

use std::fmt;
use std::sync::Arc;

use super::address::{Store, check_name};
use super::campaign;
use super::connection::{Connection, get};
use super::schema;
use super::snapshot::Snapshot;
use crate::Result;

/// A name in a store, under which a campaign is or will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub(super) store: Arc<Store>,
    pub(super) name: String,
}

impl Place {
    /// The place of this name.
    pub fn new(store: impl Into<Arc<Store>>, name: &str) -> Result<Self> {
        check_name(name)?;
        Ok(Self {
            store: store.into(),
            name: name.to_owned(),
        })
    }

    /// The name of the campaign.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// What the processes are that send it now.
    pub(in crate::ledger) fn senders(&self) -> Result<Vec<String>> {
        let connection = Connection::open(&self.store)?;
        if !schema::exists(&connection)? {
            return Ok(Vec::new());
        }
        let senders = connection.rows(
            "SELECT s.holder FROM sender s JOIN live_sender USING (id) JOIN campaign c ON c.number = s.campaign
             WHERE c.stored_as = $1 ORDER BY id",
            &[&self.name],
        )?;
        senders.iter().map(|row| get(row, 0)).collect()
    }

    /// Whether a campaign is there.
    pub(in crate::ledger) fn exists(&self) -> Result<bool> {
        let connection = Connection::open(&self.store)?;
        if !schema::exists(&connection)? {
            return Ok(false);
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM campaign WHERE stored_as = $1)";
        get(&connection.one(sql, &[&self.name])?, 0)
    }

    /// Takes the lock of this name, and waits for others that have it: they plan, or look whether they must. It goes with the
    /// connection.
    pub(in crate::ledger) fn lock(&self, holder: &str) -> Result<Lock> {
        let connection = Connection::open(&self.store)?;
        schema::create(&connection)?;
        let sql = "SELECT pg_advisory_lock(hashtextextended('isms_campaign ' || $1, 0))";
        connection.execute(sql, &[&self.name])?;
        Ok(Lock {
            connection: Arc::new(connection),
            place: self.clone(),
            holder: holder.to_owned(),
        })
    }

    /// Opens the campaign for reading.
    pub(in crate::ledger) fn snapshot(&self) -> Result<Snapshot> {
        let connection = Connection::open(&self.store)?;
        if !schema::exists(&connection)? {
            return Err(campaign::missing(&self.name));
        }
        Snapshot::open(connection, &self.name)
    }

    /// Deletes the campaign in this place, of which no request was ever made.
    pub(super) fn delete_unsent(&self, connection: &Connection) -> Result<()> {
        let deleted = connection.rows(
            "DELETE FROM campaign c WHERE stored_as = $1
             AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.campaign = c.number)
             AND NOT EXISTS (SELECT 1 FROM sender s JOIN live_sender USING (id) WHERE s.campaign = c.number)
             RETURNING number",
            &[&self.name],
        )?;
        for row in &deleted {
            let number: i64 = get(row, 0)?;
            for table in ["batch", "recipient", "decision", "sender"] {
                let sql = format!("DELETE FROM {table} WHERE campaign = $1");
                connection.execute(&sql, &[&number])?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

/// The lock of one place, held until its connection is closed.
#[derive(Debug)]
pub(in crate::ledger) struct Lock {
    pub(super) connection: Arc<Connection>,
    pub(super) place: Place,
    /// What this process is to others.
    pub(super) holder: String,
}

impl Lock {
    /// Lets others take the lock of this name.
    pub(super) fn release(&self) -> Result<()> {
        let sql = "SELECT pg_advisory_unlock(hashtextextended('isms_campaign ' || $1, 0))";
        self.connection.execute(sql, &[&self.place.name]).map(drop)
    }
}
