//! A PostgreSQL server for tests, made with this machine's programs in a folder of its own. It has no TCP port unless a test needs
//! one, forgets what it was told when the machine stops, and ends with the process that started it, however that ends.
#![allow(clippy::disallowed_methods, reason = "measures waits")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// PostgreSQL refuses to run as root. This user owns nothing, and every machine has it.
const NOBODY: u32 = 65_534;

/// Makes the cluster, runs the server until standard input is closed, and removes everything. Each line of standard input ends the
/// server in this way, and starts it again.
const SUPERVISE: &str = r#"
    cd "$2" && PATH=$1:$PATH
    initdb --pgdata data --username postgres --auth trust --encoding UTF8 --no-locale --no-sync >log 2>&1 || exit 1
    echo "host all all all trust" >>data/pg_hba.conf
    start() {
        postgres -D data -k "$2" -c listen_addresses="$3" -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
            -c max_connections=300 >>log 2>&1 </dev/null &
        server=$!
    }
    start "$@"
    while read -r how; do
        case $how in
            fast) kill -INT $server ;;
            immediate) kill -QUIT $server ;;
            *) kill -STOP $server && kill -KILL $(cat /proc/$server/task/$server/children) $server ;;
        esac
        wait $server
        start "$@"
        # It does not start as long as one of the processes before is there.
        until [ "$(head -n 1 data/postmaster.pid)" = $server ] && grep -q ready data/postmaster.pid; do
            sleep 0.1
            case $(cat /proc/$server/stat) in *") Z "* | "") wait $server; start "$@" ;; esac
        done
    done 2>>log
    kill -QUIT $server
    wait
    rm -rf "$2"
"#;

/// A running server.
pub(crate) struct Server {
    folder: PathBuf,
    /// Its standard input closes when this process ends.
    supervisor: Child,
}

/// The server of this test binary. `None`: there is no PostgreSQL here, which is allowed on a developer's machine only.
pub(crate) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| programs().map(|programs| Server::start(&programs, "")));
    if server.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "install PostgreSQL: its tests must run here"
        );
        eprintln!("skipped, because there is no PostgreSQL on this machine");
    }
    server.as_ref()
}

/// The folder of PostgreSQL's programs: of those that can be called by name, or the newest that Debian has installed.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut installed: Vec<_> = installed
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .collect();
    installed.sort_by_key(|folder| {
        let version = folder.parent().and_then(Path::file_name);
        version.and_then(|version| version.to_str()?.parse::<u32>().ok())
    });
    std::env::split_paths(&path)
        .chain(installed.into_iter().rev())
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

impl Server {
    /// A server that a test can stop. `None`: as for the one of the test binary.
    #[allow(dead_code, reason = "most tests share one")]
    pub(crate) fn own() -> Option<Self> {
        Self::listening("")
    }

    /// The same with a TCP port at these addresses, in the network of this thread.
    pub(crate) fn listening(addresses: &str) -> Option<Self> {
        server()
            .and_then(|_| programs())
            .map(|programs| Self::start(&programs, addresses))
    }

    /// Ends it (`fast`, `immediate`, or `kill` for all its processes at once) and starts it again. Returns when it answers.
    #[allow(dead_code, reason = "most tests share one")]
    pub(crate) fn restart(&self, how: &str) {
        let mut before = self.connect("postgres");
        let mut supervisor = self.supervisor.stdin.as_ref().unwrap();
        writeln!(supervisor, "{how}").unwrap();
        while before.simple_query("").is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.wait_until_it_answers();
    }

    /// Sends a signal to all its processes.
    #[allow(dead_code, reason = "most tests leave the server alone")]
    pub(crate) fn signal(&self, signal: &str) {
        let main = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let main = main.lines().next().unwrap();
        // One of them may end by itself meanwhile.
        let kill = "kill -$1 $2 || exit 1; for child in $(cat /proc/$2/task/$2/children); do kill -$1 $child 2>/dev/null; done; true";
        let mut command = Command::new("sh");
        command.args(["-c", kill, "sh", signal, main]);
        assert!(command.status().unwrap().success());
    }

    fn start(programs: &Path, addresses: &str) -> Self {
        // A socket's path has at most 107 bytes, which the folder for temporary files can exceed.
        let folder = tempfile::Builder::new()
            .prefix("isms-postgres-")
            .tempdir_in("/tmp")
            .unwrap()
            .keep();
        let mut command = Command::new("sh");
        command.args(["-c", SUPERVISE, "sh"]);
        command
            .args([programs, &folder])
            .arg(addresses)
            .stdin(Stdio::piped());
        // A signal to the tests, as Ctrl-C, must not end it before they end.
        command.process_group(0);
        if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
            chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
            command.uid(NOBODY).gid(NOBODY);
        }
        let supervisor = command.spawn().unwrap();
        let server = Self { folder, supervisor };
        server.wait_until_it_answers();
        server
    }

    fn wait_until_it_answers(&self) {
        let patience = Instant::now() + Duration::from_secs(120);
        while let Err(error) = postgres::Client::connect(&self.url("postgres"), postgres::NoTls) {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < patience, "{error}\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The URL of a database of this server.
    pub(crate) fn url(&self, database: &str) -> String {
        let socket = self.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgresql://postgres@{socket}/{database}")
    }

    /// Where it listens.
    #[allow(
        dead_code,
        reason = "not every test that shares this file connects itself"
    )]
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// A connection as the owner of everything.
    pub(crate) fn connect(&self, database: &str) -> postgres::Client {
        postgres::Client::connect(&self.url(database), postgres::NoTls).unwrap()
    }

    /// A new empty database.
    pub(crate) fn database(&self, name: &str) -> String {
        let create = format!("CREATE DATABASE {name}");
        self.connect("postgres").batch_execute(&create).unwrap();
        self.url(name)
    }
}
