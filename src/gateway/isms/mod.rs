//! The wire format of the iSMS REST reference: what its codes mean, the form of a request, the body of a reply.

pub(super) mod code;
pub(super) mod form;
pub(super) mod reply;
