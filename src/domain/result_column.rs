//! The columns that the results add to the right of the spreadsheet's own.

use strum::{IntoStaticStr, VariantArray};

/// A column of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", prefix = "sms_")]
pub enum ResultColumn {
    /// The row's number; 1 is the first row under the header.
    Row,
    /// The number that was or will be sent to.
    To,
    /// The row's [`Status`](super::status::Status).
    Status,
    /// The code of the gateway's answer.
    Code,
    /// The gateway's transaction id.
    TrxId,
    /// What the status means for this row, and what to do about it.
    Detail,
    /// The text's encoding, as the gateway's `type`.
    Type,
    /// What the message costs.
    Credits,
    /// The batch that the row belongs to.
    Batch,
    /// How many requests were made for the row.
    Attempts,
    /// When the last of these was claimed.
    SentAt,
    /// The text.
    Message,
}

impl ResultColumn {
    /// All of them, in the order of the results.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The column's header.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The column with exactly this header, if there is one.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|column| column.name() == header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_recognised_exactly_as_written() {
        let names: Vec<&str> = ResultColumn::ALL.iter().map(|c| c.name()).collect();
        assert_eq!(
            names.join(" "),
            "sms_row sms_to sms_status sms_code sms_trx_id sms_detail sms_type sms_credits sms_batch sms_attempts sms_sent_at \
             sms_message"
        );
        for column in ResultColumn::ALL {
            assert_eq!(ResultColumn::parse(column.name()), Some(*column));
        }
        assert_eq!(ResultColumn::parse("SMS_TO"), None);
    }
}
