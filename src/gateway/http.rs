//! The only place that makes an HTTP request. It sends each request at most once and names its outcome.
//!
//! ureq never repeats a request on its own, not even on a kept connection that turns out to be closed. It makes another
//! request only to follow a redirect, and that is switched off. It waits for `100 Continue` only if a header asks for
//! it.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::header::RETRY_AFTER;
use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::{Agent, Body};

use super::isms::account::{self, Page};
use super::isms::form::Form;
use super::isms::{MAX_BODY, WireFormat};
use super::network::{Network, describe, in_seconds};
use super::transport::{self, LiteralFirst, TooLate, Witness};
use super::{Balance, Credentials, Endpoint, Gateway, Outcome, Outcomes, Reply, Request};
use crate::Result;
use crate::domain::Message;

/// How much of a body is kept, in characters.
const RAW_LIMIT: usize = 500;

/// How long an unused connection is kept: shorter than the idle time of any server, because writing to a connection
/// that the server is closing would leave the outcome unknown.
const MAX_IDLE: Duration = Duration::from_secs(2);

/// How long a request may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// The limit for the name resolution, and again for the connection with its TLS handshake.
    pub connect: Duration,
    /// The limit for the whole request with its answer.
    pub total: Duration,
}

impl Timeouts {
    fn to_connect(self) -> Duration {
        self.connect.min(self.total)
    }
}

/// The client of a gateway for one worker, with its own connections.
pub struct HttpGateway {
    format: &'static dyn WireFormat,
    agent: Agent,
    witness: Witness,
    endpoint: Endpoint,
    network: Network,
    credentials: Credentials,
    timeouts: Timeouts,
}

impl HttpGateway {
    /// A client for this endpoint of the REST reference.
    #[must_use]
    pub fn rest(
        endpoint: Endpoint,
        network: Network,
        credentials: Credentials,
        timeouts: Timeouts,
    ) -> Self {
        let witness = Witness::default();
        let connector = transport::connector(&witness, network.proxy.is_some());
        Self {
            format: &Form,
            agent: Agent::with_parts(
                config(&network, timeouts),
                connector,
                LiteralFirst::new(&witness),
            ),
            witness,
            endpoint,
            network,
            credentials,
            timeouts,
        }
    }

    fn post(&self, request: &Request<'_>) -> Result<Response<Body>, ureq::Error> {
        let post = self.agent.post(&self.endpoint.0);
        self.format.send(post, request, &self.credentials)
    }

    /// The reply to a request after the head of a response arrived.
    fn read(&self, mut response: Response<Body>, messages: &[Message]) -> Reply {
        let status = response.status();
        let (body, cut_short) = self.body(&mut response);
        let mut outcomes = match cut_short {
            Some(why) => Outcomes::All(no_answer(status, &why)),
            None => self.format.read(&body, messages).unwrap_or_else(|why| {
                Outcomes::All(without_answer(status, response.headers(), why))
            }),
        };
        self.hide_password(&mut outcomes);
        let text = String::from_utf8_lossy(&body);
        Reply {
            outcomes,
            http_status: Some(status.as_u16()),
            raw: self.credentials.password.hidden_in(&text, RAW_LIMIT),
        }
    }

    /// The body of a response, as far as it came, and why that is not all of it. What is longer than any answer is cut.
    fn body(&self, response: &mut Response<Body>) -> (Vec<u8>, Option<String>) {
        let mut body = Vec::new();
        let end = response
            .body_mut()
            .as_reader()
            .take(MAX_BODY as u64 + 1)
            .read_to_end(&mut body);
        let cut_short = match end.map_err(ureq::Error::from) {
            Err(ureq::Error::Timeout(_)) => Some(self.describe_timeout()),
            Err(_) => Some(CUT_SHORT.to_owned()),
            Ok(_) => self.witness.broken().then(|| CUT_SHORT.to_owned()),
        };
        (body, cut_short)
    }

    /// What the gateway states as the balance of the account.
    pub fn balance(&mut self) -> Result<Balance> {
        self.ask(&account::BALANCE)
    }

    /// When the account expires, in the words of the gateway.
    pub fn expiry(&mut self) -> Result<String> {
        let words = self.ask(&account::EXPIRY)?;
        Ok(self.credentials.password.hidden_in(&words, RAW_LIMIT))
    }

    /// Asks about the account, with one request that sends nothing.
    fn ask<T>(&mut self, page: &Page<T>) -> Result<T> {
        self.witness.begin(self.timeouts.total, None);
        let place = self.endpoint.page(page.path)?;
        let asked = self
            .agent
            .post(&place.0)
            .send_form(account::fields(&self.credentials));
        let mut response = match asked {
            Ok(response) => response,
            Err(error) => return Err(page.not_answered(self.failed(&error).outcomes)),
        };
        let status = response.status();
        let (body, cut_short) = self.body(&mut response);
        tracing::debug!(page = page.path, status = status.as_u16(), "answer");
        if let Some(why) = cut_short {
            return Err(page.unreadable(status, &why));
        }
        let shown = String::from_utf8_lossy(&body);
        let shown = self.credentials.password.hidden_in(&shown, RAW_LIMIT);
        page.read(status, &body, &shown)
    }

    /// Hides the password in transaction ids: a gateway that echoes the form may put anything there. Real ids are all
    /// digits. Those are left alone, since a short password of digits would occur in many of them.
    fn hide_password(&self, outcomes: &mut Outcomes) {
        let each = match outcomes {
            Outcomes::All(outcome) => std::slice::from_mut(outcome),
            Outcomes::Each(each) => &mut each[..],
        };
        for outcome in each {
            if let Outcome::Accepted {
                trx_id: Some(id), ..
            } = outcome
                && !id.bytes().all(|byte| byte.is_ascii_digit())
            {
                *id = self.credentials.password.hidden_in(id, RAW_LIMIT);
            }
        }
    }

    /// The reply to a request for which no head of a response arrived.
    fn failed(&self, error: &ureq::Error) -> Reply {
        let outcome = if self.witness.written() {
            let why = match error {
                ureq::Error::Timeout(_) => self.describe_timeout(),
                ureq::Error::Protocol(error) => format!("the answer is not HTTP ({error})"),
                error => format!(
                    "the connection broke before an answer came ({})",
                    describe(error)
                ),
            };
            Outcome::NoAnswer { why, code: None }
        } else if matches!(error, ureq::Error::Other(cause) if cause.is::<TooLate>()) {
            Outcome::NotSent {
                why: TOO_LATE.to_owned(),
            }
        } else {
            let (peer, host) = (self.witness.peer(), self.endpoint.name());
            self.network
                .not_sent(error, peer, host, self.timeouts.to_connect())
        };
        Reply::without_response(outcome)
    }

    fn describe_timeout(&self) -> String {
        format!("no answer within {}", in_seconds(self.timeouts.total))
    }
}

impl fmt::Debug for HttpGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpGateway")
            .field("endpoint", &self.endpoint)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

impl Gateway for HttpGateway {
    fn submit(&mut self, request: &Request<'_>) -> Reply {
        tracing::debug!(
            gateway = self.endpoint.name(),
            to = ?request.messages.iter().map(|to| to.number.masked()).collect::<Vec<_>>(),
            r#type = request.messages.first().map(|first| first.encoding.wire()),
            "request"
        );
        if !self.format.limits().in_common.unites(request.messages) {
            return Reply::without_response(Outcome::NotSent {
                why: "the gateway cannot take these texts in one request".to_owned(),
            });
        }
        self.witness.begin(self.timeouts.total, request.fence);
        let reply = match self.post(request) {
            Ok(response) => self.read(response, request.messages),
            Err(error) => self.failed(&error),
        };
        tracing::debug!(status = ?reply.http_status, outcomes = ?reply.outcomes, "answer");
        reply
    }
}

const CUT_SHORT: &str = "the answer was cut short";

const TOO_LATE: &str = "when there was a connection, too much time had passed since the ledger was told of the request: to write the ledger or to connect takes too long, or this machine was suspended";

fn config(network: &Network, timeouts: Timeouts) -> Config {
    let proxy = network.proxy.as_ref().map(|proxy| proxy.server.clone());
    let certificates = network.certificates.as_ref();
    let trusted = certificates.map(|certificates| certificates.config.clone());
    Agent::config_builder()
        .proxy(proxy)
        .tls_config(trusted.unwrap_or_default())
        .user_agent(concat!("isms-campaign/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_age(MAX_IDLE)
        // What follows once there is a connection is limited by the witness.
        .timeout_resolve(Some(timeouts.to_connect()))
        .timeout_connect(Some(timeouts.to_connect()))
        .build()
}

/// The outcome of a whole body that holds no answer.
fn without_answer(status: StatusCode, headers: &HeaderMap, why: &str) -> Outcome {
    if status == StatusCode::TOO_MANY_REQUESTS {
        let after = headers
            .get(RETRY_AFTER)
            .and_then(|value| parse_retry_after(value.to_str().ok()?));
        return Outcome::Throttled { after };
    }
    no_answer(status, why)
}

fn no_answer(status: StatusCode, why: &str) -> Outcome {
    Outcome::NoAnswer {
        why: format!("HTTP status {}: {why}", status.as_u16()),
        code: None,
    }
}

/// The time from now that a `Retry-After` header asks for, in seconds or as a date (RFC 9110, 10.2.3). It may be longer
/// than any clock can add.
#[allow(clippy::disallowed_methods, reason = "it may name a time")]
fn parse_retry_after(value: &str) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<i64>() {
        return Some(Duration::from_secs(seconds.try_into().unwrap_or(0)));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    let wait = date.duration_since(jiff::Timestamp::now());
    Some(wait.try_into().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests;
