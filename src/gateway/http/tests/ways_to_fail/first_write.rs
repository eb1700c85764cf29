//! First writes that a real socket cannot be made to do, so these connections are simulated.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::gateway::Fence;

/// A connection on which each write does this.
struct Simulated(Arc<dyn Fn() -> Result<(), ureq::Error> + Send + Sync>);

struct SimulatedTransport(LazyBuffers, Simulated);

impl std::fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Simulated")
    }
}

impl std::fmt::Debug for SimulatedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatedTransport")
    }
}

impl Connector<()> for Simulated {
    type Out = SimulatedTransport;

    fn connect(
        &self,
        _: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let buffers = LazyBuffers::new(4096, 4096);
        Ok(Some(SimulatedTransport(buffers, Self(self.0.clone()))))
    }
}

impl Transport for SimulatedTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.0
    }

    fn transmit_output(&mut self, _: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        self.1.0()
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        self.1.0().map(|()| false)
    }

    fn is_open(&mut self) -> bool {
        true
    }
}

fn gateway_on(connection: Simulated) -> HttpGateway {
    let witness = Witness::default();
    let timeouts = Timeouts {
        connect: SHORT_TIMEOUT,
        total: SHORT_TIMEOUT,
    };
    HttpGateway {
        format: &Form,
        agent: Agent::with_parts(
            config(&Network::default(), timeouts),
            witnessed(connection, &witness, false),
            LiteralFirst::new(&witness),
        ),
        witness,
        endpoint: Endpoint::parse("http://127.0.0.1/").unwrap(),
        network: Network::default(),
        credentials: credentials(),
        timeouts,
    }
}

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
        let mut gateway = gateway_on(Simulated(Arc::new(move || Err(error()))));
        NoAnswer(None, said).check("the first write", &submit(&mut gateway, 1));
    }
}

/// A host that is suspended while it writes a request does not complete it later.
#[test]
fn the_rest_of_a_request_is_not_written_too_late() {
    let fence = Fence::after(SHORT_TIMEOUT / 4);
    let writes = Arc::new(AtomicUsize::new(0));
    let counted = writes.clone();
    let mut gateway = gateway_on(Simulated(Arc::new(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        while !fence.has_passed() {
            thread::yield_now();
        }
        Ok(())
    })));
    let reply = gateway.submit(&Request {
        messages: &messages(1, "hello", Encoding::Ascii),
        sender_id: None,
        fence: Some(fence),
    });
    let why = why_unknown(&reply);
    assert!(why.contains("too long to write"), "{why}");
    assert_eq!(writes.load(Ordering::SeqCst), 1);
}
