//! Detects how the cells of a text are quoted: with `"` or `'`, and with or without a space in front of the quote. A space before a
//! quote makes the quote part of the cell by the rules of CSV, but not to the program that wrote it.

use super::lines::is_line_end;
use super::quotes::{has_space_before, is_all_quoted};

/// How the cells of a text are quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quoting {
    /// `"`, or `'` where that stands around all cells.
    pub(super) quote: u8,
    /// Whether spaces before a cell belong to the delimiter.
    pub(super) spaces: bool,
}

impl Quoting {
    /// Whether every program sees the same quotes.
    pub(super) fn is_usual(self) -> bool {
        self.quote == b'"' && !self.spaces
    }
}

/// How the text with this beginning is quoted. `continues`: more text may follow, so its last row may be incomplete.
pub(super) fn find(beginning: &[u8], continues: bool, delimiter: u8) -> Quoting {
    let quote = if has_single_quotes(beginning, continues, delimiter) {
        b'\''
    } else {
        b'"'
    };
    Quoting {
        quote,
        spaces: has_spaces(beginning, continues, delimiter, quote),
    }
}

/// Whether `'` stands around all headers, or around all cells of all rows.
fn has_single_quotes(beginning: &[u8], continues: bool, delimiter: u8) -> bool {
    if !beginning.contains(&b'\'') {
        return false;
    }
    let rows = records(beginning, continues, delimiter, b'\'');
    let quoted = |row: &&[u8]| is_all_quoted(row, delimiter, b'\'');
    match &rows[..] {
        [] => false,
        [header, ..] if quoted(header) => true,
        [header, rows @ ..] => {
            // In `',,'` under three headers the signs are cells, and in `''` there is nothing to quote.
            let width = |row: &[u8]| cells(row, delimiter, b'\'');
            let is_certain = |row: &&[u8]| quoted(row) && width(row) == width(header);
            let holds_text = |row: &&[u8]| {
                row.iter()
                    .any(|byte| !b"' ".contains(byte) && *byte != delimiter)
            };
            rows.iter().all(is_certain) && rows.iter().any(holds_text)
        }
    }
}

/// How many cells a row has.
fn cells(row: &[u8], delimiter: u8, quote: u8) -> usize {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .quote(quote)
        .has_headers(false)
        .from_reader(row);
    let mut record = csv::ByteRecord::new();
    match reader.read_byte_record(&mut record) {
        Ok(true) => record.len(),
        _ => 0,
    }
}

/// The complete rows of the beginning that are not empty, as they are written.
pub(super) fn records(beginning: &[u8], continues: bool, delimiter: u8, quote: u8) -> Vec<&[u8]> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .quote(quote)
        .has_headers(false)
        .flexible(true)
        .from_reader(beginning);
    let mut record = csv::ByteRecord::new();
    let (mut rows, mut start) = (Vec::new(), 0);
    while let Ok(true) = reader.read_byte_record(&mut record) {
        let end = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
        if continues && end >= beginning.len() {
            break;
        }
        let row = without_line_ends(beginning.get(start..end).unwrap_or_default());
        start = end;
        if !row.trim_ascii().is_empty() {
            rows.push(row);
        }
    }
    rows
}

fn without_line_ends(mut row: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = row
        && is_line_end(*first)
    {
        row = rest;
    }
    while let [rest @ .., last] = row
        && is_line_end(*last)
    {
        row = rest;
    }
    row
}

/// How a cell begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Blank,
    Text { after_space: bool },
    Quote { after_space: bool },
}

/// Whether some quotes follow a space, and under each header with such cells every cell follows one: then the space belongs to the
/// delimiter. The header itself may be written otherwise.
fn has_spaces(beginning: &[u8], continues: bool, delimiter: u8, quote: u8) -> bool {
    if !has_space_before(beginning, quote) {
        return false;
    }
    let mut rows = starts(beginning, delimiter, quote);
    if continues {
        rows.pop();
    }
    let spaced = |start: &Start| *start == Start::Quote { after_space: true };
    let width = rows.iter().map(Vec::len).max().unwrap_or_default();
    let has_spaced = |column: usize| rows.iter().any(|row| row.get(column).is_some_and(spaced));
    let is_certain = |column: usize| {
        rows.iter().skip(1).all(|row| match row.get(column) {
            Some(Start::Text { after_space } | Start::Quote { after_space }) => *after_space,
            Some(Start::Blank) | None => true,
        })
    };
    let columns: Vec<usize> = (0..width).filter(|&column| has_spaced(column)).collect();
    rows.len() > 1 && !columns.is_empty() && columns.into_iter().all(is_certain)
}

/// How the cells of each row begin, if spaces before a quote do not count.
fn starts(text: &[u8], delimiter: u8, quote: u8) -> Vec<Vec<Start>> {
    let mut rows = vec![Vec::new()];
    let (mut states, mut spaces, mut began) = (Spaces::new(delimiter, quote), false, false);
    for &byte in text {
        let before = states.state;
        let kept = states.keeps(byte);
        let start = match before {
            State::Start if !kept => {
                spaces = true;
                continue;
            }
            State::Start if byte == quote => Some(Start::Quote {
                after_space: spaces,
            }),
            State::Start if byte == delimiter => Some(Start::Blank),
            State::Start if is_line_end(byte) => began.then_some(Start::Blank),
            State::Start => Some(Start::Text {
                after_space: spaces,
            }),
            _ => None,
        };
        if let (Some(start), Some(row)) = (start, rows.last_mut()) {
            row.push(start);
        }
        if states.state == State::Start {
            spaces = false;
            began = byte == delimiter;
        }
        if states.state == State::Start
            && is_line_end(byte)
            && rows.last().is_some_and(|row| !row.is_empty())
        {
            rows.push(Vec::new());
        }
    }
    if rows.last().is_some_and(Vec::is_empty) {
        rows.pop();
    }
    rows
}

/// Leaves out the spaces around cells, as far as they stand outside quotes.
pub(super) struct Spaces {
    delimiter: u8,
    quote: u8,
    state: State,
}

/// Where in a row the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a cell.
    Start,
    Text,
    Quoted,
    /// Directly behind a quote within quotes: it closes them, or is the first half of a doubled one.
    AfterQuote,
    /// Behind a closing quote and a space.
    AfterCell,
}

impl Spaces {
    pub(super) fn new(delimiter: u8, quote: u8) -> Self {
        Self {
            delimiter,
            quote,
            state: State::Start,
        }
    }

    /// Moves the bytes that stay to the front, and returns their number.
    pub(super) fn leave_out(&mut self, bytes: &mut [u8]) -> usize {
        let mut kept = 0;
        for at in 0..bytes.len() {
            let byte = bytes[at];
            if self.keeps(byte) {
                bytes[kept] = byte;
                kept += 1;
            }
        }
        kept
    }

    /// Whether the next byte stays.
    fn keeps(&mut self, byte: u8) -> bool {
        let is_space = byte == b' ' && self.delimiter != b' ';
        let (state, keeps) = match self.state {
            State::Quoted if byte == self.quote => (State::AfterQuote, true),
            State::Quoted => (State::Quoted, true),
            State::AfterQuote if byte == self.quote => (State::Quoted, true),
            State::Start if is_space => (State::Start, false),
            State::AfterQuote | State::AfterCell if is_space => (State::AfterCell, false),
            _ if byte == self.delimiter || is_line_end(byte) => (State::Start, true),
            State::Start if byte == self.quote => (State::Quoted, true),
            _ => (State::Text, true),
        };
        self.state = state;
        keeps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoting(text: &str) -> (char, bool) {
        let found = find(text.as_bytes(), false, b',');
        (char::from(found.quote), found.spaces)
    }

    #[test]
    fn the_quote_is_the_one_around_all_cells() {
        for (text, quote) in [
            ("'Name','Phone'\n'Aina','012'\n", '\''),
            ("'Name','Phone'\nAina,012\n", '\''),
            ("'Phone'\n'012'\n'013'\n", '\''),
            ("'Name, full','Phone'\r\n'Tan, Ah Kow','012'\r\n", '\''),
            ("\n\n'Name','','Phone'\n", '\''),
            ("Name,Phone\n'Aina','012'\n'Boon',''\n", '\''),
            ("'Na''me','Phone'\n", '\''),
            ("Name,Phone\n'Aina','012'\nBoon,013\n", '"'),
            ("Name,Phone\n'Aina',012\n'Boon',013\n", '"'),
            ("Name,Phone\nD'Cruz,012\n", '"'),
            ("Name,Phone\n", '"'),
            ("'Name,Phone\n", '"'),
            ("'Name',Phone\n", '"'),
            ("\"'Name'\",\"'Phone'\"\n", '"'),
            ("", '"'),
        ] {
            assert_eq!(quoting(text).0, quote, "{text:?}");
        }
    }

    #[test]
    fn a_space_belongs_to_the_delimiter_where_all_rows_have_it() {
        for (text, spaces) in [
            ("Phone, Name\n012, \"Siti\"\n013, \"Tan\"\n", true),
            ("Phone,Name\n012, \"Siti\"\n013, \"Tan\"\n", true),
            (
                "Phone, Name, Town\n012, \"Tan, Ah Kow\", Ipoh\n013, Siti, Muar\n",
                true,
            ),
            ("Phone, \"Name\"\n012, Siti\n", true),
            ("Phone,Name\n012, \"Siti\"\n013,\n014,  \"Tan\"\n", true),
            ("Phone,Name\n012, \"a\nb, \"\"c\"\"\"\n013, \"Tan\"\n", true),
            (" \"Phone\", \"Name\"\n \"012\", \"Siti\"\n", true),
            ("\"Phone\" , \"Name\"\n\"012\" , \"Siti\"\n", true),
            // In some rows only.
            ("Phone,Name\n012, \"Siti\"\n013,Tan\n", false),
            ("Phone,Name\n012, \"Siti\"\n013,\"Tan\"\n", false),
            ("Phone, \"Name\"\n012, \"Siti\"\n013,Tan\n", false),
            // Nowhere.
            ("Phone,Name\n012,\"Siti \"\"Boy\"\" Aminah\"\n", false),
            ("Phone,Name\n012,say \"hi\"\n", false),
            ("Phone, Name\n012, Siti\n", false),
            ("Phone, \"Name\"\n", false),
        ] {
            assert_eq!(quoting(text).1, spaces, "{text:?}");
        }
    }

    #[test]
    fn spaces_within_quotes_and_words_stay() {
        for (text, left) in [
            ("a, \"b, c\" , d e\n  f,g \n", "a,\"b, c\",d e\nf,g \n"),
            ("\"a \"\" b\" ,c", "\"a \"\" b\",c"),
            ("\"a\" b,c", "\"a\"b,c"),
            (", ,\r\n \r\n", ",,\r\n\r\n"),
        ] {
            let mut bytes = text.as_bytes().to_vec();
            let kept = Spaces::new(b',', b'"').leave_out(&mut bytes);
            assert_eq!(&bytes[..kept], left.as_bytes(), "{text:?}");
        }
    }
}
