//! What speaks against Windows-1252 in bytes that are not UTF-8. Every byte sequence but a few is Windows-1252, so names in GBK
//! would come out as gibberish and be sent; here the bytes have to be such as a person would write in it. It knows
//! neither lines nor files.

/// The high bytes (no ASCII) that stand together at the place that has been read.
#[derive(Debug, Default)]
pub(super) struct EncodingDetector {
    run: Vec<u8>,
    letters: usize,
    /// The last ASCII byte, and the sign behind it that makes no sense if a letter follows, too.
    last: u8,
    sign_in_word: Option<u8>,
}

/// Why bytes are not taken for Windows-1252.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Suspicion {
    /// A byte that has no meaning in it.
    Undefined(u8),
    /// A whole character of UTF-8.
    Utf8(Vec<u8>),
    /// A byte that has a meaning in it, but hardly where it stands: it is a letter in another encoding.
    Unlikely(u8),
    /// So many letters beside each other as only a script without ASCII has.
    EastAsian(Vec<u8>),
}

/// Letters with accents or signs in a row, from `¡` on: `ção` has two, and hardly a word three. The bytes below are quotes, dashes
/// and the like, which do stand together (`’…”`).
const LETTERS: usize = 3;
/// Of the bytes below `¡`, those that offices write: `€ … ‘ ’ “ ” • – — ™`. The others are rare letters and signs here, and the
/// accented letters of Mac Roman and of DOS.
const TYPOGRAPHIC: &[u8] = &[
    0x80, 0x85, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x99, 0xa0,
];
/// Of those, `€ “ ” • ™`: between two letters they are `Ä ì î ï ô` of Mac Roman. An apostrophe or a dash does stand there.
const NOT_IN_WORDS: &[u8] = &[0x80, 0x93, 0x94, 0x95, 0x99];
/// The longest character of UTF-8, in bytes.
const UTF8_LONGEST: usize = 4;

impl EncodingDetector {
    /// What this byte, together with those before it, speaks against, if it does.
    pub(super) fn of(&mut self, byte: u8) -> Option<Suspicion> {
        if byte.is_ascii() {
            return self.of_ascii(byte);
        }
        if matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d) {
            return Some(Suspicion::Undefined(byte));
        }
        if byte < 0xa0 && !TYPOGRAPHIC.contains(&byte) {
            return Some(Suspicion::Unlikely(byte));
        }
        let alone = self.run.is_empty() && self.last.is_ascii_alphabetic();
        self.sign_in_word = Some(byte).filter(|byte| alone && NOT_IN_WORDS.contains(byte));
        if self.run.len() == UTF8_LONGEST {
            self.run.remove(0);
        }
        self.run.push(byte);
        self.letters = if byte >= 0xa1 { self.letters + 1 } else { 0 };
        if self.letters == LETTERS {
            return Some(Suspicion::EastAsian(self.run.clone()));
        }
        (2..=self.run.len())
            .map(|len| &self.run[self.run.len() - len..])
            .find(|tail| std::str::from_utf8(tail).is_ok())
            .map(|tail| Suspicion::Utf8(tail.to_vec()))
    }

    fn of_ascii(&mut self, byte: u8) -> Option<Suspicion> {
        let sign = self
            .sign_in_word
            .take()
            .filter(|_| byte.is_ascii_alphabetic());
        // The second half of some characters of Big5 and Shift-JIS; nobody writes one behind an accent.
        let half = byte == b'\\' && self.letters > 0;
        let found = if half {
            Some(Suspicion::EastAsian(
                [self.run.as_slice(), &[byte]].concat(),
            ))
        } else {
            sign.map(Suspicion::Unlikely)
        };
        self.run.clear();
        self.letters = 0;
        self.last = byte;
        found
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn suspicion(bytes: &[u8]) -> Option<Suspicion> {
        let mut doubt = EncodingDetector::default();
        bytes.iter().find_map(|&byte| doubt.of(byte))
    }

    #[test]
    fn what_people_write_in_windows_1252_is_taken_for_it() {
        for text in [
            "José, Zoë und Jürgen",
            "informações, coração, AÇÃO",
            "“Hello”…” — ‘it’s’ €5 £3 ½ 25 °C ™®©",
            "«Café» ¿Qué? ¡Ñandú!",
            "Straße, Ærø, Ångström, naïve",
        ] {
            let (bytes, _, lossy) = encoding_rs::WINDOWS_1252.encode(text);
            assert!(!lossy);
            assert_eq!(suspicion(&bytes), None, "{text}");
        }
    }

    #[test]
    fn what_is_something_else_is_not() {
        for byte in [0x81, 0x8d, 0x8f, 0x90, 0x9d] {
            assert_eq!(suspicion(&[b'a', byte]), Some(Suspicion::Undefined(byte)));
        }
        for character in ["é", "€", "姓", "😀"] {
            let text = [b"\xe9 x".as_slice(), character.as_bytes()].concat();
            let found = suspicion(&text);
            assert!(
                matches!(
                    found,
                    Some(Suspicion::Utf8(_) | Suspicion::Undefined(_) | Suspicion::Unlikely(_))
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
            assert!(suspicion(&bytes).is_some(), "{text}");
        }
        assert_eq!(
            suspicion(b"Li \xc0\xee\xc3\xf7"),
            Some(Suspicion::EastAsian(b"\xc0\xee\xc3".to_vec()))
        );
        // Rightly Windows-1252 and refused all the same: `É”` is UTF-8, too.
        assert_eq!(
            suspicion(b"CAF\xc9\x94"),
            Some(Suspicion::Utf8(b"\xc9\x94".to_vec()))
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
                suspicion(bytes),
                Some(Suspicion::Unlikely(byte)),
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
            assert_eq!(suspicion(&bytes), None, "{text}");
        }
        let (bytes, _, _) = encoding_rs::BIG5.encode("許 功");
        assert_eq!(
            suspicion(&bytes),
            Some(Suspicion::EastAsian(b"\xb3\\".to_vec()))
        );
        assert_eq!(suspicion(b"caf\xe9 C:\\x"), None);
    }

    #[test]
    fn ascii_ends_a_run() {
        assert_eq!(
            suspicion(b"\xc0\xee,\xc0\xee \xa4\xa4-\xa4\x85\xa4\xa4"),
            None
        );
    }
}
