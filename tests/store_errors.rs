//! What a user of a store sees where its database cannot be used: which command ends how, and what it says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use common::stored::{HI, grants, stored};
use common::{Gateway, Program, people, postgres};

#[test]
fn a_server_that_cannot_be_reached_ends_a_command_at_once_and_a_send_after_a_while() {
    let program = Program::with(&[("may.csv", &people(1))]);
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().to_str().unwrap().replace('/', "%2F");
    let url = format!("postgresql://me@{socket}/sms");
    let plan = [&["plan", "may.csv"][..], &HI].concat();
    let rows = ["resolve", "may", "--all", "--as", "accepted"];
    let all = ["status", "verify", "results", "cancel"].map(|command| vec![command, "may"]);
    let all = all
        .into_iter()
        .chain([plan, rows.to_vec(), vec!["campaigns"]]);
    for words in all {
        let run = program.command(&words).more(&["--store", &url]).run();
        run.exits(75).says(&["cannot be reached"]);
        assert!(run.elapsed < Duration::from_secs(9), "{run}");
    }
    let gateway = Gateway::accepting();
    for words in [&["may"][..], &[&["may.csv"][..], &HI].concat()] {
        let words = [words, &["--store", &url, "--give-up-after", "2s"]].concat();
        let run = program.send(&gateway, &words);
        run.exits(75).says(&["Trying again", "cannot be reached"]);
        assert!(run.elapsed >= Duration::from_secs(2), "{run}");
    }
    assert_eq!(gateway.count(), 0);
}

/// A server that answers every connection with this and closes it. Returns its address.
fn answering(answer: &[u8]) -> String {
    let answer = answer.to_owned();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for client in server.incoming() {
            let mut client = client.unwrap();
            let mut said = [0; 512];
            let _ = client.read(&mut said).unwrap();
            client.write_all(&answer).unwrap();
        }
    });
    address
}

/// The answer of a server that ends a connection with an error.
fn error(code: &str, message: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0C{code}\0M{message}\0\0");
    let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
    [b"E", &length[..], fields.as_bytes()].concat()
}

/// What every command leads to where a server answers like this, with this sslmode.
fn check(answer: &[u8], mode: &str, exit: i32, words: &str) {
    let program = Program::with(&[("may.csv", &people(1))]);
    let gateway = Gateway::accepting();
    let url = format!("postgresql://me@{}/sms?sslmode={mode}", answering(answer));
    let store = ["--store", &url];
    let plan = ["plan", "may.csv", "--message", "Hi"];
    for command in [&["status", "may"][..], &plan] {
        let run = program.command(command).more(&store).run();
        run.exits(exit).says(&[words]);
    }
    let words_of = [&["may", "--give-up-after", "1s"][..], &store].concat();
    let sent = program.send(&gateway, &words_of);
    sent.exits(exit).says(&[words]);
    let is_tried_again = sent.stderr.contains("Trying again");
    assert_eq!(is_tried_again, exit == 75, "{sent}");
    assert_eq!(gateway.count(), 0);
}

#[test]
fn a_server_that_will_never_let_this_program_in_is_refused_at_once() {
    let plain = |answer: &[u8], words| check(answer, "disable", 1, words);
    let encrypted = |answer: &[u8], words| check(answer, "verify-full", 1, words);

    // It asks for a password, or for Kerberos.
    plain(b"R\0\0\0\x08\0\0\0\x03", "set PGPASSWORD");
    plain(b"R\0\0\0\x08\0\0\0\x07", "let this user in with a password");
    // It is a server of something else.
    plain(b"SSH-2.0-OpenSSH_9.2\r\n", "is not PostgreSQL");
    plain(b"HTTP/1.1 400 Bad Request\r\n\r\n", "is not PostgreSQL");
    // It has no TLS, refuses the handshake, or speaks another language.
    encrypted(b"N", "sslmode=disable");
    encrypted(b"S\x15\x03\x03\0\x02\x02\x28", "ssl settings");
    encrypted(b"SSH-2.0-OpenSSH_9.2\r\n", "is not PostgreSQL");
    encrypted(
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        "correct the host and the port",
    );
}

#[test]
fn what_may_pass_is_tried_again_and_nothing_else() {
    let refused = |code, message, words| check(&error(code, message), "disable", 1, words);
    let unreachable = |code, message, words| check(&error(code, message), "disable", 75, words);
    let no_entry = "no pg_hba.conf entry for host \"::1\", user \"me\", no encryption";
    refused(
        "28P01",
        "password authentication failed",
        "it may have expired",
    );
    refused("28000", "role \"me\" does not exist", "check the user");
    refused("28000", no_entry, "set sslmode=verify-full in the store");
    refused("3D000", "database \"sms\" does not exist", "createdb");
    refused(
        "42704",
        "unrecognized configuration parameter \"a\"",
        "take it out of the store's URL",
    );
    refused(
        "08P01",
        "unsupported startup parameter: options",
        "take it out of the store's URL",
    );
    refused(
        "08P01",
        "no such database: sms",
        "the pooler's owner add it",
    );
    refused(
        "08P01",
        "password authentication failed",
        "the pooler's owner let this user in",
    );
    refused(
        "08P01",
        "transaction blocks not allowed in statement pooling mode",
        "whose mode is session",
    );
    refused("53100", "could not extend file", "make room");
    refused("XX001", "invalid page in block 7", "look at its log");
    unreachable("08P01", "query_wait_timeout", "takes connections");
    unreachable(
        "53300",
        "sorry, too many clients already",
        "takes connections",
    );
    unreachable(
        "57P03",
        "the database system is starting up",
        "takes connections",
    );
    unreachable(
        "57014",
        "canceling statement due to user request",
        "who cancels statements",
    );
    unreachable(
        "55000",
        "database \"sms\" is not currently accepting connections",
        "allows connections",
    );
}

#[test]
fn who_may_not_is_refused_at_once_and_who_may_only_read_can_report() {
    let Some(store) = stored("rights", &people(1)) else {
        return;
    };
    let mut owner = postgres::server().unwrap().connect("rights");
    store.plan();
    owner.batch_execute("CREATE ROLE reporter LOGIN").unwrap();
    for words in [&["status", "may"][..], &["send", "may", "--yes"]] {
        let stranger = store.as_user("stranger", words);
        stranger
            .exits(1)
            .says(&["the database refuses this user", "PGPASSWORD"]);
        let reporter = store.as_user("reporter", words);
        reporter.exits(1).says(&["may not do that", "guide"]);
    }
    owner.batch_execute(&grants("reporter")).unwrap();
    for words in [
        &["status", "may"][..],
        &["status", "may", "--json"],
        &["verify", "may"],
        &["results", "may"],
        &["results", "may", "--status", "pending"],
        &["campaigns"],
    ] {
        store.as_user("reporter", words).exits(0);
    }
    for words in [
        &["send", "may", "--yes"][..],
        &["test", "may", "--to", "012-550 9999", "--yes"],
        &["cancel", "may", "--yes"],
        &["resolve", "may", "--all", "--as", "not-sent"],
        &[&["plan", "may.csv", "--name", "x"][..], &HI].concat(),
    ] {
        let refused = store.as_user("reporter", words);
        refused
            .exits(1)
            .says(&["may not do that", "guide many-hosts"]);
    }
    store.run(&["verify", "may"]).exits(0);
}

/// What the owner of a database has set for a user, or keeps from users, must not end a campaign half-way, and what forbids it is named.
#[test]
fn time_outs_of_a_user_do_no_harm_and_a_database_that_is_only_read_is_named() {
    let Some(store) = stored("settings", &people(3)) else {
        return;
    };
    let mut owner = postgres::server().unwrap().connect("settings");
    owner
        .batch_execute(
            "CREATE ROLE hurried LOGIN; CREATE SCHEMA isms_campaign AUTHORIZATION hurried;
             ALTER ROLE hurried SET statement_timeout = '300ms'; ALTER ROLE hurried SET lock_timeout = '1ms';
             ALTER ROLE hurried SET idle_in_transaction_session_timeout = '300ms';
             REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public",
        )
        .unwrap();
    let plan = [&["plan", "may.csv"][..], &HI].concat();
    store.as_user("hurried", &plan).exits(0);
    let gateway = Gateway::accepting();
    let url = gateway.url();
    let send = ["send", "may", "--yes", "--rate", "1/s", "--gateway", &url];
    store.as_user("hurried", &send).exits(0);
    owner
        .batch_execute("ALTER ROLE hurried SET default_transaction_read_only = on")
        .unwrap();
    store.as_user("hurried", &["status", "may"]).exits(0);
    let refused = store.as_user(
        "hurried",
        &["plan", "may.csv", "--name", "june", "--message", "Hi"],
    );
    refused
        .exits(1)
        .says(&["cannot be written", "default_transaction_read_only"]);
}
