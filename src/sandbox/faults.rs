//! The numbers that misbehave, by their last seven digits, so that a sample file can show every fault.

use super::rules::Code;

/// A fault injected for a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// `9001000` to `9001013`: it is answered with -1000 to -1013.
    Code(Code),
    /// `9000429`: HTTP 429, nothing is taken.
    Throttled,
    /// `9000503`: HTTP 503, nothing is taken.
    Unavailable,
    /// `9000200`: HTTP 200 with an empty body. Nothing is taken, which such an answer does not prove. `Dropped` and
    /// `Late` are the faults that take the message.
    Empty,
    /// `9000000`: the message is taken, and the connection is dropped without an answer.
    Dropped,
    /// `9000030`: the message is taken, and answered late.
    Late,
}

impl Fault {
    /// The fault of a number, if its last seven digits name one.
    pub(super) fn of(number: &str) -> Option<Self> {
        let ending = number.get(number.len().checked_sub(7)?..)?;
        Some(match ending.parse().ok()? {
            digits @ 9_001_000..=9_001_013 => Self::Code(Code(9_000_000 - digits)),
            9_000_429 => Self::Throttled,
            9_000_503 => Self::Unavailable,
            9_000_200 => Self::Empty,
            9_000_000 => Self::Dropped,
            9_000_030 => Self::Late,
            _ => return None,
        })
    }

    /// The code of this number if every number gets its own answer. It is never a code about the account, which cannot
    /// hold for one number of a request and not for the next.
    pub(super) fn own_code(self) -> Option<Code> {
        match self {
            Self::Code(code) if !code.stops_account() => Some(code),
            _ => None,
        }
    }

    /// Whether the fault is over after one time, as when an account is topped up or a throttled client has waited.
    /// Otherwise a campaign with such a number could never be finished.
    fn happens_once(self) -> bool {
        match self {
            Self::Code(code) => code.stops_account(),
            Self::Throttled => true,
            Self::Unavailable | Self::Empty | Self::Dropped | Self::Late => false,
        }
    }
}

/// The faults of one run of a sandbox.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// The faults that happen once and have happened. Each account code counts separately.
    spent: Vec<Fault>,
}

impl Faults {
    /// The fault of a whole request: the first among its numbers that is not spent. If it happens once, it is spent now.
    /// With `per_number` the codes of single numbers do not count for the whole request.
    pub(super) fn next(&mut self, numbers: &[&str], per_number: bool) -> Option<Fault> {
        let fault = numbers
            .iter()
            .filter_map(|number| Fault::of(number))
            .filter(|fault| !per_number || fault.own_code().is_none())
            .find(|fault| !self.spent.contains(fault))?;
        if fault.happens_once() {
            self.spent.push(fault);
        }
        Some(fault)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn the_last_seven_digits_select_the_fault() {
        let cases = [
            ("60129001000", Some(Fault::Code(Code(-1000)))),
            ("60129001013", Some(Fault::Code(Code(-1013)))),
            ("60129001014", None),
            ("60129000999", None),
            ("60129000429", Some(Fault::Throttled)),
            ("60129000503", Some(Fault::Unavailable)),
            ("60129000200", Some(Fault::Empty)),
            ("60129000000", Some(Fault::Dropped)),
            ("60129000030", Some(Fault::Late)),
            ("9000030", Some(Fault::Late)),
            ("000030", None),
            ("60123456789", None),
        ];
        for (number, expected) in cases {
            assert_eq!(Fault::of(number), expected, "{number}");
        }
    }

    #[test]
    fn account_codes_and_the_throttle_happen_once_each() {
        for ending in 9_001_000..=9_001_013 {
            let (number, code) = (format!("6012{ending}"), Code(9_000_000 - ending));
            let again = (!code.stops_account()).then_some(Fault::Code(code));
            let mut faults = Faults::default();
            let first = faults.next(&[&number], false);
            assert_eq!(first, Some(Fault::Code(code)));
            assert_eq!(faults.next(&[&number], false), again, "{number} again");
        }
        let mut faults = Faults::default();
        let throttled = ["60129000429"];
        assert_eq!(faults.next(&throttled, false), Some(Fault::Throttled));
        assert_eq!(faults.next(&throttled, false), None);
        assert_eq!(
            faults.next(&["60139000429"], false),
            None,
            "spent for every number that ends so"
        );
    }

    #[test]
    fn the_first_fault_that_is_not_spent_counts() {
        let mut faults = Faults::default();
        let numbers = ["60123456789", "60129001001", "60129001004", "60129000503"];
        let found: Vec<_> = (0..4).map(|_| faults.next(&numbers, false)).collect();
        let expected = [
            Some(Fault::Code(Code(-1001))),
            Some(Fault::Code(Code(-1004))),
            Some(Fault::Unavailable),
            Some(Fault::Unavailable),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn with_an_answer_for_each_number_only_account_and_transport_faults_affect_others() {
        let mut faults = Faults::default();
        assert_eq!(
            faults.next(&["60129001005", "60129001002"], true),
            Some(Fault::Code(Code(-1002)))
        );
        assert_eq!(faults.next(&["60129001005", "60129001009"], true), None);
        assert_eq!(
            faults.next(&["60129001009", "60129000000"], true),
            Some(Fault::Dropped)
        );
    }
}
