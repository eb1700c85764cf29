//! The balance of the account: `balance`, and `send` with `--balance`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::net::TcpListener;

use common::{Gateway, PASSWORD, Program, Reply, USERNAME};

const BALANCE: &str = "/isms_balance.php";
const EXPIRY: &str = "/isms_expiry_date.php";

/// A gateway that states this balance, and accepts messages.
fn stating(balance: &'static str) -> Gateway {
    Gateway::new(move |request, nth| match request.target.as_str() {
        BALANCE => Reply::ok(balance),
        EXPIRY => Reply::ok("31 December 2027"),
        _ => Reply::accepted(1_143_007_207 + nth),
    })
}

#[test]
fn balance_prints_what_the_gateway_states() {
    let program = Program::new();
    for (body, shown) in [
        ("4800", "4800"),
        ("\"4800.50\"", "4800.50"),
        (r#"{"status": "success", "code": 0, "balance": 12}"#, "12"),
    ] {
        let gateway = stating(body);
        let url = gateway.url();
        let run = program
            .command(&["balance", "--gateway", &url])
            .credentials()
            .run();
        assert_eq!(run.code, Some(0), "{run}");
        let expected = format!("Balance       {shown}\nExpiry        31 December 2027\n");
        assert_eq!(run.stdout, expected, "{run}");
        for (request, path) in gateway.requests().iter().zip([BALANCE, EXPIRY]) {
            assert_eq!(request.target, path);
            assert_eq!(request.field("un"), USERNAME);
            assert_eq!(request.field("pwd"), PASSWORD);
            assert_eq!(request.fields.len(), 2, "{request:?}");
        }
        assert_eq!(gateway.count(), 2);
    }
    program.no_secret_anywhere(PASSWORD);
}

#[test]
fn balance_ends_by_what_came_instead() {
    let program = Program::new();
    for (reply, code, words) in [
        ((200, "-1001"), 4, "-1001 (authentication failed"),
        ((200, r#"{"status": "error", "code": -1003}"#), 4, "-1003"),
        ((200, "-1000"), 1, "-1000"),
        ((200, "<html>4800"), 1, "a web page"),
        ((200, ""), 1, "empty"),
        ((404, "404"), 1, "HTTP status 404"),
        ((302, ""), 1, "HTTP status 302"),
        ((503, "busy"), 1, "HTTP status 503"),
        ((429, ""), 75, "HTTP status 429"),
    ] {
        let gateway = Gateway::new(move |_, _| {
            Reply::status(reply.0, reply.1).header("Location", "/elsewhere")
        });
        let url = gateway.url();
        let run = program
            .command(&["balance", "--gateway", &url])
            .credentials()
            .run();
        assert_eq!(run.code, Some(code), "{reply:?} {run}");
        assert!(run.stderr.contains(words), "{run}");
        assert_eq!(run.stdout, "", "{run}");
        assert_eq!(
            gateway.count(),
            1,
            "one question, and no redirect: {reply:?}"
        );
    }
    let long = Gateway::new(|_, _| Reply::ok("5".repeat(70_000)));
    let run = program
        .command(&["balance", "--gateway", &long.url()])
        .credentials()
        .run();
    assert_eq!(run.code, Some(1), "{run}");
    let cut = Gateway::new(|_, _| Reply::cut("48", 2));
    let run = program
        .command(&["balance", "--gateway", &cut.url()])
        .credentials()
        .run();
    assert_eq!(run.code, Some(1), "{run}");
    assert!(run.stderr.contains("cut short"), "{run}");

    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{closed}/RESTAPI.php");
    let run = program
        .command(&["balance", "--gateway", &url])
        .credentials()
        .run();
    assert_eq!(run.code, Some(75), "{run}");
    let run = program.command(&["balance", "--gateway", &url]).run();
    assert_eq!(run.code, Some(1), "without an account: {run}");
}

#[test]
fn an_expiry_that_cannot_be_read_is_a_warning() {
    let gateway = Gateway::new(|request, _| match request.target.as_str() {
        BALANCE => Reply::ok("5"),
        _ => Reply::status(404, "<html>"),
    });
    let program = Program::new();
    let run = program
        .command(&["balance", "--gateway", &gateway.url()])
        .credentials()
        .run();
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(0), "Balance       5\n"),
        "{run}"
    );
    assert!(run.stderr.contains("states no expiry date"), "{run}");
}

#[test]
fn the_balance_is_on_the_gateways_host_whatever_its_path() {
    let gateway = stating("7");
    let program = Program::new();
    for path in ["/", "/relay/RESTAPI.php?tenant=secret", ""] {
        let url = format!("http://{}{path}", gateway.address());
        let run = program
            .command(&["balance", "--gateway", &url])
            .credentials()
            .run();
        assert_eq!(run.code, Some(0), "{run}");
    }
    let targets = gateway.requests().into_iter().map(|request| request.target);
    assert_eq!(targets.collect::<Vec<_>>(), [BALANCE, EXPIRY].repeat(3));
}

#[test]
fn the_sandbox_has_credits() {
    let program = Program::new();
    let run = program.run(&["balance", "--sandbox", "--credits", "4800"]);
    let expected = "Balance       4800\nExpiry        31 December 2099\n";
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(0), expected),
        "{run}"
    );
    let run = program.run(&["balance", "--credits", "4800"]);
    assert_eq!(run.code, Some(2), "{run}");
}
