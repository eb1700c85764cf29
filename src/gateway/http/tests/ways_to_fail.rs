//! Every way in which a request can fail, in one table with its one outcome. After `NotSent` and `Throttled` the request
//! is sent again automatically. So these are due only if certainly nothing was taken: not one byte of the request had
//! left, or the gateway answered 429.

use std::sync::Arc;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};

use super::*;
use crate::gateway::transport::witnessed;

mod connections;
mod first_write;
mod statuses;

/// The client's timeout: long enough for a busy machine to reach the point where the server is silent.
const SHORT_TIMEOUT: Duration = Duration::from_millis(2500);

/// The other end, and what it does.
enum Other {
    /// A name that cannot be resolved.
    NoName,
    /// A port on which nothing listens.
    NoListener,
    /// A port whose queue is full, so that connecting gets no response.
    FullQueue,
    /// An HTTPS gateway that does this with a connection.
    Tls(fn(&mut Peer)),
    /// A proxy that does this when asked for a tunnel.
    Proxy(fn(&mut Peer)),
    /// A gateway that accepts a connection and reads nothing.
    NeverReads,
    /// A gateway that does this with a connection.
    Does(fn(&mut Peer)),
    /// A gateway that answers one request, keeps the connection, and does this with the next.
    ThenDoes(fn(&mut Peer)),
    /// A gateway that takes the request, writes this and closes in order.
    Says(String),
    /// A gateway that takes the request, writes this and resets the connection.
    Resets(&'static str),
    /// A gateway that takes the request, writes this, and then is silent.
    Stalls(&'static str),
}

use Other::{
    Does, FullQueue, NeverReads, NoListener, NoName, Proxy as Tunnel, Resets, Stalls, ThenDoes, Tls,
};

fn says(response: &str) -> Other {
    Other::Says(response.to_owned())
}

/// The expected outcome, with the beginning of its reason.
enum Expected {
    /// Sent again: not one byte of the request left.
    NotSent(&'static str),
    /// The run stops: not one byte of the request left, and none could.
    CannotConnect(&'static str),
    /// Sent again, after this many seconds if the gateway named a time: HTTP 429.
    Throttled(Option<u64>),
    /// Never sent again automatically. With the status, if one came.
    NoAnswer(Option<u16>, &'static str),
}

use Expected::{CannotConnect, NoAnswer, NotSent, Throttled};

const LATE: &str = "no answer within 2.5 s";
const BROKE: &str = "the connection broke before an answer came (";
const NOT_HTTP: &str = "the answer is not HTTP (";
const UNREACHABLE: &str = "cannot reach 127.0.0.1: ";
const BEHIND_THE_PROXY: &str = "cannot reach gateway.invalid through the proxy http://127.0.0.1:";
const TO_THE_PROXY: &str = "cannot reach the proxy http://127.0.0.1:";
const BY_THE_PROXY: &str = "the proxy http://127.0.0.1:";

#[rustfmt::skip]
fn ways_to_fail() -> Vec<(&'static str, Other, Expected)> {
    let mut ways = vec![
        // --- before the first byte of the request
        ("a name without an address",          NoName,                          NotSent("cannot reach gateway.invalid: ")),
        ("connection refused",                 NoListener,                      NotSent("cannot reach 127.0.0.1: Connection refused")),
        ("connecting takes too long",          FullQueue,                       NotSent("cannot reach 127.0.0.1: no connection within 2.5 s")),
        ("TLS: closed at once",                Tls(|_| ()),                     NotSent(UNREACHABLE)),
        ("TLS: reset in the handshake",        Tls(|peer| { peer.read(1); }),   NotSent(UNREACHABLE)),
        ("TLS: refused with an alert",         Tls(|peer| peer.write(b"\x15\x03\x03\x00\x02\x02\x28")), NotSent(UNREACHABLE)),
        ("TLS: plain HTTP instead",            Tls(|peer| peer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")), NotSent(UNREACHABLE)),
        ("TLS: silence in the handshake",      Tls(Peer::wait_for_close),     NotSent("cannot reach 127.0.0.1: no connection within 2.5 s")),
        ("proxy: wants a password",              Tunnel(|peer| peer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")), CannotConnect(BY_THE_PROXY)),
        ("proxy: allows none",                   Tunnel(|peer| peer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")), CannotConnect(BY_THE_PROXY)),
        ("proxy: refuses CONNECT",              Tunnel(|peer| peer.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")), CannotConnect(BY_THE_PROXY)),
        ("proxy: is a web server",               Tunnel(|peer| peer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")), CannotConnect(BY_THE_PROXY)),
        ("proxy: throttles the tunnel",          Tunnel(|peer| peer.write(b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n")), CannotConnect(BY_THE_PROXY)),
        ("proxy: leads elsewhere",               Tunnel(|peer| peer.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")), NotSent(BY_THE_PROXY)),
        ("proxy: is broken",                     Tunnel(|peer| peer.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")), NotSent(BY_THE_PROXY)),
        ("proxy: cannot reach the gateway",      Tunnel(|peer| peer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")), NotSent(BY_THE_PROXY)),
        ("proxy: is overloaded",                 Tunnel(|peer| peer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")), NotSent(BY_THE_PROXY)),
        ("proxy: waits in vain",                 Tunnel(|peer| peer.write(b"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n")), NotSent(BY_THE_PROXY)),
        ("proxy: half an answer",              Tunnel(|peer| peer.write(b"HTTP/1.1 407 Proxy Auth")), NotSent(BY_THE_PROXY)),
        ("proxy: no HTTP",                     Tunnel(|peer| peer.write(b"407\r\n\r\n")), NotSent(TO_THE_PROXY)),
        ("proxy: no handshake in the tunnel",  Tunnel(|peer| peer.write(b"HTTP/1.1 200 OK\r\n\r\nnot a handshake")), NotSent(BEHIND_THE_PROXY)),
        ("proxy: a tunnel that ends",          Tunnel(|peer| { peer.write(b"HTTP/1.1 200 OK\r\n\r\n"); peer.read(1); }), NotSent(BEHIND_THE_PROXY)),
        ("proxy: silence in the tunnel",       Tunnel(|peer| { peer.write(b"HTTP/1.1 200 OK\r\n\r\n"); peer.wait_for_close(); }), NotSent(BEHIND_THE_PROXY)),
        ("proxy: closes",                      Tunnel(|_| ()),                  NotSent(BY_THE_PROXY)),
        ("proxy: silence",                     Tunnel(Peer::wait_for_close),  NotSent(TO_THE_PROXY)),
        // --- while the request leaves
        ("closed before a byte was read",      Does(|_| ()),                              NoAnswer(None, BROKE)),
        ("reset after the first byte",         Does(|peer| { peer.read(1); }),            NoAnswer(None, BROKE)),
        ("reset after the head",               Does(|peer| { peer.head(); }),             NoAnswer(None, BROKE)),
        ("reset before the last byte",         Does(Peer::request_without_last_byte),        NoAnswer(None, BROKE)),
        ("connected, and nothing is read",     NeverReads,                               NoAnswer(None, LATE)),
        ("kept: reset in the next head",       ThenDoes(|peer| { peer.read(1); }),        NoAnswer(None, BROKE)),
        ("kept: reset before its last byte",   ThenDoes(Peer::request_without_last_byte),    NoAnswer(None, BROKE)),
        ("kept: closed after the next",        ThenDoes(|peer| { peer.request(); }),      NoAnswer(None, BROKE)),
        // --- before the answer
        ("closed without a byte",              says(""),                                  NoAnswer(None, BROKE)),
        ("reset without a byte",               Resets(""),                                NoAnswer(None, BROKE)),
        ("silence",                            Stalls(""),                                 NoAnswer(None, LATE)),
        // --- in the head of the answer
        ("half a status line",                 says("HTTP/1.1 2"),                        NoAnswer(None, BROKE)),
        ("half a status line, reset",          Resets("HTTP/1.1 2"),                      NoAnswer(None, BROKE)),
        ("half a status line, silence",        Stalls("HTTP/1.1 20"),                      NoAnswer(None, LATE)),
        ("half a header",                      says("HTTP/1.1 200 OK\r\nContent-Le"),     NoAnswer(None, BROKE)),
        ("a head without its end",             says("HTTP/1.1 200 OK\r\n"),               NoAnswer(None, BROKE)),
        ("429 without the end of its head",    says("HTTP/1.1 429 Slow\r\nRetry-After: 1\r\n"), NoAnswer(None, BROKE)),
        ("only an informational response",     says("HTTP/1.1 103 Hint\r\n\r\n"),         NoAnswer(None, BROKE)),
        ("only 100 Continue",                  Stalls("HTTP/1.1 100 Continue\r\n\r\n"),    NoAnswer(None, LATE)),
        ("no HTTP that says accepted",         says("2000 = SUCCESS:1143007207\r\n\r\n"), NoAnswer(None, NOT_HTTP)),
        ("no HTTP that says refused",          says("-1001\r\n\r\n"),                     NoAnswer(None, NOT_HTTP)),
        ("no such status",                     says("HTTP/1.1 099 No\r\n\r\n"),           NoAnswer(None, NOT_HTTP)),
        ("a length that is none",              says("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n-1001"), NoAnswer(None, NOT_HTTP)),
        ("two lengths",                        says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n-1001"), NoAnswer(None, NOT_HTTP)),
        // --- in the body of the answer
        ("headers, then silence",              Stalls("HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n"), NoAnswer(Some(200), LATE)),
        ("half a body, then silence",          Stalls("HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n-1001"), NoAnswer(Some(200), LATE)),
        ("no length and no end",               Stalls("HTTP/1.1 200 OK\r\n\r\n-1001"),     NoAnswer(Some(200), LATE)),
        ("no last chunk, silence",             Stalls("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n-1001\r\n"), NoAnswer(Some(200), LATE)),
        ("429, then silence",                  Stalls("HTTP/1.1 429 Slow\r\nContent-Length: 25\r\n\r\n"), NoAnswer(Some(429), LATE)),
        ("no length and a reset",              Resets("HTTP/1.1 200 OK\r\n\r\n-1001"),    NoAnswer(Some(200), CUT_SHORT)),
        ("429 without a length and a reset",   Resets("HTTP/1.1 429 Slow\r\n\r\n"),       NoAnswer(Some(429), CUT_SHORT)),
        ("a reset in the last chunk",          Resets("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n-1001\r\n0\r\n"), NoAnswer(Some(200), CUT_SHORT)),
        ("compressed, which was not asked for", says("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x08\x00\x00"), NoAnswer(Some(200), "the answer has none of the shapes of a code")),
    ];
    for status in [200, 429, 500] {
        for (name, body) in [
            ("a code cut short",               "Content-Length: 5\r\n\r\n-10"),
            ("a code that may have had words", "Content-Length: 6\r\n\r\n-1001"),
            ("an id cut short",                "Content-Length: 25\r\n\r\n2000 = SUCCESS:1143"),
            ("nothing of what was promised",   "Content-Length: 5\r\n\r\n"),
            ("a chunk cut short",              "Transfer-Encoding: chunked\r\n\r\n6\r\n-1001"),
            ("a chunk without its end",        "Transfer-Encoding: chunked\r\n\r\n5\r\n-1001"),
            ("no last chunk",                  "Transfer-Encoding: chunked\r\n\r\n5\r\n-1001\r\n"),
            ("half a last chunk",              "Transfer-Encoding: chunked\r\n\r\n5\r\n-1001\r\n0"),
            ("a chunk that did not come",      "Transfer-Encoding: chunked\r\n\r\n5\r\n-1001\r\n5\r\n"),
            ("a chunk of no length",           "Transfer-Encoding: chunked\r\n\r\n5\r\n-1001\r\nzz\r\n"),
        ] {
            ways.push((name, says(&format!("HTTP/1.1 {status} Any\r\n{body}")), NoAnswer(Some(status), CUT_SHORT)));
        }
    }
    let long = format!("-1001{}", " ".repeat(3_000_000));
    let framed = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{long}", long.len());
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{long}");
    for (name, response) in [("megabytes", framed), ("megabytes without a length", endless)] {
        ways.push((name, says(&response), NoAnswer(Some(200), "the answer is longer than 64 KiB")));
    }
    // --- too many requests
    for (header, after) in [
        ("",                                             None),
        ("Retry-After: 7\r\n",                           Some(7)),
        ("Retry-After: 0\r\n",                           Some(0)),
        ("Retry-After: -3\r\n",                          Some(0)),
        ("Retry-After: 99999999999999999999\r\n",        None),
        ("Retry-After: soon\r\n",                        None),
        ("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n", Some(0)),
    ] {
        for body in ["", "<html>", "Too Many Requests"] {
            let response = format!("HTTP/1.1 429 Slow\r\n{header}Content-Length: {}\r\n\r\n{body}", body.len());
            ways.push(("429", says(&response), Throttled(after)));
        }
    }
    ways
}

#[test]
fn every_way_to_fail_has_one_outcome() {
    thread::scope(|scope| {
        for (name, other, expected) in ways_to_fail() {
            let waits = matches!(&other, FullQueue | Stalls(_))
                || expected.says(LATE)
                || name.contains("silence");
            let look = move || expected.check(name, &reply_from(other));
            // Those that wait do so in parallel.
            if waits {
                scope.spawn(look);
            } else {
                look();
            }
        }
    });
}

impl Expected {
    fn says(&self, words: &str) -> bool {
        matches!(self, NotSent(said) | NoAnswer(_, said) if *said == words)
    }

    /// Panics unless the reply is as expected.
    fn check(&self, name: &str, reply: &Reply) {
        let Outcomes::All(outcome) = &reply.outcomes else {
            panic!("{name}: {reply:?}");
        };
        match (self, outcome) {
            (NotSent(said), Outcome::NotSent { why }) => {
                assert!(why.starts_with(said), "{name}: {why}");
                assert_eq!(
                    (reply.http_status, reply.raw.as_str()),
                    (None, ""),
                    "{name}"
                );
            }
            (CannotConnect(said), Outcome::CannotConnect { why }) => {
                assert!(why.starts_with(said), "{name}: {why}");
                assert_eq!(reply.http_status, None, "{name}");
            }
            (Throttled(after), Outcome::Throttled { after: asked }) => {
                assert_eq!(*asked, after.map(Duration::from_secs), "{name}");
                assert_eq!(reply.http_status, Some(429), "{name}");
            }
            (NoAnswer(status, said), Outcome::NoAnswer { why, code: None }) => {
                let said = status.map_or((*said).to_owned(), |status| {
                    format!("HTTP status {status}: {said}")
                });
                assert!(why.starts_with(&said), "{name}: {why}");
                assert_eq!(reply.http_status, *status, "{name}");
                assert!(reply.raw.len() <= RAW_LIMIT, "{name}");
            }
            _ => panic!("{name}: {reply:?}"),
        }
    }
}

/// The reply to one request. Panics if it is made again.
fn reply_from(other: Other) -> Reply {
    match other {
        NoName => submit(
            &mut gateway("https://gateway.invalid/RESTAPI.php", PATIENCE),
            1,
        ),
        NoListener => submit(&mut gateway_at(unused_address()), 1),
        FullQueue => {
            let (listener, _queue) = full_queue();
            let address = listener.local_addr().unwrap();
            submit(
                &mut gateway(&format!("http://{address}/"), SHORT_TIMEOUT),
                1,
            )
        }
        Tls(does) => {
            let (address, listener, _done) =
                serve(vec![Box::new(move |mut peer: Peer| does(&mut peer))]);
            let reply = submit(
                &mut gateway(&format!("https://{address}/"), SHORT_TIMEOUT),
                1,
            );
            assert!(saw_no_other_connection(&listener));
            reply
        }
        Tunnel(does) => through_a_proxy(does),
        NeverReads => {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let mut gateway = gateway(&format!("http://{address}/"), SHORT_TIMEOUT);
            let reply = submit_text(&mut gateway, 30, &beyond_any_buffer());
            let _the_only_one = listener.accept().unwrap();
            assert!(
                saw_no_other_connection(&listener),
                "the request was made again"
            );
            reply
        }
        Does(does) => {
            let (address, listener, _done) =
                serve(vec![Box::new(move |mut peer: Peer| does(&mut peer))]);
            let mut gateway = gateway(&format!("http://{address}/"), SHORT_TIMEOUT);
            let reply = submit_text(&mut gateway, 30, &beyond_any_buffer());
            assert!(
                saw_no_other_connection(&listener),
                "the request was made again"
            );
            reply
        }
        ThenDoes(does) => {
            let (address, listener, _done) = serve(vec![Box::new(move |mut peer: Peer| {
                peer.request();
                peer.answer("2000 = SUCCESS:1");
                does(&mut peer);
            })]);
            let mut gateway = gateway_at(address);
            assert_eq!(submit(&mut gateway, 1).outcomes, accepted("1"));
            let reply = submit(&mut gateway, 1);
            assert!(
                saw_no_other_connection(&listener),
                "the request was made again"
            );
            reply
        }
        Other::Says(response) => reply_to(&response),
        Resets(response) => reply_with(move |mut peer| {
            peer.request_without_last_byte();
            peer.write(response.as_bytes());
        }),
        Stalls(beginning) => {
            let (address, listener, more) = serve(vec![Box::new(move |mut peer: Peer| {
                peer.request();
                peer.write(beginning.as_bytes());
                let mut more = Vec::new();
                let _until_it_closes = peer.0.read_to_end(&mut more);
                more
            })]);
            let reply = submit(
                &mut gateway(&format!("http://{address}/"), SHORT_TIMEOUT),
                1,
            );
            assert_eq!(
                more.recv_timeout(PATIENCE).unwrap(),
                b"",
                "the request was made again"
            );
            assert!(
                saw_no_other_connection(&listener),
                "the request was made again"
            );
            reply
        }
    }
}

/// A text too long for the system's buffers, so that its connection ends while it is being written.
fn beyond_any_buffer() -> String {
    "x".repeat(5 << 20)
}

fn unused_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// A listener whose queue is full, and the connections that fill it.
fn full_queue() -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(500)) {
        queue.push(stream);
        assert!(
            queue.len() < 10_000,
            "the queue of this system is unlimited"
        );
    }
    (listener, queue)
}

fn through_a_proxy(does: fn(&mut Peer)) -> Reply {
    let (address, _, received) = serve(vec![Box::new(move |mut peer: Peer| {
        let head = peer.head();
        does(&mut peer);
        head
    })]);
    let network = Network {
        proxy: Some(Proxy::new("HTTPS_PROXY", &format!("http://{address}")).unwrap()),
        certificates: None,
    };
    let timeouts = Timeouts {
        connect: SHORT_TIMEOUT,
        total: SHORT_TIMEOUT,
    };
    let endpoint = Endpoint::parse("https://gateway.invalid/RESTAPI.php").unwrap();
    let reply = submit(
        &mut HttpGateway::rest(endpoint, network, credentials(), timeouts),
        1,
    );
    let head = received.recv_timeout(PATIENCE).unwrap();
    assert!(
        head.starts_with("CONNECT gateway.invalid:443 HTTP/1.1\r\n"),
        "{head}"
    );
    reply
}
