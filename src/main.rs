//! Starts the program and hands its exit code to the system; it knows nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    isms_campaign::cli::main(std::env::args_os())
}
