//! The columns that the results add to the right of the spreadsheet's own.

/// A column of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    pub const ALL: [Self; 12] = [
        Self::Row,
        Self::To,
        Self::Status,
        Self::Code,
        Self::TrxId,
        Self::Detail,
        Self::Type,
        Self::Credits,
        Self::Batch,
        Self::Attempts,
        Self::SentAt,
        Self::Message,
    ];

    /// The column's header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Row => "sms_row",
            Self::To => "sms_to",
            Self::Status => "sms_status",
            Self::Code => "sms_code",
            Self::TrxId => "sms_trx_id",
            Self::Detail => "sms_detail",
            Self::Type => "sms_type",
            Self::Credits => "sms_credits",
            Self::Batch => "sms_batch",
            Self::Attempts => "sms_attempts",
            Self::SentAt => "sms_sent_at",
            Self::Message => "sms_message",
        }
    }

    /// The column with exactly this header, if there is one.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name() == header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_recognised_exactly_as_written() {
        for column in ResultColumn::ALL {
            assert_eq!(ResultColumn::parse(column.name()), Some(column));
        }
        assert_eq!(ResultColumn::parse("SMS_TO"), None);
    }
}
