//! What a template gets instead of a blank cell, and how it is known whether the template was ready for it.
//! It does not know which columns there are.
//!
//! The engine's own undefined value is not enough: it passes unseen through lists, `join` and slices. So a
//! blank cell is an object of ours, a new one at every look-up, that watches what becomes of it. Asking
//! whether it is there (`if`, `and`, `or`, `not`, `is defined`) or giving a default *forgives* it; being
//! written anywhere *uses* it. A message is sound only if every blank that was looked up was forgiven and
//! none was used: nothing depends on how a filter or an operator treats a value it does not know.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use minijinja::Value;
use minijinja::value::{Object, ObjectRepr};

/// A blank cell, as one look-up of a template sees it.
pub(super) struct Blank {
    column: usize,
    forgiven: AtomicBool,
    used: AtomicBool,
}

impl Blank {
    /// The blank cell of this column.
    pub(super) fn new(column: usize) -> Self {
        Self {
            column,
            forgiven: AtomicBool::new(false),
            used: AtomicBool::new(false),
        }
    }

    /// A cell of this column that is no better than blank and that no default excuses: it holds an error.
    pub(super) fn unforgivable(column: usize) -> Self {
        Self {
            used: AtomicBool::new(true),
            ..Self::new(column)
        }
    }

    /// Whether the value is a blank cell, which is forgiven by the question.
    pub(super) fn forgive(value: &Value) -> bool {
        let blank = value.downcast_object_ref::<Self>();
        if let Some(blank) = blank {
            blank.forgiven.store(true, Relaxed);
        }
        blank.is_some()
    }

    /// The column, if the template was not ready for the blank.
    pub(super) fn fault(&self) -> Option<usize> {
        (self.used.load(Relaxed) || !self.forgiven.load(Relaxed)).then_some(self.column)
    }
}

impl Object for Blank {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.forgiven.store(true, Relaxed);
        false
    }

    /// Writes nothing, and no error either: the engine panics where writing a value fails.
    fn render(self: &Arc<Self>, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.used.store(true, Relaxed);
        Ok(())
    }
}

/// How it is written inside of a list.
impl fmt::Debug for Blank {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.used.store(true, Relaxed);
        Ok(())
    }
}
