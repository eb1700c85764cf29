//! The entry point of the program.

use std::process::ExitCode;

fn main() -> ExitCode {
    isms_campaign::cli::main(std::env::args_os())
}
