//! What was typed, understood: which files a command works on, and what is to be planned.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::args::{PlanArgs, PlanOptionArgs, SendArgs};
use super::destination::SANDBOX_HOST;
use super::existing::{self, refuse_test};
use super::files::{
    CampaignFiles, Role, STANDARD_OUTPUT, canonical, is_called_ledger, is_sandbox_ledger,
    refuse_overwriting, role, spreadsheet_of,
};
use super::{files, next, store, store_note};
use crate::domain::options::{MessageSource, PlanOptions};
use crate::domain::{Region, RequestLimits};
use crate::gateway;
use crate::ledger::{Location, SUFFIX, Store};
use crate::source::{self, Input, ReadOptions, read_text};
use crate::{Error, Kind, Result};

/// When a plan is too old to be sent, unless `--expires` was typed.
pub(super) const EXPIRES: Duration = Duration::from_secs(7 * 86_400);

/// What RECIPIENTS names.
#[derive(Debug)]
pub(super) enum Recipients {
    Spreadsheet(Input),
    Ledger(Location),
}

impl Recipients {
    /// Looks at what was named, or what the campaign file names.
    fn of(args: &PlanArgs) -> Result<Self> {
        Self::recognise(args).map_err(|error| {
            if error.kind == Kind::NoInput && args.campaign.dated().is_some() {
                error.instead(
                    "let the export appear under this name, or name another date with --date",
                )
            } else {
                error
            }
        })
    }

    /// Looks at the file, or in the store. What is missing is refused here, before anything is made for it: not even a lock is left.
    fn recognise(args: &PlanArgs) -> Result<Self> {
        let input = Input::parse(&args.recipients);
        let Input::File(path) = &input else {
            return Ok(Self::Spreadsheet(input));
        };
        if let Some(store) = args.store.found.as_ref().filter(|_| !store::is_file(path)) {
            let campaign = store::campaign(store, path)?;
            return if campaign.exists()? {
                Ok(Self::Ledger(campaign))
            } else {
                Err(existing::neither(store, path))
            };
        }
        let unreadable = |error: io::Error| {
            let kind = match error.kind() {
                ErrorKind::NotFound => Kind::NoInput,
                _ => Kind::Input,
            };
            let hint = match path.extension() {
                Some(_) => "check the name",
                None => {
                    "check the name; if it is a campaign in a store, add --store or set ISMS_STORE"
                }
            };
            Error::new(kind, "cannot be read")
                .caused_by(error)
                .hint(hint)
                .at(path.display())
        };
        let is_ledger = match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => source::is_ledger(path),
            Ok(_) => Ok(false),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(unreadable(error)),
            Err(error) => Err(unreadable(error)),
        };
        match is_ledger {
            Ok(false) => Ok(Self::Spreadsheet(input)),
            // Where a ledger cannot be read, it says itself whose it is.
            Err(error) if !is_called_ledger(path) => Err(error),
            _ => Ok(Self::Ledger(path.into())),
        }
    }
}

/// The spreadsheet and the files of `plan`.
pub(super) fn of_plan(args: &PlanArgs) -> Result<(Input, CampaignFiles)> {
    let input = match Recipients::of(args)? {
        Recipients::Spreadsheet(input) => input,
        Recipients::Ledger(place) => {
            let campaign = place.snapshot()?.campaign()?;
            refuse_test(&campaign, &place)?;
            let next = next::how_to_send(&campaign, &place);
            return Err(Error::usage("is a ledger, which is planned already")
                .hint(next)
                .at(place));
        }
    };
    let files = CampaignFiles::new(&args.recipients, ledger(args)?.as_ref(), None, false)?;
    refuse_sent_elsewhere(args, &files)?;
    let mut inputs = files_read(args);
    inputs.push(("the spreadsheet", &args.recipients));
    let summary = args.output.summary_file();
    let written: Vec<_> = summary.into_iter().map(role("the summary")).collect();
    refuse_overwriting(&inputs, &files.ledger, &written)?;
    Ok((input, files))
}

/// The recipients and the files of `send`.
pub(super) fn of_send(args: &SendArgs) -> Result<(Recipients, CampaignFiles)> {
    let recipients = Recipients::of(&args.plan).map_err(|error| match error.kind {
        Kind::NoInput if args.send.sandbox => error
            .or_hint("the sandbox sends spreadsheets and ledgers in files, no campaign of a store"),
        _ => error,
    })?;
    refuse_misplaced_options(args, &recipients)?;
    let results = args.send.results.as_deref();
    let files = match &recipients {
        Recipients::Ledger(place) if place.is_shared() => {
            CampaignFiles::of_ledger(place, None, results)
        }
        _ => {
            // A ledger keeps its name and place, except that the sandbox gets a copy.
            let ledger = match &recipients {
                Recipients::Ledger(place) if !args.send.sandbox => Some(place.clone()),
                _ => ledger(&args.plan)?,
            };
            let ledger = ledger.as_ref();
            CampaignFiles::new(&args.plan.recipients, ledger, results, args.send.sandbox)
        }
    }?;
    if let Recipients::Spreadsheet(_) = &recipients {
        refuse_sent_elsewhere(&args.plan, &files)?;
    }
    refuse_overwritten(args, &recipients, &files)?;
    Ok((recipients, files))
}

/// The recipients and the files of a test. `stamp` tells one test from another.
pub(super) fn of_test(args: &SendArgs, stamp: &str) -> Result<(Recipients, CampaignFiles)> {
    let recipients = Recipients::recognise(&args.plan)?;
    refuse_misplaced_options(args, &recipients)?;
    let ledger = match &recipients {
        Recipients::Ledger(place) if place.is_shared() => Some(place.clone()),
        _ => ledger(&args.plan)?,
    };
    let ledger = ledger.as_ref();
    let files = CampaignFiles::of_test(&args.plan.recipients, ledger, stamp, args.send.sandbox)?;
    refuse_overwritten(args, &recipients, &files)?;
    Ok((recipients, files))
}

/// The store without which a command cannot begin, if there is one: a ledger in a file needs none.
pub(super) fn store_needed(args: &PlanArgs) -> Option<&Arc<Store>> {
    let (store, path) = (args.store.found.as_ref()?, &args.recipients);
    // What is read of a pipe here would be missing later.
    let is_ledger = path.is_file() && source::is_ledger(path).unwrap_or(true);
    (!is_ledger).then_some(store)
}

/// Where the ledger of a spreadsheet is asked to be. `None`: beside it.
fn ledger(args: &PlanArgs) -> Result<Option<Location>> {
    let named = args.options.ledger.as_ref().map(Location::from);
    match (named, &args.store.found, &args.name) {
        (None, Some(store), name) => {
            files::in_store(store, &args.recipients, name.as_deref()).map(Some)
        }
        (None, None, Some(_)) => Err(Error::usage("--name is for a campaign in a store")
            .hint("add --store or set ISMS_STORE, or leave it out")),
        (named, ..) => Ok(named),
    }
}

/// Refuses to plan in a store what has a ledger of its name beside the spreadsheet, from which requests were made: they would be made
/// again. The same the other way round.
fn refuse_sent_elsewhere(args: &PlanArgs, files: &CampaignFiles) -> Result<()> {
    let Location::Stored(place) = &files.ledger else {
        return store_note::refuse_other_ledger(&files.ledger, args.options.on_change);
    };
    let beside = args
        .recipients
        .with_file_name(format!("{}{SUFFIX}", place.name()));
    let beside = Location::from(beside);
    if !beside.exists()? {
        return if beside.was_started()? {
            let problem = "messages were sent from this ledger, and it is gone";
            Err(existing::refused(&beside, problem).hint(
                "bring it back; if this is another campaign, give it another name with --name",
            ))
        } else {
            Ok(())
        };
    }
    let (campaign, attempts) =
        beside.glance(&|ledger| Ok((ledger.campaign()?, ledger.totals()?.attempts)))?;
    let is_rehearsal = campaign.gateway_host.as_deref() == Some(SANDBOX_HOST);
    if attempts == 0 || campaign.is_test || is_rehearsal {
        return Ok(());
    }
    let problem = format!(
        "messages were sent from this ledger, and the campaign would start anew in the store {}",
        place.store()
    );
    let send = next::settle_first(&campaign, &beside.snapshot()?.totals()?, &beside);
    let first = if send.is_empty() {
        send
    } else {
        format!("{send}; ")
    };
    Err(Error::new(Kind::Ledger, problem)
        .hint(format!(
            "{first}if it is another campaign, give it another name with --name"
        ))
        .at(beside))
}

/// Refuses to write over what is read.
fn refuse_overwritten(
    args: &SendArgs,
    recipients: &Recipients,
    files: &CampaignFiles,
) -> Result<()> {
    let spreadsheet = match recipients {
        Recipients::Spreadsheet(_) => Some(args.plan.recipients.clone()),
        Recipients::Ledger(place) => spreadsheet_of(place),
    };
    if let (Recipients::Spreadsheet(_), Some(id)) = (&recipients, args.send.plan_id) {
        let problem =
            "--plan-id is for a ledger: a spreadsheet that has changed would be planned again";
        let ledger = &files.ledger;
        let hint = format!("plan it, then name its ledger: {ledger} --plan-id {id}");
        return Err(Error::usage(problem).hint(hint));
    }
    let mut inputs = files_read(&args.plan);
    inputs.extend(spreadsheet.as_ref().map(role("the spreadsheet")));
    let mut written = vec![("the results file", files.results.as_path())];
    let output = &args.plan.output;
    written.extend(output.summary_file().map(role("the summary")));
    if output.json_on_standard_output() {
        written.push(("the summary", Path::new(STANDARD_OUTPUT)));
    }
    written.extend(args.sandbox.outbox.as_ref().map(role("the outbox")));
    refuse_overwriting(&inputs, &files.ledger, &written)
}

/// Refuses options that would have no effect, a ledger of a test, and one of the sandbox for the real gateway.
fn refuse_misplaced_options(args: &SendArgs, recipients: &Recipients) -> Result<()> {
    if let Recipients::Ledger(ledger) = recipients {
        let name = args.plan.name.as_ref().map(|_| "--name".to_owned());
        if let Some(option) = args.typed_plan_option.as_ref().or(name.as_ref()) {
            let problem = format!("{option} belongs to a plan, and {ledger} is planned already");
            return Err(Error::usage(problem).hint("leave it out, or send the spreadsheet"));
        }
        // One that cannot be read is refused later.
        if let Ok(campaign) = ledger.snapshot().and_then(|ledger| ledger.campaign()) {
            refuse_test(&campaign, ledger)?;
        }
        if !args.send.sandbox && is_sandbox_ledger(ledger) {
            return Err(Error::usage(
                "belongs to the sandbox, and its messages were not meant to be sent",
            )
            .hint("add --sandbox, or send the spreadsheet")
            .at(ledger));
        }
    }
    if !args.send.sandbox && args.sandbox.typed() {
        return Err(Error::usage(
            "--outbox, --latency, --per-number and --credits are for the sandbox",
        )
        .hint("add --sandbox, or leave them out"));
    }
    Ok(())
}

/// The files that are read besides the recipients.
fn files_read(args: &PlanArgs) -> Vec<Role<'_>> {
    let file = args.campaign.file.iter();
    let file = file.map(|file| ("the campaign file", file.path.as_path()));
    let message = args.options.message_file.iter();
    let message = message.map(role("the message file"));
    let lists = args.check.suppress.iter().map(role("a suppression list"));
    file.chain(message).chain(lists).collect()
}

/// What is to be planned.
#[derive(Debug)]
pub(super) struct PlanSettings<'a> {
    pub(super) input: &'a Input,
    pub(super) files: &'a CampaignFiles,
    pub(super) typed: &'a PlanArgs,
    /// The options that the plan depends on: as typed, else their defaults.
    pub(super) options: PlanOptions,
}

impl<'a> PlanSettings<'a> {
    /// Reads the message file, if there is one.
    pub(super) fn new(
        input: &'a Input,
        files: &'a CampaignFiles,
        args: &'a PlanArgs,
    ) -> Result<Self> {
        let typed = &args.options;
        let options = PlanOptions {
            message: message(typed)?,
            phone_column: typed.phone_column.clone(),
            region: typed.region.unwrap_or(Region::MY),
            sender_id: typed.sender_id.clone(),
            text_type: typed.text_type.unwrap_or_default(),
            punctuation: typed.punctuation.unwrap_or_default(),
            duplicates: typed.duplicates.unwrap_or_default(),
            limits: RequestLimits {
                messages: typed.batch_size.unwrap_or(gateway::LIMITS.messages),
                ..gateway::LIMITS
            },
            lint: typed.lint.unwrap_or_default(),
            hidden: typed.hidden,
            date_order: typed.date_order,
            max_invalid: args.check.max_invalid.unwrap_or_default(),
            spreadsheet: match input {
                Input::Stdin => None,
                Input::File(path) => Some(canonical(path).to_string_lossy().into_owned()),
            },
        };
        Ok(Self {
            input,
            files,
            typed: args,
            options,
        })
    }

    /// How the spreadsheet is to be read.
    pub(super) fn read_options(&self) -> ReadOptions {
        ReadOptions {
            delimiter: self.typed.options.delimiter,
            encoding: self.typed.options.encoding,
            sheet: self.typed.options.sheet.clone(),
        }
    }

    /// Where a template that is common to all rows was found, for error messages.
    pub(super) fn template_place(&self) -> String {
        let file = self.typed.options.message_file.as_ref();
        file.map_or_else(|| "--message".to_owned(), |path| path.display().to_string())
    }
}

fn message(plan: &PlanOptionArgs) -> Result<MessageSource> {
    if let Some(template) = &plan.message {
        return Ok(MessageSource::Template(template.clone()));
    }
    let Some(path) = &plan.message_file else {
        return Ok(MessageSource::Column(plan.message_column.clone()));
    };
    Ok(MessageSource::Template(read_text(path)?))
}
