//! A row as it was planned.

use crate::domain::{Msisdn, Text};

/// One row as it was planned.
#[derive(Clone, Copy, Debug)]
pub struct PlannedRow<'a> {
    /// `sms_row`.
    pub row: u32,
    /// The row's own cells as a CSV record.
    pub cells: &'a str,
    /// The number, where it could be read.
    pub msisdn: Option<Msisdn>,
    /// Its text, where one could be rendered.
    pub text: Option<RowText<'a>>,
    /// Whether it will be sent.
    pub disposition: Disposition<'a>,
}

/// The text of a row. It is stored with the first row that has it.
#[derive(Clone, Copy, Debug)]
pub struct RowText<'a> {
    /// The text.
    pub text: &'a Text,
    /// The first row that has it.
    pub first_row: u32,
}

/// Whether a row will be sent, and why not.
#[derive(Clone, Copy, Debug)]
pub enum Disposition<'a> {
    /// In the batch of this number.
    Send(u32),
    /// The row cannot be sent.
    Invalid(&'a str),
    /// An earlier row says the same.
    Duplicate(&'a str),
    /// The number is on a suppression list.
    Suppressed(&'a str),
}

impl<'a> PlannedRow<'a> {
    /// Its batch, what a ledger calls its disposition, and the reason for that.
    pub(super) fn disposition_columns(&self) -> (Option<u32>, &'static str, Option<&'a str>) {
        match self.disposition {
            Disposition::Send(batch) => (Some(batch), "send", None),
            Disposition::Invalid(reason) => (None, "invalid", Some(reason)),
            Disposition::Duplicate(reason) => (None, "duplicate", Some(reason)),
            Disposition::Suppressed(reason) => (None, "suppressed", Some(reason)),
        }
    }

    /// Its text, if it is stored with it, or else the first row that has it.
    pub(super) fn text_columns(&self) -> (Option<&'a str>, Option<u32>) {
        match self.text {
            Some(planned) if planned.first_row == self.row => (Some(&planned.text.body), None),
            planned => (None, planned.map(|planned| planned.first_row)),
        }
    }
}
