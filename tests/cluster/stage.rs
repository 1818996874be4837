//! A cluster of real servers on the loopback interface.

use std::collections::BTreeMap;
use std::time::Duration;

use marconi_redis::keys::Part;
use marconi_redis::{Queue, Store};
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, RedisResult};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::common::{self, Server};

/// Longer than anything takes that is not lost.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const SLOTS: u16 = 16384;

/// Three primaries, each with a third of the slots; and replicas, where they are asked for.
pub struct Cluster {
    pub primaries: Vec<Server>,
    pub replicas: Vec<Server>,
}

impl Cluster {
    /// The one that tests share which only use it.
    pub async fn shared() -> &'static Cluster {
        static SHARED: OnceCell<Cluster> = OnceCell::const_new();
        SHARED.get_or_init(|| Cluster::start(0)).await
    }

    /// One of its own, with so many replicas, of the first primaries.
    pub async fn start(replicas: usize) -> Cluster {
        let primaries: Vec<_> = (0..3).map(|_| node()).collect();
        let replicas: Vec<_> = (0..replicas).map(|_| node()).collect();
        let cluster = Cluster {
            primaries,
            replicas,
        };
        for (at, server) in cluster.primaries.iter().enumerate() {
            let share = SLOTS / 3 + 1;
            let first = share * at as u16;
            let slots: Vec<_> = (first..(first + share).min(SLOTS))
                .map(|slot| slot.to_string())
                .collect();
            let mut words = vec!["CLUSTER", "ADDSLOTS"];
            words.extend(slots.iter().map(String::as_str));
            let () = ask(server, &words).await;
        }
        for (at, server) in cluster.all().enumerate() {
            let epoch = (at + 1).to_string();
            let () = ask(server, &["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).await;
            let port = cluster.primaries[0].port().to_string();
            if at > 0 {
                let () = ask(server, &["CLUSTER", "MEET", "127.0.0.1", &port]).await;
            }
        }
        cluster.until_whole().await;
        for (at, server) in cluster.replicas.iter().enumerate() {
            let id: String = ask(&cluster.primaries[at], &["CLUSTER", "MYID"]).await;
            until(server, "CLUSTER NODES", &id).await;
            let () = ask(server, &["CLUSTER", "REPLICATE", &id]).await;
            until(server, "INFO replication", "master_link_status:up").await;
            until(&cluster.primaries[at], "INFO replication", "state=online").await;
        }
        cluster
    }

    pub fn all(&self) -> impl Iterator<Item = &Server> {
        self.primaries.iter().chain(&self.replicas)
    }

    /// Names one node; the library finds the others.
    pub fn url(&self) -> String {
        format!(
            "redis://127.0.0.1:{}/?cluster=true",
            self.primaries[0].port()
        )
    }

    /// Names several.
    pub fn url_of_all(&self) -> String {
        let hosts: Vec<_> = self
            .all()
            .map(|server| format!("127.0.0.1:{}", server.port()))
            .collect();
        format!("redis://{}?cluster=true", hosts.join(","))
    }

    /// Until all nodes say that all slots are served, and by whom.
    pub async fn until_whole(&self) {
        for server in self.all() {
            until(server, "CLUSTER INFO", "cluster_state:ok").await;
            until(
                server,
                "CLUSTER INFO",
                &format!("cluster_known_nodes:{}", self.all().count()),
            )
            .await;
        }
    }

    /// A queue of a project of its own that this primary serves.
    pub async fn queue_on(&self, store: &Store, primary: usize) -> Queue {
        let share = SLOTS / 3 + 1;
        loop {
            let queue = store.queue(&common::a_queue(), "orders").unwrap();
            if usize::from(self.slot_of(&queue).await / share) == primary {
                return queue;
            }
        }
    }

    pub async fn slot_of(&self, queue: &Queue) -> u16 {
        let key = queue.keys().key(Part::Log);
        ask(&self.primaries[0], &["CLUSTER", "KEYSLOT", &key]).await
    }

    /// Slots that nobody serves are no matter of the others.
    pub async fn serve_in_part(&self) {
        for server in &self.primaries {
            let rule = ["CONFIG", "SET", "cluster-require-full-coverage", "no"];
            let () = ask(server, &rule).await;
        }
    }

    pub async fn store(&self) -> Store {
        let builder = Store::builder()
            .deadline(PATIENCE)
            .keep_alive(Duration::from_millis(200));
        builder.connect(&self.url()).await.unwrap()
    }

    /// How many keys each primary has.
    pub async fn sizes(&self) -> Vec<u64> {
        let mut sizes = Vec::new();
        for server in &self.primaries {
            sizes.push(ask(server, &["DBSIZE"]).await);
        }
        sizes
    }

    /// Moves a slot from one primary to another, key by key, and tells all.
    pub async fn move_slot(&self, slot: u16, from: usize, to: usize) {
        self.begin_to_move(slot, from, to).await;
        self.carry_keys(slot, from, to).await;
        self.end_moving(slot, from, to).await;
    }

    pub async fn begin_to_move(&self, slot: u16, from: usize, to: usize) {
        let (from, to) = (&self.primaries[from], &self.primaries[to]);
        let (from_id, to_id): (String, String) = (
            ask(from, &["CLUSTER", "MYID"]).await,
            ask(to, &["CLUSTER", "MYID"]).await,
        );
        let slot = slot.to_string();
        let () = ask(to, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]).await;
        let () = ask(from, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]).await;
    }

    pub async fn carry_keys(&self, slot: u16, from: usize, to: usize) {
        let (from, to) = (&self.primaries[from], self.primaries[to].port().to_string());
        let keys: Vec<String> = ask(
            from,
            &["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), "1000"],
        )
        .await;
        for key in keys {
            let _: String = ask(from, &["MIGRATE", "127.0.0.1", &to, &key, "0", "10000"]).await;
        }
    }

    pub async fn end_moving(&self, slot: u16, from: usize, to: usize) {
        let id: String = ask(&self.primaries[to], &["CLUSTER", "MYID"]).await;
        let slot = slot.to_string();
        for at in [to, from] {
            let () = ask(
                &self.primaries[at],
                &["CLUSTER", "SETSLOT", &slot, "NODE", &id],
            )
            .await;
        }
    }
}

fn node() -> Server {
    // The port of the cluster's own bus is 10,000 above.
    let port = loop {
        let port = common::free_port();
        if port < 55_000 && std::net::TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
            break port;
        }
    };
    Server::start_on(
        port,
        &["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"],
    )
}

/// By the unix socket of one node: what that node alone says.
pub async fn ask<T: FromRedisValue>(server: &Server, words: &[&str]) -> T {
    let mut connection = server.connection().await;
    try_ask(&mut connection, words).await.unwrap()
}

pub async fn try_ask<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    words: &[&str],
) -> RedisResult<T> {
    let mut cmd = redis::cmd(words[0]);
    cmd.arg(&words[1..]);
    cmd.query_async(connection).await
}

/// Until a node's answer contains this.
pub async fn until(server: &Server, asked: &str, says: &str) {
    let words: Vec<_> = asked.split(' ').collect();
    let mut connection = server.connection().await;
    let said = async {
        loop {
            let answer: String = try_ask(&mut connection, &words).await.unwrap();
            if answer.contains(says) {
                return;
            }
        }
    };
    timeout(PATIENCE, said)
        .await
        .unwrap_or_else(|_| panic!("{asked}: {says}"));
}

/// Until so many connections listen for this queue on this node.
pub async fn until_heard(server: &Server, queue: &Queue, listeners: u64) {
    let channel = queue.keys().key(Part::Log);
    let command = if common::version() >= (7, 0) {
        "SHARDNUMSUB"
    } else {
        "NUMSUB"
    };
    let mut connection = server.connection().await;
    let heard = async {
        loop {
            let words = ["PUBSUB", command, &channel];
            let (_, count): (String, u64) = try_ask(&mut connection, &words).await.unwrap();
            if count == listeners {
                return;
            }
        }
    };
    timeout(PATIENCE, heard).await.expect("listeners");
}

/// How often a node has answered with each error word.
pub async fn errors(server: &Server) -> BTreeMap<String, u64> {
    let stats: String = ask(server, &["INFO", "errorstats"]).await;
    let of = |line: &str| {
        let (word, rest) = line.strip_prefix("errorstat_")?.split_once(":count=")?;
        Some((word.to_owned(), rest.trim().parse().ok()?))
    };
    stats.lines().filter_map(of).collect()
}
