//! Reading planned batches with all that their requests need.

use std::sync::Arc;

use super::error::unknown_value;
use super::open::Ledger;
use crate::Result;
use crate::domain::{Encoding, Message, Msisdn};
use crate::ledger::batch::{Batch, BatchId};

/// How many planned batches are read ahead at a time.
const PAGE: usize = 256;

impl Ledger {
    /// The next page of planned batches after `after`, in order.
    pub(in crate::ledger) fn planned_after(&self, after: Option<BatchId>) -> Result<Vec<Batch>> {
        // CROSS JOIN fixes the order of the tables: otherwise SQLite might sort everything that is planned. A missing text
        // leaves a NULL, which is an error; with a plain join its batch would never be sent, and never be noticed.
        let mut statement = self.connection.prepare_cached(
            "SELECT b.id, b.parent IS NOT NULL, r.row, r.msisdn, r.text_id, t.body, t.type
             FROM batch b
             CROSS JOIN recipient r ON r.batch_id = b.id
             LEFT JOIN text t ON t.id = r.text_id
             WHERE b.state = 'planned' AND b.id > ?1
             ORDER BY b.id, r.row",
        )?;
        let mut found = statement.query([after.map_or(0, |batch| batch.0)])?;
        let mut page: Vec<Batch> = Vec::with_capacity(PAGE);
        let mut text: Option<(i64, Arc<str>)> = None;
        while let Some(recipient) = found.next()? {
            let id = BatchId(recipient.get(0)?);
            if page.last().is_none_or(|batch| batch.id != id) {
                if page.len() == PAGE {
                    break;
                }
                page.push(Batch {
                    id,
                    messages: Vec::new(),
                    rows: Vec::new(),
                    split: recipient.get(1)?,
                });
            }
            let number: i64 = recipient.get(3)?;
            let text_id = recipient.get(4)?;
            // The recipients of most batches have one text.
            let body = match &text {
                Some((id, body)) if *id == text_id => Arc::clone(body),
                _ => recipient.get(5)?,
            };
            text = Some((text_id, Arc::clone(&body)));
            let wire: u8 = recipient.get(6)?;
            let message = Message {
                number: Msisdn::from_u64(number.cast_unsigned())
                    .ok_or_else(|| unknown_value("number", &number.to_string()))?,
                text: body,
                encoding: Encoding::from_wire(wire)
                    .ok_or_else(|| unknown_value("type", &wire.to_string()))?,
            };
            if let Some(batch) = page.last_mut() {
                batch.rows.push(recipient.get(2)?);
                batch.messages.push(message);
            }
        }
        let limits = self.campaign().options.limits;
        page.iter().try_for_each(|batch| batch.check(limits))?;
        Ok(page)
    }
}
