//! A row with its outcome.

use crate::domain::{Encoding, Msisdn, Status};

/// One row with its outcome. Most of it is borrowed until the next row is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient<'r> {
    /// `sms_row`.
    pub row: u64,
    /// The row's own cells as a CSV record.
    pub cells: &'r str,
    /// The number, where it could be read.
    pub msisdn: Option<Msisdn>,
    /// Its status.
    pub status: Status,
    /// The code as answered.
    pub code: Option<i32>,
    /// The recipient's own transaction id, or its batch's.
    pub trx_id: Option<&'r str>,
    /// Why it is invalid, duplicate or suppressed, unknown, or pending or cancelled after an attempt.
    pub reason: Option<&'r str>,
    /// The last decision of an operator about it.
    pub decision: Option<Decision<'r>>,
    /// The text, where it could be rendered.
    pub text: Option<&'r str>,
    /// The encoding of the text.
    pub encoding: Option<Encoding>,
    /// What the text costs, whether or not it was sent.
    pub credits: u32,
    /// The batch (`sms_batch`), if it was planned to be sent.
    pub batch: Option<u64>,
    /// How many recipients its batch has, where all of them were refused with one answer.
    pub refused_together: Option<u64>,
    /// How many attempts were made.
    pub attempts: u32,
    /// The last claim, RFC 3339.
    pub claimed_at: Option<&'r str>,
}

/// A row that was planned to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedText<'r> {
    /// `sms_row`.
    pub row: u64,
    /// The number.
    pub msisdn: Msisdn,
    /// The text.
    pub body: &'r str,
    /// Its encoding.
    pub encoding: Encoding,
    /// What it costs.
    pub credits: u32,
}

/// A decision of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<'r> {
    /// When it was made.
    pub at: &'r str,
    /// `accepted`, `not-sent` or `cancelled`.
    pub resolution: &'r str,
    /// What the operator wrote about it.
    pub note: Option<&'r str>,
}
