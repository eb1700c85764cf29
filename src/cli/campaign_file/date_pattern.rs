//! A path in a campaign file, with or without a date in it.

use std::path::PathBuf;

use jiff::civil::Date;

use super::entries::Entry;
use crate::Result;

/// What stands for the parts of a date. There is nothing smaller than a day: a run has one date.
const PARTS: [&str; 3] = ["%Y", "%m", "%d"];

/// A path in which `%Y`, `%m` and `%d` stand for a date.
#[derive(Clone, Debug)]
pub(super) struct DatePattern {
    folder: PathBuf,
    text: String,
}

impl DatePattern {
    /// The path that is the value of this key.
    pub(super) fn of(entry: &Entry) -> Result<Self> {
        let text = entry.text().unwrap_or_default();
        let rest = PARTS
            .iter()
            .fold(text.to_owned(), |rest, part| rest.replace(part, ""));
        if rest.contains('%') {
            let problem = "has a % that does not begin %Y, %m or %d";
            let hint = "no other part of a date can be in it, and no % of another meaning";
            return Err(entry.error(problem).hint(hint));
        }
        Ok(Self {
            folder: entry.folder.clone(),
            text: text.to_owned(),
        })
    }

    pub(super) fn is_dated(&self) -> bool {
        PARTS.iter().any(|part| self.text.contains(part))
    }

    /// Whether it can be different on two dates on which the other one is the same.
    pub(super) fn changes_without(&self, other: &Self) -> bool {
        let is_alone = |part: &&str| self.text.contains(*part) && !other.text.contains(*part);
        PARTS.iter().any(is_alone)
    }

    /// The path on this date.
    pub(super) fn at(&self, date: Option<Date>) -> PathBuf {
        let text = match date {
            Some(date) => date.strftime(&self.text).to_string(),
            None => self.text.clone(),
        };
        super::entries::in_folder(&self.folder, &text)
    }
}
