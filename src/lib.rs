//! Bulk-SMS campaigns through the iSMS gateway: never twice, never lost.

pub mod campaign;
pub mod cli;
pub mod dispatch;
pub mod error;
pub mod gateway;
pub mod ledger;
pub mod planning;
pub mod results;
pub mod sandbox;
pub mod source;

pub use error::{Error, Result};
