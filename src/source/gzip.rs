//! A compressed spreadsheet, unpacked while it is read. It knows no text.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use crate::{Error, Kind};

/// How every gzip file begins (RFC 1952).
pub(super) const MAGIC: &[u8] = b"\x1f\x8b";

/// What is in a gzip file.
pub(super) fn unpacked(bytes: impl Read + Send + 'static) -> impl Read + Send + 'static {
    Unpacked(MultiGzDecoder::new(bytes))
}

struct Unpacked<R>(MultiGzDecoder<R>);

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            let what = match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    "the compressed file ends before its end".to_owned()
                }
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                    format!("the compressed file is damaged ({error})")
                }
                _ => return error,
            };
            io::Error::other(Error::new(Kind::Input, what).hint("compress or copy it again"))
        })
    }
}
