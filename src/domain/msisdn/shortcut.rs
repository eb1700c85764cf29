//! Malaysian mobiles in their usual notations, which nearly every cell of nearly every spreadsheet holds. To look up each of
//! them in libphonenumber's tables would take as long as the rest of a plan.

use std::cell::RefCell;

use hashbrown::HashMap;

use super::number::Msisdn;
use super::region::MALAYSIA_CODE;

/// Numbers are handed out in blocks of at least this size, so the last four digits do not decide whether one is in use.
const BLOCK: u64 = 10_000;

/// The number of this cell, if it is written like a Malaysian mobile in one of the usual ways: `0123456789`, `012-345 6789`,
/// `60123456789`, `+60 12-345 6789`.
pub(super) fn malaysian_mobile(cell: &str) -> Option<Msisdn> {
    let with_code = cell.strip_prefix('+').unwrap_or(cell);
    let written = match cell.strip_prefix('0') {
        Some(national) => national,
        None => with_code.strip_prefix(MALAYSIA_CODE)?,
    };
    let mut national = 0;
    let mut digits = 0;
    let mut after_digit = true;
    for byte in written.bytes() {
        match byte {
            b'0'..=b'9' if digits < 10 => {
                national = national * 10 + u64::from(byte - b'0');
                digits += 1;
                after_digit = true;
            }
            b' ' | b'-' if after_digit => after_digit = false,
            _ => return None,
        }
    }
    // Twelve digits in groups may be those of an identity card.
    let may_be_card = digits == 10 && cell.len() > 12 && cell.starts_with(MALAYSIA_CODE);
    let is_mobile = matches!(digits, 9 | 10) && national / 10_u64.pow(digits - 1) == 1;
    let code: u64 = MALAYSIA_CODE.parse().ok()?;
    (is_mobile && after_digit && !may_be_card)
        .then(|| Msisdn::from_u64(code * 10_u64.pow(digits) + national))
        .flatten()
}

/// Whether a number like this one is in use. `look_up` is asked once for each block of numbers.
pub(super) fn is_in_use(number: Msisdn, look_up: impl FnOnce(Msisdn) -> bool) -> bool {
    thread_local! {
        static BLOCKS: RefCell<HashMap<u64, bool>> = RefCell::default();
    }
    BLOCKS.with_borrow_mut(|blocks| {
        *blocks
            .entry(number.as_u64() / BLOCK)
            .or_insert_with(|| look_up(number))
    })
}
