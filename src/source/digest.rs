//! The fingerprint of a spreadsheet: what its header and cells say, whatever way they are written down. It knows no file and
//! no format.

use std::fmt;

use super::row::{Row, RowError};

/// The fingerprint of a header and the rows under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The 32 bytes, for storing.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    /// In hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Takes in the header and then row after row.
pub(super) struct Fingerprint {
    hasher: blake3::Hasher,
    /// Waits to be hashed: BLAKE3 is several times faster on long pieces than on cells.
    waiting: Vec<u8>,
}

const PIECE: usize = 64 * 1024;

impl Fingerprint {
    pub(super) fn of_header(headers: &[String]) -> Self {
        let mut fingerprint = Self {
            hasher: blake3::Hasher::new(),
            waiting: Vec::with_capacity(PIECE + 4096),
        };
        fingerprint.count(headers.len());
        for header in headers {
            fingerprint.count(header.len());
            fingerprint.waiting.extend_from_slice(header.as_bytes());
        }
        fingerprint
    }

    /// The fault counts too: a row that was mended by quotes alone says the same and is not the same.
    pub(super) fn add(&mut self, row: &Row) {
        self.waiting.push(match row.error() {
            None => 0,
            Some(RowError::Ragged { .. }) => 1,
            Some(RowError::TextAfterQuote) => 2,
        });
        self.count(row.ends().len());
        // Ends and then the text are as unambiguous as a length before each cell, and need no loop over the text.
        for &end in row.ends() {
            self.count(end);
        }
        self.waiting.extend_from_slice(row.text().as_bytes());
        if self.waiting.len() >= PIECE {
            self.hasher.update(&self.waiting);
            self.waiting.clear();
        }
    }

    fn count(&mut self, count: usize) {
        self.waiting
            .extend_from_slice(&(count as u64).to_le_bytes());
    }

    pub(super) fn so_far(&self) -> Digest {
        let mut hasher = self.hasher.clone();
        hasher.update(&self.waiting);
        Digest(*hasher.finalize().as_bytes())
    }
}
