//! Proxies: which one is used, what its failures mean, and that a failure before its tunnel stands sends nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use common::program::{Invocation, Run};
use common::tls::{Authority, TlsServer};
use common::{Gateway, Program, Reply, count_statuses, counts, own_texts, verifies};

/// A name that only the proxy can look up.
const HOST: &str = "gateway.invalid";

/// An address that only the proxy can reach.
const ADDRESS: &str = "203.0.113.7";

/// The user and password of a proxy, as they are in its URL.
const USER: &str = "kedai:pr0xyS3cretQ7@";

const PROXY_PASSWORD: &str = "pr0xyS3cretQ7";

type Script = dyn Fn(usize) -> Answer + Send + Sync;

/// What a proxy does when it is asked for a tunnel.
#[derive(Clone)]
enum Answer {
    /// Gives it.
    Tunnel,
    /// Says this and closes.
    Says(&'static str),
    /// Gives a tunnel that ends after this many bytes from the client.
    Cut(u64),
    /// SOCKS: refuses with this code.
    Code(u8),
}

/// A proxy on loopback, whatever the host is that it is asked for: HTTP or SOCKS 5, as the client speaks.
struct TestProxy {
    address: SocketAddr,
    /// What it was asked for: `gateway.invalid:443`, with the credentials behind it, if any.
    asked: Arc<Mutex<Vec<String>>>,
}

impl TestProxy {
    /// A proxy whose tunnels lead there.
    fn to(target: SocketAddr, script: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (record, script): (_, Arc<Script>) = (Arc::clone(&asked), Arc::new(script));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (record, script) = (Arc::clone(&record), Arc::clone(&script));
                thread::spawn(move || serve(client, target, &record, &*script));
            }
        });
        Self { address, asked }
    }

    /// A proxy that gives a tunnel to each connection.
    fn before(server: &TlsServer) -> Self {
        Self::to(server.address, |_| Answer::Tunnel)
    }

    fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    mut client: TcpStream,
    target: SocketAddr,
    asked: &Mutex<Vec<String>>,
    script: &Script,
) -> io::Result<()> {
    let mut first = [0];
    client.peek(&mut first)?;
    let socks = first[0] == 5;
    let wish = if socks {
        socks_wish(&mut client)?
    } else {
        http_wish(&mut client)?
    };
    let nth = {
        let mut asked = asked.lock().unwrap();
        asked.push(wish);
        asked.len() - 1
    };
    let (limit, code) = match script(nth) {
        Answer::Tunnel => (u64::MAX, 0),
        Answer::Cut(bytes) => (bytes, 0),
        Answer::Says(words) => return client.write_all(words.as_bytes()),
        Answer::Code(code) => (0, code),
    };
    if socks {
        client.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0])?;
    } else {
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    }
    if code > 0 {
        return Ok(());
    }
    let server = TcpStream::connect(target)?;
    let (mut from, mut to) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        let _ended = io::copy(&mut from, &mut to);
        let _closed = to.shutdown(Shutdown::Both);
    });
    let _ended = io::copy(&mut (&client).take(limit), &mut &server);
    let _closed = (
        client.shutdown(Shutdown::Both),
        server.shutdown(Shutdown::Both),
    );
    Ok(())
}

/// What a CONNECT request asks for.
fn http_wish(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let mut words = head.split_whitespace();
    assert_eq!(words.next(), Some("CONNECT"), "{head}");
    let target = words.next().unwrap_or_default().to_owned();
    let authorization = head
        .lines()
        .find_map(|line| line.strip_prefix("Proxy-Authorization: "));
    Ok(authorization.map_or(target.clone(), |with| format!("{target} {with}")))
}

/// What a SOCKS 5 client asks for.
fn socks_wish(client: &mut TcpStream) -> io::Result<String> {
    let read = |client: &mut TcpStream, length: usize| {
        let mut bytes = vec![0; length];
        client.read_exact(&mut bytes).map(|()| bytes)
    };
    let methods = usize::from(read(client, 2)?[1]);
    let methods = read(client, methods)?;
    let mut with = String::new();
    if methods.contains(&2) {
        client.write_all(&[5, 2])?;
        let user = usize::from(read(client, 2)?[1]);
        let user = String::from_utf8(read(client, user)?).unwrap();
        let password = usize::from(read(client, 1)?[0]);
        let password = String::from_utf8(read(client, password)?).unwrap();
        client.write_all(&[1, 0])?;
        with = format!(" {user}:{password}");
    } else {
        client.write_all(&[5, 0])?;
    }
    let host = match read(client, 4)?[3] {
        1 => read(client, 4)?
            .iter()
            .map(u8::to_string)
            .collect::<Vec<_>>()
            .join("."),
        3 => {
            let length = usize::from(read(client, 1)?[0]);
            String::from_utf8(read(client, length)?).unwrap()
        }
        kind => panic!("address of kind {kind}"),
    };
    let port = read(client, 2)?;
    Ok(format!(
        "{host}:{}{with}",
        u16::from_be_bytes([port[0], port[1]])
    ))
}

/// A gateway behind TLS, for a host that only a proxy can reach, and a program that trusts it.
struct Setting {
    server: TlsServer,
    program: Program,
    host: &'static str,
}

impl Setting {
    fn new(host: &'static str, gateway: Gateway, sheet: &str) -> Self {
        let authority = Authority::new();
        Self {
            server: TlsServer::before(gateway, authority.certify(host)),
            program: Program::with(&[("customers.csv", sheet), ("ca.pem", &authority.pem())]),
            host,
        }
    }

    fn send(&self, variables: &[(&str, String)]) -> Run {
        self.command(variables, "1s").run()
    }

    fn command(&self, variables: &[(&str, String)], give_up_after: &str) -> Invocation<'_> {
        let arguments = [
            "customers.csv",
            "--give-up-after",
            give_up_after,
            "--connect-timeout",
            "5",
            "-v",
            "--summary-json",
            "summary.json",
        ];
        let command = self
            .program
            .send_command(&self.server.url(self.host), &arguments);
        variables.iter().fold(
            command.env("SSL_CERT_FILE", "ca.pem"),
            |command, (name, value)| command.env(name, value),
        )
    }

    /// Panics unless nothing was sent, everything is pending, and the same command sends it through this proxy.
    fn sends_nothing_until(&self, proxy: &TestProxy, rows: usize) {
        assert_eq!(self.server.gateway.count(), 0);
        let results = self.program.results("customers.results.csv");
        assert_eq!(count_statuses(&results), counts(&[("pending", rows)]));
        self.send(&[("HTTPS_PROXY", proxy.url("http"))]).exits(0);
        self.sent(rows);
    }

    /// Panics unless each row was sent once.
    fn sent(&self, rows: usize) {
        let results = self.program.results("customers.results.csv");
        assert_eq!(count_statuses(&results), counts(&[("accepted", rows)]));
        assert_eq!(self.server.gateway.numbers_taken().len(), rows);
        self.server.gateway.assert_nothing_twice();
        verifies(&self.program, "customers.ledger");
    }
}

#[test]
fn the_proxy_that_is_named_is_used() {
    for (host, scheme, variable) in [
        (HOST, "http", "HTTPS_PROXY"),
        (HOST, "http", "https_proxy"),
        (HOST, "http", "HTTP_PROXY"),
        (HOST, "socks5h", "ALL_PROXY"),
        (HOST, "socks5h", "all_proxy"),
        (ADDRESS, "socks5", "ALL_PROXY"),
        (ADDRESS, "socks5", "HTTPS_PROXY"),
        (ADDRESS, "http", "ALL_PROXY"),
    ] {
        let setting = Setting::new(host, Gateway::accepting(), &own_texts(2));
        let proxy = TestProxy::before(&setting.server);
        setting.send(&[(variable, proxy.url(scheme))]).exits(0);
        setting.sent(2);
        let wish = format!("{host}:{}", setting.server.address.port());
        assert!(!proxy.asked().is_empty(), "{scheme} in {variable}");
        assert!(
            proxy.asked().iter().all(|asked| *asked == wish),
            "{:?}",
            proxy.asked()
        );
    }
}

#[test]
fn the_first_variable_that_is_set_decides() {
    let setting = Setting::new(HOST, Gateway::accepting(), &own_texts(2));
    let (right, wrong) = (
        TestProxy::before(&setting.server),
        TestProxy::before(&setting.server),
    );
    setting
        .send(&[
            ("HTTPS_PROXY", String::new()),
            ("ALL_PROXY", right.url("socks5h")),
            ("HTTP_PROXY", wrong.url("http")),
        ])
        .exits(0);
    assert!(!right.asked().is_empty() && wrong.asked().is_empty());
}

#[test]
fn the_account_at_the_proxy_is_used_and_never_shown() {
    for (scheme, account) in [
        ("http", "Basic a2VkYWk6cHIweHlTM2NyZXRRNw=="),
        ("socks5h", "kedai:pr0xyS3cretQ7"),
    ] {
        let setting = Setting::new(HOST, Gateway::accepting(), &own_texts(2));
        let proxy = TestProxy::before(&setting.server);
        let url = format!("{scheme}://{USER}{}", proxy.address);
        setting.send(&[("HTTPS_PROXY", url.clone())]).exits(0);
        assert!(
            proxy.asked().iter().all(|asked| asked.ends_with(account)),
            "{:?}",
            proxy.asked()
        );
        for wrong in [
            url.replace("//", "//x@y:"),
            url.replace(scheme, "gopher"),
            format!("{url}0000"),
        ] {
            setting.send(&[("HTTPS_PROXY", wrong)]);
        }
        setting.program.no_secret_anywhere(PROXY_PASSWORD);
    }
}

#[test]
fn loopback_is_never_behind_a_proxy() {
    let gateway = Gateway::accepting();
    let program = Program::with(&[("customers.csv", &own_texts(2))]);
    let run = program
        .send_command(&gateway.url(), &["customers.csv"])
        .env("HTTPS_PROXY", "gopher://proxy.invalid")
        .env("ALL_PROXY", "http://127.0.0.1:9")
        .run();
    run.exits(0);
}

#[test]
fn exceptions_are_reached_directly() {
    for list in ["localhost, gateway.invalid", "*", "example.com .invalid"] {
        let setting = Setting::new(HOST, Gateway::accepting(), &own_texts(2));
        let proxy = TestProxy::before(&setting.server);
        let run = setting.send(&[
            ("HTTPS_PROXY", proxy.url("http")),
            ("no_proxy", list.to_owned()),
        ]);
        run.exits(75).says(&["cannot reach gateway.invalid: "]);
        assert_eq!(proxy.asked(), Vec::<String>::new(), "{list}");
    }
}

#[test]
fn a_dead_proxy_is_not_a_dead_gateway() {
    let nobody = TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap();
    for scheme in ["http", "https", "socks5h", "socks4a"] {
        let setting = Setting::new(HOST, Gateway::accepting(), &own_texts(2));
        let run = setting.send(&[("HTTPS_PROXY", format!("{scheme}://{USER}{nobody}"))]);
        run.exits(75)
            .says(&[&format!("cannot reach the proxy {scheme}://{nobody}: ")]);
        setting.program.no_secret_anywhere(PROXY_PASSWORD);
        setting.sends_nothing_until(&TestProxy::before(&setting.server), 2);
    }
}

#[test]
fn a_proxy_that_is_not_supported_stops_before_anything_is_planned() {
    for url in [
        "ftp://proxy.invalid:21",
        "socks6://proxy.invalid",
        "http://",
        "http://proxy:99999",
        "://",
    ] {
        let setting = Setting::new(HOST, Gateway::accepting(), &own_texts(2));
        let run = setting.send(&[("ALL_PROXY", url.to_owned())]);
        run.exits(1).says(&["ALL_PROXY"]);
        run.shows(!setting.program.ledger_exists(), "nothing was planned");
        assert_eq!(setting.program.summary_json("summary.json")["exit_code"], 1);
    }
}

#[test]
fn a_proxy_that_refuses_stops_the_run_at_once() {
    let table: [(&str, Answer, &[&str]); 8] = [
        (
            "http",
            Answer::Says("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"),
            &["407", "HTTPS_PROXY"],
        ),
        (
            "http",
            Answer::Says("HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!"),
            &["403"],
        ),
        (
            "http",
            Answer::Says("HTTP/1.0 400 Bad Request\r\n\r\n<html>"),
            &["400"],
        ),
        (
            "http",
            Answer::Says("HTTP/1.1 404 Not Found\r\n\r\n"),
            &["404"],
        ),
        (
            "http",
            Answer::Says("HTTP/1.1 405 Method Not Allowed\r\n\r\n"),
            &["405"],
        ),
        (
            "http",
            Answer::Says("HTTP/1.1 429 Too Many Requests\r\n\r\n"),
            &["429"],
        ),
        ("http", Answer::Says("HTTP/1.1 451 No\r\n\r\n"), &["451"]),
        ("socks5h", Answer::Code(2), &["not allowed by ruleset"]),
    ];
    for (scheme, answer, words) in table {
        let setting = Setting::new(HOST, Gateway::accepting(), &own_texts(2));
        let refusing = TestProxy::to(setting.server.address, move |_| answer.clone());
        let run = setting.send(&[(
            "HTTPS_PROXY",
            refusing.url(scheme).replace("//", &format!("//{USER}")),
        )]);
        run.exits(1).says(words).says(&["the proxy", HOST]);
        run.shows(run.elapsed < Duration::from_secs(20), "at once");
        let summary = setting.program.summary_json("summary.json");
        assert!(
            summary["error"].as_str().unwrap().contains("the proxy"),
            "{summary}"
        );
        setting.program.no_secret_anywhere(PROXY_PASSWORD);
        setting.sends_nothing_until(&TestProxy::before(&setting.server), 2);
    }
}

/// A tunnel that could not be had proves that nothing was sent, so the next try is free.
#[test]
fn a_proxy_that_fails_is_tried_again() {
    let failures = [
        Answer::Says("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
        Answer::Says("HTTP/1.1 503 Service Unavailable\r\n\r\n<html>"),
        Answer::Says("HTTP/1.1 504 Gateway Timeout\r\n\r\n"),
        Answer::Says("HTTP/1.1 500 Oops\r\n\r\n"),
        Answer::Says("HTTP/1.1 302 Found\r\nLocation: http://login.invalid/\r\n\r\n"),
        Answer::Says("HTTP/1.1 407"),
        Answer::Says("2000 = SUCCESS:1\r\n\r\n"),
        Answer::Says(""),
        Answer::Says("HTTP/1.1 200 OK\r\n\r\n"),
        Answer::Says("HTTP/1.1 200 OK\r\n\r\n2000 = SUCCESS:1"),
        Answer::Cut(0),
        Answer::Cut(100),
    ];
    let setting = Setting::new(HOST, Gateway::accepting(), &own_texts(12));
    let count = failures.len();
    let proxy = TestProxy::to(setting.server.address, move |nth| {
        // Each failure once, with a tunnel between two of them that ends after its first request.
        match failures.get(nth / 2) {
            Some(failure) if nth % 2 == 0 => failure.clone(),
            _ => Answer::Tunnel,
        }
    });
    let gateway = &setting.server.gateway;
    for _ in 0..count {
        let command = setting.command(&[("HTTPS_PROXY", proxy.url("http"))], "20s");
        let one = command.more(&["--limit", "1", "--concurrency", "1"]);
        one.run().exits(0);
    }
    assert_eq!(gateway.count(), count);
    assert_eq!(proxy.asked().len(), 2 * count, "{:?}", proxy.asked());
    setting.sent(12);

    for code in [1, 3, 4, 5, 6, 9] {
        let setting = Setting::new(HOST, Gateway::accepting(), &own_texts(2));
        let proxy = TestProxy::to(setting.server.address, move |nth| match nth {
            0 => Answer::Code(code),
            _ => Answer::Tunnel,
        });
        let command = setting.command(&[("ALL_PROXY", proxy.url("socks5h"))], "20s");
        command.run().exits(0);
        setting.sent(2);
    }
}

/// What happens in the tunnel proves nothing, whatever the proxy said before.
#[test]
fn a_tunnel_that_ends_with_the_request_in_it_leaves_it_unknown() {
    for scheme in ["http", "socks5h"] {
        let setting = Setting::new(HOST, Gateway::new(|_, _| Reply::dropped()), &own_texts(2));
        let proxy = TestProxy::before(&setting.server);
        setting.send(&[("HTTPS_PROXY", proxy.url(scheme))]).exits(5);
        assert_eq!(setting.server.gateway.count(), 2);
        let rows = setting.program.results("customers.results.csv");
        assert_eq!(count_statuses(&rows), counts(&[("unknown", 2)]));
    }
}
