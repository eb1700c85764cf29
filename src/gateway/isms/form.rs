//! The form that carries one request.

use std::borrow::Cow;

use crate::gateway::{Credentials, Request};

/// The fields of the reference, not yet percent-encoded.
pub(in crate::gateway) fn fields<'a>(
    request: &Request<'a>,
    credentials: &'a Credentials,
) -> impl Iterator<Item = (&'static str, Cow<'a, str>)> {
    let numbers: Vec<_> = request.numbers.iter().map(ToString::to_string).collect();
    let fields = [
        ("un", credentials.username.as_str().into()),
        ("pwd", credentials.password.reveal().into()),
        ("dstno", numbers.join(";").into()),
        ("msg", request.text.into()),
        ("type", request.encoding.wire().to_string().into()),
        ("agreedterm", "YES".into()),
    ];
    let sender_id = request.sender_id.map(|id| ("sendid", id.as_str().into()));
    fields.into_iter().chain(sender_id)
}
