//! What happens on connections: answers that come while the program stands still, and answers that nobody asked for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::thread;
use std::time::Duration;

use common::gateway::{Gate, Request, trx_of};
use common::program::Running;
use common::tls::{Authority, TlsServer};
use common::{
    Backend, Gateway, Program, Reply, count_statuses, counts, on_every_backend, own_texts, verifies,
};

on_every_backend!(
    an_answer_that_came_while_the_program_stood_still_counts,
    an_answer_that_had_not_come_is_late_whichever_side_stood_still,
);

/// Longer than the `--timeout` of the tests.
const LONGER: Duration = Duration::from_millis(2600);

const ARGUMENTS: [&str; 3] = ["customers.csv", "--timeout", "2"];

/// Sends texts of their own to this many people through a gateway on plain HTTP, and through one behind TLS.
fn on_both(
    backend: Backend,
    rows: usize,
    arguments: &[&str],
    script: impl Fn(&Request, usize) -> Reply + Clone + Send + Sync + 'static,
    test: impl Fn(&Gateway, &Program, Running),
) {
    let send = |gateway: &Gateway, url: &str, pem: &str| {
        let sheet = own_texts(rows);
        let program = Program::on(backend, &[("customers.csv", &sheet), ("ca.pem", pem)]);
        let trusted = program.path("ca.pem").display().to_string();
        let send = program.send_command(url, arguments);
        let running = send.env("SSL_CERT_FILE", trusted).start();
        test(gateway, &program, running);
        gateway.assert_nothing_twice();
        verifies(&program, &program.ledger("customers"));
    };
    let plain = Gateway::new(script.clone());
    send(&plain, &plain.url(), "");
    let authority = Authority::new();
    let server = TlsServer::before(Gateway::new(script), authority.certify("localhost"));
    send(&server.gateway, &server.url("localhost"), &authority.pem());
}

/// The first request is answered at once, the others when the gate is open, each in another of the usual shapes.
fn gated(gate: &Gate, nth: usize) -> Reply {
    let answer = format!("2000 = SUCCESS:{}", trx_of(nth));
    let reply = match nth % 4 {
        0 => Reply::ok(answer),
        1 => Reply::chunked(&["2000 = ", &answer[7..]]),
        2 => Reply::until_close(answer),
        _ => Reply::ok(answer).header("X-Padding", &"x".repeat(6000)),
    };
    if nth == 0 { reply } else { reply.behind(gate) }
}

fn an_answer_that_came_while_the_program_stood_still_counts(backend: Backend) {
    let gate = Gate::closed();
    let held = gate.clone();
    on_both(
        backend,
        9,
        &ARGUMENTS,
        move |_, nth| gated(&held, nth),
        |gateway, program, running| {
            gateway.wait_for_requests(5);
            running.signal("STOP");
            thread::sleep(Duration::from_millis(200));
            gate.open();
            thread::sleep(LONGER);
            running.signal("CONT");
            running.wait().exits(0);
            let rows = program.results("customers.results.csv");
            assert_eq!(count_statuses(&rows), counts(&[("accepted", 9)]));
        },
    );
}

fn an_answer_that_had_not_come_is_late_whichever_side_stood_still(backend: Backend) {
    on_both(
        backend,
        2,
        &ARGUMENTS,
        |_, nth| match nth {
            0 => Reply::accepted(1),
            _ => Reply::accepted(2).after(2 * LONGER),
        },
        |gateway, program, running| {
            gateway.wait_for_requests(2);
            running.signal("STOP");
            thread::sleep(LONGER);
            running.signal("CONT");
            running.wait().exits(5);
            let rows = program.results("customers.results.csv");
            assert_eq!(
                count_statuses(&rows),
                counts(&[("accepted", 1), ("unknown", 1)])
            );
            let late = |row: &common::Row| row["sms_detail"].contains("no answer within 2 s");
            assert!(rows.iter().any(late), "{rows:?}");
        },
    );
}

/// After each answer but the first comes another one that nobody asked for. The next request, half a second later, finds it
/// there.
#[test]
fn a_second_answer_is_not_that_to_the_next_request() {
    let mut arguments = vec!["customers.csv", "--concurrency", "1", "--batch-size", "1"];
    arguments.extend(["--rate", "2/s"]);
    on_both(
        Backend::File,
        6,
        &arguments,
        |_, nth| match nth {
            0 => Reply::accepted(trx_of(nth)),
            _ => Reply::twice(format!("2000 = SUCCESS:{}", trx_of(nth)), "-1004"),
        },
        |_, program, running| {
            running.wait().exits(0);
            for (nth, row) in program.results("customers.results.csv").iter().enumerate() {
                assert_eq!(row["sms_trx_id"], trx_of(nth));
            }
        },
    );
}
