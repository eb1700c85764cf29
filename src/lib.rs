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
//! | module | holds | must not know |
//! |---|---|---|
//! | [`cli`] | the command line, one file a command, terminal output | SQL, HTTP |
//! | [`planning`] | the pipeline: source in, ledger out | rules of any kind |
//! | [`dispatch`] | the sending loop, the throttle, when to stop | SQL, the HTTP library, the terminal |
//! | [`source`] | rows out of a spreadsheet | numbers, templates |
//! | [`ledger`] | the SQLite file: plan, claims, outcomes, recovery, lock | HTTP, progress, what time it is |
//! | [`gateway`] | the closed set of outcomes, the wire format, the one HTTP client | the ledger, when to try again |
//! | [`results`] | the results CSV out of a ledger | the gateway, templates |
//! | [`domain`] | numbers, texts, templates, duplicates, batches: the pure core | files, network, clock, threads |
//! | [`guide`] | the pages of the guide | every other module |
//! | [`sandbox`] | a simulated gateway for trying and testing | every other module |
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
