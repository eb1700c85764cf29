//! The certificates that are trusted, and what is wrong with one that is refused.

use std::env;

use rustls::CertificateError;
use rustls::pki_types::CertificateDer;

/// The variables that name certificates.
const VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The certificates that are trusted: built-in ones, those of this machine, and those that the environment names.
#[derive(Debug)]
pub struct Trusted {
    /// Each in DER.
    pub certificates: Vec<CertificateDer<'static>>,
    /// What the environment names and could not be read. It matters only where a certificate is refused.
    pub unreadable: Vec<String>,
}

impl Trusted {
    /// Reads those of this machine and of the environment.
    #[must_use]
    pub fn load() -> Self {
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
        let built_in = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
        Self {
            certificates: built_in.chain(found.certs).collect(),
            unreadable,
        }
    }
}

/// What is wrong with a certificate, and what to do about it. `issuer`: what to do where its issuer is not known.
#[must_use]
pub fn explain(error: &CertificateError, issuer: &'static str) -> (String, &'static str) {
    const CLOCK: &str = "compare the date and time of this machine with a clock, and tell the operator of that server";
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
            issuer,
        ),
        // Signed by itself, as OpenSSL does it without being told otherwise.
        error if format!("{error:?}").contains("CaUsedAsEndEntity") => (
            "is that of an issuer and not of a server".to_owned(),
            "do not go on before you know who answers there; a server of yours needs one that is no issuer's, also where SSL_CERT_FILE names it: openssl req -x509 -addext basicConstraints=CA:FALSE",
        ),
        error => (format!("is refused ({error})"), SERVER),
    }
}
