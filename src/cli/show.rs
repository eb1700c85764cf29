//! Shows texts as they would go out, spread over the spreadsheet.

use std::fmt::Write as _;

use super::view::counted;
use crate::Result;
use crate::domain::Encoding;
use crate::domain::place::Places;
use crate::ledger::{Location, PlannedText};

/// Hands `number` of the texts to send to `say`, the first and the last among them.
pub(super) fn texts(
    ledger: &Location,
    places: &Places,
    number: u64,
    mut say: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    let snapshot = ledger.snapshot()?;
    let sendable = snapshot.campaign()?.report.sendable;
    let mut chosen = spread(sendable, number).peekable();
    let mut nth = 0;
    snapshot.planned_texts(&mut |text| {
        if chosen.next_if_eq(&nth).is_some() {
            say(&shown(&text, places))?;
        }
        nth += 1;
        Ok(chosen.peek().is_some())
    })
}

/// `number` of the indexes below `all`, at equal distances, the first and the last among them.
fn spread(all: u64, number: u64) -> impl Iterator<Item = u64> {
    let number = number.min(all);
    let gaps = number.saturating_sub(1).max(1);
    (0..number).map(move |nth| nth * all.saturating_sub(1) / gaps)
}

/// A text with the number that gets it.
pub(super) fn shown(text: &PlannedText<'_>, places: &Places) -> String {
    let place = places.of(text.row);
    let place = place.map_or_else(|| format!("row {}", text.row), |place| place.to_string());
    let encoding = match text.encoding {
        Encoding::Ascii => "ASCII",
        Encoding::Unicode => "Unicode",
    };
    let (number, credits) = (text.msisdn, counted(text.credits.into(), "credit"));
    let mut shown = format!("{place} to {number}, {encoding}, {credits}\n");
    for line in text.body.lines() {
        let _ = writeln!(shown, "  | {line}");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_are_spread_over_all_rows() {
        for (all, number, chosen) in [
            (0, 3, &[][..]),
            (1, 3, &[0]),
            (9, 0, &[]),
            (9, 1, &[0]),
            (9, 2, &[0, 8]),
            (9, 3, &[0, 4, 8]),
            (10, 4, &[0, 3, 6, 9]),
            (4, 3, &[0, 1, 3]),
            (3, 3, &[0, 1, 2]),
            (3, 99, &[0, 1, 2]),
        ] {
            assert_eq!(
                spread(all, number).collect::<Vec<_>>(),
                chosen,
                "{number} of {all}"
            );
        }
        let last = spread(4_294_967_295, 1_000_000).last();
        assert_eq!(last, Some(4_294_967_294));
    }
}
