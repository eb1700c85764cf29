//! UTF-8 out of bytes in any encoding, while they are read. Nothing is guessed: what a byte order mark, the bytes themselves or
//! the command line do not settle is refused. It knows no lines, delimiters or cells.

use std::fmt::Write as _;
use std::io::{self, Read};

use encoding_rs::{DecoderResult, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::encoding_detector::{EncodingDetector, Suspicion};
use super::format::Encoding;
use super::open::{SAVE_AS_CSV, unreadable};
use super::utf16;
use crate::{Error, Kind, Result};

/// As many bytes as are decoded at once.
const PIECE: usize = 64 * 1024;
/// The smallest buffer that is decoded into directly: several characters of any encoding.
const ROOM: usize = 64;
/// How much decoded text is looked at before the first row is read.
const HEAD: usize = 64 * 1024;
const BOM: &[u8] = "\u{feff}".as_bytes();

/// Text in UTF-8 out of bytes in any encoding. Where it is UTF-8 already, or plain ASCII, the bytes go through as they are, and whether
/// they are valid is for the reader to see; everything else it hands out is. An error of the kind `InvalidData` holds an [`Error`]
/// about the line that follows what was handed out.
pub(super) struct Decoded {
    bytes: Box<dyn Read + Send>,
    state: State,
    /// Decoded and not yet handed out: the head, or the rest of what a small buffer had no room for.
    ready: Vec<u8>,
    taken: usize,
    /// Whether an error follows the head.
    broken: bool,
    marked: bool,
    found: Found,
    /// Whether a command line can name the encoding.
    options: bool,
}

/// By what an encoding is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// Somebody named it.
    Named,
    /// A byte order mark, or bytes that are nothing else.
    Certain,
    /// Bytes that might be something else.
    Assumed,
}

enum State {
    /// Only ASCII so far, and perhaps the first bytes of a character: UTF-8, or else Windows-1252.
    Open {
        cut: Vec<u8>,
    },
    Utf8,
    Other(Box<Transcoder>),
}

impl Decoded {
    /// The text in these bytes, `head` being the first of them; `named` is the encoding that a command line names, `options` whether
    /// one could. Reads ahead to [`Decoded::head`].
    pub(super) fn begin(
        head: &[u8],
        bytes: Box<dyn Read + Send>,
        named: Option<Encoding>,
        options: bool,
    ) -> Result<Self> {
        let mark = encoding_rs::Encoding::for_bom(head).map(|(encoding, _)| Encoding(encoding));
        let (encoding, found) = match (named, mark) {
            (Some(named), Some(mark)) if named != mark => return Err(contradiction(named, mark)),
            (Some(named), _) => (Some(named.0), Found::Named),
            (None, Some(mark)) => (Some(mark.0), Found::Certain),
            (None, None) => (utf16::of(head), Found::Assumed),
        };
        let wide = encoding.is_some_and(|encoding| encoding == UTF_16LE || encoding == UTF_16BE);
        if !wide && head.contains(&0) {
            return Err(
                Error::new(Kind::Input, "this is no text (it holds a NUL byte)").hint(SAVE_AS_CSV),
            );
        }
        let state = match encoding {
            None => State::Open { cut: Vec::new() },
            Some(encoding) if encoding == UTF_8 => State::Utf8,
            Some(encoding) => State::Other(Box::new(Transcoder::new(encoding, Vec::new(), None))),
        };
        let mut text = Self {
            bytes,
            state,
            ready: Vec::new(),
            taken: 0,
            broken: false,
            marked: mark.is_some(),
            found,
            options,
        };
        text.read_head()?;
        Ok(text)
    }

    fn read_head(&mut self) -> Result<()> {
        let mut head = vec![0; HEAD + ROOM];
        let mut filled = 0;
        while filled < HEAD {
            let read = match self.produce(&mut head[filled..]) {
                // It comes again when the rows before it have been read, and its line is known then.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    self.broken = true;
                    0
                }
                result => result.map_err(|error| unreadable(&error))?,
            };
            if read == 0 {
                break;
            }
            filled += read;
        }
        head.truncate(filled);
        // A file that went through two careless programs has two.
        while head[self.taken..].starts_with(BOM) {
            self.taken += BOM.len();
        }
        self.ready = head;
        Ok(())
    }

    /// The beginning of the text without byte order marks: all of it, or 64 KiB and more.
    pub(super) fn head(&self) -> &[u8] {
        &self.ready[self.taken..]
    }

    /// Whether there is no text at all.
    pub(super) fn is_empty(&self) -> bool {
        self.head().is_empty() && !self.broken
    }

    /// Whether there may be more than the head.
    pub(super) fn goes_on(&self) -> bool {
        self.broken || self.ready.len() >= HEAD
    }

    /// Leaves out so many bytes of the head.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.taken = self.ready.len().min(self.taken + bytes);
    }

    /// The encoding, final when everything has been read: until a character comes that is none in UTF-8, it is UTF-8.
    pub(super) fn encoding(&self) -> Encoding {
        Encoding(match &self.state {
            State::Open { .. } | State::Utf8 => UTF_8,
            State::Other(transcoder) => transcoder.decoder.encoding(),
        })
    }

    /// Whether nothing said that it is this encoding, and the bytes might be something else.
    pub(super) fn assumed(&self) -> bool {
        self.found == Found::Assumed && matches!(self.state, State::Other(_))
    }

    /// Whether a spreadsheet program would need a byte order mark to read the same from UTF-8: it was given one, or another encoding.
    pub(super) fn marked(&self) -> bool {
        self.marked || matches!(self.state, State::Other(_))
    }

    /// The next decoded bytes into a buffer of at least [`ROOM`]; 0 at the end.
    fn produce(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match &mut self.state {
                State::Utf8 => return self.bytes.read(buffer),
                State::Other(transcoder) => {
                    return transcoder.produce(&mut self.bytes, buffer).map_err(
                        |fault| match fault {
                            Fault::Bytes(error) => error,
                            Fault::Text(what) => {
                                io::Error::new(io::ErrorKind::InvalidData, self.explain(what))
                            }
                        },
                    );
                }
                State::Open { cut } => {
                    buffer[..cut.len()].copy_from_slice(cut);
                    let read = self.bytes.read(&mut buffer[cut.len()..])?;
                    let filled = cut.len() + read;
                    cut.clear();
                    if let Some(sound) = self.settle(&buffer[..filled], read == 0) {
                        return Ok(sound);
                    }
                }
            }
        }
    }

    /// Looks for the first character that is no ASCII, which decides. So many bytes can be handed out; `None`: none, and there is more.
    fn settle(&mut self, bytes: &[u8], over: bool) -> Option<usize> {
        if bytes.is_ascii() {
            return Some(bytes.len());
        }
        let ascii = encoding_rs::Encoding::ascii_valid_up_to(bytes);
        let rest = &bytes[ascii..];
        self.state = match std::str::from_utf8(&rest[..rest.len().min(4)]) {
            Err(error) if error.valid_up_to() == 0 && (over || error.error_len().is_some()) => {
                let doubt = Some(EncodingDetector::default());
                State::Other(Box::new(Transcoder::new(
                    WINDOWS_1252,
                    rest.to_vec(),
                    doubt,
                )))
            }
            Err(error) if error.valid_up_to() == 0 => State::Open { cut: rest.to_vec() },
            _ => {
                self.state = State::Utf8;
                return Some(bytes.len());
            }
        };
        Some(ascii).filter(|&ascii| ascii > 0)
    }

    fn explain(&self, what: Flaw) -> Error {
        let name = self.encoding().name();
        let anew = |named: &str| {
            if self.options {
                format!("{SAVE_AS_CSV}, or name its encoding with --encoding{named}")
            } else {
                SAVE_AS_CSV.to_owned()
            }
        };
        match (what, self.found) {
            (Flaw::Doubtful(Suspicion::Undefined(byte)), _) => Error::new(Kind::Input, format!(
                "the text is not UTF-8, and not {name} either, which has no byte {byte:02X}"
            ))
            .hint(anew("")),
            (Flaw::Doubtful(Suspicion::Unlikely(byte)), _) => Error::new(Kind::Input, format!(
                "the text is not UTF-8, and hardly {name} either, by the place of the byte {byte:02X}"
            ))
            .hint(anew("")),
            (Flaw::Doubtful(Suspicion::Utf8(bytes)), _) => Error::new(Kind::Input, format!(
                "the bytes {} are UTF-8, but text before them is not, so the file mixes encodings or has yet another",
                hexadecimal(&bytes)
            ))
            .hint(anew("")),
            (Flaw::Doubtful(Suspicion::EastAsian(bytes)), _) => Error::new(Kind::Input, format!(
                "the text is not UTF-8, and the bytes {} look like GBK, Big5 or another encoding of East Asia, not like {name}",
                hexadecimal(&bytes)
            ))
            .hint(anew(" (gbk, big5)")),
            (Flaw::Malformed, Found::Named) => {
                Error::new(Kind::Input, format!("the text is not {name}, which --encoding names")).hint(format!(
                    "leave --encoding out, name another, or {SAVE_AS_CSV}"
                ))
            }
            (Flaw::Malformed, _) => Error::new(Kind::Input, format!(
                "the text is {name}, but holds half a character"
            ))
            .hint(SAVE_AS_CSV),
        }
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.ready.len() {
            if buffer.len() >= ROOM {
                return self.produce(buffer);
            }
            let mut ready = std::mem::take(&mut self.ready);
            ready.resize(ROOM, 0);
            let read = self.produce(&mut ready);
            ready.truncate(*read.as_ref().unwrap_or(&0));
            (self.ready, self.taken) = (ready, 0);
            read?;
        }
        let read = (&self.ready[self.taken..]).read(buffer)?;
        self.taken += read;
        Ok(read)
    }
}

fn contradiction(named: Encoding, mark: Encoding) -> Error {
    Error::usage(format!(
        "--encoding names {}, but the file says by its byte order mark that it is {}",
        named.name(),
        mark.name()
    ))
    .hint("leave --encoding out")
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut written = String::new();
    for byte in bytes {
        let _ = write!(
            written,
            "{}{byte:02X}",
            if written.is_empty() { "" } else { " " }
        );
    }
    written
}

/// Turns what is not UTF-8 into it.
struct Transcoder {
    decoder: encoding_rs::Decoder,
    raw: Vec<u8>,
    /// What of `raw` is still to be decoded.
    from: usize,
    until: usize,
    over: bool,
    finished: bool,
    /// Where the encoding is assumed: what may speak against it.
    doubt: Option<EncodingDetector>,
    /// What follows `until`; final.
    flaw: Option<Flaw>,
}

#[derive(Clone)]
enum Flaw {
    Malformed,
    Doubtful(Suspicion),
}

enum Fault {
    Bytes(io::Error),
    Text(Flaw),
}

impl Transcoder {
    /// For bytes in this encoding, these first.
    fn new(
        encoding: &'static encoding_rs::Encoding,
        first: Vec<u8>,
        doubt: Option<EncodingDetector>,
    ) -> Self {
        let mut transcoder = Self {
            decoder: encoding.new_decoder_without_bom_handling(),
            from: 0,
            until: first.len(),
            raw: first,
            over: false,
            finished: false,
            doubt,
            flaw: None,
        };
        transcoder.examine();
        transcoder
    }

    fn examine(&mut self) {
        let Some(doubt) = &mut self.doubt else { return };
        let suspicion = |(at, byte): (usize, &u8)| Some((at, doubt.of(*byte)?));
        if let Some((at, found)) = self.raw[..self.until]
            .iter()
            .enumerate()
            .find_map(suspicion)
        {
            self.until = at;
            self.flaw = Some(Flaw::Doubtful(found));
        }
    }

    fn produce(&mut self, bytes: &mut impl Read, buffer: &mut [u8]) -> Result<usize, Fault> {
        while !self.finished {
            if self.from == self.until {
                if let Some(flaw) = &self.flaw {
                    return Err(Fault::Text(flaw.clone()));
                }
                self.fill(bytes).map_err(Fault::Bytes)?;
            }
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                &self.raw[self.from..self.until],
                buffer,
                self.over,
            );
            self.from += read;
            match result {
                DecoderResult::Malformed(..) => {
                    self.until = self.from;
                    self.flaw = Some(Flaw::Malformed);
                }
                DecoderResult::InputEmpty => self.finished = self.over,
                DecoderResult::OutputFull => {}
            }
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }

    fn fill(&mut self, bytes: &mut impl Read) -> io::Result<()> {
        self.raw.resize(PIECE.max(self.raw.len()), 0);
        self.from = 0;
        self.until = 0;
        self.until = bytes.read(&mut self.raw)?;
        self.over = self.until == 0;
        self.examine();
        Ok(())
    }
}
