//! What speaks against Windows-1252 in bytes that are not UTF-8. Every byte sequence but a few is Windows-1252, so names in GBK
//! would come out as gibberish and be sent; here the bytes have to be such as a person would write in it. It knows
//! neither lines nor files.

/// The high bytes (no ASCII) that stand together at the place that has been read.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    run: Vec<u8>,
    letters: usize,
}

/// Why bytes are not taken for Windows-1252.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Suspicion {
    /// A byte that has no meaning in it.
    Undefined(u8),
    /// A whole character of UTF-8.
    Utf8(Vec<u8>),
    /// So many letters beside each other as only a script without ASCII has.
    EastAsian(Vec<u8>),
}

/// Letters with accents or signs in a row, from `¡` on: `ção` has two, and hardly a word three. The bytes below are quotes, dashes
/// and the like, which do stand together (`’…”`).
const LETTERS: usize = 3;
/// The longest character of UTF-8, in bytes.
const UTF8_LONGEST: usize = 4;

impl Doubt {
    /// What this byte, together with those before it, speaks against, if it does.
    pub(super) fn of(&mut self, byte: u8) -> Option<Suspicion> {
        if byte.is_ascii() {
            self.run.clear();
            self.letters = 0;
            return None;
        }
        if matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d) {
            return Some(Suspicion::Undefined(byte));
        }
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
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn suspicion(bytes: &[u8]) -> Option<Suspicion> {
        let mut doubt = Doubt::default();
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
                matches!(found, Some(Suspicion::Utf8(_) | Suspicion::Undefined(_))),
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
    fn ascii_ends_a_run() {
        assert_eq!(
            suspicion(b"\xc0\xee,\xc0\xee \xa4\xa4-\xa4\x85\xa4\xa4"),
            None
        );
    }
}
