//! The subcommands, one file each.

pub(super) mod balance;
pub(super) mod campaigns;
pub(super) mod cancel;
pub(super) mod guide;
pub(super) mod plan;
pub(super) mod resolve;
pub(super) mod results;
pub(super) mod sandbox;
pub(super) mod send;
pub(super) mod status;
pub(super) mod test;
pub(super) mod verify;
