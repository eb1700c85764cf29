//! The pure core: what a number, a text, a template and a batch are, and the rules that bind them.
//! It knows no files, network, clock, SQL, terminal or threads.

pub mod column;
pub mod encoding;
pub mod moment;
pub mod msisdn;
pub mod sender_id;
pub mod status;

pub use encoding::Encoding;
pub use moment::Moment;
pub use msisdn::Msisdn;
pub use sender_id::SenderId;
pub use status::Status;
