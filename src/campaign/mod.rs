//! The pure core: what a number, a text, a template and a batch are, and the rules that bind them.
//! It knows no files, network, clock, SQL, terminal or threads.

pub mod column;
pub mod cost;
pub mod duplicates;
pub mod encoding;
pub mod grouping;
pub mod lint;
pub mod moment;
pub mod msisdn;
pub(crate) mod punctuation;
pub mod report;
pub mod sender_id;
pub(crate) mod sheet_error;
pub(crate) mod spelling;
pub mod status;
pub mod suppression;
pub mod template;
pub mod text;

pub use encoding::Encoding;
pub use moment::Moment;
pub use msisdn::{Msisdn, NumberFault, NumberFlaw, Region, UnknownRegion};
pub use sender_id::SenderId;
pub use status::Status;
pub use template::{Cells, Column, Names, RenderFault, Template, TemplateFault, Templates};
pub use text::{Punctuation, Text, TextFault, TypeChoice};
