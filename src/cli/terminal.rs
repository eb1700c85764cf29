//! Writing to standard error and standard output.

use std::io::{self, ErrorKind, Write};

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
