//! Phone numbers: how a cell of a spreadsheet is read as the number of a handset. Nothing is guessed: a cell that can be read in
//! two ways, or only with a digit added, is an error.

mod characters;
mod error;
mod lookup;
mod notation;
mod number;
mod region;
mod shortcut;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;

pub use error::{NumberError, NumberErrorKind};
pub use number::Msisdn;
pub use region::{MALAYSIA_CODE, Region, UnknownRegion};

/// The number that a cell holds. Without a calling code it is a number of `region`.
///
/// Accepted is what libphonenumber takes for a number in use of a kind that can get an SMS: a mobile, a number that may be either
/// (as all of North America), or voice over IP, which is its kind for Malaysia's 015. Where it would take the digits for something
/// else, or take other digits than the cell's, the cell is an error.
pub fn read(cell: &str, region: Region) -> Result<Msisdn, NumberError> {
    if region == Region::MY
        && let Some(number) = shortcut::malaysian_mobile(cell)
        && shortcut::is_in_use(number, |number| {
            look_up(&format!("+{number}"), region) == Ok(number)
        })
    {
        return Ok(number);
    }
    look_up(cell, region)
}

fn look_up(cell: &str, region: Region) -> Result<Msisdn, NumberError> {
    notation::dialled(cell)
        .and_then(|dialled| lookup::handset_number(&dialled, region))
        .map_err(|kind| NumberError::new(cell, kind))
}
