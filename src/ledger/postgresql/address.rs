//! The URL of a store: what it says, and what it must not say.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::{Error, Kind, Result};

/// A PostgreSQL database that keeps campaigns.
#[derive(Clone, Debug)]
pub struct Store {
    url: String,
    pub(super) config: Config,
    /// The file of the certificates that are trusted, if the URL names one.
    pub(super) root_certificates: Option<PathBuf>,
}

impl Store {
    /// The store with this URL, which holds no password.
    pub fn parse(url: &str) -> Result<Self> {
        let hidden = |problem: &str| {
            Error::usage(problem)
                .hint("write it as postgresql://USER@HOST/DATABASE")
                .at("the store's URL")
        };
        if !["postgresql://", "postgres://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            return Err(hidden("is not one of PostgreSQL"));
        }
        let (place, parameters) = url.split_once('?').unwrap_or((url, ""));
        let (ours, theirs): (Vec<_>, Vec<_>) = parameters
            .split('&')
            .filter(|parameter| !parameter.is_empty())
            .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
            .partition(|(name, _)| ["sslmode", "sslrootcert"].contains(name));
        let theirs: Vec<_> = theirs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        // The error of the parser may hold a part of the URL, and so a password.
        let config = Config::from_str(&format!("{place}?{}", theirs.join("&")))
            .map_err(|_| hidden("cannot be read"))?;
        if config.get_password().is_some() {
            return Err(Error::usage("the store's URL holds a password, which others on this machine can see")
                .hint("take it out, and set PGPASSWORD, or write it into ~/.pgpass or the file that PGPASSFILE names"));
        }
        if config.get_hosts().is_empty() {
            return Err(hidden("names no host"));
        }
        if config.get_user().is_none() || config.get_dbname().is_none() {
            return Err(hidden("does not name both a user and a database"));
        }
        let value = |wanted| {
            let found = ours.iter().rev().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
        };
        let mut config = config;
        let encrypted = match value("sslmode").as_deref() {
            Some("disable") => false,
            Some("verify-full") => true,
            // Who names the certificates to trust wants the server's verified.
            None if value("sslrootcert").is_some() => config
                .get_hosts()
                .iter()
                .any(|host| matches!(host, Host::Tcp(_))),
            None => {
                let addresses = config.get_hostaddrs();
                !(config.get_hosts().iter().all(is_here)
                    && addresses.iter().all(IpAddr::is_loopback))
            }
            Some(_) => {
                return Err(Error::usage("the sslmode of the store's URL is neither verify-full nor disable")
                    .hint("leave it out: then the server's certificate is verified, unless it is on this machine"));
            }
        };
        config.ssl_mode(if encrypted {
            SslMode::Require
        } else {
            SslMode::Disable
        });
        Ok(Self {
            url: url.to_owned(),
            config,
            root_certificates: value("sslrootcert").map(PathBuf::from),
        })
    }
}

/// Whether a host is on this machine, so that no other machine sees what is sent to it.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
    }
}

/// A host as a password file names it.
pub(super) fn host_name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) if folder == Path::new("/var/run/postgresql") => "localhost".to_owned(),
        Host::Unix(folder) => folder.display().to_string(),
    }
}

impl PartialEq for Store {
    fn eq(&self, other: &Self) -> bool {
        self.url == other.url
    }
}

impl Eq for Store {}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

/// The most bytes of a campaign's name when it is planned.
pub const LONGEST_NAME: usize = 180;

/// The most bytes of the times at the end of a name: of a campaign that was set aside, and of its test. With them it is still a name
/// that a file can have.
const LONGEST_TIMES: usize = 60;

/// Refuses a name that no campaign of a store can have.
pub(super) fn check_name(name: &str) -> Result<()> {
    let has_odd = name.contains(|character: char| character.is_control() || character == '/');
    let longest = LONGEST_NAME + LONGEST_TIMES;
    if !name.is_empty() && name.len() <= longest && !has_odd && !name.starts_with('-') {
        return Ok(());
    }
    let rule = format!(
        "a campaign's name has 1 to {LONGEST_NAME} bytes, no slash, no control characters, and no - at its beginning"
    );
    Err(Error::new(Kind::Usage, rule).hint("give it another name"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        Store::parse(url).unwrap().config.get_ssl_mode()
    }

    #[test]
    fn the_certificate_is_verified_unless_the_server_is_on_this_machine() {
        for (host, expected) in [
            ("db.example", SslMode::Require),
            ("10.0.0.7:5433", SslMode::Require),
            ("localhost", SslMode::Disable),
            ("127.0.0.2", SslMode::Disable),
            ("[::1]:5433", SslMode::Disable),
            ("%2Fvar%2Frun%2Fpostgresql", SslMode::Disable),
            ("localhost,db.example", SslMode::Require),
        ] {
            assert_eq!(
                mode(&format!("postgresql://me@{host}/sms")),
                expected,
                "{host}"
            );
        }
        for (host, expected) in [
            ("localhost", SslMode::Require),
            ("127.0.0.2", SslMode::Require),
            ("%2Fvar%2Frun%2Fpostgresql", SslMode::Disable),
        ] {
            let url = format!("postgresql://me@{host}/sms?sslrootcert=ca.pem");
            assert_eq!(mode(&url), expected, "{host}");
            assert_eq!(mode(&(url + "&sslmode=disable")), SslMode::Disable);
        }
        assert_eq!(
            mode("postgres://me@localhost/sms?hostaddr=192.0.2.1"),
            SslMode::Require
        );
        assert_eq!(
            mode("postgres://me@localhost/sms?sslmode=verify-full"),
            SslMode::Require
        );
        assert_eq!(
            mode("postgres://me@db.example/sms?sslmode=disable"),
            SslMode::Disable
        );
    }

    #[test]
    fn what_a_url_must_not_say_is_refused_without_showing_it() {
        for (url, word) in [
            ("mysql://me@db/sms", "not one of PostgreSQL"),
            ("postgresql://me:s3cret@db/sms", "holds a password"),
            ("postgresql://me@db/sms?password=s3cret", "holds a password"),
            ("postgresql://me:s3cret@db:port/sms", "cannot be read"),
            ("postgresql://me@/sms", "names no host"),
            ("postgresql://db/sms", "both a user and a database"),
            ("postgresql://me@db", "both a user and a database"),
            (
                "postgresql://me@db/sms?sslmode=prefer",
                "neither verify-full",
            ),
            ("postgresql://me@db/sms?s3cret=1", "cannot be read"),
        ] {
            let error = Store::parse(url).unwrap_err();
            assert_eq!(error.kind, Kind::Usage);
            let error = error.to_string();
            assert!(error.contains(word) && !error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_parameter_with_a_path_is_decoded() {
        let store = Store::parse(
            "postgresql://me@db/sms?sslrootcert=%2Fetc%2Four%20ca.pem&connect_timeout=3",
        );
        let store = store.unwrap();
        assert_eq!(store.root_certificates, Some("/etc/our ca.pem".into()));
        assert!(store.config.get_connect_timeout().is_some());
    }

    #[test]
    fn names_are_limited() {
        check_name("Kempen Raya 2026 — ahli").unwrap();
        for name in ["", "a\nb", "a/b", "-a", &"a".repeat(300)] {
            check_name(name).unwrap_err();
        }
    }
}
