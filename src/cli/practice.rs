//! The practice gateway, in a process of its own or inside a send. It knows no ledger.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::args::PracticeArgs;
use super::exit::Exit;
use super::tell;
use crate::Result;
use crate::sandbox::{self, Options, Sandbox};

/// Loopback, at whatever port is free.
pub(super) const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A practice gateway that listens there.
pub(super) fn start(listen: SocketAddr, args: &PracticeArgs) -> Result<Sandbox> {
    sandbox::start(Options {
        listen,
        outbox: args.outbox.clone(),
        latency: Duration::from_millis(args.latency.unwrap_or(0)),
        per_number: args.per_number,
    })
}

/// The story of `sandbox`: listen until a signal ends the process.
pub(super) fn run(listen: SocketAddr, args: &PracticeArgs) -> Result<Exit> {
    let sandbox = start(listen, args)?;
    tell(&format!(
        "The sandbox listens at {} and sends nothing. Ctrl-C ends it.",
        sandbox.url()
    ));
    sandbox.wait().map(|()| Exit::OK)
}
