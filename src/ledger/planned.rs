//! Planned batches, read out of the ledger with all that their requests need. It changes nothing.

use rusqlite::params;

use super::book::{Batch, BatchId, Book};
use super::{failed, unknown_word};
use crate::Result;
use crate::campaign::{Encoding, Msisdn};

/// How many planned batches are read ahead at a time.
const PAGE: usize = 256;

impl Book {
    /// The next planned batches behind `after`, in order, a page at a time.
    pub fn planned_after(&self, after: Option<BatchId>) -> Result<Vec<Batch>> {
        let ids = self.column(
            "SELECT id FROM batch WHERE state = 'planned' AND id > ?1 ORDER BY id LIMIT ?2",
            params![after.map_or(0, |batch| batch.0), PAGE.cast_signed()],
        )?;
        ids.into_iter().map(|id| self.batch(id)).collect()
    }

    fn batch(&self, id: i64) -> Result<Batch> {
        let mut batch = Batch {
            id: BatchId(id),
            numbers: Vec::new(),
            rows: Vec::new(),
            text: String::new(),
            encoding: Encoding::Ascii,
            split: false,
        };
        let read = || -> rusqlite::Result<Option<String>> {
            let mut statement = self.connection.prepare_cached(
                "SELECT row, msisdn, text_id FROM recipient WHERE batch_id = ?1 ORDER BY row",
            )?;
            let mut found = statement.query([id])?;
            let mut text_id = None;
            while let Some(recipient) = found.next()? {
                batch.rows.push(recipient.get(0)?);
                let number: i64 = recipient.get(1)?;
                match Msisdn::from_u64(number.cast_unsigned()) {
                    Some(number) => batch.numbers.push(number),
                    None => return Ok(Some(number.to_string())),
                }
                text_id = Some(recipient.get::<_, i64>(2)?);
            }
            self.connection
                .prepare_cached(
                    "SELECT body, type, (SELECT parent IS NOT NULL FROM batch WHERE id = ?2) FROM text WHERE id = ?1",
                )?
                .query_row(params![text_id, id], |text| {
                    batch.text = text.get(0)?;
                    if text.get::<_, u8>(1)? == Encoding::Unicode.wire() {
                        batch.encoding = Encoding::Unicode;
                    }
                    batch.split = text.get(2)?;
                    Ok(())
                })?;
            Ok(None)
        };
        let mut read = read;
        match read().map_err(|fault| failed(&fault))? {
            None => Ok(batch),
            Some(number) => Err(unknown_word("number", &number)),
        }
    }
}
