//! Decodes text that is not UTF-8, and refuses bytes that its encoding cannot have or a person would not write in it.

use std::io::{self, Read};

use encoding_rs::{DecoderResult, WINDOWS_1252};

use super::encoding_detector::{EncodingDetector, NotWindows1252};
use super::errors::SAVE_AS_CSV;
use crate::{Error, Kind, Remedy};

/// How many bytes are decoded at once.
const PIECE: usize = 64 * 1024;

/// From what an encoding is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was named.
    Named,
    /// From a byte order mark.
    Bom,
    /// Only from bytes that are likely to be in it.
    Assumed,
}

/// Decodes bytes of one encoding to UTF-8.
pub(super) struct Transcoder {
    decoder: encoding_rs::Decoder,
    origin: Origin,
    /// Where Windows-1252 is assumed: looks for bytes that show another encoding.
    detector: Option<EncodingDetector>,
    raw: Vec<u8>,
    /// The part of `raw` that is still to be decoded.
    from: usize,
    until: usize,
    at_end: bool,
    finished: bool,
    /// What is wrong with the bytes after `until`; final.
    problem: Option<Problem>,
}

enum Problem {
    Malformed,
    OtherEncoding(NotWindows1252),
}

impl Transcoder {
    /// A decoder of this encoding; `first` are bytes that were already read.
    pub(super) fn new(
        encoding: &'static encoding_rs::Encoding,
        origin: Origin,
        first: Vec<u8>,
    ) -> Self {
        let needs_detector = origin == Origin::Assumed && encoding == WINDOWS_1252;
        let mut transcoder = Self {
            decoder: encoding.new_decoder_without_bom_handling(),
            origin,
            detector: needs_detector.then(EncodingDetector::default),
            from: 0,
            until: first.len(),
            raw: first,
            at_end: false,
            finished: false,
            problem: None,
        };
        transcoder.check_raw();
        transcoder
    }

    pub(super) fn encoding(&self) -> &'static encoding_rs::Encoding {
        self.decoder.encoding()
    }

    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    /// Decodes the next bytes into a buffer with room for several characters. Returns their number, 0 at the end. An error of the
    /// kind `InvalidData` holds an [`Error`] and is final.
    pub(super) fn decode(&mut self, bytes: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.finished {
            if self.from == self.until {
                if let Some(problem) = &self.problem {
                    let error = self.explain(problem);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, error));
                }
                self.refill(bytes)?;
            }
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                &self.raw[self.from..self.until],
                buffer,
                self.at_end,
            );
            self.from += read;
            match result {
                DecoderResult::Malformed(..) => {
                    self.until = self.from;
                    self.problem = Some(Problem::Malformed);
                }
                DecoderResult::InputEmpty => self.finished = self.at_end,
                DecoderResult::OutputFull => {}
            }
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }

    fn refill(&mut self, bytes: &mut impl Read) -> io::Result<()> {
        self.raw.resize(PIECE.max(self.raw.len()), 0);
        self.from = 0;
        self.until = 0;
        self.until = bytes.read(&mut self.raw)?;
        self.at_end = self.until == 0;
        self.check_raw();
        Ok(())
    }

    fn check_raw(&mut self) {
        let Some(detector) = &mut self.detector else {
            return;
        };
        let mut checked = self.raw[..self.until].iter().enumerate();
        if let Some((at, reason)) =
            checked.find_map(|(at, byte)| Some((at, detector.check(*byte)?)))
        {
            self.until = at;
            self.problem = Some(Problem::OtherEncoding(reason));
        }
    }

    fn explain(&self, problem: &Problem) -> Error {
        let name = self.encoding().name();
        let (message, hint) = match problem {
            Problem::OtherEncoding(reason) => {
                let examples = match reason {
                    NotWindows1252::EastAsian(_) => " (such as gbk or big5)",
                    _ => "",
                };
                (reason.to_string(), format!("name its encoding{examples}"))
            }
            Problem::Malformed if self.origin == Origin::Named => (
                format!("the text is not {name}, the encoding that was named"),
                "name another encoding, or none".to_owned(),
            ),
            Problem::Malformed => {
                let message = format!("the text is {name}, but holds half a character");
                return Error::new(Kind::Input, message).hint(SAVE_AS_CSV);
            }
        };
        Error::new(Kind::Input, message)
            .hint(format!("{SAVE_AS_CSV}, or {hint}"))
            .remedy(Remedy::Encoding)
    }
}
