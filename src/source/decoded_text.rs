//! Decodes bytes in any encoding to UTF-8 while they are read. The encoding is known from its name, a byte order mark or the
//! bytes themselves; where they leave doubt, the text is refused.

use std::io::{self, Cursor, Read};

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::errors::{nul_byte, unreadable};
use super::lines::line_ends;
use super::options::Encoding;
use super::transcoder::{Origin, Transcoder};
use super::utf16;
use crate::{Error, Kind, Remedy, Result};

/// The smallest buffer that text is decoded into: several characters of any encoding.
const SMALLEST_BUFFER: usize = 64;
/// How much text is decoded before the first row is read.
const BEGINNING: usize = 64 * 1024;
const BOM: &[u8] = "\u{feff}".as_bytes();

/// Text in UTF-8, decoded from bytes in any encoding. Bytes of UTF-8, plain ASCII included, pass unchanged and unchecked; all
/// other text is valid UTF-8. An error of the kind `InvalidData` holds an [`Error`] about the line that follows the text read
/// so far.
pub(super) struct DecodedText {
    bytes: Box<dyn Read + Send>,
    state: State,
    /// The beginning of the text, decoded before the first read.
    ready: Vec<u8>,
    /// How many bytes of the beginning were read.
    taken: usize,
    /// Whether an error follows the beginning.
    error_follows: bool,
    had_bom: bool,
}

enum State {
    /// Only ASCII so far, and perhaps the first bytes of a character, which are kept here: UTF-8, or else Windows-1252.
    Undecided(Vec<u8>),
    Utf8,
    Transcoded(Box<Transcoder>),
}

impl DecodedText {
    /// The text in these bytes: `beginning`, then `rest`. `named` is the encoding, if it was named.
    pub(super) fn new(
        beginning: Vec<u8>,
        rest: impl Read + Send + 'static,
        named: Option<Encoding>,
    ) -> Result<Self> {
        let bom = encoding_rs::Encoding::for_bom(&beginning).map(|(encoding, _)| encoding);
        let known = match (named, bom) {
            (Some(named), Some(bom)) if named.0 != bom => return Err(contradiction(named, bom)),
            (Some(named), _) => Some((named.0, Origin::Named)),
            (None, Some(bom)) => Some((bom, Origin::Bom)),
            (None, None) => utf16::detect(&beginning).map(|found| (found, Origin::Assumed)),
        };
        let is_utf16 = known.is_some_and(|(found, _)| found == UTF_16LE || found == UTF_16BE);
        if let Some(at) = beginning.iter().position(|&byte| byte == 0)
            && !is_utf16
        {
            return Err(nul_byte(1 + line_ends(&beginning[..at])));
        }
        let state = match known {
            None => State::Undecided(Vec::new()),
            Some((encoding, _)) if encoding == UTF_8 => State::Utf8,
            Some((encoding, origin)) => {
                State::Transcoded(Box::new(Transcoder::new(encoding, origin, Vec::new())))
            }
        };
        let mut text = Self {
            bytes: Box::new(Cursor::new(beginning).chain(rest)),
            state,
            ready: Vec::new(),
            taken: 0,
            error_follows: false,
            had_bom: bom.is_some(),
        };
        text.read_beginning()?;
        Ok(text)
    }

    fn read_beginning(&mut self) -> Result<()> {
        let mut beginning = vec![0; BEGINNING + SMALLEST_BUFFER];
        let mut filled = 0;
        while filled < BEGINNING {
            let read = match self.decode(&mut beginning[filled..]) {
                // It is returned again once the rows before it have been read, when its line is known.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    self.error_follows = true;
                    0
                }
                result => result.map_err(unreadable)?,
            };
            if read == 0 {
                break;
            }
            filled += read;
        }
        beginning.truncate(filled);
        // A file that went through two programs may have two byte order marks.
        while beginning[self.taken..].starts_with(BOM) {
            self.taken += BOM.len();
        }
        self.ready = beginning;
        Ok(())
    }

    /// The beginning of the text without byte order marks: all of it, or at least 64 KiB. Only before the first read.
    pub(super) fn beginning(&self) -> &[u8] {
        &self.ready[self.taken..]
    }

    /// Whether there is no text at all.
    pub(super) fn is_empty(&self) -> bool {
        self.beginning().is_empty() && !self.error_follows
    }

    /// Whether more text may follow the beginning.
    pub(super) fn may_continue(&self) -> bool {
        self.error_follows || self.ready.len() >= BEGINNING
    }

    /// Skips this many bytes of the beginning.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.taken = self.ready.len().min(self.taken + bytes);
    }

    /// The encoding, final when everything has been read: it is UTF-8 until a character is not.
    pub(super) fn encoding(&self) -> Encoding {
        Encoding(match &self.state {
            State::Undecided(_) | State::Utf8 => UTF_8,
            State::Transcoded(transcoder) => transcoder.encoding(),
        })
    }

    /// Whether the encoding is only likely from the bytes.
    pub(super) fn is_assumed(&self) -> bool {
        matches!(&self.state, State::Transcoded(transcoder) if transcoder.origin() == Origin::Assumed)
    }

    /// Whether a spreadsheet program needs a byte order mark to read the same text from UTF-8: the file had one, or was in another
    /// encoding.
    pub(super) fn needs_bom(&self) -> bool {
        self.had_bom || matches!(self.state, State::Transcoded(_))
    }

    /// Reads the next text into a buffer of at least 64 bytes. Returns the number of bytes, 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.ready.len() {
            return self.decode(buffer);
        }
        let read = (&self.ready[self.taken..]).read(buffer)?;
        self.taken += read;
        Ok(read)
    }

    fn decode(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match &mut self.state {
                State::Utf8 => return self.bytes.read(buffer),
                State::Transcoded(transcoder) => {
                    return transcoder.decode(&mut self.bytes, buffer);
                }
                State::Undecided(kept) => {
                    buffer[..kept.len()].copy_from_slice(kept);
                    let read = self.bytes.read(&mut buffer[kept.len()..])?;
                    let filled = kept.len() + read;
                    kept.clear();
                    if let Some(decoded) = self.detect(&buffer[..filled], read == 0) {
                        return Ok(decoded);
                    }
                }
            }
        }
    }

    /// Decides by the first character that is not ASCII. Returns how many of the bytes are decoded, or `None` if none are and more
    /// must be read.
    fn detect(&mut self, bytes: &[u8], at_end: bool) -> Option<usize> {
        if bytes.is_ascii() {
            return Some(bytes.len());
        }
        let ascii = encoding_rs::Encoding::ascii_valid_up_to(bytes);
        let rest = &bytes[ascii..];
        self.state = match std::str::from_utf8(&rest[..rest.len().min(4)]) {
            Err(error) if error.valid_up_to() == 0 && (at_end || error.error_len().is_some()) => {
                let transcoder = Transcoder::new(WINDOWS_1252, Origin::Assumed, rest.to_vec());
                State::Transcoded(Box::new(transcoder))
            }
            Err(error) if error.valid_up_to() == 0 => State::Undecided(rest.to_vec()),
            _ => {
                self.state = State::Utf8;
                return Some(bytes.len());
            }
        };
        Some(ascii).filter(|&ascii| ascii > 0)
    }
}

fn contradiction(named: Encoding, bom: &'static encoding_rs::Encoding) -> Error {
    Error::new(
        Kind::Usage,
        format!(
            "the encoding was given as {}, but the file's byte order mark says {}",
            named.name(),
            bom.name()
        ),
    )
    .hint("name that, or none")
    .remedy(Remedy::Encoding)
}
