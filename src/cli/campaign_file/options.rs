//! The options in a campaign file. Which keys there are, which values they take and what is wrong with one is known from the
//! definitions of the command line alone.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, Id, ValueHint};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::entries::{Entries, Entry, Value, in_folder};
use super::{RECIPIENTS, RESULTS, SANDBOX, takes_recipients};
use crate::domain::similar;
use crate::{Error, Result};

/// Lists of which more protect more people: those of the file count also where others are typed. Of any other option what is typed
/// counts alone.
const ADDED_UP: [&str; 2] = ["suppress", "history"];

/// The command that has all options of a campaign.
const SEND: &str = "send";

/// An option with its value, if it takes one.
type Given<'a> = (&'a str, Option<OsString>);

/// What was typed besides the name of a campaign file.
pub(in crate::cli) struct Typed<'a> {
    /// All commands with their options.
    pub(in crate::cli) program: &'a Command,
    /// The command line, from the name of the program.
    pub(in crate::cli) arguments: &'a [OsString],
    /// The command, and its options.
    pub(in crate::cli) command: (&'a str, &'a ArgMatches),
    /// Which day it is in a time zone.
    pub(in crate::cli) today: &'a dyn Fn(TimeZone) -> Date,
}

impl Typed<'_> {
    /// The options of a file that count for this command, beside what was typed. All of them are checked, so that `plan` shows
    /// what `send` would refuse.
    pub(super) fn options<'e>(&self, entries: &'e Entries) -> Result<Vec<Given<'e>>> {
        let (mut counting, mut all) = (Vec::new(), Vec::new());
        for entry in &entries.all {
            let given = self.given(entry, &entries.path)?;
            if self.counts(entry, &given)? {
                counting.extend(given.iter().cloned());
            }
            all.extend(given);
        }
        let of_send = |(key, _): &Given<'_>| {
            let send = self.program.find_subcommand(SEND);
            send.is_some_and(|send| options(send).any(|option| option.get_long() == Some(key)))
        };
        let all = self.alone(SEND, &entries.path, all.into_iter().filter(of_send));
        self.parse(all)
            .map_err(|error| Error::usage(sentence(&error)).at(entries.path.display()))?;
        Ok(counting)
    }

    /// The options that an entry stands for.
    fn given<'e>(&self, entry: &'e Entry, file: &Path) -> Result<Vec<Given<'e>>> {
        let key = entry.key.as_str();
        if key == RECIPIENTS {
            return match entry.value {
                Value::Text(_) => Ok(Vec::new()),
                _ => Err(wrong_type(entry, &entry.value, "a text in quotes")),
            };
        }
        refuse_what_is_not_kept(entry)?;
        let (owner, option) = self.find(key).ok_or_else(|| self.unknown(entry))?;
        let given: Vec<_> = values(entry, option)?
            .into_iter()
            .map(|value| (key, value))
            .collect();
        match self.parse(self.alone(owner, file, given.iter().cloned())) {
            Err(error) if error.kind() != ErrorKind::MissingRequiredArgument => {
                Err(Error::usage(sentence(&error)).at(&entry.place))
            }
            _ => Ok(given),
        }
    }

    /// Whether an entry counts for this command: not where another command has the option, or where what is typed wins.
    fn counts(&self, entry: &Entry, given: &[Given<'_>]) -> Result<bool> {
        let key = entry.key.as_str();
        let (command, matches) = self.command;
        let Some((_, option)) = self.find(key).filter(|(owner, _)| *owner == command) else {
            return Ok(false);
        };
        let is_typed =
            matches.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine);
        if is_typed && !ADDED_UP.contains(&key) {
            return Ok(false);
        }
        // The results of a rehearsal are not written over those of the campaign.
        let is_rehearsal = matches
            .try_get_one(SANDBOX)
            .is_ok_and(|sandbox| sandbox == Some(&true));
        if key == RESULTS && is_rehearsal {
            return Ok(false);
        }
        match self.parse(self.with(given.iter().cloned())) {
            // Another way to say the same is typed. But a rehearsal does not become a campaign by what is typed.
            Err(error) if error.kind() == ErrorKind::ArgumentConflict && key != SANDBOX => {
                Ok(false)
            }
            Err(error) => Err(Error::usage(sentence(&error)).at(&entry.place)),
            Ok(()) => Ok(true),
        }
    }

    /// The command line with more options.
    pub(super) fn with<'o>(&self, options: impl Iterator<Item = Given<'o>>) -> Vec<OsString> {
        let mut all = self.arguments.to_vec();
        let (name, _) = self.command;
        let at = all.iter().position(|argument| argument == name);
        let at = at.map_or(all.len(), |at| at + 1);
        all.splice(at..at, options.map(argument));
        all
    }

    /// The date that was typed.
    pub(super) fn date(&self) -> Option<Date> {
        let (_, matches) = self.command;
        matches.try_get_one("date").ok().flatten().copied()
    }

    /// The options of the plan that were typed.
    pub(super) fn plan_options(&self) -> impl Iterator<Item = String> {
        typed_plan_options(self.command.1)
    }

    /// The time zone that was typed.
    pub(super) fn time_zone(&self) -> Option<&str> {
        let (_, matches) = self.command;
        let mut names = matches.try_get_raw("time_zone").ok().flatten()?;
        let is_typed = matches.value_source("time_zone") == Some(ValueSource::CommandLine);
        names.next()?.to_str().filter(|_| is_typed)
    }

    /// The command to which an option belongs: the one that was typed, or another one that is given a spreadsheet.
    fn find(&self, key: &str) -> Option<(&str, &Arg)> {
        let (typed, _) = self.command;
        let commands = self
            .program
            .get_subcommands()
            .filter(|command| takes_recipients(command));
        let found = commands.filter_map(|command| {
            let option = options(command).find(|option| option.get_long() == Some(key))?;
            Some((command.get_name(), option))
        });
        // The last of these is the one that was typed, if it is among them.
        found.max_by_key(|(name, _)| *name == typed)
    }

    fn unknown(&self, entry: &Entry) -> Error {
        let commands = self
            .program
            .get_subcommands()
            .filter(|command| takes_recipients(command));
        let known = commands.flat_map(options).filter_map(Arg::get_long);
        let known: Vec<_> = known.chain([RECIPIENTS]).collect();
        let nearest = similar::nearest(&entry.key, &known);
        let hint = match nearest.and_then(|nearest| known.get(nearest)) {
            Some(nearest) => format!("is {nearest} meant?"),
            None => "its keys are recipients, and the long options of plan and send without dashes"
                .to_owned(),
        };
        entry.error("is no key of a campaign file").hint(hint)
    }

    /// A command line of this command with these options and nothing else.
    fn alone<'o>(
        &self,
        command: &str,
        file: &Path,
        options: impl Iterator<Item = Given<'o>>,
    ) -> Vec<OsString> {
        let begin = [self.program.get_name(), command].map(OsString::from);
        let file = std::iter::once(file.as_os_str().to_owned());
        begin
            .into_iter()
            .chain(options.map(argument))
            .chain(file)
            .collect()
    }

    fn parse(&self, arguments: Vec<OsString>) -> Result<(), clap::Error> {
        self.program
            .clone()
            .try_get_matches_from(arguments)
            .map(drop)
    }
}

/// The options of the plan that were typed, without dashes. Its lifetime is not a part of it.
pub(in crate::cli) fn typed_plan_options(matches: &ArgMatches) -> impl Iterator<Item = String> {
    // Clap makes every struct of arguments a group of its name.
    let typed = matches.try_get_many::<Id>("PlanOptionArgs").ok().flatten();
    let typed = typed
        .into_iter()
        .flatten()
        .map(|option| option.as_str().replace('_', "-"));
    typed.filter(|option| option != "expires")
}

/// The options of a command that say something about a campaign.
fn options(command: &Command) -> impl Iterator<Item = &Arg> {
    let is_help = |option: &Arg| {
        matches!(
            option.get_action(),
            ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
        )
    };
    command
        .get_arguments()
        .filter(move |option| !is_help(option))
}

/// Refuses what must not be in a file, and says why.
fn refuse_what_is_not_kept(entry: &Entry) -> Result<()> {
    let key = entry.key.to_lowercase();
    let (problem, hint) = match key.as_str() {
        "gateway" => (
            "does not belong in a campaign file: one file must not send to two gateways",
            "type --gateway, or set ISMS_GATEWAY",
        ),
        "yes" => (
            "does not belong in a campaign file: a question is not answered before it is asked",
            "type --yes",
        ),
        "date" => (
            "does not belong in a campaign file: each day would be the same one",
            "type --date",
        ),
        _ if key.contains("passw") || key.contains("username") => (
            "does not belong in a campaign file, which others may read",
            "set ISMS_USERNAME and ISMS_PASSWORD, or ISMS_PASSWORD_FILE",
        ),
        _ => return Ok(()),
    };
    Err(entry.error(problem).hint(hint))
}

/// The values of an option, one for each time that it would be typed.
fn values(entry: &Entry, option: &Arg) -> Result<Vec<Option<OsString>>> {
    if !option.get_action().takes_values() {
        return match entry.value {
            Value::Flag(true) => Ok(vec![None]),
            Value::Flag(false) => Ok(Vec::new()),
            _ => Err(wrong_type(entry, &entry.value, "true or false")),
        };
    }
    let is = |wanted: TypeId| option.get_value_parser().type_id() == wanted;
    let is_text = is(TypeId::of::<String>()) || is(TypeId::of::<PathBuf>());
    let is_repeatable = matches!(option.get_action(), ArgAction::Append);
    let wanted = match (is_text, is_repeatable) {
        (true, false) => "a text in quotes",
        (true, true) => "a text in quotes, or an array of such texts",
        (false, false) => "a text in quotes or a number",
        (false, true) => "a text in quotes or a number, or an array of these",
    };
    let one = |value: &Value| match value {
        Value::Text(text) if option.get_value_hint() == ValueHint::AnyPath => {
            Ok(Some(in_folder(&entry.folder, text).into_os_string()))
        }
        Value::Text(text) => Ok(Some(text.into())),
        Value::Number(number) if !is_text => Ok(Some(number.into())),
        other => Err(wrong_type(entry, other, wanted)),
    };
    match &entry.value {
        Value::Several(several) if is_repeatable => several.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

fn wrong_type(entry: &Entry, value: &Value, wanted: &str) -> Error {
    entry.error(&format!("must be {wanted}, and is {}", value.name()))
}

/// An option as it is typed.
fn argument((key, value): Given<'_>) -> OsString {
    let mut argument = OsString::from(format!("--{key}"));
    if let Some(value) = value {
        argument.push("=");
        argument.push(value);
    }
    argument
}

/// What clap says is wrong, without the part that tells how to get help.
pub(in crate::cli) fn sentence(error: &clap::Error) -> String {
    let text = error.to_string();
    let problem = text.split("\n\n").next().unwrap_or_default();
    let problem = problem.trim_start_matches("error: ");
    problem.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
