//! An input that can be opened twice. Standard input and pipes are kept in a temporary file for that.

use std::fs::{self, File};
use std::io::{self, Seek};

use super::input::{Input, open_file};
use super::{ReadOptions, Source};
use crate::{Error, Kind, Result};

/// An input that can be opened again, once what was opened before is dropped.
#[derive(Debug)]
pub struct KeptInput<'a> {
    /// The input itself.
    pub input: &'a Input,
    /// The bytes of an input that gives them only once. The file has no name, so that it ends with this process.
    copy: Option<File>,
}

impl<'a> KeptInput<'a> {
    /// This input. Only with `twice` is a copy made of one that can be read only once; without it, open it only once.
    pub fn new(input: &'a Input, twice: bool) -> Result<Self> {
        let copy = match input {
            _ if !twice => None,
            Input::Stdin => Some(copy(&mut io::stdin())),
            Input::File(path) => match fs::metadata(path) {
                Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
                    Some(open_file(path).and_then(|(mut pipe, _)| copy(&mut pipe)))
                }
                // Opening it says what is wrong.
                _ => None,
            },
        };
        let copy = copy.transpose().map_err(|error| error.at(input))?;
        Ok(Self { input, copy })
    }

    /// Opens it from its beginning, as [`Source::open`] does.
    pub fn open(&self, options: &ReadOptions) -> Result<Source> {
        let Some(copy) = &self.copy else {
            return Source::open(self.input, options);
        };
        let place = self.input.to_string();
        let file = copy.try_clone().and_then(|mut file| {
            file.rewind()?;
            Ok(file)
        });
        let file = file.map_err(|error| cannot_be_kept(error).at(&place))?;
        Source::from_reader(&place, file, options)
    }
}

fn copy(bytes: &mut impl io::Read) -> Result<File> {
    let kept = tempfile::tempfile().and_then(|mut file| {
        io::copy(bytes, &mut file)?;
        Ok(file)
    });
    kept.map_err(cannot_be_kept)
}

fn cannot_be_kept(error: io::Error) -> Error {
    Error::new(Kind::Disk, "cannot be kept in a temporary file")
        .caused_by(error)
        .hint("make room in the folder for temporary files, or save it as a file and name that")
}
