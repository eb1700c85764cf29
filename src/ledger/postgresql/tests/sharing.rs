//! Several that work on one campaign at the same moment.

use std::collections::HashMap;

use super::lost::patiently;
use super::*;
use crate::ledger::backend::StoredBatch;
use crate::ledger::state::State;
use crate::ledger::tests::number;
use crate::ledger::transition;
use crate::ledger::{Awaited, Batch, BatchId};

#[test]
fn a_campaign_goes_to_one_gateway_also_where_two_begin_it() {
    if postgres_server::server().is_none() {
        return;
    }
    let place = in_postgres();
    plan(&place, &[1, 1, 1]);
    let (mut first_sender, mut second) = (open(&place), open(&place));
    first_sender.set_destination("one.example").unwrap();
    second.set_destination("two.example").unwrap();
    let batch = first(&first_sender);
    claim(&mut first_sender, &batch).unwrap();
    let other = first(&second);
    let refusal = claim(&mut second, &other).unwrap_err().to_string();
    assert!(refusal.contains("first sent to one.example"), "{refusal}");
    second.set_destination("one.example").unwrap();
    claim(&mut second, &other).unwrap();
}

#[test]
fn what_was_claimed_or_settled_meanwhile_does_not_keep_all_others_from_a_decision() {
    let batch = |id, state| StoredBatch {
        id: BatchId(id),
        state,
        rows: vec![id],
        resend_risk: None,
    };
    let states = [
        State::Planned,
        State::Accepted,
        State::Unknown,
        State::Planned,
    ];
    let batches: Vec<_> = (1..)
        .zip(states)
        .map(|(id, state)| batch(id, state))
        .collect();
    let decided = |selection, resolution: Resolution| {
        let decided = transition::resolve(&batches, &selection, &resolution, None, &timestamp());
        decided.unwrap().0.rows
    };
    let cancelled = decided(Selection::AllPending, Resolution::Cancelled);
    assert_eq!(cancelled, [1, 4]);
    assert_eq!(decided(Selection::AllUnknown, Resolution::NotSent), [3]);
}

/// How much of something the rows of this campaign in a table hold.
fn sum(place: &crate::ledger::tests::TestLedger, what: &str, table: &str) -> i64 {
    let mut client = postgres_server::server().unwrap().connect("postgres");
    let sql = format!(
        "SELECT {what}::bigint FROM isms_campaign.{table} t JOIN isms_campaign.campaign c ON c.number = t.campaign
         WHERE c.stored_as = $1"
    );
    let row = client.query_one(&sql, &[&place.to_string()]);
    row.unwrap().get(0)
}

#[test]
fn a_large_campaign_is_cancelled_in_pages() {
    if postgres_server::server().is_none() {
        return;
    }
    let place = in_postgres();
    plan(&place, &vec![1; 5000]);
    let mut sending = open(&place);
    let batch = first(&sending);
    claim(&mut sending, &batch).unwrap();
    let mut cancelling = open(&place);
    let cancelled = cancelling.resolve(
        &Selection::AllPending,
        &Resolution::Cancelled,
        None,
        &timestamp(),
    );
    assert_eq!(cancelled.unwrap().rows, (2..=5000).collect::<Vec<_>>());
    assert_eq!(sum(&place, "count(*)", "decision"), 2);
    assert_eq!(sum(&place, "count(DISTINCT decision)", "batch"), 2);
    assert_adds_up(&place);
}

#[test]
fn a_sender_that_waits_for_others_writes_nothing() {
    if postgres_server::server().is_none() {
        return;
    }
    let place = in_postgres();
    plan(&place, &[1]);
    let mut other = open(&place);
    let batch = first(&other);
    claim(&mut other, &batch).unwrap();
    let (committer, handles) = Committer::start(open(&place), 1, None);
    let wait = || {
        assert!(handles[0].next(None, Take::Batch).unwrap().is_none());
        assert_eq!(handles[0].account_stop().unwrap(), None);
        assert_eq!(handles[0].awaits().unwrap(), Awaited::Requests);
    };
    wait();
    let commits = sum(&place, "sum(commits)", "sender");
    wait();
    assert_eq!(sum(&place, "sum(commits)", "sender"), commits);
    drop(handles);
    committer.finish().1.unwrap();
}

#[test]
fn what_another_worker_holds_is_no_request_of_another_sender() {
    if postgres_server::server().is_none() {
        return;
    }
    let place = in_postgres();
    plan(&place, &[1]);
    let (committer, handles) = Committer::start(open(&place), 2, None);
    let held = handles[0].next(None, Take::Batch).unwrap().unwrap();
    assert!(handles[1].next(None, Take::Batch).unwrap().is_none());
    assert_eq!(handles[1].awaits().unwrap(), Awaited::Planned);
    handles[0].claim(&held, timestamp()).unwrap().unwrap();
    assert_eq!(handles[1].awaits().unwrap(), Awaited::Nothing);
    drop(handles);
    committer.finish().1.unwrap();
}

#[test]
fn a_row_that_is_planned_again_and_still_on_a_list_is_suppressed_again() {
    if postgres_server::server().is_none() {
        return;
    }
    let place = in_postgres();
    plan(&place, &[1]);
    let (committer, handles) = Committer::start(open(&place), 1, None);
    let listed = HashMap::from([(number(1), "opted out".to_owned())]);
    assert_eq!(handles[0].suppress(listed).unwrap().len(), 1);
    let row = Selection::Rows(vec![1..=1]);
    let decided = open(&place).resolve(&row, &Resolution::NotSent, None, &timestamp());
    assert_eq!(decided.unwrap().rows, [1]);
    assert!(handles[0].next(None, Take::Batch).unwrap().is_none());
    drop(handles);
    committer.finish().1.unwrap();
    assert_eq!(statuses(&place), [Status::Suppressed]);
}

#[test]
fn a_split_batch_that_another_sender_keeps_is_not_waited_for() {
    if postgres_server::server().is_none() {
        return;
    }
    let place = in_postgres();
    plan(&place, &[3]);
    let (mut keeping, mut other) = (open(&place), open(&place));
    let batch = first(&keeping);
    keeping
        .transaction(|ledger| ledger.split_first(&batch, 1).map(drop))
        .unwrap();
    let smallest = |ledger: &mut Ledger| -> Option<Batch> {
        ledger
            .transaction(|ledger| ledger.smallest_split())
            .unwrap()
    };
    let sizes = |batch: Option<Batch>| batch.map(|batch| batch.messages.len());
    assert_eq!(sizes(smallest(&mut other)), Some(1));
    keeping
        .transaction(|ledger| {
            let kept = ledger.smallest_split()?;
            assert_eq!(sizes(kept), Some(1));
            assert_eq!(sizes(smallest(&mut other)), Some(2));
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_sender_whose_campaign_was_set_aside_while_it_was_cut_off_sends_nothing() {
    let Some((place, store)) = in_a_new_database("cut_off") else {
        return;
    };
    plan(&place, &[1, 1]);
    let mut sending = patiently(open(&place));
    sending.set_sender(&options("cut off")).unwrap();
    sending.mark_beginning(Some(timestamp())).unwrap();
    let batch = first(&sending);
    let connection = Connection::open(&store).unwrap();
    // Servers before 14 end a session without waiting for its end.
    let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()";
    while connection.one(ended, &[]).unwrap().get::<_, i64>(0) > 0 {}
    let seen = History::default();
    (lock(&place).unwrap())
        .set_aside(&timestamp(), seen)
        .unwrap();
    let refusal = claim(&mut sending, &batch).unwrap_err().to_string();
    assert!(refusal.contains("was set aside meanwhile"), "{refusal}");
}
