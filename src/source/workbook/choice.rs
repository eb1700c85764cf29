//! Chooses the sheet of a workbook.

use calamine::{Sheet as SheetInfo, SheetType, SheetVisible};

use super::errors::unreadable;
use crate::source::errors::HEADER_AND_ROWS;
use crate::{Error, Kind, Remedy, Result};

/// The chosen sheet, and what to say of the others.
#[derive(Clone)]
pub(super) struct Choice {
    pub(super) name: String,
    /// Its position among the sheets, from 0.
    pub(super) position: usize,
    /// How many sheets there are, hidden ones too.
    pub(super) sheets: usize,
    /// The others that are not hidden, in quotes; empty if there are none.
    others: String,
}

impl Choice {
    /// The sheet of this name (as written, or else ignoring case and surrounding blanks; it may be hidden), or the first one
    /// that is not hidden. An error: it is not a table.
    pub(super) fn new(sheets: &[SheetInfo], wanted: Option<&str>) -> Result<Self> {
        let is_visible = |sheet: &&SheetInfo| sheet.visible == SheetVisible::Visible;
        let chosen = match wanted {
            Some(name) => named(sheets, name).ok_or_else(|| {
                Error::new(Kind::Input, format!("there is no sheet \"{name}\""))
                    .hint(format!("name one of {}", quoted(sheets.iter())))
                    .remedy(Remedy::Sheet)
            })?,
            None if sheets.is_empty() => return Err(unreadable("it has no sheets")),
            None => sheets.iter().find(is_visible).ok_or_else(|| {
                Error::new(Kind::Input, "all sheets of the workbook are hidden")
                    .hint(format!("name one of {}", quoted(sheets.iter())))
                    .remedy(Remedy::Sheet)
            })?,
        };
        let others = sheets
            .iter()
            .filter(|sheet| sheet.name != chosen.name)
            .filter(is_visible);
        let choice = Self {
            name: chosen.name.clone(),
            position: sheets
                .iter()
                .position(|sheet| sheet.name == chosen.name)
                .unwrap_or_default(),
            sheets: sheets.len(),
            others: quoted(others),
        };
        match chosen.typ {
            SheetType::WorkSheet => Ok(choice),
            SheetType::ChartSheet => Err(choice.unusable("is a chart")),
            SheetType::DialogSheet | SheetType::MacroSheet | SheetType::Vba => {
                Err(choice.unusable("holds no table"))
            }
        }
    }

    /// An error that says why this sheet cannot be used.
    pub(super) fn unusable(&self, why: &str) -> Error {
        let error = Error::new(Kind::Input, format!("the sheet \"{}\" {why}", self.name));
        if self.others.is_empty() {
            error.hint(HEADER_AND_ROWS)
        } else {
            error
                .hint(format!("name another of its sheets ({})", self.others))
                .remedy(Remedy::Sheet)
        }
    }
}

fn named<'a>(sheets: &'a [SheetInfo], name: &str) -> Option<&'a SheetInfo> {
    let folded = |name: &str| name.trim().to_lowercase();
    let same = |sheet: &&SheetInfo| sheet.name == name;
    let similar = |sheet: &&SheetInfo| folded(&sheet.name) == folded(name);
    sheets
        .iter()
        .find(same)
        .or_else(|| sheets.iter().find(similar))
}

fn quoted<'a>(sheets: impl Iterator<Item = &'a SheetInfo>) -> String {
    let names: Vec<String> = sheets.map(|sheet| format!("\"{}\"", sheet.name)).collect();
    names.join(", ")
}
