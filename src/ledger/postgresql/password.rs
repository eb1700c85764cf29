//! The password of the database: from PGPASSWORD, or from a password file as every PostgreSQL program reads it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{env, io};

use super::address::{Store, host_name};
use crate::{Error, Kind, Result};

/// The password for this store, if there is one.
pub(super) fn find(store: &Store) -> Result<Option<String>> {
    if let Some(password) = env::var_os("PGPASSWORD") {
        return match password.into_string() {
            Ok(password) => Ok(Some(password)),
            Err(_) => Err(Error::new(Kind::Account, "PGPASSWORD is not UTF-8 text")),
        };
    }
    let path = match env::var_os("PGPASSFILE") {
        Some(path) => PathBuf::from(path),
        None => match env::home_dir() {
            Some(home) => home.join(".pgpass"),
            None => return Ok(None),
        },
    };
    let text = match read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|error| {
            Error::new(Kind::Account, "the password file cannot be used")
                .caused_by(error)
                .hint("let only its owner read it (chmod 600), or set PGPASSWORD")
                .at(path.display())
        })?,
    };
    let config = &store.config;
    let hosts = config.get_hosts().iter().map(host_name);
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let port = port.to_string();
    let mut wanted = hosts.map(|host| {
        [
            host,
            port.clone(),
            config.get_dbname().unwrap_or_default().to_owned(),
            config.get_user().unwrap_or_default().to_owned(),
        ]
    });
    Ok(wanted.find_map(|wanted| text.lines().find_map(|line| password_in(line, &wanted))))
}

fn read(path: &Path) -> io::Result<String> {
    let text = fs::read_to_string(path)?;
    if fs::metadata(path)?.mode() & 0o077 != 0 {
        return Err(io::Error::other("other users may read it"));
    }
    Ok(text)
}

/// The password of a line `host:port:database:user:password`, if the line is about this host, port, database and user. `*` stands
/// for any of them, and a backslash before a colon or a backslash makes it an ordinary character.
fn password_in(line: &str, wanted: &[String; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let escaped = match character {
            ':' if fields.len() <= wanted.len() => {
                fields.push(String::new());
                continue;
            }
            '\\' => characters.next().unwrap_or('\\'),
            other => other,
        };
        fields.last_mut()?.push(escaped);
    }
    let password = (fields.len() == wanted.len() + 1).then(|| fields.pop())??;
    let mut pairs = fields.iter().zip(wanted);
    pairs
        .all(|(field, wanted)| field == "*" || field == wanted)
        .then_some(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_password_file_is_read_as_other_programs_read_it() {
        let wanted = ["db.example", "5432", "sms", "me"].map(str::to_owned);
        for (line, password) in [
            ("db.example:5432:sms:me:s3cret", Some("s3cret")),
            ("*:*:*:me:s3:cret", Some("s3:cret")),
            (r"*:*:*:*:a\:b\\c", Some(r"a:b\c")),
            ("db.example:5433:sms:me:s3cret", None),
            ("db.example:5432:sms:you:s3cret", None),
            ("#db.example:5432:sms:me:s3cret", None),
            ("db.example:5432:sms:me", None),
            ("", None),
        ] {
            assert_eq!(password_in(line, &wanted).as_deref(), password, "{line}");
        }
        let wanted = ["a:b", "5432", "sms", "me"].map(str::to_owned);
        assert_eq!(password_in(r"a\:b:*:*:*:x", &wanted).as_deref(), Some("x"));
    }
}
