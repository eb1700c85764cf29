//! Writing to standard error and standard output, and asking the user.

use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};

use super::remedy;
use crate::{Error, Kind, Result};

/// Tells the user something on standard error. If it cannot be written, the program continues.
pub(super) fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Tells the user why the program fails.
pub(super) fn tell_error(error: &Error) {
    tell(&format!("isms-campaign: {}", remedy::sentence(error)));
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
pub(super) fn standard_output() -> impl Write {
    IgnoreClosedPipe(io::stdout().lock())
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
