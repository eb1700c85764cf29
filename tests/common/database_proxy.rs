//! Between the program and a PostgreSQL server: passes on what they say to each other, and does something at each commit.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

/// Before a commit is passed on to the server, or before its confirmation is passed on to the program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stage {
    Commit,
    Confirmation,
}

/// Gets the number of the commit. `false`: the connection is cut instead.
type OnCommit = dyn Fn(u32, Stage) -> bool + Send + Sync;

/// The proxy, as long as it is needed.
pub(crate) struct DatabaseProxy {
    folder: tempfile::TempDir,
}

impl DatabaseProxy {
    /// A proxy of the server that listens on this socket.
    pub(crate) fn new(
        server: &Path,
        on_commit: impl Fn(u32, Stage) -> bool + Send + Sync + 'static,
    ) -> Self {
        let is_commit = |bytes: &[u8]| bytes.windows(6).any(|word| word == b"COMMIT");
        Self::with(server, is_commit, on_commit)
    }

    /// The same for everything that the program says, and not only for commits.
    #[allow(dead_code, reason = "most tests need only commits")]
    pub(crate) fn of_all(
        server: &Path,
        on_message: impl Fn(u32, Stage) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::with(server, |_| true, on_message)
    }

    fn with(
        server: &Path,
        counts: fn(&[u8]) -> bool,
        on_commit: impl Fn(u32, Stage) -> bool + Send + Sync + 'static,
    ) -> Self {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let (server, on_commit) = (server.to_owned(), Arc::new(on_commit));
        let commits = Arc::new(Mutex::new(0));
        thread::spawn(move || {
            for program in listener.incoming() {
                let (server, on_commit, commits) =
                    (server.clone(), on_commit.clone(), commits.clone());
                thread::spawn(move || {
                    pass_on(program.unwrap(), &server, counts, &*on_commit, &commits);
                });
            }
        });
        Self { folder }
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        let socket = self.folder.path().to_str().unwrap().replace('/', "%2F");
        format!("postgresql://postgres@{socket}/{database}")
    }
}

fn pass_on(
    mut program: UnixStream,
    server: &Path,
    counts: fn(&[u8]) -> bool,
    on_commit: &OnCommit,
    commits: &Mutex<u32>,
) {
    let Ok(mut server) = UnixStream::connect(server) else {
        return;
    };
    let mut answers = server.try_clone().unwrap();
    let mut to_program = program.try_clone().unwrap();
    let committing = &Mutex::new(None);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut bytes = vec![0; 65_536];
            while let Ok(length @ 1..) = answers.read(&mut bytes) {
                let commit = committing.lock().unwrap().take();
                let goes_on = commit.is_none_or(|nth| on_commit(nth, Stage::Confirmation));
                if !goes_on || to_program.write_all(&bytes[..length]).is_err() {
                    break;
                }
            }
            let _ = to_program.shutdown(Shutdown::Both);
        });
        let mut bytes = vec![0; 65_536];
        while let Ok(length @ 1..) = program.read(&mut bytes) {
            if counts(&bytes[..length]) {
                let nth = {
                    let mut commits = commits.lock().unwrap();
                    *commits += 1;
                    *commits - 1
                };
                if !on_commit(nth, Stage::Commit) {
                    break;
                }
                *committing.lock().unwrap() = Some(nth);
            }
            if server.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        let _ = server.shutdown(Shutdown::Both);
    });
}
