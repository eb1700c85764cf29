//! Whose a ledger is that is there and that this user cannot use. A second ledger elsewhere would send the campaign again, so
//! it is never offered.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::files::{self, LOCK, SHARED_MEMORY, WAL};
use crate::{Error, Kind};

/// Made beside a ledger and removed, to see whether anything can be made there.
const TRIED: &str = ".tried";

/// What a ledger is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Read,
    Write,
}

/// The error for a ledger or a lock that is there and that this user cannot use, if it cannot. It opens them, so it is only for
/// a ledger that this process does not have open.
pub(super) fn refusal(ledger: &Path, wanted: Use) -> Option<Error> {
    let ledger = files::link_target(ledger);
    let needed: &[&str] = match wanted {
        Use::Read => &["", WAL, SHARED_MEMORY],
        Use::Write => &["", LOCK, WAL, SHARED_MEMORY],
    };
    needed.iter().find_map(|suffix| {
        let path = files::sidecar(&ledger, suffix);
        let error = open(&path, wanted).err()?;
        Some(refused(&path, wanted, error))
    })
}

/// The same, of a ledger that is to be written.
#[must_use]
pub(in crate::ledger) fn refusal_to_write(ledger: &Path) -> Option<Error> {
    refusal(ledger, Use::Write)
}

/// The error for a file that is there and that this user cannot read.
pub(super) fn refusal_to_read(path: &Path) -> Option<Error> {
    let error = open(path, Use::Read).err()?;
    Some(refused(path, Use::Read, error))
}

/// The error for a ledger or a lock that are there in a folder where this user may not write, as this error says.
pub(super) fn refusal_of_folder(ledger: &Path, error: &io::Error) -> Option<Error> {
    let ledger = files::link_target(ledger);
    // What cannot be seen may be there.
    let is_there = |suffix| files::exists(&files::sidecar(&ledger, suffix)).unwrap_or(true);
    if !is_forbidden(error) || !(is_there("") || is_there(LOCK)) {
        return None;
    }
    let folder = ledger
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let error = error.kind().into();
    Some(refused(folder.unwrap_or(Path::new(".")), Use::Write, error))
}

/// The same, where making a file beside the ledger shows it.
pub(super) fn refusal_beside(ledger: &Path) -> Option<Error> {
    let beside = files::sidecar(&files::link_target(ledger), TRIED);
    match File::create_new(&beside) {
        Ok(_) => {
            let _ = fs::remove_file(beside);
            None
        }
        Err(error) => refusal_of_folder(ledger, &error),
    }
}

/// Only an error that says that this user may not is one here.
fn open(path: &Path, wanted: Use) -> io::Result<()> {
    if files::is_pipe(path) {
        return Ok(());
    }
    let opened = File::options()
        .read(true)
        .write(wanted == Use::Write)
        .open(path);
    match opened {
        Err(error) if is_forbidden(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Whether it is a matter of rights that something cannot be used.
fn is_forbidden(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}

fn refused(path: &Path, wanted: Use, error: io::Error) -> Error {
    let verb = match wanted {
        Use::Read => "read",
        Use::Write => "written",
    };
    let owner = owner(path);
    let (problem, hint) = if error.kind() == ErrorKind::ReadOnlyFilesystem {
        let problem = format!("cannot be {verb}, because its disk can only be read");
        (problem, "make its disk writable".to_owned())
    } else if owner == this_user() {
        let problem = format!("cannot be {verb}, although it is this user's own");
        (problem, "allow its user to read and write it".to_owned())
    } else {
        let name = owner.map_or_else(|| "another user".to_owned(), name);
        let problem = format!("belongs to {name}, and cannot be {verb} by this user");
        (problem, format!("run this as {name}"))
    };
    Error::new(Kind::Ledger, problem)
        .caused_by(error)
        .hint(format!(
            "{hint}: what was sent is recorded in the ledger that is there, and with another one it would be sent again"
        ))
        .at(path.display())
}

/// Who owns a file, or the nearest folder of it that this user can see.
fn owner(path: &Path) -> Option<u32> {
    let path = std::path::absolute(path).ok()?;
    path.ancestors()
        .find_map(|path| fs::metadata(path).ok())
        .map(|found| found.uid())
}

/// Who runs this process, where the system shows it.
fn this_user() -> Option<u32> {
    fs::metadata("/proc/self").ok().map(|process| process.uid())
}

/// A user's name, or the number of one that is not in `/etc/passwd`.
fn name(user: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&users, user).unwrap_or_else(|| format!("the user with the number {user}"))
}

/// `name:password:number:...`, a line for each user.
fn name_in(users: &str, user: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let number = fields.nth(1)?.parse::<u32>().ok()?;
        (number == user).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\n\n#comment\nbroken:x\nsiti:x:1001:1001::/home/siti:/bin/sh\n\
                     :x:1002:1:::\nwrong:x:-1:1:::";
        for (number, name) in [
            (0, Some("root")),
            (1001, Some("siti")),
            (1002, None),
            (1003, None),
            (u32::MAX, None),
        ] {
            assert_eq!(name_in(users, number).as_deref(), name, "{number}");
        }
    }
}
