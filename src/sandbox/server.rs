//! The practice gateway on the wire: HTTP/1.1, delays, connections dropped on purpose, the orderly end. It knows
//! no rules: fields go to the desk, replies come from it.

use std::io::{self, IoSlice};
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

use super::desk::{Desk, Reply};
use crate::error::{Error, Result};

/// The one path that is served.
pub(super) const PATH: &str = "/RESTAPI.php";

/// The largest body of a request: 30 numbers and the longest text need 10 KiB.
const MAX_BODY: usize = 1024 * 1024;

/// How late a late answer is: longer than the 30 seconds that a client waits unless told otherwise.
pub(super) const LATE: Duration = Duration::from_secs(60);

/// How long a stop waits for connections that are busy. Nothing here takes long once stop is asked for, so this
/// is for clients that stall in the middle of a request.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// The sender of the word to stop, `true` once it was given.
type Stop = watch::Sender<bool>;

/// What all connections share.
struct Gateway {
    desk: Mutex<Desk>,
    latency: Duration,
    stop: Stop,
    /// Why it had to end by itself.
    failure: Mutex<Option<Error>>,
}

/// Serves until `stop` says so, then lets connections finish. Fails if it ended because the outbox could not be
/// written: what is no longer recorded must no longer be taken.
pub(super) async fn serve(
    listener: TcpListener,
    desk: Desk,
    latency: Duration,
    stop: Stop,
) -> Result<()> {
    let gateway = Arc::new(Gateway {
        desk: Mutex::new(desk),
        latency,
        stop,
        failure: Mutex::new(None),
    });
    let router = Router::new()
        .route(PATH, get(answer).post(answer))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Arc::clone(&gateway))
        .into_make_service_with_connect_info::<Switch>();
    let stopped = {
        let gateway = Arc::clone(&gateway);
        async move { gateway.stopped().await }
    };
    let server = axum::serve(Door(listener), router).with_graceful_shutdown(stopped);
    let server = tokio::spawn(server.into_future());
    gateway.stopped().await;
    // Neither of the two failures tells anything: out of time, connections are closed with the runtime.
    let _ = timeout(STOP_WITHIN, server).await;
    let failure = held(&gateway.failure).take();
    failure.map_or(Ok(()), Err)
}

/// The answer to one request.
async fn answer(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let fields = match form {
        Ok(Form(fields)) => fields,
        // As in PHP: a body of another type has no fields, and so all of them are missing.
        Err(FormRejection::InvalidFormContentType(_)) => Vec::new(),
        Err(rejection) => return rejection.into_response(),
    };
    // Taken before the first wait: a client that hangs up meanwhile ends this function there.
    let reply = gateway.submit(&fields);
    let wait = match reply {
        Reply::LateAnswer(_) => LATE,
        _ => gateway.latency,
    };
    let cut_short = !wait.is_zero() && timeout(wait, gateway.stopped()).await.is_ok();
    match reply {
        // A late answer given early would be another fault than the one asked for.
        Reply::LateAnswer(_) if cut_short => switch.cut(),
        Reply::Answer(answer) | Reply::LateAnswer(answer) => answer.into_response(),
        Reply::Throttled => throttled(),
        Reply::Unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Reply::Blank => StatusCode::OK.into_response(),
        Reply::Dropped => switch.cut(),
    }
}

/// The words do not fit the grammar of answers, which would win over the status.
fn throttled() -> Response {
    let words = "Too Many Requests";
    (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "1")], words).into_response()
}

impl Gateway {
    /// The reply to these fields. A desk that cannot record ends the gateway, and the connection with it: the
    /// message was not taken, and no code of the reference says so.
    fn submit(&self, fields: &[(String, String)]) -> Reply {
        held(&self.desk).submit(fields).unwrap_or_else(|error| {
            held(&self.failure).get_or_insert(error);
            self.stop.send_replace(true);
            Reply::Dropped
        })
    }

    /// Returns once stop was asked for.
    async fn stopped(&self) {
        // It cannot fail: that would need the sender, which is here, to be gone.
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }
}

/// What a lock holds, also after a panic under it: a reply is computed as a whole or not at all.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The listening socket. It hands out lines instead of plain connections.
struct Door(TcpListener);

impl Listener for Door {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        let (stream, client) = Listener::accept(&mut self.0).await;
        // Only a matter of speed.
        let _ = stream.set_nodelay(true);
        let switch = Switch::default();
        (Line { stream, switch }, client)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// The switch of one connection: cut, it never carries another byte to the client.
#[derive(Clone, Debug, Default)]
struct Switch(Arc<AtomicBool>);

impl Switch {
    /// Cuts the line. A handler has to return a response, and the server always writes what it returns; so the
    /// line refuses the first byte of it, which makes the server close the connection.
    fn cut(&self) -> Response {
        self.0.store(true, Ordering::Relaxed);
        StatusCode::OK.into_response()
    }
}

impl Connected<IncomingStream<'_, Door>> for Switch {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().switch.clone()
    }
}

/// A connection that can be cut.
struct Line {
    stream: TcpStream,
    switch: Switch,
}

impl Line {
    /// The stream to write to, unless the line is cut.
    fn open_end(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        if self.switch.0.load(Ordering::Relaxed) {
            Err(io::ErrorKind::ConnectionAborted.into())
        } else {
            Ok(Pin::new(&mut self.stream))
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.open_end()?.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.open_end()?.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.open_end()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
