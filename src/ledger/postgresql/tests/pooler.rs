//! A pooler that gives each transaction the one session it has, as PgBouncer does in its transaction mode.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

use super::*;

/// A message with its type, or without one as the first of a session is.
fn message(from: &mut impl std::io::Read, has_type: bool) -> Option<Vec<u8>> {
    let mut message = vec![0; if has_type { 5 } else { 4 }];
    from.read_exact(&mut message).ok()?;
    let length = message[message.len() - 4..].try_into().unwrap();
    let rest = u32::from_be_bytes(length) as usize - 4;
    let end = message.len();
    message.resize(end + rest, 0);
    from.read_exact(&mut message[end..]).ok()?;
    Some(message)
}

/// All messages up to one of these types.
fn messages(from: &mut impl std::io::Read, last: &[u8]) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let one = message(from, true)?;
        all.extend(&one);
        if last.contains(&one[0]) {
            return Some(all);
        }
    }
}

/// Serves one client: all that it sends to the end of a statement goes to the session, and the answer comes back.
fn serve(mut client: TcpStream, greeting: &[u8], session: &Mutex<UnixStream>) -> Option<()> {
    message(&mut client, false)?;
    client.write_all(greeting).ok()?;
    loop {
        let asked = messages(&mut client, b"QSX")?;
        let mut session = session.lock().unwrap();
        if asked[0] == b'X' {
            return None;
        }
        session.write_all(&asked).ok()?;
        let answer = messages(&mut *session, b"Z")?;
        client.write_all(&answer).ok()?;
    }
}

/// The port of a pooler before this server.
fn pooler(socket: &str) -> u16 {
    let mut session = UnixStream::connect(socket).unwrap();
    let parameters = b"\0\x03\0\0user\0postgres\0database\0postgres\0\0";
    let length = u32::try_from(parameters.len() + 4).unwrap().to_be_bytes();
    session
        .write_all(&[&length[..], parameters].concat())
        .unwrap();
    let greeting = messages(&mut session, b"Z").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let session = Arc::new(Mutex::new(session));
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (session, greeting) = (session.clone(), greeting.clone());
            std::thread::spawn(move || serve(client.unwrap(), &greeting, &session));
        }
    });
    port
}

#[test]
fn a_pooler_of_transactions_is_refused() {
    let Some(server) = postgres_server::server() else {
        return;
    };
    let url = server.url("postgres");
    let folder = url.split('@').nth(1).unwrap().split('/').next().unwrap();
    let port = pooler(&format!("{}/.s.PGSQL.5432", folder.replace("%2F", "/")));
    let url = format!("postgresql://postgres@127.0.0.1:{port}/postgres");
    let place = Place::new(Store::parse(&url).unwrap(), "pooled").unwrap();
    let refused = lock(Location::Stored(place)).unwrap_err();
    assert!(refused.to_string().contains("pooler"), "{refused}");
    assert!(
        refused.to_string().contains("the server itself"),
        "{refused}"
    );
}
