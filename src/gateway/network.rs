//! The way to a gateway: through which proxy, and which certificates are trusted on it.

use std::time::Duration;

use ureq::Error;

use super::proxy::Proxy;
use super::tls::{self, Certificates};
use super::transport::Peer;
use super::{Endpoint, Outcome};
use crate::Result;

/// The way to a gateway.
#[derive(Clone, Debug, Default)]
pub struct Network {
    pub(super) proxy: Option<Proxy>,
    /// What is trusted. `None`: TLS is not used.
    pub(super) certificates: Option<Certificates>,
}

impl Network {
    /// The way to this gateway that the environment names, and with which certificates. `variable` returns the value of a
    /// variable that is set and not empty.
    pub fn find(
        endpoint: &Endpoint,
        variable: &dyn Fn(&str) -> Result<Option<String>>,
    ) -> Result<Self> {
        Ok(Self {
            proxy: Proxy::find(endpoint, variable)?,
            certificates: endpoint.uses_tls().then(Certificates::load),
        })
    }

    /// What an error means that came before the first byte of a request to this gateway. `peer` is whom it was about,
    /// `limit` how long making a connection may take.
    pub(super) fn not_sent(
        &self,
        error: &Error,
        peer: Peer,
        host: &str,
        limit: Duration,
    ) -> Outcome {
        let proxy = self.proxy.as_ref();
        let place = match (proxy, peer) {
            (Some(proxy), Peer::Proxy) => format!("the proxy {}", proxy.name()),
            (Some(proxy), Peer::Gateway) => format!("{host} through the proxy {}", proxy.name()),
            (None, _) => host.to_owned(),
        };
        if let Some(refusal) = tls::refusal(error, self.certificates.as_ref()) {
            return Outcome::CannotConnect {
                why: format!("cannot reach {place}: {refusal}"),
            };
        }
        if let (Some(proxy), Peer::Proxy) = (proxy, peer)
            && let Some(outcome) = proxy.answered(error, host)
        {
            return outcome;
        }
        let cause = match error {
            Error::Timeout(_) => format!("no connection within {}", in_seconds(limit)),
            error => describe(error),
        };
        Outcome::NotSent {
            why: format!("cannot reach {place}: {cause}"),
        }
    }
}

/// The error for people, without the URL.
pub(super) fn describe(error: &Error) -> String {
    match error {
        Error::Io(error) => error.to_string(),
        Error::Other(error) => error.to_string(),
        Error::BadUri(_) | Error::RequireHttpsOnly(_) | Error::Http(_) => {
            "the URL cannot be used".to_owned()
        }
        error => error.to_string(),
    }
}

pub(super) fn in_seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}
