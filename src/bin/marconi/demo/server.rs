//! A private server: on a unix socket that nobody else can reach, without persistence.
//!
//! Guards the machine: the server ends with this process, however that ends. Dropping the handle
//! ends it. Where nothing is dropped any more, a shell that waits for the end of its standard input
//! sees that, which comes when this process is gone, and ends the server by its process id.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use marconi_redis::redis;

use super::scratch::Scratch;

/// Of a process id, a directory, and whether to keep that. A line says that there is nothing to do.
const WATCHDOG: &str = r#"
trap '' INT TERM HUP TSTP
read -r all_is_well && exit
kill -9 "$1" 2>/dev/null
[ -n "$3" ] || rm -rf "$2"
"#;

/// Longer than any start took, also on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Server {
    socket: PathBuf,
    child: Child,
    watchdog: Option<Child>,
}

impl Server {
    /// Starts one within that directory, and waits until it answers.
    pub async fn start(scratch: &Scratch) -> Result<Self> {
        let binary = find()?;
        let log = scratch.path().join("server.log");
        let does_not_start = || format!("{} does not start", binary.display());
        let child = spawn(&binary, scratch.path(), &log).with_context(does_not_start)?;
        // From here on dropping it ends it.
        let mut server = Server {
            socket: scratch.path().join("socket"),
            child,
            watchdog: None,
        };
        server.watchdog = Some(watch(server.child.id(), scratch)?);
        server
            .wait_until_it_answers()
            .await
            .with_context(|| match last_line(&log) {
                Some(line) => format!("{}: {line}", does_not_start()),
                None => does_not_start(),
            })?;
        Ok(server)
    }

    pub fn url(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    async fn wait_until_it_answers(&mut self) -> Result<()> {
        let client = redis::Client::open(self.url())?;
        let begun = Instant::now();
        loop {
            let failure = match client.get_multiplexed_async_connection().await {
                Ok(mut connection) => match redis::cmd("PING").exec_async(&mut connection).await {
                    Ok(()) => return Ok(()),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended at once, {status}");
            }
            if begun.elapsed() > PATIENCE {
                bail!("no answer within {PATIENCE:?}: {failure}");
            }
            // Nothing tells when a server listens.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut watchdog) = self.watchdog.take() {
            if let Some(stdin) = &mut watchdog.stdin {
                let _ = stdin.write_all(b"all is well\n");
            }
            let _ = watchdog.wait();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(binary: &Path, dir: &Path, log: &Path) -> io::Result<Child> {
    let log = File::create(log)?;
    Command::new(binary)
        .arg("--dir")
        .arg(dir)
        .arg("--unixsocket")
        .arg(dir.join("socket"))
        .args(["--unixsocketperm", "700", "--port", "0"])
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Ctrl-C is for this process, which then ends the server in its turn.
        .process_group(0)
        .spawn()
}

fn watch(pid: u32, scratch: &Scratch) -> Result<Child> {
    Command::new("sh")
        .args(["-c", WATCHDOG, "marconi-demo"])
        .arg(pid.to_string())
        .arg(scratch.path())
        .arg(if scratch.is_kept() { "keep" } else { "" })
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .context("sh does not run")
}

fn last_line(log: &Path) -> Option<String> {
    let log = std::fs::read_to_string(log).ok()?;
    log.lines().next_back().map(str::to_owned)
}

/// `MARCONI_SERVER`, or what is on the PATH.
fn find() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("MARCONI_SERVER").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        return match path.is_file() {
            true => Ok(path),
            false => Err(anyhow!("MARCONI_SERVER: {} is no file", path.display())),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs: Vec<PathBuf> = std::env::split_paths(&path).collect();
    ["redis-server", "valkey-server"]
        .iter()
        .flat_map(|name| dirs.iter().map(move |dir| dir.join(name)))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            anyhow!(
                "the demo runs a server of its own, and neither redis-server nor valkey-server is on the PATH; \
                 install one: sudo apt-get install redis-server; or name one: MARCONI_SERVER=/path/to/redis-server; \
                 or use one that runs: marconi --redis URL demo"
            )
        })
}
