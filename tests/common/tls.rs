//! Certificates and a TLS server in front of a fake gateway, independent of the crate.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::Gateway;

/// An issuer of certificates that no machine knows.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, as a server has them.
pub(crate) struct Identity(Arc<ServerConfig>);

impl Authority {
    /// A new one.
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate, as `SSL_CERT_FILE` takes it.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a host or an address.
    pub(crate) fn certify(&self, host: &str) -> Identity {
        self.certify_for_years(host, 2020, 2999)
    }

    /// A certificate that is valid from one year to another.
    pub(crate) fn certify_for_years(&self, host: &str, from: i32, to: i32) -> Identity {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity::new(&certificate, &key)
    }
}

impl Identity {
    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key);
        Self(Arc::new(config.unwrap()))
    }

    /// A certificate that nobody else signed, with its text.
    pub(crate) fn self_signed(host: &str, is_issuer: bool) -> (Self, String) {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        if is_issuer {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        (Self::new(&certificate, &key), certificate.pem())
    }
}

/// A TLS server in front of a fake gateway.
pub(crate) struct TlsServer {
    pub(crate) gateway: Gateway,
    pub(crate) address: SocketAddr,
}

impl TlsServer {
    /// Puts a server with this identity before the gateway. It ends with the process.
    pub(crate) fn before(gateway: Gateway, identity: Identity) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let behind = gateway.address();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let config = Arc::clone(&identity.0);
                thread::spawn(move || {
                    let connection = ServerConnection::new(config).unwrap();
                    let tls = StreamOwned::new(connection, client);
                    // A client that refuses the certificate ends it.
                    let _ended = relay(tls, TcpStream::connect(behind).unwrap());
                });
            }
        });
        Self { gateway, address }
    }

    /// Its URL under this name.
    pub(crate) fn url(&self, host: &str) -> String {
        format!("https://{host}:{}/RESTAPI.php", self.address.port())
    }
}

/// Passes on what either side sends, until one of them ends.
fn relay(
    mut tls: StreamOwned<ServerConnection, TcpStream>,
    mut plain: TcpStream,
) -> io::Result<()> {
    let pause = Some(std::time::Duration::from_millis(5));
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock)?;
    }
    tls.sock.set_read_timeout(pause)?;
    plain.set_read_timeout(pause)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        if let Some(read) = read_some(&mut tls, &mut buffer)? {
            if read == 0 {
                return Ok(());
            }
            plain.write_all(&buffer[..read])?;
        }
        if let Some(read) = read_some(&mut plain, &mut buffer)? {
            if read == 0 {
                tls.conn.send_close_notify();
                return tls.flush();
            }
            tls.write_all(&buffer[..read])?;
            tls.flush()?;
        }
    }
}

/// What has arrived; `None`: nothing yet.
fn read_some(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    match stream.read(buffer) {
        Ok(read) => Ok(Some(read)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
