//! What follows from each HTTP status.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// For each status, the outcome of an empty body, of bodies that are an answer, and of a web page. Each response has a
/// `Location`, which must never be contacted.
#[test]
fn every_status_has_one_outcome() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = elsewhere.local_addr().unwrap();
    let next = AtomicUsize::new(100);
    // A few at a time.
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(status) = u16::try_from(next.fetch_add(1, Ordering::Relaxed))
                    .ok()
                    .filter(|status| *status < 600)
                {
                    outcomes_of(status, address);
                }
            });
        }
    });
    assert!(
        saw_no_other_connection(&elsewhere),
        "a redirect was followed"
    );
}

fn outcomes_of(status: u16, elsewhere: SocketAddr) {
    let answered = |body: &str| {
        reply_to(&format!(
            "HTTP/1.1 {status} Any\r\nLocation: http://{elsewhere}/?pwd=x\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    };
    let bodies = [
        "",
        "2000 = SUCCESS:5",
        "-1009",
        "-1004",
        "<html>-1004</html>",
    ];
    let found = bodies.map(|body| answered(body).outcomes);
    let unknown = |what: &str| unknown_because(&format!("HTTP status {status}: {what}"));
    let empty = || unknown("the answer is empty");
    let expected = match status {
        // Informational: the connection ends before the final response.
        100 | 102..200 => {
            for (outcomes, body) in found.iter().zip(bodies) {
                let whys = [BROKE, NOT_HTTP];
                let Outcomes::All(Outcome::NoAnswer { why, code: None }) = outcomes else {
                    panic!("{status} {body:?}: {outcomes:?}");
                };
                assert!(
                    whys.iter().any(|beginning| why.starts_with(beginning)),
                    "{status}: {why}"
                );
            }
            return;
        }
        // These statuses have no body, whatever follows.
        101 | 204 | 304 => [empty(), empty(), empty(), empty(), empty()],
        429 => [
            throttled(None),
            accepted("5"),
            refused(-1009),
            stopped(-1004),
            throttled(None),
        ],
        _ => {
            let page = unknown("the answer is a web page instead of a code");
            [empty(), accepted("5"), refused(-1009), stopped(-1004), page]
        }
    };
    for ((found, expected), body) in found.into_iter().zip(expected).zip(bodies) {
        assert_eq!(found, expected, "{status} {body:?}");
    }
}

fn refused(code: i32) -> Outcomes {
    Outcomes::All(refusal(code))
}
