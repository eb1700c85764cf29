//! The parts that we add to ureq: above all a witness on the connection, above TLS. It records whether a byte of the
//! request was handed over, and whether reading the answer met an error.
//!
//! ureq reports neither. Its errors do not say whether they happened before or after the first byte, and it passes on
//! a body without a length that ends in a reset as if the body were whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, NextTimeout, Transport,
};

/// What was observed of the current request. An agent makes one request at a time, on one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Witness {
    written: Arc<AtomicBool>,
    broken: Arc<AtomicBool>,
}

impl Witness {
    /// Forgets the last request.
    pub(super) fn reset(&self) {
        self.written.store(false, Ordering::SeqCst);
        self.broken.store(false, Ordering::SeqCst);
    }

    /// Whether a byte of the request may have left. `false` proves that none has.
    pub(super) fn written(&self) -> bool {
        self.written.load(Ordering::SeqCst)
    }

    /// Whether reading the answer met an error, such as a reset or a TLS connection that ended without `close_notify`.
    pub(super) fn broken(&self) -> bool {
        self.broken.load(Ordering::SeqCst)
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
        // ureq connects to a CONNECT proxy through this same chain, with a configuration that has no proxy any more.
        // What is written to that connection asks for the tunnel. The request is written to the connection that ureq
        // then makes through the tunnel.
        let leads_to_the_proxy = self.proxied && details.config.proxy().is_none();
        Ok(chained.map(|inner| {
            if leads_to_the_proxy {
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
        // Set before the write: a write that fails may have sent any part of its bytes.
        self.witness.written.store(true, Ordering::SeqCst);
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let progress = self.inner.await_input(timeout);
        if progress.is_err() {
            self.witness.broken.store(true, Ordering::SeqCst);
        }
        progress
    }

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
pub(super) struct LiteralFirst(DefaultResolver);

impl Resolver for LiteralFirst {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let literal = uri
            .authority()
            .and_then(|authority| authority.as_str().parse().ok());
        let Some(address) = literal else {
            return self.0.resolve(uri, config, timeout);
        };
        let mut addresses = self.empty();
        addresses.push(address);
        Ok(addresses)
    }
}
