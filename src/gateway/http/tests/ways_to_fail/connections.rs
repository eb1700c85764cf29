//! Several addresses of one gateway, and several responses on one connection.

use super::*;

/// Resolves every name to these addresses.
#[derive(Debug)]
struct FixedAddresses(Vec<SocketAddr>);

impl Resolver for FixedAddresses {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        for address in &self.0 {
            addresses.push(*address);
        }
        Ok(addresses)
    }
}

/// Another address is tried only while there is no connection. Once there is one, no other is made.
#[test]
fn a_second_address_is_no_second_try() {
    let second = TcpListener::bind("127.0.0.1:0").unwrap();
    for does in [
        |_: &mut Peer| (),
        |peer: &mut Peer| {
            peer.request();
        },
    ] {
        let (first, listener, _done) = serve(vec![Box::new(move |mut peer: Peer| does(&mut peer))]);
        let witness = Witness::default();
        let connector = transport::connector(&witness, false);
        let timeouts = Timeouts {
            connect: PATIENCE,
            total: PATIENCE,
        };
        let names = FixedAddresses(vec![unused_address(), first, second.local_addr().unwrap()]);
        let mut gateway = HttpGateway {
            format: &Form,
            agent: Agent::with_parts(config(&Network::default(), timeouts), connector, names),
            witness,
            endpoint: Endpoint::parse("http://localhost/").unwrap(),
            network: Network::default(),
            credentials: credentials(),
            timeouts,
        };
        let reply = submit_text(&mut gateway, 1, &beyond_any_buffer());
        assert!(why_unknown(&reply).starts_with(BROKE), "{reply:?}");
        assert!(saw_no_other_connection(&listener) && saw_no_other_connection(&second));
    }
}

/// A second response to one request is not the response to the next one, whether it comes with the first or later.
#[test]
fn an_unsolicited_response_answers_nothing() {
    unsolicited(Duration::ZERO);
    unsolicited(Duration::from_millis(200));
}

/// A second response that comes this long after the first, and is there when the next request is made.
fn unsolicited(delay: Duration) {
    let (address, listener, _done) = serve(vec![
        Box::new(move |mut peer: Peer| {
            peer.request();
            peer.answer("2000 = SUCCESS:1");
            thread::sleep(delay);
            peer.answer("-1009");
            peer.wait_for_close();
        }),
        Box::new(|mut peer: Peer| {
            peer.request();
            peer.answer("2000 = SUCCESS:2");
        }),
    ]);
    let mut gateway = gateway_at(address);
    assert_eq!(submit(&mut gateway, 1).outcomes, accepted("1"));
    thread::sleep(delay + Duration::from_millis(200));
    assert_eq!(submit(&mut gateway, 1).outcomes, accepted("2"));
    assert!(saw_no_other_connection(&listener));
}
