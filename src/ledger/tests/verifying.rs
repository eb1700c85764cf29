//! What `verify` accepts, and what it detects.

use super::*;

/// 1-2 accepted, 3 refused, 4 unknown, 5 refused, 6 pending after an attempt, 7-8 split by outcome, 9 resolved
/// as accepted, 10 resolved as not sent, 11 pending, 12 suppressed later, 13 claimed,
/// 14 cancelled.
fn everything(path: &Location) -> Ledger {
    plan(path, &[2, 1, 1, 1, 1, 2, 1, 1, 1, 2, 1]);
    let mut ledger = open(path);
    for new_states in [
        vec![accepted(Some("1"))],
        vec![refused()],
        vec![unknown()],
        vec![refused()],
    ] {
        send(&mut ledger, new_states);
    }
    let tried = first(&ledger);
    let attempt = claim(&mut ledger, &tried).unwrap();
    let end = settlement(&tried, attempt, vec![not_sent()]);
    ledger.transaction(|ledger| ledger.settle(&[&end])).unwrap();
    for (nth, new_states) in [
        (1, vec![accepted(Some("2")), unknown()]),
        (1, vec![unknown()]),
        (1, vec![unknown()]),
    ] {
        let batch = ledger.planned_after(None).unwrap().remove(nth);
        let attempt = claim(&mut ledger, &batch).unwrap();
        let end = settlement(&batch, attempt, new_states);
        ledger.transaction(|ledger| ledger.settle(&[&end])).unwrap();
    }
    let mut resolve = |row, resolution| {
        ledger
            .resolve(
                &Selection::Rows(vec![row..=row]),
                &resolution,
                None,
                &timestamp(),
            )
            .unwrap();
    };
    resolve(9, Resolution::Accepted { trx_id: None });
    resolve(10, Resolution::NotSent);
    resolve(14, Resolution::Cancelled);
    ledger
        .suppress(|of| (of == number(12)).then(|| "opted out".to_owned()))
        .unwrap();
    let last = ledger.planned_after(None).unwrap().pop().unwrap();
    claim(&mut ledger, &last).unwrap();
    ledger
}

fn every_legal_state_adds_up(new: New) {
    let path = new();
    let ledger = everything(&path);
    assert_adds_up(&path);
    use Status::{Accepted, Cancelled, Pending, Refused, Suppressed, Unknown};
    assert_eq!(
        statuses(&path),
        [
            Accepted, Accepted, Refused, Unknown, Refused, Pending, Accepted, Unknown, Accepted,
            Pending, Pending, Suppressed, Unknown, Cancelled
        ]
    );
    drop(ledger);
    drop(open(&path));
    assert_adds_up(&path);
}

/// What no program does to a ledger.
const TAMPERINGS: &[&str] = &[
    "UPDATE recipient SET disposition = 'invalid' WHERE row = 1",
    "UPDATE recipient SET disposition = 'invalid', batch_id = NULL WHERE row = 11",
    "UPDATE recipient SET disposition = 'suppressed', batch_id = NULL WHERE row = 3",
    "UPDATE recipient SET disposition = 'duplicate' WHERE row = 14",
    "UPDATE recipient SET disposition = 'invalid' WHERE row = 16",
    "UPDATE recipient SET batch_id = 999 WHERE row = 1",
    "UPDATE recipient SET batch_id = (SELECT min(id) FROM batch WHERE state = 'split') WHERE row = 1",
    "UPDATE recipient SET batch_id = 2 WHERE row = 1",
    "UPDATE recipient SET text = NULL WHERE row = 1",
    "UPDATE recipient SET type = NULL, credits = NULL, text = NULL WHERE row = 1",
    "UPDATE recipient SET text = NULL, text_row = 999 WHERE row = 1",
    "UPDATE recipient SET text_row = 999 WHERE row = 2",
    "UPDATE recipient SET text_row = 3 WHERE row = 2",
    "UPDATE recipient SET text_row = 2 WHERE row = 2",
    "UPDATE recipient SET text_row = 1 WHERE row = 3",
    "UPDATE recipient SET msisdn = NULL WHERE row = 1",
    "UPDATE recipient SET msisdn = (SELECT msisdn FROM recipient WHERE row = 2) WHERE row = 1",
    "UPDATE recipient SET trx_id = '5' WHERE row = 3",
    "UPDATE recipient SET row = 99 WHERE row = 1",
    "DELETE FROM recipient WHERE row = 2",
    "DELETE FROM recipient WHERE row = 16",
    "DELETE FROM recipient WHERE row = 1",
    "DELETE FROM batch WHERE id = 1",
    "UPDATE batch SET state = 'planned' WHERE state = 'accepted'",
    "UPDATE batch SET state = 'planned', code = NULL, trx_id = NULL WHERE id = 1",
    "UPDATE batch SET state = 'planned' WHERE id = 3",
    "UPDATE batch SET state = 'planned' WHERE state = 'refused'",
    "UPDATE batch SET state = 'planned' WHERE state = 'claimed'",
    "UPDATE batch SET state = 'accepted' WHERE id = 3",
    "UPDATE batch SET state = 'accepted', code = 2000 WHERE id = 3",
    "UPDATE batch SET state = 'accepted', code = 2000 WHERE state = 'refused'",
    "UPDATE batch SET state = 'accepted', code = 2000 WHERE state = 'claimed'",
    "UPDATE batch SET state = 'refused', code = -1009 WHERE id = 1",
    "INSERT INTO batch (id, state, attempts) VALUES (9, 'unknown', 0)",
    "INSERT INTO batch (id, state, attempts) VALUES (9, 'split', 0)",
    "INSERT INTO batch (id, state, attempts) VALUES (99, 'planned', 0)",
    "UPDATE batch SET state = 'claimed' WHERE state = 'planned'",
    "UPDATE batch SET state = 'unknown' WHERE decision IS NOT NULL",
    "UPDATE batch SET decision = NULL WHERE decision IS NOT NULL",
    "UPDATE batch SET decision = NULL WHERE state = 'cancelled'",
    "UPDATE batch SET state = 'planned' WHERE state = 'cancelled'",
    "UPDATE batch SET state = 'cancelled' WHERE state = 'suppressed'",
    "UPDATE batch SET state = 'cancelled' WHERE state = 'accepted'",
    "INSERT INTO batch (id, state, attempts) VALUES (9, 'cancelled', 0)",
    "UPDATE decision SET resolution = 'not-sent' WHERE resolution = 'cancelled'",
    "UPDATE recipient SET disposition = 'suppressed', batch_id = NULL WHERE row = 14",
    "UPDATE recipient SET disposition = 'suppressed', batch_id = NULL WHERE row = 12",
    "UPDATE batch SET decision = 99 WHERE id = 1",
    "UPDATE batch SET code = NULL WHERE state = 'refused'",
    "UPDATE batch SET trx_id = '5' WHERE state = 'unknown'",
    "UPDATE batch SET attempts = attempts + 1 WHERE id = 1",
    "UPDATE batch SET attempts = 0, claimed_at = NULL WHERE id = 5",
    "UPDATE batch SET claimed_at = NULL WHERE id = 1",
    "UPDATE batch SET parent = 1 WHERE id = 2",
    "UPDATE batch SET parent = id",
    "UPDATE batch SET parent = 3 - id WHERE id <= 2",
    "UPDATE batch SET trx_id = '7' WHERE id = 1",
    "UPDATE batch SET code = -1005 WHERE id = 2",
    "UPDATE recipient SET trx_id = '7' WHERE trx_id IS NOT NULL",
    "DELETE FROM attempt WHERE batch_id = 2; UPDATE batch SET state = 'planned', attempts = 0, claimed_at = NULL,
     code = NULL WHERE id = 2",
    "DELETE FROM attempt WHERE id = (SELECT max(id) FROM attempt); UPDATE batch SET state = 'planned',
     attempts = 0, claimed_at = NULL WHERE state = 'claimed'",
    "UPDATE recipient SET credits = 2 WHERE row = 1",
    "UPDATE recipient SET credits = 2 WHERE row = 2",
    "UPDATE recipient SET type = 2 WHERE row = 2",
    "UPDATE recipient SET text = text || 'ö' WHERE row = 1",
    "UPDATE recipient SET text = text || printf('%0200d', 0) WHERE row = 1",
    "UPDATE batch SET parent = NULL WHERE parent IS NOT NULL",
    "UPDATE attempt SET outcome = NULL WHERE id = 1",
    "UPDATE attempt SET outcome = 'no answer' WHERE id = 1",
    "UPDATE attempt SET outcome = 'accepted' WHERE outcome IS NULL",
    "DELETE FROM attempt WHERE id = 1",
    "DELETE FROM attempt",
    "DELETE FROM decision",
    "UPDATE campaign SET gateway_host = NULL",
    "UPDATE campaign SET report = json_set(report, '$.rows', 3)",
    "DROP INDEX recipient_of_batch; UPDATE recipient SET msisdn = 60125500001 WHERE row = 2",
];

#[test]
fn every_tampering_is_detected() {
    for tampering in TAMPERINGS {
        let (_folder, path) = temp_ledger();
        drop(everything(&(&path).into()));
        let Ok(has_changed) = tampering::change(&path, tampering) else {
            // The tables' own constraints prevent it.
            assert!(tampering.contains("SET msisdn"), "{tampering}");
            continue;
        };
        assert!(has_changed, "{tampering}");
        let found = snapshot(&path).unwrap().verify(false, &code_fits);
        assert!(
            found.as_ref().map_or(true, |wrong| !wrong.is_empty()),
            "not detected: {tampering}"
        );
    }
}

#[test]
fn every_tampering_with_a_database_is_detected() {
    let Some(server) = postgres_server::server() else {
        return;
    };
    let store = Store::parse(&server.database("tampered")).unwrap();
    let place = Location::Stored(Place::new(store, "a").unwrap());
    drop(everything(&place));
    let mut other = server.connect("tampered");
    let tables = ["campaign", "recipient", "batch", "attempt", "decision"];
    let of_each = |sql: &str| tables.map(|table| sql.replace("{}", table)).join("; ");
    other
        .batch_execute(&of_each(
            "CREATE TABLE public.{} AS SELECT * FROM isms_campaign.{}",
        ))
        .unwrap();
    // Checks would prevent many of them.
    other
        .batch_execute(
            "SET search_path = isms_campaign; ALTER TABLE batch ALTER campaign SET DEFAULT 1;
             DO $$ DECLARE c record; BEGIN
                FOR c IN SELECT conrelid::regclass AS of, conname FROM pg_constraint
                         WHERE contype = 'c' AND connamespace = 'isms_campaign'::regnamespace
                LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.of, c.conname); END LOOP;
             END $$",
        )
        .unwrap();
    for tampering in TAMPERINGS {
        other
            .batch_execute(&of_each(
                "DELETE FROM {}; INSERT INTO {} OVERRIDING SYSTEM VALUE SELECT * FROM public.{}",
            ))
            .unwrap();
        assert_adds_up(&place);
        let sql = tampering
            .replace("printf('%0200d', 0)", "repeat('0', 200)")
            .replace(
                "json_set(report, '$.rows', 3)",
                "jsonb_set(report::jsonb, '{rows}', '3')::text",
            );
        if let Err(error) = other.batch_execute(&sql) {
            let prevented = error
                .code()
                .is_some_and(|code| code.code().starts_with("23"));
            assert!(prevented, "{tampering}: {error:?}");
            continue;
        }
        let found = snapshot(&place).unwrap().verify(false, &code_fits);
        assert!(
            found.as_ref().map_or(true, |wrong| !wrong.is_empty()),
            "not detected: {tampering}"
        );
    }
}

#[test]
fn a_repeated_number_and_text_is_detected_unless_duplicates_were_kept() {
    let (_folder, path) = temp_ledger();
    plan(&path, &[1, 1]);
    let change = "UPDATE recipient SET msisdn = 60125500001, text = 'text 1' WHERE row = 2";
    tampering::change(&path, change).unwrap();
    let snapshot = snapshot(&path).unwrap();
    assert_eq!(snapshot.verify(false, &code_fits).unwrap().len(), 1);
    assert!(snapshot.verify(true, &code_fits).unwrap().is_empty());
}

#[test]
fn a_damaged_file_is_detected() {
    let (_folder, path) = temp_ledger();
    plan(&path, &[3; 50]);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 5_000].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let found = snapshot(&path).and_then(|snapshot| snapshot.verify(false, &code_fits));
    assert!(found.map_or(true, |wrong| !wrong.is_empty()));
}

on_every_backend!(every_legal_state_adds_up);
