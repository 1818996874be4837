//! A worker: a process of its own that claims, deals with what it got, and deletes it.
//!
//! Guards the order that makes a kill harmless at any point: first the claim, then the side effect
//! (a line in the ledger), then the delete. What its parent wants to see happen it brings about by
//! waiting at that very place: each line on standard input lets it go on once, and the end of
//! standard input ends it.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use marconi_redis::{Claim, Error, Message, MessageId, Queue, Store, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

use super::input::Numbered;
use super::ledger::{Entry, Ledger};

/// Where a worker finds its task; set by the parent only.
const VARIABLE: &str = "MARCONI_DEMO_WORKER";

/// How long an empty-handed worker waits before it claims again.
const IDLE: Duration = Duration::from_millis(20);

/// What a worker is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    pub url: String,
    pub prefix: Option<String>,
    pub project: String,
    pub queue: String,
    pub name: String,
    pub ledger: PathBuf,
    pub batch: usize,
    pub ttl_ms: u64,
    /// After so many claims it waits to be let go on.
    pub rounds: usize,
    /// What its first claim after that comes to.
    pub fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// Killed with half of it done.
    Killed,
    /// Stopped with all of it done and nothing deleted.
    Stopped,
    /// Done like any other.
    None,
}

/// What it tells its parent, a line each, on standard output.
#[derive(Debug, Serialize, Deserialize)]
pub enum Event {
    Ready,
    /// Its rounds are done.
    Paused,
    /// Its fate may come: this is what it holds, and it waits.
    Holding {
        claim: String,
        messages: Vec<String>,
    },
    /// Holds what others held before it, has done it again, and waits before it deletes.
    Asks {
        messages: Vec<String>,
    },
    /// Deleted so many, and was refused so many.
    Done {
        deleted: u64,
        refused: Vec<String>,
    },
    Failed {
        why: String,
    },
    /// Not sent: its output has ended.
    Left,
}

impl Task {
    /// The task, where this process is a worker.
    pub fn of_this_process() -> Result<Option<Self>> {
        let task = std::env::var_os(VARIABLE).map(|task| task.into_encoded_bytes());
        let task = task.map(|task| serde_json::from_slice(&task));
        task.transpose().context(VARIABLE)
    }

    /// The environment that makes a process this worker. Not its arguments, which everybody can
    /// see: the URL may have a password in it.
    pub fn environment(&self) -> Result<(&'static str, String)> {
        Ok((VARIABLE, serde_json::to_string(self)?))
    }
}

/// Runs until its standard input ends. What goes wrong the parent says, who knows who it was.
pub async fn run(task: Task) -> Result<()> {
    let done = work(task).await;
    if let Err(error) = &done {
        let why = format!("{error:#}");
        say(&Event::Failed { why })?;
    }
    done
}

async fn work(task: Task) -> Result<()> {
    let mut builder = Store::builder();
    if let Some(prefix) = &task.prefix {
        builder = builder.prefix(prefix)?;
    }
    let store = builder.client(&task.name)?.connect(&task.url).await?;
    let mut worker = Worker {
        queue: store.queue(&task.project, &task.queue)?,
        ledger: Ledger::create(&task.ledger)?,
        parent: BufReader::new(tokio::io::stdin()).lines(),
        ttl: Duration::from_millis(task.ttl_ms),
        task,
    };
    worker.work().await
}

struct Worker {
    task: Task,
    ttl: Duration,
    queue: Queue,
    ledger: Ledger,
    parent: Lines<BufReader<Stdin>>,
}

impl Worker {
    async fn work(&mut self) -> Result<()> {
        say(&Event::Ready)?;
        if !self.may_go_on().await? {
            return Ok(());
        }
        let mut rounds = Some(self.task.rounds);
        loop {
            if rounds == Some(0) {
                say(&Event::Paused)?;
                if !self.may_go_on().await? {
                    return Ok(());
                }
                rounds = None;
            }
            // Before the claim, so that what is taken for its deadline is never after it.
            let begun = Instant::now();
            let asked = self.queue.claim().ttl(self.ttl).grace(self.ttl);
            let asked = asked.limit(self.task.batch).worker(&self.task.name);
            let Some(claim) = asked.await? else {
                let told = tokio::time::timeout(IDLE, self.may_go_on()).await;
                if told.is_ok_and(|goes_on| !goes_on.unwrap_or(false)) {
                    return Ok(());
                }
                continue;
            };
            rounds = rounds.map(|left| left - 1);
            let fate = match rounds {
                None => std::mem::replace(&mut self.task.fate, Fate::None),
                Some(_) => Fate::None,
            };
            if !self.deal_with(&claim, begun, fate).await? {
                return Ok(());
            }
        }
    }

    /// False where the parent ended it meanwhile.
    async fn deal_with(&mut self, claim: &Claim, begun: Instant, fate: Fate) -> Result<bool> {
        let messages = claim.messages();
        self.ledger.write(&Entry::Claimed {
            claim: claim.id().to_string(),
            fence: claim.fence(),
            messages: ids(messages),
            at_ms: now_ms(),
        })?;
        let share = match fate {
            Fate::Killed => messages.len().div_ceil(2),
            _ => messages.len(),
        };
        let mut done = Vec::new();
        for message in &messages[..share] {
            // Too late for a side effect: the next one may have had it already.
            if begun.elapsed() >= self.ttl {
                break;
            }
            self.side_effect(claim, message)?;
            done.push(message.id());
        }
        let was_here_before = messages.iter().any(|message| message.claims() > 1);
        if fate != Fate::None {
            say(&Event::Holding {
                claim: claim.id().to_string(),
                messages: ids(messages),
            })?;
        } else if was_here_before {
            say(&Event::Asks {
                messages: ids(messages),
            })?;
        }
        if (fate != Fate::None || was_here_before) && !self.may_go_on().await? {
            return Ok(false);
        }
        self.delete(claim, done).await?;
        Ok(true)
    }

    /// What a shop would do: send the goods, charge the card. Here it is a line in a file.
    fn side_effect(&mut self, claim: &Claim, message: &Message) -> Result<()> {
        let (line, order): Numbered = message.body()?;
        self.ledger.write(&Entry::Processed {
            message: message.id().to_string(),
            line,
            order: number_of(&order),
            claim: claim.id().to_string(),
            fence: claim.fence(),
            at_ms: now_ms(),
        })?;
        Ok(())
    }

    /// All at once, as is usual. Where that is refused, one by one: the refusal names one message,
    /// and a worker wants to know about each.
    async fn delete(&mut self, claim: &Claim, done: Vec<MessageId>) -> Result<()> {
        let (mut deleted, mut refused) = (0, Vec::new());
        if let Deleted::Done(count) = self.delete_these(claim, &done).await? {
            deleted = count;
        } else {
            for id in done {
                match self.delete_these(claim, &[id]).await? {
                    Deleted::Done(count) => deleted += count,
                    Deleted::Refused(word) => {
                        self.ledger.write(&Entry::Refused {
                            claim: claim.id().to_string(),
                            message: id.to_string(),
                            word: word.to_owned(),
                        })?;
                        refused.push(word.to_owned());
                    }
                }
            }
        }
        say(&Event::Done { deleted, refused })
    }

    /// Answers how many there were to delete. The ledger has it only where that was each: what is
    /// gone already is deleted silently, by whoever.
    async fn delete_these(&mut self, claim: &Claim, ids: &[MessageId]) -> Result<Deleted> {
        let count = match claim.delete_many(ids.iter().copied()).await {
            Ok(count) => count,
            Err(error) if is_stale(&error) => return Ok(Deleted::Refused(error.word())),
            Err(error) => return Err(error.into()),
        };
        if count == ids.len() as u64 {
            self.ledger.write(&Entry::Deleted {
                claim: claim.id().to_string(),
                messages: ids.iter().map(MessageId::to_string).collect(),
            })?;
        }
        Ok(Deleted::Done(count))
    }

    /// Waits for the parent; false where it wants no more.
    async fn may_go_on(&mut self) -> Result<bool> {
        Ok(self.parent.next_line().await?.is_some())
    }
}

enum Deleted {
    /// So many were there to delete.
    Done(u64),
    /// None of them was deleted.
    Refused(&'static str),
}

/// The claim lapsed: someone else has its messages, or can have them.
fn is_stale(error: &Error) -> bool {
    matches!(
        error,
        Error::ClaimDoesNotExist { .. }
            | Error::MessageNotClaimed { .. }
            | Error::MessageNotClaimedBy { .. }
    )
}

/// What the order calls itself, where it does.
fn number_of(order: &Value) -> Value {
    let names = ["order", "order_id", "order_number", "id"];
    let number = names.iter().find_map(|name| order.get(name));
    number.cloned().unwrap_or_default()
}

fn ids(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|m| m.id().to_string()).collect()
}

fn now_ms() -> u64 {
    Timestamp::from(SystemTime::now()).as_millis()
}

fn say(event: &Event) -> Result<()> {
    let mut line = serde_json::to_string(event)?;
    line.push('\n');
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.flush()?;
    Ok(())
}
