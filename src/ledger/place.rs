//! A ledger's place in the file system: the files beside it, how it is put there whole, and whether it is still
//! the same file. It never opens a ledger while SQLite has it open: closing such a descriptor would drop
//! SQLite's own locks.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The path with `suffix` behind its whole name.
pub(super) fn beside(ledger: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(ledger);
    name.push(suffix);
    PathBuf::from(name)
}

/// The folder that holds the ledger.
fn folder(ledger: &Path) -> &Path {
    match ledger.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Refuses the leftovers of a ledger that is gone: SQLite would replay them into a new one of the same name.
pub(super) fn refuse_strays(ledger: &Path) -> Result<()> {
    if exists(ledger)? {
        return Ok(());
    }
    for suffix in ["-wal", "-shm", "-journal"] {
        let stray = beside(ledger, suffix);
        if exists(&stray)? {
            return Err(Error::new(format!(
                "{}: belongs to a ledger that is not there, and may hold what was sent",
                stray.display()
            ))
            .advice(format!(
                "bring {} back, or move this file away if you know that nothing was sent",
                ledger.display()
            )));
        }
    }
    Ok(())
}

/// Whether something is at that path; an error is not taken for "no".
pub(super) fn exists(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(fault) if fault.kind() == ErrorKind::NotFound => Ok(false),
        Err(fault) => Err(Error::new(fault.to_string()).at(path.display())),
    }
}

/// An empty file that only its owner can read, in place of whatever an earlier run left there.
pub(super) fn create_private(path: &Path) -> Result<()> {
    let make = || -> io::Result<()> {
        match fs::remove_file(path) {
            Err(fault) if fault.kind() != ErrorKind::NotFound => return Err(fault),
            _ => {}
        }
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        Ok(())
    };
    make().map_err(|fault| {
        Error::new(format!("cannot be written: {fault}"))
            .advice("choose another place with --ledger")
            .at(path.display())
    })
}

/// Puts a finished file in its place. `replacing` says that a ledger from which nothing was sent may be there;
/// without it nothing is ever overwritten.
pub(super) fn put_in_place(partial: &Path, ledger: &Path, replacing: bool) -> Result<()> {
    let put = || -> io::Result<()> {
        File::open(partial)?.sync_all()?;
        if replacing {
            fs::rename(partial, ledger)?;
        } else {
            move_without_overwriting(partial, ledger)?;
        }
        sync_folder(ledger)
    };
    put().map_err(|fault| {
        Error::new(format!("cannot be put in place: {fault}"))
            .advice("see that its folder can be written and that nothing is in its place")
            .at(ledger.display())
    })
}

/// Moves a ledger that is not open aside. It fails where something is at `aside`.
pub(super) fn set_aside(ledger: &Path, aside: &Path) -> Result<()> {
    move_without_overwriting(ledger, aside)
        .and_then(|()| sync_folder(ledger))
        .map_err(|fault| {
            Error::new(format!(
                "cannot be set aside as {}: {fault}",
                aside.display()
            ))
            .at(ledger.display())
        })
}

/// A link fails where the target exists, which a rename does not. Where the file system has no links, the lock
/// that the caller holds keeps every other planner away between the look and the rename.
fn move_without_overwriting(from: &Path, to: &Path) -> io::Result<()> {
    if same(from, to) {
        // A crash came between the two halves of this move.
        return fs::remove_file(from);
    }
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(fault) if fault.kind() == ErrorKind::AlreadyExists => Err(fault),
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

/// A name in a folder is durable only once the folder is synced.
fn sync_folder(ledger: &Path) -> io::Result<()> {
    File::open(folder(ledger))?.sync_all()
}

/// The address by which SQLite opens a ledger as one that nobody changes; `None` where a log is beside it, which would
/// then be left out.
pub(super) fn unchanging(ledger: &Path) -> Option<PathBuf> {
    let logged = ["-wal", "-journal"]
        .iter()
        .any(|suffix| beside(ledger, suffix).exists());
    let path = std::path::absolute(ledger).ok()?;
    let escaped = path
        .to_str()?
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    (!logged).then(|| PathBuf::from(format!("file:{escaped}?immutable=1")))
}

/// Whether two paths lead to one file.
pub(super) fn same(one: &Path, other: &Path) -> bool {
    match (Identity::of(one), Identity::of(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// Refuses a file with a second name: each name would have a lock and a log of its own.
pub(super) fn refuse_second_name(ledger: &Path) -> Result<()> {
    match fs::metadata(ledger) {
        Ok(metadata) if metadata.nlink() > 1 => Err(Error::new("has a second name (a hard link)")
            .advice("remove the other name, so that nobody sends from both")
            .at(ledger.display())),
        _ => Ok(()),
    }
}

/// Which file a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// The file that the path leads to now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }
}
