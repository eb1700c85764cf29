//! Reads the suppression lists that were named.

use std::path::Path;

use super::args::CheckArgs;
use super::remedy;
use super::terminal::tell;
use super::view::inflected;
use crate::domain::msisdn::{self, Region};
use crate::domain::suppression::Suppression;
use crate::ledger::Location;
use crate::source;
use crate::{Error, Kind, Result};

/// How many wrong entries of a list an error names.
const MOST_NAMED: usize = 5;

/// The numbers of all suppression lists. An entry that is no number may stand for somebody who has opted out, so it stops the
/// run unless `--lenient-suppress` was typed.
pub(super) fn read(args: &CheckArgs, region: Region) -> Result<Suppression> {
    let mut suppression = Suppression::default();
    for path in &args.suppress {
        suppression.begin(path.display().to_string());
        if source::is_ledger(path)? {
            let ledger = Location::from(path).snapshot()?;
            ledger.sent_numbers(&mut |number| suppression.add(number))?;
            continue;
        }
        let wrong = read_list(path, region, &mut suppression)?;
        if wrong.is_empty() {
            continue;
        }
        let error = not_numbers(&wrong).at(path.display());
        if !args.lenient_suppress {
            return Err(error);
        }
        let problem = remedy::sentence(&error);
        tell(&format!("Warning, they are left out: {problem}"));
    }
    Ok(suppression)
}

/// Adds the numbers of a list, and returns what is wrong with the other entries.
fn read_list(path: &Path, region: Region, suppression: &mut Suppression) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    source::read_list(path, |location, cell| match msisdn::read(cell, region) {
        Ok(number) => suppression.add(number),
        Err(error) => wrong.push(format!("{location}: {error}")),
    })?;
    Ok(wrong)
}

fn not_numbers(wrong: &[String]) -> Error {
    let entries = inflected(wrong.len() as u64, "entry is", "entries are");
    let named = wrong[..wrong.len().min(MOST_NAMED)].join("; ");
    let more = if wrong.len() > MOST_NAMED {
        "; ..."
    } else {
        ""
    };
    Error::new(Kind::Input, format!("{entries} no number ({named}{more})"))
        .hint("correct them, or continue without them with --lenient-suppress")
}
