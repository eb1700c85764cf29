//! What PostgreSQL's errors mean for a ledger.

use std::error::Error as _;

use postgres::error::SqlState;

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

/// An error of the database. It names the store, and never a password.
pub(super) fn database_error(error: postgres::Error, store: &Store) -> Error {
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

fn meaning(error: &postgres::Error) -> (Kind, &'static str, &'static str) {
    let Some(code) = error.code() else {
        // The driver says of these only in words what is wrong.
        let words = Cause::words(error);
        if words.contains("password missing") {
            return (
                Kind::Account,
                "the database asks for a password, and there is none",
                "set PGPASSWORD, or write it into ~/.pgpass or the file that PGPASSFILE names",
            );
        }
        if words.contains("does not support TLS") {
            return (
                Kind::Other,
                "the database offers no TLS",
                "have it turned on at its server, or, where nobody else can read the network, add sslmode=disable to the store's URL",
            );
        }
        return (
            Kind::Unreachable,
            "the database cannot be reached",
            "make sure that its server runs and can be reached from here, and run again",
        );
    };
    match code.code().split_at(2) {
        ("28", _) => (
            Kind::Account,
            "the database refuses this user",
            "check the user of the store's URL, and the password in PGPASSWORD, in ~/.pgpass or in the file that PGPASSFILE names",
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
        ("08" | "57", "P01" | "P02" | "P03" | "000" | "003" | "006" | "001" | "004")
        | ("25" | "55", "P03")
        | ("53", "300") => (
            Kind::Unreachable,
            "the database does not answer now",
            "run again when its server runs and takes connections",
        ),
        // Statements that this session has planned, or not, are those of another one.
        ("26", "000") | ("42", "P05") => (Kind::Ledger, POOLED, NOT_POOLED),
        ("53", _) => (
            Kind::Disk,
            "the database has no room",
            "nothing is sent without it; make room on its server, and run again",
        ),
        ("25", "006") => (
            Kind::Ledger,
            "the database cannot be written",
            "name the primary server in the store's URL, and not a standby",
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

fn refused_certificate(error: &postgres::Error) -> Option<Error> {
    let io = error.source()?.downcast_ref::<std::io::Error>()?;
    match io.get_ref()?.downcast_ref()? {
        rustls::Error::InvalidCertificate(error) => {
            let (problem, hint) = explain(error, ISSUER);
            let message = format!("the server's certificate {problem}");
            Some(Error::new(Kind::Other, message).hint(hint))
        }
        _ => None,
    }
}

/// The words of an error with those of what caused it.
#[derive(Debug)]
struct Cause(postgres::Error);

impl Cause {
    fn words(error: &postgres::Error) -> String {
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
