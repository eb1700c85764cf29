//! What a gateway is to the rest of the program: one request in, one outcome for each recipient out.
//! It knows neither the ledger, nor when a request is repeated, nor that a practice gateway exists.

mod code;
mod credentials;
pub mod http;
pub mod reply;
mod transport;

use std::time::Duration;

use crate::domain::{Encoding, Msisdn, SenderId};

pub use code::Code;
pub use credentials::{Credentials, Password};
pub use http::{Endpoint, RestGateway, Timeouts};

/// One request: the same text to some numbers.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// The recipients, none of them twice.
    pub numbers: &'a [Msisdn],
    /// The text, already in its final form.
    pub text: &'a str,
    /// How the text is encoded.
    pub encoding: Encoding,
    /// The name shown as the sender, where one was asked for.
    pub sender_id: Option<&'a SenderId>,
}

/// What became of a request, for one recipient. The set is closed: an answer that fits nowhere else is `NoAnswer`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Code 2000: pushed to the telco. Not delivery to the handset.
    Accepted {
        /// The transaction id, where the answer had one.
        trx_id: Option<String>,
    },
    /// A negative code about these recipients or their text.
    Refused {
        /// The code.
        code: Code,
    },
    /// A negative code about the account or the shape of our requests: the next request would get it too.
    AccountStopped {
        /// The code.
        code: Code,
    },
    /// Not one byte of the request was handed to the transport: proof that nothing was sent.
    NotSent {
        /// What stood in the way, for people.
        why: String,
    },
    /// HTTP 429: the gateway did not take the request.
    Throttled {
        /// How long it asked to be left alone.
        after: Option<Duration>,
    },
    /// Everything else, -1000 too: nobody can say whether it went out.
    NoAnswer {
        /// What came instead of an answer, for people.
        why: String,
        /// The code, where one was readable (-1000).
        code: Option<Code>,
    },
}

/// The outcomes of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcomes {
    /// One outcome for all its recipients.
    All(Outcome),
    /// One for each recipient, in their order; as many as there were numbers.
    Each(Vec<Outcome>),
}

/// What came back for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What became of its recipients.
    pub outcomes: Outcomes,
    /// The HTTP status, where a response began.
    pub http_status: Option<u16>,
    /// The body as it came, at most 500 characters, without any credential; empty where none came.
    pub raw: String,
}

/// Something that takes submissions. Every worker has its own.
pub trait Gateway: Send {
    /// Makes one request, never more, and says what became of it. It never fails: what goes wrong is an outcome.
    fn submit(&mut self, submission: &Submission<'_>) -> Answer;
}
