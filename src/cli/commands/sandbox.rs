//! `sandbox`: runs the sandbox until a signal ends the process.

use std::net::SocketAddr;

use crate::Result;
use crate::cli::args::SandboxArgs;
use crate::cli::destination::start_sandbox;
use crate::cli::exit::Exit;
use crate::cli::terminal::tell;

pub(in crate::cli) fn run(listen: SocketAddr, args: &SandboxArgs) -> Result<Exit> {
    let mut sandbox = start_sandbox(listen, args)?;
    tell(&format!(
        "The sandbox listens at {} and sends nothing. Ctrl-C ends it.",
        sandbox.url()
    ));
    sandbox.wait().map(|()| Exit::OK)
}
