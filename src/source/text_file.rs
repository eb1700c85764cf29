//! Reads a file that was written in a text editor: a message, or a campaign file.

use std::io::Read;
use std::path::Path;

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE};

use super::errors::{nul_byte, unreadable};
use super::foreign::{self, Foreign};
use super::input::open_file;
use super::lines::line_ends;
use super::{utf16, workbook};
use crate::{Error, Kind, Result};

/// The text of a file, without a byte order mark: UTF-8 or UTF-16, as editors save it. Documents of word processors are
/// refused. Errors name the file.
pub fn read_text(path: &Path) -> Result<String> {
    let read = || {
        let mut bytes = Vec::new();
        open_file(path)?
            .0
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        decoded(&bytes)
    };
    read().map_err(|error: Error| error.at(path.display()))
}

fn decoded(bytes: &[u8]) -> Result<String> {
    if let Some(document) = foreign::binary(bytes).or_else(|| workbook::foreign(bytes)) {
        return Err(no_text_but(&document));
    }
    if workbook::is_workbook(bytes) {
        return Err(no_text("this is a workbook, not a text"));
    }
    let bom = encoding_rs::Encoding::for_bom(bytes).map(|(encoding, _)| encoding);
    let encoding = bom.or_else(|| utf16::detect(bytes)).unwrap_or(UTF_8);
    let text = encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .ok_or_else(|| {
            let name = encoding.name();
            Error::new(Kind::Input, format!("this is not {name} text"))
                .hint("save it as UTF-8 in the editor")
        })?;
    let text = text.trim_start_matches('\u{feff}');
    let is_utf16 = encoding == UTF_16LE || encoding == UTF_16BE;
    if let Some(at) = text.find('\0').filter(|_| !is_utf16) {
        return Err(nul_byte(1 + line_ends(&text.as_bytes()[..at]))
            .instead("write it in a text editor and save it as UTF-8"));
    }
    // A message in braces or brackets is a message.
    match foreign::text(text.as_bytes()).filter(|document| document.what != foreign::JSON) {
        Some(document) => Err(no_text_but(&document)),
        None => Ok(text.to_owned()),
    }
}

fn no_text_but(document: &Foreign) -> Error {
    no_text(&format!("this is {}, not a text", document.what))
}

fn no_text(what: &str) -> Error {
    Error::new(Kind::Input, what)
        .hint("copy the text into a text editor and save it there as plain text in UTF-8")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn utf8_and_utf16_are_read() {
        for text in [
            "Hi {{ name }}, RM5 off\r\n",
            "Hai {{ nama }}, jualan bermula esok ❤️ 姓名\n",
            "{{ name }}",
            "{name}",
            "[Ipoh] sale",
            "a\u{b}b\u{85}c\u{2028}",
        ] {
            let marked = format!("\u{feff}{text}");
            for bytes in [
                text.as_bytes().to_vec(),
                marked.as_bytes().to_vec(),
                utf16(&marked, u16::to_le_bytes),
                utf16(&marked, u16::to_be_bytes),
            ] {
                assert_eq!(decoded(&bytes).as_deref(), Ok(text));
            }
        }
        let text = "Hi {{ name }}, sale\n";
        assert_eq!(decoded(&utf16(text, u16::to_le_bytes)).as_deref(), Ok(text));
        assert_eq!(decoded(b"").as_deref(), Ok(""));
    }

    #[test]
    fn documents_are_refused_by_name() {
        let hint = "copy the text into a text editor and save it there as plain text in UTF-8";
        for (bytes, what) in [
            (
                &b"{\\rtf1\\ansi Hi}"[..],
                "this is an RTF document, not a text",
            ),
            (b"%PDF-1.7", "this is a PDF, not a text"),
            (b"<html><body>Hi", "this is a web page, not a text"),
        ] {
            assert_eq!(
                decoded(bytes).unwrap_err().to_string(),
                format!("{what}; {hint}")
            );
        }
        for (bytes, error) in [
            (
                &b"Hi Jos\xe9"[..],
                "this is not UTF-8 text; save it as UTF-8 in the editor",
            ),
            (
                b"\xff\xfeH\0\x00\xd8",
                "this is not UTF-16LE text; save it as UTF-8 in the editor",
            ),
            (
                b"Hi\nyou\0there, all of you",
                "line 2 holds a NUL byte, which no text has; write it in a text editor and save it as UTF-8",
            ),
        ] {
            assert_eq!(decoded(bytes).unwrap_err().to_string(), error);
        }
    }
}
