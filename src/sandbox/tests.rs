//! The sandbox as a client sees it: over a real socket, with a client that knows just enough HTTP.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::*;
use crate::error::Kind;

/// A limit for what must happen at all, however slowly.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longer than any test takes.
const AN_HOUR: Duration = Duration::from_secs(3600);

fn options() -> Options {
    Options {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        outbox: None,
        latency: Duration::ZERO,
        per_number: false,
        credits: MANY_CREDITS,
    }
}

fn with_outbox(path: &Path) -> Options {
    Options {
        outbox: Some(path.to_owned()),
        ..options()
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Response {
    status: u16,
    head: String,
    body: String,
}

/// One keep-alive connection.
struct Client(TcpStream);

fn stop(mut sandbox: Sandbox) -> Result<()> {
    sandbox.stop.send_replace(true);
    sandbox.wait()
}

impl Client {
    fn new(sandbox: &Sandbox) -> Self {
        let stream = TcpStream::connect(sandbox.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    fn write(&mut self, request: &str) {
        self.0.write_all(request.as_bytes()).unwrap();
    }

    /// The next response, or `None` if the connection ended without a byte.
    fn read(&mut self) -> Option<Response> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match self.0.read(&mut byte).unwrap() {
                0 if bytes.is_empty() => return None,
                0 => panic!(
                    "the head is incomplete: {}",
                    String::from_utf8_lossy(&bytes)
                ),
                _ => bytes.push(byte[0]),
            }
        }
        let head = String::from_utf8(bytes).unwrap().to_ascii_lowercase();
        let after = |name: &str| head.split(name).nth(1)?.split("\r\n").next();
        let length = after("content-length: ").map_or(0, |length| length.parse().unwrap());
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        Some(Response {
            status,
            head,
            body: String::from_utf8(body).unwrap(),
        })
    }

    fn post(&mut self, form: &str) -> Option<Response> {
        self.write(&post(form));
        self.read()
    }

    /// The body of the answer to a short text to these numbers.
    fn send_to(&mut self, numbers: &str) -> String {
        let response = self.post(&form(numbers)).expect("an answer");
        assert_eq!(response.status, 200, "{numbers}: {}", response.head);
        response.body
    }
}

fn form(numbers: &str) -> String {
    format!("un=shop&pwd=secret&dstno={numbers}&msg=Hello+%26+bye&type=1&agreedterm=YES")
}

fn post(form: &str) -> String {
    let length = form.len();
    format!(
        "POST /RESTAPI.php HTTP/1.1\r\nHost: sandbox\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
    )
}

/// The `to` column of an outbox, or any other.
fn column(path: &Path, name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let at = reader.headers().unwrap().iter().position(|h| h == name);
    let at = at.expect("the column");
    reader
        .records()
        .map(|r| r.unwrap()[at].to_owned())
        .collect()
}

#[test]
fn answers_the_codes_of_the_reference() {
    let sandbox = start(&options()).unwrap();
    let mut client = Client::new(&sandbox);
    let good = form("60123456789");
    let cases = [
        (good.clone(), "2000 = SUCCESS:1143007207"),
        (form("60123456789;6591234567"), "2000 = SUCCESS:1143007208"),
        (String::new(), "-1008 = MISSING PARAMETER"),
        (good.replace("un=shop&", ""), "-1008 = MISSING PARAMETER"),
        (
            good.replace("secret", "wrong"),
            "-1001 = AUTHENTICATION FAILED",
        ),
        (good.replace("YES", "Y"), "-1013 = INVALID TERM AGREEMENT"),
        (good.replace("type=1", "type=5"), "-1005 = INVALID SMS TYPE"),
        (
            good.replace("Hello", "%E5%A5%BD"),
            "-1012 = UNICODE TEXT WITH ASCII TYPE",
        ),
        (
            good.replace("Hello", &"x".repeat(701)),
            "-1006 = INVALID BODY LENGTH",
        ),
        (form("60123456789;"), "-1009 = INVALID DESTINATION NUMBER"),
        (form("60312345678"), "-1009 = INVALID DESTINATION NUMBER"),
        (format!("{good}&sendid=A"), "-1008 = MISSING PARAMETER"),
        (format!("{good}&sendid=MYSHOP"), "2000 = SUCCESS:1143007209"),
    ];
    for (form, expected) in cases {
        let response = client.post(&form).expect("an answer");
        assert_eq!(
            (response.status, response.body.as_str()),
            (200, expected),
            "{form}"
        );
    }
    stop(sandbox).unwrap();
}

#[test]
fn messages_take_down_the_credits_until_they_are_gone() {
    let sandbox = start(&Options {
        credits: 9,
        ..options()
    });
    let sandbox = sandbox.unwrap();
    let mut client = Client::new(&sandbox);
    let gone = "-1004 = INSUFFICIENT CREDITS";
    let long = form("60123456789").replace("Hello", &"x".repeat(148));
    // "好" and 63 more: two credits for each of two numbers.
    let unicode = form("60123456789;60123456788").replace("type=1", "type=2");
    let unicode = unicode.replace("Hello", &"%E5%A5%BD".repeat(58));
    let cases = [
        (
            form("60123456789;60123456788"),
            "2000 = SUCCESS:1143007207",
            "7",
        ),
        (form("60129001005"), "-1005 = INVALID SMS TYPE", "7"),
        (long, "2000 = SUCCESS:1143007208", "5"),
        (unicode.clone(), "2000 = SUCCESS:1143007209", "1"),
        (unicode, gone, "1"),
        (form("60123456789;60123456788"), gone, "1"),
        (form("60123456789"), "2000 = SUCCESS:1143007210", "0"),
        (form("60123456789"), gone, "0"),
    ];
    for (form, answer, left) in cases {
        assert_eq!(client.post(&form).unwrap().body, answer, "{form}");
        let balance = post("un=shop&pwd=secret").replace(server::PATH, "/isms_balance.php");
        client.write(&balance);
        assert_eq!(client.read().unwrap().body, left, "{form}");
    }
}

#[test]
fn numbers_that_are_refused_alone_cost_nothing() {
    let sandbox = start(&Options {
        credits: 1,
        per_number: true,
        ..options()
    });
    let sandbox = sandbox.unwrap();
    let answer = Client::new(&sandbox).send_to("60123456789;60129001005;123");
    let refused = "-1005 = INVALID SMS TYPE||-1009 = INVALID DESTINATION NUMBER";
    assert_eq!(answer, format!("2000 = SUCCESS:1143007207||{refused}"));
}

#[test]
fn the_account_is_asked_about_with_its_password() {
    let sandbox = start(&options()).unwrap();
    let mut client = Client::new(&sandbox);
    for (page, fields, answer) in [
        ("/isms_balance.php", "un=shop&pwd=secret", "1000000000"),
        (
            "/isms_balance.php",
            "un=shop&pwd=wrong",
            "-1001 = AUTHENTICATION FAILED",
        ),
        ("/isms_balance.php", "un=shop", "-1008 = MISSING PARAMETER"),
        (
            "/isms_expiry_date.php",
            "un=shop&pwd=secret",
            "31 December 2099",
        ),
        (
            "/isms_expiry_date.php",
            "un=shop&pwd=wrong",
            "-1001 = AUTHENTICATION FAILED",
        ),
    ] {
        client.write(&post(fields).replace(server::PATH, page));
        assert_eq!(client.read().unwrap().body, answer, "{page} {fields}");
    }
}

#[test]
fn accepts_get_and_refuses_other_paths_and_methods() {
    let sandbox = start(&options()).unwrap();
    let mut client = Client::new(&sandbox);
    let mut ask = |request: &str| {
        client.write(request);
        let response = client.read().expect("an answer");
        (response.status, response.body)
    };
    let query = form("60123456789");
    assert_eq!(
        ask(&format!(
            "GET /RESTAPI.php?{query} HTTP/1.1\r\nHost: sandbox\r\n\r\n"
        )),
        (200, "2000 = SUCCESS:1143007207".to_owned())
    );
    assert_eq!(
        ask("POST /RESTAPI.php HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 2\r\n\r\n{}"),
        (200, "-1008 = MISSING PARAMETER".to_owned())
    );
    assert_eq!(
        ask("GET /isms.php HTTP/1.1\r\nHost: sandbox\r\n\r\n").0,
        404
    );
    assert_eq!(
        ask("DELETE /RESTAPI.php HTTP/1.1\r\nHost: sandbox\r\n\r\n").0,
        405
    );
}

#[test]
fn refuses_a_body_over_one_mebibyte() {
    let sandbox = start(&options()).unwrap();
    let begin = form("60123456789");
    let filled = |size: usize| format!("{begin}&x={}", "y".repeat(size - begin.len() - 3));
    let mut client = Client::new(&sandbox);
    let full = client.post(&filled(1024 * 1024)).expect("an answer");
    assert_eq!(
        (full.status, full.body.as_str()),
        (200, "2000 = SUCCESS:1143007207")
    );
    let over = client.post(&filled(1024 * 1024 + 1)).expect("an answer");
    assert_eq!(over.status, 413);
}

#[test]
fn numbers_misbehave_by_their_ending() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("outbox.csv");
    let sandbox = start(&with_outbox(&outbox)).unwrap();
    let mut client = Client::new(&sandbox);

    assert_eq!(
        client.send_to("60129001000;60123456789"),
        "-1000 = UNKNOWN ERROR"
    );
    assert_eq!(client.send_to("60129001011"), "-1011");
    assert_eq!(client.send_to("60129001011"), "-1011");
    assert_eq!(
        client.send_to("60129001004"),
        "-1004 = INSUFFICIENT CREDITS"
    );
    assert_eq!(client.send_to("60129001003"), "-1003 = IP NOT ALLOWED");
    assert_eq!(client.send_to("60129001004"), "2000 = SUCCESS:1143007207");
    assert_eq!(client.send_to("60129000200"), "");

    let throttled = client.post(&form("60129000429")).expect("an answer");
    assert_eq!(throttled.status, 429);
    assert!(
        throttled.head.contains("\r\nretry-after: 1\r\n"),
        "{}",
        throttled.head
    );
    assert_eq!(client.send_to("60129000429"), "2000 = SUCCESS:1143007208");

    for _ in 0..2 {
        let unavailable = client.post(&form("60129000503")).expect("an answer");
        assert_eq!(unavailable.status, 503);
    }
    assert_eq!(column(&outbox, "to"), ["60129001004", "60129000429"]);
}

#[test]
fn a_dropped_connection_carries_no_byte_but_the_message_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("outbox.csv");
    let sandbox = start(&with_outbox(&outbox)).unwrap();
    let mut client = Client::new(&sandbox);
    assert_eq!(client.send_to("60123456789"), "2000 = SUCCESS:1143007207");
    for trx_id in ["1143007208", "1143007209"] {
        assert_eq!(client.post(&form("60129000000;60123456789")), None);
        assert_eq!(column(&outbox, "trx_id").last().unwrap(), trx_id);
        client = Client::new(&sandbox);
    }
    let expected = [
        "60123456789",
        "60129000000",
        "60123456789",
        "60129000000",
        "60123456789",
    ];
    assert_eq!(column(&outbox, "to"), expected);
}

#[test]
fn a_late_answer_delays_neither_other_requests_nor_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("outbox.csv");
    let sandbox = start(&with_outbox(&outbox)).unwrap();
    let mut late = Client::new(&sandbox);
    late.write(&post(&form("60129000030")));
    wait_for_lines(&outbox, 1);
    assert_eq!(
        Client::new(&sandbox).send_to("60123456789"),
        "2000 = SUCCESS:1143007208"
    );
    let begun = Instant::now();
    stop(sandbox).unwrap();
    assert!(begun.elapsed() < server::LATE, "the stop waited for it");
    assert_eq!(late.read(), None);
}

#[test]
fn per_number_gives_every_number_its_own_answer() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("outbox.csv");
    let sandbox = start(&Options {
        per_number: true,
        ..with_outbox(&outbox)
    })
    .unwrap();
    let mut client = Client::new(&sandbox);
    assert_eq!(client.send_to("60123456789"), "2000 = SUCCESS:1143007207");
    assert_eq!(
        client.send_to("60123456789;60129001005;60312345678;6591234567"),
        "2000 = SUCCESS:1143007208||-1005 = INVALID SMS TYPE\
         ||-1009 = INVALID DESTINATION NUMBER||2000 = SUCCESS:1143007209"
    );
    assert_eq!(
        client.send_to("60123456789;60129001002"),
        "-1002 = ACCOUNT SUSPENDED OR EXPIRED",
        "the account has one state for all numbers"
    );
    assert_eq!(client.post(&form("60129001009;60129000000")), None);
    let expected = ["60123456789", "60123456789", "6591234567", "60129000000"];
    assert_eq!(column(&outbox, "to"), expected);
    let ids = ["1143007207", "1143007208", "1143007209", "1143007210"];
    assert_eq!(column(&outbox, "trx_id"), ids);
}

#[test]
fn the_outbox_records_every_message_taken() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("outbox.csv");
    let before = jiff::Timestamp::now() - Duration::from_micros(1);
    let sandbox = start(&with_outbox(&outbox)).unwrap();
    let mut client = Client::new(&sandbox);
    let form = "un=shop&pwd=secret&dstno=60123456789;6591234567&type=2&agreedterm=YES&sendid=MYSHOP\
                &msg=%E4%BD%A0%E5%A5%BD%2C%0A%22Ali%22";
    client.post(form).expect("an answer");

    let text = fs::read_to_string(&outbox).unwrap();
    let (header, lines) = text.split_once('\n').unwrap();
    assert_eq!(header, "received_at,trx_id,to,type,sender_id,message");
    let received_at = column(&outbox, "received_at").remove(0);
    let line = |to| format!("{received_at},1143007207,{to},2,MYSHOP,\"你好,\n\"\"Ali\"\"\"\n");
    assert_eq!(lines, line("60123456789") + &line("6591234567"));

    let at: jiff::Timestamp = received_at.parse().unwrap();
    assert!(
        before <= at && at <= jiff::Timestamp::now(),
        "{received_at}"
    );
    assert_eq!(received_at.len(), "2026-01-31T12:00:00.000000+08:00".len());
    let mode = fs::metadata(&outbox).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn an_outbox_is_continued() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("outbox.csv");
    for id in ["1143007207", "1143007208", "1143007209"] {
        let sandbox = start(&with_outbox(&outbox)).unwrap();
        let answer = Client::new(&sandbox).send_to("60123456789;6591234567");
        assert_eq!(answer, format!("2000 = SUCCESS:{id}"));
        stop(sandbox).unwrap();
    }
    assert_eq!(column(&outbox, "to").len(), 6);
    let text = fs::read_to_string(&outbox).unwrap();
    assert_eq!(text.matches("received_at").count(), 1);
}

#[test]
fn an_outbox_cut_anywhere_loses_only_the_incomplete_line() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("outbox.csv");
    let whole = "received_at,trx_id,to,type,sender_id,message\n\
                 2026-01-31T12:00:00.000000+08:00,41,60123456789,1,,plain\n\
                 2026-01-31T12:00:01.000000+08:00,42,60123456789,2,,\"two,\n\"\"你好\"\"\n\"\n";
    let first = whole.match_indices('\n').nth(1).unwrap().0 + 1;
    for cut in 0..=whole.len() {
        fs::write(&outbox, &whole.as_bytes()[..cut]).unwrap();
        let opened = Outbox::open(&outbox).unwrap();
        let (kept, last) = match cut {
            _ if cut == whole.len() => (whole.len(), Some(42)),
            _ if cut >= first => (first, Some(41)),
            _ => (whole.find('\n').unwrap() + 1, None),
        };
        assert_eq!(opened.last_trx_id, last, "cut at {cut}");
        assert_eq!(
            fs::read_to_string(&outbox).unwrap(),
            whole[..kept],
            "cut at {cut}"
        );
    }
}

#[test]
fn a_file_that_is_no_outbox_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("customers.csv");
    let header = "received_at,trx_id,to,type,sender_id,message";
    let bad_id = format!("{header}\n2026-01-31T12:00:00+08:00,none,60123456789,1,,Hello\n");
    let cases = [
        ("name,phone\nAli,60123456789\nSiti", "is not an outbox"),
        ("name", "is not an outbox"),
        (bad_id.as_str(), "line 2 has no transaction id"),
    ];
    for (content, expected) in cases {
        fs::write(&path, content).unwrap();
        let error = start(&with_outbox(&path)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.to_string().contains("customers.csv: "), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn an_outbox_has_one_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.csv");
    let first = start(&with_outbox(&path)).unwrap();
    let error = start(&with_outbox(&path)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("is the outbox of another sandbox"),
        "{error}"
    );
    drop(first);
    stop(start(&with_outbox(&path)).unwrap()).unwrap();
}

#[test]
fn a_message_that_cannot_be_recorded_is_not_taken_and_ends_the_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.csv");
    let outbox = Outbox::open(&path).unwrap().that_cannot_be_written();
    let simulator = Simulator::new(Some(outbox), false, MANY_CREDITS);
    let mut sandbox = launch(options().listen, simulator, Duration::ZERO).unwrap();
    assert_eq!(Client::new(&sandbox).post(&form("60123456789")), None);
    let error = sandbox.wait().unwrap_err();
    assert!(
        error.to_string().contains("outbox.csv: cannot be written"),
        "{error}"
    );
    assert_eq!(column(&path, "to"), [""; 0]);
}

#[test]
fn latency_delays_an_answer() {
    let latency = Duration::from_millis(50);
    let sandbox = start(&Options {
        latency,
        ..options()
    })
    .unwrap();
    let begun = Instant::now();
    assert_eq!(
        Client::new(&sandbox).send_to("60123456789"),
        "2000 = SUCCESS:1143007207"
    );
    assert!(begun.elapsed() >= latency);
}

#[test]
fn requests_wait_in_parallel_and_a_stop_gives_delayed_answers_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = folder.path().join("outbox.csv");
    let sandbox = start(&Options {
        latency: AN_HOUR,
        ..with_outbox(&outbox)
    })
    .unwrap();
    let mut clients: Vec<_> = (0..16).map(|_| Client::new(&sandbox)).collect();
    for client in &mut clients {
        client.write(&post(&form("60123456789")));
    }
    wait_for_lines(&outbox, clients.len());
    stop(sandbox).unwrap();
    let mut answers: Vec<_> = clients
        .iter_mut()
        .map(|client| client.read().expect("an answer").body)
        .collect();
    answers.sort();
    let expected: Vec<_> = (1_143_007_207..1_143_007_223)
        .map(|id| format!("2000 = SUCCESS:{id}"))
        .collect();
    assert_eq!(answers, expected);
}

#[test]
fn a_stop_waits_for_neither_idle_nor_stalled_clients() {
    let sandbox = start(&options()).unwrap();
    let mut idle = Client::new(&sandbox);
    idle.send_to("60123456789");
    let mut stalled = Client::new(&sandbox);
    stalled.write("POST /RESTAPI.php HTTP/1.1\r\nHost: sandbox\r\n");
    stop(sandbox).unwrap();
    assert_eq!(idle.read(), None);
}

#[test]
fn dropping_it_stops_it() {
    let sandbox = start(&options()).unwrap();
    let mut client = Client::new(&sandbox);
    client.send_to("60123456789");
    drop(sandbox);
    assert_eq!(client.read(), None);
}

#[test]
fn listens_on_loopback_only() {
    for listen in ["0.0.0.0:0", "192.0.2.1:8025", "[::]:0"] {
        let listen = listen.parse().unwrap();
        let error = start(&Options {
            listen,
            ..options()
        })
        .unwrap_err();
        assert_eq!(error.kind, Kind::Usage);
        assert_eq!(
            error.to_string(),
            format!(
                "the sandbox listens on loopback addresses only, not on {listen}; \
                 use 127.0.0.1 or [::1]"
            )
        );
    }
    let sandbox = start(&options()).unwrap();
    let port = sandbox.address.port();
    assert_eq!(
        sandbox.url(),
        format!("http://127.0.0.1:{port}/RESTAPI.php")
    );
    let taken = start(&Options {
        listen: sandbox.address,
        ..options()
    });
    assert_eq!(taken.unwrap_err().kind, Kind::Disk);
}

/// Waits until the outbox has that many lines under its header.
fn wait_for_lines(outbox: &Path, lines: usize) {
    let begun = Instant::now();
    while fs::read_to_string(outbox).unwrap().lines().count() <= lines {
        assert!(begun.elapsed() < PATIENCE, "too few lines in the outbox");
        std::thread::yield_now();
    }
}
