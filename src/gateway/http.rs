//! The iSMS REST endpoint: the only place that makes an HTTP request. It sends each submission at most once and names
//! what came of it; it knows neither the ledger, nor when a request is repeated, nor that a practice gateway exists.
//!
//! ureq never repeats a request by itself, not even on a kept connection that turns out to be closed: it goes round
//! again only to follow a redirect, and that is switched off. Nor does it wait for `100 Continue` unless a header
//! asks for it.

use std::fmt;
use std::io::{self, Read};
use std::net::IpAddr;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::header::RETRY_AFTER;
use ureq::http::{HeaderMap, Response, StatusCode, Uri};
use ureq::unversioned::transport::{Connector, DefaultConnector};
use ureq::{Agent, Body, Proxy};

use super::reply::{self, ReplyError};
use super::transport::{LiteralFirst, Witness, WitnessConnector};
use super::{Answer, Credentials, Gateway, Outcome, Outcomes, Submission};
use crate::{Error, Result};

/// How much of an answer is kept, in characters.
const RAW_LIMIT: usize = 500;

/// Shorter than the idle time of any server: writing to a connection that the server is closing would leave the
/// outcome unknown.
const MAX_IDLE: Duration = Duration::from_secs(2);

/// The URL of a gateway, used exactly as given: HTTPS, or plain HTTP within this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Uri);

impl Endpoint {
    /// The iSMS REST endpoint.
    pub const DEFAULT: &str = "https://www.isms.com.my/RESTAPI.php";

    /// The endpoint at a URL. An error never repeats the URL, which may hold a password.
    pub fn parse(url: &str) -> Result<Self> {
        let not_a_url = || {
            Error::usage("the URL of the gateway (--gateway or ISMS_GATEWAY) cannot be read")
                .hint(format!("give all of it, as in {}", Self::DEFAULT))
        };
        let uri: Uri = url.parse().map_err(|_| not_a_url())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(not_a_url());
        };
        if authority.as_str().contains('@') {
            return Err(
                Error::usage("the URL of the gateway holds a user name or password")
                    .hint("leave it out: credentials come from ISMS_USERNAME and ISMS_PASSWORD"),
            );
        }
        // A port out of range would be replaced by the default one without a word, a fragment dropped.
        let odd_port = authority.as_str() != authority.host() && authority.port_u16().is_none();
        if authority.host().is_empty() || odd_port || url.contains('#') {
            return Err(not_a_url());
        }
        let (encrypted, plain) = (scheme == "https", scheme == "http");
        let endpoint = Self(uri);
        match () {
            () if encrypted || (plain && endpoint.is_loopback()) => Ok(endpoint),
            () if plain => Err(Error::usage(format!(
                "http:// would send the password in the clear to {}",
                endpoint.host()
            ))
            .hint("use https://")),
            () => Err(not_a_url()),
        }
    }

    /// What a ledger remembers of the gateway: the host name in lower case; `loopback` for this machine.
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

    fn name(&self) -> &str {
        self.0.host().unwrap_or_default()
    }
}

impl fmt::Debug for Endpoint {
    /// Without its query, where somebody may have put a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.scheme_str().unwrap_or_default();
        let authority = self
            .0
            .authority()
            .map_or("", |authority| authority.as_str());
        write!(f, "Endpoint({scheme}://{authority}{})", self.0.path())
    }
}

/// How long a request may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For the name resolution, and again for the connection with its TLS handshake.
    pub connect: Duration,
    /// For the whole request with its answer.
    pub total: Duration,
}

/// The iSMS gateway as one worker sees it, with connections of its own.
pub struct RestGateway {
    agent: Agent,
    witness: Witness,
    endpoint: Endpoint,
    credentials: Credentials,
    timeouts: Timeouts,
}

impl RestGateway {
    /// A gateway at an endpoint. The proxy is the environment's, none for loopback.
    #[must_use]
    pub fn new(endpoint: Endpoint, credentials: Credentials, timeouts: Timeouts) -> Self {
        let proxy = if endpoint.is_loopback() {
            None
        } else {
            Proxy::try_from_env()
        };
        Self::through(proxy, endpoint, credentials, timeouts)
    }

    fn through(
        proxy: Option<Proxy>,
        endpoint: Endpoint,
        credentials: Credentials,
        timeouts: Timeouts,
    ) -> Self {
        let witness = Witness::default();
        let connector = DefaultConnector::new().chain(WitnessConnector {
            witness: witness.clone(),
            proxied: proxy.is_some(),
        });
        Self {
            agent: Agent::with_parts(config(proxy, timeouts), connector, LiteralFirst::default()),
            witness,
            endpoint,
            credentials,
            timeouts,
        }
    }

    fn post(&self, submission: &Submission<'_>) -> Result<Response<Body>, ureq::Error> {
        let numbers: Vec<_> = submission.numbers.iter().map(ToString::to_string).collect();
        let (numbers, encoding) = (numbers.join(";"), submission.encoding.wire().to_string());
        let fields = [
            ("un", self.credentials.username.as_str()),
            ("pwd", self.credentials.password.reveal()),
            ("dstno", &numbers),
            ("msg", submission.text),
            ("type", &encoding),
            ("agreedterm", "YES"),
        ];
        let sender_id = submission.sender_id.map(|id| ("sendid", id.as_str()));
        self.agent
            .post(&self.endpoint.0)
            .send_form(fields.into_iter().chain(sender_id))
    }

    /// What an answer says whose head has come.
    fn read(&self, mut response: Response<Body>, numbers: usize) -> Answer {
        let status = response.status();
        let mut body = Vec::new();
        let end = response
            .body_mut()
            .as_reader()
            .take(reply::MAX_BODY as u64 + 1)
            .read_to_end(&mut body);
        let outcomes = match end {
            Err(error) => Ok(Outcomes::All(unknown(status, &self.why_cut_short(error)))),
            Ok(_) if self.witness.broken() => Ok(Outcomes::All(unknown(status, CUT_SHORT))),
            Ok(_) => reply::read(&body, numbers),
        };
        let text = String::from_utf8_lossy(&body);
        let mut outcomes = outcomes
            .unwrap_or_else(|misfit| Outcomes::All(unfit(status, response.headers(), misfit)));
        self.hide_echoes(&mut outcomes);
        Answer {
            outcomes,
            http_status: Some(status.as_u16()),
            raw: self.credentials.password.hidden_in(&text, RAW_LIMIT),
        }
    }

    /// A gateway that sends our form back may call anything a transaction id. Real ones are digits, and digits are left
    /// alone, since a short password of digits is in many of them.
    fn hide_echoes(&self, outcomes: &mut Outcomes) {
        let each = match outcomes {
            Outcomes::All(outcome) => std::slice::from_mut(outcome),
            Outcomes::Each(each) => &mut each[..],
        };
        for outcome in each {
            if let Outcome::Accepted { trx_id: Some(id) } = outcome
                && !id.bytes().all(|byte| byte.is_ascii_digit())
            {
                *id = self.credentials.password.hidden_in(id, RAW_LIMIT);
            }
        }
    }

    fn why_cut_short(&self, error: io::Error) -> String {
        match ureq::Error::from(error) {
            ureq::Error::Timeout(_) => self.why_too_late(),
            _ => CUT_SHORT.to_owned(),
        }
    }

    /// What is known where not even the head of an answer came.
    fn unanswered(&self, error: &ureq::Error) -> Answer {
        let timed_out = matches!(error, ureq::Error::Timeout(_));
        let outcome = if self.witness.written() {
            let why = match error {
                _ if timed_out => self.why_too_late(),
                ureq::Error::Protocol(error) => format!("the answer is not HTTP ({error})"),
                error => format!(
                    "the connection broke before an answer came ({})",
                    in_words(error)
                ),
            };
            Outcome::NoAnswer { why, code: None }
        } else {
            let limit = self.timeouts.connect.min(self.timeouts.total);
            let cause = if timed_out {
                format!("no connection within {}", in_seconds(limit))
            } else {
                in_words(error)
            };
            let why = format!("cannot reach {}: {cause}", self.endpoint.name());
            Outcome::NotSent { why }
        };
        Answer {
            outcomes: Outcomes::All(outcome),
            http_status: None,
            raw: String::new(),
        }
    }

    fn why_too_late(&self) -> String {
        format!("no answer within {}", in_seconds(self.timeouts.total))
    }
}

impl fmt::Debug for RestGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestGateway")
            .field("endpoint", &self.endpoint)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

impl Gateway for RestGateway {
    fn submit(&mut self, submission: &Submission<'_>) -> Answer {
        tracing::debug!(
            gateway = self.endpoint.name(),
            to = ?submission.numbers.iter().map(|number| number.masked()).collect::<Vec<_>>(),
            r#type = submission.encoding.wire(),
            "request"
        );
        self.witness.forget();
        let answer = match self.post(submission) {
            Ok(response) => self.read(response, submission.numbers.len()),
            Err(error) => self.unanswered(&error),
        };
        tracing::debug!(status = ?answer.http_status, outcomes = ?answer.outcomes, "answer");
        answer
    }
}

const CUT_SHORT: &str = "the answer was cut short";

fn config(proxy: Option<Proxy>, timeouts: Timeouts) -> Config {
    let Timeouts { connect, total } = timeouts;
    Agent::config_builder()
        .proxy(proxy)
        .user_agent(concat!("isms-campaign/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_age(MAX_IDLE)
        // All of them: they are off by default, and the one for the whole does not end every wait.
        .timeout_resolve(Some(connect))
        .timeout_connect(Some(connect))
        .timeout_global(Some(total))
        .timeout_per_call(Some(total))
        .timeout_send_request(Some(total))
        .timeout_send_body(Some(total))
        .timeout_recv_response(Some(total))
        .timeout_recv_body(Some(total))
        .timeout_per_write(Some(total))
        .timeout_per_read(Some(total))
        .build()
}

/// The outcome of a whole answer that is none of the gateway's.
fn unfit(status: StatusCode, headers: &HeaderMap, misfit: ReplyError) -> Outcome {
    if status == StatusCode::TOO_MANY_REQUESTS {
        let after = headers
            .get(RETRY_AFTER)
            .and_then(|value| wait_asked_for(value.to_str().ok()?));
        return Outcome::Throttled { after };
    }
    unknown(status, &misfit.to_string())
}

fn unknown(status: StatusCode, why: &str) -> Outcome {
    Outcome::NoAnswer {
        why: format!("HTTP status {}: {why}", status.as_u16()),
        code: None,
    }
}

/// The time of a `Retry-After` header from now on, in seconds or as a date (RFC 9110, 10.2.3); none if it says
/// neither. It may be longer than any clock can add.
fn wait_asked_for(value: &str) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<i64>() {
        return Some(Duration::from_secs(seconds.try_into().unwrap_or(0)));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    let wait = date.duration_since(jiff::Timestamp::now());
    Some(wait.try_into().unwrap_or(Duration::ZERO))
}

/// The error for people, never with a URL in it.
fn in_words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) | ureq::Error::Http(_) => {
            "the URL cannot be used".to_owned()
        }
        error => error.to_string(),
    }
}

fn in_seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests;
