//! What the cells of a column show about how it is written: dates with the day or the month first, amounts with a point or a
//! comma before the decimals. One cell alone may leave that open.

use super::date::{self, Orders};
use super::money::{self, DecimalSign};
use crate::domain::options::DateOrder;
use crate::domain::place::Place;

/// What a template reads a cell as, where the other cells of the column say how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reading {
    /// With `date`.
    Date,
    /// With `money`.
    Amount,
}

/// A cell that shows how its column is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Where it stands.
    pub place: Place,
    /// What it holds.
    pub cell: String,
}

/// What the cells of a column show: the first cell for each way to write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    reading: Reading,
    /// With the day first, or a point before the decimals.
    usual: Option<Example>,
    /// With the month first, or a comma before the decimals.
    other: Option<Example>,
    /// A date that may be either.
    open: Option<Example>,
}

impl Observed {
    /// A column of which no cell was seen.
    #[must_use]
    pub fn new(reading: Reading) -> Self {
        Self {
            reading,
            usual: None,
            other: None,
            open: None,
        }
    }

    /// Adds the cell at this place.
    pub fn add(&mut self, place: Place, cell: &str) {
        let first = match self.reading {
            Reading::Date => match date::orders(cell) {
                Some(Orders::Only(DateOrder::Dmy)) => &mut self.usual,
                Some(Orders::Only(DateOrder::Mdy)) => &mut self.other,
                Some(Orders::Both) => &mut self.open,
                None => return,
            },
            Reading::Amount => match money::decimal_sign(cell) {
                Some(DecimalSign::Point) => &mut self.usual,
                Some(DecimalSign::Comma) => &mut self.other,
                None => return,
            },
        };
        first.get_or_insert_with(|| Example {
            place,
            cell: cell.to_owned(),
        });
    }

    /// What the column is read as.
    #[must_use]
    pub fn reading(&self) -> Reading {
        self.reading
    }

    /// Two cells that are written in different ways.
    #[must_use]
    pub fn contradiction(&self) -> Option<[&Example; 2]> {
        Some([self.usual.as_ref()?, self.other.as_ref()?])
    }

    /// The order in which all dates of the column are read: the one that a cell shows, else the day first.
    #[must_use]
    pub fn date_order(&self) -> DateOrder {
        match self.other {
            Some(_) => DateOrder::Mdy,
            None => DateOrder::Dmy,
        }
    }

    /// A date that shows a person how the column is read, and the day that it is, where that may not be what was meant: the month
    /// is first, or no cell shows the order. If possible a date that only the order makes certain.
    #[must_use]
    pub fn surprise(&self) -> Option<(&Example, String)> {
        if self.usual.is_some() {
            return None;
        }
        let example = self.open.as_ref().or(self.other.as_ref())?;
        Some((example, date::day_in(&example.cell, self.date_order())?))
    }

    /// Whether a cell shows the order of day and month.
    #[must_use]
    pub fn shows_order(&self) -> bool {
        self.usual.is_some() || self.other.is_some()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::place::Location;

    fn observed(reading: Reading, cells: &[impl AsRef<str>]) -> Observed {
        let mut observed = Observed::new(reading);
        for (row, cell) in (1..).zip(cells) {
            let location = Location::Text {
                line: row + 1,
                sheet_row: None,
            };
            observed.add(Place { row, location }, cell.as_ref());
        }
        observed
    }

    /// `Ok`: the order, and the row that a person is shown. `Err`: the rows that contradict.
    fn order(cells: &[impl AsRef<str>]) -> Result<(DateOrder, Option<u64>), (u64, u64)> {
        let observed = observed(Reading::Date, cells);
        match observed.contradiction() {
            Some([one, other]) => Err((one.place.row, other.place.row)),
            None => Ok((
                observed.date_order(),
                observed.surprise().map(|(example, _)| example.place.row),
            )),
        }
    }

    #[test]
    fn a_column_of_dates_is_read_in_one_order() {
        use DateOrder::{Dmy, Mdy};
        for (cells, expected) in [
            (&["22/11/2026", "11/05/2026"][..], Ok((Dmy, None))),
            (&["11/05/2026", "", "TBA", "22.11.2026"], Ok((Dmy, None))),
            (&["11/22/2026", "11/05/2026"], Ok((Mdy, Some(2)))),
            (&["05/05/2026", "12-25-2026"], Ok((Mdy, Some(2)))),
            (
                &["11/05/2026", "01/02/2027", "12-25-2026"],
                Ok((Mdy, Some(1))),
            ),
            (&["11/05/2026", "11/22/26"], Ok((Mdy, Some(1)))),
            (&["11/05/2026", "01/02/2027"], Ok((Dmy, Some(1)))),
            (&["05/05/2026", "01/02/2027"], Ok((Dmy, Some(2)))),
            (&["05/05/2026", "2026-11-05"], Ok((Dmy, None))),
            (&["22 Nov 2026", "46348", "Nov 5, 2026"], Ok((Dmy, None))),
            (&["", "", "n/a"], Ok((Dmy, None))),
            (&[], Ok((Dmy, None))),
            (&["11/05/2026", "11/22/2026", "22/11/2026"], Err((3, 2))),
            (&["22-11-2026", "11/22/2026"], Err((1, 2))),
            (&["22/11/2026 14:30", "1.31.2026"], Err((1, 2))),
            (&["31/02/2026", "11/22/26"], Err((1, 2))),
        ] {
            assert_eq!(order(cells), expected, "{cells:?}");
        }
        let open = observed(Reading::Date, &["11/05/2026"]);
        assert_eq!(open.surprise().unwrap().1, "11 May 2026");
        assert!(!open.shows_order());
        let month_first = observed(Reading::Date, &["11/05/2026", "11/22/2026"]);
        assert_eq!(month_first.surprise().unwrap().1, "5 November 2026");
        assert!(month_first.shows_order());
    }

    #[test]
    fn a_column_of_amounts_has_one_decimal_sign() {
        for (cells, rows) in [
            (&["1,234.50", "1.234,50"][..], Some((1, 2))),
            (&["500", "12,50", "1.234", "12.50"], Some((4, 2))),
            // Here a comma stands before decimals, so 1,234 is not more than a thousand.
            (&["1.234,50", "1,234"], Some((2, 1))),
            (&["1,234.50", "12.5", "100", "1,000", ""], None),
            (&["1.234,50", "12,5", "100", ""], None),
            (&["1,234.50", "1.234", "12,"], None),
            (&[], None),
        ] {
            let observed = observed(Reading::Amount, cells);
            let found = observed.contradiction();
            let found = found.map(|[one, other]| (one.place.row, other.place.row));
            assert_eq!(found, rows, "{cells:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever else a column holds and wherever it stands, a date that is read in it is the day that was written.
        #[test]
        fn no_date_of_a_column_becomes_another(
            order in prop_oneof![Just(DateOrder::Dmy), Just(DateOrder::Mdy)],
            days in proptest::collection::vec((1_i8..=28, 1_i8..=12), 1..20),
        ) {
            let cells: Vec<String> = days.iter().map(|(day, month)| match order {
                DateOrder::Dmy => format!("{day}/{month}/2026"),
                DateOrder::Mdy => format!("{month}/{day}/2026"),
            }).collect();
            let observed = observed(Reading::Date, &cells);
            prop_assert_eq!(observed.contradiction(), None);
            if days.iter().any(|(day, _)| *day > 12) {
                prop_assert!(observed.shows_order());
                for ((day, month), cell) in days.iter().zip(&cells) {
                    let read = date::formatted(cell, "%-d %-m", Some(observed.date_order()));
                    prop_assert_eq!(read, Ok(format!("{day} {month}")), "{}", cell);
                }
            } else if days.iter().any(|(day, month)| day != month) {
                prop_assert!(!observed.shows_order() && observed.surprise().is_some());
            }
        }
    }
}
