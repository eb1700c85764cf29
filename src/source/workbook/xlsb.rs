//! Reads a sheet of an XLSB workbook. calamine returns the value of each cell; which rows are hidden and
//! which cells are merged is read from the records beside that, by [MS-XLSB] 2.4. Number formats are not supported.

use std::collections::HashSet;

use calamine::{Reader, Xlsb};

use super::choice::Choice;
use super::errors::{from_calamine, unreadable};
use super::grid::{Grid, Look, Merged};
use super::held::number_of;
use super::package::File;
use super::parts::Parts;
use crate::Result;

/// The sheet of that name, or the first visible one.
pub(super) fn read(file: &File, wanted: Option<&str>) -> Result<(Choice, Grid)> {
    let mut workbook = Xlsb::new(file.clone()).map_err(from_calamine)?;
    let choice = Choice::new(workbook.sheets_metadata(), wanted)?;
    let mut grid = Grid::default();
    let mut cells = workbook
        .worksheet_cells_reader(&choice.name)
        .map_err(from_calamine)?;
    while let Some(cell) = cells.next_cell().map_err(from_calamine)? {
        let value = cell.get_value();
        let look = match number_of(value) {
            Some(_) => Look::Unknown,
            None => Look::AsHeld,
        };
        grid.put(cell.get_position(), value, look)?;
    }
    let (hidden, merged) = extras(file.get_ref(), &choice.name)?;
    Ok((choice, grid.hiding(hidden).merging(merged)))
}

// The kinds of record.
const ROW: u32 = 0;
const SHEET: u32 = 0x9C;
const MERGED_CELLS: u32 = 0xB0;

/// The hidden rows of a sheet, 0 for the first, and its merged cells.
fn extras(file: &[u8], sheet: &str) -> Result<(HashSet<u32>, Vec<Merged>)> {
    let mut parts = Parts::open(file)?;
    let main = parts.main("workbook.bin")?;
    let targets = parts.targets(&main)?;
    let workbook = parts.bytes(&main)?;
    let relation = records(&workbook)
        .filter(|(kind, _)| *kind == SHEET)
        .find_map(|(_, data)| {
            let (relation, name) = strings(data)?;
            (name == sheet).then_some(relation)
        });
    let path = relation
        .and_then(|relation| targets.get(&relation))
        .ok_or_else(|| unreadable("a sheet in it is not found"))?;
    let rows = parts.bytes(path)?;
    let (mut hidden, mut merged) = (HashSet::new(), Vec::new());
    for (kind, data) in records(&rows) {
        match kind {
            ROW if is_hidden(data) => hidden.extend(number(data, 0)),
            MERGED_CELLS => merged.extend(merged_cells(data)),
            _ => {}
        }
    }
    Ok((hidden, merged))
}

fn merged_cells(data: &[u8]) -> Option<Merged> {
    Some(Merged {
        rows: (number(data, 0)?, number(data, 4)?),
        column: number(data, 8)?,
    })
}

fn is_hidden(row: &[u8]) -> bool {
    let is_flat = row.get(8..10) == Some(&[0, 0]);
    is_flat || row.get(11).is_some_and(|flags| flags & 0x10 != 0)
}

/// The relation and the name in the record of a sheet.
fn strings(data: &[u8]) -> Option<(String, String)> {
    let string = |at: usize| {
        let length = usize::try_from(number(data, at)?).ok()?;
        let end = (at + 4).checked_add(length.checked_mul(2)?)?;
        let units = data.get(at + 4..end)?.as_chunks::<2>().0;
        let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        Some((String::from_utf16(&units).ok()?, end))
    };
    let (relation, end) = string(8)?;
    Some((relation, string(end)?.0))
}

/// The records of a part: kind and length are numbers of seven bits in each byte.
fn records(mut bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        let kind = packed(&mut bytes, 2)?;
        let length = packed(&mut bytes, 4)? as usize;
        let (data, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        Some((kind, data))
    })
}

fn packed(bytes: &mut &[u8], most: u32) -> Option<u32> {
    let mut number = 0;
    for place in 0..most {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u32::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn record(kind: u8, data: &[u8]) -> Vec<u8> {
        // A kind above 127 has two bytes.
        let mut record = match kind {
            0..=0x7F => vec![kind],
            _ => vec![kind, 1],
        };
        record.push(u8::try_from(data.len()).unwrap());
        record.extend(data);
        record
    }

    fn string(text: &str) -> Vec<u8> {
        let units = u32::try_from(text.encode_utf16().count()).unwrap();
        let mut bytes = units.to_le_bytes().to_vec();
        bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        bytes
    }

    fn row(number: u32, height: u16, flags: u8) -> Vec<u8> {
        let mut data = number.to_le_bytes().to_vec();
        data.extend([0; 4]);
        data.extend(height.to_le_bytes());
        data.extend([0, flags, 0, 0, 0, 0, 0]);
        record(0, &data)
    }

    #[test]
    fn hidden_rows_and_merged_cells_are_found_by_their_records() {
        let sheet = |relation: &str, name: &str| {
            let data = [vec![0; 8], string(relation), string(name)].concat();
            record(0x9C, &data)
        };
        let workbook = [sheet("rId1", "Old"), sheet("rId2", "Été")].concat();
        let rows = [
            row(0, 300, 0),
            row(1, 300, 0x10),
            record(2, &[0; 12]),
            row(4, 300, 0x30),
            row(5, 0, 0),
            row(6, 300, 0x2F),
            record(0xB0, &[1_u32, 3, 0, 0].map(u32::to_le_bytes).concat()),
        ]
        .concat();
        let relations = "<Relationships><Relationship Id=\"rId1\" Target=\"worksheets/sheet1.bin\"/>\
             <Relationship Id=\"rId2\" Target=\"/xl/worksheets/sheet2.bin\"/></Relationships>";
        let file = crate::source::workbook::build::packed_bytes(&[
            ("xl/workbook.bin", &workbook),
            ("xl/_rels/workbook.bin.rels", relations.as_bytes()),
            ("xl/worksheets/sheet1.bin", &row(0, 300, 0x10)),
            ("xl/worksheets/sheet2.bin", &rows),
        ]);
        let merged = Merged {
            rows: (1, 3),
            column: 0,
        };
        let of = |sheet| extras(&file, sheet).unwrap();
        assert_eq!(of("Été"), (HashSet::from([1, 4, 5]), vec![merged]));
        assert_eq!(of("Old"), (HashSet::from([0]), Vec::new()));
        assert!(extras(&file, "New").is_err());
    }
}
