//! Who has the waiters of a cluster listened for: each room by the node that serves its queue.
//!
//! Guards that a room is listened for where its queue is now: the rooms of a line that ends are given to
//! whoever serves them by then, and looked into once more.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use redis::RedisResult;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::hall::Hall;
use super::listener::{End, listen_once};
use super::room::Room;
use crate::error::Cause;
use crate::link::{Backoff, Dialler, Node, Topology, slot_of};

/// Has all rooms of the hall listened for, for as long as somebody waits.
pub(super) async fn run(hall: Arc<Hall>, topology: Arc<Topology>, keep_alive: Duration) {
    let mut steward = Steward {
        hall,
        topology,
        keep_alive,
        parts: HashMap::new(),
        housed: HashMap::new(),
        lines: JoinSet::new(),
        backoff: Backoff::new(),
        house_at: Instant::now(),
    };
    let mut clear_at = Instant::now() + keep_alive;
    loop {
        steward.house().await;
        let hall = &steward.hall;
        let next = [
            hall.next(),
            steward.has_homeless().then_some(steward.house_at),
        ];
        let next = next
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(clear_at)
            .min(clear_at);
        tokio::select! {
            () = hall.changed.notified() => {}
            Some(Ok((node, end))) = steward.lines.join_next() => steward.take_back(&node, end),
            () = sleep_until(next) => hall.call_those_due(),
        }
        if Instant::now() >= clear_at {
            steward.clear();
            if steward.hall.close_if_empty() {
                return;
            }
            clear_at = Instant::now() + keep_alive;
        }
    }
}

struct Steward {
    hall: Arc<Hall>,
    topology: Arc<Topology>,
    keep_alive: Duration,
    /// The rooms that a node's line listens for.
    parts: HashMap<Node, Arc<Hall>>,
    /// By channel.
    housed: HashMap<String, (Node, Arc<Room>)>,
    /// Dropped with this, and so ended.
    lines: JoinSet<(Node, End)>,
    backoff: Backoff,
    /// Not before then.
    house_at: Instant,
}

impl Steward {
    /// Gives each room that has no line one to the node that serves it.
    async fn house(&mut self) {
        if Instant::now() < self.house_at {
            return;
        }
        for (channel, room) in self.homeless() {
            match self.topology.owner(slot_of(channel.as_bytes())).await {
                Ok(node) if self.enter(&channel, &room, &node).is_ok() => {}
                Err(error) if !Dialler::is_worth_another_try(&error) => {
                    self.hall.refuse(&channel, &room, Cause::redis(&error));
                }
                _ => {
                    self.topology.doubt();
                    self.house_at = Instant::now() + self.backoff.draw();
                    return;
                }
            }
        }
    }

    fn enter(&mut self, channel: &str, room: &Arc<Room>, node: &Node) -> RedisResult<()> {
        let part = match self.parts.get(node) {
            Some(part) => Arc::clone(part),
            None => {
                let (part, dialler) = (Arc::new(Hall::part()), self.topology.dialler(node)?);
                self.parts.insert(node.clone(), Arc::clone(&part));
                let (of, hall, keep_alive) = (node.clone(), Arc::clone(&part), self.keep_alive);
                self.lines
                    .spawn(async move { (of, listen_once(&hall, &dialler, keep_alive).await) });
                part
            }
        };
        part.open()
            .rooms
            .insert(channel.to_owned(), Arc::clone(room));
        part.changed.notify_one();
        self.housed
            .insert(channel.to_owned(), (node.clone(), Arc::clone(room)));
        Ok(())
    }

    /// A line has ended: its rooms need another one.
    fn take_back(&mut self, node: &Node, end: End) {
        let Some(part) = self.parts.remove(node) else {
            return;
        };
        for (channel, room) in part.rooms() {
            self.housed.remove(&channel);
            match &end {
                End::Refused(cause) => self.hall.refuse(&channel, &room, cause.clone()),
                End::Deserted | End::Lost { .. } => room.lose(),
            }
        }
        if let End::Lost { had_worked } = end {
            if had_worked {
                self.backoff = Backoff::new();
            }
            self.topology.doubt();
            self.house_at = Instant::now() + self.backoff.draw();
        }
    }

    /// Closes the rooms that nobody has waited in for a while.
    fn clear(&mut self) {
        let Some(since) = Instant::now().checked_sub(self.keep_alive) else {
            return;
        };
        for channel in self.hall.take_deserted(since) {
            if let Some((node, _)) = self.housed.remove(&channel)
                && let Some(part) = self.parts.get(&node)
            {
                part.open().rooms.remove(&channel);
            }
        }
    }

    fn homeless(&self) -> Vec<(String, Arc<Room>)> {
        let mut rooms = self.hall.rooms();
        rooms.retain(|(channel, room)| !self.is_housed(channel, room));
        rooms
    }

    fn has_homeless(&self) -> bool {
        let open = self.hall.open();
        let mut rooms = open.rooms.iter();
        rooms.any(|(channel, room)| !self.is_housed(channel, room))
    }

    fn is_housed(&self, channel: &str, room: &Arc<Room>) -> bool {
        let housed = self.housed.get(channel);
        housed.is_some_and(|(_, known)| Arc::ptr_eq(known, room))
    }
}
