//! The sandbox on the wire: HTTP/1.1, delays, connections dropped on purpose, and an orderly stop.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::extract::rejection::FormRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Form, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use super::faults::Fault;
use super::simulator::{Reply, Simulator};
use crate::error::{Error, Result};

/// The path that takes messages.
pub(super) const PATH: &str = "/RESTAPI.php";

/// The paths that state the credits of the account, and when it expires.
const BALANCE_PATH: &str = "/isms_balance.php";
const EXPIRY_PATH: &str = "/isms_expiry_date.php";

/// The account of a sandbox does not expire soon.
const EXPIRY: &str = "31 December 2099";

/// The largest body of a request. 30 numbers and the longest text need 10 KiB.
const MAX_BODY: usize = 1024 * 1024;

/// The delay of a late answer: longer than the 30 seconds that a client waits by default.
pub(super) const LATE: Duration = Duration::from_secs(60);

/// How long a stop waits for busy connections. Nothing in the sandbox takes long once it stops, so this concerns
/// clients that stall in the middle of a request.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// The request to stop: `true` once it was made.
type StopSignal = watch::Sender<bool>;

/// What all connections share.
struct Shared {
    simulator: Mutex<Simulator>,
    latency: Duration,
    stop: StopSignal,
    /// The error that ended the sandbox.
    failure: Mutex<Option<Error>>,
}

/// Serves until `stop` is `true`, then lets connections finish. Fails if the outbox could not be written: what cannot be
/// recorded must not be taken.
pub(super) async fn serve(
    listener: TcpListener,
    simulator: Simulator,
    latency: Duration,
    stop: StopSignal,
) -> Result<()> {
    let shared = Arc::new(Shared {
        simulator: Mutex::new(simulator),
        latency,
        stop,
        failure: Mutex::new(None),
    });
    let router = Router::new()
        .route(PATH, get(answer).post(answer))
        .route(BALANCE_PATH, get(balance).post(balance))
        .route(EXPIRY_PATH, get(expiry).post(expiry))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Arc::clone(&shared))
        .into_make_service_with_connect_info::<DropFlag>();
    let stopping = Arc::clone(&shared);
    let server = axum::serve(DroppingListener(listener), router)
        .with_graceful_shutdown(async move { stopping.stopped().await });
    let server = tokio::spawn(server.into_future());
    shared.stopped().await;
    // Both errors can be ignored. After the timeout, connections are closed with the runtime.
    let _ = timeout(STOP_WITHIN, server).await;
    let failure = lock(&shared.failure).take();
    failure.map_or(Ok(()), Err)
}

/// The fields of a request.
type Fields = Result<Form<Vec<(String, String)>>, FormRejection>;

fn fields(form: Fields) -> Result<Vec<(String, String)>, FormRejection> {
    match form {
        Ok(Form(fields)) => Ok(fields),
        // As in PHP, a body of another type has no fields, so all of them are missing.
        Err(FormRejection::InvalidFormContentType(_)) => Ok(Vec::new()),
        Err(rejection) => Err(rejection),
    }
}

async fn balance(State(shared): State<Arc<Shared>>, form: Fields) -> Response {
    let state = |credits: u64| credits.to_string();
    let answer = fields(form).map(|fields| lock(&shared.simulator).account(&fields, state));
    answer.into_response()
}

async fn expiry(State(shared): State<Arc<Shared>>, form: Fields) -> Response {
    let state = |_| EXPIRY.to_owned();
    let answer = fields(form).map(|fields| lock(&shared.simulator).account(&fields, state));
    answer.into_response()
}

/// The answer to one request that sends.
async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(drop_flag): ConnectInfo<DropFlag>,
    form: Fields,
) -> Response {
    let fields = match fields(form) {
        Ok(fields) => fields,
        Err(rejection) => return rejection.into_response(),
    };
    // Taken before the first wait, because a client that disconnects during a wait cancels this function.
    let reply = shared.submit(&fields);
    let wait = match reply.fault {
        Some(Fault::Late) => LATE,
        _ => shared.latency,
    };
    let cut_short = !wait.is_zero() && timeout(wait, shared.stopped()).await.is_ok();
    match reply.fault {
        // An early answer would be another fault than a late one.
        Some(Fault::Late) if cut_short => drop_flag.set(),
        Some(Fault::Dropped) => drop_flag.set(),
        Some(Fault::Throttled) => throttled(),
        Some(Fault::Unavailable) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        None | Some(Fault::Code(_) | Fault::Empty | Fault::Late) => reply.answer.into_response(),
    }
}

/// The body must not follow the grammar of answers, because an answer takes precedence over the status.
fn throttled() -> Response {
    let words = "Too Many Requests";
    (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "1")], words).into_response()
}

impl Shared {
    /// The reply to these fields. A message that cannot be recorded is not taken, and no code of the reference says so:
    /// the connection is dropped, and the sandbox ends.
    fn submit(&self, fields: &[(String, String)]) -> Reply {
        lock(&self.simulator)
            .submit(fields)
            .unwrap_or_else(|error| {
                lock(&self.failure).get_or_insert(error);
                self.stop.send_replace(true);
                Reply {
                    fault: Some(Fault::Dropped),
                    answer: String::new(),
                }
            })
    }

    /// Returns once a stop was requested.
    async fn stopped(&self) {
        // It cannot fail, because the sender lives as long as `self`.
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }
}

/// A panic while the lock is held leaves a valid value behind: a reply is computed as a whole or not at all.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A listening socket whose connections can be dropped.
struct DroppingListener(TcpListener);

impl Listener for DroppingListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, client) = Listener::accept(&mut self.0).await;
        // It only affects speed.
        let _ = stream.set_nodelay(true);
        let drop_flag = DropFlag::default();
        (Connection { stream, drop_flag }, client)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Whether a connection is dropped: then it carries no more bytes to the client.
#[derive(Clone, Debug, Default)]
struct DropFlag(Arc<AtomicBool>);

impl DropFlag {
    /// Drops the connection. A handler must return a response, and the server always writes it. So the connection
    /// refuses the first byte, which makes the server close it.
    fn set(&self) -> Response {
        self.0.store(true, Ordering::Relaxed);
        StatusCode::OK.into_response()
    }
}

impl Connected<IncomingStream<'_, DroppingListener>> for DropFlag {
    fn connect_info(stream: IncomingStream<'_, DroppingListener>) -> Self {
        stream.io().drop_flag.clone()
    }
}

/// A connection that can be dropped.
struct Connection {
    stream: TcpStream,
    drop_flag: DropFlag,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.drop_flag.0.load(Ordering::Relaxed) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
