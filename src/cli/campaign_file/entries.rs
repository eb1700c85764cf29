//! The keys and values of a campaign file, each with its line.

use std::io;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::source;
use crate::{Error, Kind, Result};

/// A campaign file as it is written.
#[derive(Debug)]
pub(super) struct Entries {
    pub(super) path: PathBuf,
    /// In the order of the file.
    pub(super) all: Vec<Entry>,
}

/// A key and its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Value,
    /// The folder of the file, to which paths are relative.
    pub(super) folder: PathBuf,
    /// `may.toml, line 3`
    pub(super) place: String,
}

/// A value, as far as an option can take it.
#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    Number(String),
    Flag(bool),
    Several(Vec<Value>),
    /// Something else, and what that is.
    Other(&'static str),
}

impl Entries {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = source::read_text(path).map_err(|error| match path.metadata() {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                Error::new(Kind::NoInput, "there is no such campaign file")
                    .hint("check the name")
                    .at(path.display())
            }
            _ => error,
        })?;
        let place =
            |at: usize| format!("{}, line {}", path.display(), line_and_column(&text, at).0);
        let table = DeTable::parse(&text).map_err(|error| {
            // Its own words show the line, which may hold a password.
            let (line, column) = line_and_column(&text, error.span().map_or(0, |span| span.start));
            Error::usage(format!("is not TOML: {}", error.message()))
                .hint("a text is in quotes, as in sender-id = \"KedaiKu\"")
                .at(format!("{}, line {line}, column {column}", path.display()))
        })?;
        let mut found: Vec<_> = table.into_inner().into_iter().collect();
        found.sort_by_key(|(key, _)| key.span().start);
        let folder = path.parent().unwrap_or(Path::new(""));
        let all = found.into_iter().map(|(key, value)| Entry {
            place: place(key.span().start),
            key: key.into_inner().into_owned(),
            value: Value::of(value.get_ref()),
            folder: folder.to_owned(),
        });
        Ok(Self {
            path: path.to_owned(),
            all: all.collect(),
        })
    }

    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.all.iter().find(|entry| entry.key == key)
    }
}

impl Entry {
    /// Its value, if that is a text.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        matches!(self.value, Value::Flag(true))
    }

    /// `may.toml, line 3: KEY problem`
    pub(super) fn error(&self, problem: &str) -> Error {
        Error::usage(format!("{} {problem}", self.key)).at(&self.place)
    }
}

impl Value {
    fn of(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.clone().into_owned()),
            DeValue::Integer(number) if number.radix() == 10 => {
                Self::Number(number.as_str().to_owned())
            }
            DeValue::Integer(_) => Self::Other("a number that is not decimal"),
            DeValue::Float(number) => Self::Number(number.as_str().to_owned()),
            DeValue::Boolean(flag) => Self::Flag(*flag),
            DeValue::Array(values) => Self::Several(
                values
                    .iter()
                    .map(|value| Self::of(value.get_ref()))
                    .collect(),
            ),
            DeValue::Datetime(_) => Self::Other("a date without quotes"),
            DeValue::Table(_) => Self::Other("a table"),
        }
    }

    /// What it is, for people.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::Several(_) => "an array",
            Self::Other(name) => name,
        }
    }
}

/// A path that is relative to the folder of the file. Standard input and output are in no folder.
pub(super) fn in_folder(folder: &Path, path: &str) -> PathBuf {
    match path {
        "" | "-" => PathBuf::from(path),
        path => folder.join(path),
    }
}

/// The line and the column of a byte, from 1.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or(before);
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}
