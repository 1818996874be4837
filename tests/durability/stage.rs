//! A primary and its replicas, one of which can stop, be cut off, or take over.

// The proof of the same uses its own part of this.
#![allow(dead_code)]

use std::time::Duration;

use marconi_redis::{Durability, Store};
use redis::{FromRedisValue, RedisResult};
use tokio::time::timeout;

use crate::common::Server;

/// Longer than anything takes that is not lost.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Pair {
    pub primary: Server,
    pub replicas: Vec<Server>,
}

impl Pair {
    /// A primary with so many replicas, all of them in step with it.
    pub async fn start(replicas: usize) -> Pair {
        Self::start_with(replicas, &[]).await
    }

    /// The same, each with these options.
    pub async fn start_with(replicas: usize, options: &[&str]) -> Pair {
        let primary = Server::start_tcp(&[options, &["--repl-diskless-sync-delay", "0"]].concat());
        let mut pair = Pair {
            primary,
            replicas: Vec::new(),
        };
        for _ in 0..replicas {
            pair.join(options).await;
        }
        pair
    }

    /// One more replica.
    pub async fn join(&mut self, options: &[&str]) {
        self.join_by(self.primary.port(), options).await;
    }

    /// The same, where it reaches the primary by another port.
    pub async fn join_by(&mut self, port: u16, options: &[&str]) {
        let port = port.to_string();
        let follow = ["--replicaof", "127.0.0.1", &port];
        let replica = Server::start_tcp(&[options, &follow[..]].concat());
        until(&replica, "replication", "master_link_status:up").await;
        self.replicas.push(replica);
        let online = format!("slave{}:", self.replicas.len() - 1);
        until(&self.primary, "replication", &online).await;
        let had: i64 = self.wait_for_all().await;
        assert_eq!(had, self.replicas.len() as i64, "replicas in step");
    }

    /// Until all replicas have what the primary has; how many have.
    pub async fn wait_for_all(&self) -> i64 {
        let mut connection = self.primary.connection().await;
        let mut write = redis::cmd("PUBLISH");
        write.arg("nobody").arg("");
        write.exec_async(&mut connection).await.unwrap();
        let mut wait = redis::cmd("WAIT");
        wait.arg(self.replicas.len()).arg(60_000);
        wait.query_async(&mut connection).await.unwrap()
    }

    pub async fn store(&self) -> Store {
        Store::connect(&self.primary.tcp_url()).await.unwrap()
    }

    /// A store whose writes all of the replicas have to have, within so many ms.
    pub async fn durable(&self, ms: u64) -> Store {
        let all = Durability::replicas(self.replicas.len().max(1) as u32);
        let durable = self
            .store()
            .await
            .with_durability(all.within(Duration::from_millis(ms)));
        durable.unwrap()
    }

    /// The replica gets nothing any more, not even what is on its way: it stops, and is cut off.
    pub async fn cut_off(&self, replica: usize) {
        self.replicas[replica].pause();
        let () = ask(&self.primary, &["CLIENT", "KILL", "TYPE", "replica"]).await;
    }

    /// The primary dies, and this replica takes its place, with what it had.
    pub async fn fail_over_to(&mut self, replica: usize) {
        self.primary.kill();
        let replica = &self.replicas[replica];
        replica.resume();
        let () = ask(replica, &["REPLICAOF", "NO", "ONE"]).await;
    }
}

/// By the unix socket of one server: what that server alone says.
pub async fn ask<T: FromRedisValue>(server: &Server, words: &[&str]) -> T {
    let mut connection = server.connection().await;
    let mut cmd = redis::cmd(words[0]);
    cmd.arg(&words[1..]);
    let answer: RedisResult<T> = cmd.query_async(&mut connection).await;
    answer.unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

/// Until what a server says of itself contains this.
pub async fn until(server: &Server, section: &str, says: &str) {
    let said = async {
        loop {
            let info: String = ask(server, &["INFO", section]).await;
            if info.contains(says) {
                return;
            }
        }
    };
    timeout(PATIENCE, said).await.expect(says);
}

/// How often a server was sent a command.
pub async fn calls(server: &Server, command: &str) -> u64 {
    let info: String = ask(server, &["INFO", "commandstats"]).await;
    let stat = format!("cmdstat_{command}:calls=");
    let of = |line: &str| -> Option<u64> {
        let (count, _) = line.strip_prefix(&stat)?.split_once(',')?;
        count.parse().ok()
    };
    info.lines().find_map(of).unwrap_or(0)
}

/// What is said of a server by its replication, one number.
pub async fn replication(server: &Server, field: &str) -> String {
    let info: String = ask(server, &["INFO", "replication"]).await;
    let of = |line: &str| {
        Some(
            line.strip_prefix(field)?
                .strip_prefix(':')?
                .trim()
                .to_owned(),
        )
    };
    info.lines().find_map(of).expect("a field of INFO")
}
