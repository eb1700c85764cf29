//! Writing to standard error and standard output, and asking the user.

use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use super::clock;
use super::remedy;
use crate::{Error, Kind, Result};

/// How much is told.
static AMOUNT: OnceLock<Amount> = OnceLock::new();

#[derive(Clone, Copy, Debug, Default)]
struct Amount {
    quiet: bool,
    verbose: bool,
}

/// Sets how much is told from now on: with `quiet` only problems and the last summary.
pub(super) fn set_amount(quiet: bool, verbose: bool) {
    // It is set once.
    let _ = AMOUNT.set(Amount { quiet, verbose });
}

fn amount() -> Amount {
    AMOUNT.get().copied().unwrap_or_default()
}

pub(super) fn is_quiet() -> bool {
    amount().quiet
}

/// Whether standard error is read by a person, and not kept.
pub(super) fn is_screen() -> bool {
    io::stderr().is_terminal()
}

/// Whether texts and cells of customers may be shown on standard error: a person reads it, or has asked for all of it.
pub(super) fn shows_private() -> bool {
    amount().verbose || is_screen()
}

/// Tells the user something on standard error that matters also to those who want to read little: a problem, or how it ended.
/// If it cannot be written, the program continues.
pub(super) fn tell(text: &str) {
    let mut screen = io::stderr();
    let text = if screen.is_terminal() {
        format!("{text}\n")
    } else {
        stamped(text, &clock::now().to_string())
    };
    let _ = screen.write_all(text.as_bytes());
}

/// Tells the user something that is no problem.
pub(super) fn inform(text: &str) {
    if !is_quiet() {
        tell(text);
    }
}

/// The text for a log: each line that is not indented begins with the time, and none is blank.
fn stamped(text: &str, time: &str) -> String {
    let mut stamped = String::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if !line.starts_with([' ', '\t']) {
            stamped.push_str(time);
            stamped.push(' ');
        }
        stamped.push_str(line);
        stamped.push('\n');
    }
    stamped
}

/// Tells the user why the program fails.
pub(super) fn tell_error(error: &Error) {
    tell(&format!("isms-campaign: {}", told(error)));
}

/// An error as standard error shows it.
pub(super) fn told(error: &Error) -> String {
    let sentence = remedy::sentence(error);
    if shows_private() {
        sentence
    } else {
        remedy::for_log(&sentence, &error.private)
    }
}

/// Asks this question. Any answer but yes is an error, and so is a question that cannot be asked. `nothing` says in the error
/// what was not done.
pub(super) fn ask(question: &str, nothing: &str) -> Result<()> {
    let not_done = |why: &str| Error::new(Kind::Other, format!("{why}, so {nothing}"));
    if !io::stdin().is_terminal() {
        let why = "the question cannot be asked, as standard input is no terminal";
        return Err(not_done(why).hint("say --yes to continue without a question"));
    }
    let mut screen = io::stderr();
    let mut answer = String::new();
    write!(screen, "\n{question} [y/N] ")
        .and_then(|()| screen.flush())
        .and_then(|()| io::stdin().lock().read_line(&mut answer))
        .map_err(|error| not_done(&format!("the answer could not be read ({error})")))?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        Err(not_done("the answer was no").hint("run the same command again to be asked again"))
    }
}

/// Prints what a command was asked for on standard output.
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = standard_output();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| {
            Error::new(Kind::Other, "standard output cannot be written").caused_by(error)
        })
}

/// Standard output, where a reader may stop reading.
pub(super) fn standard_output() -> impl Write + Send {
    IgnoreClosedPipe(io::stdout())
}

/// A writer for which a reader that stops reading is not an error, as in `| head`.
struct IgnoreClosedPipe<W>(W);

impl<W: Write> Write for IgnoreClosedPipe<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_a_log_has_its_time_unless_it_is_indented() {
        for (text, log) in [
            ("", ""),
            ("one", "T one\n"),
            ("one\ntwo\n", "T one\nT two\n"),
            ("\none\n\n\ntwo", "T one\nT two\n"),
            ("one\n  | text\n\tmore\n \n", "T one\n  | text\n\tmore\n"),
            ("one\r\ntwo", "T one\nT two\n"),
        ] {
            assert_eq!(stamped(text, "T"), log, "{text:?}");
        }
    }
}
