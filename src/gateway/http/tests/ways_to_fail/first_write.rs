//! A first write that fails.

use super::*;

/// A connection whose first write fails with this error, perhaps after a part of the bytes.
#[derive(Debug)]
struct Failing(fn() -> ureq::Error);

struct FailingTransport(LazyBuffers, fn() -> ureq::Error);

impl std::fmt::Debug for FailingTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FailingTransport")
    }
}

impl Connector<()> for Failing {
    type Out = FailingTransport;

    fn connect(
        &self,
        _: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        Ok(Some(FailingTransport(LazyBuffers::new(4096, 4096), self.0)))
    }
}

impl Transport for FailingTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.0
    }

    fn transmit_output(&mut self, _: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        Err((self.1)())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        Err((self.1)())
    }

    fn is_open(&mut self) -> bool {
        true
    }
}

/// A real socket cannot be made to fail within its first few bytes, so this connection is simulated.
#[test]
fn a_first_write_that_fails_may_have_sent_a_part() {
    type Failing = (fn() -> ureq::Error, &'static str);
    let errors: [Failing; 3] = [
        (|| io::Error::from(io::ErrorKind::BrokenPipe).into(), BROKE),
        (
            || io::Error::from(io::ErrorKind::ConnectionReset).into(),
            BROKE,
        ),
        (|| ureq::Error::Timeout(ureq::Timeout::SendRequest), LATE),
    ];
    for (error, said) in errors {
        let witness = Witness::default();
        let connector = Failing(error).chain(WitnessConnector {
            witness: witness.clone(),
            proxied: false,
        });
        let timeouts = Timeouts {
            connect: SHORT_TIMEOUT,
            total: SHORT_TIMEOUT,
        };
        let mut gateway = HttpGateway {
            format: &Form,
            agent: Agent::with_parts(
                config(&Network::default(), timeouts),
                connector,
                LiteralFirst::new(&witness),
            ),
            witness,
            endpoint: Endpoint::parse("http://127.0.0.1/").unwrap(),
            network: Network::default(),
            credentials: credentials(),
            timeouts,
        };
        NoAnswer(None, said).check("the first write", &submit(&mut gateway, 1));
    }
}
