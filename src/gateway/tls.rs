//! The certificates that the HTTP client trusts, and why one was refused.

use std::sync::Arc;

use ureq::Error;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::certificates::{Trusted, explain};

/// What to do where the issuer of a certificate is not known.
const ISSUER: &str = "where the traffic is inspected on its way, add the inspector's root certificate to this machine's certificate store, or set SSL_CERT_FILE to the path of its file (PEM)";

/// The certificates that are trusted.
#[derive(Clone, Debug)]
pub(super) struct Certificates {
    pub(super) config: TlsConfig,
    unreadable: Arc<[String]>,
}

impl Certificates {
    /// Reads those of this machine and of the environment.
    pub(super) fn load() -> Self {
        let trusted = Trusted::load();
        let roots: RootCerts = (trusted.certificates.iter())
            .map(|der| Certificate::from_der(der).to_owned())
            .into();
        Self {
            config: TlsConfig::builder().root_certs(roots).build(),
            unreadable: trusted.unreadable.into(),
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
    let (problem, hint) = explain(error, ISSUER);
    let mut words = vec![format!("its certificate {problem}; {hint}")];
    words.extend(
        certificates
            .iter()
            .flat_map(|certificates| certificates.unreadable.to_vec()),
    );
    Some(words.join("; "))
}
