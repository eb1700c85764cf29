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
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout,
    RustlsConnector, SocksConnector, TcpConnector, Transport,
};
use ureq::{Error, Timeout};

use super::fence::Fence;

/// For how long a late request still reads what has arrived.
const GRACE: Duration = Duration::from_secs(1);

/// How long each look takes at most.
const LOOK: Duration = Duration::from_millis(50);

/// How long a connection is kept over which nothing was sent yet. No server waits less for a request.
const MAX_UNUSED: Duration = Duration::from_secs(10);

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
    /// Until when its first byte may be written.
    fence: Option<Fence>,
    /// Until when the request may take. `None`: for ever.
    deadline: Option<Instant>,
    /// Whether that is already more than it was given.
    late: bool,
}

impl Witness {
    /// Forgets the last request, and begins one that may take this long.
    pub(super) fn begin(&self, limit: Duration, fence: Option<Fence>) {
        *self.observed() = Observed {
            fence,
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

    /// Refuses a write that comes too late. Where nothing was written before, nothing was sent. A part of a request that ends
    /// here can be anything, but no gateway should act on it; the rest of it must not follow.
    fn refuse_late(&self) -> Result<(), Error> {
        match self.observed().fence {
            Some(fence) if fence.has_passed() => Err(Error::Other(TooLate.into())),
            _ => Ok(()),
        }
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

/// A write was refused because it came too late.
#[derive(Debug, thiserror::Error)]
#[error("it took too long to write the request")]
pub(super) struct TooLate;

/// Makes connections as ureq does, with a witness.
pub(super) fn connector(
    witness: &Witness,
    proxied: bool,
) -> impl Connector<(), Out = impl Transport> {
    let connector = ()
        .chain(SocksConnector::default())
        .chain(ConnectProxyConnector::default())
        .chain(TcpConnector::default())
        .chain(PeerConnector {
            witness: witness.clone(),
            proxied,
        })
        .chain(RustlsConnector::default());
    witnessed(connector, witness, proxied)
}

/// Puts the witness on every connection to the gateway that `connector` makes. That one comes last in the chain of connectors,
/// after TLS: the bytes of a handshake are not the request.
pub(super) fn witnessed<C: Connector>(
    connector: C,
    witness: &Witness,
    proxied: bool,
) -> impl Connector<(), Out = impl Transport> {
    let unused = Unused(Arc::default());
    UnusedFirst {
        connector,
        unused: unused.clone(),
        proxied,
    }
    .chain(WitnessConnector {
        witness: witness.clone(),
        unused,
        proxied,
    })
}

/// A connection over which nothing was sent, because it came too late for its request, and since when it is kept for the next
/// one. With a slow connection every request would be too late otherwise.
#[derive(Debug)]
struct Unused<T>(Arc<Mutex<Option<(T, Instant)>>>);

impl<T> Clone for Unused<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Transport> Unused<T> {
    fn lock(&self) -> MutexGuard<'_, Option<(T, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, if there is one that can be used.
    fn take(&self) -> Option<T> {
        let (mut connection, since) = self.lock().take()?;
        (since.elapsed() < MAX_UNUSED && connection.is_open()).then_some(connection)
    }
}

/// Hands out an unused connection if there is one, and makes one otherwise.
#[derive(Debug)]
struct UnusedFirst<C: Connector> {
    connector: C,
    unused: Unused<C::Out>,
    proxied: bool,
}

impl<C: Connector> Connector for UnusedFirst<C> {
    type Out = C::Out;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<()>,
    ) -> Result<Option<C::Out>, Error> {
        if !leads_to_the_proxy(self.proxied, details)
            && let Some(unused) = self.unused.take()
        {
            return Ok(Some(unused));
        }
        self.connector.connect(details, chained)
    }
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

/// Puts the witness on every connection to the gateway.
#[derive(Debug)]
struct WitnessConnector<In> {
    witness: Witness,
    unused: Unused<In>,
    /// Whether the agent was given a proxy.
    proxied: bool,
}

impl<In: Transport> Connector<In> for WitnessConnector<In> {
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
                    inner: Some(inner),
                    closed: LazyBuffers::new(1, 1),
                    witness: self.witness.clone(),
                    unused: Some(self.unused.clone()),
                })
            }
        }))
    }
}

#[derive(Debug)]
pub(super) struct WitnessedTransport<In> {
    /// The connection. `None`: it is kept for the next request.
    inner: Option<In>,
    /// What this one has then.
    closed: LazyBuffers,
    witness: Witness,
    /// Where to keep it for the next request. `None`: something was sent over it.
    unused: Option<Unused<In>>,
}

impl<In: Transport> WitnessedTransport<In> {
    fn open(&mut self) -> Result<&mut In, Error> {
        self.inner.as_mut().ok_or(Error::ConnectionFailed)
    }
}

impl<In: Transport> Transport for WitnessedTransport<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        match &mut self.inner {
            Some(inner) => inner.buffers(),
            None => &mut self.closed,
        }
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let limit = self.witness.limit(timeout)?;
        // The last thing before the write: wherever the host was suspended before this, it is noticed.
        if let Err(late) = self.witness.refuse_late() {
            if let Some(unused) = self.unused.take() {
                *unused.lock() = self.inner.take().map(|inner| (inner, Instant::now()));
            }
            return Err(late);
        }
        self.unused = None;
        // Set before the write: a write that fails may have sent any part of its bytes.
        self.witness.observed().written = true;
        self.open()?.transmit_output(amount, limit)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let witness = self.witness.clone();
        let mut read = || self.open()?.await_input(witness.limit(timeout)?);
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
        self.inner.as_mut().is_some_and(In::is_open)
    }

    fn is_tls(&self) -> bool {
        self.inner.as_ref().is_some_and(In::is_tls)
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
