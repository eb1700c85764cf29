//! What a spreadsheet shows or exports in a cell in place of its value: the error of a formula, a value that is wider than its
//! column, a number without its last digits.

use super::cell;

/// An error that is all of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SheetError {
    /// A formula failed: `#N/A`, `Err:502`.
    Formula,
    /// The value is wider than its column: `####`.
    TooWide,
    /// A formula whose result the file does not hold: `NOT_CALCULATED`.
    NotCalculated,
    /// Nothing, as it is merged with the cell above: `MERGED`.
    Merged,
    /// A long number without its last digits: `7.01235E+12`.
    Rounded,
    /// A formula, exported in place of its result: `=VLOOKUP(A2,B:C,2)`.
    FormulaText,
    /// An apostrophe that is the mark of a text cell or the first of two quotes: `'2 for 1' deals`.
    Apostrophe,
}

impl SheetError {
    /// What a row that needs this cell is told: a sentence that continues "column X holds".
    pub(crate) fn of(self, cell: &str) -> String {
        match self {
            Self::Formula | Self::TooWide => {
                format!("the spreadsheet error {cell}; correct it and export again")
            }
            Self::NotCalculated => format!("{}; {CALCULATE}", self.label()),
            Self::Merged => self.label().to_owned(),
            Self::Rounded if is_beyond_digits(cell) => format!(
                "{cell}, a number of more than 15 digits, of which a spreadsheet keeps 15; format the column there as text and enter the number again"
            ),
            Self::Rounded => format!(
                "{cell}, a number whose last digits the spreadsheet left out; format the column there as a number with 0 decimals, make it wider and export again"
            ),
            Self::FormulaText => {
                "a formula instead of its result; export the values, not the formulas".to_owned()
            }
            Self::Apostrophe => "an apostrophe at its start that may be a quote or only mark the cell as text; delete it, or write “ and ”".to_owned(),
        }
    }

    /// The same without the cell, for rows that are counted together.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Formula | Self::TooWide => "a spreadsheet error",
            Self::NotCalculated => "a formula without a result",
            Self::Merged => {
                "nothing, as the cell is merged with the one above; unmerge the cells and fill in every row"
            }
            Self::Rounded => "a number without its last digits",
            Self::FormulaText => "a formula instead of its result",
            Self::Apostrophe => "an apostrophe that may be a quote or mark a text",
        }
    }
}

/// What helps where a formula has no result.
const CALCULATE: &str = "open the workbook in the spreadsheet program, save it and plan again";

/// What a cell reads as whose formula was never calculated, in a file of a program that does not calculate. Nothing else shows
/// that something is missing.
pub(crate) const NOT_CALCULATED: &str = "#NOT CALCULATED!";

/// What a cell reads as that is merged with the one above. The sheet shows one value beside several rows, and whether it is meant
/// for all of them is not certain.
pub(crate) const MERGED: &str = "#MERGED!";

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

/// The error values of Excel in other languages. XLSX holds the English ones, but a CSV what the sheet shows. Not looked for within
/// texts: `#NV` also begins a hashtag.
#[rustfmt::skip]
const TRANSLATED: &[&str] = &[
    "#AD?", "#ADR!", "#ARG!", "#ARVO!", "#BEZUG!", "#DEEL/0!", "#DEĞER!", "#DIV/0", "#DIVISION/0!", "#DZIEL/0!", "#FEHLER!",
    "#GETAL!", "#HODNOTA!", "#I/T", "#JAKO/0!", "#LICZBA!", "#LUKU!", "#N/B", "#N/D", "#N/D!", "#NAAM?", "#NAMN?", "#NAVN?",
    "#NAZWA?", "#NIMI?", "#NOM?", "#NOMBRE!", "#NOME?", "#NUL!", "#NV", "#NÁZEV?", "#NÉV?", "#NÚM!", "#ODKAZ!", "#PUUTTUU!",
    "#REFERENS!", "#RIF!", "#SAKNAS!", "#SAYI/0!", "#SZÁM!", "#VALEUR!", "#VALOR!", "#VALORE!", "#VERDI!", "#VERW!",
    "#VIITTAUS!", "#VÆRDI!", "#VÄRDEFEL!", "#WAARDE!", "#WERT!", "#ZAHL!", "#ÉRTÉK!", "#ÜBERLAUF!", "#¡DIV/0!", "#¡NULO!",
    "#¡NUM!", "#¡REF!", "#¡VALOR!", "#¿NOMBRE?", "#ДЕЛ/0!", "#ЗНАЧ!", "#ИМЯ?", "#Н/Д", "#ПУСТО!", "#ССЫЛКА!", "#ЧИСЛО!",
];

/// What Google Sheets shows, and exports, while a formula waits for another sheet.
const LOADING: [&str; 2] = ["Loading...", "Loading…"];

/// The error that this cell consists of, if it does. The cell is trimmed. Case does not matter: people type these, too.
pub(crate) fn of_cell(cell: &str) -> Option<SheetError> {
    match cell.as_bytes().first()? {
        b'#' | b'E' | b'e' => {}
        b'L' => return LOADING.contains(&cell).then_some(SheetError::Formula),
        b'0'..=b'9' | b'-' | b'+' => return is_rounded(cell).then_some(SheetError::Rounded),
        b'=' => return is_formula(cell).then_some(SheetError::FormulaText),
        b'\'' => return cell::has_doubtful_mark(cell).then_some(SheetError::Apostrophe),
        // Nearly every cell begins with something else.
        _ => return None,
    }
    if cell.len() >= 2 && cell.bytes().all(|byte| byte == b'#') {
        return Some(SheetError::TooWide);
    }
    if cell.eq_ignore_ascii_case(NOT_CALCULATED) {
        return Some(SheetError::NotCalculated);
    }
    if cell == MERGED {
        return Some(SheetError::Merged);
    }
    let is_name = |name: &&str| name.eq_ignore_ascii_case(cell);
    let is_name = NAMES.iter().any(is_name) || TRANSLATED.iter().any(is_name);
    (is_name || is_numbered(cell)).then_some(SheetError::Formula)
}

/// Whether this is a number as spreadsheets shorten it: `7.01235E+12`, `1E+10`, `6,01E+10`, and `7.01235E12` of other programs.
/// `60E5` and `1E12` may be codes.
fn is_rounded(cell: &str) -> bool {
    // Most cells that begin with a digit are numbers with all of theirs.
    if !cell.bytes().any(|byte| matches!(byte, b'E' | b'e')) {
        return false;
    }
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = cell.trim_start_matches(['+', '-']);
    let Some((mantissa, exponent)) = unsigned.split_once(['E', 'e']) else {
        return false;
    };
    let power = exponent.strip_prefix(['+', '-']);
    let (whole, decimals) = match mantissa.split_once(['.', ',']) {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (mantissa, None),
    };
    digits(whole)
        && whole.len() <= 3
        && decimals.is_none_or(digits)
        && digits(power.unwrap_or(exponent))
        && exponent.len() <= 4
        && (power.is_some() || (decimals.is_some() && whole.len() == 1))
}

/// Whether so rounded a number has more digits than spreadsheets keep, which no format brings back.
fn is_beyond_digits(rounded: &str) -> bool {
    let exponent = rounded
        .split_once(['E', 'e'])
        .map(|(_, power)| power.parse());
    matches!(exponent, Some(Ok(15_i32..)))
}

/// Whether this is a formula: a function call (`=TEXT(A1,"0")`), quotes (`="a"&B2`), or references and numbers (`=B2*1.06`).
fn is_formula(cell: &str) -> bool {
    let Some(formula) = cell.strip_prefix('=') else {
        return false;
    };
    let name =
        formula.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_.$!@+-".contains(c));
    let is_call = name.len() < formula.len() && name.starts_with('(') && formula.ends_with(')');
    let is_reckoning = formula.contains(|c: char| c.is_ascii_digit())
        && formula
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"$!.:+-*/^&%(),\"_".contains(&byte));
    is_call || is_reckoning || formula.starts_with('"')
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
        for cell in [
            "Loading...",
            "#NV",
            "#nv",
            "#WERT!",
            "#BEZUG!",
            "#NOM?",
            "#VALEUR!",
            "#¡VALOR!",
            "#N/D",
            "#ЗНАЧ!",
            "#Н/Д",
            "#DIV/0",
            "#WAARDE!",
        ] {
            assert_eq!(of_cell(cell), Some(SheetError::Formula), "{cell}");
        }
        for cell in [
            "Loading",
            "Lim",
            "#NVIDIA",
            "#SALE!",
            "#Merdeka!",
            "#RM50?",
            "#1!",
        ] {
            assert_eq!(of_cell(cell), None, "{cell}");
        }
        for cell in ["", "#", "#1", "##1", "# #", "Err:50", "Error", "N/A"] {
            assert_eq!(of_cell(cell), None, "{cell}");
        }
    }

    #[test]
    fn numbers_that_lost_their_last_digits() {
        for cell in [
            "7.01235E+12",
            "7.01E+12",
            "7E+12",
            "6,01E+10",
            "1.5e-05",
            "-7.01235E+12",
            "7.01235E12",
            "7.0e+9",
            "12.3E+06",
            "701.235E+09",
            "1E+100",
            "6.0123456789E+10",
            "9.99999E+14",
        ] {
            assert_eq!(of_cell(cell), Some(SheetError::Rounded), "{cell}");
        }
        for cell in [
            "60E5",
            "1E12",
            "12E",
            "E12",
            "7.01235",
            "7.01235E",
            "7.01235E+",
            "12.5E3",
            "3E4F",
            "5e",
            "2E+A",
            "1234E+5",
            "7.0.1E+12",
            "1E+12345",
            "7 E+12",
            "2 E+ 2",
            "+60127001111",
            "2026-11-22",
            "-",
            "--5",
            "100",
        ] {
            assert_eq!(of_cell(cell), None, "{cell}");
        }
    }

    #[test]
    fn what_helps_depends_on_how_many_digits_there_were() {
        for (cell, hint) in [
            ("7.01235E+12", "with 0 decimals, make it wider"),
            ("9.99999E+14", "with 0 decimals, make it wider"),
            ("1.5e-05", "with 0 decimals, make it wider"),
            ("1.23457E+15", "format the column there as text"),
            ("1,23457E+18", "format the column there as text"),
            ("7.0e16", "format the column there as text"),
        ] {
            let said = of_cell(cell)
                .map(|error| error.of(cell))
                .unwrap_or_default();
            assert!(said.contains(hint), "{cell}: {said}");
        }
    }

    #[test]
    fn formulas_and_doubtful_apostrophes() {
        for cell in [
            "=VLOOKUP(A2,B:C,2)",
            "=TEXT(A1,\"000\")",
            "=A1",
            "=B2*1.06",
            "=00123",
            "=Sheet1!A2",
            "=$A$1",
            "=SUM(A1:A9)",
            "=\"a\"&B2",
            "=\"Siti \"\"Boy\"\"\"",
            "=+A1",
            "=1+2",
            "=HYPERLINK(\"https://a.my\",\"Ali bin Abu\")",
            "=IFERROR(B2, \"none\")",
            "=-(A1)",
        ] {
            assert_eq!(of_cell(cell), Some(SheetError::FormulaText), "{cell}");
        }
        for cell in [
            "=", "=)", "=> see 5", "==VIP==", "= RM 50", "=Siti", "=D (9)", "a=1",
        ] {
            assert_eq!(of_cell(cell), None, "{cell}");
        }
        assert_eq!(of_cell("'2 for 1' deals"), Some(SheetError::Apostrophe));
        assert_eq!(of_cell("'Aisyah'"), None);
    }
}
