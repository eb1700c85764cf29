//! The options of a plan: as they were typed, as planning understands them, and as a ledger keeps them. It plans
//! nothing.

use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::args::{DuplicatesArg, LintArg, PlanOptions, PunctuationArg, TypeArg};
use super::paths::canonical;
use super::tell;
use super::values::MaxInvalid;
use crate::domain::duplicates::Rule;
use crate::domain::msisdn::{self, Region};
use crate::domain::suppression::Suppression;
use crate::domain::text::{Punctuation, TypeChoice};
use crate::ledger::{Campaign, Snapshot};
use crate::planning::{Message, Plan, Spec};
use crate::source::{self, Input, ReadOptions};
use crate::{Error, Kind, Result};

/// Numbers in one request: the gateway's own suggestion ("maximum 30 numbers per push").
const BATCH_SIZE: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);

pub(super) const MAX_INVALID: &str = "max_invalid";
pub(super) const SPREADSHEET: &str = "spreadsheet";
pub(super) const REGION: &str = "region";
pub(super) const SENDER_ID: &str = "sender_id";
pub(super) const LINT: &str = "lint";
const BATCH: &str = "batch_size";
const DUPLICATES: &str = "duplicates";

/// The options that a plan hangs on, as the ledger keeps them.
pub(super) fn recorded(spec: &Spec<'_>, plan: &Plan, options: &PlanOptions) -> Value {
    let message = match (&spec.message, &plan.message_column) {
        (Message::Common { template, .. }, _) => json!({ "template": template }),
        (Message::Column(_), column) => json!({ "column": column }),
    };
    json!({
        "message": message,
        "phone_column": plan.phone_column,
        REGION: spec.region.to_string(),
        SENDER_ID: options.sender_id.as_ref().map(ToString::to_string),
        "type": kind_word(spec.kind),
        "punctuation": punctuation_word(spec.punctuation),
        DUPLICATES: spec.duplicates.as_str(),
        BATCH: spec.batch_size,
        // As usual: not there, as in ledgers that are older than the option.
        LINT: options.lint.filter(|lint| *lint != LintArg::Warn).map(lint_word),
        SPREADSHEET: place_of(spec.input),
        MAX_INVALID: options.max_invalid.unwrap_or(DEFAULT_MAX_INVALID).to_string(),
    })
}

pub(super) const DEFAULT_MAX_INVALID: MaxInvalid = MaxInvalid::Percent(20.0);

/// The most recipients that a batch of this plan can have.
pub(super) fn largest_batch(campaign: &Campaign) -> Result<NonZeroU32> {
    Ok(read(campaign, BATCH)?.unwrap_or(BATCH_SIZE))
}

/// Whether this plan sends duplicates.
pub(super) fn keeps_duplicates(campaign: &Campaign) -> Result<bool> {
    let rule: Option<String> = read(campaign, DUPLICATES)?;
    Ok(rule.as_deref() == Some(Rule::Keep.as_str()))
}

/// The files that planning reads besides the spreadsheet, each with what it is.
pub(super) fn files_read(options: &PlanOptions) -> Vec<(&'static str, &Path)> {
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

/// The options that a ledger keeps.
pub(super) fn kept(campaign: &Campaign) -> Result<Map<String, Value>> {
    serde_json::from_str(&campaign.options).map_err(|fault| damaged("options", &fault))
}

/// One of them. What is not there has its default: an older plan knew fewer options.
pub(super) fn read<T: DeserializeOwned>(campaign: &Campaign, key: &str) -> Result<Option<T>> {
    match kept(campaign)?.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value)
            .map(Some)
            .map_err(|fault| damaged(key, &fault)),
    }
}

/// A ledger's option that says nothing: sending as if it were not there might send something else than was planned.
pub(super) fn damaged(key: &str, fault: &dyn Display) -> Error {
    Error::new(
        Kind::Other,
        format!("the ledger's {key} cannot be read: {fault}"),
    )
    .hint("it was changed by hand or by another program; bring back a copy")
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
    let place: Option<String> = read(&campaign, SPREADSHEET).ok()?;
    Some(PathBuf::from(place.unwrap_or(campaign.input)))
}

/// What is asked for, in full.
pub(super) fn of<'a>(input: &'a Input, options: &'a PlanOptions) -> Result<Spec<'a>> {
    Ok(Spec {
        input,
        format: ReadOptions {
            delimiter: options.delimiter,
            encoding: options.encoding,
            sheet: options.sheet.clone(),
        },
        message: message(options)?,
        phone_column: options.phone_column.as_deref(),
        region: region(options)?,
        kind: kind(options),
        punctuation: punctuation(options),
        duplicates: duplicates(options),
        batch_size: options.batch_size.unwrap_or(BATCH_SIZE),
        lint: options.lint != Some(LintArg::Off),
        sender_id: options.sender_id.is_some(),
    })
}

fn region(options: &PlanOptions) -> Result<Region> {
    match &options.region {
        None => Ok(Region::MY),
        Some(letters) => {
            Region::parse(letters).map_err(|fault| Error::usage(fault.to_string()).at("--region"))
        }
    }
}

fn message(options: &PlanOptions) -> Result<Message> {
    if let Some(template) = &options.message {
        return Ok(Message::Common {
            template: template.clone(),
            place: "--message".to_owned(),
        });
    }
    let Some(path) = &options.message_file else {
        return Ok(Message::Column(options.message_column.clone()));
    };
    let template = fs::read_to_string(path).map_err(|fault| {
        let error = match fault.kind() {
            ErrorKind::InvalidData => Error::new(Kind::Other, "the message is not UTF-8 text")
                .hint("save it as UTF-8 in the editor"),
            _ => Error::new(Kind::Other, format!("the message cannot be read: {fault}"))
                .hint("check its name and its rights"),
        };
        error.at(path.display())
    })?;
    Ok(Message::Common {
        template: template.trim_start_matches('\u{feff}').to_owned(),
        place: path.display().to_string(),
    })
}

fn kind(options: &PlanOptions) -> TypeChoice {
    match options.kind {
        None | Some(TypeArg::Auto) => TypeChoice::Auto,
        Some(TypeArg::Ascii) => TypeChoice::Ascii,
        Some(TypeArg::Unicode) => TypeChoice::Unicode,
    }
}

fn kind_word(kind: TypeChoice) -> &'static str {
    match kind {
        TypeChoice::Auto => "auto",
        TypeChoice::Ascii => "ascii",
        TypeChoice::Unicode => "unicode",
    }
}

fn punctuation(options: &PlanOptions) -> Punctuation {
    match options.punctuation {
        None | Some(PunctuationArg::Plain) => Punctuation::Plain,
        Some(PunctuationArg::Keep) => Punctuation::Keep,
    }
}

fn punctuation_word(punctuation: Punctuation) -> &'static str {
    match punctuation {
        Punctuation::Plain => "plain",
        Punctuation::Keep => "keep",
    }
}

fn lint_word(lint: LintArg) -> &'static str {
    match lint {
        LintArg::Warn => "warn",
        LintArg::Deny => DENY,
        LintArg::Off => "off",
    }
}

const DENY: &str = "deny";

/// Whether a kept word of `--lint` is the one under which nothing is sent while there is a remark.
pub(super) fn is_deny(word: &str) -> Result<bool, String> {
    match word {
        DENY => Ok(true),
        "warn" | "off" => Ok(false),
        _ => Err(format!("{word} is no word for it")),
    }
}

fn duplicates(options: &PlanOptions) -> Rule {
    match options.duplicates {
        Some(DuplicatesArg::Number) => Rule::Number,
        None | Some(DuplicatesArg::Message) => Rule::Message,
        Some(DuplicatesArg::Keep) => Rule::Keep,
    }
}

/// How many wrong entries of a suppression list are named.
const NAMED: usize = 5;

/// The numbers of all suppression lists. An entry that is no number might be someone who has opted out, so it stops the
/// run unless `--lenient-suppress` allows it.
pub(super) fn suppression(options: &PlanOptions, region: Region) -> Result<Suppression> {
    let mut suppression = Suppression::default();
    for path in &options.suppress {
        suppression.begin(path.display().to_string());
        if source::is_ledger(path)? {
            Snapshot::open(path)?.sent_numbers(|number| suppression.add(number))?;
            continue;
        }
        let mut wrong = Vec::new();
        for entry in source::read_list(path)? {
            let entry = entry?;
            match msisdn::read(&entry.cell, region) {
                Ok(number) => suppression.add(number),
                Err(fault) => wrong.push(format!("line {}: {fault}", entry.line)),
            }
        }
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
        tell(&format!("Warning, they are left out: {fault}"));
    }
    Ok(suppression)
}
