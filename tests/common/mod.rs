//! A throw-away server for tests.
//!
//! Guards the machine: a server ends with the process that started it, however that ends, and its
//! directory with it. A shell stands between the two; it waits for the end of its own standard
//! input, which comes when the test process is gone, and kills the server then.

// Each test binary compiles this module and uses its own part of it.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Prints the server's process id, waits for its own input to end, kills the server. A line on the
/// input says that the directory is to be kept.
const WATCHDOG: &str = r#"
trap '' INT TERM HUP
dir=$1; shift
"$@" </dev/null >"$dir/server.log" 2>&1 &
echo $!
read -r keep
kill -9 $! 2>/dev/null
wait 2>/dev/null
[ -n "$keep" ] || rm -rf "$dir"
"#;

static STARTED: AtomicU32 = AtomicU32::new(0);

/// A running server, on a unix socket of its own.
pub struct Server {
    dir: PathBuf,
    port: Option<u16>,
    under: Vec<String>,
    options: Vec<String>,
    watchdog: Child,
    pid: u32,
}

impl Server {
    /// The one that all tests of this binary share; each test has its own queue there.
    pub fn shared() -> &'static Server {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| Server::start(&[]))
    }

    /// One more, with these options, for a test that does something to it.
    pub fn start(options: &[&str]) -> Server {
        Self::started(None, &[], options)
    }

    /// One more, run by another program, as `valgrind` is.
    pub fn start_under(under: &[String], options: &[&str]) -> Server {
        Self::started(None, under, options)
    }

    /// One that listens on a free TCP port of the loopback interface too.
    pub fn start_tcp(options: &[&str]) -> Server {
        Self::start_on(free_port(), options)
    }

    /// The same, on a port of the caller's choice.
    pub fn start_on(port: u16, options: &[&str]) -> Server {
        Self::started(Some(port), &[], options)
    }

    fn started(port: Option<u16>, under: &[String], options: &[&str]) -> Server {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("marconi-test-{}-{number}", std::process::id());
        let dir = shallow_temp_dir().join(name);
        std::fs::create_dir_all(&dir).expect("a directory for the server");
        let options: Vec<_> = options.iter().map(|option| option.to_string()).collect();
        let (watchdog, pid) = spawn(&dir, port, under, &options);
        let server = Server {
            dir,
            port,
            under: under.to_vec(),
            options,
            watchdog,
            pid,
        };
        server.wait_until_it_answers();
        server
    }

    /// Where it listens: a unix socket.
    pub fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Where it listens on TCP, if it was asked to.
    pub fn tcp_url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port())
    }

    pub fn port(&self) -> u16 {
        self.port.expect("a server made by start_tcp")
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.join("socket")
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// A plain connection, for looking behind the library's back.
    pub async fn connection(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.url()).expect("the server's own url");
        let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
        let connected = client
            .get_multiplexed_async_connection_with_config(&config)
            .await;
        connected.expect("a connection to the server")
    }

    /// SIGKILL; what it has on disk stays for [`restart`](Server::restart).
    pub fn kill(&mut self) {
        if let Some(mut input) = self.watchdog.stdin.take() {
            // Fails only where the watchdog is gone, and then the server is too.
            let _ = input.write_all(b"keep\n");
        }
        self.watchdog.wait().expect("the watchdog to end");
    }

    /// Kills it where it still runs, and starts it again in the same place.
    pub fn restart(&mut self) {
        self.kill();
        (self.watchdog, self.pid) = spawn(&self.dir, self.port, &self.under, &self.options);
        self.wait_until_it_answers();
    }

    /// SIGSTOP: it takes connections, and answers nothing.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.pid.to_string())
            .status();
        assert!(sent.expect("kill").success(), "SIG{name} to the server");
    }

    fn wait_until_it_answers(&self) {
        let patience = Instant::now() + Duration::from_secs(20);
        while !answers(&self.socket()) {
            if Instant::now() > patience {
                let log = std::fs::read_to_string(self.dir.join("server.log")).unwrap_or_default();
                panic!("the server does not come up: {log}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
        // After a kill without a restart the watchdog has left it.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A name that no other test of this binary uses.
pub fn a_queue() -> String {
    static NAMES: AtomicU32 = AtomicU32::new(0);
    let number = NAMES.fetch_add(1, Ordering::Relaxed);
    let test = std::thread::current()
        .name()
        .unwrap_or("test")
        .replace("::", ".");
    format!("{test}-{number}")
}

/// A port that nobody listens on at the moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its number").port()
}

fn spawn(dir: &Path, port: Option<u16>, under: &[String], options: &[String]) -> (Child, u32) {
    let mut watchdog = Command::new("sh");
    watchdog
        .args(["-c", WATCHDOG, "watchdog"])
        .arg(dir)
        .args(under)
        .arg(server())
        .arg("--dir")
        .arg(dir);
    watchdog
        .arg("--unixsocket")
        .arg(dir.join("socket"))
        .args(["--port", &port.unwrap_or(0).to_string()]);
    watchdog.args([
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        "--daemonize",
        "no",
    ]);
    if version() >= (7, 0) {
        // Before 7.0 it is always on.
        watchdog.args(["--enable-debug-command", "yes"]);
    }
    watchdog
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut watchdog = watchdog.spawn().expect("sh");
    let mut line = String::new();
    let output = watchdog.stdout.take().expect("a pipe was asked for");
    BufReader::new(output)
        .read_line(&mut line)
        .expect("the server's process id");
    let pid = line.trim().parse().expect("a process id");
    (watchdog, pid)
}

fn answers(socket: &Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket) else {
        return false;
    };
    let mut reply = [0; 5];
    let asked = stream
        .write_all(b"PING\r\n")
        .and_then(|()| stream.read_exact(&mut reply));
    asked.is_ok() && !reply.starts_with(b"-LOAD")
}

/// The server to test with: `MARCONI_SERVER`, or what is on the PATH.
pub fn server() -> &'static Path {
    static SERVER: OnceLock<PathBuf> = OnceLock::new();
    SERVER.get_or_init(|| {
        if let Some(path) = std::env::var_os("MARCONI_SERVER") {
            return path.into();
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let dirs: Vec<_> = std::env::split_paths(&path).collect();
        let names = ["redis-server", "valkey-server"];
        let found = names.iter().flat_map(|name| dirs.iter().map(move |dir| dir.join(name))).find(|path| path.is_file());
        found.unwrap_or_else(|| {
            panic!(
                "these tests run a server, and there is neither redis-server nor valkey-server on the PATH. \
                 Install one: sudo apt-get install redis-server. Or name one: MARCONI_SERVER=/path/to/redis-server"
            )
        })
    })
}

/// Its version, major and minor.
pub fn version() -> (u32, u32) {
    static VERSION: OnceLock<(u32, u32)> = OnceLock::new();
    *VERSION.get_or_init(|| {
        let shown = Command::new(server()).arg("--version").output();
        let shown =
            shown.unwrap_or_else(|error| panic!("{} does not run: {error}", server().display()));
        let shown = String::from_utf8_lossy(&shown.stdout);
        let number = shown
            .split_whitespace()
            .find_map(|word| word.strip_prefix("v="))
            .unwrap_or("0.0");
        let mut digits = number.split('.').map(|digits| digits.parse().unwrap_or(0));
        (digits.next().unwrap_or(0), digits.next().unwrap_or(0))
    })
}

/// A unix socket's path has about a hundred bytes, and some set TMPDIR deep.
fn shallow_temp_dir() -> PathBuf {
    let dir = std::env::temp_dir();
    if dir.as_os_str().len() <= 40 {
        dir
    } else {
        "/tmp".into()
    }
}
