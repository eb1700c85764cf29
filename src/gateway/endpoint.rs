//! The URL of a gateway. It is checked once and then used exactly as given.

use std::fmt;
use std::net::IpAddr;

use ureq::http::uri::{Authority, PathAndQuery, Uri};

use crate::{Error, Remedy, Result};

/// The URL of a gateway: HTTPS, or plain HTTP within this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(pub(super) Uri);

impl Endpoint {
    /// The iSMS REST endpoint.
    pub const DEFAULT: &str = "https://www.isms.com.my/RESTAPI.php";

    /// The endpoint at a URL. The URL may hold a password, so no error repeats it.
    pub fn parse(url: &str) -> Result<Self> {
        let endpoint = Self(url.parse().map_err(|_| not_a_url())?);
        let uri = &endpoint.0;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(not_a_url());
        };
        if authority.as_str().contains('@') {
            let message = "the URL of the gateway holds a user name or password";
            return Err(Error::usage(message)
                .hint("leave it out, and set the account")
                .remedy(Remedy::Account));
        }
        // ureq would silently drop a fragment.
        if authority.host().is_empty() || has_bad_port(authority) || url.contains('#') {
            return Err(not_a_url());
        }
        match scheme {
            "https" => Ok(endpoint),
            "http" if endpoint.is_loopback() => Ok(endpoint),
            "http" => {
                let host = endpoint.host();
                let message = format!("http:// would send the password unencrypted to {host}");
                Err(Error::usage(message).hint("use https://"))
            }
            _ => Err(not_a_url()),
        }
    }

    /// How the gateway is identified in a ledger: the host name in lower case; `loopback` for this machine.
    #[must_use]
    pub fn host(&self) -> String {
        if self.is_loopback() {
            return "loopback".to_owned();
        }
        self.name().to_ascii_lowercase()
    }

    /// Whether the gateway is on this machine: 127.0.0.0/8, `::1` or `localhost`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let name = self.name();
        let address: Option<IpAddr> = name.trim_matches(['[', ']']).parse().ok();
        name.eq_ignore_ascii_case("localhost")
            || address.is_some_and(|address| address.is_loopback())
    }

    /// Whether it is a host of iSMS.
    #[must_use]
    pub fn is_isms(&self) -> bool {
        let host = self.host();
        host == "isms.com.my"
            || host.ends_with(".isms.com.my")
            || ["smtpapi.vocotext.com", "smtpapi2.vocotext.com"].contains(&host.as_str())
    }

    /// Another page of the same host and port. The query stays behind, as it may hold what was meant for the gateway alone.
    pub(super) fn page(&self, path: &'static str) -> Result<Self> {
        let mut parts = self.0.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::from_static(path));
        Uri::from_parts(parts).map(Self).map_err(|_| not_a_url())
    }

    /// The host as it was given.
    pub(super) fn name(&self) -> &str {
        self.0.host().unwrap_or_default()
    }

    /// Whether it is reached through TLS.
    pub(super) fn uses_tls(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// The port that was given, or the one of its scheme.
    pub(super) fn port(&self) -> u16 {
        let usual = if self.uses_tls() { 443 } else { 80 };
        self.0.port_u16().unwrap_or(usual)
    }
}

fn not_a_url() -> Error {
    Error::usage("the URL of the gateway cannot be read")
        .hint(format!("give all of it (such as {})", Endpoint::DEFAULT))
        .remedy(Remedy::Gateway)
}

/// Whether what stands for the port is none. ureq would silently take the usual port instead.
pub(super) fn has_bad_port(authority: &Authority) -> bool {
    let host_and_port = authority.as_str().rsplit('@').next();
    host_and_port != Some(authority.host()) && authority.port_u16().is_none()
}

impl fmt::Debug for Endpoint {
    /// Without the query, which may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.scheme_str().unwrap_or_default();
        let authority = self.0.authority().map_or("", Authority::as_str);
        write!(f, "Endpoint({scheme}://{authority}{})", self.0.path())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn endpoints_are_https_or_on_this_machine() {
        let table = [
            (Endpoint::DEFAULT, "www.isms.com.my", false),
            (
                "https://WW3.isms.com.my:8443/x?y=z",
                "ww3.isms.com.my",
                false,
            ),
            ("https://203.0.113.7", "203.0.113.7", false),
            ("https://[2001:db8::1]:443/", "[2001:db8::1]", false),
            ("http://127.0.0.1:8025/RESTAPI.php", "loopback", true),
            ("http://127.9.8.7/", "loopback", true),
            ("http://[::1]:8025/", "loopback", true),
            ("http://LocalHost:8025/", "loopback", true),
            ("https://localhost/", "loopback", true),
        ];
        for (url, host, loopback) in table {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!(
                (endpoint.host().as_str(), endpoint.is_loopback()),
                (host, loopback),
                "{url}"
            );
        }
    }

    #[test]
    fn other_endpoints_are_refused_with_a_hint() {
        let unreadable = "the URL of the gateway cannot be read; \
                      give all of it (such as https://www.isms.com.my/RESTAPI.php)";
        let user = "the URL of the gateway holds a user name or password; \
                leave it out, and set the account";
        let plain = |host: &str| {
            format!("http:// would send the password unencrypted to {host}; use https://")
        };
        for (url, refusal) in [
            ("", unreadable.to_owned()),
            ("www.isms.com.my", unreadable.to_owned()),
            ("/RESTAPI.php", unreadable.to_owned()),
            ("ftp://127.0.0.1/", unreadable.to_owned()),
            ("https://", unreadable.to_owned()),
            ("https://host:99999/", unreadable.to_owned()),
            ("https://host:/", unreadable.to_owned()),
            ("https://host/#part", unreadable.to_owned()),
            (" https://host/", unreadable.to_owned()),
            ("https://ali:secret@host/", user.to_owned()),
            ("https://ali@host/", user.to_owned()),
            (
                "http://www.isms.com.my/RESTAPI.php",
                plain("www.isms.com.my"),
            ),
            ("http://127.0.0.1.evil.test/", plain("127.0.0.1.evil.test")),
            ("http://localhost.evil.test/", plain("localhost.evil.test")),
            ("http://128.0.0.1/", plain("128.0.0.1")),
            ("http://0.0.0.0/", plain("0.0.0.0")),
        ] {
            let error = Endpoint::parse(url).unwrap_err();
            assert_eq!(error.to_string(), refusal, "{url}");
            assert_eq!(error.kind, Kind::Usage);
        }
    }
}
