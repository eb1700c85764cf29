//! What a spreadsheet shows in a cell in place of a value: the error of a formula, or a value that is wider than its column.

/// An error that is all of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SheetError {
    /// A formula failed: `#N/A`, `Err:502`.
    Formula,
    /// The value is wider than its column: `####`.
    TooWide,
    /// A formula whose result the file does not hold: [`NOT_CALCULATED`].
    NotCalculated,
}

/// What a cell reads as whose formula was never calculated, in a file of a program that does not calculate. Nothing else shows
/// that something is missing.
pub(crate) const NOT_CALCULATED: &str = "#NOT CALCULATED!";

/// The error values of Excel, Google Sheets (`#ERROR!`) and LibreOffice that have a name.
const NAMES: &[&str] = &[
    "#BLOCKED!",
    "#BUSY!",
    "#CALC!",
    "#CONNECT!",
    "#DIV/0!",
    "#ERROR!",
    "#EXTERNAL!",
    "#FIELD!",
    "#GETTING_DATA",
    "#N/A",
    "#NAME?",
    "#NULL!",
    "#NUM!",
    "#PYTHON!",
    "#REF!",
    "#SPILL!",
    "#UNKNOWN!",
    "#VALUE!",
];

/// The error that this cell consists of, if it does. The cell is trimmed. Case does not matter: people type these, too.
pub(crate) fn of_cell(cell: &str) -> Option<SheetError> {
    // Nearly every cell begins with something else.
    if !cell.starts_with(['#', 'E', 'e']) {
        return None;
    }
    if cell.len() >= 2 && cell.bytes().all(|byte| byte == b'#') {
        return Some(SheetError::TooWide);
    }
    if cell.eq_ignore_ascii_case(NOT_CALCULATED) {
        return Some(SheetError::NotCalculated);
    }
    let is_name = NAMES.iter().any(|name| name.eq_ignore_ascii_case(cell));
    (is_name || is_numbered(cell)).then_some(SheetError::Formula)
}

/// Whether this is an error that LibreOffice only numbers: `Err:502`.
fn is_numbered(cell: &str) -> bool {
    cell.split_once(':').is_some_and(|(word, number)| {
        word.eq_ignore_ascii_case("Err")
            && number.len() == 3
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The length of the named error that the text begins with.
pub(crate) fn at_start_of(text: &str) -> Option<usize> {
    NAMES
        .iter()
        .find(|name| text.starts_with(**name))
        .map(|name| name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_are_errors() {
        for cell in ["#N/A", "#n/a", "#REF!", "Err:502", "err:502"] {
            assert_eq!(of_cell(cell), Some(SheetError::Formula), "{cell}");
        }
        for cell in ["##", "###", "########"] {
            assert_eq!(of_cell(cell), Some(SheetError::TooWide), "{cell}");
        }
        for cell in ["", "#", "#1", "##1", "# #", "Err:50", "Error", "N/A"] {
            assert_eq!(of_cell(cell), None, "{cell}");
        }
    }
}
