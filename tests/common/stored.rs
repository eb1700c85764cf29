//! A folder with a spreadsheet, and a store of its own.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use super::gateway::{Gate, trx_of};
use super::program::{Invocation, Run};
use super::{Gateway, Program, Reply, count_statuses, postgres};

/// A text with a column of `people`.
pub(crate) const HI: [&str; 2] = ["--message", "Hi {{ name }}"];

/// A folder with a spreadsheet `may.csv`, and a store of its own.
pub(crate) struct Stored {
    pub(crate) program: Program,
    pub(crate) url: String,
}

/// A store in a new database of this name. `None`: there is no PostgreSQL on this machine.
pub(crate) fn stored(name: &str, sheet: &str) -> Option<Stored> {
    let url = postgres::server()?.database(name);
    let program = Program::with(&[("may.csv", sheet)]);
    Some(Stored { program, url })
}

impl Stored {
    /// A run with this store.
    pub(crate) fn command(&self, words: &[&str]) -> Invocation<'_> {
        self.program.command(words).more(&["--store", &self.url])
    }

    pub(crate) fn run(&self, words: &[&str]) -> Run {
        self.command(words).run()
    }

    /// A run as another user of the database.
    pub(crate) fn as_user(&self, user: &str, words: &[&str]) -> Run {
        let url = self.url.replace("postgres@", &format!("{user}@"));
        let command = self.program.command(words).more(&["--store", &url]);
        command.credentials().run()
    }

    /// `send` to this gateway with this store.
    pub(crate) fn sending(&self, gateway: &Gateway, words: &[&str]) -> Invocation<'_> {
        let sending = self.program.send_command(&gateway.url(), words);
        sending.more(&["--store", &self.url])
    }

    pub(crate) fn plan(&self) {
        self.run(&[&["plan", "may.csv"][..], &HI].concat()).exits(0);
    }

    /// The rows of a campaign, in numbers.
    pub(crate) fn counts(&self, name: &str) -> BTreeMap<String, usize> {
        self.run(&["results", name]).exits(0);
        count_statuses(&self.program.results(&format!("{name}.results.csv")))
    }

    pub(crate) fn listed(&self) -> Vec<serde_json::Value> {
        let listed = self.run(&["campaigns", "--json"]);
        serde_json::from_str(&listed.exits(0).stdout).unwrap()
    }

    /// Waits until a run whose standard error is in this file has said this.
    pub(crate) fn wait_for_log(&self, log: &str, words: &str) {
        let path = self.program.path(log);
        let said = || fs::read_to_string(&path).unwrap_or_default();
        let patience = Instant::now() + Duration::from_secs(60);
        while !said().contains(words) {
            assert!(Instant::now() < patience, "{}", said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A gateway that answers the first request only when the gate is open.
pub(crate) fn holding(gate: &Gate) -> Gateway {
    let held = gate.clone();
    Gateway::new(move |_, nth| match nth {
        0 => Reply::accepted(trx_of(nth)).behind(&held),
        _ => Reply::accepted(trx_of(nth)),
    })
}

/// What the guide grants to one who may only read, with that role.
pub(crate) fn grants(role: &str) -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/src/guide/many-hosts.md");
    let page = fs::read_to_string(page).unwrap();
    let block = page.split("```text\nCREATE ROLE reporter LOGIN;\n").nth(1);
    let block = block.unwrap().split("```").next().unwrap();
    block.replace("reporter", role)
}
