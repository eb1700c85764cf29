//! Templates and how they become texts, row by row. Knows the template language and the names of the
//! columns; not where rows come from, nor what a text may be or cost.

mod blank;
mod cell;
mod date;
mod filters;
mod grammar;
mod kind;
mod mistakes;
mod money;
mod names;
mod plain;
mod portal;
mod tree;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::machinery::{CodeGenerator, Instructions, eval, make_string_output, parse};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Object;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};

use blank::Blank;
use cell::Cell;
use plain::Plain;

pub use names::{Column, Names};

/// The most characters that a template may yield. Far more than a text can hold: a text that is too long
/// gets its own fault, which counts; this only bounds memory.
const MAX_CHARS: usize = 10_000;

/// What one rendering may cost, in the engine's fuel (about one a step, one for every 64 bytes): enough for
/// any message, a few milliseconds at most.
const FUEL: u64 = 20_000;

/// What the engine calls every template.
const NAME: &str = "message";

/// How many blocks and loops may stand within each other.
const RECURSION: usize = 50;

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
    /// The line of the template, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }
}

/// Why a row has no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The template wants a cell that is blank.
    #[error("column \"{header}\" is blank and the template gives no default")]
    Blank {
        /// The column's header, as written.
        header: String,
    },
    /// The template wants a cell in which a formula failed; no default hides that.
    #[error("column \"{header}\" holds the spreadsheet error {error}; correct it and export again")]
    SpreadsheetError {
        /// The column's header, as written.
        header: String,
        /// What the cell holds: `#N/A`.
        error: String,
    },
    /// A filter that wants a number, an amount or a date cannot read this cell as one with certainty.
    #[error("column \"{header}\": {what}")]
    Misread {
        /// The column's header, as written.
        header: String,
        /// What the cell holds and what it should.
        what: String,
    },
    /// Far more than a text can hold.
    #[error("the template yields more than {MAX_CHARS} characters")]
    TooLong,
    /// A loop within a loop over something long.
    #[error("the template takes too many steps")]
    TooManySteps,
    /// A filter or an operator that cannot do with this row's cells.
    #[error("the template fails in line {line}: {what}")]
    Failed {
        /// The line of the template, from 1.
        line: usize,
        /// What the engine says.
        what: String,
    },
}

impl RenderError {
    /// The fault without what is this row's own: the same sentence for all rows that have it, for counting them.
    #[must_use]
    pub fn in_general(&self) -> String {
        match self {
            Self::SpreadsheetError { header, .. } => {
                format!("column \"{header}\" holds a spreadsheet error")
            }
            Self::Misread { header, .. } => {
                format!("column \"{header}\" is not what the template reads it as")
            }
            Self::Failed { line, .. } => format!("the template fails in line {line}"),
            other => other.to_string(),
        }
    }
}

/// What a spreadsheet shows where a formula failed, if that is all of this cell: `#N/A`.
#[must_use]
pub fn spreadsheet_error(cell: &str) -> Option<&str> {
    match cell::state(cell) {
        cell::State::SpreadsheetError => cell::spreadsheet_error(cell),
        _ => None,
    }
}

/// The template engine for one spreadsheet. Shared by all threads.
pub struct Templates {
    engine: Environment<'static>,
    names: Arc<Names>,
}

impl Templates {
    /// An engine whose templates can name these columns.
    #[must_use]
    pub fn new(names: Names) -> Self {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        engine.set_auto_escape_callback(|_| AutoEscape::None);
        engine.set_fuel(Some(FUEL));
        engine.set_recursion_limit(RECURSION);
        // Debugging would write every variable into each error: slow, and personal.
        engine.set_debug(false);
        filters::add_to(&mut engine);
        Self {
            engine,
            names: Arc::new(names),
        }
    }

    /// The template written like this, if it is one and all it names exists.
    pub fn compile<'a>(&'a self, source: &'a str) -> Result<Template<'a>, TemplateError> {
        let names = &*self.names;
        mistakes::refuse_endless(source)?;
        let tree = parse(source, NAME, SyntaxConfig::default())
            .map_err(|error| mistakes::syntax(&error, source, names))?;
        let found = grammar::check(&tree, source, names)?;
        let mut used: Vec<usize> = found.used.into_iter().collect();
        used.sort_by_key(|position| names.columns[*position].cell);

        let mut generator = CodeGenerator::new(NAME, source);
        let statements = if found.references {
            tree::with_references(&tree, source, names)
        } else {
            vec![tree]
        };
        for statement in &statements {
            generator.compile_stmt(statement);
        }
        let capacity = generator.buffer_size_hint();
        let (instructions, blocks) = generator.finish();
        Ok(Template {
            engine: &self.engine,
            instructions,
            blocks,
            capacity,
            plain: Plain::of(&statements, names),
            shape: Arc::new(Shape {
                names: Arc::clone(&self.names),
                used,
            }),
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
    engine: &'a Environment<'a>,
    instructions: Instructions<'a>,
    /// Always empty; the engine wants to see that.
    blocks: BTreeMap<&'a str, Instructions<'a>>,
    /// About how many bytes a text has.
    capacity: usize,
    /// The short way, where there is one.
    plain: Option<Plain>,
    shape: Arc<Shape>,
}

impl Template<'_> {
    /// The columns that the template names, each its header as written and which cell of a row it is, from 0; in the order of
    /// the cells.
    pub fn used(&self) -> impl Iterator<Item = (&str, usize)> {
        self.shape.used.iter().map(|position| {
            let column = &self.shape.names.columns[*position];
            (column.header.as_str(), column.cell)
        })
    }

    /// Whether it certainly renders to the same text for every row.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.plain.as_ref().is_some_and(Plain::is_constant)
    }

    /// The text of a row.
    pub fn render<C: Cells + ?Sized>(&self, cells: &C) -> Result<String, RenderError> {
        let rendered = match &self.plain {
            Some(plain) => plain.render(cells, &self.shape.names)?,
            None => self.render_by_engine(cells)?,
        };
        if rendered.len() > MAX_CHARS && rendered.chars().count() > MAX_CHARS {
            return Err(RenderError::TooLong);
        }
        Ok(rendered)
    }

    fn render_by_engine<C: Cells + ?Sized>(&self, cells: &C) -> Result<String, RenderError> {
        let row = Arc::new(Row::new(&self.shape, cells));
        let mut rendered = String::with_capacity(self.capacity);
        let outcome = eval(
            self.engine,
            &self.instructions,
            Value::from_dyn_object(Arc::clone(&row)),
            &self.blocks,
            &mut make_string_output(&mut rendered),
            AutoEscape::None,
        )
        .map(drop);
        // First of all, also where something failed: a blank is then the likeliest reason.
        if let Some(position) = row.fault() {
            let names = &self.shape.names;
            return Err(names.unusable(position, cells.cell(names.columns[position].cell)));
        }
        outcome.map_err(|error| self.failed(&error, cells))?;
        Ok(rendered)
    }

    fn failed<C: Cells + ?Sized>(&self, error: &Error, cells: &C) -> RenderError {
        if error.kind() == ErrorKind::OutOfFuel {
            return RenderError::TooManySteps;
        }
        let what = error
            .detail()
            .map_or_else(|| error.kind().to_string(), str::to_owned);
        match filters::misread(error).and_then(|text| self.holder(text, cells)) {
            Some(header) => RenderError::Misread {
                header: header.to_owned(),
                what,
            },
            None => RenderError::Failed {
                line: error.line().unwrap_or(1),
                what,
            },
        }
    }

    /// The header of the one column that the template uses and that holds this text; none where two do.
    fn holder<C: Cells + ?Sized>(&self, text: &str, cells: &C) -> Option<&str> {
        let mut holders = self
            .used()
            .filter(|(_, cell)| cells.cell(*cell).trim() == text.trim());
        let (header, _) = holders.next()?;
        holders.next().is_none().then_some(header)
    }
}

impl Names {
    /// The fault of a cell that a template wanted, though it is blank or holds an error.
    fn unusable(&self, position: usize, cell: &str) -> RenderError {
        let header = self.columns[position].header.clone();
        match cell::spreadsheet_error(cell) {
            Some(error) => RenderError::SpreadsheetError {
                header,
                error: error.to_owned(),
            },
            None => RenderError::Blank { header },
        }
    }
}

/// Which columns a template uses: only their cells are handed to the engine, which wants values that own
/// what they hold.
#[derive(Debug)]
struct Shape {
    names: Arc<Names>,
    used: Vec<usize>,
}

/// A row as the engine sees it: the root of all names.
#[derive(Debug)]
struct Row {
    shape: Arc<Shape>,
    /// One for each used column.
    cells: Vec<Cell>,
    /// The blanks and errors that were looked up, in order. The lock is the row's own: nobody waits for it.
    blanks: Mutex<Vec<Arc<Blank>>>,
}

impl Row {
    fn new<C: Cells + ?Sized>(shape: &Arc<Shape>, cells: &C) -> Self {
        let cell = |position: &usize| Cell::read(cells.cell(shape.names.columns[*position].cell));
        Self {
            shape: Arc::clone(shape),
            cells: shape.used.iter().map(cell).collect(),
            blanks: Mutex::default(),
        }
    }

    fn by_name(&self, name: &str) -> Option<Value> {
        // Nearly always: a name of one of a few used columns.
        let columns = &self.shape.names.columns;
        let named = |used: &usize| columns[*used].name == name;
        self.look_up(self.shape.used.iter().position(named)?)
    }

    fn by_position(&self, position: usize) -> Option<Value> {
        let slot = self.shape.used.iter().position(|used| *used == position)?;
        self.look_up(slot)
    }

    fn look_up(&self, slot: usize) -> Option<Value> {
        let blank = match self.cells.get(slot)? {
            Cell::Filled(value) => return Some(value.clone()),
            Cell::Blank => Blank::new(self.shape.used[slot]),
            Cell::SpreadsheetError => Blank::unforgivable(self.shape.used[slot]),
        };
        let blank = Arc::new(blank);
        let mut blanks = self.blanks.lock().unwrap_or_else(PoisonError::into_inner);
        blanks.push(Arc::clone(&blank));
        Some(Value::from_dyn_object(blank))
    }

    /// The first column that the template wanted though it is blank or holds an error.
    fn fault(&self) -> Option<usize> {
        let blanks = self.blanks.lock().unwrap_or_else(PoisonError::into_inner);
        blanks.iter().find_map(|blank| blank.fault())
    }
}

impl Object for Row {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if key == "row" {
            return Some(Value::from_object(ByHeader(Arc::clone(self))));
        }
        self.by_name(key)
            .or_else(|| self.by_position(Names::referred(key)?))
    }
}

/// What `row` is in a template: the same cells by their columns' headers.
#[derive(Debug)]
struct ByHeader(Arc<Row>);

impl Object for ByHeader {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let position = self.0.shape.names.position(key.as_str()?, true)?;
        self.0.by_position(position)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
