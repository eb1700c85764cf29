//! A connection to a store: how it is made, and the statements that it runs.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io::Write as _;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postgres::fallible_iterator::FallibleIterator as _;
use postgres::types::{FromSql, ToSql};
use postgres::{Client, NoTls, Row, Statement};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Store;
use super::error::{NOT_POOLED, POOLED, database_error};
use super::password;
use crate::certificates::Trusted;
use crate::{Error, Kind, Result};

/// How long a server may take to answer a new connection, and the network to confirm what was sent.
const PATIENCE: Duration = Duration::from_secs(10);

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
    client: Mutex<Client>,
    statements: Mutex<HashMap<String, Statement>>,
    /// The number of the server's process that serves it.
    process: AtomicI32,
    pub(super) store: Arc<Store>,
}

impl Connection {
    /// Connects to a store.
    pub(super) fn open(store: &Arc<Store>) -> Result<Self> {
        let mut config = store.config.clone();
        if let Some(password) = password::find(store)? {
            config.password(password);
        }
        config.keepalives_idle(PATIENCE).tcp_user_timeout(PATIENCE);
        config.keepalives_interval(PATIENCE / 5);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        if config.get_application_name().is_none() {
            config.application_name("isms-campaign");
        }
        let connected = match config.get_ssl_mode() {
            postgres::config::SslMode::Disable => config.connect(NoTls),
            _ => config.connect(MakeRustlsConnect::new(tls(store)?)),
        };
        let connection = Self {
            client: Mutex::new(connected.map_err(|error| database_error(error, store))?),
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
        let client = new.client.into_inner();
        *lock(&self.client) = client.unwrap_or_else(PoisonError::into_inner);
        lock(&self.statements).clear();
        let process = new.process.into_inner();
        Ok(self.process.swap(process, Ordering::Relaxed))
    }

    fn ask<T>(&self, ask: impl FnOnce(&mut Client) -> Result<T, postgres::Error>) -> Result<T> {
        ask(&mut lock(&self.client)).map_err(|error| database_error(error, &self.store))
    }

    /// Plans a statement once for all its uses.
    fn prepare(&self, sql: &str) -> Result<Statement> {
        let mut statements = lock(&self.statements);
        if let Some(statement) = statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.ask(|client| client.prepare(sql))?;
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Runs statements without values.
    pub(super) fn run(&self, sql: &str) -> Result<()> {
        self.ask(|client| client.batch_execute(sql))
    }

    /// Runs a statement that changes rows. Returns how many.
    pub(super) fn execute(&self, sql: &str, values: Values<'_>) -> Result<u64> {
        let statement = self.prepare(sql)?;
        self.ask(|client| client.execute(&statement, values))
    }

    /// All rows of a query, which are few.
    pub(super) fn rows(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>> {
        let statement = self.prepare(sql)?;
        self.ask(|client| client.query(&statement, values))
    }

    /// The only row of a query.
    pub(super) fn one(&self, sql: &str, values: Values<'_>) -> Result<Row> {
        let statement = self.prepare(sql)?;
        self.ask(|client| client.query_one(&statement, values))
    }

    /// Hands each row of a query to `each` as it comes, as long as that returns true.
    pub(super) fn each(
        &self,
        sql: &str,
        values: Values<'_>,
        each: &mut dyn FnMut(&Row) -> Result<bool>,
    ) -> Result<()> {
        let statement = self.prepare(sql)?;
        let failed = |error| database_error(error, &self.store);
        let mut client = lock(&self.client);
        let values = values.iter().copied();
        let mut rows = client.query_raw(&statement, values).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if !each(&row)? {
                break;
            }
        }
        Ok(())
    }

    /// Hands rows in the text format of COPY to the server.
    pub(super) fn copy(&self, sql: &str, rows: &[u8]) -> Result<()> {
        let failed = |error| database_error(error, &self.store);
        let mut client = lock(&self.client);
        let mut writer = client.copy_in(sql).map_err(failed)?;
        writer.write_all(rows).map_err(|error| {
            Error::new(Kind::Unreachable, "the database cannot be reached")
                .caused_by(error)
                .hint("make sure that its server runs and can be reached from here, and run again")
                .at(&self.store)
        })?;
        writer.finish().map(drop).map_err(failed)
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

/// What is needed to verify the server's certificate and name: the certificates that the URL names, or else those that every
/// connection trusts.
fn tls(store: &Store) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match &store.root_certificates {
        None => {
            roots.add_parsable_certificates(Trusted::load().certificates);
        }
        Some(path) => {
            let unusable = |error: &dyn fmt::Display| {
                let problem = format!("cannot be used as sslrootcert: {error}");
                Error::new(Kind::Other, problem)
                    .hint("name a file of certificates in PEM")
                    .at(path.display())
            };
            let text = fs::read(path).map_err(|error| unusable(&error))?;
            for certificate in CertificateDer::pem_slice_iter(&text) {
                let certificate = certificate.map_err(|error| unusable(&error))?;
                roots.add(certificate).map_err(|error| unusable(&error))?;
            }
            if roots.is_empty() {
                return Err(unusable(&"it holds no certificate"));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(Kind::Other, "TLS cannot be used").caused_by(error))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
