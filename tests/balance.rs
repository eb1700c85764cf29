//! The balance of the account: `balance`, and `send` with `--balance`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::net::TcpListener;
use std::time::Duration;

use common::{Gateway, PASSWORD, Program, Reply, USERNAME, people};

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

/// The requests that send messages.
fn sending(gateway: &Gateway) -> usize {
    let requests = gateway.requests();
    requests
        .iter()
        .filter(|request| request.target == "/RESTAPI.php")
        .count()
}

/// A campaign of five rows, sent to this gateway.
fn send(program: &Program, gateway: &Gateway, more: &[&str]) -> common::program::Run {
    program.write("may.csv", people(5));
    let mut arguments = vec!["may.csv", "--message", "Hi", "--summary-json", "may.json"];
    arguments.extend(more);
    program.send(gateway, &arguments)
}

#[test]
fn a_run_compares_the_balance_before_its_first_request_and_after_its_last() {
    let program = Program::new();
    let gateway = Gateway::new(|request, nth| match (request.target.as_str(), nth) {
        (BALANCE, 0) => Reply::ok("4800.50"),
        (BALANCE, _) => Reply::ok("4795.50"),
        _ => Reply::accepted(nth),
    });
    let run = send(&program, &gateway, &["--balance", "warn"]);
    assert_eq!(run.code, Some(0), "{run}");
    let compared = "this run needs 5 credits, the account has 4,800.50";
    assert!(run.stderr.contains(compared), "{run}");
    assert!(run.stderr.contains("the account has 4,795.50 now"), "{run}");
    let summary = program.summary_json("may.json");
    assert_eq!(summary["balance_before"], 4800.5, "{summary}");
    assert_eq!(summary["balance_after"], 4795.5, "{summary}");
    assert_eq!(summary["requests"], 1, "{summary}");
    let targets = gateway.requests().into_iter().map(|request| request.target);
    assert_eq!(
        targets.collect::<Vec<_>>(),
        [BALANCE, "/RESTAPI.php", BALANCE]
    );
}

#[test]
fn a_balance_that_is_short_is_a_warning_or_refused() {
    for (check, balance, code, words) in [
        (
            "warn",
            "4",
            0,
            "Warning: this run needs 5 credits, the account has 4",
        ),
        (
            "require",
            "4.99",
            4,
            "needs 5 credits, the account has 4.99; nothing is sent",
        ),
        ("require", "5", 0, "needs 5 credits, the account has 5"),
        ("warn", "-1004", 0, "Warning: the balance is not known"),
        ("require", "-1003", 4, "-1003 (the IP address"),
        ("warn", "<html>", 0, "Warning: the balance is not known"),
        ("require", "<html>", 4, "a web page"),
        ("require", "", 4, "empty"),
    ] {
        let program = Program::new();
        let gateway = stating(balance);
        let run = send(&program, &gateway, &["--balance", check]);
        assert_eq!(run.code, Some(code), "{balance} {run}");
        assert!(run.stderr.contains(words), "{run}");
        let summary = program.summary_json("may.json");
        let (sent, stopped_by) = if code == 0 {
            (1, "null")
        } else {
            (0, "\"account\"")
        };
        assert_eq!(sending(&gateway), sent, "{run}");
        assert_eq!(summary["stopped_by"].to_string(), stopped_by, "{summary}");
        assert_eq!(summary["pending"], 5 * (1 - sent), "{summary}");
        let stated = balance.parse().ok().filter(|stated: &f64| *stated >= 0.0);
        assert_eq!(summary["balance_before"].as_f64(), stated, "{summary}");
        if code == 4 {
            assert_eq!(summary["error_kind"], "account", "{summary}");
            let rows = program.results("may.results.csv");
            assert!(rows.iter().all(|row| row["sms_status"] == "pending"));
            // Nothing stands in the way of the same campaign.
            let run = send(&program, &gateway, &["--balance", "off"]);
            assert_eq!(run.code, Some(0), "{run}");
        }
    }
}

#[test]
fn a_part_needs_at_most_what_as_many_of_its_dearest_texts_cost() {
    let program = Program::new();
    let sheet = format!(
        "phone,message\n012-550 0001,short\n012-550 0002,{}\n012-550 0003,short too\n",
        "long ".repeat(40)
    );
    program.write("may.csv", sheet);
    let gateway = stating("3");
    let run = program.send(
        &gateway,
        &["may.csv", "--limit", "1", "--balance", "require"],
    );
    assert_eq!(run.code, Some(0), "{run}");
    assert!(
        run.stderr
            .contains("needs up to 2 credits, the account has 3"),
        "{run}"
    );
    let run = program.send(&gateway, &["may.csv", "--balance", "require"]);
    assert_eq!(run.code, Some(0), "{run}");
    assert!(
        run.stderr.contains("needs 3 credits, the account has 3"),
        "{run}"
    );
}

#[test]
fn other_gateways_are_not_asked_unless_somebody_wants_it() {
    let program = Program::new();
    let gateway = stating("5");
    let run = send(&program, &gateway, &[]);
    assert_eq!(run.code, Some(0), "{run}");
    assert_eq!(gateway.count(), 1);
    let summary = program.summary_json("may.json");
    assert!(summary["balance_before"].is_null() && summary["balance_after"].is_null());
    // When nothing is left to send, nobody is asked.
    let run = send(&program, &gateway, &["--balance", "require"]);
    assert_eq!(run.code, Some(0), "{run}");
    assert_eq!(gateway.count(), 1);
}

#[test]
fn a_balance_that_cannot_be_read_after_the_run_changes_no_exit_code() {
    for reply in ["", "<html>", "-1001"] {
        let program = Program::new();
        let gateway = Gateway::new(move |request, nth| match (request.target.as_str(), nth) {
            (BALANCE, 0) => Reply::ok("100"),
            (BALANCE, _) => Reply::ok(reply),
            _ => Reply::accepted(nth),
        });
        let run = send(&program, &gateway, &["--balance", "require"]);
        assert_eq!(run.code, Some(0), "{run}");
        assert!(
            run.stderr
                .contains("The balance after the run is not known"),
            "{run}"
        );
        let summary = program.summary_json("may.json");
        assert_eq!(summary["balance_before"], 100);
        assert!(summary["balance_after"].is_null(), "{summary}");
    }
}

#[test]
fn a_gateway_that_does_not_state_its_balance_stalls_no_run() {
    let program = Program::new();
    let gateway = Gateway::new(|request, nth| match request.target.as_str() {
        BALANCE => Reply::ok("100").after(Duration::from_secs(60)),
        _ => Reply::accepted(nth),
    });
    program.write("may.csv", people(5));
    let asking = [
        "may.csv",
        "--message",
        "Hi",
        "--balance",
        "warn",
        "--timeout",
        "1",
    ];
    let run = program.send_command(&gateway.url(), &asking);
    let run = run.bound(Duration::from_secs(20)).run();
    assert_eq!(run.code, Some(0), "{run}");
    assert!(run.stderr.contains("no answer within 1 s"), "{run}");
    assert_eq!(program.results("may.results.csv").len(), 5);
}

#[test]
fn a_campaign_ends_when_the_credits_of_the_sandbox_are_gone() {
    let program = Program::new();
    program.write("may.csv", people(5));
    let arguments = [
        "send",
        "--message",
        "Hi",
        "may.csv",
        "--sandbox",
        "--yes",
        "--batch-size",
        "2",
        "--summary-json",
        "may.json",
        "--credits",
    ];
    let run = program.command(&arguments).more(&["3"]).run();
    assert_eq!(run.code, Some(4), "{run}");
    assert!(
        run.stderr.contains("needs 5 credits, the account has 3"),
        "{run}"
    );
    assert!(run.stderr.contains("-1004"), "{run}");
    let summary = program.summary_json("may.json");
    assert_eq!(summary["accepted"], 3, "{summary}");
    assert_eq!(
        (&summary["balance_before"], &summary["balance_after"]),
        (&3.into(), &0.into())
    );
    let run = program.command(&arguments).more(&["2"]).run();
    assert_eq!(run.code, Some(0), "{run}");
}
