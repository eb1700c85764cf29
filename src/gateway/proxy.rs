//! The proxy that the environment names, and what its errors mean.

use std::io;
use std::net::IpAddr;

use ureq::ProxyProtocol;
use ureq::http::{StatusCode, Uri};

use super::endpoint::has_bad_port;
use super::{Endpoint, Outcome};
use crate::{Error, Kind, Result};

/// The variables that name a proxy: the first one that is set decides.
const VARIABLES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "HTTP_PROXY",
    "http_proxy",
];

/// The variables that name the hosts that are reached without it.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

const SCHEMES: [&str; 7] = [
    "http", "https", "socks", "socks4", "socks4a", "socks5", "socks5h",
];

/// What a SOCKS proxy says where the next try would get the same answer.
const REFUSALS: [&str; 4] = [
    "no acceptable auth methods",
    "unknown auth method",
    "password authentication failed",
    "connection not allowed by ruleset",
];

/// A proxy.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    pub(super) server: ureq::Proxy,
    /// The variable that names it.
    variable: &'static str,
}

impl Proxy {
    /// The proxy that the environment names for this gateway, if it names one.
    pub(super) fn find(
        endpoint: &Endpoint,
        variable: &dyn Fn(&str) -> Result<Option<String>>,
    ) -> Result<Option<Self>> {
        if endpoint.is_loopback() {
            return Ok(None);
        }
        let Some((name, url)) = first(&VARIABLES, variable)? else {
            return Ok(None);
        };
        let exceptions = first(&EXCEPTIONS, variable)?.map(|(_, exceptions)| exceptions);
        if exceptions.is_some_and(|list| is_exempt(&list, endpoint.name(), endpoint.port())) {
            return Ok(None);
        }
        Self::new(name, &url).map(Some)
    }

    /// The proxy at a URL. It may hold a password, so no error repeats it.
    pub(super) fn new(variable: &'static str, url: &str) -> Result<Self> {
        let not_a_url = || {
            Error::new(Kind::Other, format!("{variable} is not the URL of a proxy"))
                .hint("give it as http://host:port or socks5://host:port; in a user or password before the host, write special characters as %40 and the like")
        };
        let uri: Uri = url.parse().map_err(|_| not_a_url())?;
        let scheme = uri.scheme_str().unwrap_or("http");
        if scheme.is_empty() {
            return Err(not_a_url());
        }
        if !SCHEMES
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
        {
            let problem =
                format!("{variable} names a proxy of a kind that is not supported: {scheme}://");
            return Err(Error::new(Kind::Other, problem).hint("use http://, https:// or socks5://"));
        }
        let authority = uri.authority().ok_or_else(not_a_url)?;
        if authority.host().is_empty() || has_bad_port(authority) {
            return Err(not_a_url());
        }
        let server = ureq::Proxy::new(url).map_err(|_| not_a_url())?;
        Ok(Self { server, variable })
    }

    /// Its name for people, without user and password.
    pub(super) fn name(&self) -> String {
        let Self { server, .. } = self;
        let scheme = server.uri().scheme_str().unwrap_or("http");
        format!("{scheme}://{}:{}", server.host(), server.port())
    }

    /// What it means that the proxy answered a request for a tunnel with this error, if it is one.
    pub(super) fn answered(&self, error: &ureq::Error, host: &str) -> Option<Outcome> {
        let (name, variable) = (self.name(), self.variable);
        let answer = match error {
            ureq::Error::ConnectProxyFailed(reason) => match status_in(reason) {
                Some(status) => format!("HTTP status {status}"),
                None => reason.clone(),
            },
            ureq::Error::Io(error) if self.speaks_socks() => socks_answer(error)?,
            _ => return None,
        };
        if !is_final(error) {
            let why = format!("the proxy {name} gave no connection to {host}: {answer}");
            return Some(Outcome::NotSent { why });
        }
        let why = format!(
            "the proxy {name} refused a connection to {host}: {answer}; correct the address, user and password in {variable}, or have the proxy allow it"
        );
        Some(Outcome::CannotConnect { why })
    }

    fn speaks_socks(&self) -> bool {
        let protocol = self.server.protocol();
        !matches!(protocol, ProxyProtocol::Http | ProxyProtocol::Https)
    }
}

/// Whether the proxy would answer the same to the next try.
fn is_final(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::ConnectProxyFailed(reason) => {
            status_in(reason).is_some_and(|status| status.is_client_error())
        }
        ureq::Error::Io(error) => is_refusal(error),
        _ => false,
    }
}

/// The answer of a SOCKS proxy in an error; `None`: the error comes from the system.
fn socks_answer(error: &io::Error) -> Option<String> {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Some("it closed the connection".to_owned()),
        io::ErrorKind::Other | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            Some(error.to_string())
        }
        io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
            Some(error.to_string())
        }
        _ => None,
    }
}

fn is_refusal(error: &io::Error) -> bool {
    let said = error.to_string();
    REFUSALS.iter().any(|refusal| said == *refusal)
}

/// The status with which a proxy answered CONNECT. ureq has it only in words: "proxy server responded 407/407".
fn status_in(reason: &str) -> Option<StatusCode> {
    let (_, words) = reason.split_once("responded ")?;
    let digits = words.split('/').next()?;
    StatusCode::from_bytes(digits.as_bytes()).ok()
}

/// The first of these variables that is set, and its value.
fn first(
    names: &[&'static str],
    variable: &dyn Fn(&str) -> Result<Option<String>>,
) -> Result<Option<(&'static str, String)>> {
    for name in names {
        let value = variable(name)?.unwrap_or_default();
        if !value.trim().is_empty() {
            return Ok(Some((name, value.trim().to_owned())));
        }
    }
    Ok(None)
}

/// Whether a list of exceptions has this host.
fn is_exempt(list: &str, host: &str, port: u16) -> bool {
    let host = bare(host);
    list.split(|c: char| c == ',' || c.is_whitespace())
        .any(|entry| {
            let (name, only_port) = split_port(entry);
            only_port.is_none_or(|only| only == port) && covers(&bare(name), &host)
        })
}

/// Whether an entry of the list covers a host: `*`, a name with all its subdomains, an address, a network.
fn covers(entry: &str, host: &str) -> bool {
    if entry == "*" || in_network(entry, host) {
        return true;
    }
    let name = entry.trim_start_matches('*').trim_start_matches('.');
    let within = |prefix: &str| prefix.is_empty() || prefix.ends_with('.');
    match name.strip_suffix('*') {
        Some(beginning) => !beginning.is_empty() && host.starts_with(beginning),
        None => !name.is_empty() && host.strip_suffix(name).is_some_and(within),
    }
}

/// Whether a host is an address in a network such as `10.0.0.0/8`.
fn in_network(entry: &str, host: &str) -> bool {
    let Some((network, bits)) = entry.split_once('/') else {
        return false;
    };
    let (Ok(network), Ok(host), Ok(bits)) = (
        network.parse::<IpAddr>(),
        host.parse::<IpAddr>(),
        bits.parse::<u32>(),
    ) else {
        return false;
    };
    match (network, host) {
        (IpAddr::V4(network), IpAddr::V4(host)) => {
            let different = u32::from(network) ^ u32::from(host);
            bits <= 32 && different.checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (IpAddr::V6(network), IpAddr::V6(host)) => {
            let different = u128::from(network) ^ u128::from(host);
            bits <= 128 && different.checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

/// `host:port`, or a host without a port.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

/// A name or an address as it is compared.
fn bare(name: &str) -> String {
    let name = name.trim_matches(['[', ']']).trim_end_matches('.');
    name.parse::<IpAddr>()
        .map_or_else(|_| name.to_ascii_lowercase(), |address| address.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    /// The proxy for this gateway with these variables: its name, `""` for none, or the error.
    fn found(url: &str, variables: &[(&str, &str)]) -> String {
        let value = |name: &str| {
            let set = variables.iter().find(|(variable, _)| *variable == name);
            Ok(set.map(|(_, value)| (*value).to_owned()))
        };
        match Proxy::find(&Endpoint::parse(url).unwrap(), &value) {
            Ok(proxy) => proxy.map_or_else(String::new, |proxy| proxy.name()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let a = "http://a:1";
        let table: [(&[(&str, &str)], &str); 16] = [
            (&[], ""),
            (&[("HTTPS_PROXY", a)], a),
            (&[("https_proxy", a)], a),
            (&[("ALL_PROXY", a)], a),
            (&[("all_proxy", a)], a),
            (&[("HTTP_PROXY", a)], a),
            (&[("http_proxy", a)], a),
            (
                &[("HTTPS_PROXY", a), ("ALL_PROXY", "b"), ("HTTP_PROXY", "c")],
                a,
            ),
            (&[("https_proxy", a), ("ALL_PROXY", "b")], a),
            (&[("all_proxy", a), ("HTTP_PROXY", "c")], a),
            (&[("HTTPS_PROXY", "  "), ("ALL_PROXY", a)], a),
            (&[("HTTPS_PROXY", " http://a:1/ ")], a),
            (&[("HTTPS_PROXY", "a:1")], a),
            (&[("HTTPS_PROXY", "a")], "http://a:80"),
            (&[("ALL_PROXY", "socks5://u:p%40@a")], "socks5://a:1080"),
            (&[("HTTPS_PROXY", "https://u:p@a")], "https://a:443"),
        ];
        for (variables, name) in table {
            assert_eq!(found(Endpoint::DEFAULT, variables), name, "{variables:?}");
        }
    }

    #[test]
    fn loopback_has_no_proxy() {
        for url in [
            "http://127.0.0.1:1/",
            "http://[::1]/",
            "https://localhost/",
            "http://127.9.9.9/",
        ] {
            assert_eq!(found(url, &[("HTTPS_PROXY", "gopher://a")]), "", "{url}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_showing_it() {
        for scheme in ["ftp", "socks6", "quic", "HTTPX", "file"] {
            let url = format!("{scheme}://u:hush@a:1");
            let error = found(Endpoint::DEFAULT, &[("ALL_PROXY", &url)]);
            assert!(
                error.starts_with("ALL_PROXY names a proxy of a kind"),
                "{error}"
            );
            assert!(error.contains(scheme) && !error.contains("hush"), "{error}");
        }
        for url in [
            "http://",
            "://a",
            "http://a:hush",
            "http://u:hush@a:99999",
            "/hush",
            "http://u:hush@",
            "a b",
        ] {
            let error = found(Endpoint::DEFAULT, &[("https_proxy", url)]);
            assert!(
                error.starts_with("https_proxy is not the URL of a proxy"),
                "{url}: {error}"
            );
            assert!(!error.contains("hu"), "{error}");
        }
    }

    #[test]
    fn exceptions_are_names_with_their_subdomains_addresses_and_networks() {
        let exempt = [
            ("*", "isms.com.my"),
            ("isms.com.my", "isms.com.my"),
            ("isms.com.my", "www.isms.com.my"),
            (".isms.com.my", "www.isms.com.my"),
            ("*.isms.com.my", "www.isms.com.my"),
            ("com.my", "www.isms.com.my"),
            ("localhost, www.isms.com.my", "www.isms.com.my"),
            ("localhost www.isms.com.my", "www.isms.com.my"),
            (" ,, WWW.ISMS.com.my ,", "www.isms.com.my"),
            ("www.isms.com.my.", "www.isms.com.my"),
            ("isms.com.my", "WWW.isms.com.my."),
            ("isms.com.my:443", "www.isms.com.my"),
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.0/24", "203.0.113.7"),
            ("0.0.0.0/0", "203.0.113.7"),
            ("203.0.*", "203.0.113.7"),
            ("2001:db8::7", "[2001:db8:0::7]"),
            ("[2001:db8::7]:443", "[2001:db8::7]"),
            ("2001:db8::/32", "[2001:db8::7]"),
        ];
        for (list, host) in exempt {
            assert!(is_exempt(list, host, 443), "{list} has {host}");
        }
        let others = [
            ("", "isms.com.my"),
            (" , ", "isms.com.my"),
            (".", "isms.com.my"),
            ("www.isms.com.my", "isms.com.my"),
            ("sms.com.my", "isms.com.my"),
            ("isms.com", "isms.com.my"),
            ("isms.com.my:8443", "isms.com.my"),
            ("203.0.113.70", "203.0.113.7"),
            ("203.0.114.0/24", "203.0.113.7"),
            ("203.0.113.0/99", "203.0.113.7"),
            ("2001:db8::/32", "203.0.113.7"),
            ("localhost;isms.com.my", "isms.com.my"),
        ];
        for (list, host) in others {
            assert!(!is_exempt(list, host, 443), "{list} has not {host}");
        }
    }
}
