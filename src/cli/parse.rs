//! From the words of a command line to a command, with what the environment and a campaign file add to it.

use std::borrow::Cow;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::args::{CampaignFileArgs, Cli, Command, LedgerArgs, PlanArgs, StoreArgs};
use super::campaign_file::{self, CampaignFile, Typed, takes_recipients, typed_plan_options};
use super::files::is_campaign_file;
use super::on_end::OnEnd;
use super::store;
use crate::ledger::{Location, Store};
use crate::{Error, Result};

/// Why a command line is no command.
#[derive(Debug)]
pub(super) enum Refusal {
    /// What was typed, or help that was asked for.
    Typed(Box<clap::Error>),
    /// What it means: the campaign file or the store that it names.
    Meaning(Error),
}

impl From<clap::Error> for Refusal {
    fn from(error: clap::Error) -> Self {
        Self::Typed(Box::new(error))
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Meaning(error)
    }
}

/// Parses these arguments, the first of which is the program's own name. `today` says which day it is.
pub(super) fn parse(
    arguments: &[OsString],
    today: &dyn Fn(TimeZone) -> Date,
) -> Result<Cli, Refusal> {
    let mut program = Cli::command();
    program.build();
    let matches = program.clone().try_get_matches_from(arguments)?;
    let campaign_file = typed_campaign_file(&program, &matches)
        .map(|(path, command)| {
            let typed = Typed {
                program: &program,
                arguments,
                command,
                today,
            };
            CampaignFile::read(&path, &typed)
        })
        .transpose()?;
    let (file, matches) = match campaign_file {
        Some((file, all)) => (Some(file), program.try_get_matches_from(all)?),
        None => (None, matches),
    };
    let mut cli = Cli::from_arg_matches(&matches)?;
    if let Some(plan) = plan_args(&mut cli.command) {
        plan.check.suppress.extend(lists_of_environment());
        plan.typed = arguments.to_vec();
    }
    if let Some((_, matches)) = matches.subcommand() {
        let option = typed_plan_options(matches).next();
        let option = option.map(|option| format!("--{option}"));
        match &mut cli.command {
            Command::Send(args) => args.typed_plan_option = option,
            Command::Test(args) => args.typed_plan_option = option,
            _ => {}
        }
    }
    find_store(&mut cli.command, file.as_ref())?;
    use_campaign_file(&mut cli.command, file)?;
    Ok(cli)
}

/// What a command line that is refused says about its end.
pub(super) struct AtEnd {
    pub(super) summary: Option<PathBuf>,
    pub(super) on_end: Option<OnEnd>,
}

/// What is typed about the end of a run in a command line that may be wrong elsewhere, or else in its campaign file.
pub(super) fn wanted_at_end(arguments: &[OsString], today: &dyn Fn(TimeZone) -> Date) -> AtEnd {
    let mut words = arguments.iter().skip(1);
    let command = words.find(|word| !word.to_string_lossy().starts_with('-'));
    let value = |key| {
        let typed = typed_value(arguments, &format!("--{key}")).map(OsString::from);
        typed.or_else(|| kept_value(arguments, key, today))
    };
    let on_end = value("on-end").filter(|_| command.is_some_and(|command| command == "send"));
    AtEnd {
        summary: value("summary-json").map(PathBuf::from),
        on_end: on_end.and_then(|text| OnEnd::parse(text.to_str()?).ok()),
    }
}

/// The value of an option in a command line.
fn typed_value(arguments: &[OsString], option: &str) -> Option<String> {
    let arguments = arguments.iter().map(|argument| argument.to_string_lossy());
    let mut options = arguments.take_while(|argument| argument != "--");
    let typed =
        options.find_map(
            |argument| match argument.strip_prefix(option)?.strip_prefix('=') {
                Some(value) => Some(Some(value.to_owned())),
                None => (argument == option).then_some(None),
            },
        )?;
    typed.or_else(|| options.next().map(Cow::into_owned))
}

/// The value of a key in the campaign file of a command line.
fn kept_value(
    arguments: &[OsString],
    key: &str,
    today: &dyn Fn(TimeZone) -> Date,
) -> Option<OsString> {
    let mut program = Cli::command();
    program.build();
    let is_typed = |command: &&clap::Command| {
        let name = command.get_name();
        takes_recipients(command) && arguments.iter().any(|argument| argument == name)
    };
    let name = program
        .get_subcommands()
        .find(is_typed)?
        .get_name()
        .to_owned();
    let file = arguments.iter().skip(1).map(PathBuf::from);
    let file = file.into_iter().find(|path| is_campaign_file(path))?;
    let mut right: Vec<OsString> = vec!["isms-campaign".into(), name.into(), file.clone().into()];
    if let Some(date) = typed_value(arguments, "--date") {
        right.extend(["--date".into(), date.into()]);
    }
    let matches = program.clone().try_get_matches_from(&right).ok()?;
    let typed = Typed {
        program: &program,
        arguments: &right,
        command: matches.subcommand()?,
        today,
    };
    campaign_file::value(&file, key, &typed)
}

/// The campaign file that is named where a command is given a spreadsheet or a ledger, with the command.
fn typed_campaign_file<'m>(
    program: &clap::Command,
    matches: &'m ArgMatches,
) -> Option<(PathBuf, (&'m str, &'m ArgMatches))> {
    let command = matches.subcommand()?;
    let (name, options) = command;
    let positional = program.find_subcommand(name)?.get_positionals().next()?;
    let id = positional.get_id().as_str();
    if !["recipients", "ledger"].contains(&id) {
        return None;
    }
    let mut named = options.try_get_raw(id).ok()??;
    let path = PathBuf::from(named.next()?);
    is_campaign_file(&path).then_some((path, command))
}

/// Puts what the campaign file names in the place of its own name.
fn use_campaign_file(command: &mut Command, file: Option<CampaignFile>) -> Result<()> {
    match &file {
        Some(file) => {
            if let Some(plan) = plan_args(command) {
                plan.recipients = file.recipients();
            } else if let Some(args) = ledger_args(command) {
                args.location = file.ledger_argument(args.store.found.as_ref())?;
            }
        }
        None if campaign_args(command).is_some_and(|args| args.date.is_some()) => {
            let problem = "--date is for a campaign file (.toml)";
            return Err(Error::usage(problem).hint("leave it out"));
        }
        None => {}
    }
    if let Some(args) = campaign_args(command) {
        args.file = file;
    }
    Ok(())
}

/// Finds the store that counts for a command: the one that was typed, or the environment's where no file is asked for. One that is a
/// key of a campaign file is in the command line of a command that is given a spreadsheet; of others the file knows it.
fn find_store(command: &mut Command, file: Option<&CampaignFile>) -> Result<()> {
    let is_elsewhere = match command {
        Command::Plan(args) => args.options.ledger.is_some(),
        Command::Send(args) => args.plan.options.ledger.is_some() || args.send.sandbox,
        Command::Test(args) => args.plan.options.ledger.is_some() || args.sandbox,
        Command::Campaigns { folder, .. } => folder.is_some(),
        _ => file.is_some(),
    };
    let Some(args) = store_args(command) else {
        return Ok(());
    };
    args.found = match &args.url {
        Some(url) => Some(store::parse(url).map_err(|error| error.at("--store"))?),
        None if is_elsewhere => None,
        None => store::of_environment()?,
    };
    Ok(())
}

/// The store that a command is about.
pub(super) fn store(command: &mut Command) -> Option<&Arc<Store>> {
    let stored = match ledger_args(command).map(|args| &args.location) {
        Some(Location::Stored(place)) => Some(Arc::clone(place.store())),
        _ => None,
    };
    let args = store_args(command)?;
    args.found = args.found.take().or(stored);
    args.found.as_ref()
}

fn store_args(command: &mut Command) -> Option<&mut StoreArgs> {
    match command {
        Command::Plan(args) => Some(&mut args.store),
        Command::Send(args) => Some(&mut args.plan.store),
        Command::Test(args) => Some(&mut args.plan.store),
        Command::Campaigns { store, .. } => Some(store),
        other => ledger_args(other).map(|args| &mut args.store),
    }
}

/// The campaign file that a command was given.
pub(super) fn campaign_file(command: &mut Command) -> Option<&CampaignFile> {
    campaign_args(command)?.file.as_ref()
}

fn campaign_args(command: &mut Command) -> Option<&mut CampaignFileArgs> {
    match command {
        Command::Plan(args) => Some(&mut args.campaign),
        Command::Send(args) => Some(&mut args.plan.campaign),
        Command::Test(args) => Some(&mut args.plan.campaign),
        other => ledger_args(other).map(|args| &mut args.campaign),
    }
}

fn plan_args(command: &mut Command) -> Option<&mut PlanArgs> {
    match command {
        Command::Plan(args) => Some(args),
        Command::Send(args) => Some(&mut args.plan),
        Command::Test(args) => Some(&mut args.plan),
        _ => None,
    }
}

fn ledger_args(command: &mut Command) -> Option<&mut LedgerArgs> {
    match command {
        Command::Status { ledger, .. } | Command::Verify(ledger) => Some(ledger),
        Command::Results(args) => Some(&mut args.ledger),
        Command::Resolve(args) => Some(&mut args.ledger),
        Command::Cancel(args) => Some(&mut args.ledger),
        _ => None,
    }
}

/// The suppression lists that always apply.
fn lists_of_environment() -> Vec<PathBuf> {
    let paths = env::var_os("ISMS_SUPPRESS").filter(|paths| !paths.is_empty());
    paths.map_or_else(Vec::new, |paths| env::split_paths(&paths).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::super::args::SendArgs;
    use super::*;

    fn send(arguments: &[&str]) -> SendArgs {
        let arguments = ["isms-campaign", "send", "a.ledger"]
            .iter()
            .chain(arguments)
            .map(OsString::from)
            .collect::<Vec<_>>();
        let Command::Send(args) = parse(&arguments, &|_| Date::MIN).unwrap().command else {
            panic!("send was typed");
        };
        *args
    }

    #[test]
    fn an_option_of_the_plan_is_noticed() {
        for (typed, noticed) in [
            (&["--type", "ascii"][..], Some("--type")),
            (&["--message-file", "a.txt"], Some("--message-file")),
            (&["--limit", "5", "--expires", "2d"], None),
            (&["--expires", "2d", "--type", "ascii"], Some("--type")),
            (&["--suppress", "a.csv", "--max-invalid", "5"], None),
            (&["--yes"], None),
        ] {
            assert_eq!(
                send(typed).typed_plan_option.as_deref(),
                noticed,
                "{typed:?}"
            );
        }
    }

    /// The command of these words, on this date.
    fn parsed(words: &[&str], today: &str) -> Result<Command, String> {
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        let today: Date = today.parse().unwrap();
        let cli = parse(&words, &|zone| {
            assert_eq!(zone.iana_name(), Some("Asia/Kuala_Lumpur"));
            today
        });
        cli.map(|cli| cli.command).map_err(|refusal| match refusal {
            Refusal::Typed(error) => error.to_string(),
            Refusal::Meaning(error) => error.to_string(),
        })
    }

    /// A campaign file with this text, in a folder of its own.
    fn written(text: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, text).unwrap();
        let path = path.to_string_lossy().into_owned();
        (folder, path)
    }

    #[test]
    fn a_run_has_one_date_for_all_that_it_names() {
        let text = "recipients = \"%Y/e-%m-%d.csv\"\nledger = \"l-%d.ledger\"\nresults = \"r-%Y%m%d.csv\"\nsummary-json = \"-\"";
        let (folder, file) = written(text);
        for (typed, date) in [
            (&[][..], "2026-05-01"),
            (&["--date", "2027-12-31"], "2027-12-31"),
        ] {
            let words = [&["isms-campaign", "send", &file][..], typed].concat();
            let Command::Send(args) = parsed(&words, "2026-05-01").unwrap() else {
                panic!("send was typed");
            };
            let (year, month, day) = (&date[..4], &date[5..7], &date[8..]);
            let named = |name: String| Some(folder.path().join(name));
            let plan = &args.plan;
            assert_eq!(
                Some(&plan.recipients),
                named(format!("{year}/e-{month}-{day}.csv")).as_ref()
            );
            assert_eq!(plan.options.ledger, named(format!("l-{day}.ledger")));
            assert_eq!(
                args.send.results,
                named(format!("r-{year}{month}{day}.csv"))
            );
            assert!(plan.output.json_on_standard_output());
            let file = plan.campaign.file.as_ref().unwrap();
            assert_eq!(file.earlier_ledgers().len(), 7);
            let argument = file.argument_for(&named(format!("l-{day}.ledger")).unwrap().into());
            assert!(
                argument
                    .unwrap()
                    .ends_with(&format!("c.toml --date {date}"))
            );
        }
    }

    #[test]
    fn every_option_of_a_campaign_can_be_in_a_file() {
        let mut program = Cli::command();
        program.build();
        let send = program.find_subcommand("send").unwrap();
        let kept = send.get_opts().filter_map(clap::Arg::get_long);
        for key in kept.filter(|key| !["gateway", "date"].contains(key)) {
            let (_folder, file) = written(&format!("recipients = \"a.csv\"\n{key} = true\n"));
            let error = parsed(&["isms-campaign", "plan", &file], "2026-05-01").unwrap_err();
            assert!(
                error.contains(&format!("line 2: {key} must be a text")),
                "{error}"
            );
        }
    }

    #[test]
    fn the_pace_and_the_hours_that_are_typed_win() {
        let text =
            "recipients = \"a.csv\"\nrate = \"1/s\"\nwindow = [\"09:00-12:00\", \"14:00-18:00\"]\n";
        let (_folder, file) = written(text);
        let send = |typed: &[&str]| {
            let words = [&["isms-campaign", "send", &file][..], typed].concat();
            let Command::Send(args) = parsed(&words, "2026-05-01").unwrap() else {
                panic!("send was typed");
            };
            (args.send.spread.is_some(), args.send.window.len())
        };
        assert_eq!(send(&[]), (false, 2));
        assert_eq!(send(&["--spread", "2h"]), (true, 2));
        assert_eq!(send(&["--window", "20:00-21:00"]), (false, 1));
    }

    #[test]
    fn a_typed_option_wins_over_each_other_way_to_say_the_same() {
        for (kept, typed) in [
            ("message", &["--message-file", "b"][..]),
            ("message-file", &["--message", "b"]),
            ("message-file", &["--message-column", "b"]),
            ("message-column", &["--message-file", "b"]),
            ("message", &["--message", "b"]),
        ] {
            let (_folder, file) = written(&format!("recipients = \"a.csv\"\n{kept} = \"kept\"\n"));
            let words = [&["isms-campaign", "plan", &file][..], typed].concat();
            let Command::Plan(args) = parsed(&words, "2026-05-01").unwrap() else {
                panic!("plan was typed");
            };
            let plan = args.options;
            let message = plan
                .message
                .iter()
                .chain(&plan.message_column)
                .map(PathBuf::from);
            let messages: Vec<_> = message.chain(plan.message_file).collect();
            assert_eq!(messages, [PathBuf::from("b")], "{kept}");
        }
    }
}
