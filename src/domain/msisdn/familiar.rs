//! Malaysian mobiles in their usual spellings, without asking libphonenumber about each: nearly every cell of nearly every
//! spreadsheet. It knows no rule about which numbers exist; it remembers what was said of numbers that begin alike.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use super::Msisdn;

/// A number that begins with Malaysia's code and is grouped by single spaces and dashes only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Familiar {
    /// Without the country code: nine or ten digits that begin with a 1.
    national: u64,
    len: usize,
}

const MALAYSIA: u64 = 60;

/// The last digits that never matter: numbers are handed out in blocks of ten thousand and more, so whether one exists
/// is a matter of the digits before.
const FREE_DIGITS: u64 = 10_000;

const UNASKED: u8 = 0;
const GOOD: u8 = 1;
const OTHER: u8 = 2;

impl Familiar {
    /// The number that this cell spells, if it does so in one of the usual ways: `0123456789`, `012-345 6789`, `60123456789`,
    /// `+60 12-345 6789` and the like.
    pub(super) fn spelled(cell: &str) -> Option<Self> {
        let bytes = cell.as_bytes();
        let (international, written) = match bytes.strip_prefix(b"+") {
            Some(rest) => (true, rest),
            None => (false, bytes),
        };
        let mut digits = 0_u64;
        let mut len = 0;
        let mut after_digit = false;
        for &byte in written {
            match byte {
                b'0'..=b'9' => {
                    digits = digits * 10 + u64::from(byte - b'0');
                    len += 1;
                    after_digit = true;
                }
                b' ' | b'-' if after_digit => after_digit = false,
                _ => return None,
            }
            if len > 12 {
                return None;
            }
        }
        let begins_with_zero = written.first() == Some(&b'0');
        let grouped = written.len() > len;
        let national_len = match (international, begins_with_zero) {
            (false, true) => len.checked_sub(1)?,
            // Twelve digits in groups may be those of an identity card.
            (false, false) if grouped && len == 12 => return None,
            (_, false) => len.checked_sub(2)?,
            (true, true) => return None,
        };
        let first = match national_len {
            9 => 100_000_000,
            10 => 1_000_000_000,
            _ => return None,
        };
        let national = if begins_with_zero {
            digits
        } else {
            digits.checked_sub(MALAYSIA * first * 10)?
        };
        (after_digit && (first..2 * first).contains(&national)).then_some(Self {
            national,
            len: national_len,
        })
    }

    /// The number, if it is a handset's; `ask` says of one that it is, and is asked once of all that begin alike.
    pub(super) fn number(self, ask: impl FnOnce(Msisdn) -> bool) -> Option<Msisdn> {
        let shift = if self.len == 9 {
            1_000_000_000
        } else {
            10_000_000_000
        };
        let number = Msisdn::from_u64(MALAYSIA * shift + self.national)?;
        let memory = memory(self)?;
        let said = match memory.load(Ordering::Relaxed) {
            UNASKED => {
                let said = if ask(number) { GOOD } else { OTHER };
                memory.store(said, Ordering::Relaxed);
                said
            }
            said => said,
        };
        (said == GOOD).then_some(number)
    }
}

/// Where what was said of numbers that begin like this one is remembered.
fn memory(familiar: Familiar) -> Option<&'static AtomicU8> {
    static SHORT: OnceLock<Vec<AtomicU8>> = OnceLock::new();
    static LONG: OnceLock<Vec<AtomicU8>> = OnceLock::new();
    // What comes before the free digits begins with a 1.
    let (memory, places) = if familiar.len == 9 {
        (&SHORT, 10_000)
    } else {
        (&LONG, 100_000)
    };
    let beginning = usize::try_from(familiar.national / FREE_DIGITS).ok()?;
    memory
        .get_or_init(|| (0..places).map(|_| AtomicU8::new(UNASKED)).collect())
        .get(beginning.checked_sub(places)?)
}
