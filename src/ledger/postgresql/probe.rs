//! Whether what answers at a store's address speaks another protocol, as where the URL names the port of a web server.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// Asks for TLS. A server of PostgreSQL answers with one letter, or with an error.
const REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether the only host speaks another protocol for sure. Not for a connection that works.
pub(super) fn speaks_another_protocol(config: &Config) -> bool {
    let ([Host::Tcp(host)], []) = (config.get_hosts(), config.get_hostaddrs()) else {
        return false;
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    ask(host, port).is_ok_and(|answer| !matches!(answer[..], [] | [b'S' | b'N'] | [b'E', ..]))
}

/// The first bytes of the answer, if there is one in time.
fn ask(host: &str, port: u16) -> io::Result<Vec<u8>> {
    let mut addresses = (host, port).to_socket_addrs()?;
    let address = addresses.next().ok_or(ErrorKind::NotFound)?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&REQUEST)?;
    let mut answer = vec![0; 16];
    let length = stream.read(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}
