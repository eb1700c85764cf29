//! How a spreadsheet is written, as far as the caller says: its delimiter, its encoding, its sheet.

use std::fmt;

/// How a spreadsheet is written, as far as the caller knows; the rest is detected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The character between two cells.
    pub delimiter: Option<Delimiter>,
    /// The encoding of a text file.
    pub encoding: Option<Encoding>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
}

/// The character between two cells: ASCII, and not a letter, digit, quote, line end or NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Delimiter(u8);

impl Delimiter {
    /// The default.
    pub const COMMA: Self = Self(b',');
    /// Those that spreadsheet programs write.
    pub const USUAL: [Self; 4] = [Self::COMMA, Self(b';'), Self(b'\t'), Self(b'|')];

    /// The delimiter of this name: the character itself, or `tab`, `\t`, `comma`, `semicolon`, `pipe`.
    pub fn parse(name: &str) -> Result<Self, &'static str> {
        let byte = match (name.to_ascii_lowercase().as_str(), name.as_bytes()) {
            ("tab" | "\\t", _) => Some(b'\t'),
            ("comma", _) => Some(b','),
            ("semicolon", _) => Some(b';'),
            ("pipe", _) => Some(b'|'),
            (_, [byte]) => Some(*byte),
            _ => None,
        };
        byte.and_then(Self::from_byte).ok_or(
            "is not a delimiter: give one character, as in ';', or tab, comma, semicolon or pipe",
        )
    }

    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        let reserved = matches!(byte, b'"' | b'\r' | b'\n' | 0);
        (byte.is_ascii() && !byte.is_ascii_alphanumeric() && !reserved).then_some(Self(byte))
    }

    /// The character.
    #[must_use]
    pub fn byte(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Delimiter {
    /// `tab`, or the character in quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b'\t' => f.write_str("tab"),
            byte => write!(f, "\"{}\"", char::from(byte).escape_default()),
        }
    }
}

/// How characters are written as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Encoding(pub(super) &'static encoding_rs::Encoding);

impl Encoding {
    /// The encoding with this label in the WHATWG Encoding Standard: `utf-8`, `windows-1252`, `gbk`, `big5`, `utf-16le` and
    /// some two hundred more.
    pub fn parse(label: &str) -> Result<Self, &'static str> {
        encoding_rs::Encoding::for_label_no_replacement(label.as_bytes())
            .map(Self)
            .ok_or("is not a known encoding: try utf-8, windows-1252, gbk, big5, utf-16le or another name")
    }

    /// Its name in that standard.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_delimiter_is_a_character_or_its_name() {
        for (name, byte) in [
            (",", b','),
            (";", b';'),
            ("|", b'|'),
            ("\t", b'\t'),
            ("\\t", b'\t'),
            ("tab", b'\t'),
            ("TAB", b'\t'),
            ("comma", b','),
            ("Semicolon", b';'),
            ("pipe", b'|'),
            (":", b':'),
            (" ", b' '),
            ("\\", b'\\'),
        ] {
            assert_eq!(
                Delimiter::parse(name).map(Delimiter::byte),
                Ok(byte),
                "{name}"
            );
        }
        for name in [
            "", "\"", "\n", "\r", "\0", "a", "7", "é", ";;", "quote", "\\n",
        ] {
            assert_eq!(
                Delimiter::parse(name),
                Err(
                    "is not a delimiter: give one character, as in ';', or tab, comma, semicolon or pipe"
                ),
                "{name:?}"
            );
        }
        assert_eq!(Delimiter(b'\t').to_string(), "tab");
        assert_eq!(Delimiter(b';').to_string(), "\";\"");
    }

    #[test]
    fn an_encoding_has_many_names() {
        for (label, name) in [
            ("utf-8", "UTF-8"),
            ("UTF8", "UTF-8"),
            ("utf-16le", "UTF-16LE"),
            ("utf-16be", "UTF-16BE"),
            ("windows-1252", "windows-1252"),
            ("latin1", "windows-1252"),
            ("gbk", "GBK"),
            ("gb2312", "GBK"),
            ("big5", "Big5"),
            (" shift_jis ", "Shift_JIS"),
        ] {
            assert_eq!(Encoding::parse(label).map(Encoding::name), Ok(name));
        }
        for label in ["", "utf-9", "hz-gb-2312"] {
            assert_eq!(
                Encoding::parse(label),
                Err(
                    "is not a known encoding: try utf-8, windows-1252, gbk, big5, utf-16le or another name"
                )
            );
        }
    }
}
