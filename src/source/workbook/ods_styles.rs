//! The styles of an ODS file, as far as they say how a cell looks.

use std::collections::{HashMap, HashSet};

use quick_xml::events::BytesStart;

use super::xml::{attribute, is_true, text};

/// How cells with this style look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DataStyle {
    /// Numbers with the digits that fit.
    General,
    /// A date in the order that is usual where the computer stands.
    RegionDate {
        /// Whether the time stands behind it.
        has_time: bool,
    },
    /// Texts.
    Text,
    /// Texts with something before or behind them.
    AroundText,
    Other,
}

/// The styles of cells and rows by their names.
#[derive(Debug, Default)]
pub(super) struct Styles {
    cells: HashMap<String, CellStyle>,
    data: HashMap<String, DataStyle>,
    flat_rows: HashSet<String>,
    /// The style of a row that the walk is in.
    row: Option<String>,
    /// The style of data that the walk is in, with its name.
    open: Option<(String, DataStyle)>,
}

#[derive(Debug)]
struct CellStyle {
    data: Option<String>,
    parent: Option<String>,
}

/// How many styles may inherit from each other.
const DEPTH: usize = 16;

impl Styles {
    /// How cells with the style of this name look, if it says so.
    pub(super) fn of_cell(&self, name: &str) -> Option<DataStyle> {
        let mut style = self.cells.get(name);
        for _ in 0..DEPTH {
            if let Some(data) = &style?.data {
                return self.data.get(data).copied();
            }
            style = self.cells.get(style?.parent.as_ref()?);
        }
        None
    }

    /// Whether rows with the style of this name have no height.
    pub(super) fn is_flat_row(&self, name: &str) -> bool {
        self.flat_rows.contains(name)
    }

    /// An element of the styles begins.
    pub(super) fn start(&mut self, element: &BytesStart<'_>) {
        match element.name().as_ref() {
            "style:style" => self.style(element),
            "style:table-row-properties" => {
                let height = text(element, "style:row-height");
                let is_flat = height.is_some_and(|height| {
                    let number =
                        height.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
                    number.parse() == Ok(0.0)
                });
                self.flat_rows.extend(self.row.clone().filter(|_| is_flat));
            }
            "number:number-style" => self.open(element, DataStyle::General),
            "number:date-style" => {
                let follows_region = is_true(element, "number:automatic-order")
                    || text(element, "number:format-source")
                        .is_some_and(|source| source == "language");
                let data = if follows_region {
                    DataStyle::RegionDate { has_time: false }
                } else {
                    DataStyle::Other
                };
                self.open(element, data);
            }
            "number:percentage-style"
            | "number:currency-style"
            | "number:time-style"
            | "number:boolean-style" => self.open(element, DataStyle::Other),
            "number:text-style" => self.open(element, DataStyle::Text),
            name => {
                if let Some((_, data)) = &mut self.open {
                    *data = within(*data, name, element);
                }
            }
        }
    }

    fn style(&mut self, element: &BytesStart<'_>) {
        let name = attribute(element, "name");
        let family = text(element, "style:family");
        self.row = name
            .clone()
            .filter(|_| family.as_deref() == Some("table-row"));
        if let Some(name) = name.filter(|_| family.as_deref() == Some("table-cell")) {
            let style = CellStyle {
                data: attribute(element, "data-style-name"),
                parent: attribute(element, "parent-style-name"),
            };
            self.cells.insert(name, style);
        }
    }

    fn open(&mut self, element: &BytesStart<'_>, data: DataStyle) {
        self.open = attribute(element, "name").map(|name| (name, data));
    }

    /// Text within an element of the styles.
    pub(super) fn text(&mut self, piece: &str) {
        if let Some((_, data)) = &mut self.open
            && !piece.trim().is_empty()
        {
            *data = match *data {
                DataStyle::General => DataStyle::Other,
                DataStyle::Text => DataStyle::AroundText,
                data => data,
            };
        }
    }

    /// An element of the styles ends.
    pub(super) fn end(&mut self, name: &str) {
        if name.starts_with("number:") && name.ends_with("-style") {
            self.data.extend(self.open.take());
        }
    }
}

/// What a style is, given an element within it.
fn within(data: DataStyle, name: &str, element: &BytesStart<'_>) -> DataStyle {
    match (data, name) {
        (DataStyle::General, "number:number") => {
            let says = |attribute: &str| text(element, attribute).is_some();
            let digits =
                text(element, "number:min-integer-digits").and_then(|digits| digits.parse().ok());
            let is_plain = !says("number:decimal-places")
                && !says("number:min-decimal-places")
                && !says("number:display-factor")
                && !is_true(element, "number:grouping")
                && digits.unwrap_or(1_u32) <= 1;
            if is_plain {
                DataStyle::General
            } else {
                DataStyle::Other
            }
        }
        (DataStyle::General, "number:text" | "style:text-properties") => DataStyle::General,
        (DataStyle::General, _) => DataStyle::Other,
        (DataStyle::RegionDate { .. }, "number:hours") => DataStyle::RegionDate { has_time: true },
        (data, _) => data,
    }
}
