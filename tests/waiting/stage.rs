//! A queue of a test's own, somebody who waits there, and a look behind the library's back.

use std::time::Duration;

use marconi_redis::keys::Part;
use marconi_redis::{Claim, Queue, Store};
use redis::aio::MultiplexedConnection;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::common::{self, Server};

/// Longer than anything takes that is not lost.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A queue on the shared server, of a store of its own.
pub async fn a_queue() -> Queue {
    let store = Store::connect(&Server::shared().url()).await.unwrap();
    store.queue(&common::a_queue(), "orders").unwrap()
}

/// The same queue, as another process sees it.
pub async fn elsewhere(queue: &Queue) -> Queue {
    elsewhere_on(Server::shared(), queue).await
}

pub async fn elsewhere_on(server: &Server, queue: &Queue) -> Queue {
    let store = Store::connect(&server.url()).await.unwrap();
    store.queue_at(queue.path().clone())
}

/// Somebody who waits for one message, for up to [`PATIENCE`].
pub struct Waiter(JoinHandle<Option<Claim>>);

impl Waiter {
    /// Begins to wait, with a claim of a minute.
    pub fn on(queue: &Queue) -> Waiter {
        Self::with_ttl(queue, ms(60_000))
    }

    pub fn with_ttl(queue: &Queue, ttl: Duration) -> Waiter {
        let claim = queue.claim().limit(1).ttl(ttl).wait(PATIENCE);
        Waiter(tokio::spawn(async move { claim.await.unwrap() }))
    }

    /// The body of what it got; it keeps the claim.
    pub async fn body(self) -> String {
        let claim = self.claim().await;
        claim.messages()[0].body().unwrap()
    }

    pub async fn claim(self) -> Claim {
        let claim = timeout(PATIENCE * 2, self.0)
            .await
            .expect("an end of the waiting")
            .unwrap();
        claim.expect("a waiter was told, and found something")
    }

    pub fn abort(self) {
        self.0.abort();
    }
}

/// What the server holds and counts.
pub struct Behind(MultiplexedConnection);

impl Behind {
    pub async fn shared() -> Behind {
        Self::of(Server::shared()).await
    }

    pub async fn of(server: &Server) -> Behind {
        Behind(server.connection().await)
    }

    pub async fn ask<T: redis::FromRedisValue>(&mut self, words: &[&str]) -> T {
        let mut cmd = redis::cmd(words[0]);
        cmd.arg(&words[1..]);
        cmd.query_async(&mut self.0).await.unwrap()
    }

    /// Until somebody has said that they wait on this queue.
    pub async fn until_waited_on(&mut self, queue: &Queue) {
        let meta = queue.keys().key(Part::Meta);
        let waited = async {
            while self
                .ask::<Option<u64>>(&["HGET", &meta, "waiting_until"])
                .await
                .is_none()
            {}
        };
        timeout(PATIENCE, waited).await.expect("somebody waits");
    }

    /// Until so many connections listen for this queue.
    pub async fn until_heard(&mut self, queue: &Queue, listeners: u64) {
        let channel = queue.keys().key(Part::Log);
        let command = if common::version() >= (7, 0) {
            "SHARDNUMSUB"
        } else {
            "NUMSUB"
        };
        let heard = async {
            loop {
                let (_, count): (String, u64) = self.ask(&["PUBSUB", command, &channel]).await;
                if count == listeners {
                    return;
                }
            }
        };
        timeout(PATIENCE, heard).await.expect("listeners");
    }

    /// How often the server has run a command.
    pub async fn calls(&mut self, command: &str) -> u64 {
        let stats: String = self.ask(&["INFO", "commandstats"]).await;
        let line = format!("cmdstat_{command}:calls=");
        let found = stats.lines().find_map(|l| l.strip_prefix(&*line));
        found
            .and_then(|rest| rest.split(',').next()?.parse().ok())
            .unwrap_or(0)
    }

    /// How many scripts have run, when between keep-alives no more did: whoever waits has looked.
    pub async fn settled(&mut self) -> u64 {
        loop {
            let (before, pings) = (self.calls("evalsha").await, self.calls("ping").await);
            while self.calls("ping").await < pings + 2 {}
            if self.calls("evalsha").await == before {
                return before;
            }
        }
    }

    /// How often it has run each command but those that this is asked with.
    pub async fn all_calls(&mut self) -> Vec<String> {
        let stats: String = self.ask(&["INFO", "commandstats"]).await;
        let of_others = |line: &&str| {
            !["cmdstat_info:", "cmdstat_ping:"]
                .iter()
                .any(|own| line.starts_with(own))
        };
        let calls = |line: &str| line.split(',').next().unwrap_or_default().to_owned();
        stats
            .lines()
            .filter(|l| l.starts_with("cmdstat_"))
            .filter(of_others)
            .map(calls)
            .collect()
    }
}
