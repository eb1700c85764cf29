//! What another program can do to the file of a ledger, for tests.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value;

/// Changes the file, whatever its constraints on cells say. Returns whether a row was changed; an error where it cannot be.
pub(in crate::ledger) fn change(ledger: &Path, sql: &str) -> Result<bool, String> {
    let connection = Connection::open(ledger).unwrap();
    connection
        .execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;")
        .unwrap();
    let changed = connection.execute_batch(sql);
    changed.map_err(|error| error.to_string())?;
    Ok(connection.total_changes() > 0)
}

/// The one text that a query finds.
pub(in crate::ledger) fn query(ledger: &Path, sql: &str) -> String {
    let connection = Connection::open(ledger).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// All rows of the tables that change.
pub(in crate::ledger) fn contents(ledger: &Path) -> Vec<String> {
    let connection = Connection::open(ledger).unwrap();
    let mut all = Vec::new();
    for table in ["batch", "recipient", "attempt", "decision"] {
        let sql = format!("SELECT * FROM {table}");
        let mut statement = connection.prepare(&sql).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cell = |column| format!("{:?}", row.get::<_, Value>(column).unwrap());
            all.push((0..columns).map(cell).collect::<Vec<_>>().join("|"));
        }
    }
    all
}
