//! A cluster: `redis://host:6379,other:6379?cluster=true`.
//!
//! Guards that no call is sent by a map that has been proved wrong: whoever was sent elsewhere, or found
//! nobody, has the map read anew before the next attempt.

mod map;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::{
    IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo, RedisError, RedisResult, Value,
};
use tokio::time::{Instant, timeout};

use super::dial::Dialler;
use super::hosts::Hosts;
use super::source::{Line, NoLine, Own, Route};
use crate::error::{Error, Result};

use map::Map;
pub(crate) use map::{Node, slot_of};

/// The port of a node, where none is given.
const PORT: u16 = 6379;

/// How long one node may take to say who serves what, before another is asked.
const PATIENCE: Duration = Duration::from_secs(1);

/// A map as young as this is not doubted: of a thousand calls that fail together one has it read.
const YOUNG: Duration = Duration::from_millis(50);

/// Knows the nodes of a cluster, who of them serves what, and how to be let in.
pub(crate) struct Topology {
    hosts: Hosts,
    known: Mutex<Known>,
    /// Held while the map is read.
    reading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    map: Option<Arc<Map>>,
    read_at: Option<Instant>,
    /// The map is to be read before it is used again.
    is_doubted: bool,
    /// Where a redirection led, which knows better than the others.
    ask_first: Option<Node>,
    /// How often nodes were asked so far: each time it begins with another one.
    asked: usize,
}

impl Topology {
    pub(super) fn open(url: &str) -> Result<Self> {
        let hosts = Hosts::of(url, PORT)?;
        if hosts.db.is_some_and(|db| db != 0) {
            return Err(Error::invalid("url", "a cluster has no database but 0"));
        }
        Ok(Topology {
            hosts,
            known: Mutex::default(),
            reading: tokio::sync::Mutex::default(),
        })
    }

    /// Who serves a key, by the name of its slot.
    pub(crate) async fn owner(&self, slot: u16) -> RedisResult<Node> {
        let map = self.map().await?;
        map.owner(slot).cloned().ok_or_else(|| {
            // As the server puts it, where it is asked: worth another try.
            unreachable(format!("nobody serves slot {slot} at the moment"))
        })
    }

    /// All that serve something.
    pub(super) async fn primaries(&self) -> RedisResult<Vec<Node>> {
        Ok(self.map().await?.nodes())
    }

    /// Has the map read before it is used again: a call that went by it was not answered.
    pub(crate) fn doubt(&self) {
        let mut known = self.known();
        let is_young = known.read_at.is_some_and(|at| at.elapsed() < YOUNG);
        known.is_doubted |= !is_young;
    }

    /// The same, where a node has said who serves the slot by now, unless the map says so already.
    pub(super) fn correct(&self, slot: u16, owner: Node) {
        let mut known = self.known();
        let has_it = |map: &Arc<Map>| map.owner(slot) == Some(&owner);
        if !known.map.as_ref().is_some_and(has_it) {
            known.is_doubted = true;
            known.ask_first = Some(owner);
        }
    }

    pub(crate) fn dialler(&self, node: &Node) -> RedisResult<Dialler> {
        let mut login = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        if let Some(user) = &self.hosts.user {
            login = login.set_username(user);
        }
        if let Some(password) = &self.hosts.password {
            login = login.set_password(password);
        }
        let address = self.hosts.address(&node.host, node.port);
        Dialler::at(address.into_connection_info()?.set_redis_settings(login))
    }

    async fn map(&self) -> RedisResult<Arc<Map>> {
        if let Some(map) = self.trusted() {
            return Ok(map);
        }
        let _reading = self.reading.lock().await;
        // Whoever held the lock before may have read it.
        if let Some(map) = self.trusted() {
            return Ok(map);
        }
        let mut last = unreachable("nobody to be asked".to_owned());
        for node in self.to_be_asked() {
            match timeout(PATIENCE, self.ask(&node)).await {
                Ok(Ok(map)) => {
                    let map = Arc::new(map);
                    let mut known = self.known();
                    known.map = Some(Arc::clone(&map));
                    known.read_at = Some(Instant::now());
                    known.is_doubted = false;
                    known.ask_first = None;
                    return Ok(map);
                }
                Ok(Err(error)) => last = error,
                Err(_) => last = unreachable(format!("{node} does not say who serves what")),
            }
        }
        Err(last)
    }

    fn trusted(&self) -> Option<Arc<Map>> {
        let known = self.known();
        known.map.clone().filter(|_| !known.is_doubted)
    }

    /// All nodes that are known, and those of the URL: each time another one first.
    fn to_be_asked(&self) -> Vec<Node> {
        let mut known = self.known();
        let mut nodes = known.map.as_ref().map_or_else(Vec::new, |map| map.nodes());
        for (host, port) in &self.hosts.addresses {
            let node = Node::new(host, *port);
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        known.asked = known.asked.wrapping_add(1);
        let first = known.asked % nodes.len();
        nodes.rotate_left(first);
        nodes.splice(0..0, known.ask_first.clone());
        nodes
    }

    async fn ask(&self, node: &Node) -> RedisResult<Map> {
        let mut connection = self.dialler(node)?.dial_plainly().await?;
        let mut ask = redis::cmd("CLUSTER");
        ask.arg("SLOTS");
        let answer: Value = ask.query_async(&mut connection).await?;
        let unread = || unreachable(format!("{node} answers CLUSTER SLOTS in a way of its own"));
        Map::read(answer, &node.host).ok_or_else(unread)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The addresses of the URL alone.
impl fmt::Debug for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the cluster of {}", self.hosts.shown())
    }
}

fn unreachable(what: String) -> RedisError {
    std::io::Error::new(std::io::ErrorKind::NotConnected, what).into()
}

/// One connection to each node that is called, made when needed.
pub(super) struct Nodes {
    pub(super) topology: Arc<Topology>,
    lines: Mutex<HashMap<Node, Arc<Own>>>,
}

impl Nodes {
    pub(super) fn of(topology: Arc<Topology>) -> Self {
        Nodes {
            topology,
            lines: Mutex::default(),
        }
    }

    pub(super) async fn line(&self, route: &Route, is_dedicated: bool) -> Result<Line, NoLine> {
        match route {
            Route::Node(node) => self.line_to(node, is_dedicated).await,
            Route::Slot(slot) => {
                let owner = self.topology.owner(*slot).await?;
                self.line_to(&owner, is_dedicated).await
            }
            Route::Any => {
                let mut last = NoLine::from(unreachable("nobody serves anything".to_owned()));
                for node in self.topology.primaries().await? {
                    match self.line_to(&node, is_dedicated).await {
                        Ok(line) => return Ok(line),
                        Err(none) => last = none,
                    }
                }
                Err(last)
            }
        }
    }

    async fn line_to(&self, node: &Node, is_dedicated: bool) -> Result<Line, NoLine> {
        let line = self.own(node)?.line(is_dedicated).await;
        line.map_err(|none| NoLine {
            cause: none.cause.labelled(&node.to_string()),
            ..none
        })
    }

    fn own(&self, node: &Node) -> RedisResult<Arc<Own>> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = lines.get(node) {
            return Ok(Arc::clone(own));
        }
        // A node that is new: others may have gone.
        if let Some(map) = self.topology.trusted() {
            let nodes = map.nodes();
            lines.retain(|node, _| nodes.contains(node));
        }
        let own = Arc::new(Own::of(self.topology.dialler(node)?));
        lines.insert(node.clone(), Arc::clone(&own));
        Ok(own)
    }
}
