//! Damage done by hand, of each kind: it is found, mended, and the messages are delivered as they should be.
//!
//! Guards what an operator relies on at three in the morning: repair loses no message, and makes no two claims of one.

use std::collections::BTreeSet;

use marconi_redis::keys::Part;
use marconi_redis::{Metadata, Repair};
use redis::Value;
use redis::aio::MultiplexedConnection;

use crate::common::Server;
use crate::stage::{Stage, bodies, message, ms};

mod claims;
mod messages;
mod times;

/// A queue of twelve messages, some in each state, and a connection to its keys.
struct Ward {
    stage: Stage,
    connection: MultiplexedConnection,
    /// Ids by body.
    ids: Vec<String>,
    claim: String,
    other: String,
}

const BODIES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];

impl Ward {
    /// a b: held by `claim`; c: held by `other`, came back before, extended; d: returned; e: nacked, with a delay;
    /// f: posted with a delay; g: with a ttl of its own; the others as usual.
    async fn new() -> Ward {
        let stage = Stage::new().await;
        let metadata = Metadata::new().with_max_claim_count(9);
        stage.at(0).create().metadata(metadata).await.unwrap();
        let mut posts: Vec<_> = BODIES.iter().map(|body| message(body)).collect();
        posts[2] = message("c").ttl(ms(1_000));
        posts[5] = message("f").delay(ms(50_000));
        posts[6] = message("g").ttl(ms(100_000));
        let ids = stage.at(1).post_many(posts).await.unwrap();
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let take = |queue: marconi_redis::Queue, limit| async move {
            let claim = queue.claim().ttl(ms(40_000)).grace(ms(60_000)).limit(limit);
            claim.await.unwrap().expect("something to claim")
        };
        let claim = take(stage.at(2), 2).await;
        let first = take(stage.at(2), 3).await;
        first
            .nack([first.messages()[2].id()])
            .delay(ms(50_000))
            .await
            .unwrap();
        first.release().await.unwrap();
        let other = take(stage.at(3), 1).await;
        stage.at(4).gc().await.unwrap();
        let ward = Ward {
            connection: Server::shared().connection().await,
            ids,
            claim: claim.id().to_string(),
            other: other.id().to_string(),
            stage,
        };
        assert_eq!(ward.stage.at(4).check().await.unwrap(), []);
        ward
    }

    fn key(&self, part: Part) -> String {
        self.stage.at(0).keys().key(part)
    }

    fn id(&self, body: &str) -> String {
        let at = BODIES.iter().position(|other| *other == body);
        self.ids[at.expect("one of the bodies")].clone()
    }

    fn padded(&self, body: &str) -> String {
        let id = self.id(body);
        let (ms, seq) = id.split_once('-').unwrap();
        format!("{ms:0>15}-{seq:0>16}")
    }

    /// A command on the key of a part.
    async fn damage(&mut self, command: &str, part: Part, args: &[&str]) {
        let mut call = redis::cmd(command);
        call.arg(self.key(part)).arg(args);
        call.exec_async(&mut self.connection).await.unwrap();
    }

    async fn held(&mut self, field: &str) -> String {
        let mut call = redis::cmd("HGET");
        call.arg(self.key(Part::Held)).arg(field);
        call.query_async(&mut self.connection).await.unwrap()
    }

    /// What all parts hold, byte for byte.
    async fn dump(&mut self) -> Vec<Value> {
        let mut dump = Vec::new();
        for part in Part::ALL {
            let mut call = redis::cmd("DUMP");
            call.arg(self.key(*part));
            dump.push(call.query_async(&mut self.connection).await.unwrap());
        }
        dump
    }

    /// Check names it, and repair mends it.
    async fn heal(&self, about: &str, sentence: &str) -> Vec<Repair> {
        let found = self.stage.at(5).check().await.unwrap();
        let named = found
            .iter()
            .any(|v| v.about == about && v.sentence.contains(sentence));
        assert!(named, "{about} {sentence}: {found:?}");
        let repairs = self.stage.at(5).repair().await.unwrap();
        assert!(repairs.iter().all(|repair| repair.is_mended), "{repairs:?}");
        assert_eq!(self.stage.at(5).check().await.unwrap(), []);
        repairs
    }

    /// What can be claimed at once; then, when all claims and delays have ended, that all is delivered, each once.
    async fn drain(&self, at_once: &[&str], all: &[&str]) {
        let now = self.take(6).await;
        assert_eq!(now, at_once, "at once");
        let mut rest = self.take(70_000).await;
        rest.extend(now);
        let (count, rest) = (rest.len(), rest.into_iter().collect::<BTreeSet<_>>());
        assert_eq!(rest, all.iter().map(ToString::to_string).collect());
        assert_eq!(count, all.len(), "one came twice");
        let stats = self.stage.at(70_000).stats().await.unwrap();
        assert_eq!((stats.total, stats.claimed, stats.delayed), (0, 0, 0));
        assert_eq!(self.stage.at(70_000).check().await.unwrap(), []);
    }

    async fn take(&self, at: u64) -> Vec<String> {
        let mut taken = Vec::new();
        while let Some(claim) = self
            .stage
            .at(at)
            .claim()
            .ttl(ms(1_000))
            .limit(5)
            .await
            .unwrap()
        {
            taken.extend(bodies(claim.messages()));
            claim.delete_all().await.unwrap();
        }
        taken
    }
}

/// Those that nobody holds and no delay keeps back.
const FREE: [&str; 7] = ["d", "g", "h", "i", "j", "k", "l"];
