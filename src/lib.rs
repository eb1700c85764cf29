//! Bulk-SMS campaigns through the iSMS gateway: never twice, never lost.

pub mod campaign;
pub mod error;
pub mod gateway;
pub mod source;

pub use error::{Error, Result};
