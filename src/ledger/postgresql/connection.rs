//! A connection to a store: how it is made, and the statements that it runs.

use std::collections::HashMap;
use std::fmt;
use std::io::Cursor;
use std::pin::pin;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{SinkExt as _, TryStreamExt as _};
use tokio_postgres::types::{FromSql, ToSql};
use tokio_postgres::{Client, Row, Statement};

use super::address::Store;
use super::error::{NOT_POOLED, POOLED};
use super::session::Session;
use crate::{Error, Kind, Result};

/// The oldest server that a store can be kept by.
const OLDEST: i32 = 13;

/// How this session differs from the server's defaults: no time-out ends it, the server soon notices when this host is gone, a
/// commit is on the disk when it returns, a statement sees what was committed before it, and statements are planned for a campaign of the usual size: one that is newer than the
/// server's statistics would be taken for an empty one. Settings that this server does not have are left out.
const SETTINGS: &str = "
    SET search_path = isms_campaign, pg_temp;
    SELECT set_config(name, value, false)
    FROM (VALUES ('statement_timeout', '0'), ('lock_timeout', '0'), ('idle_in_transaction_session_timeout', '0'),
                 ('default_transaction_isolation', 'read committed'), ('idle_session_timeout', '0'), ('transaction_timeout', '0'), ('tcp_keepalives_idle', '10'),
                 ('tcp_keepalives_interval', '2'), ('tcp_keepalives_count', '5'), ('tcp_user_timeout', '20000'),
                 ('plan_cache_mode', 'force_generic_plan'))
         AS wanted (name, value)
    JOIN pg_settings USING (name);
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');";

/// Values of a statement.
pub(super) type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

/// A connection to a store.
pub(super) struct Connection {
    session: Mutex<Session>,
    statements: Mutex<HashMap<String, Statement>>,
    /// The number of the server's process that serves it.
    process: AtomicI32,
    pub(super) store: Arc<Store>,
}

impl Connection {
    /// Connects to a store.
    pub(super) fn open(store: &Arc<Store>) -> Result<Self> {
        let connection = Self {
            session: Mutex::new(Session::open(store)?),
            statements: Mutex::default(),
            process: AtomicI32::default(),
            store: Arc::clone(store),
        };
        connection.run(SETTINGS)?;
        let process = connection.check_server()?;
        connection.process.store(process, Ordering::Relaxed);
        Ok(connection)
    }

    /// Refuses a server that does not do what a ledger is built upon. Returns the number of its process that serves this connection.
    fn check_server(&self) -> Result<i32> {
        let row = self.one(
            "SELECT current_setting('server_version_num')::integer, current_setting('server_version'),
                    current_setting('synchronous_commit'), pg_backend_pid()",
            &[],
        )?;
        let refused = |problem: String, hint: &str| {
            Err(Error::new(Kind::Ledger, problem).hint(hint).at(&self.store))
        };
        if get::<i32>(&row, 0)? < OLDEST * 10_000 {
            let version: &str = get(&row, 1)?;
            let problem =
                format!("its server is PostgreSQL {version}, and a store needs {OLDEST} or newer");
            return refused(problem, "name another server, or upgrade this one");
        }
        if !["on", "remote_apply"].contains(&get(&row, 2)?) {
            return refused(
                "commits of this database are not synchronous".to_owned(),
                "nothing is sent without that; have its owner allow synchronous_commit = on",
            );
        }
        get(&row, 3)
    }

    /// Refuses a pooler between this program and the server that gives each transaction any session: then locks say nothing about who
    /// is there. It hands the session of a client that is idle to another one. Nothing may be locked before: it would stay locked in
    /// that session.
    pub(super) fn refuse_pooler(&self) -> Result<()> {
        /// Often enough to notice it also where others use the sessions in between.
        const TRIES: usize = 4;
        let another = Self::open(&self.store)?;
        let process = |connection: &Self| connection.process.load(Ordering::Relaxed);
        let mut keep_theirs = process(self) != process(&another);
        for connection in [self, &another].into_iter().cycle().take(2 * TRIES) {
            let row = connection.one("SELECT pg_backend_pid()", &[])?;
            keep_theirs &= get::<i32>(&row, 0)? == process(connection);
        }
        if keep_theirs {
            return Ok(());
        }
        Err(Error::new(Kind::Ledger, POOLED)
            .hint(NOT_POOLED)
            .at(&self.store))
    }

    /// Connects again after this connection was lost. Returns the number of the server's process that served it.
    pub(super) fn renew(&self) -> Result<i32> {
        let new = Self::open(&self.store)?;
        let session = new.session.into_inner();
        *lock(&self.session) = session.unwrap_or_else(PoisonError::into_inner);
        lock(&self.statements).clear();
        let process = new.process.into_inner();
        Ok(self.process.swap(process, Ordering::Relaxed))
    }

    fn ask<T>(
        &self,
        ask: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T> {
        lock(&self.session).ask(&self.store, ask)
    }

    /// Commits the transaction. After an error it may be durable or not, also some time later: the server may have been told.
    pub(super) fn commit(&self) -> Result<()> {
        lock(&self.session).commit(&self.store)
    }

    /// Plans a statement once for all its uses.
    fn prepare(&self, sql: &str) -> Result<Statement> {
        let mut statements = lock(&self.statements);
        if let Some(statement) = statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.ask(async |client| client.prepare(sql).await)?;
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Runs statements without values.
    pub(super) fn run(&self, sql: &str) -> Result<()> {
        self.ask(async |client| client.batch_execute(sql).await)
    }

    /// Runs a statement that changes rows. Returns how many.
    pub(super) fn execute(&self, sql: &str, values: Values<'_>) -> Result<u64> {
        let statement = self.prepare(sql)?;
        self.ask(async |client| client.execute(&statement, values).await)
    }

    /// All rows of a query, which are few.
    pub(super) fn rows(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>> {
        let statement = self.prepare(sql)?;
        self.ask(async |client| client.query(&statement, values).await)
    }

    /// The only row of a query.
    pub(super) fn one(&self, sql: &str, values: Values<'_>) -> Result<Row> {
        let statement = self.prepare(sql)?;
        self.ask(async |client| client.query_one(&statement, values).await)
    }

    /// Hands each row of a query to `each` as it comes, as long as that returns true.
    pub(super) fn each(
        &self,
        sql: &str,
        values: Values<'_>,
        each: &mut dyn FnMut(&Row) -> Result<bool>,
    ) -> Result<()> {
        let statement = self.prepare(sql)?;
        let (session, store) = (lock(&self.session), &self.store);
        let values = values.iter().copied();
        let rows = session.ask(store, async |client| {
            client.query_raw(&statement, values).await
        })?;
        let mut rows = pin!(rows);
        while let Some(row) = session.ask(store, async |_| rows.try_next().await)? {
            if !each(&row)? {
                break;
            }
        }
        Ok(())
    }

    /// Hands rows in the text format of COPY to the server.
    pub(super) fn copy(&self, sql: &str, rows: String) -> Result<()> {
        self.ask(async |client| {
            let mut sink = pin!(client.copy_in(sql).await?);
            sink.send(Cursor::new(rows)).await?;
            sink.finish().await.map(drop)
        })
    }
}

/// A panic of another thread leaves a connection of which this one learns at its next use whether it can be used.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A column of a row. One of another type, or without a value where there must be one, was changed by another program.
pub(super) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T> {
    row.try_get(column).map_err(|error| {
        Error::new(Kind::Ledger, "the ledger holds a value that cannot be read")
            .caused_by(error)
            .hint("it was changed by hand or by another program; bring back a copy")
    })
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connection").field(&self.store).finish()
    }
}
