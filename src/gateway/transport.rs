//! The parts that we add to ureq: above all a witness on the connection, above TLS. It records whether a byte of the
//! request was handed over, and whether reading the answer met an error. It also ends a request that takes too long.
//!
//! ureq reports neither of the first two. Its errors do not say whether they happened before or after the first byte,
//! and it passes on a body without a length that ends in a reset as if the body were whole. And it looks at its deadlines
//! before it reads, so that a process that stood still for some time would never see an answer that has arrived.
//!
//! What proves that nothing was sent: the witness saw no write on a connection to the gateway. ureq composes the request
//! only once it has such a connection. All that it writes before that is a request for a tunnel (CONNECT, SOCKS) and the
//! handshakes of TLS, with the proxy or with the gateway, and none of it has a byte of the request. So a CONNECT that
//! fails proves it, in whatever way it fails: refused, answered with an error page, cut short or not answered. From the
//! first byte in the tunnel on nothing proves it any more, whatever the proxy then says or does: it may have passed on
//! what it got, and a proxy that inspects the traffic may have taken it.
#![allow(
    clippy::disallowed_methods,
    reason = "measures how long a request takes"
)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, NextTimeout,
    RustlsConnector, SocksConnector, TcpConnector, Transport,
};
use ureq::{Error, Timeout};

/// For how long a late request still reads what has arrived.
const GRACE: Duration = Duration::from_secs(1);

/// How long each look takes at most.
const LOOK: Duration = Duration::from_millis(50);

/// Whom a connection is being made to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Peer {
    /// The gateway, perhaps through the tunnel of a proxy.
    #[default]
    Gateway,
    /// The proxy, which is yet to give a tunnel to the gateway.
    Proxy,
}

/// What was observed of the current request. An agent makes one request at a time, on one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Witness(Arc<Mutex<Observed>>);

#[derive(Debug, Default)]
struct Observed {
    peer: Peer,
    written: bool,
    broken: bool,
    /// Until when the request may take. `None`: for ever.
    deadline: Option<Instant>,
    /// Whether that is already more than it was given.
    late: bool,
}

impl Witness {
    /// Forgets the last request, and begins one that may take this long.
    pub(super) fn begin(&self, limit: Duration) {
        *self.observed() = Observed {
            deadline: Instant::now().checked_add(limit),
            ..Observed::default()
        };
    }

    /// Whom the last connection was made to, or was about to be.
    pub(super) fn peer(&self) -> Peer {
        self.observed().peer
    }

    /// Whether a byte of the request may have left. `false` proves that none has.
    pub(super) fn written(&self) -> bool {
        self.observed().written
    }

    /// Whether reading the answer met an error, such as a reset or a TLS connection that ended without `close_notify`.
    pub(super) fn broken(&self) -> bool {
        self.observed().broken
    }

    /// The limit for the next read or write. An error: the request is late.
    ///
    /// A late request of which something was written still reads what has arrived, and writes its rest: to give up would
    /// leave it unknown, and this process may have stood still (Ctrl-Z) since long before the answer came. So the time for
    /// that counts from when it is noticed.
    fn limit(&self, timeout: NextTimeout) -> Result<NextTimeout, Error> {
        let mut observed = self.observed();
        let Some(deadline) = observed.deadline else {
            return Ok(timeout);
        };
        let now = Instant::now();
        let mut left = deadline.saturating_duration_since(now);
        if left.is_zero() && observed.written && !observed.late {
            observed.late = true;
            observed.deadline = now.checked_add(GRACE);
            left = GRACE;
        }
        if left.is_zero() {
            return Err(Error::Timeout(Timeout::Global));
        }
        if observed.late {
            left = left.min(LOOK);
        }
        Ok(NextTimeout {
            after: left.into(),
            ..timeout
        })
    }

    fn observed(&self) -> MutexGuard<'_, Observed> {
        // A thread that panics while it holds the lock leaves a valid value behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes connections as ureq does, with a witness.
pub(super) fn connector(
    witness: &Witness,
    proxied: bool,
) -> impl Connector<(), Out = impl Transport> {
    ().chain(SocksConnector::default())
        .chain(ConnectProxyConnector::default())
        .chain(TcpConnector::default())
        .chain(PeerConnector {
            witness: witness.clone(),
            proxied,
        })
        .chain(RustlsConnector::default())
        .chain(WitnessConnector {
            witness: witness.clone(),
            proxied,
        })
}

/// Whether a connection is the one to a CONNECT proxy. ureq makes it through the same chain, with a configuration that
/// has no proxy any more. What is written to it asks for the tunnel. The request is written to the connection that ureq
/// then makes through the tunnel.
fn leads_to_the_proxy(proxied: bool, details: &ConnectionDetails) -> bool {
    proxied && details.config.proxy().is_none()
}

/// Notes that the gateway is reached, so that everything from now on is between it and us. It comes before TLS.
#[derive(Debug)]
struct PeerConnector {
    witness: Witness,
    proxied: bool,
}

impl<In: Transport> Connector<In> for PeerConnector {
    type Out = In;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<In>, Error> {
        if chained.is_some() && !leads_to_the_proxy(self.proxied, details) {
            self.witness.observed().peer = Peer::Gateway;
        }
        Ok(chained)
    }
}

/// Puts the witness on every connection to the gateway. It comes last in the chain of connectors, after TLS: the
/// bytes of a handshake are not the request.
#[derive(Debug)]
pub(super) struct WitnessConnector {
    pub(super) witness: Witness,
    /// Whether the agent was given a proxy.
    pub(super) proxied: bool,
}

impl<In: Transport> Connector<In> for WitnessConnector {
    type Out = Either<In, WitnessedTransport<In>>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| {
            if leads_to_the_proxy(self.proxied, details) {
                Either::A(inner)
            } else {
                Either::B(WitnessedTransport {
                    inner,
                    witness: self.witness.clone(),
                })
            }
        }))
    }
}

#[derive(Debug)]
pub(super) struct WitnessedTransport<In> {
    inner: In,
    witness: Witness,
}

impl<In: Transport> Transport for WitnessedTransport<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let limit = self.witness.limit(timeout)?;
        // Set before the write: a write that fails may have sent any part of its bytes.
        self.witness.observed().written = true;
        self.inner.transmit_output(amount, limit)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let mut read = || self.inner.await_input(self.witness.limit(timeout)?);
        let progress = match read() {
            // The answer may have come while this process stood still.
            Err(Error::Timeout(_)) => read(),
            other => other,
        };
        if progress.is_err() {
            self.witness.observed().broken = true;
        }
        progress
    }

    /// Also asked when a kept connection is taken for the next request: one on which bytes have arrived since then is not
    /// open. They are no answer to a request that was not written yet.
    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// Resolves names as ureq does, but takes a literal address without a look-up. ureq resolves before each request, even
/// on a kept connection, and with a timeout does so in a new thread; on loopback that is a good part of a request's time.
#[derive(Debug, Default)]
pub(super) struct LiteralFirst {
    witness: Witness,
    names: DefaultResolver,
}

impl LiteralFirst {
    pub(super) fn new(witness: &Witness) -> Self {
        Self {
            witness: witness.clone(),
            names: DefaultResolver::default(),
        }
    }
}

impl Resolver for LiteralFirst {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let of_proxy = config.proxy().is_some_and(|proxy| proxy.uri() == uri);
        self.witness.observed().peer = if of_proxy { Peer::Proxy } else { Peer::Gateway };
        let literal = uri
            .authority()
            .and_then(|authority| authority.as_str().parse().ok());
        let Some(address) = literal else {
            return self.names.resolve(uri, config, timeout);
        };
        let mut addresses = self.empty();
        addresses.push(address);
        Ok(addresses)
    }
}
