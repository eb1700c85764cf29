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
    let (mut digits, written) = match cell.strip_prefix('0') {
        Some(national) => (MALAYSIA_CODE.to_owned(), national),
        None => (String::new(), cell.strip_prefix('+').unwrap_or(cell)),
    };
    let mut after_digit = cell.starts_with('0');
    for c in written.chars() {
        match c {
            '0'..='9' => {
                digits.push(c);
                after_digit = true;
            }
            ' ' | '-' if after_digit => after_digit = false,
            _ => return None,
        }
    }
    // Twelve digits in groups may be those of an identity card.
    let may_be_card = digits.len() == 12 && cell.len() > 12 && !cell.starts_with(['0', '+']);
    let national = digits.strip_prefix(MALAYSIA_CODE)?;
    let is_mobile = national.starts_with('1') && matches!(national.len(), 9 | 10);
    (is_mobile && after_digit && !may_be_card)
        .then(|| Msisdn::from_digits(&digits))
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
