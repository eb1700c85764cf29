//! The wire formats of iSMS: how a request is written, how its answer is read, and what its codes mean. Each format is a
//! file: `form` is the REST reference.

pub(super) mod account;
pub(super) mod code;
pub(super) mod form;
mod reply;

use ureq::http::Response;
use ureq::typestate::WithBody;
use ureq::{Body, Error, RequestBuilder};

use super::{Credentials, Outcomes, Request};
use crate::domain::{Message, RequestLimits};

/// The longest body that is read, in bytes. An answer for each of thirty numbers has about 900.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// A wire format.
pub(super) trait WireFormat: Send + Sync {
    /// What one request can hold. Of `messages` the gateway decides itself, by an answer.
    fn limits(&self) -> RequestLimits;

    /// Makes the request as the body of `post`. The messages have in common what they must.
    fn send(
        &self,
        post: RequestBuilder<WithBody>,
        request: &Request<'_>,
        credentials: &Credentials,
    ) -> Result<Response<Body>, Error>;

    /// The outcomes that a whole body states for these messages, or why it states none. Only whole bodies may be passed in,
    /// never one that was cut short.
    fn read(&self, body: &[u8], messages: &[Message]) -> Result<Outcomes, &'static str>;
}
