//! The rules of phone numbers, texts, templates, duplicates and batches, without any input or output.

pub mod batching;
pub mod cell;
mod column_names;
pub mod cost;
pub mod duplicates;
pub mod encoding;
pub mod header;
pub mod limits;
mod message;
pub mod msisdn;
pub mod options;
pub mod place;
mod positions;
pub(crate) mod punctuation;
pub mod report;
pub mod result_column;
pub mod sender_id;
pub mod sheet_error;
mod similar;
pub mod status;
pub mod suppression;
pub mod template;
pub mod text;
pub mod timestamp;

pub use encoding::Encoding;
pub use limits::{InCommon, RequestLimits};
pub use message::Message;
pub use msisdn::{Msisdn, NumberError, NumberErrorKind, Region, UnknownRegion};
pub use options::PlanOptions;
pub use place::{Location, Place};
pub use result_column::ResultColumn;
pub use sender_id::SenderId;
pub use status::Status;
pub use template::{Cells, Column, ColumnNames, RenderError, Template, TemplateError, Templates};
pub use text::{Text, TextError};
pub use timestamp::Timestamp;
