//! The certificates that are trusted, and why one was refused.

use std::env;
use std::sync::Arc;

use rustls::CertificateError;
use ureq::Error;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// The variables that name certificates.
const VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The certificates that are trusted: built-in ones, those of this machine, and those that the environment names.
#[derive(Clone, Debug)]
pub(super) struct Certificates {
    pub(super) config: TlsConfig,
    /// What the environment names and could not be read. It matters only where a certificate is refused.
    unreadable: Arc<[String]>,
}

impl Certificates {
    /// Reads those of this machine and of the environment.
    pub(super) fn load() -> Self {
        let mut found = rustls_native_certs::load_native_certs();
        let mut unreadable = Vec::new();
        if VARIABLES.iter().any(|name| env::var_os(name).is_some()) {
            unreadable.extend(found.errors.iter().map(ToString::to_string));
            // What the environment names was read instead of the machine's own.
            for folder in openssl_probe::candidate_cert_dirs() {
                let own = rustls_native_certs::load_certs_from_paths(None, Some(folder));
                found.certs.extend(own.certs);
            }
        }
        let built_in = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        let trusted: RootCerts = built_in
            .chain(&found.certs)
            .map(|der| Certificate::from_der(der).to_owned())
            .into();
        Self {
            config: TlsConfig::builder().root_certs(trusted).build(),
            unreadable: unreadable.into(),
        }
    }
}

/// Why the other end's certificate was refused, and what to do about it, if that is what the error says.
pub(super) fn refusal(error: &Error, certificates: Option<&Certificates>) -> Option<String> {
    let error = match error {
        Error::Rustls(error) => error,
        Error::Io(error) => error.get_ref()?.downcast_ref()?,
        _ => return None,
    };
    let error = match error {
        rustls::Error::InvalidCertificate(error) => error,
        rustls::Error::NoCertificatesPresented => return Some("it has no certificate".to_owned()),
        _ => return None,
    };
    let (problem, hint) = explain(error);
    let mut words = vec![format!("its certificate {problem}; {hint}")];
    words.extend(
        certificates
            .iter()
            .flat_map(|certificates| certificates.unreadable.to_vec()),
    );
    Some(words.join("; "))
}

fn explain(error: &CertificateError) -> (String, &'static str) {
    const CLOCK: &str = "compare the date and time of this machine with a clock, and tell the operator of that server";
    const ISSUER: &str = "where the traffic is inspected on its way, add the inspector's root certificate to this machine's certificate store, or set SSL_CERT_FILE to the path of its file (PEM)";
    const SERVER: &str = "do not go on before you know who answers there";
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("has expired".to_owned(), CLOCK)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("is not valid yet".to_owned(), CLOCK)
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ("is for another name".to_owned(), SERVER)
        }
        // A bad signature: an issuer of this name is known, with another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => (
            "is from an issuer that is not known here".to_owned(),
            ISSUER,
        ),
        // Signed by itself, as OpenSSL does it without being told otherwise.
        error if format!("{error:?}").contains("CaUsedAsEndEntity") => (
            "is that of an issuer and not of a server".to_owned(),
            "do not go on before you know who answers there; a server of yours needs one that is no issuer's, also where SSL_CERT_FILE names it: openssl req -x509 -addext basicConstraints=CA:FALSE",
        ),
        error => (format!("is refused ({error})"), SERVER),
    }
}
