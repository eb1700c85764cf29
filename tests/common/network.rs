//! Networks of their own for tests, as network namespaces of Linux: a host and a database server that a link joins, until it is
//! taken down. Then what they send to each other is lost without an error.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::process::{Child, Command, Stdio};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network with nothing but itself, until it is linked to another. It ends with the process that made it.
pub(crate) struct Network {
    /// A process in it, whose standard input closes when this one ends.
    holder: Child,
}

impl Network {
    /// `None`: this machine does not allow it.
    pub(crate) fn new() -> Option<Self> {
        let made = Command::new("unshare").args(["--net", "true"]).output();
        let has_ip = Command::new("ip").arg("-V").output();
        if !made.is_ok_and(|made| made.status.success()) || has_ip.is_err() {
            eprintln!("skipped, because this machine allows no network namespaces, or has no `ip`");
            return None;
        }
        let script = "ip link set lo up && echo up && cat";
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", script]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = command.spawn().unwrap();
        let mut up = [0; 3];
        let said = holder.stdout.as_mut().unwrap().read_exact(&mut up);
        said.unwrap();
        Some(Self { holder })
    }

    fn path(&self) -> String {
        format!("/proc/{}/ns/net", self.holder.id())
    }

    /// Shell commands that begin a script, and carry out the rest of it in this network.
    pub(crate) fn enter(&self) -> String {
        format!("exec nsenter --net={} -- \"$0\" \"$@\"", self.path())
    }

    /// Does something in this network. What is started there, or listens there, stays in it.
    pub(crate) fn inside<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let network = File::open(self.path()).unwrap();
        thread::scope(|scope| {
            let acting = scope.spawn(move || {
                move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
                    .unwrap();
                act()
            });
            acting.join().unwrap()
        })
    }

    /// Runs `ip`.
    pub(crate) fn ip(&self, words: &str) {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path())).arg("ip");
        let status = command.args(words.split(' ')).status().unwrap();
        assert!(status.success(), "ip {words}");
    }

    /// Joins it to another network by a link, at whose ends they have the addresses `10.99.N.1` and `10.99.N.2`.
    pub(crate) fn link(&self, other: &Self, nth: u8) {
        let there = other.holder.id();
        self.ip(&format!(
            "link add link{nth} type veth peer name host netns {there}"
        ));
        for (network, name, end) in [(self, format!("link{nth}"), 1), (other, "host".into(), 2)] {
            network.ip(&format!("address add 10.99.{nth}.{end}/24 dev {name}"));
            network.ip(&format!("link set dev {name} up"));
        }
    }

    /// An address on loopback in this network at which somebody answers who listens outside.
    pub(crate) fn relay(&self, to: SocketAddr) -> SocketAddr {
        let listener = self.inside(|| TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for inside in listener.incoming().map_while(Result::ok) {
                let Ok(outside) = TcpStream::connect(to) else {
                    continue;
                };
                for (mut from, mut to) in [
                    (inside.try_clone().unwrap(), outside.try_clone().unwrap()),
                    (outside, inside),
                ] {
                    thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to).and_then(|_| to.flush());
                        let _ = to.shutdown(Shutdown::Write);
                    });
                }
            }
        });
        address
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}
