//! Detects UTF-16 without a byte order mark by its NUL bytes. A delimited file is full of digits, delimiters and line ends; half of
//! each is a NUL byte in UTF-16, and no other text has them.

use encoding_rs::{CoderResult, Encoding, UTF_16BE, UTF_16LE};

/// UTF-16, if this beginning of a file is hardly anything else.
pub(super) fn detect(beginning: &[u8]) -> Option<&'static Encoding> {
    let nuls = |offset: usize| {
        let bytes = beginning.iter().skip(offset).step_by(2);
        bytes.filter(|&&byte| byte == 0).count()
    };
    let (even, odd) = (nuls(0), nuls(1));
    let (encoding, nuls, others) = if odd > even {
        (UTF_16LE, odd, even)
    } else {
        (UTF_16BE, even, odd)
    };
    // 一 (U+4E00) has its NUL at the other place, and no other common character does.
    let one_sided = nuls >= others * 9;
    let units = beginning.len() / 2;
    // Nearly all ASCII, or some of it with line ends at their places: a few stray NUL bytes are neither.
    let ascii = nuls * 4 >= units * 3;
    let mixed = nuls * 10 >= units;
    (nuls > 0 && one_sided && (ascii || mixed) && is_text_in(beginning, encoding, !ascii))
        .then_some(encoding)
}

/// Whether these bytes are text of this encoding without control characters, and with a line end if one is needed.
fn is_text_in(beginning: &[u8], encoding: &'static Encoding, line_end: bool) -> bool {
    let mut units = vec![0; beginning.len() + 1];
    let (result, _, written, malformed) = encoding
        .new_decoder_without_bom_handling()
        .decode_to_utf16(beginning, &mut units, false);
    let units = &units[..written];
    let control = |&unit: &u16| unit < 0x20 && !matches!(unit, 0x09 | 0x0a | 0x0d);
    result == CoderResult::InputEmpty
        && !malformed
        && !units.is_empty()
        && !units.iter().any(control)
        && (!line_end || units.iter().any(|unit| matches!(unit, 0x0a | 0x0d)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn text_in_either_order_is_known() {
        for text in [
            "a",
            "a,b",
            "phone\n0123456789\n",
            "姓名,电话\r\n一一,0123456789\r\n上海一家,0198765432\r\n",
            "姓名,电话,内容\n陈美玲,0123456789,您好！您的包裹已到达，请尽快领取。\n",
            "Name;Telefon\n😀 José;0123456789\n",
        ] {
            assert_eq!(
                detect(&utf16(text, u16::to_le_bytes)),
                Some(UTF_16LE),
                "{text}"
            );
            assert_eq!(
                detect(&utf16(text, u16::to_be_bytes)),
                Some(UTF_16BE),
                "{text}"
            );
        }
        // Cut in the middle of a character.
        let text = utf16("a,b\n1,2\n", u16::to_le_bytes);
        assert_eq!(detect(&text[..13]), Some(UTF_16LE));
    }

    #[test]
    fn other_bytes_with_nuls_are_not() {
        let stray = format!(
            "name,phone\nAli\0,0123456789\n{}",
            "Bala,0123456789\n".repeat(9)
        );
        let block = format!("name,phone\nAli,0123456789\n{}", "\0".repeat(400));
        for bytes in [
            &b""[..],
            b"name,phone\n",
            b"ab\0c",
            b"ab\0c,d\n",
            b"\0",
            b"\0\0\0\0",
            b"a\0\0\0b\0\0\0",
            b"\x01\0\x02\0\x03\0\x04\0",
            // Two halves of a pair the wrong way round.
            b"a\0\n\0\x00\xdc\x00\xd8",
            stray.as_bytes(),
            block.as_bytes(),
        ] {
            assert_eq!(detect(bytes), None, "{bytes:?}");
        }
    }
}
