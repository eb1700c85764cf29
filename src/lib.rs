//! Bulk-SMS campaigns through the iSMS gateway: never twice, never lost.
//!
//! The house idea: decide everything before the first byte leaves (a plan), make the intent durable before each
//! request (a claim in the ledger), give every answer a name, "no answer" above all, and make every output a
//! projection of the ledger.
//!
//! ```text
//!  customers.csv                                                        the gateway
//!        |                                                                   ^ one POST for each batch
//!        v                                                                   |
//!     source  -- rows -->  campaign (pure)                              gateway::rest
//!               recipients -> template -> text -> batch                      ^
//!                         (planning drives it)                            dispatch
//!                                  |                     throttle -> claim -> submit -> settle
//!                               ledger  <------------------------------------|
//!                                  |
//!                                  v
//!                    results, status, summary, verify
//! ```
//!
//! | module | holds | imports, besides `error` |
//! |---|---|---|
//! | [`cli`] | the command line: options, one file for each command, what is printed | [`planning`], [`dispatch`], [`results`], [`source`], [`ledger`], [`gateway`], [`domain`], [`guide`], [`sandbox`] |
//! | [`planning`] | a spreadsheet in, a ledger out: each row checked, texts rendered, batches formed | [`source`], [`ledger`], [`lint`], [`domain`] |
//! | [`dispatch`] | the sending loop: throttle, circuit breaker, when to stop | [`ledger`], [`gateway`], [`domain`] |
//! | [`results`] | the results file, from a ledger | [`ledger`], [`gateway`], [`domain`] |
//! | [`source`] | reading spreadsheets and lists of numbers | [`domain`] |
//! | [`ledger`] | the campaign's SQLite file: plan, claims, outcomes, decisions, audit, lock | [`domain`] |
//! | [`gateway`] | the wire format, its codes, the one HTTP client, and the outcomes of a request | [`domain`] |
//! | [`lint`] | remarks about texts: what networks block, what looks like a mistake | [`domain`] |
//! | [`domain`] | numbers, texts, templates, duplicates, batches, options; no input or output | |
//! | [`guide`] | the pages of the guide | |
//! | [`sandbox`] | a simulated gateway that can inject faults | |
//!
//! Words: an *MSISDN* is a number in international format; a *text* is a rendered message, a *credit* one billed part
//! of it; a *recipient* is one input row; a *batch* is the recipients of one request, an *attempt* one request;
//! the *ledger* is the campaign's file. *Accepted* is the gateway's word; what reaches a handset nobody here knows.

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
