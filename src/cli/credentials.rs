//! The account's name and password, from the environment and the files that it names. They never come from an option.

use std::env;
use std::fs;
use std::path::Path;

use crate::gateway::{Credentials, Password};
use crate::{Error, Kind, Result};

/// The file with the password in a credentials folder, such as systemd makes for a service.
const CREDENTIAL: &str = "isms-password";

/// The variables that hold an account, or say where it is.
pub(super) const VARIABLES: [&str; 3] = ["ISMS_USERNAME", "ISMS_PASSWORD", "ISMS_PASSWORD_FILE"];

/// The account that the environment names.
pub(super) fn from_environment() -> Result<Credentials> {
    let username = secret("ISMS_USERNAME")?.ok_or_else(|| {
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
    if let Some(password) = secret("ISMS_PASSWORD")? {
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

/// A variable with a part of the account.
fn secret(name: &str) -> Result<Option<String>> {
    let value = variable(name)?.unwrap_or_default();
    let value = cleaned(&value).map_err(|error| error.at(name))?;
    Ok(Some(value).filter(|value| !value.is_empty()))
}

/// The password in a file.
fn read(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).map_err(|error| {
        account_error("the password cannot be read")
            .caused_by(error)
            .hint("it must be a file of UTF-8 text that this user may read")
            .at(path.display())
    })?;
    let password = cleaned(&text).map_err(|error| error.at(path.display()))?;
    if password.is_empty() {
        return Err(account_error("the password file is empty").at(path.display()));
    }
    Ok(password)
}

/// A part of the account without the byte order mark and the line ends that editors and `echo` put around it. No gateway
/// would accept these, nor any other control character. Such a character is refused here, because a gateway that answers
/// a wrong password may suspend the account. The error shows nothing of the text.
fn cleaned(text: &str) -> Result<String> {
    let text = text.trim_matches(['\u{feff}', '\r', '\n']);
    let control = text.chars().enumerate().find(|(_, c)| c.is_control());
    let Some((index, character)) = control else {
        return Ok(text.to_owned());
    };
    let (place, code) = (index + 1, u32::from(character));
    let problem = format!("character {place} is a control character (U+{code:04X})");
    Err(account_error(problem).hint("write it again without that character, on one line"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_put_around_a_password_goes() {
        let table = [
            ("hunter2", "hunter2"),
            ("hunter2\n", "hunter2"),
            ("hunter2\r\n\r\n", "hunter2"),
            ("\u{feff}hunter2", "hunter2"),
            ("\u{feff}\r\nhunter2\r", "hunter2"),
            ("\n\u{feff}hunter2\u{feff}\n", "hunter2"),
            // What may belong to it stays.
            (" hunter 2 \n", " hunter 2 "),
            ("\u{a0}h\u{200b}\u{f6}", "\u{a0}h\u{200b}\u{f6}"),
            ("\u{feff}\n", ""),
            ("", ""),
        ];
        for (text, password) in table {
            assert_eq!(cleaned(text).as_deref(), Ok(password), "{text:?}");
        }
    }

    #[test]
    fn other_control_characters_are_refused_without_showing_the_text() {
        let table = [
            ("hunter\t2", "character 7 is a control character (U+0009)"),
            ("\thunter2", "character 1 is a control character (U+0009)"),
            ("hunter2\t\n", "character 8 is a control character (U+0009)"),
            ("two\nlines", "character 4 is a control character (U+000A)"),
            (
                "two\r\nlines",
                "character 4 is a control character (U+000D)",
            ),
            (
                "\u{feff}a\0b",
                "character 2 is a control character (U+0000)",
            ),
            (
                "h\0u\0n\0t\0",
                "character 2 is a control character (U+0000)",
            ),
            (
                "hunter2\u{1a}",
                "character 8 is a control character (U+001A)",
            ),
            (
                "\u{1b}[31mred",
                "character 1 is a control character (U+001B)",
            ),
            (
                "hunter\u{7f}2",
                "character 7 is a control character (U+007F)",
            ),
            (
                "\u{f6}\u{85}x",
                "character 2 is a control character (U+0085)",
            ),
            (
                "hunter2\u{9f}",
                "character 8 is a control character (U+009F)",
            ),
        ];
        for (text, refusal) in table {
            let error = cleaned(text).map_err(|error| error.to_string());
            let expected = format!("{refusal}; write it again without that character, on one line");
            assert_eq!(error, Err(expected), "{text:?}");
        }
    }
}
