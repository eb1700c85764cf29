//! Ledgers that were edited with an SQL tool: `verify` names what does not add up, and a plan that cannot be read is not sent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::gateway::trx_of;
use common::{Gateway, Program, Reply, count_statuses, counts, own_texts, phone, verifies};

/// A ledger with rows of every kind, each a batch of its own: 1 and 2 accepted, 3 refused, 4 unknown, 5 unknown and resolved
/// as not sent, 6 unknown and resolved as accepted, 7 accepted, 8 pending, 9 invalid, 10 duplicate. With its gateway.
fn every_kind() -> (Program, Gateway) {
    let sheet = format!(
        "{}nonsense,hello\n{},KedaiKu: parcel 0 is ready\n",
        own_texts(8),
        phone(0)
    );
    let program = Program::with(&[("customers.csv", &sheet)]);
    let gateway = Gateway::new(|_, nth| match nth {
        2 => Reply::ok("-1005 = INVALID SMS TYPE"),
        3..=5 => Reply::ok("").taking_none(),
        _ => Reply::accepted(trx_of(nth)),
    });
    let mut arguments = vec!["customers.csv", "--limit", "7", "--concurrency", "1"];
    arguments.extend(["--max-unknown", "0"]);
    program.send(&gateway, &arguments).exits(5);
    for (row, resolution) in [("5", "not-sent"), ("6", "accepted")] {
        program
            .run(&[
                "resolve",
                "customers.ledger",
                "--rows",
                row,
                "--as",
                resolution,
            ])
            .exits(0);
    }
    program.run(&["results", "customers.ledger"]).exits(0);
    assert_eq!(
        count_statuses(&program.results("customers.results.csv")),
        counts(&[
            ("accepted", 4),
            ("refused", 1),
            ("unknown", 1),
            ("pending", 2),
            ("invalid", 1),
            ("duplicate", 1),
        ])
    );
    verifies(&program, "customers.ledger");
    (program, gateway)
}

/// Runs SQL statements as another tool would. Returns whether they were possible.
fn edit(program: &Program, statements: &str) -> bool {
    let ledger = rusqlite::Connection::open(program.path("customers.ledger")).unwrap();
    ledger.pragma_update(None, "foreign_keys", false).unwrap();
    let before = ledger.total_changes();
    let done = ledger.execute_batch(statements).is_ok();
    assert!(!done || ledger.total_changes() > before, "{statements}");
    done
}

#[test]
fn verify_detects_manual_edits() {
    let edits = [
        // States.
        "UPDATE batch SET state = 'planned' WHERE id = 4",
        "UPDATE batch SET state = 'planned', why = NULL WHERE id = 4",
        "UPDATE batch SET state = 'accepted', code = 2000, trx_id = '1' WHERE id = 4",
        "UPDATE batch SET state = 'planned' WHERE id = 1",
        "UPDATE batch SET state = 'planned', code = NULL, trx_id = NULL WHERE id = 1",
        "UPDATE batch SET state = 'planned', code = NULL, trx_id = NULL, attempts = 0, claimed_at = NULL WHERE id = 1",
        "UPDATE batch SET state = 'unknown' WHERE id = 1",
        "UPDATE batch SET state = 'refused', code = -1005, trx_id = NULL WHERE id = 1",
        "UPDATE batch SET state = 'planned', code = NULL WHERE id = 3",
        "UPDATE batch SET state = 'accepted', code = 2000 WHERE id = 3",
        "INSERT INTO batch (id, state, attempts) VALUES (8, 'accepted', 0)",
        "INSERT INTO batch (id, state, attempts) VALUES (8, 'claimed', 0)",
        "INSERT INTO batch (id, state, attempts) VALUES (8, 'split', 0)",
        "UPDATE batch SET state = 'accepted' WHERE id = 5",
        "UPDATE batch SET state = 'planned' WHERE id = 6",
        "UPDATE batch SET state = 'sent' WHERE id = 1",
        // Codes, transaction ids, attempts.
        "UPDATE batch SET code = -1006 WHERE id = 3",
        "UPDATE batch SET code = 2000 WHERE id = 4",
        "UPDATE batch SET code = NULL WHERE id = 1",
        "UPDATE batch SET trx_id = '4711' WHERE id = 2",
        "UPDATE recipient SET trx_id = '4711' WHERE row = 2",
        "UPDATE attempt SET outcome = 'not sent' WHERE id = 1",
        "UPDATE attempt SET outcome = NULL WHERE id = 1",
        "UPDATE attempt SET answer = '-1005' WHERE id = 1",
        "UPDATE attempt SET batch_id = 2 WHERE id = 1",
        "UPDATE attempt SET id = 99 WHERE id = 7",
        "DELETE FROM attempt WHERE id = 1",
        "DELETE FROM attempt",
        "UPDATE batch SET attempts = 0 WHERE id = 1",
        "UPDATE batch SET attempts = 2 WHERE id = 1",
        "UPDATE batch SET claimed_at = NULL WHERE id = 1",
        "DELETE FROM decision",
        "UPDATE decision SET resolution = 'accepted' WHERE resolution = 'not-sent'",
        // As if no attempt had been made: a gap is left, or the lock records more attempts.
        "DELETE FROM attempt WHERE batch_id = 1;
         UPDATE batch SET state = 'planned', code = NULL, trx_id = NULL, attempts = 0, claimed_at = NULL WHERE id = 1",
        "DELETE FROM attempt WHERE batch_id = 7;
         UPDATE batch SET state = 'planned', code = NULL, trx_id = NULL, attempts = 0, claimed_at = NULL WHERE id = 7",
        "UPDATE recipient SET batch_id = 8 WHERE row = 1; DELETE FROM batch WHERE id = 1; DELETE FROM attempt WHERE id = 1",
        // Recipients.
        "UPDATE recipient SET batch_id = 8 WHERE row = 1",
        "UPDATE recipient SET batch_id = 99 WHERE row = 1",
        "UPDATE recipient SET batch_id = NULL WHERE row = 1",
        "UPDATE recipient SET batch_id = 9 - batch_id, text = CASE row WHEN 1 THEN text END WHERE row IN (1, 8)",
        "UPDATE recipient SET msisdn = NULL WHERE row = 1",
        "UPDATE recipient SET msisdn = (SELECT msisdn FROM recipient WHERE row = 1),
                              text = (SELECT text FROM recipient WHERE row = 1) WHERE row = 8",
        "UPDATE recipient SET msisdn = (SELECT msisdn FROM recipient WHERE row = 1), text = NULL, text_row = 1 WHERE row = 8",
        "UPDATE recipient SET text = NULL WHERE row = 8",
        "UPDATE recipient SET text = NULL, text_row = 8 WHERE row = 8",
        "UPDATE recipient SET text = NULL, text_row = 9 WHERE row = 8",
        "UPDATE recipient SET text = NULL, text_row = 10 WHERE row = 8",
        "UPDATE recipient SET disposition = 'invalid', batch_id = NULL WHERE row = 8",
        "UPDATE recipient SET disposition = 'suppressed', batch_id = NULL WHERE row = 1",
        "UPDATE recipient SET disposition = 'send', batch_id = 8 WHERE row = 10",
        "DELETE FROM recipient WHERE row = 10",
        "DELETE FROM recipient WHERE row = 1",
        "UPDATE recipient SET row = 11 WHERE row = 10",
        "INSERT INTO recipient (row, cells, disposition) VALUES (11, 'x,y', 'invalid')",
        "DELETE FROM batch WHERE id = 1",
        "DELETE FROM batch WHERE id = 5; DELETE FROM attempt WHERE batch_id = 5",
        "DELETE FROM batch WHERE id = 7; DELETE FROM attempt WHERE batch_id = 7",
        "DELETE FROM batch; DELETE FROM attempt; DELETE FROM decision; UPDATE campaign SET gateway_host = NULL",
        "UPDATE recipient SET batch_id = 7 WHERE row = 8",
        "INSERT INTO batch (id, state, attempts) VALUES (9, 'planned', 0)",
        "UPDATE batch SET parent = id",
        // Texts and their credits.
        "UPDATE recipient SET credits = 9 WHERE type IS NOT NULL",
        "UPDATE recipient SET credits = 9 WHERE row = 8",
        "UPDATE recipient SET type = 2 WHERE type IS NOT NULL",
        "UPDATE recipient SET text = text || ' ♥' WHERE row = 8",
        "UPDATE recipient SET text = text || printf('%0200d', 0) WHERE row = 8",
        "UPDATE recipient SET text = 'KedaiKu: free money' WHERE row = 1",
        "DELETE FROM recipient WHERE row = 8",
        // The campaign.
        "UPDATE campaign SET gateway_host = NULL",
        "UPDATE campaign SET report = '{}'",
        "UPDATE campaign SET report = 'x'",
        "UPDATE campaign SET options = 'x'",
        "UPDATE campaign SET planned_at = 'yesterday'",
        "DELETE FROM campaign",
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'recipient_of_batch'; DELETE FROM decision",
    ];
    let mut missed = Vec::new();
    let (program, _gateway) = every_kind();
    let whole = std::fs::read(program.path("customers.ledger")).unwrap();
    for statements in edits {
        program.write("customers.ledger", &whole);
        if !edit(&program, statements) {
            // The tables' own constraints prevent it.
            continue;
        }
        let run = program.run(&["verify", "customers.ledger"]);
        run.shows(!run.stderr.contains("panicked"), statements);
        if run.code == Some(1) {
            run.says(&["customers.ledger"]);
            run.shows(run.stdout.is_empty(), "nothing is said to add up");
        } else {
            missed.push(statements);
        }
    }
    assert!(missed.is_empty(), "not detected: {missed:#?}");
    program.write("customers.ledger", &whole);
    verifies(&program, "customers.ledger");
}

/// Edits that are consistent everywhere, or of something that is recorded only once. They show that `verify` is not a seal: it
/// detects contradictions, and these are none.
#[test]
fn what_verify_cannot_detect() {
    let edits = [
        // The cells hold the number only as a person wrote it.
        "UPDATE recipient SET msisdn = 60125599999 WHERE row = 8",
        "UPDATE recipient SET cells = 'x,y' WHERE row = 8",
        // A text of the same length, which is not one of the plan's examples.
        "UPDATE recipient SET text = replace(text, 'ready', 'stuck') WHERE row = 8",
        // Whether no answer came or nothing was sent is recorded only here.
        "UPDATE attempt SET outcome = 'not sent' WHERE batch_id = 4;
         UPDATE batch SET state = 'planned' WHERE id = 4",
        "UPDATE decision SET note = 'somebody else', decided_at = '2020-01-01T00:00:00Z'",
        "UPDATE attempt SET claimed_at = '2020-01-01T00:00:00Z' WHERE id = 1",
        "UPDATE campaign SET options = json_set(options, '$.sender_id', 'Other')",
    ];
    let (program, _gateway) = every_kind();
    let whole = std::fs::read(program.path("customers.ledger")).unwrap();
    for statements in edits {
        program.write("customers.ledger", &whole);
        assert!(edit(&program, statements), "{statements}");
        let run = program.run(&["verify", "customers.ledger"]);
        run.shows(run.code == Some(0), statements);
    }
}

#[test]
fn options_that_cannot_be_read_are_not_sent_by_default() {
    let edits = [
        ("options", "'not JSON'"),
        ("options", "'[]'"),
        (
            "options",
            "json_set(options, '$.limits.messages', 'thirty')",
        ),
        ("options", "json_set(options, '$.limits.messages', 0)"),
        ("options", "json_set(options, '$.sender_id', 5)"),
        ("options", "json_set(options, '$.sender_id', 'a sender?')"),
        ("options", "json_set(options, '$.region', 'Mordor')"),
        ("options", "json_set(options, '$.max_invalid', 'a few')"),
        ("options", "json_set(options, '$.lint', 7)"),
        ("options", "json_set(options, '$.lint', 'dney')"),
        ("report", "'not JSON'"),
        ("report", "json_set(report, '$.rows', 'many')"),
    ];
    let (program, gateway) = every_kind();
    let whole = std::fs::read(program.path("customers.ledger")).unwrap();
    let before = gateway.count();
    for (column, value) in edits {
        program.write("customers.ledger", &whole);
        assert!(edit(
            &program,
            &format!("UPDATE campaign SET {column} = {value}")
        ));
        let run = program.send(&gateway, &["customers.ledger"]);
        run.shows(run.code == Some(1), value);
        run.says(&["cannot be read"]);
        run.shows(run.stderr.contains("bring back a copy"), value);
        assert_eq!(gateway.count(), before, "{value}");
    }
    // An unknown encoding, an invalid number, a missing text.
    for statements in [
        "PRAGMA ignore_check_constraints = ON; UPDATE recipient SET type = 3 WHERE row = 8",
        "UPDATE recipient SET msisdn = 5 WHERE row = 8",
        "PRAGMA ignore_check_constraints = ON; UPDATE recipient SET text = NULL WHERE row = 8",
        "UPDATE recipient SET text = NULL, text_row = 99 WHERE row = 8",
    ] {
        program.write("customers.ledger", &whole);
        if edit(&program, statements) {
            program.send(&gateway, &["customers.ledger"]).exits(1);
            assert_eq!(gateway.count(), before, "{statements}");
        }
    }
    program.write("customers.ledger", &whole);
    program.send(&gateway, &["customers.ledger"]).exits(5);
    gateway.assert_nothing_twice();
}
