//! An input that can be opened twice, and that must not change meanwhile. Standard input and pipes are kept in a temporary file.

use std::fs::{self, File, Metadata};
use std::io::{self, Seek};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

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
    /// What the file was before it was opened.
    before: Option<FileState>,
}

impl<'a> KeptInput<'a> {
    /// This input. Only with `twice` is a copy made of one that can be read only once; without it, open it only once.
    pub fn new(input: &'a Input, twice: bool) -> Result<Self> {
        let before = FileState::of(input);
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
        Ok(Self {
            input,
            copy,
            before,
        })
    }

    /// Refuses a file that is not the same any more as when this was made: a program may still be writing it.
    pub fn refuse_changed(&self) -> Result<()> {
        if self.before.is_none() || self.before == FileState::of(self.input) {
            return Ok(());
        }
        Err(changed().at(self.input))
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

/// The error of a spreadsheet that is not the same any more.
#[must_use]
pub fn changed() -> Error {
    Error::new(Kind::Input, "changed while it was read").hint(
        "run again when nothing writes to it; let a program that exports it write to another name, and rename the file (mv) when it is complete",
    )
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileState {
    file: (u64, u64),
    len: u64,
    modified: (i64, i64),
}

impl FileState {
    /// `None`: it is no file.
    fn of(input: &Input) -> Option<Self> {
        let file = metadata(input).ok().filter(Metadata::is_file)?;
        Some(Self {
            file: (file.dev(), file.ino()),
            len: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
        })
    }
}

fn metadata(input: &Input) -> io::Result<Metadata> {
    match input {
        Input::File(path) => fs::metadata(path),
        Input::Stdin => File::from(io::stdin().as_fd().try_clone_to_owned()?).metadata(),
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
