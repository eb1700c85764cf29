//! The tables of a ledger, and how a file is recognised as one.

use rusqlite::Connection;

use crate::{Error, Kind, Result};

/// Marks a SQLite file as a ledger: `iSMS` in ASCII.
pub(in crate::ledger) const APPLICATION_ID: i64 = 0x6953_4D53;

/// The version that this program writes, and the only one that it reads.
pub(in crate::ledger) const VERSION: i64 = 7;

/// The tables. States and dispositions are words, so that any SQL tool shows what they mean. The checks compare with one word
/// after another, because SQLite builds a table for an `IN` list of more than two words, for every row that is stored.
pub(in crate::ledger) const TABLES: &str = "
CREATE TABLE campaign (
    only          INTEGER PRIMARY KEY CHECK (only = 1),
    id            TEXT NOT NULL,     -- 32 hexadecimal digits, drawn when it was planned
    name          TEXT NOT NULL,
    input         TEXT NOT NULL,     -- the spreadsheet as it was named
    options       TEXT NOT NULL,     -- JSON: the message and every other option that the plan depends on
    digest        TEXT NOT NULL,     -- of the header and the cells, hexadecimal
    header        TEXT NOT NULL,     -- a CSV record
    delimiter     TEXT NOT NULL,     -- in header, in every recipient's cells, and in the results
    bom           INTEGER NOT NULL,  -- 1: the results begin with a byte order mark
    report        TEXT NOT NULL,     -- JSON: what the plan found
    planned_at    TEXT NOT NULL,     -- RFC 3339, as all times here
    expires_at    TEXT NOT NULL,
    schedules     TEXT NOT NULL,     -- JSON: when runs were asked to send it, and what the words for that mean
    is_test       INTEGER NOT NULL,  -- 1: the texts of another campaign, to the phones of those who test it
    gateway_host  TEXT,              -- set with the first claim
    begins_at     TEXT               -- when the run under way was about to make its first request
) STRICT;
CREATE TABLE decision (
    id          INTEGER PRIMARY KEY,
    decided_at  TEXT NOT NULL,
    rows        TEXT,                -- 3,17-20; none where it is about the whole campaign
    resolution  TEXT NOT NULL CHECK (resolution IN ('accepted', 'not-sent', 'cancelled', 'expires')),
    trx_id      TEXT,
    expires_at  TEXT,                -- until when the campaign may be sent from now on
    note        TEXT,
    CHECK ((resolution = 'expires') = (expires_at IS NOT NULL) AND (resolution = 'expires') = (rows IS NULL))
) STRICT;
-- A batch without a record is planned, and nothing ever happened to it.
CREATE TABLE batch (
    id          INTEGER PRIMARY KEY,
    parent      INTEGER REFERENCES batch (id),
    state       TEXT NOT NULL
                CHECK (state = 'planned' OR state = 'claimed' OR state = 'accepted' OR state = 'refused'
                       OR state = 'unknown' OR state = 'cancelled' OR state = 'suppressed' OR state = 'split'),
    attempts    INTEGER NOT NULL,    -- its own and those of the batches it was split from
    claimed_at  TEXT,                -- the last claim
    code        INTEGER,             -- as answered
    trx_id      TEXT,
    why         TEXT,                -- why it is unknown, planned again, suppressed, or refused for itself alone
    decision    INTEGER REFERENCES decision (id)
) STRICT;
CREATE TABLE recipient (
    row          INTEGER PRIMARY KEY,
    cells        TEXT NOT NULL,      -- the spreadsheet's row as a CSV record
    msisdn       INTEGER,
    batch_id     INTEGER,
    disposition  TEXT NOT NULL CHECK (disposition = 'send' OR disposition = 'invalid' OR disposition = 'duplicate'
                              OR disposition = 'suppressed'),
    type         INTEGER CHECK (type = 1 OR type = 2),
    credits      INTEGER,
    text         TEXT,               -- its text, or
    text_row     INTEGER REFERENCES recipient (row) CHECK (text_row < row), -- the first row that has the same text
    reason       TEXT,               -- why it is not sent
    trx_id       TEXT,               -- where the gateway answered each number
    CHECK (CASE WHEN disposition = 'send' THEN batch_id IS NOT NULL AND msisdn IS NOT NULL AND type IS NOT NULL
           ELSE batch_id IS NULL END),
    CHECK (CASE WHEN type IS NULL THEN coalesce(credits, text, text_row) IS NULL
           ELSE credits IS NOT NULL AND (text IS NULL) <> (text_row IS NULL) END)
) STRICT;
CREATE TABLE attempt (
    id           INTEGER PRIMARY KEY,
    batch_id     INTEGER NOT NULL REFERENCES batch (id),
    claimed_at   TEXT NOT NULL,
    ended_at     TEXT,
    outcome      TEXT,
    http_status  INTEGER,
    answer       TEXT
) STRICT;
";

/// Finds the recipients of a batch, and ensures that no batch has a number twice.
pub(in crate::ledger) const INDEX: &str = "
CREATE UNIQUE INDEX IF NOT EXISTS recipient_of_batch ON recipient (batch_id, msisdn) WHERE batch_id IS NOT NULL;
";

/// Removes the index while a plan is written, see `PlanInserts`.
pub(super) const DROP_INDEX: &str = "DROP INDEX IF EXISTS recipient_of_batch";

/// Refuses a file that is not a ledger, or one of another version.
pub(in crate::ledger) fn check(connection: &Connection) -> Result<()> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if pragma("application_id")? != APPLICATION_ID {
        return Err(Error::new(Kind::Ledger, "is not a ledger of isms-campaign")
            .hint("name the .ledger file of the campaign"));
    }
    match pragma("user_version")? {
        version if version > VERSION => Err(Error::new(
            Kind::Ledger,
            format!("is a ledger of version {version}, and this program reads version {VERSION}"),
        )
        .hint("use the newer isms-campaign that wrote it")),
        VERSION => Ok(()),
        _ => Err(
            Error::new(Kind::Ledger, "was written by an older isms-campaign")
                .hint("use that version to finish it"),
        ),
    }
}
