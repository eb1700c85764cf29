//! The guide: pages of Markdown that `cargo doc` shows as modules and that the program prints.

/// A page of the guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    /// What the page is asked for by.
    pub name: &'static str,
    /// What the page is about, in one line.
    pub summary: &'static str,
    /// The page, as Markdown.
    pub text: &'static str,
}

/// Makes a module and a topic of each page. A page's file has the topic's name.
macro_rules! pages {
    ($($module:ident $name:literal: $summary:literal,)+) => {
        $(
            #[doc = include_str!(concat!($name, ".md"))]
            pub mod $module {}
        )+

        /// All pages, in the order in which they are best read.
        pub const TOPICS: &[Topic] = &[
            $(Topic {
                name: $name,
                summary: $summary,
                text: include_str!(concat!($name, ".md")),
            },)+
        ];
    };
}

pages! {
    setup "setup": "Installing, the account and its password, the sample files",
    templates "templates": "Writing messages with cells from the spreadsheet",
    texts "texts": "What a text costs, and what networks block",
    spreadsheets "spreadsheets": "Files, phone numbers, opt-out lists, duplicates",
    results "results": "The results file: its columns and statuses",
    recovery "recovery": "When a run was cut off, or rows are unknown, refused or invalid, or must not be sent",
    promise "promise": "What the program promises, how it keeps it, and the tests of every sentence",
    sandbox "sandbox": "Rehearsing with a gateway that sends nothing",
    scheduling "scheduling": "Runs without a person: campaign files, cron and systemd, exit codes, the summary, rates",
    many_hosts "many-hosts": "Several machines on one campaign: a PostgreSQL database in the place of files",
    performance "performance": "How long a million rows take, and how that was measured",
}
