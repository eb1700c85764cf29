//! Where the account's name and password come from: the environment and the files it names, never an option. It
//! prints neither.

use std::env;
use std::fs;
use std::path::Path;

use crate::gateway::{Credentials, Password};
use crate::{Error, Kind, Result};

/// The file of a credentials folder that holds the password, as systemd hands it to a service.
const CREDENTIAL: &str = "isms-password";

/// The account as the environment names it.
pub(super) fn from_environment() -> Result<Credentials> {
    let username = variable("ISMS_USERNAME")?.ok_or_else(|| {
        Error::new(Kind::Other, "there is no account: ISMS_USERNAME is not set")
            .hint("set ISMS_USERNAME and ISMS_PASSWORD, or practise with --sandbox")
    })?;
    let password = password()?.ok_or_else(|| {
        Error::new(
            Kind::Other,
            "there is no password: ISMS_PASSWORD is not set",
        )
        .hint("set ISMS_PASSWORD, or ISMS_PASSWORD_FILE to the path of a file that holds it")
    })?;
    Ok(Credentials {
        username,
        password: Password::new(password),
    })
}

/// An account that only the practice gateway takes.
pub(super) fn for_practice() -> Credentials {
    Credentials {
        username: "practice".to_owned(),
        password: Password::new("practice"),
    }
}

fn password() -> Result<Option<String>> {
    if let Some(password) = variable("ISMS_PASSWORD")? {
        return Ok(Some(password));
    }
    if let Some(path) = variable("ISMS_PASSWORD_FILE")? {
        return read(Path::new(&path)).map(Some);
    }
    match variable("CREDENTIALS_DIRECTORY")? {
        Some(folder) => {
            let path = Path::new(&folder).join(CREDENTIAL);
            if path.exists() {
                read(&path).map(Some)
            } else {
                Ok(None)
            }
        }
        None => Ok(None),
    }
}

/// A variable that is set to something.
fn variable(name: &str) -> Result<Option<String>> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(Error::new(Kind::Other, format!("{name} is not UTF-8 text")))
        }
    }
}

/// The first line of a file: editors put a line end behind it.
fn read(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).map_err(|fault| {
        Error::new(Kind::Other, format!("the password cannot be read: {fault}")).at(path.display())
    })?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Error::new(Kind::Other, "the password file is empty").at(path.display()));
    }
    Ok(password.to_owned())
}
