//! The HTTP client against real sockets: what a request looks like, and the outcome of every answer and failure.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::panic)]

mod ways_to_fail;

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use super::*;
use crate::domain::{Encoding, Msisdn, SenderId};
use crate::gateway::proxy::Proxy;
use crate::gateway::{Code, Fence, Password};

const PASSWORD: &str = "p&ss w\u{f6}rd+%";

/// The limit of every wait of a test server, so that a failing test ends.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server's end of a connection.
struct Peer(TcpStream);

/// A request as it was received.
struct ReceivedRequest {
    head: String,
    body: Vec<u8>,
}

impl Peer {
    fn read(&mut self, bytes: usize) -> Vec<u8> {
        let mut read = vec![0; bytes];
        self.0.read_exact(&mut read).unwrap();
        read
    }

    fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.read(1));
        }
        String::from_utf8(head).unwrap()
    }

    fn request(&mut self) -> ReceivedRequest {
        let head = self.head();
        let body = self.read(length_in(&head));
        ReceivedRequest { head, body }
    }

    /// Reads a request without its last byte, so that closing the connection resets it.
    fn request_without_last_byte(&mut self) {
        let head = self.head();
        self.read(length_in(&head) - 1);
        let mut last = [0];
        while self.0.peek(&mut last).unwrap() == 0 {}
    }

    fn write(&mut self, bytes: &[u8]) {
        // The client may have closed already. The test notices that.
        let _ = self.0.write_all(bytes);
    }

    fn answer(&mut self, body: &str) {
        self.write(ok(body).as_bytes());
    }

    /// Waits until the client has closed.
    fn wait_for_close(&mut self) {
        let _ = self.0.read_to_end(&mut Vec::new());
    }
}

fn length_in(head: &str) -> usize {
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.parse().unwrap())
    });
    length.unwrap()
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A server that handles its connections in turn with these scripts. The receiver gets what the scripts return. The
/// listener shows whether more connections were made.
fn serve<T: Send + 'static>(
    scripts: Vec<Box<dyn FnOnce(Peer) -> T + Send>>,
) -> (SocketAddr, TcpListener, mpsc::Receiver<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, accepting) = (
        listener.local_addr().unwrap(),
        listener.try_clone().unwrap(),
    );
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for script in scripts {
            let (stream, _) = accepting.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.set_write_timeout(Some(PATIENCE)).unwrap();
            let _ = sender.send(script(Peer(stream)));
        }
        drop(accepting);
        drop(sender);
    });
    (address, listener, receiver)
}

fn saw_no_other_connection(listener: &TcpListener) -> bool {
    listener.set_nonblocking(true).unwrap();
    listener
        .accept()
        .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

fn gateway(url: &str, total: Duration) -> HttpGateway {
    HttpGateway::rest(
        Endpoint::parse(url).unwrap(),
        Network::default(),
        credentials(),
        Timeouts {
            connect: total,
            total,
        },
    )
}

fn gateway_at(address: SocketAddr) -> HttpGateway {
    gateway(&format!("http://{address}/RESTAPI.php"), PATIENCE)
}

fn credentials() -> Credentials {
    Credentials {
        username: "ali & co".to_owned(),
        password: Password::new(PASSWORD),
    }
}

fn messages(count: u64, text: &str, encoding: Encoding) -> Vec<Message> {
    (0..count)
        .map(|n| Message {
            number: Msisdn::from_u64(60_123_456_789 + n).unwrap(),
            text: text.into(),
            encoding,
        })
        .collect()
}

fn submit(gateway: &mut HttpGateway, count: u64) -> Reply {
    submit_text(gateway, count, "hello")
}

fn submit_text(gateway: &mut HttpGateway, count: u64, text: &str) -> Reply {
    let reply = gateway.submit(&Request {
        messages: &messages(count, text, Encoding::Ascii),
        sender_id: None,
        fence: None,
    });
    let shown = format!("{reply:?}");
    assert!(
        !shown.contains(PASSWORD) && !shown.contains("p%26ss"),
        "{shown}"
    );
    reply
}

/// The reply to one request whose connection is handled by this script.
fn reply_with(script: impl FnOnce(Peer) + Send + 'static) -> Reply {
    let (address, listener, _done) = serve(vec![Box::new(script)]);
    let reply = submit(&mut gateway_at(address), 1);
    assert!(
        saw_no_other_connection(&listener),
        "the request was made again"
    );
    reply
}

/// The reply to one request whose response is these bytes, followed by an orderly close.
fn reply_to(response: &str) -> Reply {
    let response = response.to_owned();
    reply_with(move |mut peer| {
        peer.request();
        peer.write(response.as_bytes());
    })
}

fn accepted(trx_id: &str) -> Outcomes {
    Outcomes::All(Outcome::Accepted {
        code: Code(2000),
        trx_id: Some(trx_id.to_owned()),
    })
}

fn refusal(code: i32) -> Outcome {
    let code = Code(code);
    Outcome::Refused {
        code,
        kind: code.refusal_kind(),
    }
}

fn stopped(code: i32) -> Outcomes {
    Outcomes::All(Outcome::AccountStopped {
        code: Code(code),
        why: format!("the gateway answered {code}: {}", Code(code).meaning()),
    })
}

fn throttled(seconds: Option<u64>) -> Outcomes {
    Outcomes::All(Outcome::Throttled {
        after: seconds.map(Duration::from_secs),
    })
}

fn unknown_because(why: &str) -> Outcomes {
    Outcomes::All(Outcome::NoAnswer {
        why: why.to_owned(),
        code: None,
    })
}

fn why_unknown(reply: &Reply) -> &str {
    match &reply.outcomes {
        Outcomes::All(Outcome::NoAnswer { why, code: None }) => why,
        other => panic!("not unknown: {other:?}"),
    }
}

fn why_not_sent(reply: &Reply) -> &str {
    match (&reply.outcomes, reply.http_status, reply.raw.as_str()) {
        (Outcomes::All(Outcome::NotSent { why }), None, "") => why,
        _ => panic!("it was sent: {reply:?}"),
    }
}

// The request

#[test]
fn the_request_is_a_form_with_exactly_the_fields_of_the_reference() {
    let (address, _, received) = serve(vec![Box::new(|mut peer: Peer| {
        let request = peer.request();
        peer.answer("2000 = SUCCESS:1143007207");
        request
    })]);
    let text = "Baki: RM5 & 50% + d\u{e9}j\u{e0} \u{4f60}\u{597d}\n= ok; \u{1f600}";
    let reply = gateway_at(address).submit(&Request {
        messages: &messages(3, text, Encoding::Unicode),
        sender_id: Some(&SenderId::parse("KEDAI").unwrap()),
        fence: None,
    });
    assert_eq!(reply.outcomes, accepted("1143007207"));
    assert_eq!(
        (reply.http_status, reply.raw.as_str()),
        (Some(200), "2000 = SUCCESS:1143007207")
    );

    let ReceivedRequest { head, body } = received.recv_timeout(PATIENCE).unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /RESTAPI.php HTTP/1.1"));
    let headers: Vec<_> = lines.map(str::to_ascii_lowercase).collect();
    let host = format!("host: {address}");
    let agent = format!("user-agent: isms-campaign/{}", env!("CARGO_PKG_VERSION"));
    for header in [
        &host,
        &agent,
        "content-type: application/x-www-form-urlencoded",
        "accept-encoding: identity",
    ] {
        assert!(
            headers.iter().any(|line| line == header),
            "{header} in {head}"
        );
    }
    assert!(!head.to_ascii_lowercase().contains("expect:"), "{head}");
    assert!(
        !head.contains("ali") && !head.contains("ss"),
        "a credential in {head}"
    );

    assert!(body.is_ascii(), "everything else is percent-encoded");
    let fields = fields_of(&body);
    let expected = [
        ("un", "ali & co"),
        ("pwd", PASSWORD),
        ("dstno", "60123456789;60123456790;60123456791"),
        ("msg", text),
        ("type", "2"),
        ("agreedterm", "YES"),
        ("sendid", "KEDAI"),
    ];
    assert_eq!(
        fields,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[test]
fn messages_with_different_texts_or_types_are_not_sent() {
    let (_, listener, _done) = serve::<()>(Vec::new());
    let mut gateway = gateway_at(listener.local_addr().unwrap());
    for (text, encoding) in [
        ("hello!", Encoding::Ascii),
        ("hello", Encoding::Unicode),
        ("h\u{e9}llo", Encoding::Unicode),
        ("", Encoding::Ascii),
    ] {
        let mut mixed = messages(3, "hello", Encoding::Ascii);
        (mixed[2].text, mixed[2].encoding) = (text.into(), encoding);
        let request = Request {
            messages: &mixed,
            sender_id: None,
            fence: None,
        };
        let reply = gateway.submit(&request);
        assert_eq!(
            why_not_sent(&reply),
            "the gateway cannot take these texts in one request",
            "{text}"
        );
    }
    assert!(saw_no_other_connection(&listener));
}

/// The fields of a form, decoded as a server does it.
fn fields_of(body: &[u8]) -> Vec<(String, String)> {
    let body = std::str::from_utf8(body).unwrap();
    let decoded = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                other => other,
            });
        }
        String::from_utf8(bytes).unwrap()
    };
    body.split('&')
        .map(|field| field.split_once('=').unwrap())
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

#[test]
fn a_kept_connection_serves_the_next_request() {
    let (address, listener, received) = serve(vec![Box::new(|mut peer: Peer| {
        let first = peer.request();
        peer.answer("2000 = SUCCESS:1");
        let second = peer.request();
        peer.answer("-1009 = BAD||2000 = SUCCESS:2");
        peer.wait_for_close();
        (first, second)
    })]);
    let mut gateway = gateway_at(address);
    assert_eq!(submit(&mut gateway, 1).outcomes, accepted("1"));
    let each = vec![
        refusal(-1009),
        Outcome::Accepted {
            code: Code(2000),
            trx_id: Some("2".to_owned()),
        },
    ];
    assert_eq!(submit(&mut gateway, 2).outcomes, Outcomes::Each(each));
    drop(gateway);
    let (first, second) = received.recv_timeout(PATIENCE).unwrap();
    assert_eq!(fields_of(&first.body)[2].1, "60123456789");
    assert!(
        fields_of(&first.body)
            .iter()
            .all(|(name, _)| name != "sendid")
    );
    assert_eq!(fields_of(&second.body)[2].1, "60123456789;60123456790");
    assert!(saw_no_other_connection(&listener));
}

// Kept connections

#[test]
fn a_kept_connection_that_the_server_closed_is_not_used_again() {
    let script = |trx_id: &'static str| -> Box<dyn FnOnce(Peer) -> usize + Send> {
        Box::new(move |mut peer: Peer| {
            let request = peer.request();
            peer.answer(trx_id);
            request.body.len()
        })
    };
    let (address, listener, closed) = serve(vec![script("2000:1"), script("2000:2")]);
    let mut gateway = gateway_at(address);
    assert_eq!(submit(&mut gateway, 1).outcomes, accepted("1"));
    closed.recv_timeout(PATIENCE).unwrap();
    assert_eq!(submit(&mut gateway, 1).outcomes, accepted("2"));
    closed.recv_timeout(PATIENCE).unwrap();
    assert!(saw_no_other_connection(&listener));
}

#[test]
fn the_failure_of_one_request_does_not_affect_the_next() {
    let (address, listener, done) = serve(vec![
        Box::new(|mut peer: Peer| {
            peer.request_without_last_byte();
            peer.write(b"HTTP/1.1 200 OK\r\n\r\n-1001");
        }),
        Box::new(|mut peer: Peer| {
            peer.request();
            peer.answer("2000 = SUCCESS:2");
        }),
    ]);
    let mut gateway = gateway_at(address);
    why_unknown(&submit(&mut gateway, 1));
    assert_eq!(submit(&mut gateway, 1).outcomes, accepted("2"));
    // Nothing listens any more after the server has closed all its sockets.
    drop(listener);
    while done.recv_timeout(PATIENCE).is_ok() {}
    why_not_sent(&submit(&mut gateway, 1));
}

/// The server of this test is slow enough for a fence, so the first request comes too late.
#[test]
fn what_comes_too_late_is_not_written_and_its_connection_serves_the_next_request() {
    let (address, listener, received) = serve(vec![Box::new(|mut peer: Peer| {
        let request = peer.request();
        peer.answer("2000 = SUCCESS:1");
        peer.wait_for_close();
        request
    })]);
    let mut gateway = gateway_at(address);
    let mut submit_within = |limit| {
        gateway.submit(&Request {
            messages: &messages(1, "hello", Encoding::Ascii),
            sender_id: None,
            fence: Some(Fence::after(limit)),
        })
    };
    for _ in 0..2 {
        let late = submit_within(Duration::ZERO);
        let why = why_not_sent(&late);
        assert!(why.contains("too much time had passed"), "{why}");
    }
    assert_eq!(submit_within(PATIENCE).outcomes, accepted("1"));
    // A connection that has served a request may be about to be closed, and is not kept.
    why_not_sent(&submit_within(Duration::ZERO));
    let only = received.recv_timeout(PATIENCE).unwrap();
    assert_eq!(fields_of(&only.body)[2].1, "60123456789");
    assert!(saw_no_other_connection(&listener));
}

// Whole responses

#[test]
fn informational_responses_are_skipped() {
    let reply = reply_to(&format!(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hint\r\n\r\n{}",
        ok("2000:3")
    ));
    assert_eq!(reply.outcomes, accepted("3"));
}

#[test]
fn chunks_are_joined_and_other_encodings_are_not_decoded() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n-10\r\n2\r\n01\r\n0\r\n\r\n";
    assert_eq!(reply_to(chunked).outcomes, stopped(-1001));
    let zipped =
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x08\x00\x00";
    assert_eq!(
        reply_to(zipped).outcomes,
        unknown_because("HTTP status 200: the answer has none of the shapes of a code")
    );
}

#[test]
fn a_date_to_retry_after_counts_from_now() {
    let hour = Duration::from_secs(3600);
    let at = jiff::Timestamp::now() + hour;
    let date = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&at)
        .unwrap();
    let wait = parse_retry_after(&date).unwrap();
    assert!(wait <= hour && wait > hour / 2, "{wait:?}");
    assert_eq!(
        parse_retry_after("Fri, 31 Dec 9999 23:59:59 +2359"),
        None,
        "beyond the range of a timestamp"
    );
}

#[test]
fn the_body_is_kept_without_the_password_and_cut_to_500_characters() {
    let echo = format!(
        "un=ali&pwd=p%26ss+w%c3%b6rd%2B%25&again={PASSWORD}&{}",
        "\u{e9}".repeat(600)
    );
    let reply = reply_to(&ok(&echo));
    assert!(
        reply
            .raw
            .starts_with("un=ali&pwd=***&again=***&\u{e9}\u{e9}"),
        "{}",
        reply.raw
    );
    assert_eq!(reply.raw.chars().count(), RAW_LIMIT);
}

#[test]
fn debug_output_holds_no_secret() {
    let endpoint = Endpoint::parse("https://host/path?key=hush").unwrap();
    let timeouts = Timeouts {
        connect: PATIENCE,
        total: PATIENCE,
    };
    let gateway = HttpGateway::rest(
        endpoint.clone(),
        Network::default(),
        credentials(),
        timeouts,
    );
    let shown = format!(
        "{gateway:?} {gateway:#?} {endpoint:?} {:?} {timeouts:?}",
        credentials()
    );
    assert!(
        !shown.contains(PASSWORD) && !shown.contains("hush"),
        "{shown}"
    );
}

#[test]
fn the_log_holds_neither_the_password_nor_a_number_nor_the_text() {
    // While there is only one subscriber, a log statement that a thread without it executes first is switched off for all
    // threads, and the other tests are such threads. So there are two.
    let _other = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let mut file = tempfile::tempfile().unwrap();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(std::sync::Arc::new(file.try_clone().unwrap()))
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let reply = reply_to(&ok(&format!("60123456789 {PASSWORD} hello")));
        assert_eq!(reply.http_status, Some(200));
    });
    let mut log = String::new();
    io::Seek::rewind(&mut file).unwrap();
    file.read_to_string(&mut log).unwrap();
    assert!(
        log.contains("request") && log.contains("none of the shapes"),
        "{log}"
    );
    for secret in [PASSWORD, "p%26ss", "60123456789", "hello"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn the_client_is_a_gateway() {
    fn is_a_gateway<T: Gateway>() {}
    is_a_gateway::<HttpGateway>();
}
