//! Claims, settlements and splits.

use super::*;

fn an_attempt_counts_every_recipient_of_its_batch(new: New) {
    let path = new();
    plan(&path, &[3]);
    let mut ledger = open(&path);
    let batch = first(&ledger);
    let attempt = claim(&mut ledger, &batch).unwrap();
    let of_all = settlement(&batch, attempt, vec![accepted(None)]).counts();
    assert_eq!((of_all.of(Status::Accepted), of_all.rows()), (3, 3));
    let halved = NewState::Halved { code: -1010 };
    let of_each = settlement(&batch, attempt, vec![accepted(None), unknown(), halved]).counts();
    for status in [Status::Accepted, Status::Unknown, Status::Pending] {
        assert_eq!(of_each.of(status), 1);
    }
    assert_eq!(of_each.rows(), 3);
}

fn an_illegal_transition_changes_nothing(new: New) {
    let path = new();
    plan(&path, &[2, 1, 1, 1]);
    let mut ledger = open(&path);
    let done = send(&mut ledger, vec![accepted(None)]);
    let no = send(&mut ledger, vec![refused()]);
    let lost = send(&mut ledger, vec![unknown()]);
    let under_way = first(&ledger);
    let attempt = claim(&mut ledger, &under_way).unwrap();
    let before = contents(&path);
    for batch in [&done, &no, &lost, &under_way] {
        claim(&mut ledger, batch).unwrap_err();
        for new_state in [accepted(None), refused(), unknown(), not_sent()] {
            if batch.id != under_way.id {
                let end = settlement(batch, attempt, vec![new_state]);
                ledger
                    .transaction(|ledger| ledger.settle(&[&end]))
                    .unwrap_err();
            }
        }
        ledger
            .transaction(|ledger| ledger.split_first(batch, 0))
            .unwrap_err();
    }
    let too_many = settlement(&under_way, attempt, vec![accepted(None), refused()]);
    ledger
        .transaction(|ledger| ledger.settle(&[&too_many]))
        .unwrap_err();
    let none = settlement(&under_way, attempt, vec![]);
    ledger
        .transaction(|ledger| ledger.settle(&[&none]))
        .unwrap_err();
    assert_eq!(contents(&path), before);
    assert_adds_up(&path);
}

fn a_batch_that_was_not_sent_can_be_claimed_again(new: New) {
    let path = new();
    plan(&path, &[2]);
    let mut ledger = open(&path);
    send(&mut ledger, vec![not_sent()]);
    assert_eq!(statuses(&path), [Status::Pending; 2]);
    assert_adds_up(&path);
    send(&mut ledger, vec![accepted(Some("77"))]);
    assert_adds_up(&path);
    each(&path, |recipient| {
        if recipient.status == Status::Accepted {
            assert_eq!((recipient.attempts, recipient.trx_id), (2, Some("77")));
            assert_eq!(recipient.reason, None);
        }
    });
}

fn each_recipient_gets_its_own_outcome(new: New) {
    let path = new();
    plan(&path, &[6]);
    let mut ledger = open(&path);
    send(
        &mut ledger,
        vec![
            accepted(Some("1")),
            refused(),
            unknown(),
            accepted(Some("2")),
            not_sent(),
            accepted(None),
        ],
    );
    use Status::{Accepted, Pending, Refused, Unknown};
    assert_eq!(
        statuses(&path),
        [Accepted, Refused, Unknown, Accepted, Pending, Accepted]
    );
    assert_adds_up(&path);
    let mut trx_ids = Vec::new();
    each(&path, |recipient| {
        if recipient.batch.is_some() {
            assert_eq!(recipient.attempts, 1, "row {}", recipient.row);
            trx_ids.push(recipient.trx_id.map(str::to_owned));
        }
    });
    let id = |id: &str| Some(id.to_owned());
    assert_eq!(trx_ids, [id("1"), None, None, id("2"), None, None]);
    assert_eq!(ledger.totals().unwrap().batches, 4);
}

fn equal_outcomes_do_not_split_a_batch(new: New) {
    let path = new();
    plan(&path, &[2]);
    let mut ledger = open(&path);
    send(&mut ledger, vec![accepted(Some("1")), accepted(Some("2"))]);
    assert_eq!(ledger.totals().unwrap().batches, 1);
    assert_adds_up(&path);
}

fn a_batch_is_halved_down_to_one(new: New) {
    let path = new();
    plan(&path, &[3]);
    let mut ledger = open(&path);
    let halved = || vec![NewState::Halved { code: -1010 }];
    send(&mut ledger, halved());
    let sizes: Vec<_> = ledger.planned_after(None).unwrap();
    let sizes: Vec<_> = sizes.iter().map(|batch| batch.messages.len()).collect();
    assert_eq!(sizes, [2, 1]);
    assert_adds_up(&path);
    for _ in 0..4 {
        send(&mut ledger, halved());
        assert_adds_up(&path);
    }
    assert_eq!(statuses(&path), [Status::Refused; 3]);
    assert!(ledger.planned_after(None).unwrap().is_empty());
}

fn a_listed_number_is_suppressed_only_where_it_is_pending(new: New) {
    let path = new();
    plan(&path, &[1, 3, 2, 1]);
    let mut ledger = open(&path);
    send(&mut ledger, vec![accepted(None)]);
    let listed = [1, 3, 5, 6];
    let reason = |of: Msisdn| {
        listed
            .iter()
            .any(|row| number(*row) == of)
            .then(|| "opted out".to_owned())
    };
    assert_eq!(ledger.suppress(reason).unwrap()["opted out"], [3, 5, 6]);
    use Status::{Accepted, Pending, Suppressed};
    assert_eq!(
        statuses(&path),
        [
            Accepted, Pending, Suppressed, Pending, Suppressed, Suppressed, Pending
        ]
    );
    assert_adds_up(&path);
    assert!(ledger.suppress(reason).unwrap().is_empty());
    assert_adds_up(&path);
}

fn many_batches_are_searched_for_listed_numbers(new: New) {
    let path = new();
    plan(&path, &[2; 600]);
    let mut ledger = open(&path);
    let even = |number: Msisdn| number.as_u64().is_multiple_of(2).then(String::new);
    assert_eq!(rows_of(&ledger.suppress(even).unwrap()).len(), 600);
    assert_adds_up(&path);
}

#[test]
fn nothing_is_committed_into_a_ledger_that_is_gone() {
    type Loss = fn(&Path);
    let losses: [Loss; 3] = [
        |path| fs::remove_file(path).unwrap(),
        |path| fs::rename(path, path.with_extension("moved")).unwrap(),
        |path| {
            let other = path.with_extension("other");
            plan(&other, &[1]);
            fs::rename(other, path).unwrap();
        },
    ];
    for lose in losses {
        let (_folder, path) = temp_ledger();
        plan(&path, &[1, 1]);
        let mut ledger = open(&path);
        let batch = first(&ledger);
        lose(&path);
        for _ in 0..2 {
            let error = claim(&mut ledger, &batch).unwrap_err().to_string();
            assert!(error.contains("deleted, renamed or replaced"), "{error}");
        }
        assert_eq!(
            first(&ledger).id,
            batch.id,
            "still planned in the file that was lost"
        );
    }
}

fn only_a_request_that_may_have_been_received_counts_as_sent(new: New) {
    let path = new();
    plan(&path, &[2, 1]);
    let mut ledger = open(&path);
    let was_sent = || snapshot(&path).unwrap().was_sent_from().unwrap();
    assert!(!was_sent());
    send(&mut ledger, vec![not_sent()]);
    assert!(!was_sent());
    let batch = first(&ledger);
    claim(&mut ledger, &batch).unwrap();
    assert!(was_sent(), "its request may be under way");
}

fn a_row_of_a_refused_batch_says_how_many_were_refused_together(new: New) {
    let path = new();
    plan(&path, &[3, 1]);
    let mut ledger = open(&path);
    send(&mut ledger, vec![NewState::Refused { code: -1009 }]);
    let mut with = Vec::new();
    each(&path, |recipient| with.push(recipient.refused_together));
    assert_eq!(with[..4], [Some(3), Some(3), Some(3), None]);
}

fn credits_are_counted_by_status(new: New) {
    let path = new();
    plan(&path, &[2, 3, 1]);
    let mut ledger = open(&path);
    send(&mut ledger, vec![accepted(None)]);
    send(&mut ledger, vec![refused()]);
    let totals = ledger.totals().unwrap();
    let each = totals.credits_planned / 6;
    assert!(each > 0);
    assert_eq!(totals.credits_planned, 6 * each);
    assert_eq!(totals.credits_accepted, 2 * each);
    assert_eq!(totals.credits_pending, each);
}

on_every_backend!(
    an_attempt_counts_every_recipient_of_its_batch,
    an_illegal_transition_changes_nothing,
    a_batch_that_was_not_sent_can_be_claimed_again,
    each_recipient_gets_its_own_outcome,
    equal_outcomes_do_not_split_a_batch,
    a_batch_is_halved_down_to_one,
    a_listed_number_is_suppressed_only_where_it_is_pending,
    many_batches_are_searched_for_listed_numbers,
    only_a_request_that_may_have_been_received_counts_as_sent,
    a_row_of_a_refused_batch_says_how_many_were_refused_together,
    credits_are_counted_by_status,
);
