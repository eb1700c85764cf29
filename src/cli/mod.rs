//! The command line: what can be typed, what people are shown, and the order in which each command does its work.

mod args;
mod balance;
mod campaign_file;
mod cause;
mod checks;
mod clock;
mod commands;
mod cooldown;
mod credentials;
mod database;
mod destination;
mod earlier;
mod existing;
mod exit;
mod files;
mod ledger_args;
mod named;
mod next;
mod on_end;
mod others;
mod overview;
mod parse;
mod progress;
mod question;
mod remedy;
mod repeat;
mod session;
mod settings;
mod show;
mod signals;
mod speed;
mod store;
mod store_note;
mod summary;
mod suppression;
mod terminal;
mod timing;
mod values;
mod view;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use crate::{Error, Result};
use args::Command;
use commands::{
    campaigns, cancel, guide, plan, resolve, results, sandbox, send, status, test, verify,
};
use exit::Exit;
use parse::Refusal;

/// Runs the program with these arguments, the first of which is its own name. Returns its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let mut cli = match parse::parse(&arguments, &clock::today) {
        Ok(cli) => cli,
        Err(refusal) => return ExitCode::from(refuse(&refusal, &arguments).0),
    };
    if let Some(file) = parse::campaign_file(&mut cli.command) {
        named::use_campaign_file(file);
    }
    if let Some(store) = parse::store(&mut cli.command) {
        named::use_store(store);
    }
    terminal::set_amount(cli.quiet, cli.verbose > 0);
    log_to_standard_error(cli.verbose);
    signals::survive_file_size_limit();
    signals::exit_with_a_code();
    let exit = run(cli.command).unwrap_or_else(|error| {
        terminal::tell_error(&error);
        Exit::of_error(&error)
    });
    ExitCode::from(exit.0)
}

/// Says why a command line is not carried out, here and in the summary, or prints the help that was asked for.
fn refuse(refusal: &Refusal, arguments: &[OsString]) -> Exit {
    let error = match refusal {
        Refusal::Meaning(error) => {
            terminal::tell_error(error);
            error.clone()
        }
        Refusal::Typed(answer) => {
            if answer.use_stderr() && !io::stderr().is_terminal() {
                terminal::tell(&answer.to_string());
            } else {
                // If the help text cannot be printed, its reader has gone.
                let _ = answer.print();
            }
            if !answer.use_stderr() {
                return Exit::OK;
            }
            Error::usage(campaign_file::sentence(answer))
        }
    };
    let wanted = parse::wanted_at_end(arguments, &clock::today);
    summary::of_refusal(wanted.summary, wanted.on_end, &error);
    Exit::of_error(&error)
}

fn run(command: Command) -> Result<Exit> {
    match command {
        Command::Plan(args) => Ok(plan::run(&args)),
        Command::Send(args) => Ok(send::run(&args)),
        Command::Test(args) => test::run(*args),
        Command::Status { ledger, json } => status::run(&ledger, json),
        Command::Results(args) => results::run(&args),
        Command::Resolve(args) => resolve::run(&args),
        Command::Cancel(args) => cancel::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Balance(args) => commands::balance::run(&args),
        Command::Campaigns {
            folder,
            store,
            json,
        } => campaigns::run(folder.as_deref(), store.found.as_ref(), json),
        Command::Sandbox { listen, options } => sandbox::run(listen, &options),
        Command::Guide { topic } => guide::run(topic.as_deref()),
    }
}

/// Begins each line with the local time, as all lines on standard error begin in a log.
struct LocalTime;

impl FormatTime for LocalTime {
    fn format_time(&self, out: &mut Writer<'_>) -> fmt::Result {
        fmt::write(out, format_args!("{}", clock::now()))
    }
}

/// `-v` shows what happens, `-vv` every request.
fn log_to_standard_error(verbose: u8) {
    use tracing_subscriber::filter::LevelFilter;
    let level = match verbose {
        0 => return,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_timer(LocalTime)
        .with_target(false)
        // Otherwise it panics when standard error cannot be written.
        .log_internal_errors(false)
        .init();
}
