//! `campaigns`: lists the campaigns in a folder or a store, how far each is, and what is to be done about it.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::cli::destination::SANDBOX_HOST;
use crate::cli::exit::Exit;
use crate::cli::files::{is_sandbox_ledger, is_test_ledger};
use crate::cli::terminal::print;
use crate::cli::view::grouped;
use crate::cli::{clock, named, next, remedy};
use crate::domain::status::Counts;
use crate::domain::{Status, Timestamp};
use crate::ledger::{Campaign, Location, SUFFIX, Store};
use crate::{Error, Result};

/// A campaign, as far as its ledger can be read.
struct Listed {
    ledger: Location,
    /// Its campaign, and its rows in numbers.
    read: Result<(Campaign, Counts)>,
    state: &'static str,
}

pub(in crate::cli) fn run(
    folder: Option<&Path>,
    store: Option<&Arc<Store>>,
    json: bool,
) -> Result<Exit> {
    let (ledgers, whereabouts) = if let Some(store) = store {
        (Location::all_in_store(store)?, format!("the store {store}"))
    } else {
        let folder = folder.unwrap_or(Path::new(""));
        (Location::in_folder(folder)?, "this folder".to_owned())
    };
    let mut all: Vec<_> = ledgers.into_iter().filter_map(Listed::read).collect();
    // The latest is the last, where it is seen first.
    all.sort_by(|one, other| one.planned_at().cmp(&other.planned_at()));
    let text = if json {
        let all: Vec<_> = all.iter().map(Listed::object).collect();
        format!("{:#}\n", Value::from(all))
    } else if all.is_empty() {
        format!("There are no campaigns in {whereabouts}.\n")
    } else {
        all.iter().map(Listed::lines).collect()
    };
    print(&text).map(|()| Exit::OK)
}

impl Listed {
    /// The campaign of a ledger. `None`: it belongs to the sandbox or a test.
    fn read(ledger: Location) -> Option<Self> {
        if is_sandbox_ledger(&ledger) || is_test_ledger(&ledger) {
            return None;
        }
        let is_sending = ledger.holder().is_some();
        let read = ledger.glance(&|ledger| Ok((ledger.campaign()?, ledger.counts()?)));
        let state = match &read {
            Ok((campaign, _)) if campaign.is_test => return None,
            Ok((campaign, _)) if campaign.gateway_host.as_deref() == Some(SANDBOX_HOST) => {
                return None;
            }
            Ok(_) if is_sending => "sending",
            Ok((campaign, counts)) => state(campaign, counts),
            Err(_) => "unreadable",
        };
        Some(Self {
            ledger,
            read,
            state,
        })
    }

    fn planned_at(&self) -> Option<&Timestamp> {
        let (campaign, _) = self.read.as_ref().ok()?;
        Some(&campaign.planned_at)
    }

    /// A line for people, and one that says what to do.
    fn lines(&self) -> String {
        let (campaign, counts) = match &self.read {
            Ok(read) => read,
            Err(error) => return format!("{}\n", problem(error, &self.ledger)),
        };
        let counts = Status::ALL
            .iter()
            .map(|status| (counts.of(*status), status));
        let counts = counts.filter(|(rows, _)| *rows > 0);
        let counts: Vec<_> = counts
            .map(|(rows, status)| format!("{} {status}", grouped(rows)))
            .collect();
        let planned_at = clock::local(&campaign.planned_at);
        let (name, ledger) = (&campaign.name, self.ledger.to_string());
        // An earlier campaign of the same name has another ledger.
        let is_usual =
            ledger == *name || ledger.rsplit('/').next() == Some(&format!("{name}{SUFFIX}"));
        let ledger = if is_usual {
            String::new()
        } else {
            format!(" ({ledger})")
        };
        let counts = counts.join(", ");
        let mut lines = format!(
            "{planned_at:<24}  {:<8}  {name}{ledger}: {counts}\n",
            self.state
        );
        let then = match self.state {
            "planned" | "pending" => next::how_to_send(campaign, &self.ledger),
            "unknown" => {
                let ledger = named::in_command(&self.ledger);
                format!("look up what is unknown: isms-campaign status {ledger}")
            }
            _ => return lines,
        };
        let _ = writeln!(lines, "                          {then}");
        lines
    }

    fn object(&self) -> Value {
        let mut object = json!({"ledger": self.ledger.to_string(), "state": self.state});
        if let Location::Stored(place) = &self.ledger {
            object["store"] = json!(place.store().to_string());
        }
        match &self.read {
            Ok((campaign, counts)) => {
                object["name"] = json!(campaign.name);
                object["planned_at"] = json!(campaign.planned_at.to_string());
                object["gateway"] = json!(campaign.gateway_host);
                object["rows"] = json!(counts.rows());
                for &status in Status::ALL {
                    object[status.as_str()] = json!(counts.of(status));
                }
            }
            Err(error) => object["error"] = json!(problem(error, &self.ledger)),
        }
        object
    }
}

/// What a campaign waits for, that no process is sending.
fn state(campaign: &Campaign, counts: &Counts) -> &'static str {
    let has = |status| counts.of(status) > 0;
    if has(Status::Unknown) {
        "unknown"
    } else if !has(Status::Pending) {
        "finished"
    } else if campaign.gateway_host.is_some() {
        "pending"
    } else {
        "planned"
    }
}

/// Why a ledger cannot be read. Not every error names it.
fn problem(error: &Error, ledger: &Location) -> String {
    let sentence = remedy::sentence(error);
    let ledger = ledger.to_string();
    if sentence.contains(&ledger) {
        sentence
    } else {
        format!("{ledger}: {sentence}")
    }
}
