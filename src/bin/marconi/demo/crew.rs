//! The worker processes, as their parent sees them.
//!
//! Guards that no worker outlives the run: each is killed when its handle is dropped, ends when its
//! standard input does, and where the parent is killed while one is stopped, the system ends that
//! one, since it is in a process group of its own.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::worker::{Event, Task};

/// How long a worker may take to end when told to.
const FAREWELL: Duration = Duration::from_secs(10);

pub struct Crew {
    members: Vec<Member>,
    events: mpsc::Receiver<(usize, Event)>,
}

struct Member {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Crew {
    /// This very program, once for each task.
    pub fn start(tasks: &[Task]) -> Result<Self> {
        let program = std::env::current_exe().context("the path of this program")?;
        let (tell, events) = mpsc::channel(1024);
        let mut members = Vec::new();
        for (number, task) in tasks.iter().enumerate() {
            let (name, value) = task.environment()?;
            let mut child = Command::new(&program)
                .arg("demo")
                .env(name, value)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                // Ctrl-C is for the parent, which then ends them.
                .process_group(0)
                .spawn()
                .with_context(|| format!("{} does not run", program.display()))?;
            let stdout = child.stdout.take().context("a pipe was asked for")?;
            tokio::spawn(listen(number, stdout, tell.clone()));
            let stdin = child.stdin.take();
            members.push(Member { child, stdin });
        }
        Ok(Crew { members, events })
    }

    /// The next event, and whose it is.
    pub async fn event(&mut self) -> Result<(usize, Event)> {
        self.events.recv().await.context("all workers are gone")
    }

    /// Lets one go on once. It may be stopped, or not there yet: then it goes on later.
    pub async fn let_go_on(&mut self, number: usize) -> Result<()> {
        let Some(stdin) = &mut self.members[number].stdin else {
            bail!("worker {} was let go already", number + 1);
        };
        stdin.write_all(b"go\n").await?;
        stdin.flush().await?;
        Ok(())
    }

    /// SIGKILL. It is gone when this answers.
    pub async fn kill(&mut self, number: usize) -> Result<()> {
        let member = &mut self.members[number];
        member.stdin = None;
        member.child.kill().await?;
        Ok(())
    }

    /// SIGSTOP. It stands still when this answers.
    pub async fn stop(&mut self, number: usize) -> Result<()> {
        let pid = self.pid(number)?;
        let mut changes = signal(SignalKind::child())?;
        kill_process(pid, Signal::STOP)?;
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        while waitid(WaitId::Pid(pid), options)?.is_none() {
            changes.recv().await;
        }
        Ok(())
    }

    /// SIGCONT.
    pub fn resume(&self, number: usize) -> Result<()> {
        kill_process(self.pid(number)?, Signal::CONT)?;
        Ok(())
    }

    /// Ends all of them, and waits until they have.
    pub async fn dismiss(mut self) -> Result<()> {
        self.members
            .iter_mut()
            .for_each(|member| member.stdin = None);
        for (number, member) in self.members.iter_mut().enumerate() {
            let ended = tokio::time::timeout(FAREWELL, member.child.wait()).await;
            let Ok(ended) = ended else {
                bail!("worker {} does not end", number + 1);
            };
            ended?;
        }
        Ok(())
    }

    fn pid(&self, number: usize) -> Result<Pid> {
        let id = self.members[number].child.id();
        let pid = id.and_then(|id| Pid::from_raw(id.cast_signed()));
        pid.with_context(|| format!("worker {} ended by itself", number + 1))
    }
}

/// Passes on what one says, in its order.
async fn listen(number: usize, stdout: ChildStdout, tell: mpsc::Sender<(usize, Event)>) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let event = serde_json::from_str(&line).unwrap_or_else(|_| Event::Failed {
            why: format!("said {line:?}"),
        });
        if tell.send((number, event)).await.is_err() {
            return;
        }
    }
    // Fails where nobody listens any more.
    let _ = tell.send((number, Event::Left)).await;
}
