//! Bulk-SMS campaigns through the iSMS gateway: never twice, never lost.

pub mod campaign;
pub mod error;
pub mod gateway;
pub mod sandbox;

pub use error::{Error, Result};
