//! Records one after the other, whatever they are written in: delimited text or a sheet of a workbook. It knows no header and no
//! columns.

use csv::ByteRecord;

use super::delimited;
use super::format::{Delimiter, ReadOptions};
use super::open::Content;
use super::workbook::Sheet;
use super::{CsvDialect, dialect};
use crate::Result;
use crate::domain::report::ReadAs;

/// Reads records one after the other.
pub(super) enum Records {
    Text {
        records: Box<delimited::Records>,
        delimiter: Delimiter,
    },
    Sheet {
        sheet: Sheet,
        text: String,
        ends: Vec<usize>,
    },
}

/// One record that is not an empty line.
pub(super) struct Record<'a> {
    pub(super) cells: Cells<'a>,
    /// The line on which it begins, or the row of a sheet.
    pub(super) line: u64,
    /// Whether text follows a closing quote.
    pub(super) text_after_quote: bool,
}

/// The cells of a record.
pub(super) enum Cells<'a> {
    /// Perhaps UTF-8.
    Bytes(&'a ByteRecord),
    /// One behind the other, and where each ends.
    Text(&'a str, &'a [usize]),
}

impl Record<'_> {
    /// The cells one behind the other; where each ends replaces what is in `ends`. An error: the position of the first cell that is
    /// not UTF-8.
    pub(super) fn text(&self, ends: &mut Vec<usize>) -> Result<&str, usize> {
        ends.clear();
        let cells = match self.cells {
            Cells::Bytes(cells) => cells,
            Cells::Text(text, its_ends) => {
                ends.extend_from_slice(its_ends);
                return Ok(text);
            }
        };
        ends.extend((0..cells.len()).filter_map(|cell| Some(cells.range(cell)?.end)));
        // All at once is faster than cell by cell; what remains is a character cut in two by a delimiter, both halves of which are
        // whole again when the cells stand together.
        match std::str::from_utf8(cells.as_slice()) {
            Ok(text) if ends.iter().all(|&end| text.is_char_boundary(end)) => Ok(text),
            _ => Err(cells
                .iter()
                .position(|cell| std::str::from_utf8(cell).is_err())
                .unwrap_or_default()),
        }
    }
}

impl Records {
    /// The records of this content, read as `format` says; `None`: nobody can say anything.
    pub(super) fn new(content: Content, format: Option<&ReadOptions>) -> Result<Self> {
        let mut text = match content {
            Content::Text(text) => text,
            Content::Workbook(bytes) => {
                let wanted = format.and_then(|format| format.sheet.as_deref());
                return Ok(Self::Sheet {
                    sheet: Sheet::open(bytes, wanted)?,
                    text: String::new(),
                    ends: Vec::new(),
                });
            }
        };
        let named = format.and_then(|format| format.delimiter);
        let division = dialect::division(text.head(), text.goes_on(), named, format.is_some())?;
        text.skip(division.declaration);
        let first_line = if division.declaration > 0 { 2 } else { 1 };
        Ok(Self::Text {
            records: Box::new(delimited::Records::new(
                text,
                division.delimiter,
                first_line,
            )),
            delimiter: division.delimiter,
        })
    }

    /// The next record. Errors name the line, not the file.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>> {
        match self {
            Self::Text { records, .. } => records.next(),
            Self::Sheet { sheet, text, ends } => {
                let row = sheet.next(text, ends);
                Ok(row.map(|line| Record {
                    cells: Cells::Text(text, ends),
                    line,
                    text_after_quote: false,
                }))
            }
        }
    }

    /// The lines so far that held nothing at all and were no records.
    pub(super) fn empty_lines(&self) -> u64 {
        match self {
            Self::Text { records, .. } => records.empty_lines(),
            Self::Sheet { .. } => 0,
        }
    }

    /// Whether records end with their last cell that is not empty, so that missing ones say nothing.
    pub(super) fn end_with_last_cell(&self) -> bool {
        matches!(self, Self::Sheet { .. })
    }

    /// What stands between the cells; a comma in place of nothing.
    pub(super) fn delimiter(&self) -> Delimiter {
        match self {
            Self::Text { delimiter, .. } => *delimiter,
            Self::Sheet { .. } => Delimiter::COMMA,
        }
    }

    /// How results must look to look like these; final when all have been read.
    pub(super) fn dialect(&self) -> CsvDialect {
        CsvDialect {
            delimiter: self.delimiter().byte(),
            bom: match self {
                Self::Text { records, .. } => records.decoded().marked(),
                Self::Sheet { .. } => true,
            },
        }
    }

    /// How these are read; final when all have been read.
    pub(super) fn read_as(&self, gzip: bool) -> ReadAs {
        match self {
            Self::Text { records, delimiter } => ReadAs::Text {
                delimiter: char::from(delimiter.byte()),
                encoding: records.decoded().encoding().name().to_owned(),
                assumed: records.decoded().assumed(),
                gzip,
            },
            Self::Sheet { sheet, .. } => ReadAs::Workbook {
                sheet: sheet.name().to_owned(),
                sheets: sheet.sheets(),
            },
        }
    }
}
