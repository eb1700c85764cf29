//! Why a cell does not hold the number of a handset, as sentences for the person who has to correct it.

use super::characters::{quoted, visible};
use super::number::Msisdn;
use super::region::Region;

/// Why a cell cannot be read as the number of a handset: a sentence that begins with the cell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cell}{}{kind}", if cell.is_empty() { "" } else { " " })]
pub struct NumberError {
    cell: String,
    kind: NumberErrorKind,
}

impl NumberError {
    pub(super) fn new(cell: &str, kind: NumberErrorKind) -> Self {
        let cell = match kind {
            NumberErrorKind::Blank => String::new(),
            _ => quoted(cell),
        };
        Self { cell, kind }
    }

    /// What is wrong with the cell.
    #[must_use]
    pub fn kind(&self) -> &NumberErrorKind {
        &self.kind
    }
}

/// What is wrong with a cell that should hold a number. Displayed, it continues a sentence that begins with the cell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberErrorKind {
    /// Nothing in it.
    #[error("the number is missing")]
    Blank,
    /// `-`, `N/A`, `tiada`: a note that there is no number.
    #[error("is a placeholder, not a phone number")]
    Placeholder,
    /// `#N/A`, `#REF!`.
    #[error("is an error of the spreadsheet; correct its formula")]
    SheetError,
    /// A formula whose result the file does not hold.
    #[error("has no result; open the workbook in the spreadsheet program, save it and plan again")]
    NotCalculated,
    /// Nothing, as its cell is merged with the one above.
    #[error("is merged with the cell above; unmerge the cells and fill in every row")]
    Merged,
    /// `########`: what a spreadsheet shows, and exports, in place of a number that is wider than its column.
    #[error("did not fit its column; widen the column in the spreadsheet and export it again")]
    TooWide,
    /// Words in the cell.
    #[error("has letters in it; leave only the number")]
    Letters,
    /// A letter that looks like a digit, where one is missing.
    #[error("has the letter {letter} in it, perhaps for a {digit}; correct it")]
    LetterForDigit {
        /// As it stands in the cell.
        letter: char,
        /// What it looks like.
        digit: char,
    },
    /// Arabic, Bengali or circled digits.
    #[error("has digits of another script in it; write it with 0 to 9")]
    OtherDigits,
    /// `6.01E+10`: a spreadsheet's way to show, and export, a long number. Formatting the column as text comes too
    /// late for it: Excel then keeps showing the short form of 12 digits.
    #[error(
        "was rounded by the spreadsheet, its last digits are gone; there, format the column as a number with 0 decimals, make it wider and export it again"
    )]
    Rounded,
    /// `60123456789.5`
    #[error("has decimals, which no phone number has")]
    Decimals,
    /// `-0123456789`: a minus sign, a bullet, or the end of something longer.
    #[error("begins with a dash; leave only the number")]
    Dash,
    /// Two numbers, or what looks like two.
    #[error("looks like two numbers or more; leave one")]
    Several,
    /// `+60 +6012-345 6789`
    #[error("has a + in the wrong place; write one, in front of the country code")]
    StrayPlus,
    /// A number behind a switchboard.
    #[error("has an extension, which cannot get an SMS")]
    Extension,
    /// A character that does not occur in numbers.
    #[error("has the character {} in it; leave only the number", visible(*.0))]
    Stray(char),
    /// Brackets, or a lonely plus sign.
    #[error("has no digits in it")]
    NoDigits,
    /// A service number of a network.
    #[error("is a short code, not a phone number")]
    ShortCode,
    /// Fewer digits than any number it could be.
    #[error("is too short for a phone number")]
    TooShort,
    /// More digits than any number it could be.
    #[error("is too long for a phone number")]
    TooLong,
    /// `060123456789`, `6060123456789`, `1) 0123456789`
    #[error("has too much in front of the number; write the country code once, or a single 0")]
    Prefixed,
    /// Written like the number of a MyKad (`YYMMDD-PB-NNNN`), or as likely one as a number abroad.
    #[error(
        "looks like an identity card number; a phone number of another country needs + in front"
    )]
    IdentityCard,
    /// A calling code that no country has.
    #[error("does not begin with the code of a country")]
    NoCountry,
    /// The right length, but not in use.
    #[error("is not a number in use in {0}")]
    NotInUse(Region),
    /// A number in use, but not of a handset.
    #[error("is {kind} ({region}), which cannot get an SMS")]
    NoHandset {
        /// What it is, with its article.
        kind: &'static str,
        /// Where.
        region: Region,
    },
    /// Two numbers, depending on whether it begins with a calling code.
    #[error("could be +{0} or +{1}; write it with + and the country code")]
    Ambiguous(Msisdn, Msisdn),
    /// A number whose digits change when it is dialled from abroad: an Argentine mobile, or one with the code of a Brazilian carrier.
    #[error("is perhaps +{0}; write it like that if so")]
    Rewritten(Msisdn),
}
