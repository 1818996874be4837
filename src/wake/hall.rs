//! The rooms that somebody waits in, or did a moment ago.
//!
//! Guards that a room is closed only while nobody waits in it: to enter and to close take one lock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::room::Room;
use crate::error::Cause;

#[derive(Default)]
pub(super) struct Hall {
    open: Mutex<Open>,
    /// For the listener: a room is new, or something comes earlier than it knows.
    pub(super) changed: Notify,
    /// One node's part of a store's hall, which alone closes rooms.
    pub(super) is_part: bool,
}

#[derive(Default)]
pub(super) struct Open {
    /// By channel.
    pub(super) rooms: HashMap<String, Arc<Room>>,
    pub(super) listener: Option<JoinHandle<()>>,
}

impl Hall {
    pub(super) fn part() -> Self {
        Hall {
            is_part: true,
            ..Hall::default()
        }
    }

    pub(super) fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn rooms(&self) -> Vec<(String, Arc<Room>)> {
        let open = self.open();
        open.rooms
            .iter()
            .map(|(channel, room)| (channel.clone(), Arc::clone(room)))
            .collect()
    }

    pub(super) fn room(&self, channel: &str) -> Option<Arc<Room>> {
        self.open().rooms.get(channel).cloned()
    }

    /// When something comes by itself in any of the rooms.
    pub(super) fn next(&self) -> Option<Instant> {
        self.open()
            .rooms
            .values()
            .filter_map(|room| room.next())
            .min()
    }

    pub(super) fn call_those_due(&self) {
        let now = Instant::now();
        self.open()
            .rooms
            .values()
            .for_each(|room| room.call_if_due(now));
    }

    /// Closes the rooms that nobody has waited in since then.
    pub(super) fn take_deserted(&self, since: Instant) -> Vec<String> {
        if self.is_part {
            return Vec::new();
        }
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

    /// Closes a room, and says why to those who wait there.
    pub(super) fn refuse(&self, channel: &str, room: &Room, cause: Cause) {
        room.refuse(cause);
        self.open().rooms.remove(channel);
    }

    /// Closes all rooms, and says why to those who wait there.
    pub(super) fn close_with(&self, cause: &Cause) {
        let mut open = self.open();
        open.listener = None;
        open.rooms
            .drain()
            .for_each(|(_, room)| room.refuse(cause.clone()));
    }

    /// Whether no room is left; then whoever comes next brings a listener along.
    pub(super) fn close_if_empty(&self) -> bool {
        let mut open = self.open();
        if open.rooms.is_empty() {
            open.listener = None;
        }
        open.rooms.is_empty()
    }
}
