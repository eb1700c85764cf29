//! The same tests with a ledger in a file and with one in a store. Each test has a database of its own.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Program;
use super::postgres::Server;
use super::program::Printed;

/// Where campaigns have their ledgers.
#[derive(Clone, Copy)]
pub(crate) enum Backend {
    /// In a file beside the spreadsheet.
    File,
    /// In a database of this server.
    Store(&'static Server),
}

/// Tests that every backend passes: functions of a [`Backend`].
macro_rules! on_every_backend {
    ($($(#[$attribute:meta])* $test:ident),* $(,)?) => {
        mod in_a_file {
            $(#[test] $(#[$attribute])* fn $test() { super::$test(crate::common::Backend::File); })*
        }
        mod in_a_store {
            $(#[test] $(#[$attribute])* fn $test() {
                if let Some(server) = crate::common::postgres::server() {
                    super::$test(crate::common::Backend::Store(server));
                }
            })*
        }
    };
}
pub(crate) use on_every_backend;

impl Backend {
    /// Whether several processes can send one campaign.
    pub(crate) const fn is_store(self) -> bool {
        matches!(self, Self::Store(_))
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_store() { "store" } else { "file" })
    }
}

/// A database that is there as long as its test.
pub(crate) struct Database {
    server: &'static Server,
    name: String,
}

impl Database {
    /// An empty one, where the backend is a store.
    fn of(backend: Backend) -> Option<Self> {
        static NAMES: AtomicU32 = AtomicU32::new(0);
        let Backend::Store(server) = backend else {
            return None;
        };
        let name = format!("test_{}", NAMES.fetch_add(1, Ordering::Relaxed));
        server.database(&name);
        Some(Self { server, name })
    }

    pub(crate) fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// A connection that finds the program's tables.
    fn connect(&self) -> postgres::Client {
        let mut client = self.server.connect(&self.name);
        client
            .batch_execute("SET search_path = isms_campaign")
            .unwrap();
        client
    }

    /// All that the program's tables hold.
    pub(super) fn tables(&self) -> Vec<Printed> {
        let mut client = self.connect();
        let sql = "SELECT tablename FROM pg_tables WHERE schemaname = 'isms_campaign'";
        let names = client.query(sql, &[]).unwrap();
        let names = names.iter().map(|row| row.get(0));
        names
            .map(|name: String| {
                let sql =
                    format!("SELECT coalesce(string_agg(one::text, ' '), '') FROM {name} one");
                let row = client.query_one(&sql, &[]).unwrap();
                (name, row.get::<_, String>(0).into_bytes())
            })
            .collect()
    }

    /// Cuts all connections to it.
    pub(crate) fn cut(&self) {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        let mut client = self.server.connect("postgres");
        client.execute(sql, &[&self.name]).unwrap();
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let client = postgres::Client::connect(&self.server.url("postgres"), postgres::NoTls);
        let _the_server_may_be_gone = client.and_then(|mut client| client.batch_execute(&sql));
    }
}

impl Program {
    /// A folder with these files. Its campaigns are kept beside them, or in a store that `ISMS_STORE` names.
    pub(crate) fn on(backend: Backend, files: &[(&str, &str)]) -> Self {
        let mut program = Self::with(files);
        program.database = Database::of(backend);
        program
    }

    /// What commands call the ledger of the spreadsheet of this name.
    pub(crate) fn ledger(&self, campaign: &str) -> String {
        match self.database {
            Some(_) => campaign.to_owned(),
            None => format!("{campaign}.ledger"),
        }
    }

    /// What commands call the ledgers that `campaigns` lists.
    pub(crate) fn ledgers(&self) -> Vec<String> {
        let listed = self.run(&["campaigns", "--json"]);
        let listed: Vec<serde_json::Value> = serde_json::from_str(&listed.exits(0).stdout).unwrap();
        let names = listed.iter().map(|one| one["ledger"].as_str().unwrap());
        names.map(str::to_owned).collect()
    }

    /// What commands call the ledgers of tests.
    pub(crate) fn test_ledgers(&self) -> Vec<String> {
        if let Some(database) = &self.database {
            let sql = "SELECT stored_as FROM campaign WHERE is_test ORDER BY stored_as";
            let tests = database.connect().query(sql, &[]).unwrap();
            return tests.iter().map(|row| row.get(0)).collect();
        }
        let mut files = self.files();
        files.retain(|name| name.contains(".test-") && name.ends_with(".ledger"));
        files
    }

    /// What the ledger of the only campaign in this store, or of the campaign in this folder, answers. Of a file, a copy is asked,
    /// and the ledger stays as it was left.
    pub(crate) fn query(&self, campaign: &str, sql: &str) -> String {
        if let Some(database) = &self.database {
            let messages = database.connect().simple_query(sql).unwrap();
            return messages
                .iter()
                .find_map(|message| match message {
                    postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                    _ => None,
                })
                .unwrap();
        }
        let copy = tempfile::tempdir().unwrap();
        let ledger = self.ledger(campaign);
        for name in [&ledger, &format!("{ledger}-wal")] {
            if self.path(name).exists() {
                std::fs::copy(self.path(name), copy.path().join(name)).unwrap();
            }
        }
        let connection = rusqlite::Connection::open(copy.path().join(&ledger)).unwrap();
        let sql = format!("SELECT CAST(({sql}) AS TEXT)");
        connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    /// Changes the ledger by hand.
    pub(crate) fn change(&self, campaign: &str, sql: &str) {
        let changed = if let Some(database) = &self.database {
            database.connect().execute(sql, &[]).unwrap()
        } else {
            let path = self.path(&self.ledger(campaign));
            let ledger = rusqlite::Connection::open(path).unwrap();
            ledger.pragma_update(None, "foreign_keys", false).unwrap();
            u64::try_from(ledger.execute(sql, []).unwrap()).unwrap()
        };
        assert!(changed > 0, "{sql}");
    }
}
