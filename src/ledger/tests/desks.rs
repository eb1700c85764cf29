//! Several workers at one ledger.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::*;

/// Sends with so many clerks at once, all with this new_state. Returns the rows that were handed out.
fn drain(
    book: Ledger,
    clerks: usize,
    limit: Option<u64>,
    new_state: &NewState,
) -> (Ledger, Vec<Vec<i64>>) {
    let (desk, clerks) = Committer::open(book, clerks, limit);
    let handed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for clerk in clerks {
            let handed = &handed;
            scope.spawn(move || {
                let mut ended = None;
                while let Some(batch) = clerk.next(ended.take()).unwrap() {
                    handed.lock().unwrap().push(batch.rows.clone());
                    let attempt = clerk.claim(batch.id, moment()).unwrap();
                    ended = Some(settlement(&batch, attempt, vec![new_state.clone()]));
                }
            });
        }
    });
    let (book, writing) = desk.close().unwrap();
    writing.unwrap();
    (book, handed.into_inner().unwrap())
}

#[test]
fn every_batch_is_handed_out_once() {
    let (_folder, ledger) = place();
    plan(&ledger, &[2; 300]);
    let (_book, handed) = drain(open(&ledger), 4, None, &accepted(None));
    assert_eq!(handed.len(), 300);
    let rows: BTreeSet<i64> = handed.into_iter().flatten().collect();
    assert_eq!(rows, (1..=600).collect());
    assert!(
        statuses(&ledger)
            .iter()
            .all(|status| *status == Status::Accepted)
    );
    balances(&ledger);
}

#[test]
fn a_limit_is_exact() {
    for limit in [0, 1, 3, 7, 8, 9, 100] {
        let (_folder, ledger) = place();
        plan(&ledger, &[3; 3]);
        let (book, handed) = drain(open(&ledger), 2, Some(limit), &accepted(None));
        let out: usize = handed.iter().map(Vec::len).sum();
        assert_eq!(out as u64, limit.min(9), "limit {limit}");
        balances(&ledger);
        drop(book);
        drain(open(&ledger), 2, None, &accepted(None));
        assert_eq!(statuses(&ledger), [Status::Accepted; 9]);
        balances(&ledger);
    }
}

#[test]
fn recipients_of_a_halved_batch_do_not_count_towards_the_limit() {
    let (_folder, ledger) = place();
    plan(&ledger, &[4, 4]);
    let (desk, mut clerks) = Committer::open(open(&ledger), 1, Some(6));
    let clerk = clerks.remove(0);
    let mut ended = None;
    let mut out = 0;
    while let Some(batch) = clerk.next(ended.take()).unwrap() {
        let attempt = clerk.claim(batch.id, moment()).unwrap();
        let new_state = if batch.rows.len() > 2 {
            NewState::Halved { code: -1010 }
        } else {
            out += batch.rows.len();
            accepted(None)
        };
        ended = Some(settlement(&batch, attempt, vec![new_state]));
    }
    assert_eq!(out, 6);
    drop(clerk);
    desk.close().unwrap().1.unwrap();
    balances(&ledger);
}

#[test]
fn what_was_cut_off_and_waits_for_its_claim_is_not_handed_out_again() {
    let (_folder, ledger) = place();
    plan(&ledger, &[4, 4]);
    let (desk, clerks) = Committer::open(open(&ledger), 2, Some(5));
    let whole = clerks[0].next(None).unwrap().unwrap();
    let cut = clerks[1].next(None).unwrap().unwrap();
    assert_eq!((whole.rows.len(), cut.rows.len()), (4, 1));
    // The first batch is halved, which leaves four recipients to hand out while the cut one still waits.
    let attempt = clerks[0].claim(whole.id, moment()).unwrap();
    let halved = settlement(&whole, attempt, vec![NewState::Halved { code: -1010 }]);
    let next = clerks[0].next(Some(halved)).unwrap().unwrap();
    assert_ne!(next.id, cut.id);
    clerks[0].claim(next.id, moment()).unwrap();
    clerks[1].claim(cut.id, moment()).unwrap();
    drop(clerks);
    desk.close().unwrap().1.unwrap();
    balances(&ledger);
}

#[test]
fn after_a_commit_that_failed_nobody_gets_anything() {
    let (_folder, ledger) = place();
    plan(&ledger, &[1; 4]);
    let (desk, clerks) = Committer::open(open(&ledger), 2, None);
    let batch = clerks[0].next(None).unwrap().unwrap();
    let other = clerks[1].next(None).unwrap().unwrap();
    fs::rename(&ledger, ledger.with_extension("moved")).unwrap();
    clerks[0].claim(batch.id, moment()).unwrap_err();
    // Back again; but what stopped once stays stopped.
    fs::rename(ledger.with_extension("moved"), &ledger).unwrap();
    clerks[1].claim(other.id, moment()).unwrap_err();
    clerks[1].next(None).unwrap_err();
    drop(clerks);
    let (book, writing) = desk.close().unwrap();
    let fault = writing.unwrap_err().to_string();
    assert!(fault.contains("deleted, renamed or replaced"), "{fault}");
    drop(book);
    assert_eq!(statuses(&ledger), [Status::Pending; 4]);
    balances(&ledger);
}
