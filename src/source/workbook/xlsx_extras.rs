//! Reads what calamine does not return of a sheet of an XLSX: which rows are hidden, which formulas have no stored result, and which
//! cells are merged.

use std::collections::HashSet;

use quick_xml::events::{BytesStart, Event};

use super::errors::unreadable;
use super::grid::Merged;
use super::parts::Parts;
use super::xml::{attribute, is_true, text};
use crate::Result;

/// What calamine does not return of a sheet.
#[derive(Debug, Default)]
pub(super) struct Extras {
    /// The hidden rows, 0 for the first of the sheet.
    pub(super) hidden: HashSet<u32>,
    /// The row and column of each formula whose result is not stored.
    pub(super) not_calculated: HashSet<(u32, u32)>,
    pub(super) merged: Vec<Merged>,
}

/// What calamine does not return of this sheet.
pub(super) fn extras(file: &[u8], sheet: &str) -> Result<Extras> {
    let mut parts = Parts::open(file)?;
    let workbook = workbook(&mut parts)?;
    let path = workbook
        .sheets
        .iter()
        .find(|(name, _)| name == sheet)
        .map(|(_, path)| path.clone())
        .ok_or_else(|| unreadable("a sheet in it is not found"))?;
    if !parts.any(&path, may_have_extras)? {
        return Ok(Extras::default());
    }
    let mut walk = Walk {
        recalculates: workbook.recalculates,
        ..Walk::default()
    };
    parts.read(&path, |event| walk.event(event))?;
    Ok(walk.extras)
}

/// What the main part says.
struct Workbook {
    /// The name of each sheet, and its part.
    sheets: Vec<(String, String)>,
    /// Whether all formulas are to be calculated when the workbook is opened.
    recalculates: bool,
}

fn workbook(parts: &mut Parts<'_>) -> Result<Workbook> {
    let main = parts.main("workbook.xml")?;
    let targets = parts.targets(&main)?;
    let mut workbook = Workbook {
        sheets: Vec::new(),
        recalculates: false,
    };
    parts.read(&main, |event| {
        let Event::Start(element) = event else {
            return true;
        };
        match element.local_name().as_ref() {
            "sheet" => {
                let target = attribute(element, "id").and_then(|id| targets.get(&id));
                workbook
                    .sheets
                    .extend(attribute(element, "name").zip(target.cloned()));
            }
            "calcPr" => workbook.recalculates |= is_true(element, "fullCalcOnLoad"),
            _ => {}
        }
        true
    })?;
    Ok(workbook)
}

/// Whether a formula, a hidden row, one without height or a merged cell may begin here. Most sheets have none of them, and looking for these
/// signs is several times faster than reading elements.
fn may_have_extras(bytes: &[u8]) -> bool {
    match bytes {
        [b'<' | b':', b'f', after, ..] => {
            matches!(after, b'>' | b'/') || after.is_ascii_whitespace()
        }
        [b'h', b'i', b'd', b'd', b'e', b'n', ..] | [b'm', b'e', b'r', b'g', b'e', b'C', ..] => true,
        [space, b'h', b't', b'=', _, b'0' | b'-' | b'.', ..] => space.is_ascii_whitespace(),
        _ => false,
    }
}

/// A walk over the cells of a sheet.
#[derive(Default)]
struct Walk {
    recalculates: bool,
    extras: Extras,
    row: u32,
    column: u32,
    cell: Cell,
    is_in_value: bool,
}

/// The cell that the walk is in.
#[derive(Default)]
struct Cell {
    place: (u32, u32),
    is_text: bool,
    is_formula: bool,
    has_value: bool,
    value: String,
}

impl Walk {
    fn event(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Start(element) => self.start(element),
            Event::Text(piece) if self.is_in_value => self.cell.value.push_str(piece),
            Event::End(element) => match element.local_name().as_ref() {
                "c" => self.end_of_cell(),
                "v" => self.is_in_value = false,
                "row" => {
                    self.row += 1;
                    self.column = 0;
                }
                _ => {}
            },
            _ => {}
        }
        true
    }

    fn start(&mut self, element: &BytesStart<'_>) {
        match element.local_name().as_ref() {
            "row" => {
                if let Some(row) = text(element, "r").and_then(|row| row.parse::<u32>().ok()) {
                    self.row = row.saturating_sub(1);
                }
                let is_flat = text(element, "ht")
                    .and_then(|height| height.parse::<f64>().ok())
                    .is_some_and(|height| height <= 0.0);
                if is_flat || is_true(element, "hidden") {
                    self.extras.hidden.insert(self.row);
                }
            }
            "c" => {
                self.cell.place = (self.row, self.column);
                self.cell.is_text = false;
                for attribute in element.attributes().with_checks(false).flatten() {
                    match (attribute.key.as_ref(), &*attribute.value) {
                        ("r", place) => {
                            self.cell.place = place_of(place).unwrap_or(self.cell.place);
                        }
                        ("t", kind) => self.cell.is_text = kind == "str",
                        _ => {}
                    }
                }
                self.cell.is_formula = false;
                self.cell.has_value = false;
                self.cell.value.clear();
                self.column = self.cell.place.1;
            }
            "mergeCell" => {
                let range = text(element, "ref");
                let ends = range.as_deref().and_then(|range| range.split_once(':'));
                if let Some((first, last)) = ends
                    && let (Some(first), Some(last)) = (place_of(first), place_of(last))
                {
                    self.extras.merged.push(Merged {
                        rows: (first.0, last.0),
                        column: first.1,
                    });
                }
            }
            "f" => self.cell.is_formula = true,
            "v" => {
                self.cell.has_value = true;
                // Only the values of formulas matter.
                self.is_in_value = self.cell.is_formula;
            }
            _ => {}
        }
    }

    fn end_of_cell(&mut self) {
        self.column += 1;
        let cell = &self.cell;
        if !cell.is_formula {
            return;
        }
        let is_stored = cell.has_value && (cell.is_text || !cell.value.trim().is_empty());
        // A program that does not calculate stores 0, or nothing, and asks for everything to be calculated on opening.
        let is_zero = !cell.is_text && cell.value.trim().parse() == Ok(0.0);
        if !is_stored || (self.recalculates && is_zero) {
            self.extras.not_calculated.insert(cell.place);
        }
    }
}

/// The row and column of `B2`, from 0.
fn place_of(name: &str) -> Option<(u32, u32)> {
    let digits = name.find(|c: char| c.is_ascii_digit())?;
    let (letters, row) = name.split_at(digits);
    let column = letters.bytes().try_fold(0_u32, |column, letter| {
        letter.is_ascii_alphabetic().then(|| {
            column
                .saturating_mul(26)
                .saturating_add(u32::from(letter.to_ascii_uppercase() - b'A' + 1))
        })
    })?;
    Some((
        row.parse::<u32>().ok()?.checked_sub(1)?,
        column.checked_sub(1)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_formulas_and_hidden_rows_are_seen() {
        for sign in [
            "<f>A1</f>",
            "<f t=\"shared\"/>",
            "<f/>",
            "<x:f>A1</x:f>",
            "<f\n>",
            "hidden=\"1\"",
            "hidden='true'",
            " ht=\"0\"",
            "\tht='0.0'",
            " ht=\"-1\"",
            "<mergeCell ref=\"A2:A4\"/>",
        ] {
            let bytes = sign.as_bytes();
            assert!(
                (0..bytes.len()).any(|at| may_have_extras(&bytes[at..])),
                "{sign}"
            );
        }
        let plain = r#"<sheetFormatPr defaultRowHeight="15"/><row r="2" ht="15.75"><c r="A1" t="inlineStr"><is><t>of: f</t></is></c></row><pageMargins right="0.75" footer="0.5"/>"#.as_bytes();
        assert!(!(0..plain.len()).any(|at| may_have_extras(&plain[at..])));
    }
}
