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
        assert_eq!(printed.stdout, topic.text.replace("\\|", "|"));
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

/// What the page on templates says that one gets, for a row with these cells.
#[test]
fn templates_give_what_their_page_says() {
    const HEADER: &str = "phone,First Name,name,nick,Baki (RM),due,town,message";
    const CELLS: &str = "012-555 1234,Siti,SITI BINTI ABU,,\"1,234.5\",2026-11-22,Ipoh";
    let page = TOPICS
        .iter()
        .find(|topic| topic.name == "templates")
        .unwrap()
        .text
        .replace("\\|", "|");
    for (template, text) in [
        ("{{ first_name }}", "Siti"),
        ("%First Name%", "Siti"),
        ("{{ row[\"Baki (RM)\"] }}", "1,234.5"),
        ("{{ nick | default(\"friend\") }}", "friend"),
        ("{{ name | first_word | title }}", "Siti"),
        ("{{ baki_rm | money }}", "1,234.50"),
        ("{{ due | date(\"%d %b\") }}", "22 Nov"),
        (
            "{% if town == \"Ipoh\" %}...{% else %}...{% endif %}",
            "...",
        ),
        ("{% if nick %}...{% endif %}", ""),
        ("{{ baki_rm | replace(\",\", \"\") | float }}", "1234.5"),
        ("50% off, %name%", "50% off, SITI BINTI ABU"),
    ] {
        assert!(page.contains(&format!("`{template}`")), "{template}");
        let message = format!("x{template}").replace('"', "\"\"");
        let sheet = format!("{HEADER}\n{CELLS},\"{message}\"\n");
        let program = Program::with(&[("a.csv", &sheet)]);
        program.run(&["plan", "a.csv"]).exits(0);
        program.run(&["results", "a.ledger"]).exits(0);
        let rows = program.results("a.results.csv");
        assert_eq!(rows[0]["sms_message"], format!("x{text}"), "{template}");
    }
}
