//! What a gateway is to the rest of the program: one request in, one outcome for each recipient out.

mod credentials;
mod endpoint;
mod fence;
mod http;
mod isms;
mod network;
mod proxy;
mod tls;
mod transport;

use std::time::Duration;

use crate::domain::{Message, SenderId};

pub use credentials::{Credentials, Password};
pub use endpoint::Endpoint;
pub use fence::Fence;
pub use http::{HttpGateway, Timeouts};
pub use isms::account::Balance;
pub use isms::code::{Code, RefusalKind};
pub use isms::form::LIMITS;
pub use network::Network;

/// One request: some messages, as many and as different as its gateway can take in one.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The messages, none of the numbers twice.
    pub messages: &'a [Message],
    /// The name shown as the sender, if one is set.
    pub sender_id: Option<&'a SenderId>,
    /// Until when its first byte may be written. `None`: at any time.
    pub fence: Option<Fence>,
}

/// The outcome of a request for one recipient. A reply that fits nowhere else is `NoAnswer`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Pushed to the telco. That is not delivery to the handset.
    Accepted {
        /// The code.
        code: Code,
        /// The transaction id, if the answer had one.
        trx_id: Option<String>,
    },
    /// A negative code about these recipients or their text.
    Refused {
        /// The code.
        code: Code,
        /// What the code is about.
        kind: RefusalKind,
    },
    /// A negative code about the account or the shape of our requests: the next request would get it too.
    AccountStopped {
        /// The code.
        code: Code,
        /// What it means, for people.
        why: String,
    },
    /// Not one byte of the request was handed to the transport, which proves that nothing was sent.
    NotSent {
        /// The cause, for people.
        why: String,
    },
    /// Like `NotSent`, and the next try would end likewise: a certificate or the proxy stands in the way.
    CannotConnect {
        /// The cause, and what to do about it, for people.
        why: String,
    },
    /// HTTP 429: the gateway did not take the request.
    Throttled {
        /// How long the gateway asked to wait.
        after: Option<Duration>,
    },
    /// Everything else, including -1000: the message may or may not have gone out.
    NoAnswer {
        /// What came instead of an answer, for people.
        why: String,
        /// The code, if one could be read (-1000).
        code: Option<Code>,
    },
}

/// The outcomes of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcomes {
    /// One outcome for all recipients.
    All(Outcome),
    /// One outcome for each recipient, in their order.
    Each(Vec<Outcome>),
}

impl Outcomes {
    /// One outcome for all recipients, or one for each.
    #[must_use]
    pub fn as_slice(&self) -> &[Outcome] {
        match self {
            Self::All(outcome) => std::slice::from_ref(outcome),
            Self::Each(each) => each,
        }
    }
}

/// What came back for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What became of the recipients.
    pub outcomes: Outcomes,
    /// The HTTP status, if a response began.
    pub http_status: Option<u16>,
    /// The body as it came, at most 500 characters, without any credential; empty if none came.
    pub raw: String,
}

impl Reply {
    /// The reply to a request for which no response began.
    #[must_use]
    pub fn without_response(outcome: Outcome) -> Self {
        Self {
            outcomes: Outcomes::All(outcome),
            http_status: None,
            raw: String::new(),
        }
    }
}

/// A gateway as one worker uses it.
pub trait Gateway: Send {
    /// Makes at most one HTTP request and returns its outcomes. It cannot fail: every failure is an outcome.
    fn submit(&mut self, request: &Request<'_>) -> Reply;
}
