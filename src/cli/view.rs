//! What people are shown of a ledger: its rows in numbers.

use std::fmt::{Display, Write as _};

use super::files::is_sandbox_ledger;
use super::named;
use crate::domain::Status;
use crate::ledger::{Location, Totals, row_ranges};

/// `1 message`, `2 messages`.
pub(super) fn counted(number: u64, what: &str) -> String {
    inflected(number, what, &format!("{what}s"))
}

/// `1 row has`, `2 rows have`.
pub(super) fn inflected(number: u64, one: &str, several: &str) -> String {
    let what = if number == 1 { one } else { several };
    format!("{} {what}", grouped(number))
}

/// `1,234,567`, `-1,234.50`: a number with its thousands set apart.
pub(super) fn grouped(number: impl ToString + Copy) -> String {
    let number = number.to_string();
    let end = number.find('.').unwrap_or(number.len());
    let mut grouped = String::with_capacity(number.len() + number.len() / 3);
    for (index, digit) in number.char_indices() {
        let begins_group = index < end && (end - index).is_multiple_of(3);
        if begins_group && grouped.ends_with(|before: char| before.is_ascii_digit()) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `5 of 12,345 messages`, or `12,345 messages` if it is all of them.
pub(super) fn part_of(part: u64, all: u64, what: &str) -> String {
    let whole = counted(all, what);
    if part < all {
        format!("{} of {whole}", grouped(part))
    } else {
        whole
    }
}

/// Whether fewer than a tenth are left to send to.
pub(super) fn hardly_any(left: u64, rows: u64) -> bool {
    rows > 0 && left.saturating_mul(10) < rows
}

/// `nobody is left to send to of 200 rows`
pub(super) fn left(left: u64, rows: u64) -> String {
    let rows = counted(rows, "row");
    match left {
        0 => format!("nobody is left to send to of {rows}"),
        left => format!("only {} of {rows} are left to send to", grouped(left)),
    }
}

/// Lines, each with a label.
#[derive(Default)]
pub(super) struct Screen(pub(super) String);

impl Screen {
    pub(super) fn line(&mut self, label: &str, text: impl Display) {
        let _ = writeln!(self.0, "{label:<14}{text}");
    }
}

/// What a ledger holds, on one screen.
pub(super) fn totals(totals: &Totals, place: &Location) -> String {
    let mut screen = Screen::default();
    screen.line("Rows", grouped(totals.counts.rows()));
    for &status in Status::ALL {
        let rows = totals.counts.of(status);
        if rows > 0 || status == Status::Accepted {
            let mut label = status.to_string();
            label[..1].make_ascii_uppercase();
            match totals.in_flight {
                awaited if awaited > 0 && status == Status::Unknown => {
                    let (rows, awaited) = (grouped(rows), grouped(awaited));
                    screen.line(
                        &label,
                        format!("{rows} ({awaited} of them await their answer now)"),
                    );
                }
                _ => screen.line(&label, grouped(rows)),
            }
        }
    }
    if is_sandbox_ledger(place) && totals.attempts > 0 {
        screen.line("Sandbox", "nobody received anything");
    }
    let (accepted, planned) = (totals.credits_accepted, totals.credits_planned);
    let credits = format!("{} of {} planned", grouped(accepted), grouped(planned));
    screen.line("Credits", credits);
    screen.0
}

/// The most characters of the rows that a command names. What is longer is looked up.
const LONGEST_ROWS: usize = 500;

/// The command that makes these rows pending again, which have this status now.
pub(super) fn make_pending(place: &Location, rows: &[u64], status: Status) -> String {
    let rows = row_ranges(rows);
    if rows.len() > LONGEST_ROWS {
        return make_pending_by_sms_row(place, status);
    }
    let ledger = named::in_command(place);
    format!("isms-campaign resolve {ledger} --rows {rows} --as not-sent")
}

/// The command that makes rows of this status pending again, for a person who looks them up.
pub(super) fn make_pending_by_sms_row(place: &Location, status: Status) -> String {
    let ledger = named::in_command(place);
    format!(
        "isms-campaign resolve {ledger} --rows ROWS --as not-sent, with the sms_row of: \
         isms-campaign results {ledger} --status {status}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (number, shown) in [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("-123456", "-123,456"),
            ("1234567.8901", "1,234,567.8901"),
        ] {
            assert_eq!(grouped(number), shown);
        }
        assert_eq!(counted(5_210, "credit"), "5,210 credits");
    }
}
