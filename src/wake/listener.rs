//! The one connection of a store on which the server tells what was published.
//!
//! Guards against silence: a line that does not answer when it is asked is given up, made anew, and
//! all rooms are told to look again. It ends when nobody has waited for a while.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, PushInfo, PushKind, RedisError, RedisResult, Value};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::hall::Hall;
use super::room::Room;
use crate::error::Cause;
use crate::link::{Backoff, Dialler};

/// Why a line is not listened on any more.
pub(super) enum End {
    /// Nobody waits.
    Deserted,
    /// It broke, fell silent, or could not be made; whether it had worked before.
    Lost { had_worked: bool },
    /// The server lets nobody in.
    Refused(Cause),
}

/// Listens for all rooms of the hall for as long as somebody waits.
pub(super) async fn run(hall: Arc<Hall>, dialler: Dialler, keep_alive: Duration) {
    let mut backoff = Backoff::new();
    loop {
        match listen_once(&hall, &dialler, keep_alive).await {
            End::Deserted => return,
            End::Refused(cause) => {
                // Each who comes later has it tried again.
                hall.close_with(&cause);
                return;
            }
            // A line that works is made anew without delay when it breaks.
            End::Lost { had_worked: true } => backoff = Backoff::new(),
            End::Lost { had_worked: false } => {}
        }
        hall.open().rooms.values().for_each(|room| room.lose());
        hall.take_deserted(Instant::now());
        if hall.close_if_empty() {
            return;
        }
        sleep(backoff.draw()).await;
    }
}

/// Makes one line and listens on it for all rooms of the hall, up to its end.
pub(super) async fn listen_once(hall: &Hall, dialler: &Dialler, keep_alive: Duration) -> End {
    let (sender, pushes) = unbounded_channel();
    match timeout(keep_alive, dialler.dial(sender)).await {
        Ok(Ok(connection)) => Line::new(connection, pushes, keep_alive).listen(hall).await,
        Ok(Err(error)) if !Dialler::is_worth_another_try(&error) => {
            End::Refused(Cause::redis(&error))
        }
        Ok(Err(_)) | Err(_) => End::Lost { had_worked: false },
    }
}

/// A connection, and what is listened for on it.
struct Line {
    connection: MultiplexedConnection,
    pushes: UnboundedReceiver<PushInfo>,
    keep_alive: Duration,
    /// Whether the server has shard channels, which it has from 7.0 on; not known before it was asked.
    is_sharded: Option<bool>,
    channels: HashMap<String, Arc<Room>>,
}

impl Line {
    fn new(
        connection: MultiplexedConnection,
        pushes: UnboundedReceiver<PushInfo>,
        keep_alive: Duration,
    ) -> Self {
        Line {
            connection,
            pushes,
            keep_alive,
            is_sharded: None,
            channels: HashMap::new(),
        }
    }

    async fn listen(&mut self, hall: &Hall) -> End {
        let mut had_worked = false;
        let mut ask_at = Instant::now() + self.keep_alive;
        let mut has_new = true;
        loop {
            if has_new && self.subscribe_to_new(hall).await.is_err() {
                return End::Lost { had_worked };
            }
            had_worked = true;
            has_new = false;
            let next = hall.next().unwrap_or(ask_at).min(ask_at);
            tokio::select! {
                push = self.pushes.recv() => {
                    if push.is_none_or(|push| !self.heard(hall, push)) {
                        return End::Lost { had_worked };
                    }
                }
                () = hall.changed.notified() => has_new = true,
                () = sleep_until(next) => hall.call_those_due(),
            }
            if Instant::now() >= ask_at {
                if self.drop_deserted(hall).await.is_err() || self.ask().await.is_err() {
                    return End::Lost { had_worked };
                }
                if hall.close_if_empty() {
                    return End::Deserted;
                }
                ask_at = Instant::now() + self.keep_alive;
            }
        }
    }

    async fn subscribe_to_new(&mut self, hall: &Hall) -> RedisResult<()> {
        for (channel, room) in hall.rooms() {
            match self.channels.get(&channel) {
                Some(known) if Arc::ptr_eq(known, &room) => continue,
                // Opened anew before its channel was given up.
                Some(_) => {}
                None => match self.subscribe(&channel).await {
                    Ok(()) => {}
                    Err(error) if is_refusal(hall, &error) => {
                        hall.refuse(&channel, &room, Cause::redis(&error));
                        continue;
                    }
                    Err(error) => return Err(error),
                },
            }
            room.hear();
            self.channels.insert(channel, room);
        }
        Ok(())
    }

    async fn subscribe(&mut self, channel: &str) -> RedisResult<()> {
        if self.is_sharded.unwrap_or(true) {
            match self.send("SSUBSCRIBE", Some(channel)).await {
                Err(error) if is_unknown_command(&error) => self.is_sharded = Some(false),
                done => {
                    self.is_sharded = Some(true);
                    return done;
                }
            }
        }
        self.send("SUBSCRIBE", Some(channel)).await
    }

    /// Gives those channels up that nobody has waited on since the line was last asked.
    async fn drop_deserted(&mut self, hall: &Hall) -> RedisResult<()> {
        if let Some(since) = Instant::now().checked_sub(self.keep_alive) {
            hall.take_deserted(since);
        }
        let command = if self.is_sharded == Some(false) {
            "UNSUBSCRIBE"
        } else {
            "SUNSUBSCRIBE"
        };
        let is_gone = |channel: &&String| hall.room(channel).is_none();
        let gone: Vec<_> = self.channels.keys().filter(is_gone).cloned().collect();
        for channel in gone {
            self.channels.remove(&channel);
            self.send(command, Some(&channel)).await?;
        }
        Ok(())
    }

    async fn ask(&mut self) -> RedisResult<()> {
        self.send("PING", None).await
    }

    async fn send(&mut self, command: &str, argument: Option<&str>) -> RedisResult<()> {
        let mut cmd = Cmd::new();
        cmd.arg(command).arg(argument);
        let answer = timeout(
            self.keep_alive,
            cmd.query_async::<Value>(&mut self.connection),
        );
        answer.await.unwrap_or_else(|_| Err(silence())).map(drop)
    }

    /// Passes on what came; false where it is the end of the line.
    fn heard(&self, hall: &Hall, push: PushInfo) -> bool {
        match (push.kind, &push.data[..]) {
            (PushKind::Disconnection, _) => return false,
            // Not asked for: another node has the slot by now.
            (PushKind::SUnsubscribe, [Value::BulkString(channel), ..]) => {
                let is_ours = |channel: &str| self.channels.contains_key(channel);
                return !std::str::from_utf8(channel).is_ok_and(is_ours);
            }
            (
                PushKind::Message | PushKind::SMessage,
                [Value::BulkString(channel), Value::BulkString(at)],
            ) => {
                let room = std::str::from_utf8(channel)
                    .ok()
                    .and_then(|channel| hall.room(channel));
                // What is no number was not published by a script; to look is never wrong.
                let at = std::str::from_utf8(at).ok().and_then(|at| at.parse().ok());
                if let Some(room) = room {
                    room.publish(at.unwrap_or(0));
                }
            }
            _ => {}
        }
        true
    }
}

/// Whether no other attempt will do better. Where the hall is one node's, another node may have the slot by now.
fn is_refusal(hall: &Hall, error: &RedisError) -> bool {
    let has_moved = hall.is_part && error.code() == Some("MOVED");
    !has_moved && !Dialler::is_worth_another_try(error)
}

fn is_unknown_command(error: &RedisError) -> bool {
    error.code() == Some("ERR")
        && error
            .detail()
            .is_some_and(|detail| detail.starts_with("unknown command"))
}

fn silence() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}
