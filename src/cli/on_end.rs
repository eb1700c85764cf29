//! The command of `--on-end`: when a run has ended, it gets the summary, so that it can tell somebody.

use std::env;
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::fs::{Access, access};
use rustix::process::{Pid, Signal, kill_process_group};

use super::credentials;
use super::signals;
use super::terminal::tell;
use crate::{Error, Kind, Result};

/// How long it may take.
const BOUND: Duration = Duration::from_secs(60);

/// Where programs are looked for if the environment does not say.
const USUAL_PATH: &str = "/bin:/usr/bin";

/// A command with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OnEnd {
    program: String,
    arguments: Vec<String>,
}

impl OnEnd {
    /// The command in these words, split as a shell splits them. Nothing else of a shell has a meaning.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let words = shlex::split(text).ok_or("has a quote or a backslash without an end")?;
        let mut words = words.into_iter();
        let program = words.next().filter(|program| !program.is_empty());
        Ok(Self {
            program: program.ok_or("names no command")?,
            arguments: words.collect(),
        })
    }

    /// Refuses a command that could not be started, before it is needed.
    pub(super) fn check(&self) -> Result<()> {
        let program = Path::new(&self.program);
        let path = || env::var_os("PATH").unwrap_or_else(|| USUAL_PATH.into());
        let is_there = if self.program.contains('/') {
            is_executable(program)
        } else {
            env::split_paths(&path()).any(|folder| is_executable(&folder.join(program)))
        };
        if is_there {
            return Ok(());
        }
        let problem = format!("the command of --on-end cannot be run: {}", self.program);
        Err(Error::new(Kind::Other, problem).hint(
            "name an executable file, as ./NAME if it is in this folder, or one in PATH; a shell needs its own name, as in \"sh -c '...'\"",
        ))
    }

    /// Runs it with this text on its standard input. If it fails, the user is warned, and nothing else changes.
    pub(super) fn run(&self, summary: String) {
        if let Err(problem) = self.run_within(BOUND, summary) {
            tell(&format!("Warning: the command of --on-end {problem}."));
        }
    }

    fn run_within(&self, bound: Duration, summary: String) -> Result<(), String> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::piped())
            // Standard output may be reserved for the summary.
            .stdout(standard_error())
            // What it starts is killed with it.
            .process_group(0);
        for variable in credentials::VARIABLES {
            command.env_remove(variable);
        }
        let started = command.spawn();
        let mut child = started.map_err(|error| format!("cannot be started: {error}"))?;
        let group = Pid::from_child(&child);
        signals::exit_at_once(move || kill(group));
        if let Some(mut stdin) = child.stdin.take() {
            // It need not read it.
            thread::spawn(move || stdin.write_all(summary.as_bytes()));
        }
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || sender.send(child.wait()));
        match receiver.recv_timeout(bound) {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("failed ({status})")),
            Ok(Err(error)) => Err(format!("cannot be waited for: {error}")),
            Err(_) => {
                kill(group);
                let seconds = bound.as_secs();
                Err(format!("was killed: it took more than {seconds} seconds"))
            }
        }
    }
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

fn kill(group: Pid) {
    // If there is none any more, it has ended.
    let _ = kill_process_group(group, Signal::KILL);
}

fn standard_error() -> Stdio {
    let duplicate = io::stderr().as_fd().try_clone_to_owned();
    duplicate.map_or_else(|_| Stdio::null(), Stdio::from)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn command(text: &str) -> OnEnd {
        OnEnd::parse(text).unwrap()
    }

    #[test]
    fn words_are_split_as_in_a_shell() {
        let words = |text| OnEnd::parse(text).map(|found| (found.program, found.arguments));
        let owned = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (text, program, arguments) in [
            ("notify", "notify", &[][..]),
            (
                "  mail -s 'May sale' ops@x ",
                "mail",
                &["-s", "May sale", "ops@x"],
            ),
            (
                r#"./a\ b "c d" $HOME | wc"#,
                "./a b",
                &["c d", "$HOME", "|", "wc"],
            ),
        ] {
            assert_eq!(words(text), Ok((program.to_owned(), owned(arguments))));
        }
        for wrong in ["", "  ", "''", "mail 'x", "mail \"x", "mail \\"] {
            assert!(words(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_command_that_takes_too_long_is_killed_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        let script = format!("sh -c '(sleep 60; echo x > {0}) & wait'", file.display());
        let bound = Duration::from_millis(200);
        let problem = command(&script)
            .run_within(bound, String::new())
            .unwrap_err();
        assert!(problem.contains("killed"), "{problem}");
        // A command that reads nothing, and one that ends before it has read all.
        let long = "x".repeat(1 << 20);
        for text in ["true", "head -c 1", "sh -c 'exec <&-; true'"] {
            assert_eq!(
                command(text).run_within(BOUND, long.clone()),
                Ok(()),
                "{text}"
            );
        }
        for (text, words) in [("false", "exit status: 1"), ("./none", "cannot be started")] {
            let problem = command(text).run_within(BOUND, String::new()).unwrap_err();
            assert!(problem.contains(words), "{problem}");
        }
    }
}
