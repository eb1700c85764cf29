//! The practice gateway: the wire format of the iSMS reference on a loopback address, for trying and testing. It
//! starts and stops it here and knows nothing of the rest of the program but how to word an error: it reads the
//! reference for itself, so that it can be the judge of what the program sends.
//!
//! | file | is responsible for |
//! |---|---|
//! | `server` | HTTP, delays, dropped connections |
//! | `desk` | a request's fields in, a reply out, messages taken |
//! | `rules` | what the reference demands of a request |
//! | `faults` | numbers that misbehave |
//! | `outbox` | the record of what was taken |

mod desk;
mod faults;
mod outbox;
mod rules;
mod server;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::error::{Error, Kind, Result};
use desk::Desk;
use outbox::Outbox;

/// How a practice gateway is to behave.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens: a loopback address; port 0 is any free one.
    pub listen: SocketAddr,
    /// The CSV file that gets a line for every number taken; appended to.
    pub outbox: Option<PathBuf>,
    /// How long every answer is kept back, after the message was taken.
    pub latency: Duration,
    /// Whether every number of a request has its own answer, joined by `||`.
    pub per_number: bool,
}

/// A running practice gateway. It stops when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    /// `None` once it was waited for.
    thread: Option<JoinHandle<Result<()>>>,
}

/// A practice gateway that accepts connections, on a thread of its own. Fails if the address is not loopback
/// (usage) or taken, or if the outbox cannot be used.
pub fn start(options: Options) -> Result<Sandbox> {
    let Options {
        listen,
        outbox,
        latency,
        per_number,
    } = options;
    if !listen.ip().to_canonical().is_loopback() {
        return Err(Error::usage(format!(
            "--listen {listen}: the practice gateway listens on loopback addresses only"
        ))
        .hint("use 127.0.0.1 or [::1]"));
    }
    let outbox = outbox.as_deref().map(Outbox::open).transpose()?;
    launch(listen, Desk::new(outbox, per_number), latency)
}

fn launch(listen: SocketAddr, desk: Desk, latency: Duration) -> Result<Sandbox> {
    let fault = |error: std::io::Error| {
        Error::new(
            Kind::Disk,
            format!("the practice gateway cannot listen on {listen}: {error}"),
        )
        .hint("choose another address with --listen; port 0 takes any free one")
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(fault)?;
    let listener = runtime.block_on(TcpListener::bind(listen)).map_err(fault)?;
    let address = listener.local_addr().map_err(fault)?;
    let (stop, _) = watch::channel(false);
    let thread = thread::Builder::new()
        .name("sandbox".to_owned())
        .spawn({
            let stop = stop.clone();
            move || run(&runtime, listener, desk, latency, stop)
        })
        .map_err(fault)?;
    Ok(Sandbox {
        address,
        stop,
        thread: Some(thread),
    })
}

fn run(
    runtime: &Runtime,
    listener: TcpListener,
    desk: Desk,
    latency: Duration,
    stop: watch::Sender<bool>,
) -> Result<()> {
    runtime.block_on(server::serve(listener, desk, latency, stop))
}

impl Sandbox {
    /// The address that it listens on, with its real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL to send to: `http://127.0.0.1:PORT/RESTAPI.php`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, server::PATH)
    }

    /// Stops it and returns when its thread has ended, within a few seconds: answers held back are given at once,
    /// connections that stay busy are closed. Fails if it had ended by itself (see [`Sandbox::wait`]).
    pub fn stop(mut self) -> Result<()> {
        self.stop.send_replace(true);
        self.join()
    }

    /// Returns when it ends by itself, which it does only if the outbox can no longer be written: fails with that.
    pub fn wait(mut self) -> Result<()> {
        self.join()
    }

    fn join(&mut self) -> Result<()> {
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(Error::new(Kind::Disk, "the practice gateway broke down")
                .hint("its last words stand above; report them")),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        // Whoever drops it instead of stopping it does not ask how it ended.
        let _ = self.join();
    }
}
