//! Certificates: which are trusted, and what happens when one is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Duration;

use common::tls::{Authority, Identity, TlsServer};
use common::{Gateway, Program, count_statuses, counts, own_texts};

const ARGUMENTS: [&str; 3] = ["customers.csv", "--summary-json", "summary.json"];

fn program(pem: &str) -> Program {
    Program::with(&[("customers.csv", &own_texts(3)), ("ca.pem", pem)])
}

#[test]
fn a_certificate_of_a_known_issuer_is_trusted() {
    let authority = Authority::new();
    let server = TlsServer::before(Gateway::accepting(), authority.certify("localhost"));
    let bundle = format!("# ours\n{}{}", Authority::new().pem(), authority.pem());
    let crlf = authority.pem().replace('\n', "\r\n");
    for (pem, variable, value) in [
        (authority.pem(), "SSL_CERT_FILE", "ca.pem"),
        (bundle, "SSL_CERT_FILE", "ca.pem"),
        (crlf, "SSL_CERT_FILE", "ca.pem"),
        (authority.pem(), "SSL_CERT_DIR", "."),
        (authority.pem(), "SSL_CERT_DIR", "no-such-folder:."),
    ] {
        let program = program(&pem);
        let run = program
            .send_command(&server.url("localhost"), &ARGUMENTS)
            .env(variable, value)
            .run();
        run.exits(0);
        let rows = program.results("customers.results.csv");
        assert_eq!(count_statuses(&rows), counts(&[("accepted", 3)]));
    }
}

#[test]
fn a_certificate_signed_by_itself_can_be_named() {
    let (identity, pem) = Identity::self_signed("localhost", false);
    let server = TlsServer::before(Gateway::accepting(), identity);
    program(&pem)
        .send_command(&server.url("localhost"), &ARGUMENTS)
        .env("SSL_CERT_FILE", "ca.pem")
        .run()
        .exits(0);
}

#[test]
fn a_certificate_that_is_refused_stops_the_run_at_once() {
    let authority = Authority::new();
    let (alone, _) = Identity::self_signed("localhost", false);
    let (issuer, issuer_pem) = Identity::self_signed("localhost", true);
    let known = ("SSL_CERT_FILE", "ca.pem");
    let table = [
        (
            "an issuer that nobody knows",
            authority.certify("localhost"),
            ("LANG", "C"),
            &["issuer", "SSL_CERT_FILE"][..],
        ),
        (
            "nothing where the issuer should be",
            authority.certify("localhost"),
            ("SSL_CERT_FILE", "none.pem"),
            &["issuer", "none.pem"],
        ),
        (
            "a file without certificates",
            authority.certify("localhost"),
            ("SSL_CERT_FILE", "customers.csv"),
            &["issuer"],
        ),
        (
            "an empty variable",
            authority.certify("localhost"),
            ("SSL_CERT_FILE", ""),
            &["issuer"],
        ),
        (
            "another issuer",
            Authority::new().certify("localhost"),
            known,
            &["issuer"],
        ),
        ("signed by itself", alone, known, &["issuer"]),
        (
            "expired",
            authority.certify_for_years("localhost", 2001, 2002),
            known,
            &["has expired", "date and time"],
        ),
        (
            "expired, and from nobody",
            Authority::new().certify_for_years("localhost", 2001, 2002),
            known,
            &["certificate"],
        ),
        (
            "not valid yet",
            authority.certify_for_years("localhost", 2990, 2999),
            known,
            &["not valid yet"],
        ),
        (
            "another name",
            authority.certify("gateway.test"),
            known,
            &["another name"],
        ),
        (
            "a part of the name",
            authority.certify("*.localhost"),
            known,
            &["another name"],
        ),
        (
            "an address instead of the name",
            authority.certify("127.0.0.1"),
            known,
            &["another name"],
        ),
    ];
    for (name, identity, (variable, value), words) in table {
        let server = TlsServer::before(Gateway::accepting(), identity);
        refused(name, &server, &authority.pem(), (variable, value), words);
    }
    let server = TlsServer::before(Gateway::accepting(), issuer);
    refused(
        "an issuer's own",
        &server,
        &issuer_pem,
        known,
        &["certificate"],
    );
}

/// Panics unless a run ends with 1 soon, says these words, and leaves everything pending.
fn refused(name: &str, server: &TlsServer, pem: &str, variable: (&str, &str), words: &[&str]) {
    let program = program(pem);
    let run = program
        .send_command(&server.url("localhost"), &ARGUMENTS)
        .env(variable.0, variable.1)
        .run();
    run.exits(1).says(&["localhost", "certificate"]).says(words);
    run.shows(run.elapsed < Duration::from_secs(20), name);
    assert_eq!(server.gateway.count(), 0, "{name}");
    let summary = program.summary_json("summary.json");
    assert_eq!(summary["stopped_by"], "error", "{name}");
    assert!(
        summary["error"].as_str().unwrap().contains("certificate"),
        "{name}"
    );
    assert_eq!(summary["requests"], 0, "{name}");
    let rows = program.results("customers.results.csv");
    assert_eq!(count_statuses(&rows), counts(&[("pending", 3)]), "{name}");
    program.run(&["verify", "customers.ledger"]).exits(0);
}
