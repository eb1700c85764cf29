//! Whether records are numbered from 1 without a gap.

/// The numbers of records, which come in ascending order.
#[derive(Default)]
pub(super) struct Numbers {
    first: i64,
    last: i64,
    pub(super) count: i64,
}

impl Numbers {
    pub(super) fn add(&mut self, number: i64) {
        if self.count == 0 {
            self.first = number;
        }
        self.count += 1;
        self.last = number;
    }

    /// The last number, unless they are 1, 2, 3 and so on.
    pub(super) fn with_gap(&self) -> Option<i64> {
        let are_whole = self.count == 0 || (self.first == 1 && self.last == self.count);
        (!are_whole).then_some(self.last)
    }
}
