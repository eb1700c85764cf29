//! The `guide` command: the list of pages, a page, and a page that does not exist.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::Program;
use isms_campaign::guide::TOPICS;

#[test]
fn without_a_topic_every_page_is_listed_with_one_line() {
    let run = Program::new().run(&["guide"]);
    let printed = &run.exits(0).stdout;
    for topic in TOPICS {
        let line = printed
            .lines()
            .find(|line| line.trim_start().starts_with(topic.name));
        assert!(
            line.is_some_and(|line| line.contains(topic.summary)),
            "{}: {printed}",
            topic.name
        );
    }
}

#[test]
fn a_topic_prints_its_page() {
    for topic in TOPICS {
        let run = Program::new().run(&["guide", topic.name]);
        let printed = run.exits(0);
        assert_eq!(printed.stdout, topic.text);
        assert_eq!(printed.stderr, "");
    }
}

#[test]
fn an_unknown_topic_is_wrong_usage_and_names_the_topics() {
    let run = Program::new().run(&["guide", "teleport"]);
    let refused = run.exits(2);
    assert_eq!(refused.stdout, "");
    for topic in TOPICS {
        assert!(refused.stderr.contains(topic.name), "{}", refused.stderr);
    }
}
