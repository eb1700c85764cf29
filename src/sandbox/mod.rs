//! The sandbox: a simulated gateway on a loopback address that speaks the wire format of the iSMS reference. It shares
//! no code with the rest of the program but its errors, so that it checks what the program sends independently.
//!
//! | file | is responsible for |
//! |---|---|
//! | `server` | HTTP, delays, dropped connections |
//! | `simulator` | the reply to the fields of a request |
//! | `rules` | what the reference demands of a request |
//! | `faults` | numbers that misbehave |
//! | `outbox` | the record of the messages taken |

mod faults;
mod outbox;
mod rules;
mod server;
mod simulator;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::error::{Error, Kind, Remedy, Result};
use outbox::Outbox;
use simulator::Simulator;

/// How a sandbox is to behave.
#[derive(Clone, Debug)]
pub struct Options {
    /// The loopback address to listen on; port 0 is any free one.
    pub listen: SocketAddr,
    /// The CSV file to which a line is appended for every number taken.
    pub outbox: Option<PathBuf>,
    /// How long every answer is delayed after the message was taken.
    pub latency: Duration,
    /// Whether every number of a request gets its own answer, joined by `||`.
    pub per_number: bool,
    /// For how many credits it takes messages.
    pub credits: u64,
}

/// More credits than any campaign needs.
pub const MANY_CREDITS: u64 = 1_000_000_000;

/// A running sandbox. It stops when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    /// The address that it listens on, with the actual port.
    address: SocketAddr,
    stop: watch::Sender<bool>,
    /// `None` after it was joined.
    thread: Option<JoinHandle<Result<()>>>,
}

/// Starts a sandbox on its own thread. It accepts connections when this returns. Fails if the address is not loopback
/// (usage) or is in use, or if the outbox cannot be used.
pub fn start(options: &Options) -> Result<Sandbox> {
    let listen = options.listen;
    if !listen.ip().to_canonical().is_loopback() {
        let message = format!("the sandbox listens on loopback addresses only, not on {listen}");
        return Err(Error::usage(message)
            .hint("use 127.0.0.1 or [::1]")
            .remedy(Remedy::ListenAddress));
    }
    let outbox = options.outbox.as_deref().map(Outbox::open).transpose()?;
    let simulator = Simulator::new(outbox, options.per_number, options.credits);
    launch(listen, simulator, options.latency)
}

fn launch(listen: SocketAddr, simulator: Simulator, latency: Duration) -> Result<Sandbox> {
    let cannot_listen = |error: std::io::Error| {
        Error::new(Kind::Disk, format!("the sandbox cannot listen on {listen}"))
            .caused_by(error)
            .hint("choose another address or port 0 (any free port)")
            .remedy(Remedy::ListenAddress)
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(cannot_listen)?;
    let listener = runtime
        .block_on(TcpListener::bind(listen))
        .map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    let (stop, _) = watch::channel(false);
    let server = server::serve(listener, simulator, latency, stop.clone());
    let thread = thread::Builder::new()
        .name("sandbox".to_owned())
        .spawn(move || runtime.block_on(server))
        .map_err(cannot_listen)?;
    Ok(Sandbox {
        address,
        stop,
        thread: Some(thread),
    })
}

impl Sandbox {
    /// The URL to send to: `http://127.0.0.1:PORT/RESTAPI.php`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, server::PATH)
    }

    /// Waits until it ends: when the outbox can no longer be written, which fails with that error.
    pub fn wait(&mut self) -> Result<()> {
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(Error::new(Kind::Other, "the sandbox ended unexpectedly")
                .hint("please report this with the message above")),
        }
    }
}

/// Stops it and returns when its thread has ended, within a few seconds: delayed answers are given at once, and
/// connections that stay busy are closed.
impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        // A caller that drops it instead of waiting for it does not need to know how it ended.
        let _ = self.wait();
    }
}
