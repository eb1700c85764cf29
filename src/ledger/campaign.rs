//! The campaign of a ledger.

use crate::domain::report::Report;
use crate::domain::schedule::Given;
use crate::domain::{PlanOptions, Timestamp};

/// What is known of a campaign since it was planned. Only `gateway_host`, `expires_at` and `schedules` are set
/// later.
#[derive(Clone, Debug, PartialEq)]
pub struct Campaign {
    /// 32 hexadecimal digits, drawn when it was planned.
    pub id: String,
    /// What people call it: the spreadsheet's name.
    pub name: String,
    /// The spreadsheet as it was named.
    pub input: String,
    /// The message and every other option that the plan depends on.
    pub options: PlanOptions,
    /// A digest of the header and the cells, hexadecimal.
    pub digest: String,
    /// The header as a CSV record.
    pub header: String,
    /// The delimiter of `header`, of the recipients' cells, and of the results.
    pub delimiter: u8,
    /// Whether the results begin with a byte order mark.
    pub bom: bool,
    /// What the plan found.
    pub report: Report,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// When it becomes too old to be sent.
    pub expires_at: Timestamp,
    /// When runs were asked to send it, the last one last. Where several in turn were asked the same, it is here once.
    pub schedules: Vec<Given>,
    /// Whether it is a test: its texts are those of another campaign, and went to the phones of those who make it.
    pub is_test: bool,
    /// Where it was first sent to.
    pub gateway_host: Option<String>,
}
