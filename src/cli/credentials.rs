//! The account's name and password, from the environment and the files that it names. They never come from an option.

use std::env;
use std::fs;
use std::path::Path;

use crate::gateway::{Credentials, Password};
use crate::{Error, Kind, Result};

/// The file with the password in a credentials folder, such as systemd makes for a service.
const CREDENTIAL: &str = "isms-password";

/// The account that the environment names.
pub(super) fn from_environment() -> Result<Credentials> {
    let username = variable("ISMS_USERNAME")?.ok_or_else(|| {
        Error::new(
            Kind::Account,
            "there is no account: ISMS_USERNAME is not set",
        )
        .hint("set ISMS_USERNAME and ISMS_PASSWORD, or try it with --sandbox")
    })?;
    let password = password()?.ok_or_else(|| {
        Error::new(
            Kind::Account,
            "there is no password: ISMS_PASSWORD is not set",
        )
        .hint("set ISMS_PASSWORD, or ISMS_PASSWORD_FILE to the path of a file that holds it")
    })?;
    Ok(Credentials {
        username,
        password: Password::new(password),
    })
}

/// An account for the sandbox, which accepts any.
pub(super) fn for_sandbox() -> Credentials {
    Credentials {
        username: "sandbox".to_owned(),
        password: Password::new("sandbox"),
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

/// A variable that is set and not empty.
fn variable(name: &str) -> Result<Option<String>> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(Error::new(
            Kind::Account,
            format!("{name} is not UTF-8 text"),
        )),
    }
}

/// A file without the line end that editors add.
fn read(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).map_err(|error| {
        Error::new(Kind::Account, "the password cannot be read")
            .caused_by(error)
            .at(path.display())
    })?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Error::new(Kind::Account, "the password file is empty").at(path.display()));
    }
    Ok(password.to_owned())
}
