//! The sandbox in a process of its own, whose outbox is the record of what a gateway took.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::Program;

/// A sandbox that writes `outbox.csv` in the program's folder, and is stopped at the end of the test.
pub(crate) struct Sandbox {
    process: Child,
    pub(crate) url: String,
}

impl Sandbox {
    /// Starts one with these options in addition.
    pub(crate) fn start(program: &Program, more: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_isms-campaign"))
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .args(["--outbox", "outbox.csv", "--latency", "2"])
            .args(more)
            .current_dir(program.path("."))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"));
        let url = url.expect("it says where it listens").to_owned();
        // Its pipe must not fill.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { process, url }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _gone_already = self.process.kill();
        let _reaped = self.process.wait();
    }
}
