//! A session with a server. The server may fall silent without the connection being lost: its processes are stopped, its disk
//! hangs, or the network drops what is sent. So whatever is awaited of it, the wait comes to an end.

use std::fmt;
use std::fs;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::Store;
use super::error::{database_error, not_postgresql, unreachable};
use super::password;
use super::probe::speaks_another_protocol;
use crate::certificates::Trusted;
use crate::{Error, Kind, Result};

/// How long the network may take to confirm what was sent.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long each address of a server may take to accept a connection, unless the URL says otherwise.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a server may be silent before it is asked on another connection whether it is there.
const SILENCE: Duration = Duration::from_secs(5);

/// How long a commit may take. It waits for a disk, or for another server, and this one may answer although they do not.
const LONGEST_COMMIT: Duration = Duration::from_secs(15);

/// A session with a server.
pub(super) struct Session {
    client: Client,
    /// Comes after the client, which then takes its leave of the server.
    exchange: Exchange,
}

/// What passes on what client and server say to each other, as long as something is awaited.
struct Exchange {
    runtime: Runtime,
    task: JoinHandle<()>,
}

impl Session {
    /// Connects to the server of a store.
    pub(super) fn open(store: &Store) -> Result<Self> {
        let connected = Self::connect(store);
        let opened = connected.and_then(|one| one.map_err(|error| database_error(error, store)));
        opened.map_err(|error| match error.kind {
            Kind::Unreachable if speaks_another_protocol(&store.config) => not_postgresql(store),
            _ => error,
        })
    }

    /// The same, with the error as the driver has it, if the server or the system gave one.
    fn connect(store: &Store) -> Result<Result<Self, tokio_postgres::Error>> {
        let mut config = store.config.clone();
        if let Some(password) = password::find(store)? {
            config.password(password);
        }
        config.keepalives_idle(PATIENCE).tcp_user_timeout(PATIENCE);
        config.keepalives_interval(PATIENCE / 5);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_application_name().is_none() {
            config.application_name("isms-campaign");
        }
        match config.get_ssl_mode() {
            SslMode::Disable => Self::connect_with(store, &config, NoTls),
            _ => Self::connect_with(store, &config, MakeRustlsConnect::new(tls(store)?)),
        }
    }

    fn connect_with<T>(
        store: &Store,
        config: &Config,
        tls: T,
    ) -> Result<Result<Self, tokio_postgres::Error>>
    where
        T: MakeTlsConnect<Socket, Stream: Send + 'static, TlsConnect: Send> + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| {
            Error::new(Kind::Other, "no connection can be made").caused_by(error)
        })?;
        // The driver's time-out does not cover what is said afterwards, until the session is there.
        let limit = config.get_connect_timeout().copied();
        let hosts = u32::try_from(config.get_hosts().len()).unwrap_or(1);
        let limit = limit.unwrap_or(CONNECT).saturating_mul(2 * hosts);
        let connected = runtime.block_on(async { timeout(limit, config.connect(tls)).await });
        Ok(match connected {
            Ok(Ok((client, connection))) => {
                let task = runtime.spawn(async {
                    // If it is lost, every wait for an answer ends with that error.
                    let _ = connection.await;
                });
                Ok(Self {
                    client,
                    exchange: Exchange { runtime, task },
                })
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                // A name may still be looked up.
                runtime.shutdown_background();
                return Err(silent(limit, store));
            }
        })
    }

    /// Asks the server for something. It may take as long as it needs to answer, as long as it is there.
    pub(super) fn ask<T>(
        &self,
        store: &Store,
        ask: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T> {
        self.ask_within(Duration::MAX, store, ask)
    }

    /// Commits the transaction. After an error it may be durable or not, also some time later: the server may have been told.
    pub(super) fn commit(&self, store: &Store) -> Result<()> {
        self.ask_within(LONGEST_COMMIT, store, async |client| {
            client.batch_execute("COMMIT").await
        })
    }

    fn ask_within<T>(
        &self,
        limit: Duration,
        store: &Store,
        ask: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T> {
        let Exchange { runtime, task } = &self.exchange;
        let mut answer = pin!(ask(&self.client));
        let mut waited = Duration::ZERO;
        loop {
            let answered = runtime.block_on(async { timeout(SILENCE, &mut answer).await });
            if let Ok(answered) = answered {
                return answered.map_err(|error| database_error(error, store));
            }
            waited += SILENCE;
            let lost = if waited < limit {
                refuse_silent(store)
            } else {
                Err(silent(waited, store))
            };
            if let Err(lost) = lost {
                // Nothing more is said in this session, and its connection is closed before anything else is tried.
                task.abort();
                runtime.block_on(tokio::task::yield_now());
                return Err(lost);
            }
        }
    }
}

/// Refuses a server that says nothing to a new connection.
fn refuse_silent(store: &Store) -> Result<()> {
    match Session::connect(store)? {
        // It takes no more connections, for example.
        Err(error) if error.code().is_some() => Ok(()),
        Err(error) => Err(database_error(error, store)),
        Ok(_) => Ok(()),
    }
}

fn silent(time: Duration, store: &Store) -> Error {
    let seconds = time.as_secs();
    let cause = std::io::Error::other(format!("it has not answered for {seconds} seconds"));
    unreachable(store).caused_by(cause)
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let Self { runtime, task } = self;
        // A server that does not listen notices that the connection is closed.
        let _ = runtime.block_on(async { timeout(SILENCE, task).await });
    }
}

/// What is needed to verify the server's certificate and name: the certificates that the URL names, or else those that every
/// connection trusts.
fn tls(store: &Store) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match &store.root_certificates {
        None => {
            roots.add_parsable_certificates(Trusted::load().certificates);
        }
        Some(path) => {
            let unusable = |error: &dyn fmt::Display| {
                let problem = format!("cannot be used as sslrootcert: {error}");
                Error::new(Kind::Other, problem)
                    .hint("name a file of certificates in PEM")
                    .at(path.display())
            };
            let text = fs::read(path).map_err(|error| unusable(&error))?;
            for certificate in CertificateDer::pem_slice_iter(&text) {
                let certificate = certificate.map_err(|error| unusable(&error))?;
                roots.add(certificate).map_err(|error| unusable(&error))?;
            }
            if roots.is_empty() {
                return Err(unusable(&"it holds no certificate"));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(Kind::Other, "TLS cannot be used").caused_by(error))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
