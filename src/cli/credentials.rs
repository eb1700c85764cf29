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
        account_error("there is no account: ISMS_USERNAME is not set")
            .hint("set ISMS_USERNAME and ISMS_PASSWORD, or try it with --sandbox")
    })?;
    let password = password()?.ok_or_else(|| {
        account_error("there is no password: ISMS_PASSWORD is not set")
            .hint("set ISMS_PASSWORD, or ISMS_PASSWORD_FILE to the path of a file that holds it")
    })?;
    Ok(Credentials {
        username,
        password: Password::new(password),
    })
}

fn account_error(problem: impl Into<String>) -> Error {
    Error::new(Kind::Account, problem)
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
    let folder = variable("CREDENTIALS_DIRECTORY")?;
    let path = folder.map(|folder| Path::new(&folder).join(CREDENTIAL));
    path.filter(|path| path.exists())
        .map(|path| read(&path))
        .transpose()
}

/// A variable that is set and not empty.
pub(super) fn variable(name: &str) -> Result<Option<String>> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(_) => Err(account_error(format!("{name} is not UTF-8 text"))),
    }
}

/// A file without the line end that editors add.
fn read(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).map_err(|error| {
        account_error("the password cannot be read")
            .caused_by(error)
            .at(path.display())
    })?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(account_error("the password file is empty").at(path.display())),
        password => Ok(password.to_owned()),
    }
}
