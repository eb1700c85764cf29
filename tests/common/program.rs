//! The real program in a folder of its own with an environment of its own, bounded in time; all it writes is kept.
//! It knows the shape of the program's files and nothing of their meaning.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt as _, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::backend::Database;
use super::{Gateway, PASSWORD, USERNAME};

/// How long a run may take before it is killed and the test fails.
const BOUND: Duration = Duration::from_secs(90);

/// Where some bytes came from, and the bytes.
pub(super) type Printed = (String, Vec<u8>);

/// A folder for one test, and the program to run in it.
pub(crate) struct Program {
    folder: tempfile::TempDir,
    /// Everything that any run printed, for the search for secrets.
    printed: Arc<Mutex<Vec<Printed>>>,
    /// Keeps its campaigns, if they are not kept in files.
    pub(crate) database: Option<Database>,
}

impl Program {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            printed: Arc::default(),
            database: None,
        }
    }

    /// A folder with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let program = Self::new();
        for (name, contents) in files {
            program.write(name, contents);
        }
        program
    }

    /// The path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A named pipe in the folder. To open it is to wait for the other side.
    pub(crate) fn pipe(&self, name: &str) {
        let made = Command::new("mkfifo").arg(self.path(name)).status();
        assert!(made.unwrap().success(), "{name}");
    }

    /// Writes a file in the folder.
    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        path
    }

    /// The text of a file in the folder.
    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// The names of all files in the folder, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Whether there is anything of a ledger but its lock: the ledger, a half-built one, what `SQLite` keeps beside it.
    pub(crate) fn ledger_exists(&self) -> bool {
        let is_beside =
            |name: &str| name.ends_with(".ledger.lock") || name.ends_with(".ledger.store");
        let mut files = self.files().into_iter();
        files.any(|name| name.contains(".ledger") && !is_beside(&name))
    }

    /// The header of a CSV in the folder.
    pub(crate) fn header(&self, name: &str) -> Vec<String> {
        let (header, _) = table(&self.read(name));
        header
    }

    /// The rows of a CSV in the folder, by column.
    pub(crate) fn results(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        rows_of(&self.read(name))
    }

    /// A summary written with `--summary-json`.
    pub(crate) fn summary_json(&self, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.read(name)).expect("a summary is JSON")
    }

    /// The program with these arguments and no credentials.
    pub(crate) fn command<S: AsRef<str>>(&self, arguments: &[S]) -> Invocation<'_> {
        let store = self.database.iter();
        Invocation {
            program: self,
            within: None,
            arguments: arguments.iter().map(|a| a.as_ref().to_owned()).collect(),
            environment: store
                .map(|database| ("ISMS_STORE".to_owned(), database.url()))
                .collect(),
            stdin: None,
            user: None,
            bound: BOUND,
        }
    }

    /// Runs the program with these arguments and no credentials.
    pub(crate) fn run<S: AsRef<str>>(&self, arguments: &[S]) -> Run {
        self.command(arguments).run()
    }

    /// `send` to a gateway with credentials, without a question and without a rate, unless the arguments say otherwise.
    pub(crate) fn send_command(&self, gateway: &str, arguments: &[&str]) -> Invocation<'_> {
        let mut all = vec!["send"];
        all.extend(arguments);
        all.extend(["--gateway", gateway, "--yes"]);
        if !arguments.iter().any(|a| a.starts_with("--rate")) {
            all.extend(["--rate", "none"]);
        }
        self.command(&all).credentials()
    }

    /// Runs `send` as `send_command` makes it.
    pub(crate) fn send(&self, gateway: &Gateway, arguments: &[&str]) -> Run {
        self.send_command(&gateway.url(), arguments).run()
    }

    /// Panics if the password, in any usual spelling, is in a file of the folder or in the store, or was printed by any run.
    pub(crate) fn no_secret_anywhere(&self, password: &str) {
        let needles = spellings(password);
        let mut places: Vec<Printed> = self.printed.lock().unwrap().clone();
        files_under(self.folder.path(), &mut places);
        places.extend(self.database.iter().flat_map(Database::tables));
        assert!(!places.is_empty(), "nothing ran, so nothing was searched");
        for (place, bytes) in &places {
            for needle in &needles {
                let found = bytes.windows(needle.len()).any(|w| w == needle.as_bytes());
                assert!(
                    !found,
                    "the password is in {place} as {needle:?}:\n{}",
                    String::from_utf8_lossy(bytes)
                );
            }
        }
    }
}

/// The password raw, percent-encoded both ways and cases, and its longest run of letters and digits, which
/// stays whole in every encoding but base64.
fn spellings(password: &str) -> Vec<String> {
    let encoded = |space: &str, upper: bool| {
        password.bytes().fold(String::new(), |mut out, byte| {
            match byte {
                b' ' => out.push_str(space),
                b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => out.push(b.into()),
                b if upper => write!(out, "%{b:02X}").unwrap(),
                b => write!(out, "%{b:02x}").unwrap(),
            }
            out
        })
    };
    let run = password
        .split(|c: char| !c.is_ascii_alphanumeric())
        .max_by_key(|run| run.len())
        .unwrap_or_default();
    let mut all = vec![password.to_owned()];
    all.extend(
        [("+", true), ("+", false), ("%20", true), ("%20", false)].map(|(s, u)| encoded(s, u)),
    );
    if run.len() >= 6 {
        all.push(run.to_owned());
    }
    all
}

fn files_under(folder: &Path, found: &mut Vec<Printed>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_under(&path, found);
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

fn table(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let owned = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
    let header = owned(reader.headers().expect("a header"));
    let rows = reader
        .records()
        .map(|record| owned(&record.expect("a row as long as the header")))
        .collect();
    (header, rows)
}

/// The rows of a CSV, by column.
pub(crate) fn rows_of(text: &str) -> Vec<BTreeMap<String, String>> {
    let (header, rows) = table(text);
    rows.into_iter()
        .map(|row| header.iter().cloned().zip(row).collect())
        .collect()
}

/// One run to be.
pub(crate) struct Invocation<'p> {
    program: &'p Program,
    /// A shell script that becomes the program at its end.
    within: Option<String>,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    stdin: Option<Vec<u8>>,
    user: Option<u32>,
    bound: Duration,
}

impl Invocation<'_> {
    /// The same run as another user, which only root can start.
    pub(crate) fn user(mut self, number: u32) -> Self {
        self.user = Some(number);
        self
    }

    /// The same run after these shell commands (`ulimit -f 8`), in the process that they prepared.
    pub(crate) fn within(mut self, commands: &str) -> Self {
        self.within = Some(format!("{commands}\nexec \"$0\" \"$@\""));
        self
    }

    /// The same run with more arguments.
    pub(crate) fn more(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|a| (*a).to_owned()));
        self
    }

    /// The same run with a variable set.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// The same run with the tests' username and password in the environment.
    pub(crate) fn credentials(self) -> Self {
        self.env("ISMS_USERNAME", USERNAME)
            .env("ISMS_PASSWORD", PASSWORD)
    }

    /// The same run without a variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    /// The same run with these bytes on standard input, which is otherwise empty.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// The same run, killed after this time.
    pub(crate) fn bound(mut self, bound: Duration) -> Self {
        self.bound = bound;
        self
    }

    /// Starts it.
    pub(crate) fn start(self) -> Running {
        let folder = self.program.folder.path();
        let binary = env!("CARGO_BIN_EXE_isms-campaign");
        let mut command = match &self.within {
            None => Command::new(binary),
            Some(script) => {
                let mut shell = Command::new("sh");
                shell.args(["-ec", script, binary]);
                shell
            }
        };
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
            .args(&self.arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder)
            .env("TMPDIR", folder)
            .env("LANG", "C.UTF-8")
            .env("TZ", "Asia/Kuala_Lumpur")
            .envs(&self.environment)
            .stdin(match self.stdin {
                Some(_) => Stdio::piped(),
                None => Stdio::null(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = command.spawn().unwrap();
        let pid = child.id();
        if let Some(bytes) = self.stdin {
            let mut stdin = child.stdin.take().unwrap();
            // A program that stops early closes its end; that is no fault of the test.
            thread::spawn(move || drop(stdin.write_all(&bytes)));
        }
        let stdout = drain(child.stdout.take().unwrap());
        let stderr = drain(child.stderr.take().unwrap());
        Running {
            pid,
            line: format!("isms-campaign {}", shown(&self.arguments)),
            folder: folder.to_owned(),
            printed: Arc::clone(&self.program.printed),
            started,
            bound: self.bound,
            stdout,
            stderr,
            ended: ended(child),
        }
    }

    /// Starts it and waits for its end.
    pub(crate) fn run(self) -> Run {
        self.start().wait()
    }
}

fn shown(arguments: &[String]) -> String {
    let shown: Vec<String> = arguments
        .iter()
        .map(|a| {
            if a.is_empty() || a.contains([' ', '\'', '"', '{', '\n']) {
                format!("{a:?}")
            } else {
                a.clone()
            }
        })
        .collect();
    shown.join(" ")
}

fn drain(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ended = stream.read_to_end(&mut bytes);
        bytes
    })
}

fn ended(mut child: Child) -> Receiver<ExitStatus> {
    let (tell, told) = channel();
    thread::spawn(move || {
        let status = child.wait().unwrap();
        let _nobody_waits = tell.send(status);
    });
    told
}

/// A run that has begun.
pub(crate) struct Running {
    /// The process.
    pub(crate) pid: u32,
    line: String,
    folder: PathBuf,
    printed: Arc<Mutex<Vec<Printed>>>,
    started: Instant,
    bound: Duration,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
    ended: Receiver<ExitStatus>,
}

impl Running {
    /// Sends it a signal: `KILL`, `INT`, `TERM`, `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        signals(self.pid, name, 1);
    }

    /// Waits for its end; kills it and panics where that takes too long.
    pub(crate) fn wait(self) -> Run {
        let left = self.bound.saturating_sub(self.started.elapsed());
        let bound = self.bound;
        let (run, late) = self.wait_or_kill(left);
        assert!(!late, "still running after {bound:?}\n{run}");
        run
    }

    /// Waits for its end, but kills it where it lives longer than this; says in the run which it was.
    pub(crate) fn killed_after(self, life: Duration) -> Run {
        self.wait_or_kill(life).0
    }

    /// Waits for its end, but kills it as soon as this is due; says in the run which it was.
    pub(crate) fn killed_when(self, due: impl Fn() -> bool) -> Run {
        while is_running(self.pid) && !due() {
            assert!(self.started.elapsed() < self.bound, "{} goes on", self.line);
            thread::sleep(Duration::from_micros(200));
        }
        self.wait_or_kill(Duration::ZERO).0
    }

    fn wait_or_kill(self, life: Duration) -> (Run, bool) {
        let (status, late) = match self.ended.recv_timeout(life) {
            Ok(status) => (status, false),
            Err(RecvTimeoutError::Timeout) => {
                signals(self.pid, "KILL", 1);
                (self.ended.recv().unwrap(), true)
            }
            Err(RecvTimeoutError::Disconnected) => panic!("{}: nobody waited for it", self.line),
        };
        let stdout = self.stdout.join().unwrap();
        let stderr = self.stderr.join().unwrap();
        let mut printed = self.printed.lock().unwrap();
        printed.push((format!("standard output of {}", self.line), stdout.clone()));
        printed.push((format!("standard error of {}", self.line), stderr.clone()));
        drop(printed);
        let run = Run {
            line: self.line,
            folder: self.folder,
            code: status.code(),
            signal: status.signal(),
            elapsed: self.started.elapsed(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        };
        (run, late)
    }
}

/// Sends a signal to a process of ours, if it still runs, this many times at once.
fn signals(pid: u32, name: &str, times: usize) {
    let _gone_already = Command::new("kill")
        .arg(format!("-{name}"))
        .args(vec![pid.to_string(); times])
        .stderr(Stdio::null())
        .status();
}

/// Whether a process runs (or waits to be reaped).
pub(crate) fn is_running(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// A process that a gateway's script sends signals to; the script may know of it before it has started.
#[derive(Clone, Default)]
pub(crate) struct Victim(Arc<(Mutex<Option<u32>>, Condvar)>);

impl Victim {
    /// Nobody yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Says who it is.
    pub(crate) fn is(&self, running: &Running) {
        *self.0.0.lock().unwrap() = Some(running.pid);
        self.0.1.notify_all();
    }

    /// Sends the signal, as soon as it is known to whom. A SIGKILL has been given when this returns.
    pub(crate) fn signal(&self, name: &str) {
        self.signals(name, 1);
    }

    /// Sends it this many times at once.
    pub(crate) fn signals(&self, name: &str, times: usize) {
        let pid = self.0.0.lock().unwrap();
        let (pid, _) = self
            .0
            .1
            .wait_timeout_while(pid, BOUND, |pid| pid.is_none())
            .unwrap();
        signals(pid.expect("the victim was never named"), name, times);
    }
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    line: String,
    folder: PathBuf,
    /// The exit code, unless a signal ended it.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    /// From start to end.
    pub(crate) elapsed: Duration,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {}", self.line)?;
        writeln!(f, "in {}, for {:?}", self.folder.display(), self.elapsed)?;
        writeln!(f, "exit code {:?}, signal {:?}", self.code, self.signal)?;
        writeln!(f, "--- standard output\n{}", self.stdout)?;
        writeln!(f, "--- standard error\n{}", self.stderr)
    }
}

impl Run {
    /// Panics with the whole story unless the run ended with this code.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "another exit code was due\n{self}");
        self
    }

    /// Panics unless a signal of this number ended it.
    #[track_caller]
    pub(crate) fn dies_of(&self, signal: i32) -> &Self {
        assert_eq!(
            self.signal,
            Some(signal),
            "it should have been killed\n{self}"
        );
        self
    }

    /// Panics unless standard error has every one of these words, in any case.
    #[track_caller]
    pub(crate) fn says(&self, words: &[&str]) -> &Self {
        let heard = self.stderr.to_lowercase();
        for word in words {
            let said = heard.contains(&word.to_lowercase());
            assert!(said, "standard error should say {word:?}\n{self}");
        }
        self
    }

    /// Panics unless standard error has at least one of these words, in any case.
    #[track_caller]
    pub(crate) fn says_one_of(&self, words: &[&str]) -> &Self {
        let heard = self.stderr.to_lowercase();
        let said = words.iter().any(|w| heard.contains(&w.to_lowercase()));
        assert!(said, "standard error should say one of {words:?}\n{self}");
        self
    }

    /// Panics unless the claim holds; shows the whole story.
    #[track_caller]
    pub(crate) fn shows(&self, claim: bool, what: &str) -> &Self {
        assert!(claim, "{what}\n{self}");
        self
    }
}
