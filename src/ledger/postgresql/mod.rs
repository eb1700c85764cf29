//! Ledgers in a PostgreSQL database: a store keeps many campaigns, each as rows of the same tables.
//!
//! | file | holds |
//! |---|---|
//! | `address`, `password` | the URL of a store, and the password for it |
//! | `session`, `probe` | a session with the server: connecting, and waits that come to an end; whether it is one of PostgreSQL |
//! | `connection`, `error` | how the program runs statements, and what PostgreSQL's errors mean |
//! | `schema` | the tables |
//! | `place`, `lock` | the name of a campaign, its lock, and what is done under it |
//! | `campaign` | the campaign's row |
//! | `plan_writer` | writing a plan |
//! | `open`, `apply` | a campaign open for sending: its transactions, and changes as SQL |
//! | `planned` | reading batches of an open campaign |
//! | `rate` | the rate that all senders of an account share |
//! | `snapshot`, `totals` | what every output is made from |
//! | `verify` | the records for the rules |

mod address;
mod apply;
mod campaign;
mod connection;
mod error;
mod lock;
mod open;
mod password;
mod place;
mod plan_writer;
mod planned;
mod probe;
mod rate;
mod schema;
mod session;
mod snapshot;
#[cfg(test)]
mod tests;
mod totals;
mod verify;

pub use address::{LONGEST_NAME, Store};
pub use place::Place;
