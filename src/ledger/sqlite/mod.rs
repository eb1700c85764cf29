//! A ledger in one SQLite file.
//!
//! | file | holds |
//! |---|---|
//! | `schema` | the tables |
//! | `connection`, `error` | how SQLite opens a ledger, and what its errors mean |
//! | `files`, `place` | the names of the files, and how a ledger gets into its place and out of it |
//! | `lock` | one process at a time |
//! | `campaign` | the campaign's row |
//! | `plan_writer`, `plan_inserts` | writing a plan |
//! | `open`, `apply` | a ledger open for sending: its transactions, and changes as SQL |
//! | `planned` | reading batches of an open ledger |
//! | `snapshot`, `texts`, `totals` | what every output is made from |
//! | `verify` | whether the file is whole, and its records for the rules |

mod apply;
mod campaign;
mod connection;
mod error;
pub(super) mod files;
mod lock;
mod open;
mod owner;
pub(super) mod place;
mod plan_inserts;
mod plan_writer;
mod planned;
mod schema;
mod snapshot;
#[cfg(test)]
pub(super) mod tampering;
mod texts;
mod totals;
mod verify;

pub use files::SUFFIX;
pub(super) use files::{data_files, has_log, ledgers_in, link_target, sidecar_files};
pub(super) use lock::{Lock, holder, started};
pub(super) use owner::refusal_to_write;
pub(super) use place::{copy, exists};
pub(super) use snapshot::Snapshot;
