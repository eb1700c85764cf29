//! Where messages go, and with which account: the gateway, or a sandbox in this process.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::args::{SandboxArgs, SendArgs};
use super::credentials;
use crate::Result;
use crate::gateway::{Credentials, Endpoint, Gateway, HttpGateway, Network, Timeouts};
use crate::sandbox::{self, Options, Sandbox};

/// How a ledger that was sent to the sandbox of this program says so. No host has this name.
pub(super) const SANDBOX_HOST: &str = "the sandbox";

/// Loopback, at any free port.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Where messages go, and with which account.
pub(super) struct Destination {
    pub(super) endpoint: Endpoint,
    network: Network,
    credentials: Credentials,
    timeouts: Timeouts,
    /// The sandbox of this process. It stops when this is dropped.
    sandbox: Option<Sandbox>,
}

impl Destination {
    /// Finds the gateway and the account, or starts the sandbox.
    pub(super) fn find(args: &SendArgs) -> Result<Self> {
        let start = || start_sandbox(ANY_PORT, &args.sandbox);
        let sandbox = args.send.sandbox.then(start).transpose()?;
        let url = match (&sandbox, &args.send.gateway) {
            (Some(sandbox), _) => Some(sandbox.url()),
            (None, Some(url)) => Some(url.clone()),
            (None, None) => credentials::variable("ISMS_GATEWAY")?,
        };
        let endpoint = Endpoint::parse(url.as_deref().unwrap_or(Endpoint::DEFAULT))?;
        Ok(Self {
            network: Network::find(&endpoint, &credentials::variable)?,
            endpoint,
            credentials: match sandbox {
                Some(_) => credentials::for_sandbox(),
                None => credentials::from_environment()?,
            },
            timeouts: Timeouts {
                connect: args.send.connect_timeout,
                total: args.send.timeout,
            },
            sandbox,
        })
    }

    /// Its name for people, and in a ledger.
    pub(super) fn name(&self) -> String {
        match &self.sandbox {
            Some(_) => SANDBOX_HOST.to_owned(),
            None => self.endpoint.host(),
        }
    }

    /// A connection to it for one worker.
    pub(super) fn gateway(&self) -> Box<dyn Gateway> {
        Box::new(HttpGateway::rest(
            self.endpoint.clone(),
            self.network.clone(),
            self.credentials.clone(),
            self.timeouts,
        ))
    }
}

/// Starts a sandbox that listens there.
pub(super) fn start_sandbox(listen: SocketAddr, args: &SandboxArgs) -> Result<Sandbox> {
    sandbox::start(&Options {
        listen,
        outbox: args.outbox.clone(),
        latency: Duration::from_millis(args.latency.unwrap_or(0)),
        per_number: args.per_number,
    })
}
