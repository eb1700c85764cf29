//! Reading planned batches with all that their requests need.

use super::batch::{Batch, BatchId};
use super::error::{read_error, unknown_value};
use super::open::Ledger;
use crate::Result;
use crate::domain::{Encoding, Msisdn};

/// How many planned batches are read ahead at a time.
const PAGE: usize = 256;

impl Ledger {
    /// The next page of planned batches after `after`, in order.
    pub(super) fn planned_after(&self, after: Option<BatchId>) -> Result<Vec<Batch>> {
        match self.page(after).map_err(read_error)? {
            Ok(page) => Ok(page),
            Err(number) => Err(unknown_value("number", &number.to_string())),
        }
    }

    /// The inner error is a value that is not a phone number.
    fn page(&self, after: Option<BatchId>) -> rusqlite::Result<Result<Vec<Batch>, i64>> {
        // CROSS JOIN fixes the order of the tables: otherwise SQLite might sort everything that is planned. A missing text
        // leaves a NULL, which is an error; with a plain join its batch would never be sent, and never be noticed.
        let mut statement = self.connection.prepare_cached(
            "SELECT b.id, b.parent IS NOT NULL, t.body, t.type, r.row, r.msisdn
             FROM batch b
             CROSS JOIN recipient r ON r.batch_id = b.id
             LEFT JOIN text t ON t.id = r.text_id
             WHERE b.state = 'planned' AND b.id > ?1
             ORDER BY b.id",
        )?;
        let mut found = statement.query([after.map_or(0, |batch| batch.0)])?;
        let mut page: Vec<Batch> = Vec::with_capacity(PAGE);
        let mut members: Vec<(i64, Msisdn)> = Vec::new();
        while let Some(recipient) = found.next()? {
            let id = BatchId(recipient.get(0)?);
            if page.last().is_none_or(|batch| batch.id != id) {
                fill(&mut page, &mut members);
                if page.len() == PAGE {
                    return Ok(Ok(page));
                }
                let unicode = recipient.get::<_, u8>(3)? == Encoding::Unicode.wire();
                page.push(Batch {
                    id,
                    numbers: Vec::new(),
                    rows: Vec::new(),
                    text: recipient.get(2)?,
                    encoding: if unicode {
                        Encoding::Unicode
                    } else {
                        Encoding::Ascii
                    },
                    split: recipient.get(1)?,
                });
            }
            let number: i64 = recipient.get(5)?;
            match Msisdn::from_u64(number.cast_unsigned()) {
                Some(number) => members.push((recipient.get(4)?, number)),
                None => return Ok(Err(number)),
            }
        }
        fill(&mut page, &mut members);
        Ok(Ok(page))
    }
}

/// Gives the last batch its recipients, in the order of their rows; the index has them in the order of their numbers.
fn fill(page: &mut [Batch], members: &mut Vec<(i64, Msisdn)>) {
    members.sort_unstable_by_key(|(row, _)| *row);
    if let Some(batch) = page.last_mut() {
        (batch.rows, batch.numbers) = members.drain(..).unzip();
    }
}
