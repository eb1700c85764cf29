//! Evaluates a placeholder or a condition for a row, and detects blanks that it is not ready for.

use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::Object;
use minijinja::{Error, ErrorKind, Value};

use super::blank::Blank;
use super::cell::Cells;
use super::error::RenderError;
use super::filters;
use super::names::ColumnNames;

/// A `{{ }}`.
pub(super) type Placeholder<'a> = Code<minijinja::Template<'a, 'a>>;

/// What stands behind an `{% if %}`.
pub(super) type Condition<'a> = Code<minijinja::Expression<'a, 'a>>;

/// What the engine made of a tag.
#[derive(Debug)]
pub(super) struct Code<T> {
    pub(super) compiled: T,
    /// The line of the template where it begins.
    pub(super) line: usize,
    pub(super) uses: Arc<Uses>,
}

/// The columns that a tag names. Only their cells are handed to the engine, which needs values that own what they hold.
#[derive(Debug)]
pub(super) struct Uses {
    pub(super) names: Arc<ColumnNames>,
    /// Their positions.
    pub(super) columns: Vec<usize>,
}

impl Placeholder<'_> {
    /// The text of a row.
    pub(super) fn text<C: Cells + ?Sized>(&self, cells: &C) -> Result<String, RenderError> {
        self.evaluate(cells, |row| self.compiled.render(row))
    }
}

impl Condition<'_> {
    /// Whether it holds for a row.
    pub(super) fn holds<C: Cells + ?Sized>(&self, cells: &C) -> Result<bool, RenderError> {
        // Asking a blank cell whether it is true is what marks it as tested.
        self.evaluate(cells, |row| {
            self.compiled.eval(row).map(|value| value.is_true())
        })
    }
}

impl<T> Code<T> {
    fn evaluate<C: Cells + ?Sized, R>(
        &self,
        cells: &C,
        run: impl FnOnce(Value) -> Result<R, Error>,
    ) -> Result<R, RenderError> {
        let row = Arc::new(Row::new(&self.uses, cells));
        let result = run(Value::from_dyn_object(Arc::clone(&row)));
        // First, also where something failed: a blank is then the likeliest reason.
        if let Some(error) = row.unhandled_blank() {
            return Err(error);
        }
        result.map_err(|error| self.failed(&error, cells))
    }

    fn failed<C: Cells + ?Sized>(&self, error: &Error, cells: &C) -> RenderError {
        if error.kind() == ErrorKind::OutOfFuel {
            return RenderError::TooManySteps;
        }
        let what = error
            .detail()
            .map_or_else(|| error.kind().to_string(), str::to_owned);
        match filters::unreadable_text(error).and_then(|text| self.column_with(text, cells)) {
            Some(header) => RenderError::Unreadable {
                header: header.to_owned(),
                what,
            },
            None => RenderError::Failed {
                line: self.line + error.line().unwrap_or(1).saturating_sub(1),
                what,
            },
        }
    }

    /// The header of the one named column that holds this text; none where two do.
    fn column_with<C: Cells + ?Sized>(&self, text: &str, cells: &C) -> Option<&str> {
        let columns = &self.uses.names.columns;
        let used = self.uses.columns.iter().map(|position| &columns[*position]);
        let mut found = used.filter(|column| cells.cell(column.cell).trim() == text.trim());
        let column = found.next()?;
        found.next().is_none().then_some(&*column.header)
    }
}

/// A row as the engine sees it: the root of all names.
#[derive(Debug)]
struct Row {
    uses: Arc<Uses>,
    /// One for each used column.
    cells: Vec<Result<Value, RenderError>>,
    /// The blanks and errors that were looked up, in order. The lock is the row's own: it is never contended.
    blanks: Mutex<Vec<Arc<Blank>>>,
}

impl Row {
    fn new<C: Cells + ?Sized>(uses: &Arc<Uses>, cells: &C) -> Self {
        let cell = |position: &usize| uses.names.filled(*position, cells).map(Value::from);
        Self {
            cells: uses.columns.iter().map(cell).collect(),
            uses: Arc::clone(uses),
            blanks: Mutex::default(),
        }
    }

    /// The value of the column at this position.
    fn look_up(&self, position: usize) -> Option<Value> {
        let mut columns = self.uses.columns.iter();
        let slot = columns.position(|column| *column == position)?;
        let is_error = match self.cells.get(slot)? {
            Ok(value) => return Some(value.clone()),
            Err(error) => !matches!(error, RenderError::Blank { .. }),
        };
        let blank = Arc::new(Blank::new(slot, is_error));
        let mut blanks = self.blanks.lock().unwrap_or_else(PoisonError::into_inner);
        blanks.push(Arc::clone(&blank));
        Some(Value::from_dyn_object(blank))
    }

    /// The error of the first blank cell that the template was not ready for.
    fn unhandled_blank(&self) -> Option<RenderError> {
        let blanks = self.blanks.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = blanks.iter().find_map(|blank| blank.unhandled())?;
        self.cells[slot].clone().err()
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
        self.look_up(self.uses.names.position(key, false)?)
    }
}

/// What `row` is in a template: the same cells by the headers of their columns.
#[derive(Debug)]
struct ByHeader(Arc<Row>);

impl Object for ByHeader {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let position = self.0.uses.names.position(key.as_str()?, true)?;
        self.0.look_up(position)
    }
}
