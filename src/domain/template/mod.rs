//! Templates: how they are compiled once, and rendered for each row.

mod blank;
mod check;
mod date;
mod evaluate;
mod explain;
mod filters;
mod kind;
mod money;
mod names;
mod portal;
mod reader;
mod tag;

use std::fmt;
use std::sync::Arc;

use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use crate::domain::header::trimmed;
use crate::domain::sheet_error;

use reader::Node;

pub use names::{Column, ColumnNames};

/// The most characters that a template may yield. Far more than a text can hold: a text that is too long has its own
/// error, and this only bounds memory.
const MAX_CHARS: usize = 10_000;

/// What one placeholder or condition may cost, in the engine's fuel (about one a step, one for every 64 bytes). A filter
/// can make very much out of little, as `format("%9999999s")` does.
const FUEL: u64 = 20_000;

/// The cells of one row.
pub trait Cells {
    /// The text of the cell at this index, from 0; empty where the row has none.
    fn cell(&self, index: usize) -> &str;
}

impl<S: AsRef<str>> Cells for [S] {
    fn cell(&self, index: usize) -> &str {
        self.get(index).map_or("", AsRef::as_ref)
    }
}

/// What is wrong with a template, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct TemplateError {
    line: usize,
    what: String,
}

impl TemplateError {
    fn new(line: usize, what: impl Into<String>) -> Self {
        Self {
            line,
            what: what.into(),
        }
    }

    /// The line of the template, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
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
    /// The template needs a cell in which a formula failed. A default does not hide that.
    #[error("column \"{header}\" holds the spreadsheet error {error}; correct it and export again")]
    SpreadsheetError {
        /// The column's header, as written.
        header: String,
        /// What the cell holds: `#N/A`.
        error: String,
    },
    /// A filter that needs a number, an amount or a date cannot read this cell as one with certainty.
    #[error("column \"{header}\": {what}")]
    Unreadable {
        /// The column's header, as written.
        header: String,
        /// What the cell holds, and what it should hold.
        what: String,
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

impl RenderError {
    /// The error without this row's cells: the same sentence for all rows that are counted together.
    #[must_use]
    pub fn category(&self) -> String {
        match self {
            Self::SpreadsheetError { header, .. } => {
                format!("column \"{header}\" holds a spreadsheet error")
            }
            Self::Unreadable { header, .. } => {
                format!("column \"{header}\" is not what the template reads it as")
            }
            Self::Failed { line, .. } => format!("the template fails in line {line}"),
            other => other.to_string(),
        }
    }
}

/// The cell under this header, or why there is no text in it: it is blank or holds a spreadsheet error.
pub fn filled<'c>(header: &str, cell: &'c str) -> Result<&'c str, RenderError> {
    let content = trimmed(cell);
    let header = || header.to_owned();
    if content.is_empty() {
        Err(RenderError::Blank { header: header() })
    } else if sheet_error::of_cell(content).is_some() {
        Err(RenderError::SpreadsheetError {
            header: header(),
            error: content.to_owned(),
        })
    } else {
        Ok(cell)
    }
}

/// Compiles the templates of one spreadsheet. Shared by all threads.
pub struct Templates {
    engine: Environment<'static>,
    names: Arc<ColumnNames>,
}

impl Templates {
    /// For templates that can name these columns.
    #[must_use]
    pub fn new(names: ColumnNames) -> Self {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        engine.set_auto_escape_callback(|_| AutoEscape::None);
        engine.set_fuel(Some(FUEL));
        // Debugging would write every variable into each error: slow, and personal.
        engine.set_debug(false);
        filters::add_to(&mut engine);
        Self {
            engine,
            names: Arc::new(names),
        }
    }

    /// Compiles a template, and checks everything in it that does not depend on a row.
    pub fn compile<'a>(&'a self, source: &'a str) -> Result<Template<'a>, TemplateError> {
        let nodes = reader::read(&self.engine, &self.names, source)?;
        let mut used = Vec::new();
        reader::columns(&nodes, &mut used);
        used.sort_by_key(|position| self.names.columns[*position].cell);
        used.dedup();
        Ok(Template {
            names: &self.names,
            nodes,
            used,
            capacity: source.len(),
        })
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// A compiled template. Rendering it takes no lock: one can serve all threads.
#[derive(Debug)]
pub struct Template<'a> {
    names: &'a ColumnNames,
    nodes: Vec<Node<'a>>,
    /// The positions of the columns that it names, in the order of their cells.
    used: Vec<usize>,
    /// About how many bytes a text has.
    capacity: usize,
}

impl Template<'_> {
    /// The columns that the template names, each with its header as written and the index of its cell, in the order of the
    /// cells.
    pub fn used(&self) -> impl Iterator<Item = (&str, usize)> {
        self.used.iter().map(|position| {
            let column = &self.names.columns[*position];
            (column.header.as_str(), column.cell)
        })
    }

    /// Whether every row gets the same text.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.used.is_empty()
    }

    /// The text of a row.
    pub fn render<C: Cells + ?Sized>(&self, cells: &C) -> Result<String, RenderError> {
        let mut rendered = String::with_capacity(self.capacity);
        self.write(&self.nodes, cells, &mut rendered)?;
        if rendered.len() > MAX_CHARS && rendered.chars().count() > MAX_CHARS {
            return Err(RenderError::TooLong);
        }
        Ok(rendered)
    }

    fn write<C: Cells + ?Sized>(
        &self,
        nodes: &[Node<'_>],
        cells: &C,
        rendered: &mut String,
    ) -> Result<(), RenderError> {
        for node in nodes {
            match node {
                Node::Text(text) => rendered.push_str(text),
                Node::Column(position) => rendered.push_str(self.names.filled(*position, cells)?),
                Node::Placeholder(placeholder) => rendered.push_str(&placeholder.text(cells)?),
                Node::If(branches) => {
                    for branch in branches {
                        if branch.is_taken(cells)? {
                            self.write(&branch.body, cells, rendered)?;
                            break;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
