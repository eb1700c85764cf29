//! A campaign's place in a store: its name, and its lock.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::address::{Store, check_name};
use super::campaign;
use super::connection::{Connection, get};
use super::schema;
use super::snapshot::Snapshot;
use crate::Result;

impl Store {
    /// Whether its database answers, takes this user, and is no copy of the one that was sent from.
    pub fn check(self: &Arc<Self>) -> Result<()> {
        let connection = Connection::open(self)?;
        if schema::exists(&connection)? {
            schema::refuse_copy(&connection)?;
        }
        Ok(())
    }
}

/// How often the lock of a name is tried before somebody is told of the wait.
const MOST_TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// A name in a store, under which a campaign is or will be.
#[derive(Clone, Debug)]
pub struct Place {
    pub(super) store: Arc<Store>,
    pub(super) name: String,
    /// The connection that it is read with, if it is one of many that are.
    connection: Option<Arc<Connection>>,
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        (&self.store, &self.name) == (&other.store, &other.name)
    }
}

impl Eq for Place {}

impl Place {
    /// The place of this name.
    pub fn new(store: impl Into<Arc<Store>>, name: &str) -> Result<Self> {
        check_name(name)?;
        Ok(Self {
            store: store.into(),
            name: name.to_owned(),
            connection: None,
        })
    }

    /// The places of the campaigns in a store, in the order in which they were planned; `sent_within`: only of those from which requests
    /// were made in about this time, or are about to be made, and which are no tests.
    pub(in crate::ledger) fn all(
        store: &Arc<Store>,
        sent_within: Option<Duration>,
    ) -> Result<Vec<Self>> {
        // The clocks of other hosts may differ from the database's.
        const SLACK: Duration = Duration::from_secs(86_400);
        let connection = Arc::new(Connection::open(store)?);
        if !schema::exists(&connection)? {
            return Ok(Vec::new());
        }
        let seconds = sent_within.map(|time| time.saturating_add(SLACK).as_secs_f64());
        let rows = connection.rows(
            "SELECT stored_as FROM campaign c
             WHERE $1::float8 IS NULL OR NOT is_test AND (
                 extract(epoch FROM clock_timestamp() - (
                     SELECT claimed FROM attempt WHERE campaign = c.number ORDER BY id DESC LIMIT 1)) < $1
                 OR number IN (SELECT campaign FROM sender JOIN live_sender USING (id) WHERE begins_at IS NOT NULL))
             ORDER BY number",
            &[&seconds],
        )?;
        let places = rows.iter().map(|row| {
            Ok(Self {
                store: Arc::clone(store),
                name: get(row, 0)?,
                connection: Some(Arc::clone(&connection)),
            })
        });
        places.collect()
    }

    fn connect(&self) -> Result<Arc<Connection>> {
        match &self.connection {
            Some(connection) => Ok(Arc::clone(connection)),
            None => Connection::open(&self.store).map(Arc::new),
        }
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
        let connection = self.connect()?;
        if !schema::exists(&connection)? {
            return Ok(Vec::new());
        }
        let senders = connection.rows(
            "SELECT s.holder FROM sender s JOIN live_sender USING (id) JOIN campaign c ON c.number = s.campaign
             WHERE c.stored_as = $1 AND s.begins_at IS NOT NULL ORDER BY s.id",
            &[&self.name],
        )?;
        senders.iter().map(|row| get(row, 0)).collect()
    }

    /// Whether a campaign is there.
    pub(in crate::ledger) fn exists(&self) -> Result<bool> {
        let connection = self.connect()?;
        if !schema::exists(&connection)? {
            return Ok(false);
        }
        let sql = "SELECT EXISTS (SELECT 1 FROM campaign WHERE stored_as = $1)";
        get(&connection.one(sql, &[&self.name])?, 0)
    }

    /// Takes the lock of this name, and waits for others that have it: they plan, or look whether they must. It goes with the
    /// connection. `waiting` is called before it waits.
    pub(in crate::ledger) fn lock(&self, holder: &str, waiting: &dyn Fn()) -> Result<Lock> {
        let connection = Connection::open(&self.store)?;
        connection.refuse_pooler()?;
        schema::create(&connection)?;
        let is_free = || {
            let sql = "SELECT pg_try_advisory_lock(hashtextextended('isms_campaign ' || $1, 0))";
            get::<bool>(&connection.one(sql, &[&self.name])?, 0)
        };
        // One that only opens the campaign has it for a moment.
        let mut has_it = is_free()?;
        for _ in 0..MOST_TRIES {
            if !has_it {
                thread::sleep(BETWEEN_TRIES);
                has_it = is_free()?;
            }
        }
        if !has_it {
            waiting();
            let sql = "SELECT pg_advisory_lock(hashtextextended('isms_campaign ' || $1, 0))";
            connection.execute(sql, &[&self.name])?;
        }
        Ok(Lock {
            connection: Arc::new(connection),
            place: self.clone(),
            holder: holder.to_owned(),
        })
    }

    /// Opens the campaign for reading.
    pub(in crate::ledger) fn snapshot(&self) -> Result<Snapshot> {
        let connection = self.connect()?;
        if !schema::exists(&connection)? {
            return Err(campaign::missing(&self.name));
        }
        Snapshot::open(connection, &self.name)
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
