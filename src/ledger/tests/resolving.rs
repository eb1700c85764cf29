//! Decisions of an operator, and the rows they are about.

use super::*;

fn resolve(ledger: &mut Ledger, selection: &Selection, resolution: &Resolution) -> Result<u64> {
    let note = Some("the portal says so");
    let rows = ledger.resolve(selection, resolution, note, &timestamp())?;
    Ok(rows.rows.len() as u64)
}

fn went_out() -> Resolution {
    Resolution::Accepted {
        trx_id: Some("9".to_owned()),
    }
}

/// Rows 1-2 unknown, 3-5 refused, 6 accepted, 7 pending.
fn sent(at: &Location) -> Ledger {
    plan(at, &[2, 3, 1, 1]);
    let mut ledger = open(at);
    for new_state in [unknown(), refused(), accepted(None)] {
        send(&mut ledger, vec![new_state]);
    }
    ledger
}

#[test]
fn all_means_all_unknown_rows() {
    let (_folder, path) = temp_ledger();
    let mut ledger = sent(&(&path).into());
    assert_eq!(
        resolve(&mut ledger, &Selection::AllUnknown, &went_out()).unwrap(),
        2
    );
    use Status::{Accepted, Pending, Refused};
    assert_eq!(
        statuses(&path),
        [
            Accepted, Accepted, Refused, Refused, Refused, Accepted, Pending
        ]
    );
    assert_adds_up(&path);
    each(&path, |recipient| {
        if recipient.row <= 2 {
            assert_eq!(recipient.trx_id, Some("9"));
            assert_eq!(recipient.decision.unwrap().resolution, "accepted");
        }
    });
    let sql = "SELECT rows || ' ' || resolution || ' ' || note FROM decision";
    assert_eq!(
        tampering::query(&path, sql),
        "1-2 accepted the portal says so"
    );
    assert_eq!(
        resolve(&mut ledger, &Selection::AllUnknown, &went_out()).unwrap(),
        0
    );
}

fn the_other_rows_of_a_batch_are_left_alone(new: New) {
    let path = new();
    let mut ledger = sent(&path);
    let rows = Selection::Rows(vec![2..=3, 3..=3, 5..=5]);
    assert_eq!(
        resolve(&mut ledger, &rows, &Resolution::NotSent).unwrap(),
        3
    );
    use Status::{Accepted, Pending, Refused, Unknown};
    assert_eq!(
        statuses(&path),
        [
            Unknown, Pending, Pending, Refused, Pending, Accepted, Pending
        ]
    );
    assert_adds_up(&path);
    // They are sent again, and settled like any others.
    while !ledger.planned_after(None).unwrap().is_empty() {
        send(&mut ledger, vec![accepted(None)]);
        assert_adds_up(&path);
    }
    assert_eq!(
        statuses(&path),
        [
            Unknown, Accepted, Accepted, Refused, Accepted, Accepted, Accepted
        ]
    );
}

fn a_batch_is_selected_by_its_number(new: New) {
    let path = new();
    let mut ledger = sent(&path);
    assert_eq!(
        resolve(&mut ledger, &Selection::Batch(2), &Resolution::NotSent).unwrap(),
        3
    );
    assert_adds_up(&path);
    assert_eq!(statuses(&path)[2..5], [Status::Pending; 3]);
}

fn a_selection_with_other_rows_changes_nothing(new: New) {
    let path = new();
    let mut ledger = sent(&path);
    let before = contents(&path);
    for selection in [
        Selection::Batch(3),
        Selection::Batch(4),
        Selection::Batch(99),
        Selection::Batch(u64::MAX),
        Selection::Rows(vec![1..=1, 6..=6]),
        Selection::Rows(vec![1..=7]),
        Selection::Rows(vec![8..=8]),
        Selection::Rows(vec![1..=99]),
        Selection::Rows(vec![1..=i64::MAX.cast_unsigned()]),
    ] {
        for resolution in [went_out(), Resolution::NotSent] {
            let error = resolve(&mut ledger, &selection, &resolution);
            assert!(error.is_err(), "{selection:?} {resolution:?}");
        }
    }
    assert_eq!(contents(&path), before);
}

on_every_backend!(
    the_other_rows_of_a_batch_are_left_alone,
    a_batch_is_selected_by_its_number,
    a_selection_with_other_rows_changes_nothing,
);
