//! Evaluates a placeholder or a condition for a row, and detects blanks that it is not ready for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::machinery::ast::{EmitExpr, Expr, Spanned, Stmt};
use minijinja::machinery::{CodeGenerator, Instructions, eval, make_string_output};
use minijinja::value::Object;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Value};

use super::blank::Blank;
use super::cell::Cells;
use super::error::RenderError;
use super::face::{Face, SLOTS, Slots, with_slots};
use super::filters;
use super::names::ColumnNames;

/// A `{{ }}`, or what stands behind an `{% if %}`.
pub(super) struct Code<'a> {
    engine: &'a Environment<'a>,
    instructions: Instructions<'a>,
    /// The line of the template where it begins.
    line: usize,
    uses: Arc<Uses>,
}

/// The cells that an expression uses. Only they are handed to the engine, which needs values that own what they hold.
#[derive(Debug)]
struct Uses {
    names: Arc<ColumnNames>,
    slots: Slots,
}

impl fmt::Debug for Code<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Code")
            .field("line", &self.line)
            .field("uses", &self.uses)
            .finish_non_exhaustive()
    }
}

impl<'a> Code<'a> {
    /// Prints the value of an expression that was checked. It is written as `source` and begins in this line of the template.
    pub(super) fn placeholder(
        engine: &'a Environment<'a>,
        names: &Arc<ColumnNames>,
        expression: &Expr<'a>,
        source: &'a str,
        line: usize,
    ) -> Self {
        let mut slots = Slots::new();
        let expr = with_slots(expression, Face::Shown, names, &mut slots);
        let mut generator = CodeGenerator::new("message", source);
        let statement = Spanned::new(EmitExpr { expr }, expression.span());
        generator.compile_stmt(&Stmt::EmitExpr(statement));
        Self::new(engine, names, generator, line, slots)
    }

    /// The value of an expression that was checked, as a condition.
    pub(super) fn condition(
        engine: &'a Environment<'a>,
        names: &Arc<ColumnNames>,
        expression: &Expr<'a>,
        source: &'a str,
        line: usize,
    ) -> Self {
        let mut slots = Slots::new();
        let expression = with_slots(expression, Face::Truth, names, &mut slots);
        let mut generator = CodeGenerator::new("message", source);
        generator.compile_expr(&expression);
        Self::new(engine, names, generator, line, slots)
    }

    fn new(
        engine: &'a Environment<'a>,
        names: &Arc<ColumnNames>,
        generator: CodeGenerator<'a>,
        line: usize,
        slots: Slots,
    ) -> Self {
        let names = Arc::clone(names);
        Self {
            engine,
            instructions: generator.finish().0,
            line,
            uses: Arc::new(Uses { names, slots }),
        }
    }

    /// The positions of the columns that it names, and which face of a cell it uses; a column perhaps several times.
    pub(super) fn slots(&self) -> &Slots {
        &self.uses.slots
    }

    /// The text of a row.
    pub(super) fn text<C: Cells + ?Sized>(&self, cells: &C) -> Result<String, RenderError> {
        let mut text = String::new();
        self.evaluate(cells, &mut text)?;
        Ok(text)
    }

    /// Whether it holds for a row.
    pub(super) fn holds<C: Cells + ?Sized>(&self, cells: &C) -> Result<bool, RenderError> {
        Ok(self
            .evaluate(cells, &mut String::new())?
            .unwrap_or_default())
    }

    /// Appends what it prints to the text; the truth of its value, if that is what it leaves.
    fn evaluate<C: Cells + ?Sized>(
        &self,
        cells: &C,
        text: &mut String,
    ) -> Result<Option<bool>, RenderError> {
        let row = Arc::new(Row::new(&self.uses, cells));
        let root = Value::from_dyn_object(Arc::clone(&row));
        let blocks = BTreeMap::new();
        let mut output = make_string_output(text);
        let result = eval(
            self.engine,
            &self.instructions,
            root,
            &blocks,
            &mut output,
            AutoEscape::None,
        )
        // Asking a blank cell whether it is true is what marks it as tested.
        .map(|(value, _)| value.map(|value| value.is_true()));
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
        let slots = self.slots().iter();
        let positions: BTreeSet<usize> = slots.map(|(position, _)| *position).collect();
        let mut found = positions
            .into_iter()
            .map(|position| &columns[position])
            .filter(|column| {
                let faces = [cells.cell(column.cell), cells.held(column.cell)];
                faces.iter().any(|face| face.trim() == text.trim())
            });
        let column = found.next()?;
        found.next().is_none().then_some(&*column.header)
    }
}

/// A row as the engine sees it: the root of all names, and the slots of an expression.
#[derive(Debug)]
struct Row {
    /// One for each slot.
    cells: Vec<Result<Value, RenderError>>,
    /// The blanks and errors that were looked up, in order. The lock is the row's own: it is never contended.
    blanks: Mutex<Vec<Arc<Blank>>>,
}

impl Row {
    fn new<C: Cells + ?Sized>(uses: &Uses, cells: &C) -> Self {
        let names = &uses.names;
        let cell = |(position, face): &(usize, Face)| match face {
            Face::Shown => names.shown(*position, cells).map(Value::from),
            Face::Held => names.held(*position, cells).map(Value::from),
            Face::Date => {
                let order = cells.date_order(names.columns[*position].cell);
                let held = names.held(*position, cells);
                held.map(|held| filters::date_cell(held, order))
            }
            Face::Truth => names.truth(*position, cells).map(Value::from),
            Face::Amount => {
                let is_number = cells.is_number(names.columns[*position].cell);
                names.held(*position, cells).map(|held| {
                    let number = held.parse::<f64>().ok().filter(|_| is_number);
                    number.map_or_else(|| Value::from(held), Value::from)
                })
            }
        };
        Self {
            cells: uses.slots.iter().map(cell).collect(),
            blanks: Mutex::default(),
        }
    }

    fn look_up(&self, slot: usize) -> Option<Value> {
        let blank = match self.cells.get(slot)? {
            Ok(value) => return Some(value.clone()),
            Err(RenderError::Blank { .. }) => Blank::new(slot, false),
            Err(_) => Blank::new(slot, true),
        };
        let blank = Arc::new(blank);
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
        match key.as_str() {
            Some(name) => self.get_value_by_str(name),
            None => self.look_up(key.as_usize()?),
        }
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        (key == SLOTS).then(|| Value::from_dyn_object(Arc::clone(self)))
    }
}
