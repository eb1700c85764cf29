//! Tests of the test harness: what the fake gateway records, takes and writes, and what the program's harness notices.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;

use common::gateway::{Taken, trx_of, unreachable_url};
use common::program::Victim;
use common::{Gateway, PASSWORD, Program, Reply, msisdn};

/// Connects to a gateway.
fn connect(gateway: &Gateway) -> TcpStream {
    let url = gateway.url();
    let address = url.trim_start_matches("http://").split('/').next().unwrap();
    TcpStream::connect(address).unwrap()
}

/// Writes one request.
fn post(stream: &mut TcpStream, form: &str) {
    let head = "POST /RESTAPI.php HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded";
    let length = form.len();
    write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{form}").unwrap();
}

/// Reads to the end of the connection. Returns the error too, if it ended in one.
fn rest(stream: &mut TcpStream) -> (String, Option<std::io::ErrorKind>) {
    let mut bytes = Vec::new();
    let error = stream.read_to_end(&mut bytes).err().map(|e| e.kind());
    (String::from_utf8(bytes).unwrap(), error)
}

/// Makes one request to a gateway with this reply, and reads until the connection ends.
fn exchange(reply: fn() -> Reply) -> (String, Option<std::io::ErrorKind>, Vec<Taken>) {
    let gateway = Gateway::new(move |_, _| reply());
    let mut stream = connect(&gateway);
    post(&mut stream, "dstno=60125500001%3B60125500002&msg=hi");
    // It fails where the gateway has closed the connection already.
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let (text, error) = rest(&mut stream);
    (text, error, gateway.taken())
}

#[test]
fn a_request_is_recorded_raw_and_decoded() {
    let gateway = Gateway::accepting();
    let mut stream = connect(&gateway);
    let form = "un=kedai&pwd=a%26b+c&dstno=60125500001%3B60125500002&msg=%E5%A5%BD+%2B1&type=2";
    for nth in 0..3 {
        post(&mut stream, form);
        let mut answer = vec![0; 2048];
        let read = stream.read(&mut answer).unwrap();
        let answer = String::from_utf8(answer[..read].to_vec()).unwrap();
        assert!(
            answer.ends_with(&format!("\r\n\r\n2000 = SUCCESS:{}", trx_of(nth))),
            "{answer}"
        );
    }
    let requests = gateway.requests();
    assert_eq!(requests.len(), 3, "on one connection");
    let request = &requests[1];
    assert_eq!((request.nth, request.connection), (1, 0));
    assert_eq!(request.field("pwd"), "a&b c");
    assert_eq!(request.field("sendid"), "");
    assert_eq!(request.text, "好 +1");
    assert_eq!(request.numbers, [msisdn(1), msisdn(2)]);
    assert!(request.is_to(&msisdn(2)) && !request.is_to(&msisdn(3)));
    assert_eq!(request.body, form.as_bytes());
    assert!(
        request.raw.starts_with(b"POST /RESTAPI.php HTTP/1.1\r\n")
            && request.raw.ends_with(form.as_bytes())
    );
    assert!(requests[0].at <= requests[1].at);
}

#[test]
fn an_incomplete_request_is_a_fragment() {
    let gateway = Gateway::accepting();
    let mut stream = connect(&gateway);
    write!(
        stream,
        "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\ndstno=6"
    )
    .unwrap();
    // It fails where the gateway has closed the connection already.
    let _ = stream.shutdown(std::net::Shutdown::Write);
    assert_eq!(rest(&mut stream).0, "");
    assert_eq!(gateway.count(), 0);
    assert_eq!(gateway.fragments().len(), 1);
}

#[test]
fn every_reply_is_written_as_its_name_says() {
    let (text, error, taken) = exchange(|| Reply::chunked(&["2000", " = x"]));
    assert!(
        text.ends_with("\r\n\r\n4\r\n2000\r\n4\r\n = x\r\n0\r\n\r\n"),
        "{text}"
    );
    assert_eq!((error, taken.len()), (None, 2));
    let (text, error, _) = exchange(|| Reply::chunked_and_cut(&["2000"]));
    assert!(text.ends_with("\r\n\r\n4\r\n2000\r\n"), "{text}");
    assert_eq!(error, None);
    let (text, error, _) = exchange(|| Reply::until_close("2000"));
    assert!(
        text.ends_with("\r\n\r\n2000") && !text.contains("Length"),
        "{text}"
    );
    assert_eq!(error, None);
    let (text, _, _) = exchange(|| Reply::cut("20", 2));
    assert!(
        text.contains("Content-Length: 4") && text.ends_with("\r\n\r\n20"),
        "{text}"
    );
    let (text, error, taken) = exchange(Reply::dropped);
    assert_eq!((text.as_str(), error, taken.len()), ("", None, 2));
    let (_, error, taken) = exchange(Reply::reset);
    assert_eq!(
        (error, taken.len()),
        (Some(std::io::ErrorKind::ConnectionReset), 2)
    );
    let (text, error, _) = exchange(|| Reply::cut_by_reset("2000"));
    assert_eq!(error, Some(std::io::ErrorKind::ConnectionReset), "{text}");
    let (text, _, taken) = exchange(|| Reply::throttled(Some("1")));
    assert!(
        text.starts_with("HTTP/1.1 429 ") && text.contains("Retry-After: 1"),
        "{text}"
    );
    assert_eq!(taken.len(), 0);
}

#[test]
fn the_answer_decides_what_is_taken() {
    let numbers =
        |reply| -> Vec<String> { exchange(reply).2.into_iter().map(|t| t.number).collect() };
    let both = [msisdn(1), msisdn(2)];
    assert_eq!(numbers(|| Reply::accepted(1)), both);
    assert_eq!(numbers(|| Reply::ok("-1005||2000 = SUCCESS:1")), both[1..]);
    assert_eq!(numbers(|| Reply::ok("-1005")), both[..0]);
    assert_eq!(numbers(|| Reply::ok("-1000").taking_all()), both);
    assert_eq!(
        numbers(|| Reply::ok("")),
        both,
        "unknown, so the worst is assumed"
    );
    assert_eq!(numbers(|| Reply::ok("").taking_none()), both[..0]);
}

#[test]
#[should_panic(expected = "and again in request 1")]
fn a_text_taken_twice_is_noticed() {
    let gateway = Gateway::accepting();
    for _ in 0..2 {
        let mut stream = connect(&gateway);
        post(&mut stream, "dstno=60125500001&msg=hi");
        stream.read_exact(&mut [0]).unwrap();
    }
    gateway.assert_nothing_twice();
}

#[test]
fn nothing_listens_at_the_unreachable_url() {
    let url = unreachable_url();
    let address = url.trim_start_matches("http://").split('/').next().unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
#[should_panic(expected = "the password is in")]
fn a_password_in_a_file_is_noticed() {
    let program = Program::with(&[("log", "pwd=s3cr%26t+Zx9Qv7TkLm%2B%3D%2541%2F%C3%B6")]);
    program.no_secret_anywhere(PASSWORD);
}

#[test]
fn a_signal_reaches_the_program() {
    let program = Program::new();
    let victim = Victim::new();
    let running = program
        .command(&["sandbox", "--listen", "127.0.0.1:0"])
        .start();
    victim.is(&running);
    victim.signal("KILL");
    running.wait().dies_of(9);
}
