//! The digest of a spreadsheet: a hash of its header and cells, whatever the format they are written in.

use super::quotes::QuoteError;
use super::row::{Row, RowError};

/// Computes a digest from the header and then row after row.
pub(super) struct DigestBuilder {
    hasher: blake3::Hasher,
    /// Not hashed yet: BLAKE3 is several times faster on long pieces than on cells.
    pending: Vec<u8>,
}

/// Marks of a row that the spreadsheet hides, and of one with values that show something else.
const HIDDEN: u8 = 0x40;
const HAS_HELD: u8 = 0x80;

const PIECE: usize = 64 * 1024;

impl DigestBuilder {
    pub(super) fn new(headers: &[String]) -> Self {
        let mut builder = Self {
            hasher: blake3::Hasher::new(),
            pending: Vec::with_capacity(PIECE + 4096),
        };
        builder.count(headers.len());
        for header in headers {
            builder.count(header.len());
            builder.pending.extend_from_slice(header.as_bytes());
        }
        builder
    }

    /// Whether a row is hidden counts: a changed filter means other recipients. Values count besides what they show, since
    /// templates calculate with them. The error counts too: a row that was repaired by quotes alone has the same cells and is another row.
    pub(super) fn add(&mut self, row: &Row) {
        let error = match row.error() {
            None => 0,
            Some(RowError::Ragged { .. } | RowError::BesideTable { .. }) => 1,
            Some(RowError::Quotes(QuoteError::TextAfter)) => 2,
            Some(RowError::Quotes(QuoteError::AfterSpace)) => 3,
            Some(RowError::Quotes(QuoteError::Single)) => 4,
        };
        let held = row.held_cells();
        let hidden = if row.is_hidden() { HIDDEN } else { 0 };
        let has_held = if held.is_empty() { 0 } else { HAS_HELD };
        self.pending.push(error | hidden | has_held);
        self.count(row.ends().len());
        // Ends and then the text are as unambiguous as a length before each cell, and need no loop over the text.
        for &end in row.ends() {
            self.count(end);
        }
        self.pending.extend_from_slice(row.text().as_bytes());
        if !held.is_empty() {
            self.count(held.len());
        }
        for held in held {
            self.count(held.cell);
            self.pending.push(held.is_number.into());
            self.count(held.text.len());
            self.pending.extend_from_slice(held.text.as_bytes());
        }
        if self.pending.len() >= PIECE {
            self.hasher.update(&self.pending);
            self.pending.clear();
        }
    }

    fn count(&mut self, count: usize) {
        self.pending
            .extend_from_slice(&(count as u64).to_le_bytes());
    }

    /// In hexadecimal.
    pub(super) fn digest(&self) -> String {
        let mut hasher = self.hasher.clone();
        hasher.update(&self.pending);
        hasher.finalize().to_hex().to_string()
    }
}
