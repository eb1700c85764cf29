//! `guide`: prints a page of the guide, or the list of pages.

use std::fmt::Write as _;

use crate::cli::exit::Exit;
use crate::cli::terminal::print;
use crate::guide::TOPICS;
use crate::{Error, Result};

/// Prints the page on this topic. Without a topic: the list of pages.
pub(in crate::cli) fn run(topic: Option<&str>) -> Result<Exit> {
    let Some(name) = topic else {
        return print(&list()).map(|()| Exit::OK);
    };
    let topic = TOPICS
        .iter()
        .find(|topic| topic.name.eq_ignore_ascii_case(name))
        .ok_or_else(|| unknown(name))?;
    // Markdown writes a bar in a table with a backslash, which must not get into what somebody copies.
    print(&topic.text.replace("\\|", "|")).map(|()| Exit::OK)
}

/// One line for each page.
fn list() -> String {
    let mut list =
        String::from("The pages of the guide; isms-campaign guide TOPIC prints one:\n\n");
    for topic in TOPICS {
        let _ = writeln!(list, "  {:<14}{}", topic.name, topic.summary);
    }
    list
}

fn unknown(name: &str) -> Error {
    let names: Vec<_> = TOPICS.iter().map(|topic| topic.name).collect();
    Error::usage(format!("the guide has no page \"{name}\""))
        .hint(format!("its pages are {}", names.join(", ")))
}
