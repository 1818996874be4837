//! The one connection of a store on which the server tells what was published.
//!
//! Guards against silence: a line that does not answer when it is asked is given up, made anew, and
//! all rooms are told to look again. It ends when nobody has waited for a while.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, PushInfo, PushKind, RedisError, RedisResult, Value};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{Hall, Room};
use crate::error::Cause;
use crate::link::{Backoff, Dialler};

/// Why a line is not listened on any more.
enum End {
    /// Nobody waits.
    Deserted,
    /// It broke or fell silent.
    Lost,
}

/// Listens for all rooms of the hall for as long as somebody waits.
pub(super) async fn run(hall: Arc<Hall>, dialler: Dialler, keep_alive: Duration) {
    let mut backoff = Backoff::new();
    loop {
        let (sender, pushes) = unbounded_channel();
        match timeout(keep_alive, dialler.dial(sender)).await {
            Ok(Ok(connection)) => {
                let mut line = Line::new(connection, pushes, keep_alive);
                let end = line.listen(&hall, &mut backoff).await;
                if matches!(end, End::Deserted) {
                    return;
                }
                hall.open().rooms.values().for_each(|room| room.lose());
            }
            Ok(Err(error)) if !Dialler::is_worth_another_try(&error) => {
                // Each who comes later has it tried again.
                let mut open = hall.open();
                open.listener = None;
                open.rooms
                    .drain()
                    .for_each(|(_, room)| room.refuse(Cause::redis(&error)));
                return;
            }
            Ok(Err(_)) | Err(_) => {}
        }
        hall.take_deserted(Instant::now());
        if hall.close_if_empty() {
            return;
        }
        sleep(backoff.draw()).await;
    }
}

/// A connection, and what is listened for on it.
struct Line {
    connection: MultiplexedConnection,
    pushes: UnboundedReceiver<PushInfo>,
    keep_alive: Duration,
    /// Whether the server has shard channels, which it has from 7.0 on; not known before it was asked.
    is_sharded: Option<bool>,
    channels: HashSet<String>,
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
            channels: HashSet::new(),
        }
    }

    async fn listen(&mut self, hall: &Hall, backoff: &mut Backoff) -> End {
        let mut ask_at = Instant::now() + self.keep_alive;
        let mut has_new = true;
        loop {
            if has_new && self.subscribe_to_new(hall).await.is_err() {
                return End::Lost;
            }
            // A line that works is made anew without delay when it breaks.
            *backoff = Backoff::new();
            has_new = false;
            let next = hall.next().unwrap_or(ask_at).min(ask_at);
            tokio::select! {
                push = self.pushes.recv() => {
                    if push.is_none_or(|push| !heard(hall, push)) {
                        return End::Lost;
                    }
                }
                () = hall.changed.notified() => has_new = true,
                () = sleep_until(next) => hall.call_those_due(),
            }
            if Instant::now() >= ask_at {
                if self.drop_deserted(hall).await.is_err() || self.ask().await.is_err() {
                    return End::Lost;
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
            if self.channels.contains(&channel) {
                continue;
            }
            match self.subscribe(&channel).await {
                Ok(()) => {
                    self.channels.insert(channel);
                    room.hear();
                }
                Err(error) if !Dialler::is_worth_another_try(&error) => {
                    room.refuse(Cause::redis(&error));
                    hall.open().rooms.remove(&channel);
                }
                Err(error) => return Err(error),
            }
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
        let since = Instant::now().checked_sub(self.keep_alive);
        for channel in since.map_or_else(Vec::new, |since| hall.take_deserted(since)) {
            let command = if self.is_sharded == Some(false) {
                "UNSUBSCRIBE"
            } else {
                "SUNSUBSCRIBE"
            };
            if self.channels.remove(&channel) {
                self.send(command, Some(&channel)).await?;
            }
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
}

/// Passes on what came; false where it is the end of the line.
fn heard(hall: &Hall, push: PushInfo) -> bool {
    match (push.kind, &push.data[..]) {
        (PushKind::Disconnection, _) => return false,
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

fn is_unknown_command(error: &RedisError) -> bool {
    error.code() == Some("ERR")
        && error
            .detail()
            .is_some_and(|detail| detail.starts_with("unknown command"))
}

fn silence() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

impl Hall {
    fn rooms(&self) -> Vec<(String, Arc<Room>)> {
        let open = self.open();
        open.rooms
            .iter()
            .map(|(channel, room)| (channel.clone(), Arc::clone(room)))
            .collect()
    }

    fn room(&self, channel: &str) -> Option<Arc<Room>> {
        self.open().rooms.get(channel).cloned()
    }

    /// When something comes by itself in any of the rooms.
    fn next(&self) -> Option<Instant> {
        self.open()
            .rooms
            .values()
            .filter_map(|room| room.next())
            .min()
    }

    fn call_those_due(&self) {
        let now = Instant::now();
        self.open()
            .rooms
            .values()
            .for_each(|room| room.call_if_due(now));
    }

    /// Closes the rooms that nobody has waited in since then.
    fn take_deserted(&self, since: Instant) -> Vec<String> {
        let mut open = self.open();
        let deserted = open
            .rooms
            .iter()
            .filter(|(_, room)| room.is_deserted(since));
        let deserted: Vec<_> = deserted.map(|(channel, _)| channel.clone()).collect();
        for channel in &deserted {
            open.rooms.remove(channel);
        }
        deserted
    }

    /// Whether no room is left; then whoever comes next brings a listener along.
    fn close_if_empty(&self) -> bool {
        let mut open = self.open();
        if open.rooms.is_empty() {
            open.listener = None;
        }
        open.rooms.is_empty()
    }
}
