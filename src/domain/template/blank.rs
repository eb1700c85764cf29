//! What a template gets instead of a blank cell, so that a blank is never rendered unnoticed.
//!
//! The engine's own undefined value is not enough: it passes through slices and filters without an error. So a blank cell is
//! an object of ours, a new one at every look-up, that records what happens to it. Testing whether it is there (`if`, `and`,
//! `or`, `not`, `is defined`) or giving a default marks it as *tested*; writing it anywhere marks it as *written*. A text is
//! sound only if every blank that was looked up was tested and none was written, whatever filters and operators do with a
//! value that they do not know.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use minijinja::Value;
use minijinja::value::{Object, ObjectRepr};

/// A blank cell, as one look-up of a template sees it.
pub(super) struct Blank {
    slot: usize,
    tested: AtomicBool,
    written: AtomicBool,
}

impl Blank {
    /// The blank cell in this slot of its row, or one that holds a spreadsheet error: like a blank, but neither a test nor a default
    /// excuses it.
    pub(super) fn new(slot: usize, is_error: bool) -> Self {
        Self {
            slot,
            tested: AtomicBool::new(false),
            written: AtomicBool::new(is_error),
        }
    }

    /// Whether the value is a blank cell, which counts as tested by this.
    pub(super) fn test(value: &Value) -> bool {
        let blank = value.downcast_object_ref::<Self>();
        if let Some(blank) = blank {
            blank.tested.store(true, Relaxed);
        }
        blank.is_some()
    }

    /// Its slot, if the template was not ready for the blank.
    pub(super) fn unhandled(&self) -> Option<usize> {
        (self.written.load(Relaxed) || !self.tested.load(Relaxed)).then_some(self.slot)
    }
}

impl Object for Blank {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.tested.store(true, Relaxed);
        false
    }

    /// Writes nothing and returns no error: the engine panics where writing a value fails.
    fn render(self: &Arc<Self>, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.store(true, Relaxed);
        Ok(())
    }
}

/// How the engine writes it within a list.
impl fmt::Debug for Blank {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.store(true, Relaxed);
        Ok(())
    }
}
