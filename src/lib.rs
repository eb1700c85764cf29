//! Bulk-SMS campaigns through the iSMS gateway: never twice, never lost.
//!
//! Everything is decided before the first request: that is the plan, stored in the ledger. Each request is written to the
//! ledger before it is made (a claim), and its outcome after it (the batch is settled). No answer is an outcome, too, and
//! such a batch is not sent again on its own. Every output is derived from the ledger.
//!
//! ```text
//!  customers.csv / .xlsx                                             the gateway
//!        |                                                                ^ one POST for each batch
//!        v                                                                |
//!     source -- rows --> domain, lint                                  gateway
//!                        number, template -> text, batch                  ^
//!                        (planning drives it)                         dispatch
//!                              |                       throttle -> claim -> submit -> settle
//!                              v                                          |
//!                            ledger <-------------------------------------+
//!                              |
//!                              v
//!                       results, status, summary, verify
//! ```
//!
//! `plan` runs the left half, and nothing after it reads the spreadsheet again, except to see whether it changed. `send`
//! runs the right half, after planning if there is no ledger yet. Imports go one way, without circles between modules or
//! files; `tests/layout.rs` reads this table:
//!
//! | module | holds | imports, besides `error` |
//! |---|---|---|
//! | [`cli`] | the command line: options, one file for each command, what is printed | [`planning`], [`dispatch`], [`results`], [`source`], [`ledger`], [`gateway`], [`domain`], [`guide`], [`sandbox`] |
//! | [`planning`] | a spreadsheet in, a ledger out: each row checked, texts rendered, batches formed | [`source`], [`ledger`], [`lint`], [`domain`] |
//! | [`dispatch`] | the sending loop: throttle, circuit breaker, when to stop | [`ledger`], [`gateway`], [`domain`] |
//! | [`results`] | the results file, from a ledger | [`source`], [`ledger`], [`gateway`], [`domain`] |
//! | [`source`] | reading spreadsheets and lists of numbers | [`domain`] |
//! | [`ledger`] | what a campaign may become, and the backends that keep it: plan, claims, outcomes, decisions, audit, lock | [`domain`], [`certificates`] |
//! | [`gateway`] | the wire format, its codes, the one HTTP client, and the outcomes of a request | [`domain`], [`certificates`] |
//! | [`lint`] | warnings about texts: what networks block, what looks like a mistake | [`domain`] |
//! | [`domain`] | numbers, texts, templates, duplicates, batches, options; no input or output | |
//! | [`certificates`] | the certificates that are trusted | |
//! | [`guide`] | the pages of the guide | |
//! | [`sandbox`] | a simulated gateway that can inject faults | |
//!
//! # Words
//!
//! - *MSISDN*: a phone number in international format, digits only.
//! - *Recipient*: one row of the spreadsheet.
//! - *Template*: the message with its merge fields; *text*: what it renders to for a recipient.
//! - *Credit*: the unit in which a text is billed, by its length and encoding.
//! - *Batch*: the recipients of one request; *attempt*: one request for it.
//! - *Claim*: the durable note that a batch is about to be sent; *settle*: to record its outcome.
//! - *Ledger*: the record of a campaign, with plan, claims, outcomes and decisions of operators; a SQLite file,
//!   or rows of a *store*, which is a PostgreSQL database.
//! - *Accepted*: what the gateway says of a message that it took. Whether it was delivered is not known here.

pub mod certificates;
pub mod cli;
pub mod dispatch;
pub mod domain;
pub mod error;
pub mod gateway;
pub mod guide;
pub mod ledger;
pub mod lint;
pub mod planning;
pub mod results;
pub mod sandbox;
pub mod source;

pub use error::{Error, Kind, Remedy, Result};
