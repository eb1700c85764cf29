//! Connections that are lost while a campaign is sent, and answers that come after their sender was taken for gone.
#![allow(clippy::panic, clippy::type_complexity)]

use std::sync::mpsc;
use std::thread;

use super::*;
use crate::Error;
use crate::ledger::tests::database_proxy::{DatabaseProxy, Stage};
use crate::ledger::tests::{TestLedger, in_memory, not_sent, number, refused};
use crate::ledger::{Batch, NewState, Outlast};

/// A campaign's place through the proxy.
fn through(proxy: &DatabaseProxy, place: &TestLedger) -> Location {
    let store = Store::parse(&proxy.url("postgres")).unwrap();
    Location::Stored(Place::new(store, &place.to_string()).unwrap())
}

/// The campaign open for a sender that tries a lost database a hundred times.
fn patient(place: impl Into<Location>) -> Ledger {
    patiently(open(place))
}

pub(super) fn patiently(mut ledger: Ledger) -> Ledger {
    ledger.set_outlast(Outlast::new(|_, tries| {
        thread::sleep(Duration::from_millis(if tries > 0 { 20 } else { 0 }));
        tries < 100
    }));
    ledger
}

/// Sends everything with two workers and checks that each batch was handed to one of them once.
fn drain(ledger: Ledger, limit: Option<u64>) -> usize {
    let (committer, handles) = Committer::start(ledger, 2, limit);
    let sent = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for handle in handles {
            let sent = &sent;
            scope.spawn(move || {
                let mut ended = None;
                while let Some(batch) = handle.next(ended.take(), Take::Batch).unwrap() {
                    let attempt = handle.claim(&batch, timestamp()).unwrap().unwrap();
                    sent.lock().unwrap().push(batch.id);
                    ended = Some(settlement(&batch, attempt, vec![accepted(None)]));
                }
            });
        }
    });
    committer.finish().1.unwrap();
    let sent = sent.into_inner().unwrap();
    assert_eq!(sent.iter().collect::<BTreeSet<_>>().len(), sent.len());
    sent.len()
}

#[test]
fn a_commit_that_is_cut_off_is_made_once() {
    let Some(server) = postgres_server::server() else {
        return;
    };
    let cuts: [fn(u32) -> Option<Stage>; 3] = [
        |nth| (nth % 3 == 2).then_some(Stage::Commit),
        |nth| (nth % 3 == 2).then_some(Stage::Confirmation),
        |nth| match nth % 5 {
            1 | 2 => Some(Stage::Confirmation),
            3 => Some(Stage::Commit),
            _ => None,
        },
    ];
    for cut in cuts {
        let place = in_postgres();
        plan(&place, &[2; 20]);
        let proxy = DatabaseProxy::new(&server.socket(), move |nth, at| cut(nth) != Some(at));
        // The first commits are made before the database is tried again.
        let ledger =
            (0..10).find_map(|_| Ledger::open(lock(through(&proxy, &place)).unwrap()).ok());
        let mut ledger = patiently(ledger.unwrap());
        ledger.set_destination("loopback").unwrap();
        // The limit is exact too.
        assert_eq!(drain(ledger, Some(31)), 16);
        assert_adds_up(&place);
        assert_eq!(drain(patient(&place), None), 5);
        assert_eq!(statuses(&place), [Status::Accepted; 40]);
        assert_adds_up(&place);
    }
}

#[test]
fn a_database_that_stays_lost_ends_the_run() {
    let Some(server) = postgres_server::server() else {
        return;
    };
    let place = in_postgres();
    plan(&place, &[1]);
    let proxy = DatabaseProxy::new(&server.socket(), |nth, _| nth == 0);
    let mut ledger = open(through(&proxy, &place));
    ledger.set_outlast(Outlast::new(|_, tries| tries < 3));
    let batch = first(&ledger);
    let error = claim(&mut ledger, &batch).unwrap_err();
    assert_eq!(error.kind, Kind::Unreachable, "{error}");
    assert_eq!(statuses(&place), [Status::Pending]);
    assert_adds_up(&place);
}

/// Ends all sessions of the campaign's senders, as the server does when their host is gone. Their claims become unknown.
fn taken_for_gone(server: &postgres_server::Server, place: &TestLedger) {
    let sql = "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN isms_campaign.sender s ON s.id = l.objid::bigint
               JOIN isms_campaign.campaign c ON c.number = s.campaign
               WHERE l.locktype = 'advisory' AND l.classid = 1769172307 AND c.stored_as = $1";
    let mut client = server.connect("postgres");
    client.query(sql, &[&place.to_string()]).unwrap();
    let is_gone = (0..500).any(|_| {
        open(place).recovered() > 0 || {
            thread::sleep(Duration::from_millis(10));
            false
        }
    });
    assert!(is_gone);
}

/// The claims of a batch with two rows are taken for those of a sender that is gone, then `decide` happens, then the answer comes.
fn answered_late(new_state: NewState, decide: impl Fn(&mut Ledger)) -> Option<(Vec<Status>, bool)> {
    answered_late_between(new_state, decide, |_, ()| {})
}

/// The same, and then the other sender does more.
fn answered_late_between<T>(
    new_state: NewState,
    decide: impl Fn(&mut Ledger) -> T,
    then: impl Fn(&mut Ledger, T),
) -> Option<(Vec<Status>, bool)> {
    let server = postgres_server::server()?;
    let place = in_postgres();
    plan(&place, &[2]);
    let mut sending = patient(&place);
    let batch: Batch = first(&sending);
    let attempt = claim(&mut sending, &batch).unwrap();
    taken_for_gone(server, &place);
    let mut clock = server.connect("postgres");
    let sql = "UPDATE isms_campaign.attempt a SET claimed = claimed - interval '90 seconds'
               FROM isms_campaign.campaign c WHERE c.number = a.campaign AND c.stored_as = $1";
    clock.execute(sql, &[&place.to_string()]).unwrap();
    let mut other = open(&place);
    let decided = decide(&mut other);
    let end = settlement(&batch, attempt, vec![new_state]);
    sending
        .transaction(|ledger| ledger.settle(&[&end]))
        .unwrap();
    assert_adds_up(&place);
    then(&mut other, decided);
    assert_adds_up(&place);
    let sent_again = snapshot(&place).unwrap().sent_again().unwrap();
    Some((statuses(&place), !sent_again.is_empty()))
}

fn resolve(ledger: &mut Ledger, selection: &Selection, resolution: &Resolution) {
    ledger
        .resolve(selection, resolution, None, &timestamp())
        .unwrap();
}

fn not_sent_after_all(ledger: &mut Ledger) {
    resolve(ledger, &Selection::AllUnknown, &Resolution::NotSent);
}

#[test]
fn an_answer_that_comes_late_counts() {
    use Status::{Accepted, Pending, Refused, Unknown};
    let first_row = || Selection::Rows(vec![1..=1]);
    let table: [(NewState, fn(&mut Ledger), [Status; 2]); 7] = [
        (accepted(Some("7")), |_| {}, [Accepted; 2]),
        (refused(), |_| {}, [Refused; 2]),
        (unknown(), |_| {}, [Unknown; 2]),
        (not_sent(), |_| {}, [Pending; 2]),
        (accepted(Some("7")), not_sent_after_all, [Accepted; 2]),
        (refused(), not_sent_after_all, [Refused; 2]),
        // It says nothing, so the person's word stands.
        (unknown(), not_sent_after_all, [Pending; 2]),
    ];
    for (nth, (new_state, decide, expected)) in table.into_iter().enumerate() {
        let Some(found) = answered_late(new_state, decide) else {
            return;
        };
        assert_eq!(found, (expected.to_vec(), false), "{nth}");
    }
    // A decision about one of its rows.
    for (resolution, new_state, expected) in [
        (Resolution::NotSent, accepted(None), [Accepted, Accepted]),
        (Resolution::NotSent, unknown(), [Pending, Unknown]),
        (
            Resolution::Accepted { trx_id: None },
            refused(),
            [Accepted, Refused],
        ),
    ] {
        let found = answered_late(new_state, |ledger| {
            resolve(ledger, &first_row(), &resolution);
        });
        assert_eq!(found, Some((expected.to_vec(), false)), "{resolution:?}");
    }
    // Made pending, and then cancelled, although it was sent.
    let found = answered_late(accepted(None), |ledger| {
        not_sent_after_all(ledger);
        resolve(ledger, &first_row(), &Resolution::Cancelled);
    });
    assert_eq!(found, Some((vec![Accepted; 2], false)));
    // Tried again meanwhile, without a connection.
    let found = answered_late(accepted(None), |ledger| {
        not_sent_after_all(ledger);
        send(ledger, vec![not_sent()]);
    });
    assert_eq!(found, Some((vec![Accepted; 2], false)));
}

#[test]
fn what_was_sent_again_before_its_answer_came_is_named() {
    for (new_state, is_named) in [(accepted(Some("7")), true), (not_sent(), false)] {
        let found = answered_late(new_state, |ledger| {
            not_sent_after_all(ledger);
            send(ledger, vec![refused()]);
        });
        if let Some(found) = found {
            assert_eq!(found, (vec![Status::Refused; 2], is_named));
        }
    }
}

/// Whatever becomes of the request that sent it again.
#[test]
fn what_was_sent_again_before_its_answer_came_is_not_sent_a_third_time() {
    use Status::{Accepted, Unknown};
    let again = |ledger: &mut Ledger| {
        not_sent_after_all(ledger);
        let batch = first(ledger);
        let attempt = claim(ledger, &batch).unwrap();
        (batch, attempt)
    };
    // It was under way then, and is not taken.
    let found = answered_late_between(accepted(None), again, |ledger, (batch, attempt)| {
        let end = settlement(&batch, attempt, vec![not_sent()]);
        ledger.transaction(|ledger| ledger.settle(&[&end])).unwrap();
        let rows = Selection::Rows(vec![1..=2]);
        let error = ledger.resolve(&rows, &Resolution::NotSent, None, &timestamp());
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("accepted an earlier")
        );
    });
    assert_eq!(found, found.is_some().then(|| (vec![Unknown; 2], true)));
    // It is unknown, and a person says that it was not sent.
    let found = answered_late_between(accepted(None), again, |ledger, (batch, attempt)| {
        let end = settlement(&batch, attempt, vec![unknown()]);
        ledger.transaction(|ledger| ledger.settle(&[&end])).unwrap();
        let all = Selection::AllUnknown;
        let not_sent = ledger.resolve(&all, &Resolution::NotSent, None, &timestamp());
        assert_eq!(not_sent.unwrap().accepted_before, [1, 2]);
        resolve(ledger, &all, &Resolution::Accepted { trx_id: None });
    });
    assert_eq!(found, found.is_some().then(|| (vec![Accepted; 2], true)));
    // A person has said so already.
    let found = answered_late(accepted(None), |ledger| {
        not_sent_after_all(ledger);
        send(ledger, vec![unknown()]);
        not_sent_after_all(ledger);
    });
    assert_eq!(found, found.is_some().then(|| (vec![Unknown; 2], true)));
}

/// What others have taken over is not taken back, and the sender goes on with the rest.
#[test]
fn a_sender_that_was_taken_for_gone_goes_on() {
    let Some(server) = postgres_server::server() else {
        return;
    };
    let place = in_postgres();
    plan(&place, &[1; 6]);
    let (committer, mut handles) = Committer::start(patient(&place), 1, None);
    let handle = handles.remove(0);
    let batch = handle.next(None, Take::Batch).unwrap().unwrap();
    let attempt = handle.claim(&batch, timestamp()).unwrap().unwrap();
    taken_for_gone(server, &place);
    assert_eq!(statuses(&place)[0], Status::Unknown);
    let mut ended = Some(settlement(&batch, attempt, vec![accepted(None)]));
    while let Some(batch) = handle.next(ended.take(), Take::Batch).unwrap() {
        assert_ne!(batch.messages[0].number, number(1));
        let attempt = handle.claim(&batch, timestamp()).unwrap().unwrap();
        ended = Some(settlement(&batch, attempt, vec![accepted(None)]));
    }
    drop(handle);
    committer.finish().1.unwrap();
    assert_eq!(statuses(&place), [Status::Accepted; 6]);
    assert_adds_up(&place);
}

/// The server stopped before it had written down that the number was drawn, and drew it again for another sender, which is there and
/// has made a commit.
#[test]
fn a_number_that_another_sender_has_is_given_up() {
    let Some(server) = postgres_server::server() else {
        return;
    };
    let at = |url: &str| Location::Stored(Place::new(Store::parse(url).unwrap(), "may").unwrap());
    let place = at(&server.database("drawn_again"));
    plan(place.clone(), &[1, 1]);
    let (other, is_cut) = (Mutex::new(None), Mutex::new(false));
    let proxy = DatabaseProxy::new(&server.socket(), move |_, _| {
        let mut is_cut = is_cut.lock().unwrap();
        if *is_cut {
            return true;
        }
        let mut database = server.connect("drawn_again");
        let sql = "SELECT id::integer FROM isms_campaign.live_sender";
        let Some(row) = database.query_opt(sql, &[]).unwrap() else {
            return true;
        };
        *is_cut = true;
        *other.lock().unwrap() = Some(thread::spawn(move || {
            let mut another = server.connect("drawn_again");
            let id: i32 = row.get(0);
            for sql in [
                "SELECT 1 FROM pg_advisory_lock(1769172307, $1)",
                "INSERT INTO isms_campaign.sender (campaign, id, holder, attempts, commits) VALUES (99, $1, '', 1, 1)",
            ] {
                another.execute(sql, &[&id]).unwrap();
            }
            another
        }));
        let sql = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        while database.query(sql, &[]).unwrap().is_empty() {
            thread::sleep(Duration::from_millis(5));
        }
        false
    });
    let mut ledger = patiently(open(at(&proxy.url("drawn_again"))));
    send(&mut ledger, vec![accepted(None)]);
    ledger.close().unwrap();
    assert_eq!(statuses(place.clone()), [Status::Accepted, Status::Pending]);
    assert_adds_up(place);
}

#[test]
fn waits_for_other_senders_are_no_tries_to_reach_the_database() {
    let place = in_memory();
    plan(&place, &[1]);
    let mut ledger = open(&place);
    let (told, tries) = mpsc::channel();
    let (told_back, back) = mpsc::channel();
    let outlast = Outlast::new(move |_, tries| told.send(tries).is_ok());
    ledger.set_outlast(outlast.then(move || told_back.send(()).unwrap()));
    let (in_use, lost) = (Kind::InUse, Kind::Unreachable);
    for (kinds, times) in [(&[in_use][..], 0), (&[in_use, in_use, lost, lost], 1)] {
        let mut kinds = kinds.iter();
        let done = ledger.transaction(|_| match kinds.next() {
            Some(kind) => Err(Error::new(*kind, "not now")),
            None => Ok(()),
        });
        done.unwrap();
        assert_eq!(back.try_iter().count(), times);
    }
    assert_eq!(tries.try_iter().collect::<Vec<_>>(), [0, 1]);
}
