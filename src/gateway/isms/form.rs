//! The REST reference: a form with one text for some numbers.

use std::borrow::Cow;
use std::num::NonZeroU32;

use ureq::http::Response;
use ureq::typestate::WithBody;
use ureq::{Body, Error, RequestBuilder};

use super::{WireFormat, reply};
use crate::domain::{InCommon, Message, RequestLimits};
use crate::gateway::{Credentials, Outcomes, Request};

/// What one request can hold: "maximum 30 numbers per push".
pub const LIMITS: RequestLimits = RequestLimits {
    messages: NonZeroU32::MIN.saturating_add(29),
    in_common: InCommon::Text,
};

/// The wire format of the REST reference.
pub(in crate::gateway) struct Form;

impl WireFormat for Form {
    fn limits(&self) -> RequestLimits {
        LIMITS
    }

    fn send(
        &self,
        post: RequestBuilder<WithBody>,
        request: &Request<'_>,
        credentials: &Credentials,
    ) -> Result<Response<Body>, Error> {
        post.send_form(fields(request, credentials))
    }

    fn read(&self, body: &[u8], messages: &[Message]) -> Result<Outcomes, &'static str> {
        reply::read(body, messages.len())
    }
}

/// The fields of the reference, not yet percent-encoded. The text is that of all messages.
fn fields<'a>(
    request: &Request<'a>,
    credentials: &'a Credentials,
) -> impl Iterator<Item = (&'static str, Cow<'a, str>)> {
    let messages = request.messages;
    let numbers: Vec<_> = messages.iter().map(|to| to.number.to_string()).collect();
    let of_text = messages.first().map(|first| {
        let encoding = first.encoding.wire().to_string();
        [("msg", (&*first.text).into()), ("type", encoding.into())]
    });
    let sender_id = request.sender_id.map(|id| ("sendid", id.as_str().into()));
    [
        ("un", credentials.username.as_str().into()),
        ("pwd", credentials.password.reveal().into()),
        ("dstno", numbers.join(";").into()),
    ]
    .into_iter()
    .chain(of_text.into_iter().flatten())
    .chain([("agreedterm", "YES".into())])
    .chain(sender_id)
}
