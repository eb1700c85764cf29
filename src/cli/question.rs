//! Asks the user whether to send.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::{Error, Kind, Result};

/// Asks this question. Any answer but yes is an error, and so is a question that cannot be asked.
pub(super) fn ask(question: &str) -> Result<()> {
    if !io::stdin().is_terminal() {
        return Err(
            not_sent("the question cannot be asked, as standard input is no terminal")
                .hint("say --yes to send without a question"),
        );
    }
    let mut screen = io::stderr();
    let mut answer = String::new();
    write!(screen, "\n{question} [y/N] ")
        .and_then(|()| screen.flush())
        .and_then(|()| io::stdin().lock().read_line(&mut answer))
        .map_err(|error| not_sent(&format!("the answer could not be read ({error})")))?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        Err(not_sent("the answer was no").hint("run the same command again to send it"))
    }
}

fn not_sent(why: &str) -> Error {
    Error::new(
        Kind::Other,
        format!("{why}, so nothing was sent; the plan is kept"),
    )
}
