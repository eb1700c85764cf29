//! A fake iSMS gateway on loopback, independent of the crate: it records every request as it arrives and replies by a
//! script. It speaks as much HTTP/1.1 as one client needs, and checks nothing.

use std::collections::{BTreeMap, HashMap};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The transaction id of the first request that `Gateway::accepting` takes.
pub(crate) const FIRST_TRX: u64 = 1_143_007_207;

/// The limit of every wait, so that no test hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Its index among all requests.
    pub(crate) nth: usize,
    /// The index of its connection.
    pub(crate) connection: usize,
    /// When its first byte was read.
    pub(crate) at: Instant,
    /// `POST`.
    pub(crate) method: String,
    /// The path with its query.
    pub(crate) target: String,
    /// The headers, names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    /// The body as it came.
    pub(crate) body: Vec<u8>,
    /// The whole request as it came.
    pub(crate) raw: Vec<u8>,
    /// The decoded fields of the form, in order.
    pub(crate) fields: Vec<(String, String)>,
    /// `dstno`, split into numbers.
    pub(crate) numbers: Vec<String>,
    /// `msg`.
    pub(crate) text: String,
}

impl Request {
    /// The value of a field; empty if it is missing. Panics if it came twice.
    pub(crate) fn field(&self, name: &str) -> &str {
        let mut values = self.fields.iter().filter(|(key, _)| key == name);
        let first = values.next().map_or("", |(_, value)| value);
        assert!(values.next().is_none(), "{name} came twice: {self:?}");
        first
    }

    /// Whether this number is among the recipients.
    pub(crate) fn is_to(&self, number: &str) -> bool {
        self.numbers.iter().any(|n| n == number)
    }
}

/// One message that the gateway took, whether or not the client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The MSISDN.
    pub(crate) number: String,
    /// The text.
    pub(crate) text: String,
    /// The index of its request.
    pub(crate) nth: usize,
}

/// Which of a request's recipients count as taken.
#[derive(Clone, Debug)]
enum Takes {
    /// Those for which the body says 2000; without a readable body, all.
    AsAnswered,
    All,
    None,
}

/// What goes over the wire.
enum Wire {
    /// A response of known length.
    Full {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// A chunked response.
    Chunked {
        status: u16,
        chunks: Vec<Vec<u8>>,
        ended: bool,
    },
    /// A response that ends with the connection.
    UntilClose { status: u16, body: Vec<u8> },
    /// Two responses, the second a little later.
    Twice([Vec<u8>; 2]),
    /// These bytes, then a clean close. Without any: a drop without an answer.
    Raw(Vec<u8>),
    /// These bytes, then a reset of the connection.
    Reset(Vec<u8>),
}

/// The reply to one request.
pub(crate) struct Reply {
    wire: Wire,
    takes: Takes,
    delay: Duration,
    gate: Option<Gate>,
    afterwards: Option<Box<dyn FnOnce() + Send>>,
}

impl Reply {
    fn new(wire: Wire) -> Self {
        Self {
            wire,
            takes: Takes::AsAnswered,
            delay: Duration::ZERO,
            gate: None,
            afterwards: None,
        }
    }

    /// HTTP 200 with this body.
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200, body)
    }

    /// This status with this body.
    pub(crate) fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(Wire::Full {
            status,
            headers: vec![("Content-Type".into(), "text/html; charset=UTF-8".into())],
            body: body.into(),
        })
    }

    /// `2000 = SUCCESS:id`, the documented answer.
    pub(crate) fn accepted(trx_id: impl std::fmt::Display) -> Self {
        Self::ok(format!("2000 = SUCCESS:{trx_id}"))
    }

    /// An answer, and some time later another one to the same request.
    pub(crate) fn twice(first: impl Into<Vec<u8>>, second: impl Into<Vec<u8>>) -> Self {
        Self::new(Wire::Twice([first.into(), second.into()]))
    }

    /// A complete chunked response.
    pub(crate) fn chunked(chunks: &[&str]) -> Self {
        Self::new(Wire::Chunked {
            status: 200,
            chunks: chunks.iter().map(|c| c.as_bytes().to_vec()).collect(),
            ended: true,
        })
    }

    /// A chunked response that ends before its last chunk.
    pub(crate) fn chunked_and_cut(chunks: &[&str]) -> Self {
        Self::new(Wire::Chunked {
            status: 200,
            chunks: chunks.iter().map(|c| c.as_bytes().to_vec()).collect(),
            ended: false,
        })
    }

    /// A body without a length, ended by closing the connection.
    pub(crate) fn until_close(body: impl Into<Vec<u8>>) -> Self {
        Self::new(Wire::UntilClose {
            status: 200,
            body: body.into(),
        })
    }

    /// These bytes, then a close.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Wire::Raw(bytes.into()))
    }

    /// A body cut short: Content-Length states `missing` bytes more.
    pub(crate) fn cut(body: &str, missing: usize) -> Self {
        let length = body.len() + missing;
        Self::raw(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    /// A body without a length that ends in a reset of the connection.
    pub(crate) fn cut_by_reset(body: &str) -> Self {
        Self::new(Wire::Reset(
            format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}").into_bytes(),
        ))
    }

    /// Takes the messages and closes the connection without a byte of an answer.
    pub(crate) fn dropped() -> Self {
        Self::raw("")
    }

    /// Takes the messages and resets the connection without a byte of an answer.
    pub(crate) fn reset() -> Self {
        Self::new(Wire::Reset(Vec::new()))
    }

    /// HTTP 429; nothing is taken.
    pub(crate) fn throttled(retry_after: Option<&str>) -> Self {
        let reply = Self::status(429, "").taking_none();
        match retry_after {
            Some(after) => reply.header("Retry-After", after),
            None => reply,
        }
    }

    /// The same reply with one more header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        if let Wire::Full { headers, .. } = &mut self.wire {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// The same reply, with all recipients taken whatever it says.
    pub(crate) fn taking_all(mut self) -> Self {
        self.takes = Takes::All;
        self
    }

    /// The same reply, with no recipient taken whatever it says.
    pub(crate) fn taking_none(mut self) -> Self {
        self.takes = Takes::None;
        self
    }

    /// The same reply after this delay.
    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The same reply once the gate is open.
    pub(crate) fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// The same reply, after which `act` runs, before the next request of its connection is read.
    pub(crate) fn then(mut self, act: impl FnOnce() + Send + 'static) -> Self {
        self.afterwards = Some(Box::new(act));
        self
    }

    /// The indices of the recipients taken, out of `count`.
    fn taken(&self, count: usize) -> Vec<usize> {
        let all = (0..count).collect();
        match (&self.takes, &self.wire) {
            (Takes::None, _) => Vec::new(),
            (Takes::AsAnswered, Wire::Full { body, .. } | Wire::UntilClose { body, .. }) => {
                let body = String::from_utf8_lossy(body);
                let answers: Vec<&str> = body.split("||").collect();
                if answers.len() == count {
                    let accepted = |i: &usize| answers[*i].trim().starts_with("2000");
                    (0..count).filter(accepted).collect()
                } else if body.trim().starts_with('-') {
                    Vec::new()
                } else {
                    all
                }
            }
            (Takes::All | Takes::AsAnswered, _) => all,
        }
    }
}

/// A gate: replies behind it wait until a test opens it, at most `PATIENCE`.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// A closed gate.
    pub(crate) fn closed() -> Self {
        Self::default()
    }

    /// Releases all replies behind it, now and later.
    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    /// Waits until it is open.
    pub(crate) fn pass(&self) {
        let open = self.0.0.lock().unwrap();
        let _passed = self
            .0
            .1
            .wait_timeout_while(open, PATIENCE, |open| !*open)
            .unwrap();
    }
}

type Script = dyn Fn(&Request, usize) -> Reply + Send + Sync;

#[derive(Default)]
struct Record {
    requests: Vec<Request>,
    taken: Vec<Taken>,
    /// Incomplete requests.
    fragments: Vec<Vec<u8>>,
}

struct Shared {
    record: Mutex<Record>,
    arrived: Condvar,
    script: Box<Script>,
    connections: AtomicUsize,
    stopping: AtomicBool,
}

/// The fake gateway. It stops listening when it is dropped.
pub(crate) struct Gateway {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Gateway {
    /// A gateway that replies to request `n` with `script(request, n)`.
    pub(crate) fn new(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            record: Mutex::default(),
            arrived: Condvar::new(),
            script: Box::new(script),
            connections: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
        });
        let acceptor = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if acceptor.stopping.load(Ordering::Acquire) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&acceptor);
                thread::spawn(move || shared.serve(stream));
            }
        });
        Self { address, shared }
    }

    /// A gateway that accepts everything, with transaction ids counting from 1143007207, one for each request.
    pub(crate) fn accepting() -> Self {
        Self::new(|_, nth| Reply::accepted(trx_of(nth)))
    }

    /// The same, once this gate is open.
    pub(crate) fn behind(gate: &Gate) -> Self {
        let gate = gate.clone();
        Self::new(move |_, nth| Reply::accepted(trx_of(nth)).behind(&gate))
    }

    /// A gateway that answers every request with this body.
    pub(crate) fn answering(body: &'static str) -> Self {
        Self::new(move |_, _| Reply::ok(body))
    }

    /// A gateway that answers `code(number)` for each recipient, joined by `||`.
    pub(crate) fn per_number(code: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::new(move |request, _| {
            let answers: Vec<String> = request.numbers.iter().map(|n| code(n)).collect();
            Reply::ok(answers.join("||"))
        })
    }

    /// A gateway that replies with these bodies in turn, then accepts.
    pub(crate) fn in_turn(bodies: &'static [&'static str]) -> Self {
        Self::new(move |_, nth| match bodies.get(nth) {
            Some(body) => Reply::ok(*body),
            None => Reply::accepted(trx_of(nth)),
        })
    }

    /// A gateway that replies with the body of the first of these numbers in a request, and accepts all other requests.
    pub(crate) fn by_number(bodies: HashMap<String, String>) -> Self {
        Self::new(move |request, nth| {
            let body = request.numbers.iter().find_map(|n| bodies.get(n));
            match body {
                Some(body) => Reply::ok(body.clone()),
                None => Reply::accepted(trx_of(nth)),
            }
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, as a value for `--gateway`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/RESTAPI.php", self.address)
    }

    /// Every request so far, in order of arrival.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.record.lock().unwrap().requests.clone()
    }

    /// The number of requests so far.
    pub(crate) fn count(&self) -> usize {
        self.shared.record.lock().unwrap().requests.len()
    }

    /// Every message taken so far.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.shared.record.lock().unwrap().taken.clone()
    }

    /// The numbers of every message taken so far, sorted.
    pub(crate) fn numbers_taken(&self) -> Vec<String> {
        let mut numbers: Vec<String> = self.taken().into_iter().map(|t| t.number).collect();
        numbers.sort();
        numbers
    }

    /// Waits until that many requests have arrived.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        let record = self.shared.record.lock().unwrap();
        let (record, _) = self
            .shared
            .arrived
            .wait_timeout_while(record, PATIENCE, |r| r.requests.len() < count)
            .unwrap();
        let came = record.requests.len();
        assert!(came >= count, "waited for {count} requests, {came} came");
    }

    /// Panics if a number was taken twice with the same text.
    pub(crate) fn assert_nothing_twice(&self) {
        let record = self.shared.record.lock().unwrap();
        let mut seen = HashMap::new();
        for taken in &record.taken {
            let before = seen.insert((&taken.number, &taken.text), taken.nth);
            assert!(
                before.is_none(),
                "{} got {:?} in request {} and again in request {}",
                taken.number,
                taken.text,
                before.unwrap_or_default(),
                taken.nth
            );
        }
    }

    /// Incomplete requests; none from a correct client.
    pub(crate) fn fragments(&self) -> Vec<Vec<u8>> {
        self.shared.record.lock().unwrap().fragments.clone()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        // Wakes the acceptor, which then stops.
        let _woken = TcpStream::connect(self.address);
    }
}

/// The transaction id that `Gateway::accepting` gives to request `nth`.
pub(crate) fn trx_of(nth: usize) -> String {
    (FIRST_TRX + nth as u64).to_string()
}

/// The URL of a port on which nothing listens.
pub(crate) fn unreachable_url() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    format!("http://{}/RESTAPI.php", listener.local_addr().unwrap())
}

impl Shared {
    /// Replies to the requests of one connection in turn.
    fn serve(&self, mut stream: TcpStream) {
        let connection = self.connections.fetch_add(1, Ordering::AcqRel);
        stream.set_nodelay(true).unwrap();
        while let Some((mut request, last)) = self.receive(&mut stream, connection) {
            {
                let mut record = self.record.lock().unwrap();
                request.nth = record.requests.len();
                record.requests.push(request.clone());
            }
            self.arrived.notify_all();
            let reply = (self.script)(&request, request.nth);
            let taken = reply.taken(request.numbers.len());
            self.record
                .lock()
                .unwrap()
                .taken
                .extend(taken.into_iter().map(|i| Taken {
                    number: request.numbers[i].clone(),
                    text: request.text.clone(),
                    nth: request.nth,
                }));
            thread::sleep(reply.delay);
            if let Some(gate) = &reply.gate {
                gate.pass();
            }
            let keep = last.reply(&mut stream, reply.wire);
            if let Some(act) = reply.afterwards {
                act();
            }
            if !keep {
                break;
            }
        }
    }

    /// The next request of a connection. Its last byte stays in the socket, so that the connection can still be reset:
    /// the system resets a connection that is closed while bytes are unread.
    fn receive(&self, stream: &mut TcpStream, connection: usize) -> Option<(Request, LastByte)> {
        let mut raw = Vec::new();
        let mut at = None;
        let fragment = |raw: Vec<u8>| {
            if !raw.is_empty() {
                self.record.lock().unwrap().fragments.push(raw);
            }
        };
        // Peeks, and reads no more than the head of the request, then its body without the last byte.
        let (head, length) = loop {
            let mut window = [0; 16 * 1024];
            let seen = match stream.peek(&mut window) {
                Ok(0) => {
                    fragment(raw);
                    return None;
                }
                Ok(seen) => seen,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(_) => {
                    fragment(raw);
                    return None;
                }
            };
            at.get_or_insert_with(Instant::now);
            let before = raw.len();
            raw.extend_from_slice(&window[..seen]);
            let end = raw.windows(4).position(|w| w == b"\r\n\r\n");
            let taken = end.map_or(seen, |end| (end + 4) - before);
            raw.truncate(before + taken);
            stream.read_exact(&mut window[..taken]).unwrap();
            if end.is_some() {
                let head = String::from_utf8(raw.clone()).expect("a head in ASCII");
                let headers = headers_of(&head);
                let length = headers
                    .get("content-length")
                    .expect("a request with a Content-Length");
                let length: usize = length.parse().expect("a number");
                break (head, length);
            }
        };
        let mut body = vec![0; length];
        if length > 0 {
            let whole = stream.read_exact(&mut body[..length - 1]).is_ok()
                && matches!(stream.peek(&mut body[length - 1..]), Ok(1));
            if !whole {
                fragment(raw);
                return None;
            }
        }
        raw.extend_from_slice(&body);
        let mut first = head.lines().next().unwrap_or_default().split(' ');
        let method = first.next().unwrap_or_default().to_owned();
        let target = first.next().unwrap_or_default().to_owned();
        let fields = form_of(&body);
        let value = |name: &str| {
            let field = fields.iter().find(|(key, _)| key == name);
            field.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let dstno = value("dstno");
        let request = Request {
            nth: 0,
            connection,
            at: at.unwrap_or_else(Instant::now),
            method,
            target,
            headers: headers_of(&head),
            numbers: dstno.split(';').map(str::to_owned).collect(),
            text: value("msg"),
            body,
            raw,
            fields,
        };
        Some((request, LastByte(length > 0)))
    }
}

/// Whether the last byte of a request is still in the socket.
struct LastByte(bool);

impl LastByte {
    /// Writes the reply. Returns whether the connection is kept.
    fn reply(&self, stream: &mut TcpStream, wire: Wire) -> bool {
        if let Wire::Reset(bytes) = wire {
            let _written = stream.write_all(&bytes);
            return false; // closed while a byte is unread
        }
        if self.0 {
            let _last = stream.read_exact(&mut [0]);
        }
        let (bytes, keep) = match wire {
            Wire::Full {
                status,
                headers,
                body,
            } => {
                let mut out = format!("HTTP/1.1 {status} {}\r\n", reason(status)).into_bytes();
                for (name, value) in headers {
                    out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
                }
                out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
                out.extend_from_slice(&body);
                (out, true)
            }
            Wire::Chunked {
                status,
                chunks,
                ended,
            } => {
                let mut out = format!(
                    "HTTP/1.1 {status} {}\r\nTransfer-Encoding: chunked\r\n\r\n",
                    reason(status)
                )
                .into_bytes();
                for chunk in chunks {
                    out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    out.extend_from_slice(&chunk);
                    out.extend_from_slice(b"\r\n");
                }
                if ended {
                    out.extend_from_slice(b"0\r\n\r\n");
                }
                (out, ended)
            }
            Wire::UntilClose { status, body } => {
                let mut out = format!(
                    "HTTP/1.1 {status} {}\r\nConnection: close\r\n\r\n",
                    reason(status)
                )
                .into_bytes();
                out.extend_from_slice(&body);
                (out, false)
            }
            Wire::Twice([first, second]) => {
                let response = |body: Vec<u8>| {
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                    [head.into_bytes(), body].concat()
                };
                let _first = stream.write_all(&response(first));
                thread::sleep(Duration::from_millis(100));
                (response(second), true)
            }
            Wire::Raw(bytes) => (bytes, false),
            Wire::Reset(_) => unreachable!("handled above"),
        };
        // The client may be gone, which some tests intend.
        let sent = stream.write_all(&bytes).is_ok();
        if !keep {
            let _closed = stream.shutdown(Shutdown::Both);
        }
        sent && keep
    }
}

fn headers_of(head: &str) -> BTreeMap<String, String> {
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Other",
    }
}

/// The decoded fields of a form. Panics if it is malformed: a byte that must be encoded, or invalid UTF-8.
fn form_of(body: &[u8]) -> Vec<(String, String)> {
    body.split(|b| *b == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = pair.iter().position(|b| *b == b'=').expect("name=value");
            (decoded(&pair[..at]), decoded(&pair[at + 1..]))
        })
        .collect()
}

fn decoded(encoded: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|d| *d.expect("two digits"));
                let digits = std::str::from_utf8(&digits).expect("hex");
                u8::from_str_radix(digits, 16).expect("hex")
            }
            byte => {
                assert!(byte.is_ascii_graphic(), "byte {byte} is not encoded");
                *byte
            }
        });
    }
    String::from_utf8(bytes).expect("UTF-8")
}
