//! How a sender outlasts a time in which its database cannot be used.

use std::fmt;

use crate::Error;

/// Waits before a database that was lost is tried again, and says whether it is tried at all. It gets the error, and how often it
/// was tried since it was lost.
pub struct Outlast {
    pub(super) wait: Box<Wait>,
    pub(super) tell_back: Box<dyn FnMut() + Send>,
}

pub(super) type Wait = dyn FnMut(&Error, u32) -> bool + Send;

/// How often something was tried again.
#[derive(Default)]
pub(super) struct Tries {
    /// Because another sender kept what it needs.
    pub(super) in_use: u32,
    /// Because the database was lost.
    pub(super) lost: u32,
}

impl Outlast {
    /// Waits like this.
    pub fn new(wait: impl FnMut(&Error, u32) -> bool + Send + 'static) -> Self {
        Self {
            wait: Box::new(wait),
            tell_back: Box::new(|| {}),
        }
    }

    /// The same, and calls this once the database that was lost answers again.
    #[must_use]
    pub fn then(mut self, tell_back: impl FnMut() + Send + 'static) -> Self {
        self.tell_back = Box::new(tell_back);
        self
    }
}

impl fmt::Debug for Outlast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outlast")
    }
}
