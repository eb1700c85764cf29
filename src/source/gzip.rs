//! Unpacks a compressed spreadsheet while it is read.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use crate::{Error, Kind};

/// How every gzip file begins (RFC 1952).
pub(super) const MAGIC: &[u8] = b"\x1f\x8b";

/// The content of a gzip file.
pub(super) fn unpacked(bytes: impl Read + Send + 'static) -> impl Read + Send + 'static {
    Unpacked(MultiGzDecoder::new(bytes))
}

struct Unpacked<R>(MultiGzDecoder<R>);

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            let explained = match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    Error::new(Kind::Input, "the compressed file is incomplete")
                }
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                    Error::new(Kind::Input, "the compressed file is damaged").caused_by(error)
                }
                _ => return error,
            };
            io::Error::other(explained.hint("compress or copy it again"))
        })
    }
}
