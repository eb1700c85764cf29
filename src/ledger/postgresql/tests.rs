//! What only a ledger in a database has.
#![allow(clippy::unwrap_used)]

mod lost;
mod pooler;
mod sharing;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::connection::{Connection, get};
use super::schema::VERSION;
use super::*;
use crate::Kind;
use crate::domain::Status;
use crate::ledger::tests::{
    accepted, assert_adds_up, claim, first, in_postgres, lock, open, plan, postgres_server, send,
    settlement, snapshot, statuses, timestamp, unfinished_plan, unknown,
};
use crate::ledger::{
    Committer, History, Ledger, Location, Resolution, Selection, SenderOptions, Take,
};

impl Place {
    /// All rows of the tables that change.
    pub(in crate::ledger) fn contents(&self) -> Vec<String> {
        let connection = Connection::open(&self.store).unwrap();
        let of_table = |(table, order)| {
            let sql = format!(
                "SELECT t::text FROM {table} t JOIN campaign c ON c.number = t.campaign WHERE c.stored_as = $1 ORDER BY t.{order}"
            );
            let rows = connection.rows(&sql, &[&self.name]).unwrap();
            rows.iter()
                .map(|row| get(row, 0).unwrap())
                .collect::<Vec<String>>()
        };
        let tables = [
            ("batch", "id"),
            ("recipient", "row"),
            ("attempt", "id"),
            ("decision", "id"),
        ];
        tables.into_iter().flat_map(of_table).collect()
    }
}

/// A place in a database of its own, which is empty.
fn in_a_new_database(name: &str) -> Option<(Location, Arc<Store>)> {
    let url = postgres_server::server()?.database(name);
    let store = Arc::new(Store::parse(&url).unwrap());
    let place = Location::Stored(Place::new(store.clone(), "a").unwrap());
    Some((place, store))
}

/// A sender without a rate.
fn options(account: &str) -> SenderOptions {
    SenderOptions {
        account: account.to_owned(),
        per_recipient: None,
        largest: std::num::NonZeroU32::MIN,
        timeout: Duration::from_secs(30),
    }
}

/// What `auditor` needs to read and report, and `sender` to plan and send, in tables of another.
const GRANTS: &str = "
    GRANT USAGE ON SCHEMA isms_campaign TO auditor, sender;
    GRANT SELECT ON ALL TABLES IN SCHEMA isms_campaign TO auditor;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA isms_campaign TO sender;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA isms_campaign TO sender;";

#[test]
fn the_tables_are_made_once_by_the_first_that_needs_them() {
    let Some((place, store)) = in_a_new_database("new_tables") else {
        return;
    };
    assert!(!place.exists().unwrap(), "looking makes nothing");
    let error = snapshot(&place).unwrap_err().to_string();
    assert!(error.contains("no such campaign"), "{error}");
    std::thread::scope(|scope| {
        for nth in 0..8 {
            let place = Place::new(store.clone(), &nth.to_string()).unwrap();
            scope.spawn(move || lock(Location::Stored(place)).unwrap());
        }
    });
    plan(&place, &[1]);
    assert!(place.exists().unwrap());
}

#[test]
fn a_store_of_another_version_is_refused() {
    let Some((place, store)) = in_a_new_database("versions") else {
        return;
    };
    plan(&place, &[1]);
    for (version, word) in [
        (VERSION + 1, "this program reads version"),
        (VERSION - 1, "older"),
    ] {
        let sql = format!("UPDATE version SET version = {version}");
        Connection::open(&store).unwrap().run(&sql).unwrap();
        for error in [
            lock(&place).unwrap_err(),
            snapshot(&place).unwrap_err(),
            place.exists().unwrap_err(),
        ] {
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}

#[test]
fn a_user_who_may_make_no_schema_can_be_given_one() {
    let Some((place, store)) = in_a_new_database("rights") else {
        return;
    };
    Connection::open(&store)
        .unwrap()
        .run("CREATE ROLE clerk LOGIN; CREATE ROLE auditor LOGIN; CREATE ROLE sender LOGIN")
        .unwrap();
    let of = |user: &str| {
        let url = store.to_string().replace("postgres@", &format!("{user}@"));
        Location::Stored(Place::new(Store::parse(&url).unwrap(), "a").unwrap())
    };
    let refusal = lock(of("clerk")).unwrap_err();
    assert_eq!(refusal.kind, Kind::Account);
    assert_eq!(refusal.remedy, Some(crate::Remedy::StoreGuide), "{refusal}");
    let owner = Connection::open(&store).unwrap();
    owner
        .run("CREATE SCHEMA isms_campaign AUTHORIZATION clerk")
        .unwrap();
    plan(of("clerk"), &[1]);
    send(&mut open(of("clerk")), vec![accepted(None)]);
    // One who may only read, and report.
    let refused = snapshot(of("auditor")).unwrap_err();
    assert_eq!(refused.kind, Kind::Account, "{refused}");
    owner.run(GRANTS).unwrap();
    assert!(of("auditor").exists().unwrap());
    assert_eq!(of("auditor").holder(), None);
    assert_eq!(
        snapshot(of("auditor")).unwrap().totals().unwrap().attempts,
        1
    );
    assert_eq!(statuses(of("auditor")), [Status::Accepted]);
    assert_adds_up(of("auditor"));
    let refusal = Ledger::open(lock(of("auditor")).unwrap()).unwrap_err();
    assert_eq!(refusal.kind, Kind::Account, "{refusal}");
    // One who may plan and send, in tables of another.
    let seen = History {
        attempts: 1,
        decisions: 0,
    };
    (lock(of("sender")).unwrap())
        .set_aside(&timestamp(), seen)
        .unwrap();
    plan(of("sender"), &[2, 1]);
    let mut sending = open(of("sender"));
    sending.set_sender(&options("rights")).unwrap();
    sending.mark_beginning(Some(timestamp())).unwrap();
    assert!(sending.reserve(1).unwrap().made);
    send(&mut sending, vec![accepted(None), unknown()]);
    let unknown = Selection::Rows(vec![2..=2]);
    sending
        .resolve(&unknown, &Resolution::NotSent, None, &timestamp())
        .unwrap();
    let (again, campaign) = unfinished_plan(of("sender"), &[3]);
    again.finish(&campaign, true).unwrap_err();
    assert_adds_up(of("auditor"));
    drop(place);
}

#[test]
fn a_plan_appears_as_a_whole_or_not_at_all() {
    if postgres_server::server().is_none() {
        return;
    }
    let place = in_postgres();
    drop(unfinished_plan(&place, &[2]));
    assert!(!place.exists().unwrap());
    let (first, campaign) = unfinished_plan(&place, &[2]);
    let (second, _) = unfinished_plan(&place, &[3]);
    assert!(!place.exists().unwrap());
    first.finish(&campaign, false).unwrap();
    let error = second.finish(&campaign, false).unwrap_err().to_string();
    assert!(error.contains("another campaign has this name"), "{error}");
    assert_eq!(statuses(&place), [Status::Pending; 2]);
    assert_adds_up(&place);
}

#[test]
fn the_server_has_counted_the_rows_of_a_new_plan() {
    let Some((place, store)) = in_a_new_database("counted") else {
        return;
    };
    plan(place, &[2, 1]);
    let connection = Connection::open(&store).unwrap();
    let sql =
        "SELECT count(*) FROM pg_stats WHERE schemaname = 'isms_campaign' AND attname = 'campaign'
               AND tablename IN ('recipient', 'batch')";
    let counted: i64 = get(&connection.one(sql, &[]).unwrap(), 0).unwrap();
    assert_eq!(counted, 2);
}

#[test]
fn a_campaign_is_set_aside_under_a_name_that_is_free() {
    if postgres_server::server().is_none() {
        return;
    }
    let place = in_postgres();
    let Location::Stored(Place { store, name, .. }) = &*place else {
        return;
    };
    let asides = [2_u32, 3].map(|size| {
        plan(&place, &[size]);
        let seen = History::default();
        (lock(&place).unwrap())
            .set_aside(&timestamp(), seen)
            .unwrap()
            .1
    });
    assert_eq!(asides[0], format!("{name}.20261122T152000Z"));
    assert_eq!(asides[1], format!("{name}.20261122T152000Z-2"));
    assert!(!place.exists().unwrap());
    for (aside, rows) in asides.iter().zip([2, 3]) {
        let place = Location::Stored(Place::new(store.clone(), aside).unwrap());
        assert_eq!(statuses(place).len(), rows);
    }
}

#[test]
fn whatever_characters_a_plan_has_are_stored() {
    if postgres_server::server().is_none() {
        return;
    }
    let place = in_postgres();
    let odd = "tab\there \\N 'quoted' \"too\" \r\n\\. 你好 \u{1}";
    let (mut plan_writer, campaign) = unfinished_plan(&place, &[1]);
    let row = crate::ledger::PlannedRow {
        row: 5,
        cells: odd,
        msisdn: None,
        text: None,
        disposition: crate::ledger::Disposition::Invalid(odd),
    };
    plan_writer.inserts().unwrap().rows(&[row]).unwrap();
    plan_writer.finish(&campaign, false).unwrap();
    let mut found = Vec::new();
    snapshot(&place)
        .unwrap()
        .recipients(5..=5, &mut |recipient| {
            found.extend([
                recipient.cells.to_owned(),
                recipient.reason.unwrap().to_owned(),
            ]);
            Ok(())
        })
        .unwrap();
    assert_eq!(found, [odd, odd]);
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().to_str().unwrap().replace('/', "%2F");
    for url in [
        format!("postgresql://me@{socket}/sms"),
        "postgresql://me@127.0.0.1:1/sms".to_owned(),
    ] {
        let place = Place::new(Store::parse(&url).unwrap(), "a").unwrap();
        let error = snapshot(Location::Stored(place)).unwrap_err();
        assert_eq!(error.kind, Kind::Unreachable, "{error}");
        assert!(error.to_string().starts_with(&url), "{error}");
    }
}

#[test]
fn a_claim_is_unknown_once_its_sender_is_gone_and_not_before() {
    if postgres_server::server().is_none() {
        return;
    }
    let place = in_postgres();
    plan(&place, &[1, 1]);
    let mut sending = open(&place);
    let batch = first(&sending);
    let attempt = claim(&mut sending, &batch).unwrap();
    assert_eq!(open(&place).recovered(), 0);
    let end = settlement(&batch, attempt, vec![accepted(None)]);
    sending
        .transaction(|ledger| ledger.settle(&[&end]))
        .unwrap();
    let batch = first(&sending);
    claim(&mut sending, &batch).unwrap();
    let in_flight = || snapshot(&place).unwrap().totals().unwrap().in_flight;
    assert_eq!(in_flight(), 1);
    drop(sending);
    // The server learns of the end of a session a moment later.
    let recovered = (0..500).any(|_| {
        open(&place).recovered() == 1 || {
            std::thread::sleep(Duration::from_millis(10));
            false
        }
    });
    assert!(recovered);
    assert_eq!(in_flight(), 0);
    assert_eq!(statuses(&place), [Status::Accepted, Status::Unknown]);
    assert_adds_up(&place);
}

#[test]
fn batches_of_another_sender_are_taken_over_from_the_end() {
    if postgres_server::server().is_none() {
        return;
    }
    let place = in_postgres();
    plan(&place, &[1; 10]);
    let hand_out = |ledger: &mut Ledger| {
        let page = ledger
            .transaction(|ledger| ledger.hand_out(None, &[]))
            .unwrap();
        page.iter()
            .map(|batch| batch.id.to_string())
            .collect::<Vec<_>>()
    };
    let (mut first, mut second) = (open(&place), open(&place));
    assert_eq!(hand_out(&mut first).len(), 10);
    assert_eq!(hand_out(&mut second), ["7", "8", "9", "10"]);
}

#[test]
fn of_several_senders_each_batch_is_claimed_by_one() {
    if postgres_server::server().is_none() {
        return;
    }
    let place = in_postgres();
    plan(&place, &[2; 300]);
    let sent = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let (committer, handles) = Committer::start(open(&place), 2, None);
            for handle in handles {
                let sent = &sent;
                scope.spawn(move || {
                    let mut ended = None;
                    while let Some(batch) = handle.next(ended.take(), Take::Batch).unwrap() {
                        let Some(attempt) = handle.claim(&batch, timestamp()).unwrap() else {
                            continue;
                        };
                        sent.lock().unwrap().push(batch.id);
                        ended = Some(settlement(&batch, attempt, vec![accepted(None)]));
                    }
                });
            }
            scope.spawn(move || committer.finish().1.unwrap());
        }
    });
    let sent = sent.into_inner().unwrap();
    assert_eq!(sent.len(), 300);
    assert_eq!(sent.iter().collect::<BTreeSet<_>>().len(), 300);
    assert_eq!(statuses(&place), [Status::Accepted; 600]);
    assert_adds_up(&place);
}

#[test]
fn rows_are_not_resolved_as_not_sent_while_their_request_can_still_be_made() {
    let Some(server) = postgres_server::server() else {
        return;
    };
    let place = in_postgres();
    plan(&place, &[1, 1, 1]);
    let mut sending = open(&place);
    sending.set_sender(&options("resolving")).unwrap();
    send(&mut sending, vec![unknown()]);
    let batch = first(&sending);
    claim(&mut sending, &batch).unwrap();
    let resolve = |selection: &Selection, resolution: Resolution| {
        let at = timestamp();
        open(&place).resolve(selection, &resolution, None, &at)
    };
    let named = |row| Selection::Rows(vec![row..=row]);
    let refusal = |row| {
        resolve(&named(row), Resolution::NotSent)
            .unwrap_err()
            .to_string()
    };
    let all = || resolve(&Selection::AllUnknown, Resolution::NotSent).unwrap();

    // Its answer is awaited. That of the first row has come.
    assert!(refusal(2).contains("its sender is there (a test)"));
    resolve(&named(2), Resolution::Accepted { trx_id: None }).unwrap_err();
    let resolved = all();
    assert_eq!(
        (resolved.rows, resolved.left_out, resolved.left_out_for),
        (vec![1], vec![2], None)
    );

    drop(sending);
    let is_gone = (0..500).any(|_| {
        open(&place).recovered() == 1 || {
            std::thread::sleep(Duration::from_millis(10));
            false
        }
    });
    assert!(is_gone);
    let refused = refusal(2);
    assert!(
        refused.contains("run again in 90 seconds") || refused.contains("run again in 8"),
        "{refused}"
    );
    let resolved = all();
    assert_eq!((resolved.rows.len(), &resolved.left_out[..]), (0, &[2][..]));
    assert!(resolved.left_out_for > Some(Duration::from_secs(60)));
    // By the clock of the database.
    let mut clock = server.connect("postgres");
    let sql = "UPDATE isms_campaign.attempt a SET claimed = claimed - interval '90 seconds'
               FROM isms_campaign.campaign c WHERE c.number = a.campaign AND c.stored_as = $1";
    clock.execute(sql, &[&place.to_string()]).unwrap();
    assert_eq!(all().rows, [2]);
    assert_eq!(statuses(&place), [Status::Pending; 3]);
    assert_adds_up(&place);
}

/// One was sent, or decided about, and its sender has ended, since it was looked at.
#[test]
fn a_campaign_to_which_more_has_happened_is_not_set_aside() {
    if postgres_server::server().is_none() {
        return;
    }
    let place = in_postgres();
    plan(&place, &[1, 1]);
    let set_aside = || {
        let seen = History::default();
        lock(&place).unwrap().set_aside(&timestamp(), seen)
    };
    send(&mut open(&place), vec![accepted(None)]);
    let refused = set_aside().unwrap_err();
    assert_eq!(refused.kind, Kind::InUse, "{refused}");
    assert_eq!(statuses(&place), [Status::Accepted, Status::Pending]);
    let place = in_postgres();
    plan(&place, &[1]);
    open(&place)
        .resolve(
            &Selection::AllPending,
            &Resolution::Cancelled,
            None,
            &timestamp(),
        )
        .unwrap();
    assert_eq!(set_aside().unwrap_err().kind, Kind::InUse);
}

#[test]
fn a_batch_that_is_missing_is_noticed() {
    if postgres_server::server().is_none() {
        return;
    }
    let place = in_postgres();
    plan(&place, &[1, 1]);
    let Location::Stored(Place { store, name, .. }) = &*place else {
        return;
    };
    let sql = "DELETE FROM batch b USING campaign c WHERE c.number = b.campaign AND b.id = 2 AND c.stored_as = $1";
    (Connection::open(store).unwrap())
        .execute(sql, &[name])
        .unwrap();
    let found = snapshot(&place)
        .unwrap()
        .verify(false, &|_, _| true)
        .unwrap();
    assert!(found[0].contains("1 of 2"), "{found:?}");
}

#[test]
fn nothing_is_sent_from_a_copy_that_was_made_before_the_first_message() {
    let Some((place, _)) = in_a_new_database("original") else {
        return;
    };
    plan(&place, &[1]);
    let server = postgres_server::server().unwrap();
    let copy = "CREATE DATABASE a_copy TEMPLATE original";
    while server.connect("postgres").batch_execute(copy).is_err() {
        thread::sleep(Duration::from_millis(10));
    }
    let store = Store::parse(&server.url("a_copy")).unwrap();
    let copied = Location::Stored(Place::new(store, "a").unwrap());
    let refused = open(copied).set_sender(&options("copies")).unwrap_err();
    assert_eq!(refused.remedy, Some(crate::Remedy::StoreGuide), "{refused}");
    open(&place).set_sender(&options("copies")).unwrap();
}

#[test]
fn nothing_is_sent_from_a_copy_until_someone_has_settled_what_it_misses() {
    let Some((place, store)) = in_a_new_database("copies") else {
        return;
    };
    plan(&place, &[1]);
    let begin = || open(&place).set_sender(&options("copies"));
    begin().unwrap();
    begin().unwrap();
    let owner = Connection::open(&store).unwrap();
    // As a restored dump has it, or a server that was promoted.
    owner
        .run("UPDATE version SET identity = '6812345678901234567 00000002 16385'")
        .unwrap();
    let refused = begin().unwrap_err().to_string();
    assert!(refused.contains("brought back from a copy"), "{refused}");
    assert_eq!(statuses(&place), [Status::Pending]);
    owner.run("UPDATE version SET identity = NULL").unwrap();
    begin().unwrap();
}

#[test]
fn a_sender_notices_that_an_older_copy_took_the_place_of_the_store() {
    let Some((place, store)) = in_a_new_database("older") else {
        return;
    };
    plan(&place, &[1, 1]);
    let mut sending = open(&place);
    send(&mut sending, vec![accepted(None)]);
    let older = "UPDATE sender SET commits = 0";
    Connection::open(&store).unwrap().run(older).unwrap();
    let batch = first(&sending);
    let refused = claim(&mut sending, &batch).unwrap_err().to_string();
    assert!(
        refused.contains("holds less than this run has committed"),
        "{refused}"
    );
    assert_eq!(statuses(&place), [Status::Accepted, Status::Pending]);
    // Others refuse it from now on.
    let refused = open(&place).set_sender(&options("older")).unwrap_err();
    assert_eq!(refused.remedy, Some(crate::Remedy::StoreGuide), "{refused}");
}
