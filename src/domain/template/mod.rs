//! Templates: how they are compiled once, and rendered for each row.

mod blank;
mod cell;
mod check;
mod date;
mod error;
mod evaluate;
mod explain;
mod face;
mod field;
mod filters;
mod kind;
mod money;
mod names;
mod node;
mod observed;
mod portal;
mod reader;
mod tag;

use std::ops::Range;
use std::sync::Arc;

use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use error::MAX_CHARS;
use face::{Face, Slots};
use node::Node;

use crate::domain::options::DateOrder;

pub use cell::{Cells, filled};
pub use error::{RenderError, TemplateError};
pub use names::{Column, ColumnNames};
pub use observed::{Example, Observed, Reading};

/// What one placeholder or condition may cost, in the engine's fuel (about one a step, one for every 64 bytes). A filter
/// can make very much out of little, as `format("%9999999s")` does.
const FUEL: u64 = 20_000;

/// Compiles the templates of one spreadsheet. Shared by all threads.
#[derive(Debug)]
pub struct Templates {
    engine: Environment<'static>,
    names: Arc<ColumnNames>,
}

impl Templates {
    /// For templates that can name these columns. `date_order`: how all dates in numbers are read; without it, as their column
    /// shows.
    #[must_use]
    pub fn new(names: ColumnNames, date_order: Option<DateOrder>) -> Self {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        engine.set_auto_escape_callback(|_| AutoEscape::None);
        engine.set_fuel(Some(FUEL));
        // Debugging would write every variable into each error: slow, and personal.
        engine.set_debug(false);
        filters::add_to(&mut engine, date_order);
        Self {
            engine,
            names: Arc::new(names),
        }
    }

    /// The names of the columns.
    #[must_use]
    pub fn names(&self) -> &ColumnNames {
        &self.names
    }

    /// Compiles a template, and checks everything in it that does not depend on a row.
    pub fn compile<'a>(&'a self, source: &'a str) -> Result<Template<'a>, TemplateError> {
        let (nodes, literals) = reader::read(&self.engine, &self.names, source)?;
        let mut slots = Slots::new();
        node::slots(&nodes, &mut slots);
        let read = slots.iter().filter_map(|(position, face)| {
            let cell = self.names.columns[*position].cell;
            match face {
                Face::Shown | Face::Held | Face::Truth => None,
                Face::Amount => Some((cell, Reading::Amount)),
                Face::Date => Some((cell, Reading::Date)),
            }
        });
        let read = read.collect();
        let mut used: Vec<usize> = slots.iter().map(|(position, _)| *position).collect();
        used.sort_by_key(|position| self.names.columns[*position].cell);
        used.dedup();
        Ok(Template {
            names: &self.names,
            nodes,
            used,
            read,
            source,
            literals,
        })
    }
}

/// A compiled template. Rendering it takes no lock: one can serve all threads.
#[derive(Debug)]
pub struct Template<'a> {
    names: &'a ColumnNames,
    nodes: Vec<Node<'a>>,
    /// The positions of the columns that it names, in the order of their cells.
    used: Vec<usize>,
    /// The cells that are read as a date or an amount.
    read: Vec<(usize, Reading)>,
    /// As it is written.
    source: &'a str,
    /// Where text stands in it that is not in a `{% raw %}`.
    literals: Vec<Range<usize>>,
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

    /// The cells that the template reads as a date or an amount, each perhaps several times.
    #[must_use]
    pub fn read(&self) -> &[(usize, Reading)] {
        &self.read
    }

    /// Whether every row gets the same text.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.used.is_empty()
    }

    /// The stretches of text as they are written, without the tags and what stands in a `{% raw %}`, and where each begins.
    pub fn literals(&self) -> impl Iterator<Item = (usize, &str)> {
        let text = |range: &Range<usize>| (range.start, &self.source[range.clone()]);
        self.literals.iter().map(text)
    }

    /// The error where `written`, which begins at this place of the template, is a field of another program with the name
    /// `name` and means a column.
    #[must_use]
    pub fn field_error(&self, place: usize, written: &str, name: &str) -> Option<TemplateError> {
        let column = self.names.of_field(name)?;
        let (here, title) = (self.names.written(column), self.names.header(column));
        let line = self.source[..place].matches('\n').count() + 1;
        Some(TemplateError::new(
            line,
            format!(
                "{written} is not how a column is written; write {{{{ {here} }}}} for the column \"{title}\", \
                 or {{% raw %}}{written}{{% endraw %}} if everyone shall read it as it stands"
            ),
        ))
    }

    /// The text of a row.
    pub fn render<C: Cells + ?Sized>(&self, cells: &C) -> Result<String, RenderError> {
        let mut rendered = String::with_capacity(self.source.len());
        node::render(&self.nodes, self.names, cells, &mut rendered)?;
        if rendered.len() > MAX_CHARS && rendered.chars().count() > MAX_CHARS {
            return Err(RenderError::TooLong);
        }
        Ok(rendered)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
