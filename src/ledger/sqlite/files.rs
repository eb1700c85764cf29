//! The files of a ledger: their names, how a new ledger is put in place, and whether an open one is still the same file.
//!
//! It never opens a ledger that SQLite has open: closing such a descriptor would drop SQLite's own locks.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::schema;
use crate::{Error, Kind, Result};

/// How the name of a ledger ends.
pub const SUFFIX: &str = ".ledger";

/// What is appended to the ledger's name for the files beside it.
pub(in crate::ledger) const LOCK: &str = ".lock";
pub(in crate::ledger) const PARTIAL: &str = ".partial";
pub(in crate::ledger) const WAL: &str = "-wal";
pub(in crate::ledger) const SHARED_MEMORY: &str = "-shm";
pub(in crate::ledger) const JOURNAL: &str = "-journal";
const SIDECARS: [&str; 5] = [LOCK, PARTIAL, WAL, SHARED_MEMORY, JOURNAL];

/// The ledger and the files that may be beside it, each with what it is.
#[must_use]
pub(in crate::ledger) fn sidecar_files(ledger: &Path) -> Vec<(&'static str, PathBuf)> {
    [
        ("the ledger", ""),
        ("the ledger's lock", LOCK),
        ("the unfinished ledger", PARTIAL),
        ("the ledger's log", WAL),
        ("the ledger's log", SHARED_MEMORY),
        ("the ledger's log", JOURNAL),
    ]
    .into_iter()
    .map(|(role, suffix)| (role, sidecar(ledger, suffix)))
    .collect()
}

/// The files that change when something is written to the ledger.
#[must_use]
pub(in crate::ledger) fn data_files(ledger: &Path) -> Vec<PathBuf> {
    vec![ledger.to_owned(), log(ledger)]
}

/// The ledgers in this folder, without one of them, in the order of their names: files that are ledgers, and those that are called so and
/// cannot be read.
pub(in crate::ledger) fn ledgers_in(folder: &Path, without: Option<&Path>) -> Result<Vec<PathBuf>> {
    let listed = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let unlisted = |error| {
        Error::new(Kind::Disk, "cannot be searched for ledgers")
            .caused_by(error)
            .at(listed.display())
    };
    let mut ledgers = Vec::new();
    for entry in fs::read_dir(listed).map_err(unlisted)? {
        let path = folder.join(entry.map_err(unlisted)?.file_name());
        // That one may be open in this process, and must not be opened here.
        let is_sidecar = SIDECARS.iter().any(|suffix| has_suffix(&path, suffix));
        let is_wanted = without.is_none_or(|without| !is_same(&path, without));
        if !is_sidecar
            && is_wanted
            && (has_suffix(&path, SUFFIX) && !is_pipe(&path) || is_ledger(&path))
        {
            ledgers.push(path);
        }
    }
    ledgers.sort_unstable();
    Ok(ledgers)
}

fn has_suffix(path: &Path, suffix: &str) -> bool {
    path.as_os_str().as_bytes().ends_with(suffix.as_bytes())
}

/// Whether a file is a ledger of any version, by the application's id that SQLite keeps in its header.
fn is_ledger(path: &Path) -> bool {
    let mut header = Vec::new();
    let read = fs::metadata(path).and_then(|metadata| {
        if metadata.is_file() {
            File::open(path)?.take(72).read_to_end(&mut header)
        } else {
            Ok(0)
        }
    });
    let id = header.get(68..72).and_then(|id| id.try_into().ok());
    read.is_ok() && id.is_some_and(|id| i64::from(i32::from_be_bytes(id)) == schema::APPLICATION_ID)
}

/// The path with `suffix` appended to its whole name.
pub(in crate::ledger) fn sidecar(ledger: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(ledger);
    name.push(suffix);
    PathBuf::from(name)
}

/// Where a symbolic link in the ledger's place leads, or else the path itself. Two names that lead to one ledger have one
/// lock and one log.
#[must_use]
pub(in crate::ledger) fn link_target(ledger: &Path) -> PathBuf {
    fs::read_link(ledger)
        .and_then(|_| fs::canonicalize(ledger))
        .unwrap_or_else(|_| ledger.to_owned())
}

/// Whether a log that holds something is beside the ledger: it is in use, or was not closed because of a crash.
#[must_use]
pub(in crate::ledger) fn has_log(ledger: &Path) -> bool {
    fs::metadata(log(ledger)).is_ok_and(|log| log.len() > 0)
}

/// Where SQLite keeps the write-ahead log of a ledger.
pub(in crate::ledger) fn log(ledger: &Path) -> PathBuf {
    sidecar(&link_target(ledger), WAL)
}

/// Refuses the leftovers of a ledger that is gone: SQLite would replay them into a new one of the same name.
pub(in crate::ledger) fn refuse_leftovers(ledger: &Path) -> Result<()> {
    for suffix in [WAL, SHARED_MEMORY, JOURNAL] {
        let leftover = sidecar(ledger, suffix);
        if exists(&leftover)? {
            return Err(Error::new(
                Kind::Ledger,
                "belongs to a ledger that is missing, and may hold what was sent",
            )
            .hint(format!(
                "bring {} back, or move this file away if you know that nothing was sent",
                ledger.display()
            ))
            .at(leftover.display()));
        }
    }
    Ok(())
}

/// Whether this is a pipe or a device. To open a pipe would be to wait for its other side.
pub(super) fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Whether something is at that path that can be a ledger. An error is not taken for "no".
pub(in crate::ledger) fn exists(path: &Path) -> Result<bool> {
    look(path).map_err(|error| error.at(path.display()))
}

/// The same, with an error that does not name the path.
pub(super) fn look(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) if is_pipe(path) => Err(Error::new(
            Kind::Ledger,
            "is a pipe or a device, and no ledger",
        )
        .hint("name the file of a ledger")),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::new(Kind::Ledger, "cannot be opened").caused_by(error)),
    }
}

/// Creates an empty file that only its owner can read, in place of what an earlier run may have left there.
pub(in crate::ledger) fn create_private(path: &Path) -> Result<()> {
    let create = || -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        Ok(())
    };
    create().map_err(|error| {
        Error::new(Kind::Disk, "cannot be written")
            .caused_by(error)
            .hint("make sure that its folder can be written and has room, and run again")
            .at(path.display())
    })
}

/// Puts a finished file in its place. `replacing`: a ledger from which nothing was sent may be there. Otherwise nothing is
/// ever overwritten.
pub(in crate::ledger) fn put_in_place(
    partial: &Path,
    ledger: &Path,
    replacing: bool,
) -> Result<()> {
    let put = || -> io::Result<()> {
        File::open(partial)?.sync_all()?;
        if replacing {
            fs::rename(partial, ledger)?;
        } else {
            move_without_overwriting(partial, ledger)?;
        }
        sync_folder(ledger)
    };
    put().map_err(|error| {
        Error::new(Kind::Disk, "cannot be put in place")
            .caused_by(error)
            .hint("make sure that its folder can be written and that no other file has its name")
            .at(ledger.display())
    })
}

/// Renames a ledger that is not open. It fails where something is at `aside`.
pub(in crate::ledger) fn set_aside(ledger: &Path, aside: &Path) -> Result<()> {
    move_without_overwriting(ledger, aside)
        .and_then(|()| sync_folder(ledger))
        .map_err(|error| {
            Error::new(
                Kind::Disk,
                format!("cannot be set aside as {}", aside.display()),
            )
            .caused_by(error)
            .at(ledger.display())
        })
}

/// A link fails where the target exists, which a rename does not. Where the file system has no links, the lock that the
/// caller holds keeps every other planner away between the check and the rename.
fn move_without_overwriting(from: &Path, to: &Path) -> io::Result<()> {
    if is_same(from, to) {
        // A crash came between the two halves of this move.
        return fs::remove_file(from);
    }
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

/// A name in a folder is durable only once the folder is synced.
fn sync_folder(ledger: &Path) -> io::Result<()> {
    File::open(folder(ledger))?.sync_all()
}

fn folder(ledger: &Path) -> &Path {
    let folder = ledger
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Whether SQLite may open a ledger as one that cannot change. It would ignore a log beside it.
pub(in crate::ledger) fn may_be_opened_immutable(ledger: &Path) -> bool {
    let ledger = link_target(ledger);
    ![WAL, JOURNAL]
        .iter()
        .any(|suffix| sidecar(&ledger, suffix).exists())
}

/// The address by which SQLite opens a ledger as one that cannot change, without its log.
pub(in crate::ledger) fn immutable_uri(ledger: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(ledger).ok()?;
    let escaped = path
        .to_str()?
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    Some(PathBuf::from(format!("file:{escaped}?immutable=1")))
}

/// Whether two paths lead to one file.
pub(in crate::ledger) fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => identity(&one) == identity(&other),
        _ => false,
    }
}

/// Refuses a ledger with a hard link: each name would have a lock and a log of its own.
pub(in crate::ledger) fn refuse_hard_link(ledger: &Path) -> Result<()> {
    let partial = sidecar(ledger, PARTIAL);
    if is_same(ledger, &partial) {
        // A crash came between the two halves of the move to its place.
        let _ = fs::remove_file(partial);
    }
    match fs::metadata(ledger) {
        Ok(metadata) if metadata.nlink() > 1 => {
            Err(Error::new(Kind::Ledger, "has a second name (a hard link)")
                .hint("remove the other name, so that the campaign cannot be sent twice")
                .at(ledger.display()))
        }
        _ => Ok(()),
    }
}

/// The ledger and the files that SQLite keeps beside it while it is open, with what they are now.
pub(in crate::ledger) fn identities(ledger: &Path) -> Result<Vec<(Identity, PathBuf)>> {
    let ledger = link_target(ledger);
    ["", WAL, SHARED_MEMORY]
        .into_iter()
        .map(|suffix| {
            let path = sidecar(&ledger, suffix);
            Ok((identity_of_name(&path)?, path))
        })
        .collect()
}

/// The error for a file that is no longer the one that was opened.
pub(in crate::ledger) fn replaced(path: &Path, why: &str) -> Error {
    Error::new(
        Kind::Ledger,
        format!("was deleted, renamed or replaced while the ledger was in use ({why})"),
    )
    .hint("put the ledger back before you run again: nothing else records what was sent")
    .at(path.display())
}

/// A file whatever its names are: its device and its number there.
pub(in crate::ledger) type Identity = (u64, u64);

pub(in crate::ledger) fn identity(file: &fs::Metadata) -> Identity {
    (file.dev(), file.ino())
}

/// What has this name itself, even if it is a link.
pub(in crate::ledger) fn identity_of_name(path: &Path) -> Result<Identity> {
    fs::symlink_metadata(path)
        .map(|file| identity(&file))
        .map_err(|error| replaced(path, &error.to_string()))
}
