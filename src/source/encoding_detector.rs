//! Detects text that is not Windows-1252. Almost any bytes are valid Windows-1252, so names in GBK would come out as gibberish
//! and be sent; bytes are accepted only where a person would write them in Windows-1252.

use std::fmt;

/// Checks byte after byte.
#[derive(Debug, Default)]
pub(super) struct EncodingDetector {
    /// The last bytes that are not ASCII and stand together.
    run: Vec<u8>,
    /// How many letters the run ends in.
    letters: usize,
    last_ascii: u8,
    /// A sign after a letter, which makes no sense if another letter follows.
    sign_in_word: Option<u8>,
}

/// Why text is not Windows-1252.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotWindows1252 {
    /// A byte that is not a character.
    Undefined(u8),
    /// A whole character of UTF-8.
    Utf8(Vec<u8>),
    /// A character that is unlikely at its place: the byte is a letter in another encoding.
    Unlikely(u8),
    /// More letters in a row than words with accents have.
    EastAsian(Vec<u8>),
}

impl fmt::Display for NotWindows1252 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undefined(byte) => write!(
                f,
                "the text is not UTF-8, and not windows-1252 either, which has no byte {byte:02X}"
            ),
            Self::Unlikely(byte) => write!(
                f,
                "the text is not UTF-8, and probably not windows-1252 either, judging by the byte {byte:02X}"
            ),
            Self::Utf8(bytes) => write!(
                f,
                "the bytes {} are UTF-8, but text before them is not, so the file mixes encodings or has another one",
                hexadecimal(bytes)
            ),
            Self::EastAsian(bytes) => write!(
                f,
                "the text is not UTF-8, and the bytes {} look like GBK, Big5 or another encoding of East Asia, not like windows-1252",
                hexadecimal(bytes)
            ),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(" ")
}

/// Letters with accents, and signs, from `¡` on: `ção` has two in a row, and hardly a word has three. The bytes below are
/// quotes, dashes and the like, which do stand together (`’…”`).
const LETTERS: usize = 3;
/// Of the bytes below `¡`, those that people write in offices: `€ … ‘ ’ “ ” • – — ™` and the no-break space. The others are rare
/// letters and signs in Windows-1252, and the accented letters of Mac Roman and of DOS.
const TYPOGRAPHIC: &[u8] = &[
    0x80, 0x85, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x99, 0xa0,
];
/// Signs that do not stand between two letters. `€ “ ” • ™` there are `Ä ì î ï ô` of Mac Roman; `¢ £ ¥ ¦ ¨ ¯ ± ² ³ ¹ ¼ ¾ ¿` and the
/// like are letters of Windows-1250 (`³` is `ł`) and of ISO 8859-15. Apostrophes, dashes, `´` and `·` do stand there.
#[rustfmt::skip]
const NOT_IN_WORDS: &[u8] = &[
    0x80, 0x93, 0x94, 0x95, 0x99, 0xa1, 0xa2, 0xa3, 0xa5, 0xa6, 0xa8, 0xa9, 0xac, 0xae, 0xaf,
    0xb1, 0xb2, 0xb3, 0xb5, 0xb6, 0xb8, 0xb9, 0xbc, 0xbd, 0xbe, 0xbf,
];
/// Of those, the ones that also begin no word: `£ukasz` is `Łukasz`.
const NOT_BEFORE_LETTERS: &[u8] = &[0xa3, 0xa5, 0xa6, 0xa8, 0xac, 0xaf, 0xb3, 0xb8, 0xb9];
/// `Ð Þ ð þ`, which are Icelandic in Windows-1252, and Turkish or Vietnamese in its neighbours, and `¤`, which is `€` in ISO 8859-15.
const RARE: &[u8] = &[0xa4, 0xd0, 0xde, 0xf0, 0xfe];
/// The longest character of UTF-8, in bytes.
const UTF8_LONGEST: usize = 4;

impl EncodingDetector {
    /// Why the text is not Windows-1252, if this byte after those before it shows that.
    pub(super) fn check(&mut self, byte: u8) -> Option<NotWindows1252> {
        if byte.is_ascii() {
            return self.check_ascii(byte);
        }
        if matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d) {
            return Some(NotWindows1252::Undefined(byte));
        }
        if byte < 0xa0 && !TYPOGRAPHIC.contains(&byte) {
            return Some(NotWindows1252::Unlikely(byte));
        }
        let signs = match self.last_ascii {
            letter if letter.is_ascii_alphabetic() => NOT_IN_WORDS,
            digit if digit.is_ascii_digit() => &[],
            _ => NOT_BEFORE_LETTERS,
        };
        self.sign_in_word = Some(byte).filter(|byte| self.run.is_empty() && signs.contains(byte));
        if self.run.len() == UTF8_LONGEST {
            self.run.remove(0);
        }
        self.run.push(byte);
        self.letters = if byte >= 0xa1 { self.letters + 1 } else { 0 };
        if self.letters == LETTERS {
            return Some(NotWindows1252::EastAsian(self.run.clone()));
        }
        (2..=self.run.len())
            .map(|len| &self.run[self.run.len() - len..])
            .find(|tail| std::str::from_utf8(tail).is_ok())
            .map(|tail| NotWindows1252::Utf8(tail.to_vec()))
    }

    fn check_ascii(&mut self, byte: u8) -> Option<NotWindows1252> {
        let rare = match self.run[..] {
            [byte] if RARE.contains(&byte) => Some(byte),
            _ => None,
        };
        let sign = self
            .sign_in_word
            .take()
            .filter(|_| byte.is_ascii_alphabetic());
        // The second half of some characters of Big5 and Shift-JIS. People do not write a backslash after an accent.
        let second_half = byte == b'\\' && self.letters > 0;
        let found = if second_half {
            Some(NotWindows1252::EastAsian(
                [self.run.as_slice(), &[byte]].concat(),
            ))
        } else {
            sign.or(rare).map(NotWindows1252::Unlikely)
        };
        self.run.clear();
        self.letters = 0;
        self.last_ascii = byte;
        found
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn checked(bytes: &[u8]) -> Option<NotWindows1252> {
        let mut detector = EncodingDetector::default();
        bytes.iter().find_map(|&byte| detector.check(byte))
    }

    #[test]
    fn what_people_write_in_windows_1252_is_accepted() {
        for text in [
            "José, Zoë und Jürgen",
            "informações, coração, AÇÃO",
            "“Hello”…” — ‘it’s’ €5 £3 ½ 25 °C ™®©",
            "«Café» ¿Qué? ¡Ñandú!",
            "Straße, Ærø, Ångström, naïve",
        ] {
            let (bytes, _, lossy) = encoding_rs::WINDOWS_1252.encode(text);
            assert!(!lossy);
            assert_eq!(checked(&bytes), None, "{text}");
        }
    }

    #[test]
    fn other_encodings_are_detected() {
        for byte in [0x81, 0x8d, 0x8f, 0x90, 0x9d] {
            assert_eq!(
                checked(&[b'a', byte]),
                Some(NotWindows1252::Undefined(byte))
            );
        }
        for character in ["é", "€", "姓", "😀"] {
            let text = [b"\xe9 x".as_slice(), character.as_bytes()].concat();
            let found = checked(&text);
            assert!(
                matches!(
                    found,
                    Some(
                        NotWindows1252::Utf8(_)
                            | NotWindows1252::Undefined(_)
                            | NotWindows1252::Unlikely(_)
                    )
                ),
                "{character}: {found:?}"
            );
        }
        for (encoding, text) in [
            (encoding_rs::GBK, "李明"),
            (encoding_rs::GBK, "陈美玲"),
            (encoding_rs::BIG5, "陳美玲"),
            (encoding_rs::EUC_KR, "이름"),
            (encoding_rs::SHIFT_JIS, "ひらがな"),
            (encoding_rs::WINDOWS_1251, "Иван"),
        ] {
            let (bytes, _, _) = encoding.encode(text);
            assert!(checked(&bytes).is_some(), "{text}");
        }
        assert_eq!(
            checked(b"Li \xc0\xee\xc3\xf7"),
            Some(NotWindows1252::EastAsian(b"\xc0\xee\xc3".to_vec()))
        );
        // Correct Windows-1252 that is refused all the same: `É”` is UTF-8, too.
        assert_eq!(
            checked(b"CAF\xc9\x94"),
            Some(NotWindows1252::Utf8(b"\xc9\x94".to_vec()))
        );
    }

    #[test]
    fn letters_of_mac_roman_and_dos_are_not_taken_for_signs() {
        for (bytes, byte) in [
            (b"Hi Jos\x8e".as_slice(), 0x8e),
            (b"Jos\x82", 0x82),
            (b"Zo\x89", 0x89),
            (b"Mart\x93nez", 0x93),
            (b"C\x99te", 0x99),
            (b"na\x95ve", 0x95),
        ] {
            assert_eq!(
                checked(bytes),
                Some(NotWindows1252::Unlikely(byte)),
                "{bytes:x?}"
            );
        }
        for text in [
            "O’Brien",
            "A–Z",
            "wait…what",
            "yes—no",
            "Brand™ \"x\"",
            "say “hi” to Siti",
            "€5",
        ] {
            let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(text);
            assert_eq!(checked(&bytes), None, "{text}");
        }
        let (bytes, _, _) = encoding_rs::BIG5.encode("許 功");
        assert_eq!(
            checked(&bytes),
            Some(NotWindows1252::EastAsian(b"\xb3\\".to_vec()))
        );
        assert_eq!(checked(b"caf\xe9 C:\\x"), None);
    }

    #[test]
    fn letters_of_neighbouring_encodings_are_not_taken_for_signs() {
        for (encoding, text) in [
            (encoding_rs::WINDOWS_1250, "Łukasz"),
            (encoding_rs::WINDOWS_1250, "Pawła"),
            (encoding_rs::WINDOWS_1250, "Małgorzata"),
            (encoding_rs::WINDOWS_1250, "Żaneta"),
            (encoding_rs::WINDOWS_1250, "Kużma"),
            (encoding_rs::WINDOWS_1250, "Kaľa"),
            (encoding_rs::ISO_8859_15, "žena"),
            (encoding_rs::ISO_8859_15, "5€ off"),
            (encoding_rs::ISO_8859_15, "cœur"),
            (encoding_rs::WINDOWS_1254, "Şule"),
            (encoding_rs::WINDOWS_1254, "Yağmur"),
            (encoding_rs::WINDOWS_1258, "Đuc"),
            (encoding_rs::ISO_8859_2, "Łukasz"),
        ] {
            let (bytes, _, lossy) = encoding.encode(text);
            assert!(!lossy, "{text}");
            assert!(
                matches!(checked(&bytes), Some(NotWindows1252::Unlikely(_))),
                "{text}: {:?}",
                checked(&bytes)
            );
        }
        for text in [
            "£5 off",
            "RM5 (£1)",
            "5¢ each",
            "±5",
            "25 °C",
            "m² and m³ and 10 km²",
            "½kg",
            "¼ kg",
            "O´Brien",
            "col·lega",
            "¿Qué?",
            "¡Hola!",
            "©ACME",
            "ACME® Sdn",
            "§5",
            "5µg",
            "«Café»",
            "¥500",
            "¶ 2",
            "3×4",
            "Ávila, José ²",
        ] {
            let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(text);
            assert_eq!(checked(&bytes), None, "{text}");
        }
    }

    #[test]
    fn ascii_ends_a_run() {
        assert_eq!(
            checked(b"\xc0\xee,\xc0\xee \xe4\xe4-\xe4\x85\xe4\xe4"),
            None
        );
    }
}
