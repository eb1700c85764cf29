//! Several workers that share one ledger.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use super::*;

/// Sends everything with this many workers, and settles each batch like this. Returns the rows that were handed out.
fn drain(
    ledger: Ledger,
    workers: usize,
    limit: Option<u64>,
    new_state: &NewState,
) -> (Ledger, Vec<Vec<i64>>) {
    let (committer, handles) = Committer::start(ledger, workers, limit);
    let handed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for handle in handles {
            let handed = &handed;
            scope.spawn(move || {
                let mut ended = None;
                while let Some(batch) = handle.next(ended.take(), Take::Batch).unwrap() {
                    handed.lock().unwrap().push(batch.rows.clone());
                    let attempt = handle.claim(&batch, timestamp()).unwrap().unwrap();
                    ended = Some(settlement(&batch, attempt, vec![new_state.clone()]));
                }
            });
        }
    });
    let (ledger, result) = committer.finish();
    result.unwrap();
    (ledger.unwrap(), handed.into_inner().unwrap())
}

fn every_batch_is_handed_out_once(new: New) {
    let path = new();
    plan(&path, &[2; 300]);
    let (_ledger, handed) = drain(open(&path), 4, None, &accepted(None));
    assert_eq!(handed.len(), 300);
    let rows: BTreeSet<i64> = handed.into_iter().flatten().collect();
    assert_eq!(rows, (1..=600).collect());
    assert!(
        statuses(&path)
            .iter()
            .all(|status| *status == Status::Accepted)
    );
    assert_adds_up(&path);
}

fn a_limit_is_exact(new: New) {
    for limit in [0, 1, 3, 7, 8, 9, 100] {
        let path = new();
        plan(&path, &[3; 3]);
        let (ledger, handed) = drain(open(&path), 2, Some(limit), &accepted(None));
        let out: usize = handed.iter().map(Vec::len).sum();
        assert_eq!(out as u64, limit.min(9), "limit {limit}");
        assert_adds_up(&path);
        drop(ledger);
        drain(open(&path), 2, None, &accepted(None));
        assert_eq!(statuses(&path), [Status::Accepted; 9]);
        assert_adds_up(&path);
    }
}

fn recipients_of_a_halved_batch_do_not_count_towards_the_limit(new: New) {
    let path = new();
    plan(&path, &[4, 4]);
    let (committer, mut handles) = Committer::start(open(&path), 1, Some(6));
    let handle = handles.remove(0);
    let mut ended = None;
    let mut out = 0;
    while let Some(batch) = handle.next(ended.take(), Take::Batch).unwrap() {
        let attempt = handle.claim(&batch, timestamp()).unwrap().unwrap();
        let new_state = if batch.rows.len() > 2 {
            NewState::Halved { code: -1010 }
        } else {
            out += batch.rows.len();
            accepted(None)
        };
        ended = Some(settlement(&batch, attempt, vec![new_state]));
    }
    assert_eq!(out, 6);
    drop(handle);
    committer.finish().1.unwrap();
    assert_adds_up(&path);
}

fn a_batch_split_off_for_the_limit_is_handed_out_once(new: New) {
    let path = new();
    plan(&path, &[4, 4]);
    let (committer, handles) = Committer::start(open(&path), 2, Some(5));
    let whole = handles[0].next(None, Take::Batch).unwrap().unwrap();
    let split_off = handles[1].next(None, Take::Batch).unwrap().unwrap();
    assert_eq!((whole.rows.len(), split_off.rows.len()), (4, 1));
    // The first batch is halved, so four recipients may be handed out while the split-off batch is not claimed yet.
    let attempt = handles[0].claim(&whole, timestamp()).unwrap().unwrap();
    let halved = settlement(&whole, attempt, vec![NewState::Halved { code: -1010 }]);
    let next = handles[0].next(Some(halved), Take::Batch).unwrap().unwrap();
    assert_ne!(next.id, split_off.id);
    handles[0].claim(&next, timestamp()).unwrap().unwrap();
    handles[1].claim(&split_off, timestamp()).unwrap().unwrap();
    drop(handles);
    committer.finish().1.unwrap();
    assert_adds_up(&path);
}

#[test]
fn after_a_failed_commit_nothing_is_handed_out() {
    let (_folder, path) = temp_ledger();
    plan(&path, &[1; 4]);
    let (committer, handles) = Committer::start(open(&path), 2, None);
    let batch = handles[0].next(None, Take::Batch).unwrap().unwrap();
    let other = handles[1].next(None, Take::Batch).unwrap().unwrap();
    fs::rename(&path, path.with_extension("moved")).unwrap();
    handles[0].claim(&batch, timestamp()).unwrap_err();
    // The ledger is back, but the committer stays stopped.
    fs::rename(path.with_extension("moved"), &path).unwrap();
    handles[1].claim(&other, timestamp()).unwrap_err();
    handles[1].next(None, Take::Batch).unwrap_err();
    drop(handles);
    let (ledger, result) = committer.finish();
    let error = result.unwrap_err().to_string();
    assert!(error.contains("deleted, renamed or replaced"), "{error}");
    drop(ledger);
    assert_eq!(statuses(&path), [Status::Pending; 4]);
    assert_adds_up(&path);
}

/// Batches of three, the rate makes workers wait before they claim, and a number comes onto a list.
fn what_comes_onto_a_list_is_not_claimed(new: New) {
    let path = new();
    plan(&path, &[3; 4]);
    let (committer, handles) = Committer::start(open(&path), 2, Some(9));
    let under_way = handles[0].next(None, Take::Batch).unwrap().unwrap();
    let attempt = handles[0].claim(&under_way, timestamp()).unwrap();
    let held = handles[1].next(None, Take::Batch).unwrap().unwrap();
    // One is under way, one was handed out and waits, one is to come.
    let last = BatchId(4);
    let listed = [&under_way, &held].map(|batch| batch.messages[1].number);
    let to_come = number(11);
    let listed: HashMap<_, _> = (listed.into_iter().chain([to_come]))
        .map(|number| (number, "listed".to_owned()))
        .collect();
    let suppressed = handles[0].suppress(listed.clone()).unwrap();
    assert_eq!(suppressed["listed"], [5, 11]);
    assert!(handles[0].suppress(listed.clone()).unwrap().is_empty());
    assert_eq!(handles[1].claim(&held, timestamp()), Ok(None));
    // Tried again, a request that was under way is cut too.
    let again = NewState::Planned {
        why: "not sent".to_owned(),
    };
    let settled = settlement(&under_way, attempt.unwrap(), vec![again]);
    handles[0].settle(settled).unwrap();
    assert_eq!(handles[0].claim(&under_way, timestamp()), Ok(None));
    // The limit of nine counts none of them.
    let mut sent = Vec::new();
    let mut ended = None;
    while let Some(batch) = handles[1].next(ended.take(), Take::Batch).unwrap() {
        assert!(batch.id != held.id && batch.id != under_way.id && batch.id != last);
        let attempt = handles[1].claim(&batch, timestamp()).unwrap().unwrap();
        sent.extend(batch.messages.iter().map(|message| message.number));
        ended = Some(settlement(&batch, attempt, vec![accepted(None)]));
    }
    assert_eq!(sent.len(), 9);
    assert!(!sent.iter().any(|number| listed.contains_key(number)));
    drop(handles);
    committer.finish().1.unwrap();
    let suppressed = |status: &&Status| **status == Status::Suppressed;
    assert_eq!(statuses(&path).iter().filter(suppressed).count(), 3);
    assert_adds_up(&path);
}

on_every_backend!(
    what_comes_onto_a_list_is_not_claimed,
    every_batch_is_handed_out_once,
    a_limit_is_exact,
    recipients_of_a_halved_batch_do_not_count_towards_the_limit,
    a_batch_split_off_for_the_limit_is_handed_out_once,
);
