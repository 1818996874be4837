//! What there is in a queue to damage, read from its keys.
//!
//! Guards that one damage does not hide another: what was taken as a target is not taken again.

use std::collections::{BTreeMap, BTreeSet};

use marconi_redis::Queue;
use marconi_redis::keys::{Part, QueueKeys};
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, ToRedisArgs};

use super::Findings;
use crate::rng::Rng;

/// Enough to choose from.
const SOME: usize = 4_000;

pub struct Keys<'a> {
    pub connection: &'a mut MultiplexedConnection,
    pub keys: &'a QueueKeys,
}

impl Keys<'_> {
    pub async fn run<T: FromRedisValue>(
        &mut self,
        command: &str,
        part: Part,
        args: &[impl ToRedisArgs],
    ) -> T {
        let mut call = redis::cmd(command);
        call.arg(self.keys.key(part)).arg(args);
        let reply = call.query_async(self.connection).await;
        reply.unwrap_or_else(|error| panic!("{command} {part}: {error}"))
    }

    /// Fields and values, or members and scores; most of them.
    async fn scan(&mut self, command: &str, part: Part) -> BTreeMap<String, String> {
        let (mut found, mut cursor) = (BTreeMap::new(), "0".to_owned());
        loop {
            let args = [&*cursor, "COUNT", "500"];
            let (next, page): (String, Vec<(String, String)>) =
                self.run(command, part, &args).await;
            found.extend(page);
            cursor = next;
            if cursor == "0" {
                return found;
            }
        }
    }
}

pub struct HeldBy {
    pub claim: String,
    pub record: String,
    pub ids: Vec<String>,
}

#[derive(Default)]
pub struct Targets {
    pub claims: Vec<HeldBy>,
    pub returned: Vec<String>,
    pub nacked: Vec<String>,
    /// Never claimed, and as usual.
    pub fresh: Vec<String>,
    /// Never claimed, with an entry in `expiry`.
    pub indexed: Vec<String>,
}

impl Targets {
    pub async fn of(keys: &mut Keys<'_>) -> Targets {
        let mut targets = Targets::default();
        let held = keys.scan("HSCAN", Part::Held).await;
        let delayed = keys.scan("ZSCAN", Part::Delayed).await;
        let expiry = keys.scan("ZSCAN", Part::Expiry).await;
        let time: (u64, u64) = redis::cmd("TIME")
            .query_async(keys.connection)
            .await
            .expect("TIME");
        // Not those that lapse at once.
        let from = ((time.0 + 600) * 1_000).to_string();
        let live: Vec<String> = keys
            .run("ZRANGEBYSCORE", Part::Claims, &[&*from, "+inf"])
            .await;
        for claim in live.into_iter().collect::<BTreeSet<_>>() {
            let record = held[&claim].clone();
            let ids = record
                .split(' ')
                .nth(4)
                .expect("its ids")
                .split(',')
                .map(str::to_owned)
                .collect();
            targets.claims.push(HeldBy { claim, record, ids });
        }
        targets.returned = keys.run("ZRANGE", Part::Returned, &["0", "3999"]).await;
        let cursor: String = keys.run("HGET", Part::Meta, &["cursor"]).await;
        let before = |id: &&String| padded(id) <= padded(&cursor);
        targets.nacked = delayed.keys().filter(before).take(SOME).cloned().collect();
        let after = format!("({cursor}");
        let args = [&*after, "+", "COUNT", "4000"];
        let fresh: Vec<(String, redis::Value)> = keys.run("XRANGE", Part::Log, &args).await;
        for (id, _) in fresh {
            match (expiry.contains_key(&id), delayed.contains_key(&id)) {
                (true, false) => targets.indexed.push(id),
                (false, false) => targets.fresh.push(id),
                _ => {}
            }
        }
        targets
    }
}

/// One of them, which is no target any more.
pub fn take<T>(from: &mut Vec<T>, rng: &mut Rng) -> Option<T> {
    (!from.is_empty()).then(|| from.swap_remove(rng.below(from.len())))
}

pub fn padded(id: &str) -> String {
    let (ms, seq) = id.split_once('-').expect("an id");
    format!("{ms:0>15}-{seq:0>16}")
}

/// Read from the records themselves: no message is in two of them.
pub async fn no_two_claims(
    connection: &mut MultiplexedConnection,
    queue: &Queue,
    findings: &mut Findings,
) {
    let mut keys = Keys {
        connection,
        keys: queue.keys(),
    };
    let held = keys.scan("HSCAN", Part::Held).await;
    let records = held.values().filter_map(|value| value.split(' ').nth(4));
    let mut seen = BTreeSet::new();
    for id in records.flat_map(|ids| ids.split(',')) {
        if !seen.insert(id) {
            findings.violated(format!("{id} is in the records of two claims"));
        }
    }
    findings.detail("messages in claims after repair", seen.len());
}
