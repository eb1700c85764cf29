//! The ledger of a campaign: it holds the frozen plan and everything that was ever done with it.
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
//! A store, where many can send one campaign, holds the lock of the first rule only until the campaign is planned. From then on a
//! claim names its sender, of whom the database knows whether it is there; see `postgresql`.
//!
//! What may become of a batch is decided in `transition`, without input or output, as a list of changes. A backend writes
//! these changes durably and reads; it decides nothing.
//!
//! | file | holds |
//! |---|---|
//! | `location` | where a ledger is: its lock, a plan in its making, a ledger to read |
//! | `open` | a ledger open for sending: the transitions, carried out in transactions |
//! | `committer` | the thread that commits for all workers together |
//! | `batch_queue` | the batches that the process holds, for the workers |
//! | `transition`, `state` | what may become of a batch, and the states that allow it |
//! | `change` | what is written |
//! | `batch`, `outcome`, `resolution` | a batch, how an attempt to send it ended, what an operator says of it |
//! | `sender`, `outlast` | what others must know of one that sends, and how it waits for a lost database |
//! | `campaign`, `planned_row`, `recipient`, `totals` | a campaign and its rows |
//! | `verify` | whether everything adds up |
//! | `backend` | what a backend does |
//! | `stored` | stored values as values of the program |
//! | `sqlite` | the backend that keeps each ledger in one file |
//! | `postgresql` | the backend that keeps campaigns in a PostgreSQL database |

mod backend;
mod batch;
mod batch_queue;
mod campaign;
mod change;
mod committer;
mod location;
mod open;
mod outcome;
mod outlast;
mod planned_row;
mod postgresql;
mod recipient;
mod resolution;
mod sender;
mod sqlite;
mod state;
mod stored;
#[cfg(test)]
pub(crate) mod tests;
mod totals;
mod transition;
mod verify;

pub use backend::{History, LockGuard, PlanInserts, PlanWriter, Snapshot, Started};
pub use batch::{AttemptId, Batch, BatchId, NewState, Settlement, Suppressed};
pub use batch_queue::Take;
pub use campaign::Campaign;
pub use committer::{Committer, LedgerHandle};
pub use location::{Location, Lock};
pub use open::Ledger;
pub use outcome::AttemptOutcome;
pub use outlast::Outlast;
pub use planned_row::{Disposition, PlannedRow, RowText};
pub use postgresql::{LONGEST_NAME, Place, Store};
pub use recipient::{Decision, PlannedText, Recipient};
pub use resolution::{Resolution, Resolved, Selection, row_ranges};
pub use sender::{Awaited, Reservation, SenderOptions, account_id};
pub use sqlite::SUFFIX;
pub use totals::Totals;
