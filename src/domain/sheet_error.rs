//! What a spreadsheet shows where a formula failed. It knows no cells and no texts.

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

/// Whether this is one of them and nothing else, or one that LibreOffice only numbers: `Err:502`. Case does not matter: people
/// type them too.
pub(crate) fn is_all_of(text: &str) -> bool {
    let numbered = || {
        text.split_once(':').is_some_and(|(word, number)| {
            word.eq_ignore_ascii_case("Err")
                && number.len() == 3
                && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    NAMES.iter().any(|name| name.eq_ignore_ascii_case(text)) || numbered()
}

/// How long the one is that the text begins with.
pub(crate) fn at_start_of(text: &str) -> Option<usize> {
    NAMES
        .iter()
        .find(|name| text.starts_with(**name))
        .map(|name| name.len())
}
