//! Where messages go, and with which account: the gateway, or a sandbox in this process.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::args::SandboxArgs;
use super::credentials;
use super::values::BalanceCheck;
use crate::Result;
use crate::gateway::{Credentials, Endpoint, Gateway, HttpGateway, Network, Timeouts};
use crate::ledger::account_id;
use crate::sandbox::{self, Options, Sandbox};

/// How a ledger that was sent to the sandbox of this program says so. No host has this name.
pub(super) const SANDBOX_HOST: &str = "the sandbox";

/// Loopback, at any free port.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// How long a question about the account may take. The default for messages, which are not repeated, is longer.
pub(super) const ACCOUNT_TIMEOUT: Duration = Duration::from_secs(10);

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
    /// Finds the gateway and the account.
    pub(super) fn find(gateway: Option<&str>, timeouts: Timeouts) -> Result<Self> {
        let url = match gateway {
            Some(url) => Some(url.to_owned()),
            None => credentials::variable("ISMS_GATEWAY")?,
        };
        let endpoint = Endpoint::parse(url.as_deref().unwrap_or(Endpoint::DEFAULT))?;
        Ok(Self {
            network: Network::find(&endpoint, &credentials::variable)?,
            endpoint,
            credentials: credentials::from_environment()?,
            timeouts,
            sandbox: None,
        })
    }

    /// Starts the sandbox.
    pub(super) fn sandbox(args: &SandboxArgs, timeouts: Timeouts) -> Result<Self> {
        let sandbox = start_sandbox(ANY_PORT, args)?;
        Ok(Self {
            endpoint: Endpoint::parse(&sandbox.url())?,
            network: Network::default(),
            credentials: credentials::for_sandbox(),
            timeouts,
            sandbox: Some(sandbox),
        })
    }

    /// Its name for people, and in a ledger.
    pub(super) fn name(&self) -> String {
        match &self.sandbox {
            Some(_) => SANDBOX_HOST.to_owned(),
            None => self.endpoint.host(),
        }
    }

    /// Stands for the account at the gateway without showing its name.
    pub(super) fn account_id(&self) -> String {
        account_id(&self.name(), &self.credentials.username)
    }

    /// The name of the account, unless it is the sandbox's. It is for the person at a terminal, never for a log.
    pub(super) fn account_name(&self) -> Option<&str> {
        let is_real = self.sandbox.is_none();
        is_real.then_some(&*self.credentials.username)
    }

    /// What is done about the balance: as it was typed, or a warning where the gateway is known to state it.
    pub(super) fn balance_check(&self, typed: Option<BalanceCheck>) -> BalanceCheck {
        let states_it = self.sandbox.is_some() || self.endpoint.is_isms();
        typed.unwrap_or(if states_it {
            BalanceCheck::Warn
        } else {
            BalanceCheck::Off
        })
    }

    /// A connection to it for one worker.
    pub(super) fn gateway(&self) -> Box<dyn Gateway> {
        Box::new(self.client(self.timeouts))
    }

    /// A connection to it for a question about the account, which never takes long.
    pub(super) fn account(&self) -> HttpGateway {
        let Timeouts { connect, total } = self.timeouts;
        self.client(Timeouts {
            connect: connect.min(ACCOUNT_TIMEOUT),
            total: total.min(ACCOUNT_TIMEOUT),
        })
    }

    fn client(&self, timeouts: Timeouts) -> HttpGateway {
        HttpGateway::rest(
            self.endpoint.clone(),
            self.network.clone(),
            self.credentials.clone(),
            timeouts,
        )
    }
}

/// Starts a sandbox that listens there.
pub(super) fn start_sandbox(listen: SocketAddr, args: &SandboxArgs) -> Result<Sandbox> {
    sandbox::start(&Options {
        listen,
        outbox: args.outbox.clone(),
        latency: Duration::from_millis(args.latency.unwrap_or(0)),
        per_number: args.per_number,
        credits: args.credits.unwrap_or(sandbox::MANY_CREDITS),
    })
}
