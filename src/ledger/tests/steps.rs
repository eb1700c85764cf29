//! Claims and outcomes, one after another.

use super::*;

#[test]
fn what_must_not_happen_changes_nothing() {
    let (_folder, ledger) = place();
    plan(&ledger, &[2, 1, 1, 1]);
    let mut book = open(&ledger);
    let done = send(&mut book, vec![accepted(None)]);
    let no = send(&mut book, vec![refused()]);
    let lost = send(&mut book, vec![unknown()]);
    let under_way = first(&book);
    let attempt = claim(&mut book, &under_way).unwrap();
    let before = contents(&ledger);
    for batch in [&done, &no, &lost, &under_way] {
        claim(&mut book, batch).unwrap_err();
        for new_state in [accepted(None), refused(), unknown(), again()] {
            if batch.id != under_way.id {
                let end = settlement(batch, attempt, vec![new_state]);
                book.transaction(|book| book.settle(&end)).unwrap_err();
            }
        }
        book.transaction(|book| book.cut(batch, 0)).unwrap_err();
    }
    let too_many = settlement(&under_way, attempt, vec![accepted(None), refused()]);
    book.transaction(|book| book.settle(&too_many)).unwrap_err();
    let none = settlement(&under_way, attempt, vec![]);
    book.transaction(|book| book.settle(&none)).unwrap_err();
    assert_eq!(contents(&ledger), before);
    balances(&ledger);
}

#[test]
fn what_was_not_sent_is_planned_and_can_be_claimed_again() {
    let (_folder, ledger) = place();
    plan(&ledger, &[2]);
    let mut book = open(&ledger);
    send(&mut book, vec![again()]);
    assert_eq!(statuses(&ledger), [Status::Pending; 2]);
    balances(&ledger);
    send(&mut book, vec![accepted(Some("77"))]);
    balances(&ledger);
    each(&ledger, |recipient| {
        if recipient.status == Status::Accepted {
            assert_eq!((recipient.attempts, recipient.trx_id), (2, Some("77")));
            assert_eq!(recipient.reason, None);
        }
    });
}

#[test]
fn each_recipient_gets_its_own_outcome() {
    let (_folder, ledger) = place();
    plan(&ledger, &[6]);
    let mut book = open(&ledger);
    send(
        &mut book,
        vec![
            accepted(Some("1")),
            refused(),
            unknown(),
            accepted(Some("2")),
            again(),
            accepted(None),
        ],
    );
    use Status::{Accepted, Pending, Refused, Unknown};
    assert_eq!(
        statuses(&ledger),
        [Accepted, Refused, Unknown, Accepted, Pending, Accepted]
    );
    balances(&ledger);
    let mut trx_ids = Vec::new();
    each(&ledger, |recipient| {
        if recipient.batch.is_some() {
            assert_eq!(recipient.attempts, 1, "row {}", recipient.row);
            trx_ids.push(recipient.trx_id.map(str::to_owned));
        }
    });
    let id = |id: &str| Some(id.to_owned());
    assert_eq!(trx_ids, [id("1"), None, None, id("2"), None, None]);
    assert_eq!(book.totals().unwrap().batches, 4);
}

#[test]
fn equal_outcomes_leave_a_batch_whole() {
    let (_folder, ledger) = place();
    plan(&ledger, &[2]);
    let mut book = open(&ledger);
    send(&mut book, vec![accepted(Some("1")), accepted(Some("2"))]);
    assert_eq!(book.totals().unwrap().batches, 1);
    balances(&ledger);
}

#[test]
fn a_batch_is_halved_down_to_one() {
    let (_folder, ledger) = place();
    plan(&ledger, &[3]);
    let mut book = open(&ledger);
    let halve = || vec![NewState::Halved { code: -1010 }];
    send(&mut book, halve());
    let sizes: Vec<_> = book.planned_after(None).unwrap();
    let sizes: Vec<_> = sizes.iter().map(|batch| batch.numbers.len()).collect();
    assert_eq!(sizes, [2, 1]);
    balances(&ledger);
    for _ in 0..4 {
        send(&mut book, halve());
        balances(&ledger);
    }
    assert_eq!(statuses(&ledger), [Status::Refused; 3]);
    assert!(book.planned_after(None).unwrap().is_empty());
}

#[test]
fn a_number_on_a_list_leaves_what_is_pending_and_nothing_else() {
    let (_folder, ledger) = place();
    plan(&ledger, &[1, 3, 2, 1]);
    let mut book = open(&ledger);
    send(&mut book, vec![accepted(None)]);
    let listed = [1, 3, 5, 6];
    let reason = |of: Msisdn| {
        listed
            .iter()
            .any(|row| number(*row) == of)
            .then(|| "opted out".to_owned())
    };
    assert_eq!(book.suppress(reason).unwrap(), 3);
    use Status::{Accepted, Pending, Suppressed};
    assert_eq!(
        statuses(&ledger),
        [
            Accepted, Pending, Suppressed, Pending, Suppressed, Suppressed, Pending
        ]
    );
    balances(&ledger);
    assert_eq!(book.suppress(reason).unwrap(), 0);
    balances(&ledger);
}

#[test]
fn many_batches_are_searched_for_listed_numbers() {
    let (_folder, ledger) = place();
    plan(&ledger, &[2; 600]);
    let mut book = open(&ledger);
    let even = |number: Msisdn| number.as_u64().is_multiple_of(2).then(String::new);
    assert_eq!(book.suppress(even).unwrap(), 600);
    balances(&ledger);
}

#[test]
fn nothing_is_committed_into_a_ledger_that_is_not_there_any_more() {
    type Loss = fn(&Path);
    let losses: [Loss; 3] = [
        |ledger| fs::remove_file(ledger).unwrap(),
        |ledger| fs::rename(ledger, ledger.with_extension("moved")).unwrap(),
        |ledger| {
            let other = ledger.with_extension("other");
            plan(&other, &[1]);
            fs::rename(other, ledger).unwrap();
        },
    ];
    for lose in losses {
        let (_folder, ledger) = place();
        plan(&ledger, &[1, 1]);
        let mut book = open(&ledger);
        let batch = first(&book);
        lose(&ledger);
        for _ in 0..2 {
            let fault = claim(&mut book, &batch).unwrap_err().to_string();
            assert!(fault.contains("deleted, renamed or replaced"), "{fault}");
        }
        assert_eq!(
            first(&book).id,
            batch.id,
            "still planned in the file that was lost"
        );
    }
}

#[test]
fn only_an_answer_that_somebody_may_have_got_counts_as_sent() {
    let (_folder, ledger) = place();
    plan(&ledger, &[2, 1]);
    let mut book = open(&ledger);
    let was_sent = || Snapshot::open(&ledger).unwrap().was_sent_from().unwrap();
    assert!(!was_sent());
    send(&mut book, vec![again()]);
    assert!(!was_sent());
    let batch = first(&book);
    claim(&mut book, &batch).unwrap();
    assert!(was_sent(), "its request may be under way");
}

#[test]
fn a_refused_batch_says_how_many_were_refused_with_one() {
    let (_folder, ledger) = place();
    plan(&ledger, &[3, 1]);
    let mut book = open(&ledger);
    send(&mut book, vec![NewState::Refused { code: -1009 }]);
    let mut with = Vec::new();
    each(&ledger, |recipient| with.push(recipient.refused_with));
    assert_eq!(with[..4], [Some(3), Some(3), Some(3), None]);
}

#[test]
fn credits_are_counted_by_what_became_of_them() {
    let (_folder, ledger) = place();
    plan(&ledger, &[2, 3, 1]);
    let mut book = open(&ledger);
    send(&mut book, vec![accepted(None)]);
    send(&mut book, vec![refused()]);
    let totals = book.totals().unwrap();
    let each = totals.credits_planned / 6;
    assert!(each > 0);
    assert_eq!(totals.credits_planned, 6 * each);
    assert_eq!(totals.credits_accepted, 2 * each);
    assert_eq!(totals.credits_pending, each);
}
