//! The options of a plan: as they were typed, as planning understands them, and as a ledger keeps them. It plans
//! nothing.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::args::PlanOptionArgs;
use super::paths::canonical;
use super::{remedy, tell};
use crate::domain::msisdn::{self, Region};
use crate::domain::options::{MessageSource, PlanOptions};
use crate::domain::suppression::Suppression;
use crate::ledger::Snapshot;
use crate::source::{self, Input, ReadOptions};
use crate::{Error, Kind, Result};

/// The files that planning reads besides the spreadsheet, each with what it is.
pub(super) fn files_read(options: &PlanOptionArgs) -> Vec<(&'static str, &Path)> {
    let lists = options
        .suppress
        .iter()
        .map(|path| ("a suppression list", path.as_path()));
    let message = options
        .message_file
        .iter()
        .map(|path| ("the message file", path.as_path()));
    message.chain(lists).collect()
}

/// Where a spreadsheet is, whatever folder one looks from.
fn place_of(input: &Input) -> Option<String> {
    match input {
        Input::Stdin => None,
        Input::File(path) => Some(canonical(path).to_string_lossy().into_owned()),
    }
}

/// The spreadsheet that a ledger was planned from, if it says so.
pub(super) fn spreadsheet_of(ledger: &Path) -> Option<PathBuf> {
    let campaign = Snapshot::open(ledger)
        .and_then(|reader| reader.campaign())
        .ok()?;
    let place = campaign.options.spreadsheet;
    Some(PathBuf::from(place.unwrap_or(campaign.input)))
}

/// What is asked for, in full.
pub(super) fn of(input: &Input, args: &PlanOptionArgs) -> Result<PlanOptions> {
    let usual = PlanOptions::default();
    Ok(PlanOptions {
        message: message(args)?,
        phone_column: args.phone_column.clone(),
        region: args.region.unwrap_or(usual.region),
        sender_id: args.sender_id.clone(),
        text_type: args.text_type.unwrap_or_default(),
        punctuation: args.punctuation.unwrap_or_default(),
        duplicates: args.duplicates.unwrap_or_default(),
        batch_size: args.batch_size.unwrap_or(usual.batch_size),
        lint: args.lint.unwrap_or_default(),
        max_invalid: args.max_invalid.unwrap_or_default(),
        spreadsheet: place_of(input),
    })
}

/// How the spreadsheet is written, as far as the options say.
pub(super) fn format(args: &PlanOptionArgs) -> ReadOptions {
    ReadOptions {
        delimiter: args.delimiter,
        encoding: args.encoding,
        sheet: args.sheet.clone(),
    }
}

/// Where a common template is.
pub(super) fn template_place(args: &PlanOptionArgs) -> String {
    match &args.message_file {
        Some(path) => path.display().to_string(),
        None => "--message".to_owned(),
    }
}

fn message(args: &PlanOptionArgs) -> Result<MessageSource> {
    if let Some(template) = &args.message {
        return Ok(MessageSource::Template(template.clone()));
    }
    let Some(path) = &args.message_file else {
        return Ok(MessageSource::Column(args.message_column.clone()));
    };
    let template = fs::read_to_string(path).map_err(|error| {
        let error = match error.kind() {
            ErrorKind::InvalidData => Error::new(Kind::Input, "the message is not UTF-8 text")
                .hint("save it as UTF-8 in the editor"),
            _ => Error::new(Kind::Input, "the message cannot be read")
                .caused_by(error)
                .hint("check its name and its permissions"),
        };
        error.at(path.display())
    })?;
    Ok(MessageSource::Template(
        template.trim_start_matches('\u{feff}').to_owned(),
    ))
}

/// How many wrong entries of a suppression list are named.
const NAMED: usize = 5;

/// The numbers of all suppression lists. An entry that is no number might be someone who has opted out, so it stops the
/// run unless `--lenient-suppress` allows it.
pub(super) fn suppression(options: &PlanOptionArgs, region: Region) -> Result<Suppression> {
    let mut suppression = Suppression::default();
    for path in &options.suppress {
        suppression.begin(path.display().to_string());
        if source::is_ledger(path)? {
            Snapshot::open(path)?.sent_numbers(|number| suppression.add(number))?;
            continue;
        }
        let mut wrong = Vec::new();
        source::read_list(path, |line, cell| match msisdn::read(cell, region) {
            Ok(number) => suppression.add(number),
            Err(error) => wrong.push(format!("line {line}: {error}")),
        })?;
        if wrong.is_empty() {
            continue;
        }
        let fault = Error::new(
            Kind::Other,
            format!(
                "{} no number ({}{})",
                match wrong.len() {
                    1 => "1 entry is".to_owned(),
                    many => format!("{many} entries are"),
                },
                wrong[..wrong.len().min(NAMED)].join("; "),
                if wrong.len() > NAMED { "; ..." } else { "" }
            ),
        )
        .hint("correct them, or go on without them with --lenient-suppress")
        .at(path.display());
        if !options.lenient_suppress {
            return Err(fault);
        }
        tell(&format!(
            "Warning, they are left out: {}",
            remedy::sentence(&fault)
        ));
    }
    Ok(suppression)
}
