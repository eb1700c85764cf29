//! An operator's word and whom it is about.

use super::*;

fn decide(book: &mut Ledger, selection: &Selection, word: &Resolution) -> Result<u64> {
    book.decide(selection, word, Some("the portal says so"), &moment())
}

fn gone_out() -> Resolution {
    Resolution::Accepted {
        trx_id: Some("9".to_owned()),
    }
}

/// Rows 1-2 unknown, 3-5 refused, 6 accepted, 7 pending.
fn sent(ledger: &Path) -> Ledger {
    plan(ledger, &[2, 3, 1, 1]);
    let mut book = open(ledger);
    for new_state in [unknown(), refused(), accepted(None)] {
        send(&mut book, vec![new_state]);
    }
    book
}

#[test]
fn all_means_all_that_is_unknown() {
    let (_folder, ledger) = place();
    let mut book = sent(&ledger);
    assert_eq!(
        decide(&mut book, &Selection::AllUnknown, &gone_out()).unwrap(),
        2
    );
    use Status::{Accepted, Pending, Refused};
    assert_eq!(
        statuses(&ledger),
        [
            Accepted, Accepted, Refused, Refused, Refused, Accepted, Pending
        ]
    );
    balances(&ledger);
    each(&ledger, |recipient| {
        if recipient.row <= 2 {
            assert_eq!(recipient.trx_id, Some("9"));
            assert_eq!(recipient.decided.unwrap().word, "accepted");
        }
    });
    let decisions: String = Connection::open(&ledger)
        .unwrap()
        .query_row(
            "SELECT rows || ' ' || word || ' ' || note FROM decision",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(decisions, "1-2 accepted the portal says so");
    assert_eq!(
        decide(&mut book, &Selection::AllUnknown, &gone_out()).unwrap(),
        0
    );
}

#[test]
fn some_rows_of_batches_leave_the_others_as_they_are() {
    let (_folder, ledger) = place();
    let mut book = sent(&ledger);
    let rows = Selection::Rows(vec![2..=3, 3..=3, 5..=5]);
    assert_eq!(decide(&mut book, &rows, &Resolution::NotSent).unwrap(), 3);
    use Status::{Accepted, Pending, Refused, Unknown};
    assert_eq!(
        statuses(&ledger),
        [
            Unknown, Pending, Pending, Refused, Pending, Accepted, Pending
        ]
    );
    balances(&ledger);
    // Sent again, and settled as any other.
    while !book.planned_after(None).unwrap().is_empty() {
        send(&mut book, vec![accepted(None)]);
        balances(&ledger);
    }
    assert_eq!(
        statuses(&ledger),
        [
            Unknown, Accepted, Accepted, Refused, Accepted, Accepted, Accepted
        ]
    );
}

#[test]
fn a_batch_by_its_number() {
    let (_folder, ledger) = place();
    let mut book = sent(&ledger);
    assert_eq!(
        decide(&mut book, &Selection::Batch(2), &Resolution::NotSent).unwrap(),
        3
    );
    balances(&ledger);
    assert_eq!(statuses(&ledger)[2..5], [Status::Pending; 3]);
}

#[test]
fn what_nobody_may_decide_about_changes_nothing() {
    let (_folder, ledger) = place();
    let mut book = sent(&ledger);
    let before = contents(&ledger);
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
        for word in [gone_out(), Resolution::NotSent] {
            let fault = decide(&mut book, &selection, &word);
            assert!(fault.is_err(), "{selection:?} {word:?}");
        }
    }
    assert_eq!(contents(&ledger), before);
}
