//! The ledger: one SQLite file for each campaign, which holds the frozen plan and everything that was ever done with it.
//! Times are handed in.
//!
//! The order of writes keeps the promise that no message is sent twice:
//!
//! 1. The lock beside the ledger is taken before anything is planned, and held to the end.
//! 2. A plan is built in `NAME.ledger.partial`, synced, and put in place as a whole: there is never half a plan.
//! 3. The lock remembers that the campaign is started before the first claim is committed.
//! 4. A claim is committed and synced before its request starts. A crash therefore leaves requests without an
//!    outcome, never outcomes without a claim, and what is claimed counts as unknown from then on.
//! 5. An outcome is committed before its worker takes another batch.
//!
//! | file | holds |
//! |---|---|
//! | `campaign` | a campaign |
//! | `batch`, `outcome` | a batch, and how an attempt to send it ended |
//! | `state` | the states of a batch and the transitions between them |
//! | `committer` | the thread that commits for all workers together |
//! | `totals` | the rows in numbers |
//! | `sqlite` | the SQLite file |

mod batch;
mod campaign;
mod committer;
mod outcome;
mod sqlite;
mod state;
#[cfg(test)]
pub(crate) mod tests;
mod totals;

pub use batch::{AttemptId, Batch, BatchId, NewState, Settlement};
pub use campaign::Campaign;
pub use committer::{Committer, LedgerHandle};
pub use outcome::AttemptOutcome;
pub use sqlite::*;
pub use totals::Totals;

#[cfg(test)]
use crate::{Kind, Result, domain::Timestamp};
