//! The tables of a store.

use super::connection::{Connection, get};
use crate::{Error, Kind, Remedy, Result};

/// The version that this program writes, and the only one that it reads.
pub(super) const VERSION: i32 = 5;

/// The tables, in a schema of their own. They hold what a ledger in a file holds, of many campaigns. A row of a campaign is named
/// by the campaign's number and its own.
///
/// Rows refer to each other without foreign keys, which would cost more than all else while a plan is stored; `verify` checks
/// what they refer to.
const TABLES: &str = "
CREATE TABLE isms_campaign.version (
    single        integer PRIMARY KEY CHECK (single = 1),
    version       integer NOT NULL,
    identity      text                    -- of the database that is sent from; a copy of it has another one
);
CREATE TABLE isms_campaign.campaign (
    number        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stored_as     text NOT NULL UNIQUE,   -- what commands call it
    id            text NOT NULL,          -- 32 hexadecimal digits, drawn when it was planned
    name          text NOT NULL,
    input         text NOT NULL,          -- the spreadsheet as it was named
    options       text NOT NULL,          -- JSON: the message and every other option that the plan depends on
    digest        text NOT NULL,          -- of the header and the cells, hexadecimal
    header        text NOT NULL,          -- a CSV record
    delimiter     text NOT NULL,          -- in header, in every recipient's cells, and in the results
    bom           boolean NOT NULL,       -- the results begin with a byte order mark
    report        text NOT NULL,          -- JSON: what the plan found
    planned_at    text NOT NULL,          -- RFC 3339, as all times that are text
    expires_at    text NOT NULL,
    schedules     text NOT NULL,          -- JSON: when runs were asked to send it, and what the words for that mean
    is_test       boolean NOT NULL,       -- the texts of another campaign, to the phones of those who test it
    gateway_host  text,                   -- set with the first claim
    account_stops bigint NOT NULL DEFAULT 0, -- how often the gateway stopped the account, for senders that began before
    stop_code     integer,                -- the last time with this code
    planned_batches bigint NOT NULL       -- how many; those that were split off later have higher numbers
);
-- Who sends a campaign, or has sent it. One that is there holds a lock of this session, see live_sender.
CREATE SEQUENCE isms_campaign.sender_id AS integer;
CREATE TABLE isms_campaign.sender (
    campaign      bigint NOT NULL,
    id            integer PRIMARY KEY,
    holder        text NOT NULL,          -- what it is to people
    begins_at     text,                   -- when it was about to make its first request
    attempts      bigint NOT NULL,        -- how many it made, as counted with each commit
    commits       bigint NOT NULL,        -- how many it made
    account       text,                   -- which one of which gateway it uses: a hash, see rate
    recipient_nanos bigint,               -- how long one recipient takes at the rate that it asks for
    largest       bigint,                 -- the most recipients that it sends to at once
    timeout       double precision        -- the longest that one of its requests takes, in seconds
);
CREATE INDEX sender_of_campaign ON isms_campaign.sender (campaign);
-- The rate that all senders of an account share.
CREATE TABLE isms_campaign.rate (
    account       text PRIMARY KEY,       -- a hash of the gateway's host and the user name
    due           timestamptz NOT NULL    -- when all that was reserved is sent, by the clock of the database
);
-- The number sets the locks of senders apart from those of other programs.
CREATE VIEW isms_campaign.live_sender AS
    SELECT objid::bigint AS id FROM pg_locks
    WHERE locktype = 'advisory' AND classid = 1769172307 AND objsubid = 2 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
CREATE TABLE isms_campaign.decision (
    campaign      bigint NOT NULL,
    id            bigint GENERATED ALWAYS AS IDENTITY,
    decided_at    text NOT NULL,
    rows          text,                   -- 3,17-20; none where it is about the whole campaign
    resolution    text NOT NULL CHECK (resolution IN ('accepted', 'not-sent', 'cancelled', 'expires')),
    trx_id        text,
    expires_at    text,                   -- until when the campaign may be sent from now on
    note          text,
    PRIMARY KEY (campaign, id),
    CHECK ((resolution = 'expires') = (expires_at IS NOT NULL) AND (resolution = 'expires') = (rows IS NULL))
);
CREATE TABLE isms_campaign.batch (
    campaign      bigint NOT NULL,
    id            bigint NOT NULL,
    parent        bigint,
    state         text NOT NULL CHECK (state IN ('planned', 'claimed', 'accepted', 'refused', 'unknown', 'cancelled',
                                                 'suppressed', 'split')),
    attempts      integer NOT NULL,       -- its own and those of the batches it was split from
    claimed_at    text,                   -- the last claim
    code          integer,                -- as answered
    trx_id        text,
    why           text,                   -- why it is unknown, planned again, suppressed, or refused for itself alone
    decision      bigint,
    sender        bigint,                 -- to whom it was handed out last; none for one that is planned again
    attempt       bigint,                 -- its last attempt, also of the batch it was split from
    accepted_before boolean NOT NULL DEFAULT false, -- by an earlier request, as was learned after it was sent again
    PRIMARY KEY (campaign, id)
);
-- Added to the number of planned batches, it gives the numbers of those that are split off.
CREATE SEQUENCE isms_campaign.split_number;
CREATE INDEX batch_planned ON isms_campaign.batch (campaign, id) WHERE state = 'planned';
CREATE INDEX batch_planned_split ON isms_campaign.batch (campaign, id) WHERE state = 'planned' AND parent IS NOT NULL;
CREATE INDEX batch_accepted_before ON isms_campaign.batch (campaign, id) WHERE accepted_before;
CREATE INDEX batch_open ON isms_campaign.batch (campaign, state, id) WHERE state IN ('claimed', 'unknown');
CREATE TABLE isms_campaign.recipient (
    campaign      bigint NOT NULL,
    row           bigint NOT NULL,
    cells         text NOT NULL,          -- the spreadsheet's row as a CSV record
    msisdn        bigint,
    batch_id      bigint,
    disposition   text NOT NULL CHECK (disposition IN ('send', 'invalid', 'duplicate', 'suppressed')),
    type          integer CHECK (type IN (1, 2)),
    credits       integer,
    text          text,                   -- its text, or
    text_row      bigint CHECK (text_row < row), -- the first row that has the same text
    reason        text,                   -- why it is not sent
    trx_id        text,                   -- where the gateway answered each number
    PRIMARY KEY (campaign, row),
    CHECK (CASE WHEN disposition = 'send' THEN batch_id IS NOT NULL AND msisdn IS NOT NULL AND type IS NOT NULL
           ELSE batch_id IS NULL END),
    CHECK (CASE WHEN type IS NULL THEN credits IS NULL AND text IS NULL AND text_row IS NULL
           ELSE credits IS NOT NULL AND (text IS NULL) <> (text_row IS NULL) END)
);
-- Finds the recipients of a batch, and ensures that no batch has a number twice.
CREATE UNIQUE INDEX recipient_of_batch ON isms_campaign.recipient (campaign, batch_id, msisdn) WHERE batch_id IS NOT NULL;
CREATE TABLE isms_campaign.attempt (
    campaign      bigint NOT NULL,
    id            bigint NOT NULL,
    batch_id      bigint NOT NULL,
    sender        bigint NOT NULL,
    claimed_at    text NOT NULL,          -- by the sender's clock
    claimed       timestamptz NOT NULL DEFAULT clock_timestamp(), -- by the database's
    ended_at      text,
    outcome       text,
    http_status   integer,
    answer        text,
    ended         timestamptz,            -- by the database's clock
    sent_again    boolean NOT NULL DEFAULT false, -- before its answer came
    PRIMARY KEY (campaign, id)
);
CREATE SEQUENCE isms_campaign.attempt_id;
";

/// Whether the store has its tables, of this program's version.
pub(super) fn exists(connection: &Connection) -> Result<bool> {
    // Not to_regclass, which in a transaction does not see what others have made since it began.
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = 'isms_campaign' AND tablename = 'version')";
    if !get::<bool>(&connection.one(sql, &[])?, 0)? {
        return Ok(false);
    }
    let row = connection.one("SELECT version FROM isms_campaign.version", &[])?;
    match get::<i32>(&row, 0)? {
        VERSION => Ok(true),
        version if version > VERSION => Err(Error::new(
            Kind::Ledger,
            format!("is a store of version {version}, and this program reads version {VERSION}"),
        )
        .hint("use the newer isms-campaign that made it")
        .at(&*connection.store)),
        _ => Err(
            Error::new(Kind::Ledger, "was made by an older isms-campaign")
                .hint("use that version to finish its campaigns")
                .at(&*connection.store),
        ),
    }
}

/// Creates the tables if they are missing. Of several programs that do this at once, one creates them and the others wait.
pub(super) fn create(connection: &Connection) -> Result<()> {
    if exists(connection)? {
        return Ok(());
    }
    connection.run("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('isms_campaign', 0))")?;
    if !exists(connection)? {
        let sql = "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = 'isms_campaign')";
        // A user who may not create schemas can be given one that is empty.
        if !get::<bool>(&connection.one(sql, &[])?, 0)? {
            connection.run("CREATE SCHEMA isms_campaign")?;
        }
        connection.run(TABLES)?;
        connection.run(&format!(
            "INSERT INTO isms_campaign.version VALUES (1, {VERSION}, NULL)"
        ))?;
    }
    connection.commit()?;
    // Before a backup of it is made. It fails where the server tells nothing of itself, and must not undo what was made.
    refuse_copy(connection)
}

/// The server's cluster, how often it was promoted or brought back to an earlier time, the database, and when these tables were made.
const IDENTITY: &str = "
    SELECT concat_ws(' ', system_identifier, left(pg_walfile_name(pg_current_wal_lsn()), 8),
                     (SELECT oid FROM pg_database WHERE datname = current_database()), 'isms_campaign.version'::regclass::oid)
    FROM pg_control_system()";

/// What stands for an identity that no database has.
const OLDER: &str = "an older copy was noticed";

/// Refuses a database that is a copy of the one that was sent from: what happened there since the copy was made is missing here.
pub(super) fn refuse_copy(connection: &Connection) -> Result<()> {
    let row = match connection.one(IDENTITY, &[]) {
        Err(error) if error.kind == Kind::Unreachable => return Err(error),
        // There are servers that tell nothing of this.
        Err(_) => return Ok(()),
        Ok(row) => row,
    };
    let identity: &str = get(&row, 0)?;
    let sql = "UPDATE version SET identity = $1 WHERE identity IS NULL";
    connection.execute(sql, &[&identity])?;
    let stored = connection.one("SELECT identity FROM version", &[])?;
    if get::<&str>(&stored, 0)? == identity {
        return Ok(());
    }
    Err(copy(
        connection,
        "this database was brought back from a copy, or another server took over: what was sent since then may be missing in it",
    ))
}

/// Keeps everybody from sending from a database that holds less than was committed to it, and returns the error. Not in a transaction.
pub(super) fn mark_older_copy(connection: &Connection) -> Error {
    // Where this fails, others may have to notice it too.
    let _ = connection.execute("UPDATE version SET identity = $1", &[&OLDER]);
    copy(
        connection,
        "holds less than this run has committed: an older copy of the database took its place",
    )
}

fn copy(connection: &Connection, problem: &str) -> Error {
    Error::new(Kind::Ledger, problem)
        .hint("nothing is sent from it until that is settled, as the guide says")
        .remedy(Remedy::StoreGuide)
        .at(&connection.store)
}
