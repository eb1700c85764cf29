//! Lists the sheets of a workbook besides the one that was read, for the person who has to choose one.

use std::io::Read;

use super::input::{Input, open_file};
use super::{ReadOptions, Source, workbook};
use crate::domain::header::Columns;

/// How many rows are read at a time.
const CHUNK: usize = 1024;

/// A sheet that was not read.
#[derive(Debug)]
pub struct OtherSheet {
    /// Its name.
    pub name: String,
    /// The columns of its header.
    pub columns: Columns,
    /// How many rows stand under that.
    pub rows: usize,
}

/// The sheets of this workbook that are not hidden and have a header, without the one that was read. Empty where there are none, or
/// where the input cannot be read again.
#[must_use]
pub fn other_sheets(input: &Input, read: Option<&str>) -> Vec<OtherSheet> {
    names(input)
        .into_iter()
        .filter(|name| Some(name.as_str()) != read)
        .filter_map(|name| other_sheet(input, name))
        .collect()
}

fn names(input: &Input) -> Vec<String> {
    let Input::File(path) = input else {
        return Vec::new();
    };
    let mut bytes = Vec::new();
    let read = open_file(path)
        .ok()
        .and_then(|(mut file, _)| file.read_to_end(&mut bytes).ok());
    if read.is_none() || !workbook::is_workbook(&bytes) {
        return Vec::new();
    }
    workbook::visible_sheets(&bytes)
}

fn other_sheet(input: &Input, name: String) -> Option<OtherSheet> {
    let options = ReadOptions {
        sheet: Some(name.clone()),
        ..ReadOptions::default()
    };
    let mut source = Source::open(input, &options).ok()?;
    let mut rows = 0;
    while let Some(chunk) = source.read(CHUNK).ok()? {
        rows += chunk.len();
    }
    Some(OtherSheet {
        name,
        columns: source.columns().clone(),
        rows,
    })
}
