//! Writes cells as records of delimited text.

/// How a file of delimited text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsvDialect {
    /// The character between two cells, which is ASCII.
    pub delimiter: u8,
    /// Whether the file begins with a byte order mark: a spreadsheet program takes text without one for Windows-1252.
    pub bom: bool,
}

/// The cells as one record, without a line end, quoted only where necessary.
pub fn to_record<'a>(cells: impl IntoIterator<Item = &'a str>, delimiter: u8) -> String {
    let mut writer = RecordWriter::new(delimiter);
    writer.write(cells);
    writer.record
}

/// The cells of a record that was written by [`to_record`].
#[must_use]
pub fn cells_of(record: &str, delimiter: u8) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .from_reader(record.as_bytes());
    let record = reader.records().next().and_then(Result::ok);
    record.map_or_else(Vec::new, |cells| cells.iter().map(str::to_owned).collect())
}

/// Writes records one after the other into the same memory. The writer of the `csv` crate does not lend what it wrote, so a new
/// one would be needed for each record; this one writes the same (a test compares them) several times as fast.
#[derive(Clone, Debug)]
pub struct RecordWriter {
    delimiter: u8,
    record: String,
}

impl RecordWriter {
    /// A writer of records with this delimiter, an ASCII character.
    #[must_use]
    pub fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            record: String::new(),
        }
    }

    /// The cells as one record, without a line end, quoted only where necessary; valid until the next one.
    pub fn write<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) -> &str {
        self.record.clear();
        let mut count = 0;
        for cell in cells {
            if count > 0 {
                self.record.push(char::from(self.delimiter));
            }
            count += 1;
            push_cell(&mut self.record, cell, self.delimiter);
        }
        // A single empty cell would be an empty line, which is no record.
        if count == 1 && self.record.is_empty() {
            self.record.push_str("\"\"");
        }
        &self.record
    }
}

/// Adds a cell to a record, quoted only where necessary.
pub fn push_cell(record: &mut String, cell: &str, delimiter: u8) {
    let special = |byte: u8| matches!(byte, b'"' | b'\r' | b'\n') || byte == delimiter;
    // All bytes are looked at, which is faster than to stop at the first one that is special.
    if !cell.bytes().fold(false, |any, byte| any | special(byte)) {
        record.push_str(cell);
        return;
    }
    record.push('"');
    for (nth, part) in cell.split('"').enumerate() {
        if nth > 0 {
            record.push_str("\"\"");
        }
        record.push_str(part);
    }
    record.push('"');
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quotes_only_what_needs_it() {
        for (cells, delimiter, record) in [
            (&["a", "b c", ""][..], b',', "a,b c,"),
            (&["a,b", "say \"hi\""], b',', "\"a,b\",\"say \"\"hi\"\"\""),
            (&["a,b", "c;d"], b';', "a,b;\"c;d\""),
            (&["one\ntwo", "one\rtwo"], b',', "\"one\ntwo\",\"one\rtwo\""),
            (&[""], b',', "\"\""),
            (&["", ""], b',', ","),
            (&[], b',', ""),
        ] {
            assert_eq!(to_record(cells.iter().copied(), delimiter), record);
        }
    }

    fn cells() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec("([a-z姓 ,;\"\r\n\t'=]|\\PC){0,6}", 1..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn writes_what_the_csv_crate_writes_and_reads_back(
            rows in proptest::collection::vec(cells(), 1..4),
            delimiter in proptest::sample::select(b",;\t|".to_vec()),
        ) {
            let mut writer = RecordWriter::new(delimiter);
            for cells in rows {
                let record = writer.write(cells.iter().map(String::as_str)).to_owned();

                let mut theirs = csv::WriterBuilder::new().delimiter(delimiter).from_writer(vec![]);
                theirs.write_record(&cells).unwrap();
                let theirs = String::from_utf8(theirs.into_inner().unwrap()).unwrap();
                prop_assert_eq!(format!("{record}\n"), theirs);

                // Under a header, as csv would take a byte order mark at the beginning for one.
                let text = format!("header\n{record}");
                let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
                let back: Vec<_> = reader.records().map(Result::unwrap).collect();
                prop_assert_eq!(back.len(), 1);
                prop_assert_eq!(back[0].iter().collect::<Vec<_>>(), cells);
            }
        }
    }
}
