//! What can be wrong with a template, and why a row may have no text.

use crate::domain::sheet_error::SheetError;

/// The most characters that a template may yield. Far more than a text can hold: a text that is too long has its own
/// error, and this only bounds memory.
pub(super) const MAX_CHARS: usize = 10_000;

/// What is wrong with a template, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct TemplateError {
    line: usize,
    what: String,
}

impl TemplateError {
    pub(super) fn new(line: usize, what: impl Into<String>) -> Self {
        Self {
            line,
            what: what.into(),
        }
    }
}

/// Why a row has no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The template needs a cell that is blank.
    #[error("column \"{header}\" is blank and the template gives no default")]
    Blank {
        /// The column's header, as written.
        header: String,
    },
    /// The template needs a cell in which a formula failed, or that was damaged on its way. A default does not hide that.
    #[error("column \"{header}\" holds {}", error.of(cell))]
    SpreadsheetError {
        /// The column's header, as written.
        header: String,
        /// What the cell holds: `#N/A`.
        cell: String,
        /// What that is.
        error: SheetError,
    },
    /// A filter that needs a number, an amount or a date cannot read this cell as one with certainty.
    #[error("column \"{header}\": {what}")]
    Unreadable {
        /// The column's header, as written.
        header: String,
        /// What the cell holds, and what it should hold.
        what: String,
    },
    /// A condition asks whether this cell is filled. It is, but says no.
    #[error("{}", says_no(header, cell, instead))]
    SaysNo {
        /// The column's header, as written.
        header: String,
        /// What the cell holds: `FALSE`.
        cell: String,
        /// The condition to write in its place.
        instead: String,
    },
    /// Far more than a text can hold.
    #[error("the template yields more than {MAX_CHARS} characters")]
    TooLong,
    /// A filter makes too much out of this row's cells.
    #[error("the template takes too many steps")]
    TooManySteps,
    /// A filter or an operator fails on this row's cells.
    #[error("the template fails in line {line}: {what}")]
    Failed {
        /// The line of the template, from 1.
        line: usize,
        /// What the engine says.
        what: String,
    },
}

fn says_no(header: &str, cell: &str, instead: &str) -> String {
    format!(
        "column \"{header}\" holds \"{cell}\", which is not blank, so that if takes it for a yes; write {{% if {instead} %}}"
    )
}

impl RenderError {
    /// The header of the column whose cell is wrong, where it is a cell.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Blank { header }
            | Self::SpreadsheetError { header, .. }
            | Self::Unreadable { header, .. }
            | Self::SaysNo { header, .. } => Some(header),
            Self::TooLong | Self::TooManySteps | Self::Failed { .. } => None,
        }
    }

    /// The error without this row's cells: the same sentence for all rows that are counted together.
    #[must_use]
    pub fn category(&self) -> String {
        match self {
            Self::SpreadsheetError { header, error, .. } => {
                format!("column \"{header}\" holds {}", error.label())
            }
            Self::Unreadable { header, .. } => {
                format!("column \"{header}\" is not what the template reads it as")
            }
            Self::Failed { line, .. } => format!("the template fails in line {line}"),
            other => other.to_string(),
        }
    }
}
