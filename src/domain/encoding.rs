//! The two encodings of a text, and what a text costs in each.

/// How the gateway encodes a text (`type` of the request).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Encoding {
    /// `type=1`: LF and U+0020 to U+007E.
    Ascii = 1,
    /// `type=2`: anything, counted in UTF-16 units.
    Unicode = 2,
}

impl Encoding {
    /// The number of the gateway's `type` field: 1 or 2.
    #[must_use]
    pub fn wire(self) -> u8 {
        self as u8
    }

    /// The encoding of a `type` field, if it is 1 or 2.
    #[must_use]
    pub fn from_wire(number: u8) -> Option<Self> {
        let mut encodings = [Self::Ascii, Self::Unicode].into_iter();
        encodings.find(|encoding| encoding.wire() == number)
    }

    /// Units in one credit. In Malaysia networks put `RM0.00 ` (7 units) in front of every message, which leaves 160 - 7 and 70 - 7.
    #[must_use]
    pub fn units_per_credit(self) -> u32 {
        match self {
            Self::Ascii => 153,
            Self::Unicode => 63,
        }
    }

    /// The length of a text as the gateway counts it: characters, those that GSM 03.38 escapes counted twice (ASCII), or UTF-16 units
    /// (Unicode).
    #[must_use]
    pub fn units(self, text: &str) -> u32 {
        let units = match self {
            Self::Ascii => text.len() + text.bytes().filter(|byte| is_escaped(*byte)).count(),
            Self::Unicode => text.chars().map(char::len_utf16).sum(),
        };
        u32::try_from(units).unwrap_or(u32::MAX)
    }

    /// The credits that this many units cost.
    #[must_use]
    pub fn credits(self, units: u32) -> u32 {
        units.div_ceil(self.units_per_credit())
    }
}

/// Whether GSM 03.38 writes this ASCII character as two.
fn is_escaped(byte: u8) -> bool {
    matches!(byte, b'^' | b'{' | b'}' | b'\\' | b'[' | b']' | b'~' | b'|')
}
