//! A ledger's place in the file system: the files beside it, how it is put there whole, and whether it is still
//! the same file. It never opens a ledger while SQLite has it open: closing such a descriptor would drop
//! SQLite's own locks.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::{Error, Kind, Result};

/// The path with `suffix` behind its whole name.
pub(super) fn beside(ledger: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(ledger);
    name.push(suffix);
    PathBuf::from(name)
}

/// Where a link leads that stands in the ledger's place, else the place itself: two names that lead to one ledger have
/// one lock and one log.
#[must_use]
pub fn leads_to(ledger: &Path) -> PathBuf {
    fs::read_link(ledger)
        .and_then(|_| fs::canonicalize(ledger))
        .unwrap_or_else(|_| ledger.to_owned())
}

/// Whether a log that holds something is beside the ledger: it is in use, or a crash cut its use off.
pub(super) fn has_log(ledger: &Path) -> bool {
    fs::metadata(log(ledger)).is_ok_and(|log| log.len() > 0)
}

/// Where SQLite keeps the write-ahead log of a ledger.
pub(super) fn log(ledger: &Path) -> PathBuf {
    beside(&leads_to(ledger), "-wal")
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
            return Err(Error::new(
                Kind::Ledger,
                format!(
                    "{}: belongs to a ledger that is not there, and may hold what was sent",
                    stray.display()
                ),
            )
            .hint(format!(
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
        Err(fault) => Err(Error::new(Kind::Ledger, fault.to_string()).at(path.display())),
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
        Error::new(Kind::Ledger, format!("cannot be written: {fault}"))
            .hint("choose another place with --ledger")
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
        Error::new(Kind::Ledger, format!("cannot be put in place: {fault}"))
            .hint("see that its folder can be written and that nothing is in its place")
            .at(ledger.display())
    })
}

/// Moves a ledger that is not open aside. It fails where something is at `aside`.
pub(super) fn set_aside(ledger: &Path, aside: &Path) -> Result<()> {
    move_without_overwriting(ledger, aside)
        .and_then(|()| sync_folder(ledger))
        .map_err(|fault| {
            Error::new(
                Kind::Ledger,
                format!("cannot be set aside as {}: {fault}", aside.display()),
            )
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

/// Whether SQLite can open a ledger as one that nobody changes: a log beside it would then be left out.
pub(super) fn is_unchanging(ledger: &Path) -> bool {
    let ledger = leads_to(ledger);
    !["-wal", "-journal"]
        .iter()
        .any(|suffix| beside(&ledger, suffix).exists())
}

/// The address by which SQLite opens a ledger as one that nobody changes, whatever is in its log.
pub(super) fn unchanging(ledger: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(ledger).ok()?;
    let escaped = path
        .to_str()?
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    Some(PathBuf::from(format!("file:{escaped}?immutable=1")))
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
    let partial = beside(ledger, ".partial");
    if same(ledger, &partial) {
        // A crash came between the two halves of its move to its place.
        let _ = fs::remove_file(partial);
    }
    match fs::metadata(ledger) {
        Ok(metadata) if metadata.nlink() > 1 => {
            Err(Error::new(Kind::Ledger, "has a second name (a hard link)")
                .hint("remove the other name, so that nobody sends from both")
                .at(ledger.display()))
        }
        _ => Ok(()),
    }
}

/// The ledger and the files that SQLite keeps beside it while it is open, with what they are now.
pub(super) fn files_of(ledger: &Path) -> Result<Vec<(PathBuf, Identity)>> {
    let ledger = leads_to(ledger);
    ["", "-wal", "-shm"]
        .into_iter()
        .map(|suffix| {
            let path = beside(&ledger, suffix);
            let identity =
                Identity::of_name(&path).map_err(|fault| vanished(&path, &fault.to_string()))?;
            Ok((path, identity))
        })
        .collect()
}

/// The fault of a file that is not what was opened any more.
pub(super) fn vanished(path: &Path, why: &str) -> Error {
    Error::new(
        Kind::Ledger,
        format!("was deleted, renamed or replaced while the ledger was in use ({why})"),
    )
    .hint("put the ledger back before you run again: without it nobody knows what was sent")
    .at(path.display())
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
        fs::metadata(path).map(|metadata| Self::read(&metadata))
    }

    /// What has this name itself, be it a link.
    pub(super) fn of_name(path: &Path) -> io::Result<Self> {
        fs::symlink_metadata(path).map(|metadata| Self::read(&metadata))
    }

    /// The file that is open.
    pub(super) fn of_open(file: &File) -> io::Result<Self> {
        file.metadata().map(|metadata| Self::read(&metadata))
    }

    fn read(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}
