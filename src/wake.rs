//! Being told that there may be something to claim, instead of asking again and again.
//!
//! Guards that no waiter misses a call: a [`Seat`] is told of all that was published after its room
//! was listened to, and of what comes by itself; where the line broke, everyone is told to look again.
//!
//! All waiters of a queue share a [room](room): a call that comes there is for one of them, who looks
//! on behalf of all. All rooms of a server share one [listener](listener) with one connection; in a
//! cluster a [steward](steward) gives each room to the listener of the node that serves its queue.

mod hall;
mod listener;
mod room;
mod steward;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub(crate) use room::Seat;

use crate::error::{Error, Result};
use crate::link::Deployment;
use hall::Hall;

/// Where the waiters of a store are told. Clones share the line.
#[derive(Clone)]
pub(crate) struct Wakes(Arc<Inner>);

struct Inner {
    /// `None` over a connection of the caller's: nobody can listen there.
    deployment: Option<Deployment>,
    /// How often an idle line is asked whether it still is there, and how long it may take to say so.
    keep_alive: Duration,
    hall: Arc<Hall>,
}

impl Wakes {
    pub(crate) fn new(deployment: Option<Deployment>, keep_alive: Duration) -> Self {
        Wakes(Arc::new(Inner {
            deployment,
            keep_alive,
            hall: Arc::default(),
        }))
    }

    /// The same for another server.
    pub(crate) fn another(&self, deployment: Deployment) -> Self {
        Wakes::new(Some(deployment), self.0.keep_alive)
    }

    /// Takes a seat among those who wait for this channel, up to `until`.
    pub(crate) fn enter(&self, channel: &str, until: Instant) -> Result<Seat> {
        let Some(deployment) = &self.0.deployment else {
            return Err(Error::invalid(
                "wait",
                "nobody can listen on the caller's connection: give the builder a wake_url",
            ));
        };
        let hall = &self.0.hall;
        let mut open = hall.open();
        let is_heard = open.listener.as_ref().is_some_and(|l| !l.is_finished());
        if !is_heard {
            // The last one ended with the runtime that it was on: whom it listened for is not heard.
            open.rooms.values().for_each(|room| room.lose());
            let (all, keep_alive) = (Arc::clone(hall), self.0.keep_alive);
            let listener = match deployment.clone() {
                Deployment::One(dialler) => tokio::spawn(listener::run(all, dialler, keep_alive)),
                Deployment::Cluster(topology) => {
                    tokio::spawn(steward::run(all, topology, keep_alive))
                }
            };
            open.listener = Some(listener);
        }
        // Each who comes after a refusal has it tried again.
        if open
            .rooms
            .get(channel)
            .is_some_and(|room| room.is_refused())
        {
            open.rooms.remove(channel);
        }
        let room = open.rooms.entry(channel.to_owned()).or_insert_with(|| {
            hall.changed.notify_one();
            Arc::default()
        });
        Ok(Seat::take(Arc::clone(room), Arc::clone(hall), until))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(listener) = self.hall.open().listener.take() {
            listener.abort();
        }
    }
}
