//! A row as it was planned.

use crate::domain::Msisdn;

/// One row as it was planned.
#[derive(Clone, Copy, Debug)]
pub struct PlannedRow<'a> {
    /// `sms_row`.
    pub row: u64,
    /// The row's own cells as a CSV record.
    pub cells: &'a str,
    /// The number, where it could be read.
    pub msisdn: Option<Msisdn>,
    /// The number of its text, where one could be rendered. The text is stored first.
    pub text: Option<u32>,
    /// Whether it will be sent.
    pub disposition: Disposition<'a>,
}

/// Whether a row will be sent, and why not.
#[derive(Clone, Copy, Debug)]
pub enum Disposition<'a> {
    /// In the batch of this number, which is stored first.
    Send(u32),
    /// The row cannot be sent.
    Invalid(&'a str),
    /// An earlier row says the same.
    Duplicate(&'a str),
    /// The number is on a suppression list.
    Suppressed(&'a str),
}
