//! What PostgreSQL's errors mean for a ledger.

use std::error::Error as _;
use std::io;

use tokio_postgres::error::SqlState;

use super::address::Store;
use crate::certificates::explain;
use crate::{Error, Kind, Remedy};

/// What to do where the issuer of the server's certificate is not known.
const ISSUER: &str = "name the file of its issuer's certificate with sslrootcert in the store's URL, or add it to this machine's certificate store";

/// What is wrong with a pooler, and what to do about it.
pub(super) const POOLED: &str =
    "the database is reached through a pooler that gives each transaction another session";
pub(super) const NOT_POOLED: &str =
    "name the server itself in the store's URL, or a pool whose mode is session";

/// What the system says where a socket may not be used.
const EACCES: i32 = 13;

/// An error of the database. It names the store, and never a password.
pub(super) fn database_error(error: tokio_postgres::Error, store: &Store) -> Error {
    if let Some(refused) = refused_certificate(&error) {
        return refused.at(store);
    }
    let (kind, problem, hint) = meaning(&error);
    let lacks_rights = error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE);
    let error = Error::new(kind, problem)
        .caused_by(Cause(error))
        .hint(hint)
        .at(store);
    if lacks_rights {
        error.remedy(Remedy::StoreGuide)
    } else {
        error
    }
}

/// What kind of error it is, what is wrong, and what to do about it.
type Meaning = (Kind, &'static str, &'static str);

const CANNOT_BE_REACHED: Meaning = (
    Kind::Unreachable,
    "the database cannot be reached",
    "make sure that its server runs and can be reached from here, and run again",
);

/// The server of this store gave no answer.
pub(super) fn unreachable(store: &Store) -> Error {
    let (kind, problem, hint) = CANNOT_BE_REACHED;
    Error::new(kind, problem).hint(hint).at(store)
}

/// What answers at the address of this store is something else.
pub(super) fn not_postgresql(store: &Store) -> Error {
    let (kind, problem, hint) = NOT_POSTGRESQL;
    Error::new(kind, problem).hint(hint).at(store)
}

const NOT_POSTGRESQL: Meaning = (
    Kind::Other,
    "what answers there is not PostgreSQL",
    "check the host and the port of the store's URL",
);

fn meaning(error: &tokio_postgres::Error) -> Meaning {
    match error.code() {
        Some(code) => of_server(code, &Cause::words(error)),
        None => of_driver(error, &Cause::words(error)),
    }
}

/// The driver says only in words what is wrong.
fn of_driver(error: &tokio_postgres::Error, words: &str) -> Meaning {
    let begins = |with: &str| words.starts_with(with);
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    let is_forbidden = |cause: &io::Error| cause.raw_os_error() == Some(EACCES);
    if words.contains("password missing") {
        (
            Kind::Account,
            "the database asks for a password, and there is none",
            "set PGPASSWORD, or write it into ~/.pgpass or the file that PGPASSFILE names",
        )
    } else if begins("authentication error") {
        (
            Kind::Account,
            "the database asks for a proof of who this is that this program cannot give",
            "have its owner let this user in with a password (scram-sha-256 in pg_hba.conf)",
        )
    } else if words.contains("does not support TLS") {
        (
            Kind::Other,
            "the database offers no TLS",
            "have it turned on at its server, or, where nobody else can read the network, set sslmode=disable in the store's URL; if no PostgreSQL server is there, correct the host and the port",
        )
    } else if begins("error performing TLS handshake") {
        match tls_error(error) {
            Some(rustls::Error::InvalidMessage(_)) => NOT_POSTGRESQL,
            Some(_) => (
                Kind::Other,
                "no TLS connection to the database can be made",
                "have its owner look at the server's log and its ssl settings",
            ),
            // The connection was cut.
            None => CANNOT_BE_REACHED,
        }
    } else if begins("unexpected message") || begins("error parsing response") {
        NOT_POSTGRESQL
    } else if begins("invalid configuration") {
        (
            Kind::Usage,
            "the store's URL cannot be used",
            "write it as postgresql://USER@HOST/DATABASE",
        )
    } else if cause.is_some_and(is_forbidden) {
        (
            Kind::Account,
            "the database's socket may not be used by this user of the machine",
            "have its owner allow it, or name another host in the store's URL",
        )
    } else {
        CANNOT_BE_REACHED
    }
}

fn of_server(code: &SqlState, words: &str) -> Meaning {
    let says = |part: &str| words.contains(part);
    match code.code().split_at(2) {
        ("28", "P01") => (
            Kind::Account,
            "the database refuses this user",
            "check the password in PGPASSWORD, in ~/.pgpass or in the file that PGPASSFILE names (it may have expired), and the user of the store's URL",
        ),
        ("28", _) if says("pg_hba.conf") => (
            Kind::Account,
            "the database refuses this user",
            "have the owner of its server let this user in from here (pg_hba.conf); where only encrypted connections are let in, set sslmode=verify-full in the store's URL",
        ),
        ("28", _) => (
            Kind::Account,
            "the database refuses this user",
            "check the user of the store's URL, and the password in PGPASSWORD, in ~/.pgpass or in the file that PGPASSFILE names, or have its owner let this user in with a password",
        ),
        ("3D", _) => (
            Kind::Ledger,
            "there is no such database",
            "check its name in the store's URL, or make it (createdb)",
        ),
        ("40", _) => (
            Kind::InUse,
            "other senders are changing the same rows",
            "run again, or wait until they have ended",
        ),
        // Statements that this session has planned, or not, are those of another one.
        ("26", "000") | ("42", "P05") => (Kind::Ledger, POOLED, NOT_POOLED),
        // A pooler says all that it has to say with one code.
        ("08", "P01") if says("statement pooling") => (Kind::Ledger, POOLED, NOT_POOLED),
        ("08", "P01") if says("no such database") => (
            Kind::Ledger,
            "there is no such database",
            "check its name in the store's URL, or have the pooler's owner add it",
        ),
        ("08", "P01") if says("auth") || says("no such user") => (
            Kind::Account,
            "the pooler of the database refuses this user",
            "check the user of the store's URL and the password (PGPASSWORD, ~/.pgpass), or have the pooler's owner let this user in",
        ),
        _ if says("configuration parameter") || says("startup parameter") => (
            Kind::Ledger,
            "the database refuses a setting",
            "take it out of the store's URL, or have its owner take it from the user or the database",
        ),
        ("08", _)
        | ("57", "P01" | "P02" | "P03" | "P05")
        | ("25", "P03" | "P04")
        | ("55", "P03")
        | ("53", "300") => (
            Kind::Unreachable,
            "the database does not answer now",
            "run again when its server runs and takes connections",
        ),
        ("55", "000") if says("accepting connections") => (
            Kind::Unreachable,
            "the database does not answer now",
            "run again when its owner allows connections to it",
        ),
        ("57", "014") => (
            Kind::Unreachable,
            "the database ended a statement early",
            "run again, or ask its owner who cancels statements",
        ),
        ("53", _) => (
            Kind::Disk,
            "the database has no room",
            "nothing is sent without it; make room on its server, and run again",
        ),
        ("58" | "XX", _) => (
            Kind::Ledger,
            "the database's server failed",
            "nothing is sent without it; have its owner look at its log and its disk, and run again",
        ),
        ("25", "006") => (
            Kind::Ledger,
            "the database cannot be written",
            "name the primary server in the store's URL, and not a standby; if it is one, have its owner set default_transaction_read_only to off for this user and database",
        ),
        _ if *code == SqlState::INSUFFICIENT_PRIVILEGE => (
            Kind::Account,
            "this user of the database may not do that",
            "have its owner grant the rights that it needs, as the guide says",
        ),
        _ => (
            Kind::Ledger,
            "the database refused what was asked",
            "if it was changed by hand or by another program, bring back a copy",
        ),
    }
}

fn refused_certificate(error: &tokio_postgres::Error) -> Option<Error> {
    let rustls::Error::InvalidCertificate(error) = tls_error(error)? else {
        return None;
    };
    let (problem, hint) = explain(error, ISSUER);
    let message = format!("the server's certificate {problem}");
    Some(Error::new(Kind::Other, message).hint(hint))
}

/// What TLS says of a connection.
fn tls_error(error: &tokio_postgres::Error) -> Option<&rustls::Error> {
    let io = error.source()?.downcast_ref::<io::Error>()?;
    io.get_ref()?.downcast_ref()
}

/// The words of an error with those of what caused it.
#[derive(Debug)]
struct Cause(tokio_postgres::Error);

impl Cause {
    fn words(error: &tokio_postgres::Error) -> String {
        match (error.as_db_error(), error.source()) {
            // The rest of it may quote a row.
            (Some(error), _) => format!("{} ({})", error.message(), error.code().code()),
            (None, Some(source)) => format!("{error}: {source}"),
            (None, None) => error.to_string(),
        }
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&Self::words(&self.0))
    }
}

impl std::error::Error for Cause {}
