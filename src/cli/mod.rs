//! The program as its user meets it: the command line, the terminal, and the order in which a command does its
//! work. It knows neither SQL nor HTTP.

mod args;
mod clock;
mod credentials;
mod exit;
mod guide;
mod inspect;

mod overview;
mod paths;
mod plan;
mod practice;
mod prepare;
mod progress;
mod remedy;
mod resolve;
mod send;
mod signals;
mod spec;
mod summary;
mod values;

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::{Error, Kind, Result};
use args::{Cli, Command};
use exit::Exit;

/// Runs the program with these arguments, the first of which is its own name. Returns its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(answer) => {
            // A reader that has gone away needs no help text.
            let _ = answer.print();
            return ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2));
        }
    };
    log_to_standard_error(cli.verbose);
    signals::survive_a_full_file();
    signals::end_with_a_code();
    match run(cli.command) {
        Ok(exit) => exit.into(),
        Err(fault) => {
            tell(&format!("isms-campaign: {}", remedy::sentence(&fault)));
            Exit::of_fault(&fault).into()
        }
    }
}

fn run(command: Command) -> Result<Exit> {
    match command {
        Command::Plan(args) => plan::run(&args),
        Command::Send(args) => Ok(send::run(&args)),
        Command::Status { ledger } => inspect::status(&ledger),
        Command::Results {
            ledger,
            status,
            results,
        } => inspect::results(&ledger, &status, results.as_deref()),
        Command::Resolve(args) => resolve::run(&args),
        Command::Verify { ledger } => inspect::verify(&ledger),
        Command::Sandbox {
            listen,
            practice: options,
        } => practice::run(listen, &options),
        Command::Guide { topic } => guide::run(topic.as_deref()),
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
        .with_target(false)
        // It would tell standard error that standard error cannot be written, and panic.
        .log_internal_errors(false)
        .init();
}

/// Says something to the person on standard error. Nobody there to read it is no reason to stop.
fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints what a command was asked for on standard output.
fn print(text: &str) -> Result<()> {
    let mut out = Patient(io::stdout().lock());
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|fault| {
            Error::new(
                Kind::Other,
                format!("standard output cannot be written: {fault}"),
            )
        })
}

/// A writer to whom a reader that has had enough is no fault, as in `| head`.
struct Patient<W>(W);

impl<W: Write> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(fault) if fault.kind() == ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(fault) if fault.kind() == ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}
